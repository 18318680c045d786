"""Publishes a node's noted state, its log and its exports as files (`node.clients.store_files` says where each is).

    done = publish(database, target, pages=pages, now=time.time())

Unchanging files are written first and files that lead to them last; the state note, which names the state of the files,
is written after all of that state's files. So a run that is interrupted, or finds the disk full or the store gone,
leaves the earlier publication intact, and the next run continues from there. Existing files are not written again.

A state is removed `keep` seconds after a newer one replaced it, with the buckets that no other state has, so that
readers of the older note can continue for so long.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

from accredit.node.clients.object_store import Stored
from accredit.node.clients.store_files import (
    BUCKETS,
    DESCRIPTION,
    STATE_NOTE,
    STATES,
    base_path,
    bucket_path,
    delta_path,
    map_path,
    snapshot_path,
)
from accredit.node.http.handling.route import IMMUTABLE
from accredit.node.storage.log_reader import Reader, open_reader
from accredit.node.storage.state_store import StoredNoted
from accredit.node.views.json_views import format_time
from accredit.registry.domain.records import FOLD_VERSION
from accredit.registry.errors import AccreditError, InputError, NotYetError, RemoteError
from accredit.registry.evidence.published_map import MAP_BYTES, name_of, root_of, tops_in
from accredit.registry.evidence.snapshot import encode_delta, encode_snapshot
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.signed_note import NOTE_BYTES_MAX, Note
from accredit.registry.transparency.state_note import StateNote
from accredit.registry.transparency.tiles import TILE_WIDTH, bundles_of, tiles_of

from .map_parts import CutBefore, Cutting
from .targets import Target

KEEP_SECONDS: Final = 3_600
"""Seconds for which a replaced state stays: a verifier's slowest download, with a margin. A guess."""

DELTAS: Final = 32
"""Older states from which a delta leads to the newest: half an hour at one state a minute. A guess."""

BASE_SHARE: Final = 8
"""All records are written again once the delta from the last written ones is an eighth of their size. A guess."""

NEWEST: Final = "public, max-age=10"
"""For changing files: a cache may keep them for a moment, far below a trust policy's maximum age."""

PAGE_BYTES: Final = 256 * 1024 * 1024
"""The longest page that is compared with the one published before: a list of a million issuers."""

OCTETS: Final = "application/octet-stream"
TEXT: Final = "text/plain; charset=utf-8"

_CHECKPOINT: Final = "log/checkpoint"
_BASE_BYTES: Final = 65
_NOBODYS: Final = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPage:
    """An answer of the node's own routes that is published as it is."""

    body: bytes
    media_type: str
    cache: str


PublishedPages = Mapping[str, PublishedPage | str]
"""By path: the answer, or why there is none now."""


@dataclass(slots=True, kw_only=True)
class Publication:
    """The result of a run.

    Attributes:
        root, count: of the state that is published now.
        note: as it was published.
        written: files, and bytes in all of them. removed: files of older states.
        left_out: pages that could not be made now, each with the reason; their earlier publication stays.
    """

    root: bytes
    count: int
    note: bytes
    written: int = 0
    written_bytes: int = 0
    removed: int = 0
    left_out: dict[str, str] = field(default_factory=dict)


