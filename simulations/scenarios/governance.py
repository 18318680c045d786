"""Authorities act while the network fails: votes, amendments, stolen keys, contradictions."""

from typing import Any, Final

from accredit.registry.decision.decide import decide
from accredit.registry.decision.query import Query
from accredit.registry.statement import Statement
from accredit.simulations.checkers import Bounds
from accredit.simulations.virtual.ecosystem import Pen
from accredit.simulations.virtual.physics.network import LinkSettings, split
from accredit.simulations.virtual.world import World

from .book import people, scenario

_AHEAD: Final = 30 * 86_400
"""Seconds: a decision dated so far ahead takes effect after the end of the run."""


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


@scenario(
    nodes=20, authorities=4, grants=40, seconds=60.0, links=LinkSettings(loss=0.01), bounds=Bounds(one_root=60_000)
)
def decisions_in_lists(world: World) -> None:
    """Votes list proposals that their half of the nodes lacks; mappings, custodians, decisions dated ahead too."""
    town, left, right, governing = world.town, world.hosts[0], world.hosts[1], world.governing
    pens = town.pens
    proposed: list[Statement] = []
    mapped: list[Statement] = []
    closed = [grant for grant in town.grants if grant.iss == pens[2].authority][-2:]
    archive = "https://archive.example/"
    world.at(1, lambda: world.cut("halves", split(*world.halves())))

    def propose() -> None:
        proposed.extend(governing.recognise(pens[0], left) for _ in range(24))
        mapped.extend(governing.map(pens[2], left) for _ in range(2))
        governing.vote(pens[1], proposed[:12], right)
        governing.vote(pens[1], proposed[6:18], right)  # it decides on six, and repeats six

    def take_back() -> None:
        governing.take_back(pens[0], proposed[18:], left)
        governing.unmap(pens[2], mapped[0], right)
        governing.unmap(pens[2], mapped[1], right, ahead=_AHEAD)

    def close() -> None:
        governing.vote(pens[1], proposed[:18], right)  # it only repeats
        governing.appoint_custodian(pens[3], archive, [grant.sub for grant in closed], right)
        for grant in closed:
            governing.close(grant, archive, left, ahead=_AHEAD)

    def cut_power() -> None:
        for host in world.some(0.1):
            world.crash(host, down=3)

    def require_all() -> None:
        now = world.timeline.now // 1_000
        for host in world.honest:
            assert host.engine is not None
            fold = host.engine.fold
            recognised = {name for (_, name), _ in fold.items("recognition")}
            many = f"{host.name} recognises {len(recognised)} ecosystems: not those that were approved"
            world.require(recognised == {each.sub for each in proposed[:18]}, many)
            ends = [end for each in mapped for end in _ends_of(fold.get("mapping", each.sub))]
            is_ahead = [end > now for end in ends]
            world.require(is_ahead == [False, True], f"{host.name} withdraws mappings at other times: {ends}")
            kept = _kept_by(fold.get("issuer", archive))
            world.require(kept == [grant.sub for grant in closed], f"{host.name} has another custodian: {kept}")
            for grant in closed:
                query = Query(entity=grant.sub, authority=town.charter_id)
                found = [decide(query, fold, at, ecosystem_id=town.charter_id).authorized for at in (now, now + _AHEAD)]
                world.require(found == [True, False], f"{host.name} closes {grant.sub} at another time: {found}")

    world.at(10, propose)
    world.at(15, take_back)
    world.at(20, close)
    world.every(9, cut_power)
    world.at_end(require_all)
    people(world, normal=5, urgent=10)


def _ends_of(mapping: Any) -> list[int]:
    """Return from when the withdrawals in a mapping's record apply, seconds since 1970."""
    stated = [] if mapping is None else mapping["stated"]
    return [each["withdrawn"]["effective_from"] for each in stated if each["withdrawn"] is not None]


def _kept_by(issuer: Any) -> list[str]:
    """Return the issuers whose custodian this one is, by its record."""
    stated = [] if issuer is None else issuer["stated"]
    return [name for each in stated for name in each["facts"].get("custodian_for", ())]


@scenario(nodes=30, grants=200, seconds=20.0, links=LinkSettings(loss=0.02), bounds=Bounds(one_root=60_000))
def mass_revocation(world: World) -> None:
    """Two hundred accreditations are revoked in one moment, all of them urgent, over links that lose 2 %."""
    world.at(5, world.workload.revoke_all)
    people(world, normal=2, urgent=100)
