"""Exchanges reports about other nodes: conflicts, which prove themselves, and signed notes, which may conflict.

A **conflict** (`registry.transparency.equivocation`) is identified by the accused key and the kind of offence: its
*name* is SHA-256(kind ‖ 00 ‖ public key). One proof for each name is enough, whichever a node received first, so nodes
compare names:

    root, beacon   {…, digest: SHA-256 over the sorted names}             absent where no conflict is held
    accusation     {names of all that the sender holds, some conflicts}   answered by an accusation

* New conflicts go to the whole mesh at once, in the urgent lane, and each peer passes them on once its owner has
  checked them.
* If the digests of two nodes differ, the node that compared them sends an accusation. The answer brings the conflicts
  that it lacks, and it sends those that the other lacks, one frame at a time. So a node that was away learns all of
  them.

The machine passes conflicts from a peer to its owner (`Accuse`), which checks signatures. **Limits keep this cheap:** a
frame has at most 16 conflicts of at most 16 KiB; conflicts whose name is held, or whose bytes were passed on in the
last minute, are dropped unread; each peer may have 64 checked at once and then one a second, charged to its share of
processor time. Junk is not an offence, because a conflict about a node that is not known here yet looks the same.

**Notes** come in beacons, five at most: checkpoints, the sender's own first, and the newest state note with a quorum,
so that no node depends on hearing from a signer. Notes not heard recently are passed to the owner (`Heard`), which
keeps a ledger.

It does not check signatures, keep conflicts, or choose the notes for a beacon: the owner does.
"""

from collections import Counter
from collections.abc import Iterable
from hashlib import sha256

from accredit.gossip.peers.peer import PeerState
from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.events import Accuse, Heard, Held
from accredit.gossip.protocol.wire import CONFLICTS_HELD, NOTE_BYTES, NOTES_MAX, Accusation
from accredit.registry.encoding.cbor import decode
from accredit.registry.errors import DecodeError
from accredit.registry.transparency.equivocation import CONFLICT_BYTES
from accredit.registry.transparency.signed_note import VerifierKey


def name_of(conflict: bytes) -> bytes | None:
    """Return the name of an unchecked conflict: 32 bytes; None if it is malformed."""
    try:
        value = decode(conflict, what="the conflict", max_bytes=CONFLICT_BYTES)
        kind, key = value["kind"], VerifierKey.decode(value["key"])
        return sha256(kind.encode() + b"\0" + key.public).digest()
    except (DecodeError, KeyError, TypeError, AttributeError):
        return None


class Hearsay:
    """The reports that one node receives about others. Times are steady milliseconds."""

    def __init__(self, config: GossipConfig, held: Held, counters: Counter[str]) -> None:
        self._config = config
        self._held = held
        self._counters = counters
        self._named: dict[bytes, bytes] = {}  # name -> conflict, as the owner holds them
        self._read = 0  # how many of the owner's conflicts are in `_named`
        self._digest = b""
        self._handed_on: dict[bytes, int] = {}  # SHA-256 of a conflict -> until when it is not passed on again
        self._heard: dict[bytes, int] = {}  # SHA-256 of notes passed on, the oldest first
        self._effects: list[Accuse | Heard] = []

    def take(self) -> list[Accuse | Heard]:
        """Return the effects for the owner."""
        if not self._effects:
            return []
        effects, self._effects = self._effects, []
        return effects

    # ------------------------------------------------------------------------------------------------ conflicts

    def digest(self) -> bytes:
        """Return the digest over the names of all conflicts held: 32 bytes; empty if no conflict is held."""
        self._refresh()
        return self._digest

    def accusation(self, peer: PeerState) -> Accusation:
        """Return the names held here, with as many conflicts as fit of those that the peer is not known to have."""
        self._refresh()
        lacking = self._lacking(peer)[: self._config.conflicts_per_frame]
        peer.accusations.update(dict.fromkeys(lacking))
        return Accusation(holds=tuple(self._named), conflicts=tuple(self._named[name] for name in lacking))

    def answer(self, peer: PeerState, body: Accusation, *, at: int) -> Accusation:
        """Return the answer to an accusation: conflicts that the peer lacks."""
        peer.accusations.clear()
        self.hear(peer, body, at=at)
        return self.accusation(peer)

    def hear(self, peer: PeerState, body: Accusation, *, at: int) -> bool:
        """Take in the names that a peer holds and the conflicts that it brings; return whether it still lacks any held
        here."""
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
        """Return whether the peer may lack a conflict held here."""
        self._refresh()
        return bool(self._lacking(peer))

    def on_roster(self) -> None:
        """Take note that nodes came or went, because a conflict about a stranger may now accuse a node."""
        self._handed_on.clear()

    def _may_check(self, conflict: bytes, peer: PeerState, at: int) -> bool:
        """Return whether the owner should check it now, and count it."""
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
        """Read the owner's new conflicts; their number only grows."""
        conflicts = self._held.conflicts()
        if len(conflicts) != self._read:
            self._read = len(conflicts)
            named = ((name_of(conflict), conflict) for conflict in conflicts[:CONFLICTS_HELD])
            self._named = {name: conflict for name, conflict in named if name is not None}
            self._digest = sha256(b"".join(sorted(self._named))).digest() if self._named else b""

    # ---------------------------------------------------------------------------------------------------- notes

    def notes(self) -> tuple[bytes, ...]:
        """Return the notes for a beacon."""
        notes = [note for note in self._held.notes() if len(note) <= NOTE_BYTES]
        return tuple(notes[:NOTES_MAX])

    def hear_notes(self, peer: PeerState, notes: Iterable[bytes], *, at: int) -> None:
        """Pass on new notes, as far as the peer's share of processor time allows."""
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
