"""Resources in the Credential Registry's envelopes: read as they are without, and nothing of doubtful origin taken."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from accredit.cli.importers.detect import read_framework
from accredit.cli.importers.frameworks.crosswalks import read_crosswalk
from accredit.registry.errors import DecodeError

BAKING: dict[str, Any] = {
    "@graph": [
        {
            "@id": "https://frameworks.example/f",
            "@type": "ceasn:CompetencyFramework",
            "ceasn:name": {"en": "Baking"},
            "ceasn:dateModified": "2024-01-02",
        },
        {"@id": "https://frameworks.example/a", "@type": "ceasn:Competency", "ceasn:competencyText": {"en": "Kneads."}},
    ]
}
CROSSWALK: dict[str, Any] = {
    "@graph": [
        {"@id": "https://maps.example/m", "@type": "ceterms:AlignmentMap", "ceterms:name": {"en": "Map"}},
        {
            "@type": "ceterms:AlignmentObject",
            "ceterms:sourceNode": "https://one.example/a",
            "ceterms:targetNode": "https://two.example/b",
            "ceterms:alignmentType": "exactAlignment",
        },
    ]
}
HEAD: dict[str, Any] = {
    "envelope_type": "resource_data",
    "envelope_version": "1.0.0",
    "envelope_community": "ce_registry",
    "resource_format": "json",
    "resource_encoding": "jwt",
}


def jwt(value: Any) -> str:
    part = urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJSUzI1NiJ9.{part}.c2lnbmF0dXJl"


def shapes(value: dict[str, Any]) -> dict[str, Any]:
    apart = [{**HEAD, "decoded_resource": one} for one in value["@graph"]]
    return {
        "decoded": {**HEAD, "decoded_resource": value, "node_headers": {"created_at": "2024-01-02"}},
        "as it was sent": {**HEAD, "resource": jwt(value), "resource_public_key": "-----BEGIN PUBLIC KEY-----"},
        "both": {**HEAD, "resource": jwt(value), "decoded_resource": value},
        "a page of several": apart,
    }


@pytest.mark.parametrize("shape", shapes(BAKING))
def test_a_framework_in_any_envelope_is_the_framework_and_the_unread_signature_is_said(shape: str) -> None:
    plain = read_framework(json.dumps(BAKING).encode(), "f.json")
    found = read_framework(json.dumps(shapes(BAKING)[shape]).encode(), "f.json")
    assert (found.items, found.body["title"]) == (plain.items, "Baking")
    assert found.findings[0].code == "envelope_opened"
    assert found.findings[1:] == plain.findings


@pytest.mark.parametrize("shape", shapes(CROSSWALK))
def test_a_crosswalk_in_any_envelope_is_the_crosswalk(shape: str) -> None:
    found = read_crosswalk(json.dumps(shapes(CROSSWALK)[shape]).encode(), "m.json")
    assert [link["target"] for link in found.links] == ["https://two.example/b"]
    assert found.findings[0].code == "envelope_opened"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"decoded_resource": BAKING, "node_headers": {"deleted_at": "2025-05-05"}}, "envelope_deleted"),
        ({"resource": "PHJkZi8+", "resource_format": "xml"}, "envelope_not_json"),
        ({"decoded_resource": BAKING, "resource": jwt({"@graph": []})}, "envelope_differs"),
        ({"decoded_resource": None}, "envelope_empty"),
        ({"decoded_resource": "text"}, "envelope_empty"),
        ({"resource": "no jwt"}, "envelope_not_jwt"),
        ({"resource": "a.b.c"}, "envelope_not_jwt"),
        ({"resource": "a.%%%%.c"}, "envelope_not_jwt"),
        ({"resource": "a.e30x.c"}, "not_json"),
        ({"decoded_resource": {**HEAD, "decoded_resource": BAKING}}, "unknown_format"),
    ],
)
def test_an_envelope_that_cannot_be_relied_on_is_refused_with_what_to_do(changes: dict[str, Any], code: str) -> None:
    for written in ({**HEAD, **changes}, [{**HEAD, "decoded_resource": BAKING}, {**HEAD, **changes}]):
        if code == "unknown_format" and isinstance(written, list):
            continue  # what is no framework beside one is a finding
        with pytest.raises(DecodeError) as refused:
            read_framework(json.dumps(written).encode(), "f.json")
        assert refused.value.code == code
        assert refused.value.hint
        assert "f.json" in refused.value.message
