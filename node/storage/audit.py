"""Recomputes a node's whole log from its stored bytes, and names the first inconsistency.

    size, root = audit(reader)
    state = audit_state(kept.state, kept.part, fold, order)         a noted or cosigned state, from the log's statements
    audit_noted(reader, state)                                      the noted records, from that state
    audit_fold(reader, fold, order)                                 what the node's fold is read from at the start

It compares SQLite's own structure (indexes with rows) · numbers without a gap · every entry's bytes with its id ·
every hash of every tile · the stored root · the newest checkpoint's origin, size and root · the feed of changes and
the kept facts with their checksums; times of the feed never go back · the noted records, their keys, the leaves and
pages of both maps, their roots and the note, the past states. Entries never change, so a node may go on appending
meanwhile: the audit covers the log as it was when the audit began. To check a state, it folds the state's part of the
log from nothing, and compares count and root; for the noted state also every record, byte for byte.

It does not verify signatures of statements or notes, or ask other nodes what they saw of this log.
"""

from collections.abc import Callable, MutableMapping, Sequence
from typing import Any, Final

from accredit.governance.fold import Fold
from accredit.governance.index.holdings import Fact, InMemory
from accredit.node.engine.quorum_state import Part
from accredit.registry.domain.records import FOLD_VERSION
from accredit.registry.errors import AccreditError, InputError, StorageError
from accredit.registry.statement import decode as decode_statement
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.merkle import HASH_BYTES, leaf_hash
from accredit.registry.transparency.signed_note import Note
from accredit.registry.transparency.state_note import StateNote
from accredit.registry.transparency.tiles import TILE_WIDTH

from .fold_store import StoredHoldings
from .fold_writes import fold_damaged
from .log_reader import Reader
from .state_store import StoredNoted
from .tree_edge import EMPTY_EDGE, Edge, tree_damaged

_BATCH: Final = 4 * TILE_WIDTH  # whole tiles; at 16 KiB a statement 16 MiB


def audit(
    reader: Reader,
    *,
    identify: Callable[[bytes], bytes] = lambda raw: decode_statement(raw).id,
    progress: Callable[[int, int], None] = lambda done, size: None,  # noqa: ARG005
) -> tuple[int, bytes]:
    """Return size and root, derived from the entries alone.

    Args:
        identify: the id that an entry's bytes must have.
        progress: called with entries done and entries in all.

    Raises:
        StorageError: `tree_damaged`, `feed_damaged`, `kept_damaged`, `state_damaged` or `map_damaged`, and the first
            inconsistency.
    """
    verdict = reader.integrity()
    if verdict != "ok":
        raise tree_damaged(f"SQLite reports {verdict!r}")
    assert reader.ecosystem, "or it has raised"
    size, root = reader.checked_head()
    edge = EMPTY_EDGE
    for start in range(0, size, _BATCH):
        edge = _extended(edge, reader, min(start + _BATCH, size), identify)
        progress(edge.size, size)
    if edge.root() != root:
        raise tree_damaged(f"the {size} entries do not lead to the stored root")
    _check_checkpoint(reader)
    reader.check_feed()
    reader.check_kept()
    StoredNoted(reader).check()
    kept = StoredHoldings(reader, FOLD_VERSION)
    if kept.resume():
        kept.check()
    return size, root


def audit_noted(reader: Reader, fold: Fold) -> int:
    """Return the number of noted records, after comparing each with the result of the noted part of the log.

    Args:
        fold: of that part, as `audit_state` returns it.

    Raises:
        StorageError: `state_damaged` and the like, and the first record that differs.
    """
    records = dict(fold.items())
    StoredNoted(reader).check(records)
    return len(records)


def audit_state(state: StateNote, part: Part, whole: Fold, order: Sequence[bytes]) -> Fold:
    """Return the fold of a part of the log, whose state is the one given.

    Args:
        state, part: what was cosigned or noted, and of which part of the log it was.
        whole: the fold of the whole log, settled. order: its ids.

    Raises:
        StorageError: `state_damaged`: that part is missing, or leads to another state.
    """
    if part.size > len(order):
        raise _state_damaged(f"it covers {part.size} entries, but {len(order)} are here")
    left_out = dict.fromkeys(part.without)
    fold = whole
    if left_out or part.size < len(order):
        fold = Fold(whole.ecosystem)
        for id in (id for number, id in enumerate(order[: part.size]) if number not in left_out):
            fold.add(whole.chains[id])
        fold.settle()
    if (len(fold), fold.state_root()) != (state.count, state.root):
        raise _state_damaged(
            f"it has {state.count} statements and the root {state.root.hex()[:16]}, but the log leads to "
            f"{len(fold)} and {fold.state_root().hex()[:16]}"
        )
    return fold


