"""Tells who keeps the status lists of an issuer that is gone, and with which keys they count.

A school that closed signs no more lists. Its accreditor may name a custodian of its records: `custodian_for`, in the
custodian's own entry. The custodian then keeps the lists as well, under the addresses that the credentials name.

Only the word of those counts who stand behind the accreditation that the credential is judged by, on who is the
custodian and on its keys: otherwise whoever may register an issuer could undo the revocations of another's.
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import convert

from accredit.cli.credentials.keys import IssuerKeys
from accredit.cli.credentials.status import ListSigner
from accredit.node.views.json_views import TIMES
from accredit.registry.decision.issuer_keys import KeyState, key_at
from accredit.registry.domain.record_types import IssuerRecord, KeyAdded, KeyEnded, StatedFacts, VoiceMembers
from accredit.registry.domain.records import Voice, is_ahead, standing, voice_of
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.encoding.rfc3339 import parse
from accredit.registry.errors import DecodeError

_HEX: Final = frozenset({"statement", "via", "kid", "signer"})
"""Members of the parts of an issuer's record that are byte strings."""

_ENDED: Final = ("closed", "superseded", "withdrawn", "withdrawn_voluntary", "revoked", "expired", "denied")
_GONE: Final = frozenset(f"{when}_{status}" for when in ("later", "status") for status in _ENDED)
"""Reason codes of an answer about an issuer whose accreditation has ended."""


def is_gone(decision: Mapping[str, Any] | None) -> bool:
    """Return whether an answer says that the issuer's accreditation has ended, so that a custodian may stand in."""
    return decision is not None and any(reason["code"] in _GONE for reason in decision["reasons"])


def name_of_custodian(record: IssuerRecord, of: str, decision: Mapping[str, Any], now: int) -> str | None:
    """Return the name of an issuer that keeps the records of another one that is gone; None if it does not.

    Args:
        record: the one that may be the custodian. of: canonical id of the other. decision: about the other.
        now: this machine's clock, seconds since 1970.
    """
    if not is_gone(decision):
        return None
    counted = _behind(decision)
    for one in reversed(standing([fact for fact in record["stated"] if not is_ahead(fact, now)])):
        is_heard = voice_of(one) in counted and "unanchored" not in one
        if is_heard and of in one["facts"].get("custodian_for", ()):
            return str(one["facts"].get("name", record["id"]))
    return None


def signer_of_custodian(
    record: IssuerRecord, method: str, time: int, decision: Mapping[str, Any], now: int
) -> ListSigner:
    """Return what is known of a custodian's key that signed a status list.

    Args:
        method: id of the verification method. time: the list's date, seconds since 1970. decision, now: as above.
    """
    counted = _behind(decision)

    def counts(said: VoiceMembers) -> bool:
        return voice_of(said) in counted

    answer = key_at(record, method, time, now, counts)
    # A thief can date a list back, so a key signs none that was stolen at any time, nor one that is said to have been.
    state = answer.state
    if answer.safe_before is not None:
        state = KeyState.KEY_IN_DOUBT if answer.compromised_later is None else KeyState.KEY_COMPROMISED
    if answer.unanchored:
        state = KeyState.KEY_UNKNOWN
    pinned = [one["key"] for one in record["keys"] if one["op"] == "add" and one["statement"] in answer.statements]
    text = f"The key {method} of its issuer's custodian does not count ({state.value})."
    reasons = [] if state is KeyState.GOOD else [{"code": state.value, "text": text}]
    return ListSigner(keys=IssuerKeys(pinned=list(map(dict, pinned)), asked=True), reasons=reasons)


def _behind(decision: Mapping[str, Any]) -> frozenset[Voice]:
    """Return those who stand behind the accreditation that an answer is about."""
    return frozenset(
        Voice(link["by"], None if link["via"] is None else bytes.fromhex(link["via"])) for link in decision["chain"]
    )


def issuer_record_of(view: Mapping[str, Any]) -> IssuerRecord | None:
    """Return the record that a node's answer about an issuer shows, the inverse of `json_views.plain`; None if it shows
    none that can be read.
    """
    try:
        stated = [convert(_read(one), StatedFacts) for one in view["stated"]]
        keys = [_key(_read(one)) for one in view["keys"]]
        return IssuerRecord(id=CanonicalId(convert(view["id"], str)), stated=stated, keys=keys, accreditations=[])
    except (AttributeError, DecodeError, KeyError, TypeError, ValueError):
        return None


def _key(part: Mapping[str, Any]) -> KeyAdded | KeyEnded:
    return convert(part, KeyAdded) if part["op"] == "add" else convert(part, KeyEnded)


def _read(part: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _member(name, value) for name, value in part.items()}


def _member(name: str, value: Any) -> Any:
    if name in _HEX and isinstance(value, str):
        return bytes.fromhex(value)
    if name == "after":
        return [bytes.fromhex(one) for one in value]
    if name in TIMES and isinstance(value, str):
        return parse(value)
    return _read(value) if name == "key" else value
