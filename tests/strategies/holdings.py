"""Where a fold may keep what it holds, for tests: one suite asks the same of every place.

keeper = KEEPERS["SQLite"](folder, ecosystem)
keeper.log(statements)                 into the log, in this order
keeper.fold.add(...); ...settle()
hear(keeper, statements)               both
keeper.keep(); keeper.fail(); keeper.reopen()
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

from accredit.governance.fold import Fold
from accredit.node.engine.quorum_state import Part
from accredit.node.storage.fold_store import StoredHoldings
from accredit.node.storage.log_store import Store
from accredit.registry.domain.records import FOLD_VERSION
from accredit.registry.statement import Statement, recall


class Keeper(Protocol):
    """One place, and the fold that is kept there."""

    fold: Fold

    def log(self, statements: Sequence[Statement]) -> None:
        """They are in the log from now on; the fold has not heard of them."""
        ...

    def keep(self) -> None:
        """What the fold holds is written."""
        ...

    def fail(self) -> None:
        """What the fold holds was to be written, and there was no room."""
        ...

    def reopen(self) -> None:
        """As after a restart: what was written last, and the rest of the log folded anew."""
        ...

    def close(self) -> None: ...


class MemoryKeeper:
    """Nothing outlives it but the log."""

    def __init__(self, folder: Path, ecosystem: bytes) -> None:
        del folder
        self.fold = Fold(ecosystem)
        self._said: list[Statement] = []

    def log(self, statements: Sequence[Statement]) -> None:
        self._said += statements

    def keep(self) -> None:
        pass

    def fail(self) -> None:
        pass

    def reopen(self) -> None:
        self.fold = Fold(self.fold.ecosystem)
        for statement in self._said:
            self.fold.add(statement)
        self.fold.settle()

    def close(self) -> None:
        pass


class StoredKeeper:
    """In a node's database."""

    def __init__(self, folder: Path, ecosystem: bytes) -> None:
        self.path = folder / f"fold{sum(1 for _ in folder.glob('fold*.sqlite'))}.sqlite"
        self._ecosystem = ecosystem
        self._open()

    def _open(self) -> None:
        self.store = Store.open(self.path, ecosystem=self._ecosystem, origin="node1")
        self.store._writer.run(lambda connection: connection.execute("PRAGMA synchronous = OFF").close())
        self.holdings = StoredHoldings(self.store.companion(), FOLD_VERSION)
        self.holdings.resume()
        self.fold = Fold(self._ecosystem, self.holdings)

    def log(self, statements: Sequence[Statement]) -> None:
        self.store.append([(each.id, each.raw) for each in statements])

    def keep(self) -> None:
        changes = self.holdings.take(Part(size=self.store.size()))
        self.store.write(changes.write)
        self.holdings.written()
        self.fold.renew(self.holdings)

    def fail(self) -> None:
        self.holdings.take(Part(size=self.store.size()))
        self.holdings.put_back()

    def reopen(self) -> None:
        self.store.close()
        self._open()
        size = self.store.size()
        for raw in self.store.entries(self.holdings.mark.part.size, size):
            self.fold.add(recall(raw))
        self.fold.settle()

    def close(self) -> None:
        self.store.close()


def hear(keeper: Keeper, statements: Sequence[Statement]) -> None:
    """They are in the log and in the fold from now on, and nothing of it is written."""
    keeper.log(statements)
    for statement in statements:
        keeper.fold.add(statement)
    keeper.fold.settle()


KEEPERS: Final[dict[str, Callable[[Path, bytes], Keeper]]] = {"in memory": MemoryKeeper, "SQLite": StoredKeeper}
"""By name."""
