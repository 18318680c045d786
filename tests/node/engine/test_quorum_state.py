"""The noted state and how it is stored: every delta leads to it, and what is stored is read back or refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.node.engine import quorum_state as noted_module
from accredit.node.engine.quorum_state import KeptNote, MemoryNotedMap, Part
from accredit.registry.domain.records import record_digest, record_key
from accredit.registry.encoding.cbor import encode
from accredit.registry.errors import DecodeError
from accredit.registry.transparency.state_map import Trie
from accredit.registry.transparency.state_note import StateNote
from accredit.registry.transparency.state_trie import check_proof
from tests.strategies.noted import cosigned
from tests.strategies.noted_states import said

STATE = StateNote(name="Example", ecosystem=bytes(32), fold=1, count=7, root=bytes(range(32)))
NOTE = cosigned(STATE, 1_700_000_000, ["n0.example"])
HISTORY = st.lists(
    st.dictionaries(st.tuples(st.just("issuer"), st.sampled_from("abcde")), st.none() | st.integers(0, 3), max_size=4),
    min_size=1,
    max_size=8,
)


def step(noted: MemoryNotedMap, number: int, changed: dict[tuple[str, str], Any]) -> bytes:
    """One state more; its root."""
    root = number.to_bytes(32)
    state = StateNote(name="Example", ecosystem=bytes(32), fold=1, count=number, root=root)
    records = {subject: None if value is None else {"n": value} for subject, value in changed.items()}
    noted.settle(
        kept=KeptNote(note=NOTE, part=Part(size=number)),
        state=state,
        statements_root=bytes(32),
        changed=records,
        committed={said(number): True, said(number - 2): False},
    )
    return root


@given(steps=HISTORY)
def test_what_is_said_to_have_changed_leads_from_every_past_state_to_this_one(steps: list[Any]) -> None:
    noted, past = MemoryNotedMap(), []
    for number, changed in enumerate(steps, 1):
        root = step(noted, number, changed)
        past.append((root, dict(noted.items()), noted.trie.root()))

    leaves = [(record_key(*subject), record_digest(record)) for subject, record in noted.items()]
    assert noted.trie.root() == Trie(leaves).root()
    for root, records, records_root in past:
        found = noted.changed_since(root)
        assert found is not None
        assert found[0] == records_root
        for subject in found[1]:
            record = noted.get(*subject)
            if record is None:
                records.pop(subject, None)
            else:
                records[subject] = record
        assert records == dict(noted.items())
    assert noted.changed_since(b"\xff" * 32) is None


def test_the_past_is_forgotten_where_a_delta_would_be_no_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noted_module, "PAST_SUBJECTS", 5)
    noted = MemoryNotedMap()
    roots = [step(noted, n, {("issuer", f"{n} {m}"): 1 for m in range(2)}) for n in range(1, 6)]
    assert [noted.changed_since(root) is not None for root in roots] == [False, False, True, True, True]
    monkeypatch.setattr(noted_module, "PAST_STATES", 1)
    roots.append(step(noted, 6, {}))
    assert [noted.changed_since(root) is not None for root in roots[-3:]] == [False, True, True]


def test_a_note_with_more_cosignatures_is_no_new_state() -> None:
    noted = MemoryNotedMap()
    root = step(noted, 1, {("issuer", "a"): 1})
    step(noted, 1, {})
    assert noted.changed_since(root) == (noted.trie.root(), ())


def test_charter_and_authorities_are_known_without_looking_through_all_records() -> None:
    noted = MemoryNotedMap()
    step(noted, 1, {("authority", "b"): 1, ("charter", "c"): 1, ("issuer", "i"): 1, ("authority", "a"): 1})
    assert noted.governing() == [("authority", "a"), ("authority", "b"), ("charter", "c")]
    step(noted, 2, {("authority", "b"): None, ("charter", "c"): 2})
    assert noted.governing() == [("authority", "a"), ("charter", "c")]


def test_statements_are_proved_in_memory_as_of_the_newest_state() -> None:
    noted, seen = MemoryNotedMap(), []
    assert noted.statements.root() == bytes(32)
    for number in range(1, 6):
        step(noted, number, {})
        seen.append(noted.statements.root())
        held = {said(number), said(number - 1)} if number > 1 else {said(1)}
        for id in map(said, range(7)):
            proved = check_proof(noted.statements.root(), id, noted.statements.prove(id))
            assert proved == (id if id in held else None)
    assert len(set(seen)) == 5


@pytest.mark.parametrize("part", [Part(size=0), Part(size=7), Part(size=7, without=(0, 3, 6))])
def test_what_is_stored_is_read_back(part: Part) -> None:
    kept = KeptNote(note=NOTE, part=part)
    assert KeptNote.decode(kept.encode()) == kept
    assert kept.state == STATE


@pytest.mark.parametrize(
    "value",
    [
        7,
        [],
        [NOTE],
        [7, [1, []]],
        [NOTE, 7],
        [NOTE, [1]],
        [NOTE, [1, [1]]],
        [NOTE, [5, [3, 3]]],
        [NOTE, [5, [3, 1]]],
        [NOTE, [5, ["a"]]],
        [NOTE, [5, [True]]],
        [NOTE, [True, []]],
        [NOTE, [5, [-1]]],
        [NOTE, [-1, []]],
        [b"no note", [7, []]],
        [NOTE.replace(b"state/1", b"other/1"), [7, []]],
        [bytes(10**6), [7, []]],
    ],
)
def test_what_is_no_stored_note_is_refused(value: Any) -> None:
    with pytest.raises(DecodeError):
        KeptNote.decode(encode(value))
