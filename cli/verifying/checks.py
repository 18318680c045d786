"""Shared by the verifier's commands: the file of a trust policy with the state it remembers, and checks with their
output.

A policy file remembers the highest state that was verified with it, so that nobody can show its owner an older one.
Each successful check rewrites it atomically, under the folder's lock. If it cannot be written, the command says so, and
the answer remains valid.

The five results are never merged (`registry.evidence.state_check`); each has its own words here and its own exit code
(`exits.RESULTS`).
"""

import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from accredit.cli.base import documents, exits, output
from accredit.cli.base.output import bad, fair, good
from accredit.node.files.atomic_files import folder_lock, write_atomically
from accredit.node.views.decision_view import decided
from accredit.node.views.json_views import format_time
from accredit.registry.decision.explanations import Audience
from accredit.registry.decision.query import Query
from accredit.registry.domain.records import MemoryRecords
from accredit.registry.encoding import rfc3339
from accredit.registry.encoding.cbor import decode
from accredit.registry.errors import AccreditError, DecodeError, InputError, StorageError
from accredit.registry.evidence.check import Checked, Evidence, check
from accredit.registry.evidence.state_check import CheckResult
from accredit.registry.evidence.trust_policy import TrustPolicy
from accredit.registry.limits import RECORD_BYTES
from accredit.registry.transparency.state_note import StateNote

from .decision_text import details_of, in_words_of, show_decision
from .query_options import question_of

RESULT_WORDS: Final = {
    CheckResult.VERIFIED: (good, "Verified"),
    CheckResult.REFUTED: (bad, "Refuted"),
    CheckResult.UNWITNESSED: (fair, "Unwitnessed"),
    CheckResult.STALE: (fair, "Stale"),
    CheckResult.UNKNOWN: (fair, "Unknown"),
}
RESULT_MEANINGS: Final = {
    CheckResult.REFUTED: "It contradicts itself, or what you verified before. Whoever made it is mistaken or lying.",
    CheckResult.UNWITNESSED: "Too few of the signers in your policy vouch for it: only one node says so.",
    CheckResult.STALE: "This was true then; it may have changed.",
    CheckResult.UNKNOWN: "Your policy does not allow a conclusion: this is neither a yes nor a no.",
}


def read_policy(path: Path) -> TrustPolicy:
    """Return the trust policy in a file.

    Raises:
        InputError: there is none.
        DecodeError: it is none.
    """
    if not path.exists():
        raise InputError(
            "no_policy",
            f"There is no trust policy {path}.",
            hint="Make one with accredit trust export, and check its fingerprint.",
        )
    try:
        # What an editor or a mail program adds on the way: a byte order mark, Windows' line ends.
        written = documents.read_bytes(path).removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
        return TrustPolicy.decode(written)
    except DecodeError as error:
        hint = error.hint or "Give the file that accredit trust export wrote."
        raise DecodeError(error.code, f"{path}: {error.message}", hint=hint) from None


_MADE: Final = b"# Made "
"""How the last line of a policy file begins, a comment: when `accredit trust export` or `renew` made it."""


def policy_file(policy: TrustPolicy, made: str) -> bytes:
    """Return the file of a policy, with the time it was made (RFC 3339): a remark for people, which no check relies
    on."""
    return policy.encode() + _MADE + made.encode() + b"\n"


def made_when(path: Path) -> str:
    """Return when a policy file was made, according to the file; empty if it does not say."""
    last = documents.read_bytes(path).replace(b"\r\n", b"\n").rstrip(b"\n").rpartition(b"\n")[2]
    try:
        return format_time(rfc3339.parse(last.removeprefix(_MADE).decode("ascii"))) if last.startswith(_MADE) else ""
    except (DecodeError, UnicodeDecodeError):
        return ""


def write_policy(path: Path, policy: TrustPolicy, *, made: str = "") -> None:
    """Replace a policy file by its next version, keeping the state that the file remembers by now.

    Args:
        made: when it was made anew, RFC 3339; empty for when it was made before.

    Raises:
        StorageError: it cannot be written; it stays as it was.
    """
    with folder_lock(path.absolute().parent):
        held = read_policy(path)
        kept = policy if policy.count >= held.count else replace(policy, count=held.count, root=held.root)
        _replace(path, kept, made or made_when(path))


