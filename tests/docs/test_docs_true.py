"""The pages do not lie: commands, options, settings, routes and figures they name exist, and links lead somewhere."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from accredit.cli.main import accredit
from accredit.governance.rules.rulebook import KINDS
from accredit.node.http.app import table
from accredit.node.settings import ENVIRONMENT_PREFIX, settings
from accredit.node.telemetry import Metrics
from docs.generators import (
    bodies,
    commands,
    configuration,
    history,
    life_cycle,
    reasons,
    routes,
    state_notes,
    statements,
    vectors,
)
from docs.generators._page import expected
from tests.docs.pages import ROOT, anchors, blocks, links, pages, typed

PAGES = [pytest.param(path, id=str(path.relative_to(ROOT))) for path in pages()]
# Decisions and changes speak of what was, or will be.
OF_TODAY = [page for page in PAGES if "adr/" not in str(page.id) and page.id != "CHANGELOG.md"]
DEPLOY = ROOT / "examples" / "deploy"
GENERATED: list[tuple[str, Callable[[], str]]] = [
    (commands.PAGE, commands.text),
    (routes.PAGE, routes.text),
    (configuration.PAGE, configuration.text),
    (bodies.PAGE, bodies.text),
    (bodies.MODULE, bodies.module),
    (history.PAGE, history.text),
    (life_cycle.PAGE, life_cycle.text),
    (reasons.PAGE, reasons.text),
    (state_notes.PAGE, state_notes.text),
    (statements.PAGE, statements.text),
    (vectors.PAGE, vectors.text),
]


def use(words: list[str]) -> str | None:
    """Why `accredit` with these words cannot be right; None if it can. Its arguments may be left out in prose."""
    command: click.Command = accredit
    context = click.Context(command)
    rest = list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(context, rest[0])
        if found is None:
            return f"there is no command {' '.join(words)!r}"
        command, context = found, click.Context(found, parent=context)
        rest.pop(0)
    options = {name for param in command.get_params(context) for name in (*param.opts, *param.secondary_opts)}
    options |= set(context.help_option_names) | {"--help"}
    for word in rest:
        name = word.partition("=")[0].rstrip(".,")
        if re.fullmatch(r"--?[a-z][\w-]*", name) and name not in options:
            return f"accredit {' '.join(words)}: there is no option {name}"
    return None


@pytest.mark.parametrize("path", OF_TODAY)
def test_every_command_and_option_that_a_page_shows_exists(path: Path) -> None:
    assert [reason for words in typed(path.read_text("utf-8")) if (reason := use(words)) is not None] == []


@pytest.mark.parametrize("words", [["qurey", "x"], ["query", "x", "--onn", "2015"], ["keys", "shwo", "x"]])
def test_a_command_that_does_not_exist_would_be_noticed(words: list[str]) -> None:
    assert use(words)
    assert list(typed(f"```sh\nX=1 accredit {' '.join(words)} | tail -1\n```\n")) == [words]


@pytest.mark.parametrize("path", PAGES)
def test_every_link_of_a_page_leads_somewhere(path: Path) -> None:
    for link in links(path.read_text("utf-8")):
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        place, _, anchor = link.partition("#")
        target = path if not place else (path.parent / place).resolve()
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text("utf-8")), link


@pytest.mark.parametrize(("name", "text"), GENERATED)
def test_a_generated_page_says_what_the_code_does(name: str, text: Callable[[], str]) -> None:
    assert (ROOT / "docs" / name).read_text("utf-8") == expected(name, text()), "run: python3 dev.py docs"


def test_every_generator_writes_a_page_that_is_compared() -> None:
    generators = {path.stem for path in (ROOT / "docs" / "generators").glob("*.py") if not path.stem.startswith("_")}
    measured = {"performance"}  # a machine's figures: the same code gives others
    assert generators - measured == {text.__module__.rpartition(".")[2] for _, text in GENERATED}


def test_every_kind_of_statement_has_its_meaning_and_no_other_has() -> None:
    assert set(statements.MEANING) == set(KINDS)


def test_settings_said_to_have_no_effect_have_none_and_all_others_are_used() -> None:
    code = [
        path.read_text("utf-8")
        for folder in ("node", "cli")
        for path in (ROOT / folder).rglob("*.py")
        if path != ROOT / "node" / "settings.py"
    ]
    reached_by_property = {"data_dir": "database", "heads_dir": "signed_head", "keys_file": "keys"}
    reached_by_property |= dict.fromkeys(("proxy", "ca_file", "source_address"), "outgoing")
    unused = []
    for setting in settings():
        name = reached_by_property.get(setting.name, setting.name)
        if not any(re.search(rf"config\.{name}\b", text) for text in code):
            unused.append(setting.name)
    assert tuple(unused) == configuration.WITHOUT_EFFECT


@pytest.mark.parametrize("path", OF_TODAY)
def test_settings_and_figures_named_in_a_page_exist(path: Path) -> None:
    text = path.read_text("utf-8")
    known = {setting.variable for setting in settings()}
    options = [param for _, command in commands.every_command() for param in command.params]
    of_people = {str(param.envvar) for param in options if param.envvar} | {"ACCREDIT_NODE"}
    of_tests = {"ACCREDIT_SHARED_DATA", "ACCREDIT_KILLS"}
    measuring = "".join(each.read_text("utf-8") for each in (ROOT / "benchmarks").glob("*.py"))
    of_benchmarks = set(re.findall(r"environ.get\(\"(ACCREDIT_[A-Z_]+)", measuring))
    assert of_benchmarks, "they have some"
    assert set(re.findall(r"\bACCREDIT_[A-Z_]+", text)) <= known | of_people | of_tests | of_benchmarks
    figures = set(re.findall(rb"^# TYPE (accredit_\w+)", Metrics().render(), re.MULTILINE)) | {
        b"accredit_verify"
    }  # a package
    for name in re.findall(r"`[^`\n]*?\b(accredit_[a-z_]+)", text):
        assert name.encode() in figures, name


@pytest.mark.parametrize("path", OF_TODAY)
def test_routes_named_in_a_page_exist(path: Path) -> None:
    patterns = [re.sub(r"\{[^}]*\}", ".+", route.path) for route in table()]
    text = path.read_text("utf-8")
    named = re.findall(r"(?:GET|POST) (/[\w./{}-]*)", text) + re.findall(r"\$NODE\d(/[\w./-]+)", text)
    for route in named:
        assert any(re.fullmatch(pattern, re.sub(r"\{[^}]*\}", "x", route)) for pattern in patterns), route


def test_the_readmes_commands_exist_and_its_excerpt_is_of_a_query_the_guide_runs() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    for word in re.findall(r"python3 dev\.py (\w+)", readme):
        done = subprocess.run([sys.executable, "dev.py", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
        assert re.search(rf"^    {word}\b", done.stdout, re.MULTILINE)
    excerpt = next(block.text for block in blocks(readme) if "accredit query" in block.text)
    guide = (ROOT / "docs" / "verifier.md").read_text("utf-8")
    for line in ("issuer         did:web:dibiho.org:TUM", "chain          University Council ← the charter"):
        assert line in excerpt
        assert line in guide


def test_the_systemd_unit_starts_the_node_with_settings_that_exist() -> None:
    unit = (DEPLOY / "accredit-node.service").read_text("utf-8")
    found = re.search(r"^ExecStart=/\S+/accredit (.+)$", unit, re.MULTILINE)
    assert found is not None
    assert use(found[1].split()) is None
    named = set(re.findall(rf"^#?Environment=({ENVIRONMENT_PREFIX}\w+)=", unit, re.MULTILINE))
    assert named
    assert named <= {setting.variable for setting in settings()}


def test_the_nginx_configuration_is_whole_and_passes_on_to_the_default_port() -> None:
    """nginx itself is not asked: it may not be here. Braces, ends of lines, the port, the size of a body."""
    text = "\n".join(
        line.partition(" #")[0] if not line.lstrip().startswith("#") else ""
        for line in (DEPLOY / "nginx.conf").read_text("utf-8").splitlines()
    )
    assert text.count("{") == text.count("}")
    assert all(line.strip()[-1] in ";{}" for line in text.splitlines() if line.strip())
    default = {setting.name: setting.default for setting in settings()}
    assert set(re.findall(r"proxy_pass http://127\.0\.0\.1:(\d+);", text)) == {default["port"]}
    assert int(default["max_body_bytes"]) == 4 * 2**20
    assert "client_max_body_size 4m;" in text
    for place in re.findall(r"location = (\S+)", text):
        assert any(route.path == place for route in table()), place
