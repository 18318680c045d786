"""Mappings (crosswalks): signed links between the competencies of two frameworks. Their shapes and records.

Relations are SKOS terms and four more; `original` keeps the source's own word. A mapping may extend what an
accreditation covers only if an authority has marked it `usable_for_scope`, and only by links whose relation is one of
`EXTENDING`; `registry.decision.competencies` decides which questions they extend.

Record `mapping`: `{id, stated: [{by, via, statement, iat, …the publish without id, withdrawn: null | {statement,
effective_from, ?later: true}}]}`, by id. The records of the competencies at both ends hold each link too, so that a
competency's record shows all its links:

    {id, in: […], links: [{mapping, by, via, statement, iat, relation, to | from: the other end, ?usable: true,
                           ?withdrawn: {statement, effective_from, ?later}}]}
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

from ..encoding import schema
from ..encoding.identifiers import CanonicalId
from ..errors import DecodeError
from .bodies import MappingPublish
from .record_types import CompetencyLink, EndStated, MappingRecord, StatedMapping
from .records import Effective, first_end, in_order, source, took

RELATIONS: Final = (
    "exact_match",
    "close_match",
    "broad_match",
    "narrow_match",
    "related_match",
    "no_match",
    "replaced_by",
    "translation_of",
    "prerequisite",
)
EXTENDING: Final = ("exact_match", "translation_of", "replaced_by")
"""Relations by which a scope that covers one end may cover the other. `exact_match` and `translation_of` hold in both
directions; `replaced_by` only from an item to its replacement."""

METHODS: Final = ("expert", "automated", "hybrid")
CONFIDENCE_MAX: Final = 1000
"""Confidence is in thousandths: our encoding has no fractions."""

_FRAMEWORK: Final = schema.members({"framework": schema.uri}, {"version": schema.text(100)})
_LINK: Final = schema.members(
    {"source": schema.uri, "target": schema.nullable(schema.uri), "relation": schema.one_of(*RELATIONS)},
    {"confidence": schema.integer(0, CONFIDENCE_MAX), "original": schema.text(200)},
)
_PUBLISH: Final = schema.members(
    {
        "id": schema.uri,
        "title": schema.text(),
        "source": _FRAMEWORK,
        "target": _FRAMEWORK,
        "method": schema.one_of(*METHODS),
        "usable_for_scope": schema.boolean,
        "links": schema.list_of(_LINK, minimum=1),
    },
    {"publisher": schema.text(), "license": schema.text(), "source_url": schema.link, "content_digest": schema.digest},
)
_WITHDRAW: Final = schema.members(
    {"mapping": schema.uri, "publish": schema.digest, "effective_from": schema.time}, {"reason_text": schema.prose}
)


def check_publish(body: Any, path: str = "body") -> None:
    """The shape of `mapping.publish`; a link has no target exactly where its relation is no_match."""
    _PUBLISH(body, path)
    for index, link in enumerate(body["links"]):
        if (link["target"] is None) != (link["relation"] == "no_match"):
            raise DecodeError(
                "bad_member",
                "expected a target, or null if the relation is no_match.",
                where=f"{path}.links[{index}].target",
            )


def check_withdraw(body: Any, path: str = "body") -> None:
    """The shape of `mapping.withdraw`: of one publish."""
    _WITHDRAW(body, path)


def reduce(id: CanonicalId, publishes: Sequence[Effective], withdrawals: Sequence[Effective]) -> MappingRecord | None:
    """Return the mapping's record; None if nobody published it. Only its publisher can withdraw it."""
    stated: list[StatedMapping] = []
    for publish in in_order(publishes):
        body = {name: value for name, value in publish.statement.body.items() if name != "id"}
        derived = {**source(publish), **took(publish), "withdrawn": _end(publish, withdrawals)}
        stated.append(cast(StatedMapping, {**body, **derived}))
    return {"id": id, "stated": stated} if stated else None


def links(
    id: CanonicalId, publishes: Sequence[Effective], withdrawals: Sequence[Effective]
) -> dict[CanonicalId, list[CompetencyLink]]:
    """Return a mapping's links in competency records, by the id at either end."""
    found: dict[CanonicalId, list[CompetencyLink]] = {}
    for publish in in_order(publishes):
        body, withdrawn = cast(MappingPublish, publish.statement.body), _end(publish, withdrawals)
        for link in body["links"]:
            target = link["target"]
            if target is None or target == link["source"]:
                continue
            made = cast(
                CompetencyLink, {**source(publish), **took(publish), "mapping": id, "relation": link["relation"]}
            )
            if body["usable_for_scope"] and link["relation"] in EXTENDING:
                made["usable"] = True
            if withdrawn is not None:
                made["withdrawn"] = withdrawn
            found.setdefault(link["source"], []).append(cast(CompetencyLink, {**made, "to": target}))
            found.setdefault(target, []).append(cast(CompetencyLink, {**made, "from": link["source"]}))
    return found


def link_order(link: CompetencyLink) -> tuple[bool, bytes, str, str, str]:
    """Sort key for the links of one competency: those that may extend a scope come first."""
    return "usable" not in link, link["statement"], link["relation"], link.get("to", ""), link.get("from", "")


def in_link_order(links: Iterable[CompetencyLink]) -> list[CompetencyLink]:
    """Return the links of one competency in their order, each once."""
    unique = {(*link_order(one), one["by"], one["via"] or b""): one for one in links}
    return [unique[key] for key in sorted(unique)]


def _end(publish: Effective, withdrawals: Sequence[Effective]) -> EndStated | None:
    return first_end(
        one
        for one in withdrawals
        if one.statement.body["publish"] == publish.statement.id and one.voice == publish.voice
    )
