"""Tables at any width: ids whole, prose wrapped, nothing lost; names of every script keep to their column."""

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.cli.base.tables.layout import cells, facts, isolated, prose, table

ID = "5f2b8c119a3e"
DID = "did:web:registry.university-of-somewhere.example"
ROWS = [
    (
        "University of Somewhere",
        DID,
        "waiting for votes",
        "It was proposed before and waits for the vote of another body.",
    ),
    ("北京大学", "did:web:pku.example", "in effect", ""),
]
HEADS = ("issuer", "id", "state", "remarks")


@pytest.mark.parametrize("width", [40, 60, 80, 100, 132, 250])
def test_a_table_fits_its_width_and_breaks_no_id(width: int) -> None:
    lines = table(HEADS, ROWS, width)
    assert all(cells(line) <= max(width, len(DID) + 20) for line in lines)
    whole = "\n".join(lines)
    assert DID in whole
    assert "did:web:pku.example" in whole
    for row in ROWS:
        for word in " ".join(row).split():
            assert word in whole


def test_at_eighty_columns_prose_is_wrapped_and_the_columns_stay() -> None:
    lines = table(("id", "why"), [(ID, "Two bodies of two sectors have to agree. " * 3)], 80)
    assert lines[0].split() == ["id", "why"]
    assert len(lines) > 2
    assert all(line[: len(ID)].strip() in (ID, "") for line in lines[1:])


def test_at_forty_columns_rows_become_blocks_with_named_lines() -> None:
    lines = table(HEADS, ROWS, 40)
    assert lines[0] == "University of Somewhere"
    assert lines[1].split() == ["id", DID]


def test_a_file_gets_whole_columns_however_wide() -> None:
    lines = table(HEADS, ROWS)
    assert len(lines) == 3
    assert lines[0].startswith("issuer  ")
    assert lines[1].endswith("another body.")


def test_columns_stand_under_one_another_whatever_script_a_name_has() -> None:
    lines = table(("name", "id"), [("北京大学", "a"), ("Université", "b"), ("Universite\u0301", "c")])
    assert len({cells(line[: line.rindex(" ")]) for line in lines[1:]}) == 1


def test_a_name_from_right_to_left_cannot_reorder_its_neighbours() -> None:
    assert isolated("\u062c\u0627\u0645\u0639\u0629") == "\u2068\u062c\u0627\u0645\u0639\u0629\u2069"
    assert isolated("College") == "College"
    lines = table(("name", "id"), [("\u062c\u0627\u0645\u0639\u0629", "did:web:a.example")])
    assert "\u2068\u062c\u0627\u0645\u0639\u0629\u2069" in lines[1]
    assert lines[1].endswith("did:web:a.example")


@given(
    st.lists(
        st.tuples(*[st.text(st.characters(categories=("L", "N", "Zs")), max_size=60)] * 3), min_size=1, max_size=5
    ),
    st.integers(20, 200),
)
def test_no_word_is_ever_lost_at_any_width(rows: list[tuple[str, str, str]], width: int) -> None:
    shown = "\n".join(table(("a", "b", "c"), rows, width)).replace("\u2068", "").replace("\u2069", "")
    for row in rows:
        for cell in row:
            for word in cell.split():
                assert word in shown


def test_colours_survive_wrapping_and_take_no_room() -> None:
    red = click.style("a word and another word", fg="red")
    assert cells(red) == len("a word and another word")
    lines = table(("x", "y"), [("id", red)], 18)
    assert all(click.unstyle(line) == line or line.rstrip().endswith("\x1b[0m") for line in lines)


@pytest.mark.parametrize("width", [40, 60, 80])
def test_facts_are_wrapped_below_themselves_and_break_no_id(width: int) -> None:
    rows = [
        ("id", DID),
        ("why", "Two bodies of two sectors have to agree. " * 3),
        ("next", "One.\nAnother, longer one."),
    ]
    lines = facts(rows, width)
    assert all(cells(line) <= max(width, len(DID) + 8) for line in lines)
    assert sum(DID in line for line in lines) == 1
    names = [line for line in lines if not line.startswith("        ")]
    assert [line.split()[0] for line in names] == ["id", "why", "next"]
    assert " ".join(" ".join(lines).split()).count("sectors") == 3
    assert facts(rows)[1] == f"  why   {rows[1][1]}"


def test_a_name_from_right_to_left_is_isolated_once() -> None:
    name = "\u062c\u0627\u0645\u0639\u0629"
    assert isolated(isolated(name)) == isolated(name) == f"\u2068{name}\u2069"
    assert facts([("name", name)]) == [f"  name  \u2068{name}\u2069"]


@pytest.mark.parametrize("width", [20, 40, 80])
def test_sentences_are_broken_at_spaces_and_lose_nothing(width: int) -> None:
    said = (
        "Registering an issuer does not accredit it. "
        + click.style("Ask its board", bold=True)
        + f" about {DID} first."
    )
    for text in (said, f"  {said}", f"{said}\n{said}"):
        lines = prose(text, width).split("\n")
        assert all(cells(line) <= max(width, len(DID) + 2) for line in lines)
        assert " ".join(" ".join(lines).split()) == " ".join(text.split())
        assert all(line.startswith("  ") for line in lines) == text.startswith("  ")


@pytest.mark.parametrize(
    "line",
    [
        "Then, once the charter is signed: accredit node genesis folder genesis.json",
        "curl -s http://127.0.0.1:8080/v1/decisions -H 'content-type: application/json'",
        "  -H 'content-type: application/json and more'",
        'description = "A text that is longer than the terminal is wide"',
        "# A remark in a template, which has to begin with this very character",
        "University of Somewhere  did:web:somewhere.example  in effect",
    ],
)
def test_what_is_to_be_copied_or_stands_in_columns_is_not_broken(line: str) -> None:
    assert prose(line, 30) == line
