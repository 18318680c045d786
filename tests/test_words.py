"""One meaning for each word: no public class is defined twice, and the glossary speaks of types that exist."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("registry", "governance", "gossip", "node", "cli", "simulations", "benchmarks")
EACH_ITS_OWN = {
    "Event": "each machine has a union of what it is told",
    "Effect": "each machine has a union of what it wants done",
    "Ticked": "each machine is told in its own words that time has passed",
}


def defined(module: ast.Module) -> Iterator[str]:
    """Public classes, and aliases of types: what a reader meets in an annotation."""
    for node in module.body:
        if isinstance(node, ast.ClassDef):
            name = node.name
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
        else:
            continue
        if name[0].isupper() and not name.isupper():
            yield name


def places() -> dict[str, list[str]]:
    found = defaultdict(list)
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for name in defined(ast.parse(path.read_text("utf-8"))):
                found[name].append(path.relative_to(ROOT).as_posix())
    return found


def glossary() -> list[tuple[str, str, str]]:
    """Term, meaning and type of each row."""
    rows = re.findall(r"^\| \*\*(.+?)\*\* \| (.+?) \| (.*?) ?\|$", (ROOT / "docs" / "glossary.md").read_text(), re.M)
    return [(term, meaning, kind.strip(" `")) for term, meaning, kind in rows]


def test_no_name_of_a_public_class_means_two_things() -> None:
    found = places()
    assert len(found) > 500
    twice = {name: where for name, where in found.items() if len(where) > 1 and name not in EACH_ITS_OWN}
    assert not twice, "rename one of each, or import it from the other"
    assert all(len(found[name]) > 1 for name in EACH_ITS_OWN), "an exception that is none any more"


MACHINES = {
    "gossip.machine.Machine": "gossip.protocol.events",
    "node.engine.engine.Engine": "node.engine.events",
    "node.engine.notary.Notary": "node.engine.notary_events",
}
"""Each machine of the pure folders, and the module that has its words."""


@pytest.mark.parametrize("name", MACHINES)
def test_a_machine_has_one_door_and_its_events_and_effects_are_frozen_facts_beside_it(name: str) -> None:
    module, _, own = name.rpartition(".")
    words: Any = import_module(f"accredit.{MACHINES[name]}")
    door = get_type_hints(getattr(import_module(f"accredit.{module}"), own).handle)
    effects = list[words.Effect]
    assert door == {"event": words.Event, "now": int, "return": effects}
    facts = [*get_args(words.Event), *get_args(words.Effect)]
    assert len(facts) > 5
    for fact in facts:
        assert is_dataclass(fact)
        assert vars(fact)["__dataclass_params__"].frozen, fact
        assert "__slots__" in vars(fact), fact


def test_no_other_class_of_the_pure_folders_has_a_door_of_that_name() -> None:
    found = set()
    for folder in ("registry", "governance", "gossip", "node/engine"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.ClassDef) and any(
                    isinstance(one, ast.FunctionDef) and one.name == "handle" for one in node.body
                ):
                    found.add(f"{path.relative_to(ROOT).with_suffix('').as_posix().replace('/', '.')}.{node.name}")
    assert found == MACHINES.keys()


def test_the_glossary_has_each_term_once_and_says_what_it_means() -> None:
    terms = [term for row, _, _ in glossary() for term in row.split(", ")]
    assert len(terms) >= 30
    assert sorted(set(terms)) == sorted(terms)


@pytest.mark.parametrize("name", sorted({kind for _, _, kind in glossary() if kind}))
def test_a_type_of_the_glossary_exists_where_it_says(name: str) -> None:
    module, _, own = name.rpartition(".")
    assert isinstance(getattr(import_module(f"accredit.{module}"), own), type)


def test_the_three_sets_have_the_same_words_wherever_they_are_explained() -> None:
    for place in ("docs/glossary.md", "ARCHITECTURE.md", "node/engine/notary.py"):
        text = (ROOT / place).read_text("utf-8").lower()
        assert all(re.search(rf"\b{word}\b", text) for word in ("held", "cosigned", "noted")), place
    notary = (ROOT / "node" / "engine" / "notary.py").read_text("utf-8")
    assert not re.search(r"\b_?(live|candidate)\b", notary)
