"""Each rule by which a contradiction is settled, and what each action does to the answers, one small history each."""

from collections.abc import Sequence

import pytest

from accredit.cli.histories.deeds import ACTIONS, EFFECTS, LOSSES, HistoryDeed
from accredit.cli.histories.settle import RULES
from tests.strategies.dapip_files import CLEARED, LOSS, SANCTION, action, planned, record
from tests.strategies.told_history import ToldHistory

ALWAYS = ("accredited", "recorded_later", "condition", "issuance_date_self_asserted")
Rows = Sequence[tuple[str, ...]]

DISTANCE = "Approved for Distance Education"

CASES: dict[str, tuple[Rows, Rows, str, str, tuple[str, ...]]] = {
    "loss_but_open": (
        [record("2000-01-01")],
        [action(f"{LOSS}Other", "2015-01-01")],
        "2015-01-01",
        "not_trusted",
        ("status_withdrawn",),
    ),
    "dates_differ": (
        [record("2000-01-01", "2015-06-30")],
        [action(f"{LOSS}Voluntary Withdrawal", "2015-01-01")],
        "2015-06-29",
        "trusted_historical",
        ("later_withdrawn_voluntary",),
    ),
    "early_loss": (
        [record("2000-01-01", "2015-06-30")],
        [action(f"{LOSS}Denial", "2015-01-01"), action(f"{LOSS}Denial", "2015-06-30", other="after appeal")],
        "2015-06-29",
        "trusted_historical",
        ("later_denied",),
    ),
    "overlapping_spells": (
        [record("2000-01-01", "2015-06-30"), record("2010-01-01", seq="2")],
        [],
        "2015-06-30",
        "trusted_with_advisory",
        (),
    ),
    "other_spell": (
        [record("2000-01-01", "2010-01-01"), record("2012-01-01", seq="2")],
        [action(f"{SANCTION}Probation", "2013-01-01")],
        "2013-01-01",
        "trusted_with_advisory",
        ("status_probation",),
    ),
    "lifted_another": (
        [record("2000-01-01")],
        [
            action(f"{SANCTION}Probation", "2013-01-01"),
            action("Removal of Show Cause Status", "2014-01-01", why=CLEARED),
        ],
        "2014-01-01",
        "trusted_with_advisory",
        (),
    ),
    "milder_sanction": (
        [record("2000-01-01")],
        [action(f"{SANCTION}Show Cause", "2013-01-01"), action(f"{SANCTION}Warning", "2014-01-01")],
        "2014-01-01",
        "trusted_with_advisory",
        ("status_warning",),
    ),
    "stay_without_loss": (
        [record("2000-01-01")],
        [action("Stay Denial Pending Appeal", "2013-01-01")],
        "2013-01-01",
        "trusted_with_advisory",
        ("stayed",),
    ),
    "renewed_after_loss": (
        [record("2000-01-01")],
        [action(f"{LOSS}Other", "2013-01-01"), action("Renewal of Accreditation", "2014-01-01")],
        "2014-01-01",
        "trusted_with_advisory",
        (),
    ),
    "ended_at_once": (
        [record("2000-01-01", "2000-01-01"), record("2001-01-01", seq="2")],
        [],
        "2000-01-01",
        "not_trusted",
        ("not_yet_valid",),
    ),
    "action_without_record": (
        [record("2000-01-01")],
        [action(f"{SANCTION}Probation", "2013-01-01", agency="2")],
        "2013-01-01",
        "trusted_with_advisory",
        (),
    ),
    "outside_spell": (
        [record("2000-01-01")],
        [action(f"{SANCTION}Probation", "1999-01-01")],
        "2000-01-01",
        "trusted_with_advisory",
        (),
    ),
    "said_twice": (
        [record("2000-01-01")],
        [action(f"{SANCTION}Probation", "2013-01-01"), action(f"{SANCTION}Probation", "2013-01-01")],
        "2013-01-01",
        "trusted_with_advisory",
        ("status_probation",),
    ),
    "nothing_to_lift": (
        [record("2000-01-01")],
        [action(f"{SANCTION}Probation", "2013-01-01"), action("Removal of Monitoring Status", "2014-01-01")],
        "2014-01-01",
        "trusted_with_advisory",
        ("status_probation",),
    ),
    "nothing_to_reinstate": (
        [record("2000-01-01")],
        [action("Accreditation Reinstated: Termination Overturned on Appeal", "2013-01-01")],
        "2013-01-01",
        "trusted_with_advisory",
        (),
    ),
    "action_after_loss": (
        [record("2000-01-01")],
        [action(f"{LOSS}Other", "2013-01-01"), action(f"{SANCTION}Probation", "2014-01-01")],
        "2014-01-01",
        "not_trusted",
        ("status_withdrawn",),
    ),
    "initial_again": (
        [record("2000-01-01")],
        [action("Initial Accreditation", "2013-01-01")],
        "2012-01-01",
        "trusted_with_advisory",
        (),
    ),
    "location_closed": (
        [record("2000-01-01")],
        [action("Additional Location Closed", "2013-01-01")],
        "2013-01-01",
        "trusted_with_advisory",
        (),
    ),
    "renewed_candidate": (
        [record("2000-01-01", status="Preaccredited")],
        [action("Renewal of Accreditation", "2013-01-01")],
        "2013-01-01",
        "trusted_with_advisory",
        ("status_candidate",),
    ),
}


