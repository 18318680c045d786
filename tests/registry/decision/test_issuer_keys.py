"""An issuer's own keys about each other: an ended one ends nobody, and who accuses whom leaves both in doubt."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from accredit.registry.decision.decide import Verdict
from accredit.registry.decision.issuer_keys import KeyAnswer, KeyState, key_at
from accredit.registry.domain import issuers
from accredit.registry.domain.records import Effective
from tests.strategies.domain import COLLEGE, HLC, NOW, World, ask, at, codes, effective, key_text

NAMES = ("one", "two", "three")
THEN = at("2024-01-01")


def method(name: str) -> str:
    return f"{COLLEGE}#{name}"


def pinned(**windows: dict[str, int]) -> Effective:
    """The registration that pins three keys, some for a time only."""
    keys = [{"id": method(name), "public_key_multibase": key_text(name), **windows.get(name, {})} for name in NAMES]
    return effective("issuer.register", {"id": COLLEGE, "name": "College", "keys": keys})


def says(who: str, whom: str, op: str = "compromise", *, iat: int = THEN, seq: int = 2, **members: Any) -> Effective:
    """A word of one of the issuer's keys about one of them; of an authority where `who` is `HLC`."""
    body = {"issuer": COLLEGE, "op": op, "key_id": method(whom), **members}
    if who == HLC:
        return effective("issuer.key", body, iat=iat)
    return effective("issuer.key", body, by=COLLEGE, via=bytes(32), key=who, iat=iat, seq=seq)


def answer(asked: str, *said: Effective, time: int = NOW, keys: Effective | None = None) -> KeyAnswer:
    record = issuers.reduce(COLLEGE, [keys or pinned(), *said], {})
    assert record is not None
    return key_at(record, method(asked), time, NOW, lambda one: one["by"] == HLC)


def states(*said: Effective, keys: Effective | None = None) -> str:
    """What the keys are now: G(ood), C(ompromised), R(etired), D (in doubt), in order."""
    letters = {
        KeyState.GOOD: "G",
        KeyState.KEY_COMPROMISED: "C",
        KeyState.KEY_RETIRED: "R",
        KeyState.KEY_IN_DOUBT: "D",
        KeyState.KEY_EXPIRED: "E",
    }
    found = ["".join(letters[answer(name, *order, keys=keys).state] for name in NAMES) for order in permutations(said)]
    assert len(set(found)) == 1, "the order of arrival decides nothing"
    return found[0]


def test_a_retirement_dated_ahead_counts_at_once_and_a_key_stated_ahead_is_known_by_its_date() -> None:
    ahead = NOW + 10**6
    assert answer("one", says(HLC, "one", "retire", iat=ahead)).state is KeyState.KEY_RETIRED
    key = {"id": method("four"), "public_key_multibase": key_text("four")}
    stated = effective("issuer.key", {"issuer": COLLEGE, "op": "add", "key": key}, iat=ahead)
    found = answer("four", stated, says(HLC, "one", "retire"))
    assert (found.state, found.dates) == (KeyState.KEY_UNKNOWN, (ahead,))


def test_a_key_that_is_good_ends_another() -> None:
    assert states(says("one", "two")) == "GCG"
    assert states(says("one", "two", "retire")) == "GRG"


@pytest.mark.parametrize("op", ["retire", "compromise"])
def test_a_key_that_an_authority_has_ended_ends_no_other(op: str) -> None:
    """Its thief would leave the issuer without any key."""
    since = {"valid_until" if op == "retire" else "compromised_since": THEN}
    thief = (says("one", "two", iat=THEN), says("one", "three", iat=THEN + 9))
    assert states(says(HLC, "one", op, **since), *thief)[1:] == "GG"
    before = says("one", "two", iat=THEN - 1)
    assert states(says(HLC, "one", op, **since), before)[1:] == "CG", "what it said while it was good stands"


def test_of_a_key_compromised_nobody_knows_since_when_no_word_counts() -> None:
    assert states(says(HLC, "one"), says("one", "two", iat=at("2001-01-01"))) == "CGG"


def test_a_key_that_has_expired_or_is_not_valid_yet_ends_no_other() -> None:
    keys = pinned(one={"valid_until": THEN}, two={"valid_from": THEN})
    assert states(says("one", "three", iat=THEN), keys=keys) == "EGG"
    assert states(says("one", "three", iat=THEN - 1), keys=keys) == "EGC"
    assert states(says("two", "three", iat=THEN - 1), keys=keys) == "EGG"


