"""Checks a run at its end, from the bytes stored by nodes and the records kept by their users.

    valid_statements   every entry of every log is a statement that an authority signed, byte for byte
    nothing_lost       every statement that a node answered "logged" for is in every log, and in that node's at the
                       place it named, under the checkpoint it gave
    one_history        every checkpoint that a node ever showed is signed by it and fits the beginning of its final log
    records            the state that a node reports follows from its stored bytes alone, taken in another order
    one_root           all nodes come to the same state
    audit              `accredit node audit` finds nothing, for each node
    no_traceback       no node's output shows an unexpected error
    resources          descriptors, threads and memory of no process grow beyond bounds

Each raises a `Violation` at the first failed check.
"""

import json
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final

from accredit.governance.fold import Fold
from accredit.node.storage.log_reader import Reader, open_reader
from accredit.registry.errors import AccreditError
from accredit.registry.transparency.checkpoint import Checkpoint, open_checkpoint
from accredit.registry.transparency.merkle import (
    check_consistency,
    check_inclusion,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
)
from accredit.simulations.checkers import Violation
from accredit.simulations.virtual.ecosystem import Town

from .clients import Book, LoggedAnswer
from .node_process import TormentedNode, Usage

DESCRIPTORS: Final = 256
"""Most open descriptors; far above the measurements with five nodes for three minutes (docs/simulations.md)."""

THREADS: Final = 64
"""Worker threads of trio (40 at most) and the process's own."""

MEMORY: Final = 512 * 1024 * 1024
"""Most resident bytes: a bound against unlimited growth, not the normal need of a node."""

GROWN: Final = (48, 24, 64 * 1024 * 1024)
"""Descriptors, threads, bytes that a process may hold more at the end of its life than when `YOUNG`. A guess above
what was measured (docs/simulations.md)."""

YOUNG: Final = (10.0, 30.0)
"""Range of ages, seconds, in which a process is taken as young; lives of less than twice this are not judged."""


def check_logs(town: Town, machines: Sequence[TormentedNode], book: Book) -> int:
    """Check all stored bytes; return how many checkpoints were compared."""
    readers = {machine.name: open_reader(machine.database) for machine in machines}
    try:
        for machine in machines:
            _check_entries(town, machine, readers[machine.name])
        _check_answers(machines, readers, book)
        return sum(_check_history(machine, readers[machine.name], book) for machine in machines)
    finally:
        for reader in readers.values():
            reader.close()


def check_states(town: Town, machines: Sequence[TormentedNode], reported: Mapping[str, str]) -> str:
    """Check that all states are equal; return the one state root, in hex.

    Args:
        reported: by node, the root that it reported.
    """
    derived: dict[bytes, str] = {}
    for machine in machines:
        with open_reader(machine.database) as reader:
            held = sorted(reader.ids(0, reader.size()))
        key = b"".join(held)
        if key not in derived:
            fold = Fold(town.ecosystem)
            for id in held:
                fold.add(town.signed[id])
            fold.settle()
            derived[key] = fold.state_root().hex()
        _require(
            derived[key] == reported[machine.name],
            "records",
            f"{machine.name} reports the state {reported[machine.name][:16]}, and its {len(held)} stored statements "
            f"lead to {derived[key][:16]}",
        )
    roots = sorted(set(reported.values()))
    _require(len(roots) == 1, "one_root", f"there are {len(roots)} states: {reported}")
    return roots[0]


async def check_audits(machines: Sequence[TormentedNode]) -> None:
    """Check the result of `accredit node audit` for each node; a running node's report is compared too."""
    for machine in machines:
        running = ("--node", machine.url) if machine.process is not None else ()
        code, said = await machine.types("node", "audit", str(machine.folder), *running, "--json")
        fits = code == 0 and bool(json.loads(said)["fits"])
        _require(fits, "audit", f"the audit of {machine.name} ended with {code}: {said.strip()[-500:]}")


def check_output(machines: Sequence[TormentedNode]) -> None:
    """Check that no node's output has a traceback."""
    for machine in machines:
        before, found, after = machine.said.partition("Traceback")
        _require(not found, "no_traceback", f"{machine.name} said: {before[-200:]}{found}{after[:1_500]}")


