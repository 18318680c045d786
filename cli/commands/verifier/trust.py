"""`accredit trust`: the verifier's trust policy, against which everything else is checked.

    export    write one from nodes' answers; compare its content with another source once
    show      what a policy relies on, and until when
    renew     follow the signers as nodes come and go, by a note of the old ones

A policy says which ecosystem, which signers and how many of them, how old cosignatures may be, and whose answers count.
It remembers the highest state that was verified with it. It expires after 90 days; it can be renewed before that, and
only replaced by hand afterwards.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from accredit.cli.base import documents, output
from accredit.cli.base.commands import CommandGroup
from accredit.cli.base.file_argument import FILE
from accredit.cli.base.node_option import connected, first_good, node_option
from accredit.cli.base.output import bad, fair, good
from accredit.cli.verifying.checks import made_when, policy_file, read_policy, write_policy
from accredit.node.views.json_views import format_time
from accredit.registry.encoding.counts import many
from accredit.registry.encoding.ed25519 import multibase
from accredit.registry.encoding.identifiers import canonical_issuer
from accredit.registry.errors import DecodeError, InputError, RefusedError, RemoteError
from accredit.registry.evidence.trust_policy import LIFETIME, MAX_AGE, TrustPolicy
from accredit.registry.transparency.tlog_policy import Group as Quorum

if TYPE_CHECKING:
    from accredit.node.clients.node_client import NodeClient

trust = CommandGroup("trust", help="The verifier's trust policy: export, show, renew.")

SOON: Final = 14 * 86_400
"""Seconds before its end at which a policy asks to be renewed. A guess: two weeks' holiday."""


@trust.command(
    "export",
    example="""accredit trust export -o policy.txt --node https://node1.example.org --node https://node2.example.org
accredit trust export -o policy.txt --max-age 120 --expires 2026-12-31 --authority did:web:board.example
accredit trust export -o policy.txt --ecosystem 5f2b8c11…""",
)
@click.option("-o", "--output", "target", type=FILE, required=True, help="File to write.")
@click.option(
    "--ecosystem",
    metavar="HASH",
    help="The id of the genesis statement, from somebody you trust; any other ecosystem is refused.",
)
@click.option(
    "--max-age",
    type=click.IntRange(1, LIFETIME),
    default=MAX_AGE,
    show_default=True,
    metavar="SECONDS",
    help="Maximum age of the signers' cosignatures.",
)
@click.option("--expires", metavar="DATE", help="End of its validity; default and maximum: 90 days from now.")
@click.option(
    "--authority", "authorities", metavar="ID", multiple=True, help="Rely on this authority only; may be repeated."
)
@node_option
def export(
    target: Path,
    ecosystem: str | None,
    max_age: int,
    expires: str | None,
    authorities: tuple[str, ...],
    nodes: tuple[str, ...],
) -> None:
    """Write a trust policy from the answers of nodes. Check it before you use it.

    Give several nodes of different operators; if they disagree, nothing is written. If they agree, that is not yet
    proof: compare the fingerprint with one from another source, such as an operator's website, a telephone call or a
    contract. You do this once; later you renew the policy.
    """
    now = int(time.time())
    end = now + LIFETIME if expires is None else _end(expires, now)
    policy = _agreed(nodes)
    if ecosystem is not None and policy.ecosystem != documents.digest(ecosystem.lower(), "genesis id"):
        raise RefusedError(
            "other_ecosystem",
            f"{nodes[0]} serves the ecosystem {policy.ecosystem.hex()}, not {ecosystem}.",
            hint="Check the id with whoever gave it to you, or ask another node.",
        )
    relied_on = tuple(sorted({canonical_issuer(one) for one in authorities})) or (policy.charter,)
    _require_known(relied_on, policy, nodes[0])
    policy = replace(policy, max_age=max_age, expires=end, authorities=relied_on, count=0, root=None)
    documents.write_new(target, policy_file(policy, format_time(now)))

    def text() -> None:
        output.say(f"{good('Wrote')} {target}, from what {many(len(nodes), 'node')} said.")
        _show(policy, now, format_time(now))
        output.say()
        output.say(fair("Before you use it, compare the fingerprint with one that you got from elsewhere."))
        output.say("Somebody who already has a policy can read out its fingerprint:  accredit trust show FILE")

    output.emit({"file": str(target), "nodes": list(nodes), "made": format_time(now), **to_json(policy)}, text)


