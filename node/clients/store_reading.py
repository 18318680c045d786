"""Reads a store of published files for a verifier, and checks each file against a note signed under its trust policy.

    with open_store(place) as files:
        opened = open_state(files, policy, now)
        records = MapRecords(opened, partial(fetch_bucket, files))      what a decision asks is fetched bucket by bucket
    snapshot, how = fetch_snapshot(place, held, policy, now, …)         the same from a node or from a store

A file that does not match the note, or ends early, is refuted; a missing file is a fault of the store's publisher.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from accredit.registry.errors import DecodeError, RefusedError, RemoteError
from accredit.registry.evidence.published_map import BUCKET_BYTES, MAP_BYTES, OpenedMap
from accredit.registry.evidence.snapshot import Snapshot, encode_delta
from accredit.registry.evidence.state_check import CheckError, CheckResult, read_note
from accredit.registry.evidence.trust_policy import LIFETIME, TrustPolicy
from accredit.registry.transparency.signed_note import NOTE_BYTES_MAX

from .node_client import NodeClient
from .outgoing import Outgoing
from .store_files import (
    DESCRIPTION,
    DESCRIPTION_BYTES,
    STATE_NOTE,
    StoreFiles,
    WebFiles,
    base_path,
    bucket_path,
    delta_path,
    is_store,
    map_path,
    open_store,
    snapshot_path,
)

SNAPSHOT_BYTES: Final = 1024 * 1024 * 1024
"""All records of a million issuers."""

WHOLE: Final = "whole"
CHANGES: Final = "what changed"

_DELTA: Final = b"accredit-delta/"
_FORMAT: Final = b'"accredit-store/'
_ROOT_BYTES: Final = 65

SayInstead = Callable[[str], None]
"""Takes a sentence about a way that failed and is replaced by another."""


def open_state(files: StoreFiles, policy: TrustPolicy, now: int) -> OpenedMap:
    """Read the newest state that a store has.

    Args:
        now: the verifier's clock, seconds since 1970.

    Raises:
        CheckError: its note does not hold, or its map belongs to another state.
        RemoteError: the store has no state, or it cannot be read.
    """
    noted = read_note(_note(files), policy, now)
    return OpenedMap.open(_there(files, map_path(noted.state.root), MAP_BYTES), noted)


def fetch_bucket(files: StoreFiles, name: str) -> bytes:
    """Read the bucket of a name, for `MapRecords`.

    Raises:
        RemoteError: it is missing, or cannot be read.
    """
    return _there(files, bucket_path(name), BUCKET_BYTES)


def is_published(url: str, outgoing: Outgoing) -> bool:
    """Return whether a web server that does not answer like a node has a store's files."""
    try:
        with WebFiles(url, outgoing=outgoing) as files:
            return _FORMAT in (files.read(DESCRIPTION, DESCRIPTION_BYTES) or b"")
    except RemoteError:
        return False


def fetch_snapshot(
    place: str, held: Snapshot | None, policy: TrustPolicy, now: int, *, outgoing: Outgoing, tell: SayInstead
) -> tuple[Snapshot, str]:
    """Fetch all records, or only the changes since a snapshot at hand, from a node or from a store.

    Args:
        held: the snapshot to update, if that is possible.
        now: the verifier's clock, seconds since 1970.

    Returns:
        The verified snapshot, and `WHOLE` or `CHANGES`.

    Raises:
        CheckError: the fetched data does not hold. RemoteError, InputError: it cannot be fetched.
    """
    if is_store(place):
        with open_store(place) as files:
            return _from_store(files, held, policy, now, tell)
    try:
        with NodeClient(place, outgoing=outgoing) as client:
            return _from_node(client, held, policy, now, tell)
    except RemoteError as error:
        if error.code != "bad_answer" or not is_published(place, outgoing):
            raise
    with open_store(place, outgoing=outgoing) as files:
        return _from_store(files, held, policy, now, tell)


def _from_node(
    client: NodeClient, held: Snapshot | None, policy: TrustPolicy, now: int, tell: SayInstead
) -> tuple[Snapshot, str]:
    data = client.snapshot(since=None if held is None else held.noted.state.root)
    if held is not None and data.startswith(_DELTA):
        if _updated(held, data, policy, now, client.url, tell):
            return held, CHANGES
        data = client.snapshot()
    return _loaded(data, policy, now), WHOLE


def _from_store(
    files: StoreFiles, held: Snapshot | None, policy: TrustPolicy, now: int, tell: SayInstead
) -> tuple[Snapshot, str]:
    note = _note(files)
    # The fetched data must lead to this note; a note that does not hold is not worth another request.
    root = read_note(note, policy, now, max_age=LIFETIME).state.root
    if held is not None:
        delta = _delta(files, held, root, note)
        if delta is not None and _updated(held, delta, policy, now, files.url, tell):
            return held, CHANGES
    try:
        base = bytes.fromhex(_there(files, base_path(root), _ROOT_BYTES).decode())
    except ValueError:
        raise CheckError(CheckResult.REFUTED, "base", f"{files.url}/{base_path(root)} is not a root.") from None
    # The base may be older than a state verified before; the state to which it leads may not.
    loaded = _loaded(_there(files, snapshot_path(base), SNAPSHOT_BYTES), replace(policy, count=0, root=None), now)
    delta = _delta(files, loaded, root, note)
    if delta is None:
        raise _missing(files, delta_path(root, loaded.noted.state.root))
    try:
        loaded.update(delta, policy, now)
    except (DecodeError, RefusedError) as error:
        raise _refuted(error) from None
    return loaded, WHOLE


def _delta(files: StoreFiles, held: Snapshot, root: bytes, note: bytes) -> bytes | None:
    """Return the delta from the records at hand to the state of a note; for the same state only the note is new."""
    if held.noted.state.root == root:
        return encode_delta((), base_root=held.records_root(), statements_root=held.statements_root(), note=note)
    changes = files.read(delta_path(root, held.noted.state.root), SNAPSHOT_BYTES)
    return None if changes is None else changes + note


def _updated(held: Snapshot, delta: bytes, policy: TrustPolicy, now: int, url: str, tell: SayInstead) -> bool:
    try:
        held.update(delta, policy, now)
    except (DecodeError, RefusedError) as error:
        tell(f"{url}: {error.message} The full snapshot is fetched instead.")
        return False
    return True


def _loaded(data: bytes, policy: TrustPolicy, now: int) -> Snapshot:
    try:
        return Snapshot.load(data, policy, now)
    except (DecodeError, RefusedError) as error:
        raise _refuted(error) from None


def _refuted(error: DecodeError | RefusedError) -> RefusedError:
    """Return the error for a fetched file that does not hold, in the words of `accredit evidence check`."""
    if isinstance(error, CheckError):
        return error
    return CheckError(CheckResult.REFUTED, error.code, error.message, hint=error.hint)


def _note(files: StoreFiles) -> bytes:
    note = files.read(STATE_NOTE, NOTE_BYTES_MAX)
    if note is None:
        raise RemoteError(
            "no_store",
            f"{files.url} has no state note, so nothing is published there.",
            hint="Check the address; accredit node publish writes the files.",
        )
    return note


def _there(files: StoreFiles, path: str, max_bytes: int) -> bytes:
    data = files.read(path, max_bytes)
    if data is None:
        raise _missing(files, path)
    return data


def _missing(files: StoreFiles, path: str) -> RemoteError:
    return RemoteError(
        "missing_file",
        f"{files.url} has no file {path}, although its state note leads to it.",
        hint="Ask again in a moment, or read the files from another place; the publisher has to publish it again.",
    )
