"""The small ecosystem that the verifier's vectors are about, and how each kind of vector is written down.

Everything is derived: keys from names, times from `NOW`. So the files come out the same on every machine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from accredit.registry.decision.query import Query
from accredit.registry.decision.query_forms import encode_query
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.evidence.check import Evidence
from accredit.registry.evidence.deciding import AUTHORIZATION
from accredit.registry.evidence.trust_policy import TrustPolicy
from accredit.registry.transparency.signed_note import encode_base64
from tests.strategies.domain import (
    ALIAS,
    COLLEGE,
    EARLY,
    ECOSYSTEM,
    ELSEWHERE,
    FRAMEWORK,
    K1,
    NOW,
    STATE,
    UNION,
    World,
    at,
    key_text,
    pinned,
    status_body,
)
from tests.strategies.noted import Held, trust

NOBODY: Final = "did:web:nobody.example"
REVOKED: Final = "did:web:revoked.example"
VOIDED: Final = "did:web:voided.example"
SUSPENDED: Final = "did:web:suspended.example"
WARNED: Final = "did:web:warned.example"
ENDED: Final = "did:web:ended.example"
TEACHING_OUT: Final = "did:web:teaching-out.example"
GUILD: Final = "did:web:guild.example"
SKILLS: Final = "did:web:skills.example"
FURTHER: Final = "https://skills.example/further"
WITHDRAWN: Final = "https://skills.example/withdrawn"
FOREIGN: Final = "https://skills.example/foreign"
ENDED_AHEAD: Final = "https://skills.example/ended-ahead"
ENDING: Final = "https://skills.example/ending"
TRAINED: Final = "did:web:trained.example"
TRAINER: Final = CanonicalId("did:web:trainer.example")
HASTENED: Final = CanonicalId("did:web:hastened.example")
LISTED: Final = "did:web:listed.example"
STOLEN: Final = "did:web:stolen.example"
REPORTED: Final = CanonicalId("did:web:reported.example")
K2: Final = f"{REPORTED}#k2"
SILENCED: Final = CanonicalId("did:web:silenced.example")
ABROAD: Final = "https://abroad.example/"
OLDEST: Final = "did:web:oldest.example"
AHEAD: Final = "did:web:ahead.example"
HASTY: Final = "did:web:hasty.example"
WIDENED: Final = "did:web:widened.example"

QUERY: Final = Query(entity=COLLEGE, authority=ECOSYSTEM, achievement_types=("BachelorDegree",))


def world() -> World:
    """A college in good standing, and one issuer for each thing that can become of an accreditation."""
    made = World()
    made.register(iat=EARLY, also_known_as=[ALIAS], keys=pinned())
    made.grant(iat=EARLY, valid_until=at("2030-01-01"))
    for issuer in (REVOKED, VOIDED, SUSPENDED, WARNED, ENDED, TEACHING_OUT):
        made.register(issuer, name=issuer[8:-8].title(), iat=EARLY)
    revoked, voided, suspended, warned, teaching_out = (
        made.grant(issuer, iat=EARLY) for issuer in (REVOKED, VOIDED, SUSPENDED, WARNED, TEACHING_OUT)
    )
    made.grant(ENDED, iat=EARLY, valid_until=at("2020-01-01"))
    for accreditation, event, on, more in (
        (revoked, "revoke", "2024-05-01", {}),
        (voided, "revoke", "2024-05-01", {"void_from": at("2018-01-01")}),
        (suspended, "suspend", "2026-03-01", {"reason_code": "financial_instability"}),
        (warned, "sanction", "2026-03-01", {"sanction_level": "probation"}),
        (teaching_out, "teach_out", "2026-03-01", {}),
    ):
        made.say("accreditation.status", status_body(accreditation, event, on, **more), iat=at(on))
    made.register(STOLEN, name="Stolen Keys", iat=EARLY, keys=pinned())
    made.grant(STOLEN, iat=EARLY)
    made.key_event(
        STOLEN, how={"iat": at("2025-01-01")}, op="compromise", key_id=K1, compromised_since=at("2024-01-01")
    )
    two = {"id": K2, "public_key_multibase": key_text("two")}
    made.register(REPORTED, name="Reported Keys", iat=EARLY, keys=[*pinned(), two])
    made.grant(REPORTED, iat=EARLY)
    made.key_event(REPORTED, how={"iat": EARLY}, op="retire", key_id=K1, valid_until=at("2020-01-01"))
    for number, on, since in ((1, "2016-01-01", "2025-01-01"), (2, "2020-06-01", "2018-01-01")):
        own = {"by": REPORTED, "via": bytes(32), "key": "one", "seq": number, "iat": at(on)}
        made.key_event(REPORTED, how=own, op="compromise", key_id=K2, compromised_since=at(since))
    made.register(SILENCED, name="Silenced Keys", iat=EARLY, keys=[*pinned(), two])
    made.grant(SILENCED, iat=EARLY)
    for number, key in ((2, K2), (1, K1)):
        own = {"by": SILENCED, "via": bytes(32), "key": "one", "seq": number, "iat": at("2020-01-01")}
        made.key_event(SILENCED, how=own, op="compromise", key_id=key)
    made.register(LISTED, name="Listed Only", iat=EARLY)
    via = made.delegate(UNION, limits={"achievement_types": ["Badge"], "jurisdictions": ["US-IN"]}, valid_from=EARLY)
    made.register(GUILD, name="Guild", iat=EARLY, by=UNION, via=via)
    made.grant(GUILD, iat=EARLY, by=UNION, via=via, scope={"achievement_types": ["Badge"], "credential_types": "*"})
    made.framework(iat=EARLY)
    made.register(SKILLS, name="Skills", iat=EARLY)
    made.grant(SKILLS, iat=EARLY, scope={"competencies": [f"{FRAMEWORK}/0"], "inherit_to_narrower": True})
    made.register(OLDEST, name="Oldest", iat=EARLY)
    made.grant(OLDEST, iat=EARLY, valid_from=at("1987-01-01"), valid_from_precision="year", initial_status="candidate")
    fast = at("2027-01-01")  # what a clock that is ahead of everybody's says
    for issuer in (AHEAD, HASTY, WIDENED):
        made.register(issuer, name=issuer[8:-8].title(), iat=EARLY, keys=pinned())
    made.grant(AHEAD, iat=fast)
    made.key_event(COLLEGE, how={"iat": fast}, op="add", key={**pinned()[0], "id": f"{COLLEGE}#ahead"})
    made.key_event(HASTY, how={"iat": fast}, op="retire", key_id=K1)
    hasty = made.grant(HASTY, iat=EARLY)
    made.say("accreditation.status", status_body(hasty, "suspend", "2027-01-01"), iat=fast)
    widened = made.grant(WIDENED, iat=EARLY, scope={"credential_types": "*", "achievement_types": ["BachelorDegree"]})
    made.amend(widened, "2027-01-01", after=[widened], iat=fast)
    made.mapping((ELSEWHERE + "/a", "exact_match", ELSEWHERE + "/b"), iat=EARLY)
    made.mapping((ELSEWHERE + "/b", "exact_match", f"{FRAMEWORK}/2"), id=FURTHER, iat=EARLY)
    withdrawn = made.mapping((ELSEWHERE + "/c", "exact_match", f"{FRAMEWORK}/2"), id=WITHDRAWN, iat=EARLY)
    made.withdraw_mapping(withdrawn, "2024-01-01", id=WITHDRAWN)
    made.mapping((ELSEWHERE + "/d", "exact_match", f"{FRAMEWORK}/2"), id=FOREIGN, by=STATE, iat=EARLY)
    ended = made.mapping((ELSEWHERE + "/e", "exact_match", f"{FRAMEWORK}/2"), id=ENDED_AHEAD, iat=EARLY)
    made.withdraw_mapping(ended, "2027-01-01", id=ENDED_AHEAD, iat=fast)
    ending = made.mapping((ELSEWHERE + "/f", "exact_match", f"{FRAMEWORK}/2"), id=ENDING, iat=EARLY)
    made.withdraw_mapping(ending, "2027-01-01", id=ENDING, iat=EARLY)
    made.register(TRAINED, name="Trained", iat=EARLY)
    via = made.delegate(TRAINER, limits={"frameworks": [FRAMEWORK]}, valid_from=EARLY)
    made.grant(TRAINED, iat=EARLY, by=TRAINER, via=via, scope={"frameworks": [FRAMEWORK]})
    made.framework([{"id": f"{ELSEWHERE}/g", "statement": "Operates"}], iat=EARLY, by=TRAINER, via=via)
    made.delegate(HASTENED, valid_from=EARLY, met=fast)
    recognised = {"id": ABROAD, "name": "Abroad", "actions": ["issue"], "valid_from": EARLY}
    made.say("recognition.grant", recognised, iat=EARLY, sub=ABROAD)
    return made


def plain() -> World:
    """The college and an issuer that was revoked, alone: so that most vectors are small."""
    made = World()
    made.register(iat=EARLY, also_known_as=[ALIAS], keys=pinned())
    made.grant(iat=EARLY, valid_until=at("2030-01-01"))
    made.register(REVOKED, name="Revoked", iat=EARLY)
    revoked = made.grant(REVOKED, iat=EARLY)
    made.say("accreditation.status", status_body(revoked, "revoke", "2024-05-01"), iat=at("2024-05-01"))
    return made


EVERYBODY: Final = Held.of(world().records())
HELD: Final = Held.of(plain().records())
POLICY: Final = trust(HELD, NOW)
GOOD: Final = HELD.prove(QUERY, NOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """One vector.

    Attributes:
        name: unique within its file. why: a sentence.
        given: members that say what is to be checked. expected: what must come of it.
    """

    name: str
    why: str
    given: Mapping[str, Any]
    expected: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "why": self.why, **self.given, "expected": dict(self.expected)}


def decided(verdict: str, *reasons: str) -> dict[str, Any]:
    """What is expected where everything holds: the verdict and the codes of its reasons, in order."""
    return {"result": "verified", "check": "", "verdict": verdict, "reasons": list(reasons)}


def failed(result: str, check: str) -> dict[str, Any]:
    """What is expected where a check does not pass."""
    return {"result": result, "check": check}


def error(code: str) -> dict[str, Any]:
    """What is expected of what is no well-formed thing of its kind."""
    return {"error": code}


def query_json(query: Query) -> dict[str, Any]:
    """A question as JSON: members that are not asked left out."""
    return encode_query(query)


def evidence_vector(
    name: str,
    why: str,
    evidence: Evidence | bytes,
    expected: Mapping[str, Any],
    *,
    query: Query | None = QUERY,
    policy: TrustPolicy = POLICY,
    now: int = NOW,
    asked: str = AUTHORIZATION,
) -> Vector:
    """An evidence file to be checked."""
    data = evidence if isinstance(evidence, bytes) else evidence.encode()
    given = {
        "policy": policy.encode().decode(),
        "now": now,
        "asked": asked,
        "query": None if query is None else query_json(query),
        "evidence": encode_base64(data),
    }
    return Vector(name=name, why=why, given=given, expected=expected)


def bucket_vector(
    name: str,
    why: str,
    buckets: Sequence[Any],
    expected: Mapping[str, Any],
    *,
    query: Query = QUERY,
    policy: TrustPolicy = POLICY,
    now: int = NOW,
) -> Vector:
    """Buckets to be opened, then asked together."""
    given = {
        "policy": policy.encode().decode(),
        "now": now,
        "query": query_json(query),
        "buckets": list(buckets),
    }
    return Vector(name=name, why=why, given=given, expected=expected)


def snapshot_vector(
    name: str,
    why: str,
    snapshot: bytes,
    expected: Mapping[str, Any],
    *,
    query: Query = QUERY,
    policy: TrustPolicy = POLICY,
    now: int = NOW,
    max_age: int | None = None,
) -> Vector:
    """A snapshot to be loaded, then asked."""
    given = {
        "policy": policy.encode().decode(),
        "now": now,
        "max_age": max_age,
        "query": query_json(query),
        "snapshot": encode_base64(snapshot),
    }
    return Vector(name=name, why=why, given=given, expected=expected)


def policy_vector(name: str, why: str, policy: str, expected: Mapping[str, Any]) -> Vector:
    """A trust policy to be read."""
    return Vector(name=name, why=why, given={"text": policy}, expected=expected)


def past(query: Query, on: str) -> Query:
    """The same question as of a day."""
    return query._replace(time=at(on))
