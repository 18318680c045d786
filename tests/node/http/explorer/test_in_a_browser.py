"""The pages in Chromium: usable without scripts, at 320 pixels and enlarged fourfold, and for whoever cannot see them.

axe-core looks at every page, light and dark. No page breaks its own policy, asks anybody else for anything or sets a
cookie, whatever strangers called themselves. Skipped where there is no Chromium (`tests.strategies.browser`).
"""

import json
import struct
import zlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Sequence
from html import escape
from typing import Any

import pytest

from accredit.node.http.explorer.frame import address
from accredit.node.http.explorer.phrases import LANGUAGE, load
from tests.strategies.browser import browser_or_skip, look, open_to
from tests.strategies.explored import HOSTILE, NURSING, SCRIPT
from tests.strategies.pages_seen import addresses
from tests.strategies.served import COLLEGE, Served

pytestmark = pytest.mark.usefixtures("_browser")


STRANGERS = [address("/explore/issuer", id=id) for id in HOSTILE]
WIDEST = address("/explore/issuer", id="did:web:long.example")
ENLARGED = {"width": 320, "height": 256, "scale": 4, "scripts": False}
"""1280 by 1024 at 400 %: WCAG 2.2 §1.4.10."""


@pytest.fixture(scope="module")
def _browser() -> None:
    browser_or_skip()


def one_of_each() -> Sequence[str]:
    """A page of each kind as people mostly see it."""
    kinds: dict[str, str] = {}
    for path in addresses():
        kinds.setdefault(path.partition("?")[0], path)
    question = {"issuer": NURSING, "for": "License", "jurisdiction": "US-IN"}
    full = {
        "/explore/issuer": address("/explore/issuer", id=NURSING, at="2023-11-15"),
        "/explore/decision": address("/explore/decision", **question),
    }
    return [full.get(kind, path) for kind, path in kinds.items()]


def check(seen: dict[str, Any], base: str, width: int) -> None:
    """What holds for every page however it is looked at."""
    where = seen["path"]
    assert seen["status"] == 200, where
    assert seen["violations"] == [], f"{where}: " + "\n".join(seen["violations"])
    assert seen["refused"] == [], f"{where} breaks its own policy"
    assert seen["errors"] == [], where
    assert [one for one in seen["requests"] if f" {base}/" not in one and " data:" not in one] == [], where
    assert seen["cookies"] == 0, where
    assert seen["width"] <= width, f"{where} is {seen['width']} pixels wide"
    assert seen["title"] != "owned"
    assert seen["text"].strip(), where


SMALL: dict[str, Any] = {"scheme": "dark", "width": 320, "height": 640}


async def sound(shown: Served, visits: Sequence[dict[str, Any]]) -> None:
    """All of these hold what every page holds."""
    async with open_to(shown.app()) as url:
        for visit, seen in zip(visits, await look(url, visits), strict=True):
            check(seen, url, visit.get("width", 1280))
            assert visit.get("scripts", True) or all(one.startswith("GET ") for one in seen["requests"])


async def test_each_kind_of_page_serves_people_who_see_badly_and_breaks_no_rule_of_its_own(shown: Served) -> None:
    """Every second one wide and light, the others small and dark: their style is the same."""
    ways: tuple[dict[str, Any], ...] = ({}, SMALL)
    visits = [{"path": path, "axe": True, **ways[number % 2]} for number, path in enumerate(one_of_each())]
    await sound(shown, [*visits, *({"path": path, **SMALL} for path in (STRANGERS[0], WIDEST))])


@pytest.mark.nightly  # eighty looks, half of them with axe-core
async def test_every_page_serves_people_who_see_badly_and_breaks_no_rule_of_its_own(shown: Served) -> None:
    visits = [{"path": path, "axe": True} for path in one_of_each()]
    visits += [{"path": path, "axe": True, **SMALL} for path in (*one_of_each(), *STRANGERS)]
    await sound(shown, [*visits, *({"path": path, **ENLARGED} for path in (*one_of_each(), *STRANGERS))])


async def test_each_kind_of_page_is_whole_without_scripts_and_enlarged_fourfold(shown: Served) -> None:
    await sound(shown, [{"path": path, **ENLARGED} for path in (*one_of_each(), STRANGERS[0], WIDEST)])


BADGE = {
    "@context": ["https://www.w3.org/ns/credentials/v2", "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"],
    "type": ["VerifiableCredential", "OpenBadgeCredential"],
    "issuer": {"id": COLLEGE, "name": SCRIPT, "image": "https://tracker.example/logo.png"},
    "validFrom": "2023-11-15T00:00:00Z",
    "validUntil": "2024-01-01T00:00:00Z",
    "credentialSubject": {
        "id": "did:example:a-learner",
        "name": "A Learner With a Name",
        "achievement": {"achievementType": "AssociateDegree", "name": SCRIPT},
    },
    "proof": {"verificationMethod": f"{COLLEGE}#key-1"},
}


