"""Checkpoints and log proofs: three lines that must have one spelling, and what rests on them."""

import base64
import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.encoding.ed25519 import KeyPair, public_of
from accredit.registry.errors import DecodeError, InputError, RefusedError
from accredit.registry.transparency import checkpoint
from accredit.registry.transparency.checkpoint import Checkpoint, LogProof, check_log_proof, open_checkpoint
from accredit.registry.transparency.merkle import EMPTY_ROOT, SIZE_MAX, MemoryHashes, leaf_hash, prove_inclusion, root
from accredit.registry.transparency.signed_note import KeyType, Note, VerifierKey, cosign, sign_note, sign_text

NOW = 1_700_000_000
LOG_SEED, WITNESS_SEED = bytes(32), bytes([1]) * 32
LOG = VerifierKey(name="log.example/1", type=KeyType.ED25519, public=public_of(LOG_SEED))
WITNESS = VerifierKey(name="witness.example", type=KeyType.COSIGNATURE_V1, public=public_of(WITNESS_SEED))
LEAVES = [leaf_hash(b"entry %d" % number) for number in range(11)]
HASHES = MemoryHashes()
HASHES.append(LEAVES)
CHECKPOINT = Checkpoint(origin=LOG.name, size=11, root=root(11, HASHES))
ROOT_LINE = base64.b64encode(CHECKPOINT.root).decode()


def signed(checkpoint: Checkpoint = CHECKPOINT) -> bytes:
    text = checkpoint.encode()
    note = Note(
        text=text,
        signatures=(
            sign_text(text, LOG.name, KeyPair(LOG_SEED)),
            cosign(text, WITNESS.name, KeyPair(WITNESS_SEED), NOW),
        ),
    )
    return note.encode()


def proof(index: int = 4, *, size: int = 11, extra: bytes | None = None) -> LogProof:
    checkpoint = Checkpoint(origin=LOG.name, size=size, root=root(size, HASHES))
    hashes = tuple(prove_inclusion(index, size, HASHES))
    return LogProof(index=index, hashes=hashes, checkpoint=signed(checkpoint), extra=extra)


def test_a_checkpoint_opens_with_the_key_of_its_log() -> None:
    opened = open_checkpoint(signed(), LOG, [WITNESS])

    assert opened.checkpoint == CHECKPOINT
    assert [(each.key, each.time) for each in opened.cosignatures] == [(WITNESS, NOW)]
    assert opened.note.encode() == signed()
    assert open_checkpoint(signed(), LOG).cosignatures == ()


def test_a_checkpoint_has_one_spelling() -> None:
    assert CHECKPOINT.encode() == f"log.example/1\n11\n{ROOT_LINE}\n"
    assert Checkpoint.decode(CHECKPOINT.encode()) == CHECKPOINT
    assert Checkpoint(origin="o", size=0, root=EMPTY_ROOT).encode().split("\n")[1] == "0"


@pytest.mark.parametrize(
    "size", ["011", "00", "", "+11", "-1", "1_1", " 11", "11 ", "1e1", "0xb", "\u0661", str(SIZE_MAX + 1)]
)
def test_leading_zeros_and_other_spellings_of_a_size_are_refused(size: str) -> None:
    with pytest.raises(DecodeError) as caught:
        Checkpoint.decode(f"log.example/1\n{size}\n{ROOT_LINE}\n")
    assert caught.value.code == "number"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        f"log.example/1\n11\n{ROOT_LINE}",
        f"log.example/1\n11\n{ROOT_LINE}\n\n",
        f"log.example/1\n11\n{ROOT_LINE}\nextension\n",
        f"\n11\n{ROOT_LINE}\n",
        "log.example/1\n11\n",
    ],
)
def test_missing_surplus_and_extension_lines_are_refused(text: str) -> None:
    with pytest.raises(DecodeError) as caught:
        Checkpoint.decode(text)
    assert caught.value.code == "checkpoint_lines"


def test_a_root_that_is_not_32_bytes_of_canonical_base64_is_refused() -> None:
    for line, code in ((ROOT_LINE[:-1], "base64"), ("", "base64"), ("AAAA", "checkpoint_root")):
        with pytest.raises(DecodeError) as caught:
            Checkpoint.decode(f"log.example/1\n11\n{line}\n")
        assert caught.value.code == code


def test_a_checkpoint_that_only_witnesses_signed_is_refused() -> None:
    """Elsewhere any known signature was enough, the log's own or not."""
    text = CHECKPOINT.encode()
    note = Note(text=text, signatures=(cosign(text, WITNESS.name, KeyPair(WITNESS_SEED), NOW),))

    with pytest.raises(RefusedError) as caught:
        open_checkpoint(note.encode(), LOG, [WITNESS])
    assert caught.value.code == "unsigned_by_log"


def test_a_checkpoint_of_another_log_is_refused_even_when_this_log_signed_it() -> None:
    other = Checkpoint(origin="log.example/2", size=11, root=CHECKPOINT.root)

    with pytest.raises(RefusedError) as caught:
        open_checkpoint(signed(other), LOG)
    assert caught.value.code == "wrong_origin"


