"""HTTP/1.1 as bytes: what two readers could read in two ways is refused; h11, a careful reader, agrees on the rest."""

from typing import Final

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from accredit.node.http.http1 import (
    CHUNKS_AT_ONCE,
    FIELDS,
    HEAD_BYTES,
    TARGET_BYTES,
    RequestBody,
    RequestHead,
    encode_head,
    head_end,
    parse_head,
)
from accredit.registry.errors import AccreditError, DecodeError, InputError

HOST: Final = b"Host: node.example\r\n"


def head(line: bytes = b"GET /healthz HTTP/1.1", fields: bytes = HOST) -> bytes:
    return line + b"\r\n" + fields + b"\r\n"


def read(data: bytes) -> RequestHead:
    """As a connection reads it."""
    buffer = bytearray(data)
    end = head_end(buffer, 0)
    assert end >= 0, "it is whole"
    return parse_head(data[:end])


def test_a_request_is_read_as_it_was_sent() -> None:
    found = read(head(b"POST /v1/d%C3%A9?a=%2F&b HTTP/1.1", HOST + b"X-A:  1 \t\r\nx-a:\r\nContent-Length: 12\r\n"))
    assert (found.method, found.path, found.raw_path, found.query) == ("POST", "/v1/dé", b"/v1/d%C3%A9", b"a=%2F&b")
    assert found.headers == [(b"host", b"node.example"), (b"x-a", b"1"), (b"x-a", b""), (b"content-length", b"12")]
    assert (found.version, found.length, found.is_kept, found.is_awaiting) == ("1.1", 12, True, False)


@pytest.mark.parametrize(
    ("line", "path", "query", "host"),
    [
        (b"GET http://other.example:80/healthz?x=1 HTTP/1.1", "/healthz", b"x=1", b"other.example:80"),
        (b"GET HTTP://other.example HTTP/1.1", "/", b"", b"other.example"),
        (b"GET https://[::1]:8080?x HTTP/1.1", "/", b"x", b"[::1]:8080"),
        (b"OPTIONS * HTTP/1.1", "/", b"", b"node.example"),
        (b"GET //x HTTP/1.1", "//x", b"", b"node.example"),
    ],
)
def test_a_target_in_any_form_of_rfc_9112_is_a_path_and_its_host_counts(
    line: bytes, path: str, query: bytes, host: bytes
) -> None:
    found = read(head(line))
    assert (found.path, found.query, dict(found.headers)[b"host"]) == (path, query, host)


@pytest.mark.parametrize(
    ("fields", "line", "is_kept"),
    [
        (b"", b"GET / HTTP/1.1", True),
        (b"Connection: x, CLOSE\r\n", b"GET / HTTP/1.1", False),
        (b"Connection: x\r\nconnection: close\r\n", b"GET / HTTP/1.1", False),
        (b"", b"GET / HTTP/1.0", False),
        (b"Connection: Keep-Alive\r\n", b"GET / HTTP/1.0", True),
    ],
)
def test_who_goes_on_with_a_connection_says_so(fields: bytes, line: bytes, is_kept: bool) -> None:
    assert read(head(line, HOST + fields)).is_kept is is_kept


def test_http_1_0_needs_no_host_and_expects_nothing() -> None:
    assert read(head(b"GET / HTTP/1.0", b"Expect: 100-continue\r\n")).is_awaiting is False
    assert read(head(fields=HOST + b"Expect: 100-Continue\r\n")).is_awaiting is True


SMUGGLED: Final = [
    HOST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
    HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
    HOST + b"Content-Length: 3\r\nContent-Length: 3\r\n",
    HOST + b"Content-Length: 3\r\nContent-Length: 4\r\n",
    HOST + b"Content-Length: 3, 3\r\n",
    HOST + b"Content-Length: +3\r\n",
    HOST + b"Content-Length: 0x3\r\n",
    HOST + b"Content-Length: \r\n",
    HOST + b"Content-Length: 1_0\r\n",
    HOST + "Content-Length: ٣\r\n".encode(),
    HOST + b"Content-Length : 3\r\n",
    HOST + b"Transfer-Encoding : chunked\r\n",
    HOST + b"X: a\r\n Transfer-Encoding: chunked\r\n",  # obs-fold
    HOST + b"X: a\r\n\tb\r\n",
    HOST + b"X: a\nTransfer-Encoding: chunked\r\n",
    HOST + b"X: a\rTransfer-Encoding: chunked\r\n",
    HOST + b"X: a\0b\r\n",
    HOST + b": no name\r\n",
    HOST + b"no colon\r\n",
    b" " + HOST,
    HOST + HOST,
    b"",
    b"Host: a b\r\n",
    b"Host: a/b\r\n",
    b"Host: user@a\r\n",
]


