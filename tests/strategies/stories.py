"""What stories about governance share: three authorities, and the things they most often do."""

from typing import Any

from accredit.governance.authority.effect import EffectState, StatementEffect
from accredit.governance.fold import Fold
from accredit.governance.standing import explain_draft, standing_of, waiting_proposals
from accredit.registry.decision.decide import decide
from accredit.registry.decision.query import Query
from accredit.registry.decision.verdict import Verdict
from accredit.registry.domain.record_types import Record
from accredit.registry.encoding.ed25519 import multibase
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.statement import Draft, Statement
from tests.strategies.bodies import ISSUER, delegation, event, grant, register
from tests.strategies.consortium import Consortium, Pen, charter_body, fold_of, key_entry

A, B, C, D = (CanonicalId(f"https://{letter}.example/") for letter in "abcd")
TRIO = ((A, "nonprofit"), (B, "public"), (C, "education"))
DELEGATE = CanonicalId("https://delegate.example/")
YEAR = 365 * 86_400


def trio(**charter: Any) -> Consortium:
    """A, B and C, each with the keys and the charter asked for."""
    return Consortium.of(*TRIO, **charter)


def verdict_of(town: Consortium, statement: Statement, fold: Fold | None = None) -> StatementEffect:
    """How a statement stands, after all that was said: at once, and (unless it is `fold` that is asked) one by one."""
    if fold is None:
        fold, slow = town.fold(), fold_of(town.eco, town.said, batch=1)
        assert slow.state_root() == fold.state_root()
        assert standing_of(slow, statement.id) == standing_of(fold, statement.id)
        assert waiting_proposals(slow) == waiting_proposals(fold)
    verdict = standing_of(fold, statement.id)
    assert verdict is not None
    return verdict


def state_of(town: Consortium, statement: Statement) -> EffectState:
    return verdict_of(town, statement).state


def record_of(town: Consortium, type: str, id: str) -> Record:
    record = town.fold().get(type, id)
    assert record is not None, f"no {type} {id}"
    return record


def delegate(
    town: Consortium, by: str | Pen = A, *, to: str = DELEGATE, keys: int = 1, next_keys: bool = False, **changes: Any
) -> tuple[Pen, Statement]:
    """A delegation, and the delegate's first pen."""
    pens = [town.pen(f"{to}#{n}", to) for n in range(1, keys + 1)]
    entries = [key_entry(pen, budget=500, next_key=next_keys) for pen in pens]
    return pens[0], town.says(by, "authority.delegate", delegation(to, entries, **changes))


def amend(
    town: Consortium,
    who: str | Pen,
    parent: Statement | None = None,
    version: int = 2,
    *,
    authorities: tuple[tuple[str, str], ...] = TRIO,
    heads: list[dict[str, bytes]] | None = None,
    budget: int = 0,
    keys: int = 1,
    **charter: Any,
) -> Statement:
    """An amendment, with the heads of all that was heard."""
    body = charter_body(authorities, town.pens, budget=budget, keys=keys, **charter)
    named = town.heads() if heads is None else heads
    parent_id = (parent or town.genesis).id
    amendment = {"parent": parent_id, "version": version, "charter": body, "heads": named}
    return town.says(who, "charter.amend", amendment, town.id)


def charter_name(town: Consortium) -> str:
    charter = town.fold().charter
    assert charter is not None
    return str(charter.body["name"])


def compromise(town: Consortium, who: str | Pen, pen: Pen, last: Statement | None = None, **changes: Any) -> Statement:
    """A cut-off of a pen's key after `last`."""
    body = {"key": pen.kid, "last": None if last is None else last.id} | changes
    return town.says(who, "key.compromise", body, pen.authority)


def annul(town: Consortium, who: str, target: Statement) -> Statement:
    return town.says(who, "statement.annul", {"target": target.id, "reason_code": "error"}, target.id.hex())


def pinned(pen: Pen, issuer: str = ISSUER, **changes: Any) -> dict[str, Any]:
    """A pinned key that the issuer may use itself."""
    return {"id": f"{issuer}#key", "public_key_multibase": multibase(pen.public), "budget": 50} | changes


def issuer_pen(town: Consortium, issuer: str = ISSUER) -> Pen:
    """An issuer with a key of its own, registered by A."""
    pen = town.pen(f"{issuer} key", issuer)
    town.says(A, "issuer.register", register(issuer, keys=[pinned(pen, issuer)]))
    return pen


def explain(
    town: Consortium, who: str | Pen, kind: str, body: dict[str, Any], sub: str | None = None
) -> StatementEffect:
    """What would become of a statement if it were said now."""
    pen = who if isinstance(who, Pen) else town.pen(who)
    named = sub or next((body[m] for m in ("id", "issuer", "delegate", "name") if isinstance(body.get(m), str)), None)
    draft = Draft(
        iss=pen.authority,
        sub=named or town.eco.hex(),
        iat=town.time + 1,
        eco=town.eco,
        kind=kind,
        seq=pen.seq,
        prev=pen.prev,
        body=body,
        mandate=town.mandate_of(pen, kind),
    )
    return explain_draft(town.fold(), draft, pen.kid)


def answer(town: Consortium, *, at: int | None = None, later: int = 10, achievement: str = "BachelorDegree") -> Verdict:
    """What is decided about the issuer, `later` seconds after all that was said, as of `at`."""
    query = Query(entity=ISSUER, authority=town.id, achievement_types=(achievement,), jurisdiction="US", time=at)
    return decide(query, town.fold(), town.time + later, ecosystem_id=town.id).verdict


def granted(town: Consortium, by: str | Pen = A, **changes: Any) -> Statement:
    """An issuer, registered and accredited by one authority."""
    town.says(by, "issuer.register", register())
    return town.says(by, "accreditation.grant", grant(**changes))


def status(town: Consortium, who: str | Pen, given: Statement, word: str, *after: Statement, **more: Any) -> Statement:
    more.setdefault("effective_from", town.time + 1)
    if word in ("revoke", "withdraw"):
        more.setdefault("reason_code", "fraud")
    body = event(given.id, word, after=[s.id for s in after], **more)
    return town.says(who, "accreditation.status", body, given.sub)


def joint_grant(**charter: Any) -> tuple[Consortium, Statement]:
    """A town that asks two bodies, one nonprofit, for a grant; and a grant that A and B made."""
    town = trio(rules={"accreditation.grant": {"authorities": 2, "constituencies": {"nonprofit": 1}}}, **charter)
    town.says(A, "issuer.register", register())
    given = town.says(A, "accreditation.grant", grant())
    town.votes(B, given)
    return town, given
