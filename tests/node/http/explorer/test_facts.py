"""What the pages say is what the registry holds: as of the day asked about, by the same decisions, each count right."""

import csv
import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from accredit.gossip.protocol.events import PeerStatistics
from accredit.governance.policy_renewal import export_policy
from accredit.node.http.explorer import facets
from accredit.node.http.explorer.frame import address
from accredit.node.http.explorer.pages import competencies
from accredit.node.http.explorer.phrases import LANGUAGE, load
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.evidence.check import check
from tests.strategies import bodies
from tests.strategies.consortium import START, seed_of
from tests.strategies.contradictions import forked_log
from tests.strategies.explored import BOARD, CARE, CLOSED, DAY, HOSTILE, NURSING, SCRIPT, SKILLS, WOUNDS, explored
from tests.strategies.pages_seen import see
from tests.strategies.served import ALIAS, COLLEGE, NOW, ORIGIN, PORT, A, B, Served
from tests.strategies.stories import annul

BROWSER = {"accept": "text/html"}
OPTION = re.compile(r'<option value="([^"]+)"[^>]*>[^<]*\((\d+)\)</option>')
ATOM = "{http://www.w3.org/2005/Atom}"


async def text(node: Served, path: str, **query: Any) -> str:
    answer = await node.get(address(path, **query), headers=BROWSER)
    assert answer.status_code == 200, answer.text
    return see(answer.text).text


async def rows(node: Served, table: str, path: str, **query: Any) -> list[dict[str, str]]:
    answer = await node.get(address(path, **query, download=f"{table}.csv"))
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))


async def test_an_issuer_is_shown_as_it_was_on_the_day_asked_about(shown: Served) -> None:
    async def status(day: str) -> str:
        (card,) = await rows(shown, "accreditations", "/explore/issuer", id=NURSING, at=day)
        return card["status"]

    assert await status("2015-01-01") == "not_yet"
    assert await status("2020-05-20") == "active"
    assert await status("2023-11-15") == "suspended"
    (today,) = await rows(shown, "accreditations", "/explore/issuer", id=NURSING)
    assert today["status"] == "active"
    past = await text(shown, "/explore/issuer", id=NURSING, at="2023-11-15")
    assert "Two cohorts were taught without a supervised practicum." in past
    assert load(LANGUAGE).issuer.later in past, "the lifting came a day after"


async def test_a_day_is_said_to_be_its_start_and_today_is_not_offered_as_one(shown: Served) -> None:
    """What changed today is not there yet at today's 00:00: a reader must not take that for the present state."""
    past = (await shown.get(address("/explore/issuer", id=NURSING, at="2023-11-15"), headers=BROWSER)).text
    assert "As of the start of 2023-11-15, 00:00 UTC" in see(past).text
    minute = await text(shown, "/explore/issuer", id=NURSING, at="2023-11-15T08:30:00Z")
    assert "As of 2023-11-15 08:30 UTC" in minute
    (picker,) = [one for one in see(past).all("input") if one.get("id") == "f-at"]
    assert picker["value"] == "2023-11-15"
    today = (await shown.get(address("/explore/issuer", id=NURSING), headers=BROWSER)).text
    (picker,) = [one for one in see(today).all("input") if one.get("id") == "f-at"]
    assert picker["value"] == "", "pressing the button at once shows the present again"


async def test_nothing_is_shown_as_of_a_day_to_come(shown: Served) -> None:
    now = await rows(shown, "accreditations", "/explore/issuer", id=NURSING)
    assert await rows(shown, "accreditations", "/explore/issuer", id=NURSING, at="2999-01-01") == now


async def test_the_history_tells_both_clocks_the_reason_and_every_vote(shown: Served) -> None:
    history = await rows(shown, "history", "/explore/issuer", id=NURSING)
    assert [one["event"] for one in history] == ["lift", "suspend", "registered", "key_add", "key_add", "granted"]
    lift, suspend = history[0], history[1]
    assert lift["took_effect"] > lift["stated"], "it was stated a day before it took effect"
    assert suspend["reason_code"] == "standards_noncompliance"
    assert lift["votes"] == f"Authority {B}: for"
    page = await text(shown, "/explore/issuer", id=NURSING)
    assert "We have seen the log of hours." in page
    assert "State Board of Nursing" in page


