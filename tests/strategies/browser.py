"""Chromium, to look at pages with: driven by playwright-core of npm, in an environment of the tests' own.

    async with open_to(node.app()) as url:
        seen = await look(url, [{"path": "/", "width": 320, "axe": True}])

Skips, and says why, where Chromium, Node or npm are not here or the two packages cannot be fetched (`node_js`).
"""

import json
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
import trio

from accredit.node.http.connection import App
from accredit.node.http.serve import bind, serve
from accredit.node.settings import NodeConfig
from tests.strategies.node_js import packages

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE: Final = 900
"""Seconds for one look at many pages: only ends what hangs."""


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
    """Look at pages, one after the other, each in a fresh profile; what was seen of each (`look.js`).

    Args:
        base: the server's address. visits: paths, and how each is looked at. args: further ones of Chromium.
    """
    ready = await trio.to_thread.run_sync(browser_or_skip)
    job = json.dumps({"base": base, "chromium": ready.chromium, "visits": list(visits), "args": list(args)})
    with trio.fail_after(PATIENCE):
        command = ["node", str(ready.place / "look.js")]
        done = await trio.run_process(
            command, stdin=job.encode(), capture_stdout=True, capture_stderr=True, check=False
        )
    assert done.returncode == 0, done.stderr.decode()[-4_000:]
    return [json.loads(line) for line in done.stdout.decode().splitlines()]
