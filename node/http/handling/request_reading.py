"""Reads requests strictly and within limits; errors say what was expected.

* A body is counted while it is read, and dropped at the first byte too many (413) or after `BODY_SECONDS` (408). It may
  be gzip; then the limit applies to the inflated content.
* JSON is one value, UTF-8 (a byte order mark before it is passed over), no duplicate members (two readers could see two
  questions in one body), no NaN, numbers in range, at most some hundred levels; then it must be of the shape the route
  asks for.
* A query parameter is known, given once, within its bounds; ids are percent-encoded once. A `+` is a space in words and
  a plus in ids, which never hold spaces. In a form of a page a `+` is always a space, white space around a value is
  dropped, and an empty field counts as absent.
"""

import json
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Final, TypeVar
from urllib.parse import unquote_to_bytes

import anyio
import msgspec

from accredit.node.http.exchange import HttpRequest
from accredit.node.places import check_place
from accredit.node.views.json_views import parse_id
from accredit.registry.encoding import rfc3339
from accredit.registry.encoding.identifiers import canonical, without_fragment
from accredit.registry.encoding.json_text import once, without_mark
from accredit.registry.errors import DecodeError, InputError
from accredit.registry.limits import IDENTIFIER_CHARS, NAME_CHARS

T = TypeVar("T")

BODY_SECONDS: Final = 30.0
"""Seconds for a whole body: 4 MiB at 140 kB/s. A guess."""

JSON_PARTS: Final = 64 * 1024
"""The most members and items of one body, counted by the commas and opening brackets in it. A thousand questions have
some twenty each. A megabyte of nothing else kept everybody else waiting for 0.2 s; so many take a third of that."""

QUERY_BYTES: Final = 4096
"""The longest query string: eight identifiers of the greatest length."""

ANY: Final = "*/*"
"""Taken under any media type, or none."""

_AS_IT_IS: Final = "identity"  # RFC 9110 §8.4.1
_GZIP: Final = ("gzip", "x-gzip")
_HEX_DIGITS: Final = re.compile(r"[0-9a-f]{1,64}", re.ASCII)
_WHERE: Final = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """A parameter of the query or the path: how it is read, and how it is described.

    Attributes:
        read: from decoded text to value; raises DecodeError.
        schema: JSON Schema of the text.
        required: whether its absence is an error; always so in a path.
        place: query or path.
        default: the value of an absent one.
        is_words: whether `+` means a space.
    """

    name: str
    about: str
    read: Callable[[str], Any]
    schema: Mapping[str, Any]
    required: bool = False
    place: str = "query"
    default: Any = None
    is_words: bool = False


def words(name: str, about: str, *, max_chars: int = NAME_CHARS) -> Param:
    """Free text to search for."""

    def read(text: str) -> str:
        if not 1 <= len(text) <= max_chars:
            raise _bad(name, f"text of 1 to {max_chars} characters")
        return text

    schema = {"type": "string", "minLength": 1, "maxLength": max_chars}
    return Param(name=name, about=about, read=read, schema=schema, is_words=True)


def place(name: str, about: str) -> Param:
    """A country or a part of one, as ISO 3166 has them."""

    def read(text: str) -> str:
        check_place(text, f"?{name}")
        return text

    return replace(words(name, about, max_chars=20), read=read)


def verbatim(name: str, about: str, *, max_chars: int = IDENTIFIER_CHARS) -> Param:
    """Text from an earlier answer, sent back unchanged."""
    return replace(words(name, about, max_chars=max_chars), is_words=False)


def identifier(name: str, about: str, *, required: bool = False, read: Callable[[str], str] = canonical) -> Param:
    """A DID, URL or URN in any spelling; read as the canonical one, without its fragment."""

    def spelled(text: str) -> str:
        try:
            return read(without_fragment(text))
        except DecodeError as error:
            raise DecodeError(error.code, error.message, where=f"?{name}", hint=error.hint) from None

    schema = {"type": "string", "maxLength": IDENTIFIER_CHARS}
    return Param(name=name, about=about, read=spelled, schema=schema, required=required)


