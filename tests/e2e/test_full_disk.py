"""A disk without room: submitters are told, nothing is half written, and with room again everything goes on."""

import json
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from accredit.registry.errors import RemoteError
from accredit.registry.statement import Statement
from tests.strategies.bodies import register
from tests.strategies.fleet import ROOT, Fleet, Machine, eventually, founding
from tests.strategies.network import A
from tests.strategies.wire import exchange, json_of, post, request, status_of

LIMIT = 800_000
"""Bytes beyond which no file of the node grows."""

LARGE = 500
"""Statements of 2 kB that find no room together, whatever else is in the database."""


def statements(fleet: Fleet, count: int, word: str) -> list[Statement]:
    return [
        fleet.town.says(A, "issuer.register", register(f"did:web:{word}{n}.example", ext={"padding": "x" * 2_000}))
        for n in range(count)
    ]


def check_refused(node: Machine, refused: list[Statement]) -> None:
    """507 (RFC 4918 §11.5), when to try again, and nothing of our paths; none of them is there."""
    body = b"".join(each.raw for each in refused)
    answer = exchange(node.port, post("/v1/statements", body, "application/cbor-seq"))
    assert status_of(answer) == 507
    assert b"retry-after: 60" in answer.lower()
    problem = json_of(answer)
    assert problem["code"] == "disk_full"
    assert "Ask another node" in problem["hint"]
    assert str(node.folder) not in answer.decode()
    assert not any(node.holds(each) for each in (refused[0], refused[-1]))


def check_whole(node: Machine, logged: list[Statement]) -> None:
    """Founders' statements and these are in the log, in this order, and nothing else; the audit finds nothing."""
    status = node.client.status()
    assert status["size"] == status["checkpoint_size"] == 3 + len(logged)
    for index in range(0, len(logged), 25):
        assert node.client.statement(logged[index].id)["index"] == 3 + index
    assert node.audit().json()["fits"]


def test_a_file_that_cannot_grow_refuses_a_batch_as_a_whole_and_more_room_heals_it(tmp_path: Path) -> None:
    with founding(tmp_path, "node1") as fleet:
        node = fleet["node1"]
        node.start(limit=LIMIT)
        logged = statements(fleet, 10, "small")
        node.submit(*fleet.town.said)
        refused = statements(fleet, LARGE, "large")
        check_refused(node, refused)
        check_refused(node, refused)  # at once: it is not even tried
        check_whole(node, logged)
        assert node.trusts("did:web:nobody.example") is False, "questions are answered all the while"
        root = node.state_root()

        assert node.stop() == 0
        node.start(limit=LIMIT)
        check_refused(node, refused)
        assert node.state_root() == root
        assert node.stop() == 0
        node.start()
        assert node.state_root() == root
        node.submit(*refused)
        check_whole(node, logged + refused)
        assert "append failed code=disk_full" in node.log.read_text()


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own, where this user may make one."""
    folder.mkdir()
    words: list[str | Path] = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
    made = subprocess.run(words, capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"needs the right to mount a small tmpfs: {made.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _question(fleet: Fleet) -> dict[str, str]:
    resource = "BachelorDegree"
    return {"entity_id": "did:web:x.example", "authority_id": fleet.town.id, "action": "issue", "resource": resource}


def take_the_rest(disk: Path) -> Path:
    """A file that leaves no byte free."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return filler
    raise AssertionError("a write neither wrote nor failed")


def test_a_running_node_goes_on_by_itself_once_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "4m") as disk, founding(disk, "node1") as fleet:
        node = fleet["node1"]
        fleet.start()
        filler = take_the_rest(disk)
        refused = statements(fleet, 3, "small")
        check_refused(node, refused)
        check_whole(node, [])
        ready = exchange(node.port, request("GET", "/readyz"))
        assert (status_of(ready), json_of(ready)["code"]) == (503, "not_ready")
        assert "has been unable to store statements" in json_of(ready)["detail"]
        asked = post("/authorization", json.dumps(_question(fleet)).encode(), "application/json")
        refusal = exchange(node.port, asked)
        assert (status_of(refusal), json_of(refusal)["code"]) == (503, "stale_view"), "what was revoked it cannot know"
        assert b"retry-after: " in refusal
        (alarm,) = node.client.status()["alarms"]
        assert "disk_full" in alarm
        figures = exchange(node.port, request("GET", "/metrics")).decode()
        assert 'accredit_storage_errors_total{code="disk_full"}' in figures
        assert "accredit_ready 0.0" in figures
        filler.unlink()
        node.answers("/readyz")  # by itself: nobody submits anything
        assert status_of(exchange(node.port, asked)) == 200
        assert node.client.status()["alarms"] == []

        def is_taken() -> bool:
            with suppress(RemoteError):
                return bool(node.submit(*refused))
            return False

        eventually(is_taken, "statements are taken again")
        check_whole(node, refused)


def test_nobody_is_answered_before_the_signed_head_has_found_room(tmp_path: Path) -> None:
    """The database has room, the folder of signed heads has none: what is stored is not told before it is signed."""
    with (
        small_disk(tmp_path / "heads", "1m") as heads,
        founding(tmp_path / "rest", "node1", heads_dir=str(heads)) as fleet,
        ThreadPoolExecutor(1) as people,
    ):
        node = fleet["node1"]
        fleet.start()
        filler = take_the_rest(heads)
        said = fleet.town.says(A, "issuer.register", register())
        answer = people.submit(node.submit, said)
        eventually(lambda: "checkpoint not signed code=disk_full" in node.log.read_text(), "it tried to sign")
        assert not answer.done()
        assert not node.holds(said)
        assert node.client.status()["checkpoint_size"] == 3
        node.kill()
        with pytest.raises(RemoteError):
            answer.result()

        # Killed and started again without room it still signs nothing; as soon as there is some, it goes on.
        node.start(ready="")
        eventually(lambda: node.log.read_text().count("checkpoint not signed") > 1, "it tries again after a start")
        filler.unlink()
        node.answers("/readyz")
        node.submit(said)
        check_whole(node, [said])


RESTARTED: Final = 4
"""The code with which a node ends where another start may succeed."""


def prevented() -> set[int]:
    """The codes after which the systemd unit does not start the node again."""
    unit = (ROOT / "examples" / "deploy" / "accredit-node.service").read_text()
    assert "\nRestart=on-failure\n" in unit
    (line,) = re.findall(r"^RestartPreventExitStatus=(.*)$", unit, re.MULTILINE)
    return {int(code) for code in line.split()}


@pytest.mark.parametrize("has_run", [False, True])
def test_a_node_that_starts_on_a_full_disk_ends_so_that_it_is_started_again(tmp_path: Path, has_run: bool) -> None:
    with small_disk(tmp_path / "disk", "4m") as disk, founding(disk, "node1") as fleet:
        node = fleet["node1"]
        if has_run:
            fleet.start()
            assert node.stop() == 0
        filler = take_the_rest(disk)
        said = node.refuses_to_start(code=RESTARTED)
        assert "is exhausted" in said
        assert "Free some space" in said
        assert RESTARTED not in prevented()
        filler.unlink()
        fleet.start()
        check_whole(node, [])
