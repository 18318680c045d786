"""Makes rows of a list of issuers one by one, then compares them.

`take` makes a row (`row.Row`). `merge` compares all rows: if one issuer has two names, all its rows are refused,
because only a person can tell which name is right.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from accredit.cli.base.real_lists import check_real_lists
from accredit.cli.importers.damage import find_damage
from accredit.cli.importers.findings import ImportFinding
from accredit.node import places
from accredit.node.lookalikes import port_meant
from accredit.registry.domain.issuers import check_register
from accredit.registry.encoding.cbor import encode
from accredit.registry.encoding.ed25519 import decode_multibase
from accredit.registry.encoding.identifiers import canonical_issuer
from accredit.registry.encoding.schema import link
from accredit.registry.errors import DecodeError
from accredit.registry.limits import STATEMENT_BYTES

from . import neighbours
from .row import READY, REFUSED, SAME, Row

_MULTIBASE: Final = re.compile(r"z[1-9A-HJ-NP-Za-km-z]{20,}", re.ASCII)
_TRIAL: Final = re.compile(
    r"(?i:\btesting$|\b(?:tests?|sandbox|demo|demonstration|example|playground|sandpit|plugfest\w*|staging)\b)|Test\b"
)
_TRIAL_ID: Final = re.compile(r"\b(?:test|testing|sandbox|demo|playground|staging)\b", re.IGNORECASE)
_HOST: Final = re.compile(r"(did:web:|https?://)([^:/?#%]+)", re.IGNORECASE)
_BODY_BYTES: Final = STATEMENT_BYTES - 2 * 1024  # the rest of a statement: two identifiers, digests, signature
_MEMBERS: Final = ("name", "url", "location")


def take(source: str, place: str, id: str, entry: Any) -> Row:
    """Return a row from an id and `{name, location, url}` as in the DCC lists.

    White space is removed at the ends of text, but not of identifiers: any difference makes another identifier.
    """
    name = entry.get("name") if isinstance(entry, Mapping) else None
    row = Row(source=source, place=place, id=id, name=name.strip() if isinstance(name, str) else "", result=READY)
    found: list[ImportFinding] = []
    body: dict[str, Any] = {}
    if isinstance(entry, Mapping) and (damaged := tuple(find_damage(entry))):
        return row.ended(REFUSED, *damaged)
    try:
        spelled = issuer_id(id, found)
        row = replace(row, id=spelled)
        body = _facts(spelled, entry, found)
        complete(body)
    except DecodeError as error:
        return row.ended(REFUSED, refusal(error), *found)
    return replace(row, body=body, findings=tuple(found + trial(row.name, row.id)))


def refusal(error: DecodeError) -> ImportFinding:
    """Return the finding for a row from its error."""
    text = error.message.removeprefix("body.").removeprefix("body: ")
    return ImportFinding(code=error.code, text=text, hint=error.hint or "Correct the list and import it again.")


def issuer_id(written: str, found: list[ImportFinding]) -> str:
    """Return the canonical spelling of an issuer's id; add findings about it to `found`.

    Raises:
        DecodeError: the id cannot name an issuer; the hint says what to do with the row.
    """
    try:
        spelled = canonical_issuer(written)
        if spelled.startswith("did:key:"):
            _check_did_key(spelled)
    except DecodeError as error:
        hint = punycoded(written) or error.hint
        raise DecodeError(
            error.code, error.message, hint=f"{hint} Correct the id in the list and import it again.".strip()
        ) from error
    if meant := port_meant(spelled):
        text = f"The number after the host in {spelled} is a part of its path. With a port it is {meant}."
        hint = "If its DID document is at that port, correct the id and import it again."
        found.append(ImportFinding(code="port_as_path", text=text, hint=hint))
    if spelled.startswith("https:"):
        found.append(
            ImportFinding(
                code="url_as_id",
                text="The id is a web address, not a DID. It is accepted, but applies only to credentials whose "
                "issuer is exactly this address.",
                hint="If its credentials name a DID, put that DID in the list and import the list again.",
            )
        )
    if spelled != written:
        found.append(
            ImportFinding(code="respelled", text=f"The id is written {written!r}; its canonical form is {spelled}.")
        )
    return spelled


def punycoded(written: str) -> str:
    """Return the right spelling of an id whose host name has letters beyond ASCII; empty for other faults."""
    import idna

    match = _HOST.match(written)
    if match is None or match[2].isascii():
        return ""
    try:
        spelled = match[1] + idna.encode(match[2], uts46=True).decode() + written[match.end() :]
        return f"Write its host name in punycode: {canonical_issuer(spelled)}."
    except (idna.IDNAError, DecodeError):
        return ""


def _check_did_key(did: str) -> None:
    """Check a W3C CCG did:key, which is a key in multibase. Decode Ed25519 keys; check only the alphabet of others."""
    key = did.removeprefix("did:key:")
    try:
        if key.startswith("z6Mk"):
            decode_multibase(key)
        elif _MULTIBASE.fullmatch(key) is None:
            raise DecodeError("not_a_key", "the part after did:key: is not a key in multibase form.")
    except DecodeError as error:
        raise DecodeError(
            "invalid_did", f"{did} is not a valid did:key: {error.message}", hint="A character is missing or wrong."
        ) from error


def pinned_keys(did: str) -> list[dict[str, Any]]:
    """Return the key in a did:key as the issuer's pinned key; empty for other ids, which contain no key."""
    key = did.removeprefix("did:key:")
    return [{"id": f"{did}#{key}", "public_key_multibase": key}] if did.startswith("did:key:") else []


