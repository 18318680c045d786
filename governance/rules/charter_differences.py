"""Describes the differences of two charters in words, member by member, for people who vote on an amendment."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from accredit.registry.domain.bodies import CharterRule

from .charter import parse_rule

_PLAIN: Final = ("name", "fold", "max_backdating", "proposals_lapse", "description")
_LISTS: Final = ("signers", "publishers")
_SHOWN_CHARS: Final = 80  # characters shown of a changed text; the body has all of it


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return one line for each difference between two charters' bodies; empty if they mean the same.

    A key's budget is left out, because a key that is listed again gets no more budget.
    """
    found = [
        f"{name}: {_shown(before.get(name))} → {_shown(after.get(name))}"
        for name in _PLAIN
        if before.get(name) != after.get(name)
    ]
    for name in _LISTS:
        found += _added_and_left(name, before.get(name, ()), after.get(name, ()))
    old_rules, new_rules = before["rules"], after["rules"]
    found += [
        f"rule {kind}: {_rule(old_rules.get(kind))} → {_rule(new_rules.get(kind))}"
        for kind in sorted({*old_rules, *new_rules})
        if old_rules.get(kind) != new_rules.get(kind)
    ]
    found += _entries("authority", "id", before["authorities"], after["authorities"])
    return found + _entries("node", "name", before["nodes"], after["nodes"])


def entry_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the same for one entry: an authority or a node."""
    found: list[str] = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if name == "keys" and isinstance(old, list) and isinstance(new, list):
            found += _added_and_left("key", map(_key, old), map(_key, new))
            if {entry["public"] for entry in old} != {entry["public"] for entry in new}:
                found.append("of the keys that it has added itself, those listed here still count")
        elif name == "keys" and isinstance(old, Mapping) and isinstance(new, Mapping):
            changed = [role for role in sorted({*old, *new}) if old.get(role) != new.get(role)]
            which = "all its keys" if len(changed) == len(new) else f"its keys for {', '.join(changed)}"
            found += [f"{which} changed"] if changed else []
        elif old != new:
            found.append(f"{name}: {_shown(old)} → {_shown(new)}")
    return found


def _entries(what: str, key: str, before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> list[str]:
    old, new = ({str(entry[key]): entry for entry in entries} for entries in (before, after))
    found = [f"{what} {id}: new" for id in new if id not in old]
    found += [f"{what} {id}: removed" for id in old if id not in new]
    for id in new:
        if id in old and (changes := entry_differences(old[id], new[id])):
            found.append(f"{what} {id}: {'; '.join(changes)}")
    return found


def _added_and_left(what: str, before: Iterable[str], after: Iterable[str]) -> list[str]:
    old, new = list(before), list(after)
    return [f"{what}: + {one}" for one in new if one not in old] + [f"{what}: − {one}" for one in old if one not in new]


def _key(entry: Mapping[str, Any]) -> str:
    """Return a key entry in few words: label or beginning of the key, and its successor if it commits to one."""
    named = _hex(entry["public"])
    successor = f", successor {_hex(entry['next']['key'])}" if "next" in entry else ""
    return (f"{entry['label']} ({named})" if "label" in entry else named) + successor


def _hex(value: bytes | str) -> str:
    return (value.hex() if isinstance(value, bytes) else value)[:12]


def _rule(rule: CharterRule | None) -> str:
    if rule is None:
        return "the default"
    parsed = parse_rule(rule)
    amount = "more than half" if parsed.majority else str(rule.get("fraction") or rule.get("authorities"))
    seats = "".join(f", including {count} {seat}" for seat, count in parsed.constituencies)
    return f"{amount} of the authorities{seats}"


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = str(value)
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"
