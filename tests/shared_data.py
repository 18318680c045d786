"""Where real files of others are found: public lists, frameworks, schemas and test vectors we may not redistribute.

They lie beside the repository, in `../shared/data`, or where the environment variable `ACCREDIT_SHARED_DATA` says.
Nothing depends on them alone: each format also has a small fixture we wrote, so that a clone without them tests all
code, and a test that needs them is skipped and says so.
"""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


def shared_data(*parts: str) -> Path:
    """The path of a shared file or folder, as in `shared_data("dcc", "registry.json")`; skips the test if absent."""
    root = Path(os.environ.get("ACCREDIT_SHARED_DATA") or REPOSITORY.parent / "shared" / "data")
    path = root.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs shared data {'/'.join(parts) or root}, not found (ACCREDIT_SHARED_DATA names its folder)")
    return path
