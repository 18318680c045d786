"""What a fold holds, kept in a database: it is what one in memory comes to, whenever it was written and read again."""

import random
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.governance.fold import FACTS, Fold
from accredit.node.engine.quorum_state import Part
from accredit.node.storage import fold_store
from accredit.node.storage.audit import audit_fold
from accredit.node.storage.fold_store import StoredHoldings
from accredit.node.storage.fold_tables import TABLES, table_of
from accredit.node.storage.fold_writes import FoldMark, clear, make_maps
from accredit.node.storage.log_reader import Reader
from accredit.node.storage.log_store import Store
from accredit.registry.domain.records import FOLD_VERSION
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.errors import StorageError
from accredit.registry.statement import Draft, Statement, decode, encode_signed, recall
from tests.governance.test_law_of_the_fold import picture
from tests.strategies.bodies import event, grant, register
from tests.strategies.consortium import Consortium, fold_of
from tests.strategies.histories import History, histories
from tests.strategies.holdings import KEEPERS, StoredKeeper, hear
from tests.strategies.network import A, B, founded
from tests.strategies.searching import examples
from tests.strategies.served import served
from tests.strategies.stored_log import start_child, tamper

STEPS = st.lists(
    st.tuples(st.integers(1, 6), st.sampled_from(["go on", "keep", "fail", "reopen", "over"])), max_size=12
)


@pytest.mark.parametrize("where", KEEPERS)
def test_a_fold_comes_to_the_same_wherever_and_whenever_it_is_kept(
    tmp_path_factory: pytest.TempPathFactory, where: str
) -> None:
    folder = tmp_path_factory.mktemp("folds")

    @examples(10)
    @given(histories(), STEPS)
    def check(history: History, steps: list[tuple[int, str]]) -> None:
        eco, said = history
        said = list({each.id: each for each in said}.values())
        keeper, done = KEEPERS[where](folder, eco), 0
        for count, then in [*steps, (len(said), "keep"), (1, "reopen")]:
            some = said[done : done + count]
            if some:
                keeper.log(some)
            done += len(some)
            grown = keeper.fold.branch() if then == "over" else keeper.fold
            for statement in some:
                grown.add(statement)
            grown.settle()
            if then == "over":
                keeper.fold.absorb(grown)
            match then:
                case "keep":
                    keeper.keep()
                case "fail":
                    keeper.fail()
                case "reopen":
                    keeper.reopen()
                case _:
                    pass
        assert picture(keeper.fold) == picture(fold_of(eco, said))
        branch = keeper.fold.branch()
        assert picture(branch) == picture(fold_of(eco, said))
        keeper.close()

    check()


FOLD_FOR_EVER = """
from itertools import count
from accredit.registry.domain.records import FOLD_VERSION
from tests.strategies.bodies import event, grant, register
from tests.strategies.holdings import StoredKeeper, hear
from tests.strategies.network import A, B, founded
town = founded("node1")
keeper = StoredKeeper(path, town.eco)
done = 0
print("open", flush=True)
for number in count():
    issuer = f"did:web:i{number}.example"
    town.says(A, "issuer.register", register(issuer))
    given = town.says(B, "accreditation.grant", grant(issuer))
    town.says(B, "accreditation.status", event(given.id, "suspend"), issuer)
    said, done = town.said[done:], len(town.said)
    hear(keeper, said)
    keeper.keep()
    print(done, flush=True)
"""


def test_killed_between_any_two_writes_it_goes_on_from_what_the_log_leads_to(tmp_path: Path) -> None:
    choice = random.Random(17)
    for lines in (1, 3, 8):
        child = start_child(FOLD_FOR_EVER, tmp_path)
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        acknowledged = [int(child.stdout.readline()) for _ in range(lines)][-1]
        time.sleep(choice.random() * 0.02)
        child.kill()
        child.communicate()
        path = max(tmp_path.glob("fold*.sqlite"))
        town = founded("node1")
        with Store.open(path, ecosystem=town.eco, origin="node1") as store:
            said = [recall(raw) for raw in store.entries(0, store.size())]
            holdings = StoredHoldings(store.companion(), FOLD_VERSION)
            assert holdings.resume()
            holdings.check()
            part = holdings.mark.part
            assert acknowledged <= part.size <= len(said)
            stored = Fold(town.eco, holdings)
            assert picture(stored) == picture(fold_of(town.eco, said[: part.size]))
            assert audit_fold(store, fold_of(town.eco, said), [each.id for each in said]) == part.size


def take_up(store: Store) -> None:
    """As a start does."""
    holdings = StoredHoldings(store.companion(), FOLD_VERSION)
    assert holdings.resume()
    holdings.check()


