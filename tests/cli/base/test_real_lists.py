"""Closed lists are checked against the real list before anything is signed: a statement is for good."""

from typing import Any

import pytest

from accredit.cli.base import documents
from accredit.cli.base.real_lists import check_real_lists
from accredit.registry.encoding.ed25519 import multibase, public_of
from accredit.registry.errors import DecodeError
from tests.strategies import bodies

GRANT = {
    "issuer": "did:web:uni.example",
    "kind": "accredit",
    "level": "institutional",
    "valid_from": "2015-01-01",
    "scope": {"achievement_types": ["Degree"], "credential_types": "*", "jurisdictions": ["GB"]},
}
P256 = "zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169"


def grant(**scope: Any) -> dict[str, Any]:
    return {**GRANT, "scope": {**GRANT["scope"], **scope}}  # type: ignore[dict-item]


def test_a_grant_for_a_place_that_exists_is_taken() -> None:
    assert documents.to_body("accreditation.grant", grant(jurisdictions=["GB", "US-IN"]), "grant.toml")
    assert documents.to_body("accreditation.grant", grant(jurisdictions="*"), "grant.toml")


@pytest.mark.parametrize(
    ("scope", "place", "meant"),
    [
        ({"jurisdictions": ["GB", "UK"]}, "scope.jurisdictions[1]", "GB"),
        ({"jurisdictions": ["US-INDIANA"]}, "scope.jurisdictions[0]", "US-IN"),
        ({"jurisdictions": ["EL"]}, "scope.jurisdictions[0]", "GR"),
        ({"achievement_types": ["BachelorsDegree"]}, "scope.achievement_types[0]", "BachelorDegree"),
    ],
)
def test_a_grant_for_what_does_not_exist_is_not_signed(scope: dict[str, Any], place: str, meant: str) -> None:
    with pytest.raises(DecodeError) as refused:
        documents.to_body("accreditation.grant", grant(**scope), "grant.toml")
    assert refused.value.message.startswith(f"grant.toml: {place}: ")
    assert f"Did you mean {meant}?" in refused.value.hint


def key(text: str) -> dict[str, Any]:
    return bodies.register(keys=[{"id": "did:web:uni.example#1", "public_key_multibase": text}])


@pytest.mark.parametrize("good", [multibase(public_of(bytes(range(32)))), P256])
def test_keys_of_known_kinds_are_taken(good: str) -> None:
    check_real_lists(key(good))


@pytest.mark.parametrize(
    "bad",
    [
        P256[:-4],
        "z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc",
        "zQmYwAPJzv5CZsnAzt8auVZRn1",
        "mAQIDBAUGBwgJ",
        "z0OIl",
    ],
)
def test_a_key_that_nobody_can_verify_with_is_not_signed(bad: str) -> None:
    with pytest.raises(DecodeError) as refused:
        check_real_lists(key(bad))
    assert refused.value.where == "keys[0].public_key_multibase"
    assert refused.value.hint
