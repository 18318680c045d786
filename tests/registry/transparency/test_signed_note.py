"""Notes: what a signature is of, and every way in which others came to accept a note that was not one."""

import base64
import doctest
import json

import nacl.signing
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.encoding.ed25519 import KeyPair, public_of
from accredit.registry.errors import DecodeError, InputError, RefusedError
from accredit.registry.transparency import signed_note as note
from accredit.registry.transparency.signed_note import (
    NOTE_BYTES_MAX,
    SIGNATURES_MAX,
    TIME_MAX,
    KeyType,
    Note,
    Signature,
    VerifiedSignature,
    VerifierKey,
    check_signature,
    cosign,
    decode_signatures,
    encode_signatures,
    open_note,
    sign_note,
    sign_text,
)
from tests.shared_data import shared_data

TEXT = "Ten accreditations.\n\nThree of them were narrowed.\n"
NOW = 1_700_000_000


def seed(number: int) -> bytes:
    return bytes([number]) * 32


def log_key(number: int = 0) -> VerifierKey:
    return VerifierKey(name=f"log{number}.example", type=KeyType.ED25519, public=public_of(seed(number)))


def witness_key(number: int) -> VerifierKey:
    return VerifierKey(name=f"witness{number}.example", type=KeyType.COSIGNATURE_V1, public=public_of(seed(number)))


def cosigned(*numbers: int, text: str = TEXT, time: int = NOW) -> Note:
    lines = [cosign(text, witness_key(number).name, KeyPair(seed(number)), time) for number in numbers]
    return Note(text=text, signatures=(sign_text(text, log_key().name, KeyPair(seed(0))), *lines))


SIGNED = sign_note(TEXT, log_key().name, KeyPair(seed(0)))


def code_of(data: bytes, *keys: VerifierKey) -> str:
    with pytest.raises(InputError) as caught:
        open_note(data, keys or [log_key()])
    return caught.value.code


def test_a_note_opens_with_its_key() -> None:
    opened = open_note(SIGNED, [log_key()])

    assert opened.text == TEXT
    assert opened.signatures == (VerifiedSignature(key=log_key(), time=None),)
    assert opened.note.encode() == SIGNED


def test_the_bytes_of_a_note_never_change() -> None:
    """Our own vector, made from the specification with PyNaCl and hashlib alone."""
    name, key = "witness.example", nacl.signing.SigningKey(bytes(range(32)))
    text = "log.example/1\n1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
    expected = (
        text + "\n"
        "— log.example/1 fXIdM57532qu+czccHBfjRQTFPIuuUBoJUk32minCShzXFwxShmCMrVKyEbZU5KEHRFVdrP7qpHmY+xy/g7cEb/mDg4=\n"
        "— witness.example L21wpAAAAABlU/EABLAydrjoS/h2zziQ+kjExmKuLo44HudaDvx1eZ+4SOv3wxQEb3QOF/Dbo1DuxGePmcsdrEN41+AQ"
        "xTc2fNrqCQ==\n"
    ).encode()
    note = Note.decode(sign_note(text, "log.example/1", KeyPair(bytes(key)))).with_signatures(
        [cosign(text, name, KeyPair(bytes(32)), NOW)]
    )
    log = VerifierKey.decode("log.example/1+7d721d33+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4")
    witness = VerifierKey.decode("witness.example+2f6d70a4+BDtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop")

    assert note.encode() == expected
    assert log.public == bytes(key.verify_key)
    assert [each.time for each in open_note(expected, [log, witness]).signatures] == [None, NOW]
    message = f"cosignature/v1\ntime {NOW}\n{text}".encode()
    assert note.signatures[1].blob[8:] == nacl.signing.SigningKey(bytes(32)).sign(message).signature


def test_published_examples() -> None:
    examples = json.loads(shared_data("merkle", "note_examples.json").read_text())

    for prefix in ("", "go_"):
        key = VerifierKey.decode(examples[f"{prefix}vkey"])
        opened = open_note(examples[f"{prefix}note"].encode(), [key])
        assert opened.signatures == (VerifiedSignature(key=key, time=None),)
        assert key.encode() == examples[f"{prefix}vkey"]


# ------------------------------------------------------------------------------------ what goes wrong elsewhere


def test_cr_lf_is_refused() -> None:
    assert code_of(SIGNED.replace(b"\n", b"\r\n")) == "note_control"
    assert code_of(SIGNED.replace(b"Ten accreditations.\n", b"Ten accreditations.\r\n")) == "note_control"


