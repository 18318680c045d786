"""One small real consortium for all tests of the command line that need a node."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.town import Town, found_town


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Two running nodes, a charter in effect. Tests share it: each uses issuers of its own."""
    folder: Path = tmp_path_factory.mktemp("town")
    made = Town(folder)
    try:
        made = found_town(folder)
        yield made
    finally:
        for process in made.processes.values():
            process.terminate()
        for process in made.processes.values():
            process.wait(timeout=20)
