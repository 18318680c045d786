"""Negentropy v1: the published bytes, exact differences whatever sets and limits, no harm from hostile bytes."""

from contextlib import suppress
from hashlib import sha256
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.gossip.protocol.negentropy import LIMIT_MIN, Initiator, Items, decode_varint, encode_varint, respond
from accredit.registry.errors import DecodeError, RefusedError
from tests.strategies.searching import SOME

LIMIT = 65_536
Set = list[tuple[int, bytes]]

# Times and ids that the reference implementations' conformance tests use.
PUBLISHED = [
    (1678011277, bytes.fromhex("eb6b05c2e3b008592ac666594d78ed83e7b9ab30f825b9b08878128f7500008c")),
    (1678011278, bytes.fromhex("39b916432333e069a4386917609215cc688eb99f06fed01aadc29b1b4b92d6f0")),
    (1678011279, bytes.fromhex("abc81d58ebe3b9a87100d47f58bf15e9b1cbf62d38623f11d0f0d17179f5f3ba")),
]


def an_id(number: int) -> bytes:
    return sha256(b"%d" % number).digest()


def reconcile(ours: Set, theirs: Set, *, limit: int = LIMIT) -> tuple[Initiator, list[int]]:
    """Runs a whole session; the sizes of its messages."""
    initiator, other = Initiator(Items(ours), limit=limit), Items(theirs)
    message: bytes | None = initiator.open()
    sizes: list[int] = []
    while message is not None:
        answer = respond(other, message, limit=limit)
        sizes += [len(message), len(answer)]
        assert max(sizes[-2:]) <= limit
        message = initiator.take(answer)
        assert len(sizes) < 10_000
    return initiator, sizes


def check_exact(ours: Set, theirs: Set, *, limit: int = LIMIT) -> list[int]:
    initiator, sizes = reconcile(ours, theirs, limit=limit)
    mine, others = {id for _, id in ours}, {id for _, id in theirs}
    assert set(initiator.have) == mine - others
    assert set(initiator.need) == others - mine
    return sizes


