"""Makes one run of real processes, from founding to verdict.

    outcome = run("torment", {"nodes": 5, "seconds": 180, "seed": 7})

*Warm-up*: each node gets a folder, keys and a configuration, and is started; one of them is given the founders'
statements, and the phase lasts until all hold the same. *Faults*: people speak and watch while the plan is carried out.
*Recovery*: full disks have room again, nodes that were down start, and people wait for their last answers, until all
nodes have one state or `settle` seconds have passed. *End*: audits, a graceful stop of every node, and `checks` over
the stored data.

The digest is that of the plan: the same seed makes the same plan, and the operating system decides how it turns out.
Every process that was started is ended in any case, by its process id. If a check failed, the folder with all files of
the nodes is kept, and its name is printed.
"""

import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx
import trio

from accredit.node.storage.log_reader import open_reader
from accredit.registry.errors import InputError
from accredit.registry.limits import SIGNERS
from accredit.simulations.checkers import Violation
from accredit.simulations.run.failures import failure_of
from accredit.simulations.run.run import Failure, RunOutcome, changed, outcome_of
from accredit.simulations.virtual.ecosystem import Town
from accredit.simulations.virtual.settings import Settings

from .checks import check_audits, check_logs, check_output, check_resources, check_states
from .clients import Book, People
from .fault_actions import Doer
from .fault_plan import Plan, draw
from .figures import figures_of
from .net_namespaces import Wires
from .node_process import TormentedNode, free_ports
from .small_disk import SmallDisk

TIER: Final = "processes"
NODES_MAX: Final = 25
LOOK_SECONDS: Final = 1.0
"""Seconds between two checks of each process: whether it runs, and its resources."""

PAUSE: Final = 1.0
"""Seconds between two statements of one authority, on average; the option `pause`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessScenario:
    """A scenario of this tier; `plan.draw` draws its plan under the same name."""

    name: str
    summary: str
    settings: Settings


def _scenario(name: str, summary: str, *, seconds: float) -> ProcessScenario:
    settings = Settings(nodes=5, seconds=seconds, settle=90.0, grants=0, signers=3)
    return ProcessScenario(name=name, summary=summary, settings=settings)


SCENARIOS: Final = {
    each.name: each
    for each in (
        _scenario("calm", "Five real nodes and nothing goes wrong: what grows in them?", seconds=60),
        _scenario("kills", "Real nodes are killed again and again, at any moment, and started again.", seconds=60),
        _scenario(
            "torment",
            "Real nodes: kill -9, full disks, clocks set apart, and one node's old backup put back.",
            seconds=180,
        ),
        _scenario(
            "cables",
            "Real nodes in networks of their own, with loss and delay where the kernel can; plugs are pulled.",
            seconds=60,
        ),
    )
}


@dataclass(slots=True)
class Journal:
    """The events of a run, for people; times are in seconds since its beginning."""

    began: float
    lines: list[str] = field(default_factory=list)

    def note(self, what: str) -> None:
        """Add a line."""
        self.lines.append(f"{self.elapsed:10.3f} s  {what}")

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.began


@dataclass(slots=True)
class ProcessRunState:
    """The state of a run so far."""

    book: Book = field(default_factory=Book)
    places: dict[str, dict[bytes, int]] = field(default_factory=dict)
    one_root: int | None = None
    extra: dict[str, float] = field(default_factory=dict)
    machines: list[TormentedNode] = field(default_factory=list)


def run(
    scenario: ProcessScenario,
    changes: Mapping[str, float] | None = None,
    *,
    keep: int = 40,
    progress: Callable[[float], None] | None = None,
) -> RunOutcome:
    """Run a scenario with some settings changed; failed checks are part of the outcome.

    Args:
        keep: number of lines of the journal that the outcome shows.
        progress: called with the progress of the phase of faults, from 0 to 1.

    Raises:
        InputError: a setting does not exist, or real processes do not have it; `no_namespaces`.
        KeyboardInterrupt: SIGINT or SIGTERM came; every process has been ended.
    """
    settings = changed(scenario.settings, changes or {})
    _check(settings, changes or {})
    plan = draw(scenario.name, seed=settings.seed, nodes=settings.nodes, seconds=settings.seconds)
    journal, result = Journal(time.monotonic()), ProcessRunState()
    folder = Path(tempfile.mkdtemp(prefix="accredit-simulation-"))
    failure: Failure | None = None
    try:
        trio.run(partial(_play, settings, plan, folder, journal, result, progress or (lambda _share: None)))
    except BaseException as error:
        try:
            failure = failure_of(error, at=round(journal.elapsed * 1_000))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    if failure is None:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        journal.note(f"the nodes' files are kept in {folder}")
    return _outcome(scenario, settings, plan, journal, result, failure, keep)


async def _play(
    settings: Settings,
    plan: Plan,
    folder: Path,
    journal: Journal,
    result: ProcessRunState,
    progress: Callable[[float], None],
) -> None:
    """Run all phases. Every process that is started here has ended when this returns."""
    async with trio.open_nursery() as nursery:
        await nursery.start(_obey_signals)
        with ExitStack() as stack:
            wires = (
                stack.enter_context(Wires.lay(settings.nodes, loss=settings.links.loss)) if plan.needs_wires else None
            )
            if wires is not None and not wires.has_netem:
                journal.note("this kernel has no netem: nothing is lost or delayed, plugs are pulled all the same")
            town, machines = _set_up(settings, plan, folder, stack, wires)
            result.machines = machines
            people = People(
                town, machines, result.book, random=Random(settings.seed), pause=settings.option("pause", PAUSE)
            )
            try:
                async with trio.open_nursery() as watching:
                    await _found(town, machines, people, plan, watching)
                    journal.note(f"{len(machines)} nodes hold what founds them")
                    await _phases(settings, plan, folder, journal, result, people, wires, progress)
                    watching.cancel_scope.cancel()
                await _judge(town, result, journal)
            finally:
                for machine in machines:
                    machine.kill()
        nursery.cancel_scope.cancel()


async def _obey_signals(*, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    """Make SIGTERM and a closed terminal end the run as Ctrl-C does, with every process that it started."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGHUP) as signals:
        task_status.started()
        async for _ in signals:
            raise KeyboardInterrupt


