"""Reads a history from any table with one line for each spell or step, and a map (TOML) that names its columns.

    source = "our-register"             # short name, kept with every grant
    as_of = 2020-11-02                  # only for a table that you do not keep: its date, which answers mention

    [columns]                           # our name = the heading in the table
    institution = "School no."          # required: what names the institution in the table
    name = "School"                     # required
    start = "Accredited since"          # required on a line that is a spell
    end = "Until"
    id = "DID"                          # also: status, program, program_name, agency, url, place, review, number
    step = "Decision"                   # a line with a word here is a step, dated by `date`
    date = "Decided on"                 # also: text, until

    [statuses]                          # the table's words; a blank cell, or no column, is "accredited"
    "provisional" = "candidate"
    [steps]                             # the table's words; after a colon the sanction that is imposed or lifted
    "put on probation" = "sanction:probation"
    [dates]
    formats = ["%d/%m/%Y", "%Y"]        # besides 2015-05-20, 2015-05 and 2015
    [scope]                             # as in a grant file; without it, everything

Each step has one of the effects in `HistoryDeed`. Dates known only to a year or month keep this precision.
"""

import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final
from urllib.parse import quote

from accredit.cli.importers import spreadsheet
from accredit.cli.importers.damage import day_of_serial, find_damage
from accredit.cli.importers.findings import ImportFinding
from accredit.cli.importers.spreadsheet import Reading, SheetLine
from accredit.node.places import jurisdiction
from accredit.registry.domain.vocabulary import REASON_CODES, SANCTION_LEVELS
from accredit.registry.encoding import rfc3339, schema
from accredit.registry.encoding.counts import many
from accredit.registry.encoding.identifiers import canonical_issuer
from accredit.registry.encoding.rfc3339 import PRECISIONS, instant
from accredit.registry.errors import DecodeError
from accredit.registry.limits import TEXT_CHARS

from .deeds import LOSSES, HistoryDeed
from .facts import (
    ACCREDITED,
    DENIED,
    EARLIEST,
    STATUSES,
    WHOLE,
    Agency,
    Dated,
    History,
    HistoryFinding,
    HistorySpell,
    Institution,
    SpellKey,
    Step,
)

KEY_CHARS: Final = 90
"""The longest key of an institution, agency, programme or spell: three of them name a grant in its `source_record`."""

ADDRESS_CHARS: Final = 300
"""Most characters of an institution's or agency's name in an address; one of another script counts as six or nine."""

COLUMNS: Final = (
    *("institution", "name", "id", "url", "place", "agency", "program", "program_name", "number"),
    *("start", "end", "status", "review", "step", "date", "until", "reason", "text"),
)
NEEDED: Final = ("institution", "name")
_SHARING: Final = ({"institution", "name", "id"}, {"program", "program_name"})
"""Columns that may have the same heading: in a sheet without numbers, a school's name is also what names it."""
_TABLES: Final = ("columns", "statuses", "steps", "dates", "scope")
_LIFTED: Final = ("condition", *SANCTION_LEVELS)
_OWN: Final = "own"
"""The key of the agency if a table has none: the importing authority."""


