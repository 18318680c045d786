"""Bodies, statements and small worlds of the domain, for tests of records and decisions.

* `effective(kind, body, …)` really signs a statement, with a key derived from who says it, and calls it effective.
* `World` collects effective statements and reduces them to the records a decision reads, as the fold does.
* Strategies make valid bodies of every kind the domain has.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from hypothesis import strategies as st

from accredit.registry.decision.decide import Decision, Query, decide
from accredit.registry.domain import accreditations, frameworks, issuers, mappings, recognitions, vocabulary
from accredit.registry.domain.record_types import AccreditationRecord, CompetencyLink, RecognitionRecord
from accredit.registry.domain.records import (
    FOLD_VERSION,
    Effective,
    MemoryRecords,
    Records,
    accreditation_in,
    record_digest,
)
from accredit.registry.encoding.ed25519 import KeyPair, multibase, public_of
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.statement import Draft, decode, encode_signed, verify

ECOSYSTEM = CanonicalId("https://ecosystem.example/")
GENESIS = sha256(b"genesis").digest()
HLC = CanonicalId("did:web:hlc.example")
STATE = CanonicalId("did:web:state.example")
UNION = CanonicalId("did:web:union.example")
COLLEGE = CanonicalId("did:web:college.example")
FRAMEWORK = CanonicalId("https://skills.example/framework")
ELSEWHERE = CanonicalId("https://elsewhere.example/framework")
"""A framework that nobody here has published; mappings link its items with ours."""
MAPPING = "https://skills.example/crosswalk"
ANY_SCOPE = {"credential_types": "*", "achievement_types": "*"}


def at(date: str) -> int:
    """Seconds of the start of a day, as in `at("2015-05-20")`."""
    return int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp())


NOW = at("2026-06-01")
EARLY = at("2009-01-01")
"""When most grants of the tests are stated: before they begin, so that nothing is recorded later than it holds."""
ALIAS = CanonicalId("https://college.example/issuer")
K1 = f"{COLLEGE}#k1"


def seed_of(name: str) -> bytes:
    return sha256(name.encode()).digest()


def key_text(name: str) -> str:
    """publicKeyMultibase of the key of `name`."""
    return multibase(public_of(seed_of(name)))


def effective(
    kind: str,
    body: Mapping[str, Any],
    *,
    by: CanonicalId = HLC,
    via: bytes | None = None,
    iat: int = NOW,
    sub: str = COLLEGE,
    key: str | None = None,
    seq: int = 1,
) -> Effective:
    """A statement by `by`, signed with the key of `key` (or of `by`), as its number `seq`."""
    seed, prev = seed_of(key or by), None if seq == 1 else GENESIS
    draft = Draft(iss=by, sub=sub, iat=iat, eco=GENESIS, kind=kind, seq=seq, prev=prev, body=dict(body))
    return Effective(statement=verify(decode(encode_signed(draft, KeyPair(seed))), public_of(seed)), by=by, via=via)


def grant_body(issuer: str = COLLEGE, **members: Any) -> dict[str, Any]:
    body = {
        "issuer": issuer,
        "kind": "accredit",
        "level": "institutional",
        "scope": ANY_SCOPE,
        "valid_from": at("2010-01-01"),
        **members,
    }
    accreditations.check_grant(body)
    return body


def status_body(accreditation: bytes, event: str, on: str, *, after: Sequence[bytes] = (), **members: Any) -> Any:
    needs: dict[str, dict[str, Any]] = {
        "sanction": {"sanction_level": "warning"},
        "teach_out": {"applies_to": {"programs": ["nursing"]}},
        "supersede": {"successor": "did:web:successor.example"},
        "revoke": {"reason_code": "fraud"},
        "withdraw": {"reason_code": "standards_noncompliance"},
        "deny": {"reason_code": "standards_noncompliance"},
    }
    body = {
        "accreditation": accreditation,
        "event": event,
        "effective_from": at(on),
        "after": list(after),
        **needs.get(event, {}),
        **members,
    }
    accreditations.check_status(body)
    return body


def standing(name: str, **members: Any) -> dict[str, Any]:
    """A standing in an `authority` record; of the charter, unless `via` and `parent` say otherwise."""
    return {
        "via": None,
        "parent": None,
        "name": name,
        "constituency": "education",
        "actions": None,
        "limits": None,
        "threshold": 1,
        "keys": [],
        "withdrawn": None,
        "depth": 0,
        **members,
    }


def query_items(count: int = 3) -> list[dict[str, Any]]:
    """Items of a small framework; each but the first under the one before."""
    return [
        {
            "id": f"{FRAMEWORK}/{number}",
            "statement": f"Does {number}",
            **(
                {"parents": [f"{FRAMEWORK}/{number - 1}"]} if number else {"aliases": ["urn:example:zero"], "code": "0"}
            ),
        }
        for number in range(count)
    ]


def pinned(**window: Any) -> list[dict[str, Any]]:
    """The `keys` of a registration that pins the key `one` as `K1`."""
    return [{"id": K1, "public_key_multibase": key_text("one"), **window}]


class World:
    """Effective statements, reduced to records on demand, and the charter and authorities that stand."""

    def __init__(self, **charter: Any) -> None:
        self.charter = {
            "id": ECOSYSTEM,
            "name": "Example",
            "ecosystem": GENESIS,
            "version": 1,
            "statement": GENESIS,
            "fold": FOLD_VERSION,
            "authorities": [HLC, STATE],
            "rules": {},
            "signers": [],
            "publishers": [],
            **charter,
        }
        self.standings: dict[str, list[dict[str, Any]]] = {
            HLC: [standing("Higher Learning Commission", apply_url="https://hlc.example/apply")],
            STATE: [standing("State Board")],
        }
        self.said: list[Effective] = []

    def say(self, kind: str, body: Mapping[str, Any], **how: Any) -> bytes:
        """Say something that takes effect; its id."""
        one = effective(kind, body, **how)
        self.said.append(one)
        return one.statement.id

    def register(self, issuer: str = COLLEGE, name: str = "Example College", **members: Any) -> bytes:
        how = {name: members.pop(name) for name in ("by", "via", "iat", "key") if name in members}
        body = {"id": issuer, "name": name, **members}
        issuers.check_register(body)
        return self.say("issuer.register", body, sub=issuer, **how)

    def key_event(self, issuer: str = COLLEGE, *, how: Mapping[str, Any] | None = None, **members: Any) -> bytes:
        body = {"issuer": issuer, **members}
        issuers.check_key(body)
        return self.say("issuer.key", body, sub=issuer, **(how or {}))

    def grant(self, issuer: str = COLLEGE, **members: Any) -> bytes:
        how = {name: members.pop(name) for name in ("by", "via", "iat") if name in members}
        return self.say("accreditation.grant", grant_body(issuer, **members), sub=issuer, **how)

    def amend(
        self, accreditation: bytes, on: str, *, after: Sequence[bytes] = (), iat: int = NOW, **terms: Any
    ) -> bytes:
        body = {
            "accreditation": accreditation,
            "after": list(after),
            "effective_from": at(on),
            "scope": ANY_SCOPE,
            "valid_from": at("2010-01-01"),
            **terms,
        }
        accreditations.check_amend(body)
        return self.say("accreditation.amend", body, iat=iat)

    def event(self, accreditation: bytes, event: str, on: str, *, after: Sequence[bytes] = (), **members: Any) -> bytes:
        return self.say("accreditation.status", status_body(accreditation, event, on, after=after, **members))

    def framework(self, items: Sequence[Mapping[str, Any]] | None = None, *, hold_back: int = 0, **how: Any) -> bytes:
        """Publish a framework with its items, one part each; `hold_back` of them are not said."""
        held = list(query_items() if items is None else items)
        body = publish_body(held)
        publish = self.say("framework.publish", body, sub=body["id"], **how)
        for part, item in enumerate(held[: len(held) - hold_back]):
            body = {"framework": FRAMEWORK, "publish": publish, "part": part, "items": [item]}
            frameworks.check_items(body)
            self.say("framework.items", body, sub=FRAMEWORK, **how)
        return publish

    def mapping(self, *links: tuple[str, str, str], id: str = MAPPING, usable: bool = True, **how: Any) -> bytes:
        """Publish a mapping of `(source, relation, target)` links; its id."""
        body = {
            "id": id,
            "title": "A crosswalk",
            "source": {"framework": ELSEWHERE},
            "target": {"framework": FRAMEWORK},
            "method": "expert",
            "usable_for_scope": usable,
            "links": [{"source": source, "relation": word, "target": target} for source, word, target in links],
        }
        mappings.check_publish(body)
        return self.say("mapping.publish", body, sub=id, **how)

    def withdraw_mapping(self, publish: bytes, on: str, *, id: str = MAPPING, **how: Any) -> bytes:
        body = {"mapping": id, "publish": publish, "effective_from": at(on)}
        return self.say("mapping.withdraw", body, sub=id, **how)

    def delegate(self, child: str, parent: str = HLC, **members: Any) -> bytes:
        """Give `child` a standing under `parent`; the delegation's id."""
        via = sha256(f"{parent} delegates {child} {len(self.standings.get(child, []))}".encode()).digest()
        given = {
            "via": via,
            "parent": {"by": parent, "via": None},
            "actions": ["accreditation.*"],
            "limits": {},
            **members,
        }
        self.standings.setdefault(child, []).append(standing(child, **given))
        return via

    def records(self) -> MemoryRecords:
        records = MemoryRecords()
        records.put("charter", ECOSYSTEM, self.charter)
        for id, standings in self.standings.items():
            records.put("authority", id, {"id": id, "standings": standings})
        digests = self._accreditations(records)
        self._issuers(records, digests)
        self._frameworks(records)
        for id in sorted({one.statement.body["id"] for one in self._of("recognition.grant")}):
            records.put("recognition", id, self._recognition(id))
        return records

    def accreditation(self, id: bytes) -> AccreditationRecord:
        record = accreditation_in(self.records(), id)
        assert record is not None
        return record

    def _of(self, kind: str) -> list[Effective]:
        return [one for one in self.said if one.statement.kind == kind]

    def _about(self, kind: str, accreditation: bytes) -> list[Effective]:
        return [one for one in self._of(kind) if one.statement.body["accreditation"] == accreditation]

    def _accreditations(self, records: MemoryRecords) -> dict[str, dict[bytes, bytes]]:
        digests: dict[str, dict[bytes, bytes]] = {}
        for grant in self._of("accreditation.grant"):
            id = grant.statement.id
            record = accreditations.reduce(
                grant, self._about("accreditation.amend", id), self._about("accreditation.status", id)
            )
            records.put("accreditation", id.hex(), record)
            digests.setdefault(grant.statement.body["issuer"], {})[id] = record_digest(record)
        return digests

    def _issuers(self, records: MemoryRecords, digests: Mapping[str, Mapping[bytes, bytes]]) -> None:
        facts: dict[str, list[Effective]] = {}
        for one in self.said:
            if one.statement.kind.startswith("issuer."):
                facts.setdefault(one.statement.sub, []).append(one)
        known_as: dict[CanonicalId, list[CanonicalId]] = {}
        for id in map(CanonicalId, sorted({*facts, *digests})):
            records.put("issuer", id, issuers.reduce(id, facts.get(id, []), digests.get(id, {})))
            for alias in issuers.aliases(facts.get(id, [])):
                known_as.setdefault(alias, []).append(id)
        for alias, ids in known_as.items():
            records.put("alias", alias, issuers.reduce_alias(alias, ids))

    def _frameworks(self, records: MemoryRecords) -> None:
        publishes, items = self._of("framework.publish"), self._of("framework.items")
        entries = frameworks.competencies(FRAMEWORK, publishes, items)
        if publishes:
            records.put(
                "framework", FRAMEWORK, frameworks.reduce(FRAMEWORK, publishes, items, self._of("framework.status"))
            )
        links: dict[CanonicalId, list[CompetencyLink]] = {}
        for id in map(CanonicalId, sorted({one.statement.sub for one in self._of("mapping.publish")})):
            mapped = [one for one in self._of("mapping.publish") if one.statement.sub == id]
            records.put("mapping", id, mappings.reduce(id, mapped, self._of("mapping.withdraw")))
            for uri, linked in mappings.links(id, mapped, self._of("mapping.withdraw")).items():
                links.setdefault(uri, []).extend(linked)
        for uri in {*entries, *links}:
            record = frameworks.reduce_competency(uri, entries.get(uri, ()), links.get(uri, ()))
            records.put("competency", uri, record)

    def _recognition(self, id: CanonicalId) -> RecognitionRecord | None:
        grants = [one for one in self._of("recognition.grant") if one.statement.body["id"] == id]
        return recognitions.reduce(id, grants, self._of("recognition.withdraw"))


