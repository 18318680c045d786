"""Finds registered issuers with a name that is about to be registered, because the same one may have two ids."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from accredit.node.clients.node_client import NodeClient

PAGE: Final = 200
"""Issuers of one answer: the most that a node gives."""


class Namesakes:
    """The ids of registered issuers by their names, for the names asked about.

    Args:
        names: at least one. One is searched for by the node; for several every issuer is read, once.
    """

    def __init__(self, client: "NodeClient", names: Collection[str]) -> None:
        wanted = {_bare(name) for name in names}
        searched = {"name": " ".join(next(iter(names)).split())} if len(wanted) == 1 else {}
        self._ids: dict[str, list[str]] = {}
        for one in client.every_issuer(limit=PAGE, **searched):
            if one["name"] and (name := _bare(str(one["name"]))) in wanted:
                self._ids.setdefault(name, []).append(str(one["id"]))

    def of(self, body: Mapping[str, Any]) -> list[str]:
        """Return the ids of other issuers that have the name in the body of an `issuer.register`."""
        return [id_ for id_ in self._ids.get(_bare(body["name"]), ()) if id_ != body["id"]]


def _bare(name: str) -> str:
    return " ".join(name.casefold().split())
