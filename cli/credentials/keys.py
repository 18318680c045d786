"""Finds the key of a verification method: one that the registry pins for an issuer, or the issuer itself (did:key).

A signature shows only that somebody had a key. So a key counts that the registry pins for this issuer; that is the
issuer, where its id is the key; or that the issuer's own document names, where the user asked to fetch that. A key that
a credential brings along never counts.
"""

import base64
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from joserfc.jwk import ECKey, OKPKey, RSAKey

from accredit.registry.encoding import json_text
from accredit.registry.encoding.ed25519 import decode_base58, decode_multibase, is_usable_public
from accredit.registry.encoding.identifiers import canonical, without_fragment
from accredit.registry.errors import AccreditError

from .outcomes import CheckStopped, failed, not_done

CredentialKey = ECKey | OKPKey | RSAKey

_P256: Final = b"\x80\x24"
_P384: Final = b"\x81\x24"
"""Multicodec p256-pub and p384-pub."""

_PINNED: Final = "which the registry pins for this issuer"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerKeys:
    """What is at hand of an issuer's keys.

    Attributes:
        pinned: those that count, as the registry has them: `id` and `public_key_multibase` or `jwk`. Of a question that
            names no key all that anybody stated: candidates, to be asked about one by one.
        stolen: ids of keys of which a statement that counts says that they were stolen, now or then.
        document: the issuer's DID document, where it was fetched.
        asked: whether a registry was asked at all.
        why_not: why the document was not fetched, where it was tried.
    """

    pinned: Sequence[Mapping[str, Any]] = ()
    stolen: Collection[str] = ()
    document: Mapping[str, Any] | None = None
    asked: bool = False
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundKey:
    """A key that counts, and where it is from, as the end of a sentence."""

    method: str
    key: CredentialKey = field(repr=False)
    source: str


def key_of(method: str, issuer: str, known: IssuerKeys) -> FoundKey:
    """Return the key that a verification method of an issuer is.

    Args:
        method: as the proof names it.
        issuer: as the credential names it.

    Raises:
        CheckStopped: it is another's key, or cannot be found.
    """
    pinned = [one for one in known.pinned if one["id"] == method]
    if pinned:
        found = [_material(one.get("public_key_multibase"), one.get("jwk")) for one in pinned]
        if len({key.thumbprint() for key in found}) > 1:
            raise not_done(
                "key_ambiguous",
                f"The registry has different keys under {method}.",
                "Tell the authority that accredited this issuer: it must end the wrong one.",
            )
        return FoundKey(method=method, key=found[0], source=_PINNED)
    if _spelled(without_fragment(method)) != _spelled(issuer):
        raise failed(
            "anothers_key",
            f"It is signed with the key {method}, which is not a key of {issuer}.",
            "Ask the issuer whether it issued this credential.",
        )
    if issuer.startswith("did:key:"):
        own = issuer.removeprefix("did:key:")
        if method.partition("#")[2] not in ("", own):
            raise failed("anothers_key", f"{method} is not the key that {issuer} is.")
        return FoundKey(method=method, key=_material(own, None), source="which is the issuer's own id")
    if issuer.startswith("did:jwk:"):
        return FoundKey(method=method, key=_did_jwk(issuer), source="which is the issuer's own id")
    if known.document is not None:
        return _from_document(method, issuer, known.document)
    raise _missing(method, issuer, known)


def pinned_as(wanted: CredentialKey, known: IssuerKeys) -> list[FoundKey]:
    """Return the pinned keys that are a certain key, under whatever ids."""
    found = []
    for one in known.pinned:
        try:
            key = _material(one.get("public_key_multibase"), one.get("jwk"))
        except CheckStopped:
            continue
        if key.thumbprint() == wanted.thumbprint():
            found.append(FoundKey(method=str(one["id"]), key=key, source=_PINNED))
    return found


def _missing(method: str, issuer: str, known: IssuerKeys) -> Exception:
    where = "The registry pins no such key for this issuer" if known.asked else "No registry was asked for its keys"
    more = f", and its own document could not be fetched: {known.why_not}" if known.why_not else "."
    can_fetch = issuer.startswith("did:web:") and not known.why_not
    return not_done(
        "key_not_found",
        f"The key {method} is not at hand. {where}{more}",
        "Add --fetch to take the key from the issuer's own site."
        if can_fetch
        else "Ask the issuer to have its key pinned.",
    )


