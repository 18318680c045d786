"""The signature of a credential: Data Integrity proofs, Ed25519Signature2020, and tokens (VC-JOSE-COSE).

    check_signature(credential, said, keys, loader, now)  ->  what it found, or CheckStopped

Of several proofs each that can be checked must be good, and at least one must be there that can be. A proof shows that
its key signed *this* text; whose key it is, `keys` says.
"""

import base64
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import rfc8785
from joserfc import jws
from joserfc.errors import JoseError

from accredit.registry.encoding import rfc3339
from accredit.registry.encoding.ed25519 import decode_base58, verify
from accredit.registry.errors import AccreditError

from .claims import CredentialClaims
from .contexts import ContextLoader
from .json_ld import canonical
from .keys import CredentialKey, FoundKey, IssuerKeys, ed25519_public, key_of, key_of_jwk, pinned_as
from .outcomes import CheckOutcome, CheckStopped, CredentialCheck, failed, not_done
from .pictures import TEXT_BYTES_MAX
from .reading import ReadCredential, Token

ALGORITHMS: Final = ("EdDSA", "Ed25519", "ES256", "ES384", "PS256", "RS256")
"""Of tokens; none with a shared secret, and never `none` (RFC 8725 §3.1)."""

SUITES: Final = ("eddsa-rdfc-2022", "eddsa-jcs-2022", "Ed25519Signature2020")
"""Kinds of Data Integrity proofs that can be checked."""

_MEMBERS: Final = frozenset(
    {"@context", "challenge", "created", "cryptosuite", "domain", "expires", "id", "nonce", "previousProof"}
    | {"proofPurpose", "proofValue", "type", "verificationMethod"}
)
"""Of a proof (Data Integrity 1.0 §2.1)."""

PROOFS_MAX: Final = 10
"""Proofs looked at of one credential."""

CLOCK_SLACK: Final = 300
"""Seconds that a proof may be ahead of this machine's clock."""

_HINT_FORGED: Final = "Do not rely on it. Ask the holder for the original file, or the issuer whether it issued it."


def method_of(credential: ReadCredential, issuer: str) -> str:
    """Return the verification method that a credential names, as a whole id; empty where it names none.

    Of several proofs that of the first one by the issuer that can be checked here, else of the first by the issuer,
    else of the first.
    """
    if credential.token is not None:
        return _method_of_token(credential.token, issuer)
    proofs = proofs_of(credential)
    listed = [_method(one) for one in (*filter(_is_known_kind, proofs), *proofs)]
    own = [one for one in listed if one.startswith(issuer)]
    return next(iter([*own, *filter(None, listed)]), "")


def methods_of(credential: ReadCredential, known: IssuerKeys) -> list[str]:
    """Return the methods under which the key is pinned that a token brings along instead of naming it; each once."""
    brought = credential.token.header.get("jwk") if credential.token is not None else None
    if not isinstance(brought, Mapping):
        return []
    try:
        return list(dict.fromkeys(one.method for one in pinned_as(_key_brought(brought), known)))
    except CheckStopped:
        return []


def further_methods(credential: ReadCredential, issuer: str, asked: str) -> list[str]:
    """Return the issuer's other methods that a credential with several proofs names besides the one asked about."""
    named = () if credential.token is not None else map(_method, proofs_of(credential))
    return [one for one in dict.fromkeys(named) if one.startswith(issuer) and one != asked]


def proofs_of(credential: ReadCredential) -> list[Mapping[str, Any]]:
    """Return the proofs in a JSON credential.

    Raises:
        CheckStopped: one is no object, or there are too many.
    """
    held = credential.document.get("proof")
    proofs = held if isinstance(held, list) else [] if held is None else [held]
    if len(proofs) > PROOFS_MAX:
        raise failed("too_many_proofs", f"It has {len(proofs)} proofs; {PROOFS_MAX} are the most that are looked at.")
    if not all(isinstance(one, Mapping) for one in proofs):
        raise failed("bad_proof", "Its proof is not a JSON object.")
    return proofs


