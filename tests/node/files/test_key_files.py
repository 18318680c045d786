"""Key files: secrets stay secret, honest hands do not fork, and nothing is ever overwritten."""

import json
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.node.files.key_files import (
    FASTEST,
    MODERATE,
    ROLES,
    KdfLimits,
    LastSigned,
    NodeKeys,
    SealedKey,
    new_seed,
)
from accredit.registry.encoding.ed25519 import key_id, public_of
from accredit.registry.errors import InputError, RefusedError, StorageError

SEED = bytes(range(32))
PASSPHRASE = "correct horse"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "registrar.key"


def create(path: Path, passphrase: str = PASSPHRASE) -> SealedKey:
    return SealedKey.create(
        path,
        SEED,
        passphrase,
        label="Registrar",
        authority="did:web:agency.example",
        ecosystem=b"e" * 32,
        limits=FASTEST,
    )


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    members = json.loads(path.read_text())
    change(members)
    path.write_text(json.dumps(members))


def test_a_key_comes_back_only_with_its_passphrase(path: Path) -> None:
    made = create(path)
    loaded = SealedKey.load(path)
    assert loaded == made
    assert (loaded.key, loaded.public, loaded.last) == (key_id(public_of(SEED)), public_of(SEED), None)
    assert (loaded.label, loaded.authority, loaded.ecosystem) == ("Registrar", "did:web:agency.example", b"e" * 32)
    assert loaded.unlock(PASSPHRASE) == SEED
    for wrong in ("", "Correct horse", "correct horse "):
        with pytest.raises(InputError) as refused:
            loaded.unlock(wrong)
        assert refused.value.code == "wrong_passphrase"


def test_the_seed_is_neither_in_the_file_nor_in_what_is_printed(path: Path) -> None:
    made = create(path)
    for shown in (path.read_text(), repr(made)):
        assert SEED.hex() not in shown
        assert PASSPHRASE not in shown
    assert "box" not in repr(made)


def test_two_files_of_one_seed_and_passphrase_have_nothing_secret_in_common(path: Path) -> None:
    create(path)
    create(path.with_name("copy"))
    first, second = (json.loads(each.read_text())["sealed"] for each in (path, path.with_name("copy")))
    assert first["salt"] != second["salt"]
    assert first["box"] != second["box"]


def test_a_passphrase_typed_on_another_system_opens_the_file(path: Path) -> None:
    assert create(path, "Universit\u00e9").unlock("Universite\u0301") == SEED


def test_the_work_for_a_guess_is_moderate_unless_asked_otherwise_and_stands_in_the_file(path: Path) -> None:
    made = SealedKey.create(path, SEED, PASSPHRASE, label="", authority="did:web:agency.example")
    sealed = json.loads(path.read_text())["sealed"]
    assert KdfLimits(opslimit=sealed["opslimit"], memlimit=sealed["memlimit"]) == MODERATE
    assert (MODERATE.opslimit, MODERATE.memlimit) == (3, 256 * 1024 * 1024)
    assert made.ecosystem is SealedKey.load(path).ecosystem is None
    assert made.unlock(PASSPHRASE) == SEED


def test_an_existing_file_is_never_overwritten(path: Path) -> None:
    create(path)
    before = path.read_bytes()
    for again in (lambda: create(path), lambda: NodeKeys.create(path, "node1")):
        with pytest.raises(InputError) as refused:
            again()
        assert refused.value.code == "file_exists"
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666, 0o610])
def test_a_key_others_can_reach_is_refused_with_the_command_that_mends_it(path: Path, mode: int) -> None:
    create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(mode)
    with pytest.raises(InputError) as refused:
        SealedKey.load(path)
    assert refused.value.code == "open_permissions"
    assert f"chmod 600 {shlex.quote(str(path))}" in refused.value.hint
    path.chmod(0o400)
    assert SealedKey.load(path).public == public_of(SEED)