@pytest.mark.parametrize("fields", SMUGGLED)
def test_what_a_proxy_could_read_otherwise_is_refused(fields: bytes) -> None:
    with pytest.raises(DecodeError) as refused:
        read(head(b"POST / HTTP/1.1", fields))
    assert refused.value.code == "bad_request"


@pytest.mark.parametrize("coding", [b"gzip", b"gzip, chunked", b"chunked, chunked", b"xchunked", b"chunked;x", b""])
def test_any_transfer_coding_but_chunked_is_refused(coding: bytes) -> None:
    with pytest.raises(InputError):
        read(head(b"POST / HTTP/1.1", HOST + b"Transfer-Encoding: " + coding + b"\r\n"))
    with pytest.raises(DecodeError):
        read(head(b"POST / HTTP/1.0", HOST + b"Transfer-Encoding: chunked\r\n"))


@pytest.mark.parametrize(
    "line",
    [
        *(b"GET  / HTTP/1.1", b" GET / HTTP/1.1", b"GET / HTTP/1.1 ", b"GET /a b HTTP/1.1", b"GET / http/1.1"),
        *(b"GET / HTTP/1.10", b"GET /", b"GET", b"/ HTTP/1.1", b"G(T / HTTP/1.1", b"GET\t/ HTTP/1.1"),
        *(b"GET healthz HTTP/1.1", b"GET /#x HTTP/1.1", b"GET http:// HTTP/1.1", b"GET http://u@h/ HTTP/1.1"),
        *(b"GET ftp://h/ HTTP/1.1", b"CONNECT h:443 HTTP/1.1", b"GET * HTTP/1.1", b"GET /\xff HTTP/1.1"),
    ],
)
def test_a_request_line_is_of_one_form(line: bytes) -> None:
    with pytest.raises(DecodeError):
        read(head(line))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (head(b"GET / HTTP/2.0"), "version_unknown"),
        (b"PRI * HTTP/2.0\r\n\r\n", "version_unknown"),
        (head(b"GET /" + b"x" * TARGET_BYTES + b" HTTP/1.1"), "target_too_long"),
        (b"GET /" + b"x" * (TARGET_BYTES + 100), "target_too_long"),
        (head(fields=HOST + b"X: " + b"x" * HEAD_BYTES + b"\r\n"), "head_too_large"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * HEAD_BYTES, "head_too_large"),
        (head(fields=HOST + b"X:\r\n" * FIELDS), "head_too_large"),
        (head(fields=HOST + b"Expect: 200-ok\r\n"), "expectation_failed"),
        (head(fields=HOST + b"Transfer-Encoding: gzip\r\n"), "coding_unknown"),
    ],
)
def test_what_is_too_much_or_not_offered_says_so(data: bytes, code: str) -> None:
    with pytest.raises(InputError) as refused:
        read(data)
    assert refused.value.code == code
    assert refused.value.hint


@pytest.mark.parametrize(
    "data", [b"\x16\x03\x01\x02\x00", b"SSH-2.0-x\r\n", b"\0", b"GET / HTTP/1.1\nHost: x\n\n", b"\n", b"{}"]
)
def test_what_cannot_become_http_is_known_at_its_first_bytes(data: bytes) -> None:
    with pytest.raises(DecodeError):
        head_end(bytearray(data), 0)


def test_a_head_may_come_byte_by_byte_and_after_one_empty_line() -> None:
    data = b"\r\n" + head()
    for size in range(len(data)):
        assert head_end(bytearray(data[:size]), max(0, size - 1)) == -1
    assert parse_head(data[: head_end(bytearray(data), len(data) - 1)]).path == "/healthz"


# ------------------------------------------------------------------------------------------------------- h11 agrees

PIECE = st.sampled_from(
    [
        *(b"GET", b"POST", b" ", b"/", b"/a?b", b"HTTP/1.1", b"HTTP/1.0", b"\r\n", b"\n", b"\r", b"\0", b"\t", b":"),
        *(b"Host", b"x", b"Content-Length", b"3", b"03", b"Transfer-Encoding", b"chunked", b",", b"Connection"),
        *(b"close", b"http://a/", b"*", b"\xff", b"\r\n\r\n", b"\r\n "),
    ]
)
NEARLY = st.builds(
    lambda line, fields: line + b"\r\n" + b"".join(fields) + b"\r\n",
    st.sampled_from([b"GET / HTTP/1.1", b"POST /a?b=%20 HTTP/1.1", b"GET / HTTP/1.0"]),
    st.lists(
        st.sampled_from([HOST, b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"X-Y: z\r\n"])
        | st.lists(PIECE, max_size=4).map(lambda parts: b"".join(parts) + b"\r\n"),
        max_size=4,
    ),
)


