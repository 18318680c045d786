"""A page whose head a person writes and whose rest is made from the code.

    rewrite("http.md", text())      `python3 dev.py docs` runs each generator, which ends with this
    expected("http.md", text())     what the file should hold; a test compares, so that no page drifts from the code

Everything up to the line `MARK` is kept as it is; everything after it is replaced.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).resolve().parents[1]
MARK: Final = "<!-- From here on made by `python3 dev.py docs`: change the code, not this text. -->"


def expected(name: str, generated: str) -> str:
    """The whole page `docs/<name>` with its generated part renewed."""
    head, mark, _ = (DOCS / name).read_text("utf-8").partition(MARK)
    assert mark, f"docs/{name} has no line {MARK}"
    return f"{head}{MARK}\n\n{generated.strip()}\n"


def rewrite(name: str, generated: str) -> None:
    """Writes the page, and says whether it changed."""
    path, text = DOCS / name, expected(name, generated)
    changed = path.read_text("utf-8") != text
    path.write_text(text, "utf-8")
    print(f"docs/{name}: {'renewed' if changed else 'up to date'}")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; vertical bars in cells are escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(text: str) -> str:
    """Text in code font."""
    return f"`{text}`"
