"""What nobody foresaw ends only what it happened in; a node that does end says why at once, and last of all."""

import logging
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import trio
import trio.testing

from accredit.cli.base import exits
from accredit.node import faults
from accredit.node.app import run_node
from accredit.node.faults import AGAIN_SECONDS, enduring, errors_in, last_words, outliving
from accredit.node.files.key_files import ROLES, NodeKeys
from accredit.node.storage.log_store import Store
from accredit.registry.errors import StorageError
from tests.strategies.network import founded, node_seed
from tests.strategies.real_node import config_of

LOG = logging.getLogger("accredit.node.somewhere")
FULL = StorageError("disk_full", "No room.", hint="Make room.")


@pytest.fixture(autouse=True)
def _nothing_logged_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "_logged", {})


@pytest.fixture
def _own_logging() -> Iterator[None]:
    """A node sets the logging of its process; this one is pytest's."""
    top = logging.getLogger()
    handlers, level = list(top.handlers), top.level
    yield
    top.handlers[:] = handlers
    top.setLevel(level)


def fields(record: logging.LogRecord) -> dict[str, object]:
    found: dict[str, object] = vars(record)["accredit_fields"]
    return found


def test_the_block_is_given_up_and_what_follows_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    with outliving(LOG, "an exchange was given up", peer="node2"):
        raise KeyError("nobody foresaw this")
    (told,) = caplog.records
    assert (told.name, told.levelname, told.getMessage()) == (LOG.name, "ERROR", "an exchange was given up")
    assert told.exc_info
    assert fields(told)["peer"] == "node2"
    assert "report" in str(fields(told)["hint"])


def test_an_error_of_ours_is_told_with_its_next_step_and_one_of_the_system_is_no_fault_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with outliving(LOG, "an exchange was given up"):
        raise ExceptionGroup("of a nursery", [FULL, OSError(24, "Too many open files")])
    ours, of_system = caplog.records
    assert fields(ours) == {"code": "disk_full", "reason": "No room.", "hint": "Make room."}
    assert not ours.exc_info
    assert "limits" in str(fields(of_system)["hint"])


def test_what_is_repeated_shows_one_trace_and_a_line_a_minute(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can cause a fault once can cause it a thousand times a second."""
    now = 1_000.0
    monkeypatch.setattr("time.monotonic", lambda: now)

    def meet(text: str) -> None:
        with outliving(LOG, "an exchange was given up"):
            raise KeyError(text)

    for number in range(1_000):
        meet(f"{number}")
    assert len(caplog.records) == 1
    now += AGAIN_SECONDS
    meet("a secret of whoever caused it")
    first, second = caplog.records
    assert first.exc_info
    assert not second.exc_info
    assert fields(second)["reason"] == "KeyError"
    assert str(fields(second)["place"]).startswith("test_faults.py:")
    monkeypatch.setattr(faults, "PLACES_MOST", 4)
    for number in range(9):
        with outliving(LOG, f"exchange {number} was given up"):
            raise KeyError
    assert len(faults._logged) <= 4


async def test_whoever_ends_the_block_from_outside_still_ends_it() -> None:
    """Together with a fault too: what is cancelled must not go on, and the fault must not go out."""
    went_on = False
    with trio.move_on_after(0):
        with outliving(LOG, "an exchange was given up"):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.sleep_forever)
                try:
                    await trio.sleep_forever()
                finally:
                    raise KeyError("nobody foresaw this")
        went_on = True
    assert not went_on
    with pytest.raises(KeyboardInterrupt), outliving(LOG, "an exchange was given up"):
        raise KeyboardInterrupt


async def test_what_is_given_up_begins_again_after_a_pause_that_grows(autojump_clock: trio.testing.MockClock) -> None:
    del autojump_clock
    began: list[float] = []

    async def work() -> None:
        began.append(trio.current_time())
        if len(began) == 4:
            await trio.sleep(100)  # all was well for a while
        if len(began) < 6:
            raise KeyError("nobody foresaw this")

    await enduring(LOG, "some work", work, pauses=(1.0, 60.0))
    pauses = [after - before for before, after in pairwise(began)]
    assert pauses == pytest.approx([1, 2, 4, 101, 2])


def test_last_words_come_before_anything_else_and_the_error_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    odd = KeyError("nobody foresaw this")
    with pytest.raises(BaseExceptionGroup) as ended, last_words(LOG, "this node ends"):
        raise BaseExceptionGroup("x", [odd, BaseExceptionGroup("y", [FULL, KeyboardInterrupt()])])
    assert errors_in(ended.value)[:2] == [odd, FULL]
    first, second = caplog.records
    assert first.exc_info
    assert {first.levelname, second.levelname} == {"CRITICAL"}
    assert fields(second) == {"code": "disk_full", "reason": "No room.", "hint": "Make room."}


@pytest.mark.usefixtures("_own_logging")
@pytest.mark.parametrize(
    ("odd", "code", "words"),
    [
        (AssertionError("nobody foresaw this"), exits.FAULT, "nobody foresaw this"),
        (StorageError("database_damaged", "It is damaged."), exits.STORAGE, "It is damaged."),
    ],
)
def test_a_node_that_ends_says_why_in_its_last_line_and_with_its_exit_code(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    odd: Exception,
    code: int,
    words: str,
) -> None:
    """It ended without a word once, and whoever restarted it could not tell why."""
    town = founded("node1")
    config = config_of(tmp_path, town, "node1", genesis_file="genesis.cose")
    config.keys.parent.mkdir(parents=True, exist_ok=True)
    NodeKeys.create(config.keys, "node1", seeds={role: node_seed("node1", role) for role in ROLES})

    def oddly(*_words: object) -> None:
        raise odd

    monkeypatch.setattr(Store, "set_checkpoint", oddly)
    with pytest.raises(type(odd)) as ended:
        run_node(config, read_genesis=lambda _path: (town.eco, town.genesis.raw))
    assert exits.exit_code(ended.value) == code
    said = capsys.readouterr().err.splitlines()
    first = next(number for number, line in enumerate(said) if "CRITICAL" in line)
    assert "this node ends" in said[first]
    assert "ended by an error" in said[-1]
    assert words in said[-1]
