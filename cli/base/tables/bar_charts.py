"""Draws bar charts as a self-contained SVG: counts by word, one group below the other.

Its text is real text, so that it can be searched, copied and read aloud, and follows the reader's light or dark scheme
by `currentColor`.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

WIDTH: Final = 720
_LABEL, _ROW, _HEAD, _GAP = 260, 22, 30, 22
_BAR: Final = WIDTH - _LABEL - 70
_COLOUR: Final = "#0072b2"  # Okabe and Ito: for all eyes
_SHOWN: Final = 40
"""Characters of a label."""


def bar_charts(charts: Sequence[tuple[str, Mapping[str, int]]], *, title: str) -> str:
    """Return the SVG text.

    Args:
        charts: each a title, and counts by label; each has a scale of its own, which begins at nought.
    """
    parts, down = [], 44
    for name, counts in charts:
        most = max(counts.values(), default=0) or 1
        parts.append(f'<text x="8" y="{down}" font-weight="600">{escape(name)}</text>')
        down += _HEAD - 8
        for label, count in counts.items():
            width = round(count / most * _BAR, 1)
            shown = label if len(label) <= _SHOWN else f"{label[: _SHOWN - 1]}…"
            parts.append(
                f'<text x="{_LABEL - 8}" y="{down}" text-anchor="end">{escape(shown)}</text>'
                f'<rect x="{_LABEL}" y="{down - 12}" width="{width}" height="15" fill="{_COLOUR}"/>'
                f'<text x="{round(_LABEL + width + 6, 1)}" y="{down}">{count}</text>'
            )
            down += _ROW
        down += _GAP
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {down}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="currentColor">'
    )
    named = f'<text x="8" y="18" font-size="14" font-weight="600">{escape(title)}</text>'
    return "\n".join([head, f"<title>{escape(title)}</title>", named, *parts, "</svg>\n"])
