"""`accredit check` on real nodes: verdicts, exit codes, several files, and what leaves the machine: never the file."""

import csv
import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from accredit.cli.base import exits
from accredit.cli.checking.credential_text import SENTENCES, finding_of, sentence_for
from accredit.cli.credentials.judging import CheckedCredential, CredentialVerdict
from accredit.cli.credentials.outcomes import NAMES, CheckOutcome, CredentialCheck
from accredit.registry.decision.explanations import Audience
from tests.cli.town import Town
from tests.strategies.answering_server import AnsweringServer, Reply
from tests.strategies.credentials import LIST_URL, Issuer, Json, baked_png, open_badge, status_entry, status_list

SCHOOL = Issuer.of("town school", "did:web:check-school.example")
NOWHERE = ["http://127.0.0.1:9"]


@pytest.fixture(scope="module")
def school(town: Town) -> Issuer:
    """An accredited issuer whose key is pinned."""
    grant = town.write("check.toml", town.run("accreditation", "template").stdout)
    facts = town.write(
        "check-school.toml",
        f'id = "{SCHOOL.id}"\nname = "Example School"\n[[keys]]\nid = "{SCHOOL.method}"\n'
        f'public_key_multibase = "{SCHOOL.pinned["public_key_multibase"]}"\n',
    )
    town.run("issuer", "propose", facts, key="charity")
    said = town.json("accreditation", "propose", grant, "--issuer", SCHOOL.id, key="charity")["statements"][0]
    town.settle(said["id"])
    town.noted()
    return SCHOOL


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def issued(issuer: Issuer, achievement_type: str | None = "BachelorDegree", **members: Any) -> Json:
    """A badge from after the accreditation began."""
    return open_badge(issuer, achievement_type, **{"validFrom": "2026-06-01T00:00:00Z", **members})


def put(folder: Path, name: str, value: Any) -> Path:
    path = folder / name
    path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
    return path


def checks(found: Json) -> dict[str, str]:
    return {one["check"]: one["outcome"] for one in found["checks"]}


def test_a_good_badge_is_accepted_by_the_word_of_a_node_and_by_proof(
    town: Town, school: Issuer, policy: Path, folder: Path
) -> None:
    path = put(folder, "badge.json", school.signed(issued(school)))
    said = town.run("check", path).stdout
    assert said.startswith("Accepted  Bachelor of Science")
    assert "By the word of the node http" in said
    assert "which the registry pins for this issuer" in said
    proved = town.json("check", path, "--policy", policy)["files"][0]["credentials"][0]
    assert proved["verdict"] == "accepted"
    assert set(checks(proved).values()) == {"passed"}
    assert "Proved by the signers" in proved["checks"][-1]["text"]
    snapshot = folder / "all.snapshot"
    town.run("snapshot", "sync", snapshot, "--policy", policy)
    offline = ("check", path, "--policy", policy, "--snapshot", snapshot)
    assert town.json(*offline, nodes=NOWHERE)["files"][0]["credentials"][0]["verdict"] == "accepted"
    private = town.json("check", path, "--policy", policy, "--private")["files"][0]["credentials"][0]
    assert private["verdict"] == "accepted"
    assert "was not told" in private["checks"][-1]["text"]
    store = folder / "store"
    town.run("node", "publish", town.folder / "node1", store)
    of_files = town.json("check", path, "--policy", policy, nodes=[str(store)])["files"][0]["credentials"][0]
    assert (of_files["verdict"], of_files["checks"][-1]["outcome"]) == ("accepted", "passed")
    assert "needs a trust policy" in town.run("check", path, nodes=[str(store)], code=exits.REFUSED).stderr


def test_the_verdict_and_the_exit_code_say_what_is_wrong(town: Town, school: Issuer, folder: Path) -> None:
    badge = school.signed(issued(school))
    stranger = Issuer.of("stranger")
    master = school.signed(issued(school, "DoctoralDegree", validFrom="1890-01-01T00:00:00Z"))
    cases: list[tuple[Any, int, str, str]] = [
        ({**badge, "name": "Doctor"}, 1, "not_accepted", "bad_signature"),
        (stranger.signed(issued(stranger)), 1, "not_accepted", "unknown_issuer"),
        (master, 1, "not_accepted", "not_trusted"),
        (school.signed(issued(school, None)), 1, "indeterminate", "achievement_type_missing"),
        (school.signed(issued(school, "Bachelors")), 1, "indeterminate", "bad_question"),
        (school.signed(issued(school, credentialStatus=status_entry())), 1, "indeterminate", "status_list_missing"),
        (baked_png(badge), 0, "accepted", "trusted_with_advisory"),
    ]
    for number, (file, code, verdict, cause) in enumerate(cases):
        [found] = town.json("check", put(folder, f"{number}.json", file), code=code)["files"][0]["credentials"]
        assert (found["verdict"], found["cause"]) == (verdict, cause), found


