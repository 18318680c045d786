"""What was said can be read, and what is said now is taken in or refused, each for itself."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from accredit.node.http.app import URGENT_PER_MINUTE
from accredit.node.http.forwarded import networks
from accredit.node.http.handling import turns
from accredit.node.http.handling.foresight import ALIKE
from accredit.node.http.handling.rate_limit import KEY_SHARES
from accredit.node.http.routes import many_statements
from accredit.node.http.routes.statements import AHEAD_SECONDS, split_sequence
from accredit.registry.encoding.cbor import decode as decode_cbor
from accredit.registry.encoding.cbor import encode
from accredit.registry.errors import DecodeError, InputError
from tests.strategies import bodies
from tests.strategies.consortium import Consortium
from tests.strategies.served import COLLEGE, NOW, A, B, Served, ask_raw, empty, served

COSE, SEQUENCE, CBOR = "application/cose", "application/cbor-seq", "application/cbor"


@pytest.fixture
def fresh(tmp_path: Path) -> Served:
    return served(tmp_path)


async def send(node: Served, body: bytes, media_type: str = COSE, path: str = "/v1/statements") -> Any:
    return await node.ask("POST", path, content=body, headers={"content-type": media_type})


def registration(town: Consortium, name: str = "New") -> bytes:
    return town.says(A, "issuer.register", bodies.register(f"did:web:{name.lower()}.example", name=name)).raw


async def test_a_statement_is_logged_and_answered_for_under_a_signed_checkpoint(fresh: Served) -> None:
    raw = registration(fresh.town)
    answer = (await send(fresh, raw)).json()
    (row,) = answer["statements"]
    assert row["status"] == "logged"
    assert fresh.store.entry(row["index"]) == raw
    assert answer["checkpoint"].splitlines()[1] == str(fresh.store.size())
    assert (await fresh.get("/v1/issuer", params={"id": "did:web:new.example"})).status_code == 200
    again = (await send(fresh, raw)).json()["statements"][0]
    assert (again["status"], again["index"]) == ("known", row["index"])


async def test_a_statement_is_found_by_the_beginning_of_its_id_whatever_became_of_it(fresh: Served) -> None:
    held = [id.hex() for id in fresh.store.ids(0, fresh.store.size())]

    async def found(begin: str) -> Any:
        return (await fresh.get("/v1/statements", params={"begin": begin})).json()

    for id in held:
        assert await found(id[:9]) == {"ids": [id], "more": False}
    for number in range(25):
        assert (await send(fresh, registration(fresh.town, f"Many{number}"))).status_code == 200
    crowd = [await found(digit) for digit in "0123456789abcdef"]
    now = sorted(id.hex() for id in fresh.store.ids(0, fresh.store.size()))
    assert [id for one in crowd for id in one["ids"]] == now
    assert (await found("0" * 64))["ids"] == []
    wrong = await fresh.get("/v1/statements", params={"begin": "xyz"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "bad_id")
    assert (await fresh.get("/v1/statements")).status_code == 400


async def test_of_several_each_has_its_answer_in_its_place(fresh: Served) -> None:
    good, other = registration(fresh.town, "One"), Consortium.of((A, "nonprofit"), name="Elsewhere")
    stranger = other.genesis.raw
    broken = good[:-1] + bytes([good[-1] ^ 1])
    size = fresh.store.size()
    answer = (await send(fresh, stranger + good, SEQUENCE)).json()
    assert [row["status"] for row in answer["statements"]] == ["refused", "logged"]
    assert answer["statements"][0]["problem"]["code"] == "wrong_ecosystem"
    assert fresh.store.size() == size + 1
    late = registration(fresh.town, "Two")
    answer = (await send(fresh, late[:-1] + bytes([late[-1] ^ 1]) + late, SEQUENCE)).json()
    assert [row["status"] for row in answer["statements"]] == ["refused", "logged"]
    assert broken != good


@asynccontextmanager
async def turns_of_others() -> AsyncIterator["count[int]"]:
    """Counts the turns that another task has meanwhile: the next number is how many."""
    had = count()

    async def others() -> None:
        while True:
            await trio.lowlevel.checkpoint()
            next(had)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(others)
        yield had
        nursery.cancel_scope.cancel()


async def test_others_have_turns_while_many_forged_statements_are_read(
    fresh: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their sender has paid nothing yet, and names whatever key it likes."""
    monkeypatch.setattr(turns, "TURN_SECONDS", 0.0)
    good, many = registration(fresh.town), 100
    forged = b"".join(good[:-2] + number.to_bytes(2, "big") for number in range(many))
    async with turns_of_others() as had:
        answer = (await send(fresh, forged, SEQUENCE)).json()
    assert {row["status"] for row in answer["statements"]} == {"refused"}
    assert next(had) >= many // 2


