"""Every answer can be explained to whoever reads it: a reason code has its sentences, and no sentence lacks a code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from accredit.registry.decision.explanations import (
    CAUSES,
    REASONS,
    VERDICTS,
    Audience,
    Explained,
    reason_for,
    verdict_for,
)
from accredit.registry.decision.issuer_keys import KeyState
from accredit.registry.decision.verdict import Verdict
from accredit.registry.domain.scope import AXES
from accredit.registry.domain.vocabulary import REASON_CODES, STATUSES, IssuedEarlier, NewlyIssued

ROOT = Path(__file__).resolve().parents[3]
DECIDING = (*(ROOT / "registry" / "decision").glob("*.py"), *(ROOT / "registry" / "evidence").glob("*.py"))
NOTED = {"refuse", "miss", "lose", "advise"}
"""Methods of `Notes` whose first argument is a code."""

FAMILIES = {
    "status_{}": {word for word, row in STATUSES.items() if row.newly is not NewlyIssued.TRUSTED},
    "later_{}": {word for word, row in STATUSES.items() if row.earlier is not IssuedEarlier.TRUSTED},
    "{}_not_covered": set(AXES),
    "{}_not_asked": set(AXES),
    "{answer.state.value}": {state.value for state in KeyState if state is not KeyState.GOOD},
}
"""Codes that are put together, and with which words."""


def codes_of(tree: ast.AST) -> Iterator[str]:
    """The reason codes that a module makes; those put together with {} in place of what varies."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            given = {one.arg: one.value for one in node.keywords}
            if name == "Reason":
                yield from written(given["code"])
            elif name == "_Unanswerable" or (name in NOTED and isinstance(node.func, ast.Attribute)):
                yield from written(node.args[0])
            elif name == "_open" and len(node.args) == 5:
                yield from written(node.args[3])
            elif name == "note":
                yield "{answer.state.value}"
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
            names = [getattr(one, "id", "") for one in node.targets[0].elts]
            if "code" in names and isinstance(node.value, ast.Tuple):
                yield from written(node.value.elts[names.index("code")])


def written(code: ast.expr) -> Iterator[str]:
    if isinstance(code, ast.Constant):
        yield str(code.value)
    elif isinstance(code, ast.JoinedStr):
        yield "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in code.values)


def test_the_codes_of_the_table_are_those_that_the_source_makes() -> None:
    files = (*DECIDING, *(ROOT / "node").rglob("*.py"))
    found = {code for path in files for code in codes_of(ast.parse(path.read_text("utf-8")))}
    assert {code for code in found if "{" in code} == set(FAMILIES)
    made = {code for code in found if "{" not in code}
    for family, words in FAMILIES.items():
        made |= {re.sub(r"\{.*\}", word, family) for word in words}
    assert made - set(REASONS) == set(), "these codes have no explanation"
    assert set(REASONS) - made == set(), "these explanations have no code"


def test_a_code_that_somebody_adds_would_be_found() -> None:
    tree = ast.parse('notes.refuse("moon_full", text)\nReason(code=f"phase_{word}", text="")\nverdict, code = a, "new"')
    assert set(codes_of(tree)) == {"moon_full", "phase_{}", "new"}


def test_every_verdict_and_every_cause_is_explained() -> None:
    assert set(VERDICTS) == set(Verdict)
    assert tuple(CAUSES) == REASON_CODES


@pytest.mark.parametrize(
    ("name", "told"), [*((str(one), told) for one, told in VERDICTS.items()), *REASONS.items()], ids=str
)
def test_every_audience_gets_a_plain_sentence_and_a_next_step(name: str, told: Explained) -> None:
    assert set(told) == set(Audience)
    for advice in told.values():
        for sentence in advice:
            assert re.fullmatch(r"[A-Z][^\n]{9,140}\.", sentence), sentence
            assert "  " not in sentence
            assert name not in sentence or "_" not in name, "a code is no word for people"


def test_advice_is_found_by_code_and_a_code_of_a_later_version_has_none() -> None:
    said = verdict_for(Verdict.SUSPENDED, Audience.LEARNER)
    assert said.sentence == "Your issuer's recognition was suspended on that day."
    assert reason_for("status_suspended", Audience.EMPLOYER) == REASONS["status_suspended"][Audience.EMPLOYER]
    assert reason_for("later_ended", Audience.ADMISSIONS) is not None
    assert reason_for("a_code_of_2031", Audience.LEARNER) is None


def test_a_recruiter_is_an_employer() -> None:
    assert Audience("recruiter") is Audience.EMPLOYER
    with pytest.raises(ValueError, match="crowd"):
        Audience("crowd")
