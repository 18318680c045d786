"""A simulated disk: what a crash takes away, and what it must not."""

from random import Random

import pytest

from accredit.registry.errors import StorageError
from accredit.simulations.virtual.physics.disk import SYNC_MS, Disk
from accredit.simulations.virtual.physics.shared_list import SharedList

ENTRY = (b"id", b"statement")


def test_what_is_synced_survives_every_crash() -> None:
    disk = Disk()
    assert disk.write([ENTRY]) == SYNC_MS
    assert disk.sync() == 1
    for seed in range(20):
        assert not disk.crash(Random(seed))
    assert list(disk.entries) == [ENTRY]


def test_an_unsynced_write_is_lost_or_kept_whole() -> None:
    ends = []
    for seed in range(40):
        disk = Disk()
        disk.write([ENTRY, (b"2", b"another")])
        survived = disk.crash(Random(seed))
        assert not disk.is_writing
        assert len(disk.entries) == (2 if survived else 0)
        ends.append(survived)
    assert {True, False} == set(ends)


def test_a_full_disk_keeps_nothing_of_what_did_not_fit() -> None:
    disk = Disk(entries=SharedList(own=[ENTRY]), is_full=True)
    with pytest.raises(StorageError, match="no space"):
        disk.write([(b"2", b"another")])
    assert list(disk.entries) == [ENTRY]
    assert not disk.is_writing


def test_a_slow_disk_takes_its_time() -> None:
    assert Disk(slowness=50).write([ENTRY]) == 50 * SYNC_MS
