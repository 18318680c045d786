"""How a host behaves: one honest conduct, and what all adversaries have in common.

A conduct stands between a host's engine and the network: `hears` or `refuses` what arrives, `says` what leaves (a frame
of the host's own, which it may change and sign again, or keep back), `tells` a cosigned note to one peer, `answers` a
verifier, and `begin` may act by itself."""

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Final

from accredit.gossip.wire import Body, UnverifiedFrame, decode_frame, encode_frame
from accredit.registry.decision.query import Query
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.errors import AccreditError, DecodeError
from accredit.registry.evidence.prove import prove

if TYPE_CHECKING:
    from accredit.simulations.virtual.host import Host

_FRAME_BYTES: Final = 2 * 1024 * 1024
_IDS: Final = 100_000


class Conduct:
    """Honest: everything passes.

    Attributes:
        is_honest: whether checkers hold the host to the rules.
        listens: whether what arrives is taken in at all.
        relays: whether it passes on what others say, in any way that `sharing`'s plain push would notice.
    """

    is_honest = True
    listens = True

    def begin(self, host: "Host") -> None:
        """The host has been started for the first time."""

    def hears(self, host: "Host", data: bytes) -> bool:  # noqa: ARG002  # for those who do otherwise
        """Whether a frame that arrived is taken in and answered."""
        return self.listens

    def refuses(self, data: bytes) -> AccreditError | None:  # noqa: ARG002
        """Why a frame that was heard is turned away before the engine sees it; None: it is not."""
        return None

    def says(self, data: bytes) -> bytes | None:
        """A frame of this host as it leaves; None: it does not."""
        return data

    def tells(self, host: "Host", peer: str, data: bytes) -> bytes | None:  # noqa: ARG002
        """A cosigned note of this host as it leaves for a peer; None: it does not."""
        return data

    def answers(self, host: "Host", query: Query) -> bytes | None:
        """The evidence that a verifier gets for its question; None: no answer."""
        if (held := host.noted) is None:
            return None
        return prove(
            query,
            held,
            held.trie,
            statements_root=held.statements_root,
            note=held.note or b"",
            now=host.clock // 1_000,
            ecosystem_id=host.world.town.charter_id,
        ).encode()

    def passes_on(self, *, urgent: bool) -> bool:  # noqa: ARG002
        """Whether it would relay a statement if it were a node of the plain baseline (`baseline`)."""
        return self.is_honest


class Older(Conduct):
    """An honest node of an older version: there are types of frames that it does not know.

    Args:
        unknown: those. It never sends them either.
    """

    def __init__(self, *unknown: type[Body]) -> None:
        self._unknown = unknown

    def refuses(self, data: bytes) -> AccreditError | None:
        """See `Conduct`: what `decode_frame` says of an unknown type."""
        frame = decoded(data)
        if frame is None or not isinstance(frame.body, self._unknown):
            return None
        return DecodeError("frame_type", "this node does not know this type of frame.", hint="Update the older node.")

    def says(self, data: bytes) -> bytes | None:
        """See `Conduct`."""
        return None if self.refuses(data) else data


class Adversary(Conduct):
    """One who has a peer key of its own, and uses it."""

    is_honest = False

    def passes_on(self, *, urgent: bool) -> bool:  # noqa: ARG002
        """See `Conduct`; most adversaries do not keep statements back."""
        return True


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

    def rewrite_for(self, recipient: bytes, body: Body) -> Body | None:  # noqa: ARG002
        """What to say instead to one peer, by its key id."""
        return self.rewrite(body)

    def says(self, data: bytes) -> bytes | None:
        """See `Conduct`."""
        frame = decode_frame(data, max_bytes=_FRAME_BYTES, max_ids=_IDS)
        body = self.rewrite_for(frame.recipient, frame.body)
        if body is None:
            return None
        if body == frame.body:
            return data
        return encode_frame(
            body, signer=KeyPair(self._seed), recipient=frame.recipient, time=frame.time, nonce=frame.nonce
        )


def decoded(data: bytes) -> UnverifiedFrame | None:
    """The frame, if it is one."""
    try:
        return decode_frame(data, max_bytes=_FRAME_BYTES, max_ids=_IDS)
    except AccreditError:
        return None


def repeat(host: "Host", every: int, action: Callable[[Random], None], *, within: int | None = None) -> None:
    """Has an adversary act by itself every so many ms while faults last, first within so many (else `every`)."""
    random = host.world.timeline.stream(f"adversary {host.name}")

    def act() -> None:
        if not host.world.is_healed:
            action(random)
            host.world.timeline.after(every, act)

    host.world.timeline.after(random.randrange(1, (within or every) + 1), act)


def send(host: "Host", target: str, body: Body, random: Random) -> None:
    """A frame of the adversary's own; nobody waits for the answer."""
    town = host.world.town
    frame = encode_frame(
        body,
        signer=KeyPair(town.node_seed(host.name, "peer")),
        recipient=town.peer_id(target),
        time=host.clock,
        nonce=random.randbytes(16),
    )
    host.world.deliver(host.name, target, frame)
