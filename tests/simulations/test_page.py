"""The page on simulations keeps its word: the scenario it shows runs, the settings and helpers it names exist."""

import re
from dataclasses import fields

from accredit.simulations.checkers import Bounds, all_checkers
from accredit.simulations.mutation_gate import DEFENCES
from accredit.simulations.run.run import changed
from accredit.simulations.virtual.settings import Settings
from accredit.simulations.virtual.world import World
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "simulations.md").read_text("utf-8")


def test_every_setting_the_page_names_exists() -> None:
    settings = Settings()
    for group, member in re.findall(r"`(links|gossip)\.(\w+)`", PAGE):
        assert member in {field.name for field in fields(getattr(settings, group))}
        usual = getattr(getattr(settings, group), member)
        assert changed(settings, {f"{group}.{member}": usual}) == settings


def test_every_helper_of_a_world_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`world\.(\w+)\(", PAGE))
    assert {"at", "cut", "crash", "corrupt"} <= named
    assert all(hasattr(World, name) for name in named)


def test_the_page_names_every_checker() -> None:
    names = {checker.name for checker in all_checkers(Bounds())} | {"no_crash", "scenario"}
    assert all(f"| `{name}` |" in PAGE for name in names)


def test_the_page_names_every_defence_of_the_gate() -> None:
    first = [row.split("|")[1] for row in PAGE.splitlines() if row.startswith("| ")]
    named = {name.strip() for cell in first for name in cell.split(",")}
    assert {each.name for each in DEFENCES} <= named
