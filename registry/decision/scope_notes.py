"""Judges whether the scope of terms, or the limits of a mandate, cover the question.

One authority may have granted the same scope a hundred times. Terms that grant the same as those judged before them
are not judged again, and scopes that give the same answer on every axis share the notes on it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from ..domain.record_types import AccreditationRecord, StatedTerms
from ..domain.records import Voice
from ..domain.scope import AlikeScopes, Axis, AxisOutcome, MappedStep, covers, says_what
from .authority_chain import Chain
from .case import Case, publishers_of
from .chain_notes import notes_on_chain
from .competencies import Competencies, Extent, extents_of_terms, words_of
from .kept_answers import keep
from .notes import ChainNotes, Notes, ScopeNotes
from .verdict import Reason

_ASKED: Final = {
    "credential_types": "the type of credential",
    "achievement_types": "the achievement type",
    "competencies": "the competency",
    "framework": "the framework",
    "level": "the level",
    "jurisdiction": "the place",
    "program": "the programme",
    "field_of_study": "the field of study",
    "delivery_mode": "the mode of delivery",
}

_SOME_OF: Final = {
    "credential_types": "types of credential",
    "achievement_types": "achievement types",
    "competencies": "competencies",
    "framework": "frameworks",
    "level": "levels",
    "jurisdiction": "places",
    "program": "programmes",
    "field_of_study": "fields of study",
    "delivery_mode": "modes of delivery",
}


def notes_on_terms(
    case: Case,
    record: AccreditationRecord,
    terms: Sequence[StatedTerms],
    chain: Chain,
    links: ChainNotes,
) -> Notes | None:
    """Return the notes on terms, or None; terms that grant the same as the last ones are not judged again."""
    first = terms[0]
    if (
        len(terms) == 1
        and not case.query.competencies
        and not links.limits
        and (first["by"], first["via"]) == chain[0][:2]
    ):
        return _notes_on_scope(case, first["scope"])
    granted, publishers = tuple(map(_granted, terms)), publishers_of(case, record)
    rule = record["terms"][0].get("rule")
    for last in case.scoped:
        if last.granted == granted and last.rule == rule and last.chain is chain and last.publishers == publishers:
            return last.notes
    notes = Notes()
    extents = extents_of_terms(record, terms, case.chain, case.publishers, publishers)
    judge_scope(case, extents, chain, publishers, notes)
    found = notes.or_none()
    if not case.is_watched:  # to judge them reads chains and frameworks
        case.scoped[:] = (ScopeNotes(granted, rule, chain, publishers, found),)
    return found


def _granted(terms: StatedTerms) -> tuple[object, ...]:
    """Return everything in terms that decides how they answer a question."""
    scope = terms["scope"]
    # To Python 1 and true are equal, and to `covers` they are not.
    return terms["by"], terms["via"], terms.get("rule"), scope.get("inherit_to_narrower") is True, scope


def _notes_on_scope(case: Case, scope: Mapping[str, Any]) -> Notes | None:
    """Return the notes on a scope that nothing limits, or None; the question names no competency."""
    memory = case.scope_answers
    if scope == memory.scope:
        return memory.notes
    query = case.query
    if memory.scope is not None and memory.alike is None:
        memory.alike = AlikeScopes(query)  # it is of use from the second scope on
    axes = tuple(covers(scope, query)) if memory.alike is None else memory.alike.covers(scope)
    is_enough = says_what(scope, query)
    memory.scope = scope
    if axes is memory.axes and is_enough is memory.is_enough:
        return memory.notes
    memory.axes, memory.is_enough = axes, is_enough
    answers = is_enough, axes
    if answers not in memory.by_answers:
        notes = Notes()
        _note_answers(is_enough, axes, notes)
        keep(memory.by_answers, answers, notes.or_none())
    memory.notes = memory.by_answers[answers]
    return memory.notes


def judge_scope(
    case: Case, extents: Sequence[Extent], chain: Chain, publishers: Collection[Voice], notes: Notes
) -> None:
    """Judge the question against the extents; every one of them must cover it."""
    is_enough = all(says_what(extent.scope, case.query) for extent in extents)
    read, cited, dates = answers_of(case, case.time, extents, chain, publishers)
    axes = list(read)  # which fills the other two
    notes.cite(cited)
    notes.dates += dates
    _note_answers(is_enough, axes, notes)


def answers_of(
    case: Case, time: int, extents: Sequence[Extent], chain: Chain, publishers: Collection[Voice]
) -> tuple[Iterator[Axis], Sequence[bytes], Sequence[int]]:
    """Return how the extents answer the question at a time; and two lists that fill as that is read: the statements
    consulted, and the dates at which the answer changes."""
    query = case.query
    if not query.competencies:
        return (axis for extent in extents for axis in covers(extent.scope, query)), (), ()

    def is_over(voice: Voice) -> bool:
        return notes_on_chain(case, case.chain(voice)).over is not None

    known = Competencies(case.records, time, case.now, chain, publishers, is_over)
    return (axis for extent in extents for axis in known.covers(extent, query)), known.cited, known.dates


def _note_answers(is_enough: bool, axes: Iterable[Axis], notes: Notes) -> None:
    """Note the answers of scopes on every axis; `is_enough`: the question says what the credential attests."""
    if not is_enough:
        text = "The question does not say what the credential attests: give an achievement type or a competency."
        notes.miss("question_too_open", text)
    # Amendments made side by side must all cover the question; each answer is given once.
    answers: list[Axis] = []
    steps: dict[MappedStep, None] = {}
    covered = AxisOutcome.COVERED
    for axis in axes:
        if axis.outcome is not covered:
            if axis not in answers:
                answers.append(axis)
        elif axis.steps:
            steps.update(dict.fromkeys(axis.steps))
    for step in steps:
        notes.cite((step.statement,))
        notes.mapped.append(Reason(code="covered_by_mapping", text=words_of(step)))
    for axis in answers:
        name = _ASKED[axis.name]
        match axis.outcome:
            case AxisOutcome.NOT_COVERED:
                notes.refuse(f"{axis.name}_not_covered", f"It does not cover {name} {axis.asked}.")
            case AxisOutcome.UNKNOWN:
                notes.miss(
                    "competency_unknown",
                    f"No framework that counts here contains {axis.asked}; a framework may be incomplete.",
                )
            case _:
                notes.unchecked.append(axis.name)
                notes.advise(
                    f"{axis.name}_not_asked",
                    f"It covers only some {_SOME_OF[axis.name]}, and the question does not name any.",
                )
