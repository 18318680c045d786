"""An accreditation's life from the command line: every event, appeals, teach-outs, closures, and the timeline of it."""

from pathlib import Path
from typing import Any

import pytest

from accredit.registry.domain.vocabulary import EVENTS, STATUSES
from tests.cli.test_governing import accredited
from tests.cli.town import Town

MORE: dict[str, tuple[str, ...]] = {
    "sanction": ("--level", "probation"),
    "teach_out": ("--program", "nursing", "--enrolled-before", "2026-09-01", "--until", "2029-07-01"),
    "supersede": ("--successor", "did:web:next.example"),
    "close": ("--successor", "did:web:archive.example", "--code", "closure"),
    "revoke": ("--code", "fraud"),
    "withdraw": ("--code", "voluntary"),
    "deny": ("--code", "standards_noncompliance"),
}
"""What an event needs, or may say, besides itself."""


@pytest.fixture(scope="module")
def grant_file(town: Town) -> Path:
    return town.write("living.toml", town.run("accreditation", "template").stdout)


def happens(town: Town, id_: str, event: str, *more: object) -> str:
    words = ("accreditation", "event", id_[:12], event, *more)
    said = town.json(*words, key="charity", nodes=town.urls[:1])["statements"][0]
    assert said["state"] == "effective", said
    return str(said["id"])


def asked(town: Town, issuer: str, *more: str) -> Any:
    words = ("query", issuer, "--for", "BachelorDegree", "--jurisdiction", "US-IN", *more)
    return town.json(*words, code=None, nodes=town.urls[:1])


def codes(answer: Any) -> set[str]:
    return {one["code"] for one in answer["reasons"]}


def timeline(town: Town, id_: str) -> Any:
    return town.json("accreditation", "timeline", id_[:12], nodes=town.urls[:1])


@pytest.fixture(scope="module")
def suspended(town: Town, grant_file: Path) -> str:
    """An accreditation that is suspended, so that every event has something to be about."""
    id_ = accredited(town, grant_file, "did:web:every.example")
    happens(town, id_, "suspend")
    return id_


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_can_be_said_from_the_command_line(town: Town, suspended: str, event: str) -> None:
    words = ("accreditation", "event", suspended, event, *MORE.get(event, ()), "--dry-run")
    said = town.json(*words, key="charity", nodes=town.urls[:1])["statements"][0]
    assert (said["kind"], said["state"]) == ("accreditation.status", "effective")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("sanction",), "--level, one of: warning, probation, show_cause"),
        (("sanction", "--level", "mild"), "expected one of warning"),
        (("teach_out",), "--program or --enrolled-before"),
        (("supersede",), "--successor"),
        (("probation",), "sanction --level probation"),
        (("withdrawn_voluntary",), "withdraw --code voluntary"),
        (("suspended",), "event {} suspend"),
        (("suspnd",), "Did you mean suspend?"),
        (("close", "--successor", "nobody"), "--successor"),
        (("suspend", "--program", "nursing"), "belongs to teach_out"),
        (("teach_out", "--enrolled-before", "soon"), "'soon' is not a date"),
        (("annul", "--of", "deadbeef"), "an event of this accreditation"),
    ],
)
def test_an_event_without_what_it_needs_is_refused_with_the_option_to_add(
    town: Town, suspended: str, words: tuple[str, ...], says: str
) -> None:
    refused = town.run("accreditation", "event", suspended, *words, "--dry-run", key="charity", code=3)
    assert says.format(suspended) in refused.stderr


def test_every_status_that_is_no_event_is_led_to_the_event_that_brings_it(town: Town, suspended: str) -> None:
    for status in set(STATUSES) - set(EVENTS) - {"candidate"}:
        refused = town.run("accreditation", "event", suspended, status, "--dry-run", key="charity", code=3)
        assert f"accredit accreditation event {suspended} " in refused.stderr, status


def test_what_gives_back_needs_something_to_give_back(town: Town, grant_file: Path) -> None:
    id_ = accredited(town, grant_file, "did:web:spotless.example")
    for event in ("lift", "stay", "appeal_open"):
        refused = town.run("accreditation", "event", id_, event, key="charity", code=3)
        assert f"no event yet that {event} could be about" in refused.stderr
        assert "accredit accreditation timeline" in refused.stderr


def test_an_appeal_stays_a_suspension_until_it_is_decided_either_way(town: Town, grant_file: Path) -> None:
    issuer = "did:web:appeals.example"
    id_ = accredited(town, grant_file, issuer)
    happens(town, id_, "suspend", "--code", "financial_instability")
    happens(town, id_, "appeal_open", "--reason", "The audit counted one loan twice.")
    assert "An appeal is open." in str(asked(town, issuer)["reasons"])
    happens(town, id_, "stay", "--reason", "The appeal has a fair chance.")
    answer = asked(town, issuer)
    assert (answer["verdict"], "stayed" in codes(answer)) == ("trusted_with_advisory", True)
    mistaken = town.run("accreditation", "timeline", issuer, nodes=town.urls[:1], code=3).stderr
    assert f"accredit accreditation list --issuer {issuer}" in mistaken
    shown = " ".join(town.run("accreditation", "timeline", id_[:12], nodes=town.urls[:1]).stdout.split())
    assert "The audit counted one loan twice." in shown
    assert "active (stayed, under appeal)" in shown
    happens(town, id_, "appeal_decide", "--reason", "Dismissed: the second audit agrees.")
    assert "stayed" in codes(asked(town, issuer)), "until the decision is stated anew"
    happens(town, id_, "suspend", "--reason", "As before the appeal.")
    assert asked(town, issuer)["verdict"] == "suspended"
    told = timeline(town, id_)
    assert [one["event"] for one in told["events"]] == [
        "granted",
        *("suspend", "appeal_open", "stay", "appeal_decide", "suspend"),
    ]
    assert told["events"][1]["reason"] == "Its finances were not sound."
    assert (told["spells"][-1]["status"], told["spells"][-1]["is_stayed"]) == ("suspended", False)


