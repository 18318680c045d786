"""What one process finds out about entries of a log, while others look at other parts of the same log beside it.

    checker = EntryVerifier()
    found = checker.check(entries)          one mark for each entry, and the public keys that they introduce
    checker.learn(publics)                  keys that others have come across

A mark says of an entry, by itself: it decodes, its body has the shape of its kind, and its signature verifies under a
public key that hashes to its key id. None of that depends on what stands before it, so any number of processes may find
it out, in any order. What does depend on it (is the key known in this ecosystem, has it the budget?) is left to the one
process that takes the entries in, one after the other: `governance.authority.admission.Admission.readmit`.

* A public key may come from anywhere: a signature proves the same under it wherever it was found, because a key id is
  the key's hash.
* No mark means "look yourself", not "bad": the key stands in a part that somebody else looks at, or the entry is bad,
  and then whoever takes it in finds the reason and has the words for it. A genesis is never marked: it is judged whole.

What it does not do: start processes (`verify_pool`), or believe a key (`Admission`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from accredit.governance.index.key_entries import introductions
from accredit.governance.rules.rulebook import check_statement
from accredit.registry.encoding.ed25519 import key_id
from accredit.registry.errors import InputError
from accredit.registry.statement import Statement, decode, recall, verify

UNMARKED: Final = 0
GOOD: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedEntries:
    """What `check` found.

    Attributes:
        marks: a byte for each entry, `GOOD` or `UNMARKED`.
        publics: public keys introduced that were not known before, 32 bytes each, in the order of the entries.
    """

    marks: bytes
    publics: tuple[bytes, ...] = ()


class EntryVerifier:
    """See the module. It remembers the public keys it has seen: some 150 bytes each."""

    def __init__(self) -> None:
        self._publics: dict[bytes, bytes] = {}

    def learn(self, publics: Iterable[bytes]) -> None:
        """Takes note of public keys, 32 bytes each."""
        self._publics.update((key_id(public), public) for public in publics)

    def check(self, entries: Sequence[bytes]) -> VerifiedEntries:
        """Looks at entries, in order: a key may sign from the entry on that introduces it."""
        known = len(self._publics)
        marks = bytes(self._mark(raw) for raw in entries)
        return VerifiedEntries(marks=marks, publics=tuple(self._publics.values())[known:])

    def _mark(self, raw: bytes) -> int:
        try:
            unverified = decode(raw)
            check_statement(unverified)
            for entry in introductions(unverified):
                if entry.public is not None:
                    self._publics.setdefault(entry.key, entry.public)
            public = self._publics.get(unverified.kid)
            if public is None or unverified.eco is None:
                return UNMARKED
            verify(unverified, public)
        except InputError:
            return UNMARKED
        return GOOD


def marked(entries: Sequence[bytes], marks: bytes) -> list[bytes | Statement]:
    """The entries, those with a mark as the statements they are.

    Args:
        marks: what a `EntryVerifier` of this program made of exactly these entries.
    """
    return [recall(raw) if mark == GOOD else raw for raw, mark in zip(entries, marks, strict=True)]
