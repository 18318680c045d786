"""An issuer's history as OpenID Federation Subordinate Events 1.0: registration, suspension, revocation.

The format has one standing for each entity, but an issuer may have several accreditations; the events show the best of
them. A change that leaves the best one as it was, such as the suspension of a second accreditation, is a
`metadata_update` with a description. `iat` of an event is when it took effect.
"""

from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Any, Final, NamedTuple

from accredit.registry.domain.accreditations import status_at
from accredit.registry.domain.record_types import AccreditationRecord, IssuerRecord
from accredit.registry.domain.records import met, oldest_first
from accredit.registry.domain.vocabulary import STATUSES, NewlyIssued

EVENTS_MAX: Final = 1_000
"""Events told of one issuer, the newest; far more than any real one has."""


class Registration(IntEnum):
    """The registration state of an entity; a higher one is better."""

    REVOKED = 0
    SUSPENDED = 1
    REGISTERED = 2


_WORDS: Final = {
    Registration.REVOKED: "revocation",
    Registration.SUSPENDED: "suspension",
    Registration.REGISTERED: "registration",
}
_STANDING: Final = {NewlyIssued.NOT_TRUSTED: Registration.REVOKED, NewlyIssued.SUSPENDED: Registration.SUSPENDED}


class _Change(NamedTuple):
    """One accreditation's status from a time on; `statement` brought it, or its grant did."""

    time: int
    accreditation: bytes
    word: str
    statement: bytes


def events_of(
    url: str, record: IssuerRecord, accreditations: Sequence[AccreditationRecord], now: int
) -> list[dict[str, Any]]:
    """Return an issuer's registration events up to `now`, the oldest first, at most `EVENTS_MAX`, the newest."""
    said = [*_of_standing(url, accreditations, now), *_of_facts(url, record, now)]
    return sorted(said, key=lambda event: int(event["iat"]))[-EVENTS_MAX:]


def registered_and_revoked(
    accreditations: Sequence[AccreditationRecord], now: int
) -> tuple[int | None, int | None, int | None]:
    """Return when an issuer was first registered, last updated, and revoked (None while it is not), seconds."""
    changes = sorted(change for one in accreditations for change in _changes(one, now))
    if not changes:
        return None, None, None
    standing = Registration.REVOKED
    held: dict[bytes, Registration] = {}
    registered = revoked = None
    for change in changes:
        held[change.accreditation] = _standing(change.word)
        before, standing = standing, max(held.values())
        if standing is Registration.REGISTERED and registered is None:
            registered = change.time
        if standing is not before:
            revoked = change.time if standing is Registration.REVOKED else None
    return registered, changes[-1].time, revoked


def _of_standing(url: str, accreditations: Sequence[AccreditationRecord], now: int) -> Iterator[dict[str, Any]]:
    held: dict[bytes, Registration] = {}
    words: dict[bytes, str] = {}
    for change in sorted(change for one in accreditations for change in _changes(one, now)):
        before = max(held.values(), default=Registration.REVOKED)
        held[change.accreditation] = _standing(change.word)
        after = max(held.values())
        was, words[change.accreditation] = words.get(change.accreditation), change.word
        event = "metadata_update" if before is after else _WORDS[after]
        became = f"became {change.word}" if was is None else f"was {was}, became {change.word}"
        yield _event(url, change.time, event, f"Accreditation {change.accreditation.hex()[:12]} {became}.", change)


def _of_facts(url: str, record: IssuerRecord, now: int) -> Iterator[dict[str, Any]]:
    for said in oldest_first(record["stated"])[1:]:
        if met(said) <= now:
            yield _event(url, met(said), "metadata_update", "Facts about the issuer changed.", said["statement"])
    for key in record["keys"]:
        if met(key) <= now:
            what = "A key was added." if key["op"] == "add" else "A key was ended."
            yield _event(url, met(key), "jwks_update", what, key["statement"])


def _event(url: str, time: int, event: str, description: str, source: _Change | bytes) -> dict[str, Any]:
    statement = source.statement if isinstance(source, _Change) else source
    return {
        "iat": time,
        "event": event,
        "event_description": description,
        "information_uri": f"{url.rstrip('/')}/v1/statements/{statement.hex()}",
    }


def _changes(record: AccreditationRecord, now: int) -> Iterator[_Change]:
    """Yield an accreditation's status at each time at which it may have changed, where it did."""
    moments = {terms["effective_from"] for terms in record["terms"]}
    moments |= {terms["valid_until"] for terms in record["terms"] if "valid_until" in terms}
    for event in record["events"]:
        moments |= {event["effective_from"], event.get("void_from", event["effective_from"])}
        moments |= {event["effective_until"]} if "effective_until" in event else set()
    begin = record["terms"][0]["effective_from"]
    before = None
    for time in sorted(moment for moment in moments if begin <= moment <= now):
        status = status_at(record, time)
        if status.word != before:
            before = status.word
            yield _Change(time, record["id"], status.word, status.events[0] if status.events else record["id"])


def _standing(word: str) -> Registration:
    return _STANDING.get(STATUSES[word].newly, Registration.REGISTERED)
