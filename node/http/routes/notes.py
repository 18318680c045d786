"""`/v1/state-note`, `/v1/cosignatures`, `/v1/trust-policy`, `/v1/renewal`: the noted state and its signers.

A cosignature proves itself, so anybody may deliver one; the charter says who may make one. The trust policy is a
convenience: the node that it is meant to judge makes it, so its first comment says how to compare it.
"""

from time import monotonic
from typing import Final

import anyio

from accredit.governance.policy_renewal import export_policy, prove_renewal
from accredit.node.engine.notary import MESSAGE_BYTES
from accredit.node.engine.quorum_state import NotedMap
from accredit.node.http.exchange import Response
from accredit.node.http.handling.request_reading import hex_id
from accredit.node.http.handling.route import REVALIDATE, Call, Route, bytes_response
from accredit.registry.errors import InputError, NotYetError
from accredit.registry.transparency.state_note import StateNote

from .decisions import served_ecosystem

CBOR: Final = "application/cbor"
TEXT: Final = "text/plain"
_TEXT_UTF8: Final = "text/plain; charset=utf-8"

_OUT_OF_BAND: Final = b"""\
# Made by {name} from the charter in force there. It is worth nothing until it has been compared, over another
# way than the one it came by, with what the ecosystem's authorities publish: a node that lies can name signers
# of its own. Compare the ecosystem, the step and every key below.
"""


def standing(call: Call) -> tuple[NotedMap, StateNote, bytes]:
    """The newest noted state, what its note says, and the note.

    Raises:
        NotYetError: `no_state_note`: no state that this node knows has a quorum.
    """
    noted = call.reader.noted
    with noted.reading():
        state, note = noted.state, noted.note
    if note is None or state is None:
        raise NotYetError(
            "no_state_note",
            "this node knows no state that a quorum of signers vouches for.",
            hint="GET /v1/status shows which signers are missing; ask again in a moment, or ask another node.",
        )
    return noted, state, note


async def state_note(call: Call) -> Response:
    """The newest note with a quorum, with every cosignature received."""
    _, _, note = standing(call)
    return bytes_response(note, _TEXT_UTF8, cache=REVALIDATE)


async def cosignatures(call: Call) -> Response:
    """Takes another node's cosignature in, `{1: note, ?2: ids}` (`node.engine.notary`); returns the noted state
    here."""
    writer = call.must_write()
    wait = call.shared.note_pace.delay(call.client, 1, monotonic())
    _, data = await call.body()
    await anyio.sleep(wait)
    note = await writer.note(data)
    return Response(note, status_code=202, media_type=_TEXT_UTF8, headers={"cache-control": "no-store"})


async def trust_policy(call: Call) -> Response:
    """A trust policy of the charter in force, good for 90 days from now."""
    served_ecosystem(call)
    charter = call.reader.fold.charter
    if charter is None or not charter.body["signers"]:
        raise InputError(
            "not_found",
            "the charter names no signers, so nobody vouches for a state.",
            hint="Ask the authorities to name signers in the charter.",
        )
    head, _, signers = export_policy(call.reader.fold, call.reader.now()).encode().partition(b"\n\n")
    comment = _OUT_OF_BAND.replace(b"{name}", call.reader.name.encode())
    return bytes_response(head + b"\n\n" + comment + signers, _TEXT_UTF8, cache="no-store")


async def renewal(call: Call) -> Response:
    """The renewal for a policy that has followed the charter up to `step`."""
    step: bytes = call.params["step"]
    with call.reader.noted.reading():
        noted, _, note = standing(call)
        made = prove_renewal(call.reader.fold, noted, step, statements_root=noted.statements_root, note=note)
    return bytes_response(made.encode(), CBOR, cache=REVALIDATE)


ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/state-note",
        handler=state_note,
        family="state",
        about="The newest state note that a quorum of signers cosigned (C2SP signed note)",
        gives={TEXT: None},
        problems=(503,),
    ),
    Route(
        method="POST",
        path="/v1/cosignatures",
        handler=cosignatures,
        family="state",
        about="Submit a signer's cosignature: a CBOR map of a note, and the ids it has beyond the newest note",
        takes={CBOR: None},
        max_bytes=MESSAGE_BYTES,
        gives={},
        others={202: ("Accepted; the newest note with a quorum", {TEXT: None})},
        problems=(409, 422, 429, 503),
        is_public=False,
    ),
    Route(
        method="GET",
        path="/v1/trust-policy",
        handler=trust_policy,
        family="state",
        about="A trust policy made from the charter in force; check its fingerprint before you use it",
        gives={TEXT: None},
        problems=(404, 422, 503),
    ),
    Route(
        method="GET",
        path="/v1/renewal",
        handler=renewal,
        family="state",
        about="Data to renew a trust policy: charter statements and votes since its last step, with proofs",
        params=(hex_id("step", "id of the charter statement that the policy last followed", required=True),),
        gives={CBOR: None},
        problems=(422, 503),
    ),
)
