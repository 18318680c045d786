"""What is dated ahead of everybody's clock, kind by kind: what gives waits for its date, what takes away does not wait.

Three kinds of statement know no date of effect, and count at once: the charter, for the law has no clock; nodes, which
no answer is about; annulments, after which a statement was never there. They take several to agree.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest

from accredit.governance.authority.node_names import entry_digest
from accredit.governance.fold import Fold
from accredit.governance.rules.rulebook import KINDS
from accredit.governance.standing import standing_of
from accredit.registry.decision.decide import AUTHORIZED, Query, decide, decide_recognition
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.statement import Statement
from tests.strategies.bodies import (
    FRAMEWORK,
    ISSUER,
    delegation,
    event,
    framework,
    framework_items,
    grant,
    node,
    recognition,
    register,
)
from tests.strategies.consortium import START, Consortium, Pen, fold_of, key_entry
from tests.strategies.stories import DELEGATE, A, B, C, amend, delegate, pinned, trio

DAY: Final = 86_400
NOW: Final = START + 10 * DAY
"""Readers' clocks, and when what is not ahead is said."""
AHEAD: Final = NOW + 400 * DAY
SCOPE: Final[dict[str, Any]] = {"achievement_types": ["Badge"], "credential_types": "*"}
ALIAS: Final = "did:web:alias.example"
ABROAD: Final = "https://abroad.example/"
LICENCE: Final = "https://licences.example/surgeon"
OWN: Final = f"{FRAMEWORK}/1"

Answer = Callable[[Fold, int], object]


def asks(**members: Any) -> Answer:
    """Whether the answer to a question is a good one."""
    asked = {"entity": ISSUER, **members}
    if not any(name in asked for name in ("competencies", "action")):
        asked.setdefault("achievement_types", ("Badge",))

    def answer(fold: Fold, now: int) -> object:
        assert fold.charter is not None
        query = Query(**{"authority": fold.charter.id, **asked})
        return decide(query, fold, now, ecosystem_id=fold.charter.id).verdict in AUTHORIZED

    return answer


def is_recognised(fold: Fold, now: int) -> object:
    assert fold.charter is not None
    query = Query(entity=CanonicalId(ABROAD), authority=fold.charter.id, action="issue")
    return decide_recognition(query, fold, now, ecosystem_id=fold.charter.id).verdict in AUTHORIZED


def nodes(fold: Fold, now: int) -> object:
    del now
    return [one["operator"] for one in fold.nodes()]


def key(**members: Any) -> dict[str, Any]:
    return {"issuer": ISSUER, **members}


@dataclass(frozen=True, slots=True)
class Told:
    """A story told so far; `ahead` is what was said with a clock that runs ahead, the rest was not."""

    town: Consortium
    ahead: list[Statement]
    answer: Answer


def accredited(**charter: Any) -> tuple[Consortium, Statement]:
    town = trio(keys=2, **charter)
    town.time = NOW - DAY
    town.says(A, "issuer.register", register(keys=[pinned(Pen("pinned", ISSUER))]))
    return town, town.says(A, "accreditation.grant", grant(scope=SCOPE))


def fast(town: Consortium, who: str | Pen, kind: str, body: dict[str, Any], sub: str | None = None) -> Statement:
    """Said with a clock that is ahead."""
    return town.says(who, kind, body, sub, iat=AHEAD)


def grants() -> Told:
    town = trio()
    return Told(town, [fast(town, A, "accreditation.grant", grant(scope=SCOPE))], asks())


def amends_charter() -> Told:
    town, _ = accredited()
    town.says(A, "accreditation.grant", grant(scope={"competencies": [OWN]}))
    town.says(C, "mapping.publish", mapping())
    town.time = AHEAD
    said = amend(town, A, publishers=[C], keys=2)
    return Told(town, [said, town.votes(B, said)], asks(competencies=(LICENCE,)))


def mapping() -> dict[str, Any]:
    return {
        "id": "https://crosswalks.example/one",
        "title": "A crosswalk",
        "source": {"framework": "https://licences.example/"},
        "target": {"framework": FRAMEWORK},
        "method": "expert",
        "usable_for_scope": True,
        "links": [{"source": LICENCE, "relation": "exact_match", "target": OWN}],
    }


def adds_a_key() -> Told:
    town = trio()
    new = Pen("new", A)
    added = fast(town, A, "key.add", key_entry(new, budget=9), A)
    return Told(town, [added, fast(town, new, "accreditation.grant", grant(scope=SCOPE))], asks())


