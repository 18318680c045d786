"""Limits of a delegation: an upper bound, axis by axis, on everything granted under it.

Limits have the axes of a scope (`scope`) and some of their own: `kinds` of accreditation, `categories` of issuers,
`max_depth`, `max_validity`. An absent axis is not limited; `"*"` means the same.

    {"achievement_types": ["Badge"], "jurisdictions": ["US-IN"], "categories": ["bootcamp"]}

Limits also bind the axes that a scope *leaves out*. The **effective scope** of a grant is its scope, completed by the
limit on every axis that a limit names and the scope does not (`inherited`), and cut by the limits of every link of its
chain (`ceiling`): all of these must cover a question. So a scope never gains by leaving an axis out.

Competencies are named one by one or by their frameworks, so `competencies` and `frameworks` limit each other: where
only one of them is limited, the other grants nothing.

Three functions check limits before and after a grant is signed:

* `left_out`: the limited axes that a scope does not name; a proposal that leaves one out is refused before it is
  signed;
* `body_within_limits`: why a body goes beyond its author's limits; such a statement has no effect;
* `limits_within`: why a delegate's limits are wider than its delegator's.
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
"""For each axis, the test whether one granted value lies within an allowed one."""

_SCOPE_AXES: Final = tuple(name for name in _WITHIN if name in MEMBERS)
_OTHER: Final = {"competencies": "frameworks", "frameworks": "competencies"}
_NAMED_ALONE: Final = {
    "competencies": "its limits allow only some frameworks, so name frameworks, not competencies",
    "frameworks": "its limits allow only some competencies, so name competencies, not frameworks",
}


def _limit(limits: Limits, name: str) -> Any:
    """Return what limits allow on an axis: `"*"`, or a list; an empty list if only the other way to name competencies
    is limited."""
    found = limits.get(name)
    if found is None:
        return [] if type(limits.get(_OTHER.get(name, ""))) is list else "*"
    return found


def ceiling(limits: Limits) -> dict[str, Any]:
    """Return the scope of everything that limits allow, for `scope.covers`."""
    scope = {name: allowed for name in _SCOPE_AXES if (allowed := _limit(limits, name)) != []}
    if "inherit_to_narrower" in limits:
        scope["inherit_to_narrower"] = limits["inherit_to_narrower"]
    return scope


def left_out(scope: Scope, limits: Limits) -> list[str]:
    """Return the axes that limits name and a scope does not, in order."""
    return [
        name
        for name in _SCOPE_AXES
        if type(limits.get(name)) is list and name not in scope and _OTHER.get(name, name) not in scope
    ]


def inherited(scope: Scope, limits: Limits) -> Scope:
    """Return a scope completed by the limit on every axis that it leaves out; the scope itself if it is complete."""
    missing = left_out(scope, limits)
    if not missing:
        return scope
    narrower = "inherit_to_narrower"
    taken = [*missing, narrower] if "competencies" in missing and narrower in limits else missing
    return {**scope, **{name: limits[name] for name in taken}}


def what_is_left_out(kind: str, body: Mapping[str, Any], limits: Limits) -> str | None:
    """Return which limited axis a proposal leaves out, as half a sentence; None if it names them all.

    A grant signed without it inherits the limits, but its readers should see them in the grant itself.
    """
    if kind not in ("accreditation.grant", "accreditation.amend"):
        return None
    for name in left_out(body["scope"], limits):
        return f"it leaves out {name}, which are limited to {_listed(name, limits[name])}; name the ones you mean"
    return None


def scope_within_limits(scope: Scope, limits: Limits) -> str | None:
    """Return why a scope goes beyond limits, as half a sentence; None if it does not.

    If frameworks are limited, competencies cannot be named one by one, because the statement that names them does not
    decide which framework holds them.
    """
    for name in _SCOPE_AXES:
        if name in scope and (problem := _beyond(name, scope[name], limits)) is not None:
            return problem
    return _narrower(scope, limits)


def body_within_limits(kind: str, body: Mapping[str, Any], limits: Limits) -> str | None:
    """Return why a statement's body goes beyond its author's limits, as half a sentence; None if it does not.

    An issuer inherits no limits. So if categories are limited, a registration must name its own; and if validity is
    limited, a grant must end.
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
    """Return why a delegate's limits are wider than its delegator's, as half a sentence; None if they are not.

    `max_depth` is not compared here: each one counts from its own delegation, so `governance.delegation_limits` checks
    it along the chain.
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
