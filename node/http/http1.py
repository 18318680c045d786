r"""Reads and writes HTTP/1.1 (RFC 9112) strictly: it refuses everything that two readers could understand differently.

    head = parse_head(b"GET /healthz HTTP/1.1\r\nHost: node.example\r\n\r\n")
    body = RequestBody(head.length)
    body.feed(buffer)                   what of the body has come; takes it out of the buffer

The grammar is that of RFC 9112 and RFC 9110 §5, in regular expressions that read each byte once. Where the RFCs allow a
recipient to be lenient, this one is strict. A proxy in front of the node may be lenient in another way, and then one of
the two takes for a body what the other takes for the next request (request smuggling, RFC 9112 §11.2):

* a line ends in CR LF; no bare CR or LF, no NUL, no folded line, no space before a colon;
* `Content-Length` once, in digits; `Transfer-Encoding` is `chunked` and nothing else; never both;
* one `Host`; a target in absolute form (`GET http://node.example/healthz`) says the host instead (§3.2.2);
* sizes and counts are bounded: `TARGET_BYTES` (414), `HEAD_BYTES` and `FIELDS` (431).

This module has no waits or sockets (`connection` has). It does not support HTTP/2, upgrades or `CONNECT`, and ignores
trailers within a bound.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

from accredit.registry.errors import DecodeError, InputError

HEAD_BYTES: Final = 16 * 1024
"""Request line and fields; RFC 9110 §5.4 leaves it open, servers take 8 to 64 KiB."""

TARGET_BYTES: Final = 8_000
"""RFC 9110 §4.1 recommends to support at least 8,000 octets of URI."""

FIELDS: Final = 100
"""Header fields of one request; browsers send some 20, proxies add a few."""

CHUNK_LINE_BYTES: Final = 256
"""The line before a chunk: its size, and extensions that nobody uses."""

CHUNKS_AT_ONCE: Final = 1_000
"""Chunks of a body read in one turn: 1 ms. 64 KiB hold ten thousand of one byte each."""

TRAILER_BYTES: Final = 4 * 1024

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # RFC 9110 §5.6.2
_REQUEST_LINE: Final = re.compile(rb"(" + _TOKEN + rb") ([\x21-\x7e]+) HTTP/([0-9])\.([0-9])\r\n")
# A field value holds no control characters but tabs (RFC 9110 §5.5); white space around it is not part of it. Only the
# line's end separates the value from what follows, so that no byte is read twice.
_FIELD: Final = re.compile(rb"(" + _TOKEN + rb"):([^\x00-\x08\x0a-\x1f\x7f]*)\r\n")
_HOST: Final = re.compile(rb"[A-Za-z0-9\-._~!$&'()*+,;=%]*(?::[0-9]*)?|\[[0-9A-Fa-f:.%A-Za-z\-_~]+\](?::[0-9]*)?")
_ABSOLUTE: Final = re.compile(rb"https?://([^/?#@]+)((?:[/?][^#]*)?)", re.IGNORECASE)
_DIGITS: Final = re.compile(rb"[0-9]{1,18}")
_CHUNK_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?\r\n")
_BEGINNING: Final = re.compile(rb"(?:\r\n)?(?:" + _TOKEN + rb"(?: .*)?)?|\r", re.DOTALL)
_REASONS: Final = {status.value: status.phrase.encode() for status in HTTPStatus}

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHead:
    """A request up to its body.

    Attributes:
        path: decoded, as text. raw_path, query: as sent.
        headers: names in lower case, in the order sent.
        length: of the body in bytes; None if it comes in chunks.
        is_kept: whether the sender would keep this connection open.
        is_awaiting: whether the sender waits for `100 Continue` before the body (RFC 9110 §10.1.1).
    """

    method: str
    path: str
    raw_path: bytes
    query: bytes
    version: str
    headers: Headers
    length: int | None
    is_kept: bool
    is_awaiting: bool


def head_end(buffer: bytearray, scanned: int) -> int:
    """Return where the head in `buffer` ends; -1 if it is not complete.

    Args:
        scanned: bytes already searched by an earlier call.

    Raises:
        InputError: it can no longer become a head (400), or is too long (`target_too_long`, `head_too_large`).
    """
    end = buffer.find(b"\r\n\r\n", max(0, scanned - 3))
    if 0 <= end <= HEAD_BYTES:
        return end + 4
    if scanned == 0 and _BEGINNING.fullmatch(buffer) is None:
        raise _bad("the bytes sent are not HTTP")
    line = buffer.find(b"\n", max(0, scanned - 1))
    while line >= 0:
        if line == 0 or buffer[line - 1] != 0x0D:
            raise _bad("a line ends without CR")
        line = buffer.find(b"\n", line + 1)
    if len(buffer) > TARGET_BYTES + 64 and buffer.find(b"\r\n", 2, TARGET_BYTES + 64) < 0:
        raise InputError(
            "target_too_long",
            f"the request line has more than {TARGET_BYTES} bytes.",
            hint="Send the question in a body, or make it shorter.",
        )
    if len(buffer) > HEAD_BYTES:
        raise _head_too_large(f"the head has more than {HEAD_BYTES} bytes")
    return -1


def parse_head(data: bytes) -> RequestHead:
    """The request whose head is `data`, from its first byte to the empty line.

    Raises:
        DecodeError: it is not HTTP/1.1, or two readers could read it in two ways (`bad_request`).
        InputError: `head_too_large`, `expectation_failed`, `coding_unknown`, `version_unknown`.
    """
    start = 2 if data.startswith(b"\r\n") else 0  # RFC 9112 §2.2: one empty line before it is passed over
    line = _REQUEST_LINE.match(data, start)
    if line is None:
        if not data[start:].partition(b"\r\n")[0].isascii():
            raise DecodeError(
                "bad_request",
                "the request line has characters beyond ASCII.",
                hint="Percent-encode them: ü is %C3%BC (curl -G --data-urlencode does).",
            )
        raise _bad("the request line is malformed")
    method, target, major, minor = line.groups()
    if major != b"1":
        raise InputError(
            "version_unknown",
            "this node supports only HTTP/1.1.",
            hint="For other versions, put a proxy in front of the node.",
        )
    is_old = minor == b"0"
    headers: Headers = []
    at, last = line.end(), len(data) - 2
    length: bytes | None = None
    coding: bytes | None = None
    host: bytes | None = None
    connection = b""
    expectation = b""
    while at < last:
        field = _FIELD.match(data, at)
        if field is None:
            raise _bad(f"header field {len(headers) + 1} is malformed")
        at = field.end()
        name, value = field[1].lower(), field[2].strip(b" \t")
        headers.append((name, value))
        if name == b"host":
            if host is not None:
                raise _bad("Host is given twice")
            host = value
        elif name == b"content-length":
            if length is not None:
                raise _bad("Content-Length is given twice")
            length = value
        elif name == b"transfer-encoding":
            coding = value if coding is None else coding + b"," + value
        elif name == b"connection":
            connection += b"," + value.lower()
        elif name == b"expect":
            expectation += value.lower()
    if len(headers) > FIELDS:
        raise _head_too_large(f"the request has more than {FIELDS} header fields")
    if host is None and not is_old:  # RFC 9112 §3.2
        raise _bad("Host is missing")
    if host is not None and _HOST.fullmatch(host) is None:
        raise _bad("Host is malformed")
    path = _path_of(method, target, headers)
    raw_path, _, query = path.partition(b"?")
    options = {option.strip() for option in connection.split(b",")}
    if expectation and expectation != b"100-continue":
        raise InputError(
            "expectation_failed",
            "the only Expect value supported is 100-continue.",
            hint="Leave out the header field Expect.",
        )
    return RequestHead(
        method=method.decode(),
        path=unquote(raw_path.decode()) if b"%" in raw_path else raw_path.decode(),
        raw_path=raw_path,
        query=query,
        version="1.0" if is_old else "1.1",
        headers=headers,
        length=_length(length, coding, is_old),
        # RFC 9112 §9.3
        is_kept=b"close" not in options and (not is_old or b"keep-alive" in options),
        is_awaiting=bool(expectation) and not is_old,
    )


def _path_of(method: bytes, target: bytes, headers: Headers) -> bytes:
    """Path and query of a target in any of its forms (RFC 9112 §3.2); that of a proxy's form replaces the host."""
    if len(target) > TARGET_BYTES:
        raise InputError(
            "target_too_long", f"the target has more than {TARGET_BYTES} bytes.", hint="Send the question in a body."
        )
    if target.startswith(b"/"):
        if b"#" in target:
            raise _bad("the target has a fragment")
        return target
    if target == b"*" and method == b"OPTIONS":
        return b"/"
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None or _HOST.fullmatch(absolute[1]) is None:
        raise _bad("the target is neither a path nor a URL")
    headers[:] = [(name, absolute[1] if name == b"host" else value) for name, value in headers]
    path = absolute[2]
    return path if path.startswith(b"/") else b"/" + path


