"""Keeps the announcements of this node's recent ids to others, and of theirs to it.

A peer that announces a statement promises to deliver it. Each id is requested from one peer at a time. A peer that does
not deliver in time has broken its promise, and the next one that announced the same id is asked. The request ends when
the statement arrives in any way.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from accredit.gossip.protocol.config import GossipConfig

_ANNOUNCERS = 4  # announcers remembered for each id; reconciliation finds what none of them delivers


class Recent:
    """Ids logged in the last few heartbeats, to announce."""

    def __init__(self, config: GossipConfig) -> None:
        self._config = config
        self._ids: dict[bytes, int] = {}  # id -> heartbeats left; the oldest first

    def add(self, id: bytes) -> None:
        """Add a logged statement; the oldest is dropped if there are too many."""
        if self._config.announce_heartbeats:
            self._ids[id] = self._config.announce_heartbeats
        if len(self._ids) > self._config.announce_ids:
            del self._ids[next(iter(self._ids))]

    def take(self) -> tuple[bytes, ...]:
        """Return the ids to announce in this heartbeat."""
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
    """Statements that peers announced and that are under way."""

    def __init__(self) -> None:
        self._promises: dict[bytes, _Promise] = {}

    def announced(self, kid: bytes, ids: Iterable[bytes], *, until: int) -> tuple[bytes, ...]:
        """Take in ids that a peer announces and this node lacks; return those to request from it."""
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
        """Take note that the statement has arrived."""
        self._promises.pop(id, None)

    def renewed(self, kid: bytes, ids: Iterable[bytes], *, until: int) -> tuple[bytes, ...]:
        """Give a peer that delivers in parts more time; return the ids that are still requested from it."""
        waiting = tuple(id for id in ids if id in self._promises and self._promises[id].asked == kid)
        for id in waiting:
            self._promises[id].until = until
        return waiting

    def broken(self, kid: bytes, ids: Iterable[bytes], *, until: int) -> tuple[bool, dict[bytes, list[bytes]]]:
        """Take note that a peer did not deliver ids; return whether that broke a promise (not if they came otherwise or
        are requested from another peer by now), and which peers to ask instead."""
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
        """Return the peers that have not delivered in time, and the ids."""
        late: dict[bytes, list[bytes]] = {}
        for id, promise in self._promises.items():
            if promise.until <= at:
                late.setdefault(promise.asked, []).append(id)
        return late

    def forget_peer(self, kid: bytes) -> None:
        """Drop the promises of a node that is no longer in force."""
        for id, promise in list(self._promises.items()):
            if kid in promise.others:
                promise.others.remove(kid)
            if promise.asked == kid:
                del self._promises[id]
