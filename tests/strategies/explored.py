"""A world for the explorer: a nursing school with a history, and strangers who named themselves to break the pages.

    node = explored(tmp_path)

Besides the small world of `served`: a delegate that accredits, joint votes with reasons, keys that ended, a crosswalk,
a school that is closed and succeeded, and issuers whose names and reasons are HTML, formulas, templates, right-to-left
script or one long word.
"""

from pathlib import Path
from typing import Any, Final

from accredit.registry.domain.frameworks import items_root
from accredit.registry.encoding.ed25519 import multibase
from tests.strategies import bodies
from tests.strategies.consortium import START, Consortium, Pen
from tests.strategies.served import A, B, Served, empty, world

NURSING: Final = "did:web:nursing.example"
CLOSED: Final = "did:web:closed.example"
BOARD: Final = "https://board.example/"
SKILLS: Final = "https://skills.example/nursing"
CARE: Final = f"{SKILLS}/care"
WOUNDS: Final = f"{SKILLS}/care/wounds"
DAY: Final = 86_400

SCRIPT: Final = "<script>document.title='owned'</script>"
HOSTILE: Final = {
    "did:web:script.example": f"{SCRIPT}<img src=x onerror=alert(1)>",
    "did:web:quote.example": "\"'><svg/onload=alert(1)>",
    "did:web:template.example": "{{ 7*7 }} {% include 'base.html' %} ${7*7}",
    "did:web:formula.example": '=HYPERLINK("https://evil.example/","Click")',
    "did:web:hebrew.example": "אוניברסיטת הדוגמה (US-IN) – 2015",
    "did:web:long.example": "W" * 300,
    "https://link.example/%22onmouseover=alert(1)": "An Address That Is a Script",
}
"""Issuers by id, each with a name that must be shown and do nothing."""


def nursing_world() -> Consortium:
    """The statements, in order."""
    town = world()
    board = _delegate(town)
    name = "Meadow School of Nursing"
    keys = [
        {"id": f"{NURSING}#old", "public_key_multibase": _public("nursing old"), "valid_until": START},
        {"id": f"{NURSING}#new", "public_key_multibase": _public("nursing new"), "valid_from": START - 30 * DAY},
    ]
    facts: dict[str, Any] = {
        "legal_name": "Meadow School of Nursing, Inc.",
        "url": "https://meadow.example/",
        "categories": ["postsecondary_4yr", "training_provider"],
        "jurisdictions": ["US-IN", "US-OH"],
        "identifiers": [{"scheme": "ipeds_unitid", "value": "151801"}, {"scheme": "ror", "value": "03yrm5c26"}],
        "predecessors": [CLOSED],
        "custodian_for": [CLOSED],
        "learner_contact": "https://meadow.example/records",
        "keys": keys,
    }
    town.says(board, "issuer.register", bodies.register(NURSING, name=name, **facts))
    scope = {
        "credential_types": "*",
        "achievement_types": ["License", "BachelorDegree"],
        "jurisdictions": ["US-IN"],
        "competencies": [CARE],
        "inherit_to_narrower": True,
        "programs": [{"id": "bsn", "name": "Nursing, B.Sc.", "cip": "51.3801"}],
    }
    grant = town.says(
        board,
        "accreditation.grant",
        bodies.grant(
            NURSING,
            scope=scope,
            level="programmatic",
            valid_from=START - 3_000 * DAY,
            review_due=START + 400 * DAY,
            policy="https://board.example/policy",
            conditions=[{"text": "Report the pass rate of each cohort.", "due_by": START + 200 * DAY}],
        ),
    )
    reason = "Two cohorts were taught without a supervised practicum.\nThe school was heard on 2023-10-30."
    suspended = town.says(
        board,
        "accreditation.status",
        bodies.event(grant.id, "suspend", town.time, reason_code="standards_noncompliance", reason_text=reason),
        sub=NURSING,
    )
    lift = bodies.event(
        grant.id, "lift", START + DAY, after=[suspended.id], reason_text="The practicum was made up for."
    )
    lifted = town.says(A, "accreditation.status", lift, sub=NURSING)
    said = {
        "targets": [lifted.id],
        "reason_text": "We have seen the log of hours.",
        "refs": ["https://law.example/hours"],
    }
    town.says(B, "vote.approve", said, town.eco.hex())
    _closed(town)
    _skills(town)
    for id, stranger in HOSTILE.items():
        town.says(A, "issuer.register", bodies.register(id, name=stranger, url="https://evil.example/<b>"))
        hostile = town.says(A, "accreditation.grant", bodies.grant(id))
        town.says(
            A,
            "accreditation.status",
            bodies.event(hostile.id, "sanction", START, sanction_level="warning", reason_text=f"{stranger}\n{SCRIPT}"),
            sub=id,
        )
    waiting = town.says(A, "recognition.grant", {"id": "https://also.example/", "name": SCRIPT, "actions": ["issue"]})
    town.says(B, "vote.reject", {"targets": [waiting.id], "reason_text": SCRIPT}, town.eco.hex())
    return town


