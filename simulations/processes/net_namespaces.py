"""Gives each real node a network namespace, connected to one switch, if this user may create them.

    with Wires.lay(5, loss=0.01) as wires:
        Popen([*wires.prefix(0), "accredit", …])      runs in the namespace of node 0, at the address wires.hosts[0]
        wires.unplug(0)                               cuts it off in both directions; nobody is told
        wires.plug(0)

A pulled plug differs from a kill: connections stay open on both sides, and no data arrives. The kernel's `netem` makes
losses and delays, if the kernel has it (`has_netem`); plugs can always be pulled. Addresses are of 198.18.0.0/15, which
is set aside for such tests (RFC 2544 §C.2.2), so they do not clash with real networks. Needs root and `ip` (iproute2).
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from accredit.registry.errors import InputError

DELAY: Final = "10ms"
"""Delay one way, ± 2 ms, as in the network of one region. A guess."""


@dataclass(slots=True)
class Wires:
    """See the module.

    Attributes:
        hosts: the addresses of the nodes, by number.
        has_netem: whether loss and delay are simulated.
    """

    word: str
    hosts: list[str]
    has_netem: bool

    @classmethod
    @contextmanager
    def lay(cls, nodes: int, *, loss: float = 0.0) -> Iterator["Wires"]:
        """Make namespaces, a switch and wires; all are removed after the block.

        Args:
            loss: probability that a packet is lost, one way.

        Raises:
            InputError: `no_namespaces`: `ip` is missing, or this user may not make namespaces.
        """
        word = f"acc{os.getpid() % 100_000}"
        subnet = f"198.18.{os.getpid() % 250}"
        wires = cls(word=word, hosts=[f"{subnet}.{number + 10}" for number in range(nodes)], has_netem=False)
        try:
            _ip("link", "add", word, "type", "bridge")
            _ip("addr", "add", f"{subnet}.1/24", "dev", word)
            _ip("link", "set", word, "up")
            for number in range(nodes):
                wires._wire(number)
            wires.has_netem = all(wires._blur(number, loss) for number in range(nodes))
            yield wires
        finally:
            for number in range(nodes):
                _ip("netns", "del", f"{word}n{number}", check=False)
                _ip("link", "del", f"{word}p{number}", check=False)
            _ip("link", "del", word, check=False)

    def prefix(self, number: int) -> tuple[str, ...]:
        """Return the words that make a command run in a node's namespace, to be put before it."""
        return ("ip", "netns", "exec", f"{self.word}n{number}")

    def unplug(self, number: int) -> None:
        """Pull a node's plug."""
        _ip("link", "set", f"{self.word}p{number}", "down")

    def plug(self, number: int) -> None:
        """Put a node's plug in again."""
        _ip("link", "set", f"{self.word}p{number}", "up")

    def _wire(self, number: int) -> None:
        space, port = f"{self.word}n{number}", f"{self.word}p{number}"
        _ip("netns", "add", space)
        _ip("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", space)
        _ip("link", "set", port, "master", self.word, "up")
        _ip("-n", space, "addr", "add", f"{self.hosts[number]}/24", "dev", "eth0")
        _ip("-n", space, "link", "set", "lo", "up")
        _ip("-n", space, "link", "set", "eth0", "up")

    def _blur(self, number: int, loss: float) -> bool:
        """Add loss and delay to a wire; return whether the kernel can."""
        words = ["tc", "qdisc", "add", "dev", f"{self.word}p{number}", "root", "netem", "delay", DELAY, "2ms"]
        if loss:
            words += ["loss", f"{loss:.3%}"]
        return shutil.which("tc") is not None and subprocess.run(words, capture_output=True).returncode == 0


def _ip(*words: str, check: bool = True) -> None:
    program = shutil.which("ip")
    if program is None:
        if check:
            raise _impossible("there is no `ip` here")
        return
    done = subprocess.run([program, *words], capture_output=True)
    if check and done.returncode:
        raise _impossible(f"`ip {' '.join(words)}`: {done.stderr.decode('utf-8', 'replace').strip()}")


def _impossible(why: str) -> InputError:
    return InputError(
        "no_namespaces",
        f"network namespaces cannot be made ({why}).",
        hint="Run it as root, with iproute2; or run another scenario, such as torment.",
    )
