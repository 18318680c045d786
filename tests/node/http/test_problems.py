"""Errors as problem details: whose fault, what, what next, and nothing from inside."""

import msgspec
import pytest

from accredit.node.http.problems import MEDIA_TYPE, internal_problem, problem_of, problem_response
from accredit.registry.errors import (
    AccreditError,
    DecodeError,
    InputError,
    NotYetError,
    RefusedError,
    RemoteError,
    StorageError,
)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DecodeError("bad_member", "wrong", where="body.x"), 400),
        (InputError("bad_url", "wrong"), 400),
        (RefusedError("over_budget", "no"), 422),
        (NotYetError("unknown_key", "not yet"), 409),
        (RemoteError("unreachable", "gone"), 502),
        (StorageError("tree_damaged", "broken"), 503),
        (StorageError("disk_full", "full"), 507),
        (InputError("not_found", "nothing"), 404),
        (DecodeError("too_large", "big"), 413),
        (NotYetError("stale_view", "old"), 503),
        (NotYetError("rate_limited", "slow down"), 429),
        (AccreditError("odd", "odd"), 500),
    ],
)
def test_each_class_of_error_has_its_status_and_a_stable_type(error: AccreditError, status: int) -> None:
    problem = problem_of(error)
    assert (problem.status, problem.code, problem.type) == (status, error.code, f"urn:accredit:problem:{error.code}")
    assert problem.title
    response = problem_response(problem)
    assert response.status_code == status
    assert response.headers["content-type"] == MEDIA_TYPE
    assert ("retry-after" in response.headers) == (status in (429, 503, 507))


def test_what_is_wrong_with_the_disk_is_the_operators_business() -> None:
    error = StorageError("damaged", "/var/lib/accredit/node.sqlite: page 7", hint="Run accredit node audit on /var/lib")
    told = msgspec.json.encode(problem_of(error)).decode()
    assert "/var/lib" not in told
    assert "page 7" not in told


def test_an_error_nobody_foresaw_names_the_request_and_nothing_else() -> None:
    problem = internal_problem("req-1")
    assert problem.status == 500
    assert "req-1" in problem.hint


def test_a_member_at_fault_is_named_apart_from_the_sentence() -> None:
    assert problem_of(DecodeError("bad_member", "expected text.", where="body.name")).where == "body.name"
