"""One object store (S3, Google Cloud Storage, Azure), through `obstore`: the optional extra `accredit[stores]`.

    store = ObjectStore("s3://bucket/folder")
    store.write("v1/state-note", note, media_type="text/plain", cache="public, max-age=10")

Keys, regions and endpoints come from the environment, under the names that each provider gives them
(`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, …); none of them is ever shown. An object is stored completely or not at all.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final, NamedTuple, TypeVar

from accredit.node.extras import install_line
from accredit.registry.errors import InputError, RemoteError

T = TypeVar("T")

RETRIES: Final = 3
PATIENCE: Final = timedelta(seconds=30)
"""Time for one object with all its retries; longer means an outage, and the publisher tries again later. A guess."""


class Stored(NamedTuple):
    """A file in a listing: when it was written, seconds since 1970, and its size in bytes."""

    time: float
    size: int


class ObjectStore:
    """See the module.

    Args:
        url: such as s3://bucket/folder.

    Raises:
        InputError: `no_extra`, `bad_url`.
    """

    def __init__(self, url: str) -> None:
        try:
            from obstore.exceptions import BaseError
            from obstore.store import from_url
        except ImportError:
            raise InputError(
                "no_extra",
                f"Stores such as {url} need packages that are not installed.",
                hint=f"Install them: {install_line('stores')}",
            ) from None
        self.url = url
        self._refusals: tuple[type[Exception], ...] = (BaseError, OSError, ValueError)
        try:
            self._objects: Any = from_url(url, retry_config={"max_retries": RETRIES, "retry_timeout": PATIENCE})
        except self._refusals as error:
            raise InputError(
                "bad_url", f"{url} is not a store that can be used: {_said(error)}.", hint="Write s3://bucket/folder"
            ) from None

    def read(self, path: str, max_bytes: int) -> bytes | None:
        """Return an object; None if it does not exist.

        Raises:
            RemoteError: `unreachable`; `bad_answer`: it is longer than `max_bytes`.
        """

        def work() -> bytes | None:
            try:
                found = self._objects.get(path)
            except FileNotFoundError:
                return None
            if found.meta["size"] > max_bytes:
                raise RemoteError("bad_answer", f"{self.url}/{path} has more than {max_bytes} bytes.")
            return bytes(found.bytes())

        return self._reached(work)

    def write(self, path: str, data: bytes, *, media_type: str, cache: str) -> None:
        """Write a whole object.

        Args:
            cache: the Cache-Control that it is served with.

        Raises:
            RemoteError: `unreachable`; the old object is still there.
        """
        attributes = {"Content-Type": media_type, "Cache-Control": cache}
        self._reached(lambda: self._objects.put(path, data, attributes=attributes))

    def names(self, folder: str) -> dict[str, Stored]:
        """Return the paths of all objects in a folder.

        Raises:
            RemoteError: `unreachable`.
        """
        listed = self._reached(lambda: [one for some in self._objects.list(folder) for one in some])
        return {one["path"]: Stored(time=one["last_modified"].timestamp(), size=one["size"]) for one in listed}

    def delete(self, path: str) -> None:
        """Remove an object, if there is one.

        Raises:
            RemoteError: `unreachable`.
        """
        with self._telling():
            self._objects.delete(path)

    def _reached(self, work: Callable[[], T]) -> T:
        with self._telling():
            return work()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except self._refusals as error:
            raise RemoteError(
                "unreachable",
                f"The store {self.url} could not be reached, or refuses: {_said(error)}.",
                hint="Check its address, and the keys and endpoint in the environment, such as AWS_ACCESS_KEY_ID.",
            ) from None


def _said(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300].rstrip(".")
