"""Members that several kinds of statement share: key entries, contacts, heads, reasons.

A *key entry* introduces a key and gives it a budget, the number of statements that it may ever make, which comes out of
the budget of the signing key (see `next_number`). It may commit to the key's successor by thumbprint, so that the
successor can rotate a stolen key away and the thief cannot.

An issuer's own pinned key (`issuer.register`, `.update`, `.key`) may have a budget too; then the issuer itself can
retire it or report it as stolen.

An amendment lists keys that the ecosystem already has with a budget of 0, so that no budget is given twice.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from accredit.registry.domain.bodies import NewKey, PinnedKey
from accredit.registry.domain.record_types import ContactLinks
from accredit.registry.encoding import schema
from accredit.registry.encoding.ed25519 import decode_multibase, key_id
from accredit.registry.limits import KEY_BUDGET, LIST_ITEMS
from accredit.registry.statement import GOVERNING, Unverified

_budget = schema.integer(0, KEY_BUDGET)

NEXT_KEY: Final = schema.members({"key": schema.digest, "budget": schema.budget})
_KEY: Final = schema.members(
    {"public": schema.public_key, "budget": _budget}, {"next": NEXT_KEY, "label": schema.text(100)}
)


def KEY(value: Any, path: str) -> None:
    """A key entry. A key cannot be its own successor, because a thief of the one would have the other."""
    _KEY(value, path)
    if "next" in value and value["next"]["key"] == key_id(value["public"]):
        raise schema.wrong(f"{path}.next.key", "a key other than the entry's own")


CONTACTS: Final = {
    "url": schema.link,
    "contact": schema.link,
    "apply_url": schema.link,
    "appeal_url": schema.link,
}


def contacts_of(body: Mapping[str, Any]) -> ContactLinks:
    """Return the contacts that a body gives."""
    return cast(ContactLinks, {name: body[name] for name in CONTACTS if name in body})


CONSTITUENCY: Final = schema.one_of(
    "nonprofit", "public", "education", "employer", "labor", "government", "industry", "learner", "other"
)
_HEADS: Final = schema.list_of(schema.members({"key": schema.digest, "id": schema.digest}))
REASON: Final = {"reason_text": schema.prose, "refs": schema.list_of(schema.link, maximum=20)}
AFTER: Final = schema.list_of(schema.digest, maximum=LIST_ITEMS)


def HEADS(value: Any, path: str) -> None:
    """The newest statement of each of some keys."""
    _HEADS(value, path)
    if len({head["key"] for head in value}) < len(value):
        raise schema.wrong(path, "each key only once")


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduction:
    """A key made known by a statement.

    Attributes:
        key: the key's id.
        public: its public key; None while only its thumbprint is committed.
        budget: the budget given; 0 if the key is only named again, or names itself: no key can raise its own budget.
    """

    key: bytes
    public: bytes | None
    budget: int


_INTRODUCING: Final = (*GOVERNING, "issuer.")
"""Prefixes of the kinds that can introduce keys; the bodies of all other kinds need not be read for keys."""


def introductions(statement: Unverified) -> Iterable[Introduction]:
    """Return the keys that `statement` introduces, in the order of its entries."""
    if not statement.kind.startswith(_INTRODUCING) or not _may_introduce(statement):
        return ()
    return _own_budget_aside(statement)


def _may_introduce(statement: Unverified) -> bool:
    """Return whether it is worth a closer look: most issuers are registered without a key that may sign here."""
    return not statement.kind.startswith("issuer.") or any("budget" in key for key in _pinned_keys(statement))


def _own_budget_aside(statement: Unverified) -> Iterator[Introduction]:
    for entry in _introductions(statement):
        names_itself = entry.key == statement.kid and statement.kind != "charter.genesis"
        yield replace(entry, budget=0) if names_itself else entry


def _introductions(statement: Unverified) -> Iterator[Introduction]:
    for entry in key_entries(statement):
        yield Introduction(key=key_id(entry["public"]), public=entry["public"], budget=entry["budget"])
        if "next" in entry:
            yield Introduction(key=entry["next"]["key"], public=None, budget=entry["next"]["budget"])
    for pinned in _pinned_keys(statement):
        if "budget" in pinned:
            public = decode_multibase(pinned["public_key_multibase"])
            yield Introduction(key=key_id(public), public=public, budget=pinned["budget"])
    if statement.kind == "key.compromise" and "public" in statement.body:
        yield Introduction(key=key_id(statement.body["public"]), public=statement.body["public"], budget=0)


def next_number(statement: Unverified) -> int:
    """Return the `seq` that must follow `statement` on its key: budgets that it gives are taken from its own numbers.

    The budgets in a genesis cost its key no numbers.
    """
    if statement.kind == "charter.genesis":
        return statement.seq + 1
    return statement.seq + 1 + sum(entry.budget for entry in introductions(statement))


def key_entries(statement: Unverified) -> list[NewKey]:
    """Return the key entries in a statement's body, in order."""
    body = statement.body
    match statement.kind:
        case "charter.genesis":
            return [entry for authority in body["authorities"] for entry in authority["keys"]]
        case "charter.amend":
            return [entry for authority in body["charter"]["authorities"] for entry in authority["keys"]]
        case "authority.delegate":
            return list(body["keys"])
        case "key.add":
            return [cast(NewKey, body)]  # the same members
        case "key.rotate":
            return [body["new"]]
        case _:
            return []


def _pinned_keys(statement: Unverified) -> list[PinnedKey]:
    body = statement.body
    if statement.kind in ("issuer.register", "issuer.update"):
        return list(body.get("keys", ()))
    return [body["key"]] if statement.kind == "issuer.key" and body["op"] == "add" else []
