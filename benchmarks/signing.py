"""What it costs to sign: with a pair derived once, and with one derived for each signature. Target: none in the design.

Every node signs frames, checkpoints and cosignatures all day. A `KeyPair` derives its secret once; the ratio says what
deriving it each time would cost, and what a statement costs besides its signature.

    python3 dev.py bench signing
"""

from typing import Final

from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.statement import Draft, encode_signed
from benchmarks.harness import RUNS, Report, timed

SIGNATURES: Final = 5_000
SEED: Final = bytes(range(32))
MESSAGE: Final = bytes(300)  # about as long as what a small statement signs
DRAFT: Final = Draft(
    iss="https://board.example/",
    sub="did:web:college.example",
    iat=1_800_000_000,
    eco=bytes(32),
    kind="issuer.register",
    seq=2,
    prev=bytes(32),
    body={"id": "did:web:college.example", "name": "College"},
)


def main() -> None:
    """Measures, and writes the report."""
    report = Report("signing")
    pair = KeyPair(SEED)
    once, anew, statements = [], [], []
    for _ in range(RUNS):
        once.append(SIGNATURES / timed(lambda: [pair.sign(MESSAGE) for _ in range(SIGNATURES)]))
        anew.append(SIGNATURES / timed(lambda: [KeyPair(SEED).sign(MESSAGE) for _ in range(SIGNATURES)]))
        statements.append(SIGNATURES / timed(lambda: [encode_signed(DRAFT, pair) for _ in range(SIGNATURES)]))
    report.add("signatures, key pair derived once", "1/s", once)
    report.add("signatures, key pair derived for each", "1/s", anew)
    report.add("ratio", "×", [a / b for a, b in zip(once, anew, strict=True)])
    report.add("statements encoded and signed", "1/s", statements)
    report.finish()


if __name__ == "__main__":
    main()
