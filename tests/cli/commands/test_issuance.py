"""`accredit issuance` and `check --receipt` on real nodes: from files to a proved time, wherever it stops."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from accredit.cli.base import exits
from accredit.cli.signing import committing, workflow
from accredit.cli.signing.keys import read_public, unsent_path
from accredit.registry.encoding.ed25519 import multibase
from accredit.registry.errors import RemoteError
from accredit.registry.evidence.issuance_receipt import IssuanceReceipt
from accredit.registry.statement import decode
from tests.cli.town import Town, make_key
from tests.strategies import loopback
from tests.strategies.credentials import Issuer, open_badge

SCHOOL = Issuer.of("committing school", "did:web:committing.example")
NOWHERE = ["http://127.0.0.1:9"]


@pytest.fixture(scope="module")
def school(town: Town) -> Issuer:
    """An accredited issuer with a key that signs credentials, and one that speaks here."""
    key = make_key(town.folder, "committing", SCHOOL.id)
    grant = town.write("committing.grant.toml", town.run("accreditation", "template").stdout)
    facts = town.write(
        "committing.toml",
        f'id = "{SCHOOL.id}"\nname = "Committing School"\n'
        f'[[keys]]\nid = "{SCHOOL.method}"\npublic_key_multibase = "{SCHOOL.pinned["public_key_multibase"]}"\n'
        f'[[keys]]\nid = "{SCHOOL.id}#registry"\npublic_key_multibase = "{multibase(read_public(key).public)}"\n'
        "budget = 40\n",
    )
    town.run("issuer", "propose", facts, "--force", key="charity")
    said = town.json("accreditation", "propose", grant, "--issuer", SCHOOL.id, key="charity")["statements"][0]
    town.settle(said["id"])
    town.noted()
    return SCHOOL


def diplomas(school: Issuer, folder: Path, *names: str) -> list[Path]:
    found = []
    for name in names:
        badge = school.signed({**open_badge(school, "BachelorDegree", validFrom="2026-06-01T00:00:00Z"), "name": name})
        path = folder / f"{name}.json"
        path.write_text(json.dumps(badge))
        found.append(path)
    return found


def commitments(town: Town) -> int:
    """How much the school's key has said."""
    kid = read_public(town.key("committing")).kid.hex()
    found = loopback.get(f"{town.urls[0]}/v1/keys/{kid}").json()
    return int(found["seq"])


def receipt_of(folder: Path, name: str) -> IssuanceReceipt:
    return IssuanceReceipt.decode((folder / f"{name}.json.receipt.json").read_bytes())


def test_a_holder_proves_by_when_their_credential_existed(
    town: Town, school: Issuer, policy: Path, tmp_path: Path
) -> None:
    files, receipts = diplomas(school, tmp_path, "ada", "bob"), tmp_path / "receipts"
    said = town.json("issuance", "commit", *files, "--out", receipts, key="committing")
    assert said["receipts"] == 2
    assert sorted(path.name for path in receipts.iterdir()) == ["ada.json.receipt.json", "bob.json.receipt.json"]
    assert not receipt_of(receipts, "ada").proof
    held = town.json("issuance", "receipts", receipts, code=exits.NOT_YET)["receipts"]
    assert [one["proved"] for one in held] == [False, False]
    checked = ("check", files[0], "--policy", policy, "--receipt", receipts / "ada.json.receipt.json")
    early = town.json(*checked, code=1)["files"][0]["credentials"][0]
    assert (early["verdict"], early["cause"]) == ("indeterminate", "proof")

    proved = town.json("issuance", "receipts", receipts, "--prove", "--policy", policy)["receipts"]
    assert all(one["existed_by"] for one in proved)
    found = town.json(*checked)["files"][0]["credentials"][0]
    assert found["verdict"] == "accepted"
    by_name = {one["check"]: one for one in found["checks"]}
    assert by_name["receipt"]["outcome"] == "passed"
    assert by_name["receipt"]["code"] == "existence_proved"
    assert "It existed by" in town.run(*checked).stdout
    again = town.json("issuance", "receipts", receipts, "--prove", nodes=NOWHERE)
    assert all(one["proved"] for one in again["receipts"]), "what is proved is fetched no second time"

    other = ("check", files[0], "--policy", policy, "--receipt", receipts / "bob.json.receipt.json")
    wrong = town.json(*other, code=1)["files"][0]["credentials"][0]
    assert (wrong["verdict"], wrong["cause"]) == ("not_accepted", "leaf")
    both = town.json("check", *files, "--policy", policy, *_each("--receipt", sorted(receipts.iterdir())))
    assert [one["credentials"][0]["verdict"] for one in both["files"]] == ["accepted", "accepted"]


