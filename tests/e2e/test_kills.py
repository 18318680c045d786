"""Nodes killed again and again, at any moment, while people submit statements to them.

What was answered is kept: every statement is in the log at the place that the answer named, and no checkpoint that
anybody was ever given is contradicted by a later one.
"""

import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path
from random import Random
from threading import Event, Lock

import pytest
from hypothesis import settings

from accredit.node.storage.log_store import open_reader
from accredit.registry.errors import RemoteError
from accredit.registry.statement import Statement
from accredit.registry.transparency.merkle import (
    check_consistency,
    check_inclusion,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
)
from tests.strategies.bodies import event, grant, register
from tests.strategies.fleet import Fleet, Machine, founding
from tests.strategies.network import A, B, C

KILLS_EACH = 30 if settings().max_examples > 1_000 else 6
"""Kills of each node; more in a nightly run."""

NODES = ("node1", "node2")

START_UP = 0.4
"""Seconds after the start of a process within which it is killed, ready or not: about what a start takes (`warm`)."""

LIFE = 0.8
"""Seconds after its first answer within which it is killed otherwise."""


@dataclass
class Notebook:
    """What people were told, by node."""

    answers: dict[str, list[tuple[Statement, int, str]]] = field(default_factory=lambda: defaultdict(list))
    checkpoints: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    signing: Lock = field(default_factory=Lock)
    over: Event = field(default_factory=Event)


def story(fleet: Fleet, authority: str) -> Iterator[Statement]:
    """What an authority says, one thing after the other; every third waits for no tick."""
    for number in count():
        issuer = f"did:web:{authority[8]}{number}.example"
        yield fleet.town.says(authority, "issuer.register", register(issuer))
        granted = fleet.town.says(authority, "accreditation.grant", grant(issuer))
        yield granted
        yield fleet.town.says(authority, "accreditation.status", event(granted.id, "suspend"), issuer)


def speak(fleet: Fleet, authority: str, nodes: list[Machine], book: Notebook) -> int:
    """One person: says each thing until some node has answered for it; how many things."""
    ask, telling, said = cycle(nodes), story(fleet, authority), 0
    while not book.over.is_set():
        with book.signing:
            statement = next(telling)
        while not submitted(next(ask), statement, book):
            time.sleep(0.02)
        said += 1
    return said


def submitted(machine: Machine, statement: Statement, book: Notebook) -> bool:
    """Whether the node answered; if it did, that goes into the notebook."""
    try:
        answer = machine.submit(statement)
    except RemoteError:
        return False
    book.answers[machine.name].append((statement, answer["statements"][0]["index"], answer["checkpoint"]))
    return True


def watch(machine: Machine, book: Notebook) -> None:
    """Keeps every checkpoint the node shows."""
    while not book.over.is_set():
        with suppress(RemoteError):
            book.checkpoints[machine.name].add(machine.client.checkpoint())
        time.sleep(0.05)


def torment(machine: Machine, random: Random) -> None:
    """Kills a node and starts it again, many times; half the time before it can be ready."""
    for number in range(KILLS_EACH):
        if number % 2:
            machine.answers()
            time.sleep(random.uniform(0, LIFE))
        else:
            time.sleep(random.uniform(0, START_UP))
        machine.kill()
        machine.start(ready="")
    machine.answers()


def check_log(machine: Machine, book: Notebook) -> int:
    """Everything the node ever answered or showed is the beginning of its log; how many checkpoints there were."""
    with open_reader(machine.database) as reader:
        size, root = reader.head()
        answers = book.answers[machine.name]
        for statement, index, note in answers:
            assert reader.entry(index) == statement.raw
            shown = machine.open(note)
            assert index < shown.size <= size
            proof = prove_inclusion(index, shown.size, reader)
            check_inclusion(leaf_hash(statement.raw), index, shown.size, proof, shown.root)
        notes = {note for _, _, note in answers} | book.checkpoints[machine.name]
        for note in sorted(notes):
            shown = machine.open(note)
            check_consistency(shown.size, size, shown.root, root, prove_consistency(shown.size, size, reader))
    return len(notes)


@pytest.mark.wide
def test_no_kill_takes_back_what_was_answered_or_forks_a_log(tmp_path: Path) -> None:
    random, book = Random(20_260_301), Notebook()
    with founding(tmp_path, *NODES) as fleet, ThreadPoolExecutor(8) as people:
        fleet.start()
        one, two = (fleet[name] for name in NODES)
        speaking = [
            people.submit(speak, fleet, authority, nodes, book)
            for authority, nodes in ((A, [one]), (B, [two]), (C, [one, two]))
        ]
        watching = [people.submit(watch, fleet[name], book) for name in NODES]
        torments = [people.submit(torment, fleet[name], Random(random.random())) for name in NODES]
        try:
            for torn in torments:
                torn.result()
        finally:
            book.over.set()
        said = sum(person.result() for person in speaking)
        for watcher in watching:
            watcher.result()
        root = fleet.agree()
        assert one.client.status()["statements"] == len(fleet.town.said) == said + 3, "nothing is lost, nothing added"
        assert [fleet[name].stop() for name in NODES] == [0, 0]
        shown = [check_log(fleet[name], book) for name in NODES]
        print(f"{2 * KILLS_EACH} kills, {said} statements answered, {shown} checkpoints, root {root[:16]}")
        for name in NODES:
            assert fleet[name].audit().json()["fits"] is True
        assert said > KILLS_EACH, "people got something done between the kills"
