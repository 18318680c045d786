"""What is not measured runs as fast as a simulation: of the same bytes each answer is computed once for all nodes."""

from collections.abc import Iterator

import pytest

from accredit.simulations.virtual.memoised_crypto import shared_answers


@pytest.fixture(autouse=True)
def _sharing(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.node.get_closest_marker("no_cover") is None:
        yield
        return
    with shared_answers():
        yield
