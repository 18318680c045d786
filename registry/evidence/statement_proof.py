"""Presence: whether the state that a quorum noted includes a statement.

    {"id": hex, "present": bool, "proof": base64,
     "records_root": hex, "statements_root": hex, "note": text}        JSON, of `/v1/statements/{id}/proof`

In the map over the statements (`state_trie`) the id is both key and value of its leaf; the map's root is half of the
state's root.

    proved = check_presence(Presence.of(answer), id, policy, now)
    proved.is_present, proved.noted.state.count

* Present: all cosigners hold the statement and have accepted it. It need not be in effect; the records show that.
* Absent: they do not hold it, or accepted it too late for this note, or it can never count because its key had been cut
  off before it.

It does not say where a statement is in a log (`checkpoint`), or what follows from it (`evidence`).
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from ..errors import DecodeError, RefusedError
from ..transparency.signed_note import decode_base64
from ..transparency.state_trie import check_proof, state_root
from .state_check import CheckError, CheckResult, NotedState, read_note
from .trust_policy import TrustPolicy

_HEX: Final = re.compile("[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """An answer about one statement, unverified; see the module. Ids and roots have 32 bytes each."""

    id: bytes
    is_present: bool
    proof: bytes
    records_root: bytes
    statements_root: bytes
    note: bytes

    @classmethod
    def of(cls, value: Any) -> "Presence":
        """Reads an answer of `/v1/statements/{id}/proof`.

        Raises:
            DecodeError: it is none.
        """
        try:
            is_present = value["present"]
            if type(is_present) is not bool:
                raise ValueError("present must be true or false")
            return cls(
                id=_digest(value["id"]),
                is_present=is_present,
                proof=decode_base64(value["proof"], "proof"),
                records_root=_digest(value["records_root"]),
                statements_root=_digest(value["statements_root"]),
                note=value["note"].encode(),
            )
        except (LookupError, TypeError, AttributeError, ValueError, DecodeError) as error:
            raise DecodeError(
                "presence", f"This is not a proof about a statement ({repr(error)[:200]}).", hint="Ask another node."
            ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """The proved answer whether a noted state includes a statement: only `check_presence` makes one."""

    is_present: bool
    noted: NotedState


def check_presence(presence: Presence, id: bytes, policy: TrustPolicy, now: int) -> Proved:
    """Check an answer: its note, its roots, that it is about the statement asked for, and its proof.

    Args:
        id: the statement asked for, 32 bytes.
        now: the verifier's clock, seconds since 1970.

    Raises:
        CheckError: it does not hold; `check` is one of `read_note`'s, or `root`, `statement`, `proof`, `present`.
    """
    noted = read_note(presence.note, policy, now)
    if state_root(presence.records_root, presence.statements_root) != noted.state.root:
        raise CheckError(
            CheckResult.REFUTED, "root", "The roots of records and statements do not match the state note."
        )
    if presence.id != id:
        raise CheckError(
            CheckResult.REFUTED, "statement", f"The proof is about the statement {presence.id.hex()}, not {id.hex()}."
        )
    try:
        value = check_proof(presence.statements_root, id, presence.proof)
    except (DecodeError, RefusedError) as error:
        raise CheckError(CheckResult.REFUTED, "proof", error.message, hint=error.hint) from None
    if value not in (None, id):
        raise CheckError(CheckResult.REFUTED, "proof", "The value of the statement's leaf is not its id.")
    if presence.is_present != (value is not None):
        word = "absent" if presence.is_present else "present"
        raise CheckError(
            CheckResult.REFUTED,
            "present",
            f"The proof shows that the statement is {word}, but the answer says the opposite.",
        )
    return Proved(is_present=presence.is_present, noted=noted)


def _digest(value: Any) -> bytes:
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise ValueError("an id or a root must have 64 lower-case hexadecimal digits")
    return bytes.fromhex(value)
