"""Runs the verifier's vectors with a kit: `python vectors.py PACKAGE FOLDER`. Imports nothing of ours but PACKAGE.

PACKAGE is `accredit_verify` where that distribution is installed, or `accredit.registry`. Writes, as JSON, what the kit
says to each vector, by file and name; whoever started it compares that with what is expected.
"""

import json
import sys
from base64 import b64decode
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

PACKAGE = sys.argv[1]


def of(module: str) -> Any:
    """A module of the kit."""
    return import_module(f"{PACKAGE}.{module}")


def decided(decision: Any) -> dict[str, Any]:
    codes = [reason.code for reason in decision.reasons]
    return {"result": "verified", "check": "", "verdict": str(decision.verdict), "reasons": codes}


def answered(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `ask` returns, or the check that failed, or the error's code."""
    try:
        return ask()
    except of("evidence.state_check").CheckError as failed:
        return {"result": str(failed.result), "check": failed.check}
    except of("errors").AccreditError as error:
        return {"error": error.code}


def evidence(given: dict[str, Any], policy: Any, query: Any) -> dict[str, Any]:
    check = of("evidence.check").check
    checked = check(b64decode(given["evidence"]), query, policy, given["now"], asked=given["asked"])
    if checked.decision is None:
        return {"result": str(checked.result), "check": checked.check}
    return decided(checked.decision)


def snapshots(given: dict[str, Any], policy: Any, query: Any) -> dict[str, Any]:
    snapshot = of("evidence.snapshot").Snapshot.load(b64decode(given["snapshot"]), policy, given["now"])
    return decided(snapshot.ask(query, given["now"], max_age=given["max_age"]))


def buckets(given: dict[str, Any], policy: Any, query: Any) -> dict[str, Any]:
    lookup = of("evidence.private_lookup")
    opened = [lookup.open_bucket(lookup.Bucket.of(one), policy, given["now"]) for one in given["buckets"]]
    return decided(lookup.ask(query, opened, policy, given["now"]))


def receipts(given: dict[str, Any], policy: Any, *_: Any) -> dict[str, Any]:
    module = of("evidence.issuance_receipt")
    receipt = module.IssuanceReceipt.decode(given["receipt"].encode())
    found = module.check_receipt(receipt, given["credential"], policy, given["now"])
    return {"result": "verified", "check": "", "existed_by": found.existed_by, "committed_with": found.key}


def policies(given: dict[str, Any], *_: Any) -> dict[str, Any]:
    policy = of("evidence.trust_policy").TrustPolicy.decode(given["text"].encode())
    return {
        "signers": len(policy.signers.witnesses),
        "verified": policy.count,
        "max_age": policy.max_age,
        "relies_on": list(policy.authorities),
    }


def map_proofs(given: dict[str, Any], *_: Any) -> dict[str, Any]:
    root, key, proof = (bytes.fromhex(given[name]) for name in ("root", "key", "proof"))
    value = of("transparency.state_trie").check_proof(root, key, proof)
    return {"value": None if value is None else value.hex()}


def signatures(given: dict[str, Any], *_: Any) -> dict[str, Any]:
    ed25519 = of("encoding.ed25519")
    public, message, signature = (bytes.fromhex(given[name]) for name in ("public", "message", "signature"))
    return {"accepted": ed25519.verify(public, message, signature), "usable": ed25519.is_usable_public(public)}


def cbor(given: dict[str, Any], *_: Any) -> dict[str, Any]:
    codec, data = of("encoding.cbor"), bytes.fromhex(given["cbor"])
    try:
        return {"accepted": codec.encode(codec.decode(data)) == data}
    except of("errors").DecodeError:
        return {"accepted": False}


RUN = {
    "evidence": evidence,
    "snapshots": snapshots,
    "buckets": buckets,
    "receipts": receipts,
    "policies": policies,
    "map-proofs": map_proofs,
    "signatures": signatures,
    "cbor": cbor,
}


def run(name: str, file: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """What the kit says to one vector."""
    policy = query = None
    if "policy" in given:
        policy = of("evidence.trust_policy").TrustPolicy.decode(file["policies"][given["policy"]].encode())
    if given.get("query") is not None:
        query = of("decision.query_forms").decode_query(given["query"], "query")
    return answered(lambda: RUN[name](given, policy, query))


def main() -> None:
    answers = {}
    for name in RUN:
        file = json.loads((Path(sys.argv[2]) / f"{name}.json").read_text("utf-8"))
        answers[name] = {given["name"]: run(name, file, given) for given in file["vectors"]}
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
