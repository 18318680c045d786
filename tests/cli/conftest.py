"""One small real consortium for all tests of the command line that need a node."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from accredit.node.files import key_files
from tests.cli.town import Town, found_town


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Two running nodes, a charter in effect. Tests share it: each uses issuers of its own."""
    made = found_town(tmp_path_factory.mktemp("town"))
    yield made
    made.stop_all()


@pytest.fixture(autouse=True)
def _sealing_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that commands make are derived at the lowest cost, not at half a second of a core for each."""
    for cost in ("MODERATE", "INTERACTIVE"):
        monkeypatch.setattr(key_files, cost, key_files.FASTEST)


@pytest.fixture
def policy(town: Town, tmp_path: Path) -> Path:
    """A verifier's trust policy."""
    return town.policy(tmp_path / "policy.txt")
