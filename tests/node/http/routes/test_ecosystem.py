"""Who decides here, and where each key stands."""

from pathlib import Path

from accredit.registry.statement import decode
from tests.strategies.served import ORIGIN, A, B, Served, empty, world


async def test_the_charter_in_force_is_shown(node: Served) -> None:
    shown = (await node.get("/v1/ecosystem")).json()
    assert (shown["id"], shown["version"], shown["effective"]) == (node.town.id, 1, True)
    assert [authority["id"] for authority in shown["authorities"]] == [A, B]
    assert shown["authorities"] == (await node.get("/v1/authorities")).json()["authorities"]
    assert shown["node"]["name"] == ORIGIN
    assert shown["ecosystem"] == node.town.eco.hex()


async def test_founders_find_the_charter_before_it_is_in_effect(tmp_path: Path) -> None:
    town = world()
    node = empty(tmp_path, town)
    nothing = (await node.get("/v1/ecosystem")).json()
    assert (nothing["id"], nothing["effective"], nothing["ecosystem"]) == (None, False, town.eco.hex())
    assert (await node.get("/v1/genesis")).status_code == 503
    assert (await node.get("/log/checkpoint")).status_code == 503
    assert (await node.get("/readyz")).json()["code"] == "not_ready"
    node.take([town.genesis.raw])
    proposed = (await node.get("/v1/ecosystem")).json()
    assert (proposed["id"], proposed["version"], proposed["effective"]) == (town.id, 0, False)


async def test_the_genesis_is_the_first_thing_a_newcomer_checks(node: Served) -> None:
    response = await node.get("/v1/genesis")
    assert decode(response.content).id == node.town.eco
    assert "immutable" in response.headers["cache-control"]


async def test_whoever_signs_next_learns_his_number(node: Served) -> None:
    pen = node.town.pen(A)
    key = (await node.get(f"/v1/keys/{pen.kid.hex()}")).json()
    assert (key["next_seq"], key["head"], key["public"]) == (pen.seq, (pen.prev or b"").hex(), pen.public.hex())
    assert key["authorities"] == [{"by": A, "via": None}]
    assert (key["forked"], key["cut"]) == (False, False)
    heads = (await node.get("/v1/heads")).json()["heads"]
    assert {"key": pen.kid.hex(), "id": key["head"], "seq": key["seq"]} in heads
    assert (await node.get(f"/v1/keys/{'0' * 64}")).status_code == 404


async def test_limits_of_the_charter_are_shown_where_it_has_them(tmp_path: Path) -> None:
    from tests.strategies.consortium import Consortium

    town = Consortium.of((A, "nonprofit"), max_backdating=86_400, description="A small one.")
    node = empty(tmp_path, town)
    node.hears()
    shown = (await node.get("/v1/ecosystem")).json()
    assert (shown["max_backdating"], shown["description"]) == (86_400, "A small one.")
