"""Makes a commitment and its receipts from credentials, so that an interruption at any point loses nothing.

1. every leaf, with its salt and path, is written to `unfinished.json` in the folder of the receipts;
2. the statement is signed, and written there too;
3. the receipts are written; only then
4. the statement is sent, and `unfinished.json` is deleted once a node has it.

`accredit issuance resume` goes on from the files in the folder. If the commitment was signed and its statement was lost
before step 2 ended, it signs another over the same root: the key loses a number, but no receipt is lost.
"""

import json
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from accredit.cli.base import documents
from accredit.cli.credentials.reading import ReadCredential, read
from accredit.registry.domain.issuance import (
    ALGORITHM,
    SALT_BYTES,
    content_of,
    exponent_for,
    leaf,
    plant,
)
from accredit.registry.encoding.counts import many
from accredit.registry.encoding.ed25519 import multibase
from accredit.registry.encoding.identifiers import CanonicalId, canonical_issuer
from accredit.registry.errors import AccreditError, DecodeError, InputError, StorageError
from accredit.registry.evidence.issuance_receipt import IssuanceReceipt, issuer_of
from accredit.registry.statement import decode
from accredit.registry.transparency.signed_note import decode_base64, encode_base64

UNFINISHED: Final = "unfinished.json"
SUFFIX: Final = ".receipt.json"
DAY: Final = 86_400

_TOLD: Final = 10
"""Most faulty files that one error names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedReceipt:
    """A receipt without its statement. `file`: its name in the folder."""

    file: str
    salt: bytes
    index: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentPlan:
    """A commitment that is being made.

    Attributes:
        body: of the statement.
        receipts: one for each credential.
        statement: signed; None before that. key: that signed it, as multibase.
    """

    body: dict[str, Any]
    receipts: tuple[PlannedReceipt, ...]
    statement: bytes | None = None
    key: str = ""

    @property
    def issuer(self) -> CanonicalId:
        """The issuer of the credentials."""
        return canonical_issuer(self.body["issuer"])

    def signed(self, raw: bytes, public: bytes) -> "CommitmentPlan":
        """Return the plan with its statement."""
        return replace(self, statement=raw, key=multibase(public))

    def is_in(self, raw: bytes) -> bool:
        """Return whether a statement is this commitment."""
        said = decode(raw)
        return said.kind == "issuance.commit" and said.body == self.body

    def finished(self) -> Iterator[tuple[str, IssuanceReceipt]]:
        """Yield each receipt with its file's name, once the statement is signed."""
        assert self.statement is not None
        for one in self.receipts:
            yield (
                one.file,
                IssuanceReceipt(
                    issuer=self.issuer,
                    key=self.key,
                    salt=one.salt,
                    index=one.index,
                    path=one.path,
                    statement=self.statement,
                ),
            )


# ------------------------------------------------------------------------------------------------ planning


def credentials_of(paths: Sequence[Path], issuer: str) -> list[tuple[str, Any]]:
    """Return the credentials in files, each with a name for its receipt; credentials inside others are not taken out.

    Raises:
        DecodeError: `not_committed`: a file is not a credential of this issuer; the error says which, and why.
    """
    found: list[tuple[str, Any]] = []
    wrong: list[str] = []
    for path in paths:
        try:
            whole = [one for one in read(documents.read_bytes(path)) if "." not in one.place]
            for number, one in enumerate(whole, start=1):
                payload = payload_of(one)
                by = issuer_of(payload)
                if by != issuer:
                    raise DecodeError("other_issuer", f"it is by {by}, and the key signs for {issuer}.")
                content_of(payload)
                found.append((path.name + (f"-{number}" if len(whole) > 1 else ""), payload))
        except AccreditError as error:
            wrong.append(f"{path}: {error.message}")
    if wrong:
        more = f" (and {len(wrong) - _TOLD} more)" if len(wrong) > _TOLD else ""
        raise DecodeError(
            "not_committed",
            f"{len(wrong)} of {many(len(paths), 'file')} are no credentials of this issuer: "
            f"{'; '.join(wrong[:_TOLD])}{more}",
            hint="Nothing was signed. Mend or leave out these files.",
        )
    return found


def payload_of(credential: ReadCredential) -> Any:
    """Return the content that a commitment covers: a credential's JSON, or the claims of its JWT."""
    return credential.document if credential.token is None else credential.token.claims


