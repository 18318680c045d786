"""`/v1/ecosystem`, `/v1/genesis`, `/v1/authorities`, `/v1/keys`, `/v1/heads`: the authorities and their rules.

Before the genesis is in effect, `effective` is false and the charter is shown as proposed, so that founders can find
each other's votes and a new node can wait.
"""

from typing import Any, Final, NotRequired, TypedDict

from accredit.governance.standing import key_head, newest_of
from accredit.node.http.exchange import Response
from accredit.node.http.handling.request_reading import hex_id
from accredit.node.http.handling.route import IMMUTABLE, JSON, Call, Route, bytes_response, json_response
from accredit.node.http.handling.turns import Turns
from accredit.node.views.json_views import plain
from accredit.registry.domain.records import charter_in
from accredit.registry.errors import InputError, NotYetError

_COSE: Final = "application/cose"


class VoiceView(TypedDict):
    """An authority under one mandate: `via` is null for the charter's own, else the delegation's statement."""

    by: str
    via: str | None


class AuthorityKey(TypedDict):
    """A key of an authority."""

    key: str
    public: str
    since: str
    cut: bool
    last: str | None


class Withdrawn(TypedDict):
    """The statement that withdrew a delegation, and from when."""

    statement: str
    effective_from: str
    later: NotRequired[bool]


class AuthorityStanding(TypedDict):
    """An authority under one mandate."""

    via: str | None
    parent: VoiceView | None
    name: str
    constituency: str
    url: NotRequired[str]
    contact: NotRequired[str]
    apply_url: NotRequired[str]
    appeal_url: NotRequired[str]
    actions: list[str] | None
    limits: dict[str, Any] | None
    threshold: int
    keys: list[AuthorityKey]
    valid_from: NotRequired[str]
    valid_until: NotRequired[str]
    met: NotRequired[str]
    withdrawn: Withdrawn | None
    depth: int


class AuthorityView(TypedDict):
    """An authority under each of its mandates."""

    id: str
    standings: list[AuthorityStanding]


class Authorities(TypedDict):
    """Every authority, by id."""

    authorities: list[AuthorityView]


class NodeView(TypedDict):
    """A node of the ecosystem."""

    name: str
    operator: str
    url: str
    keys: dict[str, str]
    statement: str
    retired: str | None


class NodeItself(TypedDict):
    """The node that answers."""

    name: str
    url: str
    version: str


class Ecosystem(TypedDict):
    """The charter in force (or, before the genesis is in effect, as proposed), and its nodes."""

    id: str | None
    name: str | None
    ecosystem: str
    version: int
    effective: bool
    authorities: list[AuthorityView]
    rules: dict[str, Any]
    signers: list[str]
    publishers: list[str]
    max_backdating: NotRequired[int]
    description: NotRequired[str]
    nodes: list[NodeView]
    node: NodeItself


class Key(TypedDict):
    """The status of an authority's key. `head` is its newest statement held in sequence, `next_seq` comes next."""

    key: str
    public: str | None
    budget: int
    seq: int
    head: str | None
    next_seq: int
    forked: bool
    cut: bool
    authorities: list[VoiceView]


class NewestStatement(TypedDict):
    """A key's newest statement held in sequence."""

    key: str
    id: str
    seq: int


class Heads(TypedDict):
    """The newest statement of every key in use: what the `heads` of an amendment name."""

    heads: list[NewestStatement]


async def ecosystem(call: Call) -> Response:
    """The charter, its authorities and nodes."""
    reader, fold = call.reader, call.reader.fold
    charter = fold.charter
    record = None if charter is None else charter_in(fold, charter.id)
    genesis = fold.statement(reader.ecosystem)
    body: Any = {} if genesis is None else genesis.body
    if charter is not None:
        body = charter.body
    value: Ecosystem = {
        "id": body.get("id"),
        "name": body.get("name"),
        "ecosystem": reader.ecosystem.hex(),
        "version": 0 if record is None else record["version"],
        "effective": record is not None,
        "authorities": [plain(authority) for _, authority in fold.items("authority")],
        "rules": plain(body.get("rules", {})),
        "signers": sorted(body.get("signers", ())),
        "publishers": sorted(body.get("publishers", ())),
        "nodes": [plain(node) for node in fold.nodes()],
        "node": {"name": reader.name, "url": reader.url, "version": reader.version},
    }
    if "max_backdating" in body:
        value["max_backdating"] = body["max_backdating"]
    if "description" in body:
        value["description"] = body["description"]
    return json_response(value)


async def genesis(call: Call) -> Response:
    """The genesis statement, as signed."""
    identity = call.reader.ecosystem
    raw = call.reader.log.raw(identity)
    if raw is None:
        raise NotYetError(
            "not_ready", "this node does not have the genesis statement yet.", hint="Ask again in a moment."
        )
    return bytes_response(raw, _COSE, cache=IMMUTABLE, etag=identity.hex())


async def authorities(call: Call) -> Response:
    """Every authority."""
    value: Authorities = {"authorities": [plain(record) for _, record in call.reader.fold.items("authority")]}
    return json_response(value)


async def key(call: Call) -> Response:
    """The state of a key; a signer asks for it before the next signature."""
    head = key_head(call.reader.fold, call.params["kid"])
    if head is None:
        raise InputError(
            "not_found",
            f"no statement on this node introduces the key {call.params['kid'].hex()}.",
            hint="The statement may not have arrived yet; ask again in a moment.",
        )
    value: Key = {
        "key": head.key.hex(),
        "public": None if head.public is None else head.public.hex(),
        "budget": head.budget,
        "seq": head.seq,
        "head": None if head.id is None else head.id.hex(),
        "next_seq": head.next_seq,
        "forked": head.forked,
        "cut": head.cut,
        "authorities": [{"by": voice.by, "via": plain(voice.via)} for voice in head.voices],
    }
    return json_response(value, cache="no-store")


async def heads(call: Call) -> Response:
    """The newest statement of every key."""
    found: list[NewestStatement] = []
    with Turns(call.shared.lengthy) as turns:  # thousands of institutions may have keys that sign
        for key in sorted(call.reader.fold.chains.keys()):
            if turns.is_over:
                await turns.give()
            newest = newest_of(call.reader.fold, key)
            if newest is not None:
                _, id, number = newest
                found.append({"key": key.hex(), "id": id.hex(), "seq": number})
    value: Heads = {"heads": found}
    return json_response(value, cache="no-store")


def _route(path: str, handler: Any, about: str, gives: dict[str, Any], **more: Any) -> Route:
    return Route(method="GET", path=path, handler=handler, family="ecosystem", about=about, gives=gives, **more)


ROUTES: Final = (
    _route("/v1/ecosystem", ecosystem, "The charter, its authorities and nodes", {JSON: Ecosystem}),
    _route("/v1/genesis", genesis, "The genesis statement, as signed", {_COSE: None}, problems=(503,)),
    _route("/v1/authorities", authorities, "Every authority", {JSON: Authorities}),
    _route(
        "/v1/keys/{kid}",
        key,
        "The status of an authority's key",
        {JSON: Key},
        params=(hex_id("kid", "the key's id (its COSE thumbprint)", place="path"),),
        problems=(404,),
    ),
    _route("/v1/heads", heads, "The newest statement of every key in use", {JSON: Heads}),
)
