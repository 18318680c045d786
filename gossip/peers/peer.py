"""The state that the machine keeps for one peer, and what it would send next.

At most one frame is under way to a peer in each lane, so that bulk never delays urgent frames:

* `URGENT`: accusations, and pushes of urgent statements;
* `STEADY`: all other frames, one at a time: normal pushes, questions (grafts, roots, announcements, requests,
  reconciliation), statements that the peer was found to lack;
* `POLLING`: this node's poll, if it cannot be dialled (`sending`).

A peer that polls is not dialled. It gets its frames in the answers to its polls, and no questions that need an answer.

A failed frame puts the peer into backoff: nothing is sent before `retry_at`. Hearing from it ends the pause, because it
is alive. This node judges from its own frames alone whether a peer answers, and tells nobody.

State is kept only for the peers with which this node interacts, not for all members.
"""

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Final, get_args

from accredit.gossip.protocol.backoff import pause_after
from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.events import Held, Peer
from accredit.gossip.protocol.sending import LongPoll, Sending
from accredit.gossip.protocol.wire import Accusation, Announce, Beacon, Body, Poll, Prune, Push, Request, Root

from .outbox import Outbox
from .peer_score import PeerScore

URGENT: Final = 0
STEADY: Final = 1
POLLING: Final = 2

Told = Push | Announce | Request | Prune | Accusation
"""The frames that may answer a poll: those that need at most a push in return."""

_TOLD: Final = get_args(Told)


