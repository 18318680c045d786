"""Sends cosigned state notes to other nodes: one request at a time to each, and only the newest note waits behind it.

    telling = Telling(peers, hear=hear, newest=newest)
    telling.tell(peers, note, nursery)

A note that does not arrive is only counted: the notary sends it again, and so do other nodes. An answer is the newest
note that the other node knows, so that a node that was cut off catches up at once.

It does not decide whom to tell, or what (`notary` and `engine` do).
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import trio

from accredit.gossip.protocol.events import Peer
from accredit.node.faults import outliving
from accredit.node.ports import Transport
from accredit.registry.encoding.cbor import encode as encode_cbor
from accredit.registry.errors import RemoteError
from accredit.registry.transparency.signed_note import NOTE_BYTES_MAX

NOTE_PATH: Final = "/v1/cosignatures"
NOTE_TYPE: Final = "application/cbor"

_ANSWER_BYTES: Final = NOTE_BYTES_MAX  # a note, or a problem

_log = logging.getLogger(__name__)


class Telling:
    """See the module.

    Args:
        transport: what carries notes.
        hear: takes in a note that came as an answer.
        newest: the text of the newest note with a quorum that is known here, empty for none.

    Attributes:
        undelivered: how many notes another node did not take.
    """

    def __init__(self, transport: Transport, *, hear: Callable[[bytes], None], newest: Callable[[], str]) -> None:
        self._transport = transport
        self._hear = hear
        self._newest = newest
        self._waiting: dict[str, bytes | None] = {}  # by peer: what waits behind the request under way
        self.undelivered = 0

    def tell(self, peers: Sequence[Peer], data: bytes, nursery: trio.Nursery) -> None:
        """Has a note posted to these nodes, by tasks in `nursery`."""
        for peer in peers:
            if peer.name not in self._waiting:
                nursery.start_soon(self._tell_one, peer)
            self._waiting[peer.name] = data

    async def _tell_one(self, peer: Peer) -> None:
        """Post the notes that wait for a peer. They use their own connections, so that gossip does not wait for
        them."""
        line, url = f"{peer.name} notes", f"{peer.url.rstrip('/')}{NOTE_PATH}"
        while (data := self._waiting[peer.name]) is not None:
            self._waiting[peer.name] = None
            status, answer = 0, b""
            with outliving(_log, "a state note to another node was given up", peer=peer.name), suppress(RemoteError):
                status, answer = await self._transport.post(
                    line, url, data, max_bytes=_ANSWER_BYTES, media_type=NOTE_TYPE
                )
            is_taken = status // 100 == 2
            self.undelivered += not is_taken
            newest = self._newest().encode()
            if is_taken and answer and not (newest and answer.startswith(newest)):
                with outliving(_log, "the state note of another node was given up", peer=peer.name):
                    self._hear(encode_cbor({1: answer}))
        del self._waiting[peer.name]
