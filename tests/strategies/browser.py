"""Chromium, to look at pages with: driven by playwright-core of npm, in an environment of the tests' own.

    async with open_to(node.app()) as url:
        seen = await look(url, [{"path": "/", "width": 320, "axe": True}])

Skips, and says why, where Chromium, Node or npm are not here or the two packages cannot be fetched. They are pinned by
hash in tests/browser/package-lock.json and installed once, into build/browser; nothing of them is shipped.
"""

import json
import shutil
import subprocess
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
from tests.installations import ROOT

_PARTS: Final = ROOT / "tests" / "browser"
_PLACE: Final = ROOT / "build" / "browser"
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_INSTALL_SECONDS: Final = 300
PATIENCE: Final = 900
"""Seconds for one look at many pages: only ends what hangs."""


@dataclass(frozen=True)
class Ready:
    """The browser's path, and where the driver and its packages are."""

    chromium: str
    place: Path


@cache
def _prepared() -> Ready | str:
    """What is needed, or why it is not here; found out once, for npm without a network takes its time."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        return "Chromium is not here (Debian: apt-get install chromium)"
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "Node.js and npm are not here"
    lock = _PLACE / "package-lock.json"
    wanted = (_PARTS / lock.name).read_bytes()
    is_there = (_PLACE / "node_modules" / "playwright-core").is_dir() and lock.is_file() and lock.read_bytes() == wanted
    _PLACE.mkdir(parents=True, exist_ok=True)
    for part in _PARTS.iterdir():
        shutil.copy(part, _PLACE)
    if is_there:
        return Ready(found, _PLACE)
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(install, cwd=_PLACE, capture_output=True, text=True, timeout=_INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        lock.unlink()
        return "npm did not answer"
    if done.returncode:
        lock.unlink()
        return f"npm cannot fetch playwright-core and axe-core (no network?): {done.stderr.strip()[-300:]}"
    return Ready(found, _PLACE)


def browser_or_skip() -> Ready:
    """What is needed; skips the test where it is not here."""
    ready = _prepared()
    if isinstance(ready, str):
        pytest.skip(f"{ready}: no page is looked at in a browser")
    return ready


@asynccontextmanager
async def open_to(app: App) -> AsyncIterator[str]:
    """An application on a port of this machine; its address."""
    config = NodeConfig(name="node1.example.org", port=0)
    async with trio.open_nursery() as nursery:
        url: str = await nursery.start(partial(serve, app, config, sock=bind(config)))
        yield url
        nursery.cancel_scope.cancel()


async def look(base: str, visits: Sequence[Mapping[str, Any]], *, args: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Look at pages, one after the other, each in a fresh profile; what was seen of each (tests/browser/look.js).

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
