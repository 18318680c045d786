"""An issuer that commits to credentials, and a quorum that holds the commitment.

said = committed([credential, …])        one commitment and a receipt for each
policy = said.policy
"""

from base64 import b64encode
from dataclasses import dataclass, replace
from hashlib import sha256
from random import Random
from typing import Any, Final

from accredit.registry.domain.issuance import ALGORITHM, content_of, exponent_for, leaf, plant
from accredit.registry.encoding.ed25519 import KeyPair, multibase, public_of
from accredit.registry.evidence.issuance_receipt import IssuanceReceipt
from accredit.registry.evidence.trust_policy import TrustPolicy
from accredit.registry.statement import Draft, decode, encode_signed
from accredit.registry.transparency.state_map import Trie
from tests.strategies.domain import GENESIS, NOW, World
from tests.strategies.noted import Held, cosigned, node_names, trust

SCHOOL: Final = "did:web:school.example"
SEED: Final = sha256(b"key of the school").digest()
KEY: Final = multibase(public_of(SEED))
HELD_AT: Final = NOW - 1_000


def credential(name: str = "Ada", issuer: str = SCHOOL, **more: Any) -> dict[str, Any]:
    return {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "issuer": {"id": issuer, "name": "The School"},
        "validFrom": "2020-01-01T00:00:00Z",
        "credentialSubject": {"name": name, "achievement": {"name": "Sums", "creditsAvailable": 4.50}},
        **more,
    }


@dataclass(frozen=True)
class Committed:
    """A commitment that is held, and the receipts of those it is about."""

    receipts: tuple[IssuanceReceipt, ...]
    policy: TrustPolicy
    statement: bytes


def committed(
    credentials: list[dict[str, Any]],
    *,
    seed: bytes = SEED,
    issuer: str = SCHOOL,
    random: int = 1,
    iat: int = HELD_AT - 60,
    times: tuple[int, ...] = (HELD_AT, HELD_AT + 5, HELD_AT + 10, HELD_AT + 400),
    eco: bytes = GENESIS,
    fold: int | None = None,
    kind: str = "issuance.commit",
    holds: bool = True,
    mandate: bytes | None = None,
    **changes: Any,
) -> Committed:
    """Args: times: when each of four signers cosigned; three of them are a quorum. holds: the state has it."""
    drawn = Random(random)
    contents = [content_of(one) for one in credentials]
    salts = [drawn.randbytes(32) for _ in contents]
    exponent = exponent_for(len(contents))
    places = drawn.sample(range(2**exponent), len(contents))
    hashed = [leaf(salt, content) for salt, content in zip(salts, contents, strict=True)]
    root, paths = plant(hashed, places, drawn.randbytes(32 * 2**exponent))
    body: dict[str, Any] = {
        "issuer": issuer,
        "period_from": iat - 3_600,
        "period_until": iat,
        "root": root,
        "size_exponent": exponent,
        "algorithm": ALGORITHM,
        **changes,
    }
    draft = Draft(iss=issuer, sub=issuer, iat=iat, eco=eco, kind=kind, seq=1, prev=None, body=body, mandate=mandate)
    raw = encode_signed(draft, KeyPair(seed))
    id = decode(raw).id
    ids = [sha256(b"other %d" % number).digest() for number in range(9)] + ([id] if holds else [])
    trie = Trie((one, one) for one in ids)
    held = Held.of(World().records(), statements_root=trie.root(), **({} if fold is None else {"fold": fold}))
    lines = [cosigned(held.state, time, [name]) for name, time in zip(node_names(4), times, strict=False)]
    note = lines[0] + b"".join(line.split(b"\n\n", 1)[1] for line in lines[1:])
    proof = {
        "id": id.hex(),
        "present": True,
        "proof": b64encode(trie.prove(id)).decode(),
        "records_root": held.trie.root().hex(),
        "statements_root": trie.root().hex(),
        "note": note.decode(),
    }
    receipts = tuple(
        IssuanceReceipt(
            issuer=issuer,  # type: ignore[arg-type]  # in its one spelling
            key=multibase(public_of(seed)),
            salt=salt,
            index=place,
            path=path,
            statement=raw,
            proof=proof,
        )
        for salt, place, path in zip(salts, places, paths, strict=True)
    )
    return Committed(receipts=receipts, policy=replace(trust(held, NOW), count=0, root=None), statement=id)
