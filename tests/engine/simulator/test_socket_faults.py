"""Faults over real sockets: ordinary clients see what they see of a failing exchange."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession
from pybit.exceptions import FailedRequestError, InvalidRequestError
from pybit.unified_trading import HTTP
from requests.exceptions import ConnectionError as BrokenConnectionError
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.engine.exchange.virtual_time import VirtualClock, run_virtual
from tests.support.memory_exchange import MemoryRest, memory_exchange
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.exchange import ExchangeError, PybitRest
from tradebot.engine.simulator import Simulator, SimulatorSettings, SimulatorThread
from tradebot.engine.simulator.faults import FaultPlan, FaultRule

from .conftest import NOW

pytestmark = pytest.mark.sockets
TIME = "/v5/market/time"


@asynccontextmanager
async def simulating(*rules: FaultRule) -> AsyncIterator[Simulator]:
    simulator = Simulator(SimulatorSettings(seed=7, symbols=5), ManualClock(NOW), plan=FaultPlan(rules))
    await simulator.start()
    try:
        yield simulator
    finally:
        await simulator.stop()


REST_FAULTS = [
    FaultRule("reset"),
    FaultRule("timeout", seconds=60),
    FaultRule("timeout", seconds=0.1),
    FaultRule("html", status=502),
    FaultRule("html", status=503),
    FaultRule("html", status=504),
    FaultRule("html", status=403),
    FaultRule("overload"),
    FaultRule("ban", seconds=0.1),
    FaultRule("truncated"),
    FaultRule("empty"),
]


@pytest.mark.parametrize("rule", REST_FAULTS, ids=lambda rule: f"{rule.kind} {rule.status} {rule.seconds}")
async def test_the_client_names_a_failure_the_same_over_sockets_and_in_memory(rule: FaultRule) -> None:
    async def in_memory(clock: VirtualClock) -> ExchangeError:
        exchange = memory_exchange(clock, plan=FaultPlan((rule,)))
        with pytest.raises(ExchangeError) as failed:
            await MemoryRest(exchange, 0.5).get(TIME, {})
        return failed.value

    expected = await asyncio.to_thread(run_virtual, in_memory)
    async with simulating(rule) as simulator:
        rest = PybitRest(simulator.url, timeout_s=0.5)
        with pytest.raises(ExchangeError) as failed:
            await rest.get(TIME, {})
        rest.close()
    assert (failed.value.kind, failed.value.code) == (expected.kind, expected.code)


async def test_the_unmodified_pybit_meets_them() -> None:
    rules = (
        FaultRule("ret_code", where=TIME, nth=1, code=10016),
        FaultRule("html", where=TIME, nth=2),
        FaultRule("reset", where=TIME, nth=3),
    )
    async with simulating(*rules) as simulator:

        def use() -> None:
            session = HTTP(testnet=False, max_retries=1, force_retry=False, timeout=3)
            session.endpoint = simulator.url
            with pytest.raises(InvalidRequestError, match="Internal System Error"):
                session.get_server_time()
            with pytest.raises(FailedRequestError):
                session.get_server_time()
            with pytest.raises(BrokenConnectionError):
                session.get_server_time()
            assert session.get_server_time()["retCode"] == 0

        await asyncio.to_thread(use)


async def test_too_many_visits_free_when_the_header_says() -> None:
    async with (
        simulating(FaultRule("ret_code", code=10006, seconds=2)) as simulator,
        ClientSession() as session,
        session.get(f"{simulator.url}{TIME}") as reply,
    ):
        assert (await reply.json())["retCode"] == 10006
        assert int(reply.headers["X-Bapi-Limit-Reset-Timestamp"]) == NOW + 2000


def stream_of(simulator: Simulator) -> str:
    return simulator.url.replace("http", "ws", 1) + "/v5/public/linear"


@pytest.mark.parametrize("code", [1000, 1001, 1006])
async def test_a_dropped_stream_ends_with_its_code(code: int) -> None:
    async with simulating(FaultRule("drop", where="tickers.*", nth=1, code=code)) as simulator:
        async with connect(stream_of(simulator)) as socket:
            await socket.send('{"op":"subscribe","args":["tickers.BTCUSDT"]}')
            await asyncio.wait_for(socket.recv(), 5)
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(socket.recv(), 5)
        assert (closed.value.rcvd.code if closed.value.rcvd else 1006) == code
        # It comes back at once.
        async with connect(stream_of(simulator)) as socket:
            await socket.send('{"op":"ping"}')
            assert "pong" in str(await asyncio.wait_for(socket.recv(), 5))


async def test_a_stream_may_be_refused_for_a_while() -> None:
    async with simulating(FaultRule("refuse", nth=1, seconds=0.3)) as simulator:
        for _ in range(2):
            with pytest.raises(InvalidStatus) as refused:
                await connect(stream_of(simulator))
            assert refused.value.response.status_code == 503
        await asyncio.sleep(0.3)
        await (await connect(stream_of(simulator))).close()


async def test_pings_of_both_kinds_may_stay_without_an_answer() -> None:
    async with (
        simulating(FaultRule("no_pong", count=2)) as simulator,
        connect(stream_of(simulator)) as socket,
    ):
        waiting = await socket.ping()
        await socket.send('{"op":"ping","req_id":"a"}')
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting), 0.2)
        await socket.send('{"op":"ping","req_id":"b"}')
        assert json.loads(await asyncio.wait_for(socket.recv(), 5))["req_id"] == "b"
        await asyncio.wait_for(await socket.ping(), 5)


async def test_a_stalled_socket_is_open_and_says_nothing() -> None:
    async with (
        simulating(FaultRule("stall", nth=1, seconds=60)) as simulator,
        connect(stream_of(simulator)) as socket,
    ):
        await socket.send('{"op":"subscribe","args":["tickers.BTCUSDT"]}')
        await asyncio.wait_for(socket.recv(), 5)
        await socket.send('{"op":"ping"}')
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 0.3)
        assert simulator.exchange.sessions[0].open


async def test_a_thread_may_be_used_where_a_loop_is_running() -> None:
    with SimulatorThread(SimulatorSettings(symbols=2)) as thread:
        async with ClientSession() as session, session.get(f"{thread.url}{TIME}") as reply:
            assert reply.status == 200


async def test_a_request_that_hangs_does_not_hold_up_the_end() -> None:
    async with simulating(FaultRule("timeout", seconds=3600)) as simulator, ClientSession() as session:
        hanging = asyncio.create_task(session.get(f"{simulator.url}{TIME}"))
        await asyncio.sleep(0.1)
        began = time.monotonic()
        await simulator.stop()
        assert time.monotonic() - began < 5
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)
