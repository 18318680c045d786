"""Faults put into the modules that judge, one at a time: does a test see each?

    python -m tests.strategies.judging_mutants --seconds 600          a random sample; prints those that no test sees
    python -m tests.strategies.judging_mutants --only governance/authority/shares.py

A mutant is one comparison, `and`, `or`, `not`, `any`, `all`, `min`, `max` or truth value turned into its neighbour. The
function that holds it is given the changed code, in a process of its own, and of the tests of its module those that run
its line (`tests_by_line`, from one run of all of them) until one fails. So one that survives is judged too, and costs
little. It is a gap in the tests, or changes nothing that anybody can see: `EQUIVALENT` says why.
"""

import ast
import copy
import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import CodeType, FunctionType
from typing import Any, Final

import click
import pytest
from coverage import CoverageData

ROOT: Final = Path(__file__).resolve().parents[2]

JUDGES: Final[dict[str, tuple[str, ...]]] = {
    "governance/rules/undoing.py": (
        "governance/test_undoing.py",
        "governance/test_undoing_by_keys.py",
        "governance/test_dating_back.py",
        "governance/test_rules_outline.py",
    ),
    "governance/authority/shares.py": ("governance/test_shares.py",),
    "governance/rules/delegation_limits.py": (
        "governance/test_delegation_limits.py",
        "governance/test_limits_are_a_ceiling.py",
    ),
    "governance/authority/delegations.py": (
        "governance/test_delegation_limits.py",
        "governance/test_by_mandate.py",
        "governance/test_undoing.py",
        "governance/test_undoing_by_keys.py",
        "governance/test_dating_back.py",
        "governance/test_attacks.py",
    ),
    "governance/authority/key_lifecycle.py": (
        "governance/test_key_lifecycle.py",
        "governance/test_cut_offs.py",
        "governance/test_attacks.py",
        "governance/test_undoing_by_keys.py",
        "governance/test_drafts.py",
    ),
    "governance/authority/governing_state.py": (
        "governance/test_what_comes_late.py",
        "governance/test_forks.py",
        "governance/test_forks_of_an_issuer.py",
        "governance/test_law_of_the_fold.py",
        "governance/test_cut_offs.py",
        "governance/test_key_lifecycle.py",
        "governance/test_undoing_by_keys.py",
        "governance/test_by_mandate.py",
        "governance/test_attacks.py",
        "governance/test_fold.py",
    ),
    "governance/authority/ballots.py": (
        "governance/test_ballots.py",
        "governance/test_forks.py",
        "governance/test_cut_offs.py",
        "governance/test_undoing.py",
        "governance/test_undoing_by_keys.py",
        "governance/test_dating_back.py",
        "governance/test_key_lifecycle.py",
        "governance/test_epochs.py",
        "governance/test_attacks.py",
        "governance/test_taking_back.py",
        "governance/test_by_mandate.py",
        "governance/test_issuer_keys.py",
        "governance/test_what_comes_late.py",
    ),
    "governance/authority/effect.py": (
        "governance/test_who_may_vote.py",
        "governance/test_taking_back.py",
        "governance/test_undoing.py",
        "governance/test_undoing_by_keys.py",
        "governance/test_dating_back.py",
        "governance/test_drafts.py",
        "governance/test_cut_offs.py",
        "governance/test_attacks.py",
        "governance/test_fold.py",
        "governance/test_key_lifecycle.py",
        "governance/test_issuer_keys.py",
    ),
    "governance/authority/charter_chain.py": (
        "governance/test_taking_back.py",
        "governance/test_epochs.py",
        "governance/test_dating_back.py",
        "governance/test_attacks.py",
        "governance/test_forks.py",
        "governance/test_drafts.py",
    ),
    "registry/decision/issuer_keys.py": ("registry/decision/test_issuer_keys.py", "governance/test_dated_ahead.py"),
    "node/engine/fork_allowance.py": ("node/engine/test_fork_allowance.py",),
}
"""The modules, with the tests that have to see what is wrong in them, the likeliest first."""

