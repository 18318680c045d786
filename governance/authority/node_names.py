"""Finds the entry that belongs to a node's name, and the admissions and replacements of it that count.

A name stands for one node for life: it is the origin of that node's log. The charter in force names the first nodes;
`node.admit` brings a new name. Keys, address and operator change only by `node.replace`, which names the entry that it
replaces, so that voters see what is replaced. A retired name stays retired (ADR 0009).

The result follows from the set: of several admissions of one name the first by date, then by id, counts; replacements
are followed from entry to entry, each at most once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from accredit.governance.rules.charter import Charter
from accredit.registry.encoding.cbor import encode
from accredit.registry.statement import Unverified

from .governing_state import Law

ENTRY_MEMBERS: Final = ("name", "operator", "url", "keys")
NAMING: Final = ("node.admit", "node.replace")
"""The kinds that give a name to a node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """The meaning of a name.

    Attributes:
        entry: name, operator, URL and keys; None for an unused name.
        statement: the id of the statement that gives this entry.
        counted: ids of the admissions and replacements that led to it.
        retired: the id of the first retirement, by id; None while the node is in force.
    """

    entry: Mapping[str, Any] | None = None
    statement: bytes | None = None
    counted: frozenset[bytes] = frozenset()
    retired: bytes | None = None


def entry_digest(entry: Mapping[str, Any]) -> bytes:
    """Return the digest by which a replacement names an entry: SHA-256 of its four members in deterministic CBOR."""
    return sha256(encode({name: entry[name] for name in ENTRY_MEMBERS})).digest()


def trace_name(law: Law, name: str, effective: Iterable[Unverified]) -> Naming:
    """Follow a name from its first entry to its current one.

    Args:
        effective: the statements about it (`node.*`) whose rules are met.
    """
    said = sorted(effective, key=lambda statement: (statement.iat, statement.id))
    admitted = next((s for s in said if s.kind == "node.admit" and not _is_named(law.ground.charter(s), name)), None)
    counted = set() if admitted is None else {admitted.id}
    version = law.ground.versions[-1]
    entry: Mapping[str, Any] | None = next((n for n in version.charter.body["nodes"] if n["name"] == name), None)
    statement = version.statement
    if entry is None and admitted is not None:
        entry, statement = admitted.body, admitted
    replacements = [s for s in said if s.kind == "node.replace"]
    while entry is not None:
        digest = entry_digest(entry)
        successor = next((r for r in replacements if r.body["replaces"] == digest), None)
        if successor is None:
            break
        replacements.remove(successor)
        entry, statement = successor.body, successor
        counted.add(successor.id)
    retired = min((s.id for s in said if s.kind == "node.retire"), default=None)
    return Naming(
        entry=None if entry is None else {member: entry[member] for member in ENTRY_MEMBERS},
        statement=None if entry is None else statement.id,
        counted=frozenset(counted),
        retired=retired,
    )


def naming_problem(statement: Unverified, naming: Naming) -> str | None:
    """Return why an admission or replacement cannot change the entry of a name; None if it can, or has."""
    if statement.id in naming.counted or statement.kind not in NAMING:
        return None
    name, entry = statement.sub, naming.entry
    if naming.retired is not None:
        return f"the node {name} was retired, and a retired name cannot be used again; choose another name"
    if statement.kind == "node.admit":
        if entry is None:
            return None
        return (
            f"the name {name} belongs to an active node, run by {entry['operator']} at {entry['url']}; choose "
            "another name, or propose to replace that node's entry"
        )
    if entry is None:
        return f"no node has the name {name}; propose to admit it instead"
    if statement.body["replaces"] != entry_digest(entry):
        return f"it replaces an entry of {name} that is not in force"
    if entry_digest(statement.body) == entry_digest(entry):
        return f"it changes nothing about {name}"
    return None


def _is_named(charter: Charter, name: str) -> bool:
    return any(node["name"] == name for node in charter.body["nodes"])
