"""One node for all read tests of a module: nobody changes it."""

import pytest

from tests.strategies.served import Served, served


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Served:
    return served(tmp_path_factory.mktemp("node"))
