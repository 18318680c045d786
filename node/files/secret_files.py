"""Reads secrets that people give in files, passphrases and private keys, and never quotes them.

    read_passphrase(path)    the one line a passphrase file holds
    read_seed(path)          the 32 bytes of an Ed25519 private key, in any of the forms below
    check_strength(text)     whether a passphrase may protect a key

An error of this module names the file, the form it seems to have and what to do. It includes no part of the content,
not even its length, and no other error is attached to it (`from None`), because messages go to terminals, CI logs and
tickets. Forms of a private key: 64 hexadecimal digits · 128 of them (seed, then public key, as libsodium writes it) ·
base64 of either · Multikey `secretKeyMultibase` (z3u2…) · PKCS#8 in PEM or DER, version 1 or 2 (RFC 8410, as `openssl
genpkey -algorithm ed25519` writes) · JWK (RFC 8037), or a JWK set of one key. Where a form carries the public key too,
the halves must agree.
"""

import base64
import binascii
import json
import re
import shlex
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from accredit.registry.encoding.ed25519 import SEED_BYTES, decode_secret_multibase, public_of
from accredit.registry.errors import DecodeError, InputError

from .atomic_files import read_file

FORMS: Final = "hexadecimal, base64, PKCS#8 PEM or DER (openssl genpkey -algorithm ed25519), Multikey or JWK"

GUESSES: Final = 10**10
"""Guesses that finding a passphrase must take, by zxcvbn's estimate: its highest grade, "strong protection from offline
slow-hash". At argon2id's 0.7 s a guess on one core, ten thousand cores need eight days for it."""

_SECRET_BYTES_MAX: Final = 16 * 1024  # a JWK set of one key has some 500 bytes
_ESTIMATED_CHARS: Final = 72  # zxcvbn takes no more; what follows only makes a passphrase stronger

# RFC 8410 §7 in DER, whose lengths are fixed for a key of 32 bytes; version 2 appends the public key.
_PKCS8_V1: Final = bytes.fromhex("302e020100300506032b657004220420")
_PKCS8_V2: Final = bytes.fromhex("3051020101300506032b657004220420")
_PKCS8_PUBLIC: Final = bytes.fromhex("812100")
_PEM: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----\s+(.*?)\s+-----END \1-----", re.DOTALL)
_HEX: Final = re.compile(r"(?:0x)?([0-9a-f]{64}|[0-9a-f]{128})", re.IGNORECASE | re.ASCII)


class _NotThis(Exception):
    """Not a private key of a form we read: why, and perhaps what to do; the words are ours and quote nothing."""


def read_passphrase(path: Path) -> str:
    """Return the one line that a passphrase file holds, without its line end or a byte order mark.

    Its permissions are not checked, because containers and service managers set them as they like.

    Raises:
        InputError: `no_such_file`, `empty_passphrase`, `passphrase_not_text`, `passphrase_lines`.
    """
    text = _text(read_file(path, "the passphrase file"))
    if text is None:
        raise InputError("passphrase_not_text", f"{path} is not UTF-8 text.", hint="Check that it is the right file.")
    passphrase = text.removesuffix("\n").removesuffix("\r")
    if not passphrase:
        raise InputError("empty_passphrase", f"{path} is empty.", hint="Write the passphrase into its first line.")
    if "\n" in passphrase or "\r" in passphrase:
        raise InputError(
            "passphrase_lines", f"{path} has more than one line.", hint="Keep only the passphrase in it, on one line."
        )
    return passphrase


