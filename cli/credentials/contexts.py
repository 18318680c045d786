"""The contexts that credentials may name: `terms` as JSON-LD, and those that a user adds. It fetches none."""

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import lru_cache
from typing import Any, Final

from cachetools import LRUCache
from pyld.context_resolver import ContextResolver

from .outcomes import not_done
from .terms import TERMS

_INDENT: Final = 4
_NO_ID: Final = "-"
_KEPT: Final = 100
"""Contexts kept ready, scoped ones among them; a badge uses some ten."""


@lru_cache(maxsize=1)
def pinned() -> Mapping[str, Mapping[str, Any]]:
    """Return the pinned contexts by their address, each as the value of `@context`."""
    lines = [line for line in TERMS.splitlines() if line]
    beginnings = dict(line.split(" = ") for line in lines if " = " in line)
    made: dict[str, dict[str, Any]] = {}
    scopes: list[dict[str, Any]] = []  # of the line before: the context it is in, and those around that
    names: list[str] = []  # and the terms it is within, itself the last
    for line in lines[len(beginnings) :]:
        depth = (len(line) - len(line.lstrip())) // _INDENT
        words = [_whole(word, beginnings) for word in line.split()]
        if depth == 0:
            scopes = [deepcopy(made[words[2]]) if "like" in words else {}]
            made[words[0]] = scopes[0]
            continue
        del scopes[depth:]
        del names[depth - 1 :]
        if len(scopes) < depth:
            scopes.append(_inside(scopes[-1], names[-1]))
        names.append(_take(scopes[-1], words))
    return made


def _whole(word: str, beginnings: Mapping[str, str]) -> str:
    for name, beginning in beginnings.items():
        word = word.replace(f"{{{name}}}", beginning)
    return word


def _take(scope: dict[str, Any], words: list[str]) -> str:
    """Put one line's term into a scope; return its name."""
    name, value, *more = words
    if name == _NO_ID:
        del scope[value]
        return name
    if name.startswith("@"):
        scope[name] = json.loads(value)
        return name
    held = scope.get(name)
    inner = held["@context"] if isinstance(held, dict) and isinstance(held.get("@context"), dict) else None
    told: dict[str, Any] = {} if value == _NO_ID else {"@id": value}
    for word in more:
        keyword, _, said = word.partition("=")
        told[keyword] = json.loads(said) if said in ("null", "true", "false") else said
    if inner is not None:
        told["@context"] = inner
    scope[name] = value if set(told) == {"@id"} else told
    return name


def _inside(scope: dict[str, Any], name: str) -> dict[str, Any]:
    """The context that holds within a term of a scope, made where it has none."""
    if isinstance(scope[name], str):
        scope[name] = {"@id": scope[name]}
    inner: dict[str, Any] = scope[name].setdefault("@context", {})
    return inner


class ContextLoader:
    """Gives PyLD the pinned contexts, and those that a user added; refuses all others.

    Args:
        added: contexts by their address, each a whole document with `@context`. None takes the place of a pinned one.
    """

    def __init__(self, added: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        # One of its own: PyLD keeps contexts by their address for the whole program, whoever gave them.
        self.resolver = ContextResolver(LRUCache(maxsize=_KEPT), self)
        self._documents = {**(added or {}), **{url: {"@context": terms} for url, terms in pinned().items()}}

    def __contains__(self, url: str) -> bool:
        return url in self._documents

    def __iter__(self) -> Iterator[str]:
        return iter(self._documents)

    def __call__(self, url: str, _options: Mapping[str, Any]) -> dict[str, Any]:
        """Return a context as PyLD wants it.

        Raises:
            CheckStopped: it is not at hand.
        """
        if url not in self._documents:
            raise not_done(
                "context_unknown",
                f"The credential uses words of {url[:200]}, which is not among the contexts at hand.",
                "Get that file from its publisher, and name its folder: --contexts FOLDER",
            )
        return {
            "contentType": "application/ld+json",
            "contextUrl": None,
            "documentUrl": url,
            "document": self._documents[url],
        }
