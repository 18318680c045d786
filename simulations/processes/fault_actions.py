"""Carries out a plan: kills nodes, fills disks, sets clocks wrong, restores an old backup and acts as an operator would
then.

doer = Doer(machines=machines, plan=plan, folder=folder, note=print)
nursery.start_soon(doer.live, machine, began)         one task for each node
await doer.heal()
"""

import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, assert_never

import trio

from accredit.node.storage.log_reader import open_reader
from accredit.simulations.checkers import Violation

from .fault_plan import Deed, Plan
from .net_namespaces import Wires
from .node_process import TormentedNode

STORAGE: Final = 6
"""Exit code of a command if this machine's files are inconsistent: `accredit --help`."""


@dataclass(slots=True, kw_only=True)
class Doer:
    """See the module.

    Attributes:
        folder: where backups are put, apart from the nodes' own folders.
        note: writes a line into the journal.
    """

    machines: Sequence[TormentedNode]
    plan: Plan
    folder: Path
    note: Callable[[str], None]
    wires: Wires | None = None
    _counted: Counter[str] = field(default_factory=Counter)

    def done(self) -> dict[str, float]:
        """Return the number of actions by kind."""
        return {name: float(count) for name, count in sorted(self._counted.items())}

    async def live(self, machine: TormentedNode, began: float) -> None:
        """Carry out the plan for one node, each action at its time or as soon afterwards as the node allows."""
        for deed in self.plan.deeds:
            if deed.node == machine.number:
                await trio.sleep_until(began + deed.at)
                self.note(f"{machine.name} {str(deed).split(' ', 3)[3]}")
                self._counted[_NAMES[deed.what]] += 1
                await self._do(machine, deed)

    async def heal(self) -> None:
        """End all faults: start every node, free its disk and connect it."""
        for machine in self.machines:
            if self.wires is not None:
                self.wires.plug(machine.number)
            if machine.disk is not None:
                machine.disk.make_room(None if machine.process is None else machine.process.pid)
            if machine.process is None:
                self._start(machine)
        for machine in self.machines:
            await machine.answers()

    async def _do(self, machine: TormentedNode, deed: Deed) -> None:
        match deed.what:
            case "kill":
                machine.kill()
                await trio.sleep(deed.seconds)
                self._start(machine)
            case "stop":
                await self._stop(machine)
                await trio.sleep(deed.seconds)
                self._start(machine)
            case "clock":
                machine.kill()
                self._start(machine, wrong=deed.amount)
                await trio.sleep(deed.seconds)
                machine.kill()
                self._start(machine)
            case "fill":
                await self._fill(machine, deed.seconds)
            case "backup":
                await self._expect(machine, 0, "node", "backup", str(machine.folder), str(self._copy(machine, "old")))
            case "restore":
                await self._restore(machine)
            case "unplug":
                assert self.wires is not None, "the plan says that it needs wires"
                self.wires.unplug(machine.number)
                await trio.sleep(deed.seconds)
                self.wires.plug(machine.number)
            case _:
                assert_never(deed.what)

    async def _fill(self, machine: TormentedNode, seconds: float) -> None:
        disk, process = machine.disk, machine.process
        assert disk is not None, "the plan says whose disk will be filled"
        assert process is not None, "one thing after the other is done to a node"
        await machine.answers()  # a node that starts on a full disk may end by itself, as it says it does
        disk.fill(process.pid)
        await trio.sleep(seconds)
        disk.make_room(process.pid)

    async def _restore(self, machine: TormentedNode) -> None:
        """Copy an old backup over the database. The node must notice it, and a newer backup must heal it."""
        old, newest = self._copy(machine, "old"), self._copy(machine, "newest")
        await machine.answers()
        await self._stop(machine)
        await self._expect(machine, 0, "node", "backup", str(machine.folder), str(newest))
        with open_reader(old) as before, open_reader(newest) as now:
            sizes = before.size(), now.size()
        if sizes[0] >= sizes[1]:
            raise Violation("old_backup", f"nothing was said to {machine.name} since its backup of {sizes[0]} entries")
        head = machine.head.read_bytes()
        for beside in machine.database.parent.glob("node.sqlite-*"):
            if beside.name != "node.sqlite-lock":
                beside.unlink()
        shutil.copy(old, machine.database)
        self._start(machine)
        machine.is_expected_up = False
        code = await machine.ends()
        words = machine.said.strip().splitlines()[-3:]
        if code != STORAGE or "backup was restored" not in " ".join(words):
            raise Violation("old_backup", f"{machine.name} started on a backup of {sizes[0]} entries: {code}, {words}")
        await self._expect(machine, STORAGE, "node", "restore", str(machine.folder), str(old))
        if machine.head.read_bytes() != head:
            raise Violation("old_backup", f"{machine.name} signed something on a backup of {sizes[0]} entries")
        self.note(f"{machine.name} refused a backup of {sizes[0]} entries; it had signed {sizes[1]}")
        await self._expect(machine, 0, "node", "restore", str(machine.folder), str(newest))
        self._start(machine)
        await machine.answers()

    async def _stop(self, machine: TormentedNode) -> None:
        """Send SIGTERM. Before Python runs our first line, the signal ends the process at once."""
        code = await machine.stop()
        if code not in (0, -15):
            raise Violation("stops", f"{machine.name} was told to stop and ended with {code}")

    async def _expect(self, machine: TormentedNode, code: int, *words: str) -> None:
        found, said = await machine.types(*words)
        if found != code:
            raise Violation("old_backup", f"accredit {' '.join(words)} ended with {found}, not {code}: {said[-500:]}")

    def _start(self, machine: TormentedNode, *, wrong: float = 0.0) -> None:
        machine.start(clock=self.plan.clocks[machine.number] + wrong)

    def _copy(self, machine: TormentedNode, word: str) -> Path:
        return self.folder / f"{word}-{machine.number}.sqlite"


_NAMES: Final = {
    "kill": "kills",
    "stop": "graceful stops",
    "clock": "clocks set wrong",
    "fill": "disks filled",
    "backup": "backups made",
    "restore": "old backups put back",
    "unplug": "plugs pulled",
}