def test_what_a_key_says_after_its_own_end_only_leaves_others_in_doubt() -> None:
    itself = says("one", "one", compromised_since=THEN, seq=5)
    assert states(itself, says("one", "two", iat=THEN - 9, seq=6)) == "CDG"
    assert states(itself, says("one", "two", iat=THEN - 9, seq=4)) == "CCG"
    assert states(itself, says("one", "two", iat=THEN + 9, seq=4)) == "CDG"
    twice = says("one", "one", "retire", valid_until=THEN, seq=3)
    assert states(itself, twice, says("one", "two", iat=THEN - 9, seq=4)) == "CDG"


@pytest.mark.parametrize(
    "ended",
    [
        says("one", "one"),
        says("one", "one", "retire", valid_until=THEN - 99),
        says("one", "one", compromised_since=THEN + 99, seq=1),
    ],
    ids=["stolen nobody knows since when", "retired earlier", "under a lower number"],
)
def test_whoever_ends_a_stolen_key_with_itself_gives_back_no_key_that_it_had_reported(ended: Effective) -> None:
    report = says("one", "two", seq=2)
    assert states(report)[1] == "C"
    assert states(report, ended)[1] == "D"
    assert states(report, ended, says("three", "two"))[1] == "C", "another key says it"
    assert states(report, ended, says(HLC, "one"))[1] == "G", "an authority decides who is right"


def test_a_report_of_the_very_second_in_which_its_key_ended_itself_leaves_the_reported_key_in_doubt() -> None:
    ended = says("one", "one", "retire", seq=3, valid_until=THEN)
    assert states(says("one", "two", iat=THEN), ended) == "RDG"
    assert states(says("one", "two", iat=THEN - 1), ended) == "RCG"


def test_of_two_ends_that_a_key_gave_itself_the_earlier_silences_it() -> None:
    """A compromise of before its retirement: what it reported in between, nobody knows who said."""
    ends = says("one", "one", "retire", seq=5, valid_until=THEN + 9), says("one", "one", seq=6, compromised_since=THEN)
    assert states(says("one", "two", iat=THEN + 5), ends[0]) == "RCG"
    assert states(says("one", "two", iat=THEN + 5), *ends) == "CDG"


def test_an_issuer_that_lost_a_key_says_so_with_another_and_its_thief_ends_nothing() -> None:
    lost = says("two", "one")
    assert states(lost) == "CGG"
    assert states(lost, says("one", "three", iat=THEN + 9)) == "CGG"
    assert states(lost, says("one", "one"), says("one", "three", iat=THEN + 9)) == "CGG"


def test_a_retired_keys_thief_does_not_end_the_key_that_came_after_it() -> None:
    retired = says("two", "one", "retire", iat=THEN, valid_until=THEN)
    assert states(retired, says("one", "three", iat=THEN + 9)) == "RGG"
    assert states(retired, says("one", "two", iat=THEN + 9)) == "DDG", "a date is its signer's own word"


def test_keys_that_accuse_each_other_are_in_doubt_until_an_authority_decides() -> None:
    mutual = (says("one", "two"), says("two", "one", iat=THEN + 9))
    assert states(*mutual) == "DDG"
    assert states(*mutual, says(HLC, "two")) == "GCG"
    assert states(*mutual, says(HLC, "one")) == "CGG"


def test_whom_a_key_in_doubt_accuses_is_in_doubt() -> None:
    """Else a thief with two keys would have the one save the other."""
    assert states(says("one", "two"), says("two", "one"), says("one", "three")) == "DDD"
    assert states(says("one", "two"), says("two", "three"), says("three", "one")) == "DDD"


def test_a_third_key_that_nobody_accuses_settles_it() -> None:
    assert states(says("one", "two"), says("two", "one"), says("three", "two")) == "GCG"


def test_a_doubt_begins_where_its_accusation_does() -> None:
    mutual = (says("one", "two", compromised_since=THEN), says("two", "one", compromised_since=THEN))
    assert answer("one", *mutual, time=THEN).state is KeyState.KEY_IN_DOUBT
    before = answer("one", *mutual, time=THEN - 1)
    assert (before.state, before.doubted_later) == (KeyState.GOOD, THEN)


