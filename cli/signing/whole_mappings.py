"""Lets voters decide on a mapping and its further parts together.

A crosswalk that is too long for a statement is published in parts: `…/crosswalk`, `…/crosswalk/2`, `…/crosswalk/3`, all
the same except for their links. No part states their number. So a voter who names one part is offered all waiting parts
that the same key proposed, from the first without a gap; each is read from its own bytes. Each part counts by itself,
and a vote lists each by digest like any other proposal.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from accredit.registry.encoding.counts import many
from accredit.registry.statement import Unverified

PUBLISH: Final = "mapping.publish"
_NUMBERED: Final = re.compile(r"(?P<whole>.+)/(?P<number>[2-9]|[1-9][0-9]{1,3})", re.ASCII)
_OWN: Final = ("id", "links")
"""Members in which the parts of a mapping differ."""

ReadStatements = Callable[[Sequence[bytes]], list[Unverified]]


@dataclass(frozen=True, slots=True)
class _Place:
    """The mapping of a statement, and its part."""

    whole: str
    number: int


def _places(id: str) -> tuple[_Place, ...]:
    """Return the possible meanings of an id: a mapping's first part, or a numbered part."""
    match = _NUMBERED.fullmatch(id)
    first = _Place(id, 1)
    return (first,) if match is None else (_Place(match["whole"], int(match["number"])), first)


def _facts(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in _OWN}


def runs(proposals: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Return the mappings with several parts among some proposals, each as its parts in order.

    Args:
        proposals: as `GET /v1/proposals` shows them.
    """
    waiting = [one for one in proposals if one["kind"] == PUBLISH]
    by_sub: dict[str, list[Mapping[str, Any]]] = {}
    for one in waiting:
        by_sub.setdefault(one["sub"], []).append(one)
    found = []
    for first in waiting:
        run = [first]
        while following := [one for one in by_sub.get(f"{first['sub']}/{len(run) + 1}", ()) if _fits(first, one)]:
            run.append(following[0])
        if len(run) > 1:
            found.append(run)
    return found


def _fits(first: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(first["iss"] == other["iss"] and _facts(first["body"]) == _facts(other["body"]))


def with_mapping_parts(named: Sequence[str], waiting: Mapping[str, dict[str, Any]], read: ReadStatements) -> list[str]:
    """Return the named proposals, with all waiting parts of each named mapping.

    Args:
        named: ids in hex.
        waiting: waiting proposals, by id.
        read: statements from their own bytes, by id.
    """
    found: dict[str, None] = {}
    every = runs(waiting.values()) if any(_is_mapping(waiting.get(id_)) for id_ in named) else []
    for id_ in named:
        run = next((run for run in every if any(one["id"] == id_ for one in run)), None)
        found |= dict.fromkeys([id_] if run is None else _of_one_key(id_, run, read))
    return list(found)


def _is_mapping(proposal: Mapping[str, Any] | None) -> bool:
    return proposal is not None and proposal["kind"] == PUBLISH


def _of_one_key(id_: str, run: Sequence[Mapping[str, Any]], read: ReadStatements) -> list[str]:
    """Return the parts that one key proposed, from the first without a gap; else only the named one."""
    said = read([bytes.fromhex(one["id"]) for one in run])
    kept: list[str] = []
    for one in said:
        same = (one.kid, one.iss, _facts(one.body)) == (said[0].kid, said[0].iss, _facts(said[0].body))
        if not same or one.kind != PUBLISH:
            break
        kept.append(one.id.hex())
    return kept if id_ in kept else [id_]


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingOnPaper:
    """The part of one mapping that a vote decides on.

    Attributes:
        id: of the mapping, its first part's. title: its title.
        parts, links: how many of each the vote is on.
        extends: whether its links may extend accreditations.
    """

    id: str
    title: str
    parts: int
    links: int
    extends: bool

    def __str__(self) -> str:
        counts = "it may extend accreditations" if self.extends else "for information only"
        return (
            f"The mapping {self.title} ({self.id}): {many(self.links, 'link')} in {many(self.parts, 'part')}; {counts}."
        )


def mappings_on(items: Sequence[Unverified]) -> tuple[MappingOnPaper, ...]:
    """Return the mappings that a list of proposals is about, in its order."""
    groups: dict[tuple[str, bytes, str], list[Unverified]] = {}
    subs = {(one.sub, one.kid) for one in items if one.kind == PUBLISH}
    for one in items:
        if one.kind == PUBLISH:
            place = next(at for at in _places(one.sub) if at.number == 1 or (at.whole, one.kid) in subs)
            groups.setdefault((place.whole, one.kid, str(_facts(one.body))), []).append(one)
    return tuple(
        MappingOnPaper(
            id=whole,
            title=str(parts[0].body["title"]),
            parts=len(parts),
            links=sum(len(one.body["links"]) for one in parts),
            extends=bool(parts[0].body["usable_for_scope"]),
        )
        for (whole, _, _), parts in groups.items()
    )
