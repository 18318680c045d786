"""One list of issuers in every shape in which it may come: the same rows, whatever wrote the file."""

import csv
import io
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from accredit.cli.importers.detect import read_issuers
from accredit.cli.importers.issuers.row import READY, REFUSED, Row
from accredit.node.toml_text import toml_text
from tests.strategies.searching import examples

ISSUERS: list[dict[str, str]] = [
    {"id": "did:web:a.example", "name": "A College", "url": "https://a.example/", "location": "Cambridge, MA, USA"},
    {"id": "did:web:b.example", "name": "Université B; of “Things”, Ltd", "url": "https://b.example/"},
    {"id": "did:web:c.example%3A8443", "name": "C", "location": "Munich, Germany"},
]


def meaning(rows: list[Row]) -> dict[str, Any]:
    assert [row.result for row in rows] == [READY] * len(ISSUERS), [row.findings for row in rows]
    return {row.id: row.body for row in rows}


@st.composite
def sheets(draw: st.DrawFn) -> tuple[bytes, str]:
    """The list as some spreadsheet saves it."""
    columns = draw(st.permutations(["id", "name", "url", "location"]))
    heads = [draw(st.sampled_from([one, one.upper(), one.capitalize(), f" {one} "])) for one in columns]
    separator = draw(st.sampled_from([",", ";", "\t"]))
    empty = [""] * draw(st.integers(0, 2))
    text = io.StringIO()
    if draw(st.booleans()):
        text.write(f"sep={separator}\r\n")
    quoting: Any = draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
    ends = draw(st.sampled_from(["\n", "\r\n"]))
    writer = csv.writer(text, delimiter=separator, quoting=quoting, lineterminator=ends)
    writer.writerow([*heads, *empty])
    for issuer in ISSUERS:
        writer.writerow([*(issuer.get(one, "") for one in columns), *empty])
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
    return text.getvalue().encode(encoding), draw(st.sampled_from(["list.csv", "list.tsv", "list.CSV"]))


@st.composite
def documents(draw: st.DrawFn) -> tuple[bytes, str]:
    """The list as TOML or JSON of ours, or as a list of the Digital Credentials Consortium."""
    kind = draw(st.sampled_from(["toml", "json", "dcc"]))
    if kind == "toml":
        return toml_text({"issuers": ISSUERS}).encode(), "list.toml"
    value: dict[str, Any] = {"issuers": ISSUERS}
    if kind == "dcc":
        entries = {one["id"]: {name: text for name, text in one.items() if name != "id"} for one in ISSUERS}
        value = {"meta": {"created": "2026-01-01T00:00:00Z"}, "registry": entries}
    text = json.dumps(value, indent=draw(st.sampled_from([None, 1])), ensure_ascii=draw(st.booleans()))
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig"]))), "list.json"


@examples(60)
@given(st.one_of(sheets(), documents()))
def test_every_shape_of_a_list_gives_the_same_registrations(shape: tuple[bytes, str]) -> None:
    expected = meaning(read_issuers(json.dumps({"issuers": ISSUERS}).encode(), "list.json"))
    assert expected["did:web:a.example"]["jurisdictions"] == ["US-MA"]
    assert meaning(read_issuers(*shape)) == expected


_HEADS = st.sampled_from(["legal_name", "learner_contact", "Notes", "Phone", "sector"])
_MORE = st.dictionaries(_HEADS, st.just("text7"), min_size=1)


@examples(30)
@given(_MORE)
def test_every_cell_of_a_row_is_taken_or_reported(more: dict[str, str]) -> None:
    """With unknown columns left out on request, each row says which were left out of it."""
    from accredit.cli.importers.spreadsheet import Reading

    heads, cells = ["id", "name", *more], ["did:web:a.example", "A", *more.values()]
    data = ",".join(heads) + "\n" + ",".join(cells) + "\n"
    (row,) = read_issuers(data.encode(), "l.csv", Reading(ignores_unknown=True))
    reported = " ".join(finding.text for finding in row.findings)
    for head in more:
        is_taken = row.body is not None and row.body.get(head) == "text7"
        assert row.result == REFUSED or is_taken or head in reported, (head, row)
    if row.result == REFUSED:
        assert row.findings[0].hint
