"""A node to ask over HTTP, in this process and without waiting: the real engine and store, driven by hand.

    node = served(tmp_path)                 a small world: two authorities, four issuers, a framework, a proposal
    answer = await node.get("/v1/issuers")

Its store is closed when the test has ended, or the module for whose fixture it was made (`tests/node/conftest.py`).

Time is a number (`node.time`). The node is put together by `node.app`, as every node is; its runtime does what it is
asked at once, in the thread that asks, without tasks and ticks.
"""

from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Any, TypeVar, cast
from urllib.parse import unquote_to_bytes

import httpx
import trio

from accredit.gossip.protocol.events import PeerStatistics, Statistics, Ticked
from accredit.governance.fold import Fold
from accredit.node.app import Node, Ports, open_node
from accredit.node.clients.peer_http import Peers
from accredit.node.engine import Engine, Event, SubmissionResult, Submittable, Submitted
from accredit.node.engine.notary import Notary
from accredit.node.engine.notary_phases import SETTLED
from accredit.node.engine.quorum_state import NotedMap
from accredit.node.files.key_files import ROLES, NodeKeys
from accredit.node.http.app import Application, create_app
from accredit.node.http.facades.tokens import WebKey
from accredit.node.runtime.runtime import Runtime
from accredit.node.settings import NodeConfig
from accredit.node.storage.log_store import Store
from accredit.node.witness.server import NodeWitness
from accredit.registry.domain.frameworks import items_root
from accredit.registry.encoding.ed25519 import KeyPair, public_of
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
KEYS = {role: seed_of(role) for role in ROLES}
"""The seeds of the node's keys."""
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


