"""Real nodes as processes of their own, on loopback: for stories in which machines die, fill up or meet nonsense.

    with founding(folder, "node1", "node2") as fleet:
        fleet.start()
        fleet["node1"].submit(fleet.town.says(A, "issuer.register", register()))
        fleet["node1"].kill()

Authorities and statements are a `Consortium`'s, whose keys `#1` are held by the tests; `#2` is a key file for people at
a terminal (`key_file`). Ports are taken from below those that the system gives to outgoing connections, so that a node
which starts again finds its own one free. Whatever is waited for is asked for until `PATIENCE` ends: a slow machine
makes a test slow, not red. Only processes started here are ever signalled.
"""

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from random import Random
from tempfile import TemporaryFile
from typing import Any, Final, TypeVar

from accredit.node.clients.node_client import NodeClient
from accredit.node.files.key_files import FASTEST, NodeKeys, SealedKey
from accredit.node.settings import write_commented
from accredit.registry.encoding.ed25519 import public_of
from accredit.registry.statement import Statement
from accredit.registry.transparency.checkpoint import Checkpoint, open_checkpoint
from accredit.registry.transparency.signed_note import KeyType, VerifierKey
from accredit.simulations.processes.node_process import environment
from tests.strategies import loopback
from tests.strategies.consortium import Consortium
from tests.strategies.network import A, B, C, node_entry, node_seed
from tests.strategies.warm import WarmNode, begin

T = TypeVar("T")

ROOT: Final = Path(__file__).resolve().parents[2]
PATIENCE: Final = 60.0
"""Seconds until something that should happen is taken for something that never will."""

PASSPHRASE: Final = "correct horse battery staple"
AUTHORITIES: Final = ((A, "nonprofit"), (B, "public"), (C, "public"))