def test_an_authority_that_did_not_accredit_an_issuer_does_not_give_it_a_key(
    town: Town, folder: Path, policy: Path
) -> None:
    """Whose word about the issuer does not count could sign for it otherwise."""
    forged = Issuer.of("forger", town.accredited("did:web:keyless.example", "keyless"))
    facts = town.write(
        "forger.toml",
        f'id = "{forged.id}"\nname = "Keyless"\n[[keys]]\nid = "{forged.method}"\n'
        f'public_key_multibase = "{forged.pinned["public_key_multibase"]}"\n',
    )
    town.settle(town.json("issuer", "propose", facts, key="agency")["statements"][0]["id"])
    town.noted()
    path = put(folder, "forged.json", forged.signed(issued(forged)))
    for words in ((), ("--policy", policy), ("--policy", policy, "--private")):
        [file] = town.json("check", path, *words, code=1)["files"]
        [found] = file["credentials"]
        assert (found["verdict"], found["cause"]) == ("indeterminate", "key_not_found")


def test_a_strangers_pin_under_a_genuine_key_id_does_not_block_an_honest_credential(
    town: Town, school: Issuer, folder: Path, policy: Path
) -> None:
    """Any authority can state a key for any issuer: what counts is what the decision itself cites."""
    rogue = Issuer.of("rogue", school.id)
    for number, key in enumerate(({**rogue.pinned, "id": school.method}, {**school.pinned, "id": f"{school.id}#0"})):
        facts = town.write(
            f"rogue{number}.toml",
            f'id = "{school.id}"\nname = "Example School"\n[[keys]]\nid = "{key["id"]}"\n'
            f'public_key_multibase = "{key["public_key_multibase"]}"\n',
        )
        said = town.json("issuer", "propose", facts, key="agency")["statements"][0]
        town.settle(said["id"])
    town.noted()
    honest = put(folder, "honest.json", school.signed(issued(school)))
    unnamed = put(folder, "unnamed.jwt", school.token(issued(school), kid=None, jwk=school.jwk).encode())
    forged = put(folder, "forged.json", replace(rogue, method=school.method).signed(issued(school)))
    for words in ((), ("--policy", policy), ("--policy", policy, "--private")):
        for path in (honest, unnamed):
            [found] = town.json("check", path, *words)["files"][0]["credentials"]
            assert found["question"]["key"] == school.method
        [found] = town.json("check", forged, *words, code=1)["files"][0]["credentials"]
        assert (found["verdict"], found["cause"]) == ("not_accepted", "bad_signature")


def test_the_key_of_a_status_list_is_asked_about_like_that_of_a_credential(
    town: Town, school: Issuer, folder: Path
) -> None:
    """A list by a key of the issuer's that signs lists only, and by one that a stranger pins for it."""
    lister, stranger = (Issuer.of(name, school.id) for name in ("lister", "list stranger"))
    for number, (issuer, by) in enumerate(((lister, "charity"), (stranger, "agency"))):
        facts = town.write(
            f"lists{number}.toml",
            f'id = "{school.id}"\nname = "Example School"\n[[keys]]\nid = "{issuer.method}"\n'
            f'public_key_multibase = "{issuer.pinned["public_key_multibase"]}"\n',
        )
        town.settle(town.json("issuer", "propose", facts, key=by)["statements"][0]["id"])
    path = put(folder, "badge.json", school.signed(issued(school, credentialStatus=status_entry(7))))
    for issuer, outcome in ((lister, "passed"), (stranger, "not_done")):
        made = issuer.signed(status_list(issuer, validFrom="2026-06-02T00:00:00Z"))
        words = ("check", path, "--status-list", put(folder, "list.json", made))
        [found] = town.json(*words, code=0 if outcome == "passed" else 1)["files"][0]["credentials"]
        assert checks(found)["status"] == outcome, found["checks"]
        assert checks(found)["issuer"] == "passed"


