"""The vectors of snapshots, of buckets and of trust policies."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from accredit.registry.decision.query import Query
from accredit.registry.evidence.trust_policy import LIFETIME
from accredit.registry.transparency.signed_note import KeyType, encode_base64
from tests.strategies.curve import EIGHT, P, add, pack, unpack
from tests.strategies.domain import ALIAS, COLLEGE, EARLY, ECOSYSTEM, HLC, NOW, World, at, pinned
from tests.strategies.noted import Held, bucket_of, node_names, signer_keys, trust

from ._vector_world import (
    HELD,
    NOBODY,
    POLICY,
    QUERY,
    REVOKED,
    Vector,
    bucket_vector,
    decided,
    error,
    failed,
    past,
    policy_vector,
    snapshot_vector,
)

ABOUT_SNAPSHOTS: Final = "Snapshots (`registry.snapshot`): loaded under a policy, then asked, both at the time `now`."
ABOUT_BUCKETS: Final = "Buckets (`GET /v1/issuers/by-prefix/{hex}`): opened under a policy, then asked together."
ABOUT_POLICIES: Final = "Trust policies (`policy.txt`): read, or refused with the error's code."

_GOOD: Final = decided("trusted", "accredited")


# ------------------------------------------------------------------------------------------------ snapshots


def snapshots() -> Iterator[Vector]:
    """Of snapshots."""
    data, day = HELD.snapshot(NOW), 86_400
    yield snapshot_vector("present", "An issuer that is accredited.", data, _GOOD)
    absent = decided("unknown_issuer", "unknown_issuer")
    yield snapshot_vector("absent", "Nobody of that name.", data, absent, query=QUERY._replace(entity=NOBODY))
    historical = decided("trusted_historical", "later_revoked", "accredited", "issuance_date_self_asserted")
    query = past(QUERY._replace(entity=REVOKED), "2019-06-01")
    yield snapshot_vector("historical", "Revoked since, not retroactively.", data, historical, query=query)
    uncovered, late = decided("stale_view", "not_covered"), NOW + POLICY.max_age
    why = "The note is as old as the policy allows: no answer about now."
    yield snapshot_vector("not-covered", why, data, uncovered, now=late)
    yield snapshot_vector("still-covered", "A second earlier.", data, _GOOD, now=late - 1)
    why = "Older, and the verifier chose to accept a week."
    yield snapshot_vector("own-maximum-age", why, data, _GOOD, now=late, max_age=7 * day)
    known = decided("trusted", "accredited", "as_of_snapshot")
    why = "Older, and the question is about a time before it."
    yield snapshot_vector("past-from-an-old-one", why, data, known, query=past(QUERY, "2019-06-01"), now=NOW + day)
    why = "The policy does not rely on whom it is asked about."
    relied = decided("indeterminate", "authority_not_relied_on")
    yield snapshot_vector("not-relied-on", why, data, relied, policy=replace(POLICY, authorities=(HLC,)))
    at_root, at_count = len(b"accredit-snapshot/v1\n"), len(b"accredit-snapshot/v1\n") + 32
    first = at_count + 8
    for name, why, wrong, code in (
        ("first-line", "Another first line.", data.replace(b"/v1", b"/v2", 1), "snapshot"),
        ("truncated", "It ends within its records.", data[: first + 40], "snapshot"),
        ("other-statements-root", "Another root of the statements.", _flipped(data, at_root), "snapshot_root"),
        ("unknown-type", "A type of record there is not.", _flipped(data, first, 0x80), "snapshot"),
        ("changed-record", "A record that was altered.", _without_college(data), "snapshot_root"),
        ("record-left-out", "A record left out, the note the same.", _left_out(), "snapshot_root"),
        ("unsorted", "Two records in another order.", _unsorted(data, first), "snapshot"),
    ):
        yield snapshot_vector(name, why, wrong, error(code))
    few = HELD.snapshot(NOW, HELD.note(NOW, node_names(2)))
    yield snapshot_vector("unwitnessed", "Two of four signers.", few, failed("unwitnessed", "quorum"))
    old = HELD.snapshot(NOW, HELD.note(NOW - LIFETIME - 1))
    yield snapshot_vector("stale", "Older than 90 days.", old, failed("stale", "age"))
    damaged = Held({**HELD.records, ("issuer", COLLEGE): {"id": COLLEGE}}).snapshot(NOW)
    why = "A quorum vouches for what no fold makes: it costs that subject its answer."
    yield snapshot_vector("vouched-no-record", why, damaged, decided("indeterminate", "state_damaged"))


def _flipped(data: bytes, at: int, bits: int = 1) -> bytes:
    return data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :]


def _without_college(data: bytes) -> bytes:
    assert data.count(b"Example College") == 1
    return data.replace(b"Example College", b"Example Collage")


def _left_out() -> bytes:
    rest = {subject: record for subject, record in HELD.records.items() if subject != ("issuer", COLLEGE)}
    return Held(rest).snapshot(NOW, HELD.note(NOW))


def _unsorted(data: bytes, at: int) -> bytes:
    ends = [at]
    for _ in range(2):
        id_bytes = int.from_bytes(data[ends[-1] + 1 : ends[-1] + 3], "big")
        length_at = ends[-1] + 3 + id_bytes
        ends.append(length_at + 4 + int.from_bytes(data[length_at : length_at + 4], "big"))
    return data[: ends[0]] + data[ends[1] : ends[2]] + data[ends[0] : ends[1]] + data[ends[2] :]


# ------------------------------------------------------------------------------------------------ buckets


def _crowd() -> Held:
    """A college among others: small, for a bucket carries all that is under its prefix."""
    made = World()
    made.register(iat=EARLY, also_known_as=[ALIAS], keys=pinned())
    made.grant(iat=EARLY, valid_until=at("2030-01-01"))
    for number in range(3):
        made.register(f"did:web:other{number}.example", iat=EARLY)
    return Held.of(made.records())


def buckets() -> Iterator[Vector]:
    """Of buckets."""
    held = _crowd()
    policy = trust(held, NOW)

    def bucket(kind: str, id: str, bits: int) -> dict[str, Any]:
        return bucket_of(held, kind, id, bits, wanted=COLLEGE)

    def vector(name: str, why: str, opened: list[Any], expected: Any, query: Query = QUERY, now: int = NOW) -> Vector:
        return bucket_vector(name, why, opened, expected, query=query, policy=policy, now=now)

    def pair(entity: str, bits: int) -> list[dict[str, Any]]:
        return [bucket("issuer", entity, bits), bucket("alias", entity, bits)]

    absent = decided("unknown_issuer", "unknown_issuer")
    yield vector("present", "All issuers under three bits, and the one that was meant.", pair(COLLEGE, 3), _GOOD)
    yield vector("alone", "A prefix of 256 bits: hides nothing, and holds.", pair(COLLEGE, 256), _GOOD)
    yield vector("everybody", "A prefix of no bits.", [bucket("issuer", COLLEGE, 0)], _GOOD)
    query = QUERY._replace(entity=NOBODY)
    yield vector("absent", "Nobody of that name under the prefix.", pair(NOBODY, 3), absent, query)
    query = QUERY._replace(entity=ALIAS)
    yield vector("by-alias", "The issuer's other id.", pair(ALIAS, 3), _GOOD, query)

    whole = bucket("issuer", COLLEGE, 1)
    first, second, *rest = whole["leaves"]
    refuted = failed("refuted", "prefix")
    for name, why, change, expected in (
        ("leaf-left-out", "One leaf less.", {"leaves": [second, *rest]}, refuted),
        ("leaf-twice", "One leaf twice.", {"leaves": [first, first, second, *rest]}, refuted),
        ("leaves-unsorted", "Two leaves in another order.", {"leaves": [second, first, *rest]}, refuted),
        ("leaf-renamed", "A leaf of another id.", {"leaves": [[first[0], "x", first[2]], second, *rest]}, refuted),
        ("leaf-changed", "A leaf of another value.", {"leaves": [[*first[:2], "00" * 32], second, *rest]}, refuted),
        ("leaf-more", "A leaf from elsewhere.", {"leaves": [*whole["leaves"], ["node", "x", "00" * 32]]}, refuted),
        ("no-proof", "No proof of the prefix.", {"proof": ""}, refuted),
        ("other-root", "Another root of the records.", {"records_root": "00" * 32}, failed("refuted", "root")),
        ("issuer-withheld", "The issuer's record withheld.", _withheld(whole), failed("refuted", "missing_record")),
        ("called-absent", "A record called absent.", _called_absent(whole), failed("refuted", "record")),
        ("no-note", "One node's own word.", {"note": ""}, failed("unwitnessed", "note")),
        ("many-bits", "257 bits.", {"bits": 257}, error("bucket")),
        ("bits-as-text", "The bits as text.", {"bits": "1"}, error("bucket")),
        ("bits-as-boolean", "The bits as `true`.", {"bits": True}, error("bucket")),
        ("capital-hex", "A root in capitals.", {"records_root": whole["records_root"].upper()}, error("bucket")),
        ("unknown-type", "A leaf of a type there is not.", {"leaves": [["zebra", *first[1:]]]}, error("bucket")),
        ("no-base64", "A proof that is no base64.", {"proof": "A"}, error("bucket")),
    ):
        yield vector(name, why, [{**whole, **change}], expected)
    yield vector("stale", "An hour later.", [whole], failed("stale", "age"), now=NOW + 3600)
    why = "Under another prefix: not known, and not absent."
    elsewhere = bucket("issuer", NOBODY, 256)
    yield vector("elsewhere", why, [{**elsewhere, **_withheld(elsewhere)}], failed("refuted", "missing_record"))
    later = Held(held.records, count=held.count + 1)
    other = bucket_of(later, "alias", COLLEGE, 3, wanted=COLLEGE)
    mixed = [bucket("issuer", COLLEGE, 3), other]
    yield vector("two-states", "Buckets of two states.", mixed, error("buckets_differ"))


def _withheld(whole: dict[str, Any]) -> dict[str, Any]:
    kept = [one for one in whole["records"] if (one["type"], one["id"]) != ("issuer", COLLEGE)]
    return {"records": kept}


def _called_absent(whole: dict[str, Any]) -> dict[str, Any]:
    first, *rest = whole["records"]
    return {"records": [{**first, "record": None}, *rest]}


# ------------------------------------------------------------------------------------------------ trust policies


def policies() -> Iterator[Vector]:
    """Of trust policies."""
    text = POLICY.encode().decode()
    seen = POLICY.remember(HELD.state)
    accepted = {"signers": 4, "verified": 0, "max_age": 300, "relies_on": [ECOSYSTEM]}
    yield policy_vector("good", "As it is exported.", text, accepted)
    yield policy_vector("seen", "With a state verified before.", seen.encode().decode(), {**accepted, "verified": 100})
    commented = text.replace("\n\n", "\n\n# who signs\n\n", 1).replace("group ", "  group\t")
    yield policy_vector("loose-lower-part", "Comments, tabs and empty lines in the lower part.", commented, accepted)
    nested = text.replace(
        "group signers 3 n0.example n1.example", "group two any n0.example n1.example\ngroup signers all two"
    )
    yield policy_vector("nested-groups", "A group that counts as one signer.", nested, accepted)
    mandate = f"rely-on {HLC}#{'ab' * 32}"
    relied = text.replace(f"rely-on {ECOSYSTEM}", mandate)
    yield policy_vector("one-mandate", "One mandate alone.", relied, {**accepted, "relies_on": [mandate[8:]]})

    first = next(line for line in text.splitlines() if line.startswith("witness"))
    vkey = first.split(" ")[2]
    log = _as_type(KeyType.ED25519)
    for name, why, old, new, code in (
        ("first-line", "Another first line.", "policy 1", "policy 2", "trust_policy"),
        ("no-gap", "No empty line.", "\n\n", "\n", "trust_policy"),
        ("other-order", "Two lines exchanged.", *_exchanged(text, 1, 2), "trust_policy"),
        ("line-missing", "No `max-age`.", *_removed(text, "max-age"), "trust_policy"),
        ("leading-zero", "A number with a nought before it.", "max-age 300", "max-age 0300", "number"),
        ("age-beyond", "A maximum age of more than 90 days.", "age 300", "age 7776001", "trust_policy"),
        ("capital-hex", "An id in capitals.", POLICY.ecosystem.hex(), "AB" * 32, "hex"),
        ("root-without-count", "A root, and nothing verified.", "verified 0", _ROOT, "trust_policy"),
        ("bad-time", "A day there is not.", "expires 2026-08", "expires 2026-13", "bad_time"),
        ("time-offset", "A time that is not in UTC.", *_expires(text, "+02:00"), "bad_time"),
        ("time-spelling", "A time in another spelling.", *_expires(text, "+00:00"), "trust_policy"),
        ("charter-spelling", "The ecosystem's id in another spelling.", "https://eco", "https://Eco", "trust_policy"),
        ("relies-on-nobody", "Nobody is relied on.", *_removed(text, "rely-on"), "trust_policy"),
        ("unsorted-authorities", "Authorities out of order.", *_relying("https://z.example/", HLC), "trust_policy"),
        ("authority-twice", "An authority twice.", *_relying(ECOSYSTEM, ECOSYSTEM), "trust_policy"),
        ("no-quorum", "A quorum of nobody.", "quorum signers", "quorum none", "trust_policy"),
        ("quorum-missing", "No line with a quorum.", *_removed(text, "quorum"), "policy_quorum"),
        ("quorum-twice", "A second quorum.", "quorum", "quorum signers\nquorum", "policy_quorum"),
        ("no-last-newline", "The last newline is missing.", "quorum signers\n", "quorum signers", "policy_line"),
        ("unknown-line", "A line of a kind there is not.", "quorum", "signer n9.example\nquorum", "policy_line"),
        ("threshold-beyond", "Five of four.", "signers 3", "signers 5", "policy_threshold"),
        ("threshold-zero", "None of four.", "signers 3", "signers 0", "policy_threshold"),
        ("undefined-member", "A member that no line defines.", "signers 3 n0", "signers 3 n9", "policy_name"),
        ("member-twice", "A member of two groups.", "quorum", "group more any n0.example\nquorum", _TWICE),
        ("name-twice", "Two signers of one name.", "witness n1.example", "witness n0.example", "policy_name"),
        ("key-twice", "One key under two names.", first, f"{first}\nwitness twin {vkey}", "policy_key_twice"),
        ("log-key", "A log's key for a signer.", vkey, log, "policy_key_type"),
        ("log-line", "A log, which a trust policy has none of.", "quorum", f"log {log}\nquorum", "trust_policy"),
        ("key-id", "A vkey whose id is not that of its key.", vkey, _other_id(vkey), "vkey_id"),
        ("key-type", "A vkey of a type that is not checked.", vkey, _with_blob(vkey, b"\x02", 0), "vkey_type"),
        ("loose-base64", "A vkey in loose base64.", vkey, f"{vkey}=", "base64"),
        ("control-character", "A control character.", "group", "\x07group", "policy_control"),
        ("low-order-key", "A key of small order: anybody can sign.", vkey, _with_key(vkey, _number(1)), "weak_key"),
        ("mixed-order-key", "A key outside of the prime-order group.", vkey, _with_key(vkey, _mixed()), "weak_key"),
        ("unreduced-key", "A key whose y is not reduced.", vkey, _with_key(vkey, _number(P + 3)), "weak_key"),
        ("no-point", "A key that is no point.", vkey, _with_key(vkey, _number(2)), "weak_key"),
    ):
        wrong = text.replace(old, new)
        assert wrong != text, name
        yield policy_vector(name, why, wrong, error(code))


_TWICE: Final = "policy_member_twice"
_ROOT: Final = f"verified 0 {encode_base64(bytes(32))}"


def _exchanged(text: str, one: int, other: int) -> tuple[str, str]:
    """Two lines, and how they stand the other way round."""
    lines = text.splitlines(keepends=True)
    return "".join(lines[one : other + 1]), "".join(reversed(lines[one : other + 1]))


def _removed(text: str, word: str) -> tuple[str, str]:
    return next(line for line in text.splitlines(keepends=True) if line.startswith(f"{word} ")), ""


def _expires(text: str, offset: str) -> tuple[str, str]:
    line = next(line for line in text.splitlines() if line.startswith("expires"))
    return line, line.replace("Z", offset)


def _relying(*authorities: str) -> tuple[str, str]:
    return f"rely-on {ECOSYSTEM}\n", "".join(f"rely-on {id}\n" for id in authorities)


def _number(y: int) -> bytes:
    return y.to_bytes(32, "little")


def _as_type(kind: KeyType) -> str:
    return replace(signer_keys(1)[0], type=kind).encode()


def _with_key(vkey: str, public: bytes) -> str:
    return _with_blob(vkey, public, 1)


def _with_blob(vkey: str, part: bytes, at: int) -> str:
    """The vkey with other bytes from `at` on in the type and key behind its id."""
    name, id, _ = vkey.split("+", 2)
    blob = b"\x04" + signer_keys(1)[0].public
    return f"{name}+{id}+{encode_base64(blob[:at] + part + blob[at + len(part) :])}"


def _other_id(vkey: str) -> str:
    name, id, rest = vkey.split("+", 2)
    return f"{name}+{int(id, 16) ^ 1:08x}+{rest}"


def _mixed() -> bytes:
    honest = unpack(signer_keys(1)[0].public)
    assert honest is not None
    return pack(add(honest, EIGHT))
