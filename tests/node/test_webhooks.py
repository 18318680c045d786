"""Webhooks: what changed reaches an address once it can be reached, in order, signed, and nothing is told twice."""

import json
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trio
from nacl.signing import VerifyKey

from accredit.node.app import Node
from accredit.node.clients.peer_http import Peers
from accredit.node.settings import WebhookAddress
from accredit.node.webhooks import Webhooks
from tests.strategies.bodies import register
from tests.strategies.consortium import Consortium
from tests.strategies.network import A, founded
from tests.strategies.real_node import running, until

SCHOOL = "did:web:school.example"


class Receiver:
    """An address that takes messages, or answers with `status`; what came in, heads and bodies."""

    def __init__(self) -> None:
        self.status = 204
        self.answer = b""
        self.messages: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.refused: list[tuple[str, bytes]] = []
        self.url = ""

    @property
    def told(self) -> list[str]:
        """The subjects of all changes taken, in order."""
        return [change["sub"] for _, body in self.messages for change in body["data"]["changes"]]

    async def serve(self, *, task_status: trio.TaskStatus[None]) -> None:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}/hook"
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, self._converse, listeners)
            task_status.started()

    async def _converse(self, stream: trio.SocketStream) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            data += await stream.receive_some() or b"\r\n\r\n"
        head, _, body = data.partition(b"\r\n\r\n")
        lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
        headers = {name.lower(): value for name, _, value in lines}
        while len(body) < int(headers.get("content-length", 0)):
            body += await stream.receive_some()
        if 200 <= self.status < 300:
            self._verify(headers, body)
            self.messages.append((headers, json.loads(body)))
        else:
            self.refused.append((headers["webhook-id"], body))
        answer = b"HTTP/1.1 %d X\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % (self.status, len(self.answer))
        with suppress(trio.BrokenResourceError):  # whoever asked need not read all of it
            await stream.send_all(answer + self.answer)
        await stream.aclose()

    key = b""

    def _verify(self, headers: dict[str, str], body: bytes) -> None:
        """As Standard Webhooks has it."""
        version, _, signature = headers["webhook-signature"].partition(",")
        assert version == "v1a"
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        VerifyKey(self.key).verify(signed, b64decode(signature))


@asynccontextmanager
async def sending(node: Node, *addresses: WebhookAddress, name: str = "") -> AsyncIterator[None]:
    """The node's webhooks, with short pauses, over real connections."""
    made = Webhooks(
        addresses,
        node.store,
        node.web_key,
        Peers(timeout_seconds=30),
        node.ports.clock,
        node.ports.run_blocking,
        name=name or node.config.name,
        ecosystem=node.store.ecosystem,
        pauses=(0.05, 0.2),
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.run)
        yield
        nursery.cancel_scope.cancel()


async def say(node: Node, town: Consortium, *issuers: str) -> None:
    said = [town.says(A, "issuer.register", register(issuer)) for issuer in issuers]
    await node.runtime.submit([each.raw for each in said])


async def begun(node: Node, count: int = 1) -> None:
    """Until the addresses are known: they hear what changes from then on."""
    await until(lambda: len(node.store.kept_under("webhook/")) == count)


async def noted(node: Node) -> None:
    """Until the node has written down how far it told: one that stops before that tells the last message again."""
    newest = node.store.changes_before(2**62)
    await until(lambda: node.store.kept_under("webhook/") == [newest.to_bytes(8)])


async def test_changes_come_signed_and_in_order_and_an_address_that_was_away_misses_none(tmp_path: Path) -> None:
    town, receiver = founded("node1"), Receiver()
    async with running(tmp_path, town, "node1") as node, trio.open_nursery() as nursery:
        await nursery.start(receiver.serve)
        receiver.key = node.web_key.signer.public_key
        await node.runtime.submit([each.raw for each in town.said])
        async with sending(node, WebhookAddress(url=receiver.url)):
            await begun(node)
            await say(node, town, SCHOOL)
            await until(lambda: receiver.told == [SCHOOL])
            receiver.status = 500
            await say(node, town, "did:web:second.example")
            await until(lambda: len(receiver.refused) > 1)
            await say(node, town, "did:web:third.example")
            receiver.status = 204
            await until(lambda: len(receiver.told) == 3)
            await noted(node)
        async with sending(node, WebhookAddress(url=receiver.url)):
            await say(node, town, "did:web:fourth.example")
            await until(lambda: len(receiver.told) == 4)
        nursery.cancel_scope.cancel()
    assert receiver.told == [SCHOOL, *(f"did:web:{name}.example" for name in ("second", "third", "fourth"))]
    ids = [headers["webhook-id"] for headers, _ in receiver.messages]
    assert len(set(ids)) == len(ids), "each message has an id of its own"
    assert receiver.messages[0][1]["type"] == "registry.changed"


async def test_a_message_that_is_sent_again_is_the_same_message(tmp_path: Path) -> None:
    """A receiver that worked on it, and could not answer in time, knows it by its id; news waits for the next one."""
    town, receiver = founded("node1"), Receiver()
    async with running(tmp_path, town, "node1") as node, trio.open_nursery() as nursery:
        await nursery.start(receiver.serve)
        receiver.key = node.web_key.signer.public_key
        await node.runtime.submit([each.raw for each in town.said])
        async with sending(node, WebhookAddress(url=receiver.url)):
            await begun(node)
            receiver.status = 500
            await say(node, town, SCHOOL)
            await until(lambda: bool(receiver.refused))
            await say(node, town, "did:web:second.example")
            tried = len(receiver.refused)
            await until(lambda: len(receiver.refused) > tried + 1)
            receiver.status = 204
            await until(lambda: len(receiver.told) == 2)
        nursery.cancel_scope.cancel()
    assert len(set(receiver.refused)) == 1, "neither another id nor another body while it waits"
    (first, told), _ = receiver.messages
    assert (first["webhook-id"], told) == (receiver.refused[0][0], json.loads(receiver.refused[0][1]))


