"""A small real consortium for tests of the command line: real key files, a real ceremony, real node processes.

Two nodes of two operators on loopback, three authorities: a council that speaks with 2 of 3 keys, an agency and a
non-profit with one key each. Everything is made by the commands themselves, except that key files use the lightest
key derivation, so that a test does not spend its time unlocking.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from accredit.cli.main import accredit
from accredit.node.files.key_files import FASTEST, SealedKey
from accredit.registry.encoding.ed25519 import public_of
from accredit.registry.transparency.signed_note import Note
from accredit.registry.transparency.state_note import StateNote
from tests.strategies import loopback
from tests.strategies.consortium import seed_of
from tests.strategies.fleet import quiet_port
from tests.strategies.warm import WarmNode

ROOT = Path(__file__).resolve().parents[2]
COUNCIL, AGENCY, CHARITY = "did:web:council.example", "did:web:agency.example", "did:web:charity.example"
KEYS = {"council-1": COUNCIL, "council-2": COUNCIL, "council-3": COUNCIL, "agency": AGENCY, "charity": CHARITY}
PASSPHRASE = "correct horse battery staple"
START_SECONDS = 90.0
"""Until something that should happen is taken for something that never will."""
LAPSE_DAYS = 60
"""How long proposals wait in inboxes, by this town's charter."""


def make_key(folder: Path, name: str, authority: str) -> Path:
    """A key file that is quick to unlock; its seed follows from its name."""
    path = folder / f"{name}.key"
    seed = seed_of(f"town {name}")
    assert public_of(seed)
    SealedKey.create(path, seed, PASSPHRASE, label=name, authority=authority, limits=FASTEST)
    return path


def _stored_root(url: str) -> str:
    """The root of the note that a node has stored, somewhat after it has learnt of it; the files have this one."""
    answer = loopback.get(f"{url}/v1/state-note")
    return StateNote.decode(Note.decode(answer.content).text).root.hex() if answer.status_code == 200 else ""


@dataclass
class Town:
    """The consortium, and a way to type commands in it."""

    folder: Path
    urls: list[str] = field(default_factory=list)
    nodes: dict[str, WarmNode] = field(default_factory=dict)
    ecosystem: str = ""

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.key"

    def run(
        self,
        *words: object,
        key: str | None = None,
        code: int | None = 0,
        nodes: Sequence[str] | None = None,
        yes: bool = True,
        **options: Any,
    ) -> Result:
        """Types a command; its exit code must be `code` (None: any). Votes are confirmed, unless not `yes`."""
        typed = [str(word) for word in words]
        if typed[0] in ("approve", "reject", "retract") and yes:
            typed.append("--yes")
        environment = {
            "ACCREDIT_PASSPHRASE_FILE": str(self.folder / "passphrase"),
            "ACCREDIT_NODE": " ".join(self.urls if nodes is None else nodes),
            "ACCREDIT_KEY": str(self.key(key)) if key else None,
        }
        result = CliRunner().invoke(accredit, typed, env=environment, **options)
        if code is not None:
            assert result.exit_code == code, f"{typed}\n{result.output}\n{result.stderr}\n{result.exception!r}"
        return result

    def json(self, *words: object, **more: Any) -> Any:
        """Types a command with --json; what it printed."""
        return json.loads(self.run(*words, "--json", **more).stdout)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def start(self, name: str) -> None:
        """Starts a node as a process of its own and waits until it answers."""
        self.nodes[name] = WarmNode(folder=self.folder / name, url=self.url_of(name))
        self.nodes[name].start({"ACCREDIT_TICK_MS": "100"})  # tests wait for many appends, one after the other
        self.wait_for("/healthz", name)

    def url_of(self, name: str) -> str:
        return self.urls[int(name.removeprefix("node")) - 1]

    def wait_for(self, path: str, name: str) -> None:
        self.nodes[name].wait_until_answers(path, seconds=START_SECONDS)

    def stop(self, name: str) -> int:
        """Asks a node to stop; its exit code."""
        code = self.nodes.pop(name).stop(seconds=START_SECONDS)
        assert code is not None, f"{name} does not end"
        return code

    def stop_all(self) -> None:
        """Ends every node that still runs, without asking how."""
        for node in self.nodes.values():
            node.terminate()
        for node in self.nodes.values():
            if node.wait(seconds=START_SECONDS) is None:
                node.kill()
        self.nodes.clear()

    def settle(self, statement: str) -> None:
        """Waits until every node holds a statement."""
        deadline = time.monotonic() + START_SECONDS
        for url in self.urls:
            while loopback.get(f"{url}/v1/statements/{statement}").status_code != 200:
                assert time.monotonic() < deadline, f"{statement} did not reach {url}"
                time.sleep(0.05)

    def accredited(self, id_: str, name: str) -> str:
        """A new issuer with an accreditation as the template has it, on a note."""
        grant = self.write(f"{name}.toml", self.run("accreditation", "template").stdout)
        self.run("issuer", "propose", "--id", id_, "--name", name, key="charity")
        said = self.json("accreditation", "propose", grant, "--issuer", id_, key="charity")["statements"][0]
        self.settle(said["id"])
        self.noted()
        return id_

    def noted(self, urls: Sequence[str] = ()) -> None:
        """Waits until a quorum of signers stands by all that these nodes (default: every node) hold."""
        deadline = time.monotonic() + START_SECONDS

        def stands() -> bool:
            asked = urls or self.urls
            seen = [loopback.get(f"{url}/v1/status").json() for url in asked]
            roots = {one["state_root"] for one in seen}  # a node that is behind has a note of what it holds, too
            if len(roots) > 1 or not all(one["state_note"] and one["state_note"]["root"] in roots for one in seen):
                return False
            return {_stored_root(url) for url in asked} == roots

        while not stands():
            assert time.monotonic() < deadline, "no quorum stands by what is held"
            time.sleep(0.05)

    def policy(self, name: str | Path, *words: object) -> Path:
        """A trust policy, exported from every node."""
        path = self.folder / name
        self.run("trust", "export", "-o", path, *words)
        return path


