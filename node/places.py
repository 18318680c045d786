"""Places: the codes of ISO 3166 as they are assigned today, and places as people write them.

The core knows the form of a code (`registry.domain.axes`), not the list of codes: that changes, and two nodes with two
versions of it must never disagree about a statement. So the list (pycountry's, made from Debian's iso-codes) is checked
only when a person signs or asks.

    >>> check_place("US-IN", "jurisdiction")              # or raises, naming the code that was probably meant
    >>> jurisdiction("Cambridge, MA, USA"), jurisdiction("Munich, Germany"), jurisdiction("Worldwide")
    ('US-MA', 'DE', None)

In a place in words the last part names the country and, for the United States and Canada, the part before it the state
or province; if that part is not recognised, the country still counts. A state without its country is not enough (IN is
Indiana and India), save for `D.C.` with its dots. Names are compared without accents, case and full stops.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, Final

from accredit.registry.domain.axes import check_jurisdiction
from accredit.registry.errors import DecodeError

_CODE: Final = re.compile(r"([A-Za-z]{2})(?:[-_ /]([A-Za-z0-9]{1,3}))?", re.ASCII)
_EXAMPLE: Final = "Write the ISO code: DE, or US-IN."

KOSOVO: Final = "XK"
"""Not assigned, and in the range that ISO leaves to its users; the European Union and the banks use it for Kosovo."""

_OTHER_NAMES: Final[Mapping[str, str]] = {
    "GB": "uk, great britain, britain",
    "GB-ENG": "england",
    "GB-SCT": "scotland",
    "GB-WLS": "wales",
    "GB-NIR": "northern ireland",
    "US": "united states of america, america",
    "AE": "uae",
    "AT": "osterreich",
    "BE": "belgique, belgie",
    "BR": "brasil",
    "CD": "dr congo, democratic republic of the congo",
    "CI": "ivory coast",
    "CH": "schweiz, suisse, svizzera",
    "CV": "cape verde",
    "CZ": "czech republic",
    "DE": "deutschland",
    "ES": "espana",
    "FM": "micronesia",
    "IT": "italia",
    "KR": "republic of korea",
    "MK": "macedonia",
    "MM": "burma",
    "MO": "macau",
    "NL": "holland, the netherlands, nederland",
    "PS": "palestine",
    "RU": "russia",
    "SZ": "swaziland",
    "TL": "east timor",
    "TR": "turkey, turkiye",
    "VA": "vatican, vatican city",
    "VG": "british virgin islands",
    "VI": "us virgin islands",
    KOSOVO: "kosovo",
}
"""Names in use that ISO's own list does not have."""

_OTHER_CODES: Final = {"UK": "GB", "EL": "GR"}
"""Codes that the European Union writes for countries to which ISO assigned another."""

_PARTED: Final = ("US", "CA")
"""Countries whose states are written after their cities, so that naming one is certain."""


def check_place(value: Any, path: str) -> None:
    """Check that a code is assigned: of a country (ISO 3166-1), or a country and its part (ISO 3166-2).

    Raises:
        DecodeError: `unknown_place`; the hint is the code that was meant, where one can be told.
    """
    try:
        check_jurisdiction(value, path)
    except DecodeError as error:
        if not isinstance(value, str):
            raise
        raise _unknown(value, path) from error
    country, _, part = value.partition("-")
    if not _is_country(country) or (part and not _is_part(f"{country}-{part.partition('-')[0]}")):
        raise _unknown(value, path)


def jurisdiction(place: str) -> str | None:
    """Return the code of the narrowest jurisdiction in which `place` certainly lies; None if no jurisdiction is
    certain."""
    parts = [part.strip() for part in place.split(",")]
    if parts[-1] == "D.C.":
        return "US-DC"
    last = _plain(parts[-1])
    if _CODE.fullmatch(parts[-1]) and "-" in parts[-1] and _is_part(parts[-1]):
        return parts[-1]
    found = _names().get(last) or (None if is_ambiguous(parts[-1]) else _code_of(last))
    if found is None or len(parts) < 2:
        return found
    return _parts(found).get(_plain(parts[-2]), found) if found in _PARTED else found


