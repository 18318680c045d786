"""`python -m docs.generators`: makes the generated part of every page anew, page by page."""

import runpy
from pathlib import Path

if __name__ == "__main__":
    for path in sorted(Path(__file__).parent.glob("[!_]*.py")):
        runpy.run_module(f"docs.generators.{path.stem}", run_name="__main__")
