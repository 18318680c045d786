"""The three tiers of simulation; finds a scenario in them and runs it.

    world       engines on one heap of events: thousands of nodes, adversaries, everything follows from the seed
    http        whole nodes over HTTP in one process (`inprocess`): everything follows from the seed
    processes   real nodes (`processes`): only what is done to them follows from the seed

    found = find("partition", "http")
    outcome = found.run({"nodes": 10, "seed": 7})

A scenario belongs to one tier or to several; where nobody says which, the first one in this order that has it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any, Final

from accredit.registry.errors import InputError
from accredit.simulations.run.run import AnyScenario, RunOutcome, changed
from accredit.simulations.virtual.settings import WARM_UP

from .run import run as running

TIERS: Final = ("world", "http", "processes")

COST: Final = {"world": 0.004, "http": 0.025}
"""Seconds of a processor for each node and second of virtual time, measured with `baseline` (docs/simulations.md). Real
processes take the time they take."""

OVERHEAD: Final = 20.0
"""Seconds that real processes need beside the phase of faults: starting, recovering, audits. Measured: 8 to 20."""

_CLASSES: Final = ((20.0, "seconds"), (120.0, "a minute"))


Run = Callable[..., RunOutcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class TieredScenario:
    """A scenario of one tier.

    Attributes:
        start: runs it: `run.run` and the like, but for the scenario.
    """

    tier: str
    scenario: AnyScenario
    start: Run

    def check(self, changes: Mapping[str, float]) -> None:
        """Raise an `InputError` for settings that do not exist, before anything runs."""
        changed(self.scenario.settings, changes)

    def run(
        self,
        changes: Mapping[str, float],
        *,
        keep: int = 40,
        compare: bool = False,
        progress: Callable[[float], None] | None = None,
    ) -> RunOutcome:
        """Run it with some settings changed, as `run.run`. The comparison belongs to the first tier."""
        more = {"compare": True} if compare and self.tier == TIERS[0] else {}
        return self.start(changes, keep=keep, progress=progress, **more)

    @property
    def takes(self) -> str:
        """About how long a run takes as it is meant: `seconds`, `a minute`, `minutes`."""
        settings = self.scenario.settings
        if self.tier == "processes":
            seconds = settings.seconds + OVERHEAD
        else:
            seconds = COST[self.tier] * settings.nodes * (settings.seconds + WARM_UP)
        return next((word for most, word in _CLASSES if seconds <= most), "minutes")


def scenarios_of(tier: str) -> Mapping[str, TieredScenario]:
    """Return all scenarios of a tier, by name."""
    scenarios, start = _load(tier)
    return {
        name: TieredScenario(tier=tier, scenario=each, start=partial(start, each)) for name, each in scenarios.items()
    }


def find(name: str, tier: str = "") -> TieredScenario:
    """Return a scenario by its name.

    Args:
        name: of one of ours; or a file or module of somebody's own, as of `scenarios.own`: it runs in the first tier.
        tier: where to look; empty: in all, in order.

    Raises:
        InputError: `unknown_scenario`, with the nearest name; `unknown_tier`; as `scenarios.own.load_own`.
    """
    if _is_own(name):
        from .scenarios.own import load_own

        name = load_own(name)
        tier = tier or TIERS[0]
    if tier and tier not in TIERS:
        raise InputError("unknown_tier", f"there is no tier {tier!r}.", hint=f"One of: {', '.join(TIERS)}.")
    names: dict[str, str] = {}
    for looked in TIERS:
        scenarios = scenarios_of(looked)
        if name in scenarios and tier in ("", looked):
            return scenarios[name]
        names.update((other, looked) for other in scenarios if other not in names)
    where = f" in the tier {tier}" if tier else ""
    if name in names:
        hint = f"It is one of the tier {names[name]}."
    else:
        close = get_close_matches(name, [other for other in names if not tier or other in scenarios_of(tier)], 1)
        hint = f"Did you mean {close[0]}?" if close else "See `accredit simulate list`."
    raise InputError("unknown_scenario", f"there is no scenario named {name!r}{where}.", hint=hint)


def _is_own(text: str) -> bool:
    """Return whether a name on the command line is that of a file or a module; ours are single words."""
    place, _, _ = text.partition(":")
    return place.endswith(".py") or "/" in place or "." in place


def _load(tier: str) -> tuple[Mapping[str, Any], Run]:
    """Return the scenarios of a tier and the function that runs one; its modules are imported on demand."""
    match tier:
        case "world":
            from .scenarios import SCENARIOS

            return SCENARIOS, running.run
        case "http":
            from accredit.simulations.http.scenarios import SCENARIOS as HTTP_SCENARIOS

            from .http import run as http

            return HTTP_SCENARIOS, http.run
        case _:
            from .processes import run as story

            return story.SCENARIOS, story.run
