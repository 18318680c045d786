"""The nodes as the fold knows them: which are active, and their keys."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

from accredit.gossip.peers.roster import Roster
from accredit.gossip.protocol.events import Peer
from accredit.governance.fold import Fold
from accredit.registry.domain.records import node_in

TOLD: Final = 64
"""Nodes that are told of a cosignature: the signers, then random others. A guess: 4,000 requests a minute."""


class Members:
    """Reads the records of nodes; while the genesis waits for its votes, the nodes that it names."""

    def __init__(self, fold: Fold) -> None:
        self._fold = fold

    def all(self) -> Sequence[Mapping[str, Any]]:
        """Return the nodes in force; while the genesis waits, those that it names, because otherwise no vote could
        spread."""
        if self._fold.charter is not None:
            return self._fold.nodes()
        genesis = self._fold.statement(self._fold.ecosystem)
        return () if genesis is None else genesis.body["nodes"]

    def get(self, name: str) -> Mapping[str, Any] | None:
        """The node in force of that name."""
        if self._fold.charter is None:
            return next((node for node in self.all() if node["name"] == name), None)
        node = node_in(self._fold, name)
        return None if node is None or node["retired"] is not None else node

    def roster(self) -> Roster:
        """The nodes in force, as gossip knows them."""
        return Roster(
            Peer(name=node["name"], url=node["url"], public=node["keys"]["peer"], operator=node["operator"])
            for node in self.all()
        )

    def log_key(self, name: str) -> bytes | None:
        """The public log key of the node in force of that name, 32 bytes."""
        node = self.get(name)
        return None if node is None else node["keys"]["log"]

    def has_key(self, name: str, public: bytes) -> bool:
        """Return whether that key signs for the log, the witness or the state of the node of that name, retired or
        not."""
        node = self.get(name) or node_in(self._fold, name)
        return node is not None and any(public == node["keys"][role] for role in ("log", "witness", "state"))

    def told(self, peers: Sequence[Peer], name: str, random: Random) -> tuple[Peer, ...]:
        """Return the nodes to tell of a cosignature: every signer, and as many other nodes as there is room for.

        Args:
            name: the node that tells.
        """
        charter = self._fold.charter
        signers = () if charter is None else charter.body["signers"]
        others = [peer for peer in peers if peer.name != name]
        first = [peer for peer in others if peer.name in signers]
        rest = [peer for peer in others if peer.name not in signers]
        room = TOLD - len(first)
        return (*first, *(rest if len(rest) <= room else random.sample(rest, room)))
