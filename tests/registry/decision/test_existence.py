"""By when a credential is known to have existed: what that takes from a doubt, and what it never does."""

from typing import Any

import pytest

from accredit.registry.decision.decide import Decision, Verdict
from tests.strategies.domain import COLLEGE, EARLY, K1, UNION, World, ask, at, codes, key_text, pinned, status_body

ISSUED = "2018-06-01"
DOUBT = "issuance_date_self_asserted"
PROVED = "existence_proved"


def lost(world: World, event: str, on: str, **more: Any) -> World:
    said = world.grant(iat=EARLY)
    world.say("accreditation.status", status_body(said, event, on, **more), iat=at(on))
    return world


def known(world: World, existed: str, **more: Any) -> Decision:
    return ask(world, ISSUED, existed_by=at(existed), **more)


@pytest.mark.parametrize(
    ("event", "more"),
    [("revoke", {}), ("close", {}), ("withdraw", {}), ("expire", {}), ("suspend", {"reason_code": "other"})],
)
def test_a_credential_that_existed_before_the_loss_rests_on_more_than_its_issuers_word(event: str, more: Any) -> None:
    more = {**more, "reason_text": "x"} if more else more
    world = lost(World(), event, "2020-01-01", **more)
    before, after = known(world, "2019-12-31"), known(world, "2020-01-01")
    assert before.verdict is after.verdict is Verdict.TRUSTED_HISTORICAL
    assert PROVED in codes(before)
    assert DOUBT not in codes(before)
    assert DOUBT in codes(after), "one that existed by the day of the loss may have been made that day"
    assert PROVED not in codes(after)


def test_a_loss_that_was_given_back_since_still_counts_for_what_could_have_been_dated_back() -> None:
    """Suspended in 2019, restored in 2020, closed in 2024: what existed by 2021 may be of 2019, dated to 2018."""
    world = World()
    grant = world.grant(iat=EARLY)
    suspend = status_body(grant, "suspend", "2019-01-01", reason_code="other", reason_text="x")
    first = world.say("accreditation.status", suspend, iat=at("2019-01-01"))
    lift = status_body(grant, "lift", "2020-01-01", after=[first])
    second = world.say("accreditation.status", lift, iat=at("2020-01-01"))
    close = status_body(grant, "close", "2024-01-01", after=[second])
    world.say("accreditation.status", close, iat=at("2024-01-01"))
    assert DOUBT in codes(known(world, "2021-01-01"))
    assert PROVED in codes(known(world, "2018-12-31"))


def test_a_warning_on_the_way_takes_nothing_from_a_proof() -> None:
    world = World()
    grant = world.grant(iat=EARLY)
    warning = status_body(grant, "sanction", "2019-01-01", sanction_level="warning")
    first = world.say("accreditation.status", warning, iat=at("2019-01-01"))
    close = status_body(grant, "close", "2024-01-01", after=[first])
    world.say("accreditation.status", close, iat=at("2024-01-01"))
    assert PROVED in codes(known(world, "2021-01-01"))


def test_an_end_by_date_is_a_loss_like_another() -> None:
    world = World()
    world.grant(iat=EARLY, valid_until=at("2020-01-01"))
    assert PROVED in codes(known(world, "2019-12-31"))
    assert DOUBT in codes(known(world, "2020-01-01"))


def test_void_from_spares_what_existed_before_it_and_nothing_that_is_dated_after() -> None:
    world = lost(World(), "revoke", "2024-05-01", void_from=at("2019-01-01"))
    assert PROVED in codes(known(world, "2018-12-31"))
    assert DOUBT in codes(known(world, "2019-01-01")), "it existed when the fraud had begun, whenever that was stated"
    dated_after = ask(world, "2019-06-01", existed_by=at("2018-12-31"))
    assert dated_after.verdict is Verdict.NOT_TRUSTED


def test_what_existed_never_makes_an_issuer_accredited() -> None:
    world = World()
    world.grant(iat=EARLY, valid_from=at("2019-01-01"))
    assert known(world, "2018-07-01").verdict is Verdict.NOT_TRUSTED


