"""Chromium, to look at pages with: driven by playwright-core of npm, in an environment of the tests' own.

    async with open_to(node.app()) as url:
        seen = await look(url, [{"path": "/", "width": 320, "axe": True}])

One Chromium serves all looks of a process of the test run: to begin it costs more than most looks.

Skips, and says why, where Chromium, Node or npm are not here or the two packages cannot be fetched (`node_js`).
"""

import atexit
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import pytest
import trio

from accredit.node.http.connection import App
from accredit.node.http.serve import bind, serve
from accredit.node.settings import NodeConfig
from tests.strategies.node_js import Lines, packages

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Ready:
    """The browser's path, and where the driver and its packages are."""

    chromium: str
    place: Path


def browser_or_skip() -> Ready:
    """What is needed; skips the test where it is not here."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("Chromium is not here (Debian: apt-get install chromium): no page is looked at in a browser")
    return Ready(found, packages("browser"))


@asynccontextmanager
async def open_to(app: App) -> AsyncIterator[str]:
    """An application on a port of this machine; its address."""
    config = NodeConfig(name="node1.example.org", port=0)
    async with trio.open_nursery() as nursery:
        url: str = await nursery.start(partial(serve, app, config, sock=bind(config)))
        yield url
        nursery.cancel_scope.cancel()


async def look(base: str, visits: Sequence[Mapping[str, Any]], *, args: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Look at pages, one after the other, each without what another left behind; what was seen of each (`look.js`).

    Args:
        base: the server's address. visits: paths, and how each is looked at. args: further ones of Chromium.
    """
    ready = await trio.to_thread.run_sync(browser_or_skip)
    asked = partial(_looking(ready.place).ask, base=base, chromium=ready.chromium, visits=list(visits), args=list(args))
    answer = await trio.to_thread.run_sync(asked)
    assert "error" not in answer, answer["error"]
    seen: list[dict[str, Any]] = answer["seen"]
    return seen


@cache
def _looking(place: Path) -> Lines:
    """The program that looks; it and its browsers end when this process does."""
    lines = Lines.of(str(place / "look.js"))
    atexit.register(lines.__exit__, None, None, None)
    return lines