def college_among_others() -> World:
    """An accredited college with an alias, among twelve issuers that nobody has accredited."""
    made = World()
    made.register(also_known_as=[ALIAS])
    made.grant(valid_until=at("2030-01-01"))
    for number in range(12):
        made.register(f"did:web:other{number}.example")
    return made


def publish_body(items: Sequence[Mapping[str, Any]], **members: Any) -> dict[str, Any]:
    body = {
        "id": FRAMEWORK,
        "title": "Skills",
        "version": "1",
        "format": "csv",
        "content_digest": bytes(32),
        "item_count": len(items),
        "items_root": frameworks.items_root(items),
        **members,
    }
    frameworks.check_publish(body)
    return body


def mapping_body(**members: Any) -> dict[str, Any]:
    body = {
        "id": "urn:example:crosswalk",
        "title": "Skills to other skills",
        "source": {"framework": FRAMEWORK, "version": "1"},
        "target": {"framework": "https://other.example/framework"},
        "method": "expert",
        "usable_for_scope": False,
        "links": [
            {"source": f"{FRAMEWORK}/0", "target": "https://other.example/0", "relation": "exact_match"},
            {"source": f"{FRAMEWORK}/1", "target": None, "relation": "no_match", "original": "align:NoMatch"},
        ],
        **members,
    }
    mappings.check_publish(body)
    return body


