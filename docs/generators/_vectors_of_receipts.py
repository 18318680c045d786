"""The vectors of issuance receipts: what proves that a credential existed by a time, and every way not to."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from accredit.registry.evidence.issuance_receipt import IssuanceReceipt
from accredit.registry.evidence.trust_policy import TrustPolicy
from accredit.registry.transparency.signed_note import encode_base64
from tests.strategies.committing import HELD_AT, KEY, SCHOOL, Committed, committed, credential
from tests.strategies.domain import NOW

from ._vector_world import Vector, error, failed

ABOUT: Final = (
    "Receipts (`diploma.json.receipt.json`): checked against the credential that came with them, under a policy."
)
_STATUS: Final = {"type": "BitstringStatusListEntry", "statusListIndex": "7"}
_ADA: Final = credential("Ada", credentialStatus=_STATUS)
_SAID: Final = committed([_ADA])
_TOKEN: Final = {"iss": SCHOOL, "nbf": 1, "vc": {"type": ["VerifiableCredential"], "credentialStatus": _STATUS}}
_OTHER_SEED: Final = bytes(range(32))


def vectors() -> Iterator[Vector]:
    """All of them, those that hold first."""
    held = {"result": "verified", "check": "", "existed_by": HELD_AT + 10, "committed_with": KEY}
    yield _vector("good", "As it is written.", held)
    yield _vector(
        "signed-anew", "The signature was made anew.", held, of={**_ADA, "proof": {"type": "x"}, "proofs": []}
    )
    numbers = credential(values=[1e-7, -0.0, 4.50, 333333333.33333329], texts={"\ufb33": "\u20ac\n", "\U0001f600": 1})
    yield _vector(
        "spelling", "Numbers and names that programs write in several ways.", held, committed([numbers]), of=numbers
    )
    yield _vector("token", "The payload of a JWT.", held, committed([_TOKEN]), of=_TOKEN)
    old = committed([_ADA], fold=1)
    yield _vector("older-fold", "A note of an older version of the fold.", held, old)
    liar = committed([_ADA], times=(HELD_AT - 9_999, HELD_AT, HELD_AT + 10, HELD_AT + 400))
    yield _vector("one-dates-back", "One signer of four dates its cosignature back.", held, liar)

    yield _vector("mandate", "A statement that names a mandate.", held, committed([_ADA], mandate=bytes(32)))

    stripped = {name: value for name, value in _ADA.items() if name != "credentialStatus"}
    refuted = _failing("refuted")
    yield _vector("status-stripped", "The status was left out.", refuted("leaf"), of=stripped)
    moved = {**_ADA, "credentialStatus": {**_STATUS, "statusListIndex": "8"}}
    yield _vector("status-moved", "Another place in the status list.", refuted("leaf"), of=moved)
    yield _vector("another-name", "The credential of somebody else.", refuted("leaf"), of=credential("Eve"))
    yield _vector("no-object", "The credential is a list.", refuted("credential"), of=[_ADA])
    nobody = {name: value for name, value in _ADA.items() if name != "issuer"}
    yield _vector("no-issuer", "It names no issuer.", refuted("credential"), of=nobody)
    rival = committed([_ADA], issuer="did:web:rival.example", seed=_OTHER_SEED)
    yield _vector("by-a-rival", "Another issuer committed to it.", refuted("issuer"), rival)
    yield _vector(
        "other-kind", "A statement of another kind.", refuted("statement"), committed([_ADA], kind="issuer.key")
    )
    yield _vector("small-tree", "A tree of two leaves.", refuted("statement"), committed([_ADA], size_exponent=1))

    receipt = _SAID.receipts[0]
    raw, proof = receipt.statement, receipt.proof or {}
    for name, why, changed, expected in (
        ("other-salt", "Another salt.", replace(receipt, salt=bytes(32)), refuted("leaf")),
        ("other-place", "The place beside it.", replace(receipt, index=receipt.index ^ 1), refuted("leaf")),
        ("short-path", "A hash less.", replace(receipt, path=receipt.path[:-1]), refuted("leaf")),
        ("other-key", "A key that did not sign it.", replace(receipt, key=rival.receipts[0].key), refuted("key")),
        ("no-key", "A key that is none.", replace(receipt, key="z6Mknonsense"), refuted("key")),
        (
            "signature",
            "Another signature.",
            replace(receipt, statement=raw[:-1] + bytes([raw[-1] ^ 1])),
            refuted("key"),
        ),
        ("cut-off", "Half a statement.", replace(receipt, statement=raw[: len(raw) // 2]), refuted("statement")),
        ("not-proved", "Before it was proved.", replace(receipt, proof=None), failed("unwitnessed", "proof")),
        ("empty-proof", "A proof without members.", replace(receipt, proof={}), refuted("proof")),
        ("other-root", "Other records.", _proved(receipt, records_root="00" * 32), refuted("root")),
        ("no-note", "A note that is none.", _proved(receipt, note="no note"), refuted("note")),
        (
            "changed-note",
            "The note was altered.",
            _proved(receipt, note=_later(proof["note"])),
            refuted("cosignatures"),
        ),
    ):
        yield _vector(name, why, expected, receipt=changed)
    yield _vector("not-held", "The state does not hold it.", refuted("proof"), committed([_ADA], holds=False))
    few = committed([_ADA], times=(HELD_AT, HELD_AT))
    yield _vector("few", "Two of four signers.", failed("unwitnessed", "quorum"), few)
    expired = replace(_SAID.policy, expires=NOW - 1)
    yield _vector("expired-policy", "The policy has expired.", failed("unknown", "policy"), policy=expired)
    elsewhere = replace(_SAID.policy, ecosystem=bytes(32))
    yield _vector("elsewhere", "A policy of another ecosystem.", failed("unknown", "ecosystem"), policy=elsewhere)
    early, then = replace(_SAID.policy, expires=HELD_AT), HELD_AT - 10_000
    yield _vector("clock", "A clock that is hours behind.", failed("stale", "age"), policy=early, now=then)

    for name, why, change, code in (
        ("version", "Another version.", {"v": 2}, "bad_member"),
        ("unknown-member", "A member that nobody knows.", {"x": 1}, "unknown_member"),
        ("issuer-spelling", "The issuer in another spelling.", {"issuer": "did:web:School.example"}, "not_canonical"),
        ("salt-length", "A salt of 31 bytes.", {"salt": encode_base64(bytes(31))}, "bad_member"),
        ("loose-base64", "A salt in loose base64.", {"salt": encode_base64(bytes(32)).rstrip("=")}, "base64"),
        ("hash-twice", "A hash twice in its path.", {"path": [encode_base64(bytes(32))] * 2}, "bad_member"),
        ("proof-as-text", "A proof that is text.", {"proof": "x"}, "bad_member"),
    ):
        members = {**json.loads(replace(receipt, proof=None).encode()), **change}
        yield _written(name, why, json.dumps(members), error(code))
    twice = replace(receipt, proof=None).encode().decode().replace('"v": 1,', '"v": 1, "v": 1,')
    yield _written("member-twice", "A member twice.", twice, error("duplicate_member"))
    yield _written("no-json", "No JSON.", "receipt", error("not_json"))
    yield _written("no-receipt", "Some other JSON.", "{}", error("not_a_receipt"))


def _failing(result: str) -> Callable[[str], Mapping[str, Any]]:
    return lambda check: failed(result, check)


def _proved(receipt: IssuanceReceipt, **changes: Any) -> IssuanceReceipt:
    return replace(receipt, proof={**(receipt.proof or {}), **changes})


def _later(note: str) -> str:
    """A note that counts a statement more."""
    origin, count, rest = note.split("\n", 2)
    return f"{origin}\n{int(count) + 1}\n{rest}"


def _vector(
    name: str,
    why: str,
    expected: Mapping[str, Any],
    said: Committed = _SAID,
    *,
    of: Any = _ADA,
    receipt: IssuanceReceipt | None = None,
    policy: TrustPolicy | None = None,
    now: int = NOW,
) -> Vector:
    made = said.receipts[0] if receipt is None else receipt
    text = json.dumps(json.loads(made.encode()))
    return _written(name, why, text, expected, policy=policy or said.policy, of=of, now=now)


def _written(
    name: str,
    why: str,
    receipt: str,
    expected: Mapping[str, Any],
    *,
    policy: TrustPolicy = _SAID.policy,
    of: Any = _ADA,
    now: int = NOW,
) -> Vector:
    given = {"policy": policy.encode().decode(), "now": now, "credential": of, "receipt": receipt}
    return Vector(name=name, why=why, given=given, expected=expected)
