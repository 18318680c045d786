"""Ids that people take for one another, and what somebody who is about to register the second one is told."""

import pytest

from accredit.node.lookalikes import lookalikes, port_meant
from accredit.registry.encoding.identifiers import canonical


@pytest.mark.parametrize(
    ("id_", "other"),
    [
        ("https://uni.example/issuer", "https://uni.example/issuer/"),
        ("https://uni.example/issuer/", "https://uni.example/issuer"),
        ("https://uni.example/", "did:web:uni.example"),
        ("https://uni.example/a/b", "did:web:uni.example:a:b"),
        ("https://uni.example:8443/", "did:web:uni.example%3A8443"),
        ("https://www.uni.example/", "https://uni.example/"),
        ("did:web:uni.example", "https://uni.example/"),
        ("did:web:uni.example", "did:web:www.uni.example"),
        ("did:web:www.uni.example:a", "did:web:uni.example:a"),
        ("did:web:uni.example:8443", "did:web:uni.example%3A8443"),
        ("did:web:uni.example%3A8443", "did:web:uni.example:8443"),
        ("did:web:uni.example:Issuer", "did:web:uni.example:issuer"),
    ],
)
def test_another_spelling_that_people_take_for_the_same_is_named(id_: str, other: str) -> None:
    assert canonical(id_) == id_
    found = list(lookalikes(id_))
    assert other in found
    assert id_ not in found
    assert len(found) == len(set(found))


@pytest.mark.parametrize("id_", ["did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", "urn:uuid:7"])
def test_an_id_whose_method_says_nothing_of_a_place_looks_like_no_other(id_: str) -> None:
    assert list(lookalikes(id_)) == []


@pytest.mark.parametrize(
    ("id_", "meant"),
    [
        ("did:web:uni.example:8443", "did:web:uni.example%3A8443"),
        ("did:web:uni.example:8443:a", "did:web:uni.example%3A8443:a"),
        ("did:web:uni.example:a:8443", None),
        ("did:web:uni.example%3A8443", None),
        ("did:web:uni.example:2026-class", None),
        ("did:web:uni.example", None),
    ],
)
def test_a_number_after_the_host_is_said_to_be_no_port(id_: str, meant: str | None) -> None:
    assert port_meant(id_) == meant
