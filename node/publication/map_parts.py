"""Cuts a noted state's map into the parts that are published, and makes each part's file.

    cutting = Cutting(held, before)         `before`: the map published last, with what has changed since
    cutting.file()                          the map
    cutting.buckets(names)                  the buckets of those names, one by one

The top of a part that has not changed since the last published map is reused, so the cost of a new state depends on its
changes. The depth of the cut is the greatest at which every part still has `ISSUERS` issuers, so that a bucket never
reveals more than that.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from accredit.node.storage.state_store import StoredNoted
from accredit.registry.domain.records import Subject, issuer_in, record_key
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.evidence.proved_records import GOVERNING, Recorder
from accredit.registry.evidence.published_map import (
    BITS_MAX,
    PartLeaf,
    encode_bucket,
    encode_map,
    name_of,
    part_of,
    prefix_of,
    root_of,
    top_of,
)

ISSUERS = 16
"""The fewest issuers among which a client hides. A guess, the same as at a node (`http.routes.offline`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutBefore:
    """A map as it was published.

    Attributes:
        bits, tops: as of `registry.evidence.published_map`.
        changed: type and id of the records that may differ now.
    """

    bits: int
    tops: tuple[bytes, ...]
    changed: tuple[Subject, ...]


class Cutting:
    """See the module.

    Args:
        held: the noted state, within one transaction (`StoredNoted.apart`).
        before: the last publication; None if there is none, or the changes since are unknown.
    """

    def __init__(self, held: StoredNoted, before: CutBefore | None = None) -> None:
        self._held = held
        self.bits = depth_for(self._issuers())
        everything = range(1 << self.bits)
        if before is None or before.bits != self.bits:
            self.tops = [self._top(part) for part in everything]
        else:
            self.tops = list(before.tops)
            for part in {part_of(record_key(*subject), self.bits) for subject in before.changed}:
                self.tops[part] = self._top(part)
        if root_of(self.tops) != held.records_root():
            # The last publication does not match; the stored records are checked elsewhere.
            self.tops = [self._top(part) for part in everything]
        self._parts = {name_of(top): part for part, top in enumerate(self.tops) if top}

    @property
    def names(self) -> Iterable[str]:
        """The names of all buckets."""
        return self._parts.keys()

    def file(self) -> bytes:
        """Return the map."""
        recorder = Recorder(self._held)
        for kind, id in self._held.governing():
            recorder.get(kind, id)
        return encode_map(
            statements_root=self._held.statements_root, bits=self.bits, tops=self.tops, governing=recorder.prove()
        )

    def bucket(self, name: str) -> bytes:
        """Return the bucket of a name."""
        leaves, raws = [], []
        for (kind, id), raw in self._records(self._parts[name]):
            leaves.append(PartLeaf(type=kind, id=id, digest=sha256(raw).digest()))
            if kind not in (*GOVERNING, "accreditation"):
                raws.append(raw)
            if kind == "issuer":
                raws += self._accreditations(CanonicalId(id))
        return encode_bucket(leaves, raws)

    def _issuers(self) -> Iterator[bytes]:
        return (record_key(*subject) for subject in self._held.subjects("issuer"))

    def _accreditations(self, issuer: CanonicalId) -> Iterator[bytes]:
        record = issuer_in(self._held, issuer)
        assert record is not None, "it is in the map"
        for id, _ in record["accreditations"]:
            raw = self._held.raw("accreditation", id.hex())
            if raw is not None:
                yield raw

    def _top(self, part: int) -> bytes:
        leaves = [(record_key(*subject), sha256(raw).digest()) for subject, raw in self._records(part)]
        return top_of(leaves, self.bits)

    def _records(self, part: int) -> Iterator[tuple[Subject, bytes]]:
        """All of a part, in the order of their keys."""
        prefix = prefix_of(part, self.bits)
        return self._held.raws_between(prefix.first, prefix.last)


def depth_for(issuers: Iterable[bytes]) -> int:
    """Return the greatest depth at which every part has enough issuers, given the keys of all."""
    counts = Counter(part_of(key, BITS_MAX) for key in issuers)
    for bits in range(BITS_MAX, 0, -1):
        if len(counts) == 1 << bits and min(counts.values()) >= ISSUERS:
            return bits
        halved: Counter[int] = Counter()
        for part, count in counts.items():
            halved[part >> 1] += count
        counts = halved
    return 0
