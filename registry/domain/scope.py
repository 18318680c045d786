"""What an accreditation covers, axis by axis, and whether a question lies within it.

A *scope* has up to ten members, most of them an *axis*. A scope grants nothing on an absent axis; `"*"`, always written
out, grants everything on an axis; a list grants its entries and whatever lies within them (see `vocabulary` and
`axes`):

    {"achievement_types": ["Degree"], "credential_types": "*", "jurisdictions": ["US-IN"],
     "levels": [{"scheme": "EQF", "min": 5, "max": 6}], "programs": [{"id": "nursing-bsn", "cip": "51.3801"}],
     "fields_of_study": [{"scheme": "cip", "code": "51"}], "delivery_modes": "*",
     "frameworks": ["https://example.org/framework"], "competencies": [...], "inherit_to_narrower": True}

`covers` compares a question with a scope. If the question asks on an axis that the scope does not grant, the answer is
no. If the scope has a list on an axis and the question says nothing, that axis is *open*, and the answer names it.

A competency is covered if `competencies` names it, if `frameworks` names a framework it is in, or, with
`inherit_to_narrower`, if `competencies` names a broader item of a framework. It is covered as well if mappings
(`registry.domain.mappings`) lead in at most `HOPS_MAX` steps to an item that is. The caller decides which statements
count: `lookup` gives the entries of frameworks, `links` those of mappings.

*Limits* of a delegation look the same, but an absent axis means the opposite there: no limit (`ceiling`).
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, NamedTuple, Protocol

from ..encoding import schema
from ..encoding.identifiers import CanonicalId
from ..errors import DecodeError
from .axes import check_field, check_jurisdiction, check_level_range, field_within, jurisdiction_within, level_within
from .record_types import CompetencyEntry
from .vocabulary import (
    ENVELOPES,
    UNIVERSAL_CREDENTIAL_TYPES,
    check_achievement_type,
    credential_type_name,
    with_ancestors,
)

Lookup = Callable[[CanonicalId], Sequence[CompetencyEntry]]
"""From a competency's id to the entries (`{framework, item, parents, …}`) of the frameworks that count."""


class MappedStep(NamedTuple):
    """A link of a mapping, followed from a competency to another that may cover it.

    Attributes:
        is_forward: the mapping links `start` to `end`; else `end` to `start`.
        statement: id of the statement that published the mapping, 32 bytes.
    """

    start: CanonicalId
    end: CanonicalId
    relation: str
    is_forward: bool
    mapping: CanonicalId
    statement: bytes


Links = Callable[[CanonicalId], Sequence[MappedStep]]
"""From a competency's id to the steps on from it, by mappings that may extend the scope in question."""

HOPS_MAX: Final = 2
"""Steps from the competency asked about to the one that a scope covers. Design `ler.md`."""

MAPPED_MAX: Final = 64
"""Competencies considered for one that is asked about. In the crosswalk of ESCO and O*NET of 2020 an
occupation has at most 29 links. The search takes the first ones it finds, all of the first step before the second."""

ANCESTORS_MAX: Final = 200
"""Broader items considered for one competency; the deepest published framework has some ten levels."""

# ------------------------------------------------------------------------------------------------ shape

_word = schema.text(200)
_PROGRAM: Final = schema.members({"id": _word}, {"name": schema.text(), "cip": schema.text(12), "soc": schema.text(12)})


def axis(item: schema.Check) -> schema.Check:
    """Return the check of one axis of a scope or a limit: `"*"`, or a list of at least one entry."""
    return schema.wildcard(schema.list_of(item, minimum=1))


MEMBERS: Final[Mapping[str, schema.Check]] = {
    "credential_types": axis(_word),
    "achievement_types": axis(check_achievement_type),
    "frameworks": axis(schema.uri),
    "competencies": axis(schema.uri),
    "inherit_to_narrower": schema.boolean,
    "programs": axis(_PROGRAM),
    "fields_of_study": axis(check_field),
    "levels": axis(check_level_range),
    "jurisdictions": axis(check_jurisdiction),
    "delivery_modes": axis(schema.text(64)),
}
"""The members of a scope; limits have these and more."""

_SCOPE: Final = schema.members({}, MEMBERS)
_WHAT: Final = ("credential_types", "achievement_types", "frameworks", "competencies")


def check_scope(value: Any, path: str) -> None:
    """The shape of a scope; one that grants nothing is refused."""
    _SCOPE(value, path)
    if not any(axis in value for axis in _WHAT):
        raise DecodeError(
            "empty_scope",
            "the scope grants nothing.",
            where=path,
            hint="Give at least one of " + ", ".join(_WHAT) + '; "*" means all.',
        )


