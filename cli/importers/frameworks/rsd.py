"""Rich Skill Descriptors of the Open Skills Network, as JSON: a collection, a list of skills, or one skill.

What is taken:

    RichSkillCollection   id -> id · name -> title · updateDate, else publishDate, else creationDate -> version ·
                          author, else owner, else creator -> publisher
    RichSkillDescriptor   id -> id · skillStatement -> statement · skillName -> label · category or categories -> type

Skills are flat, and a collection is read as a framework. A bare list of skills has no name: the user states the
framework's id, title and version (`FrameworkNaming`). Nothing is lost silently: every other member is counted in a
finding. `sheets` reads exports as CSV.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from accredit.cli.importers.reading import listed

from .frameworks import Framework, FrameworkNaming, ImportFindings, assemble, identifier, named_facts

_COLLECTION: Final = frozenset(
    ("@context", "type", "id", "name", "skills", "updateDate", "publishDate", "creationDate")
)
_SKILL: Final = frozenset(("@context", "type", "id", "skillName", "skillStatement", "category", "categories"))
"""Members that are read; every other member is a finding."""


def is_rsd(value: Any) -> bool:
    """Return whether a JSON value looks like Rich Skill Descriptors."""
    if isinstance(value, list):
        return any(_is_skill(one) for one in value[:1_000])
    return _is_skill(value) or (isinstance(value, Mapping) and isinstance(value.get("skills"), list))


def read(value: Mapping[str, Any] | Sequence[Any], data: bytes, source: str, naming: FrameworkNaming) -> Framework:
    """Return the framework in Rich Skill Descriptors.

    Args:
        data: the bytes it was read from.
        naming: the framework's id, title and version if the source does not state them.

    Raises:
        DecodeError: a framework that has no name or cannot be published.
    """
    notes = ImportFindings()
    collection: Mapping[str, Any] = {}
    if isinstance(value, Mapping) and not _is_skill(value):
        collection = value
    entries = listed(collection.get("skills")) if collection else listed(value)
    skills = [one for one in entries if isinstance(one, Mapping)]
    for _ in range(len(entries) - len(skills)):
        notes.count("other_node", "Left out: an entry that is not a skill but only a URL or text")
    facts = named_facts(_facts(collection, notes), "rsd", naming, notes, source)
    return assemble(facts, _items(skills, notes), notes, data=data, source=source, read=len(entries))


def _facts(collection: Mapping[str, Any], notes: ImportFindings) -> dict[str, Any]:
    dates = ((one, _text(collection, one, notes)) for one in ("updateDate", "publishDate", "creationDate"))
    dated = [(one, date.partition("T")[0]) for one, date in dates if date]
    if dated:
        notes.add("version_from_date", f"The version is named {dated[0][1]}, after {dated[0][0]}.")
    makers = [(one, text) for one in ("author", "owner", "creator") if (text := _text(collection, one, notes))]
    notes.others(collection, _COLLECTION | ({makers[0][0]} if makers else set()), " of the collection")
    return {
        "id": _text(collection, "id", notes),
        "title": _text(collection, "name", notes),
        "version": dated[0][1] if dated else "",
        "publisher": makers[0][1] if makers else "",
    }


def _items(skills: Sequence[Mapping[str, Any]], notes: ImportFindings) -> Iterator[dict[str, Any]]:
    for skill in skills:
        name, statement = _text(skill, "skillName", notes), _text(skill, "skillStatement", notes)
        id_ = identifier(_text(skill, "id", notes) or None, f"The skill {name or statement[:60]!r}", notes)
        if not statement and name:
            notes.count("label_as_statement", "A skill has no skillStatement; its name was used instead")
        kinds = [text for one in ("category", "categories") if (text := _text(skill, one, notes))]
        notes.others(skill, _SKILL)
        if id_ is not None:
            optional = {"label": name, "type": "; ".join(dict.fromkeys(kinds))}
            yield {"id": id_, "statement": statement or name} | {key: text for key, text in optional.items() if text}


def _is_skill(value: Any) -> bool:
    return isinstance(value, Mapping) and ("skillStatement" in value or "skillName" in value)


def _text(node: Mapping[str, Any], member: str, notes: ImportFindings) -> str:
    """Return a member as text; several texts become one, separated by semicolons. Other values are findings."""
    said = []
    for one in listed(node.get(member)):
        named = one.get("name", one.get("skillName")) if isinstance(one, Mapping) else one
        if isinstance(named, str):
            said.append(named.strip())
        else:
            notes.count("not_taken", f"Not imported: a value of {member} that is not text")
    return "; ".join(one for one in said if one)
