"""`accredit export parquet`: statements, votes and accreditations with their histories, as tables for analysis.

Everything is derived here from the node's log, whose entries lead to its checkpoint; nothing that the node says of its
records is believed. What could name a person stays out: keys, texts, contacts, and what statements hold besides.
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
from accredit.registry.encoding.counts import many
from accredit.registry.errors import InputError, StorageError

if TYPE_CHECKING:
    from accredit.governance.fold import Fold
    from accredit.registry.domain.record_types import AccreditationRecord, IssuerRecord
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
    "issuers": {"issuer": "VARCHAR", "accreditations": "BIGINT", "first_stated": "TIMESTAMP"},
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
    },
    "history": {
        "accreditation": "VARCHAR",
        "statement": "VARCHAR",
        "event": "VARCHAR",
        "time": "TIMESTAMP",
        "effective_from": "TIMESTAMP",
        "reason_code": "VARCHAR",
    },
}
"""The files: each column with its type in SQL. Ids are hexadecimal, times in UTC."""


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
    pip install 'accredit[analysis]'.
    """
    try:
        import duckdb
    except ImportError:
        raise InputError(
            "no_extra",
            "Parquet files need a package that is not installed.",
            hint="Install it: pip install 'accredit[analysis]'",
        ) from None
    if folder.exists():
        raise StorageError("file_exists", f"{folder} already exists.", hint="Choose another name for the folder.")
    fold, said = _derived(nodes[0])
    rows = _rows(fold, said, int(time.time()))
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
    from accredit.governance.admission import Admission
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
    from accredit.registry.domain.accreditations import status_at

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
    for _, record in fold.items("accreditation"):
        held = cast("AccreditationRecord", record)
        id, terms = held["id"].hex(), held["terms"][-1]
        span = _time(held["terms"][0]["valid_from"]), _time(terms.get("valid_until"))
        status = status_at(held, now, known=now).word
        rows["accreditations"].append(
            (id, held["issuer"], held["by"], held["kind"], held["level"], status, _time(held["iat"]), *span)
        )
        for part in held["terms"]:
            event = "grant" if part["statement"] == held["id"] else "amend"
            rows["history"].append(
                (id, part["statement"].hex(), event, _time(part["iat"]), _time(part["effective_from"]), None)
            )
        for happened in held["events"]:
            rows["history"].append(
                (
                    id,
                    happened["statement"].hex(),
                    happened["event"],
                    _time(happened["iat"]),
                    _time(happened["effective_from"]),
                    happened.get("reason_code"),
                )
            )
    return rows


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
