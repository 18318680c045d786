"""Publishing to an S3 API and asking it: a real client and a real server, each in an environment of its own."""

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.strategies import loopback
from tests.strategies.environments import bare_environment, environment, run
from tests.strategies.fleet import ROOT, accredit, eventually, founding, quiet_port

pytestmark = pytest.mark.nightly  # two environments from the network

BUCKET = "registry"
OWNER = {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request"}
"""By this the server takes whoever asks for the owner; it checks no signature."""

MAIN = "from accredit.cli.start import main; main()"


@pytest.fixture(scope="module")
def keys() -> Iterator[dict[str, str]]:
    """The environment that leads to an S3 server with an empty bucket."""
    python, port = environment("s3"), quiet_port()
    url = f"http://127.0.0.1:{port}"
    words = [str(python), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(words, env=bare_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: answers(port), "the S3 server answers")
        assert loopback.put(f"{url}/{BUCKET}").status_code == 200
        yield {
            "AWS_ENDPOINT_URL": url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test-secret",
            "AWS_REGION": "us-east-1",
        }
    finally:
        server.terminate()
        server.wait(timeout=60)


def answers(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def typed(keys: dict[str, str], *words: object, code: int = 0) -> tuple[str, str]:
    """A command of ours where the extra is installed; what it prints and what it says."""
    python = environment("stores")
    done = subprocess.run(
        [str(python), "-c", MAIN, *map(str, words)],
        cwd=ROOT,
        env=bare_environment(PYTHONPATH=str(ROOT), **keys),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == code, f"{words}\n{done.stdout}\n{done.stderr}"
    assert "test-secret" not in done.stdout + done.stderr
    return done.stdout, done.stderr


def test_an_object_store_alone_answers_and_each_lie_of_it_has_its_code(keys: dict[str, str], tmp_path: Path) -> None:
    place, here = f"s3://{BUCKET}/published", keys["AWS_ENDPOINT_URL"]
    with founding(tmp_path, "node1", signers=True) as fleet:
        node = fleet["node1"]
        fleet.start()
        policy = tmp_path / "policy.txt"
        eventually(lambda: node.client.status()["state_note"], "a quorum has signed")
        accredit("trust", "export", "-o", policy, env={"ACCREDIT_NODE": node.url})
        assert typed(keys, "node", "publish", node.folder, place)[0].startswith("Published")
        again = json.loads(typed(keys, "node", "publish", node.folder, place, "--json")[0])
        assert again["files_written"] <= 2, "when it was written, and a fresh note"
        node.kill()
    asked = ("query", "did:web:x.example", "--policy", policy, "--node", place)
    assert "Verified" in typed(keys, *asked, code=1)[0]
    sync = ("snapshot", "sync", tmp_path / "all.snapshot", "--policy", policy, "--node", place)
    assert "(whole)" in typed(keys, *sync)[0]
    assert "(what changed)" in typed(keys, *sync)[0]
    objects = loopback.get(f"{here}/{BUCKET}", params={"list-type": "2"}, headers=OWNER).text
    paths = [part.partition("</Key>")[0] for part in objects.split("<Key>")[1:]]
    assert f"{place.partition(BUCKET)[2][1:]}/v1/state-note" in paths
    for path in paths:
        made_public = loopback.put(f"{here}/{BUCKET}/{path}?acl", headers=OWNER | {"x-amz-acl": "public-read"})
        assert made_public.status_code == 200
        kept = loopback.get(f"{here}/{BUCKET}/{path}").headers["cache-control"]
        is_forever = "/state/" in path or "/buckets/" in path or path.endswith("/v1/genesis")
        assert ("immutable" in kept) == is_forever, path
    over_the_web = ("query", "did:web:x.example", "--policy", policy, "--node", f"{here}/{BUCKET}/published")
    assert "Verified" in typed({}, *over_the_web, code=1)[0]
    buckets = [path for path in paths if "/buckets/" in path]
    for path in buckets:
        whole = loopback.get(f"{here}/{BUCKET}/{path}").content
        loopback.put(f"{here}/{BUCKET}/{path}", content=whole[:-3], headers=OWNER)
    typed(keys, *asked, code=10)
    for path in buckets:
        httpx.delete(f"{here}/{BUCKET}/{path}", headers=OWNER, trust_env=False)
    assert "has no file" in typed(keys, *asked, code=5)[1]
    said = typed(keys | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, *asked, code=5)[1]
    assert "could not be reached" in said
    refused = typed(keys, "node", "publish", node.folder, "s3://no-such-bucket/x", code=5)[1]
    assert "could not be reached, or refuses" in refused


def test_without_the_extra_the_command_says_what_to_install(tmp_path: Path) -> None:
    python = environment("stores")
    assert run(python, "-c", "import obstore") == ""
    refused = accredit("snapshot", "sync", tmp_path / "x", "--policy", tmp_path / "p", "--node", "s3://b/x", code=3)
    assert refused.said
