"""A question to the registry.

A `Query` names an `entity`, the `authority` that should vouch for it (the ecosystem or one authority), an `action`
(`issue`, or `accredit` for authorities), and as precisely as the asker can what is to be issued. An empty member asks
nothing. `node.questions` reads the forms in which people and protocols write questions.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from ..encoding.identifiers import CanonicalId, canonical, without_fragment

_MANDATE: Final = re.compile("[0-9a-f]{64}", re.ASCII)

ISSUE: Final = "issue"
ACCREDIT: Final = "accredit"

ENTITY_CHARS: Final = 4096
"""The longest id that a question may name. It is longer than a record's id can be, because a did:jwk of RSA-4096 has
960 characters and a long-form did:ion has more. Such an issuer is unknown, and the question is still valid."""


class Query(NamedTuple):
    """One question. It is a tuple; `_replace` makes a copy that asks something slightly different.

    Attributes:
        entity: id of the issuer (or authority) in any spelling; a fragment is dropped, unless it names a mandate.
        authority: id of the ecosystem, or of one authority that must be among those that vouch for the entity. `id#`
            and the 64 hexadecimal digits of a delegation mean the body under that mandate alone (`mandate_named`).
        resource: an address that may name a framework or a competency; None if the members below say it all.
        time: as of when, seconds; None for now.
        level: scheme and number, as (`EQF`, 6). field_of_study: scheme and code, as (`cip`, `51.3801`).
        key: the verification method a credential was signed with, or the key as multibase or did:key.
        existed_by: by when the credential existed, seconds, as the asker knows or a receipt proves.
        committed_with: the issuer's key that committed to it, if that is how it is known (`evidence.issuance_receipt`).
    """

    entity: str
    authority: str
    action: str = ISSUE
    resource: CanonicalId | None = None
    time: int | None = None
    credential_types: tuple[str, ...] = ()
    achievement_types: tuple[str, ...] = ()
    competencies: tuple[CanonicalId, ...] = ()
    framework: CanonicalId | None = None
    level: tuple[str, int] | None = None
    jurisdiction: str | None = None
    program: str | None = None
    field_of_study: tuple[str, str] | None = None
    delivery_mode: str | None = None
    key: str | None = None
    existed_by: int | None = None
    committed_with: str | None = None


def mandate_named(authority: str) -> bytes | None:
    """Return the delegation, 32 bytes, that an authority's id in a question names after its `#`; None if none."""
    fragment = authority.partition("#")[2]
    return bytes.fromhex(fragment) if _MANDATE.fullmatch(fragment) is not None else None


@lru_cache(maxsize=8192)
def spelled_authority(id: str) -> str:
    """An authority's id in its one spelling, with the mandate that it names, if any; `spelled` otherwise.

    Raises:
        DecodeError: it is no identifier.
    """
    via = mandate_named(id)
    return spelled(id) if via is None else f"{spelled(id)}#{via.hex()}"


@lru_cache(maxsize=8192)
def spelled(id: str) -> CanonicalId:
    """An issuer's or authority's id in its one spelling, without fragment.

    Raises:
        DecodeError: it is no identifier.
    """
    return canonical(without_fragment(id), max_chars=ENTITY_CHARS)
