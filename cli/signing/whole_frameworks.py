"""Lets voters decide on a framework and its parts together.

A framework is one statement with the number and the hash of its items, and further statements with the items in parts:
ESCO needs some hundreds of them. Nobody decides on a single part. So a voter who names the framework or any of its
parts is offered all waiting parts, and only those that the framework commits to: they are read from their own bytes,
and together they must give its root. A part that somebody added without permission is never among them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from accredit.cli.base import output
from accredit.registry.domain.bodies import FrameworkItems, FrameworkPublish
from accredit.registry.domain.frameworks import committed_parts
from accredit.registry.encoding.counts import many
from accredit.registry.statement import Unverified

from .whole_mappings import PUBLISH as MAPPING
from .whole_mappings import ReadStatements, runs

PUBLISH: Final = "framework.publish"
ITEMS: Final = "framework.items"

_UNNEEDED: Final = "the framework does without this part: others give exactly the items that it commits to."


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """A proposal as `GET /v1/proposals` shows it, with the parts that are decided on together with it.

    Attributes:
        first: the proposal; of parts whose framework is not listed, the first of them.
        parts: the parts of a framework or mapping, if any; including `first` if it is one.
    """

    first: dict[str, Any]
    parts: tuple[dict[str, Any], ...] = ()

    @property
    def told(self) -> str:
        """Return a sentence about the parts' content; empty if there are none."""
        if not self.parts:
            return ""
        if self.first["kind"] == MAPPING:
            links = sum(len(one["body"]["links"]) for one in self.parts)
            return f"{many(len(self.parts), 'part')} with {many(links, 'link')}."
        held = f"{many(len(self.parts), 'part')} with {many(_items(self.parts), 'item')}"
        if self.first["kind"] == ITEMS:
            return f"Of the framework {self.first['sub']}: {held}."
        body = {**self.first["body"], "items_root": bytes.fromhex(self.first["body"]["items_root"])}
        bodies = [one["body"] for one in self.parts]
        is_whole = committed_parts(cast(FrameworkPublish, body), cast(list[FrameworkItems], bodies)) is not None
        return f"{held}{'' if is_whole else '; these are not exactly all that it commits to'}."


def together(proposals: Sequence[dict[str, Any]]) -> list[Together]:
    """Return proposals in their order, with the parts of a framework or a mapping at its place."""
    mappings = {run[0]["id"]: run for run in runs(proposals)}
    further = {one["id"] for run in mappings.values() for one in run[1:]}
    parts: dict[str, list[dict[str, Any]]] = {}
    for one in proposals:
        if one["kind"] == ITEMS:
            parts.setdefault(one["body"]["publish"], []).append(one)
    listed = {one["id"] for one in proposals if one["kind"] == PUBLISH}
    found = []
    for one in proposals:
        if one["id"] in further:
            continue
        if one["id"] in mappings:
            found.append(Together(first=one, parts=tuple(map(dict, mappings[one["id"]]))))
            continue
        publish = one["body"]["publish"] if one["kind"] == ITEMS else one["id"]
        of = parts.get(publish, [])
        if one["kind"] != ITEMS or (publish not in listed and one is of[0]):
            found.append(Together(first=one, parts=tuple(of)))
    return found


def with_parts(
    named: Sequence[str],
    waiting: Mapping[str, dict[str, Any]],
    read: ReadStatements,
    in_effect: Callable[[], Sequence[str]],
) -> tuple[list[str], dict[str, str]]:
    """Return the named proposals, with all waiting parts of each named framework or part.

    Args:
        named: ids in hex.
        waiting: waiting proposals, by id.
        read: statements from their own bytes, by id.
        in_effect: ids of parts in effect; called only if a framework in effect lacks parts.

    Returns:
        the ids to decide on, a framework before its parts; and those left out, each with the reason.
    """
    targets: dict[str, None] = {}
    left_out: dict[str, str] = {}
    wholes: dict[str, list[str] | None] = {}
    for id_ in named:
        publish = _publication(id_, waiting.get(id_))
        if publish is not None and publish not in wholes:
            wholes[publish] = _whole(publish, waiting, read, in_effect)
        whole = None if publish is None else wholes[publish]
        if whole is None:
            targets[id_] = None
            continue
        targets |= dict.fromkeys(whole)
        if id_ not in whole:
            left_out[id_] = _UNNEEDED
    return list(targets), left_out


