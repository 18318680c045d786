"""Limits of a delegation: an upper bound, axis by axis, on everything granted under it.

Limits hold the axes of a scope (`scope`), and some of their own: `kinds` of accreditation, `categories` of issuers,
`max_depth`, `max_validity`. An absent axis is not limited; `"*"` says the same.

    {"achievement_types": ["Badge"], "jurisdictions": ["US-IN"], "categories": ["bootcamp"]}

A ceiling, not a check-list: what a scope *leaves out* is limited as well. The **effective scope** of a grant is its
scope with the limit on every axis that a limit names and the scope does not (`inherited`), cut by the limits of every
link of its chain (`ceiling`): a question must be covered by all of them. So silence never answers better than words.

Competencies are named one by one or by their frameworks, so `competencies` and `frameworks` limit each other: where
only one of them is limited, the other grants nothing.

Three who ask, before and after a grant is signed:

* `left_out`: which limited axes a scope does not name; a proposal that does so is refused before it is signed;
* `body_within_limits`: what it names beyond them; such a statement has no effect;
* `limits_within`: a delegate's limits lie within its delegator's.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ..encoding import schema
from ..limits import DELEGATION_DEPTH, TIME_MAX
from .axes import field_within, jurisdiction_within, level_within
from .scope import MEMBERS, achievement_in, axis, credential_type_in
from .vocabulary import ACCREDITATION_KINDS, ISSUER_CATEGORIES

Limits = Mapping[str, Any]
Scope = Mapping[str, Any]

check_limits: Final = schema.members(
    {},
    {
        "kinds": axis(schema.one_of(*ACCREDITATION_KINDS)),
        "categories": axis(schema.one_of(*ISSUER_CATEGORIES)),
        **MEMBERS,
        "max_depth": schema.integer(0, DELEGATION_DEPTH),
        "max_validity": schema.integer(1, TIME_MAX),
    },
)
"""The shape of a delegation's limits. `max_depth`: further delegations below this one. `max_validity`: seconds."""


def _range_within(one: Mapping[str, Any], limit: list[dict[str, Any]]) -> bool:
    numbers = range(one["min"], one["max"] + 1)
    return all(any(level_within((one["scheme"], number), whole) for whole in limit) for number in numbers)


_WITHIN: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "kinds": lambda one, limit: one in limit,
    "categories": lambda one, limit: one in limit,
    "credential_types": credential_type_in,
    "achievement_types": achievement_in,
    "frameworks": lambda one, limit: one in limit,
    "competencies": lambda one, limit: one in limit,
    "programs": lambda one, limit: any(one["id"] == whole["id"] for whole in limit),
    "fields_of_study": lambda one, limit: any(field_within((one["scheme"], one["code"]), whole) for whole in limit),
    "levels": _range_within,
    "jurisdictions": lambda one, limit: any(jurisdiction_within(one, whole) for whole in limit),
    "delivery_modes": lambda one, limit: one in limit,
}
"""Of each axis, whether one thing that is granted lies within what is allowed."""

_SCOPE_AXES: Final = tuple(name for name in _WITHIN if name in MEMBERS)
_OTHER: Final = {"competencies": "frameworks", "frameworks": "competencies"}
_NAMED_ALONE: Final = {
    "competencies": "its limits allow only some frameworks, so name frameworks, not competencies",
    "frameworks": "its limits allow only some competencies, so name competencies, not frameworks",
}


def _limit(limits: Limits, name: str) -> Any:
    """What limits allow on an axis: `"*"`, or a list; an empty one where the other way to name competencies is it."""
    found = limits.get(name)
    if found is None:
        return [] if type(limits.get(_OTHER.get(name, ""))) is list else "*"
    return found


def ceiling(limits: Limits) -> dict[str, Any]:
    """The scope of all that limits allow, for `scope.covers`."""
    scope = {name: allowed for name in _SCOPE_AXES if (allowed := _limit(limits, name)) != []}
    if "inherit_to_narrower" in limits:
        scope["inherit_to_narrower"] = limits["inherit_to_narrower"]
    return scope


def left_out(scope: Scope, limits: Limits) -> list[str]:
    """The axes that limits name and a scope does not, in order."""
    return [
        name
        for name in _SCOPE_AXES
        if type(limits.get(name)) is list and name not in scope and _OTHER.get(name, name) not in scope
    ]


def inherited(scope: Scope, limits: Limits) -> Scope:
    """A scope with the limit on every axis that it leaves out; itself where it leaves out none."""
    missing = left_out(scope, limits)
    if not missing:
        return scope
    narrower = "inherit_to_narrower"
    taken = [*missing, narrower] if "competencies" in missing and narrower in limits else missing
    return {**scope, **{name: limits[name] for name in taken}}


