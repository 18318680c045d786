"""Adversaries that lie to verifiers: old answers, forged records, false proofs of absence, withheld news.

Liars collude: those among the signers cosign every state that any of them invents. They can never have the cosignature
of an honest signer for a state that no honest signer had."""

from accredit.registry.decision.query import Query
from accredit.registry.domain.record_types import Record
from accredit.registry.domain.records import MemoryRecords, Subject, record_digest, record_key
from accredit.registry.encoding.cbor import decode, encode
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.evidence.prove import prove
from accredit.registry.transparency.signed_note import Note
from accredit.registry.transparency.state_map import Trie
from accredit.registry.transparency.state_note import StateNote, cosign_state
from accredit.registry.transparency.state_trie import state_root
from accredit.simulations.virtual.host import Host

from .conduct import Adversary


class Remembering(Adversary):
    """Keeps the first noted state it saw, from before anything was revoked."""

    def __init__(self) -> None:
        self._records: dict[Subject, Record] = {}
        self._state: StateNote | None = None
        self._statements_root = b""
        self._note = b""

    def begin(self, host: Host) -> None:
        """See `Conduct`."""
        host.world.timeline.after(1_000, lambda: None if self.keep(host) else self.begin(host))

    def keep(self, host: Host) -> bool:
        """Return whether there is such a state; store it the first time."""
        held = host.noted
        if self._state is None and held is not None and held.state is not None and held.note:
            self._records = dict(held.items())
            self._state, self._statements_root, self._note = held.state, held.statements_root, held.note
        return self._state is not None

    def answers(self, host: Host, query: Query) -> bytes | None:
        """See `Conduct`."""
        return self.lie(host, query) if self.keep(host) else super().answers(host, query)

    def lie(self, host: Host, query: Query) -> bytes | None:
        """Return an answer from the stored state."""
        return self.prove(host, query, self._records, self._note)

    def prove(self, host: Host, query: Query, records: dict[Subject, Record], note: bytes) -> bytes:
        """Return evidence from the given records, as of now."""
        return prove(
            query,
            MemoryRecords(records),
            trie_of(records),
            statements_root=self._statements_root,
            note=note,
            now=host.clock // 1_000,
            ecosystem_id=host.world.town.charter_id,
        ).encode()


class StaleAnswerer(Remembering):
    """Answers from its oldest noted state, with the cosignatures of that time."""


class Restamper(Remembering):
    """As `StaleAnswerer`, but all liars among the signers cosign the old note again."""

    def lie(self, host: Host, query: Query) -> bytes | None:
        """See `Remembering`."""
        assert self._state is not None
        return self.prove(host, query, self._records, restamped(host, self._note, self._state))


class Forger(Remembering):
    """Invents a state with a higher count, in which nothing was ever revoked; all liars among the signers cosign it."""

    def lie(self, host: Host, query: Query) -> bytes | None:
        """See `Remembering`."""
        held, old = host.noted, self._state
        assert held is not None
        assert held.state is not None
        assert old is not None
        records = dict(held.items()) | self._records
        root = state_root(trie_of(records).root(), self._statements_root)
        state = StateNote(name=old.name, ecosystem=old.ecosystem, fold=old.fold, count=held.state.count + 1, root=root)
        return self.prove(host, query, records, restamped(host, None, state))


class Omitter(Remembering):
    """Answers from the newest state, but denies a record that is there: in turn by leaving out the record's place, by
    keeping its proof, or by reversing the answer."""

    def __init__(self) -> None:
        super().__init__()
        self._turn = 0

    def lie(self, host: Host, query: Query) -> bytes | None:
        """See `Remembering`."""
        honest = super(Remembering, self).answers(host, query)
        if honest is None:
            return None
        self._turn += 1
        value = decode(honest, what="the evidence", max_bytes=len(honest))
        records = value["records"]
        at = next((index for index, row in enumerate(records) if row[0] == "accreditation"), len(records) - 1)
        if self._turn % 3 == 0:
            records[at][2] = None  # claims its absence with the proof of its presence
        elif self._turn % 3 == 1:
            del records[at]
        else:
            value["answer"]["verdict"] = "trusted"
        return encode(value)


def restamped(host: Host, note: bytes | None, state: StateNote) -> bytes:
    """Return the text of `state` with the cosignatures on `note`, and fresh ones of all liars among the signers."""
    world = host.world
    liars = [each.name for each in world.hosts if not each.is_honest and each.name in world.town.signers]
    lines = {} if note is None else {line.name: line for line in Note.decode(note).signatures}
    for name in liars:
        lines[name] = cosign_state(state, name, KeyPair(world.town.node_seed(name, "state")), host.clock // 1_000)
    return Note(text=state.encode(), signatures=tuple(lines[name] for name in sorted(lines))).encode()


def trie_of(records: dict[Subject, Record]) -> Trie:
    """Return the map over these records."""
    return Trie((record_key(*subject), record_digest(record)) for subject, record in sorted(records.items()))