def _from_document(method: str, issuer: str, document: Mapping[str, Any]) -> FoundKey:
    """A key that the issuer's DID document names for assertions (DID 1.0 §5.3.2)."""
    if document.get("id") != issuer:
        raise failed(
            "wrong_did_document", f"The document that stands for {issuer} is about {document.get('id')!s:.200}."
        )
    methods = [one for one in _listed(document.get("verificationMethod")) if isinstance(one, Mapping)]
    for one in _listed(document.get("assertionMethod")):
        if isinstance(one, Mapping):
            methods.append(one)
    allowed = {
        _whole(one if isinstance(one, str) else one.get("id"), issuer)
        for one in _listed(document.get("assertionMethod"))
        if isinstance(one, (str, Mapping))
    }
    for one in methods:
        if _whole(one.get("id"), issuer) == method and method in allowed:
            key = _material(one.get("publicKeyMultibase"), one.get("publicKeyJwk"))
            return FoundKey(method=method, key=key, source="which the issuer's own site names")
    raise failed("key_unknown", f"The document of {issuer} does not name the key {method} for credentials.")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _whole(id_: Any, issuer: str) -> str:
    return f"{issuer}{id_}" if str(id_).startswith("#") else str(id_)


def _spelled(id_: str) -> str:
    try:
        return canonical(id_)
    except AccreditError:
        return id_


def _did_jwk(issuer: str) -> CredentialKey:
    part = issuer.removeprefix("did:jwk:")
    try:
        jwk = json_text.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)), what=issuer[:60])
    except (ValueError, AccreditError):
        raise failed("bad_key", f"{issuer[:100]} holds no key that can be read.") from None
    return _material(None, jwk)


def _material(multibase: Any, jwk: Any) -> CredentialKey:
    """The public key in one of its two forms."""
    try:
        if isinstance(multibase, str):
            return _of_multibase(multibase)
        if isinstance(jwk, Mapping):
            return key_of_jwk(jwk)
    except (ValueError, TypeError, KeyError, AccreditError):
        pass
    raise not_done(
        "key_kind", "Its key is of a kind that cannot be used here.", "Ed25519, P-256, P-384 and RSA keys can."
    )


def key_of_jwk(jwk: Mapping[str, Any]) -> CredentialKey:
    """Return the public key that a JWK is.

    Raises:
        ValueError, TypeError, KeyError: it is none, or of a kind that is not used here.
    """
    kinds: dict[str, type[ECKey] | type[OKPKey] | type[RSAKey]] = {"EC": ECKey, "OKP": OKPKey, "RSA": RSAKey}
    members = ("kty", "crv", "x", "y", "n", "e")
    public: dict[str, str | list[str]] = {name: str(jwk[name]) for name in members if name in jwk}
    key = kinds[str(public["kty"])].import_key(public)
    ed25519 = ed25519_public(key)
    if ed25519 is not None and not is_usable_public(ed25519):
        raise ValueError("a key of small order, for which anybody can sign")
    return key


def _of_multibase(multibase: str) -> CredentialKey:
    if multibase.startswith("z6Mk"):
        return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": _base64url(decode_multibase(multibase))})
    if not multibase.startswith("z") or len(multibase) > 100:
        raise ValueError("not a key")
    raw = decode_base58(multibase[1:])
    names = {_P256: "P-256", _P384: "P-384"}
    from cryptography.hazmat.primitives.asymmetric import ec

    curve: ec.EllipticCurve = {_P256: ec.SECP256R1, _P384: ec.SECP384R1}[raw[:2]]()
    numbers = ec.EllipticCurvePublicKey.from_encoded_point(curve, raw[2:]).public_numbers()
    size = (curve.key_size + 7) // 8
    x, y = (_base64url(number.to_bytes(size)) for number in (numbers.x, numbers.y))
    return ECKey.import_key({"kty": "EC", "crv": names[raw[:2]], "x": x, "y": y})


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def ed25519_public(key: CredentialKey) -> bytes | None:
    """Return the 32 bytes of an Ed25519 key; None for any other."""
    if not isinstance(key, OKPKey):
        return None
    held = key.as_dict(private=False)
    if held.get("crv") != "Ed25519":
        return None
    part = str(held["x"])
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
