"""What another process reads of a running node: never behind a commit, never of two, and the same as the node's."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from accredit.governance.records.encoded_records import Picked
from accredit.node.engine.quorum_state import KeptNote, Part
from accredit.node.http.handling.deciding import TurnRecords, read_ahead
from accredit.node.storage.sqlite import connect_writer
from accredit.node.storage.state_store import NotedStore, forget_note
from accredit.node.workers import committed_view
from accredit.node.workers.committed_view import CommittedView
from accredit.registry.decision.decide import Query, Sitting, Verdict, decide
from accredit.registry.domain.records import FOLD_VERSION
from accredit.registry.errors import StorageError
from accredit.registry.statement import Statement, recall
from accredit.registry.transparency.state_note import StateNote
from tests.governance.test_law_of_the_fold import picture
from tests.strategies.bodies import event, grant, register
from tests.strategies.consortium import START, Consortium, fold_of
from tests.strategies.holdings import StoredKeeper, hear
from tests.strategies.network import A, B, founded
from tests.strategies.noted import cosigned, node_names
from tests.strategies.stored_log import tamper


def issuers(town: Consortium, first: int, stop: int) -> list[Statement]:
    before = len(town.said)
    for number in range(first, stop):
        issuer = f"did:web:i{number}.example"
        town.says(A, "issuer.register", register(issuer))
        given = town.says(B, "accreditation.grant", grant(issuer))
        if number % 3 == 0:
            town.says(B, "accreditation.status", event(given.id, "suspend"), issuer)
    return town.said[before:]


def test_it_is_the_fold_of_all_that_is_committed_whether_kept_or_only_logged(tmp_path: Path) -> None:
    town = founded("node1")
    keeper = StoredKeeper(tmp_path, town.eco)
    with CommittedView(keeper.path) as view:
        assert not len(view.fold)
        hear(keeper, town.said)
        assert picture(view.fold) == picture(fold_of(town.eco, town.said)), "nothing is kept yet"
        keeper.keep()
        assert picture(view.fold) == picture(keeper.fold)
        for step in range(4):
            hear(keeper, issuers(town, 5 * step, 5 * step + 5))
            assert picture(view.fold) == picture(fold_of(town.eco, town.said)), "logged since what is kept"
            if step % 2:
                keeper.keep()
                assert picture(view.fold) == picture(fold_of(town.eco, town.said)), "kept meanwhile"
    keeper.close()


def note(keeper: StoredKeeper) -> None:
    """As a node does when a quorum notes what it holds: all of it in one transaction."""
    part = Part(size=keeper.store.size())
    fold = keeper.fold
    state = StateNote(
        name="Example",
        ecosystem=fold.ecosystem,
        fold=FOLD_VERSION,
        count=fold.committed_count(),
        root=fold.state_root(),
    )
    changes = keeper.holdings.take(part)
    NotedStore(keeper.store).settle(
        kept=KeptNote(note=cosigned(state, START, node_names(3)), part=part),
        state=state,
        statements_root=fold.statements_root(),
        changed=Picked(dict(changes.records)),
        committed=changes.committed,
        also=changes.write_rows,
    )
    keeper.holdings.written()
    fold.renew(keeper.holdings)


@contextmanager
def records_asked(view: CommittedView) -> Iterator[list[str]]:
    """The queries for records that SQLite is asked meanwhile."""
    asked: list[str] = []
    connection = view.reader.connection
    connection.set_trace_callback(lambda sql: asked.append(sql) if "FROM noted_records WHERE" in sql else None)
    yield asked
    connection.set_trace_callback(None)


def test_a_record_that_a_note_changed_is_read_anew_and_all_others_stay_in_memory(tmp_path: Path) -> None:
    town = founded("node1")
    keeper = StoredKeeper(tmp_path, town.eco)
    hear(keeper, [*town.said, *issuers(town, 0, 9)])
    note(keeper)
    with CommittedView(keeper.path) as view:
        assert picture(view.fold) == picture(keeper.fold)
        grants = [each for each in town.said if each.kind == "accreditation.grant"]
        read = {each.id.hex(): view.fold.get("accreditation", each.id.hex()) for each in grants}
        hear(keeper, [town.says(B, "accreditation.status", event(grants[1].id, "suspend"), grants[1].sub)])
        note(keeper)
        with records_asked(view) as asked:
            again = {id: view.fold.get("accreditation", id) for id in read}
        assert len(asked) == 1
        assert [id for id in read if read[id] != again[id]] == [grants[1].id.hex()]
        assert picture(view.fold) == picture(keeper.fold)
        with records_asked(view) as asked:
            note(keeper)  # of the same state
            view.renew()
            assert view.fold.get("accreditation", grants[1].id.hex()) == again[grants[1].id.hex()]
        assert not asked
    keeper.close()


def test_what_is_kept_without_a_note_or_under_a_damaged_one_is_read_anew_as_a_whole(tmp_path: Path) -> None:
    town = founded("node1")
    keeper = StoredKeeper(tmp_path, town.eco)
    hear(keeper, [*town.said, *issuers(town, 0, 3)])
    note(keeper)
    with CommittedView(keeper.path) as view:
        assert picture(view.fold) == picture(keeper.fold)
        for keep in (keeper.keep, partial(note, keeper)):
            grant = next(each for each in reversed(town.said) if each.kind == "accreditation.grant")
            hear(keeper, [town.says(B, "accreditation.status", event(grant.id, "suspend"), grant.sub)])
            keeper.store.write(forget_note)
            keep()
            assert picture(view.fold) == picture(keeper.fold)
            hear(keeper, issuers(town, 10 + len(town.said), 11 + len(town.said)))
        note(keeper)
        keeper.store.write(lambda connection: connection.execute("UPDATE noted SET records_root = x'00'").close())
        assert picture(view.fold) == picture(keeper.fold)
    keeper.close()


def test_a_turn_of_questions_reads_its_records_with_two_queries_and_decides_as_one_alone(tmp_path: Path) -> None:
    town = founded("node1")
    keeper = StoredKeeper(tmp_path, town.eco)
    hear(keeper, [*town.said, *issuers(town, 0, 40)])
    note(keeper)
    asked_about = [*range(50), *range(5)]
    queries = [
        Query(entity=f"did:web:i{number}.example", authority=town.id, achievement_types=("Degree",))
        for number in asked_about
    ]
    with CommittedView(keeper.path) as view, CommittedView(keeper.path) as other:
        with records_asked(view) as asked:
            records = TurnRecords(view.fold)
            read_ahead(queries, records)
            sitting = Sitting(records, START, ecosystem_id=town.id)
            decided = [sitting.decide(query) for query in queries]
        assert len([sql for sql in asked if " IN (" in sql]) == 2
        suspended = {decision.issuer for decision in decided if decision.verdict is Verdict.SUSPENDED}
        most = 2 + len(suspended) + 4  # and the charter, authorities, and whether one that is suspended is an alias
        assert len(asked) <= most
        assert decided == [decide(query, other.fold, START, ecosystem_id=town.id) for query in queries]
        assert {decision.verdict for decision in decided} >= {Verdict.UNKNOWN_ISSUER, Verdict.SUSPENDED}
    keeper.close()


def test_where_nothing_is_kept_yet_a_commit_costs_what_it_brings_and_not_the_whole_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a quorum nothing is ever kept, and each commit kept a worker from enforcing it for as long as a fold."""
    town = founded("node1")
    keeper = StoredKeeper(tmp_path, town.eco)
    read: list[bytes] = []

    def reading(raw: bytes) -> Statement:
        read.append(raw)
        return recall(raw)

    monkeypatch.setattr(committed_view, "recall", reading)
    with CommittedView(keeper.path) as view:
        hear(keeper, town.said)
        assert picture(view.fold) == picture(fold_of(town.eco, town.said))
        for step in range(3):
            read.clear()
            hear(keeper, some := issuers(town, step, step + 1))
            assert picture(view.fold) == picture(fold_of(town.eco, town.said))
            assert read == [each.raw for each in some]
    keeper.close()


