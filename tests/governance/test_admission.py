"""Accepting: local, without a clock, and never turning false later."""

import pytest

from accredit.governance.authority.admission import Admission
from accredit.governance.index.key_entries import next_number
from accredit.registry.encoding.ed25519 import KeyPair, key_id
from accredit.registry.errors import DecodeError, NotYetError, RefusedError
from accredit.registry.statement import Draft, Statement, Unverified, decode, encode_signed
from tests.strategies.bodies import ISSUER, grant, register
from tests.strategies.consortium import Consortium, Pen, key_entry, seed_of
from tests.strategies.stories import A, B, compromise, delegate, issuer_pen, pinned, trio


def node_of(town: Consortium, *statements: Statement) -> Admission:
    node = Admission(town.eco)
    for statement in statements or town.said:
        node.add(node.admit(decode(statement.raw)))
    return node


def unsigned(town: Consortium, pen: Pen, kind: str, body: dict[str, object], sub: str) -> Unverified:
    draft = Draft(iss=pen.authority, sub=sub, iat=1, eco=town.eco, kind=kind, seq=pen.seq, prev=pen.prev, body=body)
    return decode(encode_signed(draft, KeyPair(pen.seed)))


def code_of(node: Admission, statement: Unverified) -> str:
    with pytest.raises((DecodeError, NotYetError, RefusedError)) as caught:
        node.admit(decode(statement.raw))
    return caught.value.code


def test_what_is_accepted_is_remembered_once() -> None:
    town = trio()
    node = node_of(town)
    node.add(town.genesis)

    assert len(node) == len(town.said)
    assert town.genesis.id in node


def test_a_good_signature_alone_is_no_reason_to_be_accepted() -> None:
    """What is asked of a statement whose signature was checked elsewhere is all the rest that is asked of any."""
    town, other = trio(), trio(id="https://other.example/")
    node = node_of(town)
    said = town.says(A, "issuer.register", register(), heard=False)
    assert node.readmit(said) is said
    assert node.readmit(town.genesis) == town.genesis
    assert said.id not in node, "asking changes nothing"

    stranger, later = Pen("stranger", A), town.pen(A).copy()
    later.seq = 10_000_000
    strange = town.says(stranger, "issuer.register", register(), heard=False)
    beyond = town.says(later, "issuer.register", register(), heard=False)
    foreign = other.says(A, "issuer.register", register())
    for statement, code in ((strange, "unknown_key"), (beyond, "over_budget"), (foreign, "wrong_ecosystem")):
        with pytest.raises((NotYetError, RefusedError)) as caught:
            node.readmit(statement)
        assert caught.value.code == code == code_of(node, statement)


def test_a_genesis_signed_by_a_stranger_is_refused() -> None:
    town = trio()
    stranger = Pen("stranger", A)
    draft = Draft(iss=A, sub=town.id, iat=1, eco=None, kind="charter.genesis", seq=1, prev=None, body=town.genesis.body)
    foreign = decode(encode_signed(draft, KeyPair(seed_of(stranger.name))))

    assert code_of(Admission(foreign.id), foreign) == "foreign_genesis"


def test_a_body_not_of_its_kinds_shape_is_refused_and_nothing_is_remembered() -> None:
    town = trio()
    node = node_of(town)
    unknown = unsigned(town, town.pen(A), "issuer.praise", {}, ISSUER)
    misnamed = unsigned(town, town.pen(A), "issuer.register", register(), "did:web:other.example")

    assert code_of(node, unknown) == "unknown_kind"
    assert code_of(node, misnamed) == "wrong_subject"
    assert len(node) == len(town.said)


def test_a_signature_by_another_key_is_refused() -> None:
    town = trio()
    node = node_of(town)
    said = town.says(A, "issuer.register", register(), heard=False)
    forged = said.raw[:-1] + bytes([said.raw[-1] ^ 1])

    assert code_of(node, decode(forged)) == "bad_signature"


def test_a_key_introduced_behind_a_gap_is_not_known_until_the_gap_is_filled() -> None:
    town = trio()
    withheld = town.says(A, "issuer.register", register(), heard=False)
    pen, said = delegate(town)
    first = town.says(pen, "accreditation.grant", grant())
    node = node_of(town, *town.said[:-1])
    assert said.id in node
    assert code_of(node, first) == "unknown_key"

    node.add(node.admit(decode(withheld.raw)))

    assert node.admit(decode(first.raw)) == first


def test_a_statement_out_of_sequence_introduces_nothing() -> None:
    """Numbers are not skipped, nor is another's statement claimed as one's own earlier one."""
    town = trio()
    node = node_of(town)
    for seq, prev in ((town.pen(A).seq + 1, town.pen(A).prev), (town.pen(A).seq, town.pen(B).prev)):
        pen = Pen(f"introduced at {seq}", A)
        hand = Pen(f"{A}#1", A, seq, prev)
        node.add(node.admit(decode(town.says(hand, "key.add", key_entry(pen, budget=5), A, heard=False).raw)))

        assert code_of(node, town.says(pen, "issuer.register", register(), heard=False)) == "unknown_key"


