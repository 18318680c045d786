"""Every public fixture at hand gets the verdict that can be defended.

The registry of this table trusts every issuer, so that what the credentials themselves say decides. What the issuers'
own sites say is taken from the copies beside the fixtures, as `--fetch` would have got it.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from accredit.cli.credentials.keys import IssuerKeys
from accredit.registry.errors import DecodeError
from tests.cli.credentials.conftest import Checker
from tests.shared_data import shared_data

DIDS = "did:web:digitalcredentials.github.io:vc-test-fixtures:dids:"
LISTS = "https://digitalcredentials.github.io/vc-test-fixtures/statusLists/didkey-ed25519Signature2020/"

EXPECTED = {
    # What a name of a fixture says, and the verdict and cause that follow. The first that fits counts.
    "tampered": ("not_accepted", "bad_signature"),
    "notYetValid": ("not_accepted", "not_yet_valid"),
    "expired": ("not_accepted", "expired"),
    "revokedStatus": ("not_accepted", "revoked"),
    "revokedStaus": ("not_accepted", "revoked"),  # as the file is called
    "minimal": ("indeterminate", "no_date"),
    "employ/signed": ("indeterminate", "context_unknown"),
    "employmentAuth": ("indeterminate", "context_unknown"),
    "w3c-eddsa/eddsa-jcs-2022/signed": ("indeterminate", "context_unknown"),
    "w3c-eddsa": ("indeterminate", "context_unknown"),
    "": ("accepted", "trusted"),
}
NO_CREDENTIALS = ("did.json", "proofConfig", "keyPair", ".svg")
"""DID documents, parts of vectors, and a picture that shows a badge and does not carry it."""


def fixtures() -> list[Path]:
    folder = shared_data("credentials")
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".txt"]


def supplies() -> dict[str, Any]:
    folder = shared_data("credentials", "open-badges")
    keys = {
        DIDS + name: IssuerKeys(document=json.loads((folder / "dids" / name / "did.json").read_text()))
        for name in ("oidf", "legacy")
    }
    lists = {LISTS + path.name: path.read_bytes() for path in (folder / "statusLists").rglob("*") if path.is_file()}
    others = {json.loads(one)["issuer"] for one in lists.values()}
    return {"keys": keys, "fetched": lists, "others": sorted(others)}


def test_every_fixture_has_its_verdict(checked: Checker) -> None:
    given, told = supplies(), {}
    for path in fixtures():
        name = path.relative_to(shared_data("credentials")).as_posix()
        if any(word in name for word in NO_CREDENTIALS):
            with pytest.raises(DecodeError) as caught:
                checked(path.read_bytes(), **given)
            assert caught.value.code == "no_credential", name
            continue
        [found] = checked(path.read_bytes(), **given)
        wanted = next(value for word, value in EXPECTED.items() if word in name)
        told[name] = (str(found.verdict), found.cause.code)
        assert told[name] == wanted, (name, found.cause.text)
    assert len(told) >= 55
    assert sum(verdict == "accepted" for verdict, _ in told.values()) >= 25


def test_the_list_of_a_status_service_counts_only_where_the_verifier_allows_it(checked: Checker) -> None:
    """The fixtures' lists are another issuer's. Their own issuer names the address, and no more than that."""
    folder = shared_data("credentials", "open-badges")
    badge = (folder / "v1" / "dataIntegrityProof" / "didKey" / "mixedRegistry-validStatus-noExpiry.json").read_bytes()
    [found] = checked(badge, **{**supplies(), "others": []})
    assert (found.verdict, found.cause.code) == ("indeterminate", "anothers_status_list")
    assert "--status-issuer" in found.cause.hint
    [found] = checked(badge, **supplies())
    assert found.verdict == "accepted"


def test_a_status_list_that_is_handed_over_must_be_about_the_address_that_is_named(checked: Checker) -> None:
    folder = shared_data("credentials", "open-badges")
    badge = (folder / "v1" / "dataIntegrityProof" / "didKey" / "mixedRegistry-validStatus-noExpiry.json").read_bytes()
    path = folder / "statusLists" / "didkey-ed25519Signature2020" / "e5WK8CbZ1GjycuPombrj"
    [found] = checked(badge, lists={"handed": path.read_bytes()})
    assert (found.verdict, found.cause.code) == ("indeterminate", "status_list_missing")


def test_an_achievement_without_a_type_is_undecided_where_the_registry_covers_some_types(checked: Checker) -> None:
    folder = shared_data("credentials", "open-badges", "v2")
    badge = (folder / "legacyRegistry-noStatus-noExpiry-alignments.json").read_bytes()
    reasons = [{"code": "achievement_types_not_asked", "text": "It covers only some achievement types."}]
    decision = {"authorized": True, "verdict": "trusted_with_advisory", "reasons": reasons}
    [found] = checked(badge, decision=decision)
    assert (found.verdict, found.cause.code) == ("indeterminate", "achievement_type_missing")
    assert "achievementType" in found.cause.text
    assert found.question is not None
    assert found.question["competencies"]
