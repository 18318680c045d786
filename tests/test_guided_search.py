"""Every decoder, and each JSON question, searched for inputs that it trips over: guided by what runs.

The same is asked as in `test_decoders`: nothing is raised but what is ours, and what is accepted says nothing that was
not signed. There each change is blind; here what reaches a new line is changed further (`tests.strategies.guided`).
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from random import Random
from typing import Any, Final

import pytest

from accredit.node.http.handling.request_reading import convert, decode_json
from accredit.node.questions import Question, query_of
from accredit.registry.decision.decide import decide
from accredit.registry.errors import AccreditError
from tests.strategies.domain import ECOSYSTEM, NOW
from tests.strategies.guided import guided
from tests.strategies.mutants import json_mutants
from tests.test_decoders import HELD, JSON_BODIES, SEED, TABLE, Row, strike

USUAL: Final = 40
"""Inputs for each row in a usual run: it watches every line, which makes it some twenty times as slow."""
WIDE: Final = 3_000


def _in_json(data: bytes, random: Random, count: int) -> Iterator[bytes]:
    return json_mutants(json.loads(data), random, count)


def _question(data: bytes) -> object:
    query = query_of(convert(decode_json(data), Question), ECOSYSTEM)
    return decide(query, HELD.reader(), NOW, ecosystem_id=ECOSYSTEM).verdict and None


ROWS: Final[dict[str, Row]] = {
    **TABLE,
    **{
        f"JSON question {number}": Row(
            good=json.dumps(body).encode(), says=_question, mutate=_in_json, signed=False, covers=()
        )
        for number, body in enumerate(JSON_BODIES["/v1/decisions"]["queries"], 1)
    },
}


def search(name: str, count: int, seed: int) -> int:
    """Searches one row; how many steps of the program were taken."""
    row = ROWS[name]
    said = row.says(row.good)

    def run(data: bytes) -> None:
        says, error = strike(row, data)
        if error is not None:
            assert not row.silent, f"seed {seed}: it promised to raise nothing: {error!r} ({data.hex()})"
        else:
            assert says is None or not row.signed or says == said, f"seed {seed}: nobody signed that: {data.hex()}"

    found = guided(row.good, row.mutate, run, Random(seed), count)
    assert found.kept > 0, "nothing reached anything new: the search is not guided"
    return found.steps


@pytest.mark.parametrize("name", ROWS)
def test_a_guided_search_finds_nothing_that_a_decoder_trips_over(name: str) -> None:
    assert search(name, USUAL, SEED) > 10


@pytest.mark.nightly
@pytest.mark.parametrize("name", ROWS)
def test_a_wide_guided_search_finds_nothing_that_a_decoder_trips_over(name: str) -> None:
    search(name, WIDE, Random().randrange(2**32))


class _Tripped(Exception):
    pass


def nested(data: bytes) -> None:
    """A reader with a fault behind four checks of one byte each, in a row."""
    if data[:1] != b"a":
        return
    if data[1:2] != b"z":
        return
    if data[2:3] != b"q":
        return
    if data[3:4] == b"k":
        raise _Tripped


def one_byte(data: bytes, random: Random, count: int) -> Iterator[bytes]:
    for _ in range(count):
        at = random.randrange(len(data))
        yield data[:at] + bytes([random.randrange(97, 123)]) + data[at + 1 :]


def test_a_fault_behind_several_checks_is_found_by_guidance_and_not_by_chance() -> None:
    def here(name: str) -> bool:
        return name == __file__

    def nowhere(name: str) -> bool:
        del name
        return False

    with pytest.raises(_Tripped):
        guided(b"xxxx", one_byte, nested, Random(7), 20_000, is_ours=here)
    guided(b"xxxx", one_byte, nested, Random(7), 20_000, is_ours=nowhere)


def test_a_search_with_one_seed_is_always_the_same() -> None:
    def steps(seed: int) -> Any:
        row = ROWS["checkpoint"]
        tried: list[bytes] = []

        def run(data: bytes) -> None:
            tried.append(data)
            with suppress(AccreditError):
                row.says(data)

        return guided(row.good, row.mutate, run, Random(seed), 60), tried

    assert steps(5) == steps(5)
    assert steps(5)[1] != steps(6)[1]
