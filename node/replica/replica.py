"""Runs a replica: it fetches, verifies and serves a state, holds no key, and need not trust its sources.

    replica = Replica(policy, places, clock=SystemClock(), remember=…)
    await replica.refresh()                 asks every place once, and takes the newest state that stands
    app = replica.application()             the routes of a node that read records, and no others

Each place is a node or a store of published files. A state counts if a quorum of the policy's signers vouches for it
and it is not older than the last verified one; otherwise this is logged, and the next place is asked.

Once the newest note is older than the policy allows, every question is answered by 503 with Retry-After, and so is
`/readyz`: a balancer then asks another replica. Until then each answer says how old the state is
(`accredit-state-age`, seconds).
"""

import logging
import socket
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import trio

from accredit.governance.fold import Fold
from accredit.node.clients.outgoing import NOTHING_SET, Outgoing
from accredit.node.clients.store_reading import fetch_snapshot
from accredit.node.clock import Clock
from accredit.node.faults import outliving
from accredit.node.http.app import Application, create_app
from accredit.node.http.exchange import AsgiMessage, AsgiReceive, AsgiScope, AsgiSend
from accredit.node.http.problems import problem_of, problem_response
from accredit.node.http.serve import serve
from accredit.node.memory import settle_memory
from accredit.node.runtime.health import VERSION
from accredit.node.settings import NodeConfig
from accredit.node.storage.log_reader import Reader as LogReader
from accredit.node.telemetry import Metrics, event
from accredit.registry.encoding.rfc3339 import text
from accredit.registry.errors import AccreditError, InputError, NotYetError, RemoteError
from accredit.registry.evidence.snapshot import Snapshot
from accredit.registry.evidence.trust_policy import TrustPolicy
from accredit.registry.transparency.equivocation import Conflict
from accredit.registry.transparency.state_note import StateNote

from .served_state import ServedState

REFRESH_SECONDS: Final = 15
"""Seconds between two rounds; signers make a new note every minute. A guess."""

PATIENCE_SECONDS: Final = 20.0
"""Seconds for one place while others wait: more than any delta takes. A guess."""

PATHS: Final = frozenset(
    {
        "/authorization",
        "/recognition",
        "/trqp/profile",
        "/v1/decisions",
        "/v1/snapshot",
        "/v1/issuers/by-prefix/{hex}",
        "/v1/competencies/by-prefix/{hex}",
        "/v1/state-note",
        "/healthz",
        "/readyz",
        "/metrics",
    }
)
"""The routes of a node that need only records and their proofs."""

