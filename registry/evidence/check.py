"""Evidence: an answer with its proof, so that the verifier need not trust the node that answers.

    evidence = {
      "v": 1,
      "asked": "authorization" / "recognition",
      "query": {...},              the question, members that are not asked left out
      "answer": {...},             the decision without its sentences, which the checker writes anew
      "records_root": bstr32, "statements_root": bstr32,
      "records": [[type, id, record bstr / null, proof bstr], ...]      sorted, each once
      "note": bstr                 the state note, cosigned; empty while the node has none
    }

in deterministic CBOR, at most `EVIDENCE_BYTES`. A `prove.Prover` makes one: it runs `decide` and proves every record
that this read, present or absent. `check` needs no network; it checks in this order:

    form            the file is well-formed
    question        it answers the question that was asked
    authority       the policy relies on whoever the question is about
    policy, note, cosignatures, ecosystem, fold, quorum, age, count     the noted state stands (`noted`)
    root            both roots together are the noted state's
    proof, record   every record or absence is proved under that root
    time            the answer was made within the maximum age
    missing_record, surplus_record      the same `decide` reads exactly these records
    decision        it comes to the same answer

Another program (which needs only cbor2 and pynacl) calls it like this:

    policy = TrustPolicy.decode(policy_file)
    checked = check(evidence_file, query, policy, now)
    if checked.result is CheckResult.VERIFIED and checked.decision.authorized:
        keep(policy.remember(checked.state).encode())

The answerer states when it made the answer. Any time within the maximum age is accepted, because the check verifies
what the proved records say at that time. The count pins a state, so keep the policy that `remember` returns. To check
many answers, keep one `EvidenceChecker(policy)`: it reads a note, and the records that all answers under it share,
once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..decision.query import Query, spelled_authority
from ..decision.query_forms import decode_query, encode_query, summary
from ..decision.verdict import Decision
from ..encoding import schema
from ..encoding.cbor import decode, encode
from ..encoding.counts import many
from ..encoding.rfc3339 import text
from ..errors import DecodeError
from ..transparency.merkle import HASH_BYTES
from ..transparency.signed_note import NOTE_BYTES_MAX, VerifierKey
from ..transparency.state_note import AHEAD_MAX, StateNote
from ..transparency.state_trie import state_root
from .deciding import AUTHORIZATION, RECOGNITION, StateSitting
from .proved_records import ProvedBefore, ProvenRecord, ProvenRecords, decode_records
from .state_check import CheckError, CheckResult, NotedState, read_note
from .trust_policy import TrustPolicy

EVIDENCE_BYTES: Final = 16 * 1024 * 1024
"""One answer's evidence: an issuer with some ten thousand accreditations, at 1.2 kB each. A guess, to be measured."""
RECORDS_MAX: Final = 20_000

NOTES_MAX: Final = 64
"""Notes that a checker remembers within one second: more than the nodes it asks. A guess."""


def _records(value: Any, path: str) -> None:
    if type(value) is not list or len(value) > RECORDS_MAX:
        raise schema.wrong(path, f"a list of at most {RECORDS_MAX} records")


def _note(value: Any, path: str) -> None:
    if type(value) is not bytes or len(value) > NOTE_BYTES_MAX:
        raise schema.wrong(path, f"a note of at most {NOTE_BYTES_MAX} bytes")


def _map(value: Any, path: str) -> None:
    if type(value) is not dict or not {str}.issuperset(map(type, value)):
        raise schema.wrong(path, "a map with member names that are text")


