"""A node whose name is no more its own, or whose address the registry does not know, says so and is not ready."""

from pathlib import Path

from accredit.governance.authority.node_names import entry_digest
from accredit.node.runtime.health import NodeHealth
from accredit.node.settings import BootstrapPeer, NodeConfig
from tests.strategies.bodies import node
from tests.strategies.consortium import Consortium
from tests.strategies.served import ORIGIN, A, B, empty


def health_of(path: Path, town: Consortium, url: str = f"https://{ORIGIN}") -> NodeHealth:
    served = empty(path, town)
    served.hears()
    config = NodeConfig(name=ORIGIN, public_url=url)
    publics = dict(node(ORIGIN)["keys"])
    return NodeHealth(served, served.store, config, served, served.metrics, publics=publics)


def founded() -> Consortium:
    return Consortium.of((A, "nonprofit"), (B, "public"), nodes=[node(ORIGIN)])


def test_a_node_of_its_own_name_and_address_has_nothing_to_say(tmp_path: Path) -> None:
    health = health_of(tmp_path, founded())
    assert (health.obstacles(), health.status()["alarms"]) == ([], [])


def test_a_retired_node_is_told_and_stops_being_ready(tmp_path: Path) -> None:
    town = founded()
    retired = town.says(A, "node.retire", {"name": ORIGIN})
    town.votes(B, retired)
    health = health_of(tmp_path, town)
    (obstacle,) = health.obstacles()
    assert obstacle.startswith(f"This node was retired (statement {retired.id.hex()[:12]})")
    assert obstacle in health.status()["alarms"]


def test_a_node_whose_place_was_taken_is_told_by_whom_and_what_to_do(tmp_path: Path) -> None:
    town = founded()
    body = node("other.example", B) | {"name": ORIGIN, "replaces": entry_digest(node(ORIGIN))}
    town.votes(B, town.says(A, "node.replace", body))
    health = health_of(tmp_path, town)
    (obstacle,) = health.obstacles()
    assert f"now belongs to other keys, of {B} at https://other.example/" in obstacle
    assert "accredit submit --from-node" in obstacle
    assert health_of(tmp_path / "again", town, url="https://displaced.example").status()["alarms"] == [obstacle], (
        "it is not told to have the registry lead to it instead of its successor"
    )


def test_an_address_that_the_registry_does_not_know_raises_an_alarm(tmp_path: Path) -> None:
    health = health_of(tmp_path, founded(), url="https://moved.example")
    assert health.obstacles() == []
    (alarm,) = health.status()["alarms"]
    assert f"accredit node replace {ORIGIN} --url https://moved.example" in alarm


def test_settings_that_name_another_key_for_an_address_than_the_registry_raise_an_alarm(tmp_path: Path) -> None:
    served = empty(tmp_path, founded())
    served.hears()
    url, key = f"https://{ORIGIN}", node(ORIGIN)["keys"]["peer"].hex()

    def alarms(named: str, at: str = url) -> list[str]:
        config = NodeConfig(name="other.example", peers=(BootstrapPeer(url=f"{at}/", key=named),))
        return list(NodeHealth(served, served.store, config, served, served.metrics).status()["alarms"])

    assert alarms(key) == []
    assert alarms("ab" * 32, "https://unknown.example") == []
    (alarm,) = alarms("ab" * 32)
    assert f"but the registry has {key[:12]}" in alarm


def test_a_node_that_nobody_admitted_reads_along_without_an_alarm(tmp_path: Path) -> None:
    health = health_of(tmp_path, Consortium.of((A, "nonprofit"), (B, "public")))
    assert (health.obstacles(), health.status()["alarms"]) == ([], [])
