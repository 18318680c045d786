"""One whole running node, put together from a configuration: keys, database, engine, peers, HTTP, signals.

    run_node(config)      until SIGINT or SIGTERM; what waits for the next append gets its answer first

A node that the ecosystem does not know yet takes in the log of a node it was told to begin with, before it serves; then
it reads along, and gossips as soon as it is admitted. A founding node takes the genesis from its file.
"""

import logging
import signal
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

import trio

from accredit.cli.base.progress import shown
from accredit.gossip.config import GossipConfig
from accredit.node.clients.peer_http import Peers
from accredit.node.clock import SystemClock
from accredit.node.http.serve import GRACE_SECONDS, bind, serve
from accredit.node.key_files import NodeKeys, read_passphrase
from accredit.node.runtime.runtime import Runtime
from accredit.node.settings import NodeConfig
from accredit.node.storage.log_store import Store
from accredit.node.storage.signing_guard import SignedHead, SignedState
from accredit.node.sync.initial_sync import Bulk
from accredit.node.sync.log_follower import join
from accredit.node.sync.verify_pool import cores
from accredit.node.telemetry import configure_logging, event
from accredit.node.witness.client import Witnessing
from accredit.node.witness.server import NodeWitness, log_key_of, open_held
from accredit.registry.encoding.ed25519 import public_of
from accredit.registry.errors import AccreditError, InputError, RefusedError, RemoteError
from accredit.registry.transparency.signed_note import KeyType, VerifierKey
from accredit.registry.transparency.witness import Witness

HEAD_FILE: Final = "log.json"
STATE_FILE: Final = "state.json"
WITNESS_FILE: Final = "witness.sqlite"

JOIN_BY: Final = 2
"""Nodes whose logs a newcomer reads: one could withhold something, or be down."""

_log = logging.getLogger(__name__)


def head_path(config: NodeConfig) -> Path:
    """Where the last signed head of the node's log is kept."""
    return config.heads / HEAD_FILE


def state_path(config: NodeConfig) -> Path:
    """Where the state that the node cosigned last is kept."""
    return config.heads / STATE_FILE


def witness_path(config: NodeConfig) -> Path:
    """Where the node keeps what it has cosigned as a witness."""
    return config.heads / WITNESS_FILE


def gossip_of(config: NodeConfig) -> GossipConfig:
    """What of a node's settings concerns gossip."""
    return GossipConfig(
        heartbeat=config.heartbeat_ms,
        root_interval=config.reconcile_ms,
        answer=config.request_timeout_ms,
        pinned=config.pinned,
        outbound_only=config.outbound_only,
    )


