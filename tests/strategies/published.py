"""The map of a `Held` state in files, cut by hand: what `registry.evidence.published_map` reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from accredit.registry.domain.records import Subject, record_key
from accredit.registry.evidence.proved_records import GOVERNING, Mapped, Recorder
from accredit.registry.evidence.published_map import (
    PartLeaf,
    encode_bucket,
    encode_map,
    name_of,
    part_of,
    top_of,
)
from accredit.registry.transparency.state_trie import EMPTY
from tests.strategies.noted import Held


@dataclass
class Cut:
    """The files of one state, and who has been asked for what.

    Attributes:
        buckets: by name. asked: names, in the order in which they were fetched.
    """

    held: Held
    bits: int
    tops: list[bytes] = field(default_factory=list)
    buckets: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        raws = self.held.raws()
        keyed = sorted((record_key(*subject), subject) for subject in raws)
        for part in range(1 << self.bits):
            inside = [subject for key, subject in keyed if part_of(key, self.bits) == part]
            leaves = [self.leaf(subject) for subject in inside]
            self.tops.append(top_of([(one.key, one.digest) for one in leaves], self.bits))
            if leaves:
                self.buckets[name_of(self.tops[-1])] = encode_bucket(leaves, self.belonging(inside, raws))

    def leaf(self, subject: Subject) -> PartLeaf:
        digest = self.held.trie.get(record_key(*subject))
        assert digest is not None
        assert digest != EMPTY
        return PartLeaf(type=subject[0], id=subject[1], digest=digest)

    def belonging(self, inside: list[Subject], raws: Mapping[Subject, bytes]) -> list[bytes]:
        """The records of a part, and its issuers' accreditations."""
        found = [raws[subject] for subject in inside if subject[0] not in (*GOVERNING, "accreditation")]
        for subject in inside:
            if subject[0] == "issuer":
                record: dict[str, list[list[bytes]]] = dict(self.held.records[subject])
                found += [raws["accreditation", id.hex()] for id, _ in record["accreditations"]]
        return found

    def file(self) -> bytes:
        """The map."""
        recorder = Recorder(Mapped(self.held.reader(), self.held.trie))
        for kind, id in self.held.records:
            if kind in GOVERNING:
                recorder.get(kind, id)
        return encode_map(
            statements_root=self.held.statements_root, bits=self.bits, tops=self.tops, governing=recorder.prove()
        )

    def fetch(self, name: str) -> bytes:
        self.asked.append(name)
        return self.buckets[name]
