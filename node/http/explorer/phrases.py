"""The words of the pages: one TOML catalogue for each language, by section and name, so that others can translate them.

    t = load("en")
    t.issuer.history                     a phrase; one that is not in the catalogue is an error, not an empty place
    fill(t.issuer.states, by="A & B")    a phrase with {names} filled in, each value escaped and isolated

Sentences made by the core (reasons of a decision, a scope in words) are those of the HTTP interface, in English.
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup, escape

from accredit.registry.encoding.display import one_line

LANGUAGE: Final = "en"

_FOLDER: Final = Path(__file__).parent / "strings"


class Phrases:
    """A section of the catalogue: phrases and sections by name, as attributes.

    It is not a dictionary, because a phrase may have a name that dictionaries use themselves (`keys`, `items`).
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = {name: Phrases(one) if isinstance(one, dict) else one for name, one in content.items()}
        vars(self).update(self._content)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the catalogue has no phrase {name!r} here")

    def word(self, name: str) -> str:
        """Return the phrase for a term of a vocabulary, such as a status; the term itself if the catalogue lacks it."""
        found = self._content.get(name, name.replace("_", " "))
        assert isinstance(found, str), name
        return found

    def plain(self) -> dict[str, Any]:
        """The section as plain values, for scripts."""
        return {name: one.plain() if isinstance(one, Phrases) else one for name, one in self._content.items()}

    def names(self) -> Iterator[str]:
        """Names of the phrases here and below, with dots."""
        for name, one in self._content.items():
            if isinstance(one, Phrases):
                yield from (f"{name}.{inner}" for inner in one.names())
            else:
                yield name


@cache
def load(language: str) -> Phrases:
    """The catalogue of a language."""
    return Phrases(tomllib.loads((_FOLDER / f"{language}.toml").read_text("utf-8")))


@lru_cache(maxsize=4096)
def isolated(text: object) -> Markup:
    """Return strangers' text as HTML: on one line, escaped, and without influence on the text around it.

    The result is cached, because the same names and dates are on most pages.
    """
    return Markup(f"<bdi>{escape(one_line(str(text)))}</bdi>")


@lru_cache(maxsize=4096)
def linked(href: str, text: object) -> Markup:
    """A link within the node, whose text is a stranger's."""
    return Markup(f'<a href="{escape(href)}">{isolated(text)}</a>')


def fill(phrase: str, **values: object) -> Markup:
    """Return a phrase with its {names} filled in; values that are not HTML are escaped."""
    made = [(name, one if isinstance(one, (Markup, int)) else isolated(one)) for name, one in values.items()]
    return _filled(phrase, tuple(made))


@lru_cache(maxsize=4096)
def _filled(phrase: str, values: tuple[tuple[str, Markup | int], ...]) -> Markup:
    """Fill a phrase, cached by values that are already HTML, because Python takes a text and equal HTML for the
    same."""
    return escape(phrase).format(**dict(values))
