"""Mappings (crosswalks): signed links between the competencies of two frameworks. Shapes and record; no effect yet.

Relations are SKOS terms and four more; the source's own word is kept in `original`. A mapping may extend what an
accreditation covers only where an authority has marked it `usable_for_scope`: that is `registry.domain.scope`'s to
apply, which so far applies none, so that a mapping published today grants nothing by surprise.

Record `mapping`: `{id, stated: [{by, via, statement, iat, …the publish without id, withdrawn: null | {statement,
effective_from}}]}`, by id.
"""

from collections.abc import Sequence
from typing import Any, Final, cast

from ..encoding import schema
from ..encoding.identifiers import CanonicalId
from ..errors import DecodeError
from .record_types import MappingRecord, StatedMapping
from .records import Effective, first_end, in_order, source

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
    """The mapping's record; None if nobody published it. Only the authority that published withdraws."""
    stated: list[StatedMapping] = []
    for publish in in_order(publishes):
        withdrawn = first_end(
            (one.effective_from, one.statement.id)
            for one in withdrawals
            if one.statement.body["publish"] == publish.statement.id and one.voice == publish.voice
        )
        body = {name: value for name, value in publish.statement.body.items() if name != "id"}
        stated.append(cast(StatedMapping, {**body, **source(publish), "withdrawn": withdrawn}))
    return {"id": id, "stated": stated} if stated else None