def check_signature(
    credential: ReadCredential,
    said: CredentialClaims,
    known: IssuerKeys,
    loader: ContextLoader,
    now: int,
    *,
    asked: str | None = None,
) -> CredentialCheck:
    """Check who signed a credential.

    Args:
        now: this machine's clock, seconds since 1970.
        asked: the method that the registry was asked about, which must be one that signed: a key that was stolen is
            pinned still, and only the registry's answer about that very key says so. None: it was asked about no key.

    Raises:
        CheckStopped: a signature is wrong, or cannot be checked.
    """
    found: list[tuple[FoundKey, str]] = []
    open_: list[CheckStopped] = []
    if credential.token is not None:
        found.append((_check_token(credential.token, said.issuer, known), "JWT"))
    for proof in proofs_of(credential):
        try:
            found.append((_check_proof(credential, proof, said.issuer, known, loader, now), _suite(proof)))
        except CheckStopped as stopped:
            if stopped.outcome is CheckOutcome.FAILED:
                raise
            open_.append(stopped)
    if not found:
        raise (
            open_[0]
            if open_
            else failed("not_signed", "It is not signed: anybody could have written it.", _HINT_FORGED)
        )
    if asked is not None and asked not in [key.method for key, _ in found]:
        raise (
            open_[0]
            if open_
            else not_done("key_not_asked", f"The registry was not asked about the key {found[0][0].method}.")
        )
    key = found[0][0]
    suites = " and ".join(dict.fromkeys(suite for _, suite in found))
    text = f"Signed ({suites}) with {key.method}, {key.source}."
    if open_:
        text += f" Another proof was not checked: {open_[0]}"
    return CredentialCheck(name="signature", outcome=CheckOutcome.PASSED, code="signed", text=text)


# ------------------------------------------------------------------------------------------------ Data Integrity


def _method(proof: Mapping[str, Any]) -> str:
    """The id of the method. One that is written out in the proof is a key brought along: only its id is read."""
    method = proof.get("verificationMethod")
    id_ = method.get("id") if isinstance(method, Mapping) else method
    return id_ if isinstance(id_, str) else ""


def _suite(proof: Mapping[str, Any]) -> str:
    kind = proof.get("type")
    suite = proof.get("cryptosuite") if kind == "DataIntegrityProof" else kind
    return suite if isinstance(suite, str) else "unknown"


def _check_kind(proof: Mapping[str, Any]) -> None:
    """Check that a proof is of a kind that can be checked here."""
    suite = _suite(proof)
    if suite not in SUITES:
        raise not_done(
            "unknown_suite",
            f"Its proof is of the kind {suite[:80]}, which cannot be checked here.",
            f"{', '.join(SUITES)} and JWTs can.",
        )
    if "previousProof" in proof:
        raise not_done("proof_chain", "Its proof depends on another one (previousProof), which cannot be checked here.")


def _is_known_kind(proof: Mapping[str, Any]) -> bool:
    try:
        _check_kind(proof)
    except CheckStopped:
        return False
    return True


def _check_proof(
    credential: ReadCredential,
    proof: Mapping[str, Any],
    issuer: str,
    known: IssuerKeys,
    loader: ContextLoader,
    now: int,
) -> FoundKey:
    _check_kind(proof)
    if proof.get("proofPurpose") != "assertionMethod":
        raise failed(
            "wrong_purpose", "Its proof was not made to issue a credential (proofPurpose is not assertionMethod)."
        )
    _check_times(proof, now)
    method = _method(proof)
    if not method:
        raise failed("no_method", "Its proof does not name the key that it was made with.")
    key = key_of(method, issuer, known)
    public = ed25519_public(key.key)
    if public is None:
        raise failed("wrong_key_kind", f"{method} is not an Ed25519 key, and its proof is of a kind that needs one.")
    if not verify(public, signed_bytes(credential.document, proof, loader), _signature(proof)):
        raise failed(
            "bad_signature",
            "Its content was changed after it was signed, or it was not signed with the key that it names.",
            _HINT_FORGED,
        )
    _check_members(proof)
    return key


def _check_members(proof: Mapping[str, Any]) -> None:
    """Check that a proof is written so that its members can be read by their names.

    What is signed of it are statements, and these can be written in other ways too (a whole address as the name,
    @nest): somebody could hide in one of them when the proof expires.
    """
    hidden = sorted(set(proof) - _MEMBERS) if _suite(proof) != "eddsa-jcs-2022" else []
    if hidden:
        raise not_done(
            "proof_member",
            f"Its proof has a member {hidden[0][:80]!r}, which cannot be read here.",
            "Ask for the credential as its issuer wrote it.",
        )


def signed_bytes(document: Mapping[str, Any], proof: Mapping[str, Any], loader: ContextLoader) -> bytes:
    """Return the 64 bytes that a proof signs: the hashes of its options and of the document (vc-di-eddsa §3.2, §3.3).

    Raises:
        CheckStopped: they cannot be made.
    """
    unsigned = {name: value for name, value in document.items() if name != "proof"}
    options = {name: value for name, value in proof.items() if name != "proofValue"}
    if _suite(proof) == "eddsa-jcs-2022":
        if "@context" in options:
            _check_contexts(unsigned.get("@context"), options["@context"])
            unsigned["@context"] = options["@context"]
        return b"".join(sha256(_jcs(part)).digest() for part in (options, unsigned))
    options["@context"] = unsigned.get("@context", [])
    parts = [canonical(part, loader) for part in (options, unsigned)]
    return b"".join(sha256(part.encode()).digest() for part in parts)


