"""A witness with real SQLite and real files: whatever happens, it never cosigns two histories, nor goes back."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio

from accredit.node.ports import in_thread
from accredit.node.storage.log_store import Store
from accredit.node.witness.server import CONFLICTS, NodeWitness, open_held
from accredit.registry.encoding.ed25519 import KeyPair, public_of
from accredit.registry.errors import BusyError, StorageError
from accredit.registry.transparency.checkpoint import Checkpoint, open_checkpoint
from accredit.registry.transparency.equivocation import Conflict
from accredit.registry.transparency.equivocation import check as check_conflict
from accredit.registry.transparency.signed_note import KeyType, VerifierKey, decode_signatures
from accredit.registry.transparency.witness import AddCheckpoint, Refused, WitnessedHead, origin_hash, read_cosignature
from tests.strategies.consortium import seed_of
from tests.strategies.stored_log import limit_pages, page_count
from tests.strategies.witnessed import Tree

NAME = "witness.example"
KEY = VerifierKey(name=NAME, type=KeyType.COSIGNATURE_V1, public=public_of(seed_of(NAME)))
LOG = Tree("log.example", 40)
FORK = Tree("log.example", 40, fork=3)
HASH = origin_hash(LOG.name)
PLACE = f"witness/{HASH}"
NOW = 1_800_000_000


class Time:
    """A clock that the story moves."""

    def __init__(self) -> None:
        self.time = float(NOW)

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


@dataclass
class Files:
    """What one witness has on its disk: the node's database, and what it holds."""

    store: Store
    held: Store


@contextlib.contextmanager
def opened(folder: Path, name: str = "node.db") -> Iterator[Files]:
    with (
        Store.open(folder / name, ecosystem=bytes(32), origin=NAME) as store,
        open_held(folder / "heads" / "witness.db", store) as held,
    ):
        yield Files(store, held)


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    with opened(tmp_path) as made:
        yield made


def desk(files: Files, clock: Time | None = None, found: list[Conflict] | None = None) -> NodeWitness:
    return NodeWitness(
        name=NAME,
        signer=KeyPair(seed_of(NAME)),
        held=files.held,
        store=files.store,
        log_key={LOG.name: LOG.key.public, NAME: KEY.public}.get,
        clock=clock or Time(),
        run_blocking=in_thread,
        on_conflict=(found if found is not None else []).append,
    )


async def ask(witness: NodeWitness, request: AddCheckpoint) -> int:
    """The status; a cosignature is checked."""
    verdict = await witness.add_checkpoint(request.encode())
    if isinstance(verdict, Refused):
        return verdict.status
    size = WitnessedHead.decode(request.checkpoint).size
    text = Checkpoint(origin=LOG.name, size=size, root=WitnessedHead.decode(request.checkpoint).root).encode()
    assert read_cosignature(verdict, text, KEY, NOW)
    return 200


async def test_what_is_cosigned_is_kept_first(files: Files) -> None:
    witness = desk(files)
    assert await witness.checkpoint(HASH) is None
    assert await ask(witness, LOG.request(0, 5)) == 200
    assert files.held.kept(PLACE) == LOG.note(5)
    assert await ask(witness, LOG.request(5, 9)) == 200
    assert await ask(witness, LOG.request(5, 12)) == 409
    shown = await witness.checkpoint(HASH)
    assert shown is not None
    opened = open_checkpoint(shown, LOG.key, [KEY])
    assert opened.checkpoint.size == 9
    assert [one.key for one in opened.cosignatures] == [KEY]


async def test_nothing_is_cosigned_that_could_not_be_kept(files: Files) -> None:
    """SQLite's own "database or disk is full", by its page limit."""
    witness = desk(files)
    pages = page_count(files.held)
    limit_pages(files.held, pages)
    with contextlib.suppress(StorageError):  # until the last page is full
        for number in range(1_000):
            files.held.swap(f"{number}", None, LOG.note(5))
    with pytest.raises(StorageError) as caught:
        await witness.add_checkpoint(LOG.request(0, 5).encode())
    assert caught.value.code == "disk_full"
    assert await witness.checkpoint(HASH) is None
    limit_pages(files.held, 1000000)
    assert await ask(witness, LOG.request(0, 5)) == 200


