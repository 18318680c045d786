"""Finds ids and names that people confuse: other spellings of an issuer's id, each of which is another issuer, and
names of nodes that look the same.

To every verifier two ids are two issuers. Somebody who is about to register the second is warned of the first.

    >>> list(lookalikes("https://uni.example/"))
    ['https://uni.example', 'https://www.uni.example/', 'did:web:uni.example']
    >>> port_meant("did:web:uni.example:8443")
    'did:web:uni.example%3A8443'
    >>> appearance("Node-1.example") == appearance("nodel.example")
    True
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

_PORT: Final = re.compile(r"^(did:web:[^:]*[a-z][^:%]*):(\d{2,5})(?=:|$)", re.ASCII)
_WEB: Final = re.compile(r"^did:web:([^:]+)((?::[^:]+)*)$", re.ASCII)

_ALIKE: Final = str.maketrans("01iаеорсухіјѕοαν", "ollaeopcyxljsoav", "-_")  # noqa: RUF001
"""Digits and Cyrillic and Greek letters that look like Latin ones; hyphens are ignored."""


def appearance(name: str) -> str:
    """Return the appearance of a name: equal for two names that people confuse."""
    return unicodedata.normalize("NFKC", name).casefold().translate(_ALIKE).replace("rn", "m")


def port_meant(id_: str) -> str | None:
    """Return a did:web as it would be if the number after its host were a port; None if there is none.

    In a did:web a colon begins a part of the path; a port is written %3A8443.
    """
    meant = _PORT.sub(r"\1%3A\2", id_)
    return None if meant == id_ else meant


def lookalikes(id_: str) -> Iterator[str]:
    """Yield other ids that people take for the same: by slash, port, www, case, or the web site of a DID."""
    seen = {id_}
    for other in _others(id_):
        if other not in seen:
            seen.add(other)
            yield other


def _others(id_: str) -> Iterator[str]:
    if id_.startswith("https://"):
        bare = id_.rstrip("/")
        yield from (bare, f"{bare}/")
        yield _www(id_, "https://")
        host, _, path = bare.removeprefix("https://").partition("/")
        yield ":".join(("did:web", host.replace(":", "%3A"), *(path.split("/") if path else ())))
    match = _WEB.match(id_)
    if match is None:
        return
    if meant := port_meant(id_):
        yield meant
    yield re.sub(r"%3A(\d+)", r":\1", id_, count=1)
    yield _www(id_, "did:web:")
    yield id_.lower().replace("%3a", "%3A")
    site = "https://" + match[1].replace("%3A", ":") + match[2].replace(":", "/")
    yield from (site, f"{site}/")


def _www(id_: str, scheme: str) -> str:
    rest = id_.removeprefix(scheme)
    return scheme + (rest.removeprefix("www.") if rest.startswith("www.") else f"www.{rest}")
