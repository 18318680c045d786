"""Engines that begin with what another one had settled: as if they had loaded it all, and none notices another."""

from collections.abc import Iterable

import pytest

from accredit.node.engine import KeepNote, NoteStands
from accredit.node.engine.image import EngineImage
from accredit.node.engine.quorum_state import Part
from accredit.registry.statement import Statement
from tests.strategies.bodies import event, grant
from tests.strategies.consortium import Consortium, Pen, key_entry
from tests.strategies.driven import Driven, connect, pushed_by
from tests.strategies.network import A, B, founded, issuer_body, node_entry
from tests.strategies.signing import signing_town


def image_of(town: Consortium, raws: Iterable[bytes], *, wait: int = 0) -> EngineImage:
    """What node1 holds of these, perhaps after some time in which it signs."""
    driven = Driven(town, log=raws)
    if wait:
        driven.wait(wait)
    return driven.engine.image()


def picture(node: Driven) -> object:
    engine = node.engine
    return (
        engine.size,
        engine.fold.state_root(),
        dict(engine.fold.items()),
        engine._log.root(),
        engine._log.ids(0, 10**6),
        list(engine._log.items()),
        [peer.name for peer in engine.statistics().peers],
        engine.notary.noted.state,
        engine.next_wakeup() is None,
    )


@pytest.mark.parametrize("town", [founded("node1", "node2"), signing_town(1)], ids=["no signers", "one signer"])
def test_an_engine_over_an_image_is_like_one_that_has_loaded_it_and_goes_on_alike(town: Consortium) -> None:
    given = [town.says(A, "issuer.register", issuer_body(n)) for n in range(3)]
    raws = [each.raw for each in town.said]
    image = image_of(town, raws, wait=3_000)
    nodes = [Driven(town, "node1", log=raws), Driven(town, "node1", log=raws, base=image)]
    more = [town.says(A, "accreditation.grant", grant(given[0].sub))]
    more.append(town.says(A, "accreditation.status", event(more[0].id, "suspend"), sub=given[0].sub))
    admit = town.says(A, "node.admit", node_entry("node3"), sub="node3")
    more += [admit, town.votes(B, admit)]
    for node in nodes:
        node.wait(3_000)
    assert picture(nodes[0]) == picture(nodes[1])
    for statement in more:
        for node in nodes:
            assert node.submitted(statement) == ["logged"]
    for node in nodes:
        node.wait(5_000)
    assert picture(nodes[0]) == picture(nodes[1])
    untouched = Driven(town, "node2", log=raws, base=image)
    assert untouched.engine.size == len(raws)
    assert untouched.engine.fold.state_root() == town.fold(town.said[: len(raws)]).state_root()


def test_many_nodes_over_one_image_gossip_as_ever() -> None:
    town = founded("node1", "node2", "node3")
    raws = [each.raw for each in town.said]
    image = image_of(town, raws)
    nodes = [Driven(town, name, log=raws, base=image) for name in ("node1", "node2", "node3")]
    nodes[0].submitted(town.says(A, "issuer.register", issuer_body()))
    nodes[1].submitted(town.says(B, "issuer.register", issuer_body(2)))
    for _ in range(8):
        connect(*nodes)
        for node in nodes:
            node.wait(500)
    assert {node.engine.size for node in nodes} == {len(town.said)}
    assert {node.engine.fold.state_root() for node in nodes} == {town.fold().state_root()}


def test_what_an_image_had_logged_and_not_cosigned_yet_is_cosigned_over_it() -> None:
    """The image's notary stands by a part of what its log holds."""
    town = signing_town(1)
    first = Driven(town, log=[each.raw for each in town.said])
    first.wait(3_000)
    behind = town.says(A, "issuer.register", issuer_body())
    first.submit(behind)
    first.wait(700)  # the tick, and not yet the quiet after it
    raws = list(first.log)
    image = first.engine.image()
    assert list(image.notary.behind) == [behind.id]
    node = Driven(town, log=raws, base=image)
    assert behind.id in node.engine
    assert node.engine.fold.state_root() == town.fold().state_root()
    node.wait(5_000)
    kept = [each for each in node.notes if isinstance(each, KeepNote)]
    assert kept[-1].part == Part(size=len(raws))
    assert any(isinstance(each, NoteStands) for each in node.notes)


def test_after_a_full_disk_acceptance_is_as_the_image_and_the_log_have_it() -> None:
    town = founded("node1", "node2")
    raws = [each.raw for each in town.said]
    node = Driven(town, log=raws, base=image_of(town, raws))
    new = Pen("new", A)
    key = town.says(A, "key.add", key_entry(new))
    issuer = town.says(new, "issuer.register", issuer_body())
    kept = town.says(B, "issuer.register", issuer_body(2))
    assert node.submitted(kept) == ["logged"]
    node.full = True
    node.submitted(key, issuer)
    node.full = False
    node.wait(10_000)
    assert node.submitted(issuer) == ["waiting"]
    assert node.submitted(kept) == ["known"]
    assert node.submitted(key) == ["logged"]


def test_an_image_of_an_image_holds_both() -> None:
    town = founded("node1", "node2")
    raws = [each.raw for each in town.said]
    node = Driven(town, log=raws, base=image_of(town, raws))
    more: list[Statement] = [town.says(A, "issuer.register", issuer_body(n)) for n in range(3)]
    node.submitted(*more)
    again = Driven(town, "node2", log=node.log, base=node.engine.image())
    again.handle(pushed_by("node1", again, town.says(A, "issuer.register", issuer_body(9)).raw))
    again.wait()
    assert again.engine.size == len(town.said)
    assert again.engine.fold.state_root() == town.fold().state_root()
    assert again.engine._log.ids(1, 4) == [each.id for each in town.said[1:4]]