async def test_a_credential_never_leaves_the_page_and_only_the_question_does(shown: Served) -> None:
    transcript = {
        "type": ["VerifiableCredential", "ClrCredential"],
        "issuer": NURSING,
        "validFrom": "2023-11-15T23:00:00Z",
        "credentialSubject": {"verifiableCredential": [BADGE, {**BADGE, "issuer": "did:web:nobody.example"}]},
    }
    steps = [["file", "#f-file", json.dumps(transcript)], ["wait", ".verdict:nth-of-type(3)"], ["read", "#results"]]
    async with open_to(shown.app()) as url:
        (seen,) = await look(url, [{"path": "/explore/check", "steps": steps, "axe": True}])
    check(seen, url, 1280)
    (said,) = seen["seen"]
    assert "3 credentials" in said
    assert "College of Examples" in said
    assert "did:web:nobody.example is not in this registry" in said
    assert "the signature" in said, "what was not checked is said"
    assert "expired on 2024-01-01" in said
    asked = [one for one in seen["requests"] if not one.startswith("GET ")]
    assert asked == [f"POST {url}/v1/decisions"] * 3
    assert "A Learner" not in json.dumps(shown.metrics.render().decode())


async def test_a_type_that_may_not_be_issued_does_not_hide_behind_others(shown: Served) -> None:
    """Neither as the second achievement, nor as the last of many types of the credential."""
    first = {"achievementType": "AssociateDegree"}
    second = {"credentialSubject": {"achievement": [first, {"achievementType": "ext:Forged"}]}}
    many = {"type": ["VerifiableCredential", *(f"OpenBadgeCredential{n}" for n in range(60))]}
    for more, said in ((second, "ext:Forged"), (many, "did not answer")):
        steps = [["file", "#f-file", json.dumps({**BADGE, **more})], ["wait", ".verdict"], ["read", "#results"]]
        async with open_to(shown.app()) as url:
            (seen,) = await look(url, [{"path": "/explore/check", "steps": steps}])
        check(seen, url, 1280)
        assert said in seen["seen"][0]


NONE = {
    "no credential": "neither JSON nor a JWT",
    '{"name": "nothing"}': "No issuer is named",
    '{"issuer": "' + SCRIPT.replace('"', "'") + '"}': "did not answer",
    "[" * 5_000: "neither JSON nor a JWT",
    "null": "No issuer is named",
    "eyJhbGciOiJFZERTQSIsImtpZCI6ImsifQ.bm8ganNvbg.c2ln": "neither JSON nor a JWT",
}


async def test_what_is_no_credential_is_said_and_harms_nothing(shown: Served) -> None:
    shows = (["click", "#check button"], ["wait", "[role=alert]"], ["read", "#results"])
    visits = [{"path": "/explore/check", "steps": [["fill", "#f-text", given], *shows]} for given in NONE]
    async with open_to(shown.app()) as url:
        for (given, said), seen in zip(NONE.items(), await look(url, visits), strict=True):
            check(seen, url, 1280)
            assert said in seen["seen"][0], given


