"""Running nodes prove which statements a quorum's note binds to: on every node, after a cut-off, after a restart."""

from pathlib import Path

from accredit.node.runtime.runtime import Runtime
from accredit.registry.evidence.statement_proof import Presence, Proved, check_presence
from accredit.registry.evidence.trust_policy import TrustPolicy
from tests.strategies.asking import now, policy_of
from tests.strategies.bodies import register
from tests.strategies.consortium import Consortium
from tests.strategies.network import A, B, C
from tests.strategies.real_node import running, until
from tests.strategies.signing import SigningNodes, signing_nodes, signing_town
from tests.strategies.stories import compromise


async def proved(fleet: SigningNodes, name: str, id: bytes, policy: TrustPolicy) -> Proved:
    return check_presence(Presence.of(await fleet.ask(name, lambda node: node.presence(id))), id, policy, now())


def check_map(runtime: Runtime) -> None:
    """That the stored map is the fold's, where all that is held is noted."""
    fold, noted = runtime.engine.fold, runtime.noted
    with noted.reading():
        assert noted.statements.root() == noted.statements_root == fold.statements_root()
        assert len(noted.statements) == fold.committed_count()


async def test_what_a_cut_off_makes_void_is_proved_to_be_gone_on_every_node(tmp_path: Path) -> None:
    async with signing_nodes(tmp_path, 4, web=True) as fleet:
        town, policy = fleet.town, await policy_of(fleet, "node1")
        kept = town.says(A, "issuer.register", register())
        forged = town.says(A, "issuer.register", register("did:web:mill.example"))
        await fleet.submit(kept, forged)
        state = await fleet.noted()
        for name in fleet.nodes:
            for said in (town.genesis, kept, forged):
                found = await proved(fleet, name, said.id, policy)
                assert (found.is_present, found.noted.state) == (True, state)
            assert not (await proved(fleet, name, bytes(32), policy)).is_present
            check_map(fleet[name].runtime)
        cut = compromise(town, B, town.pen(A), kept)
        await fleet.submit(cut, town.votes(C, cut), to="node2")
        state = await fleet.noted()
        for name in fleet.nodes:
            for said, is_present in ((kept, True), (cut, True), (forged, False)):
                found = await proved(fleet, name, said.id, policy)
                assert (found.is_present, found.noted.state) == (is_present, state)
            check_map(fleet[name].runtime)


async def noted(runtime: Runtime, town: Consortium) -> None:
    """Says all that has been said, and waits until it is noted and stored."""
    await runtime.submit([each.raw for each in town.said])
    await until(lambda: (state := runtime.noted.state) is not None and state.count == len(town.said))
    check_map(runtime)


async def test_after_a_restart_it_proves_what_it_proved_and_follows_on(tmp_path: Path) -> None:
    town = signing_town(1)
    first = town.says(A, "issuer.register", register())
    forged = town.says(A, "issuer.register", register("did:web:mill.example"))
    async with running(tmp_path, town, "node1") as node:
        await noted(node.runtime, town)
        proofs = [node.runtime.noted.statements.prove(said.id) for said in (first, forged)]
    async with running(tmp_path, town, "node1") as node:
        check_map(node.runtime)
        assert [node.runtime.noted.statements.prove(said.id) for said in (first, forged)] == proofs
        cut = compromise(town, B, town.pen(A), first)
        town.votes(C, cut)
        await noted(node.runtime, town)
        assert node.runtime.noted.statements.get(forged.id) is None
    async with running(tmp_path, town, "node1") as node:
        check_map(node.runtime)
        assert node.runtime.noted.statements.get(first.id) == first.id
        assert node.runtime.noted.statements.get(forged.id) is None
