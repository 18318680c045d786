"""Keys in files: made, shown, exported, brought from elsewhere; and everything that may be wrong with one."""

import base64
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from accredit.cli.commands.governance.keys import _mandate
from accredit.cli.main import accredit
from accredit.cli.signing.keys import UnlockedKey, new_passphrase_for, read_public, unsent_path, write_unsent
from accredit.node.files.key_files import SealedKey
from accredit.registry.encoding.ed25519 import key_id, multibase, public_of
from accredit.registry.errors import DecodeError, InputError, NotYetError, RefusedError
from accredit.registry.statement import Draft
from tests.cli.town import PASSPHRASE, make_key

BOARD = "did:web:board.example"
SEED = bytes(range(32))


def typed(*words: object, code: int = 0, **more: Any) -> Result:
    result = CliRunner().invoke(accredit, [str(word) for word in words], **more)
    assert result.exit_code == code, result.output + result.stderr
    return result


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "passphrase"
    path.write_text(PASSPHRASE + "\n")
    return path


def test_a_new_key_and_its_successor_are_made_encrypted_and_exported_without_a_secret(
    tmp_path: Path, secret: Path
) -> None:
    key, successor, entry = tmp_path / "a.key", tmp_path / "a-next.key", tmp_path / "a.toml"
    shown = typed(
        "keys", "new", key, "--authority", "DID:web:Board.example", "--label", "Älice", "--next", successor,
        "--passphrase-file", secret,
    )  # fmt: skip
    assert BOARD in shown.stdout
    assert f"accredit keys export {key} --next {successor}" in shown.stdout
    assert key.stat().st_mode & 0o077 == 0
    typed("keys", "export", key, "--next", successor, "--budget", 7, "-o", entry)
    exported = tomllib.loads(entry.read_text())
    held, coming = read_public(key), read_public(successor)
    assert exported == {
        "authority": BOARD,
        "key": {
            "public": multibase(held.public),
            "budget": 7,
            "label": "Älice",
            "next": {"key": coming.kid.hex(), "budget": 7},
        },
    }
    assert read_public(entry).kid == held.kid
    assert not read_public(entry).is_secret
    assert UnlockedKey.unlock(key, secret).kid == held.kid
    assert tomllib.loads(typed("keys", "export", key).stdout)["key"]["budget"] == 1_000_000


def test_a_key_file_is_never_overwritten(tmp_path: Path, secret: Path) -> None:
    path = make_key(tmp_path, "a", BOARD)
    before = path.read_bytes()
    result = typed("keys", "new", path, "--authority", BOARD, "--passphrase-file", secret, code=3)
    assert "already exists" in result.stderr
    assert path.read_bytes() == before


def test_a_folder_of_keys_is_listed_and_one_with_open_permissions_is_named_with_its_remedy(tmp_path: Path) -> None:
    make_key(tmp_path, "good", BOARD)
    make_key(tmp_path, "open", BOARD).chmod(0o644)
    listed = typed("keys", "list", tmp_path)
    assert "good.key" in listed.stdout
    assert "chmod 600" in listed.stdout
    assert [Path(key["file"]).name for key in json.loads(typed("keys", "list", tmp_path, "--json").stdout)["keys"]] == [
        "good.key"
    ]
    (tmp_path / "none").mkdir()
    assert "Make one: accredit keys new" in typed("keys", "list", tmp_path / "none").stdout
    assert "There is no folder" in typed("keys", "list", tmp_path / "nowhere", code=3).stderr
    result = typed("keys", "show", tmp_path / "open.key", code=3)
    assert "chmod 600" in result.stderr


def test_a_key_shows_what_it_signed_last(tmp_path: Path) -> None:
    path = make_key(tmp_path, "a", BOARD)
    assert "nothing yet" in typed("keys", "show", path).stdout
    SealedKey.record_last(path, 3, b"\x07" * 32)
    assert "3 (statement 070707070707)" in typed("keys", "show", path).stdout


@pytest.mark.parametrize("form", ["hex", "jwk"])
def test_a_key_made_elsewhere_is_brought_in(tmp_path: Path, secret: Path, form: str) -> None:
    seed_file = tmp_path / "seed"
    jwk = {"kty": "OKP", "crv": "Ed25519", "d": base64.urlsafe_b64encode(SEED).decode().rstrip("=")}
    seed_file.write_text(SEED.hex() + "\n" if form == "hex" else json.dumps(jwk))
    seed_file.chmod(0o600)
    path = tmp_path / "a.key"
    result = typed("keys", "import", path, "--seed-file", seed_file, "--authority", BOARD, "--passphrase-file", secret)
    assert read_public(path).kid == key_id(public_of(SEED))
    assert f"Delete {seed_file}" in result.stdout


