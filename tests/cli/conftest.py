"""One small real consortium for all tests of the command line that need a node."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.town import Town, found_town


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Two running nodes, a charter in effect. Tests share it: each uses issuers of its own."""
    made = found_town(tmp_path_factory.mktemp("town"))
    yield made
    made.stop_all()


@pytest.fixture
def policy(town: Town, tmp_path: Path) -> Path:
    """A verifier's trust policy."""
    return town.policy(tmp_path / "policy.txt")
