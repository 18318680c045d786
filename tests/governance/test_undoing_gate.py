"""The mutation gate of governance: each clause of the law of undoing, switched off, makes a named test fail.

If a clause can be switched off unnoticed, no test shows that it works. Each row names a clause, its replacement, and
the test that must see the difference: of `test_undoing`, `test_undoing_by_keys` or `test_dating_back`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest

from accredit.governance import fold
from accredit.governance.authority import charter_chain, effect, key_lifecycle
from accredit.governance.authority.ballots import Ground, Reach
from accredit.governance.authority.delegations import Mandates
from accredit.governance.index.statement_index import named_heads
from accredit.governance.rules import undoing
from accredit.registry.decision.competencies import Competencies
from accredit.registry.decision.verdict import Verdict
from accredit.registry.domain.records import Voice
from accredit.registry.limits import TIME_MAX
from tests.governance import test_by_mandate as by_mandate
from tests.governance import test_dating_back as dates
from tests.governance import test_epochs as epochs
from tests.governance import test_heads_of_withdrawals as heads
from tests.governance import test_limits_by_framework as framed
from tests.governance import test_mappings as mapped
from tests.governance import test_undoing as told
from tests.governance import test_undoing_by_keys as keys
from tests.governance import test_votes_by_list as lists
from tests.governance import test_what_comes_late as late
from tests.strategies.stories import B

Call = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One row.

    Attributes:
        name: what is switched off.
        off: what takes whose place: (owner, attribute, replacement).
        seen_by: the test that must fail, and what it is given.
    """

    name: str
    off: tuple[tuple[object, str, object], ...]
    seen_by: Call
    given: tuple[Any, ...] = ()


def constantly(value: Any) -> Call:
    return lambda *_, **__: value


def _first(rules: Any, _: Any) -> Any:
    return next(iter(rules))


def _whole_reach(_: Any, cut_off: Any) -> Reach:
    return Reach(frozenset(), frozenset(cut_off.voices or ()))


def _ends_whatever_lies_outside(self: Mandates, voice: Any, statement: Any, *, narrowing: bool) -> bool:
    del narrowing
    return any(
        not self.ground.is_covered(statement, named_heads(withdrawal.statement))
        for link in (voice, *self.above(voice))
        for withdrawal in (self.seats[link].withdrawals if link in self.seats else ())
    )


def _only_void_from(statement: Any) -> bool:
    return "void_from" in statement.body


def _as_stated(statement: Any, *_: Any) -> int:
    return int(statement.body["effective_from"])


def _by_another_key(_: Ground, said: Any, key: bytes, __: int, *, subject: Any = None) -> bool:
    del subject
    return bool(said.kid != key)


_is_cut, _voices = Ground.is_cut, Ground.voices


def _is_cut_for_all(self: Ground, statement: Any, subject: Any = None) -> bool:
    del subject
    return _is_cut(self, statement)


def _voices_of_its_list(self: Ground, statement: Any, subject: Any = None) -> Any:
    del subject
    return _voices(self, statement)


def _line_for_all(ground: Ground, key: bytes, _: Voice) -> bytes:
    """The key that it replaced for anybody."""
    return next((elder for (new, _), elder in ground._origins.items() if new == key), key)


