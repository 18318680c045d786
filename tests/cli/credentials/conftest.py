"""What tests of credentials share: the checks without a registry, a node or a network."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from accredit.cli.credentials.contexts import ContextLoader
from accredit.cli.credentials.judging import CheckedCredential, IssuerAnswer, Supplies, judge, prepare, with_key
from accredit.cli.credentials.keys import IssuerKeys
from accredit.cli.credentials.proofs import method_of
from accredit.cli.credentials.reading import read
from accredit.cli.credentials.status import ListSigner, SignerKey, StatusFiles, signer_key
from accredit.registry.encoding.rfc3339 import parse
from accredit.registry.errors import AccreditError

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
        others: Sequence[str] = (),
        custodians: Mapping[str, str] | None = None,
        reasons: Sequence[Mapping[str, str]] = (),
    ) -> list[CheckedCredential]:
        status = StatusFiles(
            given={name: raw_of(one) for name, one in (lists or {}).items()},
            fetched={name: raw_of(one) for name, one in (fetched or {}).items()},
            why_not={},
            others=others,
            custodians=custodians or {},
        )
        context, known = loader or ContextLoader(), keys or {}
        found = []
        for one in read(raw_of(file)):
            prepared = prepare(one, context)
            own = known.get(prepared.said.issuer, IssuerKeys()) if prepared.said else IssuerKeys()
            supplies = Supplies(
                keys=own,
                answer=IssuerAnswer(decision=decision, proved=True, source="by a test"),
                lists=status,
                signers=dict(signers_of([*status.given.values(), *status.fetched.values()], known, reasons, context)),
            )
            found.append(judge(next(iter(with_key(prepared, own)), prepared), supplies, now))
        return found

    return check


def signers_of(
    lists: Sequence[bytes],
    keys: Mapping[str, IssuerKeys],
    reasons: Sequence[Mapping[str, str]],
    loader: ContextLoader,
) -> Iterator[tuple[SignerKey, ListSigner]]:
    """Who signed status lists: what the registry says of each is `reasons`."""
    for raw in lists:
        try:
            listed = prepare(read(raw)[0], loader)
        except AccreditError:
            continue
        if listed.said is not None:
            key = signer_key(listed.said, method_of(listed.credential, listed.said.issuer))
            yield key, ListSigner(keys=keys.get(listed.said.issuer, IssuerKeys()), reasons=reasons)


def raw_of(value: Any) -> bytes:
    """A document, a token or bytes, as a file has it."""
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value)).encode()


def outcome(one: CheckedCredential, name: str) -> tuple[str, str]:
    """How a check ended, and what it found."""
    found = next(check for check in one.checks if check.name == name)
    return str(found.outcome), found.code
