"""Makes the published pages with the handlers of the node's routes, from its database and without the node.

    pages(config, now)          path -> the answer, or why there is none now

One table lists them, and the handlers are the node's. Pages that the node's keys must sign are not included.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final

import trio

from accredit.governance.policy_renewal import export_policy
from accredit.node.http.app import create_app
from accredit.node.http.exchange import AsgiMessage
from accredit.node.settings import NodeConfig
from accredit.node.workers.committed_view import CommittedView
from accredit.node.workers.line import News
from accredit.node.workers.worker import WorkerReader
from accredit.registry.errors import AccreditError
from accredit.registry.evidence.state_check import read_note
from accredit.registry.evidence.trust_policy import LIFETIME, MAX_AGE

from .publish import NEWEST, PublishedPage, PublishedPages

PAGES: Final[Mapping[str, str]] = {
    "v1/trust-policy": NEWEST,
    "exports/dcc-registry.json": "public, max-age=60",
}
"""Paths, as at a node, and how long caches may keep each."""


def pages(config: NodeConfig, now: int) -> PublishedPages:
    """Makes all of them.

    Args:
        config: the node's settings. now: seconds since 1970.

    Raises:
        StorageError: the database cannot be read.
    """
    with CommittedView(config.database) as view:
        return trio.run(partial(_made, config, view, now))


async def _made(config: NodeConfig, view: CommittedView, now: int) -> PublishedPages:
    reader = WorkerReader(config, view)
    reader.told.hear(News(stale=_outdated(reader, now), displaced=None))
    app = create_app(reader, max_body_bytes=config.max_body_bytes)
    made: dict[str, PublishedPage | str] = {}
    for path, cache in PAGES.items():
        sent: list[AsgiMessage] = []

        async def send(message: AsgiMessage, kept: list[AsgiMessage] = sent) -> None:
            kept.append(message)

        await app(_scope(path), _nothing, send)
        status, headers = sent[0]["status"], dict(sent[0]["headers"])
        body = b"".join(message.get("body", b"") for message in sent[1:])
        if status == 200:
            made[path] = PublishedPage(body=body, media_type=headers[b"content-type"].decode(), cache=cache)
        else:
            made[path] = reader.told.stale() or f"The node answers with status {status}."
    return made


def _outdated(reader: WorkerReader, now: int) -> str | None:
    """Return why no list of trusted issuers can be made: this state has no recent cosignatures."""
    try:
        note = reader.noted.note
        if note is not None:
            since = read_note(note, export_policy(reader.fold, now), now, max_age=LIFETIME).since
            if now - since <= MAX_AGE:
                return None
    except AccreditError as error:
        return error.message
    return "No quorum of signers has vouched for this state lately, so it may not contain recent revocations."


def _scope(path: str) -> dict[str, object]:
    return {
        "type": "http",
        "method": "GET",
        "path": f"/{path}",
        "query_string": b"",
        "headers": [],
        "client": None,
    }


async def _nothing() -> AsgiMessage:
    return {"type": "http.request", "body": b"", "more_body": False}
