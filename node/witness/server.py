"""This node as a witness of other nodes' logs: it keeps each log's size durably, and cosigns checkpoints.

    with open_held(heads / "witness.sqlite", store) as held:
        witness = NodeWitness(name=…, signer=keys.witness, held=held, store=store, log_key=partial(log_key_of, fold), …)
        verdict = await witness.add_checkpoint(body)      cosignature lines, or Refused
        note = await witness.checkpoint(hash)             the log's newest checkpoint with our cosignature

It witnesses the logs of all nodes in force except its own, one request at a time, in this order:

    compare with the held checkpoint -> swap it, durably -> cosign -> answer

* **Where it is kept**: in a separate database (`held`), beside the last head of our log, in the folder that no backup
  restores (`heads_dir`). If the node's database is restored from a backup, the witness still has the checkpoints that
  it cosigned meanwhile, and never signs an older one. One file and one commit: a request costs only the durable write.
* `Store.swap` replaces exactly the compared value (name `witness/<hash>`, value: the note with the log's signature). So
  one of two requests for the same size is compared again, and gets its 409.
* A kill between storing and answering loses nothing: the log asks again with an equal size.
* Two roots of one size are a conflict, which the node keeps (one against each key) and reports. A checkpoint of the log
  with a wrong proof is kept as `witness/<hash>/refused`: only the largest one, so that nobody fills the disk.

It does not speak HTTP (`routes.witness` does), or ask others for cosignatures (`client` does).
"""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeVar

import trio

from accredit.governance.fold import Fold
from accredit.node.clock import Clock
from accredit.node.ports import RunBlocking, in_thread
from accredit.node.storage.log_store import Store
from accredit.registry.domain.records import node_in
from accredit.registry.encoding.ed25519 import Signer
from accredit.registry.errors import BusyError, DecodeError, StorageError
from accredit.registry.transparency.equivocation import Conflict
from accredit.registry.transparency.signed_note import KeyType, Note, Signature, VerifierKey, cosign, encode_signatures
from accredit.registry.transparency.witness import (
    NOTHING,
    Opened,
    Refused,
    WitnessedHead,
    judge,
    open_request,
    origin_hash,
)

T = TypeVar("T")

WAITING_MAX: Final = 256
"""Requests that may wait for their turn, some 5 ms each; a log sends one a second. A guess."""

FRESH_SECONDS: Final = 60
"""How long the cosignature shown to monitors is used again. tlog-witness lets it lag by an hour."""

CONFLICTS: Final = "conflict/"
"""Prefix of the names under which the node's database keeps conflicts."""

_IS_WITNESS: Final = "witness"  # in the node's database: that there is a database of what is held


