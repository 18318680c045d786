"""Keys: published vectors, and the edges at which Ed25519 libraries disagree.

The edge cases are made with the curve's own arithmetic (`tests.strategies.curve`), each together with the proof of what
it is; libsodium is then asked for its verdict, which is ours.
"""

import hashlib
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.exceptions import ValueError as CryptoValueError

from accredit.registry.encoding.ed25519 import (
    PUBLIC_BYTES,
    SIGNATURE_BYTES,
    KeyPair,
    decode_multibase,
    did_key,
    is_usable_public,
    key_id,
    multibase,
    public_of,
    verify,
)
from accredit.registry.errors import AccreditError, DecodeError
from accredit.registry.transparency.signed_note import sign_note
from tests.strategies.curve import (
    BASE,
    EIGHT,
    SMALL,
    ZERO,
    Forged,
    L,
    P,
    add,
    forged,
    hash_of,
    negative,
    pack,
    scalar_of,
    times,
    unpack,
    unusual_spellings,
)


def messages() -> Iterator[bytes]:
    return (b"message %d" % number for number in range(200))


SEED = hashlib.sha256(b"a seed").digest()
PUBLIC = public_of(SEED)
SECRET = scalar_of(SEED)
NONCE = 1234567890123456789


def test_the_slow_curve_is_the_right_one() -> None:
    assert BASE is not None
    assert times(L, BASE) == ZERO
    assert pack(times(SECRET, BASE)) == PUBLIC
    assert len({pack(point) for point in SMALL}) == 8
    honest = forged(PUBLIC, SECRET, pack(times(NONCE, BASE)), NONCE, b"honest")
    assert honest.holds(1)
    assert honest.verdict


# ------------------------------------------------------------------------------------ published vectors

RFC8032 = [  # §7.1: secret key, public key, message, signature
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
        "655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
        "b00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28d"
        "c027beceea1ec40a",
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e"
        "2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17a"
        "d9bef1177331a704",
    ),
]


@pytest.mark.parametrize(("seed", "public", "message", "signature"), RFC8032, ids=["empty", "1", "2", "SHA(abc)"])
def test_rfc_8032_vector(seed: str, public: str, message: str, signature: str) -> None:
    assert public_of(bytes.fromhex(seed)).hex() == public
    assert KeyPair(bytes.fromhex(seed)).sign(bytes.fromhex(message)).hex() == signature
    assert verify(bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature))
    assert is_usable_public(bytes.fromhex(public))


def test_key_id_is_the_thumbprint_of_hand_written_bytes() -> None:
    """RFC 9679 §3: {1: 1 (OKP), -1: 6 (Ed25519), -2: x}, keys in bytewise order: 01, 20, 21."""
    for _, public, _, _ in RFC8032:
        by_hand = bytes.fromhex("a301012006215820" + public)
        assert key_id(bytes.fromhex(public)) == hashlib.sha256(by_hand).digest()
    # RFC 8032's first key, so that the id can be compared without running anything
    assert (
        key_id(bytes.fromhex(RFC8032[0][1])).hex() == "866eefbd6718c8846cd7ddfe43fc74ab1daac4538ff8514ea2ec2d410a415743"
    )


# ------------------------------------------------------------------------------------ did:key

DID_KEYS = [  # RFC 8032's first two and a did:key that many documents show; derived by the long division below
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "did:key:z6MkiaMbhXHNA4eJVCCj8dbzKzTgYDKf6crKgHVHid1F1WCT",
    ),
    (
        "2e6fcce36701dc791488e0d0b1745cc1e33a4c1c9fcc41c63bd343dbbe0970e6",
        "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
    ),
]


