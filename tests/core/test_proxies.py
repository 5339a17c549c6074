"""Who a request came from is said by trusted proxies only, and never by what a client made up."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costrel.core.proxies import Origin, read_address, read_trust
from costrel.errors import ConfigError

ALL = ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix"]
PRIVATE = ["10.0.0.0/8", "fd00::/8"]


def origin_of(trust, *, peer="10.0.0.1", **sent):
    headers = {name.replace("_", "-").lower(): value for name, value in sent.items()}

    return trust.find_origin(peer, lambda name: headers.get(name.lower()))


@pytest.mark.parametrize("nothing", [None, 0, [], ()])
def test_without_the_setting_nobody_is_trusted(nothing):
    assert read_trust(nothing) is None


@pytest.mark.parametrize(
    ("hops", "chain", "client"),
    [
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "6.6.6.6, 203.0.113.7", "203.0.113.7"),
        (2, "203.0.113.7, 10.0.0.2", "203.0.113.7"),
        (2, "6.6.6.6,127.0.0.1 , 203.0.113.7\t,10.0.0.2", "203.0.113.7"),
        (3, ",,203.0.113.7,10.0.0.3,10.0.0.2", "203.0.113.7"),
    ],
)
def test_hops_are_counted_from_the_server(hops, chain, client):
    assert origin_of(read_trust(hops), x_forwarded_for=chain).address == client


@pytest.mark.parametrize("chain", [None, "", "203.0.113.7"])
def test_request_with_too_few_hops_went_round_the_proxies_and_is_believed_nothing(chain):
    assert origin_of(read_trust(2, ALL), x_forwarded_for=chain, x_forwarded_proto="https") is None


@pytest.mark.parametrize("peer", ["203.0.113.7", "10.0.0.1", "", None])
def test_hops_do_not_ask_who_connects(peer):
    assert origin_of(read_trust(1), peer=peer, x_forwarded_for="192.0.2.1").address == "192.0.2.1"


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("6.6.6.6, 203.0.113.7", "203.0.113.7"),
        ("6.6.6.6, 203.0.113.7, 10.9.9.9", "203.0.113.7"),
        ("10.6.6.6, 203.0.113.7, fd00::9, 10.9.9.9", "203.0.113.7"),
        ("10.8.8.8, 10.9.9.9", "10.8.8.8"),
        ("203.0.113.7, ::ffff:10.9.9.9", "203.0.113.7"),
    ],
)
def test_networks_are_followed_up_to_the_first_stranger(chain, client):
    assert origin_of(read_trust(PRIVATE), x_forwarded_for=chain).address == client


@pytest.mark.parametrize("peer", ["203.0.113.7", "11.0.0.1", "fe80::1", "nonsense", "", None])
def test_stranger_who_connects_is_believed_nothing(peer):
    sent = {"x_forwarded_for": "127.0.0.1", "x_forwarded_proto": "https", "x_forwarded_host": "evil.example"}

    assert origin_of(read_trust(PRIVATE, ALL), peer=peer, **sent) is None


@pytest.mark.parametrize("peer", ["10.0.0.1", "::ffff:10.0.0.1", "fd00::1", "fd00::1%eth0"])
def test_proxy_is_known_in_every_spelling_of_its_address(peer):
    assert origin_of(read_trust(PRIVATE), peer=peer, x_forwarded_for="192.0.2.1").address == "192.0.2.1"


@pytest.mark.parametrize("peer", ["", None, "localhost", "unix:"])
def test_unix_socket_is_trusted_by_its_own_word(peer):
    assert origin_of(read_trust(["unix"]), peer=peer, x_forwarded_for="192.0.2.1").address == "192.0.2.1"
    assert origin_of(read_trust(["10.0.0.1"]), peer=peer, x_forwarded_for="192.0.2.1") is None


@pytest.mark.parametrize(
    "node",
    ["unknown", "_hidden", "", "1.2.3", "1.2.3.4.5", "01.2.3.4", "::1::", "fe80::1%1", "[::1",
     "1.2.3.4:123456", "1.2.3.4\r\nX: y", "evil.example", "9" * 5_000, "1.2.3.4 5.6.7.8", "٣.1.1.1", "<b>"],
)  # fmt: skip
def test_node_that_is_no_address_leaves_the_connections(node):
    assert origin_of(read_trust(1), x_forwarded_for=f"6.6.6.6,{node}").address is None
    assert origin_of(read_trust(PRIVATE), x_forwarded_for=f"6.6.6.6,{node}").address is None


def test_address_stays_that_of_the_last_proxy_known_if_that_one_hides_who_came():
    assert origin_of(read_trust(PRIVATE), x_forwarded_for="6.6.6.6, unknown, 10.0.0.9").address == "10.0.0.9"


@pytest.mark.parametrize(
    ("node", "address", "port"),
    [
        ("192.0.2.1:4711", "192.0.2.1", "4711"),
        ("[2001:DB8::1]:4711", "2001:db8::1", "4711"),
        ("[2001:db8::1]", "2001:db8::1", None),
        ("2001:db8:0:0::1", "2001:db8::1", None),
        ("::ffff:192.0.2.1", "192.0.2.1", None),
    ],
)
def test_ports_and_ipv6_are_read(node, address, port):
    origin = origin_of(read_trust(1), x_forwarded_for=node)

    assert (origin.address, origin.port) == (address, port)


def test_only_the_named_headers_are_believed():
    sent = dict.fromkeys(("x_forwarded_host", "x_forwarded_prefix"), "/evil")
    origin = origin_of(read_trust(1), x_forwarded_for="192.0.2.1", x_forwarded_port="1", **sent)

    assert origin == Origin(address="192.0.2.1")


def test_client_address_is_the_connections_if_no_header_for_it_is_named():
    origin = origin_of(
        read_trust(1, ["X-Forwarded-Proto"]), x_forwarded_for="6.6.6.6", x_forwarded_proto="https"
    )

    assert origin == Origin(scheme="https")


def test_all_headers_are_read():
    origin = origin_of(
        read_trust(1, ALL),
        x_forwarded_for="192.0.2.1",
        x_forwarded_proto="HTTPS",
        x_forwarded_host="Shop.example:443",
        x_forwarded_port="8443",
        x_forwarded_prefix="/shop/",
    )

    assert origin == Origin("192.0.2.1", None, "https", "Shop.example", "8443", "/shop")


@pytest.mark.parametrize(
    ("hops", "told", "scheme"),
    [
        (1, "https", "https"),
        (1, "http, https", "https"),
        (1, "https, http", "http"),
        (2, "https, http", "https"),
        (2, "http, https, http", "https"),
        (2, "https", "https"),
        (1, "wss", "https"),
        (1, "ftp", None),
        (1, "https\0", None),
        (1, "", None),
        (1, "https,", None),
    ],
)
def test_scheme_is_what_the_outermost_trusted_proxy_says(hops, told, scheme):
    origin = origin_of(read_trust(hops), x_forwarded_for="192.0.2.1, 10.0.0.2", x_forwarded_proto=told)

    assert origin.scheme == scheme


def test_scheme_is_that_of_the_proxy_which_the_first_stranger_reached():
    sent = {"x_forwarded_for": "192.0.2.1, 10.0.0.2", "x_forwarded_proto": "https, http"}

    assert origin_of(read_trust(PRIVATE), **sent).scheme == "https"
    assert origin_of(read_trust(["10.0.0.1"]), **sent).scheme == "http"


@pytest.mark.parametrize(
    "host",
    ["", "evil.example/path", "a b", "user@evil.example", "evil.example\r\nX: y", "evil.example:99999",
     "a:1:2", "[::1", "evil.example#", "//evil.example", "evil.example\\", "xn--a"],
)  # fmt: skip
def test_malformed_host_is_ignored(host):
    assert origin_of(read_trust(1, ALL), x_forwarded_for="192.0.2.1", x_forwarded_host=host).host is None


@pytest.mark.parametrize("port", ["", "0", "65536", "-1", "80a", "8 0", "999999", "٣"])
def test_malformed_port_is_ignored(port):
    assert origin_of(read_trust(1, ALL), x_forwarded_for="192.0.2.1", x_forwarded_port=port).host_port is None


@pytest.mark.parametrize(
    "prefix",
    ["", "/", "shop", "//evil.example", "/shop//evil", "/\\evil.example", "/shop?x", "/shop#x", "/a/../b",
     "/./a", "/sh%6fp", "/shop\r\nX: y", "https://evil.example", "/shöp"],
)  # fmt: skip
def test_prefix_that_is_no_plain_path_is_ignored(prefix):
    origin = origin_of(read_trust(1, ALL), x_forwarded_for="192.0.2.1", x_forwarded_prefix=prefix)

    assert origin.prefix == ""


def test_forwarded_is_believed_alone():
    trust = read_trust(1, "Forwarded")
    sent = {"x_forwarded_for": "6.6.6.6", "x_forwarded_proto": "http", "x_forwarded_host": "evil.example"}
    origin = origin_of(trust, forwarded='for="[2001:db8::1]:47";proto=https;host="shop.example:8443"', **sent)

    assert origin == Origin("2001:db8::1", "47", "https", "shop.example:8443")
    assert origin_of(trust, **sent) is None


@pytest.mark.parametrize(
    ("trust", "client", "scheme"),
    [
        (read_trust(1, "Forwarded"), "10.0.0.2", None),
        (read_trust(2, "Forwarded"), "192.0.2.1", "https"),
        (read_trust(PRIVATE, "Forwarded"), "192.0.2.1", "https"),
        (read_trust(["10.0.0.1"], "Forwarded"), "10.0.0.2", None),
    ],
)
def test_forwarded_is_read_from_the_element_of_the_outermost_trusted_proxy(trust, client, scheme):
    spoofed = "for=6.6.6.6;proto=http;host=evil.example"
    origin = origin_of(trust, forwarded=f"{spoofed}, for=192.0.2.1;proto=https, for=10.0.0.2")

    assert origin == Origin(address=client, scheme=scheme)


def test_forwarded_that_hides_the_client_still_says_the_rest():
    origin = origin_of(read_trust(PRIVATE, "Forwarded"), forwarded="for=_secret;proto=https, for=10.0.0.2")

    assert origin == Origin(address="10.0.0.2", scheme="https")


@pytest.mark.parametrize(
    ("proxies", "names", "problem", "hint"),
    [
        (True, ALL, "True", "TRUSTED_PROXIES = 1"),
        (-1, ALL, "-1", "Count"),
        (33, ALL, "33", "Count"),
        ("10.0.0.0/8", ALL, "'10.0.0.0/8'", "["),
        (1.0, ALL, "1.0", "TRUSTED_PROXIES = 1"),
        ({"for": 1}, ALL, "{'for': 1}", "TRUSTED_PROXIES = 1"),
        (["10.0.0.1/8"], ALL, "'10.0.0.1/8'", "'10.0.0.0/8'"),
        (["*"], ALL, "'*'", "TRUSTED_PROXIES = 1"),
        (["proxy.internal"], ALL, "'proxy.internal'", "10.0.0.0/8"),
        (1, ["X-Real-IP"], "'X-Real-IP'", "X-Forwarded-For"),
        (None, [7], "7", "X-Forwarded-For"),
        (1, ["Forwarded", "X-Forwarded-Proto"], "both", "the proxy sets"),
    ],
)
def test_setting_that_cannot_be_used_is_refused(proxies, names, problem, hint):
    with pytest.raises(ConfigError) as caught:
        read_trust(proxies, names)

    assert problem in caught.value.problem
    assert hint in caught.value.hint


def test_networks_may_be_objects_and_names_are_known_without_case():
    trust = read_trust([ipaddress.ip_network("10.0.0.0/8")], ["x-forwarded-FOR"])

    assert trust.trusts("10.1.1.1")
    assert trust.headers == {"X-Forwarded-For"}


@given(st.lists(st.sampled_from(["10.0.0.3", "6.6.6.6", "unknown", "", "1.1.1.1:80"])), st.integers(1, 4))
def test_what_a_client_puts_in_front_changes_nothing(spoofed, hops):
    honest = ["192.0.2.1", *[f"10.0.0.{number}" for number in range(2, hops + 1)]]

    for trust in (read_trust(hops), read_trust(PRIVATE)):
        origin = origin_of(trust, x_forwarded_for=", ".join([*spoofed, *honest]))
        assert origin.address == "192.0.2.1"


@given(st.text(max_size=200), st.sampled_from(ALL), st.sampled_from([1, 2, ("10.0.0.0/8", "unix")]))
def test_no_text_breaks_it(text, name, proxies):
    sent = {"X-Forwarded-For": "192.0.2.1,10.0.0.2", name: text}
    origin = read_trust(proxies, ALL).find_origin("10.0.0.1", sent.get)

    assert origin is None or origin.address is None or read_address(origin.address) is not None
