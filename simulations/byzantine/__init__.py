"""The adversaries, one class each; an honest host has the class `virtual.host.Conduct`.

An adversary has the keys of an admitted node (if it is a signer, its state key too). It has an authority's key only if
the scenario gives it one."""

from .answering import Forger, Omitter, Remembering, Restamper, StaleAnswerer
from .conduct import Adversary, Older, Rewriter
from .eclipsing import Eclipser
from .equivocating import LogEquivocator, NoteEquivocator
from .flooding import Flooder, ForkFlooder, FrameFlooder, InvalidFlooder, Replayer, ValidFlooder
from .withholding import Promiser, RootLiar, Silent, Sleeper, Staller, Withholder

__all__ = (
    "Adversary",
    "Eclipser",
    "Flooder",
    "Forger",
    "ForkFlooder",
    "FrameFlooder",
    "InvalidFlooder",
    "LogEquivocator",
    "NoteEquivocator",
    "Older",
    "Omitter",
    "Promiser",
    "Remembering",
    "Replayer",
    "Restamper",
    "Rewriter",
    "RootLiar",
    "Silent",
    "Sleeper",
    "StaleAnswerer",
    "Staller",
    "ValidFlooder",
    "Withholder",
)
