"""The vectors of evidence: what holds, and one for every way in which evidence can fail to."""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

import cbor2

from accredit.registry.decision.query import ACCREDIT, Query
from accredit.registry.domain.records import FOLD_VERSION, Subject, record_key
from accredit.registry.encoding.cbor import encode
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.evidence.check import Evidence
from accredit.registry.evidence.deciding import RECOGNITION
from accredit.registry.evidence.proved_records import Mapped, ProvenRecord, Recorder
from accredit.registry.evidence.trust_policy import LIFETIME
from accredit.registry.transparency.signed_note import Note, Signature, cosign, sign_text
from accredit.registry.transparency.state_map import Trie
from accredit.registry.transparency.state_note import AHEAD_MAX
from tests.strategies.curve import L
from tests.strategies.domain import ALIAS, COLLEGE, ECOSYSTEM, ELSEWHERE, FRAMEWORK, HLC, K1, NOW, STATE, UNION, at
from tests.strategies.noted import Held, cosigned, node_names, state_seed, trust

from ._vector_world import (
    ABROAD,
    AHEAD,
    ENDED,
    EVERYBODY,
    GOOD,
    GUILD,
    HASTENED,
    HASTY,
    HELD,
    K2,
    LISTED,
    NOBODY,
    OLDEST,
    POLICY,
    QUERY,
    REPORTED,
    REVOKED,
    SILENCED,
    SKILLS,
    STOLEN,
    SUSPENDED,
    TEACHING_OUT,
    TRAINED,
    VOIDED,
    WARNED,
    WIDENED,
    Vector,
    decided,
    evidence_vector,
    failed,
    past,
    plain,
)

ABOUT: Final = "Evidence files (`answer.evidence`): checked under a policy, at a time, as the answer to a question."
_RECORD: Final = ("issuer", COLLEGE)
# Two records only, where it does not matter of what: so that these vectors are small.
_BRIEF_QUERY: Final = QUERY._replace(entity=NOBODY, achievement_types=())
_BRIEF: Final = HELD.prove(_BRIEF_QUERY, NOW, asked=RECOGNITION)


def vectors() -> Iterator[Vector]:
    """All of them, those that hold first."""
    yield from _answers()
    yield from _edges()
    yield from _form()
    yield from _policy()
    yield from _note()
    yield from _roots_and_proofs()
    yield from _records()
    yield from _answer()


# ------------------------------------------------------------------------------------------------ what holds


def _existences() -> Iterator[tuple[str, str, Query, str, tuple[str, ...]]]:
    """Questions that know by when the credential existed."""

    def known(query: Query, issued: str, existed: str, key: str | None = None) -> Query:
        return past(query, issued)._replace(existed_by=at(existed), committed_with=key)

    stolen = _of(STOLEN)._replace(key=K1)
    doubtful = ("later_revoked", "accredited", "issuance_date_self_asserted")
    proved = ("later_revoked", "accredited", "existence_proved")
    yield (
        "existed-before-loss",
        "It existed before the revocation: its date is more than the issuer's word.",
        known(_of(REVOKED), "2019-06-01", "2019-07-01"),
        "trusted_historical",
        proved,
    )
    yield (
        "existed-after-loss",
        "It existed a month after the revocation: it may have been dated back.",
        known(_of(REVOKED), "2019-06-01", "2024-06-01"),
        "trusted_historical",
        doubtful,
    )
    yield (
        "existed-before-void-from",
        "The revocation reaches back to 2018, and the credential existed before that.",
        known(_of(VOIDED), "2017-06-01", "2017-12-31"),
        "trusted_historical",
        proved,
    )
    yield (
        "existed-between-void-from-and-its-statement",
        "It existed before the revocation was stated, and after the date to which that reaches back.",
        known(_of(VOIDED), "2017-06-01", "2018-01-01"),
        "trusted_historical",
        doubtful,
    )
    yield (
        "dated-after-void-from",
        "It is dated after that date: whatever existed, the issuer could not issue it then.",
        known(_of(VOIDED), "2019-06-01", "2017-12-31"),
        "not_trusted",
        ("status_revoked",),
    )
    yield (
        "existed-before-theft",
        "Its key was stolen later: the thief cannot have made it.",
        known(stolen, "2022-01-01", "2023-12-31", K1),
        "trusted",
        ("accredited", "existence_proved"),
    )
    yield (
        "committed-by-the-thief",
        "A quorum held the commitment before anybody said that its key was stolen, but after it was.",
        known(stolen, "2022-01-01", "2024-01-01", K1),
        "trusted_with_advisory",
        ("accredited", "commitment_not_counted", "key_compromised_later"),
    )
    yield (
        "committed-with-a-foreign-key",
        "A key that is none of the issuer's committed to it.",
        known(_of(REVOKED), "2019-06-01", "2019-07-01", K1),
        "trusted_historical",
        ("later_revoked", "accredited", "commitment_not_counted", "issuance_date_self_asserted"),
    )


