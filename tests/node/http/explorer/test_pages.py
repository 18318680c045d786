"""Every page is whole, harmless and small, whatever strangers called themselves; its tables can be taken along."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from accredit.node.http.app import table
from accredit.node.http.explorer import frame
from accredit.node.http.explorer.pages.outcomes import SECTIONS
from accredit.node.http.explorer.phrases import LANGUAGE, fill, load
from accredit.node.runtime.fitness import STATEMENTS
from accredit.registry.decision.explanations import Audience, reason_for
from accredit.registry.decision.verdict import Verdict
from accredit.registry.domain.vocabulary import EVENTS, ISSUER_CATEGORIES, REASON_CODES, STATUSES
from accredit.registry.errors import StorageError
from tests.strategies.bodies import node
from tests.strategies.consortium import Consortium
from tests.strategies.explored import HOSTILE, NURSING, SCRIPT, explored
from tests.strategies.pages_seen import addresses, see
from tests.strategies.served import NOW, ORIGIN, PEER, A, B, Served, empty, served, world

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
LARGEST = 60 * 1024
NURSING_PAGE = frame.address("/explore/issuer", id=NURSING)
ASKED_PAGE = frame.address("/explore/decision", issuer=NURSING, **{"for": "License", "jurisdiction": "US-IN"})
TEMPLATES = Path(frame.__file__).parent / "templates"


async def test_the_first_reader_of_a_page_does_not_wait_for_templates_and_makes_nobody_wait(
    shown: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To compile those of one page took a turn of up to 0.2 s, in which the node answered nobody."""
    frame._environment.cache_clear()
    frame.load_templates()

    def compiled(*_args: object) -> None:
        raise AssertionError("this takes long")

    monkeypatch.setattr("jinja2.Environment.compile", compiled)
    for path in addresses():
        assert (await shown.get(path, headers=BROWSER)).status_code == 200


@pytest.mark.parametrize("path", addresses())
async def test_a_page_is_whole_small_and_loads_nothing_from_others(shown: Served, path: str) -> None:
    response = await shown.get(path, headers=BROWSER)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["content-security-policy"] == POLICY
    assert response.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in response.headers
    assert len(response.content) <= LARGEST
    seen = see(response.text)
    assert seen.open == [], "elements that are never closed"
    assert all(one.startswith("/explore/static/") for one in seen.fetched), seen.fetched
    assert len(seen.all("h1")) == 1
    assert seen.all("html") == [{"lang": "en"}]
    ids = [one["id"] for _, one in seen.elements if "id" in one]
    assert sorted(set(ids)) == sorted(ids)


@pytest.mark.parametrize("path", addresses())
async def test_strangers_names_do_nothing_on_any_page(shown: Served, path: str) -> None:
    seen = see((await shown.get(path, headers=BROWSER)).text)
    for name, attributes in seen.elements:
        assert name not in ("img", "iframe", "object", "embed", "base", "style"), "nothing of ours either"
        assert not [one for one in attributes if one.startswith("on") or one == "style"]
    for link, rel in seen.links:
        if not link.startswith(("/", "#")) or link.startswith("//"):
            assert link.startswith(("https://", "http://")), link
            assert {"noopener", "noreferrer", "nofollow"} <= set(rel.split())
    for form in seen.all("form"):
        assert form["action"].startswith("/explore/")


@pytest.mark.parametrize(("id", "name"), HOSTILE.items())
async def test_a_hostile_name_is_shown_as_it_is_written(shown: Served, id: str, name: str) -> None:
    seen = see((await shown.get(frame.address("/explore/issuer", id=id), headers=BROWSER)).text)
    assert " ".join(name.split()) in seen.text


@pytest.mark.parametrize("path", addresses())
async def test_every_link_within_a_page_leads_to_a_page(shown: Served, path: str) -> None:
    app = shown.app()
    for link, _ in see((await shown.get(path, headers=BROWSER)).text).links:
        if link.startswith("/") and "/evidence" not in link:
            answer = await shown.ask("GET", link.partition("#")[0], app, headers=BROWSER)
            is_asked_about_nobody = answer.status_code == 404 and "/explore/issuer?" in link
            assert answer.status_code == 200 or is_asked_about_nobody, f"{link}: {answer.status_code} {answer.text}"


async def test_each_table_can_be_taken_along_as_csv_and_json(shown: Served) -> None:
    app, count = shown.app(), 0
    for path in addresses():
        for link, _ in see((await shown.get(path, headers=BROWSER)).text).links:
            if "download=" not in link:
                continue
            answer = await shown.ask("GET", link, app)
            assert answer.headers["content-disposition"].startswith("attachment")
            if link.endswith("csv"):
                rows = list(csv.reader(io.StringIO(answer.content.decode(), newline="")))
                assert len({len(row) for row in rows}) == 1, "each row has all columns"
                assert len(rows) > 1
            else:
                assert all(answer.json().values())
            count += 1
    assert count > 20


async def test_no_cell_of_a_csv_file_is_a_formula(shown: Served) -> None:
    answer = await shown.get("/explore/search?download=issuers.csv")
    cells = [cell for row in csv.reader(io.StringIO(answer.text, newline="")) for cell in row]
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "@", "-")]


