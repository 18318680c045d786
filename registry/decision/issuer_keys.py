"""Decides whether a credential's key was a valid key of its issuer at a certain time.

Authorities pin issuers' keys, because a credential can carry a key of its own: a good signature alone proves nothing.

A key counts if it was stated by an authority whose facts count for the accreditation. It ends by its `valid_until`, by
`retire` or by `compromise`; the issuer too can sign the last two, with one of its own Ed25519 keys that count. Such a
key can always end itself. It can end other keys only while it is good:

1. what it says outside its stated validity does not count, nor what it says after the date at which an authority ended
   it. If an authority reports it stolen without a date, nothing it said counts;
2. keys that accuse each other, directly or in a circle, are all *in doubt*, whatever their dates: the signer chooses
   the date, and a thief holds one of the keys. Every key that a key in doubt accuses is in doubt as well. An authority
   decides: once it has ended the thief's key, that key's accusations no longer count, and the doubt is gone;
3. the same holds of a key that has ended itself. What it says of others from the date of that end on, or under a higher
   number, leaves them in doubt. It cannot take its own words back in this way: whoever has stolen the key could end it
   as of an earlier date or under a lower number, and so give back what it had reported stolen;
4. a key that such a key ends without dispute has ended, and what it says from that date on does not count.

What a key says more than once, to end one other key in one way, is read as one word: the earliest of its ends, said at
the earliest of its dates, under the lowest of its numbers, within the key's validity. A record keeps only some of these
statements. If they were read one by one, a thief would push an honest end out: with ends that come first but count for
nothing, for the key had ended when it said them, and with early dates of ends in the far future. Whoever holds the key
could have signed that word itself.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import cast

from ..domain.bodies import PinnedKey
from ..domain.record_types import IssuerRecord, KeyAdded, KeyEnded, VoiceMembers
from ..domain.records import Voice, is_ahead, met, voice_of
from ..limits import TIME_MAX, TIME_MIN


class KeyState(Enum):
    """The state of a key at a time."""

    GOOD = "good"
    NO_PINNED_KEYS = "no_pinned_keys"
    KEY_UNKNOWN = "key_unknown"
    KEY_NOT_YET_VALID = "key_not_yet_valid"
    KEY_EXPIRED = "key_expired"
    KEY_RETIRED = "key_retired"
    KEY_COMPROMISED = "key_compromised"
    KEY_IN_DOUBT = "key_in_doubt"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAnswer:
    """The answer about one key.

    Attributes:
        compromised_later: since when it is compromised, seconds; the key was good at that time, but whoever stole it
            may backdate what it signs.
        doubted_later: seconds; the same, as reported by another key of the issuer that is itself in doubt.
        safe_before: seconds; no thief had the key before this, whichever report is right: the earliest of all dates of
            theft that anybody reports, and of the dates of those reports. None if nobody reports a theft.
        statements: ids it rests on.
        dates: when it may change, seconds.
        unanchored: the voices that state the key, if for each of them only its own date shows that it did so before its
            mandate ended; else empty.
    """

    state: KeyState
    compromised_later: int | None = None
    doubted_later: int | None = None
    safe_before: int | None = None
    statements: tuple[bytes, ...] = ()
    dates: tuple[int, ...] = ()
    unanchored: tuple[Voice, ...] = ()


def key_at(issuer: IssuerRecord, asked: str, time: int, now: int, counts: Callable[[VoiceMembers], bool]) -> KeyAnswer:
    """Return what the statements that count say about the key `asked` at `time`.

    Args:
        issuer: its record.
        asked: the verification method's id, or the key itself as multibase or did:key.
        now: the reader's clock, seconds. A key whose statement is dated ahead of it has not been stated yet; a
            statement dated ahead that ends a key ends it now.
        counts: tells whether the author of a key statement is an authority whose facts count.
    """
    said = [one if one["op"] == "add" else _as_heard(one, now) for one in issuer["keys"]]
    added = [one for one in said if one["op"] == "add" and counts(one) and not is_ahead(one, now)]
    matching = [one for one in added if _names(one["key"], asked)]
    ids = {asked, *(one["key"]["id"] for one in matching)}
    decided = [one for one in said if one["op"] != "add" and counts(one)]
    doubts: list[KeyEnded] = []
    own = {one["kid"] for one in added if "kid" in one}
    words = [one for one in said if one["op"] != "add" and one["by"] == issuer["id"] and one["signer"] in own]
    if words:
        decided, doubts = _weigh(added, decided, [one for one in words if not counts(one)])
    ended = [one for one in decided if one["key_id"] in ids]
    doubted = [one for one in doubts if one["key_id"] in ids]
    since = min((_end(one) for one in ended if one["op"] == "compromise"), default=None)
    retired = min((_end(one) for one in ended if one["op"] == "retire"), default=None)
    doubt = min(map(_end, doubted), default=None)
    dates = [one["key"][name] for one in matching for name in ("valid_from", "valid_until") if name in one["key"]]
    dates += [met(one) for one in said if one["op"] == "add" and is_ahead(one, now)]
    return KeyAnswer(
        state=_state(added, matching, since, retired, doubt, time),
        compromised_later=since,
        doubted_later=doubt,
        safe_before=min(
            (min(_end(one), met(one)) for one in (*ended, *doubted) if one["op"] == "compromise"), default=None
        ),
        statements=tuple(one["statement"] for one in (*matching, *ended, *doubted)),
        dates=tuple(date for date in (*dates, since, retired, doubt) if date is not None),
        unanchored=tuple(map(voice_of, matching)) if all("unanchored" in one for one in matching) else (),
    )


def _as_heard(said: KeyEnded, now: int) -> KeyEnded:
    """What ends a key, as it counts by a clock that may be behind its signer's."""
    is_late = said["op"] == "retire" and "valid_until" not in said and said["iat"] > now
    return {**said, "valid_until": now} if is_late else said


