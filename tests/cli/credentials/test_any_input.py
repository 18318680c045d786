"""Whatever a credential, its keys or its lists hold, there is a verdict or an error of ours, and never a crash."""

import json
from contextlib import suppress
from copy import deepcopy
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from accredit.cli.credentials.keys import IssuerKeys
from accredit.registry.errors import AccreditError
from tests.cli.credentials.conftest import Checker
from tests.strategies.credentials import LIST_URL, Issuer, Json, base64url, open_badge, status_entry, status_list
from tests.strategies.searching import examples

SCHOOL = Issuer.of("school")
COLLEGE = Issuer.of("college", "did:web:college.example")
BADGE = COLLEGE.signed(open_badge(COLLEGE, credentialStatus=status_entry()), "eddsa-rdfc-2022", "eddsa-jcs-2022")
LIST = COLLEGE.signed(status_list(COLLEGE))

WORDS = ("id", "type", "value", "language", "list", "graph", "reverse")
"""Of JSON-LD's keywords, without their sign."""

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(["", "#", "did:key:z6Mk", "z", "2024-06-01", "@id", "_:b", "https://a.example/", LIST_URL]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["id", "type", "@id", "@type", "@value", "@language", "@list", "@graph", "@reverse", "name", "proof"]
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=6,
)
LENIENT = examples(15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every member and item, as the container and the key."""
    found: list[tuple[Any, Any]] = []
    pending = [value]
    while pending:
        one = pending.pop()
        inner = list(one.items()) if isinstance(one, dict) else list(enumerate(one)) if isinstance(one, list) else []
        found += [(one, key) for key, _ in inner]
        pending += [member for _, member in inner]
    return found


def changed(data: st.DataObject, document: Json) -> Json:
    made = deepcopy(document)
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(places(made)))
        container[key] = data.draw(values)
    return made


def judged(checked: Checker, file: Any, **more: Any) -> None:
    with suppress(AccreditError):
        for found in checked(file, **more):
            assert json.dumps(found.to_json())


@LENIENT
@given(st.data())
def test_a_changed_credential_is_judged_or_refused(checked: Checker, data: st.DataObject) -> None:
    keys = {COLLEGE.id: IssuerKeys(pinned=[COLLEGE.pinned], asked=True)}
    judged(checked, changed(data, BADGE), keys=keys, lists={"list": changed(data, LIST)})


@LENIENT
@given(st.data())
def test_a_changed_token_is_judged_or_refused(checked: Checker, data: st.DataObject) -> None:
    header = changed(data, {"alg": "EdDSA", "kid": SCHOOL.method, "jwk": SCHOOL.jwk, "crit": None})
    claims = changed(data, {"iss": SCHOOL.id, "nbf": 1_700_000_000, "exp": 1e10, "vc": open_badge(SCHOOL)})
    end = data.draw(st.sampled_from(["", "AA", base64url(bytes(64)), "!"]))
    judged(checked, ".".join([*(base64url(json.dumps(part).encode()) for part in (header, claims)), end]))


@LENIENT
@given(st.data())
def test_changed_keys_and_documents_are_judged_or_refused(checked: Checker, data: st.DataObject) -> None:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": SCHOOL.jwk["x"], "y": "AA", "n": "AA", "e": "AQAB"}
    key = changed(data, {"jwk": jwk, "public_key_multibase": COLLEGE.pinned["public_key_multibase"]})
    del key[data.draw(st.sampled_from(sorted(key)))]
    method = {"id": COLLEGE.method, "publicKeyMultibase": COLLEGE.pinned["public_key_multibase"], "publicKeyJwk": jwk}
    document = changed(data, {"id": COLLEGE.id, "verificationMethod": [method], "assertionMethod": [COLLEGE.method]})
    for keys in (IssuerKeys(pinned=[{**key, "id": COLLEGE.method}]), IssuerKeys(document=document)):
        judged(checked, BADGE, keys={COLLEGE.id: keys})
