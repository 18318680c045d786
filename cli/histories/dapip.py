"""DAPIP, the U.S. Department of Education's Database of Accredited Postsecondary Institutions and Programs, as CSV.

A folder holds `agencies.csv`, `institutions.csv`, `programs.csv`, `records.csv` and `actions.csv`: the sheets of the
Department's public download, one table a file, with the heads in `HEADS`. `hd-extract.csv`, if it is there too, is the
directory of IPEDS (National Center for Education Statistics); of it the web site, the sector, the level and the
successor are taken, by UNITID.

The Department publishes the reports of agencies and is not liable for them: the facts read here were *reported* by the
date of the download.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from accredit.cli.importers import spreadsheet
from accredit.cli.importers.damage import find_damage
from accredit.cli.importers.findings import ImportFinding
from accredit.cli.importers.spreadsheet import Reading, SheetLine
from accredit.registry.encoding.counts import many
from accredit.registry.encoding.rfc3339 import day, instant
from accredit.registry.errors import DecodeError
from accredit.registry.limits import NAME_CHARS, TEXT_CHARS

from .deeds import ACTIONS, CLEARS, JUSTIFICATIONS, RECORD_STATUSES, HistoryDeed
from .facts import DENIED, EARLIEST, Agency, Dated, History, HistoryFinding, HistorySpell, Institution, SpellKey, Step

HEADS: Final[Mapping[str, tuple[str, ...]]] = {
    "agencies.csv": ("agency_id", "agency_name"),
    "institutions.csv": ("dapip_id", "opeid", "ipeds_unitids", "name", "state", "updated"),
    "programs.csv": ("program_id", "program_name"),
    "records.csv": (
        *("dapip_id", "agency_id", "program_id", "seq", "date_flag", "accredited", "status", "review"),
        *("department", "ended"),
    ),
    "actions.csv": ("dapip_id", "agency_id", "program_id", "seq", "action", "date", "justification", "other", "end"),
}
"""File -> the columns that are read; others may stand beside them."""

IPEDS_FILE: Final = "hd-extract.csv"
IPEDS_HEADS: Final = ("unitid", "webaddr", "iclevel", "control", "newid")

SOURCE: Final = "dapip"

_REVIEW_YEARS: Final = 30
"""Years ahead that a review may lie and be no typing error; the longest cycle of an agency has ten."""

_LAG: Final = 366 * 86_400
"""Seconds after the newest decision in a download that a date in it may lie and be no typing error."""

_FORMERLY: Final = re.compile(r"\s*[–-]?\s*(?:[A-Z][a-z]+ \d{1,2}, \d{4})?\s*\(?Formerly:?\s*(.+?)\)?\s*$")
_SECTORS: Final = {"1": "public", "2": "private_nonprofit", "3": "private_forprofit"}
_CATEGORIES: Final = {("1", "1"): "postsecondary_4yr", ("1", "2"): "postsecondary_4yr", ("1", "3"): "postsecondary_4yr"}
_COUNTRIES: Final = ("FM", "MH", "PW")
"""Freely associated states, which are countries of their own in ISO 3166."""


def read(files: Mapping[str, bytes], now: int) -> History:
    """Return the history in the files of a folder.

    Args:
        files: name -> bytes.
        now: no date after it can be meant, seconds. The newest one before is what the files vouch for.

    Raises:
        DecodeError: `missing_file`, or a file is not a table with the columns of `HEADS`.
    """
    return _Reader(files, now).history()


class _Reader:
    def __init__(self, files: Mapping[str, bytes], now: int) -> None:
        missing = [name for name in HEADS if name not in files]
        if missing:
            raise DecodeError(
                "missing_file",
                f"The folder has no {' and no '.join(missing)}.",
                hint=f"Save each sheet of the download as CSV: {', '.join(HEADS)}.",
            )
        self._files = files
        self._now = now
        self._findings: list[HistoryFinding] = []
        self._rows = 0
        self._newest = 0

    def history(self) -> History:
        agencies = dict(self._agencies())
        programs = {line.cells["program_id"]: _text(line.cells["program_name"]) for line in self._lines("programs.csv")}
        self._newest = max((date for date in self._dates() if date <= self._now), default=self._now)
        institutions = dict(self._institutions())
        spells = [one for one in self._spells() if self._is_whole(one.key, one.where, agencies, programs, institutions)]
        steps = [one for one in self._steps() if self._is_whole(one.key, one.where, agencies, programs, institutions)]
        return History(
            source=SOURCE,
            snapshot=self._newest,
            agencies=agencies,
            institutions=institutions,
            programs=programs,
            spells=spells,
            steps=steps,
            findings=self._findings,
            rows=self._rows,
        )

    # ------------------------------------------------------------------------------------------------ tables

    def _lines(self, name: str, heads: tuple[str, ...] = ()) -> Iterator[SheetLine]:
        known = heads or HEADS[name]
        data = self._files[name]
        for line in spreadsheet.read(
            spreadsheet.decode(data, name), name, known, Reading(needed=known, ignores_unknown=True)
        ):
            self._rows += 1
            keys = [column for column in known if column.endswith("_id") or column in ("seq", "unitid")]
            absent = [column for column in keys if column not in line.cells]
            if line.surplus or absent:
                what = f"has no {absent[0]}" if absent else f"has {many(line.surplus, 'more cell')} than the first line"
                self._leave(_at(name, line), "", "bad_row", f"The row {what}.", "Correct the row in the file.")
                continue
            if damaged := next(iter(find_damage(line.cells)), None):
                self._leave(_at(name, line), "", damaged.code, damaged.text, damaged.hint)
                continue
            yield line

    def _leave(self, where: str, about: str, code: str, text: str, hint: str = "", *, left_out: bool = True) -> None:
        finding = ImportFinding(code=code, text=text, hint=hint)
        self._findings.append(HistoryFinding(where=where, about=about, finding=finding, is_left_out=left_out))

    def _dates(self) -> Iterator[int]:
        """Return the days of decisions and ends; the newest of them is taken as the day of the download."""
        for name, columns in (("actions.csv", ("date",)), ("records.csv", ("accredited", "ended"))):
            text = spreadsheet.decode(self._files[name], name)
            for line in spreadsheet.read(text, name, HEADS[name], Reading(needed=HEADS[name], ignores_unknown=True)):
                for column in columns:
                    try:
                        yield instant(spreadsheet.day_of_cell(line.cells.get(column, "")), days=True)
                    except DecodeError:
                        continue

    def _agencies(self) -> Iterator[tuple[str, Agency]]:
        for line in self._lines("agencies.csv"):
            key, written = line.cells["agency_id"], _text(line.cells.get("agency_name", ""))
            match = _FORMERLY.search(written)
            name = written[: match.start()].rstrip(" –-,") if match else written
            former = (match[1],) if match else ()
            if match:
                text = f"The name carries history; {name} was taken as the name, and {match[1]} as a former one."
                self._leave(_at("agencies.csv", line), name, "name_with_history", text, left_out=False)
            yield key, Agency(key=key, name=name, former_names=former, where=_at("agencies.csv", line))

    def _institutions(self) -> Iterator[tuple[str, Institution]]:
        ipeds = self._ipeds()
        holders = {
            unit: line.cells["dapip_id"]
            for line in self._silently("institutions.csv")
            for unit in _units(line.cells.get("ipeds_unitids", ""))
        }
        for line in self._lines("institutions.csv"):
            cells, where = line.cells, _at("institutions.csv", line)
            key, name = cells["dapip_id"], _text(cells.get("name", ""))[:NAME_CHARS]
            if not name:
                self._leave(where, key, "missing_name", "The institution has no name.", "Add its name.")
                continue
            if "updated" in cells:
                self._day(cells["updated"], where, name, "updated", latest=self._newest + _LAG, is_vital=False)
            units = _units(cells.get("ipeds_unitids", ""))
            known = [ipeds[unit] for unit in units if unit in ipeds]
            facts = known[0] if len(units) == 1 and known else {}
            opeid = cells.get("opeid", "")
            identifiers = [("dapip_id", key), *(("ipeds_unitid", unit) for unit in units)]
            if opeid.isdigit() and opeid.strip("0"):
                identifiers.append(("opeid", opeid.zfill(8)))
            elif opeid:
                text = f"{opeid!r} is not an OPEID, and was left out."
                self._leave(where, name, "bad_opeid", text, left_out=False)
            control, level = facts.get("control", ""), facts.get("iclevel", "")
            category = _CATEGORIES.get((level, control), "")
            yield (
                key,
                Institution(
                    key=key,
                    name=name,
                    identifiers=tuple(identifiers),
                    jurisdiction=_place(cells.get("state", "")),
                    web=facts.get("webaddr", ""),
                    sector=_SECTORS.get(control, ""),
                    category="community_college" if (level, control) == ("2", "1") else category,
                    successor=holders.get(facts.get("newid", ""), ""),
                    where=where,
                ),
            )

    def _silently(self, name: str) -> Iterator[SheetLine]:
        """Return the good lines of a file without reporting the others, which are reported when the file is really
        read."""
        findings, rows = list(self._findings), self._rows
        yield from self._lines(name)
        self._findings[:], self._rows = findings, rows

    def _ipeds(self) -> dict[str, dict[str, str]]:
        if IPEDS_FILE not in self._files:
            return {}
        return {line.cells["unitid"]: dict(line.cells) for line in self._lines(IPEDS_FILE, IPEDS_HEADS)}

    def _spells(self) -> Iterator[HistorySpell]:
        for line in self._lines("records.csv"):
            cells, where, key = line.cells, _at("records.csv", line), _key(line)
            status = RECORD_STATUSES.get(_text(cells.get("status", "")))
            if status is None:
                text = f"The status {cells.get('status', '')!r} is unknown."
                self._leave(where, key.text, "unknown_status", text, f"Known: {', '.join(RECORD_STATUSES)}.")
                continue
            start = self._day(cells.get("accredited", ""), where, key.text, "accredited", latest=self._newest)
            end = self._day(cells.get("ended", ""), where, key.text, "ended", latest=self._newest + _LAG)
            review = self._day(
                cells.get("review", ""),
                where,
                key.text,
                "review",
                latest=self._newest + _REVIEW_YEARS * _LAG,
                is_vital=False,
            )
            if isinstance(start, DecodeError) or isinstance(end, DecodeError):
                continue
            if start is None and status != DENIED:
                self._leave(where, key.text, "no_start", "The record does not say when it began.", "Add the date.")
                continue
            is_about = cells.get("date_flag", "") == "Estimated"
            yield HistorySpell(
                key=key,
                start=None if start is None else _dated(start, is_about=is_about),
                status=status,
                end=end,
                review=None if isinstance(review, DecodeError) else review,
                department=_text(cells.get("department", "")),
                as_reported=day(start) if start is not None and is_about else "",
                where=where,
            )

    def _steps(self) -> Iterator[Step]:
        for line in self._lines("actions.csv"):
            cells, where, key = line.cells, _at("actions.csv", line), _key(line)
            said = _text(cells.get("action", ""))
            meaning = ACTIONS.get(said)
            if meaning is None:
                text = f"The action {said!r} is unknown."
                self._leave(where, key.text, "unknown_action", text, "docs/history.md lists the known ones.")
                continue
            date = self._day(cells.get("date", ""), where, key.text, "date", latest=self._newest)
            until = self._day(cells.get("end", ""), where, key.text, "end", latest=self._newest + 10 * _LAG)
            if date is None:
                self._leave(where, key.text, "no_date", f"The action {said!r} has no date.", "Add the date.")
            if date is None or isinstance(date, DecodeError) or isinstance(until, DecodeError):
                continue
            justification = _text(cells.get("justification", ""))
            reason = meaning.reason or JUSTIFICATIONS.get(justification, "other")
            if meaning.deed is HistoryDeed.NOTHING:
                text = f"{said}: {meaning.why}." if meaning.why else f"{said} changes nothing."
                self._leave(where, key.text, "changes_nothing", text)
                continue
            yield Step(
                key=key,
                date=date,
                deed=meaning.deed,
                said=said,
                level=meaning.level,
                reason=reason,
                text=_reason_text(said, justification, _text(cells.get("other", ""))),
                clears=justification in CLEARS,
                until=until,
                where=where,
            )

    def _day(
        self, written: str, where: str, about: str, column: str, *, latest: int, is_vital: bool = True
    ) -> int | DecodeError | None:
        """Return the beginning of a day; None without a valid date, after reporting an error."""
        if not written:
            return None
        try:
            time = instant(spreadsheet.day_of_cell(written), where=column, days=True)
            if not EARLIEST <= time <= latest:
                raise DecodeError(
                    "implausible_date", f"{written} cannot be meant: the data end on {day(self._newest)}."
                )
        except DecodeError as error:
            text = f"The column {column} holds {written!r}, which is no date that can be meant; " + (
                "the row was left out." if is_vital else "the date was left out and the rest was taken."
            )
            hint = "Correct the date in the file, as 2015-05-20."
            self._leave(where, about, "bad_date", text, hint, left_out=is_vital)
            return error
        return time

    def _is_whole(
        self,
        key: SpellKey,
        where: str,
        agencies: Mapping[str, Any],
        programs: Mapping[str, Any],
        institutions: Mapping[str, Any],
    ) -> bool:
        """Return whether everything that a row names exists; report what does not."""
        for what, name, known in (
            ("institution", key.institution, institutions),
            ("agency", key.agency, agencies),
            ("programme", key.program, programs),
        ):
            if name not in known:
                text = f"The {what} {name} is in no other file."
                self._leave(where, key.text, f"unknown_{what}", text, "Add its row, or correct the number.")
                return False
        return True


def _dated(time: int, *, is_about: bool) -> Dated:
    return Dated(instant(f"{day(time)[:4]}-01-01", days=True), "year") if is_about else Dated(time)


def _at(name: str, line: SheetLine) -> str:
    return f"{name}, line {line.number}"


def _key(line: SheetLine) -> SpellKey:
    cells = line.cells
    return SpellKey(*(cells[name].strip() for name in ("dapip_id", "agency_id", "program_id", "seq")))


def _text(written: str) -> str:
    """Return a cell as one line, without the characters that a statement may not hold."""
    return re.sub(r"[\x00-\x1f\x7f-\xa0\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\s]+", " ", written).strip()


def _reason_text(said: str, justification: str, other: str) -> str:
    """Return the source's own words about a step."""
    own = justification.removesuffix("- Provide unlisted or multiple justifications").strip()
    parts: Iterable[str] = (said, "" if own == "Other" else own, other)
    return ". ".join(part.rstrip(".") for part in parts if part)[:TEXT_CHARS].strip()


def _units(written: str) -> list[str]:
    return [unit for unit in re.split(r"[,;|\s]+", written) if unit.isdigit()]


def _place(state: str) -> str:
    """Return the jurisdiction of a postal abbreviation; empty if there is none."""
    if not re.fullmatch("[A-Z]{2}", state):
        return ""
    return state if state in _COUNTRIES else f"US-{state}"
