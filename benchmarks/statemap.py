"""The state map in memory and in SQLite: changes, proofs, checks, rebuilding, and what they cost as the map grows.

For each size: leaves a second taken in by one bulk build and by batches of 1,000, proofs made and checked a second,
the size of a proof, bytes a leaf on the disk, and how long a state's note takes to be stored with 100 changed records.
Then the ratios: SQLite to memory, and the largest map to the smallest. Targets (performance.md): a query takes at most
1.5 times as long with 10^6 issuers as with 10^4, a proof has at most 1 KiB. Updates, proofs and checks at 10^6 leaves
were measured on a prototype at 5,000, 5,000 and 58,000 a second.

Arguments: the sizes, as powers of ten; 4 5 by default. 6 takes some minutes.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from accredit.node.storage.log_store import Store
from accredit.node.storage.sqlite import connect_reader, connect_writer, transaction
from accredit.node.storage.sqlite_trie import SqliteStateMap, tables
from accredit.node.storage.state_store import NotedStore
from accredit.registry.transparency.state_map import StateMap, Trie
from accredit.registry.transparency.state_trie import check_proof
from benchmarks.harness import RUNS, Report, timed
from tests.strategies.noted_states import Story, issuers

PROOFS: Final = 1_000
BATCH: Final = 1_000
CHANGED: Final = 100
SIZES: Final = (4, 5)
MAP: Final = "records"

RunsByFigure = dict[str, list[float]]


def leaf(number: int) -> tuple[bytes, bytes]:
    """A key and a value."""
    return sha256(b"key %d" % number).digest(), sha256(b"value %d" % number).digest()


def measure_map(found: StateMap, keys: list[bytes], figures: RunsByFigure) -> None:
    """Proofs, from one map."""
    root, proofs = found.root(), list[bytes]()
    seconds = timed(lambda: proofs.extend(map(found.prove, keys)))
    figures["proofs"].append(len(keys) / seconds)
    pairs = list(zip(keys, proofs, strict=True))
    figures["checks"].append(len(keys) / timed(lambda: [check_proof(root, *pair) for pair in pairs]))
    figures["proof, mean"].append(sum(map(len, proofs)) / len(proofs))
    figures["proof, largest"].append(max(map(len, proofs)))


def batches(run: int, count: int) -> Iterator[dict[bytes, bytes | None]]:
    """New leaves, as many a batch as a full one of the log."""
    for number in range(count):
        start = (1 + run) * 10**9 + number * BATCH
        yield dict(map(leaf, range(start, start + BATCH)))


def in_memory(leaves: list[tuple[bytes, bytes]], keys: list[bytes], run: int, figures: RunsByFigure) -> None:
    """`registry.transparency.state_trie.Trie`."""
    made: list[Trie] = []

    def build() -> None:
        made.append(Trie(leaves))
        made[0].root()

    seconds = timed(build)
    figures["bulk build"].append(len(leaves) / seconds)
    measure_map(made[0], keys, figures)

    def update() -> None:
        for batch in batches(run, 3):
            for key, value in batch.items():
                made[0].set(key, value)
            made[0].root()

    figures["changes in batches"].append(3 * BATCH / timed(update))


@contextmanager
def opened(folder: Path) -> Iterator[tuple[Any, Any]]:
    """A writer and a reader of an empty map."""
    path = folder / "map.sqlite"
    writer = connect_writer(path)
    for statement in tables(MAP):
        writer.execute(statement)
    reader = connect_reader(path)
    yield writer, reader
    reader.close()
    writer.close()
    path.unlink()


def in_sqlite(
    folder: Path, leaves: list[tuple[bytes, bytes]], keys: list[bytes], run: int, figures: RunsByFigure
) -> None:
    """`node.storage.sqlite_trie.SqliteStateMap`: written durably, read by another connection."""
    with opened(folder) as (writer, reader):
        writing, reading = SqliteStateMap(writer, MAP), SqliteStateMap(reader, MAP)

        def in_transaction(work: Callable[[], object]) -> None:
            with transaction(writer):
                work()

        seconds = timed(lambda: in_transaction(partial(writing.rebuild, leaves)))
        figures["bulk build"].append(len(leaves) / seconds)
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        figures["on the disk"].append((folder / "map.sqlite").stat().st_size / len(leaves))
        reader.execute("BEGIN")
        measure_map(reading, keys, figures)
        reader.execute("COMMIT")
        figures["compared with its leaves"].append(len(leaves) / timed(reading.check))

        def update() -> None:
            for batch in batches(run, 3):
                in_transaction(partial(writing.update, batch))

        seconds = timed(update)
        figures["changes in batches"].append(3 * BATCH / seconds)


def notes(folder: Path, size: int, figures: RunsByFigure) -> None:
    """A note with its changed records, durably, over so many records."""
    path = folder / "noted.sqlite"
    with Store.open(path, ecosystem=bytes(32), origin="node1") as store:
        noted, story = NotedStore(store), Story()
        noted.settle(**story.step(issuers(*range(size))).given())
        for run in range(RUNS):
            step = story.step(issuers(*range(run, size, size // CHANGED), word=f"was{run}"))
            seconds = timed(partial(noted.settle, **step.given()))
            figures["a note with 100 changed records"].append(1_000 * seconds)
    path.unlink()


UNITS: Final = {
    "bulk build": "leaves/s",
    "changes in batches": "leaves/s",
    "proofs": "/s",
    "checks": "/s",
    "compared with its leaves": "leaves/s",
    "proof, mean": "bytes",
    "proof, largest": "bytes",
    "on the disk": "bytes/leaf",
    "a note with 100 changed records": "ms",
}


def ratios(above: list[float], below: list[float]) -> list[float]:
    """Run by run."""
    return [one / other for one, other in zip(above, below, strict=True)]


def main() -> None:
    """Measures and reports."""
    powers = [int(word) for word in sys.argv[1:]] or list(SIZES)
    report, grown = Report("statemap"), dict[int, RunsByFigure]()
    with tempfile.TemporaryDirectory() as name:
        for power in powers:
            size = 10**power
            leaves = sorted(map(leaf, range(size)))
            keys = [leaves[at * size // PROOFS][0] for at in range(PROOFS)]
            forms: dict[str, RunsByFigure] = {form: {what: [] for what in UNITS} for form in ("memory", "SQLite")}
            for run in range(RUNS):
                in_memory(leaves, keys, run, forms["memory"])
                in_sqlite(Path(name), leaves, keys, run, forms["SQLite"])
            notes(Path(name), size, forms["SQLite"])
            for form, figures in forms.items():
                for what, runs in figures.items():
                    if runs:
                        bound = 1_024.0 if what == "proof, largest" else None
                        report.add(f"10^{power}, {form}: {what}", UNITS[what], runs, at_most=bound)
            for what in ("changes in batches", "proofs"):
                pairs = ratios(forms["SQLite"][what], forms["memory"][what])
                report.add(f"10^{power}, SQLite to memory: {what}", "×", pairs)
            grown[power] = forms["SQLite"]
    low, high = min(powers), max(powers)
    if high > low:
        slower = ratios(grown[low]["proofs"], grown[high]["proofs"])
        report.add(f"a proof at 10^{high} to one at 10^{low}, SQLite", "×", slower, at_most=1.5)
    report.finish()


if __name__ == "__main__":
    main()
