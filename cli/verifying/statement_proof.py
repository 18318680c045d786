"""`accredit log prove --state`: checks whether the state that a quorum noted includes a statement.

A log belongs to one node. The statements that all signers have accepted are in the map over the statements, under the
root that they cosign; so the answer rests on a trust policy and not on any node's word. The command ends with 0 if the
statement is there, with 1 if it is proved absent, and if nothing is verified with the codes of `accredit evidence
check`.
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accredit.cli.base import documents, exits, output
from accredit.cli.base.node_option import complete_statement, first_good
from accredit.cli.base.output import fair, good
from accredit.node.views.json_views import format_time
from accredit.registry.encoding.counts import many
from accredit.registry.errors import InputError
from accredit.registry.evidence.statement_proof import Presence, Proved, check_presence
from accredit.registry.evidence.trust_policy import TrustPolicy

from .checks import read_policy, remember

if TYPE_CHECKING:
    from accredit.node.clients.node_client import NodeClient


def prove_presence(statement: str, policy_path: Path, nodes: tuple[str, ...]) -> None:
    """Ask the nodes in turn until one proves something; print the result.

    Args:
        statement: its id, or the beginning of one that has taken effect.

    Raises:
        InputError: there is no such policy, or no such id.
        CheckError: what the nodes answer does not stand.
        RemoteError: no node could be asked, or none has a note that a quorum cosigned (`no_state_note`).
    """
    now, policy = int(time.time()), read_policy(policy_path)
    id, proved, word = first_good(nodes, lambda client: _fetch(client, statement, policy, now))
    remember(policy_path, proved.noted.state)
    state, names = proved.noted.state, [key.name for key in proved.noted.signers]
    data = {
        "verified": True,
        "statement": id,
        "present": proved.is_present,
        "statements": state.count,
        "root": state.root,
        "noted": format_time(proved.noted.since),
        "signers": names,
        "node_says": word or None,
    }

    def text() -> None:
        of = f"the state of {many(state.count, 'statement')}"
        if proved.is_present:
            output.say(f"{good('Accepted')}: {of} includes statement {id[:12]}.")
        else:
            output.say(f"{fair('Not included')}: {of} does not include statement {id[:12]}.")
            output.say(f"  Only this node says: {output.safe(word)}")
        output.facts([("vouched for", f"{documents.span(now - proved.noted.since)} ago, by {', '.join(names)}")])

    output.emit(data, text)
    if not proved.is_present:
        raise exits.Negative


def _fetch(client: "NodeClient", statement: str, policy: TrustPolicy, now: int) -> tuple[str, Proved, str]:
    """Return the id, the proved result, and, if the statement is absent, the node's own word about it."""
    id = complete_statement(client, statement)
    proved = check_presence(Presence.of(client.presence(id)), bytes.fromhex(id), policy, now)
    if proved.is_present:
        return id, proved, ""
    try:
        held = client.statement(id)
    except InputError:
        held = None
    return id, proved, word_of(held)


def word_of(held: dict[str, Any] | None) -> str:
    """Return why a statement may be absent, by the node's own unproved word.

    Args:
        held: what the node says of the statement; None where it has none of that id.
    """
    if held is None:
        return "it has never seen the statement. Check that it was submitted and that the id is right."
    if held["state"] == "void":
        return f"the statement is void: {held['reason']}"
    return f"it holds the statement ({held['state']}). Ask again in a moment, once the signers have noted it."
