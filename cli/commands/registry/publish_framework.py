"""Publishes a framework through the signing desk: finds the statements that are still missing, and signs them.

The items of a framework name the statement that publishes it, and have no effect before it does. So only the first
statement can be judged beforehand, and the others depend on it. Published again, a complete framework needs no
statement, an incomplete one only its missing parts, and a new version supersedes the one before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from accredit.cli.importers.frameworks.frameworks import Framework
from accredit.cli.signing.outcomes import Outcome
from accredit.cli.signing.workflow import Desk, Say
from accredit.node.views.json_views import plain
from accredit.registry.errors import InputError, RefusedError, StorageError

from .framework import framework_says
from .register_list import hopeless


def missing(desk: Desk, framework: Framework, source: str) -> tuple[list[Say], list[dict[str, Any]]]:
    """What is still to be said of a framework (all of it, missing parts, or nothing), and its proposals that wait."""
    body = framework.body
    says = framework_says(framework.facts, framework.items, body["content_digest"], source)
    pending = [one for one in desk.client.proposals()["proposals"] if one["iss"] == desk.authority]
    own = _own_publications(desk, body["id"])
    same = next((one for one in own if _is_same(one, body)), None)
    if same is None:
        waiting = [one for one in pending if one["kind"] == "framework.publish" and _is_same(one["body"], body)]
        newest = max(own, key=lambda one: str(one["iat"]), default=None)
        if newest is not None:
            facts = {**framework.facts, "supersedes": bytes.fromhex(newest["statement"])}
            says = framework_says(facts, framework.items, body["content_digest"], source)
        return ([] if waiting else says), waiting
    publish = bytes.fromhex(same["statement"])
    named = [replace(say, body=say.body([publish])) for say in says[1:] if callable(say.body)]
    wanted = [say for say in named if isinstance(say.body, dict) and say.body["part"] not in same["parts"]]
    waiting = [one for one in pending if any(one["body"] == plain(say.body) for say in wanted)]
    said = [one["body"] for one in waiting]
    return [say for say in wanted if plain(say.body) not in said], waiting


def publish(desk: Desk, says: Sequence[Say]) -> list[Outcome]:
    """Says a framework. Its items cannot be judged before it is said, so they stand and fall with the first statement.

    Raises:
        RefusedError: it cannot take effect; nothing was signed.
    """
    if says[0].kind != "framework.publish":
        return desk.propose(says, show=False)
    wishes = desk.wishes
    with Desk(desk.nodes, replace(wishes, dry_run=True, offline=None)) as foreseeing:
        foreseen = foreseeing.propose(says[:1], show=False)
    if wishes.dry_run:
        return foreseen
    if (bad := hopeless(foreseen)) and not wishes.force:
        raise RefusedError(
            "cannot_take_effect",
            f"{bad[0].name} would not take effect: {bad[0].reason}",
            hint="Nothing was signed. Change it, or add --force to sign it anyway.",
        )
    if wishes.offline is not None and wishes.offline.exists() and not wishes.force:
        raise StorageError(
            "file_exists", f"{wishes.offline} already exists.", hint="Choose another name, or add --force."
        )
    with Desk(desk.nodes, replace(wishes, force=True)) as saying:
        first, *items = saying.propose(says, show=False)
    if first.state == "waiting":
        why = "It waits for the framework itself to be approved."
        items = [replace(item, state="waiting", reason=why, needed="") for item in items]
    return [first, *items]


def _own_publications(desk: Desk, id: str) -> list[dict[str, Any]]:
    try:
        record = desk.client.framework(id)
    except InputError as error:
        if error.code == "not_found":
            return []
        raise
    return [stated for stated in record["stated"] if desk.is_own(stated)]


def _is_same(stated: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Whether a publication says just this; in a record it does not repeat its id."""
    wanted = plain({name: value for name, value in body.items() if name != "id"})
    return all(stated.get(name) == value for name, value in wanted.items())
