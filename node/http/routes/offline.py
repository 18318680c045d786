"""`/v1/snapshot`, buckets by prefix: for verifiers that work offline, or do not reveal the issuer.

A snapshot is all records of the noted state in one reproducible file; with `since` the changes since an earlier one, if
this node remembers it. Its entity tag is the state root, and weak, because the note at its end keeps gathering
cosignatures: a client that has that state asks with `since`, and gets a delta with only a fresh note.

A bucket has all records whose key in the state map begins with certain bits; the client's issuer is one of at least
`k`. Each issuer comes with its accreditations, the charter and its authorities, proved under the noted root. All other
records under the prefix are named, with the proof that there are no more, so an issuer that is not in the bucket is not
in the registry. `registry.evidence.private_lookup` checks and reads it. An alias has the bucket of its own key, and so
does a competency; the latter has each competency with all records that a question about it may read: frameworks,
broader items, and mappings.
"""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypedDict

import anyio.to_thread

from accredit.node.engine.quorum_state import NotedMap
from accredit.node.http.exchange import Response
from accredit.node.http.handling.request_reading import hex_digits, hex_id, integer
from accredit.node.http.handling.route import JSON, REVALIDATE, Call, Route, bytes_response, json_response
from accredit.registry.decision.competencies import read_around
from accredit.registry.domain.records import Subject, accreditation_in, alias_in, issuer_in, record_digest
from accredit.registry.encoding.cbor import encode
from accredit.registry.encoding.counts import many
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.errors import InputError
from accredit.registry.evidence.private_lookup import LEAVES_MAX
from accredit.registry.evidence.proved_records import ProvenRecord, Recorder
from accredit.registry.evidence.range_proof import Prefix
from accredit.registry.evidence.snapshot import encode_delta, encode_snapshot
from accredit.registry.transparency.state_trie import KEY_BYTES

from .notes import standing

BUCKET: Final = 16
"""Issuers among which a client hides by default. A guess."""

BUCKET_MAX: Final = 256
"""Issuers in one answer: each takes some 3 kB with its accreditations and proofs."""

PROVEN_MAX: Final = 4_000
"""Records that a bucket of competencies proves: some 6 MB. A guess."""

_NAMES: Final = {"issuer": "issuers", "competency": "competencies"}

_OCTETS: Final = "application/octet-stream"


class ProvenView(TypedDict):
    """A record of the state map with its proof, both in base64; the record is null where its absence is proved."""

    type: str
    id: str
    record: str | None
    proof: str


class BucketPage(TypedDict):
    """Everything whose key shares its first `bits` bits with the prefix asked for; `issuers` are the issuers among it.

    `leaves` are type, id and the record's SHA-256 of each, in the order of their keys; `proof` (base64) is that of the
    prefix' first key.
    """

    prefix: str
    bits: int
    issuers: list[str]
    leaves: list[list[str]]
    proof: str
    note: str
    records_root: str
    statements_root: str
    records: list[ProvenView]


async def snapshot(call: Call) -> Response:
    """All records, or the changes since an earlier noted state."""
    noted, state, _ = standing(call)
    if call.params["since"] is not None:
        made = await anyio.to_thread.run_sync(partial(_delta, noted, call.params["since"]))
        if made is not None:
            return bytes_response(made, _OCTETS, cache=REVALIDATE)
    async with call.shared.making:
        held: _Snapshot | None = call.shared.kept.get("snapshot", (None, None))[1]
        if held is None or held.root != state.root:
            held = await anyio.to_thread.run_sync(partial(_snapshot, noted))
            call.shared.kept["snapshot"] = held.root, held
    _, state, newest = standing(call)
    note = newest if state.root == held.root else held.note
    response = bytes_response(held.data + note, _OCTETS, cache=REVALIDATE)
    response.headers["etag"] = f'W/"{held.root.hex()}"'
    return response


async def by_prefix(call: Call) -> Response:
    """A bucket of issuers, with proofs."""
    return await _bucket_of(call, "issuer")


async def competencies_by_prefix(call: Call) -> Response:
    """A bucket of competencies, with proofs."""
    return await _bucket_of(call, "competency")


async def _bucket_of(call: Call, kind: str) -> Response:
    noted, _, _ = standing(call)
    make = partial(_bucket, noted, kind, call.params["hex"], call.params["k"])
    return json_response(await anyio.to_thread.run_sync(make))


