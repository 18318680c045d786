"""Requests to nodes on this machine: httpx over plain HTTP, without the proxies and certificates of the environment.

    answer = get(f"{node.url}/v1/status")

httpx reads all certificates that the machine trusts for every request made so, which takes it 40 ms of a core: a test
that waits until something is so would spend most of its time on it.
"""

import ssl
from functools import partial
from typing import Final

import httpx

PATIENCE: Final = 60.0
"""Seconds for an answer: a slow machine makes a test slow, not red."""

NO_CERTIFICATES: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody."""

get: Final = partial(httpx.get, trust_env=False, timeout=PATIENCE, verify=NO_CERTIFICATES)
post: Final = partial(httpx.post, trust_env=False, timeout=PATIENCE, verify=NO_CERTIFICATES)
put: Final = partial(httpx.put, trust_env=False, timeout=PATIENCE, verify=NO_CERTIFICATES)
