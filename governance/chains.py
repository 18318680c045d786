"""The set of accepted statements, indexed the ways the fold asks: by id, along each key's chain, by what votes target.

A key's statements form a chain by `prev` (a tree, if its holder signs two with one number). A statement is

* *complete* when its whole ancestry is held, each number following its predecessor (`entries.next_number`);
* *orderly* when it is complete and `iat` never falls along the way.

Nothing here depends on the order of arrival: the indexes are functions of the set.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from registry.statement import Statement

from .entries import introductions, next_number

_GOVERNING: Final = ("charter.", "key.", "authority.")


class Chains:
    """A growing set of statements and its indexes."""

    def __init__(self) -> None:
        self._by_id: dict[bytes, Statement] = {}
        self._by_key: dict[bytes, dict[int, list[bytes]]] = {}
        self._orderly: dict[bytes, bool] = {}  # complete ones only; the value says whether also orderly
        self._forked: dict[bytes, None] = {}
        self._waiting: dict[bytes, list[bytes]] = {}  # prev that is not held yet -> statements naming it
        self._votes: dict[bytes, list[bytes]] = {}
        self._introducers: dict[bytes, list[bytes]] = {}
        self._governing: dict[str, list[bytes]] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, statement: bytes) -> bool:
        return statement in self._by_id

    def __iter__(self) -> Iterator[Statement]:
        return iter(self._by_id.values())

    def get(self, statement: bytes) -> Statement | None:
        """The statement of that id, if held."""
        return self._by_id.get(statement)

    def __getitem__(self, statement: bytes) -> Statement:
        return self._by_id[statement]

    def add(self, statement: Statement) -> list[Statement]:
        """Adds one; returns those that became complete by it, itself perhaps among them."""
        if statement.id in self._by_id:
            return []
        self._by_id[statement.id] = statement
        siblings = self._by_key.setdefault(statement.kid, {}).setdefault(statement.seq, [])
        siblings.append(statement.id)
        if len(siblings) > 1:
            self._forked[statement.kid] = None
        if statement.kind in ("vote.approve", "vote.reject"):
            for target in statement.body["targets"]:
                self._votes.setdefault(target, []).append(statement.id)
        if statement.kind.startswith(_GOVERNING):
            self._governing.setdefault(statement.kind, []).append(statement.id)
        for entry in introductions(statement):
            self._introducers.setdefault(entry.key, []).append(statement.id)
        return self._complete_from(statement)

    def is_complete(self, statement: bytes) -> bool:
        """Whether its whole ancestry is held, in sequence."""
        return statement in self._orderly

    def is_orderly(self, statement: bytes) -> bool:
        """Whether it is complete and no `iat` falls on the way to it."""
        return self._orderly.get(statement, False)

    def keys(self) -> Iterable[bytes]:
        """Ids of the keys that have signed anything held."""
        return self._by_key.keys()

    def of_key(self, key: bytes) -> Iterator[Statement]:
        """A key's statements, by number, then id."""
        numbers = self._by_key.get(key, {})
        for number in sorted(numbers):
            for statement in sorted(numbers[number]):
                yield self._by_id[statement]

    def forked_keys(self) -> list[bytes]:
        """The keys that have signed two statements with one number, sorted."""
        return sorted(self._forked)

    def is_forked(self, key: bytes) -> bool:
        """Whether a key has signed two statements with one number."""
        return key in self._forked

    def forks(self, key: bytes) -> list[int]:
        """The numbers under which a key has signed more than one statement, ascending."""
        return sorted(number for number, ids in self._by_key.get(key, {}).items() if len(ids) > 1)

    def at(self, key: bytes, number: int) -> list[bytes]:
        """What a key has signed under one number, sorted."""
        return sorted(self._by_key.get(key, {}).get(number, ()))

    def of_kind(self, kind: str) -> list[Statement]:
        """Statements of a kind of the first three strata (charter, key, authority), by id."""
        return [self._by_id[statement] for statement in sorted(self._governing.get(kind, ()))]

    def governing(self) -> Iterator[Statement]:
        """Every statement of the first three strata."""
        for kind in self._governing:
            yield from self.of_kind(kind)

    def votes_on(self, target: bytes) -> list[Statement]:
        """Votes that name `target`, by id."""
        return [self._by_id[vote] for vote in sorted(self._votes.get(target, ()))]

    def introducers(self, key: bytes) -> list[Statement]:
        """Statements that introduce `key`, by id."""
        return [self._by_id[statement] for statement in sorted(self._introducers.get(key, ()))]

    def ancestry(self, statement: bytes | None) -> Iterator[Statement]:
        """`statement` and, newest first, what its key said before it, as far as held."""
        key = None
        while statement is not None and (held := self._by_id.get(statement)) is not None:
            if key is not None and held.kid != key:
                return
            key = held.kid
            yield held
            statement = held.prev

    def is_ancestor(self, elder: Statement, younger: Statement) -> bool:
        """Whether `elder` lies strictly before `younger` on their key's chain."""
        if elder.kid != younger.kid or elder.seq >= younger.seq:
            return False
        for held in self.ancestry(younger.prev):
            if held.seq <= elder.seq:
                return held.id == elder.id
        return False

    def _complete_from(self, statement: Statement) -> list[Statement]:
        """Marks `statement` complete if it is, and whatever waited for it."""
        completed: list[Statement] = []
        if not self._follows(statement):
            return completed
        stack = [statement]
        while stack:
            current = stack.pop()
            elder = self._by_id.get(current.prev) if current.prev is not None else None
            self._orderly[current.id] = elder is None or (self._orderly[elder.id] and current.iat >= elder.iat)
            completed.append(current)
            waiting = [self._by_id[child] for child in self._waiting.pop(current.id, ())]
            stack.extend(child for child in waiting if self._follows(child))
        return completed

    def _follows(self, statement: Statement) -> bool:
        if statement.prev is None:
            return statement.seq == 1
        elder = self._by_id.get(statement.prev)
        if elder is None or elder.id not in self._orderly:
            self._waiting.setdefault(statement.prev, []).append(statement.id)
            return False
        return elder.kid == statement.kid and statement.seq == next_number(elder)
