"""The verifier's trust policy: all that the verifier relies on, in one readable file.

    accredit trust policy 1
    ecosystem <genesis statement's id, hex>
    charter <id of the ecosystem>
    step <version> <id of the charter statement last followed, hex>
    max-age <seconds>
    expires <RFC 3339 time in UTC>
    verified <number of statements> <base64 state root>        or: verified 0
    rely-on <id of an authority, or of the ecosystem>          one or more lines, sorted
                                                               an empty line
    witness <name> <vkey>                                      from here on a C2SP tlog-policy (`tlog_policy`)
    group signers <k> <name> ...
    quorum signers

The upper part has exactly this order and one spelling; the lower part is any tlog-policy without logs. Rules:

* Signers come from this file, never from the state that is checked. The quorum is not `none`.
* It is good until `expires`, at most 90 days ahead; `governance.policy_renewal` renews it before. After that the
  verifier needs a new file from a trusted source. A policy that expires more than 90 days ahead is refused too: it was
  altered, or the clock is behind.
* `verified` is the highest count ever verified, with its root: a lower count is refused, and so is another root for the
  same count.
* `rely-on` names an authority on whose accreditations the verifier relies, or the ecosystem for all of its authorities.
  An id alone means all mandates that count by it (`decision.authority_chain`); `id#` and a delegation's 64 hexadecimal
  digits mean the body under that mandate and no other.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from ..encoding.identifiers import CanonicalId, canonical_issuer
from ..encoding.rfc3339 import parse, text
from ..errors import DecodeError, RefusedError
from ..limits import TIME_MAX
from ..transparency.merkle import HASH_BYTES, SIZE_MAX
from ..transparency.signed_note import decode_base64, encode_base64
from ..transparency.state_note import StateNote
from ..transparency.tlog_policy import NONE, POLICY_BYTES_MAX, Policy

LIFETIME: Final = 90 * 86_400
"""Seconds a trust policy is good for (design `proofs.md`)."""
MAX_AGE: Final = 300
"""The default maximum age of a cosignature, seconds: the signers cosign once a minute, so five rounds; a guess."""
AUTHORITIES_MAX: Final = 64

_HEADER: Final = "accredit trust policy 1"
_NUMBER: Final = re.compile("0|[1-9][0-9]{0,18}", re.ASCII)
_HEX: Final = re.compile("[0-9a-f]{64}", re.ASCII)
_BYTES_MAX: Final = 2 * POLICY_BYTES_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustPolicy:
    """A trust policy (see the module), checked when it is made.

    Attributes:
        ecosystem: the genesis statement's id, 32 bytes.
        charter: the ecosystem's identifier.
        version, step: number and id of the charter statement that named these signers.
        signers: their keys, and how many must agree.
        max_age: seconds; how old a cosignature may be.
        expires: seconds since 1970.
        authorities: ids relied on, sorted; the ecosystem's own id stands for all.
        count, root: the highest state verified so far; 0 and None before the first.

    Raises:
        DecodeError: a member is out of its range.
    """

    ecosystem: bytes
    charter: CanonicalId
    version: int
    step: bytes
    signers: Policy
    max_age: int
    expires: int
    authorities: tuple[str, ...]
    count: int = 0
    root: bytes | None = None

    def __post_init__(self) -> None:
        _require(len(self.ecosystem) == HASH_BYTES, "ecosystem", "32 bytes")
        _require(len(self.step) == HASH_BYTES, "step", "32 bytes")
        _require(1 <= self.version <= 2**32, "step", "a version number from 1")
        _require(1 <= self.max_age <= LIFETIME, "max-age", f"1 to {LIFETIME} seconds")
        _require(0 <= self.expires <= TIME_MAX, "expires", "a time")
        _require(0 <= self.count <= SIZE_MAX, "verified", "a count")
        _require((self.root is None) == (self.count == 0), "verified", "a root exactly if the count is above 0")
        _require(self.root is None or len(self.root) == HASH_BYTES, "verified", "a root of 32 bytes")
        _require(self.signers.quorum != NONE, "quorum", "a quorum of at least one signer")
        _require(not self.signers.logs, "log", "no logs: this policy is about state notes")
        _require(1 <= len(self.authorities) <= AUTHORITIES_MAX, "rely-on", f"1 to {AUTHORITIES_MAX} authorities")
        _require(list(self.authorities) == sorted(set(self.authorities)), "rely-on", "a sorted list without duplicates")
        _require(canonical_issuer(self.charter) == self.charter, "charter", "a canonical DID or https URL")
        for authority in self.authorities:
            id, mark, via = authority.partition("#")
            _require(canonical_issuer(id) == id, "rely-on", "a canonical DID or https URL")
            _require(not mark or _HEX.fullmatch(via) is not None, "rely-on", "64 hexadecimal digits after the #")

    def relies_on(self, authority: str) -> bool:
        """Return whether the policy relies on `authority`, spelled as by `decision.query.spelled_authority`."""
        listed = self.authorities
        return authority in listed or authority.partition("#")[0] in listed or self.charter in listed

    def check_usable(self, now: int) -> None:
        """Check that the policy is good at `now`.

        Raises:
            RefusedError: it has expired, or its end is too far ahead.
        """
        if self.expires <= now:
            raise RefusedError(
                "policy_expired",
                f"The trust policy expired on {text(self.expires)}.",
                hint="Get a new one from a source you trust, not from the network that it judges.",
            )
        if self.expires > now + LIFETIME:
            raise RefusedError(
                "policy_from_the_future",
                f"The trust policy expires on {text(self.expires)}, more than {LIFETIME // 86_400} days from now.",
                hint="Check this machine's clock; if it is right, the file was altered.",
            )

    def remember(self, state: StateNote) -> "TrustPolicy":
        """Return the policy that remembers the verified `state`; itself if nothing is new.

        Raises:
            RefusedError: the state belongs to another ecosystem, is lower than one verified before, or has another root
                for the same count.
        """
        if state.ecosystem != self.ecosystem:
            raise RefusedError(
                "wrong_ecosystem", "The state note belongs to a different ecosystem than the trust policy."
            )
        if state.count < self.count:
            raise RefusedError(
                "count_lower",
                f"The state has {state.count} statements, but a state with {self.count} was verified before.",
                hint="Ask again, or ask another node: this node is behind, or withholds statements.",
            )
        if state.count == self.count:
            if state.count and state.root != self.root:
                raise RefusedError(
                    "count_other_root",
                    f"A different state of {state.count} statements was verified before.",
                    hint="Keep both notes: together they are evidence against every signer of both.",
                )
            return self
        return replace(self, count=state.count, root=state.root)

    def encode(self) -> bytes:
        """The file."""
        root = "" if self.root is None else f" {encode_base64(self.root)}"
        lines = [
            _HEADER,
            f"ecosystem {self.ecosystem.hex()}",
            f"charter {self.charter}",
            f"step {self.version} {self.step.hex()}",
            f"max-age {self.max_age}",
            f"expires {text(self.expires)}",
            f"verified {self.count}{root}",
            *(f"rely-on {id}" for id in self.authorities),
            "",
        ]
        return "".join(line + "\n" for line in lines).encode() + self.signers.encode()

    @classmethod
    def decode(cls, data: bytes) -> "TrustPolicy":
        """Read a file; comments and spelling in its lower part are not kept.

        Raises:
            DecodeError: it is none; `where` names the line's first word.
        """
        head, separator, signers = data.partition(b"\n\n")
        if len(data) > _BYTES_MAX or not separator or not head.isascii():
            raise DecodeError(
                "trust_policy",
                "A trust policy must have two parts with an empty line between them, the first part in ASCII.",
            )
        header, *lines = head.decode().split("\n")
        if header != _HEADER:
            raise DecodeError(
                "trust_policy",
                f"This is no trust policy of this version, which begins with {_HEADER!r}.",
                hint="Export one with this version.",
            )
        words = iter(lines)
        ecosystem = _hex(_member(words, "ecosystem"), "ecosystem")
        charter = _member(words, "charter")
        version, _, step = _member(words, "step").partition(" ")
        max_age = _number(_member(words, "max-age"), "max-age")
        expires = _member(words, "expires")
        count, _, root = _member(words, "verified").partition(" ")
        policy = cls(
            ecosystem=ecosystem,
            charter=CanonicalId(charter),  # checked where a policy is made
            version=_number(version, "step"),
            step=_hex(step, "step"),
            signers=Policy.decode(signers),
            max_age=max_age,
            expires=parse(expires, where="expires"),
            authorities=_authorities(words),
            count=_number(count, "verified"),
            root=decode_base64(root, "verified") if root else None,
        )
        # The upper part has one spelling, so that a person who compares two files compares what the program reads.
        if not data.startswith(policy.encode().partition(b"\n\n")[0] + b"\n\n"):
            raise DecodeError("trust_policy", "The trust policy is not in its canonical form.", where="policy")
        return policy


def _member(lines: Iterable[str], name: str) -> str:
    line = next(iter(lines), "")
    found, space, value = line.partition(" ")
    if found != name or not space:
        raise DecodeError(
            "trust_policy", f"The line {name} is missing or out of order.", where=name, hint="Export the policy again."
        )
    return value


def _authorities(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(_member([line], "rely-on") for line in lines)


def _number(written: str, where: str) -> int:
    if _NUMBER.fullmatch(written) is None:
        raise DecodeError("number", "This is not a number in decimal digits without leading zeros.", where=where)
    return int(written)


def _hex(written: str, where: str) -> bytes:
    if _HEX.fullmatch(written) is None:
        raise DecodeError("hex", "This is not 64 lower-case hexadecimal digits.", where=where)
    return bytes.fromhex(written)


def _require(condition: bool, where: str, expected: str) -> None:
    if not condition:
        raise DecodeError("trust_policy", f"expected {expected}.", where=where, hint="Export the policy again.")
