"""`accredit snapshot`: all records in one file, for questions without a network that reveal no issuer.

    sync      fetch the file, or the changes since, and verify it before the file is replaced
    query     ask it
    show      its date, and until when it can be queried

A snapshot covers the time up to the age limit of its note. Beyond it the answer is *not covered*, never "not revoked".
Exit codes are those of `accredit evidence check`.
"""

import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from accredit.cli.base import documents, exits, output
from accredit.cli.base.commands import CommandGroup
from accredit.cli.base.file_argument import FILE
from accredit.cli.base.node_option import first_of, place_option
from accredit.cli.base.output import fair, good
from accredit.cli.verifying.checks import read_policy, remember
from accredit.cli.verifying.decision_text import details_of, in_words_of, show_decision
from accredit.cli.verifying.query_options import QueryOptions, policy_option, query_of, question_options
from accredit.node.files.atomic_files import write_atomically
from accredit.node.views.decision_view import decided
from accredit.node.views.json_views import format_time
from accredit.registry.encoding.counts import many
from accredit.registry.errors import DecodeError, InputError, RefusedError
from accredit.registry.evidence.snapshot import Snapshot
from accredit.registry.evidence.state_check import CheckResult
from accredit.registry.evidence.trust_policy import LIFETIME, TrustPolicy

snapshot = CommandGroup("snapshot", help="All records in one file: sync it, then query it without a network.")

_RESULTS = {"not_covered": CheckResult.STALE, "authority_not_relied_on": CheckResult.UNKNOWN}


max_age_option = click.option(
    "--max-age",
    metavar="DURATION",
    help="Maximum age of the snapshot, such as 2h or 7d; default: as in the policy. At most 90d.",
)


def seconds_of(max_age: str | None) -> int | None:
    """Return the seconds of `--max-age`.

    Raises:
        InputError: it is no duration, or longer than a note can be relied on.
    """
    if max_age is None:
        return None
    seconds = documents.duration(max_age, "--max-age")
    if not 1 <= seconds <= LIFETIME:
        raise InputError(
            "bad_max_age",
            f"--max-age {max_age} is not between 1s and 90d.",
            hint="Write it like 2h or 7d; the maximum is 90d.",
        )
    return seconds


@snapshot.command(
    "sync",
    example="""accredit snapshot sync registry.snapshot --policy policy.txt --node https://node1.example.org
accredit snapshot sync registry.snapshot --policy policy.txt --node https://node1.example.org \\
    --node https://node2.example.org
accredit snapshot sync registry.snapshot --policy policy.txt --node s3://registry/published""",
)
@click.argument("file", type=FILE)
@policy_option("Your trust policy, from accredit trust export.", required=True)
@place_option
def sync(file: Path, policy_path: Path, nodes: tuple[str, ...]) -> None:
    """Fetch or update the snapshot in FILE: all of it the first time, then only the changes.

    The command verifies the data against your trust policy before it replaces the file. If you give several nodes, it
    asks the next one if one fails. The policy remembers the state, so that nobody can give you an older one.
    """
    now = int(time.time())
    policy = read_policy(policy_path)
    held = _held(file, policy, now) if file.exists() else None
    before = None if held is None else held.noted.state.count
    with output.progress("Fetching"):
        fetched, how = first_of(nodes, lambda place: _fetch(place, held, policy, now))
    write_atomically(file, fetched.encode())
    remember(policy_path, fetched.noted.state)
    data = {"file": str(file), "fetched": how, "statements_before": before, **_facts(fetched, policy, now)}

    def text() -> None:
        output.say(f"{good('Verified')}  {file} holds {many(len(fetched), 'record')} ({how}).")
        _show_facts(fetched, policy, now)

    output.emit(data, text)


@snapshot.command(
    "query",
    example="accredit snapshot query registry.snapshot did:web:uni.example --for BachelorDegree --policy policy.txt",
)
@click.argument("file", type=FILE)
@click.argument("issuer", metavar="ID")
@policy_option("Your trust policy, from accredit trust export.", required=True)
@max_age_option
@question_options
def query(file: Path, issuer: str, policy_path: Path, max_age: str | None, asked: QueryOptions) -> None:
    """Ask the snapshot in FILE about issuer ID, without a network.

    You choose how old a snapshot may be with --max-age; the default is the maximum age in your policy (five minutes,
    unless it was exported with another --max-age). A question about a time before the snapshot (--on) is answered from
    a snapshot of up to 90 days. Ends with 0 if the answer is yes, 1 if it is no, 12 if the snapshot is too old (not
    covered), and 13 if your policy does not rely on the authority named.
    """
    now = int(time.time())
    oldest = seconds_of(max_age)
    policy = read_policy(policy_path)
    question = asked.question(issuer, policy)
    loaded = load(file, policy, now)
    decision = loaded.ask(query_of(question, policy.charter), now, max_age=oldest)
    result = _RESULTS.get(decision.reasons[0].code, CheckResult.VERIFIED)
    view = in_words_of(asked.audience, dict(decided(decision)))
    data = {"result": str(result), **view, **_facts(loaded, policy, now, oldest)}

    def text() -> None:
        if result is CheckResult.VERIFIED:
            vouching = many(len(loaded.noted.signers), "signer", "vouches", "vouch")
            said = f"{vouching} for a state of {many(loaded.noted.state.count, 'statement')}"
            output.say(f"{good('Verified')}  {said}, {documents.span(now - loaded.noted.since)} ago.")
            if decision.reasons[-1].code == "as_of_snapshot":
                output.say(f"  {fair('Age')}  {output.safe(decision.reasons[-1].text)}")
            output.say()
            show_decision(question, view, details_of(view, loaded), at_node=False)
            return
        word = "Not covered" if result is CheckResult.STALE else "Unknown"
        output.say(f"{fair(word)}  {output.safe(decision.reasons[0].text.removeprefix('Not covered: '))}")
        if result is CheckResult.STALE:
            files = f"{output.quoted(file)} --policy {output.quoted(policy_path)}"
            output.say(f"Update it:  accredit snapshot sync {files} --node URL")
            age = documents.span(now - loaded.noted.since)
            output.say(f"Or, if an answer that is {age} old is good enough, allow it: --max-age 7d")

    output.emit(data, text)
    if result is not CheckResult.VERIFIED:
        raise exits.Negative(str(result))
    if not decision.authorized:
        raise exits.Negative


