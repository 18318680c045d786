"""Takes the evidence out of a node's answer."""

import base64
from typing import Any

from accredit.registry.errors import RemoteError


def evidence_of(answer: dict[str, Any]) -> bytes | None:
    """Take the evidence out of a node's answer; None where the node gives its own word instead.

    Args:
        answer: `node`, its URL, and `decision`, as `POST /v1/decisions` gives it.

    Raises:
        RemoteError: there is neither, or it is not base64.
    """
    given = answer["decision"].pop("evidence", "")
    if given is None and answer["decision"].get("own_word") is True:
        return None
    try:
        if given:
            return base64.b64decode(given, validate=True)
    except (TypeError, ValueError):
        pass
    raise RemoteError(
        "no_evidence",
        f"{answer['node']} sent no evidence, although it was asked for.",
        hint="Ask another node; without evidence, only that node vouches for its answer.",
    )