def hex_id(name: str, about: str, *, required: bool = False, place: str = "query") -> Param:
    """A statement's, key's or accreditation's id: 64 lower-case hexadecimal digits."""
    where = f"?{name}" if place == "query" else name
    return Param(
        name=name,
        about=about,
        read=lambda text: parse_id(text, where=where),
        schema={"type": "string", "pattern": "^[0-9a-f]{64}$"},
        required=required or place == "path",
        place=place,
    )


def hex_digits(name: str, about: str, *, place: str = "path") -> Param:
    """The first digits of a 32-byte hash: 1 to 64 in lower case."""
    where = f"?{name}" if place == "query" else name

    def read(text: str) -> str:
        if _HEX_DIGITS.fullmatch(text) is None:
            raise DecodeError("bad_id", "expected 1 to 64 digits 0-9 and a-f.", where=where)
        return text

    return Param(
        name=name,
        about=about,
        read=read,
        schema={"type": "string", "pattern": "^[0-9a-f]{1,64}$"},
        required=True,
        place=place,
    )


def one_of(name: str, about: str, choices: Sequence[str], also: Mapping[str, str] | None = None) -> Param:
    """One of some words.

    Args:
        also: other words that are taken for some of them.
    """

    def read(text: str) -> str:
        text = (also or {}).get(text, text)
        if text not in choices:
            close = get_close_matches(text, choices, 1)
            raise _bad(name, "one of " + ", ".join(choices), hint=f"Did you mean {close[0]}?" if close else "")
        return text

    return Param(name=name, about=about, read=read, schema={"enum": list(choices)})


