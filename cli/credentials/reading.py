"""Reading credentials out of a file: every credential in it, as a document, and as the token that it came in.

    for credential in read(raw): credential.document, credential.token, credential.place

Open Badges 3.0, CLR 2.0 and any W3C verifiable credential (1.1 and 2.0), as JSON or as a JWT (VC-JOSE-COSE, and the
`vc` claim of VC 1.1), inside a picture too (`pictures`). A CLR and a presentation bring others along; each of those has
its own issuer and is a credential of its own.
"""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from accredit.registry.encoding import json_text, rfc3339
from accredit.registry.errors import DecodeError, RefusedError
from accredit.registry.limits import TIME_MAX, TIME_MIN

from .pictures import TEXT_BYTES_MAX, credential_in, open_badges_2

MOST: Final = 50
"""Credentials read of one file; a transcript has some dozen."""

DEEPEST: Final = 8
"""Credentials within credentials."""

_JWT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", re.ASCII)
_DATA_URL: Final = re.compile(r"data:application/(?:vc\+(?:ld\+json\+)?jwt|jwt),(.*)", re.DOTALL)
_OB2: Final = "https://w3id.org/openbadges/v"
_TAKEN: Final = "Give an Open Badges 3.0 badge, a CLR 2.0, or another W3C verifiable credential."
_PAPER: Final = (
    (b"%PDF-", "a PDF"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"PK\x03\x04", "a Word document or an archive"),
    (b"\xd0\xcf\x11\xe0", "a Word document"),
)
"""How files begin that show a credential to people, as a scan or a print does, and carry none."""
_PRESENTATIONS: Final = ("VerifiablePresentation", "EnvelopedVerifiablePresentation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A JWT: its header, its claims, and itself."""

    text: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCredential:
    """One credential.

    Attributes:
        document: it as JSON. token: what it came in; None where it is JSON itself.
        place: where it was found in the file, such as `credentialSubject.verifiableCredential[2]`; empty for the whole.
    """

    document: Mapping[str, Any]
    token: Token | None = None
    place: str = ""


def read(raw: bytes) -> list[ReadCredential]:
    """Return every credential in a file, those that hold others first.

    Raises:
        DecodeError: there is none, or it is a badge of Open Badges 2.0.
        RefusedError: it is larger than a credential may be, or holds more of them.
    """
    text = credential_in(raw)
    if not text.strip():
        raise DecodeError("no_credential", "This file is empty.", hint=_TAKEN)
    for beginning, kind in _PAPER:
        if text.startswith(beginning):
            raise DecodeError(
                "no_credential",
                f"This is {kind}: a program cannot tell from it who issued what it shows.",
                hint="Ask for the credential itself: JSON, a JWT or the picture of a badge. Only its school can "
                "confirm a paper diploma; accredit query ID --on DAY says whether the school was accredited.",
            )
    if len(text) > TEXT_BYTES_MAX:
        raise RefusedError("too_large", f"A credential has at most {TEXT_BYTES_MAX // 2**20} MiB; this file has more.")
    found = list(islice(_within(_parsed(text), "", 0), MOST + 1))
    if len(found) > MOST:
        raise _too_many()
    if not found:
        raise DecodeError(
            "no_credential",
            "This file holds no verifiable credential: there is no type VerifiableCredential with an issuer in it.",
            hint=_TAKEN,
        )
    return found


def _too_many() -> RefusedError:
    return RefusedError("too_many", f"This file holds more than {MOST} credentials.", hint="Split it.")


def _parsed(text: bytes) -> Any:
    word = text.strip()
    if b"~" in word and _JWT.match(word.partition(b"~")[0].decode("latin-1")) and b"{" not in word:
        raise DecodeError(
            "sd_jwt",
            "This is an SD-JWT, which cannot be checked here.",
            hint="Ask for the credential as a plain JWT or as JSON with a Data Integrity proof.",
        )
    if _JWT.fullmatch(word.decode("latin-1")):
        return word.decode("ascii")
    try:
        return json_text.decode(text, what="its JSON")
    except DecodeError as error:
        if not word or word[:1] in (b"{", b"["):
            raise DecodeError(error.code, error.message, hint="Ask for the file again: it was damaged.") from None
        raise DecodeError(
            "no_credential", "This is neither JSON, a JWT nor a PNG or SVG picture.", hint=_TAKEN
        ) from None


def _within(value: Any, place: str, depth: int, *, asked: bool = True) -> Iterator[ReadCredential]:
    """Every credential in a value; of a list each."""
    if depth > DEEPEST:
        raise RefusedError("too_deep", f"There are credentials within credentials more than {DEEPEST} levels deep.")
    if isinstance(value, list):
        if len(value) > MOST:
            raise _too_many()
        for index, item in enumerate(value):
            yield from _within(item, f"{place}[{index}]", depth, asked=asked)
        return
    one = _one(value, place)
    if one is None:
        return
    types = words(one.document.get("type", one.document.get("@type")))
    if "VerifiableCredential" in types or (asked and one.document.get("issuer") is not None):
        yield one
    for name, inner in _held(one.document, types):
        yield from _within(inner, f"{place}.{name}".lstrip("."), depth + 1)


def _held(document: Mapping[str, Any], types: Sequence[str]) -> Iterator[tuple[str, Any]]:
    if any(one in _PRESENTATIONS for one in types):
        yield "verifiableCredential", document.get("verifiableCredential", [])
        return
    subjects = document.get("credentialSubject")
    for index, subject in enumerate(subjects if isinstance(subjects, list) else [subjects]):
        if isinstance(subject, Mapping) and "verifiableCredential" in subject:
            at = f"[{index}]" if isinstance(subjects, list) else ""
            yield f"credentialSubject{at}.verifiableCredential", subject["verifiableCredential"]


def _one(value: Any, place: str) -> ReadCredential | None:
    """The credential that a JSON object or a token is; None for anything else."""
    if isinstance(value, Mapping):
        enveloped = value.get("id")
        if "EnvelopedVerifiableCredential" in words(value.get("type")) and isinstance(enveloped, str):
            inner = _DATA_URL.fullmatch(enveloped)
            if inner is None:
                raise DecodeError("unknown_envelope", f"{place or 'It'} is an envelope of a kind unknown here.")
            return _one(inner[1], place)
        named = value.get("@context")
        contexts = named if isinstance(named, list) else [named]
        if any(isinstance(one, str) and one.startswith(_OB2) for one in contexts) or "badge" in value:
            raise open_badges_2()
        return ReadCredential(document=value, place=place)
    if isinstance(value, str) and _JWT.fullmatch(value):
        return _of_token(value, place)
    return None


def words(value: Any) -> list[str]:
    """Return the texts in a member that is a text or a list of them."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]


# ------------------------------------------------------------------------------------------------ tokens


def _of_token(text: str, place: str) -> ReadCredential:
    header, claims = (_part(part, name) for part, name in zip(text.split("."), ("header", "claims"), strict=False))
    token = Token(text=text, header=header, claims=claims)
    inner = claims.get("vc", claims.get("vp"))
    if inner is None:
        return ReadCredential(document=claims, token=token, place=place)
    if not isinstance(inner, Mapping):
        raise DecodeError("bad_token", "The claim vc of this JWT is not an object.")
    return ReadCredential(document=_completed(inner, claims), token=token, place=place)


def _completed(inner: Mapping[str, Any], claims: Mapping[str, Any]) -> Mapping[str, Any]:
    """The credential of a JWT of VC 1.1, which leaves out what the JWT says in its own claims (VC 1.1 §6.3.1).

    Raises:
        DecodeError: both say it, and differ.
    """
    issuer = inner.get("issuer")
    said = {"id": issuer.get("id") if isinstance(issuer, Mapping) else issuer}
    if "iss" in claims and said["id"] not in (None, claims["iss"]):
        raise DecodeError("bad_token", "The claim iss of this JWT is another issuer than its credential names.")
    made = dict(inner)
    if issuer is None and "iss" in claims:
        made["issuer"] = claims["iss"]
    # Its end (exp) is read from the claims of every token (`claims`).
    if type(claims.get("nbf")) in (int, float) and "issuanceDate" not in made and "validFrom" not in made:
        made["issuanceDate"] = rfc3339.text(int(min(max(claims["nbf"], TIME_MIN), TIME_MAX)))
    return made


def _part(part: str, name: str) -> Mapping[str, Any]:
    try:
        value = json_text.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)), what=f"the JWT's {name}")
    except (ValueError, DecodeError):
        raise DecodeError("bad_token", f"The {name} of this JWT cannot be read.", hint="Copy the whole JWT.") from None
    if not isinstance(value, Mapping):
        raise DecodeError("bad_token", f"The {name} of this JWT is not a JSON object.")
    return value
