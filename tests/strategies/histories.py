"""Generated histories of a consortium, hostile ones too: forks, thefts, withheld statements, rival amendments.

Most things that several authorities must carry are carried at once, so that charters, keys and delegations do change.
"""

from typing import Any, Literal, NamedTuple

from hypothesis import strategies as st

from accredit.governance.authority.node_names import entry_digest
from accredit.registry.encoding.ed25519 import multibase
from accredit.registry.statement import Statement
from tests.strategies.bodies import (
    FRAMEWORK,
    SCOPE,
    delegation,
    event,
    framework,
    framework_items,
    grant,
    node,
    recognition,
    register,
)
from tests.strategies.consortium import Consortium, Pen, charter_body, key_entry

A, B, C = (f"https://{letter}.example/" for letter in "abc")
AUTHORITIES = ((A, "nonprofit"), (B, "public"), (C, "education"))
ISSUERS = tuple(f"did:web:i{n}.example" for n in range(3))
EVENTS = ("suspend", "reinstate", "withdraw", "revoke", "lift", "stay", "annul", "renew", "appeal_decide")
NAMING = ("reinstate", "lift", "stay", "annul", "appeal_decide")
RULES: tuple[dict[str, Any], ...] = (
    {},
    {},
    {"accreditation.grant": {"authorities": 2}},
    {"accreditation.status": {"majority": True}, "accreditation.grant": {"authorities": 3}},
    {"key.compromise": {"authorities": 2}, "authority.withdraw": {"authorities": 2}},
)
"""Of charters; in most, one authority is enough for an accreditation."""
BUDGET = 40
YEAR = 365 * 86_400


