"""The guides work: every command in them is typed in a real shell, in order, against real nodes.

One shell for the pages of a walk, in an empty folder that has a copy of `examples/`: pages that ask the same nodes are
typed one after the other. The first command that fails ends it. Only the
numbers in lines like `PORT1=8481` are replaced, by ports that are free. The pages run side by side. What a page
shows as output is looked for in what its commands print, line by line in order, `…` standing for anything; ids, keys,
ports and times differ from run to run and are taken for equal.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import settings

from tests.docs.pages import ROOT, Block, blocks
from tests.strategies.fleet import quiet_port
from tests.strategies.warm import address

WALKS = (
    ("operator",),
    ("governance-body",),
    ("verifier", "admissions", "employer", "researcher", "outliving", "learner"),
    ("history",),
)
"""Guides, those together that ask the same nodes, in the order in which they are typed."""

COLD = WALKS if settings().max_examples > 1_000 else ()
"""Those whose commands are a person's to the letter: in a nightly run all. Otherwise they are begun `warm`."""

SLOW = ("outliving", "learner")
"""Pages whose commands take a second each, as a person's do: a school that closes in the second in which its receipts
were proved has no proof from before.
"""

SECONDS = 900
"""For one page, with three others beside it on a slow machine; on an idle one with two cores they take some 70."""

_MARK = "=== block at"
_DEMO = re.compile(r"^accredit demo --keep net\n.*?^done\n", re.MULTILINE | re.DOTALL)
"""How pages begin the network of the demo; those of one walk ask the same, and it is begun once."""

_SAME = (
    (re.compile(r"\b127\.0\.0\.1:\d+"), "ADDRESS"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| UTC)"), "TIME"),
    (re.compile(r"\b20\d\d-\d\d-\d\d\b"), "DAY"),
    (re.compile(r"\bz6M\w+"), "KEY"),
    (re.compile(r"\+[0-9a-f]{8}\+[A-Za-z0-9+/]{20,}=*"), "+LOGKEY"),
    (re.compile(r"\b[0-9a-f]{8,64}\b"), "ID"),
    (re.compile(r"[A-Za-z0-9+/]{43}="), "HASH"),
    (re.compile(r"\b\d+(\.\d+)? (s|min|h)\b"), "SPAN"),
    (re.compile(r"\s+"), " "),
)


@dataclass
class Shell:
    """A page on its way through a shell."""

    process: "subprocess.Popen[bytes]"
    folder: Path
    output: Path


def script(walk: Sequence[str], ports: Iterator[int]) -> str:
    """The commands of a walk's pages, each block announced by its page and line."""
    lines = ["set -euo pipefail", "trap 'jobs -p | xargs -r kill 2>/dev/null || true' EXIT"]
    is_begun = False
    for guide in walk:
        lines.append(f"export SECONDS_BEFORE={int(guide in SLOW)}")
        for block in blocks(page(guide)):
            if block.language == "sh":
                text = _DEMO.sub("", block.text) if is_begun else block.text
                is_begun = is_begun or text != _DEMO.sub("", text)
                text = re.sub(r"^(PORT\d*)=\d+$", lambda found: f"{found[1]}={next(ports)}", text, flags=re.MULTILINE)
                lines += [f"echo; echo '{_MARK} {guide}.md:{block.line}'", text]
    return "\n".join(lines) + "\n"


def page(name: str) -> str:
    """The text of a guide."""
    return (ROOT / "docs" / f"{name}.md").read_text("utf-8")


