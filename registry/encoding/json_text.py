"""JSON read in one way only: no member twice, no half characters, nothing beyond RFC 8259.

    value = decode(b'{"issuer": "did:web:a.example"}', what="the question")

Python's reader keeps the last of two members with one name, where another program may keep the first, and it accepts
`NaN`. A program that signs, judges or passes on a JSON text must not depend on that. So all JSON from outside is read
here, or by a faster reader whose slow path uses `once`.

* UTF-8, with or without a byte order mark (RFC 8259 §8.1 lets a reader ignore one);
* one value, no member twice, no number beyond what arithmetic bears, no lone surrogate;
* the work is proportional to the bytes, whatever they say.
"""

import json
from collections import Counter
from typing import Any, Final, NoReturn

from ..errors import DecodeError

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


def without_mark(data: bytes) -> bytes:
    """The bytes without the byte order mark that some editors and spreadsheets put first."""
    return data.removeprefix(BYTE_ORDER_MARK)


def decode(data: bytes, *, what: str = "the JSON") -> Any:
    """Reads the one JSON value in `data`.

    Args:
        what: the name of the text, for errors.

    Raises:
        DecodeError: `not_json`: not UTF-8, not JSON, nested too deeply, or with text that is not Unicode;
            `duplicate_member`: an object has a member twice.
    """
    try:
        text = without_mark(data).decode()
        value = json.loads(text, object_pairs_hook=once, parse_constant=_no_constant)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair cannot be written as UTF-8
    except json.JSONDecodeError as error:
        raise DecodeError(
            "not_json",
            f"{what}: not JSON: {error.msg.removesuffix(' starting at')} at line {error.lineno}, column {error.colno}.",
            hint="Write one JSON value (RFC 8259).",
        ) from None
    except UnicodeDecodeError as error:
        raise DecodeError(
            "not_json", f"{what}: not UTF-8 text (byte {error.start}).", hint="Write JSON in UTF-8."
        ) from None
    except UnicodeEncodeError:
        raise DecodeError(
            "not_json", f"{what}: a \\u escape does not stand for a character.", hint="Write the character itself."
        ) from None
    except RecursionError:
        raise DecodeError("not_json", f"{what}: the JSON is nested too deeply.") from None
    except DecodeError as error:
        raise DecodeError(error.code, error.message, where=what, hint=error.hint) from None
    except ValueError as error:  # a number of thousands of digits
        raise DecodeError("not_json", f"{what}: this JSON is not accepted: {error}.") from None
    return value


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members of one object, for `json.loads(..., object_pairs_hook=once)`.

    Raises:
        DecodeError: the object has a member twice (`duplicate_member`).
    """
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    # In one pass: comparing each of sixty thousand members with all others took two minutes.
    times = Counter(name for name, _ in pairs)
    twice = next(name for name, count in times.items() if count > 1)
    raise DecodeError("duplicate_member", f"the member {twice[:80]!r} is given twice.", hint="Give it once.")


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a JSON number")
