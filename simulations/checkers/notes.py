"""Checkers of state notes, and of the answers that verifiers get.

one_note           an honest signer never signs two states of one count, whatever happens to it
noted_roots        a state that a quorum has cosigned follows from exactly the set that it names
quorum_notes       at the end every honest node has a note with a quorum, over all held statements
undeceived         every answer that verifies was true of a state that an honest signer had cosigned within the maximum
                   age, and no verifier accepts an older state after a newer one
"""

from collections.abc import Sequence

from accredit.governance.fold import Fold
from accredit.node.engine import KeepNote
from accredit.node.engine.quorum_state import KeptNote, Part
from accredit.registry.decision.decide import decide
from accredit.registry.evidence.state_check import CheckResult
from accredit.registry.transparency.state_note import StateNote
from accredit.simulations.virtual.checker import Checker
from accredit.simulations.virtual.facts import CheckedAnswer
from accredit.simulations.virtual.ports import HostView, WorldView


class OneNote(Checker):
    """See the module."""

    name = "one_note"

    def __init__(self) -> None:
        self._signed: dict[tuple[str, int], str] = {}

    def on_signed(self, world: WorldView, host: HostView, kept: KeepNote) -> None:  # noqa: ARG002
        """See `Checker`."""
        if host.is_honest:
            count = StateNote.decode(kept.text).count
            before = self._signed.setdefault((host.name, count), kept.text)
            self.require(before == kept.text, f"{host.name} signed two states of {count} statements")


class NotedRoots(Checker):
    """See the module."""

    name = "noted_roots"

    def __init__(self) -> None:
        self._derived: dict[str, None] = {}

    def on_noted(self, world: WorldView, host: HostView, kept: KeptNote) -> None:
        """See `Checker`."""
        text = kept.state.encode()
        if not host.is_honest or text in self._derived:
            return  # one text is one set: that it is the same at every node is what the root is for
        self._derived[text] = None
        ids = ids_of(host, kept.part)
        fold = folded(world, ids)
        self.require(
            (len(ids), fold.state_root()) == (kept.state.count, kept.state.root),
            f"a quorum stands by a state of {kept.state.count}; the {len(ids)} of {host.name} lead to another",
        )


class QuorumNotes(Checker):
    """See the module."""

    name = "quorum_notes"

    def on_end(self, world: WorldView) -> None:
        """See `Checker`."""
        if not world.settings.signers:
            return
        for host in world.honest:
            if host.engine is None:
                continue
            held = host.noted
            self.require(held is not None, f"{host.name} has no note with a quorum")
            assert held is not None
            assert held.state is not None
            self.require(
                (held.state.count, held.state.root) == (host.engine.size, host.engine.fold.state_root()),
                f"the newest note at {host.name} is of {held.state.count} statements; it holds {host.engine.size}",
            )


class Undeceived(Checker):
    """See the module."""

    name = "undeceived"

    def __init__(self) -> None:
        self._stood: dict[str, tuple[int, tuple[bytes, ...]]] = {}  # text -> last cosigned honestly (s), its set
        self._folds: dict[str, Fold] = {}
        self._highest: dict[str, int] = {}

    def on_signed(self, world: WorldView, host: HostView, kept: KeepNote) -> None:
        """See `Checker`."""
        if host.is_honest and world.verifiers:
            ids = self._stood[kept.text][1] if kept.text in self._stood else ids_of(host, kept.part)
            self._stood[kept.text] = world.timeline.now // 1_000, ids

    def on_answer(self, world: WorldView, answer: CheckedAnswer) -> None:
        """See `Checker`."""
        checked = answer.checked
        if checked.result is not CheckResult.VERIFIED:
            return
        assert checked.state is not None
        assert checked.decision is not None
        who = f"{answer.verifier}, asking {answer.host},"
        text = checked.state.encode()
        stood = self._stood.get(text)
        self.require(stood is not None, f"{who} verified a state that no honest signer ever stood by")
        assert stood is not None
        age = answer.time // 1_000 - stood[0]
        limit = world.settings.policy_age + 1
        self.require(age <= limit, f"{who} verified a state that no honest signer stood by for {age} s")
        highest = self._highest.get(answer.verifier, 0)
        self.require(
            checked.state.count >= highest, f"{who} verified {checked.state.count} statements after {highest} before"
        )
        self._highest[answer.verifier] = checked.state.count
        if text not in self._folds:
            self._folds[text] = folded(world, stood[1])
        fold, now = self._folds[text], answer.time // 1_000
        true = decide(answer.query, fold, now, ecosystem_id=world.town.charter_id).verdict
        said = checked.decision.verdict
        self.require(said is true, f"{who} verified {said!r} about {answer.query.entity}, which was {true!r}")


def ids_of(host: HostView, part: Part) -> tuple[bytes, ...]:
    """Return the statements of a part of a host's log."""
    without = dict.fromkeys(part.without)
    return tuple(id for number, (id, _) in enumerate(host.disk.entries[: part.size]) if number not in without)


def folded(world: WorldView, ids: Sequence[bytes]) -> Fold:
    """Return the fold of a set, taken in an order that no node has had."""
    fold = Fold(world.town.ecosystem)
    for id in sorted(ids):
        fold.add(world.town.signed[id])
    fold.settle()
    return fold
