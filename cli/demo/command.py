"""`accredit demo`: the main tasks in one run, on this machine.

Four nodes and three governance bodies found an ecosystem, approve real issuers, spread them by gossip, and answer a
verifier at any node. A delegate that was overruled tries each way back. At the end a verifier that trusts none of the
nodes is lied to by one (`verifier_part`). Every step is a real command; the nodes are processes with their own
databases, ports and keys. Governance bodies, and every issuer that is suspended or revoked, are invented; all
accreditations are illustrative.
"""

import csv
import json
import shutil
import sys
import threading
import time
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

import click
import httpx

from accredit.cli.base import output
from accredit.cli.base.commands import Command
from accredit.cli.base.context import wants_json
from accredit.cli.base.output import faint, fair, good, shorten
from accredit.cli.commands.verifier.check import missing_package
from accredit.node.extras import install_line
from accredit.registry.encoding.counts import many
from accredit.registry.errors import AccreditError
from accredit.simulations.processes.node_process import free_ports

from .network import PATIENCE, DemoNode, Scenes, Stage, tell
from .verifier_part import Doubt

ECOSYSTEM: Final = "https://trust.example/"
COUNCIL: Final = "did:web:council.example"
COMMONS: Final = "did:web:commons.example"
BOARD: Final = "did:web:board.example"
DEANS: Final = "did:web:deans.example"
"""The Council's delegate."""

PEOPLE: Final = (
    ("alice", COUNCIL, "Alice"),
    ("bob", COUNCIL, "Bob"),
    ("carol", COUNCIL, "Carol"),
    ("nora", COMMONS, "Nora"),
    ("will", BOARD, "Will"),
)
BODIES: Final = (
    (COUNCIL, "University Council", "education", "2"),
    (COMMONS, "Open Learning Commons", "nonprofit", "1"),
    (BOARD, "State Workforce Board", "public", "1"),
)
OPERATORS: Final = ("University Council", "Open Learning Commons", "State Workforce Board", "Public Library")

HARBOUR: Final = "did:web:harbour-college.example"
MILL: Final = "did:web:quick-degrees.example"
UNKNOWN: Final = "did:web:nobody.example"
PROMISE: Final = "did:key:z6MkkAAkEonJCyLYi1fLy2g59JqJqWCUdo5FMiNExgewngCT"  # Digital Promise, in examples/issuers.csv
MUNICH: Final = "did:web:dibiho.org:TUM"  # Technical University of Munich, there too
LAKESIDE: Final = "did:web:lakeside-college.example"  # invented, in examples/credentials
HEARING: Final = "https://works.example/skills/listening"  # invented: an employer's own word for the next
CROSSWALK: Final = "https://works.example/crosswalk"
LISTENING: Final = "https://www.onetcenter.org/ctdlasn/resources/ce-07c2613a-9119-11e8-b852-782bcb5df6ac"

AS_OF: Final = (
    (HARBOUR, "2024-06-01", "trusted_historical"),
    (HARBOUR, None, "suspended"),
    (MILL, "2025-06-01", "trusted_historical"),
    (MILL, "2026-06-01", "not_trusted"),
)
"""Issuer, day of issue (None: now), and the verdict to expect after the suspension and the revocation."""

ST_JOSEPH: Final = "did:web:csj.edu"
PAST: Final = (("1972-06-01", "not_trusted"), ("2016-05-20", "trusted_historical"), ("2019-05-20", "not_trusted"))
"""Days of issue at a real college, in examples/history/dapip, and the verdict to expect."""

_RULES: Final = '[rules]\n"accreditation.grant" = { authorities = 2, constituencies = { nonprofit = 1 } }\n'
_DELEGATION: Final = f"""delegate = "{DEANS}"
name = "Deans of Admission"
constituency = "education"
threshold = 1
actions = ["issuer.*", "accreditation.*"]
valid_from = 2026-01-01
[limits]
max_depth = 0
"""
_COMPETENCY_GRANT: Final = f"""# Illustrative: nobody has accredited anybody.
kind = "recognize"
level = "occupational"
valid_from = 2026-01-01
[scope]
achievement_types = ["Competency", "Badge", "MicroCredential"]
credential_types = "*"
competencies = ["{LISTENING}"]
frameworks = "none"
jurisdictions = ["US"]
programs = "none"
fields_of_study = "none"
levels = "none"
delivery_modes = "*"
"""


