"""Attacks on a verifier of credentials, by name: what a naive program accepts is refused here, or undecided."""

import base64
import json
import time
from copy import deepcopy
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from accredit.cli.credentials.contexts import ContextLoader
from accredit.cli.credentials.json_ld import CONTEXTS_MAX, VALUES_MAX, check_contexts
from accredit.cli.credentials.judging import IssuerAnswer, Supplies, judge, prepare
from accredit.cli.credentials.keys import IssuerKeys
from accredit.cli.credentials.reading import MOST, read
from accredit.cli.credentials.status import StatusFiles
from accredit.registry.encoding.ed25519 import encode_base58
from accredit.registry.errors import DecodeError
from tests.cli.credentials.conftest import NOW, YES, Checker, outcome
from tests.strategies.credentials import (
    BADGES,
    CLR,
    ED25519_2020,
    V1,
    V2,
    Issuer,
    Json,
    base64url,
    open_badge,
    status_entry,
)

SCHOOL = Issuer.of("school")
THIEF = Issuer.of("thief")
COLLEGE = Issuer.of("college", "did:web:college.example")
PINNED = {COLLEGE.id: IssuerKeys(pinned=[COLLEGE.pinned], asked=True)}
MILLION = 1_000_000


def badge(issuer: Issuer = SCHOOL, **members: Any) -> Json:
    return issuer.signed(open_badge(issuer, **members))


def signature(checked: Checker, file: Any, **more: Any) -> tuple[str, str]:
    [found] = checked(file, **more)
    assert found.verdict != "accepted"
    return outcome(found, "signature")


def content(checked: Checker, file: Any, **more: Any) -> tuple[str, str]:
    [found] = checked(file, **more)
    assert found.verdict != "accepted"
    assert found.question is None, "nobody is asked about what cannot be read"
    return outcome(found, "content")


# ------------------------------------------------------------------------------------------------ good ones


@pytest.mark.parametrize(
    "suites",
    [("eddsa-rdfc-2022",), ("eddsa-jcs-2022",), ("Ed25519Signature2020",), ("eddsa-jcs-2022", "eddsa-rdfc-2022")],
)
@pytest.mark.parametrize("issuer", [SCHOOL, COLLEGE])
def test_a_good_credential_is_accepted_so_that_the_attacks_mean_something(
    checked: Checker, suites: tuple[str, ...], issuer: Issuer
) -> None:
    document = {**open_badge(issuer), "@context": [V2, BADGES, ED25519_2020]}
    [found] = checked(issuer.signed(document, *suites), keys=PINNED)
    assert found.verdict == "accepted", found.cause
    assert found.question == {
        "issuer": issuer.id,
        "achievement_types": ["BachelorDegree"],
        "credential_types": ["VerifiableCredential", "OpenBadgeCredential"],
        "issued_on": "2024-06-01T00:00:00Z",
        "key": issuer.method,
    }


@pytest.mark.parametrize("kid", ["whole", "relative", "fragment"])
def test_a_good_token_is_accepted_however_it_names_its_key(checked: Checker, kid: str) -> None:
    fragment = COLLEGE.method.partition("#")[2]
    named = {"whole": COLLEGE.method, "relative": f"#{fragment}", "fragment": fragment}[kid]
    [found] = checked(COLLEGE.token(open_badge(COLLEGE), kid=named), keys=PINNED)
    assert found.verdict == "accepted", found.cause


# ------------------------------------------------------------------------------------------------ content


@pytest.mark.parametrize("issuer", [SCHOOL, COLLEGE])
@pytest.mark.parametrize("place", ["credential", "subject", "achievement", "type", "proof"])
def test_a_member_that_no_context_defines_could_have_been_added_by_anybody(
    checked: Checker, issuer: Issuer, place: str
) -> None:
    changed = deepcopy(badge(issuer))
    if place == "type":
        changed["type"].append("DoctorOfEverything")
    else:
        parts = {
            "credential": changed,
            "subject": changed["credentialSubject"],
            "achievement": changed["credentialSubject"]["achievement"],
            "proof": changed["proof"],
        }
        parts[place]["honours"] = "summa cum laude"
    [found] = checked(changed, keys=PINNED)
    assert found.verdict == "not_accepted"
    assert found.cause.code == "undefined_term"


@pytest.mark.parametrize("address", ["ministry", "/x", "//evil.example/x", "?x", "#x", ""])
def test_a_relative_address_is_not_signed_and_therefore_refused(checked: Checker, address: str) -> None:
    for creator in ({"id": address, "type": "Profile"}, {"type": "Profile", "image": address}):
        changed = deepcopy(badge())
        changed["credentialSubject"]["achievement"]["creator"] = creator
        assert content(checked, changed) == ("failed", "relative_id")


