"""Predicts the result of a statement, for people who propose it, vote on it, or read it.

The predictions are derived from the records in force and given as sentences: the future status of an accreditation and
the decision that keeps it there, the changes by an amendment or replacement, the statement that an annulment undoes,
waiting proposals with the same content. `warnings` name statements that will probably not do what their author intends.
This module decides nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, cast

from accredit.governance.fold import Fold
from accredit.governance.rules.charter_differences import differences, entry_differences
from accredit.governance.standing import Proposal
from accredit.node.lookalikes import appearance, lookalikes, port_meant
from accredit.node.views.json_views import format_time, plain
from accredit.node.views.summaries import standing, summary
from accredit.registry.domain import accreditations
from accredit.registry.domain.issuers import name_of
from accredit.registry.domain.record_types import AccreditationRecord, NodeRecord, Sourced, StatedEvent, VoiceMembers
from accredit.registry.domain.records import (
    accreditation_in,
    alias_in,
    authority_in,
    charter_in,
    competency_in,
    framework_in,
    issuer_in,
    oldest_first,
)
from accredit.registry.encoding.counts import many
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.encoding.rfc3339 import day
from accredit.registry.statement import Unverified

AT_ONCE: Final = 300
"""Seconds by which a date may lie ahead and still count as now, because clocks differ."""

ALIKE: Final = 20
"""Proposals named as having the same content, at most: people need to see that there are some. A guess."""

_TARGETS: Final = ("accreditation", "delegation", "recognition", "publish", "target")
_SHOWN: Final = 5  # of a list in a sentence


@dataclass(slots=True)
class Foresight:
    """A prediction.

    Attributes:
        now: the time of the prediction, seconds.
        afterwards: sentences about the result.
        warnings: sentences about probable mistakes.
        differences: the changes, one line each.
        begins: when it begins to count, seconds, if that lies ahead; None: at once.
        duplicates: ids of other waiting proposals with the same content, at most `ALIKE`.
        names: the registered names of the ids in it.
        unregistered: ids of issuers that it accredits, or names as successor, without a registration or a waiting one.
    """

    now: int
    afterwards: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    begins: int | None = None
    duplicates: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    unregistered: list[str] = field(default_factory=list)


class Waiting:
    """The waiting proposals, by their content.

    Attributes:
        registers: ids of the issuers that they would register.
    """

    def __init__(self, proposals: Iterable[Proposal]) -> None:
        self._by_wish: dict[tuple[Any, ...], list[str]] = {}
        self.registers: set[str] = set()
        for proposal in proposals:
            self.add(proposal.statement)

    def add(self, statement: Unverified) -> None:
        """Add a statement that waits."""
        if statement.kind == "issuer.register":
            self.registers.add(statement.sub)
        self._by_wish.setdefault(_wish(statement), []).append(statement.id.hex())

    def like(self, statement: Unverified) -> list[str]:
        """Return the ids of others with the same content as a statement, at most `ALIKE`."""
        own = statement.id.hex()
        return list(islice((id for id in self._by_wish.get(_wish(statement), ()) if id != own), ALIKE))


def foresee(fold: Fold, said: Unverified, waiting: Waiting, now: int) -> Foresight:
    """Predict the result of a statement, held or a draft, when it takes effect."""
    seen = Foresight(now=now, duplicates=waiting.like(said))
    seen.begins = begins_at(said, now)
    if seen.begins is not None:
        seen.afterwards.append(f"It takes effect on {format_time(seen.begins)}.")
    teller = _TELLERS.get(said.kind)
    if teller is not None:
        teller(fold, said, seen)
    seen.unregistered = [issuer for issuer in seen.unregistered if issuer not in waiting.registers]
    _name(fold, said, seen)
    return seen


def begins_at(said: Unverified, now: int) -> int | None:
    """Return when a statement begins to count, seconds, if that lies ahead; None: at once."""
    begins = said.body.get("effective_from", said.body.get("valid_from"))
    return begins if isinstance(begins, int) and begins > now + AT_ONCE else None


def _wish(said: Unverified) -> tuple[Any, ...]:
    body = said.body
    target = next((body[member] for member in _TARGETS if isinstance(body.get(member), bytes)), None)
    key = body.get("key_id", body.get("key"))
    key = key.get("id") if isinstance(key, dict) else key
    act = (body.get("event"), body.get("op"), body.get("status"), body.get("version"), body.get("part"))
    scope = plain(body.get("scope")) if said.kind == "accreditation.grant" else None
    past = None  # the same event on two days, as in a history, is two proposals; the "now" of two people is the same
    if said.kind == "accreditation.status" and abs(body["effective_from"] - said.iat) > AT_ONCE:
        past = body["effective_from"]
    more = (body.get("sanction_level"), past, str(scope))
    return (said.kind, said.sub, target, key, *act, *more)


# ------------------------------------------------------------------------------------------------ accreditations


def _status(fold: Fold, said: Unverified, seen: Foresight) -> None:
    body = said.body
    record = accreditation_in(fold, body["accreditation"])
    if record is None:
        return
    others = [event for event in record["events"] if event["statement"] != said.id]
    stated = {name: value for name, value in body.items() if name != "accreditation"}
    source = Sourced(statement=said.id, by=said.iss, via=None, iat=said.iat)
    after = _with_events(record, [*others, cast(StatedEvent, {**stated, **source})])
    at = max(seen.now, body["effective_from"])
    then, today = accreditations.status_at(after, at), accreditations.status_at(_with_events(record, others), at)
    issuer = _issuer(fold, record["issuer"])
    if then.word == today.word:
        seen.afterwards.append(f"{issuer} stays {standing(then.word)}{_because(then, said.id)}.")
    else:
        seen.afterwards.append(
            f"{issuer} will be {standing(then.word)}; without this statement it is {standing(today.word)}."
        )
    same = ("event", "sanction_level")  # a graver sanction is another event
    earlier = [
        one for one in others if all(one.get(name) == body.get(name) for name in same) and one["effective_from"] <= at
    ]
    if earlier and then.word != today.word and then.event is not None and then.event["statement"] == said.id:
        last = max(earlier, key=lambda one: (one["effective_from"], one["statement"]))
        seen.afterwards.append(
            f"This repeats an earlier event: {last['event']} by {last['by']} since "
            f"{day(last['effective_from'])} ({last['statement'].hex()[:12]})."
        )
    if "void_from" in body:
        seen.afterwards.append(f"It is retroactive: credentials issued since {day(body['void_from'])} lose trust.")
    elif body["effective_from"] < said.iat - AT_ONCE:
        seen.afterwards.append(f"It is retroactive to {format_time(body['effective_from'])}.")
    if "successor" in body:
        _require_registered(fold, body["successor"], seen)


def _require_registered(fold: Fold, id: CanonicalId, seen: Foresight) -> None:
    """Note an issuer that nobody has registered."""
    issuer = issuer_in(fold, id)
    if issuer is None or not issuer["stated"]:
        seen.unregistered.append(id)


def _because(status: accreditations.Status, own: bytes) -> str:
    event = status.event
    if event is None or event["statement"] == own:
        return ""
    return (
        f" because of {event['event']} by {event['by']} since {day(event['effective_from'])} "
        f"({event['statement'].hex()[:12]})"
    )


def _with_events(record: AccreditationRecord, events: list[StatedEvent]) -> AccreditationRecord:
    changed = record.copy()
    changed["events"] = events
    return changed


def _grant(fold: Fold, said: Unverified, seen: Foresight) -> None:
    body = said.body
    _require_registered(fold, body["issuer"], seen)
    scope = body["scope"]
    charter = fold.charter
    named = {one if isinstance(one, str) else one["by"] for one in body.get("publishers", ())}
    named |= set() if charter is None else set(charter.body.get("publishers", ()))
    trusted = named | {said.iss} | _above(fold, said.iss)
    for framework in _listed(scope.get("frameworks")):
        published = framework_in(fold, framework)
        _warn_of_publisher(seen, framework, None if published is None else published["stated"], trusted)
    for competency in _listed(scope.get("competencies")):
        held = competency_in(fold, competency)
        _warn_of_publisher(seen, competency, None if held is None else held["in"], trusted)


def _delegate(fold: Fold, said: Unverified, seen: Foresight) -> None:
    """Of a limit only those above the delegate, and the charter's publishers, say what lies within it."""
    charter = fold.charter
    counting = {said.iss} | _above(fold, said.iss) | set(() if charter is None else charter.body.get("publishers", ()))
    for framework in _listed(said.body["limits"].get("frameworks")):
        record = framework_in(fold, framework)
        if counting.isdisjoint(one["by"] for one in (() if record is None else record["stated"])):
            seen.warnings.append(
                f"It limits the delegate to {framework}, which neither you, a body above you nor a publisher in the "
                "charter has published here, so questions about its competencies cannot be decided. Publish it, or "
                "list its publisher in the charter: what the delegate publishes itself does not widen its limits."
            )


