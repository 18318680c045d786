"""A framework as read from a file: the body of its `framework.publish`, its items, and the findings.

Every format uses `assemble`: it drops items that cannot be published (without an id, duplicate, too large), and links
to parents that are missing or form circles, and reports each.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from accredit.cli.importers.damage import find_damage
from accredit.cli.importers.findings import ImportFinding
from accredit.cli.importers.spreadsheet import SheetLine
from accredit.registry.domain.frameworks import ITEM, check_publish, items_root
from accredit.registry.encoding.cbor import encode
from accredit.registry.encoding.counts import many
from accredit.registry.encoding.identifiers import canonical
from accredit.registry.encoding.schema import link
from accredit.registry.errors import DecodeError
from accredit.registry.limits import STATEMENT_BYTES

ITEM_BYTES: Final = STATEMENT_BYTES - 3 * 1024
"""The largest item. The rest of a statement holds three identifiers of at most 512 bytes (author, subject, framework),
a signature, four digests and the names of members: together below 2 KiB, and a margin."""

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)

COMPUTED: Final = ("content_digest", "item_count", "items_root")
"""Members of `framework.publish` that follow from the items and the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """A framework ready to be published.

    Attributes:
        body: of `framework.publish`, complete.
        items: in the source's order; the root in `body` is theirs.
        findings: what was left out or changed, and why; each names the item where it is about one.
        read: number of items in the source, taken or not.
    """

    body: dict[str, Any]
    items: tuple[dict[str, Any], ...]
    findings: tuple[ImportFinding, ...]
    read: int

    @property
    def facts(self) -> dict[str, Any]:
        """The members of `body` that are not computed."""
        return {name: value for name, value in self.body.items() if name not in COMPUTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameworkNaming:
    """The user's id, title, version and language for a framework; they replace the source's.

    Attributes:
        id: its URI, canonical or not; empty for the source's.
        title: as people read it; empty for the source's.
        version: empty for the source's.
        language: tag of the language to take, as in `en` or `es-MX`; empty for the language that the source names.
    """

    id: str = ""
    title: str = ""
    version: str = ""
    language: str = ""


@dataclass(slots=True)
class ImportFindings:
    """Collects findings; those of one kind about many items become one, with their number."""

    said: list[ImportFinding] = field(default_factory=list)
    _counted: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def add(self, code: str, text: str, hint: str = "") -> None:
        """Add one finding."""
        self.said.append(ImportFinding(code=code, text=text, hint=hint))

    def count(self, code: str, text: str, hint: str = "") -> None:
        """Count one of many similar findings; `text` is followed by their number."""
        key = (code, text, hint)
        self._counted[key] = self._counted.get(key, 0) + 1

    def others(self, node: Mapping[str, Any], read: Collection[str], where: str = "") -> None:
        """Count every member of an object that has a value and is not read, by name."""
        for member in sorted(node.keys() - set(read)):
            if node[member] not in (None, "", [], {}):
                self.count("not_taken", f"Not taken{where}: {member}")

    def all(self) -> tuple[ImportFinding, ...]:
        """Return every finding, single ones first."""
        counted = [
            ImportFinding(code=code, text=text + (f" ({number} times)." if number > 1 else "."), hint=hint)
            for (code, text, hint), number in self._counted.items()
        ]
        return (*self.said, *counted)


def assemble(
    facts: Mapping[str, Any],
    items: Iterable[Mapping[str, Any]],
    notes: ImportFindings,
    *,
    data: bytes,
    source: str,
    read: int,
) -> Framework:
    """Return a framework from the facts and items that a format's reader found.

    Args:
        facts: members of `framework.publish` without the computed ones.
        items: in order, each with an id already canonical.
        data: the source's bytes, whose SHA-256 is published.
        read: how many items the source has.

    Raises:
        DecodeError: the facts break a rule, or no item is left.
    """
    kept = _keep(items, notes)
    if not kept:
        raise DecodeError("no_items", f"{source}: none of its items could be imported.", hint=_first_reason(notes))
    body = {
        **facts,
        "content_digest": sha256(data).digest(),
        "item_count": len(kept),
        "items_root": items_root(kept),
    }
    try:
        check_publish(body, "framework")
        encode(body)
    except (TypeError, ValueError) as error:
        raise DecodeError(
            "not_encodable", f"{source}: cannot be encoded ({error}).", hint="Correct it in the source."
        ) from error
    except DecodeError as error:
        hint = error.hint or "Correct it in the source."
        raise DecodeError(error.code, f"{source}: {error.message}", hint=hint) from error
    return Framework(body=body, items=tuple(kept), findings=notes.all(), read=read)


def named_facts(
    said: Mapping[str, str], format_: str, naming: FrameworkNaming, notes: ImportFindings, source: str
) -> dict[str, Any]:
    """Return the members of `framework.publish` that are not computed, from the source and the user's options.

    Args:
        said: id, title, version, publisher; absent or empty if the source does not state them.

    Raises:
        DecodeError: the framework has no id, title or version; the hint says which option names it.
    """
    facts = {
        "id": naming.id or said.get("id", ""),
        "title": naming.title or said.get("title", ""),
        "version": naming.version or said.get("version", ""),
    }
    missing = [name for name, text in facts.items() if not text]
    if missing:
        example = {
            "id": "--id https://example.org/skills",
            "title": "--title 'Our skills'",
            "version": "--version 2026",
        }
        raise DecodeError(
            "framework_not_named",
            f"{source}: the file does not say the framework's {' and '.join(missing)}.",
            hint="Name it: add " + " ".join(example[name] for name in missing),
        )
    id_ = identifier(facts["id"], "The framework", notes)
    if id_ is None:
        raise DecodeError("bad_framework_id", f"{source}: {notes.said[-1].text}", hint="Name it: --id URI.")
    publisher = {"publisher": said["publisher"]} if said.get("publisher") else {}
    return {**facts, "id": id_, "format": format_, **publisher}


def whole_cells(line: SheetLine, notes: ImportFindings, *, numbers: Collection[str] = ()) -> dict[str, str] | None:
    """Return the cells of a line, stripped; None if it was left out because it has too many cells, or damaged ones.

    Args:
        numbers: the columns of numbers, which a spreadsheet may write as 9E-1.
    """
    cells = {column: cell.strip() for column, cell in line.cells.items()}
    for head in line.ignored:
        notes.count("not_taken", f"Not imported: the column {head}")
    if line.surplus:
        notes.add(
            "too_many_cells",
            f"Line {line.number} was left out: it has {many(line.surplus, 'more cell')} than the first line.",
            "Put text that contains the separator in double quotes.",
        )
        return None
    damaged = list(find_damage({column: cell for column, cell in cells.items() if column not in numbers}))
    for one in damaged:
        notes.add(one.code, f"Line {line.number} was left out. {one.text}", one.hint)
    return None if damaged else cells


def identifier(written: Any, what: str, notes: ImportFindings) -> str | None:
    """Return the canonical spelling of an id; None, and a finding, if it is not an id."""
    try:
        if not isinstance(written, str):
            raise DecodeError("bad_id", "it is not text.")
        return canonical(written)
    except DecodeError as error:
        notes.add(error.code, f"{what} was left out because its id is not valid: {error.message}", error.hint)
        return None


def spelled(uri: str) -> str:
    """Return the canonical spelling of a URI, other text unchanged; only for comparison."""
    try:
        return canonical(uri)
    except DecodeError:
        return uri


def urn_of(name: str) -> str:
    """Return a bare UUID as a URN (RFC 9562 §4), any other name as it is."""
    return f"urn:uuid:{name.lower()}" if _UUID.fullmatch(name) else name


def is_link(value: Any) -> bool:
    """Return whether a value is an address that a body may contain."""
    try:
        link(value, "")
    except DecodeError:
        return False
    return True


def name_of(item: Mapping[str, Any]) -> str:
    """Return an item's shortest telling name."""
    return " ".join(str(item[member]) for member in ("code", "label") if member in item) or str(item["id"])


def _keep(items: Iterable[Mapping[str, Any]], notes: ImportFindings) -> list[dict[str, Any]]:
    kept: dict[str, dict[str, Any]] = {}
    for item in items:
        taken = _sound(dict(item), notes)
        if taken is None:
            continue
        before = kept.setdefault(taken["id"], taken)
        if before is not taken:
            differently = "" if before == taken else ", with differences; the first was used"
            notes.add(
                "doubled_item", f"{name_of(taken)} is listed twice{differently}.", "Remove one of them from the source."
            )
    _mend_parents(kept, notes)
    return list(kept.values())


def _sound(item: dict[str, Any], notes: ImportFindings) -> dict[str, Any] | None:
    """Return the item without invalid optional members; None if it cannot be published."""
    for member in [name for name in item if name not in ("id", "statement")]:
        try:
            ITEM({"id": item["id"], "statement": "x", member: item[member]}, "item")
        except DecodeError as error:
            what = f"The {member} of {item['id']} was left out: {error.message.removeprefix('item')}"
            notes.add("member_left_out", what, error.hint)
            del item[member]
    try:
        ITEM(item, "item")
        size = len(encode(item))
    except (DecodeError, TypeError, ValueError) as error:
        notes.add("item_left_out", f"{item['id']} was left out: {error}", "Correct it in the source.")
        return None
    if size > ITEM_BYTES:
        notes.add(
            "item_too_large",
            f"{item['id']} was left out because it has {size:,} bytes; at most {ITEM_BYTES} are allowed.",
            "Shorten it.",
        )
        return None
    return item


def _mend_parents(items: dict[str, dict[str, Any]], notes: ImportFindings) -> None:
    """Remove missing parents, and those that would make an item its own ancestor."""
    for id, item in items.items():
        missing = [parent for parent in item.get("parents", ()) if parent not in items]
        for parent in missing:
            text = f"{name_of(item)} names the parent {parent}, which is not one of the items; that link was left out."
            notes.add("broken_parent", text, "Correct it in the source, or import the framework it belongs to.")
        _set_parents(item, [parent for parent in item.get("parents", ()) if parent in items])
        if id in item.get("parents", ()):
            notes.add("own_parent", f"{name_of(item)} names itself as its parent; that link was left out.")
            _set_parents(item, [parent for parent in item["parents"] if parent != id])
    for id in _in_circles(items):
        text = f"{name_of(items[id])} is one of its own ancestors; its links to parents were left out."
        notes.add("circle", text, "Correct the parents in the source.")
        _set_parents(items[id], [])


def _set_parents(item: dict[str, Any], parents: Sequence[str]) -> None:
    item.pop("parents", None)
    if parents:
        item["parents"] = list(parents)


def _in_circles(items: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the items that are in circles: those that remain when items without parents are removed repeatedly.

    The rest then has circles and the items below them; the latter go when leaves are removed likewise.
    """
    left = {id: list(item.get("parents", ())) for id, item in items.items()}
    for links in (left, _reversed(left)):
        waiting = Counter({id: len([other for other in links[id] if other in left]) for id in left})
        back = _reversed({id: links[id] for id in left})
        free = [id for id in left if waiting[id] == 0]
        while free:
            id = free.pop()
            del left[id]
            for other in back[id]:
                if other in left:
                    waiting[other] -= 1
                    if waiting[other] == 0:
                        free.append(other)
    return list(left)


def _reversed(links: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    back: dict[str, list[str]] = {id: [] for id in links}
    for id, others in links.items():
        for other in others:
            if other in back:
                back[other].append(id)
    return back


_BESIDE: Final = (
    "version_from_date",
    "not_taken",
    "other_node",
    "other_language",
    "language_left_out",
    "missing_child",
)


def _first_reason(notes: ImportFindings) -> str:
    """Return why no item is left: the first finding about an item, not about the framework."""
    about_items = [one for one in notes.all() if one.code not in _BESIDE]
    return about_items[0].text if about_items else "The list of items is empty."
