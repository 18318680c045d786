"""The status of a credential: whether its issuer has revoked or suspended it since (Bitstring Status List 1.0).

A credential names a list and its place in it. The list is a credential too, and judged like one: it must be by the
credential's own issuer (or the custodian of its records, or one that the verifier allows besides), and signed with a
key that the registry pins for that issuer and holds nothing against. A file must be about the very address that the
credential names; of what was fetched from there the issuers in the field state other ids as well.
Where it was fetched from shows nothing: whoever has the address of a school that closed could revoke its credentials,
or undo a revocation.

Of several lists about one address, the newest by its own date decides. So an older one beside it, in which a credential
is not revoked yet, changes nothing, wherever it comes from. But what the newest list of a
custodian revokes stays revoked, whatever the issuer's own says: one that is gone signs no more lists, and whoever has
its key could undo what its custodian has decided.
"""

import base64
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from accredit.registry.decision.issuer_keys import KeyState
from accredit.registry.encoding.rfc3339 import day
from accredit.registry.errors import AccreditError
from accredit.registry.limits import TIME_MIN

from .claims import CREDENTIALS, STATUS, CredentialClaims, StatusEntry, claims_of
from .contexts import ContextLoader
from .keys import IssuerKeys
from .outcomes import CheckOutcome, CheckStopped, CredentialCheck, failed, not_done
from .reading import ReadCredential, read

LIST_BYTES_MAX: Final = 16 * 2**20
"""Of one list, unpacked: 134 million entries. A guess. The fewest that the standard allows are 131,072, so that a
look-up tells little; lists in the field have 100,000, and say the truth all the same."""

PURPOSES: Final = ("revocation", "suspension")
_UNREADABLE_HINT: Final = "Ask the issuer whether the credential is still good."


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusFile:
    """A status list as a file: its bytes, and whether it was fetched from the address that it stands for."""

    raw: bytes
    was_fetched: bool


ListSignature = Callable[[ReadCredential, CredentialClaims], CredentialCheck]
"""Checks the signature of a status list, as `proofs.check_signature` does that of any credential."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusFiles:
    """The status lists at hand.

    Attributes:
        given: handed over by the user, with their names. fetched: by their address. why_not: by address, why not.
        others: ids of issuers whose lists count besides those of the credential's own.
        custodians: names of those who keep the records of the credential's issuer, by id; their lists count too.
    """

    given: Mapping[str, bytes]
    fetched: Mapping[str, bytes]
    why_not: Mapping[str, str]
    others: Collection[str] = ()
    custodians: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSigner:
    """What is known of whoever signed a status list.

    Attributes:
        keys: of its issuer. reasons: of the registry's answer about the key that signed, as of the list's date; each
            with its `code` and `text`.
    """

    keys: IssuerKeys = field(default_factory=IssuerKeys)
    reasons: Sequence[Mapping[str, str]] = ()


SignerKey = tuple[str, str, str]
"""What the registry is asked about a list: its issuer, its verification method, its date as RFC 3339 or empty."""

_AGAINST: Final = frozenset({*(str(one.value) for one in KeyState), "key_unanchored"}) - {"good", "no_pinned_keys"}
"""Reason codes by which a key does not count for what it signed at a time."""


def signer_key(said: CredentialClaims, method: str) -> SignerKey:
    """Return what a list's signer is filed under."""
    return said.issuer, method, said.issued_on


def check_list_key(method: str, signer: ListSigner) -> None:
    """Check that the registry holds nothing against the key of a status list.

    A key that was stolen at any time signs no list that counts: the thief can date one back, and undo a revocation.

    Raises:
        CheckStopped: it does.
    """
    against = [one["text"] for one in signer.reasons if one["code"] in _AGAINST]
    if method in signer.keys.stolen:
        against.append(f"The key {method} was reported stolen.")
    if against:
        raise not_done("key_refused", against[0], "Get a list that the issuer signed with a key that counts.")


