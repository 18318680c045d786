"""Finds the client's address behind a proxy: `Forwarded` (RFC 7239) or `X-Forwarded-For`, trusted only from known
proxies.

    client = client_of("127.0.0.1", headers, proxies=networks(["127.0.0.1/32"]), header="x-forwarded-for")

Both headers list addresses; each proxy appends the address that it saw on the right. Only entries by trusted proxies
are reliable. So the list is read from the right, past trusted addresses, up to the first other one, which is the
client. The client may have written anything further left. Only the header that the proxy writes is read, because a
proxy passes the other one on as the client sent it.
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from accredit.registry.errors import InputError

HOPS: Final = 16
"""The most proxies in a row that are followed."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

# RFC 7239 §4: for=192.0.2.43, for="[2001:db8::17]:4711"; names may be in any case
_FOR: Final = re.compile(r'(?:^|;)\s*for\s*=\s*"?([^";]*)"?\s*(?:;|$)', re.IGNORECASE)
_WITH_PORT: Final = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]+)?|([0-9.]+):[0-9]+")


def networks(texts: Iterable[str]) -> tuple[IpNetwork, ...]:
    """Return networks given in CIDR notation; an address is a network of one.

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
    """Return an address without its zone, IPv4 in IPv6 as IPv4; None if the text is not an address."""
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(parsed, "ipv4_mapped", None)
    return parsed if mapped is None else mapped


def is_proxy(address: str, proxies: Sequence[IpNetwork]) -> bool:
    """Return whether it is the address of a trusted proxy."""
    parsed = address_of(address)
    return parsed is not None and any(parsed in network for network in proxies)


def share_of(address: str) -> str:
    """Return the name under which an address is counted: itself; for IPv6 its /64, which belongs to one customer."""
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
        if address_of(hop) is None:  # `unknown`, `_hidden`, or nonsense: only the proxy that wrote it is known
            return client
        client = hop
        if not is_proxy(hop, proxies):
            return client
    return client