def _set_up(
    settings: Settings, plan: Plan, folder: Path, stack: ExitStack, wires: Wires | None
) -> tuple[Town, list[TormentedNode]]:
    """Found the ecosystem, and make the files of its nodes."""
    hosts = wires.hosts if wires is not None else ["127.0.0.1"] * settings.nodes
    ports = [8080] * settings.nodes if wires is not None else free_ports(settings.nodes)
    names = [f"n{number:04}.example" for number in range(settings.nodes)]
    urls = {name: f"http://{host}:{port}" for name, host, port in zip(names, hosts, ports, strict=True)}
    town = Town.found(
        seed=settings.seed,
        nodes=settings.nodes,
        authorities=settings.authorities,
        grants=settings.grants,
        signers=settings.signers,
        urls=urls,
    )
    assert list(town.names) == names
    filled, machines = plan.filled(), []
    for number in range(settings.nodes):
        place = folder / f"node{number}"
        disk = stack.enter_context(SmallDisk.make(place)) if number in filled else None
        machines.append(
            TormentedNode.set_up(
                town,
                number,
                place,
                port=ports[number],
                tick=settings.tick,
                host=hosts[number],
                prefix=wires.prefix(number) if wires is not None else (),
                disk=disk,
            )
        )
    return town, machines


async def _found(
    town: Town, machines: Sequence[TormentedNode], people: People, plan: Plan, watching: trio.Nursery
) -> None:
    """Start every node, give one of them the founders' statements, and wait until all hold them."""
    for machine in machines:
        machine.start(clock=plan.clocks[machine.number])
    for machine in machines:
        await machine.answers()
        watching.start_soon(people.watch, machine)
        watching.start_soon(_look, machine)
    await people.submit(machines[0], town.founding)
    for machine in machines:
        await machine.answers("/readyz")


async def _look(machine: TormentedNode) -> None:
    while True:
        machine.look()
        machine.check_runs()
        await trio.sleep(LOOK_SECONDS)