class _Remembered(InMemory):
    """Holdings in memory that record which facts were asked for."""

    def __init__(self) -> None:
        self.found: list[tuple[Fact, MutableMapping[Any, Any]]] = []

    def facts(self, fact: Fact) -> MutableMapping[Any, Any]:
        """See `Holdings`."""
        self.found.append((fact, {}))
        return self.found[-1][1]


def audit_fold(reader: Reader, whole: Fold, order: Sequence[bytes]) -> int:
    """Return the number of statements in the stored fold, after comparing each of its facts with the log.

    Args:
        whole, order: as of `audit_state`.

    Raises:
        StorageError: `fold_damaged`, and the first fact that differs.
    """
    with reader.snapshot():
        stored = StoredHoldings(reader, FOLD_VERSION)
        if not stored.resume() or stored.mark.part.size > len(order):
            return 0
        remembered, part = _Remembered(), stored.mark.part
        fold, without = Fold(whole.ecosystem, remembered), dict.fromkeys(part.without)
        for number, id in enumerate(order[: part.size]):
            if number not in without:
                fold.add(whole.chains[id])
        fold.settle()
        for fact, expected in remembered.found:
            kept = stored.facts(fact)
            if len(kept) != len(expected):
                raise fold_damaged(f"it has {len(kept)} entries of {fact.name}, but the log leads to {len(expected)}")
            for key, value in expected.items():
                # In which order things came is no part of what is concluded.
                if _unordered(kept.get(key)) != _unordered(value):
                    raise fold_damaged(f"the {fact.name} of {key!r} does not match the log")
    return len(fold)


def _unordered(value: Any) -> Any:
    return sorted(value, key=repr) if type(value) is tuple else value


def _state_damaged(what: str) -> StorageError:
    return StorageError(
        "state_damaged",
        f"The stored state does not follow from the log: {what}.",
        hint="Stop the node, check the disk, then restore a backup that is new enough.",
    )


def _extended(edge: Edge, reader: Reader, stop: int, identify: Callable[[bytes], bytes]) -> Edge:
    """Return the edge after the entries before `stop`, after comparing every tile that they touch."""
    rows = reader.rows(edge.size, stop)
    for expected, (number, id, raw) in enumerate(rows, start=edge.size):
        if number != expected:
            raise tree_damaged(f"entry {expected} is missing")
        try:
            found = identify(raw)
        except AccreditError as error:
            raise tree_damaged(f"entry {number} cannot be read: {error.message}") from error
        if found != id:
            raise tree_damaged(f"entry {number} is stored as {id.hex()}, but its bytes have the id {found.hex()}")
    edge, tiles = edge.extend([leaf_hash(raw) for _, _, raw in rows])
    for (level, index), content in tiles.items():
        stored = reader.tile(level, index, len(content) // HASH_BYTES)
        if stored is None:
            raise tree_damaged(f"tile {level}/{index} is missing or too short")
        for at in range(0, len(content), HASH_BYTES):
            if stored[at : at + HASH_BYTES] != content[at : at + HASH_BYTES]:
                raise tree_damaged(f"hash {at // HASH_BYTES} of tile {level}/{index} does not match its entries")
    return edge


def _check_checkpoint(reader: Reader) -> None:
    signed = reader.checkpoint()
    if signed is None:
        return
    try:
        checkpoint = Checkpoint.decode(Note.decode(signed[1].encode()).text)
    except InputError as error:
        raise tree_damaged(f"the stored checkpoint cannot be read: {error.message}") from error
    if checkpoint.origin != reader.origin or checkpoint.size != signed[0]:
        raise tree_damaged(f"the stored checkpoint belongs to {checkpoint.origin} at {checkpoint.size}")
    # A node that runs may have signed a longer log meanwhile; what it signed must be in the database by now.
    if checkpoint.size > reader.size():
        raise tree_damaged(f"the signed checkpoint has {checkpoint.size} entries, but {reader.size()} are here")
    if checkpoint.root != reader.root(checkpoint.size):
        raise tree_damaged(f"the root of the checkpoint at {checkpoint.size} does not match the log")