def _publication(id_: str, proposal: Mapping[str, Any] | None) -> str | None:
    if proposal is None or proposal["kind"] not in (PUBLISH, ITEMS):
        return None
    return id_ if proposal["kind"] == PUBLISH else str(proposal["body"]["publish"])


def _whole(
    publish: str, waiting: Mapping[str, dict[str, Any]], read: ReadStatements, in_effect: Callable[[], Sequence[str]]
) -> list[str] | None:
    """Return all waiting statements of a framework; None if parts that it commits to are missing."""
    ids = [id_ for id_, one in waiting.items() if one["kind"] == ITEMS and one["body"]["publish"] == publish]
    said, *parts = read([bytes.fromhex(id_) for id_ in (publish, *ids)])
    found = _committed(said, parts)
    if found is None and publish not in waiting:  # it is in effect, and so may be some of its parts
        found = _committed(said, [*read([bytes.fromhex(id_) for id_ in in_effect()]), *parts])
    if found is None:
        title = output.safe(said.body.get("title", said.sub))
        output.note(f"Of the framework {title} not all parts are here yet; you decide only on what you named.")
        return None
    return [id_ for id_ in (publish, *(one.id.hex() for one in found)) if id_ in waiting]


def _committed(said: Unverified, parts: Iterable[Unverified]) -> list[Unverified] | None:
    """Return the parts that a publication commits to, in order."""
    own = [
        one
        for one in parts
        if (one.kind, one.iss, one.sub) == (ITEMS, said.iss, said.sub) and one.body["publish"] == said.id
    ]
    if said.kind != PUBLISH:
        return None
    own.sort(key=lambda one: one.kid != said.kid)  # what the framework's own key said is tried first
    found = committed_parts(cast(FrameworkPublish, said.body), [cast(FrameworkItems, one.body) for one in own])
    return None if found is None else [own[at] for at in found]


# ------------------------------------------------------------------------------------------------ on a ballot paper

_NAMED: Final = 3  # items that are named, besides the last


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameworkOnPaper:
    """The part of one framework that a vote decides on.

    Attributes:
        id: of the framework. title: with its version; its id if the vote is not on the framework itself.
        parts, items: how many of each the vote is on.
        is_whole: whether they are all that the framework commits to; None if the vote is only on parts.
        names: of the first items and the last one.
    """

    id: str
    title: str
    parts: int
    items: int
    is_whole: bool | None
    names: tuple[str, ...]

    def __str__(self) -> str:
        held = f"{many(self.items, 'item')} in {many(self.parts, 'part')}"
        whole = {True: ", all that it commits to", False: ", NOT all that it commits to", None: ""}[self.is_whole]
        named = f": {', '.join(self.names[:_NAMED])}" if self.names else ""
        last = f" … {self.names[-1]}" if len(self.names) > _NAMED else ""
        return f"The framework {self.title}: {held}{whole}{named}{last}."


def frameworks_on(items: Sequence[Unverified]) -> tuple[FrameworkOnPaper, ...]:
    """Return the frameworks that a list of proposals is about, in its order."""
    publications = {one.id: one for one in items if one.kind == PUBLISH}
    parts: dict[bytes, list[Unverified]] = {publish: [] for publish in publications}
    for one in items:
        if one.kind == ITEMS:
            parts.setdefault(one.body["publish"], []).append(one)
    return tuple(_on_paper(publications.get(publish), of) for publish, of in parts.items())


def _on_paper(said: Unverified | None, parts: Sequence[Unverified]) -> FrameworkOnPaper:
    ordered = sorted(parts, key=lambda one: int(one.body["part"]))
    names = [str(item.get("label", item["statement"])) for one in ordered for item in one.body["items"]]
    about = (said or parts[0]).sub
    whole = None if said is None else _committed(said, parts)
    return FrameworkOnPaper(
        id=about,
        title=about if said is None else f"{said.body['title']} {said.body['version']} ({about})",
        parts=len(parts),
        items=len(names),
        is_whole=None if said is None else whole is not None and len(whole) == len(parts),
        names=tuple(output.clipped(name) for name in (*names[:_NAMED], *names[_NAMED:][-1:])),
    )


def _items(parts: Iterable[Mapping[str, Any]]) -> int:
    return sum(len(one["body"]["items"]) for one in parts)
