"""The attacks that design/statements.md names, each by its name."""

import pytest

from accredit.governance.authority.admission import Admission
from accredit.governance.authority.effect import EffectState
from accredit.governance.rules.charter import check_genesis
from accredit.governance.standing import standing_of
from accredit.registry.errors import DecodeError, NotYetError, RefusedError
from accredit.registry.statement import Statement, decode
from tests.strategies.bodies import ISSUER, SCOPE, delegation, event, grant, register
from tests.strategies.consortium import Consortium, Pen, accepted, charter_body, key_entry

A, B, C, D = (f"https://{letter}.example/" for letter in "abcd")
DELEGATE = "https://delegate.example/"


@pytest.fixture
def town() -> Consortium:
    return Consortium.of((A, "nonprofit"), (B, "public"), (C, "education"))


def state(town: Consortium, statement: Statement, said: list[Statement] | None = None) -> EffectState:
    verdict = standing_of(town.fold(said), statement.id)
    assert verdict is not None
    return verdict.state


def delegate(town: Consortium, by: str = A, **changes: object) -> tuple[Pen, Statement]:
    pen = town.pen(DELEGATE + "#1", DELEGATE)
    said = town.says(by, "authority.delegate", delegation(DELEGATE, [key_entry(pen, budget=500)], **changes))
    return pen, said


def test_a_delegate_cannot_mint_a_majority(town: Consortium) -> None:
    """However many bodies a delegate makes authorities, none of them counts where several authorities are asked."""
    pen, _ = delegate(town, actions=["authority.delegate", "issuer.*", "accreditation.*"])
    minted = []
    for n in range(5):
        by = f"https://sock{n}.example/"
        sock = town.pen(by + "#1", by)
        town.says(pen, "authority.delegate", delegation(by, [key_entry(sock, budget=20)], actions=["issuer.*"]))
        minted.append(sock)
    foreign = town.says(
        minted[0], "recognition.grant", {"id": "https://mill.example/", "name": "Mill", "actions": ["issue"]}
    )
    honest = town.says(A, "recognition.grant", {"id": "https://other.example/", "name": "Other", "actions": ["issue"]})
    for sock in minted:
        town.votes(sock, honest, foreign)

    assert state(town, foreign) is EffectState.INEFFECTIVE
    assert state(town, honest) is EffectState.WAITING

    town.votes(B, honest)

    assert state(town, honest) is EffectState.EFFECTIVE


def test_a_stolen_keys_back_dated_grant_is_void(town: Consortium) -> None:
    """A thief dates his grant into the time before the theft; what counts is the chain, not the date."""
    good = town.says(A, "accreditation.grant", grant())
    thief = town.pen(A).copy()
    forged = town.says(thief, "accreditation.grant", grant("did:web:mill.example"), iat=good.iat)
    assert state(town, forged) is EffectState.EFFECTIVE

    body = {"key": town.pen(A).kid, "last": good.id}
    cut = town.says(B, "key.compromise", body, A)
    town.votes(C, cut)

    fold = town.fold()
    assert state(town, forged) is EffectState.VOID
    assert state(town, good) is EffectState.EFFECTIVE
    assert fold.get("issuer", "did:web:mill.example") is None
    assert not fold.is_committed(forged.id)
    assert fold.is_committed(good.id)


def test_what_a_stolen_key_says_after_its_cut_off_is_void_whenever_it_turns_up(town: Consortium) -> None:
    """A cut-off needs no clock: a forgery made, or spread, years later is as void as one made before."""
    good = town.says(A, "accreditation.grant", grant())
    thief = town.pen(A).copy()
    cut = town.says(B, "key.compromise", {"key": town.pen(A).kid, "last": good.id}, A)
    town.votes(C, cut)
    fold = town.fold()
    root = fold.state_root()

    forged = town.says(thief, "accreditation.grant", grant("did:web:mill.example"), heard=False)
    fold.add(forged)
    fold.settle()

    assert fold.state_root() == root


def test_one_authority_cannot_widen_anothers_grant(town: Consortium) -> None:
    """Only the accreditor, or one above it in its chain, changes an accreditation."""
    narrow = town.says(A, "accreditation.grant", grant())
    wider = {
        "accreditation": narrow.id,
        "after": [narrow.id],
        "effective_from": 0,
        "scope": {**SCOPE, "achievement_types": "*"},
        "valid_from": 0,
    }
    widened = town.says(B, "accreditation.amend", wider, ISSUER)
    town.votes(C, widened)
    lifted = town.says(B, "accreditation.status", event(narrow.id, "renew"), ISSUER)

    fold = town.fold()
    assert state(town, widened) is EffectState.INEFFECTIVE
    assert state(town, lifted) is EffectState.INEFFECTIVE
    record = fold.get("accreditation", narrow.id.hex())
    assert record is not None
    assert [terms["statement"] for terms in record["terms"]] == [narrow.id]
    assert record["events"] == []


