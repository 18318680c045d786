"""Admission: whether a statement may enter the log.

A node accepts a statement if it decodes, belongs to this ecosystem, and its signature verifies; if an accepted
statement whose own chain is held in sequence introduced its key; and if its number is within the key's budget. The test
is local, reads no clock and never turns false later, so all nodes come to hold the same set. The fold decides whether
the statement *takes effect*.

The genesis is accepted by its id, the hash that this node was told to trust; its key is in its own body.
"""

from collections.abc import Callable, Iterable, MutableMapping

from accredit.governance.index.key_entries import introductions, next_number
from accredit.governance.index.overlay import Layered
from accredit.governance.index.statement_index import Chains
from accredit.governance.rules.rulebook import check_statement
from accredit.registry.errors import NotYetError, RefusedError
from accredit.registry.statement import Statement, Unverified, verify


class Admission:
    """The memory by which a node accepts or refuses statements: known keys with their budgets, and the complete
    statements."""

    def __init__(self, ecosystem: bytes, held: Callable[[], Chains] | None = None) -> None:
        """Start empty, or with the set that is held.

        Args:
            ecosystem: the genesis statement's id, 32 bytes.
            held: gives the stored set of accepted statements, if there is one; it may grow by what is accepted here
                (`forget`).
        """
        self.ecosystem = ecosystem
        self._held = held
        self._publics: MutableMapping[bytes, bytes] = {}
        self._budgets: MutableMapping[bytes, int] = {}
        # Each accepted statement, once it is complete; None while it is not.
        self._complete: MutableMapping[bytes, Statement | None] = {}
        self._waiting: MutableMapping[bytes, tuple[Statement, ...]] = {}
        for statement in () if held is None else held().waiting():
            self._complete[statement.id] = None
            self._is_in_sequence(statement)

    def branch(self) -> "Admission":
        """Return a copy that continues on its own; this one must not accept more while the copy is in use."""
        branch = Admission(self.ecosystem)
        branch._held = self._held
        branch._publics, branch._budgets = Layered(self._publics), Layered(self._budgets)
        branch._complete, branch._waiting = Layered(self._complete), Layered(self._waiting)
        return branch

    def forget(self, statements: Iterable[Statement]) -> None:
        """Drop what is remembered of these statements; they are held by now and looked up there."""
        assert self._held is not None
        for statement in statements:
            if self._complete.get(statement.id) is not None:
                del self._complete[statement.id]

    def __contains__(self, statement: bytes) -> bool:
        return statement in self._complete or (self._held is not None and statement in self._held())

    def __len__(self) -> int:
        return len(self._complete)

    def admit(self, unverified: Unverified) -> Statement:
        """Judge one statement, cheapest check first, without changing anything.

        Raises:
            DecodeError: its body is not of its kind's shape.
            RefusedError: it belongs to another ecosystem, or its signature is bad.
            NotYetError: its key is not known here (code `unknown_key`), or has no such budget here (`over_budget`).
        """
        self._check_ecosystem(unverified)
        public, budget = self._known(unverified.kid)
        if unverified.kind == "charter.genesis" and budget is None:
            check_statement(unverified)
            public, budget = _own_key(unverified)
        _check_budget(unverified, budget)
        check_statement(unverified)
        if public is None:
            public = _shown_by(unverified)
        if public is None:
            raise _unknown_key(unverified)
        return verify(unverified, public)

    def readmit(self, entry: Unverified) -> Statement:
        """Judge as `admit` does, but skip shape and signature, which this program has already checked for a
        `Statement`.

        Raises:
            DecodeError, RefusedError, NotYetError: as `admit`.
        """
        if not isinstance(entry, Statement) or entry.eco is None:  # no statement introduces a genesis
            return self.admit(entry)
        self._check_ecosystem(entry)
        public, budget = self._known(entry.kid)
        _check_budget(entry, budget)
        if public is None and _shown_by(entry) is None:
            raise _unknown_key(entry)
        return entry

    def add(self, statement: Statement) -> list[bytes]:
        """Remember an accepted statement, and the keys introduced by it and by the statements that it completes."""
        introduced: list[bytes] = []
        if statement.id in self:
            return introduced
        self._complete[statement.id] = None
        stack = [statement]
        while stack:
            current = stack.pop()
            if not self._is_in_sequence(current):
                continue
            self._complete[current.id] = current
            introduced += self._introduce(current)
            stack.extend(self._waiting.pop(current.id, ()))
        return introduced

    def hold(self, statement: Statement, completed: Iterable[Statement]) -> None:
        """Take note of an accepted statement that the stored set has just taken in: as `add`, and then `forget`, do.

        Args:
            completed: the statements of the stored set that are complete since then; without them it waits itself.
        """
        is_waiting = True
        for each in completed:
            is_waiting = False
            self._complete.pop(each.id, None)
            self._waiting.pop(each.id, None)
            self._introduce(each)
        if is_waiting:
            self._complete[statement.id] = None
            self._is_in_sequence(statement)

    def _introduce(self, statement: Statement) -> list[bytes]:
        """Remember the keys that a complete statement introduces; return their ids."""
        introduced: list[bytes] = []
        for entry in introductions(statement):
            _, budget = self._known(entry.key)
            self._budgets[entry.key] = max(entry.budget, budget or 0)
            introduced.append(entry.key)
            if entry.public is not None:
                self._publics[entry.key] = entry.public
        return introduced

    def _known(self, key: bytes) -> tuple[bytes | None, int | None]:
        """Return a public key and its budget, as complete statements introduce it; None for each that is not known."""
        if self._held is not None and key not in self._budgets:
            held = self._held()
            for statement in held.introducers(key):
                entries = introductions(statement) if held.is_complete(statement.id) else ()
                for entry in (entry for entry in entries if entry.key == key):
                    self._budgets[key] = max(entry.budget, self._budgets.get(key, 0))
                    if entry.public is not None:
                        self._publics[key] = entry.public
        return self._publics.get(key), self._budgets.get(key)

    def _check_ecosystem(self, unverified: Unverified) -> None:
        is_genesis = unverified.kind == "charter.genesis"
        if is_genesis and unverified.id == self.ecosystem and unverified.eco is None:
            return
        if is_genesis or unverified.eco != self.ecosystem:
            raise RefusedError(
                "wrong_ecosystem",
                f"this statement belongs to a different ecosystem than {self.ecosystem.hex()[:16]}….",
                hint="Ask a node of that ecosystem.",
            )

    def _is_in_sequence(self, statement: Statement) -> bool:
        if statement.prev is None:
            return statement.seq == 1
        elder = self._complete.get(statement.prev)
        if elder is None and self._held is not None and (held := self._held()).is_complete(statement.prev):
            elder = held[statement.prev]
        if elder is None:
            self._waiting[statement.prev] = (*self._waiting.get(statement.prev, ()), statement)
            return False
        return elder.kid == statement.kid and next_number(elder) == statement.seq