@trust.command("show", example="accredit trust show policy.txt")
@click.argument("file", type=FILE)
def show(file: Path) -> None:
    """Show what the policy in FILE relies on, its fingerprint, and until when it is valid."""
    policy, now = read_policy(file), int(time.time())
    made = made_when(file)
    answer = {"file": str(file), "made": made or None, **to_json(policy), "usable": _is_usable(policy, now)}
    output.emit(answer, lambda: _show(policy, now, made))


@trust.command("renew", example="accredit trust renew policy.txt --node https://node1.example.org")
@click.argument("file", type=FILE)
@click.option("--yes", is_flag=True, help="Rely on new signers without asking for confirmation.")
@node_option
def renew(file: Path, yes: bool, nodes: tuple[str, ...]) -> None:
    """Renew the policy in FILE for another 90 days, with the current signers.

    This needs a fresh note by a quorum of the signers in the policy, and the charter's amendments since then, each
    approved by its authorities; so neither nodes nor authorities can change the policy alone. The command shows the
    changes and asks you. Once the policy has expired, you need a new one from a source you trust.
    """
    from accredit.cli.verifying.policy_renewal import fetch_renewal
    from accredit.governance.policy_renewal import renew as renewed_by

    now = int(time.time())
    policy = read_policy(file)
    policy.check_usable(now)
    renewed = first_good(nodes, lambda client: renewed_by(policy, fetch_renewal(client, policy, now), now))
    changes = differences(policy, renewed)
    if changes and not yes:
        output.say("The charter's authorities and the signers you rely on now say:", err=True)
        for change in changes:
            output.say(f"  {output.safe(change)}", err=True)
        click.confirm("Rely on these signers from now on?", abort=True, err=True)
    write_policy(file, renewed, made=format_time(now))

    def text() -> None:
        output.say(f"{good('Renewed')} {file}, until {documents.when(renewed.expires)}.")
        for change in changes:
            output.say(f"  {output.safe(change)}")
        if not changes:
            output.say("  The signers are the same.")

    output.emit({"file": str(file), "changes": changes, "made": format_time(now), **to_json(renewed)}, text)


def fingerprint(policy: TrustPolicy) -> str:
    """What two people compare: 32 hexadecimal digits of SHA-256 over ecosystem, charter, step and signers.

    How old the signers' word may be, until when, and whose answers count is each verifier's own, and not in it.
    """
    bare = replace(policy, max_age=MAX_AGE, expires=0, authorities=(policy.charter,), count=0, root=None)
    digits = sha256(bare.encode()).hexdigest()[:32]
    return " ".join(digits[at : at + 4] for at in range(0, 32, 4))


def to_json(policy: TrustPolicy) -> dict[str, Any]:
    """A policy for programs."""
    return {
        "fingerprint": fingerprint(policy),
        "ecosystem": policy.ecosystem,
        "charter": policy.charter,
        "version": policy.version,
        "step": policy.step,
        "signers": [{"name": key.name, "key": key.encode()} for key in policy.signers.keys],
        "quorum": _quorum(policy),
        "max_age": policy.max_age,
        "expires": format_time(policy.expires),
        "authorities": list(policy.authorities),
        "verified": policy.count,
    }


def differences(old: TrustPolicy, new: TrustPolicy) -> list[str]:
    """What renewing changes of whom one relies on, in sentences; how long it is good is not among it."""
    before = {key.name: key for key in old.signers.keys}
    after = {key.name: key for key in new.signers.keys}
    changes = [f"{name} is no longer a signer." for name in sorted(before.keys() - after.keys())]
    changes += [f"{name} is a new signer: {multibase(after[name].public)}" for name in sorted(after.keys() - before)]
    changes += [
        f"{name} has a new key: {multibase(after[name].public)} instead of {multibase(before[name].public)}"
        for name in sorted(before.keys() & after.keys())
        if before[name] != after[name]
    ]
    if _quorum(old) != _quorum(new):
        changes.append(f"A quorum is {_quorum(new)}; it was {_quorum(old)}.")
    if new.version != old.version:
        changes.append(f"The charter is now version {new.version}; your policy had version {old.version}.")
    return changes


