"""The output of `accredit check` for people: a sentence for each verdict and each reader, then every check.

The reader is the person with the credential: an admissions office, an employer, or the learner it is about. `SENTENCES`
is complete: a test goes through every finding and every reader. The registry's answer about an issuer is explained by
`registry.decision.explanations`, as for a query.
"""

from collections.abc import Mapping
from typing import Final

from accredit.cli.base import output
from accredit.cli.base.output import Styled, bad, faint, fair, good, safe
from accredit.cli.credentials.judging import CheckedCredential, CredentialVerdict
from accredit.cli.credentials.outcomes import CheckOutcome, CredentialCheck
from accredit.registry.decision.explanations import Audience, reason_for

HEADLINES_OF_CREDENTIALS: Final = {
    CredentialVerdict.ACCEPTED: (good, "Accepted"),
    CredentialVerdict.NOT_ACCEPTED: (bad, "Not accepted"),
    CredentialVerdict.INDETERMINATE: (fair, "Undecided"),
}
_OUTCOMES: Final = {
    CheckOutcome.PASSED: (good, "passed"),
    CheckOutcome.FAILED: (bad, "failed"),
    CheckOutcome.NOT_DONE: (fair, "not done"),
}

SENTENCES: Final[Mapping[str, tuple[str, str, str]]] = {
    "accepted": (
        "You can count this credential: its signature is genuine, it still stands, and its issuer was accredited to "
        "issue it.",
        "This credential is genuine and still stands, and its issuer was accredited to issue it.",
        "Your credential is in order: whoever checks it will find it genuine, and its issuer accredited.",
    ),
    "unreadable": (
        "Do not count this credential: a part of it has no agreed meaning, or could have been added by anybody.",
        "Do not rely on this credential: a part of it has no agreed meaning, or could have been added by anybody.",
        "Others will refuse this file: a part of it has no agreed meaning. Ask your issuer for a new one.",
    ),
    "forged": (
        "Do not count this credential: it was changed after it was signed, or its issuer did not sign it.",
        "Do not rely on this credential: it was changed after it was signed, or its issuer did not sign it.",
        "Others will refuse this file: its signature does not fit. Take the file as your issuer sent it to you.",
    ),
    "unsigned": (
        "Do not count this credential: it has no signature, so anybody could have written it.",
        "Do not rely on this credential: it has no signature, so anybody could have written it.",
        "Others will refuse this file: it has no signature. Ask your issuer for the signed one.",
    ),
    "expired": (
        "This credential has expired. Ask the applicant for a current one.",
        "This credential has expired. Ask the applicant for a current one.",
        "Your credential has expired. Ask your issuer to renew it.",
    ),
    "not_yet_valid": (
        "This credential is not valid yet.",
        "This credential is not valid yet.",
        "Your credential is not valid yet: present it from the date that it names.",
    ),
    "bad_dates": (
        "Do not count this credential: its dates make no sense.",
        "Do not rely on this credential: its dates make no sense.",
        "Others will refuse this file: its dates make no sense. Ask your issuer for a new one.",
    ),
    "revoked": (
        "Do not count this credential: its issuer has revoked it.",
        "Do not rely on this credential: its issuer has revoked it.",
        "Your issuer has revoked this credential. Ask it why.",
    ),
    "suspended": (
        "Do not count this credential at present: its issuer has suspended it.",
        "Do not rely on this credential at present: its issuer has suspended it.",
        "Your issuer has suspended this credential. Ask it why, and for how long.",
    ),
    "bad_status": (
        "Do not count this credential: what it says about its own revocation makes no sense.",
        "Do not rely on this credential: what it says about its own revocation makes no sense.",
        "Others will refuse this file: what it says about its own revocation makes no sense. Ask your issuer.",
    ),
    "unknown_issuer": (
        "This registry does not know the issuer: nobody in it has accredited whoever issued this credential.",
        "This registry does not know the issuer, so nobody vouches for whoever issued this credential.",
        "Your issuer is not in this registry. Ask it where it is accredited.",
    ),
    "issuer_suspended": (
        "Its issuer's accreditation was suspended at the time of issue. Ask the accreditor before you count it.",
        "Its issuer's accreditation was suspended at the time of issue. Ask the accreditor before you rely on it.",
        "Your issuer's accreditation was suspended when it issued this. Ask your issuer what follows for you.",
    ),
    "issuer_not_trusted": (
        "Do not count this credential as accredited: its issuer was not accredited to issue it at that time.",
        "Its issuer was not accredited to issue this credential at that time.",
        "Your issuer was not accredited to issue this at that time. Ask your issuer what follows for you.",
    ),
    "cannot_read": (
        "Nothing can be said yet: this credential uses words whose meaning is not at hand.",
        "Nothing can be said yet: this credential uses words whose meaning is not at hand.",
        "Others may not be able to check this file: it uses words whose meaning is not at hand.",
    ),
    "no_key": (
        "Nothing can be said yet: the key to check its signature with is missing.",
        "Nothing can be said yet: the key to check its signature with is missing.",
        "Your credential cannot be checked yet: your issuer's key is missing. Ask your issuer to publish it.",
    ),
    "no_date": (
        "Nothing can be said yet: it does not say when it was issued.",
        "Nothing can be said yet: it does not say when it was issued.",
        "Your credential does not say when it was issued. Ask your issuer for one that does.",
    ),
    "no_status": (
        "So far nothing speaks against it, but whether it was revoked is not known.",
        "So far nothing speaks against it, but whether it was revoked is not known.",
        "Whether your credential was revoked could not be looked up.",
    ),
    "undecided_issuer": (
        "So far nothing speaks against it, but whether its issuer was accredited for it cannot be told.",
        "So far nothing speaks against it, but whether its issuer was accredited for it cannot be told.",
        "Whether your issuer was accredited for this cannot be told yet.",
    ),
    "receipt": (
        "The receipt that came with it does not fit it.",
        "The receipt that came with it does not fit it.",
        "Your receipt does not fit your credential. Ask your issuer for the right one.",
    ),
}
"""What a credential's cause means to each `Audience`, in their order."""

