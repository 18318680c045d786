"""Whoever proposes or votes is told what will be then, by what, and what waits that asks for the same."""

from typing import Any

from accredit.governance.standing import waiting_proposals
from accredit.node.http.handling.foresight import Foresight, Waiting, foresee
from accredit.registry.encoding.ed25519 import multibase
from accredit.registry.statement import Statement
from tests.strategies.bodies import FRAMEWORK, ISSUER, event, framework, framework_items, grant, node, register
from tests.strategies.consortium import Consortium
from tests.strategies.stories import A, B, C, amend, annul, delegate, trio

NAME = "n1.example"


def foresight(town: Consortium, said: Statement, now: int | None = None) -> Foresight:
    fold = town.fold()
    return foresee(fold, said, Waiting(waiting_proposals(fold)), town.time if now is None else now)


def accredited(town: Consortium) -> Statement:
    town.says(A, "issuer.register", register())
    return town.says(A, "accreditation.grant", grant())


def status(town: Consortium, given: Statement, word: str, *after: Statement, who: str = A, **more: Any) -> Statement:
    body = event(given.id, word, **more) | {"effective_from": town.time, "after": [one.id for one in after]}
    return town.says(who, "accreditation.status", body, ISSUER)


def suspended(town: Consortium, given: Statement, *after: Statement, who: str = A) -> Statement:
    return status(town, given, "suspend", *after, who=who, reason_code="standards_noncompliance")


def test_a_second_suspension_is_told_to_suspend_again_what_was_reinstated() -> None:
    town = trio(keys=2, threshold=2)
    a, b = f"{A}#1", f"{A}#2"
    town.votes(b, town.says(a, "issuer.register", register()))
    given = town.says(a, "accreditation.grant", grant())
    town.votes(b, given)
    first, second = suspended(town, given, who=a), suspended(town, given, who=a)
    seen = foresight(town, second)
    assert seen.duplicates == [first.id.hex()]
    assert "will be suspended; without this statement it is active" in seen.afterwards[0]
    town.votes(b, first)
    assert "stays suspended" in foresight(town, second).afterwards[0]
    town.votes(b, status(town, given, "reinstate", first, who=a))

    seen = foresight(town, second)

    assert any("will be suspended; without this statement it is active" in one for one in seen.afterwards)
    assert any("repeats an earlier event" in one for one in seen.afterwards)


def test_a_reinstatement_that_leaves_another_suspension_says_which_one_holds() -> None:
    town = trio()
    given = accredited(town)
    first, second = suspended(town, given), suspended(town, given)
    lifted = status(town, given, "reinstate", first)

    (sentence,) = foresight(town, lifted).afterwards

    assert f"stays suspended because of suspend by {A}" in sentence
    assert second.id.hex()[:12] in sentence


def test_what_begins_later_or_reaches_back_is_said() -> None:
    town = trio()
    given = accredited(town)
    later = status(town, given, "withdraw", reason_code="voluntary")
    assert foresight(town, later, now=later.body["effective_from"] - 86_400).begins == later.body["effective_from"]
    seen = foresight(town, later, now=later.body["effective_from"] - 86_400)
    assert seen.afterwards[0].startswith("It takes effect on 20")
    fraud = status(town, given, "revoke", reason_code="fraud", void_from=1_600_000_000)
    assert any("It is retroactive: credentials issued since" in one for one in foresight(town, fraud).afterwards)
    body = event(given.id, "suspend", effective_from=5, reason_code="closure")
    old = town.says(A, "accreditation.status", body, ISSUER)
    assert any("It is retroactive to 1970" in one for one in foresight(town, old).afterwards)


def test_an_annulment_says_what_it_answers_and_what_is_then() -> None:
    town = trio()
    given = accredited(town)
    suspension = suspended(town, given)
    seen = foresight(town, annul(town, B, suspension))
    assert "in effect → annulled" in seen.differences[0]
    assert "will be active" in seen.afterwards[0]
    assert "will count as never having had this accreditation" in foresight(town, annul(town, B, given)).afterwards[0]
    other = annul(town, B, town.says(A, "issuer.register", register("did:web:other.example")))
    assert foresight(town, other).afterwards == []
    assert foresight(town, annul(town, B, town.says(A, "issuer.register", register(), heard=False))).differences == []


