"""The roster lists all active nodes. It comes from signed statements, never from other nodes.

The list comes from the registry's own `node.admit` and `node.retire` statements. A node on the list is never forgotten,
however long it is silent, so a partition of any length heals.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from random import Random
from typing import overload

from accredit.gossip.protocol.events import Peer
from accredit.registry.encoding.ed25519 import key_id


class Roster(Sequence[Peer]):
    """The list, sorted by name; if two names have one key, the first counts. It never changes, so that the machines of
    one process can share it, and none of them keeps data that grows with it.

    Attributes:
        kids: peer key ids in the order of names.
        publics: peer key id -> public key.
    """

    def __init__(self, peers: Iterable[Peer] = ()) -> None:
        self._peers: dict[bytes, Peer] = {}
        for peer in sorted(peers, key=lambda each: each.name):
            self._peers.setdefault(key_id(peer.public), peer)
        self.kids = tuple(self._peers)
        self.publics = {kid: peer.public for kid, peer in self._peers.items()}
        self._named = {peer.name: kid for kid, peer in self._peers.items()}

    @overload
    def __getitem__(self, index: int) -> Peer: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Peer]: ...

    def __getitem__(self, index: int | slice) -> Peer | Sequence[Peer]:
        if isinstance(index, slice):
            return tuple(self._peers[kid] for kid in self.kids[index])
        return self._peers[self.kids[index]]

    def __len__(self) -> int:
        return len(self._peers)

    def __iter__(self) -> Iterator[Peer]:
        return iter(self._peers.values())

    def get(self, kid: bytes) -> Peer | None:
        """The node with this peer key."""
        return self._peers.get(kid)

    def named(self, name: str) -> bytes | None:
        """Return the peer key id of the node of that name."""
        return self._named.get(name)

    def operator(self, kid: bytes) -> str:
        """Return who runs the node: the operator that its record names, else the node itself."""
        peer = self._peers[kid]
        return peer.operator or f"node {peer.name}"

    def ranked(self, salt: bytes, random: Random, *, many: int) -> list[bytes]:
        """Return all peer key ids, or a random `many` of a long list, in an order that nobody can foresee without the
        salt.

        The first places of a ranking under a secret salt are a uniform draw that nobody else can foresee; so are those
        of a ranked random sample. In both cases nobody can place a key near the front, and an adversary who runs a
        fraction q of the nodes gets on average the fraction q of the first places. The sample has one disadvantage: it
        changes even when the list changes little. But the mesh ranks only when it needs another peer, and peers with a
        slot keep it. The cost does not grow with the list: 0.2 ms for 250.
        """
        kids = self.kids if len(self.kids) <= many else random.sample(self.kids, many)
        return [kid for _, kid in sorted([(sha256(salt + kid).digest(), kid) for kid in kids])]

    def draw(self, many: int, random: Random, *, but: bytes) -> list[bytes]:
        """Draw that many different nodes other than `but`, or all if there are fewer."""
        if many >= len(self.kids):
            return [kid for kid in self.kids if kid != but]
        return [kid for kid in random.sample(self.kids, many + 1) if kid != but][:many]


def roster_of(peers: Sequence[Peer]) -> Roster:
    """Return the list as a roster; a roster unchanged."""
    return peers if isinstance(peers, Roster) else Roster(peers)
