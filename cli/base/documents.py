"""Converts between the files and options that people write and the bodies of statements, in both directions.

People write TOML or JSON (not YAML, which reads the jurisdiction `NO` as false). On the way in

* times become seconds since 1970: `2015-05-20` is the start of that day in UTC, else RFC 3339 with an offset;
  a `valid_until` is the first moment after;
* durations (`max_validity`, `max_backdating`, `proposals_lapse`) may be written `90d`, `2w`, `5y` (a year being 365
  days);
* ids of statements and keys become 32 bytes, from 64 hexadecimal digits;
* public keys become 32 bytes, from `z6Mk…`, `did:key:z6Mk…` or 64 hexadecimal digits.

All other members stay as written, and `governance.rulebook.check_body` judges them. `render` is the inverse: its result
can be written as JSON, and `convert(render(body)) == body`. The member `ext` is passed through as it is.

Errors name the file, the place in it and what was expected.
"""

import os
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click

from accredit.node.views.json_views import TIMES as TIMES_IN_RECORDS
from accredit.node.views.json_views import format_time
from accredit.registry.encoding import rfc3339
from accredit.registry.encoding.json_text import decode as decode_json
from accredit.registry.errors import DecodeError, InputError, RefusedError, StorageError
from accredit.registry.limits import TIME_MAX, TIME_MIN

from .output import safe

FILE_BYTES: Final = 64 * 1024 * 1024
"""The largest file read whole: a published framework has some 40 MB. A guess with room above it."""

TIMES: Final = TIMES_IN_RECORDS | {"due_by", "cohorts_enrolled_before"}
DURATIONS: Final = frozenset({"max_validity", "max_backdating", "proposals_lapse"})
PUBLICS: Final = frozenset({"public", "peer", "log", "witness", "state"})
DIGESTS: Final = frozenset(
    (
        "id",
        "key",
        "last",
        "parent",
        "target",
        "targets",
        "after",
        "accreditation",
        "publish",
        "delegation",
        "recognition",
        "ecosystem",
        "content_digest",
        "items_root",
        "digest",
        "supersedes",
        "via",
    )
)

OPTIONS: Final = "the options"
"""The source of a body that the options of a command hold, not a file."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HEX32: Final = re.compile(r"[0-9a-fA-F]{64}")
_DURATION: Final = re.compile(r"(\d{1,6}) ?([smhdwy])")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400, "y": 365 * 86_400}


# ------------------------------------------------------------------------------------------------------ files


def read_file(path: Path) -> dict[str, Any]:
    """The table in a TOML or JSON file (by its name; `-` is standard input, of either kind).

    Raises:
        DecodeError: it is neither, or not a table; the message names file and line.
        StorageError: it cannot be read.
    """
    text = read_text(path)
    as_json = path.suffix == ".json" or (path.suffix != ".toml" and text.lstrip().startswith("{"))
    return parse_json(text, str(path)) if as_json else parse_toml(text, str(path))


def read_text(path: Path) -> str:
    """The text of a file of bounded size; `-` is standard input."""
    raw = read_bytes(path)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DecodeError(
            "not_text", f"{path}: not UTF-8 text (byte {error.start}).", hint="Save it with UTF-8 encoding."
        ) from error


def read_bytes(path: Path) -> bytes:
    """The bytes of a file of bounded size; `-` is standard input."""
    try:
        if str(path) == "-":
            raw: bytes = sys.stdin.buffer.read(FILE_BYTES + 1)
        else:
            with path.open("rb") as file:
                raw = file.read(FILE_BYTES + 1)
    except (FileNotFoundError, IsADirectoryError) as error:
        what = "There is no file" if isinstance(error, FileNotFoundError) else "This is a folder, not a file:"
        is_id = str(path).startswith(("did:", "http:", "https:"))
        hint = "That is an id. Add --help to see which option takes it." if is_id else "Check the path."
        raise InputError("no_such_file", f"{what} {path}.", hint=hint) from error
    except OSError as error:
        raise StorageError(
            "cannot_read", f"{path} cannot be read: {error.strerror}.", hint="Check the path and its permissions."
        ) from error
    if len(raw) > FILE_BYTES:
        raise RefusedError(
            "too_large", f"{path} is larger than {FILE_BYTES // 2**20} MiB.", hint="Split it into smaller files."
        )
    return raw


def write_new(path: Path, content: str | bytes, *, force: bool = False) -> None:
    """Writes a file that must not exist yet.

    Raises:
        StorageError: it exists and `force` is false, or cannot be written.
    """
    raw = content.encode() if isinstance(content, str) else content
    # Write a replacement under another name first, so that the old file stays until all of the new one is on the disk.
    beside = path.with_name(f".{path.name}.{os.getpid()}.new") if force and path.is_file() else path
    try:
        try:
            with beside.open("wb" if force and beside is path else "xb") as file:
                file.write(raw)
                file.flush()
                if beside is not path:
                    os.fsync(file.fileno())
            if beside is not path:
                os.replace(beside, path)
        except OSError as error:
            if not isinstance(error, FileExistsError) and beside.is_file():
                beside.unlink(missing_ok=True)
            raise
    except FileExistsError:
        raise StorageError(
            "file_exists", f"{path} already exists.", hint="Choose another name, or add --force to replace the file."
        ) from None
    except OSError as error:
        raise StorageError(
            "cannot_write", f"{path} cannot be written: {error.strerror}.", hint="Check the directory and the disk."
        ) from error


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """The table in TOML text; `source` names it in errors."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        hint = 'Put text in quotes: name = "Example University".'
        if any(quote in text for quote in "“”„‟″"):
            hint = 'A word processor has curled its quotation marks: use straight ones, name = "Example University".'
        raise DecodeError("not_toml", f"{source}: not TOML: {error}.", hint=hint) from error
    except RecursionError as error:
        raise DecodeError("too_deep", f"{source}: nested too deeply.") from error


