"""Whom a conflict accuses: the owner of its key, as far as a policy or a charter shows it.

A conflict (`transparency.equivocation`) proves that *a key* contradicted itself. The name beside the key is in the hand
of whoever made it: anybody can sign two checkpoints under a node's name with a key of his own. So a node is named only
where one of two things that the reader has, and trusts for other reasons, ties the key to that name:

* the trust policy: a signer of that name with that key, which says something of state notes only;
* a charter: a node of that name whose key of that role is this one (`log` for checkpoints, `state` for state notes).

Nobody else's word is asked, and the conflict's own least of all.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from ..transparency.equivocation import CHECKPOINTS, STATE_NOTES, Conflict
from .trust_policy import TrustPolicy

_ROLES: Final = {CHECKPOINTS: "log", STATE_NOTES: "state"}


class Attribution(StrEnum):
    """What is known of whose key it was.

    `policy`, `charter`: the one or the other ties it to the name. `other_key`: it has that name with another key of
    that role, so that the file accuses somebody else. `unknown`: nothing at hand knows the name.
    """

    POLICY = "policy"
    CHARTER = "charter"
    OTHER_KEY = "other_key"
    UNKNOWN = "unknown"

    @property
    def is_known(self) -> bool:
        """Whether the key is known to be that of the node named."""
        return self in (Attribution.POLICY, Attribution.CHARTER)


def whose(conflict: Conflict, policy: TrustPolicy | None, charter: Mapping[str, Any] | None) -> Attribution:
    """Whether the key of a checked conflict is that of the node it names.

    Args:
        charter: the body of a charter, checked; None where there is none at hand.
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
