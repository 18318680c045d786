"""How a host behaves: one honest conduct, and the adversaries, a class each.

A conduct stands between a host's engine and the network: `hears` what arrives, `says` what leaves (a frame of the
host's own, which it may change and sign again, or keep back), and `begin` may act by itself. An adversary has the peer
key of an admitted node, and no authority's key."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from random import Random
from typing import TYPE_CHECKING, Final

from gossip.frames import Announce, Body, Push, Root, UnverifiedFrame, decode_frame, encode_frame
from governance.rulebook import is_urgent
from registry.errors import AccreditError
from registry.statement import Draft, decode, encode_signed

if TYPE_CHECKING:
    from .host import Host

_FRAME_BYTES: Final = 2 * 1024 * 1024
_IDS: Final = 100_000


class Conduct:
    """Honest: everything passes.

    Attributes:
        is_honest: whether checkers hold the host to the rules.
        listens: whether what arrives is taken in at all.
    """

    is_honest = True
    listens = True

    def begin(self, host: "Host") -> None:
        """The host has been started for the first time."""

    def hears(self, host: "Host", data: bytes) -> bool:  # noqa: ARG002  # for those who do otherwise
        """Whether a frame that arrived is taken in and answered."""
        return self.listens

    def says(self, data: bytes) -> bytes | None:
        """A frame of this host as it leaves; None: it does not."""
        return data


class Adversary(Conduct):
    """One who has a peer key of its own, and uses it."""

    is_honest = False


class Silent(Adversary):
    """Takes connections and never says anything."""

    listens = False

    def says(self, data: bytes) -> bytes | None:  # noqa: ARG002
        """Nothing."""
        return None


class Rewriter(Adversary):
    """Changes the frames it sends: `rewrite` gives another body, or None to keep the frame back."""

    def __init__(self) -> None:
        self._seed = b""

    def begin(self, host: "Host") -> None:
        """See `Conduct`."""
        self._seed = host.world.town.node_seed(host.name, "peer")

    def rewrite(self, body: Body) -> Body | None:
        """What to say instead."""
        return body

    def says(self, data: bytes) -> bytes | None:
        """See `Conduct`."""
        frame = decode_frame(data, max_bytes=_FRAME_BYTES, max_ids=_IDS)
        body = self.rewrite(frame.body)
        return None if body is None else data if body == frame.body else self._signed(frame, body)

    def _signed(self, frame: UnverifiedFrame, body: Body) -> bytes:
        return encode_frame(body, seed=self._seed, recipient=frame.recipient, time=frame.time, nonce=frame.nonce)


class Withholder(Rewriter):
    """Passes everything on but urgent statements: nobody shall learn of a revocation from it."""

    def __init__(self) -> None:
        super().__init__()
        self._withheld: dict[bytes, None] = {}

    def rewrite(self, body: Body) -> Body | None:
        """Without them."""
        if isinstance(body, Push):
            return replace(body, statements=tuple(raw for raw in body.statements if not self._withholds(raw)))
        if isinstance(body, Announce):
            return replace(body, ids=tuple(id for id in body.ids if id not in self._withheld))
        return body

    def hears(self, host: "Host", data: bytes) -> bool:
        """Learns what to be silent about from what it is told, too."""
        frame = _decoded(data)
        if frame is not None and isinstance(frame.body, Push):
            for raw in frame.body.statements:
                self._withholds(raw)
        return super().hears(host, data)

    def _withholds(self, raw: bytes) -> bool:
        try:
            statement = decode(raw)
            urgent = is_urgent(statement)
        except (AccreditError, KeyError):
            return False  # not a statement that anybody takes
        if urgent:
            self._withheld[statement.id] = None
        return urgent


class RootLiar(Rewriter):
    """Says that it holds another set each time it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self._lies = 0

    def rewrite(self, body: Body) -> Body | None:
        """Another root."""
        if not isinstance(body, Root):
            return body
        self._lies += 1
        return replace(body, root=sha256(f"lie {self._lies}".encode()).digest(), count=body.count + 1)


class Flooder(Adversary, ABC):
    """Sends by itself, every so many ms, while faults last."""

    def __init__(self, every: int = 200) -> None:
        self._every = every

    def begin(self, host: "Host") -> None:
        """See `Conduct`."""
        random = host.world.timeline.stream(f"flood {host.name}")

        def flood() -> None:
            if not host.world.is_healed:
                self.strike(host, random)
                host.world.timeline.after(self._every, flood)

        host.world.timeline.after(random.randrange(1, self._every), flood)

    @abstractmethod
    def strike(self, host: "Host", random: Random) -> None:
        """Does it once."""


class InvalidFlooder(Flooder):
    """Floods with statements that look like an authority's and are not signed by it."""

    def strike(self, host: "Host", random: Random) -> None:
        """Five forgeries for one victim: a foreign signature, a foreign key, or plain noise."""
        town = host.world.town
        victim = random.choice([name for name in town.names if name != host.name])
        frame = encode_frame(
            Push(statements=tuple(self._forgery(host, random) for _ in range(5)), urgent=True),
            seed=town.node_seed(host.name, "peer"),
            recipient=town.peer_id(victim),
            time=host.clock,
            nonce=random.randbytes(16),
        )
        host.world.deliver(host.name, victim, frame)

    def _forgery(self, host: "Host", random: Random) -> bytes:
        genuine = random.choice(host.world.town.founding[1:])
        kinds: tuple[Callable[[], bytes], ...] = (
            lambda: genuine.raw[:-64] + random.randbytes(64),  # its signature is the last 64 bytes
            lambda: _registration(host, random, seed=random.randbytes(32)),
            lambda: random.randbytes(100),
        )
        return random.choice(kinds)()


class Replayer(Flooder):
    """Sends other people's frames again: to whom they were meant for, and to others."""

    def __init__(self, every: int = 200) -> None:
        super().__init__(every)
        self._heard: list[bytes] = []

    def hears(self, host: "Host", data: bytes) -> bool:
        """Keeps some for later."""
        if len(self._heard) < 1_000:
            self._heard.append(data)
        return super().hears(host, data)

    def strike(self, host: "Host", random: Random) -> None:
        """One of them, to somebody."""
        if self._heard:
            host.world.deliver(host.name, random.choice(host.world.town.names), random.choice(self._heard))


def _decoded(data: bytes) -> UnverifiedFrame | None:
    try:
        return decode_frame(data, max_bytes=_FRAME_BYTES, max_ids=_IDS)
    except AccreditError:
        return None


def _registration(host: "Host", random: Random, *, seed: bytes) -> bytes:
    """A well-formed statement in an authority's name, signed by whoever has `seed`."""
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
    return encode_signed(draft, seed)
