import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from werkzeug.sansio.multipart import Data, Epilogue, MultipartDecoder, NeedData

from costrel.core.multipart_decoder import Decoder

HEADER = b'Content-Disposition: form-data; name="a"\r\n\r\n'
FRAGMENTS = [
    *(b"\r\n", b"\r", b"\n", b"--b", b"--b--", b"\r\n--b\r\n", b"\n--b \t\r\n", b"\r\n--b--\r\n", b"--bb"),
    *(HEADER, b"\r\n\r\n", b" ", b"\t", b"\v", b"-", b"x", b"\x00"),
]
# Of these bodies all is plain wherever a read ends.
PLAIN = [b"\r\n", b"--b", b"--b--", b"\r\n--b\r\n" + HEADER, b"--bb", b"-", b"x", b" ", b"\x00"]
BODIES = st.lists(st.sampled_from(FRAGMENTS), max_size=16).map(b"".join)


def events(decoder, pieces):
    """Return what a decoder finds, the data of a part in one piece; of a malformed body the error alone."""
    found = []
    for piece in (*pieces, None):
        decoder.receive_data(piece)
        try:
            while not isinstance(event := decoder.next_event(), NeedData):
                if isinstance(event, Data) and found and isinstance(found[-1], bytes):
                    found[-1] += event.data
                else:
                    found.append(event.data if isinstance(event, Data) else event)
                if isinstance(event, Epilogue):
                    return found
        except (ValueError, AttributeError) as error:
            return [type(error)]

    return found


@given(BODIES)
def test_it_finds_what_werkzeugs_decoder_finds(middle):
    for body in (middle, b"--b\r\n" + HEADER + middle + b"\r\n--b--\r\n"):
        assert events(Decoder(b"b"), [body]) == events(MultipartDecoder(b"b"), [body])


@given(st.lists(st.sampled_from(PLAIN), max_size=16).map(b"".join), st.integers(1, 9))
def test_it_finds_the_same_wherever_its_reads_end(middle, step):
    body = b"--b\r\n" + HEADER + middle + b"\r\n--b--\r\n"
    # Right behind a blank line a boundary may be the data or, with the line's end, what ends the part: no
    # client writes that, and Werkzeug's decoder goes by its reads.
    assume(b"\r\n\r\n--b" not in body)
    pieces = [body[at : at + step] for at in range(0, len(body), step)]

    assert parts(events(Decoder(b"b"), pieces)) == parts(events(Decoder(b"b"), [body]))


def parts(found):
    return [one for one in found if one != b"" and not isinstance(one, Epilogue)]


@pytest.mark.parametrize("boundary", [b"a.b*c", b"(", b"\\", b"+'_,-./:=?"])
def test_boundary_is_no_expression(boundary):
    body = b"--" + boundary + b"\r\n" + HEADER + b"x\r\n--" + boundary + b"--"

    assert b"x" in events(Decoder(boundary), [body])
