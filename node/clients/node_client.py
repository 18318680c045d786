"""A client for one node, for verifiers and the command line: routes become methods, and problems become errors.

    with NodeClient("https://registry.example.edu") as node:
        node.decide({"issuer": "did:web:example.edu", "achievement_type": "BachelorDegree", "issued_on": "2015-05-20"})

* Answers are plain values, as in `/openapi.json`, or bytes if the node sends bytes. The client does not check them: a
  caller that does not trust the node asks for data that proves itself (statements, checkpoints, tiles).
* A problem (RFC 9457) becomes the error of its class, with the node's sentence and hint: `RefusedError` for 422,
  `NotYetError` for 409, `InputError` for other faults of the request, `RemoteError` for faults of the node.
* Answers are bounded, redirections are not followed, the environment's proxies are not used.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from accredit.node.closing import Closing
from accredit.registry.encoding.cbor import decode as decode_cbor
from accredit.registry.encoding.cbor import encode as encode_cbor
from accredit.registry.errors import AccreditError, DecodeError, InputError, NotYetError, RefusedError, RemoteError
from accredit.registry.limits import LOOKUP_STATEMENTS
from accredit.registry.statement import Unverified
from accredit.registry.statement import decode as decode_statement

from .blocking_http import ANSWER_SECONDS, BlockingHttp, HttpWay, unanswered
from .node_url import node_url
from .outgoing import NOTHING_SET, Outgoing

ANSWER_BYTES: Final = 64 * 1024 * 1024
"""The longest answer accepted: a list of 10^5 issuers is some 20 MiB."""

_COSE: Final = "application/cose"
_CBOR: Final = "application/cbor"
_CBOR_SEQUENCE: Final = "application/cbor-seq"
_JSON: Final = "application/json"
_GATEWAY_TIMEOUT: Final = 504  # from a proxy before the node, whose own patience has ended


class NodeClient(Closing):
    """A connection to one node.

    Args:
        url: of the node, with or without a slash at its end.
        timeout: seconds to wait for each part of an answer.
        way: replaces the connection by another way to reach the node.
        outgoing: a private certificate authority, a proxy, an address to call from.

    Raises:
        InputError: `bad_url`.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = ANSWER_SECONDS,
        way: HttpWay | None = None,
        outgoing: Outgoing = NOTHING_SET,
    ) -> None:
        self.url = node_url(url)
        self.clock_ahead: float | None = None
        """Seconds by which this machine's clock is ahead of the node's, by its last answer; None before the first."""
        self._way = way or BlockingHttp(self.url, timeout=timeout, outgoing=outgoing)

    def close(self) -> None:
        """Ends the connections."""
        self._way.close()

    # ------------------------------------------------------------------------------------------- the ecosystem

    def ecosystem(self) -> dict[str, Any]:
        """The charter in force, its authorities and nodes."""
        return self._get("/v1/ecosystem")

    def genesis(self) -> bytes:
        """The genesis statement; its id is the ecosystem's."""
        return self._get_bytes("/v1/genesis", _COSE)

    def authorities(self) -> dict[str, Any]:
        """Every authority, named in the charter or delegated."""
        return self._get("/v1/authorities")

    def key(self, kid: bytes | str) -> dict[str, Any]:
        """Return the state of a key: its head, its next number, and for whom it acts."""
        return self._get(f"/v1/keys/{_hex(kid)}")

    def heads(self) -> dict[str, Any]:
        """Return the newest statement of every key."""
        return self._get("/v1/heads")

    def status(self) -> dict[str, Any]:
        """Return the node's status: sizes, roots, peers, alarms."""
        return self._get("/v1/status")

    def ready(self) -> dict[str, Any]:
        """Check that it is ready: the genesis is in effect, it has caught up with its peers, and it can sign.

        Raises:
            RemoteError: `not_ready`: it is not; the text says why.
        """
        return self._get("/readyz")

    # ---------------------------------------------------------------------------------------------- statements

    def statement(self, statement: bytes | str) -> dict[str, Any]:
        """Return one statement and its standing."""
        return self._get(f"/v1/statements/{_hex(statement)}")

    def statement_ids(self, begin: str) -> list[str]:
        """Return the ids of statements that begin with some hexadecimal digits; if there are many, the first ones."""
        return [str(id) for id in self._get("/v1/statements", begin=begin)["ids"]]

    def statement_bytes(self, statement: bytes | str) -> bytes:
        """One statement as it was signed."""
        return self._get_bytes(f"/v1/statements/{_hex(statement)}", _COSE)

    def standings(self, statements: Sequence[bytes | str]) -> dict[str, dict[str, Any]]:
        """Return how statements stand now, by id in hex, without those that the node does not hold."""
        found: dict[str, dict[str, Any]] = {}
        for ids in _thousands(statements):
            found |= {one["id"]: one for one in self._post("/v1/statements/lookup", {"ids": ids})["statements"]}
        return found

    def signed(self, statements: Sequence[bytes | str]) -> dict[bytes, Unverified]:
        """Return statements as they were signed, by the digests of their own bytes, without those that the node does
        not hold. Nothing that was not asked for is among them.

        Raises:
            RemoteError: `bad_answer`: the node sends something else than statements.
        """
        found: dict[bytes, Unverified] = {}
        for ids in _thousands(statements):
            wanted = dict.fromkeys(map(bytes.fromhex, ids))
            while wanted:
                body = msgspec.json.encode({"ids": [id.hex() for id in wanted]})
                headers = {"accept": _CBOR, "content-type": _JSON}
                data = self._fetch("POST", "/v1/statements/lookup", params=None, content=body, headers=headers)
                sent = {each.id: each for each in _statements_in(data, self.url) if each.id in wanted}
                if not sent:
                    break  # it holds no more of them
                found |= sent
                wanted = {id: None for id in wanted if id not in sent}
        return found

    def presence(self, statement: bytes | str) -> dict[str, Any]:
        """Return whether the newest noted state includes a statement; check it with
        `registry.evidence.statement_proof`."""
        return self._get(f"/v1/statements/{_hex(statement)}/proof")

    def submit(self, raws: Sequence[bytes]) -> dict[str, Any]:
        """Submit statements in order; return the result of each, under a signed checkpoint.

        Raises:
            RefusedError, DecodeError: a single statement was refused. Of several, each says so in its place.
        """
        media_type = _COSE if len(raws) == 1 else _CBOR_SEQUENCE
        return self._ask("POST", "/v1/statements", content=b"".join(raws), content_type=media_type)

    def dry_run(self, draft: Mapping[str, Any]) -> dict[str, Any]:
        """Return the standing that a statement would have if it were signed now.

        Args:
            draft: iss, sub, kind, body, key (the key's id, 32 bytes), as inside: bytes and seconds.
        """
        return self._ask("POST", "/v1/dry-run", content=encode_cbor(dict(draft)), content_type=_CBOR)

    def proposals(self, *, authority: str | None = None, key: bytes | str | None = None) -> dict[str, Any]:
        """Return the proposals that wait for votes; with an authority or a key, only those that wait for its vote."""
        return self._get("/v1/proposals", authority=authority, key=None if key is None else _hex(key))

    def changes(self, *, after: int = 0, limit: int | None = None) -> dict[str, Any]:
        """Return the statements that took effect, or ceased to be in effect, after number `after`."""
        return self._get("/v1/changes", after=after, limit=limit)

    def outcomes(self, *, weeks: int = 0) -> dict[str, Any]:
        """Return the totals of the public records, and the newest weeks of decisions."""
        return self._get("/v1/outcomes", weeks=weeks)

    # ------------------------------------------------------------------------------------------------- records

    def issuers(self, **filters: str | int | None) -> dict[str, Any]:
        """One page of issuers; filters: name, category, status, jurisdiction, after, limit."""
        return self._get("/v1/issuers", **filters)

    def every_issuer(self, **filters: str | int | None) -> Iterator[dict[str, Any]]:
        """All issuers, page after page."""
        return _every(self.issuers, "issuers", filters)

    def issuer(self, issuer: str) -> dict[str, Any]:
        """One issuer with its history."""
        return self._get("/v1/issuer", id=issuer)

    def accreditation(self, accreditation: bytes | str) -> dict[str, Any]:
        """One accreditation with its history."""
        return self._get("/v1/accreditation", id=_hex(accreditation))

    def timeline(self, accreditation: bytes | str) -> dict[str, Any]:
        """Return the timeline of one accreditation: its statements, and the verdict today on a credential of each
        day."""
        return self._get("/v1/accreditation/timeline", id=_hex(accreditation))

    def frameworks(self, **filters: str | int | None) -> dict[str, Any]:
        """One page of frameworks; filters: after, limit."""
        return self._get("/v1/frameworks", **filters)

    def every_framework(self) -> Iterator[dict[str, Any]]:
        """All frameworks, page after page."""
        return _every(self.frameworks, "frameworks", {})

    def framework(self, framework: str) -> dict[str, Any]:
        """One framework with its history."""
        return self._get("/v1/framework", id=framework)

    def framework_items(self, framework: str, **filters: str | int | None) -> dict[str, Any]:
        """Return one page of the competencies in a framework; filters: q, after, limit."""
        return self._get("/v1/framework/items", id=framework, **filters)

    def every_framework_item(self, framework: str, **filters: str | int | None) -> Iterator[dict[str, Any]]:
        """Yield all competencies in a framework, page after page."""
        return _every(partial(self.framework_items, framework), "items", filters)

    def competency(self, uri: str) -> dict[str, Any]:
        """One competency and the frameworks it is in."""
        return self._get("/v1/competencies", uri=uri)

    def competency_issuers(self, uri: str, **filters: str | int | None) -> dict[str, Any]:
        """Return one page of the issuers that may attest a competency; filters: jurisdiction, after, limit."""
        return self._get("/v1/competencies/issuers", uri=uri, **filters)

    def every_competency_issuer(self, uri: str, **filters: str | int | None) -> Iterator[dict[str, Any]]:
        """Yield all issuers that may attest a competency, page after page."""
        return _every(partial(self.competency_issuers, uri), "issuers", filters)

    # ----------------------------------------------------------------------------------------------- decisions

    def decide(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """The decision on one query (plain or canonical names)."""
        return self._post("/v1/decisions", dict(query))

    def decide_all(self, queries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The decisions on up to 1,000 queries, in their order; a failed one is `{"problem": …}` in its place."""
        answer = self._post("/v1/decisions", {"queries": [dict(query) for query in queries]})
        return list(answer["decisions"])

    def authorization(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """TRQP 2.0 `POST /authorization`."""
        return self._post("/authorization", dict(query))

    def recognition(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """TRQP 2.0 `POST /recognition`."""
        return self._post("/recognition", dict(query))

    # ------------------------------------------------------------------------------------------- the noted state

    def state_note(self) -> bytes:
        """The newest state note with a quorum."""
        return self._get_bytes("/v1/state-note", "text/plain")

    def conflicts(self) -> dict[str, Any]:
        """Nodes that were caught contradicting themselves."""
        return self._get("/v1/conflicts")

    def conflict(self, conflict: bytes | str) -> bytes:
        """Return the file that proves one; check it with `registry.transparency.equivocation.check`."""
        return self._get_bytes(f"/v1/conflicts/{_hex(conflict)}", _CBOR)

    def accuse(self, file: bytes) -> dict[str, Any]:
        """Send a conflict's file; return the conflict that the node then keeps against that key.

        Raises:
            RefusedError, DecodeError: it proves nothing about a known node.
        """
        return self._ask("POST", "/v1/conflicts", content=file, content_type=_CBOR)

    def snapshot(self, *, since: bytes | str | None = None) -> bytes:
        """Return all records of the noted state; with a state root only the changes since, if the node remembers it."""
        params = {} if since is None else {"since": _hex(since)}
        accept = {"accept": "application/octet-stream"}
        return self._fetch("GET", "/v1/snapshot", params=params, content=None, headers=accept)

    def trust_policy(self) -> bytes:
        """Return the trust policy that the node proposes; compare it with another source before use."""
        return self._get_bytes("/v1/trust-policy", "text/plain")

    def renewal(self, step: bytes | str) -> bytes:
        """Return the renewal for a trust policy that has followed the charter up to the statement `step`."""
        return self._fetch("GET", "/v1/renewal", params={"step": _hex(step)}, content=None, headers={"accept": _CBOR})

    def issuers_by_prefix(self, prefix: str, *, k: int | None = None) -> dict[str, Any]:
        """Issuers whose key in the state map begins with these hexadecimal digits, with proofs."""
        return self._get(f"/v1/issuers/by-prefix/{prefix}", k=k)

    def competencies_by_prefix(self, prefix: str, *, k: int | None = None) -> dict[str, Any]:
        """Return the competencies whose key in the state map begins with these hexadecimal digits, and their
        mappings."""
        return self._get(f"/v1/competencies/by-prefix/{prefix}", k=k)

    # ------------------------------------------------------------------------------------------------- the log

    def checkpoint(self) -> str:
        """The newest signed checkpoint of the node's log, a C2SP note."""
        return self._get_bytes("/log/checkpoint", "text/plain").decode("utf-8", "replace")

    def tile(self, path: str) -> bytes:
        """A tile or bundle, by its path as `registry.transparency.tiles.Tile.encode_path` writes it."""
        return self._get_bytes(f"/log/{path}", "application/octet-stream")

    # ------------------------------------------------------------------------------------------------ machinery

    def _get(self, path: str, **params: str | int | None) -> dict[str, Any]:
        return self._ask("GET", path, params={name: value for name, value in params.items() if value is not None})

    def _post(self, path: str, value: Any) -> dict[str, Any]:
        return self._ask("POST", path, content=msgspec.json.encode(value), content_type=_JSON)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        content: bytes | None = None,
        content_type: str = _JSON,
    ) -> dict[str, Any]:
        headers = {} if content is None else {"content-type": content_type}
        answer = _decoded(self._fetch(method, path, params=params, content=content, headers=headers))
        if not isinstance(answer, dict):
            raise RemoteError("bad_answer", f"{self.url}{path} did not answer with a JSON object.")
        return answer

    def _get_bytes(self, path: str, accept: str) -> bytes:
        return self._fetch("GET", path, params=None, content=None, headers={"accept": accept})

    def _fetch(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None,
        content: bytes | None,
        headers: Mapping[str, str],
    ) -> bytes:
        target = quote(path, safe="/:@!$&'()*+,;=~%") + (f"?{urlencode(params)}" if params else "")
        said = {"user-agent": "accredit", "accept": _JSON, **headers}
        answer = self._way.ask(method, target, headers=said, content=content, max_bytes=ANSWER_BYTES)
        self.clock_ahead = _clock_ahead(answer.headers, time.time())
        if answer.status // 100 == 2:
            return answer.body
        raise _error_of(self.url, answer.status, answer.body)


def _every(
    ask: Callable[..., dict[str, Any]], member: str, filters: Mapping[str, str | int | None]
) -> Iterator[dict[str, Any]]:
    """The rows of all pages of a list."""
    page = ask(**filters)
    yield from page[member]
    while page["next"] is not None:
        page = ask(**{**filters, "after": page["next"]})
        yield from page[member]


def _thousands(statements: Sequence[bytes | str]) -> Iterator[list[str]]:
    for start in range(0, len(statements), LOOKUP_STATEMENTS):
        yield [_hex(id) for id in statements[start : start + LOOKUP_STATEMENTS]]


def _statements_in(data: bytes, url: str) -> list[Unverified]:
    try:
        raws = decode_cbor(data, what="the answer", max_bytes=ANSWER_BYTES)
        if type(raws) is not list or any(type(raw) is not bytes for raw in raws):
            raise DecodeError("bad_answer", "the answer is no list of statements.")
        return [decode_statement(raw) for raw in raws]
    except DecodeError as error:
        raise RemoteError(
            "bad_answer",
            f"{url} sends something else than statements ({error.message}).",
            hint="Ask another node with --node, and tell its operator.",
        ) from error


def _clock_ahead(headers: Mapping[str, str], now: float) -> float | None:
    """Return how far `now` is ahead of the server's clock (RFC 9110 §6.6.1, less a cache's age); None if not told."""
    try:
        return now - parsedate_to_datetime(headers["date"]).timestamp() - float(headers.get("age", "0"))
    except (KeyError, ValueError):
        return None


def _hex(identity: bytes | str) -> str:
    return identity.hex() if isinstance(identity, bytes) else identity


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:
        raise RemoteError("bad_answer", f"the node's answer is not JSON ({error}).") from None


def _error_of(url: str, status: int, body: bytes) -> AccreditError:
    """Return the error in a problem; for an answer in another form, an error that says so."""
    try:
        problem = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        problem = None
    if not isinstance(problem, dict) or not all(isinstance(problem.get(name), str) for name in ("code", "detail")):
        if status == _GATEWAY_TIMEOUT:
            return unanswered(url)
        return RemoteError(
            "bad_answer",
            f"{url} answered with status {status} and gave no reason.",
            hint="Check that this is the URL of a node.",
        )
    code, detail = problem["code"], problem["detail"]
    hint = problem["hint"] if isinstance(problem.get("hint"), str) else ""
    if status == 422:
        return RefusedError(code, detail, hint=hint)
    if status == 409:
        return NotYetError(code, detail, hint=hint)
    if status == 400:
        return DecodeError(code, detail, hint=hint)
    if status < 500 and status != 429:  # the node is too busy now; the request itself is fine
        return InputError(code, detail, hint=hint)
    return RemoteError(code, f"{url}: {detail}", hint=hint)
