"""Whatever is sent to any door, the work grows with its bytes and not faster.

Sixty thousand members of a JSON object once kept a node busy for two minutes, because each name was counted among all
others. Each door here is given an input of the kind that makes readers slow, and one eight times as long: with work in
proportion the second takes eight times as long, with a loop in a loop sixty-four times. Processor time is compared with
itself on the same machine in the same moment, and the bound lies well between the two; where it is passed, the least of
several runs decides.
"""

import json
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final

import pytest

from accredit.cli.base import documents
from accredit.cli.importers.detect import read_framework, read_issuers
from accredit.cli.importers.frameworks.jsonld import flatten
from accredit.cli.importers.reading import Lines, read_json
from accredit.gossip.protocol.negentropy import LIMIT_MIN, Items, encode_varint, respond
from accredit.gossip.protocol.wire import Request, decode_frame, encode_frame
from accredit.node.http.forwarded import client_of, networks
from accredit.node.http.handling import request_reading
from accredit.node.http.handling.request_reading import decode_json, words
from accredit.node.http.http1 import RequestBody, head_end, parse_head
from accredit.node.http.routes.statements import split_sequence
from accredit.registry.domain.scope import check_scope
from accredit.registry.encoding import json_text
from accredit.registry.encoding.cbor import decode as decode_cbor
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.encoding.identifiers import canonical, canonical_issuer
from accredit.registry.errors import AccreditError
from accredit.registry.evidence.snapshot import Snapshot
from accredit.registry.evidence.trust_policy import TrustPolicy
from accredit.registry.statement import decode as decode_statement
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.equivocation import check as check_conflict
from accredit.registry.transparency.signed_note import Note
from accredit.registry.transparency.state_note import StateNote
from accredit.registry.transparency.witness import AddCheckpoint
from tests.strategies.domain import NOW, World
from tests.strategies.noted import Held, trust

TIMES: Final = 8
MOST: Final = 4.0 * TIMES
"""In proportion is 8; with a logarithm and a slower memory perhaps 16; a loop in a loop 64."""

RUNS: Final = 5
"""At most: what is in proportion is so at the first, unless something else took the processor."""

LEAST_SECONDS: Final = 0.002
"""Below that a clock tells nothing: the input is made longer until it takes so long, or is as long as a door allows."""

LONGEST: Final = 1_000_000
"""Bytes of the longer input at most; bodies are bounded by 1 to 4 MiB."""


def members(count: int) -> bytes:
    return b"{" + b",".join(b'"m%d":1' % number for number in range(count)) + b"}"


def twice(count: int) -> str:
    return (members(count)[:-1] + b"," + members(count)[1:]).decode()


def cbor_map(count: int) -> bytes:
    return (
        b"\xb9"
        + min(count, 65_535).to_bytes(2, "big")
        + b"".join(b"\x19" + number.to_bytes(2, "big") + b"\x00" for number in range(256, 256 + min(count, 65_000)))
    )


def fields(count: int) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"x%d: y\r\n" % number for number in range(count)) + b"\r\n"


def feed_slowly(count: int) -> None:
    """A body in chunks of one byte, all in the buffer at once."""
    body = RequestBody(None)
    body.feed(bytearray(b"1\r\nx\r\n" * count))


def drip(count: int) -> None:
    """A head that comes byte by byte."""
    buffer = bytearray()
    for byte in (b"GET /" + b"a" * count)[:8_000]:
        scanned = len(buffer)
        buffer.append(byte)
        head_end(buffer, scanned)


def announcement(count: int) -> bytes:
    """A frame that announces so many statements."""
    ids = tuple(number.to_bytes(32, "big") for number in range(count))
    return encode_frame(Request(ids=ids), signer=KeyPair(bytes(32)), recipient=bytes(32), time=0, nonce=bytes(16))


ITEMS: Final = Items((number, number.to_bytes(32)) for number in range(1_000))
HELD: Final = Held.of(World().records())
POLICY: Final = trust(HELD, NOW)
SNAPSHOT: Final = HELD.snapshot(NOW)
PROXIES: Final = networks(["10.0.0.0/8"])
QUERY: Final = {"name": words("name", "a name")}

