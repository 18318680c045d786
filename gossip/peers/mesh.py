"""The mesh: the few peers with which a node exchanges statements as they arrive.

    size      8 peers: 4 that we dial, and up to 4 that dial us; below 6 we dial more; never above 12 dialled   so this
    node chose at least half of its peers, and the choices of others cannot outnumber its own chosen    in the order of
    SHA-256(secret salt ‖ peer key), of a long list among a random 1,000: nobody can place a node near a victim operator
    at most one slot for each rotation  every 10 to 30 minutes peers that were first with no statement lose their slots,
    or else a random one that this node dialled; then a new salt is drawn pinned    two peers at most, chosen by this
    node's operator: they take no operator's slot and do not rotate

A slot begins with a *graft*, which the other side accepts (graft) or refuses (prune, with a pause); it ends with a
*prune*. A peer that was pruned, did not answer or refused is left alone for a minute. So to surround a victim an
attacker needs as many operators as the victim has slots, and luck with its salt, again after each rotation.

It sends no messages and judges no peers; `state.Parts.obstacle` says who may be in it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Final

from accredit.gossip.protocol.config import GossipConfig

from .roster import Roster

_SALT_BYTES: Final = 32


@dataclass(slots=True, kw_only=True)
class Slot:
    """A place in the mesh.

    Attributes:
        is_dialled: whether this node chose the peer. is_pinned: whether its operator did.
        is_open: whether both sides have agreed.
        since: when they did (steady ms).
    """

    is_dialled: bool
    is_pinned: bool
    is_open: bool
    since: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """The decisions of a heartbeat: peers to send a graft, and peers to send a prune."""

    dial: tuple[bytes, ...] = ()
    prune: tuple[bytes, ...] = ()


class Mesh:
    """The mesh of one node; peers by key id, times in steady milliseconds."""

    def __init__(self, config: GossipConfig, random: Random) -> None:
        self._config = config
        self._random = random
        self._roster = Roster()
        self._me = b""
        self._pinned: tuple[bytes, ...] = ()
        self._slots: dict[bytes, Slot] = {}
        self._left_alone: dict[bytes, int] = {}  # peer -> until when it is not asked
        self._told_off: dict[bytes, int] = {}  # peer -> until when it was told not to ask
        self._ranking: list[bytes] | None = None
        self._salt = random.randbytes(_SALT_BYTES)
        self._rotate_at: int | None = None
        self._patience = config.patience

    def __contains__(self, kid: object) -> bool:
        return isinstance(kid, bytes) and (slot := self._slots.get(kid)) is not None and slot.is_open

    def __iter__(self) -> Iterator[bytes]:
        return (kid for kid, slot in self._slots.items() if slot.is_open)

    def __len__(self) -> int:
        return sum(slot.is_open for slot in self._slots.values())

    def slot(self, kid: bytes) -> Slot | None:
        """Return the peer's slot, agreed or requested."""
        return self._slots.get(kid)

    def set_roster(self, roster: Roster, me: bytes) -> None:
        """The nodes in force have changed; those gone lose their slots."""
        self._roster, self._me, self._ranking = roster, me, None
        self._slots = {kid: slot for kid, slot in self._slots.items() if roster.get(kid) is not None}
        found = (roster.named(name) for name in self._config.pinned)
        self._pinned = tuple(kid for kid in found if kid is not None)

    def heartbeat(self, may: Callable[[bytes], bool], is_idle: Callable[[bytes], bool], *, at: int) -> Moves:
        """Maintain the mesh; return grafts and prunes to send.

        Args:
            may: tells whether a peer may be in the mesh. is_idle: tells whether it was recently of no use.
        """
        for kids in (self._left_alone, self._told_off):
            for kid in [kid for kid, until in kids.items() if until <= at]:
                del kids[kid]
        prune = [kid for kid in self._slots if not may(kid)] + self._rotate(may, is_idle, at)
        for kid in prune:
            self.prune(kid, at=at)
        return Moves(dial=tuple(self._dial(may, at)), prune=tuple(prune))

    def on_graft(self, kid: bytes, *, at: int) -> bool:
        """Handle a peer's request for a slot; return whether it has one now. If not, it must not ask for a while."""
        slot = self._slots.get(kid)
        if slot is None:
            is_pinned, inbound = kid in self._pinned, sum(not slot.is_dialled for slot in self._slots.values())
            is_full = inbound >= self._config.degree // 2 or len(self._slots) >= self._config.degree_high
            if kid in self._told_off or (not is_pinned and (is_full or self._is_operator_full(kid))):
                self._told_off[kid] = at + self._config.graft_backoff
                return False
            slot = self._slots[kid] = Slot(is_dialled=False, is_pinned=is_pinned, is_open=False, since=at)
        self._open(slot, at)  # also if both sides dialled, or the earlier answer was lost
        return True

    def on_accepted(self, kid: bytes, *, at: int) -> bool:
        """Take note that a graft was accepted; return whether the slot is still wanted."""
        slot = self._slots.get(kid)
        if slot is not None:
            self._open(slot, at)
        return slot is not None

    def leave_alone(self, kid: bytes, *, pause: int, at: int) -> None:
        """Free the slot of a peer that refused, pruned or did not answer, and do not ask it for a while."""
        self._slots.pop(kid, None)
        self._left_alone[kid] = at + max(pause, self._config.graft_backoff)

    def prune(self, kid: bytes, *, at: int) -> None:
        """End a peer's slot: as `leave_alone`, and the peer must not ask either."""
        self.leave_alone(kid, pause=0, at=at)
        self._told_off[kid] = at + self._config.graft_backoff

    def is_told_off(self, kid: bytes) -> bool:
        """Return whether the peer was told not to ask for a slot now."""
        return kid in self._told_off

    def why(self, kid: bytes) -> str:
        """Return why the peer is in the mesh or not, for people."""
        slot = self._slots.get(kid)
        if slot is not None:
            word = "pinned" if slot.is_pinned else "dialled" if slot.is_dialled else "it dialled us"
            return word if slot.is_open else f"{word}, no answer yet"
        if kid in self._left_alone or kid in self._told_off:
            return "not now: it left, was refused or did not answer recently"
        return "another node of its operator is in the mesh" if self._is_operator_full(kid) else "not selected"

    def _open(self, slot: Slot, at: int) -> None:
        if not slot.is_open:
            slot.is_open, slot.since = True, at

    def _rotate(self, may: Callable[[bytes], bool], is_idle: Callable[[bytes], bool], at: int) -> list[bytes]:
        """Return the peers whose slots end now, so that others get them."""
        config, due = self._config, self._rotate_at
        if due is not None and at < due:
            return []
        self._rotate_at = at + self._random.randint(config.rotation_min, config.rotation_max)
        if due is None:
            return []
        self._salt, self._ranking = self._random.randbytes(_SALT_BYTES), None
        slots = {kid: slot for kid, slot in self._slots.items() if slot.is_open and not slot.is_pinned and may(kid)}
        leaving = [kid for kid, slot in slots.items() if at - slot.since >= config.idle and is_idle(kid)]
        if not leaving:
            dialled = [kid for kid, slot in slots.items() if slot.is_dialled]
            leaving = [self._random.choice(dialled)] if dialled else []
        # A peer without a replacement stays, because a small network needs all of them.
        replacements = islice(self._candidates(may, without=leaving), len(leaving))
        return leaving[: sum(1 for _ in replacements)]

    def _dial(self, may: Callable[[bytes], bool], at: int) -> list[bytes]:
        """Request as many slots as are missing."""
        config, total = self._config, len(self._slots)
        dialled = sum(slot.is_dialled for slot in self._slots.values())
        wanted = config.degree // 2 - dialled
        if total >= config.degree_low:
            self._patience = config.patience
        elif self._patience > 0:  # others may be about to dial this node
            self._patience -= 1
        else:
            wanted = max(wanted, config.degree_low - total)
        kids = [kid for kid in self._pinned if self._is_free(kid) and may(kid)]
        for kid in kids:
            self._slots[kid] = Slot(is_dialled=True, is_pinned=True, is_open=False, since=at)
        candidates = self._candidates(may)
        for _ in range(min(wanted, config.degree_high - total) - len(kids)):
            kid = next(candidates, b"")
            if not kid:
                break
            self._slots[kid] = Slot(is_dialled=True, is_pinned=False, is_open=False, since=at)
            kids.append(kid)
        return kids

    def _candidates(self, may: Callable[[bytes], bool], without: Sequence[bytes] = ()) -> Iterator[bytes]:
        """Return the peers that may be dialled, in the order of the ranking; `without`: as if these had no slots."""
        if self._ranking is None:
            salt = self._salt if self._config.salted else b""
            self._ranking = self._roster.ranked(salt, self._random, many=self._config.mesh_sample)
        for kid in self._ranking:
            if self._is_free(kid) and not self._is_operator_full(kid, without) and may(kid):
                yield kid
        self._ranking = None  # all of them were tried; draw others from a long list next time

    def _is_free(self, kid: bytes) -> bool:
        return kid != self._me and kid not in self._slots and kid not in self._left_alone

    def _is_operator_full(self, kid: bytes, without: Sequence[bytes] = ()) -> bool:
        operator = self._roster.operator(kid)
        taken = sum(
            self._roster.operator(other) == operator
            for other, slot in self._slots.items()
            if not slot.is_pinned and other not in without
        )
        return taken >= self._config.operator_slots
