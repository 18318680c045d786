"""A bare ASGI application: reads the body, answers always the same. What a server costs without anything behind it.

python -m uvicorn --app-dir benchmarks/peers bare:app
"""

import os
from collections.abc import Awaitable, Callable
from typing import Any

BODY = bytes(int(os.environ.get("BARE_BYTES", "435")))


async def app(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """See ASGI."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})
