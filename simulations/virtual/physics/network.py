"""Links between nodes, which decide how long a message takes, whether and how often it arrives, and which nodes are cut
off from each other.

* **Delay** one way is log-normal: each direction of each pair of nodes has its own (so links are asymmetric), drawn
  once, and each message adds some jitter (so messages overtake each other).
* **Loss, duplication, reordering**: a probability each, for one direction of an exchange.
* **Narrow and clogged**: a node's uplink may be so narrow that its messages queue; messages from and to a clogged node
  arrive only when it is no longer clogged.
* **Cuts**: `Split` (sides that do not hear each other, or only one way) and `Sparse` (a share of all pairs is cut).

An exchange is a request and its answer. If either is lost, the exchange fails at the sender after its timeout; a
machine that is down refuses the connection at once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from math import exp, log
from random import Random
from statistics import NormalDist
from typing import Final, Protocol

TIMEOUT_MS: Final = 10_000
"""Time after which a node gives up an exchange, as in `node.clients.peer_http`."""

_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """The common settings of all links.

    Attributes:
        median: of the delay one way, ms. Design gossip.md: 45 ms.
        spread: sigma of its logarithm between links. A guess: 0.4, so that 95 % lie between 20 and 100 ms.
        jitter: sigma between messages of one link. A guess: 0.1.
        loss, duplication: probability, one way.
        reordering: probability of being held up, one way, by up to ten times the delay.
        bandwidth: bytes for each ms: 12,500 is 100 Mbit/s.
    """

    median: float = 45.0
    spread: float = 0.4
    jitter: float = 0.1
    loss: float = 0.0
    duplication: float = 0.0
    reordering: float = 0.0
    bandwidth: int = 12_500


class Cut(Protocol):
    """A fault that stops messages."""

    def stops(self, source: str, target: str) -> bool:
        """Return whether it stops a message from `source` to `target`."""
        ...


@dataclass(frozen=True, slots=True)
class Split:
    """Sides that cannot reach each other; nodes on no side reach every node.

    Args:
        sides: node name -> side.
        is_one_way: whether it stops only messages from side 0.
    """

    sides: Mapping[str, int]
    is_one_way: bool = False

    def stops(self, source: str, target: str) -> bool:
        """See `Cut`."""
        here, there = self.sides.get(source), self.sides.get(target)
        if here is None or there is None or here == there:
            return False
        return here == 0 if self.is_one_way else True


@dataclass(frozen=True, slots=True)
class Sparse:
    """Cuts a share of all pairs, drawn from `salt`: every node reaches some nodes, and none reaches all."""

    share: float
    salt: int

    def stops(self, source: str, target: str) -> bool:
        """See `Cut`."""
        one, other = sorted((source, target))
        return _uniform(f"{self.salt} {one} {other}") < self.share


def split(*sides: Iterable[str], is_one_way: bool = False) -> Split:
    """Return the cut between these sides."""
    return Split({name: number for number, side in enumerate(sides) for name in side}, is_one_way)


@dataclass(slots=True)
class Network:
    """All links.

    Attributes:
        settings: may be replaced while a run goes on.
        cuts: those in force, by a name each.
        uplinks: node -> bytes that it can send in a ms, if this is a limit.
        clogs: node -> until when it is clogged, ms since 1970.
        clock: returns the time, ms since 1970.
        messages, bytes: sent one way, whether they arrived or not.
    """

    random: Random
    seed: int
    settings: LinkSettings = field(default_factory=LinkSettings)
    cuts: dict[str, Cut] = field(default_factory=dict)
    uplinks: dict[str, float] = field(default_factory=dict)
    clogs: dict[str, int] = field(default_factory=dict)
    clock: Callable[[], int] = lambda: 0
    messages: int = 0
    bytes: int = 0
    lost: int = 0
    _base: dict[tuple[str, str], float] = field(default_factory=dict)
    _sent_at: dict[str, float] = field(default_factory=dict)  # when a narrow uplink has sent all that it was given

    def carry(self, source: str, target: str, size: int) -> list[int]:
        """Return the delay of each copy of a message, ms; empty if none arrives."""
        self.messages += 1
        self.bytes += size
        settings, random = self.settings, self.random
        if (self.cuts and self.is_cut(source, target)) or (settings.loss and random.random() < settings.loss):
            self.lost += 1
            return []
        copies = 2 if settings.duplication and random.random() < settings.duplication else 1
        wait = self._wait(source, target, size) if self.uplinks or self.clogs else 0
        if copies == 1:
            return [wait + self._delay(source, target, size)]
        return [wait + self._delay(source, target, size) for _ in range(copies)]

    def is_cut(self, source: str, target: str) -> bool:
        """Return whether no message passes from one to the other at the moment."""
        return any(cut.stops(source, target) for cut in self.cuts.values())

    def _wait(self, source: str, target: str, size: int) -> int:
        """Return how long a message waits for a narrow uplink, and for clogged ends."""
        now = self.clock()
        wait = max(0, *(self.clogs.get(name, 0) - now for name in (source, target)))
        if source in self.uplinks:
            done = max(self._sent_at.get(source, 0.0), now) + size / self.uplinks[source]
            self._sent_at[source] = done
            wait += round(done - now)
        return wait

    def _delay(self, source: str, target: str, size: int) -> int:
        settings, random = self.settings, self.random
        delay = self._base_of(source, target)
        if settings.jitter:
            delay *= random.lognormvariate(0.0, settings.jitter)
        if settings.reordering and random.random() < settings.reordering:
            delay *= random.uniform(1.0, 10.0)
        return max(1, round(delay + size / settings.bandwidth))

    def _base_of(self, source: str, target: str) -> float:
        """Return the delay of this direction of this link, from a hash: the order of messages does not matter."""
        if (base := self._base.get((source, target))) is None:
            normal = _NORMAL.inv_cdf(_uniform(f"{self.seed} link {source} {target}")) if self.settings.spread else 0.0
            base = exp(log(self.settings.median) + self.settings.spread * normal)
            self._base[source, target] = base
        return base


def _uniform(text: str) -> float:
    """Return a number between 0 and 1, both excluded, that follows from a text."""
    return (int.from_bytes(sha256(text.encode()).digest()[:6]) + 0.5) / 2**48
