"""Finds the error that ended a run of many tasks, in the groups that trio raises.

try:
    trio.run(…)
except BaseException as error:
    failure = failure_of(error, at=…)        or raises: an interruption, or a request that cannot be carried out
"""

from accredit.registry.errors import InputError
from accredit.simulations.checkers import Violation
from accredit.simulations.virtual.world import violation_of

from .run import Failure


def failure_of(error: BaseException, *, at: int) -> Failure:
    """Return the check that failed.

    Args:
        at: ms since the start of the run.

    Raises:
        KeyboardInterrupt, SystemExit, InputError: that was it; it is no finding about nodes.
    """
    leaves = _leaves(error)
    for leaf in leaves:
        if isinstance(leaf, InputError) or not isinstance(leaf, Exception):
            raise leaf from None
    found = next((leaf for leaf in leaves if isinstance(leaf, Violation)), leaves[0])
    assert isinstance(found, Exception), "others have been raised"
    seen = violation_of(found)
    return Failure(checker=seen.checker, message=seen.message, at=at)


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for one in error.exceptions for leaf in _leaves(one)]
    return [error]