def ask(
    world: World, on: str | None = None, *, records: Records | None = None, now: int = NOW, **members: Any
) -> Decision:
    """The decision on the college's bachelor's degree, or whatever `members` of the query ask instead."""
    asked = {"entity": COLLEGE, "authority": ECOSYSTEM, "achievement_types": ("BachelorDegree",), **members}
    query = Query(**{"time": None if on is None else at(on), **asked})
    return decide(query, records or world.records(), now, ecosystem_id=ECOSYSTEM)


def codes(decision: Decision) -> list[str]:
    """Its reasons' codes; every reason has a sentence."""
    assert all(reason.text and "None" not in reason.text for reason in decision.reasons)
    return [reason.code for reason in decision.reasons]


# ------------------------------------------------------------------------------------------------ strategies

times = st.integers(at("2000-01-01"), at("2040-01-01"))
names = st.text("abcdefghij ÄÖ中", min_size=1, max_size=20).filter(lambda text: text == text.strip())
jurisdictions = st.sampled_from(["US", "US-IN", "US-CA", "FI", "DE-BY", "NO"])
levels = st.builds(
    lambda scheme, one, two: {"scheme": scheme, "min": min(one, two), "max": max(one, two)},
    st.sampled_from(["EQF", "ISCED2011", "QF-EHEA", "SCQF"]),
    st.integers(0, 12),
    st.integers(0, 12),
)
achievement_types = st.sampled_from([*vocabulary.ACHIEVEMENT_TYPES, "ext:Own"])
competency_ids = st.sampled_from([f"{FRAMEWORK}/{number}" for number in range(4)])


