"""`accredit outcomes`: totals of the registry's public records, and of the node's answers.

The node counts (`/v1/outcomes`); this command only shows the result as text, CSV, JSON or a drawing.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from accredit.cli.base import documents, output
from accredit.cli.base.commands import Command
from accredit.cli.base.context import wants_json
from accredit.cli.base.file_argument import FILE
from accredit.cli.base.node_option import connected, node_option
from accredit.cli.base.tables.bar_charts import bar_charts
from accredit.registry.encoding.counts import many
from accredit.registry.errors import InputError

WEEKS: Final = 12
"""Weeks shown where nobody says how many: a quarter of a year."""

TITLES: Final[Mapping[str, str]] = {
    "categories": "Issuers by category",
    "sectors": "Issuers by sector",
    "modes": "Issuers by way of learning",
    "issuer_statuses": "Issuers by the best status of their accreditations",
    "statuses": "Accreditations by status",
    "learning": "Accreditations in force, by what they are for",
    "approvals": "Approvals of accreditations, by sector of the authority",
    "frameworks": "Competency frameworks",
    "begun": "Accreditations that began, by year",
    "adverse": "Adverse decisions, by year",
    "reasons": "Adverse decisions, by reason",
    "appeals": "Appeals",
}
"""Tables of counts in their order."""

SPANS: Final[Mapping[str, str]] = {
    "proposal_to_decision": "from proposal to last vote",
    "detection_to_decision": "from finding the cause to the decision",
    "adverse_to_public": "from adverse decision to public",
    "other_to_public": "from other decision to public",
    "appeal": "from opening an appeal to deciding it",
}
_COLUMNS: Final = ("table", "row", "column", "value")
_WITHHELD: Final = "withheld"
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


@click.command(
    cls=Command,
    example="""accredit outcomes
