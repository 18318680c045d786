"""The contexts that we wrote down are those that were published, and no other is ever loaded."""

import json
from typing import Any

import pytest
from pyld.documentloader.frozen import BUNDLED_CONTEXTS

from accredit.cli.credentials.contexts import ContextLoader, pinned
from accredit.cli.credentials.outcomes import CheckStopped
from tests.shared_data import shared_data


def normal(context: Any) -> Any:
    """A context in one form: `{"@id": x}` alone is `x`."""
    if not isinstance(context, dict):
        return context
    made = {}
    for name, value in context.items():
        told = dict(value) if isinstance(value, dict) else value
        if isinstance(told, dict) and "@context" in told:
            told["@context"] = normal(told["@context"])
        made[name] = told["@id"] if isinstance(told, dict) and set(told) == {"@id"} else told
    return made


def test_each_pinned_context_has_the_terms_of_the_published_file() -> None:
    folder = shared_data("contexts")
    index = json.loads((folder / "index.json").read_text())
    assert len(pinned()) == 16
    for url, context in pinned().items():
        assert context == normal(json.loads((folder / index[url]).read_text())["@context"]), url


def test_those_that_the_library_ships_too_are_the_same() -> None:
    both = [url for url in pinned() if url in BUNDLED_CONTEXTS]
    assert len(both) == 5
    for url in both:
        assert pinned()[url] == normal(json.loads(BUNDLED_CONTEXTS[url].read_text())["@context"]), url


def test_a_context_that_is_not_at_hand_is_never_fetched() -> None:
    with pytest.raises(CheckStopped) as caught:
        ContextLoader()("https://example.org/context", {})
    assert caught.value.code == "context_unknown"
    assert "--contexts FOLDER" in caught.value.hint


def test_nobody_puts_a_context_of_theirs_in_the_place_of_a_pinned_one() -> None:
    url = "https://www.w3.org/ns/credentials/v2"
    loader = ContextLoader(
        {url: {"@context": {"issuer": "https://evil.example/"}}, "https://a.example/": {"@context": {}}}
    )
    assert loader(url, {})["document"] == {"@context": pinned()[url]}
    assert "https://a.example/" in loader
    assert "https://b.example/" not in loader