# ------------------------------------------------------------------------------------------------ question


class ScopeQuestion(Protocol):
    """The members of a query that `covers` reads; None or empty where the query does not ask."""

    @property
    def credential_types(self) -> tuple[str, ...]: ...

    @property
    def achievement_types(self) -> tuple[str, ...]: ...

    @property
    def competencies(self) -> tuple[CanonicalId, ...]: ...

    @property
    def framework(self) -> CanonicalId | None: ...

    @property
    def level(self) -> tuple[str, int] | None: ...

    @property
    def jurisdiction(self) -> str | None: ...

    @property
    def program(self) -> str | None: ...

    @property
    def field_of_study(self) -> tuple[str, str] | None: ...

    @property
    def delivery_mode(self) -> str | None: ...


class AxisOutcome(StrEnum):
    """A scope's answer on one axis."""

    COVERED = "covered"
    NOT_COVERED = "not_covered"
    OPEN = "open"
    UNKNOWN = "unknown"


class Axis(NamedTuple):
    """The answer on one axis.

    Attributes:
        name: the question's member.
        outcome: OPEN: the scope has a list and the question did not ask. UNKNOWN: no framework that counts holds the
            competency asked about, but an incomplete one might.
        asked: the part of the question that is not covered or known; empty otherwise.
        steps: the mapping steps by which the question is covered.
    """

    name: str
    outcome: AxisOutcome
    asked: str = ""
    steps: tuple[MappedStep, ...] = ()


_SINGLE_AXES: Final[tuple[tuple[str, str, Callable[[Any, Any], bool]], ...]] = (
    ("level", "levels", level_within),
    ("jurisdiction", "jurisdictions", jurisdiction_within),
    ("program", "programs", lambda asked, program: bool(asked == program["id"])),
    ("field_of_study", "fields_of_study", field_within),
    ("delivery_mode", "delivery_modes", str.__eq__),
)
_asked_singly: Final = attrgetter(*(axis[0] for axis in _SINGLE_AXES))
_NOTHING_ASKED: Final = (None,) * len(_SINGLE_AXES)
_SINGLE_MEMBERS: Final = frozenset(axis[1] for axis in _SINGLE_AXES)
AXES: Final = ("credential_types", "achievement_types", "competencies", "framework", *(a[0] for a in _SINGLE_AXES))

_MEMBERS_ASKED: Final = (
    *("credential_types", "achievement_types", "competencies", "frameworks"),
    *(axis[1] for axis in _SINGLE_AXES),
)
_COMPETENCIES: Final = 2
_FIRST_SINGLE: Final = 4
_NOT_YET: Final = object()

_COVERED: Final = {name: Axis(name=name, outcome=AxisOutcome.COVERED) for name in AXES}
_OPEN: Final = {name: Axis(name=name, outcome=AxisOutcome.OPEN) for name in AXES}


def _nothing(_: CanonicalId) -> tuple[()]:
    return ()


def covers(
    scope: Mapping[str, Any], question: ScopeQuestion, lookup: Lookup = _nothing, links: Links = _nothing
) -> list[Axis]:
    """Return the answer on every axis asked or left open; the question is covered if none is NOT_COVERED or UNKNOWN.

    Args:
        lookup: gives entries of competencies. links: gives mapping steps from them. Neither is called if the question
            names no competency.
    """
    found = [
        _by_words("credential_types", scope.get("credential_types"), question.credential_types, credential_type_in),
        _by_words("achievement_types", scope.get("achievement_types"), question.achievement_types, achievement_in),
        _by_competencies(scope, question, lookup, links),
    ]
    asked_singly = _asked_singly(question)
    if asked_singly != _NOTHING_ASKED or not _SINGLE_MEMBERS.isdisjoint(scope):
        found += [_singly(scope.get(each.member), each) for each in _judged_singly(asked_singly)]
    return [axis for axis in found if axis is not None]


