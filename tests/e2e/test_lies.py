"""One node forks its log, and somebody notices: soon every node has the proof, and keeps it."""

from pathlib import Path

from accredit.cli.demo.forgeries import fork
from accredit.node.files.key_files import NodeKeys
from accredit.node.storage.log_reader import open_reader
from accredit.registry.transparency.equivocation import Conflict, check
from tests.strategies.bodies import register
from tests.strategies.fleet import Machine, accredit, eventually, founding
from tests.strategies.network import A
from tests.strategies.wire import exchange, json_of, post, request, status_of

NODES = ("node1", "node2", "node3")


def forked(liar: Machine) -> Conflict:
    """Two checkpoints of a node's own making: of the log it shows, and of one that leaves an entry out."""
    with open_reader(liar.database) as reader:
        signed = reader.checkpoint()
        assert signed is not None
        size, note = signed
        entries = reader.entries(0, size)
    keys = NodeKeys.load(liar.folder / "data" / "node-keys.json")
    return fork(entries, size - 2, note.encode(), keys)


def kept_by(machine: Machine) -> list[bytes]:
    """The conflicts that a node serves, as files."""
    return [machine.client.conflict(row["id"]) for row in machine.client.conflicts()["conflicts"]]


def alarms(machine: Machine) -> list[str]:
    return list(machine.client.status()["alarms"])


def test_a_fork_shown_to_one_node_is_proved_by_all_and_by_those_that_were_away(tmp_path: Path) -> None:
    with founding(tmp_path, *NODES) as fleet:
        fleet.start()
        fleet["node1"].submit(*(fleet.town.says(A, "issuer.register", register(f"did:web:{n}.example")) for n in "abc"))
        fleet.agree()
        assert fleet["node3"].stop() == 0
        lie = forked(fleet["node1"])
        file = tmp_path / "lie.conflict"
        file.write_bytes(lie.encode())

        shown = fleet.types("node", "accuse", file, node="node2")
        assert "kept, and passed on to the other nodes" in shown.out
        eventually(lambda: kept_by(fleet["node1"]) == [lie.encode()], "the liar itself is told")
        fleet["node3"].start()
        eventually(lambda: kept_by(fleet["node3"]) == [lie.encode()], "who was away learns of it")
        for name in NODES:
            (alarm,) = eventually(lambda name=name: alarms(fleet[name]), f"{name} raises an alarm")  # type: ignore[misc]
            assert "node1 signed two checkpoints of its log" in alarm

        liar = fleet["node1"]
        ready = exchange(liar.port, request("GET", "/readyz"))
        assert status_of(ready) == 503
        assert "has stopped signing" in json_of(ready)["detail"]
        size = liar.client.status()["checkpoint_size"]
        said = fleet.town.says(A, "issuer.register", register("did:web:late.example"))
        refused = exchange(liar.port, post("/v1/statements", said.raw, "application/cose"))
        assert (status_of(refused), json_of(refused)["code"]) == (503, "log_disowned")
        assert liar.client.status()["checkpoint_size"] == size, "it goes on with neither history"

        assert fleet["node2"].stop() == 0
        fleet["node2"].start()
        (served,) = kept_by(fleet["node2"])
        assert check(served) == lie
        assert len(alarms(fleet["node2"])) == 1
        saved = tmp_path / "saved.conflict"
        saved.write_bytes(served)
        assert "is unknown" in accredit("evidence", "check", saved, code=14).out
        everywhere = fleet.types("node", "conflicts", *(w for n in NODES for w in ("--node", fleet[n].url)))
        assert "3 of 3" in everywhere.out