def test_a_value_that_other_programs_drop_from_what_is_signed_breaks_the_signature(checked: Checker) -> None:
    """A text in a language that is none leads to no statement in some libraries, so that the signature still fits."""
    changed = deepcopy(badge())
    achievement = changed["credentialSubject"]["achievement"]
    achievement["achievementType"] = ["BachelorDegree", {"@value": "DoctoralDegree", "@language": "!!"}]
    assert signature(checked, changed) == ("failed", "bad_signature")


@pytest.mark.parametrize("inline", [{"issuer": "https://evil.example/x"}, {"@vocab": "https://evil.example/"}, None])
@pytest.mark.parametrize("is_token", [False, True])
def test_an_inline_context_gives_words_a_meaning_of_their_own(checked: Checker, inline: Any, is_token: bool) -> None:
    document = {**open_badge(SCHOOL), "@context": [V2, BADGES, inline]}
    file = SCHOOL.token(document) if is_token else {**document, "proof": badge()["proof"]}
    assert content(checked, file) == ("failed", "inline_context")


def test_an_inline_context_deep_inside_is_found_too(checked: Checker) -> None:
    changed = deepcopy(badge())
    changed["credentialSubject"]["achievement"]["@context"] = {"achievementType": "https://evil.example/"}
    assert content(checked, changed) == ("failed", "inline_context")


def test_a_context_that_nobody_pinned_is_not_loaded(checked: Checker) -> None:
    changed = {**badge(), "@context": [V2, BADGES, "https://evil.example/context.json"]}
    assert content(checked, changed) == ("not_done", "context_unknown")


def test_a_second_issuer_under_the_whole_name_of_the_word_is_seen(checked: Checker) -> None:
    document = {**open_badge(SCHOOL), "https://www.w3.org/2018/credentials#issuer": {"id": COLLEGE.id}}
    assert content(checked, SCHOOL.signed(document)) == ("failed", "several_issuers")


def test_a_member_given_twice_is_refused_before_anything_else(checked: Checker) -> None:
    text = json.dumps(badge()).replace('"issuer"', f'"issuer": "{THIEF.id}", "issuer"', 1)
    with pytest.raises(DecodeError, match="twice"):
        checked(text)


def test_an_achievement_without_a_type_does_not_hide_behind_one_that_has_one(checked: Checker) -> None:
    document = open_badge(SCHOOL)
    first = document["credentialSubject"]["achievement"]
    second = {name: value for name, value in first.items() if name != "achievementType"}
    document["credentialSubject"]["achievement"] = [first, {**second, "id": "urn:x:2", "name": "Doctor of Medicine"}]
    [found] = checked(SCHOOL.signed(document))
    assert (found.verdict, found.cause.code) == ("indeterminate", "achievement_type_missing")
    assert "Doctor of Medicine" in found.cause.text


def test_of_several_types_none_hides_behind_another(checked: Checker) -> None:
    document = open_badge(SCHOOL)
    first = document["credentialSubject"]["achievement"]
    document["credentialSubject"]["achievement"] = [
        first,
        {**first, "id": "urn:x:2", "achievementType": "DoctoralDegree"},
    ]
    [found] = checked(SCHOOL.signed(document))
    assert found.question is not None
    assert sorted(found.question["achievement_types"]) == ["BachelorDegree", "DoctoralDegree"]


# ------------------------------------------------------------------------------------------------ signature


@pytest.mark.parametrize("suite", ["eddsa-rdfc-2022", "eddsa-jcs-2022", "Ed25519Signature2020"])
@pytest.mark.parametrize("member", ["name", "validFrom", "validUntil", "issuer"])
def test_a_changed_credential_is_refused(checked: Checker, suite: str, member: str) -> None:
    document = {**open_badge(SCHOOL), "@context": [V2, BADGES, ED25519_2020], "validUntil": "2030-01-01T00:00:00Z"}
    signed = SCHOOL.signed(document, suite)
    new = {"name": "Doctor", "validFrom": "2020-01-01T00:00:00Z", "validUntil": "2040-01-01T00:00:00Z"}
    signed[member] = {**signed["issuer"], "name": "Another School"} if member == "issuer" else new[member]
    assert signature(checked, signed) == ("failed", "bad_signature")


