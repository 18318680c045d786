"""State notes: their spelling, and how cosignatures add up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.errors import DecodeError, RefusedError
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.signed_note import SIGNATURES_MAX, Note, Signature, sign_text
from accredit.registry.transparency.state_note import (
    AHEAD_MAX,
    FOLD_MAX,
    OpenedState,
    StateNote,
    combine,
    cosign_state,
    fresh,
    missing,
    one_line,
    open_state,
    quorum,
    signer_key,
)
from tests.strategies.noted import cosigned, node_names, signer_keys, state_seed

NOW = 1_780_000_000
STATE = StateNote(
    name="The Example: a consortium / of two", ecosystem=b"\x0e" * 32, fold=1, count=42, root=b"\x07" * 32
)


@given(
    st.text(min_size=1, max_size=40).map(one_line).filter(bool),
    st.binary(min_size=32, max_size=32),
    st.integers(1, FOLD_MAX),
    st.integers(0, 2**63 - 1),
    st.binary(min_size=32, max_size=32),
)
def test_what_is_written_is_read_again(name: str, ecosystem: bytes, fold: int, count: int, root: bytes) -> None:
    state = StateNote(name=name, ecosystem=ecosystem, fold=fold, count=count, root=root)
    assert StateNote.decode(state.encode()) == state
    assert state.encode().count("\n") == 3


@pytest.mark.parametrize(
    "text",
    [
        STATE.encode().replace("\n", "\r\n"),
        STATE.encode().replace("\n42\n", "\n042\n"),
        STATE.encode().removesuffix("\n"),
        STATE.encode() + "an extension line\n",
        STATE.encode().replace("Bwc=", "Bwd="),
        STATE.encode().replace("/state/1", "/state/01"),
        STATE.encode().replace("/state/1", "/state/0"),
        STATE.encode().replace("/state/1", f"/state/{FOLD_MAX + 1}"),
        STATE.encode().replace("/state/1", "/status/1"),
        STATE.encode().replace("0e" * 32, "0E" * 32),
        STATE.encode().replace("0e" * 32, "0e" * 31),
        STATE.encode().replace("The Example:", "The  Example:"),
        " " + STATE.encode(),
        STATE.encode().replace(STATE.name, ""),
        STATE.encode().replace(STATE.name, "x" * 301),
        Checkpoint(origin="node1.example", size=1, root=bytes(32)).encode(),
    ],
    ids=[
        "CR LF",
        "leading zero in the count",
        "missing newline",
        "extension line",
        "non-canonical base64",
        "leading zero in the fold",
        "fold nought",
        "fold too high",
        "another word",
        "upper-case hex",
        "short genesis id",
        "two spaces",
        "leading space",
        "no name",
        "long name",
        "a log's checkpoint",
    ],
)
def test_a_second_spelling_of_a_state_note_is_refused(text: str) -> None:
    assert text != STATE.encode()
    with pytest.raises(DecodeError):
        StateNote.decode(text)


def test_a_name_with_a_line_break_becomes_one_line() -> None:
    assert one_line("The\nExample\t of  it\u2028all ") == "The Example of it all"


def test_quorums_of_every_size_overlap_in_an_honest_signer() -> None:
    assert [quorum(n) for n in range(1, 8)] == [1, 2, 3, 3, 4, 5, 5]
    for signers in range(1, 17):
        liars = (signers - 1) // 3
        assert 2 * quorum(signers) - signers > liars
        assert quorum(signers) <= signers


def opened(time: int, *names: str) -> OpenedState:
    return open_state(cosigned(STATE, time, names), signer_keys(4))


def test_cosignatures_of_several_copies_add_up_on_one_note() -> None:
    n0, n1, n2, n3 = node_names(4)
    note = combine([opened(NOW - 9, n0, n1), opened(NOW - 5, n1), opened(NOW, n2)], NOW)
    together = open_state(note, signer_keys(4))
    assert {one.key.name: one.time for one in together.cosignatures} == {n0: NOW - 9, n1: NOW - 5, n2: NOW}
    assert [key.name for key in missing(together, signer_keys(4), NOW, 300)] == [n3]
    assert [key.name for key in missing(together, signer_keys(4), NOW, 8)] == [n0, n3]


def test_an_older_cosignature_does_not_take_the_place_of_a_newer_one() -> None:
    name = node_names(1)[0]
    for copies in ([opened(NOW, name), opened(NOW - 50, name)], [opened(NOW - 50, name), opened(NOW, name)]):
        assert open_state(combine(copies, NOW), signer_keys(4)).cosignatures[0].time == NOW


def test_a_cosignature_from_the_future_does_not_displace_a_good_one() -> None:
    name = node_names(1)[0]
    note = combine([opened(NOW, name), opened(NOW + AHEAD_MAX + 1, name)], NOW)
    assert open_state(note, signer_keys(4)).cosignatures[0].time == NOW
    with pytest.raises(RefusedError, match="has a valid cosignature"):
        combine([opened(NOW + AHEAD_MAX + 1, name)], NOW)


def test_lines_of_strangers_are_not_passed_on() -> None:
    strange = cosign_state(STATE, "stranger.example", KeyPair(state_seed("stranger")), NOW)
    data = Note.decode(cosigned(STATE, NOW, node_names(3))).with_signatures([strange]).encode()
    note = combine([open_state(data, signer_keys(4))], NOW)
    assert b"stranger" in data
    assert b"stranger" not in note


def test_cosignatures_of_different_states_do_not_add_up() -> None:
    other = StateNote(name="Example", ecosystem=bytes(32), fold=1, count=43, root=bytes(32))
    with pytest.raises(RefusedError, match="cannot be combined"):
        combine([opened(NOW, "n0.example"), open_state(cosigned(other, NOW, ["n1.example"]), signer_keys(4))], NOW)
    with pytest.raises(RefusedError, match="has a valid cosignature"):
        combine([], NOW)


def test_only_cosignatures_within_the_maximum_age_and_five_minutes_ahead_count() -> None:
    name = node_names(1)[0]
    for time, counts in (
        (NOW - 301, False),
        (NOW - 300, True),
        (NOW, True),
        (NOW + 300, True),
        (NOW + 301, False),
    ):
        assert bool(fresh(opened(time, name), NOW, 300)) is counts


def test_duplicate_key_lines_condemn_the_note() -> None:
    line = cosign_state(STATE, "n0.example", KeyPair(state_seed("n0.example")), NOW)
    data = Note(text=STATE.encode(), signatures=(line, line)).encode()
    with pytest.raises(RefusedError, match="two signatures"):
        open_state(data, signer_keys(1))


def test_17_signatures_are_read_and_more_than_the_maximum_are_not() -> None:
    lines = [cosign_state(STATE, name, KeyPair(state_seed(name)), NOW) for name in node_names(17)]
    data = Note(text=STATE.encode(), signatures=tuple(lines)).encode()
    assert len(open_state(data, signer_keys(17)).cosignatures) == 17
    many = "".join(
        Signature(name=f"x{number}", key_id=bytes(4), blob=b"x").encode() for number in range(SIGNATURES_MAX + 1)
    )
    with pytest.raises(DecodeError, match="signature lines"):
        open_state((STATE.encode() + "\n" + many).encode(), signer_keys(1))


def test_a_plain_signature_of_a_signer_states_no_time_and_is_no_cosignature() -> None:
    line = sign_text(STATE.encode(), "n0.example", KeyPair(state_seed("n0.example")))
    with pytest.raises(RefusedError, match="No known key"):
        open_state(Note(text=STATE.encode(), signatures=(line,)).encode(), signer_keys(1))


def test_a_cosigned_checkpoint_of_a_log_is_no_state_note() -> None:
    text = Checkpoint(origin="n0.example", size=1, root=bytes(32)).encode()
    seed = state_seed("n0.example")
    note = Note(text=text, signatures=(cosign_state(STATE, "n0.example", KeyPair(seed), NOW),)).encode()
    with pytest.raises(RefusedError):
        open_state(note, signer_keys(1))


def test_a_weak_key_is_no_signer() -> None:
    with pytest.raises(DecodeError, match="usable"):
        signer_key("n0.example", bytes(32))