CLAUSES: Final = (
    Clause(
        name="an amendment that changes a body's keys states them all",
        off=((Ground, "_stated_in", constantly(-1)),),
        seen_by=epochs.test_a_thief_whom_the_charter_replaces_does_not_stay_by_a_key_that_he_has_added,
        given=("replaced",),
    ),
    Clause(
        name="heads given after a mandate ended show nothing",
        off=((Mandates, "ends", constantly(TIME_MAX)),),
        seen_by=heads.test_heads_given_after_a_mandate_ended_show_nothing_of_what_a_thief_dated_back,
        given=("an amendment of the charter", True),
    ),
    Clause(
        name="an amendment waits for what its author had said before",
        off=((charter_chain, "is_incomplete", constantly(False)),),
        seen_by=late.test_what_its_author_had_kept_back_dates_no_amendment_later,
        given=(1,),
    ),
    Clause(
        name="those who may reach back are dated by their own word",
        off=((Ground, "_may_reach_back", constantly(False)),),
        seen_by=dates.test_one_of_several_dates_no_suspension_later_by_a_statement_that_it_had_kept_back,
        given=(B, 2, Verdict.SUSPENDED),
    ),
    Clause(
        name="a join asks of each rule the greater",
        off=((undoing, "join", _first), (effect, "join", _first)),
        seen_by=told.test_two_keys_of_one_body_do_not_amend_a_joint_grant_to_everything,
    ),
    Clause(
        name="who undoes an event meets its rule",
        off=((effect, "_narrowings_before", constantly([])),),
        seen_by=told.test_one_body_does_not_undo_a_void_revocation_by_two,
        given=("lift",),
    ),
    Clause(
        name="one voice's own word is undone by it or one above",
        off=((undoing, "Claim", lambda _, deed: _AnyVoice(deed)),),
        seen_by=told.test_a_delegate_alone_undoes_nothing_that_the_authority_above_it_imposed,
        given=("lift",),
    ),
    Clause(
        name="an amendment undoes those it replaces",
        off=((effect, "_replaced", constantly([])),),
        seen_by=told.test_a_delegate_does_not_amend_away_what_the_authority_above_it_had_narrowed,
    ),
    Clause(
        name="narrower is what provably lies within",
        off=((effect, "lies_within", constantly(True)),),
        seen_by=told.test_two_keys_of_one_body_do_not_amend_a_joint_grant_to_everything,
    ),
    Clause(
        name="a narrower amendment is a narrowing",
        off=((effect, "_narrows_terms", constantly(False)),),
        seen_by=told.test_whoever_made_a_joint_grant_may_narrow_its_terms_alone,
    ),
    Clause(
        name="a stay that lapses undoes for a while only",
        off=((effect, "_LASTING", ("lift", "reinstate", "renew", "stay")),),
        seen_by=told.test_a_stay_that_has_lapsed_does_not_open_what_it_stayed,
    ),
    Clause(
        name="what begins later has not undone yet",
        off=((effect, "_earliest", constantly(2**60)),),
        seen_by=told.test_a_lift_that_starts_before_the_joint_one_it_follows_lifts_nothing_joint,
    ),
    Clause(
        name="each who accredited together narrows alone",
        off=((effect, "_carriers", constantly(())),),
        seen_by=told.test_each_body_of_a_joint_grant_suspends_it_alone_and_only_the_joint_rule_brings_it_back,
    ),
    Clause(
        name="an annulment weighs as much as its target",
        off=((effect, "_to_annul", lambda *given: undoing.Requirement(given[-1])),),
        seen_by=told.test_two_do_not_annul_what_asks_for_all_three,
    ),
    Clause(
        name="and as what its target narrowed",
        off=((Ground, "narrowed", constantly([])),),
        seen_by=told.test_two_do_not_annul_the_suspension_of_what_took_three,
    ),
    Clause(
        name="what others carried with a key is spared by its cut-off",
        off=((Ground, "_is_spared", constantly(False)),),
        seen_by=keys.test_one_body_does_not_take_back_a_joint_revocation_by_ending_its_own_key,
        given=("key.retire",),
    ),
    Clause(
        name="as many as it took end it",
        off=((Ground, "_undoes", constantly(False)),),
        seen_by=keys.test_as_many_as_a_decision_took_end_the_key_that_helped_to_carry_it_and_it_falls,
    ),
    Clause(
        name="somebody with a good key has a hand in what is spared",
        off=((Ground, "_has_a_hand", constantly(True)),),
        seen_by=keys.test_keys_long_retired_carry_nothing_between_them,
    ),
    Clause(
        name="what widens was carried by the time of the cut-off",
        off=((Ground, "_is_in_time", constantly(True)),),
        seen_by=keys.test_a_retired_key_and_a_live_one_carry_nothing_new,
    ),
    Clause(
        name="a key and those in its place are one",
        off=((Ground, "line", lambda _, key, __: key),),
        seen_by=keys.test_one_person_is_not_two_by_rotating_his_key,
    ),
    Clause(
        name="a rotation makes keys one only for those whose key it replaces",
        off=((Ground, "line", _line_for_all),),
        seen_by=by_mandate.test_nobody_takes_a_key_from_a_bodys_threshold_by_naming_it_as_a_new_key,
    ),
    Clause(
        name="a successor alone is one key of several",
        off=((key_lifecycle, "_reach", _whole_reach),),
        seen_by=keys.test_a_committed_successor_alone_does_not_take_back_what_two_keys_of_its_body_said,
    ),
    Clause(
        name="what narrowed stands outside the heads of a withdrawal",
        off=((Mandates, "is_ended", _ends_whatever_lies_outside),),
        seen_by=told.test_a_withdrawal_with_early_heads_lifts_no_suspension,
    ),
    Clause(
        name="a withdrawal without heads erases nothing",
        off=((Mandates, "is_ended", _ends_whatever_lies_outside),),
        seen_by=told.test_a_withdrawal_that_names_no_heads_does_not_erase_an_honest_issuers_past,
    ),
    Clause(
        name="a withdrawal with an early head erases nothing",
        off=((Mandates, "is_ended", _ends_whatever_lies_outside),),
        seen_by=heads.test_one_body_erases_no_past_of_its_delegate_by_a_head,
        given=("early",),
    ),
    Clause(
        name="a statement speaks under the mandate that it names",
        off=((Ground, "may_speak", constantly(True)),),
        seen_by=by_mandate.test_a_delegation_dated_back_takes_over_nothing_that_anothers_delegate_grants,
    ),
    Clause(
        name="reaching back is judged however it is spelt",
        off=((undoing, "reaches_back", _only_void_from),),
        seen_by=dates.test_one_body_does_not_revoke_back_in_time_however_it_is_spelt,
        given=("effective_from",),
    ),
    Clause(
        name="the retroactive rule",
        off=((undoing, "reaches_back", constantly(False)),),
        seen_by=dates.test_one_body_does_not_revoke_back_in_time_however_it_is_spelt,
        given=("void_from",),
    ),
    Clause(
        name="a decision counts from its last needed vote",
        off=((Ground, "met", lambda self, subject, *given, **_: self.said_at(subject, given[-1])),),
        seen_by=dates.test_a_decision_takes_effect_when_its_last_needed_vote_was_cast,
    ),
    Clause(
        name="and not from when it says",
        off=((fold, "begins", _as_stated),),
        seen_by=dates.test_a_decision_takes_effect_when_its_last_needed_vote_was_cast,
    ),
    Clause(
        name="what gives back reaches back no further than the charter lets it",
        off=((fold, "begins", _as_stated),),
        seen_by=dates.test_a_reinstatement_by_two_reaches_back_no_further_than_the_charter_lets_it,
    ),
    Clause(
        name="a key is no older than its introduction",
        off=((Ground, "introduced", constantly(-(2**60))),),
        seen_by=dates.test_a_fresh_key_dated_before_its_introduction_gives_nothing,
    ),
    Clause(
        name="nor is what it narrows",
        off=((Ground, "introduced", constantly(-(2**60))),),
        seen_by=dates.test_a_narrowing_by_a_fresh_key_reaches_back_no_further_than_its_introduction,
    ),
    Clause(
        name="of an ended mandate only what is anchored gives trust",
        off=((Mandates, "is_anchored", constantly(True)),),
        seen_by=dates.test_an_expired_delegate_that_dates_a_grant_back_is_not_believed_until_somebody_else_shows_it,
    ),
    Clause(
        name="a voucher is independent of the forked key",
        off=((Ground, "_is_rooted", constantly(True)),),
        seen_by=keys.test_a_voucher_that_the_forked_key_introduced_itself_vouches_for_nothing,
        given=("key.rotate",),
    ),
    Clause(
        name="a vote vouches for an item as a vote on it alone would, not for the rest of its list",
        off=((Ground, "is_cut", _is_cut_for_all), (Ground, "voices", _voices_of_its_list)),
        seen_by=lists.test_a_key_that_was_cut_off_vouches_for_no_fork_by_adding_what_others_carried_to_its_list,
    ),
    Clause(
        name="a voucher speaks for an authority",
        off=((Ground, "_is_independent", _by_another_key),),
        seen_by=keys.test_an_issuers_key_vouches_for_no_branch,
    ),
    Clause(
        name="what widens by a mapping takes what granting takes",
        off=((undoing, "WIDENED_BY_MAPPINGS", ()),),
        seen_by=mapped.test_a_mapping_that_counts_takes_what_granting_takes,
        given=("accreditation.grant",),
    ),
    Clause(
        name="only those above say what lies within a limit",
        off=((Competencies, "_lookup", lambda self, _: self._counted),),
        seen_by=framed.test_a_delegate_does_not_reach_a_licence_by_listing_it_in_the_framework_that_limits_it,
        given=("item",),
    ),
    Clause(
        name="and so does an anchor",
        off=((Ground, "_is_independent", _by_another_key),),
        seen_by=keys.test_a_cut_off_by_an_accomplice_anchors_no_branch,
    ),
)


class _AnyVoice:
    """A claim that everybody meets."""

    rule = None

    def __init__(self, deed: str) -> None:
        self.deed = deed
        self.voices = _Everybody()


class _Everybody:
    def __contains__(self, _: object) -> bool:
        return True


@pytest.mark.no_cover
@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.name)
def test_each_clause_switched_off_makes_its_test_fail(clause: Clause, monkeypatch: pytest.MonkeyPatch) -> None:
    clause.seen_by(*clause.given)
    for owner, name, replacement in clause.off:
        monkeypatch.setattr(owner, name, replacement)
    with pytest.raises(AssertionError):
        clause.seen_by(*clause.given)
