"""Which logs and witnesses a verifier relies on, and how many must agree: C2SP tlog-policy.

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> all|any|<k> <member> ...
    quorum <name>|none

One item a line; spaces and tabs separate; empty lines and lines that begin with # are ignored. Names are octets without
white space; witnesses and groups share one namespace, in which `none` is taken. Rules, all enforced when reading:

* a group and the quorum name only what earlier lines define; a name is member of one group, once; exactly one quorum;
* no public key appears twice under any names, because one witness could then count as two;
* a log's key is of type 01, a witness' of type 04; a threshold is 1 to the number of members, without leading zeros.

    >>> Policy.decode(b"quorum none\\n").is_met(())
    True

Names with octets that are not UTF-8 survive reading and writing unaltered, as lone surrogates.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ..errors import DecodeError
from .signed_note import KeyType, VerifierKey

NONE: Final = "none"
POLICY_BYTES_MAX: Final = 64 * 1024
"""A file of some 400 lines of 160 bytes."""
ITEMS_MAX: Final = 64
"""The most logs, witnesses or groups; the specification requires at least 32."""

_FORBIDDEN: Final = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_SPACE: Final = re.compile("[ \t]+")
_NUMBER: Final = re.compile("[1-9][0-9]{0,3}", re.ASCII)
_NAME: Final = re.compile("[^\x00-\x20\x7f]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A log whose checkpoints count."""

    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyWitness:
    """A cosigner; `name` is its name in this policy."""

    name: str
    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group, which counts as a cosigner once `threshold` of its `members` (witnesses or earlier groups) do."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy; making one checks the rules above.

    Raises:
        DecodeError: a rule is broken; the message names the item.
    """

    quorum: str
    logs: tuple[Log, ...] = ()
    witnesses: tuple[PolicyWitness, ...] = ()
    groups: tuple[Group, ...] = ()

    def __post_init__(self) -> None:
        for items in (self.logs, self.witnesses, self.groups):
            if len(items) > ITEMS_MAX:
                raise _wrong("policy_size", f"A policy may have at most {ITEMS_MAX} logs, witnesses and groups each.")
        _check_keys("log", (log.key for log in self.logs), KeyType.ED25519)
        _check_keys("witness", (witness.key for witness in self.witnesses), KeyType.COSIGNATURE_V1)
        for url in (*(log.url for log in self.logs), *(witness.url for witness in self.witnesses)):
            if url is not None and _NAME.fullmatch(url) is None:
                raise _wrong("policy_url", "An address must not be empty or contain spaces.")
        defined: dict[str, bool] = {}  # whether it is a member of a group already
        for witness in self.witnesses:
            _define(defined, witness.name)
        for group in self.groups:
            _check_group(defined, group)
            _define(defined, group.name)
        if self.quorum != NONE and self.quorum not in defined:
            raise _wrong(
                "policy_name", f"The quorum names {_shown(self.quorum)}, but no witness or group has that name."
            )

    def is_met(self, cosigners: Collection[VerifierKey]) -> bool:
        """Return whether cosignatures by these keys are enough."""
        counts = {witness.name: witness.key in cosigners for witness in self.witnesses}
        for group in self.groups:
            counts[group.name] = sum(counts[member] for member in group.members) >= group.threshold
        return self.quorum == NONE or counts[self.quorum]

    def met_since(self, times: Mapping[VerifierKey, int]) -> int | None:
        """Return the latest time such that the cosignatures made then or later are enough; None if all of them are not.

        Args:
            times: seconds since 1970, when each key cosigned.
        """
        assert self.quorum != NONE, "no time can be told where nobody is asked"
        for time in sorted(set(times.values()), reverse=True):
            if self.is_met([key for key, cosigned in times.items() if cosigned >= time]):
                return time
        return None

    def met_by(self, times: Mapping[VerifierKey, int]) -> int | None:
        """Return the earliest time by which enough cosignatures had been made; None if all of them are not enough.

        Args:
            times: seconds since 1970, when each key cosigned.
        """
        assert self.quorum != NONE, "no time can be told where nobody is asked"
        for time in sorted(set(times.values())):
            if self.is_met([key for key, cosigned in times.items() if cosigned <= time]):
                return time
        return None

    @property
    def keys(self) -> tuple[VerifierKey, ...]:
        """The witnesses' keys."""
        return tuple(witness.key for witness in self.witnesses)

    def encode(self) -> bytes:
        """The file, without comments."""
        lines = [f"log {log.key.encode()}{_url(log.url)}" for log in self.logs]
        lines += [f"witness {one.name} {one.key.encode()}{_url(one.url)}" for one in self.witnesses]
        lines += [f"group {one.name} {_threshold(one)} {' '.join(one.members)}" for one in self.groups]
        lines.append(f"quorum {self.quorum}")
        return "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape")

    @classmethod
    def decode(cls, data: bytes) -> "Policy":
        """Read a file; `encode` gives its content back, without comments and in the order log, witness, group.

        Raises:
            DecodeError: it breaks a rule of the format; `where` names the line.
        """
        if len(data) > POLICY_BYTES_MAX:
            raise _wrong("policy_size", f"A policy may have at most {POLICY_BYTES_MAX} bytes.")
        if _FORBIDDEN.search(data) is not None:
            raise _wrong("policy_control", "There is a control character other than tab and newline.")
        if not data.endswith(b"\n"):
            raise _wrong("policy_line", "The last line has no newline.")
        reading = _Reading()
        for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), start=1):
            words = _SPACE.split(line.strip(" \t"))
            if words != [""] and not words[0].startswith("#"):
                try:
                    reading.read(words)
                except DecodeError as error:
                    raise DecodeError(error.code, error.message, where=f"line {number}", hint=error.hint) from None
        if reading.quorum is None:
            raise _wrong("policy_quorum", "The line with the quorum is missing.")
        return cls(
            quorum=reading.quorum,
            logs=tuple(reading.logs),
            witnesses=tuple(reading.witnesses),
            groups=tuple(reading.groups),
        )


