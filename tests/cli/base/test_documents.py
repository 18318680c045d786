"""What people write becomes what statements hold, and back; whatever is wrong is named with its file and place."""

import re
import tomllib
from contextlib import suppress
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.cli.base import documents
from accredit.cli.commands.governance.charter import COMMENTS as CHARTER_COMMENTS
from accredit.node.toml_text import toml_text
from accredit.registry.encoding.ed25519 import did_key, multibase
from accredit.registry.errors import AccreditError, DecodeError, InputError, RefusedError, StorageError
from accredit.registry.limits import TIME_MAX, TIME_MIN
from tests.strategies import bodies
from tests.strategies.consortium import Pen

PUBLIC = Pen("forms", "did:web:a.example").public
KEY_ENTRY = {"public": PUBLIC, "budget": 5, "next": {"key": bytes(32), "budget": 5}, "label": "Älice"}
BODIES = [
    ("issuer.register", bodies.register(url="https://uni.example/", jurisdictions=["NO"], ext={"since": 5, "at": "x"})),
    ("accreditation.grant", bodies.grant(valid_until=TIME_MAX, review_due=1, conditions=[{"text": "x", "due_by": 0}])),
    ("accreditation.status", bodies.event(bytes(32), "suspend", -1, after=[b"\x01" * 32])),
    ("authority.delegate", bodies.delegation("did:web:b.example", [KEY_ENTRY], limits={"max_validity": 86_400})),
    ("node.admit", bodies.node("node9.example")),
    ("key.rotate", {"key": bytes(32), "last": None, "new": KEY_ENTRY}),
    ("vote.approve", {"targets": [bytes(32), b"\x02" * 32], "reason_text": "two\nlines", "urgent": True}),
]


@pytest.mark.parametrize(("kind", "body"), BODIES, ids=[kind for kind, _ in BODIES])
def test_what_is_shown_reads_back_as_what_is_signed(kind: str, body: dict[str, Any]) -> None:
    shown = documents.render(body)
    assert documents.to_body(kind, shown, "x.json") == body
    if None not in body.values():  # TOML has no null
        assert documents.to_body(kind, tomllib.loads(toml_text(shown)), "x.toml") == body


@given(
    st.recursive(
        st.text() | st.booleans() | st.integers(-(2**63), 2**63 - 1),
        lambda inner: st.dictionaries(st.text(), inner, max_size=4) | st.lists(st.text(), max_size=3),
        max_leaves=12,
    ).filter(lambda value: isinstance(value, dict))
)
def test_toml_we_write_is_read_by_others_as_it_was_meant(table: dict[str, Any]) -> None:
    assert tomllib.loads(toml_text(table)) == table


def test_lists_of_tables_and_comments_survive_in_toml() -> None:
    table = {"name": "x", "nodes": [{"name": "a", "keys": {"log": "z"}}, {"name": "b", "keys": {"log": "y"}}]}
    text = toml_text(table, comments={"nodes": "The first nodes.\nIn order.", "name": "A name."})
    assert tomllib.loads(text) == table
    assert "# The first nodes.\n# In order.\n[[nodes]]" in text
    assert text.count("# The first") == 1


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("2015-05-20", 1_432_080_000),
        (date(2015, 5, 20), 1_432_080_000),
        ("2015-05-20T00:00:00Z", 1_432_080_000),
        ("2015-05-20T02:00:00+02:00", 1_432_080_000),
        (datetime(2015, 5, 20, 2, tzinfo=timezone(timedelta(hours=2))), 1_432_080_000),
        ("1969-12-31", -86_400),
        ("0001-01-01", TIME_MIN),
        ("9999-12-31T23:59:59Z", TIME_MAX),
    ],
)
def test_dates_are_the_start_of_the_day_in_utc(written: Any, seconds: int) -> None:
    assert documents.seconds(written) == seconds


@pytest.mark.parametrize(
    "written", ["yesterday", "2015-13-01", "20.5.2015", "2015-05-20T00:00:00", datetime(2015, 5, 20)]
)
def test_a_date_that_could_mean_two_things_is_refused_with_an_example(written: Any) -> None:
    with pytest.raises(DecodeError) as caught:
        documents.seconds(written, "valid_from")
    assert caught.value.where == "valid_from"
    assert "Write 2015-05-20" in caught.value.hint or "Add Z" in caught.value.hint


def test_a_time_is_shown_as_a_day_where_it_begins_one() -> None:
    assert documents.when(1_432_080_000) == "2015-05-20"
    assert documents.when("2015-05-20T13:45:00Z") == "2015-05-20 13:45:00 UTC"
    assert documents.when(None) == ""


