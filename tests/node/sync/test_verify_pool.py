"""Processes that check entries: what one finds is what all find, and none of them outlives this one or stops it."""

import os
import subprocess
import sys
from contextlib import suppress

import pytest

from accredit.node.sync.verify_pool import CHUNK, Pool, cores
from accredit.registry.statement import Statement
from tests.strategies.bodies import register
from tests.strategies.consortium import Consortium
from tests.strategies.fleet import ROOT, eventually
from tests.strategies.network import A, founded
from tests.strategies.stories import issuer_pen, pinned

MANY = 3 * CHUNK + 7


@pytest.fixture(scope="module")
def town() -> Consortium:
    """An ecosystem with something to check, among it statements by a key that only comes up on the way."""
    made = founded("node1")
    pen = issuer_pen(made)
    for number in range(MANY):
        if number == CHUNK + 5:
            body = register(pen.authority, keys=[pinned(pen, budget=1_000)])
            made.says(A, "issuer.register", body)
        made.says(A, "issuer.register", register(f"did:web:i{number}.example"))
        if number > 2 * CHUNK:
            made.says(pen, "issuer.update", {"id": pen.authority, "name": f"Name {number}", "after": []}, pen.authority)
    return made


def test_processes_find_what_one_finds(town: Consortium) -> None:
    entries = [each.raw for each in town.said]
    with Pool(2) as pool:
        assert pool.processes == ()
        first, second = pool.check(entries), pool.check(entries)
        found, again = first(), second()
        assert len(pool.processes) == 2
    assert [each.raw if isinstance(each, Statement) else each for each in found] == entries
    assert sum(isinstance(each, Statement) for each in found) >= len(entries) - 2 * CHUNK
    assert sum(isinstance(each, Statement) for each in again) >= sum(isinstance(each, Statement) for each in found)


def test_changed_entries_come_back_as_they_are(town: Consortium) -> None:
    entries = [each.raw for each in town.said]
    bad = {10, CHUNK + 1, len(entries) - 1}
    for number in bad:
        entries[number] = entries[number][:-1] + bytes([entries[number][-1] ^ 1])
    with Pool(2) as pool:
        pool.check(entries)()
        found = pool.check(entries)()
    # The genesis is left to whoever takes in, and so is what a key said before a process had heard of it.
    assert {number for number, each in enumerate(found) if isinstance(each, bytes)} == bad | {0}


def test_without_processes_entries_are_passed_on() -> None:
    with Pool(0) as pool:
        assert pool.check([b"x", b"y"])() == [b"x", b"y"]
        assert pool.processes == ()
    with Pool(1) as pool:
        assert pool.check([])() == []


def test_a_process_that_is_killed_costs_time_and_nothing_else(town: Consortium) -> None:
    entries = [each.raw for each in town.said]
    with Pool(1) as pool:
        pool.check(entries)()
        (pid,) = pool.processes
        os.kill(pid, 9)
        found = pool.check(entries)()
        assert found == entries
        assert pool.check(entries)() == entries


def test_processes_are_gone_when_the_pool_is(town: Consortium) -> None:
    entries = [each.raw for each in town.said]
    with Pool(2) as pool:
        pool.check(entries)  # nobody waits for it
        pool.check(entries)()
        pids = pool.processes
    assert not any(map(lives, pids))


CHILD = """
import sys, time
from accredit.node.sync.verify_pool import Pool
if __name__ == "__main__":
    pool = Pool(2)
    pool.check([bytes(9)] * 5_000)()
    print(*pool.processes, flush=True)
    time.sleep(600)
"""


def test_processes_end_with_a_node_that_is_killed() -> None:
    """Nobody tells them: the pipe does."""
    node = subprocess.Popen([sys.executable, "-c", CHILD], cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert node.stdout is not None
        pids = [int(word) for word in node.stdout.readline().split()]
        assert len(pids) == 2
        assert all(map(lives, pids))
    finally:
        node.kill()
        node.communicate()
    eventually(lambda: not any(map(lives, pids)), "the processes end")


def lives(pid: int) -> bool:
    """Whether a process is there and not merely waiting to be buried."""
    with suppress(OSError), open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"
    return False


def test_the_cores_that_may_be_used_are_counted() -> None:
    assert 1 <= cores() <= (os.cpu_count() or 1)