def plan_commitment(
    credentials: Sequence[tuple[str, Any]], issuer: str, period_from: int | None, period_until: int | None
) -> CommitmentPlan:
    """Return a plan; it draws salts, places and the leaves between them at random, from the operating system.

    Args:
        period_from, period_until: seconds since 1970; None for today.

    Raises:
        DecodeError: there are more credentials than a tree can hold.
    """
    today = int(time.time()) // DAY * DAY
    exponent = exponent_for(len(credentials))
    salts = [secrets.token_bytes(SALT_BYTES) for _ in credentials]
    hashed = [leaf(salt, content_of(payload)) for salt, (_, payload) in zip(salts, credentials, strict=True)]
    places = secrets.SystemRandom().sample(range(2**exponent), len(credentials))
    root, paths = plant(hashed, places, secrets.token_bytes(32 * 2**exponent))
    body = {
        "issuer": issuer,
        "period_from": today if period_from is None else period_from,
        "period_until": today + DAY if period_until is None else period_until,
        "root": root,
        "size_exponent": exponent,
        "algorithm": ALGORITHM,
    }
    names = _different([name for name, _ in credentials])
    receipts = tuple(
        PlannedReceipt(file=name + SUFFIX, salt=salt, index=place, path=path)
        for name, salt, place, path in zip(names, salts, places, paths, strict=True)
    )
    return CommitmentPlan(body=body, receipts=receipts)


def _different(names: Sequence[str]) -> list[str]:
    """Return different names: files of one name in two folders get a number."""
    found: dict[str, None] = {}
    for name in names:
        number, made = 1, name
        while made in found:
            number += 1
            made = f"{name}-{number}"
        found[made] = None
    return list(found)


# ------------------------------------------------------------------------------------------------ the folder


def begin(folder: Path, plan: CommitmentPlan) -> None:
    """Write a plan to a folder; create a missing folder.

    Raises:
        StorageError: `unfinished_commitment`, `file_exists`, or the system's error.
    """
    if (folder / UNFINISHED).exists():
        raise StorageError(
            "unfinished_commitment",
            f"{folder} holds a commitment that was interrupted.",
            hint=f"Finish it first: accredit issuance resume {folder}",
        )
    held = next((one.file for one in plan.receipts if (folder / one.file).exists()), None)
    if held is not None:
        raise StorageError("file_exists", f"{folder / held} already exists.", hint="Choose another folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError("cannot_write", f"{folder}: {error.strerror}.") from None
    keep(folder, plan)


def keep(folder: Path, plan: CommitmentPlan) -> None:
    """Replace the stored plan completely, or not at all."""
    members = {
        "v": 1,
        "body": {**plan.body, "root": plan.body["root"].hex()},
        "statement": None if plan.statement is None else encode_base64(plan.statement),
        "key": plan.key,
        "receipts": [
            {
                "file": one.file,
                "salt": encode_base64(one.salt),
                "index": one.index,
                "path": [encode_base64(hashed) for hashed in one.path],
            }
            for one in plan.receipts
        ],
    }
    documents.write_new(folder / UNFINISHED, json.dumps(members) + "\n", force=True)


def plan_in(folder: Path) -> CommitmentPlan:
    """Return the plan in a folder.

    Raises:
        InputError: `nothing_unfinished`: there is none, or the file is not of this form.
    """
    path = folder / UNFINISHED
    if not path.is_file():
        raise InputError(
            "nothing_unfinished",
            f"{folder} holds no commitment that was interrupted.",
            hint="accredit issuance receipts shows how far its receipts are.",
        )
    found = documents.parse_json(documents.read_text(path), str(path))
    try:
        return CommitmentPlan(
            body={**found["body"], "root": bytes.fromhex(found["body"]["root"])},
            statement=None if found["statement"] is None else decode_base64(found["statement"], "statement"),
            key=str(found["key"]),
            receipts=tuple(
                PlannedReceipt(
                    file=Path(one["file"]).name,
                    salt=decode_base64(one["salt"], "salt"),
                    index=int(one["index"]),
                    path=tuple(decode_base64(hashed, "path") for hashed in one["path"]),
                )
                for one in found["receipts"]
            ),
        )
    except (LookupError, TypeError, ValueError, DecodeError) as error:
        raise InputError(
            "bad_file",
            f"{path} is not a commitment that was interrupted ({repr(error)[:100]}).",
            hint="Restore it from a backup, or delete it and commit anew.",
        ) from None


def write_receipts(folder: Path, plan: CommitmentPlan) -> None:
    """Write the receipts of a signed plan; those of an earlier try are written again unchanged."""
    for name, receipt in plan.finished():
        documents.write_new(folder / name, receipt.encode(), force=True)


def end(folder: Path) -> None:
    """Delete the plan, because a node has the commitment, and each receipt has its own file."""
    (folder / UNFINISHED).unlink(missing_ok=True)