def test_one_above_in_the_chain_may_suspend_what_its_delegate_granted(town: Consortium) -> None:
    pen, _ = delegate(town)
    given = town.says(pen, "accreditation.grant", grant())
    by_its_delegator = town.says(A, "accreditation.status", event(given.id, "suspend"), ISSUER)
    by_another = town.says(B, "accreditation.status", event(given.id, "suspend"), ISSUER)

    assert state(town, by_its_delegator) is EffectState.EFFECTIVE
    assert state(town, by_another) is EffectState.INEFFECTIVE


def amend(
    town: Consortium,
    who: str,
    parent: Statement,
    version: int,
    *,
    name: str,
    heads: list[dict[str, bytes]] | None = None,
) -> Statement:
    body = charter_body([(A, "nonprofit"), (B, "public"), (C, "education")], town.pens, budget=0, name=name)
    named = town.heads() if heads is None else heads
    return town.says(
        who, "charter.amend", {"parent": parent.id, "version": version, "charter": body, "heads": named}, town.id
    )


def charter_name(town: Consortium) -> str:
    charter = town.fold().charter
    assert charter is not None
    return str(charter.body["name"])


def test_an_amendment_cannot_be_rewound_by_later_votes_for_its_rival(town: Consortium) -> None:
    """Once an amendment passed, keys that approved it can no longer make another of the same parent pass."""
    first = amend(town, A, town.genesis, 2, name="First")
    town.votes(C, first)
    assert charter_name(town) == "First"

    rival = amend(town, B, town.genesis, 2, name="Rival")
    town.votes(C, rival)
    town.votes(A, rival)

    assert charter_name(town) == "First"
    assert state(town, rival) is EffectState.INEFFECTIVE
    assert not town.fold().alarms()


def test_rival_amendments_that_equivocal_keys_made_both_pass_are_settled_by_id_with_an_alarm(town: Consortium) -> None:
    two_faced = town.pen(C).copy()
    first = amend(town, A, town.genesis, 2, name="First")
    rival = amend(town, B, town.genesis, 2, name="Rival")
    town.votes(C, first)
    town.votes(two_faced, rival)

    fold = town.fold()

    winner = min(first, rival, key=lambda s: s.id)
    assert charter_name(town) == winner.body["charter"]["name"]
    assert any("two amendments" in alarm for alarm in fold.alarms())


def test_heads_that_forget_what_an_earlier_amendment_covered_are_refused(town: Consortium) -> None:
    first = amend(town, A, town.genesis, 2, name="First")
    town.votes(B, first)
    town.votes(C, first)
    short = [head for head in town.heads() if head["key"] != town.pen(C).kid]
    second = amend(town, A, first, 3, name="Second", heads=short)
    town.votes(B, second)
    town.votes(C, second)

    assert charter_name(town) == "First"
    assert state(town, second) is EffectState.INEFFECTIVE


def test_a_later_cut_off_does_not_take_an_amendment_back(town: Consortium) -> None:
    amended = amend(town, A, town.genesis, 2, name="Amended")
    town.votes(B, amended)
    assert charter_name(town) == "Amended"
    cut = town.says(B, "key.compromise", {"key": town.pen(A).kid, "last": None}, A)
    town.votes(C, cut)

    assert charter_name(town) == "Amended"
    assert town.fold().is_committed(amended.id)


def test_key_quotas_filled_differently_at_two_nodes_leave_them_with_the_same_set() -> None:
    """A key is over its budget by number, not by count: which of its statements came first does not matter."""
    town = Consortium.of((A, "nonprofit"), budget=3)
    pen = town.pen(A)
    branches = []
    for n in range(4):
        hand = pen.copy()
        branches.append(
            [town.says(hand, "issuer.register", register(f"did:web:x{n}.example"), heard=False) for _ in range(4)]
        )

    one = [s for branch in branches for s in branch]
    other = [s for branch in reversed(branches) for s in reversed(branch)]
    at_one, at_other = accepted(town.eco, [town.genesis, *one]), accepted(town.eco, [town.genesis, *other])
    assert {s.id for s in at_one} == {s.id for s in at_other}
    assert len(at_one) == 1 + 4 * 2  # numbers 2 and 3 on each branch; 4 and 5 are over budget


