"""What a witness signs, and what it never does: each answer of tlog-witness by name, in the specification's order."""

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from accredit.registry.encoding.ed25519 import KeyPair, public_of
from accredit.registry.errors import DecodeError, InputError, RemoteError
from accredit.registry.transparency.checkpoint import Checkpoint, LogProof, check_log_proof
from accredit.registry.transparency.equivocation import check
from accredit.registry.transparency.merkle import EMPTY_ROOT, prove_inclusion
from accredit.registry.transparency.signed_note import (
    KeyType,
    Note,
    Signature,
    VerifierKey,
    cosign,
    encode_base64,
    encode_signatures,
    sign_note,
    sign_text,
)
from accredit.registry.transparency.tlog_policy import Policy
from accredit.registry.transparency.witness import (
    CLOCK_SECONDS,
    NOTHING,
    REQUEST_BYTES,
    Accepted,
    AddCheckpoint,
    Opened,
    Refused,
    Witness,
    WitnessedHead,
    encode_size,
    judge,
    open_request,
    origin_hash,
    read_cosignature,
    read_size,
    signed_only,
    witnesses_of,
)
from tests.strategies.consortium import seed_of
from tests.strategies.witnessed import Tree

WITNESS_SEED = bytes([7]) * 32
WITNESS = VerifierKey(name="witness.example", type=KeyType.COSIGNATURE_V1, public=public_of(WITNESS_SEED))
NOW = 1_800_000_000


ORIGIN = "log.example/1"
LOG_SEED = seed_of(ORIGIN)
TREE = Tree(ORIGIN, 20)
LOG = TREE.key


def held(size: int) -> WitnessedHead:
    return WitnessedHead.decode(TREE.note(size))


def known(origin: str) -> VerifierKey | None:
    return LOG if origin == LOG.name else None


def ask(request: AddCheckpoint | bytes, before: WitnessedHead = NOTHING) -> Accepted | Refused:
    data = request if isinstance(request, bytes) else request.encode()
    opened = open_request(data, known)
    return opened if isinstance(opened, Refused) else judge(opened, before)


def status(request: AddCheckpoint | bytes, before: WitnessedHead = NOTHING) -> int:
    verdict = ask(request, before)
    return verdict.status if isinstance(verdict, Refused) else 200


# ------------------------------------------------------------------------------------------------ the answers


def test_200_a_log_that_only_grew_from_any_size_to_any() -> None:
    for old in range(20):
        for size in range(old, 21):
            verdict = ask(TREE.request(old, size), held(old) if old else NOTHING)
            assert isinstance(verdict, Accepted)
            assert verdict.held == held(size)


def test_200_an_equal_size_is_signed_again_and_what_is_held_stays() -> None:
    before = held(5)
    verdict = ask(TREE.request(5, 5), before)
    assert isinstance(verdict, Accepted)
    assert verdict.held is before
    empty = ask(TREE.request(0, 0))
    assert isinstance(empty, Accepted)
    assert empty.held == held(0)


def test_404_an_origin_nobody_told_us_about_before_any_signature_is_looked_at() -> None:
    unsigned = Note(
        text=Checkpoint(origin="other.example", size=1, root=bytes(32)).encode(),
        signatures=(Signature(name="x", key_id=bytes(4), blob=bytes(64)),),
    )
    assert status(AddCheckpoint(old=9, proof=(), checkpoint=unsigned.encode())) == 404


def test_403_no_signature_of_the_log() -> None:
    stranger = sign_note(TREE.checkpoint(3).encode(), "stranger.example", KeyPair(bytes([9]) * 32))
    assert status(AddCheckpoint(old=9, proof=(), checkpoint=stranger)) == 403


def test_403_a_bad_signature_of_the_log_even_beside_a_good_cosignature_of_somebody() -> None:
    text = TREE.checkpoint(3).encode()
    wrong = sign_text(TREE.checkpoint(4).encode(), LOG.name, KeyPair(LOG_SEED))
    lines = (wrong, cosign(text, WITNESS.name, KeyPair(WITNESS_SEED), NOW))
    assert status(AddCheckpoint(old=9, proof=(), checkpoint=Note(text=text, signatures=lines).encode())) == 403


def test_403_the_logs_line_twice() -> None:
    text = TREE.checkpoint(3).encode()
    line = sign_text(text, LOG.name, KeyPair(LOG_SEED))
    assert status(AddCheckpoint(old=0, proof=(), checkpoint=Note(text=text, signatures=(line, line)).encode())) == 403


def test_400_old_above_the_size_before_it_is_compared_with_what_is_held() -> None:
    assert status(TREE.request(4, 3), held(5)) == 400


