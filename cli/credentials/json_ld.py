"""Reads JSON-LD as RDF statements, and is the only module that calls PyLD, which has no types.

    statements = Statements.of(document, loader, is_whole=True)
    statements.objects(statements.root, CREDENTIALS + "issuer")
    canonical(document, loader)                            the text that eddsa-rdfc-2022 signs

A credential is read from its RDF statements alone, because these were signed: anybody could add JSON members that lead
to no statement. If the RDF statements were signed (`is_whole`), such a member is refused, because other programs might
read it.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from pyld import jsonld
from pyld.canon import URDNA2015
from pyld.identifier_issuer import IdentifierIssuer

from .contexts import ContextLoader
from .outcomes import CheckStopped, failed, not_done

DEEPEST: Final = 40
"""Levels of nesting of a document; a transcript has some fifteen."""

VALUES_MAX: Final = 10_000
"""Objects, lists and plain values in a document. Measured with PyLD 3.3 on one core of 2024: 0.4 ms for each, twice a
check. A transcript of fifty badges has some 5,000; the largest of the published samples that we test has 57."""

CONTEXTS_MAX: Final = 200
"""Contexts that a document names, all together; measured likewise: 20 ms for each. A transcript of fifty badges names
four for each of them at most."""

WORK_MAX: Final = 50_000
"""Looks at blank nodes while they are named. A transcript of fifty credentials needs some hundreds; what was built to
be slow (a "poison graph") needs more than anybody has time for."""

_UNDEFINED: Final = "urn:x-undefined:"
_RELATIVE: Final = "x-relative://relative.invalid/"
"""The base of relative addresses; without one PyLD uses its own."""
_ROOT: Final = "urn:x-root:"
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

Document = Mapping[str, Any]


class _Poisoned(Exception):
    """Naming the blank nodes takes too long."""


class _CountingIssuer(IdentifierIssuer):  # type: ignore[misc]  # PyLD has no types
    """Names blank nodes, and ends where that never would."""

    def __init__(self, prefix: str) -> None:
        super().__init__(prefix)
        self.left = WORK_MAX

    def has_id(self, old: str) -> bool:
        self.left -= 1
        if self.left < 0:
            raise _Poisoned
        return bool(super().has_id(old))


class Statements:
    """The RDF statements of one document.

    Attributes:
        root: the subject that the document is about.
    """

    def __init__(self, dataset: Mapping[str, Any], root: str) -> None:
        """Use `of`."""
        self.root = root
        self._objects: dict[tuple[str, str], list[Mapping[str, str]]] = {}
        for triple in dataset.get("@default", ()):
            about = (triple["subject"]["value"], triple["predicate"]["value"])
            self._objects.setdefault(about, []).append(triple["object"])

    @classmethod
    def of(cls, document: Document, loader: ContextLoader, *, is_whole: bool) -> "Statements":
        """Read a document.

        Args:
            is_whole: whether every member must be a statement, because statements are what was signed.

        Raises:
            CheckStopped: a context is inline or not at hand, or a member is no statement.
        """
        node = _expanded(document, loader, is_whole=is_whole)
        # A document without an id of its own gets one, for PyLD names blank nodes as it likes.
        named = str(node.get("@id", "_:"))
        root = _ROOT if named.startswith("_:") else named
        return cls(_dataset({**node, "@id": root}, loader), root)

    def objects(self, subject: str, predicate: str) -> list[Mapping[str, str]]:
        """Return what is said of a subject: PyLD's objects, each with `type` and `value`."""
        return self._objects.get((subject, predicate), [])

    def values(self, subject: str, *predicates: str) -> list[str]:
        """Return the same as texts, of several predicates that mean one thing."""
        return [one["value"] for predicate in predicates for one in self.objects(subject, predicate)]


def canonical(document: Document, loader: ContextLoader) -> str:
    """Return all statements of a document as canonical N-Quads (RDF Dataset Canonicalization 1.0, SHA-256).

    Raises:
        CheckStopped: they cannot be read (`Statements.of`), or were built to take for ever.
    """
    dataset = _dataset(_expanded(document, loader, is_whole=True), loader)
    _check_literals(dataset)
    algorithm = URDNA2015()
    algorithm.canonical_issuer = _CountingIssuer("_:c14n")
    try:
        text: str = algorithm.main(dataset, {"format": "application/n-quads"})
    except (_Poisoned, RecursionError):
        raise failed(
            "poison_graph", "It is built so that its canonical form takes too long to compute: nobody can check it."
        ) from None
    return text


def _check_literals(dataset: Mapping[str, Any]) -> None:
    """PyLD writes most control characters as they are, the standard as escapes (RDF 1.2 N-Quads, canonical form)."""
    for triples in dataset.values():
        for triple in triples:
            if _CONTROL.search(triple["object"]["value"]):
                raise not_done("control_characters", "It has control characters, which cannot be canonicalised here.")


