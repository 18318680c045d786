"""The output of `accredit query` with a trust policy: proved answers, and newer statements that nodes report without
proof."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from accredit.cli.base import exits, output
from accredit.cli.base.node_option import first_of
from accredit.cli.base.output import fair, good, safe
from accredit.node.views.decision_view import decided
from accredit.registry.decision.explanations import Audience
from accredit.registry.encoding.counts import many

from .checks import CheckedEvidence, read_policy, remember, show_answer
from .decision_text import details_of, in_words_of, show_decision
from .private_query import ask_place
from .query_options import query_of


def show_private_answer(
    nodes: Sequence[str], question: dict[str, Any], policy_path: Path, audience: Audience | None
) -> None:
    """Ask without revealing the issuer, decide here, and show the answer.

    Raises:
        Negative: the answer is no.
    """
    policy, now = read_policy(policy_path), int(time.time())
    asked = query_of(question, policy.charter)
    answer = first_of(nodes, lambda place: ask_place(place, asked, policy, now))
    noted, view = answer.noted, in_words_of(audience, dict(decided(answer.decision)))
    remember(policy_path, noted.state)

    def text() -> None:
        vouching = many(len(noted.signers), "signer", "vouches", "vouch")
        said = f"{vouching} for a state of {many(noted.state.count, 'statement')}"
        output.say(f"{good('Verified')}  {said}; the node was not told which issuer it is.")
        output.say()
        show_decision(question, view, details_of(view, answer.records), at_node=False)

    output.emit({"result": "verified", **view, "statements_noted": noted.state.count}, text)
    if not answer.decision.authorized:
        raise exits.Negative


def rank(checked: CheckedEvidence | None) -> int:
    """Order answers: verified ones, then those whose check failed, then those that could not be checked."""
    if checked is None:
        return 2
    return 0 if checked.decision is not None else 1


def show_checked_answers(
    question: dict[str, Any], told: Sequence[tuple[dict[str, Any], CheckedEvidence | None]], now: int
) -> None:
    """Show the proved answer, and the nodes that report something newer without proof.

    Args:
        told: what each node answered, and what came of its evidence, the best first.

    Raises:
        Negative: anything but a proved yes that no node takes back.
    """
    best = told[0][1]
    own_words = [
        {"node": answer["node"], "verdict": answer["decision"]["verdict"], "reasons": answer["decision"]["reasons"]}
        for answer, checked in told
        if checked is None
    ]
    alone: dict[str, Any] = {"result": "unwitnessed", "check": "own_word", "question": question, "decision": None}
    data = {
        **(alone if best is None else best.to_json()),
        "own_word": own_words,
        "answers": [
            {"node": answer["node"], "result": str(one.checked.result), "check": one.checked.check or None}
            for answer, one in told
            if one is not None
        ],
    }

    def text() -> None:
        if best is not None:
            show_answer(best, now, asked=True)
        for one in own_words:
            said = "; ".join(reason["text"] for reason in one["reasons"])
            output.say(f"{fair('Own word')}  of {safe(one['node'])}: {safe(one['verdict'])}. {safe(said)}")
        if own_words:
            output.say(
                "  No quorum vouches for it yet, perhaps because it is new, so this is not a yes. Ask "
                "again in a minute."
            )
        for answer, checked in told[1:]:
            if best is not None and checked is not None and checked.checked.result is not best.checked.result:
                result, check = checked.checked.result, checked.checked.check
                output.say(f"{fair('!')} {safe(answer['node'])}: {result}, by the check {check}")

    output.emit(data, text)
    if best is None:
        raise exits.Negative("unwitnessed")
    best.end()
    if own_words:
        raise exits.Negative
