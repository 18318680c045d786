"""Noted states without a network: records that change step by step, and the note that would stand over each.

story = Story()
story.step({("issuer", "a"): {"n": 1}})      the next state, its note, what changed
story.step({}, {id: True})                   the same with other statements to which the root binds
story.records, story.statements              all records and ids as they now are
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from accredit.node.engine.quorum_state import KeptNote, Part
from accredit.registry.domain.record_types import Record
from accredit.registry.domain.records import FOLD_VERSION, Subject, record_digest, record_key
from accredit.registry.transparency.state_map import Trie
from accredit.registry.transparency.state_note import StateNote
from accredit.registry.transparency.state_trie import state_root
from tests.strategies.noted import cosigned, node_names

START = 1_700_000_000
GIVEN = ("kept", "state", "statements_root", "changed", "committed")
Changed = Mapping[Subject, Record | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A state that stands: what `NotedStore.settle` takes."""

    kept: KeptNote
    state: StateNote
    statements_root: bytes
    changed: Changed
    committed: Mapping[bytes, bool]

    def given(self) -> dict[str, Any]:
        """Its members, by name."""
        return {name: getattr(self, name) for name in GIVEN}


@dataclass
class Story:
    """One state after the other; `past` has each state root with its records and its records root.

    Unless told otherwise each state binds to a few statements more than the one before, and to one of its own less.
    """

    records: dict[Subject, Record] = field(default_factory=dict)
    count: int = 0
    statements: dict[bytes, None] = field(default_factory=dict)
    past: list[tuple[bytes, dict[Subject, Record], bytes]] = field(default_factory=list)

    @property
    def statements_root(self) -> bytes:
        return Trie((id, id) for id in self.statements).root()

    def records_root(self) -> bytes:
        return Trie((record_key(*subject), record_digest(record)) for subject, record in self.records.items()).root()

    def step(self, changed: Changed, committed: Mapping[bytes, bool] | None = None) -> Step:
        """Goes on."""
        self.count += 1
        if committed is None:
            first = 20 * self.count
            committed = {said(number): True for number in range(first, first + 20)} | {said(first - 1): False}
        for id, is_in in committed.items():
            if is_in:
                self.statements[id] = None
            else:
                self.statements.pop(id, None)
        for subject, record in changed.items():
            if record is None:
                self.records.pop(subject, None)
            else:
                self.records[subject] = record
        step = self.again(changed, committed)
        self.past.append((step.state.root, dict(self.records), self.records_root()))
        return step

    def again(
        self, changed: Changed | None = None, committed: Mapping[bytes, bool] | None = None, *, time: int = START
    ) -> Step:
        """The same state, cosigned at another time."""
        root = state_root(self.records_root(), self.statements_root)
        state = StateNote(name="Example", ecosystem=bytes(32), fold=FOLD_VERSION, count=self.count, root=root)
        kept = KeptNote(note=cosigned(state, time, node_names(3)), part=Part(size=self.count))
        return Step(
            kept=kept,
            state=state,
            statements_root=self.statements_root,
            changed=changed or {},
            committed=committed or {},
        )


def said(number: int) -> bytes:
    """The id of a statement."""
    return sha256(b"statement %d" % number).digest()


def issuers(*numbers: int, word: str = "is") -> dict[Subject, Record | None]:
    """So many records to be put."""
    return {("issuer", f"did:web:i{n}.example"): {"id": n, word: "x" * (n % 50)} for n in numbers}
