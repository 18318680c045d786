"""What a fold shows: records, changes, proposals, heads; and decisions that are answered, never deleted."""

from typing import Any

import pytest

from accredit.governance import fold as fold_module
from accredit.governance.authority.effect import EffectState
from accredit.governance.fold import Changes, Fold
from accredit.governance.standing import key_head, key_heads, standing_of, undone_about, waiting_proposals
from tests.strategies.bodies import (
    FRAMEWORK,
    ISSUER,
    SCOPE,
    event,
    framework,
    framework_items,
    grant,
    node,
    recognition,
    register,
)
from tests.strategies.consortium import Pen, fold_of, key_entry
from tests.strategies.stories import (
    A,
    B,
    C,
    amend,
    annul,
    compromise,
    delegate,
    issuer_pen,
    record_of,
    state_of,
    trio,
    verdict_of,
)

MAPPING = "https://skills.example/mapping"


def mapping() -> dict[str, Any]:
    link = {"source": f"{FRAMEWORK}/1", "target": None, "relation": "no_match"}
    sides = {"source": {"framework": FRAMEWORK}, "target": {"framework": "https://other.example/"}}
    return {"id": MAPPING, "title": "M", **sides, "method": "expert", "usable_for_scope": False, "links": [link]}


# ------------------------------------------------------------------------------------------------ changes


def test_settle_tells_which_records_changed_and_what_took_effect_or_ceased() -> None:
    town = trio()
    fold = town.fold()
    given = town.says(A, "accreditation.grant", grant())
    fold.add(given)
    assert fold.settle() == Changes(
        records=(("accreditation", given.id.hex()), ("issuer", ISSUER)),
        took_effect=(given.id,),
        committed={given.id: True},
    )
    assert fold.settle() == Changes()

    annulled = annul(town, A, given)
    for statement in (annulled, town.votes(B, annulled)):
        fold.add(statement)
    changes = fold.settle()

    assert (changes.took_effect, changes.ceased) == ((annulled.id,), (given.id,))
    assert fold.get("accreditation", given.id.hex()) is None
    assert [subject for subject, _ in fold.items()] == sorted(subject for subject, _ in fold.items())
    assert [id for (_, id), _ in fold.items("authority")] == [A, B, C]
    for kind, listed in (("authority", [A, B, C]), ("accreditation", [])):
        assert sorted(id for part in fold.ids_in_parts(kind) for id in part) == listed


def test_adding_again_changes_nothing() -> None:
    town = trio()
    town.says(A, "accreditation.grant", grant())
    fold = town.fold()
    root = fold.state_root()
    for statement in town.said:
        fold.add(statement)

    assert fold.settle() == Changes()
    assert (fold.state_root(), len(fold)) == (root, len(town.said))
    assert town.genesis.id in fold
    assert fold.statement(town.genesis.id) == town.genesis
    assert standing_of(fold, bytes(32)) is None


def test_before_its_genesis_a_fold_holds_and_commits_what_it_hears() -> None:
    town = trio()
    given = town.says(A, "accreditation.grant", grant())
    fold = Fold(town.eco)
    fold.add(given)
    fold.settle()

    waiting = standing_of(fold, given.id)
    assert waiting is not None
    assert waiting.state is EffectState.WAITING
    assert fold.is_committed(given.id)
    assert fold.charter is None
    head = key_head(fold, town.pen(A).kid)
    assert head is None  # nothing introduces it yet


# ------------------------------------------------------------------------------------------------ annulments


def test_two_authorities_annul_and_the_statement_stays_on_record_as_annulled() -> None:
    town = trio()
    given = town.says(A, "accreditation.grant", grant())
    amended = {"accreditation": given.id, "after": [], "effective_from": 0, "scope": SCOPE, "valid_from": 0}
    widened = town.says(A, "accreditation.amend", amended, ISSUER)
    annulled = annul(town, B, given)
    assert state_of(town, annulled) is EffectState.WAITING
    town.votes(C, annulled)

    assert verdict_of(town, given).reason == "A later decision annulled it."
    assert verdict_of(town, widened).reason == "The accreditation it names is not in effect."
    assert state_of(town, annulled) is EffectState.EFFECTIVE


def test_annulling_a_suspension_brings_the_accreditation_back() -> None:
    town = trio()
    given = town.says(A, "accreditation.grant", grant())
    suspended = town.says(A, "accreditation.status", event(given.id, "suspend"), ISSUER)
    town.votes(C, annul(town, B, suspended))

    assert state_of(town, suspended) is EffectState.ANNULLED
    assert record_of(town, "accreditation", given.id.hex())["events"] == []


def test_what_is_undone_is_told_with_what_undid_it() -> None:
    town = trio()
    given = town.says(A, "accreditation.grant", grant())
    suspended = town.says(A, "accreditation.status", event(given.id, "suspend"), ISSUER)
    for annulled in (first := annul(town, B, suspended), annul(town, C, suspended), annul(town, A, given)):
        town.votes(C if annulled is first else B, annulled)
    again, whole = undone_about(town.fold(), "accreditation", given.id.hex())[::-1]
    assert (whole.statement.id, whole.state, whole.by.kind) == (given.id, EffectState.ANNULLED, "statement.annul")
    assert (again.statement.id, again.by.id) == (suspended.id, first.id), "of several annulments the first counts"
    assert again.since >= first.iat
    assert undone_about(Fold(town.eco), "accreditation", given.id.hex()) == [], "before the genesis nothing counts"


