"""Admitted nodes break the rules of gossip: they send nothing, too much, or lies."""

from accredit.gossip.protocol.config import GossipConfig
from accredit.simulations.byzantine import (
    ForkFlooder,
    FrameFlooder,
    InvalidFlooder,
    Promiser,
    Replayer,
    RootLiar,
    Silent,
    Sleeper,
    Staller,
    ValidFlooder,
    Withholder,
)
from accredit.simulations.checkers import Bounds
from accredit.simulations.virtual.physics.network import LinkSettings
from accredit.simulations.virtual.world import World

from .book import people, scenario


@scenario(
    nodes=50,
    seconds=60.0,
    links=LinkSettings(loss=0.02),
    bounds=Bounds(urgent_share=(1_000, 0.99), one_root=60_000),
)
def silent(world: World) -> None:
    """30 % of the nodes take connections and say nothing; links lose 2 %."""
    world.corrupt(world.settings.option("share", 0.3), Silent)
    people(world)


@scenario(nodes=50, seconds=60.0, bounds=Bounds(urgent_share=(1_000, 0.999), one_root=60_000))
def withhold_revocations(world: World) -> None:
    """30 % of the nodes pass everything on but revocations."""
    world.corrupt(world.settings.option("share", 0.3), Withholder)
    people(world)


@scenario(nodes=30, bounds=Bounds(urgent_p99=1_000, one_root=60_000, offences=6))
def flood_invalid(world: World) -> None:
    """A fifth of the nodes floods the others with forged statements and replayed frames."""
    world.corrupt(0.1, InvalidFlooder)
    world.corrupt(0.1, Replayer)
    people(world)


@scenario(
    nodes=20,
    seconds=30.0,
    authorities=4,
    budget=500,
    gossip=GossipConfig(waiting_statements=50),
    bounds=Bounds(urgent_p99=1_000, one_root=60_000),
)
def flood_valid(world: World) -> None:
    """An authority's key spends its budget as fast as it can, and goes on: nothing overflows, revocations pass."""
    pen = world.workload.retire_pen()
    world.turn(world.hosts[-1:], lambda: ValidFlooder(pen, many=8))
    people(world)


@scenario(
    nodes=4,
    seconds=30.0,
    authorities=4,
    budget=200,
    bounds=Bounds(urgent_p99=1_000, one_root=60_000, beyond=600),
)
def flood_forks(world: World) -> None:
    """A stolen key signs without end under one number, at every node: what it fills is bounded, revocations pass.

    The bound is what three honest nodes take in the first hour, 64 each, and twice the budget, rounded up.
    """
    pen = world.workload.retire_pen()
    world.turn(world.hosts[-1:], lambda: ForkFlooder(pen))
    people(world)


@scenario(
    nodes=12,
    seconds=20.0,
    gossip=GossipConfig(frames_per_second=10, frames_burst=50),
    bounds=Bounds(urgent_p99=1_000, one_root=60_000, frames=60),
)
def flood_frames(world: World) -> None:
    """A node sends another a hundred good frames a second, all that it may and ten times more."""
    world.turn(world.hosts[-1:], FrameFlooder)
    people(world)


@scenario(nodes=30, bounds=Bounds(urgent_max=1_000, one_root=60_000))
def lying_roots(world: World) -> None:
    """A fifth of the nodes claims another set each time it is asked, so that others reconcile for ever."""
    world.corrupt(world.settings.option("share", 0.2), RootLiar)
    people(world)


@scenario(nodes=20, seconds=60.0, bounds=Bounds(urgent_max=1_000, one_root=60_000))
def stalling(world: World) -> None:
    """A fifth of the nodes lures others into reconciling and never comes to an end, one range a reply."""
    world.corrupt(world.settings.option("share", 0.2), Staller)
    people(world)


@scenario(nodes=30, seconds=60.0, bounds=Bounds(one_root=60_000, hostile=0.05))
def promising(world: World) -> None:
    """A fifth of the nodes announces what it never delivers; it ends in nobody's mesh."""
    world.corrupt(world.settings.option("share", 0.2), Promiser)
    people(world)


@scenario(nodes=30, seconds=60.0, bounds=Bounds(one_root=60_000, hostile=0.1))
def late_strike(world: World) -> None:
    """A third of the nodes behaves for half the time, then some fall silent, some forge, some promise in vain."""
    half = world.settings.seconds / 2
    for turncoat in (Silent, InvalidFlooder, Promiser):
        world.corrupt(0.1, lambda turncoat=turncoat: Sleeper(turncoat(), half))  # type: ignore[misc]
    people(world)
