"""Credentials are found in whatever file people have, and each file without one is told what it is."""

import json
import tracemalloc
import zlib
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.cli.credentials.pictures import TEXT_BYTES_MAX
from accredit.cli.credentials.reading import MOST, read
from accredit.registry.errors import AccreditError, DecodeError, InputError
from tests.cli.credentials.conftest import raw_of
from tests.strategies.credentials import Issuer, baked_png, baked_svg, chunk, open_badge, png

SCHOOL = Issuer.of("school")
BADGE = open_badge(SCHOOL)
TOKEN = SCHOOL.token(BADGE)
OB2 = {
    "@context": "https://w3id.org/openbadges/v2",
    "type": "Assertion",
    "id": "https://a.example/1",
    "badge": "https://a.example/b",
}


@pytest.mark.parametrize(
    "file",
    [
        BADGE,
        b"\xef\xbb\xbf" + raw_of(BADGE),
        baked_png(BADGE),
        baked_png(BADGE, is_compressed=True),
        png(chunk(b"tEXt", b"openbadgecredential\0" + raw_of(BADGE))),
        png(chunk(b"zTXt", b"openbadgecredential\0\0" + zlib.compress(raw_of(BADGE)))),
        baked_svg(BADGE),
        TOKEN,
        f"\n {TOKEN} \n",
        baked_png(TOKEN),
        baked_svg(TOKEN),
        {"type": "VerifiablePresentation", "verifiableCredential": BADGE},
        {"type": ["VerifiablePresentation"], "verifiableCredential": [TOKEN]},
        {
            "type": "VerifiablePresentation",
            "verifiableCredential": {"type": "EnvelopedVerifiableCredential", "id": f"data:application/vc+jwt,{TOKEN}"},
        },
    ],
)
def test_a_credential_is_found(file: Any) -> None:
    [found] = read(raw_of(file))
    assert found.document == BADGE