def test_what_a_stolen_key_said_is_undone_by_the_cut_off_and_what_counts_is_not_undone() -> None:
    town = trio()
    given = town.says(A, "accreditation.grant", grant())
    assert undone_about(town.fold(), "accreditation", given.id.hex()) == []
    cut = compromise(town, B, town.pen(A), town.genesis)
    town.votes(C, cut)
    (void,) = undone_about(town.fold(), "accreditation", given.id.hex())
    assert (void.statement.id, void.state, void.by.id) == (given.id, EffectState.VOID, cut.id)


def test_what_never_counted_for_another_reason_was_not_undone() -> None:
    town = trio()
    for by in (A, B):
        admitted = town.says(by, "node.admit", node("one.example", by))
        for other in {A, B, C} - {by}:
            town.votes(other, admitted)
    assert undone_about(town.fold(), "node", "one.example") == []


def test_votes_annulments_and_what_the_law_rests_on_cannot_be_annulled() -> None:
    town = trio()
    given = town.says(A, "accreditation.grant", grant())
    vote = town.votes(B, given)
    first = annul(town, B, given)
    _, made = delegate(town)
    for target in (vote, first, made, town.genesis):
        said = annul(town, A, target)
        town.votes(C, said)
        assert verdict_of(town, said).reason == f"{target.kind.capitalize()} cannot be annulled."


@pytest.mark.parametrize("order", [1, -1])
def test_an_annulment_before_its_target_waits_for_it(order: int) -> None:
    town = trio()
    given = town.says(A, "accreditation.grant", grant(), heard=False)
    annulled = annul(town, B, given)
    town.votes(C, annulled)
    assert verdict_of(town, annulled).reason == "The statement it annuls is missing here."

    fold = fold_of(town.eco, [*town.said, given][::order], batch=1)

    assert verdict_of(town, given, fold).state is EffectState.ANNULLED
    assert verdict_of(town, annulled, fold).state is EffectState.EFFECTIVE


def test_an_annulment_of_what_has_no_effect_is_in_effect_itself_and_so_is_a_second_one() -> None:
    town = trio()
    given = town.says(A, "accreditation.grant", grant())
    foreign = town.says(B, "accreditation.status", event(given.id, "suspend"), ISSUER)
    said = [annul(town, A, foreign), annul(town, A, given), annul(town, B, given)]
    town.votes(C, *said)

    for fold in (town.fold(), fold_of(town.eco, town.said, batch=1)):
        assert [verdict_of(town, s, fold).state for s in said] == [EffectState.EFFECTIVE] * 3
        assert verdict_of(town, foreign, fold).state is EffectState.INEFFECTIVE


# ------------------------------------------------------------------------------------------------ records


def test_recognitions_are_granted_and_withdrawn_together_whoever_proposes() -> None:
    town = trio()
    recognised = town.says(A, "recognition.grant", recognition())
    town.votes(B, recognised)
    ended = {"recognition": recognised.id, "effective_from": 7}
    elsewhere = town.says(C, "recognition.withdraw", ended, "https://elsewhere.example/")
    withdrawn = town.says(C, "recognition.withdraw", ended, recognised.sub)
    town.votes(B, withdrawn, elsewhere)

    (granted,) = record_of(town, "recognition", recognised.sub)["granted"]
    assert granted["withdrawn"] == {"statement": withdrawn.id, "effective_from": 7}
    assert verdict_of(town, elsewhere).reason == "Its subject is not the subject of the statement it changes."


def test_a_framework_counts_when_its_author_has_brought_all_its_items() -> None:
    town = trio()
    published = town.says(A, "framework.publish", framework())
    foreign = town.says(B, "framework.items", framework_items(published.id, 0))
    parts = [town.says(A, "framework.items", framework_items(published.id, part)) for part in (1, 0)]
    status = {
        "framework": FRAMEWORK,
        "publish": published.id,
        "status": "deprecated",
        "effective_from": town.time,
        "after": [],
    }
    deprecated = town.says(A, "framework.status", status)
    nowhere = town.says(A, "framework.items", framework_items(bytes(32), 0))

    assert [state_of(town, s) for s in (*parts, deprecated)] == [EffectState.EFFECTIVE] * 3
    assert verdict_of(town, foreign).reason == f"Only {A} may change it."
    assert verdict_of(town, nowhere).reason == "The framework it names is not in effect."
    (stated,) = record_of(town, "framework", FRAMEWORK)["stated"]
    assert (stated["complete"], stated["parts"]) == (True, [0, 1])
    (entry,) = record_of(town, "competency", "urn:example:reading")["in"]
    assert (entry["framework"], entry["item"]) == (FRAMEWORK, f"{FRAMEWORK}/1")

    town.votes(C, annul(town, B, parts[0]))

    assert town.fold().get("competency", "urn:example:reading") is None
    assert fold_of(town.eco, town.said, batch=1).state_root() == town.fold().state_root()


