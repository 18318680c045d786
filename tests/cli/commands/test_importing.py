"""Bulk import through a real consortium: nothing half-said, nothing said twice, every row accounted for.

The town is shared with other tests, so every issuer and framework here has a name of its own.
"""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from accredit.cli.signing.workflow import Desk, Say, Wishes
from accredit.node.clients.node_client import NodeClient
from tests.cli.town import AGENCY, COUNCIL, Town, make_key
from tests.shared_data import REPOSITORY, shared_data

GRANT = REPOSITORY / "examples" / "grant.toml"
EXAMPLES = REPOSITORY / "examples" / "issuers.csv"


def did(name: str) -> str:
    return f"did:web:{name}.import.example"


def write_list(town: Town, file: str, *names: str, **entry: str) -> Path:
    """A list in the DCC's form of issuers with these names."""
    registry = {did(name): {"name": name.title(), "url": f"https://{name}.example/"} | entry for name in names}
    return town.write(file, json.dumps({"meta": {}, "registry": registry}))


def write_framework(town: Town, file: str, name: str, items: int = 3, **facts: str) -> Path:
    base = f"https://frameworks.import.example/{name}"
    facts = {"id": base, "title": name.title(), "version": "1", "format": "csv"} | facts
    listed = [{"id": f"{base}/{number}", "statement": "x" * 1_900} for number in range(items)]
    return town.write(file, json.dumps(facts | {"items": listed}))


@pytest.fixture(scope="module")
def third(town: Town) -> str:
    """Another key of the council: other tests cut its founding ones off."""
    path = make_key(town.folder, "council-import", COUNCIL)
    entry = town.folder / "council-import.toml"
    town.run("keys", "export", path, "-o", entry)
    added = town.json("keys", "add", entry, "--budget", "50", key="council-1")["statements"][0]
    town.run("approve", added["id"], key="council-2")
    return "council-import"


def last_line(text: str) -> str:
    return text.strip().splitlines()[-1]


def results(answer: Any) -> list[str]:
    return [row["result"] for row in answer["rows"]]


@pytest.fixture(scope="module")
def delegate(town: Town) -> str:
    """The key of a delegate of the agency that may register issuers of the United States, and do nothing else."""
    authority = "did:web:delegate.import.example"
    make_key(town.folder, "delegate", authority)
    town.run("keys", "export", town.key("delegate"), "-o", town.folder / "delegate.toml", "--budget", 100)
    entry = (town.folder / "delegate.toml").read_text().split("[key]")[1]
    delegation = f"""
delegate = "{authority}"
name = "Delegate"
constituency = "education"
actions = ["issuer.*"]
threshold = 1
valid_from = 2020-01-01
[limits]
jurisdictions = ["US"]
[[keys]]{entry}"""
    town.run("authority", "delegate", town.write("delegation.toml", delegation), key="agency")
    return "delegate"


# ------------------------------------------------------------------------------------------------ issuers


def test_without_a_grant_the_last_word_is_that_nobody_is_accredited(town: Town) -> None:
    path = write_list(town, "plain.json", "plain")
    result = town.run("issuer", "import", path, key="agency")
    assert last_line(result.stdout).startswith("Nobody is accredited yet")
    shown = town.json("issuer", "show", did("plain"))
    assert (shown["name"], shown["accreditations"]) == ("Plain", [])


def test_with_a_grant_each_issuer_is_registered_and_accredited_in_one_go(town: Town) -> None:
    path = write_list(town, "both.json", "both-a", "both-b")
    answer = town.json("issuer", "import", path, "--grant", GRANT, key="agency")
    assert answer["counts"] == {"effective": 2}
    assert [one["kind"] for one in answer["statements"]] == ["issuer.register", "accreditation.grant"] * 2
    for name in ("both-a", "both-b"):
        (line,) = town.json("issuer", "show", did(name))["accreditations"]
        assert (line["by"], line["status"]) == (AGENCY, "active")


