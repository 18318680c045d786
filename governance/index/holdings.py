"""The data of a fold, behind mappings: a simulator and a verifier keep it in memory, a node keeps it in its database.

    fold = Fold(ecosystem)                           in memory: `InMemory`
    fold = Fold(ecosystem, holdings)                 in the storage of `holdings`

Every lasting conclusion of a fold is in one of these mappings, and all of them follow from the set of statements. So a
program that stores them durably needs to fold only later statements.

* Values are never changed in place; new ones are assigned. `overlay.inner` opens a mapping within a mapping.
* `FACTS` lists the mappings: the keys of each, and the form in which a value can be stored (numbers, texts, bytes,
  lists, maps with keys of one type). A value that is stored and read again is equal to the original.
* Iteration gives every key once, in no particular order.

It does not say when stored data becomes durable.
"""

from collections.abc import Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

from accredit.registry.domain.records import Subject
from accredit.registry.statement import Statement, Unverified
from accredit.registry.transparency.state_map import Trie

RECORDS: Final = "records"
"""The name of the map over the records."""

STATEMENTS: Final = "statements"
"""The name of the map over the statements to which the root commits: each id is both key and value."""


class About(StrEnum):
    """The subject of a fact, which gives the keys of its mapping.

    `STATEMENT`: the id of a held statement, 32 bytes; `ID`: the id of one that may not be held yet; `KEY`: a key's id,
    32 bytes; `SUBJECT`: a record's type and id; `KIND`: a kind of statement.
    """

    STATEMENT = "statement"
    ID = "id"
    KEY = "key"
    SUBJECT = "subject"
    KIND = "kind"


def as_is(value: Any) -> Any:
    """Return a value that needs no other form to be stored."""
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One mapping.

    Attributes:
        name: unique among the facts with the same `about`.
        is_listed: whether it is read as a whole, so that storage should keep it apart.
        plain: converts a value into a form that can be stored. value: the inverse.
    """

    about: About
    name: str
    is_listed: bool = False
    plain: Callable[[Any], Any] = as_is
    value: Callable[[Any], Any] = as_is


def several(value: Any) -> list[Any]:
    """Convert a tuple for storage."""
    return list(value)


def _pairs(plain: list[list[Any]]) -> tuple[Any, ...]:
    return tuple(((type, id), what) for (type, id), what in plain)


def _plain_pairs(pairs: tuple[Any, ...]) -> list[Any]:
    return [[list(subject), what] for subject, what in pairs]


def ids_about(about: About, name: str, *, is_listed: bool = False) -> Fact:
    """Return a fact whose values are several ids."""
    return Fact(about=about, name=name, is_listed=is_listed, plain=several, value=tuple)


def pairs_about(about: About, name: str) -> Fact:
    """Return a fact whose values are small mappings by subject, stored as pairs."""
    return Fact(about=about, name=name, plain=_plain_pairs, value=_pairs)


ByNumber = MutableMapping[bytes, MutableMapping[int, tuple[bytes, ...]]]
"""Of each key the ids of what it signed, by number."""


class Holdings(Protocol):
    """See the module."""

    def statements(self) -> MutableMapping[bytes, Statement]:
        """The statements held, by id; each is added once and never removed."""
        ...

    def by_number(self) -> ByNumber:
        """Of each key the ids of what it signed, by number."""
        ...

    def facts(self, fact: Fact) -> MutableMapping[Any, Any]:
        """One mapping."""
        ...

    def records(self, type: str) -> MutableMapping[str, bytes]:
        """Records of a type as encoded, by id."""
        ...

    def trie(self, name: str) -> Trie:
        """Return the map of that name, in its current state."""
        ...

    def look_ahead(self, statements: Sequence[Unverified]) -> None:
        """Announce the next statements, so that the facts about them can be read together. Changes nothing."""
        ...

    def expect(self, subjects: Iterable[Subject]) -> None:
        """Announce the next records to be read, so that they can be read together. Changes nothing."""
        ...


class InMemory:
    """`Holdings` in memory, empty at first."""

    def statements(self) -> MutableMapping[bytes, Statement]:
        """See `Holdings`."""
        return {}

    def by_number(self) -> ByNumber:
        """See `Holdings`."""
        return {}

    def facts(self, fact: Fact) -> MutableMapping[Any, Any]:
        """See `Holdings`."""
        del fact
        return {}

    def records(self, type: str) -> MutableMapping[str, bytes]:
        """See `Holdings`."""
        del type
        return {}

    def trie(self, name: str) -> Trie:
        """See `Holdings`."""
        del name
        return Trie()

    def look_ahead(self, statements: Sequence[Unverified]) -> None:
        """See `Holdings`."""

    def expect(self, subjects: Iterable[Subject]) -> None:
        """See `Holdings`."""
