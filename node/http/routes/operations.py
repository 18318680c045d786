"""Whether the node is alive and ready, and its status: for its operator, and for load balancers in front of nodes.

`/healthz` says that the process answers. `/readyz` says that it is ready: the genesis is in effect, it has
caught up with its peers, and it can sign; else 503 with every reason. `/v1/status` is for people and dashboards.
"""

from typing import Any, Final, TypedDict

import trio

from accredit.node.http.exchange import Response
from accredit.node.http.handling.route import JSON, Call, Route, bytes_response, json_response
from accredit.node.telemetry import METRICS_CONTENT_TYPE
from accredit.node.views.json_views import plain
from accredit.registry.errors import NotYetError


class Alive(TypedDict):
    """The process answers."""

    status: str


class PeerStatus(TypedDict):
    """Another node, as this one last saw it.

    `behind`: statements that it counts and this node does not; `lag`: the reverse. `is_mesh` and `why`: whether
    statements are sent there as they arrive, and the reason. `firsts`, `duplicates`: statements that it was the first
    to send, and ones already held. `strikes`: promises broken recently. `distrusted_until`: until when it is ignored;
    `why` has the reason. `beacon_time`: when it last told its holdings, by its own clock. `failures`, `error`: requests
    failed in a row.
    """

    name: str
    url: str
    last_heard: str | None
    in_sync: bool | None
    behind: int
    lag: int
    queued: int
    overflowed: int
    failures: int
    error: str
    is_mesh: bool
    why: str
    round_trip_ms: int | None
    firsts: int
    duplicates: int
    strikes: int
    distrusted_until: str | None
    beacon_time: str | None


class MissingSigner(TypedDict):
    """A signer without a recent cosignature on the newest note.

    When and at which count it last cosigned, and why it does not now, as far as this node knows.
    """

    name: str
    last_seen: str | None
    count: int | None
    why: str


class StateNoteView(TypedDict):
    """The noted state; null before the first one. The age is that of its newest quorum."""

    count: int | None
    root: str | None
    age_seconds: int | None
    quorum: int
    cosigned_by: list[str]
    missing: list[MissingSigner]
    undelivered: int


class NodeStatus(TypedDict):
    """How the node is."""

    name: str
    ecosystem: str
    size: int
    checkpoint_size: int
    state_root: str
    records_root: str
    statements_root: str
    statements: int
    state_note: StateNoteView | None
    peers: list[PeerStatus]
    alarms: list[str]
    uptime: float
    version: str


async def healthz(_call: Call) -> Response:
    """The process runs its event loop."""
    value: Alive = {"status": "alive"}
    return json_response(value, cache="no-store")


async def readyz(call: Call) -> Response:
    """200 if this node can answer, else 503 with the reasons."""
    obstacles = call.reader.health.obstacles()
    if obstacles:
        raise NotYetError("not_ready", " ".join(obstacles), hint="GET /v1/status shows more.")
    value: Alive = {"status": "ready"}
    return json_response(value, cache="no-store")


async def metrics(call: Call) -> Response:
    """Counters and gauges; no issuer, verifier or holder is among the labels."""
    call.reader.health.measure()
    parts = []
    for part in call.reader.metrics.render_in_parts():
        parts.append(part)
        await trio.lowlevel.checkpoint()
    return bytes_response(b"".join(parts), METRICS_CONTENT_TYPE, cache="no-store")


async def status(call: Call) -> Response:
    """Sizes, roots, peers, alarms."""
    return json_response(plain(call.reader.health.status()), cache="no-store")


def _route(path: str, handler: Any, about: str, gives: dict[str, Any], **more: Any) -> Route:
    return Route(method="GET", path=path, handler=handler, family="operations", about=about, gives=gives, **more)


ROUTES: Final = (
    _route("/healthz", healthz, "Whether the process is running", {JSON: Alive}),
    _route("/readyz", readyz, "Whether its answers can be relied on", {JSON: Alive}, problems=(503,)),
    _route("/metrics", metrics, "Counters and gauges for Prometheus", {"text/plain": None}, is_public=False),
    _route("/v1/status", status, "Sizes, roots, peers, alarms", {JSON: NodeStatus}),
)
