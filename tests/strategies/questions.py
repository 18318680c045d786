"""Ecosystems in which much has happened, and questions about them: for whoever compares two programs that decide.

Most of what an issuer, its accreditors and its keys can go through is drawn by chance, also what a node may lack.
"""

from dataclasses import replace
from itertools import permutations
from typing import Any

from hypothesis import strategies as st

from accredit.registry.decision.query import ACCREDIT, Query
from accredit.registry.domain.record_types import NeededRule
from accredit.registry.domain.records import MemoryRecords
from accredit.registry.domain.vocabulary import EVENTS, LAPSING_EVENTS
from accredit.registry.encoding.identifiers import CanonicalId
from tests.strategies import domain
from tests.strategies.domain import (
    ALIAS,
    COLLEGE,
    ECOSYSTEM,
    FRAMEWORK,
    HLC,
    K1,
    NOW,
    STATE,
    UNION,
    World,
    at,
    grant_body,
    key_text,
    times,
)

GUILD = "did:web:guild.example"
OTHER = "did:web:other.example"
METHODS = [f"{COLLEGE}#k{number}" for number in range(3)]
_KEYS = ("one", "two", "three")

_DATES = [at(f"{year}-02-01") for year in range(2008, 2027)] * 3 + [NOW, NOW + 300, NOW + 301]

_mapped = st.sampled_from([*(f"{FRAMEWORK}/{number}" for number in range(4)), "urn:example:zero", "urn:example:far"])
_MAPPED_SCOPES: list[dict[str, Any]] = [
    {"competencies": [f"{FRAMEWORK}/1"], "achievement_types": "*"},
    {"competencies": [f"{FRAMEWORK}/0"], "inherit_to_narrower": True, "achievement_types": "*"},
    {"frameworks": [FRAMEWORK], "achievement_types": "*"},
]
_ruled: st.SearchStrategy[NeededRule | None] = st.sampled_from(
    [None] * 6 + [{"authorities": 1}, {"authorities": 2, "constituencies": {"labor": 1}}]
)
_maybe = st.booleans()
_seldom = st.sampled_from((False, False, False, False, False, True, False, False))
_achievements = st.sampled_from(["BachelorDegree", "Degree", "Badge", "ResearchDoctorate", "Achievement", "ext:Own"])
_limits = st.fixed_dictionaries(
    {},
    optional={
        "credential_types": st.sampled_from(["*", ["OpenBadgeCredential"]]),
        **{name: one for name, one in domain.scope_axes.items() if name != "inherit_to_narrower"},
        "inherit_to_narrower": _maybe,
        "categories": st.sampled_from(["*", ["bootcamp"], ["bootcamp", "employer"]]),
    },
)


@st.composite
def ecosystems(draw: st.DrawFn) -> World:
    """A college with a history, delegates that hold one mandate or several, keys, frameworks, recognitions."""
    world = draw(domain.histories(length=4))
    draw(wide_grants(world))
    world.charter["max_backdating"] = draw(st.sampled_from([0, 86_400, 10**9]))
    if draw(_maybe):
        del world.charter["max_backdating"]
    world.charter["publishers"] = draw(st.sampled_from([[], [STATE], [HLC, STATE]]))
    vias = [draw(delegations(world)) for _ in range(draw(st.integers(0, 2)))]
    was_delegate_before = draw(_seldom)
    if vias and was_delegate_before:
        world.standings[UNION].append(domain.standing("Union of old"))  # named in the charter besides
    for via in vias:
        member = draw(st.sampled_from([[], [{"by": UNION, "via": via}], [STATE]]))
        more: dict[str, Any] = {"publishers": member} if member else {}
        body = grant_body(scope=draw(domain.scopes), valid_from=draw(times), **more)
        how: dict[str, Any] = {"by": UNION, "via": via, "iat": draw(times)}
        world.say("accreditation.grant", body, **how)
        if draw(_maybe):
            world.register(also_known_as=[ALIAS], categories=draw(st.sampled_from([["bootcamp"], ["employer"]])), **how)
    for _ in range(draw(st.integers(0, 3))):
        draw(key_words(world))
    if draw(_maybe):
        by = draw(st.sampled_from([HLC, STATE]))
        publish = world.framework(iat=draw(times), hold_back=draw(st.integers(0, 1)), by=by)
        if draw(_maybe):
            status = draw(st.sampled_from(["active", "deprecated", "withdrawn"]))
            judged = {"framework": FRAMEWORK, "publish": publish, "status": status, "after": []}
            world.say("framework.status", {**judged, "effective_from": draw(times)}, sub=FRAMEWORK, by=by)
    for _ in range(draw(st.integers(0, 2))):
        draw(recognitions(world))
    if draw(_maybe):
        world.register(OTHER, name="Other", also_known_as=draw(st.sampled_from([[], [ALIAS], [COLLEGE]])))
    numbers = st.integers(0, len(world.said) - 1)
    for number in draw(st.lists(numbers, max_size=2)):
        said = world.said[number]
        world.said[number] = replace(said, met=said.statement.iat + draw(st.integers(-(10**8), 10**8)))
    for number in draw(st.lists(numbers, max_size=1)):
        world.said[number] = replace(world.said[number], is_anchored=False)
    return world