def stolen(**key_event: Any) -> World:
    """A key that signs credentials, stolen in 2020; that was said in 2021."""
    world = World()
    world.register(iat=EARLY, keys=[*pinned(), {"id": f"{COLLEGE}#k2", "public_key_multibase": key_text("two")}])
    world.grant(iat=EARLY)
    ended = {"op": "compromise", "key_id": K1, "compromised_since": at("2020-01-01"), **key_event}
    world.key_event(how={"iat": at("2021-01-01")}, **ended)
    return world


def test_what_existed_before_a_key_was_stolen_is_not_the_thiefs() -> None:
    found = known(stolen(), "2019-12-31", key=K1)
    assert (found.verdict, codes(found)) == (Verdict.TRUSTED, ["accredited", PROVED])
    found = known(stolen(), "2020-01-01", key=K1)
    assert codes(found) == ["accredited", "key_compromised_later"], "he had it by then"


def test_a_theft_that_was_said_before_it_is_dated_spares_only_what_existed_before_that() -> None:
    """Whoever dates a theft into the future cannot stretch the time in which the key is believed."""
    world = stolen(compromised_since=at("2022-01-01"))
    assert codes(known(world, "2020-12-31", key=K1)) == ["accredited", PROVED]
    assert codes(known(world, "2021-01-01", key=K1)) == ["accredited", "key_compromised_later"]


def test_a_key_of_which_nobody_knows_since_when_spares_nothing() -> None:
    world = World()
    world.register(iat=EARLY, keys=pinned())
    world.grant(iat=EARLY)
    world.key_event(how={"iat": at("2021-01-01")}, op="compromise", key_id=K1)
    assert known(world, "2017-01-01", key=K1).verdict is Verdict.NOT_TRUSTED


@pytest.mark.parametrize(
    ("key", "existed", "counts"),
    [
        (f"{COLLEGE}#k2", "2019-07-01", True),
        (key_text("two"), "2019-07-01", True),
        (K1, "2019-12-31", True),
        (K1, "2020-01-01", False),  # the thief had it, though nobody had said so
        (K1, "2021-06-01", False),
        (key_text("stranger"), "2019-07-01", False),
    ],
)
def test_a_commitment_counts_if_its_key_was_good_when_a_quorum_held_it(key: str, existed: str, counts: bool) -> None:
    world = stolen()
    grant = next(iter(world.records()._records[("issuer", COLLEGE)]["accreditations"]))[0]
    close = status_body(grant, "close", "2022-01-01")
    world.say("accreditation.status", close, iat=at("2022-01-01"))
    found = known(world, existed, committed_with=key)
    assert found.verdict is Verdict.TRUSTED_HISTORICAL
    assert (PROVED in codes(found)) is counts
    assert ("commitment_not_counted" in codes(found)) is not counts
    assert (DOUBT in codes(found)) is not counts


@pytest.mark.parametrize("how", [{"valid_until": at("2018-01-01")}, {"valid_from": at("2019-12-01")}])
def test_a_key_that_had_ended_or_not_begun_commits_to_nothing(how: dict[str, int]) -> None:
    world = World()
    world.register(iat=EARLY, keys=pinned(**how))
    grant = world.grant(iat=EARLY)
    world.say("accreditation.status", status_body(grant, "close", "2022-01-01"), iat=at("2022-01-01"))
    assert "commitment_not_counted" in codes(known(world, "2018-07-01", committed_with=K1))


def test_a_mandate_that_ended_is_a_loss_too() -> None:
    world = World()
    via = world.delegate(UNION, valid_from=EARLY, valid_until=at("2020-01-01"))
    world.register(iat=EARLY, by=UNION, via=via)
    world.grant(iat=EARLY, by=UNION, via=via)
    assert PROVED in codes(known(world, "2019-12-31"))
    assert DOUBT in codes(known(world, "2020-06-01"))


def test_terms_that_were_narrowed_are_a_loss_too() -> None:
    world = World()
    grant = world.grant(iat=EARLY)
    body = {
        "accreditation": grant,
        "after": [],
        "effective_from": at("2020-01-01"),
        "scope": {"achievement_types": ["Badge"], "credential_types": "*"},
        "valid_from": EARLY,
    }
    world.say("accreditation.amend", body, sub=COLLEGE, iat=at("2020-01-01"))
    assert PROVED in codes(known(world, "2019-12-31"))
    assert DOUBT in codes(known(world, "2020-01-01"))