def test_what_the_newest_note_left_out_is_folded_all_the_same(tmp_path: Path) -> None:
    """A note is of a part of the log: some of what came before its end may not be in it."""
    town = founded("node1")
    keeper = StoredKeeper(tmp_path, town.eco)
    first, late = list(town.said), issuers(town, 0, 1)
    keeper.log([*first, *late])
    for statement in (*first, *late[1:]):
        keeper.fold.add(statement)
    keeper.fold.settle()
    size = len(first) + len(late)
    changes = keeper.holdings.take(Part(size=size, without=(len(first),)))
    keeper.store.write(changes.write)
    keeper.holdings.written()
    with CommittedView(keeper.path) as view:
        assert picture(view.fold) == picture(fold_of(town.eco, town.said))
    keeper.close()


def test_a_suspension_is_seen_with_the_next_question(tmp_path: Path) -> None:
    town = founded("node1")
    given = town.says(A, "accreditation.grant", grant("did:web:i.example"))
    keeper = StoredKeeper(tmp_path, town.eco)
    hear(keeper, town.said)
    keeper.keep()
    with CommittedView(keeper.path) as view:
        before = view.fold.get("accreditation", given.id.hex())
        assert before is not None
        keeper.log([town.says(A, "accreditation.status", event(given.id, "suspend"), "did:web:i.example")])
        after = view.fold.get("accreditation", given.id.hex())
        assert after != before
    keeper.close()