@snapshot.command("show", example="accredit snapshot show registry.snapshot --policy policy.txt")
@click.argument("file", type=FILE)
@policy_option("Your trust policy, from accredit trust export.", required=True)
@max_age_option
def show(file: Path, policy_path: Path, max_age: str | None) -> None:
    """Show the date, the age and the contents of the snapshot in FILE, and until when you can query it."""
    now = int(time.time())
    oldest = seconds_of(max_age)
    policy = read_policy(policy_path)
    loaded = load(file, policy, now)
    data = {"file": str(file), **_facts(loaded, policy, now, oldest)}
    output.emit(data, lambda: _show_facts(loaded, policy, now, oldest))


def load(file: Path, policy: TrustPolicy, now: int) -> Snapshot:
    """Return the snapshot in a file, after computing its map again and comparing it with its note.

    Raises:
        DecodeError: it is none.
        RefusedError: it does not stand.
    """
    try:
        return Snapshot.load(documents.read_bytes(file), policy, now)
    except DecodeError as error:
        hint = f"Fetch it again: accredit snapshot sync {output.quoted(file)} --policy POLICY"
        raise DecodeError(error.code, f"{file}: {error.message}", hint=hint) from None


def _fetch(place: str, held: Snapshot | None, policy: TrustPolicy, now: int) -> tuple[Snapshot, str]:
    from accredit.node.clients.outgoing import Outgoing
    from accredit.node.clients.store_reading import fetch_snapshot

    def tell(sentence: str) -> None:
        output.note(f"{fair('!')} {output.safe(sentence)}")

    return fetch_snapshot(place, held, policy, now, outgoing=Outgoing.from_environment(), tell=tell)


def _held(file: Path, policy: TrustPolicy, now: int) -> Snapshot | None:
    """What there is to start from. It may be older than what was verified since, but what it leads to may not.

    Raises:
        DecodeError: the file is something else, and will not be overwritten.
    """
    try:
        return load(file, replace(policy, count=0, root=None), now)
    except RefusedError as error:
        output.note(f"{fair('!')} {file} can no longer be used ({output.safe(error.message)}) and is replaced.")
        return None


def _facts(loaded: Snapshot, policy: TrustPolicy, now: int, max_age: int | None = None) -> dict[str, Any]:
    state = loaded.noted.state
    age = policy.max_age if max_age is None else max_age
    return {
        "ecosystem": state.ecosystem,
        "statements": state.count,
        "root": state.root,
        "noted": format_time(loaded.noted.since),
        "age_seconds": max(0, now - loaded.noted.since),
        "max_age_seconds": age,
        "covers_until": format_time(min(loaded.noted.since + age, policy.expires)),
        "signers": [key.name for key in loaded.noted.signers],
        "records": dict(sorted(Counter(type_ for (type_, _), _ in loaded.items()).items())),
    }


def _show_facts(loaded: Snapshot, policy: TrustPolicy, now: int, max_age: int | None = None) -> None:
    facts = _facts(loaded, policy, now, max_age)
    covered = good("yes") if loaded.covers(now, max_age) else fair("no: update it (accredit snapshot sync)")
    output.facts(
        [
            ("ecosystem", f"{loaded.noted.state.name} ({facts['ecosystem'].hex()})"),
            ("state", f"{many(facts['statements'], 'statement')} with the root {facts['root'].hex()}"),
            ("made", f"{documents.when(facts['noted'])}, by {', '.join(facts['signers'])}"),
            ("age", f"{documents.span(facts['age_seconds'])}, of {documents.span(facts['max_age_seconds'])} allowed"),
            ("covers", output.mix(covered, f"; until {documents.when(facts['covers_until'])}")),
            ("records", ", ".join(f"{count} {name}" for name, count in facts["records"].items())),
        ]
    )
