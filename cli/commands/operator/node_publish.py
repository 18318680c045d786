"""`accredit node publish`: writes a node's state and log as files for a web server or an object store.

It only reads the database, so the node may run or not. With the setting `publish_to` a running node publishes by
itself.
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from accredit.cli.base import documents, output
from accredit.cli.base.commands import Command
from accredit.cli.base.output import fair, good
from accredit.registry.encoding.counts import many
from accredit.registry.errors import AccreditError, InputError

from .node import config_path

if TYPE_CHECKING:
    from accredit.node.publication.publish import Publication
    from accredit.node.publication.targets import Target
    from accredit.node.settings import NodeConfig

_FOLDER = click.Path(path_type=Path)


@click.command(
    "publish",
    cls=Command,
    example="""accredit node publish node1 /var/www/registry
accredit node publish node1 s3://registry/published --every 1m""",
)
@click.argument("folder", metavar="FOLDER|CONFIG", type=_FOLDER)
@click.argument("place", metavar="TARGET")
@click.option("--every", metavar="DURATION", help="Publish again and again, such as every 1m, until Ctrl-C.")
@click.option(
    "--keep", metavar="DURATION", default="1h", show_default=True, help="How long the files of an older state stay."
)
@click.option("--anew", is_flag=True, help="Write every file, also those that are there already.")
def publish(folder: Path, place: str, every: str | None, keep: str, anew: bool) -> None:
    """Publish a node's state, log and lists as files to TARGET: a folder, or a store such as s3://bucket/folder.

    Verifiers read the files with accredit query --node TARGET --policy POLICY and accredit snapshot sync, with no node
    behind them. Only what is new is written, and the state note last, so that an interrupted run changes nothing for
    readers. Object stores need the optional package accredit[stores], and keys in the environment (AWS_ACCESS_KEY_ID,
    …).
    """
    from accredit.node.publication.targets import open_target
    from accredit.node.settings import load

    pause = None if every is None else _seconds(every, "--every")
    kept = _seconds(keep, "--keep")
    config, target = load(config_path(folder)), open_target(place)
    _show(_published(config, target, kept, anew), target)
    while pause is not None:
        time.sleep(pause)
        try:
            _show(_published(config, target, kept, False), target)
        except AccreditError as error:  # a full disk or a store that is away may be well again the next time
            output.note(f"{fair('!')} Not published: {output.safe(error)}")


def _published(config: "NodeConfig", target: "Target", keep: int, anew: bool) -> "Publication":
    from accredit.node.publication import publish as publication
    from accredit.node.publication.pages import pages

    now = time.time()
    with output.progress("Publishing") as step:
        return publication.publish(
            config.database,
            target,
            pages=lambda: pages(config, int(now)),
            now=now,
            keep=keep,
            anew=anew,
            step=step,
        )


def _show(done: "Publication", target: "Target") -> None:
    data: dict[str, Any] = {
        "target": target.url,
        "statements": done.count,
        "root": done.root,
        "files_written": done.written,
        "bytes_written": done.written_bytes,
        "files_removed": done.removed,
        "left_out": done.left_out,
    }

    def text() -> None:
        output.say(f"{good('Published')}  a state of {many(done.count, 'statement')} to {target.url}.")
        output.say(
            f"  {many(done.written, 'file')} written ({many(done.written_bytes, 'byte')}), "
            f"{done.removed} of older states removed."
        )
        for path, reason in done.left_out.items():
            output.say(f"  {fair('!')} {path} was left as it was: {output.safe(reason)}")

    output.emit(data, text)


def _seconds(given: str, option: str) -> int:
    seconds = documents.duration(given, option)
    if not 1 <= seconds <= 90 * 86_400:
        raise InputError("bad_duration", f"{option} {given} is not between 1s and 90d.", hint="Write it like 1m or 2h.")
    return seconds
