"""Publishes repeatedly while the node runs, as its settings say, in a separate process so that the node never waits.

    await Publisher(config).run()       until it is cancelled

The process reads only the node's database and ends with the node, however that ends. A failed run (a full disk, an
unreachable store) is logged, the earlier publication stays, and the next run continues from there.
"""

import json
import logging
import os
import select
import subprocess
import sys
import time
from contextlib import suppress
from typing import Final

import msgspec
import trio

from accredit.node.faults import outliving
from accredit.node.settings import NodeConfig
from accredit.node.telemetry import configure_logging, event
from accredit.registry.errors import AccreditError, NotYetError

from .pages import pages
from .publish import publish
from .targets import open_target

PAUSE_SECONDS: Final = 30.0
"""Seconds before an ended publisher is restarted. A guess: an operator's minute."""

_WORK: Final = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from accredit.node.publication.publisher import work
work()
"""

_log = logging.getLogger(__name__)


class Publisher:
    """See the module.

    Raises:
        InputError: the target cannot be written to; this is raised before the node serves.
    """

    def __init__(self, config: NodeConfig) -> None:
        open_target(config.publish_to)
        self._config = config

    async def run(self) -> None:
        """Keep the process, until cancelled."""
        settings = msgspec.json.encode(self._config) + b"\n"
        while True:
            code = None
            with outliving(_log, "the publisher was given up"):
                code = await _live(settings)
            event(_log, logging.ERROR, "the publisher ended", code=code, again_in=PAUSE_SECONDS)
            await trio.sleep(PAUSE_SECONDS)


async def _live(settings: bytes) -> int | None:
    """Run one process until it ends; return its exit code."""
    process = await trio.lowlevel.open_process(
        [sys.executable, "-P", "-c", _WORK, json.dumps(sys.path)],
        stdin=subprocess.PIPE,
        process_group=0,  # Ctrl-C is for the node alone
    )
    assert process.stdin is not None
    try:
        with suppress(trio.BrokenResourceError):  # it has ended before it was told anything
            await process.stdin.send_all(settings)
        await process.wait()
    finally:
        # An interrupted run leaves no half-written state, so its end need not be awaited.
        process.kill()
        with trio.CancelScope(shield=True):
            await process.stdin.aclose()
            await process.wait()
    return process.returncode


def work() -> None:
    """Run the process: its settings are the first line of standard input, and it ends when standard input does."""
    config = msgspec.json.decode(sys.stdin.buffer.readline(), type=NodeConfig)
    configure_logging(config.log_format, config.log_level)
    while True:
        _once(config)
        waiting, _, _ = select.select([sys.stdin], [], [], config.publish_seconds)
        if waiting and not os.read(sys.stdin.fileno(), 1):
            return


def _once(config: NodeConfig) -> None:
    now = time.time()
    try:
        done = publish(
            config.database,
            open_target(config.publish_to),
            pages=lambda: pages(config, int(now)),
            now=now,
            keep=config.publish_keep_seconds,
        )
    except NotYetError as error:  # a node that has just been founded
        event(_log, logging.WARNING, "not published", code=error.code, reason=error.message)
        return
    except AccreditError as error:
        event(_log, logging.ERROR, "not published", code=error.code, reason=error.message)
        return
    if done.written:
        event(
            _log,
            logging.INFO,
            "published",
            statements=done.count,
            files=done.written,
            bytes=done.written_bytes,
            removed=done.removed,
            left_out=", ".join(done.left_out),
        )