def test_a_grant_to_nobody_or_on_somebody_elses_framework_is_warned_of() -> None:
    town = trio()
    town.says(B, "framework.publish", framework())
    published = town.said[-1]
    for part in (0, 1):
        town.says(B, "framework.items", framework_items(published.id, part))
    scope = {"frameworks": [FRAMEWORK], "competencies": ["urn:example:reading", "urn:example:unknown"]}
    given = town.says(A, "accreditation.grant", grant(scope=scope))
    assert foresight(town, given).unregistered == [ISSUER]
    warnings = ["", *foresight(town, given).warnings]
    assert f'Add publishers = ["{B}"]' in warnings[1]
    assert f'Add publishers = ["{B}"]' in warnings[2]
    assert "No framework published here contains urn:example:unknown" in warnings[3]
    town.says(A, "issuer.register", register())
    for good in (
        town.says(A, "accreditation.grant", grant(scope={"frameworks": [FRAMEWORK]}, publishers=[B])),
        town.says(B, "accreditation.grant", grant(scope={"frameworks": [FRAMEWORK]})),
        town.says(A, "accreditation.grant", grant()),
    ):
        assert foresight(town, good).warnings == []


def test_a_limit_by_a_framework_that_nobody_above_has_published_is_warned_of() -> None:
    """What the delegate publishes itself does not count for its limits: better said before it is signed."""
    town = trio()
    limits = {"frameworks": [FRAMEWORK]}
    pen, early = delegate(town, A, limits=limits, actions=["framework.*", "accreditation.*"])
    town.says(pen, "framework.publish", framework())
    (warning,) = foresight(town, early).warnings
    assert f"It limits the delegate to {FRAMEWORK}, which neither you" in warning
    town.says(A, "framework.publish", framework())
    assert foresight(town, delegate(town, A, limits=limits)[1]).warnings == []
    assert foresight(town, delegate(town, A, limits={"frameworks": "*"})[1]).warnings == []


def test_new_terms_are_shown_as_a_difference() -> None:
    town = trio()
    given = accredited(town)
    body = {"accreditation": given.id, "after": [], "effective_from": town.time, "valid_from": 0}
    wide = {**given.body["scope"], "jurisdictions": ["US", "CA", "MX", "DE", "FR", "GB"]}
    amended = town.says(A, "accreditation.amend", body | {"scope": wide, "valid_until": 4_000_000_000}, ISSUER)
    seen = foresight(town, amended)
    assert any(one.startswith("jurisdictions: ") and one.endswith("FR and 1 more") for one in seen.differences)
    assert any(one.startswith("valid_until: open → ") for one in seen.differences)
    same = {**given.body["scope"]}
    unchanged = town.says(
        A, "accreditation.amend", body | {"scope": same, "valid_from": given.body["valid_from"]}, ISSUER
    )
    fold = town.fold([*town.said[:-2], unchanged])
    seen = foresee(fold, unchanged, Waiting(()), town.time)
    assert seen.warnings == ["It changes neither the scope nor the validity."]


def test_an_amendment_of_the_charter_says_what_of_what() -> None:
    town = trio(nodes=[node(NAME, C)])
    amended = amend(
        town, A, name="Another", nodes=[node(NAME, C)], rules={"node.admit": {"authorities": 3}}, signers=[NAME]
    )
    assert foresight(town, amended).differences == [
        "name: A consortium → Another",
        f"signers: + {NAME}",
        "rule node.admit: the default → 3 of the authorities",
    ]
    assert foresight(town, amend(town, B, nodes=[node(NAME, C)])).warnings == [
        "It changes nothing about the charter in force."
    ]
    town.votes(C, amended)
    assert foresight(town, amend(town, C)).differences == [], "it amends a version that is not in force"


def test_a_replaced_node_is_named_with_all_that_changes() -> None:
    from accredit.governance.authority.node_names import entry_digest

    town = trio(nodes=[node(NAME, C)], signers=[NAME])
    body = node(NAME, B) | {"replaces": entry_digest(node(NAME, C)), "url": "https://new.example/"}
    said = town.says(A, "node.replace", body)
    seen = foresight(town, said)
    assert seen.differences == [f"operator: {C} → {B}", f"url: https://{NAME}/ → https://new.example/"]
    assert f"Replaces {NAME} of {C} at https://{NAME}/" in seen.afterwards[0]
    same = town.says(A, "node.replace", node(NAME, C) | {"replaces": entry_digest(node(NAME, C))})
    assert foresight(town, same).afterwards == []
    assert foresight(town, town.says(A, "node.admit", node("new.example"))).differences == []
    gone = foresight(town, town.says(A, "node.retire", {"name": NAME}))
    assert gone.afterwards == [
        f"{NAME} is one of 1 signer and will no longer cosign.",
        "Its name can never be used again.",
    ]


