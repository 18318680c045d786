"""An answer is proved on the page itself: each step is ticked, each failure named, and a node that lies is caught.

The reader brings the trust policy. The node's time stands still, and so does the browser's: nothing here is too slow.
"""

from collections.abc import Callable
from typing import Any

import pytest

from accredit.governance.policy_renewal import export_policy
from accredit.node.http.explorer.frame import address
from accredit.node.http.explorer.phrases import LANGUAGE, load
from accredit.registry.encoding.cbor import decode, encode
from accredit.registry.evidence.trust_policy import TrustPolicy
from tests.strategies.browser import browser_or_skip, look, open_to
from tests.strategies.explored import CLOSED, NURSING
from tests.strategies.served import COLLEGE, NOW, Served, served

pytestmark = pytest.mark.usefixtures("_browser")
T = load(LANGUAGE).verify
STEPS = ("question", "signature", "quorum", "inclusion", "map_proof", "decision", "shown")
NOBODY = "did:web:nobody.example"


@pytest.fixture(scope="module")
def _browser() -> None:
    browser_or_skip()


def policy_of(node: Served) -> str:
    """What the reader relies on: exported by somebody he trusts."""
    return export_policy(node.fold, NOW).encode().decode()


def page(issuer: str = NURSING, wanted: str = "License") -> str:
    return address("/explore/decision", issuer=issuer, **{"for": wanted})


def visit(path: str, policy: str, **more: Any) -> dict[str, Any]:
    """A reader who gives a policy as a file, and reads what comes of it."""
    steps = [
        ["file", "#f-policy", policy],
        ["click", "#verify-form button[type=submit]"],
        ["wait", "#verified .steps, #verified [role=alert]"],
        ["read", "#verified"],
    ]
    return {"path": path, "clock": NOW, "steps": steps, **more}