@st.composite
def crosswalked(draw: st.DrawFn) -> World:
    """Grants of few competencies, and mappings between any two, by whoever there is; some withdrawn, some weighed."""
    world = World(publishers=draw(st.sampled_from([[], [STATE]])))
    world.register(iat=0)
    for _ in range(draw(st.integers(0, 1))):
        draw(delegations(world))
    if not draw(_seldom):
        world.framework(iat=0, by=draw(st.sampled_from([HLC, STATE])))
    mandates = [(HLC, None), (STATE, None), *((UNION, one["via"]) for one in world.standings.get(UNION, ()))]
    by, via = draw(st.sampled_from(mandates))
    scope = draw(st.sampled_from(_MAPPED_SCOPES))
    world.say("accreditation.grant", grant_body(scope=scope, valid_from=0), by=by, via=via, iat=0)
    world.said[-1] = replace(world.said[-1], rule=draw(_ruled))
    relations = ["exact_match", "exact_match", "replaced_by", "translation_of", "close_match"]
    link = st.tuples(_mapped, st.sampled_from(relations), _mapped)
    for number in range(draw(st.integers(1, 3))):
        by, via = draw(st.sampled_from([*mandates, *[(by, via)] * 6]))
        id, how = f"https://skills.example/crosswalk/{number}", {"by": by, "via": via}
        links = draw(st.lists(link, min_size=3, max_size=8, unique=True))
        usable, iat = draw(st.sampled_from([True, True, False])), draw(st.just(0) | times)
        publish = world.mapping(*links, id=id, usable=usable, iat=iat, **how)
        is_anchored = not draw(_seldom)
        world.said[-1] = replace(world.said[-1], rule=draw(_ruled), is_anchored=is_anchored)
        if draw(_seldom):
            body = {"mapping": id, "publish": publish, "effective_from": draw(times)}
            world.say("mapping.withdraw", body, sub=id, **how)
    return world


@st.composite
def crowded(draw: st.DrawFn) -> World:
    """A college whose keys say much of each other under few numbers; an authority has ended one of them, perhaps."""
    world = World()
    keys = [
        {"id": method, "public_key_multibase": key_text(name), **draw(_windows)}
        for method, name in zip(METHODS, _KEYS, strict=True)
    ]
    world.register(iat=0, keys=keys)
    world.say("accreditation.grant", grant_body(scope=_MAPPED_SCOPES[2], valid_from=0), iat=0)
    dates = st.integers(at("2010-01-01"), at("2010-01-09"))
    for whose, about in draw(st.lists(st.sampled_from(list(permutations((0, 1, 2), 2))), min_size=1, max_size=3)):
        for _ in range(draw(st.integers(1, 4))):
            how: dict[str, Any] = {"by": COLLEGE, "via": bytes(32), "key": _KEYS[whose], "iat": draw(dates)}
            how["seq"] = draw(st.integers(2, 3))
            world.key_event(op="compromise", key_id=METHODS[about], how=how, compromised_since=draw(dates))
    if draw(_maybe):
        world.key_event(op="retire", key_id=draw(st.sampled_from(METHODS)), how={"iat": NOW}, valid_until=draw(dates))
    return world


