"""Asks nodes: the `--node` option, and the errors for nodes that cannot be reached.

Every command that needs a node takes `--node URL` (environment ACCREDIT_NODE, several separated by white space; default
http://127.0.0.1:8080). Commands that compare nodes use all of them, other commands the first. Commands that check
everything they read also take a store of published files: a folder, or a URL like s3://bucket/folder.
"""

import os
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import update_wrapper
from shlex import quote
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from accredit.registry.errors import AccreditError, InputError, NotYetError, RefusedError, RemoteError

from . import output

if TYPE_CHECKING:
    from accredit.node.clients.node_client import NodeClient

DEFAULT_NODE: Final = "http://127.0.0.1:8080"

_F = TypeVar("_F", bound=Callable[..., Any])
_T = TypeVar("_T")


def node_option(command: _F) -> _F:
    """Adds `--node`, passed on as `nodes: tuple[str, ...]`, never empty.

    Where a web server that only has published files cannot answer, the command's error says that it needs a node.
    """

    def invoke(*args: Any, nodes: tuple[str, ...], **kwargs: Any) -> Any:
        try:
            return command(*args, nodes=nodes, **kwargs)
        except RemoteError as error:
            if error.code == "bad_answer":
                _require_no_files(nodes)
            raise

    decorated: Any = click.option(
        "--node",
        "nodes",
        metavar="URL",
        multiple=True,
        callback=_nodes,
        help="Node to ask; may be repeated. [env ACCREDIT_NODE; default http://127.0.0.1:8080]",
    )(update_wrapper(invoke, command))
    result: _F = decorated
    return result


def place_option(command: _F) -> _F:
    """Adds `--node` of a command that takes a store, too; passed on as `nodes: tuple[str, ...]`, never empty."""
    return click.option(
        "--node",
        "nodes",
        metavar="URL|STORE",
        multiple=True,
        callback=_places,
        help="Node to ask, or store of published files (URL, folder, s3://…); may be repeated. [env ACCREDIT_NODE; "
        "default http://127.0.0.1:8080]",
    )(command)


