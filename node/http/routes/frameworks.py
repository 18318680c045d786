"""Shows frameworks and competencies, and who may attest a competency.

Ids go into the query, percent-encoded once; records and pages have the form that `registry` describes.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final, NotRequired, TypedDict, cast

from accredit.governance.fold import Fold
from accredit.node.http.exchange import Response
from accredit.node.http.handling.deciding import decide_held
from accredit.node.http.handling.record_pages import AFTER, LIMIT, ids, page, record_route
from accredit.node.http.handling.request_reading import identifier, place, words
from accredit.node.http.handling.route import Call, json_response
from accredit.node.views.json_views import plain
from accredit.registry.decision.decide import Query
from accredit.registry.domain import frameworks as framework_records
from accredit.registry.domain.bodies import FrameworkItem, FrameworkItems, FrameworkPublish
from accredit.registry.domain.frameworks import committed_parts
from accredit.registry.domain.record_types import CompetencyEntry, CompetencyRecord, FrameworkRecord
from accredit.registry.domain.records import accreditation_in, competency_in, framework_in, oldest_first
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.errors import InputError

FRAMEWORKS_INDEXED: Final = 8
"""Frameworks for which the place of each item is kept: some 2 MB for one of 13,000 items."""

ITEMS_EXAMINED: Final = 2_000
"""Items of a framework examined for one page of a search: some 70 statements to read. A guess."""

DECIDED: Final = 200
"""Issuers decided for one page of those that may attest a competency."""


class FrameworkView(TypedDict):
    """A framework, as each authority publishes it."""

    id: str
    stated: list[dict[str, Any]]


class Frameworks(TypedDict):
    """Frameworks, by id."""

    frameworks: list[FrameworkView]
    next: str | None


class FrameworkItemView(TypedDict):
    """A competency as a framework states it."""

    id: str
    text: str
    code: NotRequired[str]
    label: NotRequired[str]
    type: NotRequired[str]
    level: NotRequired[str]
    aliases: list[str]
    parents: list[str]


class FrameworkContents(TypedDict):
    """A page of the competencies in a framework, in its own order, by its newest publication that is complete."""

    framework: str
    publication: str | None
    items: list[FrameworkItemView]
    next: str | None


CompetencyView = TypedDict(  # `in` is no name for a member in a class
    "CompetencyView",
    {"id": str, "in": list[dict[str, Any]], "links": NotRequired[list[dict[str, Any]]]},
)


class Attestor(TypedDict):
    """An issuer that may attest a competency, and the statements behind that.

    `how`: its scope covers the competency as `named`, as `any`, by its `framework`, as part of a `broader` one, or by a
    `mapping`; `through` has a sentence for each step of mappings.
    """

    id: str
    name: str | None
    verdict: str
    accreditations: list[str]
    how: str
    through: list[str]
    statements: list[str]


class Attestors(TypedDict):
    """A page of issuers that may attest a competency, by id."""

    competency: str
    issuers: list[Attestor]
    next: str | None


async def frameworks(call: Call) -> Response:
    """A page of frameworks."""
    now = call.reader.now()

    def view(id: CanonicalId) -> FrameworkView | None:
        record = framework_in(call.reader.fold, id)
        return None if record is None else _framework(record, now)

    among = await ids(call, "framework")
    found, following = await page(call, among, call.params["after"], call.params["limit"], view)
    value: Frameworks = {"frameworks": found, "next": following}
    return json_response(value)


async def framework(call: Call) -> Response:
    """One framework."""
    return json_response(_framework(_find_framework(call), call.reader.now()))


def _find_framework(call: Call) -> FrameworkRecord:
    """The record of the framework that the parameter `id` names.

    Raises:
        InputError: `not_found`.
    """
    record = framework_in(call.reader.fold, call.params["id"])
    if record is None:
        raise InputError(
            "not_found",
            f"the framework {call.params['id']} is not in this registry.",
            hint="GET /v1/frameworks lists them.",
        )
    return record


async def contents(call: Call) -> Response:
    """The competencies in a framework."""
    params = call.params
    return json_response(list_items(call, _find_framework(call), params["q"], params["after"], params["limit"]))


def list_items(
    call: Call, record: FrameworkRecord, about: str | None, after: str | None, limit: int
) -> FrameworkContents:
    """Return a page of the competencies in a framework.

    Args:
        about: a text that is part of each item's id, code, name or text; None: all items.
        after: the item after which the page begins; None: the first page.

    Raises:
        InputError: `bad_query_parameter`: `after` is not in the framework.
    """
    whole = [one for one in record["stated"] if one["complete"]]
    newest = max(whole, key=lambda one: (one["iat"], one["statement"]), default=None)
    places = {} if newest is None else _parts_of(call, record["id"], newest["by"], newest["statement"])
    order = list(places)
    if after is not None and after not in places:
        raise InputError(
            "bad_query_parameter",
            f"?after: {after} is not in the framework {record['id']}.",
            hint="Give the next of the previous page, or begin anew without it.",
        )
    start = 0 if after is None else order.index(after) + 1
    found: list[FrameworkItemView] = []
    for item in islice(_items_at(call, order, places, start), ITEMS_EXAMINED):
        start += 1
        if _is_about(item, about):
            found.append(item)
            if len(found) == limit:
                break
    return {
        "framework": record["id"],
        "publication": None if newest is None else newest["statement"].hex(),
        "items": found,
        "next": order[start - 1] if 0 < start < len(order) else None,
    }


def _items_at(call: Call, order: list[str], places: Mapping[str, bytes], start: int) -> Iterator[FrameworkItemView]:
    """The items of a framework from a place on; each statement is read once for the items that it holds."""
    at, held = b"", dict[str, FrameworkItemView]()
    for id in order[start:]:
        if places[id] != at:
            at = places[id]
            said = call.reader.fold.statement(at)
            assert said is not None, "its parts have just been listed"
            held = {item["id"]: _item_view(item) for item in said.body["items"]}
        yield held[id]


def _item_view(item: FrameworkItem) -> FrameworkItemView:
    view: dict[str, Any] = {name: value for name, value in item.items() if name != "statement"}
    lists = {name: view.get(name, []) for name in ("aliases", "parents")}
    return cast(FrameworkItemView, {**view, "text": item["statement"], **lists})


def _is_about(item: FrameworkItemView, wanted: str | None) -> bool:
    """Whether a text is part of an item's id, code, name or text, in any case of its letters."""
    if wanted is None:
        return True
    said = (item["id"], item["text"], item.get("code", ""), item.get("label", ""), *item["aliases"])
    return any(wanted.casefold() in one.casefold() for one in said)


