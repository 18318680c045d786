"""What a body may hold: each check with what it must not let through, and the path it names."""

import doctest
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.encoding import schema
from accredit.registry.encoding.ed25519 import public_of
from accredit.registry.encoding.schema import Check
from accredit.registry.errors import DecodeError
from accredit.registry.limits import (
    IDENTIFIER_CHARS,
    KEY_BUDGET,
    LIST_ITEMS,
    NAME_CHARS,
    TEXT_CHARS,
    TIME_MAX,
    TIME_MIN,
)

WORD = schema.one_of("active", "suspended", "withdrawn")
PERSON = schema.members({"name": schema.text()}, {"born": schema.time, "friends": schema.list_of(schema.text())})


def refused(check: Check, value: Any) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        check(value, "body")
    return caught.value


def refuses(check: Check, *values: Any) -> None:
    for value in values:
        error = refused(check, value)
        assert error.where.startswith("body"), value
        assert str(error).startswith(error.where), value


def accepts(check: Check, *values: Any) -> None:
    for value in values:
        check(value, "body")


def test_the_example_of_the_module_is_true() -> None:
    assert doctest.testmod(schema).failed == 0
    assert doctest.testmod(schema).attempted > 0


# ------------------------------------------------------------------------------------ text


def test_text_that_hides_something_is_refused() -> None:
    """White space at an end makes two names of one; control characters rewrite a terminal."""
    accepts(schema.text(), "Ada", "\u00c5sa \u5927\u5b66", "x" * NAME_CHARS)
    accepts(schema.prose, "two\nlines\tand a tab")
    refuses(schema.text(), "", " Ada", "Ada ", "Ada\n", "\u00a0Ada", "\u3000", "x" * (NAME_CHARS + 1))
    controls = [chr(number) for number in (*range(32), *range(0x7F, 0xA0)) if chr(number) not in "\n\t"]
    assert len(controls) == 63
    refuses(schema.text(), *(f"a{control}b" for control in controls))
    accepts(schema.text(), "a~b", "a\u00a1b", "a b")
    refuses(schema.text(), b"Ada", 1, None, ["Ada"], {"name": "Ada"})


def test_text_has_the_length_asked_for() -> None:
    accepts(schema.text(3, min_chars=0), "", "abc")
    refuses(schema.text(3, min_chars=0), "abcd")
    refuses(schema.text(3, min_chars=2), "a")
    accepts(schema.prose, "x" * TEXT_CHARS)
    refuses(schema.prose, "x" * (TEXT_CHARS + 1))


# ------------------------------------------------------------------------------------ numbers, booleans, bytes


def test_true_is_not_the_number_one() -> None:
    accepts(schema.integer(0, 9), 0, 9)
    refuses(schema.integer(0, 9), -1, 10, True, False, 1.0, "1", None, b"\x01")
    accepts(schema.boolean, True, False)
    refuses(schema.boolean, 1, 0, None, "true", "", [])


def test_a_time_the_calendar_does_not_have_is_refused() -> None:
    accepts(schema.time, TIME_MIN, -1, 0, TIME_MAX)
    refuses(schema.time, TIME_MIN - 1, TIME_MAX + 1, 1.5, "2015-05-20")


def test_a_key_without_a_budget_or_with_an_endless_one_is_refused() -> None:
    accepts(schema.budget, 1, KEY_BUDGET)
    refuses(schema.budget, 0, -1, KEY_BUDGET + 1)


def test_bytes_have_exactly_their_length() -> None:
    accepts(schema.octets(2), b"ab")
    refuses(schema.octets(2), b"a", b"abc", "ab", bytearray(b"ab"), None)
    accepts(schema.digest, bytes(32))
    refuses(schema.digest, bytes(31), bytes(33), "00" * 32)


