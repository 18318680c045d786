"""Issuance commitments: an issuer shows by when credentials existed, without revealing which or how many.

    tree = [leaf(salt, content) for each credential] + random leaves, shuffled, 2**size_exponent in all
    leaf    = SHA-256(00 || salt, 32 bytes || content)        content: `content_of(credential)`
    root    = that of RFC 9162 §2.1 over the leaves' hashes (`transparency.merkle`)

The body of `issuance.commit`, signed by one of the issuer's own pinned keys:

    {issuer, period_from, period_until, root, size_exponent, algorithm}

* Each credential has its own salt, 32 random bytes. So nobody can link two leaves of the same credential, or find the
  leaf of a credential by guessing its content. Random leaves, which look like all others, fill the tree up to a power
  of two, at least 2**10.
* A commitment makes no record and decides nothing. It proves something only to a reader who has the credential, its
  salt and the path (`evidence.issuance_receipt`).
* The period is the issuer's own word, for people to read. It proves nothing: a verifier counts from the time at which a
  quorum held the statement.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from ..encoding import jcs, schema
from ..errors import DecodeError
from ..transparency.merkle import MemoryHashes, leaf_hash, prove_inclusion, root

ALGORITHM: Final = "sha256-salted-jcs"
SALT_BYTES: Final = 32
EXPONENT_MIN: Final = 10
"""The smallest tree, 1,024 leaves: a small school's month looks like a larger school's."""
EXPONENT_MAX: Final = 20
"""The largest tree, 1,048,576 leaves: an issuer of more credentials in a period commits several times."""

_UNCOMMITTED: Final = ("proof", "proofs")
"""Members that may change while a credential stays the same: signatures are renewed. Its status is part of it: a thief
of the key could leave it out, and a revoked credential would look like one that nobody can revoke."""

_COMMIT: Final = schema.members(
    {
        "issuer": schema.issuer_id,
        "period_from": schema.time,
        "period_until": schema.time,
        "root": schema.digest,
        "size_exponent": schema.integer(EXPONENT_MIN, EXPONENT_MAX),
        "algorithm": schema.one_of(ALGORITHM),
    }
)


def check_commit(body: Any, path: str = "body") -> None:
    """The shape of `issuance.commit`."""
    _COMMIT(body, path)
    if body["period_until"] <= body["period_from"]:
        raise DecodeError("bad_member", "the period would end before it begins.", where=f"{path}.period_until")


def content_of(credential: Any) -> bytes:
    """Return the content of a credential that a commitment covers: its JSON without signatures, in one spelling.

    For a credential in a JWT this is the payload; if the payload holds the credential in `vc` (VC 1.1), the same
    members are left out there.

    Raises:
        DecodeError: it is not a JSON object, or has no canonical spelling.
    """
    if not isinstance(credential, dict):
        raise DecodeError("not_a_credential", "expected a credential: a JSON object.")
    kept = _bare(credential)
    if isinstance(kept.get("vc"), dict):
        kept["vc"] = _bare(kept["vc"])
    return jcs.encode(kept)


def leaf(salt: bytes, content: bytes) -> bytes:
    """Return the hash of a credential's leaf."""
    assert len(salt) == SALT_BYTES, "a salt of another length would let two pairs be one"
    return leaf_hash(salt + content)


class Planted(NamedTuple):
    """A tree: its root, and for each credential its path, the sibling of its leaf first; 32 bytes each."""

    root: bytes
    paths: tuple[tuple[bytes, ...], ...]


def exponent_for(count: int) -> int:
    """Return the exponent of the smallest tree that has room for a number of credentials.

    Raises:
        DecodeError: there are too many for one tree.
    """
    exponent = max(EXPONENT_MIN, (count - 1).bit_length())
    if exponent > EXPONENT_MAX:
        raise DecodeError(
            "too_many",
            f"{count} credentials are more than one commitment can hold, {2**EXPONENT_MAX}.",
            hint="Commit to them in several parts.",
        )
    return exponent


def plant(leaves: Sequence[bytes], places: Sequence[int], filler: bytes) -> Planted:
    """Return the tree that has each leaf at its place, and random leaves everywhere else.

    Args:
        leaves: hashes, as of `leaf`. places: where each goes; all different, drawn at random.
        filler: 32 random bytes for every leaf of the tree; those at `places` are not used.
    """
    size = len(filler) // 32
    row = [filler[32 * at : 32 * at + 32] for at in range(size)]
    for place, hashed in zip(places, leaves, strict=True):
        row[place] = hashed
    hashes = MemoryHashes()
    hashes.append(row)
    return Planted(root(size, hashes), tuple(tuple(prove_inclusion(place, size, hashes)) for place in places))


def _bare(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in _UNCOMMITTED}
