"""A decision as JSON, for whoever asked a node, and for whoever decided it alone from records at hand."""

from typing import TypedDict

from accredit.node.http.json_views import format_time, plain
from accredit.registry.decision.verdict import Decision


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


def decided(decision: Decision) -> DecidedView:
    """Return a decision with ids in hexadecimal digits and times in RFC 3339."""
    return {
        "verdict": decision.verdict,
        "authorized": decision.authorized,
        "reasons": [{"code": reason.code, "text": reason.text} for reason in decision.reasons],
        "accreditations": [id.hex() for id in decision.accreditations],
        "others": [
            {"accreditation": other.accreditation.hex(), "verdict": other.verdict, "code": other.code}
            for other in decision.others
        ],
        "statements": [id.hex() for id in decision.statements],
        "chain": [{"by": by, "via": plain(via)} for by, via in decision.chain],
        "unchecked": list(decision.unchecked),
        "time_evaluated": format_time(decision.time_evaluated),
        "time_requested": _time_or_null(decision.time_requested),
        "valid_until": _time_or_null(decision.valid_until),
        "issuer": decision.issuer,
        "issuer_name": decision.issuer_name,
    }


def _time_or_null(seconds: int | None) -> str | None:
    return None if seconds is None else format_time(seconds)