def parse_json(text: str, source: str) -> dict[str, Any]:
    """The object in JSON text, no member twice (RFC 8259 §4 leaves that open; we do not)."""
    value = decode_json(text.encode(), what=source)
    if not isinstance(value, dict):
        raise DecodeError("not_a_table", f"{source}: expected one JSON object {{…}}.")
    return value


# ----------------------------------------------------------------------------------------------------- bodies


def to_body(kind: str, written: Mapping[str, Any], source: str) -> dict[str, Any]:
    """The body of a statement of `kind`, from what a person wrote.

    Args:
        source: the file it comes from, or `OPTIONS`; named in errors, with the option that is at fault.

    Raises:
        DecodeError: a member cannot be read, or the rulebook refuses it.
    """
    from accredit.governance.rules.rulebook import check_body

    from .real_lists import check_real_lists

    try:
        body = convert(dict(written))
        check_body(kind, body)
        check_real_lists(body)
    except DecodeError as error:
        where = error.where.removeprefix("body").lstrip(".")
        message = error.message.removeprefix(f"{error.where}: ") if error.where else error.message
        option = _option_of(where) if source == OPTIONS else ""
        place = f"{option}: " if option else f"{source}: {where}: " if where else f"{source}: "
        raise DecodeError(error.code, place + message, hint=error.hint) from error
    assert isinstance(body, dict)
    return body


def _option_of(where: str) -> str:
    """The option of the running command that fills a member of a body, as typed; empty where none does.

    Members of members have no option of their own, and `--key` and `--node` of every command say who signs and whom to
    ask.
    """
    member = re.sub(r"\[\d+\]$", "", where)
    spelt = {f"--{one}" for one in (member, member.removesuffix("s"), re.sub("ies$", "y", member))} - {
        "--key",
        "--node",
    }
    context = click.get_current_context(silent=True)
    params = [] if context is None else context.command.params
    return next((one for param in params for one in param.opts if one in spelt), "")


