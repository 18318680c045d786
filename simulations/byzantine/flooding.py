"""Adversaries that send too much: forgeries, replays, more frames than their share, and endless valid statements."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from random import Random

from accredit.gossip.protocol.wire import Push
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.statement import Draft, encode_signed
from accredit.simulations.virtual.ecosystem import Pen, secret
from accredit.simulations.virtual.host import Host

from .conduct import Adversary, repeat, send


class Flooder(Adversary, ABC):
    """Sends unrequested frames at a fixed interval in ms, while faults last."""

    def __init__(self, every: int = 200) -> None:
        self._every = every

    def begin(self, host: Host) -> None:
        """See `Conduct`."""
        repeat(host, self._every, lambda random: self.strike(host, random))

    @abstractmethod
    def strike(self, host: Host, random: Random) -> None:
        """Send one round."""


class InvalidFlooder(Flooder):
    """Floods with statements that look like an authority's but are not signed by it."""

    def strike(self, host: Host, random: Random) -> None:
        """Send five forgeries to one victim: a foreign signature, a foreign key, or plain noise."""
        statements = tuple(self._forgery(host, random) for _ in range(5))
        send(host, _victim(host, random), Push(statements=statements, urgent=True), random)

    def _forgery(self, host: Host, random: Random) -> bytes:
        genuine = random.choice(host.world.town.founding[1:])
        kinds: tuple[Callable[[], bytes], ...] = (
            lambda: genuine.raw[:-64] + random.randbytes(64),  # its signature is the last 64 bytes
            lambda: _registration(host, random, seed=random.randbytes(32)),
            lambda: random.randbytes(100),
        )
        return random.choice(kinds)()


class Replayer(Flooder):
    """Sends frames of other nodes again, to their receivers and to others."""

    def __init__(self, every: int = 200) -> None:
        super().__init__(every)
        self._heard: list[bytes] = []

    def hears(self, host: Host, data: bytes) -> bool:
        """Keep some frames for later."""
        if len(self._heard) < 1_000:
            self._heard.append(data)
        return super().hears(host, data)

    def strike(self, host: Host, random: Random) -> None:
        """Send one of the frames to a random node."""
        if self._heard:
            host.world.deliver(host.name, random.choice(host.world.town.names), random.choice(self._heard))


class FrameFlooder(Flooder):
    """Sends one victim more valid frames than its share: pushes of statements that every node has."""

    def __init__(self, every: int = 10) -> None:
        super().__init__(every)

    def strike(self, host: Host, random: Random) -> None:
        """Send another one to the first honest node."""
        known = random.choice(host.world.town.founding).raw
        send(host, host.world.honest[0].name, Push(statements=(known,), urgent=False), random)


class ValidFlooder(Flooder):
    """Makes valid statements with an authority's key as fast as it can, at its own node, until the budget is spent.

    It signs and sends statements beyond the budget as well: nodes keep a bounded number of them, because the key may be
    given more.

    Args:
        pen: the authority's pen; nobody else may use it.
        many: number of statements at a time.
    """

    def __init__(self, pen: Pen, *, many: int = 10, every: int = 200) -> None:
        super().__init__(every)
        self._pen = pen
        self._many = many
        self._count = 0

    def strike(self, host: Host, random: Random) -> None:
        """Send so many more to every node at once."""
        town = host.world.town
        raws = []
        for _ in range(self._many):
            self._count += 1
            name = f"https://flood{self._count}.{host.name}/"
            body = {"id": name, "name": f"Flood {self._count}"}
            raws.append(town.sign(self._pen, "issuer.register", body, sub=name, time=host.clock // 1_000).raw)
        send(host, _victim(host, random), Push(statements=tuple(raws), urgent=True), random)
        send(host, _victim(host, random), Push(statements=tuple(raws), urgent=False), random)


class ForkFlooder(Flooder):
    """A thief who submits statements of one small budget to every node, endlessly.

    Each time he makes another delegate under the same number. The delegate's key has a budget of its own, and the last
    few of these delegates make statements with it. So every statement differs, each branch promises new budgets, and
    each is expensive, because the law must be settled anew.

    Args:
        pen: the pen of the authority whose key he has as well.
        many: number of delegates and of their statements at a time.
    """

    def __init__(self, pen: Pen, *, many: int = 4, every: int = 100) -> None:
        super().__init__(every)
        self._pen = pen
        self._many = many
        self._count = 0
        self._made: list[Pen] = []

    def strike(self, host: Host, random: Random) -> None:
        """Send so many more delegates, and so many statements by delegates, to one node."""
        town, time = host.world.town, host.clock // 1_000
        raws = [self._branch(host) for _ in range(self._many)]
        self._made = self._made[-self._many :]
        for pen in self._made:
            name = f"https://said-by-{pen.seq}.{pen.authority.removeprefix('https://')}"
            body = {"id": name, "name": "Said on a branch"}
            raws.append(town.sign(pen, "issuer.register", body, sub=name, time=time).raw)
        victim = random.choice(host.world.honest)
        victim.submit(raws, lambda _: None)

    def _branch(self, host: Host) -> bytes:
        self._count += 1
        town, time, mine = host.world.town, host.clock // 1_000, self._pen
        pen = Pen(f"https://branch{self._count}.example/", secret(self._count, f"branch of {host.name}"))
        body = {
            "delegate": pen.authority,
            "name": f"Branch {self._count}",
            "constituency": "other",
            "keys": [{"public": pen.public, "budget": 20}],
            "threshold": 1,
            "actions": ["issuer.*"],
            "limits": {},
            "valid_from": time,
        }
        same = Pen(mine.authority, mine.seed, mine.seq, mine.prev)
        self._made.append(pen)
        return town.sign(same, "authority.delegate", body, sub=pen.authority, time=time).raw


def _victim(host: Host, random: Random) -> str:
    return random.choice([name for name in host.world.town.names if name != host.name])


def _registration(host: Host, random: Random, *, seed: bytes) -> bytes:
    """Return a well-formed statement in an authority's name, signed by the holder of `seed`."""
    name = f"https://forged{random.randrange(10**6)}.example/"
    draft = Draft(
        iss=host.world.town.pens[0].authority,
        sub=name,
        iat=host.clock // 1_000,
        eco=host.world.town.ecosystem,
        kind="issuer.register",
        seq=1,
        prev=None,
        body={"id": name, "name": "Forged"},
    )
    return encode_signed(draft, KeyPair(seed))
