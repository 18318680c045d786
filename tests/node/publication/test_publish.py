"""Publishing: the files answer as the node does; only what is new is written; and no run that ends early shows."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from accredit.node.clients.store_files import STATE_NOTE, bucket_path, delta_path, map_path, snapshot_path
from accredit.node.clients.store_reading import CHANGES, WHOLE
from accredit.node.publication.map_parts import ISSUERS, depth_for
from accredit.node.publication.publish import NEWEST, PublishedPage, publish
from accredit.node.publication.targets import FolderTarget
from accredit.registry.decision.decide import decide
from accredit.registry.decision.query import Query
from accredit.registry.decision.verdict import Verdict
from accredit.registry.errors import AccreditError, InputError, NotYetError, RemoteError, StorageError
from accredit.registry.evidence.published_map import tops_in
from accredit.registry.evidence.state_check import CheckError, CheckResult
from tests.strategies import bodies
from tests.strategies.consortium import Consortium
from tests.strategies.network import A
from tests.strategies.publishing import Away, Interrupted, PowerCut, Published
from tests.strategies.served import ALIAS, COLLEGE, EXPIRED, SUSPENDED, UNKNOWN, empty, served

MANY = [f"did:web:many{number}.example" for number in range(120)]
NEW = "did:web:new.example"


def make(folder: Path) -> Published:
    made = Published(served(folder), folder / "files")
    made.goes_on(*MANY)
    made.publish()
    return made


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Published:
    return make(tmp_path_factory.mktemp("published"))


@pytest.fixture
def published(tmp_path: Path) -> Published:
    """A node with enough issuers for several buckets, published."""
    return make(tmp_path)


@pytest.fixture
def copied(once: Published, tmp_path: Path) -> Published:
    """The same, of which only the files are the test's own."""
    shutil.copytree(once.folder, tmp_path / "files")
    return Published(once.node, tmp_path / "files")


@pytest.fixture
def small(tmp_path: Path) -> Published:
    """A node with a handful of issuers, not published yet."""
    return Published(served(tmp_path), tmp_path / "files")


def refused(act: Callable[[], object]) -> tuple[CheckResult, str]:
    with pytest.raises(CheckError) as error:
        act()
    return error.value.result, error.value.check


@pytest.mark.parametrize("issuer", [COLLEGE, SUSPENDED, EXPIRED, UNKNOWN, ALIAS, MANY[7]])
def test_the_files_answer_as_the_node_does(copied: Published, issuer: str) -> None:
    fold, charter = copied.node.fold, copied.policy().charter
    query = Query(entity=issuer, authority=charter, achievement_types=("Degree",))
    assert copied.ask(issuer) == decide(query, fold, copied.node.now(), ecosystem_id=charter)


def test_everybody_hides_among_enough_issuers(copied: Published) -> None:
    bits, tops = tops_in((copied.folder / map_path(copied.publish().root)).read_bytes())
    assert bits >= 1
    assert all(tops)
    assert depth_for([]) == depth_for([bytes(32)] * 100) == 0
    halves = [bytes([first]) + bytes(31) for first in (0, 255)]
    assert depth_for(halves * ISSUERS) == 1
    assert depth_for(halves * (ISSUERS - 1)) == 0


def test_what_is_there_is_not_written_again(copied: Published) -> None:
    before = copied.files()
    assert copied.publish().written == 0
    assert copied.files() == before
    assert copied.publish(anew=True).written == len(before)
    assert copied.files() == before


def test_a_new_state_costs_what_is_new_in_it(published: Published) -> None:
    before = published.files()
    published.node.town.says(A, "issuer.register", bodies.register(NEW))
    published.goes_on()
    done = published.publish()
    buckets = {path for path in published.files() if path.startswith("buckets/")}
    assert len(buckets - before.keys()) == 1 < len(buckets & before.keys())
    whole = snapshot_path(done.root)
    assert whole not in published.files(), "all records are written again only where much has changed"
    assert published.ask(NEW).verdict is Verdict.NOT_TRUSTED
    assert published.sync()[0].noted.state.root == done.root


def test_a_fresh_note_of_the_same_state_is_two_small_files(published: Published) -> None:
    published.node.time += 120
    published.node.notes()
    published.node.notes()
    assert published.publish().written == 2  # the note, and when it was written
    assert published.ask(COLLEGE).authorized


