"""A credential's own status: revoked or not, by a list that proves itself; a list that lies is not believed."""

import gzip
import tracemalloc
from typing import Any

import pytest

from accredit.cli.credentials.keys import IssuerKeys
from accredit.cli.credentials.status import LIST_BYTES_MAX
from tests.cli.credentials.conftest import Checker, outcome
from tests.strategies.credentials import LIST_URL, Issuer, Json, base64url, open_badge, status_entry, status_list

SCHOOL = Issuer.of("school")
OTHER = Issuer.of("other")


def badge(*entries: Json) -> Json:
    return SCHOOL.signed(open_badge(SCHOOL, credentialStatus=list(entries)))


def status(checked: Checker, file: Json, *lists: Json, **more: Any) -> tuple[str, str]:
    [found] = checked(file, lists={f"list{number}": one for number, one in enumerate(lists)}, **more)
    return outcome(found, "status")


def packed(bits: bytes) -> str:
    return "u" + base64url(gzip.compress(bits, mtime=0))


@pytest.mark.parametrize("suite", ["eddsa-rdfc-2022", "eddsa-jcs-2022"])
def test_the_bit_of_this_credential_decides_and_no_other(checked: Checker, suite: str) -> None:
    for revoked, found in (
        ((7,), ("failed", "revoked")),
        ((6, 8), ("passed", "not_revoked")),
        ((), ("passed", "not_revoked")),
    ):
        assert status(checked, badge(status_entry(7)), SCHOOL.signed(status_list(SCHOOL, revoked), suite)) == found


def test_a_suspended_credential_is_told_from_a_revoked_one(checked: Checker) -> None:
    held = SCHOOL.signed(status_list(SCHOOL, [7], purpose="suspension"))
    assert status(checked, badge(status_entry(7, "suspension")), held) == ("failed", "suspended")


def test_each_of_several_entries_must_be_good(checked: Checker) -> None:
    file = badge(status_entry(7), status_entry(9))
    assert status(checked, file, SCHOOL.signed(status_list(SCHOOL, [9]))) == ("failed", "revoked")
    assert status(checked, file, SCHOOL.signed(status_list(SCHOOL, [8]))) == ("passed", "not_revoked")


def test_without_a_status_it_cannot_be_revoked(checked: Checker) -> None:
    assert status(checked, badge()) == ("passed", "no_status")


def test_a_list_that_is_not_at_hand_is_said_and_never_taken_for_good(checked: Checker) -> None:
    [found] = checked(badge(status_entry()))
    assert (found.verdict, found.cause.code) == ("indeterminate", "status_list_missing")
    assert LIST_URL in found.cause.text
    assert "--fetch" in found.cause.hint


