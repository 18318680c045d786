"""Admitted nodes try to surround all others: they dial every node, accept every connection, and withhold revocations.

What it takes is what a mesh is made of: operators (a slot each at most) and the luck of every victim's secret salt."""

from accredit.simulations.byzantine import Eclipser
from accredit.simulations.checkers import Bounds
from accredit.simulations.virtual.ecosystem import Crowd
from accredit.simulations.virtual.world import World

from .book import people, scenario


@scenario(
    nodes=40,
    crowd=Crowd(share=0.4, operators=2),
    bounds=Bounds(urgent_p99=1_000, urgent_max=4_000, one_root=60_000, surrounded=0.0, hostile=0.3),
)
def eclipse_few(world: World) -> None:
    """40 % of the nodes, run by two operators, try to surround the others."""
    world.turn_crowd(Eclipser)
    people(world)


@scenario(
    nodes=40,
    crowd=Crowd(share=0.4, operators=0),
    bounds=Bounds(urgent_max=4_000, one_root=60_000),
)
def eclipse_many(world: World) -> None:
    """40 % of the nodes, each with an operator of its own, try to surround the others: revocations come anyway."""
    world.turn_crowd(Eclipser)
    people(world)


@scenario(
    nodes=60,
    crowd=Crowd(share=0.2, operators=0, grinds=100),
    bounds=Bounds(urgent_p99=1_000, one_root=60_000, surrounded=0.1, hostile=0.6),
)
def eclipse_ground(world: World) -> None:
    """A fifth of the nodes has searched for keys that rank first wherever the ranking can be foreseen.

    Chance alone surrounds a node now and then (at seed 17 two of 32): a tenth is allowed.
    """
    world.turn_crowd(Eclipser)
    people(world)


@scenario(
    nodes=30,
    seconds=20.0,
    crowd=Crowd(share=0.3, operators=0, grinds=100),
    bounds=Bounds(urgent_p99=3_000, one_root=60_000),
)
def surrounded(world: World) -> None:
    """As `eclipse_ground`, with more of them: what they withhold is announced within a few heartbeats."""
    world.turn_crowd(Eclipser)
    people(world)
