"""A search for a way in which fewer than made a decision undo it.

A *drama* is an ecosystem with rules of its own, a grant, and what narrowed it; in some a mapping widened the grant and
was withdrawn. An *intruder* holds some keys, too few to undo any of that by the law as it is written (`may_undo_some`
and `may_map` read it from the rules alone, not from the code that judges). He then says whatever comes to mind, most of
it well aimed: no answer may get better by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from accredit.governance.fold import Fold
from accredit.governance.rules.charter import Charter, Rule
from accredit.governance.rules.rulebook import RETROACTIVE, TWO, names_mandate, rule_for
from accredit.governance.rules.undoing import is_met, join
from accredit.governance.standing import standing_of
from accredit.registry.decision.decide import decide
from accredit.registry.decision.query import Query
from accredit.registry.decision.verdict import Verdict
from accredit.registry.domain.record_types import Record
from accredit.registry.domain.vocabulary import EVENTS, LAPSING_EVENTS
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.limits import TIME_MAX
from accredit.registry.statement import Statement
from tests.strategies.bodies import ISSUER, SCOPE, delegation, event, grant, register
from tests.strategies.consortium import START, Consortium, Pen, key_entry
from tests.strategies.stories import DELEGATE, TRIO, A, B

GRADES: Final = {Verdict.TRUSTED: 3, Verdict.TRUSTED_WITH_ADVISORY: 2, Verdict.TRUSTED_HISTORICAL: 1}
"""How good an answer is; every other one is worth nothing."""

WIDER: Final = {"achievement_types": "*", "credential_types": "*", "jurisdictions": ["US"]}
NARROWER: Final = SCOPE | {"jurisdictions": ["US-IN"]}
DAY: Final = 86_400
ASKED: Final = ("BachelorDegree", "License")
BADGE: Final = CanonicalId("https://badges.example/first-aid")
LICENCE: Final = CanonicalId("https://licences.example/surgeon")
CROSSWALK: Final = "https://crosswalks.example/one"
_RULED: Final = (
    "accreditation.grant",
    "accreditation.amend",
    "accreditation.status",
    RETROACTIVE,
    "statement.annul",
    "key.retire",
    "key.compromise",
    "authority.withdraw",
    "authority.delegate",
    "mapping.publish",
    "mapping.withdraw",
)
_RULES: Final[tuple[dict[str, Any], ...]] = (
    {"authorities": 1},
    {"authorities": 2},
    {"authorities": 3},
    {"majority": True},
    {"authorities": 1, "constituencies": {"public": 1}},
    {"authorities": 2, "constituencies": {"nonprofit": 1}},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """One thing that took trust away: said by a voice alone (its authority's id), or by several (None)."""

    statement: Statement
    rule: Rule
    by: str | None


class Only:
    """The records of a fold with one accreditation alone: what a new grant gives takes nobody's decision back."""

    def __init__(self, fold: Fold, accreditation: bytes) -> None:
        self._fold = fold
        self._accreditation = accreditation

    def get(self, type: str, id: str) -> Record | None:
        """See `Records`."""
        record = self._fold.get(type, id)
        if record is None or type != "issuer":
            return record
        kept = [one for one in record["accreditations"] if one[0] == self._accreditation]
        return {**record, "accreditations": kept}


@dataclass(kw_only=True)
class Drama:
    """See the module."""

    random: Random
    town: Consortium
    keys: int
    threshold: int
    owner: CanonicalId
    given: Statement
    delegation: Statement | None
    mapping: Statement | None = None
    narrowings: list[Narrowing] = field(default_factory=list)

    @property
    def charter(self) -> Charter:
        charter = self.town.fold().charter
        assert charter is not None
        return charter

    def pens(self) -> list[Pen]:
        """Every key that anybody holds, the committed next ones too."""
        found = list(self.town.pens.values())
        return found + [Pen(f"{pen.name} next", pen.authority) for pen in found if pen.authority != DELEGATE]

    def rule(self, name: str) -> Rule:
        return rule_for(name, self.charter.rules)

    def times(self, now: int) -> tuple[int | None, ...]:
        """The times that are asked about; None: the present."""
        return None, START + 60, self.given.iat + 5, now - DAY

    def answers(self, fold: Fold, now: int) -> list[int]:
        """How good the answers are: as of now, as of then; about what the grant alone covers, then about what a mapping
        would add (`about_mapped` says how many these are)."""
        records = Only(fold, self.given.id)
        found = []
        for time in self.times(now):
            for achievement in ASKED:
                query = Query(
                    entity=ISSUER,
                    authority=self.town.id,
                    achievement_types=(achievement,),
                    jurisdiction="US",
                    time=time,
                )
                verdict = decide(query, records, now, ecosystem_id=self.town.id).verdict
                found.append(GRADES.get(verdict, 0))
        return found + self.about_mapped(fold, now)

    def about_mapped(self, fold: Fold, now: int) -> list[int]:
        """How good the answers about a competency are that is not granted, but mapped to one that is."""
        records = Only(fold, self.given.id)
        found = []
        for time in self.times(now):
            query = Query(entity=ISSUER, authority=self.town.id, competencies=(LICENCE,), jurisdiction="US", time=time)
            verdict = decide(query, records, now, ecosystem_id=self.town.id).verdict
            found.append(GRADES.get(verdict, 0))
        return found


def say(drama: Drama, by: str, kind: str, body: dict[str, Any], sub: str | None, *, among: Sequence[str]) -> Statement:
    """One statement, signed by as many keys of its author as its threshold asks, and carried by `among`."""
    town = drama.town
    said = town.says(f"{by}#1", kind, body, sub)
    for each in dict.fromkeys((by, *among)):
        needed = 1 if each == DELEGATE else drama.threshold
        for number in range(1, needed + 1):
            if (each, number) != (by, 1):
                town.votes(f"{each}#{number}", said)
    return said


def carriers(drama: Drama, rule: Rule, first: CanonicalId) -> list[CanonicalId] | None:
    """The authorities that carry something by a rule, the author among them; None where nobody can."""
    if rule.asks_one:
        return [first]
    ids = [by for by, _ in TRIO]
    drama.random.shuffle(ids)
    chosen = [first]
    for by in ids:
        if is_met(rule, sorted(chosen), drama.charter):
            break
        chosen += [by] if by not in chosen else []
    return chosen if is_met(rule, sorted(chosen), drama.charter) else None


def stage(random: Random) -> Drama | None:
    """A drama; None where what was drawn does not come to one."""
    keys = random.choice((1, 1, 2))
    threshold = random.randint(1, keys)
    rules = {name: random.choice(_RULES) for name in _RULED if random.random() < 0.4}
    charter: dict[str, Any] = {"rules": rules}
    if random.random() < 0.3:
        charter["max_backdating"] = 50 * DAY
    town = Consortium.of(*TRIO, keys=keys, threshold=threshold, next_keys=random.random() < 0.5, **charter)
    made = None
    if random.random() < 0.5:
        town.pen(f"{DELEGATE}#1", DELEGATE)
        made = town.says(
            f"{A}#1",
            "authority.delegate",
            delegation(
                DELEGATE,
                [key_entry(town.pen(f"{DELEGATE}#1"), budget=500)],
                actions=["issuer.*", "accreditation.*", "authority.delegate", "mapping.*"],
            ),
        )
        for number in range(2, threshold + 1):
            town.votes(f"{A}#{number}", made)
        aside = _aside(random)
        if aside.random() < 0.4:
            second_mandate(town, aside, threshold, made)
    drama = Drama(
        random=random, town=town, keys=keys, threshold=threshold, owner=A, given=town.genesis, delegation=made
    )
    rule = drama.rule("accreditation.grant")
    drama.owner = DELEGATE if made is not None and rule.asks_one else A
    among = carriers(drama, rule, drama.owner)
    say(drama, drama.owner, "issuer.register", register(), None, among=[drama.owner])
    if among is None:
        return None
    is_mapped = random.random() < 0.5
    body = grant(scope=random.choice((SCOPE, WIDER)) | ({"competencies": [BADGE]} if is_mapped else {}))
    drama.given = say(drama, drama.owner, "accreditation.grant", body, None, among=among)
    town.time += 100
    if not drama.answers(town.fold(), town.time)[0]:
        return None
    if is_mapped and random.random() < 0.7:
        unmap(drama)
    # Where a mapping was withdrawn, that may be all that happened.
    for _ in range(random.randint(0 if drama.mapping is not None else 1, 3)):
        if (narrowed := narrow(drama)) is not None:
            drama.narrowings.append(narrowed)
        town.time += random.choice((1, 100, 3 * DAY))
    town.time += 2 * DAY
    if not drama.narrowings:  # a grant that nobody narrowed can still be widened by those who may not
        return drama if drama.mapping is None or not drama.about_mapped(town.fold(), town.time)[0] else None
    return drama if not drama.answers(town.fold(), town.time)[0] else None


def _aside(random: Random) -> Random:
    """Draws that change nothing of what is drawn later."""
    aside = Random()
    aside.setstate(random.getstate())
    return aside


def second_mandate(town: Consortium, random: Random, threshold: int, first: Statement) -> None:
    """B delegates to A's delegate too, with that delegate's key and an earlier date: it must gain nothing by that."""
    entry = key_entry(town.pen(f"{DELEGATE}#1"), budget=500)
    body = delegation(DELEGATE, [entry], actions=["issuer.*", "accreditation.*"], name=f"{random.random()}")
    made = town.says(f"{B}#1", "authority.delegate", body, iat=first.iat - 1)
    for number in range(2, threshold + 1):
        town.votes(f"{B}#{number}", made)


def crosswalk(*, usable: bool = True, id: str = CROSSWALK) -> dict[str, Any]:
    """A mapping by which whoever may attest first aid may attest a licence."""
    return {
        "id": id,
        "title": "A crosswalk",
        "source": {"framework": "https://licences.example/"},
        "target": {"framework": "https://badges.example/"},
        "method": "expert",
        "usable_for_scope": usable,
        "links": [{"source": LICENCE, "relation": "exact_match", "target": BADGE}],
    }


def unmap(drama: Drama) -> None:
    """The owner, or several, publish a mapping that widens the grant, and withdraw it."""
    town, rule = drama.town, map_rule(drama)
    first = drama.owner if rule.asks_one else A
    among = carriers(drama, rule, first)
    if among is None:
        return
    made = say(drama, first, "mapping.publish", crosswalk(), None, among=among)
    town.time += drama.random.choice((1, 3 * DAY))
    ending = drama.rule("mapping.withdraw")
    if first == DELEGATE and not ending.asks_one:
        return
    among = carriers(drama, ending, first)
    if among is None or not drama.about_mapped(town.fold(), town.time)[0]:
        return
    body = {"mapping": CROSSWALK, "publish": made.id, "effective_from": town.time + 1}
    say(drama, first, "mapping.withdraw", body, CROSSWALK, among=among)
    drama.mapping = made


def narrow(drama: Drama) -> Narrowing | None:
    """The owner, one above it, or several, take trust away."""
    random, town, given = drama.random, drama.town, drama.given
    earlier = [one.statement.id for one in drama.narrowings if one.statement.kind == "accreditation.status"]
    after = random.sample(earlier, random.randint(0, len(earlier)))
    first = random.choice((drama.owner, A, A))
    body = event(given.id, "suspend", effective_from=town.time + 1, after=after, reason_code="fraud")
    kind, names = "accreditation.status", ["accreditation.status"]
    if random.random() < 0.4:
        body |= {"event": "revoke", "void_from": given.iat}
        names.append(RETROACTIVE)
    elif random.random() < 0.3:
        kind, names = "accreditation.amend", ["accreditation.amend"]
        body = {
            "accreditation": given.id,
            "after": [given.id],
            "effective_from": town.time + 1,
            # Whatever axis the grant lists stays listed: else nothing shows that the amendment narrows.
            "scope": NARROWER | {axis: one for axis, one in given.body["scope"].items() if axis == "competencies"},
            "valid_from": 0,
        }
    rule = join([drama.rule(name) for name in names], drama.charter)
    first = A if not rule.asks_one else first
    among = carriers(drama, rule, first)
    if among is None:
        return None
    said = say(drama, first, kind, body, ISSUER, among=among)
    standing = standing_of(town.fold(), said.id)
    if standing is None or standing.voice is None:
        return None
    return Narrowing(statement=said, rule=rule, by=first if rule.asks_one else None)


# ------------------------------------------------------------------------------------------------ who may


def held_by(drama: Drama, pens: Sequence[Pen]) -> set[CanonicalId]:
    """The authorities, the delegate among them, whose thresholds these keys meet; a next key is its elder's line."""
    lines: dict[CanonicalId, set[str]] = {}
    for pen in pens:
        lines.setdefault(CanonicalId(pen.authority), set()).add(pen.name.removesuffix(" next"))
    return {by for by, names in lines.items() if len(names) >= (1 if by == DELEGATE else drama.threshold)}


def may_undo_some(drama: Drama, pens: Sequence[Pen]) -> bool:
    """Whether the holder of these keys may undo any of what narrowed, or the charter itself, by the rules alone."""
    held = held_by(drama, pens)
    named, charter = sorted(held - {DELEGATE}), drama.charter
    grant_rule = drama.rule("accreditation.grant")

    def meets(*rules: Rule) -> bool:
        rule = join(rules, charter)
        return bool(named) if rule.asks_one else is_met(rule, named, charter)

    if len(named) * 2 > len(charter.authorities):
        return True
    if any(meets(TWO, drama.rule(kind)) for kind in ("key.retire", "key.compromise")):
        return True
    for one in drama.narrowings:
        if meets(drama.rule("statement.annul"), one.rule, grant_rule):
            return True
        alone = one.by is not None and grant_rule.asks_one
        if alone and (one.by in held or (one.by == DELEGATE and A in held)):
            return True
        if not alone and meets(one.rule, grant_rule):
            return True
    return False


def map_rule(drama: Drama) -> Rule:
    """What it takes to say a mapping that counts: as much as to grant, whichever way."""
    names = ("mapping.publish", "accreditation.grant", "accreditation.amend", "authority.delegate")
    return join([drama.rule(name) for name in names], drama.charter)


def may_widen(drama: Drama, pens: Sequence[Pen]) -> bool:
    """Whether the holder of these keys may amend a grant that nobody has narrowed, so that it covers more."""
    held, charter = held_by(drama, pens), drama.charter
    rule = join([drama.rule(name) for name in ("accreditation.grant", "accreditation.amend")], charter)
    if rule.asks_one:
        return drama.owner in held or (drama.owner == DELEGATE and A in held)
    return is_met(rule, sorted(held - {DELEGATE}), charter)


def may_map(drama: Drama, pens: Sequence[Pen]) -> bool:
    """Whether the holder of these keys may widen the grant by a mapping, or annul the withdrawal of one."""
    held, rule, charter = held_by(drama, pens), map_rule(drama), drama.charter
    named = sorted(held - {DELEGATE})
    if rule.asks_one:
        if drama.owner in held or (drama.owner == DELEGATE and A in held):
            return True
    elif is_met(rule, named, charter):
        return True
    annulling = join([rule, drama.rule("statement.annul"), drama.rule("mapping.withdraw")], charter)
    return is_met(annulling, named, charter) if not annulling.asks_one else bool(named)


# ------------------------------------------------------------------------------------------------ the intruder


class Intruder:
    """Says things with the keys he holds."""

    def __init__(self, drama: Drama, pens: Sequence[Pen]) -> None:
        self.drama = drama
        self.random = drama.random
        self.town = Consortium(
            id=drama.town.id,
            pens={},
            genesis=drama.town.genesis,
            said=list(drama.town.said),
            time=drama.town.time,
            mandates={holder: list(held) for holder, held in drama.town.mandates.items()},
        )
        self.start = len(self.town.said)
        self.pens = [pen.copy() for pen in pens]

    def said(self) -> list[Statement]:
        return self.town.said[self.start :]

    def act(self) -> None:
        """One thing, any."""
        moves = (
            self.undo,
            self.undo,
            self.undo,
            self.take_back,
            self.take_back,
            self.take_back,
            self.amend,
            self.amend,
            self.annul,
            self.cut_off,
            self.cut_off,
            self.rotate,
            self.rotate_to_others,
            self.rotate_to_others,
            self.add_key,
            self.delegate,
            self.withdraw,
            self.vote,
            self.vote,
            self.fork,
            self.map,
            self.map,
            self.unmap,
        )
        self.random.choice(moves)()

    def pen(self) -> Pen:
        """Mostly a key that counts from the start: what a next key or an invented one says seldom takes effect."""
        good = [pen for pen in self.pens if pen.name in self.drama.town.pens]
        return self.random.choice(good if good and self.random.random() < 0.7 else self.pens)

    def say(self, kind: str, body: dict[str, Any], sub: str | None = None) -> None:
        pen = self.pen()
        now = self.town.time + 1
        iat = self.random.choice((now, now, now, now - DAY, START + 50, START - 10 * DAY, now + DAY))
        said = self.town.says(pen, kind, body, sub, iat=iat, mandate=self.mandate(pen, kind))
        for other in self.pens:
            if other is not pen and self.random.random() < 0.5:
                self.town.votes(other, said)

    def mandate(self, pen: Pen, kind: str) -> Statement | None:
        """Mostly the first of a delegate's key, where such a statement has to name one; or any of it, or any of
        another's, or none."""
        made = {s.id: s for s in self.town.said if s.kind == "authority.delegate"}
        held = [made[via] for via in self.town.mandates.get((pen.authority, pen.kid), ()) if via in made]
        usual = held[0] if held and names_mandate(kind) else None
        if not held and self.random.random() < 0.9:
            return usual
        return self.random.choice((usual, usual, None, *held, *held, *made.values()))

    def when(self) -> int:
        now = self.town.time + 1
        return self.random.choice((now, now, now - 3_600, now - 30 * DAY, START, 0, now + 100))

    def some(self, *kinds: str) -> list[bytes]:
        held = [s.id for s in self.town.said if s.kind in kinds]
        return self.random.sample(held, self.random.randint(0, min(3, len(held))))

    def undo(self) -> None:
        word = self.random.choice((*EVENTS, "lift", "reinstate", "renew", "stay", "annul", "annul"))
        after = self.some("accreditation.status")
        if self.random.random() < 0.5:
            after = [s.id for s in self.town.said if s.kind == "accreditation.status"]
        if not after:
            word = "renew"
        body = event(self.drama.given.id, word, effective_from=self.when(), after=after)
        if word in LAPSING_EVENTS and self.random.random() < 0.5:
            body["effective_until"] = body["effective_from"] + 50
        body |= {"sanction": {"sanction_level": "warning"}, "supersede": {"successor": ISSUER}}.get(word, {})
        if word == "teach_out":
            body["applies_to"] = {"programs": ["x"]}
        if word in ("revoke", "withdraw", "deny"):
            body["reason_code"] = "voluntary"
        self.say("accreditation.status", body, ISSUER)

    def take_back(self) -> None:
        """What an honest body would say to undo all that narrowed, with all the keys that he holds of the signer."""
        status = [s for s in self.town.said if s.kind == "accreditation.status"]
        if not status:
            self.undo()
            return
        fits = {"suspend": "lift", "revoke": "reinstate"}
        word = self.random.choice((fits.get(status[-1].body["event"], "annul"), "annul"))
        now = self.town.time + 1
        body = event(self.drama.given.id, word, effective_from=now, after=[s.id for s in status])
        pen, kind = self.pen(), "accreditation.status"
        said = self.town.says(pen, kind, body, ISSUER, iat=now, mandate=self.mandate(pen, kind))
        for other in self.pens:
            if other is not pen and other.authority == pen.authority:
                self.town.votes(other, said)

    def amend(self) -> None:
        body = {
            "accreditation": self.drama.given.id,
            "after": [*self.some("accreditation.amend"), self.drama.given.id],
            "effective_from": self.when(),
            "scope": self.random.choice((SCOPE, WIDER, NARROWER)),
            "valid_from": 0,
        }
        self.say("accreditation.amend", body, ISSUER)

    def annul(self) -> None:
        target = self.random.choice([s for s in self.town.said if not s.kind.startswith(("vote.", "charter."))])
        self.say("statement.annul", {"target": target.id, "reason_code": "error"}, target.id.hex())

    def _ended(self) -> tuple[Pen, dict[str, Any]]:
        pen = self.random.choice([*self.pens, *self.pens, *self.drama.town.pens.values()])
        last = [s.id for s in self.town.said if s.kid == pen.kid]
        return pen, {"key": pen.kid, "last": self.random.choice([None, *last])}

    def cut_off(self) -> None:
        pen, body = self._ended()
        self.say(self.random.choice(("key.retire", "key.compromise")), body, pen.authority)

    def rotate(self) -> None:
        pen, body = self._ended()
        new = Pen(f"intruder's {len(self.pens)}", pen.authority)
        if self.random.random() < 0.5:  # the committed successor brings itself
            nexts = [one for one in self.pens if one.name == f"{pen.name} next"]
            new = nexts[0] if nexts else new
            if nexts:
                self.town.says(new, "key.rotate", body | {"new": key_entry(new, budget=50)}, pen.authority)
                return
        self.say("key.rotate", body | {"new": key_entry(new, budget=50)}, pen.authority)
        self.pens.append(new)

    def rotate_to_others(self) -> None:
        """Ends a key of his, and names keys of other bodies as the new ones: they were to count as one."""
        ended = self.pen()
        own = [pen for pen in self.pens if pen.authority == ended.authority]
        pen = self.random.choice([one for one in own if one.kid != ended.kid] or own)
        others = [one for one in self.drama.town.pens.values() if one.authority != ended.authority]
        body = {"key": ended.kid, "last": ended.prev}
        for other in self.random.sample(others, self.random.randint(1, min(3, len(others)))):
            new = key_entry(Pen(other.name, ended.authority), budget=0)
            said = self.town.says(
                pen, "key.rotate", body | {"new": new}, pen.authority, mandate=self.mandate(pen, "key.rotate")
            )
            for more in own:
                if more.kid not in (pen.kid, ended.kid):
                    self.town.votes(more, said)

    def add_key(self) -> None:
        by = self.pen().authority
        new = Pen(f"intruder's {len(self.pens)}", by)
        self.say("key.add", key_entry(new, budget=50), by)
        self.pens.append(new)

    def delegate(self) -> None:
        by = self.random.choice((DELEGATE, "https://sock.example/", *(by for by, _ in TRIO)))
        is_taken = by == DELEGATE and self.drama.delegation is not None and _aside(self.random).random() < 0.5
        new = self.drama.town.pens[f"{DELEGATE}#1"].copy() if is_taken else Pen(f"intruder's {len(self.pens)}", by)
        actions = self.random.choice(
            (["issuer.*", "accreditation.*"], ["accreditation.*", "authority.delegate"], ["mapping.*", "framework.*"])
        )
        self.say("authority.delegate", delegation(by, [key_entry(new, budget=50)], actions=actions))
        if not is_taken:
            self.pens.append(new)

    def withdraw(self) -> None:
        made = self.random.choice([s for s in self.town.said if s.kind == "authority.delegate"] or [None])
        if made is not None:
            keys = {s.kid: s.id for s in self.random.sample(self.town.said, min(4, len(self.town.said)))}
            heads = [{"key": key, "id": keys[key]} for key in sorted(keys)]
            body = {
                "delegation": made.id,
                "heads": self.random.choice(([], heads, self.town.heads())),
                "effective_from": self.when(),
            }
            self.say("authority.withdraw", body, made.body["delegate"])

    def vote(self) -> None:
        chosen = self.random.sample(self.town.said, min(3, len(self.town.said)))
        self.town.votes(self.pen(), *(self.said()[-1:] or chosen), approve=self.random.random() < 0.8)

    def map(self) -> None:
        """A mapping once more, under the same id or another; or votes on one that waits."""
        id = self.random.choice((CROSSWALK, CROSSWALK, f"{CROSSWALK}/more"))
        self.say("mapping.publish", crosswalk(id=id, usable=self.random.random() < 0.8))

    def unmap(self) -> None:
        """Withdraws one, now, then, or later; of another's, or its own."""
        made = self.random.choice([s for s in self.town.said if s.kind == "mapping.publish"] or [None])
        if made is not None:
            body = {"mapping": made.sub, "publish": made.id, "effective_from": self.when()}
            self.say("mapping.withdraw", body, made.sub)

    def fork(self) -> None:
        """One of his keys goes on from an earlier point."""
        pen = self.pen()
        earlier = [s for s in self.town.said if s.kid == pen.kid]
        if earlier:
            point = self.random.choice(earlier)
            self.pens.append(Pen(pen.name, pen.authority, point.seq, point.prev))


def _some_keys(random: Random, pens: Sequence[Pen], owner: CanonicalId) -> list[Pen]:
    """All of one body's, or any; often those of the grant's owner, who is the one to be overruled."""
    if random.random() < 0.6:
        by = random.choice([*sorted({pen.authority for pen in pens}), owner, owner])
        return [pen for pen in pens if pen.authority == by]
    return random.sample(pens, random.randint(1, max(1, len(pens) // 2)))


def _at_stake(drama: Drama, pens: Sequence[Pen], now: int) -> list[int]:
    """Which of the answers may not get better by these keys: their numbers."""
    times, widens = drama.times(now), may_widen(drama, pens)
    # Whoever may make the grant may make it wider, as of times at which nobody had taken any of it away.
    first = min((_begins(one.statement) for one in drama.narrowings), default=TIME_MAX)
    granted = [time for time in times for _ in ASKED]
    found = [n for n, time in enumerate(granted) if not widens or (now if time is None else time) >= first]
    return found if may_map(drama, pens) else [*found, *range(len(granted), len(granted) + len(times))]


def _begins(narrowing: Statement) -> int:
    return int(narrowing.body.get("void_from", narrowing.body["effective_from"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the search came to: how many sets of statements were looked at, and those that made an answer better.

    `mapped`: of how many sets what a withdrawn mapping had added was looked at as well.
    """

    states: int
    dramas: int
    mapped: int
    better: tuple[str, ...]


def search(seeds: Sequence[int], *, intruders: int = 6, tries: int = 4, stop_at_first: bool = False) -> Found:
    """Plays a drama for each seed, and lets intruders try.

    Args:
        intruders: sets of keys for each drama. tries: what each of them says anew, from the beginning.
    """
    states, dramas, mapped = 0, 0, 0
    better: list[str] = []
    for seed in seeds:
        if better and stop_at_first:
            break
        random = Random(seed)
        drama = stage(random)
        if drama is None:
            continue
        dramas += 1
        base, pens, now = drama.town.fold(), drama.pens(), drama.town.time + 20 * DAY
        before = drama.answers(base, now)
        for _ in range(intruders):
            chosen = _some_keys(random, pens, drama.owner)
            if may_undo_some(drama, chosen):
                continue
            looked_at = _at_stake(drama, chosen, now)
            for _ in range(tries):
                intruder = Intruder(drama, chosen)
                branch = base.branch()
                for _ in range(random.randint(1, 5)):
                    intruder.act()
                for statement in intruder.said():
                    branch.add(statement)
                branch.settle()
                states += 1
                after = drama.answers(branch, now)
                mapped += drama.mapping is not None and len(before) - 1 in looked_at
                if any(before[number] < after[number] for number in looked_at):
                    keys = ", ".join(pen.name for pen in chosen)
                    better.append(f"seed {seed}: {keys} said {intruder.said()}: {before} -> {after}")
    return Found(states=states, dramas=dramas, mapped=mapped, better=tuple(better))
