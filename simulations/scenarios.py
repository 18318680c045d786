"""The scenarios: what may happen to a network, some twenty lines each.

    @scenario(nodes=30, seconds=60, bounds=Bounds(one_root=60_000))
    def lossy(world: World) -> None:
        '''One line that says what happens.'''
        world.workload.registrations(every=1)

A scenario is a function of a world that has not begun: it plans faults (`world.at`, `world.every`), makes adversaries
(`world.corrupt`) and says what people do meanwhile (`world.workload`). Its name is the function's, its summary the
docstring's first line; the decorator holds the settings it is meant for and what it promises. Checkers watch every run.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from gossip.config import GossipConfig

from .byzantine import InvalidFlooder, Replayer, RootLiar, Silent, Withholder
from .checkers import Bounds, Violation
from .maelstrom import play_broadcast
from .network import LinkSettings, Sparse, split
from .world import Settings, World

Plan = Callable[[World], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One of them, with the settings it is meant for."""

    name: str
    summary: str
    plan: Plan
    settings: Settings
    bounds: Bounds


SCENARIOS: Final[dict[str, Scenario]] = {}


def scenario(*, bounds: Bounds | None = None, **settings: Any) -> Callable[[Plan], Plan]:
    """Registers the function below as a scenario. Settings are those of `Settings`."""

    def register(plan: Plan) -> Plan:
        name = plan.__name__
        assert name not in SCENARIOS, f"there are two scenarios named {name}"
        SCENARIOS[name] = Scenario(
            name=name,
            summary=(plan.__doc__ or "").strip().splitlines()[0],
            plan=plan,
            settings=Settings(**settings),
            bounds=bounds or Bounds(),
        )
        return plan

    return register


def _people(world: World, *, normal: float = 1.0, urgent: float = 3.0) -> None:
    """Somebody registers an issuer every so many seconds, and somebody revokes an accreditation."""
    world.workload.registrations(every=world.settings.option("normal", normal))
    world.workload.revocations(every=world.settings.option("urgent", urgent))


@scenario(bounds=Bounds(urgent_p99=500, urgent_max=600, normal_max=10_000, one_root=10_000))
def baseline(world: World) -> None:
    """Nothing goes wrong."""
    _people(world)


@scenario(
    nodes=30,
    links=LinkSettings(loss=0.05, duplication=0.05, reordering=0.1),
    bounds=Bounds(one_root=60_000),
)
def lossy(world: World) -> None:
    """Every link loses 5 % of all messages, repeats 5 % and holds up 10 %."""
    _people(world)


@scenario(nodes=40, seconds=600.0, bounds=Bounds(one_root=60_000))
def partition(world: World) -> None:
    """Half the nodes do not hear the other half, from the first second to the last."""
    world.at(1, lambda: world.cut("halves", split(*world.halves())))
    _people(world, normal=10, urgent=30)


@scenario(nodes=30, seconds=120.0, bounds=Bounds(one_root=60_000))
def one_way(world: World) -> None:
    """A third of the nodes is heard by nobody else, then every second link of all is cut."""
    third = world.town.names[::3]
    others = [name for name in world.town.names if name not in third]
    world.at(5, lambda: world.cut("mute", split(third, others, is_one_way=True)))
    world.at(60, lambda: world.uncut("mute"))
    world.at(60, lambda: world.cut("sparse", Sparse(0.5, world.settings.seed)))
    _people(world, normal=2, urgent=5)


@scenario(
    nodes=50,
    seconds=60.0,
    links=LinkSettings(loss=0.02),
    bounds=Bounds(urgent_share=(1_000, 0.99), one_root=60_000),
)
def silent(world: World) -> None:
    """30 % of the nodes take connections and say nothing; links lose 2 %."""
    world.corrupt(world.settings.option("share", 0.3), Silent)
    _people(world)


@scenario(seconds=120.0, bounds=Bounds(one_root=60_000))
def crash_restart(world: World) -> None:
    """Machines lose power in the midst of writing, disks fill up and slow down; what was answered must stay."""

    def cut_power() -> None:
        for host in world.some(0.1):
            world.crash(host, down=world.random.uniform(1, 20))

    def fill_disks() -> None:
        for host in world.some(0.2):
            world.fill_disk(host, room_after=10)

    world.every(3, cut_power)
    world.every(15, fill_disks)
    _people(world, normal=0.5, urgent=5)


@scenario(nodes=30, seconds=120.0, bounds=Bounds(one_root=60_000))
def clock_skew(world: World) -> None:
    """Clocks are wrong by up to 40 s, then some by up to five minutes, either way."""

    def set_wrong(share: float, most: int) -> None:
        for host in world.some(share):
            world.set_clock(host, ahead=world.random.uniform(-most, most))

    world.at(1, lambda: set_wrong(1.0, 40))
    world.at(world.settings.seconds / 3, lambda: set_wrong(0.2, 300))
    _people(world, normal=2, urgent=5)


@scenario(nodes=100, grants=40, bounds=Bounds(urgent_p99=500, urgent_max=600, one_root=10_000))
def revocation(world: World) -> None:
    """One accreditation is revoked after the other: how long until every node enforces it?"""
    world.workload.revocations(every=1)


@scenario(nodes=30, bounds=Bounds(urgent_p99=1_000, one_root=60_000))
def flood_invalid(world: World) -> None:
    """A fifth of the nodes floods the others with forged statements and replayed frames."""
    world.corrupt(0.1, InvalidFlooder)
    world.corrupt(0.1, Replayer)
    _people(world)


@scenario(nodes=50, seconds=60.0, bounds=Bounds(urgent_share=(1_000, 0.999), one_root=60_000))
def withhold_revocations(world: World) -> None:
    """30 % of the nodes pass everything on but revocations."""
    world.corrupt(world.settings.option("share", 0.3), Withholder)
    _people(world)


@scenario(nodes=30, bounds=Bounds(urgent_max=1_000, one_root=60_000))
def lying_roots(world: World) -> None:
    """A fifth of the nodes claims another set each time it is asked, so that others reconcile for ever."""
    world.corrupt(world.settings.option("share", 0.2), RootLiar)
    _people(world)


@scenario(seconds=60.0, bounds=Bounds(one_root=60_000))
def joiner(world: World) -> None:
    """Two nodes join with nothing but the genesis, while the others go on."""
    for host in world.hosts[-2:]:
        world.hold_back(host, until=30)
    _people(world, normal=0.2, urgent=2)


@scenario(signers=4, nodes=12, seconds=30.0, bounds=Bounds(one_root=30_000))
def state_notes(world: World) -> None:
    """Four signers cosign states; one of them crashes again and again."""
    world.every(8, lambda: world.crash(world.hosts[0], down=4))
    _people(world)


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
