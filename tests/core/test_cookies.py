import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from werkzeug.sansio.http import parse_cookie

from costrel.core.cookies import check_cookie_domain, check_cookie_expires, check_cookie_name, read_cookies

header_text = st.lists(st.sampled_from([";", "=", " ", "\t", '"', "\\", "a", "b", "é", "\\073", ","])).map(
    "".join
)


@given(header_text | st.text(st.characters(max_codepoint=255), max_size=30))
@example('a=1; =b; c="x\\073y"; d')
@example("a b=1; c = 2 ;d=3 4")
def test_cookies_are_those_that_werkzeug_reads(header):
    assert MultiDict(read_cookies(header)) == parse_cookie(header)


def test_cookies_without_a_name_are_dropped():
    assert read_cookies("=session=forged; session=real") == [("session", "real")]


@pytest.mark.parametrize("name", ["session", "__Host-id", "a.b~c", "!#$%&'*+-.^_`|~"])
def test_token_is_a_good_cookie_name(name):
    check_cookie_name(name)


@pytest.mark.parametrize("name", ["", "a b", "a=b", "a;b", "a,b", "a\r\nb", "a\x00", "é", '"a"', "a\n"])
def test_other_cookie_names_are_refused(name):
    with pytest.raises(ValueError, match="RFC 6265"):
        check_cookie_name(name)


@pytest.mark.parametrize("domain", ["a;secure", "a b", "a,b", "a\r\nb", "a\x00"])
def test_domain_with_attributes_in_it_is_refused(domain):
    with pytest.raises(ValueError, match="domain"):
        check_cookie_domain(domain)


@pytest.mark.parametrize("domain", [None, "", ".shop.example", "bücher.example"])
def test_host_names_are_good_domains(domain):
    check_cookie_domain(domain)


@pytest.mark.parametrize(
    "expires", ["Thu, 01 Jan 1970 00:00:00 GMT; Domain=evil.example", "1\r\nX: 1", "\x00"]
)
def test_date_with_attributes_in_it_is_refused(expires):
    with pytest.raises(ValueError, match="expires must be a date"):
        check_cookie_expires(expires)


@pytest.mark.parametrize("expires", [None, 0, "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_dates_of_any_type_are_good(expires):
    check_cookie_expires(expires)
