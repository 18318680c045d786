"""The URL of a node as people type it: read, or refused with what to type instead, which is then taken."""

import re

import pytest

from accredit.node.clients.node_url import node_url
from accredit.registry.errors import InputError


@pytest.mark.parametrize(
    ("typed", "spelled"),
    [
        ("https://node1.example.org", "https://node1.example.org"),
        ("HTTP://Node1.Example.ORG/", "http://node1.example.org"),
        (" http://127.0.0.1:8080/ ", "http://127.0.0.1:8080"),
        ("https://proxy.example/registry/", "https://proxy.example/registry"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://[fe80::1%25eth0]:8080", "http://[fe80::1%25eth0]:8080"),
        ("http://[fe80::1%eth0]:8080", "http://[fe80::1%25eth0]:8080"),
        ("http://my_host:80", "http://my_host:80"),
    ],
)
def test_a_url_is_read_as_people_type_it(typed: str, spelled: str) -> None:
    assert node_url(typed) == spelled
    assert node_url(spelled) == spelled


@pytest.mark.parametrize(
    "typed",
    [
        "node1.example.org",
        "https://münchen.example:8443/a/",
        "https://node1.example/v1",
        "https://node1.example/registry/v1/decisions",
        "http://127.0.0.1:8125?x=1",
        "http://127.0.0.1:8125#top",
    ],
)
def test_the_url_that_a_hint_gives_is_one_that_is_taken(typed: str) -> None:
    with pytest.raises(InputError) as refused:
        node_url(typed)
    written = re.search(r"https?://\S+", refused.value.hint)
    assert written, refused.value.hint
    assert node_url(written[0]).startswith(("https://", "http://127.0.0.1:8125"))


@pytest.mark.parametrize(
    "typed", ["", "ftp://x.example", "http://", "http://[::1", "https://x.example:99999", "http://a b"]
)
def test_what_is_no_url_of_a_node_is_refused_in_words(typed: str) -> None:
    with pytest.raises(InputError) as refused:
        node_url(typed)
    assert refused.value.hint


@pytest.mark.parametrize(
    "typed",
    ["https://ann:hunter2@node1.example", "ann:hunter2@node1.example", "https://hunter2@[::1", "http://x/hunter2@"],
)
def test_a_password_in_a_url_is_refused_and_never_repeated(typed: str) -> None:
    with pytest.raises(InputError) as refused:
        node_url(typed)
    assert "hunter2" not in str(refused.value)