def found_town(folder: Path, signers: Sequence[str] = ("council-2", "agency")) -> Town:
    """Makes keys, nodes and the charter, signs it, starts the nodes and publishes it.

    Args:
        signers: keys that approve the charter before it is published, besides the council's first.
    """
    town = Town(folder)
    try:
        _found(town, signers)
    except BaseException:
        town.stop_all()
        raise
    return town


def _found(town: Town, signers: Sequence[str]) -> None:
    folder = town.folder
    town.write("passphrase", PASSPHRASE + "\n")
    entries = []
    for name, authority in KEYS.items():
        make_key(folder, name, authority)
        town.run("keys", "export", town.key(name), "-o", folder / f"{name}.toml")
        entries += ["--keys", folder / f"{name}.toml"]
    nodes = []
    for name, operator in (("node1", COUNCIL), ("node2", AGENCY)):
        port = quiet_port()
        url = f"http://127.0.0.1:{port}"
        town.urls.append(url)
        town.run(
            "node",
            "init",
            folder / name,
            "--name",
            f"{name}.example",
            "--operator",
            operator,
            "--url",
            url,
            "--port",
            port,
        )
        nodes += ["--node-entry", folder / name / "node-entry.toml"]
    town.run(
        "charter", "draft", "--id", "https://trust.example/", "--name", "Example Trust",
        "--authority", COUNCIL, "University Council", "education", 2,
        "--authority", AGENCY, "State Agency", "public", 1,
        "--authority", CHARITY, "Open Charity", "nonprofit", 1,
        *entries, *nodes, "-o", folder / "charter.toml",
    )  # fmt: skip
    drafted = (folder / "charter.toml").read_text()
    town.write("charter.toml", f'proposals_lapse = "{LAPSE_DAYS}d"\n{drafted}')
    town.run("charter", "check", folder / "charter.toml")
    ceremony = folder / "genesis.json"
    town.run("charter", "sign", folder / "charter.toml", "-o", ceremony, "--yes", key="council-1")
    for name in signers:
        town.run("charter", "sign", ceremony, "--yes", key=name)
    for name in ("node1", "node2"):
        town.ecosystem = town.json("node", "genesis", folder / name, ceremony)["ecosystem"]
        town.start(name)
    town.run("charter", "publish", ceremony)
    if signers:
        for name in ("node1", "node2"):
            town.wait_for("/readyz", name)
        town.noted()  # what is asked with evidence needs a state that a quorum stands by
