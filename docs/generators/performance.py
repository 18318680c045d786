"""`docs/performance.md`: what the benchmarks saw when they were last run in this checkout.

The figures are a machine's, not the code's: so no test compares them, and where no benchmark has been run the page
stays as it is.
"""

import json
from typing import Final

from benchmarks.harness import folder, table
from docs.generators._page import rewrite

PAGE: Final = "performance.md"


def text() -> str:
    """The results of each benchmark, the command that gives them above."""
    parts = []
    for path in sorted(folder().glob("*.json")):
        members = json.loads(path.read_text("utf-8"))
        on = members["machine"]
        machine = f"{on['implementation']} {on['python']}, {on['system']} {on['architecture']}, {on['cores']} cores"
        parts.append(f"## {path.stem}\n\n`{members['command']}` ({machine})")
        parts.append(table([members]).strip())
    return "\n\n".join(parts)


if __name__ == "__main__":
    if found := text():
        rewrite(PAGE, found)
    else:
        print(f"docs/{PAGE}: no results in {folder()}; `python3 dev.py bench` makes them")