async def _phases(
    settings: Settings,
    plan: Plan,
    folder: Path,
    journal: Journal,
    result: ProcessRunState,
    people: People,
    wires: Wires | None,
    progress: Callable[[float], None],
) -> None:
    """Run the phase of faults, then recovery."""
    doer = Doer(machines=result.machines, plan=plan, folder=folder, note=journal.note, wires=wires)
    began = trio.current_time()
    async with trio.open_nursery() as speaking:
        for authority in range(settings.authorities):
            speaking.start_soon(people.speak, authority)
        async with trio.open_nursery() as acting:
            for machine in result.machines:
                acting.start_soon(doer.live, machine, began)
            while (passed := trio.current_time() - began) < settings.seconds:
                progress(passed / settings.seconds)
                await trio.sleep(min(1.0, settings.seconds - passed))
        journal.note("faults end")
        people.is_over = True
        healed = trio.current_time()
        await doer.heal()
        with trio.move_on_after(settings.settle) as settling:
            result.one_root = await _converge(result, healed)
        if settling.cancelled_caught:
            speaking.cancel_scope.cancel()
    result.extra.update(doer.done())
    if result.one_root is None:
        sizes = {name: max(size for size, _ in seen.values()) for name, seen in sorted(result.book.checkpoints.items())}
        raise Violation("one_root", f"no single state {settings.settle:.0f} s after faults stopped; logs of {sizes}")
    journal.note(f"one state {result.one_root / 1_000:.2f} s after that")
    await people.look_once_more()


async def _converge(result: ProcessRunState, healed: float) -> int:
    """Wait until every statement is answered and all nodes hold the same; return the time since faults stopped, ms."""
    async with httpx.AsyncClient(trust_env=False, timeout=10.0) as client:
        while True:
            if result.book.is_quiet:
                seen = [await _status(client, machine) for machine in result.machines]
                roots = {each["state_root"] for each in seen if each is not None}
                sizes = {each["size"] for each in seen if each is not None}
                if None not in seen and len(roots) == len(sizes) == 1:
                    return round((trio.current_time() - healed) * 1_000)
            await trio.sleep(0.25)


async def _status(client: httpx.AsyncClient, machine: TormentedNode) -> dict[str, Any] | None:
    try:
        answer = await client.get(f"{machine.url}/v1/status")
    except httpx.HTTPError:
        return None
    found: dict[str, Any] | None = answer.json() if answer.status_code == 200 else None
    return found


async def _judge(town: Town, result: ProcessRunState, journal: Journal) -> None:
    """Audit the running nodes, stop them gracefully, then check all stored data."""
    machines, reported = result.machines, {}
    await check_audits(machines)
    async with httpx.AsyncClient(trust_env=False, timeout=10.0) as client:
        for machine in machines:
            seen = await _status(client, machine)
            if seen is None:
                raise Violation("no_crash", f"{machine.name} does not tell its status")
            reported[machine.name] = str(seen["state_root"])
    for machine in machines:
        if (code := await machine.stop()) != 0:
            raise Violation("stops", f"{machine.name} was told to stop and ended with {code}")
    result.places = {machine.name: _places(machine) for machine in machines}
    checkpoints = check_logs(town, machines, result.book)
    check_states(town, machines, reported)
    check_output(machines)
    result.extra.update({"statements answered": len(result.book.answers), "checkpoints compared": checkpoints})
    result.extra.update(check_resources(machines))
    journal.note("everything held")


def _places(machine: TormentedNode) -> dict[bytes, int]:
    with open_reader(machine.database) as reader:
        return {id: number for number, id in enumerate(reader.ids(0, reader.size()))}


def _check(settings: Settings, changes: Mapping[str, float]) -> None:
    """Raise an `InputError` for a setting that real processes do not have."""
    for name in changes:
        if name.startswith("gossip.") or (name.startswith("links.") and name != "links.loss"):
            raise InputError("bad_setting", f"real processes have no setting {name}.", hint="See docs/simulations.md.")
    for name, value, least, most in (
        ("nodes", settings.nodes, 3, NODES_MAX),
        ("signers", settings.signers, 0, SIGNERS),
    ):
        if not least <= value <= most:
            raise InputError("bad_setting", f"{name} is {value:g}; it may be {least:g} to {most:g}.")


def _outcome(
    scenario: ProcessScenario,
    settings: Settings,
    plan: Plan,
    journal: Journal,
    result: ProcessRunState,
    failure: Failure | None,
    keep: int,
) -> RunOutcome:
    figures, curves = figures_of(result.book, result.places, one_root=result.one_root)
    outcome = outcome_of(scenario, settings, tier=TIER, digest=plan.digest(), seconds=journal.elapsed, failure=failure)
    return replace(
        outcome,
        events=len(journal.lines),
        figures=figures if result.places else None,
        extra=result.extra,
        curves=curves,
        tail=journal.lines[-keep:],
    )
