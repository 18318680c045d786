"""`accredit check`: checks whether a credential is genuine and still valid, and whether its issuer was accredited.

It prints the verdict in words for its reader, then each check: passed, failed, or not done and why. The credential
stays on this machine; only the question about its issuer is sent to a node. Only `--fetch` contacts other servers.

The checks are in `cli.credentials`, which needs the optional packages of `accredit[credentials]`.
"""

import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from accredit.cli.base import documents, exits, output
from accredit.cli.base.commands import Command
from accredit.cli.base.file_argument import FILE
from accredit.cli.base.node_option import place_option
from accredit.cli.base.output import bad
from accredit.cli.base.tables.csv_text import csv_text
from accredit.cli.verifying.query_options import AUDIENCE, policy_option
from accredit.node.extras import install_line
from accredit.registry.decision.explanations import Audience
from accredit.registry.encoding.counts import many
from accredit.registry.errors import AccreditError, DecodeError, InputError

from .snapshot import load, max_age_option, seconds_of

if TYPE_CHECKING:
    from accredit.cli.credentials.contexts import ContextLoader
    from accredit.cli.credentials.judging import CheckedCredential, PreparedCredential
    from accredit.cli.verifying.receipts import HeldReceipts

_PACKAGES: Final = ("pyld", "joserfc", "rfc8785", "cryptography", "cachetools")
_INDEX: Final = "index.json"
COLUMNS: Final = ("file", "place", "verdict", "cause", "issuer", "issuer_name", "name", "issued_on", "sentence")


@dataclass
class _File:
    """One file that was given: what is in it, or why it cannot be read."""

    name: str
    prepared: "list[PreparedCredential]"
    checked: "list[CheckedCredential]"
    error: AccreditError | None = None


@click.command(
    "check",
    cls=Command,
    example="""accredit check badge.json --node https://node1.example.org --policy policy.txt
accredit check diploma.png --fetch --audience employer
accredit check diploma.json --receipt diploma.json.receipt.json --policy policy.txt
accredit check applications/*.json --policy policy.txt --snapshot registry.snapshot --csv > checked.csv""",
)
@click.argument("files", metavar="FILE|-|URL…", nargs=-1, required=True)
@click.option(
    "--audience",
    type=AUDIENCE,
    default=str(Audience.ADMISSIONS),
    show_default=True,
    help="Who reads the answer.",
)
@policy_option("Prove what the registry says with this trust policy.")
@click.option("--snapshot", "snapshot_path", type=FILE, help="Ask this snapshot, without a network; needs --policy.")
@max_age_option
@click.option("--private", is_flag=True, help="Do not tell the node which issuer you ask about; needs --policy.")
@click.option(
    "--receipt",
    "receipts",
    type=FILE,
    multiple=True,
    help="An issuance receipt that came with it; needs --policy; may be repeated.",
)
@click.option("--status-list", "lists", type=FILE, multiple=True, help="A status list that you have; may be repeated.")
@click.option(
    "--status-issuer",
    "others",
    metavar="ID",
    multiple=True,
    help="Another issuer whose status lists count, if the credential's issuer told you; may be repeated.",
)
@click.option("--fetch", is_flag=True, help="Fetch status lists, and keys of did:web issuers, from their own sites.")
@click.option(
    "--fetch-private", is_flag=True, help="With --fetch, from addresses of private networks too, such as your own."
)
@click.option(
    "--contexts",
    "contexts_path",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="JSON-LD contexts to know besides; index.json there says which file is for which address.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print one line of CSV for each credential.")