def test_importing_again_says_nothing_twice(town: Town) -> None:
    path = write_list(town, "again.json", "again")
    town.run("issuer", "import", path, key="agency")
    assert results(town.json("issuer", "import", path, key="agency")) == ["known"]
    granted = town.json("issuer", "import", path, "--grant", GRANT, key="agency")
    assert [one["kind"] for one in granted["statements"]] == ["accreditation.grant"]
    repeated = town.json("issuer", "import", path, "--grant", GRANT, key="agency")
    assert (results(repeated), repeated["statements"]) == (["known"], [])
    codes = [finding["code"] for finding in repeated["rows"][0]["findings"]]
    assert codes == ["registered_already", "accredited_already"]


def test_an_import_does_not_grant_again_what_was_withdrawn(town: Town) -> None:
    path = write_list(town, "withdrawn.json", "withdrawn")
    granted = town.json("issuer", "import", path, "--grant", GRANT, key="agency")
    id = granted["statements"][1]["id"]
    town.run("accreditation", "withdraw", id, "--code", "voluntary", key="agency")
    again = town.json("issuer", "import", path, "--grant", GRANT, key="agency")
    assert again["statements"] == []
    assert "withdrawn_voluntary" in again["rows"][0]["findings"][1]["text"]


def test_other_facts_than_those_registered_are_left_to_a_person(town: Town) -> None:
    town.run("issuer", "import", write_list(town, "first.json", "moved", location="Munich, Germany"), key="agency")
    sparser = town.json("issuer", "import", write_list(town, "sparser.json", "moved"), key="agency")
    assert results(sparser) == ["known"]
    path = write_list(town, "second.json", "moved", location="Lyon, France")
    result = town.run("issuer", "import", path, "--grant", GRANT, key="agency", code=1)
    assert "with a different location, jurisdictions" in result.stdout
    assert "accredit issuer update" in result.stdout
    assert town.json("issuer", "show", did("moved"))["accreditations"] == []


def test_what_another_authority_states_is_no_reason_not_to_state_it(town: Town) -> None:
    path = write_list(town, "shared.json", "shared")
    town.run("issuer", "import", path, key="agency")
    assert results(town.json("issuer", "import", path, key="charity")) == ["effective"]


def test_an_id_that_is_another_name_of_an_issuer_is_not_registered_beside_it(town: Town) -> None:
    text = f'[[issuers]]\nid = "{did("alias-main")}"\nname = "Main"\nalso_known_as = ["{did("alias-other")}"]\n'
    town.run("issuer", "import", town.write("main.toml", text), key="agency")
    path = write_list(town, "other.json", "alias-other")
    answer = json.loads(town.run("issuer", "import", path, "--json", key="agency", code=1).stdout)
    assert answer["rows"][0]["findings"][0]["code"] == "known_as"


def test_proposals_that_wait_are_approved_from_the_report_and_not_proposed_again(town: Town) -> None:
    path, report = write_list(town, "wait.json", "wait-a", "wait-b"), town.folder / "wait.csv"
    result = town.run("issuer", "import", path, "--grant", GRANT, "--report", report, key="council-1")
    assert last_line(result.stdout).endswith(f"accredit approve --from {report}")
    with report.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["result"], len(row["statements"].split())) for row in rows] == [("waiting", 2)] * 2
    again = town.json("issuer", "import", path, "--grant", GRANT, key="council-1")
    assert results(again) == ["waiting"] * 2
    assert [one["id"] for one in again["statements"]] == [id for row in rows for id in row["statements"].split()]
    for statement in again["statements"]:
        town.settle(statement["id"])
    town.run("approve", "--from", report, "--yes", key="council-2", nodes=town.urls[::-1])
    assert (
        results(town.json("issuer", "import", path, "--grant", GRANT, key="council-1", nodes=town.urls[::-1]))
        == ["known"] * 2
    )


def test_half_of_a_row_that_waits_is_completed_and_not_repeated(town: Town) -> None:
    path = write_list(town, "half.json", "half")
    first = town.json("issuer", "import", path, key="council-1")
    second = town.json("issuer", "import", path, "--grant", GRANT, key="council-1")
    assert [one["kind"] for one in second["statements"]] == ["issuer.register", "accreditation.grant"]
    assert second["statements"][0]["id"] == first["statements"][0]["id"]
    assert second["rows"][0]["statements"] == [one["id"] for one in second["statements"]]


