"""Who an issuer is: shapes, records, and the keys that are pinned for it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.decision.issuer_keys import KeyState, key_at
from accredit.registry.domain import issuers
from accredit.registry.domain.record_types import IssuerRecord
from accredit.registry.domain.records import standing
from accredit.registry.encoding.cbor import decode, encode
from accredit.registry.encoding.ed25519 import key_id, public_of
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.errors import DecodeError
from tests.strategies import domain
from tests.strategies.domain import COLLEGE, HLC, NOW, STATE, at, effective, key_text, seed_of
from tests.strategies.searching import SOME

K1 = f"{COLLEGE}#k1"

NEW = CanonicalId("https://new.example/")


def register(**members: Any) -> dict[str, Any]:
    return {"id": COLLEGE, "name": "Example College", **members}


def test_a_full_registration_is_accepted() -> None:
    issuers.check_register(
        register(
            also_known_as=["https://college.example/issuer"],
            legal_name="Example College, Inc.",
            url="https://college.example/",
            image="https://college.example/logo.png",
            categories=["community_college"],
            sector="public",
            role="primary_source",
            learning_modes=["degree_based", "skills_based"],
            jurisdictions=["US-IN"],
            identifiers=[
                {"scheme": "ctid", "value": "ce-2b3c4d5e-0000-4000-8000-0123456789ab"},
                {"scheme": "ror", "value": "042nb2s44"},
                {"scheme": "opeid", "value": "00123400"},
            ],
            keys=[{"id": K1, "public_key_multibase": key_text("one"), "valid_from": 0, "valid_until": 1}],
            status_methods=["BitstringStatusListEntry"],
            parent="did:web:system.example",
            predecessors=["did:web:old.example"],
            custodian_for=["did:web:closed.example"],
            outcomes_dataset="https://college.example/outcomes.csv",
            learner_contact="mailto:registrar@college.example",
            ext={"anything": [1]},
        )
    )


@given(domain.registrations)
def test_every_registration_we_can_make_is_well_formed(body: dict[str, Any]) -> None:
    issuers.check_register(body)
    assert decode(encode(body)) == body


@pytest.mark.parametrize(
    ("members", "where", "code"),
    [
        ({"id": "DID:web:college.example"}, "body.id", "not_canonical"),
        ({"id": "urn:example:college"}, "body.id", "identifier_scheme"),
        ({"categories": ["university"]}, "body.categories[0]", "bad_member"),
        ({"nmae": "x"}, "body", "unknown_member"),
        ({"also_known_as": [COLLEGE]}, "body.also_known_as", "bad_member"),
        ({"parent": COLLEGE}, "body.parent", "bad_member"),
        ({"identifiers": [{"scheme": "ctid", "value": "CE-1"}]}, "body.identifiers[0].value", "bad_member"),
        ({"keys": [{"id": K1}]}, "body.keys[0]", "bad_member"),
        ({"keys": [{"id": "k1", "public_key_multibase": key_text("one")}]}, "body.keys[0].id", "bad_member"),
        ({"keys": [{"id": f"{COLLEGE}#k 1", "jwk": {"kty": "EC"}}]}, "body.keys[0].id", "bad_member"),
        ({"keys": [{"id": K1, "public_key_multibase": "hello"}]}, "body.keys[0].public_key_multibase", "bad_member"),
        ({"keys": [{"id": K1, "public_key_multibase": "z6Mk!!"}]}, "body.keys[0].public_key_multibase", "not_a_key"),
        ({"keys": [{"id": K1, "jwk": {"crv": "P-256"}}]}, "body.keys[0].jwk", "missing_member"),
        (
            {"keys": [{"id": K1, "public_key_multibase": key_text("one"), "jwk": {"kty": "OKP"}}]},
            "body.keys[0]",
            "bad_member",
        ),
        (
            {"keys": [{"id": K1, "public_key_multibase": key_text("one"), "valid_from": 5, "valid_until": 5}]},
            "body.keys[0].valid_until",
            "never_valid",
        ),
    ],
)
def test_a_slip_in_a_registration_is_refused_where_it_is(members: Any, where: str, code: str) -> None:
    with pytest.raises(DecodeError) as caught:
        issuers.check_register(register(**members))
    assert (caught.value.where, caught.value.code) == (where, code)


@pytest.mark.parametrize("member", ["d", "k", "p", "oth"])
def test_a_private_key_pasted_into_a_registration_is_refused_and_said_to_be_burnt(member: str) -> None:
    jwk = {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA", member: "AAAA"}
    with pytest.raises(DecodeError, match="replace this key") as caught:
        issuers.check_register(register(keys=[{"id": K1, "jwk": jwk}]))
    assert caught.value.code == "secret_key"


def test_only_an_ed25519_key_can_be_handed_a_budget_to_speak_for_itself() -> None:
    issuers.check_register(register(keys=[{"id": K1, "public_key_multibase": key_text("one"), "budget": 100}]))
    with pytest.raises(DecodeError) as caught:
        issuers.check_register(register(keys=[{"id": K1, "jwk": {"kty": "EC"}, "budget": 100}]))
    assert caught.value.where == "body.keys[0].budget"


def test_keys_of_other_kinds_are_kept_as_they_are() -> None:
    jwk = {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA", "x5c": ["AAAA"]}
    p256 = "zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv"
    body = register(keys=[{"id": K1, "jwk": jwk}, {"id": f"{COLLEGE}#k2", "public_key_multibase": p256}])
    issuers.check_register(body)
    record = issuers.reduce(COLLEGE, [effective("issuer.register", body)], {})
    assert record is not None
    assert [key["key"] for key in record["keys"] if key["op"] == "add"] == body["keys"]
    assert all("kid" not in key for key in record["keys"])


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"op": "add"}, "missing_member"),
        ({"op": "retire"}, "missing_member"),
        ({"op": "compromise", "key_id": K1, "valid_until": 1}, "unknown_member"),
        ({"op": "retire", "key_id": K1, "compromised_since": 1}, "unknown_member"),
        ({"op": "rotate", "key_id": K1}, "bad_member"),
    ],
)
def test_a_key_statement_says_what_belongs_to_it(members: Any, code: str) -> None:
    with pytest.raises(DecodeError) as caught:
        issuers.check_key({"issuer": COLLEGE, **members})
    assert caught.value.code == code


def test_an_update_needs_the_statements_it_follows() -> None:
    with pytest.raises(DecodeError, match="after"):
        issuers.check_update(register())
    issuers.check_update(register(after=[bytes(32)]))


# ------------------------------------------------------------------------------------------------ records


def test_nothing_said_makes_no_record_and_an_accreditation_alone_makes_one() -> None:
    assert issuers.reduce(COLLEGE, [], {}) is None
    record = issuers.reduce(COLLEGE, [], {b"b" * 32: b"2" * 32, b"a" * 32: b"1" * 32})
    listed = [[b"a" * 32, b"1" * 32], [b"b" * 32, b"2" * 32]]
    assert record == IssuerRecord(id=COLLEGE, stated=[], keys=[], accreditations=listed)
    assert issuers.name_of(record) is None


def test_an_update_takes_the_place_of_what_it_names_and_of_nobody_elses_word() -> None:
    mine = effective("issuer.register", register(), by=HLC)
    theirs = effective("issuer.register", register(name="The College"), by=STATE)
    update = effective(
        "issuer.update",
        register(name="New Name", after=[mine.statement.id, theirs.statement.id]),
        by=HLC,
    )
    record = issuers.reduce(COLLEGE, [mine, theirs, update], {})
    assert record is not None
    assert {fact["facts"]["name"] for fact in standing(record["stated"])} == {"New Name", "The College"}
    assert issuers.name_of(record, [(HLC, None)]) == "New Name"
    assert issuers.name_of(record, [(STATE, None)]) == "The College"
    assert issuers.name_of(record, [("did:web:nobody.example", None)]) in ("New Name", "The College")


def test_an_update_that_leaves_a_key_out_does_not_end_it() -> None:
    first = effective("issuer.register", register(keys=[{"id": K1, "public_key_multibase": key_text("one")}]))
    update = effective("issuer.update", register(after=[first.statement.id]))
    record = issuers.reduce(COLLEGE, [first, update], {})
    assert record is not None
    (kept,) = record["keys"]
    assert kept["op"] == "add"
    assert (kept["key"]["id"], kept["kid"]) == (K1, key_id(public_of(seed_of("one"))))


def test_aliases_come_from_standing_facts_only() -> None:
    first = effective("issuer.register", register(also_known_as=["https://old.example/", "https://other.example/"]))
    update = effective("issuer.update", register(also_known_as=["https://new.example/"], after=[first.statement.id]))
    assert issuers.aliases([first]) == ["https://old.example/", "https://other.example/"]
    assert issuers.aliases([first, update]) == ["https://new.example/"]
    assert issuers.aliases([]) == []
    assert issuers.reduce_alias(NEW, [COLLEGE, COLLEGE]) == {
        "id": "https://new.example/",
        "issuers": [COLLEGE],
    }
    assert issuers.reduce_alias(NEW, []) is None


@pytest.mark.no_cover
@SOME
@given(st.lists(domain.registrations, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_the_record_does_not_depend_on_the_order_of_arrival(bodies: list[Any], random: Any) -> None:
    facts = [
        effective("issuer.register", body, by=by) for body, by in zip(bodies, (HLC, STATE, HLC, STATE), strict=False)
    ]
    facts.append(effective("issuer.key", {"issuer": COLLEGE, "op": "retire", "key_id": K1}))
    arrived = [*facts, *facts]
    random.shuffle(arrived)
    assert encode(issuers.reduce(COLLEGE, arrived, {})) == encode(issuers.reduce(COLLEGE, facts, {}))


# ------------------------------------------------------------------------------------------------ pinned keys

KEY: dict[str, Any] = {"id": K1, "public_key_multibase": key_text("one")}


def ask_key(*said: Any, asked: str = K1, time: int = NOW, counting: tuple[str, ...] = (HLC,)) -> KeyState:
    record = issuers.reduce(COLLEGE, said, {})
    assert record is not None
    return key_at(record, asked, time, max(time, NOW), lambda one: one["by"] in counting).state


def pin(by: CanonicalId = HLC, **members: Any) -> Any:
    return effective("issuer.register", register(keys=[{**KEY, **members}]), by=by)


def end(op: str, *, by: CanonicalId = HLC, key: str | None = None, iat: int = NOW, **members: Any) -> Any:
    return effective("issuer.key", {"issuer": COLLEGE, "op": op, "key_id": K1, **members}, by=by, key=key, iat=iat)


@pytest.mark.parametrize("asked", [K1, key_text("one"), f"did:key:{key_text('one')}", f"did:key:{key_text('one')}#x"])
def test_a_key_is_known_by_its_id_or_by_itself(asked: str) -> None:
    assert ask_key(pin(), asked=asked) is KeyState.GOOD


@pytest.mark.parametrize("asked", [f"{COLLEGE}#k2", f"did:web:evil.example#{key_text('one')}", key_text("two")])
def test_a_key_that_only_looks_alike_is_unknown(asked: str) -> None:
    assert ask_key(pin(), asked=asked) is KeyState.KEY_UNKNOWN


def test_a_key_pinned_by_somebody_whose_word_does_not_count_is_not_pinned() -> None:
    assert ask_key(pin(by=STATE)) is KeyState.NO_PINNED_KEYS
    assert ask_key(pin(by=STATE), counting=(HLC, STATE)) is KeyState.GOOD


def test_a_key_is_good_in_its_window_only() -> None:
    window = pin(valid_from=at("2020-01-01"), valid_until=at("2021-01-01"))
    assert ask_key(window, time=at("2019-12-31")) is KeyState.KEY_NOT_YET_VALID
    assert ask_key(window, time=at("2020-01-01")) is KeyState.GOOD
    assert ask_key(window, time=at("2021-01-01")) is KeyState.KEY_EXPIRED


def test_a_retired_key_is_good_for_what_it_signed_before() -> None:
    said = (pin(), end("retire", valid_until=at("2021-01-01")))
    assert ask_key(*said, time=at("2020-12-31")) is KeyState.GOOD
    assert ask_key(*said, time=at("2021-01-01")) is KeyState.KEY_RETIRED
    assert ask_key(pin(), end("retire", iat=at("2022-01-01")), time=at("2022-01-01")) is KeyState.KEY_RETIRED


def test_a_compromised_key_is_bad_since_then_and_altogether_if_nobody_says_since_when() -> None:
    said = (pin(), end("compromise", compromised_since=at("2021-01-01")))
    assert ask_key(*said, time=at("2020-12-31")) is KeyState.GOOD
    assert ask_key(*said, time=at("2021-01-01")) is KeyState.KEY_COMPROMISED
    assert ask_key(pin(), end("compromise"), time=at("2000-01-01")) is KeyState.KEY_COMPROMISED
    assert ask_key(pin(), end("compromise"), asked=key_text("one")) is KeyState.KEY_COMPROMISED


def test_the_issuer_ends_its_own_key_and_a_stranger_does_not() -> None:
    assert ask_key(pin(), end("compromise", by=COLLEGE, key="one")) is KeyState.KEY_COMPROMISED
    assert ask_key(pin(), end("compromise", by=COLLEGE, key="two")) is KeyState.GOOD
    assert ask_key(pin(), end("compromise", by=STATE)) is KeyState.GOOD


def test_the_issuer_cannot_add_a_key_by_itself() -> None:
    added = effective("issuer.key", {"issuer": COLLEGE, "op": "add", "key": KEY}, by=COLLEGE)
    assert ask_key(added) is KeyState.NO_PINNED_KEYS
    assert ask_key(effective("issuer.key", {"issuer": COLLEGE, "op": "add", "key": KEY})) is KeyState.GOOD
