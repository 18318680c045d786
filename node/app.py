"""Puts the parts of a node together: the only composition root.

    node = await open_node(config, keys, ports, stack)      log, engine, witness, both clients; nothing runs yet
    await nursery.start(node.runtime.run)
    app = node.application()                                what a web server serves
    run_node(config, …)                                     all of it as a process, until SIGINT or SIGTERM

The command line runs a node on a real machine (`Ports.real`); the HTTP tier of the simulations opens the same node over
simulated wires, disks and clocks, and so do the tests. They differ only in their `Ports`.

A node that the ecosystem does not know yet takes in the log of a configured node before it serves. Then it follows that
log, and gossips as soon as it is admitted. A node that the others ignore follows a log too. A founding node takes the
genesis from its file.
"""

import logging
import signal
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import trio

from accredit.gossip.protocol.config import GossipConfig
from accredit.node.ports import Progress
from accredit.registry.errors import AccreditError, BusyError, InputError, RefusedError
from accredit.registry.transparency.equivocation import Conflict
from accredit.registry.transparency.signed_note import KeyType, VerifierKey
from accredit.registry.transparency.witness import Witness

from .clients.peer_http import Peers
from .clock import Clock, SystemClock
from .faults import enduring, errors_in, last_words
from .files.key_files import NodeKeys
from .files.secret_files import read_passphrase
from .http.app import Application, create_app
from .http.explorer.frame import load_templates
from .http.facades.tokens import WebKey
from .http.forwarded import networks
from .http.serve import NodeReader, bind, serve
from .http.server import GRACE_SECONDS
from .memory import settle_memory
from .outcomes.weeks import WeeklyAnswers
from .ports import RunBlocking, in_thread
from .publication.publisher import Publisher
from .runtime.runtime import Runtime
from .settings import NodeConfig
from .storage.log_store import Store
from .storage.signing_guard import SignedHead, SignedState
from .storage.web_keys import remember_web_key
from .sync.initial_sync import Bulk
from .sync.keeping_up import KeepingUp
from .sync.verify_pool import cores
from .telemetry import configure_logging, event
from .webhooks import Webhooks
from .witness.client import Witnessing
from .witness.server import NodeWitness, log_key_of, open_held
from .workers.pool import QueryWorkers, check_workers

ShowProgress = Callable[[str], AbstractContextManager[Progress]]
"""Shows the progress of a named task for the length of a `with`."""

ReadGenesis = Callable[[Path], tuple[bytes, bytes]]
"""Reads the file of a founding: id and bytes of the genesis."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """A node's connections to the outside world.

    Attributes:
        clock: the time.
        peers: HTTP to other nodes.
        run_blocking: runs work that waits for the disk.
        random: decides with whom to gossip, and when; None: the machine's randomness.
    """

    clock: Clock
    peers: Peers
    run_blocking: RunBlocking = in_thread
    random: Random | None = None

    @classmethod
    def real(cls, config: NodeConfig) -> "Ports":
        """Return the ports of this machine."""
        return cls(
            clock=SystemClock(config.clock_offset_ms / 1_000),
            peers=Peers(timeout_seconds=config.request_timeout_ms / 1_000, outgoing=config.outgoing),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node, put together; `open_node` makes it.

    Attributes:
        reader: the data that its routes read.
        witness: the node as a witness of others' logs.
        witnessing: the client that finds witnesses for its own log.
        web_key: signs the formats of other ecosystems.
    """

    config: NodeConfig
    keys: NodeKeys
    ports: Ports
    store: Store
    runtime: Runtime
    reader: NodeReader
    witness: NodeWitness
    witnessing: Witnessing
    web_key: WebKey

    def application(self) -> Application:
        """Makes the ASGI application of this node."""
        return create_app(
            self.reader,
            self.runtime,
            witness=self.witness,
            web_key=self.web_key,
            max_body_bytes=self.config.max_body_bytes,
            submissions_per_minute=self.config.submissions_per_minute,
            proxies=networks(self.config.trusted_proxies),
            proxy_header=self.config.proxy_header,
            explorer=self.config.explorer,
        )

    def weekly_answers(self) -> WeeklyAnswers:
        """Make the counter of each week's answers."""
        return WeeklyAnswers(
            self.store,
            self.reader.metrics,
            self.ports.clock,
            self.ports.run_blocking,
            least=self.config.outcomes_least,
        )

    def webhooks(self) -> Webhooks:
        """Make the sender of webhooks that the settings ask for."""
        return Webhooks(
            self.config.webhooks,
            self.store,
            self.web_key,
            self.ports.peers,
            self.ports.clock,
            self.ports.run_blocking,
            name=self.config.name,
            ecosystem=self.store.ecosystem,
        )


