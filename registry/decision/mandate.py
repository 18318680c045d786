"""Judges one mandate of an authority for a query with the action `accredit`: may it accredit issuers for this?

An authority named in the charter may accredit for anything; a delegate within its actions and limits, while its
delegation and all above it are valid, and until it is withdrawn. The limits of every link are a ceiling
(`domain.ceiling`).
"""

from collections.abc import Collection
from typing import Final

from ..domain.ceiling import ceiling
from ..domain.records import Voice, end_of
from ..encoding.rfc3339 import day
from .authority_chain import Chain, window
from .case import Case
from .chain_notes import say_mandate
from .competencies import Extent, extents_of_limits
from .notes import Notes
from .scope_notes import judge_scope
from .verdict import Finding, Reason

_GRANT: Final = ("accreditation.grant", "accreditation.*")


def judge_mandate(case: Case, chain: Chain, mandates: Collection[Voice]) -> Finding:
    """Return the finding on the first instance of `chain`, one of the `mandates` that its body holds."""
    notes = Notes()
    say_mandate(mandates, chain, notes)
    notes.cite([link.via for link in chain if link.via is not None])
    own = chain[0].standing
    if own is None or any(link.standing is None for link in chain):
        notes.refuse("authority_not_in_force", f"{chain[-1].name} is no longer an authority of this ecosystem.")
    elif own["actions"] is not None and not any(action in _GRANT for action in own["actions"]):
        notes.refuse("action_not_covered", f"{chain[0].name} may not accredit issuers.")
    else:
        _judge_time(case, chain, notes)
        ceilings = extents_of_limits(chain, case.publishers) or [Extent(ceiling({}))]
        judge_scope(case, ceilings, chain, case.publishers, notes)
    positive = Reason(code="mandated", text=f"{chain[0].name} may accredit issuers; it answers to {chain[-1].name}.")
    if len(chain) == 1:
        positive = Reason(code="mandated", text=f"{chain[0].name} may accredit issuers: the charter names it.")
    return notes.finding(lambda: positive, chain, case.now)


def _judge_time(case: Case, chain: Chain, notes: Notes) -> None:
    begins, end = window(chain, case.now)
    withdrawals = [link.standing["withdrawn"] for link in chain if link.standing and link.standing["withdrawn"]]
    notes.cite([one["statement"] for one in withdrawals])
    ends = [end_of(one, case.now) for one in withdrawals] + ([] if end is None else [end])
    notes.dates += ends
    if begins is not None:
        notes.dates.append(begins)
        if case.time < begins:
            notes.refuse("delegation_not_yet_valid", f"Its mandate begins on {day(begins)}.")
    if not ends:
        return
    if min(ends) <= case.time:
        notes.refuse("delegation_expired", f"Its mandate ended on {day(min(ends))}.")
    elif min(ends) <= case.now:
        notes.lose("later_delegation_expired", f"It had a mandate then; the mandate ended on {day(min(ends))}.")
