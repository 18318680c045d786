"""`/v1/statements`, `/v1/dry-run`, `/v1/proposals`: statements, drafts, and proposals that wait for votes.

A statement proves itself, so anybody may submit one, through any node. Several are sent as a CBOR sequence (RFC 8742),
and each gets its result in its place. A refused single statement is a problem.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import Any, Final, Literal, NotRequired, TypedDict, TypeVar

import anyio
import msgspec

from accredit.governance.authority.effect import StatementEffect
from accredit.governance.fold import Fold
from accredit.governance.rules.rulebook import is_narrowing
from accredit.governance.standing import Proposal, explain_draft, key_head, may_vote, proposal_of, standing_of
from accredit.node.engine import SubmissionResult, Submittable
from accredit.node.http.exchange import Response
from accredit.node.http.handling.foresight import Foresight, Waiting, foresee
from accredit.node.http.handling.node_ports import Writer
from accredit.node.http.handling.request_reading import accepts, hex_digits, hex_id, identifier
from accredit.node.http.handling.route import IMMUTABLE, JSON, Call, Route, bytes_response, json_response
from accredit.node.http.handling.turns import Turns
from accredit.node.http.problems import Problem, problem_of
from accredit.node.views.json_views import format_time, plain
from accredit.node.views.summaries import summary
from accredit.registry.encoding.cbor import decode as decode_cbor
from accredit.registry.encoding.identifiers import canonical_issuer
from accredit.registry.encoding.schema import digest, issuer_id, members, text
from accredit.registry.errors import BusyError, DecodeError, InputError, RefusedError, StorageError
from accredit.registry.limits import IDENTIFIER_CHARS, STATEMENT_BYTES, SUBMISSION_STATEMENTS
from accredit.registry.statement import Draft, Statement, Unverified, as_unverified, decode

S = TypeVar("S")
T = TypeVar("T")

COSE: Final = "application/cose"
CBOR: Final = "application/cbor"
CBOR_SEQUENCE: Final = "application/cbor-seq"
SUBMISSION_BYTES: Final = 4 * 1024 * 1024
IDS_SHOWN: Final = 20
"""The most ids shown with the same beginning; if there are more, the client must give more digits."""
AHEAD_SECONDS: Final = 300
"""Seconds by which a statement may be dated ahead of this node's clock; clocks set by NTP never differ so much."""

STATEMENT_BYTES_MIN: Final = 200
"""Every statement is at least so long (a signature, three hashes, some words), so 42 KB of junk are not a thousand
statements."""

_WAITS: Final = "what waits"
_write: Final = msgspec.json.Encoder().encode

_DRAFT: Final = members(
    {"iss": issuer_id, "sub": text(IDENTIFIER_CHARS), "kind": text(64), "body": lambda *_: None, "key": digest},
    {"mandate": digest},
)


class Foreseen(TypedDict):
    """The predicted result of a statement; see `foresight`."""

    afterwards: list[str]
    warnings: list[str]
    differences: list[str]
    begins: str | None
    duplicates: list[str]
    names: dict[str, str]
    unregistered: list[str]


class Vote(TypedDict):
    """One key's vote, and why it was given."""

    by: str
    key: str
    approve: bool
    statement: str
    iat: str
    reason: str
    refs: list[str]


StatementInBrief = TypedDict(  # `class` is no name for a member in a class
    "StatementInBrief",
    {
        "id": str,
        "kind": str,
        "iss": str,
        "sub": str,
        "iat": str,
        "class": Literal["widening", "narrowing"],
        "summary": str,
        "state": str,
        "reason": str,
        "approvals": list[str],
        "needed": str,
    },
)
"""What a statement says, in a sentence, and its present standing."""


class ProposalView(StatementInBrief):
    """A proposal, with its votes and its effects."""

    body: dict[str, Any]
    votes: list[Vote]
    lapses: str | None
    foreseen: Foreseen


class StatementView(ProposalView):
    """A statement with its present standing, its votes and its effects."""

    seq: int
    prev: str | None
    mandate: str | None
    key: str
    index: int | None


class SubmittedStatement(TypedDict):
    """The result of one statement."""

    id: str | None
    status: Literal["logged", "known", "waiting", "refused"]
    index: NotRequired[int]
    problem: NotRequired[Problem]


class Submission(TypedDict):
    """The result of each statement, in the order sent, and the checkpoint that covers those in the log."""

    statements: list[SubmittedStatement]
    checkpoint: str


class StandingView(TypedDict):
    """The standing that a statement would have, what it would need, and its predicted result."""

    state: str
    reason: str
    approvals: list[str]
    needed: str
    foreseen: Foreseen