def _answers() -> Iterator[Vector]:
    accredited = ("accredited",)
    for name, why, query, verdict, reasons in (
        ("present", "An issuer that is accredited.", QUERY, "trusted", accredited),
        (
            "absent",
            "Nobody of that name: proved, not just claimed.",
            _of(NOBODY),
            "unknown_issuer",
            ("unknown_issuer",),
        ),
        ("by-alias", "The issuer's other id, stated by its accreditor.", _of(ALIAS), "trusted", accredited),
        ("listed-only", "Registered, and accredited by nobody.", _of(LISTED), "not_trusted", ("no_accreditation",)),
        ("past", "Then as now.", past(QUERY, "2015-05-20"), "trusted", accredited),
        ("revoked", "Revoked since; asked about today.", _of(REVOKED), "not_trusted", ("status_revoked",)),
        (
            "historical",
            "Revoked since, not retroactively: what was issued before keeps its worth.",
            past(_of(REVOKED), "2019-06-01"),
            "trusted_historical",
            ("later_revoked", "accredited", "issuance_date_self_asserted"),
        ),
        (
            "void-from",
            "Revoked with effect from 2018 on: loss that does reach back.",
            past(_of(VOIDED), "2019-06-01"),
            "not_trusted",
            ("status_revoked",),
        ),
        (
            "before-void-from",
            "The same issuer, in 2017.",
            past(_of(VOIDED), "2017-06-01"),
            "trusted_historical",
            ("later_revoked", "accredited", "issuance_date_self_asserted"),
        ),
        *_existences(),
        ("suspended", "Suspended.", _of(SUSPENDED), "suspended", ("status_suspended",)),
        (
            "suspended-later",
            "Suspended now, in good standing then.",
            past(_of(SUSPENDED), "2019-06-01"),
            "trusted_historical",
            ("later_suspended", "accredited", "suspended_now", "issuance_date_self_asserted"),
        ),
        ("probation", "On probation.", _of(WARNED), "trusted_with_advisory", ("accredited", "status_probation")),
        ("expired", "Its term has ended.", _of(ENDED), "not_trusted", ("status_expired",)),
        (
            "teach-out",
            "Being taught out, for a programme that is not among those.",
            _of(TEACHING_OUT)._replace(program="nursing-bsn"),
            "not_trusted",
            ("teach_out_not_covered", "program_not_covered"),
        ),
        ("teach-out-open", "The same, no programme asked.", _of(TEACHING_OUT), "indeterminate", ("program_needed",)),
        (
            "dated-ahead",
            "Accredited by a statement whose date has not come: it waits for it.",
            _of(AHEAD),
            "not_trusted",
            ("dated_ahead",),
        ),
        (
            "suspended-ahead",
            "Suspended by a clock that is ahead: nobody waits for that.",
            _of(HASTY),
            "suspended",
            ("status_suspended",),
        ),
        (
            "suspended-ahead-past",
            "The same issuer, the day before, and its key, which such a clock retired.",
            past(_of(HASTY)._replace(key=K1), "2026-05-31"),
            "trusted_historical",
            ("later_suspended", "accredited", "suspended_now"),
        ),
        (
            "amended-ahead",
            "An amendment dated ahead gives nothing before its date.",
            _of(WIDENED)._replace(achievement_types=("Badge",)),
            "not_trusted",
            ("achievement_types_not_covered",),
        ),
        (
            "amended-ahead-within",
            "The same amendment, and what was granted before.",
            _of(WIDENED),
            "trusted_with_advisory",
            ("accredited", "dated_ahead"),
        ),
        (
            "key-stated-ahead",
            "A key that a statement dated ahead states is not stated yet.",
            QUERY._replace(key=f"{COLLEGE}#ahead"),
            "not_trusted",
            ("key_unknown",),
        ),
        ("one-authority", "Before one authority alone.", QUERY._replace(authority=HLC), "trusted", accredited),
        (
            "another-authority",
            "Before an authority that did not accredit it.",
            QUERY._replace(authority=STATE),
            "not_trusted",
            ("not_by_this_authority",),
        ),
        (
            "by-a-delegate",
            "Accredited by a delegate, within its limits.",
            _of(GUILD)._replace(achievement_types=("Badge",), jurisdiction="US-IN"),
            "trusted",
            accredited,
        ),
        (
            "beyond-limits",
            "The delegate's limits are a ceiling over a scope that says nothing of places.",
            _of(GUILD)._replace(achievement_types=("Badge",), jurisdiction="US-CA"),
            "not_trusted",
            ("jurisdiction_not_covered",),
        ),
        (
            "narrower-competency",
            "A competency below the one that is named, found in the framework.",
            _of(SKILLS)._replace(achievement_types=(), competencies=(CanonicalId(f"{FRAMEWORK}/2"),)),
            "trusted",
            accredited,
        ),
        (
            "unheard-competency",
            "A competency that no framework holds here.",
            _of(SKILLS)._replace(achievement_types=(), competencies=(CanonicalId(f"{FRAMEWORK}/7"),)),
            "indeterminate",
            ("competency_unknown",),
        ),
        (
            "mapped-in-two-steps",
            "A competency of another framework that mappings link, in two steps, with one that is covered.",
            _about(f"{ELSEWHERE}/a"),
            "trusted",
            ("accredited", "covered_by_mapping", "covered_by_mapping"),
        ),
        (
            "withdrawn-mapping",
            "By a mapping that has been withdrawn.",
            _about(f"{ELSEWHERE}/c"),
            "indeterminate",
            ("competency_unknown",),
        ),
        (
            "mapping-withdrawn-later",
            "By that mapping, before it was withdrawn.",
            past(_about(f"{ELSEWHERE}/c"), "2023-06-01"),
            "trusted_historical",
            ("later_scope", "accredited", "covered_by_mapping", "issuance_date_self_asserted"),
        ),
        (
            "anothers-mapping",
            "By a mapping of an authority whose word does not count for this accreditation.",
            _about(f"{ELSEWHERE}/d"),
            "indeterminate",
            ("competency_unknown",),
        ),
        (
            "mapping-withdrawn-ahead",
            "By a mapping that a clock which is ahead withdrew: nobody waits for that.",
            _about(f"{ELSEWHERE}/e"),
            "indeterminate",
            ("competency_unknown",),
        ),
        (
            "mapping-to-be-withdrawn",
            "By a mapping whose withdrawal says itself that it begins later.",
            _about(f"{ELSEWHERE}/f"),
            "trusted",
            ("accredited", "covered_by_mapping"),
        ),
        (
            "framework-within-limits",
            "By a delegate that is limited to a framework: what the authority above it lists there.",
            _about(f"{FRAMEWORK}/2")._replace(entity=TRAINED),
            "trusted",
            accredited,
        ),
        (
            "framework-of-the-limited",
            "By the same delegate: what it lists there itself does not widen its limits.",
            _about(f"{ELSEWHERE}/g")._replace(entity=TRAINED),
            "indeterminate",
            ("competency_unknown",),
        ),
        (
            "mandate-ahead",
            "A delegation dated ahead: its mandate begins on that date.",
            _of(HASTENED)._replace(action=ACCREDIT),
            "not_trusted",
            ("delegation_not_yet_valid",),
        ),
        ("key", "Signed with a pinned key.", QUERY._replace(key=K1), "trusted", accredited),
        ("unknown-key", "With another.", QUERY._replace(key=f"{COLLEGE}#k9"), "not_trusted", ("key_unknown",)),
        (
            "stolen-key",
            "With a key that had been compromised by then.",
            past(_of(STOLEN)._replace(key=K1), "2024-06-01"),
            "not_trusted",
            ("key_compromised",),
        ),
        (
            "key-stolen-later",
            "With that key, before it was compromised.",
            past(_of(STOLEN)._replace(key=K1), "2019-06-01"),
            "trusted_with_advisory",
            ("accredited", "key_compromised_later"),
        ),
        (
            "reported-twice",
            "Another key, retired since, reported it twice: an earlier theft, said too late, and a later one. "
            "Both are one word.",
            past(_of(REPORTED)._replace(key=K2), "2019-06-01"),
            "not_trusted",
            ("key_compromised",),
        ),
        (
            "reported-by-an-ended-key",
            "Another key reported it, which then reported itself, under a lower number.",
            _of(SILENCED)._replace(key=K2),
            "indeterminate",
            ("key_in_doubt",),
        ),
        (
            "about-unknown",
            "Accredited since about 1987; asked about a day of that year.",
            past(_of(OLDEST), "1987-12-31"),
            "indeterminate",
            ("start_approximate",),
        ),
        (
            "about-known",
            "The same, asked about the first day after it.",
            past(_of(OLDEST), "1988-01-01"),
            "trusted_with_advisory",
            ("accredited", "recorded_later", "status_candidate"),
        ),
        (
            "about-before",
            "The same, asked about the last day before it.",
            past(_of(OLDEST), "1986-12-31"),
            "not_trusted",
            ("not_yet_valid",),
        ),
        ("future", "A time that has not come.", past(QUERY, "2027-01-01"), "indeterminate", ("future_time",)),
        ("bad-entity", "An id that is none.", _of("did:"), "indeterminate", ("bad_identifier",)),
        (
            "other-spelling",
            "The issuer's id in another spelling.",
            _of("did:web:COLLEGE.example#k1"),
            "trusted",
            accredited,
        ),
        (
            "unknown-action",
            "An action nobody knows.",
            QUERY._replace(action="sing"),
            "indeterminate",
            ("unknown_action",),
        ),
        (
            "mandate",
            "Whether a delegate may accredit.",
            _of(UNION)._replace(action=ACCREDIT, achievement_types=("Badge",), jurisdiction="US-IN"),
            "trusted",
            ("mandated",),
        ),
    ):
        yield evidence_vector(name, why, EVERYBODY.prove(query, NOW), decided(verdict, *reasons), query=query)
    for name, entity, verdict, reason in (
        ("recognised", ABROAD, "trusted", "recognized"),
        ("own-authority", STATE, "trusted", "own_authority"),
        ("not-recognised", NOBODY, "not_trusted", "not_recognized"),
    ):
        query = QUERY._replace(entity=entity, achievement_types=())
        evidence = EVERYBODY.prove(query, NOW, asked=RECOGNITION)
        why = "Whether the ecosystem recognises somebody."
        yield evidence_vector(name, why, evidence, decided(verdict, reason), query=query, asked=RECOGNITION)


