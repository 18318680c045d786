"""Whole nodes over HTTP in virtual time: every scenario small, the same again elsewhere, and faults noticed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from accredit.node.http import app
from accredit.node.http.handling.route import Route
from accredit.registry.errors import InputError
from accredit.simulations.http.run import run
from accredit.simulations.http.scenarios import SCENARIOS
from accredit.simulations.tiers import find

ROOT = Path(__file__).resolve().parents[2]
SMALL = {"nodes": 3.0, "seconds": 8.0}
STORY = {
    "partition": {**SMALL, "normal": 1.0, "urgent": 3.0},
    "joiner": {"nodes": 4.0, "seconds": 34.0, "normal": 2.0},
    "state_notes": {"nodes": 5.0, "seconds": 10.0},
}


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_everything_holds_in(name: str) -> None:
    outcome = run(SCENARIOS[name], STORY.get(name, SMALL))
    assert outcome.failure is None, f"{outcome.failure}\n{outcome.replay}"
    assert outcome.tier == "http"
    assert outcome.figures is not None
    assert outcome.figures.normal.deliveries > 0
    assert outcome.figures.normal.missing == outcome.figures.urgent.missing == 0


def digest_elsewhere(scenario: str, hash_seed: str) -> str:
    """Of a run in a process of its own."""
    words = ["simulate", "run", "--tier", "http", "--json", "--nodes", "3", "--seconds", "8", "--seed", "5"]
    done = subprocess.run(
        [sys.executable, "-m", "accredit", *words, scenario],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout[-1000:]
    digest: str = json.loads(done.stdout)["digest"]
    return digest


def test_one_seed_is_one_run_in_another_process_under_another_hash_seed() -> None:
    here = run(SCENARIOS["restart"], {**SMALL, "seed": 5}).digest
    assert digest_elsewhere("restart", "12345") == here
    assert run(SCENARIOS["restart"], {**SMALL, "seed": 6}).digest != here


def test_restarts_kill_and_take_power_away_and_clients_notice() -> None:
    outcome = run(SCENARIOS["restart"], {"nodes": 4, "seconds": 30}, keep=100_000)
    said = "\n".join(outcome.tail)
    assert "killed" in said
    assert "power lost" in said
    assert outcome.figures is not None
    assert outcome.figures.counters["exchanges_failed"] > 0


def test_a_newcomer_to_nodes_that_never_compare_roots_stays_behind() -> None:
    changes = {**STORY["joiner"], "settle": 10.0, "gossip.root_interval": 10.0**9}
    outcome = run(SCENARIOS["joiner"], changes)
    assert outcome.failure is not None
    assert outcome.failure.checker == "one_root"
    assert "--tier http" in outcome.replay


def test_a_route_that_fails_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler with a fault answers 500, which nodes bear; that it failed must come to light all the same."""

    async def fail(call: Any) -> Any:
        raise ValueError(f"a fault in {call.route.path}")

    def table() -> tuple[Route, ...]:
        return tuple(
            Route(method=each.method, path=each.path, handler=fail, family=each.family, about="", gives=each.gives)
            if each.path == "/gossip"
            else each
            for each in routes
        )

    routes = app.table()
    monkeypatch.setattr(app, "table", table)
    outcome = run(SCENARIOS["baseline"], {"nodes": 3, "seconds": 5})
    assert outcome.failure is not None
    assert outcome.failure.checker == "no_traceback"
    assert "a fault in /gossip" in outcome.failure.message


def test_a_node_that_forgets_what_it_answered_for_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its database is thrown away in a crash, and the file that would stop it with it."""
    from accredit.simulations.http.host import HttpHost

    start = HttpHost.start

    def forgetful(self: HttpHost) -> None:
        if self.starts and self._scope is None:
            for path in sorted(self.folder.rglob("*")):
                if path.is_file():
                    path.unlink()
        start(self)

    monkeypatch.setattr(HttpHost, "start", forgetful)
    outcome = run(SCENARIOS["restart"], {"nodes": 4, "seconds": 20})
    assert outcome.failure is not None
    assert outcome.failure.checker == "one_history"


def test_settings_beyond_the_tier_are_refused() -> None:
    with pytest.raises(InputError, match="2 to 500"):
        run(SCENARIOS["baseline"], {"nodes": 501})
    with pytest.raises(InputError, match="there is no setting"):
        find("baseline", "http").check({"links.nothing": 1})
