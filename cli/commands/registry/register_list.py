"""Registers and accredits the issuers of a list: the statements for each row, and their outcome.

Statements that this authority has made already, or that wait for votes, are not made twice. The rest goes through the
signing desk together. If a statement cannot take effect (for example outside the authority's limits), its row is taken
out with both of its statements, and the others continue.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from accredit.cli.base import output
from accredit.cli.importers.findings import ImportFinding
from accredit.cli.importers.issuers import report
from accredit.cli.importers.issuers.row import READY, REFUSED, Row
from accredit.cli.signing.outcomes import CANNOT_TAKE_EFFECT, Outcome
from accredit.cli.signing.workflow import Desk, Say
from accredit.node.views.json_views import plain
from accredit.registry.errors import InputError, RefusedError

from .namesakes import Namesakes

_HELD: Final = ("logged", "known")
_ONE_ISSUER: Final = "If they are one issuer, leave the row out, or name one id in the other's also_known_as."
_NAMED: Final = 3
"""Issuers of the same name that a finding names."""
_NOT_TERMS: Final = ("issuer", "kind", "level", "publishers")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """A row and its statements."""

    at: int
    says: tuple[Say, ...]


class Registering:
    """One import: from judged rows to rows with their outcome.

    Args:
        terms: of the accreditation to grant to each, without the issuer; None to register only.

    Attributes:
        statements: what was said, or waits already, for the report.
    """

    def __init__(self, desk: Desk, terms: dict[str, Any] | None) -> None:
        self.desk = desk
        self.terms = terms
        self.statements: list[dict[str, Any]] = []

    def propose(self, rows: Sequence[Row]) -> list[Row]:
        """Says what is to be said of the ready rows; returns all rows, as they ended."""
        ended = list(rows)
        ready = [at for at, row in enumerate(rows) if row.result == READY]
        plans: list[_Plan] = []
        if ready:
            here = _Here(self.desk, [str((rows[at].body or {})["name"]) for at in ready])
            with output.progress("Comparing with the registry", len(ready)) as step:
                for at in ready:
                    ended[at], says = self._plan(here, rows[at])
                    if says:
                        plans.append(_Plan(at=at, says=says))
                    step(1)
            self.statements += here.waiting_ids
        if plans:
            self._say(plans, ended)
        return ended

    def _plan(self, here: "_Here", row: Row) -> tuple[Row, tuple[Say, ...]]:
        body = row.body
        assert body is not None, "a ready row has one"
        record = here.issuer(row.id)
        if record is not None and (conflict := here.conflict(record, body)) is not None:
            return row.ended(REFUSED, conflict), ()
        wanted = [] if record is not None and here.has_facts(record) else [("issuer.register", body)]
        found: list[ImportFinding] = []
        if self.terms is not None:
            grant = {**self.terms, **row.terms, "issuer": row.id}
            held = here.accreditation(record, grant) if record is not None else None
            if held is None:
                wanted.append(("accreditation.grant", grant))
            else:
                word = held["status"]["word"]
                text = f"You have already accredited it on these terms ({held['id'][:12]}); its status is {word}."
                found.append(ImportFinding(code="accredited_already", text=text))
        says, waiting = [], []
        for kind, said in wanted:
            earlier = here.waiting(kind, row.id, said)
            if earlier is None:
                found += here.namesakes(said) if kind == "issuer.register" else ()
                says.append(Say(kind=kind, sub=row.id, body=said, label=row.name))
            else:
                waiting.append(bytes.fromhex(earlier))
        if says:
            return replace(row, findings=(*found, *row.findings), statements=tuple(waiting)), tuple(says)
        if waiting:
            text = "It has already been proposed and waits for votes; it is not proposed again."
            ended = row.ended(report.WAITING, ImportFinding(code="proposed_already", text=text), *found)
            return replace(ended, statements=tuple(waiting)), ()
        text = "You have already registered it with the same facts. Nothing to do."
        return row.ended(report.KNOWN, ImportFinding(code="registered_already", text=text), *found), ()

    def _say(self, plans: Sequence[_Plan], rows: list[Row]) -> None:
        outcomes = self._propose(plans, rows)
        dry = self.desk.wishes.dry_run
        if not dry:
            outcomes = self._settled(outcomes)
        for at, known in outcomes.items():
            rows[at] = _ended(rows[at], known, dry=dry)
            if not dry:
                self.statements += [one.to_json() for one in known if one.status != "refused"]

    def _propose(self, plans: Sequence[_Plan], rows: list[Row]) -> dict[int, list[Outcome]]:
        """Outcomes by row; rows that cannot take effect are ended here and nothing is said of them."""
        try:
            return _by_row(plans, self.desk.propose([say for plan in plans for say in plan.says], show=False))
        except RefusedError as error:
            if error.code != "cannot_take_effect":
                raise
        foreseen = self._foresee(plans)
        good: list[_Plan] = []
        for plan in plans:
            if hopeless(foreseen[plan.at]):
                rows[plan.at] = _ended(rows[plan.at], foreseen[plan.at], dry=True)
            else:
                good.append(plan)
        return _by_row(good, self.desk.propose([say for plan in good for say in plan.says], show=False)) if good else {}

    def _foresee(self, plans: Sequence[_Plan]) -> dict[int, list[Outcome]]:
        wishes = replace(self.desk.wishes, dry_run=True, offline=None)
        with Desk(self.desk.nodes, wishes) as desk:
            return _by_row(plans, desk.propose([say for plan in plans for say in plan.says], show=False))

    def _settled(self, outcomes: Mapping[int, list[Outcome]]) -> dict[int, list[Outcome]]:
        """Return the outcomes with their states asked for, where the desk did not: it asks for the first few only."""
        asked = [one.id for some in outcomes.values() for one in some if not one.state and one.status in _HELD]
        if not asked:
            return dict(outcomes)
        with output.progress("Asking for the outcome"):
            found = self.desk.learn(lambda: self.desk.client.standings(asked), dict[str, dict[str, Any]]())

        def settled(one: Outcome) -> Outcome:
            now = found.get(one.id.hex())
            return one if now is None else replace(one, state=str(now["state"]), reason=str(now["reason"]))

        return {at: [settled(one) for one in some] for at, some in outcomes.items()}


class _Here:
    """This authority's statements in the registry, and its waiting proposals.

    Args:
        names: of the issuers to register.

    Attributes:
        waiting_ids: proposals found to say just what was wanted, for the report.
    """

    def __init__(self, desk: Desk, names: Sequence[str]) -> None:
        self._client = desk.client
        self._desk = desk
        self._names = names
        self._proposals: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.waiting_ids: list[dict[str, Any]] = []
        for proposal in self._client.proposals()["proposals"]:
            if proposal["iss"] == desk.authority:
                self._proposals.setdefault((proposal["kind"], proposal["sub"]), []).append(proposal)

    def issuer(self, id: str) -> dict[str, Any] | None:
        """The issuer's record; None if the registry has none."""
        try:
            return self._client.issuer(id)
        except InputError as error:
            if error.code == "not_found":
                return None
            raise

    @cached_property
    def _namesakes(self) -> Namesakes:
        return Namesakes(self._client, self._names)

    def namesakes(self, body: Mapping[str, Any]) -> list[ImportFinding]:
        """A finding where registered issuers have the name already, which names the first few."""
        ids = self._namesakes.of(body)
        if not ids:
            return []
        more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
        text = f"{body['name']} is the name of {', '.join(ids[:_NAMED])}{more} too."
        return [ImportFinding(code="name_taken", text=text, hint=_ONE_ISSUER)]

    def has_facts(self, record: Mapping[str, Any]) -> bool:
        """Whether this authority states anything about the issuer."""
        return bool(self._own(record))

    def conflict(self, record: Mapping[str, Any], body: Mapping[str, Any]) -> ImportFinding | None:
        """What stands against registering it; None if nothing does, or all that the list says is stated already."""
        if record["id"] != body["id"]:
            text = f"The registry knows this id as another name of {record['id']}."
            return ImportFinding(code="known_as", text=text, hint="Put that id in the list, or leave the row out.")
        own = [stated["facts"] for stated in self._own(record)]
        wanted = {name: value for name, value in plain(dict(body)).items() if name != "keys"}  # kept apart; they add up
        if not own or any(wanted.items() <= facts.items() for facts in own):
            return None
        members = ("location" if name == "ext" else name for name in wanted if own[0].get(name) != wanted[name])
        text = f"You have already registered it with a different {', '.join(members)}."
        return ImportFinding(code="other_facts", text=text, hint="If the list is right, use accredit issuer update.")

    def accreditation(self, record: Mapping[str, Any], grant: Mapping[str, Any]) -> dict[str, Any] | None:
        """An accreditation by this authority that began with exactly these terms."""
        terms = {name: value for name, value in plain(dict(grant)).items() if name not in _NOT_TERMS}
        for line in record["accreditations"]:
            if not self._desk.is_own(line) or (line["kind"], line["level"]) != (grant["kind"], grant["level"]):
                continue
            held = self._client.accreditation(line["id"])
            if {name: held["terms"][0].get(name) for name in terms} == terms:
                return held
        return None

    def waiting(self, kind: str, sub: str, body: Mapping[str, Any]) -> str | None:
        """The id of a proposal that says just this."""
        for proposal in self._proposals.get((kind, sub), ()):
            if proposal["body"] == plain(dict(body)):
                self.waiting_ids.append({name: proposal[name] for name in ("id", "kind", "sub", "state")})
                return str(proposal["id"])
        return None

    def _own(self, record: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What this authority states now: nothing of its own follows it."""
        own = [stated for stated in record["stated"] if self._desk.is_own(stated)]
        named = {id for stated in own for id in stated["after"]}
        return [stated for stated in own if stated["statement"] not in named]


def _by_row(plans: Sequence[_Plan], outcomes: Sequence[Outcome]) -> dict[int, list[Outcome]]:
    rest = iter(outcomes)
    return {plan.at: [next(rest) for _ in plan.says] for plan in plans}


def hopeless(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Those that were refused, or can have no effect as things stand."""
    return [one for one in outcomes if one.status == "refused" or one.state in CANNOT_TAKE_EFFECT]


def _remarks(outcomes: Sequence[Outcome]) -> Iterator[ImportFinding]:
    """What the node remarks on in what was foreseen: ids and names that are nearly registered ones."""
    for outcome in outcomes:
        for text in outcome.foreseen.get("warnings", ()) if outcome.kind == "issuer.register" else ():
            yield ImportFinding(code="looks_like_another", text=text, hint=_ONE_ISSUER)


def _ended(row: Row, outcomes: Sequence[Outcome], *, dry: bool) -> Row:
    """The row, given what became (or, `dry`, would become) of its statements."""
    said = () if dry else tuple(one.id for one in outcomes if one.status != "refused")
    row = replace(row, statements=(*row.statements, *said), findings=(*row.findings, *_remarks(outcomes)))
    if bad := hopeless(outcomes):
        text = f"{bad[0].kind} {'would have' if dry else 'has'} no effect: {bad[0].reason or bad[0].state}"
        return row.ended(
            REFUSED,
            ImportFinding(code="no_effect", text=text, hint="Correct it, or ask an authority that may sign it."),
        )
    is_effective = all(one.state == "effective" for one in outcomes)
    if dry:
        return row.ended(report.WOULD_BE_EFFECTIVE if is_effective else report.WOULD_WAIT)
    if any(one.status == "requested" for one in outcomes):
        return row.ended(report.REQUESTED)
    return row.ended(report.EFFECTIVE if is_effective else report.WAITING)
