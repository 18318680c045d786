"""Proposes to end a mapping or a recognition, by the statement that put it into effect."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import click

from accredit.cli.base import documents
from accredit.cli.base.node_option import complete, effective_ids

from .workflow import Desk, Say

_F = TypeVar("_F", bound=Callable[..., Any])


def takes_end(command: _F) -> _F:
    """Add `--from` and `--reason`, passed on as `effective_from` and `reason_text`."""
    since = click.option("--from", "effective_from", metavar="DATE", help="Start of its effect; default: now.")
    return since(click.option("--reason", "reason_text", help="Reason, kept on record.")(command))


def propose_end(
    desk: Desk,
    given: str,
    members: Callable[[str, str], dict[str, Any]],
    *,
    founding: str,
    named: str,
    effective_from: str | None,
    reason_text: str | None,
) -> None:
    """Propose to end the mapping or recognition that a statement put into effect.

    Args:
        given: the statement's id, or its first digits.
        members: from the whole id and the statement's subject to the members of the body that name them.
        founding: the statement's kind, as in `mapping.publish`.
        named: a name for what ends, for errors, as in "a mapping".
    """
    whole = complete(given, lambda: effective_ids(desk.client, founding), named)
    sub = desk.client.statement(whole)["sub"]
    written = members(whole, sub)
    written["effective_from"] = documents.seconds(effective_from, "--from") if effective_from else int(time.time())
    if reason_text:
        written["reason_text"] = reason_text
    kind = f"{founding.partition('.')[0]}.withdraw"
    desk.propose([Say(kind=kind, sub=sub, body=documents.to_body(kind, written, documents.OPTIONS))])