def test_a_question_alone_takes_what_a_receipt_proves_or_a_date_that_is_known(
    town: Town, school: Issuer, policy: Path, tmp_path: Path
) -> None:
    [file], receipts = diplomas(school, tmp_path, "zoe"), tmp_path / "receipts"
    town.run("issuance", "commit", file, "--out", receipts, key="committing")
    receipt = receipts / f"{file.name}.receipt.json"
    asked = ("query", school.id, "--for", "BachelorDegree", "--on", "2026-06-01", "--existed-by")
    assert "has no proof yet" in town.run(*asked, receipt, "--policy", policy, code=exits.RESULTS["unwitnessed"]).stderr
    town.run("issuance", "receipts", receipts, "--prove", "--policy", policy)
    with_receipt = town.json(*asked, receipt, "--policy", policy)
    assert with_receipt["question"]["committed_with"] == receipt_of(receipts, "zoe").key
    assert with_receipt["decision"]["authorized"]
    with_date = town.json(*asked, "2026-06-03", "--policy", policy)
    assert with_date["question"]["existed_by"] == "2026-06-04T00:00:00Z", "by the end of that day"
    stranger = ("query", "did:web:stranger.example", *asked[2:])
    for words, said in (
        ((*asked, receipt), "needs a trust policy"),
        ((*stranger, receipt, "--policy", policy), "is a receipt of did:web:committing.example"),
        ((*asked, file, "--policy", policy), "not an issuance receipt"),
        ((*asked, "last spring"), "neither a date nor a file"),
    ):
        assert said in town.run(*words, code=exits.REFUSED).stderr


def _each(option: str, values: Sequence[Path]) -> list[object]:
    return [word for value in values for word in (option, value)]


def test_the_log_and_a_receipt_hold_nothing_of_the_credentials(town: Town, school: Issuer, tmp_path: Path) -> None:
    files, receipts = diplomas(school, tmp_path, "carol", "dave"), tmp_path / "receipts"
    said = town.json("issuance", "commit", *files, "--out", receipts, key="committing")
    raw = loopback.get(
        f"{town.urls[0]}/v1/statements/{said['statement']}", headers={"accept": "application/cose"}
    ).content
    assert decode(raw).body["size_exponent"] == 10
    mine = (receipts / "carol.json.receipt.json").read_bytes()
    for word in (b"carol", b"dave", b"Bachelor"):
        assert word not in raw
        assert word not in mine
    theirs = receipt_of(receipts, "dave")
    assert theirs.salt not in mine


