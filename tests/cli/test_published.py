"""A store of files and nothing else: asked by bucket, synced, refuted where it lies; as a folder and through nginx."""

import json
import shutil
from pathlib import Path

import pytest

from accredit.cli.base import exits
from accredit.registry.evidence.trust_policy import TrustPolicy
from tests.cli.town import Town
from tests.strategies import loopback
from tests.strategies.credentials import Issuer, open_badge
from tests.strategies.fleet import accredit
from tests.strategies.static_server import serving

ASKED = ("--for", "BachelorDegree", "--policy")


@pytest.fixture(scope="module")
def issuer(town: Town) -> str:
    return town.accredited("did:web:filed.example", "Filed College")


@pytest.fixture
def store(town: Town, issuer: str, tmp_path: Path) -> Path:
    """The town's first node, published to a folder while it runs."""
    assert issuer
    folder = tmp_path / "store"
    published = town.json("node", "publish", town.folder / "node1", folder)
    assert published["left_out"] == {}
    assert published["files_written"] > 5
    return folder


def test_a_folder_alone_answers_with_no_node_behind_it(town: Town, store: Path, policy: Path, issuer: str) -> None:
    nobody = [str(store)]
    said = town.run("query", issuer, *ASKED, policy, nodes=nobody).stdout
    assert said.startswith("Verified  2 signers")
    assert "was not told which issuer it is" in said
    assert "Filed College" in said
    found = town.json("query", issuer, *ASKED, policy, nodes=nobody)
    assert (found["result"], found["authorized"]) == ("verified", True)
    assert TrustPolicy.decode(policy.read_bytes()).count == found["statements_noted"]
    absent = town.json("query", "did:web:absent.example", "--policy", policy, nodes=nobody, code=1)
    assert absent["verdict"] == "unknown_issuer"
    competency = ("--competency", "https://skills.example/1", "--policy", policy)
    assert town.json("query", issuer, *competency, nodes=nobody, code=None)["result"] == "verified"


def test_a_snapshot_is_synced_from_files_whole_and_by_what_changed(
    town: Town, store: Path, policy: Path, tmp_path: Path
) -> None:
    file, nobody = tmp_path / "all.snapshot", [str(store)]
    sync = ("snapshot", "sync", file, "--policy", policy)
    assert town.json(*sync, nodes=nobody)["fetched"] == "whole"
    said = town.json("issuer", "propose", "--id", "did:web:filed-later.example", "--name", "x", key="agency")
    town.settle(said["statements"][0]["id"])
    town.noted()
    again = town.run("node", "publish", town.folder / "node1", store).stdout
    assert again.startswith("Published")
    synced = town.json(*sync, nodes=nobody)
    assert synced["fetched"] == "what changed"
    assert synced["statements"] > synced["statements_before"]


def test_behind_nginx_the_files_are_asked_like_a_node_and_kept_for_as_long_as_is_right(
    town: Town, store: Path, policy: Path, issuer: str, tmp_path: Path
) -> None:
    with serving(store, tmp_path / "nginx") as url:
        assert town.json("query", issuer, *ASKED, policy, nodes=[url])["authorized"]
        assert town.json("query", issuer, *ASKED, policy, "--private", nodes=[url])["authorized"]
        sync = ("snapshot", "sync", tmp_path / "all.snapshot", "--policy", policy)
        assert town.json(*sync, nodes=[url])["fetched"] == "whole"
        refused = town.run("query", issuer, nodes=[url], code=3)
        assert "needs a trust policy" in refused.stderr
        college = Issuer.of("filed", issuer)
        badge = tmp_path / "badge.json"
        badge.write_text(json.dumps(college.signed(open_badge(college, validFrom="2026-06-01T00:00:00Z"))))
        for words, outcome, text in (
            (("--policy", policy), "passed", "was not told which issuer it is"),
            ((), "not_done", "needs a trust policy"),
        ):
            [checked] = town.json("check", badge, *words, nodes=[url], code=1)["files"][0]["credentials"]
            assert (checked["checks"][-1]["outcome"], text in checked["checks"][-1]["text"]) == (outcome, True)
        files = [path.relative_to(store).as_posix() for path in store.rglob("*") if path.is_file()]
        kept = {path: loopback.get(f"{url}/{path}") for path in files}
        assert {answer.status_code for answer in kept.values()} == {200}
        forever = {path for path, answer in kept.items() if "immutable" in answer.headers["cache-control"]}
        moved = {
            path for path in files if path.startswith(("v1/", "exports/", "accredit-", "log/")) and path not in forever
        }
        full = {path for path in files if path.startswith("log/tile/") and ".p/" not in path}  # of a long log
        assert forever == full | {path for path in files if path.startswith(("state/", "buckets/"))}
        assert forever == set(files) - moved
        (store / "buckets" / ".half").write_bytes(b"x")
        assert loopback.get(f"{url}/buckets/.half").status_code == 404
        dcc = kept["exports/dcc-registry.json"]
        assert issuer in dcc.json()["registry"]
        assert dcc.headers["access-control-allow-origin"] == "*"