@click.command(
    "demo",
    cls=Command,
    example="""accredit demo
accredit demo --keep my-network""",
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Keep keys, nodes and databases in DIR, so that you can start the network again.",
)
def demo(keep: Path | None) -> None:
    """Run a consortium on this machine, in about half a minute: four nodes, three governance bodies, real issuers."""
    scenes = Scenes(14)
    tell(output.styled("accredit: a consortium of four nodes on this machine", bold=True))
    tell(faint("Governance bodies, and issuers that are suspended or revoked, are invented."))
    tell(
        faint(
            "The other issuers are real, but their accreditations are only illustrations: nobody has accredited them."
        )
    )
    with Stage.open(keep) as stage:
        play = _Play(stage, scenes)
        play.perform()
        _epilogue(stage, scenes, suspended=shorten(play.accreditations[HARBOUR]))


class _Play:
    """The scenes, in order."""

    def __init__(self, stage: Stage, scenes: Scenes) -> None:
        self.stage = stage
        self.scenes = scenes
        self.http = httpx.Client(trust_env=False, timeout=10)
        self.accreditations: dict[str, str] = {}
        self.doubt = Doubt(
            stage=stage,
            scenes=scenes,
            http=self.http,
            trusted=MUNICH,
            unknown=UNKNOWN,
            revoked=MILL,
            wanted="BachelorDegree",
        )

    def perform(self) -> None:
        with self.http:
            self.make_keys_and_nodes()
            self.found()
            self.import_issuers()
            self.approve_together()
            self.ask_every_node()
            self.publish_framework()
            self.doubt.remember_before()
            self.suspend_and_revoke()
            self.ask_as_of()
            self.import_history()
            self.try_each_way_back()
            self.check_badges()
            self.audit()
            self.doubt.verify()
            self.doubt.catch_lies()

    # 1

    def make_keys_and_nodes(self) -> None:
        with self.scenes.scene("Keys for five people of three bodies, and four nodes") as results:
            for number, (port, operator) in enumerate(zip(free_ports(4), OPERATORS, strict=True), 1):
                self.stage.nodes.append(DemoNode(f"node{number}", f"node{number}.example", operator, port))
            with as_file(files(__package__) / "examples") as examples:
                shutil.copytree(examples, self.stage.folder / "examples")
            theirs = "are only to try things with" if self.stage.keeps else "are discarded at its end"
            tell(faint(f"  (The keys of the demonstration {theirs}, so --sealing interactive saves time.)"))
            self.stage.show(*self._new_key(PEOPLE[0]), lines=slice(0, 3))
            for person in PEOPLE[1:]:
                self.stage.run(*self._new_key(person))
            for name, _, _ in PEOPLE:
                self.stage.run("keys", "export", f"{name}.key", "-o", f"{name}.toml")
            for node in self.stage.nodes[1:]:
                self.stage.run(*self._init_arguments(node))
            first = self.stage.nodes[0]
            self.stage.show(*self._init_arguments(first), lines=slice(0, 3))
            results.append("5 keys, each sealed with a passphrase; 4 nodes with databases, ports and keys of their own")

    def _new_key(self, person: tuple[str, str, str]) -> tuple[str, ...]:
        name, authority, label = person
        words = ("keys", "new", f"{name}.key", "--authority", authority, "--label", label)
        return (*words, "--sealing", "interactive")

    def _init_arguments(self, node: DemoNode) -> tuple[str, ...]:
        return (
            *("node", "init", node.folder, "--name", node.name, "--operator", node.operator),
            *("--url", node.url, "--port", str(node.port)),
        )

    # 2

    def found(self) -> None:
        with self.scenes.scene("The charter, its ceremony, and the first four nodes") as results:
            bodies = [word for body in BODIES for word in ("--authority", *body)]
            keys = [word for name, _, _ in PEOPLE for word in ("--keys", f"{name}.toml")]
            entries = [word for node in self.stage.nodes for word in ("--node-entry", f"{node.folder}/node-entry.toml")]
            self.stage.run("charter", "draft", "--id", ECOSYSTEM, "--name", "Example Trust", *bodies, *keys, *entries)
            charter = self.stage.folder / "charter.toml"
            charter.write_text(charter.read_text().replace("[rules]\n", _RULES))
            self.stage.show("charter", "check", "charter.toml", lines=slice(0, 11))
            self.stage.show(
                *("charter", "sign", "charter.toml", "-o", "genesis.json", "--key", "alice.key", "--yes"),
                lines=slice(-5, None),
            )
            for name in ("bob", "nora"):
                self.stage.show(
                    "charter", "sign", "genesis.json", "--key", f"{name}.key", "--yes", lines=slice(-4, None)
                )
            for node in self.stage.nodes:
                self.stage.run("node", "genesis", node.folder, "genesis.json")
                self.stage.start(node)
            for node in self.stage.nodes:
                self.stage.wait_for(node)
            self.stage.show("charter", "publish", "genesis.json", "--node", self.url(0))
            took = self.meet()
            results.append(f"in effect at all four nodes {took:.1f} s after the command")

    # 3

    def import_issuers(self) -> None:
        with self.scenes.scene("A list of real issuers, approved by two bodies") as results:
            self.stage.show(
                *("issuer", "import", "examples/issuers.csv", "--grant", "examples/grant.toml"),
                *("--report", "report.csv", "--key", "alice.key", "--node", self.url(0)),
                lines=slice(-2, None),
            )
            with (self.stage.folder / "report.csv").open(newline="") as file:
                rows = len({row.get("id") or row.get("sub") for row in csv.DictReader(file)})
            self.meet()
            self.approve("bob", 1, "--from", "report.csv", "--reason", "list checked")
            self.meet()
            self.approve("nora", 2, "--from", "report.csv", "--reason", "list checked")
            took = self.meet()
            listed = len(self.stage.ask("issuer", "list", "--node", self.url(3))["issuers"])
            results.append(
                f"{many(rows, 'issuer')} proposed by Alice at node 1, approved by Bob at node 2 and Nora at node 3"
            )
            results.append(f"{many(listed, 'accredited issuer')} at node 4, {took:.1f} s after the last vote")

    # 4

    def approve_together(self) -> None:
        with self.scenes.scene("A proposal, decided by two people of one body and one of another") as results:
            for issuer, name in ((HARBOUR, "Harbour College"), (MILL, "Quick Degrees")):
                self.stage.run(
                    *("issuer", "propose", "--id", issuer, "--name", name, "--key", "alice.key"),
                    *("--url", f"https://{issuer.rpartition(':')[2]}/", "--node", self.url(0)),
                )
            self.stage.show(
                *("accreditation", "propose", "examples/grant.toml", "--issuer", HARBOUR, "--issuer", MILL),
                *("--key", "alice.key", "--node", self.url(0)),
                lines=slice(0, 2),
            )
            self.meet()
            self.stage.show_answer("inbox", "--key", "bob.key", "--node", self.url(1), told=_inbox)
            self.approve("bob", 1, *self.waiting(1))
            self.meet()
            self.approve("nora", 2, *self.waiting(2))
            self.meet()
            for issuer in (HARBOUR, MILL):
                answer = self.stage.ask("query", issuer, "--for", "BachelorDegree", "--node", self.url(3))
                self.accreditations[issuer] = answer["accreditations"][0]
            results.append(
                "in effect once two keys of the Council and one of the Commons had approved, as the charter requires"
            )

    # 5

    def ask_every_node(self) -> None:
        with self.scenes.scene("The same questions to every node, in TRQP 2.0") as results:
            rows = []
            for node in self.stage.nodes:
                for entity in (MUNICH, UNKNOWN):
                    answer = self.trqp(node, entity)
                    word = good("authorized") if answer["authorized"] else fair("not authorized")
                    rows.append((node.name, entity, word, answer["verdict"]))
                    _expect((entity == MUNICH) is answer["authorized"], f"{node.name} answers {answer}")
            _table(("node", "entity", "answer", "verdict"), rows)
            self.stage.show("query", MUNICH, "--for", "BachelorDegree", "--on", "2015-05-20", "--node", self.url(2))
            results.append("four nodes, one answer")

    # 6

    def publish_framework(self) -> None:
        with self.scenes.scene(
            "A competency framework, an accreditation for part of it, and a crosswalk to it"
        ) as results:
            self.stage.show(
                *("framework", "import", "examples/frameworks/onet-basic-skills.toml"),
                *("--key", "will.key", "--node", self.url(3)),
                lines=slice(0, 1),
            )
            (self.stage.folder / "competency.toml").write_text(_COMPETENCY_GRANT)
            self.stage.show(
                *("accreditation", "propose", "competency.toml", "--issuer", PROMISE),
                *("--key", "will.key", "--node", self.url(3)),
                lines=slice(0, 2),
            )
            self.meet()
            self.approve("nora", 2, *self.waiting(2))
            self.meet()
            self.stage.show(
                *("query", PROMISE, "--for", "Badge", "--competency", LISTENING, "--jurisdiction", "US-CA"),
                *("--node", self.url(0)),
                lines=slice(0, 9),
            )
            results.append("O*NET Basic Skills, published by the Workforce Board at node 4, counts at node 1")
            self.map_competency()
            results.append(
                "an employer's own word for it counts through a mapping, which took as many bodies as granting"
            )

    def map_competency(self) -> None:
        """Ask about another framework's name for the competency: not covered before the bodies have linked the two, and
        covered after."""
        (self.stage.folder / "crosswalk.csv").write_text(f"source,relation,target\n{HEARING},exact_match,{LISTENING}\n")
        asked = ("query", PROMISE, "--for", "Badge", "--competency", HEARING, "--jurisdiction", "US-CA")
        before = self.stage.ask(*asked, "--node", self.url(0))
        _expect(not before["authorized"], "a competency counted that nobody had linked with one that is granted")
        self.stage.show(
            *("mapping", "import", "crosswalk.csv", "--id", CROSSWALK, "--title", "A works' skills and O*NET"),
            *("--source", "https://works.example/skills", "--target", "https://www.onetcenter.org/", "--usable"),
            *("--key", "will.key", "--node", self.url(3)),
            lines=slice(0, 2),
        )
        self.meet()
        self.approve("nora", 2, *self.waiting(2))
        self.meet()
        after = self.stage.ask(*asked, "--node", self.url(0))
        codes = [reason["code"] for reason in after["reasons"]]
        _expect("covered_by_mapping" in codes, f"the crosswalk did not count ({', '.join(codes)})")
        self.stage.show("competency", "issuers", HEARING, "--node", self.url(0), lines=slice(0, 4))

    # 7

    def suspend_and_revoke(self) -> None:
        with self.scenes.scene("A suspension and a revocation, which take effect at once") as results:
            self.stage.show(
                *("accreditation", "suspend", shorten(self.accreditations[HARBOUR]), "--key", "alice.key"),
                *("--code", "standards_noncompliance", "--reason", "site visit of 3 November", "--node", self.url(0)),
                lines=slice(0, 3),
            )
            self.meet()
            took = self._enforced(HARBOUR, "suspended", "bob", 1)
            results.append(f"suspension: from the first node to enforce it to the last, {took * 1000:.0f} ms")
            self.stage.show(
                *("accreditation", "revoke", shorten(self.accreditations[MILL]), "--void-from", "2026-01-01"),
                *("--code", "diploma_mill", "--reason", "degrees sold", "--key", "alice.key", "--node", self.url(0)),
                lines=slice(0, 3),
            )
            self.meet()
            self.approve("bob", 1, *self.waiting(1))
            self.meet()
            took = self._enforced(MILL, "not_trusted", "nora", 2)
            results.append(f"retroactive revocation, by two bodies: {took * 1000:.0f} ms")
            self.meet()

    def _enforced(self, issuer: str, verdict: str, voter: str, at: int) -> float:
        """Cast the deciding vote and watch every node meanwhile; return the seconds from the first node to the last."""
        seen: dict[str, float] = {}
        is_over = threading.Event()

        def watch(node: DemoNode) -> None:
            with httpx.Client(trust_env=False, timeout=10) as http:
                while node.name not in seen and not is_over.is_set():
                    asked = {"issuer": issuer, "achievement_type": "BachelorDegree"}
                    if http.post(f"{node.url}/v1/decisions", json=asked).json()["verdict"] == verdict:
                        seen[node.name] = time.perf_counter()
                    else:
                        time.sleep(0.004)

        waiting = self.waiting(at)
        watchers = [threading.Thread(target=watch, args=(node,)) for node in self.stage.nodes]
        for watcher in watchers:
            watcher.start()
        self.approve(voter, at, *waiting)
        deadline = time.perf_counter() + PATIENCE
        for watcher in watchers:
            watcher.join(max(0.0, deadline - time.perf_counter()))
        is_over.set()
        _expect(len(seen) == len(self.stage.nodes), f"{issuer} is {verdict} at {sorted(seen)} only")
        return max(seen.values()) - min(seen.values())

    # 8

    def ask_as_of(self) -> None:
        with self.scenes.scene("Answers for dates before and after") as results:
            rows = []
            for issuer, day, expected in AS_OF:
                asked = ("query", issuer, "--for", "BachelorDegree", "--node", self.url(3))
                answer = self.stage.ask(*asked, *(("--on", day) if day else ()))
                word = good(answer["verdict"]) if answer["authorized"] else fair(answer["verdict"])
                rows.append((issuer, day or "now", word, answer["reasons"][0]["text"]))
                _expect(answer["verdict"] == expected, f"{issuer} as of {day}: {answer['verdict']}")
            _table(("issuer", "issued on", "verdict", "why"), rows)
            self.stage.show(
                *("query", HARBOUR, "--for", "BachelorDegree", "--node", self.url(1)), lines=slice(0, 9), refused=True
            )
            results.append("losing accreditation is not retroactive; a revocation for fraud is")

    # 9

    def import_history(self) -> None:
        with self.scenes.scene("Real schools with a past: eighty years of accreditation, asked by date") as results:
            self.stage.show("history", "conflicts", "examples/history/dapip", lines=slice(0, 4), refused=True)
            told = ("history", "import", "dapip", "examples/history/dapip", "--key", "will.key", "--node", self.url(3))
            self.stage.show_waiting(*told, "--report", "history.json")
            for report in ("history.json", "since.json"):
                if report == "since.json":  # what happened to the grants that are in effect now
                    self.stage.show(*told, "--report", report, lines=slice(-3, None))
                self.meet()
                self.approve("nora", 2, "--from", report, "--reason", "compared with the Department's list")
                self.meet()
            rows = []
            for day, expected in PAST:
                answer = self.stage.ask(
                    *("query", ST_JOSEPH, "--for", "BachelorDegree", "--on", day, "--node", self.url(0))
                )
                word = good(answer["verdict"]) if answer["authorized"] else fair(answer["verdict"])
                rows.append((day, word, answer["reasons"][0]["text"]))
                _expect(answer["verdict"] == expected, f"{ST_JOSEPH} as of {day}: {answer['verdict']}")
            _table(("College of St Joseph on", "verdict", "why"), rows)
            results.append("as the U.S. Department of Education reported it in November 2020; contradictions are named")

    # 10

    def try_each_way_back(self) -> None:
        with self.scenes.scene(
            "A delegate of the Council is overruled and tries every way to undo that alone"
        ) as results:
            self._delegate()
            suspended, revoked = (shorten(self.accreditations[issuer]) for issuer in (HARBOUR, MILL))
            suspension, revocation = (self._last_event(issuer) for issuer in (HARBOUR, MILL))
            ways: tuple[tuple[str, ...], ...] = (
                ("accreditation", "reinstate", suspended),
                ("accreditation", "event", suspended, "stay"),
                ("accreditation", "event", revoked, "annul"),
                ("accreditation", "amend", revoked, "examples/grant.toml"),
                ("accreditation", "propose", "examples/grant.toml", "--issuer", MILL),
                ("annul", shorten(suspension), "--code", "administrative_error"),
                ("annul", shorten(revocation), "--code", "administrative_error"),
            )
            for way in ways:
                self.stage.show_refusal(*way, "--key", "dana.key", "--node", self.url(0))
            # One of the two bodies that revoked learns what it would take besides.
            self.stage.show(
                *("accreditation", "reinstate", revoked, "--key", "nora.key", "--dry-run", "--node", self.url(0)),
                lines=slice(0, 2),
            )
            # Who leaves our checks out of the way is judged by every node all the same.
            said = self.stage.show_answer(
                *("accreditation", "reinstate", suspended, "--key", "dana.key", "--force", "--node", self.url(0)),
                told=_fate,
            )
            _expect(said["statements"][0]["state"] == "ineffective", f"the forced statement is {said}")
            self.meet()
            for node in self.stage.nodes:
                for issuer, verdict in ((HARBOUR, "suspended"), (MILL, "not_trusted")):
                    answer = self.stage.ask("query", issuer, "--for", "BachelorDegree", "--node", node.url)
                    _expect(answer["verdict"] == verdict, f"{node.name} answers {answer['verdict']} about {issuer}")
            results.append(f"{many(len(ways), 'way')} were refused before anything was signed; one was signed by force")
            results.append("no node changed its answer: undoing a decision takes the approvals that made it")

    def _delegate(self) -> None:
        """Make the deans an authority, by the Council's two keys."""
        (self.stage.folder / "delegation.toml").write_text(_DELEGATION)
        self.stage.run(*self._new_key(("dana", DEANS, "Dana")))
        self.stage.run("keys", "export", "dana.key", "-o", "dana.toml")
        self.stage.show(
            *("authority", "delegate", "delegation.toml", "--keys", "dana.toml", "--budget", "100"),
            *("--key", "alice.key", "--node", self.url(0)),
            lines=slice(0, 1),
        )
        self.approve("bob", 0, *self.waiting(0))

    def _last_event(self, issuer: str) -> str:
        """Return the id of the last statement about an issuer's accreditation."""
        record = self.stage.ask("accreditation", "show", self.accreditations[issuer], "--node", self.url(0))
        return str(record["events"][-1]["statement"])

    # 10

    def check_badges(self) -> None:
        with self.scenes.scene("Badges of a college, as an admissions office checks them") as results:
            self.stage.run(
                *("issuer", "propose", "examples/credentials/lakeside.toml", "--key", "alice.key"),
                *("--node", self.url(0)),
            )
            self.stage.run(
                *("accreditation", "propose", "examples/grant.toml", "--issuer", LAKESIDE),
                *("--key", "alice.key", "--node", self.url(0)),
            )
            self.meet()
            self.approve("bob", 1, *self.waiting(1))
            self.meet()
            self.approve("nora", 2, *self.waiting(2))
            self.meet()
            if (package := missing_package()) is not None:
                tell(faint(f"  (Not shown, because {package} is missing: {install_line('credentials')})"))
                results.append("Lakeside College is accredited, and its key pinned; no badge of it was checked")
                return
            badge = json.loads((self.stage.folder / "examples/credentials/bachelor.json").read_text())
            (self.stage.folder / "forged.json").write_text(json.dumps({**badge, "name": "Doctor of Medicine"}))
            words = ("--status-list", "examples/credentials/status-list.json", "--node", self.url(3))
            self.stage.show("check", "examples/credentials/bachelor.svg", *words, lines=slice(0, 11))
            for file, cause in (("examples/credentials/revoked.json", "revoked"), ("forged.json", "bad_signature")):
                self.stage.show("check", file, *words, lines=slice(0, 2), refused=True)
                [found] = self.stage.ask("check", file, *words)["files"][0]["credentials"]
                _expect(found["cause"] == cause, f"{file} is said to be {found['cause']}")
            results.append("a picture that carries an Open Badge 3.0 is accepted; one revoked and one forged are not")

    # 11

    def audit(self) -> None:
        with self.scenes.scene("Every node's log, recomputed from its stored bytes") as results:
            for node in self.stage.nodes:
                shown = slice(None) if node is self.stage.nodes[0] else slice(-1, None)
                self.stage.show("node", "audit", node.folder, "--node", node.url, lines=shown)
            self.stage.show("node", "status", *(word for node in self.stage.nodes for word in ("--node", node.url)))
            size = self.status(self.stage.nodes[0])["size"]
            results.append(f"4 logs of {many(size, 'statement')}: every signature, tree, record and root is correct")

    # Helpers

    def url(self, number: int) -> str:
        return self.stage.nodes[number].url

    def status(self, node: DemoNode) -> dict[str, Any]:
        answer: dict[str, Any] = self.http.get(f"{node.url}/v1/status").json()
        return answer

    def meet(self) -> float:
        """Wait until every node holds the same statements; return the seconds it took."""

        def same() -> bool:
            return len({self.status(node)["state_root"] for node in self.stage.nodes}) == 1

        return self.stage.until("every node holds the same statements", same)

    def waiting(self, at: int) -> Sequence[str]:
        """Return the first characters of the ids of the statements that wait for votes at a node."""
        proposals = self.stage.ask("inbox", "--all", "--node", self.url(at))["proposals"]
        return [shorten(proposal["id"]) for proposal in proposals]

    def approve(self, who: str, at: int, *what: str) -> None:
        self.stage.show_answer("approve", *what, "--key", f"{who}.key", "--yes", "--node", self.url(at), told=_vote)

    def trqp(self, node: DemoNode, entity: str) -> dict[str, Any]:
        body = {"entity_id": entity, "authority_id": ECOSYSTEM, "action": "issue", "resource": "BachelorDegree"}
        answer: dict[str, Any] = self.http.post(f"{node.url}/authorization", json=body).json()
        return answer


