"""The founding: a charter signed by one founder, approved by the others, carried from hand to hand in one file.

A *ceremony file* is a signed file (`offline_files`) that begins with the `charter.genesis`; each founder adds a
`vote.approve`. Everything here works without a network and without a node.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from accredit.cli.base import documents
from accredit.cli.signing.keys import UnlockedKey, read_public
from accredit.cli.signing.offline_files import SignedStatements, genesis_of, read_ceremony
from accredit.governance.authority.admission import Admission
from accredit.governance.fold import Fold
from accredit.governance.rules.charter import charter_of
from accredit.governance.rules.rulebook import rule_for
from accredit.governance.rules.undoing import what_is_needed
from accredit.node.files.atomic_files import write_atomically
from accredit.registry.encoding.ed25519 import key_id
from accredit.registry.errors import InputError, NotYetError, RefusedError
from accredit.registry.statement import Draft, Unverified, decode


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundingProgress:
    """The progress of a founding.

    Attributes:
        ecosystem: the genesis' id, by which the ecosystem is known from now on.
        effective: whether enough founders have approved.
        approved_by: ids of the authorities that speak for it.
        needed: the approvals needed in all, including those given, as part of a sentence.
        signatures: key ids (hex) that have signed or voted, in the order of the file.
    """

    ecosystem: bytes
    charter: dict[str, Any]
    effective: bool
    approved_by: tuple[str, ...]
    needed: str
    signatures: tuple[str, ...]


def progress_of(signed: SignedStatements, source: str) -> FoundingProgress:
    """Return the progress of a ceremony, after checking every signature in it.

    Raises:
        DecodeError, RefusedError: the genesis or a vote is not good.
    """
    genesis = genesis_of(signed.statements, source)
    admission, fold = Admission(genesis.id), Fold(genesis.id)
    keys = []
    for raw in signed.statements:
        try:
            statement = admission.admit(decode(raw))
        except NotYetError as error:
            raise RefusedError(
                "not_a_founder",
                f"{source}: {error.message}",
                hint="Only keys named in the charter may vote in a ceremony.",
            ) from error
        admission.add(statement)
        fold.add(statement)
        keys.append(statement.kid)
    fold.settle()
    charter = charter_of(genesis)
    speaking = [a.id for a in charter.authorities.values() if len({*keys} & {*a.keys}) >= a.threshold]
    rule = rule_for("charter.genesis", charter.rules)
    return FoundingProgress(
        ecosystem=genesis.id,
        charter=genesis.body,
        effective=fold.charter is not None,
        approved_by=tuple(speaking),
        needed="" if fold.charter is not None else what_is_needed(rule, charter),
        signatures=tuple(key.hex() for key in keys),
    )


def found(body: dict[str, Any], source: str, key: Path, passphrase_file: Path | None, target: Path) -> SignedStatements:
    """Signs a charter as the genesis of a new ecosystem, into a new ceremony file.

    Raises:
        InputError: the key is none of the charter's, or has signed something before.
    """
    authority = _authority_of(body, key, source)
    _require_fresh(key)
    draft = Draft(
        iss=authority,
        sub=body["id"],
        iat=int(time.time()),
        eco=None,
        kind="charter.genesis",
        seq=1,
        prev=None,
        body=body,
    )
    made: list[SignedStatements] = []

    def keep(raws: Sequence[bytes]) -> None:
        made.append(SignedStatements(ecosystem=decode(raws[0]).id, ecosystem_name=body["name"], statements=tuple(raws)))
        documents.write_new(target, made[0].encode())

    UnlockedKey.unlock(key, passphrase_file).sign([draft], keep=keep)
    return made[0]


def approve(path: Path, key: Path, passphrase_file: Path | None) -> SignedStatements:
    """Adds a founder's approval to a ceremony file.

    Raises:
        InputError: the key is none of the charter's, or has signed already.
    """
    signed = read_ceremony(path)
    genesis = genesis_of(signed.statements, str(path))
    authority = _authority_of(genesis.body, key, str(path))
    held = read_public(key)
    if any(decode(raw).kid == held.kid for raw in signed.statements):
        raise InputError(
            "already_signed", f"{key} has already signed this charter.", hint="Pass the file on to the next founder."
        )
    _require_fresh(key)
    draft = Draft(
        iss=authority,
        sub=genesis.id.hex(),
        iat=max(int(time.time()), genesis.iat),
        eco=genesis.id,
        kind="vote.approve",
        seq=1,
        prev=None,
        body={"targets": [genesis.id]},
    )
    made: list[SignedStatements] = []

    def keep(raws: Sequence[bytes]) -> None:
        made.append(replace(signed, statements=(*signed.statements, *raws)))
        write_atomically(path, made[0].encode().encode())

    UnlockedKey.unlock(key, passphrase_file).sign([draft], keep=keep)
    return made[0]


def genesis_statement(path: Path) -> tuple[Unverified, bytes]:
    """The genesis in a ceremony file, or in a file that is the bare statement; with its bytes."""
    raw = documents.read_bytes(path)
    statements = (raw,) if raw[:1] == b"\xd2" else read_ceremony(path).statements
    return genesis_of(statements, str(path)), statements[0]


def approvals_lacking(path: Path) -> str:
    """The approvals that a ceremony file needs in all, as part of a sentence; empty if it has them.

    A file that is the bare genesis carries no approvals and is not judged: its text is empty too.

    Raises:
        DecodeError, RefusedError: the genesis or a vote is not good.
    """
    if documents.read_bytes(path)[:1] == b"\xd2":
        return ""
    return progress_of(read_ceremony(path), str(path)).needed


def _authority_of(body: dict[str, Any], key: Path, source: str) -> str:
    kid = read_public(key).kid
    for authority in body["authorities"]:
        if any(key_id(entry["public"]) == kid for entry in authority["keys"]):
            return str(authority["id"])
    raise InputError(
        "not_a_founder",
        f"{source} does not name the key {key} ({kid.hex()[:12]}).",
        hint="Sign with a key of one of its authorities; accredit charter check lists them.",
    )


def _require_fresh(key: Path) -> None:
    last = read_public(key).last
    if last is not None:
        raise InputError(
            "key_used",
            f"{key} has already signed statement number {last.seq}; a founder's first statement must be this "
            "signature.",
            hint="Make a new key for the new ecosystem: accredit keys new.",
        )