def what_is_left_out(kind: str, body: Mapping[str, Any], limits: Limits) -> str | None:
    """Why a proposal ought to say more, as half a sentence: it leaves out an axis that limits name. None: it need not.

    Signed all the same it inherits the limits. Whoever reads it should see them.
    """
    if kind not in ("accreditation.grant", "accreditation.amend"):
        return None
    for name in left_out(body["scope"], limits):
        return f"it leaves out {name}, which are limited to {_listed(name, limits[name])}; name the ones you mean"
    return None


def scope_within_limits(scope: Scope, limits: Limits) -> str | None:
    """Why what a scope names goes beyond limits, as half a sentence; None if it does not.

    Where frameworks are limited, competencies cannot be named one by one: which framework holds them is not for the
    statement that names them to say.
    """
    for name in _SCOPE_AXES:
        if name in scope and (problem := _beyond(name, scope[name], limits)) is not None:
            return problem
    return _narrower(scope, limits)


def body_within_limits(kind: str, body: Mapping[str, Any], limits: Limits) -> str | None:
    """Why a statement's body goes beyond its author's limits, as half a sentence; None if it does not.

    Of issuers nothing is inherited, so where their categories are limited a registration names them; and where validity
    is limited a grant ends.
    """
    match kind:
        case "accreditation.grant" | "accreditation.amend":
            if "kind" in body and (problem := _beyond("kinds", [body["kind"]], limits)) is not None:
                return problem
            return _too_long(body, limits) or scope_within_limits(body["scope"], limits)
        case "issuer.register" | "issuer.update":
            if "categories" not in body and limits.get("categories", "*") != "*":
                return "it must name categories, because its author's limits restrict them"
            categories = _beyond("categories", body.get("categories", []), limits)
            return categories or _beyond("jurisdictions", body.get("jurisdictions", []), limits)
        case "framework.publish":
            return _beyond("frameworks", [body["id"]], limits)
        case "framework.items" | "framework.status":
            return _beyond("frameworks", [body["framework"]], limits)
        case "mapping.publish":
            return _beyond("frameworks", [body["source"]["framework"], body["target"]["framework"]], limits)
        case _:
            return None


def limits_within(child: Limits, parent: Limits) -> str | None:
    """Why a delegate's limits are wider than its delegator's, as half a sentence; None if they are not.

    `max_depth` is not compared: it counts from where it is written, so the chain adds it up
    (`governance.delegation_limits`).
    """
    for name in _WITHIN:
        if _limit(parent, name) == "*":
            continue
        allowed = _limit(child, name)
        if name not in child and allowed == "*":
            if name in parent:
                return f"{name} must be limited"
            continue  # the other way to name competencies is the limited one
        if (problem := _beyond(name, allowed, parent)) is not None:
            return problem
    if "max_validity" in parent and child.get("max_validity", TIME_MAX + 1) > parent["max_validity"]:
        return f"max_validity is at most {parent['max_validity']} seconds"
    return _narrower(child, parent)


def _beyond(name: str, granted: Any, limits: Limits) -> str | None:
    limit = _limit(limits, name)
    if limit == "*":
        return None
    if limit == []:
        return _NAMED_ALONE[name] if granted else None
    allowed = _listed(name, limit)
    if granted == "*":
        return f'{name} "*" means all, but only {allowed} are allowed'
    outside = [one for one in granted if not _WITHIN[name](one, limit)]
    return f"{name} {_listed(name, outside)} not allowed (allowed: {allowed})" if outside else None


def _narrower(granted: Mapping[str, Any], limits: Limits) -> str | None:
    is_free = limits.get("inherit_to_narrower") is True or _limit(limits, "competencies") in ("*", [])
    if granted.get("inherit_to_narrower") is True and not is_free:
        return "only the listed competencies are allowed, without narrower ones (inherit_to_narrower)"
    return None


def _too_long(body: Mapping[str, Any], limits: Limits) -> str | None:
    if "max_validity" not in limits:
        return None
    if "valid_until" not in body:
        return "it must have valid_until, because its author's limits restrict validity"
    if body["valid_until"] - body["valid_from"] > limits["max_validity"]:
        return f"it is valid for longer than {limits['max_validity']} seconds"
    return None


_WORDS: Final[Mapping[str, Callable[[Any], str]]] = {
    "programs": lambda one: str(one["id"]),
    "fields_of_study": lambda one: f"{one['scheme']}:{one['code']}",
    "levels": lambda one: f"{one['scheme']}:{one['min']}-{one['max']}",
}


def _listed(name: str, values: list[Any]) -> str:
    return ", ".join(map(_WORDS.get(name, str), values))
