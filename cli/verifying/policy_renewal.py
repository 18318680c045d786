"""Gathers the data that renew a trust policy, from one node that need not be trusted.

The node puts it together (`/v1/renewal`): the noted records of the charter and of the signers' nodes, and the
statements that say the same, which are the charter's versions since the one that the policy has followed, keys that
were added or rotated, nodes admitted and retired, and the votes on these. A node without that route is asked for its
snapshot and its whole log, and the same is looked up in them.

`governance.policy_renewal.renew` decides whether the data suffice. If a node leaves something out, the renewal is
refused, and another node is asked.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from accredit.cli.base import output
from accredit.cli.base.ids import NOT_HERE
from accredit.cli.base.log_entries import read_entries
from accredit.governance.policy_renewal import Renewal
from accredit.registry.domain.records import charter_in, node_in
from accredit.registry.errors import InputError, RefusedError, RemoteError
from accredit.registry.evidence.proved_records import Recorder
from accredit.registry.evidence.snapshot import Snapshot
from accredit.registry.evidence.trust_policy import TrustPolicy
from accredit.registry.statement import Unverified, decode
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.signed_note import Note

if TYPE_CHECKING:
    from accredit.node.clients.node_client import NodeClient

_ALWAYS: Final = ("key.add", "key.rotate", "node.admit", "node.replace", "node.retire")
_CHARTERS: Final = ("charter.genesis", "charter.amend")


def fetch_renewal(client: "NodeClient", policy: TrustPolicy, now: int) -> Renewal:
    """Return everything needed to renew `policy`, from one node.

    Raises:
        RefusedError, DecodeError: what it has does not stand, or does not lead from the policy's step to its charter.
        RemoteError: it cannot be reached, or its records lack the charter.
    """
    try:
        return Renewal.decode(client.renewal(policy.step))
    except InputError as error:
        if error.code not in NOT_HERE:
            raise
    return gather_renewal(client, policy, now)


def gather_renewal(client: "NodeClient", policy: TrustPolicy, now: int) -> Renewal:
    """Gather the same from a node's snapshot and its whole log, which every node serves.

    Raises:
        RefusedError, DecodeError, RemoteError: as `fetch_renewal`.
    """
    loaded = Snapshot.load(client.snapshot(), policy, now)
    recorder = Recorder(loaded)
    charter = charter_in(recorder, policy.charter)
    if charter is None:
        raise RemoteError("no_charter", f"{client.url} has no record of the charter {policy.charter}.")
    for name in sorted(charter["signers"]):
        node_in(recorder, name)
    size = Checkpoint.decode(Note.decode(client.checkpoint().encode()).text).size
    with output.progress("Reading the log", size) as step:
        wanted = _wanted(read_entries(client, size, step), charter["statement"], policy.step)
    return Renewal(
        records_root=loaded.records_root(),
        statements_root=loaded.statements_root(),
        records=recorder.prove(),
        note=loaded.noted.note,
        statements=tuple(one.raw for one in wanted),
    )


def _wanted(entries: Iterable[bytes], newest: bytes, step: bytes) -> list[Unverified]:
    """Return the statements in a log that lead from one version of the charter to another, and the votes on them."""
    charters: dict[bytes, Unverified] = {}
    others: list[Unverified] = []
    votes: list[Unverified] = []
    for entry in entries:
        statement = decode(entry)
        if statement.kind in _CHARTERS:
            charters[statement.id] = statement
        elif statement.kind in _ALWAYS:
            others.append(statement)
        elif statement.kind == "vote.approve":
            votes.append(statement)
    chosen = [*_path(charters, newest, step), *others]
    ids = {one.id for one in chosen}
    return [*chosen, *(vote for vote in votes if ids & set(_targets(vote)))]


def _path(charters: dict[bytes, Unverified], newest: bytes, step: bytes) -> list[Unverified]:
    """Return the versions from `step` to `newest`. Amendments after the note are left out, because the note does not
    include them."""
    found: list[Unverified] = []
    at: Any = newest
    while at in charters:
        found.append(charters[at])
        if at == step:
            return found[::-1]
        at = charters.pop(at).body.get("parent")
    raise RefusedError(
        "unknown_step",
        f"The charter statement that your policy last followed, {step.hex()[:12]}, does not lead to the charter "
        "in force.",
        hint="Ask another node; if this persists, get a new policy from a source you trust.",
    )


def _targets(vote: Unverified) -> list[bytes]:
    targets = vote.body.get("targets")
    return [one for one in targets if isinstance(one, bytes)] if isinstance(targets, list) else []
