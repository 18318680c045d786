"""`python -m benchmarks [NAME ...]`: those benchmarks, or all; each in its own process, which no other has warmed."""

import subprocess
import sys
from pathlib import Path

PARTS = ("__main__", "harness", "open_loop")
"""Modules here that are no benchmarks."""

NAMES = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in PARTS)


def main(names: list[str]) -> int:
    """Run each, whatever the others say; 1 where one failed, 2 for a name that there is not."""
    if unknown := sorted(set(names) - set(NAMES)):
        print(f"There is no benchmark {', '.join(unknown)}; there are: {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    ended = [subprocess.run([sys.executable, "-m", f"benchmarks.{name}"]).returncode for name in names or NAMES]
    return int(any(ended))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