@st.composite
def key_questions(draw: st.DrawFn) -> Query:
    """A question about one of the college's keys at a time at which they speak of each other."""
    time = draw(st.integers(at("2010-01-01"), at("2010-01-10")))
    return Query(
        entity=COLLEGE, authority=ECOSYSTEM, framework=FRAMEWORK, key=draw(st.sampled_from(METHODS)), time=time
    )


@st.composite
def competency_questions(draw: st.DrawFn) -> Query:
    """A question about what the college may attest, by its competency alone."""
    time = draw(st.none() | st.sampled_from(_DATES))
    return Query(entity=COLLEGE, authority=ECOSYSTEM, competencies=(CanonicalId(draw(_mapped)),), time=time)


@st.composite
def wide_grants(draw: st.DrawFn, world: World) -> None:
    """A grant of the widest scope, and a graph of what came of it: so that many questions get as far as its status."""
    start = draw(st.integers(at("2009-01-01"), at("2020-01-01")))
    ends: dict[str, Any] = {"valid_until": start + draw(st.integers(1, 10**9))} if draw(_maybe) else {}
    grant = world.grant(iat=draw(st.sampled_from([start, start - 1, start + 10**7])), valid_from=start, **ends)
    said = [grant]
    for _ in range(draw(st.integers(0, 4))):
        event, since = draw(st.sampled_from(EVENTS)), draw(times)
        members: dict[str, Any] = {"effective_from": since}
        if event in LAPSING_EVENTS and draw(_maybe):
            members["effective_until"] = since + draw(st.integers(1, 10**8))
        if event == "revoke" and draw(_seldom):
            members["void_from"] = since - draw(st.integers(0, 10**8))
        if event == "teach_out" and draw(_maybe):
            members["applies_to"] = {"cohorts_enrolled_before": since}
        if event == "suspend" and draw(_maybe):
            members["reason_code"] = "financial_instability"
        after = draw(st.lists(st.sampled_from(said), unique=True, min_size=1, max_size=2))
        body = domain.status_body(grant, event, "2000-01-01", after=after, **members)
        said.append(world.say("accreditation.status", body, iat=draw(times)))


@st.composite
def delegations(draw: st.DrawFn, world: World) -> bytes:
    """A mandate of the union's, from an authority or by way of the guild; now and then limited, ended or withdrawn."""
    members: dict[str, Any] = {"limits": draw(_limits)}
    if draw(_maybe):
        members["valid_from"] = draw(times)
    if draw(_maybe):
        members["valid_until"] = draw(times)
    if draw(_seldom):
        members["withdrawn"] = {"statement": domain.seed_of("withdrawal"), "effective_from": draw(times)}
    if draw(_seldom):
        members["actions"] = ["framework.*"]
    parent: dict[str, Any] = {"by": draw(st.sampled_from([HLC, STATE])), "via": None}
    if draw(_maybe):
        given = world.delegate(GUILD, parent["by"], limits=draw(_limits))
        parent = {"by": GUILD, "via": given if not draw(_seldom) else domain.seed_of("gone")}
    via = domain.seed_of(f"mandate {len(world.standings.get(UNION, ()))}")
    held = {"via": via, "parent": parent, "actions": ["accreditation.*"], **members}
    world.standings.setdefault(UNION, []).append(domain.standing("Union", **held))
    return via


@st.composite
def key_words(draw: st.DrawFn, world: World) -> None:
    """A word about one of the college's keys: an authority's, or one of the keys' own."""
    op = draw(st.sampled_from(["add", "retire", "compromise"]))
    name, whose = draw(st.sampled_from(METHODS)), draw(st.sampled_from(_KEYS))
    how: dict[str, Any] = {"iat": draw(times)}
    if op == "add":
        key = {"id": name, "public_key_multibase": key_text(whose)}
        mandates = [(HLC, None), (STATE, None), *((UNION, one["via"]) for one in world.standings.get(UNION, ()))]
        by, via = draw(st.sampled_from(mandates))
        world.key_event(op="add", key={**key, **draw(_windows)}, how={**how, "by": by, "via": via})
        world.said[-1] = replace(world.said[-1], is_anchored=via is None or draw(_maybe))
        return
    ends = {"retire": "valid_until", "compromise": "compromised_since"}[op]
    since: dict[str, Any] = {ends: draw(times)} if draw(_maybe) else {}
    if draw(_maybe):
        how |= {"by": COLLEGE, "via": bytes(32), "key": whose, "seq": draw(st.integers(2, 4))}
    world.key_event(op=op, key_id=name, how=how, **since)