def test_a_fact_that_the_log_does_not_lead_to_is_found_by_an_audit(tmp_path: Path) -> None:
    town = founded("node1")
    keeper = StoredKeeper(tmp_path, town.eco)
    hear(keeper, town.said)
    opened = next(fact for fact in FACTS if fact.name == "open")
    keeper.holdings.facts(opened)[town.said[-1].id] = None
    keeper.keep()
    take_up(keeper.store)
    with pytest.raises(StorageError, match="entries of open"):
        audit_fold(keeper.store, town.fold(), [each.id for each in town.said])
    keeper.close()


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("UPDATE fold_statement SET facts = x'a0' WHERE key = 1", "fold_statement"),
        ("UPDATE fold_key SET digest = zeroblob(8)", "fold_key"),
        ("UPDATE fold_subject SET key = key || 'x'", "fold_subject"),
        ("DELETE FROM fold_by_number", "number of facts does not match"),
        ("DELETE FROM fold_statement WHERE key = 1", "number of facts does not match"),
        ("UPDATE fold_mark SET mark = x'80'", "mark"),
    ],
)
def test_what_has_decayed_is_named(tmp_path: Path, sql: str, names: str) -> None:
    town = founded("node1")
    keeper = StoredKeeper(tmp_path, town.eco)
    town.says(A, "issuer.register", register())
    hear(keeper, town.said)
    keeper.keep()
    keeper.close()
    tamper(keeper.path, sql)
    with Store.open(keeper.path, ecosystem=town.eco, origin="node1") as store:
        with pytest.raises(StorageError) as damaged:
            take_up(store)
        assert damaged.value.code == "fold_damaged"
        assert names in damaged.value.message
        assert damaged.value.hint


def test_what_another_version_folded_is_of_no_use(tmp_path: Path) -> None:
    town = founded("node1")
    keeper = StoredKeeper(tmp_path, town.eco)
    hear(keeper, town.said)
    keeper.keep()
    assert not StoredHoldings(keeper.store.companion(), FOLD_VERSION + 1).resume()
    assert StoredHoldings(keeper.store.companion(), FOLD_VERSION).resume()
    keeper.store.write(clear)
    assert not StoredHoldings(keeper.store.companion(), FOLD_VERSION).resume()
    keeper.close()


def test_maps_left_alone_are_made_at_the_end(tmp_path: Path) -> None:
    town = founded("node1")
    for number in range(60):
        town.says(A, "issuer.register", register(f"did:web:i{number}.example"))
    keeper = StoredKeeper(tmp_path, town.eco)
    keeper.log(town.said)
    for start in range(0, len(town.said), 20):
        for statement in town.said[start : start + 20]:
            keeper.fold.add(statement)
        keeper.fold.settle()
        changes = keeper.holdings.take(Part(size=min(start + 20, len(town.said))), has_maps=False)
        keeper.store.write(changes.write)
        keeper.holdings.written()
        keeper.fold.renew(keeper.holdings, is_same=False)
    mark = keeper.holdings.mark
    assert not mark.has_maps
    assert FoldMark.decode(mark.encode()) == mark
    keeper.store.write(lambda connection: make_maps(connection, mark))
    keeper.reopen()
    assert keeper.holdings.mark.has_maps
    assert picture(keeper.fold) == picture(town.fold())
    keeper.close()


def test_what_statements_change_is_read_ahead_whether_or_not_anybody_has_checked_them(tmp_path: Path) -> None:
    town = founded("node1")
    issuer = "did:web:i.example"
    town.says(A, "issuer.register", register(issuer))
    granted = town.says(B, "accreditation.grant", grant(issuer))
    keeper = StoredKeeper(tmp_path, town.eco)
    hear(keeper, town.said)
    keeper.keep()
    keeper.reopen()
    ended = decode(town.says(B, "accreditation.status", event(granted.id, "suspend"), issuer).raw)
    nothing_of_the_kind = decode(_said_badly(town, "accreditation.status", {"accreditation": 7}, issuer))
    unknown = decode(_said_badly(town, "accreditation.praise", {}, issuer))
    keeper.holdings.look_ahead([nothing_of_the_kind, unknown])
    assert keeper.holdings.record_rows.known(("issuer", issuer)) is None
    keeper.holdings.look_ahead([ended])
    for subject in (("accreditation", granted.id.hex()), ("issuer", issuer)):
        assert keeper.holdings.record_rows.known(subject) == keeper.fold.raw(*subject)
        assert keeper.holdings.rows("subject").known(subject)
    keeper.close()


