"""The notary's phases as a table: the relations of its three sets, its duties in each phase, and the moves between
them.

    phase        held = cosigned?   cosigned = noted?
    NO_SIGNERS   nobody can cosign
    NOTED        yes                yes                   there is no new statement
    GROWN        no                 yes                   statements have arrived since
    COSIGNED     yes                no                    the node waits for a quorum
    OVERTAKEN    no                 no                    statements have arrived while it waits

`notary.Notary` follows `DUTIES`; a test compares whole networks of notaries with `MOVES`, and `docs/state-notes.md`
draws them. A phase is derived from the sets and not stored, so it cannot disagree with them.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

QUIET: Final = 250
"""Time without a change before a node cosigns, ms: longer than a batch takes to reach peers, shorter than a tick."""

SETTLED: Final = 1_500
"""Time without a change before a node cosigns although its last text has no quorum, ms: one and a half ticks."""

TURN: Final = 10_000
"""Time without a new quorum before a signer offers its set, ms. Design proofs.md."""

AGAIN: Final = 30_000
"""Time after which a noted text is cosigned again, ms; design proofs.md requires 60 s at the latest."""


class Phase(StrEnum):
    """The relation of a notary's three sets."""

    NO_SIGNERS = "no_signers"
    NOTED = "noted"
    GROWN = "grown"
    COSIGNED = "cosigned"
    OVERTAKEN = "overtaken"


class Duty(StrEnum):
    """An action that a notary takes by itself when it is due."""

    COSIGN_SOON = "cosign what is held, after `QUIET` without a change"
    COSIGN_ANYWAY = "cosign what is held, after `SETTLED` without a change"
    TAKE_TURN = "offer what is held, if it is this node's turn after `TURN` without a new quorum"
    TELL_AGAIN = "cosign the same text anew, after `AGAIN`"


DUTIES: Final[Mapping[Phase, tuple[Duty, ...]]] = {
    Phase.NO_SIGNERS: (),  # nothing to cosign, and no second fold to make
    Phase.NOTED: (Duty.TAKE_TURN, Duty.TELL_AGAIN),
    Phase.GROWN: (Duty.COSIGN_SOON, Duty.TAKE_TURN, Duty.TELL_AGAIN),
    Phase.COSIGNED: (Duty.TAKE_TURN, Duty.TELL_AGAIN),
    Phase.OVERTAKEN: (Duty.COSIGN_ANYWAY, Duty.TAKE_TURN, Duty.TELL_AGAIN),
}
"""The duties of each phase: the notary carries out the first one that is due, one at a time."""

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
"""The moves from one phase to the next, with their causes."""
