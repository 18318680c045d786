"""No node is hostile, but links, machines, clocks, disks and versions fail."""

from accredit.gossip.protocol.wire import Accusation, Beacon, Poll
from accredit.simulations.byzantine import Older
from accredit.simulations.checkers import Bounds
from accredit.simulations.virtual.physics.network import LinkSettings, Sparse, split
from accredit.simulations.virtual.world import World

from .book import people, scenario


@scenario(bounds=Bounds(urgent_p99=500, urgent_max=600, normal_max=10_000, one_root=10_000))
def baseline(world: World) -> None:
    """Nothing goes wrong."""
    people(world)


@scenario(
    nodes=30,
    links=LinkSettings(loss=0.05, duplication=0.05, reordering=0.1),
    bounds=Bounds(one_root=60_000),
)
def lossy(world: World) -> None:
    """Every link loses 5 % of all messages, repeats 5 % and holds up 10 %."""
    people(world)


@scenario(nodes=40, seconds=600.0, bounds=Bounds(one_root=60_000))
def partition(world: World) -> None:
    """Half the nodes do not hear the other half, from the first second to the last."""
    world.at(1, lambda: world.cut("halves", split(*world.halves())))
    people(world, normal=10, urgent=30)


@scenario(nodes=30, seconds=120.0, bounds=Bounds(one_root=60_000))
def one_way(world: World) -> None:
    """A third of the nodes is heard by nobody else, then every second link of all is cut."""
    third = world.town.names[::3]
    others = [name for name in world.town.names if name not in third]
    world.at(5, lambda: world.cut("mute", split(third, others, is_one_way=True)))
    world.at(60, lambda: world.uncut("mute"))
    world.at(60, lambda: world.cut("sparse", Sparse(0.5, world.settings.seed)))
    people(world, normal=2, urgent=5)


@scenario(nodes=30, seconds=60.0, bounds=Bounds(one_root=60_000))
def slow_links(world: World) -> None:
    """A fifth of the nodes sends no more than 8 kbit/s each, and all links take half a second."""

    def narrow() -> None:
        for host in world.some(0.2):
            world.narrow(host, rate=1.0)

    world.network.settings = LinkSettings(median=500.0)
    world.at(1, narrow)
    people(world, normal=2, urgent=5)


@scenario(nodes=30, seconds=60.0, bounds=Bounds(one_root=60_000))
def clogging(world: World) -> None:
    """One node after the other is clogged for up to twenty seconds; what was sent arrives afterwards, all at once."""

    def clog() -> None:
        for host in world.some(0.05):
            world.clog(host, seconds=world.random.uniform(1, 20))

    world.every(2, clog)
    people(world)


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
    people(world, normal=0.5, urgent=5)


@scenario(nodes=20, seconds=60.0, calm=80.0, bounds=Bounds(one_root=60_000, failed=60))
def restart_storm(world: World) -> None:
    """Every ten seconds half of all nodes lose power at once and come back within three; meshes recover."""
    shortest = world.settings.option("shortest", 0.5)

    def storm() -> None:
        for host in world.some(0.5):
            world.crash(host, down=world.random.uniform(shortest, 3))

    world.every(10, storm)
    people(world, normal=0.5, urgent=5)


@scenario(nodes=20, seconds=60.0, bounds=Bounds(one_root=60_000))
def slow_disks(world: World) -> None:
    """Every second node takes one to four seconds for each write."""

    def slow_down() -> None:
        for host in world.hosts[::2]:
            world.slow_disk(host, world.random.randint(250, 1_000))

    world.at(1, slow_down)
    people(world, normal=0.5, urgent=2)


@scenario(nodes=30, seconds=120.0, bounds=Bounds(one_root=60_000))
def clock_skew(world: World) -> None:
    """Clocks are wrong by up to 40 s, then some by up to five minutes, either way."""

    def set_wrong(share: float, most: int) -> None:
        for host in world.some(share):
            world.set_clock(host, ahead=world.random.uniform(-most, most))

    world.at(1, lambda: set_wrong(1.0, 40))
    world.at(world.settings.seconds / 3, lambda: set_wrong(0.2, 300))
    people(world, normal=2, urgent=5)


@scenario(nodes=30, seconds=60.0, bounds=Bounds(urgent_p99=1_000, one_root=60_000))
def mixed_versions(world: World) -> None:
    """A third of the nodes is of an older version, and knows nothing of beacons, accusations and polls."""
    world.turn(world.hosts[::3], lambda: Older(Beacon, Accusation, Poll))
    people(world)


@scenario(nodes=20, seconds=60.0, bounds=Bounds(urgent_share=(1_000, 0.97), one_root=60_000))
def firewalls(world: World) -> None:
    """A quarter of the nodes cannot be dialled: they poll, and most hear of revocations as fast as the others."""
    for host in world.hosts[::4]:
        world.firewall(host)
    people(world)


@scenario(seconds=60.0, bounds=Bounds(one_root=60_000))
def joiner(world: World) -> None:
    """Two nodes join with nothing but the genesis, while the others go on."""
    for host in world.hosts[-2:]:
        world.hold_back(host, until=30)
    people(world, normal=0.2, urgent=2)