def test_the_did_of_another_issuer_does_not_sign_for_this_one(checked: Checker) -> None:
    document = open_badge(COLLEGE)
    assert signature(checked, THIEF.signed(document), keys=PINNED) == ("failed", "anothers_key")
    assert signature(checked, THIEF.token(document), keys=PINNED) == ("failed", "anothers_key")


def test_a_key_under_the_issuers_own_name_that_nobody_pinned_is_not_believed(checked: Checker) -> None:
    forger = Issuer(id=COLLEGE.id, method=f"{COLLEGE.id}#{THIEF.method.partition('#')[2]}", pair=THIEF.pair)
    assert signature(checked, forger.signed(open_badge(COLLEGE)), keys=PINNED) == ("not_done", "key_not_found")
    named = Issuer(id=COLLEGE.id, method=COLLEGE.method, pair=THIEF.pair)
    assert signature(checked, named.signed(open_badge(COLLEGE)), keys=PINNED) == ("failed", "bad_signature")


def test_a_fragment_that_looks_like_another_key_does_not_turn_a_did_key_into_it(checked: Checker) -> None:
    twisted = Issuer(id=SCHOOL.id, method=f"{SCHOOL.id}#{THIEF.method.partition('#')[2]}", pair=THIEF.pair)
    assert signature(checked, twisted.signed(open_badge(SCHOOL))) == ("failed", "anothers_key")


def test_a_key_that_the_proof_writes_out_is_not_used(checked: Checker) -> None:
    method = {
        "id": COLLEGE.method,
        "type": "Multikey",
        "controller": COLLEGE.id,
        "publicKeyMultibase": THIEF.pinned["public_key_multibase"],
    }
    document = open_badge(COLLEGE)
    forged = THIEF.signed(document, "eddsa-jcs-2022", verificationMethod=method)
    assert signature(checked, forged, keys=PINNED) == ("failed", "bad_signature")


def test_the_key_in_the_jwk_header_is_refused(checked: Checker) -> None:
    brought = THIEF.jwk
    assert signature(checked, THIEF.token(open_badge(COLLEGE), kid=None, jwk=brought), keys=PINNED) == (
        "failed",
        "key_in_header",
    )
    assert signature(checked, THIEF.token(open_badge(COLLEGE), kid=COLLEGE.method, jwk=brought), keys=PINNED) == (
        "failed",
        "bad_signature",
    )
    own = COLLEGE.token(open_badge(COLLEGE), kid=None, jwk=COLLEGE.jwk)
    [found] = checked(own, keys=PINNED)
    assert found.verdict == "accepted", "a key that is pinned counts, however the token names it"


@pytest.mark.parametrize("algorithm", ["none", "HS256", "ES256K", 7, None])
def test_a_token_with_an_algorithm_that_proves_nothing_is_refused(checked: Checker, algorithm: Any) -> None:
    head, claims, end = SCHOOL.token(open_badge(SCHOOL)).split(".")
    header = {"alg": algorithm, "kid": SCHOOL.method}
    forged = base64url(json.dumps(header).encode())
    assert head != forged
    for ending in (end, ""):
        assert signature(checked, f"{forged}.{claims}.{ending}") == ("failed", "bad_algorithm")


def test_a_public_key_is_not_taken_for_a_shared_secret(checked: Checker) -> None:
    secret = OctKey.import_key(COLLEGE.pinned["public_key_multibase"].encode())
    registry = jws.JWSRegistry(algorithms=["HS256"], strict_check_header=False)
    header = {"alg": "HS256", "kid": COLLEGE.method}
    token = jws.serialize_compact(header, json.dumps(open_badge(COLLEGE)).encode(), secret, registry=registry)
    assert signature(checked, token, keys=PINNED) == ("failed", "bad_algorithm")


def test_a_token_of_another_kind_of_key_than_it_says_is_refused(checked: Checker) -> None:
    rsa = RSAKey.generate_key(2048, private=True)
    registry = jws.JWSRegistry(algorithms=["RS256"], strict_check_header=False)
    header = {"alg": "RS256", "kid": f"{COLLEGE.id}#rsa"}
    token = jws.serialize_compact(header, json.dumps(open_badge(COLLEGE)).encode(), rsa, registry=registry)
    public = {name: value for name, value in rsa.as_dict(private=False).items() if name in ("kty", "n", "e")}
    keys = {COLLEGE.id: IssuerKeys(pinned=[{"id": f"{COLLEGE.id}#rsa", "jwk": public}], asked=True)}
    [good] = checked(token, keys=keys)
    assert good.verdict == "accepted", good.cause
    wrong = {COLLEGE.id: IssuerKeys(pinned=[{**COLLEGE.pinned, "id": f"{COLLEGE.id}#rsa"}], asked=True)}
    assert signature(checked, token, keys=wrong) == ("failed", "bad_signature")