def _nodes(_context: click.Context, _parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    from accredit.node.clients.node_url import node_url

    for place in _typed(value):
        _require_no_store(place)
    return tuple(dict.fromkeys(node_url(url) for url in _typed(value)))


def _require_no_store(place: str) -> None:
    """Refuses a folder, or an object store, where only a node answers.

    Raises:
        InputError: `needs_node`.
    """
    from accredit.node.clients.store_files import is_store

    if is_store(place):
        raise _needs_node(place)


def _require_no_files(urls: Sequence[str]) -> None:
    """Refuses a web server that has published files, and no node that answers.

    Raises:
        InputError: `needs_node`.
    """
    from accredit.node.clients.outgoing import Outgoing
    from accredit.node.clients.store_reading import is_published

    for url in urls:
        if is_published(url, Outgoing.from_environment()):
            raise _needs_node(url) from None


def _needs_node(place: str) -> InputError:
    return InputError(
        "needs_node",
        f"{place!r} is a store of published files, and this command asks a node.",
        hint="Give the URL of a node with --node. Published files answer accredit query, check and snapshot sync.",
    )


def _places(_context: click.Context, _parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    from accredit.node.clients.store_files import store_place

    return tuple(dict.fromkeys(store_place(place) for place in _typed(value)))


def _typed(value: tuple[str, ...]) -> tuple[str, ...]:
    return value or tuple(os.environ.get("ACCREDIT_NODE", "").split()) or (DEFAULT_NODE,)


@contextmanager
def connected(url: str, *, for_work: bool = False) -> Iterator["NodeClient"]:
    """A client for one node, closed at the end.

    If the node cannot be reached, the error mentions `--node` only where that option, or its variable, named the node.

    Args:
        for_work: the node is asked to work, as on a thousand statements, which takes a busy one a while.
    """
    from accredit.node.clients.blocking_http import ANSWER_SECONDS, WORK_SECONDS
    from accredit.node.clients.node_client import NodeClient
    from accredit.node.clients.outgoing import Outgoing

    seconds = WORK_SECONDS if for_work else ANSWER_SECONDS
    try:
        with NodeClient(url, timeout=seconds, outgoing=Outgoing.from_environment()) as client:
            yield client
    except RemoteError as error:
        if error.code != "unreachable" or not _is_from_option(url):
            raise
        hint = "Check that the node runs there, or name another: --node URL, or the variable ACCREDIT_NODE."
        raise RemoteError(error.code, error.message, hint=hint) from error


def _is_from_option(url: str) -> bool:
    """Return whether an option `--node` of the running command, or its variable, gave a node's URL."""
    context = click.get_current_context(silent=True)
    if context is None:
        return False
    given = [context.params.get(one.name or "") for one in context.command.params if "--node" in one.opts]
    return any(value == url or (isinstance(value, tuple) and url in value) for value in given)


def first_good(nodes: Sequence[str], fetch: "Callable[[NodeClient], _T]") -> "_T":
    """Return the result of the first node with a good one, as `first_of` does."""

    def connect(url: str) -> "_T":
        with connected(url) as client:
            return fetch(client)

    return first_of(nodes, connect)


def first_of(places: Sequence[str], fetch: Callable[[str], _T]) -> _T:
    """Return the result of the first place with a good one, and say for those before it why theirs was not.

    Args:
        fetch: fetches from a place, and raises where that does not stand.

    Raises:
        AccreditError: the first place's error, if no place has a good result.
    """
    failed: list[tuple[str, AccreditError]] = []
    for place in places:
        try:
            found = fetch(place)
        except (InputError, NotYetError, RemoteError) as error:
            failed.append((place, error))
            continue
        for other, failure in failed:
            output.note(f"{output.fair('!')} {other}: {output.safe(failure)}")
        return found
    raise failed[0][1]


def complete(text: str, candidates: Callable[[], list[str]], what: str) -> str:
    """Return the id that `text` means: 64 digits are the whole id, 8 or more the beginning of one candidate.

    Raises:
        InputError: too short, not hexadecimal, or no candidate or several begin so.
    """
    digits = hex_digits(text, what)
    if len(digits) == 64:
        return digits
    found = sorted({one for one in candidates() if one.startswith(digits)})
    if not found:
        raise InputError(
            "unknown_id",
            f"No id of {what} known to this node begins with {digits}.",
            hint="Give the whole id, or ask another node.",
        )
    if len(found) > 1:
        raise InputError(
            "ambiguous_id",
            f"{len(found)} ids of {what} begin with {digits}: " + ", ".join(one[:16] for one in found[:5]) + " …",
            hint="Give more digits.",
        )
    return found[0]


def complete_statement(client: "NodeClient", text: str) -> str:
    """The id of the one statement in a node's log, decided or not, that `text` begins.

    Raises:
        InputError: as of `complete`.
    """
    return complete(text, lambda: client.statement_ids(text.lower()), "a statement")


def hex_digits(text: str, what: str) -> str:
    """An id or the beginning of one, in lower case.

    Raises:
        InputError: too short, too long, or not hexadecimal.
    """
    digits = text.lower()
    if not 8 <= len(digits) <= 64 or any(digit not in "0123456789abcdef" for digit in digits):
        hint = "Give 8 to 64 hexadecimal digits, as shown in the tables."
        if what == "an accreditation" and text.startswith(("did:", "https:")):
            hint = f"That names an issuer. List its accreditations: accredit accreditation list --issuer {quote(text)}"
        elif what == "an accreditation" and any(letter not in "0123456789abcdef" for letter in digits):
            hint += " An issuer's accreditations: accredit accreditation list --issuer ID"
        elif os.path.isfile(text):
            hint = (
                "That is a file: accredit approve, accredit reject and accredit retract read ids from it with --from."
            )
        elif what == "a mandate of the key":
            hint += " The id of the body that gave it will do as well, if it gave only one."
        raise InputError(
            "bad_id",
            f"{text!r} is not the id of {what} or the beginning of one.",
            hint=hint,
        )
    return digits


def effective_ids(client: "NodeClient", prefix: str = "") -> list[str]:
    """Ids of the statements that ever took effect and whose kind begins with `prefix`, from the change feed."""
    found: list[str] = []
    after = 0
    while True:
        page = client.changes(after=after, limit=1_000)
        found += [str(change["statement"]) for change in page["changes"] if change["kind"].startswith(prefix)]
        if not page["changes"] or page["next"] in (None, after):
            return found
        after = page["next"]


def newest_heads(urls: Sequence[str]) -> dict[str, str]:
    """Return the newest statement of each key over all nodes asked (key id -> statement id), so that a single node
    cannot hide one."""
    return newest_of([_heads_at(url) for url in urls])


def compared_heads(urls: Sequence[str], keys: Container[str]) -> dict[str, str]:
    """Return the newest statement of each of `keys`, known to at least two nodes if the ecosystem has two.

    Raises:
        InputError: `one_node`: only one node was asked, which could leave statements out.
        RefusedError: `forked_key`: two nodes name different statements under one number.
    """
    if len(set(urls)) < 2:
        with connected(urls[0]) as client:
            known = [str(node["url"]) for node in client.ecosystem()["nodes"]]
        others = [url for url in known if url.rstrip("/") != urls[0].rstrip("/")]
        if others:
            raise InputError(
                "one_node",
                f"{urls[0]} alone would say what the delegate has said so far, and could leave something out.",
                hint=f"Ask a second node too: --node {urls[0]} --node {others[0]}",
            )
    lists = [[head for head in _heads_at(url) if head["key"] in keys] for url in urls]
    heads = [head for some in lists for head in some]
    for head in heads:
        if any(one["key"] == head["key"] and one["seq"] == head["seq"] and one["id"] != head["id"] for one in heads):
            raise RefusedError(
                "forked_key",
                f"Key {head['key'][:16]} has signed two statements under number {head['seq']}; nodes hold either.",
                hint=f"End the key first, with the last that is honest: accredit keys compromise {head['key'][:16]} "
                "--last STATEMENT",
            )
    return newest_of(lists)


def newest_of(lists: Iterable[Sequence[Mapping[str, Any]]]) -> dict[str, str]:
    """Of each key the newest of all statements that nodes name as its newest."""
    newest: dict[str, Mapping[str, Any]] = {}
    for head in (head for some in lists for head in some):
        held = newest.get(head["key"])
        if held is None or head["seq"] > held["seq"]:
            newest[head["key"]] = head
    return {key: str(newest[key]["id"]) for key in sorted(newest)}


def _heads_at(url: str) -> list[dict[str, Any]]:
    with connected(url) as client:
        heads: list[dict[str, Any]] = client.heads()["heads"]
        return heads