def test_a_connection_that_breaks_loses_nothing_and_resume_finishes(
    town: Town, school: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, receipts = diplomas(school, tmp_path, "erin"), tmp_path / "receipts"

    def broken(*_: Any) -> Any:
        raise RemoteError("unreachable", "the line is dead.", hint="Try again.")

    with monkeypatch.context() as cut:
        cut.setattr(workflow, "submit", broken)
        said = town.run("issuance", "commit", *files, "--out", receipts, key="committing", code=exits.REMOTE)
    assert "the line is dead" in said.stderr
    before = receipt_of(receipts, "erin"), "a holder's receipt was written before anything was sent"
    assert (receipts / "unfinished.json").exists()
    refused = town.run("issuance", "commit", *files, "--out", receipts, key="committing", code=exits.STORAGE)
    assert "resume" in refused.stderr
    said = town.json("issuance", "resume", receipts, key="committing")
    assert receipt_of(receipts, "erin") == before[0]
    assert not (receipts / "unfinished.json").exists()
    assert "proved" in town.run("issuance", "receipts", receipts, "--prove").stdout
    nothing = town.run("issuance", "resume", receipts, key="committing", code=exits.REFUSED)
    assert "no commitment that was interrupted" in nothing.stderr
    assert commitments(town)


def test_a_machine_that_stops_before_signing_signs_when_it_is_resumed(
    town: Town, school: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, receipts = diplomas(school, tmp_path, "frank"), tmp_path / "receipts"

    def stops(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        cut.setattr(workflow.Desk, "propose", stops)
        town.run("issuance", "commit", *files, "--out", receipts, key="committing", code=None)
    assert [path.name for path in receipts.iterdir()] == ["unfinished.json"]
    town.run("issuance", "resume", receipts, key="committing")
    assert receipt_of(receipts, "frank").statement


def test_a_machine_that_stops_right_after_signing_uses_what_was_signed(
    town: Town, school: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, receipts = diplomas(school, tmp_path, "grace"), tmp_path / "receipts"

    def stops(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        cut.setattr(committing, "write_receipts", stops)
        town.run("issuance", "commit", *files, "--out", receipts, key="committing", code=None)
    plan = committing.plan_in(receipts)
    assert plan.statement is not None
    town.run("issuance", "resume", receipts, key="committing")
    assert receipt_of(receipts, "grace").statement == plan.statement
    assert not unsent_path(town.key("committing")).exists(), "or it would be sent after what is signed next"


def test_a_key_on_another_machine_signs_a_request(town: Town, school: Issuer, tmp_path: Path) -> None:
    files, receipts = diplomas(school, tmp_path, "heidi"), tmp_path / "receipts"
    request, signed = tmp_path / "request.json", tmp_path / "signed.json"
    said = town.run("issuance", "commit", *files, "--out", receipts, "--offline", request, key="committing")
    assert "issuance resume" in said.stdout + said.stderr
    town.run("sign", request, "-o", signed, "--yes", key="committing")
    other = town.run("issuance", "resume", receipts, "--signed", request, key="committing", code=None)
    assert other.exit_code != 0
    town.run("issuance", "resume", receipts, "--signed", signed, key="committing")
    assert receipt_of(receipts, "heidi").statement


def test_a_dry_run_writes_and_signs_nothing(town: Town, school: Issuer, tmp_path: Path) -> None:
    files, receipts = diplomas(school, tmp_path, "ivan"), tmp_path / "receipts"
    before = commitments(town)
    town.run("issuance", "commit", *files, "--out", receipts, "--dry-run", key="committing")
    assert not receipts.exists()
    assert commitments(town) == before


def test_a_file_that_is_no_credential_of_the_issuer_stops_it_before_anything_is_written(
    town: Town, school: Issuer, tmp_path: Path
) -> None:
    good = diplomas(school, tmp_path, "judy")[0]
    other = Issuer.of("other")
    cases: dict[str, Any] = {
        "not.json": "{",
        "list.json": "[]",
        "foreign.json": json.dumps(other.signed(open_badge(other))),
        "number.json": good.read_text().replace('"judy"', "9007199254740993"),
    }
    receipts = tmp_path / "receipts"
    for name, content in cases.items():
        path = tmp_path / name
        path.write_text(content)
        said = town.run("issuance", "commit", good, path, "--out", receipts, key="committing", code=exits.REFUSED)
        assert name in said.stderr
        assert "Nothing was signed" in said.stderr
    assert not receipts.exists()
    missing = town.run("issuance", "commit", tmp_path / "no.json", "--out", receipts, key="committing", code=None)
    assert missing.exit_code != 0
    assert not receipts.exists()


def test_who_is_not_the_issuer_commits_to_nothing(town: Town, school: Issuer, tmp_path: Path) -> None:
    files = diplomas(school, tmp_path, "karl")
    said = town.run("issuance", "commit", *files, "--out", tmp_path / "receipts", key="charity", code=exits.REFUSED)
    assert "the key signs for" in said.stderr


def test_files_of_one_name_in_two_folders_get_receipts_of_two_names(town: Town, school: Issuer, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    files = [*diplomas(school, tmp_path / "a", "lena"), *diplomas(school, tmp_path / "b", "lena")]
    town.run("issuance", "commit", *files, "--out", tmp_path / "receipts", key="committing")
    names = sorted(path.name for path in (tmp_path / "receipts").iterdir())
    assert names == ["lena.json-2.receipt.json", "lena.json.receipt.json"]
    refused = town.run("issuance", "commit", *files, "--out", tmp_path / "receipts", key="committing", code=None)
    assert refused.exit_code == exits.STORAGE
    assert "already exists" in refused.stderr


@pytest.mark.parametrize(
    "content", ["{", "{}", '{"body": {}}', '{"body": {"root": "zz"}, "statement": null, "key": "", "receipts": []}']
)
def test_a_plan_that_was_damaged_says_which_file_and_what_to_do(town: Town, tmp_path: Path, content: str) -> None:
    (tmp_path / "unfinished.json").write_text(content)
    said = town.run("issuance", "resume", tmp_path, key="committing", code=exits.REFUSED)
    assert "unfinished.json" in said.stderr


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"salt": "AAAA"}'])
def test_a_file_that_is_no_receipt_is_named(town: Town, policy: Path, tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.receipt.json"
    path.write_text(content)
    told = town.run("issuance", "receipts", path, code=exits.REFUSED).stderr
    assert "x.receipt.json" in told
    assert "RFC 8259" not in told, "a holder does not write JSON"
    badge = diplomas(Issuer.of("nobody"), tmp_path, "mia")[0]
    said = town.run("check", badge, "--receipt", path, "--policy", policy, code=exits.REFUSED)
    assert "x.receipt.json" in said.stderr


def test_a_receipt_needs_a_policy_and_a_folder_needs_receipts(town: Town, tmp_path: Path) -> None:
    badge = diplomas(Issuer.of("nobody"), tmp_path, "nora")[0]
    said = town.run("check", badge, "--receipt", badge, code=exits.REFUSED)
    assert "trust policy" in said.stderr
    assert "There are no receipts" in town.run("issuance", "receipts", tmp_path, code=exits.REFUSED).stderr
