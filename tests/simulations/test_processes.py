"""The process tier without its processes: plans, full disks, what checks notice, what is measured."""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from accredit.governance.fold import Fold
from accredit.node.storage.log_store import Store
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.errors import InputError
from accredit.registry.statement import Statement
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.signed_note import sign_note
from accredit.simulations.checkers import Violation
from accredit.simulations.processes.checks import DESCRIPTORS, check_logs, check_output, check_resources, check_states
from accredit.simulations.processes.clients import Book, LoggedAnswer, Said, size_of, story
from accredit.simulations.processes.fault_plan import APART, PLANS, REPAIR, draw
from accredit.simulations.processes.figures import delays_of
from accredit.simulations.processes.node_process import TormentedNode, Usage, free_ports, usage
from accredit.simulations.processes.run import SCENARIOS, run
from accredit.simulations.processes.small_disk import PAGE, SmallDisk
from accredit.simulations.virtual.ecosystem import Town

# ---------------------------------------------------------------------------------------------------------- plans


@pytest.mark.parametrize("name", list(PLANS))
def test_a_plan_follows_from_its_seed_alone(name: str) -> None:
    assert name in SCENARIOS
    plan = draw(name, seed=7, nodes=5, seconds=180)
    assert plan == draw(name, seed=7, nodes=5, seconds=180)
    assert plan.deeds == tuple(sorted(plan.deeds, key=lambda deed: (deed.at, deed.node)))
    if plan.deeds:
        assert plan.digest() != draw(name, seed=8, nodes=5, seconds=180).digest()
        assert max(deed.at + deed.seconds for deed in plan.deeds) <= 180


def test_torment_holds_all_that_it_promises_and_leaves_one_node_alone() -> None:
    for seed in range(20):
        plan = draw("torment", seed=seed, nodes=5, seconds=180)
        what = [deed.what for deed in plan.deeds]
        assert what.count("kill") > 20
        assert {"fill", "backup", "restore"} <= set(what)
        assert len({deed.node for deed in plan.deeds}) == 4
        assert all(abs(ahead) <= APART for ahead in plan.clocks)
        for node in range(5):
            own = [deed for deed in plan.deeds if deed.node == node]
            for one, following in pairwise(own):
                lasts = REPAIR if one.what == "restore" else one.seconds
                assert one.at + lasts <= following.at, "one thing after the other is done to a node"


# ---------------------------------------------------------------------------------------------------------- disks


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "disk"


WRITER = """
import sys
for line in sys.stdin:
    try:
        with open(line.strip(), "wb", buffering=0) as file:
            file.write(bytes(100_000)) == 100_000 or file.write(b"x")
        print("written", flush=True)
    except OSError as error:
        print(error.strerror, flush=True)
"""


