"""Whether a credential's key is one of the issuer's, at a time.

Keys are pinned because a credential can bring along its own, so that a good signature alone says nothing.

A key counts if an authority stated it whose word counts for the accreditation. It ends by its `valid_until`, by
`retire`, by `compromise`; the last two also if the issuer said so with one of its own counted Ed25519 keys.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ..limits import TIME_MAX, TIME_MIN


class KeyState(Enum):
    """What is known of a key at a time."""

    GOOD = "good"
    NO_PINNED_KEYS = "no_pinned_keys"
    KEY_UNKNOWN = "key_unknown"
    KEY_NOT_YET_VALID = "key_not_yet_valid"
    KEY_EXPIRED = "key_expired"
    KEY_RETIRED = "key_retired"
    KEY_COMPROMISED = "key_compromised"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAnswer:
    """The answer about one key.

    Attributes:
        compromised_later: seconds; the key was good at that time and is not now, so that its holder may have misdated
            what it signs.
        statements: ids it rests on.
        dates: when it may change, seconds.
    """

    state: KeyState
    compromised_later: int | None = None
    statements: tuple[bytes, ...] = ()
    dates: tuple[int, ...] = ()


def key_at(issuer: Mapping[str, Any], asked: str, time: int, counts: Callable[[Mapping[str, Any]], bool]) -> KeyAnswer:
    """What counted statements say of the key `asked` at `time`.

    Args:
        issuer: its record.
        asked: the verification method's id, or the key itself as multibase or did:key.
        counts: whether a key statement is by an authority whose word counts.
    """
    added = [one for one in issuer["keys"] if one["op"] == "add" and counts(one)]
    matching = [one for one in added if _names(one["key"], asked)]
    own = {one["kid"] for one in added if "kid" in one}
    ids = {asked, *(one["key"]["id"] for one in matching)}
    ended = [
        one
        for one in issuer["keys"]
        if one["op"] != "add"
        and one["key_id"] in ids
        and (counts(one) or (one["by"] == issuer["id"] and one["signer"] in own))
    ]
    # A compromise without a date leaves nothing by that key to believe.
    since = min((one.get("compromised_since", TIME_MIN) for one in ended if one["op"] == "compromise"), default=None)
    retired = min((one.get("valid_until", one["iat"]) for one in ended if one["op"] == "retire"), default=None)
    dates = [one["key"][name] for one in matching for name in ("valid_from", "valid_until") if name in one["key"]]
    return KeyAnswer(
        state=_state(added, matching, since, retired, time),
        compromised_later=since,
        statements=tuple(one["statement"] for one in (*matching, *ended)),
        dates=tuple(date for date in (*dates, since, retired) if date is not None),
    )


def _state(added: list[Any], matching: list[Any], since: int | None, retired: int | None, time: int) -> KeyState:
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
    return KeyState.KEY_RETIRED if retired is not None and retired <= time else KeyState.GOOD


def _names(key: Mapping[str, Any], asked: str) -> bool:
    if key["id"] == asked:
        return True
    # The key itself, which no other key can be. A fragment of some other DID can look like it and be anything.
    multibase = asked[len("did:key:") :].partition("#")[0] if asked.startswith("did:key:") else asked
    return bool(key.get("public_key_multibase") == multibase)
