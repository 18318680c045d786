"""One node for all read tests of a module: nobody changes it."""

from collections.abc import Iterator

import pytest

from tests.strategies.served import Served, served


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made = served(tmp_path_factory.mktemp("node"))
    yield made
    made.store.close()
