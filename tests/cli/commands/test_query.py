"""Asking: the words of an answer, what to do next, the same as curl; and several nodes compared."""

import json
import shlex
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.cli.base.tables.layout import prose
from accredit.cli.verifying.decision_text import in_words_of
from accredit.cli.verifying.query_options import as_curl, build_question
from accredit.node.clients.node_client import NodeClient
from accredit.registry.decision.explanations import Audience, reason_for, verdict_for
from accredit.registry.decision.verdict import Verdict
from accredit.registry.errors import AccreditError, DecodeError, InputError
from tests.cli.town import Town
from tests.strategies import loopback


@pytest.mark.parametrize(
    ("word", "member", "value"),
    [
        ("BachelorDegree", "achievement_type", "BachelorDegree"),
        ("ext:Nanodegree", "achievement_type", "ext:Nanodegree"),
        ("achievementType:Degree", "achievement_type", "Degree"),
        ("credentialType:Badge", "credential_type", "Badge"),
        ("OpenBadgeCredential", "credential_type", "OpenBadgeCredential"),
        ("https://skills.example/1", "resource", "https://skills.example/1"),
        ("framework:https://skills.example/", "framework", "https://skills.example/"),
        (
            "urn:uuid:6e6b2c9e-0000-4000-8000-000000000000",
            "resource",
            "urn:uuid:6e6b2c9e-0000-4000-8000-000000000000",
        ),
    ],
)
def test_what_follows_for_is_told_apart(word: str, member: str, value: str) -> None:
    assert build_question("did:web:a.example", (word,), None, (), {}) == {"issuer": "did:web:a.example", member: value}


@pytest.mark.parametrize(
    ("word", "offered"), [("bachelordegree", "BachelorDegree"), ("Dgree", "Degree"), ("xyzzy", "")]
)
def test_a_mistyped_type_is_not_asked_about(word: str, offered: str) -> None:
    with pytest.raises(InputError) as caught:
        build_question("did:web:a.example", (word,), None, (), {})
    assert offered in caught.value.hint
    assert ("Did you mean" in caught.value.hint) is bool(offered)


@given(st.text(), st.text(), st.text())
def test_any_words_become_a_question_or_an_error_of_ours(issuer: str, wanted: str, on: str) -> None:
    try:
        question = build_question(issuer, (wanted,), on, (), {})
    except AccreditError:
        return
    assert question["issuer"]


def test_dates_and_several_types_are_asked_as_the_node_wants_them() -> None:
    question = build_question(
        "did:web:A.example#key-1",
        ("Degree", "Certificate"),
        "2015-05-20T02:00:00+02:00",
        ("urn:isbn:y",),
        {"action": "issue"},
    )
    assert question == {
        "issuer": "did:web:a.example",
        "achievement_type": ["Degree", "Certificate"],
        "competency": "urn:isbn:y",
        "issued_on": "2015-05-20T00:00:00Z",
    }


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_the_curl_command_is_one_that_a_shell_reads_back(value: str) -> None:
    words = shlex.split(as_curl("http://127.0.0.1:8080", {"issuer": value}))
    assert words[0] == "curl"
    assert json.loads(words[-1]) == {"issuer": value}


def test_the_curl_command_of_a_narrow_terminal_fits_and_is_the_same_to_a_shell() -> None:
    question = {"issuer": "did:web:college.example", "program": 'Nurses\' "Aide" $HOME \\'}
    asked = as_curl("http://127.0.0.1:8080", question, is_narrow=True)
    lines = asked.split("\n")
    assert max(map(len, lines)) <= 48, "the longest is the address"
    assert prose(asked, 40).split("\n") == lines
    shell = ["sh", "-c", f"curl() {{ printf '%s\\0' \"$@\"; }}; {asked}"]
    *words, body = subprocess.run(shell, capture_output=True, text=True, check=True).stdout.split("\0")[:-1]
    assert words == ["-s", "http://127.0.0.1:8080/v1/decisions", "-H", "content-type: application/json", "-d"]
    assert json.loads(body) == question


@pytest.fixture(scope="module")
def college(town: Town) -> str:
    issuer = "did:web:college.example"
    text = town.run("accreditation", "template").stdout.replace("# valid_until = 2031", "valid_until = 2031")
    grant = town.write("college.toml", text)
    town.run("issuer", "propose", "--id", issuer, "--name", "Example College", key="charity")
    id_ = town.json("accreditation", "propose", grant, "--issuer", issuer, key="charity")["statements"][0]["id"]
    town.settle(id_)
    return issuer


def test_a_yes_says_who_why_until_when_and_what_to_do_next(town: Town, college: str) -> None:
    result = town.run(
        "query",
        college,
        "--for",
        "BachelorDegree",
        "--on",
        "2026-05-20",
        "--jurisdiction",
        "US-IN",
        nodes=town.urls[:1],
    )
    lines = result.stdout
    assert lines.startswith("Trusted")
    assert "Example College" in lines
    assert "Open Charity: accredit, from 2026-01-01 until 2031-01-01" in lines
    assert "Open Charity ← the charter" in lines
    assert "valid until" in lines
    assert "Check the credential itself" in lines
    _, _, url, _, header, _, body = shlex.split(lines[lines.index("curl ") :])
    answer = loopback.post(url, content=body, headers=dict([header.split(": ")]))
    assert answer.json()["verdict"] == "trusted_with_advisory"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("did:web:nobody.example", "--for", "Degree"), ("Unknown issuer", "accredit issuer list --name nobody")),
        (("https://www.nobody.example/", "--for", "Degree"), ("Unknown issuer", "accredit issuer list --name nobody")),
        (("did:web:college.example", "--for", "DoctoralDegree"), ("Not trusted", "DoctoralDegree")),
        (("did:web:college.example",), ("Undecided", "Add details: --for TYPE")),
        (("did:web:college.example", "--for", "Degree", "--jurisdiction", "FR"), ("Not trusted",)),
        (("did:web:college.example", "--for", "BachelorDegree", "--on", "2020-01-01"), ("Not trusted",)),
    ],
)
def test_a_no_ends_with_one_and_says_what_to_do(
    town: Town, college: str, words: tuple[str, ...], says: tuple[str, ...]
) -> None:
    assert college
    result = town.run("query", *words, code=1, nodes=town.urls[:1])
    for part in says:
        assert part in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize("audience", Audience)
