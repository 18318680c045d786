"""One spelling for one thing: the published vectors, and what lies between them."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from accredit.registry.encoding import identifiers
from accredit.registry.encoding.identifiers import canonical, canonical_issuer, without_fragment
from accredit.registry.errors import DecodeError
from accredit.registry.limits import IDENTIFIER_CHARS
from tests.shared_data import REPOSITORY

PAGE = (REPOSITORY / "docs" / "identifiers.md").read_text("utf-8")


def rows(heading: str) -> list[list[str]]:
    """The code spans of each row of the table under `heading`, `\\uXXXX` resolved."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    spans = [re.findall(r"`([^`]*)`", line) for line in lines]
    return [[re.sub(r"\\u([0-9A-F]{4})", lambda m: chr(int(m[1], 16)), span) for span in row] for row in spans]


GIVEN = rows("Given and canonical")
REFUSED = rows("Refused")


def code_of(text: str) -> str:
    with pytest.raises(DecodeError) as caught:
        canonical(text)
    return caught.value.code


# ------------------------------------------------------------------------------------ the published vectors


def test_the_page_holds_the_vectors() -> None:
    """An edit that breaks the tables must not leave nothing to test."""
    assert len(GIVEN) > 40
    assert len(REFUSED) > 60
    assert all(len(row) == 2 for row in GIVEN + REFUSED)


@pytest.mark.parametrize(("given", "expected"), GIVEN)
def test_published_spelling(given: str, expected: str) -> None:
    assert canonical(given) == expected
    assert canonical(expected) == expected


@pytest.mark.parametrize(("refused", "code"), REFUSED)
def test_published_refusal(refused: str, code: str) -> None:
    assert code_of(refused) == code


# ------------------------------------------------------------------------------------ properties

PIECES = st.sampled_from(
    [
        *("did:", "did:web:", "DID:KEY:", "https://", "HTTP://", "urn:", "urn:uuid:", "urn:isbn:"),
        *("Example", "edu", "192", "0x7f", "a-b", "xn--a", "z6Mk", "443", "80", "8080", "~", "_", "A"),
        *(".", "..", "/", "//", ":", "%3A", "%3a", "%2e", "%2F", "%41", "%25", "%7e", "%zz", "%", "%00", "%C3%A9"),
        *("?", "#", "@", "&", "=", "+", "-", "[", "]", "\\", " ", "\t", "\u0661", "\u017f", "\u212a", "\ud800"),
    ]
)
ADDRESSES = st.one_of(
    st.lists(PIECES, max_size=12).map("".join),
    st.lists(PIECES, max_size=8).map(lambda pieces: "https://example.edu/" + "".join(pieces)),
    st.lists(PIECES, max_size=8).map(lambda pieces: "did:web:example.edu" + "".join(pieces)),
    st.lists(PIECES, max_size=8).map(lambda pieces: "urn:example:a" + "".join(pieces)),
    st.text(max_size=40),
)


@given(ADDRESSES)
@example("https://example.edu?" + "x" * (IDENTIFIER_CHARS - 20))
@example("urn:uuid:%aA")
@example("https://example.edu/%2E%2E/%252E")
def test_spelling_twice_changes_nothing_and_bad_text_raises_only_our_error(text: str) -> None:
    try:
        once = canonical(text)
    except DecodeError:
        return
    assert canonical(once) == once
    assert 1 <= len(once) <= IDENTIFIER_CHARS
    assert re.fullmatch(r"(did:[a-z0-9]+:|https?://|urn:[a-z0-9-]+:)[!-~]+", once)


@given(st.one_of(st.from_regex(identifiers._PLAIN, fullmatch=True), ADDRESSES))
@example("did:web:a.0x7f")
@example("https://192.0.2.1/")
@example("https://example.edu./")
@example("https://example.edu/a/../b")
@example("did:web:example.edu:..")
@example("https://" + "a." * 124 + "abcd/")
@example("http://" + "a." * 126 + "a/")
def test_what_is_taken_as_it_is_would_not_change_if_it_were_taken_apart(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(identifiers, "_PLAIN_CHARS", 0)
        at_length = outcome(text)
    assert outcome(text) == at_length


def outcome(text: str) -> str:
    canonical.cache_clear()
    try:
        return canonical(text)
    except DecodeError as error:
        return error.code


def test_an_identifier_that_grows_over_the_limit_is_refused() -> None:
    """An empty path becomes `/`: what is accepted must be accepted once it is spelled."""
    start = "https://example.edu?"
    assert len(canonical(start + "x" * (IDENTIFIER_CHARS - len(start) - 1))) == IDENTIFIER_CHARS
    assert code_of(start + "x" * (IDENTIFIER_CHARS - len(start))) == "identifier_length"


def test_an_overlong_text_is_refused_before_it_is_read_or_repeated() -> None:
    with pytest.raises(DecodeError, match="1 to 512") as caught:
        canonical(" " * 1_000_000)
    assert caught.value.code == "identifier_length"
    assert code_of("") == "identifier_length"
    assert canonical("did:example:" + "a" * (IDENTIFIER_CHARS - 12)) == "did:example:" + "a" * (IDENTIFIER_CHARS - 12)
    assert code_of("did:example:" + "a" * (IDENTIFIER_CHARS - 11)) == "identifier_length"


def test_a_host_as_long_as_dns_allows_is_the_longest() -> None:
    label = "a" * 63
    longest = ".".join([label, label, label, "a" * 61])
    assert len(longest) == 253
    assert canonical(f"https://{longest}./") == f"https://{longest}/"
    assert code_of(f"https://{longest}a/") == "identifier_host"
    assert code_of(f"https://a{label}.edu/") == "identifier_host"


def test_every_byte_percent_encoded_has_one_spelling() -> None:
    """Unreserved characters are decoded in URLs, nothing is decoded in DIDs and URNs, hex digits are upper case."""
    unreserved = "-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"
    for byte in range(256):
        upper, lower = f"%{byte:02X}", f"%{byte:02x}"
        in_url = chr(byte) if chr(byte) in unreserved else upper
        assert canonical(f"https://a.example/x{lower}x") == f"https://a.example/x{in_url}x"
        assert canonical(f"https://a.example/?{lower}") == f"https://a.example/?{in_url}"
        assert canonical(f"did:example:{lower}") == f"did:example:{upper}"
        assert canonical(f"urn:example:x{lower}") == f"urn:example:x{upper}"


def test_every_ascii_character_is_either_kept_or_refused_in_a_path() -> None:
    refused = set('"<>[\\]^`{|}')
    for number in range(0x80):
        character = chr(number)
        address = f"https://a.example/x{character}x"
        if character in "#?%":
            continue
        if "!" <= character <= "~" and character not in refused:
            assert canonical(address) == address
        else:
            assert code_of(address) == "identifier_character"


# ------------------------------------------------------------------------------------ who may issue


def test_plain_http_and_urns_cannot_name_an_issuer() -> None:
    """Whoever sits on the line could answer for an http address; a URN leads nowhere."""
    assert canonical_issuer("HTTPS://Example.edu") == "https://example.edu/"
    assert canonical_issuer("did:WEB:Example.edu") == "did:web:example.edu"
    for text in ("http://example.edu/", "urn:isbn:0-395-36341-1"):
        with pytest.raises(DecodeError, match="cannot name an issuer") as caught:
            canonical_issuer(text)
        assert caught.value.code == "identifier_scheme"
        assert "did:web" in caught.value.hint
    with pytest.raises(DecodeError) as caught:
        canonical_issuer("example.edu")
    assert caught.value.code == "identifier_scheme"


def test_a_key_of_a_did_is_reduced_to_the_did() -> None:
    assert without_fragment("did:web:example.edu#key-1") == "did:web:example.edu"
    assert without_fragment("https://example.edu/#a#b") == "https://example.edu/"
    assert without_fragment("did:web:example.edu") == "did:web:example.edu"