def test_a_node_that_would_be_taken_for_another_is_warned_of() -> None:
    town = trio(nodes=[node(NAME, C)])

    def warned(name: str, **changes: Any) -> list[str]:
        elsewhere = {"url": "https://elsewhere.example/"}
        return foresight(town, town.says(A, "node.admit", node(name) | elsewhere | changes)).warnings

    assert warned("N1.example") == [f"N1.example looks like {NAME}, another node."]
    assert warned("nl.example") == [f"nl.example looks like {NAME}, another node."]
    assert warned("n1.exаmple") == [f"n1.exаmple looks like {NAME}, another node."], "a Cyrillic letter"  # noqa: RUF001
    assert warned("n2.example") == []
    (address,) = warned("n3.example", url=f"https://{NAME}")
    assert address == f"https://{NAME}/ is the address of {NAME}, and only one node can answer there."
    keys = node(NAME)["keys"]
    (one,) = warned("n4.example", keys=node("n4.example")["keys"] | {"log": keys["log"]})
    assert one == f"Its log key is also in the entry of {NAME}; each node needs keys of its own."
    (all_,) = warned("n5.example", keys=keys)
    assert "log and peer and state and witness keys are also" in all_
    town.votes(B, town.says(A, "node.retire", {"name": NAME}))
    assert warned("N1.example") == [f"N1.example looks like {NAME}, a retired node."]
    assert warned("n6.example", url=f"https://{NAME}/") == []


def test_facts_about_an_issuer_are_compared_with_what_the_same_authority_stated() -> None:
    town = trio()
    town.says(A, "issuer.register", register())
    again = town.says(B, "issuer.register", register())
    assert f"is already registered, by {A}" in foresight(town, again).afterwards[0]
    renamed = town.says(A, "issuer.update", register(name="New name") | {"after": [town.said[-2].id]}, ISSUER)
    fold = town.fold(town.said[:-1])
    assert any("New name" in one for one in foresee(fold, renamed, Waiting(()), town.time).differences)
    assert foresight(town, town.says(C, "issuer.update", register() | {"after": []}, ISSUER)).differences == []


def test_names_stand_beside_ids() -> None:
    town = trio()
    given = accredited(town)
    seen = foresight(town, given)
    assert seen.names[A] == f"Authority {A}"
    assert ISSUER in seen.names


def test_a_crosswalk_which_names_its_frameworks_in_objects_is_foreseen_like_any_other() -> None:
    town = trio()
    crosswalk = {
        "id": "https://skills.example/crosswalk",
        "title": "From one list to another",
        "source": {"framework": FRAMEWORK},
        "target": {"framework": "https://other.example/"},
        "method": "expert",
        "usable_for_scope": False,
        "links": [{"source": f"{FRAMEWORK}/1", "target": "https://other.example/1", "relation": "close_match"}],
    }
    assert foresight(town, town.says(A, "mapping.publish", crosswalk)).duplicates == []


def test_an_id_that_people_take_for_a_registered_one_is_remarked_on_before_it_is_signed() -> None:
    town = trio()
    known = "did:web:uni.example%3A8443"
    town.says(A, "issuer.register", register(known, name="Uni", also_known_as=["did:web:uni-of.example"]))
    for other in ("did:web:uni.example:8443", "https://uni.example:8443/"):
        (warning,) = foresight(town, town.says(A, "issuer.register", register(other))).warnings
        assert warning.startswith(f"Nearly the same id is registered: Uni ({known}).")
    (warning,) = foresight(town, town.says(A, "issuer.register", register("did:web:uni-of.example"))).warnings
    assert warning == f"did:web:uni-of.example is another name of Uni ({known}), which is registered."
    (warning,) = foresight(town, town.says(A, "issuer.register", register("did:web:new.example:444"))).warnings
    assert "with a port it is did:web:new.example%3A444" in warning
    assert foresight(town, town.says(A, "issuer.register", register("did:web:else.example"))).warnings == []


