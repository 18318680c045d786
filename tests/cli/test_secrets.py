"""No secret is ever repeated: not in text, JSON or --debug, and not in a file that a command leaves behind."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from accredit.cli.main import accredit
from tests.cli.test_help import COMMANDS
from tests.cli.town import make_key
from tests.node.files.test_secret_files import SEED, WRONG, quoted

BOARD = "did:web:board.example"
MARK = "hunter2tr0ub4dor"
URL = f"https://ann:{MARK}@node1.example"


def arguments(command: click.Command) -> list[str]:
    """Something for everything a command must be given."""
    words: list[str] = []
    for parameter in command.params:
        if not parameter.required:
            continue
        value = "1" if isinstance(parameter.type, (click.IntRange, click.types.IntParamType)) else "x"
        if isinstance(parameter.type, click.Choice):
            value = str(parameter.type.choices[0])
        words += [
            *([parameter.opts[0]] if isinstance(parameter, click.Option) else []),
            *[value] * abs(parameter.nargs),
        ]
    return words


def typed(folder: Path, *words: object, env: dict[str, str] | None = None) -> list[str]:
    """What three ways of typing a command say: for people, for programs, with its traceback. All end badly."""
    said = []
    for more in ([], ["--json"], ["--debug"]):
        result = CliRunner().invoke(accredit, [*map(str, words), *more], env=env or {})
        assert result.exit_code in (2, 3, 6), (words, result.output, result.stderr)
        said.append(result.output + result.stderr)
    said += [file.read_text("latin-1") for file in folder.rglob("*") if file.is_file() and file.name != "the-secret"]
    return said


ASKING = [(path, command) for path, command in COMMANDS if any("--node" in one.opts for one in command.params)]


@pytest.mark.parametrize(("path", "command"), [pytest.param(p, c, id=" ".join(p)) for p, c in ASKING])
@pytest.mark.parametrize("way", ["option", "environment"])
def test_a_password_in_a_nodes_url_is_refused_by_every_command_and_repeated_by_none(
    tmp_path: Path, path: tuple[str, ...], command: click.Command, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [*path, *(["--node", URL] if way == "option" else []), *arguments(command)]
    for said in typed(tmp_path, *words, env={"ACCREDIT_NODE": URL} if way == "environment" else {}):
        assert MARK not in said


def test_a_password_in_a_url_that_is_an_argument_is_not_repeated_either(tmp_path: Path) -> None:
    for words in (
        ("node", "join", URL, "--ecosystem", "ab" * 32, "--name", "n", "--operator", "o", "--url", "http://x.example"),
        ("node", "init", tmp_path / "n", "--name", "n", "--operator", "o", "--url", URL),
        ("log", "verify", URL),
        ("query", URL, "--for", "Degree"),
        ("issuer", "show", URL),
    ):
        for said in typed(tmp_path, *words):
            assert MARK not in said


@pytest.mark.parametrize("form", WRONG)
def test_a_private_key_in_a_wrong_form_is_not_repeated(tmp_path: Path, form: str) -> None:
    (tmp_path / "the-secret").write_bytes(WRONG[form]())
    (tmp_path / "the-secret").chmod(0o600)
    words = ("keys", "import", tmp_path / "a.key", "--seed-file", tmp_path / "the-secret", "--authority", BOARD)
    for said in typed(tmp_path, *words):
        assert quoted(WRONG[form](), said) == ""
    assert not (tmp_path / "a.key").exists()


PASSPHRASES = {
    "two lines": f"{MARK}\n{MARK}\n".encode(),
    "not text": b"\xe9" + MARK.encode(),
    "weak": b"Ann2026\n",
    "wrong": MARK.encode(),
    "a private key": SEED.hex().encode(),
}


@pytest.mark.parametrize("form", PASSPHRASES)
def test_a_passphrase_is_not_repeated_by_any_command_that_reads_one(tmp_path: Path, form: str) -> None:
    secret = tmp_path / "the-secret"
    secret.write_bytes(PASSPHRASES[form])
    key = make_key(tmp_path, "held", BOARD)
    (tmp_path / "n").mkdir()
    (tmp_path / "n" / "node.toml").write_text('name = "n"\necosystem = "' + "ab" * 32 + '"\n')
    (tmp_path / "n" / "data").mkdir()
    sealed = json.loads(key.read_text())["sealed"]
    nodes = {"format": "accredit-node-keys", "version": 1, "name": "n", "public": {}, "sealed": sealed}
    (tmp_path / "n" / "data" / "node-keys.json").write_text(json.dumps(nodes))
    (tmp_path / "n" / "data" / "node-keys.json").chmod(0o600)
    commands: list[tuple[object, ...]] = [("node", "run", tmp_path / "n")]
    if form not in ("wrong", "a private key"):  # a strong passphrase seals a new key
        commands += [
            ("keys", "new", tmp_path / "a.key", "--authority", BOARD),
            ("node", "init", tmp_path / "m", "--name", "m", "--operator", "o", "--url", "http://x.example"),
        ]
    env = {"ACCREDIT_PASSPHRASE_FILE": str(secret), "ACCREDIT_KEYS_PASSPHRASE_FILE": str(secret)}
    for words in commands:
        seal = ("--seal", secret) if words[:2] == ("node", "init") else ()
        for said in typed(tmp_path, *words, *seal, env=env):
            assert MARK not in said
            assert "Ann2026" not in said
            assert SEED.hex()[:12] not in said
    assert not (tmp_path / "a.key").exists()
    assert not (tmp_path / "m").exists()


def test_every_command_that_reads_a_secret_reads_it_through_the_one_module() -> None:
    options = {(option, " ".join(path)) for path, command in COMMANDS for one in command.params for option in one.opts}
    readers = {name for option, name in options if option in ("--seed-file", "--seal")}
    assert readers == {"keys import", "node init", "node join"}
    root = Path(__file__).resolve().parents[2]
    elsewhere = [
        str(file.relative_to(root))
        for folder in ("cli", "node")
        for file in (root / folder).rglob("*.py")
        if "passphrase_file.read" in file.read_text() or "seed_file.read" in file.read_text()
    ]
    assert elsewhere == []
