"""Checks whether the head that a node names is a key's newest statement, because the next one is numbered after it.

A key file holds its last statement; a copy, or a restored backup, lacks statements signed elsewhere. One node could
hide these, so in doubt two nodes of two operators must agree. An honest user never gives two statements one number.
"""

from collections.abc import Sequence
from typing import Any

from accredit.cli.base import node_option
from accredit.cli.base.output import shorten
from accredit.registry.errors import InputError, NotYetError, RefusedError

from .offline_files import Head
from .submit import key_at


def compare_heads(
    nodes: Sequence[str], ecosystem: dict[str, Any], kid: bytes, *, last: Head | None, head: Head | None
) -> None:
    """Refuse to build on a head that is not the key's newest, as far as nodes and key file show.

    Args:
        nodes: URLs, the node that was asked first. ecosystem: its answer about the ecosystem and itself.
        last: the newest statement by the key file. head: by the node.

    Raises:
        NotYetError: `head_behind`: a signed statement has not arrived there.
        RefusedError: `key_doubled`: the key is in use twice.
        InputError: a second node of another operator has to be asked.
    """
    if last is not None and (head is None or head.seq < last.seq):
        raise NotYetError(
            "head_behind",
            f"Your key signed statement number {last.seq} ({shorten(last.id)}); "
            f"the newest statement of this key on {nodes[0]} is {head.seq if head else 'none'}.",
            hint="Wait, or ask another node with --node. If it was signed offline: accredit submit FILE. If it "
            f"was sent to a node that the others ignore: accredit submit --from-node URL --node {nodes[0]}",
        )
    if last is not None and head is not None and head.seq == last.seq and head.id != last.id:
        raise RefusedError(
            "key_doubled",
            f"Your key file signed {shorten(last.id)} as number {last.seq}, but the node holds "
            f"{shorten(head.id)}: two copies of the key are in use.",
            hint="Stop using it and find the other copy; then run accredit keys rotate or accredit keys compromise.",
        )
    if head is not None and (last is None or last.seq < head.seq):
        _require_two_nodes(nodes, ecosystem, kid, head)


def _require_two_nodes(nodes: Sequence[str], ecosystem: dict[str, Any], kid: bytes, head: Head) -> None:
    """Ask a second node if the key has been used elsewhere: one node could hide its newest statement, two will not."""
    others = [node for node in ecosystem["nodes"] if node["name"] != ecosystem["node"]["name"]]
    if not others:
        return
    if len(nodes) < 2:
        raise InputError(
            "ask_two_nodes",
            f"This copy of your key file is older than the key's last statement (number {head.seq}).",
            hint="Let nodes of two operators confirm that statement: add "
            + " ".join(f"--node {url}" for url in (nodes[0], others[0]["url"])),
        )
    operators = {_operator(ecosystem)}
    for url in nodes[1:]:
        with node_option.connected(url) as client:
            operators.add(_operator(client.ecosystem()))
            known = key_at(client, kid) or {"seq": 0, "head": None}
        if known["seq"] > head.seq:
            raise NotYetError(
                "head_behind",
                f"{url} has statement number {known['seq']} of your key, but {nodes[0]} has only {head.seq}.",
                hint=f"Ask {url} first (--node {url}), or wait until both agree.",
            )
        if known["seq"] == head.seq and known["head"] != head.id.hex():
            raise RefusedError(
                "key_doubled",
                f"The nodes hold different statements number {head.seq} of your key: two copies of the key are in use.",
                hint="Stop using it and find the other copy; then run accredit keys rotate or accredit keys "
                "compromise.",
            )
    if len(operators) < 2 and any(node["operator"] not in operators for node in others):
        raise InputError(
            "ask_two_operators",
            "Both nodes belong to the same operator.",
            hint="Give a node of another operator: accredit node peers lists them.",
        )


def _operator(ecosystem: dict[str, Any]) -> str:
    """Return the operator of the node that answered, or the node itself if it is not (yet) admitted."""
    own = str(ecosystem["node"]["name"])
    return next((str(node["operator"]) for node in ecosystem["nodes"] if node["name"] == own), own)
