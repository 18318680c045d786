"""Buckets over HTTP: what a node answers holds for whoever checks it, and hides whom it was asked about."""

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from accredit.registry.decision.decide import Decision, decide
from accredit.registry.decision.query import Query
from accredit.registry.domain.records import record_key
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.evidence.private_lookup import Bucket, ask, open_bucket
from accredit.registry.evidence.trust_policy import TrustPolicy
from tests.strategies.served import ALIAS, COLLEGE, COMPETENCY, FRAMEWORK, SUSPENDED, UNKNOWN, A, Served, served


@pytest.fixture
def node(tmp_path: Path) -> Served:
    return served(tmp_path)


async def bucket(node: Served, kind: str, id: str, *, k: int) -> Any:
    answer = await node.get(f"/v1/issuers/by-prefix/{record_key(kind, id).hex()[:3]}", params={"k": k})
    assert answer.status_code == 200
    return answer.json()


async def bucket_of_competency(node: Served, id: str, *, k: int) -> Any:
    digits = record_key("competency", id).hex()[:3]
    answer = await node.get(f"/v1/competencies/by-prefix/{digits}", params={"k": k})
    assert answer.status_code == 200
    return answer.json()


async def privately(node: Served, query: Query, k: int) -> Decision:
    policy = TrustPolicy.decode((await node.get("/v1/trust-policy")).content)
    buckets = [await bucket(node, kind, query.entity, k=k) for kind in ("issuer", "alias")]
    buckets += [await bucket_of_competency(node, one, k=k) for one in query.competencies]
    return ask(query, [open_bucket(Bucket.of(one), policy, node.now()) for one in buckets], policy, node.now())


@pytest.mark.parametrize("entity", [COLLEGE, ALIAS, SUSPENDED, UNKNOWN])
@pytest.mark.parametrize("k", [1, 4])
async def test_a_private_answer_is_the_open_one(node: Served, entity: str, k: int) -> None:
    query = Query(entity=entity, authority=node.town.id, achievement_types=("Degree",))
    found = await privately(node, query, k)
    assert found == decide(query, node.fold, node.now(), ecosystem_id=node.town.id)


def crosswalk(node: Served, *links: tuple[str, str]) -> None:
    """A mapping by the authority that accredits the college, heard and noted."""
    body = {
        "id": "https://crosswalks.example/one",
        "title": "A crosswalk",
        "source": {"framework": "https://elsewhere.example/"},
        "target": {"framework": FRAMEWORK},
        "method": "expert",
        "usable_for_scope": True,
        "links": [{"source": source, "relation": "exact_match", "target": target} for source, target in links],
    }
    node.town.says(A, "mapping.publish", body)
    node.hears()


@pytest.mark.parametrize("k", [1, 4])
async def test_a_private_answer_about_a_competency_is_the_open_one_also_across_mappings(node: Served, k: int) -> None:
    first, second = "https://elsewhere.example/a", "https://elsewhere.example/b"
    crosswalk(node, (first, second), (second, COMPETENCY))
    codes = []
    for competency in (COMPETENCY, first, second, "https://elsewhere.example/unheard-of"):
        query = Query(entity=COLLEGE, authority=node.town.id, competencies=(CanonicalId(competency),))
        found = await privately(node, query, k)
        assert found == decide(query, node.fold, node.now(), ecosystem_id=node.town.id)
        codes.append([one.code for one in found.reasons].count("covered_by_mapping"))
    assert codes == [0, 2, 1, 0]


async def test_a_bucket_of_competencies_that_would_be_too_large_asks_for_another_digit(
    node: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accredit.node.http.routes.offline.PROVEN_MAX", 1)
    answer = await node.get("/v1/competencies/by-prefix/0?k=1")
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many")


async def test_a_bucket_names_all_that_is_under_its_prefix_and_that_alone(node: Served) -> None:
    one = await bucket(node, "issuer", COLLEGE, k=2)
    prefix = Bucket.of(one).prefix
    subjects = {(kind, id) for kind, id, _ in one["leaves"]}
    assert subjects == {subject for subject, _ in node.fold.items() if prefix.covers(record_key(*subject))}
    assert one["issuers"] == sorted(id for kind, id in subjects if kind == "issuer")
    assert len(one["issuers"]) >= 2
    await_more = await bucket(node, "issuer", COLLEGE, k=128)
    assert await_more["bits"] == 0


async def test_a_bucket_follows_when_another_state_is_noted(node: Served) -> None:
    before = await bucket(node, "issuer", COLLEGE, k=128)
    new = "did:web:just-registered.example"
    node.town.says("https://a.example/", "issuer.register", {"id": new, "name": "New"})
    node.hears()
    after = await bucket(node, "issuer", COLLEGE, k=128)
    assert set(after["issuers"]) - set(before["issuers"]) == {new}
    assert after["proof"] == b64encode(node.noted.trie.prove(bytes(32))).decode()
