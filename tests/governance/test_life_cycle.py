"""Every event in every status: what a credential is worth that was issued before, in between and after.

Each case is an accreditation of its own in one real fold: valid from January 2024, brought into a status in July, then
an event in January 2025. In 2026 `decide` is asked about three credentials: of March 2024 (while all was well), of
October 2024 (in that status) and of June 2025 (after the event), each signed for a programme that is taught out.
"""

from typing import Any, Final

import pytest

from accredit.governance.authority.effect import EffectState
from accredit.governance.fold import Fold
from accredit.governance.standing import standing_of
from accredit.registry.decision.decide import Query, Verdict, decide
from accredit.registry.decision.timeline import spells
from accredit.registry.domain.records import accreditation_in, issuer_in
from accredit.registry.domain.vocabulary import EVENTS, INITIAL_STATUSES, STATUSES
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.statement import Statement
from tests.strategies.bodies import SCOPE, event, grant
from tests.strategies.consortium import Consortium
from tests.strategies.domain import at
from tests.strategies.stories import A, B, trio

NOW: Final = at("2026-01-01")
BROUGHT, HAPPENED = at("2024-07-01"), at("2025-01-01")
ISSUED: Final = ("2024-03-01", "2024-10-01", "2025-06-01")
LETTERS: Final = {
    Verdict.TRUSTED: "T",
    Verdict.TRUSTED_WITH_ADVISORY: "A",
    Verdict.TRUSTED_HISTORICAL: "H",
    Verdict.SUSPENDED: "S",
    Verdict.NOT_TRUSTED: "N",
}

Deed = tuple[str, dict[str, Any]]
"""An event and its further members."""

DEEDS: Final[dict[str, Deed]] = {
    "sanction warning": ("sanction", {"sanction_level": "warning"}),
    "sanction probation": ("sanction", {"sanction_level": "probation"}),
    "sanction show_cause": ("sanction", {"sanction_level": "show_cause"}),
    "condition": ("condition", {}),
    "suspend": ("suspend", {}),
    "teach_out": ("teach_out", {"applies_to": {"programs": ["nursing"]}}),
    "deny": ("deny", {"reason_code": "standards_noncompliance"}),
    "withdraw": ("withdraw", {"reason_code": "standards_noncompliance"}),
    "withdraw voluntary": ("withdraw", {"reason_code": "voluntary"}),
    "close": ("close", {}),
    "supersede": ("supersede", {"successor": "did:web:next.example"}),
    "expire": ("expire", {}),
    "revoke": ("revoke", {"reason_code": "fraud"}),
    "revoke void": ("revoke", {"reason_code": "fraud", "void_from": at("2024-02-01")}),
    **{name: (name, {}) for name in ("lift", "reinstate", "renew", "annul", "stay", "appeal_open", "appeal_decide")},
}

LED_TO: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(INITIAL_STATUSES, ()),
    "warning": ("sanction warning",),
    "probation": ("sanction probation",),
    "show_cause": ("sanction show_cause",),
    "suspended": ("suspend",),
    "teach_out": ("teach_out",),
    "denied": ("deny",),
    "withdrawn": ("withdraw",),
    "withdrawn_voluntary": ("withdraw voluntary",),
    "closed": ("close",),
    "superseded": ("supersede",),
    "expired": ("expire",),
    "revoked": ("revoke",),
    "revoked void": ("revoke void",),
    "stayed": ("suspend", "appeal_open", "stay"),
}
"""Statuses, and the events by which an accreditation comes into each."""


@pytest.fixture(scope="module")
def fold() -> Fold:
    """All cases in one fold; what reaches back, and what undoes that, B approves: one vote for them all."""
    town, joint = trio(), list[Statement]()
    for status in LED_TO:
        for deed in DEEDS:
            joint += live(town, status, deed)
    for start in range(0, len(joint), 400):
        town.votes(B, *joint[start : start + 400])
    made = town.fold()
    for statement in town.said:
        standing = standing_of(made, statement.id)
        assert standing is not None
        assert standing.state is EffectState.EFFECTIVE, (statement.body, standing.reason)
    return made


def issuer_of(status: str, deed: str) -> CanonicalId:
    return CanonicalId(f"did:web:{status}.{deed}.example".replace(" ", "-").replace("_", "-"))


def live(town: Consortium, status: str, deed: str) -> list[Statement]:
    """One case; returns what needs two authorities."""
    issuer = issuer_of(status, deed)
    terms = {"valid_from": at("2024-01-01"), "scope": {**SCOPE, "programs": "*"}}
    if status in INITIAL_STATUSES:
        terms["initial_status"] = status
    granted = town.says(A, "accreditation.grant", grant(issuer, **terms))
    head, said = granted, list[Statement]()
    for at_once, name in enumerate((*LED_TO[status], deed)):
        word, members = DEEDS[name]
        when = BROUGHT + at_once if at_once < len(LED_TO[status]) else HAPPENED
        body = event(granted.id, word, when, after=[head.id], **members)
        head = town.says(A, "accreditation.status", body, issuer)
        said.append(head)
    return said if "void" in status or "void" in deed else []


def worth(fold: Fold, status: str, deed: str) -> str:
    """What the three credentials are worth, a letter each."""
    letters = ""
    for day in ISSUED:
        query = Query(
            entity=issuer_of(status, deed),
            authority=A,
            achievement_types=("Degree",),
            jurisdiction="US",
            program="nursing",
            time=at(day),
        )
        letters += LETTERS[decide(query, fold, NOW, ecosystem_id=CanonicalId("https://consortium.example/")).verdict]
    return letters


