"""Connections that cost less than trio's keep all of its promises but the one that they say they do not."""

import socket
from functools import partial

import pytest
import trio

from accredit.node.http.tcp import TcpListener, TcpStream


async def pair() -> tuple[TcpStream, TcpStream]:
    """Two ends of one connection over loopback."""
    listener = TcpListener(socket.create_server(("127.0.0.1", 0)))
    connect = partial(socket.create_connection, listener.socket.getsockname())
    client = TcpStream(await trio.to_thread.run_sync(connect))
    server = await listener.accept()
    await listener.aclose()
    await listener.aclose()
    return client, server


async def test_bytes_arrive_whole_and_in_order_however_slowly_they_are_read() -> None:
    client, server = await pair()
    sent = bytes(range(256)) * 40_000
    found = bytearray()

    async def read() -> None:
        while data := await server.receive_some():
            found.extend(data)
            await trio.sleep(0.001)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await client.send_all(sent)
        await client.wait_send_all_might_not_block()
        await client.send_eof()
    assert bytes(found) == sent
    await server.send_all(b"and back")
    assert await client.receive_some(3) == b"and"
    assert await client.receive_some() == b" back"
    await client.aclose()
    await server.aclose()


async def test_a_closed_end_says_so_and_an_end_whose_other_is_gone_is_broken() -> None:
    client, server = await pair()
    async with trio.open_nursery() as nursery:

        async def wait() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await client.receive_some()

        nursery.start_soon(wait)
        await trio.sleep(0.05)
        await client.aclose()
    await client.aclose()
    for again in (client.send_all(b"x"), client.receive_some(), client.send_eof()):
        with pytest.raises(trio.ClosedResourceError):
            await again
    with pytest.raises(trio.ClosedResourceError):
        await client.wait_send_all_might_not_block()

    async def talk() -> None:
        while True:
            await server.send_all(bytes(100_000))
            await trio.sleep(0.001)

    with trio.fail_after(60.0), pytest.raises(trio.BrokenResourceError):
        await talk()
    await server.aclose()


async def test_who_sends_without_a_pause_keeps_nobody_from_his_turn() -> None:
    client, server = await pair()
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    await client.send_all(bytes(50_000))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(others)
        await trio.sleep(0.05)
        before = turns
        for _ in range(100):
            await server.receive_some(100)
        assert turns - before >= 99
        nursery.cancel_scope.cancel()
    await client.aclose()
    await server.aclose()


async def test_a_wait_can_be_given_up_and_loses_no_byte() -> None:
    client, server = await pair()
    with trio.move_on_after(0.02) as gave_up:
        await server.receive_some()
    assert gave_up.cancelled_caught
    await client.send_all(b"late")
    with trio.CancelScope() as cancelled:
        cancelled.cancel()
        await server.receive_some()
    assert await server.receive_some() == b"late"
    await client.aclose()
    await server.aclose()
