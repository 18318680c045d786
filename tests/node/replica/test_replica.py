"""A replica: answers as the node does, with evidence; takes nothing older or forged; is silent once too old."""

import re
import socket
from base64 import b64decode
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import pytest
import trio

from accredit.node import faults
from accredit.node.clients.store_files import STATE_NOTE
from accredit.node.clients.store_reading import fetch_snapshot
from accredit.node.http.app import table
from accredit.node.replica import replica
from accredit.node.replica.replica import ALWAYS, PATHS, Replica
from accredit.node.replica.served_state import PAST_STATES, ServedState
from accredit.registry.decision.query import Query
from accredit.registry.encoding.cbor import encode
from accredit.registry.errors import InputError, NotYetError
from accredit.registry.evidence.check import check
from accredit.registry.evidence.private_lookup import Bucket, open_bucket
from accredit.registry.evidence.snapshot import Snapshot
from accredit.registry.evidence.state_check import CheckResult
from accredit.registry.transparency.state_note import StateNote
from tests.strategies.publishing import Published
from tests.strategies.served import COLLEGE, Served, served

NEW = "did:web:new.example"


class StoppedClock:
    """The node's time."""

    def __init__(self, node: Served) -> None:
        self._node = node

    def now(self) -> float:
        return self._node.time

    def monotonic(self) -> float:
        return self._node.time


class Mirror:
    """A replica of what a node has published, and those who ask it."""

    def __init__(self, published: Published, *places: str) -> None:
        self.remembered: list[StateNote] = []
        self.published = published
        self.replica = Replica(
            published.policy(),
            places or [str(published.folder)],
            clock=StoppedClock(published.node),
            remember=self.remembered.append,
        )

    async def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.replica.application())
        async with httpx.AsyncClient(transport=transport, base_url="http://replica.test", trust_env=False) as client:
            return await client.request(method, path, **request)

    async def decide(self, issuer: str, **more: Any) -> Any:
        asked = {"issuer": issuer, "achievement_type": "Degree", **more}
        return (await self.ask("POST", "/v1/decisions", json=asked)).json()


@pytest.fixture
def published(tmp_path: Path) -> Published:
    made = Published(served(tmp_path), tmp_path / "files")
    made.publish()
    return made


async def test_a_replica_answers_as_the_node_does_with_evidence_that_checks_itself(published: Published) -> None:
    mirror = Mirror(published)
    assert await mirror.replica.refresh() == {}
    asked = {"issuer": COLLEGE, "achievement_type": "Degree"}
    ours, nodes = await mirror.decide(COLLEGE), (await published.node.post("/v1/decisions", asked)).json()
    assert ours == nodes
    proved = await mirror.decide(COLLEGE, evidence=True)
    policy, now = published.policy(), published.node.now()
    query = Query(entity=COLLEGE, authority=policy.charter, achievement_types=("Degree",))
    assert check(b64decode(proved["evidence"]), query, policy, now).result is CheckResult.VERIFIED
    trqp = {
        "entity_id": COLLEGE,
        "authority_id": policy.charter,
        "action": "issue",
        "resource": "achievementType:Degree",
    }
    answered = await mirror.ask("POST", "/authorization", json=trqp)
    assert answered.json()["authorized"] is True
    assert answered.headers["accredit-state-age"].isdigit()
    assert mirror.remembered == [mirror.replica.noted.state]


async def test_a_replica_hands_on_what_it_holds_to_verifiers_and_to_other_replicas(published: Published) -> None:
    mirror = Mirror(published)
    await mirror.replica.refresh()
    policy, now = published.policy(), published.node.now()
    whole = (await mirror.ask("GET", "/v1/snapshot")).content
    held = Snapshot.load(whole, policy, now)
    assert (await mirror.ask("GET", "/v1/state-note")).content == held.noted.note
    bucket = (await mirror.ask("GET", "/v1/issuers/by-prefix/0?k=1")).json()
    assert open_bucket(Bucket.of(bucket), policy, now).noted.state == held.noted.state
    published.goes_on(NEW)
    published.publish()
    await mirror.replica.refresh()
    delta = (await mirror.ask("GET", f"/v1/snapshot?since={held.noted.state.root.hex()}")).content
    assert delta.startswith(b"accredit-delta/")
    held.update(delta, policy, published.node.now())
    assert held.records_root() == mirror.replica.noted.records_root()
    same = (await mirror.ask("GET", f"/v1/snapshot?since={held.noted.state.root.hex()}")).content
    assert len(same) < 1_000
    unknown = (await mirror.ask("GET", f"/v1/snapshot?since={'00' * 32}")).content
    assert unknown.startswith(b"accredit-snapshot/")
    assert (await mirror.decide(NEW))["authorized"] is True


