"""Whose key a conflict is about: a name that a forger wrote accuses nobody."""

from dataclasses import replace
from typing import Any

import pytest

from accredit.registry.encoding.ed25519 import KeyPair, public_of
from accredit.registry.evidence.attribution import Attribution, whose
from accredit.registry.evidence.trust_policy import TrustPolicy
from accredit.registry.transparency.equivocation import Conflict
from accredit.registry.transparency.state_note import signer_key
from accredit.registry.transparency.tlog_policy import Policy
from tests.strategies.contradictions import forked_log, two_states
from tests.strategies.domain import NOW, seed_of
from tests.strategies.noted import Held, trust

NAME = "node1.example"
LOG, STATE = seed_of("its log"), seed_of("its state")
MINE = seed_of("the forger's")
CHARTER: dict[str, Any] = {"nodes": [{"name": NAME, "keys": {"log": public_of(LOG), "state": public_of(STATE)}}]}


def relying_on(name: str, seed: bytes) -> TrustPolicy:
    key = signer_key(name, public_of(seed)).encode()
    signers = Policy.decode(f"witness {name} {key}\ngroup signers 1 {name}\nquorum signers\n".encode())
    return replace(trust(Held({}), NOW), signers=signers)


def forked(seed: bytes, name: str = NAME) -> Conflict:
    return forked_log(name, KeyPair(seed))


def doubled(seed: bytes, name: str = NAME) -> Conflict:
    return two_states(name, seed, bytes(32))


@pytest.mark.parametrize(
    ("conflict", "policy", "charter", "expected"),
    [
        (forked(LOG), None, CHARTER, Attribution.CHARTER),
        (forked(LOG), None, None, Attribution.UNKNOWN),
        (forked(MINE), None, CHARTER, Attribution.OTHER_KEY),
        (forked(STATE), None, CHARTER, Attribution.OTHER_KEY),
        (forked(LOG, "node2.example"), None, CHARTER, Attribution.UNKNOWN),
        (forked(STATE), relying_on(NAME, STATE), None, Attribution.UNKNOWN),
        (doubled(STATE), relying_on(NAME, STATE), None, Attribution.POLICY),
        (doubled(STATE), relying_on("x.example", STATE), None, Attribution.UNKNOWN),
        (doubled(MINE), relying_on(NAME, STATE), None, Attribution.OTHER_KEY),
        (doubled(STATE), None, CHARTER, Attribution.CHARTER),
        (doubled(LOG), None, CHARTER, Attribution.OTHER_KEY),
    ],
)
def test_a_node_is_accused_where_policy_or_charter_ties_the_key_to_its_name(
    conflict: Conflict, policy: TrustPolicy | None, charter: dict[str, Any] | None, expected: Attribution
) -> None:
    found = whose(conflict, policy, charter)
    assert found is expected
    assert found.is_known == (expected in (Attribution.POLICY, Attribution.CHARTER))
