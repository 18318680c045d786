"""Governing from the command line, against running nodes: proposing, approving, narrowing, keys, offline signing."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from accredit.cli.signing.keys import unsent_path
from accredit.node.clients.node_client import NodeClient
from accredit.node.files.key_files import SealedKey
from accredit.registry.encoding.ed25519 import key_id
from accredit.registry.errors import RemoteError, UnansweredError
from tests.cli.town import AGENCY, CHARITY, COUNCIL, Town, make_key


@pytest.fixture(scope="module")
def grant_file(town: Town) -> Path:
    return town.write("grant.toml", town.run("accreditation", "template").stdout)


def accredited(town: Town, grant_file: Path, issuer: str, *, key: str = "charity") -> str:
    """Registers and accredits an issuer by an authority of one key; the accreditation's id."""
    town.run("issuer", "propose", "--id", issuer, "--name", f"Name of {issuer}", key=key)
    said = town.json("accreditation", "propose", grant_file, "--issuer", issuer, key=key)["statements"][-1]
    assert said["state"] == "effective"
    return str(said["id"])


def verdict(town: Town, issuer: str, *more: object, nodes: list[str] | None = None) -> str:
    nodes = nodes or town.urls[:1]
    return str(town.json("query", issuer, "--for", "BachelorDegree", *more, code=None, nodes=nodes)["verdict"])


def test_a_registration_takes_effect_and_says_that_nobody_is_accredited_yet(town: Town) -> None:
    result = town.run("issuer", "propose", "--id", "did:web:reg.example", "--name", "Reg", key="agency")
    assert "issuer.register about Reg: in effect" in result.stdout
    assert "Registering an issuer does not accredit it" in result.stderr
    shown = town.run("issuer", "show", "did:web:reg.example").stdout
    assert "It has no accreditation." in shown
    assert f"stated by {AGENCY}" in shown
    assert "did:web:reg.example" in town.run("issuer", "list", "--name", "Reg").stdout
    assert "did:web:reg.example" in town.run("issuer", "list", "--name", "WEB:reg.exam").stdout, "by its id too"
    update = town.json("issuer", "update", "--id", "did:web:reg.example", "--name", "Reg 2", key="agency")
    assert update["statements"][0]["state"] == "effective"
    assert town.json("issuer", "show", "did:web:reg.example")["name"] == "Reg 2"
    refused = town.run("issuer", "update", "--id", "did:web:reg.example", "--name", "X", key="charity", code=3)
    assert "has not registered" in refused.stderr


def test_an_issuer_is_proposed_from_a_file_or_standard_input_and_options_win(town: Town) -> None:
    text = 'id = "did:web:file.example"\nname = "From a file"\ncategories = ["bootcamp"]\n'
    words = ("--name", "From an option", "--jurisdiction", "US-IN", "--category", "military")
    town.run("issuer", "propose", "-", *words, key="agency", nodes=town.urls[:1], input=text)
    record = town.json("issuer", "show", "did:web:file.example", nodes=town.urls[:1])
    assert record["name"] == "From an option"
    assert record["stated"][0]["facts"]["categories"] == ["military"]
    listed = town.run("issuer", "list", "--jurisdiction", "US", "--category", "military", nodes=town.urls[:1]).stdout
    assert "did:web:file.example" in listed
    assert "The first 1; there are more" in town.run("issuer", "list", "--limit", 1, nodes=town.urls[:1]).stdout
    assert "Give a FILE, or at least" in town.run("issuer", "propose", "--name", "x", key="agency", code=2).stderr
    unheard_of = town.run("issuer", "list", "--name", "Nobody", nodes=town.urls[:1]).stdout
    assert "No issuer matches." in unheard_of
    assert "accredit issuer show ID" in unheard_of
    typo = town.run("issuer", "list", "--category", "bootcmp", nodes=town.urls[:1], code=3).stderr
    assert "Did you mean bootcamp?" in typo
    assert (
        "is not an authority of this ecosystem"
        in town.run("authority", "show", "did:web:nobody.example", code=3).stderr
    )