def _axis(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def unlike(values: list[Any]) -> bool:
        return all(value not in values[:index] for index, value in enumerate(values))

    return st.just("*") | st.lists(items, min_size=1, max_size=3).filter(unlike)


_credential_types = _axis(st.sampled_from(["OpenBadgeCredential", "ClrCredential", "DegreeCredential"]))
scope_axes: dict[str, st.SearchStrategy[Any]] = {
    "achievement_types": _axis(achievement_types),
    "frameworks": _axis(st.sampled_from([FRAMEWORK, "https://other.example/framework"])),
    "competencies": _axis(competency_ids),
    "inherit_to_narrower": st.booleans(),
    "programs": _axis(st.fixed_dictionaries({"id": st.sampled_from(["nursing", "welding"])})),
    "fields_of_study": _axis(st.sampled_from([{"scheme": "cip", "code": "51"}, {"scheme": "soc", "code": "15-1250"}])),
    "levels": _axis(levels),
    "jurisdictions": _axis(jurisdictions),
    "delivery_modes": _axis(st.sampled_from(["online", "in_person"])),
}
scopes = st.fixed_dictionaries({"credential_types": _credential_types}, optional=scope_axes)
limits = st.fixed_dictionaries(
    {},
    optional={
        "kinds": _axis(st.sampled_from(vocabulary.ACCREDITATION_KINDS)),
        "categories": _axis(st.sampled_from(vocabulary.ISSUER_CATEGORIES)),
        "credential_types": _credential_types,
        **scope_axes,
        "max_depth": st.integers(0, 8),
        "max_validity": st.integers(1, 10**9),
    },
)
pinned_keys = st.fixed_dictionaries(
    {
        "id": st.sampled_from([f"{COLLEGE}#k{number}" for number in range(3)]),
        "public_key_multibase": st.sampled_from([key_text(name) for name in ("one", "two", "three")]),
    },
    optional={"valid_from": st.integers(0, at("2020-01-01")), "valid_until": st.integers(at("2020-01-02"), NOW)},
)
registrations = st.fixed_dictionaries(
    {"id": st.just(COLLEGE), "name": names},
    optional={
        "also_known_as": st.just(["https://college.example/issuer"]),
        "categories": st.lists(st.sampled_from(vocabulary.ISSUER_CATEGORIES), max_size=2, unique=True),
        "jurisdictions": st.lists(jurisdictions, max_size=2, unique=True),
        "keys": st.lists(pinned_keys, max_size=2, unique_by=lambda key: str(key["id"])),
    },
)
grants = st.builds(
    lambda scope, start, length, status: grant_body(
        scope=scope,
        valid_from=start,
        **({"valid_until": start + length} if length else {}),
        **({"initial_status": status} if status else {}),
    ),
    scopes,
    times,
    st.integers(0, 10**9),
    st.sampled_from((None, *vocabulary.INITIAL_STATUSES)),
)


@st.composite
def histories(draw: st.DrawFn, *, length: int = 6) -> World:
    """A world with one accreditation, amendments, and a graph of status events on it, said by HLC."""
    world = World()
    world.say("issuer.register", draw(registrations))
    grant = world.say("accreditation.grant", draw(grants), iat=draw(times))
    said: list[bytes] = []
    amended: list[bytes] = []
    for _ in range(draw(st.integers(0, length))):
        event = draw(st.sampled_from((*vocabulary.EVENTS, "amend")))
        start = draw(times)
        if event == "amend":
            after = draw(st.lists(st.sampled_from(amended), unique=True, max_size=2)) if amended else []
            body = {
                "accreditation": grant,
                "after": after,
                "effective_from": start,
                "scope": draw(scopes),
                "valid_from": start,
                "valid_until": start + draw(st.integers(1, 10**8)),
            }
            accreditations.check_amend(body)
            amended.append(world.say("accreditation.amend", body, iat=draw(times)))
            continue
        named = draw(st.lists(st.sampled_from(said or [grant]), unique=True, max_size=3))
        members: dict[str, Any] = {"effective_from": start}
        if event in vocabulary.LAPSING_EVENTS and draw(st.booleans()):
            members["effective_until"] = start + draw(st.integers(1, 10**8))
        if event == "revoke" and draw(st.booleans()):
            members["void_from"] = start - draw(st.integers(0, 10**8))
        if event in ("lift", "reinstate", "stay", "annul", "appeal_open", "appeal_decide") and not named:
            named = [grant]
        body = status_body(grant, event, "2000-01-01", after=named, **members)
        said.append(world.say("accreditation.status", body, iat=draw(times)))
    return world


def shuffled(world: World, order: Sequence[int]) -> World:
    """The same statements, said in another order, some of them twice."""
    other = World()
    other.charter, other.standings = world.charter, world.standings
    other.said = [world.said[index % len(world.said)] for index in order] + world.said
    return other
