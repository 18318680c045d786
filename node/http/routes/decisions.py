"""`POST /v1/decisions`: the native question, one or up to a thousand at a time.

    {"issuer": "did:web:college.example", "achievement_type": "BachelorDegree", "issued_on": "2015-05-20"}

Every member has its canonical name and, where people use another word, a plain one (`node.questions`). A list, or
`{"queries": [...]}`, is answered by `{"decisions": [...]}` in the order asked; a question that cannot be understood has
its problem in its place, and the others are answered. A batch takes several turns, and may wait for other batches; so
whatever was a yes in an earlier turn is looked at again before the answer is sent. With `evidence`, the answer is that
of the newest noted state, with a file that proves it (`registry.evidence.check`, base64). Bad news does not wait for
the quorum: if this node holds a newer statement by which the answer is no longer yes, it says so at once, without
proof, until a note includes it.

Only `entity` (or `issuer`) is required: without an authority the question is about the whole ecosystem, without a
time about now. `resource` is an address that may name a framework or a competency.
"""

from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import perf_counter
from typing import Annotated, Any, Final, NamedTuple, NotRequired, TypedDict, cast

import msgspec
from msgspec import Meta

from accredit.node.engine.quorum_state import NotedMap
from accredit.node.http.exchange import Response
from accredit.node.http.handling.alike_questions import AlikeQuestions
from accredit.node.http.handling.deciding import decide_held_together, read_ahead
from accredit.node.http.handling.moment import Moment, ecosystem_of
from accredit.node.http.handling.request_reading import decode_json
from accredit.node.http.handling.route import JSON, AnswerSource, Call, Route, bytes_response, json_response
from accredit.node.http.handling.turns import Turns
from accredit.node.http.problems import Problem, as_member
from accredit.node.questions import Question
from accredit.node.storage.state_store import state_damaged
from accredit.node.telemetry import Answered
from accredit.node.views.decision_view import (
    ChainLink,
    DecidedView,
    ExplanationView,
    OtherView,
    ReasonView,
    decided,
    explanation,
    other_views,
)
from accredit.node.views.json_views import format_time
from accredit.registry.decision.decide import Decision, Query, Reason, Verdict
from accredit.registry.decision.query import ISSUE
from accredit.registry.decision.verdict import AUTHORIZED
from accredit.registry.domain.records import Records, Voice, authority_in, charter_in, issuer_in, standing
from accredit.registry.encoding.identifiers import CanonicalId, without_fragment
from accredit.registry.errors import AccreditError, DecodeError, InputError, NotYetError, RefusedError, without_frames
from accredit.registry.evidence.prove import Prover

QUERIES: Final = 1_000
PROVED: Final = 100
"""Questions of one request that may ask for evidence: a proof takes 0.2 ms, and an answer some ten of them. A guess."""

EVIDENCE_BYTES: Final = 16 * 1024 * 1024
"""Evidence in one answer, all together; one file may be as large (`registry.evidence.check`)."""