def check_resources(machines: Sequence[TormentedNode]) -> dict[str, float]:
    """Check resources; return the largest use and the largest growth of any process, for the report."""
    seen = [each for machine in machines for life in machine.lives for each in life]
    if not seen:
        return {}
    for machine in machines:
        for life in machine.lives:
            for each in life:
                _check_usage(machine, each)
            _check_growth(machine, life)
    figures: dict[str, float] = {
        "most descriptors": max(each.descriptors for each in seen),
        "most threads": max(each.threads for each in seen),
        "most memory, MB": round(max(each.memory for each in seen) / 1e6, 1),
    }
    grown = [growth for machine in machines for life in machine.lives if (growth := growth_of(life)) is not None]
    if grown:
        for number, name in enumerate(("descriptors", "threads")):
            figures[f"grown, {name}"] = max(each[number] for each in grown)
        figures["grown, MB"] = round(max(each[2] for each in grown) / 1e6, 1)
    return figures


def growth_of(life: Sequence[Usage]) -> tuple[float, float, float] | None:
    """Return the growth in descriptors, threads and bytes since youth (medians); None for a short life."""
    young = [each for each in life if YOUNG[0] <= each.age <= YOUNG[1]]
    old = [each for each in life if each.age >= life[-1].age - (YOUNG[1] - YOUNG[0])]
    if not young or life[-1].age < 2 * YOUNG[1]:
        return None
    return (
        median(each.descriptors for each in old) - median(each.descriptors for each in young),
        median(each.threads for each in old) - median(each.threads for each in young),
        median(each.memory for each in old) - median(each.memory for each in young),
    )


def _check_usage(machine: TormentedNode, seen: Usage) -> None:
    for name, found, most in (
        ("descriptors", seen.descriptors, DESCRIPTORS),
        ("threads", seen.threads, THREADS),
        ("bytes", seen.memory, MEMORY),
    ):
        _require(found <= most, "resources", f"{machine.name} held {found} {name} after {seen.age:.0f} s; {most} bear")


def _check_growth(machine: TormentedNode, life: Sequence[Usage]) -> None:
    if (grown := growth_of(life) if life else None) is not None:
        for name, found, most in zip(("descriptors", "threads", "bytes"), grown, GROWN, strict=True):
            _require(
                found <= most, "resources", f"{machine.name} held {found:.0f} {name} more after {life[-1].age:.0f} s"
            )


def _check_entries(town: Town, machine: TormentedNode, reader: Reader) -> None:
    size, _ = reader.checked_head()
    for number, id, raw in reader.rows(0, size):
        signed = town.signed.get(bytes(id))
        _require(
            signed is not None and signed.raw == raw,
            "valid_statements",
            f"entry {number} of {machine.name}, {bytes(id).hex()}, is what nobody signed",
        )


def _check_answers(machines: Sequence[TormentedNode], readers: Mapping[str, Reader], book: Book) -> None:
    keys = {machine.name: machine for machine in machines}
    for answer in book.answers:
        for name, reader in readers.items():
            _require(
                reader.raw(answer.statement.id) == answer.statement.raw,
                "nothing_lost",
                f"{answer.node} answered for {answer.statement}, and {name} lacks it",
            )
        _check_place(keys[answer.node], readers[answer.node], answer)


def _check_place(machine: TormentedNode, reader: Reader, answer: LoggedAnswer) -> None:
    """Check that the named place holds the statement, under the given checkpoint."""
    try:
        shown = _open(machine, answer.checkpoint)
        leaf = leaf_hash(answer.statement.raw)
        check_inclusion(leaf, answer.index, shown.size, prove_inclusion(answer.index, shown.size, reader), shown.root)
    except AccreditError as error:
        raise Violation(
            "nothing_lost",
            f"{machine.name} answered that {answer.statement} is entry {answer.index}, and its log says: {error}",
        ) from error


def _check_history(machine: TormentedNode, reader: Reader, book: Book) -> int:
    notes = sorted(book.checkpoints.get(machine.name, {}))
    size, root = reader.head()
    for note in notes:
        try:
            shown = _open(machine, note)
            proof = prove_consistency(shown.size, size, reader)
            check_consistency(shown.size, size, shown.root, root, proof)
        except AccreditError as error:
            raise Violation(
                "one_history", f"{machine.name} once showed a checkpoint that its log of {size} denies: {error}\n{note}"
            ) from error
    return len(notes)


def _open(machine: TormentedNode, note: str) -> Checkpoint:
    """Return a checkpoint after checking that the node signed it.

    Raises:
        InputError: the bytes are not such a checkpoint.
    """
    return open_checkpoint(note.encode(), machine.log_key).checkpoint


def _require(condition: bool, checker: str, message: str) -> None:
    if not condition:
        raise Violation(checker, message)