@place_option
def check(
    files: tuple[str, ...],
    audience: str,
    policy_path: Path | None,
    snapshot_path: Path | None,
    max_age: str | None,
    private: bool,
    receipts: tuple[Path, ...],
    lists: tuple[Path, ...],
    others: tuple[str, ...],
    fetch: bool,
    fetch_private: bool,
    contexts_path: Path | None,
    as_csv: bool,
    nodes: tuple[str, ...],
) -> None:
    """Check credentials: signature, dates, status, and whether the issuer was accredited.

    Takes Open Badges 3.0, CLR 2.0 and other W3C verifiable credentials, as JSON or JWT, or baked into a PNG or SVG
    picture. The credential is sent nowhere; only the question about its issuer is. Ends with 0 if all are accepted, 1
    if one is not or cannot be decided, 3 if a file cannot be read, 5 if no node can be reached, and as query does where
    the policy does not verify the answer.
    """
    if policy_path is None and (snapshot_path is not None or private or receipts):
        raise InputError(
            "needs_policy",
            "--snapshot, --private and --receipt need a trust policy.",
            hint="Add --policy FILE, from trust export.",
        )
    if policy_path is None and any(map(_is_store, nodes)):
        raise InputError(
            "needs_policy",
            "A store of published files needs a trust policy, because this machine decides.",
            hint="Add --policy FILE, from trust export.",
        )
    now = int(time.time())
    loaded = None
    if policy_path is not None and snapshot_path is not None:
        from accredit.cli.verifying.checks import read_policy

        loaded = (load(snapshot_path, read_policy(policy_path), now), seconds_of(max_age))
    try:
        from accredit.cli.checking.credential_supplies import SupplyFinder
        from accredit.cli.checking.issuer_answers import registry_of
        from accredit.cli.credentials.contexts import ContextLoader
    except ModuleNotFoundError as error:
        raise _not_installed(error) from None
    loader = ContextLoader(_contexts_in(contexts_path))
    is_private = private or any(map(_is_store, nodes))  # a store is asked by bucket, too
    given = {str(path): documents.read_bytes(path) for path in lists}
    found = [_read(name, loader) for name in files]
    held = _receipts_in(receipts, policy_path, now)
    with (
        registry_of(nodes, policy_path=policy_path, snapshot=loaded, is_private=is_private, now=now) as registry,
        output.progress("Checking", len(found)) as step,
    ):
        gathered = SupplyFinder(
            registry=registry,
            receipts=held,
            given=given,
            others=others,
            may_fetch=fetch or fetch_private,
            may_be_private=fetch_private,
            now=now,
        )
        for file in found:
            file.checked = [gathered.check(one) for one in file.prepared]
            step(1)
    _show(found, Audience(audience), as_csv=as_csv)
    _end(found)


def _is_store(place: str) -> bool:
    from accredit.node.clients.store_files import is_store

    return is_store(place)


def missing_package() -> str | None:
    """Return a package that checking credentials needs and that is not installed; None where all are."""
    from importlib.util import find_spec

    return next((name for name in _PACKAGES if find_spec(name) is None), None)


def _not_installed(error: ModuleNotFoundError) -> Exception:
    """What to say where the optional packages are missing; any other missing module is a fault."""
    if (error.name or "").partition(".")[0] not in _PACKAGES:
        return error
    return InputError(
        "no_extra",
        f"Checking credentials needs packages that are not installed here ({error.name}).",
        hint=f"Install them: {install_line('credentials')}",
    )


def _contexts_in(folder: Path | None) -> Mapping[str, Mapping[str, Any]]:
    """The contexts of a folder, by their address."""
    if folder is None:
        return {}
    index = documents.parse_json(documents.read_text(folder / _INDEX), str(folder / _INDEX))
    made = {}
    for url, name in index.items():
        if not isinstance(name, str) or "/" in name:
            raise InputError("bad_index", f"{folder / _INDEX}: {url[:100]}: not the name of a file in this folder.")
        made[url] = documents.parse_json(documents.read_text(folder / name), str(folder / name))
    return made


def _receipts_in(paths: Sequence[Path], policy_path: Path | None, now: int) -> "HeldReceipts | None":
    """The receipts that were given."""
    if not paths or policy_path is None:
        return None
    from accredit.cli.verifying.checks import read_policy
    from accredit.cli.verifying.receipts import HeldReceipts, read_receipt

    return HeldReceipts([read_receipt(path) for path in paths], read_policy(policy_path), now)


# ------------------------------------------------------------------------------------------------ reading


def _read(name: str, loader: "ContextLoader") -> _File:
    from accredit.cli.credentials.judging import prepare
    from accredit.cli.credentials.reading import read, words

    try:
        held = read(_bytes_of(name))
        if any("BitstringStatusListCredential" in words(one.document.get("type")) for one in held):
            raise DecodeError(
                "status_list_given",
                "This is an issuer's status list, and nobody's credential.",
                hint=f"Give it beside the credentials that it is about: --status-list {shlex.quote(name)}",
            )
        return _File(name=name, prepared=[prepare(one, loader) for one in held], checked=[])
    except AccreditError as error:
        return _File(name=name, prepared=[], checked=[], error=error)


