"""Competency frameworks: the statements about one, its items in parts, and when they count.

`framework.publish` says title, version and the root over all items; `framework.items` brings them in parts, in the
order of the source, each small enough for a statement. A framework is *complete* once parts of the same authority give
exactly `item_count` items whose RFC 6962 root is `items_root`; only then are its competencies in the registry.

Record `framework` (lists by id):

    {id, stated: [{by, via, statement, iat, title, version, format, …, complete: bool, parts: [numbers held],
                   events: [{by, via, statement, iat, status, effective_from, after}]}]}

Record `competency`, for every id and alias of an item of a complete framework, and for what mappings link (`mappings`):

    {id, in: [{framework, by, via, statement: the publish, item: its id there, parents: […], ?code, ?label}], ?links}
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice, product
from typing import Any, Final, cast

from ..encoding import schema
from ..encoding.cbor import encode
from ..encoding.identifiers import CanonicalId
from ..errors import DecodeError
from ..transparency.merkle import leaf_hash
from ..transparency.tiles import derive_root
from .bodies import FrameworkItem, FrameworkItems, FrameworkPublish
from .issuers import AFTER
from .mappings import in_link_order
from .record_types import (
    CompetencyEntry,
    CompetencyLink,
    CompetencyRecord,
    FrameworkEvent,
    FrameworkRecord,
    StatedFramework,
)
from .records import Effective, heard_from, in_order, source

FORMATS: Final = ("case", "ctdl_asn", "rsd", "esco", "onet", "skos", "csv")
STATUSES: Final = ("active", "deprecated", "withdrawn")
"""From the least restrictive to the most."""

ITEMS_MAX: Final = 2**24
"""Items of one framework; ESCO, the largest published, has some 17,000."""
PARTS_MAX: Final = 2**16
"""Parts of one framework: at some 30 items a statement, two million items."""
ATTEMPTS: Final = 64
"""Combinations tried if a part was published in several versions, as when an author corrects a slip or two."""

ITEM: Final = schema.members(
    {"id": schema.uri, "statement": schema.prose},
    {
        "aliases": schema.list_of(schema.uri, maximum=20),
        "code": schema.text(100),
        "label": schema.text(),
        "type": schema.text(100),
        "parents": schema.list_of(schema.uri, maximum=50),
        "level": schema.text(100),
    },
)


def _check_pattern(value: Any, path: str) -> None:
    schema.text()(value, path)
    if value.count("{identifier}") != 1 or not value.startswith(("https://", "http://", "urn:")):
        raise schema.wrong(path, "an address with {identifier} in it, as in https://example.org/items/{identifier}")


_PUBLISH: Final = schema.members(
    {
        "id": schema.uri,
        "title": schema.text(),
        "version": schema.text(100),
        "format": schema.one_of(*FORMATS),
        "content_digest": schema.digest,
        "item_count": schema.integer(0, ITEMS_MAX),
        "items_root": schema.digest,
    },
    {
        "publisher": schema.text(),
        "license": schema.text(),
        "source_url": schema.link,
        "alias_patterns": schema.list_of(_check_pattern, maximum=20),
        "supersedes": schema.digest,
    },
)
_ITEMS: Final = schema.members(
    {
        "framework": schema.uri,
        "publish": schema.digest,
        "part": schema.integer(0, PARTS_MAX - 1),
        "items": schema.list_of(ITEM, minimum=1),
    }
)
_STATUS: Final = schema.members(
    {
        "framework": schema.uri,
        "publish": schema.digest,
        "status": schema.one_of(*STATUSES),
        "effective_from": schema.time,
        "after": AFTER,
    },
    {"reason_text": schema.prose},
)


def check_publish(body: Any, path: str = "body") -> None:
    """The shape of `framework.publish`. `supersedes` is the id of an earlier publish."""
    _PUBLISH(body, path)


def check_items(body: Any, path: str = "body") -> None:
    """The shape of `framework.items`."""
    _ITEMS(body, path)
    ids = [item["id"] for item in body["items"]]
    for index, id in enumerate(ids):
        if id in ids[:index]:
            raise DecodeError("twice", f"{id} is listed twice.", where=f"{path}.items[{index}].id")


def check_status(body: Any, path: str = "body") -> None:
    """The shape of `framework.status`."""
    _STATUS(body, path)


def items_root(items: Iterable[Mapping[str, Any]]) -> bytes:
    """RFC 6962 root over the encoding of each item, in the source's order."""
    return derive_root(leaf_hash(encode(item)) for item in items)


def committed_parts(publish: FrameworkPublish, parts: Sequence[FrameworkItems]) -> list[int] | None:
    """Return the indices of those `parts` to which a publication commits, by part number; None while any is missing.

    Args:
        parts: bodies of `framework.items` that name the publication, in any order; other bodies may be among them. Of
            two equal ones the first is taken; of several versions of a part the first is tried first.
    """
    ways: _Parts = {}
    for body in parts:
        said = ways.setdefault(body["part"], [])
        if body["items"] not in said:
            said.append(body["items"])
    said_as = [(body["part"], body["items"]) for body in parts]
    unbroken = next(number for number in range(len(ways) + 1) if number not in ways)
    for number in range(unbroken, -1, -1):  # a part beyond the last does not invalidate the others
        first = {part: ways[part] for part in range(number)}
        if (whole := _complete(publish, first)) is not None:
            return [said_as.index((part, items)) for part, items in enumerate(whole)]
    return None


