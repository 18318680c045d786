"""Checks the clock before signing: a statement's date cannot be changed, and later statements of the key follow it."""

import time
from typing import TYPE_CHECKING, Final

from accredit.cli.base.documents import span, when
from accredit.registry.errors import RefusedError

if TYPE_CHECKING:
    from accredit.node.clients.node_client import NodeClient

CLOCK_SLACK: Final = 300
"""Seconds by which two clocks may differ: more than clocks set by NTP do, and longer than a node takes to answer."""


def require_clock(client: "NodeClient") -> None:
    """Refuse to go on if this machine and the node do not agree on the time.

    Raises:
        RefusedError: `clock_differs`: they differ by more than `CLOCK_SLACK`.
    """
    if client.clock_ahead is None:
        client.ecosystem()
    ahead = client.clock_ahead
    if ahead is not None and abs(ahead) > CLOCK_SLACK:
        raise RefusedError(
            "clock_differs",
            f"This machine's clock is {span(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} that of "
            f"{client.url}; your statements would keep a wrong date for ever.",
            hint="Nothing was signed. Set this machine's clock, or ask another node (--node) if that node's "
            "clock is wrong.",
        )


def require_past(dated: int) -> None:
    """Refuse a date ahead of this machine's clock, which may be the only clock available.

    Args:
        dated: seconds.

    Raises:
        RefusedError: `dated_ahead`: it is ahead by more than `CLOCK_SLACK`.
    """
    ahead = dated - time.time()
    if ahead > CLOCK_SLACK:
        raise RefusedError(
            "dated_ahead",
            f"The request is dated {when(dated)}, {span(ahead)} ahead of this machine's clock.",
            hint="Nothing was signed. Set the wrong clock: this machine's, or that of the machine that made the "
            "request.",
        )
