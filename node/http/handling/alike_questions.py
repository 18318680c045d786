"""Reads questions that arrive by the hundred and mostly differ only in the issuer, the date and the key.

    reader = AlikeQuestions(ecosystem)
    question, query = reader.read({"issuer": "did:web:college.example", "achievement_type": "BachelorDegree"})

The first question of a kind is read member by member (`node.questions`). The next ones with the same other members only
have their issuer spelled and their date read, which takes a fifth of the time. A question that is wrong in any way is
always read member by member, so that its error is the same.
"""

from typing import Any, NamedTuple

from accredit.node.questions import Question, query_of, spelled_entity
from accredit.registry.decision.query import ENTITY_CHARS, ISSUE, Query
from accredit.registry.encoding import rfc3339
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.errors import DecodeError
from accredit.registry.limits import IDENTIFIER_CHARS

from .request_reading import convert


class _Kind(NamedTuple):
    """One kind of question: the question as read, and its query without the entity."""

    question: Question
    query: Query
    rest: tuple[Any, ...]


class AlikeQuestions:
    """Reads the questions of one request; see the module.

    Args:
        ecosystem: the authority of a question that does not name one.
    """

    __slots__ = ("_ecosystem", "_kinds")

    def __init__(self, ecosystem: CanonicalId) -> None:
        self._ecosystem = ecosystem
        self._kinds: dict[Any, _Kind] = {}

    def read(self, asked: Any) -> tuple[Question, Query]:
        """Return a question and its query. Issuer, date and key of the returned question may be those of another one.

        Raises:
            DecodeError: a member is wrong; the error names it.
        """
        if type(asked) is not dict:
            return self._at_length(asked)
        members = dict(asked)
        entity, when, key = members.pop("issuer", None), members.pop("issued_on", None), members.pop("key", None)
        # To Python 1 and true are equal, and in JSON they are not.
        kind = tuple(members.items()), tuple(map(type, members.values())), when is None, key is None
        try:
            known = self._kinds.get(kind)
        except TypeError:  # it holds a list
            return self._at_length(asked)
        if known is None:
            question, query = self._at_length(asked)
            if query.action == ISSUE and entity is not None:
                self._kinds[kind] = _Kind(question, query, query[1:])
            return question, query
        if not _is_text(entity, ENTITY_CHARS):
            return self._at_length(asked)
        try:
            spelled = spelled_entity(entity)
            if when is None and key is None:
                return known.question, Query(spelled, *known.rest)
            if not (when is None or _is_text(when)) or not (key is None or _is_text(key)):
                return self._at_length(asked)
            time = known.query.time if when is None else rfc3339.instant(when, days=True)
        except DecodeError:
            return self._at_length(asked)  # which says what is wrong, and where
        return known.question, known.query._replace(entity=spelled, time=time, key=key)

    def _at_length(self, asked: Any) -> tuple[Question, Query]:
        question = convert(asked, Question)
        return question, query_of(question, self._ecosystem)


def _is_text(value: Any, max_chars: int = IDENTIFIER_CHARS) -> bool:
    return type(value) is str and 1 <= len(value) <= max_chars
