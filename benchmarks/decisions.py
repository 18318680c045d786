"""How many decisions one core makes.

Targets (performance.md): 100,000 a second by a verifier with a snapshot, in process; 50,000 a second by a node that is
asked a thousand at a time. The dearest question that limits allow (authority.md): 1 ms, p99. Across two mappings: 1 ms.
Seconds are those of this process, so that neighbours disturb less. Decisions with evidence are in `evidence`.

The questions are those of `evidence`, each about another issuer, asked in turn: no answer is used twice. Over HTTP they
go to the application in this process, without a socket: questions read from JSON, decided, written as JSON.
"""

import tempfile
from itertools import repeat
from pathlib import Path
from time import process_time
from typing import Any, Final

import trio

from accredit.registry.decision.decide import Query, decide
from accredit.registry.domain.records import Records
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.evidence.snapshot import Snapshot
from accredit.registry.limits import ACCREDITATION_PARTS, DELEGATION_DEPTH
from benchmarks.evidence import ISSUERS, SCOPE, hashes, questions, seconds_of, world
from benchmarks.harness import RUNS, Report
from tests.strategies import bodies
from tests.strategies.consortium import BUDGET, Consortium, key_entry
from tests.strategies.domain import COLLEGE, EARLY, ECOSYSTEM, ELSEWHERE, FRAMEWORK, NOW, World
from tests.strategies.noted import Held, trust
from tests.strategies.served import A, Served, empty
from tests.strategies.served import world as small_world
from tests.strategies.stories import C, delegate
from tests.strategies.stories import trio as three_bodies

TIMES: Final = 10
"""That each issuer is asked about in one run."""

BATCH: Final = 1_000

LINKED: Final = 29
"""Links of the competency asked about: as many as the best linked occupation of the crosswalk of ESCO and O*NET has."""


def asked_over_http() -> dict[str, Any]:
    """The body of one request."""
    one = {"achievement_type": "BachelorDegree", "jurisdiction": "US-IN"}
    return {"queries": [{**one, "issuer": _college(number % ISSUERS)} for number in range(BATCH)]}


def _college(number: int) -> str:
    return f"did:web:college{number}.example.edu"


def node(folder: Path) -> Served:
    """One that holds the issuers."""
    town = small_world()
    for number in range(ISSUERS):
        town.says(A, "issuer.register", bodies.register(_college(number), name=f"College {number}"))
        town.says(A, "accreditation.grant", bodies.grant(_college(number), scope=SCOPE))
    made = empty(folder, town)
    made.hears()
    return made


def in_process(report: Report) -> None:
    """`decide` over records in memory, and a snapshot asked."""
    held, asked = Held.of(world(ISSUERS).records()), questions(ISSUERS)
    snapshot = Snapshot.load(held.snapshot(NOW), trust(held, NOW), NOW)
    reader, number = held.reader(), TIMES * len(asked)
    assert all(snapshot.ask(query, NOW).authorized for query in asked)

    def decided() -> None:
        for query in asked:
            decide(query, reader, NOW, ecosystem_id=ECOSYSTEM)

    def answered() -> None:
        for query in asked:
            snapshot.ask(query, NOW)

    for name, work, bound in (
        ("decide, records in memory", decided, None),
        ("a verifier with a snapshot, in process", answered, 100_000),
    ):
        runs = [number / seconds_of(lambda work=work: [work() for _ in repeat(None, TIMES)]) for _ in range(RUNS)]  # type: ignore[misc]
        report.add(name, "/s", runs, at_least=bound)


