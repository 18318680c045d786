"""Reads other nodes' logs while these nodes do not gossip with this one, so that it still learns their statements.

    nursery.start_soon(KeepingUp(runtime, files, clock, name="node3", begin=["https://node1.example.org"]).run)

Nobody gossips with a node before it is admitted, or after it was retired or its name was given to other keys. If that
happened while the node was away, the statement is in the others' logs, and gossip would never bring it. So a node that
is not a member, or that nobody has answered for `OUTCAST_SECONDS`, reads those logs (`log_follower`) until somebody
answers. A node that is cut off from the network sees the same; it then has nothing to read, and trying does no harm.

It does not decide what a displaced node does (`node.runtime.health` does).
"""

import logging
from collections.abc import Sequence
from typing import Final, Protocol

import trio

from accredit.gossip.protocol.events import Statistics
from accredit.node.clock import Clock
from accredit.node.faults import outliving
from accredit.node.telemetry import event as log_event
from accredit.registry.errors import RefusedError

from .log_follower import Files, JoiningNode, join

JOIN_BY: Final = 2
"""Nodes whose logs are read at a time: one could withhold a statement, or be down."""

OUTCAST_SECONDS: Final = 15.0
"""Silence of all others after which their logs are read. A guess: some rounds of gossip."""

ROUND_SECONDS: Final = 60.0
"""How long the same two logs are read before the next two: they may be down. A guess."""

LOOK_SECONDS: Final = 3.0
"""Time between two checks whether anybody has answered; the same as between two pulls of a log."""

_log = logging.getLogger(__name__)


class GossipingNode(JoiningNode, Protocol):
    """The node that keeps up: `runtime.Runtime`."""

    def last_heard(self) -> int | None: ...

    def statistics(self) -> Statistics: ...


class KeepingUp:
    """See the module.

    Args:
        name: this node's; its record may meanwhile name another machine.
        begin: URLs of nodes to begin with while no others are known.
    """

    def __init__(self, node: GossipingNode, files: Files, clock: Clock, *, name: str, begin: Sequence[str]) -> None:
        self._node = node
        self._files = files
        self._clock = clock
        self._name = name
        self._begin = [url.rstrip("/") for url in begin]
        self._refused: set[str] = set()
        self._started = clock.now()

    async def run(self) -> None:
        """Run until cancelled."""
        turn = 0
        while True:
            if self.is_outcast():
                urls = self._others()
                first, turn = turn % max(1, len(urls)), turn + JOIN_BY
                with trio.move_on_after(ROUND_SECONDS):
                    async with trio.open_nursery() as nursery:
                        for url in [*urls[first:], *urls[:first]][:JOIN_BY]:
                            nursery.start_soon(self._read, url)
            await trio.sleep(LOOK_SECONDS)

    def is_outcast(self) -> bool:
        """Return whether the others do not gossip with this node, as far as it can tell."""
        if not self._node.engine.is_member:
            return True
        last = self._node.last_heard()
        return last is not None and self._clock.now() - max(last / 1_000, self._started) > OUTCAST_SECONDS

    def _others(self) -> list[str]:
        """Return the URLs of other nodes, each once."""
        peers = [peer.url.rstrip("/") for peer in self._node.statistics().peers if peer.name != self._name]
        return [url for url in dict.fromkeys([*self._begin, *peers]) if url not in self._refused]

    async def _read(self, url: str) -> None:
        with outliving(_log, "the reading of a log was given up", url=url):
            try:
                await join(self._node, self._files, url, is_done=lambda: not self.is_outcast())
            except RefusedError as error:
                self._refused.add(url)
                log_event(_log, logging.ERROR, "of another ecosystem", url=url, code=error.code, reason=error.message)
