"""`docs/statements.cddl` and `docs/messages.cddl` against real bytes, judged by a CDDL tool that is not ours (pycddl).

pycddl 0.6 does not follow `.cbor` within an array, so a COSE_Sign1 and what it holds as bytes are judged one by one.
Nor does it take the first of several types that stand within an array: such a choice has a rule of its own.
"""

import pytest
from hypothesis import given

from accredit.gossip.protocol.wire import (
    Accusation,
    Announce,
    Beacon,
    Body,
    Fetch,
    Graft,
    Poll,
    Prune,
    Push,
    Reconcile,
    Request,
    Root,
    encode_frame,
)
from accredit.governance.rules.rulebook import KINDS
from accredit.node.engine.quorum_state import KeptNote, Part
from accredit.registry.decision.query import Query
from accredit.registry.encoding.cbor import decode, encode
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.statement import Statement
from docs.generators._shapes import members_of
from tests.docs.independent import accepts
from tests.strategies.domain import COLLEGE, ECOSYSTEM, NOW, World
from tests.strategies.histories import History, histories
from tests.strategies.noted import Held
from tests.strategies.searching import examples

ID, SESSION = bytes(32), bytes(16)
FRAMES: tuple[tuple[Body, str], ...] = (
    (Push(statements=(b"one", b"two"), urgent=True), "push"),
    (Announce(ids=(ID,)), "announcement"),
    (Request(ids=(ID, bytes([1]) * 32)), "announcement"),
    (Graft(), "empty"),
    (Prune(backoff=5_000), "prune"),
    (Beacon(root=ID, count=3, size=4, conflicts=ID, time=5, notes=(b"note",)), "beacon"),
    (Root(root=ID, count=3, size=4, conflicts=b""), "root"),
    (Reconcile(session=SESSION, salt=SESSION, root=ID, message=b"m"), "reconciliation"),
    (Fetch(session=SESSION, ids=(ID,)), "fetch"),
    (Accusation(holds=(ID,), conflicts=(b"whole",)), "accusation"),
    (Poll(last=SESSION), "poll"),
)


def body_rule(kind: str) -> str:
    return kind.replace(".", "-")


def is_described(statement: Statement) -> bool:
    protected, _, payload, _ = decode(statement.raw[1:])
    return (
        accepts("statements.cddl", "statement", statement.raw)
        and accepts("statements.cddl", "protected-header", protected)
        and accepts("statements.cddl", "payload", payload)
        and accepts("statements.cddl", body_rule(statement.kind), encode(statement.body))
    )


@examples(10)  # each value takes the tool some milliseconds
@given(histories())
def test_the_bytes_of_generated_statements_are_as_described(history: History) -> None:
    assert all(is_described(said) for said in {said.kind: said for said in history.said}.values())


@examples(5)
@given(histories())
def test_a_body_that_lacks_a_member_or_has_another_one_is_not_as_described(history: History) -> None:
    for said in history.said[:3]:
        found = members_of(KINDS[said.kind].check)
        assert found is not None
        name = body_rule(said.kind)
        for member in found[1]:
            less = {key: value for key, value in said.body.items() if key != member}
            assert not accepts("statements.cddl", name, encode(less)), (said.kind, member)
        assert not accepts("statements.cddl", name, encode({**said.body, "no such member": 1})), said.kind


@pytest.mark.parametrize(("body", "name"), FRAMES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_frame_of_each_type_is_as_described(body: Body, name: str) -> None:
    signer = KeyPair(bytes(32))
    data = encode_frame(body, signer=signer, recipient=ID, time=1_800_000_000_000, nonce=SESSION)
    protected, _, payload, _ = decode(data[1:])
    assert accepts("messages.cddl", "frame", data)
    assert accepts("messages.cddl", "frame-header", protected)
    assert accepts("messages.cddl", "frame-payload", payload)
    content = decode(payload)
    assert accepts("messages.cddl", name, encode(content[7]))
    assert name == "empty" or not accepts(
        "messages.cddl", name, encode({**content[7], 9: 1})
    )  # the tool is lax about {}
    assert not accepts("messages.cddl", "frame-payload", encode({**content, 5: b"short"}))
    assert not accepts("messages.cddl", "frame", b"\xd2" + encode([protected, {}, payload, bytes(63)]))


def test_evidence_and_stored_notes_are_as_described() -> None:
    held = Held.of(World().records())
    evidence = held.prove(Query(entity=COLLEGE, authority=ECOSYSTEM), NOW).encode()
    content = decode(evidence, max_bytes=len(evidence))
    assert content["records"]
    assert accepts("messages.cddl", "evidence", evidence)
    for member in content:
        assert not accepts("messages.cddl", "evidence", encode({k: v for k, v in content.items() if k != member}))
    stored = KeptNote(note=content["note"], part=Part(size=7, without=(2, 4))).encode()
    assert accepts("messages.cddl", "stored-note", stored)
    assert accepts("messages.cddl", "cosignature-message", encode({1: content["note"], 2: [ID]}))
    assert not accepts("messages.cddl", "cosignature-message", encode({1: content["note"], 2: [b"short"]}))