async def open_node(
    config: NodeConfig,
    keys: NodeKeys,
    ports: Ports,
    stack: ExitStack,
    *,
    gossip: GossipConfig | None = None,
    runtime: type[Runtime] = Runtime,
    workers: int = 1,
    loaded: Progress | None = None,
    bulk: Bulk | None = None,
    on_conflict: Callable[[Conflict], None] | None = None,
) -> Node:
    """Opens a node's files, verifies and folds its log, and connects its parts. Nothing runs yet.

    Args:
        stack: closes the files at the end.
        gossip: replaces the gossip settings.
        runtime: the class of the shell around the engine.
        workers: processes that check signatures of the stored log; 1: this one does.
        loaded: is told the progress of that check.
        bulk: takes in another node's log, if this one has not signed its own yet or is not a member.
        on_conflict: is told, before the runtime, of proof that a key contradicted itself.

    Raises:
        InputError: `no_ecosystem`.
        StorageError: as `Store.open` and `Runtime.open`.
    """
    store = stack.enter_context(Store.open(config.database, ecosystem=config.ecosystem_id, origin=config.name))
    running = await runtime.open(
        store=store,
        head=SignedHead(config.signed_head),
        state=SignedState(config.signed_state),
        keys=keys,
        peers=ports.peers,
        clock=ports.clock,
        random=ports.random,
        tick=config.tick_ms,
        gossip=gossip or gossip_of(config),
        run_blocking=ports.run_blocking,
        progress=loaded,
        workers=workers,
        bulk=bulk,
    )

    def found(conflict: Conflict) -> None:
        if on_conflict is not None:
            on_conflict(conflict)
        running.found(conflict)

    witness = NodeWitness(
        name=keys.name,
        signer=keys.witness,
        held=stack.enter_context(open_held(config.witnessed, store)),
        store=store,
        log_key=partial(log_key_of, running.fold),
        clock=ports.clock,
        run_blocking=ports.run_blocking,
        on_conflict=found,
    )
    witnessing = Witnessing(
        running,
        log=VerifierKey(name=keys.name, type=KeyType.ED25519, public=keys.log.public_key),
        transport=ports.peers,
        clock=ports.clock,
        outside=[Witness.decode(line) for line in config.witnesses],
        on_conflict=found,
    )
    return Node(
        config=config,
        keys=keys,
        ports=ports,
        store=store,
        runtime=running,
        reader=NodeReader(running, config, ports.clock, witnessing.alarms, keys.publics()),
        witness=witness,
        witnessing=witnessing,
        web_key=WebKey(keys.web, remember_web_key(store, keys.web.public_key, int(ports.clock.now()))),
    )


def gossip_of(config: NodeConfig) -> GossipConfig:
    """Return the gossip settings among a node's settings."""
    return GossipConfig(
        heartbeat=config.heartbeat_ms,
        root_interval=config.reconcile_ms,
        answer=config.request_timeout_ms,
        pinned=config.pinned,
        outbound_only=config.outbound_only,
    )


