"""A statement in one sentence, for an inbox. The sentence leaves things out; the body is what is signed."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from accredit.registry.encoding.counts import many
from accredit.registry.encoding.rfc3339 import day

_Body = Mapping[str, Any]
_Teller = Callable[[str, _Body], str]


def summary(kind: str, sub: str, body: _Body) -> str:
    """Return one sentence about a statement of this kind on `sub`; its body has been checked."""
    return _TELLERS[kind](sub, body) if kind in _TELLERS else f"{kind} about {sub}."


def _short(digest: bytes) -> str:
    return digest.hex()[:16]


def _period(body: _Body) -> str:
    until = f" until {day(body['valid_until'])}" if "valid_until" in body else ""
    return f" from {day(body['valid_from'])}{until}" if "valid_from" in body else until


def _some(values: Any, empty: str) -> str:
    if values == "*":
        return "everything"
    shown = [str(value) for value in values[:3]] if isinstance(values, list) else []
    more = f" and {len(values) - 3} more" if isinstance(values, list) and len(values) > 3 else ""
    return (", ".join(shown) + more) if shown else empty


def _grant(sub: str, body: _Body) -> str:
    scope = body["scope"]
    what = scope.get("achievement_types") or scope.get("credential_types") or scope.get("competencies")
    return f"{body['kind'].capitalize()} {sub} ({body['level']}) for {_some(what, 'its scope')}{_period(body)}."


_EVENTS: Final[Mapping[str, str]] = {
    "sanction": "Put {it} {level}",
    "condition": "Put conditions on {it}",
    "expire": "Mark {it} as expired",
    "teach_out": "Begin the teach-out of {it}",
    "lift": "Lift what was decided against {it}",
    "stay": "Stay what was decided against {it}",
    "annul": "Annul what was decided against {it}",
    "appeal_open": "Open an appeal about {it}",
    "appeal_decide": "Decide the appeal about {it}",
}
"""Events whose name before the accreditation would be misread: an event `annul` does not annul the accreditation."""

_STANDINGS: Final[Mapping[str, str]] = {
    "candidate": "a candidate",
    "conditional": "accredited under conditions",
    "warning": "under a warning",
    "probation": "on probation",
    "show_cause": "under an order to show cause",
    "teach_out": "in a teach-out",
    "withdrawn_voluntary": "withdrawn by its own choice",
}


def standing(status: str) -> str:
    """Return a status in the form that follows "is" or "will be"."""
    return _STANDINGS.get(status, status.replace("_", " "))


def _status(sub: str, body: _Body) -> str:
    event = body["event"]
    it = f"accreditation {_short(body['accreditation'])} of {sub}"
    what = _EVENTS.get(event, f"{_spaced(event)} {{it}}").format(it=it, level=standing(body.get("sanction_level", "")))
    back = f", void from {day(body['void_from'])}" if "void_from" in body else ""
    until = f", until {day(body['effective_until'])}" if "effective_until" in body else ""
    successor = f", succeeded by {body['successor']}" if "successor" in body else ""
    why = f": {body['reason_code']}" if "reason_code" in body else ""
    return f"{what}{_cohort(body.get('applies_to', {}))}{until}{back}{successor}{why}."


def _cohort(applies_to: _Body) -> str:
    """Return for which learners a teach-out continues."""
    programs = f" in {_some(applies_to['programs'], '')}" if "programs" in applies_to else ""
    before = applies_to.get("cohorts_enrolled_before")
    enrolled = "" if before is None else f" for students who enrolled before {day(before)}"
    return programs + enrolled


def _spaced(word: str) -> str:
    return word.replace("_", " ").capitalize()


def _withdrawal(sub: str, body: _Body) -> str:
    return f"Withdraw the delegation {_short(body['delegation'])} of {sub} from {day(body['effective_from'])}."


def _issuer_key(sub: str, body: _Body) -> str:
    if body["op"] == "add":
        return f"Add the key {body['key']['id']} of the issuer {sub}."
    it = f"the key {body['key_id']} of the issuer {sub}"
    if body["op"] == "retire":
        return f"Retire {it} from {day(body['valid_until'])}." if "valid_until" in body else f"Retire {it}."
    if "compromised_since" in body:
        return f"Report {it} as stolen since {day(body['compromised_since'])}."
    return f"Report {it} as stolen; nothing that it signed counts."


def _mapping(sub: str, body: _Body) -> str:
    number = len(body["links"])
    links = many(number, "link")
    counts = "may extend accreditations" if body["usable_for_scope"] else "for information only"
    ends = f"{body['source']['framework']} and {body['target']['framework']}"
    return f"Publish the mapping {body['title']} ({sub}): {links} between {ends}; {counts}."


_TELLERS: Final[Mapping[str, _Teller]] = {
    "charter.genesis": lambda sub, body: (
        f"Found {body['name']} ({sub}) with {many(len(body['authorities']), 'authority')}."
    ),
    "charter.amend": lambda sub, body: f"Amend the charter of {sub} to version {body['version']}.",
    "authority.delegate": lambda _, body: f"Make {body['name']} ({body['delegate']}) an authority{_period(body)}.",
    "authority.withdraw": _withdrawal,
    "node.admit": lambda _, body: f"Admit the node {body['name']} of {body['operator']}.",
    "node.replace": lambda _, body: f"Replace the entry of the node {body['name']}: {body['operator']}, {body['url']}.",
    "node.retire": lambda _, body: f"Retire the node {body['name']}.",
    "key.add": lambda sub, body: f"Add a key for {sub} that may sign {many(body['budget'], 'statement')}.",
    "key.rotate": lambda sub, body: f"Replace the key {_short(body['key'])} of {sub}.",
    "key.retire": lambda sub, body: f"Retire the key {_short(body['key'])} of {sub}.",
    "key.compromise": lambda sub, body: f"Declare the key {_short(body['key'])} of {sub} compromised.",
    "issuer.register": lambda sub, body: f"Register {body['name']} ({sub}) as an issuer.",
    "issuer.update": lambda sub, body: f"Update what is stated about {body['name']} ({sub}).",
    "issuer.key": _issuer_key,
    "accreditation.grant": _grant,
    "accreditation.amend": lambda sub, body: f"Amend accreditation {_short(body['accreditation'])} of {sub}.",
    "accreditation.status": _status,
    "framework.publish": lambda sub, body: f"Publish the framework {body['title']} {body['version']} ({sub}).",
    "framework.items": lambda sub, body: (
        f"Part {body['part']} of the framework {sub}: {many(len(body['items']), 'item')}."
    ),
    "framework.status": lambda sub, body: f"Mark the framework {sub} as {body['status']}.",
    "mapping.publish": _mapping,
    "mapping.withdraw": lambda sub, body: f"Withdraw the mapping {sub} from {day(body['effective_from'])}.",
    "recognition.grant": lambda _, body: f"Recognise {body['name']} ({body['id']}){_period(body)}.",
    "recognition.withdraw": lambda sub, _: f"Withdraw the recognition of {sub}.",
    "statement.annul": lambda _, body: f"Annul the statement {_short(body['target'])}: {body['reason_code']}.",
}