def test_all_records_come_whole_and_then_by_what_changed(published: Published) -> None:
    held, how = published.sync()
    assert how == WHOLE
    assert published.sync(held) == (held, CHANGES), "the same state: its note alone is newer"
    published.goes_on(NEW)
    published.publish()
    updated, how = published.sync(held)
    assert (updated, how, held.noted.state.count) == (held, CHANGES, published.publish().count)
    fresh, how = published.sync()
    assert how == WHOLE
    assert fresh.records_root() == held.records_root()
    assert published.told == []


def test_all_records_are_written_anew_once_much_has_changed(small: Published) -> None:
    first = small.publish().root
    small.goes_on(*MANY)
    second = small.publish().root
    assert {snapshot_path(first), snapshot_path(second), delta_path(second, first)} <= small.files().keys()


def test_a_run_that_ends_at_any_file_leaves_readers_what_they_had_and_the_next_goes_on(published: Published) -> None:
    """Also where the disk is full: what a folder does not take, it has nothing of."""
    before, held = published.files(), published.sync()[0].noted.state.count
    published.goes_on(NEW)
    with pytest.raises(PowerCut):
        published.publish(Interrupted(published.folder, 0))
    assert published.files() == before
    for _ in range(100):
        try:
            published.publish(Interrupted(published.folder, 1))  # each run gets one file further than the one before
        except PowerCut:
            changed = {path for path, data in published.files().items() if before.get(path, data) != data}
            assert changed <= {"log/checkpoint", "accredit-store.json"}, "nothing of which a state note speaks"
            assert published.sync()[0].noted.state.count == held
            assert published.ask(COLLEGE).authorized
            assert not published.ask(NEW).authorized
        else:
            break
    assert published.ask(NEW).authorized
    assert published.publish().written == 0


def test_a_store_that_goes_away_at_any_file_leaves_readers_what_they_had(small: Published) -> None:
    small.publish()
    small.goes_on(NEW)
    for files in range(100):
        try:
            small.publish(Away(small.folder, files))
        except RemoteError:
            assert not small.ask(NEW).authorized
        else:
            break
    assert small.ask(NEW).authorized


def test_an_older_state_stays_for_whoever_has_read_its_note_and_goes_then(published: Published) -> None:
    first = published.publish().root
    old_buckets = {path for path in published.files() if path.startswith("buckets/")}
    published.goes_on(NEW)
    second = published.publish(keep=100).root
    assert {map_path(first), map_path(second)} <= published.files().keys()
    age(published)
    published.goes_on("did:web:newer.example", seconds=60)
    third = published.publish(keep=10**7).root
    assert map_path(first) in published.files(), "it is kept for as long as was asked"
    age(published)
    done = published.publish(keep=100)
    assert done.removed > 0
    left = published.files()
    assert map_path(first) not in left
    assert map_path(second) not in left
    assert snapshot_path(first) in left, "what the newest state's records begin with stays"
    assert {map_path(third), delta_path(third, first)} <= left.keys()
    assert old_buckets - left.keys(), "buckets that no state has go too"
    for issuer in (COLLEGE, NEW, MANY[0]):
        assert published.ask(issuer).authorized
    assert published.sync()[0].noted.state.root == third
    held, _ = published.sync()
    assert held.noted.state.root == third


def age(published: Published) -> None:
    """All files become ten minutes older than what is written next."""
    for path in published.folder.rglob("*"):
        status = path.stat()
        os.utime(path, (status.st_atime, min(status.st_mtime, published.node.time) - 600))


def test_files_of_others_under_our_names_are_left_alone_and_half_written_ones_go(published: Published) -> None:
    stranger = published.folder / "state" / "README"
    stranger.write_text("not a state")
    theirs = [published.folder / "buckets" / ".htaccess", published.folder / ".well-known.txt"]
    for one in theirs:
        one.write_text("the web server's")
    (published.folder / "buckets" / "link").symlink_to(published.folder / "nowhere")
    halves = [published.folder / path for path in ("buckets/.0123456789abcdef.x8_d0fqz", "v1/.state-note.x8_d0fqz")]
    for one in halves:
        one.write_bytes(b"x")
    published.goes_on(NEW)
    published.publish(keep=1)
    (published.folder / "buckets" / "link").unlink()
    age(published)
    published.publish(keep=1)
    assert all(one.exists() for one in (stranger, *theirs))
    assert not any(one.exists() for one in halves)


