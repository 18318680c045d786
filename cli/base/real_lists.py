"""Checks words against closed lists before signing, because a signed statement cannot be changed.

The rulebook knows the form of a place or a key. Whether the place exists, or the kind of key can verify signatures,
depends on lists that change. So this is checked here (`node.places`), where a person can correct it.
"""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from accredit.node.fields import check_cip, check_field_of_study, check_levels, check_soc
from accredit.node.places import check_place
from accredit.registry.domain.vocabulary import REASON_CODES
from accredit.registry.encoding.ed25519 import decode_base58
from accredit.registry.encoding.schema import one_of
from accredit.registry.errors import DecodeError

_KEY_TYPES: Final[Mapping[bytes, tuple[str, int | None]]] = {
    b"\xed\x01": ("Ed25519", 32),
    b"\xe7\x01": ("secp256k1", 33),
    b"\xeb\x01": ("BLS12-381 G2", 96),
    b"\x80\x24": ("P-256", 33),
    b"\x81\x24": ("P-384", 49),
    b"\x82\x24": ("P-521", 67),
    b"\x83\x24": ("Ed448", 57),
    b"\x85\x24": ("RSA", None),
}
"""Multicodec prefixes (as varints) of public keys that signatures are verified with, and the length of each key."""

_ENCRYPTING: Final = (b"\xec\x01", b"\x84\x24")
"""X25519 and X448: keys to encrypt for."""


def check_real_lists(value: Any, path: str = "") -> None:
    """Check every place and key in a body, however deep it lies.

    Raises:
        DecodeError: there is no such place, or no such kind of key; `where` is the member's path.
    """
    if isinstance(value, Mapping):
        for name, member in value.items():
            where = f"{path}.{name}" if path else str(name)
            if name == "ext":
                continue
            check = _CHECKS.get(name)
            if check is None or member == "*":
                check_real_lists(member, where)
            elif isinstance(member, list):
                for index, one in enumerate(member):
                    check(one, f"{where}[{index}]")
            else:
                check(member, where)
    elif isinstance(value, list | tuple):
        for index, member in enumerate(value):
            check_real_lists(member, f"{path}[{index}]")


def _check_multikey(value: Any, path: str) -> None:
    """W3C Multikey: base58btc (`z`) of a multicodec prefix and the key."""
    hint = "Copy the whole publicKeyMultibase from the DID document, like z6MkhaXgBZDv…."
    try:
        raw = decode_base58(value[1:]) if isinstance(value, str) and value.startswith("z") else b""
    except DecodeError:
        raw = b""
    if raw[:2] in _ENCRYPTING:
        raise DecodeError(
            "not_a_signing_key", "this key is for encryption, so it cannot verify signatures.", where=path, hint=hint
        )
    kind, length = _KEY_TYPES.get(raw[:2], ("", None))
    if not kind:
        raise DecodeError("unknown_key_type", "this is not a public key of a known kind.", where=path, hint=hint)
    if length is not None and len(raw) != 2 + length:
        raise DecodeError("bad_key_length", f"this {kind} key is cut off or too long.", where=path, hint=hint)


def _check_did_method(value: Any, path: str) -> None:
    if isinstance(value, str):
        check_did_method(value, path)


def check_did_method(id_: str, path: str = "") -> None:
    """Check that the method of a DID is not a known one mistyped.

    Raises:
        DecodeError: `unknown_did_method`; the hint is the id that was probably meant.
    """
    scheme, _, rest = id_.partition(":")
    method, _, specific = rest.partition(":")
    if scheme != "did" or method in _DID_METHODS:
        return
    swapped = (one for one in _COMMON_METHODS if sorted(one) == sorted(method))
    meant = next(swapped, None) or next(iter(get_close_matches(method, _COMMON_METHODS, 1, 0.8)), None)
    if meant is not None:
        raise DecodeError(
            "unknown_did_method",
            f"{id_[:80]!r}: there is no DID method {method}.",
            where=path,
            hint=f"Did you mean did:{meant}:{specific}?",
        )


_COMMON_METHODS: Final = ("web", "key", "jwk", "webvh", "ebsi", "ethr", "indy", "cheqd")
_DID_METHODS: Final = frozenset((*_COMMON_METHODS, "keri", "peer", "plc", "pkh", "webs", "webplus"))
"""Methods whose names look like one another. Any other method is taken as it is, unless it looks like a common one."""

_CHECKS: Final[Mapping[str, Callable[[Any, str], None]]] = {
    "jurisdictions": check_place,
    "jurisdiction": check_place,
    "fields_of_study": check_field_of_study,
    "levels": check_levels,
    "cip": check_cip,
    "soc": check_soc,
    "reason_code": one_of(*REASON_CODES),
    "id": _check_did_method,
    "issuer": _check_did_method,
    "delegate": _check_did_method,
    "also_known_as": _check_did_method,
    "public_key_multibase": _check_multikey,
}
"""Members whose values are of a closed list, wherever they stand."""