def test_a_web_server_that_is_neither_node_nor_store_is_said_to_be_none(
    town: Town, policy: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    with serving(tmp_path / "empty", tmp_path / "nginx") as url:
        refused = town.run("query", "did:web:x.example", "--policy", policy, nodes=[url], code=5)
        assert "Check that this is the URL of a node" in refused.stderr
        sync = ("snapshot", "sync", tmp_path / "x.snapshot", "--policy", policy)
        town.run(*sync, nodes=[url], code=5)
        town.run("query", "did:web:x.example", "--policy", policy, "--private", nodes=[url], code=5)


def test_what_a_store_forges_withholds_or_rolls_back_ends_with_its_own_code(
    town: Town, store: Path, policy: Path, issuer: str, tmp_path: Path
) -> None:
    refuted, stale = exits.RESULTS["refuted"], exits.RESULTS["stale"]
    honest = tmp_path / "honest"
    shutil.copytree(store, honest)

    def ended(code: int, said: str, *words: object) -> None:
        answer = town.run(*(words or ("query", issuer, *ASKED, policy)), nodes=[str(store)], code=code)
        assert said in answer.stderr
        shutil.rmtree(store)
        shutil.copytree(honest, store)

    for bucket in (store / "buckets").iterdir():
        data = bytearray(bucket.read_bytes())
        data[30] ^= 1  # in the first leaf
        bucket.write_bytes(data)
    ended(refuted, "")
    for bucket in (store / "buckets").iterdir():
        bucket.write_bytes(bucket.read_bytes()[:-5])
    ended(refuted, "not well-formed")
    for bucket in (store / "buckets").iterdir():
        bucket.unlink()
    ended(exits.REMOTE, "although its state note leads to it")
    for path in store.glob("state/*/map"):
        path.write_bytes(path.read_bytes()[:-1])
    ended(refuted, "not well-formed")
    sync = ("snapshot", "sync", tmp_path / "x.snapshot", "--policy", policy)
    for path in store.glob("state/*/snapshot"):
        path.write_bytes(path.read_bytes()[: 2**9])
    ended(refuted, "ends early", *sync)
    assert not (tmp_path / "x.snapshot").exists()
    note = store / "v1" / "state-note"
    note.write_text(note.read_text().replace("Example Trust", "Example Trusty"))
    ended(refuted, "")
    # A newer state is verified elsewhere; then the store, honest but old, has been rolled back for this verifier.
    said = town.json("issuer", "propose", "--id", "did:web:filed-new.example", "--name", "x", key="agency")
    town.settle(said["statements"][0]["id"])
    town.noted()
    town.run("query", issuer, *ASKED, policy)
    ended(stale, "was verified before")
    ended(stale, "was verified before", *sync)


def test_a_store_needs_a_policy_and_gives_no_evidence_file(
    town: Town, store: Path, policy: Path, tmp_path: Path
) -> None:
    refused = town.run("query", "did:web:x.example", nodes=[str(store)], code=3)
    assert "needs a trust policy" in refused.stderr
    assert "--evidence" not in refused.stderr
    file = ("--evidence", tmp_path / "x")
    refused = town.run("query", "did:web:x.example", "--policy", policy, *file, nodes=[str(store)], code=3)
    assert "Leave out --evidence" in refused.stderr
    here = town.run("query", "did:web:x.example", "--policy", policy, nodes=[str(tmp_path)], code=5)
    assert "nothing is published there" in here.stderr


def test_a_disk_without_room_leaves_what_was_published_and_says_so(
    town: Town, store: Path, policy: Path, issuer: str
) -> None:
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    said = town.json("issuer", "propose", "--id", "did:web:filed-full.example", "--name", "x", key="agency")
    town.settle(said["statements"][0]["id"])
    town.noted()
    full = accredit("node", "publish", town.folder / "node1", store, limit=2_000, code=exits.NOT_YET)
    assert "Free some space" in full.said
    note = store / "v1" / "state-note"
    assert note.read_bytes() == before[note]
    assert not [path for path in store.rglob(".*") if path.is_file()], "nothing half-written is left"
    assert town.json("query", issuer, *ASKED, policy, nodes=[str(store)])["authorized"]
    accredit("node", "publish", town.folder / "node1", store)
    assert note.read_bytes() != before[note]
    assert town.json("query", issuer, *ASKED, policy, nodes=[str(store)])["authorized"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("http://127.0.0.1:9/registry",), 3, "is the address of a web server"),
        (("s3://bucket/x",), 3, "accredit[stores]"),
        (("s3://key@bucket/x",), 3, "contains a user name or a key"),
        (("ftp://host/x",), 3, "is the address of a web server"),
        (("/dev/null/x",), 6, "cannot be written"),
        (("x", "--every", "0s"), 3, "not between 1s and 90d"),
        (("x", "--keep", "soon"), 3, "is not a duration"),
    ],
)
def test_a_target_that_cannot_be_one_is_refused_before_anything_is_written(
    town: Town, words: tuple[str, ...], code: int, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    refused = town.run("node", "publish", town.folder / "node1", *words, code=code)
    assert said in refused.stderr
    assert list(tmp_path.iterdir()) == []
