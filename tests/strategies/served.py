"""A node to ask over HTTP, in this process and without waiting: the real engine and store, driven by hand.

    node = served(tmp_path)                 a small world: two authorities, four issuers, a framework, a proposal
    answer = await node.get("/v1/issuers")

Its store is closed when the test has ended, or the module for whose fixture it was made (`tests/node/conftest.py`).

Time is a number (`node.time`). A submission is appended, signed and folded before it is answered, as
`node.runtime.runtime` does it, only without threads and ticks.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, TypeVar, assert_never
from urllib.parse import unquote_to_bytes

import httpx
import trio

from accredit.gossip.protocol.events import PeerStatistics, Statistics, Ticked
from accredit.governance.fold import Fold
from accredit.node.engine import (
    Append,
    Appended,
    AppendFailed,
    Changed,
    ConflictArrived,
    Effect,
    Engine,
    FrameArrived,
    KeepConflict,
    KeepNote,
    NoteArrived,
    NoteStands,
    ReplyFrame,
    ReplyNote,
    SendFrame,
    SubmissionReply,
    SubmissionResult,
    Submitted,
    TellNote,
)
from accredit.node.engine.notary import Notary
from accredit.node.engine.notary_phases import SETTLED
from accredit.node.http.app import Application, create_app
from accredit.node.http.facades.tokens import WebKey
from accredit.node.runtime.equivocations import accuse
from accredit.node.runtime.fitness import Fitness
from accredit.node.runtime.health import NodeHealth
from accredit.node.runtime.persistence import rows_of, signed_checkpoint
from accredit.node.settings import NodeConfig
from accredit.node.storage.log_store import Store
from accredit.node.storage.state_store import NotedStore
from accredit.node.telemetry import Metrics
from accredit.node.witness.server import NodeWitness
from accredit.registry.domain.frameworks import items_root
from accredit.registry.encoding.ed25519 import KeyPair, public_of
from accredit.registry.errors import StorageError
from accredit.registry.statement import Statement
from accredit.registry.transparency.equivocation import Conflict
from tests.strategies import bodies
from tests.strategies.consortium import START, Consortium, seed_of

T = TypeVar("T")

A = "https://a.example/"
B = "https://b.example/"
COLLEGE = "did:web:college.example"
PORT = "did:web:localhost%3A8080"
SUSPENDED = "did:web:suspended.example"
EXPIRED = "did:web:expired.example"
UNKNOWN = "did:web:unknown.example"
ALIAS = "did:web:old-college.example"
FRAMEWORK = "https://frameworks.example/welding"
COMPETENCY = "https://frameworks.example/welding/1"
FRIEND = "https://friend.example/"
ORIGIN = "node1.example.org"
OTHER_LOG = "node2.example.org"
"""A log that this node witnesses; its key is that of `seed_of(OTHER_LOG)`."""
NOW = START + 100_000
PEER = PeerStatistics(
    name="node2.example.org",
    url="https://node2.example.org",
    last_heard=NOW * 1_000,
    in_sync=True,
    behind=0,
    queued=0,
    overflowed=0,
    failures=0,
    error="",
)
"""What a node says of a peer that is well."""
WEB_KEY = WebKey(KeyPair(seed_of("web")), [(public_of(seed_of("old web")), START)])


async def _at_once(work: Callable[[], T]) -> T:
    return work()


@dataclass
class Served:
    """One node. `peers`, `is_stopping` and `time` are the story's to change."""

    town: Consortium
    engine: Engine
    store: Store
    time: float = NOW
    peers: tuple[PeerStatistics, ...] = ()
    is_stopping: bool = False
    metrics: Metrics = field(default_factory=Metrics)
    name: str = ORIGIN
    url: str = f"https://{ORIGIN}"
    version: str = "1.2.3"

    def __post_init__(self) -> None:
        config = NodeConfig(name=self.name, stale_after_seconds=900)
        self.fitness = Fitness(self.monotonic)
        self.health = NodeHealth(self, self.store, config, self, self.metrics)
        self.witness = NodeWitness(
            name=self.name,
            signer=KeyPair(seed_of("witness")),
            held=self.store,
            store=self.store,
            log_key={OTHER_LOG: public_of(seed_of(OTHER_LOG))}.get,
            clock=self,
            run_blocking=_at_once,
        )
        self.noted = NotedStore(self.store)
        self._token = 0
        self._replies: dict[int, Any] = {}

    # What a Reader is

    @property
    def ecosystem(self) -> bytes:
        return self.store.ecosystem

    @property
    def fold(self) -> Fold:
        return self.engine.fold

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        return self.engine.conflicts

    @property
    def delayed_keys(self) -> list[bytes]:
        return self.engine.delayed_keys

    @property
    def log(self) -> Store:
        return self.store

    @property
    def notary(self) -> Notary:
        return self.engine.notary

    @property
    def notes_undelivered(self) -> int:
        return 0

    def now(self) -> int:
        return int(self.time)

    def monotonic(self) -> float:
        return self.time

    def last_heard(self) -> int | None:
        return max((peer.last_heard or 0 for peer in self.peers), default=None)

    def statistics(self) -> Statistics:
        return Statistics(peers=self.peers, counters=(), waiting=0)

    # What a Writer is

    async def submit(self, raws: Sequence[bytes]) -> tuple[SubmissionResult, ...]:
        return self.take(raws)

    def urgent_key(self, raw: bytes) -> bytes | None:
        return self.engine.urgent_key(raw)

    async def gossip(self, frame: bytes) -> ReplyFrame:
        self._token += 1
        self._perform(self.engine.handle(FrameArrived(token=self._token, data=frame), now=self._ms()))
        reply: ReplyFrame = self._replies.pop(self._token)
        return reply

    async def accuse(self, data: bytes) -> tuple[Conflict, bool]:
        return accuse(self.engine, self.hand, data)

    def hand(self, event: ConflictArrived) -> None:
        """An event for the engine, at once."""
        self._perform(self.engine.handle(event, now=self._ms()))

    async def note(self, data: bytes) -> bytes:
        self._token += 1
        self._perform(self.engine.handle(NoteArrived(token=self._token, data=data), now=self._ms()))
        reply: ReplyNote = self._replies.pop(self._token)
        if reply.error is not None:
            raise reply.error
        return self.notary.noted.note or b""

    def take(self, raws: Sequence[bytes]) -> tuple[SubmissionResult, ...]:
        """Statements, in the log and folded on return."""
        self._token += 1
        self._perform(self.engine.handle(Submitted(token=self._token, raws=tuple(raws)), now=self._ms()))
        if self._token not in self._replies:
            # The next tick takes what is pending.
            self._perform(self.engine.handle(Ticked(), now=self._ms() + 1_000))
        reply: SubmissionReply = self._replies.pop(self._token)
        return reply.results

    def hears(self) -> None:
        """Takes in what the town has said since."""
        raws = [statement.raw for statement in self.town.said if statement.id not in self.engine]
        for start in range(0, len(raws), 1_000):
            assert {result.status for result in self.take(raws[start : start + 1_000])} == {"logged"}
        self.notes()

    def notes(self) -> None:
        """Cosigns what it holds, as it would by itself in a quiet moment."""
        self._perform(self.engine.handle(Ticked(), now=self._ms() + 1_000 + SETTLED))

    def _ms(self) -> int:
        return int(self.time * 1_000)

    def _perform(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case Append():
                    self._append(effect.statements)
                case SubmissionReply() | ReplyFrame() | ReplyNote():
                    self._replies[effect.token] = effect
                case KeepNote() | KeepConflict():
                    pass
                case NoteStands():
                    self.noted.settle(
                        kept=effect.kept,
                        state=effect.state,
                        statements_root=effect.statements_root,
                        changed=effect.changed,
                        committed=effect.committed,
                    )
                case SendFrame():
                    pass  # nobody listens where the story's peers are said to be
                case TellNote():
                    self._perform(self.engine.handle(NoteArrived(token=0, data=effect.data), now=self._ms() + 1_000))
                case Changed():
                    self.store.add_changes(rows_of(effect), size=effect.size)
                case _:
                    assert_never(effect)

    def _append(self, statements: Sequence[Statement]) -> None:
        try:
            size, root = self.store.append([(each.id, each.raw) for each in statements])
        except StorageError as error:
            self._perform(self.engine.handle(AppendFailed(error=error), now=self._ms()))
            return
        self.store.set_checkpoint(size, signed_checkpoint(ORIGIN, size, root, KeyPair(seed_of("log"))).decode())
        self._perform(self.engine.handle(Appended(size=size), now=self._ms()))

    # Asking it

    def app(self, **settings: Any) -> Application:
        return create_app(self, self, witness=self.witness, **{"web_key": WEB_KEY, **settings})

    async def ask(self, method: str, path: str, app: Application | None = None, **request: Any) -> httpx.Response:
        """One request; an exception that leaves the application fails the test."""
        transport = httpx.ASGITransport(app=app or self.app())
        async with httpx.AsyncClient(transport=transport, base_url="http://node.test", trust_env=False) as client:
            return await client.request(method, path, **request)

    async def get(self, path: str, **request: Any) -> httpx.Response:
        return await self.ask("GET", path, **request)

    async def post(self, path: str, value: Any, **request: Any) -> httpx.Response:
        return await self.ask("POST", path, json=value, **request)


def empty(path: Path, town: Consortium) -> Served:
    """A node of the town that has heard nothing yet."""
    engine = Engine(
        ecosystem=town.eco,
        name=ORIGIN,
        peer_signer=KeyPair(seed_of("peer")),
        state_signer=KeyPair(seed_of("state")),
        random=Random(1),
    )
    store = Store.open(path / "node.sqlite", ecosystem=town.eco, origin=ORIGIN)
    _opened.append(store)
    return Served(town=town, engine=engine, store=store)


_opened: list[Store] = []


@contextmanager
def closing_what_is_opened() -> Iterator[None]:
    """Close the stores of all nodes made within."""
    before = len(_opened)
    try:
        yield
    finally:
        while len(_opened) > before:
            _opened.pop().close()


def served(path: Path) -> Served:
    """A node that has heard the small world of this module."""
    node = empty(path, world())
    node.hears()
    return node


def world() -> Consortium:
    """Two authorities and what they say. The one node is the only signer, so that its state is noted at once."""
    keys = {role: public_of(seed_of(role)) for role in ("peer", "log", "witness", "state")}
    node = {"name": ORIGIN, "operator": A, "url": f"https://{ORIGIN}", "keys": keys}
    town = Consortium.of((A, "nonprofit"), (B, "public"), nodes=[node], signers=[ORIGIN])
    facts = {
        "url": "https://college.example/",
        "categories": ["community_college"],
        "jurisdictions": ["US-IN"],
        "also_known_as": [ALIAS],
        "ext": {"location": "Cambridge, MA, USA", "iat": 0},
    }
    town.says(A, "issuer.register", bodies.register(COLLEGE, name="College of Examples", **facts))
    town.says(B, "issuer.register", bodies.register(PORT, name="A Local Test School", categories=["bootcamp"]))
    town.says(A, "issuer.register", bodies.register(SUSPENDED, name="Suspended School"))
    town.says(A, "issuer.register", bodies.register(EXPIRED, name="Expired School"))
    scope = bodies.SCOPE | {"frameworks": [FRAMEWORK]}
    town.says(A, "accreditation.grant", bodies.grant(COLLEGE, scope=scope))
    town.says(B, "accreditation.grant", bodies.grant(PORT))
    suspended = town.says(A, "accreditation.grant", bodies.grant(SUSPENDED))
    town.says(A, "accreditation.status", bodies.event(suspended.id, "suspend", START), sub=SUSPENDED)
    town.says(A, "accreditation.grant", bodies.grant(EXPIRED, valid_until=START - 10))
    items = [{"id": COMPETENCY, "statement": "Weld a butt joint", "label": "Butt joints", "code": "W1"}]
    publish = {
        "id": FRAMEWORK,
        "title": "Welding",
        "version": "1",
        "format": "csv",
        "content_digest": bytes(32),
        "item_count": 1,
        "items_root": items_root(items),
    }
    published = town.says(A, "framework.publish", publish, sub=FRAMEWORK)
    town.says(
        A,
        "framework.items",
        {"framework": FRAMEWORK, "publish": published.id, "part": 0, "items": items},
        sub=FRAMEWORK,
    )
    friend = town.says(A, "recognition.grant", {"id": FRIEND, "name": "Friends", "actions": ["issue"]})
    town.votes(B, friend)
    town.says(A, "recognition.grant", {"id": "https://waiting.example/", "name": "Waiting", "actions": ["issue"]})
    return town


async def ask_raw(
    app: Application, method: str, target: bytes, chunks: Iterator[bytes], **headers: bytes
) -> tuple[int, bytes]:
    """A request that httpx would not send: any target, any body, read only as far as the application reads it."""
    sent: list[Any] = []
    is_whole = False
    path, _, query = target.partition(b"?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "headers": [(name.replace("_", "-").encode(), value) for name, value in headers.items()],
        "scheme": "http",
        "path": unquote_to_bytes(path).decode("latin-1"),
        "raw_path": path,
        "query_string": query,
        "server": ("node.test", 80),
        "client": ("127.0.0.1", 1),
        "root_path": "",
    }

    async def receive() -> dict[str, Any]:
        nonlocal is_whole
        if is_whole:
            await trio.sleep_forever()  # as long as nobody hangs up
        chunk = next(chunks, None)
        if chunk is None:
            is_whole = True
            return {"type": "http.request", "body": b"", "more_body": False}
        return {"type": "http.request", "body": chunk, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    assert [message["type"] for message in sent].count("http.response.start") == 1
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])