def _edges() -> Iterator[Vector]:
    good = decided("trusted", "accredited")
    yield evidence_vector("question-in-file", "No question given: that of the file.", GOOD, good, query=None)
    aged, ahead = (replace(GOOD, note=HELD.note(time)) for time in (NOW - POLICY.max_age, NOW + AHEAD_MAX))
    yield evidence_vector("as-old-as-allowed", "Cosigned exactly `max-age` seconds ago.", aged, good)
    yield evidence_vector("as-far-ahead-as-allowed", "Cosigned 300 s ahead of the verifier's clock.", ahead, good)
    stranger = HELD.note(NOW, ["stranger.example"]).partition(b"\n\n")[2]
    known_to_nobody = replace(GOOD, note=GOOD.note + stranger)
    yield evidence_vector(
        "line-of-a-stranger", "A line more, of a key that is not known: ignored.", known_to_nobody, good
    )
    seen = POLICY.remember(HELD.state)
    yield evidence_vector("seen-before", "The very state that was verified before.", GOOD, good, policy=seen)


# ------------------------------------------------------------------------------------------------ form


def _form() -> Iterator[Vector]:
    data, refuted = _BRIEF.encode(), failed("refuted", "form")
    value = cbor2.loads(data)
    one = value["records"][0]
    for name, why, wrong in (
        ("empty", "No bytes.", b""),
        ("truncated", "The last byte is missing.", data[:-1]),
        ("trailing-byte", "A byte more.", data + b"\0"),
        ("long-head", "The map's head in two bytes, where one says it.", b"\xb8\x08" + data[1:]),
        ("indefinite-length", "A map without a length.", b"\xbf" + data[1:] + b"\xff"),
        ("duplicate-member", "A member twice.", b"\xa9" + data[1:4] + data[1:]),
        ("unsorted-members", "The members in another order.", cbor2.dumps(dict(reversed(list(value.items()))))),
        ("tagged", "A tag before it.", b"\xd9\xd9\xf7" + data),
        ("float", "The version as a float.", cbor2.dumps(_ordered({**value, "v": 1.0}))),
        ("version", "Another version.", encode({**value, "v": 2})),
        ("boolean-version", "The version as `true`.", encode({**value, "v": True})),
        ("unknown-member", "A member that nobody knows.", encode({**value, "more": 1})),
        ("extension", "An `ext`, which evidence does not have.", encode({**value, "ext": 1})),
        ("missing-member", "A member less.", encode({name: value[name] for name in value if name != "note"})),
        ("asked", "A third kind of question.", encode({**value, "asked": "permission"})),
        ("short-root", "A root of 31 bytes.", encode({**value, "records_root": bytes(31)})),
        ("unsorted-records", "Records in another order.", encode({**value, "records": value["records"][::-1]})),
        ("record-twice", "A record twice.", encode({**value, "records": [one, *value["records"]]})),
        ("unknown-type", "A type of record there is not.", encode({**value, "records": [["zebra", *one[1:]]]})),
        ("query-member", "A question with a member nobody knows.", encode({**value, "query": _with(value, "mood")})),
        (
            "empty-list-in-query",
            "An empty list, which is never written.",
            encode({**value, "query": _with(value, "competencies")}),
        ),
        ("not-a-map", "A list.", encode([value])),
        ("invalid-utf-8", "Text that is not UTF-8.", data.replace(b"recognition", b"recognitio\xff")),
    ):
        yield evidence_vector(name, why, wrong, refuted, query=None)


