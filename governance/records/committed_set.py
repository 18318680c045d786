"""The committed set: the statements that the state root includes.

It is the accepted set without statements that can never count again. A statement belongs to it

* if its key is *known* and it is not cut off, or further statements could make it count again
  (`Ground.is_dispensable`);
* if the law is concluded from it: it is of strata 1 to 3, or a vote on one of these, or named in the `heads` or as the
  `last` of one, or its key forked before such a statement;
* if it introduces a known key, whose budget may come from it;
* if a statement of the set follows it on its key's chain.

Known keys are those of the genesis, those that complete statements of the set introduce, and those that signed
statements from which the law is concluded. So a node that holds only the committed set can accept all of it again, and
reaches the same law and the same records. Statements that a thief forges with a stolen key after its cut-off leave the
set, and never change the root, whenever they turn up.

Until the genesis is in effect everything is committed.
"""

from collections.abc import Iterable, Iterator, MutableMapping
from typing import Final

from accredit.governance.authority.governing_state import Law
from accredit.governance.index.holdings import STATEMENTS, About, Fact, Holdings, InMemory
from accredit.governance.index.key_entries import introductions
from accredit.governance.index.overlay import Layered, pour, relay
from accredit.governance.index.statement_index import Chains, named_heads
from accredit.registry.statement import Statement
from accredit.registry.transparency.state_map import Trie

COMMITTED: Final = Fact(about=About.STATEMENT, name="committed")
"""Whether the root commits to a statement."""

_KNOWN: Final = Fact(about=About.KEY, name="known")

FACTS: Final = (COMMITTED, _KNOWN)
"""The facts kept besides the map."""

_FOUNDING: Final = (".grant", ".publish", ".register", ".admit")


