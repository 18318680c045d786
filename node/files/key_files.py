"""Secret keys in files: an authority's key, always encrypted, and a node's four keys.

An **authority key** file is JSON:

    {"format": "accredit-authority-key", "version": 1,
     "label": "...", "authority": "<id>", "ecosystem": "<genesis id, hex>" | null,
     "key": "<key id, hex>", "public": "<hex>",
     "sealed": {"kdf": "argon2id13", "salt": "<hex>", "opslimit": 3, "memlimit": 268435456, "box": "<hex>"},
     "last": {"seq": 7, "id": "<statement id, hex>"} | null}

`box` is libsodium's secretbox (nonce first) of the 32-byte seed, under argon2id of the passphrase (UTF-8, Unicode form
NFC, so that it can be typed on another system). `last` prevents an accidental fork: two statements with one `seq`.
`record_last` re-reads the file under a lock, refuses a number that would fork, and is durable before it returns. Call
it before a signature leaves the process, so that two people or programs with one file cannot both sign. A copy of the
file does not know the signatures of another copy; ask nodes for the key's head before you use a fresh copy.

A **node key** file has the roles' seeds either plain or sealed together, because nodes restart unattended:

    {"format": "accredit-node-keys", "version": 1, "name": "node1.example.org", "public": {"peer": "<hex>", ...},
     "seeds": {"peer": "<hex>", "log": ..., "witness": ..., "state": ...}}           or "sealed": {...}

A fifth key, for the formats of other ecosystems, is derived from them (`NodeKeys.web`).

Both must be readable by their owner only; a more open file is refused, with the command that corrects it. Neither is
ever overwritten. This module does not keep secrets out of the process's memory, or defend against its own user.
"""

import json
import shlex
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id
from nacl.secret import SecretBox
from nacl.utils import random as random_bytes

from accredit.registry.encoding.ed25519 import SEED_BYTES, KeyPair, Signer, key_id, public_of
from accredit.registry.errors import InputError, RefusedError

from .atomic_files import create_file, folder_lock, read_file, write_atomically

ROLES: Final = ("peer", "log", "witness", "state")

_WEB: Final = b"accredit web key"
"""The purpose in the derivation of the web key's seed (BLAKE2b's `person`, 16 bytes)."""

_AUTHORITY_FORMAT: Final = "accredit-authority-key"
_NODE_FORMAT: Final = "accredit-node-keys"
_VERSION: Final = 1
_KDF: Final = "argon2id13"
_ID_BYTES: Final = 32
_FILE_BYTES_MAX: Final = 64 * 1024  # ours have some 1 kB


@dataclass(frozen=True, slots=True, kw_only=True)
class KdfLimits:
    """Work of argon2id (RFC 9106): passes, and bytes of memory. Written into the file, so that they can change."""

    opslimit: int
    memlimit: int


MODERATE: Final = KdfLimits(opslimit=argon2id.OPSLIMIT_MODERATE, memlimit=argon2id.MEMLIMIT_MODERATE)
"""libsodium's "moderate": 3 passes over 256 MiB, some 0.7 s."""
INTERACTIVE: Final = KdfLimits(opslimit=argon2id.OPSLIMIT_INTERACTIVE, memlimit=argon2id.MEMLIMIT_INTERACTIVE)
"""What libsodium calls interactive: 64 MiB, some 0.1 s. For temporary keys."""

