"""The W3C's own vectors of three kinds of proof, with their intermediate values."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from accredit.cli.credentials.contexts import ContextLoader
from accredit.cli.credentials.json_ld import canonical
from accredit.cli.credentials.keys import IssuerKeys
from accredit.cli.credentials.proofs import signed_bytes
from tests.cli.credentials.conftest import Checker, outcome
from tests.shared_data import shared_data

EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"
LOADER = ContextLoader({EXAMPLES: {"@context": {"@vocab": "https://www.w3.org/ns/credentials/examples#"}}})
SUITES = {"eddsa-rdfc-2022": "DataInt", "eddsa-jcs-2022": "JCS", "Ed25519Signature2020": "EdSig"}


def vector(suite: str, name: str) -> Path:
    ending = ".json" if name.startswith(("signed", "proofConfig")) else ".txt"
    return shared_data("credentials", "w3c-eddsa", suite, f"{name}{SUITES[suite]}{ending}")


def read_json(suite: str, name: str) -> Any:
    return json.loads(vector(suite, name).read_text())


def text(suite: str, name: str) -> str:
    return vector(suite, name).read_text()


@pytest.mark.parametrize("suite", SUITES)
def test_each_step_gives_the_published_value(suite: str) -> None:
    signed = read_json(suite, "signed")
    options = read_json(suite, "proofConfig")
    unsigned = {name: value for name, value in signed.items() if name != "proof"}
    for document, canon, digest in ((unsigned, "canonDoc", "docHash"), (options, "proofCanon", "proofHash")):
        made = rfc8785.dumps(document) if suite == "eddsa-jcs-2022" else canonical(document, LOADER).encode()
        assert made == text(suite, canon).encode()
        assert sha256(made).hexdigest() == text(suite, digest).strip()
    assert signed_bytes(signed, signed["proof"], LOADER).hex() == text(suite, "combinedHash").strip()


@pytest.mark.parametrize("suite", SUITES)
def test_a_vector_is_signed_by_its_issuer_only_where_the_registry_pins_that_key(suite: str, checked: Checker) -> None:
    signed = read_json(suite, "signed")
    [unpinned] = checked(signed, loader=LOADER)
    assert outcome(unpinned, "signature") == ("failed", "anothers_key")
    method = signed["proof"]["verificationMethod"]
    keys = IssuerKeys(pinned=[{"id": method, "public_key_multibase": method.partition("#")[2]}], asked=True)
    [pinned] = checked(signed, loader=LOADER, keys={signed["issuer"]: keys})
    assert outcome(pinned, "signature") == ("passed", "signed")
    assert pinned.verdict == "accepted"
    [tampered] = checked({**signed, "name": "Doctor"}, loader=LOADER, keys={signed["issuer"]: keys})
    assert outcome(tampered, "signature") == ("failed", "bad_signature")
