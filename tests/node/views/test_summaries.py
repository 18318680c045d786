"""An inbox says in one sentence what is proposed, whatever kind it is."""

from typing import Any

import pytest

from accredit.governance.rules.rulebook import KINDS
from accredit.node.views.summaries import summary

ID = bytes(range(32))
SUB = "did:web:college.example"
TOLD: dict[str, tuple[dict[str, Any], str]] = {
    "charter.genesis": ({"name": "Us", "authorities": [{}, {}]}, f"Found Us ({SUB}) with 2 authorities."),
    "charter.amend": ({"version": 2}, f"Amend the charter of {SUB} to version 2."),
    "authority.delegate": (
        {"name": "D", "delegate": "did:web:d.example", "valid_from": 0, "valid_until": 86_400},
        "Make D (did:web:d.example) an authority from 1970-01-01 until 1970-01-02.",
    ),
    "authority.withdraw": (
        {"delegation": ID, "effective_from": 0},
        f"Withdraw the delegation 0001020304050607 of {SUB} from 1970-01-01.",
    ),
    "node.admit": ({"name": "n1", "operator": "Op"}, "Admit the node n1 of Op."),
    "node.replace": (
        {"name": "n1", "operator": "Op", "url": "https://n1.example"},
        "Replace the entry of the node n1: Op, https://n1.example.",
    ),
    "node.retire": ({"name": "n1"}, "Retire the node n1."),
    "key.add": ({"budget": 5}, f"Add a key for {SUB} that may sign 5 statements."),
    "key.rotate": ({"key": ID}, f"Replace the key 0001020304050607 of {SUB}."),
    "key.retire": ({"key": ID}, f"Retire the key 0001020304050607 of {SUB}."),
    "key.compromise": ({"key": ID}, f"Declare the key 0001020304050607 of {SUB} compromised."),
    "issuer.register": ({"name": "College"}, f"Register College ({SUB}) as an issuer."),
    "issuer.update": ({"name": "College"}, f"Update what is stated about College ({SUB})."),
    "issuer.key": ({"op": "add", "key": {"id": f"{SUB}#1"}}, f"Add the key {SUB}#1 of the issuer {SUB}."),
    "accreditation.grant": (
        {
            "kind": "accredit",
            "level": "institutional",
            "valid_from": 0,
            "scope": {"achievement_types": ["Degree", "Diploma", "Badge", "Course", "License"]},
        },
        f"Accredit {SUB} (institutional) for Degree, Diploma, Badge and 2 more from 1970-01-01.",
    ),
    "accreditation.amend": ({"accreditation": ID}, f"Amend accreditation 0001020304050607 of {SUB}."),
    "accreditation.status": (
        {"event": "revoke", "accreditation": ID, "void_from": 0, "reason_code": "fraud"},
        f"Revoke accreditation 0001020304050607 of {SUB}, void from 1970-01-01: fraud.",
    ),
    "framework.publish": ({"title": "Welding", "version": "1"}, f"Publish the framework Welding 1 ({SUB})."),
    "framework.items": ({"part": 0, "items": [1, 2]}, f"Part 0 of the framework {SUB}: 2 items."),
    "framework.status": ({"status": "deprecated"}, f"Mark the framework {SUB} as deprecated."),
    "recognition.grant": (
        {"name": "F", "id": "https://f.example/", "valid_from": 0},
        "Recognise F (https://f.example/) from 1970-01-01.",
    ),
    "recognition.withdraw": ({}, f"Withdraw the recognition of {SUB}."),
    "statement.annul": (
        {"target": ID, "reason_code": "false_information"},
        "Annul the statement 0001020304050607: false_information.",
    ),
    "mapping.publish": (
        {
            "title": "ESCO and ours",
            "links": [{}, {}],
            "usable_for_scope": True,
            "source": {"framework": "https://a.example/"},
            "target": {"framework": "https://b.example/"},
        },
        f"Publish the mapping ESCO and ours ({SUB}): 2 links between https://a.example/ and https://b.example/; "
        "may extend accreditations.",
    ),
    "mapping.withdraw": ({"effective_from": 1_700_006_400}, f"Withdraw the mapping {SUB} from 2023-11-15."),
}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"op": "retire", "key_id": "#1"}, f"Retire the key #1 of the issuer {SUB}."),
        ({"op": "retire", "key_id": "#1", "valid_until": 0}, f"Retire the key #1 of the issuer {SUB} from 1970-01-01."),
        (
            {"op": "compromise", "key_id": "#1", "compromised_since": 0},
            f"Report the key #1 of the issuer {SUB} as stolen since 1970-01-01.",
        ),
        (
            {"op": "compromise", "key_id": "#1"},
            f"Report the key #1 of the issuer {SUB} as stolen; nothing that it signed counts.",
        ),
    ],
)
def test_the_end_of_an_issuers_key_names_the_key_and_says_from_when(body: dict[str, object], sentence: str) -> None:
    assert summary("issuer.key", SUB, body) == sentence


@pytest.mark.parametrize("kind", TOLD)
def test_each_kind_is_told_in_a_sentence(kind: str) -> None:
    body, sentence = TOLD[kind]
    assert summary(kind, SUB, body) == sentence


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"event": "annul"}, "Annul what was decided against accreditation 0001020304050607 of {}."),
        ({"event": "stay"}, "Stay what was decided against accreditation 0001020304050607 of {}."),
        ({"event": "reinstate"}, "Reinstate accreditation 0001020304050607 of {}."),
        (
            {"event": "sanction", "sanction_level": "show_cause", "effective_until": 86_400},
            "Put accreditation 0001020304050607 of {} under an order to show cause, until 1970-01-02.",
        ),
        (
            {"event": "teach_out", "applies_to": {"programs": ["law"], "cohorts_enrolled_before": 0}},
            "Begin the teach-out of accreditation 0001020304050607 of {} in law for students who enrolled before "
            "1970-01-01.",
        ),
        (
            {"event": "close", "successor": "did:web:archive.example", "reason_code": "closure"},
            "Close accreditation 0001020304050607 of {}, succeeded by did:web:archive.example: closure.",
        ),
    ],
)
def test_an_appeal_that_is_upheld_does_not_read_as_the_end_of_the_accreditation(
    body: dict[str, Any], sentence: str
) -> None:
    assert summary("accreditation.status", SUB, {"accreditation": ID, **body}) == sentence.format(SUB)


def test_no_kind_that_people_vote_on_is_forgotten() -> None:
    asked = {kind for kind in KINDS if not kind.startswith(("vote.", "evidence.", "issuance."))}
    assert asked <= set(TOLD)


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ({"achievement_types": "*"}, "everything"),
        ({"jurisdictions": ["US"]}, "its scope"),
        ({"competencies": ["x"]}, "x"),
    ],
)
def test_a_scope_is_told_by_what_it_grants(scope: dict[str, Any], words: str) -> None:
    body = {"kind": "approve", "level": "course", "scope": scope}
    assert summary("accreditation.grant", SUB, body) == f"Approve {SUB} (course) for {words}."
