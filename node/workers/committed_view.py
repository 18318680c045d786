"""Reads the committed data of a node's database in another process: the fold of its whole log, as of the last commit.

    view = CommittedView(path)
    view.fold                       read again in each turn: as of the newest commit at that time

A node stores its fold as of the newest note (`fold_store`). This process folds the later statements over it as the node
does, so that both have the same result. All reads see one commit: the reader stays within one transaction, and moves on
when `PRAGMA data_version` shows a new commit. Nothing is verified again, because the node verified it before it
committed.

While a reader stays at one commit, SQLite cannot copy the write-ahead log into the database. So the owner of a view
calls `renew` now and then, and the node copies the log when it has grown (`Store.take_up`).

It does not write or wait.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from accredit.governance.fold import Fold
from accredit.node.engine.quorum_state import Part
from accredit.node.storage.fold_store import StoredHoldings
from accredit.node.storage.fold_writes import FoldMark
from accredit.node.storage.log_reader import Reader, open_reader
from accredit.node.storage.sqlite import telling_what_to_do
from accredit.node.storage.state_store import StoredNoted
from accredit.registry.domain.records import FOLD_VERSION, Subject
from accredit.registry.errors import StorageError
from accredit.registry.statement import recall

BATCH: Final = 4_096
"""Entries folded at a time if many are missing."""

_NONE: Final = -1


class CommittedView:
    """See the module. For the thread that makes it.

    Args:
        path: the database of a node, which may run.
        moved: is called whenever the view moves to another commit.
        is_mapped: as in `connect_reader`.

    Raises:
        StorageError: as `open_reader`.
    """

    def __init__(self, path: Path, moved: Callable[[], None] = lambda: None, *, is_mapped: bool = False) -> None:
        self.reader: Reader = open_reader(path, is_mapped=is_mapped)
        try:
            self._watch = open_reader(path)
        except BaseException:
            self.reader.close()
            raise
        self._moved = moved
        self._holdings = StoredHoldings(self.reader, FOLD_VERSION)
        self._noted = StoredNoted(self.reader)
        self._root: bytes | None = None
        self._version = _NONE
        self._moves = 0
        self._mark: FoldMark | None = None
        self._has_begun = False
        self._size = 0
        self._fold = Fold(self.reader.ecosystem)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.reader.close()
        self._watch.close()

    @property
    def fold(self) -> Fold:
        """Return the fold of the whole log. Do not keep it for another turn.

        Raises:
            StorageError: the database cannot be read at the moment.
        """
        self.follow()
        return self._fold

    @property
    def moves(self) -> int:
        """Return how often the view has moved to another commit, the last one included: no record differs while it is
        the same.

        Raises:
            StorageError: as `fold`.
        """
        self.follow()
        return self._moves

    def follow(self) -> None:
        """Move to the last commit.

        Raises:
            StorageError: as `fold`; the next call tries again.
        """
        version = self._watch.data_version()
        if version == self._version:
            return
        self._version = _NONE
        self._moves += 1
        with telling_what_to_do(self.reader.path):
            connection = self.reader.connection
            if connection.in_transaction:
                connection.execute("COMMIT")
            connection.execute("BEGIN")
        self._catch_up(self.reader.size())
        self._version = version
        self._moved()

    def renew(self) -> None:
        """End the read transaction, and begin one at the last commit, even if it is the same.

        Raises:
            StorageError: as `fold`.
        """
        self._version = _NONE
        self.follow()

    def _catch_up(self, size: int) -> None:
        # Before a node has a note nothing is stored, and the mark stays none: what is folded already stays folded.
        if not self._has_begun or self._holdings.stored_mark() != self._mark:
            self._has_begun = False
            is_there = self._holdings.follow(self._changed())
            # What another version of the fold has stored is of no use here.
            self._fold = Fold(self.reader.ecosystem, self._holdings if is_there else None)
            self._fold.sink()
            part = self._holdings.mark.part if is_there else Part(size=0)
            for number in part.without:
                self._add(number, number + 1)
            self._size = part.size
            self._mark = self._holdings.stored_mark()
            self._has_begun = True
        for start in range(self._size, size, BATCH):
            self._add(start, min(start + BATCH, size))
        self._size = size

    def _changed(self) -> Sequence[Subject] | None:
        """Return the records that may differ from those stored at the last call; None: any of them.

        The records stored with a note are those that its root commits to, so only what differs between the two noted
        states can have changed.
        """
        before, self._root = self._root, None
        try:
            head = self._noted.head()
            found = None if before is None else self._noted.changed_since(before)
        except StorageError:  # a reader of the note reports it
            return None
        self._root = None if head is None else head.state.root
        return None if found is None else found[1]

    def _add(self, start: int, stop: int) -> None:
        for raw in self.reader.entries(start, stop):
            self._fold.add(recall(raw))
        self._fold.settle()
        self._size = stop
