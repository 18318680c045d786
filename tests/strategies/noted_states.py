"""Noted states without a network: records that change step by step, and the note that would stand over each.

story = Story()
story.step({("issuer", "a"): {"n": 1}})      the next state, its note, what changed
story.records                                all records as they now are
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from node.noted import KeptNote, Part
from registry.records import record_digest, record_key
from registry.snapshot import Subject
from registry.state_note import StateNote
from registry.trie import Trie, state_root
from tests.strategies.noted import cosigned, node_names

START = 1_700_000_000
Changed = Mapping[Subject, dict[str, Any] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A state that stands: what `NotedStore.settle` takes."""

    kept: KeptNote
    state: StateNote
    statements_root: bytes
    changed: Changed

    def given(self) -> dict[str, Any]:
        """Its members, by name."""
        return {name: getattr(self, name) for name in ("kept", "state", "statements_root", "changed")}


@dataclass
class Story:
    """One state after the other; `past` has each state root with its records and its records root."""

    records: dict[Subject, dict[str, Any]] = field(default_factory=dict)
    count: int = 0
    past: list[tuple[bytes, dict[Subject, dict[str, Any]], bytes]] = field(default_factory=list)

    @property
    def statements_root(self) -> bytes:
        return sha256(b"%d statements" % self.count).digest()

    def records_root(self) -> bytes:
        return Trie((record_key(*subject), record_digest(record)) for subject, record in self.records.items()).root()

    def step(self, changed: Changed) -> Step:
        """Goes on."""
        self.count += 1
        for subject, record in changed.items():
            if record is None:
                self.records.pop(subject, None)
            else:
                self.records[subject] = record
        step = self.again(changed)
        self.past.append((step.state.root, dict(self.records), self.records_root()))
        return step

    def again(self, changed: Changed | None = None, *, time: int = START) -> Step:
        """The same state, cosigned at another time."""
        root = state_root(self.records_root(), self.statements_root)
        state = StateNote(name="Example", ecosystem=bytes(32), fold=1, count=self.count, root=root)
        kept = KeptNote(note=cosigned(state, time, node_names(3)), part=Part(size=self.count))
        return Step(kept=kept, state=state, statements_root=self.statements_root, changed=changed or {})

    def resumed(self) -> dict[str, Any]:
        """What `NotedStore.resume` takes: the newest state, with every record."""
        given = self.again().given()
        del given["changed"]
        return {**given, "records": dict(self.records)}


def issuers(*numbers: int, word: str = "is") -> dict[Subject, dict[str, Any] | None]:
    """So many records to be put."""
    return {("issuer", f"did:web:i{n}.example"): {"id": n, word: "x" * (n % 50)} for n in numbers}
