"""The feed: nobody who reads on from where he was misses anything."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from accredit.node.http.routes import changes as module
from tests.strategies.served import SUSPENDED, Served, ask_raw, served


async def test_pages_lead_through_the_whole_feed(node: Served) -> None:
    rows: list[dict[str, Any]] = []
    after = 0
    while page := (await node.get("/v1/changes", params={"after": after, "limit": 3})).json():
        rows += page["changes"]
        if not page["changes"]:
            break
        after = page["next"]
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    assert {"kind": "accreditation.status", "sub": SUSPENDED, "change": "took_effect"}.items() <= next(
        row for row in rows if row["kind"] == "accreditation.status"
    ).items()
    assert page["next"] == after, "the end is where one goes on later"


def told(body: bytes) -> list[tuple[int, dict[str, Any]]]:
    events = [block for block in body.decode().split("\n\n") if block and not block.startswith(":")]
    lines = [dict(line.split(": ", 1) for line in event.splitlines()) for event in events]
    return [(int(line["id"]), json.loads(line["data"])) for line in lines]


async def test_a_stream_tells_what_pages_tell_and_goes_on_where_it_was(node: Served) -> None:
    rows = (await node.get("/v1/changes")).json()["changes"]
    app = node.app(stream_seconds=0.05)
    response = await node.ask("GET", "/v1/changes", app, headers={"accept": "text/event-stream"})
    assert response.headers["content-type"].startswith("text/event-stream")
    assert told(response.content) == [(row["seq"], row) for row in rows]
    headers: dict[str, Any] = {"accept": "text/event-stream", "last-event-id": str(rows[2]["seq"])}
    response = await node.ask("GET", "/v1/changes", app, headers=headers)
    assert told(response.content) == [(row["seq"], row) for row in rows[3:]]
    response = await node.ask("GET", "/v1/changes", app, headers={**headers, "last-event-id": b"\xb2"})
    assert len(told(response.content)) == len(rows)


async def test_a_reader_that_goes_away_ends_its_stream(node: Served, autojump_clock: trio.abc.Clock) -> None:
    """Else streams nobody reads would use up the number of streams."""
    app = node.app()
    gone = trio.Event()

    async def leave() -> None:
        await trio.sleep(20)
        gone.set()

    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "method": "GET",
        "path": "/v1/changes",
        "query_string": b"",
        "headers": [(b"accept", b"text/event-stream")],
        "root_path": "",
    }
    async with trio.open_nursery() as nursery:
        nursery.start_soon(leave)
        await app(scope, receive, send)
    assert sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
    assert autojump_clock is not None


async def test_streams_are_bounded_and_asking_for_their_head_opens_none(
    node: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = node.app(stream_seconds=0.01)
    head = await node.ask("HEAD", "/v1/changes", app, headers={"accept": "text/event-stream"})
    assert (head.status_code, head.content) == (200, b"")
    monkeypatch.setattr(module, "STREAMS", 0)
    status, body = await ask_raw(app, "GET", b"/v1/changes", no_body(), accept=b"text/event-stream")
    assert (status, json.loads(body)["code"]) == (503, "overloaded")


async def test_one_address_does_not_take_all_streams(node: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine hundred of them once stalled a node for 7.5 s."""
    monkeypatch.setattr(module, "STREAMS_OF_ADDRESS", 2)
    app = node.app(stream_seconds=0.3)
    said: list[tuple[int, bytes]] = []

    async def follow() -> None:
        said.append(await ask_raw(app, "GET", b"/v1/changes", no_body(), accept=b"text/event-stream"))

    async with trio.open_nursery() as nursery:
        for _ in range(30):
            nursery.start_soon(follow)
    assert sorted(status for status, _ in said) == [200] * 2 + [503] * 28
    again = await ask_raw(app, "GET", b"/v1/changes", no_body(), accept=b"text/event-stream")
    assert again[0] == 200, "they have ended, and count no more"


def no_body() -> Iterator[bytes]:
    return iter(())


async def test_a_silent_line_is_kept_open_and_a_broken_disk_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    node = served(tmp_path)
    monkeypatch.setattr(module, "QUIET_SECONDS", 0.02)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(module, "STREAM_PAGE", 2)
    app = node.app(stream_seconds=0.2)
    status, body = await ask_raw(app, "GET", b"/v1/changes", no_body(), accept=b"text/event-stream")
    assert status == 200
    assert body.count(b": still here") >= 2
    assert len(told(body)) == len(node.store.changes(0, 100)), "page after page, without waiting"
    node.store.write(lambda connection: connection.execute("DROP TABLE changes").close())
    with caplog.at_level(logging.ERROR):
        status, body = await ask_raw(app, "GET", b"/v1/changes", no_body(), accept=b"text/event-stream")
    assert (status, told(body)) == (200, [])
    assert "stream of changes ended" in caplog.text


async def test_after_a_change_of_nodes_one_goes_on_from_a_time(node: Served) -> None:
    """Numbers are a node's own; what happened since a time is something that every node can be asked."""
    rows = (await node.get("/v1/changes")).json()["changes"]
    for at in range(len(rows)):
        since = rows[at]["time"]
        expected = [row for row in rows if row["time"] >= since]
        assert (await node.get("/v1/changes", params={"since": since})).json()["changes"] == expected
    assert (await node.get("/v1/changes", params={"since": "1970-01-01"})).json()["changes"] == rows
    late = (await node.get("/v1/changes", params={"since": "2999-01-01T00:00:00+02:00"})).json()
    assert late == {"changes": [], "next": rows[-1]["seq"]}, "the end, to go on from when something happens"
    headers = {"accept": "text/event-stream"}
    app = node.app(stream_seconds=0.05)
    response = await node.ask("GET", "/v1/changes?since=2999-01-01", app, headers=headers)
    assert told(response.content) == []


@pytest.mark.parametrize(
    ("query", "code"), [("since=yesterday", "bad_time"), ("since=2020-01-01&after=1", "both_given")]
)
async def test_a_start_that_says_nothing_or_two_things_is_refused(node: Served, query: str, code: str) -> None:
    response = await node.ask("GET", f"/v1/changes?{query}")
    assert (response.status_code, response.json()["code"]) == (400, code)
    assert response.json()["hint"]


async def test_a_number_beyond_the_end_is_an_error_that_says_what_to_do_after_changing_nodes(node: Served) -> None:
    """Else whoever changed nodes would wait at a number that comes in a year, and miss what happens until then."""
    end = (await node.get("/v1/changes")).json()["next"]
    assert (await node.get("/v1/changes", params={"after": end})).json() == {"changes": [], "next": end}
    for more in ({}, {"accept": "text/event-stream"}):
        response = await node.ask("GET", f"/v1/changes?after={end + 1}", headers=more)
        assert (response.status_code, response.json()["code"]) == (400, "after_beyond_end")
        assert "since=TIME" in response.json()["hint"]
    assert (await node.get("/v1/changes", params={"after": 0})).status_code == 200