async def test_what_only_a_node_answers_is_said_to_be_its_to_answer(published: Published) -> None:
    mirror = Mirror(published)
    await mirror.replica.refresh()
    left = {route.path for route in table() if route.method == "GET"} - PATHS
    assert len(left) > 30
    for path in sorted(left):
        answer = await mirror.ask("GET", re.sub(r"\{[^}]*\}", "00" * 32, path))
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (404, "not_served"), path
        assert "Ask a node" in problem["hint"]
    assert (await mirror.ask("GET", "/v1/nothing")).json()["code"] == "not_found"


async def test_before_the_first_state_and_past_the_policys_age_nothing_is_answered(published: Published) -> None:
    mirror = Mirror(published, str(published.folder / "nowhere"))
    assert (await mirror.replica.refresh()).popitem()[1].code == "no_store"
    trqp = {"entity_id": COLLEGE, "authority_id": "x", "action": "issue", "resource": "r"}
    asked = [
        ("POST", "/v1/decisions", {"issuer": COLLEGE}),
        ("POST", "/authorization", trqp),
        ("GET", "/v1/snapshot", None),
    ]
    for method, path, body in [*asked, ("GET", "/readyz", None)]:
        answer = await mirror.ask(method, path, json=body)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5"), path
        assert "not verified any state yet" in answer.json()["detail"]
    assert (await mirror.ask("GET", "/healthz")).status_code == 200
    with pytest.raises(NotYetError):
        assert mirror.replica.noted
    mirror = Mirror(published)
    await mirror.replica.refresh()
    assert (await mirror.ask("GET", "/readyz")).status_code == 200
    published.node.time += published.policy().max_age + 1
    for method, path, body in [*asked, ("GET", "/readyz", None)]:
        answer = await mirror.ask(method, path, json=body)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5"), path
        assert int(answer.headers["accredit-state-age"]) > published.policy().max_age
    assert "longer ago than its policy allows" in answer.json()["detail"]
    assert "accredit_ready 0.0" in (await mirror.ask("GET", "/metrics")).text
    published.node.time += 100 * 86_400
    assert "expired" in (mirror.replica.stale() or "")


async def test_what_is_older_or_forged_is_refused_and_what_is_served_stays(published: Published) -> None:
    mirror = Mirror(published)
    old = (published.folder / STATE_NOTE).read_bytes()
    published.goes_on(NEW)
    published.publish()
    await mirror.replica.refresh()
    newest = mirror.replica.noted.state
    (published.folder / STATE_NOTE).write_bytes(old)
    assert (await mirror.replica.refresh()).popitem()[1].code == "count"
    assert mirror.replica.noted.state == newest
    published.goes_on("did:web:newer.example")
    published.publish()
    for delta in published.folder.glob("state/*/since/*"):
        delta.write_bytes(delta.read_bytes()[:-9])
    for whole in published.folder.glob("state/*/snapshot"):
        whole.write_bytes(whole.read_bytes()[:-9])
    assert (await mirror.replica.refresh()).popitem()[1].code == "note"
    assert mirror.replica.noted.state == newest
    assert (await mirror.decide(NEW))["authorized"] is True


async def test_one_honest_place_among_others_is_enough_and_an_older_note_never_replaces_a_fresher(
    published: Published, tmp_path: Path
) -> None:
    behind = Published(published.node, tmp_path / "behind")
    behind.publish()
    published.goes_on(seconds=120)
    published.node.notes()
    published.publish()
    mirror = Mirror(published, str(tmp_path / "gone"), str(published.folder), str(behind.folder))
    failed = await mirror.replica.refresh()
    assert list(failed) == [str(tmp_path / "gone")]
    since = mirror.replica.noted.noted.since
    await mirror.replica.refresh()
    assert mirror.replica.noted.noted.since == since


