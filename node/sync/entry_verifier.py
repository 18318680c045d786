"""Checks entries of a log in one process, while other processes check other parts of the same log.

    checker = EntryVerifier()
    found = checker.check(entries)          one mark for each entry, and the public keys that they introduce
    checker.learn(publics)                  keys that others have come across

A mark says about an entry alone: it decodes, its body has the shape of its kind, and its signature verifies under a
public key that hashes to its key id. These checks do not depend on earlier entries, so any number of processes may make
them, in any order. Other checks do (is the key known in this ecosystem, has it the budget?). They are left to the one
process that takes the entries in, one after the other: `governance.authority.admission.Admission.readmit`.

* A public key may come from anywhere: a signature proves the same under it wherever it was found, because a key id is
  the key's hash.
* A missing mark means "check this yourself", not "bad": another process has the part with the key, or the entry is bad,
  and the process that takes it in finds and states the reason. A genesis is never marked: it is judged whole.

It does not start processes (`verify_pool` does), or trust a key (`Admission` does).
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
    """The result of `check`.

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
        """Remember public keys, 32 bytes each."""
        self._publics.update((key_id(public), public) for public in publics)

    def check(self, entries: Sequence[bytes]) -> VerifiedEntries:
        """Check entries in order: a key may sign from the entry that introduces it."""
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
    """Return the entries, marked ones as statements.

    Args:
        marks: result of an `EntryVerifier` of this program for exactly these entries.
    """
    return [recall(raw) if mark == GOOD else raw for raw, mark in zip(entries, marks, strict=True)]
