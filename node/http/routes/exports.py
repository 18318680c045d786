"""`/exports/dcc-registry.json`: the issuers trusted now, as the Digital Credentials Consortium's list.

    {"meta": {"created": …, "updated": …}, "registry": {"did:…": {"name": …, "location": …, "url": …}}}

Its readers only look an issuer up by its id, so the list has only issuers that may issue now. The format has no dates
and no scope, so clients that can should ask `/v1/decisions` instead. `location` is empty if nobody states one
(`ext.location` of the issuer's facts). `updated` is the date of the newest statement on which the listed issuers rest,
the same on every node. A node whose view is too old lists nobody, because it may not know of a revocation.

What a statement has changed, readers see within `KEPT_SECONDS`, caches included: whoever gets an outdated list may
keep it only for what is left of them. Where making the list takes over half of them, with some hundred thousand
issuers, they see it within twice the time that takes. What the clock has changed, they see within twice as long.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final, TypedDict

import msgspec

from accredit.governance.fold import Fold
from accredit.node.http.exchange import Response
from accredit.node.http.facades.federation_claims import may_issue
from accredit.node.http.handling.deciding import decide_held
from accredit.node.http.handling.record_pages import ids
from accredit.node.http.handling.route import JSON, Call, Route, bytes_response
from accredit.node.http.handling.seldom import made_seldom
from accredit.node.http.handling.turns import Turns
from accredit.node.views.json_views import format_time
from accredit.registry.decision.decide import Query
from accredit.registry.domain.record_types import IssuerRecord
from accredit.registry.domain.records import Voice, accreditation_in, issuer_in, standing, voice_of
from accredit.registry.encoding.identifiers import CanonicalId

from .decisions import fresh_now, served_ecosystem, voices_of

KEPT_SECONDS: Final = 60
"""Seconds for which a list is reused while no record changes, because accreditations also begin and end by the clock;
and a long one at most while records do (`handling.seldom`), because who is suspended must not stay in it."""


class Meta(TypedDict):
    """When the ecosystem was founded, and the newest statement that counts here."""

    created: str
    updated: str


class ListedIssuer(TypedDict):
    """An issuer."""

    name: str
    location: str
    url: str


class DccRegistry(TypedDict):
    """The list."""

    meta: Meta
    registry: dict[str, ListedIssuer]


async def dcc_registry(call: Call) -> Response:
    """The list, made again if a record has changed or a minute has passed; a long one after a rest."""
    fresh_now(call)
    ecosystem = served_ecosystem(call)

    def made_of() -> tuple[bytes, int]:
        return call.reader.fold.records_root(), call.reader.now() // KEPT_SECONDS

    async def make() -> tuple[bytes, str]:
        """Kept as it is sent, with its tag: to write and digest a long list takes longer than one turn."""
        body = msgspec.json.encode(await _list(call, ecosystem, fresh_now(call)))
        return body, sha256(body).hexdigest()[:32]

    made = await made_seldom(call.shared, "dcc", made_of, make, most=KEPT_SECONDS)
    body, tag = made.value
    seconds = KEPT_SECONDS if made.left is None else min(KEPT_SECONDS, int(made.left))
    return bytes_response(body, JSON, cache=f"public, max-age={seconds}", etag=tag)


async def _list(call: Call, ecosystem: CanonicalId, now: int) -> DccRegistry:
    listed: dict[str, ListedIssuer] = {}
    genesis = call.reader.fold.statement(call.reader.ecosystem)
    assert genesis is not None, "it is in effect"
    newest, turns = genesis.iat, Turns()  # whoever calls this holds `making`
    for id in await ids(call, "issuer"):
        if turns.is_over:
            await turns.give()
        fold = call.reader.fold
        record = issuer_in(fold, id)
        if record is None:
            continue
        query = Query(entity=id, authority=ecosystem, action="issue")
        decision = decide_held(query, fold, now, ecosystem_id=ecosystem)
        if may_issue(decision):
            listed[id] = _entry(record, voices_of(call, decision))
            newest = max(newest, _newest(fold, record))
    return {"meta": {"created": format_time(genesis.iat), "updated": format_time(newest)}, "registry": listed}


def _entry(record: IssuerRecord, voices: Sequence[Voice]) -> ListedIssuer:
    """Return an issuer's entry from the voices that count, the nearest first; no other voice can give it a name."""
    stated = [fact for fact in standing(record["stated"]) if voice_of(fact) in voices]
    facts = [fact["facts"] for fact in sorted(stated, key=lambda fact: voices.index(voice_of(fact)))]
    extensions = [fact.get("ext") for fact in facts]
    locations = [ext.get("location") for ext in extensions if isinstance(ext, dict)]
    return {
        "name": next((fact["name"] for fact in facts), record["id"]),
        "location": next((location for location in locations if isinstance(location, str)), ""),
        "url": next((fact["url"] for fact in facts if "url" in fact), ""),
    }


def _newest(fold: Fold, record: IssuerRecord) -> int:
    times: list[int] = [said["iat"] for said in (*record["stated"], *record["keys"])]
    for id, _ in record["accreditations"]:
        accreditation = accreditation_in(fold, id)
        assert accreditation is not None, "an issuer's record names accreditations that are there"
        times += [said["iat"] for said in (*accreditation["terms"], *accreditation["events"])]
    return max(times)


ROUTES: Final = (
    Route(
        method="GET",
        path="/exports/dcc-registry.json",
        handler=dcc_registry,
        family="exports",
        about="The issuers trusted now, in the list format of the Digital Credentials Consortium",
        gives={JSON: DccRegistry},
        problems=(503,),
    ),
)