def test_rows_beyond_the_limits_of_a_delegate_are_reported_and_the_others_go_on(town: Town, delegate: str) -> None:
    rows = f'{did("inside")},Inside,"Boston, MA, USA"\n{did("outside")},Outside,"Munich, Germany"\n'
    path = town.write("limits.csv", f"id,name,location\n{rows}")
    foreseen = town.json("issuer", "import", path, "--dry-run", key=delegate, code=1)
    assert results(foreseen) == ["would_be_effective", "refused"]
    said = town.json("issuer", "import", path, key=delegate)
    assert results(said) == ["effective", "refused"]
    finding = said["rows"][1]["findings"][0]
    assert finding["code"] == "no_effect"
    assert "jurisdictions DE" in finding["text"]
    assert [one["sub"] for one in said["statements"]] == [did("inside")]


def test_a_dry_run_signs_nothing_and_its_report_names_no_statements(town: Town) -> None:
    path, report = write_list(town, "dry.json", "dry"), town.folder / "dry.report.json"
    result = town.run("issuer", "import", path, "--grant", GRANT, "--dry-run", "--report", report, key="council-1")
    assert "This was a dry run: nothing was signed." in result.stdout
    written = json.loads(report.read_text())
    assert (written["statements"], written["counts"]) == ([], {"would_wait": 1})
    assert town.run("issuer", "show", did("dry"), code=3).exit_code == 3


def test_offline_the_rows_are_in_the_request_file(town: Town) -> None:
    path, request = write_list(town, "offline.json", "offline"), town.folder / "offline.request"
    result = town.run("issuer", "import", path, "--offline", request, key="agency")
    assert "in the request file" in result.stdout
    assert "accredit sign" in result.stdout
    assert "Nobody is accredited yet" in last_line(result.stdout)
    signed = town.folder / "offline.signed"
    town.run("sign", request, "-o", signed, "--yes", key="agency")
    town.run("submit", signed)
    assert town.json("issuer", "show", did("offline"))["name"] == "Offline"


def test_a_report_that_cannot_be_written_is_found_before_anything_is_said(town: Town) -> None:
    path = write_list(town, "report.json", "report")
    taken = town.write("taken.csv", "")
    town.run("issuer", "import", path, "--report", taken, key="agency", code=6)
    town.run("issuer", "import", path, "--report", town.folder / "nowhere" / "r.csv", key="agency", code=6)
    town.run("issuer", "show", did("report"), code=3)


def test_one_file_that_cannot_be_read_stops_the_import_before_anything_is_said(town: Town) -> None:
    good = write_list(town, "good.json", "unsaid")
    result = town.run("issuer", "import", good, town.write("bad.json", "{"), key="agency", code=3)
    assert "bad.json: not JSON" in result.stderr
    town.run("issuer", "show", did("unsaid"), code=3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('issuer = "did:web:a.example"\n' + GRANT.read_text(), "Remove its line issuer"),
        (GRANT.read_text().replace('frameworks = "none"', ""), "says nothing about frameworks"),
        (GRANT.read_text().replace('"accredit"', '"acredit"'), "Did you mean accredit?"),
        ("x = ", "not TOML"),
    ],
)
def test_a_grant_file_with_a_mistake_stops_the_import(town: Town, text: str, message: str) -> None:
    path = write_list(town, "ungranted.json", "ungranted")
    result = town.run("issuer", "import", path, "--grant", town.write("bad-grant.toml", text), key="agency", code=3)
    assert message in result.stderr
    town.run("issuer", "show", did("ungranted"), code=3)