def test_409_names_the_size_that_is_held_before_the_proof_is_looked_at() -> None:
    for old in (0, 4, 6):
        verdict = ask(AddCheckpoint(old=old, proof=(bytes(32),), checkpoint=TREE.note(8)), held(5))
        assert isinstance(verdict, Refused)
        assert (verdict.status, verdict.size) == (409, 5)
        assert verdict.conflict is None
    assert status(TREE.request(3, 8)) == 409


def test_422_an_empty_log_with_another_root() -> None:
    text = Checkpoint(origin=LOG.name, size=0, root=bytes(32)).encode()
    assert status(AddCheckpoint(old=0, proof=(), checkpoint=sign_note(text, LOG.name, KeyPair(LOG_SEED)))) == 422


@pytest.mark.parametrize("old", [0, 5, 8])
def test_422_a_proof_where_none_may_be_or_a_wrong_one(old: int) -> None:
    request = TREE.request(old, 8)
    surplus = AddCheckpoint(old=old, proof=(*request.proof, bytes(32)), checkpoint=request.checkpoint)
    assert status(surplus, held(old)) == 422


def test_422_every_hash_of_a_proof_is_needed_and_in_its_place() -> None:
    request = TREE.request(5, 20)
    assert len(request.proof) > 2

    def with_proof(*proof: bytes) -> int:
        return status(AddCheckpoint(old=5, proof=proof, checkpoint=request.checkpoint), held(5))

    assert with_proof(*request.proof) == 200
    for index in range(len(request.proof)):
        assert with_proof(*request.proof[:index], *request.proof[index + 1 :]) == 422
        assert with_proof(*request.proof[:index], bytes(32), *request.proof[index + 1 :]) == 422
    assert with_proof(*reversed(request.proof)) == 422


def test_422_a_fork_keeps_its_signed_checkpoint_as_a_trace() -> None:
    fork = Tree(ORIGIN, 20, fork=3)
    verdict = ask(fork.request(5, 8), held(5))
    assert isinstance(verdict, Refused)
    assert verdict.status == 422
    assert verdict.trace == fork.note(8)
    assert verdict.conflict is None, "a bad proof proves nothing: anybody may send one"


@pytest.mark.parametrize(("old", "expected"), [(5, 422), (0, 409), (6, 400)])
def test_two_roots_of_one_size_are_a_conflict_that_proves_itself_whatever_the_answer(old: int, expected: int) -> None:
    fork = Tree(ORIGIN, 20, fork=3)
    verdict = ask(AddCheckpoint(old=old, proof=(), checkpoint=fork.note(5)), held(5))
    assert isinstance(verdict, Refused)
    assert verdict.status == expected
    assert verdict.conflict is not None
    proved = check(verdict.conflict.encode())
    assert proved.key == LOG
    assert {proved.first, proved.second} == {fork.note(5), TREE.note(5)}


def test_a_log_with_a_new_key_is_refused_and_not_accused_with_the_old_one() -> None:
    other = bytes([3]) * 32
    fork = sign_note(Tree(ORIGIN, 20, fork=3).checkpoint(5).encode(), LOG.name, KeyPair(other))
    key = VerifierKey(name=LOG.name, type=KeyType.ED25519, public=public_of(other))
    opened = open_request(AddCheckpoint(old=5, proof=(), checkpoint=fork).encode(), lambda _: key)
    assert isinstance(opened, Opened)
    verdict = judge(opened, held(5))
    assert isinstance(verdict, Refused)
    assert (verdict.status, verdict.conflict) == (422, None)


# ------------------------------------------------------------------------------------------------- the request


def test_a_request_as_the_specification_shows_it() -> None:
    request = TREE.request(5, 8)
    lines = request.encode().decode().split("\n")
    assert lines[0] == "old 5"
    assert lines[1 : 1 + len(request.proof)] == [encode_base64(each) for each in request.proof]
    assert lines[1 + len(request.proof)] == ""
    assert lines[2 + len(request.proof)] == LOG.name
    assert AddCheckpoint.decode(request.encode()) == request


