"""The ceremony, without a network: a charter drafted, checked, signed by its founders; and what may go wrong."""

import json
import tomllib
from pathlib import Path

import pytest

from accredit.cli.commands.governance.ceremony import progress_of
from accredit.cli.signing.offline_files import SignedStatements, decode_signed, read_ceremony
from accredit.node.files.key_files import NodeKeys
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.errors import InputError, RefusedError
from accredit.registry.statement import Draft, decode, encode_signed
from tests.cli.town import AGENCY, CHARITY, COUNCIL, KEYS, PASSPHRASE, Town, make_key
from tests.strategies.consortium import Pen


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """Keys and a node's entry; nothing signed yet."""
    made = Town(tmp_path)
    made.write("passphrase", PASSPHRASE + "\n")
    for name, authority in KEYS.items():
        make_key(tmp_path, name, authority)
        made.run("keys", "export", made.key(name), "-o", tmp_path / f"{name}.toml")
    return made


def draft(town: Town, *more: object, code: int = 0, name: str = "charter.toml") -> str:
    entries = [word for key in KEYS for word in ("--keys", town.folder / f"{key}.toml")]
    result = town.run(
        "charter", "draft", "--id", "https://Trust.example", "--name", "Example Trust",
        "--authority", COUNCIL, "University Council", "education", 2,
        "--authority", AGENCY, "State Agency", "public", 1,
        "--authority", CHARITY, "Open Charity", "nonprofit", 1,
        *entries, *more, "-o", town.folder / name, code=code,
    )  # fmt: skip
    return result.stdout + result.stderr


def test_a_drafted_charter_explains_itself_and_can_be_edited_and_checked(town: Town) -> None:
    draft(town)
    path = town.folder / "charter.toml"
    text = path.read_text()
    assert tomllib.loads(text)["id"] == "https://trust.example/"
    assert '# "charter.amend" = { fraction = "2/3" }' in text
    path.write_text(
        text.replace(
            "[rules]", '[rules]\n"accreditation.grant" = { authorities = 2, constituencies = { nonprofit = 1 } }'
        )
    )
    said = town.run("charter", "check", path).stdout
    assert "accreditation.grant takes 2 of 3 authorities, 1 of them nonprofit" in said
    assert "2 of 3 keys" in said
    assert "name 4 or more" in said
    assert "can no longer sign if it loses one key" in said


def test_a_rule_that_can_never_be_met_is_refused_with_file_and_place(town: Town) -> None:
    draft(town)
    path = town.folder / "charter.toml"
    path.write_text(
        path.read_text().replace(
            "[rules]", '[rules]\n"issuer.register" = { constituencies = { labor = 1 }, majority = true }'
        )
    )
    result = town.run("charter", "check", path, code=3)
    assert f"{path}: rules.issuer.register: " in result.stderr


def test_a_key_of_nobody_and_an_authority_without_keys_are_named(town: Town) -> None:
    assert "which is not one of the authorities" in draft(town, "--keys", foreign(town), code=3)
    words = ("--id", "https://t.example/", "--name", "T", "--authority", COUNCIL, "C", "education", 1)
    result = town.run("charter", "draft", *words, "--authority", AGENCY, "A", "public", 1, "--keys",
                      town.folder / "agency.toml", "-o", town.folder / "x.toml", code=3)  # fmt: skip
    assert f"No key of {COUNCIL}" in result.stderr


def foreign(town: Town) -> Path:
    make_key(town.folder, "foreign", "did:web:foreign.example")
    town.run("keys", "export", town.key("foreign"), "-o", town.folder / "foreign.toml")
    return town.folder / "foreign.toml"


def test_a_charter_takes_effect_once_two_thirds_of_its_authorities_have_signed(town: Town) -> None:
    draft(town)
    ceremony = town.folder / "genesis.json"
    first = town.json("charter", "sign", town.folder / "charter.toml", "-o", ceremony, "--yes", key="council-1")
    assert (first["effective"], first["approved_by"]) == (False, [])
    second = town.json("charter", "sign", ceremony, "--yes", key="agency")
    assert (second["effective"], second["approved_by"]) == (False, [AGENCY])
    assert "2" in second["needed"]
    third = town.json("charter", "sign", ceremony, "--yes", key="council-3")
    assert (third["effective"], sorted(third["approved_by"])) == (True, [AGENCY, COUNCIL])
    assert third["ecosystem"] == first["ecosystem"]
    assert "accredit charter publish" in town.run("charter", "sign", ceremony, "--yes", key="charity").stdout


def test_a_founder_signs_once_with_a_key_of_the_charter_that_has_signed_nothing_else(town: Town) -> None:
    draft(town)
    charter, ceremony = town.folder / "charter.toml", town.folder / "genesis.json"
    foreign(town)
    assert "does not name the key" in town.run("charter", "sign", charter, "--yes", key="foreign", code=3).stderr
    assert not Path("genesis.json").exists()
    town.run("charter", "sign", charter, "-o", ceremony, "--yes", key="agency")
    assert (
        "has already signed this charter" in town.run("charter", "sign", ceremony, "--yes", key="agency", code=3).stderr
    )
    again = town.run("charter", "sign", charter, "-o", town.folder / "other.json", "--yes", key="agency", code=3)
    assert "has already signed statement number 1" in again.stderr
    assert "No key file" in town.run("charter", "sign", ceremony, "--yes", code=3).stderr


