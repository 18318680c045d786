"""The loaded and settled content of an engine, with which other engines of the same founding begin."""

from dataclasses import dataclass

from accredit.gossip.peers.roster import Roster
from accredit.governance.authority.admission import Admission

from . import notary_events
from .log_index import LogView


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineImage:
    """See the module and `engine.Engine.image`. An engine over it costs what it differs by.

    Attributes:
        log: all entries, and their fold.
        admission: has accepted them.
        notary: where the notary stood.
        peers: the nodes in force.
    """

    log: LogView
    admission: Admission
    notary: notary_events.NotaryImage
    peers: Roster
