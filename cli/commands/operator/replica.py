"""`accredit replica`: a query server without keys, which verifies what it serves.

run     fetches the newest state from nodes or stores, checks it with a trust policy, and answers questions about it
"""

import logging
import signal
from pathlib import Path

import click

from accredit.cli.base import documents, output
from accredit.cli.base.commands import CommandGroup
from accredit.cli.base.output import good
from accredit.cli.verifying.checks import read_policy, remember
from accredit.cli.verifying.query_options import policy_option
from accredit.registry.errors import InputError

replica = CommandGroup("replica", help="Run a query server that verifies what it serves.")


@replica.command(
    "run",
    example="""accredit replica run --policy policy.txt --from https://node1.example.org --from https://node2.example.org
accredit replica run --policy policy.txt --from s3://registry/published --port 8090""",
)
@policy_option("Your trust policy, from accredit trust export.", required=True)
@click.option(
    "--from",
    "places",
    metavar="URL|STORE",
    multiple=True,
    required=True,
    help="Node, or store of published files, to take the state from; may be repeated.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8090, show_default=True)
@click.option("--every", metavar="DURATION", default="15s", show_default=True, help="Time between two looks.")
def run(policy_path: Path, places: tuple[str, ...], host: str, port: int, every: str) -> None:
    """Serve questions about the newest state that your trust policy's signers vouch for, until Ctrl-C or SIGTERM.

    It answers POST /v1/decisions with evidence, TRQP, /v1/snapshot and private look-ups, as a node does. It believes
    no place that it takes the state from, and whoever asks it with a policy need not believe it. If no fresh state can
    be had, it answers 503 until there is one; put several behind a balancer.
    """
    from functools import partial

    import trio

    from accredit.node.clients.outgoing import Outgoing
    from accredit.node.clients.store_files import store_place
    from accredit.node.clock import SystemClock
    from accredit.node.http.serve import bind
    from accredit.node.replica.replica import Replica, run_replica
    from accredit.node.settings import NodeConfig
    from accredit.node.telemetry import configure_logging, event

    log, seconds = logging.getLogger(__name__), documents.duration(every, "--every")
    if not 1 <= seconds <= 86_400:
        raise InputError("bad_duration", f"--every {every} is not between 1s and 1d.", hint="Write it like 15s or 1m.")
    policy = read_policy(policy_path)
    config = NodeConfig(name="replica", host=host, port=port)
    made = Replica(
        policy,
        [store_place(place) for place in places],
        clock=SystemClock(),
        outgoing=Outgoing.from_environment(),
        remember=lambda state: remember(policy_path, state),
    )

    def ready(url: str) -> None:
        stale = made.stale()
        output.note(f"{good('The replica')} answers at {url}. {stale or 'Its state is fresh.'} Stop it with Ctrl-C.")

    async def main() -> None:
        with bind(config) as sock, trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(partial(run_replica, made, config, sock=sock, ready=ready, every=seconds))
                async for number in signals:
                    event(log, logging.INFO, "stopping", signal=signal.Signals(number).name)
                    nursery.cancel_scope.cancel()

    configure_logging("text", "info")
    trio.run(main)
