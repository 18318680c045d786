"""Nodes that contradict themselves: conflicts made with the keys that really are theirs."""

from accredit.registry.encoding.ed25519 import KeyPair, Signer, public_of
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.equivocation import Conflict, conflict_of_checkpoints, conflict_of_states
from accredit.registry.transparency.signed_note import KeyType, Note, VerifierKey, sign_note
from accredit.registry.transparency.state_note import StateNote, cosign_state, signer_key


def forked_log(name: str, signer: Signer, *, size: int = 7, other: int = 1) -> Conflict:
    """Two checkpoints of one size, under different roots.

    Args:
        other: makes another one of it.
    """
    key = VerifierKey(name=name, type=KeyType.ED25519, public=signer.public_key)

    def signed(number: int) -> bytes:
        return sign_note(Checkpoint(origin=name, size=size, root=bytes([number]) * 32).encode(), name, signer)

    return conflict_of_checkpoints(signed(0), signed(other), key)


def two_states(name: str, seed: bytes, ecosystem: bytes) -> Conflict:
    """Two states of one count, cosigned by one signer."""

    def cosigned(number: int) -> bytes:
        state = StateNote(name="Town", ecosystem=ecosystem, fold=1, count=5, root=bytes([number]) * 32)
        return Note(text=state.encode(), signatures=(cosign_state(state, name, KeyPair(seed), 1_000),)).encode()

    return conflict_of_states(cosigned(0), cosigned(1), signer_key(name, public_of(seed)))