def test_durations_and_keys_are_read_in_the_forms_people_have_them() -> None:
    assert [documents.duration(text) for text in ("90d", "2 w", "5y", "30m")] == [
        7_776_000,
        1_209_600,
        157_680_000,
        1_800,
    ]
    with pytest.raises(DecodeError):
        documents.duration("five years")
    for text in (multibase(PUBLIC), did_key(PUBLIC), PUBLIC.hex()):
        assert documents.public_key(text) == PUBLIC
    assert documents.public_text(PUBLIC.hex()) == multibase(PUBLIC)
    with pytest.raises(DecodeError, match="prime-order"):
        documents.public_key("00" * 32)
    with pytest.raises(DecodeError) as caught:
        documents.convert({"keys": {"log": "z6Mkwhat"}})
    assert caught.value.where == "keys.log"


@pytest.mark.parametrize("member", sorted(CHARTER_COMMENTS))
def test_what_a_draft_gives_as_an_example_is_read_as_its_member_asks(member: str) -> None:
    for written in re.findall(r'e\.g\. "([^"]+)"', CHARTER_COMMENTS[member]):
        assert isinstance(documents.convert({member: written})[member], int), f'{member} = "{written}"'


def test_an_error_in_a_file_names_the_file_and_the_place(tmp_path: Path) -> None:
    path = tmp_path / "grant.toml"
    path.write_text(toml_text(documents.render(bodies.grant(scope={"achievement_types": ["Bachelor"]}))))
    with pytest.raises(DecodeError) as caught:
        documents.to_body("accreditation.grant", documents.read_file(path), str(path))
    assert f"{path}: scope.achievement_types[0]: " in caught.value.message
    assert "BachelorDegree" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.toml", b"name = Example", "not TOML"),
        ("x.json", b'{"a": 1, "a": 2}', "'a' is given twice"),
        ("x.json", b'{"a": }', "line 1, column 7"),
        ("x.json", b"[1]", "expected one JSON object"),
        ("x.json", b"[" * 100_000, "nested too deeply"),
        ("x.toml", b"a = " + b"[" * 5_000, "nested too deeply"),
        ("x.toml", b"\xff\xfe", "not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_name(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(AccreditError, match=says) as caught:
        documents.read_file(path)
    assert str(path) in caught.value.message or "nested" in caught.value.message


def test_quotation_marks_of_a_word_processor_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("name = “Example”", encoding="utf-8")
    with pytest.raises(AccreditError) as caught:
        documents.read_file(path)
    assert "straight ones" in caught.value.hint


@given(st.binary(max_size=200), st.sampled_from(["x.toml", "x.json", "x.txt"]))
def test_any_bytes_in_a_file_are_a_table_or_an_error_of_ours(tmp_path_factory: Any, raw: bytes, name: str) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(raw)
    with suppress(AccreditError):
        assert isinstance(documents.read_file(path), dict)


def test_a_file_too_large_or_missing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="There is no file"):
        documents.read_file(tmp_path / "none.toml")
    with pytest.raises(InputError, match="This is a folder"):
        documents.read_file(tmp_path)
    (tmp_path / "big").write_bytes(b"x" * 11)
    monkeypatch.setattr(documents, "FILE_BYTES", 10)
    with pytest.raises(RefusedError, match="larger than"):
        documents.read_bytes(tmp_path / "big")


def test_a_file_is_never_replaced_unasked(tmp_path: Path) -> None:
    path = tmp_path / "x"
    documents.write_new(path, "one")
    with pytest.raises(StorageError, match="already exists") as caught:
        documents.write_new(path, "two")
    assert "--force" in caught.value.hint
    assert path.read_text() == "one"
    documents.write_new(path, b"two", force=True)
    assert path.read_text() == "two"
    with pytest.raises(StorageError, match="cannot be written"):
        documents.write_new(tmp_path / "none" / "x", "")


def test_an_outline_shows_every_member_on_a_line_of_its_own_whatever_the_text_holds() -> None:
    shown = list(documents.outline({"a": {"b": "x\nkind: y\x1b[2J"}, "list": [{"c": 1}, 2], "empty": [], "none": None}))
    assert shown == [
        "a:",
        r"  b: x\nkind: y\x1b[2J",
        "list[0]:",
        "  c: 1",
        "list[1]:",
        "  : 2",
        "empty: (none)",
        "none: (none)",
    ]