@pytest.mark.parametrize(
    "text", ["", "00", '{"kty": "RSA"}', '{"crv": "Ed25519", "d": "AA"}', '{"crv": "Ed25519", "d": "!"}']
)
def test_what_is_no_private_key_is_refused_and_nothing_made(tmp_path: Path, secret: Path, text: str) -> None:
    (tmp_path / "seed").write_text(text)
    (tmp_path / "seed").chmod(0o600)
    words = ("--seed-file", tmp_path / "seed", "--authority", BOARD, "--passphrase-file", secret)
    typed("keys", "import", tmp_path / "a.key", *words, code=3)
    assert not (tmp_path / "a.key").exists()


def test_a_wrong_missing_or_empty_passphrase_is_said_and_where_to_put_it(tmp_path: Path, secret: Path) -> None:
    path = make_key(tmp_path, "a", BOARD)
    secret.write_text("wrong\n")
    with pytest.raises(InputError, match="not the passphrase"):
        UnlockedKey.unlock(path, secret)
    with pytest.raises(InputError, match="--passphrase-file"):
        new_passphrase_for(path, None)
    secret.write_text("\n")
    with pytest.raises(InputError, match="empty"):
        UnlockedKey.unlock(path, secret)


def test_a_passphrase_is_asked_for_on_a_terminal_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    asked: list[Any] = []

    def answer(text: str, **options: Any) -> str:
        asked.append((text, options["hide_input"], options["confirmation_prompt"], options["err"]))
        return PASSPHRASE

    monkeypatch.setattr("click.prompt", answer)
    assert new_passphrase_for(tmp_path / "a.key", None) == PASSPHRASE
    assert asked == [(f"Passphrase of {tmp_path / 'a.key'}", True, True, True)]


def test_a_public_entry_cannot_sign(tmp_path: Path, secret: Path) -> None:
    (tmp_path / "a.toml").write_text("x = 1\n")
    with pytest.raises(DecodeError, match="not a public key entry"):
        read_public(tmp_path / "a.toml")
    with pytest.raises(InputError, match="--offline"):
        UnlockedKey.unlock(tmp_path / "a.toml", secret)


def draft(seq: int) -> Draft:
    body, prev = {"targets": [bytes(32)]}, None if seq == 1 else bytes(32)
    return Draft(iss=BOARD, sub="x", iat=1, eco=bytes(32), kind="vote.approve", seq=seq, prev=prev, body=body)


def test_a_number_is_signed_once_even_if_the_command_dies_before_sending(tmp_path: Path, secret: Path) -> None:
    path = make_key(tmp_path, "a", BOARD)
    signer = UnlockedKey.unlock(path, secret)
    kept: list[bytes] = []
    raws = signer.sign([draft(1), draft(2)], keep=kept.extend)
    assert kept == raws
    last = read_public(path).last
    assert last is not None
    assert last.seq == 2
    for number in (1, 2):
        with pytest.raises(RefusedError, match="has already signed number 2"):
            signer.sign([draft(number)], keep=kept.extend)
    assert kept == raws


def test_nothing_is_recorded_where_what_was_signed_cannot_be_kept(tmp_path: Path, secret: Path) -> None:
    path = make_key(tmp_path, "a", BOARD)

    def full(_raws: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        UnlockedKey.unlock(path, secret).sign([draft(1)], keep=full)
    assert read_public(path).last is None


def test_two_commands_with_one_key_do_not_run_into_each_other(tmp_path: Path) -> None:
    from accredit.cli.signing.offline_files import SignedStatements

    path = make_key(tmp_path, "a", BOARD)
    signed = SignedStatements(ecosystem=bytes(32), ecosystem_name="x", statements=())
    write_unsent(path, signed)
    with pytest.raises(NotYetError, match="Another command") as caught:
        write_unsent(path, signed)
    assert str(unsent_path(path)) in caught.value.hint


@pytest.mark.parametrize(
    ("via", "said"), [(None, f"{BOARD}, by the charter"), ("ab" * 32, f"{BOARD}, by delegation abababababab")]
)
def test_the_status_of_a_key_names_the_mandates_under_which_it_signs(via: str | None, said: str) -> None:
    assert _mandate({"by": BOARD, "via": via}) == said