def test_all_that_is_read_between_two_looks_is_of_one_commit(tmp_path: Path) -> None:
    town = founded("node1")
    keeper = StoredKeeper(tmp_path, town.eco)
    hear(keeper, town.said)
    keeper.keep()
    with CommittedView(keeper.path) as view:
        fold, size = view.fold, view.reader.size()
        hear(keeper, issuers(town, 0, 3))
        keeper.keep()
        assert view.reader.size() == size
        assert fold.get("issuer", "did:web:i0.example") is None
        view.follow()
        assert view.reader.size() == len(town.said)
        assert view.fold.get("issuer", "did:web:i0.example") is not None
    keeper.close()


def test_a_reader_that_looks_now_and_then_lets_the_log_of_writes_be_taken_up(tmp_path: Path) -> None:
    town = founded("node1")
    keeper = StoredKeeper(tmp_path, town.eco)
    hear(keeper, town.said)
    with CommittedView(keeper.path) as view:
        view.follow()
        hear(keeper, issuers(town, 0, 3))
        view.follow()
        keeper.close()
        writer = connect_writer(keeper.path)
        is_busy, in_log, taken_up = writer.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
        writer.close()
        assert (is_busy, in_log) == (0, taken_up)


def test_a_log_of_writes_that_has_grown_is_taken_up_although_somebody_always_reads(tmp_path: Path) -> None:
    town = founded("node1")
    keeper = StoredKeeper(tmp_path, town.eco)
    hear(keeper, town.said)
    log = keeper.path.with_name(keeper.path.name + "-wal")
    with CommittedView(keeper.path) as view:
        view.follow()
        hear(keeper, issuers(town, 0, 3))
        assert log.stat().st_size
        done: list[bool] = []
        taking = threading.Thread(target=lambda: done.append(keeper.store.take_up(most=0)))
        taking.start()
        while taking.is_alive():
            view.renew()
            taking.join(0.01)
        assert done == [True]
        assert not log.stat().st_size
        assert picture(view.fold) == picture(fold_of(town.eco, town.said))
        assert not keeper.store.take_up(), "it is short now"
    keeper.close()


def test_a_database_that_cannot_be_read_is_an_error_now_and_is_looked_at_again(tmp_path: Path) -> None:
    town = founded("node1")
    keeper = StoredKeeper(tmp_path, town.eco)
    hear(keeper, town.said)
    keeper.keep()
    keeper.close()
    tamper(keeper.path, "UPDATE fold_mark SET mark = x'80'")
    with CommittedView(keeper.path) as view:
        for _ in range(2):
            with pytest.raises(StorageError, match="mark"):
                view.follow()
        tamper(keeper.path, "DELETE FROM fold_mark")
        assert picture(view.fold) == picture(fold_of(town.eco, town.said))
