"""The table of the kinds of statement: the schema of the body, the class, and who must approve.

* *stratum* (see `fold`): the fold reads the charter, then key cut-offs, then authorities, then everything else.
* *widening* grants, approves or undoes a narrowing; *narrowing* takes away. A widening statement takes effect only when
  everything its key said before is held; a narrowing one at once.
* *rule*: how many authorities must speak unless the charter says otherwise. A statement that reaches back must also
  meet `RETROACTIVE` (see `undoing`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from accredit.governance.index.key_entries import KEY, REASON
from accredit.registry.domain import accreditations, frameworks, issuance, issuers, mappings, recognitions
from accredit.registry.domain.vocabulary import is_narrowing_event
from accredit.registry.encoding import schema
from accredit.registry.encoding.ed25519 import key_id
from accredit.registry.encoding.schema import Check
from accredit.registry.errors import DecodeError
from accredit.registry.limits import VOTE_TARGETS
from accredit.registry.statement import Unverified

from . import charter, delegation_limits
from .charter import NODE, NODE_REPLACEMENT, Rule

ONE: Final = Rule(authorities=1, is_default=True)
TWO: Final = Rule(authorities=2, is_default=True)
MAJORITY: Final = Rule(majority=True, is_default=True)
TWO_THIRDS: Final = Rule(fraction=(2, 3), is_default=True)

RETROACTIVE: Final = "accreditation.status.void_from"
"""The name of the rule for statements of any kind that reach back; it once applied to revocations only."""


class Stratum(IntEnum):
    """The layer of the fold that reads a kind; each layer depends only on those before it."""

    CHARTER = 1
    KEYS = 2
    AUTHORITIES = 3
    RECORDS = 4
    VOTES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One row of the rulebook."""

    check: Check
    stratum: Stratum
    rule: Rule
    is_narrowing: Callable[[Mapping[str, Any]], bool]


def _never(_: Mapping[str, Any]) -> bool:
    return False


def _always(_: Mapping[str, Any]) -> bool:
    return True


_LAST: Final = {"key": schema.digest, "last": schema.nullable(schema.digest)}
_CUT_OFF: Final = schema.members(_LAST, {"public": schema.public_key, **REASON})
_ROTATION: Final = schema.members({**_LAST, "new": KEY}, {**REASON})


def _check_rotation(body: Any, path: str = "body") -> None:
    """The shape of `key.rotate`."""
    _ROTATION(body, path)
    if key_id(body["new"]["public"]) == body["key"]:  # the key would end, and nothing would replace it
        raise DecodeError("same_key", "a key cannot be replaced by itself.", where=f"{path}.new.public")


_RETIREMENT: Final = schema.members({"name": schema.text(100)}, {**REASON})
_VOTE: Final = schema.members(
    {"targets": schema.list_of(schema.digest, minimum=1, maximum=VOTE_TARGETS)}, {"urgent": schema.boolean, **REASON}
)
_REJECTION: Final = schema.members(
    {"targets": schema.list_of(schema.digest, minimum=1, maximum=VOTE_TARGETS)},
    {"urgent": schema.boolean, "retract": schema.boolean, **REASON},
)
_ANNULMENT: Final = schema.members(
    {"target": schema.digest, "reason_code": schema.text(64)},
    {"evidence": accreditations.EVIDENCE, **REASON},
)


def _row(check: Check, stratum: Stratum, rule: Rule, narrowing: Callable[[Mapping[str, Any]], bool] = _never) -> Kind:
    return Kind(check=check, stratum=stratum, rule=rule, is_narrowing=narrowing)


