"""Authorities on several pages: their names, the chain from one up to the charter, and the choices in forms.

Ids come from records and answers, where they have their one spelling.
"""

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from accredit.governance.fold import Fold
from accredit.node.http.handling.route import Call
from accredit.registry.decision.authority_chain import chain_of
from accredit.registry.domain.records import authority_in
from accredit.registry.encoding.identifiers import CanonicalId

from .frame import address

CHOICES: Final = 200
"""Authorities that a form offers; others are named by their id. This keeps the page small."""

HOW_TO_APPLY: Final = 10
"""Authorities that are named where somebody may want to apply."""


def authority_name(fold: Fold, by: str, via: bytes | None) -> str:
    """Return the name that the charter or its delegator gives an authority; else its id."""
    record = authority_in(fold, CanonicalId(by))
    standings = () if record is None else record["standings"]
    return next((one["name"] for one in standings if one["via"] == via), by)


def body_name(fold: Fold, id: str) -> str:
    """Return a body's name under the first of its mandates; else its id."""
    record = authority_in(fold, CanonicalId(id))
    return id if record is None else str(record["standings"][0]["name"])


def chain_view(fold: Fold, by: str, via: bytes | None) -> list[dict[str, Any]]:
    """The authorities from one up to the charter's, each with its page."""
    return [
        {
            "id": link.by,
            "name": link.name,
            "via": link.via,
            "href": address("/explore/authority", id=link.by),
            "is_missing": link.standing is None,
        }
        for link in chain_of(fold, CanonicalId(by), via)
    ]


def authority_choices(call: Call) -> list[tuple[str, str]]:
    """Id and name of the authorities that a form offers, by name; made anew only when a record has changed."""
    fold = call.reader.fold

    def make() -> list[tuple[str, str]]:
        some = islice(fold.items("authority"), CHOICES)
        found = [(id, str(record["standings"][0]["name"])) for (_, id), record in some]
        return sorted(found, key=lambda one: (one[1].casefold(), one[0]))

    return call.shared.keep("authorities of forms", fold.records_root(), make)


def where_to_apply(fold: Fold) -> list[Mapping[str, Any]]:
    """Authorities in force that say where to apply: name and address."""
    found: list[Mapping[str, Any]] = []
    for (_, id), record in fold.items("authority"):
        for standing in record["standings"]:
            if standing["withdrawn"] is None and "apply_url" in standing:
                found.append({"id": id, "name": standing["name"], "apply_url": standing["apply_url"]})
        if len(found) >= HOW_TO_APPLY:
            break
    return found[:HOW_TO_APPLY]
