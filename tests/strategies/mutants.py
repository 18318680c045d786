"""Inputs that verify, changed in structure: types swapped, members retyped, nested, missing, doubled.

    tree = cbor_tree(data)            what the bytes hold; byte strings that hold CBOR themselves are opened too
    mutants(tree, random, 100)        one change each, somewhere
    cbor_bytes(mutant)                back to bytes: deterministic where our encoder takes it, else as cbor2 has it

Noise never gets past a decoder's first check; what was right but for one place does. The same for JSON (a tree as it
is) and for texts (`text_mutants`: lines and words dropped, doubled, swapped, replaced).
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from random import Random
from typing import Any, Final

import cbor2

from accredit.registry.encoding.cbor import encode

_HEAD: Final = b"\xd2"
"""The tag 18 of a COSE_Sign1, which our encoder does not write."""


class Opened:
    """A byte string that holds CBOR, opened; `is_tagged` where it begins with the tag 18."""

    def __init__(self, tree: Any, *, is_tagged: bool) -> None:
        self.tree = tree
        self.is_tagged = is_tagged


ODD: Final[tuple[Any, ...]] = (
    None, True, False, 0, 1, -1, 2**31, 2**63, 2**64 - 1, -(2**64), "", "x", "*", "\x00", "did:web:x.example", "é" * 40,
    b"", b"\x00", bytes(32), b"\xff" * 33, [], [[]], {}, {"x": None}, {1: 1}, {b"k": 1}, [None, 1, "x", b"x"],
    "9" * 400,
)  # fmt: skip
"""What stands where something else belongs."""
KEYS: Final[tuple[Any, ...]] = (0, 1, -1, "", "ext", "x", b"k", 2**63)
JSON_ODD: Final[tuple[Any, ...]] = (
    None, True, False, 0, 1, -1, 2**63, 10**30, 0.5, -1e308, "", "x", "*", "did:web:x.example", "é" * 40, "9" * 400,
    [], [[]], [0.5], {}, {"x": None}, [None, 1, "x"],
)  # fmt: skip


def cbor_tree(data: bytes) -> Any:
    """What the bytes hold, opened all the way down."""
    body = data[1:] if data[:1] == _HEAD else data
    return Opened(_open(cbor2.loads(body)), is_tagged=data[:1] == _HEAD)


def _open(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _open(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_open(each) for each in value]
    if isinstance(value, bytes) and len(value) > 1:
        with suppress(Exception):  # most byte strings hold nothing
            inner = value[1:] if value[:1] == _HEAD else value
            opened = cbor2.loads(inner)
            if isinstance(opened, (dict, list)) and opened and encode(opened) == inner:
                return Opened(_open(opened), is_tagged=value[:1] == _HEAD)
    return value


def cbor_bytes(tree: Any) -> bytes:
    """The bytes of a tree, as deterministic as it can be."""
    closed = _close(tree)
    if isinstance(tree, Opened):
        assert isinstance(closed, bytes)
        return closed
    return _dumps(closed)


def _close(value: Any) -> Any:
    if isinstance(value, Opened):
        return (_HEAD if value.is_tagged else b"") + _dumps(_close(value.tree))
    if isinstance(value, dict):
        return {name: _close(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_close(each) for each in value]
    return value


def _dumps(value: Any) -> bytes:
    try:
        return encode(value)
    except (TypeError, ValueError, RecursionError):
        return cbor2.dumps(value)  # what no encoder of ours writes: the decoder has to say so


def mutants(
    tree: Any, random: Random, count: int, odd: tuple[Any, ...] = ODD, keys: tuple[Any, ...] = KEYS
) -> Iterator[Any]:
    """`count` trees, each with one change (every fourth with two)."""
    for number in range(count):
        mutant = _changed(tree, random, odd, keys)
        yield _changed(mutant, random, odd, keys) if number % 4 == 3 else mutant


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, Opened):
        yield from _places(value.tree, (*path, Opened))
    elif isinstance(value, dict):
        for name in value:
            yield from _places(value[name], (*path, name))
    elif isinstance(value, list):
        for at in range(len(value)):
            yield from _places(value[at], (*path, at))


def _changed(tree: Any, random: Random, odd: tuple[Any, ...], keys: tuple[Any, ...]) -> Any:
    path = random.choice(list(_places(tree)))
    return _replace(tree, path, random, odd, keys)


def _replace(value: Any, path: tuple[Any, ...], random: Random, odd: tuple[Any, ...], keys: tuple[Any, ...]) -> Any:
    if not path:
        return _odd(value, random, odd, keys)
    here, rest = path[0], path[1:]
    if isinstance(value, Opened):
        return Opened(_replace(value.tree, rest, random, odd, keys), is_tagged=value.is_tagged)
    if isinstance(value, dict):
        return {name: _replace(each, rest, random, odd, keys) if name == here else each for name, each in value.items()}
    return [_replace(each, rest, random, odd, keys) if at == here else each for at, each in enumerate(value)]


def _odd(value: Any, random: Random, odd: tuple[Any, ...], keys: tuple[Any, ...]) -> Any:
    """Something else in the place of a value, often something like it."""
    if isinstance(value, Opened):
        inside = _odd(value.tree, random, odd, keys)
        return random.choice([Opened(inside, is_tagged=value.is_tagged), value.tree, *odd])
    if isinstance(value, dict) and value:
        name = random.choice(list(value))
        rest = {one: each for one, each in value.items() if one != name}
        return random.choice(
            [
                rest,
                {**rest, random.choice(keys): value[name]},
                {**value, random.choice(keys): random.choice(odd)},
                {**value, name: [value[name]]},
                [value],
                list(value.values()),
                random.choice(odd),
            ]
        )
    if isinstance(value, list) and value:
        at = random.randrange(len(value))
        return random.choice(
            [
                value[:at] + value[at + 1 :],
                [*value, value[at]],
                [*value, random.choice(odd)],
                value[::-1],
                [value],
                {"x": value},
                value * 50 if len(value) < 20 else value,
                random.choice(odd),
            ]
        )
    if isinstance(value, bool) or value is None:
        return random.choice(odd)
    if isinstance(value, int):
        return random.choice([value + 1, -value, str(value), [value], 2**64 - 1, *odd])
    if isinstance(value, str):
        return random.choice([value + "x", value[:-1], value.encode(), [value], value * 200, *odd])
    if isinstance(value, bytes):
        flipped = bytes([value[0] ^ 1]) + value[1:] if value else b"x"
        return random.choice([flipped, value[:-1], value + b"\0", value.hex(), [value], *odd])
    return random.choice(odd)


def json_mutants(value: Any, random: Random, count: int) -> Iterator[bytes]:
    """JSON of nearly the right shape; now and then with a member there twice, which no tree can hold."""
    for number, mutant in enumerate(mutants(value, random, count, JSON_ODD, ("", "x", "ext", "0"))):
        written = json.dumps(mutant, default=lambda one: one.hex() if isinstance(one, bytes) else repr(one))
        if number % 10 == 9 and written.startswith('{"'):
            written = "{" + written[1:].partition(",")[0] + "," + written[1:]
        yield written.encode()


WORDS: Final = (
    "",
    "0",
    "-1",
    "01",
    "9" * 30,
    "é",
    "\x00",
    " ",
    "x.example",
    "AAAA",
    "none",
    "\u2028",
    "—",
    "\r",
    "=" * 8,
)


def text_mutants(data: bytes, random: Random, count: int) -> Iterator[bytes]:
    """A text with lines and words dropped, doubled, swapped or replaced; every fifth with a changed byte instead."""
    lines = data.split(b"\n")
    for number in range(count):
        if number % 5 == 4:
            at = random.randrange(len(data))
            yield data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]
            continue
        changed = list(lines)
        at, other = random.randrange(len(lines)), random.randrange(len(lines))
        words = changed[at].split(b" ")
        word = random.randrange(len(words))
        match random.randrange(7):
            case 0:
                del changed[at]
            case 1:
                changed.insert(other, changed[at])
            case 2:
                changed[at], changed[other] = changed[other], changed[at]
            case 3:
                changed[at] = b" ".join([*words[:word], *words[word + 1 :]])
            case 4:
                changed[at] = b" ".join([*words[: word + 1], *words[word:]])
            case 5:
                odd = random.choice(WORDS).encode()
                changed[at] = b" ".join([*words[:word], odd, *words[word + 1 :]])
            case _:
                changed[at] = changed[at] + random.choice(WORDS).encode()
        yield b"\n".join(changed)


def block_mutants(data: bytes, random: Random, count: int) -> Iterator[bytes]:
    """A binary file with a stretch dropped, doubled, moved or overwritten, or a number in it at an end of its range."""
    for _ in range(count):
        at = random.randrange(len(data))
        width = random.choice([1, 2, 4, 8, 32, 100])
        piece = data[at : at + width]
        yield random.choice(
            [
                data[:at] + data[at + width :],
                data[:at] + piece + data[at:],
                data[:at] + b"\xff" * width + data[at + width :],
                data[:at] + bytes(width) + data[at + width :],
                data[:at] + piece[::-1] + data[at + width :],
                data[:at] + bytes([data[at] ^ (1 << random.randrange(8))]) + data[at + 1 :],
                data[:at],
            ]
        )