async def test_a_jwt_is_read_like_any_other_credential(shown: Served) -> None:
    def part(value: Any) -> str:
        return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    inner = {"type": ["VerifiableCredential"], "credentialSubject": BADGE["credentialSubject"]}
    payload = {"iss": COLLEGE, "nbf": 1_700_100_000, "vc": inner}
    token = f"{part({'alg': 'EdDSA', 'kid': COLLEGE + '#key-1'})}.{part(payload)}.c2ln"
    steps = [["file", "#f-file", token], ["wait", ".verdict"], ["read", "#results"]]
    async with open_to(shown.app()) as url:
        (seen,) = await look(url, [{"path": "/explore/check", "steps": steps}])
    check(seen, url, 1280)
    assert "AssociateDegree" in seen["seen"][0]
    assert "2023-11-16T" in seen["seen"][0]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*carried: bytes) -> bytes:
    """A picture of one pixel, with further chunks before its end."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0\0")) + b"".join(carried) + chunk(b"IEND", b"")
    )


def jwt_of(credential: Any) -> str:
    parts = [json.dumps(one).encode() for one in ({"alg": "EdDSA", "kid": f"{COLLEGE}#key-1"}, credential)]
    return ".".join(urlsafe_b64encode(one).decode().rstrip("=") for one in (*parts, b"sig"))


KEYWORD = b"openbadgecredential\0"
BAKED = json.dumps(BADGE).encode()
OB3 = 'xmlns:openbadges="https://purl.imsglobal.org/ob/v3p0"'
TRAP = f"""{SCRIPT}<image href="https://tracker.example/x.png" onload="document.title='owned'" style="fill: red"/>"""
PICTURES: dict[str, bytes | str] = {
    "png, iTXt": png(chunk(b"iTXt", KEYWORD + b"\0\0\0\0" + BAKED)),
    "png, iTXt with a language": png(
        chunk(b"tEXt", b"Software\0none"), chunk(b"iTXt", KEYWORD + b"\0\0en\0badge\0" + BAKED)
    ),
    "png, iTXt compressed": png(chunk(b"iTXt", KEYWORD + b"\1\0\0\0" + zlib.compress(BAKED))),
    "png, tEXt": png(chunk(b"tEXt", KEYWORD + BAKED)),
    "png, JWT": png(chunk(b"iTXt", KEYWORD + b"\0\0\0\0" + jwt_of(BADGE).encode())),
    "svg": f'<svg xmlns="http://www.w3.org/2000/svg" {OB3}>{TRAP}<openbadges:credential><![CDATA['
    f"{json.dumps(BADGE)}]]></openbadges:credential></svg>",
    "svg, escaped": f'<svg xmlns="http://www.w3.org/2000/svg" {OB3.replace("openbadges", "ob")}>{TRAP}<ob:credential>'
    f"{escape(json.dumps(BADGE))}</ob:credential></svg>",
    "svg, JWT": f'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" {OB3}>'
    f'<openbadges:credential verify="{jwt_of(BADGE)}"/></svg>',
}
EMPTY: dict[str, bytes | str] = {
    "png without": png(),
    "png of an older badge": png(chunk(b"iTXt", b"openbadges\0\0\0\0\0https://badges.example/1")),
    "png cut off": png(chunk(b"iTXt", KEYWORD + b"\0\0\0\0" + BAKED))[:120],
    "png whose chunk has no end": png(chunk(b"iTXt", KEYWORD + b"\0\0")),
    "png of a length beyond all": b"\x89PNG\r\n\x1a\n" + b"\xff" * 4 + b"iTXt" + KEYWORD * 3,
    "svg without": f'<svg xmlns="http://www.w3.org/2000/svg">{TRAP}</svg>',
    "svg that is not well-formed": f"<svg {OB3}><openbadges:credential>{{}}",
    "a page": "<!doctype html><title>a page</title>",
}


def visit_with(picture: bytes | str) -> dict[str, Any]:
    given = picture.encode() if isinstance(picture, str) else picture
    shown = ["wait", "#results .verdict, #results [role=alert]"]
    steps = [["picture", "#f-file", b64encode(given).decode()], shown, ["read", "#results"]]
    return {"path": "/explore/check", "steps": steps}


async def test_the_credential_that_a_badges_picture_carries_is_read_in_the_page(shown: Served) -> None:
    async with open_to(shown.app()) as url:
        for name, seen in zip(PICTURES, await look(url, [visit_with(one) for one in PICTURES.values()]), strict=True):
            check(seen, url, 1280)
            (said,) = seen["seen"]
            assert "College of Examples" in said, name
            assert "AssociateDegree" in said, name
            asked = [one for one in seen["requests"] if not one.startswith("GET ")]
            assert asked == [f"POST {url}/v1/decisions"], f"{name}: the picture is not sent"


async def test_a_picture_that_carries_no_credential_is_said_to_carry_none_and_harms_nothing(shown: Served) -> None:
    bomb = png(chunk(b"iTXt", KEYWORD + b"\1\0\0\0" + zlib.compress(b" " * (5 * 1024 * 1024))))
    async with open_to(shown.app()) as url:
        *none, too_large = await look(url, [visit_with(one) for one in (*EMPTY.values(), bomb)])
    t = load(LANGUAGE).check
    for name, seen in zip(EMPTY, none, strict=True):
        check(seen, url, 1280)
        assert seen["seen"] == [t.no_credential], name
        assert all(one.startswith("GET ") for one in seen["requests"])
    assert too_large["seen"] == [t.too_large.format(count=4 * 1024 * 1024)]


async def test_without_scripts_the_credential_check_says_what_to_do_instead(shown: Served) -> None:
    async with open_to(shown.app()) as url:
        (seen,) = await look(url, [{"path": "/explore/check", "scripts": False}])
    assert "needs scripts" in seen["text"]
    assert "Credential file" not in seen["text"]
