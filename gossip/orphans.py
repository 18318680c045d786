"""Statements that cannot be judged yet: their key has not been introduced here.

It may be we who are behind, so they are kept and tried again whenever something new was accepted. What is kept is
bounded for each sender, by number and by bytes, so that no peer can push out what another sent; the oldest of the
same sender goes first. What is evicted is forgotten wholly: it can be sent, or fetched, again.
"""

from accredit.registry.statement import Unverified

from .config import GossipConfig


class Waiting:
    """The cache of statements of unknown keys."""

    def __init__(self, config: GossipConfig) -> None:
        self._config = config
        self._kept: dict[bytes, dict[bytes, Unverified]] = {}  # sender -> id -> statement, the oldest first
        self._bytes: dict[bytes, int] = {}
        self.evicted = 0

    def __len__(self) -> int:
        return sum(len(kept) for kept in self._kept.values())

    def add(self, sender: bytes, statement: Unverified) -> None:
        """Keeps one statement; may evict older ones of the same sender."""
        kept = self._kept.setdefault(sender, {})
        if statement.id in kept:
            return
        kept[statement.id] = statement
        self._bytes[sender] = self._bytes.get(sender, 0) + len(statement.raw)
        config = self._config
        while len(kept) > config.waiting_statements or self._bytes[sender] > config.waiting_bytes:
            oldest = kept.pop(next(iter(kept)))
            self._bytes[sender] -= len(oldest.raw)
            self.evicted += 1

    def take(self) -> list[tuple[bytes, tuple[Unverified, ...]]]:
        """Everything kept, by sender, the oldest first; nothing is kept afterwards."""
        taken = [(sender, tuple(kept.values())) for sender, kept in self._kept.items() if kept]
        self._kept.clear()
        self._bytes.clear()
        return taken

    def forget_sender(self, sender: bytes) -> None:
        """Drops what a peer no longer in force sent."""
        self._kept.pop(sender, None)
        self._bytes.pop(sender, None)
