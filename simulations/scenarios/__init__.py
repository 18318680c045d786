"""The scenarios by topic: each describes faults and attacks on a network in some twenty lines.

faults        links, machines, clocks and disks
hostile       admitted nodes that break the rules of gossip
eclipses      admitted nodes that surround a victim
governance    authorities: votes, amendments, stolen keys, contradictions
notes         state notes, and verifiers that are lied to
workbench     what is measured rather than endured
"""

from . import eclipses, faults, governance, hostile, notes, workbench
from .book import SCENARIOS, Scenario, people, scenario

__all__ = (
    "SCENARIOS",
    "Scenario",
    "eclipses",
    "faults",
    "governance",
    "hostile",
    "notes",
    "people",
    "scenario",
    "workbench",
)
