"""From a place as people write it to the jurisdiction it lies in (ISO 3166), where that is certain.

    >>> jurisdiction("Cambridge, MA, USA"), jurisdiction("Munich, Germany"), jurisdiction("Worldwide")
    ('US-MA', 'DE', None)

The last part names the country, the one before it the state or province, for the United States and Canada. A state
without its country is not enough (IN is Indiana and India), save for `D.C.` with its dots. A country whose part we do
not recognise is still that country. Names are compared without accents, case and full stops.
"""

import unicodedata
from typing import Final

_COUNTRIES: Final = {
    "AR": "argentina",
    "AT": "austria",
    "AU": "australia",
    "BE": "belgium",
    "BR": "brazil, brasil",
    "CA": "canada",
    "CH": "switzerland",
    "CL": "chile",
    "CO": "colombia",
    "CZ": "czechia, czech republic",
    "DE": "germany, deutschland",
    "DK": "denmark",
    "EE": "estonia",
    "ES": "spain, espana",
    "FI": "finland",
    "FR": "france",
    "GB": "united kingdom, uk, great britain",
    "GR": "greece",
    "IE": "ireland",
    "IN": "india",
    "IT": "italy, italia",
    "JP": "japan",
    "KE": "kenya",
    "KR": "south korea",
    "LT": "lithuania",
    "LV": "latvia",
    "MX": "mexico",
    "MT": "malta",
    "NG": "nigeria",
    "NL": "netherlands, the netherlands",
    "NO": "norway",
    "NZ": "new zealand",
    "PE": "peru",
    "PK": "pakistan",
    "PL": "poland",
    "PT": "portugal",
    "RO": "romania",
    "RW": "rwanda",
    "SE": "sweden",
    "SG": "singapore",
    "TR": "turkey, turkiye",
    "US": "usa, united states, united states of america",
    "UY": "uruguay",
    "ZA": "south africa",
}
_STATES: Final = (
    "AL alabama; AK alaska; AZ arizona; AR arkansas; CA california; CO colorado; CT connecticut; DE delaware; "
    "DC district of columbia; FL florida; GA georgia; HI hawaii; ID idaho; IL illinois; IN indiana; IA iowa; "
    "KS kansas; KY kentucky; LA louisiana; ME maine; MD maryland; MA massachusetts; MI michigan; MN minnesota; "
    "MS mississippi; MO missouri; MT montana; NE nebraska; NV nevada; NH new hampshire; NJ new jersey; "
    "NM new mexico; NY new york; NC north carolina; ND north dakota; OH ohio; OK oklahoma; OR oregon; "
    "PA pennsylvania; PR puerto rico; RI rhode island; SC south carolina; SD south dakota; TN tennessee; TX texas; "
    "UT utah; VT vermont; VA virginia; WA washington; WV west virginia; WI wisconsin; WY wyoming"
)
_PROVINCES: Final = (
    "AB alberta; BC british columbia; MB manitoba; NB new brunswick; NL newfoundland and labrador; NS nova scotia; "
    "NT northwest territories; NU nunavut; ON ontario; PE prince edward island; QC quebec; SK saskatchewan; YT yukon"
)


def _parts(table: str, country: str) -> dict[str, str]:
    """Code and name of each part of a country -> its code with the country's."""
    found = {}
    for entry in table.split("; "):
        code, name = entry.split(" ", 1)
        found[code.lower()] = found[name] = f"{country}-{code}"
    return found


_BY_NAME: Final = {name: code for code, names in _COUNTRIES.items() for name in names.split(", ")}
_SUBDIVISIONS: Final = {"US": _parts(_STATES, "US"), "CA": _parts(_PROVINCES, "CA")}


def jurisdiction(place: str) -> str | None:
    """The ISO 3166 code of the narrowest jurisdiction that `place` certainly lies in; None if none is certain."""
    parts = [part.strip() for part in place.split(",")]
    if parts[-1] == "D.C.":
        return "US-DC"
    country = _BY_NAME.get(_plain(parts[-1]))
    if country is None or len(parts) < 2:
        return country
    return _SUBDIVISIONS.get(country, {}).get(_plain(parts[-2]), country)


def is_whole(place: str, code: str) -> bool:
    """Whether `code` says all that the table could: False for a state or province that was not recognised."""
    return "-" in code or code not in _SUBDIVISIONS or "," not in place


def _plain(name: str) -> str:
    bare = unicodedata.normalize("NFKD", name)
    return "".join(c for c in bare if not unicodedata.combining(c)).replace(".", "").strip().lower()
