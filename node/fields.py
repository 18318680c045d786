"""Fields of study and levels: the current codes of their classifications.

The core knows the form of a code (`registry.domain.axes`), not the lists of codes: those change, and two nodes with two
versions of a list must never disagree about a statement. So the lists are checked when a person signs or asks, like
places (`node.places`). An unlisted code is then an error, never a "no".

The extent of the lists:

* ISCED-F 2013 (UNESCO) whole: broad, narrow and detailed fields. In each group 0 means not further defined, 8 between
  its parts, 9 elsewhere.
* CIP 2020 (NCES) by its series, the first two digits; SOC 2018 (BLS) by its major groups. Below those only the form is
  checked, because both lists have thousands of codes and change every few years.
* Levels of the EQF, ISCED 2011, the QF-EHEA and the SCQF by their numbers. Other schemes are accepted as written,
  unless they are a misspelling of one of these.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final

from accredit.registry.domain.axes import check_field, check_level_range
from accredit.registry.errors import DecodeError

_DETAILED: Final[Mapping[str, int]] = {
    "001": 1, "002": 1, "003": 1, "011": 4, "021": 5, "022": 3, "023": 2, "031": 4, "032": 2, "041": 7, "042": 1,
    "051": 2, "052": 2, "053": 3, "054": 2, "061": 3, "071": 6, "072": 4, "073": 2, "081": 2, "082": 1, "083": 1,
    "084": 1, "091": 7, "092": 3, "101": 5, "102": 2, "103": 2, "104": 1,
}  # fmt: skip
"""ISCED-F 2013: each narrow field, and how many detailed ones it has; they are numbered from 1."""

_BROAD: Final = frozenset(narrow[:2] for narrow in _DETAILED)
_IN_GENERAL: Final = "089"
"""Last digits of what a group has besides its parts; below one of these the digit is repeated, as in 0588."""

_HUMANITIES: Final = "0228"
"""The one detailed field between the parts of a narrow one."""

_CIP_SERIES: Final = frozenset(
    f"{number:02}" for number in range(1, 62) if number not in {2, 6, 7, 8, 17, 18, 20, 21, *range(55, 60)}
)
_SOC_GROUPS: Final = frozenset(str(number) for number in range(11, 56, 2))

_LEVELS: Final[Mapping[str, tuple[int, int]]] = {
    "EQF": (1, 8),
    "ISCED2011": (0, 8),
    "QF-EHEA": (0, 3),
    "SCQF": (1, 12),
}
"""Lowest and highest level of each scheme."""

_OTHER_NAMES: Final[Mapping[str, str]] = {"ISCED": "ISCED2011", "EHEA": "QF-EHEA", "QFEHEA": "QF-EHEA"}


def check_field_of_study(value: Any, path: str) -> None:
    """Check `{scheme, code}`: that its classification has the code.

    Raises:
        DecodeError: `unknown_field`, or not of its form.
    """
    check_field(value, path)
    check_code(value["scheme"], value["code"], f"{path}.code")


def check_code(scheme: str, code: str, where: str) -> None:
    """Check a code of the form that its scheme asks for.

    Raises:
        DecodeError: `unknown_field`; the hint is what the scheme has instead.
    """
    is_known, hint = _KNOWN[scheme](code)
    if not is_known:
        raise DecodeError("unknown_field", f"{scheme} has no code {code}.", where=where, hint=hint)


def check_cip(value: Any, path: str) -> None:
    """Check a programme's CIP code."""
    check_field_of_study({"scheme": "cip", "code": value}, path)


def check_soc(value: Any, path: str) -> None:
    """Check a programme's SOC code."""
    check_field_of_study({"scheme": "soc", "code": value}, path)


def check_levels(value: Any, path: str) -> None:
    """Check `{scheme, min, max}`: that the scheme has these levels.

    Raises:
        DecodeError: `unknown_level`, or not of its form.
    """
    check_level_range(value, path)
    scheme = value["scheme"]
    lowest, highest = _LEVELS.get(scheme, (0, value["max"]))
    if not lowest <= value["min"] <= value["max"] <= highest:
        raise DecodeError(
            "unknown_level",
            f"{scheme} has the levels {lowest} to {highest}.",
            where=path,
            hint=f"Write one of them, as in {scheme}:{highest}.",
        )
    if scheme not in _LEVELS and (meant := _scheme_meant(scheme)):
        raise DecodeError(
            "unknown_level", f"{scheme[:40]!r} is no scheme of levels.", where=path, hint=f"Did you mean {meant}?"
        )


def _scheme_meant(scheme: str) -> str:
    """Return the scheme that was probably meant by a misspelling; empty for a custom scheme."""
    bare = re.sub(r"[^A-Z0-9-]", "", scheme.upper()).removesuffix("-")
    if bare in _LEVELS or bare in _OTHER_NAMES:
        return _OTHER_NAMES.get(bare, bare)
    close = get_close_matches(bare, _LEVELS, 1, 0.66) if "://" not in scheme and len(bare) > 2 else []
    return close[0] if close and sorted(close[0]) == sorted(bare) else ""


def _isced_f(code: str) -> tuple[bool, str]:
    broad, narrow = code[:2], code[:3]
    if broad == "99":
        return code in ("99", "999", "9999"), "An unknown field is 9999."
    if broad not in _BROAD:
        return False, "Broad fields are 00 to 10, as in 09 for health and welfare."
    if len(code) > 2 and narrow not in _DETAILED and code[2] not in _IN_GENERAL:
        return False, f"Narrow fields of {broad} are {', '.join(one for one in _DETAILED if one[:2] == broad)}."
    if len(code) > 3:
        count = _DETAILED.get(narrow)
        own = [f"{narrow}{number}" for number in range(1, count + 1)] if count else [f"{narrow}{code[2]}"]
        general = (f"{narrow}0", f"{narrow}9", _HUMANITIES) if count else ()
        return code in (*own, *general), f"Detailed fields of {narrow} are {', '.join(own)}."
    return True, ""


def _cip(code: str) -> tuple[bool, str]:
    return code[:2] in _CIP_SERIES, "CIP 2020 has the series 01 to 61, as in 51 or 51.3801; nces.ed.gov/ipeds/cipcode."


def _soc(code: str) -> tuple[bool, str]:
    return code[:2] in _SOC_GROUPS, "SOC 2018 has the major groups 11 to 55, odd, as in 15-1252; bls.gov/soc."


_KNOWN: Final = {"isced_f": _isced_f, "cip": _cip, "soc": _soc}
