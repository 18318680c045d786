"""Checkpoints that nodes show each other: two trees of one size are noticed, and noise fills no memory."""

import pytest

from accredit.node.engine.head_ledger import KEPT, NOTE_BYTES, OTHERS, Ledger, Sayings
from accredit.registry.encoding.ed25519 import KeyPair, public_of
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.equivocation import check
from accredit.registry.transparency.signed_note import KeyType, VerifierKey, sign_note
from tests.strategies.consortium import seed_of

NAMES = [f"n{number}.example" for number in range(6)]
KEYS = {name: public_of(seed_of(name)) for name in NAMES}


def checkpoint(name: str = NAMES[0], size: int = 7, root: int = 1, seed: str = "") -> bytes:
    text = Checkpoint(origin=name, size=size, root=root.to_bytes(32)).encode()
    return sign_note(text, name, KeyPair(seed_of(seed or name)))


def test_two_trees_of_one_size_are_a_conflict_that_anybody_can_check() -> None:
    ledger = Ledger()
    assert ledger.hear(checkpoint(root=1), KEYS.get) is None
    assert ledger.hear(checkpoint(root=1), KEYS.get) is None
    assert ledger.hear(checkpoint(size=8, root=2), KEYS.get) is None
    conflict = ledger.hear(checkpoint(root=3), KEYS.get)
    assert conflict is not None
    assert check(conflict.encode()).key.public == KEYS[NAMES[0]]
    assert ledger.refused == 0


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"no note",
        checkpoint(seed="another"),
        checkpoint("stranger.example"),
        checkpoint() + b"\n" * NOTE_BYTES,
        sign_note("one line\n", NAMES[0], KeyPair(seed_of(NAMES[0]))),
    ],
)
def test_what_is_no_checkpoint_of_a_log_here_is_counted_and_never_shown(note: bytes) -> None:
    ledger = Ledger()
    assert ledger.hear(note, KEYS.get) is None
    assert ledger.refused == 1
    assert ledger.shown() == ()


def test_a_forged_checkpoint_makes_nobody_guilty() -> None:
    ledger = Ledger()
    ledger.hear(checkpoint(root=1), KEYS.get)
    assert ledger.hear(checkpoint(root=2, seed="another"), KEYS.get) is None


def test_the_own_checkpoint_is_shown_first_and_others_in_turn() -> None:
    ledger = Ledger()
    ledger.own = checkpoint(NAMES[0])
    notes = [checkpoint(name) for name in NAMES]
    shown: dict[bytes, None] = {}
    for note in notes * 2:
        ledger.hear(note, KEYS.get)
        assert len(ledger.shown()) <= 1 + OTHERS
        assert ledger.shown()[0] == ledger.own
        shown |= dict.fromkeys(ledger.shown())
    assert list(shown) == [ledger.own, *(note for note in shown if note != ledger.own)]
    assert sorted(shown) == sorted(notes)


def test_an_older_checkpoint_does_not_take_the_place_of_a_newer_one() -> None:
    ledger = Ledger()
    new, old = checkpoint(size=9), checkpoint(size=8)
    ledger.hear(new, KEYS.get)
    ledger.hear(old, KEYS.get)
    assert ledger.shown() == (new,)


def test_of_one_key_only_the_newest_sizes_are_remembered() -> None:
    sayings = Sayings()
    key = VerifierKey(name=NAMES[0], type=KeyType.ED25519, public=KEYS[NAMES[0]])
    for size in range(KEPT + 1):
        assert sayings.compare(key, size, bytes(32), b"first") is None
    assert sayings.root(key, 0) is None
    assert sayings.compare(key, KEPT, b"\x01" * 32, b"other") == b"first"
    assert sayings.compare(key, KEPT, bytes(32), b"again") is None