def test_a_key_cannot_multiply_by_introducing_keys(town: Consortium) -> None:
    """What a key hands out is taken from its own numbers."""
    pen, said = delegate(town)
    spent = town.pen(A).seq
    assert spent == said.seq + 1 + 500

    child = town.pen("https://child.example/#1", "https://child.example/")
    greedy = town.says(pen, "authority.delegate", delegation("https://child.example/", [key_entry(child, budget=600)]))
    node = Admission(town.eco)
    for statement in town.said:
        node.add(node.admit(decode(statement.raw)))
    beyond = town.says(pen, "issuer.register", register(), heard=False)
    assert beyond.seq > 500

    with pytest.raises(NotYetError, match="budget"):
        node.admit(decode(beyond.raw))
    assert greedy.id in node


def test_a_statement_of_another_ecosystem_is_refused(town: Consortium) -> None:
    other = Consortium.of((A, "nonprofit"), name="Another consortium")
    node = Admission(town.eco)
    node.add(node.admit(decode(town.genesis.raw)))

    with pytest.raises(RefusedError, match="a different ecosystem"):
        node.admit(decode(other.says(A, "issuer.register", register()).raw))
    with pytest.raises(RefusedError, match="a different ecosystem"):
        node.admit(decode(other.genesis.raw))


def test_a_key_that_nobody_introduced_is_not_yet_known(town: Consortium) -> None:
    node = Admission(town.eco)
    node.add(node.admit(decode(town.genesis.raw)))
    stranger = Pen("stranger", A)

    with pytest.raises(NotYetError) as caught:
        node.admit(decode(town.says(stranger, "issuer.register", register()).raw))
    assert caught.value.code == "unknown_key"


def test_a_withheld_statement_keeps_later_grants_from_taking_effect_but_not_revocations(town: Consortium) -> None:
    earlier = town.says(A, "accreditation.grant", grant())
    town.says(A, "issuer.register", register(), heard=False)
    later = town.says(A, "accreditation.grant", grant("did:web:later.example"))
    suspended = town.says(A, "accreditation.status", event(earlier.id, "suspend"), ISSUER)

    assert state(town, later) is EffectState.WAITING
    assert state(town, suspended) is EffectState.EFFECTIVE


def test_a_forked_keys_grants_wait_until_another_key_settles_which_branch_is_honest(town: Consortium) -> None:
    before = town.says(A, "accreditation.grant", grant())
    thief = town.pen(A).copy()
    honest = town.says(A, "accreditation.grant", grant("did:web:honest.example"))
    forged = town.says(thief, "accreditation.grant", grant("did:web:mill.example"))
    suspended = town.says(thief, "accreditation.status", event(before.id, "suspend"), ISSUER)

    assert state(town, before) is EffectState.EFFECTIVE
    assert state(town, honest) is EffectState.WAITING
    assert state(town, forged) is EffectState.WAITING
    assert state(town, suspended) is EffectState.EFFECTIVE  # narrowing statements hold, on either branch

    town.votes(B, honest)

    assert state(town, honest) is EffectState.EFFECTIVE
    assert state(town, forged) is EffectState.WAITING


def test_anchors_on_both_branches_protect_neither(town: Consortium) -> None:
    thief = town.pen(A).copy()
    honest = town.says(A, "accreditation.grant", grant())
    forged = town.says(thief, "accreditation.grant", grant("did:web:mill.example"))
    town.votes(B, honest)
    town.votes(C, forged)

    assert state(town, honest) is EffectState.WAITING
    assert state(town, forged) is EffectState.WAITING


def test_a_genesis_whose_rules_can_never_be_met_is_refused(town: Consortium) -> None:
    for rules in (
        {"accreditation.grant": {"authorities": 4}},
        {"accreditation.grant": {"authorities": 1, "constituencies": {"labor": 1}}},
    ):
        with pytest.raises(DecodeError, match="can never be met"):
            check_genesis(town.genesis.body | {"rules": rules})


def test_one_public_key_listed_twice_counts_once(town: Consortium) -> None:
    body = dict(town.genesis.body)
    first, second, *rest = body["authorities"]
    body["authorities"] = [first, {**second, "keys": first["keys"]}, *rest]

    with pytest.raises(DecodeError, match="public key"):
        check_genesis(body)