def _above(fold: Fold, by: CanonicalId) -> set[CanonicalId]:
    """The authorities above one, as far up as its delegations go."""
    found: set[CanonicalId] = set()
    ahead = [by]
    while ahead:
        record = authority_in(fold, ahead.pop())
        standings = [] if record is None else record["standings"]
        parents = {standing["parent"]["by"] for standing in standings if standing["parent"] is not None}
        ahead += parents - found
        found |= parents
    return found


def _warn_of_publisher(seen: Foresight, id: str, stated: Sequence[VoiceMembers] | None, trusted: set[str]) -> None:
    publishers = sorted({one["by"] for one in stated or ()})
    if not publishers:
        seen.warnings.append(f"No framework published here contains {id}, so questions about it cannot be decided.")
    elif not trusted & set(publishers):
        names = ", ".join(f'"{one}"' for one in publishers)
        seen.warnings.append(
            f"{id} was published by {', '.join(publishers)}, whose frameworks do not count for this "
            f"accreditation, so questions about it cannot be decided. Add publishers = [{names}]."
        )


def _amend(fold: Fold, said: Unverified, seen: Foresight) -> None:
    record = accreditation_in(fold, said.body["accreditation"])
    if record is None:
        return
    terms = accreditations.terms_at(record, max(seen.now, said.body["effective_from"]))
    before = next((one for one in reversed(oldest_first(terms)) if one["statement"] != said.id), record["terms"][0])
    for name in sorted({*before["scope"], *said.body["scope"]}):
        old, new = before["scope"].get(name), said.body["scope"].get(name)
        if old != new:
            seen.differences.append(f"{name}: {_values(old)} → {_values(new)}")
    dates = ("valid_from", before["valid_from"]), ("valid_until", before.get("valid_until"))
    for name, date in dates:
        if date != said.body.get(name):
            seen.differences.append(f"{name}: {_date(date)} → {_date(said.body.get(name))}")
    if not seen.differences:
        seen.warnings.append("It changes neither the scope nor the validity.")


