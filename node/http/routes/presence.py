"""`/v1/statements/{id}/proof`: a proof that the newest noted state includes a statement, or that it does not.

The proof is of the state of the note in the same answer; `registry.evidence.statement_proof` checks it. Any id may be
asked about, held here or not: absence is proved as strictly as presence.
"""

from base64 import b64encode
from typing import Final, TypedDict

from accredit.node.http.exchange import Response
from accredit.node.http.handling.request_reading import hex_id
from accredit.node.http.handling.route import JSON, REVALIDATE, Call, Route, json_response

from .notes import standing


class PresenceView(TypedDict):
    """Whether the state in `note` binds to the statement, with the proof (base64) under `statements_root`."""

    id: str
    present: bool
    proof: str
    records_root: str
    statements_root: str
    note: str


async def presence(call: Call) -> Response:
    """Presence or absence, with its proof."""
    id: bytes = call.params["id"]
    with call.reader.noted.reading():
        noted, _, note = standing(call)
        view: PresenceView = {
            "id": id.hex(),
            "present": noted.statements.get(id) is not None,
            "proof": b64encode(noted.statements.prove(id)).decode(),
            "records_root": noted.records_root().hex(),
            "statements_root": noted.statements_root.hex(),
            "note": note.decode(),
        }
    return json_response(view, cache=REVALIDATE)


ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/statements/{id}/proof",
        handler=presence,
        family="statements",
        about="Whether the newest noted state includes a statement, with proof and note",
        params=(hex_id("id", "the statement's id", place="path"),),
        gives={JSON: PresenceView},
        problems=(503,),
    ),
)
