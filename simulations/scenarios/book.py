"""The book of scenarios: their type, and the decorator that registers one.

    @scenario(nodes=30, seconds=60, bounds=Bounds(one_root=60_000))
    def lossy(world: World) -> None:
        '''One line that says what happens.'''
        people(world)

A scenario is a function of a world that has not begun: it plans faults (`world.at`, `world.every`), makes adversaries
(`world.corrupt`) and says what people do meanwhile (`world.workload`). Its name is the function's, its summary the
docstring's first line; the decorator holds the settings it is meant for and what it promises. Checkers watch every run.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from accredit.registry.errors import InputError
from accredit.simulations.checkers import Bounds
from accredit.simulations.virtual.settings import Settings
from accredit.simulations.virtual.world import World

Script = Callable[[World], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A scenario, with the settings it is meant for. `place` is the place of a user's own scenario, as written in a
    command."""

    name: str
    summary: str
    plan: Script
    settings: Settings
    bounds: Bounds
    place: str = ""


SCENARIOS: Final[dict[str, Scenario]] = {}


def scenario(*, bounds: Bounds | None = None, **settings: Any) -> Callable[[Script], Script]:
    """Register the function below as a scenario. Settings are those of `Settings`."""

    def register(plan: Script) -> Script:
        name = plan.__name__
        if name in SCENARIOS:
            raise InputError("two_scenarios", f"there are two scenarios named {name}.", hint="Rename the function.")
        SCENARIOS[name] = Scenario(
            name=name,
            summary=(plan.__doc__ or "").strip().splitlines()[0],
            plan=plan,
            settings=Settings(**settings),
            bounds=bounds or Bounds(),
        )
        return plan

    return register


def people(world: World, *, normal: float = 1.0, urgent: float = 3.0) -> None:
    """Somebody registers an issuer every so many seconds, and somebody revokes an accreditation."""
    world.workload.registrations(every=world.settings.option("normal", normal))
    world.workload.revocations(every=world.settings.option("urgent", urgent))
