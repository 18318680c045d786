"""Stores in a node's database the web keys that it has signed with, so that the keys of old tokens can still be found.

retired = remember_web_key(store, public, now)
"""

from typing import Final

from accredit.registry.encoding.ed25519 import PUBLIC_BYTES
from accredit.registry.errors import StorageError

from .log_store import Store

_PLACE: Final = "web_key/"
_TIME_BYTES: Final = 8


def remember_web_key(store: Store, public: bytes, now: int) -> list[tuple[bytes, int]]:
    """Store the key in use; return the earlier ones, and until when each was used, the oldest first.

    Args:
        public: 32 bytes.
        now: seconds since 1970.

    Raises:
        StorageError: the database cannot be used.
    """
    used = [(row[:PUBLIC_BYTES], int.from_bytes(row[PUBLIC_BYTES:])) for row in store.kept_under(_PLACE)]
    if not used or used[-1][0] != public:
        place = f"{_PLACE}{len(used):04}"
        if not store.swap(place, None, public + max(0, now).to_bytes(_TIME_BYTES)):
            raise StorageError(
                "kept_damaged", f"The database has something else under {place}.", hint="Run `accredit node audit`."
            )
        used.append((public, now))
    ends = [since for _, since in used[1:]]
    return [(key, until) for (key, _), until in zip(used, ends, strict=False) if key != public]