_FAILED: Final = {"content": "unreadable", "signature": "forged", "dates": "bad_dates", "status": "bad_status"}
_NOT_DONE: Final = {"content": "cannot_read", "signature": "no_key", "dates": "no_date", "status": "no_status"}


def finding_of(cause: CredentialCheck, verdict: CredentialVerdict) -> str:
    """Return the key in `SENTENCES` for the finding of a check on which the verdict rests."""
    if verdict is CredentialVerdict.ACCEPTED:
        return "accepted"
    if cause.outcome is CheckOutcome.NOT_DONE:
        return _NOT_DONE.get(cause.name, "undecided_issuer")
    if cause.code in ("expired", "not_yet_valid", "revoked", "unknown_issuer"):
        return cause.code
    if cause.code == "not_signed":
        return "unsigned"
    if cause.code == "suspended":
        return "suspended" if cause.name == "status" else "issuer_suspended"
    if cause.name == "issuer":
        return "issuer_not_trusted"
    return _FAILED.get(cause.name, "receipt")


def sentence_for(checked: CheckedCredential, audience: Audience) -> str:
    """Return the sentence for a reader."""
    return SENTENCES[finding_of(checked.cause, checked.verdict)][list(Audience).index(audience)]


def next_steps_for(checked: CheckedCredential, audience: Audience) -> list[str]:
    """Return what a reader can do next; for a credential that failed, only about the check that failed it."""
    is_lost = checked.verdict is CredentialVerdict.NOT_ACCEPTED
    steps = [one.hint for one in checked.checks if one.hint and (one.outcome is CheckOutcome.FAILED or not is_lost)]
    decision = checked.decision
    if checked.cause.name == "issuer" and decision is not None and not decision["authorized"]:
        codes = [str(reason["code"]) for reason in decision["reasons"]]
        steps += [told.next_step for code in codes if (told := reason_for(code, audience)) is not None]
    if audience is Audience.LEARNER:
        steps += [
            f"Ask {name} ({id_}), which keeps your issuer's records, for a copy or a confirmation."
            for id_, name in checked.keepers.items()
        ]
    return list(dict.fromkeys(steps))


def show_credential(checked: CheckedCredential, audience: Audience) -> None:
    """Print a verdict, the sentence for its reader, what was checked, and what to do next."""
    colour, headline = HEADLINES_OF_CREDENTIALS[checked.verdict]
    shown = checked.shown
    title = shown.get("name") or shown.get("achievement_types") or shown.get("types") or "a credential"
    output.say(f"{colour(headline)}  {output.styled(title, bold=True)}")
    output.say(safe(sentence_for(checked, audience)))
    output.say()
    by = shown.get("issuer", "")
    named = shown.get("issuer_name", "")
    output.facts(
        [
            ("place", checked.place),
            ("issuer", output.mix(f"{named} ", faint(by)) if named else by),
            ("attests", shown.get("achievement_types") or shown.get("types")),
            ("issued", shown.get("issued_on", "").removesuffix("T00:00:00Z")),
            *((check.name, _line(check)) for check in checked.checks),
            ("next", output.lines(next_steps_for(checked, audience))),
        ]
    )


def _line(check: CredentialCheck) -> Styled:
    colour, word = _OUTCOMES[check.outcome]
    return output.mix(colour(word), f"  {check.text}")