def test_a_missing_newline_is_refused() -> None:
    assert code_of(SIGNED[:-1]) == "note_form"
    assert code_of(SIGNED.replace(b"narrowed.\n\n", b"narrowed.\n")) in ("note_form", "signature_line")
    assert code_of(sign_note("One line.\n", log_key().name, KeyPair(seed(0))).replace(b"\n\n", b"\n")) == "note_form"
    for text in ("", "no newline", "CR\r\n", "a\x00\n", "\ud800\n"):
        with pytest.raises(DecodeError):
            sign_note(text, log_key().name, KeyPair(seed(0)))
        with pytest.raises(DecodeError):
            cosign(text, log_key().name, KeyPair(seed(0)), NOW)
        with pytest.raises(DecodeError):
            Note(text=text, signatures=cosigned(1).signatures).encode()


def test_duplicate_key_lines_are_refused() -> None:
    """Elsewhere a witness was counted as often as it was listed."""
    twice = Note(
        text=TEXT, signatures=(*cosigned(1).signatures, cosign(TEXT, witness_key(1).name, KeyPair(seed(1)), NOW + 1))
    )
    assert code_of(twice.encode(), witness_key(1)) == "signature_twice"
    assert code_of(SIGNED + SIGNED.rpartition(b"\n\n")[2], log_key()) == "signature_twice"

    # Of keys that we do not know, anything may be there, twice too.
    assert [each.key for each in open_note(twice.encode(), [log_key()]).signatures] == [log_key()]


def test_17_signatures_are_read() -> None:
    numbers = range(1, 18)
    opened = open_note(cosigned(*numbers).encode(), [log_key(), *map(witness_key, numbers)])
    assert len(opened.signatures) == 18

    keys = [witness_key(17)]
    assert [each.key for each in open_note(cosigned(*numbers).encode(), keys).signatures] == keys


def test_signatures_and_bytes_without_end_are_refused() -> None:
    line = SIGNED.rpartition(b"\n\n")[2]
    most = SIGNED + line.replace(b"log0", b"other") * (SIGNATURES_MAX - 1)
    assert open_note(most, [log_key()]).text == TEXT
    assert code_of(most + line) == "signature_count"
    assert code_of(b"a" * NOTE_BYTES_MAX + SIGNED) == "note_too_long"
    with pytest.raises(DecodeError):
        Note(text=TEXT, signatures=()).encode()


def test_non_canonical_base64_is_refused() -> None:
    line = SIGNED.rpartition(b" ")[2].strip().decode()
    assert line.endswith("=")
    spare_bits = line[:-2] + chr(ord(line[-2]) + 1) + "="
    assert base64.b64decode(spare_bits) == base64.b64decode(line)

    urlsafe = line.replace("/", "_").replace("+", "-")
    assert urlsafe != line
    for wrong in (spare_bits, line[:-1], line + "=", line + "====", urlsafe, line[:8] + " " + line[8:], line + "é", ""):
        assert code_of(SIGNED.replace(line.encode(), wrong.encode())) == "base64", wrong


def test_lines_end_at_newlines_only() -> None:
    """Python's splitlines also ends a line at U+2028 and at U+0085; then one note has two texts."""
    text = "first\u2028— fake.example AAAAAAAAAA==\u0085still first\n"
    data = sign_note(text, log_key().name, KeyPair(seed(0)))

    assert open_note(data, [log_key()]).text == text


def test_the_last_empty_line_ends_the_text() -> None:
    """A text that looks like a whole note is still only the text."""
    outer = sign_note(SIGNED.decode(), log_key(1).name, KeyPair(seed(1)))

    assert open_note(outer, [log_key(1)]).text == SIGNED.decode()
    assert code_of(outer, log_key(0)) == "unsigned"


def test_an_altered_text_condemns_the_note() -> None:
    assert code_of(SIGNED.replace(b"Ten", b"Six")) == "signature_refused"


def test_one_bad_line_of_a_known_key_condemns_the_whole_note() -> None:
    good, bad = cosigned(1, 2), cosigned(2, text="Another text.\n").signatures[1]
    data = good.with_signatures([bad]).encode()

    assert code_of(data, log_key(), witness_key(1), witness_key(2)) == "signature_refused"
    assert len(open_note(data, [log_key(), witness_key(1)]).signatures) == 2


def test_a_known_name_with_an_unknown_id_is_another_key() -> None:
    impostor = sign_text(TEXT, log_key().name, KeyPair(seed(9)))
    assert code_of(Note(text=TEXT, signatures=(impostor,)).encode()) == "unsigned"

    both = Note(text=TEXT, signatures=(impostor, sign_text(TEXT, log_key().name, KeyPair(seed(0)))))
    assert len(open_note(both.encode(), [log_key()]).signatures) == 1


def test_a_known_id_with_an_unknown_name_is_another_key() -> None:
    line = sign_text(TEXT, log_key().name, KeyPair(seed(0)))
    renamed = Signature(name="elsewhere.example", key_id=line.key_id, blob=line.blob)

    assert code_of(Note(text=TEXT, signatures=(renamed,)).encode()) == "unsigned"