def check_strength(passphrase: str, *, known: tuple[str, ...] = ()) -> None:
    """Check that a passphrase can protect a key.

    Args:
        known: words that an attacker would try first, such as the key's label.

    Raises:
        InputError: `weak_passphrase`, with what would make it better; never with any of it.
    """
    from zxcvbn import zxcvbn  # 30 ms, which only who makes a key has to wait for

    found = zxcvbn(passphrase[:_ESTIMATED_CHARS], user_inputs=[word for word in known if word])
    if found["guesses"] >= GUESSES:
        return
    why = found["feedback"]["warning"] or "A computer guesses it in a short time"
    raise InputError(
        "weak_passphrase",
        f"This passphrase is too weak. {why.rstrip('.')}.",
        hint="Choose at least four words that do not belong together, or let a password manager make one.",
    )


def read_seed(path: Path) -> bytes:
    """Return the 32-byte seed of the Ed25519 private key in a file; `-` is standard input.

    Raises:
        InputError: `no_such_file`, `open_permissions`, `not_a_seed`, `halves_differ`, `weak_seed`.
    """
    raw = sys.stdin.buffer.read(_SECRET_BYTES_MAX + 1) if str(path) == "-" else _owners_file(path)
    try:
        if len(raw) > _SECRET_BYTES_MAX:
            raise _NotThis("it is too large for one key")
        seed = _seed_of(raw)
    except _NotThis as error:
        raise InputError(
            "not_a_seed", f"{path} does not hold a readable Ed25519 private key: {error.args[0]}.", hint=_hint(error)
        ) from None
    if not any(seed):
        raise InputError(
            "weak_seed", f"The private key in {path} is all zeros.", hint="Make a new one: accredit keys new FILE"
        )
    return seed


def _hint(error: _NotThis) -> str:
    return str(error.args[1]) if len(error.args) > 1 else f"Supported formats: {FORMS}."


def _owners_file(path: Path) -> bytes:
    raw = read_file(path, "the file of the private key")
    mode = path.stat().st_mode
    if stat.S_ISREG(mode) and mode & 0o077:
        raise InputError(
            "open_permissions",
            f"{path} can be read or changed by others than its owner (mode {mode & 0o777:03o}).",
            hint=f"Run: chmod 600 {shlex.quote(str(path))}",
        )
    return raw


def _text(raw: bytes) -> str | None:
    """UTF-8 with or without a byte order mark, or UTF-16 with one, as PowerShell writes it."""
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def _seed_of(raw: bytes) -> bytes:
    if raw[:1] == b"\x30" and b"\x02\x01" in raw[:8]:  # a DER sequence; hexadecimal begins with a 0x30 too
        return _of_der(raw)
    text = _text(raw)
    if text is None:
        if len(raw) in (SEED_BYTES, 2 * SEED_BYTES):
            return _of_bytes(raw)
        raise _NotThis("it is neither text nor PKCS#8 DER")
    text = text.strip()
    for is_this, read in _READERS:
        if is_this(text):
            return read(text)
    raise _NotThis("its format is unknown")


def _of_bytes(raw: bytes) -> bytes:
    """A seed, or a seed and its public key."""
    if len(raw) == SEED_BYTES:
        return raw
    if len(raw) != 2 * SEED_BYTES:
        raise _NotThis("it does not have the length of a private key")
    return _agreeing(raw[:SEED_BYTES], raw[SEED_BYTES:])


def _agreeing(seed: bytes, public: bytes) -> bytes:
    if public_of(seed) != public:
        raise InputError(
            "halves_differ",
            "The public key stored with this private key does not belong to it.",
            hint="Export the key again where it was made; the two halves belong to different keys.",
        )
    return seed


def _of_der(der: bytes) -> bytes:
    for head in (_PKCS8_V1, _PKCS8_V2):
        if der.startswith(head) and len(der) >= len(head) + SEED_BYTES:
            seed, rest = der[len(head) : len(head) + SEED_BYTES], der[len(head) + SEED_BYTES :]
            if not rest:
                return seed
            if rest.startswith(_PKCS8_PUBLIC) and len(rest) == len(_PKCS8_PUBLIC) + SEED_BYTES:
                return _agreeing(seed, rest[len(_PKCS8_PUBLIC) :])
    raise _NotThis("it is not a PKCS#8 key for Ed25519", "Make one: openssl genpkey -algorithm ed25519 -out FILE")


