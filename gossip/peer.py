"""What the machine remembers of one peer, and what it would send it next.

At most two frames are under way to a peer, one in each lane, so that bulk never delays what is urgent:

* `URGENT`: pushes of urgent statements;
* `STEADY`: everything else, one at a time: normal pushes, what was asked for, announcements, the walk, roots.

A failed frame puts the peer into backoff: nothing is sent before `retry_at`. Hearing from it ends the pause, because it
is alive. Whether a peer answers is our own opinion, formed from our own frames; it is told to nobody.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Final

from registry.keys import key_id

from .config import GossipConfig
from .events import Held, Peer, PeerStatistics
from .frames import Announce, Body, Push, Root
from .outbox import Outbox
from .walk import Walk

URGENT: Final = 0
STEADY: Final = 1
LANES: Final = (URGENT, STEADY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A frame to send: its lane, its body, the ids of the statements in it, and what to do should it not arrive."""

    lane: int
    body: Body
    ids: tuple[bytes, ...] = ()
    undo: Callable[[], None]


class PeerState:
    """One peer. Times are steady milliseconds, unless named otherwise."""

    def __init__(self, peer: Peer, *, config: GossipConfig, asked: dict[bytes, int], random: Random, at: int) -> None:
        self.peer = peer
        self.kid = key_id(peer.public)
        self.outbox = Outbox(config)
        self.walk = Walk(config, asked)
        self.busy = [False, False]
        self.failures = 0
        self.error = ""
        self.last_heard: int | None = None  # wall clock
        self.distrusted_until = 0
        self._distrusted = 0
        self._retry_at = 0
        self._normal_went_last = False
        self._config = config
        self._random = random
        # Spread out, so that nodes which start together do not all compare at once.
        self._root_at = at + int(random.uniform(0, config.root_interval))

    def next_sending(self, held: Held, *, at: int) -> Sending | None:
        """What to send now; None where nothing is due or its lane is busy. The lane is busy afterwards."""
        if at < self._retry_at:
            return None
        sending = None
        if not self.busy[URGENT]:
            sending = self._urgent(held)
        if sending is None and not self.busy[STEADY]:
            # In turn, so that a stream of new statements cannot starve reconciliation, nor the other way round.
            turns = (self._other, self._normal) if self._normal_went_last else (self._normal, self._other)
            sending = turns[0](held, at) or turns[1](held, at)
        if sending is not None:
            self.busy[sending.lane] = True
        return sending

    def next_due(self, *, at: int) -> int | None:
        """When `next_sending` may next have something; None where that depends on an answer."""
        due: list[int] = []
        if not self.busy[URGENT] and self.outbox.has_urgent:
            due.append(at)
        if not self.busy[STEADY]:
            due.append(self._root_at)
            if self.outbox.normal_due is not None:
                due.append(self.outbox.normal_due)
            if self.outbox.has_bulk:
                due.append(at)
            if self.walk.is_open:
                due.append(max(self.walk.blocked_until, self.distrusted_until))
        return max(min(due), self._retry_at, at) if due else None

    def on_heard(self, *, now: int) -> None:
        """A good frame came from it, of whatever kind."""
        self.last_heard = now
        self._retry_at = 0

    def on_answered(self, *, now: int) -> None:
        """A frame of ours was answered well."""
        self.on_heard(now=now)
        self.failures = 0
        self.error = ""

    def on_failed(self, reason: str, *, at: int) -> None:
        """A frame of ours was not; the pause doubles, with jitter against thundering herds."""
        self.error = reason
        if at < self._retry_at:  # the other lane's frame failed with it: one trouble, one step
            return
        self.failures += 1
        pause = min(self._config.backoff_max, self._config.backoff_min << min(self.failures - 1, 16))
        self._retry_at = at + int(pause * self._random.uniform(0.5, 1.0))

    def distrust(self, *, at: int) -> None:
        """It sent what no honest node sends: nothing is asked from it for a while, doubling."""
        if at >= self.distrusted_until:
            pause = min(self._config.distrust_max, self._config.distrust_min << min(self._distrusted, 16))
            self._distrusted += 1
            self.distrusted_until = at + pause

    def statistics(self) -> PeerStatistics:
        """How it stands."""
        return PeerStatistics(
            name=self.peer.name,
            url=self.peer.url,
            last_heard=self.last_heard,
            in_sync=self.walk.in_sync,
            behind=self.walk.behind,
            queued=self.outbox.queued,
            overflowed=self.outbox.overflowed,
            failures=self.failures,
            error=self.error,
        )

    def _urgent(self, held: Held) -> Sending | None:
        taken = self.outbox.take_urgent(held)
        if taken is None:
            return None
        push, given = taken
        return Sending(
            lane=URGENT, body=push, ids=tuple(given), undo=partial(self.outbox.give_back, given, urgent=True)
        )

    def _normal(self, held: Held, at: int) -> Sending | None:
        self._normal_went_last = False
        if self.outbox.normal_due is None or self.outbox.normal_due > at:
            return None
        taken = self.outbox.take_normal(held)
        assert taken is not None, "something is due only where something waits"
        push, given = taken
        self._normal_went_last = True
        return Sending(
            lane=STEADY, body=push, ids=tuple(given), undo=partial(self.outbox.give_back, given, urgent=False)
        )

    def _other(self, held: Held, at: int) -> Sending | None:
        self._normal_went_last = False
        return self._bulk(held) or self._ask(held, at) or self._compare(held, at)

    def _bulk(self, held: Held) -> Sending | None:
        wanted = self.outbox.take_wanted(held)
        if wanted is not None:
            push, ids = wanted
            return Sending(lane=STEADY, body=push, ids=ids, undo=partial(self.outbox.give_back_wanted, ids))
        page = self.outbox.take_announcement(held)
        if page is None:
            return None
        return Sending(lane=STEADY, body=page, undo=partial(self.outbox.announce_from, page.start))

    def _ask(self, held: Held, at: int) -> Sending | None:
        if at < self.distrusted_until:
            return None
        question = self.walk.next(held, at=at)
        if question is None:
            return None
        return Sending(lane=STEADY, body=question, undo=partial(self.walk.on_failed, question))

    def _compare(self, held: Held, at: int) -> Sending | None:
        if at < self._root_at:
            return None
        interval = self._config.root_interval
        self._root_at = at + int(interval * self._random.uniform(0.5, 1.5))
        return Sending(lane=STEADY, body=root_of(held), undo=_nothing)


def root_of(held: Held) -> Root:
    """What we hold, as told to peers."""
    root, count = held.root()
    return Root(root=root, count=count, size=held.size())


def page_of(held: Held, start: int, config: GossipConfig) -> Announce:
    """The page of our log from `start` on."""
    size = held.size()
    return Announce(start=start, size=size, ids=tuple(held.ids(start, min(size, start + config.announce_ids))))


def push_of(held: Held, ids: tuple[bytes, ...], config: GossipConfig) -> Push:
    """Those of `ids` that we hold, in the order asked, as many as fit."""
    raws: list[bytes] = []
    room = config.push_bytes
    for id in ids:
        raw = held.raw(id)
        if raw is None:
            continue
        room -= len(raw)
        if room < 0:
            break
        raws.append(raw)
    return Push(statements=tuple(raws), urgent=False)


def _nothing() -> None:
    """A comparison that did not arrive is made again anyway."""
