"""The noted state on disk: one state at a time, whole, and never served or signed over where it does not fit."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.node.engine import quorum_state as noted_module
from accredit.node.engine.quorum_state import KEPT_NOTE, MemoryNotedMap
from accredit.node.storage.fold_tables import TABLES
from accredit.node.storage.fold_writes import clear
from accredit.node.storage.log_store import Store, open_reader
from accredit.node.storage.state_store import NotedStore, StoredNoted
from accredit.registry.domain.records import record_digest, record_key
from accredit.registry.encoding.cbor import encode
from accredit.registry.errors import StorageError
from accredit.registry.transparency.state_trie import check_proof
from tests.strategies.noted_states import START, Step, Story, issuers, said
from tests.strategies.searching import examples
from tests.strategies.stored_log import (
    limit_pages,
    open_store,
    page_count,
    run_child,
    start_child,
    tamper,
)

SUBJECTS = [("issuer", "a"), ("issuer", "b"), ("authority", "a"), ("charter", "c"), ("node", "n")]
HISTORY = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from(SUBJECTS), st.none() | st.integers(0, 3), max_size=4),
        st.sampled_from(["go on", "again", "restart"]),
    ),
    min_size=1,
    max_size=8,
)


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with open_store(path) as opened:
        yield opened


def check_same(held: StoredNoted, story: Story, step: Step) -> None:
    """That it says of every record what the story says, and proves it."""
    with held.reading():
        assert (held.note, held.state) == (step.kept.note, step.state)
        assert (held.statements_root, held.records_root()) == (step.statements_root, story.records_root())
        assert dict(held.items()) == story.records
        assert dict(held.raws()) == {subject: encode(record) for subject, record in story.records.items()}
        for subject in (*story.records, ("issuer", "nobody")):
            record = story.records.get(subject)
            assert held.get(*subject) == record
            proved = check_proof(held.records_root(), record_key(*subject), held.prove(*subject))
            assert proved == (None if record is None else record_digest(record))
        assert held.governing() == sorted(each for each in story.records if each[0] in ("authority", "charter"))
        for id in (*story.statements, said(0)):
            proved = check_proof(held.statements_root, id, held.statements.prove(id))
            assert proved == (id if id in story.statements else None)
        held.check(story.records)


@given(history=HISTORY)
@examples(15)
def test_states_follow_one_another_and_deltas_outlive_restarts(
    tmp_path_factory: pytest.TempPathFactory, history: list[Any]
) -> None:
    path, story = tmp_path_factory.mktemp("noted") / "node.sqlite", Story()
    store = open_store(path)
    noted = NotedStore(store)
    assert (noted.note, noted.state, noted.changed_since(bytes(32))) == (None, None, None)
    for values, then in history:
        step = story.step({subject: None if n is None else {"n": n} for subject, n in values.items()})
        noted.settle(**step.given())
        if then == "again":
            step = story.again(time=START + 60)
            noted.settle(**step.given())
        elif then == "restart":
            store.close()
            store = open_store(path)
            noted = NotedStore(store)
            noted.check(story.records)
        check_same(noted, story, step)
    for root, records, records_root in story.past:
        found = noted.changed_since(root)
        assert found is not None
        assert found[0] == records_root
        for subject in found[1]:
            records.pop(subject, None)
            if (record := noted.get(*subject)) is not None:
                records[subject] = record
        assert records == story.records
    assert noted.changed_since(b"\xff" * 32) is None
    store.close()


def test_the_past_is_forgotten_where_a_delta_would_be_no_smaller(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noted_module, "PAST_SUBJECTS", 5)
    noted, story = NotedStore(store), Story()
    for n in range(5):
        noted.settle(**story.step(issuers(2 * n, 2 * n + 1)).given())
    roots = [root for root, _, _ in story.past]
    assert [noted.changed_since(root) is not None for root in roots] == [False, False, True, True, True]
    monkeypatch.setattr(noted_module, "PAST_STATES", 1)
    noted.settle(**story.step({}).given())
    assert [noted.changed_since(root) is not None for root in roots] == [False, False, False, False, True]
    noted.check(story.records)


def test_records_are_found_by_the_beginning_of_their_keys(store: Store) -> None:
    noted, story = NotedStore(store), Story()
    step = story.step({**issuers(*range(300)), ("authority", "x"): {"n": 1}}).given()
    noted.settle(**step)
    low, high = bytes.fromhex("a" + "0" * 63), bytes.fromhex("b" + "f" * 63)
    keyed = sorted((record_key(*subject), subject) for subject in story.records)
    expected = [subject for key, subject in keyed if low <= key <= high]
    assert noted.between(low, high, most=1_000) == expected
    assert noted.between(low, high, most=3) == expected[:3]
    assert noted.between(high, low, most=3) == []
    in_memory = MemoryNotedMap()
    in_memory.settle(**step)
    assert in_memory.between(low, high, most=3) == expected[:3]
    assert dict(in_memory.raws()) == dict(noted.raws())


# ------------------------------------------------------------------------------------------------------- one moment


def test_readers_see_note_records_and_proofs_of_one_state_while_others_follow(path: Path) -> None:
    """A reader of another connection, as a query worker has, checks what it is given against the note it is given."""
    story, steps, wrong, stop = Story(), [], list[str](), threading.Event()
    steps = [story.step(issuers(*range(n, n + 20), word=f"w{n}")) for n in range(30)]

    def read() -> None:
        with open_reader(path) as reader:
            held, seen = StoredNoted(reader), 0
            while not stop.is_set() or not seen:
                with held.reading():
                    state = held.state
                    if state is None:
                        continue
                    seen += 1
                    for n in range(0, 50, 7):
                        subject = ("issuer", f"did:web:i{n}.example")
                        record = held.get(*subject)
                        root = held.records_root()
                        proved = check_proof(root, record_key(*subject), held.prove(*subject))
                        if proved != (None if record is None else record_digest(record)):
                            wrong.append(f"{subject} at {state.count}")
                    for id in (said(20 * state.count), said(20 * state.count + 19)):
                        if check_proof(held.statements_root, id, held.statements.prove(id)) != id:
                            wrong.append(f"{id.hex()} at {state.count}")

    with open_store(path) as store:
        noted = NotedStore(store)
        threads = [threading.Thread(target=read) for _ in range(2)]
        for thread in threads:
            thread.start()
        for step in steps:
            noted.settle(**step.given())
        stop.set()
        for thread in threads:
            thread.join()
    assert not wrong


def test_long_work_goes_on_apart_from_what_is_noted_meanwhile(store: Store) -> None:
    noted, story = NotedStore(store), Story()
    noted.settle(**story.step(issuers(*range(50))).given())
    before = dict(story.records)
    with noted.apart() as held:
        root = held.records_root()
        rows = held.items()
        first = next(rows)
        noted.settle(**story.step({**dict.fromkeys(issuers(*range(40))), **issuers(77)}).given())
        assert dict([first, *rows]) == before
        assert held.records_root() == root
    assert dict(noted.items()) == story.records


# ------------------------------------------------------------------------------------------------ crashes and room


SETTLE_FOR_EVER = """
from accredit.node.storage.fold_writes import clear
from accredit.node.storage.state_store import NotedStore
from tests.strategies.noted_states import Story, issuers
with open_store(path) as store:
    noted, story = NotedStore(store), Story()
    store.write(clear)
    print("open", flush=True)
    while True:
        n = story.count
        step = story.step({**issuers(*range(n, n + 40)), **dict.fromkeys(issuers(*range(n - 9, n - 5)))})
        noted.settle(**step.given())
        print(story.count, flush=True)
