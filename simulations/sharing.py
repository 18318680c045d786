"""One answer for a thousand nodes that ask the same pure question.

Every simulated node decodes and verifies every statement itself, as in real life. Decoding, the check of a body's shape
and the verification of a signature are pure functions of their arguments, so within `shared_answers` each of them is
computed once for the same bytes, and all nodes hold one `Statement` in memory. What is refused is never remembered, so
it is judged anew each time. A test shows that a run has the same digest with and without.

Measured, 200 nodes that each load an ecosystem of 200 members: see `docs/simulations.md`.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from governance import rulebook
from registry import keys, statement
from registry.statement import Unverified

KEPT: Final = 200_000
"""Answers kept of each kind: some hundred MB at most."""

_OURS: Final = ("registry.", "governance.", "gossip.", "node.engine")


@contextmanager
def shared_answers() -> Iterator[None]:
    """Shares answers among all nodes of this process while it lasts."""
    replaced: tuple[tuple[Callable[..., Any], Callable[..., Any]], ...] = (
        (statement.decode, _remembering(statement.decode, _itself)),
        (statement.verify, _remembering(statement.verify, _verified)),
        (rulebook.check_statement, _remembering(rulebook.check_statement, _raw)),
        (keys.is_usable_public, _remembering(keys.is_usable_public, _itself)),
        (keys.public_of, _remembering(keys.public_of, _itself)),
        (keys.key_id, _remembering(keys.key_id, _itself)),
        *_signatures(),
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


def _signatures() -> tuple[tuple[Callable[..., Any], Callable[..., Any]], ...]:
    """`sign` that remembers what it made, and `verify` that knows it again, once: a frame has one recipient."""
    sign, verify, public_of = keys.sign, keys.verify, _remembering(keys.public_of, _itself)
    made: dict[bytes, tuple[bytes, bytes]] = {}

    def sign_here(seed: bytes, message: bytes) -> bytes:
        signature = sign(seed, message)
        if len(made) >= KEPT:
            made.clear()
        made[signature] = public_of(seed), message
        return signature

    def verify_here(public: bytes, message: bytes, signature: bytes) -> bool:
        return made.pop(signature, None) == (public, message) or verify(public, message, signature)

    return (sign, sign_here), (verify, verify_here)


def _verified(unverified: Unverified, public: bytes) -> tuple[bytes, bytes]:
    return unverified.raw, public


def _remembering(function: Callable[..., Any], key: Callable[..., Any]) -> Callable[..., Any]:
    """The function, with its answers to questions of one `key` kept; errors are not."""
    answers: dict[Any, Any] = {}

    def ask(*arguments: Any) -> Any:
        name = key(*arguments)
        if name not in answers:
            if len(answers) >= KEPT:
                answers.clear()
            answers[name] = function(*arguments)
        return answers[name]

    return ask


def _replace(old: object, new: object) -> None:
    """Puts `new` wherever one of our modules has `old`."""
    for name, module in list(sys.modules.items()):
        if name.startswith(_OURS):
            for attribute, value in list(vars(module).items()):
                if value is old:
                    setattr(module, attribute, new)
