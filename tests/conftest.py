"""Settings for every test: how Hypothesis searches, in which order files are run, and which one worker runs.

`ci` (the default) is derandomised: the same tree always gives the same verdict, on every machine. `nightly` searches
widely, with fresh randomness; what it finds becomes an `@example`. Choose with `HYPOTHESIS_PROFILE=nightly`.
"""

import gc
import os
from collections.abc import Generator
from typing import Any

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


LONGEST_FIRST = ("e2e", "cli", "simulations", "docs", "explorer", "tests", "governance")
"""Folders whose files take longest: begun first, no core is left with one of them at the end. What asks the town of
`tests/cli` is one long piece of work.
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first; within a file the order stays."""
    order = {name: number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: order.get(item.path.parent.name, len(order)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give the files that share the nodes of `tests/cli` to one worker: each other would begin such nodes too."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    def work(nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file not in works:
            is_shared = file.startswith("tests/cli/") and "town: Town" in (config.rootpath / file).read_text("utf-8")
            works[file] = "tests/cli/town.py" if is_shared else file
        return works[file]

    works: dict[str, str] = {}
    scheduler = LoadFileScheduling(config, log)
    scheduler._split_scope = work
    return scheduler
