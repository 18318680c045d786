"""Adversaries that surround a victim: they take every place that they can get in its mesh, and withhold revocations."""

from random import Random

from accredit.gossip.protocol.wire import Body, Graft, Prune
from accredit.simulations.virtual.host import Host

from .conduct import repeat, send
from .withholding import Withholder


class Eclipser(Withholder):
    """Dials every node as soon as it may, accepts every connection and never leaves.

    A node that is refused and asks again within a minute gets a strike, so it waits that long. To be chosen by nodes
    that dial, it needs many operators as well, and keys that rank high (`ecosystem.Crowd`).

    Args:
        every: time between two rounds, ms.
    """

    def __init__(self, every: int = 61_000) -> None:
        super().__init__()
        self._every = every

    def begin(self, host: Host) -> None:
        """See `Conduct`."""
        super().begin(host)

        def dial(random: Random) -> None:
            others = [name for name in host.world.town.names if name != host.name]
            for name in random.sample(others, len(others)):
                send(host, name, Graft(), random)

        host.world.timeline.after(1_000, lambda: repeat(host, self._every, dial, within=1_000))

    def rewrite(self, body: Body) -> Body | None:
        """It refuses nobody."""
        return Graft() if isinstance(body, Prune) else super().rewrite(body)