def _of_pem(text: str) -> bytes:
    match = _PEM.search(text)
    label = match[1] if match else ""
    if match is None:
        raise _NotThis("its PEM block is cut off", "Copy the whole block, including both lines with dashes.")
    if label == "ENCRYPTED PRIVATE KEY" or "ENCRYPTED" in match[2]:
        raise _NotThis("it is encrypted", "Decrypt it first: openssl pkey -in FILE -out PLAIN")
    if label == "OPENSSH PRIVATE KEY":
        raise _NotThis("it is an OpenSSH key", "Make one in PKCS#8: openssl genpkey -algorithm ed25519 -out FILE")
    if "PUBLIC" in label or "CERTIFICATE" in label:
        raise _NotThis("it holds a public key", "Give the file of the private key.")
    if label != "PRIVATE KEY":
        raise _NotThis("it is a different kind of key", "Make one: openssl genpkey -algorithm ed25519 -out FILE")
    return _of_der(_base64(match[2]))


def _of_jwk(text: str) -> bytes:
    try:
        members: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise _NotThis("its JSON cannot be read") from None
    if isinstance(members, dict) and isinstance(members.get("keys"), list):
        if len(members["keys"]) != 1:
            raise _NotThis("it is a JWK set of several keys", "Keep only one key in it.")
        members = members["keys"][0]
    if not isinstance(members, dict):
        raise _NotThis("it is not a JWK")
    if members.get("format") == "accredit-authority-key":
        raise _NotThis("it is already a key file", "Use it directly: --key FILE")
    if isinstance(multikey := members.get("secretKeyMultibase"), str):
        return _of_multibase(multikey)
    if members.get("kty") != "OKP" or members.get("crv") != "Ed25519":
        raise _NotThis("it is not a JWK with kty OKP and crv Ed25519")
    if not isinstance(members.get("d"), str):
        raise _NotThis("this JWK has no private part, d", "Export the private key.")
    seed = _base64(members["d"])
    if len(seed) != SEED_BYTES:
        raise _NotThis("d in this JWK does not have the length of a private key")
    if "x" in members:
        return _agreeing(seed, _base64(members["x"]) if isinstance(members["x"], str) else b"")
    return seed


def _of_multibase(text: str) -> bytes:
    try:
        return _of_bytes(decode_secret_multibase(text))
    except DecodeError:
        raise _NotThis(
            "it begins with z, but is not a private key in Multikey form", "secretKeyMultibase begins with z3u2."
        ) from None


def _of_hex(text: str) -> bytes:
    return _of_bytes(bytes.fromhex(text.lower().removeprefix("0x")))


def _base64(text: str) -> bytes:
    """Base64 or base64url, with or without padding and line breaks."""
    bare = "".join(text.split()).rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except binascii.Error:
        raise _NotThis("it is not base64") from None


def _of_base64(text: str) -> bytes:
    return _of_bytes(_base64(text))


def _is_public_key(text: str) -> bool:
    return text.startswith(("z6Mk", "did:key:", "ssh-"))


def _refuse_public(_text: str) -> bytes:
    raise _NotThis("it holds a public key", "Give the file of the private key.")


_READERS: Final[tuple[tuple[Callable[[str], bool], Callable[[str], bytes]], ...]] = (
    (lambda text: "-----BEGIN" in text, _of_pem),
    (lambda text: text[:1] in "{[", _of_jwk),
    (lambda text: _HEX.fullmatch(text) is not None, _of_hex),
    (_is_public_key, _refuse_public),
    (lambda text: text.startswith("z"), _of_multibase),
    (lambda text: re.fullmatch(r"[A-Za-z0-9+/_=\s-]{42,90}", text) is not None, _of_base64),
)
"""Forms of text, each told by its look, and how it is read; the first that fits."""
