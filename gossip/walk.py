"""Fetching what is missing from one peer: a walk along its log.

Every node has a log that only grows and holds all that the node holds. So a cursor into the peer's log is enough to
fetch everything, by construction: below the cursor there is nothing that we lack.

    roots differ, cursor below the peer's size:
        fetch(cursor)  ->  page of ids  ->  request those we lack  ->  … until all of the page are logged here
        cursor = end of the page; next page, until the end of the peer's log

The cursor moves only past what is *logged here*, so whatever is lost on the way (a frame, our full disk, a restart) is
asked for again. Two things would stop it for good, and are given up instead, and counted: what the peer lists and does
not deliver in some attempts, and what it delivers and we refuse. An honest peer does neither: its log holds each key's
introduction before the key's statements, so that its pages can be accepted in order.

Equal roots move the cursor to the end at once. The end of the walk with equal sizes and different roots, or a log that
got shorter, contradicts the construction: the walk begins again from 0, once in a while, and an alarm is counted.

What it does not do: talk. It says what to ask next, and is told what came.
"""

from dataclasses import dataclass

from .config import GossipConfig
from .events import Held
from .frames import Announce, Fetch, Request, Root


@dataclass(slots=True, kw_only=True)
class _Page:
    """Ids of one page that are not logged here yet, with how often each was asked for; `end` is the next cursor."""

    missing: dict[bytes, int]
    end: int


class Walk:
    """The walk along one peer's log.

    Args:
        asked: id -> until when (steady ms) it counts as under way; shared by all walks, so that no two peers are asked
            for the same statement at once.
    """

    def __init__(self, config: GossipConfig, asked: dict[bytes, int]) -> None:
        self._config = config
        self._asked = asked
        self._cursor = 0
        self._size = 0
        self._page: _Page | None = None
        self._rewalk_at = 0
        self.in_sync: bool | None = None
        self.blocked_until = 0
        self.given_up = 0
        self.alarms = 0

    @property
    def behind(self) -> int:
        """Entries of the peer's log that we have not looked at."""
        return max(0, self._size - self._cursor)

    @property
    def is_open(self) -> bool:
        """Whether there is something to ask this peer for."""
        return not self.in_sync and (self._page is not None or self._cursor < self._size)

    def on_root(self, theirs: Root, ours: tuple[bytes, int], our_size: int, *, at: int) -> None:
        """Compares roots, as the peer states its own."""
        shrunk = theirs.size < self._cursor
        self._size = theirs.size
        self.in_sync = theirs.root == ours[0]
        if self.in_sync:
            self._cursor, self._page = theirs.size, None
        elif self.is_open and not shrunk:
            return
        elif (shrunk or our_size == theirs.size or self.given_up) and at >= self._rewalk_at:
            self._rewalk_at = at + self._config.rewalk
            self._cursor, self._page, self.given_up = 0, None, 0
            self.alarms += 1

    def on_page(self, page: Announce, held: Held) -> None:
        """Takes the page that a fetch brought."""
        self._size = page.size
        if page.start != self._cursor or not page.ids:  # nothing there, or not what we asked for
            self._page = None
            self._size = min(self._size, self._cursor)
            return
        self._page = _Page(missing={id: 0 for id in page.ids if id not in held}, end=page.start + len(page.ids))

    def on_delivered(self, asked: tuple[bytes, ...], delivered: set[bytes]) -> None:
        """Notes what a request brought: the answer keeps the order asked, so it may only be short at its end."""
        came = [index for index, id in enumerate(asked) if id in delivered]
        tried = asked[: came[-1] + 1] if came else asked
        for id in asked:
            if id not in delivered:
                self._asked.pop(id, None)
        missing = {} if self._page is None else self._page.missing
        for id in tried:
            if id in missing:
                missing[id] += 1

    def on_failed(self, question: Fetch | Request) -> None:
        """Frees what was asked for in vain, for other peers to be asked."""
        if isinstance(question, Request):
            for id in question.ids:
                self._asked.pop(id, None)

    def on_refused(self, id: bytes) -> None:
        """The peer delivered what we refuse: its copy will not get better."""
        if self._page is not None and self._page.missing.pop(id, None) is not None:
            self.given_up += 1

    def next(self, held: Held, *, at: int) -> Fetch | Request | None:
        """What to ask next; None where nothing is to be asked, or not before `blocked_until`."""
        if not self.is_open or at < self.blocked_until:
            return None
        if self._page is not None:
            request = self._next_request(self._page, held, at)
            if request is not None or self._page.missing:
                return request
            self._cursor, self._page = self._page.end, None
        return Fetch(start=self._cursor) if self._cursor < self._size else None

    def _next_request(self, page: _Page, held: Held, at: int) -> Request | None:
        ids: list[bytes] = []
        for id, attempts in list(page.missing.items()):
            if id in held:
                del page.missing[id]
            elif self._asked.get(id, 0) > at:
                continue
            elif attempts >= self._config.attempts:
                del page.missing[id]
                self.given_up += 1
            elif len(ids) < self._config.request_ids:
                ids.append(id)
        if not ids:
            if page.missing:
                self.blocked_until = at + self._config.blocked
            return None
        self._asked.update(dict.fromkeys(ids, at + self._config.asked))
        return Request(ids=tuple(ids))