def _framework(record: FrameworkRecord, now: int) -> FrameworkView:
    stated = [
        {**plain(one), "status": framework_records.status_at(one, now, known=now)}
        for one in oldest_first(record["stated"])
    ]
    return {"id": record["id"], "stated": stated}


async def competency(call: Call) -> Response:
    """One competency, with the frameworks it is in, and its text in each."""
    record = find_competency(call)
    entries = [{**plain(one), "text": text_of(call, one)} for one in record["in"]]
    return json_response({**plain(record), "in": entries})


def text_of(call: Call, entry: CompetencyEntry) -> str:
    """What a framework says of a competency in it; empty where this node does not hold that part of it."""
    fold = call.reader.fold
    part = _parts_of(call, entry["framework"], entry["by"], entry["statement"]).get(entry["item"])
    held = None if part is None else fold.statement(part)
    items = () if held is None else held.body["items"]
    return next((str(one["statement"]) for one in items if one["id"] == entry["item"]), "")


def _parts_of(call: Call, framework: str, by: str, publish: bytes) -> Mapping[str, bytes]:
    """Item -> the statement that holds it, of one framework: large ones have hundreds of parts, which are read once.

    The items are in the order of the framework.
    """
    known: dict[bytes, dict[str, bytes]] = call.shared.keep("parts of frameworks", None, dict)
    if publish not in known:
        while len(known) >= FRAMEWORKS_INDEXED:
            del known[next(iter(known))]
        fold = call.reader.fold
        whole = fold.statement(publish)
        parts = [
            said
            for said in fold.said_about("framework", framework)
            if said.kind == "framework.items" and said.iss == by and said.body["publish"] == publish
        ]
        bodies = [cast(FrameworkItems, said.body) for said in parts]
        # A part that somebody slipped in beside them has no say, though it may hold an item of the same id.
        chosen = None if whole is None else committed_parts(cast(FrameworkPublish, whole.body), bodies)
        known[publish] = {item["id"]: parts[at].id for at in chosen or () for item in bodies[at]["items"]}
    return known[publish]