def integer(name: str, about: str, *, minimum: int, maximum: int, default: int) -> Param:
    """A whole number in decimal."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 19 and minimum <= int(text) <= maximum):
            raise _bad(name, f"a whole number from {minimum} to {maximum}")
        return int(text)

    schema = {"type": "integer", "minimum": minimum, "maximum": maximum, "default": default}
    return Param(name=name, about=about, read=read, schema=schema, default=default)


def moment(name: str, about: str) -> Param:
    """A time as RFC 3339 has it, or a day; read as seconds since 1970 UTC."""
    where = f"?{name}"
    return Param(
        name=name,
        about=about,
        read=lambda text: rfc3339.instant(text, where=where, days=True),
        schema={"type": "string", "format": "date-time"},
    )


def text_in_path(name: str, about: str) -> Param:
    """The rest of a path, as sent."""
    return Param(name=name, about=about, read=str, schema={"type": "string"}, required=True, place="path")


def read_params(request: HttpRequest, known: Sequence[Param], *, as_form: bool = False) -> dict[str, Any]:
    """Every known parameter with its value, absent ones with their defaults.

    Args:
        as_form: the query is a browser's encoding of a form.

    Raises:
        DecodeError: an unknown or repeated parameter, a missing or malformed one.
    """
    if not known and not request.query:
        return {}
    by_name = {param.name: param for param in known if param.place == "query"}
    sent = _pairs(request.query, by_name, as_form=as_form)
    if as_form:
        sent = {name: value.strip() for name, value in sent.items() if value.strip()}
    sent.update(request.path_params)
    values: dict[str, Any] = {}
    for param in known:
        if param.name in sent:
            values[param.name] = param.read(sent[param.name])
        elif param.required:
            raise DecodeError(
                "missing_query_parameter", f"the parameter {param.name} is missing.", hint=f"Give {param.about}."
            )
        else:
            values[param.name] = param.default
    return values


def _pairs(query: bytes, known: Mapping[str, Param], *, as_form: bool = False) -> dict[str, str]:
    if len(query) > QUERY_BYTES:
        raise DecodeError("query_too_long", f"the query has {len(query)} bytes; at most {QUERY_BYTES} are allowed.")
    sent: dict[str, str] = {}
    for pair in query.split(b"&"):
        if not pair:
            continue
        raw_name, _, raw_value = pair.partition(b"=")
        name = _unquoted(raw_name, "the query")
        if name not in known:
            close = get_close_matches(name, known, 1)
            listed = "Known parameters: " + ", ".join(known) + "." if known else "This route takes no parameters."
            raise DecodeError(
                "unknown_query_parameter",
                f"unknown parameter {name[:80]!r}.",
                hint=f"Did you mean {close[0]}? {listed}" if close else listed,
            )
        if name in sent:
            raise DecodeError("repeated_query_parameter", f"the parameter {name} is given twice.", hint="Give it once.")
        has_spaces = as_form or known[name].is_words
        sent[name] = _unquoted(raw_value.replace(b"+", b" ") if has_spaces else raw_value, f"?{name}")
    return sent


def _unquoted(raw: bytes, where: str) -> str:
    try:
        return unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError:
        raise DecodeError("not_utf8", "percent-encoded bytes are not UTF-8.", where=where) from None


async def read_body(request: HttpRequest, media_types: Sequence[str], max_bytes: int) -> tuple[str, bytes]:
    """The media type, without its parameters, and the whole body.

    Raises:
        InputError: another media type (`unsupported_media_type`), another coding (`coding_not_taken`), too large, or
            too slow. DecodeError: no gzip (`bad_gzip`).
    """
    media_type = request.header("content-type").partition(";")[0].strip().lower()
    if ANY not in media_types and media_type not in media_types:
        raise InputError(
            "unsupported_media_type",
            f"the body is {media_type[:80] or 'of no stated type'}.",
            hint="Send it with Content-Type: " + " or ".join(media_types) + ".",
        )
    coding = request.header("content-encoding", _AS_IT_IS).strip().lower()
    if coding != _AS_IT_IS and coding not in _GZIP:
        raise InputError(
            "coding_not_taken",
            f"the body has the unsupported content coding {coding[:40]!r}.",
            hint="Send the body without a coding, or with gzip.",
        )
    declared = request.header("content-length")
    if declared.isascii() and declared.isdigit() and int(declared[:19]) > max_bytes:
        raise _too_large(max_bytes)
    # The server ensures that a first piece arrives in time; most bodies are complete in it and need no clock.
    body, is_more = await _piece(request)
    if is_more:
        whole = bytearray(body)
        try:
            with anyio.fail_after(BODY_SECONDS):
                while is_more and len(whole) <= max_bytes:
                    body, is_more = await _piece(request)
                    whole += body
        except TimeoutError:
            why = f"the body did not arrive within {BODY_SECONDS:.0f} seconds."
            raise InputError("request_timeout", why, hint="Send it faster, or send less.") from None
        body = bytes(whole)
    if len(body) > max_bytes:
        raise _too_large(max_bytes)
    return media_type, body if coding == _AS_IT_IS else _inflated(body, max_bytes)


async def _piece(request: HttpRequest) -> tuple[bytes, bool]:
    """Return a piece of the body, and whether more follow. (`request.stream()` would leave an abandoned generator to
    the garbage collector.)"""
    message = await request.receive()
    if message["type"] == "http.disconnect":
        raise InputError("request_timeout", "the connection ended before the end of the body.")
    return message.get("body", b""), message.get("more_body", False)


def _inflated(body: bytes, max_bytes: int) -> bytes:
    """Inflate a gzip `body` (RFC 1952), never to more than `max_bytes`."""
    inflating = zlib.decompressobj(wbits=31)
    try:
        found = inflating.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise DecodeError(
            "bad_gzip", f"the body is not gzip ({error}).", hint="Send the body without a content coding."
        ) from None
    if len(found) > max_bytes:
        raise _too_large(max_bytes)
    if not inflating.eof or inflating.unused_data:
        raise DecodeError(
            "bad_gzip", "the body is not one complete gzip stream.", hint="Send the body without a content coding."
        )
    return found


def decode_json(body: bytes) -> Any:
    """The one JSON value in `body`, as plain Python values.

    Raises:
        DecodeError: not JSON, or with a duplicate member, nested too deeply, or of too many parts.
    """
    _check_parts(body)
    try:
        text = without_mark(body)
        value = msgspec.json.decode(text)
        # Without backslashes each text has exactly two quotation marks, so fewer of them after a round trip mean that a
        # duplicate member was dropped. Python's reader, which sees every pair, then says which one.
        if b"\\" in text or text.count(b'"') != msgspec.json.encode(value).count(b'"'):
            json.loads(text, object_pairs_hook=once)
    except _UNREADABLE as error:
        raise _told(error) from None
    return value


def decode_as(body: bytes, shape: type[T]) -> T:
    """The one JSON value in `body`, as a `shape`: `convert` of what `decode_json` gives, most often in one go.

    A shape that leaves out what is as it would be without (`omit_defaults`) has as many quotation marks as the body
    unless that has a member that was passed over: twice there, unknown, or empty. Then it is read the long way.

    Raises:
        DecodeError: as both.
    """
    _check_parts(body)
    if b"\\" not in body:
        try:
            value = msgspec.json.decode(body, type=shape)
        except _UNREADABLE:
            pass  # the long way says what is wrong
        else:
            if body.count(b'"') == _encode(value).count(b'"'):
                return value
    return convert(decode_json(body), shape)


_encode: Final = msgspec.json.Encoder().encode


def _check_parts(body: bytes) -> None:
    """Refuse a body of very many small parts before it is read, because nobody else is answered meanwhile."""
    if len(body) > JSON_PARTS and sum(map(body.count, (b",", b"[", b"{"))) > JSON_PARTS:
        raise DecodeError(
            "bad_json",
            f"the JSON has more than {JSON_PARTS} members and items.",
            hint="Split it into several requests.",
        )


def convert(value: Any, shape: type[T]) -> T:
    """`value`, decoded before, as a `shape`.

    Raises:
        DecodeError: a member is missing, unknown or of another type; says which.
    """
    try:
        return msgspec.convert(value, shape)
    except _UNREADABLE as error:
        raise _told(error) from None


_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def _told(error: Exception) -> DecodeError:
    """Return what is wrong with JSON, for its sender."""
    if isinstance(error, msgspec.ValidationError):
        found = _WHERE.fullmatch(str(error))
        what, path = (found["what"], found["path"] or "") if found else (str(error), "")
        where = path.removeprefix("$").removeprefix(".")
        return DecodeError("bad_member", f"{what[:200]}.", where=where, hint="See /openapi.json.")
    if isinstance(error, UnicodeDecodeError):
        return DecodeError("bad_json", f"byte {error.start} is not UTF-8.", hint="Send JSON in UTF-8.")
    if isinstance(error, RecursionError):
        return DecodeError("bad_json", "the JSON is nested too deeply.", hint="See /openapi.json.")
    return DecodeError("bad_json", f"{error}.", hint="Send one JSON value (RFC 8259).")


def accepts(request: HttpRequest, offered: Sequence[str]) -> str:
    """The first of `offered` media types that the request accepts, by its own order of preference.

    Raises:
        InputError: it accepts none of them (`not_acceptable`).
    """
    header = request.header("accept", "*/*")
    ranges: list[tuple[float, str]] = []
    for part in header.split(",")[:32]:
        media_range, *parameters = [piece.strip().lower() for piece in part.split(";")]
        ranges.append((_quality(parameters), media_range))
    for quality, media_range in sorted(ranges, key=lambda row: -row[0]):
        for media_type in offered:
            if quality > 0 and media_range in (media_type, media_type.partition("/")[0] + "/*", "*/*", ""):
                return media_type
    raise InputError(
        "not_acceptable", f"you accept only {header[:80]!r}.", hint="Available types: " + " or ".join(offered) + "."
    )


def _quality(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return min(max(float(parameter[2:]), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def _bad(name: str, expected: str, *, hint: str = "") -> DecodeError:
    return DecodeError("bad_query_parameter", f"expected {expected}.", where=f"?{name}", hint=hint)


def _too_large(max_bytes: int) -> InputError:
    return InputError("too_large", f"the body has more than {max_bytes} bytes.", hint="Split it into several requests.")