def test_a_weak_key_is_refused_where_it_is_introduced() -> None:
    accepts(schema.public_key, public_of(bytes(32)))
    assert refused(schema.public_key, bytes(32)).code == "weak_key"
    assert refused(schema.public_key, b"\x01" + bytes(31)).code == "weak_key"
    assert refused(schema.public_key, bytes(31)).code == "bad_member"
    assert refused(schema.public_key, "z6Mk").code == "bad_member"


# ------------------------------------------------------------------------------------ words and identifiers


def test_a_word_that_is_nearly_right_gets_a_suggestion_and_no_effect() -> None:
    accepts(WORD, "active", "suspended")
    assert refused(WORD, "suspnded").hint == "Did you mean suspended?"
    assert refused(WORD, "Active").code == "bad_member"
    assert refused(WORD, "xyz").hint == ""
    assert refused(WORD, "xyz").message == "body: expected one of active, suspended, withdrawn, not 'xyz'."
    assert refused(WORD, 7).message == "body: expected one of active, suspended, withdrawn."
    assert refused(WORD, "x" * 16_000).hint == ""
    refuses(WORD, "", None, 1, b"active", ["active"])


def test_a_second_spelling_of_an_identifier_is_refused_with_the_first() -> None:
    accepts(schema.uri, "did:web:a.example", "https://a.example/", "http://a.example/", "urn:isbn:1")
    accepts(schema.issuer_id, "did:web:a.example", "https://a.example/")
    error = refused(schema.uri, "https://A.example")
    assert error.code == "not_canonical"
    assert "'https://a.example/'" in str(error)
    assert refused(schema.issuer_id, "DID:web:a.example").code == "not_canonical"


def test_what_is_wrong_with_an_identifier_is_told_with_its_path() -> None:
    error = refused(schema.members({"id": schema.issuer_id}), {"id": "http://a.example/"})
    assert (error.code, error.where) == ("identifier_scheme", "body.id")
    assert error.hint.startswith("Give its DID")
    assert error.__cause__ is None
    refuses(schema.uri, None, 1, b"did:web:a.example", "", "a.example", "did:web:a.example#key-1")


def test_a_link_that_could_run_or_break_a_line_is_refused() -> None:
    accepts(schema.link, "https://a.example", "http://a.example/x?y#z", "mailto:a@b.example", "https://\u00e9.example/")
    refuses(
        schema.link, "javascript:alert(1)", "data:text/html,x", "HTTPS://a.example", " https://a.example", "a.example"
    )
    for character in " \t\n\r\x00\x1f\x7f\x85\x9b\xa0\u2028\u3000":
        refuses(schema.link, f"https://a.example/{character}x")
    refuses(schema.link, None, 1, b"https://a.example", "https://" + "a" * IDENTIFIER_CHARS)
    accepts(schema.link, "https://" + "a" * (IDENTIFIER_CHARS - 8))


# ------------------------------------------------------------------------------------ lists and maps


def test_a_list_names_the_member_at_fault_and_holds_each_once() -> None:
    check = schema.list_of(schema.text(), minimum=1, maximum=3)
    accepts(check, ["a"], ["a", "b", "c"])
    refuses(check, [], ["a", "b", "c", "d"], ("a",), "a", None, {"a": 1})
    assert refused(check, ["a", 1]).where == "body[1]"
    twice = refused(check, ["a", "b", "a"])
    assert twice.where == "body[2]"
    assert "each member only once" in str(twice)
    accepts(schema.list_of(schema.text()), [], [str(number) for number in range(LIST_ITEMS)])
    refuses(schema.list_of(schema.text()), [str(number) for number in range(LIST_ITEMS + 1)])