def base58_by_division(data: bytes) -> str:
    """Base 58 digit by digit, as on paper: no integer of more than 16 bits."""
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    digits, rest = "", list(data)
    while rest:
        quotient = list[int]()
        carry = 0
        for byte in rest:
            carry = carry * 256 + byte
            if quotient or carry >= 58:
                quotient.append(carry // 58)
            carry %= 58
        digits, rest = alphabet[carry] + digits, quotient
    return digits


@pytest.mark.parametrize(("public", "did"), DID_KEYS)
def test_did_key_vector(public: str, did: str) -> None:
    assert did == "did:key:z" + base58_by_division(bytes.fromhex("ed01" + public))
    assert did_key(bytes.fromhex(public)) == did
    assert did.startswith("did:key:z6Mk")
    assert decode_multibase(did.removeprefix("did:key:")).hex() == public


@given(st.binary(min_size=32, max_size=32))
def test_multibase_round_trip(seed: bytes) -> None:
    public = public_of(seed)
    text = multibase(public)
    assert len(text) == 48
    assert decode_multibase(text) == public


@pytest.mark.parametrize(
    "text",
    [
        "",
        "z",
        "zz",
        "6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",  # no z
        "Z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",  # another base
        "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2do",  # a character lost
        "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doKK",  # one more
        "z16MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",  # a zero before
        "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2d0K",  # 0 is no digit of base 58
        "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2dlK",  # l neither
        "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2do\u0661",
        "z" + base58_by_division(bytes.fromhex("ec01") + PUBLIC),  # X25519
        "z" + base58_by_division(bytes.fromhex("e701") + b"\x02" + PUBLIC),  # secp256k1
        "z" + base58_by_division(bytes.fromhex("ed01") + PUBLIC + b"\x00"),
        "z" + "1" * 34,
        "z" + "z" * 1_000_000,
        " " + multibase(PUBLIC),
    ],
)
def test_what_is_not_an_ed25519_key_is_refused(text: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_multibase(text)
    assert caught.value.code == "not_a_key"
    assert len(str(caught.value)) < 200


@given(st.text(max_size=60))
def test_any_text_is_a_key_or_our_error(text: str) -> None:
    for candidate in (text, "z" + text, "z6Mk" + text):
        try:
            public = decode_multibase(candidate)
        except AccreditError:
            continue
        assert multibase(public) == candidate


# ------------------------------------------------------------------------------------ keys that must not be introduced


def test_keys_of_small_order_are_refused() -> None:
    """Their owner can make one signature that fits many messages, and so can anybody else."""
    spellings = [pack(point) for point in SMALL] + [other for point in SMALL for other in unusual_spellings(point)]
    assert len(spellings) == 14
    for spelling in spellings:
        assert not is_usable_public(spelling)
        with pytest.raises(DecodeError) as caught:
            decode_multibase(multibase(spelling))
        assert caught.value.code == "weak_key"


def test_keys_outside_of_the_prime_order_group_are_refused() -> None:
    """They verify with one library and not with the next, depending on the message."""
    honest = unpack(PUBLIC)
    assert honest is not None
    assert is_usable_public(PUBLIC)
    for small in SMALL[1:]:
        assert not is_usable_public(pack(add(honest, small)))


def test_second_spellings_of_a_point_are_refused() -> None:
    """Two ids for one key would let it vote twice."""
    beyond = [(y + P | bit << 255).to_bytes(32, "little") for y in range(19) for bit in (0, 1)]
    on_the_curve = [data for data in beyond if unpack(data) is not None]
    assert len(on_the_curve) > 10
    assert not any(is_usable_public(data) for data in beyond)


def test_bytes_that_are_no_point_are_refused() -> None:
    off_the_curve = [data for data in (y.to_bytes(32, "little") for y in range(2, 40)) if unpack(data) is None]
    assert len(off_the_curve) > 10
    assert not any(is_usable_public(data) for data in off_the_curve)
    for wrong in (b"", PUBLIC[:-1], PUBLIC + b"\x00", PUBLIC * 2):
        assert not is_usable_public(wrong)


# ------------------------------------------------------------------------------------ libsodium's verdict


def test_a_signature_with_s_beyond_the_order_is_refused() -> None:
    """S + L satisfies the equation too: without the bound anybody makes a second signature from a first."""
    signature = KeyPair(SEED).sign(b"message")
    again = Forged(PUBLIC, b"message", signature[:32], int.from_bytes(signature[32:], "little"))
    assert again.verdict
    for multiple in (1, 2, 8):
        more = Forged(PUBLIC, b"message", again.r, again.s + multiple * L)
        assert more.holds(1)
        assert not more.verdict


def test_only_the_equation_without_cofactor_counts() -> None:
    """R with a component of small order: accepted where verification multiplies by 8 (RFC 8032 allows it), not here."""
    assert BASE is not None
    for small in SMALL[1:]:
        mixed = forged(PUBLIC, SECRET, pack(add(times(NONCE, BASE), small)), NONCE, b"message")
        assert mixed.holds(8)
        assert not mixed.holds(1)
        assert not mixed.verdict


def test_a_mixed_key_verifies_by_luck_which_is_why_it_is_never_introduced() -> None:
    """A of mixed order: cofactored verification accepts all of its signatures, ours one in eight."""
    honest = unpack(PUBLIC)
    assert honest is not None
    assert BASE is not None
    public, r = pack(add(honest, EIGHT)), pack(times(NONCE, BASE))
    verdicts = []
    for message in messages():
        signature = forged(public, SECRET, r, NONCE, message)
        assert signature.verdict == (hash_of(r, public, message) % 8 == 0)
        verdicts.append(signature.verdict)
    example = forged(public, SECRET, r, NONCE, b"message 0")
    assert example.holds(8)
    assert 0 < sum(verdicts) < len(verdicts)
    assert not is_usable_public(public)


def test_a_signature_for_a_small_key_is_refused_although_it_satisfies_the_equation() -> None:
    """S = 0 and R = -hA: no secret was needed."""
    for small in SMALL:
        public = pack(small)
        r, message = next(
            (pack(negative(times(hash_of(pack(other), public, message), small))), message)
            for message in messages()
            for other in SMALL
            if negative(times(hash_of(pack(other), public, message), small)) == other
        )
        nobody = Forged(public, message, r, 0)
        assert nobody.holds(1)
        assert not nobody.verdict


def test_a_signature_with_a_small_r_is_refused_although_it_satisfies_the_equation() -> None:
    """R = 0 with an honest key is its owner's own doing (it gives away the secret), in four spellings."""
    assert len(unusual_spellings(ZERO)) == 3
    for spelling in (pack(ZERO), *unusual_spellings(ZERO)):
        small = forged(PUBLIC, SECRET, spelling, 0, b"message")
        assert small.holds(1)
        assert not small.verdict


def test_a_changed_bit_anywhere_is_refused() -> None:
    message = b"ten accreditations"
    signature = KeyPair(SEED).sign(message)
    assert verify(PUBLIC, message, signature)
    for position in range(8 * SIGNATURE_BYTES):
        changed = bytearray(signature)
        changed[position // 8] ^= 1 << position % 8
        assert not verify(PUBLIC, message, bytes(changed))
    for position in range(8 * PUBLIC_BYTES):
        other = bytearray(PUBLIC)
        other[position // 8] ^= 1 << position % 8
        assert not verify(bytes(other), message, signature)
    assert not verify(PUBLIC, message + b"\x00", signature)
    assert not verify(PUBLIC, b"", signature)


@given(st.binary(max_size=70), st.binary(max_size=40), st.binary(max_size=130))
def test_bytes_of_any_length_get_an_answer(public: bytes, message: bytes, signature: bytes) -> None:
    assert verify(public, message, signature) is False
    assert verify(PUBLIC, message, signature) is False
    assert verify(public, message, KeyPair(SEED).sign(message)) is False
    assert verify(PUBLIC, message, KeyPair(SEED).sign(message)) is True
    assert verify(PUBLIC, message, KeyPair(SEED).sign(message) + b"\x00") is False


# ------------------------------------------------------------------------------------ signers


class Agent:
    """A signer that has no secret: somebody else signs, as an agent or a device would."""

    def __init__(self, public_key: bytes, ask: Callable[[bytes], bytes]) -> None:
        self.public_key = public_key
        self._ask = ask

    def sign(self, message: bytes) -> bytes:
        return self._ask(message)


def test_a_key_pair_shows_its_secret_to_nobody_who_prints_or_compares_it() -> None:
    pair = KeyPair(SEED)
    for shown in (repr(pair), str(pair), f"{pair}"):
        assert SEED.hex() not in shown
        assert repr(SEED)[2:-1] not in shown
    assert pair == KeyPair(SEED)
    assert pair != KeyPair(bytes(32))
    assert not hasattr(pair, "__dict__")


def test_a_seed_of_another_length_makes_no_key_pair() -> None:
    for wrong in (b"", SEED[:-1], SEED + b"\0"):
        with pytest.raises(CryptoValueError):
            KeyPair(wrong)


def test_what_an_agent_signs_is_what_the_key_itself_would_have_signed() -> None:
    pair, asked = KeyPair(SEED), list[bytes]()

    def ask(message: bytes) -> bytes:
        asked.append(message)
        return pair.sign(message)

    agent = Agent(pair.public_key, ask)
    assert sign_note("A text.\n", "log.example", agent) == sign_note("A text.\n", "log.example", pair)
    assert asked == [b"A text.\n"], "the message itself, so that whoever signs can see what it says"
    assert verify(agent.public_key, b"A text.\n", agent.sign(b"A text.\n"))


@pytest.mark.parametrize(
    "text", ["z3u2O0l", "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", "mAAAA", "", "z" + "3" * 200]
)
def test_what_is_no_secret_multikey_is_refused_without_being_quoted(text: str) -> None:
    from accredit.registry.encoding.ed25519 import decode_secret_multibase

    with pytest.raises(DecodeError) as refused:
        decode_secret_multibase(text)
    assert not text or text not in str(refused.value)


def test_a_secret_multikey_gives_the_secret_of_its_public_one() -> None:
    """The prefix 8026 is the varint of 0x1300, the multicodec of Ed25519 private keys."""
    from accredit.registry.encoding.ed25519 import decode_secret_multibase

    assert decode_secret_multibase("z" + base58_by_division(bytes.fromhex("8026") + SEED)) == SEED