class AlikeScopes:
    """Gives the answers of many scopes, one after the other, to one question that names no competency.

    What a scope grants just as the one before did is not compared with the question again.
    """

    __slots__ = ("_answers", "_asked_singly", "_axes", "_by_words", "_granted", "_question")

    def __init__(self, question: ScopeQuestion) -> None:
        assert not question.competencies
        self._question = question
        self._by_words = (
            _judged_by_words("credential_types", question.credential_types, credential_type_in),
            _judged_by_words("achievement_types", question.achievement_types, achievement_in),
        )
        self._asked_singly = _judged_singly(_asked_singly(question))
        self._granted: list[Any] = [_NOT_YET] * len(_MEMBERS_ASKED)  # by the last scope
        self._answers: list[Axis | None] = [None] * len(_MEMBERS_ASKED)
        self._axes: tuple[Axis, ...] = ()

    def covers(self, scope: Mapping[str, Any]) -> tuple[Axis, ...]:
        """Return what `covers` does; the same object for as long as the answers are the same."""
        granted, answers, is_same = self._granted, self._answers, True
        for at, there in enumerate(map(scope.get, _MEMBERS_ASKED)):
            if there != granted[at]:
                granted[at], answer = there, self._compare(at, there, scope)
                if answer != answers[at]:
                    answers[at], is_same = answer, False
        if not is_same:
            self._axes = tuple([axis for axis in answers if axis is not None])
        return self._axes

    def _compare(self, at: int, granted: Any, scope: Mapping[str, Any]) -> Axis | None:
        """Return the answer on the axis of a member, by its number."""
        if at >= _FIRST_SINGLE:
            return _singly(granted, self._asked_singly[at - _FIRST_SINGLE])
        if at < _COMPETENCIES:
            return self._by_words[at](granted)
        if at == _COMPETENCIES:
            self._granted[at + 1] = _NOT_YET  # they are answered with the frameworks, which come next
            return None
        return _by_competencies(scope, self._question, _nothing, _nothing)


class _Single(NamedTuple):
    """A single axis: its member in a scope, its comparison, what was asked, and the three answers."""

    member: str
    within: Callable[[Any, Any], bool]
    asked: Any
    is_open: Axis
    covered: Axis
    refused: Axis


def _singly(granted: Any, single: _Single) -> Axis | None:
    """Return the answer on a single axis."""
    _, within, asked, is_open, covered, refused = single
    if asked is None:
        return None if granted is None or granted == "*" else is_open
    if granted == "*":
        return covered
    for item in granted or ():
        if within(asked, item):
            return covered
    return refused


@lru_cache(maxsize=1024)  # one question is compared with a hundred scopes
def _judged_singly(asked: tuple[Any, ...]) -> tuple[_Single, ...]:
    """Return each single axis."""
    return tuple(
        _Single(
            *(member, within, one),
            *(_OPEN[name], _COVERED[name]),
            Axis(name=name, outcome=AxisOutcome.NOT_COVERED, asked="" if one is None else _text_of(one)),
        )
        for (name, member, within), one in zip(_SINGLE_AXES, asked, strict=True)
    )


def says_what(scope: Mapping[str, Any], question: ScopeQuestion) -> bool:
    """Return whether the question says enough about the credential's content to be answered by this scope.

    An envelope (`OpenBadgeCredential`) says nothing about content, and neither does a credential type that only `"*"`
    covers. If achievement types are limited, such a question has no answer.
    """
    if question.achievement_types or question.competencies or question.framework is not None:
        return True
    if scope.get("achievement_types") == "*":
        return True
    named = scope.get("credential_types")
    return isinstance(named, list) and any(
        credential_type_in(asked, named) and credential_type_name(asked) not in ENVELOPES
        for asked in question.credential_types
    )


def _by_words(name: str, granted: Any, asked: tuple[str, ...], within: Callable[[str, list[str]], bool]) -> Axis | None:
    """Return the answer on an axis of words."""
    if not asked:
        return None if granted is None or granted == "*" else _OPEN[name]
    if granted != "*":
        missing = asked if granted is None else [one for one in asked if not within(one, granted)]
        if name == "credential_types":
            missing = [one for one in missing if credential_type_name(one) not in UNIVERSAL_CREDENTIAL_TYPES]
        if missing:
            return Axis(name=name, outcome=AxisOutcome.NOT_COVERED, asked=", ".join(missing))
    return _COVERED[name]


def _judged_by_words(
    name: str, asked: tuple[str, ...], within: Callable[[str, list[str]], bool]
) -> Callable[[Any], Axis | None]:
    """Return `_by_words` as a function of what is granted alone."""
    if len(asked) != 1:  # not remembered, because strangers may ask about long lists
        return lambda granted: _by_words(name, granted, asked, within)
    return _judged_by_word(name, asked[0], within)


@lru_cache(maxsize=1024)  # as `_judged_singly`
def _judged_by_word(name: str, word: str, within: Callable[[str, list[str]], bool]) -> Callable[[Any], Axis | None]:
    """Return `_by_words` of one word as a function of what is granted alone."""
    covered, refused = _COVERED[name], _by_words(name, None, (word,), within)

    def judged(granted: Any) -> Axis | None:
        return covered if granted == "*" or (granted is not None and within(word, granted)) else refused

    return judged


