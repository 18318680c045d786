"""`POST /v1/statements/lookup`: how many statements stand, or the bytes of all of them, in one request.

    {"ids": ["5f2b…", "88d1…"]}    ->    {"statements": [{"id", "state", "reason", …}, …], "missing": ["88d1…"]}

Whoever decides on an import has thousands of ids, and would otherwise ask as many questions. The answer is in the order
asked, each statement once. In CBOR it is a list of statements as signed, as many as one answer holds; the asker knows
them by their digests, and asks again for the others.
"""

from collections.abc import Sequence
from itertools import accumulate
from time import perf_counter
from typing import Annotated, Final, Literal, TypedDict

import anyio
import msgspec
from msgspec import Meta

from accredit.governance.rules.rulebook import is_narrowing
from accredit.node.http.exchange import Response
from accredit.node.http.json_views import format_time
from accredit.registry.encoding.cbor import encode
from accredit.registry.limits import LOOKUP_STATEMENTS

from .foresight import begins_at
from .request_reading import accepts
from .route import JSON, Call, Route, bytes_response, json_response
from .statements import CBOR
from .summaries import summary

LOOKUP_BYTES: Final = 4 * 1024 * 1024
"""Statements as signed in one answer, all together; the first one is sent in any case."""

_TURN_SECONDS: Final = 0.002
"""After so long others get a turn, as between questions (`decisions`)."""


class StatementIdsAsked(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Ids of up to 1,000 statements, hex."""

    ids: Annotated[
        list[Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64)]],
        Meta(min_length=1, max_length=LOOKUP_STATEMENTS),
    ]


StandingOf = TypedDict(
    "StandingOf",
    {
        "id": str,
        "kind": str,
        "iss": str,
        "sub": str,
        "iat": str,
        "class": Literal["widening", "narrowing"],
        "summary": str,
        "index": int | None,
        "state": str,
        "reason": str,
        "approvals": list[str],
        "needed": str,
        "begins": str | None,
    },
)
"""What a statement says in a line, and its present standing."""


class StatementStandings(TypedDict):
    """The statements that this node holds, in the order asked, and the ids of the others."""

    statements: list[StandingOf]
    missing: list[str]


async def lookup(call: Call) -> Response:
    """Many statements: how each stands now, or as signed."""
    wanted = accepts(call.request, (JSON, CBOR))
    asked = await call.json_as(StatementIdsAsked)
    ids = list(dict.fromkeys(bytes.fromhex(id) for id in asked.ids))
    if wanted == CBOR:
        return bytes_response(encode(_as_signed(call, ids)), CBOR, cache="no-store")
    numbers = call.reader.log.numbers(ids)
    found: list[StandingOf] = []
    missing: list[str] = []
    over = perf_counter() + _TURN_SECONDS
    for id in ids:
        row = _standing_of(call, id, numbers.get(id))
        if row is None:
            missing.append(id.hex())
        else:
            found.append(row)
        if perf_counter() >= over:
            await anyio.sleep(0)
            over = perf_counter() + _TURN_SECONDS
    value: StatementStandings = {"statements": found, "missing": missing}
    return json_response(value, cache="no-store")


def _as_signed(call: Call, ids: Sequence[bytes]) -> list[bytes]:
    held = call.reader.log.raws(ids)
    raws = [held[id] for id in ids if id in held]
    sizes = accumulate(map(len, raws))
    return raws[: max(1, sum(size <= LOOKUP_BYTES for size in sizes))]


def _standing_of(call: Call, id: bytes, index: int | None) -> StandingOf | None:
    fold = call.reader.fold
    held, verdict = fold.statement(id), fold.standing(id)
    if held is None or verdict is None:
        return None
    begins = begins_at(held, call.reader.now())
    return {
        "id": id.hex(),
        "kind": held.kind,
        "iss": held.iss,
        "sub": held.sub,
        "iat": format_time(held.iat),
        "class": "narrowing" if is_narrowing(held.kind, held.body) else "widening",
        "summary": summary(held.kind, held.sub, held.body),
        "index": index,
        "state": verdict.state,
        "reason": verdict.reason,
        "approvals": list(verdict.approvals),
        "needed": verdict.needed,
        "begins": None if begins is None else format_time(begins),
    }


ROUTES: Final = (
    Route(
        method="POST",
        path="/v1/statements/lookup",
        handler=lookup,
        family="statements",
        about="Look up many statements by id: how they stand, or as signed",
        takes={JSON: StatementIdsAsked},
        max_bytes=128 * 1024,
        gives={JSON: StatementStandings, CBOR: None},
        problems=(406,),
    ),
)