@given(data=NEARLY | st.lists(PIECE, max_size=12).map(b"".join))
@example(head())
def test_what_is_taken_says_the_same_to_another_reader(data: bytes) -> None:
    """Whatever we take, h11 takes, with the same method, target, fields and body length."""
    try:
        end = head_end(bytearray(data), 0)
        ours = parse_head(data[:end]) if end >= 0 else None
    except AccreditError:
        return
    if ours is None or ours.raw_path != data.split(b" ")[1].partition(b"?")[0]:
        return  # not whole, or a proxy's form
    other = h11.Connection(h11.SERVER)
    other.receive_data(data[:end].removeprefix(b"\r\n"))
    event = other.next_event()
    assert isinstance(event, h11.Request)
    assert event.method == ours.method.encode()
    assert event.target == ours.raw_path + (b"?" + ours.query if b"?" in data.split(b" ")[1] else b"")
    assert list(event.headers) == [(name, value) for name, value in ours.headers]
    ends_here = type(other.next_event()) is h11.EndOfMessage
    assert ends_here is (ours.length == 0)


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=40), max_size=6),
    cuts=st.lists(st.integers(1, 9), min_size=1, max_size=8),
    extension=st.sampled_from([b"", b";a=b", b' ; a="b"']),
    trailer=st.sampled_from([b"", b"X-T: 1\r\n"]),
)
def test_a_body_in_chunks_is_the_same_however_it_comes(
    pieces: list[bytes], cuts: list[int], extension: bytes, trailer: bytes
) -> None:
    sent = b"".join(b"%X%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces)
    sent += b"0\r\n" + trailer + b"\r\n"
    rest = b"GET / HTTP/1.1\r\n"
    buffer, body, found = bytearray(), RequestBody(None), b""
    wire = sent + rest
    at, turn = 0, 0
    while not body.is_done:
        step = cuts[turn % len(cuts)]
        buffer += wire[at : at + step]
        at, turn = at + step, turn + 1
        found += body.feed(buffer)
    assert found == b"".join(pieces)
    assert bytes(buffer) + wire[at:] == rest, "what follows is the next request's"


@pytest.mark.parametrize(
    "data",
    [
        *(b"x\r\n", b"-1\r\n", b"0x1\r\na\r\n", b"1\na\n", b"1\r\nab\r\n", b" 1\r\na\r\n", b"\r\n", b"fffffffff\r\n"),
        *(
            b"1;a\0b\r\na\r\n",
            b"1" + b" " * 300,
            b"0\r\nno trailer\r\n",
            b"0\r\n folded: x\r\n",
            b"0\r\n" + b"A: b\r\n" * 1_000,
        ),
    ],
)
def test_chunks_that_are_none_are_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        RequestBody(None).feed(bytearray(data))


def test_ten_thousand_small_chunks_are_read_in_parts() -> None:
    """64 KiB of chunks of one byte were one turn of 12 ms, and a client may send them without end."""
    buffer, body, parts = bytearray(b"1\r\na\r\n" * 10_000 + b"0\r\n\r\n"), RequestBody(None), list[int]()
    while not body.is_done:
        parts.append(len(body.feed(buffer)))
    assert sum(parts) == 10_000
    assert max(parts) == CHUNKS_AT_ONCE
    assert not buffer


def test_a_body_of_a_length_takes_no_byte_more() -> None:
    body, buffer = RequestBody(5), bytearray(b"abc")
    assert (body.feed(buffer), body.is_done) == (b"abc", False)
    buffer += b"deGET"
    assert (body.feed(buffer), body.is_done, bytes(buffer)) == (b"de", True, b"GET")
    assert RequestBody(0).is_done


def test_no_header_of_ours_becomes_a_second_answer() -> None:
    assert encode_head(200, [(b"a", b"b")]) == b"HTTP/1.1 200 OK\r\na: b\r\n\r\n"
    for value in (b"b\r\nx: y", b"b\nx", b"b\rx", b"b\0x"):
        with pytest.raises(ValueError, match="line break"):
            encode_head(200, [(b"a", value)])


def test_an_address_with_letters_beyond_ascii_is_told_to_be_percent_encoded() -> None:
    with pytest.raises(DecodeError) as refused:
        read(head("GET /v1/issuers?name=ü HTTP/1.1".encode()))
    assert refused.value.code == "bad_request"
    assert "%C3%BC" in refused.value.hint