class _Reading:
    """The items read so far; `read` takes one line."""

    def __init__(self) -> None:
        self.logs: list[Log] = []
        self.witnesses: list[PolicyWitness] = []
        self.groups: list[Group] = []
        self.quorum: str | None = None
        self._defined: dict[str, None] = {}

    def read(self, words: list[str]) -> None:
        match words:
            case ["log", vkey] | ["log", vkey, _]:
                self.logs.append(Log(key=VerifierKey.decode(vkey), url=words[2] if len(words) > 2 else None))
            case ["witness", name, vkey] | ["witness", name, vkey, _]:
                url = words[3] if len(words) > 3 else None
                self.witnesses.append(PolicyWitness(name=name, key=VerifierKey.decode(vkey), url=url))
                self._defined[name] = None
            case ["group", name, threshold, _, *_]:
                members = tuple(words[3:])
                self._require_defined(members)
                self.groups.append(Group(name=name, threshold=_count(threshold, len(members)), members=members))
                self._defined[name] = None
            case ["quorum", name]:
                if self.quorum is not None:
                    raise _wrong("policy_quorum", "There is a second quorum.")
                self._require_defined([name] if name != NONE else [])
                self.quorum = name
            case _:
                raise _wrong(
                    "policy_line",
                    "This line does not belong in a policy.",
                    hint="A line is log VKEY [URL], witness NAME VKEY [URL], group NAME all|any|K MEMBER..., "
                    "or quorum NAME.",
                )

    def _require_defined(self, names: Iterable[str]) -> None:
        """Check the order of lines; the policy cannot check it later, because it keeps no positions of quorum and
        witnesses."""
        for name in names:
            if name not in self._defined:
                raise _wrong("policy_name", f"{_shown(name)} is not defined on an earlier line.")


def threshold_policy(keys: Iterable[VerifierKey], threshold: int) -> Policy:
    """Return the policy that requires `threshold` of `keys`, each under its own name.

    Raises:
        DecodeError: the threshold cannot be met, or two keys are equal or share a name.
    """
    witnesses = tuple(PolicyWitness(name=key.name, key=key) for key in keys)
    names = tuple(witness.name for witness in witnesses)
    name = next(_free_names(names))
    group = Group(name=name, threshold=threshold, members=names)
    return Policy(quorum=name, witnesses=witnesses, groups=(group,))


def _free_names(taken: Collection[str]) -> Iterator[str]:
    yield from (name for name in ("signers", *(f"signers-{n}" for n in range(len(taken) + 1))) if name not in taken)


def _check_keys(what: str, keys: Iterable[VerifierKey], kind: KeyType) -> None:
    publics: set[bytes] = set()
    for key in keys:
        if key.type != kind:
            raise _wrong("policy_key_type", f"The key {_shown(key.name)} is of type {key.type:02x}, not a {what}'s.")
        if key.public in publics:
            raise _wrong("policy_key_twice", f"The public key of {_shown(key.name)} is listed twice.")
        publics.add(key.public)


def _check_group(defined: dict[str, bool], group: Group) -> None:
    for member in group.members:
        if member not in defined:
            raise _wrong("policy_name", f"{_shown(member)} is not defined before the group {_shown(group.name)}.")
        if defined[member]:
            raise _wrong("policy_member_twice", f"{_shown(member)} already belongs to a group.")
        defined[member] = True
    if not 1 <= group.threshold <= len(group.members):
        raise _wrong(
            "policy_threshold", f"The threshold is {group.threshold}, but the group has {len(group.members)} members."
        )


def _define(defined: dict[str, bool], name: str) -> None:
    if name == NONE or _NAME.fullmatch(name) is None:
        raise _wrong("policy_name", f"{_shown(name)} is not allowed as a name.")
    if name in defined:
        raise _wrong("policy_name", f"{_shown(name)} is defined twice.")
    defined[name] = False


def _count(threshold: str, members: int) -> int:
    if threshold == "all":
        return members
    if threshold == "any":
        return 1
    if _NUMBER.fullmatch(threshold) is None:
        raise _wrong("policy_threshold", "A threshold must be all, any, or a number from 1.")
    return int(threshold)


def _threshold(group: Group) -> str:
    if group.threshold == len(group.members):
        return "all"
    return "any" if group.threshold == 1 else str(group.threshold)


def _url(url: str | None) -> str:
    return "" if url is None else f" {url}"


def _shown(name: str) -> str:
    return repr(name[:80])


def _wrong(code: str, message: str, *, hint: str = "") -> DecodeError:
    return DecodeError(code, message, hint=hint)