def test_keys_that_say_nothing_in_the_registry_can_be_ended_and_end_nobody() -> None:
    keys = [
        {"id": method("one"), "public_key_multibase": key_text("one")},
        {"id": method("rsa"), "jwk": {"kty": "RSA"}},
    ]
    registered = effective("issuer.register", {"id": COLLEGE, "name": "College", "keys": keys})
    ended = says("one", "rsa", "retire", valid_until=THEN)
    assert answer("rsa", ended, keys=registered).state is KeyState.KEY_RETIRED
    assert answer("one", says("one", "unknown"), keys=registered).state is KeyState.GOOD


def test_an_answer_about_a_key_in_doubt_is_that_there_is_none_yet() -> None:
    world = World()
    world.said.append(pinned())
    world.grant(iat=at("2020-01-01"))
    world.said += [says("one", "two", compromised_since=THEN), says("two", "one", compromised_since=THEN)]

    decision = ask(world, key=method("one"))
    assert (decision.verdict, codes(decision)) == (Verdict.INDETERMINATE, ["key_in_doubt"])
    earlier = ask(world, "2023-01-01", key=method("one"))
    assert (earlier.verdict, codes(earlier)) == (Verdict.TRUSTED_WITH_ADVISORY, ["accredited", "key_in_doubt_later"])
    assert ask(world, key=method("three")).verdict is Verdict.TRUSTED


def test_whatever_begins_or_ends_counts_from_its_second_on() -> None:
    def around(*said: Effective, keys: Effective | None = None) -> list[KeyState]:
        return [answer("one", *said, time=time, keys=keys).state for time in (THEN - 1, THEN)]

    good = KeyState.GOOD
    since: dict[str, Any] = {"compromised_since": THEN}
    until: dict[str, Any] = {"valid_until": THEN}
    assert around(says(HLC, "one", **since)) == [good, KeyState.KEY_COMPROMISED]
    assert around(says(HLC, "one", "retire", **until)) == [good, KeyState.KEY_RETIRED]
    assert around(says("one", "two", **since), says("two", "one", **since)) == [good, KeyState.KEY_IN_DOUBT]
    assert around(keys=pinned(one={"valid_from": THEN})) == [KeyState.KEY_NOT_YET_VALID, good]
    assert around(keys=pinned(one=until)) == [good, KeyState.KEY_EXPIRED]


def test_of_two_ends_that_an_authority_states_of_one_key_the_earlier_silences_it() -> None:
    ends = [says(HLC, "one", compromised_since=THEN + later) for later in (0, 10)]
    assert states(*ends, says("one", "two", iat=THEN + 5)) == "CGG"


def test_of_several_ends_of_one_kind_the_earliest_counts() -> None:
    def later(*said: Effective) -> KeyState:
        return answer("one", *said, time=THEN + 5).state

    times = (THEN, THEN + 10)
    assert later(*(says(HLC, "one", compromised_since=time) for time in times)) is KeyState.KEY_COMPROMISED
    assert later(*(says(HLC, "one", "retire", valid_until=time) for time in times)) is KeyState.KEY_RETIRED
    mutual = [says(who, whom, compromised_since=THEN, seq=2) for who, whom in (("one", "two"), ("two", "one"))]
    again = says("two", "one", compromised_since=THEN + 10, seq=3)
    assert later(*mutual, again) is KeyState.KEY_IN_DOUBT


@pytest.mark.parametrize("number", [1, 3])
def test_what_is_said_twice_is_one_word_of_the_earliest_end_and_the_earliest_date(number: int) -> None:
    """A record keeps some of it only: else a thief would push out what is there of an honest end, by its dates."""
    ended = says(HLC, "one", "retire", valid_until=THEN + 1)
    honest = says("one", "two", iat=THEN, compromised_since=THEN - 100)
    early, late = THEN - 900, THEN + 50
    again = says("one", "two", iat=late, compromised_since=early, seq=number)
    assert answer("two", ended, honest).compromised_later == THEN - 100
    assert answer("two", ended, honest, again).compromised_later == early
    others = (
        says("one", "two", "retire", iat=late, valid_until=early),
        says("one", "three", iat=late, compromised_since=early),
    )
    for other in others:
        assert answer("two", ended, honest, other).compromised_later == THEN - 100, "that is another word"