def _values(value: Any) -> str:
    if value is None:
        return "none"
    if not isinstance(value, list):
        return "all" if value == "*" else str(plain(value))
    shown = [str(one if isinstance(one, str) else plain(one)) for one in value[:_SHOWN]]
    return ", ".join(shown) + (f" and {len(value) - _SHOWN} more" if len(value) > _SHOWN else "")


def _date(seconds: int | None) -> str:
    return "open" if seconds is None else day(seconds)


# --------------------------------------------------------------------------------------------------------- others


def _annul(fold: Fold, said: Unverified, seen: Foresight) -> None:
    target = fold.statement(said.body["target"])
    if target is None:
        return
    what = summary(target.kind, target.sub, target.body).rstrip(".")
    seen.differences.append(f"{what} (by {target.iss}, {format_time(target.iat)}): in effect → annulled")
    if target.kind == "accreditation.grant":
        issuer = _issuer(fold, target.sub)
        seen.afterwards.append(f"{issuer} will count as never having had this accreditation.")
    if target.kind == "accreditation.status":
        record = accreditation_in(fold, target.body["accreditation"])
        if record is not None:
            others = [event for event in record["events"] if event["statement"] != target.id]
            then = accreditations.status_at(_with_events(record, others), seen.now)
            issuer = _issuer(fold, record["issuer"])
            today = accreditations.status_at(record, seen.now)
            verb = "stays" if then.word == today.word else "will be"
            seen.afterwards.append(f"{issuer} {verb} {standing(then.word)}{_because(then, target.id)}.")


