"""The JavaScript kit says what Python says: to the vectors, to generated cases, to bytes that were altered anywhere."""

import json
import os
import shutil
import signal
import subprocess
import tarfile
import time
import tomllib
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from random import Random
from threading import Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from accredit.registry.decision.decide import Decision, decide, decide_recognition
from accredit.registry.decision.query import Query
from accredit.registry.decision.query_forms import decode_query, encode_query, summary
from accredit.registry.domain.records import MemoryRecords
from accredit.registry.encoding import cbor, ed25519, jcs
from accredit.registry.encoding.identifiers import canonical
from accredit.registry.errors import AccreditError, DecodeError
from accredit.registry.evidence.check import check
from accredit.registry.evidence.issuance_receipt import IssuanceReceipt, check_receipt
from accredit.registry.evidence.state_check import CheckError
from accredit.registry.evidence.trust_policy import TrustPolicy
from docs.generators._vector_world import HELD, QUERY
from tests.docs.pages import ROOT, blocks
from tests.shared_data import shared_data
from tests.strategies.committing import SCHOOL, committed, credential
from tests.strategies.curve import BASE, SMALL, add, forged, hash_of, pack, scalar_of, times, unpack, unusual_spellings
from tests.strategies.domain import COLLEGE, ECOSYSTEM, NOW, World, at, key_text, seed_of
from tests.strategies.mutants import cbor_bytes, cbor_tree, mutants, text_mutants
from tests.strategies.node_js import PATIENCE, Lines, node, npm, tool
from tests.strategies.noted import trust
from tests.strategies.questions import (
    competency_questions,
    crosswalked,
    crowded,
    ecosystems,
    key_questions,
    questions,
    records_of,
)
from tests.strategies.searching import examples

pytestmark = pytest.mark.no_cover

KIT = ROOT / "registry" / "javascript"
VECTORS = ROOT / "docs" / "vectors"
OUTSIDE = ROOT / "tests" / "outside"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="module")
def kit() -> Iterator[Lines]:
    """The kit, asked line by line."""
    with Lines.of(str(OUTSIDE / "lines.js"), KIT=str(KIT)) as lines:
        yield lines


def of(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text("utf-8"))