def drip(listener: socket.socket) -> None:
    """Answer whoever comes with a head and a byte in a while, for ever."""
    with ExitStack() as kept, suppress(OSError):
        while True:
            asker = kept.enter_context(listener.accept()[0])
            asker.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx")


async def test_a_place_that_never_ends_its_answer_holds_up_no_other(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica, "PATIENCE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dripping = Thread(target=drip, args=[listener])
        dripping.start()
        place = f"http://127.0.0.1:{listener.getsockname()[1]}"
        mirror = Mirror(published, place, str(published.folder))
        with trio.fail_after(60):
            while mirror.replica.age() is None:
                assert (await mirror.replica.refresh())[place].code == "slow_source"
        first = mirror.replica.noted.state
        published.goes_on(NEW)
        published.publish()
        with trio.fail_after(60):
            while mirror.replica.noted.state == first:
                await mirror.replica.refresh()
        listener.shutdown(socket.SHUT_RDWR)
    dripping.join(60)
    assert (await mirror.decide(NEW))["authorized"] is True


async def test_a_slow_place_is_taken_once_its_answer_is_here(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_allowed = Event()

    def slowly(*asked: Any, **more: Any) -> Any:
        is_allowed.wait(60)
        return fetch_snapshot(*asked, **more)

    monkeypatch.setattr(replica, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(replica, "fetch_snapshot", slowly)
    folder = str(published.folder)
    mirror = Mirror(published, folder, str(published.folder / "nowhere"))
    assert (await mirror.replica.refresh())[folder].code == "slow_source"
    is_allowed.set()
    with trio.fail_after(60):
        while mirror.replica.age() is None:
            await mirror.replica.refresh()
    assert (await mirror.decide(COLLEGE))["authorized"] is True


async def test_a_fault_in_one_fetch_is_outlived_and_its_place_asked_again(
    published: Published, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its place was never asked again, and with no other the replica answered 503 for ever."""
    monkeypatch.setattr(faults, "_logged", {})
    mirror = Mirror(published)
    await mirror.replica.refresh()
    with monkeypatch.context() as odd:
        odd.setattr(replica, "fetch_snapshot", lambda *_, **__: 1 / 0)
        for _ in range(2):
            await mirror.replica.refresh()
    assert caplog.messages.count("a fetch was given up") == 1
    assert (await mirror.decide(COLLEGE))["authorized"] is True, "what is served stays"
    published.goes_on(NEW)
    published.publish()
    assert await mirror.replica.refresh() == {}
    assert (await mirror.decide(NEW))["authorized"] is True


async def test_only_what_records_are_enough_for_is_served(published: Published) -> None:
    mirror = Mirror(published)
    await mirror.replica.refresh()
    assert ALWAYS < PATHS
    for path in ("/v1/issuers", "/v1/status", "/gossip", "/explore/", "/log/checkpoint", "/v1/trust-policy"):
        assert (await mirror.ask("GET", path)).status_code == 404, path
    served_by = mirror.replica
    for asked in (lambda: served_by.notary, lambda: served_by.conflicts, lambda: served_by.log, served_by.status):
        with pytest.raises(InputError, match="this is a replica"):
            asked()
    with pytest.raises(NotYetError, match="no statements"):
        assert served_by.noted.statements
    assert served_by.displaced() is None


def test_a_state_forgets_what_is_long_past(published: Published) -> None:
    held, _ = published.sync()
    first = ServedState.of(held)
    state = first
    for number in range(PAST_STATES + 2):
        published.node.time += 1
        note = StateNote(
            **{**_members(state.state), "count": state.state.count + 1, "root": bytes([number % 256]) * 32}
        )
        held.noted = type(held.noted)(state=note, since=0, signers=(), note=b"")
        state = state.followed_by(held)
    assert state.changed_since(first.state.root) is None
    assert first.followed_by(held).changed_since(first.state.root) == (first.records_root(), ())
    assert dict(state.items()).keys() == dict(state.raws()).keys()
    assert all(encode(record) == dict(state.raws())[subject] for subject, record in state.items())


def _members(note: StateNote) -> dict[str, Any]:
    return {name: getattr(note, name) for name in ("name", "ecosystem", "fold", "count", "root")}
