"""The public stream over a real socket: acknowledgements, errors, heart beats."""

from __future__ import annotations

import asyncio
import json
import queue
import time
from collections.abc import AsyncIterator
from typing import Any

import pybit.unified_trading
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tradebot.engine.control.clock import ManualClock
from tradebot.engine.simulator.listing import coins
from tradebot.engine.simulator.server import Simulator
from tradebot.engine.simulator.settings import SimulatorSettings

from .conftest import NOW

pytestmark = pytest.mark.sockets


def address(simulator: Simulator, category: str = "linear") -> str:
    return simulator.url.replace("http", "ws", 1) + f"/v5/public/{category}"


@pytest.fixture
async def socket(simulator: Simulator) -> AsyncIterator[ClientConnection]:
    async with connect(address(simulator)) as connection:
        yield connection


async def receive(socket: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), 5))
    return message


async def answer(socket: ClientConnection, **frame: object) -> dict[str, Any]:
    """Send a request and wait for its answer, past the messages of topics."""
    await socket.send(json.dumps(frame))
    while True:
        message = await receive(socket)
        if "topic" not in message:
            del message["conn_id"]
            return message


def refused(text: str, operation: object = "subscribe", request: object = "") -> dict[str, Any]:
    return {"success": False, "ret_msg": text, "req_id": request, "op": operation}


async def test_a_subscription_is_acknowledged_a_moment_later_and_then_begins(
    socket: ClientConnection,
) -> None:
    asked = time.monotonic()
    topics = ["tickers.BTCUSDT", "kline.5.BTCUSDT"]
    await socket.send(json.dumps({"op": "subscribe", "req_id": "mine", "args": topics}))
    first = await receive(socket)
    assert time.monotonic() - asked >= 0.015
    assert isinstance(first.pop("conn_id"), str)
    assert first == {"success": True, "ret_msg": "", "req_id": "mine", "op": "subscribe"}
    ticker, kline = await receive(socket), await receive(socket)
    assert (ticker["topic"], ticker["type"]) == ("tickers.BTCUSDT", "snapshot")
    assert (kline["topic"], kline["type"]) == ("kline.5.BTCUSDT", "snapshot")
    assert list(kline["data"][0]) == [
        "start", "end", "interval", "open", "close", "high", "low", "volume", "turnover", "confirm", "timestamp",
    ]  # fmt: skip
    assert kline["ts"] == NOW


@pytest.mark.parametrize("request_id", ["text", 17, ""])
async def test_the_request_id_comes_back_with_its_type(socket: ClientConnection, request_id: object) -> None:
    reply = await answer(socket, op="subscribe", req_id=request_id, args=["tickers.ETHUSDT"])
    assert reply == {"success": True, "ret_msg": "", "req_id": request_id, "op": "subscribe"}


async def test_without_a_request_id_the_answer_carries_an_empty_one(socket: ClientConnection) -> None:
    assert (await answer(socket, op="subscribe", args=["tickers.ETHUSDT"]))["req_id"] == ""


async def test_ping(socket: ClientConnection) -> None:
    reply = await answer(socket, op="ping", req_id="p1")
    assert reply == {"success": True, "ret_msg": "pong", "req_id": "p1", "op": "ping"}


async def test_pings_of_the_protocol_are_answered(socket: ClientConnection) -> None:
    assert await asyncio.wait_for(await socket.ping(), 5) >= 0


async def test_one_bad_topic_rejects_the_whole_request(socket: ClientConnection) -> None:
    reply = await answer(socket, op="subscribe", req_id="r", args=["tickers.BTCUSDT", "tickers.NOPEUSDT"])
    assert reply == refused("error:handler not found,topic:tickers.NOPEUSDT", request="r")
    # The good one was not taken either: it can be asked for now.
    assert (await answer(socket, op="subscribe", args=["tickers.BTCUSDT"]))["success"] is True


async def test_a_second_subscription_is_refused_and_the_first_goes_on(
    socket: ClientConnection, clock: ManualClock
) -> None:
    assert (await answer(socket, op="subscribe", args=["kline.1.BTCUSDT"]))["success"] is True
    reply = await answer(socket, op="subscribe", args=["tickers.BTCUSDT", "kline.1.BTCUSDT"])
    assert reply == refused("error:already subscribed,topic:kline.1.BTCUSDT")
    await clock.advance(60)
    confirmed = []
    while not confirmed:
        message = await receive(socket)
        assert message["topic"] == "kline.1.BTCUSDT"
        confirmed = [bar for bar in message["data"] if bar["confirm"]]


