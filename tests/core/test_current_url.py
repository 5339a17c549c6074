from hypothesis import given
from hypothesis import strategies as st
from werkzeug.sansio.utils import get_current_url

from costrel.core.current_url import current_url

HOSTS = [
    "a",
    "a.example",
    "a-b.c:80",
    "A.example",
    "xn--n3h.net",
    "[::1]:80",
    "a:0",
    "a:080",
    "a:65535",
    "a_b",
]
TEXT = st.text("aZ0/.%~?#[]\\;:@!$&'()*+,= é☃\x00\n", max_size=12) | st.sampled_from(
    ["", "/", "//a", "/a//", "a"]
)
QUERIES = TEXT.map(str.encode) | st.binary(max_size=4)


@given(st.sampled_from(["http", "https", "ws", ""]), st.sampled_from(HOSTS), TEXT, TEXT, QUERIES)
def test_url_is_the_one_that_werkzeug_makes(scheme, host, root_path, path, query):
    for parts in ((), (root_path,), (root_path, path), (root_path, path, query)):
        assert outcome(current_url, scheme, host, *parts) == outcome(get_current_url, scheme, host, *parts)


def outcome(make, *parts):
    try:
        return make(*parts)
    except ValueError as error:
        return type(error), str(error)


def test_host_whose_name_no_domain_can_have_is_left_to_werkzeug():
    host = "a" * 70

    assert current_url("http", host, "", "/") == get_current_url("http", host, "", "/")
