"""A relying party: it has a trust policy from a trusted source, and asks any node.

    verifier asks a random node  ->  evidence  ->  `registry.evidence.check.check` under the policy  ->  remembers the
    count

It never asks two nodes about one answer, and trusts none; some of them lie. The result of each check goes to the
checkers (`undeceived`) and to the metrics, which record the age of the verified state.

Questions are about the issuers that were accredited at the start, so the true answers change with every revocation."""

from collections import Counter
from typing import Final

from accredit.governance.fold import Fold
from accredit.governance.policy_renewal import export_policy
from accredit.registry.decision.query import Query
from accredit.registry.evidence.check import check
from accredit.registry.evidence.state_check import CheckResult
from accredit.registry.evidence.trust_policy import TrustPolicy

from .facts import CheckedAnswer
from .host import Host, HostWorld
from .physics.network import TIMEOUT_MS

QUESTION_BYTES: Final = 300
"""Approximate bytes of a question with its HTTP head."""


class Verifier:
    """See the module.

    Attributes:
        policy: its trust policy, and the highest state it has verified.
        results: numbers of checks by result; failed ones also by the failed check.
    """

    def __init__(self, world: HostWorld, name: str, policy: TrustPolicy) -> None:
        self.name = name
        self.policy = policy
        self.results: Counter[str] = Counter()
        self._world = world
        self._random = world.timeline.stream(name)

    def ask(self) -> None:
        """Ask one question to a random node."""
        world = self._world
        grant = self._random.choice(world.town.grants)
        host = self._random.choice(world.hosts)
        query = Query(entity=grant.sub, authority=world.town.charter_id)
        for delay in world.network.carry(self.name, host.name, QUESTION_BYTES)[:1]:
            world.timeline.after(delay, lambda: self._asked(host, query, grant.id))

    def _asked(self, host: Host, query: Query, grant: bytes) -> None:
        world = self._world
        data = host.answer(query)
        if data is None:
            self.results["no answer"] += 1
            return
        world.timeline.trace.note(world.timeline.now, host.name, "evidence", data)
        for delay in world.network.carry(host.name, self.name, len(data))[:1]:
            if delay < TIMEOUT_MS:
                world.timeline.after(delay, lambda: self._answered(host, query, grant, data))

    def _answered(self, host: Host, query: Query, grant: bytes, data: bytes) -> None:
        world = self._world
        checked = check(data, query, self.policy, world.timeline.now // 1_000)
        word = str(checked.result)
        self.results[word if checked.result is CheckResult.VERIFIED else f"{word}: {checked.check}"] += 1
        world.timeline.trace.note(world.timeline.now, self.name, word)
        if checked.state is not None:
            self.policy = self.policy.remember(checked.state)
        answer = CheckedAnswer(
            verifier=self.name, host=host.name, query=query, checked=checked, time=world.timeline.now
        )
        world.metrics.on_answer(answer, grant)
        world.check(lambda checker: checker.on_answer(world, answer))


def policy_of(world: HostWorld) -> TrustPolicy:
    """Return the policy that an honest node of the founding would export."""
    fold = Fold(world.town.ecosystem)
    for statement in world.town.founding:
        fold.add(statement)
    fold.settle()
    return export_policy(fold, world.timeline.now // 1_000, max_age=world.settings.policy_age)
