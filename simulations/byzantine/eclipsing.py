"""Adversaries that surround a victim: they take every place they can get in its mesh, and withhold revocations."""

from random import Random

from accredit.gossip.protocol.wire import Body, Graft, Prune
from accredit.simulations.virtual.host import Host

from .conduct import repeat, send
from .withholding import Withholder


class Eclipser(Withholder):
    """Dials every node as soon as it may, accepts every connection and never leaves.

    Who was refused and asks again within a minute is struck, so it waits that long. To be drawn by those who dial, it
    needs more: many operators, and keys that rank high (`ecosystem.Crowd`).

    Args:
        every: ms between two rounds.
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
        """Nobody who asks is refused."""
        return Graft() if isinstance(body, Prune) else super().rewrite(body)
