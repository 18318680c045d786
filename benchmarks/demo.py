"""How long `accredit demo` takes: four nodes, three governance bodies, real issuers. Target (performance.md): 45 s.

Once, as a newcomer runs it; the target is of an idle machine.

    python3 dev.py bench demo
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from benchmarks.harness import Report

_ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Measures and reports."""
    report = Report("demo")
    with tempfile.TemporaryFile() as said:
        begun = perf_counter()
        subprocess.run([sys.executable, "-m", "accredit", "demo"], cwd=_ROOT, stdout=said, stderr=said, check=True)
        report.add("accredit demo", "s", [perf_counter() - begun], at_most=45)
    report.finish()


if __name__ == "__main__":
    main()