# ------------------------------------------------------------------------------------------------ as it is packed


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has the packed kit in its node_modules, and nothing else."""
    folder = tmp_path_factory.mktemp("project")
    npm("pack", "--pack-destination", str(folder), folder=KIT)
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder / "packed", filter="data")
    (folder / "node_modules").mkdir()
    return (folder / "packed" / "package").rename(folder / "node_modules" / "accredit-verify")


def test_the_package_holds_every_module_and_says_what_it_is(installed: Path) -> None:
    held = {path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file()}
    modules = {path.relative_to(KIT).as_posix() for path in KIT.rglob("*.js")}
    assert held == modules | {"package.json", "README.md", "LICENSE"}
    said = json.loads((installed / "package.json").read_text("utf-8"))
    assert "dependencies" not in said
    assert "scripts" not in said
    assert said["version"] == tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert (installed / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_the_packed_kit_answers_as_the_vectors_say(installed: Path) -> None:
    said = node(
        "--test", "--test-reporter=tap", str(OUTSIDE / "vectors.test.js"), KIT=str(installed), VECTORS=str(VECTORS)
    )
    count = sum(len(of(path.stem)["vectors"]) for path in VECTORS.glob("*.json"))
    assert f"# pass {count}\n" in said
    assert "# fail 0\n" in said
    assert "# skipped 0\n" in said


def test_the_kit_answers_as_the_vectors_say_in_a_browser(tmp_path: Path) -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("needs Chromium, not found on PATH: apt-get install chromium")
    with loopback_site(ROOT) as (address, posted):
        page = f"{address}/tests/outside/vectors.html"
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={tmp_path}"]
        silent = subprocess.DEVNULL
        process = subprocess.Popen([browser, *flags, page], stdout=silent, stderr=silent, start_new_session=True)
        try:
            answers = json.loads(posted.get(timeout=PATIENCE))
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # it and the processes that it started
            process.wait(60)
    for path in VECTORS.glob("*.json"):
        assert answers[path.stem] == {one["name"]: one["expected"] for one in of(path.stem)["vectors"]}


@contextmanager
def loopback_site(folder: Path) -> Iterator[tuple[str, "Queue[bytes]"]]:
    """The folder as a web site of this machine, and what is posted to it."""
    posted: Queue[bytes] = Queue()

    class Site(SimpleHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.put(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Site, directory=str(folder))) as site:
        serving = Thread(target=site.serve_forever, daemon=True)
        serving.start()
        try:
            yield f"http://127.0.0.1:{site.server_port}", posted
        finally:
            site.shutdown()
            serving.join()


def test_the_program_on_the_kits_page_verifies_an_answer(installed: Path) -> None:
    (program,) = [one for one in blocks((KIT / "README.md").read_text("utf-8")) if one.language == "js"]
    folder, now = installed.parents[1], int(time.time())
    (folder / "policy.txt").write_bytes(trust(HELD, now).encode())
    (folder / "answer.evidence").write_bytes(HELD.prove(QUERY, now).encode())
    (folder / "program.mjs").write_text(program.text)
    assert node("program.mjs", folder=folder) == "verified trusted\n"


def test_types_written_in_comments_hold() -> None:
    checker = tool("typescript", "tsc")
    node(str(checker), "--project", str(KIT))


def test_the_kit_imports_nothing_but_itself_so_that_a_browser_can_load_it_as_it_lies_there() -> None:
    for path in KIT.rglob("*.js"):
        for line in path.read_text("utf-8").splitlines():
            if line.startswith(("import ", "} from ", "export {")) and '"' in line:
                place = line.split('"')[1]
                assert place.startswith("."), f"{path.name}: {line}"
                assert (path.parent / place).is_file(), f"{path.name}: {line}"
        assert '"node:' not in path.read_text("utf-8")


# ------------------------------------------------------------------------------------------------ decisions


SEEN: Counter[str] = Counter()


@examples(120, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_both_decide_alike(kit: Lines, data: st.DataObject) -> None:
    world = data.draw(ecosystems())
    records = data.draw(records_of(world))
    for _ in range(10):
        query, is_recognition = data.draw(questions(world)), data.draw(st.sampled_from((False,) * 7 + (True,)))
        decided = (decide_recognition if is_recognition else decide)(query, records, NOW, ecosystem_id=ECOSYSTEM)
        answer = asked(kit, query, records, "recognition" if is_recognition else "authorization")
        assert answer.get("summary") == cbor.encode(summary(decided)).hex(), (answer, summary(decided))
        assert all(answer["texts"]), "every reason has its sentence, in each kit's own words"
        count(decided)


@examples(30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_both_decide_alike_about_keys_that_say_much_under_one_number(kit: Lines, data: st.DataObject) -> None:
    records = data.draw(crowded()).records()
    for _ in range(4):
        query = data.draw(key_questions())
        decided = decide(query, records, NOW, ecosystem_id=ECOSYSTEM)
        answer = asked(kit, query, records, "authorization")
        assert answer.get("summary") == cbor.encode(summary(decided)).hex(), (answer, summary(decided))


@examples(100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_both_decide_alike_about_what_mappings_link(kit: Lines, data: st.DataObject) -> None:
    records = data.draw(crosswalked()).records()
    for _ in range(6):
        query = data.draw(competency_questions())
        decided = decide(query, records, NOW, ecosystem_id=ECOSYSTEM)
        answer = asked(kit, query, records, "authorization")
        assert answer.get("summary") == cbor.encode(summary(decided)).hex(), (answer, summary(decided))
        count(decided)


def test_a_key_that_an_ended_mandate_dates_back_is_believed_by_neither(kit: Lines) -> None:
    """Else he whose mandate is over signs old credentials of a real issuer's for whoever reads them in a browser."""
    world, union, end = World(), "https://union.example/", NOW - 10_000
    via = world.delegate(union, valid_until=end)
    world.grant(by=union, via=via, iat=end - 1_000)
    key = {"id": f"{COLLEGE}#old", "public_key_multibase": key_text("forger")}
    world.key_event(op="add", key=key, how={"by": union, "via": via, "iat": end - 100})
    query = Query(
        entity=COLLEGE, authority=ECOSYSTEM, achievement_types=("BachelorDegree",), key=key["id"], time=end - 50
    )
    codes = []
    for is_anchored in (True, False):
        world.said[-1] = replace(world.said[-1], is_anchored=is_anchored)
        records = world.records()
        decided = decide(query, records, NOW, ecosystem_id=ECOSYSTEM)
        codes.append(decided.reasons[0].code)
        answer = asked(kit, query, records, "authorization")
        assert answer.get("summary") == cbor.encode(summary(decided)).hex(), (codes, answer)
    assert codes == ["later_delegation_expired", "key_unanchored"]


