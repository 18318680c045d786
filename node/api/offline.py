"""`/v1/snapshot`, `/v1/issuers/by-prefix`: for verifiers that ask offline, or without saying whom they ask about.

A snapshot is all records of the noted state in one reproducible file; with `since` the changes since an earlier one, if
this node remembers it. Its entity tag is the state root, and a weak one, for the note at its end goes on gathering
cosignatures: whoever holds that state already asks with `since`, and gets a delta with nothing but a fresh note.

A bucket is every issuer whose key in the state map begins with some bits: the asker's own is one of at least `k`. Each
issuer comes with its accreditations, and with the charter and its authorities, proved under the noted root: enough for
`registry.decision.decide` over `registry.proven.ProvenRecords`. Who is not in the bucket has not been proved absent.
"""

from base64 import b64encode
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final, TypedDict

import anyio.to_thread
from starlette.responses import Response

from node.api.notes import standing
from node.api.requests import hex_digits, hex_id, integer
from node.api.routes import JSON, REVALIDATE, Call, Route, bytes_response, json_response
from node.noted import NotedMap
from registry.encoding import encode
from registry.errors import InputError
from registry.proven import ProvenRecord, Recorder
from registry.records import record_key
from registry.snapshot import Subject, encode_delta, encode_snapshot

BUCKET: Final = 16
"""Issuers among which an asker hides unless it says otherwise. A guess."""

BUCKET_MAX: Final = 256
"""Issuers in one answer: each takes some 3 kB with its accreditations and proofs."""

_OCTETS: Final = "application/octet-stream"
_KEY_BITS: Final = 256

_Keys = Sequence[tuple[int, str]]


class ProvenView(TypedDict):
    """A record of the state map with its proof, both in base64; the record is null where its absence is proved."""

    type: str
    id: str
    record: str | None
    proof: str


class Bucket(TypedDict):
    """The issuers whose keys share their first `bits` bits with the prefix asked for."""

    prefix: str
    bits: int
    issuers: list[str]
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
    keys = call.shared.keep("issuer keys", state.root, partial(_issuer_keys, noted))
    bits, found = _bucket(keys, digits, call.params["k"])
    value: Bucket = {
        "prefix": digits,
        "bits": bits,
        "issuers": found,
        "note": note.decode(),
        "records_root": noted.records_root().hex(),
        "statements_root": noted.statements_root.hex(),
        "records": [_view(one) for one in _proven(noted, found)],
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


def _issuer_keys(noted: NotedMap) -> _Keys:
    ids = [id for (kind, id), _ in noted.items() if kind == "issuer"]
    return sorted((int.from_bytes(record_key("issuer", id)), id) for id in ids)


def _bucket(keys: _Keys, digits: str, least: int) -> tuple[int, list[str]]:
    """How many bits of the prefix leave at least `least` issuers, and these; none of them if there are fewer in all."""
    bits, prefix = 4 * len(digits), int(digits, 16)
    while True:
        rest = _KEY_BITS - bits
        begin = bisect_left(keys, (prefix << rest, ""))
        end = bisect_left(keys, (prefix + 1 << rest, ""))
        if end - begin >= least or not bits:
            break
        bits, prefix = bits - 1, prefix >> 1
    if end - begin > BUCKET_MAX:
        raise InputError(
            "too_many",
            f"{end - begin} issuers begin with {digits}; at most {BUCKET_MAX} are given at once.",
            hint="Give one digit more.",
        )
    return bits, sorted(id for _, id in keys[begin:end])


def _proven(noted: NotedMap, issuers: Iterable[str]) -> tuple[ProvenRecord, ...]:
    recorder = Recorder(noted)
    for kind, id in noted.governing():
        recorder.get(kind, id)
    for id in issuers:
        record = recorder.get("issuer", id)
        assert record is not None, "it is in the bucket"
        for accreditation, _ in record["accreditations"]:
            recorder.get("accreditation", accreditation.hex())
    return recorder.prove(noted.trie)


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
