"""`/explore/log` and `/explore/statement`: the log of this node, newest entries first, and one entry decoded."""

import shlex
from typing import Any, Final

import msgspec

from accredit.governance.rules.rulebook import is_narrowing
from accredit.node.http.exchange import Response
from accredit.node.http.explorer.frame import DOWNLOAD, Page, address, page_route, show, word
from accredit.node.http.explorer.history import votes_on
from accredit.node.http.explorer.listing import authority_name, body_name
from accredit.node.http.explorer.phrases import LANGUAGE, load
from accredit.node.http.handling.request_reading import hex_id, integer
from accredit.node.http.handling.route import Call
from accredit.node.http.routes.statements import held_statement
from accredit.node.views.json_views import plain
from accredit.node.views.summaries import summary
from accredit.registry.domain.scope import sentence
from accredit.registry.encoding import rfc3339
from accredit.registry.statement import Statement
from accredit.registry.transparency.tiles import ENTRIES, TILE_WIDTH, Tile

from .changes import subject_name, subject_page

LISTED: Final = 40
BODY_CHARS: Final = 20_000
"""Of a decoded body that a page shows; a statement has at most 16 KiB."""

_GRANTING: Final = ("accreditation.grant", "accreditation.amend")
"""Kinds whose body has a scope, which people are told in a sentence."""


async def log(call: Call) -> Response:
    """The newest entries of this node's log."""
    reader = call.reader
    checkpoint = reader.log.checkpoint()
    size = 0 if checkpoint is None else checkpoint[0]
    stop = min(call.params["before"] or size, size)
    start = max(0, stop - LISTED)
    rows = [_row(call, start + offset, id) for offset, id in enumerate(reader.log.ids(start, stop))]
    rows.reverse()
    values = {
        "size": size,
        "checkpoint": "" if checkpoint is None else checkpoint[1],
        "older": address("/explore/log", before=start) if start else None,
        "newer": address("/explore/log", before=min(size, stop + LISTED)) if stop < size else None,
    }
    title = load(LANGUAGE).log.title
    return show(
        call, Page(template="log.html", title=title, source="/v1/status", values=values, tables={"entries": rows})
    )


def _row(call: Call, index: int, id: bytes) -> dict[str, Any]:
    held = call.reader.fold.statement(id)
    row = {"index": index, "kind": "", "about": "", "by": "", "stated": "", "statement": id.hex()}
    if held is not None:
        row |= {
            "kind": held.kind,
            "about": _about(call, held),
            "by": body_name(call.reader.fold, held.iss),
            "stated": rfc3339.text(held.iat),
        }
    return {**row, "_href": address("/explore/statement", id=id.hex())}


def _about(call: Call, held: Statement) -> str:
    """Return the subject of an entry; for a vote the statement voted on, because all votes have the ecosystem as
    subject."""
    if held.kind.startswith("vote."):
        target = call.reader.fold.statement(held.body["targets"][0])
        if target is not None:
            return f"{word(target.kind.replace('.', '_'), 'kind')}: {subject_name(call, target.kind, target.sub)}"
    return subject_name(call, held.kind, held.sub)


async def statement(call: Call) -> Response:
    """Return the page of one statement: its content, its standing, its votes, its place in the log."""
    id: bytes = call.params["id"]
    fold, reader = call.reader.fold, call.reader
    held, verdict = held_statement(fold, id)
    index = reader.log.index_of(id)
    via = held.mandate if verdict.voice is None else verdict.voice.via
    votes = votes_on(fold, id)
    body = msgspec.json.format(msgspec.json.encode(plain(held.body)), indent=2).decode()
    targets = held.body.get("targets", []) if held.kind.startswith("vote.") else []
    values: dict[str, Any] = {
        "id": id.hex(),
        "said": held,
        "summary": summary(held.kind, held.sub, held.body),
        "allows": sentence(held.body["scope"]) if held.kind in _GRANTING else "",
        "name": subject_name(call, held.kind, held.sub),
        "subject_page": subject_page(held.kind, held.sub),
        "by": body_name(fold, held.iss) if via is None else authority_name(fold, held.iss, via),
        "mandate": None if via is None else _mandate(call, via),
        "author_page": address("/explore/authority", id=held.iss) if fold.get("authority", held.iss) else None,
        "state": str(verdict.state),
        "reason": verdict.reason,
        "needed": verdict.needed,
        "since": verdict.since,
        "approvals": [body_name(fold, one) for one in verdict.approvals],
        "narrows": is_narrowing(held.kind, held.body),
        "body": body[:BODY_CHARS],
        "index": index,
        "tiles": [] if index is None else tiles_of(index, reader.log.size()),
        "targets": [target.hex() for target in targets[:20]],
        "previous": None if held.prev is None else held.prev.hex(),
        "curl": curl_bytes(call, id),
        "proof_curl": curl_proof(call, id),
    }
    rows = [
        {
            "by": vote["by"],
            "approve": vote["approve"],
            "stated": rfc3339.text(vote["iat"]),
            "reason": vote["reason"],
            "_vote": vote,
        }
        for vote in votes
    ]
    source = f"/v1/statements/{id.hex()}"
    return show(
        call,
        Page(
            template="statement.html",
            title=values["summary"][:120],
            source=source,
            values=values,
            tables={"votes": rows},
        ),
    )


def _mandate(call: Call, via: bytes) -> dict[str, str] | None:
    """The delegation under which a statement speaks, with who gave it.

    None if it speaks for an issuer: not a mandate stands behind it then, but the statement of the issuer's key.
    """
    given = call.reader.fold.statement(via)
    if given is not None and given.kind != "authority.delegate":
        return None
    by = "" if given is None else body_name(call.reader.fold, given.iss)
    return {"id": via.hex(), "by": by, "href": address("/explore/statement", id=via.hex())}


def curl_bytes(call: Call, id: bytes) -> str:
    """How a shell fetches a statement as it was signed."""
    return f"curl -s {_quoted_address(call, id)} -H 'accept: application/cose' -o statement.cose"


def curl_proof(call: Call, id: bytes) -> str:
    """How a shell fetches the proof that the noted state holds the statement."""
    return f"curl -s {_quoted_address(call, id, '/proof')} -o proof.json"


def _quoted_address(call: Call, id: bytes, below: str = "") -> str:
    base = call.reader.url.rstrip("/") or "http://127.0.0.1:8080"
    return shlex.quote(f"{base}/v1/statements/{id.hex()}{below}")


def tiles_of(index: int, size: int) -> list[tuple[str, str]]:
    """The bundle that holds an entry, and the tile of hashes over it: name and address (C2SP tlog-tiles)."""
    at = index // TILE_WIDTH
    width = min(TILE_WIDTH, size - at * TILE_WIDTH)
    return [
        ("entries", "/log/" + Tile(level=ENTRIES, index=at, width=width).encode_path()),
        ("hashes", "/log/" + Tile(level=0, index=at, width=width).encode_path()),
    ]


ROUTES: Final = (
    page_route(
        "/explore/log",
        log,
        "The newest entries of this node's log",
        integer("before", "the index to go on from, not included", minimum=0, maximum=2**62, default=0),
        DOWNLOAD,
    ),
    page_route(
        "/explore/statement",
        statement,
        "One statement, decoded, with its votes and its place in the log",
        hex_id("id", "the statement's id", required=True),
        DOWNLOAD,
    ),
)
