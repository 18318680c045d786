"""Finds rows that look like one issuer under several ids; it reports them, and never refuses them.

    the same name under two DIDs, or with the web site       a moved DID, or one that was written twice
    https://x.example/issuer and https://x.example/issuer/    a slash
    did:web:x.example:8443:a and did:web:x.example%3A8443:a   a port that became a part of the path
    a did:key that another row names in also_known_as

To everybody who verifies, two ids are two issuers, so a person has to decide which is right.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from accredit.cli.importers.findings import ImportFinding

from .row import Row

_PORT: Final = re.compile(r"(?<=[a-z0-9]):(\d{2,5})(?=:|$)", re.ASCII)


def remark(rows: Sequence[Row]) -> list[Row]:
    """Return the rows; one with a neighbour gets a finding that names it."""
    marked = list(rows)
    for code, key, text in _KINDS:
        groups: dict[str, list[int]] = {}
        for at, row in enumerate(rows):
            if row.body is not None and (value := key(row)):
                groups.setdefault(value, []).append(at)
        for found in groups.values():
            ids = {rows[at].id for at in found}
            for at in found if len(ids) > 1 else ():
                other = next(rows[one] for one in found if rows[one].id != rows[at].id)
                marked[at] = _with(marked[at], code, text.format(other=other.id, where=other.where))
    return _aliases(marked)


def _with(row: Row, code: str, text: str) -> Row:
    if any(finding.code.startswith(code) for finding in row.findings):
        return row
    hint = "If they are the same issuer, keep one row and list the other id in also_known_as."
    return replace(row, findings=(*row.findings, ImportFinding(code=code, text=text, hint=hint)))


def _aliases(rows: list[Row]) -> list[Row]:
    by_id = {row.id: at for at, row in enumerate(rows) if row.body is not None}
    for row in list(rows):
        for alias in (row.body or {}).get("also_known_as", ()):
            if alias in by_id:
                text = f"{row.where} says that this is an alias of {row.id}."
                rows[by_id[alias]] = _with(rows[by_id[alias]], "alias_of_another", text)
    return rows


def _name_and_site(row: Row) -> str:
    body = row.body or {}
    name, site = body.get("name", ""), body.get("url", "")
    return f"{name.casefold()} {site.rstrip('/').casefold()}" if name and site else ""


def _name_alone(row: Row) -> str:
    return " ".join(str((row.body or {}).get("name", "")).casefold().split())


_KINDS: Final[tuple[tuple[str, Callable[[Row], str], str], ...]] = (
    ("same_name_and_site", _name_and_site, "{other} ({where}) has the same name and web site."),
    ("same_name", _name_alone, "{other} ({where}) has the same name."),
    (
        "nearly_the_same_id",
        lambda row: _PORT.sub(r"%3A\1", row.id).rstrip("/"),
        "Its id is almost the same as that of {where}: {other}.",
    ),
)
