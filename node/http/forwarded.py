"""The client's address behind a proxy: `Forwarded` (RFC 7239) or `X-Forwarded-For`, trusted only from known proxies.

    client = client_of("127.0.0.1", headers, proxies=networks(["127.0.0.1/32"]), header="x-forwarded-for")

Both headers list addresses, each put to the right by the proxy that saw it. Only what our own proxies added is known to
be true, so the list is read from the right, over trusted addresses, up to the first that is not: that one asked. What
stands further left is whatever the client wrote. One header is read, the one that the proxy is known to write: a proxy
that writes one of them passes the other on as the client sent it.
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from accredit.registry.errors import InputError

HOPS: Final = 16
"""Proxies one behind the other that are looked through."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

# RFC 7239 §4: for=192.0.2.43, for="[2001:db8::17]:4711"; names may be in any case
_FOR: Final = re.compile(r'(?:^|;)\s*for\s*=\s*"?([^";]*)"?\s*(?:;|$)', re.IGNORECASE)
_WITH_PORT: Final = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]+)?|([0-9.]+):[0-9]+")


def networks(texts: Iterable[str]) -> tuple[IpNetwork, ...]:
    """Networks in CIDR notation; an address stands for itself.

    Raises:
        InputError: one is none (`bad_network`).
    """
    found = []
    for text in texts:
        try:
            found.append(ipaddress.ip_network(text))
        except ValueError as error:
            raise InputError(
                "bad_network", f"{text!r} is not a network: {error}.", hint="Write it like 192.0.2.0/24."
            ) from None
    return tuple(found)


@lru_cache(maxsize=4096)
def address_of(text: str) -> Address | None:
    """An address, without a zone; IPv4 in IPv6 as IPv4. None where it is none."""
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(parsed, "ipv4_mapped", None)
    return parsed if mapped is None else mapped


def is_proxy(address: str, proxies: Sequence[IpNetwork]) -> bool:
    """Whether it is that of a trusted proxy."""
    parsed = address_of(address)
    return parsed is not None and any(parsed in network for network in proxies)


def share_of(address: str) -> str:
    """Under what an address is counted: itself; for IPv6 its /64, which one customer has."""
    parsed = address_of(address)
    if parsed is not None and parsed.version == 6:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address


def client_of(
    peer: str, headers: Iterable[tuple[bytes, bytes]], *, proxies: Sequence[IpNetwork], header: str = "x-forwarded-for"
) -> str:
    """The address that asks: the connection's, or what trusted proxies say about it.

    Args:
        peer: the connection's address.
        header: `forwarded` or `x-forwarded-for`.
    """
    if not proxies or not is_proxy(peer, proxies):
        return peer
    name = header.encode()
    listed = ",".join(value.decode("latin-1") for one, value in headers if one == name)
    hops = listed.rsplit(",", HOPS)[-HOPS:] if listed else []
    client = peer
    for hop in reversed(hops):
        if header == "forwarded":
            said = _FOR.search(hop)
            hop = said[1] if said is not None else ""
        hop = hop.strip()
        ported = _WITH_PORT.fullmatch(hop)
        hop = (ported[1] or ported[2]) if ported is not None else hop
        if address_of(hop) is None:  # `unknown`, `_hidden`, or nonsense: whoever wrote it is all that is known
            return client
        client = hop
        if not is_proxy(hop, proxies):
            return client
    return client
