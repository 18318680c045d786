"""The programs for makers of wallets, as they stand on their page, against real nodes: from a credential to a proof."""

import json
import shutil
from functools import partial
from pathlib import Path

import pytest
import trio

from accredit.registry.decision.verdict import Verdict
from tests.docs.pages import ROOT, blocks
from tests.strategies.asking import NOBODY, accredited
from tests.strategies.bodies import ISSUER, event
from tests.strategies.environments import environment, run
from tests.strategies.network import A
from tests.strategies.node_js import node
from tests.strategies.signing import SigningNodes, signing_nodes

PAGE = (ROOT / "docs" / "wallet.md").read_text("utf-8")
LINES = 15
"""Of a program, at most, its imports left out."""


def program(language: str) -> str:
    (found,) = [one.text for one in blocks(PAGE) if one.language == language]
    return found


def python(folder: Path, url: str) -> str:
    shutil.copytree(ROOT / "registry", folder / "accredit_verify", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "wallet.py").write_text(program("python"))
    return run(environment("verifier"), "wallet.py", url, folder=folder)


def javascript(folder: Path, url: str) -> str:
    shutil.copytree(ROOT / "registry" / "javascript", folder / "node_modules" / "accredit-verify")
    (folder / "wallet.mjs").write_text(program("js"))
    return node("wallet.mjs", url, folder=folder)


def credential(issuer: str) -> str:
    """An Open Badge of that issuer, as far as a wallet asks about it."""
    achievement = {"achievementType": "BachelorDegree", "name": "Nursing"}
    subject = {"type": ["AchievementSubject"], "achievement": achievement}
    said = {"issuer": {"id": issuer}, "validFrom": "2024-07-01T12:00:00+02:00", "credentialSubject": subject}
    return json.dumps(said)


async def answers(fleet: SigningNodes, folder: Path, language: str, issuer: str) -> str:
    """What the page's program says of a credential, asking the first node."""
    place = folder / f"{language} {issuer[8:]}"
    place.mkdir()
    (place / "policy.txt").write_bytes(await fleet.ask("node2", lambda client: client.trust_policy()))
    (place / "credential.json").write_text(credential(issuer))
    work = {"python": python, "js": javascript}[language]
    return await trio.to_thread.run_sync(partial(work, place, fleet.urls["node1"]))


@pytest.mark.parametrize("language", ["python", "js"])
async def test_a_wallet_gets_from_a_credentials_issuer_to_a_proved_answer(language: str, tmp_path: Path) -> None:
    async with signing_nodes(tmp_path, 4, web=True) as fleet:
        await accredited(fleet)
        result, verdict = (await answers(fleet, tmp_path, language, ISSUER)).split()
        assert result == "verified"
        assert Verdict(verdict) in (Verdict.TRUSTED, Verdict.TRUSTED_WITH_ADVISORY)
        assert (await answers(fleet, tmp_path, language, NOBODY)).split() == ["verified", "unknown_issuer"]


@pytest.mark.parametrize("language", ["python", "js"])
async def test_bad_news_that_is_not_noted_yet_is_never_taken_for_a_proof(language: str, tmp_path: Path) -> None:
    async with signing_nodes(tmp_path, 4, web=True) as fleet:
        given = await accredited(fleet)
        fleet.links.down |= {"node2", "node3", "node4"}
        await fleet.submit(fleet.town.says(A, "accreditation.status", event(given.id, "suspend"), given.sub))
        with pytest.raises(AssertionError, match="not proved yet, by the node's own word: suspended"):
            await answers(fleet, tmp_path, language, ISSUER)


@pytest.mark.parametrize("language", ["python", "js"])
def test_a_program_of_the_page_is_short(language: str) -> None:
    body = [line for line in program(language).splitlines() if line and not line.startswith(("import ", "from "))]
    assert len(body) <= LINES
    assert max(map(len, program(language).splitlines())) <= 120
