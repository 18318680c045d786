"""The smoke set: every scenario once, as small as its subject allows.

Tests run it, and `accredit simulate sweep smoke`. Sizes that scenarios are meant for, and many seeds, are the nightly
set's: `accredit simulate sweep all --seeds 1-20`."""

from collections.abc import Mapping
from typing import Final

from .scenarios import SCENARIOS
from .sweep import Job

_USUAL: Final[Mapping[str, float]] = {"nodes": 8, "seconds": 12}

_OWN: Final[Mapping[str, Mapping[str, float]]] = {
    "alike_statements": {"nodes": 8},
    "broadcast": {"nodes": 6, "seconds": 12, "rate": 20},
    "charter_amendment": {"nodes": 8, "seconds": 40},
    "decisions_in_lists": {"nodes": 10, "seconds": 30},
    "eclipse_few": {"nodes": 20, "seconds": 10},
    "eclipse_ground": {"nodes": 24, "seconds": 10},
    "eclipse_many": {"nodes": 20, "seconds": 10},
    "flood_forks": {"nodes": 6, "seconds": 10},
    "flood_valid": {"nodes": 6, "seconds": 10},
    "joiner": {"nodes": 8, "seconds": 40, "normal": 1},
    "late_strike": {"nodes": 24, "seconds": 40},
    "lying_log": {"nodes": 12, "seconds": 120},
    "lying_signers": {"nodes": 9, "seconds": 90},
    "lying_to_verifiers": {"nodes": 12, "seconds": 30},
    "one_way": {"nodes": 10, "seconds": 70},
    "partition": {"nodes": 10, "seconds": 30, "normal": 2, "urgent": 5},
    "promising": {"nodes": 12, "seconds": 30},
    "restart_storm": {"nodes": 10, "seconds": 25},
    "revocation": {"nodes": 42, "seconds": 5},
    "stale_answers": {},
    "stolen_key": {"nodes": 10, "seconds": 30},
    "surrounded": {"nodes": 20, "seconds": 10},
    "verifiers": {"nodes": 8, "seconds": 30},
    "votes_across_partition": {"nodes": 10, "seconds": 30},
}
"""What is not usual."""


def smoke_settings(name: str) -> dict[str, float]:
    """Return a scenario's settings in the smoke set; its own values unless the set changes them."""
    return dict(_OWN.get(name, _USUAL))


def smoke_jobs(seeds: list[int]) -> list[Job]:
    """Return a job for every scenario with every seed."""
    return [(name, {**smoke_settings(name), "seed": seed}) for name in SCENARIOS for seed in seeds]
