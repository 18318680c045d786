"""Reports of peers about other nodes: conflicts, which are their own proof, and signed notes, which may conflict.

A **conflict** (`registry.transparency.equivocation`) is known by whom it accuses of what: its *name* is SHA-256(kind ‖
00 ‖ public key). One for each name is enough, whichever proof a node got first, so what nodes compare are names:

    root, beacon   {…, digest: SHA-256 over the sorted names}             absent where no conflict is held
    accusation     {names of all that the sender holds, some conflicts}   answered by an accusation

* New ones go to the whole mesh at once, in the urgent lane, and on from there, once the owner has checked them.
* Where the digests of two nodes differ, whoever compared sends an accusation: its answer brings what the one lacks, and
  what the other lacks follows, a frameful at a time. So a node that was away learns them all.

What a peer sends is handed to the owner (`Accuse`), who checks signatures. **That is kept cheap:** 16 in a frame, each
at most 16 KiB; what is held already, by name, and what was handed on in the last minute, by its bytes, is dropped
unread; each peer may have 64 checked at once and then one a second, at the cost of its share of our processor. Junk is
not an offence, because a conflict about a node that we do not know yet looks just like it.

**Notes** come in beacons, five at most: checkpoints, the sender's own first, and the newest state note with a quorum,
so that nobody has to be told by a signer. Those not heard lately are handed to the owner (`Heard`), who keeps a ledger.

What it does not do: check a signature, keep conflicts, or choose which notes go into a beacon: the owner does.
"""

from collections import Counter
from collections.abc import Iterable
from hashlib import sha256

from accredit.registry.encoding.cbor import decode
from accredit.registry.errors import DecodeError
from accredit.registry.transparency.equivocation import CONFLICT_BYTES
from accredit.registry.transparency.signed_note import VerifierKey

from .config import GossipConfig
from .events import Accuse, Heard, Held
from .peer import PeerState
from .wire import CONFLICTS_HELD, NOTE_BYTES, NOTES_MAX, Accusation


def name_of(conflict: bytes) -> bytes | None:
    """Whom it accuses of what, unproven: 32 bytes; None where it does not say."""
    try:
        value = decode(conflict, what="the conflict", max_bytes=CONFLICT_BYTES)
        kind, key = value["kind"], VerifierKey.decode(value["key"])
        return sha256(kind.encode() + b"\0" + key.public).digest()
    except (DecodeError, KeyError, TypeError, AttributeError):
        return None


class Hearsay:
    """What one node is told of others. Times are steady milliseconds."""

    def __init__(self, config: GossipConfig, held: Held, counters: Counter[str]) -> None:
        self._config = config
        self._held = held
        self._counters = counters
        self._named: dict[bytes, bytes] = {}  # name -> conflict, as the owner holds them
        self._read = 0  # how many of the owner's are in `_named`
        self._digest = b""
        self._handed_on: dict[bytes, int] = {}  # SHA-256 of a conflict -> until when it is not handed on again
        self._heard: dict[bytes, int] = {}  # SHA-256 of notes handed on, the oldest first
        self._effects: list[Accuse | Heard] = []

    def take(self) -> list[Accuse | Heard]:
        """What is to be handed to the owner."""
        effects, self._effects = self._effects, []
        return effects

    # ------------------------------------------------------------------------------------------------ conflicts

    def digest(self) -> bytes:
        """Of the names of all conflicts held: 32 bytes; empty where there are none."""
        self._refresh()
        return self._digest

    def accusation(self, peer: PeerState) -> Accusation:
        """What we hold, with as many as fit of those that the peer is not known to have."""
        self._refresh()
        lacking = self._lacking(peer)[: self._config.conflicts_per_frame]
        peer.accusations.update(dict.fromkeys(lacking))
        return Accusation(holds=tuple(self._named), conflicts=tuple(self._named[name] for name in lacking))

    def answer(self, peer: PeerState, body: Accusation, *, at: int) -> Accusation:
        """Our answer to an accusation: what the peer lacks."""
        peer.accusations.clear()
        self.hear(peer, body, at=at)
        return self.accusation(peer)

    def hear(self, peer: PeerState, body: Accusation, *, at: int) -> bool:
        """What a peer holds and brings; whether it still lacks something of ours."""
        self._refresh()
        fresh: list[bytes] = []
        known = [name for name in body.holds if name in self._named]
        for conflict in body.conflicts:
            name = name_of(conflict)
            if name is None or name in self._named:
                self._counters["conflicts_again" if name else "conflicts_malformed"] += 1
            elif self._may_check(conflict, peer, at):
                fresh.append(conflict)
                known.append(name)
        if fresh:
            self._counters["conflicts_received"] += len(fresh)
            self._effects.append(Accuse(sender=peer.kid, conflicts=tuple(fresh)))
        peer.accusations.update(dict.fromkeys(known))
        return bool(self._lacking(peer))

    def lacks(self, peer: PeerState) -> bool:
        """Whether the peer is not known to have all that we hold."""
        self._refresh()
        return bool(self._lacking(peer))

    def on_roster(self) -> None:
        """Nodes came or went: what accused a stranger may now accuse a node."""
        self._handed_on.clear()

    def _may_check(self, conflict: bytes, peer: PeerState, at: int) -> bool:
        """Whether the owner should look at it now; counts it."""
        digest = sha256(conflict).digest()
        if self._handed_on.get(digest, 0) > at:
            self._counters["conflicts_again"] += 1
            return False
        if peer.conduct.is_distrusted(at=at) or not peer.conduct.may_accuse(at=at):
            self._counters["conflicts_ignored"] += 1
            return False
        peer.conduct.charge(self._config.conflict_work, at=at)
        _remember(self._handed_on, digest, at + self._config.conflict_retry, many=self._config.heard)
        return True

    def _lacking(self, peer: PeerState) -> list[bytes]:
        return [name for name in self._named if name not in peer.accusations]

    def _refresh(self) -> None:
        """The owner's conflicts only become more."""
        conflicts = self._held.conflicts()
        if len(conflicts) != self._read:
            self._read = len(conflicts)
            named = ((name_of(conflict), conflict) for conflict in conflicts[:CONFLICTS_HELD])
            self._named = {name: conflict for name, conflict in named if name is not None}
            self._digest = sha256(b"".join(sorted(self._named))).digest() if self._named else b""

    # ---------------------------------------------------------------------------------------------------- notes

    def notes(self) -> tuple[bytes, ...]:
        """What goes into a beacon."""
        notes = [note for note in self._held.notes() if len(note) <= NOTE_BYTES]
        return tuple(notes[:NOTES_MAX])

    def hear_notes(self, peer: PeerState, notes: Iterable[bytes], *, at: int) -> None:
        """Hands on what is new, as far as the peer's share of our processor goes."""
        fresh: list[bytes] = []
        for note in notes:
            digest = sha256(note).digest()
            if digest not in self._heard and not peer.conduct.is_overworked(at=at):
                peer.conduct.charge(self._config.verify_work, at=at)
                _remember(self._heard, digest, at, many=self._config.heard)
                fresh.append(note)
        if fresh:
            self._effects.append(Heard(sender=peer.kid, notes=tuple(fresh)))


def _remember(memory: dict[bytes, int], digest: bytes, value: int, *, many: int) -> None:
    memory[digest] = value
    if len(memory) > many:
        del memory[next(iter(memory))]
