"""What each statement is about, and the records that follow from the effective statements about it.

A *subject* is a record's type and id. Some records are shared: an issuer's lists the accreditations of many
authorities, a competency's the frameworks that hold it, an alias' the issuers that claim it. So a subject yields its
own record and *contributions* to others, and a shared record is made from the contributions to it. `ORDER` lists the
types so that contributions always point forward.
"""

from collections.abc import Mapping, Sequence
from sys import intern
from typing import Any, Final

from accredit.registry.domain import accreditations, frameworks, issuers, mappings, recognitions
from accredit.registry.domain.records import Effective, Subject, record_digest
from accredit.registry.statement import Statement, Unverified

from .governance_records import node_record
from .governing_state import Law

StatementsByKind = Mapping[str, Sequence[Effective]]
"""The effective statements about a subject, by kind."""

Contributions = Mapping[Subject, Any]
"""What a subject adds to other records."""

ORDER: Final = ("accreditation", "framework", "mapping", "recognition", "node", "issuer", "competency", "alias")


def subject_of(statement: Unverified) -> Subject | None:
    """What a statement of stratum 4 is about; None for votes, annulments and the strata below."""
    family, _, act = statement.kind.partition(".")
    if family == "accreditation":
        target = statement.id if act == "grant" else statement.body["accreditation"]
        return "accreditation", intern(target.hex())
    return (family, statement.sub) if family in ORDER else None


def is_founding(statement: Unverified) -> bool:
    """Whether a statement makes something that others about its subject build on."""
    if statement.kind == "issuer.key":
        return bool(statement.body["op"] == "add")
    return statement.kind.endswith((".grant", ".publish", ".register", ".update"))


def in_judging_order(statements: Sequence[Statement]) -> list[Statement]:
    """What is said about one subject, what founds it first, then each after those that it names in `after`.

    For whoever changes a thing asks whether it is in effect, and whoever undoes, what of it. There is no circle: an id
    is a hash over the ids it names.
    """
    ordered = sorted(statements, key=lambda s: (not is_founding(s), s.id))
    if len(ordered) < 3:
        return ordered
    by_id, done = {s.id: s for s in ordered}, dict[bytes, Statement]()
    for start in ordered:
        pending = [start.id]
        while pending:
            named = [id for id in by_id[pending[-1]].body.get("after", ()) if id in by_id and id not in done]
            if named:
                pending += named
            else:
                id = pending.pop()
                done[id] = by_id[id]
    return list(done.values())


def make_record(
    law: Law, subject: Subject, facts: StatementsByKind, contributed: Mapping[Subject, Any]
) -> tuple[dict[str, Any] | None, Contributions]:
    """A subject's record, or None, and what it contributes to others.

    Args:
        contributed: what other subjects contribute to this one, by their type and id, sorted.
    """
    kind, name = subject

    def of(*kinds: str) -> list[Effective]:
        return [fact for each in kinds for fact in facts.get(each, ())]

    match kind:
        case "accreditation":
            return _accreditation(of("accreditation.grant"), of("accreditation.amend"), of("accreditation.status"))
        case "framework":
            publishes, items = of("framework.publish"), of("framework.items")
            entries = frameworks.competencies(name, publishes, items)
            record = frameworks.reduce(name, publishes, items, of("framework.status"))
            return record, {("competency", uri): entries[uri] for uri in sorted(entries)}
        case "mapping":
            return mappings.reduce(name, of("mapping.publish"), of("mapping.withdraw")), {}
        case "recognition":
            return recognitions.reduce(name, of("recognition.grant"), of("recognition.withdraw")), {}
        case "node":
            return node_record(law, name, of("node.admit", "node.replace", "node.retire")), {}
        case "issuer":
            stated = of("issuer.register", "issuer.update", "issuer.key")
            digests = {bytes.fromhex(source): digest for (_, source), digest in contributed.items()}
            also_known = issuers.aliases([fact for fact in stated if fact.statement.kind != "issuer.key"])
            return issuers.reduce(name, stated, digests), {("alias", alias): name for alias in also_known}
        case "competency":
            return frameworks.reduce_competency(name, [entry for each in contributed.values() for entry in each]), {}
        case _:
            assert kind == "alias", f"no record is of type {kind}"
            return issuers.reduce_alias(name, contributed.values()), {}


def _accreditation(
    grants: list[Effective], amends: list[Effective], events: list[Effective]
) -> tuple[dict[str, Any] | None, Contributions]:
    if not grants:
        return None, {}
    record = accreditations.reduce(grants[0], amends, events)
    return record, {("issuer", record["issuer"]): record_digest(record)}
