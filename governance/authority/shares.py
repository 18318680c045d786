"""Limits how much one voice may add to a shared record: a fair share of its limited size.

Everybody who asks about a subject reads its record. So an author that may state facts about another's subject could
make questions expensive, or the record too large to send. Each kind of list in a record has a capacity; if more is
stated, the capacity is shared out:

    by charter authority, then by delegate, level by level; equally, and the others get what one does not need;
    an issuer's own keys share among them, and with whoever stated them, what that voice may add;
    within one voice, narrowing parts first (one of each way to narrow, and so on), then the newest;
    parts larger than their share go into the room left over, by charter authority, the smallest demand first

So a voice that stays within its share loses nothing, whatever the others state. Nobody gains a larger share by making
delegates or by stating keys, because these share what their maker may add. A part that belongs to several voices (what
a key says that two authorities stated) finds room if one of them has room for it, so nobody takes a key's room away by
stating the key as well. The excess does not count (`standing.standing_of` says so), and counts again once there is
room. The result follows from the set of statements alone.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

_Step = tuple[str, bytes]
"""An author's id, with the mandate or the key by which it speaks; empty for the charter's authorities."""

Path = tuple[_Step, ...]
"""An author, after those that let it speak, the charter's authority first."""

_Entries = list[tuple[Path, int]]


def fair_share(
    items: Sequence[T],
    capacity: int,
    *,
    paths: Callable[[T], Iterable[Path]],
    size: Callable[[T], int],
    order: Callable[[T, Path], Any],
) -> list[T]:
    """Return those of `items` that have room, in the order given.

    Args:
        capacity: the room, in the unit of `size`: bytes or a number of items.
        paths: gives an item's author, by one path or several. size: gives the most room it takes. order: sort key on
            one of its paths; an author's first items are kept first.
    """
    sizes = [size(item) for item in items]
    if sum(sizes) <= capacity:
        return list(items)

    def total(entries: _Entries) -> int:
        return sum(sizes[number] for number in {number for _, number in entries})

    entries = [(path, number) for number, item in enumerate(items) for path in dict.fromkeys(paths(item))]
    kept: dict[int, None] = {}
    pending = [(entries, 0, capacity)]
    while pending:
        group, depth, room = pending.pop()
        if total(group) <= room:
            kept.update((number, None) for _, number in group)
            continue
        below: dict[_Step | None, _Entries] = {}
        for path, number in group:
            below.setdefault(path[depth] if depth < len(path) else None, []).append((path, number))
        if list(below) == [None]:
            in_turn = [number for _, number in sorted(group, key=lambda entry: order(items[entry[1]], entry[0]))]
            kept.update((number, None) for number in _that_fit(in_turn, sizes, room))
            continue
        demands = {who: total(some) for who, some in below.items()}
        wanted = sorted(below, key=lambda who: (demands[who], who is not None, who or ("", b"")))
        for left, who in zip(range(len(wanted), 0, -1), wanted, strict=True):
            share = min(room // left, demands[who])
            room -= share
            pending.append((below[who], depth + 1 if who is not None else depth, share))
    wants: Counter[_Step] = Counter()
    for path, number in entries:
        wants[path[0]] += sizes[number]
    left_out = [(path, number) for path, number in entries if number not in kept]
    left_out.sort(key=lambda entry: (wants[entry[0][0]], entry[0][0], order(items[entry[1]], entry[0])))
    room = capacity - sum(sizes[number] for number in kept)
    in_turn = list(dict.fromkeys(number for _, number in left_out))
    kept.update((number, None) for number in _that_fit(in_turn, sizes, room))
    return [item for number, item in enumerate(items) if number in kept]


def _that_fit(numbers: Iterable[int], sizes: Sequence[int], room: int) -> Iterator[int]:
    for number in numbers:
        if sizes[number] <= room:
            room -= sizes[number]
            yield number