def spoiled() -> list[tuple[str, bytes]]:
    good = TREE.request(5, 8).encode()
    note = TREE.note(8)
    hashes = b"".join(encode_base64(bytes(32)).encode() + b"\n" for _ in range(64))
    loose = encode_base64(bytes(32))[:-2] + "B="  # a bit that belongs to no byte
    return [
        ("nothing", b""),
        ("CR LF", good.replace(b"\n", b"\r\n")),
        ("CR LF in the first line", good.replace(b"old 5\n", b"old 5\r\n")),
        ("CR LF in the note", good.replace(note, note.replace(b"\n", b"\r\n"))),
        ("leading zero", good.replace(b"old 5", b"old 05")),
        ("leading zero in the size", good.replace(b"\n8\n", b"\n08\n")),
        ("a sign", good.replace(b"old 5", b"old +5")),
        ("digits that are not ASCII", good.replace(b"old 5", "old \N{ARABIC-INDIC DIGIT FIVE}".encode())),
        ("no number", good.replace(b"old 5", b"old ")),
        ("two spaces", good.replace(b"old 5", b"old  5")),
        ("a tab", good.replace(b"old 5", b"old\t5")),
        ("a size beyond all logs", good.replace(b"old 5", b"old 9223372036854775808")),
        ("another word", good.replace(b"old 5", b"size 5")),
        ("no old line", good.removeprefix(b"old 5\n")),
        ("no empty line", good.replace(b"\n\n", b"\n")),
        ("missing last newline", good[:-1]),
        ("64 hashes", b"old 5\n" + hashes + b"\n" + note),
        ("a hash of 31 bytes", b"old 5\n" + encode_base64(bytes(31)).encode() + b"\n\n" + note),
        ("base64 with a stray bit", b"old 5\n" + loose.encode() + b"\n\n" + note),
        ("base64 without padding", b"old 5\n" + encode_base64(bytes(32)).rstrip("=").encode() + b"\n\n" + note),
        ("an empty hash line at the end", b"old 5\n\n\n" + note),
        ("an extension line", good.replace(b"\n\n\xe2", b"\nextension\n\n\xe2")),
        ("no note", b"old 0\n\n"),
        ("65 signature lines", b"old 5\n\n" + note + b"\xe2\x80\x94 x AAAAAAA=\n" * 64),
        ("too large", b"old 5\n\n" + note + b"x" * REQUEST_BYTES),
    ]


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in spoiled()])
def test_400_every_other_spelling(data: bytes) -> None:
    assert status(data, held(5)) == 400
    assert status(TREE.request(5, 8), held(5)) == 200


@pytest.mark.parametrize("count", [16, 17, 63])
def test_many_signatures_of_others_do_no_harm_and_are_not_kept(count: int) -> None:
    text = TREE.checkpoint(8).encode()
    lines = [cosign(text, f"w{number}.example", KeyPair(bytes([number + 1]) * 32), NOW) for number in range(count)]
    note = Note.decode(TREE.note(8)).with_signatures(lines).encode()
    verdict = ask(AddCheckpoint(old=0, proof=(), checkpoint=note))
    assert isinstance(verdict, Accepted)
    assert verdict.held.note == TREE.note(8) == signed_only(note, LOG)


@given(st.binary(max_size=400))
@example(TREE.request(5, 8).encode())
def test_any_bytes_get_an_answer_of_ours(data: bytes) -> None:
    assert status(data) in (200, 400, 403, 404, 409)


@given(st.integers(0, 10**6), st.integers(0, 255))
def test_a_changed_byte_is_never_cosigned_for_what_it_is_not(place: int, byte: int) -> None:
    data = bytearray(TREE.request(5, 8).encode())
    data[place % len(data)] = byte
    verdict = ask(bytes(data), held(5))
    if isinstance(verdict, Accepted):
        assert verdict.held == held(8)


# ------------------------------------------------------------------------------------------------ the log's side


def answer(*lines: Signature) -> bytes:
    return encode_signatures(lines)


TEXT = TREE.checkpoint(8).encode()
GOOD = cosign(TEXT, WITNESS.name, KeyPair(WITNESS_SEED), NOW)


def test_a_cosignature_is_found_among_others_and_verified() -> None:
    other = cosign(TEXT, "other.example", KeyPair(bytes([9]) * 32), NOW)
    assert read_cosignature(answer(other, GOOD), TEXT, WITNESS, NOW + 10) == GOOD


@pytest.mark.parametrize(
    "lines",
    [
        [cosign(TREE.checkpoint(7).encode(), WITNESS.name, KeyPair(WITNESS_SEED), NOW)],
        [cosign(TEXT, "other.example", KeyPair(WITNESS_SEED), NOW)],
        [cosign(TEXT, WITNESS.name, KeyPair(bytes([9]) * 32), NOW)],
        [GOOD, cosign(TEXT, WITNESS.name, KeyPair(WITNESS_SEED), NOW + 1)],
        [sign_text(TEXT, WITNESS.name, KeyPair(WITNESS_SEED))],
    ],
    ids=["of another size", "of another name", "of another key", "two of one key", "without a time"],
)
def test_no_other_line_is_taken_for_a_cosignature(lines: Sequence[Signature]) -> None:
    with pytest.raises(RemoteError) as caught:
        read_cosignature(answer(*lines), TEXT, WITNESS, NOW)
    assert caught.value.code == "bad_cosignature"


