"""Histories of much that counts, said or voted on with keys that are ended or in two hands, and heard in any order.

`forked` tells of keys alone. Here the votes of such keys concern everything that can be decided, and may come
before it: so a statement that arrives late may turn what nobody seemed to have touched.
"""

from collections.abc import Callable
from random import Random
from typing import Any, Final, Literal

from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.statement import Statement
from tests.strategies.bodies import FRAMEWORK, SCOPE, delegation, event, grant, node, register
from tests.strategies.consortium import Consortium, Pen, charter_body, key_entry
from tests.strategies.stories import TRIO, A, trio

RULES: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"issuer.register": {"authorities": 2}},
    {"accreditation.grant": {"authorities": 2}},
    {"accreditation.grant": {"authorities": 2}, "key.compromise": {"authorities": 2}},
    {"authority.withdraw": {"authorities": 2}, "issuer.register": {"authorities": 2}},
    {"accreditation.status": {"authorities": 2}},
)
BUDGET: Final = 20
NODES: Final = [node("n0.example")]
YEAR: Final = 365 * 86_400


def late_history(seed: int, length: int = 25) -> Consortium:
    """A town of three in which so much is said."""
    return _Teller(seed).tell(length)


def heard_late(town: Consortium, seed: int) -> list[Statement]:
    """All that was said, in an order in which targets come late: any, the other way round, or some of them at last."""
    choice, order = Random(seed), list({said.id: said for said in town.said}.values())
    match seed % 3:
        case 0:
            choice.shuffle(order)
        case 1:
            order.reverse()
        case _:
            last = choice.sample(order, choice.randrange(1, 5))
            order = [*(said for said in order if said not in last), *last]
    return order