def test_a_token_whose_claims_name_another_issuer_is_refused(checked: Checker) -> None:
    assert signature(checked, SCHOOL.token({**open_badge(SCHOOL), "iss": THIEF.id})) == ("failed", "anothers_token")


def test_a_token_with_something_critical_that_is_unknown_is_undecided(checked: Checker) -> None:
    head = {"alg": "EdDSA", "kid": SCHOOL.method, "crit": ["x"], "x": 1}
    _, claims, end = SCHOOL.token(open_badge(SCHOOL)).split(".")
    forged = base64url(json.dumps(head).encode())
    assert signature(checked, f"{forged}.{claims}.{end}") == ("not_done", "critical_header")


def test_a_proof_made_for_another_purpose_does_not_issue_anything(checked: Checker) -> None:
    made = SCHOOL.signed(open_badge(SCHOOL), "eddsa-rdfc-2022", proofPurpose="authentication")
    assert signature(checked, made) == ("failed", "wrong_purpose")


def test_a_proof_dated_ahead_or_run_out_is_refused(checked: Checker) -> None:
    document = open_badge(SCHOOL)
    early = SCHOOL.signed(document, "eddsa-jcs-2022", created="2046-01-01T00:00:00Z")
    late = SCHOOL.signed(document, "eddsa-jcs-2022", expires="2025-01-01T00:00:00Z")
    assert signature(checked, early) == ("failed", "proof_from_future")
    assert signature(checked, late) == ("failed", "proof_expired")


def test_one_wrong_proof_is_not_outweighed_by_a_good_one(checked: Checker) -> None:
    document = open_badge(SCHOOL)
    good, other = SCHOOL.proof(document), SCHOOL.proof({**document, "name": "Doctor"})
    assert signature(checked, {**document, "proof": [good, other]}) == ("failed", "bad_signature")


def test_a_proof_of_an_unknown_kind_alone_proves_nothing_and_beside_a_good_one_is_said(checked: Checker) -> None:
    document = open_badge(SCHOOL)
    unknown = {"type": "DataIntegrityProof", "cryptosuite": "ecdsa-sd-2023", "verificationMethod": SCHOOL.method}
    assert signature(checked, {**document, "proof": unknown}) == ("not_done", "unknown_suite")
    [both] = checked({**document, "proof": [unknown, SCHOOL.proof(document)]})
    assert both.verdict == "accepted"
    assert "ecdsa-sd-2023" in next(check.text for check in both.checks if check.name == "signature")


@pytest.mark.parametrize(
    ("proof", "code"),
    [
        (None, "not_signed"),
        ([], "not_signed"),
        ("signed", "bad_proof"),
        ([{}] * 11, "too_many_proofs"),
        (
            {"type": "DataIntegrityProof", "cryptosuite": "eddsa-jcs-2022", "proofPurpose": "assertionMethod"},
            "no_method",
        ),
    ],
)
def test_what_is_no_proof_is_refused(checked: Checker, proof: Any, code: str) -> None:
    [found] = checked({**open_badge(SCHOOL), "proof": proof})
    assert (found.verdict, found.cause.code) == ("not_accepted", code)


@pytest.mark.parametrize("suite", ["eddsa-rdfc-2022", "Ed25519Signature2020"])
@pytest.mark.parametrize("way", ["whole address", "@nest"])
def test_when_a_signature_runs_out_cannot_be_hidden_in_another_way_of_writing_it(
    checked: Checker, suite: str, way: str
) -> None:
    """Its statements, which are what was signed, are the same."""
    document = {**open_badge(SCHOOL), "@context": [V2, BADGES, ED25519_2020]}
    proof = SCHOOL.proof(document, suite, expires="2025-01-01T00:00:00Z")
    end = proof.pop("expires")
    kind = "http://www.w3.org/2001/XMLSchema#dateTime"
    proof |= {
        "whole address": {"https://w3id.org/security#expiration": {"@type": kind, "@value": end}},
        "@nest": {"@nest": {"expires": end}},
    }[way]
    assert signature(checked, {**document, "proof": proof}) == ("not_done", "proof_member")


