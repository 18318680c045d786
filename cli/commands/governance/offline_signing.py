"""`accredit sign` and `accredit submit`: signing on a machine without a network, and bringing the result back.

The machine that holds the key needs no configuration and no network: the request file has all it needs, and the command
shows what it will sign from the bytes themselves (see `offline_files`).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from accredit.cli.base import documents, exits, output
from accredit.cli.base.commands import Command
from accredit.cli.base.context import wants_json
from accredit.cli.base.file_argument import FILE
from accredit.cli.base.node_option import connected, node_option
from accredit.cli.signing.ballot_paper import ballot_paper, read_items, show_paper, targets_of
from accredit.cli.signing.clock import require_past
from accredit.cli.signing.keys import UnlockedKey, key_options, read_public, require_yes
from accredit.cli.signing.offline_files import SignedStatements, at_a_glance, read_request, read_statements
from accredit.cli.signing.outcomes import Outcome, outcome_of, show
from accredit.cli.signing.submit import require_single
from accredit.cli.signing.submit import submit as send
from accredit.node.clients.node_url import node_url
from accredit.registry.encoding.counts import many
from accredit.registry.errors import InputError, RefusedError
from accredit.registry.statement import decode

if TYPE_CHECKING:
    from accredit.node.clients.node_client import NodeClient


@click.command("sign", cls=Command, example="accredit sign request.json -o signed.json --key alice.key")
@click.argument("request_file", metavar="REQUEST", type=FILE)
@click.option("-o", "--output", "target", type=FILE, help="File to write; default: REQUEST with .signed.json.")
@click.option("--yes", is_flag=True, help="Sign without asking for confirmation (the statements are still shown).")
@key_options
def sign(request_file: Path, target: Path | None, yes: bool, key: Path | None, passphrase_file: Path | None) -> None:
    """Sign a REQUEST file made with --offline. No network is used.

    Shows what will be signed, read from the exact bytes; a file whose text differs from its bytes is refused.
    """
    request = read_request(request_file)
    if key is None:
        raise InputError("no_key", "No key file was given.", hint="Add --key FILE or set ACCREDIT_KEY.")
    held = read_public(key)
    if held.kid != request.key:
        raise RefusedError(
            "other_key",
            f"The request is for the key {output.shorten(request.key)}, but {key} holds the key "
            f"{output.shorten(held.kid)}.",
            hint="Give the key file that the request was made for.",
        )
    targets = targets_of(request.drafts)
    paper = ballot_paper(read_items(request.votes_on, targets))
    if not wants_json():
        output.say(f"{output.styled(request.ecosystem_name, bold=True)}  {output.faint(_hex(request.ecosystem))}")
        for told in at_a_glance(request.drafts):
            output.say()
            for line in documents.outline(told):
                output.say(f"  {line}")
        output.say()
        if targets:
            output.say(output.styled("What the vote decides on:", bold=True))
            show_paper(paper, with_items=True)
            output.say()
    dated = max(draft.iat for draft in request.drafts)
    require_past(dated)
    require_yes(f"Sign {many(len(request.drafts), 'statement')}, dated {documents.when(dated)}, with {key}?", yes=yes)
    target = target or request_file.with_suffix(".signed.json")
    signer = UnlockedKey.unlock(key, passphrase_file)
    written: list[SignedStatements] = []

    def keep(raws: object) -> None:
        assert isinstance(raws, list)
        ecosystem = request.ecosystem or decode(raws[0]).id
        signed = SignedStatements(ecosystem=ecosystem, ecosystem_name=request.ecosystem_name, statements=tuple(raws))
        documents.write_new(target, signed.encode())
        written.append(signed)

    raws = signer.sign(request.drafts, keep=keep)
    output.emit(
        {"file": str(target), "statements": [decode(raw).id for raw in raws], "overview": paper.to_json()},
        lambda: output.say(
            f"Signed. Take {target} to a machine with a network and run:  accredit submit {output.quoted(target)}"
        ),
    )


@click.command(
    "submit",
    cls=Command,
    example="""accredit submit signed.json --node https://node1.example.org
accredit submit --from-node https://node4.example.org --node https://node1.example.org""",
)
@click.argument("file", type=FILE, required=False)
@click.option(
    "--from-node",
    "source",
    metavar="URL",
    help="Instead of a FILE: send the statements that this node has and the other lacks.",
)
@node_option
def submit(file: Path | None, source: str | None, nodes: tuple[str, ...]) -> None:
    """Send the statements in FILE (from `accredit sign`, or one COSE_Sign1) to a node. Sending twice does no harm.

    With --from-node you need no file: the command sends the statements of a node that the others ignore to the node
    given with --node.
    """
    if (file is None) == (source is None):
        raise click.UsageError("Give either a FILE or --from-node URL.")
    with connected(nodes[0], for_work=True) as client:
        if source is not None:
            from accredit.cli.verifying.stranded import missing_at

            with connected(node_url(source)) as stranded:
                raws = missing_at(client, stranded)
        else:
            assert file is not None
            raws = read_statements(file)
            if not raws:
                raise InputError(
                    "nothing_to_send", f"{file} holds no statements.", hint="Give the file that accredit sign wrote."
                )
            require_single(client, raws)
        outcomes = _send_all(client, raws)

    def text() -> None:
        if outcomes:
            show(outcomes)
        else:
            output.say(f"{output.safe(nodes[0])} already has every statement that {output.safe(source)} has.")

    output.emit({"statements": [outcome.to_json() for outcome in outcomes]}, text)
    if any(outcome.came_to_nothing for outcome in outcomes):
        raise exits.Negative


def _send_all(client: "NodeClient", raws: Sequence[bytes]) -> list[Outcome]:
    said = [decode(raw) for raw in raws]
    receipts = send(client, raws)
    standings = client.standings([each.id for each in said])
    return [
        outcome_of(
            kind=each.kind,
            sub=each.sub,
            label="",
            id=each.id,
            status=receipt["status"],
            standing=standings.get(each.id.hex(), {}),
            problem=receipt.get("problem") or {},
        )
        for each, receipt in zip(said, receipts, strict=True)
    ]


def _hex(ecosystem: bytes | None) -> str:
    return ecosystem.hex() if ecosystem else "a new ecosystem"