def _bytes_of(name: str) -> bytes:
    if name.startswith(("https://", "http://")):
        from accredit.cli.checking.fetching import fetch

        return fetch(name, may_be_private=True)  # the user typed it
    path = Path(name)
    if path.is_dir():
        raise InputError(
            "no_such_file",
            f"{name} is a folder.",
            hint=f"Give the files in it: accredit check {shlex.quote(name.rstrip('/'))}/*",
        )
    return documents.read_bytes(path)


# ------------------------------------------------------------------------------------------------ showing


def _show(found: Sequence[_File], audience: Audience, *, as_csv: bool) -> None:
    from accredit.cli.checking.credential_text import show_credential

    if as_csv:
        click.echo(csv_text(COLUMNS, _rows(found, audience)), nl=False)
        return

    def text() -> None:
        if len(found) > 1:
            _table(found)
            return
        file = found[0]
        if file.error is not None:
            raise _named(file.error, file.name)
        for index, checked in enumerate(file.checked):
            if index:
                output.say()
            show_credential(checked, audience)

    output.emit({"files": [_json(file, audience) for file in found]}, text)


def _named(error: AccreditError, name: str) -> AccreditError:
    """An error about what a file holds, with the file's name."""
    if not isinstance(error, InputError) or name in error.message:
        return error
    return InputError(error.code, f"{name}: {error.message}", hint=error.hint)


def _json(file: _File, audience: Audience) -> dict[str, Any]:
    from accredit.cli.checking.credential_text import next_steps_for, sentence_for

    if file.error is not None:
        error = {"code": file.error.code, "message": file.error.message, "hint": file.error.hint}
        return {"file": file.name, "error": error, "credentials": []}
    told = [
        {"sentence": sentence_for(one, audience), "next_steps": next_steps_for(one, audience), **one.to_json()}
        for one in file.checked
    ]
    return {"file": file.name, "error": None, "credentials": told}


def _table(found: Sequence[_File]) -> None:
    from accredit.cli.checking.credential_text import HEADLINES_OF_CREDENTIALS

    rows: list[tuple[object, ...]] = []
    for file in found:
        if file.error is not None:
            rows.append((file.name, bad("Unreadable"), "", file.error.message))
        for one in file.checked:
            colour, word = HEADLINES_OF_CREDENTIALS[one.verdict]
            at = f"{file.name} {one.place}".rstrip()
            rows.append((at, colour(word), one.shown.get("issuer_name") or one.shown.get("issuer", ""), one.cause.text))
    output.table(("file", "verdict", "issuer", "why"), rows)
    output.say()
    counted = [one for file in found for one in file.checked]
    accepted = sum(one.verdict == "accepted" for one in counted)
    unreadable = sum(file.error is not None for file in found)
    output.say(
        f"{accepted} of {many(len(counted), 'credential')} accepted; {many(unreadable, 'file')} could not be read."
    )
    if accepted < len(counted) or unreadable:
        output.say("What to do about one of them:  accredit check FILE")


def _rows(found: Sequence[_File], audience: Audience) -> Iterator[dict[str, str]]:
    from accredit.cli.checking.credential_text import sentence_for

    for file in found:
        told: list[dict[str, str]] = []
        for one in file.checked:
            said = {"verdict": str(one.verdict), "cause": one.cause.code, "sentence": sentence_for(one, audience)}
            told.append({**one.shown, **said, "place": one.place})
        if file.error is not None:
            told = [{"verdict": "unreadable", "cause": file.error.code, "sentence": file.error.message}]
        for row in told:
            yield {"file": file.name, **row}


def _end(found: Sequence[_File]) -> None:
    """End with the exit code: a no before all else, then why it could not be told, then what could not be read."""
    open_ = [one for file in found for one in file.checked if one.verdict != "accepted"]
    if any(one.verdict == "not_accepted" for one in open_):
        raise exits.Negative
    codes = [check.code for one in open_ for check in one.checks if check.outcome == "not_done"]
    for code in codes:
        if code in exits.RESULTS:
            raise exits.Negative(code)
    unread = [file.error for file in found if file.error is not None]
    if "unreachable" in codes:
        click.get_current_context().exit(exits.REMOTE)
    if open_:
        raise exits.Negative
    if unread:
        click.get_current_context().exit(exits.exit_code(unread[0]))
