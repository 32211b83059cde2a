"""The control address and the audit: faults at run time, and what really happened."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.engine.exchange.virtual_time import VirtualClock, run_virtual
from tests.support.memory_exchange import MemoryStream, memory_exchange, running
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import MINUTE_MS, Timeframe
from tradebot.engine.simulator import Simulator, SimulatorSettings
from tradebot.engine.simulator.core import SimulatedExchange
from tradebot.engine.simulator.faults import FaultPlan, FaultRule

START = 1_793_000_010_000
MINUTE = START // MINUTE_MS * MINUTE_MS
TIME = "/v5/market/time"


class Control:
    """The control address of an exchange whose time stands still."""

    def __init__(self, exchange: SimulatedExchange) -> None:
        self.exchange = exchange

    async def ask(self, method: str, name: str, body: str = "", **query: object) -> dict[str, Any]:
        given = {key: str(value) for key, value in query.items()}
        reply = await self.exchange.answer(method, f"/sim/{name}", given, "127.0.0.1", body)
        document: dict[str, Any] = json.loads(reply.text)
        assert reply.status == (400 if "error" in document else 200)
        return document

    async def status(self) -> int:
        return (await self.exchange.answer("GET", TIME, {})).status


@pytest.fixture
async def control() -> AsyncIterator[Control]:
    clock = ManualClock(START)
    async with running(memory_exchange(clock)) as exchange:
        yield Control(exchange)


async def test_faults_are_switched_on_and_off_while_it_runs(control: Control) -> None:
    body = json.dumps(
        {"fault": [{"kind": "html", "where": TIME, "status": 503}, {"kind": "reset", "where": "/none"}]}
    )
    assert await control.ask("POST", "faults", body) == {"numbers": [1, 2]}
    assert await control.status() == 503
    listed = (await control.ask("GET", "faults"))["fault"]
    assert [(rule["number"], rule["calls"], rule["strikes"]) for rule in listed] == [(1, 1, 1), (2, 0, 0)]
    assert await control.ask("DELETE", "faults/1") == {"removed": 1}
    assert await control.status() == 200
    assert await control.ask("DELETE", "faults") == {"removed": 1}
    assert (await control.ask("GET", "faults"))["fault"] == []
    toml = '[[fault]]\nkind = "overload"\nfrom = "+0s"\ncount = 1'
    assert await control.ask("POST", "faults", toml) == {"numbers": [3]}
    assert [await control.status(), await control.status()] == [429, 200]


@pytest.mark.parametrize(
    ("method", "name", "body", "sentence"),
    [
        ("POST", "faults", '{"fault": [{"kind": "rest"}]}', 'request, fault 1: there is no kind "rest". Did you mean'),
        ("POST", "faults", "{", "request: this is neither JSON nor TOML; mend it."),
        ("POST", "faults", "", 'request: the list "fault" is empty; give at least one rule.'),
        ("POST", "faults", "[1]", "request: expected an object."),
        ("DELETE", "faults/9", "", "There is no rule 9 that can be switched off"),
        ("GET", "fault", "", 'There is no GET /sim/fault; there are clock, delist, drop, events, faults'),
        ("PUT", "faults", "", "There is no PUT /sim/faults"),
        ("GET", "truth", "", "request: expected symbol, interval (such as 1 or 60), start and end (UTC ms)."),
        ("POST", "list", '{"symbol": 3}', 'request: expected {"symbol": "BTCUSDT"}'),
        ("POST", "list", '{"symbol": "BTCUSDT"}', "BTCUSDT is listed already."),
        ("POST", "delist", '{"symbol": "BTCUSDT", "from": "soon"}', 'request, key "from": it must be a UTC date'),
        ("POST", "delist", '{"symbol": "BTCUSDT", "category": "option"}', "BTCUSDT is not listed in option."),
        ("POST", "clock", '{"skew_seconds": "much"}', "request: skew_seconds must be a number of seconds"),
        ("POST", "drop", '{"code": 1002}', "request: code must be 1000, 1001 or 1006."),
    ],
)  # fmt: skip
async def test_what_cannot_be_done_is_said(
    control: Control, method: str, name: str, body: str, sentence: str
) -> None:
    assert sentence in (await control.ask(method, name, body))["error"]


async def test_a_plan_that_the_exchange_cannot_carry_out_switches_nothing_on(control: Control) -> None:
    body = '{"fault": [{"kind": "empty"}, {"kind": "delist", "symbol": "BTCUSD", "from": "+1m"}]}'
    refused = await control.ask("POST", "faults", body)
    assert refused["error"] == 'request, fault 2: BTCUSD is not listed in linear. Did you mean "BTCUSDT"?'
    assert (await control.ask("GET", "faults"))["fault"] == []
    assert await control.status() == 200


async def test_only_this_machine_may_steer_it(control: Control) -> None:
    for address in ("10.0.0.7", "2001:db8::1", ""):
        reply = await control.exchange.answer("GET", "/sim/state", {}, address)
        assert reply.status == 403
    assert (await control.exchange.answer("GET", "/sim/state", {}, "::1")).status == 200


async def test_streams_listings_and_clock_are_steered(control: Control) -> None:
    stream = MemoryStream(control.exchange, "/v5/public/linear")
    state = await control.ask("GET", "state")
    assert (state["streams"], state["seed"], state["time_ms"], state["skew_ms"]) == (1, 1, START, 0)
    assert await control.ask("POST", "drop", '{"code": 1001}') == {"dropped": 1}
    assert not stream._session.open
    assert (await control.ask("POST", "clock", '{"skew_seconds": 1.5}'))["skew_ms"] == 1500
    assert (await control.ask("POST", "clock", '{"skew_seconds": 1}'))["skew_ms"] == 2500
    assert (await control.ask("GET", "state"))["time_ms"] == START + 2500
    listed = await control.ask("POST", "list", '{"symbol": "XRPUSDT"}')
    assert listed == {"from": MINUTE + MINUTE_MS}
    delisted = await control.ask("POST", "delist", '{"symbol": "BTCUSDT", "from": "+5m"}')
    assert delisted == {"from": MINUTE + 6 * MINUTE_MS}
    events = (await control.ask("GET", "events"))["list"]
    assert [event["event"] for event in events] == ["start", "stream open", "skew", "skew", "list", "delist"]
    only = (await control.ask("GET", "events", event="list"))["list"]
    assert [event["symbol"] for event in only] == ["XRPUSDT"]


async def test_the_truth_is_what_clients_could_have_read(control: Control) -> None:
    span = {"start": MINUTE - 10 * MINUTE_MS, "end": MINUTE + MINUTE_MS}
    for category in ("linear", "spot", "inverse"):
        symbol = "BTCUSD" if category == "inverse" else "BTCUSDT"
        query = {"category": category, "symbol": symbol, "interval": "1"}
        truth = (await control.ask("GET", "truth", **query, **span))["list"]
        reply = await control.exchange.answer("GET", "/v5/market/kline", {**query, "limit": "11"})
        rows = json.loads(reply.text)["result"]["list"]
        assert truth == rows[:0:-1], "the running bar is no truth yet"
    unknown = await control.ask("GET", "truth", symbol="NOPE", interval="1", **span)
    assert unknown["error"] == 'request: "NOPE" is not listed in linear.'


@pytest.mark.sockets
async def test_the_control_address_over_a_socket() -> None:
    simulator = Simulator(SimulatorSettings(symbols=2), ManualClock(START))
    url = await simulator.start()
    async with ClientSession() as session:
        async with session.post(
            f"{url}/sim/faults", data='{"fault": [{"kind": "empty", "where": "/v5/*"}]}'
        ) as reply:
            assert (reply.status, await reply.json()) == (200, {"numbers": [1]})
        async with session.get(url + TIME) as reply:
            assert (reply.status, await reply.text()) == (200, "")
        async with session.delete(f"{url}/sim/faults/1") as reply:
            assert await reply.json() == {"removed": 1}
        async with session.get(url + TIME) as reply:
            assert (await reply.json())["retCode"] == 0
        async with session.post(f"{url}/sim/faults", data='{"fault": [{}]}') as reply:
            assert reply.status == 400
            assert 'the key "kind" is missing' in (await reply.json())["error"]
    await simulator.stop()


def test_the_audit_file_holds_every_bar_that_closed_and_every_fault(tmp_path: Path) -> None:
    file = tmp_path / "truth.jsonl"
    hole = MINUTE + 3 * MINUTE_MS

    async def main(clock: VirtualClock) -> list[dict[str, Any]]:
        plan = FaultPlan(
            (
                FaultRule("hole", symbol="BTCUSDT", interval="1", from_ms=hole, until_ms=hole + MINUTE_MS),
                FaultRule("drop", where="kline.*", nth=40, code=1001),
            )
        )
        async with running(memory_exchange(clock, plan=plan, truth=str(file))) as exchange:
            stream = MemoryStream(exchange, "/v5/public/linear")
            await stream.send(
                '{"op":"subscribe","args":["kline.1.BTCUSDT","kline.5.BTCUSDT","tickers.ETHUSDT"]}'
            )
            # The connection is dropped on the way; what was listened to once is written down to the end.
            await clock.sleep(900)
            truth = exchange.truth
        rows = truth.candles("linear", "BTCUSDT", Timeframe.M1, MINUTE, clock.now_ms())
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        bars = [line for line in lines if line["event"] == "bar" and line["interval"] == "1"]
        assert [bar["row"] for bar in bars] == [list(map(str, row)) for row in rows]
        assert len(bars) == 14
        assert len([line for line in lines if line["event"] == "bar" and line["interval"] == "5"]) == 3
        return lines

    lines = run_virtual(main, START)
    assert [line["event"] for line in lines[:4]] == ["start", "rule", "rule", "stream open"]
    assert [line["kind"] for line in lines if line["event"] == "fault"] == ["drop"]
    assert all(isinstance(line["time_ms"], int) for line in lines)


def test_an_audit_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written; name a file in a folder of yours"):
        SimulatedExchange(SimulatorSettings(symbols=1, truth=str(tmp_path)))
