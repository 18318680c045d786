"""Questions that are alike are read once, and every one of them is understood, or refused, as if it came alone."""

from typing import Any

import pytest

from accredit.node.http.handling.alike_questions import AlikeQuestions
from accredit.node.http.handling.request_reading import convert
from accredit.node.questions import Question, query_of
from accredit.registry.decision.query import Query
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.errors import DecodeError

ECOSYSTEM = CanonicalId("https://ecosystem.example/")
COLLEGE = "did:web:college.example"
ALIKE: list[Any] = [
    {"issuer": COLLEGE},
    {"issuer": "DID:web:OTHER.example#key-1"},
    {"issuer": "https://university.example"},
    {"issuer": {"id": COLLEGE, "name": "College"}},
    {"issuer": "nonsense"},
    {"issuer": ""},
    {"issuer": "x" * 5_000},
    {"issuer": 7},
    {"issuer": None},
    {"issuer": [COLLEGE]},
    {"entity": COLLEGE},
    {"entity": "did:web:other.example"},
    {"issuer": COLLEGE, "entity": COLLEGE},
    {"issuer": COLLEGE, "entity": None},
    {},
]
DATES: list[dict[str, Any]] = [
    {},
    {"issued_on": "2015-05-20"},
    {"issued_on": "2016-01-01T12:00:00+02:00"},
    {"issued_on": "2015-02-30"},
    {"issued_on": 2015},
    {"issued_on": None},
    {"issued_on": "2015-05-20", "time": "2015-05-20"},
    {"time": "2014-01-01"},
    {"key": "did:web:college.example#key-1"},
    {"key": "z6MkOther", "issued_on": "2015-05-20"},
    {"key": ""},
    {"key": True},
]
OTHERS: list[dict[str, Any]] = [
    {},
    {"achievement_type": "BachelorDegree", "jurisdiction": "US-IN"},
    {"achievement_types": ["BachelorDegree"]},
    {"evidence": True},
    {"evidence": 1},
    {"evidence": False},
    {"evidence": 0},
    {"audience": "learner"},
    {"action": "accredit"},
    {"action": "issue"},
    {"authority": "did:web:state.example"},
    {"unknown": "member"},
    {"level": "EQF:99"},
]


def alone(asked: Any) -> tuple[Query, bool, Any] | str:
    try:
        question = convert(asked, Question)
        return query_of(question, ECOSYSTEM), question.evidence, question.audience
    except DecodeError as error:
        return str(error)


def test_a_question_is_read_among_many_as_it_is_alone() -> None:
    reader = AlikeQuestions(ECOSYSTEM)
    asked = [{**who, **when, **other} for other in OTHERS for when in DATES for who in ALIKE]
    for one in (*asked, *reversed(asked)):
        found: Any
        try:
            question, query = reader.read(one)
            found = query, question.evidence, question.audience
        except DecodeError as error:
            found = str(error)
        assert found == alone(one), one


@pytest.mark.parametrize("asked", [None, [], "did:web:college.example", 7, [{"issuer": COLLEGE}]])
def test_what_is_no_object_is_refused(asked: Any) -> None:
    reader = AlikeQuestions(ECOSYSTEM)
    reader.read({"issuer": COLLEGE})
    with pytest.raises(DecodeError, match="Expected `object`"):
        reader.read(asked)
