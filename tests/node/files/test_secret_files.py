"""Secrets in files: every form people have is read, every other is named, and nothing of it is ever repeated."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from accredit.node.files.secret_files import check_strength, read_passphrase, read_seed
from accredit.registry.encoding.ed25519 import encode_base58, public_of
from accredit.registry.errors import InputError, StorageError

SEED = bytes(range(1, 33))
OTHER = bytes(range(2, 34))


def b64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def pem(der: bytes, label: str = "PRIVATE KEY") -> str:
    return f"-----BEGIN {label}-----\n{base64.encodebytes(der).decode()}-----END {label}-----\n"


V1 = bytes.fromhex("302e020100300506032b657004220420")
V2 = bytes.fromhex("3051020101300506032b657004220420")


def v2(seed: bytes, public: bytes) -> bytes:
    return V2 + seed + bytes.fromhex("812100") + public


def jwk(seed: bytes, public: bytes) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "d": b64url(seed), "x": b64url(public)}


def multikey(raw: bytes) -> str:
    return "z" + encode_base58(bytes.fromhex("8026") + raw)


GOOD: dict[str, Callable[[], bytes]] = {
    "hex": lambda: SEED.hex().encode(),
    "hex with 0x and capitals": lambda: b"0X" + SEED.hex().upper().encode() + b"\r\n",
    "hex with a byte order mark": lambda: b"\xef\xbb\xbf" + SEED.hex().encode(),
    "hex in UTF-16": lambda: SEED.hex().encode("utf-16"),
    "hex of seed and public key": lambda: (SEED + public_of(SEED)).hex().encode(),
    "base64": lambda: base64.b64encode(SEED),
    "base64url": lambda: b64url(SEED).encode(),
    "base64 of both halves": lambda: base64.b64encode(SEED + public_of(SEED)),
    "PKCS#8 PEM": lambda: pem(V1 + SEED).encode(),
    "PKCS#8 PEM with words before it": lambda: b"Bag Attributes\n" + pem(V1 + SEED).encode(),
    "PKCS#8 PEM of version 2": lambda: pem(v2(SEED, public_of(SEED))).encode(),
    "PKCS#8 DER": lambda: V1 + SEED,
    "JWK": lambda: json.dumps(jwk(SEED, public_of(SEED))).encode(),
    "JWK without x": lambda: json.dumps({"kty": "OKP", "crv": "Ed25519", "d": b64url(SEED)}).encode(),
    "JWK set of one": lambda: json.dumps({"keys": [jwk(SEED, public_of(SEED))]}).encode(),
    "Multikey": lambda: multikey(SEED).encode(),
    "Multikey of both halves": lambda: multikey(SEED + public_of(SEED)).encode(),
    "Multikey as JSON": lambda: json.dumps({"type": "Multikey", "secretKeyMultibase": multikey(SEED)}).encode(),
    "bytes": lambda: b"\xff" + SEED[1:],
}

WRONG: dict[str, Callable[[], bytes]] = {
    "halves of a hex pair that differ": lambda: (SEED + public_of(OTHER)).hex().encode(),
    "halves of a JWK that differ": lambda: json.dumps(jwk(SEED, public_of(OTHER))).encode(),
    "halves of a PEM that differ": lambda: pem(v2(SEED, public_of(OTHER))).encode(),
    "JWK whose x is no text": lambda: json.dumps({**jwk(SEED, b""), "x": 7}).encode(),
    "one digit too few": lambda: SEED.hex()[:-1].encode(),
    "one digit too many": lambda: SEED.hex().encode() + b"0",
    "a letter that is no digit": lambda: SEED.hex()[:-1].encode() + b"g",
    "two lines": lambda: SEED.hex().encode() + b"\n" + OTHER.hex().encode(),
    "in quotes": lambda: f'"{SEED.hex()}"'.encode(),
    "with a name": lambda: f"seed={SEED.hex()}".encode(),
    "base64 cut off": lambda: base64.b64encode(SEED)[:-4],
    "PEM cut off": lambda: pem(V1 + SEED).encode()[:-30],
    "PEM encrypted": lambda: pem(V1 + SEED, "ENCRYPTED PRIVATE KEY").encode(),
    "PEM of OpenSSH": lambda: pem(b"openssh-key-v1\0" + SEED, "OPENSSH PRIVATE KEY").encode(),
    "PEM of RSA": lambda: pem(SEED * 8, "RSA PRIVATE KEY").encode(),
    "PEM that is not base64": lambda: (
        f"-----BEGIN PRIVATE KEY-----\n!{SEED.hex()}!\n-----END PRIVATE KEY-----".encode()
    ),
    "DER of another kind": lambda: b"\x30\x2e\x02\x01\x00" + SEED,
    "DER cut off": lambda: V1 + SEED[:-3],
    "JSON cut off": lambda: json.dumps(jwk(SEED, public_of(SEED))).encode()[:-9],
    "JWK of RSA": lambda: json.dumps({"kty": "RSA", "d": b64url(SEED)}).encode(),
    "JWK of another curve": lambda: json.dumps({"kty": "OKP", "crv": "X25519", "d": b64url(SEED)}).encode(),
    "JWK whose d is too short": lambda: json.dumps({"kty": "OKP", "crv": "Ed25519", "d": b64url(SEED[:31])}).encode(),
    "JWK whose d is no base64": lambda: json.dumps({"kty": "OKP", "crv": "Ed25519", "d": SEED.hex() + "!"}).encode(),
    "JWK set of two": lambda: json.dumps({"keys": [jwk(SEED, SEED), jwk(OTHER, OTHER)]}).encode(),
    "list": lambda: json.dumps([SEED.hex()]).encode(),
    "Multikey of something else": lambda: ("z" + encode_base58(b"\x80\x24" + SEED)).encode(),
    "Multikey cut off": lambda: multikey(SEED)[:-8].encode(),
    "a passphrase": lambda: b"tr0ub4dor correct horse",
    "bytes of no text": lambda: b"\xff\xfe\xfd" + SEED,
    "very long": lambda: SEED.hex().encode() * 1_000,
    "nothing": lambda: b"",
}


def quoted(secret: bytes, text: str) -> str:
    """A stretch of at least 6 characters of the secret's own text that `text` repeats; empty if there is none."""
    known = {f"{SEED.hex()[i : i + 12]}" for i in range(52)} | {b64url(SEED)[i : i + 8] for i in range(35)}
    plain = secret.decode("latin-1")
    known |= {plain[i : i + 12] for i in range(len(plain) - 12)} if "tr0ub4dor" in plain else set()
    return next((one for one in known if one in text), "")


