"""Whole institutions, planned, signed, voted on, folded and asked about on each decisive day of their history."""

from functools import cache
from pathlib import Path

import pytest

from accredit.cli.histories import dapip
from accredit.cli.histories.plan import plan
from tests.cli.histories.stories import ALWAYS, STORIES, Story
from tests.shared_data import shared_data
from tests.strategies.told_history import BASE, TODAY, ToldHistory

EXTRACT = Path(__file__).resolve().parents[3] / "examples" / "history" / "dapip"


def files_of(*folders: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for folder in folders for path in folder.glob("*.csv")}


@cache
def extract() -> ToldHistory:
    """Our extract of twelve institutions."""
    return ToldHistory.of(plan(dapip.read(files_of(EXTRACT), TODAY), BASE))


@cache
def whole(folder: Path, ipeds: Path) -> ToldHistory:
    """Every institution with a story, from the whole of the data."""
    history = dapip.read(files_of(folder, ipeds), TODAY)
    return ToldHistory.of(plan(history.of({name.split()[0] for name in STORIES}), BASE))


def check(told: ToldHistory, key: str, story: Story) -> None:
    institution = key.split()[0]
    assert told.plan.history.institutions[institution].name.startswith(story.name)
    for on, verdict, why in story.answers:
        decision = told.ask(institution, on, program=story.program, agency=story.agency)
        told_why = tuple(reason.code for reason in decision.reasons if reason.code not in ALWAYS)
        assert (on, decision.verdict.value, told_why) == (on, verdict, why)


OURS = {name for name in STORIES if (name.split()[0] in dapip.read(files_of(EXTRACT), TODAY).institutions)}


@pytest.mark.parametrize("key", sorted(OURS))
def test_a_registrar_would_answer_so_in_our_extract(key: str) -> None:
    check(extract(), key, STORIES[key])


@pytest.mark.parametrize("key", sorted(STORIES))
def test_a_registrar_would_answer_so_in_the_whole_of_the_data(key: str) -> None:
    check(whole(shared_data("dapip"), shared_data("ipeds")), key, STORIES[key])


def test_a_candidate_is_never_said_to_have_been_accredited() -> None:
    told = extract()
    asked = [(key, answer.on) for key in OURS for answer in STORIES[key].answers if "status_candidate" in answer.why]
    assert asked
    for key, on in asked:
        story = STORIES[key]
        texts = [one.text for one in told.ask(key.split()[0], on, program=story.program, agency=story.agency).reasons]
        assert any(one.startswith("Candidate for accreditation by ") for one in texts)
        assert not any(one.startswith(("Accredited by", "It was accredited on")) for one in texts)


def test_every_statement_of_a_history_takes_effect_once_a_second_authority_agrees() -> None:
    assert extract().without_effect() == []


def test_what_reaches_back_waits_for_a_second_authority_and_nothing_is_better_for_it() -> None:
    """Between the import and the votes no institution that lost its accreditation is answered as if it had it."""
    alone = ToldHistory.of(extract().plan, votes=False)
    for key in OURS:
        story = STORIES[key]
        on, verdict, _ = story.answers[-1]
        now = alone.ask(key.split()[0], program=story.program, agency=story.agency)
        if verdict == "not_trusted":
            assert not now.authorized, (key, on, now.reasons)