@pytest.mark.parametrize("data", [b"", b"\n", GOOD.encode().encode()[:-1], GOOD.encode().encode() + b"x\n", b"\xff"])
def test_an_answer_that_is_no_signature_lines_is_the_witnesses_fault(data: bytes) -> None:
    with pytest.raises(RemoteError):
        read_cosignature(data, TEXT, WITNESS, NOW)


def test_an_old_cosignature_served_again_is_not_taken_for_a_fresh_one() -> None:
    for off in (CLOCK_SECONDS + 1, -CLOCK_SECONDS - 1):
        with pytest.raises(RemoteError) as caught:
            read_cosignature(answer(GOOD), TEXT, WITNESS, NOW + off)
        assert caught.value.code == "clock_differs"


def test_a_key_without_a_time_is_none_of_a_witness() -> None:
    plain = VerifierKey(name=WITNESS.name, type=KeyType.ED25519, public=WITNESS.public)
    with pytest.raises(RemoteError):
        read_cosignature(answer(sign_text(TEXT, WITNESS.name, KeyPair(WITNESS_SEED))), TEXT, plain, NOW)


def test_sizes_travel_in_one_spelling() -> None:
    for size in (0, 1, 2**63 - 1):
        assert read_size(encode_size(size)) == size
    for bad in (b"", b"5", b"05\n", b"5\r\n", b"5\n\n", b"-1\n", b"9" * 40, b"\xff\n", b"9223372036854775808\n"):
        with pytest.raises(RemoteError):
            read_size(bad)


def test_a_witness_is_configured_by_its_vkey_and_address() -> None:
    line = f"{WITNESS.encode()} https://witness.example/w1/"
    assert Witness.decode(line) == Witness(key=WITNESS, url="https://witness.example/w1")
    for bad in (
        "",
        WITNESS.encode(),
        f"{WITNESS.encode()} witness.example",
        f"{WITNESS.encode()} https://a https://b",
        f"{LOG.encode()} https://log.example",
        "witness.example+00000000+AAAA https://witness.example",
    ):
        with pytest.raises(InputError):
            Witness.decode(bad)


def test_eight_nodes_witness_a_log_the_same_for_everybody_and_all_of_a_small_network() -> None:
    names = [f"node{number}.example" for number in range(30)]
    chosen = witnesses_of(names[0], names)
    assert len(set(chosen)) == 8
    assert chosen == witnesses_of(names[0], reversed(names))
    assert names[0] not in chosen
    assert set(witnesses_of("a", ["a", "b", "c", "b"])) == {"b", "c"}
    # One that leaves takes nobody's place but its own: the others stay, so that their knowledge of the log does.
    after = witnesses_of(names[0], [name for name in names if name != chosen[3]])
    assert set(chosen) - {chosen[3]} < set(after)
    load = [name for origin in names for name in witnesses_of(origin, names)]
    assert max(load.count(name) for name in names) < 20


def test_an_origin_is_named_by_its_hash_in_paths() -> None:
    assert origin_hash("") == EMPTY_ROOT.hex()


def test_what_is_kept_is_read_back_or_refused() -> None:
    assert held(5).root == TREE.checkpoint(5).root
    for bad in (b"", b"x", sign_note("no checkpoint\n", LOG.name, KeyPair(LOG_SEED))):
        with pytest.raises(DecodeError):
            WitnessedHead.decode(bad)


def test_a_proof_file_carries_the_cosignatures_and_a_policy_counts_them() -> None:
    note = Note.decode(TREE.note(8)).with_signatures([GOOD]).encode()
    hashes = tuple(prove_inclusion(3, 8, TREE.hashes))
    file = LogProof(index=3, hashes=hashes, checkpoint=note).encode()
    text = f"log {LOG.encode()}\nwitness w {WITNESS.encode()} https://witness.example\nquorum w\n"
    policy = Policy.decode(text.encode())
    opened = check_log_proof(LogProof.decode(file), TREE.leaves[3], LOG, [each.key for each in policy.witnesses])
    assert policy.is_met([each.key for each in opened.cosignatures])
    bare = LogProof(index=3, hashes=hashes, checkpoint=TREE.note(8))
    opened = check_log_proof(bare, TREE.leaves[3], LOG, [WITNESS])
    assert not policy.is_met([each.key for each in opened.cosignatures])


def test_errors_say_what_to_do() -> None:
    verdict = ask(TREE.request(4, 3), held(5))
    assert isinstance(verdict, Refused)
    assert verdict.error.hint