def test_the_same_sanction_of_two_years_is_no_second_proposal_of_the_first() -> None:
    town = trio(keys=2, threshold=2)
    a, b = f"{A}#1", f"{A}#2"
    town.votes(b, town.says(a, "issuer.register", register()))
    given = town.says(a, "accreditation.grant", grant())
    town.votes(b, given)
    sanction = event(given.id, "sanction", sanction_level="warning") | {"after": []}
    years = [town.time - number * 31_536_000 for number in (2, 1)]
    first, second = (
        town.says(a, "accreditation.status", sanction | {"effective_from": year}, ISSUER) for year in years
    )
    assert foresight(town, second).duplicates == []
    again = town.says(a, "accreditation.status", sanction | {"effective_from": years[0]}, ISSUER)
    assert foresight(town, again).duplicates == [first.id.hex()]
    graver = sanction | {"effective_from": years[0], "sanction_level": "probation"}
    assert foresight(town, town.says(a, "accreditation.status", graver, ISSUER)).duplicates == []


def test_an_issuer_whose_registration_waits_as_well_is_no_stranger() -> None:
    town = trio(keys=2, threshold=2)
    given = town.says(f"{A}#1", "accreditation.grant", grant())
    assert foresight(town, given).unregistered == [ISSUER]
    town.says(f"{A}#1", "issuer.register", register())
    assert foresight(town, given).unregistered == []


def test_a_successor_that_nobody_has_registered_is_a_stranger() -> None:
    """A graduate would look for the records at an id that leads nowhere."""
    town = trio()
    given = accredited(town)
    heir = "did:web:heir.example"
    closed = town.says(A, "accreditation.status", event(given.id, "close", town.time, successor=heir), ISSUER)
    assert foresight(town, closed).unregistered == [heir]
    town.says(A, "issuer.register", register(heir))
    assert foresight(town, closed).unregistered == []


def key_said(town: Consortium, op: str, who: str = A, **more: Any) -> Statement:
    return town.says(who, "issuer.key", {"issuer": ISSUER, "op": op, **more}, ISSUER)


def test_the_end_of_an_issuers_key_says_which_credentials_lose_trust() -> None:
    town = trio()
    accredited(town)
    key = {"id": f"{ISSUER}#1", "public_key_multibase": multibase(town.pen(A).public)}
    added = key_said(town, "add", key=key)
    assert foresight(town, added) == Foresight(now=town.time, names=foresight(town, added).names)
    stolen = key_said(town, "compromise", key_id=key["id"], compromised_since=86_400)
    (told,) = foresight(town, stolen).afterwards
    assert f"signed with {ISSUER}#1 and issued since 1970-01-02 are not trusted" in told
    (told,) = foresight(town, key_said(town, "compromise", key_id=key["id"])).afterwards
    assert told == f"No credential signed with {ISSUER}#1 is trusted, whatever its date."
    (told,) = foresight(town, key_said(town, "retire", key_id=key["id"], valid_until=86_400)).afterwards
    assert told.endswith("count if they were issued before 1970-01-02.")
    again = foresight(town, key_said(town, "add", key=key)).warnings
    assert [("stated under the id" in one, "was ended" in one) for one in again] == [(True, False), (False, True)]


def test_who_is_not_heard_about_an_issuers_key_or_ends_an_unknown_one_is_warned() -> None:
    town = trio()
    accredited(town)
    unknown, unheard = foresight(town, key_said(town, "compromise", B, key_id=f"{ISSUER}#7")).warnings
    assert unknown.startswith(f"Nobody states a key {ISSUER}#7")
    assert f"do not hear {B} about its keys: it was accredited by {A}" in unheard
    empty = trio()
    assert len(foresight(empty, key_said(empty, "compromise", B, key_id=f"{ISSUER}#7")).warnings) == 1


def test_the_ends_of_two_keys_are_two_proposals() -> None:
    town = trio(keys=2, threshold=2)
    key = {"id": f"{ISSUER}#1", "public_key_multibase": multibase(town.pen(f"{A}#1").public)}
    first, second = (
        key_said(town, "add", f"{A}#1", key=key),
        key_said(town, "add", f"{A}#1", key={**key, "id": f"{ISSUER}#2"}),
    )
    same = key_said(town, "add", f"{A}#2", key=key)
    assert foresight(town, second).duplicates == []
    assert foresight(town, first).duplicates == [same.id.hex()]