def test_the_charter_is_shown_and_asked_about_before_it_is_signed(town: Town) -> None:
    draft(town)
    words = ("charter", "sign", town.folder / "charter.toml", "-o", town.folder / "genesis.json")
    result = town.run(*words, key="agency", input="n\n", code=130)
    assert "University Council" in result.stdout
    assert not (town.folder / "genesis.json").exists()
    assert town.run("keys", "show", town.key("agency")).stdout.count("nothing yet") == 1


def test_a_ceremony_file_with_a_forged_or_foreign_vote_is_refused(town: Town) -> None:
    draft(town)
    path = town.folder / "genesis.json"
    town.run("charter", "sign", town.folder / "charter.toml", "-o", path, "--yes", key="council-1")
    signed = read_ceremony(path)
    genesis = decode(signed.statements[0])
    stranger = Pen("stranger", "did:web:stranger.example")
    vote = Draft(iss=stranger.authority, sub=genesis.id.hex(), iat=genesis.iat, eco=genesis.id, kind="vote.approve",
                 seq=1, prev=None, body={"targets": [genesis.id]})  # fmt: skip
    raw = encode_signed(vote, KeyPair(stranger.seed))
    with pytest.raises(RefusedError, match="Only keys named in the charter"):
        progress_of(
            SignedStatements(ecosystem=genesis.id, ecosystem_name="x", statements=(*signed.statements, raw)), "x"
        )
    table = json.loads(path.read_text())
    whole = table["statements"][0]["cose"]
    table["statements"][0]["cose"] = whole[:-1] + ("1" if whole[-1] == "0" else "0")
    path.write_text(json.dumps(table))
    decode_signed(path.read_text(), "x")
    assert "not valid" in town.run("charter", "sign", path, "--yes", key="agency", code=3).stderr


def test_a_node_takes_the_genesis_once_and_for_life(town: Town) -> None:
    node = town.folder / "node1"
    init = ("node", "init", node, "--name", "node1.example", "--operator", COUNCIL, "--url", "http://127.0.0.1:1")
    town.run(*init)
    assert "already exists" in town.run(*init, code=3).stderr
    for number, (name, key) in enumerate((("one", "agency"), ("two", "charity"))):
        draft(town, "--node-entry", node / "node-entry.toml", name=f"{name}.toml")
        target = town.folder / f"{name}.json"
        town.run("charter", "sign", town.folder / f"{name}.toml", "-o", target, "--yes", key=key)
        result = town.run("node", "genesis", node, target, code=3 * number)
        assert ("Ready." in result.stdout) is (number == 0)
        assert ("not in effect yet: it takes 2 of 3 authorities" in result.stdout) is (number == 0)
    assert "belongs to the ecosystem" in result.stderr
    config = tomllib.loads((node / "node.toml").read_text())
    assert config["ecosystem"] == read_ceremony(town.folder / "one.json").ecosystem.hex()
    assert (node / config["genesis_file"]).read_bytes() == read_ceremony(town.folder / "one.json").statements[0]


@pytest.mark.parametrize(
    ("option", "value"), [("--name", "node one"), ("--name", "node+one"), ("--url", "ftp://x"), ("--operator", "")]
)
def test_a_node_whose_entry_nobody_could_admit_is_not_made(town: Town, option: str, value: str) -> None:
    words = {"--name": "node1.example", "--operator": COUNCIL, "--url": "http://127.0.0.1:1", option: value}
    said = town.run("node", "init", town.folder / "node", *[word for pair in words.items() for word in pair], code=3)
    assert f"{option}: " in said.stderr or value in said.stderr
    assert not (town.folder / "node").exists()


def test_a_node_whose_url_names_another_port_than_it_listens_on_is_told_when_it_is_made(town: Town) -> None:
    init = ("node", "init", "--operator", COUNCIL, "--url", "http://127.0.0.1:8499")
    said = town.run(*init, "--name", "one.example", town.folder / "one").stdout
    assert "listens on     127.0.0.1:8080, and its URL names another port" in said
    said = town.run(*init, "--name", "two.example", town.folder / "two", "--port", 8499).stdout
    assert "listens on     127.0.0.1:8499\n" in said


def test_a_node_whose_keys_are_gone_is_told_how_to_go_on(town: Town) -> None:
    with pytest.raises(InputError) as refused:
        NodeKeys.load(town.folder / "node-keys.json")
    assert "accredit node join --replaces" in refused.value.hint


def test_what_is_no_backup_is_refused_as_that(town: Town) -> None:
    node = town.folder / "node"
    town.run("node", "init", node, "--name", "n.example", "--operator", COUNCIL, "--url", "http://127.0.0.1:1")
    wrong = town.write("wrong.sqlite", "not a database")
    refused = town.run("node", "restore", node, wrong, code=3).stderr
    assert "is no backup" in refused
    assert "accredit node backup" in refused


def test_a_public_key_entry_does_not_say_that_its_key_has_signed_nothing(town: Town) -> None:
    shown = town.run("keys", "show", town.folder / "agency.toml").stdout
    assert "nothing yet" not in shown
    assert "accredit keys status" in shown


def test_a_folder_without_a_node_is_named_so_that_it_can_be_read(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(town.folder)
    assert "There is no node in this folder." in town.run("node", "run", code=3).stderr


def test_running_a_node_that_is_not_there_or_not_ready_says_what_to_do(town: Town) -> None:
    assert "accredit node init" in town.run("node", "run", town.folder, code=3).stderr
    node = town.folder / "node1"
    town.run("node", "init", node, "--name", "node1.example", "--operator", COUNCIL, "--url", "http://127.0.0.1:1")
    result = town.run("node", "run", node, code=3)
    assert result.stderr.count("does not name an ecosystem") == 1
    assert f"accredit node genesis {node} genesis.json" in result.stderr
