"""`/explore/changes` and `/v1/changes.atom`: the newest changes, of all subjects or of one.

A feed reader that follows the Atom feed of an issuer is told when anything about it changes. For one subject only the
newest `LOOKED_AT` changes of the node are searched; the page and the feed say so.
"""

from functools import lru_cache
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from markupsafe import Markup

from accredit.governance.fold import Fold
from accredit.governance.standing import ended_grants, undone_about
from accredit.node.http.exchange import Response
from accredit.node.http.explorer.frame import DOWNLOAD, Page, address, page_route, show, when, word
from accredit.node.http.explorer.listing import body_name
from accredit.node.http.explorer.phrases import LANGUAGE, isolated, linked, load
from accredit.node.http.handling.request_reading import identifier, integer
from accredit.node.http.handling.route import REVALIDATE, Call, Route
from accredit.node.views.summaries import summary
from accredit.registry.domain.issuers import name_of
from accredit.registry.domain.records import issuer_in
from accredit.registry.encoding import rfc3339
from accredit.registry.encoding.display import one_line
from accredit.registry.encoding.identifiers import CanonicalId, canonical

ATOM: Final = "application/atom+xml"
LISTED: Final = 50
NAMES_KEPT: Final = 4_096
"""Subjects whose names are kept, as links, until a record changes: those of some hundred pages."""

ANNUL: Final = "statement.annul"
_ANNULLED: Final = "annulled"  # instead of a family of kinds: the subject is the id of the statement annulled
UNDOING: Final = 500
"""Statements that undid what was said about one subject, of those listed with its changes. A guess."""

LOOKED_AT: Final = 20_000
"""Newest changes searched for those of one subject: some 10 ms. A guess."""


def newest_changes(
    call: Call, limit: int, *, before: int | None = None, sub: str | None = None, summed_up: bool = False
) -> list[dict[str, Any]]:
    """Changes, the newest first: the rows of a table.

    Args:
        before: the number below which changes are listed.
        sub: only those about this subject, and those of statements that undid what was said about it.
        summed_up: whether each has its author and a sentence about its content, which requires reading the statements.
    """
    fold = call.reader.fold
    named = call.shared.keep("subjects of changes", fold.records_root(), dict[tuple[str, str], tuple[str, Markup]])
    if len(named) > NAMES_KEPT:
        named.clear()
    rows = []
    also = [] if sub is None else _undoing(fold, CanonicalId(sub))
    for seq, change in call.reader.log.newest_changes(limit, before=before, sub=sub, also=also, looked_at=LOOKED_AT):
        of = (change.kind.partition(".")[0], change.sub)
        if change.kind == ANNUL and (annulment := fold.statement(change.statement)) is not None:
            of = (_ANNULLED, annulment.body["target"].hex())  # its author chose `sub`
        found = named.get(of)
        if found is None:
            found = named[of] = _subject(call, *of)
        name, about = found
        statement = change.statement.hex()
        href = f"/explore/statement?id={statement}"
        row = {
            "seq": seq,
            "time": rfc3339.text(change.time),
            "change": change.change,
            "kind": change.kind,
            "sub": change.sub,
            "statement": statement,
            "_name": name,
            "_time": change.time,
            "_href": href,
            "_what": _what(change.kind, change.change, href),
            "_about": about,
        }
        if summed_up and (held := fold.statement(change.statement)) is not None:
            row |= {"by": held.iss, "summary": summary(held.kind, held.sub, held.body)}
        rows.append(row)
    return rows


def _undoing(fold: Fold, id: CanonicalId) -> list[bytes]:
    """Ids of the statements that undid what was said about an issuer, an authority or a framework.

    What is annulled before this node folds it neither takes effect nor ceases to, so that the feed has only its
    annulment.
    """
    record = issuer_in(fold, id)
    grants = [one.id for one in ended_grants(fold, id)]
    grants += [] if record is None else [grant for grant, _ in record["accreditations"]]
    subjects = [(type, str(id)) for type in ("issuer", "authority", "framework")]
    subjects += [("accreditation", grant.hex()) for grant in grants]
    undoing = dict.fromkeys(one.by.id for subject in subjects for one in undone_about(fold, *subject))
    return list(undoing)[:UNDOING]


def _lines(rows: list[dict[str, Any]]) -> Markup:
    """Return the rows of the table as one text; a template that builds each row takes twice as long."""
    lines = [
        f'<tr><th scope="row">{row["_what"]}</th><td>{row["_about"]}</td><td>{when(row["_time"])}</td></tr>'
        for row in rows
    ]
    return Markup("\n".join(lines))


def _subject(call: Call, family: str, sub: str) -> tuple[str, Markup]:
    """Return the name of a statement's subject, as a link if it has a page; of an annulment, of what it annuls."""
    kind = f"{family}."
    if family == _ANNULLED and (target := call.reader.fold.statement(bytes.fromhex(sub))) is not None:
        name = f"{word(target.kind.replace('.', '_'), 'kind')}: {subject_name(call, target.kind, target.sub)}"
        return name, linked(address("/explore/statement", id=sub), name)
    name, page = subject_name(call, kind, sub), subject_page(kind, sub)
    return name, isolated(name) if page is None else linked(page, name)


