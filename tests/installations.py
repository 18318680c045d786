"""Environments that a test installs the distribution into, and packages made on the spot to stand beside it.

plain = Plain.made(folder)                     an environment without pip, that sees our dependencies
plain.install(make_wheel(folder, "hostile", "1", {"cli/__init__.py": "raise SystemExit('hostile')"}))
plain.run("accredit", "--version").stdout
"""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.strategies.environments import bare_environment

ROOT: Final = Path(__file__).resolve().parent.parent
PATIENCE: Final = 900
"""Seconds for one program, a whole demo on a busy machine too: only ends what hangs."""


def make_wheel(folder: Path, name: str, version: str, files: Mapping[str, str]) -> Path:
    """Make a wheel of these files (path to text)."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        for place, text in files.items():
            wheel.writestr(place, text)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


@dataclass(frozen=True)
class Plain:
    """An environment in `folder` that holds what is installed into it, and sees the packages of another one."""

    folder: Path

    @classmethod
    def made(cls, folder: Path, sees: Path | None = None) -> "Plain":
        """Make it. Our own editable installation is not seen: Python reads .pth files of its own folders only.

        Args:
            sees: the packages that it sees besides its own; None: those that ours runs on.
        """
        venv.create(folder, symlinks=True)
        plain = cls(folder)
        (plain.packages / "dependencies.pth").write_text(str(sees or sysconfig.get_path("purelib")) + "\n")
        return plain

    @property
    def packages(self) -> Path:
        """Where what is installed lies."""
        (found,) = self.folder.glob("lib/python*/site-packages")
        return found

    def install(self, *wheels: Path) -> None:
        """Install wheels with pip, without looking for anything else."""
        self._pip("install", "--no-deps", "--no-index", *map(str, wheels))

    def remove(self, name: str) -> None:
        """Remove a distribution with pip."""
        self._pip("uninstall", "--yes", name)

    def run(self, program: str, *arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
        """Run a program of the environment in a folder; what it said and how it ended."""
        return subprocess.run(
            [str(self.folder / "bin" / program), *arguments],
            cwd=folder,
            env=bare_environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    def _pip(self, *arguments: str) -> None:
        pip = [sys.executable, "-m", "pip", "--quiet", "--python", str(self.folder / "bin" / "python")]
        environ = bare_environment(PIP_CONFIG_FILE=os.devnull, PIP_DISABLE_PIP_VERSION_CHECK="1")
        done = subprocess.run([*pip, *arguments], env=environ, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
