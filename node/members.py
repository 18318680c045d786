"""The nodes as a fold knows them: who is in force, and whose keys those are."""

from collections.abc import Mapping, Sequence
from typing import Any

from governance.fold import Fold


class Members:
    """Reads the records of nodes; while the genesis waits for its votes, the nodes that it names."""

    def __init__(self, fold: Fold) -> None:
        self._fold = fold

    def all(self) -> Sequence[Mapping[str, Any]]:
        """The nodes in force; those that the genesis names while it waits, or no vote could spread."""
        if self._fold.charter is not None:
            return self._fold.nodes()
        genesis = self._fold.statement(self._fold.ecosystem)
        return () if genesis is None else genesis.body["nodes"]

    def get(self, name: str) -> Mapping[str, Any] | None:
        """The node in force of that name."""
        if self._fold.charter is None:
            return next((node for node in self.all() if node["name"] == name), None)
        node = self._fold.get("node", name)
        return None if node is None or node["retired"] is not None else node

    def log_key(self, name: str) -> bytes | None:
        """The public log key of the node in force of that name, 32 bytes."""
        node = self.get(name)
        return None if node is None else node["keys"]["log"]

    def has_key(self, public: bytes) -> bool:
        """Whether a key signs for the log, the witness or the state of a node that is, or ever was, in force."""
        nodes = [*self.all(), *(record for _, record in self._fold.items("node"))]
        return any(public == node["keys"][role] for node in nodes for role in ("log", "witness", "state"))