@pytest.mark.parametrize("may_mount", [True, False])
def test_a_full_disk_takes_nothing_until_there_is_room(
    place: Path, may_mount: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not may_mount:
        monkeypatch.setattr("shutil.which", lambda _name: None)
    with SmallDisk.make(place) as disk:
        if may_mount and not disk.is_mounted:
            pytest.skip("this user may not mount a small tmpfs")
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert writer.stdin is not None
        assert writer.stdout is not None

        def write(name: str) -> str:
            assert writer.stdin is not None
            assert writer.stdout is not None
            writer.stdin.write(f"{place / name}\n")
            writer.stdin.flush()
            return writer.stdout.readline().strip()

        assert write("before") == "written"
        disk.fill(writer.pid)
        assert write("meanwhile") in ("No space left on device", "File too large")
        disk.make_room(writer.pid)
        assert write("after") == "written"
        assert resource.prlimit(writer.pid, resource.RLIMIT_FSIZE)[0] in (resource.RLIM_INFINITY, PAGE)
        writer.communicate()
    assert (place / "after").stat().st_size == 100_000, "what was on it stays when it is gone"
    assert not os.path.ismount(place)


# --------------------------------------------------------------------------------------------------------- checks


class Stored:
    """Three nodes that hold the same, as far as their files say; none of them runs."""

    def __init__(self, folder: Path) -> None:
        self.town = Town.found(seed=1, nodes=3, grants=2)
        telling = story(self.town, 0)
        self.said = [next(telling) for _ in range(6)]
        self.machines = []
        for number in range(3):
            place = folder / f"node{number}"
            machine = TormentedNode.set_up(self.town, number, place, port=1, tick=1_000)
            self.machines.append(machine)
        self.book = Book()

    def fill(self, number: int, statements: list[Statement]) -> None:
        """What a node stores; it answers for everything and shows its checkpoint each time."""
        machine = self.machines[number]
        with Store.open(machine.database, ecosystem=self.town.ecosystem, origin=machine.name) as store:
            for index, statement in enumerate(statements):
                size, root = store.append([(statement.id, statement.raw)])
                note = self.checkpoint(number, size, root)
                store.set_checkpoint(size, note)
                self.book.saw(machine.name, note, 100 * index)
                self.book.answers.append(
                    LoggedAnswer(node=machine.name, statement=statement, index=index, checkpoint=note)
                )

    def fill_all(self) -> None:
        for number in range(3):
            self.fill(number, [*self.town.founding, *self.said])

    def checkpoint(self, number: int, size: int, root: bytes) -> str:
        name = self.machines[number].name
        text = Checkpoint(origin=name, size=size, root=root).encode()
        return sign_note(text, name, KeyPair(self.town.node_seed(name, "log"))).decode()

    def noticed(self) -> str:
        """By which checker."""
        with pytest.raises(Violation) as violation:
            check_logs(self.town, self.machines, self.book)
        return violation.value.checker


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    return Stored(tmp_path)


def test_logs_that_hold_what_was_answered_pass(stored: Stored) -> None:
    stored.fill_all()
    assert check_logs(stored.town, stored.machines, stored.book) == 3 * len([*stored.town.founding, *stored.said])


def test_a_statement_that_one_node_lacks_is_noticed(stored: Stored) -> None:
    stored.fill(0, [*stored.town.founding, *stored.said])
    stored.fill(1, [*stored.town.founding, *stored.said[:-1]])
    stored.fill(2, [*stored.town.founding, *stored.said])
    assert stored.noticed() == "nothing_lost"


def test_an_answer_that_named_another_place_is_noticed(stored: Stored) -> None:
    stored.fill_all()
    wrong = stored.book.answers[3]
    stored.book.answers[3] = LoggedAnswer(
        node=wrong.node, statement=wrong.statement, index=wrong.index + 1, checkpoint=stored.book.answers[-1].checkpoint
    )
    assert stored.noticed() == "nothing_lost"


def test_a_checkpoint_of_another_history_is_noticed(stored: Stored) -> None:
    stored.fill_all()
    stored.book.saw(stored.machines[1].name, stored.checkpoint(1, 5, bytes(32)), 1)
    assert stored.noticed() == "one_history"


def test_a_checkpoint_of_another_key_is_noticed(stored: Stored) -> None:
    stored.fill_all()
    foreign = next(iter(stored.book.checkpoints[stored.machines[0].name]))
    stored.book.saw(stored.machines[1].name, foreign, 1)
    assert stored.noticed() == "one_history"


def test_an_entry_that_nobody_signed_is_noticed(stored: Stored) -> None:
    stored.fill_all()
    del stored.town.signed[stored.said[-1].id]
    assert stored.noticed() == "valid_statements"


def test_a_state_that_does_not_follow_from_the_bytes_is_noticed(stored: Stored) -> None:
    stored.fill_all()
    fold = Fold(stored.town.ecosystem)
    for statement in [*stored.town.founding, *stored.said]:
        fold.add(statement)
    fold.settle()
    right = {machine.name: fold.state_root().hex() for machine in stored.machines}
    assert check_states(stored.town, stored.machines, right) == fold.state_root().hex()
    with pytest.raises(Violation, match="records"):
        check_states(stored.town, stored.machines, {**right, stored.machines[2].name: "00" * 32})


def test_two_states_are_noticed(stored: Stored) -> None:
    roots = {}
    for number, machine in enumerate(stored.machines):
        held = [*stored.town.founding, *stored.said[:number]]
        stored.fill(number, held)
        fold = Fold(stored.town.ecosystem)
        for statement in held:
            fold.add(statement)
        fold.settle()
        roots[machine.name] = fold.state_root().hex()
    with pytest.raises(Violation, match="one_root"):
        check_states(stored.town, stored.machines, roots)


def test_a_traceback_in_what_a_node_says_is_noticed(stored: Stored) -> None:
    check_output(stored.machines)
    (stored.machines[1].folder / "node.log").write_text("all is well\nTraceback (most recent call last):\n  …\n")
    with pytest.raises(Violation, match="no_traceback"):
        check_output(stored.machines)


def life(*, seconds: int, descriptors: int, growth: float) -> list[Usage]:
    return [
        Usage(age=float(age), descriptors=descriptors + int(growth * age), threads=5, memory=60_000_000)
        for age in range(seconds)
    ]


def test_what_leaks_is_noticed_and_what_is_busy_is_not(stored: Stored) -> None:
    machine = stored.machines[0]
    assert check_resources(stored.machines) == {}
    machine.lives = [life(seconds=120, descriptors=30, growth=0.0), life(seconds=20, descriptors=30, growth=3.0)]
    figures = check_resources(stored.machines)
    assert figures["most descriptors"] == 87
    assert figures["grown, descriptors"] == 0
    machine.lives = [life(seconds=120, descriptors=30, growth=1.0)]
    with pytest.raises(Violation, match="descriptors more after"):
        check_resources(stored.machines)
    machine.lives = [life(seconds=10, descriptors=DESCRIPTORS + 1, growth=0.0)]
    with pytest.raises(Violation, match="held 257 descriptors"):
        check_resources(stored.machines)


def test_a_process_can_be_looked_at() -> None:
    found = usage(os.getpid(), 1.0)
    assert found is not None
    assert found.descriptors > 3
    assert found.memory > 10_000_000
    assert usage(2**22 + 1, 1.0) is None, "no such process"


# ------------------------------------------------------------------------------------------------------- the rest


def test_a_delivery_is_seen_when_a_checkpoint_covers_its_place(stored: Stored) -> None:
    name, (first, second, urgent, *_) = stored.machines[0].name, stored.said
    book = Book()
    for statement in (first, second, urgent):
        book.said.append(Said(statement=statement, is_urgent=statement is urgent, said_at=1_000))
    for size, time in ((1, 1_200), (3, 1_700), (2, 9_000)):
        book.saw(name, stored.checkpoint(0, size, bytes(32)), time)
    places = {name: {first.id: 0, second.id: 1, urgent.id: 3}}
    assert delays_of(book, places, urgent=False) == [200, 700]
    assert delays_of(book, places, urgent=True) == [], "nobody saw it there"


@pytest.mark.parametrize("note", ["", "nonsense", "origin\nmany\n"])
def test_a_note_that_names_no_size_has_none(note: str) -> None:
    assert size_of(note) == -1


def test_ports_are_free_and_different() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    assert all(20_000 <= port < 32_000 for port in ports)


@pytest.mark.parametrize("changes", [{"gossip.degree": 3}, {"links.median": 3}, {"nodes": 2}, {"nodes": 26}])
def test_what_real_processes_do_not_have_is_refused_before_anything_starts(changes: dict[str, float]) -> None:
    with pytest.raises(InputError):
        run(SCENARIOS["calm"], changes)
