"""ARCHITECTURE.md, the tree and the import rules say the same."""

import ast
import re
import tomllib

import pytest

from tests.docs.pages import ROOT
from tests.docs.walks import section, walks

FLAT = ("simulations",)
"""Folders that the page shows as one room each."""
ROOMY = ("registry", "governance", "gossip", "node", "cli")
"""Folders that it shows room by room."""


def rooms() -> list[str]:
    """Rooms of the page, from the top down."""
    return re.findall(r"^\| `([a-z_/.]+)` \|", section("Rooms"), re.MULTILINE)


def rooms_of_tree() -> set[str]:
    """Sub-packages; a module that stands beside them is no room, though the page may show it as one."""
    found = {f"{name}/" for name in FLAT}
    for top in ROOMY:
        found |= {f"{top}/{path.parent.name}/" for path in (ROOT / top).glob("*/__init__.py")}
    return found


def rank(path: str) -> int:
    """How high a file stands: the lowest room is 0."""
    listed = rooms()[::-1]
    return max(at for at, room in enumerate(listed) if path == room or (room.endswith("/") and path.startswith(room)))


def test_every_room_of_the_tree_is_on_the_page_and_no_other() -> None:
    assert {room for room in rooms() if room.endswith("/")} == rooms_of_tree()
    assert all((ROOT / room).exists() for room in rooms())


def test_the_page_lists_rooms_in_the_order_that_the_import_rules_hold() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = {
        one["containers"][0].split(".")[1]: one["layers"]
        for one in contracts
        if one.get("containers", [""])[0].count(".") == 1
    }
    assert set(layers) >= set(ROOMY)
    for top in ROOMY:
        height = {name: at for at, names in enumerate(layers[top]) for name in re.split(r"\W+", names)}
        shown = [
            re.sub(r"\.py$|/$", "", room.removeprefix(f"{top}/")) for room in rooms() if room.startswith(f"{top}/")
        ]
        assert [height[name] for name in shown] == sorted(height[name] for name in shown), top


def imports() -> dict[str, set[str]]:
    """Of each module of ours the modules that it imports: at the top, when used, or for the type checker alone."""
    paths = {
        "accredit."
        + path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__"): path
        for folder in (*FLAT, *ROOMY)
        for path in sorted((ROOT / folder).rglob("*.py"))
    }
    found: dict[str, set[str]] = {}
    for module, path in paths.items():
        package = module if path.stem == "__init__" else module.rpartition(".")[0]
        found[module] = set()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found[module] |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                base = package.rsplit(".", node.level - 1)[0] + "." if node.level else ""
                whole = f"{base}{node.module or ''}".rstrip(".")
                found[module] |= {name if (name := f"{whole}.{alias.name}") in paths else whole for alias in node.names}
        found[module] &= paths.keys() - {module}
    return found


BY_HAND = {"tests/node/runtime/test_runtime.py"}
"""A runtime alone, in its own story."""


def test_a_node_is_put_together_in_one_place() -> None:
    """Commands, simulations, tests and benchmarks open the node that `node.app` makes, with ports of their own."""
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in (*FLAT, *ROOMY, "tests", "benchmarks", "docs")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"await [Rr]untime\.open\(", path.read_text("utf-8"))
    }
    assert found - BY_HAND == {"node/app.py", "node/runtime/runtime.py"}, "the second one shows it in its docstring"


def test_no_module_imports_itself_by_way_of_others() -> None:
    """A circle is two modules that are one, or a third that is missing: also where an import is late or for types."""
    left = imports()
    assert len(left) > 250
    while leaves := [module for module, needed in left.items() if not needed & left.keys()]:
        for module in leaves:
            del left[module]
    assert not left, "these import each other, or something that does"


@pytest.mark.parametrize("title", walks())
def test_a_walk_names_what_is_there_and_goes_down_and_comes_back_once(title: str) -> None:
    steps = walks()[title]
    assert len(steps) >= 5
    for path, name in steps:
        tree = ast.parse((ROOT / path).read_text("utf-8"))
        defined = {
            node.name
            for node in ast.walk(tree)
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        }
        assert name in defined, f"{path} has no {name}"
    heights = [rank(path) for path, _ in steps]
    lowest = heights.index(min(heights))
    assert heights[: lowest + 1] == sorted(heights[: lowest + 1], reverse=True)
    assert heights[lowest:] == sorted(heights[lowest:])


def test_there_are_five_walks() -> None:
    assert len(walks()) == 5
