"""The five walks of ARCHITECTURE.md are the ways that running nodes and the command line really go."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio
from click.testing import CliRunner

from accredit.cli.main import accredit
from accredit.node.files.key_files import FASTEST, SealedKey
from accredit.node.http.lobby import HAS_LOBBY
from accredit.registry.errors import RemoteError
from tests.docs.pages import ROOT
from tests.docs.walks import Trail, walks
from tests.strategies.asking import accredited
from tests.strategies.bodies import ISSUER, register
from tests.strategies.network import A, B
from tests.strategies.real_node import Links, until
from tests.strategies.signing import SigningNodes, signing_nodes

PASSPHRASE = "correct horse battery staple"
QUESTION = {"issuer": ISSUER, "achievement_type": "BachelorDegree"}


async def typed(trail: Trail, fleet: SigningNodes, *words: str) -> None:
    """Type a command in a thread of its own, watched like the nodes."""

    def work() -> None:
        with trail.watched():
            environment = {
                "ACCREDIT_NODE": " ".join(fleet.urls.values()),
                "ACCREDIT_PASSPHRASE_FILE": str(fleet.folder / "phrase"),
            }
            result = CliRunner().invoke(accredit, list(words), env=environment)
        assert result.exit_code == 0, f"{words}\n{result.output}\n{result.exception!r}"

    with trail.watched():
        await trio.to_thread.run_sync(work)


async def submit(trail: Trail, fleet: SigningNodes) -> None:
    said = fleet.town.says(A, "issuer.register", register())
    with trail.watched():
        await fleet.ask("node1", lambda node: node.submit([said.raw]))


async def query(trail: Trail, fleet: SigningNodes) -> None:
    await accredited(fleet)
    with trail.watched():
        await fleet.ask("node1", lambda node: node.decide(QUESTION))


async def evidence(trail: Trail, fleet: SigningNodes) -> None:
    policy = fleet.folder / "policy.txt"
    policy.write_bytes(await fleet.ask("node1", lambda node: node.trust_policy()))
    await typed(trail, fleet, "query", ISSUER, "--for", "BachelorDegree", "--policy", str(policy))


async def propose(trail: Trail, fleet: SigningNodes) -> None:
    (fleet.folder / "phrase").write_text(PASSPHRASE)
    pen = fleet.town.pen(f"{A}#1")
    SealedKey.create(fleet.folder / "a.key", pen.seed, PASSPHRASE, label="A", authority=A, limits=FASTEST)
    form, key = ROOT / "examples" / "grant.toml", fleet.folder / "a.key"
    await typed(trail, fleet, "accreditation", "propose", str(form), "--issuer", ISSUER, "--key", str(key))


async def gossip(trail: Trail, fleet: SigningNodes) -> None:
    said = fleet.town.says(B, "issuer.register", {**register(), "id": f"{ISSUER}:2"})
    with trail.watched():
        await fleet.submit(said)
        await until(lambda: said.id in fleet["node2"].runtime.engine)


WALKS: dict[str, Callable[[Trail, SigningNodes], Awaitable[None]]] = {
    "Submit": submit,
    "Query": query,
    "Evidence": evidence,
    "Propose": propose,
    "A frame of gossip": gossip,
}


@pytest.mark.skipif(not HAS_LOBBY, reason="without a lobby a single question goes the way of many")
async def test_running_nodes_take_every_step_of_the_five_walks_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert list(WALKS) == list(walks())
    async with signing_nodes(tmp_path, 2, web=True) as fleet:
        monkeypatch.setattr(Links, "post", over_http(fleet, Links.post))
        for title, walk in WALKS.items():
            trail = Trail()
            await walk(trail, fleet)
            missed = trail.first_missed(walks()[title])
            assert missed is None, f"{title}: {missed} did not follow the steps before it"


Post = Callable[..., Awaitable[tuple[int, bytes]]]


def over_http(fleet: SigningNodes, post: Post) -> Post:
    """Carry frames over the nodes' own HTTP, and notes as before."""

    async def carried(self: Links, peer: str, url: str, data: bytes, **wishes: Any) -> tuple[int, bytes]:
        if peer not in fleet.urls:
            return await post(self, peer, url, data, **wishes)
        headers = {"content-type": wishes.get("media_type", "application/cose")}
        with suppress(httpx.TransportError), trio.move_on_after(wishes.get("seconds") or 60.0):
            answer = await fleet.fetch(peer, "/gossip", "POST", content=data, headers=headers)
            return answer.status_code, answer.content
        raise RemoteError("unreachable", f"{url} does not answer.")

    return carried