def _facts(id: str, entry: Any, found: list[ImportFinding]) -> dict[str, Any]:
    if not isinstance(entry, Mapping):
        raise DecodeError("bad_entry", "The entry must be an object with a name.", hint='Write {"name": …, "url": …}.')
    doubled = entry.doubled() if hasattr(entry, "doubled") else []
    if doubled:
        raise DecodeError(
            "doubled_member",
            f"The entry gives {doubled[0]} twice, with different values.",
            hint="Remove the wrong one.",
        )
    name, url, location = (_text(entry, member, found) for member in _MEMBERS)
    if not name:
        raise DecodeError("missing_name", "The entry has no name.", hint="Add its name to the list.")
    body: dict[str, Any] = {"id": id, "name": name}
    if not url:
        found.append(
            ImportFinding(code="missing_url", text="The entry has no web site.", hint="Add one, for people to look at.")
        )
    elif (refusal := _refusal_of_url(url)) is not None:
        found.append(
            ImportFinding(code="bad_url", text=f"The web site {url!r} was left out: {refusal}", hint="Correct it.")
        )
    else:
        body["url"] = url
    if location:
        body |= place(location, found)
    if keys := pinned_keys(id):
        body["keys"] = keys
    others = sorted(str(member) for member in entry if member not in _MEMBERS)
    if others:
        found.append(
            ImportFinding(code="unknown_members", text=f"Left out because they are unknown: {', '.join(others)}.")
        )
    return body


def place(location: str, found: list[ImportFinding]) -> dict[str, Any]:
    """Return the members that follow from a location: its text under `ext`, and the jurisdiction if it is certain."""
    members: dict[str, Any] = {"ext": {"location": location}}
    code = places.jurisdiction(location)
    if code is None:
        text = f"No jurisdiction was taken from the location {location!r}."
        found.append(ImportFinding(code="unknown_place", text=text, hint=_place_hint(location)))
        return members
    if not places.is_whole(location, code):
        text = f"Only the country of the location {location!r} was recognised."
        found.append(ImportFinding(code="unknown_part", text=text, hint="Write the state as in Boston, MA, USA."))
    return {**members, "jurisdictions": [code]}


def _place_hint(location: str) -> str:
    """Return a hint with the right spelling, and why no country was taken; never the text that is already there."""
    last = location.rpartition(",")[2].strip()
    if places.is_ambiguous(last):
        return f"{last} is both a country and a state: add the country's name, as in Providence, RI, USA."
    if near := places.nearest_country(last):
        return f"{last!r} is unknown; did you mean {near}? You can also write its ISO code."
    return (
        f"{last!r} is not a known country: end the location with the country's English name or ISO code, as "
        "in Providence, RI, USA."
    )


