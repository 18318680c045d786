"""The common parts of all pages: templates, headers, tables as CSV and JSON, and problems as pages.

A handler makes a `Page` and returns `show(call, page)`. Each table of a page has a name and rows; `?download=NAME.csv`
(or `.json`) gives the rows instead of the page, so that a table and its download cannot differ. Members of a row
that begin with an underscore are for the page alone.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, quote

import msgspec
from markupsafe import Markup, escape

from accredit.node.http.exchange import HttpRequest, Response
from accredit.node.http.handling.node_ports import ReadableNode
from accredit.node.http.handling.request_reading import Param, words
from accredit.node.http.handling.route import JSON, REVALIDATE, Call, Handler, Route
from accredit.node.http.problems import RETRY_AFTER_SECONDS, Problem
from accredit.registry.domain.vocabulary import ACHIEVEMENT_TYPES
from accredit.registry.encoding import rfc3339
from accredit.registry.encoding.display import one_line, sheet_cell
from accredit.registry.errors import InputError

from .marks import MARKS, mark_of
from .phrases import LANGUAGE, fill, isolated, load

if TYPE_CHECKING:
    from jinja2 import Environment

HTML: Final = "text/html; charset=utf-8"
CSV: Final = "text/csv; charset=utf-8"

EXCERPT: Final = 400
"""Characters shown of a long text on a page with several; the statement has the rest."""

SHORT_ID: Final = 12
"""Digits of a hash that are shown; the link has all of them."""

OTHER_NODES: Final = 5
"""Nodes that a page names if readers should not rely on this one."""

HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "referrer-policy": "no-referrer",
    "content-language": LANGUAGE,
}

DOWNLOAD: Final = words("download", "a table instead of the page: its name, then .csv or .json", max_chars=40)

_MENU: Final = (
    ("/explore/search", "search"),
    ("/explore/decision", "ask"),
    ("/explore/check", "check"),
    ("/explore/authorities", "authorities"),
    ("/explore/competencies", "competencies"),
    ("/explore/nodes", "nodes"),
    ("/explore/log", "log"),
    ("/explore/changes", "changes"),
    ("/explore/outcomes", "outcomes"),
)
"""Pages of the menu, with their names in the catalogue."""

_FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page.

    Attributes:
        template: its file. title: the browser's title, before the name of the ecosystem.
        source: the JSON route with the same content, with its query; empty if there is none.
        values: the other values of its template.
        tables: its tables by name: rows, whose members are in the order of the columns.
        status: of the answer.
        cache: its Cache-Control.
    """

    template: str
    title: str
    source: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    status: int = 200
    cache: str = REVALIDATE


def page_route(path: str, handler: Handler, about: str, *params: Param) -> Route:
    """A row of the table of routes for a page."""
    return Route(
        method="GET",
        path=path,
        handler=handler,
        family="explorer",
        about=about,
        gives={"text/html": None},
        params=params,
        is_public=False,
        is_page=True,
    )


def show(call: Call, page: Page) -> Response:
    """The page, or the table of it that was asked for."""
    wanted = call.params.get("download")
    if wanted is not None:
        return _download(page, wanted)
    return _rendered(page, call.reader, call.request)


def address(path: str, **query: object) -> str:
    """Return a link within the node: the path, and the members of the query that are not None, percent-encoded once."""
    given = "&".join([f"{name}={_quoted(str(value))}" for name, value in query.items() if value not in (None, "")])
    return f"{path}?{given}" if given else path


_quoted: Final = lru_cache(maxsize=8192)(partial(quote, safe=""))
"""Cached, because the same ids are linked many times."""


def accepts_pages(request: HttpRequest) -> bool:
    """Return whether the client is a browser, or accepts HTML."""
    return "text/html" in request.header("accept")


def problem_page(problem: Problem, reader: ReadableNode, request: HttpRequest) -> Response:
    """A problem, for people."""
    page = Page(
        template="problem.html",
        title=problem.title,
        values={"problem": problem},
        status=problem.status,
        cache="no-store",
    )
    made = _rendered(page, reader, request)
    if problem.status in RETRY_AFTER_SECONDS:
        made.headers["retry-after"] = str(RETRY_AFTER_SECONDS[problem.status])
    return made


# ------------------------------------------------------------------------------------------------- downloads


def _download(page: Page, wanted: str) -> Response:
    name, _, form = wanted.partition(".")
    rows = page.tables.get(name)
    if rows is None or form not in ("csv", "json"):
        offered = ", ".join(f"{one}.csv, {one}.json" for one in page.tables) or "no table"
        raise InputError("not_found", f"this page has no table {wanted[:40]!r}.", hint=f"It has {offered}.")
    plain = [{key: value for key, value in row.items() if not key.startswith("_")} for row in rows]
    content = csv_of(plain) if form == "csv" else msgspec.json.encode({name: plain})
    headers = {**HEADERS, "cache-control": page.cache, "content-disposition": f'attachment; filename="{wanted}"'}
    return Response(content, media_type=CSV if form == "csv" else JSON, headers=headers)


