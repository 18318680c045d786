"""The settings of a run, and the lengths of its phases."""

from dataclasses import dataclass, field
from typing import Final

from accredit.gossip.protocol.config import GossipConfig
from accredit.node.engine import TICK
from accredit.registry.evidence.trust_policy import MAX_AGE

from .ecosystem import BUDGET, Crowd
from .physics.network import LinkSettings

WARM_UP: Final = 10.0
"""Seconds until every mesh is complete: some heartbeats more than `GossipConfig.patience`."""

LOOK: Final = 5_000
"""Time between two runs of the checkers, ms."""

POLL: Final = 250
"""Time between two comparisons of roots while the world recovers, ms; this is the precision of the figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a world. A run depends only on them, its scenario and this source code.

    Attributes:
        nodes: members.
        seed: draws everything.
        seconds: how long faults last, in virtual time.
        settle: seconds in which the world must recover.
        calm: seconds between recovery and the end, for properties that take longer than one root.
        authorities: that may speak.
        grants: accreditations at the start, to be revoked.
        signers: nodes that sign state notes, at most 16.
        tick: between two appends of a node, ms.
        budget: statements that each authority's key may make.
        policy_age: maximum age of a cosignature in verifiers' trust policies, seconds.
        checkpoints: whether nodes sign and show checkpoints of their logs; it costs time, and few scenarios need them.
        links: settings of links while faults last.
        gossip: the settings of every node's gossip.
        crowd: nodes in few hands.
        options: other settings of a scenario, by name.
    """

    nodes: int = 20
    seed: int = 1
    seconds: float = 30.0
    settle: float = 60.0
    calm: float = 0.0
    authorities: int = 3
    grants: int = 20
    signers: int = 0
    tick: int = TICK
    budget: int = BUDGET
    policy_age: int = MAX_AGE
    checkpoints: bool = False
    links: LinkSettings = field(default_factory=LinkSettings)
    gossip: GossipConfig = field(default_factory=GossipConfig)
    crowd: Crowd = field(default_factory=Crowd)
    options: tuple[tuple[str, float], ...] = ()

    def option(self, name: str, default: float) -> float:
        """Return a scenario's own setting."""
        return dict(self.options).get(name, default)
