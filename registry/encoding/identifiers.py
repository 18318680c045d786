r"""The canonical spelling of identifiers: of issuers, authorities, frameworks and competencies.

Two spellings of one identifier have two hashes. So `canonical` is applied before an identifier is compared, hashed or
signed, and statements hold canonical spellings only (`schema.uri`). Rules:

* a DID (W3C DID Core §3.1): `did` and method in lower case, percent-encodings in upper-case hex; the rest is kept as it
  is, because only the method defines its meaning. For `did:web` the meaning is known: its host and port follow the
  rules of URLs, and no part of its path is `.` or `..`;
* `https` and `http` URLs (RFC 3986 §6.2.2, §6.2.3): scheme and host in lower case, the host without a final dot, an
  empty or default port dropped, an empty path written `/`, an empty query dropped, percent-encoded unreserved
  characters decoded, other encodings in upper case, then dot segments removed. A host is a name or an IPv4 address of
  four decimal numbers; IPv6 addresses have too many spellings and no permanence;
* `urn:` (RFC 8141 §3.1): `urn` and namespace in lower case, all of a `uuid` in lower case; no r- or q-component,
  because those are not part of the name;
* no fragment (it names a key or a part; `without_fragment` strips it where a question may carry one),
  no user name or password, no white space, no control or non-ASCII characters, nor any of `"<>[\]^{|}` and the back
  quote (write those percent-encoded, a host in punycode).

This module implements the grammar itself: `urllib` and `ipaddress` change between versions of Python, and two nodes
must never disagree on a spelling. Published vectors: `docs/identifiers.md`, read by the tests.
"""

import re
from functools import lru_cache
from typing import Final, NewType

from ..errors import DecodeError
from ..limits import IDENTIFIER_CHARS

_FORBIDDEN: Final = re.compile(r'[^!-~]|["<>\[\\\]^`{|}]')
_DID: Final = re.compile(r"did:([a-z0-9]+):([a-z0-9._:%-]*[a-z0-9._%-])", re.IGNORECASE)
_URL: Final = re.compile(r"(https?)://([^/?]*)([^?]*)(?:\?(.*))?", re.IGNORECASE)
_USER_PART: Final = re.compile(r"\s*[a-z][a-z0-9+.-]*:/+[^/?#]*@", re.IGNORECASE)
_URN: Final = re.compile(r"urn:([a-z0-9][a-z0-9-]{0,30}[a-z0-9]):((?!/)[a-z0-9._~!$&'()*+,;=:@%/-]+)", re.IGNORECASE)
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")  # RFC 1123 §2.1
_HOST_CHARS: Final = 253
# What needs no change: a name in lower case that ends in no number, and a path without escapes or dot segments.
_PLAIN_HOST: Final = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PLAIN_PART: Final = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
_PLAIN: Final = re.compile(
    rf"did:web:{_PLAIN_HOST}(?::{_PLAIN_PART})*|https?://{_PLAIN_HOST}/(?:{_PLAIN_PART}(?:/{_PLAIN_PART})*/?)?"
)
_PLAIN_CHARS: Final = len("did:web:") + _HOST_CHARS
"""So long at most, so that no host is too long."""
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_BYTE: Final = re.compile(r"0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5]")
_PORT: Final = re.compile(r"[0-9]{0,9}")
_PORT_MAX: Final = 65_535
_PORTS: Final = {"https": 443, "http": 80}
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})?")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


CanonicalId = NewType("CanonicalId", str)
"""An identifier in its one spelling: only `canonical` and `canonical_issuer` give one."""


@lru_cache(maxsize=4_096)  # a batch of a log names few issuers, each several times
def canonical(text: str, *, max_chars: int = IDENTIFIER_CHARS) -> CanonicalId:
    """Return the canonical spelling of a DID, an http(s) URL or a URN.

    Args:
        max_chars: the longest text accepted; a question may name a longer one than a record can hold.

    Raises:
        DecodeError: it is none of these; the message names the character or part at fault.
    """
    if len(text) <= min(_PLAIN_CHARS, max_chars) and _PLAIN.fullmatch(text) is not None:
        return CanonicalId(text)  # as most are; to take it apart would take ten times as long
    _check_length(text, max_chars)
    if "@" in text and _USER_PART.match(text) is not None:  # checked first, so that no message quotes a password
        raise DecodeError(
            "identifier_url",
            "the URL contains a user name or password.",
            hint="Remove the part before the @.",
        )
    if text != text.strip():
        raise DecodeError(
            "identifier_space", f"{text!r} begins or ends with white space.", hint="Remove the white space."
        )
    forbidden = _FORBIDDEN.search(text)
    if forbidden is not None:
        raise DecodeError(
            "identifier_character",
            f"{text!r} contains {forbidden[0]!r}, which is not allowed in a URI (RFC 3986).",
            hint=_instead_of(forbidden[0]),
        )
    if "#" in text:
        raise DecodeError(
            "identifier_fragment",
            f"{text!r} has a fragment, so it names a part or a key.",
            hint="Give only the part before the #.",
        )
    scheme = text.partition(":")[0].lower()
    if scheme == "did":
        spelled = _canonical_did(text)
    elif scheme in _PORTS:
        spelled = _canonical_url(text)
    elif scheme == "urn":
        spelled = _canonical_urn(text)
    else:
        raise DecodeError(
            "identifier_scheme",
            f"{text!r} is neither a DID, an http(s) URL nor a URN.",
            hint="An identifier looks like did:web:example.edu or https://example.edu/.",
        )
    _check_length(spelled, max_chars)  # an empty path became one character longer
    return CanonicalId(spelled)


