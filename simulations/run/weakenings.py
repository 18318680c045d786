"""Switches defences off, only for the mutation gate; no setting of a node can do this.

Each function is a context manager. While it lasts, one defence of the code that runs is gone in every simulated node
(or verifier); afterwards it is back. Nothing of this is in the code itself: there is no flag that a node could be
started with.

    with weakening.no_quorum():
        run(find("lying_to_verifiers"))         # fails: `undeceived`

`weak_fingerprints` is no defence switched off but an attacker with more time than anybody has: it makes a search short
that would take for ever, so that what stands behind it can be seen to hold."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256
from typing import Any, Final

from accredit.gossip.exchanges import reconcile
from accredit.gossip.peers import mesh
from accredit.gossip.protocol import negentropy
from accredit.governance import policy_renewal
from accredit.governance.index.statement_index import Chains
from accredit.node.engine.fork_allowance import ForkAllowance
from accredit.node.engine.log_index import LogView
from accredit.registry.evidence import state_check
from accredit.registry.evidence.trust_policy import TrustPolicy
from accredit.registry.transparency.signed_note import VerifiedSignature
from accredit.registry.transparency.state_note import OpenedState, StateNote

Weakening = Callable[[], AbstractContextManager[None]]

WEAK_BITS: Final = 16
"""Of what stands for a set, where it is weak: what `alike_statements` searches for."""


@contextmanager
def put(*replacements: tuple[object, str, Any]) -> Iterator[None]:
    """Replace the values of these names in these modules or classes within this context."""
    before = [(place, name, vars(place)[name]) for place, name, _ in replacements]
    try:
        for place, name, value in replacements:
            setattr(place, name, value)
        yield
    finally:
        for place, name, value in reversed(before):
            setattr(place, name, value)


def foreseeable_meshes() -> AbstractContextManager[None]:
    """Draw meshes without a salt, so that everybody who knows a key knows its rank."""
    return put((mesh, "_SALT_BYTES", 0))


def no_quorum() -> AbstractContextManager[None]:
    """Let one signer be enough for verifiers."""
    return put((policy_renewal, "quorum", lambda signers: 1))  # noqa: ARG005


def no_sequence() -> AbstractContextManager[None]:
    """Let nobody compare the numbers of a key's statements."""
    return put((Chains, "is_forked", lambda self, key: False), (Chains, "forked_keys", lambda self: []))  # noqa: ARG005


def no_fork_allowance() -> AbstractContextManager[None]:
    """Let nodes accept every statement of a forked key from anybody."""
    return put(
        (ForkAllowance, "take", lambda self, statement, now: None),  # noqa: ARG005
        (ForkAllowance, "check_brought", lambda self, statement, now, nodes: None),  # noqa: ARG005
    )


def no_note_age() -> AbstractContextManager[None]:
    """Let verifiers accept cosignatures of any age."""

    def fresh(opened: OpenedState, now: int, max_age: int) -> Sequence[VerifiedSignature]:  # noqa: ARG001
        return tuple(one for one in opened.cosignatures if one.time is not None)

    return put((state_check, "fresh", fresh))


def no_count_memory() -> AbstractContextManager[None]:
    """Let verifiers forget the states that they have verified."""

    def remember(self: TrustPolicy, state: StateNote) -> TrustPolicy:  # noqa: ARG001
        return self

    return put((TrustPolicy, "remember", remember))


def weak_roots() -> AbstractContextManager[None]:
    """Let nodes compare a short sum over ids, as fingerprints are, so that two sets may have one root."""

    def root(self: LogView) -> tuple[bytes, int]:
        total = sum(int.from_bytes(id) for _, id in self.items()) % 2**WEAK_BITS
        return sha256(total.to_bytes(8) + self.size().to_bytes(8)).digest(), self.size()

    return put((LogView, "root", root))


def weak_fingerprints() -> AbstractContextManager[None]:
    """Give a range's fingerprint so few bits that an attacker can search for two sets that share one."""

    def fingerprint(self: negentropy.Items, start: int, stop: int) -> bytes:
        total = (self._sums[stop] - self._sums[start]) % 2**WEAK_BITS
        return sha256(total.to_bytes(8) + (stop - start).to_bytes(8)).digest()[: negentropy.FINGERPRINT_BYTES]

    return put((negentropy.Items, "fingerprint", fingerprint))


def unsalted_sessions() -> AbstractContextManager[None]:
    """Compare ids without a salt, so that an attacker knows beforehand what forged statements add up to."""
    return put((reconcile, "blind", lambda salt, id: id[::-1]))  # noqa: ARG005  # reversed: sums begin at the first byte
