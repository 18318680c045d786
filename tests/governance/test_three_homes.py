"""Three homes, one function: the fold, the evidence and the snapshot give one decision."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.governance.fold import Fold
from accredit.registry.decision.decide import decide
from accredit.registry.decision.query import Query
from accredit.registry.domain.records import record_digest, record_key
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.evidence.check import check
from accredit.registry.evidence.deciding import AUTHORIZATION, RECOGNITION
from accredit.registry.evidence.prove import prove
from accredit.registry.evidence.snapshot import Snapshot
from accredit.registry.evidence.state_check import CheckResult
from accredit.registry.statement import Statement
from accredit.registry.transparency.state_map import Trie
from tests.strategies.consortium import START, fold_of
from tests.strategies.histories import AUTHORITIES, ISSUERS, histories
from tests.strategies.noted import Held, trust
from tests.strategies.searching import examples

pytestmark = pytest.mark.no_cover

NOW = START + 86_400
ECOSYSTEM = CanonicalId("https://consortium.example/")
queries = st.builds(
    lambda **asked: Query(**asked),  # only these members
    entity=st.sampled_from([*ISSUERS, "https://i0.example/", AUTHORITIES[0][0], "https://d0.example/", "nonsense"]),
    authority=st.sampled_from([ECOSYSTEM, *(by for by, _ in AUTHORITIES), "https://d0.example/"]),
    action=st.sampled_from(["issue", "issue", "accredit"]),
    achievement_types=st.sampled_from([(), ("Degree",), ("Badge",)]),
    jurisdiction=st.sampled_from([None, "US", "FI"]),
    time=st.sampled_from([None, START - 1_000, START + 3]),
)


def held_by(fold: Fold) -> Held:
    held = Held(
        dict(fold.items()),
        ecosystem=fold.ecosystem,
        charter=ECOSYSTEM,
        count=fold.committed_count(),
        statements_root=fold.statements_root(),
    )
    assert held.state.root == fold.state_root()
    return held


@examples(25)
@given(histories(), queries, st.sampled_from([AUTHORIZATION, RECOGNITION]))
def test_fold_evidence_and_snapshot_decide_alike(
    history: tuple[bytes, list[Statement]], query: Query, asked: str
) -> None:
    eco, said = history
    fold = fold_of(eco, said)
    held = held_by(fold)
    policy = trust(held, NOW)
    decision = decide(query, fold, NOW, ecosystem_id=ECOSYSTEM)
    evidence = prove(
        query,
        fold,
        Trie((record_key(*subject), record_digest(record)) for subject, record in fold.items()),
        statements_root=fold.statements_root(),
        note=held.note(NOW),
        now=NOW,
        ecosystem_id=ECOSYSTEM,
        asked=asked,
    )
    checked = check(evidence.encode(), query, policy, NOW, asked=asked)
    snapshot = Snapshot.load(held.snapshot(NOW), policy, NOW)
    assert checked.result is CheckResult.VERIFIED, checked.text
    if asked == AUTHORIZATION:
        assert checked.decision == decision
    assert snapshot.ask(query, NOW) == decision


@examples(12)
@given(histories(), queries, st.data())
def test_a_record_withheld_from_any_history_is_refuted(
    history: tuple[bytes, list[Statement]], query: Query, data: st.DataObject
) -> None:
    fold = fold_of(*history)
    held = held_by(fold)
    evidence = held.prove(query, NOW)
    left_out = data.draw(st.sampled_from(evidence.records))
    records = tuple(one for one in evidence.records if one != left_out)
    checked = check(replace(evidence, records=records).encode(), query, trust(held, NOW), NOW)
    assert (checked.result, checked.check) == (CheckResult.REFUTED, "missing_record")
