"""Cosignatures are gathered from witnesses of every temper: slow, forgetful, mistaken, and those who caught us."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import trio

from accredit.node import faults
from accredit.node.runtime.equivocations import digest
from accredit.node.storage.log_store import Store
from accredit.node.witness.client import (
    AGAIN_SECONDS,
    PAUSE_SECONDS,
    Course,
    Witnessing,
    cosigned_at,
    is_due,
    merge,
    nodes_that_witness,
)
from accredit.node.witness.server import CONFLICTS, conflict_place
from accredit.registry.encoding.ed25519 import KeyPair, public_of
from accredit.registry.errors import StorageError
from accredit.registry.transparency.signed_note import KeyType, Note, VerifierKey, cosign, encode_signatures, sign_note
from accredit.registry.transparency.witness import AddCheckpoint, Witness, WitnessedHead, origin_hash
from tests.strategies import bodies, web
from tests.strategies.consortium import seed_of
from tests.strategies.loopback import NO_CERTIFICATES
from tests.strategies.network import A, node_entry, node_seed
from tests.strategies.real_node import until
from tests.strategies.witness_town import NAMES, Time, Town, Whole
from tests.strategies.witnessed import Tree


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accredit.node.witness.client.LOOK_SECONDS", 0.02)
    monkeypatch.setattr("accredit.node.witness.client.MEMBERS_SECONDS", 0.1)
    monkeypatch.setattr("accredit.node.witness.client.PAUSE_SECONDS", (0.05, 0.1))


# ------------------------------------------------------------------------------------------------- pure rules


def test_a_witness_is_asked_until_it_cosigned_and_again_before_the_hour_is_over() -> None:
    course = Course()
    assert is_due(course, None, time=1_000, now=0.0)
    assert not is_due(course, 1_000, time=1_000 + AGAIN_SECONDS - 1, now=0.0)
    assert is_due(course, 1_000, time=1_000 + AGAIN_SECONDS, now=0.0)
    assert AGAIN_SECONDS < 3_600
    assert not is_due(course, 1_300, time=1_000, now=0.0), "its clock is a little ahead"
    assert is_due(course, 1_301, time=1_000, now=0.0), "ours was set back, or it signed in the future"


def test_one_that_fails_is_left_alone_longer_each_time_and_forgiven_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accredit.node.witness.client.PAUSE_SECONDS", PAUSE_SECONDS)
    course, now, pauses = Course(held=7), 0.0, []
    for _ in range(1_200):
        course = course.failed("no answer", now)
        pauses.append(course.until - now)
        assert not is_due(course, None, time=0, now=now)
        now = course.until
        assert is_due(course, None, time=0, now=now)
    assert pauses[:4] == [2.0, 4.0, 8.0, 16.0]
    assert pauses[-1] == max(pauses) == 300.0
    assert (course.held, course.error) == (7, "no answer")
    assert course.cosigned(9) == Course(held=9)


def test_only_those_who_are_witnesses_stay_on_the_note() -> None:
    tree = Tree("log.example", 5)
    old, new = (
        Witness(
            key=VerifierKey(name=name, type=KeyType.COSIGNATURE_V1, public=public_of(seed_of(name))), url="http://x"
        )
        for name in ("old", "new")
    )
    note = Note.decode(tree.note(5)).with_signatures([cosign(tree.text(5), "old", KeyPair(seed_of("old")), 10)])
    line = cosign(tree.text(5), "new", KeyPair(seed_of("new")), 20)
    assert cosigned_at(merge(note, line, tree.key, [old, new]), [old, new]) == {old.key: 10, new.key: 20}
    merged = merge(note, line, tree.key, [new])
    assert cosigned_at(merged, [old, new]) == {new.key: 20}
    again = merge(merged, cosign(tree.text(5), "new", KeyPair(seed_of("new")), 30), tree.key, [new])
    assert cosigned_at(again, [new]) == {new.key: 30}
    assert len(again.signatures) == 2
    damaged = Note(text=note.text, signatures=(cosign(tree.text(4), "old", KeyPair(seed_of("old")), 10),))
    assert cosigned_at(damaged, [old]) == {}


def test_nodes_witness_a_log_only_while_it_is_in_force_with_its_key() -> None:
    nodes = {name: node_entry(name, f"https://{name}/") for name in NAMES}
    public = public_of(node_seed("node1", "log"))
    found = nodes_that_witness("node1", public, nodes)
    assert {one.url for one in found} == {"https://node2/witness", "https://node3/witness"}
    assert all(one.key.public == public_of(node_seed(one.key.name, "witness")) for one in found)
    assert nodes_that_witness("node1", bytes(32), nodes) == []
    assert nodes_that_witness("node9", public, nodes) == []


# ------------------------------------------------------------------------------------------ whole nodes, real HTTP


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    made.close()


async def test_three_nodes_witness_each_other_s_logs_and_serve_the_cosignatures(town: Town) -> None:
    async with AsyncExitStack() as stack:
        nodes = {name: await stack.enter_async_context(town.up(name)) for name in NAMES}
        for name, node in nodes.items():
            await until(lambda node=node, name=name: node.cosigners() == set(NAMES) - {name})  # type: ignore[misc]
        one = nodes["node1"]
        size = one.served().checkpoint.size
        await one.says(town.town, 1)
        await until(lambda: one.served().checkpoint.size > size and one.cosigners() == {"node2", "node3"})
        fetched = await one.fetched()
        assert {each.key.name for each in fetched.cosignatures} == {"node2", "node3"}
        told = {(fetched.checkpoint.size, "")}
        await until(lambda: {(view.held, view.error) for view in one.witnessing.views()} == told)
        for other in ("node2", "node3"):
            shown = await nodes[other].witness.checkpoint(origin_hash("node1"))
            assert shown is not None
            assert WitnessedHead.decode(shown).size == fetched.checkpoint.size
        assert one.witnessing.alarms() == []


async def test_cosignatures_survive_a_restart_and_are_not_asked_for_again(town: Town) -> None:
    async with town.up("node2"):
        async with town.up("node1") as one:
            await until(lambda: one.cosigners() == {"node2"})
            before = one.served().note
        async with town.up("node1") as one:
            await until(lambda: any(view.time for view in one.witnessing.views()))
            assert one.served().note == before
            # What the witness holds is not known any more; it says so itself.
            assert {view.held for view in one.witnessing.views()} == {0}
            await one.says(town.town, 1)
            await until(lambda: one.cosigners() == {"node2"} and one.served().note != before)


async def test_timestamps_stay_fresh_where_nothing_is_appended(town: Town) -> None:
    async with town.up("node1") as one, town.up("node2"):
        await until(lambda: one.cosigners() == {"node2"})
        (before,) = one.served().cosignatures
        town.clock.ahead += AGAIN_SECONDS
        await until(lambda: one.served().cosignatures[0].time != before.time)
        (after,) = one.served().cosignatures
        assert before.time is not None
        assert after.time is not None
        assert after.time - before.time >= AGAIN_SECONDS


async def test_a_witness_that_is_down_delays_nobody_and_is_asked_again(town: Town) -> None:
    async with town.up("node1") as one:
        async with town.up("node2"):
            await until(lambda: one.cosigners() == {"node2"})
            down = next(view for view in one.witnessing.views() if view.name == "node3")
            await until(lambda: any(view.error for view in one.witnessing.views()))
            assert down.time is None
        async with town.up("node3"):
            await until(lambda: one.cosigners() == {"node2", "node3"})
            await until(lambda: {view.error for view in one.witnessing.views() if view.name == "node3"} == {""})


async def test_witnesses_at_different_sizes_each_get_their_own_proof(town: Town) -> None:
    async with town.up("node1") as one:
        async with town.up("node2"):
            await until(lambda: one.cosigners() == {"node2"})
        for number in range(5):
            await one.says(town.town, number)
        async with town.up("node3"):
            await until(lambda: one.cosigners() == {"node3"})
            await one.says(town.town, 9)
            async with town.up("node2"):
                await until(lambda: one.cosigners() == {"node2", "node3"})


# --------------------------------------------------------------------------------------- witnesses of our making

OUTSIDE = VerifierKey(name="outside.example", type=KeyType.COSIGNATURE_V1, public=public_of(seed_of("outside")))
Answer = tuple[int, bytes]


@dataclass
class Script:
    """An outside witness that answers as the story says: by default it cosigns whatever it is shown."""

    clock: Time
    answers: list[Answer] = field(default_factory=list)
    shown: bytes | None = None
    asked: list[AddCheckpoint] = field(default_factory=list)

    async def __call__(self, line: str, body: bytes, stream: trio.abc.Stream) -> None:
        if line.startswith("GET"):
            status, data = (404, b"") if self.shown is None else (200, self.shown)
        elif self.answers:
            self.asked.append(AddCheckpoint.decode(body))
            status, data = self.answers.pop(0)
        else:
            self.asked.append(AddCheckpoint.decode(body))
            text = Note.decode(self.asked[-1].checkpoint).text
            line_ = cosign(text, OUTSIDE.name, KeyPair(seed_of("outside")), int(self.clock.now()))
            stranger = cosign(text, "stranger.example", KeyPair(seed_of("stranger")), 5)
            status, data = 200, encode_signatures([stranger, line_])
        await stream.send_all(web.answer(data, status=status))


@asynccontextmanager
async def outside(town: Town, script: Script) -> AsyncIterator[Whole]:
    """Node 1 alone, with one outside witness."""
    async with trio.open_nursery() as nursery:
        server = await nursery.start(web.serve, script)
        async with town.up("node1", Witness(key=OUTSIDE, url=f"{server.url}/w")) as one:
            yield one
        nursery.cancel_scope.cancel()


def has_outside(one: Whole) -> bool:
    return OUTSIDE.name in {each.key.name for each in one.served(OUTSIDE).cosignatures}


def course(one: Whole) -> str:
    return next((view.error for view in one.witnessing.views() if view.name == OUTSIDE.name), "not asked yet")


async def test_an_outside_witness_cosigns_and_what_strangers_add_is_left_out(town: Town) -> None:
    script = Script(town.clock)
    async with outside(town, script) as one:
        await until(lambda: has_outside(one))
        assert b"stranger" not in one.served().note.encode()
        assert script.asked[0].old == 0
        assert script.asked[0].proof == ()
        assert len(Note.decode(script.asked[0].checkpoint).signatures) == 1
        size = one.served().checkpoint.size
        await one.says(town.town, 1)
        await until(lambda: one.served().checkpoint.size == size + 1 and has_outside(one))
        assert script.asked[-1].old == size
        assert script.asked[-1].proof


async def test_the_size_a_witness_names_is_where_the_next_proof_begins(town: Town) -> None:
    script = Script(town.clock, answers=[(409, b"2\n")])
    async with outside(town, script) as one:
        await until(lambda: has_outside(one))
        assert [request.old for request in script.asked] == [0, 2]
        assert script.asked[1].proof


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, b"OK"), "without a valid cosignature"),
        ((404, b""), "status 404"),
        ((503, b""), "status 503"),
        ((409, b"two\n"), "the size it holds"),
        ((409, b"02\n"), "the size it holds"),
        ((422, b""), "status 404"),  # asked for what it holds, it shows nothing
        ((409, b"0\n"), "status 404"),
        ((409, b"99\n"), "status 404"),
    ],
)
async def test_a_witness_that_answers_badly_is_named_and_asked_again(town: Town, answer: Answer, words: str) -> None:
    errors: list[str] = []
    script = Script(town.clock, answers=[answer])
    async with outside(town, script) as one:
        await until(lambda: errors.append(course(one)) or has_outside(one))  # type: ignore[func-returns-value]
        assert any(words in error for error in errors), set(errors)
        await until(lambda: has_outside(one))
        assert one.witnessing.alarms() == []


async def test_a_witness_that_names_another_size_each_time_is_left_alone_for_a_while(town: Town) -> None:
    errors: list[str] = []
    script = Script(town.clock, answers=[(409, b"1\n"), (409, b"2\n"), (409, b"1\n")])
    async with outside(town, script) as one:
        await until(lambda: errors.append(course(one)) or has_outside(one))  # type: ignore[func-returns-value]
        assert any("a different size each time" in error for error in errors)


async def test_a_cosignature_of_long_ago_is_refused(town: Town) -> None:
    script = Script(town.clock)
    async with outside(town, script) as one:
        await until(lambda: has_outside(one))
        note = one.served(OUTSIDE).note
        stale = cosign(note.text, OUTSIDE.name, KeyPair(seed_of("outside")), int(town.clock.now()))
        script.answers = [(200, encode_signatures([stale]))]
        town.clock.ahead += AGAIN_SECONDS
        errors: list[str] = []
        await until(lambda: errors.append(course(one)) or not script.answers)  # type: ignore[func-returns-value]
        await until(lambda: errors.append(course(one)) or any("clocks" in e or "dated" in e for e in errors))  # type: ignore[func-returns-value]


@pytest.mark.parametrize("status", [422, 409])
async def test_a_witness_that_holds_another_tree_of_our_key_raises_an_alarm_with_proof(town: Town, status: int) -> None:
    async with town.up("node1") as one:
        size = one.served().checkpoint.size
    fork = Tree("node1", size)
    shown = signed_fork(fork, size)
    body = b"" if status == 422 else b"0\n"
    script = Script(town.clock, answers=[(status, body)] * 100, shown=shown)
    async with outside(town, script) as one:
        await until(lambda: bool(one.found))
        (alarm,) = one.witnessing.alarms()
        assert OUTSIDE.name in alarm
        conflict = one.found[0]
        assert conflict.key == one.log
        await until(lambda: one.node.store.kept(conflict_place(conflict.encode())) is not None)
        assert one.node.runtime.conflicts == (conflict,)
        async with httpx.AsyncClient(trust_env=False, verify=NO_CERTIFICATES) as client:
            alarms = (await client.get(f"{one.url}/v1/status")).json()["alarms"]
        assert alarm in alarms
        assert any(digest(conflict).hex()[:12] in each for each in alarms)
        assert one.node.store.kept("witnessing/shown") == shown
        assert not has_outside(one)
        await until(lambda: len(script.answers) < 97)
        assert len(one.node.store.kept_under(CONFLICTS)) == 1, "kept once"
        script.answers.clear()
        await until(lambda: has_outside(one) and not one.witnessing.alarms())


async def test_a_longer_log_signed_with_our_key_is_an_alarm_even_without_a_proof(town: Town) -> None:
    script = Script(town.clock, answers=[(409, b"30\n")] * 100, shown=signed_fork(Tree("node1", 30), 30))
    async with outside(town, script) as one:
        await until(lambda: bool(one.witnessing.alarms()))
        assert "30 entries" in one.witnessing.alarms()[0]
        assert one.found == []
        # A whole machine was rolled back, and once signed on: a second history, which nothing undoes.
        before = one.served().checkpoint.size
        said = town.town.says(A, "issuer.register", bodies.register("did:web:late.example"))
        (refused,) = await one.node.runtime.submit([said.raw])
        assert refused.error is not None
        assert refused.error.code == "log_disowned"
        assert one.served().checkpoint.size == before
        async with httpx.AsyncClient(trust_env=False, verify=NO_CERTIFICATES) as client:
            ready = await client.get(f"{one.url}/readyz")
        assert (ready.status_code, "has stopped signing" in ready.json()["detail"]) == (503, True)


async def test_a_witness_that_refuses_and_holds_our_own_history_is_no_alarm(town: Town) -> None:
    async with town.up("node1") as one:
        shown = one.served().note.encode()
    script = Script(town.clock, answers=[(422, b"")] * 3, shown=shown)
    async with outside(town, script) as one:
        await until(lambda: not script.answers and has_outside(one))
        assert one.witnessing.alarms() == []
        assert one.node.store.kept("witnessing/shown") is None


async def test_what_a_witness_shows_that_is_not_of_our_key_accuses_nobody(town: Town) -> None:
    script = Script(town.clock, answers=[(422, b"")], shown=Tree("elsewhere.example", 3).note(3))
    errors: list[str] = []
    async with outside(town, script) as one:
        await until(lambda: errors.append(course(one)) or has_outside(one))  # type: ignore[func-returns-value]
        assert any("shows no checkpoint of this log" in error for error in errors)
        assert one.witnessing.alarms() == []


async def test_a_node_without_a_checkpoint_asks_nobody(town: Town) -> None:
    script = Script(town.clock)
    said, town.town.said = town.town.said, []
    async with outside(town, script) as one:
        await trio.sleep(0.1)
        assert script.asked == []
        await one.node.runtime.submit([each.raw for each in said])
        await until(lambda: has_outside(one))


async def test_a_cosignature_that_finds_no_room_is_asked_for_again(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(town.clock)
    write = Store.set_checkpoint
    full = True

    def set_checkpoint(self: Store, size: int, note: str) -> None:
        if full and "outside" in note:
            raise StorageError("disk_full", "there is no room.")
        write(self, size, note)

    monkeypatch.setattr(Store, "set_checkpoint", set_checkpoint)
    async with outside(town, script) as one:
        await until(lambda: "no room" in course(one))
        full = False
        await until(lambda: has_outside(one))


async def test_a_checkpoint_signed_at_that_very_moment_is_not_replaced_by_a_shorter_one(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with town.up("node1") as one:
        before = one.node.store.checkpoint()
        assert before is not None
        await one.says(town.town, 1)
        after = one.node.store.checkpoint()
        text = Note.decode(before[1].encode()).text
        with monkeypatch.context() as patch:
            patch.setattr(Store, "checkpoint", lambda _: before)  # read a moment too early
            one.witnessing._add(text, cosign(text, "node2", KeyPair(node_seed("node2", "witness")), 1))
        assert one.node.store.checkpoint() == after


async def test_a_checkpoint_signed_meanwhile_makes_a_cosignature_too_late_and_that_is_all(town: Town) -> None:
    script = Script(town.clock)
    async with outside(town, script) as one:
        await until(lambda: has_outside(one))
        text, size = one.served().note.text, one.served().checkpoint.size
        line = cosign(text, OUTSIDE.name, KeyPair(seed_of("outside")), 1)
        await one.says(town.town, 1)
        one.witnessing._add(text, line)
        assert one.served().checkpoint.size == size + 1
        await until(lambda: has_outside(one))


async def test_a_database_that_cannot_be_read_stops_no_node(
    town: Town, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever looks after the disk is told; witnessing goes on by itself."""
    read = Store.checkpoint
    broken = True

    def checkpoint(self: Store) -> tuple[int, str] | None:
        if broken:
            raise StorageError("disk_error", "the disk does not answer.")
        return read(self)

    async with town.up("node2"), town.up("node1") as one:
        monkeypatch.setattr(Store, "checkpoint", checkpoint)
        await until(lambda: "checkpoint not read" in caplog.text)
        broken = False
        await until(lambda: one.cosigners() == {"node2"})


def signed_fork(tree: Tree, size: int) -> bytes:
    """A checkpoint of another tree, signed with node1's log key."""
    return sign_note(tree.text(size), "node1", KeyPair(node_seed("node1", "log")))


async def test_a_fault_in_an_exchange_with_a_witness_ends_only_that(
    town: Town, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(faults, "_logged", {})
    obtain, odd = Witnessing._obtain, [KeyError("odd"), KeyError("odd")]

    async def obtains(witnessing: Witnessing, witness: Witness) -> int:
        if odd:
            raise odd.pop()
        return await obtain(witnessing, witness)

    monkeypatch.setattr(Witnessing, "_obtain", obtains)
    async with town.up("node1") as one, town.up("node2"):
        await until(lambda: one.cosigners() == {"node2"})
    assert not odd
    assert caplog.messages.count("an exchange with a witness was given up") == 1
