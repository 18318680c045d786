"""Checks a state note against a verifier's trust policy, and names the way in which a check failed.

The five results are always kept apart:

* `verified`: every check passed;
* `refuted`: something contradicts itself or what was verified before;
* `unwitnessed`: too few of the policy's signers vouch for it, at any age;
* `stale`: enough of them did, but too long ago, or for fewer statements than were verified before;
* `unknown`: this verifier cannot tell: its policy has expired, or is about another ecosystem or another fold.

`read_note` returns the state, or raises `CheckError` with the answer and the name of the check that gave it.
"""

from dataclasses import dataclass
from enum import StrEnum

from ..domain.records import FOLD_VERSION
from ..encoding.rfc3339 import text
from ..errors import DecodeError, RefusedError
from ..transparency.signed_note import VerifierKey
from ..transparency.state_note import AHEAD_MAX, OpenedState, StateNote, fresh, open_state
from .trust_policy import TrustPolicy


class CheckResult(StrEnum):
    """See the module."""

    VERIFIED = "verified"
    REFUTED = "refuted"
    UNWITNESSED = "unwitnessed"
    STALE = "stale"
    UNKNOWN = "unknown"


class CheckError(RefusedError):
    """A check that did not pass.

    Attributes:
        result: any but `verified`.
        check: stable word naming the check; also the error's code.
    """

    result: CheckResult
    check: str

    def __init__(self, result: CheckResult, check: str, message: str, *, hint: str = "") -> None:
        super().__init__(check, message, hint=hint)
        self.result = result
        self.check = check


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedState:
    """A state for which a quorum of the policy's signers vouches: only `read_note` makes one.

    Attributes:
        state: the state that they cosigned.
        since: seconds since 1970; a quorum of the cosignatures was made then or later.
        signers: the keys whose cosignatures count.
        note: the note's bytes.
    """

    state: StateNote
    since: int
    signers: tuple[VerifierKey, ...]
    note: bytes


def read_note(note: bytes, policy: TrustPolicy, now: int, *, max_age: int | None = None) -> NotedState:
    """Check a state note: its cosignatures, age and ecosystem, and that it is not behind a state verified before.

    Args:
        now: the verifier's clock, seconds since 1970.
        max_age: of a cosignature, seconds, in place of the policy's.

    Raises:
        CheckError: a check failed.
    """
    opened = _open(note, policy, now)
    age = policy.max_age if max_age is None else max_age
    times = {one.key: one.time for one in fresh(opened, now, age) if one.time is not None}
    since = policy.signers.met_since(times)
    if since is None:
        raise _too_few(opened, policy, now)
    try:
        policy.remember(opened.state)
    except RefusedError as error:
        result = CheckResult.STALE if error.code == "count_lower" else CheckResult.REFUTED
        raise CheckError(result, "count", error.message, hint=error.hint) from None
    return NotedState(state=opened.state, since=since, signers=tuple(times), note=note)


def _open(note: bytes, policy: TrustPolicy, now: int) -> OpenedState:
    try:
        policy.check_usable(now)
    except RefusedError as error:
        raise CheckError(CheckResult.UNKNOWN, "policy", error.message, hint=error.hint) from None
    if not note:
        raise CheckError(
            CheckResult.UNWITNESSED, "note", "There is no state note: only this one node vouches for the answer."
        )
    try:
        opened = open_state(note, policy.signers.keys)
    except DecodeError as error:
        raise CheckError(CheckResult.REFUTED, "note", f"This is not a state note: {error.message}") from None
    except RefusedError as error:
        result = CheckResult.UNWITNESSED if error.code == "unsigned" else CheckResult.REFUTED
        raise CheckError(result, "cosignatures", error.message, hint=error.hint) from None
    if opened.state.ecosystem != policy.ecosystem:
        message = f"The state belongs to the ecosystem {opened.state.ecosystem.hex()}, the trust policy to another one."
        raise CheckError(CheckResult.UNKNOWN, "ecosystem", message, hint="Use the trust policy of that ecosystem.")
    if opened.state.fold != FOLD_VERSION:
        message = (
            f"The records were made by fold version {opened.state.fold}; this program knows version {FOLD_VERSION}."
        )
        raise CheckError(CheckResult.UNKNOWN, "fold", message, hint="Update the older program.")
    return opened


def _too_few(opened: OpenedState, policy: TrustPolicy, now: int) -> CheckError:
    """Say why the fresh cosignatures are not enough: they are too few at any age, too old, or too far ahead."""
    times = {one.key: one.time for one in opened.cosignatures if one.time is not None}
    since = policy.signers.met_since(times)
    if since is None:
        names = ", ".join(sorted(key.name for key in times))
        message = f"Too few of the policy's signers cosigned this state; those who did: {names}."
        return CheckError(CheckResult.UNWITNESSED, "quorum", message, hint="Fetch a note with more cosignatures.")
    if since > now + AHEAD_MAX:
        message = f"A quorum cosigned at {text(since)}, which is in the future by this machine's clock."
        return CheckError(CheckResult.STALE, "age", message, hint="Check this machine's clock.")
    message = f"A quorum of the policy's signers last vouched for this state at {text(since)}."
    return CheckError(CheckResult.STALE, "age", message, hint="Fetch it again: a fresh note is at most a minute old.")