def _check_budget(unverified: Unverified, budget: int | None) -> None:
    if not budget:
        raise _unknown_key(unverified)
    if unverified.seq > budget:
        # This is not final: another introduction, not held here yet, may have given the key a larger budget.
        raise NotYetError(
            "over_budget",
            f"statement number {unverified.seq} of key {unverified.kid.hex()[:16]} exceeds the key's budget of "
            f"{budget}.",
            hint="Add a new key, which has its own budget.",
        )


def _own_key(genesis: Unverified) -> tuple[bytes | None, int | None]:
    """Return the key in a genesis's own body that signed it, with its budget."""
    for entry in introductions(genesis):
        if entry.key == genesis.kid and entry.public is not None:
            return entry.public, entry.budget
    raise RefusedError("foreign_genesis", "a genesis must be signed by a key of an authority it names.")


def _shown_by(unverified: Unverified) -> bytes | None:
    """Return the public key, if a committed successor first shows it in its own statement."""
    for entry in introductions(unverified):
        if entry.key == unverified.kid:
            return entry.public
    return None


def _unknown_key(unverified: Unverified) -> NotYetError:
    return NotYetError(
        "unknown_key",
        f"no statement held here introduces the key {unverified.kid.hex()[:16]} of {unverified.iss}.",
        hint="Submit the statement that introduces it first, or wait until it has spread.",
    )