def _charter(fold: Fold, said: Unverified, seen: Foresight) -> None:
    record = None if fold.charter is None else charter_in(fold, fold.charter.id)
    if fold.charter is None or record is None or said.body["parent"] != record["statement"]:
        return
    seen.differences += differences(fold.charter.body, said.body["charter"])
    if not seen.differences:
        seen.warnings.append("It changes nothing about the charter in force.")


def _node(fold: Fold, said: Unverified, seen: Foresight) -> None:
    _warn_of_neighbours(fold, said, seen)
    naming = fold.naming(said.sub)
    if naming.entry is None:
        return
    if said.kind == "node.replace":
        new = {name: said.body[name] for name in naming.entry}
        changed = entry_differences(naming.entry, new)
        seen.differences += changed
        if changed:
            seen.afterwards.append(
                f"Replaces {said.sub} of {naming.entry['operator']} at {naming.entry['url']}: "
                f"{'; '.join(changed)}. The node that now has this name no longer counts, unless it is the same node."
            )


def _warn_of_neighbours(fold: Fold, said: Unverified, seen: Foresight) -> None:
    """Warn if a node could be taken for another: by people because of its name, by machines because of its address or
    keys."""
    for other in (cast(NodeRecord, record) for _, record in fold.items("node")):
        name = other["name"]
        if name == said.sub:
            continue
        is_retired = other["retired"] is not None
        if appearance(name) == appearance(said.sub):
            seen.warnings.append(f"{said.sub} looks like {name}, {'a retired' if is_retired else 'another'} node.")
        if not is_retired and other["url"].rstrip("/").casefold() == said.body["url"].rstrip("/").casefold():
            seen.warnings.append(f"{other['url']} is the address of {name}, and only one node can answer there.")
        shared = sorted(role for role, key in said.body["keys"].items() if key in other["keys"].values())
        if shared:
            seen.warnings.append(
                f"Its {' and '.join(shared)} key{'s are' if len(shared) > 1 else ' is'} also in the entry of {name}; "
                "each node needs keys of its own."
            )


def _retire(fold: Fold, said: Unverified, seen: Foresight) -> None:
    signers = () if fold.charter is None else fold.charter.body["signers"]
    if said.sub in signers:
        seen.afterwards.append(f"{said.sub} is one of {many(len(signers), 'signer')} and will no longer cosign.")
    seen.afterwards.append("Its name can never be used again.")


def _update(fold: Fold, said: Unverified, seen: Foresight) -> None:
    record = issuer_in(fold, CanonicalId(said.sub))
    stated = [] if record is None else [one for one in record["stated"] if one["by"] == said.iss]
    if not stated:
        return
    before = oldest_first(stated)[-1]["facts"]
    after = {name: value for name, value in said.body.items() if name in before or name not in ("id", "after")}
    for name in sorted({*before, *after} - {"id", "after", "keys"}):
        if before.get(name) != after.get(name):
            seen.differences.append(f"{name}: {_values(before.get(name))} → {_values(after.get(name))}")


def _register(fold: Fold, said: Unverified, seen: Foresight) -> None:
    record = issuer_in(fold, CanonicalId(said.sub))
    others = sorted({str(one["by"]) for one in record["stated"]}) if record is not None else []
    alias = alias_in(fold, CanonicalId(said.sub))
    for named in [] if alias is None else alias["issuers"]:
        seen.warnings.append(f"{said.sub} is another name of {_issuer(fold, named)}, which is registered.")
    near = [other for other in lookalikes(said.sub) if fold.get("issuer", other) is not None]
    for other in near:
        seen.warnings.append(
            f"Nearly the same id is registered: {_issuer(fold, other)}. "
            "Two ids are two issuers to everybody who verifies."
        )
    if not near and (meant := port_meant(said.sub)):
        seen.warnings.append(f"In {said.sub} the number is a part of the path; with a port it is {meant}.")
    if others:
        seen.afterwards.append(f"{said.sub} is already registered, by {', '.join(others)}.")


