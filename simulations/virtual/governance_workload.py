"""Acts for honest authorities and thieves on the ecosystem itself: votes, amendments, stolen keys, contradictions.

    governing = world.governing
    governing.equivocate(pen, left, right)      one key, one number, two statements
    governing.propose_admission(pen)            waits for the approvals of a majority: `vote`

Statements enter the network like all others: by `Workload.say`, at some node, until one answers."""

from collections.abc import Mapping, Sequence
from typing import Any

from accredit.governance.standing import key_heads
from accredit.registry.encoding.ed25519 import key_id, public_of
from accredit.registry.statement import Statement

from .ecosystem import Pen, secret
from .facts import Misconduct, Saying
from .host import Host, HostWorld


class GovernanceWorkload:
    """See the module."""

    def __init__(self, world: HostWorld) -> None:
        self._world = world
        self._numbers = 0

    # --------------------------------------------------------------------------------------------- contradictions

    def equivocate(self, pen: Pen, left: Host, right: Host, *, alike: int = 0) -> tuple[Statement, ...]:
        """Make one key sign two statements under one number, one for each node.

        Args:
            alike: number of bits of a sum over ids that both have in common; the key's owner searches for such a pair.
        """
        world, town = self._world, self._world.town
        before = pen.seq, pen.prev
        if alike:
            pair = self._alike(pen, alike)
        else:
            pair = []
            for _ in range(2):
                pen.seq, pen.prev = before
                pair.append(self.register(pen))
        self.accuse(key_id(pen.public), tuple(each.id for each in pair))
        for statement, host in zip(pair, (left, right), strict=True):
            town.signed[statement.id] = statement
            world.workload.say(statement, host)
        return tuple(pair)

    def accuse(self, key: bytes, ids: tuple[bytes, ...] = ()) -> None:
        """Record that a key contradicts itself from now on, and begin to watch which nodes know."""
        world = self._world
        if all(each.key != key for each in world.misconduct):
            world.misconduct.append(Misconduct(key=key, ids=ids, time=world.timeline.now))
            if len(world.misconduct) == 1:
                world.watch_misconduct()

    def _alike(self, pen: Pen, bits: int) -> list[Statement]:
        """Search for two statements with one number whose ids agree in their lowest bits, as a thief would."""
        before, seen = (pen.seq, pen.prev), dict[int, Statement]()
        while True:
            pen.seq, pen.prev = before
            statement = self.register(pen)
            del self._world.town.signed[statement.id]
            low = int.from_bytes(statement.id) % 2**bits
            if low in seen:
                return [seen[low], statement]
            seen[low] = statement

    def register(self, pen: Pen) -> Statement:
        """Return a registration of an invented issuer, signed and not yet submitted."""
        self._numbers += 1
        name = f"https://double{self._numbers}.example/"
        body = {"id": name, "name": f"Double {self._numbers}"}
        return self._world.town.sign(pen, "issuer.register", body, sub=name, time=self._time)

    # ------------------------------------------------------------------------------------------------ governance

    def vote(self, pen: Pen, targets: Sequence[Statement], at: Host | None = None) -> Saying:
        """Approve a proposal."""
        body = {"targets": [each.id for each in targets], "urgent": True}
        town = self._world.town
        vote = town.sign(pen, "vote.approve", body, sub=town.ecosystem.hex(), time=self._time)
        return self._world.workload.say(vote, at)

    def take_back(self, pen: Pen, targets: Sequence[Statement], at: Host | None = None) -> Saying:
        """Take back proposals of the same key that are not in effect yet, all with one vote."""
        body = {"targets": [each.id for each in targets], "urgent": True}
        return self._says(pen, "vote.reject", body, self._world.town.ecosystem.hex(), at)[1]

    def recognise(self, pen: Pen, at: Host | None = None) -> Statement:
        """Propose the recognition of another ecosystem; it takes effect with the approvals of two authorities."""
        self._numbers += 1
        name = f"https://abroad{self._numbers}.example/"
        body = {"id": name, "name": f"Ecosystem {self._numbers}", "actions": ["issue"]}
        return self._says(pen, "recognition.grant", body, name, at)[0]

    def map(self, pen: Pen, at: Host | None = None) -> Statement:
        """Publish a mapping between competencies of two frameworks."""
        self._numbers += 1
        name, ours, theirs = f"https://maps.example/{self._numbers}", "https://ours.example/", "https://theirs.example/"
        links = [{"source": f"{ours}{link}", "target": f"{theirs}{link}", "relation": "exact_match"} for link in "abc"]
        body = {
            "id": name,
            "title": f"Mapping {self._numbers}",
            "source": {"framework": ours},
            "target": {"framework": theirs},
            "method": "expert",
            "usable_for_scope": True,
            "links": links,
        }
        return self._says(pen, "mapping.publish", body, name, at)[0]

    def unmap(self, pen: Pen, mapping: Statement, at: Host | None = None, *, ahead: int = 0) -> Statement:
        """Withdraw a mapping of the same authority, from so many seconds ahead."""
        body = {"mapping": mapping.sub, "publish": mapping.id, "effective_from": self._time + ahead}
        return self._says(pen, "mapping.withdraw", body, mapping.sub, at)[0]

    def close(self, grant: Statement, successor: str, at: Host | None = None, *, ahead: int = 0) -> Statement:
        """Close an accredited issuer, from so many seconds ahead."""
        body = {
            "accreditation": grant.id,
            "event": "close",
            "effective_from": self._time + ahead,
            "after": [],
            "reason_code": "closure",
            "successor": successor,
        }
        pen = next(pen for pen in self._world.town.pens if pen.authority == grant.iss)
        return self._says(pen, "accreditation.status", body, grant.sub, at)[0]

    def appoint_custodian(self, pen: Pen, name: str, issuers: Sequence[str], at: Host | None = None) -> Statement:
        """Register an issuer that keeps the records of others."""
        body = {"id": name, "name": "An archive", "custodian_for": list(issuers)}
        return self._says(pen, "issuer.register", body, name, at)[0]

    def _says(
        self, pen: Pen, kind: str, body: Mapping[str, Any], sub: str, at: Host | None
    ) -> tuple[Statement, Saying]:
        said = self._world.town.sign(pen, kind, body, sub=sub, time=self._time)
        return said, self._world.workload.say(said, at)

    def propose_admission(self, pen: Pen, at: Host | None = None) -> Statement:
        """Propose a node; it takes effect with the approvals of a majority."""
        self._numbers += 1
        name = f"new{self._numbers}.example"
        roles = ("peer", "log", "witness", "state")
        keys = {role: public_of(secret(self._world.settings.seed, f"{name} {role}")) for role in roles}
        body = {"name": name, "operator": f"Operator of {name}", "url": f"https://{name}", "keys": keys}
        admission = self._world.town.sign(pen, "node.admit", body, sub=name, time=self._time)
        self._world.workload.say(admission, at)
        return admission

    def amend(self, pen: Pen, at: Host, **members: Any) -> Statement:
        """Propose a new charter with some members changed, and with the heads that a running node holds.

        It takes effect with the approvals of two thirds.
        """
        assert at.engine is not None
        town = self._world.town
        body = town.genesis.body
        # Keys that exist already are listed with a budget of 0, so that no budget is given twice.
        authorities = [{**each, "keys": [{**key, "budget": 0} for key in each["keys"]]} for each in body["authorities"]]
        charter = {**body, "authorities": authorities, **members}
        heads = [{"key": key, "id": id} for key, id, _ in key_heads(at.engine.fold)]
        amendment = {"parent": town.genesis.id, "version": 2, "charter": charter, "heads": heads}
        said = town.sign(pen, "charter.amend", amendment, sub=town.charter_id, time=self._time)
        self._world.workload.say(said, at)
        return said

    def report_theft(self, pen: Pen, stolen: Pen, at: Host | None = None) -> Saying:
        """Report a key as stolen, with another key of its authority, and name the last honest statement of that key."""
        body = {"key": key_id(stolen.public), "last": stolen.prev}
        said = self._world.town.sign(pen, "key.compromise", body, sub=pen.authority, time=self._time)
        return self._world.workload.say(said, at)

    def add_key(self, pen: Pen, *, budget: int = 1_000) -> Pen:
        """Add a second key of the same authority."""
        self._numbers += 1
        seed = secret(self._world.settings.seed, f"second key {self._numbers} of {pen.authority}")
        body = {"public": public_of(seed), "budget": budget}
        said = self._world.town.sign(pen, "key.add", body, sub=pen.authority, time=self._time)
        self._world.workload.say(said)
        return Pen(pen.authority, seed)

    @property
    def _time(self) -> int:
        return self._world.timeline.now // 1_000
