"""The subjects of statements, and the records that follow from the effective statements about each subject.

A *subject* is a record's type and id. Some records are shared: an issuer's record lists the accreditations of many
authorities, a competency's the frameworks that hold it, an alias's the issuers that claim it. So a subject yields its
own record and *contributions* to others, and a shared record is made from the contributions to it. `ORDER` lists the
types so that contributions always point forward.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from hashlib import sha256
from sys import intern
from typing import Any, Final

from accredit.governance.authority.governing_state import Law
from accredit.governance.authority.shares import Path, fair_share
from accredit.governance.rules.rulebook import is_narrowing
from accredit.registry.domain import accreditations, frameworks, issuers, mappings, recognitions
from accredit.registry.domain.bodies import PinnedKey
from accredit.registry.domain.record_types import CompetencyEntry, IssuerRecord, Record
from accredit.registry.domain.records import Effective, Subject, Voice, voice_of
from accredit.registry.encoding.cbor import encode
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.limits import ACCREDITATION_PARTS, ALIAS_ISSUERS, SHARED_BYTES, TIME_MAX, TIME_MIN
from accredit.registry.statement import Statement, Unverified

from .encoded_records import encoding_of
from .governance_records import node_record

StatementsByKind = Mapping[str, Sequence[Effective]]
"""The effective statements about a subject, by kind."""

Contributions = Mapping[Subject, Any]
"""The contributions of a subject to other records."""

ORDER: Final = ("accreditation", "framework", "mapping", "recognition", "node", "issuer", "competency", "alias")


def subject_of(statement: Unverified) -> Subject | None:
    """Return the subject of a statement of stratum 4; None for votes, annulments and the strata below."""
    family, _, act = statement.kind.partition(".")
    if family == "accreditation":
        target = statement.id if act == "grant" else statement.body["accreditation"]
        return "accreditation", intern(target.hex())
    return (family, statement.sub) if family in ORDER else None


def is_founding(statement: Unverified) -> bool:
    """Return whether other statements about its subject build on a statement."""
    if statement.kind == "issuer.key":
        return bool(statement.body["op"] == "add")
    return statement.kind.endswith((".grant", ".publish", ".register", ".update"))


def in_judging_order(statements: Sequence[Statement]) -> list[Statement]:
    """Return the statements about one subject: the founding ones first, then each after those that it names in `after`.

    A change can be judged only after the changed statement, and an undoing after the undone one. Circles cannot occur,
    because an id is a hash over the ids that it names.
    """
    ordered = sorted(statements, key=lambda s: (not is_founding(s), s.id))
    if len(ordered) < 2:
        return ordered
    by_id, done = {s.id: s for s in ordered}, dict[bytes, Statement]()
    for start in ordered:
        pending = [start.id]
        while pending:
            named = [id for id in by_id[pending[-1]].body.get("after", ()) if id in by_id and id not in done]
            if named:
                pending += named
            else:
                id = pending.pop()
                done[id] = by_id[id]
    return list(done.values())


FIRST: Final = 2
"""Of what a key says of one key of an issuer in one way, that many with the earliest ends, with the earliest dates, and
with the lowest numbers are kept. One of each makes the word that counts; a second shows that more was said."""


def leading(facts: Sequence[Effective]) -> list[Effective]:
    """Return the facts about an issuer without what one of its keys says again and again.

    What an issuer's key says to end another key in one way counts as one word: the earliest of its ends, said at the
    earliest of its dates, under the lowest of its numbers (`decision.issuer_keys`). So the statements with the first of
    each stay, and no thief pushes an honest end out, under however many numbers they sign. Of an authority's key the
    same stay for each number, because nothing but the earliest end counts. Groups depend on founding statements only,
    so a fact that is left out stays out whatever else of its kind comes (this keeps the law of the fold). What the same
    key says by a mandate stands apart, because anybody may pin it for the issuer.
    """
    stated: dict[str, None] = {}
    windows: dict[bytes, list[tuple[int, int]]] = {}
    founding = {fact.statement.id for fact in facts if is_founding(fact.statement)}
    if len(founding) == len(facts):
        return list(facts)
    for fact in facts:
        for key in keys_stated(fact.statement):
            stated[key["id"]] = None
            if (kid := issuers.signing_key(key)) is not None:
                window = key.get("valid_from", TIME_MIN), key.get("valid_until", TIME_MAX + 1)
                windows.setdefault(kid, []).append(window)
    groups: dict[tuple[Any, ...], list[Effective]] = {}
    for fact in facts:
        statement, body = fact.statement, fact.statement.body
        if statement.id not in founding:
            is_within = any(start <= statement.iat < end for start, end in windows.get(statement.kid, ()))
            about = body["key_id"] if body["key_id"] in stated else None
            speaker = (statement.kid,) if fact.via in founding else (statement.kid, statement.seq, fact.voice)
            groups.setdefault((*speaker, body["op"], about, is_within), []).append(fact)
    behind: dict[bytes, None] = {}
    for group in groups.values():
        first = _first_of_each(group, FIRST)
        behind.update((fact.statement.id, None) for fact in group if fact.statement.id not in first)
    return [fact for fact in facts if fact.statement.id not in behind]


def _first_of_each(group: Iterable[Effective], count: int) -> set[bytes]:
    """Return the ids of the `count` statements with the earliest ends, dates and lowest numbers; equals count once."""
    dated: dict[tuple[int, int, int], bytes] = {}
    for fact in sorted(group, key=lambda fact: fact.statement.id, reverse=True):
        dated[_ends(fact), fact.statement.iat, fact.statement.seq] = fact.statement.id
    orders = [sorted(dated, key=lambda dates: (dates[first], dates)) for first in range(3)]
    return {dated[dates] for order in orders for dates in order[:count]}


def keys_stated(statement: Unverified) -> list[PinnedKey]:
    """Return the keys that a statement about an issuer states."""
    body = statement.body
    if statement.kind != "issuer.key":
        return list(body.get("keys", ()))
    return [body["key"]] if body["op"] == "add" else []


def _ends(fact: Effective) -> int:
    """From when the key that it ends is no longer good, seconds (`decision.issuer_keys`)."""
    body = fact.statement.body
    if body["op"] == "compromise":
        return int(body.get("compromised_since", TIME_MIN))
    return int(body.get("valid_until", fact.statement.iat))


def make_record(
    law: Law,
    subject: Subject,
    facts: StatementsByKind,
    contributed: Mapping[Subject, Any],
    effective: Callable[[bytes], Voice | None],
) -> tuple[bytes | None, Contributions]:
    """Return a subject's record, encoded, or None, and its contributions to others.

    Args:
        contributed: what other subjects contribute to this one, by their type and id, sorted.
        effective: the voice of a statement that is in effect.
    """
    kind, name = subject[0], CanonicalId(subject[1])  # except for a node, which has a name
    of, shared = partial(_of_kinds, facts), partial(_shared, law)
    match kind:
        case "accreditation":
            changes = shared(of("accreditation.amend", "accreditation.status"), _said_bytes)
            return _accreditation(of("accreditation.grant"), changes)
        case "framework":
            items = of("framework.items")
            parts = Counter(item.statement.body["publish"] for item in items)
            said = of("framework.publish", "framework.status")
            said = shared(said, lambda fact: _said_bytes(fact) + _NUMBER_BYTES * parts[fact.statement.id])
            publishes = [fact for fact in said if fact.statement.kind == "framework.publish"]
            statuses = [fact for fact in said if fact.statement.kind == "framework.status"]
            found = frameworks.competencies(name, publishes, items)
            record = frameworks.reduce(name, publishes, items, statuses)
            return encoding_of(record), {("competency", uri): found[uri] for uri in sorted(found)}
        case "mapping":
            mapped, withdrawals = shared(of("mapping.publish"), _said_bytes), of("mapping.withdraw")
            links = mappings.links(name, mapped, withdrawals)
            linked: Contributions = {("competency", uri): links[uri] for uri in sorted(links)}
            return encoding_of(mappings.reduce(name, mapped, withdrawals)), linked
        case "recognition":
            granted = shared(of("recognition.grant"), _said_bytes)
            return encoding_of(recognitions.reduce(name, granted, of("recognition.withdraw"))), {}
        case "node":
            return encoding_of(node_record(law, name, of("node.admit", "node.replace", "node.retire"))), {}
        case "issuer":
            stated = shared(of("issuer.register", "issuer.update", "issuer.key"), _issuer_bytes)
            return encoding_of(issuers.reduce(name, stated, _listed(law, contributed, effective))), _claims(stated)
        case "competency":
            said_of_it = _first_of_each_voice(part for each in contributed.values() for part in each)
            held = fair_share(
                said_of_it,
                SHARED_BYTES,
                paths=lambda part: [law.mandates.path(voice_of(part))],
                size=lambda part: len(encode(part)),
                order=lambda part, _: (
                    (1, *mappings.link_order(part)) if "mapping" in part else (0, *_entry_order(part))
                ),
            )
            of_mappings = [part for part in held if "mapping" in part]
            of_frameworks = [part for part in held if "mapping" not in part]
            return encoding_of(frameworks.reduce_competency(name, of_frameworks, of_mappings)), {}
        case _:
            assert kind == "alias", f"no record is of type {kind}"
            claims = [
                (CanonicalId(issuer), Voice(by, via))
                for (_, issuer), voices in contributed.items()
                for by, via in voices
            ]
            taken = fair_share(
                claims,
                ALIAS_ISSUERS,
                paths=lambda claim: [law.mandates.path(claim[1])],
                size=lambda _: 1,
                order=lambda claim, _: claim[0],
            )
            return encoding_of(issuers.reduce_alias(name, [issuer for issuer, _ in taken])), {}


def _of_kinds(facts: StatementsByKind, *kinds: str) -> list[Effective]:
    return [fact for each in kinds for fact in facts.get(each, ())]


def _shared(law: Law, said: list[Effective], size: Callable[[Effective], int]) -> list[Effective]:
    """Return what has room in a record, of what is said about its subject."""
    sharing = _Sharing(law, said)
    return fair_share(said, SHARED_BYTES, paths=sharing.paths, size=size, order=sharing.order)


_PARTS_OF_A_VOICE: Final = SHARED_BYTES // 128
"""More parts than one voice can have in a competency's record: each part takes more than 128 bytes."""