def is_ambiguous(word: str) -> bool:
    """Whether two letters are the code of a country and of a state, as IN is."""
    return len(_plain(word)) == 2 and any(_plain(word) in _parts(country) for country in _PARTED)


def is_whole(place: str, code: str) -> bool:
    """Whether `code` says all that the list could: False for a state or province that was not recognised."""
    return "-" in code or code not in _PARTED or "," not in place


def every_place() -> Iterator[tuple[str, str]]:
    """Yield every code of a country and of a part of one, with its name."""
    for country in _iso().countries:
        yield country.alpha_2, country.name
    for part in _iso().subdivisions:
        yield part.code, part.name


def nearest_country(word: str) -> str:
    """Return the code of the country whose name is nearly `word`; empty if none is."""
    close = get_close_matches(_plain(word), _names(), 1, 0.8)
    return _names()[close[0]] if close else ""


def _unknown(value: str, path: str) -> DecodeError:
    several = [part.strip() for part in re.split("[,;]", value)]
    if len(several) > 1 and all(map(_CODE.fullmatch, several)):
        hint = "Give one code at a time; in a list, separate them by spaces."
    else:
        meant = _meant(value.strip())
        hint = f"Did you mean {meant}? {_EXAMPLE}" if meant else _EXAMPLE
    return DecodeError(
        "unknown_place", f"{value[:80]!r} is not a country, or a part of one, in ISO 3166.", where=path, hint=hint
    )


def _meant(value: str) -> str:
    """Return the code that was probably meant by `value`; empty if unclear."""
    if code := jurisdiction(value):
        return code
    match = _CODE.fullmatch(value)
    if match:
        country = _OTHER_CODES.get(match[1].upper(), match[1].upper())
        whole = f"{country}-{match[2].upper()}" if match[2] else country
        return whole if (_is_part(whole) if match[2] else _is_country(country)) else ""
    country, _, rest = value.partition("-")
    return _parts(country.upper()).get(_plain(rest), "") or nearest_country(value)


def _is_country(code: str) -> bool:
    return code == KOSOVO or code in _countries()


def _is_part(code: str) -> bool:
    country, _, part = code.partition("-")
    return _parts(country).get(part.lower()) == code


def _code_of(word: str) -> str | None:
    """The country of a two- or three-letter code."""
    found = _iso().countries.get(alpha_2=word.upper()) or _iso().countries.get(alpha_3=word.upper())
    return None if found is None else str(found.alpha_2)


@cache
def _countries() -> frozenset[str]:
    return frozenset(country.alpha_2 for country in _iso().countries)


@cache
def _names() -> dict[str, str]:
    """Every name of a country, plain -> its code."""
    found: dict[str, str] = {}
    for country in _iso().countries:
        for name in (country.name, getattr(country, "common_name", ""), getattr(country, "official_name", "")):
            if name:
                found[_plain(name)] = country.alpha_2
    for code, names in _OTHER_NAMES.items():
        found.update(dict.fromkeys(names.split(", "), code))
    return found | {"usa": "US"}


@cache
def _parts(country: str) -> dict[str, str]:
    """Code and name of each part of a country, plain -> its code with the country's; empty for what is no country."""
    found: dict[str, str] = {}
    for part in _iso().subdivisions.get(country_code=country) or ():
        found.setdefault(_plain(part.name), part.code)
    for part in _iso().subdivisions.get(country_code=country) or ():
        found[part.code.partition("-")[2].lower()] = part.code
    return found


def _iso() -> Any:
    import pycountry  # 60 ms and 1 MB, loaded only when a place is named

    return pycountry


def _plain(name: str) -> str:
    bare = unicodedata.normalize("NFKD", name)
    return "".join(c for c in bare if not unicodedata.combining(c)).replace(".", "").replace("’", "'").strip().lower()
