"""Finds the passphrase, unlocks a key file, and signs drafts so that nothing is signed twice or lost.

Signed statements are first written to `<key file>.unsent`, then the key file stores the last number, and then they may
be sent; once a node has them, the file is deleted. It is created exclusively, so it is also the lock that keeps two
commands from using one key at once.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from accredit.cli.base import documents
from accredit.cli.base.file_argument import FILE
from accredit.cli.base.output import quoted, say
from accredit.node.files.atomic_files import create_file
from accredit.node.files.key_files import SealedKey
from accredit.node.files.secret_files import check_strength, read_passphrase
from accredit.registry.encoding.ed25519 import KeyPair, Signer, key_id
from accredit.registry.errors import DecodeError, InputError, NotYetError, RefusedError
from accredit.registry.statement import Draft, Unverified, decode, encode_signed

from .offline_files import Head, SignedStatements

TRIES: Final = 3
"""How often to ask for a mistyped passphrase; as in most programs that ask for one."""

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """The public part of a key.

    Attributes:
        last: its last statement by its file; None for an exported entry, which does not have it.
    """

    kid: bytes
    public: bytes
    authority: str
    label: str
    ecosystem: bytes | None
    last: Head | None
    is_secret: bool


def read_public(path: Path) -> PublicKey:
    """Read a key file, or the public entry that `accredit keys export` wrote of one.

    Raises:
        InputError, DecodeError: the file is neither; or a key file has open permissions.
    """
    if path.suffix == ".toml":
        entry = documents.convert(documents.read_file(path))
        key, authority = entry.get("key"), entry.get("authority")
        if not isinstance(key, dict) or not isinstance(key.get("public"), bytes) or not isinstance(authority, str):
            raise DecodeError(
                "not_a_key_entry", f"{path} is not a public key entry.", hint="accredit keys export writes one."
            )
        public = key["public"]
        return PublicKey(
            kid=key_id(public),
            public=public,
            authority=authority,
            label=str(key.get("label", "")),
            ecosystem=None,
            last=None,
            is_secret=False,
        )
    held = SealedKey.load(path)
    last = Head(seq=held.last.seq, id=held.last.id) if held.last else None
    return PublicKey(
        kid=held.key,
        public=held.public,
        authority=held.authority,
        label=held.label,
        ecosystem=held.ecosystem,
        last=last,
        is_secret=True,
    )


def new_passphrase_for(path: Path, passphrase_file: Path | None, *, known: tuple[str, ...] = ()) -> str:
    """Return a passphrase for a key that is being made: from the file, or asked for twice, until it is strong enough.

    Args:
        known: words that an attacker would try first, such as the key's label.

    Raises:
        InputError: there is neither a file nor a terminal; the one in the file is weak.
    """
    while True:
        passphrase = _asked_for(path, passphrase_file, confirm=True)
        try:
            check_strength(passphrase, known=known)
        except InputError as error:
            if passphrase_file is not None:
                raise InputError(error.code, f"{passphrase_file}: {error.message}", hint=error.hint) from None
            say(f"{error.message} {error.hint}", err=True)
            continue
        return passphrase


def _asked_for(path: Path, passphrase_file: Path | None, *, confirm: bool = False) -> str:
    if passphrase_file is not None:
        return read_passphrase(passphrase_file)
    if not sys.stdin.isatty():
        raise InputError(
            "no_passphrase",
            f"The passphrase of {path} is needed, and there is no terminal to ask on.",
            hint="Add --passphrase-file FILE or set ACCREDIT_PASSPHRASE_FILE.",
        )
    text: str = click.prompt(f"Passphrase of {path}", hide_input=True, confirmation_prompt=confirm, err=True)
    return text


def require_yes(question: str, *, yes: bool) -> None:
    """Ask for confirmation before anything is signed.

    Args:
        yes: it was confirmed on the command line.

    Raises:
        InputError: there is no terminal to ask. click.Abort: the answer was no.
    """
    if yes:
        return
    try:
        agreed = click.confirm(question, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise InputError(
            "not_confirmed",
            "Nothing was signed: it needs confirmation, and there is no terminal to ask on.",
            hint="Add --yes to sign without being asked.",
        ) from None
    if not agreed:
        raise click.Abort


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlockedKey:
    """An authority's unlocked key: it signs drafts, and its file stores the last one."""

    path: Path
    kid: bytes
    signer: Signer

    @classmethod
    def unlock(cls, path: Path, passphrase_file: Path | None) -> "UnlockedKey":
        """Open a key file.

        Raises:
            InputError: the passphrase is missing or wrong, or the file is not a key file.
        """
        from accredit.cli.base.output import progress

        if path.suffix == ".toml":
            raise InputError(
                "not_secret",
                f"{path} is a public key entry, which cannot sign.",
                hint="Give the key file itself, or add --offline FILE to sign on another machine.",
            )
        key = SealedKey.load(path)
        for left in reversed(range(TRIES if passphrase_file is None else 1)):
            passphrase = _asked_for(path, passphrase_file)
            try:
                with progress("Unlocking the key"):
                    return cls(path=path, kid=key.key, signer=KeyPair(key.unlock(passphrase)))
            except InputError as error:
                if error.code != "wrong_passphrase" or not left:
                    raise
                say(f"{error.message} {error.hint}", err=True)
        raise AssertionError("the last try returns or raises")

    def sign(self, drafts: Sequence[Draft], *, keep: Callable[[Sequence[bytes]], None]) -> list[bytes]:
        """Sign `drafts`, whose numbers rise. On return, `keep` has stored the result, and the key file the last one.

        Raises:
            RefusedError: the key file has already signed such a number; nothing is sent.
            DecodeError: a draft makes a malformed statement, or one that is too large.
        """
        first, last = drafts[0], drafts[-1]
        held = SealedKey.load(self.path).last
        if held is not None and (first.seq <= held.seq):
            raise RefusedError(
                "would_fork",
                f"This key has already signed number {held.seq}, so it cannot sign number {first.seq}.",
                hint="Make the request again: it was drafted before the key's last statement.",
            )
        raws = [encode_signed(draft, self.signer) for draft in drafts]
        keep(raws)
        try:
            SealedKey.record_last(self.path, last.seq, decode(raws[-1]).id)
        except RefusedError:
            unsent_path(self.path).unlink(missing_ok=True)
            raise
        return raws


def unsent_path(key_path: Path) -> Path:
    """Return the path of the statements that were signed with a key and not yet sent."""
    return key_path.with_name(key_path.name + ".unsent")


def write_unsent(key_path: Path, signed: SignedStatements, drafts: Sequence[Unverified] = ()) -> None:
    """Store signed statements until a node has them.

    Args:
        drafts: the same statements before they were signed.

    Raises:
        NotYetError: another command is signing with this key.
    """
    try:
        create_file(unsent_path(key_path), signed.encode(drafts).encode())
    except InputError:
        raise NotYetError(
            "key_in_use",
            f"Another command has signed with {key_path} and has not sent its statements yet.",
            hint="Wait for it; if it was interrupted, send its statements: "
            f"accredit submit {quoted(unsent_path(key_path))}",
        ) from None


def key_options(command: _F) -> _F:
    """Add `--key` and `--passphrase-file`."""
    for option in (
        click.option(
            "--passphrase-file",
            envvar="ACCREDIT_PASSPHRASE_FILE",
            type=FILE,
            help="File whose first line is the passphrase; default: ask on the terminal.",
        ),
        click.option(
            "--key",
            envvar="ACCREDIT_KEY",
            type=FILE,
            help="Your key file. [env ACCREDIT_KEY]",
        ),
    ):
        command = option(command)
    return command