def _expect(condition: bool, found: str) -> None:
    """Check that something the demonstration shows is true; fail if not."""
    if not condition:
        raise AccreditError("demo_failed", f"The demonstration failed: {found}.")


def _inbox(answer: Any) -> list[str]:
    rows = []
    for one in answer["proposals"]:
        summary = one["summary"] if len(one["summary"]) < 80 else one["summary"][:79] + "…"
        rows.append(f"{shorten(one['id'])}  {summary}")
    return rows


def _vote(answer: Any) -> list[str]:
    """Return the present state of statements that were voted on: `25 in effect; 25 waiting: It needs …`."""
    states: dict[str, int] = {}
    for one in answer["proposals"]:
        what = "in effect" if one["state"] == "effective" else f"{one['state']}: {one['reason']}"
        states[what] = states.get(what, 0) + 1
    return [f"{count} {what}" for what, count in states.items()]


def _fate(answer: Any) -> list[str]:
    """Return the state of a statement, and why: `ineffective: Only …`."""
    return [f"{one['state']}: {one['reason']}" for one in answer["statements"]]


def _table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    if not wants_json():
        output.table(headers, rows)


def _epilogue(stage: Stage, scenes: Scenes, *, suspended: str) -> None:
    data = {
        "scenes": [{"what": what, "result": result} for what, result in scenes.rows],
        "seconds": round(scenes.seconds, 1),
        "commands": stage.commands,
        "kept": str(stage.folder) if stage.keeps else None,
        "nodes": [{"name": node.name, "url": node.url} for node in stage.nodes],
    }
    output.emit(data, lambda: _say_farewell(stage, scenes, suspended))


