"""Environments of their own, for what must be checked without ours: made once, from a hash-checked list of packages.

    python = environment("cose")            of tests/requirements/cose.txt
    answer = run(python, "receipts.py", stdin)

Made in `build/environments` with pip as the machine has it configured; where that cannot be (no network, no folder to
write to) the test is skipped and says so. A package other than the one whose hash is written down is no such reason.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
SECONDS: Final = 300
"""For all packages together; those of `cose` take five on a fast line. A guess."""


def environment(name: str) -> Path:
    """The interpreter of the environment `name`; skips the test where it cannot be made."""
    lock = ROOT / "tests" / "requirements" / f"{name}.txt"
    made_of = sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = ROOT / "build" / "environments"
    ready = folder / f"{name}-{made_of}"
    if not ready.exists():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            half = Path(tempfile.mkdtemp(dir=folder))
        except OSError as error:
            pytest.skip(f"no environment can be made in {folder}: {error}")
        _make(half, lock)
        # Whole or not there at all; whoever made it first has made it.
        try:
            half.rename(ready)
        except OSError:
            shutil.rmtree(half)
    return ready / "bin" / "python"


def _make(folder: Path, lock: Path) -> None:
    options = ["--quiet", "--require-hashes", "--only-binary", ":all:", "--retries", "1", "--no-input"]
    python = str(folder / "bin" / "python")
    # Our own pip installs there too: to unpack another one takes longer than these few packages.
    alone = [] if find_spec("pip") is None else ["--without-pip"]
    pip = [sys.executable, "-m", "pip", "--python", python] if alone else [python, "-m", "pip"]
    try:
        _checked([sys.executable, "-m", "venv", *alone, str(folder)])
        _checked([*pip, "install", *options, "--requirement", str(lock)])
    except (OSError, subprocess.SubprocessError) as error:
        shutil.rmtree(folder)
        said = getattr(error, "stderr", None) or str(error)
        assert "DO NOT MATCH THE HASHES" not in said, said
        pytest.skip(f"no environment can be made from {lock.name} (no network?): {said.strip().splitlines()[-1]}")


def _checked(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS, env=bare_environment())


def bare_environment(**members: str) -> dict[str, str]:
    """The variables of this process but for those that lead to our own modules."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV_"))} | members


def run(python: Path, *arguments: str, stdin: str = "", folder: Path | None = None, **variables: str) -> str:
    """What a program in an environment writes; it must end well."""
    done = subprocess.run(
        [str(python), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        cwd=folder,
        env=bare_environment(**variables),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
