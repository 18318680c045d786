"""Receipts and transparent statements as other people's libraries see them: pycose and cwt. Imports nothing of ours.

Runs in an environment of its own (tests/requirements/cose.txt), reads cases from standard input and writes, for each,
what is wrong with it, or null:

    {"form": "receipt" | "growth" | "transparent", "data": hex, "log": hex key, "origin": text,
     "statement": hex, "issuer": hex key                 of a receipt or a transparent statement
     "old_root": hex, "new_root": hex}                   of growth

Signatures are checked by both libraries, which must agree; proofs by the algorithms of RFC 9162, written out here.
"""

import json
import sys
from hashlib import sha256
from typing import Any

import cbor2
from cwt import COSE, COSEKey
from pycose.headers import KID, Algorithm
from pycose.keys import OKPKey
from pycose.messages import Sign1Message

EDDSA, CWT_CLAIMS, RECEIPTS, VDS, VDP = -8, 15, 394, 395, 396


class WrongError(Exception):
    """What is wrong, in a sentence."""


def require(condition: bool, what: str) -> None:
    if not condition:
        raise WrongError(what)


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root_of_inclusion(leaf: bytes, size: int, index: int, path: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.3.2, up to the comparison with a root."""
    require(0 <= index < size, "the index is beyond the size")
    number, last, current = index, size - 1, leaf
    for sibling in path:
        require(last > 0, "the path is too long")
        if number & 1 or number == last:
            current = node(sibling, current)
            while number and not number & 1:
                number, last = number >> 1, last >> 1
        else:
            current = node(current, sibling)
        number, last = number >> 1, last >> 1
    require(last == 0, "the path is too short")
    return current


def check_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: list[bytes]) -> None:
    """RFC 9162 section 2.1.4.2."""
    require(0 < old < new and bool(path), "there is nothing to compare")
    if old & (old - 1) == 0:
        path = [old_root, *path]
    number, last = old - 1, new - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    first = second = path[0]
    for sibling in path[1:]:
        require(last > 0, "the path is too long")
        if number & 1 or number == last:
            first, second = node(sibling, first), node(sibling, second)
            while number and not number & 1:
                number, last = number >> 1, last >> 1
        else:
            second = node(second, sibling)
        number, last = number >> 1, last >> 1
    require((first, second, last) == (old_root, new_root, 0), "the path leads to other roots")


def check_signature(data: bytes, public: bytes, payload: bytes | None) -> None:
    """That both libraries accept a COSE_Sign1, its payload detached where one is given."""
    message = Sign1Message.decode(data)
    message.key = OKPKey(crv="ED25519", x=public)
    by_pycose = message.verify_signature() if payload is None else message.verify_signature(detached_payload=payload)
    # kty OKP, kid, alg, key_ops verify, crv Ed25519, x: cwt takes the key whose id the message names.
    key = COSEKey.new({1: 1, 2: thumbprint(public), 3: EDDSA, 4: [2], -1: 6, -2: public})
    try:
        COSE.new().decode(data, key, detached_payload=payload)
        by_cwt = True
    except Exception as error:  # whatever the library calls it
        by_cwt, _ = False, error
    require(by_pycose == by_cwt, f"the libraries disagree: pycose {by_pycose}, cwt {by_cwt}")
    require(by_pycose, "the signature does not verify")


def thumbprint(public: bytes) -> bytes:
    """RFC 9679: of an OKP key, SHA-256 over its required members in deterministic CBOR."""
    return sha256(cbor2.dumps({1: 1, -1: 6, -2: public}, canonical=True)).digest()


def proof_in(data: bytes, kind: int, case: dict[str, Any], subject: str) -> list[Any]:
    """The one proof of a receipt whose protected headers say what they must."""
    message = Sign1Message.decode(data)
    protected = dict(message.phdr)
    require(getattr(protected.get(Algorithm), "identifier", None) == EDDSA, "the algorithm is not EdDSA")
    require(protected.get(KID) == thumbprint(bytes.fromhex(case["log"])), "the key id is not the log's thumbprint")
    raw = cbor2.loads(cbor2.loads(data).value[0])
    require(raw.get(CWT_CLAIMS) == {1: case["origin"], 2: subject}, "the claims are not issuer and subject")
    require(raw.get(VDS) == 1, "the structure is not RFC9162_SHA256")
    require(message.payload in (None, b""), "the payload is not detached")
    proofs = dict(message.uhdr).get(VDP)
    if not isinstance(proofs, dict) or set(proofs) != {kind} or len(proofs[kind]) != 1:
        raise WrongError("there is not one proof")
    proof: list[Any] = cbor2.loads(proofs[kind][0])
    return proof


def check_receipt(data: bytes, statement: bytes, case: dict[str, Any]) -> None:
    size, index, path = proof_in(data, -1, case, sha256(statement_bytes(statement)).hexdigest())
    root = root_of_inclusion(sha256(b"\x00" + statement).digest(), size, index, path)
    check_signature(data, bytes.fromhex(case["log"]), root)


def statement_bytes(statement: bytes) -> bytes:
    """What a statement's id is the hash of: the bytes that were signed (RFC 9052 section 4.4)."""
    protected, _, payload, _ = cbor2.loads(statement).value
    return cbor2.dumps(["Signature1", protected, b"", payload])


def check_growth(data: bytes, case: dict[str, Any]) -> None:
    old_root, new_root = bytes.fromhex(case["old_root"]), bytes.fromhex(case["new_root"])
    old, new, path = proof_in(data, -2, case, case["origin"])
    check_consistency(old, new, old_root, new_root, path)
    check_signature(data, bytes.fromhex(case["log"]), new_root)


def check_transparent(data: bytes, case: dict[str, Any]) -> None:
    """RFC 9943: the issuer's signature holds whatever stands unprotected; each receipt is of the bare statement."""
    check_signature(data, bytes.fromhex(case["issuer"]), None)
    message = Sign1Message.decode(data)
    receipts = dict(message.uhdr).get(RECEIPTS)
    if not isinstance(receipts, list) or not receipts:
        raise WrongError("there are no receipts")
    protected, _, payload, signature = cbor2.loads(data).value
    bare = cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, signature]))
    require(bare == bytes.fromhex(case["statement"]), "it is around another statement")
    for receipt in receipts:
        check_receipt(receipt, bare, case)


def judge(case: dict[str, Any]) -> str | None:
    data = bytes.fromhex(case["data"])
    try:
        if case["form"] == "receipt":
            check_receipt(data, bytes.fromhex(case["statement"]), case)
        elif case["form"] == "growth":
            check_growth(data, case)
        else:
            check_transparent(data, case)
    except WrongError as error:
        return str(error)
    except Exception as error:  # bytes that a library cannot read are refused as well
        return f"not readable: {type(error).__name__}"
    return None


if __name__ == "__main__":
    json.dump([judge(case) for case in json.load(sys.stdin)], sys.stdout)
