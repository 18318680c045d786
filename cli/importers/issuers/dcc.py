"""Lists of the Digital Credentials Consortium, as they are published.

A list is `{"meta": {created, updated}, "registry": {<did>: {name, ?location, ?url}}}`. They are edited by hand, so one
DID can stand in a list twice, under two names: every pair is read. A list of known registries
(`[{name, type, governanceUrl, url | trustAnchorEC}]`) holds no issuers: each of its entries is refused with what to do.

The history of such lists is `[{registry, time, commit, op: add|update|remove, did, ?data}]`. Its events are applied in
order of time, list by list. The final entries are proposed. Removed entries are left out, and the report says so: a
removal without a reason is not a revocation.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from accredit.cli.importers.findings import ImportFinding
from accredit.cli.importers.reading import Lines, Table
from accredit.registry.encoding import rfc3339
from accredit.registry.errors import DecodeError

from .row import LEFT_OUT, READY, REFUSED, Row
from .rows import take

_OPS: Final = ("add", "update", "remove")


def is_list(value: Any) -> bool:
    """Return whether a JSON value looks like a DCC list."""
    return isinstance(value, Mapping) and "registry" in value


def is_history(value: Any) -> bool:
    """Return whether it looks like a history of such lists."""
    return _any_with(value, {"did", "op"})


def is_known_registries(value: Any) -> bool:
    """Return whether it looks like a list of registries."""
    return _any_with(value, {"governanceUrl"}) or _any_with(value, {"trustAnchorEC"})


def _any_with(value: Any, members: set[str]) -> bool:
    return isinstance(value, list) and any(isinstance(one, Mapping) and members <= one.keys() for one in value)


def list_rows(value: Mapping[str, Any], text: str, source: str) -> list[Row]:
    """Return the rows of a list.

    Args:
        value: as `reading.read_json` returns it.
        text: the source text, to name lines.

    Raises:
        DecodeError: `registry` is not an object, or there are two of them.
    """
    registry = value["registry"]
    if not isinstance(registry, Table) or (isinstance(value, Table) and "registry" in value.doubled()):
        raise DecodeError(
            "not_a_dcc_list",
            f"{source}: the member registry must be one object.",
            hint='Write it like {"registry": {"did:web:example.edu": {"name": …, "url": …}}}.',
        )
    lines = Lines(text)
    return [take(source, _place(lines.of(id), index), id, entry) for index, (id, entry) in enumerate(registry.pairs, 1)]


def _place(line: int | None, number: int) -> str:
    return f"line {line}" if line is not None else f"entry {number}"


def known_registries_rows(entries: Sequence[Any], source: str) -> list[Row]:
    """Return one refused row for each registry named."""
    return [_registry_row(entry, f"entry {number}", source) for number, entry in enumerate(entries, 1)]


def _registry_row(entry: Any, place: str, source: str) -> Row:
    entry = entry if isinstance(entry, Mapping) else {}
    name, url = (str(entry.get(member) or "") for member in ("name", "url"))
    hint = f"Download {url} and import that file." if url else "Ask the registry for a list of its issuers."
    finding = ImportFinding(code="not_an_issuer", text="The entry names a registry, not an issuer.", hint=hint)
    return Row(source=source, place=place, id=url, name=name, result=REFUSED, findings=(finding,))


# ------------------------------------------------------------------------------------------------ history


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    registry: str
    did: str
    op: str
    time: int
    data: Any
    place: str


def history_rows(events: Sequence[Any], source: str) -> list[Row]:
    """Return the final rows of a history, those that were removed, and events that cannot be read."""
    read: list[_Event] = []
    unread: list[Row] = []
    spoilt: dict[str, str] = {}
    for number, event in enumerate(events, 1):
        place = f"event {number}"
        try:
            read.append(_event(event, place))
        except DecodeError as error:
            did = event.get("did") if isinstance(event, Mapping) else None
            did = did if isinstance(did, str) else ""
            spoilt.setdefault(did, place)
            finding = ImportFinding(
                code=error.code, text=error.message, hint=error.hint or "Correct it in the history."
            )
            unread.append(Row(source=source, place=place, id=did, name="", result=REFUSED, findings=(finding,)))
    read.sort(key=lambda event: event.time)
    last: dict[tuple[str, str], list[_Event]] = {}
    for event in read:
        last.setdefault((event.registry, event.did), []).append(event)
    return [*(_held_back(row, spoilt) for row in _ends(last, source)), *unread]


def _held_back(row: Row, spoilt: Mapping[str, str]) -> Row:
    """Return the row, refused if an event of the same DID could not be read, because that event may remove it."""
    place = spoilt.get(row.id)
    if place is None or row.result != READY:
        return row
    finding = ImportFinding(
        code="unread_event",
        text=f"Held back: {place} is also about it but cannot be read, so its status is unknown.",
        hint="Correct that event and import the history again.",
    )
    return row.ended(REFUSED, finding)


def _ends(histories: Mapping[tuple[str, str], Sequence[_Event]], source: str) -> Iterator[Row]:
    for (registry, did), history in histories.items():
        where = f"{source} ({registry})"
        end = history[-1]
        if end.op != "remove":
            yield take(where, end.place, did, end.data)
            continue
        stood = next((event for event in reversed(history) if event.op != "remove"), None)
        if stood is None:
            finding = ImportFinding(
                code="removed_unknown",
                text="It was removed, but never added.",
                hint="Look it up in the list's history.",
            )
            yield Row(source=where, place=end.place, id=did, name="", result=REFUSED, findings=(finding,))
            continue
        row = take(where, end.place, did, stood.data)
        finding = ImportFinding(
            code="removed",
            text=f"Removed from {registry} on {rfc3339.text(end.time)[:10]}; not proposed.",
            hint="If it is accredited here, find out why it was removed, then decide: accredit accreditation suspend",
        )
        yield row.ended(LEFT_OUT, finding)


def _event(event: Any, place: str) -> _Event:
    if not isinstance(event, Mapping):
        raise DecodeError("bad_event", "The event is not an object.", hint="Remove the event.")
    for member in ("registry", "time", "op", "did"):
        if not isinstance(event.get(member), str) or not event[member]:
            raise DecodeError("bad_event", f"The event has no {member}.", hint="Add it, as in the other events.")
    if event["op"] not in _OPS:
        raise DecodeError(
            "bad_event", f"The event has the unknown op {event['op']!r}.", hint=f"Known ops: {', '.join(_OPS)}."
        )
    return _Event(
        registry=event["registry"],
        did=event["did"],
        op=event["op"],
        time=rfc3339.instant(event["time"], where="time", days=True),
        data=event.get("data"),
        place=place,
    )
