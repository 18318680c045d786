"""Issuers: the names, kind of body, identifiers and keys that each authority has stated.

Facts are kept per authority that states them, because one authority's facts about an issuer do not bind another's
accreditation. An update holds the whole new set of facts and names those it follows (`after`). It cannot remove a key:
a key ends by its own `valid_until`, or by `issuer.key` with `retire` or `compromise`, and the credentials that it
signed while it was good stay good.

Record `issuer` (lists by id):

    {id, stated: [{by, via, statement, iat, facts: {…}, after: […]}],
     keys: [{by, via, statement, iat, op: "add", key: {id, …}, ?kid}                     ; kid: if it is an Ed25519 key
          | {by, via, statement, iat, op: "retire"|"compromise", key_id, ?…, signer, seq}],  ; whose statement, number
     accreditations: [[id, SHA-256 of the accreditation's record]]}

Record `alias`: `{id, issuers: [ids]}`, for every `also_known_as`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

from ..encoding import schema
from ..encoding.ed25519 import decode_multibase, key_id
from ..encoding.identifiers import CanonicalId
from ..errors import DecodeError
from ..limits import IDENTIFIER_CHARS, TIME_MAX, TIME_MIN
from .axes import check_jurisdiction
from .bodies import PinnedKey
from .record_types import AliasRecord, IssuerFacts, IssuerRecord, KeyAdded, KeyEnded, StatedFacts
from .records import Effective, in_order, source, standing
from .vocabulary import IDENTIFIER_SCHEMES, ISSUER_CATEGORIES, LEARNING_MODES, ROLES, SECTORS

AFTER: Final = schema.list_of(schema.digest)

_FORMS: Final = {
    "ctid": re.compile(r"ce-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII),
    "ror": re.compile(r"0[a-hj-km-np-tv-z0-9]{6}\d{2}", re.ASCII),
    "ipeds_unitid": re.compile(r"\d{6}", re.ASCII),
    "lei": re.compile(r"[0-9A-Z]{18}\d{2}", re.ASCII),
}
"""The form of each identifier that has a fixed one: CTDL CTID, ROR (ROR documentation), IPEDS, LEI (ISO 17442)."""

_SECRET_JWK_MEMBERS: Final = ("d", "p", "q", "dp", "dq", "qi", "k", "oth")
"""RFC 7518 §6.2.2, §6.3.2, §6.4.1."""


def _check_identifier(value: Any, path: str) -> None:
    _IDENTIFIER(value, path)
    form = _FORMS.get(value["scheme"])
    if form is not None and form.fullmatch(value["value"]) is None:
        raise schema.wrong(f"{path}.value", f"an identifier written as {value['scheme']} writes them")


def _check_method(value: Any, path: str) -> None:
    """Check a verification method: a DID or https URL, with the fragment that names the key."""
    schema.text(IDENTIFIER_CHARS)(value, path)
    if not value.startswith(("did:", "https://")) or any(not "!" <= character <= "~" for character in value):
        raise schema.wrong(path, "the id of a key, as in did:web:college.example#key-1")


def _check_multibase(value: Any, path: str) -> None:
    """Check a multibase key: an Ed25519 key must be usable, others (P-256, RSA …) are kept as written."""
    schema.text(IDENTIFIER_CHARS)(value, path)
    if value.startswith("z6Mk"):
        try:
            decode_multibase(value)
        except DecodeError as error:
            raise DecodeError(error.code, error.message, where=path, hint=error.hint) from None
    elif re.fullmatch(r"[a-zA-Z][A-Za-z0-9_-]{20,}", value, re.ASCII) is None:
        raise schema.wrong(path, "a publicKeyMultibase, as in z6MkhaXgBZDv…")


def _check_jwk(value: Any, path: str) -> None:
    schema.table_of(schema.text(40), schema.either(schema.text(2_000), schema.list_of(schema.text(4_000))))(value, path)
    if "kty" not in value:
        raise DecodeError("missing_member", "a JWK needs the member kty (RFC 7517 §4.1).", where=path, hint="Add kty.")
    for member in _SECRET_JWK_MEMBERS:
        if member in value:
            raise DecodeError(
                "secret_key",
                f"the member {member} belongs to a private key.",
                where=path,
                hint="Publish only the public part, and replace this key, because it has been exposed.",
            )


_IDENTIFIER: Final = schema.members({"scheme": schema.one_of(*IDENTIFIER_SCHEMES), "value": schema.text(100)})
_KEY: Final = schema.members(
    {"id": _check_method},
    {
        "public_key_multibase": _check_multibase,
        "jwk": _check_jwk,
        "valid_from": schema.time,
        "valid_until": schema.time,
        "budget": schema.budget,
    },
)


def check_pinned_key(value: Any, path: str) -> None:
    """`{id, public_key_multibase | jwk, ?valid_from, ?valid_until, ?budget}`.

    With a `budget` (of an Ed25519 key only) the issuer may use the key for `issuer.key` statements of its own.
    """
    _KEY(value, path)
    if ("public_key_multibase" in value) == ("jwk" in value):
        raise schema.wrong(path, "either public_key_multibase or jwk")
    if "budget" in value and not value.get("public_key_multibase", "").startswith("z6Mk"):
        raise schema.wrong(f"{path}.budget", "a budget only with an Ed25519 key (z6Mk…)")
    if value.get("valid_until", TIME_MAX + 1) <= value.get("valid_from", TIME_MIN):
        raise DecodeError("never_valid", "the key would end before it begins.", where=f"{path}.valid_until")


_ids = schema.list_of(schema.issuer_id)
_FACTS: Final[Mapping[str, schema.Check]] = {
    "also_known_as": _ids,
    "legal_name": schema.text(),
    "url": schema.link,
    "image": schema.link,
    "categories": schema.list_of(schema.one_of(*ISSUER_CATEGORIES)),
    "sector": schema.one_of(*SECTORS),
    "role": schema.one_of(*ROLES),
    "learning_modes": schema.list_of(schema.one_of(*LEARNING_MODES)),
    "jurisdictions": schema.list_of(check_jurisdiction),
    "identifiers": schema.list_of(_check_identifier),
    "keys": schema.list_of(check_pinned_key),
    "status_methods": schema.list_of(schema.text(100)),
    "parent": schema.issuer_id,
    "predecessors": _ids,
    "custodian_for": _ids,
    "outcomes_dataset": schema.link,
    "learner_contact": schema.link,
}
_REGISTER: Final = schema.members({"id": schema.issuer_id, "name": schema.text()}, _FACTS)
_UPDATE: Final = schema.members({"id": schema.issuer_id, "name": schema.text(), "after": AFTER}, _FACTS)
_KEY_EVENT: Final = schema.members(
    {"issuer": schema.issuer_id, "op": schema.one_of("add", "retire", "compromise")},
    {
        "key": check_pinned_key,
        "key_id": _check_method,
        "valid_until": schema.time,
        "compromised_since": schema.time,
        "reason_text": schema.prose,
    },
)


def check_register(body: Any, path: str = "body") -> None:
    """The shape of `issuer.register`."""
    _REGISTER(body, path)
    _check_names_others(body, path)


def check_update(body: Any, path: str = "body") -> None:
    """The shape of `issuer.update`: the whole new set of facts, and the statements it follows."""
    _UPDATE(body, path)
    _check_names_others(body, path)


def _check_names_others(body: Mapping[str, Any], path: str) -> None:
    for member in ("also_known_as", "predecessors", "custodian_for"):
        if body["id"] in body.get(member, ()):
            raise schema.wrong(f"{path}.{member}", "ids other than its own")
    if body.get("parent") == body["id"]:
        raise schema.wrong(f"{path}.parent", "an id other than its own")


def check_key(body: Any, path: str = "body") -> None:
    """The shape of `issuer.key`.

    `retire` may say when (`valid_until`; else when it was stated), `compromise` since when (`compromised_since`; else
    nothing by that key is believed).
    """
    _KEY_EVENT(body, path)
    belongs = {"add": {"key"}, "retire": {"key_id", "valid_until"}, "compromise": {"key_id", "compromised_since"}}
    needed = "key" if body["op"] == "add" else "key_id"
    if needed not in body:
        raise DecodeError("missing_member", f"{body['op']} needs {needed}.", where=path, hint=f"Add {needed}.")
    for member in ("key", "key_id", "valid_until", "compromised_since"):
        if member in body and member not in belongs[body["op"]]:
            raise DecodeError("unknown_member", f"{member} does not belong to {body['op']}.", where=path)


# ------------------------------------------------------------------------------------------------ records


def reduce(id: CanonicalId, facts: Sequence[Effective], accreditations: Mapping[bytes, bytes]) -> IssuerRecord | None:
    """Return the issuer's record; None if nothing is stated about it.

    Args:
        facts: effective `issuer.register`, `.update` and `.key`; may be empty if only an accreditation names the
            issuer.
        accreditations: id -> digest of the accreditation's record.
    """
    if not facts and not accreditations:
        return None
    stated: list[StatedFacts] = []
    keys: list[KeyAdded | KeyEnded] = []
    for fact in in_order(facts):
        body = fact.statement.body
        if fact.statement.kind == "issuer.key":
            keys.append(_key_event(fact))
            continue
        keys += [_added(fact, key) for key in sorted(body.get("keys", ()), key=lambda key: str(key["id"]))]
        kept = cast(IssuerFacts, {name: value for name, value in body.items() if name not in ("keys", "after")})
        stated.append({**source(fact), "facts": kept, "after": sorted(body.get("after", ()))})
    return {
        "id": id,
        "stated": stated,
        "keys": keys,
        "accreditations": [[one, accreditations[one]] for one in sorted(accreditations)],
    }


def signing_key(key: PinnedKey) -> bytes | None:
    """Return the key id of an Ed25519 key; None for a key of another kind, which signs no statements."""
    multibase = key.get("public_key_multibase", "")
    return key_id(decode_multibase(multibase)) if multibase.startswith("z6Mk") else None


_ENDED: Final = ("op", "key_id", "valid_until", "compromised_since")
TOLD: Final = ("reason_text", "ext")
"""Left out where an issuer speaks of its own keys: a thief of one of them must not fill the record with prose."""


def _added(fact: Effective, key: PinnedKey) -> KeyAdded:
    kid = signing_key(key)
    return cast(KeyAdded, {**source(fact), "op": "add", "key": key} | ({} if kid is None else {"kid": kid}))


def _key_event(fact: Effective) -> KeyAdded | KeyEnded:
    body = fact.statement.body
    if body["op"] == "add":
        return _added(fact, body["key"])
    names = _ENDED if fact.by == body["issuer"] else (*_ENDED, *TOLD)
    kept = {name: body[name] for name in names if name in body}
    return cast(KeyEnded, {**source(fact), **kept, "signer": fact.statement.kid, "seq": fact.statement.seq})


def aliases(facts: Iterable[Effective]) -> list[CanonicalId]:
    """Return every alias of the issuer in facts that still stand, in order."""
    facts = [*facts]
    if not any("also_known_as" in fact.statement.body for fact in facts):
        return []
    record = reduce(CanonicalId(""), facts, {})
    stated = standing(record["stated"]) if record is not None else []
    return sorted({alias for fact in stated for alias in fact["facts"].get("also_known_as", ())})


def reduce_alias(id: CanonicalId, issuers: Iterable[CanonicalId]) -> AliasRecord | None:
    """Return the record of an alias; None if no issuer is known by it."""
    ids = sorted(set(issuers))
    return {"id": id, "issuers": ids} if ids else None


def name_of(record: IssuerRecord, preferred: Sequence[tuple[str, bytes | None]] = ()) -> str | None:
    """Return the issuer's name as the first of the `preferred` authority instances states it, else as any does."""
    stated = standing(record["stated"])
    for by, via in preferred if len(stated) > 1 else ():
        for fact in stated:
            if fact["by"] == by and fact["via"] == via:
                return fact["facts"]["name"]
    return stated[0]["facts"]["name"] if stated else None