def remember(path: Path, state: StateNote) -> None:
    """Record in the policy file that this state was verified."""
    try:
        with folder_lock(path.absolute().parent):
            # As it is now: another check may have come further meanwhile.
            policy = read_policy(path)
            if state.count > policy.count:
                _replace(path, policy.remember(state), made_when(path))
    except StorageError as error:
        output.note(f"{fair('!')} What was verified could not be stored in {path}: {output.safe(error)}")


def _replace(path: Path, policy: TrustPolicy, made: str) -> None:
    """Replace a file atomically and keep its permissions, so that its readers can still read it."""
    mode = stat.S_IMODE(path.stat().st_mode)
    write_atomically(path, policy_file(policy, made) if made else policy.encode())
    path.chmod(mode)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedEvidence:
    """An evidence file, checked.

    Attributes:
        checked: what came of it.
        question: what it answers, as `POST /v1/decisions` takes it; None where that cannot be read.
        decision: the verified answer as a node would give it; None unless verified.
        records: what was proved, for reading; empty unless verified.
    """

    checked: Checked
    question: dict[str, Any] | None
    decision: dict[str, Any] | None
    records: MemoryRecords

    @property
    def is_yes(self) -> bool:
        """Return whether the answer is verified and says yes."""
        return self.decision is not None and bool(self.decision["authorized"])

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        state, checked = self.checked.state, self.checked
        noted = None
        if state is not None and checked.since is not None:
            noted = {
                "statements": state.count,
                "root": state.root,
                "since": format_time(checked.since),
                "signers": [key.name for key in checked.signers],
            }
        return {
            "result": str(checked.result),
            "check": checked.check or None,
            "text": checked.text,
            "question": self.question,
            "decision": self.decision,
            "noted": noted,
        }

    def end(self) -> None:
        """End a command: 0 for a verified yes, 1 for a verified no, else the result's own code.

        Raises:
            Negative: anything but a verified yes.
        """
        if self.decision is None:
            raise exits.Negative(str(self.checked.result))
        if not self.is_yes:
            raise exits.Negative


def check_answer(
    data: bytes, query: Query | None, policy_path: Path, now: int, *, audience: Audience | None = None
) -> CheckedEvidence:
    """Check an evidence file with the policy in a file, which remembers the state if it is verified.

    Args:
        query: what was asked; None to take the question from the file.
        now: this machine's clock, seconds since 1970.
        audience: in whose words to explain the answer; None for nobody's.

    Raises:
        InputError, DecodeError: there is no such policy.
    """
    policy = read_policy(policy_path)
    checked = check(data, query, policy, now)
    try:
        evidence = Evidence.decode(data)
    except AccreditError:
        return CheckedEvidence(checked=checked, question=None, decision=None, records=MemoryRecords())
    question = question_of(evidence.query, policy.charter)
    records = MemoryRecords()
    if checked.decision is None or checked.state is None:
        return CheckedEvidence(checked=checked, question=question, decision=None, records=records)
    remember(policy_path, checked.state)
    for one in evidence.records:
        if one.raw is not None:
            record = decode(one.raw, what=f"the {one.type} record of {one.id}", max_bytes=RECORD_BYTES)
            records.put(one.type, one.id, record)
    view = in_words_of(audience, dict(decided(checked.decision)))
    return CheckedEvidence(checked=checked, question=question, decision=view, records=records)


def show_answer(answer: CheckedEvidence, now: int, *, asked: bool) -> None:
    """Print the result of a check, and the answer if it is verified.

    Args:
        asked: whether the person said the question; else it is shown as one to compare.
    """
    checked = answer.checked
    show_result(checked.result, checked.check, checked.text)
    if checked.since is not None:
        names = ", ".join(key.name for key in checked.signers)
        output.facts([("vouched for", f"{documents.span(now - checked.since)} ago, by {names}")])
    if answer.question is not None and answer.decision is not None:
        if not asked:
            output.say(fair("This answers the question stored in the file; check that it is the one you asked."))
        output.say()
        show_decision(answer.question, answer.decision, details_of(answer.decision, answer.records), at_node=False)


def show_result(result: CheckResult, check_name: str, text: str) -> None:
    """Print a result: its word, the check that gave it, the reason, and its meaning."""
    colour, word = RESULT_WORDS[result]
    if result is CheckResult.VERIFIED:
        output.say(f"{colour(word)}  {output.safe(text.removeprefix('Verified: '))}")
        return
    output.say(f"{colour(word)}  by the check {output.styled(check_name, bold=True)}: {output.safe(text)}")
    if check_name != "question":
        output.say(f"  {RESULT_MEANINGS[result]}")