def _length(length: bytes | None, coding: bytes | None, is_old: bool) -> int | None:
    """How the body is delimited (RFC 9112 §6.3); without either field there is none."""
    if coding is not None:
        if length is not None:
            raise _bad("Content-Length and Transfer-Encoding are both given")
        if is_old:
            raise _bad("HTTP/1.0 has no Transfer-Encoding")
        if coding.lower() != b"chunked":
            raise InputError(
                "coding_unknown", "the only transfer coding supported is chunked.", hint="Use Content-Encoding: gzip."
            )
        return None
    if length is None:
        return 0
    if _DIGITS.fullmatch(length) is None:
        raise _bad("Content-Length is not a number")
    return int(length)


class RequestBody:
    """The body of one request, as its bytes come.

    Args:
        length: as in `RequestHead`.

    Attributes:
        is_done: whether it is complete.
    """

    __slots__ = ("_is_chunked", "_is_in_chunk", "_is_last", "_left", "_trailer", "is_done")

    def __init__(self, length: int | None) -> None:
        self._is_chunked = length is None
        self._left = length or 0
        self._is_in_chunk = False
        self._is_last = False
        self._trailer = 0
        self.is_done = length == 0

    def feed(self, buffer: bytearray) -> bytes:
        """Take bytes of the body out of `buffer`; empty if more must arrive first. Some may be left for the next call.

        Raises:
            DecodeError: malformed chunks (`bad_request`).
        """
        if not self._is_chunked:
            taken = bytes(buffer[: self._left])
            del buffer[: len(taken)]
            self._left -= len(taken)
            self.is_done = not self._left
            return taken
        found: list[bytes] = []
        at = 0  # remove all before it at once: removing small chunks one by one would move the rest each time
        while not self.is_done and len(found) < CHUNKS_AT_ONCE:
            if self._left:
                piece = bytes(buffer[at : at + self._left])
                if not piece:
                    break
                found.append(piece)
                at += len(piece)
                self._left -= len(piece)
                continue
            step = self._between(buffer, at)
            if not step:
                break
            at += step
        del buffer[:at]
        return b"".join(found)

    def _between(self, buffer: bytearray, at: int) -> int:
        """Read the bytes between two pieces of content, or after the last; return how many, 0 if some are missing."""
        if self._is_in_chunk:  # the CR LF after a chunk
            if len(buffer) - at < 2:
                return 0
            if buffer[at : at + 2] != b"\r\n":
                raise _bad("a chunk is longer than its declared size")
            self._is_in_chunk = False
            return 2
        end = buffer.find(b"\n", at, at + CHUNK_LINE_BYTES)
        if end < 0:
            if len(buffer) - at >= CHUNK_LINE_BYTES:
                raise _bad("a chunk header or a trailer is too long")
            return 0
        size = end + 1 - at
        if self._is_last:  # RFC 9112 §7.1.2: trailers may be passed over
            self._trailer += size
            if self._trailer > TRAILER_BYTES:
                raise _bad("the trailers are too long")
            if bytes(buffer[at : end + 1]) == b"\r\n":
                self.is_done = True
            elif _FIELD.fullmatch(buffer, at, end + 1) is None:
                raise _bad("a trailer is malformed")
            return size
        line = _CHUNK_LINE.fullmatch(buffer, at, end + 1)
        if line is None:
            raise _bad("the size of a chunk is malformed")
        self._left = int(line[1], 16)
        self._is_last = not self._left
        self._is_in_chunk = not self._is_last
        return size


def encode_head(status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The head of an answer, with its empty line.

    Raises:
        ValueError: a field contains a line end; this is a fault of this program, which must not produce a second
            answer.
    """
    return b"HTTP/1.1 %d %b\r\n%b\r\n" % (status, _REASONS.get(status, b""), encode_fields(headers))


def encode_fields(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Header fields, each with the end of its line.

    Raises:
        ValueError: as `encode_head`.
    """
    lines = [b"%b: %b\r\n" % field for field in headers]
    fields = b"".join(lines)
    if fields.count(b"\n") != len(lines) or fields.count(b"\r") != len(lines) or b"\0" in fields:
        raise ValueError("a header field contains a line break")
    return fields


def _bad(what: str) -> DecodeError:
    return DecodeError("bad_request", f"{what}.", hint="Send HTTP/1.1 as RFC 9112 defines it.")


def _head_too_large(what: str) -> InputError:
    return InputError("head_too_large", f"{what}.", hint="Send fewer or shorter header fields.")
