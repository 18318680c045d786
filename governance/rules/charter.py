"""The charter: an ecosystem's constitution.

The genesis, the first statement, holds the whole charter; each amendment holds the whole new one and names its parent.
A charter names the authorities that count if a rule requires more than one, each rule that differs from the default,
the first nodes, the signers of state notes, and the version of the fold that every node must apply.

A *rule* says, in one of three forms, how many charter authorities must speak, and which constituencies must be among
them:

    {"authorities": 2}                                  two of them
    {"fraction": "2/3"}                                 at least that share, rounded up
    {"majority": True, "constituencies": {"nonprofit": 1}}   more than half, one of them a non-profit

`check` refuses a charter whose rules can never be met.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, cast

from accredit.governance.index.key_entries import CONSTITUENCY, CONTACTS, HEADS, KEY, REASON, contacts_of
from accredit.registry.domain.bodies import CharterGenesis, CharterRule
from accredit.registry.domain.record_types import ContactLinks, NeededRule
from accredit.registry.encoding import schema
from accredit.registry.encoding.counts import many
from accredit.registry.encoding.ed25519 import key_id
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.errors import DecodeError
from accredit.registry.limits import AUTHORITIES, SIGNERS
from accredit.registry.statement import Draft

_name = schema.text(100)


def _node_name(value: Any, path: str) -> None:
    """Check a node's name. It is the origin of the node's log, a C2SP key name without white space or plus sign."""
    _name(value, path)
    if any(character.isspace() or character == "+" for character in value):
        raise schema.wrong(path, "a name without spaces or plus signs, like registry.example.edu")


def _fraction(value: Any, path: str) -> None:
    parts = value.split("/") if isinstance(value, str) else []
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts):
        raise schema.wrong(path, 'a fraction like "2/3"')
    over, under = int(parts[0]), int(parts[1])
    if not 0 < over <= under:
        raise schema.wrong(path, "a fraction above 0 and at most 1")


_NODE: Final = {
    "name": _node_name,
    "operator": _name,
    "url": schema.link,
    "keys": schema.members(dict.fromkeys(("peer", "log", "witness", "state"), schema.public_key)),
}
NODE: Final = schema.members(_NODE)
NODE_REPLACEMENT: Final = schema.members({**_NODE, "replaces": schema.digest}, {**REASON})
"""A node's new entry, and the digest of the entry that it replaces (`node_names.entry_digest`)."""
_AUTHORITY: Final = schema.members(
    {
        "id": schema.issuer_id,
        "name": schema.text(),
        "constituency": CONSTITUENCY,
        "threshold": schema.integer(1, AUTHORITIES),
        "keys": schema.list_of(KEY, minimum=1, maximum=AUTHORITIES),
    },
    CONTACTS,
)
_RULE: Final = schema.members(
    {},
    {
        "authorities": schema.integer(1, AUTHORITIES),
        "fraction": _fraction,
        "majority": schema.boolean,
        "constituencies": schema.table_of(CONSTITUENCY, schema.integer(1, AUTHORITIES)),
    },
)
_CHARTER: Final = schema.members(
    {
        "id": schema.issuer_id,
        "name": schema.text(),
        "fold": schema.integer(1, 2**16),
        "authorities": schema.list_of(_AUTHORITY, minimum=1, maximum=AUTHORITIES),
        "rules": schema.table_of(schema.text(64), _RULE),
        "nodes": schema.list_of(NODE, maximum=AUTHORITIES),
        "signers": schema.list_of(_node_name, maximum=SIGNERS),
    },
    {
        "publishers": schema.list_of(schema.issuer_id, maximum=AUTHORITIES),
        "max_backdating": schema.integer(0, 2**40),
        "proposals_lapse": schema.integer(86_400, 2**40),
        "description": schema.prose,
    },
)
_AMENDMENT: Final = schema.members(
    {
        "parent": schema.digest,
        "version": schema.integer(2, 2**32),
        "charter": lambda value, path: check_charter(value, path),
        "heads": HEADS,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How many charter authorities must speak, and which constituencies must be among them.

    Attributes:
        authorities, fraction, majority: exactly one is given; the fraction as (over, under).
        constituencies: each with the number of its authorities that must be among those that speak.
        is_default: a default rule requires all authorities if there are fewer than it names.
    """

    authorities: int | None = None
    fraction: tuple[int, int] | None = None
    majority: bool = False
    constituencies: tuple[tuple[str, int], ...] = ()
    is_default: bool = False

    def needed(self, total: int) -> int:
        """Return how many of `total` authorities must speak."""
        if self.majority:
            return total // 2 + 1
        if self.fraction is not None:
            over, under = self.fraction
            return -(-total * over // under)
        assert self.authorities is not None
        return min(self.authorities, total) if self.is_default else self.authorities

    def agreement(self, charter: "Charter") -> NeededRule | None:
        """Return the rule as a record states it: how many of this charter's authorities had to agree; None: one voice
        was enough."""
        if self.asks_one:
            return None
        needed = NeededRule(authorities=self.needed(len(charter.authorities)))
        if self.constituencies:
            needed["constituencies"] = dict(self.constituencies)
        return needed

    @property
    def asks_one(self) -> bool:
        """Return whether one authority, or a delegate, is enough by itself."""
        return self.authorities == 1 and not self.constituencies


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """An authority that the charter names; `threshold` of its `keys` make it speak."""

    id: CanonicalId
    name: str
    constituency: str
    threshold: int
    keys: tuple[bytes, ...]
    contacts: ContactLinks


@dataclass(frozen=True, kw_only=True)
class Charter:
    """A parsed charter. `body` is the map it was parsed from."""

    body: CharterGenesis
    authorities: Mapping[CanonicalId, Authority]

    @property
    def id(self) -> CanonicalId:
        """The ecosystem's identifier, the same in every version."""
        return self.body["id"]

    def holds(self, id: str) -> bool:
        """Return whether an id belongs to an authority or publisher that this charter names, to which nobody can
        delegate."""
        return id in self.authorities or id in self.body.get("publishers", ())

    @cached_property
    def rules(self) -> Mapping[str, Rule]:
        """The rules that differ from the defaults, by rule name."""
        return {name: parse_rule(rule) for name, rule in self.body["rules"].items()}


def check_charter(body: Any, path: str = "body") -> None:
    """Check the shape of a charter, and that every rule in it can be met.

    Raises:
        DecodeError: naming the member, and for a rule why it can never be met.
    """
    _CHARTER(body, path)
    authorities, names = body["authorities"], [node["name"] for node in body["nodes"]]
    _require_distinct([a["id"] for a in authorities], f"{path}.authorities", "authority")
    publics = [key["public"] for a in authorities for key in a["keys"]]
    _require_distinct(publics, f"{path}.authorities", "public key")
    for index, authority in enumerate(authorities):
        if authority["threshold"] > len(authority["keys"]):
            raise _never(
                f"{path}.authorities[{index}].threshold",
                f"{many(authority['threshold'], 'key', 'is', 'are')} required, but the authority has "
                f"{len(authority['keys'])}",
            )
    _require_distinct(names, f"{path}.nodes", "node name")
    operators = {node["name"]: node["operator"] for node in body["nodes"]}
    for index, signer in enumerate(body["signers"]):
        if signer not in operators:
            raise DecodeError("unknown_signer", f"no node has the name {signer!r}.", where=f"{path}.signers[{index}]")
    _require_distinct([operators[s] for s in body["signers"]], f"{path}.signers", "operator among the signers")
    for name, rule in body["rules"].items():
        _check_rule(parse_rule(rule, f"{path}.rules.{name}"), authorities, f"{path}.rules.{name}")


def check_genesis(body: Any, path: str = "body") -> None:
    """Check as `check_charter` does, and that every key has a budget, which no other statement can give it."""
    check_charter(body, path)
    for index, authority in enumerate(body["authorities"]):
        for number, key in enumerate(authority["keys"]):
            if key["budget"] == 0:
                where = f"{path}.authorities[{index}].keys[{number}].budget"
                raise DecodeError("no_budget", "a key in a genesis needs a budget of at least 1.", where=where)


def check_amendment(body: Any, path: str = "body") -> None:
    """The shape of `charter.amend`."""
    _AMENDMENT(body, path)


def parse(body: CharterGenesis) -> Charter:
    """Return the charter in a checked body."""
    authorities = {
        entry["id"]: Authority(
            id=entry["id"],
            name=entry["name"],
            constituency=entry["constituency"],
            threshold=entry["threshold"],
            keys=tuple(key_id(key["public"]) for key in entry["keys"]),
            contacts=contacts_of(entry),
        )
        for entry in body["authorities"]
    }
    return Charter(body=body, authorities=authorities)


def charter_of(statement: Draft) -> Charter:
    """Return the charter that a genesis or an amendment states; its body has been checked."""
    body = statement.body if statement.kind == "charter.genesis" else statement.body["charter"]
    return parse(cast(CharterGenesis, body))


def parse_rule(rule: CharterRule, path: str = "rule") -> Rule:
    """Return the rule in a map.

    Raises:
        DecodeError: none or several of the three forms are given.
    """
    forms = [name for name in ("authorities", "fraction", "majority") if rule.get(name)]
    if len(forms) != 1:
        raise schema.wrong(path, 'one of authorities = 2, fraction = "2/3", majority = true')
    over, _, under = str(rule.get("fraction", "1/1")).partition("/")
    return Rule(
        authorities=rule.get("authorities"),
        fraction=(int(over), int(under)) if "fraction" in rule else None,
        majority=bool(rule.get("majority")),
        constituencies=tuple(sorted(rule.get("constituencies", {}).items())),
    )


def _check_rule(rule: Rule, authorities: list[dict[str, Any]], path: str) -> None:
    if (needed := rule.needed(len(authorities))) > len(authorities):
        required = many(needed, "authority", "is", "are")
        raise _never(path, f"{required} required, but the charter has {len(authorities)}")
    seats = Counter(authority["constituency"] for authority in authorities)
    for constituency, count in rule.constituencies:
        if count > seats[constituency]:
            raise _never(
                path, f"{count} {constituency} authorities are required, but the charter has {seats[constituency]}"
            )


def _never(path: str, why: str) -> DecodeError:
    return DecodeError(
        "never_met", f"this rule can never be met: {why}.", where=path, hint="Require fewer, or add more."
    )


def _require_distinct(values: list[Any], path: str, what: str) -> None:
    for value, count in Counter(values).items():
        if count > 1:
            shown = value.hex() if isinstance(value, bytes) else value
            raise DecodeError("named_twice", f"the {what} {shown} is named {count} times.", where=path)