def _text(entry: Mapping[str, Any], member: str, found: list[ImportFinding]) -> str:
    value = entry.get(member)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise DecodeError("bad_entry", f"The {member} is not text.", hint="Put it in quotes.")
    if value != value.strip():
        text = f"White space around the {member} {value!r} was removed."
        found.append(
            ImportFinding(
                code="space_removed", text=text, hint="You need not do anything; the keeper of the list may correct it."
            )
        )
    return unicodedata.normalize("NFC", value.strip())


def _refusal_of_url(url: str) -> str | None:
    try:
        link(url, "url")
    except DecodeError as error:
        return error.message.removeprefix("url: ")
    return None


def complete(body: Mapping[str, Any]) -> None:
    """Check a whole body of `issuer.register`.

    Raises:
        DecodeError: it breaks a rule, is too large for a statement, or cannot be CBOR (a fraction, half a character).
    """
    check_register(body)
    check_real_lists(body, "body")
    try:
        size = len(encode(dict(body)))
    except (TypeError, ValueError) as error:
        raise DecodeError(
            "not_encodable", f"The entry cannot be encoded ({error}).", hint="Use only text, whole numbers and lists."
        ) from error
    if size > _BODY_BYTES:
        raise DecodeError(
            "entry_too_large",
            f"The entry has {size:,} bytes; at most {_BODY_BYTES} are allowed.",
            hint="Shorten it.",
        )


def trial(name: str, id: str) -> list[ImportFinding]:
    """Return a finding if the name or id shows that this is a test entry and not a real issuer."""
    word = _TRIAL.search(name) or _TRIAL_ID.search(id)
    if word is None:
        return []
    text = f"{word[0]!r} in its name or id suggests a test entry, not an institution."
    return [ImportFinding(code="looks_like_trial", text=text, hint="--without-trials leaves such rows out.")]


# ------------------------------------------------------------------------------------------------ several rows together


def merge(rows: Sequence[Row]) -> list[Row]:
    """Return the rows in order, with each issuer ready at most once.

    Rows of one id that agree (in members that both have) become one; if they contradict each other, all of them are
    refused.
    """
    groups: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        if row.result == READY:
            groups.setdefault(row.id, []).append(index)
    merged = list(rows)
    for indices in groups.values():
        if len(indices) > 1:
            for index, row in zip(indices, _judge([rows[index] for index in indices]), strict=True):
                merged[index] = row
    return neighbours.remark(merged)


def _judge(rows: Sequence[Row]) -> list[Row]:
    """Compare the rows of one id, all ready."""
    bodies = [row.body or {} for row in rows]
    known: dict[str, Any] = {}
    for body in bodies:
        known = {**body, **known}
    differing = sorted({member for body in bodies for member in body if body[member] != known[member]})
    if "name" in differing:
        return [row.ended(REFUSED, _two_names(row, rows)) for row in rows]
    if differing:
        return [row.ended(REFUSED, _two_facts(row, rows, differing)) for row in rows]
    first = replace(rows[0], body=known)
    return [first, *(row.ended(SAME, _same_as(rows[0])) for row in rows[1:])]


def _two_names(row: Row, rows: Sequence[Row]) -> ImportFinding:
    others = "; ".join(f"{other.name!r} in {other.where}" for other in rows if other.name != row.name)
    text = f"The same id has different names: {row.name!r} here, {others}."
    return ImportFinding(
        code="two_names", text=text, hint="Find out which is right, remove the other, and import the list again."
    )


def _two_facts(row: Row, rows: Sequence[Row], members: Sequence[str]) -> ImportFinding:
    others = ", ".join(other.where for other in rows if other is not row)
    what = ", ".join("location" if member == "ext" else member for member in members if member != "jurisdictions")
    text = f"It is listed again, with a different {what or 'jurisdiction'}: {others}."
    return ImportFinding(
        code="two_facts", text=text, hint="Keep the right row, remove the other, and import the list again."
    )


def _same_as(first: Row) -> ImportFinding:
    return ImportFinding(code="repeated", text=f"The same issuer as in {first.where}; it is proposed only once.")
