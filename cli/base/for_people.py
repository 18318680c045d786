"""Translates a node's messages from the terms of HTTP into those of the command line.

A node answers a program, so its hints name routes, parameters and members. A person at the command line needs the next
command, so `said` rewrites hints by the table below and leaves others unchanged.
"""

import re
from typing import Final

_REWRITTEN: Final = (
    (r"GET /v1/issuers\?name= searches by name", "Search: accredit issuer list --name WORD"),
    (r"the authorities of GET /v1/authorities", "the authorities that accredit authority list shows"),
    (r"GET /v1/authorities says where to apply", "accredit authority list says where to apply"),
    (r"GET /v1/authorities", "accredit authority list"),
    (r"GET /v1/conflicts", "accredit node conflicts"),
    (r"GET /v1/statements/\{id\} shows", "accredit inbox shows"),
    (r"GET /v1/frameworks", "accredit framework list"),
    (r"GET /readyz says what is missing", "accredit node status says what is missing"),
    (r"GET /v1/status", "accredit node status"),
    (r"GET /v1/ecosystem", "accredit charter show"),
    (r" ?See /openapi\.json\.", ""),
    (r"^\?([a-z_]+): expected ", r"--\1 must be "),
    (r"^body\.", ""),
    (r"\breason_code\b", "--code"),
    (r"\breason_text\b", "--reason"),
    (r"\beffective_from\b", "--from"),
    (r"\beffective_until\b", "--until"),
    (r"\bvoid_from\b", "--void-from"),
    (r"\bsanction_level\b", "--level"),
    (r"\bapplies_to\b", "--program or --enrolled-before"),
    (r"\b(Add|needs) successor\b", r"\1 --successor"),
    (r"\bGive entity, or issuer\.", "Name the issuer: ID."),
)


def said(text: str) -> str:
    """Return a message or a hint in the words of the command line."""
    for pattern, instead in _REWRITTEN:
        text = re.sub(pattern, instead, text)
    return text
