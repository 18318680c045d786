"""Sessions: blinded so that nobody can prepare a set that hides another, gated by the root, and bounded."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from random import Random

import pytest

from accredit.gossip.exchanges import reconcile
from accredit.gossip.exchanges.reconcile import Blinded, ReconcileStep, Sessions, blind
from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.events import Held
from accredit.gossip.protocol.wire import Fetch, Reconcile
from accredit.registry.errors import DecodeError, RefusedError

ALICE, BOB = b"alice", b"bob"
CONFIG = GossipConfig()


class Set:
    """What a node holds, ids being any 32 bytes: a test double of `Held` for what hashes cannot be made to do."""

    def __init__(self, ids: Iterable[bytes]) -> None:
        self.all = sorted(ids)

    def __contains__(self, id: object) -> bool:
        return id in self.all

    def size(self) -> int:
        return len(self.all)

    def ids(self, start: int, stop: int) -> Sequence[bytes]:
        return self.all[start:stop]

    def items(self) -> list[tuple[int, bytes]]:
        return [(7, id) for id in self.all]

    def raw(self, id: bytes) -> bytes | None:
        return id if id in self.all else None

    def conflicts(self) -> Sequence[bytes]:
        return ()

    def notes(self) -> Sequence[bytes]:
        return ()

    def root(self) -> tuple[bytes, int]:
        return sha256(b"".join(self.all)).digest(), len(self.all)


def an_id(number: int) -> bytes:
    return sha256(b"%d" % number).digest()


class Pair:
    """A session of Alice's with Bob, frame by frame."""

    def __init__(self, ours: Held, theirs: Held, config: GossipConfig = CONFIG) -> None:
        self.ours, self.theirs = ours, theirs
        self.alice, self.bob = Sessions(config), Sessions(config)
        self.have: dict[bytes, None] = {}
        self.fetched: dict[bytes, None] = {}
        self.alarms = 0

    def begin(self, *, at: int = 0) -> Reconcile:
        return self.alice.begin(BOB, self.ours, Random(1), at=at)

    def ask(self, body: Reconcile | Fetch, *, at: int = 0) -> ReconcileStep:
        if isinstance(body, Reconcile):
            return self.alice.on_answer(body, self.bob.answer(ALICE, body, self.theirs, at=at))
        ids = self.bob.reveal(ALICE, body)
        self.fetched.update(dict.fromkeys(ids))
        return self.alice.on_fetched(body, ids)

    def run(self) -> "Pair":
        bodies: list[Reconcile | Fetch] = [self.begin()]
        while bodies:
            step = self.ask(bodies.pop(0))
            bodies += step.bodies
            self.have.update(dict.fromkeys(step.have))
            self.alarms += step.is_alarm
        assert not self.alice.is_asking(BOB)
        return self


def colliding() -> tuple[list[bytes], list[bytes]]:
    """Two different sets whose ids add up to the same: the fingerprint of both is one."""
    a, b = (int.from_bytes(an_id(number), "little") for number in (1, 2))
    common = [an_id(number) for number in range(10, 60)]
    crafted = [((a + 5) % 2**256).to_bytes(32, "little"), ((b - 5) % 2**256).to_bytes(32, "little")]
    return [*common, an_id(1), an_id(2)], [*common, *crafted]


@pytest.mark.parametrize("request_ids", [3, 1_000])
def test_both_sides_learn_what_they_lack(request_ids: int) -> None:
    ours, theirs = ([an_id(number) for number in range(start, start + 200)] for start in (0, 20))
    pair = Pair(Set(ours), Set(theirs), GossipConfig(request_ids=request_ids)).run()
    assert set(pair.have) == set(ours) - set(theirs)
    assert set(pair.fetched) == set(theirs) - set(ours)
    assert pair.alarms == 0


def test_a_set_made_to_hide_another_hides_nothing_under_a_salt() -> None:
    ours, theirs = colliding()
    pair = Pair(Set(ours), Set(theirs)).run()
    assert len(pair.have) == len(pair.fetched) == 2
    assert pair.alarms == 0


def test_without_the_salt_it_would_and_the_root_raises_the_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    """The defence switched off: so the test above can fail, and the gate is worth its 32 bytes."""

    def found_without_salt() -> Pair:
        ours, theirs = colliding()
        # All in one bucket, where the sums are compared: half of the ids below and half above are equal anyway.
        with monkeypatch.context() as patched:
            patched.setattr(reconcile, "blind", lambda _salt, id: id)
            patched.setattr("accredit.gossip.protocol.negentropy.BUCKETS", 1)
            return Pair(Set(ours), Set(theirs)).run()

    pair = found_without_salt()
    assert not pair.have
    assert not pair.fetched
    assert pair.alarms == 1


def test_a_session_ends_when_roots_have_become_equal() -> None:
    pair = Pair(Set([an_id(1)]), Set([an_id(1)]))
    step = pair.ask(pair.begin())
    assert step == ReconcileStep(is_over=True)


