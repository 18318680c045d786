"""The command `accredit`: the table of its commands; the commands of each noun are in their own module."""

from typing import Final

import click

from accredit.cli.base.commands import RootCommand

_COMMANDS: Final = {
    "demo": ("accredit.cli.demo.command:demo", "Run a whole consortium here, in about half a minute."),
    "query": ("accredit.cli.commands.query:query", "Ask whether an issuer is trusted, for what and when."),
    "evidence": (
        "accredit.cli.commands.evidence:evidence",
        "Check evidence, or a conflict, without a network.",
    ),
    "trust": ("accredit.cli.commands.trust:trust", "The verifier's trust policy: export, show, renew."),
    "snapshot": (
        "accredit.cli.commands.snapshot:snapshot",
        "All records in one file: sync it, then query it offline.",
    ),
    "inbox": ("accredit.cli.commands.proposals:inbox", "List the proposals that wait for your vote, and their effect."),
    "show": ("accredit.cli.commands.proposals:show", "Show a proposal or decision in full."),
    "approve": ("accredit.cli.commands.votes:approve", "Approve proposals, several at once."),
    "reject": ("accredit.cli.commands.votes:reject", "Reject proposals."),
    "retract": ("accredit.cli.commands.votes:retract", "Take back a proposal of yours that is not in effect yet."),
    "annul": ("accredit.cli.commands.votes:annul", "Annul a wrong decision, as when an appeal is upheld."),
    "issuer": ("accredit.cli.commands.issuer:issuer", "Issuers: show, list, propose, update, import."),
    "accreditation": (
        "accredit.cli.commands.accreditation:accreditation",
        "Accreditations: propose, amend, suspend, revoke, …",
    ),
    "framework": ("accredit.cli.commands.framework:framework", "Competency frameworks: show, list, import, publish."),
    "authority": ("accredit.cli.commands.authority:authority", "Governance bodies: show, list, delegate, withdraw."),
    "recognition": (
        "accredit.cli.commands.recognition:recognition",
        "Recognition of other ecosystems and authorities.",
    ),
    "export": ("accredit.cli.commands.export:export", "Export the registry's accreditations as CSV or JSON."),
    "charter": ("accredit.cli.commands.charter:charter", "The ecosystem's constitution: draft, sign, publish, amend."),
    "keys": ("accredit.cli.commands.keys:keys", "Authority keys: make, show, add, rotate, report as stolen."),
    "sign": ("accredit.cli.commands.offline_signing:sign", "Sign a request file on a machine without a network."),
    "submit": ("accredit.cli.commands.offline_signing:submit", "Send a file of signed statements to a node."),
    "log": ("accredit.cli.commands.log:log", "A node's log: show, prove, verify."),
    "node": ("accredit.cli.commands.node:node", "Run a node: init, join, admit, run, status, audit."),
    "simulate": (
        "accredit.cli.commands.simulate:simulate",
        "Simulate whole networks with faults and adversaries.",
    ),
}


accredit = RootCommand(
    "accredit",
    lazy=_COMMANDS,
    help="""A decentralised trust registry for learning and employment records.

    Was issuer X, at time T, accredited by an authority I recognise to issue credentials of this kind, for this
    competency, here? Who says so, and can I check it without trusting the machine I asked?""",
    epilog="""\b
Example:
  accredit query did:web:uni.example --for BachelorDegree --on 2015-05-20

\b
Environment: ACCREDIT_NODE (URL of the node to ask), ACCREDIT_KEY (your key
file), ACCREDIT_PASSPHRASE_FILE, ACCREDIT_POLICY (your trust policy).
Exit codes: 0 done, 1 the answer is no, 2 usage, 3 wrong input, 4 not yet,
5 another machine, 6 files here; not verified: 10 refuted, 11 unwitnessed,
12 stale, 13 unknown, 14 unattributed.

\b
Shell completion: add one of these lines to your shell's start-up file:
  bash   eval "$(_ACCREDIT_COMPLETE=bash_source accredit)"
  zsh    eval "$(_ACCREDIT_COMPLETE=zsh_source accredit)"
  fish   _ACCREDIT_COMPLETE=fish_source accredit | source
""",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


# The version is looked up in the metadata of what is installed, and only when it is asked for.
click.version_option(package_name="accredit", message="%(prog)s %(version)s")(accredit)


@accredit.result_callback()
def _finished(*_results: object, **_parameters: object) -> None:
    """A command's own return value is never an exit code."""


def main() -> None:
    """Entry point of the console script."""
    accredit.main(prog_name="accredit")