def _agreed(nodes: Sequence[str]) -> TrustPolicy:
    """The policy that every node gives, but for what is each verifier's own.

    Raises:
        RefusedError: they do not give the same one.
        RemoteError: one cannot be reached, or gives none.
    """
    given: dict[str, TrustPolicy] = {}
    with output.progress("Asking", len(nodes)) as step:
        for url in nodes:
            with connected(url) as client:
                given[url] = _policy_of(client)
            step(1)
    prints = {url: fingerprint(policy) for url, policy in given.items()}
    if len(set(prints.values())) > 1:
        said = "; ".join(f"{url}: {one}" for url, one in prints.items())
        raise RefusedError(
            "nodes_differ",
            f"The nodes disagree about the ecosystem and its signers ({said}).",
            hint="Nothing was written. Ask again in a minute; if they still disagree, ask their operators why.",
        )
    return given[nodes[0]]


def _policy_of(client: "NodeClient") -> TrustPolicy:
    try:
        return TrustPolicy.decode(client.trust_policy())
    except DecodeError as error:
        raise RemoteError("bad_answer", f"{client.url} did not send a trust policy: {error.message}") from None


def _end(written: str, now: int) -> int:
    end = documents.seconds(written, "--expires")
    if not now < end <= now + LIFETIME:
        raise InputError(
            "bad_expiry",
            f"A policy is valid for at most {LIFETIME // 86_400} days, so it cannot expire on {written}.",
            hint="Leave --expires out for the longest time; it can be renewed.",
        )
    return end


def _require_known(relied_on: Sequence[str], policy: TrustPolicy, url: str) -> None:
    """A mistyped authority would be relied on in vain."""
    with connected(url) as client:
        known = {policy.charter, *(one["id"] for one in client.authorities()["authorities"])}
    for id_ in relied_on:
        if id_ not in known:
            raise InputError(
                "unknown_authority",
                f"{id_} is not an authority of this ecosystem.",
                hint="accredit authority list shows all authorities.",
            )


def _is_usable(policy: TrustPolicy, now: int) -> bool:
    try:
        policy.check_usable(now)
    except RefusedError:
        return False
    return True


def _quorum(policy: TrustPolicy) -> str:
    """`3 of 4`, or the name of the group for a quorum of the owner's own making."""
    found = next((one for one in policy.signers.groups if one.name == policy.signers.quorum), None)
    names = {witness.name for witness in policy.signers.witnesses}
    if isinstance(found, Quorum) and set(found.members) <= names:
        return f"{found.threshold} of {len(found.members)}"
    return policy.signers.quorum


def _show(policy: TrustPolicy, now: int, made: str) -> None:
    left = policy.expires - now
    usable = _is_usable(policy, now)
    ends = f"until {documents.when(policy.expires)}" + (f", {documents.span(left)} left" if usable else "")
    if not usable:
        good_for: object = output.mix(bad("no longer valid"), f" ({ends}): get a new one from a source you trust")
    elif left < SOON:
        good_for = output.mix(fair(ends), ": renew it (accredit trust renew)")
    else:
        good_for = ends
    all_of_it = policy.authorities == (policy.charter,)
    output.facts(
        [
            ("fingerprint", output.styled(fingerprint(policy), bold=True)),
            ("ecosystem", policy.ecosystem.hex()),
            ("charter", f"{policy.charter}, version {policy.version}"),
            ("signers", output.lines(f"{key.name}  {multibase(key.public)}" for key in policy.signers.keys)),
            ("quorum", _quorum(policy)),
            ("cosignatures", f"valid for {documents.span(policy.max_age)}"),
            ("relies on", "every authority of the ecosystem" if all_of_it else output.lines(policy.authorities)),
            ("made", documents.when(made) if made else "the file does not say"),
            ("good", good_for),
            ("verified", f"up to {many(policy.count, 'statement')}" if policy.count else "nothing yet"),
        ]
    )
