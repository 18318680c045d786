"""Records picked from a fold stay what they were, whatever becomes of the fold, and however they are looked at."""

import pytest

from accredit.governance.records.encoded_records import Picked, encoded
from accredit.registry.encoding.cbor import encode
from tests.strategies.bodies import register
from tests.strategies.consortium import Consortium

A, B = "https://a.example/", "https://b.example/"
ONE, TWO = ("issuer", "did:web:one.example"), ("issuer", "did:web:two.example")


def test_what_was_picked_does_not_follow_the_fold() -> None:
    town = Consortium.of((A, "nonprofit"), (B, "public"))
    town.says(A, "issuer.register", register(ONE[1]))
    fold = town.fold()
    before = fold.get(*ONE)
    assert before is not None
    picked, everything = fold.pick([ONE, TWO]), fold.pick()
    town.says(B, "issuer.register", register(ONE[1]))
    town.says(B, "issuer.register", register(TWO[1]))
    for statement in town.said[-2:]:
        fold.add(statement)
    fold.settle()
    assert dict(picked) == {ONE: before, TWO: None}
    assert len(picked) == 2
    assert everything[ONE] == before
    assert TWO not in everything
    assert fold.get(*ONE) != before
    newer = picked | fold.pick([TWO])
    assert newer[TWO] == fold.get(*TWO)
    assert newer[ONE] == before
    with pytest.raises(KeyError):
        picked["issuer", "did:web:three.example"]


def test_records_are_encoded_the_same_whatever_holds_them() -> None:
    plain = {ONE: {"id": ONE[1], "n": [1, {"a": [b"x", {"b": None}]}]}, TWO: None}
    raw = encode(plain[ONE])
    assert list(encoded(plain)) == list(encoded(Picked({ONE: raw, TWO: None}))) == [(ONE, raw), (TWO, None)]
    assert dict(Picked({ONE: raw, TWO: None})) == plain