def shim(folder: Path, how: str) -> Path:
    """A folder with the command `accredit`."""
    program = folder / "accredit"
    program.write_text(f'#!/bin/sh\nsleep "$SECONDS_BEFORE"\nexec "{sys.executable}" {how} "$@"\n')
    program.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def shells(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Shell]]:
    """The guides, all under way."""
    cold = shim(tmp_path_factory.mktemp("cold"), "-m accredit")
    warm = shim(tmp_path_factory.mktemp("warm"), f'-I -S "{ROOT}/tests/strategies/typed_warm.py" "{address()}"')
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ACCREDIT_") and not name.lower().endswith("_proxy")
    }
    environment |= {
        "PYTHONPATH": str(ROOT),
        "PYTHONSAFEPATH": "1",
        "LC_ALL": "C.UTF-8",
    }
    running: dict[str, Shell] = {}
    try:
        for walk in WALKS:
            folder = tmp_path_factory.mktemp(walk[0])
            shutil.copytree(ROOT / "examples", folder / "examples")
            text = script(walk, iter(quiet_port, None))
            output = folder.with_suffix(".out")
            with output.open("wb") as file:
                process = subprocess.Popen(
                    ["bash", "-c", text],
                    cwd=folder,
                    env=environment | {"PATH": f"{cold if walk in COLD else warm}{os.pathsep}{os.environ['PATH']}"},
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            running[walk[0]] = Shell(process, folder, output)
        yield running
    finally:
        for shell in running.values():
            # The whole session of this shell: nodes that it started and that outlived it.
            try:
                os.killpg(shell.process.pid, signal.SIGTERM)
            except ProcessLookupError:
                continue
        for shell in running.values():
            shell.process.wait(60)


@pytest.mark.wide
@pytest.mark.parametrize("walk", WALKS, ids=" ".join)
def test_every_command_of_a_guide_works_and_prints_what_the_guide_shows(
    walk: Sequence[str], shells: dict[str, Shell]
) -> None:
    shell = shells[walk[0]]
    try:
        code = shell.process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        code = None
    printed = shell.output.read_text("utf-8", "replace")
    place = printed.rpartition(_MARK)[2]
    assert code == 0, f"ended with {code} in the block at{place}\n{logs(shell.folder)}"
    by_place = {part.partition("\n")[0].strip(): part.partition("\n")[2] for part in printed.split(_MARK)[1:]}
    for name in walk:
        shown = 0
        for before, after in pairs(page(name)):
            shown += 1
            typed = by_place[f"{name}.md:{before.line}"]
            missing = first_missing(after.text, typed)
            assert missing is None, (
                f"docs/{name}.md:{after.line}: nothing printed looks like\n  {missing}\nIt printed:\n{typed}"
            )
        assert shown, f"docs/{name}.md shows nothing"


def pairs(text: str) -> Iterator[tuple[Block, Block]]:
    """Each block to type with the block of output that follows it."""
    found = blocks(text)
    for before, after in pairwise(found):
        if after.language == "text":
            assert before.language == "sh", f"line {after.line}: output of what?"
            yield before, after


def first_missing(shown: str, printed: str) -> str | None:
    """The first line of `shown` that no line of `printed` answers to, in order; None if all are there."""
    lines = iter([_plain(line) for line in printed.splitlines()])
    for line in shown.splitlines():
        wanted = _plain(line)
        if wanted in ("", "…"):
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in wanted.split("…")))
        if not any(pattern.fullmatch(one) for one in lines):
            return line
    return None


def _plain(line: str) -> str:
    for pattern, same in _SAME:
        line = pattern.sub(same, line)
    return line.strip()


def logs(folder: Path) -> str:
    """The last lines of every node's log, for whoever has to find out."""
    tails = [
        f"{path.name}: " + "\n  ".join(path.read_text().splitlines()[-3:]) for path in sorted(folder.glob("*.log"))
    ]
    return "\n".join(tails)


@pytest.mark.parametrize(
    ("shown", "printed", "missing"),
    [
        ("id  0123456789ab\n", "id 88d1f0a2bcde\n", None),
        ("a\nb\n", "b\na\n", "b"),
        ("a … c\n", "a b c\n", None),
        ("size 4\n", "size 5\n", "size 4"),
        ("…\nend\n", "begin\nend\n", None),
    ],
)
def test_output_that_differs_in_more_than_ids_is_not_taken_for_what_a_page_shows(
    shown: str, printed: str, missing: str | None
) -> None:
    assert first_missing(shown, printed) == missing
