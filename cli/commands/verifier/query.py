"""`accredit query`: asks whether an issuer is trusted, for what and when, and by whose decision.

A person gets the verdict in words, the accreditor, the reasons, the validity, what to do next, and the same question as
one curl command. It ends with 0 if the answer is yes, else with 1. With several nodes (`--node` repeated) it asks all;
if they differ, it says so and the answer is no.

With `--private` the node does not learn the issuer (`private_query`).

With a trust policy no node needs to be trusted: the answer comes with evidence, which is checked here, and the answer
shown is the one for which a quorum of the policy's signers vouches. If a node knows of a newer statement without a
quorum yet, such as a revocation a second ago, it is shown as the node's own claim, and the answer is no.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from accredit.cli.base import documents, exits, output
from accredit.cli.base.commands import Command
from accredit.cli.base.context import wants_json
from accredit.cli.base.file_argument import FILE
from accredit.cli.base.ids import NOT_HERE, near
from accredit.cli.base.node_option import connected, place_option
from accredit.cli.base.output import bad, faint, fair, good, safe
from accredit.cli.verifying.decision_text import in_words_of, show_decision
from accredit.cli.verifying.node_answers import evidence_of
from accredit.cli.verifying.query_options import QueryOptions, as_curl, policy_option, query_of, question_options
from accredit.registry.errors import AccreditError, InputError, RemoteError, StorageError

if TYPE_CHECKING:
    from accredit.node.clients.node_client import NodeClient
    from accredit.registry.decision.explanations import Audience
    from accredit.registry.evidence.trust_policy import TrustPolicy


@click.command(
    "query",
    cls=Command,
    example="""accredit query did:web:uni.example --for BachelorDegree --on 2015-05-20
accredit query did:web:bootcamp.example --competency https://example.org/skills/python --jurisdiction US-IN
accredit query did:web:uni.example --for Degree --audience learner
accredit query did:web:uni.example --for Degree --node https://node1.example.org --node https://node2.example.org
accredit query did:web:uni.example --for Degree --policy policy.txt --evidence uni.evidence
accredit query did:web:uni.example --for Degree --policy policy.txt --private
accredit query did:web:uni.example --for Degree --on 2015-05-20 --existed-by diploma.receipt.json --policy policy.txt
accredit query did:web:uni.example --for Degree --policy policy.txt --node s3://registry/published""",
)
@click.argument("issuer", metavar="ID")
@question_options
@click.option(
    "--evidence",
    "target",
    type=FILE,
    metavar="FILE",
    help="Write the evidence of the answer to a file, to check offline.",
)
@policy_option("Check the answer against this trust policy.")
@click.option("--private", is_flag=True, help="Do not tell the node which issuer you ask about; needs --policy.")
@place_option
def query(
    issuer: str,
    asked: QueryOptions,
    target: Path | None,
    policy_path: Path | None,
    private: bool,
    nodes: tuple[str, ...],
) -> None:
    """Ask whether issuer ID (a DID or https URL) is accredited to issue this.

    Shows the verdict, the accreditor, the reasons, the dates, and what to do next. Ends with 0 if the answer is yes,
    else with 1. With --policy the answer counts only if its evidence is verified; if not, the command ends with 10
    (refuted), 11 (unwitnessed), 12 (stale) or 13 (unknown): see accredit evidence check --help. A store of published
    files needs --policy: this machine decides then, and the store learns no more than a node does with --private.
    """
    question = asked.question(issuer, _policy_of_receipt(asked, policy_path))
    if private or any(_is_store(place) for place in nodes):
        what = "--private" if private else "A store of published files"
        _decide_here(nodes, question, policy_path, target, asked.audience, what)
        return
    if target is not None and target.exists():
        raise StorageError(
            "file_exists", f"{target} already exists.", hint="Choose another name for the evidence file."
        )
    try:
        _ask(nodes, question, target, policy_path, asked.audience)
    except RemoteError as error:
        # Nobody at a web server's folder answers a question, but it may have the files that do.
        if error.code != "bad_answer" or not _has_files(nodes):
            raise
        _decide_here(nodes, question, policy_path, target, asked.audience, "A store of published files")


def _policy_of_receipt(asked: QueryOptions, policy_path: Path | None) -> "TrustPolicy | None":
    """The policy by which a receipt in a question is judged; not read where there is none."""
    if policy_path is None or asked.existed_by is None:
        return None
    from accredit.cli.verifying.checks import read_policy

    return read_policy(policy_path)


def _is_store(place: str) -> bool:
    from accredit.node.clients.store_files import is_store

    return is_store(place)


def _has_files(nodes: Sequence[str]) -> bool:
    from accredit.node.clients.outgoing import Outgoing
    from accredit.node.clients.store_reading import is_published

    return any(is_published(url, Outgoing.from_environment()) for url in nodes)


def _decide_here(
    nodes: Sequence[str],
    question: dict[str, Any],
    policy_path: Path | None,
    target: Path | None,
    audience: "Audience | None",
    what: str,
) -> None:
    """Ask by bucket, of nodes and stores alike.

    Raises:
        InputError: `private_needs_policy`.
    """
    if policy_path is None:
        raise InputError(
            "private_needs_policy",
            f"{what} needs a trust policy, because this machine decides.",
            hint="Add --policy FILE, from trust export.",
        )
    if target is not None:
        raise InputError(
            "private_needs_policy",
            f"{what} gives no evidence file, because this machine decides.",
            hint="Leave out --evidence.",
        )
    from accredit.cli.verifying.proved_query import show_private_answer

    show_private_answer(nodes, question, policy_path, audience)


