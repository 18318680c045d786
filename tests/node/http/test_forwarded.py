"""Whose request a proxy brings, and who cannot pretend to be somebody else."""

import pytest

from accredit.node.http.forwarded import client_of, networks, share_of
from accredit.registry.errors import InputError

OURS = networks(["127.0.0.1/32", "10.0.0.0/8", "::1/128"])


@pytest.mark.parametrize(
    ("listed", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("203.0.113.9, 192.0.2.7", "192.0.2.7"),  # the left one is what the client wrote
        ("192.0.2.7, 10.1.2.3", "192.0.2.7"),  # two proxies of ours
        ("192.0.2.7:4711", "192.0.2.7"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("192.0.2.7, nonsense", "127.0.0.1"),
        ("192.0.2.7, nonsense, 10.1.2.3", "10.1.2.3"),
        ("", "127.0.0.1"),
        (",".join(["10.0.0.1"] * 5_000), "10.0.0.1"),
    ],
)
def test_the_last_address_that_is_no_proxy_of_ours_asked(listed: str, client: str) -> None:
    headers = [(b"x-forwarded-for", listed.encode()), (b"forwarded", b"for=198.51.100.1")]
    assert client_of("127.0.0.1", headers, proxies=OURS) == client


@pytest.mark.parametrize(
    ("listed", "client"),
    [
        ("for=192.0.2.7", "192.0.2.7"),
        ('For="[2001:db8::1]:4711";proto=https;by=10.0.0.1', "2001:db8::1"),
        ("for=203.0.113.9;proto=http, proto=https;for=192.0.2.7", "192.0.2.7"),
        ("for=192.0.2.7, for=10.0.0.1", "192.0.2.7"),
        ("for=unknown", "127.0.0.1"),
        ("for=_hidden, for=10.0.0.1", "10.0.0.1"),
        ("proto=https", "127.0.0.1"),
    ],
)
def test_rfc_7239_says_it_as_well(listed: str, client: str) -> None:
    headers = [(b"forwarded", listed.encode()), (b"x-forwarded-for", b"198.51.100.1")]
    assert client_of("127.0.0.1", headers, proxies=OURS, header="forwarded") == client


def test_two_headers_are_one_list() -> None:
    headers = [(b"x-forwarded-for", b"203.0.113.9"), (b"x-forwarded-for", b"192.0.2.7")]
    assert client_of("127.0.0.1", headers, proxies=OURS) == "192.0.2.7"


def test_whoever_is_no_proxy_speaks_for_itself_only() -> None:
    headers = [(b"x-forwarded-for", b"198.51.100.1")]
    assert client_of("192.0.2.7", headers, proxies=OURS) == "192.0.2.7"
    assert client_of("127.0.0.1", headers, proxies=()) == "127.0.0.1"
    assert client_of("", headers, proxies=OURS) == ""


def test_a_customers_whole_ipv6_network_is_one_share() -> None:
    assert share_of("2001:db8:0:1::5") == share_of("2001:db8:0:1:ffff::6") == "2001:db8:0:1::/64"
    assert share_of("2001:db8:0:2::5") != share_of("2001:db8:0:1::5")
    assert share_of("192.0.2.7") == "192.0.2.7"


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match=r"10\.0\.0\.1/8"):
        networks(["10.0.0.1/8"])
