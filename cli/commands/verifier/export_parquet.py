"""`accredit export parquet`: statements, votes and accreditations with their histories, as tables for analysis.

All tables but one are derived here from the node's log, whose entries must lead to its checkpoint; the node's own
records are not trusted. The exception is a file with the times at which the node first published that a statement is in
effect. Data that could identify a person is left out: keys, texts, contacts, and all other members of statements.

`examples/analysis/outcomes.sql` makes the figures of `accredit outcomes` from these files.
"""

import csv
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import click

from accredit.cli.base import output
from accredit.cli.base.commands import Command
from accredit.cli.base.node_option import connected, node_option
from accredit.cli.base.output import good
from accredit.governance.standing import standing_of
from accredit.node.extras import install_line
from accredit.node.outcomes.figures import GOOD, learning_of, listed, words_of
from accredit.registry.domain.accreditations import status_at, terms_at
from accredit.registry.domain.records import authority_in, met
from accredit.registry.domain.vocabulary import ISSUER_CATEGORIES, NARROWING_EVENTS, STATUSES
from accredit.registry.encoding.counts import many
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.encoding.rfc3339 import parse
from accredit.registry.errors import InputError, StorageError

if TYPE_CHECKING:
    from accredit.governance.fold import Fold
    from accredit.registry.domain.record_types import (
        AccreditationRecord,
        FrameworkRecord,
        IssuerRecord,
        MappingRecord,
        Sourced,
    )
    from accredit.registry.statement import Statement

_FOLDER = click.Path(path_type=Path)
TableRow = Sequence[Any]

TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "statements": {
        "number": "BIGINT",
        "statement": "VARCHAR",
        "kind": "VARCHAR",
        "authority": "VARCHAR",
        "subject": "VARCHAR",
        "time": "TIMESTAMP",
    },
    "votes": {
        "vote": "VARCHAR",
        "proposal": "VARCHAR",
        "authority": "VARCHAR",
        "vote_kind": "VARCHAR",
        "time": "TIMESTAMP",
    },
    "approvals": {"accreditation": "VARCHAR", "authority": "VARCHAR", "constituency": "VARCHAR"},
    "issuers": {"issuer": "VARCHAR", "accreditations": "BIGINT", "first_stated": "TIMESTAMP"},
    "issuer_words": {"issuer": "VARCHAR", "kind": "VARCHAR", "word": "VARCHAR"},
    "accreditations": {
        "accreditation": "VARCHAR",
        "issuer": "VARCHAR",
        "authority": "VARCHAR",
        "kind": "VARCHAR",
        "level": "VARCHAR",
        "status": "VARCHAR",
        "time": "TIMESTAMP",
        "valid_from": "TIMESTAMP",
        "valid_until": "TIMESTAMP",
        "learning": "VARCHAR",
    },
    "history": {
        "accreditation": "VARCHAR",
        "statement": "VARCHAR",
        "event": "VARCHAR",
        "time": "TIMESTAMP",
        "effective_from": "TIMESTAMP",
        "reason_code": "VARCHAR",
        "decided": "TIMESTAMP",
        "detected_at": "TIMESTAMP",
        "dated": "TIMESTAMP",
        "is_adverse": "BOOLEAN",
    },
    "follows": {"statement": "VARCHAR", "event": "VARCHAR", "earlier": "VARCHAR"},
    "frameworks": {
        "framework": "VARCHAR",
        "is_complete": "BOOLEAN",
        "is_in_a_scope": "BOOLEAN",
        "is_mapped": "BOOLEAN",
    },
    "told": {"statement": "VARCHAR", "time": "TIMESTAMP"},
    "registry": {"as_of": "TIMESTAMP", "told_since": "TIMESTAMP"},
    "statuses": {"status": "VARCHAR", "rank": "BIGINT", "is_in_force": "BOOLEAN"},
    "categories": {"word": "VARCHAR"},
}
"""The files: each column with its type in SQL. Ids are hexadecimal, times in UTC.

`learning` is what an accreditation in force is for; `decided` when its last vote was given; `dated` the effect that the
statement states itself; `earlier` a statement that an event is about.
"""