def test_a_word_counts_under_its_lowest_number_where_the_key_has_ended_itself() -> None:
    """What the key says after its own end only puts in doubt, and may be all that is kept of an earlier end but the
    number."""
    ended = says("one", "one", "retire", valid_until=THEN + 1, seq=2)
    honest = says("one", "two", iat=THEN, compromised_since=THEN - 100, seq=1)
    later = says("one", "two", iat=THEN - 1, compromised_since=THEN - 900, seq=3)
    assert answer("two", ended, later).state is KeyState.KEY_IN_DOUBT
    assert answer("two", ended, honest, later).compromised_later == THEN - 900


def test_a_key_that_had_ended_before_the_first_date_of_its_word_ends_nobody() -> None:
    ended = says(HLC, "one", "retire", valid_until=THEN)
    twice = [says("one", "two", iat=THEN + n, compromised_since=THEN - n) for n in range(2)]
    assert answer("two", ended, *twice).state is KeyState.GOOD


def test_dates_outside_the_stated_validity_keep_no_word_that_was_said_twice_from_being_heard() -> None:
    keys = pinned(one={"valid_until": THEN})
    twice = [says("one", "two", iat=THEN + n, compromised_since=THEN - n) for n in range(2)]
    assert answer("two", *twice[:1], keys=keys).state is KeyState.GOOD
    assert answer("two", *twice, keys=keys).state is KeyState.KEY_COMPROMISED


def test_no_thief_had_a_key_before_the_first_date_of_any_report_nor_before_the_first_report() -> None:
    """Whichever is earlier, and of all reports the earliest."""
    reports = [
        says(HLC, "two", iat=THEN + 50, compromised_since=THEN + 10),
        says(HLC, "two", iat=THEN + 40, compromised_since=THEN + 60),
    ]
    assert answer("two", *reports).safe_before == THEN + 10
    assert answer("two", reports[1]).safe_before == THEN + 40
    assert answer("two", says(HLC, "two", "retire", iat=THEN)).safe_before is None


def again(name: str, *, is_anchored: bool = True, **window: int) -> Effective:
    """An authority's statement of a key that the registration has already pinned."""
    key = {"id": method(name), "public_key_multibase": key_text(name), **window}
    said = effective("issuer.key", {"issuer": COLLEGE, "op": "add", "key": key})
    return replace(said, is_anchored=is_anchored)


def test_a_retirement_said_twice_counts_from_the_earliest_of_its_ends_and_not_from_the_earliest_date() -> None:
    twice = says("one", "two", "retire", iat=THEN), says("one", "two", "retire", iat=THEN - 50, valid_until=THEN + 100)
    assert answer("two", *twice, time=THEN - 10).state is KeyState.GOOD
    assert answer("two", *twice, time=THEN).state is KeyState.KEY_RETIRED


def test_what_a_key_says_under_the_number_of_its_own_end_is_not_after_it() -> None:
    ended = says("one", "one", "retire", valid_until=NOW, seq=2)
    assert answer("two", ended, says("one", "two", seq=2)).state is KeyState.KEY_COMPROMISED
    assert answer("two", ended, says("one", "two", seq=3)).state is KeyState.KEY_IN_DOUBT


def test_a_key_that_is_stated_twice_is_good_and_speaks_while_one_of_its_windows_is_open() -> None:
    closed = pinned(one={"valid_until": THEN - 100})
    assert answer("one", keys=closed).state is KeyState.KEY_EXPIRED
    assert answer("one", again("one"), keys=closed).state is KeyState.GOOD
    assert answer("two", says("one", "two"), keys=closed).state is KeyState.GOOD
    assert answer("two", again("one"), says("one", "two"), keys=closed).state is KeyState.KEY_COMPROMISED


def test_a_key_is_in_doubt_from_the_earliest_date_that_anybody_gives() -> None:
    said = [
        says("one", "two", compromised_since=THEN - 20),
        says("three", "two", compromised_since=THEN - 10),
        says("two", "one"),
        says("two", "three"),
    ]
    assert answer("two", *said).doubted_later == THEN - 20


def test_a_key_is_unanchored_if_every_statement_of_it_is() -> None:
    registered = replace(pinned(), is_anchored=False)
    assert answer("one", keys=registered).unanchored == (registered.voice,)
    assert answer("one", again("one", is_anchored=False), keys=registered).unanchored == (registered.voice,) * 2
    assert answer("one", again("one"), keys=registered).unanchored == ()
    assert answer("one").unanchored == ()
