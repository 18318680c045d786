"""Asking without telling whom one asks about: the answer is the same, and nodes that leave somebody out are found."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from accredit.cli.verifying.private_query import ask_privately
from accredit.node.clients.blocking_http import BlockingHttp, HttpAnswer
from accredit.node.clients.node_client import NodeClient
from accredit.registry.decision.query import Query
from accredit.registry.decision.verdict import Verdict
from accredit.registry.domain.records import record_key
from accredit.registry.errors import InputError
from accredit.registry.evidence.state_check import CheckError
from accredit.registry.evidence.trust_policy import TrustPolicy
from tests.cli.town import Town
from tests.strategies.domain import ALIAS, COLLEGE, ECOSYSTEM, NOW, World
from tests.strategies.noted import Held, bucket_of, trust


@pytest.fixture(scope="module")
def issuer(town: Town) -> str:
    return town.accredited("did:web:discreet.example", "Discreet College")


class Listening(BlockingHttp):
    """The way to a node that keeps what it is asked; where the story says so, it changes or refuses the answer."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked: list[str] = []
        self.refuse_below = 0
        self.code = "too_many"
        self.leave_out = ""

    def ask(
        self, method: str, target: str, *, headers: Mapping[str, str], content: bytes | None, max_bytes: int
    ) -> HttpAnswer:
        self.asked.append(f"{self.url}{target}{(content or b'').decode()}")
        if len(target.partition("?")[0].rpartition("/")[2]) < self.refuse_below:
            return HttpAnswer(status=413, body=json.dumps({"code": self.code, "detail": "no."}).encode())
        answer = super().ask(method, target, headers=headers, content=content, max_bytes=max_bytes)
        value: Any = json.loads(answer.body)
        value["leaves"] = [leaf for leaf in value["leaves"] if leaf[1] != self.leave_out]
        return HttpAnswer(status=200, body=json.dumps(value).encode())


def asked_of(town: Town, policy: Path, issuer: str, way: Listening) -> bool:
    trust = TrustPolicy.decode(policy.read_bytes())
    query = Query(entity=issuer, authority=trust.charter, achievement_types=("BachelorDegree",))
    with NodeClient(town.urls[0], way=way) as client:
        return ask_privately(client, query, trust, int(time.time()))[0].authorized


def test_the_answer_is_the_same_and_the_policy_remembers_the_state(town: Town, policy: Path, issuer: str) -> None:
    town.noted()
    found = town.json("query", issuer, "--for", "BachelorDegree", "--policy", policy, "--private")
    assert (found["result"], found["authorized"], found["issuer"]) == ("verified", True, issuer)
    assert TrustPolicy.decode(policy.read_bytes()).count == found["statements_noted"]
    shown = town.run("query", issuer, "--for", "BachelorDegree", "--policy", policy, "--private")
    assert "was not told which issuer it is" in shown.stdout
    assert "Discreet College" in shown.stdout
    absent = town.json("query", "did:web:absent.example", "--policy", policy, "--private", code=1)
    assert absent["verdict"] == "unknown_issuer"


def test_a_node_is_told_a_digit_of_a_hash_and_neither_issuer_nor_question(
    town: Town, policy: Path, issuer: str
) -> None:
    town.noted()
    way = Listening(town.urls[0])
    assert asked_of(town, policy, issuer, way)
    assert way.asked == [f"{town.urls[0]}/v1/issuers/by-prefix/{record_key('issuer', issuer).hex()[:1]}"]


class Registry:
    """A node with so many issuers that the buckets of two hashes are different ones."""

    def __init__(self, held: Held, entity: str) -> None:
        self.held, self.entity = held, entity
        self.told: list[str] = []

    def issuers_by_prefix(self, digits: str) -> object:
        """The bucket of whichever hash of the id it is that begins so."""
        [kind] = (kind for kind in ("issuer", "alias") if record_key(kind, self.entity).hex().startswith(digits))
        self.told.append(kind)
        return bucket_of(self.held, kind, self.entity, 4 * len(digits), wanted=COLLEGE)

    competencies_by_prefix = issuers_by_prefix


@pytest.mark.parametrize(
    ("entity", "told", "verdict"),
    [
        (COLLEGE, ["issuer"], Verdict.TRUSTED),
        (ALIAS, ["issuer", "alias"], Verdict.TRUSTED),
        ("did:web:nobody.example", ["issuer", "alias"], Verdict.UNKNOWN_ISSUER),
    ],
)
def test_whether_an_id_is_an_alias_is_asked_only_where_nothing_of_its_own_decides(
    entity: str, told: list[str], verdict: Verdict
) -> None:
    world = World()
    world.register(also_known_as=[ALIAS])
    world.grant()
    held = Held.of(world.records())
    node = Registry(held, entity)
    query = Query(entity=entity, authority=ECOSYSTEM, achievement_types=("BachelorDegree",))
    decision, opened = ask_privately(cast(NodeClient, node), query, trust(held, NOW), NOW)
    assert (decision.verdict, node.told, len(opened)) == (verdict, told, len(told))


def test_where_one_digit_is_too_few_one_more_is_told(town: Town, policy: Path, issuer: str) -> None:
    town.noted()
    way = Listening(town.urls[0])
    way.refuse_below = 3
    assert asked_of(town, policy, issuer, way)
    assert len(way.asked) == 3
    way.refuse_below = 9
    with pytest.raises(InputError, match="no"):
        asked_of(town, policy, issuer, way)
    way.code = "other"
    way.asked.clear()
    with pytest.raises(InputError, match="no"):
        asked_of(town, policy, issuer, way)
    assert len(way.asked) == 1


def test_a_node_that_leaves_the_issuer_out_is_found(town: Town, policy: Path, issuer: str) -> None:
    town.noted()
    way = Listening(town.urls[0])
    way.leave_out = issuer
    with pytest.raises(CheckError, match="do not match the prefix"):
        asked_of(town, policy, issuer, way)


def test_a_private_question_needs_a_policy_and_leaves_no_file(town: Town, policy: Path, tmp_path: Path) -> None:
    refused = town.run("query", "did:web:x.example", "--private", code=None)
    assert "--private needs a trust policy" in refused.stderr
    file = ("--evidence", tmp_path / "x")
    refused = town.run("query", "did:web:x.example", "--private", "--policy", policy, *file, code=None)
    assert "Leave out --evidence" in refused.stderr
