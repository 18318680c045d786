"""Messages for one peer: frames, and answers to its long polls.

By long polls a member that cannot be dialled (behind a firewall) receives news as fast as others.

    outbound-only member                         its mesh peer
    graft                          ->
                                   <-            graft
    poll                           ->            held …
                                   <-            … push, as soon as there is something to push
    poll(nonce of the last one)    ->            held …
                                   <-            … nothing for 25 s: an empty push

* The member dials its mesh like any other, and keeps **one poll** open at each of its mesh peers, in a lane of its own.
  It sends its own statements and questions, reconciliation included, in frames of its own.
* The peer that **holds** a poll answers it with the frame that it would otherwise have sent: urgent statements at once,
  normal ones once they are gathered, one frame in each answer. It does not dial a polling member, so no frame to it
  fails. It sends the member no questions that need an answer (a root, a graft), because the member asks by itself.
* A poll names the last one whose answer **arrived**. The content of an answer that did not arrive is due again.
* Each peer has at most one poll here, and a newer one replaces it. There are at most as many polls as slots in the
  mesh, because a poll is a lasting graft: a peer without a slot gets a prune. When its polls stop, the member counts as
  a peer that does not answer.

This module sends nothing itself; `requester` does, with one `LongPoll` for each polling peer.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .wire import Body


def _nothing() -> None:
    """Do nothing: the frame is sent again anyway, so its loss needs no undoing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A frame to send: its lane, its body, the ids of the statements in it, and what to do if it does not arrive."""

    lane: int
    body: Body
    ids: tuple[bytes, ...] = ()
    undo: Callable[[], None] = _nothing


@dataclass(slots=True, kw_only=True)
class LongPoll:
    """The polls of one peer. Times are steady milliseconds.

    Attributes:
        token: token of the poll that is held; None between two polls.
        nonce: nonce of the poll that is held or was answered last.
        until: while a poll is held, when it must be answered; between two polls, when the peer counts as gone.
        told: the content of the last answer, until its arrival is known.
    """

    token: int | None
    nonce: bytes
    until: int
    told: Sending | None = None