def convert(value: Any, name: str = "", path: str = "") -> Any:
    """Return a written value in the form of a statement. `name` is its member, `path` its place for errors."""
    if isinstance(value, dict):
        return {
            key: member if key == "ext" else convert(member, key, f"{path}.{key}" if path else key)
            for key, member in value.items()
        }
    if isinstance(value, list):
        return [convert(item, name, f"{path}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, (datetime, date)):
        return seconds(value, path)
    if isinstance(value, str):
        return _convert_text(value, name, path)
    return value


def _convert_text(value: str, name: str, path: str) -> Any:
    if name in TIMES:
        return seconds(value, path)
    if name in DURATIONS:
        return duration(value, path)
    if name in PUBLICS:
        return public_key(value, path)
    if name in DIGESTS and _HEX32.fullmatch(value):
        return bytes.fromhex(value)
    return value


def seconds(value: str | date | datetime, path: str = "") -> int:
    """Seconds since 1970 of a time as people write it.

    Raises:
        DecodeError: not a date or time, or a time of day without an offset.
    """
    if isinstance(value, str):
        return _instant(value.strip(), path)
    moment: date | datetime = value
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    if moment.tzinfo is None:
        raise DecodeError(
            "bad_time",
            f"{value} has no time zone.",
            where=path,
            hint="Add Z for UTC, or an offset like +02:00.",
        )
    return (moment - _EPOCH) // timedelta(seconds=1)


def _instant(written: str, path: str) -> int:
    try:
        return rfc3339.instant(written, where=path, days=True)
    except DecodeError:
        try:
            is_without_zone = datetime.fromisoformat(written).tzinfo is None and len(written) > 10
        except ValueError:
            is_without_zone = False
        message, hint = (
            (f"{written!r} has no time zone.", "Add Z for UTC, or an offset like +02:00.")
            if is_without_zone
            else (f"{written[:40]!r} is not a date.", _whole_date(written))
        )
        raise DecodeError("bad_time", message, where=path, hint=hint) from None


def _whole_date(written: str) -> str:
    """What to write instead of something that is no date; of a year or a month, a day in it."""
    added, rest = {4: ("month and the day", "-06-30"), 7: ("day", "-15")}.get(len(written), ("", ""))
    try:
        return f"Add the {added}, as in {date.fromisoformat(written + rest)}."
    except ValueError:
        return "Write 2015-05-20 or 2015-05-20T13:45:00Z."


def duration(value: str, path: str = "") -> int:
    """Seconds of `90d`, `2w`, `5y`, …"""
    match = _DURATION.fullmatch(value.strip())
    if match is None:
        raise DecodeError("bad_duration", f"{value!r} is not a duration.", where=path, hint="Write 90d, 2w or 5y.")
    return int(match[1]) * _UNITS[match[2]]


def public_key(value: str, path: str = "") -> bytes:
    """The 32 bytes of a public key in multibase, did:key or hexadecimal form."""
    from accredit.registry.encoding.ed25519 import decode_multibase, is_usable_public

    text = value.removeprefix("did:key:")
    try:
        public = bytes.fromhex(text) if _HEX32.fullmatch(text) else decode_multibase(text)
    except DecodeError as error:
        raise DecodeError(error.code, error.message, where=path, hint=error.hint) from error
    if not is_usable_public(public):
        raise DecodeError("weak_key", "this Ed25519 key is not a point of the prime-order group.", where=path)
    return public


def digest(value: str, what: str = "id") -> bytes:
    """The 32 bytes of a whole id in hexadecimal digits."""
    if _HEX32.fullmatch(value) is None:
        raise DecodeError("bad_id", f"{value!r} is not a {what}: 64 hexadecimal digits.", hint="Copy the whole id.")
    return bytes.fromhex(value)


# ------------------------------------------------------------------------------------------------ back to text


def render(value: Any, name: str = "") -> Any:
    """A body as people read it, in JSON's types: the inverse of `convert`."""
    if isinstance(value, dict):
        return {key: member if key == "ext" else render(member, key) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [render(item, name) for item in value]
    if isinstance(value, bytes):
        return _key_text(value) if name in PUBLICS else value.hex()
    if type(value) is int and name in TIMES and TIME_MIN <= value <= TIME_MAX:
        return format_time(value)
    return value


def when(time: int | str | None) -> str:
    """A time for people: the day, and the hour where it is not the start of the day. Takes RFC 3339 text too."""
    if time is None:
        return ""
    text = format_time(time) if isinstance(time, int) else time
    return (
        text.removesuffix("T00:00:00Z") if text.endswith("T00:00:00Z") else text.replace("T", " ").replace("Z", " UTC")
    )


def since(terms: Mapping[str, Any]) -> str:
    """When terms begin, for people, as exactly as it is known: `2015-05-20`, `about 1987`."""
    start = terms["valid_from"]
    precision = terms.get("valid_from_precision")
    time = start if isinstance(start, int) else rfc3339.parse(start)
    return when(time) if precision is None else rfc3339.about(time, precision)


def span(seconds: float) -> str:
    """A duration for people, in one unit."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def outline(value: Any, *, indent: int = 0) -> Iterator[str]:
    """Lines that show a rendered body, one member a line, for reading before signing."""
    pad = "  " * indent
    for name, member in value.items():
        if isinstance(member, dict) and member:
            yield f"{pad}{name}:"
            yield from outline(member, indent=indent + 1)
        elif isinstance(member, list) and any(isinstance(item, dict) for item in member):
            for index, item in enumerate(member):
                yield f"{pad}{name}[{index}]:"
                yield from outline(item if isinstance(item, dict) else {"": item}, indent=indent + 1)
        elif isinstance(member, list):
            yield f"{pad}{name}: {', '.join(_line(item) for item in member) or '(none)'}"
        else:
            yield f"{pad}{name}: {'(none)' if member is None else _line(member)}"


def _line(value: object) -> str:
    """Return one line for any text, so that a reason cannot look like a separate member."""
    return safe(value).replace("\n", "\\n")


def public_text(public: str) -> str:
    """A public key, given in hexadecimal digits, in the form people compare: `z6Mk…`."""
    from accredit.registry.encoding.ed25519 import multibase

    return multibase(bytes.fromhex(public)) if _HEX32.fullmatch(public) else public


def _key_text(value: bytes) -> str:
    """Return a key as `public_text` does, or as hexadecimal digits if it is not usable. Cryptography is loaded only
    here."""
    from accredit.registry.encoding.ed25519 import is_usable_public, multibase

    return multibase(value) if is_usable_public(value) else value.hex()
