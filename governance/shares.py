"""How much one voice may add to another's record: a fair share of a record of limited size.

A record is read by everybody who asks about its subject, so whoever may say something about another's subject could
make that dear, or the record too large to be passed on. Each kind of list in a record has a capacity, and where more is
said than it holds, it is shared out:

    by charter authority, then by delegate, level by level; equally, and what one does not need goes to the others;
    of one voice, what takes something away first (of each way to do so one, and so on), then the newest;
    of what is larger than its share, what fits into the room left over, by charter authority, who wants least first

So a voice that stays within its share loses nothing, whatever the others say; nobody gains a share by making delegates,
for they share their delegator's. What is over counts for nothing (`fold.Fold.standing` says so), and comes back by
itself once there is room. All of it follows from the set of statements alone.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from accredit.registry.domain.records import Voice

from .delegations import Mandates

T = TypeVar("T")

Path = tuple[Voice, ...]
"""A voice below those that let it speak, the charter's authority first."""


def fair_share(
    mandates: Mandates,
    items: Sequence[T],
    capacity: int,
    *,
    voice: Callable[[T], Voice],
    size: Callable[[T], int],
    order: Callable[[T], Any],
) -> list[T]:
    """Those of `items` that have room, in the order given.

    Args:
        capacity: in whatever `size` measures: bytes, or how many.
        voice: who said it. size: at most what it takes. order: of one voice, what comes first is kept first.
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