def ends_a_key(kind: str) -> Told:
    town, granted = accredited()
    body: dict[str, Any] = {"key": granted.kid, "last": None}
    if kind == "key.rotate":
        body["new"] = key_entry(Pen("new", A), budget=9)
    return Told(town, [fast(town, f"{A}#2", kind, body, A)], asks())


def delegates() -> Told:
    town = trio()
    body = delegation(DELEGATE, [key_entry(town.pen(f"{DELEGATE}#1", DELEGATE), budget=9)])
    return Told(town, [fast(town, A, "authority.delegate", body)], asks(entity=DELEGATE, action="accredit"))


def withdraws_a_mandate(**body: Any) -> Told:
    town = trio()
    town.time = NOW - DAY
    _, made = delegate(town)
    said = {"delegation": made.id, "heads": [], "effective_from": AHEAD} | body
    answer = asks(entity=DELEGATE, action="accredit")
    return Told(town, [fast(town, A, "authority.withdraw", said, DELEGATE)], answer)


def of_a_node(kind: str) -> Told:
    town, body = trio(), node("n.example")
    if kind != "node.admit":
        town.votes(B, town.says(A, "node.admit", body))
    if kind == "node.admit":
        admitted = fast(town, A, kind, body)
    elif kind == "node.retire":
        admitted = fast(town, A, kind, {"name": "n.example"})
    else:
        admitted = fast(town, A, kind, {**node("n.example", operator=B), "replaces": entry_digest(body)})
    ahead = [admitted, fast(town, B, "vote.approve", {"targets": [admitted.id]}, town.eco.hex())]
    return Told(town, ahead, nodes)


def states_an_alias(kind: str) -> Told:
    town, _ = accredited()
    registered = next(one for one in town.said if one.kind == "issuer.register")
    body = {**registered.body, "also_known_as": [ALIAS]}
    body |= {"after": [registered.id]} if kind == "issuer.update" else {}
    return Told(town, [fast(town, A, kind, body)], asks(entity=ALIAS))


def of_an_issuers_key(op: str, **body: Any) -> Told:
    town, _ = accredited()
    said = key(op=op, key_id=f"{ISSUER}#key") | body
    if op == "add":
        said = key(op=op, key=pinned(Pen("more", ISSUER), id=f"{ISSUER}#more"))
    return Told(
        town, [fast(town, A, "issuer.key", said)], asks(key=f"{ISSUER}#more" if op == "add" else f"{ISSUER}#key")
    )


def amends(scope: dict[str, Any], achievement: str) -> Told:
    town, granted = accredited()
    body = {
        "accreditation": granted.id,
        "after": [granted.id],
        "effective_from": AHEAD,
        "valid_from": 0,
        "scope": scope,
    }
    answer = asks(achievement_types=(achievement,))
    return Told(town, [fast(town, A, "accreditation.amend", body, ISSUER)], answer)


def suspends(**body: Any) -> Told:
    town, granted = accredited()
    said = event(granted.id, "suspend", AHEAD) | body
    return Told(town, [fast(town, A, "accreditation.status", said, ISSUER)], asks())


def lifts() -> Told:
    town, granted = accredited()
    suspended = town.says(A, "accreditation.status", event(granted.id, "suspend", NOW - 5), ISSUER)
    body = event(granted.id, "lift", AHEAD, after=[suspended.id])
    return Told(town, [fast(town, A, "accreditation.status", body, ISSUER)], asks())


def of_a_framework(*, publish: bool, items: bool) -> Told:
    """What of it B says ahead, whom the charter names as a publisher: A's dates do not go back."""
    town, _ = accredited(publishers=[B])
    town.says(A, "accreditation.grant", grant(scope={"frameworks": [FRAMEWORK]}))
    ahead: list[Statement] = []

    def say(kind: str, body: dict[str, Any], *, late: bool) -> Statement:
        said = fast(town, B, kind, body) if late else town.says(B, kind, body)
        ahead.extend([said] if late else [])
        return said

    published = say("framework.publish", framework(), late=publish)
    for part in (0, 1):
        say("framework.items", framework_items(published.id, part), late=items)
    return Told(town, ahead, asks(competencies=(OWN,)))


def published_framework() -> tuple[Consortium, Statement]:
    town, _ = accredited()
    town.says(A, "accreditation.grant", grant(scope={"frameworks": [FRAMEWORK]}))
    published = town.says(A, "framework.publish", framework())
    for part in (0, 1):
        town.says(A, "framework.items", framework_items(published.id, part))
    return town, published


