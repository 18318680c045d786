"""How fast answers are proved and checked.

Targets (performance.md): 5,000 decisions a second with full evidence; 10,000 a second checked offline once their note
is read; a proof of at most 1 KiB at 10^6 issuers. Seconds are those of this process, so that neighbours disturb less.

Records are those of `ISSUERS` issuers with one accreditation each; the map over them is filled up with leaves of nobody
to as many as that many issuers would have, so that proofs are as long as they would be. Every question is about another
issuer, and only the last few are remembered, so each is new but in the rows that say otherwise. Besides, what it rests
on: SHA-256 of 65 bytes, of which a proof of twenty siblings takes twenty.
"""

import gc
from collections.abc import Callable
from hashlib import sha256
from itertools import count, islice, repeat
from time import process_time
from typing import Any, Final

from accredit.governance.records.encoded_records import record_of
from accredit.registry.decision.query import Query
from accredit.registry.domain.record_types import Record
from accredit.registry.evidence.check import EvidenceChecker, check
from accredit.registry.evidence.prove import Prover
from accredit.registry.evidence.proved_records import Mapped
from accredit.registry.evidence.state_check import CheckResult
from accredit.registry.transparency.state_map import Trie
from benchmarks.harness import RUNS, Report
from tests.strategies.domain import EARLY, ECOSYSTEM, NOW, World, at
from tests.strategies.noted import Held, trust

ISSUERS: Final = 500
"""With records of their own: each is asked about once in a run."""

SIZES: Final = (10**4, 10**5, 10**6)
"""Issuers that the map is as deep as; each has a leaf of its own and one for its accreditation."""

SCOPE: Final[dict[str, Any]] = {"achievement_types": ["Degree"], "credential_types": "*", "jurisdictions": ["US-IN"]}


def seconds_of(work: Callable[[], object]) -> float:
    """Of this process, which `work` takes, without the garbage collector."""
    gc.collect()
    gc.disable()
    try:
        started = process_time()
        work()
        return process_time() - started
    finally:
        gc.enable()


def hashes(report: Report) -> None:
    """What a machine is measured by."""
    data = bytes(65)
    found = [seconds_of(lambda: [sha256(one).digest() for one in repeat(data, 100_000)]) for _ in range(RUNS)]
    report.add("SHA-256 of 65 bytes", "/s", [100_000 / seconds for seconds in found])


def world(issuers: int) -> World:
    """Colleges with one accreditation each, as real ones are: some facts, a scope of three axes, an end."""
    made = World()
    for number in range(issuers):
        id = f"did:web:college{number}.example.edu"
        identifiers = [{"scheme": "ror", "value": f"0{number:05}a12".replace("1", "b")[:7] + "12"}]
        made.register(id, name=f"College {number}", jurisdictions=["US-IN"], iat=EARLY, identifiers=identifiers)
        made.grant(id, iat=EARLY, scope=SCOPE, valid_until=at("2030-01-01"))
    return made


def questions(issuers: int) -> list[Query]:
    """One about each issuer: a bachelor's degree of some years ago."""
    return [
        Query(
            entity=f"did:web:college{number}.example.edu",
            authority=ECOSYSTEM,
            achievement_types=("BachelorDegree",),
            jurisdiction="US-IN",
            time=at("2015-05-20"),
        )
        for number in range(issuers)
    ]


def filled(trie: Trie, leaves: int) -> Trie:
    """The same with leaves of nobody added, `leaves` in all."""
    surplus = ((key, key) for key in (sha256(number.to_bytes(8, "big")).digest() for number in count()))
    return Trie([*trie.items(), *islice(surplus, leaves - len(trie))])


class Noted(Mapped):
    """A noted state as a node holds it: encoded."""

    def __init__(self, held: Held) -> None:
        super().__init__(held.reader(), held.trie)
        self._raws = held.raws()

    def encoded(self, type: str, id: str) -> tuple[bytes, Record] | None:
        """See `Proving`."""
        raw = self._raws.get((type, id))
        return None if raw is None else (raw, record_of(raw))


def of_size(report: Report, held: Held, asked: list[Query], issuers: int) -> None:
    """Makes and checks evidence under a map of that many issuers."""
    policy, note = trust(held, NOW), held.note(NOW)
    prover = Prover(
        Noted(held),
        statements_root=held.statements_root,
        note=note,
        ecosystem_id=ECOSYSTEM,
    )

    def make() -> list[bytes]:
        return [prover.answer(query, NOW)[1].encode() for query in asked]

    files = make()
    checker = EvidenceChecker(policy)

    def check_all() -> None:
        for data, query in zip(files, asked, strict=True):
            assert checker.check(data, query, NOW).result is CheckResult.VERIFIED

    check_all()
    what = f"{issuers:,} issuers"
    report.add(
        f"answers with evidence made, {what}",
        "/s",
        [len(asked) / seconds_of(make) for _ in range(RUNS)],
        at_least=5_000,
    )
    report.add(
        f"evidence checked, its note read, {what}",
        "/s",
        [len(asked) / seconds_of(check_all) for _ in range(RUNS)],
        at_least=10_000,
    )
    some = list(zip(files, asked, strict=True))[:100]
    for name, work in (
        ("answers with evidence made", lambda: [prover.answer(query, NOW)[1].encode() for _, query in some]),
        ("evidence checked", lambda: [checker.check(data, query, NOW) for data, query in some]),
    ):
        work()
        runs = [len(some) / seconds_of(work) for _ in range(RUNS)]
        report.add(f"{name}, issuers asked about before, {what}", "/s", runs)
    alone = [seconds_of(lambda: [check(data, query, policy, NOW) for data, query in some]) for _ in range(RUNS)]
    report.add(f"evidence checked, note and all, {what}", "/s", [len(some) / seconds for seconds in alone])
    _, evidence = prover.answer(asked[0], NOW)
    report.add(
        f"longest proof of a record, {what}", "bytes", [max(len(one.proof) for one in evidence.records)], at_most=1024
    )
    report.add(f"evidence file, {what}", "bytes", [len(files[0])])


def main() -> None:
    """Measures and reports."""
    report = Report("evidence")
    hashes(report)
    held, asked = Held.of(world(ISSUERS).records()), questions(ISSUERS)
    bare = held.trie
    for issuers in SIZES:
        held.trie = filled(bare, 2 * issuers)
        of_size(report, held, asked, issuers)
    report.finish()


if __name__ == "__main__":
    main()