"""


def retold(count: int) -> Story:
    """The story of the process above, up to its state number `count`."""
    story = Story()
    for n in range(count):
        story.step({**issuers(*range(n, n + 40)), **dict.fromkeys(issuers(*range(n - 9, n - 5)))})
    return story


def test_killed_at_any_moment_it_holds_one_whole_state(path: Path) -> None:
    for lines in (1, 2, 5, 9):
        child = start_child(SETTLE_FOR_EVER, path)
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        acknowledged = [int(child.stdout.readline()) for _ in range(lines)][-1]
        child.kill()
        child.communicate()
        with open_store(path) as store:
            noted = NotedStore(store)
            state = noted.state
            assert state is not None
            assert state.count >= acknowledged
            story = retold(state.count)
            check_same(noted, story, story.again())
            noted.check(story.records)
            assert noted.changed_since(story.past[0][0]) is not None


def test_on_a_full_disk_the_state_before_stays_whole_and_the_next_one_takes_its_changes_along(store: Store) -> None:
    noted, story = NotedStore(store), Story()
    first = story.step(issuers(*range(30)))
    noted.settle(**first.given())
    before = Story(records=dict(story.records), count=story.count, statements=dict(story.statements))
    pages = page_count(store)
    limit_pages(store, pages + 3)
    second = story.step(issuers(*range(1_000, 1_900)))
    with pytest.raises(StorageError) as full:
        noted.settle(**second.given())
    assert full.value.code == "disk_full"
    check_same(noted, before, first)
    limit_pages(store, 1000000)
    third = story.step({("issuer", "a"): {"n": 1}})
    both = {name: {**getattr(second, name), **getattr(third, name)} for name in ("changed", "committed")}
    noted.settle(**{**third.given(), **both})
    check_same(noted, story, third)
    found = noted.changed_since(first.state.root)
    assert found is not None
    assert len(found[1]) == 901


FILL_UP = """
import resource
from accredit.node.storage.state_store import NotedStore
from tests.strategies.noted_states import Story, issuers
with open_store(path) as store:
    noted, story = NotedStore(store), Story()
    noted.settle(**story.step(issuers(*range(10))).given())
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
    kept = dict(story.records)
    step = story.step(issuers(*range(5_000)))
    try:
        noted.settle(**step.given())
    except StorageError as error:
        print(error.code, noted.state.count, flush=True)
    noted.check(kept)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    noted.settle(**step.given())
    noted.check(story.records)
    print("went on", noted.state.count, flush=True)
