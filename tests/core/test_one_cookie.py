"""One cookie is read as the parser of all would read it."""

from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Request, Response

from costrel.core.one_cookie import add_if_absent, read_cookie, vary_by_cookie

pieces = st.sampled_from(
    ["session", "=", ";", "; ", " ", '"', "a.b-c_d", "x", "session=1", "xsession=2", "\\073", "é", "\t"]
)


@given(st.lists(pieces).map("".join))
@example("xsession=1; session=2")
@example("session=1; session=2")
@example('session="a b"')
@example("a=session; session=ok; b=c")
def test_cookie_is_read_as_by_the_parser(header):
    request = Request({"HTTP_COOKIE": header})

    assert read_cookie(request, "session") == request.cookies.get("session")


def test_no_cookie_is_none():
    assert read_cookie(Request({}), "session") is None


def test_request_without_environ_is_asked_for_its_cookies():
    class OtherRequest:
        cookies = {"session": "x"}

    assert read_cookie(OtherRequest(), "session") == "x"


def test_vary_gets_cookie_once_beside_what_is_there():
    response = Response(headers=Headers([("Vary", "Accept-Encoding")]))

    vary_by_cookie(response)
    vary_by_cookie(response)

    assert response.headers.getlist("Vary") == ["Accept-Encoding, Cookie"]


def test_header_is_added_only_where_there_is_none_in_any_spelling():
    headers = Headers([("cache-control", "no-store")])

    assert add_if_absent(headers, "Cache-Control", "private") is False
    assert add_if_absent(headers, "Vary", "Cookie") is True
    assert headers.to_wsgi_list() == [("cache-control", "no-store"), ("Vary", "Cookie")]