def check_status(
    said: CredentialClaims, files: StatusFiles, loader: ContextLoader, sign: ListSignature, now: int
) -> CredentialCheck:
    """Check every entry of a credential's status.

    Args:
        sign: checks the list's own signature. now: seconds since 1970.

    Raises:
        CheckStopped: it was revoked or suspended, or that cannot be told.
    """
    if not said.status:
        text = "It names no list where it could be revoked, so it cannot be revoked."
        return CredentialCheck(name="status", outcome=CheckOutcome.PASSED, code="no_status", text=text)
    open_: list[CheckStopped] = []
    found: list[_Standing] = []
    for entry in said.status:
        try:
            found.append(_check_entry(entry, said.issuer, files, loader, sign, now))
        except CheckStopped as stopped:
            if stopped.outcome is CheckOutcome.FAILED:
                raise
            open_.append(stopped)
    if open_:
        raise open_[0]
    # Who hands over a list may have kept one from before the revocation, so its date is told.
    dates = [one.dated for one in found if not one.was_fetched and one.dated is not None]
    dated = f" of {day(min(dates))}" if dates else ""
    keepers = dict.fromkeys(one.keeper for one in found if one.keeper)
    kept = f", kept by its custodian {', '.join(keepers)}," if keepers else ""
    text = f"By its issuer's list{dated}{kept} it still stands."
    return CredentialCheck(name="status", outcome=CheckOutcome.PASSED, code="not_revoked", text=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """What one list says about one entry.

    Attributes:
        is_set: whether its bit is set. dated: the list's date, seconds since 1970, where it says one.
        keeper: the custodian whose list it is; empty for the issuer's own.
    """

    is_set: bool
    was_fetched: bool
    dated: int | None
    keeper: str = ""

    @property
    def weight(self) -> tuple[int, bool, bool]:
        """The list with the highest decides. Of two of one date, the one that was fetched is the later copy."""
        return TIME_MIN if self.dated is None else self.dated, self.was_fetched, self.is_set


def _check_entry(
    entry: StatusEntry, issuer: str, files: StatusFiles, loader: ContextLoader, sign: ListSignature, now: int
) -> _Standing:
    """Check one entry; return what the list that decides says.

    Raises:
        CheckStopped: it was revoked or suspended, or that cannot be told.
    """
    if entry.type != "BitstringStatusListEntry":
        raise not_done(
            "status_kind",
            f"Its status is of the kind {entry.type[:60] or '(unnamed)'}, which cannot be read here.",
            _UNREADABLE_HINT,
        )
    if entry.size not in ("", "1") or entry.purpose not in PURPOSES:
        what = entry.purpose if entry.purpose not in PURPOSES else f"statusSize {entry.size}"
        raise not_done(
            "status_purpose", f"Its status says something else than revoked or not ({what[:60]}).", _UNREADABLE_HINT
        )
    if not entry.index.isdecimal() or not entry.index.isascii() or len(entry.index) > 12:
        raise failed("bad_status", f"Its place in the status list is no number: {entry.index[:40]!r}.")
    told: list[_Standing] = []
    unusable: list[CheckStopped] = []
    for file, found, list_said in _lists_for(entry, files, loader):
        try:
            told.append(_standing_in(file, found, list_said, entry, issuer, files, sign, now))
        except CheckStopped as stopped:
            unusable.append(stopped)
    if not told:
        raise unusable[0]
    newest = max(told, key=lambda one: one.weight)
    kept = max((one for one in told if one.keeper), key=lambda one: one.weight, default=newest)
    if kept.is_set:
        newest = kept
    if newest.is_set:
        word = {"revocation": "revoked", "suspension": "suspended"}[entry.purpose]
        who = f"{newest.keeper}, the custodian of its issuer's records," if newest.keeper else "Its issuer"
        raise failed(word, f"{who} has {word} it.", "Ask the holder or the issuer why.")
    return newest


def _standing_in(
    file: StatusFile,
    found: ReadCredential,
    said: CredentialClaims,
    entry: StatusEntry,
    issuer: str,
    files: StatusFiles,
    sign: ListSignature,
    now: int,
) -> _Standing:
    """Return what one list says about an entry.

    Raises:
        CheckStopped: it does not count, or is too short.
    """
    bits = _bits_of(found, said, entry, (issuer, *files.custodians, *files.others), sign, now)
    at = int(entry.index)
    if at >= 8 * len(bits):
        raise not_done(
            "status_list_too_short",
            f"Its place {at} in the status list is beyond the end: the list has {8 * len(bits)} places, from 0.",
            _UNREADABLE_HINT,
        )
    return _Standing(
        is_set=bool(bits[at // 8] >> (7 - at % 8) & 1),
        was_fetched=file.was_fetched,
        dated=said.valid_from,
        keeper="" if said.issuer == issuer else files.custodians.get(said.issuer, ""),
    )


def _lists_for(
    entry: StatusEntry, files: StatusFiles, loader: ContextLoader
) -> list[tuple[StatusFile, ReadCredential, CredentialClaims]]:
    """Return all lists at hand that are about the address that an entry names, at least one.

    Raises:
        CheckStopped: there is none, or the only one cannot be read.
    """
    url = entry.list_url
    about: list[tuple[StatusFile, ReadCredential, CredentialClaims]] = []
    others = []
    unread: CheckStopped | None = None
    if url in files.fetched:
        file = StatusFile(raw=files.fetched[url], was_fetched=True)
        try:
            found = _read_list(file.raw, url)
            about.append((file, found, _said(found, loader)))
        except CheckStopped as stopped:
            unread = stopped
    for name, raw in files.given.items():
        try:
            found = _read_list(raw, name)
            said = _said(found, loader)
        except CheckStopped as stopped:
            others.append(str(stopped).rstrip("."))
            continue
        if said.statements.root == url:
            about.append((StatusFile(raw=raw, was_fetched=False), found, said))
        else:
            others.append(f"{name} is about {said.statements.root[:200]}")
    if about:
        return about
    if unread is not None:
        raise unread
    if url in files.why_not:
        raise not_done(
            "status_not_fetched", f"Its status list could not be fetched: {files.why_not[url]}", "Try again later."
        )
    more = f" ({'; '.join(others)})." if others else "."
    raise not_done(
        "status_list_missing",
        f"Whether it was revoked stands in {url[:300]}, which is not at hand{more}",
        "Add --fetch to fetch the status list, or download it yourself: --status-list FILE",
    )


def _read_list(raw: bytes, name: str) -> ReadCredential:
    try:
        return read(raw)[0]
    except AccreditError as error:
        raise not_done(
            "bad_status_list", f"The status list {name[:200]} cannot be read: {error.message}", _UNREADABLE_HINT
        ) from None


def _said(found: ReadCredential, loader: ContextLoader) -> CredentialClaims:
    try:
        return claims_of(found, loader)
    except CheckStopped as stopped:
        raise not_done("bad_status_list", f"The status list cannot be relied on: {stopped}", stopped.hint) from None


def _bits_of(
    found: ReadCredential,
    said: CredentialClaims,
    entry: StatusEntry,
    allowed: Collection[str],
    sign: ListSignature,
    now: int,
) -> bytes:
    """The bits of a list, once it is known to be the right one."""
    if not any(one.removeprefix(STATUS) == "BitstringStatusListCredential" for one in said.types):
        raise not_done(
            "not_a_status_list", "What stands at the address of its status list is no status list.", _UNREADABLE_HINT
        )
    if said.issuer not in allowed:
        raise not_done(
            "anothers_status_list",
            f"The status list is by {said.issuer[:200]}, and the credential by another issuer.",
            "If its issuer told you that this one keeps its lists: --status-issuer ID. Of an issuer that closed, those "
            "of a custodian count that its accreditor has named (custodian_for).",
        )
    try:
        sign(found, said)
    except CheckStopped as stopped:
        raise not_done(
            "unsigned_status_list", f"The status list cannot be relied on: {stopped}", stopped.hint
        ) from None
    if said.valid_from is not None and said.valid_from > now:
        raise not_done(
            "status_list_dates", f"The status list is valid from {day(said.valid_from)} on.", _UNREADABLE_HINT
        )
    if said.valid_until is not None and said.valid_until <= now:
        raise not_done(
            "status_list_dates",
            f"The status list was valid until {day(said.valid_until)}.",
            "Get the present one: --fetch",
        )
    statements = said.statements
    subjects = statements.values(statements.root, f"{CREDENTIALS}credentialSubject")
    if len(subjects) != 1:
        raise not_done("bad_status_list", "The status list does not hold exactly one list.", _UNREADABLE_HINT)
    if entry.purpose not in statements.values(subjects[0], f"{STATUS}statusPurpose"):
        raise not_done("status_purpose", f"The status list is not about {entry.purpose}.", _UNREADABLE_HINT)
    encoded = statements.values(subjects[0], f"{STATUS}encodedList")
    if len(encoded) != 1:
        raise not_done("bad_status_list", "The status list does not hold exactly one list.", _UNREADABLE_HINT)
    return unpacked(encoded[0])


def unpacked(encoded: str) -> bytes:
    """Return the bits of an `encodedList`: multibase base64url (or, by the older form, without the `u`) of gzip.

    Raises:
        CheckStopped: it is none, or of a size that no list has.
    """
    text = encoded.removeprefix("u")
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        bits = unpacker.decompress(packed, LIST_BYTES_MAX + 1)
    except (ValueError, zlib.error):
        raise not_done("bad_status_list", "The bits of the status list cannot be unpacked.", _UNREADABLE_HINT) from None
    if len(bits) > LIST_BYTES_MAX:
        raise not_done(
            "status_list_bomb", f"The status list unpacks to more than {LIST_BYTES_MAX // 2**20} MiB.", _UNREADABLE_HINT
        )
    if not unpacker.eof or unpacker.unused_data:
        raise not_done(
            "bad_status_list", "The bits of the status list are not of the length that they say.", _UNREADABLE_HINT
        )
    return bits