def canonical_issuer(text: str) -> CanonicalId:
    """Return the canonical spelling of an id that may issue credentials or govern: a DID or an https URL.

    Raises:
        DecodeError: as `canonical`, or of another scheme.
    """
    spelled = canonical(text)
    if not spelled.startswith(("did:", "https:")):
        raise DecodeError(
            "identifier_scheme",
            f"{text!r} cannot name an issuer or authority.",
            hint="Give its DID (did:web:example.edu) or its https URL.",
        )
    return spelled


def without_fragment(text: str) -> str:
    """Return `text` up to its first `#`: the DID of a verification method, the issuer of a profile part."""
    return text.partition("#")[0]


def _check_length(text: str, max_chars: int) -> None:
    if not 1 <= len(text) <= max_chars:
        raise DecodeError(
            "identifier_length", f"an identifier must have 1 to {max_chars} characters.", hint="Copy it whole."
        )


def _instead_of(character: str) -> str:
    """Return how to write a character that no URI may contain."""
    if character == " ":
        return "Write a space within it as %20."
    if character.isspace() or not character.isprintable():
        return f"Remove the invisible character U+{ord(character):04X}."
    if not character.isascii():
        return "Write the host name in punycode (xn--…) and other letters percent-encoded."
    return "Write it percent-encoded."


def _canonical_did(text: str) -> str:
    match = _DID.fullmatch(text)
    if match is None:
        raise DecodeError("identifier_did", f"{text!r} is not a DID (did:method:id).", hint="Copy it whole.")
    method, specific = match[1].lower(), _escapes(match[2], text, decode_unreserved=False)
    if method == "web":
        specific = _canonical_did_web(specific, text)
    return f"did:{method}:{specific}"


def _canonical_did_web(specific: str, whole: str) -> str:
    """Return a did:web's part after `did:web:` in its one spelling.

    `example.org%3A8080:path:parts` stands for `https://example.org:8080/path/parts/`.
    """
    authority, colon, path = specific.partition(":")
    host, _, port = authority.partition("%3A")
    if any(part in (".", "..") for part in path.replace("%2E", ".").split(":")):
        # A client that fetches the document would remove them, so this would be a second DID of the same document.
        raise DecodeError("identifier_did", f"{whole!r} has . or .. in its path.", hint="Write the path without dots.")
    return _authority(host, port, "https", whole).replace(":", "%3A") + colon + path


def _canonical_urn(text: str) -> str:
    match = _URN.fullmatch(text)
    if match is None:
        raise DecodeError("identifier_urn", f"{text!r} is not a URN (urn:namespace:name).", hint="Copy it whole.")
    namespace = match[1].lower()
    specific = match[2].lower() if namespace == "uuid" else match[2]
    return f"urn:{namespace}:{_escapes(specific, text, decode_unreserved=False)}"


def _canonical_url(text: str) -> str:
    match = _URL.fullmatch(text)
    if match is None:
        raise DecodeError("identifier_url", f"{text!r} is not a URL (https://host/path).", hint="Copy it whole.")
    scheme, authority = match[1].lower(), match[2]
    host, _, port = authority.partition(":")
    path = _without_dots(_escapes(match[3], text)) or "/"
    query = f"?{_escapes(match[4], text)}" if match[4] else ""
    return f"{scheme}://{_authority(host, port, scheme, text)}{path}{query}"


def _authority(host: str, port: str, scheme: str, whole: str) -> str:
    """Host and port: lower case, no final dot, no empty or default port."""
    name = host.lower().removesuffix(".")
    labels = name.split(".")
    if len(name) > _HOST_CHARS or any(_LABEL.fullmatch(label) is None for label in labels):
        raise DecodeError("identifier_host", f"{whole!r} has an invalid host name.", hint="Copy it whole.")
    # Clients take a host that ends in a number for an IPv4 address (WHATWG URL §3.5), even 0x7f.1 or 017700000001.
    if _NUMBER.fullmatch(labels[-1]) and (len(labels) != 4 or any(_BYTE.fullmatch(label) is None for label in labels)):
        raise DecodeError(
            "identifier_host", f"{whole!r} has an unusual IPv4 address.", hint="Write it as four decimal numbers."
        )
    if _PORT.fullmatch(port) is None or (port and not 1 <= int(port) <= _PORT_MAX):
        raise DecodeError(
            "identifier_host", f"{whole!r} has an invalid port.", hint=f"A port is a number from 1 to {_PORT_MAX}."
        )
    return name if not port or int(port) == _PORTS[scheme] else f"{name}:{int(port)}"


def _escapes(part: str, whole: str, *, decode_unreserved: bool = True) -> str:
    """Percent-encodings in upper case, and those of unreserved characters decoded (RFC 3986 §6.2.2.2)."""

    def replace(match: re.Match[str]) -> str:
        if match[1] is None:
            raise DecodeError(
                "identifier_escape",
                f"{whole!r} has a % that is not followed by two hexadecimal digits.",
                hint="Write % as %25.",
            )
        character = chr(int(match[1], 16))
        return character if decode_unreserved and character in _UNRESERVED else match[0].upper()

    return _ESCAPE.sub(replace, part)


def _without_dots(path: str) -> str:
    """RFC 3986 §5.2.4 for an absolute path."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in (".", ".."):
        kept.append("")
    return "".join(f"/{segment}" for segment in kept)