def _end(said: KeyEnded) -> int:
    """Return from when a key is no longer good. A compromise without a date discredits all it ever signed."""
    if said["op"] == "compromise":
        return said.get("compromised_since", TIME_MIN)
    return said.get("valid_until", said["iat"])


# ------------------------------------------------------------------------------------------------ its own words

_Node = bytes | str
"""A key: its key id, or the id of its verification method if keys of its type sign no statements."""


def _as_one(words: Iterable[KeyEnded]) -> tuple[list[KeyEnded], set[bytes]]:
    """Return what each key says, to end each other key in one way, as one word; and the statements that make a word of
    several."""
    groups: dict[tuple[object, ...], list[KeyEnded]] = {}
    for one in words:
        groups.setdefault((one["signer"], one["op"], one["key_id"]), []).append(one)
    heard: list[KeyEnded] = []
    several: set[bytes] = set()
    for said in groups.values():
        if len({(_end(one), one["iat"], one["seq"]) for one in said}) == 1:
            heard += said
            continue
        first, number, end = (min(dates) for dates in zip(*[(s["iat"], s["seq"], _end(s)) for s in said], strict=True))
        for one in said:
            date = "compromised_since" if one["op"] == "compromise" else "valid_until"
            heard.append(cast(KeyEnded, {**one, "iat": first, "seq": number, date: end}))
            several.add(one["statement"])
    return heard, several


