"""Measurements without faults: how fast statements reach every node, and the workload of published figures."""

from accredit.gossip.protocol.config import GossipConfig
from accredit.simulations.baseline.maelstrom import play_broadcast
from accredit.simulations.checkers import Bounds, Violation
from accredit.simulations.virtual.physics.network import LinkSettings
from accredit.simulations.virtual.world import World

from .book import scenario


@scenario(nodes=100, grants=40, bounds=Bounds(urgent_p99=500, urgent_max=600, one_root=10_000))
def revocation(world: World) -> None:
    """One accreditation is revoked after the other: how long until every node enforces it?"""
    world.workload.revocations(every=1)


@scenario(nodes=100, seconds=5.0, bounds=Bounds(normal_max=5_000, one_root=10_000))
def rush(world: World) -> None:
    """A hundred issuers are registered within two seconds, at any nodes: what comes together travels together."""
    for number in range(100):
        world.at(number / 50, world.workload.register)


@scenario(
    nodes=25,
    seconds=30.0,
    tick=1,
    links=LinkSettings(median=100.0, spread=0.0, jitter=0.0),
    gossip=GossipConfig(),
    bounds=Bounds(),
)
def broadcast(world: World) -> None:
    """The broadcast workload of the Maelstrom workbench: 25 nodes, 100 ms links, 100 operations a second for 20 s."""
    finish = play_broadcast(world)

    def end() -> None:
        result = finish()
        if result.lost:
            raise Violation("broadcast", f"{result.lost} values were lost")

    world.at_end(end)