async def test_a_table_that_is_none_is_said(shown: Served) -> None:
    answer = await shown.get("/explore/search?download=issuers.pdf")
    assert (answer.status_code, answer.json()["hint"]) == (404, "It has issuers.csv, issuers.json.")


@pytest.mark.parametrize("audience", Audience)
async def test_a_decision_is_explained_to_the_reader_who_is_chosen(shown: Served, audience: Audience) -> None:
    plain = see((await shown.get(ASKED_PAGE, headers=BROWSER)).text).text
    chosen = see((await shown.get(f"{ASKED_PAGE}&audience={audience}", headers=BROWSER)).text).text
    accredited = reason_for("accredited", audience)
    assert accredited is not None
    for sentence in accredited:
        assert sentence in chosen
        assert sentence not in plain
    assert "Accredited by " in chosen, "the exact sentence stays beside it"


async def test_a_form_may_leave_fields_empty_and_spaces_around_an_id(shown: Served) -> None:
    answer = await shown.get(
        f"/explore/search?q=+{NURSING}++&category=&status=&jurisdiction=&authority=", headers=BROWSER
    )
    assert answer.status_code == 200
    assert "Meadow School of Nursing" in answer.text


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/explore/issuer?id=did:web:nobody.example", 404, "the issuer did:web:nobody.example is not in this registry"),
        (f"/explore/issuer?id={NURSING}&at=soon", 400, "2015-05-20"),
        ("/explore/issuer", 400, "id"),
        ("/explore/decision?issuer=nobody", 400, "nobody"),
        (f"/explore/decision?issuer={NURSING}&audience=crowd", 400, "admissions"),
        (f"/explore/decision?issuer={NURSING}&for=Licence", 400, "Did you mean License?"),
        ("/explore/search?jurisdiction=Narnia", 400, "Narnia"),
        ("/explore/search?colour=red", 400, "colour"),
        ("/explore/search?q=%ff", 400, "UTF-8"),
        ("/explore", 404, "there is nothing at"),
        ("/explore/nowhere", 404, "there is nothing at"),
        ("/explore/issuer/", 404, "there is nothing at"),
        ("/explore/%3Cscript%3E", 404, "<script>"),
        ("/explore/static/nothing.css", 404, "no file"),
    ],
)
async def test_a_mistake_is_told_as_a_page_to_browsers_and_as_a_problem_to_programs(
    shown: Served, path: str, status: int, said: str
) -> None:
    page = await shown.get(path, headers=BROWSER)
    assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert page.headers["content-security-policy"] == POLICY
    assert said in see(page.text).text
    problem = await shown.get(path)
    if problem.headers["content-type"].startswith("application/problem"):
        assert problem.json()["status"] == status


async def test_an_unknown_address_is_a_page_only_where_pages_are(shown: Served, tmp_path: Path) -> None:
    elsewhere = await shown.get("/v1/nowhere", headers=BROWSER)
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (404, "not_found")
    assert (await shown.get("/explorer", headers=BROWSER)).json()["code"] == "not_found"
    node = served(tmp_path)
    without = await node.ask("GET", "/explore/nowhere", node.app(explorer=False), headers=BROWSER)
    assert (without.status_code, without.json()["code"]) == (404, "not_found")


async def test_a_method_that_pages_do_not_take_is_told_as_a_page(shown: Served) -> None:
    refused = await shown.ask("POST", "/explore/search", headers=BROWSER)
    assert (refused.status_code, refused.headers["content-type"]) == (405, "text/html; charset=utf-8")
    assert "GET" in refused.headers["allow"]


def fall_silent(node: Served) -> str:
    node.peers = (PEER,)
    node.time = NOW + 10_000
    return "has not heard from another node"


def lose_the_disk(node: Served) -> str:
    with pytest.raises(StorageError), node.fitness.writing(STATEMENTS):
        raise StorageError("disk_full", "no room.")
    return "disk_full"


def be_retired(node: Served) -> str:
    node.town.votes(B, node.town.says(A, "node.retire", {"name": ORIGIN}))
    node.hears()
    return "was retired"


@pytest.mark.parametrize("get_into", [fall_silent, lose_the_disk, be_retired])
@pytest.mark.parametrize("path", ["/", "/explore/search", NURSING_PAGE, ASKED_PAGE, "/explore/log", "/explore/nowhere"])
async def test_a_node_not_to_be_relied_on_says_so_on_every_page(
    get_into: Callable[[Served], str], path: str, tmp_path: Path
) -> None:
    """A stale node showed its pages as if all were well; only its answers were refused."""
    node = explored(tmp_path)
    warned = load(LANGUAGE).site.trouble
    before = await node.get(path, headers=BROWSER)
    assert warned not in see(before.text).text
    why = get_into(node)
    after = await node.get(path, headers=BROWSER | {"if-none-match": before.headers.get("etag", '"none"')})
    assert after.status_code == before.status_code, "it is not 304: what was kept lacks the warning"
    seen = see(after.text)
    assert seen.open == []
    assert warned in seen.text
    assert why in seen.text
    if path == ASKED_PAGE:
        assert load(LANGUAGE).verdict.stale_view in seen.text


