"""A message for one peer: a frame, or the answer to its long poll.

Long polls: how a member that cannot be dialled (behind a firewall) hears of things as fast as others.

    outbound-only member                         its mesh peer
    graft                          ->
                                   <-            graft
    poll                           ->            held …
                                   <-            … push, as soon as there is something to push
    poll(nonce of the last one)    ->            held …
                                   <-            … nothing for 25 s: an empty push

* The member dials its mesh like any other, and keeps **one poll** open at each of its mesh peers, in a lane of its own.
  What it has to say or to ask, reconciliation included, it sends in frames of its own.
* Whoever **holds** a poll puts into its answer what it would otherwise have sent: urgent things at once, normal ones
  when they were gathered, one frame an answer. It does not dial the member while it polls, so nothing fails and nothing
  is held against it. What needs an answer (a root, a graft) is not asked of it: it asks by itself.
* A poll names the last one whose answer **arrived**. What was put into an answer that did not is due again.
* A peer has one poll here: a newer one replaces it. In all there are as many as the mesh has slots, because a poll is a
  graft that goes on: whoever gets no slot gets a prune. When polls stop coming, the member is a peer like any other
  that does not answer.

What it does not do: talk; `requester` does, with one `LongPoll` for each peer that polls.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .wire import Body


def _nothing() -> None:
    """What is asked again anyway needs no undoing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A frame to send: its lane, its body, the ids of the statements in it, and what to do should it not arrive."""

    lane: int
    body: Body
    ids: tuple[bytes, ...] = ()
    undo: Callable[[], None] = _nothing


@dataclass(slots=True, kw_only=True)
class LongPoll:
    """The polls of one peer. Times are steady milliseconds.

    Attributes:
        token: of the poll that we hold; None between two.
        nonce: of the frame that we hold, or answered last.
        until: while one is held: when it is answered in any case. Between two: when the peer counts as gone.
        told: what we put into the last answer, until we know that it arrived.
    """

    token: int | None
    nonce: bytes
    until: int
    told: Sending | None = None