def test_a_damaged_map_of_the_state_that_is_published_is_mended_and_an_older_one_hinders_nobody(
    published: Published,
) -> None:
    older = published.folder / map_path(published.publish().root)
    older.write_bytes(b"damaged")
    published.goes_on(NEW)
    newest = published.folder / map_path(published.publish().root)
    newest.write_bytes(b"damaged")
    assert published.publish(keep=1).written == 1
    assert published.ask(NEW).authorized


@pytest.mark.parametrize("damage", [b"", b"not a note", bytes(17 * 2**20), None], ids=["empty", "text", "huge", "gone"])
def test_a_target_with_a_damaged_note_or_map_is_published_to_as_if_it_were_new(
    published: Published, damage: bytes | None
) -> None:
    root = published.publish().root
    for path in (STATE_NOTE, map_path(root), "log/checkpoint"):
        place = published.folder / path
        if damage is None:
            place.unlink()
        else:
            place.write_bytes(damage)
    published.goes_on(NEW)
    published.publish()
    assert published.ask(NEW).authorized
    assert published.sync()[1] == WHOLE


def test_a_node_that_is_behind_does_not_take_a_newer_state_back(published: Published) -> None:
    behind = published.folder.with_name("behind.db")
    with closing(sqlite3.connect(published.node.store.path)) as node, closing(sqlite3.connect(behind)) as copy:
        node.backup(copy)
    published.goes_on(NEW)
    published.publish()
    newer = published.files()
    with pytest.raises(NotYetError, match=r"has a state of \d+ statements, and this node knows one of \d+") as caught:
        publish(behind, FolderTarget(published.folder), pages=dict, now=published.node.time)
    assert (caught.value.code, published.files()) == ("behind_target", newer)
    publish(behind, FolderTarget(published.folder), pages=dict, now=published.node.time, anew=True)
    assert published.files()[STATE_NOTE] != newer[STATE_NOTE]


def test_the_files_of_another_ecosystem_are_not_mixed_with_ours(copied: Published) -> None:
    note = copied.folder / STATE_NOTE
    note.write_text(note.read_text().replace("A consortium/", "Another consortium/").replace("/0", "/1", 1))
    with pytest.raises(InputError, match="Another consortium") as caught:
        copied.publish()
    assert caught.value.code == "other_ecosystem"
    copied.publish(anew=True)
    assert copied.ask(COLLEGE).authorized


def test_a_map_published_wrong_is_not_gone_on_from(published: Published) -> None:
    place = published.folder / map_path(published.publish().root)
    other = Published(published.node, published.folder)
    whole = place.read_bytes()
    place.write_bytes(whole.replace(whole[100:132], bytes(range(32)), 1))
    other.goes_on(NEW)
    other.publish()
    assert other.ask(NEW).authorized


def test_pages_are_published_where_they_differ_and_left_as_they_were_where_none_can_be_made(small: Published) -> None:
    page = PublishedPage(body=b"[]", media_type="application/json", cache=NEWEST)
    small.publish(pages={"exports/list.json": page})
    assert small.publish(pages={"exports/list.json": page}).written == 0
    done = small.publish(pages={"exports/list.json": "too old to say"})
    assert done.left_out == {"exports/list.json": "too old to say"}
    assert small.files()["exports/list.json"] == b"[]"


def test_before_the_first_quorum_there_is_nothing_to_publish(tmp_path: Path) -> None:
    town = Consortium.of((A, "nonprofit"), nodes=[], signers=[])
    node = Published(empty(tmp_path, town), tmp_path / "files")
    with pytest.raises(NotYetError, match="nothing to publish yet"):
        node.publish()
    assert node.files() == {}


# ------------------------------------------------------------------------------------------- what readers refuse


def test_an_older_note_is_stale_for_whoever_has_seen_a_newer_one(published: Published) -> None:
    old = (published.folder / STATE_NOTE).read_bytes()
    published.goes_on(NEW)
    published.publish()
    policy = published.policy().remember(published.sync()[0].noted.state)
    (published.folder / STATE_NOTE).write_bytes(old)
    assert refused(lambda: published.ask(COLLEGE, policy)) == (CheckResult.STALE, "count")
    assert refused(lambda: published.sync(policy=policy)) == (CheckResult.STALE, "count")