"""


def test_when_the_operating_system_refuses_to_write_nothing_of_the_state_is_there(path: Path) -> None:
    assert run_child(FILL_UP, path).splitlines() == ["disk_full 1", "went on 2"]


def test_a_batch_that_leads_to_another_root_than_the_note_is_not_stored(store: Store) -> None:
    noted, story = NotedStore(store), Story()
    first = story.step(issuers(*range(30)))
    noted.settle(**first.given())
    step = story.step(issuers(40, 41))
    with pytest.raises(StorageError, match="lead to") as refused:
        noted.settle(**{**step.given(), "changed": issuers(40)})
    assert refused.value.code == "state_damaged"
    assert refused.value.hint
    assert noted.state == first.state
    with pytest.raises(StorageError, match="its statements have the root") as refused:
        noted.settle(**{**step.given(), "committed": dict(list(step.committed.items())[1:])})
    assert refused.value.code == "state_damaged"
    assert noted.state == first.state
    noted.settle(**step.given())
    check_same(noted, story, step)


# ----------------------------------------------------------------------------------------------------------- damage


def at_start(path: Path, story: Story) -> str | None:
    """What a node that starts on this database finds wrong with it; where it is nothing, it holds the story's state."""
    with open_store(path) as store:
        noted, last = NotedStore(store), story.again()
        try:
            noted.check()
            if noted.state != last.state:
                return "not the one that stood"
        except StorageError as error:
            return error.message
        check_same(noted, story, last)
    return None


@pytest.fixture
def told(path: Path) -> Story:
    """Three states, stored and closed."""
    story = Story()
    with open_store(path) as store:
        noted = NotedStore(store)
        noted.settle(**story.step({**issuers(*range(60)), ("authority", "a"): {"n": 1}}).given())
        noted.settle(**story.step(issuers(3, 4, word="was")).given())
        noted.settle(**story.step({("issuer", "did:web:i5.example"): None}).given())
    return story


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("DELETE FROM noted", "past states, up to"),
        ("UPDATE noted SET records_root = zeroblob(32)", "do not lead to"),
        ("UPDATE noted SET statements_root = zeroblob(32)", "do not lead to"),
        ("UPDATE noted SET statements_root = 7", "malformed"),
        ("UPDATE noted SET past = 1", "past states, up to"),
        ("UPDATE noted_records SET raw = x'a1' WHERE number = 7", "not match its bytes"),
        ("UPDATE noted_records SET raw = 'text' WHERE number = 7", "not match its bytes"),
        ("UPDATE noted_records SET id = 'x' WHERE number = 7", "record of x"),
        ("UPDATE noted_records SET type = 'issuers' WHERE number = 7", "the issuers record"),
        ("UPDATE noted_records SET key = zeroblob(32) WHERE number = 7", "not match its bytes"),
        ("DELETE FROM noted_records WHERE number = 7", "records and"),
        ("DELETE FROM records_leaves WHERE key = (SELECT key FROM noted_records WHERE number = 7)", "key or the leaf"),
        (
            "UPDATE records_leaves SET value = zeroblob(32) WHERE key = (SELECT max(key) FROM records_leaves)",
            "key or the leaf",
        ),
        ("INSERT INTO records_leaves VALUES (zeroblob(32), zeroblob(32))", "62 leaves|61 leaves"),
        ("DELETE FROM records_pages WHERE path = ''", "the page ''"),
        ("UPDATE records_pages SET slots = zeroblob(576) WHERE path = ''", "the page ''"),
        ("DELETE FROM statements_leaves WHERE key = (SELECT max(key) FROM statements_leaves)", "the page"),
        ("DELETE FROM statements_leaves", "pages without leaves"),
        ("DELETE FROM statements_pages WHERE path = ''", "the page ''"),
        ("UPDATE statements_pages SET slots = zeroblob(576) WHERE path = ''", "the page ''"),
        ("INSERT INTO statements_leaves VALUES (zeroblob(32), zeroblob(32))", "the page"),
        ("DELETE FROM noted_past WHERE seq = 2", "past states, up to"),
        ("DELETE FROM noted_past WHERE seq = 1", ""),
        ("UPDATE noted_past SET root = zeroblob(32) WHERE seq = 1", "past state 1"),
        ("UPDATE noted_past SET records_root = zeroblob(32) WHERE seq = 2", "past state 2"),
        ("UPDATE noted_past SET changed = x'80' WHERE seq = 2", "past state 2"),
        ("UPDATE noted_past SET subjects = 0 WHERE seq = 2", "past state 2"),
        ("UPDATE noted_past SET digest = zeroblob(32) WHERE seq = 2", "past state 2"),
        ("UPDATE kept SET value = zeroblob(9) WHERE name = 'state_note'", "state_note"),
        ("UPDATE kept SET digest = zeroblob(32) WHERE name = 'state_note'", "state_note"),
        ("DELETE FROM kept WHERE name = 'state_note'", "note is missing"),
    ],
)
def test_what_does_not_fit_is_named(path: Path, told: Story, sql: str, names: str) -> None:
    tamper(path, sql)
    reason = at_start(path, told)
    if not names:  # what is forgotten is never missed: a whole snapshot is the answer
        assert reason is None
        return
    assert reason is not None
    assert any(name in reason for name in names.split("|")), reason


