"""Asks about the issuers of credentials, in ways that differ in how far the answer can be relied on.

    with registry_of(…) as registry:
        answer, keys = registry.ask(question)

The ways are a node's unproved word; a node's answer with evidence, checked by a trust policy; a snapshot checked by
such a policy, offline; and a private question, which does not tell the node which issuer it is about. Each gives the
decision and the keys that the registry pins for the issuer. If asking fails, the answer says why.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from accredit.cli.base.ids import NOT_HERE
from accredit.cli.base.node_option import connected, first_of
from accredit.cli.checking.custodians import issuer_record_of
from accredit.cli.credentials.judging import IssuerAnswer
from accredit.cli.credentials.keys import IssuerKeys
from accredit.cli.credentials.outcomes import CheckStopped, not_done
from accredit.cli.verifying.checks import RESULT_MEANINGS, check_answer, read_policy, remember
from accredit.cli.verifying.node_answers import evidence_of
from accredit.cli.verifying.private_query import ask_place
from accredit.cli.verifying.query_options import query_of
from accredit.node.clients.outgoing import Outgoing
from accredit.node.clients.store_reading import is_published
from accredit.node.views.decision_view import decided
from accredit.node.views.json_views import plain
from accredit.registry.domain.record_types import IssuerRecord
from accredit.registry.domain.records import Records, issuer_in
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.errors import AccreditError, DecodeError, InputError, NotYetError, RemoteError
from accredit.registry.evidence.snapshot import Snapshot
from accredit.registry.evidence.state_check import CheckResult
from accredit.registry.evidence.trust_policy import TrustPolicy

if TYPE_CHECKING:
    from accredit.node.clients.node_client import NodeClient

AnswerAndKeys = tuple[IssuerAnswer, IssuerKeys]

STORE_NEEDS_POLICY: Final = "A store of published files needs a trust policy, because this machine decides."
ADD_POLICY: Final = "Add --policy FILE, from trust export."

_ANY_CHARTER: Final = "https://any.example/"
_OF_SNAPSHOT: Final = {"not_covered": CheckResult.STALE, "authority_not_relied_on": CheckResult.UNKNOWN}


@dataclass
class IssuerRegistry:
    """Asks about issuers, about each once.

    Attributes:
        way: asks one question.
    """

    way: Callable[[dict[str, Any]], AnswerAndKeys]
    _known: dict[str, AnswerAndKeys] = field(default_factory=dict)

    def ask(self, question: dict[str, Any]) -> AnswerAndKeys:
        """Return the answer to a question, and the issuer's keys. It raises none of this project's errors."""
        asked = repr(sorted(question.items()))
        if asked not in self._known:
            self._known[asked] = self._ask(question)
        return self._known[asked]

    def _ask(self, question: dict[str, Any]) -> AnswerAndKeys:
        try:
            query_of(question, _ANY_CHARTER)
        except DecodeError as error:
            text = f"Its issuer cannot be asked about: {error.message}"
            why_not = IssuerAnswer(decision=None, why_not=not_done("bad_question", text, error.hint))
            least: dict[str, Any] = {name: question[name] for name in ("issuer", "key") if name in question}
            # What it attests may be a word that nobody knows; its issuer's keys are known all the same.
            return why_not, self.ask(least)[1] if least != question else IssuerKeys()
        try:
            return self.way(question)
        except AccreditError as error:
            code = "unreachable" if isinstance(error, RemoteError) else error.code
            return _without(not_done(code, error.message, error.hint))


@contextmanager
def registry_of(
    nodes: Sequence[str],
    *,
    policy_path: Path | None,
    snapshot: "tuple[Snapshot, int | None] | None",
    is_private: bool,
    now: int,
) -> Iterator[IssuerRegistry]:
    """Open a way to ask.

    Args:
        policy_path: a trust policy; without one a node's word is taken, and said to be that.
        snapshot: one that was loaded, and its maximum age, seconds; None: ask nodes.
        is_private: do not tell a node whom the question is about.
        now: this machine's clock, seconds since 1970.
    """
    if policy_path is None:
        yield IssuerRegistry(lambda question: first_of(nodes, lambda url: _word_of(url, question)))
        return
    path, policy = policy_path, read_policy(policy_path)
    if snapshot is not None:
        loaded, max_age = snapshot
        yield IssuerRegistry(lambda question: _of_snapshot(loaded, question, policy, now, max_age))
    elif is_private:
        yield IssuerRegistry(lambda question: _privately(nodes, question, path, policy, now))
    else:
        yield IssuerRegistry(lambda question: _proved_by_any(nodes, question, path, policy, now))


def _without(why_not: CheckStopped) -> AnswerAndKeys:
    return IssuerAnswer(decision=None, why_not=why_not), IssuerKeys()


def _unproved(result: CheckResult, text: str) -> AnswerAndKeys:
    return _without(
        not_done(str(result), f"What the registry says about its issuer is not proved: {text}", RESULT_MEANINGS[result])
    )


def _word_of(url: str, question: Mapping[str, Any]) -> AnswerAndKeys:
    """Return the answer of a node, without proof.

    Raises:
        InputError: `needs_policy`: it is a web server with published files, which answer nothing by themselves.
    """
    try:
        with connected(url) as client:
            return _by_word(client, question)
    except RemoteError as error:
        if error.code == "bad_answer" and is_published(url, Outgoing.from_environment()):
            raise InputError("needs_policy", STORE_NEEDS_POLICY, hint=ADD_POLICY) from None
        raise


def _by_word(client: "NodeClient", question: Mapping[str, Any]) -> AnswerAndKeys:
    decision = client.decide(question)
    said: Sequence[Mapping[str, Any]] = ()
    record: IssuerRecord | None = None
    keepers: tuple[str, ...] = ()
    if decision["verdict"] != "unknown_issuer":
        try:
            view = client.issuer(str(decision.get("issuer") or question["issuer"]))
            said, record = view["keys"], issuer_record_of(view)
            successors = view.get("successors", ())  # a node of an older version does not say
            keepers = tuple(str(one["id"]) for one in successors if one["keeps_records"])
        except InputError as error:
            if error.code not in NOT_HERE:
                raise
    answer = IssuerAnswer(decision=decision, source=f"the node {client.url}", record=record, keepers=keepers)
    return answer, counted_keys(said, decision, question)


def _told_by(records: Records, answer: IssuerAnswer, question: Mapping[str, Any], charter: str) -> AnswerAndKeys:
    """Return an answer with the issuer's record among the proved ones, and the keys in it that count."""
    decision = answer.decision
    assert decision is not None, "it was proved"
    id_ = CanonicalId(str(decision.get("issuer") or query_of(dict(question), charter).entity))
    record = issuer_in(records, id_)
    said: Any = [] if record is None else plain(record["keys"])
    return replace(answer, record=record), counted_keys(said, decision, question)


