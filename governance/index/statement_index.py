"""The set of accepted statements, with the indexes that the fold needs: by id, by key chain, by the target of votes.

A key's statements form a chain by `prev` (a tree, if its holder signs two with one number). A statement is

* *complete* when its whole ancestry is held, each number following its predecessor (`key_entries.next_number`);
* *orderly* when it is complete and `iat` never falls along the way.

The index tells in O(log n) steps whether one complete statement comes before another, however long and forked the
chain: each statement keeps a *jump* to a distant predecessor (the skew-binary pointers of Myers, 1983).

The indexes are functions of the set and do not depend on the order of arrival. `branch` gives a set over this one that
grows on its own and keeps only its additions.
"""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Final, NamedTuple, TypeVar

from accredit.registry.encoding.ed25519 import key_id
from accredit.registry.statement import GOVERNING, Statement, Unverified

from .holdings import About, ByNumber, Fact, Holdings, InMemory, ids_about, several
from .key_entries import introductions, key_entries, next_number
from .overlay import Layered, inner, pour, relay

K = TypeVar("K")


class _Place(NamedTuple):
    """The place of a complete statement: the number of its predecessors, one to jump to, the latest date so far, and
    whether it is orderly."""

    depth: int
    jump: bytes
    latest: int
    is_orderly: bool


_PLACES: Final = Fact(about=About.STATEMENT, name="place", plain=several, value=_Place._make)
_FORKED: Final = Fact(about=About.KEY, name="forked", is_listed=True)
_WAITING: Final = ids_about(About.ID, "waiting", is_listed=True)
_VOTES: Final = ids_about(About.ID, "votes")
_DECIDING: Final = ids_about(About.ID, "deciding")
_INTRODUCERS: Final = ids_about(About.KEY, "introducers")
_GOVERNING: Final = ids_about(About.KIND, "governing")
_GIVEN: Final = Fact(
    about=About.STATEMENT, name="given", plain=lambda given: [[key, to] for key, to in given.items()], value=dict
)
_NAMED: Final = Fact(about=About.ID, name="named")
_NEWEST: Final = Fact(about=About.KEY, name="newest")

FACTS: Final = (_PLACES, _FORKED, _WAITING, _VOTES, _DECIDING, _INTRODUCERS, _GOVERNING, _GIVEN, _NAMED, _NEWEST)
"""The facts kept besides the statements."""