async def test_one_refused_statement_is_a_problem_and_nothing_is_stored(fresh: Served) -> None:
    raw = registration(fresh.town)
    size = fresh.store.size()
    response = await send(fresh, raw[:-1] + bytes([raw[-1] ^ 1]))
    assert (response.status_code, response.json()["code"]) == (422, "bad_signature")
    response = await send(fresh, b"\xd2\x84")
    assert response.status_code == 400
    response = await send(fresh, b"\xd2" + bytes(20_000))
    assert response.status_code == 413, "16 KiB at most"
    assert fresh.store.size() == size


async def test_what_is_dated_ahead_is_refused_at_the_door_and_no_set_depends_on_a_clock(fresh: Served) -> None:
    """A key that once signed a date of 2046 dates all that it says afterwards so."""
    town, limit = fresh.town, NOW + AHEAD_SECONDS
    late = town.says(B, "issuer.register", bodies.register("did:web:late.example"), iat=limit + 1)
    refused = await send(fresh, late.raw)
    assert (refused.status_code, refused.json()["code"]) == (422, "dated_ahead")
    assert "by this node's clock it is" in refused.json()["detail"]
    assert late.id not in fresh.engine
    soon = town.says(A, "issuer.register", bodies.register("did:web:soon.example"), iat=limit)
    rows = (await send(fresh, soon.raw + late.raw, SEQUENCE)).json()["statements"]
    assert [row["status"] for row in rows] == ["logged", "refused"]
    assert rows[1]["problem"]["code"] == "dated_ahead"
    assert [one.status for one in fresh.take([late.raw])] == ["logged"], "what other nodes bring is taken"
    after = town.says(B, "issuer.register", bodies.register("did:web:after.example"), iat=late.iat)
    assert (await send(fresh, after.raw)).status_code == 200, "its key can say nothing earlier"


async def test_no_suspension_waits_for_a_clock(fresh: Served) -> None:
    granted = fresh.town.says(A, "accreditation.grant", bodies.grant(COLLEGE))
    body = bodies.event(granted.id, "suspend", NOW)
    suspended = fresh.town.says(A, "accreditation.status", body, COLLEGE, iat=NOW + 86_400)
    rows = (await send(fresh, granted.raw + suspended.raw, SEQUENCE)).json()["statements"]
    assert [row["status"] for row in rows] == ["logged", "logged"]


async def test_a_statement_of_an_unknown_key_waits(tmp_path: Path) -> None:
    town = Consortium.of((A, "nonprofit"))
    node = empty(tmp_path, town)
    answer = (await send(node, registration(town))).json()
    assert answer["statements"][0]["status"] == "waiting"
    assert answer["statements"][0]["problem"]["code"] == "unknown_key"
    assert answer["checkpoint"] == ""


async def test_a_reader_takes_nothing_in(fresh: Served) -> None:
    from accredit.node.http.app import create_app

    app = create_app(fresh)
    response = await fresh.ask(
        "POST", "/v1/statements", app, content=registration(fresh.town), headers={"content-type": COSE}
    )
    assert (response.status_code, response.json()["code"]) == (503, "read_only")


