"""What renews a trust policy, over HTTP: one small answer, believed by nobody who does not check it."""

from dataclasses import replace
from pathlib import Path

import pytest

from accredit.governance.policy_renewal import Renewal, renew
from accredit.registry.errors import RefusedError
from accredit.registry.evidence.trust_policy import TrustPolicy
from tests.strategies.served import Served, empty, served, world


@pytest.fixture
def node(tmp_path: Path) -> Served:
    return served(tmp_path)


async def policy_of(node: Served) -> TrustPolicy:
    return TrustPolicy.decode((await node.get("/v1/trust-policy")).content)


async def test_a_policy_is_renewed_by_one_answer_and_not_by_the_whole_log(node: Served) -> None:
    policy = await policy_of(node)
    answer = await node.get("/v1/renewal", params={"step": policy.step.hex()})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/cbor")
    made = Renewal.decode(answer.content)
    renewed = renew(replace(policy, expires=node.now() + 60), made, node.now())
    assert renewed.signers == policy.signers
    assert renewed.expires > node.now() + 60
    assert renewed.count > 0
    assert len(made.statements) < node.log.size()


async def test_where_nothing_is_noted_yet_nothing_can_be_renewed(tmp_path: Path) -> None:
    new = empty(tmp_path, world())
    answer = await new.get("/v1/renewal", params={"step": "00" * 32})
    assert (answer.status_code, answer.json()["code"]) == (503, "no_state_note")


async def test_a_step_that_no_charter_here_follows_is_refused_and_one_that_is_no_id_is_malformed(node: Served) -> None:
    refused = await node.get("/v1/renewal", params={"step": "00" * 32})
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_step")
    assert (await node.get("/v1/renewal", params={"step": "xyz"})).status_code == 400
    assert (await node.get("/v1/renewal")).status_code == 400


async def test_a_node_that_leaves_a_statement_out_renews_nothing(node: Served) -> None:
    policy = await policy_of(node)
    answer = await node.get("/v1/renewal", params={"step": policy.step.hex()})
    made = Renewal.decode(answer.content)
    step = [raw for raw in made.statements if raw == node.fold.chains[policy.step].raw]
    assert step
    rest = tuple(raw for raw in made.statements if raw not in step)
    with pytest.raises(RefusedError, match="last followed"):
        renew(policy, replace(made, statements=rest), node.now())