def test_the_custodian_of_a_closed_school_keeps_its_status_lists(town: Town, folder: Path, policy: Path) -> None:
    """It counts once the school is closed, if the school's own accreditor names it and its key; by no other word."""
    closed = Issuer.of("closed school", "did:web:closed.example")
    archive = Issuer.of("archive", "did:web:archive.example")
    impostor = Issuer.of("impostor", "did:web:impostor.example")
    grant = town.write("closed.toml", town.run("accreditation", "template").stdout)
    for issuer, name, keeps, by in (
        (closed, "Closed School", "", "charity"),
        (archive, "State Archive", closed.id, "charity"),
        (impostor, "Impostor", closed.id, "agency"),
    ):
        facts = town.write(
            f"{name.split()[0]}.toml",
            f'id = "{issuer.id}"\nname = "{name}"\n'
            + (f'custodian_for = ["{keeps}"]\n' if keeps else "")
            + f'[[keys]]\nid = "{issuer.method}"\n'
            f'public_key_multibase = "{issuer.pinned["public_key_multibase"]}"\n',
        )
        town.settle(town.json("issuer", "propose", facts, key=by)["statements"][0]["id"])
    said = town.json("accreditation", "propose", grant, "--issuer", closed.id, key="charity")["statements"][0]
    town.settle(said["id"])
    path = put(folder, "badge.json", closed.signed(issued(closed, credentialStatus=status_entry(7))))

    def outcome(issuer: Issuer, revoked: Sequence[int], *words: object) -> tuple[str, str]:
        made = issuer.signed(status_list(issuer, revoked, validFrom="2026-11-01T00:00:00Z"))
        listed = put(folder, "list.json", made)
        code = 1 if revoked or issuer is impostor or not is_closed else 0
        [found] = town.json("check", path, "--status-list", listed, *words, code=code)["files"][0]["credentials"]
        [told] = [one for one in found["checks"] if one["check"] == "status"]
        return told["code"], told["text"]

    is_closed = False
    assert outcome(archive, [])[0] == "anothers_status_list"  # the school itself answers for its lists
    bare = put(folder, "bare.json", closed.signed(issued(closed)))

    def next_steps(*words: object) -> list[str]:
        [found] = town.json("check", bare, *words)["files"][0]["credentials"]
        return [one for one in found["next_steps"] if "keeps your issuer's records" in one]

    assert next_steps("--audience", "learner") == []
    ended = town.json("accreditation", "event", said["id"], "close", "--code", "closure", key="charity")["statements"][
        0
    ]
    town.settle(ended["id"])
    town.noted()
    is_closed = True
    told = (
        "Ask State Archive (did:web:archive.example), which keeps your issuer's records, for a copy or a confirmation."
    )
    assert next_steps("--audience", "learner") == [told], "and not the impostor's"
    assert next_steps("--audience", "employer") == []
    for words in ((), ("--policy", policy), ("--policy", policy, "--private")):
        text = "By its issuer's list of 2026-11-01, kept by its custodian State Archive, it still stands."
        assert outcome(archive, [], *words) == ("not_revoked", text)
        assert outcome(archive, [7], *words) == (
            "revoked",
            "State Archive, the custodian of its issuer's records, has revoked it.",
        )
        assert outcome(impostor, [], *words)[0] == "anothers_status_list"
    town.run("issuer", "key", "compromise", archive.id, archive.method, "--since", "always", key="charity")
    assert outcome(archive, [7])[0] == "unsigned_status_list"


def test_a_status_list_is_taken_from_a_file(town: Town, school: Issuer, folder: Path) -> None:
    path = put(folder, "badge.json", school.signed(issued(school, credentialStatus=status_entry(7))))
    for revoked, code in (((), 0), ((7,), 1)):
        held = put(folder, f"list{code}.json", school.signed(status_list(school, revoked)))
        found = town.json("check", path, "--status-list", held, code=code)["files"][0]["credentials"][0]
        assert checks(found)["status"] == ("failed" if code else "passed")