def _ask(
    nodes: Sequence[str],
    question: dict[str, Any],
    target: Path | None,
    policy_path: Path | None,
    audience: "Audience | None",
) -> None:
    """Ask nodes, and check what they answer if there is a policy to check it with."""
    if target is None and policy_path is None:
        _show_unproved(nodes, question, _ask_all(nodes, question), audience)
        return
    # Without a policy the modules that check evidence are not loaded.
    from accredit.cli.verifying.checks import check_answer, read_policy
    from accredit.cli.verifying.proved_query import rank, show_checked_answers

    read_as = None if policy_path is None else query_of(question, read_policy(policy_path).charter)
    answers = _ask_all(nodes, {**question, "evidence": True})
    proofs = [answer.pop("proof") for answer in answers]
    now = int(time.time())
    if policy_path is None:
        assert target is not None
        _keep(target, next((proof for proof in proofs if proof is not None), None))
        # Unchecked, it is worth no more than the node's word, and shown as that.
        _show_unproved(nodes, question, answers, audience)
        return
    checked = [
        None if one is None else check_answer(one, read_as, policy_path, now, audience=audience) for one in proofs
    ]
    # One proved answer is enough, from any node.
    order = sorted(range(len(checked)), key=lambda at: rank(checked[at]))
    _keep(target, proofs[order[0]])
    show_checked_answers(question, [(answers[at], checked[at]) for at in order], now)


def _show_unproved(
    nodes: Sequence[str], question: dict[str, Any], answers: list[dict[str, Any]], audience: "Audience | None"
) -> None:
    answers = [{**one, "decision": in_words_of(audience, one["decision"])} for one in answers]
    first = answers[0]
    agree = all(_gist(answer) == _gist(first) for answer in answers)
    data = {**first["decision"], "agree": agree, "answers": answers}
    with connected(nodes[0]) as client:
        details = {} if wants_json() else _details(client, first["decision"], question["issuer"])
    output.emit(data, lambda: _show(question, answers, details, agree=agree))
    if not agree or not first["decision"]["authorized"]:
        raise exits.Negative


def _ask_all(nodes: Sequence[str], question: dict[str, Any]) -> list[dict[str, Any]]:
    """Every node's answer, with its `proof` where evidence is asked for, the more cautious answers first.

    One that cannot be reached is said and left out, unless none is left.
    """
    answers: list[dict[str, Any]] = []
    failed: list[AccreditError] = []
    with output.progress("Asking", len(nodes)) as step:
        for url in nodes:
            try:
                with connected(url) as client:
                    answer: dict[str, Any] = {"node": url, "decision": client.decide(question)}
                if "evidence" in question:
                    answer["proof"] = evidence_of(answer)
                answers.append(answer)
            except RemoteError as error:
                failed.append(error)
            step(1)
    for failure in failed if answers else ():
        output.note(f"{fair('!')} {safe(failure.message)}")
    if not answers:
        raise failed[0]
    return sorted(answers, key=lambda answer: bool(answer["decision"]["authorized"]))


def _gist(answer: dict[str, Any]) -> tuple[Any, ...]:
    decision = answer["decision"]
    return decision["verdict"], decision["authorized"], sorted(decision["accreditations"])


def _details(client: "NodeClient", decision: dict[str, Any], asked: str) -> dict[str, Any]:
    """What makes an answer readable: names of authorities, and the accreditations it rests on."""
    try:
        listed = client.authorities()["authorities"]
    except InputError as error:
        if error.code not in NOT_HERE:
            raise
        listed = []  # a replica answers questions and has no lists: authorities then go by their ids
    authorities = {record["id"]: record["standings"][0] for record in listed}
    accreditations = []
    for id_ in decision["accreditations"][:5]:
        try:
            accreditations.append(client.accreditation(id_))
        except InputError:
            continue
    likely = near(client, asked) if decision["verdict"] == "unknown_issuer" else []
    return {"authorities": authorities, "accreditations": accreditations, "near": likely}


def _show(question: dict[str, Any], answers: list[dict[str, Any]], details: dict[str, Any], *, agree: bool) -> None:
    if not agree:
        output.say(bad("The nodes give different answers; this is the most cautious of them."))
    show_decision(question, answers[0]["decision"], details, at_node=True)
    if len(answers) > 1:
        output.say()
        rows = [(a["node"], a["decision"]["verdict"], documents.when(a["decision"]["time_evaluated"])) for a in answers]
        output.table(("node", "verdict", "at"), rows)
        output.say(
            good("The nodes agree.")
            if agree
            else bad("The nodes disagree. Ask again in a moment; if they still disagree, contact their operators.")
        )
    output.say()
    output.say(faint("The same with curl:"))
    asked = as_curl(answers[0]["node"], question)
    output.say(asked if output.fits(asked) else as_curl(answers[0]["node"], question, is_narrow=True))


# ------------------------------------------------------------------------------------------------ with evidence


def _keep(target: Path | None, proof: bytes | None) -> None:
    if target is None:
        return
    if proof is None:
        output.note(f"{fair('!')} {target} was not written, because the node gave no evidence for its answer.")
        return
    documents.write_new(target, proof)
    check = f"accredit evidence check {output.quoted(target)} --policy POLICY"
    output.note(f"Wrote {target}. Check it, without a network:  {check}")