def _first_of_each_voice(parts: Iterable[Any]) -> list[Any]:
    """Return only the first parts of each voice in a competency's record; no others could have room.

    Anybody may publish any number of mappings that all link to one competency, and each would be weighed again with all
    others whenever one more arrives. This sorts them by members that are cheap to read, in the order in which they are
    kept.
    """
    groups: dict[Voice, dict[tuple[bool, bool, bytes], list[Any]]] = {}
    for part in parts:
        place = "mapping" in part, "mapping" in part and "usable" not in part, part["statement"]
        groups.setdefault(voice_of(part), {}).setdefault(place, []).append(part)
    found: list[Any] = []
    for own in groups.values():
        room = _PARTS_OF_A_VOICE
        for place in sorted(own):
            if room <= 0:
                break
            found += own[place]
            room -= len(own[place])
    return found


def _entry_order(entry: CompetencyEntry) -> tuple[bytes, str]:
    return entry["statement"], entry["item"]


_SOURCE_BYTES: Final = 64
"""The most bytes of member names that a record adds to a statement's content. (Its added ids take less room than the
keys and signature that it leaves out.)"""
_NUMBER_BYTES: Final = 5
_KEY_BYTES: Final = 128
"""The ids of a statement, a delegation and a key, 34 bytes each, and a time."""


