"""The notary's states as a table: how its three sets stand to each other, what it does then, and what moves it on.

    phase        held = cosigned?   cosigned = noted?
    NO_SIGNERS   there is nobody to stand by anything
    NOTED        yes                yes                   nothing is new
    GROWN        no                 yes                   statements have come since
    COSIGNED     yes                no                    a quorum is waited for
    OVERTAKEN    no                 no                    statements have come while it is waited for

`DUTIES` is what `notary.Notary` goes by; `MOVES` is what a test holds whole networks of notaries against, and what
`docs/state-notes.md` draws. A phase is derived from the sets and kept nowhere, so it cannot disagree with them.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

QUIET: Final = 250
"""Without a change before a node cosigns, ms: longer than a batch takes to reach the peers, shorter than a tick."""

SETTLED: Final = 1_500
"""Without a change before a node cosigns although its last text never got a quorum, ms: one and a half ticks."""

TURN: Final = 10_000
"""Without a new quorum before a signer offers its set, ms. Design proofs.md."""

AGAIN: Final = 30_000
"""After which a standing text is cosigned anew, ms; design proofs.md asks for 60 s at the latest."""


class Phase(StrEnum):
    """How the three sets of a notary stand to each other."""

    NO_SIGNERS = "no_signers"
    NOTED = "noted"
    GROWN = "grown"
    COSIGNED = "cosigned"
    OVERTAKEN = "overtaken"


class Duty(StrEnum):
    """What a notary does of itself once its time has come."""

    COSIGN_SOON = "cosign what is held, after `QUIET` without a change"
    COSIGN_ANYWAY = "cosign what is held, after `SETTLED` without a change"
    TAKE_TURN = "offer what is held, if it is this node's turn after `TURN` without a new quorum"
    TELL_AGAIN = "cosign the same text anew, after `AGAIN`"


DUTIES: Final[Mapping[Phase, tuple[Duty, ...]]] = {
    Phase.NO_SIGNERS: (),  # nothing to stand by, and no second fold to be made
    Phase.NOTED: (Duty.TAKE_TURN, Duty.TELL_AGAIN),
    Phase.GROWN: (Duty.COSIGN_SOON, Duty.TAKE_TURN, Duty.TELL_AGAIN),
    Phase.COSIGNED: (Duty.TAKE_TURN, Duty.TELL_AGAIN),
    Phase.OVERTAKEN: (Duty.COSIGN_ANYWAY, Duty.TAKE_TURN, Duty.TELL_AGAIN),
}
"""What is done in a phase: the first duty whose time has come, one at a time."""

MOVES: Final[Mapping[tuple[Phase, Phase], str]] = {
    (Phase.NO_SIGNERS, Phase.GROWN): "a charter that names signers takes effect",
    (Phase.NOTED, Phase.GROWN): "statements are logged",
    (Phase.GROWN, Phase.COSIGNED): "all that is held is cosigned",
    (Phase.GROWN, Phase.OVERTAKEN): "an offer is taken up, and more is held than it",
    (Phase.GROWN, Phase.NOTED): "all that is held is cosigned, and a quorum has done so before",
    (Phase.COSIGNED, Phase.NOTED): "a quorum cosigned the same text",
    (Phase.COSIGNED, Phase.OVERTAKEN): "statements are logged",
    (Phase.OVERTAKEN, Phase.COSIGNED): "all that is held is cosigned",
    (Phase.OVERTAKEN, Phase.NOTED): "all that is held is cosigned, and a quorum has done so before",
    (Phase.OVERTAKEN, Phase.GROWN): "a quorum cosigned the same text",
}
"""From one phase to the next, and what does it."""
