"""A new node that is killed while it takes in a log: it goes on from there, and then it is a node like the others."""

import re
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from accredit.node.storage.log_store import Store, open_reader
from accredit.node.sync.log_follower import reached_at
from accredit.registry.errors import StorageError
from accredit.registry.transparency.tiles import bundles_of
from tests.strategies import loopback
from tests.strategies.bodies import register
from tests.strategies.fleet import Fleet, Machine, eventually, founding, quiet_port
from tests.strategies.network import A, B, C, node_entry

MANY = 6_000
"""Entries: a batch and the half of another, and some seconds of one core."""

TRIES = 5
"""New nodes until one was stopped in time: we may be asleep while it works."""


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """One node that has a long log already, and runs."""
    with founding(tmp_path, "node1") as made:
        for number in range(MANY):
            made.town.says(A, "issuer.register", register(f"did:web:i{number}.example"))
        with Store.open(made["node1"].database, ecosystem=made.town.eco, origin="node1") as store:
            store.append([(each.id, each.raw) for each in made.town.said])
        made["node1"].start(ready="/healthz")
        yield made


def joining(fleet: Fleet, folder: str = "node2", **settings: object) -> Machine:
    """A machine for a node that the ecosystem does not know, told of the one that it does."""
    node = Machine.at("node2", fleet.folder / folder, quiet_port())
    peers = [{"url": fleet["node1"].url, "key": "00" * 32}]
    node.set_up(fleet.town, peers=peers, **settings)
    fleet.machines["node2"] = node
    return node


def taken_in(node: Machine, of: Machine) -> tuple[int, int]:
    """Entries stored, and how far a log was read, by a process that runs or is dead; none while its files are made."""
    with suppress(StorageError), open_reader(node.database) as reader:
        return reader.size(), reached_at(reader, of.url).size
    return 0, 0


def bundles_served(node: Machine) -> int:
    """Requests for tiles that a node has answered."""
    text = loopback.get(f"{node.url}/metrics").text
    return sum(
        int(float(count)) for count in re.findall(r"^accredit_http_requests_total\{.*tile.*\} (\S+)$", text, re.M)
    )


def killed_half_way(fleet: Fleet, of: Machine, how: signal.Signals) -> tuple[Machine, int]:
    """A new node that was started, and stopped in the middle of taking in; how far it had read."""
    for number in range(TRIES):
        node = joining(fleet, f"node2-{number}")
        node.start(ready="")
        eventually(lambda node=node: taken_in(node, of)[1] > 0, "it begins to take in")  # type: ignore[misc]
        if how is signal.SIGKILL:
            node.kill()
        else:
            assert node.process is not None
            node.process.send_signal(how)
            assert node.ends() == 0
        held, reached = taken_in(node, of)
        assert 0 < reached <= held
        if held < MANY:
            return node, reached
    raise AssertionError("it was never stopped before it had all")


@pytest.mark.parametrize("how", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.nightly)])
def test_killed_half_way_it_goes_on_from_there_and_takes_part(fleet: Fleet, how: signal.Signals) -> None:
    first = fleet["node1"]
    node, reached = killed_half_way(fleet, first, how)
    with open_reader(node.database) as reader:
        assert reader.checkpoint() is None, "a part of it is not signed before it has to be"

    served = bundles_served(first)
    node.start(ready="")
    during = fleet.town.says(B, "issuer.register", register("did:web:during.example"))
    first.submit(during)
    node.answers()
    fetched = bundles_served(first) - served
    missing = sum(1 for _ in bundles_of(MANY + 3, since=reached))
    assert fetched <= missing + 4, "nothing is fetched twice but what grew meanwhile"

    eventually(lambda: node.holds(during), "what was said meanwhile arrives")
    admitted = fleet.town.says(A, "node.admit", node_entry(node.name, node.url), sub=node.name)
    first.submit(admitted, fleet.town.votes(B, admitted))
    late = fleet.town.says(C, "issuer.register", register("did:web:late.example"))
    eventually(lambda: heard_by(node) == ["node1"], "it gossips")
    node.submit(late)
    eventually(lambda: first.holds(late), "what it is told spreads")
    fleet.agree()
    assert node.stop() == 0
    assert node.audit().json()["fits"]
    assert "log taken in" in node.log.read_text()


def heard_by(node: Machine) -> list[str]:
    """Names of the nodes that it has heard."""
    return [peer["name"] for peer in node.client.status()["peers"] if peer["last_heard"]]
