"""Completion in real shells: commands, options, words of closed lists, and ids that a node knows; never a long wait."""

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from accredit.cli.base import completion
from accredit.cli.base.completion import KINDS
from accredit.cli.main import accredit
from tests.cli.test_help import COMMANDS
from tests.strategies.answering_server import AnsweringServer, Asked, Reply

ROOT = Path(__file__).resolve().parents[3]
ISSUERS = {
    "issuers": [
        {"id": "did:web:uni.example", "name": "Uni", "accreditations": [{"id": "ab" * 32, "status": "active"}]},
        {"id": "did:web:college.example", "name": "College", "accreditations": []},
    ],
    "next": None,
}


def completed(words: str, **env: str) -> list[str]:
    typed = words.split(" ")
    environment = {"_ACCREDIT_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(typed) - 1)}
    output = CliRunner().invoke(accredit, [], env={**environment, **env}, prog_name="accredit").output
    return [line.partition(",")[2] for line in output.splitlines() if line]


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("accredit query did:web:a.example --for Bach", "BachelorDegree"),
        ("accredit query did:web:a.example --jurisdiction US-I", "US-IN"),
        ("accredit issuer list --category boot", "bootcamp"),
        ("accredit accreditation revoke ab --code fra", "fraud"),
        ("accredit accreditation event ab tea", "teach_out"),
        ("accredit issuer list --status susp", "suspended"),
        ("accredit simulate run flo", "flood"),
    ],
)
def test_words_of_closed_lists_are_completed(words: str, value: str) -> None:
    assert any(one.startswith(value) for one in completed(words)), completed(words)


ANSWERS = {
    "/v1/issuers": ISSUERS,
    "/v1/authorities": {
        "authorities": [{"id": "did:web:a.example", "standings": [{"name": "A", "keys": [{"key": "cd" * 32}]}]}]
    },
    "/v1/ecosystem": {"nodes": [{"name": "node1.example", "operator": "A"}]},
}


def reply(asked: Asked) -> Reply:
    found = ANSWERS.get(asked.target.partition("?")[0])
    return Reply(404, b"{}") if found is None else Reply(200, json.dumps(found).encode())


def test_ids_are_completed_from_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "SECONDS", 60.0)  # it is not this test that is about haste
    with AnsweringServer(reply) as server:
        node = {"ACCREDIT_NODE": server.url}
        assert completed("accredit query did:web:u", **node) == ["did:web:uni.example"]
        assert completed("accredit accreditation show ab", **node) == ["ab" * 8]
        assert completed("accredit keys retire cd", **node) == ["cd" * 8]
        for words in ("retire", "replace"):
            assert completed(f"accredit node {words} no", **node) == ["node1.example"]
        assert completed("accredit export accreditations --by did", **node) == ["did:web:a.example"]
        assert completed(f"accredit issuer show --node {server.url} did:web:c") == ["did:web:college.example"]


def test_a_node_that_is_down_or_slow_completes_nothing_and_keeps_nobody_waiting() -> None:
    assert completed("accredit query did:web:u", ACCREDIT_NODE="http://127.0.0.1:9") == []

    released, waited_for = threading.Event(), threading.Event()

    def slow(asked: Asked) -> Reply:
        released.wait(60.0)
        waited_for.set()
        return reply(asked)

    with AnsweringServer(slow) as server:
        assert completed("accredit query did:web:u", ACCREDIT_NODE=server.url) == []
        assert not waited_for.is_set(), "it has given up while the node still thinks"
        released.set()


def test_every_kind_that_completes_is_a_parameter_of_some_command() -> None:
    names = {param.name for _, command in COMMANDS for param in command.params}
    assert set(KINDS) <= names


@pytest.mark.parametrize(("shell", "script"), [
    ("bash", 'eval "$(_ACCREDIT_COMPLETE=bash_source accredit)"; COMP_WORDS=(accredit keys co); COMP_CWORD=2; '
             '_accredit_completion accredit; printf "%s\\n" "${COMPREPLY[@]}"'),
    ("zsh", 'autoload -U compinit; compinit -u; eval "$(_ACCREDIT_COMPLETE=zsh_source accredit)"; '
            'whence _accredit_completion >/dev/null && COMP_WORDS="accredit keys co" COMP_CWORD=2 '
            '_ACCREDIT_COMPLETE=zsh_complete accredit'),
    ("fish", '_ACCREDIT_COMPLETE=fish_source accredit | source; complete -C"accredit keys co"'),
])  # fmt: skip
def test_the_lines_that_help_gives_work_in_the_shell_itself(tmp_path: Path, shell: str, script: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"needs {shell}")
    (tmp_path / "accredit").write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from accredit.cli.main import main\nmain()\n"
    )
    (tmp_path / "accredit").chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    flag = ["-f"] if shell == "zsh" else []
    done = subprocess.run([program, *flag, "-c", script], env=env, capture_output=True, text=True, timeout=60)
    assert "compromise" in done.stdout, done.stderr
