"""The targets of published files: a folder, or an object store.

A file is complete or absent, however the writer ends: in a folder it is written under another name, synced to the disk,
and renamed. Other users may read it, because published files are not secret.
"""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Final, Protocol

from accredit.node.clients.object_store import ObjectStore, Stored
from accredit.node.clients.store_files import FolderFiles, is_store, store_place
from accredit.node.files.atomic_files import folder_lock, unwritten
from accredit.registry.errors import InputError, StorageError

FILE_MODE: Final = 0o644
FOLDER_MODE: Final = 0o755

_HALF_WRITTEN: Final = re.compile(r"\..{1,16}\.[a-z0-9_]{8}", re.ASCII)
"""Names of files that are being written: as `FolderTarget.write` and `tempfile` make them."""

_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE | re.ASCII)


class Target(Protocol):
    """A place to publish to.

    Attributes:
        url: where it is, as people write it.
    """

    url: str

    def held(self) -> AbstractContextManager[None]:
        """Keep others from publishing there meanwhile, if the target can do that."""
        ...

    def read(self, path: str, max_bytes: int) -> bytes | None:
        """Return a file; None where there is none."""
        ...

    def write(self, path: str, data: bytes, *, media_type: str, cache: str) -> None:
        """Put a file in its place, whole.

        Args:
            cache: the Cache-Control that it is to be served with, where the place can keep that.

        Raises:
            StorageError, RemoteError: it cannot be written; the old file is still there.
        """
        ...

    def names(self, folder: str) -> dict[str, Stored]:
        """Return the paths of all files in a folder."""
        ...

    def delete(self, path: str) -> None:
        """Remove a file, if it is there."""
        ...


def open_target(place: str) -> Target:
    """Return the target at a place.

    Args:
        place: a folder, which is made if it is not there, or one such as s3://bucket/folder.

    Raises:
        InputError: `not_a_target`: nobody can write there. `no_extra`, `bad_url`.
    """
    if _SCHEME.match(place) and not is_store(place):
        raise InputError(
            "not_a_target",
            f"{place} is the address of a web server, to which nothing can be published.",
            hint="Give the folder that it serves, or an object store such as s3://bucket/folder.",
        )
    if _SCHEME.match(place) and not place.lower().startswith("file:"):
        return ObjectTarget(store_place(place))
    return FolderTarget(Path(store_place(place if _SCHEME.match(place) else os.path.join(".", place))))


class ObjectTarget(ObjectStore):
    """An object store. It has no locks: two concurrent publishers write each file twice, which does no harm."""

    def held(self) -> AbstractContextManager[None]:
        """See `Target`."""
        return nullcontext()


class FolderTarget:
    """A folder of this machine, served by a web server or copied on by whatever its operator likes."""

    def __init__(self, folder: Path) -> None:
        self.url = str(folder)
        self._folder = folder
        self._files = FolderFiles(folder)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder, and let nobody else publish there meanwhile.

        Raises:
            StorageError: it cannot be made.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
        except OSError as error:
            raise unwritten(error, self._folder) from error
        with folder_lock(self._folder):
            self._clear()
            yield

    def read(self, path: str, max_bytes: int) -> bytes | None:
        """See `Target`."""
        return self._files.read(path, max_bytes)

    def write(self, path: str, data: bytes, *, media_type: str, cache: str) -> None:
        """See `Target`. The web server says of what type a file is, and how long it may be kept."""
        del media_type, cache
        place = self._folder / path
        try:
            place.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
            descriptor, temporary = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name[:16]}.")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fchmod(descriptor, FILE_MODE)
                    os.fsync(descriptor)
                os.replace(temporary, place)
            except BaseException:
                os.unlink(temporary)
                raise
        except OSError as error:
            raise unwritten(error, place) from error

    def names(self, folder: str) -> dict[str, Stored]:
        """See `Target`. Half-written files and broken links are left out."""
        found: dict[str, Stored] = {}
        try:
            for at, _, files in os.walk(self._folder / folder):
                for name in files:
                    path = Path(at, name)
                    if name.startswith("."):
                        continue
                    try:
                        status = path.stat()
                    except FileNotFoundError:
                        continue
                    found[path.relative_to(self._folder).as_posix()] = Stored(status.st_mtime, status.st_size)
        except OSError as error:
            raise StorageError("unreadable_store", f"{error.filename} cannot be read: {error.strerror}.") from error
        return found

    def _clear(self) -> None:
        """Remove half-written files of a killed writer."""
        for at, _, files in os.walk(self._folder):
            for name in files:
                if _HALF_WRITTEN.fullmatch(name):
                    Path(at, name).unlink(missing_ok=True)

    def delete(self, path: str) -> None:
        """See `Target`. A folder that has become empty goes too."""
        place = self._folder / path
        try:
            place.unlink(missing_ok=True)
            for parent in place.parents:
                if parent == self._folder or any(parent.iterdir()):
                    break
                parent.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            raise unwritten(error, place) from error