async def test_the_history_says_what_was_granted_and_what_an_amendment_made_of_it(tmp_path: Path) -> None:
    """Otherwise a reader sees that the terms changed, and has to read JSON to learn that licences are gone."""
    node = explored(tmp_path)
    grant = next(one for one in node.town.said if one.kind == "accreditation.grant" and one.sub == COLLEGE)
    fewer = {"achievement_types": ["Certificate"], "credential_types": "*", "jurisdictions": ["US-IN"]}
    terms = {"accreditation": grant.id, "after": [], "effective_from": node.town.time + 1, "valid_from": 0}
    node.town.says(A, "accreditation.amend", {**terms, "scope": fewer}, sub=COLLEGE)
    node.hears()
    told = {one["event"]: one["scope"] for one in await rows(node, "history", "/explore/issuer", id=COLLEGE)}
    assert told["amended"].startswith("The issuer may issue Certificate, as any type of credential, in US-IN")
    assert told["granted"].startswith("The issuer may issue ")
    assert told["granted"] != told["amended"]
    assert told["registered"] == ""
    assert load(LANGUAGE).event.amended in (page := await text(node, "/explore/issuer", id=COLLEGE))
    assert told["granted"][:60] in page
    amended = next(one for one in node.town.said if one.kind == "accreditation.amend" and one.sub == COLLEGE)
    assert told["amended"] in await text(node, "/explore/statement", id=amended.id.hex())


async def test_a_question_that_is_not_finished_shows_its_form_first(shown: Served) -> None:
    """`Ask about this issuer` leads here: what to do next stands before what cannot be decided yet."""
    words = load(LANGUAGE)
    begun = await text(shown, "/explore/decision", issuer=NURSING)
    assert begun.index(words.decision.for_hint) < begun.index(words.verdict.indeterminate)
    assert words.unchecked.achievement_types in begun
    asked = await text(shown, "/explore/decision", issuer=NURSING, **{"for": "License", "jurisdiction": "US-IN"})
    assert asked.index(words.decision.for_hint) > asked.index(words.decision.why)
    assert begun.count(words.decision.for_hint) == asked.count(words.decision.for_hint) == 1


async def test_the_command_that_is_said_to_verify_names_a_trust_policy(shown: Served) -> None:
    page = await text(shown, "/explore/decision", issuer=NURSING, **{"for": "License"})
    command = page[page.index("accredit query ") :].splitlines()[0]
    assert "--policy policy.txt" in command, "without a policy, accredit query takes the node's word"


async def test_what_was_annulled_or_is_void_stays_in_the_history_with_who_ended_it(tmp_path: Path) -> None:
    """People remember it, and would take a page that is silent about it for a page that hides it."""
    node = explored(tmp_path)
    town = node.town
    granted = town.says(A, "accreditation.grant", bodies.grant(PORT))
    gone = town.says(A, "accreditation.grant", bodies.grant(PORT, level="programmatic"))
    suspension = town.says(A, "accreditation.status", bodies.event(granted.id, "suspend", START), sub=PORT)
    key = {"issuer": PORT, "op": "compromise", "key_id": f"{PORT}#1"}
    wrong = [gone, suspension, town.says(A, "issuer.key", key, PORT)]
    wrong.append(town.says(A, "issuer.update", bodies.register(PORT, name="Wrong Name", after=[])))
    node.hears()
    for one in wrong:
        town.votes(B, annul(town, A, one))
    node.hears()
    history = await rows(node, "history", "/explore/issuer", id=PORT)
    ended = {one["event"]: one for one in history if one["ended"]}
    assert {one["statement"] for one in ended.values()} == {one.id.hex() for one in wrong}
    assert set(ended) == {"granted", "suspend", "key_compromise", "registered"}
    assert {(one["ended"], one["by"]) for one in ended.values()} == {("annulled", A)}
    assert all(one["ended_on"] and one["ended_by"] for one in ended.values())
    assert [one["ended"] for one in history if one["statement"] == granted.id.hex()] == [""]
    page = await text(node, "/explore/issuer", id=PORT)
    assert page.count("as if it had never been said") == len(wrong)