accredit outcomes --weeks 4 --csv -o outcomes.csv
accredit outcomes --plot outcomes.svg""",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV: table, row, column, value.")
@click.option("--plot", type=FILE, metavar="FILE", help="Draw the tables as an SVG file.")
@click.option(
    "--weeks",
    type=click.IntRange(min=0, max=520),
    default=WEEKS,
    show_default=True,
    help="How many past weeks of decisions; the node withholds small counts.",
)
@click.option("-o", "--output", "target", type=FILE, help="With --csv: file to write; default: standard output.")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@node_option
def outcomes(
    as_csv: bool, plot: Path | None, weeks: int, target: Path | None, force: bool, nodes: tuple[str, ...]
) -> None:
    """Show what the public records add up to: issuers, accreditations, how long decisions took, who is missing.

    The weekly totals of decisions are of the questions that this node was asked.
    """
    if as_csv and wants_json():
        raise InputError("bad_options", "--csv and --json cannot be combined.", hint="Use one of them.")
    if target is not None and not as_csv:
        raise InputError("bad_options", "-o needs --csv.", hint="Add --csv, or use --plot FILE for a drawing.")
    if plot is not None and plot.suffix.lower() != ".svg":
        raise InputError(
            "bad_options",
            f"A drawing is an SVG file, which {plot} does not say.",
            hint=f"Write --plot {plot.with_suffix('.svg')}",
        )
    with connected(nodes[0]) as client:
        found = client.outcomes(weeks=weeks)
    if plot is not None:
        documents.write_new(plot, _drawing(found), force=force)
        output.note(f"Wrote {plot}.")
    if as_csv:
        written = _csv(found)
        if target is None:
            click.echo(written, nl=False)
        else:
            documents.write_new(target, written, force=force)
            output.note(f"Wrote {target}.")
    elif plot is None or wants_json():
        output.emit(found, lambda: _show(found))


# ------------------------------------------------------------------------------------------------ for people


def _show(found: Mapping[str, Any]) -> None:
    output.facts(
        [
            ("node", found["node"]),
            ("as of", found["as_of"]),
            ("issuers", found["issuers"]),
            ("accreditations", found["accreditations"]),
        ]
    )
    for name, title in TITLES.items():
        rows = [row for row in found["tables"][name] if row["count"]]
        if rows:
            _head(title)
            output.table(
                ("", "count", "share"), [(_plain(row["word"]), row["count"], _share(row["share"])) for row in rows]
            )
    if found["spans"]:
        _head("How long it took")
        output.table(
            ("", "decisions", "half within", "nine tenths within"),
            [
                (SPANS[one["name"]], one["count"], _time(one["median_seconds"]), _time(one["ninetieth_seconds"]))
                for one in found["spans"]
            ],
        )
    _show_publication(found)
    if found["issuers"]:
        _head("Missing")
        output.facts(
            [
                ("categories without an issuer", _categories(found["missing"])),
                ("with issuers, but none accredited now", _categories(found["unaccredited"])),
            ]
        )
    for week in found["weeks"]:
        _head(f"Decisions of week {week['week']}, from {week['begins']}; counts below {week['least']} are withheld")
        output.table(
            ("answer", "category", "count"),
            [(_answer(row), _plain(row["category"]), _count(row["count"])) for row in week["rows"]],
            empty="This node decided nothing in that week.",
        )


def _categories(words: Sequence[str]) -> str:
    return ", ".join(map(_plain, words)) or "no category"


def _show_publication(found: Mapping[str, Any]) -> None:
    rows = [one for one in found["publication"] if one["count"]]
    if rows:
        _head("Told the public in time (34 CFR 602.26)")
        output.table(
            ("decisions", "count", "in time", "share", "limit"),
            [
                (one["kind"], one["count"], one["within"], _share(one["share"]), _time(one["limit_seconds"]))
                for one in rows
            ],
        )
    if found["earlier"]:
        output.say(
            output.faint(
                f"{many(found['earlier'], 'decision', 'was', 'were')} made before this node began to tell changes "
                f"({found['told_since']}); how fast they became public is not known here."
            )
        )


def _head(title: str) -> None:
    output.say()
    output.say(output.styled(title, bold=True))


def _plain(word: str) -> str:
    return word.replace("_", " ")


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _count(count: int | None) -> str:
    return _WITHHELD if count is None else str(count)


def _answer(row: Mapping[str, Any]) -> str:
    cause = row["cause"]
    return _plain(row["verdict"]) + (f": {cause}" if cause and cause != row["verdict"] else "")


def _time(seconds: int) -> str:
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), _UNITS[-1])
    return f"{seconds / size:.1f} {unit}".replace(".0 ", " ")


# ------------------------------------------------------------------------------------------------ for programs


def _csv(found: Mapping[str, Any]) -> str:
    """Every figure on a line of its own; all words are the registry's, so that no cell can be a formula."""
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\r\n")
    table.writerow(_COLUMNS)
    table.writerows(_cells(found))
    return written.getvalue()


def _cells(found: Mapping[str, Any]) -> Iterator[Sequence[object]]:
    for name in ("node", "as_of", "issuers", "accreditations", "told_since", "earlier"):
        yield "registry", name, "value", found[name]
    for table, rows in found["tables"].items():
        for row in rows:
            yield table, row["word"], "count", row["count"]
            if row["share"] is not None:
                yield table, row["word"], "share", row["share"]
    for part, key in (("spans", "name"), ("publication", "kind")):
        for one in found[part]:
            for column, value in one.items():
                if column != key and value is not None:
                    yield part, one[key], column, value
    for name in ("missing", "unaccredited"):
        for word in found[name]:
            yield name, word, "is", "true"
    for week in found["weeks"]:
        yield week["week"], "week", "begins", week["begins"]
        yield week["week"], "week", "least", week["least"]
        for row in week["rows"]:
            cause = row["cause"]
            answer = row["verdict"] + (f":{cause}" if cause and cause != row["verdict"] else "")
            yield week["week"], answer, row["category"], _count(row["count"])


def _drawing(found: Mapping[str, Any]) -> str:
    charts = []
    for name, title in TITLES.items():
        counts = {_plain(row["word"]): int(row["count"]) for row in found["tables"][name] if row["count"]}
        if counts:
            charts.append((title, counts))
    return bar_charts(charts, title=f"{found['node']}, {found['as_of'][:10]}")
