"""`python -m benchmarks [--long] [NAME ...]`: those benchmarks, or all; each in a process which no other has warmed.

All of them take some twelve minutes on an idle machine with two cores. `--long` measures at the sizes that the targets
name, in an hour: 10^5 statements in `memory` and `ingest`; 10^6 in `large`; 10^4, 10^5 and 10^6 issuers in `serving`,
each in a file of its own beside that of the small one. How long each took is said at the end.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Final

PARTS: Final = ("__main__", "harness", "open_loop")
"""Modules here that are no benchmarks."""

NAMES: Final = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in PARTS)

_STATEMENTS, _ISSUERS = "ACCREDIT_BENCHMARK_STATEMENTS", "ACCREDIT_BENCHMARK_ISSUERS"
LONG: Final[Mapping[str, Sequence[Mapping[str, str]]]] = {
    "ingest": [{_STATEMENTS: "100000"}],
    "large": [{_STATEMENTS: "1000000"}],
    "memory": [{_STATEMENTS: "100000"}],
    "serving": [{_ISSUERS: many} for many in ("10000", "100000", "1000000")],
}
"""Settings of the long runs, by benchmark; all others have one length."""


def main(words: list[str]) -> int:
    """Run each, whatever the others say; 1 where one failed, 2 for a name that there is not."""
    is_long, names = "--long" in words, [word for word in words if word != "--long"]
    if unknown := sorted(set(names) - set(NAMES)):
        print(f"There is no benchmark {', '.join(unknown)}; there are: {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    ended, took = [], []
    for name in names or NAMES:
        for settings in LONG.get(name, [{}]) if is_long else [{}]:
            begun = monotonic()
            done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], env={**os.environ, **settings})
            ended.append(done.returncode)
            took.append(f"{name} {monotonic() - begun:.0f} s" + (f" (ended with {done.returncode})" * any(ended[-1:])))
    print(f"It took: {', '.join(took)}.", file=sys.stderr)
    return int(any(ended))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
