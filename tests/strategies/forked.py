"""Histories around a key in two hands: branches that make delegates, cut-offs of anybody's keys, votes on all of it."""

from random import Random
from typing import Any

from accredit.registry.statement import Statement
from tests.strategies.bodies import delegation, register
from tests.strategies.consortium import Consortium, Pen, key_entry
from tests.strategies.stories import A, B, trio


def forked_history(seed: int, length: int = 14) -> Consortium:
    """A town of three in which so much is said, most of it by the stolen key of one."""
    return _Teller(seed).tell(length)


class _Teller:
    def __init__(self, seed: int) -> None:
        self.choice = Random(seed)
        self.town = trio()
        self.stolen = self.town.pen(A).copy()
        self.made: list[Pen] = []
        self.said: list[Statement] = []

    def tell(self, length: int) -> Consortium:
        for number in range(length):
            act = self.choice.choices((self.delegate, self.add, self.end, self.vote, self.register), (4, 1, 3, 4, 2))[0]
            self.said.append(act(self.pen(), number))
        return self.town

    def pen(self) -> Pen:
        """Whoever says the next thing; often once more under a number that was used."""
        if self.choice.random() < 0.6:
            return self.stolen.copy()
        if self.made and self.choice.random() < 0.5:
            return self.choice.choice(self.made)
        pen = self.town.pen(self.choice.choice((A, B)))
        return pen.copy() if self.choice.random() < 0.3 else pen

    def delegate(self, pen: Pen, number: int) -> Statement:
        is_known = self.made and self.choice.random() < 0.3
        name = f"https://d{self.choice.randrange(3)}.example/"
        key = self.choice.choice(self.made) if is_known else self.new(f"{name}#{number}", name)
        body = delegation(key.authority, [key_entry(key, budget=10)], actions=["issuer.*", "authority.delegate"])
        return self.town.says(pen, "authority.delegate", body)

    def add(self, pen: Pen, number: int) -> Statement:
        return self.town.says(pen, "key.add", key_entry(self.new(f"added {number}", pen.authority), budget=5))

    def end(self, pen: Pen, number: int) -> Statement:
        nobodys = Pen(f"nobody's {number}", B)
        key = self.choice.choice([*self.made, nobodys, self.stolen]).kid
        last = self.choice.choice([None, None, *(said.id for said in self.said if said.kid == key)])
        kind = self.choice.choice(("key.retire", "key.compromise"))
        return self.town.says(pen, kind, {"key": key, "last": last})

    def vote(self, pen: Pen, number: int) -> Statement:
        if not self.said:
            return self.register(pen, number)
        body: dict[str, Any] = {"targets": sorted({self.choice.choice(self.said).id for _ in range(2)})}
        kind = self.choice.choice(("vote.approve", "vote.approve", "vote.reject"))
        if kind == "vote.reject" and self.choice.random() < 0.5:
            body["retract"] = True
        return self.town.says(pen, kind, body)

    def register(self, pen: Pen, number: int) -> Statement:
        return self.town.says(pen, "issuer.register", register(f"did:web:a{number}.example"))

    def new(self, name: str, authority: str) -> Pen:
        self.made.append(Pen(name, authority))
        return self.made[-1]