class Chains:
    """A growing set of accepted statements and its indexes."""

    def __init__(self, holdings: Holdings | None = None) -> None:
        """Args: holdings: the storage; its content is held from the start. In memory by default."""
        kept = holdings or InMemory()
        self._by_id: MutableMapping[bytes, Statement] = kept.statements()
        self._by_key: ByNumber = kept.by_number()
        self._places: MutableMapping[bytes, _Place] = kept.facts(_PLACES)  # for complete statements only
        self._forked: MutableMapping[bytes, None] = kept.facts(_FORKED)
        # prev not held yet -> statements naming it
        self._waiting: MutableMapping[bytes, tuple[bytes, ...]] = kept.facts(_WAITING)
        self._votes: MutableMapping[bytes, tuple[bytes, ...]] = kept.facts(_VOTES)
        self._deciding: MutableMapping[bytes, tuple[bytes, ...]] = kept.facts(_DECIDING)
        self._introducers: MutableMapping[bytes, tuple[bytes, ...]] = kept.facts(_INTRODUCERS)
        self._governing: MutableMapping[str, tuple[bytes, ...]] = kept.facts(_GOVERNING)
        self._given: MutableMapping[bytes, Mapping[bytes, bytes | None]] = kept.facts(_GIVEN)
        self._named: MutableMapping[bytes, None] = kept.facts(_NAMED)
        self._newest: MutableMapping[bytes, bytes] = kept.facts(_NEWEST)

    def branch(self) -> "Chains":
        """Return a set with the same content that grows on its own; this one must not grow while the copy is in use."""
        branch = Chains()
        for name, mapping in vars(self).items():
            setattr(branch, name, Layered(mapping))
        return branch

    def pour(self) -> None:
        """Make the base of this branch hold the same statements (`overlay.pour`)."""
        for mapping in vars(self).values():
            pour(mapping)

    def relay(self, base: "Chains") -> None:
        """Put this branch over `base`, which holds the same statements as the set below it now (`overlay.relay`)."""
        for name, mapping in vars(self).items():
            relay(mapping, vars(base)[name])

    def own(self) -> list[Statement]:
        """Return the statements added since the branch was made; all if this is not a branch."""
        by_id = self._by_id
        return [by_id[id] for id in by_id.own()] if isinstance(by_id, Layered) else list(by_id.values())

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
        """Add a statement; return those that became complete by it, possibly including itself."""
        if statement.id in self._by_id:
            return []
        self._by_id[statement.id] = statement
        numbers = inner(self._by_key, statement.kid)
        others = numbers.get(statement.seq, ())
        numbers[statement.seq] = (*others, statement.id)
        if others:
            self._forked[statement.kid] = None
        if statement.kind in ("vote.approve", "vote.reject"):
            for target in statement.body["targets"]:
                _append(self._votes, target, statement.id)
                _append(self._deciding, target, statement.id)
        if statement.kind.startswith(GOVERNING):
            self._add_governing(statement)
        for entry in introductions(statement):
            _append(self._introducers, entry.key, statement.id)
        return self._complete_from(statement)

    def _add_governing(self, statement: Statement) -> None:
        _append(self._governing, statement.kind, statement.id)
        self._named.update((head, None) for head in named_heads(statement).values())
        self._given[statement.id] = {
            key_id(entry["public"]): entry["next"]["key"] if "next" in entry else None
            for entry in key_entries(statement)
        }

    def is_complete(self, statement: bytes) -> bool:
        """Return whether all its predecessors are held, in sequence."""
        return statement in self._places

    def is_orderly(self, statement: bytes) -> bool:
        """Return whether it is complete and `iat` never falls on the way to it."""
        place = self._places.get(statement)
        return place is not None and place.is_orderly

    def said_at(self, statement: Unverified) -> int:
        """Return when a statement was made, by its chain: its own date, but not before that of an earlier one of its
        key.

        The statement may be a draft.
        """
        place = self._places.get(statement.id)
        if place is not None:
            return place.latest
        elder = self._places.get(statement.prev or b"")
        return statement.iat if elder is None else max(elder.latest, statement.iat)

    def is_named(self, statement: bytes) -> bool:
        """Return whether a statement of the first three strata names it as `last` or in its `heads`."""
        return statement in self._named

    def given(self, statement: bytes) -> Mapping[bytes, bytes | None]:
        """Return the keys in the entries of a statement of the first three strata, with the successor of each, if
        any."""
        return self._given[statement]

    def waiting(self) -> list[Statement]:
        """Return the statements whose predecessor is not held, or itself waits."""
        return [self._by_id[each] for some in self._waiting.values() for each in some]

    def keys(self) -> Iterable[bytes]:
        """Return the ids of the keys that have signed any held statement."""
        return self._by_key.keys()

    def has_spoken(self, key: bytes) -> bool:
        """Return whether a key has signed any held statement."""
        return key in self._by_key

    def newest(self, key: bytes) -> Statement | None:
        """Return a key's complete statement with the highest number; of several the one with the highest id."""
        newest = self._newest.get(key)
        return None if newest is None else self._by_id[newest]

    def of_key(self, key: bytes) -> Iterator[Statement]:
        """Return a key's statements, by number, then id."""
        numbers = self._by_key.get(key, {})
        for number in sorted(numbers):
            for statement in sorted(numbers[number]):
                yield self._by_id[statement]

    def forked_keys(self) -> list[bytes]:
        """Return the keys that have signed two statements with the same number, sorted."""
        return sorted(self._forked)

    def is_forked(self, key: bytes) -> bool:
        """Return whether a key has signed two statements with the same number."""
        return key in self._forked

    def forks(self, key: bytes) -> list[int]:
        """Return the numbers under which a key has signed more than one statement, ascending."""
        return sorted(number for number, ids in self._by_key.get(key, {}).items() if len(ids) > 1)

    def at(self, key: bytes, number: int) -> list[bytes]:
        """Return the statements that a key has signed under one number, sorted."""
        return sorted(self._by_key.get(key, {}).get(number, ()))

    def of_kind(self, kind: str) -> list[Statement]:
        """Return the statements of a kind of the first three strata (charter, key, authority), by id."""
        return [self._by_id[statement] for statement in sorted(self._governing.get(kind, ()))]

    def governing(self) -> Iterator[Statement]:
        """Return every statement of the first three strata."""
        for kind in self._governing:
            yield from self.of_kind(kind)

    def is_governing(self, statement: Unverified) -> bool:
        """Return whether the first three strata read a statement: it belongs to them, or is a vote on a held one that
        does."""
        if statement.kind.startswith("vote."):
            return any(target in self._given for target in statement.body["targets"])
        return statement.kind.startswith(GOVERNING)

    def votes_on(self, target: bytes) -> list[Statement]:
        """Return the votes that name `target`, by id."""
        return [self._by_id[vote] for vote in sorted(self._votes.get(target, ()))]

    def deciding_votes(self, target: bytes) -> list[Statement]:
        """Return the votes on `target` that are not preceded by an equal vote of the same key; by id.

        A repeated vote decides nothing, so a key that votes endlessly does not make counts expensive.
        """
        deciding = self._deciding.get(target)
        return [self._by_id[vote] for vote in sorted(deciding)] if deciding else []

    def decided_on(self, vote: Unverified) -> list[bytes]:
        """Return the targets of a vote on which its key has not voted the same before."""
        return [target for target in vote.body["targets"] if vote.id in self._deciding.get(target, ())]

    def introducers(self, key: bytes) -> list[Statement]:
        """Return the statements that introduce `key`, by id."""
        return [self._by_id[statement] for statement in sorted(self._introducers.get(key, ()))]

    def ancestry(self, statement: bytes | None) -> Iterator[Statement]:
        """Yield `statement` and its predecessors on its key's chain, newest first, as far as held."""
        key = None
        while statement is not None and (held := self._by_id.get(statement)) is not None:
            if key is not None and held.kid != key:
                return
            key = held.kid
            yield held
            statement = held.prev

    def leads_to(self, elder: Unverified, head: bytes) -> bool:
        """Return whether `head` is `elder`, or comes after it on its key's chain as far as held."""
        place, goal = self._places.get(head), self._places.get(elder.id)
        if place is None:
            return any(held.id == elder.id for held in self.ancestry(head))
        if goal is None or self._by_id[head].kid != elder.kid:
            return False
        current = head
        while place.depth > goal.depth:
            jump = self._places[place.jump]
            if jump.depth >= goal.depth:
                current, place = place.jump, jump
            else:
                current = self._elder(current)
                place = self._places[current]
        return current == elder.id

    def firsts(self, statements: Iterable[Statement]) -> list[Statement]:
        """Return those of one key's `statements` that no other of them precedes; several if the key has forked.

        The number of steps is proportional to the length of the chains between them.
        """
        ordered = sorted(statements, key=lambda s: (s.seq, s.id))
        if len(ordered) < 2:
            return ordered
        found = []
        preceded = {statement.id: True for statement in ordered}  # has one of the statements at or before it
        for statement in ordered:
            passed: list[bytes] = []
            is_preceded = False
            for elder in self.ancestry(statement.prev):
                if elder.id in preceded or elder.seq < ordered[0].seq:
                    is_preceded = preceded.get(elder.id, False)
                    break
                passed.append(elder.id)
            preceded.update(dict.fromkeys(passed, is_preceded))
            if not is_preceded:
                found.append(statement)
        return found

    def _complete_from(self, statement: Statement) -> list[Statement]:
        """Mark `statement` as complete if it is, and all that waited for it."""
        completed: list[Statement] = []
        stack = [statement]
        while stack:
            current = stack.pop()
            place = self._place(current)
            if place is None:
                continue
            self._places[current.id] = place
            self._renew_newest(current)
            completed.append(current)
            if current.kind.startswith("vote."):
                self._drop_repeated(current)
            stack.extend(self._by_id[child] for child in self._waiting.pop(current.id, ()))
        return completed

    def _renew_newest(self, complete: Statement) -> None:
        newest = self._newest.get(complete.kid)
        if newest is not None and newest != complete.prev:  # its predecessor has a lower number
            held = self._by_id[newest]
            if (complete.seq, complete.id) < (held.seq, held.id):
                return
        self._newest[complete.kid] = complete.id

    def _drop_repeated(self, vote: Statement) -> None:
        """Drop a newly complete vote for each target on which its key has voted the same before.

        All its predecessors are complete by then, so the result depends on the set, not on the order.
        """
        for target in vote.body["targets"]:
            others = (self._by_id[id] for id in self._deciding[target] if id != vote.id)
            if any(
                other.kid == vote.kid and _way(other) == _way(vote) and self.leads_to(other, vote.id)
                for other in others
                if other.id in self._places
            ):
                self._deciding[target] = tuple(id for id in self._deciding[target] if id != vote.id)

    def _place(self, statement: Statement) -> _Place | None:
        """Return a statement's place; None if it does not follow its predecessor, or waits for it."""
        if statement.prev is None:
            return _Place(0, statement.id, statement.iat, True) if statement.seq == 1 else None
        elder = self._by_id.get(statement.prev)
        place = None if elder is None else self._places.get(elder.id)
        if elder is None or place is None:
            _append(self._waiting, statement.prev, statement.id)
            return None
        if elder.kid != statement.kid or statement.seq != next_number(elder):
            return None
        jump = self._places[place.jump]
        is_level = place.depth - jump.depth == jump.depth - self._places[jump.jump].depth
        return _Place(
            place.depth + 1,
            jump.jump if is_level else elder.id,
            max(place.latest, statement.iat),
            place.is_orderly and statement.iat >= elder.iat,
        )

    def _elder(self, statement: bytes) -> bytes:
        prev = self._by_id[statement].prev
        assert prev is not None, "only the first has none, and nothing lies before it"
        return prev


def _append(lists: MutableMapping[K, tuple[bytes, ...]], key: K, id: bytes) -> None:
    lists[key] = (*lists.get(key, ()), id)


def _way(vote: Unverified) -> tuple[str, bool]:
    """Return the content of a vote: approve, reject, or take back."""
    return vote.kind, bool(vote.body.get("retract"))


def named_heads(statement: Unverified) -> dict[bytes, bytes]:
    """Return the heads of keys that a statement of the first three strata names: `heads`, or a cut-off's `last`."""
    body = statement.body
    if "heads" in body:
        return {entry["key"]: entry["id"] for entry in body["heads"]}
    return {body["key"]: body["last"]} if body.get("last") is not None else {}