def _issuer_key(fold: Fold, said: Unverified, seen: Foresight) -> None:
    """What credentials signed with a key are worth then, and whether decisions about the issuer hear its author."""
    body, record = said.body, issuer_in(fold, CanonicalId(said.sub))
    others = [] if record is None else [one for one in record["keys"] if one["statement"] != said.id]
    stated = {one["key"]["id"] for one in others if one["op"] == "add"}
    id = body["key"]["id"] if body["op"] == "add" else body["key_id"]
    if body["op"] == "add":
        if id in stated:
            seen.warnings.append(f"A key is stated under the id {id} already; from then on each of them counts.")
        if any(one["op"] != "add" and one["key_id"] == id for one in others):
            seen.warnings.append(
                f"A key with the id {id} was ended, which ends this one too. Give it an id of its own."
            )
    elif id not in stated:
        seen.warnings.append(f"Nobody states a key {id} of {_issuer(fold, said.sub)}, so this ends none.")
    if body["op"] == "retire":
        until = day(body.get("valid_until", said.iat))
        seen.afterwards.append(f"Credentials signed with {id} count if they were issued before {until}.")
    if body["op"] == "compromise":
        seen.afterwards.append(_stolen(id, body.get("compromised_since")))
    _warn_if_unheard(fold, said, seen)


def _stolen(id: str, since: int | None) -> str:
    if since is None:
        return f"No credential signed with {id} is trusted, whatever its date."
    return (
        f"Credentials signed with {id} and issued since {day(since)} are not trusted. Earlier ones are, with a note "
        "that a thief can sign with earlier dates."
    )


def _warn_if_unheard(fold: Fold, said: Unverified, seen: Foresight) -> None:
    """Warn of an author whose word about keys counts for none of the issuer's accreditations."""
    record = issuer_in(fold, CanonicalId(said.sub))
    held = [accreditation_in(fold, id) for id, _ in ([] if record is None else record["accreditations"])]
    charter = fold.charter
    heard = {said.sub} | set(() if charter is None else charter.body.get("publishers", ()))
    by = sorted({one["by"] for one in held if one is not None})
    for one in held:
        publishers = () if one is None else one.get("publishers", ())
        heard |= {each if isinstance(each, str) else each["by"] for each in publishers}
    if by and said.iss not in heard.union(by, *(_above(fold, one) for one in by)):
        seen.warnings.append(
            f"Decisions about {_issuer(fold, said.sub)} do not hear {said.iss} about its keys: it was accredited by "
            f"{', '.join(by[:_SHOWN])}. They, the bodies above them and the charter's publishers are heard."
        )


_TELLERS: Final = {
    "issuer.key": _issuer_key,
    "authority.delegate": _delegate,
    "accreditation.status": _status,
    "accreditation.grant": _grant,
    "accreditation.amend": _amend,
    "statement.annul": _annul,
    "charter.amend": _charter,
    "node.admit": _node,
    "node.replace": _node,
    "node.retire": _retire,
    "issuer.update": _update,
    "issuer.register": _register,
}


def _name(fold: Fold, said: Unverified, seen: Foresight) -> None:
    """The names of the author and of the subject, where they are registered."""
    charter = fold.charter
    for id in (said.iss, CanonicalId(said.sub)):  # a subject that is no id is nobody's
        named = None if charter is None else charter.authorities.get(id)
        issuer = issuer_in(fold, id)
        name = named.name if named is not None else None if issuer is None else name_of(issuer)
        standing = None if name is not None else authority_in(fold, id)
        if standing is not None and standing["standings"]:
            name = standing["standings"][-1]["name"]
        if name is not None:
            seen.names[id] = name


def _issuer(fold: Fold, id: str) -> str:
    record = issuer_in(fold, CanonicalId(id))
    name = None if record is None else name_of(record)
    return id if name is None else f"{name} ({id})"


def _listed(value: Any) -> list[CanonicalId]:
    return [CanonicalId(one) for one in value if isinstance(one, str)] if isinstance(value, list) else []