def test_a_signed_text_that_is_no_checkpoint_is_refused() -> None:
    with pytest.raises(DecodeError):
        open_checkpoint(sign_note("hello\n", LOG.name, KeyPair(LOG_SEED)), LOG)


def test_every_entry_is_proved_by_a_file() -> None:
    for size in range(1, 12):
        for index in range(size):
            file = LogProof.decode(proof(index, size=size).encode())

            assert file == proof(index, size=size)
            assert check_log_proof(file, LEAVES[index], LOG, [WITNESS]).checkpoint.size == size


def test_the_bytes_of_a_proof_follow_the_specification() -> None:
    lines = proof(extra=b"out of band").encode().decode().split("\n")

    assert lines[:3] == ["c2sp.org/tlog-proof@v1", "extra b3V0IG9mIGJhbmQ=", "index 4"]
    assert base64.b64decode(lines[3]) == LEAVES[5]
    assert lines[7:9] == ["", "log.example/1"]
    assert LogProof.decode(proof(extra=b"out of band").encode()).extra == b"out of band"


def test_a_proof_of_another_entry_index_or_log_is_refused() -> None:
    good = proof()
    with pytest.raises(RefusedError):
        check_log_proof(good, LEAVES[5], LOG)
    moved = LogProof(index=5, hashes=good.hashes, checkpoint=good.checkpoint)
    with pytest.raises(RefusedError):
        check_log_proof(moved, LEAVES[4], LOG)
    with pytest.raises(RefusedError):
        check_log_proof(good, LEAVES[4], VerifierKey(name="log.example/2", type=LOG.type, public=LOG.public))


HEAD = "c2sp.org/tlog-proof@v1\n"


@pytest.mark.parametrize(
    ("head", "code"),
    [
        ("", "proof_header"),
        ("c2sp.org/tlog-proof@v2\nindex 4", "proof_header"),
        (HEAD.strip(), "proof_index"),
        (HEAD + "index", "proof_index"),
        (HEAD + "extra AAAA", "proof_index"),
        (HEAD + "extra AAAA\nextra AAAA\nindex 4", "proof_index"),
        (HEAD + "index 4\nextra AAAA", "base64"),
        (HEAD + "extra \nindex 4", "base64"),
        (HEAD + "index 04", "number"),
        (HEAD + "index -4", "number"),
        (HEAD + "index 4\nAAAA", "proof_hashes"),
        (HEAD + "index 4" + f"\n{ROOT_LINE}" * 64, "proof_hashes"),
        (HEAD + "index 4\r", "note_control"),
        (HEAD + "index 4\n" + ROOT_LINE[:-2] + chr(ord(ROOT_LINE[-2]) + 1) + "=", "base64"),
    ],
)
def test_a_proof_file_in_another_form_is_refused(head: str, code: str) -> None:
    with pytest.raises(DecodeError) as caught:
        LogProof.decode(head.encode() + b"\n\n" + signed())
    assert caught.value.code == code


def test_a_proof_file_without_its_checkpoint_is_refused() -> None:
    with pytest.raises(DecodeError) as caught:
        LogProof.decode(b"c2sp.org/tlog-proof@v1\nindex 4\n")
    assert caught.value.code == "proof_form"


FILE = proof().encode()


def witnessed(data: bytes) -> bool:
    """What a policy that wants the witness says of a file."""
    try:
        return bool(check_log_proof(LogProof.decode(data), LEAVES[4], LOG, [WITNESS]).cosignatures)
    except InputError:
        return False


def test_no_byte_of_a_proof_file_can_be_changed() -> None:
    assert witnessed(FILE)
    for at in range(len(FILE)):
        for change in (0x01, 0x20, 0x80):
            altered = bytearray(FILE)
            altered[at] ^= change

            assert not witnessed(bytes(altered)), (at, change)


def test_no_truncation_of_a_proof_file_passes() -> None:
    assert not any(witnessed(FILE[:end]) for end in range(len(FILE)))


@given(
    st.binary(max_size=200) | st.text(alphabet="index exr4\nA=/", max_size=60).map(lambda text: (HEAD + text).encode())
)
def test_any_bytes_are_a_proof_file_or_an_error_of_ours(data: bytes) -> None:
    try:
        file = LogProof.decode(data)
    except DecodeError:
        return
    assert file.encode() == data


@given(st.text(alphabet="log\n0123=AB", max_size=80))
def test_any_text_is_a_checkpoint_or_an_error_of_ours(text: str) -> None:
    try:
        checkpoint = Checkpoint.decode(text)
    except DecodeError:
        return
    assert checkpoint.encode() == text


def test_the_example_in_the_docstring_runs() -> None:
    result = doctest.testmod(
        checkpoint,
        extraglobs={
            "EMPTY_ROOT": EMPTY_ROOT,
            "KeyType": KeyType,
            "public_of": public_of,
            "sign_note": sign_note,
        },
    )

    assert result.attempted > 0
    assert result.failed == 0
