"""Judges a chain of delegations for all accreditations that are made under it.

What was granted under a delegation that was withdrawn later still stands, with an advisory.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from ..domain.records import Voice, end_of
from ..encoding.rfc3339 import day
from .authority_chain import Chain, Link, window
from .case import Case
from .kept_answers import keep
from .notes import ChainNotes, Notes

_NOTHING_TO_NOTE: Final = ChainNotes(notes=None, over=None, limits=(), is_plain=True)


def notes_on_chain(case: Case, chain: Chain) -> ChainNotes:
    """Return the notes on a chain."""
    voice = chain[0][:2]
    found = case.links.get(voice)
    if found is None:
        found = keep(case.links, voice, _judge_chain(case, chain))
    return found


def _judge_chain(case: Case, chain: Chain) -> ChainNotes:
    if len(chain) == 1 and _is_plain(chain[0]):
        return _NOTHING_TO_NOTE
    notes = Notes()
    for link in chain:
        if link.via is not None:
            notes.statements[link.via] = None
    begins, ends = window(chain, case.now)
    over = [] if ends is None else [ends]
    if begins is not None:
        notes.dates.append(begins)
        if case.time < begins:
            notes.refuse("delegation_not_yet_valid", f"The delegation it rests on begins on {day(begins)}.")
    if ends is not None:
        notes.dates.append(ends)
        if ends <= case.time:
            notes.refuse("delegation_expired", f"The delegation it rests on ended on {day(ends)}.")
        elif ends <= case.now:
            notes.lose("later_delegation_expired", f"The delegation it rests on ended on {day(ends)}.")
    for link in chain:
        if link.standing is None:
            notes.advise("authority_not_in_force", f"{link.name} is no longer an authority of this ecosystem.")
        elif link.standing["withdrawn"] is not None:
            since = end_of(link.standing["withdrawn"], case.now)
            notes.dates.append(since)
            over.append(since)
            if since <= case.now:
                notes.advise(
                    "authority_withdrawn",
                    f"{link.name} lost its mandate on {day(since)}; its earlier statements still stand.",
                )
    limits, ended = _limits_of(chain), min((one for one in over if one <= case.now), default=None)
    return ChainNotes(
        notes=notes.or_none(),
        over=ended,
        limits=limits,
        is_plain=ended is None and not limits and notes.only_cites,
    )


def _is_plain(link: Link) -> bool:
    """Return whether a link is an authority that the charter names, in force and without limits, as most are."""
    standing = link.standing
    return (
        link.via is None
        and standing is not None
        and standing["withdrawn"] is None
        and not standing["limits"]
        and "valid_from" not in standing
        and "valid_until" not in standing
    )


def _limits_of(chain: Chain) -> list[Mapping[str, Any]]:
    """Return the limits of every link of a chain that has limits, the nearest first."""
    return [link.standing["limits"] for link in chain if link.standing is not None and link.standing["limits"]]


def say_mandate(mandates: Collection[Voice] | None, chain: Chain, notes: Notes) -> None:
    """Say under which mandate this is answered, where the question names a body that holds several."""
    if mandates is None or len(mandates) < 2:
        return
    at = next(at for at, link in enumerate(chain) if link.voice in mandates)
    link, giver = chain[at], chain[at + 1] if at + 1 < len(chain) else None
    assert link.via is not None, "who is named in the charter has one mandate that counts"
    given = "" if giver is None else f", given by {giver.name}"
    notes.advise(
        "several_mandates",
        f"{link.name} holds {len(mandates)} mandates; this answer uses mandate {link.via.hex()[:16]}{given}. To "
        f"ask about that mandate alone, write {link.by}#{link.via.hex()}.",
    )
