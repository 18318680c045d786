"""The text of `accredit --help`, shown without loading the parser of command lines, because people see it first and
often.

The table of commands is here because this page needs it as well as `cli.main`, which loads a command when it is used.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from typing import Final

ASKED_BY: Final = (["--help"], ["-h"])
"""Command lines that this page answers."""

MAX_WIDTH: Final = 110
MIN_WIDTH: Final = 50
_MARGIN: Final = 2
_WIDTH_WHERE_NO_TERMINAL_IS: Final = 80
"""In columns."""

COMMANDS: Final = {
    "demo": ("accredit.cli.demo.command:demo", "Run a whole consortium here, in about half a minute."),
    "query": ("accredit.cli.commands.verifier.query:query", "Ask whether an issuer is trusted, for what and when."),
    "check": (
        "accredit.cli.commands.verifier.check:check",
        "Check credentials: genuine, still good, issuer accredited.",
    ),
    "evidence": (
        "accredit.cli.commands.verifier.evidence:evidence",
        "Check evidence, or a conflict, without a network.",
    ),
    "trust": ("accredit.cli.commands.verifier.trust:trust", "The verifier's trust policy: export, show, renew."),
    "snapshot": (
        "accredit.cli.commands.verifier.snapshot:snapshot",
        "All records in one file: sync it, then query it offline.",
    ),
    "inbox": (
        "accredit.cli.commands.governance.proposals:inbox",
        "List the proposals that wait for your vote, and their effect.",
    ),
    "show": ("accredit.cli.commands.governance.proposals:show", "Show a proposal or decision in full."),
    "approve": ("accredit.cli.commands.governance.votes:approve", "Approve proposals, several at once."),
    "reject": ("accredit.cli.commands.governance.votes:reject", "Reject proposals."),
    "retract": (
        "accredit.cli.commands.governance.votes:retract",
        "Take back a proposal of yours that is not in effect yet.",
    ),
    "annul": ("accredit.cli.commands.governance.votes:annul", "Annul a wrong decision, as when an appeal is upheld."),
    "issuer": (
        "accredit.cli.commands.registry.issuer:issuer",
        "Issuers: show, list, propose, update, import; their keys.",
    ),
    "accreditation": (
        "accredit.cli.commands.registry.accreditation:accreditation",
        "Accreditations: propose, amend, suspend, revoke, …",
    ),
    "history": (
        "accredit.cli.commands.registry.history:history",
        "Accreditation histories: find contradictions, import.",
    ),
    "framework": (
        "accredit.cli.commands.registry.framework:framework",
        "Competency frameworks: show, list, import, publish.",
    ),
    "mapping": (
        "accredit.cli.commands.registry.mapping:mapping",
        "Mappings (crosswalks) between frameworks: import, withdraw.",
    ),
    "competency": (
        "accredit.cli.commands.registry.competency:competency",
        "Competencies: show one, list who may attest it.",
    ),
    "authority": (
        "accredit.cli.commands.governance.authority:authority",
        "Governance bodies: show, list, delegate, withdraw.",
    ),
    "recognition": (
        "accredit.cli.commands.registry.recognition:recognition",
        "Recognition of other ecosystems and authorities.",
    ),
    "export": ("accredit.cli.commands.verifier.export:export", "Export the registry's accreditations as CSV or JSON."),
    "outcomes": (
        "accredit.cli.commands.verifier.outcomes:outcomes",
        "What the public records add up to, and weekly totals of decisions.",
    ),
    "issuance": (
        "accredit.cli.commands.verifier.issuance:issuance",
        "By when credentials existed: commit to them, and keep receipts.",
    ),
    "charter": (
        "accredit.cli.commands.governance.charter:charter",
        "The ecosystem's constitution: draft, sign, publish, amend.",
    ),
    "keys": (
        "accredit.cli.commands.governance.keys:keys",
        "Authority keys: make, show, add, rotate, report as stolen.",
    ),
    "sign": (
        "accredit.cli.commands.governance.offline_signing:sign",
        "Sign a request file on a machine without a network.",
    ),
    "submit": (
        "accredit.cli.commands.governance.offline_signing:submit",
        "Send a file of signed statements to a node.",
    ),
    "log": ("accredit.cli.commands.operator.log:log", "A node's log: show, prove, verify."),
    "node": ("accredit.cli.commands.operator.node:node", "Run a node: init, join, admit, run, status, audit."),
    "replica": ("accredit.cli.commands.operator.replica:replica", "Run a query server that verifies what it serves."),
    "simulate": (
        "accredit.cli.commands.operator.simulate:simulate",
        "Simulate whole networks with faults and adversaries.",
    ),
}
"""For each command its place, as `module:attribute`, and its line on the page."""

OPTIONS: Final = {
    "--debug": "Show the traceback of an error.",
    "--version": "Show the version and exit.",
    "-h, --help": "Show this message and exit.",
}

_USAGE: Final = "Usage: accredit [OPTIONS] COMMAND [ARGS]..."
_ABOUT: Final = (
    "A decentralised trust registry for learning and employment records.",
    "Was issuer X, at time T, accredited by an authority I recognise to issue credentials of this kind, for this "
    "competency, here? Who says so, and can I check it without trusting the machine I asked?",
)
_AS_TYPED: Final = """\
Example:
  accredit query did:web:uni.example --for BachelorDegree --on 2015-05-20