async def test_a_flood_from_one_address_has_to_wait_and_then_is_told_to(fresh: Served) -> None:
    app = fresh.app(submissions_per_minute=2)
    raw = registration(fresh.town)
    for status in ("logged", "known", "known"):
        answer = await fresh.ask("POST", "/v1/statements", app, content=raw, headers={"content-type": COSE})
        assert answer.json()["statements"][0]["status"] == status
    response = await fresh.ask("POST", "/v1/statements", app, content=raw, headers={"content-type": COSE})
    assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
    assert "retry-after" in response.headers


async def test_a_body_too_large_is_dropped_at_the_first_byte_too_many(fresh: Served) -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 65_536
            yield bytes(65_536)

    status, body = await ask_raw(fresh.app(), "POST", b"/v1/statements", endless(), content_type=SEQUENCE.encode())
    assert (status, json.loads(body)["code"]) == (413, "too_large")
    assert read <= 5 * 1024 * 1024
    small = fresh.app(max_body_bytes=100)
    response = await fresh.ask("POST", "/v1/statements", small, content=bytes(101), headers={"content-type": COSE})
    assert response.status_code == 413


async def test_another_media_type_is_415_and_says_which(fresh: Served) -> None:
    response = await send(fresh, b"{}", "application/json")
    assert response.status_code == 415
    assert COSE in response.json()["hint"]


async def test_a_statement_is_shown_as_signed_and_as_json(fresh: Served) -> None:
    grant = next(one for one in fresh.town.said if one.kind == "accreditation.grant")
    path = f"/v1/statements/{grant.id.hex()}"
    shown = (await fresh.get(path)).json()
    assert (shown["kind"], shown["state"], shown["sub"]) == ("accreditation.grant", "effective", COLLEGE)
    assert shown["body"]["valid_from"] == "1970-01-01T00:00:00Z"
    assert shown["prev"] == (grant.prev or b"").hex()
    raw = await fresh.get(path, headers={"accept": COSE})
    assert raw.content == grant.raw
    assert "immutable" in raw.headers["cache-control"]
    assert raw.headers["vary"] == "Accept"
    held = await fresh.get(path, headers={"accept": COSE, "if-none-match": raw.headers["etag"]})
    assert (held.status_code, held.content) == (304, b"")
    assert (await fresh.get(path, headers={"accept": "text/html"})).status_code == 406
    for media_type in ("*/*", COSE):
        assert (await fresh.get(f"/v1/statements/{'0' * 64}", headers={"accept": media_type})).status_code == 404


async def test_proposals_show_what_waits_for_whom(fresh: Served) -> None:
    (waiting,) = (await fresh.get("/v1/proposals")).json()["proposals"]
    assert (waiting["kind"], waiting["class"], waiting["state"]) == ("recognition.grant", "widening", "waiting")
    assert waiting["approvals"] == [A]
    assert "Waiting" in waiting["summary"]
    pens = {by: fresh.town.pen(by).kid.hex() for by in (A, B)}

    async def count(**params: str) -> int:
        return len((await fresh.get("/v1/proposals", params=params)).json()["proposals"])

    assert (await count(authority=A), await count(authority=B)) == (0, 1)
    assert (await count(key=pens[A]), await count(key=pens[B])) == (0, 1)
    proposal = next(one for one in fresh.town.said if one.id.hex() == waiting["id"])
    fresh.town.votes(B, proposal, approve=False)
    fresh.hears()
    closed = (await fresh.get(f"/v1/statements/{waiting['id']}")).json()
    assert closed["state"] == "closed"


