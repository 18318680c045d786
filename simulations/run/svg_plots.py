"""Line charts as SVG, without a library: a report needs only a few lines on two axes.

    svg = line_chart([Line("urgent", [(0, 0.0), (120, 1.0)])], title="Coverage", x="ms", y="share")

The result stands alone or inside a page, follows the reader's light or dark scheme by `currentColor`, and tells the
lines apart by colour and by dashes."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10
from typing import Final

WIDTH: Final = 720
HEIGHT: Final = 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 28, 40, 48
_DOTTED: Final = 30
_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # Okabe and Ito: for all eyes
_DASHES: Final = ("", "6 3", "2 3", "8 3 2 3", "1 3", "12 4")
_BESIDE: Final = "3 5"


@dataclass(frozen=True, slots=True)
class Line:
    """Points of one line, x ascending.

    Args:
        beside: the number of the line that it is to be compared with: it has its colour, and dashes.
    """

    name: str
    points: Sequence[tuple[float, float]]
    beside: int | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A vertical line at a bound."""

    name: str
    x: float


def line_chart(
    lines: Sequence[Line], *, title: str, x: str, y: str, marks: Sequence[Mark] = (), y_max: float | None = None
) -> str:
    """Return the chart as SVG text; axes begin at 0."""
    points = [point for line in lines for point in line.points]
    ticks_x = _ticks(max([px for px, _ in points] + [mark.x for mark in marks] + [0.0]))
    ticks_y = _ticks(max((py for _, py in points), default=0.0) if y_max is None else y_max)

    def at(px: float, py: float) -> tuple[float, float]:
        across = _LEFT + px / ticks_x[-1] * (WIDTH - _LEFT - _RIGHT)
        return round(across, 1), round(HEIGHT - _BOTTOM - py / ticks_y[-1] * (HEIGHT - _TOP - _BOTTOM), 1)

    legends = 2 if len(lines) in (2, 4) else 3  # names of lines beside each other
    height = HEIGHT + 20 * ceil(len(lines) / legends)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="currentColor">',
        f"<title>{escape(title)}</title>",
        f'<text x="{_LEFT}" y="18" font-size="14" font-weight="600">{escape(title)}</text>',
    ]
    for tick in ticks_y:
        left, level = at(0, tick)
        right = at(ticks_x[-1], tick)[0]
        parts.append(
            f'<line x1="{left}" x2="{right}" y1="{level}" y2="{level}" stroke="currentColor" opacity="0.15"/>'
            f'<text x="{left - 6}" y="{level + 4}" text-anchor="end">{tick:g}</text>'
        )
    for tick in ticks_x:
        across, bottom = at(tick, 0)
        parts.append(f'<text x="{across}" y="{bottom + 16}" text-anchor="middle">{tick:g}</text>')
    parts.append(f'<text x="{WIDTH - _RIGHT}" y="{HEIGHT - 10}" text-anchor="end">{escape(x)}</text>')
    parts.append(f'<text x="8" y="{_TOP - 8}">{escape(y)}</text>')
    for mark in marks:
        across, bottom = at(mark.x, 0)
        parts.append(
            f'<line x1="{across}" x2="{across}" y1="{_TOP}" y2="{bottom}" stroke="currentColor" '
            f'stroke-dasharray="3 3"/>'
            f'<text x="{across - 4}" y="{_TOP + 12}" text-anchor="end">{escape(mark.name)}</text>'
        )
    for number, line in enumerate(lines):
        like = number if line.beside is None else line.beside
        colour = _COLOURS[like % len(_COLOURS)]
        dash = _DASHES[like % len(_DASHES)] if line.beside is None else _BESIDE
        places = [at(*point) for point in line.points]
        path = " ".join(f"{px},{py}" for px, py in places)
        row, column = divmod(number, legends)
        across, down = _LEFT + (WIDTH - _LEFT) // legends * column, HEIGHT + 8 + 20 * row
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
            f"{_dots(places, colour)}"
            f'<line x1="{across}" x2="{across + 24}" y1="{down - 4}" y2="{down - 4}" stroke="{colour}" '
            f'stroke-width="2" stroke-dasharray="{dash}"/>'
            f'<text x="{across + 30}" y="{down}">{escape(line.name)}</text>'
        )
    return "\n".join([*parts, "</svg>\n"])


def _dots(places: Sequence[tuple[float, float]], colour: str) -> str:
    """Return a dot for each point if there are few; a line of one point would be invisible."""
    if len(places) > _DOTTED:
        return ""
    return "".join(f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in places)


def _ticks(top: float) -> list[float]:
    """Return some four to six round numbers from 0 to at least `top`."""
    if top <= 0:
        return [0.0, 1.0]
    rough = top / 4
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if factor * power >= rough)
    return [round(step * number, 10) for number in range(ceil(round(top / step, 9)) + 1)]
