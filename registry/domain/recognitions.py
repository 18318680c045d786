"""Recognition: this ecosystem's statement that it recognises another ecosystem or authority, for some actions.

Record `recognition` (id: what is recognised; lists by id):

    {id, granted: [{by, via, statement, iat, name, actions, ?ecosystem, ?url, ?valid_from, ?valid_until,
                    withdrawn: null | {statement, effective_from, ?later}}]}
"""

from collections.abc import Sequence
from typing import Any, Final, cast

from ..encoding import schema
from ..encoding.identifiers import CanonicalId
from ..errors import DecodeError
from ..limits import TIME_MAX, TIME_MIN
from .record_types import RecognitionRecord, StatedRecognition
from .records import Effective, first_end, in_order, source

_GRANT: Final = schema.members(
    {
        "id": schema.issuer_id,
        "name": schema.text(),
        "actions": schema.list_of(schema.text(100), minimum=1, maximum=50),
    },
    {"ecosystem": schema.digest, "url": schema.link, "valid_from": schema.time, "valid_until": schema.time},
)
_WITHDRAW: Final = schema.members(
    {"recognition": schema.digest, "effective_from": schema.time}, {"reason_text": schema.prose}
)


def check_grant(body: Any, path: str = "body") -> None:
    """The shape of `recognition.grant`. `actions`: `issue`, `accredit`, words of that ecosystem, or `*`."""
    _GRANT(body, path)
    if body.get("valid_until", TIME_MAX + 1) <= body.get("valid_from", TIME_MIN):
        raise DecodeError("never_valid", "it would end before it begins.", where=f"{path}.valid_until")


def check_withdraw(body: Any, path: str = "body") -> None:
    """The shape of `recognition.withdraw`, of one grant by its statement's id."""
    _WITHDRAW(body, path)


def reduce(id: CanonicalId, grants: Sequence[Effective], withdrawals: Sequence[Effective]) -> RecognitionRecord | None:
    """Return the recognition's record; None if it was never granted.

    Authorities that granted together withdraw together, so a withdrawal may have another author than the grant.
    """
    granted: list[StatedRecognition] = []
    for grant in in_order(grants):
        withdrawn = first_end(one for one in withdrawals if one.statement.body["recognition"] == grant.statement.id)
        body = {name: value for name, value in grant.statement.body.items() if name != "id"}
        granted.append(cast(StatedRecognition, {**body, **source(grant), "withdrawn": withdrawn}))
    return {"id": id, "granted": granted} if granted else None