def test_a_statement_put_in_or_taken_out_where_no_page_tells_is_found(path: Path) -> None:
    for sql in (
        "DELETE FROM statements_leaves WHERE key = (SELECT max(key) FROM statements_leaves)",
        "INSERT INTO statements_leaves VALUES (zeroblob(32), zeroblob(32))",
        "UPDATE statements_leaves SET value = zeroblob(32) WHERE key = (SELECT max(key) FROM statements_leaves)",
    ):
        story = Story()
        with open_store(path) as store:
            NotedStore(store).settle(**story.step(issuers(1), {said(1): True, said(2): True, said(3): True}).given())
        tamper(path, sql)
        reason = at_start(path, story)
        assert reason is not None
        assert "map over the statements" in reason
        path.unlink()


def test_a_database_from_before_the_second_map_gets_it_from_the_log(path: Path, told: Story) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in ("statements_leaves", "statements_pages", "fold_mark", *(f"fold_{name}" for name in TABLES)):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("DROP INDEX noted_records_nodes")
        connection.execute("PRAGMA user_version = 2")
    with open_store(path) as store:
        NotedStore(store).check()
        assert NotedStore(store).state is None, "nothing is served that has not been made with both maps"
    assert at_start(path, told) == "not the one that stood"


def test_a_sound_database_is_taken_up_as_it_is(path: Path, told: Story) -> None:
    before = path.read_bytes()
    assert at_start(path, told) is None
    with open_store(path) as store:
        assert NotedStore(store).changed_since(told.past[0][0]) is not None
    assert path.read_bytes() == before


def test_what_is_noted_of_another_moment_is_made_anew(path: Path, told: Story) -> None:
    told.step(issuers(100))
    reason = at_start(path, told)
    assert reason is not None
    assert "not the one that stood" in reason


def test_nothing_noted_is_nothing(path: Path, told: Story) -> None:
    with open_store(path) as store:
        noted = NotedStore(store)
        store.write(clear)
        assert (noted.note, noted.state, list(noted.items()), len(noted.trie)) == (None, None, [], 0)
        assert noted.changed_since(told.past[0][0]) is None
        assert noted.records_root() == noted.statements_root == bytes(32)
        noted.check()
        assert store.kept(KEPT_NOTE) is not None, "the note is the notary's to judge"


def test_a_node_that_runs_serves_no_note_that_does_not_fit_its_records(path: Path, told: Story) -> None:
    with open_store(path) as store:
        noted = NotedStore(store)
        assert noted.note is not None
        tamper(path, "UPDATE noted SET records_root = zeroblob(32)")
        for act in (
            lambda: noted.note,
            noted.records_root,
            lambda: noted.changed_since(bytes(32)),
            lambda: noted.settle(**told.step(issuers(1)).given()),
        ):
            with pytest.raises(StorageError) as damaged:
                act()
            assert damaged.value.code == "state_damaged"
    tamper(path, "UPDATE noted_records SET raw = x'ff'")
    with open_reader(path) as reader, pytest.raises(StorageError, match="CBOR"):
        StoredNoted(reader).get("authority", "a")


def test_nothing_of_the_records_stays_in_memory(store: Store) -> None:
    """What somebody else has changed is changed here."""
    noted, story = NotedStore(store), Story()
    noted.settle(**story.step(issuers(*range(10))).given())
    assert noted.get("issuer", "did:web:i3.example") is not None
    other = NotedStore(store)
    other.settle(**story.step({("issuer", "did:web:i3.example"): None}).given())
    assert noted.get("issuer", "did:web:i3.example") is None