def of_a_frameworks_status(status: str, **body: Any) -> Told:
    town, published = published_framework()
    said = {"framework": FRAMEWORK, "publish": published.id, "status": status, "effective_from": AHEAD, "after": []}
    if status == "active":
        before = town.says(A, "framework.status", {**said, "status": "withdrawn", "effective_from": NOW - 9})
        said["after"] = [before.id]
    return Told(town, [fast(town, A, "framework.status", said | body)], asks(competencies=(OWN,)))


def maps() -> Told:
    town, _ = accredited()
    town.says(A, "accreditation.grant", grant(scope={"competencies": [OWN]}))
    return Told(town, [fast(town, A, "mapping.publish", mapping())], asks(competencies=(LICENCE,)))


def withdraws_a_mapping(**body: Any) -> Told:
    town, _ = accredited()
    town.says(A, "accreditation.grant", grant(scope={"competencies": [OWN]}))
    made = town.says(A, "mapping.publish", mapping())
    said = {"mapping": made.sub, "publish": made.id, "effective_from": AHEAD} | body
    return Told(town, [fast(town, A, "mapping.withdraw", said, made.sub)], asks(competencies=(LICENCE,)))


def recognises() -> Told:
    town = trio()
    said = fast(town, A, "recognition.grant", recognition())
    return Told(town, [said, town.votes(B, said)], is_recognised)


def withdraws_a_recognition(**body: Any) -> Told:
    town = trio()
    town.time = NOW - DAY
    made = town.says(A, "recognition.grant", recognition())
    town.votes(B, made)
    withdrawal = {"recognition": made.id, "effective_from": AHEAD} | body
    said = fast(town, A, "recognition.withdraw", withdrawal, ABROAD)
    return Told(town, [said, town.votes(B, said)], is_recognised)


def annuls(*, a_suspension: bool) -> Told:
    town, target = accredited()
    if a_suspension:
        target = town.says(A, "accreditation.status", event(target.id, "suspend", NOW - 5), ISSUER)
    said = fast(town, A, "statement.annul", {"target": target.id, "reason_code": "error"}, target.id.hex())
    return Told(town, [said, town.votes(B, said)], asks())


def votes(kind: str, *, narrowing: bool) -> Told:
    """The last vote that a decision needs, by a clock that is ahead; a rejection counts with what it is about."""
    ruled = "accreditation.status" if narrowing else "accreditation.grant"
    town = trio(rules={ruled: {"authorities": 2}})
    town.time = NOW - DAY
    said = town.says(A, "accreditation.grant", grant(scope=SCOPE))
    if narrowing:
        said = town.says(A, "accreditation.status", event(said.id, "suspend", NOW - 5), ISSUER)
    ahead = [fast(town, B, kind, {"targets": [said.id]}, town.eco.hex())]
    if kind == "vote.approve":
        return Told(town, ahead, asks())
    ahead.append(fast(town, C, kind, {"targets": [said.id]}, town.eco.hex()))

    def state(fold: Fold, now: int) -> object:
        del now
        found = standing_of(fold, said.id)
        assert found is not None
        return found.state

    return Told(town, ahead, state)


WAITS: Final[dict[str, Callable[[], Told]]] = {
    "key.add": adds_a_key,
    "authority.delegate": delegates,
    "authority.withdraw that begins later": lambda: withdraws_a_mandate(effective_from=AHEAD + 9),
    "issuer.register": lambda: states_an_alias("issuer.register"),
    "issuer.update": lambda: states_an_alias("issuer.update"),
    "issuer.key add": lambda: of_an_issuers_key("add"),
    "issuer.key retire later": lambda: of_an_issuers_key("retire", valid_until=AHEAD + 9),
    "accreditation.grant": grants,
    "accreditation.amend that widens": lambda: amends({**SCOPE, "achievement_types": "*"}, "Degree"),
    "accreditation.status lift": lifts,
    "accreditation.status suspend later": lambda: suspends(effective_from=AHEAD + 9),
    "framework.publish": lambda: of_a_framework(publish=True, items=True),
    "framework.status active": lambda: of_a_frameworks_status("active"),
    "framework.status withdrawn later": lambda: of_a_frameworks_status("withdrawn", effective_from=AHEAD + 9),
    "mapping.publish": maps,
    "mapping.withdraw that begins later": lambda: withdraws_a_mapping(effective_from=AHEAD + 9),
    "recognition.grant": recognises,
    "recognition.withdraw that begins later": lambda: withdraws_a_recognition(effective_from=AHEAD + 9),
    "vote.approve on a grant": lambda: votes("vote.approve", narrowing=False),
}
"""What gives, or says itself that it begins later."""