# ------------------------------------------------------------------------------------------------ policy and question


def _policy() -> Iterator[Vector]:
    other = _of(UNION)
    yield evidence_vector(
        "another-question", "The answer to another question.", GOOD, failed("refuted", "question"), query=other
    )
    yield evidence_vector(
        "another-kind-of-question", "Asked for recognition.", GOOD, failed("refuted", "question"), asked=RECOGNITION
    )
    choosy = replace(POLICY, authorities=(HLC,))
    yield evidence_vector(
        "not-relied-on",
        "The policy relies on one authority, the question is before all.",
        GOOD,
        failed("unknown", "authority"),
        policy=choosy,
    )
    expired, altered = (replace(POLICY, expires=time) for time in (NOW, NOW + LIFETIME + 1))
    yield evidence_vector("policy-expired", "It has expired.", GOOD, failed("unknown", "policy"), policy=expired)
    yield evidence_vector(
        "policy-too-long", "Good for more than 90 days.", GOOD, failed("unknown", "policy"), policy=altered
    )
    foreign = Held(HELD.records, ecosystem=b"\x01" * 32).prove(QUERY, NOW)
    yield evidence_vector("another-ecosystem", "A state of another ecosystem.", foreign, failed("unknown", "ecosystem"))
    newer = Held(HELD.records, fold=FOLD_VERSION + 1).prove(QUERY, NOW)
    yield evidence_vector("another-fold", "Records made by rules not known here.", newer, failed("unknown", "fold"))


