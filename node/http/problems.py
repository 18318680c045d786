"""Errors as HTTP answers: RFC 9457 problem details, one shape for every route.

    {"type": "urn:accredit:problem:unknown_query_parameter", "title": "The input is not well-formed", "status": 400,
     "detail": "there is no parameter 'nane'.", "code": "unknown_query_parameter", "hint": "Known are name, limit."}

`type` is stable: it is made from the error's code. `title` says who is at fault, `detail` what is wrong and where,
`hint` what to do next. Internal details (a path, a query, a traceback) are never sent: for a `StorageError` or an
unexpected error only the class is told, and the operator finds the rest in the node's log, by request id.
"""

from typing import Any, Final

import msgspec

from accredit.node.http.exchange import Response
from accredit.registry.errors import (
    AccreditError,
    BusyError,
    DecodeError,
    InputError,
    NotYetError,
    RefusedError,
    RemoteError,
    StorageError,
)

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:accredit:problem:"

_STATUS_OF_CODE: Final = {
    "target_too_long": 414,
    "expectation_failed": 417,
    "head_too_large": 431,
    "coding_unknown": 501,
    "version_unknown": 505,
    "not_found": 404,
    "not_served": 404,
    "unknown_authority": 404,
    "method_not_allowed": 405,
    "not_acceptable": 406,
    "request_timeout": 408,
    "too_large": 413,
    "too_many": 413,
    "coding_not_taken": 415,
    "unsupported_media_type": 415,
    "over_quota": 429,
    "rate_limited": 429,
    "displaced": 503,
    "no_state_note": 503,
    "not_ready": 503,
    "overloaded": 503,
    "read_only": 503,
    "stale_view": 503,
    "disk_full": 507,
}
_BY_CLASS: Final[tuple[tuple[type[AccreditError], int, str], ...]] = (
    (DecodeError, 400, "The input is not well-formed"),
    (RefusedError, 422, "Refused by a rule"),
    (InputError, 400, "The request cannot be answered"),
    (NotYetError, 409, "It cannot be judged yet"),
    (BusyError, 503, "This node is busy"),
    (RemoteError, 502, "Another machine did not answer correctly"),
    (StorageError, 503, "This node cannot use its own files"),
)
RETRY_AFTER_SECONDS: Final = {429: 1, 503: 5, 507: 60}  # guesses: a tick, a round of gossip, an operator's minute
_TITLE_OF_STATUS: Final = {
    404: "Not found",
    405: "Method not allowed",
    406: "Not available in a form you accept",
    408: "The request took too long",
    413: "The request is too large",
    414: "The address is too long",
    415: "This route does not accept the media type",
    417: "The expectation cannot be met",
    429: "Too many requests",
    431: "The head is too large",
    501: "Not available",
    505: "Not HTTP/1.1",
    503: "Unable to answer now",
}


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """RFC 9457 §3 with three members of ours: code, hint, where."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str = ""
    where: str = ""


def problem_of(error: AccreditError) -> Problem:
    """Return the problem that describes `error` for the client."""
    of_class = next((row for row in _BY_CLASS if isinstance(error, row[0])), (AccreditError, 500, "An internal error"))
    status = _STATUS_OF_CODE.get(error.code, of_class[1])
    detail, hint = error.message, error.hint
    if isinstance(error, StorageError):
        is_full = error.code == "disk_full"
        detail = (
            f"this node {'has no space left on its disk' if is_full else 'cannot use its own files at the moment'}."
        )
        hint = "Ask another node; this node's operator can find the reason in its log."
    return Problem(
        type=TYPE_PREFIX + error.code,
        title=_TITLE_OF_STATUS.get(status, of_class[2]),
        status=status,
        detail=detail,
        code=error.code,
        hint=hint,
        where=getattr(error, "where", ""),
    )


def internal_problem(request_id: str) -> Problem:
    """Return the problem for an unexpected error; it says only where to find the traceback."""
    return Problem(
        type=TYPE_PREFIX + "internal_error",
        title="An internal error",
        status=500,
        detail="this node failed to answer because of an error of its own.",
        code="internal_error",
        hint=f"Tell its operator the request id {request_id}; the node's log has the details.",
    )


def problem_response(problem: Problem, *, headers: dict[str, str] | None = None) -> Response:
    """`problem` as an answer, with Retry-After where trying again can help (RFC 9110 §10.2.3)."""
    sent: dict[str, str] = {"cache-control": "no-store", **(headers or {})}
    if problem.status in RETRY_AFTER_SECONDS:
        sent["retry-after"] = str(RETRY_AFTER_SECONDS[problem.status])
    return Response(msgspec.json.encode(problem), status_code=problem.status, media_type=MEDIA_TYPE, headers=sent)


def as_member(error: AccreditError) -> dict[str, Any]:
    """`error` as a member of a larger answer: one item of a batch that failed, in its place."""
    plain: dict[str, Any] = msgspec.to_builtins(problem_of(error))
    return plain
