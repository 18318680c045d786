"""A renewal of a trust policy, and the policy it is for: of an ecosystem just founded, under its first charter."""

from typing import Final

from accredit.governance.policy_renewal import Renewal, export_policy, prove_renewal
from accredit.registry.domain.records import FOLD_VERSION, record_digest, record_key
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.evidence.proved_records import Mapped
from accredit.registry.evidence.trust_policy import TrustPolicy
from accredit.registry.transparency.signed_note import Note
from accredit.registry.transparency.state_map import Trie
from accredit.registry.transparency.state_note import StateNote, cosign_state
from tests.strategies import bodies
from tests.strategies.consortium import Consortium, seed_of
from tests.strategies.domain import NOW

SIGNERS: Final = [f"n{number}.example" for number in range(4)]


def renewal_of_a_founding(now: int = NOW) -> tuple[TrustPolicy, Renewal]:
    """Policy and renewal, as of `now`, seconds; every signer has cosigned."""
    authorities = ((f"https://{letter}.example/", "public") for letter in "abc")
    nodes = [bodies.node(name, f"Operator of {name}") for name in SIGNERS]
    fold = Consortium.of(*authorities, nodes=nodes, signers=SIGNERS).fold()
    state = StateNote(
        name="A consortium",
        ecosystem=fold.ecosystem,
        fold=FOLD_VERSION,
        count=fold.committed_count(),
        root=fold.state_root(),
    )
    lines = tuple(cosign_state(state, name, KeyPair(seed_of(f"{name} state")), now) for name in SIGNERS)
    held = Mapped(fold, Trie((record_key(*subject), record_digest(record)) for subject, record in fold.items()))
    policy = export_policy(fold, now)
    note = Note(text=state.encode(), signatures=lines).encode()
    return policy, prove_renewal(fold, held, policy.step, statements_root=fold.statements_root(), note=note)