# ------------------------------------------------------------------------------------------------ the note


def _note() -> Iterator[Vector]:
    names, note = node_names(4), GOOD.note
    twice = HELD.note(NOW, names[:1]).partition(b"\n\n")[2]
    other_text = cosigned(replace(HELD.state, count=99), NOW, names[3:]).partition(b"\n\n")[2]
    restamped = HELD.note(NOW - 3600, names[:3]) + HELD.note(NOW, names[3:]).partition(b"\n\n")[2]
    for name, why, wrong, result, check in (
        ("no-note", "One node's own word.", b"", "unwitnessed", "note"),
        ("unwitnessed", "Two of four signers.", HELD.note(NOW, names[:2]), "unwitnessed", "quorum"),
        ("strangers", "Cosigned by nobody known.", HELD.note(NOW, ["stranger.example"]), "unwitnessed", "cosignatures"),
        (
            "own-signers",
            "Four nodes of somebody's own.",
            HELD.note(NOW, [f"own{n}.example" for n in range(4)]),
            "unwitnessed",
            "cosignatures",
        ),
        ("bad-signature", "A known signer's line with a bit changed.", _with_bit(note, -1), "refuted", "cosignatures"),
        ("moved-time", "A known signer's line with another time.", _with_bit(note, 7), "refuted", "cosignatures"),
        (
            "signature-of-another-text",
            "A known signer's line from another note.",
            note + other_text,
            "refuted",
            "cosignatures",
        ),
        ("duplicate-key-line", "A known signer's line twice.", note + twice, "refuted", "cosignatures"),
        (
            "cosignature-without-time",
            "A known signer's key id before 64 bytes, without a time.",
            _without_time(),
            "refuted",
            "cosignatures",
        ),
        ("low-order-signature", "A signature whose R is the neutral point.", _low_order(), "refuted", "cosignatures"),
        ("signature-beyond-the-order", "S is not reduced.", _unreduced(note), "refuted", "cosignatures"),
        (
            "log-signature",
            "Signed with the right key, as a log would sign.",
            _as_a_log(),
            "unwitnessed",
            "cosignatures",
        ),
        ("stale", "Cosigned a second too long ago.", HELD.note(NOW - POLICY.max_age - 1), "stale", "age"),
        ("restamped", "An old note that one signer stamped again.", restamped, "stale", "age"),
        ("ahead", "Cosigned a second too far ahead.", HELD.note(NOW + AHEAD_MAX + 1), "stale", "age"),
        ("crlf", "Lines that end in CR LF.", note.replace(b"\n", b"\r\n"), "refuted", "note"),
        (
            "leading-zero",
            "The count with a nought before it.",
            note.replace(b"\n100\n", b"\n0100\n"),
            "refuted",
            "cosignatures",
        ),
        ("no-last-newline", "The last newline is missing.", note[:-1], "refuted", "note"),
        ("line-more", "An empty line at the end.", note + b"\n", "refuted", "note"),
        ("loose-base64", "A signature line whose last bits belong to no byte.", _loose(note), "refuted", "note"),
        ("no-signatures", "A text alone.", HELD.state.encode().encode(), "refuted", "note"),
        ("too-many-lines", "65 signature lines.", note + _lines(62), "refuted", "note"),
        ("not-utf-8", "A line that is not UTF-8.", note.replace(b"Example", b"Exampl\xff"), "refuted", "note"),
        (
            "spaces-in-name",
            "Two spaces in the ecosystem's name, properly cosigned.",
            _text("Exa  mple"),
            "refuted",
            "note",
        ),
        ("checkpoint", "A log's checkpoint, properly cosigned, is no state note.", _checkpoint(), "refuted", "note"),
    ):
        yield evidence_vector(name, why, replace(_BRIEF, note=wrong), failed(result, check), query=None)
    lower, other_root = (
        POLICY.remember(replace(HELD.state, count=101)),
        POLICY.remember(replace(HELD.state, root=bytes(32))),
    )
    yield evidence_vector(
        "lower-count", "A larger state was verified before.", GOOD, failed("stale", "count"), policy=lower
    )
    yield evidence_vector(
        "same-count-other-root",
        "Another state of this count was verified before.",
        GOOD,
        failed("refuted", "count"),
        policy=other_root,
    )


