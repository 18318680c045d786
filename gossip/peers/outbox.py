"""The queue of statements for one peer.

It has three sources:

* **urgent** and **normal** statements, in bounded queues. A statement that the peer is known to have is not queued; if
  that becomes known later, it is not sent.
* **wanted** statements, which a reconciliation has shown that the peer lacks.
* **announcements**: statements without room in their queue are announced instead, and counted. Every pushed statement
  is in this node's log, and the log only grows, so it is enough to remember where to begin announcing. No statement is
  lost silently, and a peer that is slow for days costs one number.

Queues hold ids; the statements are looked up when they are sent.
"""

from collections import deque

from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.events import Held, Logged
from accredit.gossip.protocol.wire import Announce, Push

_OVERHEAD = 5  # bytes of CBOR around one statement of a push


class Outbox:
    """The queues for one peer."""

    __slots__ = (
        "_announce_from",
        "_config",
        "_known",
        "_normal",
        "_normal_since",
        "_urgent",
        "_wanted",
        "overflowed",
    )

    def __init__(self, config: GossipConfig) -> None:
        self._config = config
        self._known: dict[bytes, None] = {}  # ids the peer has; the oldest first
        self._urgent: dict[bytes, int] = {}  # id -> index in our log; in order of sending
        self._normal: dict[bytes, int] = {}
        self._normal_since: int | None = None
        self._wanted: deque[bytes] | None = None  # an empty deque takes 600 bytes
        self._announce_from: int | None = None
        self.overflowed = 0

    @property
    def queued(self) -> int:
        """Return the number of waiting statements."""
        return len(self._urgent) + len(self._normal) + len(self._wanted or ())

    @property
    def has_any(self) -> bool:
        """Return whether a statement or an announcement waits."""
        return bool(self._urgent or self._normal or self._wanted) or self._announce_from is not None

    @property
    def has_urgent(self) -> bool:
        """Return whether an urgent statement waits."""
        return bool(self._urgent)

    @property
    def normal_due(self) -> int | None:
        """Return when to send the normal ones (steady ms): `gather` after the first; None if none waits."""
        return None if self._normal_since is None else self._normal_since + self._config.gather

    @property
    def has_bulk(self) -> bool:
        """Return whether wanted statements or announcements wait."""
        return bool(self._wanted) or self._announce_from is not None

    def offer(self, statement: Logged, *, at: int) -> None:
        """Queue a newly logged statement, or announce it later if the queue is full."""
        if statement.id in self._known:
            return
        if statement.urgent:
            self._put(self._urgent, statement.id, statement.index, self._config.urgent_ids)
            return
        self._put(self._normal, statement.id, statement.index, self._config.normal_ids)
        if self._normal and self._normal_since is None:
            self._normal_since = at

    def mark_known(self, id: bytes) -> None:
        """Notes that the peer has the statement `id`."""
        self._known[id] = None
        if self._urgent:
            self._urgent.pop(id, None)
        if self._normal:
            self._normal.pop(id, None)
        if not self._normal:
            self._normal_since = None
        if len(self._known) > self._config.known_ids:
            del self._known[next(iter(self._known))]

    def want(self, ids: tuple[bytes, ...]) -> None:
        """Queue statements that the peer is known to lack."""
        if ids:
            self._wanted = deque(
                (*(self._wanted or ()), *ids)
            )  # even ones that it is known to have: it may have lost them before logging them

    def is_known(self, id: bytes) -> bool:
        """Whether the peer is known to have the statement."""
        return id in self._known

    def clear(self) -> None:
        """Drop all that waits; the peer gets it from others, or by reconciliation."""
        self._urgent.clear()
        self._normal.clear()
        self._wanted = self._normal_since = self._announce_from = None

    def take_urgent(self, held: Held) -> tuple[Push, dict[bytes, int]] | None:
        """Return the next urgent push, and the ids to give back if it fails; None if nothing waits."""
        return self._take(self._urgent, held, urgent=True)

    def take_normal(self, held: Held) -> tuple[Push, dict[bytes, int]] | None:
        """Return the next normal push, and the ids to give back if it fails; None if nothing waits."""
        taken = self._take(self._normal, held, urgent=False)
        if not self._normal:
            self._normal_since = None
        return taken

    def take_wanted(self, held: Held) -> tuple[Push, tuple[bytes, ...]] | None:
        """Return the next push of wanted statements, and their ids; None if nothing waits."""
        ids: list[bytes] = []
        raws: list[bytes] = []
        room = self._config.push_bytes
        while self._wanted:
            raw = held.raw(self._wanted[0])
            assert raw is not None, "only what we hold is wanted, and the log never shrinks"
            room -= len(raw) + _OVERHEAD
            if room < 0:
                break
            raws.append(raw)
            ids.append(self._wanted.popleft())
        self._wanted = self._wanted or None
        return (Push(statements=tuple(raws), urgent=False), tuple(ids)) if raws else None

    def take_announcement(self, held: Held) -> tuple[Announce, int] | None:
        """Return the next page of the log to announce, and where it begins; None if nothing is left to announce."""
        start = self._announce_from
        if start is None:
            return None
        size = held.size()
        ids = tuple(held.ids(start, start + self._config.announce_ids))
        end = start + len(ids)
        self._announce_from = end if end < size else None
        return (Announce(ids=ids), start) if ids else None

    def give_back(self, statements: dict[bytes, int], *, urgent: bool) -> None:
        """Queue undelivered statements again, before all others; they are due at once."""
        queue = self._urgent if urgent else self._normal
        newer = dict(queue)
        queue.clear()
        limit = self._config.urgent_ids if urgent else self._config.normal_ids
        for id, index in (*statements.items(), *newer.items()):
            if id not in self._known:
                self._put(queue, id, index, limit)
        if self._normal and not urgent:
            self._normal_since = -self._config.gather

    def give_back_wanted(self, ids: tuple[bytes, ...]) -> None:
        """Queue undelivered wanted statements again."""
        self._wanted = deque((*ids, *(self._wanted or ())))

    def announce_from(self, start: int) -> None:
        """Announce everything in the log from `start` on."""
        self._announce_from = start if self._announce_from is None else min(start, self._announce_from)

    def _put(self, queue: dict[bytes, int], id: bytes, index: int, limit: int) -> None:
        if len(queue) < limit:
            queue[id] = index
        else:
            self.overflowed += 1
            self.announce_from(index)

    def _take(self, queue: dict[bytes, int], held: Held, *, urgent: bool) -> tuple[Push, dict[bytes, int]] | None:
        taken: dict[bytes, int] = {}
        raws: list[bytes] = []
        room = self._config.push_bytes
        for id, index in queue.items():
            raw = held.raw(id)
            assert raw is not None, "only logged statements are queued, and the log never shrinks"
            room -= len(raw) + _OVERHEAD
            if room < 0 or len(raws) == self._config.announce_ids:
                break
            raws.append(raw)
            taken[id] = index
        for id in taken:
            del queue[id]
        return (Push(statements=tuple(raws), urgent=urgent), taken) if raws else None