def test_a_scope_that_leaves_an_axis_unsaid_is_refused_before_anything_is_signed(town: Town, grant_file: Path) -> None:
    table = tomllib.loads(grant_file.read_text())
    for change, says in (("del", "says nothing about levels"), ("none", "empty"), ("typo", "Did you mean Degree?")):
        scope = dict(table["scope"])
        if change == "del":
            del scope["levels"]
        elif change == "none":
            scope = dict.fromkeys(scope, "none")
        else:
            scope["achievement_types"] = ["Degre"]
        path = town.write("bad.json", json.dumps({**table, "valid_from": "2026-01-01", "scope": scope}))
        result = town.run("accreditation", "propose", path, key="charity", code=3)
        assert says in result.stderr or says in result.stderr.replace("grants nothing", "empty")
        assert str(path) in result.stderr


def test_two_people_at_different_nodes_approve_and_the_issuer_is_trusted(town: Town, grant_file: Path) -> None:
    issuer = "did:web:two.example"
    town.run("issuer", "propose", "--id", issuer, "--name", "Two", key="charity")
    said = town.run("accreditation", "propose", grant_file, "--issuer", issuer, key="council-1", nodes=town.urls[:1])
    assert f"{issuer} may issue BachelorDegree and MasterDegree" in said.stdout
    assert "nothing is granted for single competencies and frameworks" in said.stdout
    assert "waits for votes" in said.stdout
    waiting = town.json("inbox", key="council-2", nodes=town.urls[:1])["proposals"]
    proposal = next(one for one in waiting if one["sub"] == issuer)
    assert town.run("inbox", key="council-1", nodes=town.urls[:1]).stdout.count(proposal["id"][:12]) == 0
    assert "1 key, not enough yet" in town.run("inbox", "--all", nodes=town.urls[:1]).stdout
    assert verdict(town, issuer) == "not_trusted"
    words = ("approve", proposal["id"][:8], "--reason", "visited", "--ref", "https://council.example/visit")
    approved = town.run(*words, key="council-2", nodes=town.urls[1:])
    assert "in effect" in approved.stdout.splitlines()[-1]
    vote = town.json("inbox", "--all", nodes=town.urls[1:])
    assert proposal["id"] not in json.dumps(vote)
    assert verdict(town, issuer, "--jurisdiction", "US-IN", nodes=town.urls[1:]) == "trusted"
    again = town.run("approve", proposal["id"], key="council-3", nodes=town.urls[1:], code=3)
    assert "already in effect" in again.stderr
    assert "None of these proposals waits for your vote" in again.stderr


def test_a_rejection_is_a_vote_too_and_ids_must_be_clear(town: Town, grant_file: Path) -> None:
    issuer = "did:web:rejected.example"
    one = town.urls[:1]
    said = town.json("accreditation", "propose", grant_file, "--issuer", issuer, key="council-1", nodes=one)
    id_ = said["statements"][0]["id"]
    for bad in ("1234567", "zzzzzzzz"):
        assert "8 to 64 hexadecimal digits" in town.run("reject", bad, key="council-2", nodes=one, code=3).stderr
    assert "Give the proposals to vote on" in town.run("reject", key="council-2", nodes=one, code=2).stderr
    for key in ("council-2", "council-3"):
        rejected = town.json("reject", id_[:10], "--reason", "is unknown", key=key, nodes=one)
    assert rejected["proposals"][0]["state"] == "closed", "two of three are against: the third cannot carry it"
    assert id_ not in json.dumps(town.json("inbox", "--all", nodes=one))