@lru_cache(maxsize=1024)
def _what(kind: str, change: str, href: str) -> Markup:
    """The kind of a change, and whether it ceased; a change stays what it is."""
    said = linked(href, word(kind.replace(".", "_"), "kind"))
    return said if change == "took_effect" else said + Markup(" <em>{}</em>").format(load(LANGUAGE).change.ceased)


def subject_name(call: Call, kind: str, sub: str) -> str:
    """Return the registry's name of a statement's subject, if it has one."""
    fold = call.reader.fold
    if kind.startswith("vote.") and fold.charter is not None:
        return str(fold.charter.body["name"])
    if kind.startswith(("issuer.", "accreditation.")) and (record := issuer_in(fold, CanonicalId(sub))) is not None:
        return name_of(record) or sub
    if kind.startswith("authority."):
        return body_name(fold, sub)
    return sub


def subject_page(kind: str, sub: str) -> str | None:
    """The page of the subject of a statement; None where it has none of its own."""
    family = kind.partition(".")[0]
    match family:
        case "issuer" | "accreditation":
            return address("/explore/issuer", id=sub)
        case "authority":
            return address("/explore/authority", id=sub)
        case "framework":
            return address("/explore/competencies", framework=sub)
        case "node":
            return "/explore/nodes"
        case _:
            return None


async def changes(call: Call) -> Response:
    """The feed, for people."""
    sub, before = call.params["sub"], call.params["before"] or None
    rows = newest_changes(call, LISTED, before=before, sub=sub, summed_up=call.params["download"] is not None)
    older = address("/explore/changes", sub=sub, before=rows[-1]["seq"]) if len(rows) == LISTED else None
    page = Page(
        template="changes.html",
        title=load(LANGUAGE).changes.title,
        source="/v1/changes",
        values={
            "rows": _lines(rows),
            "sub": sub,
            "older": older,
            "atom": address("/v1/changes.atom", sub=sub),
        },
        tables={"changes": rows},
    )
    return show(call, page)


async def atom(call: Call) -> Response:
    """The feed as Atom (RFC 4287): all changes, or those about one subject."""
    sub = call.params["sub"]
    base, eco = call.reader.url.rstrip("/"), call.reader.ecosystem.hex()
    rows = newest_changes(call, LISTED, sub=sub, summed_up=True)
    genesis = call.reader.fold.statement(call.reader.ecosystem)
    newest = rows[0]["_time"] if rows else 0 if genesis is None else genesis.iat
    charter = call.reader.fold.charter
    whose = call.reader.name if charter is None else charter.body["name"]
    title = f"{whose}: {sub or load(LANGUAGE).changes.title}"
    here = base + address("/v1/changes.atom", sub=sub)
    parts = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{LANGUAGE}">',
        f"<title>{_text(title)}</title>",
        f"<id>urn:accredit:{eco}:changes:{_text(call.reader.name)}:{_text(sub or '')}</id>",
        f"<updated>{rfc3339.text(newest)}</updated>",
        f"<author><name>{_text(call.reader.name)}</name></author>",
        f'<link rel="self" type="{ATOM}" href={quoteattr(here)}/>',
        f'<link rel="alternate" type="text/html" href={quoteattr(base + address("/explore/changes", sub=sub))}/>',
    ]
    parts += [_entry(base, row) for row in rows]
    parts.append("</feed>\n")
    return Response("\n".join(parts).encode(), media_type=ATOM, headers={"cache-control": REVALIDATE})


def _entry(base: str, row: dict[str, Any]) -> str:
    t = load(LANGUAGE)
    said = f"{t.kind.word(row['kind'].replace('.', '_'))} ({t.change.word(row['change'])})"
    return "".join(
        (
            "<entry>",
            f"<id>urn:accredit:statement:{row['statement']}:{row['seq']}</id>",
            f"<title>{_text(row['_name'])}: {_text(said)}</title>",
            f"<updated>{row['time']}</updated>",
            f'<link rel="alternate" type="text/html" href={quoteattr(base + row["_href"])}/>',
            f"<summary>{_text(row.get('summary', ''))}</summary>",
            "</entry>",
        )
    )


def _text(value: str) -> str:
    return escape(one_line(value))


_SUBJECT: Final = identifier("sub", "only what is about this issuer, authority or framework", read=canonical)

ROUTES: Final = (
    page_route(
        "/explore/changes",
        changes,
        "What took effect and what ceased to, the newest first",
        _SUBJECT,
        integer("before", "return the changes before this number", minimum=0, maximum=2**62, default=0),
        DOWNLOAD,
    ),
    Route(
        method="GET",
        path="/v1/changes.atom",
        handler=atom,
        family="registry",
        about="The newest changes as an Atom feed, of all or of one subject",
        params=(_SUBJECT,),
        gives={ATOM: None},
    ),
)