def test_a_mapping_is_withdrawn_by_who_published_it() -> None:
    town = trio()
    published = town.says(A, "mapping.publish", mapping())
    body = {"mapping": MAPPING, "publish": published.id, "effective_from": town.time}
    foreign = town.says(B, "mapping.withdraw", body, MAPPING)
    withdrawn = town.says(A, "mapping.withdraw", body, MAPPING)

    assert [state_of(town, s) for s in (foreign, withdrawn)] == [EffectState.INEFFECTIVE, EffectState.EFFECTIVE]
    (stated,) = record_of(town, "mapping", MAPPING)["stated"]
    assert stated["withdrawn"]["statement"] == withdrawn.id


def test_an_alias_lists_every_issuer_that_claims_it() -> None:
    town = trio()
    for n in range(2):
        town.says(A, "issuer.register", register(f"did:web:i{n}.example", also_known_as=["https://known.example/"]))

    assert record_of(town, "alias", "https://known.example/")["issuers"] == ["did:web:i0.example", "did:web:i1.example"]


def test_an_authority_record_names_its_contacts_keys_and_standings() -> None:
    town = trio(max_backdating=60)
    pen, made = delegate(town, url="https://delegate.example/about", contact="mailto:office@delegate.example")
    later = Pen("second of the delegate", pen.authority)
    added = town.says(pen, "key.add", key_entry(later, budget=5))

    (standing,) = record_of(town, "authority", pen.authority)["standings"]
    assert (standing["via"], standing["parent"]) == (made.id, {"by": A, "via": None})
    assert standing["contact"] == "mailto:office@delegate.example"
    assert {key["key"]: (key["public"], key["since"], key["last"]) for key in standing["keys"]} == {
        pen.kid: (pen.public, made.id, None),
        later.kid: (later.public, added.id, None),
    }
    assert record_of(town, "charter", town.id)["max_backdating"] == 60


# ------------------------------------------------------------------------------------------------ heads, proposals


def test_key_heads_tell_where_a_key_stands_and_for_whom_it_counts() -> None:
    town = trio(next_keys=True)
    pen, _ = delegate(town)
    town.says(pen, "issuer.register", register())
    town.says(pen, "issuer.register", register(), heard=False)
    town.says(pen, "issuer.register", register())
    intruder = issuer_pen(town)
    claimed = delegate(town, intruder, to="https://x.example/")[0]
    fold = town.fold()

    head = key_head(fold, pen.kid)
    assert head is not None
    assert (head.seq, head.next_seq, head.budget, head.public) == (1, 2, 500, pen.public)
    assert [voice.by for voice in head.voices] == [pen.authority]
    committed = key_head(fold, Pen(f"{A}#1 next", A).kid)
    assert committed is not None
    assert (committed.public, committed.seq, committed.id, committed.next_seq) == (None, 0, None, 1)
    nobody = key_head(fold, claimed.kid)
    assert nobody is not None
    assert nobody.voices == ()  # an issuer's key cannot make anybody an authority
    assert key_head(fold, bytes(32)) is None
    assert (pen.kid, head.id, 1) in key_heads(fold)


def test_heads_leave_out_what_nothing_introduces_or_is_not_held_in_sequence() -> None:
    town = trio()
    stranger = Pen("stranger", A)
    town.says(stranger, "issuer.register", register())

    assert stranger.kid not in [key for key, _, _ in key_heads(town.fold())]


def test_proposals_are_listed_oldest_first_with_their_votes_until_they_are_decided() -> None:
    town = trio()
    early = town.says(A, "recognition.grant", recognition())
    late = town.says(B, "node.admit", node("n1.example"))
    amended = amend(town, C)
    vote = town.votes(C, early, approve=False)
    fold = fold_of(town.eco, town.said, batch=1)

    proposals = waiting_proposals(fold)
    assert [proposal.statement for proposal in proposals] == [early, late, amended]
    assert proposals[0].votes == (vote,)
    assert proposals[0].verdict.needed == "2 of 3 authorities"

    for statement in (town.votes(B, early), town.votes(A, late)):
        fold.add(statement)
    fold.settle()

    assert [proposal.statement for proposal in waiting_proposals(fold)] == [amended]


def test_who_is_named_as_keeper_of_an_issuers_records_is_found_by_it_in_any_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fold_module, "KEEPERS_LISTED", 2)
    town = trio()
    names = [f"did:web:archive{number}.example" for number in range(3)]
    for name in reversed(names):
        town.says(A, "issuer.register", register(name, custodian_for=[ISSUER]))
    for order in (town.said, town.said[::-1]):
        fold = Fold(town.eco)
        for each in order:
            fold.add(each)
        fold.settle()
        branch = fold.branch()
        assert fold.named_keepers(ISSUER) == branch.named_keepers(ISSUER) == tuple(names[:2])
        assert fold.named_keepers(names[0]) == ()