def test_a_report_of_many_is_approved_in_one_vote(town: Town, grant_file: Path) -> None:
    one = town.urls[:1]
    issuers = [f"did:web:many{number}.example" for number in range(3)]
    words = [word for issuer in issuers for word in ("--issuer", issuer)]
    said = town.run("accreditation", "propose", grant_file, *words, "--json", key="council-1", nodes=one)
    report = town.write("report.json", said.stdout)
    more = town.run("accreditation", "propose", grant_file, "--issuer", "did:web:more.example", "--json",
                    key="council-1", nodes=one)  # fmt: skip
    second = town.write("second.json", more.stdout)
    voted = town.json("approve", "--from", report, "--from", second, key="council-3", nodes=one)
    assert len(voted["statements"]) == 1
    assert [row["state"] for row in voted["proposals"]] == ["effective"] * 4, "no report of several is left out"
    empty = town.write("empty.csv", "statement\n\n")
    assert (
        "does not name any statements"
        in town.run("approve", "--from", empty, key="council-3", nodes=one, code=3).stderr
    )


def by_both(town: Town, *words: str) -> None:
    """What reaches back: proposed by one authority, approved by another."""
    said = town.json("accreditation", *words, key="charity")["statements"][0]
    assert said["state"] == "waiting", "retroactive revocation takes two authorities"
    town.run("approve", said["id"][:12], key="agency", nodes=town.urls[:1])


def test_suspension_reinstatement_withdrawal_and_fraud_are_answered_as_of_the_day_asked(
    town: Town, grant_file: Path
) -> None:
    issuer = "did:web:events.example"
    id_ = accredited(town, grant_file, issuer)
    assert verdict(town, issuer).startswith("trusted")
    refused = town.run("accreditation", "suspend", id_[:12], key="agency", code=3)
    assert "would not take effect" in refused.stderr
    by_both(town, "suspend", id_[:12], "--from", "2026-03-01", "--reason", "site visit")
    assert verdict(town, issuer) == "suspended"
    shown = town.run("query", issuer, "--for", "BachelorDegree", nodes=town.urls[:1], code=1).stdout
    assert "valid until" not in shown, "a suspension may end at any time"
    assert verdict(town, issuer, "--on", "2026-02-01").startswith("trusted")
    by_both(town, "reinstate", id_[:12], "--from", "2026-04-01")
    assert verdict(town, issuer).startswith("trusted")
    by_both(town, "event", id_[:12], "sanction", "--set", "sanction_level=probation", "--from", "2026-05-01")
    assert verdict(town, issuer) == "trusted_with_advisory"
    by_both(town, "withdraw", id_[:12], "--code", "voluntary", "--from", "2026-06-01")
    assert verdict(town, issuer) == "not_trusted"
    assert verdict(town, issuer, "--on", "2026-02-01") == "trusted_historical"
    shown = town.run("accreditation", "show", id_[:12]).stdout
    assert "withdrawn" in shown
    assert "site visit" in shown
    by_both(town, "revoke", id_[:12], "--void-from", "2026-01-15", "--code", "fraud")
    assert verdict(town, issuer, "--on", "2026-02-01") == "not_trusted"
    wrong = town.run("accreditation", "event", id_[:12], "explode", key="charity", code=3)
    assert "the event: event: expected one of suspend" in wrong.stderr
    assert (
        "not have the form NAME=VALUE"
        in town.run("accreditation", "event", id_, "lift", "--set", "x", key="charity", code=2).stderr
    )


def test_whose_frameworks_count_is_in_the_template_and_in_the_draft_of_a_charter(town: Town, grant_file: Path) -> None:
    named = town.write("named.toml", grant_file.read_text().replace("# publishers", "publishers"))
    words = (
        "accreditation",
        "propose",
        named,
        "--issuer",
        "did:web:named.example",
        "--offline",
        named.with_suffix(".o"),
    )
    town.run(*words, key="charity")
    assert '"did:web:commons.example"' in named.with_suffix(".o").read_text()
    text = (town.folder / "charter.toml").read_text().removeprefix('proposals_lapse = "60d"\n')
    for name, value in (("publishers", [AGENCY]), ("proposals_lapse", "90d"), ("max_backdating", "5y")):
        (line,) = (line for line in text.splitlines() if line.startswith(f"#     {name} = "))
        added = line.removeprefix("#").strip().replace("did:web:uni.example", AGENCY)
        path = town.write("optional.toml", text.replace(line, added))
        assert tomllib.loads(path.read_text())[name] == value
        town.run("charter", "check", path)