def test_a_stolen_key_does_not_hide_behind_the_name_of_a_good_one(checked: Checker) -> None:
    """It is pinned still; that it was stolen, only the answer about this very key says."""
    stolen = Issuer.of("stolen", COLLEGE.id)
    keys = {COLLEGE.id: IssuerKeys(pinned=[COLLEGE.pinned, stolen.pinned], asked=True)}
    document = open_badge(COLLEGE)
    forged = stolen.proof(document)
    unknown = {"type": "DataIntegrityProof", "cryptosuite": "ecdsa-sd-2023", "verificationMethod": COLLEGE.method}
    for decoy in (unknown, {**COLLEGE.proof(document), "previousProof": "urn:x:1"}):
        [found] = checked({**document, "proof": [decoy, forged]}, keys=keys)
        assert found.question is not None
        assert found.question["key"] == stolen.method, "the registry is asked about the key that signed"
    missing = {**COLLEGE.proof(document), "verificationMethod": f"{COLLEGE.id}#missing"}
    made = {**document, "proof": [missing, forged]}
    assert signature(checked, made, keys=keys) == ("not_done", "key_not_found"), "nobody was asked about the other key"
    [found] = checked(stolen.token(document, kid=None, jwk=stolen.jwk), keys=keys)
    assert found.question is not None
    assert found.question["key"] == stolen.method, "a token that brings its key along names it all the same"


def test_without_the_registrys_word_on_its_key_a_token_is_undecided() -> None:
    found = prepare(read(COLLEGE.token(open_badge(COLLEGE), kid=None, jwk=COLLEGE.jwk).encode())[0], ContextLoader())
    nothing = StatusFiles(given={}, fetched={}, why_not={})
    answer = IssuerAnswer(decision=YES, proved=True, source="by a test")
    judged = judge(
        found,
        Supplies(keys=PINNED[found.said.issuer] if found.said else IssuerKeys(), answer=answer, lists=nothing),
        NOW,
    )
    assert outcome(judged, "signature") == ("not_done", "key_not_asked")


def test_a_context_that_was_added_behind_those_that_were_signed_is_refused(checked: Checker) -> None:
    """It would give words a meaning that the issuer never signed."""
    document = {**open_badge(SCHOOL), "@context": [V2]}
    signed = SCHOOL.signed(document, "eddsa-jcs-2022", **{"@context": [V2]})
    assert signature(checked, {**signed, "@context": [V2, BADGES]}) == ("failed", "contexts_changed")


