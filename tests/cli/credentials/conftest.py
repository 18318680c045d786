"""What tests of credentials share: the checks without a registry, a node or a network."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from accredit.cli.credentials.contexts import ContextLoader
from accredit.cli.credentials.judging import CheckedCredential, IssuerAnswer, Supplies, judge, prepare, with_key
from accredit.cli.credentials.keys import IssuerKeys
from accredit.cli.credentials.reading import read
from accredit.cli.credentials.status import StatusFiles
from accredit.registry.encoding.rfc3339 import parse

NOW = parse("2026-11-27T00:00:00Z")
YES = {"authorized": True, "verdict": "trusted", "reasons": [{"code": "accredited", "text": "Accredited."}]}

Checker = Callable[..., list[CheckedCredential]]


@pytest.fixture
def checked() -> Checker:
    """Checks every credential in a file. The registry says yes, unless told otherwise."""

    def check(
        file: Any,
        *,
        keys: Mapping[str, IssuerKeys] | None = None,
        lists: Mapping[str, Any] | None = None,
        fetched: Mapping[str, Any] | None = None,
        decision: Mapping[str, Any] | None = YES,
        loader: ContextLoader | None = None,
        now: int = NOW,
    ) -> list[CheckedCredential]:
        status = StatusFiles(
            given={name: raw_of(one) for name, one in (lists or {}).items()},
            fetched={name: raw_of(one) for name, one in (fetched or {}).items()},
            why_not={},
        )
        supplies = Supplies(
            keys=keys or {}, answer=IssuerAnswer(decision=decision, proved=True, source="by a test"), lists=status
        )
        prepared = [prepare(one, loader or ContextLoader()) for one in read(raw_of(file))]
        asked = [
            with_key(one, supplies.keys.get(one.said.issuer, IssuerKeys()) if one.said else IssuerKeys())
            for one in prepared
        ]
        return [judge(one, supplies, now) for one in asked]

    return check


def raw_of(value: Any) -> bytes:
    """A document, a token or bytes, as a file has it."""
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value)).encode()


def outcome(one: CheckedCredential, name: str) -> tuple[str, str]:
    """How a check ended, and what it found."""
    found = next(check for check in one.checks if check.name == name)
    return str(found.outcome), found.code
