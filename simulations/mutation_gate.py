"""The mutation gate: each defence has a scenario that passes with it and fails without it.

If a defence can be switched off unnoticed, no test shows that it works. Each row below names a defence, how it is
switched off (a setting, or a `weakening`), the scenario with its settings, and the checker that must see the
difference. `judge` runs both sides; a test does so for every row, and `accredit simulate gate` prints the table with
the results.

    judged = judge(find_defence("quorum"))
    judged.with_it, judged.without         outcomes; `judged.stands`: the first held, and the second failed as it must
    judge_all(DEFENCES, range(1, 21))      the same with many seeds, on all processors

One seed may be luck. Where a figure tells the sides apart, it must stay clear of its bound on both sides, by
`MARGIN`, so that another seed gives the same result; `accredit simulate gate --seeds 1-20` prints the worst of each
side.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from accredit.registry.errors import InputError
from accredit.simulations.checkers.limits import FIGURES
from accredit.simulations.run.report import failure_of
from accredit.simulations.run.run import RunOutcome, find, run
from accredit.simulations.run.weakenings import Weakening

from .executors import engine
from .run import weakenings as weakening
from .sweep import collect, lost_run

_NEVER: Final = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Defence:
    """One row of the table: a defence, and the scenario that fails without it.

    Attributes:
        name: one word or two. what: its purpose.
        scenario, settings: the run that needs it.
        off: the settings that switch it off. weakened: otherwise, the weakening that does.
        given: the powers that the attacker has on both sides.
        checker: the checker that must fail without it.
        tells: if the checker is `bounds`, the bound whose figure tells the sides apart; otherwise empty.
    """

    name: str
    what: str
    scenario: str
    settings: Mapping[str, float]
    checker: str
    tells: str = ""
    off: Mapping[str, float] = field(default_factory=dict)
    weakened: Weakening | None = None
    given: Weakening | None = None


DEFENCES: Final = (
    Defence(
        name="mesh salt",
        what="nobody can search for keys that rank high with a victim",
        scenario="eclipse_ground",
        settings={"nodes": 40, "seconds": 15},
        weakened=weakening.foreseeable_meshes,
        checker="bounds",
        tells="hostile",
    ),
    Defence(
        name="session salt",
        what="nobody can mint statements that hide others from reconciliation",
        scenario="alike_statements",
        settings={"nodes": 8},
        given=weakening.weak_fingerprints,
        weakened=weakening.unsalted_sessions,
        checker="one_root",
    ),
    Defence(
        name="collision-resistant root",
        what="different sets never look equal in a comparison",
        scenario="alike_statements",
        settings={"nodes": 8},
        weakened=weakening.weak_roots,
        checker="one_root",
    ),
    Defence(
        name="operator diversity",
        what="an operator of many nodes has one place in a mesh",
        scenario="eclipse_few",
        settings={"nodes": 30, "seconds": 15, "crowd.operators": 1, "crowd.share": 0.5},
        off={"gossip.operator_slots": 100},
        checker="bounds",
        tells="hostile",
    ),
    Defence(
        name="strikes",
        what="a peer that announces without delivering leaves the mesh",
        scenario="promising",
        settings={"nodes": 16, "seconds": 30},
        off={"gossip.strikes": 1_000_000},
        checker="bounds",
        tells="hostile",
    ),
    Defence(
        name="distrust",
        what="nodes ignore a sender of forgeries for a while",
        scenario="flood_invalid",
        settings={"nodes": 10, "seconds": 30},
        off={"gossip.distrust_min": 1, "gossip.distrust_max": 1},
        checker="bounds",
        tells="offences",
    ),
    Defence(
        name="backoff",
        what="a peer that does not answer is asked less and less often",
        scenario="restart_storm",
        settings={"nodes": 12, "seconds": 30, "calm": 0, "shortest": 2.5},
        off={"gossip.backoff_min": 0, "gossip.backoff_max": 0},
        checker="bounds",
        tells="failed",
    ),
    Defence(
        name="quotas",
        what="no peer uses up more than its share of a node",
        scenario="flood_frames",
        settings={"nodes": 8},
        off={"gossip.frames_per_second": _NEVER, "gossip.frames_burst": _NEVER},
        checker="bounds",
        tells="frames",
    ),
    Defence(
        name="reconciliation",
        what="nodes find every statement that they missed",
        scenario="partition",
        settings={"nodes": 12, "seconds": 100, "settle": 30, "normal": 2, "urgent": 20},
        off={"gossip.root_interval": _NEVER},
        checker="one_root",
    ),
    Defence(
        name="announcing",
        what="a statement that no mesh peer brings still arrives one heartbeat later",
        scenario="surrounded",
        settings={},
        given=weakening.foreseeable_meshes,
        off={"gossip.announce_peers": 0, "gossip.announce_share": _NEVER},
        checker="bounds",
        tells="urgent_p99",
    ),
    Defence(
        name="quorum",
        what="a few signers cannot invent a state",
        scenario="lying_to_verifiers",
        settings={"nodes": 12, "seconds": 60},
        weakened=weakening.no_quorum,
        checker="undeceived",
    ),
    Defence(
        name="sequence",
        what="a key that contradicts itself is found out",
        scenario="equivocating_authority",
        settings={"nodes": 8, "seconds": 10},
        weakened=weakening.no_sequence,
        checker="exposed",
    ),
    Defence(
        name="fork allowance",
        what="one small budget fills nobody's disk",
        scenario="flood_forks",
        settings={"seconds": 15},
        weakened=weakening.no_fork_allowance,
        checker="bounds",
        tells="beyond",
    ),
    Defence(
        name="note age",
        what="a verifier that asks for the first time does not accept an old state",
        scenario="stale_answers",
        settings={},
        weakened=weakening.no_note_age,
        checker="undeceived",
    ),
    Defence(
        name="count memory",
        what="a verifier that has seen a newer state does not accept an older one",
        scenario="lying_to_verifiers",
        settings={"nodes": 12, "seconds": 60},
        weakened=weakening.no_count_memory,
        checker="undeceived",
    ),
)


MARGIN: Final = 1.25
"""Factor by which a figure that tells the sides apart must clear its bound, on both sides, so that luck does not
decide. A choice; the smallest factor seen at 26 seeds is 1.33."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The outcomes of both sides of a row, with one seed."""

    defence: Defence
    seed: int
    with_it: RunOutcome
    without: RunOutcome

    @property
    def stands(self) -> bool:
        """Whether the scenario holds with the defence and fails as it must without it, each with a margin."""
        failure = self.without.failure
        if self.with_it.failure is not None or failure is None or failure.checker != self.defence.checker:
            return False
        if not self.defence.tells:
            return True
        low, bound, high = self.figures
        return low is not None and high is not None and low * MARGIN <= bound <= high / MARGIN

    @property
    def figures(self) -> tuple[float | None, float, float | None]:
        """Return the figure that tells the sides apart, if one does: with the defence, its bound, without it."""
        _, figure_of = FIGURES[self.defence.tells]
        low, high = (
            None if outcome.figures is None else figure_of(outcome.figures) for outcome in (self.with_it, self.without)
        )
        return low, float(self.with_it.bounds[self.defence.tells]), high

    def as_dict(self) -> dict[str, Any]:
        """Return its JSON form."""
        low, bound, high = self.figures if self.defence.tells else (None, None, None)
        return {
            "defence": self.defence.name,
            "what": self.defence.what,
            "scenario": self.defence.scenario,
            "checker": self.defence.checker,
            "seed": self.seed,
            "stands": self.stands,
            "with": failure_of(self.with_it),
            "without": failure_of(self.without),
            "tells": self.defence.tells,
            "figure_with": low,
            "bound": bound,
            "figure_without": high,
        }