async def test_an_address_hears_only_of_its_subjects_and_one_that_stalls_delays_no_other(tmp_path: Path) -> None:
    town, receiver = founded("node1"), Receiver()
    async with running(tmp_path, town, "node1") as node, trio.open_nursery() as nursery:
        await nursery.start(receiver.serve)
        receiver.key = node.web_key.signer.public_key
        silent = await trio.open_tcp_listeners(0, host="127.0.0.1")  # takes connections, and answers nothing
        stalling = f"http://127.0.0.1:{silent[0].socket.getsockname()[1]}/"
        await node.runtime.submit([each.raw for each in town.said])
        wanted = WebhookAddress(url=receiver.url, subjects=(SCHOOL,))
        async with sending(node, WebhookAddress(url=stalling), wanted):
            await begun(node, 2)
            await say(node, town, "did:web:other.example")
            await say(node, town, SCHOOL)
            await until(lambda: bool(receiver.told))
        nursery.cancel_scope.cancel()
        await silent[0].aclose()
    assert receiver.told == [SCHOOL]


async def test_neither_a_name_beyond_ascii_nor_a_long_answer_keeps_changes_from_an_address(tmp_path: Path) -> None:
    town, receiver = founded("node1"), Receiver()
    receiver.status, receiver.answer = 200, b"x" * 2**20
    async with running(tmp_path, town, "node1") as node, trio.open_nursery() as nursery:
        await nursery.start(receiver.serve)
        receiver.key = node.web_key.signer.public_key
        await node.runtime.submit([each.raw for each in town.said])
        async with sending(node, WebhookAddress(url=receiver.url), name="nöde"):
            await begun(node)
            await say(node, town, SCHOOL)
            await noted(node)
        nursery.cancel_scope.cancel()
    assert receiver.told == [SCHOOL], "told, and told once"
    assert receiver.messages[0][0]["webhook-id"].startswith("n%C3%B6de-")
    assert receiver.messages[0][1]["data"]["node"] == "nöde"


async def test_an_address_that_is_gone_is_left_alone(tmp_path: Path) -> None:
    town, receiver = founded("node1"), Receiver()
    receiver.status = 410
    async with running(tmp_path, town, "node1") as node, trio.open_nursery() as nursery:
        await nursery.start(receiver.serve)
        await node.runtime.submit([each.raw for each in town.said])
        ended = trio.Event()
        async with trio.open_nursery() as inner:

            async def run() -> None:
                made = Webhooks(
                    [WebhookAddress(url=receiver.url)],
                    node.store,
                    node.web_key,
                    Peers(timeout_seconds=30),
                    node.ports.clock,
                    node.ports.run_blocking,
                    name="node1",
                    ecosystem=town.eco,
                )
                await made.run()
                ended.set()

            inner.start_soon(run)
            await begun(node)
            await say(node, town, SCHOOL)
            with trio.fail_after(60):
                await ended.wait()
        nursery.cancel_scope.cancel()
    assert len(receiver.refused) == 1


async def test_a_token_in_an_address_is_in_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    town, receiver = founded("node1"), Receiver()
    receiver.status = 500
    with caplog.at_level("INFO", logger="accredit"):
        async with running(tmp_path, town, "node1") as node, trio.open_nursery() as nursery:
            await nursery.start(receiver.serve)
            await node.runtime.submit([each.raw for each in town.said])
            async with sending(
                node, WebhookAddress(url=f"{receiver.url}/s3cret"), WebhookAddress(url="http://no.invalid/s3cret")
            ):
                await begun(node, 2)
                await say(node, town, SCHOOL)
                await until(lambda: sum("not told" in each.getMessage() for each in caplog.records) > 3)
            nursery.cancel_scope.cancel()
    ours = [each for each in caplog.records if each.name.startswith("accredit")]
    assert not any("s3cret" in f"{each.getMessage()} {vars(each)}" for each in ours)


async def test_a_fault_delays_a_message_and_shows_no_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It ended the node, and a trace would have shown the address."""
    town, receiver = founded("node1"), Receiver()
    post, odd = Peers.post, [1, 1]

    async def posts(peers: Peers, peer: str, url: str, *words: Any, **more: Any) -> tuple[int, bytes]:
        if odd:
            odd.pop()
            raise ValueError(url)
        return await post(peers, peer, url, *words, **more)

    monkeypatch.setattr(Peers, "post", posts)
    async with running(tmp_path, town, "node1") as node, trio.open_nursery() as nursery:
        await nursery.start(receiver.serve)
        receiver.key = node.web_key.signer.public_key
        await node.runtime.submit([each.raw for each in town.said])
        async with sending(node, WebhookAddress(url=f"{receiver.url}/s3cret")):
            await begun(node)
            await say(node, town, SCHOOL)
            await until(lambda: receiver.told == [SCHOOL])
        nursery.cancel_scope.cancel()
    told = [vars(each) for each in caplog.records if each.getMessage() == "webhook not told"]
    assert len(told) == 2
    assert "ValueError in test_webhooks.py:" in str(told[0])
    assert "s3cret" not in str(told)