class HistoryMap:
    """The checked content of a map.

    Raises:
        DecodeError: it names an unknown member, column, status or step.
    """

    def __init__(self, written: Mapping[str, Any], where: str) -> None:
        self.where = where
        for name in written:
            if name not in ("source", "as_of", *_TABLES):
                raise self._wrong(
                    f"has a member {name}, which is unknown.", f"Known: source, as_of, {', '.join(_TABLES)}."
                )
        self.source = written.get("source")
        if not isinstance(self.source, str) or not self.source.strip():
            raise self._wrong("has no source.", 'Add a short name of the table, as source = "our-register".')
        as_of = written.get("as_of")
        if as_of is not None and type(as_of) is not date:
            raise self._wrong("has an as_of that is no day.", "Write as_of = 2020-11-02, without quotes.")
        self.as_of = None if as_of is None else instant(as_of.isoformat(), days=True)
        parts = {name: written.get(name, {}) for name in _TABLES}
        for name, part in parts.items():
            if not isinstance(part, dict):
                raise self._wrong(f"has a {name} that is no table.", f"Begin it with a line [{name}].")
        self.columns: dict[str, str] = {}
        self.copies: dict[str, str] = {}  # a column of ours without a heading of its own: the one with which it shares
        for column, head in parts["columns"].items():
            if column not in COLUMNS or not isinstance(head, str):
                raise self._wrong(f"maps a column {column}.", f"Known: {', '.join(COLUMNS)}, each with a heading.")
            first = self.columns.setdefault(head, column)
            if first != column:
                if not any({first, column} <= names for names in _SHARING):
                    raise self._wrong(
                        f"gives {first} and {column} the one heading {head!r}.",
                        "Give each a column of its own; only the names of one thing may share a column.",
                    )
                self.copies[column] = first
        for column in NEEDED:
            if column not in (*self.columns.values(), *self.copies):
                raise self._wrong(f"does not say which column is the {column}.", f"Add {column} to [columns].")
        self.statuses = {str(word).casefold(): self._status(named) for word, named in parts["statuses"].items()}
        self.steps = {str(word).casefold(): self._step(named) for word, named in parts["steps"].items()}
        formats = parts["dates"].get("formats", [])
        if not isinstance(formats, list) or not all(isinstance(one, str) for one in formats):
            raise self._wrong("has formats of dates that are no list of texts.", 'Write formats = ["%d/%m/%Y"].')
        self.formats: tuple[str, ...] = tuple(formats)
        self.scope: Mapping[str, Any] | None = parts["scope"] or None

    def _wrong(self, what: str, hint: str) -> DecodeError:
        return DecodeError("bad_map", f"{self.where} {what}", hint=hint)

    def _status(self, named: Any) -> str:
        if named not in STATUSES:
            raise self._wrong(f"gives a status the meaning {named!r}.", f"Write one of {', '.join(STATUSES)}.")
        return str(named)

    def _step(self, named: Any) -> tuple[HistoryDeed, str]:
        word, _, level = str(named).partition(":")
        deeds = ", ".join(HistoryDeed)
        if word not in list(HistoryDeed):
            raise self._wrong(f"gives a step the meaning {word!r}.", f"Write one of {deeds}.")
        deed = HistoryDeed(word)
        levels = {HistoryDeed.SANCTION: SANCTION_LEVELS, HistoryDeed.LIFT: _LIFTED}.get(deed, ())
        if (level or levels) and level not in levels:
            hint = f"Write {word}: and one of {', '.join(levels)}." if levels else f"Write {word} alone."
            raise self._wrong(f"gives a step the meaning {named!r}.", hint)
        return deed, level

    def dated(self, written: str) -> Dated:
        """Return a date of the table with its written precision.

        Raises:
            DecodeError: the text is not a date, or two formats of the map read it differently.
        """
        text = spreadsheet.day_of_cell(written)
        found = {date for format in ("%Y-%m-%d", "%Y-%m", "%Y", *self.formats) if (date := _by(format, text))}
        if not found:
            meant = day_of_serial(text)
            hint = f"A spreadsheet's own number for {meant}? " if meant else ""
            raise DecodeError(
                "bad_date", f"{written!r} is no date.", hint=f"{hint}Write 2015-05-20, or add its form to [dates]."
            )
        if len(found) > 1:
            days = " or ".join(rfc3339.day(one.time) for one in sorted(found, key=lambda one: one.time))
            raise DecodeError(
                "unclear_date",
                f"{written!r} may be {days}, by the formats of the map.",
                hint="Leave one of them in [dates], or write 2015-05-20.",
            )
        return found.pop()


