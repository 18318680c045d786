"""Programs of npm, in environments of the tests' own: pinned by hash, installed once, nothing of them shipped.

    answer = run_node("federation", "read.mjs", url)        of tests/outside/federation/package-lock.json

Skips the test, and says why, where Node.js is not here or the packages cannot be fetched. The locks name no address;
npm asks the registry that the machine has configured.
"""

import shutil
import subprocess
import tempfile
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest

from .environments import ROOT, bare_environment

SECONDS: Final = 300
"""For all packages, or for one program: only ends what hangs."""


@cache
def _installed(name: str) -> Path | str:
    """The folder with the packages and our programs, or why there is none."""
    parts = ROOT / "tests" / "outside" / name
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "Node.js and npm are not here"
    made_of = sha256((parts / "package-lock.json").read_bytes()).hexdigest()[:16]
    ready = ROOT / "build" / "npm" / f"{name}-{made_of}"
    if not (ready / "node_modules").is_dir():
        ready.parent.mkdir(parents=True, exist_ok=True)
        half = Path(tempfile.mkdtemp(dir=ready.parent))
        for part in ("package.json", "package-lock.json"):
            shutil.copy(parts / part, half)
        try:
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(command, cwd=half, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            shutil.rmtree(half)
            return "npm did not answer"
        if done.returncode:
            shutil.rmtree(half)
            assert "EINTEGRITY" not in done.stderr, done.stderr
            return f"npm cannot fetch the packages of {name} (no network?): {done.stderr.strip()[-300:]}"
        # Whole or not there at all; whoever made it first has made it.
        try:
            half.rename(ready)
        except OSError:
            shutil.rmtree(half)
    for program in parts.glob("*.mjs"):
        shutil.copy(program, ready)
    return ready


def run_node(name: str, program: str, *arguments: str, stdin: str = "") -> str:
    """Return what one of the programs in tests/outside/NAME writes; it must end well."""
    folder = _installed(name)
    if isinstance(folder, str):
        pytest.skip(folder)
    done = subprocess.run(
        ["node", str(folder / program), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        cwd=folder,
        env=bare_environment(),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