def run_node(config: NodeConfig, ready: Callable[[str], None] = lambda _url: None) -> None:
    """Runs a node until it is told to stop.

    Args:
        ready: called with the URL it listens on, once it answers.

    Raises:
        InputError: the configuration does not suffice, the port is taken, the keys cannot be opened.
        StorageError: the database is not this node's, is damaged, or cannot be written.
    """
    configure_logging(config.log_format, config.log_level)
    try:
        trio.run(partial(_main, config, ready), strict_exception_groups=True)
    except BaseExceptionGroup as group:
        raise first_error(group) from group


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error of ours among those that ended the node together; else the first."""
    leaves: list[BaseException] = []
    pending: list[BaseException] = [group]
    while pending:
        error = pending.pop(0)
        if isinstance(error, BaseExceptionGroup):
            pending = [*error.exceptions, *pending]
        else:
            leaves.append(error)
    return next((error for error in leaves if isinstance(error, AccreditError)), leaves[0])


async def _main(config: NodeConfig, ready: Callable[[str], None]) -> None:
    clock = SystemClock(config.clock_offset_ms / 1_000)
    passphrase = read_passphrase(Path(config.keys_passphrase_file)) if config.keys_passphrase_file else None
    keys = NodeKeys.load(config.keys, passphrase)
    if keys.name != config.name:
        raise InputError(
            "other_node", f"{config.keys} has the keys of {keys.name}, not of {config.name}.", hint="Check keys_file."
        )
    with ExitStack() as stack:
        # First of all, so that a port in use is said before anything else begins.
        sock = stack.enter_context(bind(config))
        store = stack.enter_context(Store.open(config.database, ecosystem=config.ecosystem_id, origin=config.name))
        peers = Peers(timeout_seconds=config.request_timeout_ms / 1_000, proxy=config.proxy)
        runtime = await _open_unless_stopped(config, store, keys, peers, clock)
        if runtime is None:
            await peers.aclose()
            return
        witness = NodeWitness(
            name=keys.name,
            seed=keys.witness,
            held=stack.enter_context(open_held(witness_path(config), store)),
            store=store,
            log_key=partial(log_key_of, runtime.fold),
            clock=clock,
            on_conflict=runtime.found,
        )
        witnessing = Witnessing(
            runtime,
            log=VerifierKey(name=keys.name, type=KeyType.ED25519, public=public_of(keys.log)),
            transport=peers,
            clock=clock,
            outside=[Witness.decode(line) for line in config.witnesses],
            on_conflict=runtime.found,
        )
        stopping = trio.Event()
        try:
            async with trio.open_nursery() as around:
                await around.start(_obey_signals, stopping, around.cancel_scope)
                async with trio.open_nursery() as nursery:
                    await nursery.start(runtime.run)
                    await _begin(runtime, config)
                    serving = partial(
                        serve,
                        runtime,
                        config,
                        sock=sock,
                        clock=clock,
                        shutdown=stopping.wait,
                        witness=witness,
                        alarms=witnessing.alarms,
                    )
                    url = await nursery.start(serving)
                    around.start_soon(witnessing.run)
                    if not runtime.engine.is_member:
                        for peer in config.peers[:JOIN_BY]:
                            around.start_soon(_read_along, runtime, peers, peer.url)
                    ready(url)
                    await stopping.wait()
                    witnessing.stop()
                    await runtime.stop()
                    nursery.cancel_scope.deadline = trio.current_time() + GRACE_SECONDS + 1.0
                around.cancel_scope.cancel()
            event(_log, logging.INFO, "stopped", size=store.size())
        finally:
            with trio.CancelScope(shield=True):
                await peers.aclose()


async def _open_unless_stopped(
    config: NodeConfig, store: Store, keys: NodeKeys, peers: Peers, clock: SystemClock
) -> Runtime | None:
    """The node with its log, another's taken in if it is new; None if it was told to stop before that was done."""
    runtime = None
    workers = config.ingest_workers or cores()
    with shown("Loading the log", config.log_format) as loaded, shown("Taking in the log", config.log_format) as taken:
        async with trio.open_nursery() as nursery:
            stopping = trio.Event()
            nursery.start_soon(_stop_at, stopping, nursery.cancel_scope)
            await nursery.start(_obey_signals, stopping, nursery.cancel_scope)
            runtime = await Runtime.open(
                store=store,
                head=SignedHead(head_path(config)),
                state=SignedState(state_path(config)),
                keys=keys,
                peers=peers,
                clock=clock,
                tick=config.tick_ms,
                gossip=gossip_of(config),
                progress=loaded,
                workers=workers,
                bulk=Bulk(peers, [peer.url for peer in config.peers], workers=workers, progress=taken),
            )
            nursery.cancel_scope.cancel()
    if runtime is None:
        event(_log, logging.INFO, "stopped before it was ready; the next start goes on from here", size=store.size())
    return runtime


async def _stop_at(stopping: trio.Event, everything: trio.CancelScope) -> None:
    await stopping.wait()
    everything.cancel()


async def _obey_signals(
    stopping: trio.Event, everything: trio.CancelScope, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """The first signal asks to stop, with grace; a second one does not wait. Nothing answered is lost by either."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for number in signals:
            event(_log, logging.INFO, "stopping", signal=signal.Signals(number).name, at_once=stopping.is_set())
            if stopping.is_set():
                everything.cancel()
            stopping.set()


async def _begin(runtime: Runtime, config: NodeConfig) -> None:
    """The genesis into an empty log, from its file; a node without one gets it from a peer."""
    if runtime.engine.size:
        return
    if config.genesis_file:
        from .ceremony import genesis_statement

        said, raw = genesis_statement(Path(config.genesis_file))
        if said.id != config.ecosystem_id:
            raise RefusedError(
                "other_ecosystem",
                f"{config.genesis_file} founds {said.id.hex()[:12]}, not {config.ecosystem[:12]}.",
                hint="accredit node genesis puts the right one in place.",
            )
        await runtime.submit([raw])
    elif not config.peers:
        raise InputError(
            "no_genesis",
            "This node has neither the genesis of its ecosystem nor a peer to get it from.",
            hint="Run accredit node genesis, or add peers to the configuration.",
        )


async def _read_along(runtime: Runtime, peers: Peers, url: str) -> None:
    """Reads another node's log until this one is a member."""
    try:
        await join(runtime, peers, url)
    except (RefusedError, RemoteError) as error:
        event(_log, logging.ERROR, "cannot join", url=url, code=error.code, reason=error.message)