def test_signatures_of_unknown_types_are_ignored() -> None:
    grease = Signature(name="grease.example", key_id=b"\xff\x00\xff\x00", blob=bytes(2_428))

    assert open_note(cosigned().with_signatures([grease]).encode(), [log_key()]).text == TEXT


def test_a_signature_of_one_type_is_none_of_another() -> None:
    """One key under one name in two types: the ids differ, and so do the signed bytes."""
    plain = VerifierKey(name="one.example", type=KeyType.ED25519, public=public_of(seed(1)))
    timed = VerifierKey(name="one.example", type=KeyType.COSIGNATURE_V1, public=public_of(seed(1)))
    signature, cosignature = (
        sign_text(TEXT, "one.example", KeyPair(seed(1))),
        cosign(TEXT, "one.example", KeyPair(seed(1)), NOW),
    )
    assert plain.key_id != timed.key_id

    with pytest.raises(RefusedError):
        check_signature(TEXT, signature, timed)
    with pytest.raises(RefusedError):
        check_signature(TEXT, cosignature, plain)
    for key, blob in ((timed, signature.blob), (plain, cosignature.blob[8:]), (timed, cosignature.blob[8:])):
        with pytest.raises(RefusedError):
            check_signature(TEXT, Signature(name="one.example", key_id=key.key_id, blob=blob), key)


def test_the_time_of_a_cosignature_is_signed() -> None:
    """An old note cannot be re-stamped by whoever passes it on."""
    key, good = witness_key(1), cosign(TEXT, witness_key(1).name, KeyPair(seed(1)), NOW)
    assert check_signature(TEXT, good, key).time == NOW

    for time in (NOW + 1, 0, TIME_MAX, TIME_MAX + 1, 2**64 - 1):
        stamped = Signature(name=good.name, key_id=good.key_id, blob=time.to_bytes(8, "big") + good.blob[8:])
        with pytest.raises(RefusedError):
            check_signature(TEXT, stamped, key)
    for blob in (good.blob[:-1], good.blob + b"\x00", good.blob[:8]):
        with pytest.raises(RefusedError):
            check_signature(TEXT, Signature(name=good.name, key_id=good.key_id, blob=blob), key)


def test_a_time_beyond_the_specification_is_refused_even_when_signed() -> None:
    name, time = witness_key(1).name, TIME_MAX + 1
    message = f"cosignature/v1\ntime {time}\n{TEXT}".encode()
    blob = time.to_bytes(8, "big") + nacl.signing.SigningKey(seed(1)).sign(message).signature

    with pytest.raises(RefusedError):
        check_signature(TEXT, Signature(name=name, key_id=witness_key(1).key_id, blob=blob), witness_key(1))
    assert check_signature(TEXT, cosign(TEXT, name, KeyPair(seed(1)), TIME_MAX), witness_key(1)).time == TIME_MAX


def test_one_fresh_cosigner_does_not_make_the_others_fresh() -> None:
    """An old note re-stamped by one signer: each time remains its own signer's."""
    old = cosigned(1, 2, 3)
    new = old.with_signatures([cosign(TEXT, witness_key(2).name, KeyPair(seed(2)), NOW + 600)])
    opened = open_note(new.encode(), [log_key(), *map(witness_key, (1, 2, 3))])

    assert [each.time for each in opened.signatures] == [None, NOW, NOW + 600, NOW]


def test_cosignatures_of_different_texts_do_not_add_up() -> None:
    """Witnesses that sign different sizes are no quorum: a line moved to another text condemns it."""
    mixed = cosigned(1).with_signatures([cosigned(2, text="Eleven accreditations.\n").signatures[1]])

    assert code_of(mixed.encode(), witness_key(1), witness_key(2)) == "signature_refused"


# ------------------------------------------------------------------------------------ the rest of the format