def eventually(condition: Callable[[], T | None], what: str, *, seconds: float = PATIENCE) -> T:
    """Asks until the answer is neither false nor empty; returns it."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.03)


_OWN: Final = 20_000 + 1_500 * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8)
"""Each process of a test run has ports of its own: one that is free for a moment, as a node restarts, is not taken."""

_PORTS: Final = iter(Random(os.getpid()).sample(range(_OWN, _OWN + 1_500), 1_500))


def quiet_port() -> int:
    """A free port that no outgoing connection gets by chance."""
    for port in _PORTS:
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    said: str

    def json(self) -> Any:
        return json.loads(self.out)


def accredit(
    *words: object,
    env: Mapping[str, str] | None = None,
    code: int | None = 0,
    limit: int = 0,
    patience: float = PATIENCE,
) -> Ended:
    """Types a command in a process of its own; its exit code must be `code` (None: any).

    Args:
        limit: bytes beyond which none of its files grows; 0 for none.
    """
    with TemporaryFile() as out, TemporaryFile() as said:
        process = begin(words, cwd=ROOT, env=environment(**(env or {})), stdout=out, stderr=said, limit=limit)
        try:
            process.wait(patience)
        finally:
            process.kill()
            process.wait()
        out.seek(0)
        said.seek(0)
        ended = Ended(process.wait(), out.read().decode(), said.read().decode())
    assert code is None or ended.code == code, f"{words} ended with {ended.code}\n{ended.out}\n{ended.said}"
    assert "Traceback" not in ended.said
    return ended


@dataclass
class Machine:
    """One node: its folder, and its process if it runs."""

    name: str
    node: WarmNode

    @classmethod
    def at(cls, name: str, folder: Path, port: int) -> "Machine":
        return cls(name, WarmNode(folder=folder, url=f"http://127.0.0.1:{port}"))

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def folder(self) -> Path:
        return self.node.folder

    @property
    def url(self) -> str:
        return self.node.url

    @property
    def process(self) -> "subprocess.Popen[bytes] | None":
        return self.node.process

    @property
    def database(self) -> Path:
        return self.folder / "data" / "node.sqlite"

    @property
    def heads(self) -> Path:
        return self.folder / "data-heads"

    @property
    def log(self) -> Path:
        return self.folder / "node.log"

    def set_up(self, town: Consortium, **settings: object) -> None:
        """Its files, as `accredit node init` and `node genesis` make them; the tick is short."""
        (self.folder / "data").mkdir(parents=True)
        (self.folder / "genesis.cose").write_bytes(town.genesis.raw)
        seeds = {role: node_seed(self.name, role) for role in ("peer", "log", "witness", "state")}
        NodeKeys.create(self.folder / "data" / "node-keys.json", self.name, seeds=seeds)
        values: dict[str, object] = {
            "ecosystem": town.eco.hex(),
            "genesis_file": "genesis.cose",
            "port": self.port,
            "public_url": self.url,
            "tick_ms": 100,
            "reconcile_ms": 1_000,
        }
        write_commented(self.folder / "node.toml", name=self.name, **(values | settings))

    # ------------------------------------------------------------------------------------------------ the process

    def start(
        self, *, env: Mapping[str, str] | None = None, limit: int = 0, ready: str = "/healthz", cold: bool = False
    ) -> None:
        """Starts it; waits until it answers there (empty: for nothing).

        Args:
            limit: bytes beyond which none of its files grows; 0 for none.
            cold: from nothing, loading its modules.
        """
        self.node.limit, self.node.is_cold = limit, cold
        self.node.start(env)
        if ready:
            self.answers(ready)

    def answers(self, path: str = "/healthz") -> None:
        """Waits until a path is answered with 200."""
        self.node.wait_until_answers(path, seconds=PATIENCE)

    def kill(self) -> None:
        """As a power cut: no signal handler runs."""
        self.node.kill()

    def stop(self) -> int:
        """As a service manager does; its exit code."""
        self.terminate()
        return self.ends()

    def terminate(self) -> None:
        """Tells it to stop, and goes on."""
        self.node.terminate()

    def ends(self) -> int:
        """Waits for its end; its exit code."""
        code = self.node.wait(seconds=PATIENCE)
        assert code is not None, f"{self.name} does not end"
        return code

    def fate(self) -> str:
        """What has become of it, for whoever asks after a failure; a node that no longer listens is let end first."""
        process = self.process
        if process is None:
            return f"{self.name} was not running"
        code = process.poll()
        if code is None:
            with socket.socket() as sock:
                listens = sock.connect_ex(("127.0.0.1", self.port)) == 0
            if listens:
                return f"{self.name} runs"
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(PATIENCE)
        return f"{self.name} ended by itself with {code}: {self.node.last_words}"

    def refuses_to_start(self, *, env: Mapping[str, str] | None = None, code: int = 6) -> str:
        """Runs it until it gives up by itself; what it said."""
        return accredit("node", "run", self.folder, env=env, code=code).said

    # -------------------------------------------------------------------------------------------------- questions

    @cached_property
    def client(self) -> NodeClient:
        return NodeClient(self.url, timeout=PATIENCE)

    def submit(self, *statements: Statement) -> dict[str, Any]:
        """Submits statements; all of them are in the log then."""
        answer = self.client.submit([each.raw for each in statements])
        assert {row["status"] for row in answer["statements"]} <= {"logged", "known"}, answer
        return answer

    def holds(self, statement: Statement | str) -> bool:
        """Whether it has a statement, given whole or by its id in hex."""
        id_ = statement if isinstance(statement, str) else statement.id.hex()
        path = f"{self.url}/v1/statements/{id_}"
        return loopback.get(path).status_code == 200

    def state_root(self) -> str:
        return str(self.client.status()["state_root"])

    def trusts(self, issuer: str) -> bool:
        """Whether it says that an issuer may issue a degree now."""
        return bool(self.client.decide({"issuer": issuer, "achievement_type": "Degree"})["authorized"])

    def open(self, note: str) -> Checkpoint:
        """A checkpoint of its log, with the signature verified."""
        key = VerifierKey(name=self.name, type=KeyType.ED25519, public=public_of(node_seed(self.name, "log")))
        return open_checkpoint(note.encode(), key).checkpoint

    def audit(self, *, code: int = 0) -> Ended:
        """`accredit node audit` over its files; over what it reports too, if it runs."""
        reported = ("--node", self.url) if self.process is not None else ()
        return accredit("node", "audit", self.folder, *reported, "--json", code=code)


@dataclass
class Fleet:
    """The nodes of one ecosystem."""

    folder: Path
    town: Consortium
    machines: dict[str, Machine] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Machine:
        return self.machines[name]

    def start(self, *names: str, env: Mapping[str, str] | None = None) -> None:
        """Starts nodes (all of them by default), and tells the first what the founders said."""
        started = [self[name] for name in names or self.machines]
        for machine in started:
            machine.start(env=env, ready="")
        for machine in started:
            machine.answers()
        started[0].submit(*self.town.said)
        for machine in started:
            machine.answers("/readyz")

    def agree(self, *names: str) -> str:
        """Waits until nodes hold the same; their state root."""
        machines = [self[name] for name in names or self.machines]

        def same() -> str | None:
            roots = {machine.state_root() for machine in machines}
            return roots.pop() if len(roots) == 1 else None

        return eventually(same, "the nodes hold the same")

    def key_file(self, authority: str) -> Path:
        """The authority's second key, for the command line."""
        path = self.folder / f"{authority.split('//')[1][:1]}.key"
        if not path.exists():
            seed = self.town.pen(f"{authority}#2").seed
            SealedKey.create(path, seed, PASSPHRASE, label=path.stem, authority=authority, limits=FASTEST)
        return path

    def types(
        self,
        *words: object,
        node: str = "node1",
        env: Mapping[str, str] | None = None,
        code: int = 0,
        by: str = "",
        patience: float = PATIENCE,
    ) -> Ended:
        """Types a command; `by` is the authority whose key signs."""
        passphrase = self.folder / "passphrase"
        passphrase.write_text(PASSPHRASE + "\n")
        person = {"ACCREDIT_NODE": self[node].url, "ACCREDIT_PASSPHRASE_FILE": str(passphrase)}
        if by:
            person["ACCREDIT_KEY"] = str(self.key_file(by))
        return accredit(*words, env={**person, **(env or {})}, code=code, patience=patience)


@contextmanager
def founding(folder: Path, *names: str, signers: bool = False, **settings: object) -> Iterator[Fleet]:
    """A charter that names nodes, and their files; nothing runs yet. At the end: none has shown a traceback.

    Args:
        signers: whether the nodes cosign state notes; each then has an operator of its own.
    """
    machines = {name: Machine.at(name, folder / name, quiet_port()) for name in names}
    entries = [node_entry(name, machine.url) for name, machine in machines.items()]
    if signers:
        entries = [{**entry, "operator": f"Operator of {entry['name']}"} for entry in entries]
    town = Consortium.of(
        *AUTHORITIES, keys=2, approve=False, nodes=entries, signers=sorted(machines) if signers else []
    )
    for authority in (B, C):
        town.votes(f"{authority}#1", town.genesis)
    fleet = Fleet(folder, town, machines)
    for machine in machines.values():
        machine.set_up(town, **settings)
    try:
        yield fleet
    except BaseException as error:
        for machine in fleet.machines.values():
            error.add_note(machine.fate())
        raise
    finally:
        for machine in fleet.machines.values():
            machine.kill()
            if "client" in machine.__dict__:
                machine.client.close()
    for machine in fleet.machines.values():
        said = machine.log.read_text() if machine.log.exists() else ""
        assert "Traceback" not in said, said
