"""Conflicts: files that prove a lie by themselves, and nothing that is none."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.encoding.cbor import decode, encode
from accredit.registry.encoding.ed25519 import KeyPair, public_of
from accredit.registry.errors import DecodeError, RefusedError
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.equivocation import (
    CHECKPOINTS,
    Conflict,
    Entry,
    check,
    conflict_of_checkpoints,
    conflict_of_states,
)
from accredit.registry.transparency.merkle import MemoryHashes, leaf_hash, prove_inclusion, root
from accredit.registry.transparency.signed_note import KeyType, Note, VerifierKey, cosign, sign_note
from accredit.registry.transparency.state_note import StateNote
from tests.strategies.domain import seed_of
from tests.strategies.noted import cosigned, node_names, signer_keys

ORIGIN = "log.example/1"
SEED = seed_of("log")
LOG = VerifierKey(name=ORIGIN, type=KeyType.ED25519, public=public_of(SEED))
SIGNER = signer_keys(1)[0]
STATE = StateNote(name="Example", ecosystem=b"\x0e" * 32, fold=1, count=42, root=b"\x01" * 32)
OTHER = replace(STATE, root=b"\x02" * 32)


def log_of(*entries: bytes) -> MemoryHashes:
    hashes = MemoryHashes()
    hashes.append([leaf_hash(entry) for entry in entries])
    return hashes


def checkpoint(*entries: bytes, origin: str = ORIGIN) -> bytes:
    text = Checkpoint(origin=origin, size=len(entries), root=root(len(entries), log_of(*entries))).encode()
    return sign_note(text, origin, KeyPair(SEED))


HONEST, FORKED = (b"a", b"b", b"c"), (b"a", b"x", b"c", b"d", b"e")


def entry(index: int = 1, first: tuple[bytes, ...] = HONEST, second: tuple[bytes, ...] = FORKED) -> Entry:
    def side(entries: tuple[bytes, ...]) -> tuple[bytes, tuple[bytes, ...]]:
        return leaf_hash(entries[index]), tuple(prove_inclusion(index, len(entries), log_of(*entries)))

    (first_leaf, first_path), (second_leaf, second_path) = side(first), side(second)
    return Entry(
        index=index, first_leaf=first_leaf, first_path=first_path, second_leaf=second_leaf, second_path=second_path
    )


def states(one: StateNote = STATE, other: StateNote = OTHER) -> tuple[bytes, bytes]:
    return cosigned(one, 10, node_names(3)), cosigned(other, 20, node_names(2))


ONE_SIZE = conflict_of_checkpoints(checkpoint(*HONEST), checkpoint(*FORKED[:3]), LOG)
TWO_SIZES = conflict_of_checkpoints(checkpoint(*HONEST), checkpoint(*FORKED), LOG, entry())
STATES = conflict_of_states(*states(), SIGNER)
ALL = pytest.mark.parametrize("conflict", [ONE_SIZE, TWO_SIZES, STATES])


@ALL
def test_a_conflict_proves_itself_from_its_bytes_alone(conflict: Conflict) -> None:
    assert check(conflict.encode()) == conflict
    assert len(conflict.encode()) < 1500


@ALL
def test_every_mutated_byte_of_a_conflict_is_refused_or_accuses_the_same_key(conflict: Conflict) -> None:
    data = conflict.encode()
    for at, byte in enumerate(data):
        for mask in (1 << at % 8, 0xFF):
            with pytest.raises((DecodeError, RefusedError)):
                check(data[:at] + bytes([byte ^ mask]) + data[at + 1 :])


def test_nobody_can_be_accused_with_a_key_that_did_not_sign() -> None:
    innocent = VerifierKey(name=ORIGIN, type=KeyType.ED25519, public=public_of(seed_of("innocent")))
    with pytest.raises(RefusedError):
        check(replace(ONE_SIZE, key=innocent).encode())
    with pytest.raises(RefusedError):
        conflict_of_states(*states(), signer_keys(3)[2])


def test_the_order_in_which_they_were_found_does_not_matter() -> None:
    assert conflict_of_checkpoints(checkpoint(*FORKED[:3]), checkpoint(*HONEST), LOG) == ONE_SIZE
    backwards = conflict_of_checkpoints(checkpoint(*FORKED), checkpoint(*HONEST), LOG, entry(1, FORKED, HONEST))
    assert backwards == TWO_SIZES
    one, other = states()
    assert conflict_of_states(other, one, SIGNER) == STATES
    assert conflict_of_checkpoints(checkpoint(*FORKED[:3]), checkpoint(*HONEST), LOG).entry is None


def test_lines_of_others_are_left_out() -> None:
    assert b"n1.example" not in STATES.encode()
    notes = states()
    with pytest.raises(DecodeError, match="only the signature line"):
        check(replace(STATES, first=notes[0], second=notes[1]).encode())


def test_a_log_that_only_grew_is_not_accused() -> None:
    grown = (*HONEST, b"d")
    with pytest.raises(RefusedError, match="no differing entry is shown"):
        conflict_of_checkpoints(checkpoint(*HONEST), checkpoint(*grown), LOG)
    with pytest.raises(RefusedError, match="the same in both"):
        conflict_of_checkpoints(checkpoint(*HONEST), checkpoint(*grown), LOG, entry(1, HONEST, grown))
    wrong = replace(entry(1, HONEST, grown), second_leaf=leaf_hash(b"x"))
    with pytest.raises(RefusedError, match="a different root"):
        conflict_of_checkpoints(checkpoint(*HONEST), checkpoint(*grown), LOG, wrong)
    wrong = replace(entry(1, HONEST, grown), first_leaf=leaf_hash(b"x"))
    with pytest.raises(RefusedError, match="a different root"):
        conflict_of_checkpoints(checkpoint(*HONEST), checkpoint(*grown), LOG, wrong)


def test_one_checkpoint_twice_is_no_conflict() -> None:
    with pytest.raises(DecodeError, match="sorted by size"):
        conflict_of_checkpoints(checkpoint(*HONEST), checkpoint(*HONEST), LOG)
    with pytest.raises(DecodeError, match="sorted by size"):
        check(replace(ONE_SIZE, first=ONE_SIZE.second, second=ONE_SIZE.first).encode())


def test_a_spare_entry_is_refused() -> None:
    with pytest.raises(RefusedError):
        check(replace(ONE_SIZE, entry=entry(1, HONEST, FORKED[:3])).encode())


def test_checkpoints_of_two_origins_are_no_conflict() -> None:
    with pytest.raises(RefusedError):
        conflict_of_checkpoints(checkpoint(*HONEST), checkpoint(*FORKED[:3], origin="log.example/2"), LOG)


def test_a_witness_is_not_accused_for_what_its_log_did() -> None:
    key = VerifierKey(name=ORIGIN, type=KeyType.COSIGNATURE_V1, public=LOG.public)
    notes = []
    for entries in (HONEST, FORKED[:3]):
        text = Note.decode(checkpoint(*entries)).text
        notes.append(Note(text=text, signatures=(cosign(text, ORIGIN, KeyPair(SEED), 10),)).encode())
    with pytest.raises(RefusedError, match="the fault is the log's"):
        check(Conflict(kind=CHECKPOINTS, key=key, first=notes[0], second=notes[1]).encode())


@pytest.mark.parametrize(
    "other",
    [
        replace(OTHER, count=43),
        replace(OTHER, fold=2),
        replace(OTHER, ecosystem=bytes(32)),
        replace(STATE, name="Another name"),
    ],
)
def test_notes_that_can_both_be_true_are_no_conflict(other: StateNote) -> None:
    with pytest.raises(RefusedError) as refused:
        conflict_of_states(*states(STATE, other), SIGNER)
    assert refused.value.code == "no_conflict"


def test_state_notes_are_not_cosigned_with_a_log_key() -> None:
    with pytest.raises(RefusedError):
        check(replace(STATES, key=LOG).encode())


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"kind": "gossip"},
        {"key": "no vkey"},
        {"key": 1},
        {"first": "text"},
        {"second": bytes(5000)},
        {"entry": []},
        {"entry": [0, [bytes(32), []]]},
        {"entry": [-1, [bytes(32), []], [bytes(32), []]]},
        {"entry": [0, [bytes(32), []], [bytes(31), []]]},
        {"entry": [0, [bytes(32), [b""]], [bytes(32), []]]},
        {"entry": [0, [bytes(32), [bytes(32)] * 64], [bytes(32), []]]},
        {"entry": [0, [bytes(32), {}], [bytes(32), []]]},
        {"entry": [0, bytes(32), [bytes(32), []]]},
        {"ext": 1},
        {"more": 1},
    ],
)
def test_a_file_of_another_form_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(DecodeError):
        check(encode({**decode(ONE_SIZE.encode()), **change}))


@given(st.binary(max_size=80))
def test_any_bytes_raise_only_our_errors(data: bytes) -> None:
    with pytest.raises(DecodeError):
        check(data)