@pytest.mark.parametrize("code", RULES)
def test_each_contradiction_is_settled_by_its_rule_and_said(code: str) -> None:
    records, actions, on, verdict, why = CASES[code]
    plan = planned(records, actions)
    found = [one for one in plan.findings if one.finding.code == code]
    assert len(found) == 1, plan.findings
    assert found[0].finding.text.endswith(RULES[code].taken)
    assert found[0].where.startswith(("records.csv, line", "actions.csv, line"))
    assert found[0].is_left_out is RULES[code].is_left_out
    assert _asked(ToldHistory.of(plan), on) == (verdict, why)


def _asked(told: ToldHistory, on: str, *, mode: str = "") -> tuple[str, tuple[str, ...]]:
    decision = told.ask("7", on, program="1", mode=mode)
    return decision.verdict.value, tuple(r.code for r in decision.reasons if r.code not in ALWAYS)


YES, THEN, NO = "trusted_with_advisory", "trusted_historical", "not_trusted"
WARNED = "status_warning"

HISTORIES: dict[str, tuple[Rows, Rows, dict[str, tuple[str, tuple[str, ...]]]]] = {
    "monitoring beside probation: what is removed is removed and nothing else": (
        [record("2000-01-01")],
        [
            action(f"{SANCTION}Probation", "2010-01-01"),
            action("Heightened Monitoring or Focused Review", "2011-01-01"),
            action("Accreditation Reaffirmed: Probation Removed", "2012-01-01"),
            action("Removal of Monitoring Status", "2013-01-01"),
        ],
        {
            "2010-06-01": (YES, ("status_probation",)),
            "2011-06-01": (YES, ("status_probation",)),
            "2012-06-01": (YES, ("status_conditional",)),
            "2013-06-01": (YES, ()),
        },
    ),
    "a sanction that says when it ends, ends": (
        [record("2000-01-01")],
        [action(f"{SANCTION}Warning", "2010-01-01", end="2011-01-01")],
        {"2010-12-31": (YES, (WARNED,)), "2011-01-01": (YES, ())},
    ),
    "continued probation is one, and its removal removes it": (
        [record("2000-01-01")],
        [
            action(f"{SANCTION}Probation", "2010-01-01"),
            action(f"{SANCTION}Probation", "2011-01-01", other="continued"),
            action("Accreditation Reaffirmed: Probation Removed", "2012-01-01"),
        ],
        {"2011-06-01": (YES, ("status_probation",)), "2012-01-01": (YES, ())},
    ),
    "a renewal makes good": (
        [record("2000-01-01")],
        [
            action(f"{SANCTION}Show Cause", "2010-01-01"),
            action("Heightened Monitoring or Focused Review", "2010-01-01"),
            action("Renewal of Accreditation", "2011-01-01"),
            action(f"{SANCTION}Warning", "2011-01-01"),
        ],
        {"2010-06-01": (YES, ("status_show_cause",)), "2011-01-01": (YES, (WARNED,))},
    ),
    "a candidate is accredited by its initial accreditation": (
        [record("2000-01-01", status="Preaccredited")],
        [action("Initial Accreditation", "2005-01-01")],
        {"2004-12-31": (YES, ("status_candidate",)), "2005-01-01": (YES, ())},
    ),
    "a termination overturned on appeal never was": (
        [record("2000-01-01")],
        [
            action(f"{LOSS}Other", "2010-01-01"),
            action("Accreditation Reinstated: Termination Overturned on Appeal", "2011-01-01"),
        ],
        {"2010-06-01": (YES, ()), "2011-01-01": (YES, ())},
    ),
    "a stay ends with the denial that the appeal affirms": (
        [record("2000-01-01")],
        [
            action(f"{LOSS}Denial", "2010-01-01"),
            action("Stay Denial Pending Appeal", "2010-02-01"),
            action("Affirm Denial Following Appeal", "2011-01-01"),
        ],
        {
            "2009-12-31": (THEN, ("later_denied",)),
            "2010-01-15": (NO, ("status_denied",)),
            "2010-06-01": (THEN, ("later_denied", "stayed")),
            "2011-01-01": (NO, ("status_denied",)),
        },
    ),
    "a stay ends with what overturns the denial": (
        [record("2000-01-01")],
        [
            action(f"{LOSS}Denial", "2010-01-01"),
            action("Stay Denial Pending Appeal", "2010-02-01"),
            action("Accreditation Reinstated: Termination Overturned on Appeal", "2011-01-01"),
        ],
        {"2010-01-15": (YES, ()), "2010-06-01": (YES, ("stayed",)), "2011-01-01": (YES, ())},
    ),
    "a record's end ends it, whatever its word": (
        [record("2000-01-01", "2010-01-01"), record("2012-01-01", seq="2")],
        [],
        {
            "2009-12-31": (THEN, ("later_expired",)),
            "2010-01-01": (NO, ("status_expired",)),
            "2011-12-31": (NO, ("status_expired",)),
            "2012-01-01": (YES, ()),
        },
    ),
    "a programme that the institution's own accreditation has taken in": (
        [record("2000-01-01")],
        [action("Program Merged Into Institutional Accreditation", "2010-01-01")],
        {"2009-12-31": (THEN, ("later_superseded",)), "2010-01-01": (NO, ("status_superseded",))},
    ),
    "a location closed on the day the record ends": (
        [record("2000-01-01", "2010-01-01")],
        [action("Additional Location Closed", "2010-01-01")],
        {"2009-12-31": (THEN, ("later_closed",)), "2010-01-01": (NO, ("status_closed",))},
    ),
    "a denied application": (
        [record("", "2010-01-01", status="Denied Accreditation")],
        [],
        {
            "2009-12-31": (NO, ("not_yet_valid",)),
            "2010-01-01": (NO, ("status_denied",)),
            "2010-01-02": (NO, ("status_denied",)),
        },
    ),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_what_is_answered_on_each_day_of(name: str) -> None:
    records, actions, answers = HISTORIES[name]
    told = ToldHistory.of(planned(records, actions))
    assert told.without_effect() == []
    assert {on: _asked(told, on) for on in answers} == answers


def test_a_milder_sanction_does_not_repeat_a_graver_one_nor_a_graver_a_milder() -> None:
    """Each took effect: were the second taken for the first said again, the answers would keep the first."""
    graver, milder = action(f"{SANCTION}Show Cause", "2014-01-01"), action(f"{SANCTION}Warning", "2014-01-01")
    first, second = action(f"{SANCTION}Warning", "2013-01-01"), action(f"{SANCTION}Show Cause", "2013-01-01")
    for actions, found, before, after in (
        ([first, graver], [], "status_warning", "status_show_cause"),
        ([second, milder], ["milder_sanction"], "status_show_cause", "status_warning"),
    ):
        plan = planned([record("2000-01-01")], actions)
        assert [one.finding.code for one in plan.findings] == found
        told = ToldHistory.of(plan)
        assert told.without_effect() == []
        assert before in _asked(told, "2013-06-01")[1]
        assert _asked(told, "2014-01-01")[1] == (after,)


def test_online_teaching_counts_from_the_day_it_was_approved_until_the_day_that_was_taken_back() -> None:
    actions = [action(DISTANCE, "2010-01-01"), action("Removal of Approval for Distance Education", "2015-01-01")]
    told = ToldHistory.of(planned([record("2000-01-01")], actions))
    assert told.without_effect() == []
    assert _asked(told, "2009-12-31", mode="online")[1] == ("delivery_mode_not_covered",)
    assert _asked(told, "2010-01-01", mode="online") == (THEN, ("later_scope",))
    assert _asked(told, "2015-01-01", mode="online")[1] == ("delivery_mode_not_covered",)
    assert _asked(told, "2009-12-31", mode="in_person") == (YES, ())


def test_correspondence_ends_alone() -> None:
    told = ToldHistory.of(
        planned([record("2000-01-01")], [action("Removal of Approval for Correspondence Education", "2015-01-01")])
    )
    assert _asked(told, "2015-01-01", mode="correspondence")[1] == ("delivery_mode_not_covered",)
    assert _asked(told, "2015-01-01", mode="online") == (YES, ())


def test_a_change_of_which_the_data_do_not_say_what_changed_leaves_the_scope_as_wide() -> None:
    changes = [action("Grant Substantive Change: Program", f"201{n}-01-01", other=f"change {n}") for n in range(3)]
    plan = planned([record("2000-01-01")], changes)
    assert plan.counts["accreditation.amend"] == 3
    assert _asked(ToldHistory.of(plan), "2015-01-01") == (YES, ())


def test_every_action_of_dapip_means_something_we_can_tell() -> None:
    assert {meaning.deed for meaning in ACTIONS.values()} == set(EFFECTS) == set(HistoryDeed)
    assert set(LOSSES) < set(HistoryDeed)
