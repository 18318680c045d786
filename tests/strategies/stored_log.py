"""A stored log for tests: statements that are easy to derive again, and processes that can be killed."""

import sqlite3
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from accredit.node.storage.log_store import Store
from accredit.registry.transparency.merkle import leaf_hash
from accredit.registry.transparency.tiles import derive_root

ECOSYSTEM = bytes(range(32))
ORIGIN = "node1.example.org"
ROOT = Path(__file__).resolve().parents[2]


def statements(start: int, stop: int, size: int = 40) -> list[tuple[bytes, bytes]]:
    """What the store takes for statements: an id, and bytes that it is the hash of."""
    raws = [f"statement {number} ".encode().ljust(size, b".") for number in range(start, stop)]
    return [(sha256(raw).digest(), raw) for raw in raws]


def identify(raw: bytes) -> bytes:
    return sha256(raw).digest()


def expected_root(size: int) -> bytes:
    return derive_root(leaf_hash(raw) for _, raw in statements(0, size))


def open_store(path: Path) -> Store:
    return Store.open(path, ecosystem=ECOSYSTEM, origin=ORIGIN)


def page_count(store: Store) -> int:
    """How many pages the database has."""
    return int(store.write(lambda connection: connection.execute("PRAGMA page_count").fetchone()[0]))


def limit_pages(store: Store, most: int) -> None:
    """As if the disk had room for so many pages in all."""
    store.write(lambda connection: connection.execute(f"PRAGMA max_page_count = {most}").fetchall())


def tamper(path: Path, sql: str, *parameters: object) -> None:
    """Change the file behind the store's back."""
    connection = sqlite3.connect(path)
    with connection:
        assert connection.execute(sql, parameters).rowcount > 0
    connection.close()


def run_child(body: str, path: Path) -> str:
    """Run `body` with `path` and these helpers in a process of its own; its whole output."""
    process = start_child(body, path)
    output, _ = process.communicate(timeout=60)
    return output


def start_child(body: str, path: Path) -> "subprocess.Popen[str]":
    program = (
        "import sys\nfrom pathlib import Path\nfrom accredit.node.storage.audit import audit\n"
        "from accredit.registry.errors import StorageError\nfrom tests.strategies.stored_log import *\n"
        "path = Path(sys.argv[1])\n"
        "try:\n" + "".join(f"    {line}\n" for line in body.splitlines()) + "except StorageError as error:\n"
        "    print(error.code, flush=True)\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
