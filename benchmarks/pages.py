"""What the explorer's pages cost beside the JSON routes that say the same.

Target: a page is made at 0.3 of the speed of the JSON route behind it, or better. Where a page says what several routes
do (an issuer with each of its accreditations and the statements of its history), it is compared with all of these.

Asked is the application in this process, without a socket; seconds are those of this process, so that neighbours
disturb less. Each round asks the pages and the routes in turn.
"""

import tempfile
from collections.abc import Sequence
from itertools import repeat
from pathlib import Path
from time import process_time
from typing import Any, Final

import msgspec
import trio

from accredit.node.http.app import Application
from accredit.node.http.explorer.frame import address
from benchmarks.evidence import SCOPE
from benchmarks.harness import RUNS, Report
from tests.strategies import bodies
from tests.strategies.explored import BOARD, CARE, NURSING, nursing_world
from tests.strategies.served import A, Served, ask_raw, empty

ISSUERS: Final = 500
TIMES: Final = 40
"""That each is asked in one run."""

_Asked = tuple[str, str, Any]
"""Method, path and query, value of the body or None."""


def node(folder: Path) -> Served:
    """One that holds the explorer's world and some hundred colleges."""
    town = nursing_world()
    for number in range(ISSUERS):
        id = f"did:web:college{number}.example.edu"
        facts = {"name": f"College {number}", "categories": ["community_college"], "jurisdictions": ["US-IN"]}
        town.says(A, "issuer.register", bodies.register(id, **facts))
        town.says(A, "accreditation.grant", bodies.grant(id, scope=SCOPE))
    made = empty(folder, town)
    made.hears()
    return made


def pairs(served: Served) -> list[tuple[str, str, list[_Asked]]]:
    """Name of a page, its address, and the routes that say the same."""
    town, question = served.town, {"issuer": NURSING, "achievement_type": "License", "jurisdiction": "US-IN"}
    about = [one for one in town.said if one.sub == NURSING or one.body.get("issuer") == NURSING]
    grant = next(one.id.hex() for one in about if one.kind == "accreditation.grant")
    history = [("GET", f"/v1/statements/{one.id.hex()}", None) for one in about]
    form = {"issuer": NURSING, "for": "License", "jurisdiction": "US-IN"}
    return [
        ("search", "/explore/search", [("GET", "/v1/issuers?limit=25", None)]),
        ("search by name", "/explore/search?q=nursing", [("GET", "/v1/issuers?q=nursing&limit=25", None)]),
        (
            "issuer",
            address("/explore/issuer", id=NURSING),
            [("GET", f"/v1/issuer?id={NURSING}", None), ("GET", f"/v1/accreditation?id={grant}", None), *history],
        ),
        ("decision", address("/explore/decision", **form), [("POST", "/v1/decisions", question)]),
        ("statement", f"/explore/statement?id={grant}", [("GET", f"/v1/statements/{grant}", None)]),
        (
            "authority",
            address("/explore/authority", id=BOARD),
            [("GET", "/v1/authorities", None), ("GET", f"/v1/issuers?authority={BOARD}&limit=25", None)],
        ),
        (
            "competency",
            address("/explore/competency", uri=CARE),
            [("GET", f"/v1/competencies/issuers?uri={CARE}&limit=20", None)],
        ),
        ("nodes", "/explore/nodes", [("GET", "/v1/status", None), ("GET", "/v1/ecosystem", None)]),
        ("changes", "/explore/changes", [("GET", "/v1/changes?limit=50", None)]),
    ]


async def seconds(app: Application, asked: Sequence[_Asked]) -> float:
    """Of this process, for all of them `TIMES` times."""
    started = process_time()
    for _ in repeat(None, TIMES):
        for method, target, body in asked:
            chunks = iter(() if body is None else (msgspec.json.encode(body),))
            status, _ = await ask_raw(app, method, target.encode(), chunks, content_type=b"application/json")
            assert status == 200, target
    return process_time() - started


async def measure(report: Report) -> None:
    """Every pair, in turn."""
    with tempfile.TemporaryDirectory() as name:
        served = node(Path(name))
        app, found = served.app(), pairs(served)
        for page, path, routes in found:
            await seconds(app, [("GET", path, None)])
            runs, ratios = [], []
            for _ in range(RUNS):
                of_page, of_routes = await seconds(app, [("GET", path, None)]), await seconds(app, routes)
                runs.append(1_000 * of_page / TIMES)
                ratios.append(of_routes / of_page)
            report.add(f"page: {page}", "ms", runs)
            report.add(f"page: {page}, speed beside its JSON", "x", ratios, at_least=0.3)
        served.store.close()


def main() -> None:
    """Measures and writes the report."""
    report = Report("pages")
    trio.run(measure, report)
    report.finish()


if __name__ == "__main__":
    main()
