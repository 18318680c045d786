"""What a worker answers is what the node would have answered."""

import gc
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from accredit.node.http.app import Application, create_app, table
from accredit.node.http.handling.deciding import TurnRecords
from accredit.node.http.handling.moment import Moment
from accredit.node.http.handling.route import AnswerDesk
from accredit.node.http.http1 import parse_head
from accredit.node.settings import NodeConfig
from accredit.node.telemetry import Answered, Metrics
from accredit.node.workers.committed_view import CommittedView
from accredit.node.workers.line import SILENT_SECONDS, Counted, News
from accredit.node.workers.pool import check_workers
from accredit.node.workers.worker import WorkerHealth, WorkerMetrics, WorkerReader
from accredit.registry.errors import InputError
from tests.strategies.bodies import event, register
from tests.strategies.served import (
    ALIAS,
    COLLEGE,
    COMPETENCY,
    EXPIRED,
    FRAMEWORK,
    NOW,
    SUSPENDED,
    UNKNOWN,
    A,
    Served,
    served,
)


class Twin(WorkerReader):
    """A worker's view beside a node whose time is a number."""

    def __init__(self, node: Served, view: CommittedView) -> None:
        config = NodeConfig(name=node.name, public_url=node.url)
        super().__init__(config, view)
        self.version = node.version
        self._node = node

    def now(self) -> int:
        return self._node.now()


def questions(node: Served) -> list[tuple[str, str, object]]:
    """At least one for each route that workers answer, errors too."""
    some = node.town.said[-1].id.hex()
    kid = node.town.said[0].kid.hex()
    grant = next(each.id.hex() for each in node.town.said if each.kind == "accreditation.grant")
    native = [{"issuer": each, "achievement_type": "Degree"} for each in (COLLEGE, SUSPENDED, EXPIRED, UNKNOWN, ALIAS)]
    trqp = {"entity_id": COLLEGE, "authority_id": node.town.id, "action": "issue", "resource": "Degree"}
    paths = (
        *("/v1/issuers", f"/v1/issuer?id={COLLEGE}", f"/v1/issuer?id={UNKNOWN}", f"/v1/accreditation?id={grant}"),
        f"/v1/accreditation/timeline?id={grant}",
        *(
            "/v1/frameworks",
            f"/v1/framework?id={FRAMEWORK}",
            f"/v1/framework/items?id={FRAMEWORK}",
            "/v1/competencies?q=weld",
        ),
        *(f"/v1/competencies/issuers?id={COMPETENCY}", f"/v1/statements/{some}", f"/v1/statements/{'0' * 64}"),
        *("/v1/proposals", f"/v1/statements/{some}/proof", "/v1/ecosystem", "/v1/genesis", "/v1/authorities"),
        *(f"/v1/keys/{kid}", "/v1/heads", "/v1/snapshot", "/v1/issuers/by-prefix/a", "/log/checkpoint"),
        "/v1/competencies/by-prefix/a",
        *("/log/tile/0/000.p/1", "/log/tile/entries/000.p/1", "/exports/dcc-registry.json", "/v1/issuer?nonsense=1"),
    )
    plain = [route.path for route in table() if route.is_shared and route.method == "GET" and "{" not in route.path]
    return [
        *(("GET", path, None) for path in (*paths, *plain)),
        *(("POST", "/v1/decisions", one) for one in (*native, native, {"queries": native}, {"nonsense": 1})),
        *(("POST", "/v1/decisions", {**native[0], "evidence": True}) for _ in range(1)),
        ("POST", "/authorization", trqp),
        ("POST", "/authorization", {**trqp, "authority_id": "https://nobody.example/"}),
        ("POST", "/recognition", {**trqp, "entity_id": "https://friend.example/", "action": "recognize"}),
    ]


async def test_a_worker_answers_every_public_question_as_the_node_does(tmp_path: Path) -> None:
    node = served(tmp_path)
    with CommittedView(node.store.path) as view:
        apps = [node.app(), create_app(Twin(node, view))]
        asked = set()
        for method, path, body in questions(node):
            answers = []
            for app in apps:
                transport = httpx.ASGITransport(app=app)
                async with httpx.AsyncClient(transport=transport, base_url="http://node") as client:
                    answer = await client.request(method, path, json=body)
                headers = {k: v for k, v in answer.headers.items() if k != "x-request-id"}
                answers.append((answer.status_code, headers, answer.content))
            assert answers[0] == answers[1], path
            asked.add((method, path.partition("?")[0]))
        shared = [route for route in table() if route.is_shared]
        missing = [
            route.path
            for route in shared
            if not any(m == route.method and p.startswith(route.path.partition("{")[0]) for m, p in asked)
        ]
        assert not missing


_TRQP_HEAD = (
    b"POST /authorization HTTP/1.1\r\nHost: node\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
)


def asked_at_once(app: Application, node: Served, entity: str) -> bool:
    """What a worker answers in a new turn of its lobby."""
    answer = app.prepared(parse_head(_TRQP_HEAD))
    assert answer is not None
    body = {"entity_id": entity, "authority_id": node.town.id, "action": "issue", "resource": "Degree"}
    app.begin_turn()
    found = answer(json.dumps(body).encode())
    assert found is not None
    return bool(json.loads(found[1])["authorized"])


