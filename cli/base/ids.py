"""Reads ids as people type them into their canonical spelling, or refuses them with the command that finds the right
one."""

import shlex
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from accredit.registry.encoding.identifiers import canonical, canonical_issuer
from accredit.registry.errors import DecodeError, InputError

if TYPE_CHECKING:
    from accredit.node.clients.node_client import NodeClient

ISSUERS: Final = "accredit issuer list --name {word}"
AUTHORITIES: Final = "accredit authority list"
LOOKED_AT: Final = 1_000
"""Issuers compared with a mistyped id: ten requests to the node."""

NOT_HERE: Final = ("not_found", "not_served")
"""Codes of "there is no such thing here": the second from a replica, which has proofs of records and no lists."""


def read_id(text: str, where: str = "ID", *, search: str = ISSUERS) -> str:
    """Return the one spelling of the id of an issuer or authority.

    Args:
        where: the argument or option it was typed for.
        search: the command that finds an id by a name; `{word}` stands for what was typed.

    Raises:
        DecodeError: not an id; if it is a name, the hint is the search command.
    """
    try:
        return canonical_issuer(text)
    except DecodeError as error:
        if ":" in text:
            raise DecodeError(error.code, error.message, where=where, hint=error.hint) from None
        raise is_name(text, where, search=search) from None


def is_name(text: str, where: str = "ID", *, search: str = ISSUERS) -> DecodeError:
    """Return the error for a name typed in place of an id."""
    said = f"{text[:80]!r} is not a DID or URL; perhaps it is a name."
    return DecodeError("identifier_scheme", said, where=where, hint=f"Search: {search.format(word=shlex.quote(text))}")


def check_competency(text: str, where: str = "URI") -> None:
    """Refuse the name of a competency typed in place of its URI.

    Raises:
        DecodeError: it has no scheme; the code is that of `canonical`, as wherever a competency is asked about.
    """
    if ":" in text:
        return
    try:
        canonical(text)
    except DecodeError as error:
        raise DecodeError(
            error.code,
            f"{text[:80]!r} is not a URI; perhaps it is a name.",
            where=where,
            hint="Give the address by which the credential names it, or the one in its framework:  "
            f"accredit framework show ID --find {shlex.quote(text[:80])}",
        ) from error


def registered(client: "NodeClient", text: str, where: str = "ID") -> dict[str, Any]:
    """Return the record of an issuer, as a node gives it.

    Raises:
        InputError: not an id, or not registered; the hint names registered ids that look like it.
    """
    id_ = read_id(text, where)
    try:
        return client.issuer(id_)
    except InputError as error:
        if error.code != "not_found":
            raise
        meant = " ".join(f"Did you mean {one}?" for one in near(client, id_))
        raise InputError(error.code, error.message, hint=f"{meant} {error.hint}".strip()) from None


def authority(client: "NodeClient", text: str, where: str) -> str:
    """Return the id of an authority of the ecosystem that a node serves.

    Raises:
        InputError: not an id, or not an authority here, for which a list would be empty and look like an answer.
    """
    id_ = read_id(text, where, search=AUTHORITIES)
    known = [str(one["id"]) for one in client.authorities()["authorities"]]
    if id_ in known:
        return id_
    meant = " ".join(f"Did you mean {one}?" for one in get_close_matches(id_, known, 1, 0.85))
    hint = f"{meant} {AUTHORITIES} lists them.".strip()
    raise InputError("unknown_authority", f"{where}: {id_} is not an authority of this ecosystem.", hint=hint)


def near(client: "NodeClient", issuer: str) -> list[str]:
    """Return ids of registered issuers similar to an unregistered one, the nearest first; none from a replica."""
    try:
        ids = [str(one["id"]) for one in islice(client.every_issuer(limit=100), LOOKED_AT)]
    except InputError as error:
        if error.code not in NOT_HERE:
            raise
        return []
    return get_close_matches(issuer, ids, 3, 0.85)
