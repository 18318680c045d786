"""The behaviour of peers and its consequences: a threshold for each kind of behaviour; good deeds offset nothing.

* Statements with invalid signatures or malformed, malformed frames, over quota: out of the mesh, and its pushes and
  grafts are refused for 60 s, doubling to 1 h.
* Announced or listed and not delivered in 3 s, or a graft before its time: a strike. Three in 10 minutes: replaced in
  the mesh, and back in it only when they are that old.
* Conflicts that are none: one a second is looked at (`equivocation_gossip`). It may be we who do not know the accused.
* Never first with anything in 10 minutes while others were: loses its slot at the next rotation (`mesh`).
* No answer, several times in a row: replaced in the mesh.
* A statement of an unknown key: nothing. It may be we who are behind.

Scores that add up have let peers that never forward anything stay in good standing; so nothing here adds up.

All of it is our own opinion, formed from our own exchanges, and told to nobody. **Local health** (Lifeguard) keeps a
node that is itself overloaded or cut off from suspecting everybody else: while its own frames fail and its own clock
ticks late, it waits longer for others and strikes less.

The processor's time is a quota like bytes and frames (`rate_limits`), but is never a reason to refuse a statement: what
a peer has sent waits in its backlog until there is time for it again.
"""

from collections import deque

from accredit.registry.statement import Unverified

from .backoff import pause_after
from .config import GossipConfig
from .rate_limits import TokenBucket


class LocalHealth:
    """How much of what goes wrong may be our own fault: 0 (nothing) to `health_max`."""

    def __init__(self, config: GossipConfig) -> None:
        self._max = config.health_max
        self.score = 0

    def better(self) -> None:
        """An exchange worked, or a heartbeat was in time."""
        self.score = max(0, self.score - 1)

    def worse(self) -> None:
        """An exchange failed, or we were late."""
        self.score = min(self._max, self.score + 1)

    def scale(self, number: int) -> int:
        """A time or number of attempts that others get from us, in our present state."""
        return number * (1 + self.score)


class PeerScore:
    """What one peer did. Times are steady milliseconds.

    Attributes:
        firsts, duplicates: statements that it was the first to send us; that we had.
        first_at: when it was last first with one; before that, when we got to know it.
        distrusted_until: when its pause ends.
        offence: what it did, for people.
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
        """It did what no honest node does: a pause, doubling; one for all that comes at once."""
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
        """It did not deliver what it promised."""
        self._strikes = [*self._strikes, at][-self._config.strikes :]

    def strikes(self, *, at: int) -> int:
        """Promises broken lately; no more are counted than it takes to be replaced."""
        return sum(at - each < self._config.strike_window for each in self._strikes)

    def is_struck(self, *, at: int) -> bool:
        """Whether it broke too many."""
        return self.strikes(at=at) >= self._config.strikes

    def is_clean(self, *, at: int) -> bool:
        """Whether nothing would be lost by forgetting it."""
        paused = self._offences and at < self.distrusted_until + self._config.distrust_max
        return not (paused or self.strikes(at=at) or self._backlog)

    def first(self, *, at: int) -> None:
        """It was the first to send us a statement."""
        self.firsts += 1
        self.first_at = at

    def may_serve(self, id: bytes) -> bool:
        """Whether a statement may be served to it once more; counts it."""
        times = self._served.pop(id, 0)
        self._served[id] = times + 1
        if len(self._served) > self._config.known_ids:
            del self._served[next(iter(self._served))]
        return times < self._config.serves

    def may_announce(self, *, at: int) -> bool:
        """Whether one more announcement is taken in this heartbeat's time; counts it."""
        beat, times = at // self._config.heartbeat, self._announced[1]
        self._announced = (beat, times + 1 if beat == self._announced[0] else 1)
        return self._announced[1] <= self._config.announce_frames

    def may_accuse(self, *, at: int) -> bool:
        """Whether one more conflict of it is checked; counts it."""
        if self.is_overworked(at=at):
            return False
        if self._accused is None:
            self._accused = TokenBucket(rate=self._config.conflicts_per_second, burst=self._config.conflicts_burst)
        return self._accused.take(1, at=at)

    def charge(self, work: int, *, at: int) -> None:
        """Our processor worked for it, µs."""
        self._work.charge(work, at=at)

    def is_overworked(self, *, at: int) -> bool:
        """Whether it has used up its share of our processor."""
        return self._work.ready_at(at=at) > at

    def queue(self, statements: list[Unverified], *, is_urgent: bool) -> None:
        """Statements of it that wait to be judged; urgent ones before all others."""
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
        """Whether more is waiting than we keep."""
        return self._backlog_bytes >= self._config.backlog_bytes

    def take(self, *, at: int) -> tuple[Unverified, ...]:
        """What there is time for now."""
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
        """When `take` has something; None where nothing waits."""
        return self._work.ready_at(at=at) if self._backlog else None
