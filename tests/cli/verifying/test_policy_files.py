"""Trust policies as they arrive: by mail, through an editor, with what those add."""

from pathlib import Path

import pytest

from accredit.cli.verifying.checks import read_policy
from tests.registry.evidence.test_snapshot import POLICY


@pytest.mark.parametrize("form", ["as it was", "byte order mark", "Windows' line ends"])
def test_a_policy_that_went_through_an_editor_is_the_same_policy(tmp_path: Path, form: str) -> None:
    raw = POLICY.encode()
    if form == "byte order mark":
        raw = b"\xef\xbb\xbf" + raw
    if form == "Windows' line ends":
        raw = raw.replace(b"\n", b"\r\n")
    (tmp_path / "policy.txt").write_bytes(raw)
    assert read_policy(tmp_path / "policy.txt") == POLICY
