"""Custodians: what is read of a node's word about one, and whose word on them counts."""

from collections.abc import Callable
from typing import Any

import pytest

from accredit.cli.checking.custodians import issuer_record_of, name_of_custodian, signer_of_custodian
from accredit.node.views.json_views import plain
from accredit.registry.domain.record_types import IssuerRecord

SCHOOL, ARCHIVE, METHOD = "did:web:school.example", "did:web:archive.example", "did:web:archive.example#1"
ABOVE, STRANGER, MANDATE = "did:web:above.example", "did:web:stranger.example", b"m" * 32
NOW = 1_800_000_000
CLOSED: dict[str, Any] = {
    "reasons": [{"code": "later_closed", "text": "It has closed."}],
    "chain": [{"by": "did:web:accreditor.example", "via": MANDATE.hex()}, {"by": ABOVE, "via": None}],
}


def record(by: str = ABOVE, via: bytes | None = None, **more: Any) -> IssuerRecord:
    """A custodian's record, with a key; `more` is of where both come from."""
    source = {"by": by, "via": via, "statement": b"s" * 32, "iat": NOW - 1_000, **more}
    facts = {"id": ARCHIVE, "name": "State Archive", "custodian_for": [SCHOOL]}
    key = {"id": METHOD, "public_key_multibase": "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"}
    made: Any = {
        "id": ARCHIVE,
        "stated": [{**source, "facts": facts, "after": []}],
        "keys": [{**source, "op": "add", "key": key, "kid": b"k" * 32}],
        "accreditations": [],
    }
    return made  # type: ignore[no-any-return]


def ended(op: str, by: str = ABOVE, **more: Any) -> IssuerRecord:
    """The same, with an end of its key."""
    made = record()
    source: Any = {"by": by, "via": None, "statement": b"e" * 32, "iat": NOW - 500, "signer": b"x" * 32, "seq": 3}
    end: Any = {**source, "op": op, "key_id": METHOD, **more}
    made["keys"].append(end)
    return made


def test_the_name_of_a_custodian_is_that_of_its_own_entry() -> None:
    assert name_of_custodian(record(), SCHOOL, CLOSED, NOW) == "State Archive"
    assert name_of_custodian(record("did:web:accreditor.example", MANDATE), SCHOOL, CLOSED, NOW) == "State Archive"


@pytest.mark.parametrize(
    ("held", "of", "decision"),
    [
        (record(STRANGER), SCHOOL, CLOSED),
        (record("did:web:accreditor.example"), SCHOOL, CLOSED),
        (record("did:web:accreditor.example", b"n" * 32), SCHOOL, CLOSED),
        (record(unanchored=True), SCHOOL, CLOSED),
        (record(iat=NOW + 86_400), SCHOOL, CLOSED),
        (record(), "did:web:other.example", CLOSED),
        (record(), SCHOOL, CLOSED | {"reasons": [{"code": "accredited", "text": "It is."}]}),
        (record(), SCHOOL, CLOSED | {"reasons": [{"code": "later_suspended", "text": "For a time."}]}),
    ],
    ids=["stranger", "no mandate", "another mandate", "unanchored", "ahead", "another issuer", "open", "suspended"],
)
def test_nobody_keeps_the_lists_of_an_issuer_by_anybody_elses_word(
    held: IssuerRecord, of: str, decision: dict[str, Any]
) -> None:
    assert name_of_custodian(held, of, decision, NOW) is None


def test_what_a_later_statement_of_the_same_body_replaces_makes_no_custodian() -> None:
    held = record()
    again: Any = {**held["stated"][0], "statement": b"t" * 32, "after": [b"s" * 32]}
    again["facts"] = {"id": ARCHIVE, "name": "State Archive"}
    held["stated"].append(again)
    assert name_of_custodian(held, SCHOOL, CLOSED, NOW) is None


@pytest.mark.parametrize(
    ("held", "codes"),
    [
        (record(), []),
        (record(STRANGER), ["no_pinned_keys"]),
        (record(unanchored=True), ["key_unknown"]),
        (ended("retire"), ["key_retired"]),
        (ended("retire", valid_until=NOW + 5), []),
        (ended("retire", STRANGER), []),
        (ended("compromise", compromised_since=NOW + 9), ["key_compromised"]),
    ],
    ids=["good", "a stranger's", "unanchored", "retired", "retired later", "retired by a stranger", "stolen later"],
)
def test_a_key_of_a_custodian_counts_as_an_issuers_does(held: IssuerRecord, codes: list[str]) -> None:
    signer = signer_of_custodian(held, METHOD, NOW, CLOSED, NOW)
    assert [one["code"] for one in signer.reasons] == codes
    assert signer.keys.asked


def test_a_key_that_another_key_of_the_custodian_reports_stolen_signs_no_list_that_is_dated_back() -> None:
    """Whichever of the two reports is the thief's."""
    other = f"{METHOD}b"
    for theft in (NOW + 50, NOW - 50):
        held = ended("compromise", ARCHIVE, compromised_since=theft)
        keys: list[Any] = held["keys"]
        keys.append({**keys[1], "statement": b"f" * 32, "key_id": other, "signer": b"k" * 32})
        keys.append({**keys[0], "key": {"id": other}, "kid": b"x" * 32})
        signer = signer_of_custodian(held, METHOD, NOW, CLOSED, NOW)
        assert [one["code"] for one in signer.reasons] == ["key_in_doubt"]


def test_a_record_is_read_back_from_a_nodes_answer() -> None:
    held = ended("compromise", compromised_since=NOW)
    assert issuer_record_of(plain(held)) == held


@pytest.mark.parametrize(
    "spoil",
    [
        lambda view: view.pop("stated"),
        lambda view: view.update(stated=7),
        lambda view: view.update(keys=["x"]),
        lambda view: view.update(id=None),
        lambda view: view["stated"][0].update(iat="yesterday"),
        lambda view: view["stated"][0].update(via="zz"),
        lambda view: view["stated"][0].update(after=[1]),
        lambda view: view["stated"][0].update(facts=None),
        lambda view: view["keys"][0].pop("key"),
        lambda view: view["keys"][0].update(op="retire"),
        lambda view: view["keys"][0].update(statement=5),
    ],
)
def test_a_nodes_answer_that_shows_no_record_is_none(spoil: Callable[[Any], Any]) -> None:
    view = plain(record())
    spoil(view)
    assert issuer_record_of(view) is None