DOORS: Final[dict[str, Callable[[int], Any]]] = {
    "JSON: members, the last of them twice": lambda n: decode_json(members(n)[:-1] + b',"m%d":2}' % (n - 1)),
    "JSON: members with escapes": lambda n: decode_json(members(n).replace(b"m", b"\\u006d")),
    "JSON: nesting": lambda n: decode_json(b"[" * n),
    "JSON: a long number": lambda n: decode_json(b"9" * n),
    "JSON: a long fraction": lambda n: decode_json(b"0." + b"9" * n),
    "JSON: quotation marks": lambda n: decode_json(b'"' + b'\\"' * n + b'"'),
    "JSON: white space": lambda n: decode_json(b" " * n),
    "JSON file: members": lambda n: json_text.decode(members(n)[:-1] + b',"m%d":2}' % (n - 1)),
    "JSON file: a command's": lambda n: documents.parse_json(members(n).decode(), "x"),
    "JSON file: an importer's, members twice": lambda n: read_json(
        (members(n)[:-1] + b"," + members(n)[1:]).decode(), "x"
    ).doubled(),
    "JSON file: lines of members": lambda n: [Lines(text := members(n).decode()).of("m1"), lines_of(text, n)],
    "TOML file: members": lambda n: documents.parse_toml("".join(f"m{number} = 1\n" for number in range(n)), "x"),
    "TOML file: dots": lambda n: documents.parse_toml(".".join("a" * min(n, 400)) + " = 1", "x"),
    "CBOR: a map": lambda n: decode_cbor(cbor_map(n), what="x"),
    "CBOR: nesting": lambda n: decode_cbor(b"\x81" * n, what="x"),
    "CBOR: a list": lambda n: decode_cbor(b"\x9a" + n.to_bytes(4, "big") + b"\x00" * n, what="x"),
    "statement": lambda n: decode_statement(b"\xd2\x84" + b"\x40" * n),
    "a sequence of statements": lambda n: split_sequence(b"\xd2\x84\x40\xa0\x40\x40" * min(n, 1_000)),
    "note: lines": lambda n: Note.decode(b"x\n" * n + b"\n" + "— a AAAA\n".encode() * n),
    "note: signatures": lambda n: Note.decode(b"x\n\n" + "— a AAAAAAAA\n".encode() * n),
    "checkpoint": lambda n: Checkpoint.decode("x\n1\n" + "A" * n + "\n"),
    "state note": lambda n: StateNote.decode("x\n" * n),
    "add-checkpoint: proof": lambda n: AddCheckpoint.decode(b"old 1\n" + b"A" * 44 + b"\n" * n),
    "conflict": lambda n: check_conflict(b"\xa4" + b"\x61x" * n),
    "identifier: percent signs": lambda n: canonical("https://a.example/" + "%41" * n),
    "identifier: dots": lambda n: canonical("https://a.example/" + "../" * n),
    "identifier: a DID's colons": lambda n: canonical_issuer("did:web:" + "a:" * n),
    "identifier: host name": lambda n: canonical("https://" + "a." * n),
    "scope: competencies": lambda n: check_scope(
        {"competencies": [f"https://x.example/{number}" for number in range(n)]}, "x"
    ),
    "query: parameters": lambda n: request_reading._pairs(b"&".join(b"a%d=1" % number for number in range(n)), QUERY),
    "query: percent signs": lambda n: request_reading._pairs(b"name=" + b"%41" * n, QUERY),
    "head: fields": lambda n: parse_head(fields(n)),
    "head: white space": lambda n: parse_head(b"GET / HTTP/1.1\r\nHost: x\r\nx:" + b" \t" * n + b"\x01\r\n\r\n"),
    "head: a long name": lambda n: parse_head(b"GET / HTTP/1.1\r\n" + b"x" * n + b"\r\n\r\n"),
    "head: line ends": lambda n: head_end(bytearray(b"GET / HTTP/1.1\r\n" * n), 0),
    "head: byte by byte": drip,
    "body: small chunks": feed_slowly,
    "negentropy: ranges": lambda n: respond(ITEMS, b"\x61" + b"\x02\x00\x00" * n, limit=LIMIT_MIN),
    "negentropy: fingerprints": lambda n: respond(ITEMS, b"\x61" + (b"\x02\x00\x01" + bytes(16)) * n, limit=LIMIT_MIN),
    "negentropy: ids": lambda n: respond(
        ITEMS, b"\x61\x00\x00\x02" + encode_varint(n) + bytes(32) * n, limit=LIMIT_MIN
    ),
    "negentropy: a long number": lambda n: respond(ITEMS, b"\x61" + b"\xff" * n, limit=LIMIT_MIN),
    "snapshot": lambda n: Snapshot.load(cbor_map(n), POLICY, NOW),
    "snapshot: noise at its end": lambda n: Snapshot.load(SNAPSHOT + b"\x00" * n, POLICY, NOW),
    "trust policy: authorities": lambda n: TrustPolicy.decode(
        b"".join(b"rely-on https://a%d.example/\n" % number for number in range(n)) + POLICY.encode()
    ),
    "importer: a CSV of issuers": lambda n: read_issuers(csv_of(range(n)), "x.csv"),
    "importer: a CSV of one issuer": lambda n: read_issuers(csv_of([7] * n), "x.csv"),
    "importer: a CSV with one long line": lambda n: read_issuers(b"id,name\n" + b'"' + b'""' * n + b'"', "x.csv"),
    "importer: a list of the DCC": lambda n: read_issuers(dcc_of(n), "registry.json"),
    "importer: a framework in CSV": lambda n: read_framework(
        b"id,statement\n" + b"".join(b"https://x.example/%d,Weld %d\n" % (one, one) for one in range(n)), "x.csv"
    ),
    "importer: a graph of JSON-LD": lambda n: flatten(
        [{"@id": f"_:{one}", "ceasn:isChildOf": f"_:{one + 1}"} for one in range(n)]
    ),
    "gossip frame": lambda n: decode_frame(b"\xd2\x84" + b"\x81" * n, max_bytes=LONGEST * 8, max_ids=10**6),
    "gossip frame: ids": lambda n: decode_frame(announcement(n), max_bytes=LONGEST * 64, max_ids=10**6),
    "X-Forwarded-For": lambda n: client_of("10.0.0.1", [(b"x-forwarded-for", b"10.0.0.1," * n)], proxies=PROXIES),
    "Forwarded": lambda n: client_of("10.0.0.1", [(b"forwarded", b"for=;" * n)], proxies=PROXIES, header="forwarded"),
}


