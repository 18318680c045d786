"""Finds the statements that one of two nodes holds and the other lacks, in salted, gated sessions of `negentropy`.

    initiator                                      responder
    root(R)                          ->
                                     <-            root(R')              equal: over
    reconcile(session, salt, R, m)   ->            takes its set down, blinded by the salt
                                     <-            reconcile(session, salt, R', m')
    …                                              until nothing is left to ask
    fetch(session, blinded ids)      ->
                                     <-            push(what we lack)
    push(what it lacks)              ->

* **Blinding.** Items are (`iat`, SHA-256(salt ‖ id)). Negentropy's fingerprints are additive, so somebody who can make
  statements could search for a set that hides another. Each session draws its own salt, so a search before the session
  is useless, and within it there is no time for one.
* **The gate** is the statement-set root, which resists collisions. Equal roots end a session. If roots differ and the
  session finds no difference, somebody hid a statement or lied about a root: the machine raises an alarm and tries
  again with a new salt.
* **Bounds.** 60 s, 64 KiB a message, and a number of rounds; at most four sessions held for one peer, and a bound for
  all together; a new one replaces the oldest. A session that ends early keeps what it has brought so far.

It sends no messages, judges no statements, and does not trust what it finds: ids that are listed but not delivered are
given up.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random

from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.events import Held
from accredit.gossip.protocol.negentropy import Initiator, Items, respond
from accredit.gossip.protocol.wire import SALT_BYTES, SESSION_BYTES, Fetch, Reconcile
from accredit.registry.errors import RefusedError


def blind(salt: bytes, id: bytes) -> bytes:
    """Return the id that stands for a statement in the session of this salt; without a salt the statement's own
    (`GossipConfig.salted`)."""
    return sha256(salt + id).digest() if salt else id


class Blinded:
    """A set of statements as it was at one moment, under one salt.

    Attributes:
        root: root of the statements that were committed at that moment.
        items: for negentropy.
    """

    def __init__(self, held: Held, salt: bytes) -> None:
        self.root = held.root()[0]
        self._ids: dict[bytes, bytes] = {}
        self.items = Items(self._blinded(held.items(), salt))

    def _blinded(self, items: Iterable[tuple[int, bytes]], salt: bytes) -> Iterable[tuple[int, bytes]]:
        for time, id in items:
            blinded = blind(salt, id)
            self._ids[blinded] = id
            yield time, blinded

    def reveal(self, blinded: Iterable[bytes]) -> tuple[bytes, ...]:
        """Return the ids of those statements that are in the set, in this order."""
        return tuple(self._ids[each] for each in blinded if each in self._ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Served:
    salt: bytes
    blinded: Blinded
    until: int


@dataclass(slots=True, kw_only=True)
class _Asked:
    """A session that this node began."""

    kid: bytes
    salt: bytes
    blinded: Blinded
    initiator: Initiator
    until: int
    attempt: int
    rounds: int = 1
    is_open: bool = True
    is_fetching: bool = False
    told: int = 0  # how many of `initiator.have` were passed on
    unfetched: dict[bytes, None] = field(default_factory=dict)
    seen: dict[bytes, None] = field(default_factory=dict)  # of `initiator.need`


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileStep:
    """The consequences of an answer.

    Attributes:
        bodies: messages to send next.
        have: ids of statements that the peer lacks.
        is_alarm: whether no difference was found although the roots differ.
        is_over: whether the session has ended; it is then forgotten.
        is_broken: whether the peer delivered nothing of what it had listed.
        attempt: how many earlier sessions found no difference although roots differed.
    """

    bodies: tuple[Reconcile | Fetch, ...] = ()
    have: tuple[bytes, ...] = ()
    is_alarm: bool = False
    is_over: bool = False
    is_broken: bool = False
    attempt: int = 0


class Sessions:
    """All sessions of one node, its own and those it serves."""

    def __init__(self, config: GossipConfig) -> None:
        self._config = config
        self._served: dict[tuple[bytes, bytes], _Served] = {}  # (peer, session), the oldest first
        self._asked: dict[bytes, _Asked] = {}

    # ------------------------------------------------------------------------------------------------------ ours

    def is_asking(self, kid: bytes) -> bool:
        """Return whether a session that this node began with this peer is not over."""
        return any(asked.kid == kid for asked in self._asked.values())

    def begin(self, kid: bytes, held: Held, random: Random, *, at: int, attempt: int = 0) -> Reconcile:
        """Begin a session with a peer whose root differs; return the first message."""
        session, salt = random.randbytes(SESSION_BYTES), random.randbytes(SALT_BYTES)
        blinded = Blinded(held, self._used(salt))
        initiator = Initiator(blinded.items, limit=self._config.reconcile_bytes)
        self._asked[session] = _Asked(
            kid=kid,
            salt=salt,
            blinded=blinded,
            initiator=initiator,
            until=at + self._config.reconcile_time,
            attempt=attempt,
        )
        return Reconcile(session=session, salt=salt, root=blinded.root, message=initiator.open())

    def on_answer(self, sent: Reconcile, answer: Reconcile) -> ReconcileStep:
        """Take in the responder's answer to a message.

        Raises:
            RefusedError: it belongs to no session that this node began, or the peer speaks another version.
            DecodeError: it is no message.
        """
        asked = self._asked.get(sent.session)
        if asked is None or (answer.session, answer.salt) != (sent.session, sent.salt):
            raise RefusedError("reconcile_session", "no session is under way that this could answer.")
        following = None
        if answer.root != asked.blinded.root:  # the sets have become equal in other ways: over
            following = asked.initiator.take(answer.message)
        found = asked.initiator
        for id in list(found.need)[len(asked.seen) :]:
            asked.seen[id] = asked.unfetched[id] = None
        have = asked.blinded.reveal(list(found.have)[asked.told :])
        asked.told = len(found.have)
        bodies: list[Reconcile | Fetch] = []
        if following is not None and asked.rounds < self._config.reconcile_rounds:
            asked.rounds += 1
            bodies.append(Reconcile(session=sent.session, salt=asked.salt, root=asked.blinded.root, message=following))
        else:
            asked.is_open = False
        if not asked.is_fetching:
            bodies += self._next_fetch(sent.session, asked)
        is_nothing = following is None and not found.have and not found.need
        hides = is_nothing and answer.root != asked.blinded.root and self._config.root_gate
        is_over = self._end(sent.session, asked)
        return ReconcileStep(bodies=tuple(bodies), have=have, is_alarm=hides, is_over=is_over, attempt=asked.attempt)

    def on_fetched(self, sent: Fetch, delivered: Iterable[bytes]) -> ReconcileStep:
        """Take in the ids of the statements that a fetch brought."""
        asked = self._asked.get(sent.session)
        if asked is None:  # it took too long, and is over
            return ReconcileStep()
        before = len(asked.unfetched)
        for id in delivered:
            asked.unfetched.pop(blind(self._used(asked.salt), id), None)
        asked.is_fetching = False
        if len(asked.unfetched) == before:
            del self._asked[sent.session]
            return ReconcileStep(is_over=True, is_broken=True)
        return ReconcileStep(
            bodies=tuple(self._next_fetch(sent.session, asked)), is_over=self._end(sent.session, asked)
        )

    def drop(self, session: bytes) -> None:
        """End a session that this node began, whatever is left."""
        self._asked.pop(session, None)

    def _next_fetch(self, session: bytes, asked: _Asked) -> list[Fetch]:
        ids = tuple(asked.unfetched)[: self._config.request_ids]
        asked.is_fetching = bool(ids)
        return [Fetch(session=session, ids=ids)] if ids else []

    def _end(self, session: bytes, asked: _Asked) -> bool:
        is_over = not asked.is_open and not asked.is_fetching
        if is_over:
            del self._asked[session]
        return is_over

    # ---------------------------------------------------------------------------------------------------- theirs

    def is_new(self, kid: bytes, question: Reconcile) -> bool:
        """Return whether answering requires a snapshot of the whole set."""
        return (kid, question.session) not in self._served

    def answer(self, kid: bytes, question: Reconcile, held: Held, *, at: int) -> Reconcile:
        """Return the answer to a peer's message.

        Raises:
            RefusedError: the session has another salt. DecodeError: it is no message.
        """
        config, key = self._config, (kid, question.session)
        served = self._served.get(key)
        if served is None:
            blinded = Blinded(held, self._used(question.salt))
            served = _Served(salt=question.salt, blinded=blinded, until=at + config.reconcile_time)
        if served.salt != question.salt:
            raise RefusedError("reconcile_session", "the salt of a session must not change.")
        message = respond(served.blinded.items, question.message, limit=config.reconcile_bytes)
        if key not in self._served:
            own = [each for each in self._served if each[0] == kid]
            if len(own) >= config.reconcile_sessions:
                del self._served[own[0]]
            if len(self._served) >= config.reconcile_sessions_all:
                del self._served[next(iter(self._served))]
            self._served[key] = served
        return Reconcile(session=question.session, salt=question.salt, root=served.blinded.root, message=message)

    def reveal(self, kid: bytes, fetch: Fetch) -> tuple[bytes, ...]:
        """Return the ids of the statements that a peer wants, in its order.

        Raises:
            RefusedError: the session is over.
        """
        served = self._served.get((kid, fetch.session))
        if served is None:
            raise RefusedError("reconcile_session", "this session has ended.", hint="Begin a new session.")
        return served.blinded.reveal(fetch.ids)

    # ------------------------------------------------------------------------------------------------------ both

    def _used(self, salt: bytes) -> bytes:
        return salt if self._config.salted else b""

    def expire(self, *, at: int) -> int:
        """Forget sessions that took too long; return how many of them this node had begun."""
        for key in [key for key, served in self._served.items() if served.until <= at]:
            del self._served[key]
        late = [session for session, asked in self._asked.items() if asked.until <= at]
        for session in late:
            del self._asked[session]
        return len(late)

    def forget_peer(self, kid: bytes) -> None:
        """Drops the sessions with a node no longer in force."""
        for key in [key for key in self._served if key[0] == kid]:
            del self._served[key]
        for session in [session for session, asked in self._asked.items() if asked.kid == kid]:
            del self._asked[session]
