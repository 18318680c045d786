"""A node outlives the process that publishes for it, however that ends or fails to begin."""

import logging
from pathlib import Path
from typing import Any

import pytest
import trio

from accredit.node import faults
from accredit.node.publication import publisher
from accredit.node.publication.publisher import Publisher
from accredit.node.settings import NodeConfig


async def test_a_publisher_that_cannot_begin_or_hears_nothing_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(faults, "_logged", {})
    monkeypatch.setattr(publisher, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(publisher, "_WORK", "raise SystemExit(3)")  # it reads no settings
    begin, scarce = trio.lowlevel.open_process, [1]

    async def begins(*words: Any, **more: Any) -> Any:
        if scarce:
            scarce.pop()
            raise OSError(12, "Cannot allocate memory")
        process = await begin(*words, **more)
        with trio.CancelScope(shield=True):
            await process.wait()  # so that nobody reads what it is told
        return process

    monkeypatch.setattr(trio.lowlevel, "open_process", begins)
    config = NodeConfig(name="node1", publish_to=str(tmp_path / "public"))
    with caplog.at_level(logging.ERROR):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Publisher(config).run)
            with trio.fail_after(60):
                while caplog.messages.count("the publisher ended") < 2:
                    await trio.sleep(0.01)
            nursery.cancel_scope.cancel()
    assert caplog.messages[:3] == ["the publisher was given up", "the publisher ended", "the publisher ended"]
