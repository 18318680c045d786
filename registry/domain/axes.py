"""Places, levels and fields of study: the form of each, and when one lies within another.

* A **jurisdiction** is an ISO 3166-1 alpha-2 code, or that and parts of it (ISO 3166-2): `US` contains `US-IN`.
* A **level** is `scheme:number`, as in `EQF:6`. Levels 5 to 8 of EQF and ISCED 2011 are the cycles 0 to 3 of QF-EHEA,
  so such a level has three names; below level 5 the schemes do not correspond.
* A **field of study** is `scheme:code` in `cip` (CIP 2020), `isced_f` (ISCED-F 2013) or `soc` (SOC 2018, O*NET-SOC).
  Codes are hierarchical: `cip:51` contains `cip:51.3801`, `soc:15-0000` contains `soc:15-1252`.
"""

import re
from typing import Any, Final

from ..encoding import schema
from ..errors import DecodeError
from ..limits import IDENTIFIER_CHARS

_JURISDICTION: Final = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,10}){0,3}", re.ASCII)
_CODES: Final = {
    "cip": re.compile(r"\d{2}(?:\.\d{2}(?:\d{2})?)?", re.ASCII),
    "isced_f": re.compile(r"\d{2,4}", re.ASCII),
    "soc": re.compile(r"\d{2}-\d{4}(?:\.\d{2})?", re.ASCII),
}
LEVEL_MAX: Final = 20
"""The highest number of any scheme; SCQF's 12 levels are the most in use."""

_EQUIVALENT_LEVELS: Final[dict[tuple[str, int], tuple[tuple[str, int], ...]]] = {}
for _cycle in range(4):
    _names = (("EQF", _cycle + 5), ("ISCED2011", _cycle + 5), ("QF-EHEA", _cycle))
    _EQUIVALENT_LEVELS.update(dict.fromkeys(_names, _names))


def check_jurisdiction(value: Any, path: str) -> None:
    """A jurisdiction, in capitals."""
    if not isinstance(value, str) or _JURISDICTION.fullmatch(value) is None:
        raise schema.wrong(
            path, "a country or a part of one (ISO 3166), as in US or US-IN", hint="Write the ISO code: DE, or US-IN."
        )


def jurisdiction_within(part: str, whole: str) -> bool:
    """Return whether `part` is `whole` or lies in it."""
    return part == whole or part.startswith(f"{whole}-")


_LEVEL_RANGE: Final = schema.members(
    {
        "scheme": schema.text(IDENTIFIER_CHARS),
        "min": schema.integer(0, LEVEL_MAX),
        "max": schema.integer(0, LEVEL_MAX),
    }
)


def check_level_range(value: Any, path: str) -> None:
    """`{scheme, min, max}`, both ends included."""
    _LEVEL_RANGE(value, path)
    if value["min"] > value["max"]:
        raise DecodeError("empty_range", "min is above max.", where=path, hint="Swap them.")


def parse_level(text: str, *, where: str = "level") -> tuple[str, int]:
    """Scheme and number of a level.

    Raises:
        DecodeError: not of the form `scheme:number`.
    """
    scheme, _, number = text.rpartition(":")
    if not scheme or not number.isascii() or not number.isdigit() or len(number) > 2 or int(number) > LEVEL_MAX:
        raise DecodeError("bad_level", f"{text[:60]!r} is not a level.", where=where, hint="Write it like EQF:6.")
    return scheme, int(number)


def level_within(level: tuple[str, int], allowed: dict[str, Any]) -> bool:
    """Whether a level, under any of its names, lies in the range `allowed`."""
    return any(
        scheme == allowed["scheme"] and allowed["min"] <= number <= allowed["max"]
        for scheme, number in _EQUIVALENT_LEVELS.get(level, (level,))
    )


_FIELD: Final = schema.members({"scheme": schema.one_of(*_CODES), "code": schema.text(12)})


def check_field(value: Any, path: str) -> None:
    """`{scheme, code}`, the code written as its scheme does."""
    _FIELD(value, path)
    if _CODES[value["scheme"]].fullmatch(value["code"]) is None:
        raise schema.wrong(
            f"{path}.code", f"a {value['scheme']} code", hint="Examples: 51.3801 (cip), 0588 (isced_f), 15-1252 (soc)."
        )


def parse_field(text: str, *, where: str = "field_of_study") -> tuple[str, str]:
    """Scheme and code of a field of study.

    Raises:
        DecodeError: another scheme, or a code that is not of its form.
    """
    scheme, _, code = text.partition(":")
    if scheme not in _CODES or _CODES[scheme].fullmatch(code) is None:
        raise DecodeError(
            "bad_field", f"{text[:60]!r} is not a field of study.", where=where, hint="Write it like cip:51.3801."
        )
    return scheme, code


def field_within(field: tuple[str, str], allowed: dict[str, Any]) -> bool:
    """Whether a field of study is `allowed` or a part of it."""
    scheme, code = field
    if scheme != allowed["scheme"]:
        return False
    if scheme == "soc":
        # A SOC group has zeros where its parts have digits; no part's own code ends in zero.
        major, minor = allowed["code"][:2], allowed["code"][3:7]
        return code[:2] == major and code[3:7].startswith(minor.rstrip("0")) and code.startswith(_onet(allowed["code"]))
    return code.startswith(allowed["code"])


def _onet(code: str) -> str:
    """Return the whole O*NET code if its last part distinguishes it from its SOC occupation; else an empty text."""
    return code if len(code) > 7 and not code.endswith(".00") else ""
