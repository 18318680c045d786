"""What one machine of a large network costs: memory, time to learn the list, a heartbeat. No target in the design.

Machines of one process share one roster of 10,000 members, as in a simulation. Each learns the list, then lives for a
minute of its own time in which nobody answers: so it dials, compares and announces as much as it ever does. The same
for a list of 100 members: what a machine costs must not depend on how long the list is.
"""

import tracemalloc
from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from random import Random
from typing import Final

from accredit.gossip.machine import Machine
from accredit.gossip.peers.roster import Roster
from accredit.gossip.protocol.events import Peer, PeersChanged, Send, SendFailed, Ticked
from accredit.registry.encoding.ed25519 import KeyPair, public_of
from benchmarks.harness import RUNS, Report, timed

MACHINES: Final = 1_000
MEMBERS: Final = (100, 10_000)
MINUTE: Final = 60_000
START: Final = 1_700_000_000_000


class Nothing:
    """What a new node has logged: `gossip.protocol.events.Held`."""

    def __contains__(self, id: object) -> bool:
        return False

    def size(self) -> int:
        """Nought."""
        return 0

    def ids(self, start: int, stop: int) -> Sequence[bytes]:  # noqa: ARG002
        """None."""
        return ()

    def items(self) -> Sequence[tuple[int, bytes]]:
        """None."""
        return ()

    def raw(self, id: bytes) -> bytes | None:  # noqa: ARG002
        """None."""
        return None

    def root(self) -> tuple[bytes, int]:
        """Of nothing."""
        return bytes(32), 0

    def conflicts(self) -> Sequence[bytes]:
        """None."""
        return ()

    def notes(self) -> Sequence[bytes]:
        """None."""
        return ()


def seed_of(number: int) -> bytes:
    """Of a member's peer key."""
    return sha256(b"member %d" % number).digest()


def machines(many: int) -> list[Machine]:
    """They know nobody yet."""
    return [Machine(signer=KeyPair(seed_of(number)), held=Nothing(), random=Random(number)) for number in range(many)]


def live(machine: Machine, roster: Roster) -> None:
    """A minute in which nobody answers."""
    now = START
    effects = machine.handle(PeersChanged(peers=roster), now=now)
    while now < START + MINUTE:
        while effects:
            effect = effects.pop()
            if isinstance(effect, Send):
                effects += machine.handle(SendFailed(exchange=effect.exchange, reason="silence"), now=now)
        now = max(now + 1, machine.next_wakeup() or START + MINUTE)
        effects = machine.handle(Ticked(), now=now)


def tell_all(made: Sequence[Machine], roster: Roster) -> None:
    """Each learns the list."""
    for machine in made:
        machine.handle(PeersChanged(peers=roster), now=START)


def live_all(made: Sequence[Machine], roster: Roster) -> None:
    """Each its minute."""
    for machine in made:
        live(machine, roster)


def kilobytes(many: int, roster: Roster) -> tuple[float, float]:
    """Of one machine: as it is made and told the list, and after its minute."""
    tracemalloc.start()
    made = machines(many)
    tell_all(made, roster)
    fresh = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    tracemalloc.start()
    lived = machines(many // 20)
    live_all(lived, roster)
    old = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return fresh / many / 1_000, old / len(lived) / 1_000


def main() -> None:
    """Measures and reports."""
    report = Report("gossip_scale")
    for members in MEMBERS:
        peers = [Peer(name=f"node{n}", url=f"https://node{n}", public=public_of(seed_of(n))) for n in range(members)]
        roster = Roster(peers)
        fresh, old, told, lived = [], [], [], []
        for _ in range(RUNS):
            made, some = machines(min(MACHINES, members)), machines(10)
            told.append(timed(partial(tell_all, made, roster)) / len(made) * 1e6)
            lived.append(timed(partial(live_all, some, roster)) / len(some) / 60 * 1e6)
        for _ in range(2):
            sizes = kilobytes(min(MACHINES, members), roster)
            fresh.append(sizes[0])
            old.append(sizes[1])
        report.add(f"{members:,} members: told the list", "µs", told)
        report.add(f"{members:,} members: a second of life", "µs", lived)
        report.add(f"{members:,} members: memory, new", "kB", fresh)
        report.add(f"{members:,} members: memory, after a minute", "kB", old)
    report.finish()


if __name__ == "__main__":
    main()
