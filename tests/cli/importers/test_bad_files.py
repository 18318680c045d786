"""Each importer given each kind of damaged or hostile file: a report or an error that says what to do, never a crash.

What is read is held in memory whole, so whatever could grow is refused before it does: archives are not unpacked, and
XML entities stand for no more than a namespace.
"""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from accredit.cli.base import documents
from accredit.cli.histories import dapip, table
from accredit.cli.histories.table import HistoryMap
from accredit.cli.importers.detect import read_framework, read_issuers
from accredit.cli.importers.frameworks.crosswalks import read_crosswalk
from accredit.registry.errors import AccreditError, InputError

ROOT = Path(__file__).resolve().parents[3]
NOW = 1_700_000_000
MAP = HistoryMap(documents.read_file(ROOT / "examples/history/register-map.toml"), "map.toml")


def bomb() -> bytes:
    """A small archive of a large file, as a workbook is one."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 50_000_000)
    return file.getvalue()


def circle(size: int = 3) -> dict[str, Any]:
    """A framework whose items are each other's ancestors."""
    ids = [f"https://f.example/{number}" for number in range(size)]
    items = [{"id": id, "statement": "x", "parents": [ids[number - 1]]} for number, id in enumerate(ids)]
    return {"id": "https://f.example/", "title": "F", "version": "1", "format": "csv", "items": items}


LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">&c;</rdf:RDF>"""

FORMS: dict[str, Callable[[], bytes]] = {
    "nothing": bytes,
    "only blanks": lambda: b" \n\t\n",
    "random bytes": lambda: bytes(range(256)) * 20,
    "zeros": lambda: bytes(10_000),
    "a zip bomb": bomb,
    "a compressed bomb": lambda: gzip.compress(b" " * 50_000_000),
    "an old workbook": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500),
    "UTF-16 cut in a character": lambda: "id,name\nx,y".encode("utf-16")[:-1],
    "UTF-8 cut in a character": lambda: "id;name\nx;Höhe".encode()[:-2],
    "JSON cut short": lambda: b'{"items": [{"id": "https://f.example/1", "statement": "x',
    "JSON nested deeply": lambda: b'{"@graph":' * 5_000 + b"1" + b"}" * 5_000,
    "lists nested deeply": lambda: b"[" * 200_000,
    "JSON-LD that holds itself": lambda: json.dumps(
        {"@graph": [{"@id": "a", "@type": "ceasn:CompetencyFramework", "ceasn:hasChild": {"@id": "a"}}]}
    ).encode(),
    "items that are each other's ancestors": lambda: json.dumps(circle()).encode(),
    "an envelope in an envelope": lambda: json.dumps(
        {"envelope_type": "resource_data", "decoded_resource": {"envelope_type": "x", "decoded_resource": {}}}
    ).encode(),
    "a number of ten thousand digits": lambda: b'{"items": ' + b"9" * 10_000 + b"}",
    "XML that grows": lambda: LAUGHS,
    "XML cut short": lambda: LAUGHS[:120],
    "a sheet of one endless cell": lambda: b'id,name\n"' + b"x" * 300_000,
    "a sheet with a quote that never ends": lambda: b'id,name\n"a,b\nc,d\n',
    "a sheet of formulas": lambda: b'id,name\n"=HYPERLINK(""http://x"")","=1+1"\n',
    "a sheet of ten thousand columns": lambda: b",".join(b"c%d" % number for number in range(10_000)) + b"\n1\n",
    "TOML cut short": lambda: b'[[items]]\nid = "https://f.example/1',
}

READERS: dict[str, Callable[[bytes], object]] = {
    "issuers": lambda data: read_issuers(data, "file"),
    "framework": lambda data: read_framework(data, "file"),
    "framework.csv": lambda data: read_framework(data, "file.csv"),
    "framework.xml": lambda data: read_framework(data, "file.xml"),
    "framework.ttl": lambda data: read_framework(data, "file.ttl"),
    "crosswalk": lambda data: read_crosswalk(data, "file"),
    "crosswalk.xml": lambda data: read_crosswalk(data, "file.xml"),
    "history of a table": lambda data: table.read(data, "file", MAP, NOW),
    "history of DAPIP": lambda data: dapip.read(dict.fromkeys(dapip.HEADS, data), NOW),
}


@cache
def file_of(form: str) -> bytes:
    return FORMS[form]()


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("form", FORMS)
def test_a_bad_file_is_reported_on_or_refused_with_what_to_do(form: str, reader: str) -> None:
    refused, found = None, None
    try:
        found = READERS[reader](file_of(form))
    except AccreditError as error:
        refused = error
    if refused is not None:
        assert refused.message.strip()
        assert refused.hint, f"{refused.code}: {refused.message}"
    elif reader == "framework":
        assert form == "items that are each other's ancestors"
        assert any("ancestor" in one.text or "circle" in one.text for one in found.findings), found.findings  # type: ignore[attr-defined]
    elif reader == "issuers":
        assert all(one.result != "ready" for one in found), found  # type: ignore[attr-defined]


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    large = tmp_path / "large.json"
    with large.open("wb") as file:
        file.truncate(documents.FILE_BYTES + 1)  # takes no room on the disk
    with pytest.raises(InputError) as refused:
        documents.read_bytes(large)
    assert str(large) in refused.value.message
    assert refused.value.hint
