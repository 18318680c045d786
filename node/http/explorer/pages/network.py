"""`/explore/nodes`: the nodes and signers of this registry, as this node sees them, and conflicts."""

from typing import Any, Final

from accredit.node.http.exchange import Response
from accredit.node.http.explorer.frame import DOWNLOAD, Page, address, page_route, show
from accredit.node.http.explorer.listing import body_name
from accredit.node.http.explorer.phrases import LANGUAGE, load
from accredit.node.http.handling.route import Call
from accredit.node.runtime.equivocations import digest, view
from accredit.registry.domain.record_types import NodeRecord
from accredit.registry.encoding import rfc3339
from accredit.registry.transparency.equivocation import Conflict

LISTED: Final = 60
"""Nodes shown; a larger ecosystem's rest is in the table beside it."""


async def nodes(call: Call) -> Response:
    """Nodes, signers, conflicts."""
    reader, fold = call.reader, call.reader.fold
    status = reader.health.status()
    peers = {peer["name"]: peer for peer in status["peers"]}
    note = status["state_note"]
    noted = reader.notary.noted.state
    charter = fold.charter
    rows = [_node(call, record, peers.get(record["name"])) for record in fold.nodes()]
    values = {
        "status": status,
        "note": note,
        "noted": noted,
        "policy": charter is not None and bool(charter.body["signers"]),
        "listed": LISTED,
    }
    tables = {
        "nodes": rows,
        "signers": [] if note is None else _signers(call, note),
        "conflicts": [_conflict(one) for one in reader.conflicts],
    }
    page = Page(
        template="nodes.html", title=load(LANGUAGE).nodes.title, source="/v1/status", values=values, tables=tables
    )
    return show(call, page)


def _node(call: Call, record: NodeRecord, peer: dict[str, Any] | None) -> dict[str, Any]:
    is_own = record["name"] == call.reader.name
    heard = None if peer is None else peer["last_heard"]
    state = "self" if is_own else "unknown" if peer is None else _state(peer)
    return {
        "name": record["name"],
        "operator": record["operator"],
        "url": record["url"],
        "state": state,
        "last_heard": "" if heard is None else rfc3339.text(heard),
        "age_seconds": "" if heard is None else max(0, call.reader.now() - heard),
        "behind": "" if peer is None else peer["behind"],
        "lag": "" if peer is None else peer["lag"],
        "error": "" if peer is None else peer["error"],
        "_operator": body_name(call.reader.fold, record["operator"]),
        "_href": address("/explore/statement", id=record["statement"].hex()),
    }


def _state(peer: dict[str, Any]) -> str:
    if peer["distrusted_until"] is not None:
        return "distrusted"
    if peer["last_heard"] is None:
        return "silent"
    if peer["failures"]:
        return "failing"
    return "lagging" if peer["behind"] or peer["lag"] else "in_step"


def _signers(call: Call, note: dict[str, Any]) -> list[dict[str, Any]]:
    """Each signer, with when it cosigned the newest note, or why it did not."""
    missing = {one["name"]: one for one in note["missing"]}
    rows = []
    for one in call.reader.notary.signers():
        why = missing.get(one.name)
        rows.append(
            {
                "name": one.name,
                "state": "missing" if why is not None else "cosigned" if one.cosigned is not None else "late",
                "cosigned": "" if one.cosigned is None else rfc3339.text(one.cosigned),
                "last_seen": "" if one.time is None else rfc3339.text(one.time),
                "statements": "" if one.count is None else one.count,
                "why": "" if why is None else why["why"],
            }
        )
    return rows


def _conflict(one: Conflict) -> dict[str, Any]:
    shown = view(one)
    return {
        "id": digest(one).hex(),
        "kind": shown["kind"],
        "name": shown["name"],
        "origin": shown["origin"],
        "sizes": [side["size"] for side in shown["signed"]],
        "_href": f"/v1/conflicts/{digest(one).hex()}",
    }


ROUTES: Final = (page_route("/explore/nodes", nodes, "Nodes, signers, and contradictions that were caught", DOWNLOAD),)
