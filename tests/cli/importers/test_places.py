"""Places in words: a jurisdiction only where it is certain, because accreditations hold or do not hold by it."""

import pytest

from accredit.cli.importers.places import is_whole, jurisdiction
from accredit.registry.domain.axes import check_jurisdiction


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
        check_jurisdiction(code, "code")


def test_a_state_that_was_not_recognised_is_told_from_a_country_without_states_here() -> None:
    assert not is_whole("Massachussetts, USA", "US")
    assert is_whole("USA", "US")
    assert is_whole("Munich, Germany", "DE")
    assert is_whole("Boston, MA, USA", "US-MA")