def _check_contexts(held: Any, signed: Any) -> None:
    """Check that a document's contexts are those that were signed.

    The standard lets somebody add others behind them (vc-di-eddsa §3.3.2). Those would give words a meaning that the
    issuer never signed.
    """
    named, meant = (value if isinstance(value, list) else [value] for value in (held, signed))
    if named != meant:
        raise failed("contexts_changed", "It names other contexts than those that were signed.", _HINT_FORGED)


def _jcs(value: Any) -> bytes:
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, RecursionError, ValueError) as error:
        raise failed("not_canonical", f"It has no canonical form (RFC 8785): {error}.") from None


def _signature(proof: Mapping[str, Any]) -> bytes:
    value = proof.get("proofValue")
    if isinstance(value, str) and value.startswith("z") and len(value) <= 100:
        try:
            return decode_base58(value[1:])
        except AccreditError:
            pass
    raise failed("bad_proof", "Its proof has no signature in the form that its kind has (proofValue, base58btc).")


def _check_times(proof: Mapping[str, Any], now: int) -> None:
    for member in ("created", "expires"):
        if member not in proof:
            continue
        try:
            time = rfc3339.instant(str(proof[member]), where=member)
        except AccreditError as error:
            raise failed("bad_date", f"Its proof's {error}") from None
        if member == "expires" and time <= now:
            raise failed("proof_expired", f"Its signature was to be relied on until {rfc3339.day(time)}.")
        if member == "created" and time > now + CLOCK_SLACK:
            raise failed("proof_from_future", f"Its signature is dated {rfc3339.text(time)}, which is in the future.")


# ------------------------------------------------------------------------------------------------ tokens


def _method_of_token(token: Token, issuer: str) -> str:
    kid = token.header.get("kid")
    if not isinstance(kid, str) or not kid:
        return issuer if issuer.startswith(("did:key:", "did:jwk:")) else ""
    if kid.startswith("#"):
        return issuer + kid
    return kid if ":" in kid else f"{issuer}#{kid}"


def _check_token(token: Token, issuer: str, known: IssuerKeys) -> FoundKey:
    header = token.header
    algorithm = header.get("alg")
    if algorithm not in ALGORITHMS:
        raise failed(
            "bad_algorithm",
            f"Its signature is of the kind {str(algorithm)[:40]!r}, which proves nothing or cannot be checked here.",
            f"{', '.join(ALGORITHMS)} can.",
        )
    if "crit" in header or header.get("b64") is False:
        raise not_done("critical_header", "Its header has something critical (crit) that is unknown here.")
    if token.claims.get("iss", issuer) != issuer:
        raise failed("anothers_token", "The claim iss of this JWT is another issuer than its credential names.")
    key = _key_of_token(token, issuer, known)
    if not _fits(token, str(algorithm), key.key):
        raise failed(
            "bad_signature",
            "Its content was changed after it was signed, or it was not signed with the key that it names.",
            _HINT_FORGED,
        )
    return key


def _fits(token: Token, algorithm: str, key: CredentialKey) -> bool:
    """Whether a key made the signature of a token, by the algorithm that it names."""
    if algorithm in ("EdDSA", "Ed25519"):
        public = ed25519_public(key)
        signed, _, signature = token.text.rpartition(".")
        return public is not None and verify(public, signed.encode(), _base64url(signature))
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    registry.max_header_length = registry.max_payload_length = TEXT_BYTES_MAX
    try:
        jws.deserialize_compact(token.text, key, registry=registry)
    except (JoseError, ValueError, TypeError):
        return False
    return True


def _base64url(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _key_of_token(token: Token, issuer: str, known: IssuerKeys) -> FoundKey:
    """The key that the header names. One that it brings along (jwk) is none, unless it is one that counts anyway."""
    method = _method_of_token(token, issuer)
    brought = token.header.get("jwk")
    if method:
        return key_of(method, issuer, known)
    if isinstance(brought, Mapping):
        found = pinned_as(_key_brought(brought), known)
        if found:
            return found[0]
        raise failed(
            "key_in_header",
            "It brings its own key along (jwk in its header), and the registry does not pin that key for its issuer: "
            "anybody could have signed it so.",
            _HINT_FORGED,
        )
    raise failed("no_method", "It does not name the key that it was signed with (kid).")


def _key_brought(jwk: Mapping[str, Any]) -> CredentialKey:
    try:
        return key_of_jwk(jwk)
    except (ValueError, TypeError, KeyError, JoseError):
        raise failed("bad_key", "The key in its header (jwk) cannot be read.") from None
