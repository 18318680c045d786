"""`accredit evidence`: files that prove themselves, checked without a network.

    an answer's evidence      what a node answered, and every record it read with its proof (`registry.evidence.check`)
    a conflict                two things one key signed that cannot both be true (`registry.transparency.equivocation`)

Evidence is checked against your trust policy alone, whatever the file says about itself. A conflict shows that a key
contradicted itself. Your policy or a charter must say whose key it is, because whoever made the file chose the name in
it (`registry.evidence.attribution`).

Exit codes: 0 verified, and the answer is yes (or: the named node contradicted itself); 1 verified, and the answer is
no; 10 refuted; 11 unwitnessed; 12 stale; 13 unknown; 14 unattributed: the conflict is real, but the key's owner is
unknown.
"""

import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import click

from accredit.cli.base import documents, exits, output
from accredit.cli.base.commands import CommandGroup
from accredit.cli.base.file_argument import FILE
from accredit.cli.base.output import fair, good
from accredit.cli.verifying.checks import check_answer, read_policy, show_answer, show_result
from accredit.cli.verifying.query_options import QueryOptions, policy_option, query_of, question_options
from accredit.registry.encoding.cbor import decode
from accredit.registry.encoding.counts import many
from accredit.registry.errors import DecodeError, InputError
from accredit.registry.evidence.attribution import Attribution, whose
from accredit.registry.evidence.state_check import CheckResult
from accredit.registry.evidence.trust_policy import TrustPolicy
from accredit.registry.transparency import equivocation
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.equivocation import CHECKPOINTS, CONFLICT_BYTES, Conflict
from accredit.registry.transparency.signed_note import Note

evidence = CommandGroup(
    "evidence", help="Check the evidence of an answer, or the proof of a conflict, without a network."
)


@evidence.command(
    "check",
    example="""accredit evidence check uni.evidence --policy policy.txt
accredit evidence check uni.evidence did:web:uni.example --for BachelorDegree --on 2015-05-20 --policy policy.txt
accredit evidence check node4.conflict --policy policy.txt --charter charter.toml""",
)
@click.argument("file", type=FILE)
@click.argument("issuer", metavar="[ID]", required=False)
@policy_option("Your trust policy.")
@click.option(
    "--charter",
    "charter_path",
    type=FILE,
    metavar="CHARTER",
    help="For a conflict: a charter that you trust and that lists nodes' keys (TOML, JSON or the genesis statement).",
)
@question_options
def check(
    file: Path, issuer: str | None, policy_path: Path | None, charter_path: Path | None, asked: QueryOptions
) -> None:
    """Check an evidence FILE offline: does a quorum of the signers you trust vouch for its answer?

    If you repeat the question (ID and its options), the file must answer exactly that question. If you leave it out,
    the command shows the question in the file for you to compare.

    There are five different results:

    \b
    verified     every check passed: exit code 0 if the answer is yes, 1 if no
    refuted      it contradicts itself or what you verified before: 10
    unwitnessed  too few of your policy's signers vouch for it: 11
    stale        they did, but too long ago, or for an older state than you have seen: 12
    unknown      your policy does not apply (expired, or for another ecosystem): 13

    All but the first name the check that failed. For a conflict (proof that a log or a signer contradicted itself),
    the exit code is 0 if your policy or CHARTER ties the key to the node it names, 14 if the conflict is real but the
    key's owner is unknown, and 10 otherwise.
    """
    data = documents.read_bytes(file)
    if is_conflict(data):
        if issuer is not None or asked:
            raise click.UsageError(f"{file} is a conflict, not the evidence of an answer, so it takes no question.")
        policy = None if policy_path is None else read_policy(policy_path)
        _check_conflict(data, policy, None if charter_path is None else _read_charter(charter_path))
        return
    if charter_path is not None:
        raise click.UsageError("--charter is only for conflicts; --policy is what evidence is checked against.")
    if policy_path is None:
        raise InputError(
            "no_policy",
            "A trust policy is needed to check an answer.",
            hint="Add --policy FILE; accredit trust export makes one.",
        )
    if issuer is None and asked:
        raise click.UsageError("Options of a question also need the issuer: add its ID.")
    require_evidence(data, file)
    now = int(time.time())
    policy = read_policy(policy_path)
    query = None if issuer is None else query_of(asked.question(issuer, policy), policy.charter)
    answer = check_answer(data, query, policy_path, now, audience=asked.audience)
    output.emit({"kind": "answer", **answer.to_json()}, lambda: show_answer(answer, now, asked=query is not None))
    answer.end()


