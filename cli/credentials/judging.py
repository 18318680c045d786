"""Judges a credential: all checks in their order, and the verdict.

    asked = prepare(credential, loader)                            what it says, and what is needed to check it
    checked = judge(asked, supplies, now)

`accepted`: every check was done and passed. `not_accepted`: one failed. `indeterminate`: none failed, and one could not
be done; its text names what is missing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from accredit.registry.domain.record_types import IssuerRecord
from accredit.registry.encoding.rfc3339 import day

from .claims import CredentialClaims, claims_of, question_of, raw_claims
from .contexts import ContextLoader
from .keys import IssuerKeys
from .outcomes import NAMES, CheckOutcome, CheckStopped, CredentialCheck, failed, not_done
from .proofs import check_signature, method_of, methods_of
from .reading import ReadCredential
from .status import ListSigner, SignerKey, StatusFiles, check_list_key, check_status, signer_key

CANDIDATES_MAX: Final = 8
"""Ids under which one key is pinned that are asked about; an issuer pins a key under one or two. A guess."""


class CredentialVerdict(StrEnum):
    """Whether a credential is good."""

    ACCEPTED = "accepted"
    NOT_ACCEPTED = "not_accepted"
    INDETERMINATE = "indeterminate"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedCredential:
    """A credential that was read.

    Attributes:
        said: what it says; None where it cannot be read, and then `unread` says why.
        question: about its issuer; None where it cannot be asked.
    """

    credential: ReadCredential
    loader: ContextLoader
    said: CredentialClaims | None
    unread: CheckStopped | None
    question: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerAnswer:
    """What the registry says about the issuer.

    Attributes:
        decision: as `POST /v1/decisions` gives it; None where there is none, and then `why_not` is what to raise.
        proved: whether a trust policy's signers vouch for it.
        source: who says so, for people, as in `the node https://node1.example.org`.
        record: the issuer's, where the registry has one.
        keepers: ids of those who may keep its records, as a node names them; whether that counts their records say.
    """

    decision: Mapping[str, Any] | None
    proved: bool = False
    source: str = ""
    why_not: CheckStopped | None = None
    record: IssuerRecord | None = None
    keepers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplies:
    """What is at hand to check a credential besides itself.

    Attributes:
        keys: of its issuer. answer: about its issuer. lists: status lists. signers: whoever signed those.
        more: checks made elsewhere, such as of a receipt.
        keepers: names of those who keep the records of an issuer that is gone, by id.
    """

    keys: IssuerKeys
    answer: IssuerAnswer
    lists: StatusFiles
    signers: Mapping[SignerKey, ListSigner] = field(default_factory=dict)
    more: Sequence[CredentialCheck] = ()
    keepers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedCredential:
    """A credential, checked.

    Attributes:
        decision: the answer about its issuer, where there is one.
        shown: issuer, names and types for people; nothing follows from them.
        keepers: names of those who keep the records of an issuer that is gone, by id.
    """

    place: str
    verdict: CredentialVerdict
    checks: tuple[CredentialCheck, ...]
    decision: Mapping[str, Any] | None
    question: Mapping[str, Any] | None
    shown: Mapping[str, str] = field(default_factory=dict)
    keepers: Mapping[str, str] = field(default_factory=dict)

    @property
    def cause(self) -> CredentialCheck:
        """The check that the verdict rests on: the first that failed, else the first not done, else the last."""
        for outcome in (CheckOutcome.FAILED, CheckOutcome.NOT_DONE):
            for check in self.checks:
                if check.outcome is outcome:
                    return check
        return self.checks[-1]

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "place": self.place,
            "verdict": str(self.verdict),
            "cause": self.cause.code,
            **self.shown,
            "checks": [check.to_json() for check in self.checks],
            "question": self.question,
            "decision": self.decision,
        }


def prepare(credential: ReadCredential, loader: ContextLoader) -> PreparedCredential:
    """Read a credential, and say what must be asked about its issuer. It raises nothing."""
    try:
        said = claims_of(credential, loader)
        question = question_of(said, key=method_of(credential, said.issuer))
    except CheckStopped as stopped:
        return PreparedCredential(credential=credential, loader=loader, said=None, unread=stopped, question=None)
    return PreparedCredential(credential=credential, loader=loader, said=said, unread=None, question=question)


def with_key(prepared: PreparedCredential, known: IssuerKeys) -> list[PreparedCredential]:
    """Return the same with a question about the key that signed, where only the issuer's keys say which one it is.

    A token may bring its key along instead of naming it. That key may be pinned under several ids, by whoever may speak
    in the registry: so there are several questions, of which one may be about a pin that counts.
    """
    said, question = prepared.said, prepared.question
    if said is None or question is None or "key" in question:
        return []
    methods = methods_of(prepared.credential, known)[:CANDIDATES_MAX]
    return [replace(prepared, question=question_of(said, key=one)) for one in methods]


def judge(prepared: PreparedCredential, supplies: Supplies, now: int) -> CheckedCredential:
    """Check a credential.

    Args:
        now: this machine's clock, seconds since 1970.
    """
    said, credential, loader = prepared.said, prepared.credential, prepared.loader
    if said is None:
        assert prepared.unread is not None
        checks = [prepared.unread.as_check("content")]
        text = "Not done, because the credential cannot be read."
        for name in NAMES[1:]:
            checks.append(CredentialCheck(name=name, outcome=CheckOutcome.NOT_DONE, code="unread", text=text))
        return _concluded(prepared, checks, supplies)

    def list_signature(one: ReadCredential, its: CredentialClaims) -> CredentialCheck:
        method = method_of(one, its.issuer)
        signer = supplies.signers.get(signer_key(its, method), ListSigner())
        check_list_key(method, signer)
        return check_signature(one, its, signer.keys, loader, now, asked=method)

    checks = [_content(said)]
    asked = str((prepared.question or {}).get("key", ""))
    later: tuple[tuple[str, Callable[[], CredentialCheck]], ...] = (
        ("signature", lambda: check_signature(credential, said, supplies.keys, loader, now, asked=asked)),
        ("dates", lambda: _dates(said, now)),
        ("status", lambda: check_status(said, supplies.lists, loader, list_signature, now)),
        ("issuer", lambda: _issuer(said, supplies.answer)),
    )
    for name, made in later:
        try:
            checks.append(made())
        except CheckStopped as stopped:
            checks.append(stopped.as_check(name))
    return _concluded(prepared, [*checks, *supplies.more], supplies)


def _concluded(
    prepared: PreparedCredential, checks: Sequence[CredentialCheck], supplies: Supplies
) -> CheckedCredential:
    outcomes = {check.outcome for check in checks}
    verdict = CredentialVerdict.ACCEPTED
    if CheckOutcome.FAILED in outcomes:
        verdict = CredentialVerdict.NOT_ACCEPTED
    elif CheckOutcome.NOT_DONE in outcomes:
        verdict = CredentialVerdict.INDETERMINATE
    return CheckedCredential(
        place=prepared.credential.place,
        verdict=verdict,
        checks=tuple(checks),
        decision=supplies.answer.decision,
        question=prepared.question,
        shown=_shown(prepared),
        keepers=supplies.keepers,
    )


def _shown(prepared: PreparedCredential) -> dict[str, str]:
    said = prepared.said
    if said is None:
        return raw_claims(prepared.credential)
    return {
        "issuer": said.issuer,
        "issuer_name": said.issuer_name,
        "name": said.name,
        "types": ", ".join(said.types),
        "achievement_types": ", ".join(said.achievement_types),
        "issued_on": said.issued_on,
        "valid_until": "" if said.valid_until is None else day(said.valid_until),
    }


def _content(said: CredentialClaims) -> CredentialCheck:
    what = ", ".join(one for one in said.types if one != "VerifiableCredential") or "VerifiableCredential"
    text = f"It can be read: {what} by {said.issuer_name or said.issuer}."
    return CredentialCheck(name="content", outcome=CheckOutcome.PASSED, code="readable", text=text)


def _dates(said: CredentialClaims, now: int) -> CredentialCheck:
    if said.valid_until is not None and said.valid_until <= now:
        raise failed("expired", f"It was valid until {day(said.valid_until)}.", "Ask the holder for a renewed one.")
    if said.valid_from is None:
        raise not_done(
            "no_date", "It does not say from when on it is valid, so its issuer cannot be judged as of then."
        )
    begins = max(said.valid_from, said.token_from or said.valid_from)
    if begins > now:
        raise failed("not_yet_valid", f"It is valid from {day(begins)} on.", "Check it again after that.")
    until = "without an end" if said.valid_until is None else f"until {day(said.valid_until)}"
    text = f"Valid from {day(said.valid_from)}, {until}."
    return CredentialCheck(name="dates", outcome=CheckOutcome.PASSED, code="in_time", text=text)


def _issuer(said: CredentialClaims, answer: IssuerAnswer) -> CredentialCheck:
    """What the registry's answer means for this credential."""
    if answer.why_not is not None:
        raise answer.why_not
    decision = answer.decision
    if decision is None:
        raise not_done("not_asked", "No registry was asked about its issuer.", "Name a node: --node URL")
    by = f"{'Proved' if answer.proved else 'By the word of'} {answer.source}: "
    codes = [str(reason["code"]) for reason in decision["reasons"]]
    text = by + " ".join(str(reason["text"]) for reason in decision["reasons"])
    verdict = str(decision["verdict"])
    if decision["authorized"]:
        # An achievement without a type is not to hide behind one that has a type.
        if said.untyped and (said.achievement_types or "achievement_types_not_asked" in codes):
            raise _untyped(said)
        return CredentialCheck(name="issuer", outcome=CheckOutcome.PASSED, code=verdict, text=text)
    if verdict in ("indeterminate", "stale_view"):
        if "question_too_open" in codes and not said.achievement_types:
            raise _untyped(said)
        raise not_done(verdict, text, "Ask another node, or later." if verdict == "stale_view" else "")
    raise failed(
        verdict,
        text,
        "Look for it under another id: accredit issuer list --name NAME" if verdict == "unknown_issuer" else "",
    )


def _untyped(said: CredentialClaims) -> CheckStopped:
    which = f" of {said.untyped[0]!r}" if said.untyped else ""
    return not_done(
        "achievement_type_missing",
        f"It does not say of which type the achievement{which} is (achievementType), and its issuer is "
        "accredited for some types only.",
        "Ask the issuer which type it is, then ask: accredit query ID --for TYPE",
    )
