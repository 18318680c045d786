"""SIGTERM: who waits gets an answer, the process ends well, and what it held is what it holds afterwards."""

from collections.abc import Callable
from typing import Any

import httpx

from node.client import NodeClient
from registry.errors import RemoteError
from registry.statement import Statement
from tests.strategies.fleet import PATIENCE, Machine

SUBMITTERS = 12
LONG_TICK = 3_000
"""ms; a stop waits 5 s for those whose statements are pending."""


def submit(machine: Machine, statement: Statement) -> dict[str, Any] | RemoteError:
    with NodeClient(machine.url, timeout=httpx.Timeout(PATIENCE)) as client:
        try:
            return client.submit([statement.raw])
        except RemoteError as error:
            return error


def is_listening(machine: Machine) -> Callable[[], bool]:
    def ask() -> bool:
        with NodeClient(machine.url) as client:
            return client.status()["uptime"] > 0

    return ask
