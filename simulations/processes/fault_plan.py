"""Plans the faults: which node suffers which fault, and when, drawn from a seed before anything runs.

    plan = draw("torment", seed=7, nodes=5, seconds=180)
    plan.digest()                                     the same for the same seed, here and anywhere

Each node has its own sequence of faults, so that a node never has two at once. One node, the *steady* one, has none:
any growth of its resources is its own. Clocks are set apart from the beginning: at most
`APART` from the true time, so that no two differ by more than nodes bear (`GossipConfig.clock_skew`, 90 s).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from random import Random
from typing import Final, Literal

What = Literal["kill", "stop", "fill", "clock", "backup", "restore", "unplug"]

APART: Final = 40.0
"""Seconds that a clock is wrong all the time, at most; two of them differ by less than 90 s."""

FAR: Final = (120.0, 900.0)
"""Seconds that a clock is wrong for a while: more than nodes tolerate."""

START_UP: Final = 1.5
"""Seconds within which a node that has just been started is killed again, half the time: about what a start takes."""

TAIL: Final = 4.0
"""Last seconds, in which no fault begins, so that every fault also ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """A fault in the plan.

    Attributes:
        at: seconds since faults began.
        node: its number.
        what: `kill` (no handler runs) or `stop` and start again after `seconds`; `fill` its disk, unplug its network
            for `seconds`; `clock`: for so long it runs with a clock that is wrong by `amount` seconds; `backup`: copy
            its database; `restore`: put that old copy back, then what an operator does about it.
    """

    at: float
    node: int
    what: What
    seconds: float = 0.0
    amount: float = 0.0

    def __str__(self) -> str:
        detail = f" by {self.amount:+.0f} s" if self.amount else ""
        lasting = f" for {self.seconds:.1f} s" if self.seconds else ""
        return f"{self.at:.2f} node {self.node} {self.what}{detail}{lasting}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All planned faults.

    Attributes:
        clocks: by node, seconds that its clock is wrong all the time.
        deeds: by time.
        needs_wires: whether nodes are unplugged, and so need networks of their own.
    """

    clocks: tuple[float, ...]
    deeds: tuple[Deed, ...]
    needs_wires: bool = False

    def digest(self) -> str:
        """Return its SHA-256, 64 hex digits."""
        lines = [*(f"clock {number} {ahead:.3f}" for number, ahead in enumerate(self.clocks)), *map(str, self.deeds)]
        return sha256("\n".join(lines).encode()).hexdigest()

    def filled(self) -> list[int]:
        """Return the nodes whose disks will be full at some time."""
        return sorted({deed.node for deed in self.deeds if deed.what == "fill"})


REPAIR: Final = 15.0
"""Seconds that the operator of a node may take until a restored one runs again."""

Draw = Callable[[Random, int, float], Deed]
"""The faults of a node from a moment on."""


def draw(name: str, *, seed: int, nodes: int, seconds: float) -> Plan:
    """Return the plan of a scenario.

    Args:
        name: one of `PLANS`.
        seconds: how long faults last.
    """
    random = Random(sha256(f"{seed} {name}".encode()).digest())
    return PLANS[name](random, nodes, seconds)


def _calm(random: Random, nodes: int, seconds: float) -> Plan:  # noqa: ARG001
    return Plan(clocks=(0.0,) * nodes, deeds=())


def _kills(random: Random, nodes: int, seconds: float) -> Plan:
    steady = random.randrange(nodes)
    lives = [_life(random, number, seconds, _kill) for number in range(nodes) if number != steady]
    return Plan(clocks=(0.0,) * nodes, deeds=_by_time(lives))


def _torment(random: Random, nodes: int, seconds: float) -> Plan:
    clocks = tuple(round(random.uniform(-APART, APART), 3) for _ in range(nodes))
    steady, restored, *_ = random.sample(range(nodes), nodes)
    lives = []
    for number in range(nodes):
        if number == restored:
            lives.append(_restored(random, number, seconds))
        elif number != steady:
            lives.append(_life(random, number, seconds, _anything))
    return Plan(clocks=clocks, deeds=_by_time(lives))


def _cables(random: Random, nodes: int, seconds: float) -> Plan:
    lives = [_life(random, number, seconds, _unplug) for number in range(nodes)]
    return Plan(clocks=(0.0,) * nodes, deeds=_by_time(lives), needs_wires=True)


PLANS: Final[dict[str, Callable[[Random, int, float], Plan]]] = {
    "calm": _calm,
    "kills": _kills,
    "torment": _torment,
    "cables": _cables,
}


def _life(random: Random, node: int, seconds: float, draw: Draw) -> list[Deed]:
    """Return one fault after the other until the end, some of them in quick succession."""
    found, time = [], random.uniform(0.5, 5.0)
    while time < seconds - TAIL:
        deed = draw(random, node, round(time, 3))
        if deed.at + deed.seconds > seconds:
            break
        found.append(deed)
        is_close = deed.what == "kill" and random.random() < 0.5
        time += deed.seconds + (random.uniform(0.0, START_UP) if is_close else random.uniform(3.0, 9.0))
    return found


def _restored(random: Random, node: int, seconds: float) -> list[Deed]:
    """Return a node's early backup, its late restoration, and the kills before and after, as of any other node."""
    backup, restore = seconds * random.uniform(0.05, 0.15), seconds * random.uniform(0.4, 0.6)
    before = _life(random, node, restore - backup - TAIL, _kill)
    after = _life(random, node, seconds - restore - REPAIR, _kill)
    return [
        Deed(at=round(backup, 3), node=node, what="backup"),
        *(replace(deed, at=round(deed.at + backup + TAIL, 3)) for deed in before),
        Deed(at=round(restore, 3), node=node, what="restore"),
        *(replace(deed, at=round(deed.at + restore + REPAIR, 3)) for deed in after),
    ]


def _kill(random: Random, node: int, at: float) -> Deed:
    return Deed(at=at, node=node, what="kill", seconds=round(random.uniform(0.0, 3.0), 3))


def _anything(random: Random, node: int, at: float) -> Deed:
    kind: What = random.choices(("kill", "stop", "fill", "clock"), (6, 1, 2, 1))[0]
    match kind:
        case "fill":
            return Deed(at=at, node=node, what=kind, seconds=round(random.uniform(3.0, 8.0), 3))
        case "clock":
            wrong = round(random.choice((-1, 1)) * random.uniform(*FAR), 3)
            return Deed(at=at, node=node, what=kind, seconds=round(random.uniform(5.0, 10.0), 3), amount=wrong)
        case _:
            return Deed(at=at, node=node, what=kind, seconds=round(random.uniform(0.0, 3.0), 3))


def _unplug(random: Random, node: int, at: float) -> Deed:
    return Deed(at=at, node=node, what="unplug", seconds=round(random.uniform(2.0, 15.0), 3))


def _by_time(lives: list[list[Deed]]) -> tuple[Deed, ...]:
    return tuple(sorted((deed for life in lives for deed in life), key=lambda deed: (deed.at, deed.node)))