def _delegate(town: Consortium) -> Pen:
    pen = town.pen("board", BOARD)
    body = bodies.delegation(
        BOARD,
        [{"public": pen.public, "budget": 1_000}],
        name="State Board of Nursing",
        constituency="public",
        url="https://board.example/",
        contact="mailto:office@board.example",
        apply_url="https://board.example/apply",
        appeal_url="https://board.example/appeal",
        limits={"jurisdictions": ["US"], "kinds": ["accredit", "approve"]},
        actions=["issuer.*", "accreditation.*"],
    )
    delegation = town.says(A, "authority.delegate", body)
    town.says(
        B,
        "vote.approve",
        {
            "targets": [delegation.id],
            "reason_text": "The board licenses nurses by law.",
            "refs": ["https://law.example/"],
        },
        town.eco.hex(),
    )
    return pen


def _closed(town: Consortium) -> None:
    town.says(B, "issuer.register", bodies.register(CLOSED, name="Old Meadow College"))
    grant = town.says(B, "accreditation.grant", bodies.grant(CLOSED, valid_from=START - 9_000 * DAY))
    ended = bodies.event(grant.id, "supersede", START - 2_900 * DAY, successor=NURSING, reason_code="merger")
    town.votes(A, town.says(B, "accreditation.status", ended, sub=CLOSED))


def _skills(town: Consortium) -> None:
    items: list[dict[str, Any]] = [
        {"id": CARE, "statement": "Cares for patients", "label": "Patient care", "code": "N1"},
        {"id": WOUNDS, "statement": "Dresses wounds", "label": "Wound care", "code": "N1.1", "parents": [CARE]},
    ]
    publish = {
        "id": SKILLS,
        "title": "Nursing skills",
        "version": "2023",
        "format": "csv",
        "content_digest": bytes(32),
        "item_count": len(items),
        "items_root": items_root(items),
        "publisher": "State Board of Nursing",
        "license": "CC-BY-4.0",
        "source_url": "https://skills.example/nursing.csv",
    }
    said = town.says(A, "framework.publish", publish, sub=SKILLS)
    town.says(A, "framework.items", {"framework": SKILLS, "publish": said.id, "part": 0, "items": items}, sub=SKILLS)
    links = [
        {"source": WOUNDS, "target": "https://other.example/w1", "relation": "close_match", "original": "similarTo"}
    ]
    crosswalk = {
        "id": "https://skills.example/crosswalk",
        "title": "Nursing to another list",
        "source": {"framework": SKILLS},
        "target": {"framework": "https://other.example/"},
        "method": "expert",
        "usable_for_scope": False,
        "links": links,
    }
    town.says(A, "mapping.publish", crosswalk)


def _public(name: str) -> str:
    return multibase(Pen(name, NURSING).public)


def explored(path: Path) -> Served:
    """A node that has heard all of it."""
    node = empty(path, nursing_world())
    node.hears()
    return node
