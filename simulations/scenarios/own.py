"""Users' own scenarios: a Python file, or a module that can be imported.

    name = load_own("./island.py")              the one scenario in the file
    name = load_own("./islands.py:two")         one of several
    name = load_own("research.islands:two")     in a module on Python's path

The file is run, like any program: it must be one that you trust. Its scenarios are entered in the book beside ours.
"""

import sys
import traceback
from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from accredit.registry.errors import InputError

from .book import SCENARIOS


@cache
def load_own(text: str) -> str:
    """Run a file or module, once in a process; return the name of its scenario.

    Args:
        text: a path that ends in `.py` or a dotted module name; then, after a colon, the scenario where it has several.

    Raises:
        InputError: `no_file`, `no_module`, `scenario_broken` with the line at fault, `two_scenarios`, `no_scenario`.
    """
    place, _, wanted = text.partition(":")
    before = set(SCENARIOS)
    try:
        _run(place)
    except InputError:
        raise
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        raise InputError(
            "scenario_broken",
            f"{place} cannot be run: {type(error).__name__}: {error} ({where.filename}, line {where.lineno}).",
            hint="Mend that line; docs/simulations.md has an example that runs.",
        ) from error
    found = [name for name in SCENARIOS if name not in before]
    for name in found:
        several = f":{name}" if len(found) > 1 else ""
        SCENARIOS[name] = replace(SCENARIOS[name], place=f"{place}{several}")
    if wanted in found:
        return wanted
    if not found or wanted:
        what = f"no scenario named {wanted!r}" if wanted else "no scenario"
        have = f" It has: {', '.join(found)}." if found else ""
        raise InputError(
            "no_scenario",
            f"{place} has {what}.{have}",
            hint="Put @scenario(…) of accredit.simulations.scenarios above a function.",
        )
    if len(found) > 1:
        raise InputError(
            "several_scenarios",
            f"{place} has several scenarios: {', '.join(found)}.",
            hint=f"Name one: {place}:{found[0]}",
        )
    return found[0]


def _run(place: str) -> None:
    if not place.endswith(".py"):
        try:
            import_module(place)
        except ModuleNotFoundError as error:
            if error.name is not None and place.startswith(error.name):
                raise InputError(
                    "no_module", f"there is no module {place}.", hint="Give the path of a file that ends in .py."
                ) from error
            raise
        return
    path = Path(place)
    if not path.is_file():
        raise InputError("no_file", f"there is no file {place}.", hint="Check the path; it is relative to this folder.")
    spec = spec_from_file_location(f"accredit_scenario_{path.stem}", path)
    assert spec is not None, "a file that ends in .py has a loader"
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[module.__name__] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