HEADERS: Final = ("defence", "scenario", "with it", "without it", "stands")


def rows_of(judged: Sequence[Judged]) -> list[tuple[str, ...]]:
    """Return a row for each defence, over all its seeds, in the columns of `HEADERS`."""
    by_name: dict[str, list[Judged]] = {}
    for each in judged:
        by_name.setdefault(each.defence.name, []).append(each)
    return [_row_of(each) for each in by_name.values()]


def _row_of(judged: Sequence[Judged]) -> tuple[str, ...]:
    defence = judged[0].defence
    fallen = [each for each in judged if not each.stands]
    shown = fallen[0] if fallen else judged[0]
    held = failure_of(shown.with_it) or "holds"
    failed = failure_of(shown.without) or "holds all the same"
    if defence.tells:
        words, _ = FIGURES[defence.tells]
        figures = [each.figures for each in judged]
        lows = [low for low, _, _ in figures if low is not None]
        highs = [high for _, _, high in figures if high is not None]
        if lows and highs:
            held = f"{held}: at most {max(lows):g} of {figures[0][1]:g} allowed"
            failed = f"{words}: at least {min(highs):g}"
    where = "" if not fallen else f", not with {', '.join(str(each.seed) for each in fallen)}"
    return defence.name, defence.scenario, held, failed, f"{len(judged) - len(fallen)} of {len(judged)} seeds{where}"


def find_defence(name: str) -> Defence:
    """Return the row of that name.

    Raises:
        InputError: there is no such row.
    """
    found = next((each for each in DEFENCES if each.name == name), None)
    if found is None:
        raise InputError(
            "unknown_defence",
            f"there is no defence named {name!r}.",
            hint=f"There are: {', '.join(each.name for each in DEFENCES)}.",
        )
    return found


def judge(defence: Defence, *, seed: int = 1) -> Judged:
    """Run both sides in this process."""
    with_it, without = (run_side(side) for side in _sides(defence, seed))
    return Judged(defence=defence, seed=seed, with_it=with_it, without=without)


def judge_all(
    defences: Sequence[Defence],
    seeds: Sequence[int],
    *,
    processes: int | None = None,
    done: Callable[[int], None] | None = None,
) -> list[Judged]:
    """Run both sides of every row with every seed, each run in a process of its own.

    Args:
        processes: the number of runs at a time; None: one for each processor.
        done: called with 1 after each run; there are two runs for each row and seed.
    """
    rows = [(defence, seed) for defence in defences for seed in seeds]
    sides = [side for defence, seed in rows for side in _sides(defence, seed)]
    outcomes = collect(engine("local", processes=processes), run_side, sides, _lost_side, done)
    return [
        Judged(defence=defence, seed=seed, with_it=next(outcomes), without=next(outcomes)) for defence, seed in rows
    ]


Side = tuple[str, dict[str, float], tuple[Weakening, ...]]
"""A scenario's name, its settings, and the weakenings while it runs."""


def _sides(defence: Defence, seed: int) -> tuple[Side, Side]:
    settings = {**defence.settings, "seed": seed}
    given = () if defence.given is None else (defence.given,)
    weakened = () if defence.weakened is None else (defence.weakened,)
    return (defence.scenario, settings, given), (defence.scenario, {**settings, **defence.off}, given + weakened)


def run_side(side: Side) -> RunOutcome:
    """Make one run, in any process."""
    scenario, settings, weakenings = side
    with ExitStack() as stack:
        for each in weakenings:
            stack.enter_context(each())
        return run(find(scenario), settings)


def _lost_side(side: Side, error: Exception) -> RunOutcome:
    """Return the outcome of a run whose process returned nothing."""
    scenario, settings, _ = side
    return lost_run("", (scenario, settings), error)
