"""Whether a node is fit to answer and to sign: failed writes, work that it gives up when it is due, or its own
contradictory signatures make it unfit.

    fitness = Fitness(clock.monotonic)
    with fitness.writing("statements"):      an error of storage is remembered until such a write succeeds, and raised
        store.append(…)
    fitness.disown("node2 holds a checkpoint … that is not of this log")           for good: until a person has looked
    fitness.obstacles()                      each a sentence, for /readyz, alarms and refusals

A node that cannot store statements does not know of new revocations, and one whose key signed two histories must not
continue either. Without this module both would continue to answer as usual.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from accredit.registry.errors import StorageError

STATEMENTS = "statements"
"""The kind of write without which answers grow old."""

_IDLE = "This node has given up all that was due, such as asking other nodes,"


class Fitness:
    """See the module.

    Args:
        monotonic: seconds of a clock that never falls.

    Attributes:
        failures: writes that failed since the start, by the error's code.
        disowned: why the node must not sign any more; empty if it may.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.failures: Counter[str] = Counter()
        self.disowned = ""
        self._monotonic = monotonic
        self._failing: dict[str, tuple[StorageError, float]] = {}  # what, why, since when
        self._idle_since: float | None = None

    @property
    def is_failing(self) -> bool:
        """Whether some write has failed and none of its kind succeeded since."""
        return bool(self._failing)

    @contextmanager
    def writing(self, what: str) -> Iterator[None]:
        """Remembers how a write of this kind ends."""
        try:
            yield
        except StorageError as error:
            self.failures[error.code] += 1
            self._failing[what] = error, self._failing.get(what, (error, self._monotonic()))[1]
            raise
        self._failing.pop(what, None)

    def recovered(self) -> None:
        """The disk takes writes again."""
        self._failing.clear()

    def acted(self, *, is_done: bool) -> None:
        """Take note whether the node did what was due, or gave it up at an error that nobody foresaw."""
        if is_done:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = self._monotonic()

    def disown(self, why: str) -> None:
        """Stop signing: this node's key has signed something outside its log, or two things that cannot both be
        true."""
        self.disowned = self.disowned or why

    def check_may_sign(self) -> None:
        """That nothing speaks against signing more.

        Raises:
            StorageError: it is `disowned` (`log_disowned`).
        """
        if self.disowned:
            raise StorageError(
                "log_disowned",
                f"This node has stopped signing: {self.disowned}.",
                hint="Stop it, find out whether a backup was restored or a key stolen, and have the node replaced.",
            )

    def obstacles(self) -> list[str]:
        """Why the node is unfit, each a sentence; empty where it is fit."""
        return [*([f"This node has stopped signing: {self.disowned}."] if self.disowned else []), *self.alarms()]

    def alarms(self) -> list[str]:
        """Return a sentence for each kind of write that fails, and for what is not done; a disowned log has its own
        alarm already."""
        now = self._monotonic()
        idle = [] if self._idle_since is None else [f"{_IDLE} for {now - self._idle_since:.0f} s: see its log."]
        return idle + [
            f"This node has been unable to store {what} for {now - since:.0f} s ({error.code})."
            for what, (error, since) in self._failing.items()
        ]

    def outdated(self) -> str | None:
        """Return why its answers may be out of date, or why it must not answer; None if neither applies."""
        if self.disowned:
            return f"This node's log is disowned: {self.disowned}."
        if STATEMENTS in self._failing:
            return f"This node cannot store new statements ({self._failing[STATEMENTS][0].code})."
        return None
