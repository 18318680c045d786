"""The committed set: the statements to which the state root binds a node.

It is the accepted set less what can never count again. A statement belongs to it

* if it is not cut off, and a complete statement of the set introduced its key with a budget that reaches its number;
* or if the law is concluded from it: it is of strata 1 to 3, a vote on one of these, named in their `heads` or as their
  `last`, or of a key that has forked before it said such a thing;

and with it whatever comes before it on its key's chain. So whoever holds the committed set alone can accept it all
again, and comes to the same law and the same records. What a stolen key says after its cut-off, for whomever it
forges, leaves it, and does not change the root whenever it turns up.

Until the genesis is in effect everything is committed.
"""

from collections.abc import Iterable

from registry.statement import Statement
from registry.trie import Trie

from .chains import Chains, named_heads
from .entries import introductions
from .law import Law


class Committed:
    """The committed set and the trie over it; a function of the set of statements, kept up to date as it grows."""

    def __init__(self, chains: Chains, ecosystem: bytes) -> None:
        self._chains = chains
        self._ecosystem = ecosystem
        self._law: Law | None = None
        self._ids: dict[bytes, None] = {}
        self._budgets: dict[bytes, int] = {}
        self._pillars: dict[bytes, Statement] = {}
        self._pillar_keys: dict[bytes, None] = {}
        self._trie = Trie()

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, statement: bytes) -> bool:
        return statement in self._ids

    def root(self) -> bytes:
        """The root over the ids: 32 bytes."""
        return self._trie.root()

    def supports(self, statement: Statement) -> bool:
        """Whether a statement not of strata 1 to 3 introduces a key that what the law is concluded from was said by."""
        return any(entry.key in self._pillar_keys for entry in introductions(statement))

    def settle(self, law: Law | None, fresh: list[Statement]) -> None:
        """Brings the set up to date.

        Args:
            law: as it now is.
            fresh: what was added, or became complete, since the last time.
        """
        before, self._law = self._law, law
        if law is None:
            self._commit(statement.id for statement in fresh)
        elif before is law or (before is not None and not before.ground.cuts and not law.ground.cuts):
            again = {statement.kid: None for statement in fresh if statement.kid in law.ground.cuts}
            self._commit(self._spread(law, [*fresh, *(s for key in again for s in self._chains.of_key(key))]))
        else:
            self._budgets = {}
            self._pillars = self._find_pillars() if law.ground.cuts else {}
            self._pillar_keys = {statement.kid: None for statement in self._pillars.values()}
            standing = self._spread(law, [self._chains[self._ecosystem], *self._pillars.values()])
            for statement in [s for s in self._ids if s not in standing]:
                del self._ids[statement]
                self._trie.set(statement, None)
            self._commit(standing)

    def _commit(self, statements: Iterable[bytes]) -> None:
        for statement in statements:
            if statement not in self._ids:
                self._ids[statement] = None
                self._trie.set(statement, statement)

    def _spread(self, law: Law, statements: list[Statement]) -> dict[bytes, None]:
        """Of `statements`, and of what they make acceptable, those that stand, with what comes before them."""
        standing: dict[bytes, None] = {}
        while statements:
            statement = statements.pop()
            if not self._stands(law, statement):
                continue
            standing[statement.id] = None
            if statement.kid in law.ground.cuts:
                # What its key said before, for another authority, may be cut; the chain is held whole all the same.
                for elder in self._chains.ancestry(statement.prev):
                    if elder.id in standing:
                        break
                    standing[elder.id] = None
            for entry in introductions(statement) if self._chains.is_complete(statement.id) else ():
                known = self._budgets.get(entry.key, 0)
                if entry.budget > known:
                    self._budgets[entry.key] = entry.budget
                    statements += [s for s in self._chains.of_key(entry.key) if known < s.seq <= entry.budget]
        return standing

    def _stands(self, law: Law, statement: Statement) -> bool:
        if statement.id in self._pillars or statement.id == self._ecosystem:
            return True
        return statement.seq <= self._budgets.get(statement.kid, 0) and not law.ground.is_cut(statement)

    def _find_pillars(self) -> dict[bytes, Statement]:
        """All that the law is concluded from."""
        chains = self._chains
        stack: list[Statement] = []
        for statement in chains.governing():
            stack += [statement, *chains.votes_on(statement.id)]
            stack += [held for head in named_heads(statement).values() if (held := chains.get(head)) is not None]
        for key in chains.forked_keys():
            said = list(chains.of_key(key))
            if any(s.seq >= chains.forks(key)[0] and chains.is_governing(s) for s in said):
                stack += said
        pillars: dict[bytes, Statement] = {}
        while stack:
            statement = stack.pop()
            if statement.id in pillars:
                continue
            pillars[statement.id] = statement
            stack += [s for s in chains.introducers(statement.kid) if chains.is_complete(s.id)]
            if statement.prev is not None and (elder := chains.get(statement.prev)) is not None:
                stack.append(elder)
        return pillars