def csv_of(numbers: Iterable[int]) -> bytes:
    return b"id,name\n" + b"".join(b"did:web:a%d.example,School %d\n" % (one, one) for one in numbers)


def dcc_of(count: int) -> bytes:
    entries = {
        f"did:web:a{one}.example": {"name": f"School {one}", "location": "US", "url": ""} for one in range(count)
    }
    return json.dumps({"meta": {"created": "2020", "updated": "2020"}, "registry": entries}).encode()


def lines_of(text: str, count: int) -> list[int | None]:
    """As an importer asks for the line of each member."""
    lines = Lines(text)
    return [lines.of(f"m{number}") for number in range(count)]


def seconds(door: Callable[[int], Any], count: int) -> float:
    """Of the processor, for one run."""
    began = time.process_time()
    with suppress(AccreditError):
        door(count)
    return time.process_time() - began


def grows_too_fast(door: Callable[[int], Any], count: int) -> str | None:
    """What both inputs took, the least of each; None where the work is in proportion."""
    small = large = float("inf")
    for _ in range(RUNS):
        small, large = min(small, seconds(door, count)), min(large, seconds(door, count * TIMES))
        if large <= MOST * max(small, LEAST_SECONDS / TIMES):
            return None
    return f"{count}: {small:.4f} s, {count * TIMES}: {large:.4f} s"


@pytest.mark.parametrize("name", DOORS)
def test_work_grows_with_the_bytes(name: str) -> None:
    door, count = DOORS[name], 500
    while min(seconds(door, count) for _ in range(2)) < LEAST_SECONDS and count * TIMES * 4 <= LONGEST:
        count *= 4
    assert grows_too_fast(door, count) is None


def test_a_loop_in_a_loop_would_be_seen() -> None:
    def quadratic(count: int) -> None:
        names = [f"m{number}" for number in range(count)]
        next(name for name in [*names, "m0"] if [*names[::-1]].count(name) > 1 or name == names[-1])

    assert grows_too_fast(quadratic, 250) is not None