async def test_a_node_not_to_be_relied_on_names_others_to_ask(tmp_path: Path) -> None:
    town = Consortium.of((A, "nonprofit"), (B, "public"), nodes=[node(ORIGIN), node("node2.example.org")])
    shown = empty(tmp_path, town)
    shown.hears()
    fall_silent(shown)
    links = [link for link, _ in see((await shown.get("/", headers=BROWSER)).text).links if link.startswith("https:")]
    assert links == [one["url"] for one in shown.fold.nodes() if one["name"] != ORIGIN]
    assert len(links) == 1


async def test_a_page_that_breaks_is_told_by_request_id(shown: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(shown.fold), "items", lambda *_: 1 / 0)
    page = await shown.get("/explore/search", headers=BROWSER | {"x-request-id": "case-9"})
    assert (page.status_code, page.headers["content-type"]) == (500, "text/html; charset=utf-8")
    assert "case-9" in page.text
    monkeypatch.setattr(type(shown), "fold", property(lambda _: 1 / 0))
    problem = await shown.get("/explore/search", headers=BROWSER)
    assert (problem.status_code, problem.json()["code"]) == (500, "internal_error")


async def test_before_the_founding_pages_say_so(tmp_path: Path) -> None:
    town = world()
    node = empty(tmp_path, town)
    for path in ("/", "/explore/search", "/explore/changes"):
        page = await node.get(path, headers=BROWSER)
        assert page.status_code == 200, page.text
        assert load(LANGUAGE).site.not_founded in see(page.text).text


async def test_an_explorer_that_is_switched_off_leaves_the_front_door_and_nothing_else(tmp_path: Path) -> None:
    node = served(tmp_path)
    app = node.app(explorer=False)
    page = await node.ask("GET", "/", app, headers=BROWSER)
    assert (page.status_code, page.headers["content-security-policy"]) == (200, "default-src 'none'")
    assert node.name in page.text
    for route in table():
        if route.is_page:
            assert (await node.ask("GET", route.path.replace("{path:path}", "explorer.css"), app)).status_code == 404


async def test_the_front_door_speaks_to_programs_too(shown: Served) -> None:
    program = await shown.get("/")
    assert program.json()["ecosystem"] == shown.ecosystem.hex()
    for link in program.json()["links"].values():
        assert (await shown.get(link)).status_code == 200


async def test_only_files_of_the_package_are_served(shown: Served) -> None:
    styles = await shown.get("/explore/static/explorer.css")
    assert (styles.status_code, styles.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert "url(" not in styles.text
    assert "@import" not in styles.text
    for path in ("../frame.py", "..%2fframe.py", "nothing.css", "", "%2e%2e/strings/en.toml"):
        assert (await shown.get(f"/explore/static/{path}")).status_code == 404


# ------------------------------------------------------------------------------------------------- the words


def test_every_phrase_of_a_template_or_page_is_in_the_catalogue_and_none_is_there_for_nothing() -> None:
    code = [path.read_text("utf-8") for path in (*TEMPLATES.glob("*.html"), *TEMPLATES.parent.rglob("*.py"))]
    used = {name for text in code for name in re.findall(r"\b(?:t|load\(LANGUAGE\))\.([a-z_]+\.[a-z_]+)\b", text)}
    used |= {f"decision.{name}" for text in code for name in re.findall(r't\.decision\["(\w+)"\]', text)}
    used = {name for name in used if not name.endswith((".word", ".plain"))}
    names = set(load(LANGUAGE).names())
    assert used - names == set()
    by_word = re.compile(r"""(?:word|mark)\("(\w+)"\)|t\.(\w+)\.(?:word|plain)\b|counts\.\w+, "(\w+)"\)""")
    by_name = {
        "status",
        *SECTIONS.values(),
        *(section for text in code for found in by_word.findall(text) for section in found),
    }
    of_scripts = re.compile(r"script_words\(([^)]*)\)")
    by_name |= {name for text in code for found in of_scripts.findall(text) for name in re.findall(r'"(\w+)"', found)}
    assert {name for name in names - used if name.partition(".")[0] not in by_name} == set()


def test_the_words_of_the_registry_have_a_phrase_each() -> None:
    t = load(LANGUAGE)
    for section, words in (
        ("status", STATUSES),
        ("verdict", Verdict),
        ("verdict_sentence", Verdict),
        ("category", ISSUER_CATEGORIES),
        ("reason", REASON_CODES),
        ("event", EVENTS),
        ("audience", Audience),
    ):
        assert set(map(str, words)) <= set(getattr(t, section).names()), section


def test_what_fills_a_phrase_is_escaped_and_kept_apart() -> None:
    assert fill("<{name}>", name=SCRIPT) == f"&lt;<bdi>{SCRIPT}</bdi>&gt;".replace(
        SCRIPT, "&lt;script&gt;document.title=&#39;owned&#39;&lt;/script&gt;"
    )
    assert "\u202e" not in fill("{name}", name="a\u202eb")