class _Sharing:
    """Decides which facts about a subject stay in its record if there is not room for all; they are ranked only then.

    Each author has a path, and paths share the room (`shares`). The path of an issuer's key lies below every voice that
    has stated the key. A key may also have a mandate. What it then says about itself or about other keys of the issuer
    has two paths, that of the mandate and that below the voices. So nobody can take room away from it by giving it a
    mandate, or by pinning an authority's key for the issuer of the same id.

    A thief who has an author's key can flood the author's share. The narrowing statements that the rightful holder made
    with the same key must stay. Facts on a path are therefore kept in this order:

    * One narrowing statement of each kind: each event, and the end of each stated key; then a second of each, and so
      on. Within a kind those without an end come first, then the earliest. If an issuer's key ends another one, the
      first three of each kind that make up its word come first (`leading`), and of its words those about keys that the
      voice above it has stated, because anybody can state many more keys.
    * Widening statements, the newest first.
    * Ends of keys that nobody has stated.
    """

    def __init__(self, law: Law, said: Sequence[Effective]) -> None:
        self._mandates = law.mandates
        self._said = said

    def paths(self, fact: Effective) -> list[Path]:
        """Return the paths by which a fact shares the room of a record."""
        by_mandate = [] if fact.via in self._founding else [self._mandates.path(fact.voice)]
        return [*by_mandate, *self._own_paths(fact)]

    def order(self, fact: Effective, path: Path) -> tuple[int, bool, int, int, bytes]:
        """Return the sort key on a path, lowest for parts kept first."""
        stater = self._own_paths(fact).get(path)
        if stater is None:
            rank, position, since = self._ranks[fact.statement.id]
            return rank, False, position, since, fact.statement.id
        rank, position, since = self._own_ranks[fact.statement.id]
        is_anothers = fact.statement.body["key_id"] not in self._stated[stater]
        return rank, is_anothers, position, since, fact.statement.id

    def _own_paths(self, fact: Effective) -> dict[Path, Voice]:
        """Return the paths by which an issuer's key speaks, with the voices that state it; of other facts, none."""
        if not _is_of_itself(fact):
            return {}
        key = (fact.by, b""), (fact.by, fact.statement.kid)
        return {(*self._mandates.path(voice), *key): voice for voice in self._staters.get(fact.statement.kid, ())}

    @cached_property
    def _founding(self) -> dict[bytes, None]:
        return {fact.statement.id: None for fact in self._said if is_founding(fact.statement)}

    @cached_property
    def _staters(self) -> dict[bytes, dict[Voice, None]]:
        """The voices that state each key, by its key id."""
        staters: dict[bytes, dict[Voice, None]] = {}
        for fact in self._said:
            for key in keys_stated(fact.statement):
                if (kid := issuers.signing_key(key)) is not None:
                    staters.setdefault(kid, {})[fact.voice] = None
        return staters

    @cached_property
    def _stated(self) -> dict[Voice, dict[str, None]]:
        """The keys that each voice states, by their ids."""
        stated: dict[Voice, dict[str, None]] = {}
        for fact in self._said:
            stated.setdefault(fact.voice, {}).update((key["id"], None) for key in keys_stated(fact.statement))
        return stated

    @cached_property
    def _ranks(self) -> dict[bytes, tuple[int, int, int]]:
        """What is said by mandate, or founds something, in the order of each voice: rank, position, date."""
        return self._ranked([fact for fact in self._said if fact.via not in self._founding], is_own=False)

    @cached_property
    def _own_ranks(self) -> dict[bytes, tuple[int, int, int]]:
        """The same of what an issuer's keys say of its keys."""
        return self._ranked([fact for fact in self._said if _is_of_itself(fact)], is_own=True)

    def _ranked(self, facts: Sequence[Effective], *, is_own: bool) -> dict[bytes, tuple[int, int, int]]:
        ranks: dict[bytes, tuple[int, int, int]] = {}
        stated = {id for ids in self._stated.values() for id in ids}
        ways: dict[tuple[Any, ...], list[tuple[int, int, Effective]]] = {}
        for fact in facts:
            statement, body = fact.statement, fact.statement.body
            if not is_narrowing(statement.kind, body):
                ranks[statement.id] = (1, 0, -statement.iat)
            elif statement.kind == "issuer.key" and body["key_id"] not in stated:
                ranks[statement.id] = (2, 0, -statement.iat)
            else:
                word = body.get("event", body.get("op"))
                speaker = statement.kid if is_own else fact.voice
                way = (speaker, statement.kind, word, "void_from" in body, body.get("key_id"))
                until = body.get("effective_until", TIME_MAX + 1)
                since = _ends(fact) if "op" in body else body.get("effective_from", statement.iat)
                ways.setdefault(way, []).append((-until, since, fact))
        for members in ways.values():
            by_since = sorted(members, key=lambda member: (*member[:2], member[2].statement.id))
            first = _first_of_each([fact for _, _, fact in by_since], 1) if is_own else []
            in_turn = sorted(by_since, key=lambda member: member[2].statement.id not in first)
            for position, (_, since, fact) in enumerate(in_turn):
                ranks[fact.statement.id] = (0, position, since)
        return ranks


