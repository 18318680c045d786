"""Fetches for `accredit check`, if its user allows it: a credential, an issuer's own document, a status list.

It uses GET over TLS, follows no redirection, and sends nothing from a credential. An address named by a credential may
not lead into the reader's own network, unless the user allows it.
"""

import ipaddress
import re
import socket
import threading
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

from accredit.node.clients.blocking_http import BlockingHttp
from accredit.node.clients.outgoing import Outgoing
from accredit.registry.encoding import json_text
from accredit.registry.errors import DecodeError, InputError, RefusedError, RemoteError

FETCHED_BYTES_MAX: Final = 16 * 2**20
"""Of one answer: a status list with its bits packed has some hundred thousand."""

SECONDS: Final = 15.0
"""For each part of an answer. A guess."""

WHOLE_SECONDS: Final = 60.0
"""For a whole answer, however small its parts are. A guess: 16 MiB at some 2 Mbit/s."""

_DID_WEB: Final = re.compile(r"did:web:([A-Za-z0-9.%-]+)((?::[A-Za-z0-9._%-]+)*)", re.ASCII)
_LABEL: Final = r"[A-Za-z0-9_-]{1,63}"
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?(?::\d{{1,5}})?", re.ASCII)
_NUMBERED: Final = re.compile(r"\[[0-9A-Fa-f:.]+\](?::\d{1,5})?", re.ASCII)


def fetch(url: str, *, may_be_private: bool) -> bytes:
    """Return the content at an https address.

    Args:
        may_be_private: whether the address may be in the reader's own network.

    Raises:
        InputError: it is another kind of address.
        RefusedError: it is a private one.
        RemoteError: it cannot be had.
    """
    parts = _split(url)
    found: list[bytes | BaseException] = []

    def get() -> None:
        try:
            found.append(_got(url, parts, may_be_private=may_be_private))
        except BaseException as error:
            found.append(error)

    # In a thread of its own, because a server that sends a byte now and then keeps every other limit.
    helper = threading.Thread(target=get, daemon=True)
    helper.start()
    helper.join(WHOLE_SECONDS)
    if not found:
        raise RemoteError("too_slow", f"{url[:200]} did not answer in full within {WHOLE_SECONDS:g} seconds.")
    if isinstance(found[0], BaseException):
        raise found[0]
    return found[0]


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_usable = (_HOST.fullmatch(parts.netloc) or _NUMBERED.fullmatch(parts.netloc)) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or parts.scheme != "https":
        raise InputError(
            "bad_url", f"{url[:200]} is not an https address.", hint="Give an address that begins https://"
        )
    return parts


def _check_public(parts: SplitResult) -> None:
    """Check that an address does not lead into the reader's own network."""
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except OSError:
        return  # the connection will say so itself
    for *_, place in found:
        address = ipaddress.ip_address(str(place[0]).partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None) or address
        if not mapped.is_global:
            raise RefusedError(
                "private_address",
                f"{parts.netloc} is {address}, an address of a private network, where a credential may not lead.",
                hint="If it is your own network, add --fetch-private.",
            )


def _got(url: str, parts: SplitResult, *, may_be_private: bool) -> bytes:
    outgoing = Outgoing.from_environment()
    if not may_be_private and not outgoing.proxy:  # a proxy looks the name up itself, and has rules of its own
        _check_public(parts)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not target.isascii() or any(character <= " " for character in target):
        raise InputError("bad_url", f"{url[:200]} is not an address.", hint="Percent-encode it.")
    with BlockingHttp(f"https://{parts.netloc}", timeout=SECONDS, outgoing=outgoing) as http:
        answer = http.ask("GET", target, headers={"accept": "*/*"}, content=None, max_bytes=FETCHED_BYTES_MAX)
    if answer.status != 200:
        moved = answer.headers.get("location", "") if 300 <= answer.status < 400 else ""
        more = f" and leads to {moved[:200]}, which is not followed" if moved else ""
        raise RemoteError("not_there", f"{url[:200]} answers with status {answer.status}{more}.")
    return answer.body


def did_web_address(did: str) -> str:
    """Return the address of the document of a did:web (did:web §3.2).

    Raises:
        InputError: it is no did:web.
    """
    named = _DID_WEB.fullmatch(did)
    host = unquote(named[1]) if named is not None else ""
    if named is None or _HOST.fullmatch(host) is None:
        raise InputError("not_did_web", f"{did[:200]} is not a did:web, so its document cannot be fetched.")
    return f"https://{host}{named[2].replace(':', '/') or '/.well-known'}/did.json"


def did_document(did: str, *, may_be_private: bool) -> Mapping[str, Any]:
    """Fetch the document of a did:web.

    Args:
        may_be_private: as for `fetch`.

    Raises:
        InputError: it is no did:web. DecodeError: there is no such document. RefusedError, RemoteError: as `fetch`.
    """
    raw = fetch(did_web_address(did), may_be_private=may_be_private)
    document = json_text.decode(raw, what=f"the document of {did[:100]}")
    if not isinstance(document, dict):
        raise DecodeError("not_a_did_document", f"What stands for {did[:100]} is not a DID document.")
    return document
