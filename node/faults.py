"""Lets a node outlive errors that nobody foresaw: they are logged, and only what they happened in is given up.

    with outliving(_log, "an exchange with another node was given up", peer=name):
        ...                                                     what is foreseen is handled in here
    nursery.start_soon(enduring, _log, "the watch over witnesses", witnessing.run)
    with last_words(_log, "this node ends"):
        ...                                                     what the node cannot be without

In trio an error that leaves one task ends all of them. A node talks with many at a time, so an error in one exchange
with a peer, a client or a worker, whoever made it, must not leave that exchange.

Whatever stores or signs does not go on after such an error, because nobody knows then what is stored and signed: the
node ends, and `last_words` says why before anything else can happen to it.

An error is logged with its trace the first time that it happens in a place; then in one line, at most once in
`AGAIN_SECONDS`: whoever can cause it once may cause it a thousand times a second.
"""

import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final

import trio

from accredit.gossip.protocol.backoff import pause_after
from accredit.registry.errors import AccreditError

from .telemetry import Value, event

AGAIN_SECONDS: Final = 60.0
"""Time between two lines about the same error in the same place. A guess: an operator's minute."""

PAUSE_SECONDS: Final = (1.0, 60.0)
"""First and longest pause before something that was given up begins again; it doubles. A guess."""

PLACES_MOST: Final = 256
"""Errors that are remembered as logged; then all are forgotten. A guess: there are fewer places in this program."""

_REPORT: Final = "This is a fault in accredit: please report it with this line. The node went on without it."
_OF_THE_SYSTEM: Final = "The system refused it: check this machine's limits and its log. The node went on without it."

outlived: Final = Counter[str]()
"""By event, how many errors were outlived since the process began, logged or not; for its figures."""

_logged: dict[tuple[str, str, str], float] = {}
"""By event, kind of error and place: when it was logged last. One for the process, as the log is."""


@contextmanager
def outliving(log: logging.Logger, what: str, **facts: Value) -> Iterator[None]:
    """Give up the block at any error, log that, and go on after it. What cancels the block goes through.

    Args:
        log: the module's logger.
        what: what was given up, in a few words; the same for the same kind.
        facts: as of `telemetry.event`.
    """
    try:
        yield
    except* Exception as errors:
        for error in errors_in(errors):
            tell(log, what, error, **facts)


async def enduring(
    log: logging.Logger, what: str, work: Callable[[], Awaitable[None]], *, pauses: tuple[float, float] = PAUSE_SECONDS
) -> None:
    """Do work until it ends by itself; after an error begin it anew, after a pause.

    Args:
        log, what: as of `outliving`.
        pauses: the first and the longest, seconds; after so long without an error it is the first again.
    """
    failures = count(1)
    while True:
        began = trio.current_time()
        with outliving(log, what):
            await work()
            return
        if trio.current_time() - began > pauses[1]:
            failures = count(1)
        await trio.sleep(pause_after(next(failures), *pauses))


@contextmanager
def last_words(log: logging.Logger, what: str) -> Iterator[None]:
    """Log an error that leaves the block, at once: what it ends may take a while to end, and be killed meanwhile."""
    try:
        yield
    except BaseException as error:
        for each in errors_in(error):
            if isinstance(each, AccreditError):
                event(log, logging.CRITICAL, what, code=each.code, reason=each.message, hint=each.hint)
            elif isinstance(each, Exception):
                event(log, logging.CRITICAL, what, error=each)
        raise


def tell(log: logging.Logger, what: str, error: BaseException, **facts: Value) -> None:
    """Log an error that was outlived, unless the same one was logged a moment ago.

    Args:
        log, what, facts: as of `outliving`.
    """
    outlived[what] += 1
    kind = type(error).__name__
    place = error.code if isinstance(error, AccreditError) else place_of(error)
    key, now = (what, kind, place), time.monotonic()
    last = _logged.get(key)
    if last is not None and now - last < AGAIN_SECONDS:
        return
    if len(_logged) >= PLACES_MOST:
        _logged.clear()
    _logged[key] = now
    shown: BaseException | None = None
    if isinstance(error, AccreditError):
        facts |= {"code": error.code, "reason": error.message, "hint": error.hint}
    else:
        facts["hint"] = _OF_THE_SYSTEM if isinstance(error, OSError) else _REPORT
        if last is None:
            shown = error
        else:
            facts |= {"reason": kind, "place": place}
    event(log, logging.ERROR, what, error=shown, **facts)


def place_of(error: BaseException) -> str:
    """Return the file and line in which an error was raised, which say nothing of what it was about."""
    trace = error.__traceback__
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def errors_in(error: BaseException) -> list[BaseException]:
    """Return the errors of a group, also of groups in it, in order; of any other error itself."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for each in error.exceptions for leaf in errors_in(each)]
    return [error]