def test_a_lying_root_is_an_alarm() -> None:
    pair = Pair(Set([an_id(1)]), Set([an_id(1)]))
    question = pair.begin()
    honest = pair.bob.answer(ALICE, question, pair.theirs, at=0)
    lie = Reconcile(session=honest.session, salt=honest.salt, root=bytes(32), message=honest.message)
    assert pair.alice.on_answer(question, lie).is_alarm


def test_an_answer_to_no_session_is_refused() -> None:
    pair = Pair(Set([]), Set([an_id(1)]))
    question = pair.begin()
    answer = pair.bob.answer(ALICE, question, pair.theirs, at=0)
    other = Reconcile(session=question.session, salt=bytes(16), root=bytes(32), message=b"\x61")
    with pytest.raises(RefusedError, match="no session"):
        pair.alice.on_answer(question, other)
    pair.alice.drop(question.session)
    with pytest.raises(RefusedError, match="no session"):
        pair.alice.on_answer(question, answer)


def test_who_lists_and_delivers_nothing_is_found_out_and_the_session_over() -> None:
    pair = Pair(Set([]), Set([an_id(1)]))
    (fetch,) = pair.ask(pair.begin()).bodies
    assert isinstance(fetch, Fetch)
    assert pair.alice.is_asking(BOB)
    assert pair.alice.on_fetched(fetch, [an_id(99)]) == ReconcileStep(is_over=True, is_broken=True)
    assert not pair.alice.is_asking(BOB)
    assert pair.alice.on_fetched(fetch, [an_id(1)]) == ReconcileStep(), "too late"


def test_a_session_has_so_many_rounds_and_so_much_time() -> None:
    ours, theirs = ([an_id(number) for number in range(start, start + 500)] for start in (0, 500))
    pair = Pair(Set(ours), Set(theirs), GossipConfig(reconcile_rounds=1))
    step = pair.ask(pair.begin())
    assert not [body for body in step.bodies if isinstance(body, Reconcile)]
    endless = Pair(Set(ours), Set(theirs))
    question = endless.begin(at=5)
    endless.ask(question, at=5)
    assert endless.alice.expire(at=5 + CONFIG.reconcile_time - 1) == 0
    assert endless.alice.expire(at=5 + CONFIG.reconcile_time) == 1
    assert endless.bob.expire(at=5 + CONFIG.reconcile_time) == 0
    with pytest.raises(RefusedError, match="has ended"):
        endless.bob.reveal(ALICE, Fetch(session=question.session, ids=()))


def test_the_fifth_session_of_a_peer_replaces_its_first_and_the_seventeenth_of_all_the_oldest() -> None:
    held, bob = Set([an_id(1)]), Sessions(CONFIG)

    def open_by(kid: bytes, number: int) -> Reconcile:
        question = Reconcile(session=number.to_bytes(16), salt=bytes(16), root=bytes(32), message=b"\x61")
        assert bob.is_new(kid, question)
        bob.answer(kid, question, held, at=0)
        return question

    questions = [open_by(ALICE, number) for number in range(5)]
    assert [bob.is_new(ALICE, each) for each in questions] == [True, False, False, False, False]
    for peer in (b"p1", b"p2", b"p3", b"p4"):
        for number in range(4):
            open_by(peer, number)
    assert all(bob.is_new(ALICE, each) for each in questions)
    assert not bob.is_new(b"p1", questions[0])
    bob.forget_peer(b"p1")
    assert bob.is_new(b"p1", questions[0])
    assert not bob.is_new(b"p2", questions[0])


def test_what_is_no_message_or_has_another_salt_opens_nothing_and_changes_nothing() -> None:
    held, bob = Set([an_id(1)]), Sessions(CONFIG)
    question = Reconcile(session=bytes(16), salt=bytes(16), root=bytes(32), message=b"rubbish")
    with pytest.raises(DecodeError):
        bob.answer(ALICE, question, held, at=0)
    assert bob.is_new(ALICE, question)
    bob.answer(ALICE, Reconcile(session=bytes(16), salt=bytes(16), root=bytes(32), message=b"\x61"), held, at=0)
    with pytest.raises(RefusedError, match="salt"):
        bob.answer(ALICE, Reconcile(session=bytes(16), salt=b"s" * 16, root=bytes(32), message=b"\x61"), held, at=0)


def test_a_peer_no_longer_in_force_has_no_session() -> None:
    pair = Pair(Set([]), Set([an_id(1)]))
    pair.begin()
    pair.alice.forget_peer(ALICE)
    assert pair.alice.is_asking(BOB)
    pair.alice.forget_peer(BOB)
    assert not pair.alice.is_asking(BOB)


def test_blinded_ids_are_revealed_only_where_they_are_in_the_set() -> None:
    blinded = Blinded(Set([an_id(1)]), b"salt")
    assert blinded.reveal([blind(b"salt", an_id(2)), blind(b"salt", an_id(1)), an_id(1)]) == (an_id(1),)