def test_new_terms_replace_the_old_ones_and_are_said_back(town: Town, grant_file: Path) -> None:
    issuer = "did:web:amended.example"
    id_ = accredited(town, grant_file, issuer)
    wider = town.write("wider.toml", grant_file.read_text().replace('["US-IN"]', '["US"]'))
    said = town.run("accreditation", "amend", id_[:12], wider, key="charity").stdout
    assert "in US," in said
    assert verdict(town, issuer, "--jurisdiction", "US-OH").startswith("trusted")
    for line, other in (('kind = "accredit"', 'kind = "approve"'), ("# publishers", "publishers")):
        assert line in wider.read_text()
        changed = town.write("changed.toml", wider.read_text().replace(line, other))
        refused = town.run("accreditation", "amend", id_[:12], changed, key="charity", code=3).stderr
        assert "an amendment changes terms only" in refused
    assert issuer in town.run("accreditation", "list", "--issuer", issuer).stdout
    assert issuer in town.run("accreditation", "list").stdout


def test_a_wrong_decision_is_annulled_by_two_authorities(town: Town, grant_file: Path) -> None:
    issuer = "did:web:annulled.example"
    id_ = accredited(town, grant_file, issuer)
    said = town.json("annul", id_[:14], "--code", "administrative_error", "--reason", "mixed up", key="council-1",
                     nodes=town.urls[:1])  # fmt: skip
    annulment = said["statements"][0]["id"]
    for key in ("council-2", "agency"):
        town.run("approve", annulment, key=key, nodes=town.urls[:1])
    assert verdict(town, issuer) == "not_trusted"


def test_what_only_a_dry_run_asked_is_not_said(town: Town, grant_file: Path) -> None:
    words = ("accreditation", "propose", grant_file, "--issuer", "did:web:dry.example", "--dry-run")
    assert "would take effect" in town.run(*words, key="charity").stdout
    assert "would wait for votes" in town.run(*words, key="council-1").stdout
    beyond = town.write("beyond.toml", grant_file.read_text() + "\n[ext]\nx = 1\n")
    assert "would take effect" in town.run("accreditation", "propose", beyond, "--dry-run", key="charity").stdout
    assert town.json("keys", "status", town.key("charity"))["seq"] == SealedKey.load(town.key("charity")).last.seq  # type: ignore[union-attr]


def test_a_delegate_acts_within_its_limits_and_what_lies_outside_is_refused_before_signing(
    town: Town, grant_file: Path
) -> None:
    delegate, issuer = "did:web:deputy.example", "did:web:trained.example"
    make_key(town.folder, "deputy", delegate)
    town.run("keys", "export", town.key("deputy"), "-o", town.folder / "deputy.toml")
    text = town.run("authority", "template").stdout.replace("did:web:agency.example", delegate)
    file = town.write("delegation.toml", text)
    entry = town.folder / "deputy.toml"
    foreign = town.run("authority", "delegate", file, "--keys", town.folder / "agency.toml", key="charity", code=3)
    assert "holds a key of" in foreign.stderr
    made = town.json("authority", "delegate", file, "--keys", entry, key="charity")["statements"][0]
    assert made["state"] == "effective"
    assert "Certificate" in town.run("authority", "show", delegate).stdout
    assert CHARITY in town.run("authority", "list").stdout
    beyond = town.run("accreditation", "propose", grant_file, "--issuer", issuer, key="deputy", code=3)
    assert "exceeds its author's limits" in beyond.stderr
    dry = town.run("accreditation", "propose", grant_file, "--issuer", issuer, "--dry-run", key="deputy", code=1)
    assert "would be ineffective" in dry.stdout
    within = grant_file.read_text().replace('["BachelorDegree", "MasterDegree"]', '["Certificate"]')
    within = within.replace("# valid_until = 2031-01-01", "valid_until = 2028-01-01")
    said = town.json("accreditation", "propose", town.write("within.toml", within), "--issuer", issuer, key="deputy")
    assert said["statements"][0]["state"] == "effective"
    alone = town.run("authority", "withdraw", delegate, key="charity", nodes=town.urls[:1], code=3)
    assert "could leave something out" in alone.stderr
    assert town.json("inbox", "--authority", CHARITY)["mandates_to_close"] == [], "it ends in years"
    ended = town.json("authority", "withdraw", delegate, "--reason", "mandate ended", key="charity")["statements"][0]
    assert ended["state"] == "effective"
    assert "withdrawn" in town.run("authority", "list").stdout
    kept = town.json("query", issuer, "--for", "Certificate", nodes=town.urls[:1])
    assert kept["authorized"], "what the delegate had said stands"
    gone = town.run("issuer", "propose", "--id", issuer, "--name", "x", key="deputy", code=3)
    assert "Nothing was signed" in gone.stderr or "no authority" in gone.stderr