class Questions(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Up to 1,000 questions."""

    queries: Annotated[list[Question], Meta(max_length=QUERIES)]


class DecisionView(DecidedView):
    """The answer to one question."""

    entity: str
    authority: str
    action: str
    resource: str | None
    evidence: NotRequired[str | None]
    own_word: NotRequired[bool]
    explanation: NotRequired[ExplanationView]


class Failed(TypedDict):
    """A question that could not be understood."""

    problem: Problem


_write: Final = msgspec.json.Encoder().encode
# msgspec's schemas cannot express which of two dictionaries a row is.
_ROW: Final = {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("DecisionView", "Failed")]}
_TOGETHER: Final = 50
"""Questions whose records are read together."""

LOOKS: Final = 3
"""How often the yes answers of a batch are looked at again, if statements keep arriving meanwhile. A look takes less
time than a node lets pass between two commits, unless it is very busy. A guess."""

_Rows = Annotated[list[dict[str, Any]], Meta(extra_json_schema={"items": _ROW})]


class Decisions(TypedDict):
    """The answers, in the order asked."""

    decisions: _Rows


async def decisions(call: Call) -> Response:
    """One decision, or many."""
    asked = await call.json()
    asking = _Asking(call)
    if isinstance(asked, dict) and "queries" not in asked:
        return json_response(answer_one(call, asked), cache="no-store")
    queries = asked["queries"] if isinstance(asked, dict) and set(asked) == {"queries"} else asked
    if not isinstance(queries, list):
        raise DecodeError(
            "bad_member",
            'expected one query, a list of them, or {"queries": [...]} and nothing else.',
            hint="See /openapi.json.",
        )
    if len(queries) > QUERIES:
        raise InputError(
            "too_many",
            f"the request has {len(queries)} queries; at most {QUERIES} are allowed.",
            hint="Split them into several requests.",
        )
    rows: list[bytes] = []
    with Turns(call.shared.lengthy) as turns:
        while len(rows) < len(queries):
            for question in asking.read(queries[len(rows) : len(rows) + _TOGETHER], turns.over):
                # Written at once: a thousand answers as they are would keep the garbage collector busy.
                rows.append(asking.row(len(rows), question))
                if turns.is_over and len(rows) < len(queries):
                    await turns.give()
                    asking.look_again()
        looks = 0
        while looks < LOOKS:
            was_lengthy = turns.is_lengthy
            if not await _take_back(asking, rows, turns):
                break
            if turns.is_lengthy == was_lengthy:  # in the other one it waited for other batches, perhaps for seconds
                looks += 1
    asking.count()
    return bytes_response(b'{"decisions":[' + b",".join(rows) + b"]}", JSON, cache="no-store")


async def _take_back(asking: "_Asking", rows: list[bytes], turns: Turns) -> bool:
    """Answer again what was a yes in an earlier turn and is another answer now; return whether there was any need."""
    earlier = asking.begin_look()
    for number in earlier:
        rows[number] = asking.looked_at(number, rows[number])
        if turns.is_over:
            await turns.give()
            asking.look_again()
    return bool(earlier)


def one_decision(asked: AnswerSource, body: bytes) -> Response | None:
    """One decision; None where more are asked for."""
    if not body.startswith(b"{"):
        return None
    question = decode_json(body)
    return None if "queries" in question else json_response(answer_one(asked, question), cache="no-store")


def answer_one(call: AnswerSource, asked: Mapping[str, Any]) -> DecisionView:
    """The answer to one question, given as the members of `Question`; counted.

    Raises:
        AccreditError: the question is not understood, or cannot be answered here or with evidence.
    """
    asking = _Asking(call)
    answered = asking.answer(asking.understand(asked))
    asking.count()
    return answered


def served_ecosystem(call: AnswerSource) -> CanonicalId:
    """The id of the ecosystem this node serves.

    Raises:
        NotYetError: its genesis is not in effect here (`not_ready`).
    """
    return ecosystem_of(call.reader.fold)


def fresh_now(call: AnswerSource) -> int:
    """Return this node's time, seconds, if its view is fresh enough to say anything.

    Raises:
        NotYetError: it has no charter, or its view is too old to say anything.
    """
    moment = call.moment
    moment.check_fresh()
    return moment.now


def voices_of(call: Call, decision: Decision) -> list[Voice]:
    """Return the voices whose facts about an issuer count: the decision's chain, and the charter's publishers."""
    charter = charter_in(call.reader.fold, served_ecosystem(call))
    assert charter is not None, "it is in effect"
    return [Voice(CanonicalId(by), via) for by, via in decision.chain] + [
        Voice(by, None) for by in charter["publishers"]
    ]


def require_served(records: Records, authority: str, ecosystem: CanonicalId) -> None:
    """Check that this node can answer for `authority`.

    Raises:
        InputError: it is neither the ecosystem nor an authority in it (`unknown_authority`).
    """
    if authority != ecosystem and authority_in(records, CanonicalId(without_fragment(authority))) is None:
        raise InputError(
            "unknown_authority",
            f"this node does not answer for {authority}.",
            hint=f"It answers for {ecosystem} and the authorities of GET /v1/authorities.",
        )


_Understood = tuple[Question, Query]


class _Yes(NamedTuple):
    """What is kept of an answer that says yes, until the batch is sent.

    Attributes:
        decision: hash of the decision that the evidence was made for, because its bytes do not tell; 0 without.
        view: what it was made from, as in `_Asking`.
        evidence: bytes of its evidence, 0 without.
    """

    understood: _Understood
    decision: int
    view: int
    verdict: Verdict
    answered: Answered | None
    evidence: int


class _Asking:
    """The questions of one request, answered as of one time.

    Attributes:
        proved: how many answers came with evidence.
    """

    def __init__(self, call: AnswerSource) -> None:
        self._call = call
        self._moment = call.moment
        self._ecosystem = self._moment.ecosystem
        self._questions = AlikeQuestions(self._ecosystem)
        self._bytes = 0
        self._verdicts: Counter[str] = Counter()
        self._tally: Counter[Answered] = Counter()
        self._yes: dict[int, _Yes] = {}
        self._view = 0
        self._held = self._what_is_held()
        self.proved = 0

    def look_again(self) -> None:
        """Look at the records anew, because others had a turn, or the view has moved on."""
        self._moment = self._call.look_again(self._moment.now)
        held = self._what_is_held()
        if held != self._held:
            self._held, self._view = held, self._view + 1

    def _what_is_held(self) -> tuple[int, int, str | None]:
        """Return what differs as soon as an answer may: records change with a statement, or with a state as a whole."""
        fold = self._moment.fold
        return id(fold), len(fold), self._moment.stale

    def begin_look(self) -> list[int]:
        """Return which rows said yes before a statement arrived."""
        self.look_again()
        return [number for number, yes in self._yes.items() if yes.view != self._view]

    def looked_at(self, number: int, before: bytes) -> bytes:
        """Return a row that said yes as it is now; `before` if it is the same."""
        yes = self._yes[number]
        query = yes.understood[1]
        with suppress(AccreditError):  # the row says why there is none
            decision = self._decide(query)
            is_same = hash(decision) == yes.decision if yes.decision else _written(query, decision) == before
            if is_same:
                self._yes[number] = yes._replace(view=self._view)
                return before
        del self._yes[number]
        self._verdicts[yes.verdict] -= 1  # one question is counted once
        if yes.answered is not None:
            self._tally[yes.answered] -= 1
        if yes.evidence:
            self.proved -= 1
            self._bytes -= yes.evidence
        return self.row(number, yes.understood)

    def understand(self, asked: Any) -> _Understood:
        """Return a question and its query.

        Raises:
            DecodeError: it is not understood.
        """
        return self._questions.read(asked)

    def read(self, several: Sequence[Any], over: float) -> list[_Understood | AccreditError]:
        """Return questions as `understand` does, or why they are not understood; what they need is read together.

        Args:
            over: when to leave the rest for another turn, on `perf_counter`; at least one is read.
        """
        found: list[_Understood | AccreditError] = []
        queries = []
        for asked in several:
            try:
                understood = self.understand(asked)
            except AccreditError as error:
                found.append(without_frames(error))
            else:
                found.append(understood)
                queries.append(understood[1])
            if perf_counter() >= over:
                break
        read_ahead(queries, self._moment.records)
        return found

    def row(self, number: int, question: _Understood | AccreditError) -> bytes:
        """One answer, or why there is none: a `DecisionView` or a `Failed`. A yes is kept to be looked at again."""
        if isinstance(question, AccreditError):
            return _write({"problem": as_member(question)})
        bytes_before, view_before = self._bytes, self._view
        is_plain = not question[0].evidence and question[0].audience is None
        try:
            if is_plain:
                decision, counted = self._counted(question[1])
                written = _written(question[1], decision)
            else:
                view, decision, counted = self._answer(question)
                written = _write(view)
        except AccreditError as error:
            return _write({"problem": as_member(error)})
        if decision.verdict in AUTHORIZED:
            evidence, about = self._bytes - bytes_before, 0 if is_plain else hash(decision)
            self._yes[number] = _Yes(question, about, view_before, decision.verdict, counted, evidence)
        return written

    def answer(self, understood: _Understood) -> DecisionView:
        """One answer.

        Raises:
            AccreditError: the question cannot be answered here or with evidence.
        """
        return self._answer(understood)[0]

    def _answer(self, understood: _Understood) -> tuple[DecisionView, Decision, Answered | None]:
        """Return one answer, the decision on what is held, and as what it was counted."""
        question, query = understood
        decision, counted = self._counted(query)
        if not question.evidence:
            view = _view(query, decision)
        else:
            with self._call.reader.noted.reading():
                view = self._with_evidence(query, decision)
            self.look_again()
        if question.audience is not None:
            codes = [reason["code"] for reason in view["reasons"]]
            view["explanation"] = explanation(view["verdict"], codes, question.audience)
        return view, decision, counted

    def _counted(self, query: Query) -> tuple[Decision, Answered | None]:
        """Return a decision on what is held, and as what it was counted."""
        decision = self._decide(query)
        self._verdicts[decision.verdict] += 1
        counted = answered(self._moment.records, decision) if query.action == ISSUE else None
        if counted is not None:
            self._tally[counted] += 1
        return decision, counted

    def _decide(self, query: Query) -> Decision:
        if query.authority != self._ecosystem:
            require_served(self._moment.records, query.authority, self._ecosystem)
        return _or_stale(decide_held_together(query, self._moment.sitting), self._moment.stale)

    def count(self) -> None:
        """Count all answers at once, because counting them one by one takes as long as deciding."""
        for verdict, count in self._verdicts.items():
            self._call.reader.metrics.decided(verdict, count)
        for one, count in self._tally.items():
            self._call.reader.metrics.tally(one, count)

    def _with_evidence(self, query: Query, held: Decision) -> DecisionView:
        """Return the answer of the noted state with its proof, unless a newer statement makes it worse."""
        noted = self._call.reader.noted
        note = noted.note
        if note is None:
            raise NotYetError(
                "no_state_note",
                "this node knows no state that a quorum of signers vouches for, so it cannot prove anything.",
                hint="Ask without evidence, ask again in a moment, or ask another node.",
            )
        if self.proved == PROVED or self._bytes >= EVIDENCE_BYTES:
            raise InputError(
                "too_many",
                f"a request may ask for at most {PROVED} answers with evidence, some {EVIDENCE_BYTES} bytes in all.",
                hint="Split them into several requests.",
            )
        try:
            decision, made = _prover(self._call, noted, note, self._ecosystem).answer(query, self._moment.now)
        except RefusedError as error:  # both are read at one moment, so whoever asks has done nothing wrong
            raise state_damaged(f"records and map are not of one state: {error.message}") from None
        if held.verdict is Verdict.STALE_VIEW or (decision.authorized and not held.authorized):
            return {**_view(query, held), "evidence": None, "own_word": True}
        data = made.encode()
        self._bytes += len(data)
        self.proved += 1
        return {**_view(query, decision), "evidence": b64encode(data).decode(), "own_word": False}


def _prover(call: AnswerSource, noted: NotedMap, note: bytes, ecosystem: CanonicalId) -> Prover:
    """Return the prover of the newest note; it proves the shared records once."""

    def make() -> Prover:
        return Prover(noted, statements_root=noted.statements_root, note=note, ecosystem_id=ecosystem)

    return call.shared.keep("prover", note, make)


def judge(call: AnswerSource, query: Query, moment: Moment) -> Decision:
    """Return the decision, and count it."""
    decision = decide_held_together(query, moment.sitting)
    call.reader.metrics.decided(decision.verdict)
    if query.action == ISSUE:
        call.reader.metrics.tally(answered(moment.records, decision))
    return decision


def answered(records: Records, decision: Decision) -> Answered:
    """Return the part of an answer about an issuer that the weekly totals keep."""
    cause = decision.reasons[0].code if decision.verdict is Verdict.INDETERMINATE else ""
    issuer = None if decision.issuer is None else issuer_in(records, decision.issuer)
    if issuer is None:
        return Answered(decision.verdict.value, cause, "not_registered")
    kinds = dict.fromkeys([kind for fact in standing(issuer["stated"]) for kind in fact["facts"].get("categories", ())])
    category = "not_stated" if not kinds else "several" if len(kinds) > 1 else next(iter(kinds))
    return Answered(decision.verdict.value, cause, category)


def _or_stale(decision: Decision, stale: str | None) -> Decision:
    if stale is None:
        return decision
    reasons = (Reason(code="stale_view", text=stale),)
    return decision._replace(verdict=Verdict.STALE_VIEW, reasons=reasons, valid_until=None)


def _view(query: Query, decision: Decision) -> DecisionView:
    asked = {
        "entity": query.entity,
        "authority": query.authority,
        "action": query.action,
        "resource": query.resource,
    }
    asked |= cast(Any, decided(decision))
    return cast(DecisionView, asked)


class _Row(msgspec.Struct, frozen=True, gc=False):
    """A `DecisionView` of which nobody wants anything but its text: to make one takes half the time of a dictionary."""

    entity: str
    authority: str
    action: str
    resource: str | None
    verdict: Verdict
    authorized: bool
    reasons: list[ReasonView]
    accreditations: list[str]
    others: list[OtherView]
    statements: list[str]
    chain: list[ChainLink]
    unchecked: tuple[str, ...]
    time_evaluated: str
    time_requested: str | None
    valid_until: str | None
    issuer: str | None
    issuer_name: str | None


def _written(query: Query, decision: Decision) -> bytes:
    """Return what `_write` makes of `_view`."""
    others, requested, until = decision.others, decision.time_requested, decision.valid_until
    accreditations = [id.hex() for id in decision.accreditations]
    is_alone = decision.statements == decision.accreditations
    return _write(
        _Row(
            query.entity,
            query.authority,
            query.action,
            query.resource,
            decision.verdict,
            decision.verdict in AUTHORIZED,
            [{"code": code, "text": text} for code, text in decision.reasons],
            accreditations,
            other_views(others) if others else [],
            accreditations if is_alone else [id.hex() for id in decision.statements],
            [{"by": by, "via": None if via is None else via.hex()} for by, via in decision.chain],
            decision.unchecked,
            format_time(decision.time_evaluated),
            None if requested is None else format_time(requested),
            None if until is None else format_time(until),
            decision.issuer,
            decision.issuer_name,
        )
    )


ROUTES: Final = (
    Route(
        method="POST",
        path="/v1/decisions",
        handler=decisions,
        at_once=one_decision,
        family="decisions",
        about="Ask whether an issuer is trusted: one question, or up to 1,000",
        takes={JSON: (Question, Questions, list[Question])},
        gives={JSON: (DecisionView, Decisions)},
        mentions=(Failed,),
        problems=(404, 413, 503),
    ),
)
