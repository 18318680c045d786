"""Accreditations: shapes, terms, and the status that a graph of dated events makes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.domain import accreditations
from accredit.registry.domain.accreditations import Status, as_it_happened, status_at, terms_at
from accredit.registry.domain.record_types import StatedEvent
from accredit.registry.domain.vocabulary import NARROWING_EVENTS, STATUSES, status_of_event
from accredit.registry.encoding.cbor import decode, encode
from accredit.registry.errors import DecodeError
from tests.strategies import domain
from tests.strategies.domain import COLLEGE, HLC, NOW, World, at, grant_body, shuffled, status_body
from tests.strategies.searching import examples


def status(world: World, id: bytes, on: str, *, known: str | None = None) -> Status:
    return status_at(world.accreditation(id), at(on), known=None if known is None else at(known))


def word(world: World, id: bytes, on: str, *, known: str | None = None) -> str:
    return status(world, id, on, known=known).word


@pytest.fixture
def world() -> World:
    return World()


# ------------------------------------------------------------------------------------------------ shapes


@pytest.mark.parametrize(
    ("members", "where", "code"),
    [
        ({"kind": "like"}, "body.kind", "bad_member"),
        ({"valid_until": at("2010-01-01")}, "body.valid_until", "never_valid"),
        ({"valid_from_precision": "decade"}, "body.valid_from_precision", "bad_member"),
        ({"valid_from": at("2010-02-01"), "valid_from_precision": "year"}, "body.valid_from", "bad_member"),
        ({"valid_from": at("2010-02-02"), "valid_from_precision": "month"}, "body.valid_from", "bad_member"),
        ({"accreditor": HLC}, "body", "unknown_member"),
        ({"initial_status": "revoked"}, "body.initial_status", "bad_member"),
        ({"scope": {}}, "body.scope", "empty_scope"),
    ],
)
def test_a_slip_in_a_grant_is_refused_where_it_is(members: Any, where: str, code: str) -> None:
    with pytest.raises(DecodeError) as caught:
        grant_body(**members)
    assert (caught.value.where, caught.value.code) == (where, code)


@pytest.mark.parametrize(
    ("event", "members", "code"),
    [
        ("suspend", {"void_from": 0}, "unknown_member"),
        ("suspend", {"applies_to": {"programs": ["x"]}}, "unknown_member"),
        ("withdraw", {"effective_until": at("2030-01-01")}, "unknown_member"),
        ("suspend", {"effective_until": at("2020-01-01")}, "never_valid"),
        ("revoke", {"void_from": at("2020-01-02")}, "bad_member"),
        ("revoke", {"reason_code": "other"}, "missing_member"),
        ("lift", {}, "missing_member"),
        ("pause", {}, "bad_member"),
    ],
)
def test_a_slip_in_a_status_event_is_refused(event: str, members: Any, code: str) -> None:
    with pytest.raises(DecodeError) as caught:
        status_body(bytes(32), event, "2020-01-01", **members)
    assert caught.value.code == code


@pytest.mark.parametrize("event", ["sanction", "teach_out", "supersede", "revoke", "withdraw", "deny"])
def test_an_event_without_what_it_needs_is_refused(event: str) -> None:
    body = {"accreditation": bytes(32), "event": event, "effective_from": 0, "after": []}
    with pytest.raises(DecodeError, match="needs"):
        accreditations.check_status(body)


def test_an_amendment_ends_after_it_begins() -> None:
    body = {
        "accreditation": bytes(32),
        "after": [],
        "effective_from": 0,
        "scope": {"achievement_types": "*"},
        "valid_from": 5,
        "valid_until": 5,
    }
    with pytest.raises(DecodeError, match="end before"):
        accreditations.check_amend(body)


# ------------------------------------------------------------------------------------------------ the status table


@pytest.mark.parametrize(
    ("event", "members", "expected"),
    [
        ("suspend", {}, "suspended"),
        ("sanction", {"sanction_level": "warning"}, "warning"),
        ("sanction", {"sanction_level": "probation"}, "probation"),
        ("sanction", {"sanction_level": "show_cause"}, "show_cause"),
        ("condition", {}, "conditional"),
        ("withdraw", {}, "withdrawn"),
        ("withdraw", {"reason_code": "voluntary"}, "withdrawn_voluntary"),
        ("expire", {}, "expired"),
        ("teach_out", {}, "teach_out"),
        ("close", {}, "closed"),
        ("supersede", {}, "superseded"),
        ("revoke", {}, "revoked"),
        ("deny", {}, "denied"),
    ],
)
def test_an_event_brings_its_status_from_its_day_on(world: World, event: str, members: Any, expected: str) -> None:
    id = world.grant()
    said = world.event(id, event, "2020-01-01", **members)
    assert word(world, id, "2019-12-31") == "active"
    found = status(world, id, "2020-01-01")
    assert (found.word, found.since, found.events) == (expected, at("2020-01-01"), (said,))


@pytest.mark.parametrize("initial", ["active", "candidate", "conditional"])
def test_an_accreditation_begins_as_its_grant_says(world: World, initial: str) -> None:
    id = world.grant(initial_status=initial)
    assert status(world, id, "2020-01-01") == Status(word=initial, since=at("2010-01-01"))


def test_it_expires_on_the_day_it_is_valid_until(world: World) -> None:
    id = world.grant(valid_until=at("2020-01-01"))
    assert word(world, id, "2019-12-31") == "active"
    assert status(world, id, "2020-01-01") == Status(word="expired", since=at("2020-01-01"))


def test_a_withdrawal_before_expiry_stays_a_withdrawal_and_a_suspension_ends_in_expiry(world: World) -> None:
    withdrawn = world.grant(valid_until=at("2020-01-01"))
    world.event(withdrawn, "withdraw", "2019-01-01")
    assert word(world, withdrawn, "2021-01-01") == "withdrawn"
    suspended = world.grant(valid_until=at("2020-01-01"), level="course")
    world.event(suspended, "suspend", "2019-01-01")
    assert word(world, suspended, "2019-06-01") == "suspended"
    assert word(world, suspended, "2021-01-01") == "expired"


# ------------------------------------------------------------------------------------------------ the graph


def test_of_branches_unaware_of_each_other_the_most_restrictive_wins(world: World) -> None:
    id = world.grant()
    suspension = world.event(id, "suspend", "2020-01-01")
    world.event(id, "sanction", "2020-02-01", sanction_level="warning")
    withdrawal = world.event(id, "withdraw", "2021-01-01")
    assert word(world, id, "2020-03-01") == "suspended"
    assert word(world, id, "2021-01-01") == "withdrawn"
    world.event(id, "reinstate", "2022-01-01", after=[withdrawal])
    assert word(world, id, "2022-01-01") == "suspended", "who reinstated did not know of the suspension"
    world.event(id, "lift", "2022-02-01", after=[suspension])
    assert word(world, id, "2022-02-01") == "warning"


def test_among_equals_the_earliest_wins_then_the_lowest_id(world: World) -> None:
    id = world.grant()
    world.event(id, "close", "2020-02-01")
    early = world.event(id, "withdraw", "2020-01-01")
    assert status(world, id, "2021-01-01").since == at("2020-01-01")
    twin = world.event(id, "withdraw", "2020-01-01", reason_text="Said twice")
    decided = status(world, id, "2021-01-01").event
    assert decided is not None
    assert decided["statement"] == min(early, twin)


def test_naming_the_last_of_a_line_names_the_whole_line(world: World) -> None:
    id = world.grant()
    warning = world.event(id, "sanction", "2020-01-01")
    suspension = world.event(id, "suspend", "2020-02-01", after=[warning])
    world.event(id, "lift", "2020-03-01", after=[suspension])
    assert word(world, id, "2020-03-01") == "active"


def test_a_suspension_with_an_end_lapses_and_what_was_before_holds_again(world: World) -> None:
    id = world.grant()
    probation = world.event(id, "sanction", "2020-01-01", sanction_level="probation")
    suspension = world.event(id, "suspend", "2020-02-01", after=[probation], effective_until=at("2020-03-01"))
    assert word(world, id, "2020-02-29") == "suspended"
    assert word(world, id, "2020-03-01") == "probation"
    world.event(id, "appeal_open", "2020-02-15", after=[suspension])
    assert word(world, id, "2020-03-01") == "probation", "an appeal against what lapsed bears what was before"


def test_a_warning_never_undoes_a_suspension_it_names(world: World) -> None:
    id = world.grant()
    suspension = world.event(id, "suspend", "2020-01-01")
    world.event(id, "sanction", "2020-02-01", after=[suspension])
    assert word(world, id, "2020-03-01") == "suspended"


def test_what_is_lifted_returns_to_what_it_was_before_any_trouble(world: World) -> None:
    id = world.grant(initial_status="candidate")
    suspension = world.event(id, "suspend", "2020-01-01")
    lift = world.event(id, "lift", "2020-02-01", after=[suspension])
    assert word(world, id, "2020-02-01") == "candidate", "a lifted suspension promotes nobody"
    renewal = world.event(id, "renew", "2020-03-01", after=[lift])
    assert word(world, id, "2020-03-01") == "active"
    again = world.event(id, "suspend", "2020-04-01", after=[renewal])
    world.event(id, "reinstate", "2020-05-01", after=[again])
    assert word(world, id, "2020-05-01") == "active"


def test_a_stayed_event_counts_as_if_it_were_not_there_until_the_stay_ends(world: World) -> None:
    id = world.grant()
    probation = world.event(id, "sanction", "2020-01-01", sanction_level="probation")
    withdrawal = world.event(id, "withdraw", "2020-02-01", after=[probation])
    world.event(id, "stay", "2020-03-01", after=[withdrawal], effective_until=at("2020-06-01"))
    assert word(world, id, "2020-02-15") == "withdrawn"
    found = status(world, id, "2020-03-01")
    assert (found.word, found.is_stayed) == ("probation", True)
    assert word(world, id, "2020-06-01") == "withdrawn"


def test_a_stay_of_a_first_event_bears_the_initial_status_and_one_of_a_lift_changes_nothing(world: World) -> None:
    id = world.grant()
    suspension = world.event(id, "suspend", "2020-01-01")
    world.event(id, "stay", "2020-02-01", after=[suspension])
    assert word(world, id, "2020-02-01") == "active"
    other = world.grant(level="course")
    lift = world.event(other, "lift", "2020-01-01", after=[other])
    world.event(other, "stay", "2020-02-01", after=[lift])
    assert word(world, other, "2020-02-01") == "active"


@pytest.mark.parametrize("opened", [("appeal_open",), ("appeal_open", "appeal_decide", "appeal_open")], ids=len)
def test_a_stay_that_follows_an_appeal_stays_what_is_appealed_against(world: World, opened: tuple[str, ...]) -> None:
    id = world.grant()
    probation = world.event(id, "sanction", "2020-01-01", sanction_level="probation")
    head = world.event(id, "withdraw", "2020-02-01", after=[probation])
    for month, event in enumerate(opened, 3):
        head = world.event(id, event, f"2020-{month:02}-01", after=[head])
    stay = world.event(id, "stay", "2020-08-01", after=[head], effective_until=at("2020-12-01"))
    assert word(world, id, "2020-07-31") == "withdrawn"
    found = status(world, id, "2020-08-01")
    assert (found.word, found.is_stayed) == ("probation", True)
    assert word(world, id, "2020-12-01") == "withdrawn"
    world.event(id, "appeal_decide", "2020-09-01", after=[stay])
    assert status(world, id, "2020-08-31").has_appeal
    decided = status(world, id, "2020-09-01")
    assert (decided.word, decided.is_stayed) == ("probation", True), "until the stay ends, or a new decision is stated"
    assert not decided.has_appeal


def test_a_decision_stated_anew_after_a_stay_is_stayed_no_more_and_one_that_is_lifted_has_no_appeal(
    world: World,
) -> None:
    for event, kept in (("suspend", True), ("lift", False)):
        id = world.grant(level="course" if event == "lift" else "programmatic")
        head = world.event(id, "suspend", "2020-01-01")
        for month, said in enumerate(("appeal_open", "stay", event), 2):
            head = world.event(id, said, f"2020-{month:02}-01", after=[head])
        found = status(world, id, "2020-05-01")
        assert (found.word, found.is_stayed) == ("suspended" if kept else "active", False)
        assert found.has_appeal is kept


def test_an_open_appeal_changes_nothing_by_itself(world: World) -> None:
    id = world.grant()
    suspension = world.event(id, "suspend", "2020-01-01")
    appeal = world.event(id, "appeal_open", "2020-02-01", after=[suspension])
    found = status(world, id, "2020-02-01")
    assert (found.word, found.has_appeal, found.since) == ("suspended", True, at("2020-01-01"))
    world.event(id, "appeal_decide", "2020-03-01", after=[appeal])
    assert status(world, id, "2020-03-01").word == "suspended"
    assert not status(world, id, "2020-03-01").has_appeal


def test_an_annulled_event_was_never_there(world: World) -> None:
    id = world.grant()
    suspension = world.event(id, "suspend", "2020-01-01")
    world.event(id, "annul", "2021-01-01", after=[suspension])
    assert word(world, id, "2020-06-01") == "active", "as far as we know now"
    assert word(world, id, "2020-06-01", known="2020-06-01") == "suspended", "as far as was known then"
    assert word(world, id, "2022-01-01") == "active"


def test_an_annulment_undoes_only_what_narrows_and_only_what_it_names(world: World) -> None:
    id = world.grant()
    suspension = world.event(id, "suspend", "2020-01-01")
    lift = world.event(id, "lift", "2020-02-01", after=[suspension])
    world.event(id, "annul", "2021-01-01", after=[lift])
    assert word(world, id, "2021-01-01") == "active"


def test_a_revocation_reaches_back_to_void_from_and_no_further(world: World) -> None:
    id = world.grant()
    world.event(id, "revoke", "2022-01-01", void_from=at("2018-01-01"))
    assert word(world, id, "2017-12-31") == "active"
    assert status(world, id, "2018-01-01").since == at("2018-01-01")
    assert word(world, id, "2018-01-01") == "revoked"
    body = status_body(id, "revoke", "2022-01-01", void_from=at("2012-01-01"))
    world.said.pop()
    world.say("accreditation.status", body, iat=at("2020-12-31"))
    assert word(world, id, "2019-01-01", known="2021-01-01") == "active", "it says itself that it begins later"


def test_the_earliest_void_from_wins_and_any_wins_over_a_plain_revocation(world: World) -> None:
    id = world.grant()
    world.event(id, "revoke", "2015-01-01")
    world.event(id, "revoke", "2022-01-01", void_from=at("2020-01-01"))
    world.event(id, "revoke", "2022-01-01", void_from=at("2019-01-01"))
    assert status(world, id, "2018-01-01").since == at("2015-01-01")
    assert status(world, id, "2023-01-01").since == at("2019-01-01")


def test_a_teach_out_that_ends_does_not_make_the_college_whole_again(world: World) -> None:
    id = world.grant()
    world.event(id, "teach_out", "2020-01-01", effective_until=at("2022-01-01"))
    assert word(world, id, "2021-12-31") == "teach_out"
    found = status(world, id, "2022-01-01")
    assert (found.word, found.since) == ("expired", at("2022-01-01"))


def test_a_withdrawal_announced_for_later_can_be_called_off_before(world: World) -> None:
    id = world.grant()
    suspension = world.event(id, "suspend", "2020-01-01")
    withdrawal = world.event(id, "withdraw", "2030-01-01", after=[suspension])
    world.event(id, "lift", "2021-01-01", after=[withdrawal])
    for day in ("2021-01-01", "2031-01-01"):
        assert word(world, id, day, known="2026-06-01") == "active"


def test_a_history_of_thousands_of_events_is_followed(world: World) -> None:
    def said(number: int, event: str, *after: bytes) -> StatedEvent:
        id = number.to_bytes(32)
        return StatedEvent(by=HLC, via=None, statement=id, iat=0, event=event, effective_from=0, after=list(after))

    events = [said(0, "suspend")]
    for number in range(1, 3000):
        events.append(said(number, "condition", events[-1]["statement"]))
    record = world.accreditation(world.grant())
    record["events"] = events[::-1]
    assert status_at(record, at("2020-01-01")).word == "suspended"


# ------------------------------------------------------------------------------------------------ terms


def test_an_amendment_takes_the_place_of_the_grant_from_its_day_on(world: World) -> None:
    id = world.grant(valid_until=at("2020-01-01"))
    amendment = world.amend(id, "2019-01-01", valid_until=at("2030-01-01"))
    record = world.accreditation(id)
    assert terms_at(record, at("2009-01-01")) == []
    assert [one["statement"] for one in terms_at(record, at("2018-12-31"))] == [id]
    assert [one["statement"] for one in terms_at(record, at("2019-01-01"))] == [amendment]
    assert word(world, id, "2025-01-01") == "active"
    assert word(world, id, "2030-01-01") == "expired"


def test_people_read_a_history_in_the_order_in_which_it_happened(world: World) -> None:
    """A record has its parts by id, which is as good as at random: its last line would say anything."""
    id = world.grant()
    days = [f"20{year}-01-01" for year in (25, 19, 23, 21, 27, 20)]
    for day in days:
        world.amend(id, day)
        world.event(id, "suspend", day)
    told = as_it_happened(world.accreditation(id))
    for part in (told["terms"][1:], told["events"]):
        assert [one["effective_from"] for one in part] == [at(day) for day in sorted(days)]
    assert told["terms"][0]["statement"] == id


def test_amendments_unaware_of_each_other_both_stand_until_one_names_both(world: World) -> None:
    id = world.grant()
    one = world.amend(id, "2019-01-01", valid_until=at("2022-01-01"))
    two = world.amend(id, "2019-02-01", valid_until=at("2030-01-01"))
    record = world.accreditation(id)
    assert {terms["statement"] for terms in terms_at(record, at("2020-01-01"))} == {one, two}
    assert word(world, id, "2022-01-01") == "expired", "the narrower of the two holds"
    both = world.amend(id, "2021-01-01", after=[one, two])
    assert [terms["statement"] for terms in terms_at(world.accreditation(id), at("2021-01-01"))] == [both]


def test_a_charter_that_forbids_backdating_lets_terms_apply_from_when_they_were_stated(world: World) -> None:
    id = world.grant(iat=at("2020-01-01"))
    record = world.accreditation(id)
    assert terms_at(record, at("2015-01-01"), max_backdating=None) != []
    assert terms_at(record, at("2019-12-31"), max_backdating=0) == []
    assert terms_at(record, at("2020-01-01"), max_backdating=0) != []
    assert terms_at(record, at("2019-12-31"), max_backdating=86_400) != []


# ------------------------------------------------------------------------------------------------ dated ahead


def ahead(world: World, id: bytes, event: str, on: str, *, said: str = "2030-01-01", after: Any = ()) -> bytes:
    """An event whose signer's clock says `said`; the reader's says NOW."""
    return world.say("accreditation.status", status_body(id, event, on, after=after), iat=at(said))


def test_what_narrows_and_is_dated_ahead_counts_as_soon_as_it_is_read_and_not_before(world: World) -> None:
    id = world.grant()
    ahead(world, id, "suspend", "2030-01-01")
    now = status_at(world.accreditation(id), NOW, known=NOW)
    assert (now.word, now.since) == ("suspended", NOW)
    assert status_at(world.accreditation(id), NOW - 1, known=NOW).word == "active"
    assert status_at(world.accreditation(id), at("2030-01-01"), known=at("2031-01-01")).since == at("2030-01-01")


def test_what_narrows_and_says_itself_that_it_begins_later_waits_for_that(world: World) -> None:
    id = world.grant()
    ahead(world, id, "suspend", "2031-01-01")
    assert status_at(world.accreditation(id), NOW, known=NOW).word == "active"


def test_what_gives_trust_back_and_is_dated_ahead_waits_for_its_date_however_far_it_reaches_back(world: World) -> None:
    id = world.grant()
    suspension = world.event(id, "suspend", "2020-01-01")
    ahead(world, id, "lift", "2021-01-01", after=[suspension])
    record = world.accreditation(id)
    assert status_at(record, NOW, known=NOW).word == "suspended"
    later = at("2030-01-01")
    assert [status_at(record, later + seconds, known=later + seconds).word for seconds in (-301, -300)] == [
        "suspended",
        "active",
    ]


def test_an_amendment_that_is_dated_ahead_takes_away_at_once_and_gives_nothing_yet(world: World) -> None:
    grant = world.grant()
    first = world.amend(grant, "2015-01-01", after=[grant])
    early = world.amend(grant, "2030-01-01", after=[first], iat=at("2030-01-01"))
    world.amend(grant, "2031-01-01", after=[first], iat=at("2030-01-01"))
    record = world.accreditation(grant)

    def standing(time: int, known: int = NOW) -> list[bytes]:
        return [one["statement"] for one in terms_at(record, time, known=known)]

    assert standing(NOW) == [first, early]
    assert standing(NOW - 1) == [first]
    assert standing(at("2030-06-01"), at("2030-06-01")) == [early]


def test_a_grant_that_is_dated_ahead_has_no_terms_yet_and_its_amendments_give_it_none(world: World) -> None:
    grant = world.grant(iat=at("2030-01-01"))
    world.amend(grant, "2015-01-01", after=[grant])
    record = world.accreditation(grant)
    assert terms_at(record, NOW, known=NOW) == []
    assert len(terms_at(record, at("2030-01-01"), known=at("2030-01-01"))) == 1


# ------------------------------------------------------------------------------------------------ properties


@examples(60)
@given(domain.histories(), st.lists(st.integers(0, 100), max_size=10))
def test_the_record_does_not_depend_on_the_order_of_arrival(world: World, order: list[int]) -> None:
    id = world.said[1].statement.id
    record = world.accreditation(id)
    assert decode(encode(record)) == record
    assert encode(shuffled(world, order).accreditation(id)) == encode(record)


@examples(60)
@given(domain.histories(), domain.times, domain.times)
def test_there_is_a_status_at_every_time(world: World, time: int, known: int) -> None:
    record = world.accreditation(world.said[1].statement.id)
    found = status_at(record, time, known=known)
    assert found.word in STATUSES
    assert set(found.events) <= {event["statement"] for event in record["events"]}
    terms = terms_at(record, time)
    assert all(one["effective_from"] <= time for one in terms)


@pytest.mark.no_cover
@examples(60)
@given(domain.histories(), domain.times)
def test_one_more_narrowing_event_never_makes_the_status_less_restrictive(world: World, time: int) -> None:
    id = world.said[1].statement.id
    before = status_at(world.accreditation(id), time)
    for event in NARROWING_EVENTS:
        world.event(id, event, "2000-01-01", after=before.events)
        after = status_at(world.accreditation(id), time)
        assert STATUSES[after.word].rank <= STATUSES[before.word].rank
        own = STATUSES[status_of_event(status_body(id, event, "2000-01-01"))].rank
        assert STATUSES[after.word].rank <= own
        world.said.pop()


def test_the_record_says_who_granted_it_and_not_what_the_body_claims(world: World) -> None:
    id = world.grant(publishers=["did:web:b.example", "did:web:a.example"])
    record = world.accreditation(id)
    assert (record["id"], record["issuer"], record["by"], record["via"]) == (id, COLLEGE, HLC, None)
    assert record["publishers"] == ["did:web:a.example", "did:web:b.example"]


def test_events_that_name_each_other_in_a_circle_are_refused_and_not_followed_for_ever(world: World) -> None:
    """No fold makes such a record, and a quorum that lies can vouch for one."""
    grant = world.grant()
    first = world.event(grant, "suspend", "2020-01-01")
    second = world.event(grant, "lift", "2021-01-01", after=[first])
    record = world.accreditation(grant)
    by_id = {event["statement"]: event for event in record["events"]}
    by_id[first]["after"] = [second]
    with pytest.raises(DecodeError, match="in a circle"):
        status_at(record, at("2022-01-01"))