def credential_type_in(asked: str, granted: list[str]) -> bool:
    if asked in granted:
        return True
    name = credential_type_name(asked)
    return any(credential_type_name(item) == name for item in granted)


def achievement_in(asked: str, granted: list[str]) -> bool:
    return any(map(granted.__contains__, with_ancestors(asked)))


def _by_competencies(scope: Mapping[str, Any], question: ScopeQuestion, lookup: Lookup, links: Links) -> Axis | None:
    """Return the answer on competencies and their framework."""
    named, frameworks = scope.get("competencies"), scope.get("frameworks")
    if question.competencies:
        found = {one: _competency(one, question.framework, scope, lookup, links) for one in question.competencies}
        for worst in (AxisOutcome.NOT_COVERED, AxisOutcome.UNKNOWN):
            missing = [one for one, (outcome, _) in found.items() if outcome is worst]
            if missing:
                return Axis(name="competencies", outcome=worst, asked=", ".join(missing))
        steps = tuple([step for _, taken in found.values() for step in taken])
        covered = _COVERED["competencies"]
        return covered._replace(steps=steps) if steps else covered
    if question.framework is not None:
        if frameworks == "*" or (frameworks is not None and question.framework in frameworks):
            return _COVERED["framework"]
        return Axis(name="framework", outcome=AxisOutcome.NOT_COVERED, asked=question.framework)
    is_open = "*" not in (named, frameworks) and not (named is None and frameworks is None)
    return _OPEN["competencies"] if is_open else None


def _competency(
    uri: CanonicalId, framework: CanonicalId | None, scope: Mapping[str, Any], lookup: Lookup, links: Links
) -> tuple[AxisOutcome, tuple[MappedStep, ...]]:
    """Return how a competency is covered, and the steps if mappings cover it."""
    outcome = _by_itself(uri, framework, scope, lookup)
    if outcome is not AxisOutcome.COVERED and ("competencies" in scope or "frameworks" in scope):
        steps = _by_mappings(uri, scope, lookup, links)
        if steps:
            return AxisOutcome.COVERED, steps
    return outcome, ()


def _by_mappings(uri: CanonicalId, scope: Mapping[str, Any], lookup: Lookup, links: Links) -> tuple[MappedStep, ...]:
    """Return the shortest path to an item that is covered without mappings; empty if there is no path."""
    level: list[tuple[CanonicalId, tuple[MappedStep, ...]]] = [(uri, ())]
    seen = {uri}
    for _ in range(HOPS_MAX):
        reached: list[tuple[CanonicalId, tuple[MappedStep, ...]]] = []
        for item, taken in level:
            # A mapping may name an item by its id and the question by an alias; going from one to the other is not a
            # step.
            for name in dict.fromkeys((item, *(entry["item"] for entry in lookup(item)))):
                for step in links(name):
                    if step.end not in seen and len(seen) <= MAPPED_MAX:
                        seen.add(step.end)
                        reached.append((step.end, (*taken, step)))
        for item, taken in reached:
            if _by_itself(item, None, scope, lookup) is AxisOutcome.COVERED:
                return taken
        level = reached
    return ()


def _by_itself(
    uri: CanonicalId, framework: CanonicalId | None, scope: Mapping[str, Any], lookup: Lookup
) -> AxisOutcome:
    """Return whether a scope covers a competency without any mapping."""
    named, frameworks = scope.get("competencies"), scope.get("frameworks")
    if named == "*" or (named is not None and uri in named):
        return AxisOutcome.COVERED
    inherits = named is not None and scope.get("inherit_to_narrower") is True
    if named is None and frameworks is None:
        return AxisOutcome.NOT_COVERED
    entries = lookup(uri)
    if not entries:
        # It is in no framework that counts; but a framework that the scope names may hold it and be incomplete here.
        return AxisOutcome.UNKNOWN if frameworks is not None or inherits else AxisOutcome.NOT_COVERED
    pending, seen = [uri], {uri}
    while pending and len(seen) <= ANCESTORS_MAX:
        item = pending.pop()
        for entry in entries if item == uri else lookup(item):
            if framework is not None and entry["framework"] != framework:
                continue
            if item == uri and frameworks is not None and (frameworks == "*" or entry["framework"] in frameworks):
                return AxisOutcome.COVERED
            if named is not None and entry["item"] in named:
                return AxisOutcome.COVERED
            for parent in entry["parents"] if inherits else ():
                if parent in (named or ()):
                    return AxisOutcome.COVERED
                if parent not in seen:
                    seen.add(parent)
                    pending.append(parent)
    return AxisOutcome.NOT_COVERED


