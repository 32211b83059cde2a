"""Every recorded and documented message is understood or refused by its name; nothing crashes a parser."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.exchange.fake_bybit import linear_item
from tradebot.engine.exchange import KlineUpdate, MalformedError, TickerUpdate, TradeUpdate, parsing
from tradebot.engine.exchange.bars import parse_klines
from tradebot.engine.exchange.fields import envelope_code
from tradebot.engine.exchange.messages import Ack, Pong, parse_message
from tradebot.engine.exchange.quotes import Ticker, TickerBook, quote_fields
from tradebot.engine.market import BarRow, Category, Timeframe

LINEAR = Category.LINEAR


def recorded_lines(folder: Path) -> list[str]:
    streams = sorted((folder / "recorded").glob("*.jsonl"))
    return [
        line for path in streams if "rest" not in path.name for line in path.read_text("utf-8").splitlines()
    ]


def documented(folder: Path, pattern: str) -> list[dict[str, Any]]:
    """The JSON objects of documentation pages; some pages hold several with words in between."""
    found = []
    decoder = json.JSONDecoder()
    for path in sorted((folder / "docs_examples").glob(pattern)):
        text = re.sub(r"^\s*//.*$", "", path.read_text("utf-8"), flags=re.MULTILINE)
        at = text.find("{")
        while at >= 0:
            try:
                value, end = decoder.raw_decode(text, at)
            except ValueError:
                break
            found.append(value)
            at = text.find("{", end)
    assert found, pattern
    return found


# ------------------------------------------------------------------------------------------------ recorded


def test_recorded_stream_messages_are_understood_or_refused_by_name(shared_bybit: Path) -> None:
    understood = 0
    for line in recorded_lines(shared_bybit):
        topic = json.loads(line)["topic"]
        if topic.startswith(("kline.", "tickers.", "publicTrade.")):
            updates = parse_message(line)
            assert isinstance(updates, tuple)
            assert all(isinstance(update, TickerUpdate | TradeUpdate) for update in updates)
            assert {update.symbol for update in updates} == {topic.partition(".")[2]}
            understood += 1
        else:
            with pytest.raises(MalformedError, match=re.escape(topic)):
                parse_message(line)
    assert understood == 9


def test_recorded_answers_of_the_stream(shared_bybit: Path) -> None:
    folder = shared_bybit / "recorded"
    assert parse_message((folder / "pong.json").read_text("utf-8")) == Pong("p1")
    assert parse_message((folder / "subscribe_ok.json").read_text("utf-8")) == Ack("sub1", True, "subscribe")
    refusal = parse_message((folder / "subscribe_error.json").read_text("utf-8"))
    assert refusal == Ack("", False, "Invalid symbol :[orderbook.50.NOSUCHSYM]")
    assert parsing.parse_time(json.loads((folder / "server_time.json").read_text("utf-8"))) == 1789299611107


def test_recorded_rest_answers(shared_bybit: Path) -> None:
    lines = (shared_bybit / "recorded" / "rest_and_ws_responses.jsonl").read_text("utf-8").splitlines()
    answers = [json.loads(json.loads(line)["raw"]) for line in lines]
    assert parsing.parse_time(answers[0]) == 1696233582169
    for index in (1, 27):
        (instrument,) = parsing.parse_instruments(answers[index], LINEAR).items
        assert instrument.symbol == "BTCUSDT"
        assert instrument.tick_size == Decimal("0.10")
        assert instrument.lot_size == Decimal("0.001")
        assert instrument.max_leverage == 100
        assert instrument.funding_interval_minutes == 480
    rows = parse_klines(answers[2], "BTCUSDT").within(Timeframe.M1, 0, 10**14)[::-1]
    assert rows[0] == BarRow(
        1687589640000, "30709.9", "30710.4", "30709.9", "30710.3", "3.655", "112245.7381"
    )
    assert [row.time_ms for row in rows] == [1687589640000 - n * 60_000 for n in range(len(rows))]
    for answer in answers:
        for parse in (parse_klines, parsing.parse_funding, parsing.parse_time):
            try:
                parse(answer)
            except MalformedError as error:
                assert error.sentence.startswith("The exchange's ")
        try:
            parse_message(json.dumps(answer))
        except MalformedError as error:
            assert "unknown" in error.sentence


def test_documented_klines_funding_and_tickers(shared_bybit: Path) -> None:
    (klines,) = documented(shared_bybit, "market__kline__*")
    assert parse_klines(klines).lines[0].split(b",")[4] == b"17055.5"
    (funding,) = documented(shared_bybit, "market__history-fund-rate__*")
    assert parsing.parse_funding(funding) == [(1672041600000, "0.0001")]
    inverse, option, spot = documented(shared_bybit, "market__tickers__*")
    (ticker,) = parsing.parse_tickers(inverse, Category.INVERSE).items
    assert (ticker.last_price, ticker.funding_rate, ticker.change_24h) == ("120635.50", 0.0001, 0.142425)
    (ticker,) = parsing.parse_tickers(spot, Category.SPOT).items
    assert (ticker.last, ticker.bid, ticker.index, ticker.funding_rate) == (
        20533.13,
        20517.96,
        20784.12009279,
        None,
    )
    assert parsing.parse_tickers(option, Category.INVERSE).items[0].symbol == "BTC-30DEC22-18000-C"


def test_documented_instruments(shared_bybit: Path) -> None:
    found = []
    for answer in documented(shared_bybit, "market__instrument__*"):
        category = answer["result"]["category"]
        if category in ("linear", "spot"):
            page = parsing.parse_instruments(answer, Category(category))
            assert page.problems == ()
            found += page.items
    spot = next(item for item in found if item.category is Category.SPOT)
    assert spot.lot_size == Decimal("0.000001")
    assert spot.min_notional == 5
    assert spot.max_market_quantity == Decimal("41.5")
    assert spot.launch_ms == 0
    linear = next(item for item in found if item.symbol == "BTCUSDT" and item.category is LINEAR)
    assert linear.max_market_quantity == 500
    assert linear.launch_ms == 1585526400000


def test_documented_stream_messages(shared_bybit: Path) -> None:
    (kline,) = documented(shared_bybit, "websocket__public__kline__*")
    (update,) = parse_message(json.dumps(kline))
    row = BarRow(1672324800000, "16649.5", "16677", "16608", "16677", "2.081", "34666.4005")
    assert update == KlineUpdate("BTCUSDT", Timeframe.M5, row, False, 1672324988882)
    for message in documented(shared_bybit, "websocket__public__ticker__*"):
        (update,) = parse_message(json.dumps(message))
        assert isinstance(update, TickerUpdate)
        assert update.snapshot
    for message in documented(shared_bybit, "websocket__*__response-example.json"):
        topic = str(message.get("topic", ""))
        if topic and not topic.startswith(("kline.", "tickers.", "publicTrade.")):
            with pytest.raises(MalformedError, match=re.escape(topic)):
                parse_message(json.dumps(message))
        elif not topic:
            assert_understood_or_refused(json.dumps(message))


def assert_understood_or_refused(text: str) -> None:
    try:
        assert isinstance(parse_message(text), Ack | Pong)
    except MalformedError as error:
        assert "unknown" in error.sentence


def test_ticker_deltas_are_merged_into_their_snapshot(shared_bybit: Path) -> None:
    book = TickerBook(Category.INVERSE)
    merged: dict[str, str] = {}
    for line in recorded_lines(shared_bybit):
        message = json.loads(line)
        if message["topic"] != "tickers.BTCUSD":
            continue
        (update,) = parse_message(line)
        assert isinstance(update, TickerUpdate)
        assert book.apply(update.symbol, update.time_ms, update.fields, update.snapshot)
        merged.update(message["data"])
    ticker = book.get("BTCUSD")
    assert ticker is not None
    assert ticker.last_price == merged["lastPrice"] == "28560.00"
    assert ticker.open_interest == float(merged["openInterest"]) == 449736674
    assert ticker.next_funding_ms == 1680681600000


def test_a_delta_before_its_snapshot_is_passed_over() -> None:
    book = TickerBook(LINEAR)
    assert not book.apply("BTCUSDT", 1, {"last": "1"}, snapshot=False)
    assert book.get("BTCUSDT") is None


# ------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (["1670608800000", "1", "2", "1", "1", "3"], "6 fields instead of 7"),
        (["1670608800000", "1", "2", "1", "", "3", "4"], "`close`"),
        (["1670608800000", "1", "2", None, "1", "3", "4"], "`low` of a row is missing"),
        (["1670608800000", "1", "NaN", "1", "1", "3", "4"], "`high`"),
        (["1670608800000", "1", "2", "1", "1", "-3", "4"], "`volume`"),
        (["1670608800000", "1", "2", "1", "1", "3", 4], "`turnover`"),
        (["16706", "1", "2", "1", "1", "3", "4"], "`start`"),
        ("row", "instead of a list"),
        (["1670608800000", "1,2", "2", "1", "1", "3"], "6 fields"),
    ],
)
def test_a_bad_kline_row_is_refused_by_the_name_of_its_field(row: Any, field: str) -> None:
    good = ["1670605200000", "1", "2", "1", "1", "3", "4"]
    with pytest.raises(MalformedError) as caught:
        parse_klines({"result": {"list": [good, row]}})
    assert field in caught.value.sentence


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"priceFilter": {"tickSize": "0"}}, "tickSize"),
        ({"priceFilter": None}, "priceFilter"),
        ({"lotSizeFilter": {"qtyStep": "abc", "minOrderQty": "1"}}, "qtyStep"),
        ({"baseCoin": ""}, "baseCoin"),
        ({"launchTime": "soon"}, "launchTime"),
        ({"symbol": "../evil"}, "symbol"),
    ],
)
def test_an_instrument_that_does_not_fit_is_left_out_and_named(change: dict[str, Any], field: str) -> None:
    items = [{**linear_item("BTCUSDT"), **change}, linear_item("ETHUSDT")]
    page = parsing.parse_instruments({"result": {"list": items}}, LINEAR)
    assert [item.symbol for item in page.items] == ["ETHUSDT"]
    assert len(page.problems) == 1
    assert field in page.problems[0]


def test_funding_intervals_come_as_numbers_or_texts() -> None:
    items = [
        {**linear_item("BTCUSDT"), "fundingInterval": "240"},
        {**linear_item("ETHUSDT"), "fundingInterval": 60},
    ]
    page = parsing.parse_instruments({"result": {"list": items}}, LINEAR)
    assert [item.funding_interval_minutes for item in page.items] == [240, 60]


def test_a_ticker_without_a_last_price_is_refused() -> None:
    with pytest.raises(MalformedError, match="lastPrice"):
        Ticker.of(LINEAR, "BTCUSDT", 1, quote_fields({"bid1Price": "3"}, "ticker"))


# ------------------------------------------------------------------------------------------------ fuzzing

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=12,
)


@st.composite
def damaged(draw: st.DrawFn, original: str) -> str:
    """A sound message with one field anywhere replaced, removed or added."""
    message = json.loads(original)
    node = message
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = draw(st.sampled_from(keys))
        if isinstance(node[key], dict | list) and node[key] and draw(st.booleans()):
            node = node[key]
            continue
        action = draw(st.sampled_from(["replace", "remove", "add"]))
        if action == "replace":
            node[key] = draw(json_values)
        elif action == "remove":
            del node[key]
        elif isinstance(node, dict):
            node[draw(st.text(max_size=6))] = draw(json_values)
        else:
            node.append(draw(json_values))
        return json.dumps(message)


KLINE = json.dumps(
    {
        "topic": "kline.5.BTCUSDT",
        "data": [
            {
                "start": 1672324800000,
                "end": 1672325099999,
                "interval": "5",
                "open": "16649.5",
                "close": "16677",
                "high": "16677",
                "low": "16608",
                "volume": "2.081",
                "turnover": "34666.4005",
                "confirm": False,
                "timestamp": 1672324988882,
            }
        ],
        "ts": 1672324988882,
        "type": "snapshot",
    }
)
TICKER = json.dumps(
    {
        "topic": "tickers.BTCUSDT",
        "type": "delta",
        "data": {
            "symbol": "BTCUSDT",
            "lastPrice": "1.5",
            "fundingRate": "",
            "nextFundingTime": "1760342400000",
        },
        "cs": 1,
        "ts": 1672324988882,
    }
)
PAGE = json.dumps(
    {
        "retCode": 0,
        "retMsg": "OK",
        "time": 1672324988882,
        "result": {
            "symbol": "BTCUSDT",
            "list": [
                ["1670608800000", "1", "2", "1", "1", "3", "4"],
                linear_item("BTCUSDT"),
                {"symbol": "B"},
            ],
            "nextPageCursor": "x",
        },
    }
)


@given(damaged(KLINE) | damaged(TICKER) | json_values.map(json.dumps) | st.text(max_size=40))
def test_no_stream_message_crashes_the_parser(text: str) -> None:
    book = TickerBook(LINEAR)
    try:
        message = parse_message(text)
    except MalformedError as error:
        assert error.sentence.startswith("The exchange's ")
        return
    for update in message if isinstance(message, tuple) else ():
        if isinstance(update, TickerUpdate):
            book.apply(update.symbol, update.time_ms, update.fields, True)
            book.get(update.symbol)
        elif isinstance(update, TradeUpdate):
            assert float(update.price) >= 0
            assert float(update.quantity) >= 0
        else:
            assert all(float(value) >= 0 for value in update.row[1:])


@given(damaged(PAGE) | json_values.map(json.dumps))
def test_no_rest_answer_crashes_the_parsers(text: str) -> None:
    envelope = json.loads(text)
    if not isinstance(envelope, dict):
        return
    parsers = (
        parsing.parse_time,
        parse_klines,
        parsing.parse_funding,
        lambda got: parsing.parse_instruments(got, LINEAR),
        lambda got: parsing.parse_instruments(got, Category.SPOT),
        lambda got: parsing.parse_tickers(got, LINEAR),
        lambda got: envelope_code(got, "answer"),
    )
    for parse in parsers:
        try:
            parse(envelope)
        except MalformedError as error:
            assert error.sentence.startswith("The exchange's ")