@click.command(
    "parquet",
    cls=Command,
    example="accredit export parquet registry-2026-11 --node https://node1.example.org",
)
@click.argument("folder", type=_FOLDER)
@node_option
def parquet(folder: Path, nodes: tuple[str, ...]) -> None:
    """Export statements, votes, issuers, accreditations and their histories as Parquet files into FOLDER.

    For DuckDB, Spark, pandas and others. The tables have no personal data: no keys, names or texts. Needs
    the optional package accredit[analysis].
    """
    try:
        import duckdb
    except ImportError:
        raise InputError(
            "no_extra",
            "Parquet files need a package that is not installed.",
            hint=f"Install it: {install_line('analysis')}",
        ) from None
    if folder.exists():
        raise StorageError("file_exists", f"{folder} already exists.", hint="Choose another name for the folder.")
    fold, said = _derived(nodes[0])
    now = int(time.time())
    rows = {**_rows(fold, said, now), **_told(nodes[0], now)}
    try:
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        half = Path(tempfile.mkdtemp(dir=folder.absolute().parent, prefix=f".{folder.name}."))
    except OSError as error:
        raise StorageError("unwritable_file", f"{folder} cannot be written: {error.strerror}.") from error
    try:
        counts = {name: _write(duckdb, half, name, rows[name]) for name in TABLES}
        half.chmod(0o755)
        half.rename(folder)
    except (OSError, duckdb.Error) as error:
        raise StorageError("unwritable_file", f"{folder} cannot be written: {error}.") from error
    finally:
        shutil.rmtree(half, ignore_errors=True)

    def text() -> None:
        output.say(f"{good('Exported')}  to {folder}:")
        output.facts([(f"{name}.parquet", f"{many(count, 'row')}") for name, count in counts.items()])

    output.emit({"folder": str(folder), "rows": counts}, text)


def _derived(url: str) -> "tuple[Fold, list[Statement]]":
    """The fold of a node's log, and its statements in order.

    Raises:
        RefusedError: the entries do not lead to the checkpoint, or no node would accept one.
    """
    from accredit.cli.base.log_entries import read_entries
    from accredit.governance.authority.admission import Admission
    from accredit.governance.fold import Fold
    from accredit.registry.statement import decode
    from accredit.registry.transparency.checkpoint import Checkpoint
    from accredit.registry.transparency.signed_note import Note
    from accredit.registry.transparency.tiles import check_entries

    with connected(url) as client:
        checkpoint = Checkpoint.decode(Note.decode(client.checkpoint().encode()).text)
        genesis = decode(client.genesis()).id
        admission, fold, said = Admission(genesis), Fold(genesis), []

        def accepted() -> Iterator[bytes]:
            with output.progress("Reading the log", checkpoint.size) as step:
                for raw in read_entries(client, checkpoint.size, step):
                    statement = admission.admit(decode(raw))
                    admission.add(statement)
                    fold.add(statement)
                    said.append(statement)
                    yield raw

        check_entries(accepted(), checkpoint.size, checkpoint.root)
    fold.settle()
    return fold, said


def _rows(fold: "Fold", said: "Sequence[Statement]", now: int) -> dict[str, list[TableRow]]:
    rows: dict[str, list[TableRow]] = {name: [] for name in TABLES}
    for number, one in enumerate(said):
        # The subject of a statement about a key is the key of a person.
        subject = None if one.kind.startswith("key") else one.sub
        rows["statements"].append((number, one.id.hex(), one.kind, one.iss, subject, _time(one.iat)))
        if one.kind.startswith("vote."):
            targets = cast("list[bytes]", one.body["targets"])
            rows["votes"] += [(one.id.hex(), target.hex(), one.iss, one.kind, _time(one.iat)) for target in targets]
    for _, record in fold.items("issuer"):
        issuer = cast("IssuerRecord", record)
        first = min((fact["iat"] for fact in issuer["stated"]), default=None)
        rows["issuers"].append((issuer["id"], len(issuer["accreditations"]), _time(first)))
        words = words_of(issuer).items()
        rows["issuer_words"] += [(issuer["id"], kind, word) for kind, listed in words for word in sorted(listed)]
    used: set[str] = set()
    for _, record in fold.items("accreditation"):
        _add_accreditation(rows, used, fold, cast("AccreditationRecord", record), now)
    mapped = {
        end["framework"]
        for _, record in fold.items("mapping")
        for one in cast("MappingRecord", record)["stated"]
        if one["withdrawn"] is None and one["usable_for_scope"]
        for end in (one["source"], one["target"])
    }
    for _, record in fold.items("framework"):
        framework = cast("FrameworkRecord", record)
        id, is_complete = framework["id"], any(one["complete"] for one in framework["stated"])
        rows["frameworks"].append((id, is_complete, id in used, id in mapped))
    rows["statuses"] = [(word, row.rank, row.newly in GOOD) for word, row in STATUSES.items()]
    rows["categories"] = [(word,) for word in ISSUER_CATEGORIES]
    return rows