class PeerState:
    """One peer. Times are steady milliseconds, unless named otherwise.

    Attributes:
        said: its holdings, as it last told them; None before the first time.
        in_sync: whether those equalled this node's at that time.
        accusations: names of this node's conflicts that it is known to have (`equivocation_gossip`).
        line: its polls, if it cannot be dialled. is_polled: whether this node, which cannot be dialled, polls it.
        beacon: when it last sent one, by its own clock (ms since 1970).
        used_at: when this node last interacted with it.
    """

    __slots__ = (
        "_accuse",
        "_config",
        "_normal_went_last",
        "_polled_at",
        "_polled_last",
        "_questions",
        "_random",
        "_retry_at",
        "accusations",
        "beacon",
        "busy",
        "conduct",
        "error",
        "failures",
        "in_sync",
        "is_polled",
        "kid",
        "last_heard",
        "line",
        "outbox",
        "peer",
        "round_trip",
        "said",
        "used_at",
    )

    def __init__(self, peer: Peer, *, kid: bytes, config: GossipConfig, random: Random, at: int) -> None:
        self.peer = peer
        self.kid = kid
        self.outbox = Outbox(config)
        self.conduct = PeerScore(config, at=at)
        self.busy = [False, False, False]
        self.failures = 0
        self.error = ""
        self.last_heard: int | None = None  # wall clock
        self.round_trip: int | None = None
        self.said: Root | Beacon | None = None
        self.in_sync: bool | None = None
        self.beacon: int | None = None
        self.accusations: dict[bytes, None] = {}
        self.line: LongPoll | None = None
        self.is_polled = False
        self.used_at = at
        self._questions: list[Body] = []
        self._accuse: Callable[[], Accusation] | None = None
        self._polled_at = -config.poll_pause
        self._polled_last = b""
        self._retry_at = 0
        self._normal_went_last = False
        self._config = config
        self._random = random

    def ask(self, body: Body) -> None:
        """Queue a question; of a kind that always says the same, only one."""
        if isinstance(body, Root | Beacon) and any(type(each) is type(body) for each in self._questions):
            return
        if self.line is None or isinstance(body, _TOLD):
            self._questions.append(body)

    def has_question(self, kind: type[Body]) -> bool:
        """Return whether a question of this kind waits."""
        return any(isinstance(each, kind) for each in self._questions)

    def accuse(self, compose: Callable[[], Accusation]) -> None:
        """Queue an accusation, which is put together when it is sent."""
        self._accuse = compose

    def mark_known(self, ids: tuple[bytes, ...]) -> None:
        """Take note that the peer has these statements."""
        for id in ids:
            self.outbox.mark_known(id)

    def next_sending(self, held: Held, *, at: int) -> Sending | None:
        """Return what to send now; None if nothing is due or its lane is busy. The lane is busy afterwards."""
        if at < self._retry_at:
            return None
        sending = None
        if not self.busy[URGENT] and (self._accuse is not None or self.outbox.has_urgent):
            sending = self._urgent(held)
        if sending is None and not self.busy[STEADY]:
            sending = self._steady(held, at)
        if sending is None and self._poll_due is not None and self._poll_due <= at:
            sending = Sending(lane=POLLING, body=Poll(last=self._polled_last))
        if sending is not None:
            self.busy[sending.lane] = True
        return sending

    def next_telling(self, held: Held, *, at: int) -> Sending | None:
        """Return what to put into the answer of a poll now; None if nothing is due."""
        return self._urgent(held) or self._steady(held, at)

    def next_due(self, *, at: int) -> int | None:
        """Return when `next_sending` may next have something, or a poll must be answered; None if only an answer or new
        input can cause that."""
        line = self.line
        if line is None and not self.is_polled and self._has_nothing:  # as of most: an answer is under way
            return None
        if line is not None:
            told = None if line.token is None else self._waiting(at, is_urgent=True, is_steady=True)
            return max(at, line.until if told is None else min(line.until, told))
        due = self._waiting(at, is_urgent=not self.busy[URGENT], is_steady=not self.busy[STEADY])
        if (poll := self._poll_due) is not None:
            due = poll if due is None else min(due, poll)
        return None if due is None else max(due, self._retry_at, at)

    def _waiting(self, at: int, *, is_urgent: bool, is_steady: bool) -> int | None:
        """Return when the first frame that waits for these lanes is due; None if none waits."""
        if is_urgent and (self._accuse is not None or self.outbox.has_urgent):
            return at
        if not is_steady:
            return None
        return at if self._questions or self.outbox.has_bulk else self.outbox.normal_due

    @property
    def _poll_due(self) -> int | None:
        """Return when to poll it next; None if it is not polled, or a poll is under way."""
        return self._polled_at + self._config.poll_pause if self.is_polled and not self.busy[POLLING] else None

    @property
    def is_idle(self) -> bool:
        """Return whether nothing is under way or waits."""
        return not (self.is_polled or self.line is not None or True in self.busy) and self._has_nothing

    @property
    def _has_nothing(self) -> bool:
        """Return whether nothing waits to be sent."""
        return not (self._questions or self._accuse is not None or self.outbox.has_any)

    def probe(self) -> None:
        """Allow frames that wait for the end of a pause to be sent now."""
        self._retry_at = 0

    def on_heard(self, *, now: int, at: int) -> None:
        """Take note of a good frame of any kind from it."""
        self.last_heard = now
        self.used_at = at
        self._retry_at = 0

    def on_answered(self, *, now: int, at: int, since: int | None) -> None:
        """Take note of a good answer to a frame sent at `since`; None if the answer was held back and so tells no round
        trip."""
        self.on_heard(now=now, at=at)
        if since is not None:
            self.round_trip = at - since
        self.failures = 0
        self.error = ""

    def on_failed(self, reason: str, *, at: int) -> None:
        """Take note of a failed frame; the pause doubles, with jitter so that peers do not all retry at once."""
        self.error = reason
        if at < self._retry_at:  # the other lane's frame failed with it: count that as one failure
            return
        self.failures += 1
        pause = pause_after(self.failures, self._config.backoff_min, self._config.backoff_max)
        self._retry_at = at + int(pause * self._random.uniform(0.5, 1.0))

    def polled(self, nonce: bytes, *, at: int) -> None:
        """Take note that this node's poll with this nonce, sent `at`, was answered."""
        self._polled_last, self._polled_at = nonce, at

    def on_polls(self) -> None:
        """Take note that it polls: it is alive, and gets no questions that it could not answer."""
        self.failures = 0
        self.error = ""
        self._questions = [each for each in self._questions if isinstance(each, _TOLD)]

    def give_up(self) -> None:
        """Drop all that waits to be sent to it."""
        self.outbox.clear()
        self._questions.clear()
        self._accuse = None

    def _urgent(self, held: Held) -> Sending | None:
        compose, self._accuse = self._accuse, None
        if compose is not None:
            return Sending(lane=URGENT, body=compose(), undo=partial(self._accuse_again, compose))
        taken = self.outbox.take_urgent(held)
        if taken is None:
            return None
        push, given = taken
        return Sending(
            lane=URGENT, body=push, ids=tuple(given), undo=partial(self.outbox.give_back, given, urgent=True)
        )

    def _accuse_again(self, compose: Callable[[], Accusation]) -> None:
        self.accusations.clear()
        self._accuse = compose

    def _steady(self, held: Held, at: int) -> Sending | None:
        if not (self._questions or self.outbox.has_any):
            self._normal_went_last = False
            return None
        # They take turns, so that a stream of new statements cannot starve reconciliation, or the reverse.
        turns = (self._other, self._normal) if self._normal_went_last else (self._normal, self._other)
        return turns[0](held, at) or turns[1](held, at)

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
            return Sending(lane=STEADY, body=self._questions.pop(0))
        wanted = self.outbox.take_wanted(held)
        if wanted is not None:
            push, ids = wanted
            return Sending(lane=STEADY, body=push, ids=ids, undo=partial(self.outbox.give_back_wanted, ids))
        taken = self.outbox.take_announcement(held)
        if taken is None:
            return None
        page, start = taken
        return Sending(lane=STEADY, body=page, undo=partial(self.outbox.announce_from, start))


def push_of(
    held: Held, ids: tuple[bytes, ...], config: GossipConfig, may_serve: Callable[[bytes], bool] = lambda _: True
) -> Push:
    """Return a push of those `ids` that are held and may be served, in the requested order, as many as fit."""
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