def dearest_town() -> Consortium:
    """An issuer whose accreditations say as much as an answer looks at, by a delegate seven links down."""
    town = three_bodies()
    pen, _ = delegate(town, C, actions=["issuer.*", "accreditation.*", "authority.delegate"])
    for depth in range(DELEGATION_DEPTH - 2):
        by = f"https://deep{depth}.example/"
        below = town.pen(f"{by}#1", by)
        handed = [key_entry(below, budget=BUDGET // 4 ** (depth + 2))]
        town.says(
            pen, "authority.delegate", bodies.delegation(by, handed, actions=["accreditation.*", "authority.delegate"])
        )
        pen = below
    for number in range(ACCREDITATION_PARTS // 2):
        granted = town.says(pen, "accreditation.grant", bodies.grant(scope=SCOPE, valid_from=number))
        town.says(pen, "accreditation.status", bodies.event(granted.id, "suspend"), bodies.ISSUER)
    return town


def scopes_town() -> World:
    """An issuer with as many grants as an answer looks at, each of another scope, limited on most axes."""
    made = World()
    made.register(iat=EARLY)
    for number in range(ACCREDITATION_PARTS):
        scope = {
            "credential_types": ["OpenBadgeCredential"],
            "achievement_types": ["Badge", f"ext:{number}"],
            "jurisdictions": ["US-IN", "DE"],
            "levels": [{"scheme": "EQF", "min": 1, "max": 3}],
            "programs": [{"id": f"program {number}"}],
            "fields_of_study": [{"scheme": "cip", "code": "51"}],
        }
        made.grant(iat=EARLY, scope=scope)
    return made


def dearest(report: Report) -> None:
    """One question about each of these issuers, again and again."""
    fold = dearest_town().fold()
    assert fold.charter is not None
    suspended = Query(entity=bodies.ISSUER, authority=fold.charter.id, achievement_types=("Badge",))
    refused = Query(
        entity=COLLEGE,
        authority=ECOSYSTEM,
        achievement_types=("BachelorDegree",),
        jurisdiction="US-CA",
        level=("EQF", 6),
        program="none of them",
        field_of_study=("cip", "52"),
    )
    granted = Held.of(scopes_town().records()).reader()
    asked: tuple[tuple[str, Query, Records, CanonicalId, int], ...] = (
        ("grants of as many scopes, asked on most axes", refused, granted, ECOSYSTEM, ACCREDITATION_PARTS),
        ("suspended grants of a delegate seven links down", suspended, fold, fold.charter.id, ACCREDITATION_PARTS // 2),
    )
    for what, query, records, id, parts in asked:
        runs = []
        for _ in range(RUNS):
            times = []
            for _ in range(1_000):
                started = process_time()
                decision = decide(query, records, NOW, ecosystem_id=id)
                times.append(process_time() - started)
            assert len(decision.others) == parts - 1
            runs.append(1_000 * sorted(times)[989])
        report.add(f"decide, the dearest question that limits allow, p99: {parts} {what}", "ms", runs, at_most=1.0)


def crosswalked(report: Report) -> None:
    """A question about a competency that two mappings lead to, beside one about the competency that is granted."""
    made = World()
    made.register(iat=EARLY)
    made.grant(iat=EARLY, scope={"competencies": [f"{FRAMEWORK}/0"], "inherit_to_narrower": True})
    made.framework(iat=EARLY)
    far, between = f"{ELSEWHERE}/far", f"{ELSEWHERE}/between"
    others = [(far, "exact_match", f"{ELSEWHERE}/{number}") for number in range(LINKED)]
    made.mapping(*others, (far, "exact_match", between), (between, "exact_match", f"{FRAMEWORK}/2"), iat=EARLY)
    reader = Held.of(made.records()).reader()
    times: dict[str, float] = {}
    for name, uri in (("directly", f"{FRAMEWORK}/2"), ("across two mappings", far)):
        query = Query(entity=COLLEGE, authority=ECOSYSTEM, competencies=(CanonicalId(uri),))
        assert decide(query, reader, NOW, ecosystem_id=ECOSYSTEM).authorized
        runs = []
        for _ in range(RUNS):
            started = process_time()
            for _ in range(1_000):
                decide(query, reader, NOW, ecosystem_id=ECOSYSTEM)
            runs.append(process_time() - started)
        times[name] = min(runs)
        report.add(f"decide about a competency, {name}", "ms", runs, at_most=1.0)
    report.add("across two mappings, over directly", "times", [times["across two mappings"] / times["directly"]])


async def over_http(report: Report) -> None:
    """A thousand questions in one request."""
    with tempfile.TemporaryDirectory() as name:
        served, body = node(Path(name)), asked_over_http()
        answer = await served.post("/v1/decisions", body)
        assert all(one["authorized"] for one in answer.json()["decisions"])
        app, runs = served.app(), []
        for _ in range(RUNS):
            started = process_time()
            await served.ask("POST", "/v1/decisions", app, json=body)
            runs.append(BATCH / (process_time() - started))
        served.store.close()
    report.add(f"POST /v1/decisions, {BATCH:,} a batch", "decisions/s", runs, at_least=50_000)


def main() -> None:
    """Measures and reports."""
    report = Report("decisions")
    hashes(report)
    in_process(report)
    dearest(report)
    crosswalked(report)
    trio.run(over_http, report)
    report.finish()


if __name__ == "__main__":
    main()
