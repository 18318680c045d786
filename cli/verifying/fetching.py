"""What `accredit check` fetches where it is told to: a credential, an issuer's own document, a status list.

Only by GET over TLS, from the address itself: no redirection is followed, and nothing of a credential is sent.
"""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from accredit.node.clients.blocking_http import BlockingHttp
from accredit.node.clients.outgoing import Outgoing
from accredit.registry.encoding import json_text
from accredit.registry.errors import DecodeError, InputError, RemoteError

FETCHED_BYTES_MAX: Final = 16 * 2**20
"""Of one answer: a status list with its bits packed has some hundred thousand."""

SECONDS: Final = 15.0
"""For each part of an answer. A guess."""

_DID_WEB: Final = re.compile(r"did:web:([A-Za-z0-9.%-]+)((?::[A-Za-z0-9._%-]+)*)", re.ASCII)
_HOST: Final = re.compile(r"[A-Za-z0-9.-]+(?::\d{1,5})?", re.ASCII)


def fetch(url: str) -> bytes:
    """Return what stands at an https address.

    Raises:
        InputError: it is another kind of address.
        RemoteError: it cannot be had.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.username is not None:
        raise InputError(
            "bad_url", f"{url[:200]} is not an https address.", hint="Give an address that begins https://"
        )
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not target.isascii() or any(character <= " " for character in target):
        raise InputError("bad_url", f"{url[:200]} is not an address.", hint="Percent-encode it.")
    with BlockingHttp(f"https://{parts.netloc}", timeout=SECONDS, outgoing=Outgoing.from_environment()) as http:
        answer = http.ask("GET", target, headers={"accept": "*/*"}, content=None, max_bytes=FETCHED_BYTES_MAX)
    if answer.status != 200:
        moved = answer.headers.get("location", "") if 300 <= answer.status < 400 else ""
        more = f" and leads to {moved[:200]}, which is not followed" if moved else ""
        raise RemoteError("not_there", f"{url[:200]} answers with status {answer.status}{more}.")
    return answer.body


def did_web_address(did: str) -> str:
    """Return where the document of a did:web stands (did:web §3.2).

    Raises:
        InputError: it is no did:web.
    """
    named = _DID_WEB.fullmatch(did)
    host = unquote(named[1]) if named is not None else ""
    if named is None or _HOST.fullmatch(host) is None:
        raise InputError("not_did_web", f"{did[:200]} is not a did:web, so its document cannot be fetched.")
    return f"https://{host}{named[2].replace(':', '/') or '/.well-known'}/did.json"


def did_document(did: str) -> Mapping[str, Any]:
    """Fetch the document of a did:web.

    Raises:
        InputError: it is no did:web. DecodeError: there is no such document. RemoteError: it cannot be had.
    """
    document = json_text.decode(fetch(did_web_address(did)), what=f"the document of {did[:100]}")
    if not isinstance(document, dict):
        raise DecodeError("not_a_did_document", f"What stands for {did[:100]} is not a DID document.")
    return document
