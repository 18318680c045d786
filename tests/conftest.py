"""Settings for every test: how Hypothesis searches, and in which order files are run.

`ci` (the default) is derandomised: the same tree always gives the same verdict, on every machine. `nightly` searches
widely, with fresh randomness; what it finds becomes an `@example`. Choose with `HYPOTHESIS_PROFILE=nightly`.
"""

import gc
import os
from collections.abc import Generator

import pytest
from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=100, print_blob=True)
settings.register_profile("nightly", derandomize=False, deadline=None, max_examples=5_000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Leave what was collected, which lasts for the whole run, out of every later search for garbage."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


LONGEST_FIRST = ("e2e", "simulations", "docs", "explorer", "tests", "governance", "cli")
"""Folders whose files take longest: begun first, no core is left with one of them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first; within a file the order stays."""
    order = {name: number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: order.get(item.path.parent.name, len(order)))