def test_a_key_of_small_order_signs_for_nobody(checked: Checker) -> None:
    """Anybody can make a signature that fits such a key."""
    weak = bytes(31) + b"\x80"
    zeros = {"public_key_multibase": "z" + encode_base58(b"\xed\x01" + weak)}
    x = base64url(weak)
    for pinned in (zeros, {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": x}}):
        keys = {COLLEGE.id: IssuerKeys(pinned=[{"id": COLLEGE.method, **pinned}], asked=True)}
        assert signature(checked, badge(COLLEGE), keys=keys) == ("not_done", "key_kind")


def test_two_keys_under_one_name_are_not_chosen_from(checked: Checker) -> None:
    other = {**THIEF.pinned, "id": COLLEGE.method}
    keys = {COLLEGE.id: IssuerKeys(pinned=[COLLEGE.pinned, other], asked=True)}
    assert signature(checked, badge(COLLEGE), keys=keys) == ("not_done", "key_ambiguous")


def test_an_issuers_own_document_counts_only_for_what_it_names_for_credentials(checked: Checker) -> None:
    method = {"id": COLLEGE.method, "publicKeyMultibase": COLLEGE.pinned["public_key_multibase"]}
    for document, found in (
        ({"id": COLLEGE.id, "verificationMethod": [method], "assertionMethod": [COLLEGE.method]}, None),
        ({"id": COLLEGE.id, "assertionMethod": [method]}, None),
        (
            {"id": COLLEGE.id, "verificationMethod": [method], "authentication": [COLLEGE.method]},
            ("failed", "key_unknown"),
        ),
        ({"id": THIEF.id, "assertionMethod": [method]}, ("failed", "wrong_did_document")),
        ({"id": COLLEGE.id, "assertionMethod": 7, "verificationMethod": "x"}, ("failed", "key_unknown")),
    ):
        keys = {COLLEGE.id: IssuerKeys(document=document, asked=True)}
        if found is None:
            [good] = checked(badge(COLLEGE), keys=keys)
            assert good.verdict == "accepted", good.cause
        else:
            assert signature(checked, badge(COLLEGE), keys=keys) == found


# ------------------------------------------------------------------------------------------------ bombs


def test_a_graph_that_takes_for_ever_to_canonicalise_is_refused_in_a_moment(checked: Checker) -> None:
    """Blank nodes that all look alike and all know each other: their order is found by trying all of them."""
    count = 12
    people = [
        {
            "id": f"_:p{number}",
            "type": "Profile",
            "parentOrg": [{"id": f"_:p{other}", "type": "Profile"} for other in range(count) if other != number],
        }
        for number in range(count)
    ]
    document = {**open_badge(SCHOOL), "evidence": [{"id": "urn:x:e", "type": "Evidence"}]}
    document["credentialSubject"]["achievement"]["creator"] = people
    proof = {**badge()["proof"]}
    began = time.process_time()
    assert signature(checked, {**document, "proof": proof}) == ("failed", "poison_graph")
    assert time.process_time() - began < 60


@pytest.mark.parametrize("depth", [50, 5_000])
def test_nesting_is_bounded(checked: Checker, depth: int) -> None:
    text = json.dumps(badge())
    bomb = text[:-1] + ', "evidence": ' + "[" * depth + "]" * depth + "}"
    deep = text[:-1] + ', "evidence": ' + '{"id":' * depth + "1" + "}" * depth + "}"
    for one in (bomb, deep):
        if depth > 1_000:
            with pytest.raises(DecodeError, match="nested"):
                checked(one)
        else:
            [found] = checked(one)
            assert found.verdict == "not_accepted"


def test_a_transcript_has_a_verdict_for_each_issuer_in_it(checked: Checker) -> None:
    inner = [badge(), badge(COLLEGE), {**badge(), "name": "Doctor"}]
    clr = {
        "@context": [V2, CLR, BADGES],
        "id": "urn:uuid:6d5c6f1e-3f6b-4c5c-8a41-2f0c6f0e7a11",
        "type": ["VerifiableCredential", "ClrCredential"],
        "issuer": {"id": THIEF.id, "type": "Profile", "name": "Transcript Service"},
        "validFrom": "2024-07-01T00:00:00Z",
        "name": "Transcript",
        "credentialSubject": {"type": "ClrSubject", "verifiableCredential": inner},
    }
    found = checked(THIEF.signed(clr), keys=PINNED)
    assert [(one.shown["issuer"], str(one.verdict)) for one in found] == [
        (THIEF.id, "accepted"),
        (SCHOOL.id, "accepted"),
        (COLLEGE.id, "accepted"),
        (SCHOOL.id, "not_accepted"),
    ]
    assert found[3].place == "credentialSubject.verifiableCredential[2]"


def test_a_credential_of_version_one_says_by_its_token_what_it_leaves_out(checked: Checker) -> None:
    context = [V1, "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.1.json"]
    achievement = {"id": "urn:x:1", "type": "Achievement", "name": "n", "achievementType": "Degree"}
    inner = {
        "@context": context,
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "credentialSubject": {"type": "AchievementSubject", "achievement": achievement},
    }
    claims = {"iss": COLLEGE.id, "nbf": 1_700_000_000, "exp": 1_900_000_000, "vc": inner}
    [found] = checked(COLLEGE.token(claims), keys=PINNED)
    assert found.verdict == "accepted", found.cause
    assert found.shown["issued_on"] == "2023-11-14T22:13:20Z"
    [late] = checked(COLLEGE.token({**claims, "exp": 1_710_000_000}), keys=PINNED)
    assert late.cause.code == "expired"
    assert ContextLoader().resolver is not ContextLoader().resolver


@pytest.mark.parametrize("form", ["whole", "vc", "vc of version one", "both say when"])
def test_a_token_that_has_run_out_is_not_accepted_whatever_its_credential_says(checked: Checker, form: str) -> None:
    document = open_badge(SCHOOL)
    older = {**document, "@context": [V1, BADGES], "issuanceDate": document["validFrom"]}
    del older["validFrom"]
    claims = {
        "whole": document,
        "vc": {"vc": document},
        "vc of version one": {"vc": older},
        "both say when": {"vc": {**older, "expirationDate": "2036-01-01T00:00:00Z"}},
    }[form]
    for claim, code in (("exp", "expired"), ("nbf", "not_yet_valid")):
        time_ = {"exp": 1_735_689_600, "nbf": 2_000_000_000}[claim]
        [found] = checked(SCHOOL.token({**claims, claim: time_}))
        assert (found.verdict, found.cause.code) == ("not_accepted", code)
        [found] = checked(SCHOOL.token({**claims, claim: "2036-01-01"}))
        assert (found.verdict, found.cause.code) == ("not_accepted", "bad_date")


@pytest.mark.parametrize(
    "members",
    [
        {"credentialStatus": {**status_entry(), "id": "no address"}},
        {"credentialStatus": [status_entry(), {**status_entry(8), "id": "no address"}]},
        {"expirationDate": "2025-01-01T00:00:00Z"},  # a word of version one
    ],
)
def test_what_ends_a_credential_does_not_get_lost_where_its_text_was_signed(checked: Checker, members: Json) -> None:
    document = open_badge(SCHOOL, **members)
    if "expirationDate" in members:
        document["@context"] = [V2]
    for file in (SCHOOL.token(document), SCHOOL.signed(document, "eddsa-jcs-2022")):
        [found] = checked(file)
        assert (found.verdict, found.cause.code) == ("indeterminate", "member_without_meaning")


def test_a_date_or_an_issuer_that_makes_no_sense_is_refused(checked: Checker) -> None:
    for members, code in (
        ({"validFrom": "yesterday"}, "bad_date"),
        ({"issuer": {"type": ["Profile"], "name": "nobody"}}, "no_issuer"),
    ):
        document = {**open_badge(SCHOOL), **members}
        [found] = checked({**document, "proof": badge()["proof"]})
        assert (found.verdict, found.cause.code) == ("not_accepted", code)


# ------------------------------------------------------------------------------------------------ other kinds of key


def ec_issuer() -> tuple[ECKey, str]:
    """A P-256 key, and its did:key."""
    key = ECKey.generate_key("P-256", private=True)
    public = key.as_dict(private=False)
    x, y = (base64.urlsafe_b64decode(str(public[name]) + "==") for name in ("x", "y"))
    compressed = bytes([2 + y[-1] % 2]) + x
    return key, f"did:key:z{encode_base58(bytes([0x80, 0x24]) + compressed)}"


def ec_token(key: ECKey, claims: Json, **header: Any) -> str:
    registry = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
    return jws.serialize_compact({"alg": "ES256", **header}, json.dumps(claims).encode(), key, registry=registry)


@pytest.mark.parametrize("form", ["did:key", "did:jwk", "multibase", "jwk"])
def test_a_p256_key_signs_tokens_in_every_form_that_it_is_pinned_in(checked: Checker, form: str) -> None:
    key, did = ec_issuer()
    public = {
        name: str(value) for name, value in key.as_dict(private=False).items() if name in ("kty", "crv", "x", "y")
    }
    id_ = {
        "did:key": did,
        "did:jwk": f"did:jwk:{base64url(json.dumps(public).encode())}",
        "multibase": COLLEGE.id,
        "jwk": COLLEGE.id,
    }[form]
    method = {"did:key": f"{did}#{did.removeprefix('did:key:')}", "did:jwk": f"{id_}#0"}.get(form, f"{COLLEGE.id}#ec")
    forms: dict[str, Json] = {
        "multibase": {"public_key_multibase": did.removeprefix("did:key:")},
        "jwk": {"jwk": public},
    }
    pinned = [{"id": method, **forms[form]}] if form in forms else []
    keys = {COLLEGE.id: IssuerKeys(pinned=pinned, asked=True)}
    claims = {**open_badge(SCHOOL), "issuer": {"id": id_, "type": ["Profile"], "name": "x"}}
    [found] = checked(ec_token(key, claims, kid=method), keys=keys)
    assert found.verdict == "accepted", found.cause
    other, _ = ec_issuer()
    assert signature(checked, ec_token(other, claims, kid=method), keys=keys) == ("failed", "bad_signature")


def test_a_key_of_another_kind_does_not_make_a_data_integrity_proof(checked: Checker) -> None:
    _, did = ec_issuer()
    keys = {COLLEGE.id: IssuerKeys(pinned=[{"id": COLLEGE.method, "public_key_multibase": did[8:]}], asked=True)}
    assert signature(checked, badge(COLLEGE), keys=keys) == ("failed", "wrong_key_kind")


@pytest.mark.parametrize("id_", ["did:jwk:!!", "did:jwk:e30", "did:jwk:W10"])
def test_an_id_that_should_be_a_key_and_is_none_is_not_believed(checked: Checker, id_: str) -> None:
    claims = {**open_badge(SCHOOL), "issuer": {"id": id_, "type": ["Profile"], "name": "x"}}
    [found] = checked(SCHOOL.token(claims, kid=f"{id_}#0"))
    assert found.verdict != "accepted"


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"previousProof": "urn:x:1"}, "proof_chain"),
        ({"created": "yesterday"}, "bad_date"),
        ({"proofValue": "u123"}, "bad_proof"),
        ({"proofValue": "z0OIl"}, "bad_proof"),
        ({"@context": [V2]}, "contexts_changed"),
        ({"@context": ["https://evil.example/"]}, "contexts_changed"),
    ],
)
def test_a_proof_with_a_wrong_member_is_not_believed(checked: Checker, members: Json, code: str) -> None:
    signed = SCHOOL.signed(open_badge(SCHOOL), "eddsa-jcs-2022")
    signed["proof"] |= members
    assert signature(checked, signed)[1] == code


