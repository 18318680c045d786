"""Checkers of the statements that nodes hold: they are valid, in one history, on every node, and make the same records.

valid_statements   an honest node logs only statements that an authority signed, byte for byte
one_history        an honest node's log only grows: every entry that it announced keeps its place after any crash
one_root           all honest nodes reach one state root, in time
nothing_lost       a statement that any honest node confirmed is in every honest node's log
records            the records of every honest node follow from its disk alone, in another order
exposed            every honest node knows each key of an authority that contradicted itself
"""

from collections.abc import Sequence
from hashlib import sha256

from accredit.governance.fold import Fold
from accredit.registry.errors import AccreditError
from accredit.registry.statement import Statement, decode
from accredit.simulations.virtual.checker import Checker
from accredit.simulations.virtual.facts import Violation
from accredit.simulations.virtual.ports import HostView, WorldView, knows


class ValidStatements(Checker):
    """See the module."""

    name = "valid_statements"

    def on_logged(self, world: WorldView, host: HostView, statements: Sequence[Statement]) -> None:
        """See `Checker`."""
        if host.is_honest:
            for each in statements:
                signed = world.town.signed.get(each.id)
                self.require(
                    signed is not None and signed.raw == each.raw, f"{host.name} logged {each}, which nobody signed"
                )


class OneHistory(Checker):
    """See the module."""

    name = "one_history"

    def on_start(self, world: WorldView, host: HostView) -> None:
        """See `Checker`."""
        self._compare(world, host)

    def on_end(self, world: WorldView) -> None:
        """See `Checker`."""
        for host in world.honest:
            self._compare(world, host)

    def _compare(self, world: WorldView, host: HostView) -> None:
        if not host.is_honest:
            return
        entries, told = host.disk.entries, host.told
        is_shared = bool(entries.base and told.base)
        if is_shared:  # the founding is the same for all, and is not written to
            stored, before = [id for id, _ in entries.own], told.own
        else:
            stored, before = [id for id, _ in entries], list(told)
        self.require(
            stored[: len(before)] == before,
            f"{host.name} told of {len(told)} entries, and its disk with {len(entries)} holds another history",
        )
        again = is_shared and any(id in world.town.founded for id in stored)
        self.require(len(dict.fromkeys(stored)) == len(stored) and not again, f"{host.name} logged a statement twice")


class OneRoot(Checker):
    """See the module."""

    name = "one_root"

    def on_end(self, world: WorldView) -> None:
        """See `Checker`."""
        if world.converged_at is None:
            down = [host.name for host in world.honest if not host.is_up]
            waiting = sum(each.answered_at is None for each in world.workload.sayings.values())
            sizes = sorted({host.engine.size for host in world.honest if host.engine is not None})
            raise Violation(
                self.name,
                f"no single root {world.settings.settle} s after faults stopped: {len(world.roots())} roots, "
                f"logs of {sizes[:5]} entries, {len(down)} nodes down, {waiting} statements without an answer",
            )


class NothingLost(Checker):
    """See the module."""

    name = "nothing_lost"

    def on_end(self, world: WorldView) -> None:
        """See `Checker`."""
        for each in world.workload.sayings.values():
            if each.answered_at is None:
                continue
            lacking = [h.name for h in world.honest if h.engine is not None and each.statement.id not in h.engine]
            self.require(
                not lacking,
                f"{each.answered_by} answered for {each.statement}, and {len(lacking)} nodes lack it: {lacking[:3]}",
            )


class RecordsRederived(Checker):
    """See the module."""

    name = "records"

    def on_end(self, world: WorldView) -> None:
        """See `Checker`."""
        derived: dict[bytes, bytes] = {}  # by the bytes on the disk, in whatever order: many nodes hold the same
        for host in world.honest:
            if host.engine is None:
                continue
            entries = host.disk.entries
            shared = b"founding" if entries.base else b""
            held = sha256(shared + b"".join(sorted(id + raw for id, raw in entries.own))).digest()
            if held not in derived:
                derived[held] = self._derive(world, host)
            self.require(
                derived[held] == host.engine.fold.state_root(),
                f"the state of {host.name} does not follow from the {len(host.disk.entries)} statements on its disk",
            )

    def _derive(self, world: WorldView, host: HostView) -> bytes:
        """Derive the records from the bytes alone, in the order of ids, which no node has ever had."""
        fold = Fold(world.town.ecosystem)
        for id, raw in sorted(host.disk.entries):
            signed = world.town.signed[id]
            try:
                self.require(decode(raw).id == id and signed.raw == raw, f"{host.name}'s disk holds other bytes")
            except AccreditError as error:
                raise Violation(self.name, f"{host.name}'s disk holds what is no statement: {error}") from error
            fold.add(signed)
        fold.settle()
        return fold.state_root()


class Exposed(Checker):
    """See the module."""

    name = "exposed"

    def on_end(self, world: WorldView) -> None:
        """See `Checker`."""
        for each in world.misconduct:
            ends = [host.engine for host in world.honest if host.engine is not None]
            holders = sum(any(id in engine for engine in ends) for id in each.ids)
            if holders < len(each.ids):
                continue  # nobody honest holds both sides of it
            blind = [engine.name for engine in ends if not knows(engine, each.key)]
            self.require(
                not blind,
                f"key {each.key.hex()[:16]} contradicted itself, and {len(blind)} nodes do not know: {blind[:3]}",
            )