def test_a_key_of_two_mandates_is_asked_under_which_it_speaks(town: Town, grant_file: Path) -> None:
    """Anybody may have named it a second time, and must not decide what it says."""
    delegate, issuer = "did:web:twice.example", "did:web:taught.example"
    make_key(town.folder, "twice", delegate)
    entry = town.folder / "twice.toml"
    town.run("keys", "export", town.key("twice"), "-o", entry)
    file = town.write(
        "twice-by.toml", town.run("authority", "template").stdout.replace("did:web:agency.example", delegate)
    )
    first, second = (
        town.json("authority", "delegate", file, "--keys", entry, key=by)["statements"][0]["id"]
        for by in ("charity", "agency")
    )
    within = grant_file.read_text().replace('["BachelorDegree", "MasterDegree"]', '["Certificate"]')
    within = within.replace("# valid_until = 2031-01-01", "valid_until = 2028-01-01")
    words = ("accreditation", "propose", town.write("taught.toml", within), "--issuer", issuer)
    refused = town.run(*words, key="twice", code=3).stderr
    assert f"{first[:12]} (by {CHARITY})" in refused
    assert second[:12] in refused
    assert "Choose one with --mandate ID" in refused
    assert "No id of a mandate" in town.run(*words, "--mandate", "abcdef0123", key="twice", code=3).stderr
    stranger = town.run(*words, "--mandate", "did:web:stranger.example", key="twice", code=3).stderr
    assert "has given did:web:twice.example no delegation" in stranger
    assert f"accredit authority show {delegate}" in stranger
    named = town.run(*words, "--mandate", "Charity", key="twice", code=3).stderr
    assert "The id of the body that gave it will do" in named
    which = town.run("authority", "withdraw", delegate, key="charity", code=3).stderr
    assert first[:12] in which
    assert f"accredit authority show {delegate}" in which
    by_giver = town.folder / "by-giver.json"
    town.run(*words, "--mandate", CHARITY, "--offline", by_giver, key="twice")
    assert json.loads(by_giver.read_text())["drafts"][0]["reading"]["mandate"] == first
    said = town.json(*words, "--mandate", second[:12], key="twice")["statements"][0]
    assert said["state"] == "effective"
    assert town.json("show", said["id"])["mandate"] == second
    request = town.folder / "taught.json"
    town.run(*words, "--mandate", first, "--offline", request, key="twice")
    assert json.loads(request.read_text())["drafts"][0]["reading"]["mandate"] == first
    town.run("authority", "withdraw", first, key="charity")
    renewed = town.json(*words, key="twice")["statements"][0]
    assert town.json("show", renewed["id"])["mandate"] == second, "the only one that has not ended"


def test_recognition_takes_two_authorities(town: Town) -> None:
    one = town.urls[:1]
    words = ("https://other.example/", "--name", "Other Trust", "--action", "issue", "--until", "2031-01-01")
    said = town.json("recognition", "grant", *words, key="agency", nodes=one)["statements"][0]
    assert said["state"] == "waiting"
    town.run("approve", said["id"], key="charity", nodes=one)
    assert "Other Trust" in town.run("recognition", "list", nodes=one).stdout
    ended = town.json("recognition", "withdraw", said["id"][:12], "--reason", "x", key="agency", nodes=one)[
        "statements"
    ][0]
    town.run("approve", ended["id"], key="charity", nodes=one)
    assert "withdrawn" in town.run("recognition", "list", nodes=one).stdout