def _text_of(asked: Any) -> str:
    return asked if isinstance(asked, str) else ":".join(map(str, asked))


# ------------------------------------------------------------------------------------------------ narrower

_WITHIN: Final[Mapping[str, Callable[[Any, list[Any]], bool]]] = {
    "credential_types": credential_type_in,
    "achievement_types": achievement_in,
    "frameworks": lambda one, old: one in old,
    "competencies": lambda one, old: one in old,
    "programs": lambda one, old: one["id"] in [each["id"] for each in old],
    "fields_of_study": lambda one, old: any(field_within((one["scheme"], one["code"]), each) for each in old),
    "levels": lambda one, old: any(
        one["scheme"] == each["scheme"] and each["min"] <= one["min"] and one["max"] <= each["max"] for each in old
    ),
    "jurisdictions": lambda one, old: any(jurisdiction_within(one, each) for each in old),
    "delivery_modes": lambda one, old: one in old,
}


def is_within(scope: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """Return whether a scope grants no more than an older one, as far as the two show it: it answers no question
    better.

    So an axis with a list keeps a list, because an open axis adds an advisory. And the newer scope may name credential
    types only if the older one named them or covered every achievement, because naming them answers questions that were
    too open before.
    """
    for axis, within in _WITHIN.items():
        new, before = scope.get(axis), old.get(axis)
        if before is None or new is None or before == "*":
            if (before is None) != (new is None) and before != "*":
                return False
        elif new == "*" or not all(within(one, before) for one in new):
            return False
    names_types = old.get("credential_types") == "*" and scope.get("credential_types", "*") != "*"
    if names_types and old.get("achievement_types") != "*":
        return False
    if not scope.get("inherit_to_narrower") or old.get("inherit_to_narrower"):
        return True
    return old.get("competencies") in (None, "*")  # no competency is named, so there is nothing to inherit from


# ------------------------------------------------------------------------------------------------ in words

_ANY: Final = {
    "achievement_types": "achievements of any type",
    "credential_types": "as any type of credential",
    "competencies": "for any competency",
    "frameworks": "for the competencies of any framework",
    "levels": "at any level",
    "programs": "in any programme",
    "fields_of_study": "in any field of study",
    "jurisdictions": "anywhere",
    "delivery_modes": "by any mode of delivery",
}
_SOME: Final[Mapping[str, tuple[str, Callable[[Any], str]]]] = {
    "achievement_types": ("", str),
    "credential_types": ("as ", str),
    "competencies": ("for the competencies ", str),
    "frameworks": ("for the competencies of ", str),
    "levels": ("at ", lambda level: f"{level['scheme']} {_range(level)}"),
    "programs": ("in the programmes ", lambda program: str(program.get("name", program["id"]))),
    "fields_of_study": ("in the fields ", lambda field: f"{field['scheme']}:{field['code']}"),
    "jurisdictions": ("in ", str),
    "delivery_modes": ("delivered ", str),
}
_NONE: Final = {
    "achievement_types": "achievement types",
    "credential_types": "credential types",
    "competencies": "single competencies",
    "frameworks": "frameworks",
    "levels": "levels",
    "programs": "programmes",
    "fields_of_study": "fields of study",
    "jurisdictions": "places",
    "delivery_modes": "modes of delivery",
}


def sentence(scope: Mapping[str, Any], *, subject: str = "The issuer") -> str:
    """Return a scope as one English sentence, which also says what is not granted.

    >>> sentence({"achievement_types": ["Degree"], "credential_types": "*", "jurisdictions": ["US-IN"]}, subject="X")
    'X may issue Degree, as any type of credential, in US-IN; nothing is granted for single competencies, …'
    """
    parts = []
    for axis, (before, render) in _SOME.items():
        granted = scope.get(axis)
        if granted is None:
            continue
        part = _ANY[axis] if granted == "*" else before + _listed([render(item) for item in granted])
        if axis == "competencies" and granted != "*" and scope.get("inherit_to_narrower"):
            part += " and all narrower ones"
        parts.append(part)
    if "achievement_types" not in scope:
        parts.insert(0, "credentials")
    absent = [words for axis, words in _NONE.items() if axis not in scope]
    silence = f"; nothing is granted for {_listed(absent)}" if absent else ""
    return f"{subject} may issue {', '.join(parts)}{silence}."


def _range(level: Mapping[str, Any]) -> str:
    return f"level {level['min']}" if level["min"] == level["max"] else f"levels {level['min']} to {level['max']}"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
