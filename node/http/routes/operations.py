"""Whether the node is alive and ready, and its status: for its operator, and for load balancers in front of nodes.

`/healthz` says that the process answers. `/readyz` says that it is ready: the genesis is in effect, it has
caught up with its peers, and it can sign; else 503 with every reason. `/v1/status` is for people and dashboards.
"""

from typing import Any, Final, TypedDict

from accredit.node.http.exchange import Response
from accredit.node.http.json_views import plain
from accredit.node.telemetry import METRICS_CONTENT_TYPE
from accredit.registry.errors import NotYetError

from .route import JSON, Call, Route, bytes_response, json_response


class Alive(TypedDict):
    """The process answers."""

    status: str


class PeerStatus(TypedDict):
    """Another node, as this one last saw it.

    `behind`: statements it counts and this node does not; `lag`: the other way round. `is_mesh` and `why`: whether
    statements go there as they come, and the reason. `firsts`, `duplicates`: statements it was the first to bring; that
    were here. `strikes`: promises broken lately. `distrusted_until`: why it is not listened to stands in `why`.
    `beacon_time`: when it last said what it holds, by its own clock. `failures`, `error`: requests failed in a row.
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
    """A signer that is not on the newest note, or was long ago.

    When and at how many statements it was seen to cosign last, and why it does not, as far as this node can tell.
    """

    name: str
    last_seen: str | None
    count: int | None
    why: str


class StateNoteView(TypedDict):
    """What a quorum stands by; null before the first one. The age is that of its youngest quorum."""

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
    """200 when it is worth asking this node, else 503 with the reasons."""
    obstacles = call.reader.health.obstacles()
    if obstacles:
        raise NotYetError("not_ready", " ".join(obstacles), hint="GET /v1/status shows more.")
    value: Alive = {"status": "ready"}
    return json_response(value, cache="no-store")


async def metrics(call: Call) -> Response:
    """Counters and gauges; no issuer, verifier or holder is among the labels."""
    call.reader.health.measure()
    return bytes_response(call.reader.metrics.render(), METRICS_CONTENT_TYPE, cache="no-store")


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