def test_a_framework_is_published_in_parts_and_becomes_complete(town: Town) -> None:
    base = "https://skills.example/"
    items = [{"id": f"{base}{n}", "statement": f"Can do {n}. " + "x" * 400, "label": f"Skill {n}"} for n in range(60)]
    table = {"id": base, "title": "Skills", "version": "1", "items": items}
    path = town.write("framework.json", json.dumps(table))
    said = town.json("framework", "publish", path, key="charity")["statements"]
    assert [one["kind"] for one in said][:2] == ["framework.publish", "framework.items"]
    assert len(said) > 2
    assert "complete" in town.run("framework", "show", base).stdout
    assert "Skills" in town.run("framework", "list").stdout
    for bad, says in (
        ([], "has no items"),
        ([{"id": base, "statement": "x" * 3000}], "expected text of 1 to 2000"),
    ):
        path = town.write("bad.json", json.dumps({**table, "items": bad}))
        assert says in town.run("framework", "publish", path, key="charity", code=3).stderr


# ------------------------------------------------------------------------------------------------------------ keys


def test_a_key_is_added_by_as_many_as_make_the_authority_speak_and_then_works(town: Town) -> None:
    one = town.urls[:1]
    make_key(town.folder, "council-4", COUNCIL)
    entry = town.folder / "council-4.toml"
    town.run("keys", "export", town.key("council-4"), "-o", entry)
    unknown = town.run(
        "issuer", "propose", "--id", "did:web:x.example", "--name", "x", key="council-4", nodes=one, code=4
    )
    assert "does not know the key" in unknown.stderr
    said = town.json("keys", "add", entry, "--budget", "50", key="council-1", nodes=one)["statements"][0]
    town.run("approve", said["id"], key="council-2", nodes=one)
    assert town.json("keys", "status", town.key("council-4"), nodes=one)["budget"] == 50
    assert f"{COUNCIL}, by the charter" in town.run("keys", "status", town.key("council-4"), nodes=one).stdout
    retired = town.json("keys", "retire", entry, "--reason", "was a test", key="council-1", nodes=one)["statements"][0]
    town.run("approve", retired["id"], key="council-2", nodes=one)
    cut = town.run("issuer", "propose", "--id", "did:web:x.example", "--name", "x", key="council-4", nodes=one, code=3)
    assert "it was cut off" in cut.stderr


def test_a_stolen_key_is_cut_off_after_its_last_good_statement(town: Town) -> None:
    one = town.urls[:1]
    make_key(town.folder, "charity-2", CHARITY)
    town.run("keys", "export", town.key("charity-2"), "-o", town.folder / "charity-2.toml")
    town.run("keys", "add", town.folder / "charity-2.toml", key="charity", nodes=one)
    ids = [
        town.json("issuer", "propose", "--id", f"did:web:stolen{n}.example", "--name", "x", key="charity-2", nodes=one)
        for n in range(2)
    ]
    good = ids[0]["statements"][0]["id"]
    kid = SealedKey.load(town.key("charity-2")).key.hex()
    asked = town.run("keys", "compromise", kid[:12], key="charity", nodes=one, code=3)
    assert good[:12] in asked.stderr, "its newest statements are shown to choose from"
    assert "--last ID" in asked.stderr
    foreign = town.json("keys", "status", town.key("charity"), nodes=one)["head"]
    wrong = town.run("keys", "compromise", kid[:12], "--last", foreign, key="charity", nodes=one, code=3)
    assert f"{foreign[:12]} is not a statement of the key {kid[:12]}" in wrong.stderr, "all would be void"
    unheard = town.run("keys", "compromise", kid[:12], "--last", "ab" * 32, key="charity", nodes=one, code=3)
    assert "does not hold the statement" in unheard.stderr
    said = town.json(
        "keys", "compromise", kid[:12], "--last", good[:12], "--reason", "laptop", key="charity", nodes=one
    )
    assert said["statements"][0]["state"] == "effective"
    town.run("issuer", "show", "did:web:stolen0.example", nodes=one)
    gone = town.run("issuer", "show", "did:web:stolen1.example", nodes=one, code=3)
    assert "is not in this registry" in gone.stderr


