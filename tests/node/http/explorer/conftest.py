"""One node of the explorer's world for all stories that only look."""

import pytest

from tests.strategies.explored import explored
from tests.strategies.served import Served


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Served:
    return explored(tmp_path_factory.mktemp("shown"))
