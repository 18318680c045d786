"""Delegation: an authority makes another body an authority, within limits that can only become narrower.

`authority.delegate` names the delegate, what it may do (`actions`: kinds of statement, `issuer.*` for a family), its
limits, its keys and how many of them make it speak. A child's actions, limits and validity lie within its parent's, and
its depth within every ancestor's `max_depth`. A delegate never signs charter, node, recognition or annulment
statements, whatever its delegation says, and acts only where one authority is enough.

`authority.withdraw` ends a delegation and names the delegate's `heads`: only the statements that these cover stand.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from accredit.governance.index.key_entries import CONSTITUENCY, CONTACTS, HEADS, KEY, REASON
from accredit.registry.domain import ceiling
from accredit.registry.encoding import schema
from accredit.registry.encoding.counts import many
from accredit.registry.errors import DecodeError
from accredit.registry.limits import AUTHORITIES, DELEGATION_DEPTH

NEVER_DELEGATED: Final = ("charter.", "node.", "recognition.", "statement.", "evidence.")
"""Families of kinds that only the charter's own authorities may sign."""


def _action(value: Any, path: str) -> None:
    schema.text(64)(value, path)
    if value.startswith(NEVER_DELEGATED) or value in ("*", "key.*", "vote.*"):
        raise DecodeError("not_delegable", f"{value} cannot be delegated.", where=path)


_DELEGATION: Final = schema.members(
    {
        "delegate": schema.issuer_id,
        "name": schema.text(),
        "constituency": CONSTITUENCY,
        "actions": schema.list_of(_action, minimum=1, maximum=40),
        "limits": ceiling.check_limits,
        "keys": schema.list_of(KEY, minimum=1, maximum=AUTHORITIES),
        "threshold": schema.integer(1, AUTHORITIES),
        "valid_from": schema.time,
    },
    {"valid_until": schema.time, **CONTACTS},
)
_WITHDRAWAL: Final = schema.members(
    {"delegation": schema.digest, "heads": HEADS, "effective_from": schema.time}, {**REASON}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """The powers of an authority: everything (`actions` None, for the charter's own), or what a delegation grants."""

    actions: tuple[str, ...] | None
    limits: Mapping[str, Any]
    valid_from: int | None
    valid_until: int | None
    depth: int
    depth_max: int


UNLIMITED: Final = Mandate(
    actions=None, limits={}, valid_from=None, valid_until=None, depth=0, depth_max=DELEGATION_DEPTH
)
"""The mandate of an authority that the charter names."""


def check_delegation(body: Any, path: str = "body") -> None:
    """The shape of `authority.delegate`."""
    _DELEGATION(body, path)
    if body["threshold"] > len(body["keys"]):
        raise DecodeError(
            "never_met",
            f"{many(body['threshold'], 'key', 'is', 'are')} required, but the delegation lists {len(body['keys'])}.",
            where=f"{path}.threshold",
        )
    if len({entry["public"] for entry in body["keys"]}) < len(body["keys"]):
        raise DecodeError("named_twice", "a public key is listed twice.", where=f"{path}.keys")
    if "valid_until" in body and body["valid_until"] <= body["valid_from"]:
        raise DecodeError("never_valid", "it would end before it begins.", where=f"{path}.valid_until")


def check_withdrawal(body: Any, path: str = "body") -> None:
    """The shape of `authority.withdraw`."""
    _WITHDRAWAL(body, path)


def child_mandate(parent: Mandate, body: Mapping[str, Any]) -> Mandate | str:
    """Return the mandate that `body` gives under `parent`, or a sentence that says why it gives no mandate."""
    actions = tuple(body["actions"])
    for action in actions:
        if parent.actions is not None and not _within(action, parent.actions):
            return f"its delegator may not make {action} statements itself"
    if "key.add" in actions or any(action.startswith("vote.") for action in actions):
        return "key and vote statements need no delegation"
    if (problem := ceiling.limits_within(body["limits"], parent.limits)) is not None:
        return f"its limits exceed its delegator's limits: {problem}"
    depth = parent.depth + 1
    if depth > parent.depth_max:
        return f"it would be delegation number {depth} in its chain; at most {parent.depth_max} are allowed"
    until = body.get("valid_until")
    if parent.valid_until is not None and (until is None or until > parent.valid_until):
        return "it would end after its delegator's own mandate"
    if parent.valid_from is not None and body["valid_from"] < parent.valid_from:
        return "it would begin before its delegator's own mandate"
    further = body["limits"].get("max_depth")
    return Mandate(
        actions=actions,
        limits=body["limits"],
        valid_from=body["valid_from"],
        valid_until=until,
        depth=depth,
        depth_max=parent.depth_max if further is None else min(parent.depth_max, depth + further),
    )


def objection(mandate: Mandate, kind: str, body: Mapping[str, Any], iat: int) -> str | None:
    """Return why a statement of `kind` made at `iat` lies outside `mandate`; None if it does not."""
    if mandate.actions is None:
        return None
    if not _within(kind, mandate.actions):
        return f"its delegation does not cover {kind}"
    if mandate.valid_from is not None and iat < mandate.valid_from:
        return "it is dated before its author's delegation begins"
    if mandate.valid_until is not None and iat >= mandate.valid_until:
        return "it is dated after its author's delegation ended"
    if (problem := ceiling.body_within_limits(kind, body, mandate.limits)) is not None:
        return f"it exceeds its author's limits: {problem}"
    return None


def _within(action: str, allowed: tuple[str, ...]) -> bool:
    family = action.partition(".")[0] + ".*"
    return action in allowed or family in allowed
