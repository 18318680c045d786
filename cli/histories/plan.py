"""A whole history as planned statements, in an order that the rules of a charter accept.

First agencies become delegates, if they are to speak for themselves; then institutions are registered; then each spell
is granted; then the steps in it are stated, oldest first. A grant may begin in the past by its accreditor alone. An
event with a past date is retroactive, so it needs the approvals that the charter requires for that: two of the
charter's authorities, unless it says otherwise. A delegate cannot propose such an event, so the authority above the
agency proposes it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from accredit.cli.importers.findings import ImportFinding
from accredit.registry.encoding.identifiers import CanonicalId

from .facts import EARLIEST, History, HistoryFinding
from .life import LifeStatement, Terms, tell
from .names import agency_ids, facts_of, ids_of, program_id
from .settle import by_institution, settle

ACTIONS: Final = ("accreditation.*",)
"""What an agency that speaks for itself may say; who an institution is, the authority above it states."""

_BARE: Final = ImportFinding(
    code="no_accreditation",
    text="The institution is registered without an accreditation: no row about one was taken, or there is none.",
    hint="Correct the rows about it that were left out, and import again.",
)


class PlannedLife(NamedTuple):
    """The statements of one spell, in order; the first is its grant."""

    issuer: CanonicalId
    agency: str
    about: str
    told: tuple[LifeStatement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedIssuer:
    """One institution to register."""

    body: Mapping[str, Any]
    name: str
    where: str

    @property
    def issuer(self) -> str:
        return str(self.body["id"])


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPlan:
    """All planned statements.

    Attributes:
        agencies: ids of those that accredited somebody, by their keys.
        findings: everything that was found on the way, rows that could not be read first.
        bare: the institutions that no grant is about: no row about one was taken, or there is none.
    """

    history: History
    agencies: Mapping[str, CanonicalId]
    registrations: tuple[PlannedIssuer, ...]
    lives: tuple[PlannedLife, ...]
    findings: tuple[HistoryFinding, ...]
    bare: tuple[HistoryFinding, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Return the number of statements of each kind."""
        found = {"issuer.register": len(self.registrations)}
        for life in self.lives:
            for one in life.told:
                word = one.body["event"] if one.kind == "accreditation.status" else ""
                name = f"{one.kind} {word}".strip()
                found[name] = found.get(name, 0) + 1
        return dict(sorted(found.items()))


def plan(
    history: History,
    base: str,
    *,
    scope: Mapping[str, Any] | None = None,
    kind: str = "accredit",
    names_agencies: bool = False,
) -> HistoryPlan:
    """Return the statements that record a history.

    Args:
        base: address below which those are named who have no id of their own.
        scope: what each grant covers; None for everything in its programme.
        kind: of each grant.
        names_agencies: says in each grant which agency it is of, because another body speaks for it.
    """
    ids, findings = ids_of(history, base)
    settled, contradictions = settle(history)
    terms = Terms(
        source=history.source,
        snapshot=history.snapshot,
        program=lambda key: (program_id(history.source, key), history.programs[key]),
        scope=scope,
        kind=kind,
        agencies={key: one.name for key, one in history.agencies.items()} if names_agencies else {},
    )
    lives: list[PlannedLife] = []
    found = [*history.findings, *findings, *contradictions]
    for key, spells in by_institution(settled):
        for one in spells:
            agency = history.agencies[one.spell.key.agency]
            program = history.programs[one.spell.key.program]
            about = f"{history.institutions[key].name} ({agency.name}; {program})"
            told, notes = tell(one, ids[key], terms, about)
            lives.append(PlannedLife(ids[key], agency.key, about, tuple(told)))
            found += notes
    accredited, granted = {life.agency for life in lives}, {life.issuer for life in lives}
    registrations = tuple(_registrations(history, ids))
    bare = [one for one in registrations if one.issuer not in granted]
    return HistoryPlan(
        history=history,
        agencies={key: id for key, id in agency_ids(history, base).items() if key in accredited},
        registrations=registrations,
        lives=tuple(lives),
        findings=tuple(found),
        bare=tuple(HistoryFinding(where=one.where, about=one.name, finding=_BARE, is_left_out=False) for one in bare),
    )


def _registrations(history: History, ids: Mapping[str, CanonicalId]) -> Iterator[PlannedIssuer]:
    before: dict[str, list[CanonicalId]] = {}
    for key, one in history.institutions.items():
        if one.successor in ids and one.successor != key:
            before.setdefault(one.successor, []).append(ids[key])
    for key, one in history.institutions.items():
        yield PlannedIssuer(
            body=facts_of(one, ids[key], predecessors=before.get(key, [])), name=one.name, where=one.where
        )


def delegation_body(plan: HistoryPlan, agency: str, keys: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the body of `authority.delegate` by which an agency speaks for itself."""
    one = plan.history.agencies[agency]
    body: dict[str, Any] = {
        "delegate": plan.agencies[agency],
        "name": one.name,
        "constituency": "education",
        "actions": list(ACTIONS),
        "limits": {"kinds": ["accredit"], "max_depth": 0},
        "keys": keys,
        "threshold": 1,
        "valid_from": EARLIEST,
    }
    if one.former_names:
        body["ext"] = {"former_names": list(one.former_names)}
    return body