class LyingNode:
    """The same application, whose answers under a path are changed on the way."""

    def __init__(self, app: Any, path: str, lie: Callable[[bytes], bytes]) -> None:
        self.app, self.path, self.lie = app, path, lie

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] != self.path:
            await self.app(scope, receive, send)
            return
        sent: list[Any] = []

        async def keep(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, keep)
        body = self.lie(b"".join(message.get("body", b"") for message in sent[1:]))
        fields = [(name, value) for name, value in sent[0]["headers"] if name != b"content-length"]
        await send({**sent[0], "headers": [*fields, (b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})


def ticked(seen: dict[str, Any]) -> list[str]:
    """The words before each step."""
    (said,) = seen["seen"]
    words = {T.passed, T.failed, T.not_reached}
    return [line for line in said.splitlines() if line in words]


@pytest.mark.parametrize(
    ("issuer", "wanted"), [(NURSING, "License"), (CLOSED, "Degree"), (NOBODY, "License"), (COLLEGE, "Course")]
)
async def test_a_true_answer_is_proved_whatever_it_says(shown: Served, issuer: str, wanted: str) -> None:
    async with open_to(shown.app()) as url:
        (seen,) = await look(url, [visit(page(issuer, wanted), policy_of(shown), axe=True)])
    assert seen["errors"] == []
    assert seen["refused"] == []
    assert seen["violations"] == []
    assert ticked(seen) == [T.passed] * len(STEPS), seen["seen"]
    assert "Vouched for by node1.example.org" in seen["seen"][0]
    assert T.own_result not in seen["seen"][0]
    assert {one.split()[0] for one in seen["requests"]} == {"GET"}


def changed(change: Callable[[dict[str, Any]], Any]) -> Callable[[bytes], bytes]:
    """A lie that is well-formed: the evidence is opened, changed and closed again."""

    def lie(data: bytes) -> bytes:
        value: Any = decode(data, what="the evidence")
        change(value)
        return encode(value)

    return lie


def other_record(value: dict[str, Any]) -> None:
    """The issuer's record, with another name in it."""
    for one in value["records"]:
        if one[0] == "issuer":
            one[2] = one[2].replace(b"Meadow", b"Weadow")


LIES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "another answer": (changed(lambda value: value["answer"].update(verdict="not_trusted")), "decision"),
    "another question": (changed(lambda value: value["query"].update(entity=CLOSED)), "question"),
    "a changed record": (changed(other_record), "map_proof"),
    "a record left out": (changed(lambda value: value["records"].pop(0)), "decision"),
    "another root": (changed(lambda value: value.update(records_root=bytes(32))), "inclusion"),
    "no note": (changed(lambda value: value.update(note=b"")), "signature"),
    "a note that others signed": (
        changed(lambda value: value.update(note=value["note"].replace(b"node1.example.org", b"node9.example.org"))),
        "signature",
    ),
    "noise": (lambda data: data[: len(data) // 2], "question"),
}


@pytest.mark.parametrize("name", LIES)
async def test_a_node_that_lies_is_caught_and_the_failing_step_is_named(shown: Served, name: str) -> None:
    lie, fails = LIES[name]
    async with open_to(LyingNode(shown.app(), "/explore/evidence", lie)) as url:
        (seen,) = await look(url, [visit(page(), policy_of(shown))])
    at = STEPS.index(fails)
    assert ticked(seen) == [T.passed] * at + [T.failed] + [T.not_reached] * (len(STEPS) - at - 1), seen["seen"]
    assert "Verified" not in seen["seen"][0]


async def test_a_page_that_shows_another_answer_than_the_proved_one_is_caught(shown: Served) -> None:
    def lie(data: bytes) -> bytes:
        verdict = load(LANGUAGE).verdict
        return data.replace(f">{verdict.trusted_with_advisory}<".encode(), f">{verdict.not_trusted}<".encode())

    async with open_to(LyingNode(shown.app(), "/explore/decision", lie)) as url:
        (seen,) = await look(url, [visit(page(), policy_of(shown))])
    assert ticked(seen) == [T.passed] * (len(STEPS) - 1) + [T.failed]
    assert "Somebody changed the page" in seen["seen"][0]


async def test_what_a_quorum_vouched_for_too_long_ago_is_no_proof(shown: Served) -> None:
    policy = policy_of(shown)
    async with open_to(shown.app()) as url:
        (seen,) = await look(url, [visit(page(), policy, clock=NOW + 86_400)])
    assert ticked(seen)[:3] == [T.passed, T.passed, T.failed]
    assert T.stale in seen["seen"][0]


async def test_signers_come_from_the_readers_policy_and_not_from_the_node(shown: Served, tmp_path: Any) -> None:
    other = served(tmp_path)
    stranger = TrustPolicy.decode(policy_of(other).encode())
    async with open_to(shown.app()) as url:
        seen, bad, none = await look(
            url,
            [
                visit(page(), stranger.encode().decode().replace(other.ecosystem.hex(), "0" * 64)),
                visit(page(), "no policy"),
                {**visit(page(), ""), "steps": visit(page(), "")["steps"][1:]},
            ],
        )
    assert T.failed in ticked(seen)
    assert T.unknown in seen["seen"][0]
    assert "not a usable trust policy" in bad["seen"][0]
    assert T.no_policy in none["seen"][0]


async def test_the_nodes_own_policy_can_be_taken_and_is_said_to_prove_less(shown: Served) -> None:
    steps = [
        ["click", "#verify-form details:nth-of-type(2) summary"],
        ["read", "#verify-form details:nth-of-type(2)"],
        ["click", "#verify-own"],
        ["wait", "#verified .steps"],
        ["read", "#verified"],
    ]
    async with open_to(shown.app()) as url:
        (seen,) = await look(url, [{"path": page(), "clock": NOW, "steps": steps}])
    caveat, said = seen["seen"]
    assert "proves less" in caveat
    assert T.own_result in said, "and is still said where the result is"
    assert said.count(T.passed) == len(STEPS)


async def test_a_node_without_tls_is_told_why_the_page_cannot_verify_and_what_can(shown: Served) -> None:
    async with open_to(shown.app()) as url:
        port = url.rpartition(":")[2]
        (seen,) = await look(
            f"http://node.example:{port}",
            [{"path": page(), "clock": NOW}],
            args=["--host-resolver-rules=MAP node.example 127.0.0.1"],
        )
    assert seen["errors"] == []
    assert "without TLS" in seen["text"]
    assert T.policy_hint not in seen["text"]
    assert f"accredit query {NURSING} --for License" in seen["text"]


async def test_without_scripts_the_page_offers_the_command_and_the_file(shown: Served) -> None:
    async with open_to(shown.app()) as url:
        (seen,) = await look(url, [{"path": page(), "scripts": False}])
    assert T.no_scripts in seen["text"]
    assert T.policy_hint not in seen["text"]
    assert "Download the evidence" in seen["text"]


async def test_an_answer_that_cannot_be_proved_yet_is_said(shown: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(shown.noted), "note", None)
    async with open_to(shown.app()) as url:
        (seen,) = await look(url, [visit(page(), policy_of(shown))])
    assert T.not_fetched.partition("{")[0] in seen["seen"][0]
    assert "quorum" in seen["seen"][0]