def test_a_key_is_rotated_to_a_new_one_that_speaks_in_its_place(town: Town) -> None:
    one = town.urls[:1]
    make_key(town.folder, "council-5", COUNCIL)
    town.run("keys", "export", town.key("council-5"), "-o", town.folder / "council-5.toml")
    words = (town.folder / "council-5.toml", "--old", town.folder / "council-3.toml", "--budget", "90")
    said = town.json("keys", "rotate", *words, key="council-1", nodes=one)["statements"][0]
    town.run("approve", said["id"], key="council-2", nodes=one)
    assert town.json("keys", "status", town.key("council-3"), nodes=one)["cut"]
    town.run("issuer", "propose", "--id", "did:web:rotated.example", "--name", "x", key="council-5", nodes=one)


def with_successor(town: Town, name: str) -> str:
    """Adds a key to the charity that commits to a successor; its id."""
    one = town.urls[:1]
    make_key(town.folder, name, CHARITY)
    make_key(town.folder, f"{name}-next", CHARITY)
    words = ("--next", town.key(f"{name}-next"), "--budget", "100", "-o", town.folder / f"{name}.toml")
    town.run("keys", "export", town.key(name), *words)
    town.run("keys", "export", town.key(f"{name}-next"), "-o", town.folder / f"{name}-next.toml")
    said = town.json("keys", "add", town.folder / f"{name}.toml", "--budget", "100", key="charity", nodes=one)
    assert said["statements"][0]["state"] == "effective"
    return SealedKey.load(town.key(name)).key.hex()


def test_only_the_committed_successor_replaces_a_key_that_has_one(town: Town) -> None:
    one = town.urls[:1]
    old = with_successor(town, "pair")
    words = ("keys", "rotate", town.folder / "pair-next.toml", "--old", old[:12], "--last", "none", "--budget", "90")
    thief = town.run(*words, key="charity", nodes=one, code=None)
    assert "ineffective" in thief.stdout or "would not take effect" in thief.stderr
    said = town.json(*words, key="pair-next", nodes=one)["statements"][0]
    assert said["state"] == "effective"
    assert town.json("keys", "status", town.key("pair"), nodes=one)["cut"]


def test_a_successor_declares_its_stolen_key_and_shows_itself_doing_so(town: Town) -> None:
    one = town.urls[:1]
    old = with_successor(town, "duo")
    words = ("keys", "compromise", old[:12], "--last", "none", "--reason", "stolen")
    assert "would take effect" in town.run(*words, "--dry-run", key="duo-next", nodes=one).stdout
    said = town.json(*words, key="duo-next", nodes=one)["statements"][0]
    assert said["state"] == "effective"
    shown = town.json("keys", "status", town.key("duo-next"), nodes=one)
    assert shown["public"] is not None
    assert town.json("keys", "status", town.key("duo"), nodes=one)["cut"]


# ------------------------------------------------------------------------------------------------------ the desk