def test_a_narrowing_is_in_every_answer_after_its_commit_within_the_same_second(tmp_path: Path) -> None:
    node = served(tmp_path)
    grant = next(each for each in node.town.said if each.kind == "accreditation.grant")
    with CommittedView(node.store.path) as view:
        app = create_app(Twin(node, view))
        assert asked_at_once(app, node, COLLEGE)
        assert asked_at_once(app, node, COLLEGE)
        node.town.says(A, "accreditation.status", event(grant.id, "suspend", NOW), sub=COLLEGE)
        node.hears()
        assert not asked_at_once(app, node, COLLEGE)


def test_a_worker_looks_at_the_records_anew_only_when_they_or_the_second_have_changed(tmp_path: Path) -> None:
    node = served(tmp_path)
    with CommittedView(node.store.path) as view:
        reader = Twin(node, view)
        shared: Any = None  # no question is asked
        desk = AnswerDesk(reader, shared)
        looked = [desk.moment]

        def nothing_happens() -> None:
            pass

        def a_second_passes() -> None:
            node.time += 1

        def the_node_warns() -> None:
            reader.told.hear(News(stale="It is too old.", displaced=None))

        def somebody_registers() -> None:
            node.town.says(A, "issuer.register", register(UNKNOWN, name="New"))
            node.hears()

        for change in (nothing_happens, a_second_passes, the_node_warns, somebody_registers, view.renew):
            change()
            desk.begin_turn()
            looked.append(desk.moment)
            assert desk.moment is looked[-1]
        assert looked[0] is looked[1]
        assert len({id(one) for one in looked}) == 5
        assert looked[-1].stale == "It is too old."
        assert desk.look_again(reader.now()) is not desk.moment


def test_a_worker_that_nobody_asks_keeps_nothing_of_what_it_has_read(tmp_path: Path) -> None:
    """A stranger's questions decide how much that is, and the next one may come tomorrow."""
    node = served(tmp_path)
    with CommittedView(node.store.path) as view:
        reader = Twin(node, view)
        app = create_app(reader)
        assert asked_at_once(app, node, COLLEGE)
        app.rest()
        assert not [one for one in gc.get_objects() if type(one) is Moment and one.is_still(reader)]
        assert asked_at_once(app, node, COLLEGE)


def test_a_node_that_folds_in_place_looks_at_its_records_anew_in_each_turn(tmp_path: Path) -> None:
    shared: Any = None  # no question is asked
    desk = AnswerDesk(served(tmp_path), shared)
    first = desk.moment
    desk.begin_turn()
    assert desk.moment is not first


def test_only_so_many_records_are_remembered_between_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accredit.node.http.handling.deciding.REMEMBERED", 2)
    node = served(tmp_path)
    records = TurnRecords(node.fold)
    for _ in range(2):
        for id in (COLLEGE, SUSPENDED, EXPIRED, UNKNOWN):
            assert records.get("issuer", id) == node.fold.get("issuer", id)
            assert len(records._read) <= 2


def test_what_only_the_node_knows_is_not_for_workers() -> None:
    own = {route.path for route in table() if not route.is_shared}
    assert own >= {"/v1/status", "/readyz", "/metrics", "/gossip", "/v1/conflicts", "/v1/changes", "/v1/state-note"}
    assert all(route.method == "GET" or route.family in ("trqp", "decisions") for route in table() if route.is_shared)


def test_a_worker_that_hears_nothing_of_its_node_answers_as_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    health, moment = WorkerHealth(), time.monotonic()
    assert health.stale() is None
    monkeypatch.setattr(time, "monotonic", lambda: moment + SILENT_SECONDS + 1)
    assert "busy or has stopped" in (health.stale() or "")
    health.hear(News(stale=None, displaced="The name stands for others."))
    assert health.stale() is None
    assert health.displaced() == "The name stands for others."
    health.hear(News(stale="It is too old.", displaced=None))
    assert health.stale() == "It is too old."


def test_how_the_node_is_the_node_says(tmp_path: Path) -> None:
    node = served(tmp_path)
    with CommittedView(node.store.path) as view:
        reader = WorkerReader(NodeConfig(name=node.name), view)
        for ask in (reader.health.status, reader.health.obstacles, lambda: reader.notary, lambda: reader.conflicts):
            with pytest.raises(InputError, match="answers only questions"):
                ask()


def test_what_workers_count_adds_up_at_the_node() -> None:
    counted, shown = WorkerMetrics(), Metrics()
    for seconds in (0.0004, 0.0005, 0.02, 20.0):
        counted.answered("GET", "/v1/issuer", 200, seconds)
    counted.decided("trusted", 3)
    counted.tally(Answered("trusted", "", "employer"), 3)
    told = counted.take()
    for one in told.answers:
        shown.answered_alike(one.method, one.route, one.status, one.counts, one.seconds)
    assert told.answers[0].counts == [2, 0, 0, 0, 1, *[0] * 8, 1]
    assert told.verdicts == {"trusted": 3}
    assert told.tally == [(("trusted", "", "employer"), 3)]
    text = shown.render().decode()
    assert 'accredit_http_request_seconds_count{route="/v1/issuer"} 4.0' in text
    assert 'accredit_http_request_seconds_bucket{le="0.001",route="/v1/issuer"} 2.0' in text
    assert counted.take() == Counted(answers=[], verdicts={}, tally=[])


def test_workers_beside_tls_are_refused_before_anything_begins() -> None:
    with pytest.raises(InputError) as refused:
        check_workers(NodeConfig(name="node1", query_workers=1, tls_cert="cert.pem", tls_key="key.pem"))
    assert refused.value.code == "tls_and_workers"
    assert "proxy" in refused.value.hint
    check_workers(NodeConfig(name="node1", query_workers=2))
