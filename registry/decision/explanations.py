"""Explains verdicts and reason codes to people outside the project: one table with a sentence and a next step for each.

    reason_for("status_suspended", Audience.LEARNER)
        -> Advice("Your issuer's recognition was suspended on that day.", "Ask your issuer …")

A `Reason` carries the technical sentence, with names and dates. This table says what its *code* means to an admissions
office, to an employer and to the learner who holds the credential, and what each can do next. All interfaces read it
(`accredit query --audience`, `POST /v1/decisions`, the explorer), so a code has the same words everywhere. A test
compares its codes with those that the source makes, both ways.

"That day" is the day asked about: the date of issue, or today.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from .verdict import Verdict


class Audience(StrEnum):
    """Who reads an answer. `recruiter` is another word for `employer`."""

    ADMISSIONS = "admissions"
    EMPLOYER = "employer"
    LEARNER = "learner"

    @classmethod
    def _missing_(cls, value: object) -> "Audience | None":
        return cls.EMPLOYER if value == "recruiter" else None


class Advice(NamedTuple):
    """One sentence on what a code means to an audience, and one on what they can do next."""

    sentence: str
    next_step: str


Explained = Mapping[Audience, Advice]
"""The advice for each audience."""


class _Next(NamedTuple):
    """The next step of each audience."""

    admissions: str
    employer: str
    learner: str


def _told(admissions: str, employer: str, learner: str, then: _Next) -> Explained:
    said = (admissions, employer, learner)
    return dict(zip(Audience, map(Advice, said, then), strict=True))


# ------------------------------------------------------------------------------------------------ next steps

_ACCEPT: Final = _Next(
    "Check the credential's own signature and status, then treat it as from an accredited issuer.",
    "Check that the credential itself is genuine: its signature and its status.",
    "Share your credential as it is; whoever receives it can repeat this check.",
)
_WEIGH: Final = _Next(
    "Apply your own policy to this note, then check the credential's signature and status.",
    "Accept it unless your policy asks for more; then check the credential's signature.",
    "Share your credential as usual; be ready to explain this note.",
)
_READ_NOTES: Final = _Next(
    "Read the notes, apply your policy to each, then check the credential's signature and status.",
    "Read the notes, then check that the credential itself is genuine.",
    "Read the notes, so that you can explain them to whoever asks.",
)
_ISSUE_DATE: Final = _Next(
    "If the credential was issued earlier, ask again with its date of issue.",
    "If the credential is older, ask again with the date printed on it.",
    "Look at the date of issue: ask again with it, for an earlier date may count.",
)
_OTHER_EVIDENCE: Final = _Next(
    "Do not rely on this accreditation; ask the applicant for other evidence.",
    "Do not rely on this credential alone; ask the applicant for other evidence.",
    "Ask your issuer for its accreditor's contact; you can turn to either with questions.",
)
_ACCREDITOR: Final = _Next(
    "Ask the accreditor for its decision in writing before you decide.",
    "Ask the accreditor, named in this answer, before you decide.",
    "Ask your issuer or its accreditor what this means for you.",
)
_WAIT: Final = _Next(
    "Put the decision on hold, and ask again after the accreditor has decided.",
    "Wait if you can, and ask again in some weeks.",
    "Ask your issuer when its accreditor decides; ask again after that.",
)
_PAST_KEEPS: Final = _Next(
    "Accept it for its date of issue; check the credential's signature and status.",
    "Accept it for the time it was issued; check that the credential itself is genuine.",
    "Keep your credential: it counts for the day it was issued.",
)
_NAME_MORE: Final = _Next(
    "Ask again and name the missing detail, as the credential or transcript gives it.",
    "Ask again with more details from the credential, or ask the applicant for them.",
    "Find this detail on your credential, or ask your issuer for it, then ask again.",
)
_COMPARE: Final = _Next(
    "Compare the question with the credential; if it is right, treat this part as not accredited.",
    "Compare the question with the credential; if it is right, ask for other evidence.",
    "Compare the question with your credential; if it is right, ask your issuer about it.",
)
_MISPRINT: Final = _Next(
    "Check the spelling of the identifier and ask again.",
    "Check the address you typed, and ask again.",
    "Copy the issuer's address from your credential, and ask again.",
)
_APPLY: Final = _Next(
    "Look the issuer up by name; if it is not listed, ask for other evidence of its standing.",
    "Look the organisation up by name; if it is not listed, ask for other evidence.",
    "Ask your issuer whether it is listed under another address; it can apply to be accredited.",
)
_OTHER_AUTHORITY: Final = _Next(
    "Ask without naming an authority to see who accredits the issuer.",
    "Ask again without naming an authority.",
    "Ask your issuer who accredits it, or ask again without naming an authority.",
)
_SOURCE: Final = _Next(
    "Ask another node, or this one later.",
    "Ask again later, or use another node.",
    "Ask again later, or use another node.",
)
_NEW_COPY: Final = _Next(
    "Fetch a newer snapshot, or ask a node.",
    "Use a newer copy of the registry, or ask a node.",
    "Ask a node of the registry instead of a stored copy.",
)
_KEY_OF_ISSUER: Final = _Next(
    "Do not accept the signature; ask the issuer to confirm the credential or to issue it anew.",
    "Do not accept it as it is; ask the organisation to confirm it.",
    "Ask your issuer to issue the credential anew with a valid key.",
)
_PROOF_OF_DATE: Final = _Next(
    "Ask for a receipt or another proof of the date of issue if the date decides.",
    "Ask the organisation to confirm the date if the date decides.",
    "If your issuer gave you a receipt with your credential, add it: it proves the date of issue.",
)
_CLOSE_MANDATE: Final = _Next(
    "Ask the authority above the accreditor to close the mandate and to confirm which statements were made before it"
    " ended.",
    "Ask the authority above the accreditor to confirm the accreditation.",
    "Ask your issuer to have its accreditation confirmed by the authority above its accreditor.",
)
_RULES: Final = _Next(
    "Look at the chain in this answer if your policy asks who stands behind the accreditor.",
    "Accept it; the chain in this answer says who stands behind the accreditor.",
    "Share your credential as usual; the chain in this answer names who stands behind it.",
)

# ------------------------------------------------------------------------------------------------ verdicts

VERDICTS: Final[Mapping[Verdict, Explained]] = {
    Verdict.TRUSTED: _told(
        "The issuer was accredited for this on that day, and is today.",
        "The organisation is recognised for this credential.",
        "Your issuer is recognised for this credential.",
        _ACCEPT,
    ),
    Verdict.TRUSTED_WITH_ADVISORY: _told(
        "The issuer is accredited for this, or a candidate for it, with notes that you should read.",
        "The organisation is recognised for this credential; there are notes.",
        "Your issuer is recognised for this credential; there are notes.",
        _READ_NOTES,
    ),
    Verdict.TRUSTED_HISTORICAL: _told(
        "The issuer was accredited for this on that day, or a candidate for it; it has lost that since, and not"
        " retroactively.",
        "The organisation was recognised when it issued this credential, and no longer is.",
        "Your issuer was recognised for this on that day; the later loss does not undo your credential.",
        _PAST_KEEPS,
    ),
    Verdict.INDETERMINATE: _told(
        "This cannot be decided: the question or the data leaves something out.",
        "No answer is possible with the details given.",
        "No answer is possible with the details given; this says nothing against your credential.",
        _NAME_MORE,
    ),
    Verdict.SUSPENDED: _told(
        "The issuer's accreditation was suspended on that day.",
        "The organisation's recognition was suspended on that day.",
        "Your issuer's recognition was suspended on that day.",
        _WAIT,
    ),
    Verdict.NOT_TRUSTED: _told(
        "The issuer was not accredited for this on that day.",
        "The organisation was not recognised for this credential on that day.",
        "Your issuer was not recognised for this credential on that day.",
        _OTHER_EVIDENCE,
    ),
    Verdict.UNKNOWN_ISSUER: _told(
        "The issuer is not in this registry; that alone proves neither good nor bad.",
        "This registry does not know the organisation.",
        "This registry does not know your issuer; that says nothing against your credential.",
        _APPLY,
    ),
    Verdict.STALE_VIEW: _told(
        "The data at hand are too old to decide on.",
        "The data at hand are too old for an answer.",
        "The data at hand are too old for an answer.",
        _SOURCE,
    ),
}
"""What each verdict means."""

# ------------------------------------------------------------------------------------------------ good answers

_POSITIVE: Final = {
    "accredited": _told(
        "An authority of this registry accredits the issuer for this, or names it a candidate for that.",
        "A recognised body has approved the organisation for this.",
        "A recognised body has approved your issuer for this.",
        _ACCEPT,
    ),
    "covered_by_mapping": _told(
        "The issuer is accredited for a competency that a published mapping links with the one asked about.",
        "The organisation is approved for the same skill under another framework's name.",
        "Your issuer is approved for the same skill under another framework's name.",
        _ACCEPT,
    ),
    "mandated": _told(
        "This authority may give issuers accreditation for this.",
        "This body may approve organisations for this.",
        "This body may approve issuers for this.",
        _RULES,
    ),
    "own_authority": _told(
        "This is an authority of the ecosystem itself.",
        "This body belongs to the registry's own authorities.",
        "This body belongs to the registry's own authorities.",
        _RULES,
    ),
    "recognized": _told(
        "This ecosystem recognises the other one for this.",
        "This registry recognises the other one.",
        "This registry recognises the other one.",
        _RULES,
    ),
}

# ------------------------------------------------------------------------------------------------ the question

_QUESTION: Final = {
    "bad_identifier": _told(
        "The question does not contain a valid identifier of an issuer.",
        "The address of the organisation is not valid.",
        "The address of your issuer is not valid as written.",
        _MISPRINT,
    ),
    "unknown_action": _told(
        "The question asks for an action that this registry does not decide.",
        "The question cannot be answered as asked.",
        "The question cannot be answered as asked.",
        _Next(
            "Ask about issue, or about accredit for authorities.",
            "Ask whether the organisation may issue the credential.",
            "Ask whether your issuer may issue the credential.",
        ),
    ),
    "unknown_authority": _told(
        "The authority named in the question is not one of this ecosystem.",
        "The body named in the question is not part of this registry.",
        "The body named in the question is not part of this registry.",
        _OTHER_AUTHORITY,
    ),
    "future_time": _told(
        "The question is about a day to come; accreditation can be decided up to today only.",
        "The date lies in the future.",
        "The date lies in the future.",
        _Next(
            "Ask as of today or earlier; a credential dated later should not be accepted yet.",
            "Check the date on the credential; ask as of today.",
            "Check the date on your credential; ask as of today.",
        ),
    ),
    "question_too_open": _told(
        "The question does not say what the credential attests.",
        "The question does not say which degree or skill the credential is for.",
        "The question does not say what your credential is for.",
        _Next(
            "Name the type of achievement, such as BachelorDegree, or the competency.",
            "Name the degree, certificate or skill.",
            "Name the degree, certificate or skill that is on your credential.",
        ),
    ),
    "program_needed": _told(
        "The issuer is closing and finishes some programmes only; the question names no programme.",
        "The organisation is closing and only some of its programmes still count; the question names none.",
        "Your issuer is closing and finishes some programmes only; the question does not name yours.",
        _NAME_MORE,
    ),
    "competency_unknown": _told(
        "No published framework that counts here contains this competency.",
        "This registry does not know the skill named on the credential.",
        "This registry does not know the skill named on your credential.",
        _Next(
            "Read the competency's own description, and decide by your policy.",
            "Judge the skill by its description, or ask the organisation.",
            "Ask your issuer under which published framework the skill is listed.",
        ),
    ),
}

# ------------------------------------------------------------------------------------------------ who is known

_KNOWN: Final = {
    "unknown_issuer": _told(
        "The issuer is not registered in this ecosystem.",
        "The organisation is not registered here.",
        "Your issuer is not registered here.",
        _APPLY,
    ),
    "unknown_entity": _told(
        "This body is not an authority of this ecosystem.",
        "This body may not approve organisations here.",
        "This body may not approve issuers here.",
        _OTHER_AUTHORITY,
    ),
    "no_accreditation": _told(
        "The issuer is registered, but no authority has accredited it.",
        "The organisation is listed, but nobody has approved it.",
        "Your issuer is listed, but nobody has approved it yet.",
        _Next(
            "Treat it as not accredited; ask for other evidence of its standing.",
            "Do not rely on this credential alone; ask for other evidence.",
            "Ask your issuer whether it has applied for accreditation.",
        ),
    ),
    "not_by_this_authority": _told(
        "The authority that you named has not accredited the issuer, nor has a delegate of it.",
        "The body that you named has not approved the organisation.",
        "The body named in the question has not approved your issuer; another may have.",
        _OTHER_AUTHORITY,
    ),
    "not_recognized": _told(
        "This ecosystem has not recognised the other one.",
        "This registry does not recognise the other one.",
        "This registry does not recognise the other one.",
        _OTHER_EVIDENCE,
    ),
    "recognition_ended": _told(
        "This ecosystem's recognition of the other one had ended by that day.",
        "The recognition had ended by that day.",
        "The recognition had ended by that day.",
        _ISSUE_DATE,
    ),
    "action_not_covered": _told(
        "The authority is recognised, but not for this action.",
        "The body is recognised, but not for this.",
        "The body is recognised, but not for this.",
        _COMPARE,
    ),
    "category_not_covered": _told(
        "The accreditor has no power over issuers of this category.",
        "The body that approved the organisation may not approve organisations of its kind.",
        "The body that approved your issuer may not approve organisations of its kind.",
        _OTHER_EVIDENCE,
    ),
    "category_unknown": _told(
        "The accreditor has power over some categories of issuers only, and nobody has stated this issuer's.",
        "It is not on record what kind of organisation this is, so its approval cannot be confirmed.",
        "It is not on record what kind of organisation your issuer is, so its approval cannot be confirmed.",
        _Next(
            "Ask the accreditor to have the issuer's category stated.",
            "Ask the organisation to have its entry completed.",
            "Ask your issuer to have its entry completed.",
        ),
    ),
}

# ------------------------------------------------------------------------------------------------ who accredits

_CHAIN: Final = {
    "delegation_not_yet_valid": _told(
        "The accreditor's own mandate had not begun on that day.",
        "The body that approved the organisation had no power to do so on that day yet.",
        "The body that approved your issuer had no power to do so on that day yet.",
        _ACCREDITOR,
    ),
    "delegation_expired": _told(
        "The accreditor's own mandate had ended by that day.",
        "The body that approved the organisation no longer had the power to do so on that day.",
        "The body that approved your issuer no longer had the power to do so on that day.",
        _ISSUE_DATE,
    ),
    "authority_not_in_force": _told(
        "The accreditor, or one above it, is no longer an authority of this ecosystem.",
        "The body behind the approval is no longer part of this registry.",
        "The body behind your issuer's approval is no longer part of this registry.",
        _WEIGH,
    ),
    "authority_withdrawn": _told(
        "The accreditor has lost its mandate; what it said before still stands.",
        "The body behind the approval has lost its mandate; its earlier approvals still count.",
        "The body behind your issuer's approval has lost its mandate; its earlier approvals still count.",
        _WEIGH,
    ),
    "several_mandates": _told(
        "The authority holds several mandates; this answer rests on the one it names.",
        "The body named holds several roles; this answer is about one of them.",
        "The body named holds several roles; this answer is about one of them.",
        _RULES,
    ),
    "unanchored": _told(
        "The accreditor's mandate has ended, and no independent record shows that this was said before.",
        "It cannot be shown that the approval was given while the body still could give it.",
        "It cannot be shown that your issuer was approved while the body still could do so.",
        _CLOSE_MANDATE,
    ),
    "key_unanchored": _told(
        "The accreditor's mandate has ended, and no independent record shows that the key was stated before.",
        "It cannot be shown that the organisation's key was registered in time.",
        "It cannot be shown that your issuer's key was registered in time.",
        _CLOSE_MANDATE,
    ),
}

# ------------------------------------------------------------------------------------------------ dates and terms

_TERMS: Final = {
    "not_yet_valid": _told(
        "The accreditation had not begun on that day.",
        "The organisation was not approved on that day yet.",
        "Your issuer was not approved on that day yet.",
        _Next(
            "Compare the date with the credential's date of issue; an earlier credential is not covered.",
            "Compare the date with the credential's; an older credential is not covered.",
            "Compare the date with the one on your credential; ask your issuer if it is right.",
        ),
    ),
    "start_approximate": _told(
        "The accreditation began in that year or month; its day is not on record.",
        "The organisation was first approved around that day; it is not on record whether before or after.",
        "Your issuer was first approved around that day; it is not on record whether before or after.",
        _ACCREDITOR,
    ),
    "dated_ahead": _told(
        "The accreditation, or a change to it, is dated on a day that has not come, and waits for that day.",
        "The approval, or a change to it, is dated on a day that has not come, so it does not count yet.",
        "Your issuer's approval, or a change to it, is dated on a day that has not come, so it does not count yet.",
        _ACCREDITOR,
    ),
    "before_backdating_limit": _told(
        "The accreditation was recorded later, and the charter does not let it reach back to that day.",
        "The approval was recorded too late to count for that day.",
        "Your issuer's approval was recorded too late to count for that day.",
        _ACCREDITOR,
    ),
    "recorded_later": _told(
        "The accreditation covers that day, but was recorded in this registry after it.",
        "The approval covers that day, but was entered later.",
        "The approval covers that day, but was entered later.",
        _WEIGH,
    ),
    "condition": _told(
        "The accreditation carries a condition.",
        "The approval carries a condition.",
        "Your issuer's approval carries a condition.",
        _WEIGH,
    ),
    "stayed": _told(
        "A decision against the issuer is on hold while an appeal is heard.",
        "A decision against the organisation is on hold while its appeal is heard.",
        "A decision against your issuer is on hold while its appeal is heard.",
        _WEIGH,
    ),
    "teach_out_not_covered": _told(
        "The issuer is closing, and this programme is not among those it still finishes.",
        "The organisation is closing, and this programme no longer counts.",
        "Your issuer is closing, and your programme is not among those it still finishes.",
        _ISSUE_DATE,
    ),
    "suspended_now": _told(
        "The issuer is suspended at present; credentials that it issued before still stand.",
        "The organisation is suspended at present; older credentials still count.",
        "Your issuer is suspended at present; your older credential still counts.",
        _PAST_KEEPS,
    ),
    "existence_proved": _told(
        "It is proved that the credential existed before the trouble began.",
        "It is proved that the credential is older than the organisation's trouble.",
        "Your receipt proves that your credential is older than your issuer's trouble.",
        _ACCEPT,
    ),
    "commitment_not_counted": _told(
        "The receipt does not count: the key that made it was not a valid key of the issuer by then.",
        "The receipt that came with the credential does not count.",
        "Your receipt does not count: your issuer's key was not valid by then.",
        _PROOF_OF_DATE,
    ),
    "issuance_date_self_asserted": _told(
        "Only the issuer vouches for the date of issue.",
        "Nobody but the organisation confirms the date on the credential.",
        "Nobody but your issuer confirms the date on your credential.",
        _PROOF_OF_DATE,
    ),
}

_STATUS: Final = {
    "revoked": (
        "The accreditation had been revoked by that day.",
        "The organisation had been stripped of its recognition by that day.",
        "Your issuer's recognition had been revoked by that day.",
        _ISSUE_DATE,
    ),
    "denied": (
        "The accreditor had denied accreditation by that day.",
        "The organisation had been refused recognition by that day.",
        "Your issuer had been refused recognition by that day.",
        _OTHER_EVIDENCE,
    ),
    "withdrawn": (
        "The accreditor had withdrawn the accreditation by that day.",
        "The organisation had lost its recognition by that day.",
        "Your issuer had lost its recognition by that day.",
        _ISSUE_DATE,
    ),
    "withdrawn_voluntary": (
        "The issuer had given up its accreditation by that day, by its own choice.",
        "The organisation had given up its recognition by that day, by its own choice.",
        "Your issuer had given up its recognition by that day, by its own choice.",
        _ISSUE_DATE,
    ),
    "closed": (
        "The issuer had closed by that day.",
        "The organisation had closed by that day.",
        "Your issuer had closed by that day.",
        _Next(
            "If the credential was issued earlier, ask with its date of issue; a custodian may hold the records.",
            "If the credential is older, ask again with its date; a custodian may confirm it.",
            "Ask with the date on your credential; whoever keeps the records now can confirm it.",
        ),
    ),
    "superseded": (
        "Another accreditation had taken this one's place by that day.",
        "A successor had taken the organisation's place by that day.",
        "A successor had taken your issuer's place by that day.",
        _Next(
            "Ask about the successor, or with the credential's date of issue.",
            "Ask about the successor, or with the date on the credential.",
            "Ask about the successor, or with the date on your credential.",
        ),
    ),
    "expired": (
        "The accreditation had run out by that day.",
        "The organisation's recognition had run out by that day.",
        "Your issuer's recognition had run out by that day.",
        _ISSUE_DATE,
    ),
    "suspended": (
        "The accreditation was suspended on that day.",
        "The organisation's recognition was suspended on that day.",
        "Your issuer's recognition was suspended on that day.",
        _WAIT,
    ),
    "teach_out": (
        "The issuer was closing on that day, and finished what it had begun.",
        "The organisation was closing on that day, and finished its running programmes.",
        "Your issuer was closing on that day, and finished its running programmes.",
        _Next(
            "Check that the student was enrolled in a programme and cohort that is being finished.",
            "Ask the applicant in which programme and year they were enrolled.",
            "Keep proof of your enrolment: programme and starting date.",
        ),
    ),
    "show_cause": (
        "The accreditor had asked the issuer to show why it should stay accredited; it was still accredited.",
        "The organisation was recognised, and had to show why it should stay so.",
        "Your issuer was recognised, and had to show why it should stay so.",
        _WEIGH,
    ),
    "probation": (
        "The issuer was accredited on probation.",
        "The organisation was recognised on probation.",
        "Your issuer was recognised on probation.",
        _WEIGH,
    ),
    "warning": (
        "The issuer was accredited, and had been warned by its accreditor.",
        "The organisation was recognised, and had been warned.",
        "Your issuer was recognised, and had been warned.",
        _WEIGH,
    ),
    "conditional": (
        "The issuer was accredited under conditions.",
        "The organisation was recognised under conditions.",
        "Your issuer was recognised under conditions.",
        _WEIGH,
    ),
    "candidate": (
        "The issuer was a candidate for accreditation: accepted, not yet accredited in full.",
        "The organisation was a candidate for recognition.",
        "Your issuer was a candidate for recognition.",
        _WEIGH,
    ),
}
_LATER: Final = {
    "revoked": ("the accreditation has been revoked", "it has been stripped of its recognition"),
    "denied": ("accreditation has been denied", "it has been refused recognition"),
    "withdrawn": ("the accreditation has been withdrawn", "it has lost its recognition"),
    "withdrawn_voluntary": (
        "it has given up the accreditation by its own choice",
        "it has given up its recognition by its own choice",
    ),
    "closed": ("it has closed", "it has closed"),
    "superseded": ("another accreditation has taken its place", "a successor has taken its place"),
    "expired": ("the accreditation has run out", "its recognition has run out"),
    "suspended": ("the accreditation has been suspended", "its recognition has been suspended"),
    "teach_out": ("it has begun to close, and finishes its programmes", "it has begun to close"),
    "delegation_expired": (
        "the mandate of its accreditor has ended",
        "the mandate of the body that approved it has ended",
    ),
    "scope": ("its scope has been narrowed, and no longer covers this", "it has lost its recognition for this"),
    "ended": ("the recognition has ended", "the recognition has ended"),
}

# ------------------------------------------------------------------------------------------------ axes of a scope

_NOUNS: Final = {
    "credential_types": ("type of credential", "types of credential"),
    "achievement_types": ("type of achievement", "types of achievement"),
    "competencies": ("competency", "competencies"),
    "framework": ("framework of competencies", "frameworks of competencies"),
    "level": ("level", "levels"),
    "jurisdiction": ("place", "places"),
    "program": ("programme", "programmes"),
    "field_of_study": ("field of study", "fields of study"),
    "delivery_mode": ("mode of delivery", "modes of delivery"),
}

# ------------------------------------------------------------------------------------------------ keys

_KEYS: Final = {
    "no_pinned_keys": _told(
        "The registry holds no key of this issuer, so the signature was not checked against it.",
        "The organisation has registered no key, so the signature could not be confirmed here.",
        "Your issuer has registered no key, so the signature could not be confirmed here.",
        _Next(
            "Check by other means that the signature is the issuer's.",
            "Ask the organisation to confirm the credential.",
            "Ask your issuer to register its keys.",
        ),
    ),
    "key_unknown": _told(
        "The key that signed the credential is not one that the registry holds for this issuer.",
        "The credential was signed with a key that the organisation has not registered.",
        "Your credential was signed with a key that your issuer has not registered.",
        _KEY_OF_ISSUER,
    ),
    "key_not_yet_valid": _told(
        "The issuer's key was not valid on that day yet.",
        "The organisation's key was not valid on that day yet.",
        "Your issuer's key was not valid on that day yet.",
        _KEY_OF_ISSUER,
    ),
    "key_expired": _told(
        "The issuer's key was no longer valid on that day.",
        "The organisation's key was no longer valid on that day.",
        "Your issuer's key was no longer valid on that day.",
        _KEY_OF_ISSUER,
    ),
    "key_retired": _told(
        "The issuer had retired this key by that day.",
        "The organisation had stopped using this key by that day.",
        "Your issuer had stopped using this key by that day.",
        _KEY_OF_ISSUER,
    ),
    "key_compromised": _told(
        "The issuer's key had been stolen by that day; its signature proves nothing.",
        "The organisation's key had been stolen by that day; anyone could have signed this.",
        "Your issuer's key had been stolen by that day, so its signature proves nothing.",
        _KEY_OF_ISSUER,
    ),
    "key_in_doubt": _told(
        "It is in dispute which of the issuer's keys were stolen; an authority has to decide.",
        "It is in dispute whether the organisation's key was stolen.",
        "It is in dispute whether your issuer's key was stolen.",
        _WAIT,
    ),
    "key_compromised_later": _told(
        "The key was good on that day but was stolen later; a thief could have chosen an earlier date.",
        "The organisation's key was stolen after that day; the date on the credential could be false.",
        "Your issuer's key was stolen after that day, so the date on your credential may be questioned.",
        _PROOF_OF_DATE,
    ),
    "key_in_doubt_later": _told(
        "The key was good on that day; it is in dispute whether it was stolen later.",
        "It is in dispute whether the organisation's key was stolen after that day.",
        "It is in dispute whether your issuer's key was stolen after that day.",
        _PROOF_OF_DATE,
    ),
}

# ------------------------------------------------------------------------------------------------ the answerer's data

_DATA: Final = {
    "no_charter": _told(
        "The ecosystem is not founded at the place that was asked.",
        "The registry that was asked is not ready.",
        "The registry that was asked is not ready.",
        _SOURCE,
    ),
    "record_missing": _told(
        "Records that the answer needs are missing where it was asked.",
        "Some data are missing where you asked.",
        "Some data are missing where you asked; this says nothing against your credential.",
        _SOURCE,
    ),
    "state_damaged": _told(
        "Records that the answer needs are damaged where it was asked.",
        "Some data are damaged where you asked.",
        "Some data are damaged where you asked; this says nothing against your credential.",
        _SOURCE,
    ),
    "stale_view": _told(
        "The node has lost contact with the others, so its data may be out of date.",
        "The node's data may be out of date.",
        "The node's data may be out of date.",
        _SOURCE,
    ),
    "not_covered": _told(
        "The stored copy of the registry ends before the time of the question.",
        "The stored copy of the registry is too old for this question.",
        "The stored copy of the registry is too old for this question.",
        _NEW_COPY,
    ),
    "as_of_snapshot": _told(
        "This is the answer of a stored copy; what was stated since is not known.",
        "This is the answer of a stored copy, which may have been overtaken.",
        "This is the answer of a stored copy, which may have been overtaken.",
        _NEW_COPY,
    ),
    "authority_not_relied_on": _told(
        "Your trust policy does not rely on the authority that was asked about.",
        "Your settings do not rely on the body that was asked about.",
        "The settings used here do not rely on the body that was asked about.",
        _Next(
            "Ask about an authority of your policy, or have the policy changed.",
            "Ask whoever keeps your trust policy.",
            "Ask without naming an authority.",
        ),
    ),
}


def _later(word: str) -> Explained:
    formal, plain = _LATER[word]
    subject = ("other ecosystem", "other registry", "the other registry") if word == "ended" else None
    issuer, organisation, own = subject or ("issuer", "organisation", "your issuer")
    then = "was recognised on that day"
    if word != "ended":
        then = "was accredited for this on that day, or a candidate for it"
    return _told(
        f"The {issuer} {then}; since then {formal}.",
        f"The {organisation} was recognised on that day; since then {plain}.",
        f"{own[0].upper()}{own[1:]} was recognised on that day; since then {plain}.",
        _PAST_KEEPS,
    )


def _not_covered(axis: str) -> Explained:
    noun, _ = _NOUNS[axis]
    return _told(
        f"The accreditation does not cover this {noun}.",
        f"The organisation is not recognised for this {noun}.",
        f"Your issuer is not recognised for this {noun}.",
        _COMPARE,
    )


def _not_asked(axis: str) -> Explained:
    noun, nouns = _NOUNS[axis]
    return _told(
        f"The accreditation covers only some {nouns}, and the question names none.",
        f"The organisation is recognised for some {nouns} only; the question does not say which.",
        f"Your issuer is recognised for some {nouns} only; the question does not say which.",
        _Next(
            f"Name the {noun} in the question if your decision depends on it.",
            f"Name the {noun} in the question if it matters for the position.",
            f"Name the {noun} in the question if you know it.",
        ),
    )


GROUPS: Final[Mapping[str, Mapping[str, Explained]]] = {
    "Good answers": _POSITIVE,
    "The question": _QUESTION,
    "Who is known": _KNOWN,
    "Who accredits": _CHAIN,
    "Dates, terms and conditions": _TERMS,
    "Status on that day": {f"status_{word}": _told(*told) for word, told in _STATUS.items()},
    "Lost later": {f"later_{word}": _later(word) for word in _LATER},
    "Outside the scope": {f"{axis}_not_covered": _not_covered(axis) for axis in _NOUNS},
    "Left open by the question": {f"{axis}_not_asked": _not_asked(axis) for axis in _NOUNS},
    "The issuer's keys": _KEYS,
    "The data at hand": _DATA,
}
"""Every reason code of a decision, by what it is about."""

REASONS: Final[Mapping[str, Explained]] = {code: told for group in GROUPS.values() for code, told in group.items()}
"""Reason code -> what it means."""


def verdict_for(verdict: Verdict, audience: Audience) -> Advice:
    """Return what a verdict means to an audience, and their next step."""
    return VERDICTS[verdict][audience]


def reason_for(code: str, audience: Audience) -> Advice | None:
    """Return what a reason code means to an audience, and their next step; None for a code of a later version."""
    told = REASONS.get(code)
    return None if told is None else told[audience]


# ------------------------------------------------------------------------------------------------ why an event was said

CAUSES: Final[Mapping[str, str]] = {
    "standards_noncompliance": "It did not meet the accreditor's standards.",
    "financial_instability": "Its finances were not sound.",
    "voluntary": "It asked for this itself.",
    "closure": "It closed, or is closing.",
    "merger": "It merged with another.",
    "lapse": "A term ended without renewal.",
    "nonpayment": "It did not pay its fees.",
    "misrepresentation": "It misrepresented itself.",
    "fraud": "It acted fraudulently.",
    "diploma_mill": "It sold credentials without teaching.",
    "key_compromise": "Its key was stolen.",
    "legal_order": "A court or regulator ordered it.",
    "false_information": "It had given false information.",
    "discrimination_violation": "It broke rules against discrimination.",
    "administrative_error": "The earlier decision was a clerical mistake.",
    "other": "The reason is given in words.",
}
"""Reason code of a status event -> the cause in a sentence, for events whose author gave no words of their own."""
