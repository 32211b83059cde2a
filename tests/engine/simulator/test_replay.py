"""Recorded files served as an exchange: the bars are the recorded ones, and nothing else happens."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import ClientSession
from hypothesis import given, settings
from hypothesis import strategies as st

from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe
from tradebot.engine.simulator.bars import Bars
from tradebot.engine.simulator.recording import to_units
from tradebot.engine.simulator.replay import Replay, read_replay
from tradebot.engine.simulator.server import Simulator
from tradebot.engine.simulator.settings import SimulatorSettings
from tradebot.engine.simulator.splitting import split

from .test_feed import Listener

START = 1_735_689_600_000  # 2025-01-01
FIVE = 5 * MINUTE_MS
HEADER = "timestamp,open,high,low,close,volume,turnover"
Row = tuple[int, str, str, str, str, str, str]


def bar(number: int) -> Row:
    """A five-minute bar that ends above its open, opening where the one before it closed."""
    low = Decimal("100.0") + number * Decimal("0.4")
    prices = [str(low + step) for step in (Decimal("0.5"), Decimal("1.4"), Decimal(0), Decimal("0.9"))]
    return (START + number * FIVE, *prices, f"{7 + number}.25", f"{700 + number}.125")


def write(path: Path, rows: list[tuple[Any, ...]], header: str = HEADER) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join([header, *(",".join(str(cell) for cell in row) for row in rows)]) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode("utf-8")))
    else:
        path.write_text(text, encoding="utf-8", newline="\n")


# Bars 40 to 59 were never recorded.
RECORDED = [bar(number) for number in range(100) if not 40 <= number < 60]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "linear" / "XYZUSDT_5m.csv", RECORDED)
    write(tmp_path / "linear" / "XYZUSDT_1h.csv.gz", [(START, "1", "2", "1", "2", "5", "7")])
    mark = [(START + n * HOUR_MS, "101.25", "103.5", "100.125", "102") for n in range(8)]
    write(tmp_path / "linear" / "XYZUSDT_1h_mark.csv", mark, "timestamp,open,high,low,close")
    rates = [(START + 4 * HOUR_MS, "0.0001"), (START + 8 * HOUR_MS, "8.925e-05")]
    write(tmp_path / "linear" / "XYZUSDT_funding.csv", rates, "timestamp,funding_rate")
    write(tmp_path / "spot" / "XYZUSDT_1m.csv.gz", [(START + n * MINUTE_MS, *bar(n)[1:]) for n in range(90)])
    (tmp_path / "linear" / "notes.txt").write_text("not a recording", encoding="utf-8")
    return tmp_path


class Exchange:
    """A replay on a clock moved by hand."""

    def __init__(self, folder: Path, now_ms: int) -> None:
        self.clock = ManualClock(now_ms)
        self.simulator = Simulator(SimulatorSettings(replay=str(folder)), self.clock)
        self.core = self.simulator.exchange

    async def result(self, path: str, **given: object) -> dict[str, Any]:
        query = {"category": "linear", "symbol": "XYZUSDT"} | {
            name: str(value) for name, value in given.items()
        }
        reply = json.loads((await self.core.answer("GET", f"/v5/market/{path}", query)).text)
        assert reply["retCode"] == 0, reply
        found: dict[str, Any] = reply["result"]
        return found

    async def rows(self, path: str = "kline", **given: object) -> list[list[str]]:
        """Rows, oldest first."""
        listed: list[list[str]] = (await self.result(path, **{"limit": 1000} | given))["list"]
        return listed[::-1]


def numbers(row: tuple[Any, ...] | list[str]) -> tuple[Decimal, ...]:
    return tuple(Decimal(str(cell)) for cell in row)


END = START + 100 * FIVE


async def test_recorded_bars_are_served_as_they_are_and_holes_are_holes(folder: Path) -> None:
    exchange = Exchange(folder, END + HOUR_MS)
    assert [numbers(row) for row in await exchange.rows(interval="5")] == [numbers(row) for row in RECORDED]
    inside = await exchange.rows(interval="5", start=START + 40 * FIVE, end=START + 59 * FIVE)
    assert inside == []


async def test_pages_walked_backwards_pass_over_a_hole(folder: Path) -> None:
    exchange = Exchange(folder, END)
    end, times = END, []
    while page := await exchange.rows(interval="5", end=end, limit=7):
        times = [int(row[0]) for row in page] + times
        end = times[0] - 1
    assert times == [row[0] for row in RECORDED]
    forward = await exchange.rows(interval="5", start=START + 39 * FIVE, limit=2)
    assert [int(row[0]) for row in forward] == [START + 39 * FIVE, START + 60 * FIVE]


@pytest.mark.parametrize(("interval", "minutes"), [("1", 1), ("3", 3), ("15", 15), ("60", 60), ("D", 1440)])
async def test_every_interval_adds_up_to_the_recorded_bars(folder: Path, interval: str, minutes: int) -> None:
    exchange = Exchange(folder, END)
    rows = [numbers(row) for row in await exchange.rows(interval=interval)]
    recorded = [numbers(row) for row in RECORDED]
    assert sum(row[5] for row in rows) == sum(row[5] for row in recorded)
    assert sum(row[6] for row in rows) == sum(row[6] for row in recorded)
    assert max(row[2] for row in rows) == max(row[2] for row in recorded)
    length = max(minutes, 15) * MINUTE_MS
    for begin in range(START, END, length):
        ours = [row for row in rows if begin <= row[0] < begin + length]
        theirs = [row for row in recorded if begin <= row[0] < begin + length]
        assert bool(ours) == bool(theirs)
        if ours:
            assert (ours[0][1], ours[-1][4]) == (theirs[0][1], theirs[-1][4])
            assert min(row[3] for row in ours) == min(row[3] for row in theirs)
            assert sum(row[5] for row in ours) == sum(row[5] for row in theirs)


async def test_a_day_passes_over_the_stream_as_it_was_recorded(folder: Path) -> None:
    exchange = Exchange(folder, START)
    feed, listener = exchange.core._feed, Listener()
    for topic in ("kline.5.XYZUSDT", "publicTrade.XYZUSDT", "tickers.XYZUSDT"):
        feed.join(topic, listener)
    while exchange.clock.now_ms() < END + HOUR_MS:
        await exchange.clock.advance(59)
        feed.beat()
    closed = [bar for bar in listener.bars("kline.5.XYZUSDT") if bar["confirm"]]
    told = [
        (one["start"], *(one[key] for key in ("open", "high", "low", "close", "volume", "turnover")))
        for one in closed
    ]
    assert [numbers(row) for row in told] == [numbers(row) for row in RECORDED]
    trades = [
        trade
        for message in listener.messages
        if message["topic"].startswith("publicTrade")
        for trade in message["data"]
    ]
    # The subscription began in the first second, whose trades it has missed.
    for time_ms, open_, high, low, close, volume, _ in RECORDED[1:]:
        inside = [trade for trade in trades if time_ms <= trade["T"] < time_ms + FIVE]
        prices = [Decimal(trade["p"]) for trade in inside]
        assert (prices[-1], max(prices), min(prices)) == (Decimal(close), Decimal(high), Decimal(low))
        assert sum(Decimal(trade["v"]) for trade in inside) == Decimal(volume)
        assert min(prices) <= Decimal(open_) <= max(prices)
    assert not [trade for trade in trades if START + 40 * FIVE <= trade["T"] < START + 60 * FIVE]


async def test_after_the_end_nothing_happens_and_it_is_said(folder: Path) -> None:
    exchange = Exchange(folder, END + 1)
    feed, listener = exchange.core._feed, Listener()
    for topic in ("kline.1.XYZUSDT", "publicTrade.XYZUSDT", "tickers.XYZUSDT", "orderbook.50.XYZUSDT"):
        feed.join(topic, listener)
    heard = [message["topic"] for message in listener.messages]
    assert sorted(heard) == ["orderbook.50.XYZUSDT", "tickers.XYZUSDT"]
    for _ in range(200):
        await exchange.clock.advance(1)
        feed.beat()
    assert len(listener.messages) == len(heard)
    (ticker,) = (await exchange.result("tickers"))["list"]
    assert Decimal(ticker["lastPrice"]) == Decimal(RECORDED[-1][4])
    replay = exchange.core.replay
    assert replay is not None
    assert replay.ended(END - 1) == ""
    assert "ended at 2025-01-01T08:20 UTC; nothing more happens" in replay.ended(END)


async def test_mark_prices_and_funding_are_the_recorded_ones(folder: Path) -> None:
    exchange = Exchange(folder, START + 9 * HOUR_MS)
    rows = await exchange.rows("mark-price-kline", interval="60")
    assert rows == [[str(START + n * HOUR_MS), "101.25", "103.5", "100.125", "102"] for n in range(8)]
    fine = await exchange.rows("mark-price-kline", interval="5")
    assert len(fine) == 96
    assert max(Decimal(row[2]) for row in fine) == Decimal("103.5")
    settled = (await exchange.result("funding/history"))["list"]
    assert [(row["fundingRateTimestamp"], row["fundingRate"]) for row in settled] == [
        (str(START + 8 * HOUR_MS), "0.00008925"),
        (str(START + 4 * HOUR_MS), "0.0001"),
    ]
    # Nothing is made up where nothing was recorded.
    (ticker,) = (await exchange.result("tickers"))["list"]
    assert ticker["fundingRate"] == ""


async def test_rules_follow_from_the_digits_and_categories_from_the_folders(folder: Path) -> None:
    exchange = Exchange(folder, END)
    (linear,) = (await exchange.result("instruments-info"))["list"]
    assert linear["priceFilter"]["tickSize"] == "0.1"
    assert linear["lotSizeFilter"]["qtyStep"] == "0.01"
    assert linear["fundingInterval"] == 240
    assert (linear["baseCoin"], linear["launchTime"]) == ("XYZ", str(START))
    (spot,) = (await exchange.result("instruments-info", category="spot"))["list"]
    assert spot["symbol"] == "XYZUSDT"
    assert len(await exchange.rows(category="spot", interval="1")) == 90
    assert (await exchange.result("instruments-info", category="inverse", symbol=""))["list"] == []


async def test_what_was_not_recorded_cannot_be_listed_but_what_was_can_end(folder: Path) -> None:
    exchange = Exchange(folder, START + HOUR_MS)
    with pytest.raises(InputError, match="ETHUSDT was not recorded"):
        exchange.core.list_symbol("ETHUSDT")
    exchange.core.delist_symbol("XYZUSDT", START + 2 * HOUR_MS)
    await exchange.clock.advance(3 * 3600)
    rows = await exchange.rows(interval="5")
    assert [int(row[0]) for row in rows] == [START + n * FIVE for n in range(24)]


def test_it_begins_in_the_last_quarter_unless_told_otherwise(folder: Path) -> None:
    replay = read_replay(folder)
    assert (replay.first_ms, replay.end_ms) == (START, END)
    assert replay.start_ms == START + 75 * FIVE
    started = Simulator(SimulatorSettings(replay=str(folder))).exchange.started_ms
    assert 0 <= started - replay.start_ms < MINUTE_MS
    begun = Simulator(SimulatorSettings(replay=str(folder), start_ms=START + HOUR_MS)).exchange.started_ms
    assert 0 <= begun - START - HOUR_MS < MINUTE_MS


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "with the columns timestamp,open,high,low,close"),
        ("timestamp,open\n1,2\n", "with the columns timestamp,open,high,low,close"),
        (f"{HEADER}\n", "has no rows"),
        (f"{HEADER}\n{START + 1},1,2,1,2,5,7\n", f"the time {START + 1} is no open time of a bar of 1m"),
        (f"{HEADER}\n{START},1,,1,2,5,7\n", "lacks a price"),
        (f"{HEADER}\nsoon,1,2,1,2,5,7\n", "a number in each"),
    ],
)
def test_a_file_that_cannot_be_replayed_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    write(tmp_path / "XYZUSDT_1m.csv", [], "")
    (tmp_path / "XYZUSDT_1m.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        read_replay(tmp_path)
    assert "XYZUSDT_1m.csv" in refused.value.sentence
    assert sentence in refused.value.sentence


def test_a_folder_without_recordings_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"nothing to replay in .*expected files like linear/BTCUSDT_1m\.csv"
    ):
        read_replay(tmp_path)
    with pytest.raises(InputError, match="nothing to replay"):
        read_replay(tmp_path / "nowhere")


def test_units_lose_nothing() -> None:
    values = np.array([42283.58, 0.1, 7.0])
    units, decimals = to_units(values)
    assert (units.tolist(), decimals) == ([4228358, 10, 700], 2)
    assert to_units(np.array([589242.0]))[1] == 0
    assert to_units(np.array([1519031.6945192]))[0].tolist() == [15190316945192]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(1, 10**6), min_size=4, max_size=4),
            st.integers(0, 10**12) | st.integers(0, 40),
            st.integers(0, 10**17),
        ),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from([3, 5, 60, 1440]),
    st.integers(0, 2**63),
)
def test_minutes_inside_a_bar_add_up_to_it(
    drawn: list[tuple[list[int], int, int]], parts: int, key: int
) -> None:
    rows = []
    for number, (prices, volume, turnover) in enumerate(drawn):
        low, open_, close, high = sorted(prices)
        rows.append((START + number * parts * MINUTE_MS, open_, high, low, close, volume, turnover))
    bars = Bars(*(np.array(column, dtype=np.int64) for column in zip(*rows, strict=True)))
    minutes = split(bars, parts, key)
    assert (np.diff(minutes.time) == MINUTE_MS).all()
    time, open_, high, low, close, volume, turnover = (c.reshape(len(bars), parts) for c in minutes.columns())
    assert (time[:, 0] == bars.time).all()
    assert (open_[:, 0] == bars.open).all()
    assert (close[:, -1] == bars.close).all()
    assert (open_[:, 1:] == close[:, :-1]).all()
    assert (high.max(axis=1) == bars.high).all()
    assert (low.min(axis=1) == bars.low).all()
    assert ((low <= open_) & (low <= close) & (high >= open_) & (high >= close)).all()
    assert (volume.sum(axis=1) == bars.volume).all()
    assert (turnover.sum(axis=1) == bars.turnover).all()
    assert (volume >= 0).all()
    assert (turnover >= 0).all()
    # A minute without trades keeps its price, unless the whole bar has moved without any.
    still = (volume == 0) & (bars.volume[:, None] > 0)
    assert (high[still] == low[still]).all()


# ---------------------------------------------------------------------------------------------- recorded markets


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


def recorded_table(path: Path, columns: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lines = file.read().splitlines()[1:]
    text = ",".join(line if columns == 7 else line.rpartition(",")[0] for line in lines)
    return np.fromstring(text, sep=",").reshape(-1, columns)


@pytest.mark.realdata
@pytest.mark.sockets
async def test_a_recorded_year_is_paged_to_the_last_digit(
    shared_market: Path, session: ClientSession
) -> None:
    replay = read_replay(shared_market / "binance_spot")
    simulator = Simulator(
        SimulatorSettings(replay=str(replay.folder), limit_enforced=False), ManualClock(replay.end_ms)
    )
    expected = recorded_table(shared_market / "binance_spot" / "BTCUSDT_1m.csv.gz", 7)
    assert len(expected) == 527_040
    coin = replay.market.model.coins["BTCUSDT"]
    bars = replay.market.model.candles("BTCUSDT", Timeframe.M1, replay.first_ms, replay.end_ms)
    places = (0, *[coin.tick_decimals] * 4, coin.lot_decimals, coin.turnover_decimals)
    for number, (column, decimals) in enumerate(zip(bars.columns(), places, strict=True)):
        # A turnover has more digits than a float: the division may be off by the last bit.
        assert np.allclose(column / 10.0**decimals, expected[:, number], rtol=3e-16, atol=0)

    # The last quarter also page by page, as a client does.
    url = await simulator.start()
    pages: list[np.ndarray[Any, np.dtype[np.float64]]] = []
    end = replay.end_ms
    while end > replay.start_ms:
        asked = {"category": "linear", "symbol": "BTCUSDT", "interval": "1", "limit": "1000", "end": str(end)}
        async with session.get(f"{url}/v5/market/kline", params=asked) as reply:
            text = (await reply.text()).partition('"list":')[2].partition("}")[0]
        cells = text.translate(str.maketrans("", "", '[]"'))
        pages.append(np.fromstring(cells, sep=",").reshape(-1, 7))
        end = int(pages[-1][-1, 0]) - 1
    await simulator.stop()
    served = np.concatenate(pages)[::-1]
    assert len(served) > 130_000
    assert np.array_equal(served, expected[-len(served) :])


@pytest.mark.realdata
async def test_five_minute_recordings_keep_every_bar_and_its_minutes_add_up(shared_market: Path) -> None:
    replay: Replay = read_replay(shared_market / "bybit_linear")
    model = replay.market.model
    assert sorted(model.coins) == [
        f"{c}USDT" for c in ("AAVE", "ADA", "APE", "AVAX", "BNB", "BTC", "ETH", "SOL")
    ]
    begin, end = replay.start_ms // DAY_MS * DAY_MS, replay.start_ms // DAY_MS * DAY_MS + 30 * DAY_MS
    for symbol in ("BTCUSDT", "ADAUSDT"):
        coin = model.coins[symbol]
        table = recorded_table(shared_market / "bybit_linear" / f"{symbol}_5m.csv.gz", 6)
        table = table[(table[:, 0] >= begin) & (table[:, 0] < end)]
        bars = model.candles(symbol, Timeframe.M5, begin, end)
        for column, values in zip((1, 2, 3, 4), (bars.open, bars.high, bars.low, bars.close), strict=True):
            assert np.array_equal(values / 10.0**coin.tick_decimals, table[:, column])
        assert np.array_equal(bars.volume / 10.0**coin.lot_decimals, table[:, 5])
        minutes = model.candles(symbol, Timeframe.M1, begin, end)
        assert len(minutes) == 5 * len(bars)
        assert (minutes.volume.reshape(-1, 5).sum(axis=1) == bars.volume).all()
        assert (minutes.high.reshape(-1, 5).max(axis=1) == bars.high).all()
