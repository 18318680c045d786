"""Reads the URL of a node as people type it: returns its canonical spelling, or an error with the URL to type instead.

A node's URL has a scheme, a host, and possibly a port and a path (a proxy's prefix). It never has a user name or
password: nodes ask for none, and URLs end up in logs and process lists. Such a URL is refused without being quoted.
"""

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from accredit.registry.errors import InputError

_SCHEMES: Final = ("http", "https")
_ROUTES: Final = re.compile(r"/(v1|log)(/.*)?$")
_HOST: Final = re.compile(r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?\.?", re.IGNORECASE | re.ASCII)
_ADDRESS: Final = re.compile(r"[0-9a-f:.]+(?:%25[a-z0-9._~-]+)?", re.IGNORECASE | re.ASCII)
_THIS_MACHINE: Final = ("127.", "localhost", "[::1]")


def node_url(text: str) -> str:
    """Return the one spelling of a node's URL: scheme and host in lower case, no slash at its end.

    A link-local address carries its zone as RFC 6874 writes it: `http://[fe80::1%25eth0]:8080`.

    Raises:
        InputError: `bad_url`; the hint is the URL to type instead, if that can be known.
    """
    typed = text.strip()
    if "@" in typed:
        raise _bad(
            "The URL of this node contains a user name or password, but nodes do not use them.",
            "Leave out the part before the @.",
        )
    if "://" not in typed:
        scheme = "http" if typed.startswith(_THIS_MACHINE) else "https"  # nobody has a certificate for it
        raise _bad(f"{typed!r} is not the URL of a node: it lacks https:// or http://.", f"Write {scheme}://{typed}")
    try:
        parts = urlsplit(_with_encoded_zone(typed))
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _bad(f"{typed!r} is not the URL of a node.", "A node's URL looks like https://host:port.") from None
    if parts.scheme not in _SCHEMES:
        raise _bad(f"{typed!r} is not the URL of a node.", "A node's URL begins with https:// or http://.")
    if not host.isascii():
        raise _bad(f"The host name in {typed!r} has letters that are not ASCII.", _in_punycode(parts, host))
    if parts.query or parts.fragment or typed.endswith(("?", "#")):
        bare = typed.partition("#")[0].partition("?")[0]
        raise _bad(f"{typed!r} is not the URL of a node: it has a query or a fragment.", f"Write {bare}")
    is_address = ":" in host
    if (_ADDRESS if is_address else _HOST).fullmatch(host) is None:
        raise _bad(f"{typed!r} has an invalid host name.", "A node's URL looks like https://host:port.")
    written = f"[{host}]" if is_address else host
    base = f"{parts.scheme}://{written}" + (f":{port}" if port is not None else "")
    if route := _ROUTES.search(parts.path):
        raise _bad(
            f"{typed!r} is a route, not the base URL of a node.",
            f"Give the node's base URL: {base}{parts.path[: route.start()]}",
        )
    return base + parts.path.rstrip("/")


def _with_encoded_zone(url: str) -> str:
    """Return the URL with a bare percent sign before a zone encoded as in RFC 6874."""
    return re.sub(r"(?<=[0-9a-fA-F:])%(?!25)(?=[^\]/]+\])", "%25", url, count=1)


def _in_punycode(parts: SplitResult, host: str) -> str:
    import idna

    try:
        ascii_host = idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        return "Write it in punycode (xn--…)."
    port = f":{parts.port}" if parts.port is not None else ""
    return f"Write {parts.scheme}://{ascii_host}{port}{parts.path.rstrip('/')}"


def _bad(message: str, hint: str) -> InputError:
    return InputError("bad_url", message, hint=hint)