async def test_a_cosign_request_lost_after_state_was_persisted_is_answered_when_it_comes_again(files: Files) -> None:
    files.held.swap(PLACE, None, LOG.note(5))  # kept, then killed
    witness = desk(files)
    verdict = await witness.add_checkpoint(LOG.request(0, 5).encode())
    assert isinstance(verdict, Refused)
    assert (verdict.status, verdict.size) == (409, 5)
    assert await ask(witness, LOG.request(5, 5)) == 200


async def test_monitors_see_what_was_kept_when_killed(files: Files) -> None:
    files.held.swap(PLACE, None, LOG.note(5))
    shown = await desk(files).checkpoint(HASH)
    assert shown is not None
    assert open_checkpoint(shown, LOG.key, [KEY]).cosignatures


async def test_equal_checkpoints_are_signed_again_with_a_fresh_time(files: Files) -> None:
    clock = Time()
    witness = desk(files, clock=clock)
    times = []
    for old in (0, 5, 5):
        verdict = await witness.add_checkpoint(LOG.request(old, 5).encode())
        assert isinstance(verdict, bytes)
        times.append(int.from_bytes(decode_signatures(verdict)[0].blob[:8]))
        clock.time += 3_000
    assert times == [NOW, NOW + 3_000, NOW + 6_000]


async def test_a_monitor_sees_a_time_of_the_last_minute_and_the_same_bytes_within_it(files: Files) -> None:
    clock = Time()
    witness = desk(files, clock=clock)
    await ask(witness, LOG.request(0, 5))
    first = await witness.checkpoint(HASH)
    clock.time += 59
    assert await witness.checkpoint(HASH) == first
    clock.time += 1
    later = await witness.checkpoint(HASH)
    assert later is not None
    assert [one.time for one in open_checkpoint(later, LOG.key, [KEY]).cosignatures] == [NOW + 60]
    clock.time -= 5_000  # set back
    earlier = await witness.checkpoint(HASH)
    assert earlier is not None
    assert [one.time for one in open_checkpoint(earlier, LOG.key, [KEY]).cosignatures] == [NOW - 4_940]


async def test_of_two_requests_at_once_one_is_told_the_other_s_size(files: Files) -> None:
    """The race of the specification: N after N+K must not roll back K entries."""
    witness = desk(files)
    await ask(witness, LOG.request(0, 5))
    statuses: dict[int, int] = {}

    async def grow(size: int) -> None:
        statuses[size] = await ask(witness, LOG.request(5, size))

    async with trio.open_nursery() as nursery:
        for size in range(6, 26):
            nursery.start_soon(grow, size)
    assert sorted(statuses.values()) == [200, *[409] * 19]
    (won,) = [size for size, status in statuses.items() if status == 200]
    assert files.held.kept(PLACE) == LOG.note(won)


async def test_two_witnesses_on_one_database_do_not_sign_two_histories(files: Files) -> None:
    """Even without a common lock, what was judged against must still be there: one is judged anew."""
    one, other = desk(files), desk(files)
    await ask(one, LOG.request(0, 5))
    for size in range(6, 26):
        statuses: dict[bool, int] = {}

        async def grow(witness: NodeWitness, size: int, is_first: bool, statuses: dict[bool, int]) -> None:
            statuses[is_first] = await ask(witness, LOG.request(size - 1, size))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(grow, one, size, True, statuses)
            nursery.start_soon(grow, other, size, False, statuses)
        assert sorted(statuses.values()) == [200, 409]
        assert files.held.kept(PLACE) == LOG.note(size)


