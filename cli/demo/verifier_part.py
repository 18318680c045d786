"""The demonstration's end: a verifier that trusts no node, and a node that lies to it with its own real keys.

doubt = Doubt(stage, scenes, …)
doubt.remember_before()      keeps an answer from before the revocation, for the later lie
doubt.verify()               a policy, answers with evidence, present and absent, checked without a network
doubt.catch_lies()           each lie, and the check that catches it
"""

import re
import time
from dataclasses import dataclass
from typing import Final

import httpx

from accredit.cli.base import output
from accredit.cli.base.context import wants_json
from accredit.cli.base.log_entries import read_entries
from accredit.cli.base.output import bad, good, shorten
from accredit.cli.commands.verifier.check import missing_package
from accredit.node.clients.node_client import NodeClient
from accredit.node.files.key_files import NodeKeys
from accredit.registry.errors import AccreditError
from accredit.registry.evidence.snapshot import Snapshot
from accredit.registry.evidence.trust_policy import TrustPolicy
from accredit.registry.statement import Unverified, decode
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.signed_note import Note

from . import forgeries
from .network import DemoNode, Scenes, Stage

POLICY: Final = "policy.txt"
FORGETFUL: Final = "forgetful.txt"
SHORT: Final = 5
"""Seconds that signers' word counts for a verifier without a memory, who has nothing but the age to go by."""

