"""Makes answers with evidence from the records: the counterpart of `evidence.check.EvidenceChecker`.

    prover = Prover(noted, statements_root=…, note=…, ecosystem_id="https://trust.example/")
    decision, evidence = prover.answer(query, now)

A prover serves one state and its note. It runs `decide` and proves every record that the decision read, present or
absent. It proves once what answers share: the charter, the authorities, and the records of an issuer that was asked
about lately. It compares records, map and note before it answers, so it never hands out a proof that would fail.
"""

from typing import Final

from ..decision.query import Query
from ..decision.query_forms import summary
from ..decision.verdict import Decision
from ..domain.records import Records
from ..encoding.identifiers import CanonicalId
from ..errors import RefusedError
from ..transparency.signed_note import Note
from ..transparency.state_map import StateMap
from ..transparency.state_note import StateNote
from ..transparency.state_trie import state_root
from .check import Evidence
from .deciding import AUTHORIZATION, StateSitting
from .proved_records import Mapped, ProvedBefore, Proving, Recorder

NO_NOTE: Final = b""
"""In place of a note while a node has none."""


class Prover:
    """See the module.

    Args:
        held: records of the noted state, and their proofs; newer records have no proof yet, so they are not read. They
            must not change while the prover is used.
        statements_root: of that state, 32 bytes.
        note: the newest state note with a quorum; `NO_NOTE` for none.
        ecosystem_id: the charter's id.

    Raises:
        RefusedError: records and note are not of one state.
        DecodeError: it is not a state note.
    """

    def __init__(self, held: Proving, *, statements_root: bytes, note: bytes, ecosystem_id: CanonicalId) -> None:
        self._held = held
        self._statements_root = statements_root
        self._note = note
        self._state = StateSitting(ecosystem_id)
        self._before = ProvedBefore(held.records_root())
        if note and StateNote.decode(Note.decode(note).text).root != state_root(self._before.root, statements_root):
            raise RefusedError(
                "map_behind",
                "The map does not belong to this state note.",
                hint="Prove from the map of the state that the note names.",
            )

    def answer(self, query: Query, now: int, *, asked: str = AUTHORIZATION) -> tuple[Decision, Evidence]:
        """Decide, and prove every record that the decision read.

        Args:
            now: the answerer's clock, seconds since 1970.

        Raises:
            RefusedError: records and map are not of one state.
            CheckError: a record that the decision reads is damaged.
        """
        recorder = Recorder(self._held, self._before)
        decision = self._state.decide(query, recorder, now, asked=asked)
        evidence = Evidence(
            asked=asked,
            query=query,
            answer=summary(decision),
            records_root=self._before.root,
            statements_root=self._statements_root,
            records=recorder.prove(),
            note=self._note,
        )
        return decision, evidence


def prove(
    query: Query,
    records: Records,
    trie: StateMap,
    *,
    statements_root: bytes,
    note: bytes,
    now: int,
    ecosystem_id: CanonicalId,
    asked: str = AUTHORIZATION,
) -> Evidence:
    """The evidence of one answer, from records and the map over them (`Prover`)."""
    held = Mapped(records, trie)
    prover = Prover(held, statements_root=statements_root, note=note, ecosystem_id=ecosystem_id)
    return prover.answer(query, now, asked=asked)[1]
