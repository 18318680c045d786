"""What gossip may know of this node: its log in order, what is committed, who was caught, which checkpoints it heard.

A `LogView` is the `gossip.events.Held` of an engine. It is read by the machine and written by the engine only, when
statements have been logged.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from governance.fold import Fold
from registry.statement import Statement

from .caught import Caught
from .ledger import Ledger


@dataclass(slots=True, kw_only=True)
class LogView:
    """See the module.

    Attributes:
        fold: of all that is logged.
        order: ids as they stand in the log.
        index: of each id its place there.
    """

    fold: Fold
    caught: Caught
    ledger: Ledger
    order: list[bytes] = field(default_factory=list)
    index: dict[bytes, int] = field(default_factory=dict)

    def __contains__(self, id: object) -> bool:
        return id in self.index

    def size(self) -> int:
        """Entries in the log."""
        return len(self.order)

    def ids(self, start: int, stop: int) -> Sequence[bytes]:
        """Ids of the entries from `start` to before `stop`; fewer at the log's end."""
        return self.order[start:stop]

    def items(self) -> Iterator[tuple[int, bytes]]:
        """`iat` and id of every entry, in the order of the log."""
        return ((self.statement(id).iat, id) for id in self.order)

    def raw(self, id: bytes) -> bytes | None:
        """The whole encoding of a logged statement."""
        statement = self.fold.statement(id)
        return None if statement is None else statement.raw

    def root(self) -> tuple[bytes, int]:
        """What peers compare: the committed statements, and how many are held in all.

        The count is in the hash because void statements are in no root and yet count in a state note: peers that hold
        different numbers of them must notice, or their cosignatures would never add up.
        """
        held = len(self.order)
        return sha256(self.fold.statements_root() + held.to_bytes(8)).digest(), held

    def conflicts(self) -> Sequence[bytes]:
        """Proofs that somebody lied, oldest first."""
        return self.caught.files()

    def checkpoints(self) -> Sequence[bytes]:
        """Signed checkpoints to show to others, our own first."""
        return self.ledger.shown()

    def statement(self, id: bytes) -> Statement:
        """A logged statement."""
        statement = self.fold.statement(id)
        assert statement is not None, "what is logged is in the fold"
        return statement

    def add(self, statement: Statement) -> None:
        """The next entry of the log."""
        self.fold.add(statement)
        self.index[statement.id] = len(self.order)
        self.order.append(statement.id)
