"""An issuer's keys from the command line: stated, retired, reported as stolen, and what a credential is worth then."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands.test_check import issued
from tests.cli.town import Town
from tests.strategies.credentials import Issuer

ID = "did:web:keys-school.example"
OLD, NEW, STRANGE = Issuer.of("old key", ID), Issuer.of("new key", ID), Issuer.of("strange key", ID)
THEFT = "2026-08-01"


@pytest.fixture(scope="module")
def school(town: Town) -> str:
    """An accredited issuer without a key."""
    return town.accredited(ID, "keys-school")


def ended(town: Town, *words: object, key: str = "charity", **more: Any) -> Any:
    [said] = town.json("issuer", "key", *words, key=key, nodes=town.urls[:1], **more)["statements"]
    return said


def test_a_key_is_stated_and_when_it_is_stolen_the_theft_decides_what_its_credentials_are_worth(
    town: Town, school: str, tmp_path: Path
) -> None:
    """The whole way: before, a dry run, after; by `accredit query` and by `accredit check`."""
    public = OLD.pinned["public_key_multibase"]
    said = ended(town, "add", school, "--id", OLD.method, "--public", f"did:key:{public}")
    assert (said["state"], said["label"]) == ("effective", f"key {OLD.method}")
    badges = {}
    for month in ("06", "09"):
        badges[month] = tmp_path / f"{month}.json"
        badges[month].write_text(json.dumps(OLD.signed(issued(OLD, validFrom=f"2026-{month}-01T00:00:00Z"))))

    def verdicts(month: str) -> tuple[str, str, set[str]]:
        words = ("query", school, "--for", "BachelorDegree", "--key", OLD.method, "--on", f"2026-{month}-01")
        asked = town.json(*words, code=None, nodes=town.urls[:1])
        checked = town.json("check", badges[month], code=None, nodes=town.urls[:1])["files"][0]["credentials"][0]
        return asked["verdict"], checked["verdict"], {one["code"] for one in asked["reasons"]}

    before = {month: verdicts(month) for month in badges}
    assert {one[1] for one in before.values()} == {"accepted"}
    words = (
        "compromise",
        school,
        "#" + OLD.method.partition("#")[2],
        "--since",
        THEFT,
        "--reason",
        "server broken into",
    )

    foreseen = ended(town, *words, "--dry-run")
    assert foreseen["foreseen"]["afterwards"] == [
        f"Credentials signed with {OLD.method} and issued since {THEFT} are not trusted. Earlier ones are, with a note "
        "that a thief can sign with earlier dates."
    ]
    assert {month: verdicts(month) for month in badges} == before, "a dry run says nothing"

    assert ended(town, *words)["state"] == "effective"
    assert verdicts("09")[1] == "not_accepted"
    assert "key_compromised" in verdicts("09")[2]
    assert "key_compromised_later" in verdicts("06")[2]
    assert verdicts("06")[0] == "trusted_with_advisory"
    shown = town.run("issuer", "key", "list", school, nodes=town.urls[:1]).stdout
    assert f"stolen since {THEFT}, says did:web:charity.example" in " ".join(shown.split())

    assert ended(town, "compromise", school, OLD.method, "--since", "always")["state"] == "effective"
    assert verdicts("06")[1] == "not_accepted", "nothing that it signed is believed"


def test_a_key_of_a_file_is_retired_and_what_it_signed_before_stays_good(
    town: Town, school: str, tmp_path: Path
) -> None:
    file = tmp_path / "key.toml"
    file.write_text(f'id = "{NEW.id}#new"\npublic_key_multibase = "{NEW.pinned["public_key_multibase"]}"\n')
    ended(town, "add", school, file, "--from", "2026-01-01")
    public = NEW.pinned["public_key_multibase"]
    said = ended(town, "retire", school, public, "--until", "2026-07-01", "--reason", "replaced")
    assert said["foreseen"]["afterwards"] == [
        f"Credentials signed with {NEW.id}#new count if they were issued before 2026-07-01."
    ]
    record = town.json("issuer", "key", "list", school, nodes=town.urls[:1])
    assert [one["key_id"] for one in record["keys"] if one["op"] == "retire"] == [f"{NEW.id}#new"]
    words = ("query", school, "--for", "BachelorDegree", "--key", public)
    assert town.json(*words, "--on", "2026-06-01", code=None, nodes=town.urls[:1])["verdict"].startswith("trusted")
    late = town.json(*words, "--on", "2026-08-01", code=None, nodes=town.urls[:1])
    assert "key_retired" in {one["code"] for one in late["reasons"]}


def test_an_authority_that_decisions_do_not_hear_is_told_so_before_it_signs(town: Town, school: str) -> None:
    ended(town, "add", school, "--id", f"{ID}#heard", "--public", STRANGE.pinned["public_key_multibase"])
    said = ended(town, "compromise", school, "heard", "--since", THEFT, "--dry-run", key="agency")
    assert "do not hear did:web:agency.example about its keys" in said["foreseen"]["warnings"][0]
    assert ended(town, "compromise", school, "heard", "--since", THEFT, "--dry-run")["foreseen"]["warnings"] == []


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("compromise", ID, "only"), 3, "--since always"),
        (("compromise", ID, "only", "--since", "soon"), 3, "'soon' is not a date"),
        (("compromise", ID, "only", "--since", "2999-01-01"), 3, "lies ahead"),
        (("compromise", ID, "key-9", "--since", THEFT), 3, f"Its keys: {ID}#"),
        (("retire", ID, "key-9"), 3, "states no key 'key-9'"),
        (("retire", "did:web:no-school.example", "key-9"), 3, "did:web:no-school.example"),
        (("retire", ID, "only", "--until", "soon"), 3, "'soon' is not a date"),
        (("add", ID), 2, "Give a FILE, or --id and --public."),
        (("add", ID, "--id", f"{ID}#x", "--public", "z6Mkx"), 3, "key.public_key_multibase"),
        (("add", ID, "--id", "key-1", "--public", STRANGE.pinned["public_key_multibase"]), 3, "the id of a key"),
        (("list", "Keys School"), 3, "accredit issuer list --name"),
    ],
)
def test_what_names_no_key_or_no_day_is_refused_with_what_to_do(
    town: Town, school: str, words: tuple[str, ...], code: int, says: str
) -> None:
    known = town.json("issuer", "key", "list", school, nodes=town.urls[:1])["keys"]
    if not any(one["op"] == "add" and one["key"]["id"] == f"{ID}#only" for one in known):
        ended(town, "add", school, "--id", f"{ID}#only", "--public", Issuer.of("only").pinned["public_key_multibase"])
        known = town.json("issuer", "key", "list", school, nodes=town.urls[:1])["keys"]
    refused = town.run("issuer", "key", *words, key="charity", nodes=town.urls[:1], code=code)
    assert says in " ".join(refused.stderr.split())
    assert town.json("issuer", "key", "list", school, nodes=town.urls[:1])["keys"] == known