def test_an_upheld_appeal_annuls_what_it_was_against_as_if_it_had_never_been(town: Town, grant_file: Path) -> None:
    issuer = "did:web:upheld.example"
    id_ = accredited(town, grant_file, issuer)
    happens(town, id_, "sanction", "--level", "show_cause")
    happens(town, id_, "appeal_open")
    happens(town, id_, "annul", "--reason", "The visit was to another school.")
    assert asked(town, issuer)["verdict"] == "trusted"
    assert {one["status"] for one in timeline(town, id_)["spells"]} == {"active"}


def test_a_teach_out_counts_for_its_programmes_and_says_whom_the_cohort_leaves_out(
    town: Town, grant_file: Path
) -> None:
    issuer = "did:web:teaching-out.example"
    id_ = accredited(town, grant_file, issuer)
    happens(town, id_, "teach_out", *MORE["teach_out"], "--code", "closure")
    assert asked(town, issuer, "--program", "nursing")["verdict"] == "trusted_with_advisory"
    assert asked(town, issuer, "--program", "law")["verdict"] == "not_trusted"
    assert codes(asked(town, issuer)) >= {"program_needed"}
    now, later = timeline(town, id_)["spells"][-2:]
    assert (now["status"], now["programs"]) == ("teach_out", ["nursing"])
    assert now["enrolled_before"] == "2026-09-01T00:00:00Z"
    assert (later["status"], later["begins"]) == ("expired", "2029-07-01T00:00:00Z"), "what is announced is told ahead"
    shown = town.run("accreditation", "timeline", id_[:12], nodes=town.urls[:1]).stdout
    assert "only nursing; enrolled before 2026-09-01" in " ".join(shown.split())


def test_a_revocation_that_was_annulled_is_shown_with_both_dates_and_so_is_an_annulled_grant(
    town: Town, grant_file: Path
) -> None:
    id_ = accredited(town, grant_file, "did:web:annulled.example")
    revoked = happens(town, id_, "revoke", "--code", "fraud", "--reason", "forged diplomas")
    for wrong in (revoked, id_):
        words = ("annul", wrong, "--code", "administrative_error", "--reason", "another school")
        said = town.json(*words, key="charity", nodes=town.urls[:1])["statements"][0]["id"]
        town.run("approve", said, key="agency", nodes=town.urls[:1])
        shown = " ".join(town.run("accreditation", "timeline", id_[:12], nodes=town.urls[:1]).stdout.split())
        assert "revoke Open Charity" in shown
        assert "forged diplomas Annulled by Open Charity, as if it had never been said (" in shown
        assert f"({said[:12]}): another school." in shown
    assert "It was annulled, and accredits nobody on any day." in shown


def test_a_closed_school_leads_to_whoever_keeps_its_records(town: Town, grant_file: Path) -> None:
    issuer, archive = "did:web:closing.example", "did:web:archive.example"
    id_ = accredited(town, grant_file, issuer)
    happens(town, id_, "close", *MORE["close"])
    answer = asked(town, issuer)
    assert (answer["verdict"], archive in str(answer["reasons"])) == ("not_trusted", True)
    assert asked(town, issuer, "--on", "2026-03-01")["verdict"] == "trusted_historical"
    successor = {"id": archive, "takes_its_place": True}
    assert timeline(town, id_)["successors"] == [successor | {"name": None, "keeps_records": False}]
    keeper = f'id = "{archive}"\nname = "State Archive"\ncustodian_for = ["{issuer}"]\n'
    town.run("issuer", "propose", "-", key="charity", input=keeper, nodes=town.urls[:1])
    assert timeline(town, id_)["successors"] == [successor | {"name": "State Archive", "keeps_records": True}]
    other = keeper.replace(archive, "did:web:library.example").replace("State Archive", "Library")
    town.run("issuer", "propose", "-", key="charity", input=other, nodes=town.urls[:1])
    shown = town.run("issuer", "show", issuer, nodes=town.urls[:1]).stdout
    assert "Keeper of its records: Library (did:web:library.example)." in shown, "no event names it"
    assert (
        f"Successor: State Archive ({archive}); it keeps the records."
        in town.run("issuer", "show", issuer, nodes=town.urls[:1]).stdout
    )
    shown = town.run("accreditation", "timeline", id_[:12], nodes=town.urls[:1]).stdout
    assert "State Archive (did:web:archive.example); it keeps the records" in " ".join(shown.split())


def test_an_accreditation_that_is_unknown_has_no_timeline(town: Town) -> None:
    assert "No id of" in town.run("accreditation", "timeline", "0" * 12, code=3).stderr