FASTEST: Final = KdfLimits(opslimit=argon2id.OPSLIMIT_MIN, memlimit=argon2id.MEMLIMIT_MIN)
"""The least that libsodium accepts. For tests, and for random seeds; too little for a person's passphrase."""
# What we accept from a file: libsodium's "sensitive" (4 passes, 1 GiB), passes with room. A forged file must not
# make a machine allocate terabytes.
_HARDEST: Final = KdfLimits(opslimit=16, memlimit=argon2id.MEMLIMIT_SENSITIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sealed:
    """A secret under a passphrase."""

    salt: bytes
    limits: KdfLimits
    box: bytes

    @classmethod
    def seal(cls, secret: bytes, passphrase: str, limits: KdfLimits) -> "_Sealed":
        if not passphrase:
            raise InputError(
                "empty_passphrase", "The passphrase is empty.", hint="Choose a passphrase of several words."
            )
        salt = random_bytes(argon2id.SALTBYTES)
        box = SecretBox(_derive(passphrase, salt, limits)).encrypt(secret)
        return cls(salt=salt, limits=limits, box=bytes(box))

    def open(self, passphrase: str, path: Path) -> bytes:
        try:
            return SecretBox(_derive(passphrase, self.salt, self.limits)).decrypt(self.box)
        except CryptoError as error:
            raise InputError(
                "wrong_passphrase",
                f"This is not the passphrase of {path}.",
                hint="Try again; upper and lower case and spaces matter.",
            ) from error

    def to_json(self) -> dict[str, Any]:
        return {
            "kdf": _KDF,
            "salt": self.salt.hex(),
            "opslimit": self.limits.opslimit,
            "memlimit": self.limits.memlimit,
            "box": self.box.hex(),
        }

    @classmethod
    def from_json(cls, members: Any) -> "_Sealed":
        limits = KdfLimits(opslimit=members["opslimit"], memlimit=members["memlimit"])
        _require(members["kdf"] == _KDF, f"sealed.kdf {_KDF}")
        _require(type(limits.opslimit) is int and 1 <= limits.opslimit <= _HARDEST.opslimit, "a usual sealed.opslimit")
        _require(
            type(limits.memlimit) is int and FASTEST.memlimit <= limits.memlimit <= _HARDEST.memlimit,
            "a usual sealed.memlimit",
        )
        box = bytes.fromhex(members["box"])
        _require(len(box) > SecretBox.NONCE_SIZE + SecretBox.MACBYTES, "a sealed.box")
        return cls(salt=_octets(members["salt"], argon2id.SALTBYTES, "sealed.salt"), limits=limits, box=box)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSigned:
    """The newest statement a key signed: its running number from 1, and its id of 32 bytes."""

    seq: int
    id: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedKey:
    """One key of an authority, as in its file; the seed stays sealed.

    Attributes:
        path: the file.
        label: the owner's name for it.
        authority: id of the authority it speaks for.
        ecosystem: the genesis statement's id, 32 bytes; None for a key made before there is one.
        key: key id, 32 bytes.
        public: 32 bytes.
        last: its last signed statement, as far as this file knows.
    """

    path: Path
    label: str
    authority: str
    ecosystem: bytes | None
    key: bytes
    public: bytes
    last: LastSigned | None
    _sealed: _Sealed = field(repr=False)

    @classmethod
    def create(
        cls,
        path: Path,
        seed: bytes,
        passphrase: str,
        *,
        label: str,
        authority: str,
        ecosystem: bytes | None = None,
        limits: KdfLimits = MODERATE,
    ) -> "SealedKey":
        """Seal `seed` (32 random bytes; `new_seed()`) into a new file.

        Raises:
            InputError: `file_exists`, `empty_passphrase`.
            StorageError: it cannot be written.
        """
        assert len(seed) == SEED_BYTES
        public = public_of(seed)
        made = cls(
            path=path,
            label=label,
            authority=authority,
            ecosystem=ecosystem,
            key=key_id(public),
            public=public,
            last=None,
            _sealed=_Sealed.seal(seed, passphrase, limits),
        )
        create_file(path, made._encode())
        return made

    @classmethod
    def load(cls, path: Path) -> "SealedKey":
        """Read a key file; its public part needs no passphrase.

        Raises:
            InputError: `no_such_file`, `open_permissions`, `key_file_corrupt`.
        """
        members = _load(path, _AUTHORITY_FORMAT)
        try:
            public = _octets(members["public"], _ID_BYTES, "public")
            last = members["last"]
            found = cls(
                path=path,
                label=_text(members["label"], "label"),
                authority=_text(members["authority"], "authority"),
                ecosystem=None
                if members["ecosystem"] is None
                else _octets(members["ecosystem"], _ID_BYTES, "ecosystem"),
                key=_octets(members["key"], _ID_BYTES, "key"),
                public=public,
                last=None
                if last is None
                else LastSigned(seq=last["seq"], id=_octets(last["id"], _ID_BYTES, "last.id")),
                _sealed=_Sealed.from_json(members["sealed"]),
            )
            _require(found.key == key_id(public), "the key id of its public key")
            _require(found.last is None or (type(found.last.seq) is int and found.last.seq > 0), "last.seq from 1")
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise _corrupt(path, error) from error
        return found

    def unlock(self, passphrase: str) -> bytes:
        """Return the 32-byte seed.

        Raises:
            InputError: `wrong_passphrase`; `key_file_corrupt` where the file names another public key.
        """
        seed = self._sealed.open(passphrase, self.path)
        if len(seed) != SEED_BYTES or public_of(seed) != self.public:
            raise _corrupt(self.path, ValueError("the seed of its public key"))
        return seed

    def guard(self, seq: int, id: bytes) -> None:
        """Refuse a number that would fork the key: one below the last, or the last one for another statement.

        The same statement may be signed again: signatures are deterministic. A gap is no fork: another copy signed.

        Raises:
            RefusedError: `would_fork`.
        """
        if self.last is None or seq > self.last.seq or (seq == self.last.seq and id == self.last.id):
            return
        raise RefusedError(
            "would_fork",
            f"The key {self.label or self.key.hex()} has already signed number {self.last.seq} (statement "
            f"{self.last.id.hex()}), so it cannot sign {id.hex()} as number {seq}.",
            hint=f"Draft it again as number {self.last.seq + 1} or later, with that statement as `prev`.",
        )

    @staticmethod
    def record_last(path: Path, seq: int, id: bytes) -> "SealedKey":
        """Note in the file that `(seq, id)` is being signed; call it before the signature leaves the process.

        For several statements at once the last one is enough: numbers only rise.

        Raises:
            RefusedError: `would_fork`, by the file's present content, not by what was loaded earlier.
            StorageError: it cannot be written; then the signature must not leave.
        """
        assert seq > 0
        assert len(id) == _ID_BYTES
        with folder_lock(path.parent):
            current = SealedKey.load(path)
            current.guard(seq, id)
            updated = replace(current, last=LastSigned(seq=seq, id=id))
            write_atomically(path, updated._encode())
        return updated

    def _encode(self) -> bytes:
        return _encode(
            {
                "format": _AUTHORITY_FORMAT,
                "version": _VERSION,
                "label": self.label,
                "authority": self.authority,
                "ecosystem": self.ecosystem.hex() if self.ecosystem is not None else None,
                "key": self.key.hex(),
                "public": self.public.hex(),
                "sealed": self._sealed.to_json(),
                "last": {"seq": self.last.seq, "id": self.last.id.hex()} if self.last else None,
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeKeys:
    """A node's signers, one for each role. A file gives key pairs; an agent or a device may stand in for any.

    Attributes:
        name: the node's name, which is its log's origin.
        peer: signs gossip frames.
        log: signs its checkpoints.
        witness: cosigns other logs' checkpoints.
        state: cosigns state notes.
        web: signs what programs of other ecosystems read; the charter does not know it. In a file it is derived from
            the seed of `peer`, so that files written before there was such a role have it too.
    """

    name: str
    peer: Signer = field(repr=False)
    log: Signer = field(repr=False)
    witness: Signer = field(repr=False)
    state: Signer = field(repr=False)
    web: Signer = field(repr=False)

    @classmethod
    def of_seeds(cls, name: str, seeds: Mapping[str, bytes]) -> "NodeKeys":
        """Return key pairs in memory, of a secret seed of 32 bytes for each of `ROLES`."""
        signers: dict[str, Signer] = {role: KeyPair(seeds[role]) for role in ROLES}
        web = blake2b(digest_size=SEED_BYTES, key=seeds["peer"], person=_WEB).digest()
        return cls(name=name, **signers, web=KeyPair(web))

    @classmethod
    def create(
        cls,
        path: Path,
        name: str,
        *,
        passphrase: str | None = None,
        seeds: "dict[str, bytes] | None" = None,
        limits: KdfLimits = MODERATE,
    ) -> "NodeKeys":
        """Write a new file, with fresh random seeds unless given.

        Raises:
            InputError: `file_exists`, `empty_passphrase`.
            StorageError: it cannot be written.
        """
        seeds = seeds or {role: new_seed() for role in ROLES}
        assert len({*seeds.values()}) == len(ROLES), "a key has one role"
        made = cls.of_seeds(name, seeds)
        plain = {role: seeds[role].hex() for role in ROLES}
        members: dict[str, Any] = {
            "format": _NODE_FORMAT,
            "version": _VERSION,
            "name": name,
            "public": {role: public.hex() for role, public in made.publics().items()},
        }
        if passphrase is None:
            members["seeds"] = plain
        else:
            members["sealed"] = _Sealed.seal(_encode(plain), passphrase, limits).to_json()
        create_file(path, _encode(members))
        return made

    @classmethod
    def load(cls, path: Path, passphrase: str | None = None) -> "NodeKeys":
        """Read a file.

        Raises:
            InputError: `no_such_file`, `open_permissions`, `key_file_corrupt`, `passphrase_needed`, `wrong_passphrase`,
                `not_sealed`.
        """
        if not path.exists():
            raise InputError(
                "no_such_file",
                f"The node's keys, {path}, are not there.",
                hint="Put your copy of the file back. Without one: accredit node join --replaces, with new keys.",
            )
        members = _load(path, _NODE_FORMAT)
        try:
            sealed = _Sealed.from_json(members["sealed"]) if "sealed" in members else None
            if sealed is not None and passphrase is None:
                raise InputError(
                    "passphrase_needed",
                    f"The keys in {path} are sealed.",
                    hint="Set keys_passphrase_file in the node's configuration to the file with the passphrase.",
                )
            if sealed is None and passphrase is not None:
                raise InputError(
                    "not_sealed",
                    f"The keys in {path} are not sealed: whoever reads the file has them, and the passphrase has no "
                    "effect.",
                    hint="Take keys_passphrase_file out of the configuration, or use a sealed file "
                    "(accredit node init --seal FILE).",
                )
            seeds = json.loads(sealed.open(passphrase or "", path)) if sealed is not None else members["seeds"]
            octets = {role: _octets(seeds[role], SEED_BYTES, f"seeds.{role}") for role in ROLES}
            found = cls.of_seeds(_text(members["name"], "name"), octets)
            for role, public in found.publics().items():
                _require(members["public"][role] == public.hex(), f"the seed of its public {role} key")
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise _corrupt(path, error) from error
        return found

    def publics(self) -> dict[str, bytes]:
        """The public keys, 32 bytes each, by role: `keys` of the node's entry in the charter."""
        return {
            "peer": self.peer.public_key,
            "log": self.log.public_key,
            "witness": self.witness.public_key,
            "state": self.state.public_key,
        }


def new_seed() -> bytes:
    """32 fresh random bytes."""
    return random_bytes(SEED_BYTES)


def _derive(passphrase: str, salt: bytes, limits: KdfLimits) -> bytes:
    typed = unicodedata.normalize("NFC", passphrase).encode()
    return argon2id.kdf(SecretBox.KEY_SIZE, typed, salt, opslimit=limits.opslimit, memlimit=limits.memlimit)


def _encode(members: dict[str, Any]) -> bytes:
    return (json.dumps(members, indent=2, ensure_ascii=False) + "\n").encode()


def _load(path: Path, format: str) -> dict[str, Any]:
    data = read_file(path, "the key file")
    mode = path.stat().st_mode
    if mode & 0o077:
        raise InputError(
            "open_permissions",
            f"{path} can be read or changed by others than its owner (mode {mode & 0o777:03o}).",
            hint=f"Run: chmod 600 {shlex.quote(str(path))}",
        )
    try:
        _require(len(data) <= _FILE_BYTES_MAX, "a small file")
        members = json.loads(data)
        _require(type(members) is dict and members.get("format") == format, f'"format": "{format}"')
        if members.get("version") != _VERSION:
            raise InputError(
                "key_file_version",
                f"{path} has a different format version; this program knows version {_VERSION}.",
                hint="Use the program that wrote it, or a newer one.",
            )
    except (ValueError, RecursionError) as error:
        raise _corrupt(path, error) from error
    result: dict[str, Any] = members
    return result


def _corrupt(path: Path, error: Exception) -> InputError:
    missing = f"the member {error}" if isinstance(error, KeyError) else str(error)
    return InputError(
        "key_file_corrupt",
        f"{path} is not a valid key file (expected: {missing}).",
        hint="Restore it from your backup of the key; ask a node for the key's newest statement before signing again.",
    )


def _require(condition: bool, expected: str) -> None:
    if not condition:
        raise ValueError(expected)


def _octets(value: Any, length: int, name: str) -> bytes:
    _require(type(value) is str and len(value) == 2 * length, f"{name} of {length} bytes in hex")
    return bytes.fromhex(value)


def _text(value: Any, name: str) -> str:
    _require(type(value) is str, f"{name} as text")
    return str(value)
