"""Announcements: this node's recent ids to others, and theirs to it.

Who announces a statement promises to deliver it. Each id is asked from one peer at a time; where that one does not
deliver in time, it has broken its promise, and the next one who announced the same is asked. What arrives by any way
ends the matter.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from .config import GossipConfig

_ANNOUNCERS = 4  # remembered for each id; what none of them delivers is found by reconciliation


class Recent:
    """Ids logged in the last few heartbeats, to be announced."""

    def __init__(self, config: GossipConfig) -> None:
        self._config = config
        self._ids: dict[bytes, int] = {}  # id -> heartbeats left; the oldest first

    def add(self, id: bytes) -> None:
        """A statement was logged; the oldest is dropped where there are too many."""
        if self._config.announce_heartbeats:
            self._ids[id] = self._config.announce_heartbeats
        if len(self._ids) > self._config.announce_ids:
            del self._ids[next(iter(self._ids))]

    def take(self) -> tuple[bytes, ...]:
        """What to announce in this heartbeat."""
        ids = tuple(self._ids)
        self._ids = {id: left - 1 for id, left in self._ids.items() if left > 1}
        return ids


@dataclass(slots=True, kw_only=True)
class _Promise:
    """`asked` is asked until `until`; `others` announced it too."""

    asked: bytes
    until: int
    others: list[bytes]


class Promises:
    """Statements that were announced to us and are under way."""

    def __init__(self) -> None:
        self._promises: dict[bytes, _Promise] = {}

    def announced(self, kid: bytes, ids: Iterable[bytes], *, until: int) -> tuple[bytes, ...]:
        """A peer announces what we lack; which of these ids to request from it."""
        fresh: list[bytes] = []
        for id in ids:
            promise = self._promises.get(id)
            if promise is None:
                self._promises[id] = _Promise(asked=kid, until=until, others=[])
                fresh.append(id)
            elif kid != promise.asked and kid not in promise.others and len(promise.others) < _ANNOUNCERS - 1:
                promise.others.append(kid)
        return tuple(fresh)

    def came(self, id: bytes) -> None:
        """The statement is here."""
        self._promises.pop(id, None)

    def renewed(self, kid: bytes, ids: Iterable[bytes], *, until: int) -> tuple[bytes, ...]:
        """A peer delivers, but not all at once: those of these that are still asked of it, with more time."""
        waiting = tuple(id for id in ids if id in self._promises and self._promises[id].asked == kid)
        for id in waiting:
            self._promises[id].until = until
        return waiting

    def broken(self, kid: bytes, ids: Iterable[bytes], *, until: int) -> tuple[bool, dict[bytes, list[bytes]]]:
        """A peer did not deliver these: whether that broke a promise (what came otherwise, or is asked of another by
        now, did not), and whom to ask for what instead."""
        is_broken = False
        instead: dict[bytes, list[bytes]] = {}
        for id in ids:
            promise = self._promises.get(id)
            if promise is None or promise.asked != kid:
                continue
            is_broken = True
            if not promise.others:
                del self._promises[id]
                continue
            promise.asked, promise.until = promise.others.pop(0), until
            instead.setdefault(promise.asked, []).append(id)
        return is_broken, instead

    def overdue(self, *, at: int) -> dict[bytes, list[bytes]]:
        """Who has not delivered in time, and what."""
        late: dict[bytes, list[bytes]] = {}
        for id, promise in self._promises.items():
            if promise.until <= at:
                late.setdefault(promise.asked, []).append(id)
        return late

    def forget_peer(self, kid: bytes) -> None:
        """A node no longer in force promises nothing."""
        for id, promise in list(self._promises.items()):
            if kid in promise.others:
                promise.others.remove(kid)
            if promise.asked == kid:
                del self._promises[id]
