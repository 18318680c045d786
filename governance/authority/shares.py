"""Limits how much one voice may add to a shared record: a fair share of its limited size.

Everybody who asks about a subject reads its record. So an author that may state facts about another's subject could
make questions expensive, or the record too large to send. Each kind of list in a record has a capacity; if more is
stated, the capacity is shared out:

    by charter authority, then by delegate, level by level; equally, and the others get what one does not need;
    within one voice, narrowing parts first (one of each way to narrow, and so on), then the newest;
    parts larger than their share go into the room left over, by charter authority, the smallest demand first

So a voice that stays within its share loses nothing, whatever the others state. Nobody gains a larger share by making
delegates, because they share their delegator's. The excess does not count (`fold.Fold.standing` says so), and counts
again once there is room. The result follows from the set of statements alone.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from accredit.registry.domain.records import Voice

from .delegations import Mandates

T = TypeVar("T")

Path = tuple[Voice, ...]
"""A voice and those above it that let it speak, the charter's authority first."""


def fair_share(
    mandates: Mandates,
    items: Sequence[T],
    capacity: int,
    *,
    voice: Callable[[T], Voice],
    size: Callable[[T], int],
    order: Callable[[T], Any],
) -> list[T]:
    """Return those of `items` that have room, in the order given.

    Args:
        capacity: the room, in the unit of `size`: bytes or a number of items.
        voice: gives an item's author. size: gives the most room it takes. order: sort key; a voice's first items are
            kept first.
    """
    sizes = [size(item) for item in items]
    if sum(sizes) <= capacity:
        return list(items)
    paths: dict[Voice, Path] = {}
    entries: list[tuple[Path, int]] = []
    for number, item in enumerate(items):
        speaker = voice(item)
        if speaker not in paths:
            paths[speaker] = (*reversed(mandates.above(speaker)), speaker)
        entries.append((paths[speaker], number))
    kept: dict[int, None] = {}
    pending = [(entries, 0, capacity)]
    while pending:
        group, depth, room = pending.pop()
        if sum(sizes[number] for _, number in group) <= room:
            kept.update((number, None) for _, number in group)
            continue
        below: dict[Voice | None, list[tuple[Path, int]]] = {}
        for path, number in group:
            below.setdefault(path[depth] if depth < len(path) else None, []).append((path, number))
        if list(below) == [None]:
            in_turn = sorted((number for _, number in group), key=lambda number: order(items[number]))
            kept.update((number, None) for number in _that_fit(in_turn, sizes, room))
            continue
        wanted = sorted(below, key=lambda who: (sum(sizes[n] for _, n in below[who]), who is not None, _named(who)))
        for left, who in zip(range(len(wanted), 0, -1), wanted, strict=True):
            share = min(room // left, sum(sizes[number] for _, number in below[who]))
            room -= share
            pending.append((below[who], depth + 1 if who is not None else depth, share))
    wants: Counter[Voice] = Counter()
    for path, number in entries:
        wants[path[0]] += sizes[number]
    left_out = [(path[0], number) for path, number in entries if number not in kept]
    left_out.sort(key=lambda entry: (wants[entry[0]], _named(entry[0]), order(items[entry[1]])))
    room = capacity - sum(sizes[number] for number in kept)
    kept.update((number, None) for number in _that_fit([number for _, number in left_out], sizes, room))
    return [item for number, item in enumerate(items) if number in kept]


def _that_fit(numbers: Iterable[int], sizes: Sequence[int], room: int) -> Iterator[int]:
    for number in numbers:
        if sizes[number] <= room:
            room -= sizes[number]
            yield number


def _named(voice: Voice | None) -> tuple[str, bytes]:
    return ("", b"") if voice is None else (voice.by, voice.via or b"")