async def test_after_unsubscribing_nothing_comes_and_it_can_be_asked_for_again(
    socket: ClientConnection,
) -> None:
    await answer(socket, op="subscribe", args=["kline.1.BTCUSDT"])
    reply = await answer(socket, op="unsubscribe", req_id="u", args=["kline.1.BTCUSDT"])
    assert reply == {"success": True, "ret_msg": "", "req_id": "u", "op": "unsubscribe"}
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(socket.recv(), 1.2)
    assert (await answer(socket, op="subscribe", args=["kline.1.BTCUSDT"]))["success"] is True


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ({"op": "shout", "req_id": 3}, refused("error:invalid op", "shout", 3)),
        ({"op": "subscribe"}, refused("error:args must be a list of topics")),
        ({"op": "subscribe", "args": "tickers.BTCUSDT"}, refused("error:args must be a list of topics")),
        ({"op": "subscribe", "args": ["order"]}, refused("error:handler not found,topic:order")),
        (
            {"op": "subscribe", "args": ["kline.1.btcusdt"]},
            refused("error:handler not found,topic:kline.1.btcusdt"),
        ),
        (
            {"op": "unsubscribe", "args": ["kline.7.BTCUSDT"]},
            refused("error:handler not found,topic:kline.7.BTCUSDT", "unsubscribe"),
        ),
    ],
)
async def test_what_it_cannot_do_is_said(
    socket: ClientConnection, frame: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert await answer(socket, **frame) == expected


@pytest.mark.parametrize("text", ["hello", "[1, 2]", "{"])
async def test_garbage_is_answered_and_the_socket_stays_open(socket: ClientConnection, text: str) -> None:
    await socket.send(text)
    reply = await receive(socket)
    assert reply["success"] is False
    assert reply["ret_msg"].startswith("Failed to decode incoming data")
    assert (await answer(socket, op="ping"))["ret_msg"] == "pong"


async def test_a_connection_may_ask_for_21000_characters_of_topics(socket: ClientConnection) -> None:
    intervals = ["1", "3", "5", "15", "30", "60", "120", "240", "360", "720", "D", "W", "M"]
    listed = [coin.symbol for coin in coins(110) if coin.launch_ms < NOW]
    topics = [f"kline.{name}.{symbol}" for symbol in listed for name in intervals]
    assert sum(map(len, topics)) > 21_000
    assert (await answer(socket, op="subscribe", args=topics[:3]))["success"] is True
    assert await answer(socket, op="subscribe", args=topics[3:]) == refused("error:args length >21000")


async def test_the_unmodified_pybit_stream_client_hears_it(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pybit.unified_trading, "PUBLIC_WSS", address(simulator, "{CHANNEL_TYPE}"))
    heard: queue.Queue[dict[str, Any]] = queue.Queue()

    def listen() -> list[dict[str, Any]]:
        client = pybit.unified_trading.WebSocket(testnet=False, channel_type="linear")
        client.kline_stream(interval=5, symbol="BTCUSDT", callback=heard.put)
        client.ticker_stream(symbol="ETHUSDT", callback=heard.put)
        messages = [heard.get(timeout=5) for _ in range(3)]
        client.exit()
        return messages

    messages = await asyncio.to_thread(listen)
    assert {message["topic"] for message in messages} == {"kline.5.BTCUSDT", "tickers.ETHUSDT"}


async def test_each_category_has_its_own_stream_and_nothing_else_has_one(simulator: Simulator) -> None:
    for category in ("linear", "spot", "inverse", "option"):
        async with connect(address(simulator, category)) as connection:
            await connection.send('{"op":"ping","req_id":"p"}')
            assert '"pong"' in await asyncio.wait_for(connection.recv(), 5)
    for path in ("/v5/public/spread", "/v5/private"):
        with pytest.raises(InvalidStatus) as failed:
            async with connect(simulator.url.replace("http", "ws", 1) + path):
                pass
        assert failed.value.response.status_code == 404


async def test_spot_takes_ten_topics_a_request(simulator: Simulator) -> None:
    async with connect(address(simulator, "spot")) as spot:
        reply = await answer(spot, op="subscribe", args=[f"tickers.{n}" for n in range(11)])
        assert reply == refused("error:args size >10")


async def test_a_connection_where_nobody_speaks_for_ten_minutes_is_cut() -> None:
    real = ManualClock()
    server = Simulator(SimulatorSettings(symbols=3), ManualClock(NOW), real)
    await server.start()
    async with connect(address(server), ping_interval=None) as silent:
        await asyncio.sleep(0.05)
        await real.advance(570)
        await asyncio.sleep(0.05)
        await silent.send('{"op":"ping"}')
        await silent.recv()
        await real.advance(570)
        assert json.loads(await _ping(silent))["ret_msg"] == "pong"
        await real.advance(640)
        with pytest.raises(ConnectionClosed) as cut:
            await asyncio.wait_for(silent.recv(), 5)
        assert cut.value.rcvd is None
    await server.stop()


async def _ping(socket: ClientConnection) -> str:
    await socket.send('{"op":"ping"}')
    return str(await socket.recv())


async def test_the_end_of_the_exchange_closes_its_connections(clock: ManualClock) -> None:
    server = Simulator(SimulatorSettings(symbols=3), clock)
    await server.start()
    async with connect(address(server)) as connection:
        await answer(connection, op="subscribe", args=["tickers.BTCUSDT"])
        stopping = asyncio.create_task(server.stop())
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                await asyncio.wait_for(connection.recv(), 5)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
        await stopping


async def test_many_connections_hear_the_same(simulator: Simulator) -> None:
    connections = [await connect(address(simulator)) for _ in range(5)]
    for connection in connections:
        await answer(connection, op="subscribe", args=["tickers.BTCUSDT"])
    snapshots = [await receive(connection) for connection in connections]
    assert len({snapshot["data"]["lastPrice"] for snapshot in snapshots}) == 1
    for connection in connections:
        await connection.close()
