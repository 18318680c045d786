"""Judges the behaviour of peers: each kind of misbehaviour has its own threshold, and good behaviour offsets nothing.

* Malformed statements or ones with invalid signatures, malformed frames, frames over quota: the peer leaves the mesh,
  and its pushes and grafts are refused for 60 s, doubling to 1 h.
* A statement announced or listed but not delivered in 3 s, or a graft before its time: a strike. After three in 10
  minutes the peer is replaced in the mesh, and may return when the strikes are older.
* False conflicts: one a second is checked (`equivocation_gossip`). This node may not know the accused yet.
* First with no statement in 10 minutes while others were: the peer loses its slot at the next rotation (`mesh`).
* No answer, several times in a row: the peer is replaced in the mesh.
* A statement of an unknown key: no consequence. This node may be the one that is behind.

Additive scores have let peers that never forward anything stay in good standing, so no score is added up here.

A node judges from its own exchanges alone, and tells nobody. **Local health** (Lifeguard) keeps a node that is itself
overloaded or cut off from suspecting everybody else: while its own frames fail and its own clock ticks late, it waits
longer for others and gives fewer strikes.

Processor time is a quota like bytes and frames (`rate_limits`), but never a reason to refuse a statement: a peer's
statements wait in its backlog until there is time for them.
"""

from collections import deque

from accredit.gossip.protocol.backoff import pause_after
from accredit.gossip.protocol.config import GossipConfig
from accredit.registry.statement import Unverified

from .rate_limits import TokenBucket


class LocalHealth:
    """How far failures may be this node's own fault: 0 (not at all) to `health_max`."""

    def __init__(self, config: GossipConfig) -> None:
        self._max = config.health_max
        self.score = 0

    def better(self) -> None:
        """Take note that an exchange worked, or a heartbeat was on time."""
        self.score = max(0, self.score - 1)

    def worse(self) -> None:
        """Take note that an exchange failed, or a heartbeat was late."""
        self.score = min(self._max, self.score + 1)

    def scale(self, number: int) -> int:
        """Return a time or a number of attempts, extended by this node's present trouble."""
        return number * (1 + self.score)


class PeerScore:
    """The record of one peer's behaviour. Times are steady milliseconds.

    Attributes:
        firsts, duplicates: statements that it was the first to send; statements that were already held.
        first_at: when it was last the first to send one; before that, when it became known.
        distrusted_until: when its pause ends.
        offence: its offence, for people.
    """

    __slots__ = (
        "_accused",
        "_announced",
        "_backlog",
        "_backlog_bytes",
        "_config",
        "_offences",
        "_served",
        "_strikes",
        "_work",
        "distrusted_until",
        "duplicates",
        "first_at",
        "firsts",
        "offence",
    )

    def __init__(self, config: GossipConfig, *, at: int) -> None:
        self._config = config
        self._strikes: list[int] = []
        self._offences = 0
        self._served: dict[bytes, int] = {}
        self._announced = (-1, 0)  # in which heartbeat, and how often
        self._work = TokenBucket(rate=config.work_per_second, burst=config.work_burst)
        self._accused: TokenBucket | None = None
        self._backlog: deque[Unverified] | None = None  # an empty deque takes 600 bytes
        self._backlog_bytes = 0
        self.firsts = 0
        self.duplicates = 0
        self.first_at = at
        self.distrusted_until = 0
        self.offence = ""

    def offend(self, what: str, *, at: int) -> None:
        """Ignore it for a pause, because it did what no honest node does; the pause doubles, and offences together
        count once."""
        config = self._config
        if at < self.distrusted_until:
            return
        if at >= self.distrusted_until + config.distrust_max:
            self._offences = 0
        self._offences += 1
        self.distrusted_until = at + pause_after(self._offences, config.distrust_min, config.distrust_max)
        self.offence = what

    def is_distrusted(self, *, at: int) -> bool:
        """Whether it is in a pause."""
        return at < self.distrusted_until

    def strike(self, *, at: int) -> None:
        """Count a broken promise."""
        self._strikes = [*self._strikes, at][-self._config.strikes :]

    def strikes(self, *, at: int) -> int:
        """Return the recent broken promises, at most as many as lead to replacement."""
        return sum(at - each < self._config.strike_window for each in self._strikes) if self._strikes else 0

    def is_struck(self, *, at: int) -> bool:
        """Whether it broke too many."""
        return self.strikes(at=at) >= self._config.strikes

    @property
    def is_spotless(self) -> bool:
        """Return whether it never did anything wrong."""
        return not (self._offences or self._strikes)

    def is_clean(self, *, at: int) -> bool:
        """Return whether forgetting it would lose no information."""
        paused = self._offences and at < self.distrusted_until + self._config.distrust_max
        return not (paused or self.strikes(at=at) or self._backlog)

    def first(self, *, at: int) -> None:
        """Take note that it was the first to send a statement."""
        self.firsts += 1
        self.first_at = at

    def may_serve(self, id: bytes) -> bool:
        """Return whether a statement may be served to it once more, and count that."""
        times = self._served.pop(id, 0)
        self._served[id] = times + 1
        if len(self._served) > self._config.known_ids:
            del self._served[next(iter(self._served))]
        return times < self._config.serves

    def may_announce(self, *, at: int) -> bool:
        """Return whether one more announcement is accepted in this heartbeat, and count it."""
        beat, times = at // self._config.heartbeat, self._announced[1]
        self._announced = (beat, times + 1 if beat == self._announced[0] else 1)
        return self._announced[1] <= self._config.announce_frames

    def may_accuse(self, *, at: int) -> bool:
        """Return whether one more conflict from it is checked, and count it."""
        if self.is_overworked(at=at):
            return False
        if self._accused is None:
            self._accused = TokenBucket(rate=self._config.conflicts_per_second, burst=self._config.conflicts_burst)
        return self._accused.take(1, at=at)

    def charge(self, work: int, *, at: int) -> None:
        """Charge processor time spent on it, µs."""
        self._work.charge(work, at=at)

    def is_overworked(self, *, at: int) -> bool:
        """Return whether it has used up its share of processor time."""
        return self._work.ready_at(at=at) > at

    def queue(self, statements: list[Unverified], *, is_urgent: bool) -> None:
        """Queue its statements to be judged; urgent ones come before all others."""
        if not statements:
            return
        if self._backlog is None:
            self._backlog = deque()
        self._backlog_bytes += sum(len(each.raw) for each in statements)
        if is_urgent:
            self._backlog.extendleft(reversed(statements))
        else:
            self._backlog.extend(statements)

    @property
    def is_backlog_full(self) -> bool:
        """Return whether more waits than is kept."""
        return self._backlog_bytes >= self._config.backlog_bytes

    def take(self, *, at: int) -> tuple[Unverified, ...]:
        """Return the statements for which there is time now."""
        if self._backlog is None:
            return ()
        taken: list[Unverified] = []
        while self._backlog and not self.is_overworked(at=at):
            each = self._backlog.popleft()
            self._backlog_bytes -= len(each.raw)
            self.charge(self._config.verify_work, at=at)
            taken.append(each)
        if not self._backlog:
            self._backlog = None
        return tuple(taken)

    def take_due(self, *, at: int) -> int | None:
        """Return when `take` has something; None if nothing waits."""
        return self._work.ready_at(at=at) if self._backlog else None
