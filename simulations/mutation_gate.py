"""The mutation gate: for each defence a scenario that holds with it, and fails without it.

A defence that nothing needs is not known to work. Each row below names a defence, how it is switched off (a setting, or
a `weakening`), the scenario with its settings, and the checker that must see the difference. `judge` runs both sides; a
test does so for every row, and `accredit simulate gate` prints the table with what came of it.

    judged = judge(find_defence("quorum"))
    judged.with_it, judged.without         outcomes; `judged.stands`: the one held, the other failed as it must
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from accredit.registry.errors import InputError
from accredit.simulations.run.report import failure_of
from accredit.simulations.run.run import RunOutcome, find, run
from accredit.simulations.run.weakenings import Weakening

from .run import weakenings as weakening

_NEVER: Final = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Defence:
    """One row.

    Attributes:
        name: one word or two. what: what it is there for.
        scenario, settings: where it is needed.
        off: the settings that switch it off. weakened: or what does.
        given: what the attacker is granted on both sides.
        checker: the one that must fail without it.
    """

    name: str
    what: str
    scenario: str
    settings: Mapping[str, float]
    checker: str
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
        what="two sets never look alike to those who compare",
        scenario="alike_statements",
        settings={"nodes": 8},
        weakened=weakening.weak_roots,
        checker="one_root",
    ),
    Defence(
        name="operator diversity",
        what="who runs many nodes has one place in a mesh",
        scenario="eclipse_few",
        settings={"nodes": 30, "seconds": 15},
        off={"gossip.operator_slots": 100},
        checker="bounds",
    ),
    Defence(
        name="strikes",
        what="who announces and does not deliver leaves the mesh",
        scenario="promising",
        settings={"nodes": 16, "seconds": 30},
        off={"gossip.strikes": 1_000_000},
        checker="bounds",
    ),
    Defence(
        name="distrust",
        what="who sends forgeries is not listened to for a while",
        scenario="flood_invalid",
        settings={"nodes": 10, "seconds": 30},
        off={"gossip.distrust_min": 1, "gossip.distrust_max": 1},
        checker="bounds",
    ),
    Defence(
        name="backoff",
        what="who does not answer is asked less and less often",
        scenario="restart_storm",
        settings={"nodes": 12, "seconds": 30, "calm": 0},
        off={"gossip.backoff_min": 0, "gossip.backoff_max": 0},
        checker="bounds",
    ),
    Defence(
        name="quotas",
        what="no peer uses up more than its share of a node",
        scenario="flood_frames",
        settings={"nodes": 8},
        off={"gossip.frames_per_second": _NEVER, "gossip.frames_burst": _NEVER},
        checker="bounds",
    ),
    Defence(
        name="reconciliation",
        what="whatever was missed is found",
        scenario="partition",
        settings={"nodes": 12, "seconds": 100, "settle": 30, "normal": 10, "urgent": 20},
        off={"gossip.root_interval": _NEVER},
        checker="one_root",
    ),
    Defence(
        name="announcing",
        what="what no mesh peer brings is here a heartbeat later all the same",
        scenario="surrounded",
        settings={},
        given=weakening.foreseeable_meshes,
        off={"gossip.announce_peers": 0, "gossip.announce_share": _NEVER},
        checker="bounds",
    ),
    Defence(
        name="quorum",
        what="few signers cannot make a state up",
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
        name="note age",
        what="who comes late is not shown what was true once",
        scenario="stale_answers",
        settings={},
        weakened=weakening.no_note_age,
        checker="undeceived",
    ),
    Defence(
        name="count memory",
        what="who knows better is not led back",
        scenario="lying_to_verifiers",
        settings={"nodes": 12, "seconds": 60},
        weakened=weakening.no_count_memory,
        checker="undeceived",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Both sides of a row."""

    defence: Defence
    with_it: RunOutcome
    without: RunOutcome

    @property
    def stands(self) -> bool:
        """Whether the scenario holds with the defence, and fails as it must without."""
        failure = self.without.failure
        return self.with_it.failure is None and failure is not None and failure.checker == self.defence.checker

    def as_dict(self) -> dict[str, Any]:
        """As it stands in JSON."""
        return {
            "defence": self.defence.name,
            "what": self.defence.what,
            "scenario": self.defence.scenario,
            "checker": self.defence.checker,
            "stands": self.stands,
            "with": failure_of(self.with_it),
            "without": failure_of(self.without),
        }


HEADERS: Final = ("defence", "scenario", "with it", "without it", "stands")


def row_of(judged: Judged) -> tuple[str, ...]:
    """One row of a table, under `HEADERS`."""
    held = failure_of(judged.with_it) or "holds"
    failed = failure_of(judged.without) or "holds all the same"
    return judged.defence.name, judged.defence.scenario, held, failed, "yes" if judged.stands else "no"


def find_defence(name: str) -> Defence:
    """The row of that name.

    Raises:
        InputError: there is none.
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
    """Runs both sides."""
    settings = {**defence.settings, "seed": seed}
    return Judged(
        defence=defence,
        with_it=_run(defence.scenario, settings, [defence.given]),
        without=_run(defence.scenario, {**settings, **defence.off}, [defence.given, defence.weakened]),
    )


def _run(scenario: str, settings: Mapping[str, float], weakenings: Sequence[Weakening | None]) -> RunOutcome:
    with ExitStack() as stack:
        for each in weakenings:
            if each is not None:
                stack.enter_context(each())
        return run(find(scenario), settings)