@pytest.mark.parametrize(
    ("path", "check"), [("map", "map"), ("buckets/", "bucket"), ("snapshot", "snapshot"), ("state-note", "note")]
)
def test_a_truncated_file_is_refuted(copied: Published, path: str, check: str) -> None:
    for place in copied.folder.rglob("*"):
        if place.is_file() and (path in f"{place.parent.name}/" or place.name == path):
            place.write_bytes(place.read_bytes()[: len(place.read_bytes()) // 2])
    act = copied.sync if path == "snapshot" else lambda: copied.ask(COLLEGE)
    assert refused(act) == (CheckResult.REFUTED, check)


def test_records_that_do_not_lead_to_the_note_are_refuted(copied: Published) -> None:
    place = copied.folder / snapshot_path(copied.publish().root)
    whole = place.read_bytes()
    place.write_bytes(whole[:21] + bytes(32) + whole[53:])
    assert refused(copied.sync) == (CheckResult.REFUTED, "snapshot_root")


def test_a_delta_that_leads_elsewhere_is_said_and_the_whole_is_fetched(published: Published) -> None:
    published.goes_on("did:web:between.example")
    published.publish()
    held, _ = published.sync()
    published.goes_on(NEW)
    root = published.publish().root
    place = published.folder / delta_path(root, held.noted.state.root)
    whole = place.read_bytes()
    place.write_bytes(whole[:49] + bytes(32) + whole[81:])
    assert published.sync(held)[1] == WHOLE
    assert "full snapshot" in published.told[0]


@pytest.mark.parametrize("pattern", ["state/*/map", "buckets/*", "state/*/snapshot", "state/*/base"])
def test_a_missing_file_is_an_error_of_the_store_and_says_which(copied: Published, pattern: str) -> None:
    for place in copied.folder.glob(pattern):
        place.unlink()
    act = copied.sync if pattern.endswith(("snapshot", "base")) else lambda: copied.ask(COLLEGE)
    with pytest.raises(RemoteError, match="although its state note leads to it") as error:
        act()
    assert error.value.code == "missing_file"


def test_a_base_that_is_no_root_is_refuted_and_one_without_changes_is_missing(published: Published) -> None:
    published.goes_on(NEW)
    root = published.publish().root
    base = published.folder / f"state/{root.hex()}/base"
    first = bytes.fromhex(base.read_text())
    (published.folder / delta_path(root, first)).unlink()
    with pytest.raises(RemoteError, match="since"):
        published.sync()
    base.write_text("elsewhere")
    assert refused(published.sync) == (CheckResult.REFUTED, "base")


def test_a_place_without_files_is_no_store(small: Published) -> None:
    with pytest.raises(RemoteError, match="nothing is published there"):
        small.ask(COLLEGE)


def test_buckets_are_named_by_the_map(copied: Published) -> None:
    assert bucket_path("00") == "buckets/00"
    assert any(path.startswith("buckets/") for path in copied.files())


# ---------------------------------------------------------------------------------------------------- folders


def test_files_can_be_read_by_a_web_server_that_is_somebody_else(copied: Published) -> None:
    for place in copied.folder.rglob("*"):
        assert place.stat().st_mode & 0o777 == (0o755 if place.is_dir() else 0o644)


def test_a_folder_that_cannot_be_made_or_written_to_is_said(small: Published, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot be written"):
        small.publish(FolderTarget(tmp_path / "file" / "files"))
    with pytest.raises(AccreditError, match="cannot be written"):
        FolderTarget(tmp_path / "file").write("x", b"", media_type="", cache="")


def test_a_file_that_would_never_end_is_not_read(copied: Published) -> None:
    note = copied.folder / STATE_NOTE
    note.unlink()
    os.mkfifo(note)
    with pytest.raises(RemoteError, match="is not a file"):
        copied.ask(COLLEGE)
    copied.publish()
    assert copied.ask(COLLEGE).authorized
    note.unlink()
    note.symlink_to("/dev/zero")
    with pytest.raises(RemoteError, match="is not a file"):
        copied.ask(COLLEGE)


def test_deleting_what_is_not_there_is_nothing(tmp_path: Path) -> None:
    target = FolderTarget(tmp_path)
    target.delete("a/b/c")
    target.write("a/b/c", b"x", media_type="", cache="")
    target.write("a/d", b"x", media_type="", cache="")
    target.delete("a/b/c")
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "d"]
