"""Places in words: a jurisdiction only where it is certain, because accreditations hold or do not hold by it."""

import pytest

from accredit.node.places import check_place, is_whole, jurisdiction
from accredit.registry.errors import DecodeError


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ("Cambridge, MA, USA", "US-MA"),
        ("AZ, USA", "US-AZ"),
        ("Boston, Massachusetts, United States", "US-MA"),
        ("Washington, D.C., USA", "US-DC"),
        ("Washington, D.C.", "US-DC"),
        ("USA", "US"),
        ("New York - Massachusetts, USA", "US"),
        ("Hamilton, ON, Canada", "CA-ON"),
        ("Gatineau, Québec, Canada", "CA-QC"),
        ("Monterrey, Nuevo León, México", "MX"),
        ("Munich, Germany", "DE"),
        ("Oslo, Norway", "NO"),
        ("Budapest, Hungary", "HU"),
        ("Kyiv, Ukraine", "UA"),
        ("Beijing, China", "CN"),
        ("Hanoi, Vietnam", "VN"),
        ("Hong Kong", "HK"),
        ("London, England", "GB-ENG"),
        ("Cardiff, Wales, UK", "GB"),
        ("Cambridge, MA, US", "US-MA"),
        ("US-MA", "US-MA"),
        ("Abidjan, Côte d'Ivoire", "CI"),
        ("Istanbul, Türkiye", "TR"),
        ("Seoul, KOR", "KR"),
        ("Pristina, Kosovo", "XK"),
        ("Berlin, DE", None),
        ("Toronto, CA", None),
        ("Providence, RI", None),
        ("Gary, IN", None),
        ("Chapel Hill, NC, UCA", None),
        ("Worldwide", None),
        (",", None),
    ],
)
def test_a_place_is_mapped_where_its_country_is_named(place: str, code: str | None) -> None:
    assert jurisdiction(place) == code
    if code is not None:
        check_place(code, "code")


def test_a_state_that_was_not_recognised_is_told_from_a_country_without_states_here() -> None:
    assert not is_whole("Massachussetts, USA", "US")
    assert is_whole("USA", "US")
    assert is_whole("Munich, Germany", "DE")
    assert is_whole("Boston, MA, USA", "US-MA")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("UK", "GB"),
        ("EL", "GR"),
        ("us", "US"),
        ("us-in", "US-IN"),
        ("US_IN", "US-IN"),
        ("USA", "US"),
        ("Germany", "DE"),
        ("Germny", "DE"),
        ("US-INDIANA", "US-IN"),
        ("Indiana, USA", "US-IN"),
        ("England", "GB-ENG"),
    ],
)
def test_a_code_that_does_not_exist_is_refused_with_the_one_that_was_meant(written: str, meant: str) -> None:
    with pytest.raises(DecodeError) as refused:
        check_place(written, "jurisdiction")
    assert refused.value.code == "unknown_place"
    assert f"Did you mean {meant}?" in refused.value.hint
    check_place(meant, "jurisdiction")


@pytest.mark.parametrize("written", ["ZZ", "US-ZZ", "US-IN, US-OH", "EU", "", "Atlantis", "US-IN-", 7, None])
def test_a_place_that_nobody_knows_is_refused_without_a_guess(written: object) -> None:
    with pytest.raises(DecodeError) as refused:
        check_place(written, "jurisdiction")
    assert "Did you mean" not in refused.value.hint
    assert refused.value.hint


@pytest.mark.parametrize("code", ["US", "US-IN", "US-IN-MARION", "GB-ENG", "XK", "DE-BY", "IN"])
def test_assigned_codes_and_parts_of_them_are_places(code: str) -> None:
    check_place(code, "jurisdiction")
