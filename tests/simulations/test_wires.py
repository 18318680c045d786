"""Simulated TCP: in order, later where something is lost, silent where power is gone, refused and reset as in life."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from random import Random

import httpcore
import httpx
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from accredit.simulations.http.virtual_sockets import RESEND_MS, End, VirtualWires
from accredit.simulations.virtual.physics.network import LinkSettings, Network, split
from accredit.simulations.virtual.physics.timeline import Trace

HERE, THERE = "here.example", "there.example"
STILL = LinkSettings(median=50.0, spread=0.0, jitter=0.0)


@asynccontextmanager
async def wired(settings: LinkSettings = STILL) -> AsyncIterator[VirtualWires]:
    """Two hosts; at the end everything under way is dropped."""
    async with trio.open_nursery() as nursery:
        links = Network(Random(1), 1, settings)
        yield VirtualWires(nursery, links, Trace(), lambda: round(trio.current_time() * 1_000))
        nursery.cancel_scope.cancel()


async def echo(end: End) -> None:
    """Says back what it hears, until the other side ends."""
    with suppress(trio.BrokenResourceError):
        while data := await end.receive_some():
            await end.send_all(data)
        await end.aclose()


async def once(end: End) -> None:
    """Answers one request of HTTP, and closes."""
    await end.receive_some()
    await end.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
    await end.aclose()


async def mute(end: End) -> None:
    """Takes everything and says nothing."""
    with suppress(trio.BrokenResourceError):
        while await end.receive_some():
            pass


async def test_a_connection_and_what_is_said_on_it_take_a_round_trip_each(autojump_clock: MockClock) -> None:  # noqa: ARG001
    async with wired() as wires:
        wires.listen(THERE, wires.nursery, echo)
        began = trio.current_time()
        end = await wires.connect(HERE, THERE)
        assert trio.current_time() - began == pytest.approx(0.1)
        await end.send_all(b"hello")
        assert await end.receive_some() == b"hello"
        assert trio.current_time() - began == pytest.approx(0.2)
        await end.send_eof()
        assert await end.receive_some() == b""


async def test_pieces_arrive_in_order_whatever_overtakes_or_gets_lost(autojump_clock: MockClock) -> None:  # noqa: ARG001
    async with wired(LinkSettings(median=50.0, spread=0.0, jitter=1.0, loss=0.3)) as wires:
        wires.listen(THERE, wires.nursery, echo)
        end = await wires.connect(HERE, THERE)
        for number in range(50):
            await end.send_all(bytes([number]))
        heard = b""
        while len(heard) < 50:
            heard += await end.receive_some()
        assert heard == bytes(range(50))


async def test_what_is_lost_comes_after_the_time_it_takes_to_send_it_again(autojump_clock: MockClock) -> None:  # noqa: ARG001
    async with wired() as wires:
        wires.listen(THERE, wires.nursery, echo)
        end = await wires.connect(HERE, THERE)
        wires.links.cuts["all"] = split([HERE], [THERE])
        began = trio.current_time()
        await end.send_all(b"late")
        await trio.sleep(0.05)
        wires.links.cuts.clear()
        assert await end.receive_some() == b"late"
        assert trio.current_time() - began == pytest.approx(RESEND_MS / 1_000 + 0.1)


async def test_a_host_that_does_not_listen_refuses_and_a_cut_one_is_silent(
    autojump_clock: MockClock,  # noqa: ARG001
) -> None:
    async with wired() as wires, httpx.AsyncClient(transport=wires.transport(HERE), timeout=3.0) as client:
        with pytest.raises(httpx.ConnectError, match="refuses"):
            await client.get(f"http://{THERE}/")
        wires.listen(THERE, wires.nursery, once)
        assert (await client.get(f"http://{THERE}/")).text == "hi"
        wires.links.cuts["all"] = split([HERE], [THERE])
        began = trio.current_time()
        with pytest.raises(httpx.ConnectTimeout):
            await client.get(f"http://{THERE}/")
        assert trio.current_time() - began == pytest.approx(3.0)


async def test_a_killed_host_resets_and_one_without_power_lets_others_hang(
    autojump_clock: MockClock,  # noqa: ARG001
) -> None:
    async with wired() as wires:
        for is_told, error in ((True, httpx.ReadError), (False, httpx.ReadTimeout)):
            wires.listen(THERE, wires.nursery, mute)
            async with httpx.AsyncClient(transport=wires.transport(HERE), timeout=3.0) as client:
                began = trio.current_time()
                wires.nursery.start_soon(take_down_later, wires, is_told)
                with pytest.raises(error):
                    await client.get(f"http://{THERE}/")
                assert trio.current_time() - began == pytest.approx(1.05 if is_told else 3.1)


async def take_down_later(wires: VirtualWires, is_told: bool) -> None:
    await trio.sleep(1)
    wires.take_down(THERE, is_told=is_told)


async def test_a_host_that_is_up_again_knows_no_connection_from_before(autojump_clock: MockClock) -> None:  # noqa: ARG001
    async with wired() as wires:
        wires.listen(THERE, wires.nursery, echo)
        end = await wires.connect(HERE, THERE)
        wires.take_down(THERE, is_told=False)
        await end.send_all(b"nobody hears this")
        await trio.sleep(1)
        assert not end.is_readable
        wires.listen(THERE, wires.nursery, echo)
        await end.send_all(b"is anybody there?")
        with pytest.raises(trio.BrokenResourceError):
            await end.receive_some()
        with pytest.raises(trio.BrokenResourceError):
            await end.send_all(b"so it is")


async def test_a_closed_end_is_closed_for_whoever_waits_on_it(autojump_clock: MockClock) -> None:  # noqa: ARG001
    async with wired() as wires:
        wires.listen(THERE, wires.nursery, mute)
        end = await wires.connect(HERE, THERE)
        async with trio.open_nursery() as nursery:

            async def read() -> None:
                with pytest.raises(trio.ClosedResourceError):
                    await end.receive_some()

            nursery.start_soon(read)
            await wait_all_tasks_blocked()
            await end.aclose()
        with pytest.raises(trio.ClosedResourceError):
            await end.send_all(b"x")
        with pytest.raises(trio.ClosedResourceError):
            await end.wait_send_all_might_not_block()


async def test_a_stalled_server_meets_the_pool_of_its_client(autojump_clock: MockClock) -> None:  # noqa: ARG001
    """Two connections a client, as a node has to each peer: a third request waits, and gives up."""
    async with wired() as wires:
        wires.listen(THERE, wires.nursery, mute)
        timeout = httpx.Timeout(30.0, pool=2.0)
        client = httpx.AsyncClient(transport=wires.transport(HERE), timeout=timeout)

        async def stall() -> None:
            with pytest.raises(httpx.ReadTimeout):
                await client.get(f"http://{THERE}/")

        async with client, trio.open_nursery() as nursery:
            nursery.start_soon(stall)
            nursery.start_soon(stall)
            await trio.sleep(1)
            with pytest.raises(httpx.PoolTimeout):
                await client.get(f"http://{THERE}/")


async def test_a_write_to_a_reset_connection_is_httpcores_error(autojump_clock: MockClock) -> None:  # noqa: ARG001
    async with wired() as wires:
        wires.listen(THERE, wires.nursery, mute)
        backend = wires.transport(HERE)._pool._network_backend
        line = await backend.connect_tcp(THERE, 80)
        wires.take_down(THERE, is_told=True)
        await trio.sleep(1)
        assert line.get_extra_info("is_readable")
        with pytest.raises(httpcore.WriteError):
            await line.write(b"x")