def publish(
    database: Path,
    target: Target,
    *,
    pages: Callable[[], PublishedPages],
    now: float,
    keep: int = KEEP_SECONDS,
    anew: bool = False,
    step: Callable[[int], None] = lambda _files: None,
) -> Publication:
    """Publish the newest noted state. The node may run meanwhile, because its database is only read.

    Args:
        pages: makes the pages that follow from all that is held.
        now: seconds since 1970. keep: seconds, as in the module.
        anew: writes every file again, whatever is there.
        step: is told of each file written.

    Raises:
        NotYetError: `no_state_note`: no state has a quorum yet. `behind_target`: a newer one is published.
        InputError: `other_ecosystem`: the target has files of another ecosystem.
        StorageError, RemoteError: the database cannot be read, or the target not be written to.
    """
    with target.held(), open_reader(database) as log, StoredNoted(log).reading() as held:
        state, note = held.state, held.note
        if state is None or note is None:
            raise NotYetError(
                "no_state_note",
                "This node knows no state that a quorum of signers vouches for, so there is nothing to publish yet.",
                hint="GET /v1/status shows which signers are missing; try again in a moment.",
            )
        if state.fold != FOLD_VERSION:
            raise NotYetError(
                "older_state",
                f"The newest note is of fold version {state.fold}; this program makes version {FOLD_VERSION}.",
                hint="Start the node with this version, and publish again once a quorum has signed a newer state.",
            )
        done = Publication(root=state.root, count=state.count, note=note)
        run = _Run(target, held, log, done, now, anew, step)
        run.compare(state)
        run.publish_log()
        run.publish_state()
        run.publish_pages(pages())
        run.publish_pointers(state)
        run.prune(keep)
        return done