# ------------------------------------------------------------------------------------------------ roots and proofs


def _roots_and_proofs() -> Iterator[Vector]:
    for name in ("records_root", "statements_root"):
        wrong: Any = {name: bytes(32)}
        why = f"Another {name.replace('_', ' ')} than the note's."
        yield evidence_vector(f"wrong-{name.replace('_', '-')}", why, replace(GOOD, **wrong), failed("refuted", "root"))
    revoked = plain()
    grant = next(one.statement.id for one in revoked.said if one.statement.kind == "accreditation.grant")
    revoked.event(grant, "revoke", "2026-05-01")
    newer = Held.of(revoked.records(), count=101)
    withheld = replace(GOOD, note=newer.note(NOW), records_root=newer.trie.root())
    yield evidence_vector(
        "withheld-revocation", "Old records under the newest note.", withheld, failed("refuted", "proof")
    )

    proof = next(one.proof for one in GOOD.records if (one.type, one.id) == _RECORD)
    depth = int.from_bytes(proof[:2], "big")
    start = 2 + (depth + 7) // 8
    siblings = [proof[at : at + 32] for at in range(start, len(proof) - 32, 32)]
    head, tail = proof[:start], proof[-32:]
    assert len(siblings) >= 2
    other = Trie([(record_key(*_RECORD), bytes(32))]).prove(record_key(*_RECORD))
    neighbour = next(key for key, _ in HELD.trie.items() if not key.startswith(record_key(*_RECORD)[:1]))
    for name, why, wrong in (
        ("proof-of-another-root", "A proof in another map.", other),
        ("deeper", "The depth is one more.", (depth + 1).to_bytes(2, "big") + proof[2:]),
        ("shallower", "The depth is one less.", (depth - 1).to_bytes(2, "big") + proof[2:]),
        ("too-deep", "A depth of 257.", (257).to_bytes(2, "big") + bytes(33)),
        ("surplus-sibling", "A sibling more.", head + b"".join([*siblings, siblings[0]]) + tail),
        ("missing-sibling", "A sibling less.", head + b"".join(siblings[:-1]) + tail),
        ("swapped-siblings", "Siblings from the leaf upward.", head + b"".join(reversed(siblings)) + tail),
        (
            "changed-sibling",
            "A bit of a sibling changed.",
            head + _flipped(siblings[0]) + b"".join(siblings[1:]) + tail,
        ),
        (
            "last-sibling-empty",
            "An empty sibling at the end: the leaf would stand higher.",
            _extended(proof, depth, start, b""),
        ),
        ("empty-sibling-sent", "An empty sibling sent as if it were none.", _extended(proof, depth, start, bytes(32))),
        ("short-terminal", "A terminal of 31 bytes.", proof[:-1]),
        ("long-terminal", "A byte more.", proof + b"\0"),
        ("no-proof", "No bytes.", b""),
        ("leaf-off-path", "Absence by a leaf that is not on the path.", head + b"".join(siblings) + neighbour + tail),
        (
            "own-leaf-as-other",
            "Absence by the very leaf that is asked about.",
            head + b"".join(siblings) + record_key(*_RECORD) + tail,
        ),
    ):
        yield evidence_vector(name, why, _changed(proof=wrong), failed("refuted", "proof"))
    charter = next(one.proof for one in GOOD.records if one.type == "charter")
    assert charter[1] % 8, "there are bits to spare"
    beyond = _changed(("charter", ECOSYSTEM), proof=charter[:2] + bytes([charter[2] | 1]) + charter[3:])
    why = "A bit of the bitmap beyond the depth."
    yield evidence_vector("bits-beyond-depth", why, beyond, failed("refuted", "proof"))


