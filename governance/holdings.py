"""The data of a fold, behind mappings: a simulator and a verifier keep it in memory, a node in its database.

    fold = Fold(ecosystem)                           in memory: `InMemory`
    fold = Fold(ecosystem, holdings)                 wherever these keep it

Everything a fold concludes for good is in one of these mappings, and all of them together follow from the set of
statements. So whoever keeps them durably has nothing to fold again but what came after.

* Values are never changed in place: what is new is assigned. A mapping within a mapping is opened by `overlay.inner`.
* `FACTS` lists the mappings: what each is about, and in which form a value can be written down (numbers, texts, bytes,
  lists, maps with keys of one type). A value that is written down and read again is equal to what it was.
* Iteration gives every key once, in an order that means nothing.

What it does not do: say when what is kept becomes durable.
"""

from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

from accredit.registry.statement import Statement, Unverified
from accredit.registry.transparency.state_trie import Trie

RECORDS: Final = "records"
"""The name of the map over the records."""

STATEMENTS: Final = "statements"
"""The name of the map over the statements to which the root binds: each id is key and value."""


class About(StrEnum):
    """What a fact is about, and thus what the keys of its mapping are.

    `STATEMENT`: the id of one that is held, 32 bytes; `ID`: one that perhaps is not held yet; `KEY`: a key's id, 32
    bytes; `SUBJECT`: a record's type and id; `KIND`: a kind of statement.
    """

    STATEMENT = "statement"
    ID = "id"
    KEY = "key"
    SUBJECT = "subject"
    KIND = "kind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One mapping.

    Attributes:
        name: among those about the same.
        is_listed: whether it is read through as a whole, so that where it is kept it had better stand alone.
        plain: a value in a form that can be written down. value: the inverse.
    """

    about: About
    name: str
    is_listed: bool = False
    plain: Callable[[Any], Any] = lambda value: value
    value: Callable[[Any], Any] = lambda plain: plain


def several(value: Any) -> list[Any]:
    """A tuple written down."""
    return list(value)


def _pairs(plain: list[list[Any]]) -> tuple[Any, ...]:
    return tuple(((type, id), what) for (type, id), what in plain)


def _plain_pairs(pairs: tuple[Any, ...]) -> list[Any]:
    return [[list(subject), what] for subject, what in pairs]


def ids_about(about: About, name: str, *, is_listed: bool = False) -> Fact:
    """A fact that is several ids."""
    return Fact(about=about, name=name, is_listed=is_listed, plain=several, value=tuple)


def pairs_about(about: About, name: str) -> Fact:
    """A fact that is a small mapping by subject, as pairs."""
    return Fact(about=about, name=name, plain=_plain_pairs, value=_pairs)


ByNumber = MutableMapping[bytes, MutableMapping[int, tuple[bytes, ...]]]
"""Of each key the ids of what it signed, by number."""


class Holdings(Protocol):
    """See the module."""

    def statements(self) -> MutableMapping[bytes, Statement]:
        """The statements held, by id; each is added once, and none is taken away."""
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
        """The map of that name, as it was when this was asked for."""
        ...

    def look_ahead(self, statements: Sequence[Unverified]) -> None:
        """These come next: what is held about them may be read at once. Changes nothing."""
        ...


class InMemory:
    """`Holdings` that end with the process, and are empty to begin with."""

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