class Committed:
    """The committed set and the trie over it; a function of the set of statements, kept up to date as it grows."""

    def __init__(self, chains: Chains, ecosystem: bytes, holdings: Holdings | None = None) -> None:
        """Args: holdings: where it is stored, together with the chains."""
        kept = holdings or InMemory()
        self._chains = chains
        self._ecosystem = ecosystem
        self._law: Law | None = None
        self._ids: MutableMapping[bytes, None] = kept.facts(COMMITTED)
        self._known: MutableMapping[bytes, None] = kept.facts(_KNOWN)
        self._trie: Trie = kept.trie(STATEMENTS)

    def branch(self, chains: Chains, law: Law | None) -> "Committed":
        """Return the same set over a branch of the chains, with the law as that branch reads it."""
        branch = Committed(chains, self._ecosystem)
        branch._law = law
        branch._ids, branch._known, branch._trie = Layered(self._ids), Layered(self._known), self._trie.branch()
        return branch

    def absorb(self, branch: "Committed", law: Law | None) -> None:
        """Become equal to a branch of this set; `law` is the branch's law over these chains."""
        pour(branch._ids)
        pour(branch._known)
        self._law, self._trie = law, branch._trie.branch()

    def relay(self, base: "Committed") -> None:
        """Put this branch over `base`, which is equal to the set below it now (`overlay.relay`)."""
        relay(self._ids, base._ids)
        relay(self._known, base._known)

    def take_up(self, law: Law | None) -> None:
        """Set the law under which the stored content was settled."""
        self._law = law

    def renew(self, holdings: Holdings) -> None:
        """Take the map from where it is stored."""
        self._trie = holdings.trie(STATEMENTS)

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, statement: bytes) -> bool:
        return statement in self._ids

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._ids)

    def knows(self, key: bytes) -> bool:
        """Return whether the statements of a key are committed, as long as it is not cut off."""
        return key in self._known

    def root(self) -> bytes:
        """Return the root over the ids: 32 bytes."""
        return self._trie.root()

    def map(self) -> Trie:
        """Return the map over the ids as it is now."""
        return self._trie.branch()

    def settle(self, law: Law | None, fresh: list[Statement]) -> dict[bytes, bool]:
        """Bring the set up to date.

        Args:
            law: the current law.
            fresh: the statements added, or completed, since the last time.

        Returns:
            The ids that have entered (True) or left (False) the set, in no particular order.
        """
        before, self._law = self._law, law
        if law is None:
            return self._commit(statement.id for statement in fresh)
        if before is not None and before.ends == law.ends and len(before.ground.versions) == len(law.ground.versions):
            # The cut-offs are the same. They spare only more, as more of the chains before their `last`, and more
            # targets of votes, are held. A late arrival on the chain of a cut-off key may be needed by what follows it.
            voted = (vote for statement in fresh for vote in self._chains.votes_on(statement.id))
            again = {s.kid: None for s in (*fresh, *voted) if s.kid in law.ground.cuts} if law.ground.cuts else {}
            if any(_may_ask_more(s, law) for s in fresh):
                again = dict.fromkeys(law.ground.cuts)
            late = [s for key in again for s in self._chains.of_key(key)]
            # A vote leaves the set with its targets, and comes back with them.
            late += [vote for s in late for vote in self._chains.votes_on(s.id) if vote.kid in law.ground.cuts]
            certain = self._of_forked({s.kid: None for s in fresh if s.kid in law.ground.cuts})
            return self._commit(self._spread(law, [*fresh, *late], certain if before is law else self._pillars(law)))
        old, known = self._ids, self._known
        # Compute the set from scratch, then bring the stored set in line with it.
        self._ids, self._known = {}, {}
        standing = self._spread(law, [], [self._chains[self._ecosystem], *self._pillars(law)])
        found, self._ids, self._known = self._known, old, known
        left = {statement: False for statement in old if statement not in standing}
        for statement in left:
            self._trie.set(statement, None)
            del self._ids[statement]
        for key in [key for key in known if key not in found]:
            del known[key]
        known.update(found)
        return left | self._commit(standing)

    def _commit(self, statements: Iterable[bytes]) -> dict[bytes, bool]:
        entered: dict[bytes, bool] = {}
        for statement in statements:
            if statement not in self._ids:
                self._ids[statement] = None
                self._trie.set(statement, statement)
                entered[statement] = True
        self._trie.settle()
        return entered

    def _spread(self, law: Law, statements: list[Statement], certain: list[Statement]) -> dict[bytes, None]:
        """Return those of `statements` that belong to the set, those that are `certain`, and all that these bring with
        them."""
        chains = self._chains
        standing: dict[bytes, None] = {}
        while certain or statements:
            is_certain = bool(certain)
            statement = certain.pop() if is_certain else statements.pop()
            if statement.id in standing or not (is_certain or self._stands(law, statement)):
                continue
            standing[statement.id] = None
            if statement.kid in law.ground.cuts and (elder := chains.get(statement.prev or b"")) is not None:
                certain.append(elder)
            introduced = introductions(statement) if chains.is_complete(statement.id) else ()
            for key in (statement.kid, *(entry.key for entry in introduced)):
                if key not in self._known:
                    self._known[key] = None
                    statements += chains.of_key(key)
                    certain += [s for s in chains.introducers(key) if chains.is_complete(s.id)]
        return standing

    def _stands(self, law: Law, statement: Statement) -> bool:
        if statement.id in self._ids or (statement.kid in self._known and not law.ground.is_dispensable(statement)):
            return True
        return self._chains.is_complete(statement.id) and any(e.key in self._known for e in introductions(statement))

    def _pillars(self, law: Law) -> list[Statement]:
        """Return the statements from which the law is concluded, unless all belong to the set anyway because no key is
        cut off."""
        chains = self._chains
        pillars: list[Statement] = []
        for statement in chains.governing() if law.ground.cuts else ():
            pillars += [statement, *chains.votes_on(statement.id)]
            pillars += [held for head in named_heads(statement).values() if (held := chains.get(head)) is not None]
        pillars += self._of_forked(chains.forked_keys()) if law.ground.cuts else []
        return [statement for statement in pillars if statement.id not in self._ids]

    def _of_forked(self, keys: Iterable[bytes]) -> list[Statement]:
        """Return all statements of those `keys` that forked before they signed a statement of strata 1 to 3."""
        chains, found = self._chains, list[Statement]()
        for key in keys:
            first, said = min(chains.forks(key), default=None), list(chains.of_key(key))
            if first is not None and any(s.seq >= first and chains.is_governing(s) for s in said):
                found += said
        return found


def _may_ask_more(statement: Statement, law: Law) -> bool:
    """Return whether what narrows a late statement may need more than what narrows any of its kind.

    An older charter's stricter rule may apply to it, or it is a mapping that may widen grants, which took more to make.
    """
    if len(law.ground.versions) > 1 and statement.kind.endswith(_FOUNDING):
        return True
    return statement.kind == "mapping.publish" and bool(statement.body["usable_for_scope"])
