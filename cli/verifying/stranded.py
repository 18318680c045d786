"""Finds statements that one node holds and another lacks, at a node that the others ignore.

Both logs are read to their ends, so that statements by forked or ended keys, and those that wait for votes, are found
as well. No statement is trusted: the node that takes them in checks each.
"""

from typing import TYPE_CHECKING

from accredit.cli.base import output
from accredit.cli.base.log_entries import read_entries
from accredit.registry.errors import RefusedError
from accredit.registry.statement import decode

if TYPE_CHECKING:
    from accredit.node.clients.node_client import NodeClient


def missing_at(client: "NodeClient", source: "NodeClient") -> list[bytes]:
    """Return the statements in the log of `source` that the log of `client` lacks, in an order in which each can be
    accepted.

    Raises:
        RefusedError: they belong to two ecosystems (`other_ecosystem`).
    """
    ours, theirs = client.status(), source.status()
    if ours["ecosystem"] != theirs["ecosystem"]:
        raise RefusedError(
            "other_ecosystem",
            f"{source.url} belongs to the ecosystem {theirs['ecosystem'][:12]}, {client.url} to "
            f"{ours['ecosystem'][:12]}.",
            hint="Name two nodes of one ecosystem.",
        )
    with output.progress("Comparing what both hold", ours["checkpoint_size"] + theirs["checkpoint_size"]) as step:
        held = {decode(raw).id for raw in read_entries(client, ours["checkpoint_size"], step)}
        return [raw for raw in read_entries(source, theirs["checkpoint_size"], step) if decode(raw).id not in held]
