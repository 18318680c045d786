"""Request and signed files: what is read is what is signed, whoever has had the file in his hands."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.cli.signing import offline_files
from accredit.cli.signing.offline_files import Head, SignedStatements, SigningRequest
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.errors import AccreditError, DecodeError, RefusedError
from accredit.registry.statement import Draft, encode_signed
from tests.strategies import bodies
from tests.strategies.consortium import Pen

PEN = Pen("requests", "did:web:board.example")
ECO = bytes(range(32))
HEAD = Head(seq=4, id=b"\x04" * 32)


def request_of(*says: tuple[str, str, dict[str, Any]]) -> SigningRequest:
    head, number, drafts = HEAD, 5, []
    for kind, sub, body in says:
        draft = Draft(
            iss=PEN.authority, sub=sub, iat=1_700_000_000, eco=ECO, kind=kind, seq=number, prev=head.id, body=body
        )
        drafts.append(draft)
        head, number = offline_files.after(draft, PEN.kid)
    return SigningRequest(
        ecosystem=ECO, ecosystem_name="Example", key=PEN.kid, authority=PEN.authority, head=HEAD, drafts=tuple(drafts)
    )


REQUEST = request_of(
    ("issuer.register", bodies.ISSUER, bodies.register()), ("accreditation.grant", bodies.ISSUER, bodies.grant())
)


def test_a_request_reads_back_as_it_was_written() -> None:
    assert offline_files.decode_request(REQUEST.encode(), "r.json") == REQUEST


def test_a_request_shows_every_member_of_what_will_be_signed() -> None:
    shown = json.loads(REQUEST.encode())["drafts"][1]["reading"]
    assert shown["kind"] == "accreditation.grant"
    assert shown["by"] == PEN.authority
    assert shown["body"]["valid_from"] == "1970-01-01T00:00:00Z"
    assert shown["number"] == 6
    assert shown["ecosystem"] == ECO.hex()


def test_a_vote_on_thousands_is_shown_once_and_not_as_a_list_of_digests() -> None:
    votes = [
        ("vote.approve", ECO.hex(), {"targets": [bytes([part, at % 256, at // 256]) + bytes(29) for at in range(400)]})
        for part in range(3)
    ]
    other = ("vote.approve", ECO.hex(), {"targets": [bytes(32)], "reason_text": "checked"})
    request = request_of(*votes, other, ("issuer.register", bodies.ISSUER, bodies.register()))
    first, second, third = offline_files.at_a_glance(request.drafts)
    assert first["body"] == {"targets": "1,200 proposals, listed below"}
    assert first["number"] == "5 to 7, 3 statements of one vote"
    assert (second["body"]["targets"], second["number"]) == ("1 proposal, listed below", 8)
    assert third == offline_files.reading(request.drafts[-1]), "what is no vote is shown in full"


def changed(change: Callable[[dict[str, Any]], None]) -> str:
    table = json.loads(REQUEST.encode())
    change(table)
    return json.dumps(table)


def set_name(table: dict[str, Any]) -> None:
    table["drafts"][0]["reading"]["body"]["name"] = "Something harmless"


def swap_bytes(table: dict[str, Any]) -> None:
    evil = replace(REQUEST.drafts[0], body=bodies.register(name="Something evil"))
    table["drafts"][0]["cbor"] = offline_files.encode_draft(evil).hex()


def add_reading(table: dict[str, Any]) -> None:
    table["drafts"][0]["reading"]["note"] = "harmless"


def drop_first(table: dict[str, Any]) -> None:
    del table["drafts"][0]


def other_authority(table: dict[str, Any]) -> None:
    table["authority"] = "did:web:other.example"


def other_ecosystem(table: dict[str, Any]) -> None:
    table["ecosystem"] = "ff" * 32


@pytest.mark.parametrize("change", [set_name, swap_bytes, add_reading, drop_first, other_authority, other_ecosystem])
def test_a_request_whose_text_and_bytes_differ_is_refused(change: Callable[[dict[str, Any]], None]) -> None:
    with pytest.raises(RefusedError) as caught:
        offline_files.decode_request(changed(change), "r.json")
    assert caught.value.code == "request_differs"


@pytest.mark.parametrize("member", ["ecosystem", "key", "authority", "head", "drafts", "ecosystem_name", "format"])
def test_a_request_without_a_member_is_refused(member: str) -> None:
    with pytest.raises(DecodeError):
        offline_files.decode_request(changed(lambda table: table.pop(member)), "r.json")


@pytest.mark.parametrize(
    "content",
    [
        {"kind": "issuer.register"},
        [1],
        {"iss": 1, "sub": "x", "iat": 1, "eco": None, "kind": "vote.approve", "seq": 1, "prev": None, "body": {}},
        {"iss": "x", "sub": "x", "iat": 1, "eco": "x", "kind": "vote.approve", "seq": 1, "prev": None, "body": {}},
    ],
)
def test_bytes_that_are_no_draft_are_refused(content: Any) -> None:
    from accredit.registry.encoding.cbor import encode

    with pytest.raises(DecodeError):
        offline_files.decode_draft(encode(content), "draft 1")


@given(
    st.recursive(st.none() | st.text(max_size=5) | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
def test_any_json_in_place_of_a_member_is_refused_as_ours(value: Any) -> None:
    for member in ("drafts", "key", "head", "ecosystem"):
        text = changed(lambda table, member=member: table.update({member: value}))  # type: ignore[misc]
        with suppress(AccreditError):
            assert offline_files.decode_request(text, "r.json")


def test_signed_statements_travel_in_one_file(tmp_path: Path) -> None:
    raws = tuple(encode_signed(draft, KeyPair(PEN.seed)) for draft in REQUEST.drafts)
    signed = SignedStatements(ecosystem=ECO, ecosystem_name="Example", statements=raws)
    assert offline_files.decode_signed(signed.encode(), "s.json") == signed
    (tmp_path / "s.json").write_text(signed.encode())
    (tmp_path / "one.cose").write_bytes(raws[0])
    assert offline_files.read_statements(tmp_path / "s.json") == list(raws)
    assert offline_files.read_statements(tmp_path / "one.cose") == [raws[0]]
    with pytest.raises(DecodeError, match="not a request"):
        offline_files.read_request(tmp_path / "s.json")
    with pytest.raises(RefusedError, match=r"does not begin with a charter\.genesis"):
        offline_files.read_ceremony(tmp_path / "s.json")


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"{}", b"\xd2\x84", b"", b'{"format": "accredit-signed/1"}'])
def test_a_file_of_something_else_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "x").write_bytes(raw)
    with pytest.raises(DecodeError):
        offline_files.read_statements(tmp_path / "x")
