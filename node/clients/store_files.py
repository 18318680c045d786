"""Reads a store of published files (a folder, a web server's folder or an object store), and gives the path of each
file.

    with open_store("https://files.example.org/registry") as store:
        store.read(STATE_NOTE, NOTE_BYTES_MAX)                    bytes, or None where there is no such file

    v1/state-note                      the newest note of a quorum; it alone determines the state to read
    state/<root>/map                   that state's map in parts (`registry.evidence.published_map`)
    state/<root>/since/<older root>    what changed since an older state: a delta without its note
    state/<root>/base                  the root of a state, this one or an older one, whose records are all there
    state/<root>/snapshot              all records of a state that is a base
    buckets/<name>                     a part of the map, named by its content
    log/…, v1/genesis, v1/trust-policy, exports/…         as at a node
    accredit-store.json                when the files were written, and for which ecosystem and state

`<root>` is a state's root and `<name>` a bucket's name, 64 hexadecimal digits each. A file with a root or a name in its
path never changes; the other files are written after all files to which they lead (`node.publication`). This module
checks no content: the reader compares it with a note that a quorum of its trust policy signed.

It does not write (`node.publication.targets` does), and does not list files.
"""

import os
import re
import stat
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self
from urllib.parse import unquote, urlsplit

from accredit.node.closing import Closing
from accredit.registry.errors import InputError, RemoteError

from .blocking_http import ANSWER_SECONDS, BlockingHttp
from .node_url import node_url
from .object_store import ObjectStore
from .outgoing import NOTHING_SET, Outgoing

STATE_NOTE: Final = "v1/state-note"
DESCRIPTION: Final = "accredit-store.json"
BUCKETS: Final = "buckets/"
STATES: Final = "state/"

DESCRIPTION_BYTES: Final = 64 * 1024
"""The longest description read: it has a dozen members."""

OBJECT_STORES: Final = ("s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "adl")
"""Schemes of the places that need the extra `accredit[stores]`."""

_PLACE: Final = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE | re.ASCII)


def map_path(root: bytes) -> str:
    """Return the path of a state's map."""
    return f"{STATES}{root.hex()}/map"


def base_path(root: bytes) -> str:
    """Return the path of the file that names the state with which to begin."""
    return f"{STATES}{root.hex()}/base"


def snapshot_path(root: bytes) -> str:
    """Return the path of all records of a state; the file may be missing."""
    return f"{STATES}{root.hex()}/snapshot"


def delta_path(root: bytes, since: bytes) -> str:
    """Return the path of the delta from an older state to a state."""
    return f"{STATES}{root.hex()}/since/{since.hex()}"


def bucket_path(name: str) -> str:
    """Return the path of the bucket of a name."""
    return f"{BUCKETS}{name}"


class StoreFiles(Protocol):
    """Files by their paths.

    Attributes:
        url: their place, as people write it.
    """

    url: str

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def read(self, path: str, max_bytes: int) -> bytes | None:
        """Return a file; None if it does not exist.

        Raises:
            RemoteError: `unreachable` and the like; `bad_answer`: it is longer than `max_bytes`.
        """
        ...

    def close(self) -> None:
        """End what is open."""
        ...


def is_store(place: str) -> bool:
    """Return whether a place can only be a store: a folder or an object store. (A web server may also be a node.)"""
    scheme = _PLACE.match(place)
    if scheme is None:
        return place.startswith((".", "/", "~")) or Path(place).is_dir()
    return scheme[1].lower() == "file" or scheme[1].lower() in OBJECT_STORES


def store_place(place: str) -> str:
    """Return the one spelling of a place.

    Raises:
        InputError: `bad_url`; a word that names no folder may be a host without its scheme.
    """
    scheme = _PLACE.match(place)
    if scheme is None and not is_store(place):
        raise InputError(
            "bad_url",
            f"{place!r} is neither a folder on this machine nor the URL of a node, which begins with https:// or "
            "http://.",
            hint=f"Write https://{place} for a node, or the path of a folder.",
        )
    if scheme is None or scheme[1].lower() == "file":
        return str(_folder(place).absolute())
    if scheme[1].lower() not in OBJECT_STORES:
        return node_url(place)
    if "@" in urlsplit(place).netloc:
        raise InputError(
            "bad_url",
            "The address of this store contains a user name or a key.",
            hint="Set them in the environment, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )
    return place.rstrip("/")


def open_store(place: str, *, timeout: float = ANSWER_SECONDS, outgoing: Outgoing = NOTHING_SET) -> "StoreFiles":
    """Open a place for reading.

    Args:
        place: a folder, the URL of a web server's folder, or a URL like s3://bucket/folder.

    Raises:
        InputError: `bad_url`: it is none of these. `no_extra`: `accredit[stores]` is not installed.
    """
    written = store_place(place)
    if not is_store(written):
        return WebFiles(written, timeout=timeout, outgoing=outgoing)
    return ObjectFiles(written) if _PLACE.match(written) else FolderFiles(Path(written))


class _Files(Closing):
    """The common base: a store that is open until it is closed."""

    def close(self) -> None:
        """End what is open."""


class FolderFiles(_Files):
    """Files in a folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self.url = str(folder)
        self._folder = folder

    def read(self, path: str, max_bytes: int) -> bytes | None:
        """See `StoreFiles`."""
        try:
            # A pipe without a writer would block, and a device's bytes never end.
            with open(self._folder / path, "rb", opener=_without_waiting) as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise RemoteError("unreadable_store", f"{self.url}/{path} is not a file.")
                # read(n) allocates n bytes, however short the file is.
                if status.st_size > max_bytes:
                    raise RemoteError("bad_answer", f"{self.url}/{path} has more than {max_bytes} bytes.")
                return file.read(status.st_size)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise RemoteError("unreadable_store", f"{self.url}/{path} cannot be read: {error.strerror}.") from None


class WebFiles(_Files):
    """Files that a web server serves."""

    def __init__(self, url: str, *, timeout: float = ANSWER_SECONDS, outgoing: Outgoing = NOTHING_SET) -> None:
        self.url = url
        self._way = BlockingHttp(url, timeout=timeout, outgoing=outgoing)

    def read(self, path: str, max_bytes: int) -> bytes | None:
        """See `StoreFiles`. An object store read over the web answers 403 if it may not reveal whether a file
        exists."""
        answer = self._way.ask("GET", f"/{path}", headers={"user-agent": "accredit"}, content=None, max_bytes=max_bytes)
        if answer.status == 200:
            return answer.body
        if answer.status in (403, 404, 410):
            return None
        raise RemoteError(
            "unreachable", f"{self.url}/{path} was answered with status {answer.status}.", hint="Ask another place."
        )

    def close(self) -> None:
        """End the connections."""
        self._way.close()


class ObjectFiles(_Files):
    """Objects in a store."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._objects = ObjectStore(url)

    def read(self, path: str, max_bytes: int) -> bytes | None:
        """See `StoreFiles`."""
        return self._objects.read(path, max_bytes)


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _folder(place: str) -> Path:
    return Path(unquote(urlsplit(place).path) if _PLACE.match(place) else place).expanduser()
