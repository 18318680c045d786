"""Generated histories of a consortium, hostile ones too: forks, thefts, withheld statements, rival amendments."""

from typing import Any

from hypothesis import strategies as st

from registry.statement import Statement
from tests.strategies.bodies import SCOPE, delegation, event, grant, node, register
from tests.strategies.consortium import Consortium, Pen, charter_body, key_entry

A, B, C = (f"https://{letter}.example/" for letter in "abc")
AUTHORITIES = ((A, "nonprofit"), (B, "public"), (C, "education"))
ISSUERS = tuple(f"did:web:i{n}.example" for n in range(3))
EVENTS = ("suspend", "reinstate", "withdraw", "revoke", "lift")
BUDGET = 40


class Teller:
    """Makes up one history, asking `draw` whenever there is a choice."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        keys = draw(st.integers(1, 2))
        self.town = Consortium.of(
            *AUTHORITIES, keys=keys, threshold=draw(st.integers(1, keys)), next_keys=draw(st.booleans())
        )
        self.hands: list[Pen] = list(self.town.pens.values())

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
        ]
        for _ in range(self.draw(st.integers(1, 24))):
            self.draw(st.sampled_from(acts))()
        return self.town.said

    def one(self, *kinds: str) -> Statement | None:
        found = [s for s in self.town.said if not kinds or s.kind in kinds]
        return self.draw(st.sampled_from(found)) if found else None

    def hand(self) -> Pen:
        return self.draw(st.sampled_from(self.hands))

    def say(self, kind: str, body: dict[str, Any], sub: str | None = None, *, heard: bool = True) -> None:
        iat = self.town.time - self.draw(st.sampled_from((0, 0, 0, 50)))
        self.town.says(self.hand(), kind, body, sub, iat=iat, heard=heard)

    def register(self) -> None:
        issuer = self.draw(st.sampled_from(ISSUERS))
        self.say("issuer.register", register(issuer, also_known_as=[f"https://{issuer[8:]}/"]))

    def grant(self) -> None:
        self.say("accreditation.grant", grant(self.draw(st.sampled_from(ISSUERS))))

    def amend_grant(self) -> None:
        if (made := self.one("accreditation.grant")) is not None:
            after = [s.id for s in (self.one("accreditation.amend", "accreditation.grant"),) if s is not None]
            body = {"accreditation": made.id, "after": after, "effective_from": 5, "scope": SCOPE, "valid_from": 0}
            self.say("accreditation.amend", body, made.sub)

    def event(self) -> None:
        if (made := self.one("accreditation.grant")) is not None:
            name = self.draw(st.sampled_from(EVENTS))
            earlier = self.one("accreditation.status")
            after = [earlier.id] if earlier is not None and self.draw(st.booleans()) else []
            if name in ("lift", "reinstate") and not after:
                name = "renew"
            extra: dict[str, Any] = {"reason_code": "fraud"} if name in ("revoke", "suspend", "withdraw") else {}
            if name == "revoke" and self.draw(st.booleans()):
                extra["void_from"] = 1_600_000_000
            self.say("accreditation.status", event(made.id, name, **extra) | {"after": after}, made.sub)

    def vote(self) -> None:
        chosen = self.draw(st.lists(st.sampled_from(self.town.said), min_size=1, max_size=3, unique_by=lambda s: s.id))
        approve = self.draw(st.sampled_from((True, True, True, False)))
        self.town.votes(self.hand(), *chosen, approve=approve)

    def delegate(self) -> None:
        by = f"https://d{self.draw(st.integers(0, 2))}.example/"
        pen = Pen(f"{by}#{len(self.hands)}", by)
        self.hands.append(pen)
        actions = self.draw(st.sampled_from((["issuer.*"], ["issuer.*", "accreditation.*", "authority.delegate"])))
        self.say("authority.delegate", delegation(by, [key_entry(pen, budget=BUDGET)], actions=actions))

    def withdraw(self) -> None:
        if (made := self.one("authority.delegate")) is not None:
            self.say(
                "authority.withdraw",
                {"delegation": made.id, "heads": self.town.heads(), "effective_from": 5},
                made.body["delegate"],
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
        self.say(kind, {"key": pen.kid, "last": None if named is None else named.id}, pen.authority)

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
        named = AUTHORITIES if self.draw(st.booleans()) else AUTHORITIES[:2]
        keys = len([name for name in self.town.pens if name.startswith(f"{AUTHORITIES[0][0]}#")])
        charter = charter_body(named, self.town.pens, keys=keys, budget=0, name=f"Version {version}")
        body = {"parent": parent.id, "version": version, "charter": charter, "heads": self.town.heads()}
        self.say("charter.amend", body, self.town.id)

    def annul(self) -> None:
        if (made := self.one()) is not None:
            self.say("statement.annul", {"target": made.id, "reason_code": "administrative_error"}, made.id.hex())

    def steal(self) -> None:
        """The same key in two hands from here on."""
        self.hands.append(self.hand().copy())

    def withhold(self) -> None:
        self.say("issuer.register", register(self.draw(st.sampled_from(ISSUERS))), heard=False)

    def admit_node(self) -> None:
        self.say("node.admit", node(f"n{self.draw(st.integers(0, 1))}.example"))


@st.composite
def histories(draw: st.DrawFn) -> tuple[bytes, list[Statement]]:
    """An ecosystem and what was heard in it."""
    teller = Teller(draw)
    said = teller.tell()
    return teller.town.eco, said
