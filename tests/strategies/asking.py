"""What stories about noted answers ask, and how they take the evidence."""

import time
from base64 import b64decode
from typing import Any

from accredit.registry.evidence.trust_policy import TrustPolicy
from accredit.registry.statement import Statement
from tests.strategies.bodies import ISSUER, grant, register
from tests.strategies.network import A
from tests.strategies.signing import SigningNodes

ASKED = {"issuer": ISSUER, "achievement_type": "BachelorDegree", "evidence": True}
NOBODY = "did:web:nobody.example"


def now() -> int:
    return int(time.time())


async def accredited(fleet: SigningNodes) -> Statement:
    """An issuer with an accreditation, noted by all; the grant."""
    given = [fleet.town.says(A, "issuer.register", register()), fleet.town.says(A, "accreditation.grant", grant())]
    await fleet.submit(*given)
    await fleet.noted()
    return given[1]


async def policy_of(fleet: SigningNodes, name: str) -> TrustPolicy:
    return TrustPolicy.decode(await fleet.ask(name, lambda node: node.trust_policy()))


async def evidence_of(fleet: SigningNodes, name: str, asked: dict[str, Any] = ASKED) -> bytes:
    answer = await fleet.ask(name, lambda node: node.decide(asked))
    assert answer["own_word"] is False
    return b64decode(answer["evidence"])