# ------------------------------------------------------------------------------------------------ records


def _records() -> Iterator[Vector]:
    refuted = failed("refuted", "record")
    hidden = {**HELD.records["issuer", COLLEGE], "accreditations": []}
    yield evidence_vector("claimed-absent", "A present record called absent.", _changed(raw=None), refuted)
    yield evidence_vector(
        "changed-record", "A record with its accreditations left out.", _changed(raw=encode(hidden)), refuted
    )
    unread = ProvenRecord(
        type="authority",
        id=STATE,
        raw=HELD.raws()["authority", STATE],
        proof=HELD.trie.prove(record_key("authority", STATE)),
    )
    records = tuple(sorted((*GOOD.records, unread), key=lambda one: (one.type, one.id)))
    surplus = replace(GOOD, records=records)
    yield evidence_vector(
        "surplus-record", "A record that the decision does not read.", surplus, failed("refuted", "surplus_record")
    )
    for left_out in GOOD.records:
        less = replace(GOOD, records=tuple(one for one in GOOD.records if one is not left_out))
        why = f"The {left_out.type} record left out: refuted, never taken for absent."
        yield evidence_vector(f"without-{left_out.type}", why, less, failed("refuted", "missing_record"))
    for name, why, raw in (
        ("vouched-not-cbor", "A quorum vouches for bytes that are no CBOR.", b"\xff"),
        ("vouched-not-deterministic", "A quorum vouches for a record in another encoding.", b"\xb8\x00"),
        ("vouched-no-map", "A quorum vouches for a list.", encode(["no map"])),
        ("vouched-no-record", "A quorum vouches for what no fold makes.", encode({"id": COLLEGE})),
        ("vouched-too-large", "A quorum vouches for a record beyond 64 KiB.", encode({"id": "x" * 65_536})[:65_600]),
    ):
        yield evidence_vector(name, why, _vouched(raw), refuted)
    why = "A quorum vouches for an accreditation whose events name each other in a circle."
    yield evidence_vector("vouched-circle", why, _in_a_circle(), refuted)


def _vouched(raw: bytes) -> Evidence:
    """The evidence of a state in which the college's record is these bytes."""
    held = Held(HELD.records)
    held.trie.set(record_key(*_RECORD), sha256(raw).digest())
    recorder = Recorder(Mapped(held.reader(), held.trie))
    recorder.get("charter", ECOSYSTEM)
    (charter,) = recorder.prove()
    issuer = ProvenRecord(type="issuer", id=COLLEGE, raw=raw, proof=held.trie.prove(record_key(*_RECORD)))
    return replace(GOOD, records=(charter, issuer), records_root=held.trie.root(), note=held.note(NOW))


def _in_a_circle() -> Evidence:
    """The answer of a state in which two suspensions follow each other; nothing but a quorum can make one."""
    ids = [sha256(name).digest() for name in (b"one", b"other")]
    (subject,) = ((one.type, one.id) for one in GOOD.records if one.type == "accreditation")
    said: dict[str, Any] = {"by": HLC, "via": None, "iat": NOW, "event": "suspend", "effective_from": NOW}
    events = [{**said, "statement": id, "after": [other]} for id, other in zip(ids, reversed(ids), strict=True)]
    raw = encode({**HELD.records[subject], "events": events})
    held = Held(HELD.records)
    held.trie.set(record_key(*subject), sha256(raw).digest())
    proven = [one._replace(proof=held.trie.prove(record_key(one.type, one.id))) for one in GOOD.records]
    records = tuple(one._replace(raw=raw) if (one.type, one.id) == subject else one for one in proven)
    return replace(GOOD, records=records, records_root=held.trie.root(), note=held.note(NOW))


# ------------------------------------------------------------------------------------------------ the answer