def test_what_was_signed_offline_is_sent_and_counts(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    one, request = town.urls[:1], town.folder / "request.json"
    words = ("issuer", "propose", "--id", "did:web:offline.example", "--name", "Offline")
    public = town.folder / "agency.toml"  # the machine with the network has no secret key
    asked = town.run(*words, "--offline", request, "--key", public, nodes=one)
    assert f"accredit sign {request}" in asked.stdout
    other = town.run("sign", request, "--yes", key="charity", nodes=one, code=3)
    assert "The request is for the key" in other.stderr
    declined = town.run("sign", request, key="agency", nodes=one, input="n\n", code=130)
    assert "Offline" in declined.stdout
    signed = town.run("sign", request, "--yes", "-o", town.folder / "signed.json", key="agency", nodes=[])
    assert "issuer.register" in signed.stdout
    monkeypatch.setattr("accredit.cli.signing.submit.ARRIVAL_SECONDS", 0.2)
    ahead = town.run(*words, key="agency", nodes=one, code=4)
    assert "the newest statement of this key on" in ahead.stderr
    assert f"accredit submit --from-node URL --node {town.urls[0]}" in ahead.stderr, "no file need hold the statement"
    assert "in effect" in town.run("submit", town.folder / "signed.json", nodes=one).stdout
    town.run("submit", town.folder / "signed.json", nodes=one)
    town.run("sign", request, "--yes", "-o", town.folder / "again.json", key="agency", nodes=one, code=3)
    town.run("issuer", "update", "--id", "did:web:offline.example", "--name", "Offline 2", key="agency", nodes=one)


def test_a_connection_that_breaks_after_signing_loses_nothing_and_signs_nothing_twice(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, key = town.urls[:1], town.key("charity")
    submit = NodeClient.submit

    def broken(*_: Any) -> Any:
        raise RemoteError("unreachable", "the line is dead.")

    monkeypatch.setattr(NodeClient, "submit", broken)
    words = ("issuer", "propose", "--name", "Kept", "--id")
    town.run(*words, "did:web:kept1.example", key="charity", nodes=one, code=5)
    assert unsent_path(key).exists()
    monkeypatch.setattr(NodeClient, "submit", submit)
    after = town.run(*words, "did:web:kept2.example", key="charity", nodes=one)
    assert "Sent 1 statement that an earlier command had signed" in after.stderr
    assert not unsent_path(key).exists()
    for number in (1, 2):
        assert town.json("issuer", "show", f"did:web:kept{number}.example", nodes=one)["name"] == "Kept"


def test_a_node_that_says_nothing_after_it_took_everything_costs_no_report(
    town: Town, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The statements were in the log, and the report named none of them, so that nobody could approve it."""

    def silent(*_: Any) -> Any:
        raise UnansweredError("unanswered", "the node has not answered in time.")

    sheet = town.write(
        "unheard.csv", "id,name\n" + "".join(f"did:web:unheard{n}.example,Unheard {n}\n" for n in range(3))
    )
    report = tmp_path / "report.json"
    with monkeypatch.context() as busy:
        busy.setattr(NodeClient, "standings", silent)
        told = town.run("issuer", "import", sheet, "--report", report, key="charity", nodes=town.urls[:1])
    assert "Everything was sent" in told.stderr
    assert len(json.loads(report.read_text())["statements"]) == 3
    for number in range(3):
        town.run("issuer", "show", f"did:web:unheard{number}.example", nodes=town.urls[:1])


def test_a_key_of_another_authority_or_ecosystem_is_said_to_be_so(town: Town) -> None:
    words = ("issuer", "propose", "--id", "did:web:x.example", "--name", "x")
    assert "does not sign for" in town.run(*words, "--as", COUNCIL, key="charity", code=3).stderr
    assert "No key file was given" in town.run(*words, code=3).stderr
    path = make_key(town.folder, "elsewhere", CHARITY)
    table = json.loads(path.read_text())
    path.write_text(json.dumps({**table, "ecosystem": "ff" * 32}))
    town.run("keys", "export", path, "-o", town.folder / "elsewhere.toml")
    town.run("keys", "add", town.folder / "elsewhere.toml", key="charity", nodes=town.urls[:1])
    assert key_id(bytes.fromhex(table["public"])).hex() == table["key"]
    assert "belongs to the ecosystem ffffffff" in town.run(*words, key="elsewhere", nodes=town.urls[:1], code=3).stderr


def test_a_node_that_is_not_there_is_said_to_be_so(town: Town) -> None:
    words = ("issuer", "propose", "--id", "did:web:x.example", "--name", "x")
    result = town.run(*words, key="charity", nodes=["http://127.0.0.1:9"], code=5)
    assert "could not be reached" in result.stderr
    assert "is not the URL of a node" in town.run(*words, "--node", "node1", key="charity", code=3).stderr
