"""An imported history, told to a consortium of two authorities: every statement signed, voted on, folded and asked.

told = Told.of(plan(history, BASE))
told.ask("215044", "2018-06-01").verdict
"""

from dataclasses import dataclass, field
from functools import cached_property

from accredit.cli.histories.life import resolved
from accredit.cli.histories.names import ids_of, program_id
from accredit.cli.histories.plan import HistoryPlan, delegation_body
from accredit.governance.authority.effect import EffectState
from accredit.governance.fold import Fold
from accredit.governance.standing import standing_of
from accredit.registry.decision.decide import Decision, Query, decide
from accredit.registry.encoding.rfc3339 import instant
from accredit.registry.limits import VOTE_TARGETS
from accredit.registry.statement import Statement
from tests.strategies.consortium import Consortium, key_entry

BOARD, STATE = "https://board.example/", "https://state.example/"
BASE = "https://board.example/dapip/"
TODAY = instant("2026-11-27", days=True)


@dataclass
class ToldHistory:
    """A town in which a history was told, and how to ask it."""

    plan: HistoryPlan
    town: Consortium
    delegations: dict[str, Statement]
    base: str = BASE
    lives: dict[str, list[Statement]] = field(default_factory=dict)
    """Statements of each spell, by what `source_record` calls it."""

    @classmethod
    def of(cls, plan: HistoryPlan, *, votes: bool = True, base: str = BASE) -> "ToldHistory":
        town = Consortium.of((BOARD, "public"), (STATE, "public"))
        town.time = TODAY
        told = cls(plan, town, {}, base)
        for agency, id in plan.agencies.items():
            pen = town.pen(f"{id}#1", id)
            body = delegation_body(plan, agency, [key_entry(pen, budget=5_000)])
            told.delegations[agency] = town.says(BOARD, "authority.delegate", body)
        for one in plan.registrations:
            town.says(BOARD, "issuer.register", dict(one.body))
        back: list[Statement] = []
        for life in plan.lives:
            said: list[Statement] = []
            for at, each in enumerate(life.told):
                who = BOARD if at else plan.agencies[life.agency]
                body = resolved(each.body, [one.id for one in said])
                said.append(town.says(who, each.kind, body, life.issuer))
            back += said[1:]
            told.lives[life.told[0].body["source_record"]["id"]] = said
        for start in range(0, len(back) if votes else 0, VOTE_TARGETS):
            town.votes(STATE, *back[start : start + VOTE_TARGETS])
        return told

    @cached_property
    def fold(self) -> Fold:
        return self.town.fold()

    @cached_property
    def ids(self) -> dict[str, str]:
        return dict(ids_of(self.plan.history, self.base)[0])

    def without_effect(self) -> list[tuple[str, str]]:
        """Statements that were said and have no effect, with the reason."""
        found = []
        for statement in self.town.said:
            standing = standing_of(self.fold, statement.id)
            assert standing is not None
            if standing.state is not EffectState.EFFECTIVE:
                found.append((statement.kind, standing.reason))
        return found

    def ask(
        self, institution: str, on: str | None = None, *, program: str | None = None, agency: str = "", mode: str = ""
    ) -> Decision:
        """The answer about one institution of the history, as of a day (None: now)."""
        query = Query(
            entity=self.ids[institution],
            authority=self.plan.agencies[agency] if agency else self.town.id,
            time=None if on is None else instant(on, days=True),
            achievement_types=("Certificate",),
            program=None if program is None else program_id(self.plan.history.source, program),
            delivery_mode=mode or None,
        )
        return decide(query, self.fold, self.town.time + 86_400, ecosystem_id=self.town.id)