def test_the_next_key_is_known_by_its_thumbprint_until_it_shows_itself() -> None:
    town = trio(next_keys=True)
    old, new = town.pen(A), town.pen(f"{A}#1 next", A)
    silent = [
        town.says(Pen(new.name, A), "issuer.register", register(), heard=False),
        town.says(Pen(new.name, A), "key.add", key_entry(Pen("another", A), budget=1), A, heard=False),
    ]
    shown = town.says(new, "key.rotate", {"key": old.kid, "last": None, "new": key_entry(new, budget=9)}, A)
    later = town.says(new, "issuer.register", register())
    node = node_of(town, *town.said[:-2])
    assert [code_of(node, s) for s in (*silent, later)] == ["unknown_key"] * 3
    with pytest.raises(NotYetError, match="introduces the key"):
        node.readmit(silent[0])

    for statement in (shown, later):
        node.add(node.admit(decode(statement.raw)))


def test_the_next_key_shows_itself_in_a_compromise_too() -> None:
    town = trio(next_keys=True)
    new = town.pen(f"{A}#1 next", A)
    cut = compromise(town, new, town.pen(A), public=new.public)

    assert cut.id in node_of(town)


def test_no_key_raises_its_own_budget() -> None:
    """Not by adding itself, not by rotating to itself, not by pinning itself: only another key pays for it."""
    town = trio(budget=6, next_keys=True)
    town.says(A, "key.add", key_entry(town.pen(A), budget=1000), A)
    town.says(A, "issuer.register", register(keys=[pinned(town.pen(A), budget=1000)]))
    node = node_of(town)
    town.pen(A).seq = 7
    assert code_of(node, town.says(A, "issuer.register", register(), heard=False)) == "over_budget"

    new = town.pen(f"{A}#1 next", A)
    body = {"key": town.pen(A).kid, "last": None, "new": key_entry(new, budget=10_000)}
    rotate = town.says(new, "key.rotate", body, A)
    assert node.readmit(rotate) == node.admit(decode(rotate.raw))
    node.add(rotate)
    new.seq = 101
    assert code_of(node, town.says(new, "issuer.register", register(), heard=False)) == "over_budget"


def test_what_is_over_a_budget_that_another_introduction_raises_is_not_refused_for_good() -> None:
    """Else two nodes that hear the same in another order would not come to hold the same, and blame each other."""
    town = trio()
    pen = Pen("second of A", A)
    town.says(A, "key.add", key_entry(pen, budget=1), A)
    town.says(pen, "issuer.register", register())
    node = node_of(town)
    second = town.says(pen, "issuer.register", register("did:web:second.example"), heard=False)
    with pytest.raises(NotYetError, match="budget of 1"):
        node.admit(decode(second.raw))

    more = town.says(B, "key.add", key_entry(pen, budget=3), A)
    node.add(node.admit(decode(more.raw)))

    assert node.admit(decode(second.raw)) == second


def test_naming_a_key_without_a_budget_does_not_make_it_known() -> None:
    """Else whoever shows a key early would have its statements refused at those who have yet to hear of it."""
    town = trio()
    pen = Pen("not introduced yet", A)
    compromise(town, B, pen, public=pen.public)
    node = node_of(town)

    assert code_of(node, town.says(pen, "issuer.register", register(), heard=False)) == "unknown_key"


def test_budgets_are_paid_by_the_introducer() -> None:
    town = trio()
    pen = issuer_pen(town)
    registered = town.said[-1]
    assert next_number(registered) == registered.seq + 1 + 50

    added = town.says(A, "issuer.key", {"issuer": ISSUER, "op": "add", "key": pinned(pen, budget=7)})
    assert next_number(added) == added.seq + 1 + 7

    plain = {key: value for key, value in pinned(pen).items() if key != "budget"}
    kept = town.says(A, "issuer.key", {"issuer": ISSUER, "op": "add", "key": plain})
    assert next_number(kept) == kept.seq + 1

    keys = [plain | {"id": f"{ISSUER}#plain"}, pinned(Pen("counted", ISSUER), id=f"{ISSUER}#counted", budget=9)]
    mixed = town.says(A, "issuer.register", register(ISSUER, keys=keys))
    assert next_number(mixed) == mixed.seq + 1 + 9

    entry = key_entry(Pen("with a next", A), budget=10) | {"next": {"key": key_id(pen.public), "budget": 20}}
    both = town.says(A, "key.add", entry, A)
    assert next_number(both) == both.seq + 1 + 30