def test_a_stay_that_follows_an_appeal_stays_what_is_appealed_against_in_both(kit: Lines) -> None:
    world = World()
    id = world.grant()
    head = world.event(id, "suspend", "2020-01-01")
    for month, event in ((3, "appeal_open"), (4, "stay"), (5, "appeal_decide")):
        head = world.event(id, event, f"2020-{month:02}-01", after=[head])
    records, codes = world.records(), []
    for month in (2, 3, 4, 5):
        time = at(f"2020-{month:02}-02")
        query = Query(entity=COLLEGE, authority=ECOSYSTEM, achievement_types=("BachelorDegree",), time=time)
        decided = decide(query, records, NOW, ecosystem_id=ECOSYSTEM)
        codes.append([reason.code for reason in decided.reasons if reason.code in ("status_suspended", "stayed")])
        answer = asked(kit, query, records, "authorization")
        assert answer.get("summary") == cbor.encode(summary(decided)).hex(), (month, answer)
    assert codes == [["status_suspended"], ["status_suspended"], ["stayed"], ["stayed"]]


def asked(kit: Lines, query: Query, records: MemoryRecords, what: str) -> dict[str, Any]:
    hold(kit, records)
    return kit.ask(do="decide", query=encode_query(query), now=NOW, ecosystem=ECOSYSTEM, asked=what)


@lru_cache(maxsize=1)
def hold(kit: Lines, records: MemoryRecords) -> None:
    """From now on the kit decides by these records; it is told once, for all questions about them."""
    held = [[*subject, b64encode(cbor.encode(record)).decode()] for subject, record in records._records.items()]
    kit.ask(do="hold", records=held)


def count(decided: Decision) -> None:
    SEEN.update([str(decided.verdict), *(reason.code for reason in decided.reasons)])


def test_the_cases_that_were_compared_are_of_many_kinds() -> None:
    if not SEEN:
        pytest.skip("the cases were not generated: this looks at what the test before has seen")
    assert sum(SEEN[verdict] for verdict in ("trusted", "trusted_with_advisory", "trusted_historical")) > 300
    assert {"trusted_historical", "suspended", "not_trusted", "indeterminate", "unknown_issuer"} <= set(SEEN)
    assert len(SEEN) > 50, sorted(SEEN)
    assert SEEN["covered_by_mapping"] > 30


# ------------------------------------------------------------------------------------------------ bytes


def test_evidence_altered_anywhere_gets_the_same_result_by_the_same_check(kit: Lines) -> None:
    file, random, results = of("evidence"), Random(1), Counter[str]()
    for one in file["vectors"][::9]:
        policy, data = file["policies"][one["policy"]], b64decode(one["evidence"])
        changed = [flipped(data, random) for _ in range(20) if data]
        if one["expected"]["result"] == "verified":
            changed += [cbor_bytes(tree) for tree in mutants(cbor_tree(data), random, 40)]
        for evidence in changed:
            query = None if one["query"] is None else decode_query(one["query"], "query")
            checked = check(evidence, query, TrustPolicy.decode(policy.encode()), one["now"])
            answer = kit.ask(
                do="check",
                evidence=b64encode(evidence).decode(),
                query=one["query"],
                policy=policy,
                now=one["now"],
            )
            assert answer == {"result": str(checked.result), "check": checked.check}, (one["name"], evidence.hex())
            results[checked.check] += 1
    assert len(results) > 6, results


