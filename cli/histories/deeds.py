"""The effect of a step on an accreditation, and the meaning of DAPIP's words, as one table.

The importer reads `ACTIONS`, `JUSTIFICATIONS` and `RECORD_STATUSES`, and so does the documentation (docs/history.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class HistoryDeed(StrEnum):
    """What a step does."""

    BEGIN = "begin"
    RENEW = "renew"
    CONDITION = "condition"
    SANCTION = "sanction"
    LIFT = "lift"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"
    DENY = "deny"
    CLOSE = "close"
    CLOSE_LOCATION = "close_location"
    SUPERSEDE = "supersede"
    STAY = "stay"
    AFFIRM = "affirm"
    OVERTURN = "overturn"
    AMEND = "amend"
    ADD_ONLINE = "add_online"
    DROP_ONLINE = "drop_online"
    DROP_CORRESPONDENCE = "drop_correspondence"
    NOTHING = "nothing"


LOSSES: Final = (HistoryDeed.WITHDRAW, HistoryDeed.EXPIRE, HistoryDeed.DENY, HistoryDeed.CLOSE, HistoryDeed.SUPERSEDE)
"""Deeds that end an accreditation."""

EFFECTS: Final[Mapping[HistoryDeed, str]] = {
    HistoryDeed.BEGIN: "the grant; for a candidate, `renew`, which makes it active",
    HistoryDeed.RENEW: "`renew`; for a candidate, nothing",
    HistoryDeed.CONDITION: "`condition`",
    HistoryDeed.SANCTION: "`sanction`",
    HistoryDeed.LIFT: "`lift` of the sanction it names",
    HistoryDeed.WITHDRAW: "`withdraw`",
    HistoryDeed.EXPIRE: "`expire`",
    HistoryDeed.DENY: "`deny`",
    HistoryDeed.CLOSE: "`close`",
    HistoryDeed.CLOSE_LOCATION: "`close` if the record ends on that day; else nothing, for the institution goes on",
    HistoryDeed.SUPERSEDE: "`supersede`, with the same issuer as its successor",
    HistoryDeed.STAY: "`stay` of the loss; where no loss is listed, `deny` and `stay` of the same day",
    HistoryDeed.AFFIRM: "`deny`; `appeal_decide` where the loss stands and was not stayed",
    HistoryDeed.OVERTURN: "`annul` of the loss, which then counts as never said",
    HistoryDeed.AMEND: "`amend` with the reason; the scope stays as wide, for the data do not say what changed",
    HistoryDeed.ADD_ONLINE: "`amend`: delivery modes gain `online`",
    HistoryDeed.DROP_ONLINE: "`amend`: delivery modes lose `online`",
    HistoryDeed.DROP_CORRESPONDENCE: "`amend`: delivery modes lose `correspondence`",
    HistoryDeed.NOTHING: "nothing; the report names the row",
}
"""What becomes of a deed here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a word of a source means.

    Attributes:
        level: of a sanction. reason: a reason code of ours; empty where the justification decides.
        why: for people, where it is not plain.
    """

    deed: HistoryDeed
    level: str = ""
    reason: str = ""
    why: str = ""


_LOSS: Final = "Loss of Accreditation or Preaccreditation: "
_PROBATION: Final = "Probation or Equivalent or a More Severe Status: "
_GRANTED: Final = "Grant Substantive Change: "
_DENIED: Final = "Deny Substantive Change: "
_UNCHANGED: Final = "a change that was not approved leaves the scope as it was"

ACTIONS: Final[Mapping[str, Meaning]] = {
    "Initial Accreditation": Meaning(deed=HistoryDeed.BEGIN),
    "Renewal of Accreditation": Meaning(deed=HistoryDeed.RENEW),
    "Probation or Equivalent or More Severe Status: Monitoring": Meaning(deed=HistoryDeed.CONDITION),
    "Heightened Monitoring or Focused Review": Meaning(deed=HistoryDeed.CONDITION),
    f"{_PROBATION}Warning": Meaning(deed=HistoryDeed.SANCTION, level="warning"),
    "Warning or Equivalent-Factors Affecting Academic Quality": Meaning(deed=HistoryDeed.SANCTION, level="warning"),
    f"{_PROBATION}Probation": Meaning(deed=HistoryDeed.SANCTION, level="probation"),
    f"{_PROBATION}Other": Meaning(
        deed=HistoryDeed.SANCTION, level="probation", why="it is said to be equivalent to probation or more severe"
    ),
    f"{_PROBATION}Show Cause": Meaning(deed=HistoryDeed.SANCTION, level="show_cause"),
    "Removal of Monitoring Status": Meaning(deed=HistoryDeed.LIFT, level="condition"),
    "Accreditation Reaffirmed: Warning Removed": Meaning(deed=HistoryDeed.LIFT, level="warning"),
    "Accreditation Reaffirmed: Probation Removed": Meaning(deed=HistoryDeed.LIFT, level="probation"),
    "Removal of Show Cause Status": Meaning(deed=HistoryDeed.LIFT, level="show_cause"),
    f"{_LOSS}Voluntary Withdrawal": Meaning(deed=HistoryDeed.WITHDRAW, reason="voluntary"),
    f"{_LOSS}Lapse": Meaning(deed=HistoryDeed.EXPIRE, reason="lapse"),
    f"{_LOSS}Denial": Meaning(deed=HistoryDeed.DENY),
    f"{_LOSS}Other": Meaning(deed=HistoryDeed.WITHDRAW),
    "Voluntary Withdrawal Received": Meaning(
        deed=HistoryDeed.NOTHING, why="a notice; the withdrawal is listed when it takes effect"
    ),
    "Institution Closed": Meaning(deed=HistoryDeed.CLOSE, reason="closure"),
    "Additional Location Closed": Meaning(deed=HistoryDeed.CLOSE_LOCATION, reason="closure"),
    "Stay Denial Pending Appeal": Meaning(deed=HistoryDeed.STAY),
    "Affirm Denial Following Appeal": Meaning(deed=HistoryDeed.AFFIRM),
    "Accreditation Reinstated: Termination Overturned on Appeal": Meaning(deed=HistoryDeed.OVERTURN),
    "Change in Agency recognition": Meaning(
        deed=HistoryDeed.WITHDRAW,
        reason="other",
        why="the agency may no longer accredit it: each grant below the mandate ends, by an event of its own",
    ),
    "Agency no longer recognized": Meaning(deed=HistoryDeed.WITHDRAW, reason="other"),
    "Program Merged Into Institutional Accreditation": Meaning(deed=HistoryDeed.SUPERSEDE, reason="merger"),
    f"{_GRANTED}Program": Meaning(deed=HistoryDeed.AMEND),
    f"{_GRANTED}Degree": Meaning(deed=HistoryDeed.AMEND),
    f"{_GRANTED}Ownership": Meaning(deed=HistoryDeed.AMEND),
    f"{_GRANTED}Final Branch Approval": Meaning(deed=HistoryDeed.AMEND),
    f"{_GRANTED}Other": Meaning(deed=HistoryDeed.AMEND),
    "Approved for Distance Education": Meaning(deed=HistoryDeed.ADD_ONLINE),
    "Removal of Approval for Distance Education": Meaning(deed=HistoryDeed.DROP_ONLINE),
    "Removal of Approval for Correspondence Education": Meaning(deed=HistoryDeed.DROP_CORRESPONDENCE),
    f"{_DENIED}Program": Meaning(deed=HistoryDeed.NOTHING, why=_UNCHANGED),
    f"{_DENIED}Degree": Meaning(deed=HistoryDeed.NOTHING, why=_UNCHANGED),
    f"{_DENIED}Ownership": Meaning(deed=HistoryDeed.NOTHING, why=_UNCHANGED),
    f"{_DENIED}Other": Meaning(deed=HistoryDeed.NOTHING, why=_UNCHANGED),
}
"""Action of DAPIP, its spaces run together -> what it means."""

RECORD_STATUSES: Final[Mapping[str, str]] = {
    "Accredited": "accredited",
    "Preaccredited": "candidate",
    "Denied Accreditation": "denied",
}
"""Status word of a DAPIP record -> what the spell begins as. Whether it is over follows from its end alone."""

JUSTIFICATIONS: Final[Mapping[str, str]] = {
    "Significantly out of compliance - fiscal and administrative capacity": "financial_instability",
    "Significantly out of compliance - student achievement": "standards_noncompliance",
    "Significantly out of compliance - recruiting and admissions practices": "misrepresentation",
    "Significantly out of compliance - title IV, HEA responsibilities": "standards_noncompliance",
    "Fails to meet agency standards for initial or renewed accreditation": "standards_noncompliance",
    "Concerns about issues affecting academic quality": "standards_noncompliance",
    "Concerns about title IV, HEA responsibilities/ potential fraud or abuse": "fraud",
    "Additional oversight is required to ensure a resolution of compliance issues": "standards_noncompliance",
}
"""Justification of DAPIP -> our reason code; any other is `other`, with its own words."""

CLEARS: Final = (
    "Has satisfactorily addressed all compliance concerns from previous actions",
    "Is in compliance with all of the agency's accreditation standards",
)
"""Justifications that say that all earlier concerns have been met."""
