"""Which statements are under the note, over HTTP: whoever is asked, the answer proves itself or is no answer."""

from pathlib import Path

from accredit.registry.evidence.statement_proof import Presence, check_presence
from accredit.registry.evidence.trust_policy import TrustPolicy
from tests.strategies.served import Served, empty, world


async def test_any_id_may_be_asked_about_and_each_answer_proves_itself(node: Served) -> None:
    policy = TrustPolicy.decode((await node.get("/v1/trust-policy")).content)
    held = [said.id for said in node.town.said]
    for id in (*held, bytes(32), b"\xff" * 32):
        answer = await node.get(f"/v1/statements/{id.hex()}/proof")
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
        proved = check_presence(Presence.of(answer.json()), id, policy, node.now())
        assert proved.is_present == answer.json()["present"] == (id in held)
        assert proved.noted.note == node.noted.note


async def test_before_there_is_a_note_nothing_is_proved_and_that_is_said(tmp_path: Path) -> None:
    new = empty(tmp_path, world())
    answer = await new.get(f"/v1/statements/{new.ecosystem.hex()}/proof")
    assert (answer.status_code, answer.json()["code"]) == (503, "no_state_note")
    assert answer.json()["hint"]


async def test_what_is_no_id_is_malformed_and_not_absent(node: Served) -> None:
    for word in ("xyz", "00", "00" * 33, "AB" * 32):
        assert (await node.get(f"/v1/statements/{word}/proof")).status_code == 400
