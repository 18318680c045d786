"""Ids of institutions and agencies.

A credential names its issuer by a DID or an address, and a list of institutions has neither. If the list gives a web
site that is only a host and belongs to no other institution in the list, the institution's id is `did:web` of that
host, to which only the institution can give keys. Any other institution gets an address *below that of the importing
authority*, which shows who chose the name and cannot be mistaken for a DID.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from accredit.cli.importers.findings import ImportFinding
from accredit.registry.encoding.counts import many
from accredit.registry.encoding.identifiers import CanonicalId, canonical_issuer
from accredit.registry.errors import DecodeError

from .facts import History, HistoryFinding, Institution

_HOST: Final = re.compile(r"(?:https?://)?(?:www\.)?([a-z0-9.-]+\.[a-z]{2,})/?", re.IGNORECASE)


def base_of(authority: str, source: str) -> str:
    """Return the address below which an authority names institutions without an id of their own.

    >>> base_of("did:web:board.example", "dapip")
    'https://board.example/dapip/'
    """
    if authority.startswith("did:web:"):
        authority = "https://" + authority.removeprefix("did:web:").replace(":", "/").replace("%3A", ":")
    if not authority.startswith("https://"):
        raise DecodeError(
            "no_base",
            f"{authority} has no web address to name institutions below.",
            hint="Add --base https://… with an address of yours.",
        )
    return f"{authority.rstrip('/')}/{source}/"


def ids_of(history: History, base: str) -> tuple[dict[str, CanonicalId], list[HistoryFinding]]:
    """Return the id of each institution by its key, and findings about how the ids were chosen."""
    hosts = {key: host for key, one in history.institutions.items() if (host := _host(one.web)) is not None}
    holders = Counter(hosts.values())
    found: dict[str, CanonicalId] = {}
    findings: list[HistoryFinding] = []
    for key, one in history.institutions.items():
        host = hosts.get(key)
        if one.id:
            found[key] = canonical_issuer(one.id)
        elif host is not None and holders[host] == 1:
            found[key] = canonical_issuer(f"did:web:{host}")
        else:
            found[key] = canonical_issuer(f"{base}{quote(key, safe='')}")
            if host is not None:
                others = holders[host] - 1
                text = (
                    f"{many(others, 'other institution', 'has', 'have')} the web site {one.web} too, "
                    f"so {found[key]} is its id."
                )
                finding = ImportFinding(code="shared_web_site", text=text)
                findings.append(HistoryFinding(where=one.where, about=one.name, finding=finding, is_left_out=False))
    return found, findings


def agency_ids(history: History, base: str) -> Mapping[str, CanonicalId]:
    """Return the id of each agency by its key."""
    return {key: canonical_issuer(f"{base}agencies/{quote(key, safe='')}") for key in history.agencies}


def _host(web: str) -> str | None:
    match = _HOST.fullmatch(web.strip())
    if match is None:
        return None
    try:
        canonical_issuer(f"did:web:{match[1].lower()}")
    except DecodeError:
        return None
    return match[1].lower()


def program_id(source: str, key: str) -> str:
    """Return the name of a source's programme in scopes and questions: `dapip:53`."""
    return f"{source}:{key}"


def facts_of(institution: Institution, id: CanonicalId, *, predecessors: list[CanonicalId]) -> dict[str, object]:
    """Return the body of `issuer.register`."""
    body: dict[str, object] = {"id": id, "name": institution.name}
    if institution.identifiers:
        body["identifiers"] = [{"scheme": scheme, "value": value} for scheme, value in institution.identifiers]
    if institution.jurisdiction:
        body["jurisdictions"] = [institution.jurisdiction]
    if institution.sector:
        body["sector"] = institution.sector
    if institution.category:
        body["categories"] = [institution.category]
    if (host := _host(institution.web)) is not None:
        body["url"] = f"https://{host}/"
    if predecessors:
        body["predecessors"] = predecessors
    return body