async def test_a_grant_that_came_together_with_its_annulment_is_in_the_history_and_has_a_timeline(
    tmp_path: Path,
) -> None:
    """It neither took effect nor ceased to at this node, so that only its annulment is in the feed of changes."""
    node = explored(tmp_path)
    gone = node.town.says(A, "accreditation.grant", bodies.grant(PORT, level="programmatic"))
    annulment = annul(node.town, A, gone)
    node.town.votes(B, annulment)
    node.hears()
    history = await rows(node, "history", "/explore/issuer", id=PORT)
    assert [one["ended"] for one in history if one["statement"] == gone.id.hex()] == ["annulled"]
    fed = await rows(node, "changes", "/explore/changes", sub=PORT)
    assert [one["statement"] for one in fed if one["kind"] == "statement.annul"] == [annulment.id.hex()]
    assert gone.id.hex() not in [one["statement"] for one in fed]
    for query in ({"sub": PORT}, {}):
        page = see((await node.get(address("/explore/changes", **query), headers=BROWSER)).text)
        assert address("/explore/statement", id=gone.id.hex()) in [link for link, _ in page.links]
        assert f"{load(LANGUAGE).kind.accreditation_grant}: " in page.text
    other = await rows(node, "changes", "/explore/changes", sub=COLLEGE)
    assert not [one for one in other if one["kind"] == "statement.annul"]
    odd = {"target": gone.id, "reason_code": "error"}
    node.town.votes(B, node.town.says(A, "statement.annul", odd, "not the id of a statement"))
    node.hears()
    assert (await node.get("/explore/changes", headers=BROWSER)).status_code == 200
    told = (await node.get("/v1/accreditation/timeline", params={"id": gone.id.hex()})).json()
    assert [(one["event"], one["ended"]["how"]) for one in told["events"]] == [("granted", "annulled")]