def done(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    raise AssertionError("a node that is driven by hand waits for nothing")


class StoryClock:
    """Time as the story has it; nothing passes by itself."""

    def __init__(self, time: float) -> None:
        self.time = time
        self.ahead = 0.0

    def now(self) -> float:
        return self.time + self.ahead

    def monotonic(self) -> float:
        return self.time


class _Nobody:
    """Runs no task: nothing is sent, and nobody listens where the story's peers are said to be."""

    def start_soon(self, *_: Any) -> None:
        pass


class DrivenRuntime(Runtime):
    """A runtime whose work is done where it is asked for, before anybody goes on."""

    peers: tuple[PeerStatistics, ...] = ()
    is_shutting_down = False
    clock: StoryClock

    def begin(self, clock: StoryClock) -> None:
        """What `run` does first."""
        self.clock = clock
        self._nursery = cast(trio.Nursery, _Nobody())
        effects, self._effects = self._effects, []
        self._perform(effects)
        self._catch_up()

    def handle(self, event: Event) -> None:
        super().handle(event)
        self._catch_up()

    def tick(self, seconds: float) -> None:
        """An event of so many seconds later; the story's time stays as it is."""
        self.clock.ahead = seconds
        try:
            self.handle(Ticked())
        finally:
            self.clock.ahead = 0.0

    def take(self, said: Sequence[Submittable]) -> tuple[SubmissionResult, ...]:
        """Statements, in the log and folded on return."""
        token = self._next_token()
        with self._submissions.opened(token):
            self.handle(Submitted(token=token, said=tuple(said)))
            if not self._submissions.has(token):
                self.tick(1.0)  # takes what is pending
            results = done(self._submissions.answer(token))
        assert results is not None
        return results

    async def submit(self, said: Sequence[Submittable]) -> tuple[SubmissionResult, ...]:
        return self.take(said)

    @property
    def is_stopping(self) -> bool:
        return self.is_shutting_down

    def last_heard(self) -> int | None:
        return max((peer.last_heard or 0 for peer in self.peers), default=None)

    def statistics(self) -> Statistics:
        return Statistics(peers=self.peers, counters=(), waiting=0)

    def _catch_up(self) -> None:
        while True:
            try:
                job = self._jobs.receive_nowait()
            except trio.WouldBlock:
                return
            done(self._do(job))


class Served:
    """One node, put together as every node is (`node.app`). `peers`, `is_stopping` and `time` are the story's to
    change."""

    name = ORIGIN
    version = "1.2.3"

    def __init__(self, town: Consortium, node: Node, clock: StoryClock) -> None:
        self.url = f"https://{ORIGIN}"
        self.town = town
        self.runtime = cast(DrivenRuntime, node.runtime)
        self.engine: Engine = node.runtime.engine
        self.store = node.store
        self.witness = NodeWitness(  # of a log that the charter does not name
            name=self.name,
            signer=node.keys.witness,
            held=node.store,
            store=node.store,
            log_key={OTHER_LOG: public_of(seed_of(OTHER_LOG))}.get,
            clock=clock,
            run_blocking=_at_once,
        )
        self.metrics = node.reader.metrics
        self.health = node.reader.health
        self.fitness = node.runtime.fitness
        self._clock = clock
        self.runtime.begin(clock)

    @property
    def time(self) -> float:
        return self._clock.time

    @time.setter
    def time(self, time: float) -> None:
        self._clock.time = time

    @property
    def peers(self) -> tuple[PeerStatistics, ...]:
        return self.runtime.peers

    @peers.setter
    def peers(self, peers: tuple[PeerStatistics, ...]) -> None:
        self.runtime.peers = peers

    @property
    def is_stopping(self) -> bool:
        return self.runtime.is_stopping

    @is_stopping.setter
    def is_stopping(self, is_so: bool) -> None:
        self.runtime.is_shutting_down = is_so

    # What a Reader is

    @property
    def ecosystem(self) -> bytes:
        return self.store.ecosystem

    @property
    def fold(self) -> Fold:
        return self.runtime.fold

    @property
    def as_of(self) -> None:
        return None

    @property
    def conflicts(self) -> Sequence[Conflict]:
        return self.runtime.conflicts

    @property
    def delayed_keys(self) -> Sequence[bytes]:
        return self.runtime.delayed_keys

    @property
    def log(self) -> Store:
        return self.store

    @property
    def noted(self) -> NotedMap:
        return self.runtime.noted

    @property
    def notary(self) -> Notary:
        return self.runtime.notary

    @property
    def notes_undelivered(self) -> int:
        return self.runtime.notes_undelivered

    def now(self) -> int:
        return int(self.time)

    def monotonic(self) -> float:
        return self.time

    def last_heard(self) -> int | None:
        return self.runtime.last_heard()

    def statistics(self) -> Statistics:
        return self.runtime.statistics()

    # What people and other nodes tell it

    def take(self, said: Sequence[Submittable]) -> tuple[SubmissionResult, ...]:
        """Statements, in the log and folded on return."""
        return self.runtime.take(said)

    def hand(self, event: Event) -> None:
        """An event for the engine, at once."""
        self.runtime.handle(event)

    def hears(self) -> None:
        """Takes in what the town has said since."""
        raws = [statement.raw for statement in self.town.said if statement.id not in self.engine]
        for start in range(0, len(raws), 1_000):
            assert {result.status for result in self.take(raws[start : start + 1_000])} == {"logged"}
        self.notes()

    def notes(self) -> None:
        """Cosigns what it holds, as it would by itself in a quiet moment."""
        self.runtime.tick(1.0 + SETTLED / 1_000)

    # Asking it

    def app(self, **settings: Any) -> Application:
        return create_app(self, self.runtime, witness=self.witness, **{"web_key": WEB_KEY, **settings})

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
    config = NodeConfig(
        name=ORIGIN,
        ecosystem=town.eco.hex(),
        data_dir=str(path),
        heads_dir=str(path / "heads"),
        stale_after_seconds=900,
    )
    clock = StoryClock(NOW)
    ports = Ports(clock=clock, peers=cast(Peers, None), run_blocking=_at_once, random=Random(1))
    stack = ExitStack()
    node = done(open_node(config, NodeKeys.of_seeds(ORIGIN, KEYS), ports, stack, runtime=DrivenRuntime))
    _opened.append(stack)
    return Served(town, node, clock)


_opened: list[ExitStack] = []


@contextmanager
def closing_what_is_opened() -> Iterator[None]:
    """Close the files of all nodes made within."""
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