class _Run:
    """One run; its methods in the order in which `publish` calls them."""

    def __init__(
        self,
        target: Target,
        held: StoredNoted,
        log: Reader,
        done: Publication,
        now: float,
        anew: bool,
        step: Callable[[int], None],
    ) -> None:
        self._target = target
        self._held = held
        self._log = log
        self._done = done
        self._now = now
        self._anew = anew
        self._step = step
        self._states = target.names(STATES)
        self._buckets = target.names(BUCKETS)
        self._checkpoint: tuple[int, str] | None = None

    def compare(self, state: StateNote) -> None:
        """Refuse a published note that is newer, or belongs to another ecosystem, unless everything is written
        again."""
        there = None if self._anew else self._read_note()
        if there is None:
            return
        if there.ecosystem != state.ecosystem:
            raise InputError(
                "other_ecosystem",
                f"{self._target.url} holds the files of {there.name} ({there.ecosystem.hex()}), another ecosystem.",
                hint="Publish to a folder of its own, or replace what is there: --anew.",
            )
        if there.count > state.count:
            raise NotYetError(
                "behind_target",
                f"{self._target.url} has a state of {there.count} statements, and this node knows one of "
                f"{state.count}.",
                hint="Let the node catch up, and publish again. If what is there is wrong, replace it: --anew.",
            )

    def publish_log(self) -> None:
        """The tiles that are new since the checkpoint published last."""
        self._checkpoint = self._log.checkpoint()
        if self._checkpoint is None:
            return
        size, since = self._checkpoint[0], 0 if self._anew else min(self._published_size(), self._checkpoint[0])
        there = self._target.names("log/") if size != since else {}
        for tile in (*tiles_of(size, since=since), *bundles_of(size, since=since)):
            if f"log/{tile.encode_path()}" in there and not self._anew:
                continue
            content = self._log.tile(tile.level, tile.index, tile.width)
            assert content is not None, "the checkpoint covers it"
            is_full = tile.width == TILE_WIDTH
            self._write(f"log/{tile.encode_path()}", content, cache=IMMUTABLE if is_full else "public, max-age=60")

    def publish_state(self) -> None:
        """The buckets, the map that names them, all records or what leads to them."""
        root = self._done.root
        cutting = Cutting(self._held, self._cut_before())
        for name in cutting.names:
            if self._anew or bucket_path(name) not in self._buckets:
                self._write(bucket_path(name), cutting.bucket(name), cache=IMMUTABLE)
        self._publish_base(root)
        for since in self._older():
            self._publish_delta(root, since)
        file = cutting.file()
        if self._anew or self._read(map_path(root), MAP_BYTES) != file:
            self._write(map_path(root), file, cache=IMMUTABLE)

    def publish_pages(self, pages: PublishedPages) -> None:
        """The pages that could be made, where they differ from what is there."""
        for path, page in pages.items():
            if isinstance(page, str):
                self._done.left_out[path] = page
            else:
                self._replace(path, page.body, media_type=page.media_type, cache=page.cache)

    def publish_pointers(self, state: StateNote) -> None:
        """Write the files that lead to all others, the state note last."""
        genesis = self._log.entry(0)
        assert genesis is not None, "a noted state has statements"
        self._replace("v1/genesis", genesis, media_type="application/cose", cache=IMMUTABLE)
        if self._checkpoint is not None:
            self._replace(_CHECKPOINT, self._checkpoint[1].encode(), media_type=TEXT, cache=NEWEST)
        described = {
            "format": "accredit-store/1",
            "ecosystem": state.ecosystem.hex(),
            "name": state.name,
            "node": self._log.origin,
            "statements": state.count,
            "root": state.root.hex(),
            "written": format_time(int(self._now)),
        }
        self._replace(
            DESCRIPTION, json.dumps(described, indent=1).encode() + b"\n", media_type="application/json", cache=NEWEST
        )
        self._replace(STATE_NOTE, self._done.note, media_type=TEXT, cache=NEWEST)

    def prune(self, keep: int) -> None:
        """Remove files that no reader of a note published within the last `keep` seconds needs."""
        doomed, before = self._doomed(keep), self._now - keep
        if not doomed:
            return
        kept = {_root_in(path) for path in self._states if path.endswith("/map")} - doomed
        bases = {self._base(root) for root in kept}
        needed: set[str] = set()
        for root in kept:
            needed |= {bucket_path(name_of(top)) for top in self._tops(root) if top}
        for path in self._states:
            if _root_in(path) in doomed and not (path.endswith("/snapshot") and _root_in(path) in bases):
                self._delete(path)
        for path, stored in self._buckets.items():
            if path not in needed and stored.time < before:
                self._delete(path)
        size = 0 if self._checkpoint is None else self._checkpoint[0]
        edge = {f"log/{tile.encode_path()}" for tile in (*tiles_of(size), *bundles_of(size))}
        for path, stored in self._target.names("log/").items():
            if ".p/" in path and path not in edge and stored.time < before:
                self._delete(path)

    # ---------------------------------------------------------------------------------------------------- parts

    def _publish_base(self, root: bytes) -> None:
        if not self._is_missing(base_path(root)):
            return
        known = self._read_note()
        base = None if known is None or self._anew else self._base(known.root)
        if base is not None and base != root and self._is_small(root, base):
            self._write(base_path(root), _line(base), cache=IMMUTABLE)
            return
        whole = encode_snapshot(self._held.raws(), statements_root=self._held.statements_root, note=self._done.note)
        self._write(snapshot_path(root), whole, cache=IMMUTABLE)
        self._write(base_path(root), _line(root), cache=IMMUTABLE)

    def _is_small(self, root: bytes, base: bytes) -> bool:
        """Writes the delta from a base; whether that is worth while."""
        whole, delta = self._states.get(snapshot_path(base)), self._delta(base)
        if whole is None or delta is None or BASE_SHARE * len(delta) > whole.size:
            return False
        if self._is_missing(delta_path(root, base)):
            self._write(delta_path(root, base), delta, cache=IMMUTABLE)
        return True

    def _publish_delta(self, root: bytes, since: bytes) -> None:
        if self._is_missing(delta_path(root, since)) and (delta := self._delta(since)) is not None:
            self._write(delta_path(root, since), delta, cache=IMMUTABLE)

    def _delta(self, since: bytes) -> bytes | None:
        changed = self._held.changed_since(since)
        if changed is None:
            return None
        base_root, subjects = changed
        rows = [(subject, self._held.raw(*subject)) for subject in subjects]
        return encode_delta(rows, base_root=base_root, statements_root=self._held.statements_root, note=b"")

    def _older(self) -> list[bytes]:
        """The states published before, the newest of them."""
        times = self._times()
        times.pop(self._done.root, None)
        return sorted(times, key=lambda root: times[root], reverse=True)[:DELTAS]

    def _cut_before(self) -> CutBefore | None:
        known = self._read_note()
        file = None if known is None or self._anew else self._read(map_path(known.root), MAP_BYTES)
        if known is None or file is None:
            return None
        changed = self._held.changed_since(known.root)
        try:
            bits, tops = tops_in(file)
        except AccreditError:
            return None
        if changed is None or changed[0] != root_of(tops):
            return None
        return CutBefore(bits=bits, tops=tops, changed=changed[1])

    def _read_note(self) -> StateNote | None:
        """What the note published last says; None where there is none that can be read."""
        note = self._read(STATE_NOTE, NOTE_BYTES_MAX)
        try:
            return None if note is None else StateNote.decode(Note.decode(note).text)
        except AccreditError:
            return None

    def _published_size(self) -> int:
        note = self._read(_CHECKPOINT, NOTE_BYTES_MAX)
        try:
            return 0 if note is None else Checkpoint.decode(Note.decode(note).text).size
        except AccreditError:
            return 0

    def _base(self, root: bytes) -> bytes | None:
        said = self._read(base_path(root), _BASE_BYTES)
        try:
            return None if said is None else bytes.fromhex(said.decode())
        except ValueError:
            return None

    def _tops(self, root: bytes) -> tuple[bytes, ...]:
        """The tops of a state that is there; none where its map is damaged, for then nobody can read it."""
        file = self._read(map_path(root), MAP_BYTES)
        try:
            return () if file is None else tops_in(file)[1]
        except AccreditError:
            return ()

    def _times(self) -> dict[bytes, float]:
        """When each state that is there, or the beginning of one, was written; its map is written last."""
        times: dict[bytes, float] = {}
        for path, stored in self._states.items():
            root = _root_in(path)
            times[root] = max(times.get(root, 0.0), stored.time)
        times |= {_root_in(path): stored.time for path, stored in self._states.items() if path.endswith("/map")}
        times.pop(_NOBODYS, None)
        return times

    def _doomed(self, keep: int) -> set[bytes]:
        """Roots of the states that were followed by another so long ago."""
        times = self._times()
        ordered = sorted(times, key=lambda root: times[root])
        followed = {root: times[after] for root, after in pairwise(ordered)}
        return {root for root, time in followed.items() if time < self._now - keep} - {self._done.root}

    def _read(self, path: str, max_bytes: int) -> bytes | None:
        """Return a published file; None also if its content is not ours, so that it is written again."""
        try:
            return self._target.read(path, max_bytes)
        except RemoteError as error:
            if error.code in ("bad_answer", "unreadable_store"):
                return None
            raise

    def _is_missing(self, path: str) -> bool:
        return self._anew or path not in self._states

    def _replace(self, path: str, data: bytes, *, media_type: str, cache: str) -> None:
        """Write a changing file if it differs from the published one."""
        if self._anew or self._read(path, PAGE_BYTES) != data:
            self._write(path, data, media_type=media_type, cache=cache)

    def _write(self, path: str, data: bytes, *, cache: str, media_type: str = OCTETS) -> None:
        self._target.write(path, data, media_type=media_type, cache=cache)
        if path.startswith(STATES):
            self._states[path] = Stored(time=self._now, size=len(data))
        self._done.written += 1
        self._done.written_bytes += len(data)
        self._step(1)

    def _delete(self, path: str) -> None:
        self._target.delete(path)
        self._done.removed += 1


def _root_in(path: str) -> bytes:
    """The root in the path of a state's file."""
    try:
        return bytes.fromhex(path.removeprefix(STATES).partition("/")[0])
    except ValueError:
        return _NOBODYS


def _line(root: bytes) -> bytes:
    return root.hex().encode() + b"\n"
