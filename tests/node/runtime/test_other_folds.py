"""A peer, or this node itself, that reckons by other rules than the charter asks for: somebody has to be told."""

from pathlib import Path
from typing import Any

import pytest

from accredit.node.engine import notary as notary_module
from accredit.node.engine.events import NoteArrived
from accredit.node.runtime import health as health_module
from accredit.registry.domain.records import FOLD_VERSION
from accredit.registry.encoding.cbor import encode
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.transparency.signed_note import Note
from accredit.registry.transparency.state_note import StateNote, cosign_state
from tests.strategies.consortium import seed_of
from tests.strategies.served import ORIGIN, Served, served


@pytest.fixture
def node(tmp_path: Path) -> Served:
    return served(tmp_path)


def alarms(node: Served) -> list[str]:
    found: Any = node.health.status()["alarms"]
    return list(found)


def cosigned(node: Served, fold: int, *, later: int) -> None:
    """A signer's note under another version of the fold, as it arrives."""
    noted = node.notary.noted.state
    assert noted is not None
    state = StateNote(name=noted.name, ecosystem=noted.ecosystem, fold=fold, count=noted.count + later, root=bytes(32))
    line = cosign_state(state, ORIGIN, KeyPair(seed_of("state")), int(node.now()) + later)
    data = encode({1: Note(text=state.encode(), signatures=(line,)).encode()})
    node.engine.handle(NoteArrived(token=1, data=data), now=int(node.now()) * 1_000)


def test_a_signer_with_another_version_of_the_fold_is_named_until_it_has_the_charters(node: Served) -> None:
    assert alarms(node) == []
    cosigned(node, FOLD_VERSION + 1, later=5)
    (alarm,) = alarms(node)
    assert alarm.startswith(f"{ORIGIN} cosigns by fold version {FOLD_VERSION + 1} and the charter asks for")
    assert "install" in alarm
    cosigned(node, FOLD_VERSION, later=6)
    assert not [one for one in alarms(node) if "fold version" in one]


def test_a_node_whose_program_is_not_what_the_charter_asks_for_says_that_it_cosigns_nothing(
    node: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health_module, "FOLD_VERSION", FOLD_VERSION + 1)
    monkeypatch.setattr(notary_module, "FOLD_VERSION", FOLD_VERSION + 1)
    (alarm,) = alarms(node)
    assert alarm == (
        f"The charter asks for fold version {FOLD_VERSION} and this program has {FOLD_VERSION + 1}, so that it cosigns"
        " nothing: install a release that has it (CHANGELOG.md)."
    )