def counted_keys(
    said: Sequence[Mapping[str, Any]], decision: Mapping[str, Any], question: Mapping[str, Any]
) -> IssuerKeys:
    """Return the keys that count for an answer, from all statements about the issuer's keys.

    Anybody who may speak in the registry can state a key for any issuer, under any id: also another key under the id of
    a real one. So those count that the decision cites; it does so where it was asked about one. Where it was asked
    about none, all are candidates, those by the accreditation's own authorities first.
    """
    added = [one for one in said if one["op"] == "add"]
    if "key" not in question:
        chain = [(link["by"], link["via"]) for link in decision["chain"]]
        added.sort(key=lambda one: (one["by"], one.get("via")) not in chain)
        return IssuerKeys(pinned=[one["key"] for one in added], asked=True)
    cited = frozenset(decision["statements"])
    return IssuerKeys(
        pinned=[one["key"] for one in added if one["statement"] in cited],
        stolen=frozenset(one["key_id"] for one in said if one["op"] == "compromise" and one["statement"] in cited),
        asked=True,
    )


def _proved_by_any(
    nodes: Sequence[str], question: dict[str, Any], policy_path: Path, policy: TrustPolicy, now: int
) -> AnswerAndKeys:
    """Return the answer of the first node whose evidence is verified; one proved answer is enough, whatever its
    source."""
    unproved: list[AnswerAndKeys] = []
    failures: list[AccreditError] = []
    for url in nodes:
        try:
            answered = _proved_at(url, question, policy_path, policy, now)
        except (InputError, NotYetError, RemoteError) as error:
            failures.append(error)
            continue
        if answered[0].why_not is None:
            return answered
        unproved.append(answered)
    if not unproved:
        raise failures[0]
    return unproved[0]


def _proved_at(url: str, question: dict[str, Any], policy_path: Path, policy: TrustPolicy, now: int) -> AnswerAndKeys:
    """Return the answer of a node, or the answer proved by the published files on a plain web server."""
    try:
        with connected(url) as client:
            return _proved(client, question, policy_path, policy, now)
    except RemoteError as error:
        if error.code != "bad_answer" or not is_published(url, Outgoing.from_environment()):
            raise
    return _privately([url], question, policy_path, policy, now)


def _proved(
    client: "NodeClient", question: dict[str, Any], policy_path: Path, policy: TrustPolicy, now: int
) -> AnswerAndKeys:
    answer: dict[str, Any] = {"node": client.url, "decision": client.decide({**question, "evidence": True})}
    proof = evidence_of(answer)
    if proof is None:
        return _unproved(CheckResult.UNWITNESSED, f"only {client.url} says so yet.")
    checked = check_answer(proof, query_of(question, policy.charter), policy_path, now)
    if checked.decision is None:
        return _unproved(checked.checked.result, checked.checked.text)
    signers = ", ".join(key.name for key in checked.checked.signers)
    answered = IssuerAnswer(decision=checked.decision, proved=True, source=f"by the signers {signers}")
    return _told_by(checked.records, answered, question, policy.charter)


def _of_snapshot(
    loaded: Snapshot, question: dict[str, Any], policy: TrustPolicy, now: int, max_age: int | None
) -> AnswerAndKeys:
    decision = loaded.ask(query_of(question, policy.charter), now, max_age=max_age)
    result = _OF_SNAPSHOT.get(decision.reasons[0].code)
    if result is not None:
        return _unproved(result, decision.reasons[0].text)
    view = dict(decided(decision))
    signers = ", ".join(key.name for key in loaded.noted.signers)
    answer = IssuerAnswer(decision=view, proved=True, source=f"by a snapshot that the signers {signers} vouch for")
    return _told_by(loaded, answer, question, policy.charter)


def _privately(
    nodes: Sequence[str], question: dict[str, Any], policy_path: Path, policy: TrustPolicy, now: int
) -> AnswerAndKeys:
    asked = query_of(question, policy.charter)
    answer = first_of(nodes, lambda place: ask_place(place, asked, policy, now))
    noted, view = answer.noted, dict(decided(answer.decision))
    remember(policy_path, noted.state)
    signers = ", ".join(key.name for key in noted.signers)
    source = f"by the signers {signers}, and the node was not told which issuer it is"
    told = IssuerAnswer(decision=view, proved=True, source=source)
    return _told_by(answer.records, told, question, policy.charter)