_ID: Final = re.compile("[0-9a-f]{64}")
_BEFORE: Final = "before.evidence"
_OFFLINE: Final = "http://127.0.0.1:9"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One lie: the file that the node sends, the policy of the verifier, and the expected result."""

    what: str
    file: str
    policy: str
    result: str
    check: str


_CASES: Final = (
    _Case(what="the truth", file="present.evidence", policy=POLICY, result="verified", check=""),
    _Case(
        what="a withheld revocation: the answer from before the revocation",
        file=_BEFORE,
        policy=POLICY,
        result="stale",
        check="count",
    ),
    _Case(
        what="the same records with the newest note",
        file="withheld.evidence",
        policy=POLICY,
        result="refuted",
        check="proof",
    ),
    _Case(
        what="a forged absence, from a map without the issuer",
        file="denied.evidence",
        policy=POLICY,
        result="unwitnessed",
        check="quorum",
    ),
    _Case(
        what="an old note, cosigned again by the liar",
        file="restamped.evidence",
        policy=POLICY,
        result="stale",
        check="count",
    ),
    _Case(
        what="the same, to a verifier without a memory",
        file="restamped.evidence",
        policy=FORGETFUL,
        result="stale",
        check="age",
    ),
)


@dataclass(slots=True)
class Doubt:
    """See the module.

    Attributes:
        trusted: an issuer that is accredited; unknown: one that nobody has heard of; revoked: one that will be.
        wanted: the achievement type to ask about.
    """

    stage: Stage
    scenes: Scenes
    http: httpx.Client
    trusted: str
    unknown: str
    revoked: str
    wanted: str

    def remember_before(self) -> None:
        """Keep a node's answer about the issuer that will be revoked; it is still true."""
        self._noted()
        self.stage.run("query", self.revoked, "--for", self.wanted, "--evidence", _BEFORE, "--node", self._liar.url)

    def verify(self) -> None:
        """A scene."""
        with self.scenes.scene("A verifier that trusts no single node") as results:
            took = self._noted()
            nodes = [word for node in self.stage.nodes for word in ("--node", node.url)]
            self.stage.show("trust", "export", "-o", POLICY, *nodes, lines=slice(0, 9))
            asked = (self.trusted, "--for", self.wanted)
            policy = ("--policy", POLICY)
            self.stage.show(
                *("query", *asked, "--evidence", "present.evidence", *policy, "--node", self._liar.url),
                lines=slice(0, 4),
            )
            self.stage.run(
                *("query", self.unknown, "--for", self.wanted, "--evidence", "absent.evidence", *policy),
                *("--node", self._liar.url),
                refused=True,
            )
            # Nobody answers where these commands would ask.
            self.stage.offline(_OFFLINE)
            self.stage.show("evidence", "check", "present.evidence", *asked, *policy, lines=slice(0, 4))
            self.stage.show("evidence", "check", "absent.evidence", *policy, lines=slice(0, 5), refused=True)
            self.stage.offline("")
            self.stage.show(
                *("snapshot", "sync", "registry.snapshot", *policy, "--node", self._liar.url), lines=slice(0, 1)
            )
            self.stage.offline(_OFFLINE)
            self.stage.show("snapshot", "query", "registry.snapshot", *asked, *policy, lines=slice(0, 3))
            if missing_package() is None:
                self.stage.show(
                    *("check", "examples/credentials/bachelor.json", "--snapshot", "registry.snapshot", *policy),
                    *("--status-list", "examples/credentials/status-list.json"),
                    lines=slice(0, 2),
                )
            self.stage.offline("")
            results.append(f"a quorum of the signers vouched for everything {took:.1f} s after the last statement")
            results.append("present and absent are proved alike; checking takes a file and no network")

    def catch_lies(self) -> None:
        """A scene."""
        liar = self._liar
        with self.scenes.scene(f"{liar.name} lies, using its own real keys") as results:
            self.stage.run("trust", "export", "-o", FORGETFUL, "--max-age", str(SHORT), "--node", liar.url)
            self.stage.run(
                *("query", self.revoked, "--for", self.wanted, "--evidence", "after.evidence", "--policy", POLICY),
                *("--node", liar.url),
                refused=True,
            )
            self._write_lies()
            # On a quick machine the old note may not be too old yet for a verifier without a memory.
            said_at = (self.stage.folder / _BEFORE).stat().st_mtime
            self.stage.until("the old note is too old", lambda: time.time() - said_at > SHORT + 1)
            rows = [self._caught(case) for case in _CASES]  # one after the other: commands print to one place
            if not wants_json():
                output.table(("what the node sends", "result", "by the check", "says"), rows)
            self.stage.show("evidence", "check", "fork.conflict", "--charter", "charter.toml", lines=slice(0, 4))
            results.append("withheld revocation, forged absence, old note: each is caught by the check named above")
            results.append("a forked log is caught by its own two signatures, in a file that is its own proof")

    def _caught(self, case: "_Case") -> tuple[object, ...]:
        """Return a row of the table: the verifier's result for a file, which must be the expected one."""
        found = self.stage.ask("evidence", "check", case.file, "--policy", case.policy)
        if (found["result"], found["check"] or "") != (case.result, case.check):
            raise AccreditError("demo_failed", f"{case.what}: {found['result']}, {found['check']}: {found['text']}")
        word = good(case.result) if case.result == "verified" else bad(case.result)
        return case.what, word, case.check or "every one", _sentence(found["text"])

    @property
    def _liar(self) -> DemoNode:
        return self.stage.nodes[-1]

    def _noted(self) -> float:
        """Wait until all nodes hold the same statements, under one quorum's note; return the seconds it took.

        A node that is behind has a note of what it holds, too. Its answers would be older than those of the others.
        """

        def stands() -> bool:
            seen = [self.http.get(f"{node.url}/v1/status").json() for node in self.stage.nodes]
            roots = {one["state_root"] for one in seen}
            return len(roots) == 1 and all(one["state_note"] and one["state_note"]["root"] in roots for one in seen)

        return self.stage.until("a quorum vouches for the statements that every node holds", stands)

    def _write_lies(self) -> None:
        folder = self.stage.folder
        keys = NodeKeys.load(folder / self._liar.folder / "data" / "node-keys.json")
        policy = TrustPolicy.decode((folder / FORGETFUL).read_bytes())
        before, after = ((folder / name).read_bytes() for name in (_BEFORE, "after.evidence"))
        present = (folder / "present.evidence").read_bytes()
        now = int(time.time())
        with NodeClient(self._liar.url) as client:
            held = Snapshot.load(client.snapshot(), policy, now)
            checkpoint = client.checkpoint().encode()
            size = Checkpoint.decode(Note.decode(checkpoint).text).size
            entries = list(read_entries(client, size, lambda _: None))
        revocation = next(at for at, entry in enumerate(entries) if _is_revocation(decode(entry)))
        for name, file in (
            ("withheld.evidence", forgeries.withhold(before, after)),
            ("denied.evidence", forgeries.deny(present, held, keys, policy.charter, now)),
            ("restamped.evidence", forgeries.restamp(before, keys, now)),
            ("fork.conflict", forgeries.fork(entries, revocation, checkpoint, keys).encode()),
        ):
            (folder / name).write_bytes(file)


def _is_revocation(statement: Unverified) -> bool:
    return statement.kind == "accreditation.status" and bool(statement.body["event"] == "revoke")


def _sentence(text: str) -> str:
    """Return the first sentence of a check's message, with short ids; its advice is of no use here."""
    return _ID.sub(lambda id_: shorten(id_[0]), text.removeprefix("Verified: ").partition(". ")[0].rstrip("."))