def test_a_number_that_json_programs_read_differently_has_no_canonical_form(checked: Checker) -> None:
    signed = SCHOOL.signed(open_badge(SCHOOL), "eddsa-jcs-2022")
    signed["credentialSubject"]["achievement"]["creditsAvailable"] = 2**60 + 1
    assert signature(checked, signed) == ("failed", "not_canonical")


def test_a_credential_built_to_be_large_is_refused_before_it_costs_anything(checked: Checker) -> None:
    """PyLD needs half a millisecond for each value, and twenty for each context that is named."""
    large, wordy = open_badge(SCHOOL), open_badge(SCHOOL)
    achievement = large["credentialSubject"]["achievement"]
    large["credentialSubject"]["achievement"] = [{**achievement, "id": f"urn:x:{at}"} for at in range(VALUES_MAX // 8)]
    wordy["@context"] = [V2, BADGES] * CONTEXTS_MAX
    for document, code in ((large, "too_many_values"), (wordy, "too_many_contexts")):
        for one in ({**document, "proof": badge()["proof"]}, SCHOOL.token(document)):
            assert content(checked, one) == ("not_done", code)


def test_a_transcript_of_fifty_badges_is_within_what_is_read() -> None:
    badges = [{**badge(), "credentialStatus": status_entry()} for _ in range(MOST)]
    check_contexts({**open_badge(SCHOOL), "credentialSubject": {"verifiableCredential": badges}})


def test_control_characters_are_undecided_and_not_taken_for_forged(checked: Checker) -> None:
    changed = {**badge(), "name": "a\u0001b"}
    assert signature(checked, changed) == ("not_done", "control_characters")


def test_a_token_that_names_no_key_at_all_is_refused(checked: Checker) -> None:
    assert signature(checked, COLLEGE.token(open_badge(COLLEGE), kid=None), keys=PINNED) == ("failed", "no_method")
    broken = COLLEGE.token(open_badge(COLLEGE), kid=None, jwk={"kty": "OKP"})
    assert signature(checked, broken, keys=PINNED) == ("failed", "bad_key")


def test_contexts_that_contradict_each_other_are_refused(checked: Checker) -> None:
    """The second version's words are protected: the first's mean something else."""
    assert content(checked, {**badge(), "@context": [V2, V1, BADGES]}) == ("failed", "not_json_ld")
    bare = {"type": "VerifiableCredential", "issuer": "did:web:a.example"}
    assert content(checked, bare) == ("failed", "undefined_term")
    assert content(checked, SCHOOL.token(bare)) == ("failed", "no_statements")


@pytest.mark.parametrize(
    ("decision", "outcome_", "code"),
    [
        (None, "not_done", "not_asked"),
        ({"authorized": False, "verdict": "stale_view", "reasons": []}, "not_done", "stale_view"),
        ({"authorized": False, "verdict": "indeterminate", "reasons": []}, "not_done", "indeterminate"),
        ({"authorized": False, "verdict": "suspended", "reasons": []}, "failed", "suspended"),
        ({"authorized": False, "verdict": "unknown_issuer", "reasons": []}, "failed", "unknown_issuer"),
    ],
)
def test_what_the_registry_says_is_kept_apart(checked: Checker, decision: Any, outcome_: str, code: str) -> None:
    [found] = checked(badge(), decision=decision)
    assert outcome(found, "issuer") == (outcome_, code)


def test_a_badge_without_a_type_is_undecided_where_the_registry_needs_to_know(checked: Checker) -> None:
    reasons = [{"code": "question_too_open", "text": "The question does not say what the credential attests."}]
    decision = {"authorized": False, "verdict": "indeterminate", "reasons": reasons}
    [found] = checked(SCHOOL.signed(open_badge(SCHOOL, None)), decision=decision)
    assert (found.verdict, found.cause.code) == ("indeterminate", "achievement_type_missing")