def test_rows_to_be_looked_at_are_shown_whole_and_end_in_failure_if_nothing_else_is_left(town: Town) -> None:
    text = json.dumps({"registry": {did("space") + " ": {"name": "Space"}}})
    result = town.run("issuer", "import", town.write("space.json", text), key="agency", code=1)
    assert f"'{did('space')} ' begins or ends with white space." in result.stdout
    assert "-> Remove the white space. Correct the id in the list and import it again." in result.stdout
    assert "1 row: 1 to be checked." in result.stdout


def test_a_hostile_name_cannot_move_the_cursor_or_become_a_formula(town: Town) -> None:
    path = town.write("hostile.json", json.dumps({"registry": {did("hostile"): {"name": "=cmd|'x'!A1\u202e"}}}))
    report = town.folder / "hostile.csv"
    result = town.run("issuer", "import", path, "--dry-run", "--report", report, key="agency", code=1)
    assert "\u202e" not in result.stdout
    assert "'=cmd" in report.read_text()


def test_the_published_lists_go_in_as_they_are(town: Town) -> None:
    paths = [path for path in sorted(shared_data("dcc").iterdir()) if "known" not in path.name]
    answer = town.json(
        "issuer", "import", *paths, "--grant", GRANT, "--without-trials", "--dry-run", key="charity", code=1
    )
    assert set(answer["counts"]) == {"would_be_effective", "same", "left_out", "refused"}
    assert answer["counts"]["would_be_effective"] > 30
    assert not [
        row["name"] for row in answer["rows"] if "Test" in row["name"] and row["result"] == "would_be_effective"
    ]


def test_our_example_list_is_registered_and_accredited(town: Town) -> None:
    result = town.run("issuer", "import", EXAMPLES, "--grant", GRANT, key="charity")
    assert "25 rows: 25 in effect." in result.stdout
    asked = ("did:web:c21u.gatech.edu", "--for", "BachelorDegree", "--on", "2016-05-20")
    decided = town.json("query", *asked, nodes=town.urls[:1])
    assert decided["verdict"] in ("trusted", "trusted_with_advisory")


# ------------------------------------------------------------------------------------------------ frameworks


