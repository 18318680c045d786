"""Every maximum the core enforces, with its reason. Sizes in bytes unless the name says otherwise."""

from typing import Final

STATEMENT_BYTES: Final = 16 * 1024
"""One statement. Design `statements.md`; larger content takes several statements under one digest."""

CBOR_DEPTH: Final = 16
"""Nested arrays and maps. The deepest body we define has 7 levels; twice that, rounded up."""

RECORD_BYTES: Final = 64 * 1024
"""One record, however much is stated about its subject (`governance.shares`). Every answer about the subject carries
it. Design `authority.md`."""

SHARED_BYTES: Final = 44 * 1024
"""The share of a record for one list of what all voices state; the rest is for the other members, of which the largest
is a grant of 16 KiB."""

ACCREDITATION_PARTS: Final = 96
"""Terms and events, over all accreditations of one issuer, that an answer considers; each takes some 10 microseconds,
so no question takes more than about a millisecond. Of 9,384 institutions in the published lists of the U. S. Department
of Education the one with most has 40 accreditations and 43 actions."""

ALIAS_ISSUERS: Final = 8
"""Issuers considered that claim one alias. Two already are a dispute; a guess."""

TEXT_CHARS: Final = 2_000
"""A free text (a reason, a description): a screenful."""

NAME_CHARS: Final = 300
"""A name or title. The longest institution name in the DCC lists has 55 characters."""

IDENTIFIER_CHARS: Final = 512
"""A DID or URL. The longest in the published lists has 76 characters; did:jwk with a P-256 key some 200."""

LIST_ITEMS: Final = 400
"""Members of any list in a body. No more would fit in a statement; the limit lets a reader refuse early."""

VOTE_TARGETS: Final = 400
"""Statements one vote decides on: 400 ids of 34 encoded bytes are 13.6 KiB of the 16."""

SUBMISSION_STATEMENTS: Final = 1_000
"""Statements that a node takes in one request: as many as it appends to its log at a time, so that a full request
waits for no tick."""

LOOKUP_STATEMENTS: Final = 1_000
"""Statements whose standing is asked for in one request: as many as are submitted in one."""

KEY_BUDGET: Final = 2**32
"""Statements one key may ever make; 136 years at one a second."""

AUTHORITIES: Final = 64
"""Authorities named in one charter: 64 of some 200 bytes fill a statement."""

SIGNERS: Final = 16
"""Nodes that cosign state notes (design `proofs.md`)."""

DELEGATION_DEPTH: Final = 8
"""Links from a charter authority to the last delegate; EBSI's chain has 3."""

TIME_MIN: Final = -62_135_596_800
"""0001-01-01T00:00:00Z in seconds: the first instant RFC 3339 and Python's calendar can write."""

TIME_MAX: Final = 253_402_300_799
"""9999-12-31T23:59:59Z in seconds: the last such instant."""