def flipped(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    changed[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(changed)


def test_altered_policies_are_read_alike(kit: Lines) -> None:
    policies = of("evidence")["policies"].values()
    text, read = next(iter(policies)).encode(), 0
    for changed in text_mutants(text, Random(2), 300):
        answer = kit.ask(do="policy", text=b64encode(changed).decode())
        try:
            assert answer == {"policy": TrustPolicy.decode(changed).encode().hex()}, changed
            read += 1
        except DecodeError:
            assert set(answer) == {"error"}, changed  # which of several faults is named first is each reader's own
    assert 0 < read < 300


def test_altered_receipts_prove_the_same_to_both_or_nothing(kit: Lines) -> None:
    ada = credential("Ada", credentialStatus={"statusListIndex": "7"})
    said = committed([ada])
    policy, good = said.policy.encode().decode(), said.receipts[0].encode()
    others: list[Any] = [ada, credential("Eve"), {**ada, "issuer": SCHOOL}, {**ada, "credentialStatus": None}, [], None]
    cases = [*((good, one) for one in others), *((one, ada) for one in text_mutants(good, Random(3), 150))]
    results = Counter[str]()
    for receipt, of in cases:
        found = proved(receipt, of, said.policy)
        answer = kit.ask(do="receipt", receipt=b64encode(receipt).decode(), credential=of, policy=policy, now=NOW)
        # Which of several faults of form is named first is each reader's own.
        assert ({"error": "form"} if found == {"error": "form"} and "error" in answer else answer) == found, receipt
        results[str(found.get("error"))] += 1
    assert len(results) > 5, results


def proved(receipt: bytes, of: Any, policy: TrustPolicy) -> dict[str, Any]:
    """What Python says to a receipt."""
    try:
        found = check_receipt(IssuanceReceipt.decode(receipt), of, policy, NOW)
    except CheckError as error:
        return {"error": error.check}
    except DecodeError:
        return {"error": "form"}
    return {"existed_by": found.existed_by, "committed_with": found.key}


SAFE = 2**53 - 1
"""The largest integer that JavaScript has not rounded."""

_json = st.recursive(
    st.none() | st.booleans() | st.integers(-SAFE, SAFE) | st.floats(-SAFE, SAFE) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)


@given(_json)
def test_any_json_is_spelled_alike(kit: Lines, value: Any) -> None:
    assert kit.ask(do="canonicalJson", value=value) == {"text": jcs.encode(value).hex()}


def test_an_integer_that_javascript_has_rounded_is_refused(kit: Lines) -> None:
    """It fits the commitment to another credential, else."""
    for grade in (2**53 + 1, 2**53, -(2**60), 1e300):
        assert kit.ask(do="canonicalJson", value={"grade": grade}) == {"error": "not_canonical"}


@given(st.binary(max_size=40))
def test_any_bytes_are_cbor_to_both_or_to_neither(kit: Lines, data: bytes) -> None:
    assert kit.ask(do="cbor", cbor=data.hex()).get("cbor") == encoded(data)


_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.text(max_size=9) | st.binary(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(-300, 300), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(_values)
def test_any_value_is_encoded_alike(kit: Lines, value: Any) -> None:
    data = cbor.encode(value)
    assert kit.ask(do="cbor", cbor=data.hex()) == {"cbor": data.hex()}


def encoded(data: bytes) -> str | None:
    try:
        return cbor.encode(cbor.decode(data)).hex()
    except DecodeError:
        return None


def identifiers() -> list[str]:
    """Every spelling on the page of identifiers."""
    return [word for word in (ROOT / "docs" / "identifiers.md").read_text("utf-8").split("`")[1::2] if word]


_parts = st.sampled_from(
    [
        "did:web:",
        "did:key:z",
        "https://",
        "HTTP://",
        "urn:uuid:",
        "Example",
        ".org",
        ".",
        "..",
        "/",
        "%2e",
        "%3A",
        "%",
        ":",
        "443",
        "80",
        "8080",
        "127",
        "0x7f",
        "@",
        "?",
        "#",
        "ü",
        "[",
        "a-b",
        "-",
        "~",
        "é",
    ]
) | st.just(" ")


@given(st.sampled_from(identifiers()) | st.lists(_parts, max_size=8).map("".join) | st.text(max_size=20))
def test_identifiers_are_spelled_alike(kit: Lines, text: str) -> None:
    answer = kit.ask(do="canonical", text=text)
    try:
        assert answer == {"text": canonical(text)}
    except AccreditError:
        assert set(answer) == {"error"}


def small_spellings() -> list[tuple[int, bytes]]:
    """The 14 encodings of small order, each with the multiple of the point of order 8 that it is."""
    every = enumerate([pack(point), *unusual_spellings(point)] for point in SMALL)
    return [(multiple, spelling) for multiple, spellings in every for spelling in spellings]


def test_every_key_and_r_of_small_or_mixed_order_gets_libsodiums_verdict(kit: Lines) -> None:
    """Where the equation without cofactor holds and where not, with and without a secret."""
    seed = seed_of("edges")
    secret, nonce, honest = scalar_of(seed), 987654321, unpack(ed25519.public_of(seed))
    assert honest is not None
    assert BASE is not None
    cases: list[tuple[bytes, bytes, bytes]] = []
    keys = [(multiple, spelling, 0) for multiple, spelling in small_spellings()]
    keys += [(multiple, pack(add(honest, point)), secret) for multiple, point in enumerate(SMALL)]
    rs = [(multiple, spelling, 0) for multiple, spelling in small_spellings()]
    rs += [(multiple, pack(add(times(nonce, BASE), point)), nonce) for multiple, point in enumerate(SMALL)]
    for of_key, key, scalar in keys:
        for of_r, r, k in rs:
            for holds in (True, False):
                # The parts of small order cancel where R's is what h times the key's is not, modulo 8.
                fits = (
                    m for m in map(b"%d".__mod__, range(64)) if ((of_r + hash_of(r, key, m) * of_key) % 8 == 0) is holds
                )
                message = next(fits, b"none fits")
                cases.append((key, message, forged(key, scalar, r, k, message).signature))
    verdicts = Counter[bool]()
    for key, message, signature in cases:
        accepted = ed25519.verify(key, message, signature)
        expected = {"accepted": accepted, "usable": ed25519.is_usable_public(key)}
        given = {"public": key.hex(), "message": message.hex(), "signature": signature.hex()}
        assert kit.ask(do="verify", **given) == expected, given
        verdicts[accepted] += 1
    assert len(cases) == 22 * 22 * 2
    assert verdicts[True] > 10
    assert verdicts[False] > 900


def test_published_edge_cases_of_ed25519_get_libsodiums_verdict(kit: Lines) -> None:
    path = shared_data("ed25519", "ed25519vectors.json")
    cases = json.loads(path.read_text("utf-8"))
    assert len(cases) > 900
    accepted = 0
    for one in cases:
        key, message, signature = bytes.fromhex(one["A"]), one["M"].encode(), bytes.fromhex(one["R"] + one["S"])
        verdict = ed25519.verify(key, message, signature)
        expected = {"accepted": verdict, "usable": ed25519.is_usable_public(key)}
        given = {"public": key.hex(), "message": message.hex(), "signature": signature.hex()}
        assert kit.ask(do="verify", **given) == expected, one
        accepted += verdict
    assert 0 < accepted < len(cases)
