"""Files for a machine without a network: requests to sign, and signed statements.

A *request* holds, for each statement, the exact draft in CBOR and a reading of it for people; a *signed file* holds the
statements. Both are JSON:

    {"format": "accredit-request/1", "ecosystem_name", "ecosystem": hex | null, "key": hex, "authority",
     "head": {"seq", "id"} | null, "drafts": [{"reading": {…}, "cbor": hex}], "votes_on": [hex]}
    {"format": "accredit-signed/1", "ecosystem_name", "ecosystem": hex, "statements": [{"reading": {…}, "cose": hex}]}

The signer signs the CBOR, so the reading is made again from it and must equal the one in the file: a request whose text
and bytes differ is refused. `votes_on` holds the proposals that votes among the drafts name by digest, as they were
signed, so that they can be read without a network (`ballot_paper`). A signed file that
holds a `charter.genesis` is a *ceremony file*: founders add their votes to it, one after the other, until it is
published.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

import msgspec

from accredit.cli.base.documents import parse_json, read_bytes, render
from accredit.cli.base.output import plain
from accredit.governance.index.key_entries import next_number
from accredit.governance.rules.rulebook import check_body
from accredit.node.views.json_views import format_time
from accredit.registry.encoding.cbor import decode as decode_cbor
from accredit.registry.encoding.cbor import encode as encode_cbor
from accredit.registry.encoding.counts import many
from accredit.registry.errors import DecodeError, RefusedError
from accredit.registry.statement import Draft, Unverified, as_unverified, decode

REQUEST: Final = "accredit-request/1"
SIGNED: Final = "accredit-signed/1"
_DRAFT_MEMBERS: Final = tuple(field.name for field in fields(Draft))


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A key's newest statement: its number and id."""

    seq: int
    id: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningRequest:
    """Statements to be signed by one key.

    Attributes:
        ecosystem: id of the genesis; None if the genesis itself is to be signed.
        ecosystem_name: only for people; not checked.
        key: id of the key that shall sign.
        authority: id of the authority it speaks for.
        head: the key's newest statement when the request was made; None if it has made none.
        drafts: to be signed, in order.
        votes_on: the statements that votes among the drafts name, as they were signed.
    """

    ecosystem: bytes | None
    ecosystem_name: str
    key: bytes
    authority: str
    head: Head | None
    drafts: tuple[Draft, ...]
    votes_on: tuple[bytes, ...] = ()

    def encode(self) -> str:
        """Return the text of the request file."""
        return _json(
            {
                "format": REQUEST,
                "to_sign": "Take this file to the machine that holds the key and run there: accredit sign FILE",
                "ecosystem_name": self.ecosystem_name,
                "ecosystem": self.ecosystem,
                "authority": self.authority,
                "key": self.key,
                "head": None if self.head is None else {"seq": self.head.seq, "id": self.head.id},
                "drafts": [{"reading": reading(draft), "cbor": encode_draft(draft)} for draft in self.drafts],
                "votes_on": list(self.votes_on),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedStatements:
    """Statements that have been signed and may still have to be sent."""

    ecosystem: bytes
    ecosystem_name: str
    statements: tuple[bytes, ...]

    def encode(self, drafts: Sequence[Unverified] = ()) -> str:
        """Return the text of the signed file.

        Args:
            drafts: the same statements before they were signed, where they are at hand: they are not read again then.
        """
        read = drafts or [decode(raw) for raw in self.statements]
        readings = [(reading(said), said.id, raw) for raw, said in zip(self.statements, read, strict=True)]
        return _json(
            {
                "format": SIGNED,
                "to_send": "Take this file to a machine with a network and run there: accredit submit FILE",
                "ecosystem_name": self.ecosystem_name,
                "ecosystem": self.ecosystem,
                "statements": [{"id": id_, "reading": text, "cose": raw} for text, id_, raw in readings],
            }
        )


def at_a_glance(drafts: Sequence[Draft]) -> list[dict[str, Any]]:
    """Return readings of drafts for a screen. A vote on many proposals needs several statements, and is shown once.

    It shows only how many proposals a vote names; the ballot paper shows the proposals themselves.
    """
    groups: list[list[Draft]] = []
    for draft in drafts:
        is_more = (
            groups
            and draft.kind.startswith("vote.")
            and _apart_from_targets(groups[-1][0]) == (_apart_from_targets(draft))
        )
        if is_more:
            groups[-1].append(draft)
        else:
            groups.append([draft])
    return [_told_once(group) for group in groups]


def _apart_from_targets(draft: Draft) -> Draft:
    body = {name: value for name, value in draft.body.items() if name != "targets"}
    return replace(draft, seq=0, prev=None, body=body)


def _told_once(group: Sequence[Draft]) -> dict[str, Any]:
    told = reading(group[0])
    if not group[0].kind.startswith("vote."):
        return told
    named = sum(len(draft.body["targets"]) for draft in group)
    said = {**told, "body": {**told["body"], "targets": f"{many(named, 'proposal')}, listed below"}}
    if len(group) > 1:
        said["number"] = f"{group[0].seq} to {group[-1].seq}, {many(len(group), 'statement')} of one vote"
    return said


def encode_draft(draft: Draft) -> bytes:
    """Return a draft as deterministic CBOR, a map of its members."""
    return encode_cbor({name: getattr(draft, name) for name in _DRAFT_MEMBERS})


def decode_draft(raw: bytes, where: str) -> Draft:
    """The inverse of `encode_draft`, its body checked against the rulebook.

    Raises:
        DecodeError: the bytes are not a draft, or its body does not have the shape of its kind.
    """
    content = decode_cbor(raw, what=where)
    if type(content) is not dict or set(content) != set(_DRAFT_MEMBERS):
        raise DecodeError("not_a_draft", f"{where} is not a draft.", hint="Make the request again.")
    _require_types(content, where)
    check_body(content["kind"], content["body"])
    return Draft(**content)


def _require_types(content: Mapping[str, Any], where: str) -> None:
    types = {"iss": str, "sub": str, "kind": str, "iat": int, "seq": int, "body": dict}
    for name, kind in types.items():
        if type(content[name]) is not kind:
            raise DecodeError("not_a_draft", f"{where}: {name} has the wrong type.", hint="Make the request again.")
    for name in ("eco", "prev", "mandate"):
        if content[name] is not None and (type(content[name]) is not bytes or len(content[name]) != 32):
            raise DecodeError("not_a_draft", f"{where}: {name} is not an id.", hint="Make the request again.")


def reading(draft: Draft) -> dict[str, Any]:
    """Return the content of a draft or statement for people, with every member."""
    return {
        "kind": draft.kind,
        "by": draft.iss,
        "about": draft.sub,
        "said": format_time(draft.iat),
        "number": draft.seq,
        "follows": draft.prev.hex() if draft.prev else None,
        "ecosystem": draft.eco.hex() if draft.eco else None,
        "mandate": draft.mandate.hex() if draft.mandate else None,
        "body": plain(render(draft.body)),
    }


def after(draft: Draft, key: bytes) -> tuple[Head, int]:
    """Return the key's head after it has signed `draft`, and the next number.

    Raises:
        DecodeError: the draft makes a malformed statement, or one that is too large.
    """
    statement = as_unverified(draft, key)
    return Head(seq=draft.seq, id=statement.id), next_number(statement)


def decode_request(text: str, source: str) -> SigningRequest:
    """Read a request file.

    Raises:
        DecodeError: it is not one.
        RefusedError: its text and its bytes differ, or its drafts do not follow each other.
    """
    table = parse_json(text, source)
    _require_format(table, REQUEST, source)
    try:
        head = table["head"] and Head(seq=int(table["head"]["seq"]), id=bytes.fromhex(table["head"]["id"]))
        raws = [(entry["reading"], bytes.fromhex(entry["cbor"])) for entry in table["drafts"]]
        request = SigningRequest(
            ecosystem=table["ecosystem"] and bytes.fromhex(table["ecosystem"]),
            ecosystem_name=str(table["ecosystem_name"]),
            key=bytes.fromhex(table["key"]),
            authority=str(table["authority"]),
            head=head or None,
            drafts=tuple(decode_draft(raw, f"{source}: draft {at}") for at, (_, raw) in enumerate(raws, 1)),
            votes_on=tuple(bytes.fromhex(raw) for raw in table.get("votes_on", ())),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DecodeError(
            "not_a_request", f"{source}: a member is missing or has the wrong type ({error}).", hint="Make it again."
        ) from error
    for at, (draft, (said, _)) in enumerate(zip(request.drafts, raws, strict=True), 1):
        if reading(draft) != said:
            raise RefusedError(
                "request_differs",
                f"{source}: draft {at} shows something other than what would be signed. Somebody changed this file.",
                hint="Do not sign it; ask for a new request, from another machine.",
            )
    _require_sequence(request, source)
    return request


def _require_sequence(request: SigningRequest, source: str) -> None:
    head, number = request.head, None
    for at, draft in enumerate(request.drafts, 1):
        fits = draft.prev == (head.id if head else None) and draft.eco == request.ecosystem
        if not fits or draft.iss != request.authority or (number is not None and draft.seq != number):
            raise RefusedError(
                "request_differs",
                f"{source}: draft {at} does not follow the draft before it, or belongs to a different authority "
                "or ecosystem.",
                hint="Make the request again with --offline.",
            )
        head, number = after(draft, request.key)


def decode_signed(text: str, source: str) -> SignedStatements:
    """Read a signed file; the node (or `genesis_of`) checks the signatures.

    Raises:
        DecodeError: it is not one.
    """
    table = parse_json(text, source)
    _require_format(table, SIGNED, source)
    try:
        signed = SignedStatements(
            ecosystem=bytes.fromhex(table["ecosystem"]),
            ecosystem_name=str(table["ecosystem_name"]),
            statements=tuple(bytes.fromhex(entry["cose"]) for entry in table["statements"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DecodeError(
            "not_a_signed_file",
            f"{source}: a member is missing or has the wrong type ({error}).",
            hint="Copy it again.",
        ) from error
    for raw in signed.statements:
        decode(raw)
    return signed


def read_statements(path: Path) -> list[bytes]:
    """Return the statements in a signed file, or in a file that is one COSE_Sign1."""
    raw = read_bytes(path)
    if raw[:1] == b"\xd2":
        decode(raw)
        return [raw]
    return list(decode_signed(_text(raw, path), str(path)).statements)


def read_request(path: Path) -> SigningRequest:
    """Return the request in a file."""
    return decode_request(_text(read_bytes(path), path), str(path))


def read_ceremony(path: Path) -> SignedStatements:
    """Return a signed file that begins with a genesis, after checking the genesis' signature with its own key.

    Raises:
        DecodeError, RefusedError: the file is not one, or the genesis is invalid.
    """
    text = _text(read_bytes(path), path)
    if not text.lstrip().startswith("{"):
        raise DecodeError(
            "no_genesis", f"{path} holds no signed charter.", hint="Give the file that accredit charter sign wrote."
        )
    signed = decode_signed(text, str(path))
    genesis_of(signed.statements, str(path))
    return signed


def genesis_of(statements: Sequence[bytes], source: str) -> Unverified:
    """Check and return the genesis, which must be the first of `statements`.

    Raises:
        RefusedError: there is none, or its key is not in it.
    """
    from accredit.governance.authority.admission import Admission

    first = decode(statements[0]) if statements else None
    if first is None or first.kind != "charter.genesis":
        raise RefusedError(
            "no_genesis",
            f"{source} does not begin with a charter.genesis.",
            hint="Give the file that accredit charter sign wrote.",
        )
    return Admission(first.id).admit(first)


def _require_format(table: Mapping[str, Any], expected: str, source: str) -> None:
    if table.get("format") != expected:
        what = {REQUEST: "a request (made with --offline)", SIGNED: "a signed file (made by accredit sign)"}[expected]
        raise DecodeError(
            "wrong_format", f"{source} is not {what}: its format is {table.get('format')!r}, not {expected!r}."
        )


def _text(raw: bytes, path: Path) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise DecodeError("not_text", f"{path} is neither a statement nor JSON text.") from error


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(plain(value)), indent=1).decode() + "\n"