def _answer() -> Iterator[Vector]:
    refuted, stale = failed("refuted", "decision"), failed("stale", "time")
    for name, why, member, value in (
        ("other-verdict", "The verdict turned round.", "verdict", "not_trusted"),
        ("other-reasons", "The reasons left out.", "reasons", []),
        ("other-name", "Another name.", "issuer_name", "Another College"),
        ("other-validity", "No date at which it may change.", "valid_until", None),
        ("one-for-true", "The time of the answer as `true`.", "time_evaluated", True),
        ("member-more", "A member more.", "grade", 1),
    ):
        yield evidence_vector(name, why, replace(GOOD, answer={**GOOD.answer, member: value}), refuted)
    less = {name: value for name, value in GOOD.answer.items() if name != "unchecked"}
    yield evidence_vector("member-less", "A member less.", replace(GOOD, answer=less), refuted)
    yield evidence_vector(
        "question-replaced",
        "The right answer to another question, with this one written over it.",
        replace(HELD.prove(past(QUERY, "2015-05-20"), NOW), query=QUERY),
        refuted,
    )
    note = HELD.note(NOW)
    for name, why, time in (
        ("answered-long-ago", "Made before the maximum age, under a fresh note.", NOW - POLICY.max_age - 1),
        ("answered-ahead", "Made too far ahead.", NOW + AHEAD_MAX + 1),
    ):
        yield evidence_vector(name, why, HELD.prove(QUERY, time, note=note), stale)
    end = at("2030-01-01")
    overtaken = HELD.prove(QUERY, end - 10)
    why = "Made before the accreditation's last day, checked after it."
    yield evidence_vector("overtaken", why, overtaken, stale, policy=trust(HELD, end), now=end)


# ------------------------------------------------------------------------------------------------ makings


def _of(entity: str) -> Query:
    return QUERY._replace(entity=entity)


def _about(competency: str) -> Query:
    return _of(SKILLS)._replace(achievement_types=(), competencies=(CanonicalId(competency),))


def _ordered(value: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(value.items(), key=lambda one: cbor2.dumps(one[0])))


def _with(value: dict[str, Any], member: str) -> dict[str, Any]:
    return {**value["query"], member: []}


def _changed(subject: Subject = _RECORD, **change: Any) -> Evidence:
    """The good evidence with something else in one record."""
    records = tuple(one._replace(**change) if (one.type, one.id) == subject else one for one in GOOD.records)
    assert records != GOOD.records
    return replace(GOOD, records=records)


def _flipped(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def _extended(proof: bytes, depth: int, start: int, sibling: bytes) -> bytes:
    """The proof with an empty sibling at its end, left out or sent."""
    bits = int.from_bytes(proof[2:start], "big") >> (-depth % 8)
    deeper = depth + 1
    bitmap = (bits << 1 | bool(sibling)) << (-deeper % 8)
    return (
        deeper.to_bytes(2, "big") + bitmap.to_bytes((deeper + 7) // 8, "big") + proof[start:-32] + sibling + proof[-32:]
    )


def _replaced(note: bytes, change: Any) -> bytes:
    """The note with something else in the blob of its first line."""
    read = Note.decode(note)
    first, *others = read.signatures
    return replace(read, signatures=(replace(first, blob=change(first.blob)), *others)).encode()


def _with_bit(note: bytes, at: int) -> bytes:
    def change(blob: bytes) -> bytes:
        changed = bytearray(blob)
        changed[at] ^= 1
        return bytes(changed)

    return _replaced(note, change)


def _without_time() -> bytes:
    return _replaced(GOOD.note, lambda blob: blob[8:])


def _low_order() -> bytes:
    """R is the neutral point and S fits the equation: libraries differ, libsodium refuses."""
    return _replaced(GOOD.note, lambda blob: blob[:8] + (1).to_bytes(32, "little") + bytes(32))


def _unreduced(note: bytes) -> bytes:
    return _replaced(note, lambda blob: blob[:40] + (int.from_bytes(blob[40:], "little") + L).to_bytes(32, "little"))


def _as_a_log() -> bytes:
    names = node_names(3)
    text = HELD.state.encode()
    return Note(
        text=text, signatures=tuple(sign_text(text, name, KeyPair(state_seed(name))) for name in names)
    ).encode()


def _loose(note: bytes) -> bytes:
    """The first line's base64 ends in another character that decodes to the same bytes."""
    at = note.index(b"=\n", note.index(b"\n\n"))
    return note[: at - 1] + bytes([note[at - 1] + 1]) + note[at:]


def _lines(count: int) -> bytes:
    signature = Signature(name="n.example", key_id=bytes(4), blob=bytes(72))
    return "".join(replace(signature, name=f"x{number}.example").encode() for number in range(count)).encode()


def _text(name: str) -> bytes:
    return _cosigned_text(HELD.state.encode().replace("Example", name))


def _checkpoint() -> bytes:
    return _cosigned_text("n0.example/log\n100\n" + HELD.state.encode().split("\n")[2] + "\n")


def _cosigned_text(text: str) -> bytes:
    lines = tuple(cosign(text, name, KeyPair(state_seed(name)), NOW) for name in node_names(3))
    return Note(text=text, signatures=lines).encode()