def test_a_framework_in_several_parts_is_complete_and_said_once(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_framework(town, "parts.json", "parts", items=20)
    answer = town.json("framework", "import", path, key="agency")
    assert [one["kind"] for one in answer["statements"]] == ["framework.publish"] + ["framework.items"] * 3
    (stated,) = town.json("framework", "show", answer["framework"]["id"])["stated"]
    assert (stated["complete"], stated["item_count"]) == (True, 20)
    id_ = answer["framework"]["id"]
    listed = town.json("framework", "show", id_)
    assert ([one["id"] for one in listed["items"]], listed["more"]) == ([f"{id_}/{each}" for each in range(20)], False)
    few = town.json("framework", "show", id_, "--limit", 3)
    assert ([one["id"] for one in few["items"]], few["more"]) == ([f"{id_}/{each}" for each in range(3)], True)
    assert "The first 3; there are more" in town.run("framework", "show", id_, "--limit", 3).stdout
    assert [one["id"] for one in town.json("framework", "show", id_, "--find", f"{id_}/17")["items"]] == [f"{id_}/17"]
    with monkeypatch.context() as patched:  # a node of an older version has no such route
        patched.setattr(NodeClient, "framework_items", lambda self, _, **__: self._get("/v1/framework/nothing"))
        assert "20, complete" in town.run("framework", "show", id_).stdout
    assert "No competency in it contains 'weld'." in town.run("framework", "show", id_, "--find", "weld").stdout
    again = town.run("framework", "import", path, key="agency")
    assert "Nothing to do" in last_line(again.stdout)


def test_a_new_version_supersedes_the_one_before(town: Town) -> None:
    old = town.json("framework", "import", write_framework(town, "v1.json", "versions"), key="agency")
    new = town.json("framework", "import", write_framework(town, "v2.json", "versions", version="2"), key="agency")
    stated = town.json("framework", "show", new["framework"]["id"])["stated"]
    superseded = {one["version"]: one.get("supersedes") for one in stated}
    assert superseded == {"1": None, "2": old["statements"][0]["id"]}


def test_skos_becomes_a_framework_and_its_matches_a_mapping(town: Town) -> None:
    base = "https://skos.import.example/"
    path = town.write(
        "skills.ttl",
        f"""@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
        <{base}> a skos:ConceptScheme ; skos:prefLabel "Skills"@en ; skos:hasTopConcept <{base}a> .
        <{base}a> a skos:Concept ; skos:prefLabel "Add"@en ; skos:exactMatch <https://other.import.example/add> .
        """,
    )
    answer = town.json("framework", "import", path, "--version", 1, key="agency")
    assert answer["framework"]["format"] == "skos"
    (stated,) = town.json("framework", "show", base)["stated"]
    assert (stated["complete"], stated["item_count"]) == (True, 1)
    target = ("--target", "https://other.import.example/", "--id", f"{base}matches")
    assert town.json("mapping", "import", path, *target, key="agency")["links"] == 1
    cut = town.write("cut.ttl", path.read_text()[:-20])
    for command in (("framework", "import", cut), ("mapping", "import", cut, *target)):
        assert "cut.ttl: not Turtle" in town.run(*command, key="agency", code=3).stderr


def test_a_framework_that_waits_is_one_thing_in_an_inbox_and_takes_one_vote(town: Town) -> None:
    path = write_framework(town, "slow.json", "slow", items=20)
    result = town.run("framework", "import", path, key="council-1")
    waiting = town.json("inbox", "--by", COUNCIL, "--issuer", "https://frameworks.import.example/slow", "--all")
    (publish,) = (one["id"] for one in waiting["proposals"] if one["kind"] == "framework.publish")
    parts = [one["id"] for one in waiting["proposals"] if one["kind"] == "framework.items"]
    assert len(parts) == 3
    assert f"accredit approve {publish[:12]}" in last_line(result.stdout)
    assert [one["id"] for one in town.json("framework", "import", path, key="council-1")["statements"]] == [publish]
    assert f"accredit approve {publish[:12]}" in last_line(
        town.run("framework", "import", path, key="council-1").stdout
    )

    listed = town.run("inbox", "--issuer", "https://frameworks.import.example/slow", key="council-2").stdout
    assert "3 parts with 20 items." in " ".join(listed.split())
    assert parts[0][:12] not in listed
    for one in (publish, parts[1]):
        shown = town.run("show", one).stdout
        assert "Waits as one thing: 3 parts with 20 items." in shown
        assert f"accredit approve {publish[:12]}" in shown

    voted = town.json("approve", parts[1][:12], key="council-2")
    voted_on = [row["id"] for row in voted["proposals"]]
    assert (voted_on[0], set(voted_on[1:])) == (publish, set(parts)), "any part stands for the whole"
    assert {row["state"] for row in voted["proposals"]} == {"effective"}
    (told,) = voted["overview"]["frameworks"]
    assert (told["parts"], told["items"], told["is_whole"]) == (3, 20, True)
    (stated,) = town.json("framework", "show", "https://frameworks.import.example/slow")["stated"]
    assert (stated["complete"], stated["by"]) == (True, COUNCIL)
    assert town.json("framework", "import", path, key="council-1")["statements"] == []


def test_a_framework_is_voted_on_offline_and_the_paper_says_what_is_in_it(town: Town, third: str) -> None:
    path, request = write_framework(town, "paper.json", "paper", items=20), town.folder / "paper.request"
    said = [one["id"] for one in town.json("framework", "import", path, key="council-1")["statements"]]
    town.run("approve", said[0], "--offline", request, key=third)
    signed = town.folder / "paper.signed"
    shown = town.run("sign", request, "-o", signed, "--yes", key=third).stdout
    assert "The framework Paper 1 (https://frameworks.import.example/paper): 20 items in " in shown
    assert ", all that it commits to: xxx" in shown
    assert "Part 0 of the framework" not in shown
    town.run("submit", signed)
    (stated,) = town.json("framework", "show", "https://frameworks.import.example/paper")["stated"]
    assert stated["complete"] is True


def test_a_part_slipped_in_beside_a_framework_is_never_offered_with_it(town: Town, third: str) -> None:
    """Somebody with a key of the same body adds a part of his own: it waits, and no vote on the framework names it."""
    path = write_framework(town, "slip.json", "slip")
    publish, part = (one["id"] for one in town.json("framework", "import", path, key="council-1")["statements"])
    base = "https://frameworks.import.example/slip"
    body = {"framework": base, "publish": bytes.fromhex(publish), "part": 0}
    wishes = Wishes(
        key=town.key(third),
        passphrase_file=town.folder / "passphrase",
        authority=None,
        offline=None,
        dry_run=False,
        force=False,
    )
    with Desk(tuple(town.urls), wishes) as desk:
        items = [{"id": f"{base}/more", "statement": "Something else."}]
        (slipped,) = desk.propose([Say(kind="framework.items", sub=base, body={**body, "items": items})], show=False)
    assert slipped.state == "waiting"
    town.settle(slipped.id.hex())

    assert "these are not exactly" not in town.run("show", publish).stdout, "a part said twice over harms nobody"
    refused = town.run("approve", slipped.id.hex(), "--dry-run", key="council-2")
    assert "does without this part" in refused.stderr
    voted = town.json("approve", publish, key="council-2")
    assert [row["id"] for row in voted["proposals"]] == [publish, part]
    (stated,) = town.json("framework", "show", base)["stated"]
    assert stated["complete"] is True
    alone = town.run("reject", slipped.id.hex(), key="council-2", code=3)
    assert "does without this part" in alone.stderr


def test_missing_parts_of_a_framework_are_brought_without_publishing_it_again(town: Town) -> None:
    path, report = write_framework(town, "gap.json", "gap", items=12), town.folder / "gap.report.json"
    town.run("framework", "import", path, "--report", report, key="council-1")
    publish, first, *others = (one["id"] for one in json.loads(report.read_text())["statements"])
    exactly = town.write("gap.txt", f"{publish}\n{first}\n")
    voted = town.json("approve", "--from", exactly, key="council-2")
    assert [row["id"] for row in voted["proposals"]] == [publish, first], "a report stands for exactly what it lists"
    again = town.json("framework", "import", path, key="council-1")
    assert {one["kind"] for one in again["statements"]} == {"framework.items"}
    assert first not in [one["id"] for one in again["statements"]]
    listed = town.run("inbox", "--issuer", "https://frameworks.import.example/gap", key="council-2").stdout
    assert f"Of the framework https://frameworks.import.example/gap: {len(others)} part" in " ".join(listed.split())
    voted = town.json("approve", others[-1][:12], key="council-2")
    assert [row["id"] for row in voted["proposals"]] == others, "also where the framework and one part are in effect"
    (stated,) = town.json("framework", "show", "https://frameworks.import.example/gap")["stated"]
    assert stated["complete"] is True


def test_of_a_framework_of_which_parts_are_missing_only_what_is_named_is_decided(town: Town) -> None:
    path = write_framework(town, "torn.json", "torn", items=20)
    said = [one["id"] for one in town.json("framework", "import", path, key="council-1")["statements"]]
    town.json("retract", "--from", town.write("torn.txt", said[2]), key="council-1")
    shown = town.run("show", said[0]).stdout
    assert "these are not exactly all that it commits to" in shown
    told = town.run("reject", said[1][:12], key="council-2")
    assert "not all parts are here yet" in told.stderr
    assert "1 still waiting" in told.stdout
    town.run("retract", "--from", town.write("torn.txt", "\n".join(said)), key="council-1")


def test_a_dry_run_of_a_framework_signs_nothing(town: Town) -> None:
    result = town.run("framework", "import", write_framework(town, "dryf.json", "dry"), "--dry-run", key="agency")
    assert "It would take 2 statements." in last_line(result.stdout)
    town.run("framework", "show", "https://frameworks.import.example/dry", code=3)


def test_a_framework_outside_a_delegates_actions_is_refused_before_signing(town: Town, delegate: str) -> None:
    path = write_framework(town, "foreign.json", "foreign")
    result = town.run("framework", "import", path, key=delegate, code=3)
    assert "Nothing was signed" in result.stderr


def test_a_framework_goes_into_a_request_file_and_never_over_another(town: Town) -> None:
    path, request = write_framework(town, "off.json", "off"), town.folder / "framework.request"
    town.run("framework", "import", path, "--offline", request, key="agency")
    assert request.exists()
    town.run("framework", "import", path, "--offline", request, key="agency", code=6)


def test_a_published_framework_goes_in_as_it_is_and_what_was_not_taken_is_said(town: Town) -> None:
    path = shared_data("frameworks", "ctdl-asn", "onet-cross-functional-skills.json")
    result = town.run("framework", "import", path, key="agency")
    assert "30 of 30" in result.stdout
    assert "Not imported: dateCreated (30 times)." in result.stdout
    uri = "https://www.onetcenter.org/ctdlasn/resources/ce-07c264d7-9119-11e8-b852-782bcb5df6ac"
    assert town.json("framework", "show", uri)["stated"][0]["complete"] is True


def test_our_example_framework_is_published(town: Town) -> None:
    path = REPOSITORY / "examples" / "frameworks" / "onet-basic-skills.toml"
    answer = town.json("framework", "import", path, key="charity")
    assert (answer["items_read"], answer["framework"]["item_count"], answer["findings"]) == (12, 12, [])


def test_a_row_that_looks_like_a_registered_issuer_is_remarked_on_in_the_dry_run_and_in_the_report(town: Town) -> None:
    known, other = "did:web:looks-alike.example%3A8443", "did:web:looks-alike.example:8443"
    town.run("issuer", "propose", "--id", known, "--name", "Looks", key="charity")
    path = town.write("looks.csv", f"id,name\n{other},Looks\ndid:web:looks-other.example,Other\n")
    rows = town.json("issuer", "import", path, "--dry-run", key="charity")["rows"]
    assert [row["result"] for row in rows] == ["would_be_effective", "would_be_effective"]
    (found,) = [finding for finding in rows[0]["findings"] if finding["code"] == "looks_like_another"]
    assert known in found["text"]
    assert rows[1]["findings"] == []
    report = town.folder / "looks.report.json"
    town.run("issuer", "import", path, "--report", report, key="charity")
    signed = json.loads(report.read_text("utf-8"))["rows"]
    assert [row["result"] for row in signed] == ["effective", "effective"]
    assert [row["findings"] for row in signed] == [row["findings"] for row in rows]


def test_a_name_that_a_registered_issuer_has_is_remarked_on_in_a_list_too(town: Town) -> None:
    taken = "did:web:list-namesake.example"
    town.run("issuer", "propose", "--id", taken, "--name", "List Namesake", key="charity")
    rows = "did:web:list-two.example,list  NAMESAKE\ndid:web:list-other.example,Nobody Else Has This\n"
    path = town.write("namesakes.csv", f"id,name\n{rows}")
    one = town.write("namesake.csv", f"id,name\n{rows.splitlines()[0]}\n")
    for words in ((one, "--dry-run"), (path, "--dry-run"), (path,)):
        first, *others = town.json("issuer", "import", *words, key="charity")["rows"]
        (found,) = [finding for finding in first["findings"] if finding["code"] == "name_taken"]
        assert taken in found["text"]
        assert [row["findings"] for row in others] in ([], [[]])
    again = town.json("issuer", "import", path, key="charity")["rows"]
    assert [row["result"] for row in again] == ["known", "known"], "it is not its own namesake"


def test_a_name_that_another_issuer_has_is_remarked_on_before_it_is_signed(town: Town) -> None:
    town.run("issuer", "propose", "--id", "did:web:namesake.example", "--name", "Namesake College", key="charity")
    words = ("issuer", "propose", "--id", "did:web:namesake-two.example", "--name", "Namesake College", "--dry-run")
    told = town.run(*words, key="charity").stderr
    assert "Namesake College is the name of did:web:namesake.example too." in told
