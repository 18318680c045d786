"""`docs/statements.cddl` and `registry/domain/bodies.py`: what each kind of statement carries, from its own check.

One walk over the checks of `governance.rules.rulebook.KINDS` gives both, so that the two say what the code accepts.
"""

import inspect
from collections.abc import Mapping
from typing import Final

from accredit.governance.rules.rulebook import KINDS
from accredit.registry.encoding.schema import Check
from docs.generators._page import rewrite
from docs.generators._shapes import members_of, parts

PAGE: Final = "statements.cddl"
MODULE: Final = "../registry/domain/bodies.py"

_IMPORTS: Final = """from typing import Any, NotRequired, TypedDict

from ..encoding.identifiers import CanonicalId"""
_TEXTS: Final = (
    *("link", "check_jurisdiction", "check_achievement_type", "_check_method", "_check_multibase", "_check_pattern"),
    *("_node_name", "_fraction", "_action"),
)
_PLAIN: Final[Mapping[str, tuple[str, str]]] = {
    **dict.fromkeys(_TEXTS, ("tstr", "str")),
    "boolean": ("bool", "bool"),
    "public_key": ("bytes .size 32", "bytes"),
    "_check_jwk": ("{ * tstr => tstr / [* tstr] }", "dict[str, str | list[str]]"),
}


_KINDS: Final = {kind.title().replace(".", ""): kind for kind in KINDS}
_PARTS: Final = {
    "CharterGenesisAuthorities": "CharterAuthority",
    "CharterAuthorityKeys": "NewKey",
    "NewKeyNext": "NextKey",
    "CharterGenesisRules": "CharterRule",
    "CharterGenesisNodes": "CharterNode",
    "CharterNodeKeys": "NodePublicKeys",
    "CharterAmendHeads": "NamedHead",
    "AuthorityDelegateLimits": "DelegationLimits",
    "DelegationLimitsPrograms": "ProgramOnAxis",
    "DelegationLimitsFieldsOfStudy": "FieldOfStudy",
    "DelegationLimitsLevels": "LevelRange",
    "IssuerRegisterIdentifiers": "OtherIdentifier",
    "IssuerRegisterKeys": "PinnedKey",
    "AccreditationGrantScope": "ScopeTerms",
    "AccreditationGrantConditions": "Condition",
    "AccreditationGrantEvidence": "SupportingDocument",
    "AccreditationGrantPublishers": "PublisherMandate",
    "AccreditationGrantSourceRecord": "SourceRecord",
    "AccreditationStatusAppliesTo": "AppliesTo",
    "FrameworkItemsItems": "FrameworkItem",
    "MappingPublishSource": "MappedFramework",
    "MappingPublishLinks": "MappingLink",
}
"""Names for maps inside bodies; where there is none, the name is the path."""


class Walk:
    """Gathers the maps of all bodies by name, each once, those that others hold before them."""

    def __init__(self) -> None:
        self.maps: dict[str, tuple[Mapping[str, Check], frozenset[str]]] = {}
        self._names: dict[frozenset[tuple[str, int]], str] = {}
        for name, kind in _KINDS.items():
            self._map(name, KINDS[kind].check)

    def _map(self, name: str, check: Check) -> str:
        found = members_of(check)
        assert found is not None, name
        known, required = found
        name = _PARTS.get(name, name)
        same = frozenset((member, id(one)) for member, one in known.items())
        if name not in self.maps and (same not in self._names or name in _KINDS):
            for member, one in known.items():
                self._inside(name + member.title().replace("_", ""), one)
            self._names.setdefault(same, name)
            self.maps[name] = known, required
        return self._names[same]

    def _inside(self, name: str, check: Check) -> None:
        maker, made_of = parts(check)
        for inner in ("item", "first", "second", "value_check"):
            if maker in ("list_of", "either", "nullable", "wildcard", "table_of") and inner in made_of:
                self._inside(name, made_of[inner])
        if self._is_map(check):
            self._map(name, check)
        elif not maker and check.__name__ not in _PLAIN:
            self._inside(name, _inside_of(check))

    @staticmethod
    def _is_map(check: Check) -> bool:
        return parts(check)[0] in ("", "members") and check.__name__ not in _PLAIN and members_of(check) is not None

    def type(self, check: Check, *, python: bool) -> str:
        """The type that a check accepts, in Python or in CDDL."""
        maker, made_of = parts(check)

        def inner(member: str) -> str:
            return self.type(made_of[member], python=python)

        match maker:
            case "text":
                return "str" if python else "tstr"
            case "_identifier":
                return "CanonicalId" if python else "tstr"
            case "integer":
                return "int"
            case "octets":
                return "bytes" if python else f"bytes .size {made_of['length']}"
            case "one_of":
                return "str" if python else " / ".join(f'"{word}"' for word in made_of["words"])
            case "list_of" if python:
                return f"list[{inner('item')}]"
            case "list_of":
                return f"[{'+' if made_of['minimum'] else '*'} {_single(inner('item'))}]"
            case "either":
                return f"{inner('second')} | {inner('first')}" if python else f"{inner('second')} / {inner('first')}"
            case "nullable":
                return f"{inner('item')} | None" if python else f"{inner('item')} / null"
            case "wildcard":
                return f"str | {inner('item')}" if python else f'"*" / {inner("item")}'
            case "table_of":
                return f"dict[str, {inner('value_check')}]" if python else f"{{ * tstr => {inner('value_check')} }}"
        if self._is_map(check):
            found = members_of(check)
            assert found is not None
            name = self._names[frozenset((member, id(one)) for member, one in found[0].items())]
            return name if python else _rule(name)
        if check.__name__ in _PLAIN:
            return _PLAIN[check.__name__][python]
        return self.type(_inside_of(check), python=python)


def _inside_of(check: Check) -> Check:
    """The one check that a function of its own asks for."""
    calls = inspect.getclosurevars(check).globals.values()
    inside = [one for one in calls if inspect.isfunction(one) and parts(one)[0]]
    assert len(inside) == 1, f"say in _PLAIN what {check.__name__} accepts"
    found: Check = inside[0]
    return found


def _single(type: str) -> str:
    return f"({type})" if " / " in type else type


def _rule(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")


def text() -> str:
    """The rules of all bodies, in CDDL."""
    walk, rules = Walk(), list[str]()
    rules.append("body = " + " / ".join(map(_rule, _KINDS)))
    for name, (known, required) in walk.maps.items():
        lines = [f"{_rule(name)} = {{"]
        lines += [
            f"  {'' if member in required else '? '}{member}: {walk.type(one, python=False)},"
            for member, one in known.items()
        ]
        rules.append("\n".join([*lines, "  ? ext: any,", "}"]))
    return "\n\n".join(rules)


def module() -> str:
    """The same as TypedDicts."""
    walk, classes = Walk(), list[str]()
    for name, (known, required) in walk.maps.items():
        what = f"The body of `{_KINDS[name]}`." if name in _KINDS else "A part of a body."
        lines = [f"class {name}(TypedDict):", f'    """{what}"""', ""]
        for member, one in known.items():
            type = walk.type(one, python=True)
            lines.append(f"    {member}: {type if member in required else f'NotRequired[{type}]'}")
        classes.append("\n".join([*lines, "    ext: NotRequired[Any]"]))
    return "\n\n\n".join([_IMPORTS, *classes])


if __name__ == "__main__":
    rewrite(PAGE, text())
    rewrite(MODULE, module())
