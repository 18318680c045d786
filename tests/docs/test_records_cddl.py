"""`docs/records.cddl` says what records hold: every record that generated histories lead to is checked against it."""

from typing import Any

import pytest
from hypothesis import given

from accredit.governance.rules.charter import NODE
from accredit.registry.domain import mappings, recognitions
from accredit.registry.domain.accreditations import check_grant, check_status
from accredit.registry.domain.ceiling import check_limits
from accredit.registry.domain.frameworks import check_publish
from accredit.registry.domain.issuers import check_pinned_key, check_register
from accredit.registry.domain.record_types import Record
from accredit.registry.domain.records import TYPES, MemoryRecords
from accredit.registry.domain.scope import check_scope
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.encoding.schema import Check
from docs.generators._shapes import members_of
from tests.docs.cddl import Map, Name, flattened, mismatch, parse
from tests.docs.pages import ROOT
from tests.strategies import domain
from tests.strategies.consortium import fold_of
from tests.strategies.histories import History, histories

RULES = parse((ROOT / "docs" / "records.cddl").read_text("utf-8"))


def checked(type: str, record: Record) -> str:
    """Fails where the record is not as the file says; its type."""
    assert mismatch(RULES, type, record) is None
    return type


def everything(records: MemoryRecords) -> list[tuple[tuple[str, str], Record]]:
    """All that is in the store of the tests."""
    return list(records._records.items())


def test_every_type_of_record_has_a_rule_and_every_rule_is_used() -> None:
    assert set(TYPES) <= set(RULES)
    text = (ROOT / "docs" / "records.cddl").read_text("utf-8")
    first = next(line for line in text.splitlines() if line.startswith("record = "))
    assert sorted(first.removeprefix("record = ").split(" / ")) == sorted(TYPES)
    for name in RULES:
        used = sum(line.partition(";")[0].replace(",", " ").split().count(name) for line in text.splitlines())
        assert used > 1 or name == "record" or f"{name}]" in text or f"[+ {name}" in text or f"[* {name}" in text, name


@given(histories())
def test_records_of_histories_of_governance_are_as_described(history: History) -> None:
    seen = {checked(type, record) for (type, _), record in fold_of(history.eco, history.said).items()}
    assert {"charter", "authority"} <= seen


@given(domain.histories())
def test_records_of_histories_of_accreditations_are_as_described(world: domain.World) -> None:
    records = world.records()
    for (type, _), record in everything(records):
        checked(type, record)


def test_a_framework_its_competencies_a_mapping_and_a_recognition_are_as_described() -> None:
    world = domain.World()
    publish = world.framework()
    status = {
        "framework": domain.FRAMEWORK,
        "publish": publish,
        "status": "deprecated",
        "effective_from": 1,
        "after": [],
    }
    world.say("framework.status", status, sub=domain.FRAMEWORK)
    grant = {"id": "did:web:other.example", "name": "Other", "actions": ["issue"], "valid_from": -1}
    granted = world.say("recognition.grant", grant)
    world.say("recognition.withdraw", {"recognition": granted, "effective_from": 7})
    world.key_event(op="add", key={"id": domain.K1, "public_key_multibase": domain.key_text("one")})
    world.key_event(op="compromise", key_id=domain.K1, compromised_since=5)
    records = world.records()
    seen = {checked(type, record) for (type, _), record in everything(records)}
    assert {"framework", "competency", "recognition", "issuer"} <= seen

    body = domain.mapping_body()
    published = domain.effective("mapping.publish", body, sub=body["id"])
    ended = {"mapping": body["id"], "publish": published.statement.id, "effective_from": 9}
    withdrawn = domain.effective("mapping.withdraw", ended, sub=body["id"])
    for record in (
        mappings.reduce(body["id"], [published], []),
        mappings.reduce(body["id"], [published], [withdrawn]),
        recognitions.reduce(CanonicalId("did:web:other.example"), [domain.effective("recognition.grant", grant)], []),
    ):
        assert record is not None
        checked("mapping" if "stated" in record else "recognition", record)


@pytest.mark.parametrize(
    ("rule", "check", "elsewhere"),
    [
        ("scope", check_scope, set()),
        ("limits", check_limits, set()),
        ("pinned-key", check_pinned_key, set()),
        ("facts", check_register, {"keys"}),
        ("event", check_status, {"accreditation"}),
        ("published-framework", check_publish, {"id"}),
        ("terms", check_grant, {"issuer", "kind", "level", "publishers"}),
        ("node", NODE, set()),
    ],
)
def test_every_member_that_a_statement_may_bring_is_described(rule: str, check: Check, elsewhere: set[str]) -> None:
    """Histories need not use every member: what a body may hold is compared by name."""
    members = members_of(check)
    assert members is not None
    known, required = members
    map_ = RULES[rule]
    assert isinstance(map_, Map)
    whole = flattened(RULES, map_)
    assert set(known) - elsewhere <= {*whole.required, *whole.optional}
    assert set(whole.required) >= required - elsewhere
    assert not set(whole.optional) & (required - elsewhere)


# ------------------------------------------------------------------------------------------------ the checker itself

SMALL = parse(
    'thing = { name: tstr, ? at: [+ int], mark }\nmark = ( id: bytes .size 2, ? ext: any )\nend = null / "no"'
)


@pytest.mark.parametrize(
    ("rule", "value", "reason"),
    [
        ("thing", {"name": "a", "id": b"12"}, None),
        ("thing", {"name": "a", "id": b"12", "at": [1, -2], "ext": {}}, None),
        ("thing", {"id": b"12"}, "name is missing"),
        ("thing", {"name": "a"}, "id is missing"),
        ("thing", {"name": "a", "id": b"1"}, "not bytes of 2"),
        ("thing", {"name": "a", "id": b"12", "at": []}, "not such an array"),
        ("thing", {"name": "a", "id": b"12", "at": [True]}, r"at\[0\]"),
        ("thing", {"name": "a", "id": b"12", "nmae": "b"}, "no member 'nmae'"),
        ("thing", [], "not a map"),
        ("end", None, None),
        ("end", "yes", "is not 'no'"),
    ],
)
def test_the_checker_takes_what_matches_and_says_why_not(rule: str, value: Any, reason: str | None) -> None:
    found = mismatch(SMALL, rule, value)
    if reason is None:
        assert found is None
    else:
        with pytest.raises(AssertionError, match=reason):
            raise AssertionError(found)


@pytest.mark.parametrize("text", ["a = b ~ c", "a = [* int, tstr]", "a = { b tstr }", "a = #6.0(tstr)", "a ="])
def test_what_the_checker_does_not_understand_ends_it(text: str) -> None:
    with pytest.raises(SyntaxError):
        parse(text)


def test_a_name_of_another_rule_stands_for_it() -> None:
    assert parse("a = b\nb = int")["a"] == Name("b")