def _options(loader: ContextLoader) -> dict[str, Any]:
    return {
        "base": _RELATIVE,
        "documentLoader": loader,
        "processingMode": "json-ld-1.1",
        "contextResolver": loader.resolver,
    }


def _expanded(document: Document, loader: ContextLoader, *, is_whole: bool) -> Mapping[str, Any]:
    """The one node that a document is, in JSON-LD's expanded form."""
    check_contexts(document)
    options = _options(loader)
    with _told():
        if is_whole:
            _check_whole(jsonld.expand(dict(document), {**options, "expandContext": {"@vocab": _UNDEFINED}}))
        expanded = jsonld.expand(dict(document), options)
    if len(expanded) != 1 or not isinstance(expanded[0], Mapping):
        raise failed("no_statements", "Nothing in it has a meaning in the contexts that it names.")
    node: Mapping[str, Any] = expanded[0]
    return node


def _dataset(node: Mapping[str, Any], loader: ContextLoader) -> dict[str, Any]:
    with _told():
        dataset: dict[str, Any] = jsonld.to_rdf([node], _options(loader))
    return dataset


@contextmanager
def _told() -> Iterator[None]:
    """Turns PyLD's errors into ours."""
    try:
        yield
    except CheckStopped:
        raise
    except (jsonld.JsonLdError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        stopped = _cause_of(error)
        if stopped is not None:
            raise stopped from None
        raise failed("not_json_ld", f"It is not JSON-LD that can be read: {_words(error)}.") from None


def check_contexts(document: Document) -> None:
    """Check that contexts are named and never brought along, and that it is of a depth and size that can be read.

    Raises:
        CheckStopped: one is brought along; or it is nested too deeply, or has too many values.
    """
    pending: list[tuple[int, Any]] = [(1, document)]  # without recursion
    seen = contexts = 0
    while pending:
        depth, value = pending.pop()
        seen += 1
        if seen > VALUES_MAX:
            raise not_done(
                "too_many_values",
                f"It holds more than {VALUES_MAX:,} values, which take too long to read.",
                "Ask the issuer for it in several parts.",
            )
        if depth > DEEPEST:
            raise failed("too_deep", f"It is nested more than {DEEPEST} levels deep.")
        if isinstance(value, list):
            pending += [(depth + 1, item) for item in value]
        if not isinstance(value, Mapping):
            continue
        pending += [(depth + 1, member) for member in value.values()]
        named = value.get("@context", [])
        listed = named if isinstance(named, list) else [named]
        contexts += len(listed)
        if contexts > CONTEXTS_MAX:
            raise not_done(
                "too_many_contexts",
                f"It names contexts more than {CONTEXTS_MAX} times, which takes too long to read.",
                "Ask the issuer for it in several parts.",
            )
        if not all(isinstance(one, str) for one in listed):
            raise failed(
                "inline_context",
                "It brings its own context along (@context), which can give any word any meaning.",
                "Ask for a credential that names published contexts only.",
            )


def _check_whole(expanded: Any) -> None:
    """Refuse what has no meaning in the contexts, for it would not be signed."""
    if isinstance(expanded, list):
        for item in expanded:
            _check_whole(item)
        return
    if not isinstance(expanded, Mapping) or "@value" in expanded:
        return
    for name, value in expanded.items():
        words = [name, *(value if name == "@type" else ()), *([value] if name == "@id" else ())]
        for word in map(str, words):
            if word.startswith(_UNDEFINED):
                raise failed(
                    "undefined_term",
                    f"Its member {word.removeprefix(_UNDEFINED)[:80]!r} has no meaning in the contexts that it names, "
                    "so the signature does not cover it: anybody could have added it.",
                    "Ask the issuer for a credential whose contexts define all its members.",
                )
            if word.startswith(_RELATIVE.partition("/")[0]) or (not word.startswith("@") and ":" not in word):
                raise _uncovered(word.removeprefix(_RELATIVE))
        if name.startswith("_:"):
            raise _uncovered(name)
        if not name.startswith("@") or name in ("@list", "@set", "@graph", "@included", "@reverse"):
            _check_whole(value)


def _uncovered(what: str) -> CheckStopped:
    return failed(
        "relative_id",
        f"{what[:80]!r} in it is no whole address, so the signature does not cover it: anybody could have added it.",
        "Ask the issuer for a credential with whole addresses.",
    )


def _cause_of(error: BaseException | None) -> CheckStopped | None:
    """What a loader raised, out of the errors that PyLD wraps it in."""
    while error is not None:
        if isinstance(error, CheckStopped):
            return error
        inner = getattr(error, "cause", None)
        error = error.__cause__ or error.__context__ or (inner if isinstance(inner, BaseException) else None)
    return None


def _words(error: BaseException) -> str:
    """The first sentence of an error of PyLD, which quotes whole documents after it."""
    said = str(error.args[0] if error.args else type(error).__name__)
    return said.splitlines()[0][:120].rstrip(".") if said else type(error).__name__