def test_verifiers_that_cannot_be_told_apart_are_refused() -> None:
    """Ids have 4 bytes, so that two keys with one id are found in seconds; these two were."""
    one_seed, other_seed = (number.to_bytes(32, "big") for number in (20_729, 25_507))
    one, other = (
        VerifierKey(name="collision.example", type=KeyType.ED25519, public=public_of(each))
        for each in (one_seed, other_seed)
    )
    assert one.key_id == other.key_id
    assert one.public != other.public

    data = sign_note(TEXT, one.name, KeyPair(one_seed))
    assert code_of(data, one, other) == "ambiguous_keys"
    assert code_of(data, other) == "signature_refused"
    assert len(open_note(data, [one, one]).signatures) == 1


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("- log0.example AAAAAAAA", "signature_line"),
        ("—log0.example AAAAAAAA", "signature_line"),
        ("— log0.example", "signature_line"),
        ("—  AAAAAAAA", "key_name"),
        ("— a+b AAAAAAAA", "key_name"),
        ("— a\u00a0b AAAAAAAA", "key_name"),
        ("— log0.example  AAAAAAAA", "base64"),
        ("— log0.example AAAA AAAA", "base64"),
        ("— log0.example AAAAAA==", "signature_line"),
        ("", "signature_line"),
    ],
)
def test_a_line_that_is_no_signature_is_refused(line: str, code: str) -> None:
    with pytest.raises(DecodeError) as caught:
        Note.decode(SIGNED + line.encode() + b"\n")
    assert caught.value.code in (code, "note_form")
    with pytest.raises(DecodeError) as caught:
        Signature.decode(line)
    assert caught.value.code == code


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u2003b", "a\x7f\x01", "\ud800"])
def test_a_name_nobody_could_read_is_not_signed_with(name: str) -> None:
    with pytest.raises(DecodeError) as caught:
        sign_note(TEXT, name, KeyPair(seed(0)))
    assert caught.value.code == "key_name"
    with pytest.raises(DecodeError):
        VerifierKey(name=name, type=KeyType.ED25519, public=public_of(seed(0)))


def test_notes_that_are_not_utf_8_are_refused() -> None:
    for wrong in (b"\xff", b"\xed\xa0\x80", b"\xc0\x8a"):
        assert code_of(wrong + SIGNED) == "note_utf8"


@pytest.mark.parametrize("key", [log_key(3), witness_key(4)])
def test_vkeys_round_trip(key: VerifierKey) -> None:
    assert VerifierKey.decode(key.encode()) == key


def test_vkeys_that_do_not_fit_are_refused() -> None:
    good = log_key().encode()
    name, key_id, key = good.split("+", 2)
    assert key_id != key_id.upper()
    ecdsa = base64.b64encode(b"\x02" + public_of(seed(0))).decode()
    cases = {
        "": "base64",
        name: "base64",
        f"{name}+{key_id}": "base64",
        f"{name}+{key_id}+{key[:-4]}": "vkey_type",
        f"{name}+{key_id}+{ecdsa}": "vkey_type",
        f"+{key_id}+{key}": "key_name",
        f"x{good}": "vkey_id",
        f"{name}+{key_id.upper()}+{key}": "vkey_id",
        f"{name}+0{key_id}+{key}": "vkey_id",
        f"{name}+00000000+{key}": "vkey_id",
        f"{good}\n": "base64",
    }
    for vkey, code in cases.items():
        with pytest.raises(DecodeError) as caught:
            VerifierKey.decode(vkey)
        assert caught.value.code == code, vkey


def test_a_key_for_which_anybody_can_sign_is_refused() -> None:
    """Points of small order verify signatures that nobody made."""
    for weak in (bytes(32), b"\x01" + bytes(31)):
        with pytest.raises(DecodeError) as caught:
            VerifierKey(name="weak.example", type=KeyType.ED25519, public=weak)
        assert caught.value.code == "weak_key"


def test_signature_lines_travel_alone() -> None:
    lines = cosigned(1, 2).signatures
    data = encode_signatures(lines)

    assert decode_signatures(data) == lines
    for wrong in (b"", data[:-1], b"\n" + data, data + b"\n", data * 30):
        with pytest.raises(DecodeError):
            decode_signatures(wrong)
    with pytest.raises(DecodeError):
        encode_signatures([])


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n")).map(lambda text: text + "\n")


@given(texts, st.integers(0, TIME_MAX))
def test_notes_round_trip(text: str, time: int) -> None:
    note = cosigned(1, 2, text=text, time=time)

    assert Note.decode(note.encode()) == note
    assert [each.time for each in open_note(note.encode(), [log_key(), witness_key(1), witness_key(2)]).signatures] == [
        None,
        time,
        time,
    ]


@given(st.binary(max_size=200) | st.text(alphabet="\n —+=aA \r", max_size=60).map(str.encode))
def test_any_bytes_are_a_note_or_an_error_of_ours(data: bytes) -> None:
    try:
        note = Note.decode(data)
    except DecodeError:
        return
    assert note.encode() == data


def test_no_byte_of_a_note_can_be_changed() -> None:
    for at in range(len(SIGNED)):
        for change in (0x01, 0x20, 0x80):
            altered = bytearray(SIGNED)
            altered[at] ^= change
            with pytest.raises(InputError):
                open_note(bytes(altered), [log_key()])


@given(st.text(max_size=90) | st.text(alphabet="+=abcABC019", max_size=90))
def test_any_text_is_a_vkey_or_an_error_of_ours(text: str) -> None:
    try:
        key = VerifierKey.decode(text)
    except DecodeError:
        return
    assert key.encode() == text


def test_the_example_in_the_docstring_runs() -> None:
    result = doctest.testmod(note)

    assert result.attempted > 0
    assert result.failed == 0
