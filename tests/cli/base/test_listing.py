"""No list stops in silence: the next page is asked for, and what is not shown is said to be there."""

import json
from itertools import count
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner

from accredit.cli.base.listing import first_of
from accredit.cli.main import accredit
from accredit.node.clients.node_client import NodeClient
from tests.strategies.answering_server import AnsweringServer, Asked, Reply

PAGE = 50
FRAMEWORKS = [
    {
        "id": f"https://f.example/{number:03}",
        "stated": [{"title": f"F{number}", "version": "1", "item_count": 1, "complete": True}],
    }
    for number in range(2 * PAGE + 1)
]


def pages(asked: Asked) -> Reply:
    """Frameworks, page after page, as a node serves them."""
    after = parse_qs(urlsplit(asked.target).query).get("after", [""])[0]
    rows = [row for row in FRAMEWORKS if str(row["id"]) > after]
    more = rows[PAGE - 1]["id"] if len(rows) > PAGE else None
    return Reply(200, json.dumps({"frameworks": rows[:PAGE], "next": more}).encode())


@pytest.mark.parametrize(
    ("there", "limit", "shown", "is_cut"), [(3, 2, 2, True), (2, 2, 2, False), (1, 2, 1, False), (5, None, 5, False)]
)
def test_a_list_that_is_cut_says_so_and_one_that_just_fits_does_not(
    there: int, limit: int | None, shown: int, is_cut: bool
) -> None:
    found = first_of(range(there), limit)
    assert (found.rows, found.is_cut) == (list(range(shown)), is_cut)


def test_no_more_is_asked_for_than_is_shown() -> None:
    assert first_of(count(), 3).rows == [0, 1, 2]


def test_all_pages_of_a_list_are_read_to_the_end() -> None:
    with AnsweringServer(pages) as server, NodeClient(server.url) as client:
        assert [row["id"] for row in client.every_framework()] == [row["id"] for row in FRAMEWORKS]


def test_more_than_a_page_is_listed_and_the_rest_is_named() -> None:
    def listed(*words: str) -> str:
        typed = ["framework", "list", *words, "--node", server.url]
        return CliRunner().invoke(accredit, typed, catch_exceptions=False).stdout

    with AnsweringServer(pages) as server:
        assert "The first 100; there are more" in listed()
        assert "there are more" not in listed("--all")
        found = json.loads(listed("--json"))
        assert (len(found["frameworks"]), found["more"]) == (100, True)
        found = json.loads(listed("--all", "--json"))
        assert (len(found["frameworks"]), found["more"]) == (len(FRAMEWORKS), False)