_SHARES: Final = "governance/authority/shares.py"
_KEYS: Final = "registry/decision/issuer_keys.py"
_BALLOTS: Final = "governance/authority/ballots.py"
_CHARTERS: Final = "governance/authority/charter_chain.py"
_FEW: Final = "len(named & v.charter.authorities.keys()) * 2 <= len(v.charter.authorities)"
_EACH: Final = "for v in (before, after)"
EQUIVALENT: Final[dict[tuple[str, str, str], str]] = {
    (_SHARES, "fair_share", "sum(sizes) <= capacity  ->  sum(sizes) < capacity"): (
        "where all fit exactly, the first share takes them all"
    ),
    (_SHARES, "fair_share", "True  ->  False"): "both lists have one entry for each share by construction",
    (_BALLOTS, "Ground.epoch", "epoch > 0  ->  epoch >= 0"): "no heads came with the genesis, so it covers nothing",
    (_CHARTERS, "is_passed", f"any(({_FEW} {_EACH}))  ->  all(({_FEW} {_EACH}))"): "a short cut: asked again of keys",
    (_CHARTERS, "is_passed", f"{_FEW}  ->  {_FEW.replace('<=', '<')}"): "a short cut: asked again of keys",
    (_KEYS, "_as_one", "True  ->  False"): "each statement has three dates by construction",
    (_KEYS, "_as_heard", "said['iat'] > now  ->  said['iat'] >= now"): "a retirement of this second ends the key now",
}
"""Mutants that nobody can see, by module, function and change: why."""