class StatementIds(TypedDict):
    """The ids of statements in the log that begin so, in order; `more` if there are others that are not shown."""

    ids: list[str]
    more: bool


class Proposals(TypedDict):
    """List the proposals that wait for votes, the oldest first."""

    proposals: list[ProposalView]


def held_statement(fold: Fold, id: bytes) -> tuple[Statement, StatementEffect]:
    """Return a statement that this node holds, and how it stands.

    Raises:
        InputError: `not_found`.
    """
    held, verdict = fold.statement(id), standing_of(fold, id)
    if held is None or verdict is None:
        raise InputError(
            "not_found",
            f"this node does not hold the statement {id.hex()}.",
            hint="It may not have arrived yet; ask again in a moment.",
        )
    return held, verdict


async def statement(call: Call) -> Response:
    """One statement: as signed, which never changes, or as JSON with its present standing."""
    identity: bytes = call.params["id"]
    log, fold = call.reader.log, call.reader.fold
    wanted = accepts(call.request, (JSON, COSE))
    if wanted == COSE and (raw := log.raw(identity)) is not None:
        response = bytes_response(raw, COSE, cache=IMMUTABLE, etag=identity.hex())
        response.headers["vary"] = "Accept"
        return response
    _, verdict = held_statement(fold, identity)
    waiting = await _what_waits(call) if verdict.state == "waiting" else Waiting(())
    fold = call.reader.fold
    held, verdict = held_statement(fold, identity)
    proposal = Proposal(statement=held, verdict=verdict, votes=tuple(fold.chains.votes_on(identity)))
    value: StatementView = {
        **_proposal(fold, proposal, waiting, call.reader.now()),
        "seq": held.seq,
        "prev": None if held.prev is None else held.prev.hex(),
        "mandate": None if held.mandate is None else held.mandate.hex(),
        "key": held.kid.hex(),
        "index": log.index_of(identity),
    }
    return json_response(value, headers={"vary": "Accept"})


async def statement_ids(call: Call) -> Response:
    """Whole ids for the beginning of one, as tables show it."""
    found = call.reader.log.ids_beginning(call.params["begin"], IDS_SHOWN + 1)
    value: StatementIds = {"ids": [id.hex() for id in found[:IDS_SHOWN]], "more": len(found) > IDS_SHOWN}
    return json_response(value)


async def submit(call: Call) -> Response:
    """Takes statements in; answers once the accepted ones are in the log, under a signed checkpoint."""
    writer = call.must_write()
    call.must_be_heard()
    media_type, body = await call.body()
    raws, size = [body] if media_type == COSE else split_sequence(body), len(body)
    del body  # the statements are copies, and this may wait for long
    read = await _each_in_turn(call, raws, _read)
    ahead = {number: error for number, each in enumerate(read) if (error := _dated_ahead(call, each)) is not None}
    taken = [number for number in range(len(raws)) if number not in ahead]
    said = [read[number] or raws[number] for number in taken]  # bytes that cannot be read get the reason later
    found = iter(await _submitted_in_turn(call, writer, said, size) if said else ())
    outcomes = [
        SubmissionResult(id=None, status="refused", error=ahead[number]) if number in ahead else next(found)
        for number in range(len(raws))
    ]
    for outcome in outcomes:
        call.reader.metrics.submissions.labels(outcome.status).inc()
    refused = [outcome.error for outcome in outcomes if outcome.status == "refused" and outcome.error is not None]
    is_ours = all(isinstance(error, (StorageError, BusyError)) for error in refused)
    if len(refused) == len(outcomes) and (media_type == COSE or is_ours):
        raise refused[0]
    newest = call.reader.log.checkpoint()
    value: Submission = {
        "statements": [_submitted(outcome) for outcome in outcomes],
        "checkpoint": "" if newest is None else newest[1],
    }
    return json_response(value, cache="no-store")


async def _each_in_turn(call: Call, said: Iterable[S], look: Callable[[S], T]) -> list[T]:
    """Return what `look` finds of each statement. Others have turns in between: a thousand forged ones cost their
    sender nothing before they are read."""
    found: list[T] = []
    with Turns(call.shared.submitting) as turns:
        for each in said:
            if found and turns.is_over:
                await turns.give()
            found.append(look(each))
    return found


def _read(raw: bytes) -> Unverified | None:
    try:
        return decode(raw)
    except InputError:
        return None  # a later step gives the reason


