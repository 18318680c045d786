"""Attributes a conflict to the owner of its key, as far as a trust policy or a charter shows who that is.

A conflict (`transparency.equivocation`) proves that *a key* contradicted itself. The author of the file chose the name
beside the key: anybody can sign two checkpoints under a node's name with their own key. So a node is named only if the
reader has one of two documents, trusted for other reasons, that tie the key to the name:

* the trust policy: it has a signer of that name with that key (this helps with state notes only);
* a charter: it has a node of that name with that key in the right role (`log` for checkpoints, `state` for state
  notes).

No other source counts, and the conflict file itself does not either.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from ..transparency.equivocation import CHECKPOINTS, STATE_NOTES, Conflict
from .trust_policy import TrustPolicy

_ROLES: Final = {CHECKPOINTS: "log", STATE_NOTES: "state"}


class Attribution(StrEnum):
    """The result of attributing a key to a node.

    `policy`, `charter`: that document ties the key to the name. `other_key`: it has the name with another key in that
    role, so the file accuses somebody else. `unknown`: no document at hand has the name.
    """

    POLICY = "policy"
    CHARTER = "charter"
    OTHER_KEY = "other_key"
    UNKNOWN = "unknown"

    @property
    def is_known(self) -> bool:
        """Return whether the key is known to belong to the node named."""
        return self in (Attribution.POLICY, Attribution.CHARTER)


def whose(conflict: Conflict, policy: TrustPolicy | None, charter: Mapping[str, Any] | None) -> Attribution:
    """Return whether the key of a checked conflict belongs to the node that it names.

    Args:
        charter: the body of a checked charter; None if none is at hand.
    """
    key, role = conflict.key, _ROLES[conflict.kind]
    signers = () if policy is None or conflict.kind != STATE_NOTES else policy.signers.keys
    if key in signers:
        return Attribution.POLICY
    nodes = {} if charter is None else {node["name"]: node["keys"][role] for node in charter["nodes"]}
    if nodes.get(key.name) == key.public:
        return Attribution.CHARTER
    is_named = key.name in nodes or any(signer.name == key.name for signer in signers)
    return Attribution.OTHER_KEY if is_named else Attribution.UNKNOWN