def csv_of(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as CSV (RFC 4180) with a header; lists joined by semicolons.

    A text that a spreadsheet would take for a formula gets an apostrophe, because strangers choose the names.
    """
    written = io.StringIO()
    if rows:
        writer = csv.DictWriter(written, list(rows[0]), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return written.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        value = "; ".join(str(one) for one in value)
    return sheet_cell(value) if isinstance(value, str) else value


# ------------------------------------------------------------------------------------------------- rendering


def _rendered(page: Page, reader: ReadableNode, request: HttpRequest) -> Response:
    charter, trouble = reader.fold.charter, reader.health.stale()
    content = (
        _environment()
        .get_template(page.template)
        .render(
            page.values,
            page=page,
            tables=page.tables,
            here=request.scope["path"],
            query=dict(parse_qsl(request.query.decode("latin-1"))),
            node=reader,
            ecosystem=None if charter is None else charter.body["name"],
            hash=reader.ecosystem.hex(),
            trouble=trouble,
            others=() if trouble is None else _other_nodes(reader),
        )
    )
    headers = {**HEADERS, "cache-control": page.cache, "vary": "Accept"}
    return Response(content.encode(), status_code=page.status, media_type=HTML, headers=headers)


def _other_nodes(reader: ReadableNode) -> list[str]:
    """Addresses of nodes to ask instead of this one."""
    found = [node["url"] for node in reader.fold.nodes() if node["retired"] is None and node["name"] != reader.name]
    return found[:OTHER_NODES]


def load_templates() -> None:
    """Load all templates and their library: half a second of work, for a thread, before somebody asks for a page."""
    environment = _environment()
    for name in environment.list_templates():
        environment.get_template(name)


@cache
def _environment() -> "Environment":
    """Return the environment, made when it is first needed; a node that shows no pages loads neither templates nor
    their library."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    t = load(LANGUAGE)
    made.globals |= {
        "t": t,
        "language": LANGUAGE,
        "address": address,
        "menu": menu,
        "choices": choices,
        "script_words": script_words,
        "field": partial(part, "field"),
        "part": part,
    }
    made.globals["achievements"] = options(ACHIEVEMENT_TYPES)
    made.filters |= {
        "fill": fill,
        "isolated": isolated,
        "prose": prose,
        "when": when,
        "short": short,
        "external": external,
        "mark": mark,
        "word": word,
    }
    return made


def options(values: Sequence[str]) -> Markup:
    """Return the values that a field suggests, from a constant list."""
    return Markup("").join(Markup('<option value="{}"></option>').format(value) for value in values)


@lru_cache(maxsize=256)
def choices(section: str, values: tuple[str, ...], chosen: str | None, counts: tuple[int, ...]) -> Markup:
    """Return the choices of a field from a vocabulary, each with a count."""
    made = [
        Markup('<option value="{}"{}>{} ({})</option>').format(
            value, Markup(" selected" if value == chosen else ""), word(value, section), count
        )
        for value, count in zip(values, counts, strict=True)
    ]
    return Markup("").join(made)


@lru_cache(maxsize=512)
def part(name: str, *given: Any, **options: Any) -> Markup:
    """Return a part of a page made by a macro of `_parts.html`, cached because most fields are the same."""
    macros = vars(_environment().get_template("_parts.html").module)
    made: Markup = macros[name](*given, **options)
    return made


@cache
def script_words(*sections: str) -> Markup:
    """Sections of the catalogue, and the shapes of statuses, as JSON for a script of the page."""
    from jinja2.utils import htmlsafe_json_dumps

    t = load(LANGUAGE)
    return htmlsafe_json_dumps({"marks": MARKS, **{name: getattr(t, name).plain() for name in sections}})


@lru_cache(maxsize=64)
def menu(here: str) -> Markup:
    """The items of the menu; the page that is shown is marked."""
    t = load(LANGUAGE)
    item = Markup('<li><a href="{}"{}>{}</a></li>')
    current = Markup(' aria-current="page"')
    return Markup("").join(
        item.format(path, current if path == here else "", t.site.word(name)) for path, name in _MENU
    )


def prose(text: str, most: int = EXCERPT) -> Markup:
    """Return a stranger's text with its line breaks, shortened if it is long."""
    shown = text if len(text) <= most else f"{text[:most].rstrip()}…"
    return Markup("<br>").join(isolated(line) for line in shown.split("\n"))


@lru_cache(maxsize=8192)
def when(time: int | str | None, nothing: str = "") -> Markup:
    """Return a time, in seconds or in RFC 3339, as an element that programs can read too; `nothing` for None.

    A time that begins a day is shown as that day, any other to the minute.
    """
    if time is None or time == "":
        return escape(nothing)
    written = time if isinstance(time, str) else rfc3339.day(time)
    date, clock = written[:10], written[11:16]
    return Markup('<time datetime="{}">{}</time>').format(written, f"{date} {clock} UTC" if clock else date)


def short(digest: str | bytes) -> Markup:
    """The first digits of a hash."""
    digits = digest.hex() if isinstance(digest, bytes) else digest
    return Markup("<code>{}…</code>").format(digits[:SHORT_ID])


def external(link: str) -> Markup:
    """Return a link from a statement: clickable for http and https, else as text. The node never fetches it."""
    if not link.lower().startswith(("https://", "http://")):
        return isolated(link)
    opened = Markup('<a class="out" rel="noopener noreferrer nofollow" href="{}">').format(link)
    return opened + isolated(link) + Markup("</a>")


@lru_cache(maxsize=1024)
def mark(status: str, section: str = "status") -> Markup:
    """Return a status or verdict by shape and word; the colour only repeats them."""
    said = getattr(load(LANGUAGE), section).word(status)
    return Markup('<span class="mark {}">{}</span>').format(mark_of(status), said)


@lru_cache(maxsize=1024)
def word(name: str, section: str) -> str:
    """Return the catalogue's word for a term of a vocabulary."""
    found: str = getattr(load(LANGUAGE), section).word(name)
    return one_line(found)
