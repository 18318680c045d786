"""The view of this node for gossip: its log in order, the committed set, the conflicts, and the checkpoints received.

A `LogView` is the `gossip.protocol.events.Held` of an engine. The machine reads it, and only the engine writes it, when
statements have been logged. Its beginning may be shared with others (`branch`).
"""

from array import array
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from hashlib import sha256
from itertools import chain
from typing import Final, Protocol

from accredit.governance.fold import Fold
from accredit.governance.index.overlay import Layered
from accredit.registry.errors import AccreditError, StorageError
from accredit.registry.statement import Statement, iat_of

from .equivocations import Caught
from .head_ledger import Ledger
from .quorum_state import Part

_PAGE: Final = 4_096  # entries read at a time, some 2 MiB


class Entries(Protocol):
    """The log where it is stored."""

    def index_of(self, id: bytes) -> int | None:
        """Where in the log a statement is."""
        ...

    def ids(self, start: int, stop: int) -> Sequence[bytes]:
        """Ids of the entries from `start` to before `stop`."""
        ...

    def entries(self, start: int, stop: int) -> Sequence[bytes]:
        """Bytes of these entries."""
        ...


class LogView:
    """See the module.

    Args:
        stored: the log where it is stored; its beginning is looked up there (`read_on`), and not held here.

    Attributes:
        fold: of all that is logged.
        caught: the conflicts kept. ledger: the checkpoints received.
    """

    def __init__(self, fold: Fold, stored: Entries | None = None) -> None:
        self.fold = fold
        self._stored = stored
        self._first = 0  # entries that are looked up where they are stored
        # When the first of these are dated. Nodes that take much in compare their sets every few seconds, each time as
        # a whole; decoding every statement for that is most of what a long log costs them. 8 bytes an entry.
        self._dates = array("Q")
        self.caught = Caught()
        self.ledger = Ledger()
        self._shared: Sequence[bytes] = ()
        self._order: list[bytes] = []
        self._index: MutableMapping[bytes, int] = {}
        self._compared = b"", 0
        self._root = b""

    def branch(self, fold: Fold) -> "LogView":
        """Return a copy that grows on its own; this one must not grow while the copy is in use.

        Args:
            fold: of that log.
        """
        branch = LogView(fold)
        branch._shared = self._order if not self._shared else (*self._shared, *self._order)
        branch._index = Layered(self._index)
        return branch

    def read_on(self, size: int) -> None:
        """Take note that the first entries, so many, are stored, and their statements are in the fold."""
        held = size - self._first
        self._index = {id: number for id, number in self._index.items() if number >= size}
        self._order = self._order[max(0, held) :]
        self._first = size

    def __contains__(self, id: object) -> bool:
        return isinstance(id, bytes) and id in self.fold.chains

    def size(self) -> int:
        """Entries in the log."""
        return self._first + len(self._shared) + len(self._order)

    def ids(self, start: int, stop: int) -> Sequence[bytes]:
        """Ids of the entries from `start` to before `stop`; fewer at the log's end."""
        found = list(self._shared[start:stop])
        if self._stored is not None and start < self._first:
            found += self._stored.ids(start, min(stop, self._first))
        held = self._first + len(self._shared)
        return [*found, *self._order[max(0, start - held) : max(0, stop - held)]]

    def items(self) -> Iterator[tuple[int, bytes]]:
        """`iat` and id of every entry, in the order of the log."""
        if self._stored is not None:
            yield from self._stored_items(self._stored)
        for id in chain(self._shared, self._order):
            yield self.statement(id).iat, id

    def _stored_items(self, stored: Entries) -> Iterator[tuple[int, bytes]]:
        for start in range(0, self._first, _PAGE):
            stop = min(start + _PAGE, self._first)
            if len(self._dates) < stop:
                self._dates.extend(map(iat_of, stored.entries(len(self._dates), stop)))
            yield from zip(self._dates[start:stop], stored.ids(start, stop), strict=True)

    def own(self) -> Iterator[Statement]:
        """The entries that are not shared, in order."""
        return map(self.statement, self._order)

    def raw(self, id: bytes) -> bytes | None:
        """The whole encoding of a logged statement."""
        statement = self.fold.statement(id)
        return None if statement is None else statement.raw

    def root(self) -> tuple[bytes, int]:
        """Return the root that peers compare, over the committed statements and the number of held ones.

        The hash includes the count because void statements are in no root but count in a state note. Peers that hold
        different numbers of them must notice, or their cosignatures would never add up.
        """
        committed, held = self.fold.statements_root(), self.size()
        if (committed, held) != self._compared:  # asked for with almost every frame
            self._compared = committed, held
            self._root = sha256(committed + held.to_bytes(8)).digest()
        return self._root, held

    def conflicts(self) -> Sequence[bytes]:
        """Return the conflicts kept, oldest first."""
        return self.caught.files()

    def notes(self) -> Sequence[bytes]:
        """Return signed notes for others: this node's checkpoint, the newest noted state, some checkpoints of other
        logs."""
        return self.ledger.shown()

    def statement(self, id: bytes) -> Statement:
        """A logged statement."""
        statement = self.fold.statement(id)
        assert statement is not None, "what is logged is in the fold"
        return statement

    def index(self, id: bytes) -> int | None:
        """A statement's place in the log; None where it is not logged."""
        number = self._index.get(id)
        if number is None and self._stored is not None:
            number = self._stored.index_of(id)
            return None if number is None or number >= self._first else number
        return number

    def add(self, statement: Statement) -> list[Statement]:
        """Take in the next entry of the log; return what is complete by it, as `Chains.add`."""
        completed = self.fold.add(statement)
        self._index[statement.id] = self.size()
        self._order.append(statement.id)
        return completed

    def part(self, without: Iterable[bytes]) -> Part:
        """Return the part of the log without these statements; if they are at its end, the part becomes shorter."""
        numbers = sorted(map(self._number, without))
        size = self.size()
        while numbers and numbers[-1] == size - 1:
            size = numbers.pop()
        return Part(size=size, without=tuple(numbers))

    def _number(self, id: bytes) -> int:
        number = self.index(id)
        assert number is not None, "it is logged"
        return number

    def is_in(self, id: bytes, part: Part) -> bool:
        """Whether a logged statement belongs to a part of the log."""
        number = self._number(id)
        return number < part.size and number not in part.without


def inadmissible(number: int, error: AccreditError) -> StorageError:
    """Return the error for a stored entry that could not have been accepted."""
    return StorageError(
        "log_inadmissible",
        f"Entry {number} of the stored log is one that no node would accept: {error.message}",
        hint="Run `accredit node audit`; restore a backup that is new enough (`accredit node restore`).",
    )
