"""What a check of `registry.encoding.schema` accepts, read back from the check itself.

Checks are closures; `inspect.getclosurevars` shows what each was made of, so that the documentation says what the code
does and cannot say anything else. A function of its own (`check_scope`) is looked through to the map it calls first;
what else it asks for is said in words, in `_WORDS`. A check that is none of all this ends the generator: describe it.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

from accredit.registry.encoding import schema
from accredit.registry.limits import TIME_MAX, TIME_MIN
from docs.generators._page import code

_WORDS: Final = {
    "boolean": "true or false",
    "public_key": "an Ed25519 public key, 32 bytes",
    "link": "a web or mail address",
    "check_jurisdiction": "a country or a part of one (ISO 3166), as in `US-IN`",
    "check_achievement_type": "an achievement type of Open Badges 3.0, or `ext:…`",
    "_check_method": "the id of a key, as in `did:web:college.example#key-1`",
    "_check_multibase": "a key as publicKeyMultibase",
    "_check_jwk": "a public key as JWK",
    "_check_pattern": "an address with `{identifier}` in it",
    "_node_name": "a name without spaces and plus signs",
    "_fraction": 'a fraction, as in `"2/3"`',
    "_action": "a kind of statement, or a family of them as in `issuer.*`",
}


def parts(check: schema.Check) -> tuple[str, Mapping[str, Any]]:
    """Which maker of `registry.encoding.schema` made a check ("" for a plain function), and what of."""
    maker, inner, _ = check.__qualname__.partition(".<locals>.")
    return (maker, inspect.getclosurevars(check).nonlocals) if inner else ("", {})


def members_of(check: schema.Check) -> tuple[Mapping[str, schema.Check], frozenset[str]] | None:
    """The members a map may have and those it must have, in order; None where it is no map of members."""
    maker, made_of = parts(check)
    if maker == "members":
        return made_of["known"], frozenset(made_of["required"])
    if maker:
        return None
    inside = [one for one in inspect.getclosurevars(check).globals.values() if inspect.isfunction(one)]
    maps = [one for one in inside if parts(one)[0] == "members"]
    functions = [one for one in inside if one.__name__.startswith("check_")]
    for one in (*maps, *functions):
        if (found := members_of(one)) is not None:
            return found
    return None


def in_words(check: schema.Check, named: Callable[[schema.Check], str | None]) -> str:
    """What a check accepts, as a noun phrase.

    Args:
        named: the name of a map that is described in a place of its own.
    """
    name = named(check)
    if name is not None:
        return name
    maker, made_of = parts(check)

    def inner(member: str) -> str:
        return in_words(made_of[member], named)

    match maker:
        case "text":
            return f"text, at most {made_of['max_chars']:,} characters"
        case "integer" if (made_of["minimum"], made_of["maximum"]) == (TIME_MIN, TIME_MAX):
            return "a time, in seconds since 1970 UTC"
        case "integer":
            return f"an integer, {made_of['minimum']:,} to {made_of['maximum']:,}"
        case "octets":
            return f"{made_of['length']} bytes"
        case "one_of":
            return "one of " + ", ".join(map(code, made_of["words"]))
        case "_identifier":
            issuers = made_of["spell"].__name__ == "canonical_issuer"
            return "a DID or https URL, canonical" if issuers else "a URI, canonical"
        case "list_of":
            return f"a list ({made_of['minimum'] or 'up'} to {made_of['maximum']:,}) of: {inner('item')}"
        case "either":
            return f"{inner('second')}, or {inner('first')}"
        case "nullable":
            return f"{inner('item')}, or null"
        case "wildcard":
            return f'`"*"`, or {inner("item")}'
        case "nullable":
            return f"{inner('item')}, or null"
        case "table_of":
            return f"a map from {inner('key')} to {inner('value_check')}"
    if (members := members_of(check)) is not None:
        known, required = members
        return "`{" + ", ".join(one if one in required else f"?{one}" for one in known) + "}`"
    if check.__name__ in _WORDS:
        return _WORDS[check.__name__]
    inside = [
        one for one in inspect.getclosurevars(check).globals.values() if inspect.isfunction(one) and parts(one)[0]
    ]
    assert len(inside) == 1, f"say in words what {check.__name__} accepts"
    return in_words(inside[0], named)
