"""A disk that can be filled while its node runs: a small file system, or a limit on the size of files.

    with SmallDisk.make(folder) as disk:        the folder is there, and the node's files belong into it
        disk.fill(process_id)
        disk.make_room(process_id)

Where this user may mount, the folder is a tmpfs of `BYTES`, and a filler takes what is free: every write fails, that of
the log of events too. Elsewhere the process is told that no file of its own may grow beyond one page (`RLIMIT_FSIZE`);
Python ignores the signal, so that writes fail as on a full disk.
"""

import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

BYTES: Final = 64 * 1024 * 1024
"""Of a small disk: more than a node writes in an hour of this workload."""

PAGE: Final = 4096
_FILLER: Final = "filler"


@dataclass(slots=True)
class SmallDisk:
    """One of them.

    Attributes:
        folder: what is on it.
        is_mounted: whether it is a file system of its own.
    """

    folder: Path
    is_mounted: bool

    @classmethod
    @contextmanager
    def make(cls, folder: Path) -> Iterator["SmallDisk"]:
        """Make a folder that can be filled, until the end of the block; its files are then in a plain folder."""
        folder.mkdir(parents=True)
        mount = shutil.which("mount")
        words: list[str | Path] = ["-t", "tmpfs", "-o", f"size={BYTES},mode=700", "tmpfs", folder]
        is_mounted = mount is not None and subprocess.run([mount, *words], capture_output=True).returncode == 0
        disk = cls(folder=folder, is_mounted=is_mounted)
        try:
            yield disk
        finally:
            if is_mounted:
                disk.unmount()

    def fill(self, process: int) -> None:
        """Leave no room for any further write of this process."""
        if self.is_mounted:
            with suppress(OSError), (self.folder / _FILLER).open("wb", buffering=0) as file:
                while file.write(bytes(PAGE)):
                    pass
        else:
            resource.prlimit(process, resource.RLIMIT_FSIZE, (PAGE, resource.RLIM_INFINITY))

    def make_room(self, process: int | None) -> None:
        """Make room again. `process`: the running process, if there is one."""
        if self.is_mounted:
            (self.folder / _FILLER).unlink(missing_ok=True)
        elif process is not None:
            resource.prlimit(process, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def unmount(self) -> None:
        """Keep its files in a plain folder of the same name, for checks and people to look at."""
        beside = self.folder.with_name(self.folder.name + ".kept")
        (self.folder / _FILLER).unlink(missing_ok=True)
        shutil.copytree(self.folder, beside)
        subprocess.run(["umount", "--lazy", self.folder], check=True, capture_output=True)
        self.folder.rmdir()
        beside.rename(self.folder)