MATRIX: Final = """
                    war pro sho con sus tea den wit vol clo sup exp rev voi lif rei ren ann sta ope dec
active              TTA TTA TTA TTA HHS HHA HHN HHN HHN HHN HHN HHN HHN NNN TTT TTT TTT TTT TTA TTT TTT
candidate           AAA AAA AAA AAA HHS HHA HHN HHN HHN HHN HHN HHN HHN NNN AAA AAA AAT AAA AAA AAA AAA
conditional         AAA AAA AAA AAA HHS HHA HHN HHN HHN HHN HHN HHN HHN NNN AAA AAA AAT AAA AAA AAA AAA
warning             TAA TAA TAA TAA HHS HHA HHN HHN HHN HHN HHN HHN HHN NNN TAT TAT TAT TTT TAA TAA TAA
probation           TAA TAA TAA TAA HHS HHA HHN HHN HHN HHN HHN HHN HHN NNN TAT TAT TAT TTT TAA TAA TAA
show_cause          TAA TAA TAA TAA HHS HHA HHN HHN HHN HHN HHN HHN HHN NNN TAT TAT TAT TTT TAA TAA TAA
suspended           HSS HSS HSS HSS HSS HSS HSN HSN HSN HSN HSN HSN HSN NNN TST TST TST TTT TSA HSS HSS
teach_out           HAA HAA HAA HAA HHS HHA HHN HHN HHN HHN HHN HHN HHN NNN TAT TAT TAT TTT TAA HAA HAA
denied              HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN NNN TNT TNT TNT TTT TNA HNN HNN
withdrawn           HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN NNN TNT TNT TNT TTT TNA HNN HNN
withdrawn_voluntary HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN NNN TNT TNT TNT TTT TNA HNN HNN
closed              HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN NNN TNT TNT TNT TTT TNA HNN HNN
superseded          HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN NNN TNT TNT TNT TTT TNA HNN HNN
expired             HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN NNN TNT TNT TNT TTT TNA HNN HNN
revoked             HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN HNN NNN TNT TNT TNT TTT TNA HNN HNN
revoked_void        NNN NNN NNN NNN NNN NNN NNN NNN NNN NNN NNN NNN NNN NNN NNT NNT NNT TTT NNA NNN NNN
stayed              TAA TAA TAA TAA HHS HHA HHN HHN HHN HHN HHN HHN HHN NNN TAT TAT TAT TAT TAA TAA TAA
"""
"""Rows: the status before; columns: the event, in the order of `DEEDS`. A cell: the credential of before the status, of
in it, and of after the event. T trusted, A with an advisory, H historical, S suspended, N not trusted.

What to see in it: nothing but `revoke` with `void_from` takes trust from a credential of before (N in the first place);
a milder event never softens a harder status; what gives back restores the time after it, and the time before only where
it annuls; whoever stays a decision gives back under an advisory, which stays until the decision is stated anew."""

ROWS = [line.split() for line in MATRIX.strip().splitlines()[1:]]


@pytest.mark.no_cover
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_an_event_does_to_credentials_of_before_and_after_in_every_status(fold: Fold, row: list[str]) -> None:
    status, *expected = row
    assert [worth(fold, status.replace("revoked_void", "revoked void"), deed) for deed in DEEDS] == expected


def test_the_table_has_every_status_and_every_event() -> None:
    assert {word for word, _ in DEEDS.values()} == set(EVENTS)
    assert [row[0].replace("_void", " void") for row in ROWS] == list(LED_TO)
    assert set(LED_TO) - {"revoked void", "stayed"} == set(STATUSES)
    assert all(len(row) == len(DEEDS) + 1 for row in ROWS)


@pytest.mark.parametrize(
    ("program", "verdict", "code"),
    [
        ("nursing", Verdict.TRUSTED_WITH_ADVISORY, "accredited"),
        ("law", Verdict.NOT_TRUSTED, "teach_out_not_covered"),
        (None, Verdict.INDETERMINATE, "program_needed"),
    ],
)
def test_a_teach_out_counts_for_the_programmes_it_lists_and_needs_to_know_which(
    fold: Fold, program: str | None, verdict: Verdict, code: str
) -> None:
    query = Query(
        entity=issuer_of("active", "teach_out"),
        authority=A,
        achievement_types=("Degree",),
        jurisdiction="US",
        program=program,
        time=at(ISSUED[2]),
    )
    decided = decide(query, fold, NOW, ecosystem_id=CanonicalId("https://consortium.example/"))
    assert (decided.verdict, decided.reasons[0].code) == (verdict, code)


@pytest.mark.no_cover
@pytest.mark.parametrize("status", LED_TO)
def test_a_timeline_says_of_every_day_what_decide_says(fold: Fold, status: str) -> None:
    for deed in DEEDS:
        issuer = issuer_in(fold, issuer_of(status, deed))
        assert issuer is not None
        record = accreditation_in(fold, issuer["accreditations"][0][0])
        assert record is not None
        found = spells(record, NOW)
        assert [one.begins for one in found[1:]] == [one.ends for one in found[:-1]], "no day is left out"
        assert found[-1].ends is None
        letters = ""
        for day in ISSUED:
            spell = next(one for one in found if one.begins <= at(day) < (one.ends or NOW))
            letters += LETTERS[spell.verdict]
        assert letters == worth(fold, status, deed), (deed, found)
