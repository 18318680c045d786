"""Reading our own pages: their fenced blocks, their links, the commands they show.

What a page promises to be run, and shown, is said in `docs/README.md`: a block fenced as `sh` is typed as it stands; a
block fenced as `text` right after it shows what that prints, in part.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"^(?P<ticks>`{3,})(?P<language>\S*)\n(?P<body>.*?)^(?P=ticks)$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block: its language, its text, and the line on which the text begins."""

    language: str
    text: str
    line: int


def pages() -> list[Path]:
    """Every page a person reads: those at the root and all under docs/ and examples/."""
    folders = [ROOT.glob("*.md"), (ROOT / "docs").rglob("*.md"), (ROOT / "examples").rglob("*.md")]
    return sorted(path for folder in folders for path in folder)


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [
        Block(language=found["language"], text=found["body"], line=text.count("\n", 0, found.start("body")) + 1)
        for found in _FENCE.finditer(text)
    ]


def links(text: str) -> list[str]:
    """Where a page's links lead, those in fenced blocks left out."""
    return _LINK.findall(_FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    """What can follow `#` in a link to the page: its headings as GitHub spells them."""
    found = set()
    for heading in _HEADING.findall(_FENCE.sub("", text)):
        plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


def typed(text: str, program: str = "accredit") -> Iterator[list[str]]:
    """Every use of `program` that a page shows, as words: in blocks to type, and inline in its prose."""
    shown = [block.text for block in blocks(text) if block.language in ("sh", "")]
    shown += [one.strip() for one in _INLINE.findall(_FENCE.sub("", text)) if one.strip().startswith(f"{program} ")]
    for one in shown:
        for line in one.replace("\\\n", " ").splitlines():
            # A command ends at a pipe, a redirection, or what chains or closes it.
            for part in re.split(r"\|\|?|&&|;|\$\(|[<>]|\)| 2?>|&$", line.partition(" #")[0]):
                words = _words(part)
                while words and re.fullmatch(r"[A-Z_0-9]+=.*|\$|then|do|!|sudo", words[0]):
                    words.pop(0)
                if words[:1] == [program]:
                    yield words[1:]


def _words(part: str) -> list[str]:
    try:
        return shlex.split(part)
    except ValueError:  # a quotation that goes on after the place where we cut
        return part.replace('"', " ").replace("'", " ").split()