LIES: dict[str, tuple[Any, tuple[str, str]]] = {
    "it is not signed": (status_list(SCHOOL), ("not_done", "unsigned_status_list")),
    "it was changed": (
        {**SCHOOL.signed(status_list(SCHOOL)), "validFrom": "2020-01-01T00:00:00Z"},
        ("not_done", "unsigned_status_list"),
    ),
    "another issuer made it": (OTHER.signed(status_list(OTHER)), ("not_done", "anothers_status_list")),
    "another signed it": (OTHER.signed(status_list(SCHOOL)), ("not_done", "unsigned_status_list")),
    "it is about another address": (
        SCHOOL.signed(status_list(SCHOOL, id="https://school.example/status/2")),
        ("not_done", "status_list_missing"),
    ),
    "it is no status list": (
        SCHOOL.signed(status_list(SCHOOL, type=["VerifiableCredential"])),
        ("not_done", "not_a_status_list"),
    ),
    "it has expired": (
        SCHOOL.signed(status_list(SCHOOL, validUntil="2025-01-01T00:00:00Z")),
        ("not_done", "status_list_dates"),
    ),
    "it is not valid yet": (
        SCHOOL.signed(status_list(SCHOOL, validFrom="2030-01-01T00:00:00Z")),
        ("not_done", "status_list_dates"),
    ),
    "it is about something else": (
        SCHOOL.signed(status_list(SCHOOL, purpose="suspension")),
        ("not_done", "status_purpose"),
    ),
    "it is shorter than the entry says": (SCHOOL.signed(status_list(SCHOOL, size=64)), ("passed", "not_revoked")),
    "it ends before the entry": (SCHOOL.signed(status_list(SCHOOL, size=0)), ("not_done", "status_list_too_short")),
    "its bits are no bits": (SCHOOL.signed(status_list(SCHOOL, encoded="u!!!")), ("not_done", "bad_status_list")),
    "its bits are not packed": (SCHOOL.signed(status_list(SCHOOL, encoded="uAAAA")), ("not_done", "bad_status_list")),
    "its bits are cut off": (
        SCHOOL.signed(status_list(SCHOOL, encoded=packed(bytes(range(256)) * 64)[:-40])),
        ("not_done", "bad_status_list"),
    ),
    "more follows its bits": (
        SCHOOL.signed(status_list(SCHOOL, encoded="u" + base64url(gzip.compress(bytes(16_384)) * 2))),
        ("not_done", "bad_status_list"),
    ),
    "it lies about its length": (
        SCHOOL.signed(
            status_list(
                SCHOOL,
                encoded="u" + base64url(gzip.compress(bytes(16_384), mtime=0)[:-4] + (2**31).to_bytes(4, "little")),
            )
        ),
        ("not_done", "bad_status_list"),
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_list_that_lies_is_not_believed(checked: Checker, lie: str) -> None:
    made, found = LIES[lie]
    assert status(checked, badge(status_entry(7)), made) == found


def test_a_list_that_unpacks_to_gigabytes_is_refused_and_takes_no_memory(checked: Checker) -> None:
    bomb = SCHOOL.signed(status_list(SCHOOL, encoded=packed(bytes(8 * LIST_BYTES_MAX))))
    file = badge(status_entry(7))
    tracemalloc.start()
    try:
        assert status(checked, file, bomb) == ("not_done", "status_list_bomb")
        assert tracemalloc.get_traced_memory()[1] < 4 * LIST_BYTES_MAX
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("index", ["-1", "1.5", "x", "", "9" * 13, "\u0667"])
def test_a_place_that_is_no_number_is_refused(checked: Checker, index: str) -> None:
    assert status(checked, badge(status_entry(index)), SCHOOL.signed(status_list(SCHOOL))) == ("failed", "bad_status")


def test_a_place_beyond_the_list_is_undecided(checked: Checker) -> None:
    assert status(checked, badge(status_entry(131_072)), SCHOOL.signed(status_list(SCHOOL))) == (
        "not_done",
        "status_list_too_short",
    )


@pytest.mark.parametrize("members", [{"statusSize": 2}, {"statusPurpose": "message"}])
def test_a_status_that_says_something_else_is_undecided(checked: Checker, members: Json) -> None:
    assert status(checked, badge(status_entry(7, **members)), SCHOOL.signed(status_list(SCHOOL))) == (
        "not_done",
        "status_purpose",
    )


def test_a_list_that_was_handed_over_says_of_which_day_it_is(checked: Checker) -> None:
    """It may be from before the revocation."""
    badge = SCHOOL.signed(open_badge(SCHOOL, credentialStatus=status_entry(7)))
    made = SCHOOL.signed(status_list(SCHOOL, validFrom="2025-03-04T00:00:00Z"))
    for words, text in (
        ({"lists": {"list.json": made}}, "By its issuer's list of 2025-03-04 it still stands."),
        ({"fetched": {LIST_URL: made}}, "By its issuer's list it still stands."),
    ):
        [found] = checked(badge, **words)
        assert next(check.text for check in found.checks if check.name == "status") == text


def test_whoever_has_the_address_of_a_list_neither_revokes_nor_restores_a_credential(checked: Checker) -> None:
    """The site of a school that closed can be anybody's: who signed counts, and not where it stood."""
    for revoked in ([7], []):
        made = OTHER.signed(status_list(OTHER, revoked))
        file = badge(status_entry(7))
        assert status(checked, file, made) == ("not_done", "anothers_status_list")
        assert status(checked, file, fetched={LIST_URL: made}) == ("not_done", "anothers_status_list")


def test_the_list_of_another_issuer_counts_where_it_is_allowed_and_its_key_is_known(checked: Checker) -> None:
    made = OTHER.signed(status_list(OTHER, [7]))
    allowed: dict[str, Any] = {"others": [OTHER.id], "fetched": {LIST_URL: made}}
    assert status(checked, badge(status_entry(7)), **allowed) == ("failed", "revoked")
    website = Issuer.of("website", "did:web:lists.example")
    signed = website.signed(status_list(website, [7]))
    allowed = {"others": [website.id], "fetched": {LIST_URL: signed}}
    assert status(checked, badge(status_entry(7)), **allowed) == ("not_done", "unsigned_status_list")
    document = {
        "id": website.id,
        "assertionMethod": [{"id": website.method, "publicKeyMultibase": website.pinned["public_key_multibase"]}],
    }
    keys = {website.id: IssuerKeys(document=document)}
    assert status(checked, badge(status_entry(7)), **allowed, keys=keys) == ("failed", "revoked")


@pytest.mark.parametrize("code", ["key_unknown", "key_retired", "key_expired", "key_compromised", "key_unanchored"])
def test_a_list_signed_with_a_key_that_the_registry_refuses_is_not_relied_on(checked: Checker, code: str) -> None:
    made = SCHOOL.signed(status_list(SCHOOL))
    reasons = [{"code": code, "text": "The key did not count then."}]
    [found] = checked(badge(status_entry(7)), lists={"list.json": made}, reasons=reasons)
    assert outcome(found, "status") == ("not_done", "unsigned_status_list")
    assert "The key did not count then." in found.cause.text
    beside = [{"code": "achievement_types_not_covered", "text": "Not this type."}]
    assert status(checked, badge(status_entry(7)), made, reasons=beside) == ("passed", "not_revoked")


def test_a_thief_of_a_key_does_not_undo_a_revocation_with_a_list_that_is_dated_back(checked: Checker) -> None:
    made = SCHOOL.signed(status_list(SCHOOL, validFrom="2024-06-02T00:00:00Z"))
    keys = {SCHOOL.id: IssuerKeys(stolen=[SCHOOL.method], asked=True)}
    assert status(checked, badge(status_entry(7)), made, keys=keys) == ("not_done", "unsigned_status_list")


def test_a_list_that_cannot_be_read_does_not_stand_in_the_way_of_one_that_can(checked: Checker) -> None:
    good = SCHOOL.signed(status_list(SCHOOL))
    assert status(checked, badge(status_entry(7)), {"nothing": 1}, good) == ("passed", "not_revoked")
    assert status(checked, badge(status_entry(7)), {"nothing": 1}) == ("not_done", "status_list_missing")


@pytest.mark.parametrize(
    ("older", "newer", "expected"),
    [([], [7], ("failed", "revoked")), ([7], [], ("passed", "not_revoked"))],
    ids=["revoked since", "restored since"],
)
def test_the_newest_of_several_lists_decides_wherever_an_older_one_comes_from(
    checked: Checker, older: list[int], newer: list[int], expected: tuple[str, str]
) -> None:
    """Whoever has the address of a school that closed can still serve an old list that the school signed."""
    old, new = (
        SCHOOL.signed(status_list(SCHOOL, places, validFrom=f"{year}-01-01T00:00:00Z"))
        for places, year in ((older, 2024), (newer, 2026))
    )
    file = badge(status_entry(7))
    assert status(checked, file, old, new) == expected
    assert status(checked, file, new, old) == expected
    assert status(checked, file, new, fetched={LIST_URL: old}) == expected
    assert status(checked, file, old, fetched={LIST_URL: new}) == expected


@pytest.mark.parametrize(
    ("own", "kept", "again", "expected"),
    [
        ([], [7], None, ("failed", "revoked")),
        ([7], [], None, ("failed", "revoked")),
        ([], [7], [], ("passed", "not_revoked")),
        ([], [], [], ("passed", "not_revoked")),
    ],
    ids=["revoked by the custodian", "by the issuer", "restored by the custodian", "never"],
)
def test_whoever_has_the_key_of_a_school_that_closed_undoes_no_revocation_by_its_custodian(
    checked: Checker, own: list[int], kept: list[int], again: list[int] | None, expected: tuple[str, str]
) -> None:
    lists = [
        issuer.signed(status_list(issuer, places, validFrom=f"{date}T00:00:00Z"))
        for issuer, places, date in (
            (SCHOOL, own, "2026-06-01"),
            (OTHER, kept, "2026-01-01"),
            (OTHER, again, "2026-03-01"),
        )
        if places is not None
    ]
    for some in (lists, lists[::-1]):
        assert status(checked, badge(status_entry(7)), *some, custodians={OTHER.id: "Archive"}) == expected


def test_a_list_that_does_not_count_does_not_stand_in_the_way_of_one_that_does(checked: Checker) -> None:
    """Whoever has the address now serves a list of their own; the school's own is at hand as a file."""
    squatted = OTHER.signed(status_list(OTHER, [7]))
    good = SCHOOL.signed(status_list(SCHOOL))
    assert status(checked, badge(status_entry(7)), good, fetched={LIST_URL: squatted}) == ("passed", "not_revoked")


def test_a_genuine_list_of_another_address_does_not_take_its_place(checked: Checker) -> None:
    """An issuer has several lists; a holder who hands over another of them could undo a revocation."""
    other = SCHOOL.signed(status_list(SCHOOL, id="https://school.example/status/2"))
    assert status(checked, badge(status_entry(7)), other) == ("not_done", "status_list_missing")
