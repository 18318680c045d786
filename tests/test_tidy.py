"""The house rules a machine can check and no tool checks for us.

Forbidden words and paths are put together from pieces, so that this file does not contain what it looks for.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TypeVar

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("registry", "governance", "gossip", "node", "cli", "simulations")
OUTSIDE = {"build", "dist", "htmlcov", "__pycache__"}  # made, not written; hidden folders too, but for .ci
LARGEST_TEXT = 2_000_000  # bytes; larger files are data

PLACES = "|".join(("root", "home", "Users", "work"))
MACHINE_PATH = re.compile(rf"(?<![\w.~%<>}})-])/(?:{PLACES})/")
UNFINISHED = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error")) + r")\b")

CORE = ("accredit.registry", "accredit.governance", "accredit.gossip", "accredit.node.engine")
# What a room of the core may import besides the standard library and itself.
ALLOWED = {
    "accredit.registry": {"cbor2", "nacl"},
    "accredit.governance": {"accredit.registry"},
    "accredit.gossip": {"accredit.registry"},
    "accredit.node.engine": {"accredit.registry", "accredit.governance", "accredit.gossip"},
}
DESCRIBED = re.compile(r'(?:#[^\n]*\n|\s)*r?"""\s*[^\s"]')
MAY_BE_BARE = re.compile(rf"\b(?:from|import)\b[^\n]*(?<![\w.])(?:{'|'.join(FOLDERS)})\b")
"""A line that `bare_imports` may find something in: a module without one need not be parsed."""

BARE_IN_TEXT = re.compile(rf"(?:^|[;\n'\"]) *(?:from|import) +(?:{'|'.join(FOLDERS)})\b(?! *=)")
FILES_AND_TERMINAL = {"print", "input", "open", "breakpoint"}


def written_files(folder: Path = ROOT) -> Iterator[Path]:
    """Every file a person wrote, in a fixed order."""
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or path.name == ".git":
            continue  # the package's folders lead to those at the top; Git's file in a worktree names the machine's
        if path.is_dir():
            if path.name not in OUTSIDE and (path.name == ".ci" or not path.name.startswith(".")):
                yield from written_files(path)
        else:
            yield path


MODULES = [path for path in written_files() if path.suffix == ".py"]
CORE_MODULES = [
    path
    for path in MODULES
    if f"accredit.{'.'.join(path.relative_to(ROOT).parts[:-1])}.".startswith(tuple(f"{one}." for one in CORE))
]


Found = TypeVar("Found")


def where(paths: Iterable[Path], look: Callable[[Path], Found]) -> dict[str, Found]:
    """What is found in files, by their places in the repository; those in which nothing is are left out.

    One test looks at all files: a test for each of two thousand would cost ten times as much as looking.
    """
    return {str(path.relative_to(ROOT)): found for path in paths if (found := look(path))}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), filename=str(path))