_FORM: Final = schema.members(
    {
        "v": schema.integer(1, 1),
        "asked": schema.one_of(AUTHORIZATION, RECOGNITION),
        "query": _map,
        "answer": _map,
        "records_root": schema.digest,
        "statements_root": schema.digest,
        "records": _records,
        "note": _note,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """An evidence file, unverified.

    Attributes:
        query: the question. asked: one of `AUTHORIZATION`, `RECOGNITION`.
        answer: what `query_forms.summary` makes of the decision.
        records: the records that the decision read, with proofs under `records_root`.
        note: a state note over both roots; empty if there is none.
    """

    asked: str
    query: Query
    answer: Mapping[str, Any]
    records_root: bytes
    statements_root: bytes
    records: tuple[ProvenRecord, ...]
    note: bytes

    def encode(self) -> bytes:
        """The file.

        Raises:
            DecodeError: the file is too large, or the question cannot be encoded.
        """
        try:
            data = encode(
                {
                    "v": 1,
                    "asked": self.asked,
                    "query": encode_query(self.query),
                    "answer": dict(self.answer),
                    "records_root": self.records_root,
                    "statements_root": self.statements_root,
                    "records": [one.as_list() for one in self.records],
                    "note": self.note,
                }
            )
        except ValueError as error:
            raise DecodeError("not_encodable", f"the evidence cannot be written: {error}.") from error
        if len(data) > EVIDENCE_BYTES:
            raise DecodeError(
                "too_large",
                f"the evidence has {len(data)} bytes; at most {EVIDENCE_BYTES} are allowed.",
                hint="Ask about one authority only, or use a snapshot.",
            )
        return data

    @classmethod
    def decode(cls, data: bytes) -> "Evidence":
        """Reads a file; `encode` gives the same bytes back.

        Raises:
            DecodeError: it is not well-formed.
        """
        value = decode(data, what="the evidence", max_bytes=EVIDENCE_BYTES)
        _FORM(value, "evidence")
        if "ext" in value:
            raise schema.wrong("evidence", "no other members")
        return cls(
            asked=value["asked"],
            query=decode_query(value["query"], "query"),
            answer=value["answer"],
            records_root=value["records_root"],
            statements_root=value["statements_root"],
            records=decode_records(value["records"]),
            note=value["note"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The outcome of a check.

    Attributes:
        result: act only on `verified`.
        check: which check gave the result; empty if verified.
        text: one sentence for people, and what to do.
        decision: the answer, computed again from the proved records; None unless verified.
        state: the noted state, for the caller to remember; None unless verified.
        since: seconds; the age of the answer is counted from here. signers: whose cosignatures count.
    """

    result: CheckResult
    check: str
    text: str
    decision: Decision | None = None
    state: StateNote | None = None
    since: int | None = None
    signers: tuple[VerifierKey, ...] = ()


class EvidenceChecker:
    """Checks many evidence files under one policy.

    It checks once, and remembers, what many files share: the note, while the clock shows the same second, and the
    records that were proved under the same root: of the charter, the authorities and the last few issuers. It skips a
    check only for identical bytes, so its results are always those of a new checker.
    """

    def __init__(self, policy: TrustPolicy) -> None:
        self._policy = policy
        self._notes: dict[bytes, NotedState] = {}
        self._read_at: int | None = None
        self._before = ProvedBefore(bytes(HASH_BYTES))
        self._state = StateSitting(policy.charter)

    def check(self, data: bytes, query: Query | None, now: int, *, asked: str = AUTHORIZATION) -> Checked:
        """Checks an evidence file. Raises nothing, whatever the bytes.

        Args:
            query: the question asked; None to take it from the file, which the caller must then show to a person.
            now: the verifier's clock, seconds since 1970.
            asked: which of the two questions; ignored if `query` is None.
        """
        try:
            return self._check(_decode(data), query, asked, now)
        except CheckError as error:
            return Checked(result=error.result, check=error.check, text=str(error))

    def _check(self, evidence: Evidence, query: Query | None, asked: str, now: int) -> Checked:
        policy = self._policy
        if query is not None and (query, asked) != (evidence.query, evidence.asked):
            raise CheckError(CheckResult.REFUTED, "question", "The evidence answers a different question.")
        check_authority(evidence.query, policy)
        noted = self._read(evidence.note, now)
        if state_root(evidence.records_root, evidence.statements_root) != noted.state.root:
            raise CheckError(
                CheckResult.REFUTED, "root", "The roots of records and statements do not match the state note."
            )
        if self._before.root != evidence.records_root:
            self._before, self._state = ProvedBefore(evidence.records_root), StateSitting(policy.charter)
        records = ProvenRecords(evidence.records_root, evidence.records, self._before)
        time = _time_of(evidence, policy, now)
        decision = self._state.decide(evidence.query, records, time, asked=evidence.asked)
        records.check_all_read()
        _compare(evidence.answer, summary(decision))
        if decision.valid_until is not None and decision.valid_until <= now:
            message = f"The answer expired on {text(decision.valid_until)}."
            raise CheckError(CheckResult.STALE, "time", message, hint="Ask again.")
        return Checked(
            result=CheckResult.VERIFIED,
            check="",
            text=f"Verified: {many(len(noted.signers), 'signer', 'vouches', 'vouch')} "
            f"for a state of {many(noted.state.count, 'statement')}.",
            decision=decision,
            state=noted.state,
            since=noted.since,
            signers=noted.signers,
        )

    def _read(self, note: bytes, now: int) -> NotedState:
        if self._read_at != now or len(self._notes) >= NOTES_MAX:
            self._notes.clear()
            self._read_at = now
        noted = self._notes.get(note)
        if noted is None:
            noted = self._notes[note] = read_note(note, self._policy, now)
        return noted


def check(data: bytes, query: Query | None, policy: TrustPolicy, now: int, *, asked: str = AUTHORIZATION) -> Checked:
    """Checks one evidence file (`EvidenceChecker.check`)."""
    return EvidenceChecker(policy).check(data, query, now, asked=asked)


def _decode(data: bytes) -> Evidence:
    try:
        return Evidence.decode(data)
    except DecodeError as error:
        raise CheckError(CheckResult.REFUTED, "form", f"This is not an evidence file: {error.message}") from None


def check_authority(query: Query, policy: TrustPolicy) -> None:
    """Check that the policy relies on the authority that the question names.

    Raises:
        CheckError: it does not.
    """
    try:
        authority = spelled_authority(query.authority)
    except DecodeError:
        authority = query.authority  # the decision will say what is wrong with it
    if not policy.relies_on(authority):
        raise CheckError(
            CheckResult.UNKNOWN,
            "authority",
            f"The trust policy does not rely on {query.authority}.",
            hint=f"Ask about {' or '.join(policy.authorities)}.",
        )


def _time_of(evidence: Evidence, policy: TrustPolicy, now: int) -> int:
    """Return when the answer was made, by the answerer's clock; check that the policy allows this time."""
    time = evidence.answer.get("time_evaluated")
    if type(time) is not int:
        raise CheckError(CheckResult.REFUTED, "decision", "The answer does not say when it was made.")
    if not now - policy.max_age <= time <= now + AHEAD_MAX:
        message = f"The answer is dated {text(time)}, which is too old or in the future."
        raise CheckError(CheckResult.STALE, "time", message, hint="Ask again, and check this machine's clock.")
    return time


def _compare(given: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    if given == found and [*map(type, map(given.get, found))] == [*map(type, found.values())]:
        return  # as `_is_same` of each, at a fifth of the cost
    shown = ", ".join(sorted(name for name in {**given, **found} if not _is_same(given, found, name)))[:200]
    raise CheckError(
        CheckResult.REFUTED,
        "decision",
        f"The proved records lead to a different answer; these members differ: {shown}.",
        hint="Keep this file: whoever made it is lying or runs a different version.",
    )


def _is_same(given: Mapping[str, Any], found: Mapping[str, Any], name: str) -> bool:
    """Compare types too, because Python takes 1 and true for equal; the lists of an answer hold no numbers."""
    if name not in given or name not in found:
        return False
    return type(given[name]) is type(found[name]) and bool(given[name] == found[name])