_windows = st.fixed_dictionaries(
    {}, optional={"valid_from": st.integers(0, at("2020-01-01")), "valid_until": st.integers(at("2020-01-02"), NOW)}
)


@st.composite
def recognitions(draw: st.DrawFn, world: World) -> None:
    """A recognition, perhaps ended or withdrawn."""
    window = draw(_windows)
    actions = draw(st.sampled_from([["issue"], ["*"], ["verify", "issue"]]))
    granted = world.say("recognition.grant", {"id": OTHER, "name": "Other", "actions": actions, **window}, sub=OTHER)
    if draw(_maybe):
        world.say("recognition.withdraw", {"recognition": granted, "effective_from": draw(times)}, sub=OTHER)


@st.composite
def records_of(draw: st.DrawFn, world: World) -> MemoryRecords:
    """The world's records, now and then without one of them."""
    records = world.records()
    if draw(_seldom):
        kind, id = draw(st.sampled_from(sorted(records._records)))
        records.put(kind, id, None)
    return records


_types = st.sampled_from(["OpenBadgeCredential", "VerifiableCredential", "ClrCredential", "AchievementCredential"])
_competency = st.sampled_from([*(f"{FRAMEWORK}/{number}" for number in range(4)), "urn:example:zero"])
_axes: dict[str, st.SearchStrategy[Any]] = {
    "resource": st.sampled_from([FRAMEWORK, f"{FRAMEWORK}/1", "urn:example:zero"]),
    "credential_types": st.lists(_types, min_size=1, max_size=2).map(tuple),
    "competencies": st.lists(_competency, min_size=1, max_size=2).map(tuple),
    "framework": st.sampled_from([FRAMEWORK, "https://other.example/framework"]),
    "level": st.tuples(st.sampled_from(["EQF", "ISCED2011", "QF-EHEA", "SCQF"]), st.integers(0, 12)),
    "jurisdiction": domain.jurisdictions,
    "program": st.sampled_from(["nursing", "welding"]),
    "field_of_study": st.sampled_from([("cip", "51"), ("cip", "51.38"), ("soc", "15-1252"), ("soc", "15-0000")]),
    "delivery_mode": st.sampled_from(["online", "in_person"]),
    "key": st.sampled_from([K1, *METHODS, key_text("one"), f"did:key:{key_text('two')}#{key_text('two')}"]),
}


@st.composite
def questions(draw: st.DrawFn, world: World) -> Query:
    """A question about somebody there; most about the college, and on few axes, so that not all answers are no."""
    vias = [one["via"].hex() for one in world.standings.get(UNION, ()) if one["via"] is not None]
    mandates = [f"{UNION}#{via}" for via in vias]
    entities = [COLLEGE] * 9 + [ALIAS, ALIAS, OTHER, f"{COLLEGE}#k1", "did:web:COLLEGE.example", "no identifier"]
    authorities = [ECOSYSTEM] * 9 + [HLC, STATE, UNION, *mandates, GUILD, "no identifier", f"{HLC}#key"]
    action = draw(st.sampled_from(["issue"] * 6 + [ACCREDIT, "sing"]))
    if action == ACCREDIT:
        entities = [UNION, UNION, HLC, GUILD, COLLEGE, *mandates]
    axes = draw(st.lists(st.sampled_from(sorted(_axes)), max_size=2, unique=True))
    asked: dict[str, Any] = {name: draw(_axes[name]) for name in axes}
    if not draw(_seldom):
        asked["achievement_types"] = tuple(draw(st.lists(_achievements, min_size=1, max_size=2)))
    if draw(_maybe):
        asked["time"] = draw(st.sampled_from(_DATES))
    return Query(
        entity=draw(st.sampled_from(entities)), authority=draw(st.sampled_from(authorities)), action=action, **asked
    )