def test_a_table_without_facts_is_not_asked_until_it_has_some(tmp_path: Path) -> None:
    town = founded("node1")
    said = town.says(A, "issuer.register", register("did:web:i.example"))
    keeper = StoredKeeper(tmp_path, town.eco)

    def keep(*statements: Statement) -> None:
        hear(keeper, statements)
        keeper.keep()
        keeper.reopen()

    keep(*town.said)
    assert keeper.holdings.rows("id_annulments").is_empty
    assert not keeper.holdings.rows("statement").is_empty
    keep(town.says(A, "statement.annul", {"target": said.id, "reason_code": "error"}, said.id.hex()))
    assert not keeper.holdings.rows("id_annulments").is_empty
    assert picture(keeper.fold) == picture(town.fold())
    keeper.holdings.forget()
    assert keeper.holdings.rows("statement").is_empty
    keeper.close()


def _said_badly(town: Consortium, kind: str, body: dict[str, Any], sub: str) -> bytes:
    """A statement signed by somebody, of no kind's shape."""
    pen = town.pen(f"{A}#1")
    draft = Draft(iss=A, sub=sub, iat=1, eco=town.eco, kind=kind, seq=pen.seq, prev=pen.prev, body=body)
    return encode_signed(draft, KeyPair(pen.seed))


def test_every_fact_has_its_table() -> None:
    assert {table_of(fact) for fact in FACTS} < set(TABLES)
    names = [(fact.about, fact.name) for fact in FACTS]
    assert len(set(names)) == len(names)


def test_a_fact_that_nothing_has_is_not_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    town = founded("node1")
    said = town.says(A, "issuer.register", register("did:web:i.example"))
    keeper = StoredKeeper(tmp_path, town.eco)
    keeper.log(town.said)
    for statement in town.said:
        keeper.fold.add(statement)
    keeper.fold.settle()
    keeper.keep()
    keeper.reopen()
    left_out, statements = (
        keeper.holdings.facts(next(fact for fact in FACTS if fact.name == name)) for name in ("left_out", "statements")
    )
    asked: list[str] = []
    ask = keeper.holdings.reader.ask

    def heard(sql: str, *values: object) -> list[Any]:
        asked.append(sql)
        return ask(sql, *values)

    monkeypatch.setattr(keeper.holdings.reader, "ask", heard)
    issuer = "issuer", "did:web:i.example"
    assert issuer not in left_out
    assert left_out.get(issuer) is None
    assert left_out.pop(issuer, ()) == ()
    assert not asked
    assert statements.get(issuer) == (said.id,)
    assert asked
    left_out[issuer] = ((said.kid, 1, 1),)
    assert left_out[issuer] == ((said.kid, 1, 1),)
    del left_out[issuer]
    assert issuer not in left_out
    with pytest.raises(KeyError):
        del left_out[issuer]
    with pytest.raises(KeyError):
        left_out[issuer]
    keeper.close()


def test_what_was_appended_just_now_is_fed_and_kept_without_being_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look-up by id reads a page anywhere in the index, and a long log does so for each statement."""
    town = founded("node1")
    keeper = StoredKeeper(tmp_path, town.eco)
    keeper.log(town.said)
    for statement in town.said:
        keeper.fold.add(statement)
    keeper.fold.settle()
    keeper.holdings.logged([each.id for each in town.said], 0)
    monkeypatch.setattr(keeper.holdings.reader, "numbers", lambda _: pytest.fail("nobody has to look"))
    keeper.keep()
    keeper.reopen()
    assert picture(keeper.fold) == picture(town.fold())
    keeper.close()


def test_ids_are_listed_in_parts_and_those_of_few_records_by_their_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two authorities were looked for among all records, 15 ms among 40,000, whenever anybody asked for the list."""
    node = served(tmp_path)
    monkeypatch.setattr(fold_store, "_LISTED", 2)
    asked, ask = list[str](), Reader.ask

    def noted(reader: Reader, sql: str, *parameters: object) -> list[Any]:
        asked.append(sql)
        return ask(reader, sql, *parameters)

    monkeypatch.setattr(Reader, "ask", noted)
    types = {type for (type, _), _ in node.fold.items()}
    for type in sorted(types):
        asked.clear()
        listed = [id for part in node.fold.ids_in_parts(type) for id in part]
        assert sorted(listed) == [id for (_, id), _ in node.fold.items(type)]
        plans = [str(row) for row in ask(node.store, f"EXPLAIN QUERY PLAN {asked[0]}", *[0] * asked[0].count("?"))]
        assert not any("SCAN" in plan for plan in plans), (type, plans)
    assert types >= {"issuer", "authority", "accreditation", "framework"}
