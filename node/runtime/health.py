"""The health of a running node: `/v1/status`, `/readyz`, `/metrics`, and whether its view is too old for answers.

A node is *ready* when the genesis is in effect, its newest checkpoint covers its log, it is not shutting down, it is
fit (`fitness`: it can store statements, and its key has not signed another history), it still owns its name (it was
neither retired nor replaced), and it has caught up: if there are other nodes, one was heard recently, and none is known
to be far ahead. Its view is *stale*, so that it may not know of revocations, when all other nodes have been silent for
`stale_after_seconds`, when it cannot store their statements, or when its name belongs to another node, so that they
ignore it. In the last case it also accepts no statements, because they would reach nobody.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from typing import Any, Final, Protocol

from accredit.gossip.protocol.events import PeerStatistics, Statistics
from accredit.governance.fold import Fold
from accredit.node.clock import Clock
from accredit.node.engine.notary import Notary
from accredit.node.engine.notary_events import SignerView
from accredit.node.faults import outlived
from accredit.node.settings import NodeConfig
from accredit.node.storage.log_reader import Reader as LogReader
from accredit.node.telemetry import Metrics
from accredit.registry.domain.records import FOLD_VERSION, node_in
from accredit.registry.transparency.equivocation import Conflict
from accredit.registry.transparency.state_note import quorum

from .equivocations import alarm
from .fitness import Fitness

UNSIGNED_SECONDS: Final = 10.0
"""Seconds for which entries may wait for a checkpoint before that is an obstacle; a healthy node signs at each
append."""

BEHIND: Final = 1_000
"""Unread entries of a peer's log in a node that counts as caught up: one page of requests."""


class RunningNode(Protocol):
    """The part of `node.runtime.runtime.Runtime` that health reads."""

    @property
    def fold(self) -> Fold:
        """Records and standings."""
        ...

    @property
    def is_stopping(self) -> bool:
        """Whether new submissions are refused because the node shuts down."""
        ...

    @property
    def notary(self) -> Notary:
        """Which state a quorum stands by, and who is missing."""
        ...

    @property
    def notes_undelivered(self) -> int:
        """How many cosigned notes another node did not take."""
        ...

    @property
    def conflicts(self) -> Sequence[Conflict]:
        """Proof that nodes contradicted themselves."""
        ...

    @property
    def delayed_keys(self) -> Sequence[bytes]:
        """See `node.engine.Engine.delayed_keys`."""
        ...

    @property
    def fitness(self) -> Fitness:
        """What makes it unfit."""
        ...

    def last_heard(self) -> int | None:
        """When any other node was, ms since 1970; 0 for never, None where there are no others."""
        ...

    def statistics(self) -> Statistics:
        """What gossip has seen."""
        ...


