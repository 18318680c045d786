"""What `docs/messages.cddl` says of files and of answers about the noted state, against what a node really gives.

Judged by a CDDL tool that is not ours (pycddl), and snapshots taken apart by a reader that is not ours either: the one
below, written from the words of the page. pycddl reads CBOR alone, so JSON is handed to it as the same value in CBOR.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from accredit.registry.domain.records import record_key
from accredit.registry.encoding.cbor import decode, encode
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.encoding.json_text import decode as decode_json
from accredit.registry.evidence.snapshot import changes_between, encode_delta
from tests.docs.independent import accepts
from tests.strategies.contradictions import forked_log, two_states
from tests.strategies.domain import COLLEGE, NOW, World, at
from tests.strategies.noted import Held
from tests.strategies.published import Cut
from tests.strategies.renewing import renewal_of_a_founding
from tests.strategies.served import COLLEGE as SERVED
from tests.strategies.served import Served, served

PAGE = "messages.cddl"
TYPES = (
    *("accreditation", "alias", "authority", "charter", "competency"),  # in the order of their numbers
    *("framework", "issuer", "mapping", "node", "recognition"),
)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Served:
    return served(tmp_path_factory.mktemp("node"))


def parts_of(file: bytes, roots: int) -> list[Any]:
    """A snapshot (one root) or delta (two) as the page names its parts."""
    line, _, rest = file.partition(b"\n")

    def take(count: int) -> bytes:
        nonlocal rest
        taken, rest = rest[:count], rest[count:]
        assert len(taken) == count
        return taken

    def number(count: int) -> int:
        return int.from_bytes(take(count), "big")

    named = [take(32) for _ in range(roots)]
    records: list[Any] = [[number(1), take(number(2)).decode(), take(number(4))] for _ in range(number(8))]
    keys = [record_key(TYPES[type - 1], id) for type, id, _ in records]
    assert keys == sorted(set(keys))
    return [line.decode(), *named, records, rest]


def without_one(value: dict[str, Any]) -> Iterator[bytes]:
    return (encode({name: one for name, one in value.items() if name != left}) for left in value)


async def test_a_snapshot_of_a_node_is_as_described_down_to_each_record(node: Served) -> None:
    file = (await node.get("/v1/snapshot")).content
    parts = parts_of(file, roots=1)
    assert accepts(PAGE, "snapshot", encode(parts))
    assert len(parts[2]) > 5
    for type, id, record in parts[2]:
        assert accepts("records.cddl", TYPES[type - 1], record), (type, id)
        assert not accepts("records.cddl", TYPES[type - 1], encode({**decode(record), "no such member": 1})), (type, id)
    assert not accepts(PAGE, "snapshot", encode([*parts[:2], [[11, "x", b"r"]], parts[3]]))
    assert not accepts(PAGE, "snapshot", encode([*parts[:2], [[1, "x", b""]], parts[3]]))
    assert not accepts(PAGE, "delta", encode(parts))


def test_a_delta_is_as_described_and_an_empty_record_in_it_says_that_it_is_gone() -> None:
    world = World()
    world.register(also_known_as=["did:web:old.example"])
    before = Held.of(world.records())
    world.grant(valid_until=at("2030-01-01"))
    after = Held.of(world.records(), count=101)
    after.records.pop(("alias", "did:web:old.example"))
    changes = changes_between(before.raws(), after.raws())
    file = encode_delta(
        changes, base_root=before.trie.root(), statements_root=after.statements_root, note=after.note(NOW)
    )
    parts = parts_of(file, roots=2)
    assert accepts(PAGE, "delta", encode(parts))
    assert {TYPES[type - 1]: record == b"" for type, _, record in parts[3]} == {
        "accreditation": False,
        "alias": True,
        "issuer": False,
    }
    assert not accepts(PAGE, "snapshot", encode(parts))


async def test_a_private_look_up_is_answered_as_described(node: Served) -> None:
    answer = await node.get(f"/v1/issuers/by-prefix/{record_key('issuer', SERVED).hex()[:3]}", params={"k": 2})
    bucket = decode_json(answer.content)
    assert accepts(PAGE, "bucket", encode(bucket))
    assert bucket["leaves"]
    assert bucket["records"]
    assert not any(accepts(PAGE, "bucket", less) for less in without_one(bucket))
    assert not accepts(PAGE, "bucket", encode({**bucket, "bits": 257}))
    assert not accepts(PAGE, "bucket", encode({**bucket, "statements_root": "00"}))


async def test_whether_a_statement_is_in_the_state_is_answered_as_described(node: Served) -> None:
    for id in (node.fold.ecosystem, bytes(32)):
        presence = decode_json((await node.get(f"/v1/statements/{id.hex()}/proof")).content)
        assert accepts(PAGE, "presence", encode(presence))
        assert not any(accepts(PAGE, "presence", less) for less in without_one(presence))


def test_a_conflict_of_either_kind_is_as_described() -> None:
    for conflict in (forked_log("log.example/1", KeyPair(bytes(32))), two_states("n.example", bytes(32), bytes(32))):
        file = conflict.encode()
        assert accepts(PAGE, "conflict", file)
        assert not any(accepts(PAGE, "conflict", less) for less in without_one(decode(file)))
        side = [bytes(32), [bytes(32)]]
        assert accepts(PAGE, "conflict", encode({**decode(file), "entry": [1, side, side]}))
        assert not accepts(PAGE, "conflict", encode({**decode(file), "entry": [1, side]}))


def test_what_renews_a_trust_policy_is_as_described() -> None:
    file = renewal_of_a_founding()[1].encode()
    assert accepts(PAGE, "renewal", file)
    assert not any(accepts(PAGE, "renewal", less) for less in without_one(decode(file)))


def test_the_records_of_evidence_are_as_described() -> None:
    world = World()
    world.register()
    world.grant()
    for (type, _), raw in Held.of(world.records()).raws().items():
        assert accepts("records.cddl", type, raw)
    assert COLLEGE in {id for _, id in world.records()._records}


def test_published_files_are_as_described() -> None:
    made = World()
    made.register()
    made.grant(valid_until=at("2030-01-01"))
    for bits in (0, 4):
        cut = Cut(Held.of(made.records()), bits)
        assert accepts(PAGE, "published-map", cut.file())
        assert all(accepts(PAGE, "published-bucket", bucket) for bucket in cut.buckets.values())
    value = decode(cut.file(), max_bytes=10**7)
    assert not accepts(PAGE, "published-map", encode([*value[:1], 17, *value[2:]]))
    assert not accepts(PAGE, "published-map", encode([*value[:2], [], value[3]]))
    assert not accepts(PAGE, "published-bucket", encode([[], []]))
