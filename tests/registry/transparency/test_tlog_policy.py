"""C2SP tlog-policy: what is read, what is refused, and what counts as enough."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.encoding.ed25519 import public_of
from accredit.registry.errors import DecodeError
from accredit.registry.transparency.signed_note import KeyType, VerifierKey
from accredit.registry.transparency.tlog_policy import (
    ITEMS_MAX,
    POLICY_BYTES_MAX,
    Group,
    Log,
    Policy,
    PolicyWitness,
    threshold_policy,
)
from tests.strategies.noted import node_names, signer_keys, state_seed

W = signer_keys(6)
V = [key.encode() for key in W]
LOG = VerifierKey(name="log.example", type=KeyType.ED25519, public=public_of(state_seed("log")))
# The example of the specification: two levels of groups.
TWO_LEVELS = f"""\
# who watches whom

log {LOG.encode()} https://log.example/
witness X1 {V[0]}
witness X2 {V[1]}\thttps://x2.example/
  witness X3 {V[2]}
group X-witnesses 2 X1 X2 X3
witness Y1 {V[3]}
witness Y2 {V[4]}
witness Y3 {V[5]}
group Y-witnesses any Y1 Y2 Y3
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
""".encode()


def test_groups_of_groups_count_as_the_specification_says() -> None:
    policy = Policy.decode(TWO_LEVELS)
    assert policy.logs == (Log(key=LOG, url="https://log.example/"),)
    assert policy.witnesses[1].url == "https://x2.example/"
    for size in range(7):
        for cosigners in combinations(W, size):
            expected = len(set(cosigners) & set(W[:3])) >= 2 and bool(set(cosigners) & set(W[3:]))
            assert policy.is_met(cosigners) is expected
    assert Policy.decode(policy.encode()) == policy
    assert policy.keys == tuple(W)


def test_the_time_of_a_quorum_is_that_of_its_oldest_needed_cosignature() -> None:
    policy = threshold_policy(W[:4], 3)
    assert policy.met_since({W[0]: 10, W[1]: 40, W[2]: 20, W[3]: 30}) == 20
    assert policy.met_since({W[0]: 10, W[1]: 40}) is None
    assert policy.met_since({}) is None


def test_nobody_and_a_single_witness_can_be_the_quorum() -> None:
    assert Policy.decode(b"quorum none\n").is_met([])
    policy = Policy.decode(f"witness a {V[0]}\nwitness b {V[1]}\nquorum b\n".encode())
    assert policy.is_met([W[1]])
    assert not policy.is_met([W[0]])


@given(st.integers(1, 8), st.data())
def test_what_is_written_is_read_again(count: int, data: st.DataObject) -> None:
    threshold = data.draw(st.integers(1, count))
    policy = threshold_policy(signer_keys(count), threshold)
    assert Policy.decode(policy.encode()) == policy
    cosigners = data.draw(st.lists(st.sampled_from(signer_keys(count)), unique=True))
    assert policy.is_met(cosigners) == (len(cosigners) >= threshold)


def test_names_that_are_not_utf_8_survive() -> None:
    data = b"witness \xff\xe2 " + V[0].encode() + b"\nquorum \xff\xe2\n"
    assert Policy.decode(data).encode() == data


def test_a_signer_called_like_the_group_gets_no_special_place() -> None:
    keys = [
        VerifierKey(name=name, type=KeyType.COSIGNATURE_V1, public=public_of(state_seed(name)))
        for name in ("signers", "signers-0")
    ]
    policy = threshold_policy(keys, 2)
    assert policy.quorum == "signers-1"
    assert Policy.decode(policy.encode()) == policy


A, B = f"witness a {V[0]}\n", f"witness b {V[1]}\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (A, "policy_quorum"),
        (f"{A}quorum a\nquorum a\n", "policy_quorum"),
        (f"{A}quorum b\n", "policy_name"),
        (f"quorum a\n{A}", "policy_name"),
        (f"{A}group g any b\n{B}quorum g\n", "policy_name"),
        (f"{A}group g any g\nquorum g\n", "policy_name"),
        (f"{A}group g any none\nquorum g\n", "policy_name"),
        (f"witness none {V[0]}\nquorum none\n", "policy_name"),
        (f"{A}group a any a\nquorum a\n", "policy_name"),
        (f"{A}witness a {V[1]}\nquorum a\n", "policy_name"),
        (f"{A}group g any a a\nquorum g\n", "policy_member_twice"),
        (f"{A}{B}group g any a\ngroup h all a b\nquorum h\n", "policy_member_twice"),
        (f"{A}witness b {V[0]}\nquorum a\n", "policy_key_twice"),
        (f"{A}witness b {signer_keys(1)[0].encode()}\nquorum a\n", "policy_key_twice"),
        (f"log {LOG.encode()}\nlog {LOG.encode()}\nquorum none\n", "policy_key_twice"),
        (f"log {V[0]}\nquorum none\n", "policy_key_type"),
        (f"witness a {LOG.encode()}\nquorum a\n", "policy_key_type"),
        (f"{A}group g 2 a\nquorum g\n", "policy_threshold"),
        (f"{A}group g 0 a\nquorum g\n", "policy_threshold"),
        (f"{A}group g 01 a\nquorum g\n", "policy_threshold"),
        (f"{A}group g most a\nquorum g\n", "policy_threshold"),
        (f"{A}group g all\nquorum g\n", "policy_line"),
        (f"{A}quorum a a\n", "policy_line"),
        ("wibble\nquorum none\n", "policy_line"),
        (f"witness a {V[0]} url more\nquorum a\n", "policy_line"),
        ("quorum none", "policy_line"),
        ("quorum none\r\n", "policy_control"),
        ("quorum none\x7f\n", "policy_control"),
        (f"witness a {V[0][:-2]}\nquorum a\n", "base64"),
        (f"log {LOG.encode()} https://\N{NO-BREAK SPACE}\nquorum none\n", None),
        ("#" * POLICY_BYTES_MAX + "\nquorum none\n", "policy_size"),
    ],
)
def test_a_policy_that_breaks_a_rule_is_refused(text: str, code: str | None) -> None:
    if code is None:  # to this format a no-break space is no space
        Policy.decode(text.encode())
        return
    with pytest.raises(DecodeError) as refused:
        Policy.decode(text.encode())
    assert refused.value.code == code


def test_the_line_at_fault_is_named() -> None:
    with pytest.raises(DecodeError) as refused:
        Policy.decode(f"{A}\ngroup g any b\nquorum g\n".encode())
    assert refused.value.where == "line 3"


def test_a_policy_made_by_hand_is_checked_too() -> None:
    key = signer_keys(1)[0]
    with pytest.raises(DecodeError, match="contain spaces"):
        Policy(quorum="none", logs=(Log(key=LOG, url="a b"),))
    with pytest.raises(DecodeError, match="is not allowed as a name"):
        Policy(quorum="a b", witnesses=(PolicyWitness(name="a b", key=key),))
    with pytest.raises(DecodeError, match="at most"):
        Policy(quorum="none", witnesses=tuple(PolicyWitness(name=n, key=key) for n in node_names(ITEMS_MAX + 1)))
    with pytest.raises(DecodeError, match="0 members"):
        Policy(quorum="g", groups=(Group(name="g", threshold=1, members=()),))
    with pytest.raises(DecodeError, match="no witness or group"):
        Policy(quorum="b", witnesses=(PolicyWitness(name="a", key=key),))
    with pytest.raises(DecodeError, match="before the group"):
        Policy(quorum="g", groups=(Group(name="g", threshold=1, members=("a",)),))


@given(st.binary(max_size=60))
def test_any_bytes_raise_only_our_errors(data: bytes) -> None:
    try:
        policy = Policy.decode(data + b"\nquorum none\n")
    except DecodeError:
        return
    assert Policy.decode(policy.encode()) == policy
