"""What the machine remembers of one peer, and what it would send it next.

At most two frames are under way to a peer, one in each lane, so that bulk never delays what is urgent:

* `URGENT`: pushes of urgent statements;
* `STEADY`: everything else, one at a time: normal pushes, questions (grafts, roots, announcements, requests,
  reconciliation), what the peer was found to lack.

A failed frame puts the peer into backoff: nothing is sent before `retry_at`. Hearing from it ends the pause, because it
is alive. Whether a peer answers is our own opinion, formed from our own frames; it is told to nobody.

State is kept of the peers we have to do with, not of the whole member list.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Final

from registry.keys import key_id

from .audit import Conduct
from .config import GossipConfig
from .events import Held, Peer
from .frames import Beacon, Body, Push, Root
from .outbox import Outbox

URGENT: Final = 0
STEADY: Final = 1
LANES: Final = (URGENT, STEADY)


def _nothing() -> None:
    """What is asked again anyway needs no undoing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A frame to send: its lane, its body, the ids of the statements in it, and what to do should it not arrive."""

    lane: int
    body: Body
    ids: tuple[bytes, ...] = ()
    undo: Callable[[], None] = _nothing


class PeerState:
    """One peer. Times are steady milliseconds, unless named otherwise.

    Attributes:
        said: what it holds, as it last told; None before.
        in_sync: whether that was what we held then.
        beacon: when it last sent one, by its own clock (ms since 1970).
        used_at: when we last had to do with it.
    """

    def __init__(self, peer: Peer, *, config: GossipConfig, random: Random, at: int) -> None:
        self.peer = peer
        self.kid = key_id(peer.public)
        self.outbox = Outbox(config)
        self.conduct = Conduct(config, at=at)
        self.busy = [False, False]
        self.failures = 0
        self.error = ""
        self.last_heard: int | None = None  # wall clock
        self.round_trip: int | None = None
        self.said: Root | Beacon | None = None
        self.in_sync: bool | None = None
        self.beacon: int | None = None
        self.used_at = at
        self._questions: deque[Body] = deque()
        self._retry_at = 0
        self._normal_went_last = False
        self._config = config
        self._random = random

    def ask(self, body: Body) -> None:
        """Queues a question. Of those that say the same each time, one is enough."""
        if not (isinstance(body, Root | Beacon) and any(type(each) is type(body) for each in self._questions)):
            self._questions.append(body)

    def has_question(self, kind: type[Body]) -> bool:
        """Whether a question of this kind waits."""
        return any(isinstance(each, kind) for each in self._questions)

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
        """When `next_sending` may next have something; None where that depends on an answer, or on something new."""
        due: list[int] = []
        if not self.busy[URGENT] and self.outbox.has_urgent:
            due.append(at)
        if not self.busy[STEADY]:
            if self._questions or self.outbox.has_bulk:
                due.append(at)
            if self.outbox.normal_due is not None:
                due.append(self.outbox.normal_due)
        return max(min(due), self._retry_at, at) if due else None

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way or waits."""
        return not (any(self.busy) or self._questions or self.outbox.queued or self.outbox.has_bulk)

    def probe(self) -> None:
        """Whatever waits for the end of a pause may be sent now."""
        self._retry_at = 0

    def on_heard(self, *, now: int, at: int) -> None:
        """A good frame came from it, of whatever kind."""
        self.last_heard = now
        self.used_at = at
        self._retry_at = 0

    def on_answered(self, *, now: int, at: int, since: int) -> None:
        """A frame of ours, sent at `since`, was answered well."""
        self.on_heard(now=now, at=at)
        self.round_trip = at - since
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

    def give_up(self) -> None:
        """Drops all that waits to be sent to it."""
        self.outbox.clear()
        self._questions.clear()

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

    def _other(self, held: Held, _at: int) -> Sending | None:
        self._normal_went_last = False
        if self._questions:
            return Sending(lane=STEADY, body=self._questions.popleft())
        wanted = self.outbox.take_wanted(held)
        if wanted is not None:
            push, ids = wanted
            return Sending(lane=STEADY, body=push, ids=ids, undo=partial(self.outbox.give_back_wanted, ids))
        taken = self.outbox.take_announcement(held)
        if taken is None:
            return None
        page, start = taken
        return Sending(lane=STEADY, body=page, undo=partial(self.outbox.announce_from, start))


def root_of(held: Held) -> Root:
    """What we hold, as told to peers."""
    root, count = held.root()
    return Root(root=root, count=count, size=held.size())


def push_of(
    held: Held, ids: tuple[bytes, ...], config: GossipConfig, may_serve: Callable[[bytes], bool] = lambda _: True
) -> Push:
    """Those of `ids` that we hold and may serve, in the order asked, as many as fit."""
    raws: list[bytes] = []
    room = config.push_bytes
    for id in ids:
        raw = held.raw(id)
        if raw is None:
            continue
        if room < len(raw):
            break
        if may_serve(id):
            room -= len(raw)
            raws.append(raw)
    return Push(statements=tuple(raws), urgent=False)
