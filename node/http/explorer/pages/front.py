"""`GET /`: the front page. Programs get JSON, people the explorer's first page (one line if the explorer is off)."""

import html
from typing import Final, TypedDict

from accredit.node.http.exchange import Response
from accredit.node.http.explorer.frame import Page, show
from accredit.node.http.explorer.listing import authority_choices
from accredit.node.http.handling.request_reading import accepts
from accredit.node.http.handling.route import JSON, Call, Route, bytes_response, json_response
from accredit.registry.domain.vocabulary import ISSUER_CATEGORIES

from .changes import newest_changes

_HTML: Final = "text/html"
_NEWEST: Final = 6
"""Changes on the first page."""


class Welcome(TypedDict):
    """The node, and its most important addresses."""

    about: str
    name: str
    ecosystem: str
    links: dict[str, str]


_LINKS: Final = {
    "ecosystem": "/v1/ecosystem",
    "issuers": "/v1/issuers",
    "proposals": "/v1/proposals",
    "changes": "/v1/changes",
    "status": "/v1/status",
    "checkpoint": "/log/checkpoint",
    "openapi": "/openapi.json",
}
_BARE_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{name} – accredit</title>
<h1>{name}</h1>
<p>{about}</p>
<p>Ecosystem <code>{ecosystem}</code></p>
<ul>{links}</ul>
</html>
"""
_ABOUT: Final = (
    "A node of a decentralised trust registry for learning and employment records: it answers who may issue what."
)


async def welcome(call: Call) -> Response:
    """The front door, for people or for programs."""
    reader = call.reader
    name, ecosystem = reader.name, reader.ecosystem.hex()
    if accepts(call.request, (JSON, _HTML)) == JSON:
        value: Welcome = {"about": _ABOUT, "name": name, "ecosystem": ecosystem, "links": _LINKS}
        return json_response(value, headers={"vary": "Accept"})
    if call.shared.has_explorer:
        return _first_page(call)
    links = "".join(f'<li><a href="{path}">{label}</a></li>' for label, path in _LINKS.items())
    page = _BARE_PAGE.format(name=html.escape(name), about=_ABOUT, ecosystem=ecosystem, links=links)
    response = bytes_response(page.encode(), "text/html; charset=utf-8")
    response.headers["content-security-policy"] = "default-src 'none'"
    response.headers["vary"] = "Accept"
    return response


def _first_page(call: Call) -> Response:
    """Return the first page: the search, and the newest changes."""
    charter = call.reader.fold.charter
    description = None if charter is None else charter.body.get("description")
    values = {
        "description": description,
        "categories": ISSUER_CATEGORIES,
        "authorities": authority_choices(call),
        "changes": newest_changes(call, _NEWEST),
    }
    return show(call, Page(template="front.html", title="", source="/v1/ecosystem", values=values))


ROUTES: Final = (
    Route(
        method="GET",
        path="/",
        handler=welcome,
        family="operations",
        about="What this is; for people the explorer's first page",
        gives={JSON: Welcome, _HTML: None},
        problems=(406,),
    ),
)
