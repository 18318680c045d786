"""`/v1/snapshot`, `/v1/issuers/by-prefix`: for verifiers that ask offline, or without saying whom they ask about.

A snapshot is all records of the noted state in one reproducible file; with `since` the changes since an earlier one, if
this node remembers it. Its entity tag is the state root, and a weak one, for the note at its end goes on gathering
cosignatures: whoever holds that state already asks with `since`, and gets a delta with nothing but a fresh note.

A bucket is everything whose key in the state map begins with some bits: the asker's own issuer is one of at least `k`.
Each issuer comes with its accreditations, and with the charter and its authorities, proved under the noted root; all
other records under the prefix are named, with the proof that there are no more. So who is not in the bucket is not in
the registry. `registry.bucket` checks it and asks it; for an alias the bucket of its own key is asked for.
"""

from base64 import b64encode
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, Final, TypedDict

import anyio.to_thread
from starlette.responses import Response

from node.api.notes import standing
from node.api.requests import hex_digits, hex_id, integer
from node.api.routes import JSON, REVALIDATE, Call, Route, bytes_response, json_response
from node.noted import NotedMap
from registry.bucket import LEAVES_MAX
from registry.encoding import encode
from registry.errors import InputError
from registry.prefix import Prefix
from registry.proven import ProvenRecord, Recorder
from registry.records import record_digest, record_key
from registry.snapshot import Subject, encode_delta, encode_snapshot
from registry.trie import KEY_BYTES

BUCKET: Final = 16
"""Issuers among which an asker hides unless it says otherwise. A guess."""

BUCKET_MAX: Final = 256
"""Issuers in one answer: each takes some 3 kB with its accreditations and proofs."""

_OCTETS: Final = "application/octet-stream"

_Keys = Sequence[tuple[bytes, Subject]]


class ProvenView(TypedDict):
    """A record of the state map with its proof, both in base64; the record is null where its absence is proved."""

    type: str
    id: str
    record: str | None
    proof: str


class Bucket(TypedDict):
    """Everything whose key shares its first `bits` bits with the prefix asked for.

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
    """All records, or what has changed since a state noted earlier."""
    noted, state, note = standing(call)
    changed = None if call.params["since"] is None else noted.changed_since(call.params["since"])
    if changed is not None:
        base_root, subjects = changed
        rows = [(subject, noted.get(*subject)) for subject in subjects]
        make = partial(_delta, rows, base_root, noted.statements_root, note)
        return bytes_response(await anyio.to_thread.run_sync(make), _OCTETS, cache=REVALIDATE)
    records, statements_root = list(noted.items()), noted.statements_root
    async with call.shared.making:
        held = call.shared.kept.get("snapshot")
        if held is None or held[0] != state.root:
            # Records are never changed in place, so that they may be written by a thread while the node goes on.
            held = state.root, await anyio.to_thread.run_sync(partial(_snapshot, records, statements_root))
            call.shared.kept["snapshot"] = held
    response = bytes_response(held[1] + note, _OCTETS, cache=REVALIDATE)
    response.headers["etag"] = f'W/"{state.root.hex()}"'
    return response


async def by_prefix(call: Call) -> Response:
    """A bucket of issuers, with proofs."""
    noted, state, note = standing(call)
    digits: str = call.params["hex"]
    keys = call.shared.keep("record keys", state.root, partial(_keys, noted))
    prefix, subjects = _under(keys, digits, call.params["k"])
    value: Bucket = {
        "prefix": digits,
        "bits": prefix.bits,
        "issuers": sorted(id for kind, id in subjects if kind == "issuer"),
        "leaves": [_leaf(noted, *subject) for subject in subjects],
        "proof": b64encode(noted.trie.prove(prefix.first)).decode(),
        "note": note.decode(),
        "records_root": noted.records_root().hex(),
        "statements_root": noted.statements_root.hex(),
        "records": [_view(one) for one in _proven(noted, subjects)],
    }
    return json_response(value)


def _snapshot(records: Iterable[tuple[Subject, dict[str, Any]]], statements_root: bytes) -> bytes:
    """The file without the note at its end."""
    raws = ((subject, encode(record)) for subject, record in records)
    return encode_snapshot(raws, statements_root=statements_root, note=b"")


def _delta(
    rows: Iterable[tuple[Subject, dict[str, Any] | None]], base_root: bytes, statements_root: bytes, note: bytes
) -> bytes:
    changes = [(subject, None if record is None else encode(record)) for subject, record in rows]
    return encode_delta(changes, base_root=base_root, statements_root=statements_root, note=note)


def _keys(noted: NotedMap) -> _Keys:
    return sorted((record_key(*subject), subject) for subject, _ in noted.items())


def _under(keys: _Keys, digits: str, least: int) -> tuple[Prefix, list[Subject]]:
    """As much of the prefix as leaves at least `least` issuers, and all records there; none of it if there are fewer.

    Raises:
        InputError: that is more than one answer holds.
    """
    key = bytes.fromhex(digits.ljust(2 * KEY_BYTES, "0"))
    for bits in range(4 * len(digits), -1, -1):
        prefix = Prefix.of(key, bits)
        begin = bisect_left(keys, prefix.first, key=itemgetter(0))
        end = bisect_right(keys, prefix.last, key=itemgetter(0))
        subjects = [subject for _, subject in keys[begin:end]]
        issuers = sum(kind == "issuer" for kind, _ in subjects)
        if issuers >= least or len(subjects) > LEAVES_MAX:
            break
    if issuers > BUCKET_MAX or len(subjects) > LEAVES_MAX:
        raise InputError(
            "too_many",
            f"{issuers} issuers among {len(subjects)} records begin with {digits}; that is too much for one answer.",
            hint="Give one digit more, ask for fewer issuers with k, or take a snapshot.",
        )
    return prefix, subjects


def _leaf(noted: NotedMap, kind: str, id: str) -> list[str]:
    record = noted.get(kind, id)
    assert record is not None, "it is in the map"
    return [kind, id, record_digest(record).hex()]


def _proven(noted: NotedMap, subjects: Iterable[Subject]) -> tuple[ProvenRecord, ...]:
    """What a decision on any issuer or alias among them reads."""
    recorder = Recorder(noted)
    for kind, id in noted.governing():
        recorder.get(kind, id)
    for kind, id in subjects:
        match kind:
            case "issuer":
                named = [id]
            case "alias":
                alias = recorder.get(kind, id)
                named = [] if alias is None else alias["issuers"]
            case _:
                named = []
        for issuer in named:
            record = recorder.get("issuer", issuer)
            for accreditation, _ in () if record is None else record["accreditations"]:
                recorder.get("accreditation", accreditation.hex())
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
        about="All records of the noted state in one file, or what changed since an earlier one",
        params=(hex_id("since", "a state root: only what has changed since, if that is known here"),),
        gives={_OCTETS: None},
        problems=(503,),
    ),
    Route(
        method="GET",
        path="/v1/issuers/by-prefix/{hex}",
        handler=by_prefix,
        family="state",
        about="Issuers whose key in the state map begins like this, with proofs",
        params=(
            hex_digits("hex", "the first digits of the hash of the issuer's id (its key in the state map)"),
            integer("k", "the fewest issuers to be given", minimum=1, maximum=BUCKET_MAX // 2, default=BUCKET),
        ),
        gives={JSON: Bucket},
        mentions=(ProvenView,),
        problems=(413, 503),
    ),
)