def test_a_missing_key_file_and_an_empty_passphrase_are_named(path: Path) -> None:
    with pytest.raises(InputError) as missing:
        SealedKey.load(path)
    assert missing.value.code == "no_such_file"
    with pytest.raises(InputError) as empty:
        create(path, "")
    assert empty.value.code == "empty_passphrase"
    assert not path.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda members: members.pop("sealed"),
        lambda members: members.pop("last"),
        lambda members: members.update(format="accredit-node-keys"),
        lambda members: members.update(label=5),
        lambda members: members.update(public="zz" * 32),
        lambda members: members.update(public=public_of(bytes(32)).hex()),
        lambda members: members.update(key="00"),
        lambda members: members.update(last={"seq": 0, "id": "00" * 32}),
        lambda members: members.update(last={"seq": "7", "id": "00" * 32}),
        lambda members: members.update(last=7),
        lambda members: members["sealed"].update(kdf="md5"),
        lambda members: members["sealed"].update(memlimit=2**40),
        lambda members: members["sealed"].update(memlimit=True),
        lambda members: members["sealed"].update(opslimit=10**6),
        lambda members: members["sealed"].update(opslimit="3"),
        lambda members: members["sealed"].update(box="00"),
        lambda members: members["sealed"].update(salt="00"),
    ],
)
def test_a_changed_key_file_is_called_corrupt_before_any_work_is_done(
    path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    create(path)
    edit(path, change)
    with pytest.raises(InputError) as refused:
        SealedKey.load(path)
    assert refused.value.code == "key_file_corrupt"
    assert str(path) in refused.value.message


@given(st.binary(max_size=200))
def test_no_bytes_at_all_crash_the_reader_of_key_files(data: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:  # readable by its owner only
        file.write(data)
        file.flush()
        for load in (SealedKey.load, NodeKeys.load):
            with pytest.raises(InputError, match="not a valid key file"):
                load(Path(file.name))


@pytest.mark.parametrize("content", [b"[" * 60_000, b" " * 70_000, b"[]", b"null", b""])
def test_nonsense_of_any_kind_is_called_corrupt(path: Path, content: bytes) -> None:
    create(path)
    path.write_bytes(content)
    with pytest.raises(InputError) as refused:
        SealedKey.load(path)
    assert refused.value.code == "key_file_corrupt"


def test_a_file_of_a_later_version_is_not_guessed_at(path: Path) -> None:
    create(path)
    edit(path, lambda members: members.update(version=2))
    with pytest.raises(InputError, match="newer one") as refused:
        SealedKey.load(path)
    assert refused.value.code == "key_file_version"


def test_a_public_key_that_was_exchanged_is_noticed_when_the_seed_is_there(path: Path) -> None:
    create(path)
    other = public_of(bytes(32))
    edit(path, lambda members: members.update(public=other.hex(), key=key_id(other).hex()))
    with pytest.raises(InputError) as refused:
        SealedKey.load(path).unlock(PASSPHRASE)
    assert refused.value.code == "key_file_corrupt"


# ------------------------------------------------------------------------------------------------ the fork guard


def test_a_number_signed_once_is_not_signed_for_another_statement(path: Path) -> None:
    key = create(path)
    key.guard(1, b"a" * 32)
    SealedKey.record_last(path, 7, b"a" * 32)
    key = SealedKey.load(path)
    assert key.last == LastSigned(seq=7, id=b"a" * 32)
    assert key.unlock(PASSPHRASE) == SEED
    key.guard(7, b"a" * 32)
    key.guard(8, b"b" * 32)
    key.guard(12, b"b" * 32)
    for seq, id in ((7, b"b" * 32), (6, b"a" * 32), (1, b"c" * 32)):
        with pytest.raises(RefusedError, match="number 8 or later") as refused:
            key.guard(seq, id)
        assert refused.value.code == "would_fork"
        before = path.read_bytes()
        with pytest.raises(RefusedError):
            SealedKey.record_last(path, seq, id)
        assert path.read_bytes() == before
    SealedKey.record_last(path, 7, b"a" * 32)
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_was_loaded_before_somebody_else_signed_does_not_count(path: Path) -> None:
    mine = create(path)
    SealedKey.record_last(path, 1, b"theirs" + bytes(26))
    mine.guard(1, b"mine" + bytes(28))  # as far as I knew
    with pytest.raises(RefusedError):
        mine.record_last(path, 1, b"mine" + bytes(28))


def test_of_many_programs_with_one_key_file_one_gets_a_number(path: Path) -> None:
    create(path)
    program = (
        "import sys; from pathlib import Path; from accredit.node.files.key_files import SealedKey\n"
        "from accredit.registry.errors import RefusedError\n"
        "won = 0\n"
        "for seq in range(1, 31):\n"
        "    try:\n"
        "        SealedKey.record_last(Path(sys.argv[1]), seq, sys.argv[2].encode() * 32)\n"
        "        won += 1\n"
        "    except RefusedError:\n"
        "        pass\n"
        "print(won)\n"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", program, str(path), name], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for name in "abc"
    ]
    won = [int(child.communicate(timeout=60)[0]) for child in children]
    assert sum(won) <= 30
    assert SealedKey.load(path).last in [LastSigned(seq=30, id=name * 32) for name in (b"a", b"b", b"c")]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_guard_that_cannot_be_written_down_lets_no_signature_out(path: Path) -> None:
    key = create(path)
    elsewhere = path.parent / "gone" / "key"
    with pytest.raises(StorageError) as refused:
        key.record_last(elsewhere, 1, bytes(32))
    assert refused.value.code == "unwritable_file"


def test_on_a_full_disk_no_half_key_is_left_and_the_guard_stays_as_it_was(path: Path) -> None:
    create(path)
    before = path.read_bytes()
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from accredit.node.files.key_files import SealedKey, NodeKeys\n"
        "from accredit.registry.errors import StorageError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))\n"
        "path = Path(sys.argv[1])\n"
        "for attempt in (lambda: SealedKey.record_last(path, 1, bytes(32)),\n"
        "                lambda: NodeKeys.create(path.with_name('node'), 'node1')):\n"
        "    try:\n"
        "        attempt()\n"
        "    except StorageError as error:\n"
        "        print(error.code)\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", program, str(path)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (child.stdout.split(), child.stderr) == (["disk_full", "disk_full"], "")
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


# ------------------------------------------------------------------------------------------------ a node's keys


def test_a_nodes_keys_restart_unattended_and_are_four_different_ones(path: Path) -> None:
    made = NodeKeys.create(path, "node1.example.org")
    assert NodeKeys.load(path) == made
    assert len({made.peer, made.log, made.witness, made.state}) == 4
    seeds = json.loads(path.read_bytes())["seeds"]
    assert made.publics() == {role: public_of(bytes.fromhex(seeds[role])) for role in ROLES}
    assert path.stat().st_mode & 0o777 == 0o600
    assert not re.search("|".join(seeds.values()), repr(made) + "".join(repr(getattr(made, role)) for role in ROLES))
    assert repr(made) == "NodeKeys(name='node1.example.org')"
    path.chmod(0o644)
    with pytest.raises(InputError) as refused:
        NodeKeys.load(path)
    assert refused.value.code == "open_permissions"


def test_sealed_node_keys_need_their_passphrase(path: Path) -> None:
    seeds = {role: new_seed() for role in ROLES}
    made = NodeKeys.create(path, "node1", passphrase=PASSPHRASE, seeds=seeds, limits=FASTEST)
    assert not [seed for seed in seeds.values() if seed.hex() in path.read_text()]
    assert NodeKeys.load(path, PASSPHRASE) == made
    for passphrase, code in ((None, "passphrase_needed"), ("x", "wrong_passphrase")):
        with pytest.raises(InputError) as refused:
            NodeKeys.load(path, passphrase)
        assert refused.value.code == code


def test_a_passphrase_for_node_keys_that_are_not_sealed_is_refused(path: Path) -> None:
    """Its operator thinks that nobody can read them."""
    NodeKeys.create(path, "node1")
    with pytest.raises(InputError) as refused:
        NodeKeys.load(path, PASSPHRASE)
    assert refused.value.code == "not_sealed"


@pytest.mark.parametrize(
    "change",
    [
        lambda members: members.pop("seeds"),
        lambda members: members["seeds"].pop("state"),
        lambda members: members["seeds"].update(state="00" * 32),
        lambda members: members["public"].pop("log"),
        lambda members: members.update(name=None),
    ],
)
def test_changed_node_keys_are_called_corrupt(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    NodeKeys.create(path, "node1")
    edit(path, change)
    with pytest.raises(InputError) as refused:
        NodeKeys.load(path)
    assert refused.value.code == "key_file_corrupt"


def test_one_key_never_has_two_roles(path: Path) -> None:
    seeds = {role: new_seed() for role in ROLES}
    with pytest.raises(AssertionError, match="one role"):
        NodeKeys.create(path, "node1", seeds=seeds | {"state": seeds["log"]})
    assert not path.exists()
    assert replace(NodeKeys.of_seeds("n", seeds), name="m").name == "m"
