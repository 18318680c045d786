"""Records: their place, their order, and recognition, which is little else."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from accredit.registry.domain import recognitions
from accredit.registry.domain.record_types import IssuerFacts, StatedFacts
from accredit.registry.domain.records import (
    TYPES,
    MemoryRecords,
    accreditation_in,
    alias_in,
    authority_in,
    charter_in,
    competency_in,
    framework_in,
    in_order,
    issuer_in,
    mapping_in,
    node_in,
    recognition_in,
    record_digest,
    record_key,
    standing,
)
from accredit.registry.encoding.cbor import decode, encode
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.errors import DecodeError
from tests.strategies.domain import COLLEGE, HLC, STATE, World, at, effective, grant_body

OTHER = CanonicalId("https://other.example/")


def test_type_and_id_cannot_run_into_each_other() -> None:
    assert record_key("issuer", "x") == sha256(b"issuer\x00x").digest()
    assert record_key("issuer", "x") != record_key("issue", "rx")


def test_a_digest_is_over_the_one_encoding() -> None:
    assert record_digest({"a": 1, "b": 2}) == record_digest({"b": 2, "a": 1})
    assert record_digest({"a": 1}) == sha256(encode({"a": 1})).digest()


def test_records_in_memory_are_put_and_taken_away() -> None:
    records = MemoryRecords({("node", "n"): {"name": "n"}})
    records.put("issuer", "x", {"id": "x"})
    assert records.get("issuer", "x") == {"id": "x"}
    records.put("issuer", "x", None)
    assert records.get("issuer", "x") is None
    assert records.get("node", "n") == {"name": "n"}


def test_statements_are_sorted_and_each_counted_once() -> None:
    one, two = (effective("accreditation.grant", grant_body(level=level)) for level in ("course", "occupational"))
    assert in_order([two, one, two]) == sorted([one, two], key=lambda said: said.statement.id)


def test_who_names_anothers_statement_does_not_take_its_place() -> None:
    def fact(by: CanonicalId, via: bytes | None, statement: bytes, *after: bytes) -> StatedFacts:
        facts = IssuerFacts(id=COLLEGE, name="College")
        return StatedFacts(by=by, via=via, statement=statement, iat=0, facts=facts, after=list(after))

    mine, other = fact(HLC, None, b"1"), fact(STATE, None, b"2", b"1")
    namesake = fact(HLC, bytes(32), b"4", b"1")
    assert standing([mine, other, namesake]) == [mine, other, namesake]
    later = fact(HLC, None, b"3", b"1")
    assert standing([mine, other, later]) == [other, later]


def test_every_record_a_world_makes_can_be_encoded() -> None:
    world = World()
    world.register(also_known_as=["https://college.example/issuer"])
    id = world.grant(valid_until=at("2030-01-01"))
    world.event(id, "suspend", "2020-01-01")
    world.framework()
    for record in world.records()._records.values():
        assert decode(encode(record)) == record


# ------------------------------------------------------------------------------------------------ recognition


def recognize(**members: Any) -> dict[str, Any]:
    body = {"id": OTHER, "name": "Other", "actions": ["issue"], **members}
    recognitions.check_grant(body)
    return body


def test_a_recognition_ends_after_it_begins_and_names_an_action() -> None:
    with pytest.raises(DecodeError, match="end before"):
        recognize(valid_from=5, valid_until=5)
    with pytest.raises(DecodeError):
        recognize(actions=[])


def test_a_recognition_is_withdrawn_by_its_earliest_withdrawal() -> None:
    said = effective("recognition.grant", recognize(), sub=OTHER)
    ends = []
    for on in ("2021-01-01", "2020-01-01"):
        body = {"recognition": said.statement.id, "effective_from": at(on)}
        recognitions.check_withdraw(body)
        ends.append(effective("recognition.withdraw", body, by=STATE, sub=OTHER))
    record = recognitions.reduce(OTHER, [said], ends)
    assert record is not None
    assert record["granted"][0]["withdrawn"] == {
        "statement": ends[1].statement.id,
        "effective_from": at("2020-01-01"),
    }
    assert recognitions.reduce(OTHER, [], ends) is None


def test_each_type_of_record_has_a_door_of_its_own_that_finds_it_and_no_other() -> None:
    doors: dict[str, Callable[[MemoryRecords, CanonicalId], Any]] = {
        "issuer": issuer_in,
        "alias": alias_in,
        "framework": framework_in,
        "competency": competency_in,
        "mapping": mapping_in,
        "recognition": recognition_in,
        "charter": charter_in,
        "authority": authority_in,
    }
    assert {*doors, "accreditation", "node"} == set(TYPES)
    id = CanonicalId("https://a.example/")
    for type, door in doors.items():
        record: Any = {"id": id}
        assert door(MemoryRecords({(type, id): record}), id) is record
        assert door(MemoryRecords({(other, id): record for other in TYPES if other != type}), id) is None
    grant: Any = {"id": bytes(32)}
    named: Any = {"name": "node1"}
    records = MemoryRecords({("accreditation", bytes(32).hex()): grant, ("node", "node1"): named})
    assert accreditation_in(records, bytes(32)) is grant
    assert node_in(records, "node1") is named
