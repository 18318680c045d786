"""A node that serves bytes which do not fit together: whoever derives them again is told what the first of them is."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from accredit.cli.commands.operator.log import noted_bytes
from accredit.cli.verifying.rederive import Derived, derive
from accredit.governance.fold import Fold
from accredit.registry.domain.records import FOLD_VERSION
from accredit.registry.encoding.cbor import encode
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.errors import DecodeError, RefusedError, RemoteError
from accredit.registry.evidence.snapshot import encode_snapshot
from accredit.registry.statement import Statement
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.merkle import leaf_hash
from accredit.registry.transparency.signed_note import Note
from accredit.registry.transparency.state_note import StateNote, cosign_state
from accredit.registry.transparency.tiles import derive_root
from tests.strategies.bodies import ISSUER, grant, register
from tests.strategies.consortium import Consortium
from tests.strategies.network import A, node_seed
from tests.strategies.signing import signing_town

NAMES = [f"node{number}" for number in range(1, 5)]


@pytest.fixture(scope="module")
def town() -> Consortium:
    made = signing_town(4)
    made.says(A, "issuer.register", register())
    made.says(A, "accreditation.grant", grant())
    made.says(A, "issuer.register", register("did:web:other.example"))
    return made


def state_of(fold: Fold) -> StateNote:
    assert fold.charter is not None
    root = fold.state_root()
    return StateNote(name="A consortium", ecosystem=fold.ecosystem, fold=FOLD_VERSION, count=len(fold), root=root)


def cosigned(state: StateNote, names: Sequence[str] = NAMES[:3]) -> bytes:
    lines = tuple(cosign_state(state, name, KeyPair(node_seed(name, "state")), 1_700_000_000) for name in names)
    return Note(text=state.encode(), signatures=lines).encode()


def snapshot_of(fold: Fold, note: bytes) -> bytes:
    records = [(subject, encode(record)) for subject, record in fold.items()]
    return encode_snapshot(records, statements_root=fold.statements_root(), note=note)


def checkpoint_of(said: Sequence[Statement]) -> Checkpoint:
    return Checkpoint(origin="node1", size=len(said), root=derive_root(leaf_hash(each.raw) for each in said))


def derived(
    town: Consortium, *, noted: Fold | None = None, note: bytes | None = None, snapshot: bytes | None = None
) -> Derived:
    fold = noted or town.fold()
    note = cosigned(state_of(fold)) if note is None else note
    snapshot = snapshot_of(fold, note) if snapshot is None else snapshot
    raws = (each.raw for each in town.said)
    return derive(town.eco, raws, checkpoint_of(town.said), note, snapshot)


def test_what_fits_is_derived_from_the_log_alone(town: Consortium) -> None:
    found, fold = derived(town), town.fold()
    assert (found.statements, found.cosigned, found.is_compared) == (len(town.said), 3, True)
    assert (found.records_root, found.records) == (fold.records_root(), sum(1 for _ in fold.items()))
    assert found.state == state_of(fold)


def test_a_note_of_the_logs_beginning_is_compared_with_it(town: Consortium) -> None:
    found = derived(town, noted=town.fold(town.said[:-1]))
    assert found.is_compared
    assert found.state is not None
    assert found.state.count == len(town.said) - 1


def test_a_note_of_some_other_part_cannot_be_compared_and_that_is_said(town: Consortium) -> None:
    other = town.fold([each for each in town.said if each is not town.said[-2]])
    assert not derived(town, noted=other).is_compared


def test_before_the_first_quorum_there_is_nothing_to_compare(town: Consortium) -> None:
    found = derived(town, note=b"", snapshot=b"")
    assert (found.state, found.is_compared) == (None, False)


class Node:
    """What `noted_bytes` asks: a node whose state goes on between two questions, `changes` times."""

    def __init__(self, changes: int, code: str = "") -> None:
        self.changes = changes
        self.code = code

    def state_note(self) -> bytes:
        if self.code:
            raise RemoteError(self.code, "no.")
        return b"state %d\n\nsignatures" % self.changes

    def snapshot(self) -> bytes:
        self.changes -= self.changes > 0
        return b"records, state %d\n\nmore signatures" % self.changes


def test_note_and_snapshot_are_of_one_state_or_nothing_is_compared() -> None:
    note, snapshot = noted_bytes(Node(3))  # type: ignore[arg-type]
    assert (note, snapshot) == (b"state 0\n\nsignatures", b"records, state 0\n\nmore signatures")
    assert noted_bytes(Node(0, "no_state_note")) == (b"", b"")  # type: ignore[arg-type]
    for node, code in ((Node(9), "too_busy"), (Node(0, "unreachable"), "unreachable")):
        with pytest.raises(RemoteError) as failed:
            noted_bytes(node)  # type: ignore[arg-type]
        assert failed.value.code == code


def test_an_entry_with_a_flipped_bit_is_named(town: Consortium) -> None:
    for number, statement in enumerate(town.said):
        raws = [each.raw for each in town.said]
        raws[number] = statement.raw[:-3] + bytes([statement.raw[-3] ^ 1]) + statement.raw[-2:]
        with pytest.raises(RefusedError, match=f"Entry {number} ") as refused:
            derive(town.eco, iter(raws), checkpoint_of(town.said), b"", b"")
        assert refused.value.code == "entry_not_acceptable"


def test_a_log_that_is_not_the_one_signed_is_refused(town: Consortium) -> None:
    raws = [each.raw for each in town.said]
    signed = checkpoint_of(town.said)
    for served, checkpoint, code in (
        (raws[:-1], signed, "log_size"),
        (raws, replace(signed, root=bytes(32)), "log_root"),
        ([*raws[:-2], raws[-1], raws[-2]], signed, "log_root"),
    ):
        with pytest.raises(RefusedError) as refused:
            derive(town.eco, iter(served), checkpoint, b"", b"")
        assert refused.value.code == code


def test_a_note_over_another_state_is_refused(town: Consortium) -> None:
    state = state_of(town.fold())
    for wrong in (replace(state, root=bytes(32)), replace(state, count=state.count + 1)):
        with pytest.raises(RefusedError, match="do not lead to the state") as refused:
            derived(town, note=cosigned(wrong))
        assert refused.value.code == "state_root"
        assert refused.value.hint
    with pytest.raises(DecodeError):
        derived(town, note=b"no note")


def test_a_note_without_a_quorum_is_refused(town: Consortium) -> None:
    state = state_of(town.fold())
    with pytest.raises(RefusedError, match="2 of 4 signers"):
        derived(town, note=cosigned(state, NAMES[:2]))


def test_every_record_of_a_snapshot_is_compared_and_the_one_that_differs_is_named(town: Consortium) -> None:
    fold = town.fold()
    note = cosigned(state_of(fold))
    for kind, id in (("issuer", ISSUER), ("issuer", "did:web:other.example"), ("node", "node2")):
        records = {subject: encode(record) for subject, record in fold.items()}
        raw = records[kind, id]
        records[kind, id] = raw[:-1] + bytes([raw[-1] ^ 1])
        wrong = encode_snapshot(records.items(), statements_root=fold.statements_root(), note=note)
        with pytest.raises(RefusedError, match=f"The {kind} record of {id} in the snapshot"):
            derived(town, snapshot=wrong)
    whole = snapshot_of(fold, note)
    for wrong, names in (
        (whole[:30] + bytes([whole[30] ^ 1]) + whole[31:], "The beginning of the snapshot"),
        (whole[: len(whole) // 2], "in the snapshot"),
        (b"", "The beginning"),
    ):
        with pytest.raises(RefusedError, match=names):
            derived(town, snapshot=wrong)