WRONG: dict[str, tuple[Any, str, str]] = {
    "no JSON": (b"{", "not_json", "line 1"),
    "not text": (b'{"a": "\xff"}', "not_json", "UTF-8"),
    "nothing": (b"", "no_credential", "empty"),
    "a PDF": (b"%PDF-1.7\n", "no_credential", "This is a PDF"),
    "a long scan": (b"%PDF-1.7\n" + bytes(5 * 2**20), "no_credential", "This is a PDF"),
    "a photograph": (b"\xff\xd8\xff\xe0", "no_credential", "This is a JPEG picture"),
    "a Word document": (b"PK\x03\x04", "no_credential", "This is a Word document"),
    "a text": (b"Dear Sir or Madam", "no_credential", "neither JSON, a JWT nor a PNG or SVG picture"),
    "JSON that is cut off": (b'{"type": [', "not_json", "its JSON"),
    "a number": (b"7", "no_credential", "VerifiableCredential"),
    "another document": ({"id": "did:web:a.example"}, "no_credential", "VerifiableCredential"),
    "a picture without one": (png(), "no_credential", "PNG"),
    "a picture that is cut off": (baked_png(BADGE)[:80], "no_credential", "PNG"),
    "a picture with damaged text": (
        png(chunk(b"zTXt", b"openbadgecredential\0\0nonsense")),
        "damaged_picture",
        "damaged",
    ),
    "a picture whose text is cut off": (
        png(chunk(b"zTXt", b"openbadgecredential\0\0" + zlib.compress(raw_of(BADGE))[:-9])),
        "damaged_picture",
        "cut off",
    ),
    "a drawing without one": (b"<svg/>", "no_credential", "SVG"),
    "an empty drawing": (baked_svg("").replace(b' verify=""', b""), "no_credential", "SVG"),
    "a drawing that is not text": (b"<svg>\xff</svg>", "not_text", "UTF-8"),
    "Open Badges 2.0": (OB2, "open_badges_2", "Open Badges 2.0"),
    "Open Badges 2.0 in PNG": (png(chunk(b"tEXt", b"openbadges\0https://a.example/1")), "open_badges_2", "2.0"),
    "Open Badges 2.0 in SVG": (b'<svg xmlns:ob="http://openbadges.org"/>', "open_badges_2", "Open Badges 2.0"),
    "SD-JWT": (f"{TOKEN}~abc~", "sd_jwt", "SD-JWT"),
    "a token of no JSON": ("abcd.abcd.abcd", "bad_token", "JWT"),
    "a token of a list": ("W10.W10.x", "bad_token", "not a JSON object"),
    "a token with a text in vc": (SCHOOL.token({"vc": "x"}), "bad_token", "vc"),
    "a token of two issuers": (
        SCHOOL.token({"iss": "did:web:a.example", "vc": BADGE}),
        "bad_token",
        "another issuer",
    ),
    "an unknown envelope": (
        {"type": "EnvelopedVerifiableCredential", "id": "data:text/plain,x"},
        "unknown_envelope",
        "envelope",
    ),
    "too many": ([BADGE] * (MOST + 1), "too_many", str(MOST)),
    "too many within": (
        {
            "type": "VerifiablePresentation",
            "verifiableCredential": [{**BADGE, "type": "VerifiablePresentation", "verifiableCredential": [BADGE] * 20}]
            * 20,
        },
        "too_many",
        str(MOST),
    ),
    "too large": (b'"' + b"a" * TEXT_BYTES_MAX + b'"', "too_large", "4 MiB"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_without_a_credential_is_told_what_is_wrong_and_what_to_do(name: str) -> None:
    file, code, said = WRONG[name]
    with pytest.raises(InputError) as caught:
        read(raw_of(file))
    assert (caught.value.code, said in caught.value.message) == (code, True), caught.value
    if code not in ("bad_token", "damaged_picture", "not_json", "not_text", "unknown_envelope", "too_large"):
        assert caught.value.hint


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt"])
def test_a_picture_that_unpacks_to_gigabytes_is_refused_and_takes_no_memory(kind: bytes) -> None:
    bomb = zlib.compress(b" " * (64 * 2**20), 9)
    head = b"openbadgecredential\0" + (b"\0" if kind == b"zTXt" else b"\x01\0\0\0")
    file = png(chunk(kind, head + bomb))
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as caught:
            read(file)
        assert tracemalloc.get_traced_memory()[1] < 4 * TEXT_BYTES_MAX
    finally:
        tracemalloc.stop()
    assert caught.value.code == "too_large"


def test_a_picture_with_two_credentials_is_not_chosen_from() -> None:
    """Another program might read the other one; a comment hides one from some of them."""
    made = [chunk(b"iTXt", b"openbadgecredential\0\0\0\0\0{}")] * 2
    drawn = baked_svg({"a": 1}).decode()
    first = drawn[drawn.index("<openbadges:credential") : drawn.index("</svg>")]
    for raw in (png(*made), drawn.replace(first, f"<!-- {first} -->{first}").encode()):
        with pytest.raises(DecodeError) as caught:
            read(raw)
        assert caught.value.code == "several_credentials"


def test_credentials_within_credentials_end_somewhere() -> None:
    value: Any = BADGE
    for _ in range(12):
        value = {"type": "VerifiablePresentation", "verifiableCredential": value}
    with pytest.raises(InputError) as caught:
        read(raw_of(value))
    assert caught.value.code == "too_deep"


def test_an_entity_in_a_drawing_is_not_followed() -> None:
    text = json.dumps(BADGE).replace('"', "&quot;")
    drawing = (
        '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg xmlns:openbadges='
        f'"https://purl.imsglobal.org/ob/v3p0"><openbadges:credential>{text}</openbadges:credential></svg>'
    )
    [found] = read(drawing.encode())
    assert found.document == BADGE


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"<", b"\x89PNG\r\n\x1a\n", b"{", b"eyJ.", b"\x89PNG\r\n\x1a\n\0\0\0\x10iTXt"]),
)
def test_any_bytes_are_read_or_refused_in_our_words(raw: bytes, beginning: bytes) -> None:
    with suppress(AccreditError):
        assert read(beginning + raw)
