"""The DCC list, read as the Digital Credentials Consortium's client reads it."""

import json
from pathlib import Path
from typing import Any

import pytest

from accredit.node.http.handling import seldom
from accredit.node.http.routes import exports
from tests.shared_data import shared_data
from tests.strategies import bodies
from tests.strategies.served import COLLEGE, EXPIRED, NOW, PORT, SUSPENDED, A, Served, empty, served, world


def lookup(text: str, did: str) -> dict[str, Any] | None:
    """What issuer-registry-client's dcc-legacy handler makes of the list: look the DID up as it is written."""
    entry = json.loads(text)["registry"].get(did)
    return entry and {"organization_name": entry["name"], "homepage_uri": entry["url"], "location": entry["location"]}


async def test_those_trusted_now_are_listed_and_no_others(node: Served) -> None:
    response = await node.get("/exports/dcc-registry.json")
    assert response.headers["access-control-allow-origin"] == "*", "wallets in browsers read it"
    assert lookup(response.text, COLLEGE) == {
        "organization_name": "College of Examples",
        "homepage_uri": "https://college.example/",
        "location": "Cambridge, MA, USA",
    }
    assert lookup(response.text, PORT) == {
        "organization_name": "A Local Test School",
        "homepage_uri": "",
        "location": "",
    }
    assert lookup(response.text, SUSPENDED) is None
    assert lookup(response.text, EXPIRED) is None
    assert list(response.json()["registry"]) == [COLLEGE, PORT]


async def test_a_suspension_takes_an_issuer_off_at_once_and_time_takes_it_off_within_a_minute(tmp_path: Path) -> None:
    node = served(tmp_path)
    app = node.app()

    async def listed() -> list[str]:
        return list((await node.ask("GET", "/exports/dcc-registry.json", app)).json()["registry"])

    assert await listed() == [COLLEGE, PORT]
    grant = next(one for one in node.town.said if one.kind == "accreditation.grant" and one.sub == COLLEGE)
    node.town.says(A, "accreditation.status", bodies.event(grant.id, "suspend", NOW - 5), sub=COLLEGE)
    node.town.says(A, "accreditation.grant", bodies.grant("did:web:brief.example", valid_until=NOW + 30))
    node.hears()
    assert await listed() == ["did:web:brief.example", PORT]
    node.time = NOW + 61
    assert await listed() == [PORT]


async def test_who_asks_after_each_change_has_a_long_list_made_anew_once_a_minute_and_keeps_no_outdated_one_for_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 20,000 issuers it takes seconds, and anybody can ask."""
    monkeypatch.setattr(seldom, "QUICK_SECONDS", -1.0)
    monkeypatch.setattr(seldom, "REST", 10**9)
    clock = [1_000.0]
    monkeypatch.setattr("accredit.node.http.handling.seldom.current_time", lambda: clock[0])
    node = served(tmp_path)
    app = node.app()

    async def listed() -> tuple[list[str], str]:
        answer = await node.ask("GET", "/exports/dcc-registry.json", app)
        return list(answer.json()["registry"]), answer.headers["cache-control"]

    def listing(*args: Any) -> Any:
        clock[0] += 1.0
        return _list(*args)

    _list = exports._list
    monkeypatch.setattr(exports, "_list", listing)
    assert await listed() == ([COLLEGE, PORT], "public, max-age=60")
    grant = next(one for one in node.town.said if one.kind == "accreditation.grant" and one.sub == COLLEGE)
    node.town.says(A, "accreditation.status", bodies.event(grant.id, "suspend", NOW - 5), sub=COLLEGE)
    node.hears()
    clock[0] = 1_040.5
    assert await listed() == ([COLLEGE, PORT], "public, max-age=19"), "it rests, until 60 s after its making began"
    clock[0] = 1_060.0
    assert await listed() == ([PORT], "public, max-age=60")


async def test_a_list_that_has_not_changed_is_neither_written_nor_digested_again(
    node: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 20,000 issuers that took 20 ms of each request, in which nobody else was answered; a snapshot took 37."""
    app = node.app()
    paths = ("/exports/dcc-registry.json", "/v1/snapshot")
    first = [await node.ask("GET", path, app) for path in paths]
    assert '"' in first[0].headers["etag"]

    def dear(_body: bytes) -> None:
        raise AssertionError("this takes long")

    monkeypatch.setattr("accredit.node.http.app.hashlib.sha256", dear)
    for path, before in zip(paths, first, strict=True):
        again = await node.ask("GET", path, app)
        assert (again.status_code, again.content, again.headers["etag"]) == (
            200,
            before.content,
            before.headers["etag"],
        )
        known = await node.ask("GET", path, app, headers={"if-none-match": before.headers["etag"]})
        assert (known.status_code, known.content) == (304, b"")


async def test_the_list_names_when_it_last_changed_and_is_the_same_on_every_node(node: Served, tmp_path: Path) -> None:
    meta = (await node.get("/exports/dcc-registry.json")).json()["meta"]
    assert meta == {"created": "2023-11-14T22:13:20Z", "updated": "2023-11-14T22:13:27Z"}
    other = empty(tmp_path, world())
    assert (await other.get("/exports/dcc-registry.json")).status_code == 503, "not before the genesis"
    other.hears()
    assert (await other.get("/exports/dcc-registry.json")).json()["meta"] == meta


@pytest.mark.parametrize("name", ["dcc-registry", "issuer-registry", "community-registry", "sandbox-registry"])
async def test_our_list_has_the_members_of_the_published_ones(node: Served, name: str) -> None:
    published = json.loads(shared_data("dcc", f"{name}.registry.json").read_text("utf-8"))
    ours = (await node.get("/exports/dcc-registry.json")).json()
    assert published["meta"].keys() == ours["meta"].keys()
    for entry in ours["registry"].values():
        assert all(theirs.keys() <= entry.keys() for theirs in published["registry"].values())


@pytest.mark.parametrize(
    "path",
    [
        "/exports/dcc-registry.json",
        f"/exports/recognized-entities.json?authority={A}",
        f"/exports/recognized-entity.json?id={COLLEGE}",
        "/exports/recognized-authorities.json",
        "/federation/list",
        "/federation/extended-list",
        f"/federation/fetch?sub={COLLEGE}",
        "/.well-known/openid-federation",
    ],
)
async def test_a_node_whose_view_is_too_old_lists_nobody_in_any_form(
    node: Served, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An issuer suspended meanwhile would be trusted by whoever reads lists, though no question is answered so."""
    assert (await node.get(path)).status_code == 200
    monkeypatch.setattr(node.health, "stale", lambda: "It has heard nobody for an hour.")
    assert (await node.get(path)).status_code == 503
