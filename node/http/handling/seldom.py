"""Makes an answer that takes long seldom: not at each change, if it would take most of the node's time then.

    made = await made_seldom(call.shared, "outcomes", made_of, make)

The answer is kept until what it is made of changes. One that took longer than `QUICK_SECONDS` is kept for `REST` times
as long as it took even then, so that repeated requests use only a part of the node's time.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, NamedTuple, TypeVar

from anyio import current_time

from .route import ApplicationState

T = TypeVar("T")

QUICK_SECONDS: Final = 1.0
"""An answer that took no longer (up to some ten thousand issuers) is made again at every change. A guess."""

REST: Final = 9
"""Making it takes at most a tenth of the time. A guess."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeSeldom(Generic[T]):
    """An answer.

    Attributes:
        left: seconds for which it is still given out although what it is made of has changed; None where nothing has.
    """

    value: T
    left: float | None


class _Resting(NamedTuple):
    value: Any
    made_of: Any
    until: float


async def made_seldom(
    shared: ApplicationState,
    name: str,
    made_of: Callable[[], Any],
    make: Callable[[], Awaitable[T]],
    *,
    most: float = float("inf"),
) -> MadeSeldom[T]:
    """Return the answer of that name; make it if there is none, or if it is outdated and has rested.

    Readers at the same time share one, and one of all names is made at a time (`ApplicationState.share`).

    Args:
        made_of: tells what it is made of now; compared with what the one that is kept was made of.
        most: seconds after its making began in which an outdated answer may be given out; however long making takes,
            it rests as long as that.
    """

    def unless_it_rests() -> Any:
        kept = shared.made.get(name)
        return kept.made_of if kept is not None and current_time() < kept.result.until else made_of()

    async def timed() -> _Resting:
        began, present = current_time(), made_of()
        value = await make()
        took = current_time() - began
        rest = max(took, min(REST * took, most - took)) if took > QUICK_SECONDS else 0.0
        return _Resting(value, present, began + took + rest)

    found = await shared.share(name, shared.making, unless_it_rests, timed)
    left = None if found.made_of == made_of() else max(0.0, found.until - current_time())
    return MadeSeldom(value=found.value, left=left)
