"""Authorities act while the network fails: votes, amendments, stolen keys, contradictions."""

from accredit.simulations.checkers import Bounds
from accredit.simulations.virtual.ecosystem import Pen
from accredit.simulations.virtual.network import LinkSettings, split
from accredit.simulations.virtual.world import World

from .book import people, scenario


@scenario(authorities=4, bounds=Bounds(one_root=60_000, exposed=10_000))
def equivocating_authority(world: World) -> None:
    """An authority's key signs two things with one number, one for either half; soon everybody knows."""
    pen = world.workload.retire_pen()
    left, right = world.hosts[0], world.hosts[1]
    world.at(5, lambda: world.governing.equivocate(pen, left, right))
    people(world)


@scenario(authorities=4, grants=60, seconds=30.0, settle=45.0, bounds=Bounds(one_root=45_000))
def alike_statements(world: World) -> None:
    """A key signs two things whose ids agree in 16 bits, one for either side of a partition; then all nodes restart."""
    pen = world.workload.retire_pen()

    def restart_all() -> None:  # so that nothing is left that somebody meant to push or to announce
        for host in world.hosts:
            world.crash(host, down=2)

    world.at(1, lambda: world.cut("halves", split(*world.halves())))
    world.at(10, lambda: world.governing.equivocate(pen, world.hosts[0], world.hosts[1], alike=16))
    world.at(20, restart_all)


@scenario(nodes=20, authorities=5, seconds=60.0, bounds=Bounds(one_root=60_000))
def votes_across_partition(world: World) -> None:
    """Bodies vote on either side of a partition, a burst of approvals each; only together are they enough."""
    pens, left, right = world.town.pens, world.hosts[0], world.hosts[1]
    world.at(1, lambda: world.cut("halves", split(*world.halves())))

    def propose() -> None:
        proposals = [world.governing.propose_admission(pens[number % 2], left) for number in range(5)]
        for target in proposals:
            world.governing.vote(pens[3], [target], right)
            world.governing.vote(pens[4], [target], right)

    def require_admitted() -> None:
        nodes = {record["name"] for host in world.honest if host.engine for record in host.engine.fold.nodes()}
        world.extra["nodes_admitted"] = len(nodes) - len(world.hosts)
        world.require(len(nodes) == len(world.hosts) + 5, "five nodes had a majority, and are not all admitted")

    world.at(10, propose)
    world.at_end(require_admitted)
    people(world, normal=5, urgent=10)


@scenario(nodes=12, authorities=3, signers=4, seconds=60.0, bounds=Bounds(one_root=60_000))
def charter_amendment(world: World) -> None:
    """While machines lose power, the charter is amended: other signers, and in the end everybody has their note."""
    pens, signers = world.town.pens, list(world.town.names[1:6])

    def amend() -> None:
        somebody = next(host for host in world.honest if host.is_up)
        amendment = world.governing.amend(pens[0], somebody, signers=signers)
        for pen in pens[1:]:
            world.governing.vote(pen, [amendment])

    def require_signers() -> None:
        named = {tuple(host.engine.fold.charter.body["signers"]) for host in world.honest if host.engine}  # type: ignore[union-attr]
        world.require(named == {tuple(signers)}, "the amendment is not in force everywhere")

    def cut_power() -> None:
        for host in world.some(0.1):
            world.crash(host, down=3)

    world.every(7, cut_power)
    world.at(20, amend)
    world.at_end(require_signers)
    people(world, normal=3, urgent=10)


@scenario(nodes=20, authorities=4, seconds=60.0, bounds=Bounds(one_root=60_000))
def stolen_key(world: World) -> None:
    """A key is stolen in mid-partition; the thief speaks on one side, the authority cuts it off on the other."""
    honest = world.workload.retire_pen()
    thief = Pen(honest.authority, honest.seed)
    spare: list[Pen] = []
    world.at(1, lambda: spare.append(world.governing.add_key(honest)))
    world.at(5, lambda: world.cut("halves", split(*world.halves())))

    def steal() -> None:
        thief.seq, thief.prev = honest.seq, honest.prev
        for number in range(10):
            name = f"https://mill{number}.example/"
            body = {"id": name, "name": f"Mill {number}"}
            said = world.town.sign(thief, "issuer.register", body, sub=name, time=world.timeline.now // 1_000)
            world.workload.say(said, world.hosts[0])

    def report() -> None:
        assert honest.prev is not None
        world.governing.report_theft(spare[0], honest, world.hosts[1])

    def require_no_mills() -> None:
        mills = [
            name
            for host in world.honest
            if host.engine is not None
            for (_, name), _ in host.engine.fold.items("issuer")
            if "mill" in name
        ]
        world.require(not mills, f"{len(mills)} records stand on a stolen key's word")

    world.at(10, steal)
    world.at(20, report)
    world.at_end(require_no_mills)
    people(world, normal=5, urgent=10)


@scenario(nodes=30, grants=200, seconds=20.0, links=LinkSettings(loss=0.02), bounds=Bounds(one_root=60_000))
def mass_revocation(world: World) -> None:
    """Two hundred accreditations are revoked in one moment, all of them urgent, over links that lose 2 %."""
    world.at(5, world.workload.revoke_all)
    people(world, normal=2, urgent=100)