class NodeHealth:
    """`node.http.handling.node_ports.Health` of a running node.

    Args:
        running: the node.
        log: its database.
        config: its settings.
        clock: the machine's.
        metrics: its figures.
        alarms: other alarms for a person, such as those of witnesses.
        publics: its own public keys by role; empty where they are not known.
    """

    def __init__(
        self,
        running: RunningNode,
        log: LogReader,
        config: NodeConfig,
        clock: Clock,
        metrics: Metrics,
        alarms: Callable[[], Sequence[str]] = tuple,
        publics: Mapping[str, bytes] | None = None,
    ) -> None:
        self._publics = dict(publics or {})
        self._running = running
        self._log = log
        self._config = config
        self._clock = clock
        self._metrics = metrics
        self._others = alarms
        self._started = clock.monotonic()
        self._started_at = clock.now()
        self._unsigned_since: float | None = None
        self._counted: Counter[str] = Counter()
        self._outlived = Counter(outlived)  # of the process, before this node

    def status(self) -> dict[str, Any]:
        """See `node.http.routes.operations.NodeStatus`; bytes and seconds as inside."""
        fold, signed = self._running.fold, self._log.checkpoint()
        return {
            "name": self._config.name,
            "ecosystem": self._log.ecosystem,
            "size": self._log.size(),
            "checkpoint_size": 0 if signed is None else signed[0],
            "state_root": fold.state_root(),
            "records_root": fold.records_root(),
            "statements_root": fold.statements_root(),
            "statements": fold.committed_count(),
            "state_note": self._state_note(),
            "peers": [_peer_view(peer) for peer in self._running.statistics().peers],
            "alarms": self._alarms(),
            "uptime": round(self._clock.monotonic() - self._started, 3),
            "version": VERSION,
        }

    def obstacles(self) -> list[str]:
        """Why the node is not ready, each a sentence."""
        found = []
        if self._running.is_stopping:
            found.append("The node is shutting down.")
        if self._running.fold.charter is None:
            found.append("The ecosystem's genesis is not in effect here yet.")
        if self._is_unsigned():
            found.append("The newest checkpoint does not cover the log: the node cannot sign.")
        found += self._running.fitness.obstacles()
        found += self._strandings()
        peers = self._running.statistics().peers
        if peers and all(peer.last_heard is None for peer in peers):
            found.append("No other node has been heard from since the start.")
        elif (silent := self._silent()) is not None:
            found.append(silent)
        behind = max((peer.behind for peer in peers), default=0)
        if behind > BEHIND:
            found.append(f"{behind} entries of another node's log have not been read yet.")
        return found

    def displaced(self) -> str | None:
        """Return why the node no longer owns its name, so that the other nodes ignore it."""
        record = node_in(self._running.fold, self._config.name)
        if record is None:
            return None
        if record["retired"] is not None:
            return (
                f"This node was retired (statement {record['retired'].hex()[:12]}): the other nodes now ignore it "
                "and send it nothing."
            )
        if self._publics and record["keys"] != self._publics:
            return (
                f"The name {self._config.name} now belongs to other keys, of {record['operator']} at {record['url']} "
                f"(statement {record['statement'].hex()[:12]}): the other nodes ignore this node and send it nothing."
            )
        return None

    def _strandings(self) -> list[str]:
        """Return the alarm that it is displaced, with what its operator must do."""
        displaced = self.displaced()
        if displaced is None:
            return []
        return [
            f"{displaced} Send the statements that only it holds to another node (accredit submit --from-node URL), "
            "then stop it. A node that is to take this name must wait until accredit node replace is approved."
        ]

    def _misplaced(self) -> list[str]:
        """Return the alarm that the registry has another address for this node than its settings.

        A displaced node gets none: the address is that of its successor and must not be changed.
        """
        record, url = node_in(self._running.fold, self._config.name), self._config.public_url.rstrip("/")
        if record is None or self.displaced() is not None or not url or record["url"].rstrip("/") == url:
            return []
        return [
            f"public_url is {url}, but the registry has {record['url']}, where other nodes look for it. Set "
            f"public_url back, or change the registry: accredit node replace {self._config.name} --url {url}"
        ]

    def _impostors(self) -> list[str]:
        """Return alarms about peers whose key in the settings differs from the registry's."""
        known = {node["url"].rstrip("/"): node["keys"]["peer"].hex() for node in self._running.fold.nodes()}
        return [
            f"peers has the key {peer.key[:12]} for {peer.url}, but the registry has {key[:12]}: that node was "
            "replaced, or is not the one you mean. Correct this entry of peers, or remove it."
            for peer in self._config.peers
            if (key := known.get(peer.url.rstrip("/"), peer.key)) != peer.key
        ]

    def stale(self) -> str | None:
        """Why the view is too old, or None."""
        return self._running.fitness.outdated() or self.displaced() or self._silent()

    def _silent(self) -> str | None:
        last = self._running.last_heard()
        if last is None:
            return None
        heard = last / 1_000
        silent = self._clock.now() - max(heard, self._started_at)
        if silent <= self._config.stale_after_seconds:
            return None
        return (
            f"This node has not heard from another node for {silent:.0f} seconds, "
            "so it may not know of recent revocations."
        )

    def measure(self) -> None:
        """Brings the gauges up to date."""
        signed, statistics = self._log.checkpoint(), self._running.statistics()
        self._metrics.log_entries.set(self._log.size())
        self._metrics.checkpoint_entries.set(0 if signed is None else signed[0])
        heard = sum(peer.last_heard is not None and not peer.failures for peer in statistics.peers)
        self._metrics.peers.labels("heard").set(heard)
        self._metrics.peers.labels("silent").set(len(statistics.peers) - heard)
        self._metrics.waiting.set(statistics.waiting)
        self._metrics.alarms.set(len(self._alarms()))
        self._metrics.conflicts.set(len(self._running.conflicts))
        note = self._state_note()
        if note is not None:
            self._metrics.note_age_seconds.set(float("nan") if note["age_seconds"] is None else note["age_seconds"])
            self._metrics.signers_missing.set(len(note["missing"]))
        self._metrics.notes_undelivered.set(self._running.notes_undelivered)
        self._metrics.ready.set(not self.obstacles())
        for code, times in self._running.fitness.failures.items():
            self._metrics.storage_errors.labels(code).inc(times - self._counted[code])
            self._counted[code] = times
        for what, times in outlived.items():
            self._metrics.faults.labels(what).inc(times - self._outlived[what])
            self._outlived[what] = times

    def _alarms(self) -> list[str]:
        found = [*self._running.fold.alarms(), *map(alarm, self._running.conflicts), *self._others()]
        found += [*self._running.fitness.alarms(), *self._strandings(), *self._misplaced(), *self._impostors()]
        if times := self._running.notary.disagreements:
            found.append(
                f"The same set of statements led to two different states, {times} times: run accredit node audit."
            )
        found += (
            f"Other nodes bring more of key {key.hex()[:16]}, which has signed several histories, than honest nodes"
            " hold: find out which node takes so much in, and end the key (accredit keys compromise)."
            for key in self._running.delayed_keys
        )
        return [*found, *self._other_folds()]

    def _other_folds(self) -> Iterator[str]:
        """Return alarms about programs with another fold version than the charter's: their records differ, so they
        cannot form a quorum together."""
        notary = self._running.notary
        asked = notary.charter_fold()
        if asked is not None and asked != FOLD_VERSION:
            yield (
                f"The charter asks for fold version {asked} and this program has {FOLD_VERSION}, so that it cosigns"
                " nothing: install a release that has it (CHANGELOG.md)."
            )
        for name, fold in notary.other_folds().items():
            yield (
                f"{name} cosigns by fold version {fold} and the charter asks for {asked}: its operator has to install"
                " another release."
            )

    def _state_note(self) -> dict[str, Any] | None:
        """See `node.http.routes.operations.StateNoteView`; None where the charter names no signers."""
        signers = self._running.notary.signers()
        if not signers:
            return None
        state, enough = self._running.notary.noted.state, quorum(len(signers))
        times = sorted((one.cosigned for one in signers if one.cosigned is not None), reverse=True)
        since = times[enough - 1] if len(times) >= enough else None
        return {
            "count": None if state is None else state.count,
            "root": None if state is None else state.root,
            "age_seconds": None if since is None else max(0, int(self._clock.now()) - since),
            "quorum": enough,
            "cosigned_by": [one.name for one in signers if one.cosigned is not None],
            "missing": [
                {"name": one.name, "last_seen": one.time, "count": one.count, "why": self._why_missing(one)}
                for one in signers
                if one.is_missing
            ],
            "undelivered": self._running.notes_undelivered,
        }

    def _why_missing(self, signer: SignerView) -> str:
        """Return why a signer is missing from the newest note, as far as this node knows; for people."""
        peer = next((peer for peer in self._running.statistics().peers if peer.name == signer.name), None)
        if peer is None:
            return "this node itself has not cosigned it yet: its log shows whether it could store its signatures"
        if peer.distrusted_until is not None:
            return peer.why
        if peer.failures:
            return f"it does not answer this node ({peer.error})"
        if peer.last_heard is None:
            return "it has not been heard from since this node started"
        if peer.lag:
            return f"it holds {peer.lag} statements fewer than this node"
        seen = "has never been seen to cosign" if signer.time is None else "has not cosigned anything newer"
        return f"it answers, but {seen}: ask its operator"

    def _is_unsigned(self) -> bool:
        signed, size = self._log.checkpoint(), self._log.size()
        if size == (0 if signed is None else signed[0]):
            self._unsigned_since = None
            return False
        now = self._clock.monotonic()
        self._unsigned_since = now if self._unsigned_since is None else self._unsigned_since
        return now - self._unsigned_since > UNSIGNED_SECONDS


def _peer_view(peer: PeerStatistics) -> dict[str, Any]:
    """See `node.http.routes.operations.PeerStatus`; times in seconds."""

    def seconds(time: int | None) -> int | None:
        return None if time is None else time // 1_000

    return {
        "name": peer.name,
        "url": peer.url,
        "last_heard": seconds(peer.last_heard),
        "in_sync": peer.in_sync,
        "behind": peer.behind,
        "lag": peer.lag,
        "queued": peer.queued,
        "overflowed": peer.overflowed,
        "failures": peer.failures,
        "error": peer.error,
        "is_mesh": peer.is_mesh,
        "why": peer.why,
        "round_trip_ms": peer.round_trip,
        "firsts": peer.firsts,
        "duplicates": peer.duplicates,
        "strikes": peer.strikes,
        "distrusted_until": seconds(peer.distrusted_until),
        "beacon_time": seconds(peer.beacon),
    }


def _version() -> str:
    try:
        return version_of("accredit")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "source"


VERSION: Final = _version()