def _say_farewell(stage: Stage, scenes: Scenes, suspended: str) -> None:
    output.say()
    output.table(("what", "result"), scenes.rows)
    output.say()
    output.say(good(f"Done in {scenes.seconds:.0f} s, with {many(stage.commands, 'command')}."))
    if not stage.keeps:
        output.say("Nothing is left behind. To continue by hand:  accredit demo --keep my-network")
        return
    folder = stage.folder
    output.say(f"Kept in {folder}.")
    if shutil.which("accredit") is None:
        output.say("Your shell does not find the command yet. In each terminal, first:")
        output.say(f'  export PATH="{Path(sys.executable).parent}:$PATH"')
    output.say("To start the network again, use one terminal for each:")
    for node in stage.nodes:
        output.say(f"  accredit node run {folder / node.folder}")
    first = stage.nodes[0].url
    output.say(f"Then open {first} in a browser, or, for instance:")
    for command in commands_to_try(folder, first, suspended):
        output.say(f"  {command}")


def commands_to_try(folder: Path, url: str, suspended: str) -> list[str]:
    """Return commands for the network that was kept, as one types them.

    Args:
        folder: where it is kept. url: of a node. suspended: the id of a suspended accreditation, or its beginning.
    """
    return [
        f"export ACCREDIT_NODE={url} ACCREDIT_PASSPHRASE_FILE={folder / 'passphrase'}",
        f"accredit query {MUNICH} --for BachelorDegree --on 2015-05-20",
        f"accredit accreditation reinstate {suspended} --key {folder / 'alice.key'}",
        f"accredit inbox --key {folder / 'bob.key'}",
    ]
