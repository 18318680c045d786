"""`docs/state-notes.md`: the phases of a notary and its duties, from `node.engine.notary_phases`."""

from collections.abc import Iterator
from typing import Final

from accredit.node.engine import notary_phases
from accredit.node.engine.notary_phases import DUTIES, MOVES, Phase
from docs.generators._page import code, rewrite, table

PAGE: Final = "state-notes.md"
_TIMES: Final = ("QUIET", "SETTLED", "TURN", "AGAIN")


def text() -> str:
    """The picture, the table of duties, and the times."""
    duties = table(
        ("phase", "what it does, the first whose time has come"),
        ((code(phase), "; ".join(duties) or "nothing") for phase, duties in DUTIES.items()),
    )
    times = table(("time", "ms"), ((code(name), f"{getattr(notary_phases, name):,}") for name in _TIMES))
    return "\n\n".join(("```mermaid\n" + "\n".join(_picture()) + "\n```", duties, times))


def _picture() -> Iterator[str]:
    yield "stateDiagram-v2"
    yield f"    [*] --> {Phase.NO_SIGNERS}"
    for (before, after), why in MOVES.items():
        yield f"    {before} --> {after}: {why}"


if __name__ == "__main__":
    rewrite(PAGE, text())
