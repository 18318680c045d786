"""Sends webhooks: signed changes to addresses that the node's operator chose, repeated until they are accepted.

    sending = Webhooks(config.webhooks, store, key, peers, clock, run_blocking, name=…, ecosystem=…)
    await sending.run()

The form is that of Standard Webhooks 1.0: `webhook-id` and the body are the same however often a message is sent,
`webhook-timestamp` is when it was sent, and `webhook-signature` is `v1a,` and Ed25519 over `id.timestamp.body` with the
node's web key, so that no secret has to be shared. The body has changes as `/v1/changes` tells them.

* A message that was not accepted does not grow while it waits: later changes come in the next message. Only a restart
  may divide the changes into messages anew.
* A new address gets the changes from then on. The database holds each address's position, so a restart goes on there.
* One message at a time to each address, so that messages come in order, and a slow one delays nobody else.
* A message that is not answered with 2xx within `ANSWER_SECONDS` is sent again after a pause that doubles up to an
  hour; no change is lost meanwhile, because all are in the database. 410 ends the sending, as the standard says, until
  the node restarts.
* An address may contain a token, so the log names only its host. The node does not follow redirects, and does not read
  the content of answers.
"""

import logging
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Final
from urllib.parse import quote

import httpx
import msgspec
import trio

from accredit.gossip.protocol.backoff import pause_after
from accredit.node.clients.peer_http import Peers
from accredit.node.clock import Clock
from accredit.node.faults import place_of
from accredit.node.http.facades.tokens import WebKey
from accredit.node.http.routes.changes import change_view
from accredit.node.ports import RunBlocking
from accredit.node.settings import WebhookAddress
from accredit.node.storage.log_reader import Change
from accredit.node.storage.log_store import Store
from accredit.node.telemetry import event as log_event
from accredit.node.views.json_views import format_time
from accredit.registry.errors import AccreditError, RemoteError

PAGE: Final = 100
"""Changes in one message: some 20 kB."""

LOOK_SECONDS: Final = 1.0
"""How often the feed is looked at, as its streams do."""

ANSWER_SECONDS: Final = 15.0
"""Standard Webhooks recommends 15 to 30 s."""

PAUSES: Final = (5.0, 3_600.0)
"""First and longest pause after a failure, seconds: the first of the standard's schedule, and a guess."""

_OF_NAMES: Final = "!$&'()*,/:;=@"
_GONE: Final = 410
_POSITION_BYTES: Final = 8
_log = logging.getLogger(__name__)


class Webhooks:
    """See the module.

    Args:
        name, ecosystem: of this node, stated in each message.
        pauses: first and longest after a failure, seconds.
    """

    def __init__(
        self,
        addresses: Sequence[WebhookAddress],
        store: Store,
        key: WebKey,
        peers: Peers,
        clock: Clock,
        run_blocking: RunBlocking,
        *,
        name: str,
        ecosystem: bytes,
        pauses: tuple[float, float] = PAUSES,
    ) -> None:
        self._addresses = addresses
        self._store = store
        self._key = key
        self._peers = peers
        self._clock = clock
        self._run_blocking = run_blocking
        self._name = name
        self._ecosystem = ecosystem
        self._pauses = pauses
        self._waiting: dict[str, int] = {}
        """By place: the number of the last change in a message that was sent and not taken yet."""

    async def run(self) -> None:
        """Run until cancelled."""
        async with trio.open_nursery() as nursery:
            for address in self._addresses:
                nursery.start_soon(self._serve, address)

    async def _serve(self, address: WebhookAddress) -> None:
        failures = 0
        while True:
            try:
                taken = await self._tell_some(address)
            except Exception as error:
                failures += 1
                pause = pause_after(failures, *self._pauses)
                why = _reason(error, address)
                log_event(_log, logging.WARNING, "webhook not told", host=_host(address), reason=why, again=pause)
                await trio.sleep(pause)
                continue
            failures = 0
            if taken is None:
                log_event(_log, logging.WARNING, "webhook ended: the address is gone", host=_host(address))
                return
            if taken < PAGE:
                await trio.sleep(LOOK_SECONDS)

    async def _tell_some(self, address: WebhookAddress) -> int | None:
        """Send some changes; return how many it got, including those outside its subjects; None if it wants no more.

        Raises:
            RemoteError: it did not accept them. StorageError: the database cannot be used.
        """
        place = _place(address)
        kept = await self._run_blocking(lambda: self._store.kept(place))
        if kept is None:
            newest = await self._run_blocking(lambda: self._store.changes_before(_EVER))
            await self._keep(place, None, newest)
            return 0
        after = int.from_bytes(kept)
        rows = await self._run_blocking(lambda: self._store.changes(after, PAGE))
        if not rows:
            return 0
        last = self._waiting.setdefault(place, rows[-1][0])
        rows = [row for row in rows if row[0] <= last]
        wanted = [row for row in rows if not address.subjects or row[1].sub in address.subjects]
        if wanted and not await self._post(address, wanted):
            return None
        await self._keep(place, kept, last)
        self._waiting.pop(place, None)
        return len(rows)

    async def _post(self, address: WebhookAddress, rows: Sequence[tuple[int, Change]]) -> bool:
        """Send a message; return whether the address accepted it; False means that it wants no more."""
        # A node's name may have any letters; a header has ASCII.
        id, time = f"{quote(self._name, safe=_OF_NAMES)}-{rows[-1][0]}", int(self._clock.now())
        changes = [change_view(seq, change) for seq, change in rows]
        data = {"node": self._name, "ecosystem": self._ecosystem.hex(), "changes": changes}
        happened = format_time(rows[-1][1].time)
        body = msgspec.json.encode({"type": "registry.changed", "timestamp": happened, "data": data})
        signature = self._key.signer.sign(f"{id}.{time}.".encode() + body)
        headers = {
            "webhook-id": id,
            "webhook-timestamp": str(time),
            "webhook-signature": f"v1a,{b64encode(signature).decode()}",
        }
        status, _ = await self._peers.post(
            f"webhook {address.url}",
            address.url,
            body,
            max_bytes=0,  # a long answer to a message that was taken is no reason to send it again
            media_type="application/json",
            seconds=ANSWER_SECONDS,
            headers=headers,
        )
        if status == _GONE:
            return False
        if not 200 <= status < 300:
            raise RemoteError("unexpected_status", f"{address.url} answered with status {status}.")
        return True

    async def _keep(self, place: str, before: bytes | None, position: int) -> None:
        after = position.to_bytes(_POSITION_BYTES)
        await self._run_blocking(lambda: self._store.swap(place, before, after))


_EVER: Final = 2**62
"""Later than any time of a change."""


def _host(address: WebhookAddress) -> str:
    """Return the host of an address: its path or query may contain a token."""
    return httpx.URL(address.url).host


def _reason(error: Exception, address: WebhookAddress) -> str:
    """Return why a message was not told. A trace may have the address with its token, so there is none."""
    if isinstance(error, AccreditError):
        return _without_secrets(str(error), address)
    return f"a fault of this node ({type(error).__name__} in {place_of(error)}): please report it"


def _without_secrets(text: str, address: WebhookAddress) -> str:
    """Return an error's text for the log, with the host in place of the address."""
    return text.replace(address.url, _host(address))


def _place(address: WebhookAddress) -> str:
    """Return the name under which an address's position is kept; with other subjects, an address begins anew."""
    named = "\0".join((address.url, *sorted(address.subjects)))
    return f"webhook/{sha256(named.encode()).hexdigest()}"
