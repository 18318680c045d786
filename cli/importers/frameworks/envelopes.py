"""Reads resources from the Credential Registry's *envelopes*, alone or in a list, as its API returns them.

    {"envelope_type": "resource_data", "envelope_ceterms_ctid", "resource_format": "json", "resource_encoding": "jwt",
     "decoded_resource": {…}}         an answer of the Registry: the resource stands there as JSON-LD
    {"envelope_type", …, "resource": "eyJ…", "resource_public_key"}     as a publisher sends it: the payload of a JWT

Only the resource is read. The signature is not checked, because the key is in the envelope itself, and so proves
nothing about its author; the report says so. If both forms are there, they must agree.
"""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from accredit.cli.importers.findings import ImportFinding
from accredit.cli.importers.reading import read_json
from accredit.registry.errors import DecodeError

_MARKS: Final = ("envelope_type", "envelope_id", "envelope_ceterms_ctid")
_HINT: Final = "Download it again from the Registry: GET /graph/CTID gives the resource itself."
_UNCHECKED: Final = ImportFinding(
    code="envelope_opened",
    text="The signature of the Registry's envelope was not checked: its key is in the envelope itself.",
    hint="Download the file from the Registry yourself, over https.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedEnvelopes:
    """The content of a file.

    Attributes:
        value: the resource, or a list of them; the file's own value if there was no envelope.
        findings: about the envelopes.
    """

    value: Any
    findings: tuple[ImportFinding, ...] = ()


def opened(value: Any, source: str) -> OpenedEnvelopes:
    """Return the content of an envelope of the Credential Registry, or of a list of them; other values unchanged.

    Args:
        source: the file's name, for messages.

    Raises:
        DecodeError: an envelope has no readable resource, has two different ones, or says that it was deleted.
    """
    if _is_envelope(value):
        return OpenedEnvelopes(value=_resource(value, source), findings=(_UNCHECKED,))
    if isinstance(value, list) and value and all(map(_is_envelope, value)):
        found = [_resource(one, f"{source}, envelope {number}") for number, one in enumerate(value, 1)]
        return OpenedEnvelopes(value=found, findings=(_UNCHECKED,))
    return OpenedEnvelopes(value=value)


def _is_envelope(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and any(mark in value for mark in _MARKS)
        and ("resource" in value or "decoded_resource" in value or "resource_format" in value)
    )


def _resource(envelope: Mapping[str, Any], source: str) -> Any:
    headers = envelope.get("node_headers")
    if isinstance(headers, Mapping) and headers.get("deleted_at"):
        raise DecodeError(
            "envelope_deleted",
            f"{source}: the Registry says that this was deleted on {str(headers['deleted_at'])[:40]}.",
            hint="Import what took its place.",
        )
    if str(envelope.get("resource_format", "json")).lower() != "json":
        raise DecodeError("envelope_not_json", f"{source}: the resource in this envelope is not JSON.", hint=_HINT)
    told, signed = envelope.get("decoded_resource"), envelope.get("resource")
    inside = _payload(signed, source) if isinstance(signed, str) and signed else None
    if told is not None and inside is not None and told != inside:
        raise DecodeError(
            "envelope_differs",
            f"{source}: decoded_resource is not what was signed in resource.",
            hint=_HINT,
        )
    found = inside if told is None else told
    if not isinstance(found, Mapping | list) or not found:
        raise DecodeError("envelope_empty", f"{source}: this envelope holds no resource.", hint=_HINT)
    return found


def _payload(token: str, source: str) -> Any:
    """Return the payload of a JWT without checking its signature."""
    parts = token.split(".")
    try:
        if len(parts) != 3:
            raise ValueError("it does not have three parts")
        text = b64decode(parts[1] + "=" * (-len(parts[1]) % 4), altchars=b"-_", validate=True).decode("utf-8")
    except (ValueError, binascii.Error) as error:
        raise DecodeError(
            "envelope_not_jwt", f"{source}: resource is no JWT with a text inside.", hint=_HINT
        ) from error
    return read_json(text, f"{source}, resource")