async def test_a_swap_that_lost_is_judged_anew_and_not_cosigned(files: Files) -> None:
    class Late(Store):
        """Another's write comes between looking and keeping."""

        def swap(self, name: str, before: bytes | None, after: bytes) -> bool:
            if before is None and name == PLACE:
                assert super().swap(name, None, LOG.note(20))
            return super().swap(name, before, after)

    files.held.__class__ = Late
    verdict = await desk(files).add_checkpoint(LOG.request(0, 5).encode())
    assert isinstance(verdict, Refused)
    assert (verdict.status, verdict.size) == (409, 20)
    assert files.held.kept(PLACE) == LOG.note(20)


async def test_a_restored_backup_of_a_witness_never_signs_backwards(tmp_path: Path) -> None:
    """What it holds is beside the last head of its log, in the folder that no backup puts back."""
    with opened(tmp_path) as files:
        await ask(desk(files), LOG.request(0, 5))
        files.store.backup(tmp_path / "backup.db")
        assert await ask(desk(files), LOG.request(5, 9)) == 200
    with opened(tmp_path, "backup.db") as restored:
        witness = desk(restored)
        for tree in (FORK, LOG):
            verdict = await witness.add_checkpoint(tree.request(5, 7).encode())
            assert isinstance(verdict, Refused)
            assert (verdict.status, verdict.size) == (409, 9)
        assert await ask(witness, FORK.request(9, 9)) == 422
        assert await ask(witness, FORK.request(9, 12)) == 422
        assert await ask(witness, LOG.request(9, 9)) == 200
        assert await ask(witness, LOG.request(9, 12)) == 200


async def test_a_witness_whose_memory_is_gone_does_not_start(tmp_path: Path) -> None:
    with opened(tmp_path) as files:
        await ask(desk(files), LOG.request(0, 5))
    shutil.rmtree(tmp_path / "heads")
    with pytest.raises(StorageError) as caught, opened(tmp_path):
        pass
    assert caught.value.code == "witness_missing"
    assert "second history" in caught.value.hint


async def test_a_damaged_memory_signs_nothing(files: Files) -> None:
    files.held.swap(PLACE, None, b"no checkpoint")
    with pytest.raises(StorageError) as caught:
        await desk(files).add_checkpoint(LOG.request(0, 5).encode())
    assert caught.value.code == "witness_damaged"
    with pytest.raises(StorageError):
        await desk(files).checkpoint(HASH)


async def test_two_roots_of_one_size_are_told_of_and_fill_no_disk(files: Files) -> None:
    found: list[Conflict] = []
    witness = desk(files, found=found)
    await ask(witness, LOG.request(0, 5))
    assert await ask(witness, FORK.request(5, 5)) == 422
    assert await ask(witness, FORK.request(0, 5)) == 409
    assert {check_conflict(conflict.encode()).key for conflict in found} == {LOG.key}
    assert files.store.kept_under(CONFLICTS) == [], "that is for the engine: one against each key"
    assert await ask(witness, LOG.request(5, 9)) == 200, "and the history it knows goes on"


async def test_a_checkpoint_that_did_not_fit_is_kept_and_nobody_fills_the_disk_with_them(files: Files) -> None:
    witness = desk(files)
    await ask(witness, LOG.request(0, 5))
    for size in (9, 8, 10, 9):
        assert await ask(witness, FORK.request(5, size)) == 422
    assert files.store.kept(f"{PLACE}/refused") == FORK.note(10)


async def test_its_own_log_is_not_witnessed_nor_one_it_does_not_know(files: Files) -> None:
    witness = desk(files)
    assert await ask(witness, Tree(NAME, 5).request(0, 5)) == 404
    assert await ask(witness, Tree("other.example", 5).request(0, 5)) == 404


async def test_a_flood_is_turned_away_before_it_waits(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accredit.node.witness.server.WAITING_MAX", 2)
    witness = desk(files)
    outcomes: list[str] = []

    async def strike() -> None:
        try:
            await witness.add_checkpoint(LOG.request(0, 5).encode())
        except BusyError as error:
            outcomes.append(error.code)
        else:
            outcomes.append("answered")

    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(strike)
    assert sorted(outcomes) == ["answered"] * 2 + ["overloaded"] * 8
    assert await ask(witness, LOG.request(5, 6)) == 200