def _is_of_itself(fact: Effective) -> bool:
    """Return whether an issuer ends a key of its own, in whatever role its key speaks."""
    body = fact.statement.body
    return fact.statement.kind == "issuer.key" and body["op"] != "add" and fact.by == body["issuer"]


def _said_bytes(fact: Effective) -> int:
    return len(fact.statement.raw) + _SOURCE_BYTES


def _issuer_bytes(fact: Effective) -> int:
    """Estimate the bytes; a registration repeats the origin of each key, and an issuer's own statements lose prose."""
    body = fact.statement.body
    keys = len(body.get("keys", ()))
    lost = sum(len(encode(body[name])) for name in issuers.TOLD if name in body and fact.by == body.get("issuer"))
    return _said_bytes(fact) - lost + keys * (_SOURCE_BYTES + _KEY_BYTES + len(fact.by.encode()))


def _listed(
    law: Law, contributed: Mapping[Subject, Any], effective: Callable[[bytes], Voice | None]
) -> dict[bytes, bytes]:
    """Return an issuer's accreditations with the digests of their records, as many as an answer considers.

    The cost of an answer depends on their parts: one with a hundred events costs as much as a hundred.
    """
    records = {bytes.fromhex(source): (digest, parts) for (_, source), (digest, parts) in contributed.items()}

    def granted_by(id: bytes) -> Voice:
        voice = effective(id)
        assert voice is not None, "an accreditation is there while its grant is in effect"
        return voice

    listed = fair_share(
        list(records),
        ACCREDITATION_PARTS,
        paths=lambda id: [law.mandates.path(granted_by(id))],
        size=lambda id: records[id][1],
        order=lambda id, _: (-law.ground.chains[id].iat, id),
    )
    return {id: records[id][0] for id in listed}


