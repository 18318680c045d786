"""What a browser would make of a page, without one: its elements, and every address that it names.

seen = see(response.text)
seen.fetched          addresses that it loads by itself
seen.links            addresses that it offers, with the link's `rel`
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

from accredit.node.http.explorer.frame import address
from tests.strategies.explored import BOARD, CARE, CLOSED, HOSTILE, NURSING, SKILLS, WOUNDS, nursing_world
from tests.strategies.served import COLLEGE, A

_VOID: Final = frozenset({"area", "br", "hr", "img", "input", "link", "meta", "path", "rect", "line", "use", "source"})


@dataclass
class Seen:
    """See the module; `open` names elements that are never closed, `text` is what is read."""

    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    text: str = ""

    @property
    def fetched(self) -> list[str]:
        """Addresses that are loaded without anybody's click."""
        loading = {"script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data", "embed": "src"}
        found = [attributes[loading[name]] for name, attributes in self.elements if loading.get(name) in attributes]
        return found + [
            one["href"] for name, one in self.elements if name == "link" and one["rel"] in ("stylesheet", "icon")
        ]

    @property
    def links(self) -> list[tuple[str, str]]:
        """Address and `rel` of every link."""
        return [(one["href"], one.get("rel", "")) for name, one in self.elements if name == "a" and "href" in one]

    def all(self, name: str) -> list[dict[str, str]]:
        """Attributes of every element of a name."""
        return [attributes for found, attributes in self.elements if found == name]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen = Seen()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in _VOID:
            self.seen.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.seen.open:
            assert self.seen.open[-1] == tag, f"</{tag}> closes <{self.seen.open[-1]}>"
            self.seen.open.pop()

    def handle_data(self, data: str) -> None:
        self.seen.text += data


def see(html: str) -> Seen:
    """Read a page."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.seen.text = " ".join(reader.seen.text.split())
    return reader.seen


def addresses() -> Sequence[str]:
    """Pages of `explored`, each kind with and without anything to show, and with every hostile name."""
    statements = {(one.kind, one.sub in HOSTILE): one.id.hex() for one in nursing_world().said}.values()
    return (
        "/",
        "/explore/search",
        "/explore/search?limit=2&category=community_college&status=active&jurisdiction=US",
        address("/explore/search", q=NURSING),
        address("/explore/search", q=CARE),
        address("/explore/search", q="did:web:nobody.example"),
        address("/explore/search", q="<script>alert(1)</script>\u202e\u0000"),
        address("/explore/issuer", id=NURSING),
        address("/explore/issuer", id=NURSING, at="2023-11-15"),
        address("/explore/issuer", id=NURSING, at="1900-01-01"),
        address("/explore/issuer", id=CLOSED),
        address("/explore/issuer", id=COLLEGE),
        *(address("/explore/issuer", id=id) for id in HOSTILE),
        "/explore/decision",
        address("/explore/decision", issuer=NURSING, **{"for": "License", "jurisdiction": "US-IN"}),
        address("/explore/decision", issuer=CLOSED, **{"for": "Degree", "on": "2005-05-20"}),
        address("/explore/decision", issuer="did:web:nobody.example", **{"for": "License"}),
        *(
            address("/explore/decision", issuer=id, **{"for": "Degree", "program": name})
            for id, name in HOSTILE.items()
        ),
        "/explore/changes",
        address("/explore/changes", sub=NURSING),
        address("/explore/changes", sub="did:web:nobody.example"),
        "/explore/check",
        "/explore/authorities",
        address("/explore/authority", id=A),
        address("/explore/authority", id=BOARD),
        "/explore/competencies",
        address("/explore/competencies", framework=SKILLS),
        address("/explore/competencies", framework="https://nowhere.example/"),
        address("/explore/competency", uri=CARE),
        address("/explore/competency", uri=WOUNDS),
        "/explore/nodes",
        "/explore/log",
        "/explore/log?before=12",
        *(address("/explore/statement", id=id) for id in statements),
        "/explore/outcomes",
    )