ALWAYS: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""The routes that answer however old the state is."""

_log = logging.getLogger(__name__)


class Replica:
    """See the module; also the `node_ports.ReadableNode` and `Health` of its routes.

    Args:
        policy: the trust policy for verification. places: nodes and stores, asked in this order.
        remember: is told of each verified state, so that a restart does not go back behind it.

    Attributes:
        name, url, version, ecosystem, metrics: as of a node.
    """

    def __init__(
        self,
        policy: TrustPolicy,
        places: Sequence[str],
        *,
        clock: Clock,
        outgoing: Outgoing = NOTHING_SET,
        remember: Callable[[StateNote], None] = lambda _state: None,
    ) -> None:
        self._policy = policy
        self._places = tuple(places)
        self._clock = clock
        self._outgoing = outgoing
        self._remember = remember
        self._held: Snapshot | None = None
        self._served: ServedState | None = None
        self._begun: dict[str, _Fetching] = {}
        self._slow: set[str] = set()
        self._records: Fold = Fold(policy.ecosystem)
        self.name = "replica"
        self.url = ""
        self.version = VERSION
        self.ecosystem = policy.ecosystem
        self.metrics = Metrics()
        self.health = self

    def application(self) -> "ReplicaApplication":
        """Make the ASGI application."""
        return ReplicaApplication(self, create_app(self, explorer=False, paths=PATHS))

    async def refresh(self) -> dict[str, AccreditError]:
        """Ask every place once; in a thread, while what is served stays as it is.

        A slow place does not delay the others: its state is taken in a later round, once it has arrived.

        Returns:
            The places without a good state, each with the reason.
        """
        failed: dict[str, AccreditError] = {}
        for place in self._places:
            with outliving(_log, "a fetch was given up", source=place):
                try:
                    held = await self._ask(place)
                except AccreditError as error:
                    failed[place] = error
                    event(_log, logging.WARNING, "nothing taken", source=place, code=error.code, reason=error.message)
                    continue
                await self._take(held)
        return failed

    async def _ask(self, place: str) -> Snapshot:
        """What a place has, verified. Where there are others, it is not waited for longer than `PATIENCE_SECONDS`."""

        def tell(sentence: str) -> None:
            event(_log, logging.WARNING, "fetched in another way", source=place, reason=sentence)

        begun = self._begun.get(place)
        if begun is None:
            # An update changes the snapshot in place, so a place that may be abandoned does not get one.
            lent, self._held = (None, self._held) if place in self._slow else (self._held, None)
            work = partial(fetch_snapshot, place, lent, self._policy, self.now(), outgoing=self._outgoing, tell=tell)
            begun = self._begun[place] = _Fetching(work)
            with trio.move_on_after(PATIENCE_SECONDS if len(self._places) > 1 else float("inf")):
                await trio.to_thread.run_sync(begun.run, abandon_on_cancel=True)
            if begun.has_left_all_whole and lent is not None:
                self._held = lent
        if not begun.is_done:
            self._slow.add(place)
            raise RemoteError("slow_source", f"{place} has not answered yet; others are asked meanwhile.")
        del self._begun[place]
        return begun.result()

    async def _take(self, held: Snapshot) -> None:
        """Serve what was verified, if it is newer than what is served."""
        before = self._served
        state = held.noted.state
        if before is not None and state != before.state and state.count <= before.state.count:
            return  # it was asked for before what is served was there
        self._held, self._policy = held, self._policy.remember(state)
        if before is None:
            served = await trio.to_thread.run_sync(ServedState.of, held)
        elif (state.count, held.noted.since) > (before.state.count, before.noted.since):
            served = await trio.to_thread.run_sync(before.followed_by, held)
        else:
            return
        self._served, self._records = served, served.records(self._policy.charter)
        self._remember(served.state)

    # ------------------------------------------------------------------------------------- what its routes read

    @property
    def fold(self) -> Fold:
        """The records."""
        return self._records

    @property
    def as_of(self) -> Fold:
        """The records themselves: each state has its own, which never change."""
        return self._records

    @property
    def noted(self) -> ServedState:
        """The state that is served.

        Raises:
            NotYetError: `stale_view`: there is none yet.
        """
        if self._served is None:
            raise NotYetError("stale_view", self.stale() or "", hint="Ask again in a moment, or another replica.")
        return self._served

    @property
    def notary(self) -> Any:
        """Nobody cosigns here.

        Raises:
            InputError: always.
        """
        raise _of_nodes()

    @property
    def conflicts(self) -> Sequence[Conflict]:
        """A replica keeps none.

        Raises:
            InputError: always.
        """
        raise _of_nodes()

    @property
    def log(self) -> LogReader:
        """A replica has no log.

        Raises:
            InputError: always.
        """
        raise _of_nodes()

    def now(self) -> int:
        """Seconds since 1970."""
        return int(self._clock.now())

    def age(self) -> int | None:
        """Return how long ago a quorum vouched for the served state, seconds; None before the first state."""
        return None if self._served is None else max(0, self.now() - self._served.noted.since)

    def stale(self) -> str | None:
        """Return a sentence if questions about now cannot be answered; else None."""
        age, now = self.age(), self.now()
        if self._served is None or age is None:
            return "This replica has not verified any state yet."
        if now >= self._policy.expires:
            return f"This replica's trust policy expired on {text(self._policy.expires)}."
        if age > self._policy.max_age:
            since = text(self._served.noted.since)
            return f"This replica's state was last vouched for at {since}, longer ago than its policy allows."
        return None

    def obstacles(self) -> Sequence[str]:
        """Why it is not to be asked."""
        stale = self.stale()
        return [] if stale is None else [stale]

    def displaced(self) -> str | None:
        """Nobody listens to a replica."""
        return None

    def status(self) -> Mapping[str, Any]:
        """A replica is no node.

        Raises:
            InputError: always.
        """
        raise _of_nodes()

    def measure(self) -> None:
        """Brings the gauges up to date."""
        age = self.age()
        self.metrics.note_age_seconds.set(float("nan") if age is None else age)
        self.metrics.ready.set(self.stale() is None)


class _Fetching:
    """A fetch from a place, in a thread that may be abandoned."""

    def __init__(self, work: Callable[[], tuple[Snapshot, str]]) -> None:
        self._work = work
        self._found: Snapshot | Exception | None = None

    @property
    def is_done(self) -> bool:
        """Whether it has ended, well or not."""
        return self._found is not None

    @property
    def has_left_all_whole(self) -> bool:
        """Whether it has ended, and changed a snapshot that it was lent completely or not at all."""
        return isinstance(self._found, Snapshot | AccreditError)

    def run(self) -> None:
        """Fetch."""
        try:
            self._found = self._work()[0]
        except Exception as error:  # else it would never be done, and its place never asked again
            self._found = error

    def result(self) -> Snapshot:
        """What was fetched.

        Raises:
            AccreditError: what fetching raised; anything else: a fault in this program.
        """
        assert self._found is not None, "it is done"
        if isinstance(self._found, Exception):
            raise self._found
        return self._found


class ReplicaApplication:
    """The routes; each answer tells the age of the state, or that it is too old."""

    def __init__(self, replica: Replica, routes: Application) -> None:
        self._replica = replica
        self._routes = routes

    async def __call__(self, scope: AsgiScope, receive: AsgiReceive, send: AsgiSend) -> None:
        """See ASGI."""
        age = self._replica.age()
        headers = [] if age is None else [(b"accredit-state-age", str(age).encode())]

        async def send_with_age(message: AsgiMessage) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *headers]}
            await send(message)

        stale = self._replica.stale()
        if stale is None or scope["type"] != "http" or scope["path"] in ALWAYS:
            await self._routes(scope, receive, send_with_age)
            return
        problem = problem_of(NotYetError("stale_view", stale, hint="Ask another replica, or this one in a moment."))
        await problem_response(problem)(scope, receive, send_with_age)


def _of_nodes() -> InputError:
    return InputError("read_only", "this is a replica, which answers only questions.", hint="Ask a node.")


async def run_replica(
    replica: Replica,
    config: NodeConfig,
    *,
    sock: socket.socket,
    ready: Callable[[str], None],
    every: float = REFRESH_SECONDS,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve, and refresh every so many seconds, until cancelled.

    Args:
        config: address and limits of the server.
    """
    with outliving(_log, "a refresh was given up"):
        await replica.refresh()
    async with trio.open_nursery() as nursery:
        url = await nursery.start(partial(serve, replica.application(), config, sock=sock))
        settle_memory()
        ready(url)
        task_status.started()
        while True:
            await trio.sleep(every)
            with outliving(_log, "a refresh was given up"):
                await replica.refresh()