def _claims(stated: list[Effective]) -> Contributions:
    """Return for every stated alias of an issuer the voices that state it."""
    if not any("also_known_as" in fact.statement.body for fact in stated):
        return {}
    voices = dict.fromkeys(fact.voice for fact in stated)
    claims: dict[Subject, list[list[Any]]] = {}
    for voice in sorted(voices, key=lambda voice: (voice.by, voice.via or b"")):
        facts = [fact for fact in stated if fact.voice == voice and fact.statement.kind != "issuer.key"]
        for alias in issuers.aliases(facts):
            claims.setdefault(("alias", alias), []).append(list(voice))
    return claims


def is_recorded(statement: Unverified, record: Record | None, issuer: IssuerRecord | None) -> bool:
    """Return whether a statement in effect has found room in its subject's record.

    Args:
        issuer: of a grant, the record of the issuer, which lists its accreditations.
    """
    if record is None or statement.kind.startswith("node."):
        # Node records are not shared, and a name without an admission has no record.
        return statement.kind.startswith("node.")
    match statement.kind:
        case "accreditation.grant":
            return issuer is not None and any(id == statement.id for id, _ in issuer["accreditations"])
        case "accreditation.amend":
            parts = record["terms"]
        case "accreditation.status":
            parts = record["events"]
        case "issuer.register" | "issuer.update" | "issuer.key":
            parts = [*record["stated"], *record["keys"]]
        case "framework.publish" | "mapping.publish":
            parts = record["stated"]
        case "framework.status":
            parts = [event for stated in record["stated"] for event in stated["events"]]
        case "recognition.grant":
            parts = record["granted"]
        case _:
            return True
    return any(part["statement"] == statement.id for part in parts)


def _accreditation(grants: list[Effective], changes: list[Effective]) -> tuple[bytes | None, Contributions]:
    if not grants:
        return None, {}
    amends = [fact for fact in changes if fact.statement.kind == "accreditation.amend"]
    events = [fact for fact in changes if fact.statement.kind == "accreditation.status"]
    record = accreditations.reduce(grants[0], amends, events)
    raw, parts = encode(record), len(record["terms"]) + len(record["events"])
    return raw, {("issuer", record["issuer"]): [sha256(raw).digest(), parts]}