def _dated_ahead(call: Call, said: Unverified | None) -> RefusedError | None:
    """Return why a submission is refused for its date: it lies ahead, and later statements of the key cannot have an
    earlier one.

    Narrowing statements are accepted with any date. So are statements from other nodes, because no set may depend on a
    clock, and statements of a key whose last statement has such a date already, because it cannot use an earlier one.
    """
    now, fold = call.reader.now(), call.reader.fold
    if said is None or said.iat <= now + AHEAD_SECONDS or is_narrowing(said.kind, said.body):
        return None
    head = key_head(fold, said.kid)
    held = None if head is None or head.id is None else fold.statement(head.id)
    if held is not None and said.iat <= held.iat:
        return None
    return RefusedError(
        "dated_ahead",
        f"the statement is dated {format_time(said.iat)}; by this node's clock it is {format_time(now)}.",
        hint="Set the clock of the machine that signs and sign anew; or ask another node if this one's clock is wrong.",
    )


async def _submitted_in_turn(
    call: Call, writer: Writer, said: Sequence[Submittable], size: int
) -> list[SubmissionResult]:
    """Return the result of each statement, once the shares of its address and of its key allow it (`rate_limit`). An
    urgent statement by a known key uses the key's own share and does not wait behind others from the same address.
    """
    payers = [_payer(each) for each in said]
    count = max(1, min(len(said), size // STATEMENT_BYTES_MIN))
    try:
        wait = max(_wait_for_keys(call, payers), call.shared.pace.delay(call.client, count, monotonic()))
    except BusyError as error:
        return await _taken_if_urgent(call, writer, said, error)
    found: dict[int, SubmissionResult] = {}
    if wait:
        first = await _in_own_lane(call, writer, said)
        found |= zip(first, await writer.submit([said[number] for number in first]) if first else (), strict=True)
        if len(found) < len(said):
            await anyio.sleep(wait)
    later = [number for number in range(len(said)) if number not in found]
    if later:
        found |= zip(later, await writer.submit([said[number] for number in later]), strict=True)
    results = [found[number] for number in range(len(said))]
    _charge_keys(call, payers, results, count)
    return results


async def _taken_if_urgent(
    call: Call, writer: Writer, said: Sequence[Submittable], busy: BusyError
) -> list[SubmissionResult]:
    """Submit what is urgent; the rest is refused, because it would have to wait too long."""
    first = await _in_own_lane(call, writer, said)
    if not first:
        raise busy
    found = dict(zip(first, await writer.submit([said[number] for number in first]), strict=True))
    refused = SubmissionResult(id=None, status="refused", error=busy)
    return [found.get(number, refused) for number in range(len(said))]


def _payer(said: Submittable) -> str:
    """The key that a statement names as its own; empty for bytes that are no statement."""
    return f"the key {said.kid.hex()}" if isinstance(said, Unverified) else ""


def _wait_for_keys(call: Call, payers: Sequence[str]) -> float:
    """Return the seconds until the keys that are named may say so much more; who names another's key waits for it."""
    pace, now = call.shared.key_pace, monotonic()
    return max((pace.wait(payer, number, now) for payer, number in Counter(payers).items() if payer), default=0.0)


def _charge_keys(call: Call, payers: Sequence[str], results: Sequence[SubmissionResult], charged: int) -> None:
    """Charge each key for its statements that are new in the log, and the address for the others alone."""
    new = Counter(payer for payer, result in zip(payers, results, strict=True) if result.status == "logged")
    now = monotonic()
    for payer, number in new.items():
        call.shared.key_pace.charge(payer, number, now)
    call.shared.pace.charge(call.client, -min(charged, new.total()), now)


async def _in_own_lane(call: Call, writer: Writer, said: Sequence[Submittable]) -> list[int]:
    """Return the positions of what need not wait. Copies of a statement are charged to its key as one, or whoever has
    seen one urgent statement could use up the lane of whoever signed it."""
    raws = [each.raw if isinstance(each, Unverified) else each for each in said]
    once = dict(zip(raws, said, strict=True))
    found = await _each_in_turn(call, once.values(), lambda each: _has_own_lane(call, writer, each))
    has_lane = dict(zip(once, found, strict=True))
    return [number for number, raw in enumerate(raws) if has_lane[raw]]


def _has_own_lane(call: Call, writer: Writer, said: Submittable) -> bool:
    key = writer.urgent_key(said)
    if key is None:
        return False
    try:
        return not call.shared.urgent_pace.delay(key.hex(), 1, monotonic())
    except BusyError:
        return False


async def dry_run(call: Call) -> Response:
    """The standing of a draft if its key signed it now. The draft is not stored."""
    call.must_be_heard()  # before anybody signs it
    _, body = await call.body()
    value = decode_cbor(body, what="the draft")
    _DRAFT(value, "draft")
    # No two votes are one wish.
    waiting = Waiting(()) if str(value["kind"]).startswith("vote.") else await _what_waits(call)
    fold = call.reader.fold
    head = key_head(fold, value["key"])
    if head is None:
        raise InputError(
            "unknown_key",
            f"the key {value['key'].hex()} is unknown here.",
            hint="An authority must introduce it first.",
        )
    draft = Draft(
        iss=value["iss"],
        sub=value["sub"],
        iat=call.reader.now(),
        eco=call.reader.ecosystem,
        kind=value["kind"],
        seq=head.next_seq,
        prev=head.id,
        body=value["body"],
        mandate=value.get("mandate"),
    )
    verdict = explain_draft(fold, draft, value["key"])
    now = call.reader.now()
    foreseen = foresee(fold, as_unverified(draft, value["key"]), waiting, now)
    answer: StandingView = {
        "state": verdict.state,
        "reason": verdict.reason,
        "approvals": list(verdict.approvals),
        "needed": verdict.needed,
        "foreseen": _foreseen(foreseen),
    }
    return json_response(answer, cache="no-store")


async def _what_waits(call: Call) -> Waiting:
    """What waits, found out once for each set of statements: thousands may wait, and thousands be asked about."""
    with Turns(call.shared.submitting) as turns:
        return (await _waiting(call, turns))[1]


async def _waiting(call: Call, turns: Turns) -> tuple[Sequence[bytes], Waiting]:
    """Return the ids of the waiting proposals, oldest first, and what of them is alike; kept until a statement comes.

    What is decided meanwhile may be among them.
    """
    made_of = len(call.reader.fold)
    found: tuple[int, tuple[list[bytes], Waiting]] | None = call.shared.kept.get(_WAITS)
    if found is None or found[0] != made_of:
        places, alike = list[tuple[int, bytes]](), Waiting(())
        for id in call.reader.fold.open_ids():
            if turns.is_over:
                await turns.give()
            proposal = proposal_of(call.reader.fold, id)
            if proposal is not None:
                places.append(proposal.place())
                alike.add(proposal.statement)
        found = call.shared.kept[_WAITS] = (made_of, ([id for _, id in sorted(places)], alike))
    return found[1]


async def proposals(call: Call) -> Response:
    """The waiting proposals; with `authority` or `key`, only those that wait for their vote."""
    authority, key = call.params["authority"], call.params["key"]
    fold, now = call.reader.fold, call.reader.now()
    if authority is not None and fold.charter is not None and fold.get("authority", authority) is None:
        raise InputError(
            "unknown_authority",
            f"?authority: {authority} is not an authority of this ecosystem.",
            hint="GET /v1/authorities lists them.",
        )
    rows: list[bytes] = []
    with Turns(call.shared.lengthy) as turns:  # thousands may wait, and what each leads to is worked out
        waiting, alike = await _waiting(call, turns)
        for id in waiting:
            if turns.is_over:
                await turns.give()
            fold = call.reader.fold
            proposal = proposal_of(fold, id)
            if proposal is None or (authority is not None and authority in proposal.verdict.approvals):
                continue
            if key is None or may_vote(fold, key, proposal.statement):
                rows.append(_write(_proposal(fold, proposal, alike, now)))
    return bytes_response(b'{"proposals":[' + b",".join(rows) + b"]}", JSON)


def split_sequence(data: bytes) -> list[bytes]:
    """The statements of a CBOR sequence (RFC 8742), each as its bytes; only their outermost shape is looked at.

    Raises:
        DecodeError: the bytes are something else, or the last one ends early.
        InputError: too many (`too_many`).
    """
    raws: list[bytes] = []
    at = 0
    while at < len(data):
        if len(raws) == SUBMISSION_STATEMENTS:
            raise InputError(
                "too_many",
                f"the sequence has more than {SUBMISSION_STATEMENTS} statements.",
                hint="Split them into several requests.",
            )
        end = _end_of_statement(data, at)
        raws.append(data[at:end])
        at = end
    if not raws:
        raise DecodeError("not_a_sequence", "the sequence is empty.", hint="Send at least one statement.")
    return raws


def _end_of_statement(data: bytes, start: int) -> int:
    """Where the statement that begins at `start` ends: tag 18, an array of four, an empty map among byte strings."""
    at = start + 2
    if data[start:at] != b"\xd2\x84":
        raise _no_statement(start)
    for _ in range(4):
        if data[at : at + 1] == b"\xa0":
            at += 1
            continue
        major, short = divmod(data[at] if at < len(data) else 0, 32)
        if major != 2 or short > 26:  # a byte string with a length of at most 32 bits
            raise _no_statement(start)
        width = 0 if short < 24 else 1 << (short - 24)
        length = int.from_bytes(data[at + 1 : at + 1 + width], "big") if width else short
        at += 1 + width + length
    if at > len(data):
        raise DecodeError(
            "not_a_sequence", f"the statement at byte {start} ends early.", hint="Send the whole statement."
        )
    return at


def _no_statement(start: int) -> DecodeError:
    return DecodeError(
        "not_a_sequence",
        f"there is no statement at byte {start}.",
        hint="A statement begins with tag 18, COSE_Sign1.",
    )


def _submitted(outcome: SubmissionResult) -> SubmittedStatement:
    status: Any = outcome.status  # one of the four words
    row: SubmittedStatement = {"id": None if outcome.id is None else outcome.id.hex(), "status": status}
    if outcome.index is not None:
        row["index"] = outcome.index
    if outcome.error is not None:
        row["problem"] = problem_of(outcome.error)
    return row


def in_brief(held: Statement, verdict: StatementEffect) -> StatementInBrief:
    """Return what a statement says, in a sentence, and how it stands."""
    return {
        "id": held.id.hex(),
        "kind": held.kind,
        "iss": held.iss,
        "sub": held.sub,
        "iat": format_time(held.iat),
        "class": "narrowing" if is_narrowing(held.kind, held.body) else "widening",
        "summary": summary(held.kind, held.sub, held.body),
        "state": verdict.state,
        "reason": verdict.reason,
        "approvals": list(verdict.approvals),
        "needed": verdict.needed,
    }


def _proposal(fold: Fold, proposal: Proposal, waiting: Waiting, now: int) -> ProposalView:
    held = proposal.statement
    votes: list[Vote] = [
        {
            "by": vote.iss,
            "key": vote.kid.hex(),
            "approve": vote.kind == "vote.approve",
            "statement": vote.id.hex(),
            "iat": format_time(vote.iat),
            "reason": str(vote.body.get("reason_text", "")),
            "refs": list(vote.body.get("refs", ())),
        }
        for vote in proposal.votes
    ]
    lapse = None if fold.charter is None else fold.charter.body.get("proposals_lapse")
    return {
        **in_brief(held, proposal.verdict),
        "body": plain(held.body),
        "votes": votes,
        "lapses": None if lapse is None else format_time(held.iat + lapse),
        "foreseen": _foreseen(foresee(fold, held, waiting, now)),
    }


def _foreseen(foresight: Foresight) -> Foreseen:
    return {
        "afterwards": foresight.afterwards,
        "warnings": foresight.warnings,
        "differences": foresight.differences,
        "begins": None if foresight.begins is None else format_time(foresight.begins),
        "duplicates": foresight.duplicates,
        "names": foresight.names,
        "unregistered": foresight.unregistered,
    }


ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/statements/{id}",
        handler=statement,
        family="statements",
        about="One statement, as signed or as JSON",
        params=(hex_id("id", "the statement's id", place="path"),),
        gives={JSON: StatementView, COSE: None},
        problems=(404, 406),
    ),
    Route(
        method="GET",
        path="/v1/statements",
        handler=statement_ids,
        family="statements",
        about="Find the ids of the statements in the log that begin with some digits",
        params=(hex_digits("begin", "the first digits of an id", place="query"),),
        gives={JSON: StatementIds},
    ),
    Route(
        method="POST",
        path="/v1/statements",
        handler=submit,
        family="statements",
        about="Submit one statement, or a CBOR sequence of up to 1,000",
        takes={COSE: None, CBOR_SEQUENCE: None},
        max_bytes=SUBMISSION_BYTES,
        gives={JSON: Submission},
        problems=(422, 429, 503, 507),
    ),
    Route(
        method="POST",
        path="/v1/dry-run",
        handler=dry_run,
        family="statements",
        about="Predict the effect of a draft (a CBOR map of iss, sub, kind, body, key)",
        takes={CBOR: None},
        max_bytes=STATEMENT_BYTES,
        gives={JSON: StandingView},
    ),
    Route(
        method="GET",
        path="/v1/proposals",
        handler=proposals,
        family="statements",
        about="List the proposals that wait for votes",
        params=(
            identifier("authority", "an authority: only proposals that wait for it", read=canonical_issuer),
            hex_id("key", "a key's id: only proposals it has not voted on"),
        ),
        gives={JSON: Proposals},
        problems=(404,),
    ),
)
