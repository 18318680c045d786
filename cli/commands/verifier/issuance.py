"""`accredit issuance`: an issuer shows by when its credentials existed, without revealing which or how many.

    commit      salted digests of credentials under one root, signed with the issuer's own key; a receipt for each
    resume      continues an interrupted commit
    receipts    shows the state of receipts; with --prove fetches the proof that a quorum holds their commitment

The holder keeps the receipt beside the credential: `accredit check CREDENTIAL --receipt RECEIPT`.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from accredit.cli.base import documents, exits, output
from accredit.cli.base.commands import CommandGroup
from accredit.cli.base.file_argument import FILE
from accredit.cli.base.node_option import connected, node_option
from accredit.cli.base.output import fair, good, quoted, shorten
from accredit.cli.signing.workflow import Desk, Say, signing
from accredit.cli.verifying.query_options import policy_option
from accredit.node.views.json_views import format_time
from accredit.registry.encoding.counts import many
from accredit.registry.errors import AccreditError, InputError, NotYetError
from accredit.registry.evidence.issuance_receipt import IssuanceReceipt, committed_in, held_by
from accredit.registry.statement import decode

if TYPE_CHECKING:
    from accredit.cli.signing.committing import CommitmentPlan
    from accredit.node.clients.node_client import NodeClient
    from accredit.registry.evidence.trust_policy import TrustPolicy

WAIT_SECONDS: Final = 30
"""How long `--prove` waits for a note: signers cosign a new state about once a second."""

_FOLDER: Final = click.Path(path_type=Path, file_okay=False)
_ANY: Final = click.Path(path_type=Path)

issuance = CommandGroup(
    "issuance", help="By when credentials existed: commit, resume, receipts. For issuers and holders."
)


@issuance.command(
    "commit",
    example="""accredit issuance commit diplomas/*.json --out receipts --key school.key
accredit issuance commit batch/*.jwt --out receipts --from 2026-06-01 --until 2026-07-01 --key school.key""",
)
@click.argument("files", metavar="FILES…", nargs=-1, required=True, type=FILE)
@click.option("--out", "folder", required=True, type=_FOLDER, help="Folder for the receipts; made if there is none.")
@click.option("--from", "period_from", metavar="DATE", help="Begin of the period, for people. Default: today.")
@click.option("--until", "period_until", metavar="DATE", help="End of the period. Default: tomorrow.")
@signing
def commit(
    files: tuple[Path, ...], folder: Path, period_from: str | None, period_until: str | None, desk: Desk
) -> None:
    """Commit to credentials, and write a receipt for each.

    The registry gets one statement: a root over salted digests, among at least 1,024 leaves. Nobody can tell from it
    which credentials there are, or how many. Give each holder the receipt of their credential, and only that.
    """
    from accredit.cli.signing.committing import begin, credentials_of, plan_commitment

    begins = None if period_from is None else documents.seconds(period_from, "--from")
    ends = None if period_until is None else documents.seconds(period_until, "--until")
    credentials = credentials_of(files, desk.authority)
    plan = plan_commitment(credentials, desk.authority, begins, ends)
    if desk.wishes.dry_run:
        desk.propose([_say(plan)])
        return
    begin(folder, plan)
    _finish(desk, folder, plan)


@issuance.command(
    "resume",
    example="""accredit issuance resume receipts --key school.key
accredit issuance resume receipts --signed signed.json""",
)
@click.argument("folder", type=_FOLDER)
@click.option("--signed", "signed_path", type=FILE, help="The statement, signed on another machine (--offline).")
@signing
def resume(folder: Path, signed_path: Path | None, desk: Desk) -> None:
    """Finish a commitment that was interrupted, from what is in FOLDER."""
    from accredit.cli.signing.committing import keep, plan_in
    from accredit.cli.signing.offline_files import read_statements

    plan = plan_in(folder)
    if plan.statement is None and signed_path is not None:
        found = next((raw for raw in read_statements(signed_path) if plan.is_in(raw)), None)
        if found is None:
            raise InputError("other_statement", f"{signed_path} does not hold the commitment of {folder}.")
        plan = plan.signed(found, _public_of(desk, found))
        keep(folder, plan)
    _finish(desk, folder, plan)


def _say(plan: "CommitmentPlan") -> Say:
    return Say(kind="issuance.commit", sub=plan.issuer, body=plan.body, label=f"{plan.issuer}, a commitment")


def _finish(desk: Desk, folder: Path, plan: "CommitmentPlan") -> None:
    """From a plan on the disk to receipts and a statement that a node has."""
    from accredit.cli.signing.committing import end, keep, write_receipts
    from accredit.cli.signing.keys import read_public, unsent_path
    from accredit.cli.signing.offline_files import read_statements
    from accredit.cli.signing.submit import submit

    def write(raws: Sequence[bytes]) -> None:
        nonlocal plan
        plan = plan.signed(raws[0], read_public(desk.key_path).public)
        keep(folder, plan)
        write_receipts(folder, plan)

    unsent = None if desk.wishes.key is None else unsent_path(desk.key_path)
    waiting = read_statements(unsent) if unsent is not None and unsent.exists() else []
    ours = [raw for raw in waiting if plan.is_in(raw)]
    if plan.statement is None and ours:  # signed, and interrupted before it was noted here
        write(ours)
    if plan.statement is None:
        outcomes = desk.propose([_say(plan)], show=False, signed=write)
        if plan.statement is None:
            output.emit({"statements": [one.to_json() for one in outcomes]}, lambda: desk.show(outcomes))
            if desk.wishes.offline is not None:
                output.note(f"Then finish here: accredit issuance resume {quoted(folder)} --signed FILE")
            return
        if outcomes[0].came_to_nothing:
            output.emit({"statements": [one.to_json() for one in outcomes]}, lambda: desk.show(outcomes))
            raise exits.Negative
    else:
        write_receipts(folder, plan)
        receipt = submit(desk.client, [plan.statement])[0]
        if receipt["status"] == "refused":
            problem = receipt.get("problem") or {}
            raise InputError("refused", f"The node refused the commitment: {problem.get('detail', '')}")
        if unsent is not None and ours and ours == waiting:
            unsent.unlink()  # what waited there is sent
    end(folder)
    id_ = decode(plan.statement).id
    data = {"folder": str(folder), "statement": id_.hex(), "receipts": len(plan.receipts)}

    def text() -> None:
        output.say(f"{good('Committed')} to {_many(len(plan.receipts))}, statement {shorten(id_)}.")
        output.say("Next: fetch the proof that a quorum holds it, then give each holder their receipt:")
        output.say(f"  accredit issuance receipts {quoted(folder)} --prove")

    output.emit(data, text)


def _many(count: int) -> str:
    return many(count, "credential")


def _public_of(desk: Desk, raw: bytes) -> bytes:
    """The public key that signed a statement, as a node knows it; `verify` judges the pair wherever it is used."""
    found = desk.client.key(decode(raw).kid)
    return bytes.fromhex(found["public"])


# ------------------------------------------------------------------------------------------------ receipts


@dataclass
class _Held:
    """A receipt's file, and how far it is."""

    path: Path
    receipt: IssuanceReceipt
    existed_by: int | None = None
    note: str = ""


@issuance.command(
    "receipts",
    example="""accredit issuance receipts receipts
accredit issuance receipts diploma.json.receipt.json --prove --policy policy.txt""",
)
@click.argument("paths", metavar="FILE|FOLDER…", nargs=-1, required=True, type=_ANY)
@click.option("--prove", is_flag=True, help="Fetch the proof that a quorum holds the commitment, into each receipt.")
@policy_option("Check the proof with this trust policy.")
@node_option
def receipts(paths: tuple[Path, ...], prove: bool, policy_path: Path | None, nodes: tuple[str, ...]) -> None:
    """Show how far receipts are: committed, and by when a quorum held that.

    With --prove, as soon as the commitment was made: what a receipt proves is the time of its note. A receipt that has
    a proof keeps it. Ends with 4 if a receipt has none yet.
    """
    from accredit.cli.verifying.checks import read_policy

    found = [_Held(path, _receipt_in(path)) for path in _files(paths)]
    policy, now = None if policy_path is None else read_policy(policy_path), int(time.time())
    if prove and any(one.receipt.proof is None for one in found):
        with connected(nodes[0]) as client:
            _prove(client, found, policy)
    for one in found:
        _judge(one, policy, now)
    rows = [
        {
            "file": str(one.path),
            "issuer": one.receipt.issuer,
            "statement": decode(one.receipt.statement).id,
            "proved": one.receipt.proof is not None,
            "existed_by": None if one.existed_by is None else format_time(one.existed_by),
            "note": one.note,
        }
        for one in found
    ]

    def text() -> None:
        output.table(
            ("receipt", "issuer", "commitment", "existed by", ""),
            [
                (
                    row["file"],
                    row["issuer"],
                    shorten(decode(one.receipt.statement).id),
                    row["existed_by"] or (good("proved") if row["proved"] else fair("not proved yet")),
                    row["note"],
                )
                for one, row in zip(found, rows, strict=True)
            ],
        )

    output.emit({"receipts": rows}, text)
    if not all(row["proved"] for row in rows):
        click.get_current_context().exit(exits.NOT_YET)


def _files(paths: Sequence[Path]) -> list[Path]:
    from accredit.cli.signing.committing import SUFFIX

    found = [one for path in paths for one in (sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path])]
    if not found:
        raise InputError("no_receipts", f"There are no receipts in {paths[0]} (files *{SUFFIX}).")
    return found


def _receipt_in(path: Path) -> IssuanceReceipt:
    try:
        receipt = IssuanceReceipt.decode(documents.read_bytes(path))
        committed_in(receipt)
    except AccreditError as error:
        raise InputError(error.code, f"{path}: {error.message}", hint=error.hint) from None
    return receipt


def _prove(client: "NodeClient", found: Sequence[_Held], policy: "TrustPolicy | None") -> None:
    """Fetches the proof of each commitment once, and writes it into the receipts that have none."""
    proofs: dict[bytes, dict[str, Any]] = {}
    without = [one for one in found if one.receipt.proof is None]
    with output.progress("Waiting for a quorum to hold the commitment") as step:
        for one in without:
            id_ = decode(one.receipt.statement).id
            if id_ not in proofs:
                proofs[id_] = _presence(client, id_)
            proved = replace(one.receipt, proof=proofs[id_])
            if policy is not None:
                held_by(proved, policy, int(time.time()))
            documents.write_new(one.path, proved.encode(), force=True)
            one.receipt = proved
            step(1)


def _presence(client: "NodeClient", statement: bytes) -> dict[str, Any]:
    """A node's proof that the noted state holds a statement.

    Raises:
        NotYetError: `not_noted`: it does not, after waiting for it.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            proof: dict[str, Any] = client.presence(statement.hex())
            if proof.get("present") is True:
                return proof
        except NotYetError:
            pass
        if time.monotonic() > deadline:
            raise NotYetError(
                "not_noted",
                f"No quorum has cosigned a state that holds the commitment {shorten(statement)} yet.",
                hint="Try again in a moment, or ask another node.",
            )
        time.sleep(0.5)


def _judge(one: _Held, policy: "TrustPolicy | None", now: int) -> None:
    """By when a quorum held it, where there is a policy to tell."""
    if one.receipt.proof is None or policy is None:
        return
    try:
        one.existed_by = held_by(one.receipt, policy, now)
    except AccreditError as error:
        one.note = error.message
