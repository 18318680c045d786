"""Computes the answer to a pure question once for a thousand nodes.

Every simulated node decodes and verifies every statement itself, as in real life. Decoding, the check of a body's
shape, the verification of a signature and the hash of a small subtree are pure functions of their arguments, so within
`shared_answers` each of them is computed once for the same bytes, and all nodes hold one `Statement` in memory. A small
frame is not decoded from the bytes that its sender has just made, and its signature is not checked, because both are
known. A refusal is never remembered, so refused bytes are judged anew each time. A test shows that a run has the same
digest with and without.

Measured, 200 nodes that each load an ecosystem of 200 members: see `docs/simulations.md`.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from accredit.gossip.protocol import wire
from accredit.gossip.protocol.wire import Body, UnverifiedFrame
from accredit.governance.authority.governing_state import Law
from accredit.governance.records import reducers
from accredit.governance.records.reducers import StatementsByKind
from accredit.governance.rules import rulebook
from accredit.registry import statement
from accredit.registry.domain.records import Subject
from accredit.registry.encoding import ed25519
from accredit.registry.encoding.ed25519 import SIGNATURE_BYTES, KeyPair
from accredit.registry.statement import Unverified
from accredit.registry.transparency import state_trie
from accredit.registry.transparency.state_trie import DEFAULT_PREFIXES, Prefixes

KEPT: Final = 200_000
"""Number of answers kept of each kind: some hundred MB at most."""

_SMALL: Final = 4_096
"""Largest frame that is remembered, bytes: far below every limit, so that no limit needs to be checked."""

_OURS: Final = tuple(
    f"accredit.{name}" for name in ("registry.", "governance.", "gossip.", "node.engine", "simulations.")
)


@contextmanager
def shared_answers() -> Iterator[None]:
    """Share answers among all nodes of this process within this context."""
    replaced: tuple[tuple[Callable[..., Any], Callable[..., Any]], ...] = (
        (statement.decode, _remembering(statement.decode, _itself)),
        (statement.verify, _remembering(statement.verify, _verified)),
        (rulebook.check_statement, _remembering(rulebook.check_statement, _raw)),
        (reducers.make_record, _remembering(reducers.make_record, _record)),
        (ed25519.is_usable_public, _remembering(ed25519.is_usable_public, _itself)),
        (ed25519.public_of, _remembering(ed25519.public_of, _itself)),
        (ed25519.key_id, _remembering(ed25519.key_id, _itself)),
        (state_trie.hash_bucket, _remembering(state_trie.hash_bucket, _bucket)),
        *_signatures_and_frames(),
    )
    try:
        for old, new in replaced:
            _replace(old, new)
        yield
    finally:
        for old, new in replaced:
            _replace(new, old)


def _itself(argument: bytes) -> bytes:
    return argument


def _raw(unverified: Unverified) -> bytes:
    return unverified.raw


def _bucket(bucket: bytes, depth: int, prefixes: Prefixes = DEFAULT_PREFIXES) -> tuple[bytes, int, Prefixes]:
    return bucket, depth, prefixes


class _TheVery:
    """Stands for one object in the name of an answer: equal to itself alone, whatever it contains."""

    __slots__ = ("_it",)

    def __init__(self, it: object) -> None:
        self._it = it

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _TheVery) and self._it is other._it

    def __hash__(self) -> int:
        return id(self._it)


def _record(law: Law, subject: Subject, facts: StatementsByKind, contributed: Mapping[Subject, Any], _: object) -> Any:
    """Name a record by its law, the one that all nodes have from the founding, and by what is in effect. A record with
    contributions from others also depends on what else is in effect, so it is made anew."""
    if contributed:
        return None
    return _TheVery(law), subject, tuple(fact for group in facts.values() for fact in group)


def _signatures_and_frames() -> tuple[tuple[Callable[..., Any], Callable[..., Any]], ...]:
    """Remember signatures and the content of frames made here, once each, because a frame has one recipient."""
    sign, verify = KeyPair.sign, ed25519.verify
    encode, decode, key_id = wire.encode_frame, wire.decode_frame, _remembering(ed25519.key_id, _itself)
    made: dict[bytes, tuple[bytes, bytes]] = {}
    said: dict[bytes, UnverifiedFrame] = {}

    def sign_here(pair: KeyPair, message: bytes) -> bytes:
        signature = sign(pair, message)
        if len(made) >= KEPT:
            made.clear()
        made[signature] = pair.public_key, message
        return signature

    def verify_here(public: bytes, message: bytes, signature: bytes) -> bool:
        return made.pop(signature, None) == (public, message) or verify(public, message, signature)

    def encode_here(body: Body, **envelope: Any) -> bytes:
        data = encode(body, **envelope)
        signature = data[-SIGNATURE_BYTES:]  # the signature is at the end of the frame
        if len(data) <= _SMALL and signature in made:
            public, message = made[signature]
            if len(said) >= KEPT:
                said.clear()
            said[data] = UnverifiedFrame(
                sender=envelope.get("sender") or key_id(public),
                recipient=envelope["recipient"],
                time=envelope["time"],
                nonce=envelope["nonce"],
                body=body,
                signed=message,
                signature=signature,
            )
        return data

    def decode_here(data: bytes, *, max_bytes: int, max_ids: int) -> UnverifiedFrame:
        frame = said.pop(data, None)
        return decode(data, max_bytes=max_bytes, max_ids=max_ids) if frame is None else frame

    return (sign, sign_here), (verify, verify_here), (encode, encode_here), (decode, decode_here)


def _verified(unverified: Unverified, public: bytes) -> tuple[bytes, bytes]:
    return unverified.raw, public


def _remembering(function: Callable[..., Any], key: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function with a memory of its answers by `key`, except those that have none; errors are not kept."""
    answers: dict[Any, Any] = {}

    def ask(*arguments: Any) -> Any:
        name = key(*arguments)
        if name is None:
            return function(*arguments)
        answer = answers.get(name, answers)
        if answer is answers:
            if len(answers) >= KEPT:
                answers.clear()
            answer = answers[name] = function(*arguments)
        return answer

    return ask


def _replace(old: object, new: object) -> None:
    """Replace `old` by `new` in all our modules and in all key pairs."""
    ours = [module for name, module in list(sys.modules.items()) if name.startswith(_OURS)]
    for holder in (*ours, KeyPair):
        for attribute, value in list(vars(holder).items()):
            if value is old:
                setattr(holder, attribute, new)