def _by(format: str, text: str) -> Dated | None:
    """Return the date in a text by one format, with the format's precision; None if it does not fit or is too early."""
    try:
        found = datetime.strptime(text, format).replace(tzinfo=UTC)
    except ValueError:
        return None
    precision = "" if "%d" in format or "%j" in format else "month" if "%m" in format else "year"
    assert precision in ("", *PRECISIONS)
    time = instant(found.strftime("%Y-%m-%d").zfill(10), days=True)
    return Dated(time, precision) if time >= EARLIEST else None


def read(data: bytes, where: str, map: HistoryMap, now: int, encoding: str = "") -> History:
    """Return the history in a table.

    Args:
        where: the file, for messages. now: no later date can be meant, seconds.
        encoding: of a file that is not Unicode, as Python names it.

    Raises:
        DecodeError: the file is not a table with the columns of the map.
    """
    return _Reader(where, map, now).history(spreadsheet.decode(data, where, encoding))


class _Reader:
    def __init__(self, where: str, map: HistoryMap, now: int) -> None:
        self._where = where
        self._map = map
        self._now = now
        self._findings: list[HistoryFinding] = []
        self._institutions: dict[str, Institution] = {}
        self._agencies: dict[str, Agency] = {}
        self._programs: dict[str, str] = {}

    def history(self, text: str) -> History:
        copies = self._map.copies
        needed = tuple(column for column in NEEDED if column not in copies)
        reading = Reading(renamed=self._map.columns, needed=needed, ignores_unknown=True)
        spells: list[HistorySpell] = []
        steps: list[Step] = []
        counts: dict[tuple[str, str, str], int] = {}
        rows = 0
        for line in spreadsheet.read(text, self._where, COLUMNS, reading):
            rows += 1
            where = f"{self._where}, line {line.number}"
            cells = {name: cell.strip().replace("\r\n", "\n") for name, cell in line.cells.items()}
            cells |= {column: cells[first] for column, first in copies.items() if first in cells}
            try:
                key = self._key(line, cells, where)
                if "step" in cells:
                    steps.append(self._step(cells, key, where))
                else:
                    number = cells.get("number") or str(counts.get(key[:3], 0) + 1)
                    spells.append(self._spell(cells, SpellKey(*key[:3], number), where))
                    counts[key[:3]] = counts.get(key[:3], 0) + 1
            except DecodeError as error:
                finding = ImportFinding(code=error.code, text=error.message, hint=error.hint)
                about = cells.get("name", cells.get("institution", ""))
                self._findings.append(HistoryFinding(where=where, about=about, finding=finding))
        if not rows:
            raise DecodeError(
                "no_rows",
                f"{self._where}: below its headings the table holds no line.",
                hint="Save the sheet again, with the lines of its spells and steps.",
            )
        return History(
            source=str(self._map.source),
            snapshot=self._map.as_of,
            agencies=self._agencies,
            institutions=self._institutions,
            programs=self._programs,
            spells=spells,
            steps=steps,
            findings=self._findings,
            rows=rows,
        )

    def _key(self, line: SheetLine, cells: Mapping[str, str], where: str) -> SpellKey:
        if line.surplus:
            raise DecodeError("too_many_cells", f"It has {many(line.surplus, 'more cell')} than the first line.")
        if damaged := next(iter(find_damage(cells)), None):
            raise DecodeError(damaged.code, damaged.text, hint=damaged.hint)
        for name in NEEDED:
            if name not in cells:
                raise DecodeError("missing_cell", f"It has no {name}.", hint="Fill the cell in.")
        for column, cell in cells.items():
            _CHECKS.get(column, _LINE)(cell, column)
        if "id" in cells:
            canonical_issuer(cells["id"])
        institution, program = cells["institution"], cells.get("program", WHOLE)
        agency = cells.get("agency", _OWN)
        if max(len(quote(one)) for one in (institution, agency)) > ADDRESS_CHARS:
            raise DecodeError("bad_key", "Its institution or agency is too long to name.", hint="Use a number.")
        if "/" in f"{institution}{agency}{program}":
            raise DecodeError("bad_key", "A number with a slash cannot name anything.", hint="Write it without.")
        place = jurisdiction(cells["place"]) if "place" in cells else None
        known = self._institutions.setdefault(
            institution,
            Institution(
                key=institution,
                name=cells["name"],
                id=cells.get("id", ""),
                web=cells.get("url", ""),
                jurisdiction=place or "",
                where=where,
            ),
        )
        if known.name != cells["name"] or known.id != cells.get("id", known.id):
            raise DecodeError(
                "other_name",
                f"{institution} is {known.name} in an earlier line, and {cells['name']} here.",
                hint="Write one name and one id for each institution.",
            )
        self._agencies.setdefault(agency, Agency(key=agency, name=agency, where=where))
        self._programs.setdefault(program, cells.get("program_name", "as a whole" if program == WHOLE else program))
        return SpellKey(institution, agency, program, cells.get("number", ""))

    def _spell(self, cells: Mapping[str, str], key: SpellKey, where: str) -> HistorySpell:
        word = cells.get("status", "").casefold()
        status = self._map.statuses.get(word, word if word in STATUSES else ACCREDITED if not word else "")
        if not status:
            raise DecodeError(
                "unknown_status", f"The status {cells['status']!r} is unknown.", hint=_ADD.format("statuses")
            )
        start = self._date(cells, "start")
        end = self._date(cells, "end")
        if end is not None and end.precision:
            raise DecodeError("no_day", f"It ended in {cells['end']}; an end needs its day.", hint="Fill in the day.")
        if start is None and (status != DENIED or end is None):
            raise DecodeError("no_start", "It does not say when it began.", hint="Fill in the date, or its year.")
        review = self._map.dated(cells["review"]).time if "review" in cells else None
        return HistorySpell(
            key=key,
            start=None if status == DENIED else start,
            status=status,
            end=end.time if end is not None else start.time if status == DENIED and start is not None else None,
            review=review,
            where=where,
        )

    def _step(self, cells: Mapping[str, str], key: SpellKey, where: str) -> Step:
        meaning = self._map.steps.get(cells["step"].casefold())
        if meaning is None:
            raise DecodeError("unknown_step", f"The step {cells['step']!r} is unknown.", hint=_ADD.format("steps"))
        deed, level = meaning
        date, until = self._date(cells, "date"), self._date(cells, "until")
        if date is None or date.precision:
            raise DecodeError("no_date", "A step needs its day.", hint="Fill in the date.")
        reason = cells.get("reason", "voluntary" if deed is HistoryDeed.WITHDRAW else "other").casefold()
        if reason not in REASON_CODES:
            raise DecodeError(
                "bad_reason", f"{reason!r} is no reason.", hint=f"Write one of {', '.join(REASON_CODES)}."
            )
        if deed is HistoryDeed.NOTHING:
            raise DecodeError("changes_nothing", f"{cells['step']} changes nothing, says the map.")
        text = ". ".join(part for part in (cells["step"], cells.get("text", "")) if part)
        return Step(
            key=key,
            date=date.time,
            deed=deed,
            said=cells["step"],
            level=level,
            reason="closure" if deed is HistoryDeed.CLOSE and "reason" not in cells else reason,
            text=text[:TEXT_CHARS].strip(),
            clears=deed not in LOSSES,
            until=None if until is None else until.time,
            where=where,
        )

    def _date(self, cells: Mapping[str, str], column: str) -> Dated | None:
        if column not in cells:
            return None
        found = self._map.dated(cells[column])
        if found.time > self._now and column in ("start", "date"):
            raise DecodeError("bad_date", f"{cells[column]!r} has not come yet.", hint="Correct the date.")
        return found


_LINE: Final = schema.text()
_CHECKS: Final[Mapping[str, schema.Check]] = {
    **dict.fromkeys(("institution", "agency", "program", "number"), schema.text(KEY_CHARS)),
    "text": schema.text(sys.maxsize, lines=True),
}
"""Checks of cells, so that a statement can contain them; a long reason is cut."""

_ADD: Final = "Add the word to [{}] of the map."
