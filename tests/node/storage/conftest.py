"""A log in a file of the test's own, audited after each test that writes to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from accredit.node.storage.audit import audit
from accredit.node.storage.log_store import Store
from tests.strategies.stored_log import identify, open_store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "node.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with open_store(path) as opened:
        yield opened
        audit(opened, identify=identify)