def test_no_node_is_said_and_every_other_check_is_done(town: Town, folder: Path) -> None:
    own = Issuer.of("own")
    path = put(folder, "badge.json", own.signed(issued(own)))
    found = town.json("check", path, nodes=NOWHERE, code=exits.REMOTE)["files"][0]["credentials"][0]
    assert checks(found) == {**dict.fromkeys(NAMES, "passed"), "issuer": "not_done"}
    assert found["cause"] == "unreachable"


def test_a_policy_that_does_not_verify_the_answer_gives_its_own_exit_code(
    town: Town, school: Issuer, policy: Path, folder: Path
) -> None:
    path = put(folder, "badge.json", school.signed(issued(school)))
    snapshot = folder / "all.snapshot"
    town.run("snapshot", "sync", snapshot, "--policy", policy)
    words = ("check", path, "--policy", policy, "--snapshot", snapshot, "--max-age", "1s")
    deadline = time.monotonic() + 60
    while True:  # until the note is older than a second, for a question about now
        now = put(
            folder,
            "now.json",
            school.signed(issued(school, validFrom=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))),
        )
        result = town.run("check", now, *words[2:], code=None)
        if result.exit_code == exits.RESULTS["stale"]:
            break
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert "Not covered" in result.stdout


def test_many_files_are_a_table_with_one_line_for_each_and_a_csv(town: Town, school: Issuer, folder: Path) -> None:
    good = put(folder, "good.json", school.signed(issued(school, name="=cmd|' /C calc'!A0")))
    forged = put(folder, "forged.json", {**school.signed(issued(school)), "name": "x"})
    nothing = put(folder, "nothing.json", {"a": 1})
    missing = folder / "missing.json"
    files = (good, forged, nothing, missing)
    said = town.run("check", *files, code=1).stdout
    assert "1 of 2 credentials accepted; 2 files could not be read." in said
    assert said.splitlines()[-1] == "What to do about one of them:  accredit check FILE"
    rows = list(csv.DictReader(io.StringIO(town.run("check", *files, "--csv", code=1).stdout)))
    assert [row["verdict"] for row in rows] == ["accepted", "not_accepted", "unreadable", "unreadable"]
    assert rows[0]["name"].startswith("'=cmd"), "a spreadsheet must not run it"
    found = town.json("check", *files, code=1)["files"]
    assert [file["error"] and file["error"]["code"] for file in found] == [None, None, "no_credential", "no_such_file"]
    assert town.run("check", good, nothing, code=3)


