"""The JSON form of a decision, both by a node and by a program that decides from records at hand."""

from collections.abc import Iterable
from typing import TypedDict

from accredit.registry.decision.explanations import Audience, reason_for, verdict_for
from accredit.registry.decision.verdict import Decision, Other, Verdict

from .json_views import format_time


class ReasonView(TypedDict):
    """A stable code and a sentence."""

    code: str
    text: str


class ChainLink(TypedDict):
    """One authority of the chain up to the charter."""

    by: str
    via: str | None


class OtherView(TypedDict):
    """An accreditation that did not decide, and what it would have said."""

    accreditation: str
    verdict: str
    code: str


class DecidedView(TypedDict):
    """What was decided."""

    verdict: str
    authorized: bool
    reasons: list[ReasonView]
    accreditations: list[str]
    others: list[OtherView]
    statements: list[str]
    chain: list[ChainLink]
    unchecked: list[str]
    time_evaluated: str
    time_requested: str | None
    valid_until: str | None
    issuer: str | None
    issuer_name: str | None


class ExplainedReason(TypedDict):
    """The meaning of a reason code for an audience, and their next step."""

    code: str
    sentence: str
    next_step: str


class ExplanationView(TypedDict):
    """An answer in an audience's words: the verdict, then its reasons."""

    audience: str
    sentence: str
    next_step: str
    reasons: list[ExplainedReason]


def explanation(verdict: str, codes: Iterable[str], audience: Audience) -> ExplanationView:
    """Return an answer in the words of an audience. Reason codes of a later version are left out."""
    told = verdict_for(Verdict(verdict), audience)
    reasons = [(code, reason_for(code, audience)) for code in dict.fromkeys(codes)]
    return {
        "audience": audience,
        "sentence": told.sentence,
        "next_step": told.next_step,
        "reasons": [
            {"code": code, "sentence": one.sentence, "next_step": one.next_step}
            for code, one in reasons
            if one is not None
        ],
    }


def decided(decision: Decision) -> DecidedView:
    """Return a decision with ids in hexadecimal digits and times in RFC 3339."""
    return {
        "verdict": decision.verdict,
        "authorized": decision.authorized,
        "reasons": [{"code": reason.code, "text": reason.text} for reason in decision.reasons],
        "accreditations": [id.hex() for id in decision.accreditations],
        "others": other_views(decision.others),
        "statements": [id.hex() for id in decision.statements],
        "chain": [{"by": by, "via": None if via is None else via.hex()} for by, via in decision.chain],
        "unchecked": list(decision.unchecked),
        "time_evaluated": format_time(decision.time_evaluated),
        "time_requested": _time_or_null(decision.time_requested),
        "valid_until": _time_or_null(decision.valid_until),
        "issuer": decision.issuer,
        "issuer_name": decision.issuer_name,
    }


def other_views(others: Iterable[Other]) -> list[OtherView]:
    """Return accreditations that did not decide, with their ids in hexadecimal digits."""
    return [
        {"accreditation": other.accreditation.hex(), "verdict": other.verdict, "code": other.code} for other in others
    ]


def _time_or_null(seconds: int | None) -> str | None:
    return None if seconds is None else format_time(seconds)
