"""Sends statements to a node, in requests of a size it accepts, and tries again if the node is busy.

A node that says that it is busy is asked again for a minute. One that says nothing may be at work on the statements
still: it is waited for as long as it takes more and more of them into its log.
"""

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from accredit.cli.base import output
from accredit.gossip.protocol.backoff import pause_after
from accredit.governance.rules.rulebook import work_of
from accredit.registry.errors import AccreditError, InputError, RefusedError, UnansweredError
from accredit.registry.limits import SUBMISSION_STATEMENTS
from accredit.registry.statement import decode

if TYPE_CHECKING:
    from accredit.node.clients.node_client import NodeClient

_BATCH: Final = SUBMISSION_STATEMENTS
"""Statements in a request: as many as a node accepts, and logs at once; fewer wait for its next tick."""

_BATCH_BYTES: Final = 3 * 2**20
_BATCH_WORK: Final = 2 * SUBMISSION_STATEMENTS
"""Judgements that a request asks of a node (`rulebook.work_of`): five votes on 400 proposals each. A node answers once
all are logged, which takes it some seconds, or minutes where it has a small part of a core."""

_VOTE: Final = b"vote."  # in the kind of a vote, as encoded: only what may be one is decoded
ARRIVAL_SECONDS: Final = 5.0
"""How long a statement at another node may take to arrive: a few ticks of the log."""
_NOT_THERE: Final = ("not_found", "unknown_key")
_BUSY: Final = ("rate_limited", "overloaded", "not_ready")
_PAUSE_SECONDS: Final = (0.5, 8.0)  # first and longest pause between tries, doubling
_PATIENCE: Final = 60  # seconds to go on trying a node that says it is busy


def key_at(client: "NodeClient", kid: bytes) -> dict[str, Any] | None:
    """Return a node's facts about a key; None if it does not know the key."""
    try:
        return client.key(kid)
    except InputError as error:
        if error.code in _NOT_THERE:
            return None
        raise


def await_key(client: "NodeClient", kid: bytes, number: int) -> dict[str, Any] | None:
    """Return the same as `key_at`, after waiting a moment for the key's statement of that number from another node."""
    deadline = time.monotonic() + ARRIVAL_SECONDS
    with output.progress("Waiting for your key's last statement to reach the node"):
        while True:
            known = key_at(client, kid)
            if known is None or known["seq"] >= number or time.monotonic() > deadline:
                return known
            time.sleep(0.1)


def require_single(client: "NodeClient", raws: Sequence[bytes]) -> None:
    """Refuse to send a second statement under a number that a key has used, because that would freeze the key.

    A copy of a key file, or a restored one, lacks statements signed elsewhere; a node that holds them shows them.

    Raises:
        RefusedError: `key_doubled`: the node holds another statement of that number.
    """
    held: dict[bytes, int] = {}
    for said in map(decode, raws):
        if said.kid not in held:
            held[said.kid] = (key_at(client, said.kid) or {"seq": 0})["seq"]
        if said.seq <= held[said.kid] and not _has(client, said.id):
            raise RefusedError(
                "key_doubled",
                f"{client.url} holds a different statement number {said.seq} of the key {said.kid.hex()[:12]}: "
                "this one was signed with an outdated copy of the key. Sending it would freeze the key.",
                hint="Nothing was sent. Delete this file, and make the request again with --offline.",
            )


def _has(client: "NodeClient", statement: bytes) -> bool:
    try:
        client.statement_bytes(statement)
    except InputError as error:
        if error.code in _NOT_THERE:
            return False
        raise
    return True


def submit(client: "NodeClient", raws: Sequence[bytes]) -> list[dict[str, Any]]:
    """Send statements to a node, in requests of an accepted size; return one receipt for each, in order."""
    receipts: list[dict[str, Any]] = []
    with output.progress("Sending", len(raws)) as step:
        for batch in _batches(raws):
            receipts += _submit_patiently(client, batch)
            step(len(batch))
    return receipts


def _submit_patiently(client: "NodeClient", batch: Sequence[bytes]) -> list[dict[str, Any]]:
    """Send a batch, and repeat while the node is busy: limits delay statements, never refuse them.

    What is sent again is known to the node, or waits there already.
    """
    deadline = time.monotonic() + _PATIENCE
    failures = held = 0
    while True:
        try:
            return list(client.submit(batch)["statements"])
        except UnansweredError:
            before, held = held, _count_held(client, batch)
            if held <= before:
                raise
            deadline, failures, pause = time.monotonic() + _PATIENCE, 0, 0.0
        except AccreditError as error:
            failures += 1
            pause = pause_after(failures, *_PAUSE_SECONDS)
            if error.code not in _BUSY or time.monotonic() + pause > deadline:
                raise
        time.sleep(pause)


def _count_held(client: "NodeClient", batch: Sequence[bytes]) -> int:
    """Return how many of these statements the node has in its log; 0 if it does not say."""
    try:
        return len(client.standings([decode(raw).id for raw in batch]))
    except AccreditError:
        return 0


def _batches(raws: Sequence[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = work = 0
    for raw in raws:
        more = work_of(decode(raw)) if _VOTE in raw else 1
        if batch and (len(batch) == _BATCH or size + len(raw) > _BATCH_BYTES or work + more > _BATCH_WORK):
            yield batch
            batch, size, work = [], 0, 0
        batch.append(raw)
        size += len(raw)
        work += more
    if batch:
        yield batch