async def test_a_frameworks_page_lists_its_competencies_in_pages(
    shown: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(competencies, "ITEMS", 1)
    first = see((await shown.get(address("/explore/competencies", framework=SKILLS), headers=BROWSER)).text)
    links = [link for link, _ in first.links]
    assert address("/explore/competency", uri=CARE) in links
    assert "Cares for patients" in first.text
    assert "Dresses wounds" not in first.text
    following = address("/explore/competencies", framework=SKILLS, after=CARE)
    assert following in links
    last = await text(shown, following)
    assert "Dresses wounds" in last
    assert load(LANGUAGE).competencies.caption in last, "the framework stands above its later pages too"
    refused = await shown.get(address("/explore/competencies", framework=SKILLS, after="urn:x:none"))
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_query_parameter")


async def test_an_issuers_page_names_who_keeps_its_records_though_nobody_took_its_place(tmp_path: Path) -> None:
    """A learner of a closed school must find who answers for the transcripts."""
    node = explored(tmp_path)
    facts = bodies.register(PORT, name="Port Archive", custodian_for=[COLLEGE], after=[])
    assert load(LANGUAGE).issuer.keeper not in await text(node, "/explore/issuer", id=COLLEGE)
    node.town.says(A, "issuer.update", facts)
    node.hears()
    page = await text(node, "/explore/issuer", id=COLLEGE)
    assert f"{load(LANGUAGE).issuer.keeper}: Port Archive" in page
    assert load(LANGUAGE).issuer.successor not in page


async def test_a_statement_says_under_which_mandate_it_speaks_even_without_effect(tmp_path: Path) -> None:
    node = explored(tmp_path)
    town, words = node.town, load(LANGUAGE).statement
    board = next(one for one in town.said if one.kind == "authority.delegate" and one.body["delegate"] == BOARD)
    pen = town.pen("board", BOARD)
    idle = town.says(
        pen, "accreditation.grant", bodies.grant(PORT, scope=bodies.grant(PORT)["scope"] | {"jurisdictions": ["FR"]})
    )
    node.hears()
    for id in (idle.id, next(one.id for one in town.said if one.iss == BOARD)):
        page = see((await node.get(address("/explore/statement", id=id.hex()), headers=BROWSER)).text)
        assert words.mandate in page.text
        assert f"given by Authority {A}" in page.text
        assert "State Board of Nursing" in page.text
        assert address("/explore/statement", id=board.id.hex()) in [link for link, _ in page.links]
    assert load(LANGUAGE).effect.effective not in await text(node, "/explore/statement", id=idle.id.hex())
    charters = next(one.id for one in town.said if one.kind == "issuer.register" and one.iss == A)
    assert words.mandate not in await text(node, "/explore/statement", id=charters.hex())


async def test_each_event_says_how_it_ended(tmp_path: Path) -> None:
    """A reader would take a suspension of three years ago for one that lasts."""
    node = explored(tmp_path)
    town = node.town
    granted = town.says(A, "accreditation.grant", bodies.grant(PORT))
    said: list[Any] = []
    for name, more in (
        ("suspend", {}),
        ("lift", {}),
        ("condition", {"effective_until": START + 1}),
        ("appeal_open", {}),
    ):
        after = [one.id for one in said]
        said.append(
            town.says(A, "accreditation.status", bodies.event(granted.id, name, START, after=after, **more), sub=PORT)
        )
    node.hears()
    ended = {
        one["event"]: (one["ended"], one["ended_by"]) for one in await rows(node, "history", "/explore/issuer", id=PORT)
    }
    assert ended["suspend"][0] == "lift"
    assert ended["suspend"][1]
    assert ended["condition"] == ("lapsed", "")
    assert ended["lift"] == ended["granted"] == ended["appeal_open"] == ("", "")
    page = await text(node, "/explore/issuer", id=PORT)
    assert ": Measure lifted" in page
    assert "Ended by itself on" in page


async def test_a_long_history_is_paged_and_complete_in_the_table(tmp_path: Path) -> None:
    node = explored(tmp_path)
    for number in range(70):
        node.town.says(A, "issuer.update", bodies.register(PORT, name=f"Name {number}", after=[]))
    node.hears()
    first = await node.get(address("/explore/issuer", id=PORT), headers=BROWSER)
    assert len(first.content) <= 60 * 1024
    older = [link for link, rel in see(first.text).links if "skip=" in link and rel == "next"]
    second = await node.get(older[0], headers=BROWSER)
    assert see(second.text).text.count("Registered") + see(second.text).text.count("Entry updated") >= 30
    assert len(await rows(node, "history", "/explore/issuer", id=PORT)) == 72


async def test_an_issuer_is_found_by_whatever_people_have_at_hand(shown: Served) -> None:
    async def found(text: str) -> list[str]:
        return [one["id"] for one in await rows(shown, "issuers", "/explore/search", q=text)]

    for asked in ("meadow school", "Nursing, Inc", "151801", "03YRM5C26", "ror:03yrm5c26", "https://ror.org/03yrm5c26"):
        assert await found(asked) == [NURSING], asked
    assert await found("did:web:nursing") == [NURSING]
    assert COLLEGE in await found(ALIAS)
    assert await found("nobody at all") == []
    assert [one["id"] for one in await rows(shown, "issuers", "/explore/search", authority=BOARD)] == [NURSING]
    assert [one["id"] for one in await rows(shown, "issuers", "/explore/search", status="superseded")] == [CLOSED]


async def test_an_authoritys_page_says_how_long_votes_and_appeals_took(tmp_path: Path) -> None:
    node = explored(tmp_path)
    assert "Appeals on" not in await text(node, "/explore/authority", id=A)
    town = node.town
    held = town.says(A, "accreditation.grant", bodies.grant(PORT))
    town.time += 3 * DAY
    town.votes(B, held)
    refused = bodies.event(held.id, "suspend", town.time, reason_code="other", reason_text="x")
    suspended = town.says(A, "accreditation.status", refused, sub=PORT)
    opened = bodies.event(held.id, "appeal_open", town.time, after=[suspended.id])
    first = town.says(A, "accreditation.status", opened, sub=PORT)
    node.time = town.time + DAY
    node.hears()
    said = await text(node, "/explore/authority", id=A)
    assert "1 opened, 0 decided, 1 accreditations with one open" in said
    town.time += 2 * DAY
    node.time = town.time + DAY
    since = town.time
    decided = bodies.event(held.id, "appeal_decide", since, after=[first.id], reason_text="Heard.")
    town.says(A, "accreditation.status", decided, sub=PORT)
    node.hears()
    said = await text(node, "/explore/authority", id=A)
    assert "1 opened, 1 decided, 0 accreditations with one open" in said
    assert "Half of the decisions came within 2.0 days" in said
    (row,) = [
        one for one in await rows(node, "granted", "/explore/authority", id=A) if one["accreditation"] == held.id.hex()
    ]
    assert row["days_to_last_vote"] == "3.0"
    assert "voted on" in said


def counted(page: str) -> dict[str, dict[str, int]]:
    """For each field that narrows the search, its choices with the counts behind them."""
    found = {}
    for name in ("category", "status", "authority"):
        options = page.partition(f'name="{name}">')[2].partition("</select>")[0]
        found[name] = {value: int(count) for value, count in OPTION.findall(options)}
    found["jurisdiction"] = {
        value: int(count)
        for value, count in OPTION.findall(page.partition('<datalist id="places">')[2].partition("</datalist>")[0])
    }
    return found


async def test_each_choice_leaves_as_many_issuers_as_the_search_page_says(shown: Served) -> None:
    page = await shown.get("/explore/search?category=employer", headers=BROWSER)
    seen = 0
    for field, choices in counted(page.text).items():
        assert choices, field
        for value, count in choices.items():
            found = await rows(shown, "issuers", "/explore/search", limit=50, **{field: value})
            assert len(found) == count, f"{field}={value}"
            seen += count > 0
    assert seen > 10
    assert "fit that choice alone" in see(page.text).text


async def test_counts_of_a_part_are_said_to_be_of_a_part_and_follow_each_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = explored(tmp_path)
    app = node.app()

    async def page() -> str:
        answer = await node.ask("GET", "/explore/search", app, headers=BROWSER)
        assert answer.status_code == 200, answer.text
        return answer.text

    before = counted(await page())["category"]["employer"]
    node.town.says(A, "issuer.register", bodies.register("did:web:added.example", categories=["employer"]))
    node.hears()
    assert counted(await page())["category"]["employer"] == before + 1
    monkeypatch.setattr(facets, "LOOKED_AT", 3)
    node.time += 60
    shown = await page()
    assert "of the first 3 issuers" in see(shown).text
    assert max(counted(shown)["category"].values()) <= 3


async def test_what_a_text_names_exactly_comes_first(shown: Served) -> None:
    async def links(text: str) -> list[str]:
        page = see((await shown.get(address("/explore/search", q=text), headers=BROWSER)).text)
        return [link for link, _ in page.links]

    assert address("/explore/issuer", id=COLLEGE) in await links(ALIAS)
    assert address("/explore/authority", id=BOARD) in await links(BOARD)
    assert address("/explore/competency", uri=CARE) in await links(CARE)
    assert address("/explore/competencies", framework=SKILLS) in await links(SKILLS)
    genesis = shown.ecosystem.hex()
    assert address("/explore/statement", id=genesis) in await links(genesis)


async def test_who_is_not_listed_is_told_where_to_apply_and_that_it_can_be_proved(shown: Served) -> None:
    page = await shown.get(address("/explore/search", q="did:web:nobody.example"), headers=BROWSER)
    seen = see(page.text)
    assert load(LANGUAGE).search.empty in seen.text
    assert "https://board.example/apply" in [link for link, _ in seen.links]
    ask = address("/explore/decision", issuer="did:web:nobody.example")
    assert ask in [link for link, _ in seen.links]
    assert load(LANGUAGE).verdict.unknown_issuer in await text(
        shown, "/explore/decision", issuer="did:web:nobody.example"
    )


async def test_the_form_gets_the_answer_of_the_route_and_its_file_proves_it(shown: Served) -> None:
    question = {"issuer": NURSING, "achievement_type": "License", "jurisdiction": "US-IN", "issued_on": "2023-11-15"}
    told = (await shown.post("/v1/decisions", question)).json()
    form = {"issuer": NURSING, "for": "License", "jurisdiction": "US-IN", "on": "2023-11-15"}
    page = await text(shown, "/explore/decision", **form)
    assert load(LANGUAGE).verdict.word(told["verdict"]) in page
    for reason in told["reasons"]:
        assert all(line in page for line in reason["text"].split("\n"))
    answer = await shown.get(address("/explore/evidence", **form))
    assert answer.headers["content-disposition"] == 'attachment; filename="evidence.cbor"'
    checked = check(answer.content, None, export_policy(shown.fold, NOW), NOW)
    assert checked.decision is not None, checked.text
    assert checked.decision.verdict == told["verdict"]


async def test_questions_are_counted_like_any_other(tmp_path: Path) -> None:
    node = explored(tmp_path)

    def counted() -> float:
        return sum(sample.value for one in node.metrics.decisions.collect() for sample in one.samples)

    before = counted()
    await text(node, "/explore/decision", issuer=NURSING, **{"for": "License"})
    assert counted() > before


async def test_a_feed_tells_a_reader_of_one_issuer_and_of_nothing_else(shown: Served) -> None:
    answer = await shown.get(address("/v1/changes.atom", sub=NURSING))
    assert answer.headers["content-type"] == "application/atom+xml"
    feed = ElementTree.fromstring(answer.content)
    entries = feed.findall(f"{ATOM}entry")
    assert len(entries) == 4, "registered, accredited, suspended, lifted"
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(set(ids)) == len(ids)
    for needed in ("id", "title", "updated"):
        assert feed.findtext(f"{ATOM}{needed}")
        assert all(entry.findtext(f"{ATOM}{needed}") for entry in entries)
    unheard = ElementTree.fromstring(
        (await shown.get(address("/v1/changes.atom", sub="did:web:nobody.example"))).content
    )
    assert unheard.findall(f"{ATOM}entry") == []
    assert unheard.findtext(f"{ATOM}updated"), "a feed has a date before its first entry too"


async def test_hostile_names_are_text_in_a_feed(shown: Served) -> None:
    for id, name in HOSTILE.items():
        feed = ElementTree.fromstring((await shown.get(address("/v1/changes.atom", sub=id))).content)
        titles = [entry.findtext(f"{ATOM}title") or "" for entry in feed.findall(f"{ATOM}entry")]
        assert titles
        assert all(title.startswith(name) for title in titles)
        assert {one.tag.removeprefix(ATOM) for one in feed.iter()} <= {
            *("feed", "entry", "title", "id", "updated", "author", "name", "link", "summary")
        }


async def test_changes_are_paged_to_the_very_first(shown: Served) -> None:
    seen, path = [], "/explore/changes"
    while path:
        page = see((await shown.get(path, headers=BROWSER)).text)
        seen += [link for link, _ in page.links if link.startswith("/explore/statement?")]
        path = next((link for link, rel in page.links if rel == "next"), "")
    fed = shown.log.changes(0, 1_000)
    assert len(seen) == len(fed)
    assert shown.log.newest_changes(2, looked_at=10)[0][0] == fed[-1][0]
    assert shown.log.newest_changes(5, sub=NURSING, looked_at=1) == [], "it looks no further than it says"


async def test_a_competency_shows_its_parents_what_maps_to_it_and_who_may_attest_it(shown: Served) -> None:
    (entry,) = await rows(shown, "entries", "/explore/competency", uri=WOUNDS)
    assert (entry["label"], entry["parents"]) == ("Wound care", CARE)
    (mapped,) = await rows(shown, "mappings", "/explore/competency", uri=WOUNDS)
    assert (mapped["relation"], mapped["original"]) == ("close_match", "similarTo")
    attested = {one["id"] for one in await rows(shown, "attestors", "/explore/competency", uri=WOUNDS)}
    assert NURSING in attested, "narrower than what its accreditation names"
    listed = (await shown.get(address("/v1/competencies/issuers", uri=WOUNDS))).json()
    assert attested == {one["id"] for one in listed["issuers"]}


async def test_an_authority_shows_its_mandate_limits_keys_and_what_it_granted(shown: Served) -> None:
    page = await text(shown, "/explore/authority", id=BOARD)
    for said in ("accreditation.*", "jurisdictions: US", "https://board.example/appeal", "mailto:office@board.example"):
        assert said in page
    assert [one["issuer"] for one in await rows(shown, "granted", "/explore/authority", id=BOARD)] == [NURSING]
    (key,) = await rows(shown, "keys", "/explore/authority", id=BOARD)
    assert key["key"] == shown.town.pen("board").kid.hex()


async def test_a_statement_is_decoded_with_its_state_and_votes(shown: Served) -> None:
    lift = next(one for one in shown.town.said if one.body.get("event") == "lift")
    page = await text(shown, "/explore/statement", id=lift.id.hex())
    assert "The practicum was made up for." in page
    (vote,) = await rows(shown, "votes", "/explore/statement", id=lift.id.hex())
    assert (vote["by"], vote["approve"]) == (B, "True")
    rejected = next(one for one in shown.town.said if one.kind == "recognition.grant" and one.body["name"] == SCRIPT)
    assert load(LANGUAGE).effect.closed in await text(shown, "/explore/statement", id=rejected.id.hex())


async def test_the_log_is_shown_from_its_signed_end_to_its_beginning(shown: Served) -> None:
    indices, path = [], "/explore/log"
    while path:
        found = await shown.get(address(path.partition("?")[0], **_query(path), download="entries.csv"))
        indices += [int(one["index"]) for one in csv.DictReader(io.StringIO(found.text, newline=""))]
        page = see((await shown.get(path, headers=BROWSER)).text)
        path = next((link for link, rel in page.links if rel == "next"), "")
    assert indices == list(range(shown.store.size() - 1, -1, -1))


def _query(path: str) -> dict[str, str]:
    return dict([path.partition("?")[2].split("=")]) if "?" in path else {}


async def test_outcomes_count_what_is_there(shown: Served) -> None:
    def counts(found: list[dict[str, str]]) -> dict[str, int]:
        return {one["word"]: int(one["count"]) for one in found if one["count"] != "0"}

    statuses = counts(await rows(shown, "statuses", "/explore/outcomes"))
    assert statuses == {"active": 3, "warning": len(HOSTILE), "suspended": 1, "expired": 1, "superseded": 1}
    reasons = counts(await rows(shown, "reasons", "/explore/outcomes"))
    assert reasons == {"not_given": len(HOSTILE) + 1, "standards_noncompliance": 1, "merger": 1}
    kinds = await rows(shown, "categories", "/explore/outcomes")
    assert counts(kinds)["community_college"] == 1
    assert [one["count"] for one in kinds if one["word"] == "military"] == ["0"], "a kind that is missing is shown"


async def test_outcomes_say_how_long_it_took_from_detection_to_decision(tmp_path: Path) -> None:
    node = explored(tmp_path)
    grant = next(one for one in node.town.said if one.kind == "accreditation.grant" and one.sub == COLLEGE)
    detected = node.town.time + 1 - 3 * DAY
    body = bodies.event(grant.id, "suspend", node.town.time + 1, reason_code="fraud", detected_at=detected)
    node.town.says(A, "accreditation.status", body, sub=COLLEGE)
    node.hears()
    (span,) = [one for one in await rows(node, "spans", "/explore/outcomes") if one["word"] == "detection_to_decision"]
    assert (span["count"], span["median_days"]) == ("1", "3.0")
    assert "From finding the cause to the adverse decision" in await text(node, "/explore/outcomes")


async def test_the_nodes_page_says_who_vouches_since_when_and_who_lags(shown: Served) -> None:
    (signer,) = await rows(shown, "signers", "/explore/nodes")
    assert (signer["name"], signer["state"]) == (shown.name, "cosigned")
    (node,) = await rows(shown, "nodes", "/explore/nodes")
    assert node["state"] == "self"
    assert START < NOW


async def test_a_plus_in_a_programs_id_stays_a_plus_and_is_a_space_in_a_form(shown: Served) -> None:
    """A route for programs percent-encodes ids once; a browser writes a space as a plus."""
    routed = await shown.get("/v1/issuer?id=did:web:nursing+example")
    assert "did:web:nursing+example" in routed.json()["detail"]
    typed = await text(shown, "/explore/search", q="meadow school")
    spaced = see((await shown.get("/explore/search?q=meadow+school", headers=BROWSER)).text).text
    assert spaced == typed


async def test_a_node_that_lags_is_told_from_one_that_is_silent_and_a_liar_from_both(tmp_path: Path) -> None:
    node = explored(tmp_path)
    lagging = "other.example.org"
    entry = bodies.node(lagging, operator=A)
    node.town.votes(B, node.town.says(A, "node.admit", entry, sub=lagging))
    node.hears()

    async def state() -> str:
        found = await rows(node, "nodes", "/explore/nodes")
        return next(one["state"] for one in found if one["name"] == lagging)

    assert await state() == "unknown"
    peer = PeerStatistics(
        name=lagging,
        url=entry["url"],
        last_heard=None,
        in_sync=None,
        behind=0,
        queued=0,
        overflowed=0,
        failures=0,
        error="",
    )
    heard = replace(peer, last_heard=NOW * 1_000)
    for seen, wanted in (
        (peer, "silent"),
        (replace(heard, failures=3, error="refused"), "failing"),
        (replace(heard, lag=7), "lagging"),
        (heard, "in_step"),
        (replace(heard, distrusted_until=NOW * 1_000 + 5_000), "distrusted"),
    ):
        node.peers = (seen,)
        assert await state() == wanted
        assert load(LANGUAGE).node_state.word(wanted) in await text(node, "/explore/nodes")


async def test_a_contradiction_is_published_with_the_file_that_proves_it(tmp_path: Path) -> None:
    node = explored(tmp_path)
    lie = forked_log(ORIGIN, KeyPair(seed_of("log")))
    await node.runtime.accuse(lie.encode())
    (caught,) = await rows(node, "conflicts", "/explore/nodes")
    assert caught["name"] == ORIGIN
    page = see((await node.get("/explore/nodes", headers=BROWSER)).text)
    (link,) = [link for link, _ in page.links if link.startswith("/v1/conflicts/")]
    assert (await node.get(link)).content == lie.encode()


async def test_a_key_is_shown_with_the_window_in_which_it_may_be_believed(tmp_path: Path) -> None:
    node = explored(tmp_path)
    ended = {"issuer": NURSING, "op": "compromise", "key_id": f"{NURSING}#new", "compromised_since": START - 5 * DAY}
    node.town.says("board", "issuer.key", ended, sub=NURSING)
    node.hears()
    keys = {one["id"]: one for one in await rows(node, "keys", "/explore/issuer", id=NURSING)}
    assert keys[f"{NURSING}#new"]["compromised"].startswith("2023-11-09")
    assert keys[f"{NURSING}#old"]["until"].startswith("2023-11-14")
    page = await text(node, "/explore/issuer", id=NURSING)
    assert load(LANGUAGE).status.failed in page
    assert "Key compromised" in page
