import pytest
from werkzeug.test import create_environ

from costrel import Response


def make(pieces, log):
    def stream():
        try:
            yield from pieces
        finally:
            log.append("stream")

    response = Response(stream())
    response.call_on_close(lambda: log.append("response"))

    return response.send(create_environ(), lambda *_: None, ())


def test_pieces_are_bytes_however_they_are_asked_for():
    assert list(make(["é", b"\x00", ""], [])) == ["é".encode(), b"\x00", b""]

    body = make(["a", "b"], [])

    assert next(body) == b"a"
    assert list(body) == [b"b"]


@pytest.mark.parametrize("read", [0, 1, 3])
def test_stream_and_response_are_closed_wherever_it_was_left(read):
    log = []
    body = make(["a", "b"], log)
    for _ in zip(range(read), body, strict=False):
        pass

    body.close()
    body.close()

    # What never began has nothing to end.
    assert [one for one in log if one == "stream"] == ["stream"][: int(read > 0)]
    assert log[-1] == "response"