def find_competency(call: Call) -> CompetencyRecord:
    """The record of the competency that the parameter `uri` names.

    Raises:
        InputError: `not_found`.
    """
    record = competency_in(call.reader.fold, call.params["uri"])
    if record is None:
        raise InputError(
            "not_found",
            f"no complete framework contains the competency {call.params['uri']}.",
            hint="GET /v1/frameworks shows which frameworks are complete.",
        )
    return record


async def attestors(call: Call) -> Response:
    """The issuers that may attest a competency now, by `decide`."""
    uri, after, limit = call.params["uri"], call.params["after"], call.params["limit"]
    found, following = await list_attestors(call, uri, after, limit, DECIDED, jurisdiction=call.params["jurisdiction"])
    value: Attestors = {"competency": uri, "issuers": found, "next": following}
    return json_response(value)


async def list_attestors(
    call: Call, uri: CanonicalId, after: str | None, limit: int, examined: int, *, jurisdiction: str | None = None
) -> tuple[list[Attestor], str | None]:
    """Return a page of issuers that may attest a competency, and the id from which to continue; at most `examined` are
    decided.

    Args:
        jurisdiction: the place where it is attested; None: anywhere.
    """
    now, charter = call.reader.now(), call.reader.fold.charter
    assert charter is not None, "there are no records before the genesis is in effect"

    def attestor(id: str) -> Attestor | None:
        fold = call.reader.fold
        query = Query(entity=id, authority=charter.id, action="issue", competencies=(uri,), jurisdiction=jurisdiction)
        decision = decide_held(query, fold, now, ecosystem_id=charter.id)
        if not decision.authorized:
            return None
        through = [reason.text for reason in decision.reasons if reason.code == "covered_by_mapping"]
        return {
            "id": id,
            "name": decision.issuer_name,
            "verdict": decision.verdict,
            "accreditations": [one.hex() for one in decision.accreditations],
            "how": "mapping" if through else _how(fold, uri, decision.accreditations[0]),
            "through": through,
            "statements": [one.hex() for one in decision.statements],
        }

    return await page(call, await ids(call, "issuer"), after, limit, attestor, examined)


def _how(fold: Fold, uri: CanonicalId, accreditation: bytes) -> str:
    """How the scope of an accreditation covers a competency without any mapping."""
    record, known = accreditation_in(fold, accreditation), competency_in(fold, uri)
    assert record is not None, "it has just decided"
    scopes: list[Mapping[str, Any]] = [one["scope"] for one in record["terms"]]
    axes = [(scope.get("competencies", ()), scope.get("frameworks", ())) for scope in scopes]
    if any(uri in named for named, _ in axes):
        return "named"
    if any("*" in axis for axis in axes):
        return "any"
    within = [] if known is None else [one["framework"] for one in known["in"]]
    return "framework" if any(one in frameworks for one in within for _, frameworks in axes) else "broader"


_URI: Final = identifier("uri", "the competency's id, a URL, URN or DID", required=True)


ROUTES: Final = (
    record_route("/v1/frameworks", frameworks, "Frameworks", Frameworks, params=(AFTER, LIMIT)),
    record_route(
        "/v1/framework",
        framework,
        "One framework, with its history",
        FrameworkView,
        params=(identifier("id", "the framework's id", required=True),),
        problems=(404,),
    ),
    record_route(
        "/v1/framework/items",
        contents,
        "The competencies in a framework",
        FrameworkContents,
        params=(
            identifier("id", "the framework's id", required=True),
            words("q", "part of a competency's id, code, name or text"),
            AFTER,
            LIMIT,
        ),
        problems=(404,),
    ),
    record_route("/v1/competencies", competency, "One competency", CompetencyView, params=(_URI,), problems=(404,)),
    record_route(
        "/v1/competencies/issuers",
        attestors,
        "Who may attest a competency",
        Attestors,
        params=(_URI, place("jurisdiction", "the place where it is attested, such as US or US-IN"), AFTER, LIMIT),
        problems=(404,),
    ),
)