def _weigh(
    added: list[KeyAdded], decided: list[KeyEnded], words: list[KeyEnded]
) -> tuple[list[KeyEnded], list[KeyEnded]]:
    """Sort what authorities and the issuer's keys said into what ends keys and what only puts them in doubt."""
    named: dict[str, dict[_Node, None]] = {}
    for pinned in added:
        method = pinned["key"]["id"]
        named.setdefault(method, {})[pinned.get("kid", method)] = None

    def whom(one: KeyEnded) -> Iterable[_Node]:
        return named.get(one["key_id"], {one["key_id"]: None})

    words, several = _as_one(words)

    def is_heard(node: _Node, one: KeyEnded) -> bool:
        return node not in ends or one["iat"] < ends[node]

    def is_disputed(one: KeyEnded) -> bool:
        ended = itself.get(one["signer"])
        return ended is not None and (one["iat"] >= ended[0] or one["seq"] > ended[1])

    ends: dict[_Node, int] = {}
    itself: dict[_Node, tuple[int, int]] = {}  # of a key that ended itself: from when on, and under which number

    def end(node: _Node, at: int) -> None:
        ends[node] = min(at, ends.get(node, at))

    for one in decided:
        for node in whom(one):
            end(node, _end(one))
    themselves = [one for one in words if one["signer"] in whom(one)]
    for one in themselves:
        since, number = itself.get(one["signer"], (_end(one), one["seq"]))
        itself[one["signer"]] = min(_end(one), since), min(one["seq"], number)
    accusations: dict[_Node, list[KeyEnded]] = {}
    for one in words:
        signer = one["signer"]
        is_within = one["statement"] in several or _is_within(added, signer, one["iat"])
        if signer not in whom(one) and is_within:
            accusations.setdefault(signer, []).append(one)
    # A key ended by an authority stops counting before its statements about other keys are read.
    accusations = {node: [one for one in said if is_heard(node, one)] for node, said in accusations.items()}
    counted, doubts = [*decided, *themselves], list[KeyEnded]()
    in_doubt: dict[_Node, None] = {}
    edges = {node: [target for one in said for target in whom(one)] for node, said in accusations.items()}
    for circle in _circles(edges):
        # By now all ends by keys outside the circle are known; the keys within it accuse each other.
        spoken = [(node, one) for node in circle for one in accusations.get(node, ()) if is_heard(node, one)]
        in_doubt.update((target, None) for _, one in spoken for target in whom(one) if target in circle)
        for node, one in spoken:
            if node in in_doubt or is_disputed(one):
                doubts.append(one)
                in_doubt.update(dict.fromkeys(whom(one)))
            else:
                counted.append(one)
                for target in whom(one):
                    end(target, _end(one))
    return counted, doubts


def _is_within(added: list[KeyAdded], kid: _Node, time: int) -> bool:
    """Return whether the stated validity of a key includes a time."""
    keys = [one["key"] for one in added if one.get("kid") == kid]
    return any(key.get("valid_from", TIME_MIN) <= time < key.get("valid_until", TIME_MAX + 1) for key in keys)


def _circles(edges: Mapping[_Node, Sequence[_Node]]) -> list[dict[_Node, None]]:
    """Group nodes that can reach each other, each group before those it leads to (Kosaraju, without recursion)."""
    nodes = dict.fromkeys([*edges, *(target for targets in edges.values() for target in targets)])
    back: dict[_Node, list[_Node]] = {}
    for node, targets in edges.items():
        for target in targets:
            back.setdefault(target, []).append(node)
    left: list[_Node] = []
    seen: dict[_Node, None] = {}
    for start in nodes:
        pending = [(start, False)]
        while pending:
            node, is_done = pending.pop()
            if is_done:
                left.append(node)
            elif node not in seen:
                seen[node] = None
                pending.append((node, True))
                pending += [(target, False) for target in edges.get(node, ())]
    groups: list[dict[_Node, None]] = []
    taken: dict[_Node, None] = {}
    for start in reversed(left):
        group: dict[_Node, None] = {}
        stack = [start]
        while stack:
            node = stack.pop()
            if node not in taken:
                taken[node] = group[node] = None
                stack += back.get(node, ())
        if group:
            groups.append(group)
    return groups


# ------------------------------------------------------------------------------------------------ one key


def _state(
    added: list[KeyAdded],
    matching: list[KeyAdded],
    since: int | None,
    retired: int | None,
    doubt: int | None,
    time: int,
) -> KeyState:
    if since is not None and since <= time:
        return KeyState.KEY_COMPROMISED
    if not added:
        return KeyState.NO_PINNED_KEYS
    if not matching:
        return KeyState.KEY_UNKNOWN
    begun = [one["key"] for one in matching if one["key"].get("valid_from", TIME_MIN) <= time]
    if not begun:
        return KeyState.KEY_NOT_YET_VALID
    if all(key.get("valid_until", TIME_MAX + 1) <= time for key in begun):
        return KeyState.KEY_EXPIRED
    if retired is not None and retired <= time:
        return KeyState.KEY_RETIRED
    return KeyState.KEY_IN_DOUBT if doubt is not None and doubt <= time else KeyState.GOOD


def _names(key: PinnedKey, asked: str) -> bool:
    if key["id"] == asked:
        return True
    # Compare the key itself: the fragment of some other DID can look the same and name another key.
    multibase = asked[len("did:key:") :].partition("#")[0] if asked.startswith("did:key:") else asked
    return key.get("public_key_multibase") == multibase