def require_evidence(data: bytes, file: Path) -> None:
    """Refuse a file that is not evidence at all, which accuses nobody.

    Raises:
        DecodeError: `not_evidence`; says what it is, where that can be told.
    """
    is_map = data[:1] >= b"\xa0" and data[:1] <= b"\xbf"  # CBOR's maps; a damaged one is still evidence, and is judged
    if is_map and all(member in data for member in (b"equery", b"fanswer")):
        return
    what, hint = "not an evidence file", "accredit query … --evidence FILE writes one."
    for begins, kind, advice in _OTHER_FILES:
        if data.lstrip()[: len(begins)] == begins:
            what, hint = f"{kind}, not an evidence file", advice
            break
    raise DecodeError("not_evidence", f"{file} is {what}.", hint=hint)


_OTHER_FILES: Final = (
    (b"accredit-snapshot/", "a snapshot", "To query it: accredit snapshot query FILE ID --policy POLICY"),
    (b"accredit trust policy", "a trust policy", "Give it with --policy, after the evidence file."),
    (b"{", "JSON", "Only that node vouches for this answer; accredit query … --evidence FILE asks for proof."),
    (b"-----BEGIN", "a key or a certificate", "accredit query … --evidence FILE writes an evidence file."),
)
"""The beginnings of other files given here by mistake, their names, and what to do."""


def is_conflict(data: bytes) -> bool:
    """Whether these bytes are meant as a conflict; anything else is taken for an answer's evidence."""
    if len(data) > CONFLICT_BYTES:
        return False
    try:
        value = decode(data, what="the file", max_bytes=CONFLICT_BYTES)
    except DecodeError:
        return False
    return isinstance(value, dict) and {"kind", "first", "second"} <= value.keys()


def _read_charter(path: Path) -> dict[str, Any]:
    """A charter's body, checked: from a TOML or JSON file, as `charter show` prints it too, or from a genesis."""
    from accredit.cli.commands.governance.ceremony import genesis_statement
    from accredit.governance.rules.charter import check_charter

    with suppress(DecodeError):
        return dict(genesis_statement(path)[0].body)
    written = documents.read_file(path)
    try:
        body: dict[str, Any] = documents.convert(written.get("charter", written))
        check_charter(body, "charter")
    except DecodeError as error:
        raise DecodeError(error.code, f"{path}: {error.message}", hint=error.hint) from None
    return body


def _check_conflict(data: bytes, policy: TrustPolicy | None, charter: dict[str, Any] | None) -> None:
    try:
        found = equivocation.check(data)
    except InputError as error:
        code, said = error.code, str(error)
        refused: dict[str, Any] = {"kind": "conflict", "result": "refuted", "check": code, "text": said}
        output.emit(refused, lambda: show_result(CheckResult.REFUTED, code, said))
        raise exits.Negative("refuted") from None
    signed = [Checkpoint.decode(Note.decode(note).text) for note in (found.first, found.second)]
    known = whose(found, policy, charter)
    data_out = {
        "kind": "conflict",
        "result": "verified" if known.is_known else "unattributed",
        "about": found.kind,
        "key": found.key.encode(),
        "name": found.key.name,
        "signed": [{"origin": one.origin, "size": one.size, "root": one.root} for one in signed],
        "whose": str(known),
    }
    output.emit(data_out, lambda: _show_conflict(found, signed, known))
    if not known.is_known:
        raise exits.Negative("unattributed")


_WHAT: Final = {CHECKPOINTS: "log checkpoints", equivocation.STATE_NOTES: "state notes"}
_WHOSE: Final = {
    Attribution.POLICY: "your policy lists it as the key of that signer",
    Attribution.CHARTER: "the charter lists it as the key of that node",
    Attribution.OTHER_KEY: "somebody else's: your policy or charter lists another key for that name",
    Attribution.UNKNOWN: "unknown",
}


def _show_conflict(found: Conflict, signed: list[Checkpoint], known: Attribution) -> None:
    if known.is_known:
        name = output.styled(found.key.name, bold=True)
        output.say(f"{good('Verified')}  {name} signed two {_WHAT[found.kind]} that cannot both be true.")
    else:
        output.say(
            f"{fair('Unattributed')}  One key signed these two {_WHAT[found.kind]}, and they contradict "
            "each other. The owner of the key is unknown."
        )
    rows: list[tuple[str, object]] = [
        (f"signed {number}", f"{many(one.size, 'statement')} with the root {one.root.hex()}")
        for number, one in zip(("first", "second"), signed, strict=True)
    ]
    if found.entry is not None:
        rows.append(("differ at", f"entry {found.entry.index}, proved for each root"))
    rows += [("by the key", found.key.encode()), ("with the name", found.key.name), ("whose it is", _WHOSE[known])]
    output.facts(rows)
    if known.is_known:
        output.say("Do not rely on that node; show the file to other nodes: accredit node accuse.")
    elif known is Attribution.OTHER_KEY:
        output.say("It accuses nobody you know: anybody can sign under any name with a key of their own.")
    else:
        output.say(
            "Anybody can sign under any name. To identify the key, add --policy for signers or --charter for nodes."
        )
