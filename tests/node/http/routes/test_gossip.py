"""Frames of peers come in by the engine's door, and strangers are told why not."""

import json

from accredit.gossip.protocol.wire import Request, encode_frame
from accredit.registry.encoding.ed25519 import KeyPair, key_id, public_of
from tests.strategies.consortium import seed_of
from tests.strategies.served import Served


async def test_a_stranger_gets_a_problem_and_no_browser_may_ask(node: Served) -> None:
    headers = {"content-type": "application/cose"}
    response = await node.ask("POST", "/gossip", content=b"hello", headers=headers)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert "access-control-allow-origin" not in response.headers
    frame = encode_frame(
        Request(ids=(bytes(32),)),
        signer=KeyPair(seed_of("stranger")),
        recipient=key_id(public_of(seed_of("peer"))),
        time=int(node.time * 1_000),
        nonce=bytes(16),
    )
    response = await node.ask("POST", "/gossip", content=frame, headers=headers)
    assert (response.status_code, response.json()["code"]) == (403, "not_a_peer")
    assert json.loads(response.content)["type"] == "urn:accredit:problem:not_a_peer"
