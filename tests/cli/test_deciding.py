"""Deciding together, as people do it: looking, voting in batches, taking back, mending, and nothing signed in vain."""

import csv
import io
import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.town import CHARITY, COUNCIL, LAPSE_DAYS, Town


@pytest.fixture(scope="module")
def grant_file(town: Town) -> Path:
    return town.write("deciding.toml", town.run("accreditation", "template").stdout)


def proposed(town: Town, issuer: str, key: str = "council-1") -> str:
    said = town.json("issuer", "propose", "--id", issuer, "--name", f"Name of {issuer}", key=key, nodes=town.urls[:1])
    return str(said["statements"][0]["id"])


def inbox(town: Town, *words: object, key: str | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = town.json("inbox", *words, key=key, nodes=town.urls[:1])["proposals"]
    return found


def test_what_its_author_takes_back_is_gone_from_every_inbox_and_cannot_be_voted_on(town: Town) -> None:
    one = town.urls[:1]
    id_ = proposed(town, "did:web:taken-back.example")
    taken = town.run("retract", id_[:10], "--reason", "wrong college", key="council-1", nodes=one)
    assert "retracted" in taken.stdout
    assert id_ not in json.dumps(inbox(town, "--all"))
    shown = town.run("show", id_, nodes=one).stdout
    assert "retracted" in shown
    assert f"{COUNCIL} has taken it back" in shown
    assert town.run("show", id_[:8], nodes=one).stdout == shown, "tables show the beginning of an id"
    for typed in (id_, id_[:8]):
        late = town.run("approve", typed, key="council-2", nodes=one, code=3)
        assert "already retracted" in late.stderr
        assert "nothing was signed" in late.stderr
    nobody = town.run("approve", "0" * 12, key="council-2", nodes=one, code=3)
    assert "No id of a proposal known to this node" in nobody.stderr


def test_a_colleague_takes_back_what_the_authority_proposed_and_a_stranger_cannot(town: Town) -> None:
    one = town.urls[:1]
    id_ = proposed(town, "did:web:colleague.example")
    stranger = town.run("retract", id_, key="agency", nodes=one, code=3)
    assert f"Only {COUNCIL} can take" in stranger.stderr
    assert town.json("retract", id_, key="council-3", nodes=one)["proposals"][0]["state"] == "retracted"


def test_rejecting_ones_own_proposal_takes_it_back(town: Town) -> None:
    id_ = proposed(town, "did:web:own.example")
    done = town.json("reject", id_, key="council-1", nodes=town.urls[:1])
    assert done["proposals"][0]["state"] == "retracted"


def test_votes_without_a_terminal_and_without_yes_sign_nothing(town: Town) -> None:
    one = town.urls[:1]
    id_ = proposed(town, "did:web:unconfirmed.example")
    before = town.json("keys", "status", town.key("council-2"), nodes=one)["seq"]
    for word in ("approve", "reject"):
        refused = town.run(word, id_, key="council-2", nodes=one, yes=False, code=3)
        assert "Nothing was signed: it needs confirmation" in refused.stderr
    town.run("approve", id_, key="council-2", nodes=one, yes=False, input="n\n", code=130)
    assert town.json("keys", "status", town.key("council-2"), nodes=one)["seq"] == before
    town.run("approve", id_, key="council-2", nodes=one, yes=False, input="y\n")


def listed(town: Town, name: str) -> list[str]:
    """Five registrations and one of another kind of body, waiting for the council's second key."""
    ids = []
    for number in range(6):
        category = "employer" if number == 5 else "community_college"
        words = ("issuer", "propose", "--id", f"did:web:{name}{number}.example", "--name", f"{name} {number}")
        said = town.json(*words, "--category", category, key="council-1", nodes=town.urls[:1])
        ids.append(str(said["statements"][0]["id"]))
    return ids


def test_a_batch_says_how_many_of_which_kind_it_has_and_what_stands_out_before_it_asks(town: Town) -> None:
    one = town.urls[:1]
    ids = listed(town, "outlier")
    shown = town.run("approve", *ids, key="council-2", nodes=one, yes=False, input="n\n", code=130)
    for part in (
        "6 issuer.register",
        "Issuers by category: 5 community_college, 1 employer.",
        f"Stands out: {ids[5][:12]} did:web:outlier5.example: categories is employer; 5 of 6 have community_college.",
    ):
        assert part in " ".join(shown.stdout.split())
        assert shown.stdout.index("Stands out") < shown.output.index("Approve 6 proposals?")
    before = town.json("keys", "status", town.key("council-2"), nodes=one)["seq"]
    done = town.json("approve", *ids, key="council-2", nodes=one)
    assert done["overview"]["categories"] == {"community_college": 5, "employer": 1}
    assert [row["id"] for row in done["overview"]["outliers"]] == [ids[5]]
    assert {row["state"] for row in done["proposals"]} == {"effective"}
    after = town.json("keys", "status", town.key("council-2"), nodes=one)["seq"]
    assert after == before + 1, "one signature for all six"


def test_a_list_signed_without_a_network_is_read_there_and_nothing_unread_is_signed(town: Town) -> None:
    one, request, signed = town.urls[:1], town.folder / "list.json", town.folder / "list.signed.json"
    ids = listed(town, "carried")
    town.run("approve", *ids, "--offline", request, key="council-2", nodes=one)
    table = json.loads(request.read_text())
    hidden = table["votes_on"].pop(3)
    cut = town.write("cut.json", json.dumps(table))
    refused = town.run("sign", cut, "--yes", key="council-2", nodes=[], code=3)
    assert "the text of 1 is not here" in refused.stderr
    assert "Nothing was signed" in refused.stderr
    other = hidden.replace(b"carried".hex(), b"carrier".hex())
    swapped = town.write("swapped.json", json.dumps(table | {"votes_on": [*table["votes_on"], other]}))
    assert "is not here" in town.run("sign", swapped, "--yes", key="council-2", nodes=[], code=3).stderr
    assert not (town.folder / "cut.signed.json").exists()
    shown = town.run("sign", request, "-o", signed, "--yes", key="council-2", nodes=[])
    said = " ".join(shown.stdout.split())
    for part in (*(f"Register carried {number} (did:web:carried{number}.example)" for number in range(6)),
                 "6 proposals: 6 issuer.register.", "Stands out: "):  # fmt: skip
        assert part in said
    town.run("submit", signed, nodes=one)
    shown = town.run("show", ids[0], nodes=one)
    assert "in effect" in shown.stdout


def test_one_vote_already_cast_does_not_hold_up_a_batch(town: Town) -> None:
    one = town.urls[:1]
    ids = [proposed(town, f"did:web:batch{number}.example") for number in range(3)]
    town.run("reject", ids[1], key="council-2", nodes=one)
    report = town.write("batch.json", json.dumps({"statements": [{"id": id_} for id_ in ids]}))
    done = town.run("approve", "--from", report, key="council-2", nodes=one)
    assert f"{ids[1][:12]}  left out: Its key has already signed or voted on" in done.stderr
    assert "2 in effect." in done.stdout
    again = town.run("approve", "--from", report, key="council-2", nodes=one, code=3)
    assert f"{ids[0][:12]}  left out: already in effect" in again.stderr
    left = town.json("approve", "--from", report, key="council-3", nodes=one)["left_out"]
    assert [row["id"] for row in left] == [ids[0], ids[2]]


def test_an_inbox_is_sorted_counted_and_filtered(town: Town, grant_file: Path) -> None:
    one = town.urls[:1]
    for issuer in ("did:web:sorted1.example", "did:web:sorted2.example"):
        proposed(town, issuer)
    words = ("accreditation", "propose", grant_file, "--issuer", "did:web:sorted1.example")
    town.run(*words, key="council-1", nodes=one)
    found = inbox(town, key="council-2")
    assert [row["iat"] for row in found] == sorted(row["iat"] for row in found)
    assert {row["kind"] for row in inbox(town, "--issuer", "did:web:sorted1.example", key="council-2")} == {
        "issuer.register",
        "accreditation.grant",
    }
    assert {row["kind"] for row in inbox(town, "--kind", "accreditation.", key="council-2")} == {"accreditation.grant"}
    assert inbox(town, "--by", CHARITY, "--issuer", "did:web:sorted1.example", key="council-2") == []
    assert inbox(town, "--issuer", "did:web:sorted1.example", key="charity") == [], "another body's own business"
    shown = town.run("inbox", key="council-2", nodes=one).stdout
    assert "accreditation.grant, " in shown
    assert "accredit show " in shown


def test_a_duplicate_and_what_will_be_are_said_before_signing(town: Town, grant_file: Path) -> None:
    one, issuer = town.urls[:1], "did:web:twice.example"
    town.run("issuer", "propose", "--id", issuer, "--name", "Twice", key="charity", nodes=one)
    grant = town.run("accreditation", "propose", grant_file, "--issuer", issuer, "--json", key="council-1", nodes=one)
    id_ = json.loads(grant.stdout)["statements"][0]["id"]
    again = town.run("accreditation", "propose", grant_file, "--issuer", issuer, key="council-3", nodes=one)
    assert f"The same proposal already waits for votes: {id_[:12]}" in again.stderr
    town.run("approve", id_, key="council-2", nodes=one)
    words = ("accreditation", "suspend", id_[:12], "--code", "standards_noncompliance", "--reason", "visit")
    first = town.json(*words, key="council-1", nodes=one)["statements"][0]["id"]
    second = town.json(*words, key="council-1", nodes=one)["statements"][0]["id"]
    town.run("approve", first, key="council-2", nodes=one)
    held = town.run("approve", second, "--dry-run", key="council-2", nodes=one).stdout
    assert "stays suspended" in held
    shown = town.run("show", second, nodes=one).stdout
    assert "stays suspended" in shown
    assert f"University Council ({COUNCIL})" in shown


def test_overlapping_proposals_say_what_will_be_and_change_no_time_that_was_answered(
    town: Town, grant_file: Path
) -> None:
    """Two suspensions wait, one is approved and undone; approving the other afterwards must not reach back."""
    one, issuer = town.urls[:1], "did:web:overlap.example"
    town.run("issuer", "propose", "--id", issuer, "--name", "Overlap", key="charity", nodes=one)
    said = town.json("accreditation", "propose", grant_file, "--issuer", issuer, key="council-1", nodes=one)
    id_ = said["statements"][0]["id"]
    town.run("approve", id_, key="council-2", nodes=one)
    words = ("accreditation", "suspend", id_, "--code", "standards_noncompliance", "--reason")
    first = town.json(*words, "first", key="council-1", nodes=one)["statements"][0]["id"]
    second = town.json(*words, "second", key="council-3", nodes=one)["statements"][0]["id"]
    town.run("approve", first, key="council-2", nodes=one)
    undone = town.json("accreditation", "reinstate", id_, key="council-1", nodes=one)["statements"][0]["id"]
    time.sleep(1.1)  # statements are dated to the second: the undoing must not share one with what it undoes
    town.run("approve", undone, key="council-2", nodes=one)
    trusted = [town.json("accreditation", "show", id_, nodes=one)]
    assert trusted[0]["status"]["word"] == "active"
    between = trusted[0]["events"][-1]["effective_from"]
    time.sleep(1.1)
    for told in (
        town.run("approve", second, "--dry-run", key="council-2", nodes=one).stdout,
        town.run("show", second, nodes=one).stdout,
        town.run("inbox", "--issuer", issuer, key="council-2", nodes=one).stdout,
    ):
        assert "will be suspended; without this statement it is active" in told
        assert "This repeats an earlier event" in told
    town.run("approve", second, key="council-2", nodes=one)
    shown = town.json("accreditation", "show", id_, nodes=one)
    assert [event["event"] for event in shown["events"]] == ["suspend", "reinstate", "suspend"], "oldest first"
    times = [event["effective_from"] for event in shown["events"]]
    assert times == sorted(times)
    assert times[2] > between, "it counts from its last needed vote, and reaches back over nothing"
    assert shown["status"]["word"] == "suspended"
    told = town.run("query", issuer, "--for", "BachelorDegree", nodes=one, code=1).stdout
    assert told.index("; suspend") < told.index("; reinstate") < told.rindex("; suspend")
    asked = town.json("query", issuer, "--for", "BachelorDegree", "--on", between, nodes=one)
    assert asked["verdict"] == "trusted_historical"


def test_a_reinstatement_is_not_said_to_be_in_effect_while_another_suspension_holds(
    town: Town, grant_file: Path
) -> None:
    one, issuer = town.urls[:1], "did:web:still.example"
    town.run("issuer", "propose", "--id", issuer, "--name", "Still", key="charity", nodes=one)
    said = town.json("accreditation", "propose", grant_file, "--issuer", issuer, key="council-1", nodes=one)
    id_ = said["statements"][0]["id"]
    town.run("approve", id_, key="council-2", nodes=one)
    words = ("accreditation", "suspend", id_, "--code", "standards_noncompliance", "--reason")
    first, second = (town.json(*words, why, key="council-1", nodes=one)["statements"][0]["id"] for why in "ab")
    town.run("approve", first, key="council-2", nodes=one)
    undone = town.json("accreditation", "reinstate", id_, key="council-1", nodes=one)["statements"][0]["id"]
    town.run("approve", second, key="council-2", nodes=one)
    told = town.run("approve", undone, key="council-2", nodes=one).stdout
    assert "stays suspended" in told
    assert town.json("accreditation", "show", id_, nodes=one)["status"]["word"] == "suspended"


def test_an_inbox_reminds_before_a_proposal_lapses_and_then_leaves_it_out(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, issuer = town.urls[:1], "did:web:lapsing.example"
    id_ = proposed(town, issuer)
    words = ("inbox", "--issuer", issuer)
    assert "It lapses on" not in town.run(*words, key="council-2", nodes=one).stdout
    real = time.time
    for days, listed, reminded in ((LAPSE_DAYS - 10, True, True), (LAPSE_DAYS + 1, False, False)):
        monkeypatch.setattr("time.time", lambda days=days: real() + 86_400 * days)
        told = town.run(*words, key="council-2", nodes=one).stdout
        assert (id_[:8] in told, "It lapses on" in told, "1 lapsed because" in told) == (listed, reminded, not listed)
    assert id_[:8] in town.run(*words, "--all", nodes=one).stdout
    monkeypatch.setattr("time.time", real)
    town.run("approve", id_, key="council-2", nodes=one)  # for people it lapses; a vote still counts


def test_what_begins_later_is_never_said_to_be_in_effect(town: Town, grant_file: Path) -> None:
    one, issuer = town.urls[:1], "did:web:later.example"
    town.run("issuer", "propose", "--id", issuer, "--name", "Later", key="charity", nodes=one)
    said = town.json("accreditation", "propose", grant_file, "--issuer", issuer, key="charity", nodes=one)
    id_ = said["statements"][0]["id"]
    words = ("accreditation", "withdraw", id_, "--code", "voluntary", "--from", "2046-01-01")
    for more in (("--dry-run",), ()):
        told = town.run(*words, *more, key="charity", nodes=one).stdout
        assert "effect on 2046-01-01" in told
        assert "in effect" not in told


def test_a_machine_with_a_wrong_clock_signs_nothing(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    one = town.urls[:1]
    words = ("issuer", "propose", "--id", "did:web:clock.example", "--name", "Clock")
    before = town.json("keys", "status", town.key("agency"), nodes=one)["seq"]
    real = time.time
    for hours, says in ((8, "ahead of"), (-8, "behind")):
        monkeypatch.setattr("time.time", lambda hours=hours: real() + 3600 * hours)
        for more in ((), ("--offline", town.folder / f"clock{hours}.json")):
            refused = town.run(*words, *more, key="agency", nodes=one, code=3)
            assert f"8 h {says} that of {one[0]}" in refused.stderr
    monkeypatch.setattr("time.time", real)
    assert town.json("keys", "status", town.key("agency"), nodes=one)["seq"] == before


def test_offline_signing_shows_the_date_and_refuses_one_that_lies_ahead(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, request = town.urls[:1], town.folder / "dated.json"
    words = ("issuer", "propose", "--id", "did:web:dated.example", "--name", "Dated")
    town.run(*words, "--offline", request, key="agency", nodes=one)
    asked = town.run("sign", request, key="agency", nodes=one, input="n\n", code=130)
    assert "Sign 1 statement, dated 20" in asked.stderr
    real = time.time
    monkeypatch.setattr("time.time", lambda: real() - 86_400)
    assert "ahead of this machine's clock" in town.run("sign", request, "--yes", key="agency", code=3).stderr


def test_a_second_statement_of_one_number_is_not_sent(town: Town) -> None:
    """A spare copy of a key signs what the first has signed already: sent, it would freeze a body's only key."""
    one = town.urls[:1]
    spare = town.folder / "spare" / "agency.key"
    spare.parent.mkdir()
    request = town.folder / "spare.json"
    words = ("issuer", "propose", "--name", "Spare", "--id")
    town.run(*words, "did:web:spare1.example", "--offline", request, key="agency", nodes=one)
    shutil.copy(town.key("agency"), spare)
    town.run(*words, "did:web:spare2.example", key="agency", nodes=one)
    signed = town.folder / "spare-signed.json"
    town.run("sign", request, "--yes", "-o", signed, "--key", spare)
    refused = town.run("submit", signed, nodes=one, code=3)
    assert "would freeze the key" in refused.stderr
    assert not town.json("keys", "status", town.key("agency"), nodes=one)["forked"]


def test_a_key_that_may_not_rotate_is_refused_before_signing(town: Town) -> None:
    one = town.urls[:1]
    town.run("keys", "export", town.key("charity"), "-o", town.folder / "charity-again.toml")
    words = ("keys", "rotate", town.folder / "charity-again.toml", "--old", town.folder / "agency.toml")
    refused = town.run(*words, key="charity", nodes=one, code=None)
    assert refused.exit_code != 0
    assert "Nothing was signed" in refused.stderr or "would not take effect" in refused.stderr


def test_a_mistaken_amendment_is_taken_back_and_mended_and_nothing_unchanged_is_signed(town: Town) -> None:
    one = town.urls[:1]
    now = town.write("now.toml", town.run("charter", "show", "--toml", nodes=one).stdout)
    same = town.run("charter", "amend", now, key="council-1", nodes=one, code=3)
    assert "is the same as the charter in force" in same.stderr
    typo = town.write("typo.toml", now.read_text().replace('"Example Trust"', '"Exmaple Trust"'))
    mended = town.write("mended.toml", now.read_text().replace('"Example Trust"', '"Example Trust 2"'))
    first = town.json("charter", "amend", typo, key="council-1", nodes=one)["statements"][0]["id"]
    blocked = town.run("charter", "amend", mended, key="council-1", nodes=one, code=3)
    assert f"has already approved amendment {first[:12]} of the same version" in blocked.stderr
    line = town.run("inbox", key="agency", nodes=one).stdout
    assert "name: Example Trust → Exmaple Trust" in line
    town.run("retract", first, key="council-1", nodes=one)
    second = town.json("charter", "amend", mended, key="council-1", nodes=one)["statements"][0]
    assert second["state"] == "waiting"
    assert "name: Example Trust → Example Trust 2" in town.run("show", second["id"], nodes=one).stdout
    town.run("retract", second["id"], key="council-1", nodes=one)


def test_a_node_name_in_force_is_refused_and_a_replacement_says_what_it_replaces(town: Town, tmp_path: Path) -> None:
    one = town.urls[:1]
    words = ("--ecosystem", town.ecosystem, "--name", "node1.example", "--operator", "Other")
    place = ("--url", "http://127.0.0.1:18127", "--port", 18127)
    taken = town.run("node", "join", one[0], "--folder", tmp_path / "n", *words, *place, code=3)
    assert "node1.example is the name of an active node" in taken.stderr
    assert not (tmp_path / "n").exists()
    town.run("node", "join", one[0], "--folder", tmp_path / "n", *words, *place, "--replaces")
    entry = tmp_path / "n" / "node-entry.toml"
    refused = town.run("node", "admit", entry, key="council-1", nodes=one, code=3)
    assert "The name node1.example belongs to an active node" in refused.stderr
    said = town.run("node", "replace", entry, "--json", key="council-1", nodes=one)
    id_ = json.loads(said.stdout)["statements"][0]["id"]
    told = town.run("show", id_, nodes=one).stdout
    assert f"operator: {COUNCIL} → Other" in told
    assert "all its keys change" in told
    assert f"Replaces node1.example of {COUNCIL} at {one[0]}" in told
    town.run("retract", id_, key="council-1", nodes=one)
    moved = town.run("node", "replace", "node1.example", "--url", "http://127.0.0.1:18128/", "--dry-run",
                     key="council-1", nodes=one).stdout  # fmt: skip
    assert f"url: {one[0]} → http://127.0.0.1:18128" in moved
    nobody = town.run("node", "replace", "node9.example", "--url", "http://127.0.0.1:1", key="council-1", code=3)
    assert "node1.example, node2.example" in nobody.stderr


def test_accreditations_are_exported_to_csv_and_json(town: Town, grant_file: Path, tmp_path: Path) -> None:
    one, issuer = town.urls[:1], "did:web:exported.example"
    town.run("issuer", "propose", "--id", issuer, "--name", "=Exported", key="charity", nodes=one)
    town.run("accreditation", "propose", grant_file, "--issuer", issuer, key="charity", nodes=one)
    printed = town.run("export", "accreditations", "--by", CHARITY, nodes=one)
    rows = {row["issuer"]: row for row in csv.DictReader(io.StringIO(printed.stdout))}
    assert rows[issuer]["achievement_types"] == "BachelorDegree MasterDegree"
    assert rows[issuer]["issuer_name"] == "'=Exported", "a spreadsheet would run it"
    assert rows[issuer]["status"] == "active"
    target = tmp_path / "all.json"
    town.run("export", "accreditations", "-o", target, nodes=one)
    listed = json.loads(target.read_text())["accreditations"]
    assert issuer in {row["issuer"] for row in listed}
    assert town.run("export", "accreditations", "--status", "revoked", nodes=one).stdout.count(issuer) == 0


def test_the_doctor_finds_a_node_well_and_one_whose_address_differs_not(town: Town) -> None:
    found = town.json("node", "doctor", town.folder / "node1", code=None)
    assert {row["what"]: row["is_well"] for row in found["findings"] if row["what"] != "alarms"} == {
        "disk": True,
        "answers": True,
        "ready": True,
        "clock": True,
        "keys": True,
        "public_url": True,
    }
    config = (town.folder / "node1" / "node.toml").read_text()
    moved = town.folder / "node1" / "moved.toml"
    moved.write_text(config.replace(f'public_url = "{town.urls[0]}"', f'public_url = "{town.urls[1]}"'))
    shown = town.run("node", "doctor", moved, code=1).stdout
    assert f"accredit node replace node1.example --url {town.urls[1]}" in shown
    assert "another node answers, node2.example" in shown
    displaced = town.folder / "node1" / "displaced.toml"
    displaced.write_text(config.replace('name = "node1.example"', 'name = "node2.example"'))
    shown = town.run("node", "doctor", displaced, code=1).stdout
    assert "the registry has other keys" in shown
    assert "accredit node replace" not in shown, "its successor would be led to the address of the displaced node"
    stopped = town.folder / "node1" / "stopped.toml"
    stopped.write_text(config.replace(f'public_url = "{town.urls[0]}"', 'public_url = "http://127.0.0.1:9"'))
    (answers,) = [
        row["detail"] for row in town.json("node", "doctor", stopped, code=1)["findings"] if row["what"] == "answers"
    ]
    assert answers.endswith(f"Start it: accredit node run {stopped}")
    assert "--node" not in answers, "this command has no such option"


def test_a_proposal_shows_why_others_voted_what_it_rests_on_and_when_it_lapses(town: Town, grant_file: Path) -> None:
    one, issuer = town.urls[:1], "did:web:comments.example"
    evidence = '\nevidence = [{ uri = "https://council.example/visit.pdf", digest = "' + "ab" * 32 + '" }]\n[scope]'
    grant = town.write("evidence.toml", grant_file.read_text().replace("\n[scope]", evidence))
    said = town.json("accreditation", "propose", grant, "--issuer", issuer, key="council-1", nodes=one)
    id_ = str(said["statements"][0]["id"])
    why = ("--reason", "the visit was in May, not in March", "--ref", "https://council.example/minutes/7")
    town.run("reject", id_, *why, key="council-3", nodes=one)
    waiting = next(proposal for proposal in inbox(town, key="council-2") if proposal["id"] == id_)
    assert [(vote["approve"], vote["reason"], vote["refs"]) for vote in waiting["votes"]] == [(False, why[1], [why[3]])]
    shown = " ".join(town.run("show", id_, nodes=one).stdout.split())
    for part in (f"{why[1]} {why[3]}", "evidence https://council.example/visit.pdf", "lapses 20"):
        assert part in shown
    before = town.run("inbox", key="council-2", nodes=one).stdout
    assert f"{issuer} is not registered as an issuer" in " ".join(before.split()), "what the vote would bring about"
    town.run("issuer", "propose", "--id", issuer, "--name", "Comments", key="council-1", nodes=one)
    after = town.run("inbox", "--issuer", issuer, key="council-2", nodes=one).stdout
    assert "Register Comments" in after
    assert "is not registered" not in after, "the proposal beside it registers the issuer"
    assert after.count("2 proposals: ") == 1


def test_the_inbox_says_what_is_now_and_what_would_be(town: Town, grant_file: Path) -> None:
    one, issuer = town.urls[:1], "did:web:now-and-then.example"
    town.run("issuer", "propose", "--id", issuer, "--name", "Now and Then", key="charity", nodes=one)
    said = town.json("accreditation", "propose", grant_file, "--issuer", issuer, key="council-1", nodes=one)
    granted = str(said["statements"][0]["id"])
    town.run("approve", granted, key="council-2", nodes=one)
    town.run("accreditation", "suspend", granted, "--reason", "fire", key="council-1", nodes=one)
    listed = " ".join(town.run("inbox", "--issuer", issuer, key="council-2", nodes=one).stdout.split())
    assert f"Now and Then ({issuer}) will be suspended; without this statement it is active." in listed
