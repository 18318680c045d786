"""Uses issuance receipts in checks of credentials: they prove by when each credential existed.

    held = HeldReceipts([read_receipt(path)], policy, now)
    checks, known = held.of(credential)        checks to show, and members for the question about its issuer

A receipt fits one credential. Each credential takes the one of the given receipts that fits; if none does, the check
says why the first does not.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from accredit.cli.base import documents
from accredit.cli.credentials.outcomes import CheckOutcome, CredentialCheck
from accredit.cli.credentials.reading import ReadCredential
from accredit.node.views.json_views import format_time
from accredit.registry.encoding.rfc3339 import day
from accredit.registry.errors import AccreditError, InputError
from accredit.registry.evidence.issuance_receipt import IssuanceReceipt, check_receipt, held_by
from accredit.registry.evidence.state_check import CheckError, CheckResult
from accredit.registry.evidence.trust_policy import TrustPolicy

RECEIPT: Final = "receipt"
"""Name of the check."""


def read_receipt(path: Path) -> IssuanceReceipt:
    """Read a receipt's file.

    Raises:
        InputError: it is none; says which file.
    """
    try:
        return IssuanceReceipt.decode(documents.read_bytes(path))
    except AccreditError as error:
        raise InputError(error.code, f"{path}: {error.message}", hint=error.hint) from None


def existence_in(path: Path, issuer: str, policy: TrustPolicy | None, now: int) -> dict[str, Any]:
    """Return what a receipt adds to a question about its issuer, whatever credential it belongs to.

    Whether it belongs to a certain credential, only `accredit check` can tell.

    Args:
        issuer: whom the question is about, in its one spelling. now: this machine's clock, seconds since 1970.

    Raises:
        InputError: it is no receipt, or another issuer's; or there is no policy to judge it by.
        CheckError: it does not hold.
    """
    receipt = read_receipt(path)
    if policy is None:
        raise InputError(
            "needs_policy", f"{path}: A receipt needs a trust policy.", hint="Add --policy FILE, from trust export."
        )
    if receipt.issuer != issuer:
        raise InputError(
            "other_issuer", f"{path}: This is a receipt of {receipt.issuer}.", hint="Ask about that issuer."
        )
    return _known(held_by(receipt, policy, now), receipt.key)


def _known(existed_by: int, key: str) -> dict[str, Any]:
    return {"existed_by": format_time(existed_by), "committed_with": key}


class HeldReceipts:
    """See the module.

    Args:
        receipts: at least one. now: this machine's clock, seconds since 1970.
    """

    def __init__(self, receipts: Sequence[IssuanceReceipt], policy: TrustPolicy, now: int) -> None:
        self._receipts = receipts
        self._policy = policy
        self._now = now

    def of(self, credential: ReadCredential) -> tuple[tuple[CredentialCheck, ...], dict[str, Any]]:
        """Return the check of a credential's receipt, and what it adds to the question about its issuer."""
        payload = credential.document if credential.token is None else credential.token.claims
        failures: list[CheckError] = []
        for receipt in self._receipts:
            try:
                existence = check_receipt(receipt, payload, self._policy, self._now)
            except CheckError as error:
                failures.append(error)
                continue
            text = f"It existed by {day(existence.existed_by)}: a quorum held its issuer's commitment then."
            passed = CredentialCheck(name=RECEIPT, outcome=CheckOutcome.PASSED, code="existence_proved", text=text)
            return (passed,), _known(existence.existed_by, existence.key)
        # One that fits and cannot be proved says more than one of another credential.
        why = next((one for one in failures if one.check not in ("leaf", "issuer")), failures[0])
        is_refuted = why.result is CheckResult.REFUTED
        outcome = CheckOutcome.FAILED if is_refuted else CheckOutcome.NOT_DONE
        return (CredentialCheck(name=RECEIPT, outcome=outcome, code=why.check, text=why.message, hint=why.hint),), {}