AT_ONCE: Final[dict[str, Callable[[], Told]]] = {
    "charter.amend": amends_charter,
    "key.rotate": lambda: ends_a_key("key.rotate"),
    "key.retire": lambda: ends_a_key("key.retire"),
    "key.compromise": lambda: ends_a_key("key.compromise"),
    "authority.withdraw": withdraws_a_mandate,
    "node.admit": lambda: of_a_node("node.admit"),
    "node.replace": lambda: of_a_node("node.replace"),
    "node.retire": lambda: of_a_node("node.retire"),
    "issuer.key retire": lambda: of_an_issuers_key("retire"),
    "issuer.key compromise": lambda: of_an_issuers_key("compromise"),
    "accreditation.amend that narrows": lambda: amends({**SCOPE, "achievement_types": ["Degree"]}, "Badge"),
    "accreditation.status suspend": suspends,
    "framework.items of what was published before": lambda: of_a_framework(publish=False, items=True),
    "framework.status withdrawn": lambda: of_a_frameworks_status("withdrawn"),
    "mapping.withdraw": withdraws_a_mapping,
    "recognition.withdraw": withdraws_a_recognition,
    "statement.annul": lambda: annuls(a_suspension=False),
    "statement.annul of a suspension": lambda: annuls(a_suspension=True),
    "vote.approve on a suspension": lambda: votes("vote.approve", narrowing=True),
    "vote.reject": lambda: votes("vote.reject", narrowing=False),
}
"""What takes away; and kinds that know no date of effect (see the module)."""

NO_ANSWER: Final = {"issuance.commit"}
"""Kinds that no record and no answer follows from: a quorum's note dates them, whatever they say themselves."""


def both(told: Told) -> tuple[Fold, Fold]:
    """Folds of what was said without the statements dated ahead, and with them."""
    ahead = {one.id for one in told.ahead}
    without = fold_of(told.town.eco, [one for one in told.town.said if one.id not in ahead])
    return without, told.town.fold()


def test_every_kind_of_statement_is_in_one_of_the_tables() -> None:
    told = {name.split()[0] for name in (*WAITS, *AT_ONCE)}
    assert told | NO_ANSWER | {"charter.genesis"} == set(KINDS)


def test_under_a_founding_that_is_dated_ahead_everything_waits() -> None:
    """Nothing can be said before the keys that say it were introduced."""
    town = trio()
    town.says(A, "accreditation.grant", grant(scope=SCOPE))
    fold = town.fold()
    assert not asks()(fold, START - DAY)
    assert asks()(fold, START + DAY)


@pytest.mark.parametrize("name", WAITS)
def test_what_gives_and_is_dated_ahead_waits_for_its_date(name: str) -> None:
    told = WAITS[name]()
    without, within = both(told)
    assert told.answer(within, NOW) == told.answer(without, NOW)
    later = AHEAD + 100
    assert told.answer(within, later) != told.answer(without, later), "the story shows nothing"


@pytest.mark.parametrize("name", AT_ONCE)
def test_what_takes_away_and_is_dated_ahead_counts_at_once(name: str) -> None:
    told = AT_ONCE[name]()
    without, within = both(told)
    assert told.answer(within, NOW) != told.answer(without, NOW)
    assert told.answer(within, AHEAD + 100) != told.answer(without, AHEAD + 100), "and goes on to"


def test_a_key_that_was_introduced_ahead_is_of_use_once_another_key_introduces_it_with_a_right_date() -> None:
    """What is dated ahead blocks nobody for good."""
    town = trio(keys=2)
    town.time = NOW - DAY
    new = Pen("new", A)
    fast(town, f"{A}#1", "key.add", key_entry(new, budget=9), A)
    town.says(new, "accreditation.grant", grant(scope=SCOPE))
    assert not asks()(town.fold(), NOW)
    town.says(f"{A}#2", "key.add", key_entry(new, budget=9), A)
    town.says(new, "accreditation.grant", grant(scope=SCOPE, valid_from=1))
    assert asks()(town.fold(), NOW)
