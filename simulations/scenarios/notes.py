"""State notes and the verifiers that rely on them: signers crash or lie, and verifiers meet liars."""

from accredit.simulations.byzantine import Forger, LogEquivocator, NoteEquivocator, Omitter, Restamper, StaleAnswerer
from accredit.simulations.checkers import Bounds
from accredit.simulations.virtual.world import World

from .book import people, scenario


@scenario(signers=4, nodes=12, seconds=30.0, bounds=Bounds(one_root=30_000))
def state_notes(world: World) -> None:
    """Four signers cosign states; one of them crashes again and again."""
    world.every(8, lambda: world.crash(world.hosts[0], down=4))
    people(world)


@scenario(signers=7, nodes=14, seconds=120.0, bounds=Bounds(one_root=30_000, exposed=60_000))
def lying_signers(world: World) -> None:
    """Two of seven signers cosign, now and then, another root for one count: quorums stand, and everybody knows."""
    world.turn(world.hosts[:2], NoteEquivocator)
    people(world, normal=20, urgent=45)


@scenario(nodes=30, seconds=200.0, checkpoints=True, bounds=Bounds(one_root=30_000, exposed=150_000))
def lying_log(world: World) -> None:
    """A node signs two checkpoints of one size and shows one to either half: soon everybody has the proof."""
    world.turn(world.hosts[-1:], LogEquivocator)
    people(world, normal=50, urgent=100)


@scenario(signers=4, nodes=12, seconds=60.0, bounds=Bounds(one_root=30_000, stale=30))
def verifiers(world: World) -> None:
    """Verifiers ask honest nodes while accreditations are revoked: how old is what they verify?"""
    world.ask(5, every=world.settings.option("ask", 2.0))
    people(world, normal=3, urgent=6)


@scenario(signers=7, nodes=20, grants=10, seconds=90.0, policy_age=60, bounds=Bounds(one_root=30_000, stale=75))
def lying_to_verifiers(world: World) -> None:
    """Two of seven signers and half of the other nodes lie to verifiers: old notes, new stamps, forgeries, gaps."""
    world.turn(world.hosts[0:1], Forger)
    world.turn(world.hosts[1:2], Restamper)
    for liar in (StaleAnswerer, Restamper, Forger, Omitter):
        world.corrupt(0.1, liar)
    world.ask(8, every=world.settings.option("ask", 2.0))
    people(world, normal=5, urgent=6)


@scenario(signers=4, nodes=8, grants=10, seconds=150.0, policy_age=60, bounds=Bounds(one_root=30_000, stale=75))
def stale_answers(world: World) -> None:
    """Half of the nodes answer from the oldest state they have, to verifiers that ask for the first time, late."""
    world.turn(world.hosts[4:], StaleAnswerer)
    world.ask(20, every=5.0, since=world.settings.seconds - 20)
    people(world, normal=10, urgent=10)
