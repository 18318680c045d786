"""Receipts and transparent statements, checked by libraries that are not ours: pycose and cwt."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from accredit.registry.encoding.ed25519 import public_of
from accredit.registry.transparency.merkle import root
from accredit.registry.transparency.scitt_receipts import attach
from tests.strategies.domain import HLC, seed_of
from tests.strategies.environments import ROOT, environment, run
from tests.strategies.receipts import ORIGIN, SEED, STATEMENTS, growth, log_of, receipt_for

pytestmark = pytest.mark.no_cover

SCRIPT = str(ROOT / "tests" / "outside" / "receipts.py")
SIZE = len(STATEMENTS)
Case = dict[str, Any]


@pytest.fixture(scope="module")
def python() -> Path:
    return environment("cose")


def judged(python: Path, cases: Sequence[Case]) -> list[str | None]:
    """What is wrong with each, as the others see it; null where nothing is."""
    common = {"log": public_of(SEED).hex(), "origin": ORIGIN, "issuer": public_of(seed_of(HLC)).hex()}
    found = json.loads(run(python, SCRIPT, stdin=json.dumps([{**common, **case} for case in cases])))
    assert len(found) == len(cases)
    return list(found)


def receipt(index: int, size: int = SIZE) -> Case:
    data = receipt_for(index, size)
    return {"form": "receipt", "data": data.hex(), "statement": STATEMENTS[index].hex()}


def grown(old: int, new: int) -> Case:
    roots = {"old_root": root(old, log_of(old)).hex(), "new_root": root(new, log_of(new)).hex()}
    return {"form": "growth", "data": growth(old, new).hex(), **roots}


def transparent(index: int) -> Case:
    data = attach(STATEMENTS[index], [receipt_for(index), receipt_for(index, index + 2)])
    return {"form": "transparent", "data": data.hex(), "statement": STATEMENTS[index].hex()}


def every_byte_changed(case: Case) -> list[Case]:
    data = bytes.fromhex(case["data"])
    masks = (1 << at % 8 for at in range(len(data)))
    changed = [data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :] for at, mask in enumerate(masks)]
    return [{**case, "data": one.hex()} for one in changed]


def test_every_receipt_of_a_log_holds_for_other_libraries(python: Path) -> None:
    receipts = [receipt(index, size) for size in range(2, SIZE + 1) for index in range(size)]
    assert judged(python, receipts) == [None] * len(receipts)
    growths = [grown(old, new) for new in range(2, SIZE + 1) for old in range(1, new)]
    assert judged(python, growths) == [None] * len(growths)


def test_a_transparent_statement_holds_for_other_libraries_with_all_its_receipts(python: Path) -> None:
    statements = [transparent(index) for index in range(SIZE - 1)]
    assert judged(python, statements) == [None] * len(statements)


def test_a_receipt_of_another_statement_log_or_key_is_refused_by_other_libraries_too(python: Path) -> None:
    good = receipt(2)
    said = judged(
        python,
        [
            {**good, "statement": STATEMENTS[3].hex()},
            {**good, "origin": "log.example/2"},
            {**good, "log": public_of(seed_of("other")).hex()},
            {**grown(3, SIZE), "old_root": root(2, log_of(2)).hex()},
            {**transparent(2), "statement": STATEMENTS[3].hex()},
            {**transparent(2), "issuer": public_of(seed_of("other")).hex()},
            {**good, "form": "growth", "old_root": "00", "new_root": "00"},
        ],
    )
    assert said == [
        "the claims are not issuer and subject",
        "the claims are not issuer and subject",
        "the key id is not the log's thumbprint",
        "the path leads to other roots",
        "it is around another statement",
        "the signature does not verify",
        "the claims are not issuer and subject",
    ]


@pytest.mark.parametrize("case", [receipt(2), grown(3, SIZE), transparent(2)], ids=lambda case: str(case["form"]))
def test_every_changed_byte_is_refused_by_other_libraries_too(python: Path, case: Case) -> None:
    mutated = every_byte_changed(case)
    survived = [one for one, wrong in zip(mutated, judged(python, mutated), strict=True) if wrong is None]
    # The sizes beside a path are signed by nobody: of those that give a path of one shape a receipt cannot tell.
    assert len(survived) <= 4, [one["data"] for one in survived]
    assert all(len(one["data"]) == len(case["data"]) for one in survived)
