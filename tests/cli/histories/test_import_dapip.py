"""`accredit history import dapip` against running nodes: once, again, interrupted, by agencies of their own."""

import csv
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from accredit.cli.base.log_entries import read_entries
from accredit.cli.histories import dapip
from accredit.cli.histories.plan import plan
from accredit.cli.signing.submit import submit
from accredit.node.clients.node_client import NodeClient
from accredit.node.files.key_files import FASTEST
from accredit.registry.encoding.cbor import encode
from accredit.registry.statement import Unverified, decode
from tests.cli.histories.stories import ALWAYS, STORIES
from tests.cli.histories.test_stories import EXTRACT, OURS, files_of
from tests.cli.town import Town
from tests.strategies.dapip_files import LOSS, action, files, record
from tests.strategies.told_history import TODAY


def folder_of(folder: Path, data: dict[str, bytes]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in data.items():
        (folder / name).write_bytes(content)
    return folder


def log_of(town: Town) -> list[Unverified]:
    with NodeClient(town.urls[0]) as client:
        size = int(client.checkpoint().splitlines()[1])
        return [decode(raw) for raw in read_entries(client, size, lambda _: None)]


@pytest.fixture(scope="module")
def imported(town: Town, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """Our extract, imported by the State Agency and approved by the charity; the report and what the command said."""
    report = tmp_path_factory.mktemp("history") / "report.json"
    said = town.json("history", "import", "dapip", EXTRACT, "--report", report, key="agency")
    town.run("approve", "--from", report, key="charity")
    last = json.loads(report.read_text())["statements"][-1]["id"]
    town.settle(last)
    return report, said


def test_the_nodes_answer_a_registrar_as_the_stories_say(town: Town, imported: tuple[Path, Any]) -> None:
    assert imported
    told = plan(dapip.read(files_of(EXTRACT), TODAY), "https://agency.example/dapip/")
    ids = {life.told[0].body["source_record"]["id"].partition("/")[0]: life.issuer for life in told.lives}
    for name in sorted(OURS):
        story, institution = STORIES[name], name.split()[0]
        if story.agency:
            continue  # here the State Agency speaks for all of them
        asked = [
            {"issuer": ids[institution], "issued_on": on, "achievement_type": "Certificate", "program": "dapip:1"}
            for on, *_ in story.answers
        ]
        with NodeClient(town.urls[0]) as client:
            for answer, (on, verdict, why) in zip(client.decide_all(asked), story.answers, strict=True):
                codes = tuple(one["code"] for one in answer["reasons"] if one["code"] not in ALWAYS)
                assert (name, on, answer["verdict"], codes) == (name, on, verdict, why)


def test_the_report_names_every_statement_and_every_rule_that_was_used(imported: tuple[Path, Any]) -> None:
    report, said = imported
    written = json.loads(report.read_text())
    assert len(written["statements"]) == len(said["statements"]) == sum(said["planned"].values())
    assert Counter(one["kind"] for one in written["statements"])["accreditation.grant"] == 22
    assert {"loss_but_open", "stay_without_loss", "early_loss"} <= {one["code"] for one in written["findings"]}


def test_a_second_run_says_nothing_again(town: Town, imported: tuple[Path, Any]) -> None:
    _, said = imported
    again = town.json("history", "import", "dapip", EXTRACT, key="agency")
    assert (again["statements"], again["known"]) == ([], sum(said["planned"].values()))


def test_newer_data_add_only_what_is_new(town: Town, imported: tuple[Path, Any], tmp_path: Path) -> None:
    assert imported
    data = files_of(EXTRACT)
    data["actions.csv"] += b"102483,17,1,1,Accreditation Reaffirmed: Probation Removed,2020-08-01,,,\n"
    more = town.json("history", "import", "dapip", folder_of(tmp_path, data), key="agency")
    assert [one["kind"] for one in more["statements"]] == ["accreditation.status"]


def test_an_import_that_was_interrupted_goes_on(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    institutions = [(str(n), "", "", f"Interrupted College {n}", "IN", "") for n in range(900, 905)]
    records = [record("2001-01-01", institution=str(n)) for n in range(900, 905)]
    losses = [action(f"{LOSS}Lapse", "2010-01-01", institution=str(n)) for n in range(900, 905)]
    data = files(records, losses, institutions=[*institutions, ("8", "", "", "The Other Interrupted", "OH", "")])
    folder = folder_of(tmp_path / "data", data)
    monkeypatch.setattr("accredit.cli.commands.registry.tell_history.PIECE", 2)
    real = "accredit.cli.commands.registry.tell_history.HistoryTelling._tell_lives"
    with monkeypatch.context() as patch:

        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(real, stop)
        town.run("history", "import", "dapip", folder, "--report", tmp_path / "1.json", key="agency", code=None)
    first = json.loads((tmp_path / "1.json").read_text())["statements"]
    assert Counter(one["kind"] for one in first) == {"issuer.register": 6, "accreditation.grant": 6}
    rest = town.json("history", "import", "dapip", folder, key="agency")
    assert Counter(one["kind"] for one in rest["statements"]) == {"accreditation.status": 5}
    assert rest["known"] == 12


@pytest.mark.parametrize(("at", "by_agencies"), [(1, False), (2, True), (3, True)])
def test_an_import_killed_while_it_sends_ends_as_if_it_had_run_once(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int, by_agencies: bool
) -> None:
    """Signed, kept, half of it sent: and the machine goes down. The same command, typed again, does the rest."""
    monkeypatch.setattr("accredit.cli.commands.registry.tell_history.KEY_LIMITS", FASTEST)
    name = f"killed-{at}-{by_agencies}"
    institutions = [(str(n), "", "", f"{name} {n}", "IN", "") for n in range(1, 9)]
    records = [record("2001-01-01", institution=str(n)) for n in range(1, 8)]
    losses = [action(f"{LOSS}Lapse", "2010-01-01", institution=str(n)) for n in range(1, 8)]
    folder = folder_of(tmp_path / "data", files(records, losses, institutions=institutions))
    base, report = f"https://agency.example/{name}/", tmp_path / "report.json"
    words = [*("history", "import", "dapip", folder, "--base", base, "--report", report)]
    words += ["--agency-keys", tmp_path / "keys"] if by_agencies else []
    sent: list[int] = []

    def dying(client: NodeClient, raws: Sequence[bytes]) -> list[dict[str, Any]]:
        sent.append(len(raws))
        if len(sent) < at + by_agencies:
            return submit(client, raws)
        submit(client, raws[: len(raws) // 2])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("accredit.cli.signing.workflow.submit", dying)
        town.run(*words, key="agency", code=None)
    assert len(sent) == at + by_agencies, "it was killed"
    shown = town.run(*words, key="agency")
    assert "8 institutions were registered by an earlier run; this one goes on from there." in shown.stderr
    said = [one for one in log_of(town) if one.sub.startswith(base) or base in str(one.body.get("issuer", ""))]
    contents = Counter((one.iss, one.kind, one.sub, encode(one.body)) for one in said)
    assert max(contents.values()) == 1, "nothing is said twice"
    kinds = Counter(one.kind for one in said)
    expected = {"issuer.register": 8, "accreditation.grant": 8, "accreditation.status": 7}
    assert kinds == (expected | {"authority.delegate": 2} if by_agencies else expected)
    named = {one["id"] for one in json.loads(report.read_text())["statements"]}
    assert {one.id.hex() for one in said if one.kind == "accreditation.status"} <= named, "what waits can be approved"


def test_of_more_statements_than_one_request_looks_up_each_is_told_what_became_of_it(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accredit.cli.commands.governance.votes.LOOKUP_STATEMENTS", 1)
    losses = [action(f"{LOSS}Lapse", "2010-01-01", institution="980")]
    names = [("980", "", "", "Many Statements College", "IN", ""), ("8", "", "", "The Other Many", "OH", "")]
    folder, report = (
        folder_of(tmp_path / "data", files([record("2001-01-01", institution="980")], losses, institutions=names)),
        tmp_path / "r.json",
    )
    base = "https://agency.example/many/"
    town.json("history", "import", "dapip", folder, "--base", base, "--report", report, key="agency")
    said = json.loads(report.read_text())["statements"]
    town.settle(said[-1]["id"])
    voted = town.json("approve", "--from", report, key="charity")
    waited = [one["id"] for one in said if one["state"] == "waiting"]
    assert [(one["id"], one["state"]) for one in voted["proposals"]] == [(id, "effective") for id in waited]
    assert {one["id"] for one in voted["left_out"]} == {one["id"] for one in said} - set(waited)
    assert {one["reason"] for one in voted["left_out"]} == {"already in effect; a vote changes nothing."}


def test_institutions_of_which_no_row_was_taken_are_counted_and_named(town: Town, tmp_path: Path) -> None:
    institutions = [(str(n), "", "", f"Bare College {n}", "IN", "") for n in range(8, 14)]
    damaged = [record("20010-01-01", institution=str(n)) for n in range(9, 14)]
    folder = folder_of(tmp_path / "data", files([record("2001-01-01"), *damaged], [], institutions=institutions))
    words = ("history", "import", "dapip", folder, "--base", "https://agency.example/bare/", "--dry-run")
    report = tmp_path / "report.json"
    shown = town.run(*words, "--report", report, key="agency", code=1).stdout
    assert (
        "5 institutions would be registered without an accreditation, since no row about one was taken: "
        "Bare College 9, Bare College 10, Bare College 11, and 2 more (no_accreditation in the report)."
    ) in " ".join(shown.split())
    written = json.loads(report.read_text())
    assert written["without_accreditation"] == 5
    bare = [one for one in written["findings"] if one["code"] == "no_accreditation"]
    assert [one["about"] for one in bare] == [f"Bare College {n}" for n in range(9, 14)]
    assert all(one["where"].startswith("institutions.csv, line ") for one in bare)


def test_agencies_speak_for_themselves_with_keys_of_their_own(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accredit.cli.commands.registry.tell_history.KEY_LIMITS", FASTEST)
    records = [
        record("2001-01-01", institution="950"),
        record("2002-01-01", institution="950", agency="2", program="9"),
    ]
    losses = [action(f"{LOSS}Voluntary Withdrawal", "2010-01-01", institution="950")]
    names = [("950", "", "", "Own Keys College", "IN", ""), ("8", "", "", "The Other Own Keys", "OH", "")]
    folder, keys = folder_of(tmp_path / "data", files(records, losses, institutions=names)), tmp_path / "keys"
    base, report = "https://agency.example/own/", tmp_path / "report.json"
    words = ("history", "import", "dapip", folder, "--agency-keys", keys, "--base", base)
    said = town.json(*words, "--report", report, key="agency")
    assert sorted(path.name for path in keys.iterdir()) == ["agency-1.key", "agency-2.key"]
    kinds = Counter(one["kind"] for one in said["statements"])
    assert kinds == {
        "authority.delegate": 2,
        "issuer.register": 2,
        "accreditation.grant": 3,
        "accreditation.status": 1,
    }
    town.run("approve", "--from", report, key="charity")
    town.settle(json.loads(report.read_text())["statements"][-1]["id"])
    record_ = town.json("issuer", "show", f"{base}950")
    assert {one["by"] for one in record_["accreditations"]} == {f"{base}agencies/1", f"{base}agencies/2"}
    question = {
        "issuer": f"{base}950",
        "achievement_type": "Certificate",
        "program": "dapip:1",
        "issued_on": "2009-05-01",
    }
    with NodeClient(town.urls[0]) as client:
        assert client.decide(question)["reasons"][1]["text"].startswith("Accredited by Agency One (accredit")
        assert client.decide({**question, "issued_on": "2010-01-01"})["verdict"] == "not_trusted"
    again = town.json(*words, key="agency")
    assert (again["statements"], again["known"]) == ([], 6)


def test_where_grants_wait_for_votes_the_events_wait_for_the_grants(town: Town, tmp_path: Path) -> None:
    """The council speaks with two of its three keys."""
    names = [("970", "", "", "Slow Council College", "IN", ""), ("8", "", "", "The Other Slow Council", "OH", "")]
    losses = [action(f"{LOSS}Lapse", "2010-01-01", institution="970")]
    folder = folder_of(tmp_path / "data", files([record("2001-01-01", institution="970")], losses, institutions=names))
    base, first, second = "https://council.example/slow/", tmp_path / "1.json", tmp_path / "2.json"
    words = ("history", "import", "dapip", folder, "--base", base)
    waits = town.run(*words, "--report", first, key="council-1", code=4)
    assert "The grants wait for votes" in waits.stderr
    town.run("approve", "--from", first, key="council-2")
    town.settle(json.loads(first.read_text())["statements"][-1]["id"])
    town.run(*words, "--report", second, key="council-1")
    said = json.loads(second.read_text())["statements"]
    assert [one["kind"] for one in said] == ["accreditation.status"]
    for voter in ("council-2", "charity"):
        town.settle(said[0]["id"])
        town.run("approve", "--from", second, key=voter)
    asked = {"issuer": f"{base}970", "achievement_type": "Certificate", "program": "dapip:1"}
    with NodeClient(town.urls[0]) as client:
        assert [one["code"] for one in client.decide(asked)["reasons"]] == ["status_expired"]


def test_a_dry_run_signs_nothing_and_makes_no_keys(town: Town, tmp_path: Path) -> None:
    shown = town.run(
        *("history", "import", "dapip", EXTRACT, "--agency-keys", tmp_path / "keys", "--base", "https://dry.example/"),
        "--dry-run",
        key="charity",
        code=1,
    ).stdout
    assert "8 rows left out" in shown
    assert "This was a dry run: nothing was signed." in shown
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--offline", "request.json"), 3, "too long for one request file"),
        (("--base", "ftp://x"), 3, "neither a DID, an http(s) URL nor a URN"),
        (("--report", "no/such/folder.json"), 6, "no/such"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_signed(
    town: Town, tmp_path: Path, words: tuple[str, ...], code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = town.json("keys", "show", town.key("charity"))
    refused = town.run("history", "import", "dapip", EXTRACT, *words, key="charity", code=code)
    assert said in refused.stderr
    assert town.json("keys", "show", town.key("charity")) == before


def test_the_findings_alone_are_a_table_that_a_spreadsheet_opens(town: Town, tmp_path: Path) -> None:
    report = tmp_path / "findings.csv"
    town.run("history", "import", "dapip", EXTRACT, "--report", report, "--dry-run", key="agency", code=1)
    rows = list(csv.DictReader(report.read_text().splitlines()))
    assert {row["taken"] for row in rows} == {"yes", "no"}
