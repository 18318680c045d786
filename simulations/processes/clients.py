"""The users of the nodes during the faults, and the records they keep.

*Speakers*, one for each authority, make one statement after the other: a new issuer, an accreditation, its revocation.
Each is submitted until some node answers that it is logged; if a node does not, the next one is asked.
*Watchers*, one for each node, get its checkpoint again and again. So the book knows what every node ever showed, and
when a statement was first seen to be in a log: as soon as a checkpoint covers its place.

Times are ms since the beginning of the run. `checks` judges these records.
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import httpx
import trio

from accredit.governance.rules.rulebook import is_urgent
from accredit.registry.errors import InputError
from accredit.registry.statement import Statement
from accredit.registry.transparency.signed_note import Note
from accredit.simulations.checkers import Violation
from accredit.simulations.virtual.ecosystem import Town

from .node_process import TormentedNode

LOOK_SECONDS: Final = 0.25
"""Time between two readings of a node's checkpoint; this is the precision of delivery times."""

ASK_SECONDS: Final = 10.0
"""How long a person waits for an answer."""

RETRY_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedAnswer:
    """A node's answer that a statement is logged: at which place, under which checkpoint."""

    node: str
    statement: Statement
    index: int
    checkpoint: str


@dataclass(slots=True, kw_only=True)
class Said:
    """A statement on its way; ms."""

    statement: Statement
    is_urgent: bool
    said_at: int
    answered_at: int | None = None


@dataclass(slots=True)
class Book:
    """The records kept by all users.

    Attributes:
        said: in order.
        answers: all of them.
        checkpoints: by node, every note it ever showed, and the size it names, with when that was first seen (ms).
        outcomes: number of submissions by outcome.
    """

    said: list[Said] = field(default_factory=list)
    answers: list[LoggedAnswer] = field(default_factory=list)
    checkpoints: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)

    @property
    def is_quiet(self) -> bool:
        """Return whether every statement has been answered."""
        return all(each.answered_at is not None for each in self.said)

    def saw(self, node: str, note: str, now: int) -> None:
        """Note that a node showed a checkpoint."""
        seen = self.checkpoints.setdefault(node, {})
        if note not in seen:
            seen[note] = (size_of(note), now)


def size_of(note: str) -> int:
    """Return the size that a checkpoint names, whether or not its signature is good; -1 if it names none.

    C2SP tlog-checkpoint: the text's second line is the size in decimal.
    """
    try:
        lines = Note.decode(note.encode()).text.splitlines()
        return int(lines[1])
    except (InputError, IndexError, ValueError):
        return -1


def story(town: Town, authority: int) -> Iterator[Statement]:
    """Yield an authority's statements without end. The last of each three is urgent."""
    number = 0
    while True:
        number += 1
        issuer = f"https://issuer{number}.of{authority}.example/"
        body: dict[str, Any] = {"id": issuer, "name": f"Issuer {number} of authority {authority}"}
        yield town.says(authority, "issuer.register", body, sub=issuer, time=int(time.time()))
        grant = town.grants_to(issuer, authority, time=int(time.time()))
        yield grant
        body = {
            "accreditation": grant.id,
            "event": "revoke",
            "effective_from": int(time.time()),
            "after": [],
            "reason_code": "standards_noncompliance",
        }
        yield town.says(authority, "accreditation.status", body, sub=issuer, time=int(time.time()))


class People:
    """All of them.

    Args:
        pause: seconds that an authority waits before its next statement, on average.
    """

    def __init__(self, town: Town, machines: list[TormentedNode], book: Book, *, random: Random, pause: float) -> None:
        self._town = town
        self._machines = machines
        self._book = book
        self._random = random
        self._pause = pause
        self._began = trio.current_time()
        self.is_over = False

    @property
    def now(self) -> int:
        """ms since these people began."""
        return round((trio.current_time() - self._began) * 1_000)

    async def speak(self, authority: int) -> None:
        """Make one statement after the other until the run is over."""
        telling = story(self._town, authority)
        async with httpx.AsyncClient(trust_env=False, timeout=ASK_SECONDS) as client:
            while not self.is_over:
                statement = next(telling)
                said = Said(statement=statement, is_urgent=is_urgent(statement), said_at=self.now)
                self._book.said.append(said)
                while not await self._submits(client, said):
                    await trio.sleep(RETRY_SECONDS)
                await trio.sleep(self._random.uniform(0.5, 1.5) * self._pause)

    async def submit(self, machine: TormentedNode, statements: list[Statement]) -> None:
        """Submit statements at once, as the founders do.

        Raises:
            Violation: not all of them are logged.
        """
        async with httpx.AsyncClient(trust_env=False, timeout=60.0) as client:
            raw = b"".join(each.raw for each in statements)
            headers = {"content-type": "application/cbor-seq"}
            answer = await client.post(f"{machine.url}/v1/statements", content=raw, headers=headers)
        rows = answer.json().get("statements", []) if answer.status_code == 200 else []
        if len(rows) != len(statements) or {row["status"] for row in rows} - {"logged", "known"}:
            raise Violation("setting_up", f"{machine.name} took no founding statements: {answer.text[:300]}")

    async def watch(self, machine: TormentedNode) -> None:
        """Read a node's checkpoint repeatedly until the end."""
        async with httpx.AsyncClient(trust_env=False, timeout=ASK_SECONDS) as client:
            while True:
                await self._look(client, machine)
                await trio.sleep(LOOK_SECONDS)

    async def look_once_more(self) -> None:
        """Read every node's final checkpoint."""
        async with httpx.AsyncClient(trust_env=False, timeout=ASK_SECONDS) as client:
            for machine in self._machines:
                await self._look(client, machine)

    async def _look(self, client: httpx.AsyncClient, machine: TormentedNode) -> None:
        try:
            answer = await client.get(f"{machine.url}/log/checkpoint")
        except httpx.HTTPError:
            self._book.outcomes["looks that failed"] += 1
        else:
            if answer.status_code == 200:
                self._book.saw(machine.name, answer.text, self.now)

    async def _submits(self, client: httpx.AsyncClient, said: Said) -> bool:
        """Submit a statement to a node drawn anew each time; return whether one confirmed it."""
        machine = self._random.choice(self._machines)
        statement = said.statement
        headers = {"content-type": "application/cose"}
        try:
            answer = await client.post(f"{machine.url}/v1/statements", content=statement.raw, headers=headers)
        except httpx.HTTPError:
            self._book.outcomes["no answer"] += 1
            return False
        if answer.status_code != 200:
            self._refused(machine, statement, answer)
            return False
        found = answer.json()
        row = found["statements"][0]
        if row["status"] not in ("logged", "known"):
            self._book.outcomes[row["status"]] += 1
            return False
        self._book.outcomes["answered"] += 1
        self._book.saw(machine.name, found["checkpoint"], self.now)
        self._book.answers.append(
            LoggedAnswer(node=machine.name, statement=statement, index=row["index"], checkpoint=found["checkpoint"])
        )
        said.answered_at = self.now
        return True

    def _refused(self, machine: TormentedNode, statement: Statement, answer: httpx.Response) -> None:
        """A node in trouble says so (5xx), and one that lags behind (409); nothing else answers a valid statement."""
        self._book.outcomes[f"refused, {answer.status_code}"] += 1
        if answer.status_code < 500 and answer.status_code != 409:
            raise Violation(
                "valid_statements",
                f"{machine.name} refused a valid {statement} with {answer.status_code}: {answer.text[:300]}",
            )
        if answer.status_code == 500:
            raise Violation("no_crash", f"{machine.name} failed at {statement}: {answer.text[:300]}")
