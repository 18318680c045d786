"""`POST /v1/statements/lookup`: how many statements stand, or the bytes of all of them, in one request.

    {"ids": ["5f2b…", "88d1…"]}    ->    {"statements": [{"id", "state", "reason", …}, …], "missing": ["88d1…"]}

Whoever decides on an import has thousands of ids, and would otherwise ask as many questions. The answer is in the order
asked, each statement once. In CBOR it is a list of statements as signed, as many as one answer holds; the asker knows
them by their digests, and asks again for the others.
"""

from collections.abc import Sequence
from typing import Annotated, Final, TypedDict

import msgspec
from msgspec import Meta

from accredit.governance.standing import standing_of
from accredit.node.http.exchange import Response
from accredit.node.http.handling.foresight import begins_at
from accredit.node.http.handling.request_reading import accepts
from accredit.node.http.handling.route import JSON, Call, Route, bytes_response, json_response
from accredit.node.http.handling.turns import Turns
from accredit.node.views.json_views import format_time
from accredit.registry.encoding.cbor import encode
from accredit.registry.limits import LOOKUP_STATEMENTS

from .statements import CBOR, StatementInBrief, in_brief

LOOKUP_BYTES: Final = 4 * 1024 * 1024
"""Statements as signed in one answer, all together; the first one is sent in any case."""

_TOGETHER: Final = 100
"""Statements read together: 1.6 MB at most. What the answer does not hold is not read."""


class StatementIdsAsked(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Ids of up to 1,000 statements, hex."""

    ids: Annotated[
        list[Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64)]],
        Meta(min_length=1, max_length=LOOKUP_STATEMENTS),
    ]


class StandingOf(StatementInBrief):
    """What a statement says, in a sentence, its present standing, its place in the log and its beginning."""

    index: int | None
    begins: str | None


class StatementStandings(TypedDict):
    """The statements that this node holds, in the order asked, and the ids of the others."""

    statements: list[StandingOf]
    missing: list[str]


async def lookup(call: Call) -> Response:
    """Many statements: how each stands now, or as signed."""
    wanted = accepts(call.request, (JSON, CBOR))
    asked = await call.json_as(StatementIdsAsked)
    ids = list(dict.fromkeys(bytes.fromhex(id) for id in asked.ids))
    with Turns(call.shared.lengthy) as turns:
        if wanted == CBOR:
            return bytes_response(encode(await _as_signed(call, ids, turns)), CBOR, cache="no-store")
        numbers = call.reader.log.numbers(ids)
        rows = list[StandingOf | None]()
        while len(rows) < len(ids):
            if rows and turns.is_over and await turns.give():
                numbers, rows = call.reader.log.numbers(ids), []  # what was in effect seconds ago may not be now
            id = ids[len(rows)]
            rows.append(_standing_of(call, id, numbers.get(id)))
    found = [row for row in rows if row is not None]
    missing = [id.hex() for id, row in zip(ids, rows, strict=True) if row is None]
    value: StatementStandings = {"statements": found, "missing": missing}
    return json_response(value, cache="no-store")


async def _as_signed(call: Call, ids: Sequence[bytes], turns: Turns) -> list[bytes]:
    found: list[bytes] = []
    size = 0
    for start in range(0, len(ids), _TOGETHER):
        if start and turns.is_over:
            await turns.give()
        some = ids[start : start + _TOGETHER]
        held = call.reader.log.raws(some)
        for raw in (held[id] for id in some if id in held):
            size += len(raw)
            if found and size > LOOKUP_BYTES:
                return found
            found.append(raw)
    return found


def _standing_of(call: Call, id: bytes, index: int | None) -> StandingOf | None:
    fold = call.reader.fold
    held, verdict = fold.statement(id), standing_of(fold, id)
    if held is None or verdict is None:
        return None
    begins = begins_at(held, call.reader.now())
    return {
        **in_brief(held, verdict),
        "index": index,
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