async def test_others_have_turns_while_thousands_of_proposals_are_listed(
    fresh: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of 6,000 stopped a busy node for seconds, and anybody may ask for it."""
    monkeypatch.setattr(turns, "TURN_SECONDS", 0.0)
    many = 40
    for number in range(many):
        body = {"id": f"https://f{number}.example/", "name": f"F {number}", "actions": ["*"]}
        fresh.town.says(A, "recognition.grant", body)
    fresh.hears()
    async with turns_of_others() as had:
        listed = (await fresh.get("/v1/proposals")).json()["proposals"]
    assert len(listed) == many + 1
    assert next(had) >= 2 * many, "to find what waits takes as long as to show it"
    fresh.town.says(A, "recognition.grant", {"id": "https://one-more.example/", "name": "One", "actions": ["*"]})
    fresh.hears()
    for ask in (f"/v1/statements/{listed[-1]['id']}", f"/v1/proposals?authority={A}"):
        async with turns_of_others() as had:
            assert (await fresh.get(ask)).status_code == 200
        assert next(had) >= many, ask


async def test_of_proposals_that_are_all_alike_each_names_a_few(fresh: Served) -> None:
    """A thousand that each name all others make an answer of 60 MB, which anybody may ask for."""
    for _ in range(ALIKE + 5):
        fresh.town.says(A, "recognition.grant", {"id": "https://same.example/", "name": "Same", "actions": ["*"]})
    fresh.hears()
    listed = (await fresh.get("/v1/proposals")).json()["proposals"]
    assert max(len(one["foreseen"]["duplicates"]) for one in listed) == ALIKE


async def test_a_second_proposal_of_the_same_is_named_as_soon_as_it_is_there(fresh: Served) -> None:
    """What waits is found out once for each set of statements, and anew for the next one."""
    app = fresh.app()
    (first,) = (await fresh.get("/v1/proposals", app=app)).json()["proposals"]
    assert first["foreseen"]["duplicates"] == []
    said = next(one for one in fresh.town.said if one.id.hex() == first["id"])
    second = fresh.town.says(B, "recognition.grant", dict(said.body))
    fresh.hears()
    for at, other in ((first["id"], second.id.hex()), (second.id.hex(), first["id"])):
        assert (await fresh.get(f"/v1/statements/{at}", app=app)).json()["foreseen"]["duplicates"] == [other]
    draft = {"iss": A, "sub": said.sub, "kind": said.kind, "body": dict(said.body), "key": fresh.town.pen(A).kid}
    response = await fresh.ask("POST", "/v1/dry-run", app, content=encode(draft), headers={"content-type": CBOR})
    assert set(response.json()["foreseen"]["duplicates"]) == {first["id"], second.id.hex()}


async def test_votes_on_a_proposal_are_shown(tmp_path: Path) -> None:
    charter = Consortium.of(
        (A, "nonprofit"),
        (B, "public"),
        ("https://c.example/", "employer"),
        rules={"recognition.grant": {"authorities": 3}},
    )
    grant = charter.says(A, "recognition.grant", {"id": "https://f.example/", "name": "F", "actions": ["*"]})
    vote = charter.votes(B, grant)
    node = empty(tmp_path, charter)
    node.hears()
    (waiting,) = (await node.get("/v1/proposals")).json()["proposals"]
    assert waiting["approvals"] == [A, B]
    (shown,) = waiting["votes"]
    said = {"by": B, "key": charter.pen(B).kid.hex(), "approve": True, "statement": vote.id.hex()}
    assert {name: shown[name] for name in said} == said


async def test_a_dry_run_says_what_would_become_of_it_and_keeps_nothing(fresh: Served) -> None:
    size, key = fresh.store.size(), fresh.town.pen(A).kid
    draft = {"iss": A, "sub": "did:web:n.example", "kind": "issuer.register", "key": key}
    body = bodies.register("did:web:n.example")
    answer = await send(fresh, encode({**draft, "body": body}), CBOR, "/v1/dry-run")
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "effective"
    friend = {"id": "https://f.example/", "name": "F", "actions": ["issue"]}
    asks_two = encode({**draft, "kind": "recognition.grant", "sub": friend["id"], "body": friend})
    waits = (await send(fresh, asks_two, CBOR, "/v1/dry-run")).json()
    assert (waits["state"], waits["approvals"]) == ("waiting", [A])
    assert "2" in waits["needed"]
    for wrong, code in (
        ({**draft, "body": {}}, "missing_member"),
        ({**draft, "body": body, "key": bytes(32)}, "unknown_key"),
        ({**draft, "body": body, "kind": "no.such"}, "unknown_kind"),
        ({**draft, "body": 5}, "bad_member"),
        ([], "bad_member"),
    ):
        response = await send(fresh, encode(wrong), CBOR, "/v1/dry-run")
        assert (response.status_code, response.json()["code"]) == (400, code)
    assert fresh.store.size() == size


def test_a_sequence_is_split_where_its_statements_end() -> None:
    said = [statement.raw for statement in Consortium.of((A, "nonprofit"), (B, "public")).said]
    assert split_sequence(b"".join(said)) == said
    with pytest.raises(DecodeError, match="ends early"):
        split_sequence(b"".join(said)[:-1])
    with pytest.raises(DecodeError, match="no statement at byte"):
        split_sequence(said[0] + b"\x00")
    with pytest.raises(DecodeError, match="empty"):
        split_sequence(b"")
    with pytest.raises(InputError, match="1000"):
        split_sequence(said[0] * 1_001)


@given(st.binary(max_size=60).map(lambda rest: b"\xd2\x84" + rest) | st.binary(max_size=20))
def test_whatever_bytes_come_as_a_sequence_they_are_split_whole_or_refused(data: bytes) -> None:
    try:
        raws = split_sequence(data)
    except DecodeError:
        return
    assert b"".join(raws) == data


# ------------------------------------------------------------------------------------------------------- many at once


LOOKUP = "/v1/statements/lookup"


async def test_many_statements_are_looked_up_at_once_and_what_is_not_held_is_named(fresh: Served) -> None:
    said = [each.id.hex() for each in fresh.town.said]
    asked = [said[-1], "ab" * 32, *said[1:6], said[-1]]
    answer = (await fresh.ask("POST", LOOKUP, json={"ids": asked})).json()
    assert [one["id"] for one in answer["statements"]] == [said[-1], *said[1:6]], "in the order asked, each once"
    assert answer["missing"] == ["ab" * 32]
    for one in answer["statements"]:
        alone = (await fresh.get(f"/v1/statements/{one['id']}")).json()
        assert one == {**{name: alone[name] for name in one if name != "begins"}, "begins": alone["foreseen"]["begins"]}


async def test_a_look_up_that_waited_for_other_long_answers_says_nothing_from_before(
    fresh: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = fresh.town.says(A, "issuer.register", bodies.register("did:web:late.example"))
    give = turns.Turns.give

    async def others_have_a_turn(turn: turns.Turns) -> bool:
        if not turn.is_lengthy:
            fresh.take([late.raw])
        return await give(turn)

    monkeypatch.setattr(turns, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(turns, "FREE_TURNS", 0)
    monkeypatch.setattr(turns.Turns, "give", others_have_a_turn)
    asked = [late.id.hex(), *(each.id.hex() for each in fresh.town.said[:3])]
    answer = (await fresh.ask("POST", LOOKUP, json={"ids": asked})).json()
    assert [one["id"] for one in answer["statements"]] == asked
    assert answer["missing"] == []


async def test_statements_as_signed_come_as_many_as_an_answer_holds(
    fresh: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    raws = {each.id.hex(): each.raw for each in fresh.town.said}
    said = [*raws]

    async def signed(*ids: str) -> Any:
        headers = {"accept": CBOR}
        return decode_cbor((await fresh.ask("POST", LOOKUP, json={"ids": ids}, headers=headers)).content, what="them")

    assert await signed(said[3], "ab" * 32, said[1]) == [raws[said[3]], raws[said[1]]]
    assert await signed("ab" * 32) == []
    monkeypatch.setattr(many_statements, "LOOKUP_BYTES", len(raws[said[0]]) + len(raws[said[1]]))
    assert await signed(*said[:5]) == [raws[said[0]], raws[said[1]]]
    monkeypatch.setattr(many_statements, "LOOKUP_BYTES", 1)
    assert await signed(*said[:5]) == [raws[said[0]]], "one in any case, or nobody would get on"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ids": []},
        {"ids": ["5f2b8c11"]},
        {"ids": ["AB" * 32]},
        {"ids": ["ab" * 32 + "\n"]},
        {"ids": ["ab" * 32] * 1_001},
        {"ids": [7]},
        {"ids": "ab" * 32},
        {"ids": ["ab" * 32], "more": True},
        ["ab" * 32],
    ],
    ids=str,
)
async def test_what_is_no_list_of_ids_is_refused_with_what_is_wrong(fresh: Served, body: Any) -> None:
    answer = await fresh.ask("POST", LOOKUP, json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["detail"]


# -------------------------------------------------------------------------------------------------- shares and lanes


def suspension(town: Consortium, number: int = 0) -> bytes:
    grant = next(each for each in town.said if each.kind == "accreditation.grant" and each.sub == COLLEGE)
    body = bodies.event(grant.id, "suspend", SUSPENDED_AT + number)
    return town.says(A, "accreditation.status", body, sub=COLLEGE).raw


SUSPENDED_AT = 1_700_000_000
GARBAGE = b"\xd2\x84\x40\xa0\x40\x40"


async def exhaust(node: Served, app: Any, headers: dict[str, str] | None = None) -> Any:
    """Sends garbage until an address has no share left; the refusal."""
    while True:
        sent = await node.ask(
            "POST", "/v1/statements", app, content=GARBAGE, headers={"content-type": SEQUENCE, **(headers or {})}
        )
        if sent.status_code == 429:
            return sent


async def test_garbage_from_the_same_address_delays_no_suspension(fresh: Served) -> None:
    """42 KB of it once delayed a body's suspension by 9 to 14 s."""
    app = fresh.app(submissions_per_minute=1)
    headers = {"content-type": SEQUENCE}
    sent = await exhaust(fresh, app)
    assert sent.json()["code"] == "rate_limited"
    assert int(sent.headers["retry-after"]) > 0
    raw, other = suspension(fresh.town), registration(fresh.town)
    late = await fresh.ask("POST", "/v1/statements", app, content=other, headers={"content-type": COSE})
    assert late.status_code == 429, "what is not urgent waits for its address' share"
    sent = await fresh.ask("POST", "/v1/statements", app, content=other + raw, headers=headers)
    assert [row["status"] for row in sent.json()["statements"]] == ["refused", "logged"]
    assert sent.json()["statements"][0]["problem"]["code"] == "rate_limited"
    again = await fresh.ask("POST", "/v1/statements", app, content=raw, headers={"content-type": COSE})
    assert again.status_code == 429, "what is held already is not urgent"


async def test_the_lane_of_what_is_urgent_is_no_way_around_shares(fresh: Served) -> None:
    app = fresh.app(submissions_per_minute=1)
    await exhaust(fresh, app)
    forged = bytearray(suspension(fresh.town))
    forged[-1] ^= 1
    stranger = Consortium.of((A, "nonprofit"), name="Elsewhere").genesis.raw
    for raw in (bytes(forged), stranger, registration(fresh.town)):
        sent = await fresh.ask("POST", "/v1/statements", app, content=raw, headers={"content-type": COSE})
        assert sent.status_code == 429, "not well signed, of nobody known, or not urgent"


async def test_copies_of_an_urgent_statement_use_up_no_lane_of_the_key_that_signed_it(fresh: Served) -> None:
    """Whoever had seen one on its way sent it 601 times in one request, and the next suspension of that key waited."""
    app = fresh.app(submissions_per_minute=1)
    await exhaust(fresh, app)
    seen, next_one = suspension(fresh.town), suspension(fresh.town, 1)
    headers = {"content-type": SEQUENCE}
    copies = await fresh.ask("POST", "/v1/statements", app, content=seen * (URGENT_PER_MINUTE + 1), headers=headers)
    assert [row["status"] for row in copies.json()["statements"]] == ["logged", *URGENT_PER_MINUTE * ["known"]]
    sent = await fresh.ask("POST", "/v1/statements", app, content=next_one, headers=headers)
    assert [row["status"] for row in sent.json().get("statements", ())] == ["logged"], sent.text


async def test_a_bodys_own_bulk_goes_at_the_pace_of_its_key_and_costs_its_address_nothing(fresh: Served) -> None:
    app = fresh.app(submissions_per_minute=2)
    raws = [registration(fresh.town, f"Bulk{number}") for number in range(2 * KEY_SHARES + 3)]
    most = 2 * KEY_SHARES
    for raw in raws[:most]:
        sent = await fresh.ask("POST", "/v1/statements", app, content=raw, headers={"content-type": COSE})
        assert sent.json()["statements"][0]["status"] == "logged"
    headers = {"content-type": SEQUENCE}
    late = await fresh.ask("POST", "/v1/statements", app, content=b"".join(raws[most:]), headers=headers)
    assert (late.status_code, late.json()["code"]) == (429, "rate_limited")
    assert "the key " in late.json()["detail"]
    garbage = await fresh.ask("POST", "/v1/statements", app, content=2 * GARBAGE, headers=headers)
    assert garbage.status_code == 200, "of its address nothing has been used up"


async def test_who_has_stolen_a_key_gains_nothing_by_many_addresses(fresh: Served) -> None:
    app = fresh.app(submissions_per_minute=1, proxies=networks(["127.0.0.1/32"]))
    raws = [registration(fresh.town, f"Theft{number}") for number in range(KEY_SHARES + 2)]
    for number, raw in enumerate(raws[:KEY_SHARES]):
        headers = {"content-type": COSE, "x-forwarded-for": f"192.0.2.{number}"}
        assert (await fresh.ask("POST", "/v1/statements", app, content=raw, headers=headers)).status_code == 200
    headers = {"content-type": SEQUENCE, "x-forwarded-for": "192.0.2.99"}
    late = await fresh.ask("POST", "/v1/statements", app, content=b"".join(raws[KEY_SHARES:]), headers=headers)
    assert (late.status_code, late.json()["code"]) == (429, "rate_limited")
    other = fresh.town.says(B, "issuer.register", bodies.register("did:web:beside.example"))
    sent = await fresh.ask("POST", "/v1/statements", app, content=other.raw, headers={**headers, "content-type": COSE})
    assert sent.status_code == 200, "another key from the thief's own address has its own share"


async def test_nobody_uses_up_the_share_of_a_key_that_he_does_not_hold(fresh: Served) -> None:
    """Neither with forged statements in its name, nor with its own ones sent again."""
    app = fresh.app(submissions_per_minute=1, proxies=networks(["127.0.0.1/32"]))
    held, good = registration(fresh.town, "Held"), registration(fresh.town, "Good")
    await fresh.ask("POST", "/v1/statements", app, content=held, headers={"content-type": COSE})
    forged = good[:-1] + bytes([good[-1] ^ 1])
    for number, (raw, status) in enumerate(10 * [(forged, 422), (held, 200)]):
        headers = {"content-type": COSE, "x-forwarded-for": f"192.0.2.{number}"}
        assert (await fresh.ask("POST", "/v1/statements", app, content=raw, headers=headers)).status_code == status
    sent = await fresh.ask("POST", "/v1/statements", app, content=good, headers={"content-type": COSE})
    assert sent.json()["statements"][0]["status"] == "logged"


async def test_behind_a_trusted_proxy_each_visitor_has_its_own_share(fresh: Served) -> None:
    app = fresh.app(submissions_per_minute=1, proxies=networks(["127.0.0.1/32"]))

    await exhaust(fresh, app, {"x-forwarded-for": "198.51.100.77, 192.0.2.1"})
    headers = {"content-type": COSE, "x-forwarded-for": "192.0.2.2"}
    sent = await fresh.ask("POST", "/v1/statements", app, content=registration(fresh.town), headers=headers)
    assert sent.status_code == 200
