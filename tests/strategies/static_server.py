"""nginx with a folder of published files, or in front of other servers; skips the test where it is not installed."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.strategies import loopback
from tests.strategies.fleet import ROOT, eventually, quiet_port

SNIPPET = ROOT / "examples" / "deploy" / "store.nginx.conf"

_NGINX = """
daemon off;
{user}
worker_processes 1;
pid {at}/nginx.pid;
error_log {at}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {at}/body; proxy_temp_path {at}/proxy; fastcgi_temp_path {at}/fastcgi;
  uwsgi_temp_path {at}/uwsgi; scgi_temp_path {at}/scgi;
  {http}
}}
"""


@contextmanager
def serving(folder: Path, at: Path) -> Iterator[str]:
    """The URL of nginx with the published snippet over a folder.

    Args:
        at: an empty folder of its own.
    """
    port = quiet_port()
    server = f"server {{ listen 127.0.0.1:{port}; root {folder}; include {SNIPPET}; }}"
    with nginx(server, at, port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def balancing(ports: Sequence[int], at: Path) -> Iterator[str]:
    """The URL of nginx in front of other servers: where one does not answer, or says 503, the next one is asked."""
    port = quiet_port()
    others = " ".join(f"server 127.0.0.1:{other} max_fails=1 fail_timeout=1s;" for other in ports)
    location = "proxy_pass http://all; proxy_next_upstream error timeout http_503 non_idempotent;"
    server = f"upstream all {{ {others} }} server {{ listen 127.0.0.1:{port}; location / {{ {location} }} }}"
    with nginx(server, at, port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def nginx(http: str, at: Path, port: int) -> Iterator[None]:
    program = shutil.which("nginx")
    if program is None:
        pytest.skip("nginx is not installed here")
    at.mkdir()
    user = "user root;" if os.geteuid() == 0 else ""
    (at / "nginx.conf").write_text(_NGINX.format(at=at, http=http, user=user))
    process = subprocess.Popen([program, "-p", at, "-c", at / "nginx.conf"], stderr=subprocess.PIPE)

    def answers() -> bool:
        assert process.poll() is None, process.communicate()[1].decode()
        try:
            return bool(loopback.get(f"http://127.0.0.1:{port}/").status_code)
        except httpx.TransportError:
            return False

    try:
        eventually(answers, "nginx answers")
        yield
    finally:
        process.terminate()
        process.communicate(timeout=60)
