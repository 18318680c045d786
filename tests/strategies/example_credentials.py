"""The credentials under examples/, made anew: `python -m tests.strategies.example_credentials` writes them.

Lakeside College is invented. Its key follows from a name that everybody can read here, so anybody can sign with it: it
is good for examples and for nothing else.
"""

import json
from pathlib import Path
from typing import Final

from tests.strategies.credentials import Issuer, Json, baked_svg, open_badge, status_list

FOLDER: Final = Path(__file__).resolve().parents[2] / "examples" / "credentials"
LAKESIDE: Final = Issuer.of("lakeside, an example", "did:web:lakeside-college.example")
LIST: Final = "https://lakeside-college.example/status/1"
REVOKED: Final = 94_568


def bachelor(index: int, name: str) -> Json:
    """A bachelor's degree as an Open Badge 3.0."""
    badge = open_badge(
        LAKESIDE,
        id=f"urn:uuid:7b1f7f4e-3a53-4f0e-9a44-{index:012d}",
        validFrom="2024-06-14T00:00:00Z",
        credentialStatus={
            "id": f"{LIST}#{index}",
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": str(index),
            "statusListCredential": LIST,
        },
    )
    badge["issuer"]["name"] = "Lakeside College"
    badge["name"] = name
    badge["credentialSubject"]["achievement"] |= {
        "id": "https://lakeside-college.example/degrees/bsc",
        "name": name,
        "criteria": {"narrative": "180 credits and a thesis."},
        "description": "A degree of Lakeside College, which is invented.",
    }
    return LAKESIDE.signed(badge)


def made() -> dict[str, bytes]:
    """The files, by their names."""
    key = LAKESIDE.pinned
    facts = (
        "# Invented, with a key that anybody can sign with: an example and nothing else.\n"
        f'id = "{LAKESIDE.id}"\nname = "Lakeside College"\nurl = "https://lakeside-college.example/"\n\n'
        f'[[keys]]\nid = "{key["id"]}"\npublic_key_multibase = "{key["public_key_multibase"]}"\n'
    )
    good = bachelor(23_452, "Bachelor of Science")
    held = status_list(LAKESIDE, [REVOKED], id=LIST)
    held["credentialSubject"]["id"] = f"{LIST}#list"
    documents = {
        "bachelor.json": good,
        "revoked.json": bachelor(REVOKED, "Bachelor of Arts"),
        "status-list.json": LAKESIDE.signed(held),
    }
    return {
        "lakeside.toml": facts.encode(),
        **{name: (json.dumps(one, indent=2) + "\n").encode() for name, one in documents.items()},
        "bachelor.svg": drawn(good),
    }


def drawn(credential: Json) -> bytes:
    """A badge to look at, with the credential in it."""
    picture = (
        '<circle cx="100" cy="100" r="92" fill="#14532d"/><circle cx="100" cy="100" r="78" fill="#fefce8"/>'
        '<path d="M40 112q30-22 60 0t60 0v14q-30 22-60 0t-60 0z" fill="#0e7490"/>'
        '<text x="100" y="84" text-anchor="middle" font-family="serif" font-size="22">BSc</text>'
    )
    text = baked_svg(credential).decode().replace('width="1" height="1"', 'viewBox="0 0 200 200"')
    return text.replace("</svg>", f"{picture}</svg>\n").encode()


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, content in made().items():
        (FOLDER / name).write_bytes(content)
        print(f"{FOLDER.name}/{name}")
