"""The pages in Chromium: usable without scripts, at 320 pixels and enlarged fourfold, and for whoever cannot see them.

axe-core looks at every page, light and dark. No page breaks its own policy, asks anybody else for anything or sets a
cookie, whatever strangers called themselves. Skipped where there is no Chromium (`tests.strategies.browser`).
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

import pytest

from accredit.node.http.explorer.frame import address
from tests.strategies.browser import browser_or_skip, look, open_to
from tests.strategies.explored import HOSTILE, NURSING, SCRIPT
from tests.strategies.pages_seen import addresses
from tests.strategies.served import COLLEGE, Served

pytestmark = pytest.mark.usefixtures("_browser")


STRANGERS = [address("/explore/issuer", id=id) for id in HOSTILE]


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


async def test_every_page_serves_people_who_see_badly_and_breaks_no_rule_of_its_own(shown: Served) -> None:
    paths = one_of_each()
    visits = [{"path": path, "axe": True} for path in paths]
    small = {"axe": True, "scheme": "dark", "width": 320, "height": 640}
    visits += [{"path": path, **small} for path in (*paths, *STRANGERS)]
    async with open_to(shown.app()) as url:
        for visit, seen in zip(visits, await look(url, visits), strict=True):
            check(seen, url, 320 if "width" in visit else 1280)


async def test_every_page_is_whole_without_scripts_and_enlarged_fourfold(shown: Served) -> None:
    enlarged = {"width": 320, "height": 256, "scale": 4, "scripts": False}  # 1280 by 1024 at 400 %: WCAG 2.2 §1.4.10
    visits = [{"path": path, **enlarged} for path in (*one_of_each(), *STRANGERS)]
    async with open_to(shown.app()) as url:
        for seen in await look(url, visits):
            check(seen, url, 320)
            assert all(one.startswith("GET ") for one in seen["requests"])


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


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("no credential", "neither JSON nor a JWT"),
        ('{"name": "nothing"}', "No issuer is named"),
        ('{"issuer": "' + SCRIPT.replace('"', "'") + '"}', "did not answer"),
        ("[" * 5_000, "neither JSON nor a JWT"),
        ("null", "No issuer is named"),
        ("eyJhbGciOiJFZERTQSIsImtpZCI6ImsifQ.bm8ganNvbg.c2ln", "neither JSON nor a JWT"),
    ],
)
async def test_what_is_no_credential_is_said_and_harms_nothing(shown: Served, given: str, said: str) -> None:
    steps = [
        ["fill", "#f-text", given],
        ["click", "#check button"],
        ["wait", "[role=alert]"],
        ["read", "#results"],
    ]
    async with open_to(shown.app()) as url:
        (seen,) = await look(url, [{"path": "/explore/check", "steps": steps}])
    check(seen, url, 1280)
    assert said in seen["seen"][0]


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


async def test_without_scripts_the_credential_check_says_what_to_do_instead(shown: Served) -> None:
    async with open_to(shown.app()) as url:
        (seen,) = await look(url, [{"path": "/explore/check", "scripts": False}])
    assert "needs scripts" in seen["text"]
    assert "Credential file" not in seen["text"]
