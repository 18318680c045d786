"""The common base of all adversaries; `virtual.host.Conduct` is the behaviour of an honest host."""

from collections.abc import Callable
from random import Random
from typing import Final

from accredit.gossip.protocol.wire import Body, UnverifiedFrame, decode_frame, encode_frame
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.errors import AccreditError, DecodeError
from accredit.simulations.virtual.host import Conduct, Host

_FRAME_BYTES: Final = 2 * 1024 * 1024
_IDS: Final = 100_000


class Older(Conduct):
    """An honest node of an older version, which does not know some types of frames.

    Args:
        unknown: the types that it does not know. It never sends them either.
    """

    def __init__(self, *unknown: type[Body]) -> None:
        self._unknown = unknown

    def refuses(self, data: bytes) -> AccreditError | None:
        """See `Conduct`; raises the error of `decode_frame` for an unknown type."""
        frame = decoded(data)
        if frame is None or not isinstance(frame.body, self._unknown):
            return None
        return DecodeError("frame_type", "this node does not know this type of frame.", hint="Update the older node.")

    def says(self, data: bytes) -> bytes | None:
        """See `Conduct`."""
        return None if self.refuses(data) else data


class Adversary(Conduct):
    """An adversary with a peer key of its own."""

    is_honest = False

    def passes_on(self, *, urgent: bool) -> bool:  # noqa: ARG002
        """See `Conduct`; most adversaries do not keep statements back."""
        return True


class Rewriter(Adversary):
    """Changes the frames it sends: `rewrite` gives another body, or None to withhold the frame."""

    def __init__(self) -> None:
        self._seed = b""

    def begin(self, host: Host) -> None:
        """See `Conduct`."""
        self._seed = host.world.town.node_seed(host.name, "peer")

    def rewrite(self, body: Body) -> Body | None:
        """Return the frame's new body; None withholds the frame."""
        return body

    def rewrite_for(self, recipient: bytes, body: Body) -> Body | None:  # noqa: ARG002
        """Return the frame's new body for one peer, by its key id."""
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
    """Return the frame, or None if the bytes are not one."""
    try:
        return decode_frame(data, max_bytes=_FRAME_BYTES, max_ids=_IDS)
    except AccreditError:
        return None


def repeat(host: Host, every: int, action: Callable[[Random], None], *, within: int | None = None) -> None:
    """Make an adversary act every so many ms while faults last, for the first time within so many (else `every`)."""
    random = host.world.timeline.stream(f"adversary {host.name}")

    def act() -> None:
        if not host.world.is_healed:
            action(random)
            host.world.timeline.after(every, act)

    host.world.timeline.after(random.randrange(1, (within or every) + 1), act)


def send(host: Host, target: str, body: Body, random: Random) -> None:
    """Send an adversary's own frame; nobody waits for the answer."""
    town = host.world.town
    frame = encode_frame(
        body,
        signer=KeyPair(town.node_seed(host.name, "peer")),
        recipient=town.peer_id(target),
        time=host.clock,
        nonce=random.randbytes(16),
    )
    host.world.deliver(host.name, target, frame)