def test_a_misspelled_member_never_widens_or_narrows_a_right() -> None:
    accepts(PERSON, {"name": "Ada"}, {"name": "Ada", "born": -4_860_000_000}, {"name": "Ada", "ext": {"x": [1]}})
    error = refused(PERSON, {"name": "Ada", "bron": 1})
    assert (error.code, error.hint) == ("unknown_member", "Did you mean born?")
    error = refused(PERSON, {"name": "Ada", "shoe_size": 42})
    assert (error.code, error.hint) == ("unknown_member", "Known members: name, born, friends, ext.")
    assert refused(PERSON, {"name": "Ada", 7: 1}).code == "unknown_member"
    assert refused(PERSON, {"born": 1}).code == "missing_member"
    assert refused(PERSON, {}).code == "missing_member"
    refuses(PERSON, None, [], "Ada", [("name", "Ada")])
    refuses(schema.members({}), {"name": "Ada"})
    accepts(schema.members({}), {}, {"ext": None})


def test_the_path_leads_to_the_member_deep_inside() -> None:
    check = schema.members({"people": schema.list_of(PERSON)})
    error = refused(check, {"people": [{"name": "Ada"}, {"name": "Bo", "friends": ["Ada", ""]}]})
    assert error.where == "body.people[1].friends[1]"
    assert str(error) == "body.people[1].friends[1]: expected text of 1 to 300 characters."


def test_a_table_checks_its_keys_and_its_values() -> None:
    check = schema.table_of(schema.text(5), schema.integer(1, 9), maximum=2)
    accepts(check, {}, {"a": 1, "b": 2})
    refuses(check, {"a": 1, "b": 2, "c": 3}, {"a": 0}, {"too long": 1}, {1: 1}, [], None)
    assert refused(check, {"a": 0}).where == "body.a"


def test_null_stands_for_nothing_else() -> None:
    check = schema.nullable(schema.digest)
    accepts(check, None, bytes(32))
    refuses(check, 0, False, "", [], {})
    assert "32 bytes" in str(refused(check, 0))


def test_either_accepts_both_and_explains_the_second() -> None:
    check = schema.either(schema.boolean, schema.digest)
    accepts(check, True, bytes(32))
    assert "32 bytes" in str(refused(check, 0))


def test_everything_must_be_said_explicitly() -> None:
    """An absent or empty list must not be read as no limit: `*` says it."""
    check = schema.wildcard(schema.list_of(schema.text(), minimum=1))
    accepts(check, "*", ["a"])
    refuses(check, [], "", "**", None, True)
    accepts(check, ["*"])


# ------------------------------------------------------------------------------------ properties

ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.binary(max_size=40), st.text(max_size=40)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(st.text(max_size=6), st.integers()), inner, max_size=4)
    ),
    max_leaves=12,
)
EVERY_CHECK: list[Callable[[Any, str], None]] = [
    *(schema.text(), schema.prose, schema.time, schema.budget, schema.boolean, schema.digest, schema.public_key, WORD),
    *(schema.uri, schema.issuer_id, schema.link, PERSON, schema.list_of(schema.boolean)),
    *(schema.nullable(PERSON), schema.wildcard(WORD), schema.table_of(schema.text(), schema.time)),
]


@given(ANYTHING)
def test_any_value_is_accepted_or_refused_with_our_error(value: Any) -> None:
    for check in EVERY_CHECK:
        try:
            check(value, "body")
        except DecodeError as error:
            message = str(error)
        else:
            continue
        assert message.startswith("body")


@pytest.mark.parametrize("hidden", ["\n", "\t", "\u200b", "\u202e", "\u2066", "\ufeff", "\u00ad", "\x9b", "\u2028"])
def test_a_name_with_a_hidden_character_is_refused_with_which_one(hidden: str) -> None:
    with pytest.raises(DecodeError) as refused:
        schema.text()(f"College{hidden}X", "name")
    assert f"U+{ord(hidden):04X}" in refused.value.message
    if hidden not in "\n\t":
        with pytest.raises(DecodeError):
            schema.prose(f"College{hidden}X", "reason_text")


def test_names_with_joiners_and_prose_with_line_breaks_are_taken() -> None:
    schema.text()("\u0639\u0644\u0645\u200c\u0648", "name")
    schema.prose("One.\nTwo.", "reason_text")