Environment: ACCREDIT_NODE (URL of the node to ask), ACCREDIT_KEY (your key
file), ACCREDIT_PASSPHRASE_FILE, ACCREDIT_POLICY (your trust policy).
Exit codes: 0 done, 1 the answer is no, 2 usage, 3 wrong input, 4 not yet,
5 another machine, 6 files here; not verified: 10 refuted, 11 unwitnessed,
12 stale, 13 unknown, 14 unattributed.

Shell completion: add one of these lines to your shell's start-up file:
  bash   eval "$(_ACCREDIT_COMPLETE=bash_source accredit)"
  zsh    eval "$(_ACCREDIT_COMPLETE=zsh_source accredit)"
  fish   _ACCREDIT_COMPLETE=fish_source accredit | source
"""
"""What is copied, and so is not wrapped."""


def page(width: int) -> str:
    """Return the page, wrapped to a number of columns."""
    about = [_wrapped(text, width, "  ", "  ") for text in _ABOUT]
    as_typed = [f"  {line}" if line else "" for line in _AS_TYPED.splitlines()]
    parts = [
        [_USAGE],
        *about,
        ["Options:", *_listed(OPTIONS.items(), width)],
        ["Commands:", *_listed(((name, line) for name, (_, line) in COMMANDS.items()), width)],
        as_typed,
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def width_here() -> int:
    """Return the width for the terminal at hand, as `COLUMNS` or the terminal says, within what is easy to read."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        found = int(columns)
    else:
        try:
            found = os.get_terminal_size(1).columns or _WIDTH_WHERE_NO_TERMINAL_IS
        except OSError:
            found = _WIDTH_WHERE_NO_TERMINAL_IS
    return max(min(found, MAX_WIDTH) - _MARGIN, MIN_WIDTH)


def write() -> bool:
    """Write the page to standard output; return whether all of it was written.

    What prevents it (a reader that has gone, a full disk, a terminal that lacks a character) is the whole command
    line's to answer, which writes the page again.
    """
    try:
        rest = memoryview(page(width_here()).encode(sys.stdout.encoding))
        while rest:
            rest = rest[os.write(1, rest) :]
    except (OSError, UnicodeError):
        return False
    return True


def _wrapped(text: str, width: int, first: str, others: str) -> list[str]:
    lines = [first]
    for word in text.split():
        gap = " " if lines[-1].strip() and not lines[-1].endswith("  ") else ""
        if len(lines[-1]) + len(gap) + len(word) > width and lines[-1].strip():
            lines.append(others)
            gap = ""
        lines[-1] += gap + word
    return lines


def _listed(rows: Iterable[tuple[str, str]], width: int) -> Iterator[str]:
    rows = list(rows)
    column = max(len(name) for name, _ in rows) + 4
    for name, line in rows:
        yield from _wrapped(line, width, f"  {name}".ljust(column), " " * column)