class Teller:
    """Makes up one history, asking `draw` whenever there is a choice."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        keys = draw(st.integers(1, 2))
        self.town = Consortium.of(
            *AUTHORITIES,
            keys=keys,
            threshold=draw(st.integers(1, keys)),
            next_keys=draw(st.booleans()),
            nodes=[node("n0.example")],
            rules=draw(st.sampled_from(RULES)),
        )
        self.founders: list[Pen] = list(self.town.pens.values())
        self.hands: list[Pen] = list(self.founders)

    def tell(self) -> list[Statement]:
        """Everything said that anybody heard."""
        acts = [
            self.register,
            self.grant,
            self.amend_grant,
            self.event,
            self.vote,
            self.vote,
            self.delegate,
            self.withdraw,
            self.add_key,
            self.cut_off,
            self.rotate,
            self.amend_charter,
            self.annul,
            self.steal,
            self.withhold,
            self.admit_node,
            self.retire_node,
            self.replace_node,
            self.take_back,
            self.pin_key,
            self.end_pinned_key,
            self.recognise,
            self.publish,
            self.publish_items,
            self.judge_framework,
            self.map,
            self.unmap,
            self.claim_key,
            self.carry,
        ]
        for _ in range(self.draw(st.integers(1, 30))):
            self.draw(st.sampled_from(acts))()
        return self.town.said

    def one(self, *kinds: str) -> Statement | None:
        found = [s for s in self.town.said if not kinds or s.kind in kinds]
        return self.draw(st.sampled_from(found)) if found else None

    def hand(self, like: Statement | None = None) -> Pen:
        """Somebody's, often the newest one's; rather the author's of `like`, if given."""
        if like is not None and self.draw(st.sampled_from((True, True, False))):
            return next((pen for pen in self.hands if pen.kid == like.kid), self.hands[0])
        return self.draw(st.sampled_from((*self.hands, *self.hands[-2:])))

    def say(
        self,
        kind: str,
        body: dict[str, Any],
        sub: str | None = None,
        *,
        like: Statement | None = None,
        heard: bool = True,
        carried: bool = False,
    ) -> None:
        # Now and then from a clock that is behind, or far ahead.
        iat = self.town.time - self.draw(st.sampled_from((*[0] * 40, 50, 50, -YEAR)))
        pen = self.hand(like)
        said = self.town.says(pen, kind, body, sub, iat=iat, heard=heard, mandate=self.mandate(pen))
        if carried or self.draw(st.sampled_from((False, False, False, True))):
            self.approve(said)

    def mandate(self, pen: Pen) -> Statement | Literal["first"] | None:
        """What a delegate names: its first mandate, or none, or any."""
        held = self.town.mandates.get((pen.authority, pen.kid), ())
        named = self.draw(st.sampled_from(("first", "first", "first", None, *held[1:]))) if held else "first"
        found = next((said for said in self.town.said if said.id == named), None)
        return "first" if named == "first" else found

    def approve(self, *targets: Statement) -> None:
        """The founders approve, all of them or but one."""
        absent = self.draw(st.sampled_from([None, *self.founders]))
        for pen in self.founders:
            if pen is not absent:
                self.town.votes(pen, *targets)

    def carry(self) -> None:
        if (made := self.one()) is not None:
            self.approve(made)

    def register(self) -> None:
        issuer = self.draw(st.sampled_from(ISSUERS))
        self.say("issuer.register", register(issuer, also_known_as=[f"https://{issuer[8:]}/"]))

    def grant(self) -> None:
        self.say("accreditation.grant", grant(self.draw(st.sampled_from(ISSUERS))))

    def amend_grant(self) -> None:
        if (made := self.one("accreditation.grant")) is not None:
            after = [s.id for s in (self.one("accreditation.amend", "accreditation.grant"),) if s is not None]
            scope = self.draw(st.sampled_from((SCOPE, SCOPE, {**SCOPE, "jurisdictions": ["US-IN"]})))
            start = self.draw(st.sampled_from((5, self.town.time, self.town.time + 20)))
            body = {"accreditation": made.id, "after": after, "effective_from": start, "scope": scope, "valid_from": 0}
            self.say("accreditation.amend", body, made.sub, like=made)

    def event(self) -> None:
        if (made := self.one("accreditation.grant")) is not None:
            name = self.draw(st.sampled_from(EVENTS))
            earlier = self.one("accreditation.status")
            after = [earlier.id] if earlier is not None and self.draw(st.booleans()) else []
            if name in NAMING and not after:
                name = "renew"
            extra: dict[str, Any] = {"reason_code": "fraud"} if name in ("revoke", "suspend", "withdraw") else {}
            if name == "revoke" and self.draw(st.booleans()):
                extra["void_from"] = 1_600_000_000
            start = self.draw(st.sampled_from((5, *[self.town.time] * 3, self.town.time + 20)))
            if "void_from" in extra:
                start = max(start, extra["void_from"])
            body = event(made.id, name, start, **extra) | {"after": after}
            self.say("accreditation.status", body, made.sub, like=made)

    def vote(self) -> None:
        chosen = self.draw(st.lists(st.sampled_from(self.town.said), min_size=1, max_size=3, unique_by=lambda s: s.id))
        approve = self.draw(st.sampled_from((True, True, True, False)))
        self.town.votes(self.hand(), *chosen, approve=approve)

    def delegate(self) -> None:
        by = f"https://d{self.draw(st.integers(0, 2))}.example/"
        pen = Pen(f"{by}#{len(self.hands)}", by)
        self.hands += [pen, pen]  # delegates shall get to speak
        actions = self.draw(
            st.sampled_from((["issuer.*"], *[["issuer.*", "accreditation.*", "authority.delegate"]] * 2))
        )
        entry = key_entry(pen, budget=BUDGET, next_key=self.draw(st.booleans()))
        earlier = self.one("authority.delegate") if self.draw(st.booleans()) else None
        author = self.hand()
        if earlier is not None:  # one delegation deeper
            author = next((pen for pen in self.hands if pen.authority == earlier.body["delegate"]), author)
        self.town.says(author, "authority.delegate", delegation(by, [entry], actions=actions))

    def claim_key(self) -> None:
        """Somebody names somebody else's key as his own, or as another body's: with a successor, or an accomplice."""
        claimed, mine = self.hand(), self.hand()
        entry = key_entry(claimed, budget=0) | {"next": {"key": mine.kid, "budget": 3}}
        if mine.kid == claimed.kid:
            return
        if self.draw(st.booleans()):
            self.say("key.add", entry, claimed.authority)
        else:
            by = self.draw(st.sampled_from((claimed.authority, "https://d0.example/")))
            self.say("authority.delegate", delegation(by, [entry, key_entry(mine, budget=0)]))

    def withdraw(self) -> None:
        if (made := self.one("authority.delegate")) is not None:
            self.say(
                "authority.withdraw",
                {
                    "delegation": made.id,
                    "heads": self.draw(st.sampled_from((self.town.heads(), self.town.heads(), []))),
                    "effective_from": 5,
                },
                made.body["delegate"],
                like=made,
            )

    def add_key(self) -> None:
        by = self.draw(st.sampled_from(self.hands)).authority
        pen = Pen(f"{by}+{len(self.hands)}", by)
        self.hands.append(pen)
        self.say("key.add", key_entry(pen, budget=BUDGET), by)

    def cut_off(self) -> None:
        pen = self.hand()
        last = [s for s in self.town.said if s.kid == pen.kid]
        named = self.draw(st.sampled_from([None, *last])) if last else None
        kind = self.draw(st.sampled_from(("key.compromise", "key.retire")))
        body = {"key": pen.kid, "last": None if named is None else named.id}
        self.say(kind, body, pen.authority, carried=self.draw(st.booleans()))

    def rotate(self) -> None:
        old = self.hand()
        new = Pen(f"{old.name} next", old.authority)
        body = {"key": old.kid, "last": old.prev, "new": key_entry(new, budget=BUDGET)}
        if self.draw(st.booleans()):
            self.town.says(new, "key.rotate", body, old.authority)
            self.hands.append(new)
        else:
            self.say("key.rotate", body, old.authority)

    def amend_charter(self) -> None:
        parent = self.one("charter.genesis", "charter.amend")
        assert parent is not None
        version = 2 if parent.kind == "charter.genesis" else parent.body["version"] + 1
        named = self.draw(st.sampled_from((AUTHORITIES, AUTHORITIES[:2], AUTHORITIES[1:])))
        keys = len([name for name in self.town.pens if name.startswith(f"{AUTHORITIES[0][0]}#")])
        threshold = self.draw(st.integers(1, keys))
        rules = self.draw(
            st.sampled_from(({}, {"issuer.register": {"authorities": 2}}, {"key.add": {"majority": True}}))
        )
        nodes = self.draw(st.sampled_from(([], [node("n0.example")], [node("n2.example")])))
        charter = charter_body(
            named,
            self.town.pens,
            keys=keys,
            threshold=threshold,
            budget=0,
            name=f"Version {version}",
            rules=rules,
            nodes=nodes,
        )
        body = {"parent": parent.id, "version": version, "charter": charter, "heads": self.town.heads()}
        self.say("charter.amend", body, self.town.id, carried=True)

    def annul(self) -> None:
        if (
            made := self.one("accreditation.grant", "accreditation.status", "issuer.register", "node.admit")
        ) is not None:
            body = {"target": made.id, "reason_code": "administrative_error"}
            self.say("statement.annul", body, made.id.hex(), carried=True)

    def steal(self) -> None:
        """The same key in two hands from here on."""
        self.hands.append(self.hand().copy())

    def withhold(self) -> None:
        self.say("issuer.register", register(self.draw(st.sampled_from(ISSUERS))), heard=False)

    def admit_node(self) -> None:
        self.say("node.admit", node(f"n{self.draw(st.integers(0, 1))}.example"), carried=True)

    def retire_node(self) -> None:
        self.say("node.retire", {"name": f"n{self.draw(st.integers(0, 1))}.example"}, carried=True)

    def replace_node(self) -> None:
        """Somebody takes a node's place, or gives it back: of what is said of that name, one entry for another."""
        name = f"n{self.draw(st.integers(0, 1))}.example"
        entries = [node(name), node(name, B), node(name, C)]
        old, new = self.draw(st.permutations(entries))[:2]
        self.say("node.replace", new | {"replaces": entry_digest(old)}, carried=True)

    def take_back(self) -> None:
        """An author, or a colleague of his, takes back what he proposed; of amendments he may propose another."""
        if (made := self.one(*["charter.amend"] * self.draw(st.integers(0, 1)))) is not None:
            pen = self.hand(made)
            body = {"targets": [made.id]} | ({"retract": True} if self.draw(st.booleans()) else {})
            self.town.says(pen, "vote.reject", body, self.town.eco.hex())
            if made.kind == "charter.amend" and self.draw(st.booleans()):
                again = {**made.body, "heads": self.town.heads()}
                said = self.town.says(pen, "charter.amend", again, self.town.id)
                self.approve(said)

    def pin_key(self) -> None:
        issuer = self.draw(st.sampled_from(ISSUERS))
        pen = Pen(f"{issuer} key {len(self.hands)}", issuer)
        self.hands.append(pen)
        key = {"id": f"{issuer}#k{len(self.hands)}", "public_key_multibase": multibase(pen.public), "budget": 5}
        if self.draw(st.booleans()):
            self.say("issuer.register", register(issuer, keys=[key]))
        else:
            self.say("issuer.key", {"issuer": issuer, "op": "add", "key": key})

    def end_pinned_key(self) -> None:
        pinned = [pen for pen in self.hands if pen.authority in ISSUERS]
        if pinned:
            pen = self.draw(st.sampled_from(pinned))
            op = self.draw(st.sampled_from(("retire", "compromise")))
            body = {"issuer": pen.authority, "op": op, "key_id": f"{pen.authority}#k{self.draw(st.integers(0, 9))}"}
            self.town.says(self.draw(st.sampled_from((pen, self.hand()))), "issuer.key", body)

    def recognise(self) -> None:
        made = self.one("recognition.grant")
        if made is None or self.draw(st.booleans()):
            self.say("recognition.grant", recognition(), carried=True)
        else:
            self.say("recognition.withdraw", {"recognition": made.id, "effective_from": 5}, made.sub, carried=True)

    def publish(self) -> None:
        self.say("framework.publish", framework())

    def publish_items(self) -> None:
        if (made := self.one("framework.publish")) is not None:
            for part in self.draw(st.sampled_from(((0, 1), (1, 0), (0,)))):
                self.say("framework.items", framework_items(made.id, part), like=made)

    def judge_framework(self) -> None:
        if (made := self.one("framework.publish")) is not None:
            status = self.draw(st.sampled_from(("active", "deprecated", "withdrawn")))
            body = {"framework": made.sub, "publish": made.id, "status": status, "effective_from": 5, "after": []}
            self.say("framework.status", body, like=made)

    def map(self) -> None:
        links = [{"source": f"{FRAMEWORK}/1", "relation": "exact_match", "target": "urn:example:elsewhere"}]
        body = {
            "id": f"https://crosswalks.example/{self.draw(st.integers(0, 1))}",
            "title": "A crosswalk",
            "source": {"framework": FRAMEWORK},
            "target": {"framework": "urn:example:others"},
            "method": "expert",
            "usable_for_scope": self.draw(st.booleans()),
            "links": links,
        }
        self.say("mapping.publish", body)

    def unmap(self) -> None:
        if (made := self.one("mapping.publish")) is not None:
            begins = self.draw(st.sampled_from((5, self.town.time + YEAR)))
            body = {"mapping": made.sub, "publish": made.id, "effective_from": begins}
            self.say("mapping.withdraw", body, made.sub, like=made)


class History(NamedTuple):
    """An ecosystem and what was heard in it, in order. Printed short where a test fails."""

    eco: bytes
    said: list[Statement]

    def __repr__(self) -> str:
        return f"<history of {self.eco.hex()[:8]}: {self.said}>"


@st.composite
def histories(draw: st.DrawFn) -> History:
    """An ecosystem and what was heard in it."""
    teller = Teller(draw)
    said = teller.tell()
    return History(teller.town.eco, said)