class _Teller:
    def __init__(self, seed: int) -> None:
        self.choice = Random(seed)
        rules, has_next = self.choice.choice(RULES), self.choice.random() < 0.4
        self.town = trio(keys=2, threshold=self.choice.choice((1, 1, 2)), rules=rules, next_keys=has_next, nodes=NODES)
        self.pens = list(self.town.pens.values())
        self.stolen = [self.town.pen(A).copy()]
        self.made: list[Pen] = []
        self.charters = [self.town.genesis]

    def tell(self, length: int) -> Consortium:
        acts: dict[Callable[[Pen], Statement | None], float] = {
            **dict.fromkeys((self.vote,), 6),
            **dict.fromkeys((self.end,), 4),
            **dict.fromkeys((self.register, self.grant, self.status, self.delegate), 3),
            **dict.fromkeys((self.withdraw,), 2),
            **dict.fromkeys((self.amend, self.rotate, self.add, self.annul, self.map, self.unmap, self.admit), 1),
            **dict.fromkeys((self.retire, self.steal, self.amend_charter), 0.5),
        }
        for _ in range(length):
            (act,) = self.choice.choices(list(acts), list(acts.values()))
            made = act(self.pen())
            if made is not None and self.choice.random() < 0.25:
                self.town.votes(self.twice(self.choice.choice(self.pens), 0.2), made)
        return self.town

    def pen(self) -> Pen:
        """Whoever says the next thing; often once more under a number that was used."""
        if self.choice.random() < 0.3:
            return self.twice(self.choice.choice(self.stolen), 0.6)
        has_made = bool(self.made) and self.choice.random() < 0.35
        return self.twice(self.choice.choice(self.made if has_made else self.pens), 0.25)

    def twice(self, pen: Pen, chance: float) -> Pen:
        return pen.copy() if self.choice.random() < chance else pen

    def says(self, pen: Pen, kind: str, body: dict[str, Any], sub: str | None = None) -> Statement:
        """At times dated back, or under another mandate than the first."""
        iat = self.town.time + 1 - self.choice.choice((*[0] * 6, 3, 10, YEAR))
        held = self.town.mandates.get((pen.authority, pen.kid), ())
        mandate: Statement | Literal["first"] | None = "first"
        if held and self.choice.random() < 0.2:
            chosen = self.choice.choice(held)
            mandate = next(said for said in self.town.said if said.id == chosen)
        return self.town.says(pen, kind, body, sub, iat=iat, mandate=mandate)

    def of(self, *kinds: str) -> Statement | None:
        found = [said for said in self.town.said if said.kind in kinds]
        return self.choice.choice(found) if found else None

    def issuer(self) -> str:
        return f"did:web:i{self.choice.randrange(3)}.example"

    def vote(self, pen: Pen) -> Statement | None:
        newest = [said for said in self.town.said if not said.kind.startswith("charter.")][-12:]
        if not newest:
            return None
        targets = sorted({self.choice.choice(newest).id for _ in range(self.choice.choice((1, 1, 2)))})
        body: dict[str, Any] = {"targets": targets}
        if self.choice.random() < 0.75:
            return self.town.says(pen, "vote.approve", body)
        return self.town.says(pen, "vote.reject", body | self.choice.choice(({}, {"retract": True})))

    def own(self, pen: Pen) -> list[bytes]:
        return [said.id for said in self.town.said if said.kid == pen.kid]

    def end(self, pen: Pen) -> Statement:
        key = self.choice.choice([*self.made, *self.stolen, *self.stolen, *self.pens])
        last = self.choice.choice([None, *self.own(key) * 2])
        kind = self.choice.choice(("key.retire", "key.compromise"))
        return self.says(pen, kind, {"key": key.kid, "last": last}, key.authority)

    def rotate(self, pen: Pen) -> Statement:
        old = self.choice.choice([*self.made, *self.pens])
        new = Pen(f"{old.name} next", old.authority)
        self.made.append(new)
        last = self.choice.choice([None, *self.own(old)])
        body = {"key": old.kid, "last": last, "new": key_entry(new, budget=BUDGET)}
        return self.says(self.choice.choice((new, pen)), "key.rotate", body, old.authority)

    def add(self, pen: Pen) -> Statement:
        return self.says(pen, "key.add", key_entry(self.new(pen.authority), budget=BUDGET), pen.authority)

    def new(self, authority: str) -> Pen:
        self.made.append(Pen(f"made {len(self.made)}", CanonicalId(authority)))
        return self.made[-1]

    def delegate(self, pen: Pen) -> Statement:
        is_known = bool(self.made) and self.choice.random() < 0.25
        key = self.choice.choice(self.made) if is_known else self.new(f"https://d{self.choice.randrange(3)}.example/")
        actions = ["issuer.*", "accreditation.*", "authority.delegate"]
        body = delegation(key.authority, [key_entry(key, budget=BUDGET)], actions=actions, limits={"max_depth": 2})
        return self.says(pen, "authority.delegate", body)

    def withdraw(self, pen: Pen) -> Statement | None:
        """With heads of some keys, not always the newest."""
        if (made := self.of("authority.delegate")) is None:
            return None
        if self.choice.random() < 0.6:
            pen = next((one for one in [*self.pens, *self.made] if one.kid == made.kid), pen)
        heads = {said.kid: said.id for said in self.town.said if self.choice.random() < 0.7}
        named = [{"key": key, "id": heads[key]} for key in sorted(heads) if self.choice.random() < 0.7]
        begins = self.town.time - self.choice.choice((0, 5, 100))
        body = {"delegation": made.id, "heads": named, "effective_from": begins}
        return self.says(pen, "authority.withdraw", body, made.body["delegate"])

    def register(self, pen: Pen) -> Statement:
        return self.says(pen, "issuer.register", register(self.issuer()))

    def grant(self, pen: Pen) -> Statement:
        return self.says(pen, "accreditation.grant", grant(self.issuer()))

    def status(self, pen: Pen) -> Statement | None:
        if (made := self.of("accreditation.grant")) is None:
            return None
        earlier = self.of("accreditation.status")
        follows = earlier is not None and earlier.body["accreditation"] == made.id
        word = self.choice.choice(("suspend", "revoke", *(("lift", "reinstate", "renew") if follows else ())))
        more: dict[str, Any] = {"reason_code": "fraud"} if word in ("suspend", "revoke") else {}
        body = event(made.id, word, self.choice.choice((self.town.time, self.town.time + 1, 5)), **more)
        if follows and earlier is not None:
            body["after"] = [earlier.id]
        return self.says(pen, "accreditation.status", body, made.sub)

    def amend(self, pen: Pen) -> Statement | None:
        if (made := self.of("accreditation.grant")) is None:
            return None
        scope = self.choice.choice((SCOPE, {**SCOPE, "jurisdictions": ["US-IN"]}))
        earlier = self.of("accreditation.amend")
        after = [] if earlier is None else self.choice.choice(([], [earlier.id]))
        terms = {"effective_from": self.town.time + 1, "scope": scope, "valid_from": 0}
        return self.says(pen, "accreditation.amend", {"accreditation": made.id, "after": after} | terms, made.sub)

    def annul(self, pen: Pen) -> Statement | None:
        kinds = ("accreditation.grant", "accreditation.status", "issuer.register", "node.admit", "mapping.publish")
        if (made := self.of(*kinds)) is None:
            return None
        return self.says(pen, "statement.annul", {"target": made.id, "reason_code": "error"}, made.id.hex())

    def map(self, pen: Pen) -> Statement:
        links = [{"source": f"{FRAMEWORK}/1", "relation": "exact_match", "target": "urn:example:elsewhere"}]
        body = {
            "id": "https://crosswalks.example/1",
            "title": "A crosswalk",
            "source": {"framework": FRAMEWORK},
            "target": {"framework": "urn:example:others"},
            "method": "expert",
            "usable_for_scope": self.choice.random() < 0.6,
            "links": links,
        }
        return self.says(pen, "mapping.publish", body)

    def unmap(self, pen: Pen) -> Statement | None:
        if (made := self.of("mapping.publish")) is None:
            return None
        body = {"mapping": made.sub, "publish": made.id, "effective_from": self.town.time}
        return self.says(pen, "mapping.withdraw", body, made.sub)

    def admit(self, pen: Pen) -> Statement:
        return self.says(pen, "node.admit", node(f"n{self.choice.randrange(2)}.example"))

    def retire(self, pen: Pen) -> Statement:
        return self.says(pen, "node.retire", {"name": f"n{self.choice.randrange(2)}.example"})

    def steal(self, _: Pen) -> None:
        self.stolen.append(self.choice.choice([*self.pens, *self.made]).copy())

    def amend_charter(self, pen: Pen) -> Statement:
        """The next version, or one that rivals the newest."""
        version, named = len(self.charters) + 1, TRIO[: self.choice.choice((2, 3, 3))]
        rules = self.choice.choice(RULES)
        pens = dict(self.town.pens)
        if self.made and self.choice.random() < 0.4:  # another key for A, perhaps one that it has added
            pens[f"{A}#1"] = self.choice.choice(self.made)
        charter = charter_body(named, pens, keys=2, budget=0, name=f"Version {version}", rules=rules, nodes=NODES)
        body = {"parent": self.charters[-1].id, "version": version, "charter": charter, "heads": self.town.heads()}
        made = self.town.says(pen, "charter.amend", body, self.town.id)
        for one in self.pens:
            if one is not pen and self.choice.random() < 0.8:
                self.town.votes(one, made)
        if self.choice.random() < 0.7:
            self.charters.append(made)
        return made