def test_an_answer_is_explained_in_the_words_of_its_reader(town: Town, college: str, audience: Audience) -> None:
    words = ("query", college, "--for", "DoctoralDegree", "--audience", audience)
    shown = " ".join(town.run(*words, code=1, nodes=town.urls[:1]).stdout.split())
    verdict = verdict_for(Verdict.NOT_TRUSTED, audience)
    reason = reason_for("achievement_types_not_covered", audience)
    assert reason is not None
    for sentence in (*verdict, *reason, "It does not cover the achievement type DoctoralDegree"):
        assert sentence in shown
    told = town.json(*words, code=1, nodes=town.urls[:1])["explanation"]
    assert (told["audience"], told["sentence"]) == (audience, verdict.sentence)
    if audience is Audience.EMPLOYER:
        assert town.json(*words[:-1], "recruiter", code=1, nodes=town.urls[:1])["explanation"] == told
    assert "Invalid value for '--audience'" in town.run("query", college, "--audience", "crowd", code=2).stderr


def test_a_verdict_of_a_later_version_is_shown_as_it_is() -> None:
    answer = {"verdict": "trusted_tomorrow", "reasons": []}
    assert in_words_of(Audience.LEARNER, answer) == answer


def test_a_question_that_cannot_be_understood_is_an_error_and_no_answer(town: Town, college: str) -> None:
    for words in (
        ("not a did",),
        (college, "--on", "yesterday"),
        (college, "--field", "xyz"),
        (college, "--level", "9"),
    ):
        result = town.run("query", *words, code=3, nodes=town.urls[:1])
        assert result.stdout == ""
        assert result.stderr.startswith("Error:")
    assert "does not answer for" in town.run("query", college, "--authority", "did:web:x.example", code=3).stderr


def test_several_nodes_are_compared_and_one_that_is_down_is_named(town: Town, college: str) -> None:
    words = ("query", college, "--for", "BachelorDegree")
    assert "The nodes agree." in town.run(*words).stdout
    both, one = town.json(*words), town.json(*words, nodes=town.urls[:1])
    assert both["agree"]
    assert [answer["node"] for answer in both["answers"]] == town.urls
    assert both.keys() == one.keys(), "one shape for one node and for many"
    assert (both["verdict"], both["authorized"]) == (one["verdict"], one["authorized"])
    assert one["answers"][0]["decision"]["verdict"] == one["verdict"]
    down = town.run(*words, nodes=[town.urls[0], "http://127.0.0.1:9"])
    assert "could not be reached" in down.stderr
    town.run(*words, nodes=["http://127.0.0.1:9"], code=5)


def test_where_nodes_differ_the_more_cautious_answer_is_shown_and_the_answer_is_no(
    town: Town, college: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = NodeClient.decide

    def lying(self: NodeClient, query: Any) -> dict[str, Any]:
        answer = decide(self, query)
        if self.url == town.urls[1]:
            answer |= {"verdict": "not_trusted", "authorized": False, "accreditations": []}
        return answer

    monkeypatch.setattr(NodeClient, "decide", lying)
    result = town.run("query", college, "--for", "BachelorDegree", code=1)
    assert result.stdout.startswith("The nodes give different answers")
    assert "Not trusted" in result.stdout


def test_a_name_typed_for_an_id_is_told_where_to_search() -> None:
    with pytest.raises(InputError) as refused:
        build_question("Harbour College", ("Degree",), None, (), {})
    assert refused.value.hint == "Search: accredit issuer list --name 'Harbour College'"


@pytest.mark.parametrize(
    ("competencies", "axes", "told"),
    [
        ((), {"authority": "University Council"}, "accredit authority list"),
        ((), {"framework": "Basic Skills"}, "accredit framework list"),
        (("Active listening",), {}, "by which the credential names it"),
    ],
)
def test_a_name_typed_for_an_axis_is_told_where_its_id_stands(
    competencies: tuple[str, ...], axes: dict[str, str], told: str
) -> None:
    with pytest.raises(DecodeError, match="perhaps it is a name") as refused:
        build_question("did:web:a.example", (), None, competencies, axes)
    assert told in refused.value.hint


def test_an_id_that_is_nearly_a_registered_one_is_offered() -> None:
    from accredit.cli.base.ids import near
    from tests.strategies.answering_server import AnsweringServer, Reply

    ids = ["did:web:uni.example", "did:web:college.example", "did:web:far-away.example"]
    page = {"issuers": [{"id": one} for one in ids], "next": None}
    with AnsweringServer(lambda _: Reply(200, json.dumps(page).encode())) as server, NodeClient(server.url) as client:
        assert near(client, "did:wbe:college.example") == ["did:web:college.example"]
        assert near(client, "did:web:colege.example")[0] == "did:web:college.example"
        assert near(client, "did:key:z6Mk") == []
