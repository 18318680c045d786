"""Four nodes of one ecosystem: one is away and comes back, a fifth joins, and what is urgent is urgent everywhere."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.strategies.bodies import event, grant, register
from tests.strategies.fleet import Fleet, Machine, eventually, founding, quiet_port
from tests.strategies.network import A, B, C

NODES = ("node1", "node2", "node3", "node4")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with founding(tmp_path_factory.mktemp("fleet"), *NODES, tick_ms=250) as made:
        made.start()
        yield made


def trust(fleet: Fleet, issuer: str) -> bytes:
    """An issuer whose accreditation every node knows; the accreditation's id."""
    registered = fleet.town.says(A, "issuer.register", register(issuer))
    granted = fleet.town.says(A, "accreditation.grant", grant(issuer))
    fleet["node1"].submit(registered, granted)
    for name in NODES:
        eventually(lambda name=name: fleet[name].trusts(issuer), f"{name} knows {issuer}")  # type: ignore[misc]
    return granted.id


@pytest.mark.parametrize("told", NODES)
def test_a_suspension_told_to_one_node_is_in_force_at_all(fleet: Fleet, told: str) -> None:
    issuer = f"did:web:{told}.example"
    body = event(trust(fleet, issuer), "suspend")
    suspended = fleet.town.says(A, "accreditation.status", body, issuer)

    def distrusts(machine: Machine, began: float) -> float:
        eventually(lambda: not machine.trusts(issuer), f"{machine.name} does not trust {issuer} any more")
        return time.monotonic() - began

    with ThreadPoolExecutor(len(NODES)) as askers:
        began = time.monotonic()
        asked = [askers.submit(distrusts, fleet[name], began) for name in NODES]
        fleet[told].submit(suspended)
        answered = time.monotonic() - began
        took = {name: round(one.result(), 3) for name, one in zip(NODES, asked, strict=True)}
    print(f"told to {told}, answered after {answered:.3f} s, in force after {took} s")


def test_a_node_that_was_away_comes_to_hold_what_it_missed(fleet: Fleet) -> None:
    away = fleet["node4"]
    assert away.stop() == 0
    missed = []
    for number in range(60):
        who, where = ((A, "node1"), (B, "node2"), (C, "node3"))[number % 3]
        missed.append((where, fleet.town.says(who, "issuer.register", register(f"did:web:missed{number}.example"))))
    for where in NODES[:3]:
        fleet[where].submit(*(said for place, said in missed if place == where))
    root = fleet.agree(*NODES[:3])
    began = time.monotonic()
    away.start()
    assert fleet.agree() == root
    print(f"a node that missed {len(missed)} statements held them {time.monotonic() - began:.1f} s after its start")
    away.answers("/readyz")
    eventually(lambda: [peer["behind"] for peer in away.client.status()["peers"]] == [0, 0, 0], "it is behind nobody")
    assert away.audit().json()["fits"]


def test_a_fifth_node_reads_along_is_admitted_and_takes_part(fleet: Fleet) -> None:
    fifth = Machine.at("node5", fleet.folder / "node5", quiet_port())
    fleet.types(
        "node", "join", fleet["node2"].url, "--ecosystem", fleet.town.eco.hex(), "--folder", fifth.folder,
        "--name", "node5", "--operator", C, "--url", fifth.url, "--port", fifth.port,
    )  # fmt: skip
    fleet.machines["node5"] = fifth
    fifth.start()
    fleet.agree()
    early = fleet.town.says(B, "issuer.register", register("did:web:early.example"))
    fleet["node3"].submit(early)
    eventually(lambda: fifth.holds(early), "it reads along before it is admitted")
    own = fleet.town.says(C, "issuer.register", register("did:web:own.example"))
    fifth.submit(own)
    assert "node5" not in {peer["name"] for peer in fleet["node1"].client.status()["peers"]}

    proposal = fleet.types("node", "admit", fifth.folder / "node-entry.toml", "--json", by=A).json()["statements"][0]
    assert proposal["state"] == "waiting"
    assert not fleet["node1"].holds(own), "nobody listens to it before it is admitted"
    eventually(lambda: fleet["node2"].holds(proposal["id"]), "the proposal reaches the node that the voter asks")
    fleet.types("approve", proposal["id"], "--yes", by=B, node="node2")
    for name in NODES:
        eventually(
            lambda name=name: {p["name"] for p in fleet[name].client.status()["peers"] if p["last_heard"]} >= {"node5"},  # type: ignore[misc]
            f"{name} has heard node5",
        )
    eventually(lambda: all(fleet[name].holds(own) for name in NODES), "what it was told before reaches all")
    late = fleet.town.says(C, "issuer.register", register("did:web:late.example"))
    fifth.submit(late)
    eventually(lambda: all(fleet[name].holds(late) for name in NODES), "what it is told spreads from it")
    fleet.agree()
    seen = fleet.types("node", "status", *(word for name in fleet.machines for word in ("--node", fleet[name].url)))
    assert "They hold the same statements." in seen.out
    assert fifth.stop() == 0
    fifth.start(ready="/readyz")
    fleet.agree()
    assert fifth.audit().json()["fits"]