def _add_accreditation(
    rows: dict[str, list[TableRow]], used: set[str], fold: "Fold", held: "AccreditationRecord", now: int
) -> None:
    """An accreditation, who spoke for it, and all that was said about it; `used` takes the frameworks that it names."""
    id, terms = held["id"].hex(), held["terms"][-1]
    span = _time(held["terms"][0]["valid_from"]), _time(terms.get("valid_until"))
    status = status_at(held, now, known=now).word
    in_force = terms_at(held, now, known=now) if STATUSES[status].newly in GOOD else []
    for one in in_force:
        used.update(listed(one["scope"].get("frameworks")))
    learning = learning_of(in_force) if in_force else None
    named = (id, held["issuer"], held["by"], held["kind"], held["level"], status)
    rows["accreditations"].append((*named, _time(held["iat"]), *span, learning))
    standing = standing_of(fold, held["id"])
    for authority in () if standing is None else standing.approvals:
        rows["approvals"].append((id, authority, _constituency(fold, authority)))
    for part in held["terms"]:
        event = "grant" if part["statement"] == held["id"] else "amend"
        rows["history"].append(_step(fold, id, part, event, part["effective_from"]))
    for happened in held["events"]:
        statement, event = happened["statement"].hex(), happened["event"]
        rows["history"].append(_step(fold, id, happened, event, happened["effective_from"]))
        rows["follows"] += [(statement, event, earlier.hex()) for earlier in happened["after"]]


def _step(fold: "Fold", accreditation: str, said: "Sourced", event: str, effective_from: int) -> TableRow:
    statement = fold.statement(said["statement"])
    dated = None if statement is None else statement.body.get("effective_from")
    return (
        accreditation,
        said["statement"].hex(),
        event,
        _time(said["iat"]),
        _time(effective_from),
        said.get("reason_code"),
        _time(met(said)),
        _time(cast("int | None", said.get("detected_at"))),
        _time(dated),
        event in NARROWING_EVENTS,
    )


def _constituency(fold: "Fold", authority: str) -> str:
    record = authority_in(fold, CanonicalId(authority))
    standings = () if record is None else record["standings"]
    return next((one["constituency"] for one in sorted(standings, key=lambda one: one["depth"])), None) or "unknown"


def _told(url: str, now: int) -> dict[str, list[TableRow]]:
    """What only the node can say: when it first told that each statement is in effect, and when it told anything."""
    told: dict[str, str] = {}
    since, after = None, 0
    with connected(url) as client:
        while page := client.changes(after=after)["changes"]:
            since = page[0]["time"] if since is None else since
            for change in page:
                if change["change"] == "took_effect":
                    told.setdefault(change["statement"], change["time"])
            after = page[-1]["seq"]
    times: list[TableRow] = [(statement, _time(parse(at))) for statement, at in told.items()]
    return {"told": times, "registry": [(_time(now), None if since is None else _time(parse(since)))]}


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _write(duckdb: Any, folder: Path, name: str, rows: Sequence[TableRow]) -> int:
    """One table, by way of a file that DuckDB reads faster than rows one by one; how many rows it has."""
    source, target = folder / f"{name}.csv", folder / f"{name}.parquet"
    with source.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    columns = "{" + ", ".join(f"'{column}': '{type}'" for column, type in TABLES[name].items()) + "}"
    read = f"read_csv($source, header = false, auto_detect = false, columns = {columns}, quote = '\"', escape = '\"')"
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE rows AS SELECT * FROM {read}", {"source": str(source)})
        written = str(target).replace("'", "''")
        connection.execute(f"COPY rows TO '{written}' (FORMAT parquet, COMPRESSION zstd)")
    source.unlink()
    return len(rows)
