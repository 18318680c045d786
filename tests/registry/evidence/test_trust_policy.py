"""The trust policy: one spelling, and what it remembers."""

from dataclasses import replace

import pytest

from accredit.registry.domain.records import FOLD_VERSION
from accredit.registry.encoding.ed25519 import public_of
from accredit.registry.errors import DecodeError, RefusedError
from accredit.registry.evidence.trust_policy import AUTHORITIES_MAX, LIFETIME, TrustPolicy
from accredit.registry.transparency.signed_note import KeyType, VerifierKey
from accredit.registry.transparency.state_note import StateNote
from accredit.registry.transparency.tlog_policy import Log, Policy
from tests.strategies.domain import ECOSYSTEM, GENESIS, HLC, NOW, STATE
from tests.strategies.noted import Held, signer_keys, state_seed, trust

POLICY = trust(Held({}), NOW)
SEEN = replace(POLICY, count=42, root=b"\x07" * 32, authorities=(HLC, STATE))
STATE_42 = StateNote(name="Example", ecosystem=GENESIS, fold=FOLD_VERSION, count=42, root=b"\x07" * 32)


@pytest.mark.parametrize("policy", [POLICY, SEEN])
def test_what_is_written_is_read_again(policy: TrustPolicy) -> None:
    assert TrustPolicy.decode(policy.encode()) == policy


def test_a_person_can_read_it() -> None:
    assert SEEN.encode().decode().split("\n")[:11] == [
        "accredit trust policy 1",
        f"ecosystem {GENESIS.hex()}",
        f"charter {ECOSYSTEM}",
        f"step 1 {GENESIS.hex()}",
        "max-age 300",
        "expires 2026-08-30T00:00:00Z",
        "verified 42 BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
        f"rely-on {HLC}",
        f"rely-on {STATE}",
        "",
        f"witness n0.example {signer_keys(1)[0].encode()}",
    ]


def test_its_lower_part_may_be_commented() -> None:
    commented = POLICY.encode().replace(b"\n\nwitness", b"\n\n# those we met in person\nwitness")
    assert TrustPolicy.decode(commented) == POLICY


def swap(old: str, new: str) -> bytes:
    data = SEEN.encode()
    assert old.encode() in data
    return data.replace(old.encode(), new.encode(), 1)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"accredit trust policy 1\n\nquorum none\n",
        swap("policy 1", "policy 2"),
        swap("\n", "\r\n"),
        swap("max-age 300", "max-age 0300"),
        swap("max-age 300", "max-age 0"),
        swap("max-age 300", f"max-age {LIFETIME + 1}"),
        swap("max-age 300", "max-age 5m"),
        swap("max-age 300\n", ""),
        swap("max-age", "maxage"),
        swap("00:00:00Z", "00:00:00.0Z"),
        swap("2026-08-30", "2026-08-32"),
        swap("verified 42 ", "verified 42"),
        swap("verified 42 Bw", "verified 0 Bw"),
        swap("Bwc=", "Bwd="),
        swap(" BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=", " BwcH"),
        swap(" BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=", ""),
        swap("step 1", "step 0"),
        swap("step 1", "step"),
        swap(f"step 1 {GENESIS.hex()}", f"step 1 {GENESIS.hex().upper()}"),
        swap(f"ecosystem {GENESIS.hex()}", f"ecosystem {GENESIS.hex()[2:]}"),
        swap(f"charter {ECOSYSTEM}", "charter https://EXAMPLE.org/"),
        swap(f"charter {ECOSYSTEM}", f"charter {ECOSYSTEM}\N{LATIN SMALL LETTER O WITH DIAERESIS}"),
        swap(f"rely-on {HLC}\n", ""),
        swap(f"rely-on {HLC}\nrely-on {STATE}\n", ""),
        swap(f"rely-on {HLC}\nrely-on {STATE}\n", f"rely-on {STATE}\nrely-on {HLC}\n"),
        swap(f"rely-on {STATE}\n", f"rely-on {HLC}\n"),
        swap(f"rely-on {STATE}\n", "and nobody else\n"),
        swap("quorum signers", "quorum none"),
        swap("quorum signers\n", ""),
        SEEN.encode() + b"#" * 200_000,
    ],
)
def test_an_altered_policy_is_refused(data: bytes) -> None:
    if data == swap(f"rely-on {HLC}\n", ""):
        assert TrustPolicy.decode(data).authorities == (STATE,)  # the one change that a reader could mean
        return
    with pytest.raises(DecodeError):
        TrustPolicy.decode(data)


def test_a_policy_made_by_hand_is_checked_too() -> None:
    log = Log(key=VerifierKey(name="log", type=KeyType.ED25519, public=public_of(state_seed("log"))))
    for members in (
        {"signers": Policy(quorum="none")},
        {"signers": replace(POLICY.signers, logs=(log,))},
        {"ecosystem": b"short"},
        {"step": b"short"},
        {"expires": -1},
        {"count": 2**63, "root": bytes(32)},
        {"authorities": ()},
        {"authorities": tuple(sorted(f"did:web:x{n}.example" for n in range(AUTHORITIES_MAX + 1)))},
    ):
        with pytest.raises(DecodeError):
            trust(Held({}), NOW, **members)


def test_an_expired_policy_is_renewed_out_of_band_only() -> None:
    POLICY.check_usable(NOW)
    with pytest.raises(RefusedError, match="from a source you trust"):
        POLICY.check_usable(NOW + LIFETIME)


def test_a_clock_set_back_does_not_lengthen_a_policy() -> None:
    with pytest.raises(RefusedError, match="Check this machine's clock"):
        POLICY.check_usable(NOW - 1)


def test_lower_counts_are_refused() -> None:
    with pytest.raises(RefusedError) as refused:
        SEEN.remember(replace(STATE_42, count=41))
    assert refused.value.code == "count_lower"


def test_another_root_of_the_count_verified_before_is_refused() -> None:
    with pytest.raises(RefusedError) as refused:
        SEEN.remember(replace(STATE_42, root=bytes(32)))
    assert refused.value.code == "count_other_root"


def test_a_verifier_remembers_the_highest_count() -> None:
    assert SEEN.remember(STATE_42) is SEEN
    assert POLICY.remember(STATE_42) == replace(POLICY, count=42, root=STATE_42.root)
    assert POLICY.remember(replace(STATE_42, count=0)) is POLICY
    with pytest.raises(RefusedError, match="a different ecosystem"):
        SEEN.remember(replace(STATE_42, ecosystem=bytes(32)))


def test_relying_on_a_mandate_is_not_relying_on_the_name() -> None:
    """A delegate is relied on under the one delegation that the policy names, whoever else delegates to its id."""
    mandate, other = f"{HLC}#{bytes(32).hex()}", f"{HLC}#{b'1'.hex() * 32}"
    policy = replace(POLICY, authorities=(mandate,))
    assert TrustPolicy.decode(policy.encode()) == policy
    assert policy.relies_on(mandate)
    assert not policy.relies_on(other)
    assert not policy.relies_on(HLC)
    assert SEEN.relies_on(mandate), "who relies on a body relies on each of its mandates"
    for wrong in (f"{HLC}#", f"{HLC}#key-1", f"{HLC}#{bytes(31).hex()}"):
        with pytest.raises(DecodeError):
            replace(POLICY, authorities=(wrong,))


def test_relying_on_the_ecosystem_is_relying_on_all_its_authorities() -> None:
    assert POLICY.relies_on(HLC)
    assert SEEN.relies_on(HLC)
    assert not SEEN.relies_on(ECOSYSTEM)