KINDS: Final[Mapping[str, Kind]] = {
    "charter.genesis": _row(charter.check_genesis, Stratum.CHARTER, TWO_THIRDS),
    "charter.amend": _row(charter.check_amendment, Stratum.CHARTER, TWO_THIRDS),
    "key.add": _row(KEY, Stratum.KEYS, ONE),
    "key.rotate": _row(_check_rotation, Stratum.KEYS, ONE, _always),
    "key.retire": _row(_CUT_OFF, Stratum.KEYS, ONE, _always),
    "key.compromise": _row(_CUT_OFF, Stratum.KEYS, ONE, _always),
    "authority.delegate": _row(delegation_limits.check_delegation, Stratum.AUTHORITIES, ONE),
    "authority.withdraw": _row(delegation_limits.check_withdrawal, Stratum.AUTHORITIES, ONE, _always),
    "node.admit": _row(NODE, Stratum.RECORDS, MAJORITY),
    "node.replace": _row(NODE_REPLACEMENT, Stratum.RECORDS, MAJORITY),
    "node.retire": _row(_RETIREMENT, Stratum.RECORDS, MAJORITY, _always),
    "issuer.register": _row(issuers.check_register, Stratum.RECORDS, ONE),
    "issuer.update": _row(issuers.check_update, Stratum.RECORDS, ONE),
    "issuer.key": _row(issuers.check_key, Stratum.RECORDS, ONE, lambda body: body["op"] != "add"),
    "issuance.commit": _row(issuance.check_commit, Stratum.RECORDS, ONE),
    "accreditation.grant": _row(accreditations.check_grant, Stratum.RECORDS, ONE),
    "accreditation.amend": _row(accreditations.check_amend, Stratum.RECORDS, ONE),
    "accreditation.status": _row(accreditations.check_status, Stratum.RECORDS, ONE, is_narrowing_event),
    "framework.publish": _row(frameworks.check_publish, Stratum.RECORDS, ONE),
    "framework.items": _row(frameworks.check_items, Stratum.RECORDS, ONE),
    "framework.status": _row(frameworks.check_status, Stratum.RECORDS, ONE, lambda body: body["status"] != "active"),
    "mapping.publish": _row(mappings.check_publish, Stratum.RECORDS, ONE),
    "mapping.withdraw": _row(mappings.check_withdraw, Stratum.RECORDS, ONE, _always),
    "recognition.grant": _row(recognitions.check_grant, Stratum.RECORDS, TWO),
    "recognition.withdraw": _row(recognitions.check_withdraw, Stratum.RECORDS, TWO, _always),
    "statement.annul": _row(_ANNULMENT, Stratum.RECORDS, TWO),
    "vote.approve": _row(_VOTE, Stratum.VOTES, ONE),
    "vote.reject": _row(_REJECTION, Stratum.VOTES, ONE),
}

RULE_NAMES: Final = (*(name for name in KINDS if not name.startswith("vote.")), RETROACTIVE)
"""The names that a charter's rules may use."""

_SUBJECT_MEMBERS: Final = {
    "charter.genesis": "id",
    "node.admit": "name",
    "node.replace": "name",
    "node.retire": "name",
    "authority.delegate": "delegate",
    "issuer.register": "id",
    "issuer.update": "id",
    "issuer.key": "issuer",
    "issuance.commit": "issuer",
    "accreditation.grant": "issuer",
    "framework.publish": "id",
    "framework.items": "framework",
    "framework.status": "framework",
    "mapping.publish": "id",
    "recognition.grant": "id",
}
"""The member of the body that names its subject, which `sub` repeats."""


def check_body(kind: str, body: Any) -> None:
    """Check the shape of a statement's body.

    Raises:
        DecodeError: the kind is unknown, or the body is not of its shape.
    """
    if kind not in KINDS:
        raise DecodeError(
            "unknown_kind",
            f"unknown kind of statement {kind!r}.",
            hint="A newer version of this program may know it.",
        )
    KINDS[kind].check(body, "body")
    if kind == "charter.genesis":
        _check_rule_names(body["rules"], "body.rules")
    elif kind == "charter.amend":
        _check_rule_names(body["charter"]["rules"], "body.charter.rules")


def check_statement(statement: Unverified) -> None:
    """Check the body's shape, and that `sub` names the body's subject.

    Raises:
        DecodeError: as `check_body`, or `sub` names another subject.
    """
    check_body(statement.kind, statement.body)
    member = _SUBJECT_MEMBERS.get(statement.kind)
    if member is not None and statement.sub != statement.body[member]:
        raise DecodeError(
            "wrong_subject", f"expected {statement.body[member]!r}, the same as in the body.", where="sub"
        )


def is_narrowing(kind: str, body: Mapping[str, Any]) -> bool:
    """Return whether a statement takes something away, and so takes effect at once; a vote counts as its target
    does."""
    return KINDS[kind].is_narrowing(body)


def names_mandate(kind: str) -> bool:
    """Return whether a delegate's statement of a kind must name its mandate.

    A vote speaks for the voice that made the statement voted on; a key belongs to all mandates that list it.
    """
    return not kind.startswith(("key.", "vote."))


def is_urgent(statement: Unverified) -> bool:
    """Return whether a statement skips the batch and is sent at once: narrowing ones, and votes marked urgent."""
    return is_narrowing(statement.kind, statement.body) or statement.body.get("urgent") is True


def work_of(statement: Unverified) -> int:
    """Return how many statements a node judges when it logs this one: of a vote, those that it names."""
    return len(statement.body["targets"]) if statement.kind.startswith("vote.") else 1


def rule_for(name: str, rules: Mapping[str, Rule]) -> Rule:
    """Return the rule for a kind of statement, or `RETROACTIVE`: from the charter's `rules`, else the default."""
    if name == "node.replace" and name not in rules:
        name = "node.admit"  # a charter's rule for admitting nodes also applies to replacing them
    return rules.get(name) or (TWO if name == RETROACTIVE else KINDS[name].rule)


def _check_rule_names(rules: Mapping[str, Any], path: str) -> None:
    for name in rules:
        schema.one_of(*RULE_NAMES)(name, path)
