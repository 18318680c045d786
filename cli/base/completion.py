"""Shell completion of values: words of closed lists, and ids that the node knows.

A parameter's name decides what completes it, so that every command that takes an issuer completes issuers. Words come
from the program itself. Ids come from the node that the command line or ACCREDIT_NODE names, with a short time-out,
because a shell that waits for a dead node is worse than one without completion.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from accredit.node.clients.node_client import NodeClient

SECONDS: Final = 0.7
"""Seconds to wait for a node: long enough for one on another continent, short enough that a typist does not notice."""

SHOWN: Final = 50
"""The most values offered; with more, type another letter first."""

Found = Iterator[tuple[str, str]]
"""Values and a word on each."""


class Completed(click.types.StringParamType):
    """Text whose values can be completed."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """Return the values that begin with the typed text; none if they cannot be found, for any reason."""
        try:
            found = _WORDS[self.kind]() if self.kind in _WORDS else _asked(ctx, _IDS[self.kind], incomplete)
            items = []
            for value, about in found:
                if value.lower().startswith(incomplete.lower()):
                    items.append(CompletionItem(value, help=about))
                if len(items) == SHOWN:
                    break
        except Exception:  # a shell shows no errors: without values it completes nothing
            return []
        return items


def complete_values(params: list[click.Parameter]) -> None:
    """Let each parameter complete what its name says it takes."""
    for param in params:
        kind = KINDS.get(param.name or "")
        if kind is not None and type(param.type) is click.types.StringParamType:
            param.type = Completed(kind)


KINDS: Final[Mapping[str, str]] = {
    "wanted": "achievement_type",
    "jurisdiction": "place",
    "jurisdictions": "place",
    "category": "category",
    "categories": "category",
    "reason_code": "reason",
    "event": "event",
    "status": "status",
    "scenario": "scenario",
    "issuer": "issuer",
    "issuer_id": "issuer",
    "issuers": "issuer",
    "authority_id": "authority",
    "framework_id": "framework",
    "accreditation_id": "accreditation",
    "ids": "proposal",
    "statement": "proposal",
    "old": "key",
    "file_or_name": "node",
    "node_name": "node",
    "by": "authority",
}
"""Names of parameters and the kind of value they take."""


# ------------------------------------------------------------------------------------------------ words


def _achievement_types() -> Found:
    from accredit.registry.domain.vocabulary import ACHIEVEMENT_TYPES

    return ((word, "") for word in ACHIEVEMENT_TYPES)


def _categories() -> Found:
    from accredit.registry.domain.vocabulary import ISSUER_CATEGORIES

    return ((word, "") for word in ISSUER_CATEGORIES)


def _reasons() -> Found:
    from accredit.registry.domain.vocabulary import REASON_CODES

    return ((word, "") for word in REASON_CODES)


def _events() -> Found:
    from accredit.registry.domain.vocabulary import EVENTS

    return ((word, "") for word in EVENTS)


def _statuses() -> Found:
    from accredit.registry.domain.vocabulary import STATUSES

    return ((word, "") for word in STATUSES)


def _places() -> Found:
    from accredit.node.places import every_place

    return every_place()


def _scenarios() -> Found:
    from accredit.simulations.scenarios import SCENARIOS

    return ((name, "") for name in sorted(SCENARIOS))


_WORDS: Final[Mapping[str, Callable[[], Found]]] = {
    "achievement_type": _achievement_types,
    "category": _categories,
    "reason": _reasons,
    "event": _events,
    "place": _places,
    "status": _statuses,
    "scenario": _scenarios,
}

# ------------------------------------------------------------------------------------------------ ids


def _asked(ctx: click.Context, ids: "Callable[[NodeClient, str], Found]", incomplete: str) -> list[tuple[str, str]]:
    from accredit.node.clients.node_client import NodeClient
    from accredit.node.clients.outgoing import Outgoing

    typed = ctx.params.get("nodes") or ()
    url = typed[0] if typed else (os.environ.get("ACCREDIT_NODE", "").split() or ["http://127.0.0.1:8080"])[0]
    with NodeClient(url, timeout=SECONDS, outgoing=Outgoing.from_environment()) as client:
        return list(ids(client, incomplete))


def _issuers(client: "NodeClient", incomplete: str) -> Found:
    word = incomplete.rpartition(":")[2].rpartition("/")[2]
    page: dict[str, Any] = client.issuers(limit=200)
    rows = [one for one in page["issuers"] if one["id"].startswith(incomplete)]
    if not rows and len(word) > 1:
        rows = [one for one in client.issuers(name=word, limit=200)["issuers"] if one["id"].startswith(incomplete)]
    return ((str(one["id"]), str(one["name"] or "")) for one in rows)


def _authorities(client: "NodeClient", _incomplete: str) -> Found:
    return ((str(one["id"]), str(one["standings"][0]["name"])) for one in client.authorities()["authorities"])


def _frameworks(client: "NodeClient", _incomplete: str) -> Found:
    return ((str(one["id"]), "") for one in client.frameworks(limit=200)["frameworks"])


def _accreditations(client: "NodeClient", _incomplete: str) -> Found:
    for issuer in client.issuers(limit=200)["issuers"]:
        for line in issuer["accreditations"]:
            yield str(line["id"])[:16], f"{issuer['name'] or issuer['id']}: {line['status']}"


def _keys(client: "NodeClient", _incomplete: str) -> Found:
    for authority in client.authorities()["authorities"]:
        for standing in authority["standings"]:
            for key in standing["keys"]:
                yield str(key["key"])[:16], str(standing["name"])


def _nodes(client: "NodeClient", _incomplete: str) -> Found:
    return ((str(one["name"]), str(one["operator"])) for one in client.ecosystem()["nodes"])


def _proposals(client: "NodeClient", _incomplete: str) -> Found:
    return ((str(one["id"])[:16], str(one["summary"])) for one in client.proposals()["proposals"])


_IDS: "Final[Mapping[str, Callable[[NodeClient, str], Found]]]" = {
    "issuer": _issuers,
    "authority": _authorities,
    "framework": _frameworks,
    "accreditation": _accreditations,
    "proposal": _proposals,
    "key": _keys,
    "node": _nodes,
}
