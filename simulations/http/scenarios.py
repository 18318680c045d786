"""Scenarios over HTTP: those of the world tier that need no adversary, from the same code, and two more.

A plan gets an `HttpWorld`. Plans from the world tier use only members that `World` and `HttpWorld` share; a test runs
each.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from accredit.simulations.checkers import Bounds, Violation
from accredit.simulations.scenarios import SCENARIOS as WORLD_SCENARIOS
from accredit.simulations.virtual.settings import Settings

from .world import HttpWorld

HttpScript = Callable[[HttpWorld], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpScenario:
    """A scenario with its intended settings."""

    name: str
    summary: str
    plan: HttpScript
    settings: Settings
    bounds: Bounds


SCENARIOS: Final[dict[str, HttpScenario]] = {}


def _take_over(name: str, *, bounds: Bounds, **settings: Any) -> None:
    """Return a scenario of the world tier, in a size for this tier."""
    taken = WORLD_SCENARIOS[name]
    SCENARIOS[name] = HttpScenario(
        name=name,
        summary=taken.summary,
        plan=cast(HttpScript, taken.plan),
        settings=replace(taken.settings, **settings),
        bounds=bounds,
    )


def _scenario(*, bounds: Bounds, **settings: Any) -> Callable[[HttpScript], HttpScript]:
    """Register the function below."""

    def register(plan: HttpScript) -> HttpScript:
        summary = (plan.__doc__ or "").strip().splitlines()[0]
        SCENARIOS[plan.__name__] = HttpScenario(
            name=plan.__name__, summary=summary, plan=plan, settings=Settings(**settings), bounds=bounds
        )
        return plan

    return register


# Over HTTP a connection takes a round trip and a request another one: bounds are twice those of the world tier.
_take_over("baseline", bounds=Bounds(urgent_p99=1_000, normal_max=10_000, one_root=10_000), nodes=6)
_take_over("lossy", bounds=Bounds(one_root=60_000), nodes=6, seconds=30.0)
_take_over("partition", bounds=Bounds(one_root=60_000), nodes=6, seconds=60.0)
_take_over("one_way", bounds=Bounds(one_root=60_000), nodes=6, seconds=90.0)
_take_over("clogging", bounds=Bounds(one_root=60_000), nodes=6, seconds=60.0)
_take_over("clock_skew", bounds=Bounds(one_root=60_000), nodes=6, seconds=60.0)
_take_over("joiner", bounds=Bounds(one_root=60_000), nodes=6, seconds=45.0)
_take_over("state_notes", bounds=Bounds(one_root=60_000), nodes=6)


def _people(world: HttpWorld) -> None:
    world.workload.registrations(every=world.settings.option("normal", 1.0))
    world.workload.revocations(every=world.settings.option("urgent", 3.0))


@_scenario(nodes=6, seconds=60.0, bounds=Bounds(one_root=60_000))
def restart(world: HttpWorld) -> None:
    """Nodes are killed or lose power again and again, and start from their databases."""

    def take_down() -> None:
        for host in world.some(0.2):
            world.crash(host, down=world.random.uniform(1, 15))

    world.every(4, take_down)
    _people(world)


@_scenario(nodes=6, seconds=60.0, bounds=Bounds(one_root=60_000))
def slow_link(world: HttpWorld) -> None:
    """One node's links take seconds, and then longer than others wait; the others must not wait for it."""
    slow, well = world.random.sample(world.hosts, 2)
    world.at(1, lambda: world.slow(slow, factor=world.settings.option("slow", 40.0)))
    world.at(world.settings.seconds / 2, lambda: world.slow(slow, factor=world.settings.option("slower", 400.0)))
    world.workload.registrations(every=1, at=cast(Any, well))
    world.workload.revocations(every=2, at=cast(Any, well))

    def others_did_not_wait() -> None:
        share = world.metrics.share(2_000, urgent=True)
        others = (len(world.hosts) - 1) / len(world.hosts)
        world.extra["urgent within 2 s"] = round(share, 4)
        if share < 0.97 * others:
            raise Violation("slow_link", f"{share:.2%} of urgent deliveries within 2 s, and {others:.2%} are to others")

    world.at_end(others_did_not_wait)