def module_name(path: Path) -> str:
    """The dotted name under which a file of ours is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    named_so = parts[:-1] if parts[-1] == "__init__" else parts
    return ".".join(("accredit", *named_so) if parts[0] in FOLDERS else named_so)


def imported(tree: ast.Module, package: str) -> set[str]:
    """Dotted names of all imports, those inside functions too; relative ones as absolute names.

    Args:
        package: the package that the module is in, or is.
    """
    names = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            names.update(f"{start}.{alias.name}" for alias in node.names)
    return names


def is_in(name: str, room: str) -> bool:
    return f"{name}.".startswith(f"{room}.")


def not_allowed(tree: ast.Module, module: str, package: str) -> set[str]:
    """What a module of the core imports and may not."""
    room = next(one for one in CORE if is_in(module, one))
    allowed = {*sys.stdlib_module_names, "__future__", room, *ALLOWED[room]}
    return {name for name in imported(tree, package) if not any(is_in(name, one) for one in allowed)}


def bare_imports(tree: ast.Module) -> set[str]:
    """Imports of our folders under their names in the repository, in code and in programs inside strings."""
    found = {name for name in imported(tree, "tests") if name.split(".")[0] in FOLDERS}
    texts = [one.value for one in ast.walk(tree) if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return found | {match[0].strip() for text in texts for match in BARE_IN_TEXT.finditer(text)}


@pytest.mark.parametrize("name", ["accredit", "tests"])
def test_no_other_distribution_can_be_taken_for_one_of_our_packages(name: str) -> None:
    ours = PathFinder.find_spec(name, [str(ROOT)])
    assert ours is not None
    assert [Path(place) for place in ours.submodule_search_locations or ()] == [ROOT / name]
    elsewhere = [place for place in sys.path if Path(place or ".").resolve() != ROOT]
    rival = PathFinder.find_spec(name, elsewhere)
    assert rival is None, f"{name} is also found in {rival.submodule_search_locations or rival.origin}"


def test_the_package_is_made_of_links_to_the_folders_at_the_top() -> None:
    links = {path.name: path.resolve() for path in (ROOT / "accredit").iterdir() if path.is_symlink()}
    assert links == {name: ROOT / name for name in FOLDERS}


def test_a_module_says_what_it_is_and_is_finished() -> None:
    assert len(MODULES) > 900
    undescribed = where(MODULES, lambda path: not DESCRIBED.match(path.read_text("utf-8")))
    assert undescribed == {}, "the module's docstring is its small specification"
    assert where(MODULES, lambda path: UNFINISHED.findall(path.read_text("utf-8"))) == {}


def test_a_module_of_the_core_imports_only_what_its_room_may() -> None:
    def wrong(path: Path) -> set[str]:
        name = module_name(path)
        package = name if path.stem == "__init__" else name.rpartition(".")[0]
        return not_allowed(parsed(path), name, package)

    assert where(CORE_MODULES, wrong) == {}


@pytest.mark.parametrize(
    ("module", "line", "wrong"),
    [
        ("accredit.registry.statement", "import httpx", {"httpx"}),
        ("accredit.registry.statement", "from ..governance import fold", {"accredit.governance.fold"}),
        ("accredit.governance.fold", "import cbor2", {"cbor2"}),
        ("accredit.governance.fold", "from accredit.gossip.peers import mesh", {"accredit.gossip.peers.mesh"}),
        (
            "accredit.gossip.peers.mesh",
            "def f():\n    from accredit.node.engine import events",
            {"accredit.node.engine.events"},
        ),
        ("accredit.node.engine.engine", "from ..storage import log_store", {"accredit.node.storage.log_store"}),
        ("accredit.node.engine.engine", "from registry import statement", {"registry.statement"}),
        ("accredit.registry.statement", "import nacl.bindings, re\nfrom .encoding import cbor", set()),
        (
            "accredit.node.engine.engine",
            "from .notary import Notary\nfrom accredit.gossip.peers.mesh import Mesh",
            set(),
        ),
    ],
)
def test_the_rule_about_imports_of_the_core_sees_what_is_wrong(module: str, line: str, wrong: set[str]) -> None:
    assert not_allowed(ast.parse(line), module, module.rpartition(".")[0]) == wrong


def test_every_room_of_the_core_is_looked_at() -> None:
    assert {next(one for one in CORE if is_in(module_name(path), one)) for path in CORE_MODULES} == set(CORE)
    assert len(CORE_MODULES) > 90


def test_nobody_imports_our_folders_under_the_bare_names_that_others_use_too() -> None:
    def bare(path: Path) -> set[str]:
        return bare_imports(parsed(path)) if MAY_BE_BARE.search(path.read_text("utf-8")) else set()

    found = where((path for path in MODULES if path != Path(__file__)), bare)
    assert found == {}, "a second copy of each module: write accredit.… (docs/adr/0024)"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("from registry import statement", {"registry.statement"}),
        ("def f():\n    import cli.main", {"cli.main"}),
        ("run('-c', 'from cli.main import main; main()')", {"from cli"}),
        ("run('-c', 'import sys; import node')", {"; import node"}),
        ("from accredit.registry import statement", set()),
        ("from tests.strategies.bodies import node", set()),
        ("run('-c', 'from accredit.cli.main import main')", set()),
        ("say('accredit issuer import cli.csv')", set()),
    ],
)
def test_the_rule_about_bare_names_sees_code_and_programs_in_strings(line: str, found: set[str]) -> None:
    assert bare_imports(ast.parse(line)) == found
    assert MAY_BE_BARE.search(line) or not found


def test_the_registry_names_itself_relatively_so_that_it_can_be_packaged_alone() -> None:
    def absolute(path: Path) -> set[str]:
        named = [node for node in ast.walk(parsed(path)) if isinstance(node, ast.ImportFrom) and not node.level]
        return {node.module for node in named if node.module and is_in(node.module, "accredit")}

    registry = [path for path in CORE_MODULES if is_in(module_name(path), "accredit.registry")]
    assert where(registry, absolute) == {}


def test_a_pure_module_neither_prints_nor_opens_files() -> None:
    assert where(CORE_MODULES, lambda path: called(parsed(path)) & FILES_AND_TERMINAL) == {}


def called(tree: ast.Module) -> set[str]:
    """Names of the functions called by their bare name."""
    return {one.func.id for one in ast.walk(tree) if isinstance(one, ast.Call) and isinstance(one.func, ast.Name)}


def test_the_rule_about_printing_sees_it() -> None:
    assert called(ast.parse("def f():\n    print(open('x').read())")) == {"print", "open"}


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


@pytest.mark.parametrize("name", ["run.txt", "demo.txt", "dev.txt"])
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
        for name in ("run.txt", "demo.txt", "dev.txt")
    ]
    assert pins[0].items() <= pins[1].items()


def test_each_decision_has_a_number_of_its_own() -> None:
    files = sorted((ROOT / "docs" / "adr").glob("0*.md"))
    numbers = [int(file.name[:4]) for file in files]
    assert len(set(numbers)) == len(numbers)
    for number, file in zip(numbers, files, strict=True):
        assert file.read_text("utf-8").startswith(f"# {number}. "), file.name