_NEIGHBOURS: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_OPTIONS: Final = (
    *("-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # what `warm_up` has loaded is not rewritten
)
_ROOMS: Final = ("governance/", "registry/", "node/")
"""How the names of `JUDGES` begin; pytest's own begin with `tests/`."""
_CALLS: Final = {"any": "all", "all": "any", "min": "max", "max": "min"}
_SECONDS: Final = 240
"""Of processor time, after which a mutant is given up. By the wall clock, load would judge for us."""


class Judgement(Enum):
    """What became of a mutant."""

    SEEN = "seen"
    UNSEEN = "not seen"
    UNJUDGED = "not judged"


@dataclass(frozen=True)
class Mutant:
    """One change: `place` is the number of the node in its module, as `ast.walk` meets them."""

    module: str
    function: str
    line: int
    place: int
    change: str

    @property
    def key(self) -> tuple[str, str, str]:
        return self.module, self.function, self.change

    @cached_property
    def tree(self) -> ast.Module:
        """The module with the change in it."""
        tree = copy.deepcopy(_tree(self.module))
        _change(list(ast.walk(tree))[self.place])
        return ast.fix_missing_locations(tree)

    def __str__(self) -> str:
        return f"{self.module}:{self.line} {self.function}: {self.change}"


def _tree(module: str) -> ast.Module:
    return ast.parse((ROOT / module).read_text("utf-8"))


def mutants(module: str) -> Iterator[Mutant]:
    """All of a module's, in the order of its text."""
    tree = _tree(module)
    places = {id(node): place for place, node in enumerate(ast.walk(tree))}
    for name, function in _functions(tree):
        skipped = {id(node) for each in ast.walk(function) if isinstance(each, ast.Assert) for node in ast.walk(each)}
        for node in (one for part in function.body for one in ast.walk(part)):  # `put_in` leaves defaults as they are
            if id(node) in skipped:
                continue
            before = ast.unparse(node) if isinstance(node, ast.expr) else ""
            changed = copy.deepcopy(node)
            if isinstance(node, ast.expr) and _change(changed):
                change = f"{before}  ->  {ast.unparse(changed)}"
                yield Mutant(module, name, node.lineno, places[id(node)], change)


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            for each in node.body:
                if isinstance(each, ast.FunctionDef):
                    yield f"{node.name}.{each.name}", each


def _change(node: ast.AST) -> bool:
    """Turns a node into its neighbour, in place; whether it has one."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in _NEIGHBOURS:
            node.ops = [_NEIGHBOURS[type(op)]()]
        case ast.BoolOp():
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        case ast.UnaryOp(op=ast.Not()):
            node.op, node.operand = ast.Not(), ast.UnaryOp(ast.Not(), node.operand)
        case ast.Constant(value=bool() as value):
            node.value = not value
        case ast.Call(func=ast.Name(id=name)) if name in _CALLS:
            node.func = ast.Name(_CALLS[name], ast.Load())
        case _:
            return False
    return True


def put_in(mutant: Mutant) -> None:
    """Gives the function the changed code, wherever it is used, for the rest of this process."""
    module = importlib.import_module("accredit." + mutant.module.removesuffix(".py").replace("/", "."))
    found: Any = module
    for part in mutant.function.split("."):
        found = vars(found)[part]
    while not isinstance(found, FunctionType):
        found = getattr(found, "fget", None) or getattr(found, "__wrapped__", None) or found.__func__
    found.__code__ = _code_of(compile(mutant.tree, found.__code__.co_filename, "exec"), mutant.function)


def _code_of(code: CodeType, name: str) -> CodeType:
    for part in name.split("."):
        code = next(one for one in code.co_consts if isinstance(one, CodeType) and one.co_name == part)
    return code


TestsByLine = Mapping[str, Mapping[int, Sequence[str]]]
"""Of each module and line the tests that run it, as pytest names them."""


def tests_by_line(modules: Sequence[str]) -> TestsByLine:
    """Runs the tests of modules once, in a process of its own, and says of each line which of them run it."""
    tests = dict.fromkeys(str(ROOT / "tests" / one) for module in modules for one in JUDGES[module])
    with TemporaryDirectory() as folder:
        data = str(Path(folder) / "coverage")
        measured = [f"--cov={ROOT / module.partition('/')[0]}" for module in modules]
        options = ["-q", "-p", "no:cacheprovider", "--cov-context=test", "--cov-report=", *measured]
        subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=ROOT,
            env={**os.environ, "COVERAGE_FILE": data},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        found = CoverageData(data)
        found.read()
        return {
            module: {
                line: sorted({each.partition("|")[0] for each in contexts if each})
                for line, contexts in found.contexts_by_lineno(module).items()  # its files are relative (pyproject)
            }
            for module in modules
        }


def warm_up(modules: Sequence[str]) -> None:
    """Loads what the tests of modules load, once for all the processes in which mutants are judged."""
    for one in dict.fromkeys(one for module in modules for one in JUDGES[module]):
        importlib.import_module("tests." + one.removesuffix(".py").replace("/", "."))


def judge(mutant: Mutant | None, tests: Sequence[str]) -> Judgement:
    """Whether one of `tests` fails with the mutant in place (None: with none); in a process of its own."""
    if not tests:
        return Judgement.UNSEEN
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.setitimer(signal.ITIMER_PROF, _SECONDS)
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)
            if mutant is not None:
                put_in(mutant)
            paths = [str(ROOT / "tests" / one) if one.startswith(_ROOMS) else str(ROOT / one) for one in tests]
            code = int(pytest.main([*_OPTIONS, *paths]))
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF:
        return Judgement.UNJUDGED
    return Judgement.SEEN if status != 0 else Judgement.UNSEEN


def is_seen(mutant: Mutant, tests: Sequence[str] | None = None) -> bool:
    """Whether a test of its module (or one of `tests`) fails with the mutant in place."""
    return judge(mutant, tests or JUDGES[mutant.module]) is Judgement.SEEN


def sample(modules: Sequence[str], seed: int) -> list[Mutant]:
    """All mutants of these modules, mixed."""
    found = [mutant for module in modules for mutant in mutants(module)]
    Random(seed).shuffle(found)
    return found


def survivors(
    tried: Sequence[Mutant], seconds: float, told: Callable[[str], None] = lambda _: None
) -> tuple[int, list[Mutant]]:
    """How many were tried within so many seconds, and those that no test saw and nothing excuses."""
    if not tried:
        return 0, []
    modules = sorted({mutant.module for mutant in tried})
    tests = tests_by_line(modules)
    warm_up(modules)
    some = next(names for lines in tests.values() for names in lines.values() if names)
    assert judge(None, some[:3]) is Judgement.UNSEEN, "tests fail without any mutant: nothing is judged by them"
    began, found = time.monotonic(), list[Mutant]()
    for number, mutant in enumerate(tried):
        if time.monotonic() - began > seconds:
            return number, found
        if mutant.key in EQUIVALENT:
            continue
        judgement = judge(mutant, tests[mutant.module].get(mutant.line, ()))
        if judgement is not Judgement.SEEN:
            found.append(mutant)
            told(f"{judgement.value}: {mutant}")
    return len(tried), found


@click.command()
@click.option("--seconds", default=600.0, help="Begins no mutant after that.")
@click.option("--seed", type=int, help="Of the sample; a random one by default.")
@click.option("--only", multiple=True, help="These modules.")
def main(seconds: float, seed: int | None, only: tuple[str, ...]) -> None:
    """Tries mutants of the judging modules, and prints those that no test sees."""
    chosen = Random().randrange(2**32) if seed is None else seed
    tried = sample(only or tuple(JUDGES), chosen)
    count, found = survivors(tried, seconds, lambda line: click.echo(line))
    click.echo(f"seed {chosen}: {count} of {len(tried)} mutants tried, {len(found)} not seen.")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
