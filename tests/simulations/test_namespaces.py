"""Networks of their own for real nodes: a pulled plug is noticed by nobody but a time-out. Needs root."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from accredit.registry.errors import InputError
from accredit.simulations.processes.net_namespaces import Wires

LISTEN = """
import socket, sys
sock = socket.create_server((sys.argv[1], 7000))
print("listens", flush=True)
while True:
    sock.accept()[0].close()
"""
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], 7000), timeout=1)"


@pytest.fixture
def wires() -> Iterator[Wires]:
    try:
        laying = Wires.lay(2)
        made = laying.__enter__()
    except InputError as error:
        pytest.skip(f"{error.message} {error.hint}")
    try:
        yield made
    finally:
        laying.__exit__(None, None, None)


def test_a_plug_that_is_pulled_lets_nothing_through_until_it_is_put_in_again(wires: Wires) -> None:
    words = [*wires.prefix(0), sys.executable, "-c", LISTEN, wires.hosts[0]]
    listener = subprocess.Popen(words, stdout=subprocess.PIPE)
    try:
        assert listener.stdout is not None
        assert listener.stdout.readline() == b"listens\n"

        def reaches() -> bool:
            asking = [*wires.prefix(1), sys.executable, "-c", CONNECT, wires.hosts[0]]
            return subprocess.run(asking, capture_output=True, check=False, timeout=30).returncode == 0

        assert reaches()
        wires.unplug(0)
        assert not reaches()
        wires.plug(0)
        assert reaches()
    finally:
        listener.kill()
        listener.communicate()


def test_nothing_is_left_of_them() -> None:
    try:
        with Wires.lay(2) as wires:
            word = wires.word
    except InputError as error:
        pytest.skip(f"{error.message} {error.hint}")
    for words in (("link",), ("netns",)):
        listed = subprocess.run(["ip", *words], capture_output=True, text=True, check=True).stdout
        assert word not in listed


def test_without_the_tools_or_the_right_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)
    with pytest.raises(InputError, match="there is no `ip` here") as refused, Wires.lay(1):
        pass
    assert "torment" in refused.value.hint