def run_node(
    config: NodeConfig,
    *,
    read_genesis: ReadGenesis,
    ready: Callable[[str], None] = lambda _url: None,
    shown: ShowProgress = lambda _what: nullcontext(lambda _done, _size: None),
) -> None:
    """Run a node until it is told to stop; submitters that wait for the next append get their answer first.

    Args:
        read_genesis: reads the file that founds the ecosystem, where the log is still empty.
        ready: called with the URL it listens on, once it answers.
        shown: shows how far loading is.

    Raises:
        InputError: the configuration does not suffice, the port is taken, the keys cannot be opened.
        StorageError: the database is not this node's, is damaged, or cannot be written.
    """
    configure_logging(config.log_format, config.log_level)
    try:
        trio.run(partial(_main, config, read_genesis, ready, shown), strict_exception_groups=True)
    except BaseExceptionGroup as group:
        raise first_error(group) from group


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return accredit's own error among those that ended the node together; else the first.

    A `BusyError` is told to those who still wait for a node that ends, and is no reason for its end.
    """
    leaves = errors_in(group)
    causes = [error for error in leaves if not isinstance(error, BusyError)] or leaves
    return next((error for error in causes if isinstance(error, AccreditError)), causes[0])


async def _main(
    config: NodeConfig, read_genesis: ReadGenesis, ready: Callable[[str], None], shown: ShowProgress
) -> None:
    passphrase = read_passphrase(Path(config.keys_passphrase_file)) if config.keys_passphrase_file else None
    keys = NodeKeys.load(config.keys, passphrase)
    if keys.name != config.name:
        raise InputError(
            "other_node",
            f"{config.keys} holds the keys of {keys.name}, not of {config.name}.",
            hint="Check the setting keys_file.",
        )
    with ExitStack() as stack:
        check_workers(config)
        publisher = Publisher(config) if config.publish_to else None
        # Do this first, so that a port in use is reported before other work begins.
        sock = stack.enter_context(bind(config))
        ports = Ports.real(config)
        try:
            node = await _open_unless_stopped(config, keys, ports, stack, shown)
            if node is None:
                return
            runtime, stopping = node.runtime, trio.Event()
            async with trio.open_nursery() as around:
                await around.start(_obey_signals, stopping, around.cancel_scope)
                async with trio.open_nursery() as nursery:
                    await nursery.start(_vital, runtime.run)
                    await _begin(runtime, config, read_genesis)
                    app = node.application()
                    workers = None
                    if config.query_workers:
                        reader = node.reader
                        workers = QueryWorkers(
                            config, sock, app, health=reader.health, tend=node.store.take_up, metrics=reader.metrics
                        )
                        nursery.start_soon(enduring, _log, "the query workers", workers.run)
                    serving = partial(serve, app, config, sock=sock, workers=workers, shutdown=stopping.wait)
                    url = await nursery.start(_vital, serving)
                    begin = [peer.url for peer in config.peers]
                    keeping_up = KeepingUp(runtime, ports.peers, ports.clock, name=config.name, begin=begin)
                    beside: dict[str, Callable[[], Awaitable[None]]] = {
                        "gathering cosignatures": node.witnessing.run,
                        "reading other nodes' logs": keeping_up.run,
                        "sending webhooks": node.webhooks().run,
                        "counting answers": node.weekly_answers().run,
                        **({} if publisher is None else {"publishing": publisher.run}),
                        **({"loading pages": partial(ports.run_blocking, load_templates)} if config.explorer else {}),
                    }
                    for what, work in beside.items():
                        around.start_soon(enduring, _log, what, work)
                    settle_memory()
                    ready(url)
                    await stopping.wait()
                    node.witnessing.stop()
                    await runtime.stop()
                    nursery.cancel_scope.deadline = trio.current_time() + GRACE_SECONDS + 1.0
                around.cancel_scope.cancel()
            event(_log, logging.INFO, "stopped", size=node.store.size())
        except BaseExceptionGroup as group:
            event(_log, logging.CRITICAL, "ended by an error", reason=str(first_error(group)))
            raise
        finally:
            with trio.CancelScope(shield=True):
                await ports.peers.aclose()


async def _vital(
    work: Callable[..., Awaitable[None]], *, task_status: trio.TaskStatus[Any] = trio.TASK_STATUS_IGNORED
) -> None:
    """Do what the node cannot be without: it ends with this, and says why at once."""
    with last_words(_log, "this node ends"):
        await work(task_status=task_status)


async def _open_unless_stopped(
    config: NodeConfig, keys: NodeKeys, ports: Ports, stack: ExitStack, shown: ShowProgress
) -> Node | None:
    """Open the node with its log, after taking in another's if it is new; None if it was told to stop before the
    end."""
    node = None
    workers = config.ingest_workers or cores()
    with shown("Loading the log") as loaded, shown("Reading in the log") as taken:
        async with trio.open_nursery() as nursery:
            stopping = trio.Event()
            nursery.start_soon(_stop_at, stopping, nursery.cancel_scope)
            await nursery.start(_obey_signals, stopping, nursery.cancel_scope)
            bulk = Bulk(ports.peers, [peer.url for peer in config.peers], workers=workers, progress=taken)
            node = await open_node(config, keys, ports, stack, workers=workers, loaded=loaded, bulk=bulk)
            nursery.cancel_scope.cancel()
    if node is None:
        event(_log, logging.INFO, "stopped before it was ready; the next start continues from here")
    return node


async def _stop_at(stopping: trio.Event, everything: trio.CancelScope) -> None:
    await stopping.wait()
    everything.cancel()


async def _obey_signals(
    stopping: trio.Event, everything: trio.CancelScope, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Stop gracefully at the first signal, at once at a second; neither loses an acknowledged statement."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for number in signals:
            event(_log, logging.INFO, "stopping", signal=signal.Signals(number).name, at_once=stopping.is_set())
            if stopping.is_set():
                everything.cancel()
            stopping.set()


async def _begin(runtime: Runtime, config: NodeConfig, read_genesis: ReadGenesis) -> None:
    """Log the genesis from its file, if the log is empty; a node without the file gets it from a peer."""
    if runtime.engine.size:
        return
    if config.genesis_file:
        id, raw = read_genesis(Path(config.genesis_file))
        if id != config.ecosystem_id:
            raise RefusedError(
                "other_ecosystem",
                f"{config.genesis_file} founds {id.hex()[:12]}, not {config.ecosystem[:12]}.",
                hint="Install the right genesis with accredit node genesis.",
            )
        await runtime.submit([raw])
    elif not config.peers:
        raise InputError(
            "no_genesis",
            "This node has neither the genesis of its ecosystem nor a peer to get it from.",
            hint="Run accredit node genesis, or add peers to the configuration.",
        )