@pytest.mark.parametrize("form", GOOD)
def test_a_private_key_is_read_in_each_form_that_people_have(tmp_path: Path, form: str) -> None:
    file = tmp_path / "seed"
    file.write_bytes(GOOD[form]())
    file.chmod(0o600)
    expected = b"\xff" + SEED[1:] if form == "bytes" else SEED
    assert read_seed(file) == expected


@pytest.mark.parametrize("form", WRONG)
def test_what_is_no_private_key_is_named_by_its_form_and_not_by_its_content(tmp_path: Path, form: str) -> None:
    file = tmp_path / "seed"
    file.write_bytes(WRONG[form]())
    file.chmod(0o600)
    with pytest.raises(InputError) as refused:
        read_seed(file)
    assert refused.value.hint
    assert quoted(WRONG[form](), str(refused.value)) == ""
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_the_forms_that_are_refused_say_what_they_are(tmp_path: Path) -> None:
    file = tmp_path / "seed"
    for form, said in {
        "halves of a JWK that differ": "does not belong to it",
        "halves of a hex pair that differ": "does not belong to it",
        "halves of a PEM that differ": "does not belong to it",
        "PEM encrypted": "openssl pkey",
        "PEM of OpenSSH": "OpenSSH",
        "PEM cut off": "cut off",
        "JWK set of two": "several keys",
        "nothing": "PKCS#8",
    }.items():
        file.write_bytes(WRONG[form]())
        file.chmod(0o600)
        with pytest.raises(InputError) as refused:
            read_seed(file)
        assert said in f"{refused.value.message} {refused.value.hint}"
        assert "('" not in refused.value.message  # the words for a person, not how the error keeps them
    file.write_text("z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK")
    with pytest.raises(InputError, match="public key"):
        read_seed(file)


def test_a_key_of_zeros_and_a_file_that_others_may_read_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "seed"
    file.write_text("00" * 32)
    file.chmod(0o600)
    with pytest.raises(InputError, match="all zeros"):
        read_seed(file)
    file.write_text(SEED.hex())
    file.chmod(0o644)
    with pytest.raises(InputError, match="chmod 600"):
        read_seed(file)
    with pytest.raises(InputError, match="does not exist"):
        read_seed(tmp_path / "nowhere")


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_passphrase_file_may_end_in_one_newline(tmp_path: Path, ending: str) -> None:
    file = tmp_path / "passphrase"
    file.write_bytes(f" two words {ending}".encode())
    file.chmod(0o444)
    assert read_passphrase(file) == " two words "


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_passphrase_file_of_notepad_or_powershell_opens_the_same_key(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "passphrase"
    file.write_bytes("correct horse bättery staple\r\n".encode(encoding))
    assert read_passphrase(file) == "correct horse bättery staple"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_passphrase"),
        (b"\n", "empty_passphrase"),
        (b"\xff\xfe\x00", "passphrase_not_text"),
        (b"\xe9t\xe9", "passphrase_not_text"),
        (b"one tr0ub4dor\ntwo tr0ub4dor\n", "passphrase_lines"),
    ],
)
def test_a_passphrase_file_without_a_passphrase_is_named(tmp_path: Path, content: bytes, code: str) -> None:
    (tmp_path / "passphrase").write_bytes(content)
    with pytest.raises(InputError) as refused:
        read_passphrase(tmp_path / "passphrase")
    assert refused.value.code == code
    assert "tr0ub4dor" not in str(refused.value)
    with pytest.raises(StorageError):
        read_passphrase(tmp_path)


@pytest.mark.parametrize(
    "weak", ["12345", "dragon12", "correct horse", "Alice2026", "qwertyuiop", "a" * 200, "council"]
)
def test_a_passphrase_that_a_computer_guesses_is_refused_without_being_repeated(weak: str) -> None:
    with pytest.raises(InputError) as refused:
        check_strength(weak, known=("University Council",))
    assert refused.value.code == "weak_passphrase"
    assert weak not in str(refused.value)


@pytest.mark.parametrize(
    "strong", ["correct horse battery staple", "k8!vQz-Pw3#rT", "größe lampe tanz wolke", "x7" * 3 + "ab9Kq_!2" * 20]
)
def test_a_strong_passphrase_is_taken(strong: str) -> None:
    check_strength(strong, known=("University Council",))
