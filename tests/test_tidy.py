"""The house rules a machine can check and no tool checks for us.

Forbidden words and paths are put together from pieces, so that this file does not contain what it looks for.
"""

import ast
import re
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("registry", "governance", "gossip", "node", "cli", "simulations")
PURE = ("registry", "governance", "gossip")
OUTSIDE = {"build", "dist", "htmlcov", "__pycache__"}  # made, not written; hidden folders too, but for .ci
LARGEST_TEXT = 2_000_000  # bytes; larger files are data

PLACES = "|".join(("root", "home", "Users", "work"))
MACHINE_PATH = re.compile(rf"(?<![\w.~%<>}})-])/(?:{PLACES})/")
UNFINISHED = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error")) + r")\b")

ALLOWED_THIRD_PARTY = {"registry": {"cbor2", "nacl"}, "governance": set[str](), "gossip": set[str]()}
ALLOWED_OURS = {"registry": set[str](), "governance": {"registry"}, "gossip": {"registry"}}
FILES_AND_TERMINAL = {"print", "input", "open", "breakpoint"}


def written_files(folder: Path = ROOT) -> Iterator[Path]:
    """Every file a person wrote, in a fixed order."""
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if path.name not in OUTSIDE and (path.name == ".ci" or not path.name.startswith(".")):
                yield from written_files(path)
        else:
            yield path


MODULES = [path for path in written_files() if path.suffix == ".py"]
PURE_MODULES = [path for path in MODULES if path.relative_to(ROOT).parts[0] in PURE]
ENGINE = [path for path in MODULES if path.relative_to(ROOT).with_suffix("").parts[:2] == ("node", "engine")]


def named(paths: list[Path]) -> list[object]:
    """The paths as parameters that show where they are in the repository."""
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in paths]


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), filename=str(path))


def imported(tree: ast.Module) -> set[str]:
    """Top-level names of all absolute imports, those inside functions too."""
    names = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("name", [*FOLDERS, "tests"])
def test_no_other_distribution_can_be_taken_for_one_of_our_folders(name: str) -> None:
    ours = PathFinder.find_spec(name, [str(ROOT)])
    assert ours is not None
    assert [Path(place) for place in ours.submodule_search_locations or ()] == [ROOT / name]
    elsewhere = [place for place in sys.path if Path(place or ".").resolve() != ROOT]
    rival = PathFinder.find_spec(name, elsewhere)
    assert rival is None, f"{name} is also found in {rival.submodule_search_locations or rival.origin}"


@pytest.mark.parametrize("path", named(MODULES))
def test_a_module_says_what_it_is_and_is_finished(path: Path) -> None:
    text = path.read_text("utf-8")
    described = bool(ast.get_docstring(parsed(path)))
    assert described, "the module's docstring is its small specification"
    assert not UNFINISHED.findall(text)


@pytest.mark.parametrize("path", named(PURE_MODULES))
def test_a_pure_module_imports_only_what_its_folder_may(path: Path) -> None:
    folder = path.relative_to(ROOT).parts[0]
    foreign = imported(parsed(path)) - sys.stdlib_module_names
    assert foreign <= ALLOWED_THIRD_PARTY[folder] | ALLOWED_OURS[folder] | ({folder} - {"registry"})


@pytest.mark.parametrize("path", named(ENGINE))
def test_the_engine_imports_only_the_core(path: Path) -> None:
    assert imported(parsed(path)) - sys.stdlib_module_names <= {*PURE, "node"}  # of node, only itself: lint-imports


@pytest.mark.parametrize("path", named(PURE_MODULES + ENGINE))
def test_a_pure_module_neither_prints_nor_opens_files(path: Path) -> None:
    calls = [node for node in ast.walk(parsed(path)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    used = {(node.func.id, node.lineno) for node in calls if isinstance(node.func, ast.Name)}
    assert not {(name, line) for name, line in used if name in FILES_AND_TERMINAL}


def test_no_file_names_a_folder_of_the_machine_it_was_written_on() -> None:
    found = []
    for path in written_files():
        content = path.read_bytes()
        if b"\0" in content or len(content) > LARGEST_TEXT:
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
            if MACHINE_PATH.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("open('/{}/me/key')", True),
        ("root: /{}/", True),
        ("https://university.example/{}/page", False),
        ("../{}/data", False),
        ("~/{}/x", False),
        ("GET /v1/{}", False),
    ],
)
def test_the_rule_about_paths_tells_folders_of_a_machine_from_urls(line: str, found: bool) -> None:
    assert bool(MACHINE_PATH.search(line.format("home"))) is found


@pytest.mark.parametrize("name", ["run.txt", "dev.txt"])
def test_a_lock_pins_every_package_by_hash_and_names_no_index(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text("utf-8")
    assert "://" not in text
    lines = text.replace("\\\n", " ").splitlines()
    logical = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    assert logical
    for line in logical:
        assert re.match(r"[a-z0-9-]+==\S+ ", line), line
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", line), line
        assert not re.search(r"(^|\s)-(?!-hash=sha256:)", line), line


def test_both_locks_agree_on_every_version() -> None:
    pins = [
        dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "requirements" / name).read_text("utf-8"), re.MULTILINE))
        for name in ("run.txt", "dev.txt")
    ]
    assert pins[0].items() <= pins[1].items()