@pytest.mark.parametrize(
    ("number", "encoded"),
    [(0, "00"), (1, "01"), (127, "7f"), (128, "8100"), (255, "817f"), (65535, "83ff7f"), (65537, "848001")],
)
def test_varints_are_the_published_ones(number: int, encoded: str) -> None:
    assert encode_varint(number).hex() == encoded
    assert decode_varint(b"x" + bytes.fromhex(encoded) + b"y", 1) == (number, 1 + len(encoded) // 2)


@given(st.integers(0, 2**64 - 1))
def test_what_a_varint_says_is_read(number: int) -> None:
    assert decode_varint(encode_varint(number), 0) == (number, len(encode_varint(number)))


@pytest.mark.parametrize("data", ["", "80", "8001", "ff" * 10, "82" + "80" * 8 + "00", "ff" * 9 + "7f"])
def test_a_varint_cut_off_too_long_or_padded_is_refused(data: str) -> None:
    with pytest.raises(DecodeError):
        decode_varint(bytes.fromhex(data), 0)


def test_fingerprints_are_the_published_ones() -> None:
    items = Items(PUBLISHED)
    assert items.fingerprint(0, 1).hex() == "6d74e1212fcafc8a81d090f0ffbde8b0"
    assert items.fingerprint(0, 2).hex() == "96b26d110825d4b1805fc56988a3e65d"
    assert items.fingerprint(0, 3).hex() == "c15ce60f185fd24ae341076caa93daa5"


def test_messages_by_hand() -> None:
    """From the specification: version; bound (infinity, no prefix); mode; payload."""
    empty, ids = Items([]), b"".join(id for _, id in PUBLISHED)
    assert Initiator(empty, limit=LIMIT).open().hex() == "61" + "0000" + "02" + "00"
    opening = Initiator(Items(PUBLISHED), limit=LIMIT).open()
    assert opening.hex() == "61" + "0000" + "02" + "03" + ids.hex()
    assert respond(empty, opening, limit=LIMIT).hex() == "61" + "0000" + "02" + "00"
    assert respond(Items(PUBLISHED), opening, limit=LIMIT).hex() == "61", "nothing left to say"


def test_sixteen_fingerprints_and_bounds_as_short_as_they_can_be() -> None:
    """33 items: the first bucket takes three, the others two. Times 10, 20, … need no prefix of an id."""
    items = Items([(10 * (number + 1), an_id(number)) for number in range(33)])
    message = Initiator(items, limit=LIMIT).open()
    first = "2900" + "01" + items.fingerprint(0, 3).hex()  # varint(1 + 40): up to the fourth, at 40
    second = "1500" + "01" + items.fingerprint(3, 5).hex()  # varint(1 + 20)
    assert message.hex().startswith("61" + first + second)
    assert message.hex().endswith("0000" + "01" + items.fingerprint(31, 33).hex())
    assert len(message) == 1 + 16 * 19


def test_items_of_one_time_are_told_apart_by_the_shortest_prefix() -> None:
    ids = sorted(b"\xaa\xbb" + bytes([number]) + bytes(29) for number in range(32))
    message = Initiator(Items([(0, id) for id in ids]), limit=LIMIT).open()
    assert message[1:6].hex() == "01" + "03" + "aabb02", "same time; two bytes in common and one more"


def test_another_version_is_answered_with_ours_and_refused_as_an_answer() -> None:
    assert respond(Items([]), b"\x62whatever", limit=LIMIT) == b"\x61"
    with pytest.raises(RefusedError, match="version"):
        Initiator(Items([]), limit=LIMIT).take(b"\x62")


@pytest.mark.no_cover
def test_equal_sets_of_a_hundred_thousand_cost_one_small_message() -> None:
    items = [(1_700_000_000 + number, an_id(number)) for number in range(100_000)]
    sizes = check_exact(items, items)
    assert len(sizes) == 2
    assert sum(sizes) <= 340


@pytest.mark.no_cover
def test_ten_recent_differences_in_a_hundred_thousand_cost_two_kilobytes_and_two_round_trips() -> None:
    items = [(1_700_000_000 + number, an_id(number)) for number in range(100_000)]
    sizes = check_exact(items[:-5], items[:-10] + items[-5:])
    assert len(sizes) == 4
    assert sum(sizes) <= 1_800


@pytest.mark.no_cover
@given(
    st.dictionaries(st.integers(0, 300), st.sampled_from(["ours", "theirs", "both", "both"]), max_size=300),
    st.sampled_from([1, 7, 1_000]),
    st.sampled_from([LIMIT_MIN, 4_500, LIMIT]),
)
def test_any_two_sets_are_told_apart_exactly(where: dict[int, str], spread: int, limit: int) -> None:
    """`spread` 1,000 gives all the same time, 1 gives each its own."""
    pairs = [((number // spread, an_id(number)), word) for number, word in sorted(where.items())]
    ours = [item for item, word in pairs if word in ("ours", "both")]
    theirs = [item for item, word in pairs if word in ("theirs", "both")]
    check_exact(ours, theirs, limit=limit)


@pytest.mark.parametrize("limit", [LIMIT_MIN, LIMIT])
@pytest.mark.parametrize("same_time", [False, True])
def test_sets_with_nothing_in_common_take_messages_in_proportion(limit: int, same_time: bool) -> None:
    random = Random(7)
    items = [(0 if same_time else number, random.randbytes(32)) for number in range(6_000)]
    for ours, theirs in ((items[::2], items[1::2]), (items, []), ([], items)):
        sizes = check_exact(ours, theirs, limit=limit)
        assert sum(sizes) < 3 * 32 * len(items) + 1_000
        assert len(sizes) < 8 + 8 * 32 * len(items) // limit


@pytest.mark.no_cover
@SOME
@given(st.integers(0, 2**32), st.integers(0, 400), st.integers(0, 400))
def test_sets_that_need_many_messages_are_told_apart_too(seed: int, mine: int, others: int) -> None:
    random = Random(seed)
    both = [(random.randrange(50), random.randbytes(32)) for _ in range(400)]
    ours = both + [(random.randrange(50), random.randbytes(32)) for _ in range(mine)]
    theirs = both + [(random.randrange(50), random.randbytes(32)) for _ in range(others)]
    check_exact(ours, theirs, limit=LIMIT_MIN)


@given(st.binary(max_size=200))
def test_hostile_bytes_raise_only_our_errors(data: bytes) -> None:
    items = Items([(number, an_id(number)) for number in range(100)])
    for message in (data, b"\x61" + data):
        try:
            answer = respond(items, message, limit=LIMIT_MIN)
            assert len(answer) <= LIMIT_MIN
            Initiator(items, limit=LIMIT_MIN).take(message)
        except (DecodeError, RefusedError):
            pass


@pytest.mark.no_cover
@given(st.data())
def test_mutated_messages_raise_only_our_errors(data: st.DataObject) -> None:
    items = Items([(number // 3, an_id(number)) for number in range(100)])
    honest = (
        respond(items, Initiator(Items([]), limit=LIMIT).open(), limit=LIMIT) + Initiator(items, limit=LIMIT).open()
    )
    at = data.draw(st.integers(1, len(honest) - 1))
    mutated = honest[:at] + bytes([honest[at] ^ data.draw(st.integers(1, 255))]) + honest[at + 1 :]
    with suppress(DecodeError):
        assert len(respond(items, mutated, limit=LIMIT_MIN)) <= LIMIT_MIN


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("", id="nothing"),
        pytest.param("11", id="no version of this protocol"),
        pytest.param("61" + "0000" + "00" + "0000" + "00", id="beyond infinity"),
        pytest.param("61" + "05024000" + "00" + "010130" + "00", id="bounds go back"),
        pytest.param("61" + "0000" + "03", id="unknown mode"),
        pytest.param("61" + "0000" + "01" + "00" * 15, id="short fingerprint"),
        pytest.param("61" + "0000" + "02" + "8101" + "00" * 32, id="fewer ids than said"),
        pytest.param("61" + "0000" + "02" + "ff" * 8 + "7f", id="more ids than there are"),
        pytest.param("61" + "0121" + "00" * 33 + "00", id="prefix of 33 bytes"),
        pytest.param("61" + "0102" + "00", id="short prefix"),
        pytest.param("61" + "81ffffffffffffffff7f" + "0000" + "020000", id="at infinity by counting"),
        pytest.param("61" + "00", id="half a bound"),
    ],
)
def test_what_is_not_a_message_is_refused(message: str) -> None:
    with pytest.raises(DecodeError) as caught:
        respond(Items(PUBLISHED), bytes.fromhex(message), limit=LIMIT)
    assert caught.value.code == "not_negentropy"


def test_a_prefix_at_infinity_means_nothing_and_skips_are_joined() -> None:
    items = Items(PUBLISHED)
    assert (
        respond(items, bytes.fromhex("61" + "0201ff" + "00" + "0201ff" + "00" + "0001ff" + "00"), limit=LIMIT)
        == b"\x61"
    )


def test_additive_fingerprints_collide_where_ids_may_be_chosen() -> None:
    """Why the caller must blind ids: two different sets, one fingerprint, nothing found."""
    a, b = int.from_bytes(an_id(1), "little"), int.from_bytes(an_id(2), "little")
    crafted = [((a + 5) % 2**256).to_bytes(32, "little"), ((b - 5) % 2**256).to_bytes(32, "little")]
    common = [(9, an_id(number)) for number in range(10, 50)]
    ours = [*common, (1, an_id(1)), (1, an_id(2))]
    theirs = [*common, *((1, id) for id in crafted)]
    initiator, _ = reconcile(ours, theirs)
    assert not initiator.have
    assert not initiator.need
