"""Every scenario, small: the smoke set. The sizes they are meant for are `accredit simulate sweep`'s business."""

import pytest

from gossip.frames import Announce, Push, Root, decode_frame, encode_frame
from registry.errors import InputError
from simulations.byzantine import RootLiar, Silent, Withholder
from simulations.checkers import Bounds
from simulations.running import changed, find, run
from simulations.scenarios import SCENARIOS, scenario
from simulations.world import Settings, World

SMALL = {
    "broadcast": {"nodes": 6, "seconds": 12, "rate": 20},
    "partition": {"nodes": 10, "seconds": 30, "normal": 2, "urgent": 5},
    "joiner": {"nodes": 8, "seconds": 40, "normal": 1},
    "revocation": {"nodes": 42, "seconds": 5},
}


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_everything_holds_in(name: str) -> None:
    outcome = run(find(name), SMALL.get(name, {"nodes": 10, "seconds": 20}))
    assert outcome.failure is None, f"{outcome.failure}\n{outcome.replay}"
    assert outcome.figures is not None
    assert outcome.figures.normal.deliveries + outcome.figures.urgent.deliveries > 0
    assert outcome.figures.normal.missing == outcome.figures.urgent.missing == 0


def test_a_scenario_meets_what_it_is_about() -> None:
    """A scenario whose faults do not happen would hold for nothing."""
    lossy = run(find("lossy"), {"nodes": 8, "seconds": 10})
    flood = run(find("flood_invalid"), {"nodes": 10, "seconds": 10})
    crashes = run(find("crash_restart"), {"nodes": 8, "seconds": 20})
    assert lossy.figures is not None
    assert flood.figures is not None
    assert lossy.figures.counters["exchanges_failed"] > 20
    assert flood.figures.counters["offences"] > 0
    assert "crash" in "".join(run(find("crash_restart"), {"nodes": 8, "seconds": 20}, keep=100_000).tail)
    assert crashes.figures is not None
    assert crashes.figures.counters["exchanges_failed"] > 0


def test_more_nodes_than_fit_into_the_genesis_are_admitted_by_vote() -> None:
    world = World(Settings(nodes=44))
    for host in (world.hosts[0], world.hosts[-1]):
        host.start()
        assert host.engine is not None
        assert host.engine.is_member
        assert len(host.engine.statistics().peers) == 43


def test_settings_are_changed_by_name() -> None:
    settings = changed(
        Settings(), {"nodes": 50.0, "seconds": 5.0, "links.loss": 0.5, "gossip.degree": 10.0, "share": 0.2}
    )
    assert settings.nodes == 50
    assert settings.links.loss == 0.5
    assert settings.gossip.degree == 10
    assert settings.option("share", 0.0) == 0.2
    assert settings.option("other", 7.0) == 7.0


@pytest.mark.parametrize(
    "changes",
    [
        {"links.los": 1.0},
        {"disk.x": 1.0},
        {"nodes": 2.5},
        {"nodes": 1.0},
        {"gossip.degree": 1.0},
        {"links.loss": 1.5},
        {"signers": 17.0},
        {"seconds": 0.0},
    ],
)
def test_a_setting_that_does_not_exist_or_fit_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(InputError):
        changed(Settings(), changes)


def test_a_misspelt_scenario_gets_the_nearest_one_offered() -> None:
    with pytest.raises(InputError, match="Did you mean partition"):
        find("partitoin")


def test_two_scenarios_cannot_share_a_name() -> None:
    def baseline(world: World) -> None:
        """Another one."""
        world.heal()

    with pytest.raises(AssertionError, match="two scenarios"):
        scenario(bounds=Bounds())(baseline)


def frame_of(world: World, body: Push | Announce | Root) -> bytes:
    name, other = world.town.names[:2]
    seed, recipient = world.town.node_seed(name, "peer"), world.town.peer_id(other)
    return encode_frame(body, seed=seed, recipient=recipient, time=1, nonce=bytes(16))


def test_a_withholder_passes_everything_on_but_what_is_urgent() -> None:
    world = World(Settings(nodes=2, grants=1))
    conduct = Withholder()
    conduct.begin(world.hosts[0])
    normal, urgent = world.workload.register().statement, world.workload.revoke()
    assert urgent is not None
    said = conduct.says(frame_of(world, Push(statements=(urgent.statement.raw, normal.raw), urgent=True)))
    assert said is not None
    assert decode_frame(said, max_bytes=10**6, max_ids=10).body == Push(statements=(normal.raw,), urgent=True)
    said = conduct.says(frame_of(world, Announce(ids=(normal.id, urgent.statement.id))))
    assert said is not None
    assert decode_frame(said, max_bytes=10**6, max_ids=10).body == Announce(ids=(normal.id,))


def test_a_silent_one_says_nothing_and_a_liar_another_root_each_time() -> None:
    world = World(Settings(nodes=2))
    frame = frame_of(world, Root(root=bytes(32), count=1, size=1))
    assert Silent().says(frame) is None
    liar = RootLiar()
    liar.begin(world.hosts[0])
    lies = [liar.says(frame), liar.says(frame)]
    assert lies[0] != lies[1]
    assert frame not in lies