WRONG: dict[str, tuple[Sequence[str], int, str]] = {
    "no file": (("missing.json",), 3, "There is no file"),
    "a folder": ((".",), 3, "accredit check ./*"),
    "a status list": (("list.json",), 3, "--status-list list.json"),
    "no credential": (("nothing.json",), 3, "no verifiable credential"),
    "Open Badges 2.0": (("ob2.json",), 3, "Open Badges 2.0"),
    "a snapshot without a policy": (("nothing.json", "--snapshot", "x"), 3, "--policy"),
    "a private question without a policy": (("nothing.json", "--private"), 3, "--policy"),
    "no status list": (("nothing.json", "--status-list", "missing"), 3, "There is no file"),
    "no contexts": (("nothing.json", "--contexts", "."), 3, "index.json"),
    "an address without TLS": (("http://127.0.0.1:9/badge.json",), 3, "https"),
    "no such audience": (("nothing.json", "--audience", "parent"), 2, "admissions"),
    "nothing at all": ((), 2, "FILE"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_told_what_to_do(town: Town, folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    words, code, said = WRONG[name]
    put(folder, "nothing.json", {"a": 1})
    put(folder, "list.json", status_list(SCHOOL))
    put(folder, "ob2.json", {"@context": "https://w3id.org/openbadges/v2", "type": "Assertion"})
    monkeypatch.chdir(folder)
    assert said in town.run("check", *words, code=code).stderr


def test_contexts_of_a_folder_are_known_besides(town: Town, folder: Path) -> None:
    own = Issuer.of("own")
    url = "https://words.example/v1"
    document = {**issued(own), "mascot": "owl"}
    document["@context"] = [*document["@context"], url]
    path = put(folder, "badge.json", own.token(document).encode())
    asked = town.json("check", path, code=1)["files"][0]["credentials"][0]
    assert (asked["verdict"], asked["cause"]) == ("indeterminate", "context_unknown")
    contexts = folder / "contexts"
    contexts.mkdir()
    put(contexts, "index.json", {url: "words.json"})
    put(contexts, "words.json", {"@context": {"mascot": "https://words.example/#mascot"}})
    found = town.json("check", path, "--contexts", contexts, code=1)["files"][0]["credentials"][0]
    assert checks(found)["content"] == "passed"
    put(contexts, "index.json", {url: "../words.json"})
    assert "not the name of a file" in town.run("check", path, "--contexts", contexts, code=3).stderr


@pytest.fixture
def listening() -> Iterator[AnsweringServer]:
    """A node that answers every question with a plain yes, and remembers what it was sent."""

    def reply(asked: Any) -> Reply:
        decision = {
            "authorized": True,
            "verdict": "trusted",
            "reasons": [],
            "issuer": None,
            "accreditations": [],
            "statements": ["00"],
            "chain": [],
        }
        view = {"id": "x", "keys": [{"op": "add", "key": SCHOOL.pinned, "statement": "00"}]}
        return Reply(200, json.dumps(decision if asked.method == "POST" else view).encode())

    with AnsweringServer(reply) as server:
        yield server


def test_the_credential_is_sent_nowhere(town: Town, listening: AnsweringServer, folder: Path) -> None:
    """Whatever is sent is held against the file: nothing of the learner, the text, the proof or the ids in it."""
    secret = ("Ada-Learner", "did:example:ada-learner", "three years of secrets", "0b0cf1a8", "status/1", "proofValue")
    badge = issued(SCHOOL)
    badge["credentialSubject"] |= {"id": secret[1], "identifier": []}
    badge["credentialSubject"]["achievement"]["description"] = secret[2]
    badge["name"] = secret[0]
    signed = SCHOOL.signed(badge | {"credentialStatus": status_entry()})
    held = put(folder, "list.json", SCHOOL.signed(status_list(SCHOOL)))
    path = put(folder, "badge.json", signed)
    found = town.json("check", path, "--status-list", held, nodes=[listening.url])["files"][0]["credentials"][0]
    assert found["verdict"] == "accepted"
    assert all(word in path.read_text() for word in secret[:4])
    sent = [f"{asked.method} {asked.target} {asked.body.decode()}" for asked in listening.asked]
    assert len(sent) == 4, "a question and the issuer's keys, about the credential and about the list"
    for text in sent:
        assert not any(word in text for word in (*secret, signed["proof"]["proofValue"]))
    for question in [json.loads(asked.body) for asked in listening.asked if asked.body]:
        assert set(question) == {"issuer", "achievement_types", "credential_types", "issued_on", "key"}
    assert LIST_URL not in "".join(sent)


def test_without_the_optional_packages_it_says_what_to_install(folder: Path) -> None:
    path = put(folder, "badge.json", {"a": 1})
    for missing in ("pyld", "joserfc", "rfc8785"):
        program = f"import sys; sys.modules[{missing!r}] = None; from accredit.cli.main import main; main()"
        ended = subprocess.run([sys.executable, "-c", program, "check", path], capture_output=True, text=True)
        assert ended.returncode == exits.REFUSED, ended.stderr
        assert f"{sys.executable} -m pip install 'accredit[credentials]'" in ended.stderr, (
            "into this Python, not another"
        )
        assert "Traceback" not in ended.stderr


def test_every_finding_has_a_sentence_for_every_reader() -> None:
    used = set()
    codes = ("expired", "not_yet_valid", "revoked", "suspended", "unknown_issuer", "not_signed", "anything")
    for name in (*NAMES, "receipt"):
        for end in CheckOutcome:
            for code in codes:
                check = CredentialCheck(name=name, outcome=end, code=code, text="x")
                verdict = {
                    CheckOutcome.PASSED: CredentialVerdict.ACCEPTED,
                    CheckOutcome.FAILED: CredentialVerdict.NOT_ACCEPTED,
                    CheckOutcome.NOT_DONE: CredentialVerdict.INDETERMINATE,
                }[end]
                found = CheckedCredential(place="", verdict=verdict, checks=(check,), decision=None, question=None)
                used.add(finding_of(check, verdict))
                for audience in Audience:
                    assert sentence_for(found, audience).endswith(".")
    assert used == set(SENTENCES)
    assert all(len(three) == len(Audience) for three in SENTENCES.values())
