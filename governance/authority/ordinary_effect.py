"""The most ordinary statements, judged in a few look-ups: most of a log is made of them.

An ordinary statement founds something that others build on. An authority of the charter makes it alone, with one key,
in the order of that key's chain, and nobody votes on it. None of the questions that `effect.judge` asks besides has an
answer that could matter then: whose weight it needs, what was withdrawn, which votes count.

`in_force` answers as `judge` would, or not at all; a test compares the two over generated histories.
"""

from typing import Final

from accredit.governance.rules.rulebook import rule_for
from accredit.registry.domain.records import Voice
from accredit.registry.statement import Statement

from .effect import InForce
from .governing_state import Law

ORDINARY: Final = ("issuer.register", "issuer.update", "accreditation.grant", "framework.publish")
"""Kinds that undo nothing, reach back to nothing, never narrow, and that anybody may state."""


def in_force(law: Law, statement: Statement) -> InForce | None:
    """Return for whom and since when an ordinary statement is in effect; None: `judge` says how it stands."""
    ground, chains = law.ground, law.ground.chains
    if statement.kind not in ORDINARY or statement.mandate is not None or statement.kid in ground.cuts:
        return None
    epoch, voice = ground.epoch(statement), Voice(statement.iss, None)
    charter = ground.versions[epoch].charter
    authority = charter.authorities.get(statement.iss)
    is_enough = authority is not None and authority.threshold == 1 and rule_for(statement.kind, charter.rules).asks_one
    if (
        not is_enough
        or not ground.counts(statement.kid, voice, epoch)
        or statement.iat < ground.introduced(statement.kid, voice)
        or not chains.is_orderly(statement.id)
        or chains.is_forked(statement.kid)
        or chains.deciding_votes(statement.id)
    ):
        return None
    return InForce(voice, statement.iat)