def _bucket(noted: NotedMap, about: str, digits: str, least: int) -> BucketPage:
    """Of the newest noted state; in a thread."""
    with noted.apart() as held:
        assert held.note is not None
        prefix, subjects = _under(held, about, digits, least)
        proven = _proven_issuers if about == "issuer" else _proven_competencies
        return {
            "prefix": digits,
            "bits": prefix.bits,
            "issuers": sorted(id for kind, id in subjects if kind == "issuer"),
            "leaves": [_leaf(held, *subject) for subject in subjects],
            "proof": b64encode(held.trie.prove(prefix.first)).decode(),
            "note": held.note.decode(),
            "records_root": held.records_root().hex(),
            "statements_root": held.statements_root.hex(),
            "records": [_view(one) for one in proven(held, subjects)],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Snapshot:
    """A file without the note at its end, and that note; `root` is the state's."""

    root: bytes
    data: bytes
    note: bytes


def _snapshot(noted: NotedMap) -> _Snapshot:
    """Of the newest noted state; in a thread."""
    with noted.apart() as held:
        assert held.state is not None
        assert held.note is not None
        data = encode_snapshot(held.raws(), statements_root=held.statements_root, note=b"")
        return _Snapshot(root=held.state.root, data=data, note=held.note)


def _delta(noted: NotedMap, since: bytes) -> bytes | None:
    """Return the delta from an earlier state to the newest; None if that one is not remembered. Runs in a thread."""
    with noted.apart() as held:
        changed = held.changed_since(since)
        if changed is None:
            return None
        base_root, subjects = changed
        assert held.note is not None
        records = ((subject, held.get(*subject)) for subject in subjects)
        rows = [(subject, None if record is None else encode(record)) for subject, record in records]
        return encode_delta(rows, base_root=base_root, statements_root=held.statements_root, note=held.note)


def _under(noted: NotedMap, about: str, digits: str, least: int) -> tuple[Prefix, list[Subject]]:
    """Return the longest prefix with at least `least` records of a type, and all records there; an empty prefix if
    there are fewer.

    Raises:
        InputError: one answer cannot hold so many.
    """
    key = bytes.fromhex(digits.ljust(2 * KEY_BYTES, "0"))
    for bits in range(4 * len(digits), -1, -1):
        prefix = Prefix.of(key, bits)
        subjects = noted.between(prefix.first, prefix.last, most=LEAVES_MAX + 1)
        found = sum(kind == about for kind, _ in subjects)
        if found >= least or len(subjects) > LEAVES_MAX:
            break
    if found > BUCKET_MAX or len(subjects) > LEAVES_MAX:
        raise _too_many(
            f"{found} {_NAMES[about]} among {many(len(subjects), 'record', 'begins', 'begin')} with {digits}"
        )
    return prefix, subjects


def _too_many(what: str) -> InputError:
    hint = "Give one more digit, ask for fewer with k, or use a snapshot."
    return InputError("too_many", f"{what}; that is too many for one answer.", hint=hint)


def _leaf(noted: NotedMap, kind: str, id: str) -> list[str]:
    record = noted.get(kind, id)
    assert record is not None, "it is in the map"
    return [kind, id, record_digest(record).hex()]


def _proven_competencies(noted: NotedMap, subjects: Iterable[Subject]) -> tuple[ProvenRecord, ...]:
    """Return all records that a question about any of these competencies may read."""
    recorder = Recorder(noted)
    for kind, id in subjects:
        if kind == "competency":
            read_around(recorder, CanonicalId(id))
            if len(recorder) > PROVEN_MAX:
                raise _too_many(f"The competencies under this prefix are linked with more than {PROVEN_MAX} records")
    return recorder.prove()


def _proven_issuers(noted: NotedMap, subjects: Iterable[Subject]) -> tuple[ProvenRecord, ...]:
    """Return all records that a decision on any of these issuers or aliases reads."""
    recorder = Recorder(noted)
    for kind, id in noted.governing():
        recorder.get(kind, id)
    for kind, id in subjects:
        match kind:
            case "issuer":
                named = [CanonicalId(id)]
            case "alias":
                alias = alias_in(recorder, CanonicalId(id))
                named = [] if alias is None else alias["issuers"]
            case _:
                named = []
        for issuer in named:
            record = issuer_in(recorder, issuer)
            for accreditation, _ in () if record is None else record["accreditations"]:
                accreditation_in(recorder, accreditation)
    return recorder.prove()


def _view(one: ProvenRecord) -> ProvenView:
    return {
        "type": one.type,
        "id": one.id,
        "record": None if one.raw is None else b64encode(one.raw).decode(),
        "proof": b64encode(one.proof).decode(),
    }


ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/snapshot",
        handler=snapshot,
        family="state",
        about="All records of the noted state in one file, or the changes since an earlier state",
        params=(hex_id("since", "a state root: send only the changes since that state, if the node knows it"),),
        gives={_OCTETS: None},
        problems=(503,),
    ),
    Route(
        method="GET",
        path="/v1/issuers/by-prefix/{hex}",
        handler=by_prefix,
        family="state",
        about="Issuers whose key in the state map begins with these digits, with proofs",
        params=(
            hex_digits("hex", "the first digits of the hash of the issuer's id (its key in the state map)"),
            integer(
                "k", "the smallest number of issuers to return", minimum=1, maximum=BUCKET_MAX // 2, default=BUCKET
            ),
        ),
        gives={JSON: BucketPage},
        mentions=(ProvenView,),
        problems=(413, 503),
    ),
    Route(
        method="GET",
        path="/v1/competencies/by-prefix/{hex}",
        handler=competencies_by_prefix,
        family="state",
        about="Competencies whose key in the state map begins with these digits, and what they are linked with",
        params=(
            hex_digits("hex", "the first digits of the hash of the competency's id (its key in the state map)"),
            integer(
                "k",
                "the smallest number of competencies to return",
                minimum=1,
                maximum=BUCKET_MAX // 2,
                default=BUCKET,
            ),
        ),
        gives={JSON: BucketPage},
        mentions=(ProvenView,),
        problems=(413, 503),
    ),
)
