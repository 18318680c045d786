"""Issuance receipts: they prove by when a credential existed, and a verifier checks them offline.

    {"v": 1, "issuer": id, "key": multibase, "salt": base64, "index": 421, "path": [base64, …],
     "statement": base64, "proof": {…} / null}                                              JSON, a file of some 3 kB

    existence = check_receipt(IssuanceReceipt.decode(file), credential, policy, now)
    query._replace(existed_by=existence.existed_by, committed_with=existence.key)

`salt`, `index` and `path` lead from the credential to the root in the statement `issuance.commit` (`domain.issuance`);
`proof` is an answer of `/v1/statements/{id}/proof` (`statement_proof`): the state that a quorum noted commits to that
statement. It is null until the issuer or the holder has fetched it.

* *Existed by* is the earliest time by which enough cosignatures for the policy had been made. Each of their signers
  held the statement then. The statement's own dates (`iat`, the period) do not count.
* The note may have any age and any version of the fold, because it is meant to be old. So its count is not compared
  with the last verified one, and it proves nothing about today's records.
* A receipt alone shows only that somebody with that key committed to the credential. `decide` tells, from proved
  records, whether the key was the issuer's and good then.
* A receipt reveals nothing about other holders: its path consists of hashes of salted or random leaves.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..domain.issuance import EXPONENT_MAX, SALT_BYTES, check_commit, content_of, leaf
from ..encoding import json_text, schema
from ..encoding.ed25519 import decode_multibase
from ..encoding.identifiers import CanonicalId, canonical_issuer, without_fragment
from ..encoding.rfc3339 import text
from ..errors import DecodeError, RefusedError
from ..statement import Statement, verify
from ..statement import decode as decode_statement
from ..transparency.merkle import check_inclusion
from ..transparency.signed_note import decode_base64, encode_base64
from ..transparency.state_note import AHEAD_MAX, open_state
from ..transparency.state_trie import check_proof, state_root
from .state_check import CheckError, CheckResult
from .statement_proof import Presence
from .trust_policy import TrustPolicy

RECEIPT_BYTES: Final = 64 * 1024
"""A path of 24 hashes, a statement of a kilobyte, a proof and a note of 16 signers: some 8 kB."""

KIND: Final = "issuance.commit"

_FORM: Final = schema.members(
    {
        "v": schema.integer(1, 1),
        "issuer": schema.issuer_id,
        "key": schema.text(100),
        "salt": schema.text(64),
        "index": schema.integer(0, 2**EXPONENT_MAX - 1),
        "path": schema.list_of(schema.text(64), maximum=EXPONENT_MAX),
        "statement": schema.text(RECEIPT_BYTES),
    },
    {"proof": lambda value, path: _require(value is None or isinstance(value, dict), path, "an object or null")},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuanceReceipt:
    """The receipt that a holder keeps, unverified.

    Attributes:
        issuer: the credential's issuer.
        key: the committing key, as multibase.
        salt: 32 bytes. index: of the leaf. path: the sibling of the leaf first, 32 bytes each.
        statement: the commitment's bytes.
        proof: the answer of `/v1/statements/{id}/proof`; None until it is fetched.
    """

    issuer: CanonicalId
    key: str
    salt: bytes
    index: int
    path: tuple[bytes, ...]
    statement: bytes
    proof: Mapping[str, Any] | None = None

    def encode(self) -> bytes:
        """The file."""
        members = {
            "v": 1,
            "issuer": self.issuer,
            "key": self.key,
            "salt": encode_base64(self.salt),
            "index": self.index,
            "path": [encode_base64(one) for one in self.path],
            "statement": encode_base64(self.statement),
            "proof": None if self.proof is None else dict(self.proof),
        }
        return json.dumps(members, indent=1).encode() + b"\n"

    @classmethod
    def decode(cls, data: bytes) -> "IssuanceReceipt":
        """Reads a file.

        Raises:
            DecodeError: it is none.
        """
        if len(data) > RECEIPT_BYTES:
            raise DecodeError(
                "too_large", f"this file has {len(data)} bytes; a receipt has at most {RECEIPT_BYTES}.", hint=_OTHER
            )
        try:
            value = json_text.decode(data, what="the receipt")
        except DecodeError as error:
            raise DecodeError(error.code, error.message, hint=_OTHER) from None
        if not isinstance(value, dict) or "salt" not in value:
            raise DecodeError("not_a_receipt", "this is not an issuance receipt.", hint=_OTHER)
        _FORM(value, "receipt")
        salt = decode_base64(value["salt"], "receipt.salt")
        path = tuple(decode_base64(one, f"receipt.path[{at}]") for at, one in enumerate(value["path"]))
        _require(len(salt) == SALT_BYTES, "receipt.salt", f"{SALT_BYTES} bytes")
        return cls(
            issuer=value["issuer"],
            key=value["key"],
            salt=salt,
            index=value["index"],
            path=path,
            statement=decode_base64(value["statement"], "receipt.statement"),
            proof=value.get("proof"),
        )


_OTHER: Final = "Give the file that `accredit issuance commit` made for this credential."


@dataclass(frozen=True, slots=True, kw_only=True)
class Existence:
    """The proved fact that a credential existed by a time: only `check_receipt` makes one.

    Attributes:
        existed_by: seconds since 1970; a quorum held the commitment by then.
        issuer: the issuer that committed, as the receipt names it. key: its key, as multibase, for
            `Query.committed_with`.
        statement: the commitment's id.
    """

    existed_by: int
    issuer: CanonicalId
    key: str
    statement: bytes


def check_receipt(receipt: IssuanceReceipt, credential: Any, policy: TrustPolicy, now: int) -> Existence:
    """Checks a receipt against the credential it came with.

    Args:
        credential: its JSON, or the payload of its JWT.
        now: the verifier's clock, seconds since 1970.

    Raises:
        CheckError: it does not hold; `check` is `credential`, `issuer`, `statement`, `key`, `leaf`, `policy`,
            `ecosystem`, `proof`, `root`, `note`, `cosignatures`, `quorum` or `age`.
    """
    committed = committed_in(receipt)
    try:
        content, issuer = content_of(credential), issuer_of(credential)
    except DecodeError as error:
        raise CheckError(CheckResult.REFUTED, "credential", f"The credential: {error.message}") from None
    if receipt.issuer != committed.iss:
        raise _refuted("issuer", f"The receipt names {receipt.issuer}, but {committed.iss} made its commitment.")
    if issuer != committed.iss:
        raise _refuted("issuer", f"The credential is by {issuer}, but {committed.iss} committed to it.")
    try:
        check_inclusion(
            leaf(receipt.salt, content),
            receipt.index,
            2 ** committed.body["size_exponent"],
            receipt.path,
            committed.body["root"],
        )
    except RefusedError:
        raise CheckError(
            CheckResult.REFUTED,
            "leaf",
            "The commitment does not contain this credential.",
            hint="The credential or its credentialStatus was altered, or this is the receipt of another one.",
        ) from None
    existed_by = held_by(receipt, policy, now)
    return Existence(existed_by=existed_by, issuer=issuer, key=receipt.key, statement=committed.id)


def issuer_of(credential: Any) -> CanonicalId:
    """Return the id of a credential's issuer, in its one spelling: its `issuer`, or a JWT's `iss`.

    Raises:
        DecodeError: it names none.
    """
    named = None
    if isinstance(credential, dict):
        inner = credential.get("vc")
        named = credential.get("issuer", inner.get("issuer") if isinstance(inner, dict) else None)
        named = named.get("id") if isinstance(named, dict) else named
        named = credential.get("iss") if named is None else named
    if not isinstance(named, str):
        raise DecodeError("no_issuer", "it does not name its issuer.")
    return canonical_issuer(without_fragment(named))


def committed_in(receipt: IssuanceReceipt) -> Statement:
    """Return a receipt's statement, known to be a commitment that its key signed.

    Raises:
        CheckError: it is none; `check` is `statement` or `key`.
    """
    try:
        statement = decode_statement(receipt.statement)
        if statement.kind != KIND:
            raise DecodeError("wrong_kind", f"it is a statement of the kind {statement.kind}.")
        check_commit(statement.body)
        if not statement.iss == statement.sub == statement.body["issuer"]:
            raise DecodeError("wrong_subject", "it does not speak about who signed it.")
    except DecodeError as error:
        raise _refuted("statement", f"This is not a commitment: {error.message}") from None
    try:
        return verify(statement, decode_multibase(receipt.key))
    except (DecodeError, RefusedError) as error:
        raise _refuted("key", f"The receipt's key did not sign its commitment: {error.message}") from None


def held_by(receipt: IssuanceReceipt, policy: TrustPolicy, now: int) -> int:
    """Return by when a quorum of the policy's signers held a receipt's commitment, seconds; the credential is not
    checked.

    Raises:
        CheckError: as `check_receipt`, but for `credential`, `issuer` and `leaf`.
    """
    committed = committed_in(receipt)
    try:
        policy.check_usable(now)
    except RefusedError as error:
        raise CheckError(CheckResult.UNKNOWN, "policy", error.message, hint=error.hint) from None
    if committed.eco != policy.ecosystem:
        message = "The commitment belongs to another ecosystem than the trust policy."
        raise CheckError(CheckResult.UNKNOWN, "ecosystem", message, hint="Use the trust policy of that ecosystem.")
    if receipt.proof is None:
        raise CheckError(
            CheckResult.UNWITNESSED,
            "proof",
            "The receipt has no proof yet that a quorum holds the commitment.",
            hint="Run accredit issuance receipts FILE --prove.",
        )
    try:
        presence = Presence.of(receipt.proof)
        value = check_proof(presence.statements_root, committed.id, presence.proof)
    except (DecodeError, RefusedError) as error:
        raise _refuted("proof", error.message) from None
    if value != committed.id:
        raise _refuted("proof", "The proof shows that the noted state does not hold the commitment.")
    try:
        opened = open_state(presence.note, policy.signers.keys)
    except DecodeError as error:
        raise _refuted("note", f"This is not a state note: {error.message}") from None
    except RefusedError as error:
        result = CheckResult.UNWITNESSED if error.code == "unsigned" else CheckResult.REFUTED
        raise CheckError(
            result, "cosignatures", error.message, hint="The note may be older than these signers: use their policy."
        ) from None
    if opened.state.ecosystem != policy.ecosystem:
        raise CheckError(CheckResult.UNKNOWN, "ecosystem", "The note is of another ecosystem than the trust policy.")
    if state_root(presence.records_root, presence.statements_root) != opened.state.root:
        raise _refuted("root", "The roots of records and statements do not match the state note.")
    times = {one.key: one.time for one in opened.cosignatures if one.time is not None}
    by = policy.signers.met_by(times)
    if by is None:
        raise CheckError(
            CheckResult.UNWITNESSED,
            "quorum",
            "Too few of the policy's signers cosigned the state that holds the commitment.",
            hint="Run accredit issuance receipts FILE --prove again, or use the policy of that time.",
        )
    if by > now + AHEAD_MAX:
        message = f"A quorum cosigned at {text(by)}, which is in the future by this machine's clock."
        raise CheckError(CheckResult.STALE, "age", message, hint="Check this machine's clock.")
    return by


def _refuted(check: str, message: str) -> CheckError:
    return CheckError(CheckResult.REFUTED, check, message)


def _require(condition: bool, path: str, expected: str) -> None:
    if not condition:
        raise schema.wrong(path, expected)