# ------------------------------------------------------------------------------------------------ records


def reduce(
    id: CanonicalId, publishes: Sequence[Effective], items: Sequence[Effective], statuses: Sequence[Effective]
) -> FrameworkRecord | None:
    """Return the framework's record; None if nobody published it.

    Parts and statuses count for the publication they name if the same authority instance signed them.
    """
    stated: list[StatedFramework] = []
    for publish in in_order(publishes):
        parts = _parts(publish, items)
        kept = {name: value for name, value in publish.statement.body.items() if name != "id"}
        derived = {
            "complete": _complete(cast(FrameworkPublish, publish.statement.body), parts) is not None,
            "parts": sorted(parts),
            "events": [_event(one) for one in in_order(statuses) if _belongs(one, publish)],
        }
        stated.append(cast(StatedFramework, {**kept, **source(publish), **derived}))
    return {"id": id, "stated": stated} if stated else None


def _event(said: Effective) -> FrameworkEvent:
    kept = {name: value for name, value in said.statement.body.items() if name not in ("framework", "publish")}
    return cast(FrameworkEvent, {**kept, "effective_from": said.effective_from, **source(said)})


def competencies(
    id: CanonicalId, publishes: Sequence[Effective], items: Sequence[Effective]
) -> dict[CanonicalId, list[CompetencyEntry]]:
    """Return a framework's entries in competency records, by id or alias."""
    entries: dict[CanonicalId, list[CompetencyEntry]] = {}
    for publish in in_order(publishes):
        held = _complete(cast(FrameworkPublish, publish.statement.body), _parts(publish, items))
        for item in chain.from_iterable(held or ()):
            entry: CompetencyEntry = {
                "framework": id,
                "by": publish.by,
                "via": publish.via,
                "statement": publish.statement.id,
                "item": item["id"],
                "parents": item.get("parents", []),
            }
            if "code" in item:
                entry["code"] = item["code"]
            if "label" in item:
                entry["label"] = item["label"]
            for name in (item["id"], *item.get("aliases", ())):
                entries.setdefault(name, []).append(entry)
    return entries


def reduce_competency(
    id: CanonicalId, entries: Iterable[CompetencyEntry], links: Iterable[CompetencyLink] = ()
) -> CompetencyRecord | None:
    """Return a competency's record, from its entries in frameworks and its links in mappings; None without any."""
    unique = {(one["statement"], one["by"], one["via"] or b"", one["item"]): one for one in entries}
    record: CompetencyRecord = {"id": id, "in": [unique[key] for key in sorted(unique)]}
    if linked := in_link_order(links):
        record["links"] = linked
    return record if unique or linked else None


def status_at(stated: StatedFramework, time: int, *, known: int | None = None) -> str:
    """Return the status of one stated framework: the most restrictive event in effect that no other such event follows.

    Args:
        known: the reader's clock; None: all in the record has been said. What restricts and is dated ahead of it counts
            from then on (`records.heard_from`).
    """

    def begins(event: FrameworkEvent) -> int:
        if known is None:
            return event["effective_from"]
        return heard_from(event, known, narrows=event["status"] != "active")

    present = {event["statement"]: event for event in stated["events"] if begins(event) <= time}
    parents = {event["statement"]: event["after"] for event in stated["events"]}
    named: set[bytes] = set()
    pending = [parent for id in present for parent in parents[id]]
    while pending:
        id = pending.pop()
        if id not in named:
            named.add(id)
            pending += parents.get(id, ())
    words = [event["status"] for id, event in present.items() if id not in named]
    return max(words, key=STATUSES.index, default="active")


_Parts = dict[int, list[list[FrameworkItem]]]
"""Part number -> the versions published, by id."""


def _belongs(part: Effective, publish: Effective) -> bool:
    return (part.statement.body["publish"], part.voice) == (publish.statement.id, publish.voice)


def _parts(publish: Effective, items: Sequence[Effective]) -> _Parts:
    parts: _Parts = {}
    for one in in_order(items):
        if _belongs(one, publish):
            body = cast(FrameworkItems, one.statement.body)
            ways = parts.setdefault(body["part"], [])
            if body["items"] not in ways:
                ways.append(body["items"])
    return parts


def _complete(body: FrameworkPublish, parts: _Parts) -> tuple[list[FrameworkItem], ...] | None:
    """Return the items of each part in order, if parts 0 to n give the count and root that were published."""
    if sorted(parts) != list(range(len(parts))):
        return None
    for ways in islice(_ways(parts), ATTEMPTS):
        items = list(chain.from_iterable(ways))
        if len(items) == body["item_count"] and items_root(items) == body["items_root"]:
            return ways
    return None


def _ways(parts: _Parts) -> Iterator[tuple[list[FrameworkItem], ...]]:
    return product(*(parts[number] for number in sorted(parts)))