class NodeWitness:
    """See the module.

    Args:
        name: this node's, also the name of its witness key.
        signer: holds the witness key.
        held: of `open_held`.
        store: the node's database, for evidence.
        log_key: the public log key of a node in force, by name: see `log_key_of`.
        on_conflict: told of every conflict found, as often as it is.
    """

    def __init__(
        self,
        *,
        name: str,
        signer: Signer,
        held: Store,
        store: Store,
        log_key: Callable[[str], bytes | None],
        clock: Clock,
        run_blocking: RunBlocking = in_thread,
        on_conflict: Callable[[Conflict], None] = lambda _conflict: None,
    ) -> None:
        self._name = name
        self._signer = signer
        self._held = held
        self._store = store
        self._log_key = log_key
        self._clock = clock
        self._run_blocking = run_blocking
        self._on_conflict = on_conflict
        self._shown: dict[str, tuple[bytes, int, Signature]] = {}  # hash -> note, time, our line
        self._turn = trio.Lock()
        self._waiting = 0

    async def add_checkpoint(self, data: bytes) -> bytes | Refused:
        """Return cosignature lines, or the reason for a refusal.

        Raises:
            BusyError: `overloaded`.
            StorageError: the new size cannot be kept; nothing was cosigned.
        """
        opened = open_request(data, self._key_of)
        if isinstance(opened, Refused):
            return opened
        verdict, found = await self._in_turn(lambda: self._decide(opened))
        if found is not None:
            self._on_conflict(found)
        return verdict

    async def checkpoint(self, hash: str) -> bytes | None:
        """Return the newest checkpoint held of a log, cosigned; None if there is none.

        Args:
            hash: `registry.transparency.witness.origin_hash` of the log's origin.

        Raises:
            BusyError, StorageError: as `add_checkpoint`.
        """
        return await self._in_turn(lambda: self._show(hash))

    async def _in_turn(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING_MAX:
            raise BusyError("overloaded", "Too many requests are waiting at this witness.", hint="Try again later.")
        self._waiting += 1
        try:
            async with self._turn:
                return await self._run_blocking(work)
        finally:
            self._waiting -= 1

    def _key_of(self, origin: str) -> VerifierKey | None:
        public = None if origin == self._name else self._log_key(origin)
        return None if public is None else VerifierKey(name=origin, type=KeyType.ED25519, public=public)

    # ------------------------------------------------------------------------------- blocking, one at a time

    def _decide(self, opened: Opened) -> tuple[bytes | Refused, Conflict | None]:
        """Return the answer, and a conflict if there is one."""
        hash = origin_hash(opened.log.name)
        while True:
            kept = self._held.kept(_place(hash))
            verdict = judge(opened, _read(kept, hash))
            if isinstance(verdict, Refused):
                return verdict, self._keep_evidence(hash, verdict)
            note = verdict.held.note
            assert note is not None, "made of a request, or read from the database"
            if note == kept or self._held.swap(_place(hash), kept, note):
                break
            # Somebody else was first: what was judged against is held no more.
        line = self._cosign(opened.text)
        self._shown[hash] = note, self._now(), line
        return encode_signatures([line]), None

    def _show(self, hash: str) -> bytes | None:
        kept = self._held.kept(_place(hash))
        if kept is None:
            return None
        _read(kept, hash)
        note = Note.decode(kept)
        shown, now = self._shown.get(hash), self._now()
        if shown is None or shown[0] != kept or not 0 <= now - shown[1] < FRESH_SECONDS:
            shown = kept, now, self._cosign(note.text)
            self._shown[hash] = shown
        return note.with_signatures([shown[2]]).encode()

    def _cosign(self, text: str) -> Signature:
        return cosign(text, self._name, self._signer, self._now())

    def _keep_evidence(self, hash: str, refused: Refused) -> Conflict | None:
        if refused.conflict is not None:
            return refused.conflict
        if refused.trace is not None:
            place = _place(hash) + "/refused"
            before = self._store.kept(place)
            if _read(before, hash).size < WitnessedHead.decode(refused.trace).size:
                self._store.swap(place, before, refused.trace)
        return None

    def _now(self) -> int:
        return int(self._clock.now())


def open_held(path: Path, store: Store) -> Store:
    """Open the database of a witness; create it if the node has not been a witness yet.

    Args:
        path: in the folder of the last signed heads, which no backup restores.
        store: the node's own; it records that the witness database exists.

    Raises:
        StorageError: `witness_missing`: the file is gone. As `Store.open`.
    """
    if not path.exists() and store.kept(_IS_WITNESS) is not None:
        raise StorageError(
            "witness_missing",
            f"{path} does not exist, in which this node records what it has cosigned as a witness.",
            hint="Put the original file back. If it is lost, retire the node and start it under a new name, "
            "because without the file it could cosign a second history of a log.",
        )
    held = Store.open(path, ecosystem=store.ecosystem, origin=store.origin)
    store.swap(_IS_WITNESS, None, b"\x01")
    return held


def log_key_of(fold: Fold, name: str) -> bytes | None:
    """Return the public log key of the node of that name, if it is in force."""
    node = node_in(fold, name)
    return None if node is None or node["retired"] is not None else node["keys"]["log"]


def conflict_place(file: bytes) -> str:
    """Return the name under which the database keeps a conflict."""
    return f"{CONFLICTS}{sha256(file).hexdigest()}"


def _place(hash: str) -> str:
    return f"witness/{hash}"


def _read(kept: bytes | None, hash: str) -> WitnessedHead:
    try:
        return NOTHING if kept is None else WitnessedHead.decode(kept)
    except DecodeError as error:
        raise StorageError(
            "witness_damaged",
            f"The stored checkpoint of the log {hash[:16]} is malformed.",
            hint="Run `accredit node audit`; nothing was cosigned.",
        ) from error
