"""What a test opened is closed when it ends: Python 3.13 warns of a connection that nobody closed, and warnings fail.

It warns when the memory is taken back, thus in a test that has nothing to do with it.
"""

from collections.abc import Iterator

import pytest

from tests.strategies.served import closing_what_is_opened


@pytest.fixture(scope="module", autouse=True)
def _closing_for_the_module() -> Iterator[None]:
    with closing_what_is_opened():
        yield


@pytest.fixture(autouse=True)
def _closing_for_the_test() -> Iterator[None]:
    with closing_what_is_opened():
        yield
