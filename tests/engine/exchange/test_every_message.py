"""Every recorded and documented message, whole or damaged, is understood or refused by name, never anything else."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.exchange.fake_bybit import linear_item
from tradebot.engine.exchange import ExchangeError, KlineUpdate, MalformedError, TickerUpdate, parsing
from tradebot.engine.exchange.answers import Answer
from tradebot.engine.exchange.bars import parse_klines
from tradebot.engine.exchange.fields import envelope_code, envelope_time
from tradebot.engine.exchange.messages import Ack, Pong, TradeUpdate, parse_message
from tradebot.engine.exchange.quotes import TickerBook
from tradebot.engine.exchange.risk_tiers import parse_risk_limits, tiers_by_symbol
from tradebot.engine.market import Category, Timeframe

URL, PATH = "https://api.bybit.com", "/v5/market/any"
Parser = Callable[[dict[str, Any]], Any]


def bars(envelope: dict[str, Any], mark: bool = False) -> None:
    """Read as the client reads them, and look at every number."""
    page = parse_klines(envelope, mark=mark).within(Timeframe.M1, 0, 10**15)
    for row in page:
        assert all(Decimal(text) > 0 and Decimal(text).is_finite() for text in row[1:5])
        assert all(text == "" if mark else Decimal(text) >= 0 for text in row[5:])


def tickers(envelope: dict[str, Any], category: Category = Category.LINEAR) -> None:
    for ticker in parsing.parse_tickers(envelope, category).items:
        assert ticker.last > 0
        assert all(
            price is None or price > 0 for price in (ticker.mark, ticker.index, ticker.bid, ticker.ask)
        )


def instruments(envelope: dict[str, Any], category: Category = Category.LINEAR) -> None:
    for item in parsing.parse_instruments(envelope, category).items:
        assert item.tick_size > 0
        assert item.lot_size > 0
        assert item.min_quantity >= 0
        assert item.launch_ms >= 0


def risk_limits(envelope: dict[str, Any]) -> None:
    for tiers in tiers_by_symbol(parse_risk_limits(envelope).items).values():
        assert [tier.limit for tier in tiers] == sorted({tier.limit for tier in tiers})
        assert all(0 < tier.maintenance_margin <= tier.initial_margin <= 1 for tier in tiers)


REST: dict[str, Parser] = {
    "kline": bars,
    "mark-kline": lambda envelope: bars(envelope, mark=True),
    "time": parsing.parse_time,
    "history-fund-rate": parsing.parse_funding,
    "instrument": instruments,
    "instrument of spot": lambda envelope: instruments(envelope, Category.SPOT),
    "tickers": tickers,
    "tickers of spot": lambda envelope: tickers(envelope, Category.SPOT),
    "risk-limit": risk_limits,
    "code": lambda envelope: envelope_code(envelope, "answer"),
    "clock": lambda envelope: envelope_time(envelope, "answer"),
}
TOPICS = ("kline.", "tickers.", "publicTrade.")
READ_WELL = {
    "market__kline__01": "kline",
    "market__mark-kline__01": "mark-kline",
    "market__time__01": "time",
    "market__history-fund-rate__01": "history-fund-rate",
}


def read_rest(body: bytes, parser: Parser) -> str:
    """How an answer ends: "understood", or the sentence that refuses it."""
    try:
        parser(Answer(200, body, {}).envelope(URL, PATH))
    except ExchangeError as error:
        assert error.sentence.startswith("The exchange")
        assert len(error.sentence) < 400
        return error.sentence
    return "understood"


def read_stream(text: str) -> str:
    """How a message ends: "understood", or the sentence that refuses it."""
    try:
        message = parse_message(text)
    except MalformedError as error:
        assert error.sentence.startswith("The exchange's ")
        return error.sentence
    book = TickerBook(Category.LINEAR)
    for update in message if isinstance(message, tuple) else ():
        if isinstance(update, KlineUpdate):
            assert all(Decimal(price) > 0 for price in update.row[1:5])
        elif isinstance(update, TradeUpdate):
            assert Decimal(update.price) > 0
            assert Decimal(update.quantity) > 0
        elif isinstance(update, TickerUpdate) and book.apply(
            update.symbol, update.time_ms, update.fields, True
        ):
            ticker = book.get(update.symbol)
            assert ticker is None or ticker.last > 0
    return "understood"


# ------------------------------------------------------------------------------------------------ what there is


def recorded(folder: Path) -> Iterator[tuple[str, str]]:
    """(name, text) of every recorded message."""
    for path in sorted((folder / "recorded").iterdir()):
        lines = path.read_text("utf-8").splitlines() if path.suffix == ".jsonl" else [path.read_text("utf-8")]
        for number, line in enumerate(lines):
            text = json.loads(line)["raw"] if path.name.startswith("rest_and_ws") else line
            yield f"{path.name}:{number + 1}", text


def test_every_recorded_message_is_understood_or_refused_by_name(shared_bybit: Path) -> None:
    understood = 0
    for name, text in recorded(shared_bybit):
        for parser in REST.values():
            read_rest(text.encode(), parser)
        ended = read_stream(text)
        topic = json.loads(text).get("topic", "") if text.startswith("{") else ""
        if topic.startswith(TOPICS):
            assert ended == "understood", name
            understood += 1
        elif topic:
            assert repr(topic) in ended, name
        elif ended != "understood":
            assert "stream message" in ended, name
    assert understood == 9


def test_every_example_of_the_documents_is_understood_or_refused_by_name(shared_bybit: Path) -> None:
    files = sorted((shared_bybit / "docs_examples").glob("*.json"))
    assert len(files) > 100
    for path in files:
        body = path.read_bytes()
        ends = {name: read_rest(body, parser) for name, parser in REST.items()}
        kind = next((kind for start, kind in READ_WELL.items() if path.name.startswith(start)), None)
        if kind is not None:
            assert ends[kind] == "understood", (path.name, ends[kind])
        ended = read_stream(body.decode("utf-8"))
        private = "__private__" in path.name or "__trade__guideline" in path.name
        if private and '"pong"' not in body.decode("utf-8"):
            assert ended != "understood", path.name
            named = re.search(r'"(?:topic|op)":\s*"([^"]+)"', body.decode("utf-8"))
            assert "is no JSON" in ended or named is None or named[1] in ended, (path.name, ended)


# ------------------------------------------------------------------------------------------------ damage

LIST = ["1670608800000", "17071", "17073", "17027", "17055.5", "268611", "15.74462667"]
TIER = {"symbol": "BTCUSDT", "riskLimitValue": "300000", "maintenanceMargin": "0.0033"} | {
    "initialMargin": "0.0066",
    "maxLeverage": "150.00",
    "mmDeduction": "",
}
QUOTE = {"symbol": "BTCUSDT", "lastPrice": "1.5", "bid1Price": "", "fundingRate": "-0.0001"} | {
    "nextFundingTime": "1760342400000",
    "price24hPcnt": "-0.1",
    "markPrice": "1.5",
}


def envelope(result: dict[str, Any]) -> dict[str, Any]:
    return {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": 1_672_324_988_882}


ANSWERS: dict[str, dict[str, Any]] = {
    "kline": envelope({"symbol": "BTCUSDT", "category": "linear", "list": [LIST, LIST]}),
    "mark-kline": envelope({"symbol": "BTCUSDT", "category": "linear", "list": [LIST[:5], LIST[:5]]}),
    "time": envelope({"timeSecond": "1688639403", "timeNano": "1688639403423213947"}),
    "history-fund-rate": envelope(
        {"list": [{"symbol": "B", "fundingRate": "-0.1", "fundingRateTimestamp": "1672041600000"}]}
    ),
    "instrument": envelope(
        {"list": [linear_item("BTCUSDT", 5), linear_item("ETHUSDT")], "nextPageCursor": ""}
    ),
    "tickers": envelope({"category": "linear", "list": [QUOTE]}),
    "risk-limit": envelope({"category": "linear", "list": [TIER], "nextPageCursor": "a%3Db"}),
}
STREAM: dict[str, dict[str, Any]] = {
    "kline": {
        "topic": "kline.1.BTCUSDT",
        "type": "snapshot",
        "ts": 1_672_324_988_882,
        "data": [
            {"start": 1672324800000, "end": 1672324859999, "interval": "1", "confirm": True}
            | {"open": "1", "high": "2", "low": "1", "close": "1.5", "volume": "0", "turnover": "0"}
        ],
    },
    "tickers": {"topic": "tickers.BTCUSDT", "type": "snapshot", "ts": 1_672_324_988_882, "data": QUOTE},
    "trade": {
        "topic": "publicTrade.BTCUSDT",
        "type": "snapshot",
        "ts": 1_672_324_988_882,
        "data": [{"T": 1672304486865, "s": "BTCUSDT", "S": "Buy", "v": "0.001", "p": "16578.50", "i": "2c"}],
    },
    "ack": {"success": True, "ret_msg": "subscribe", "conn_id": "1", "req_id": "2", "op": "subscribe"},
    "spot ack": {"success": True, "type": "COMMAND_RESP", "data": {"failTopics": [], "successTopics": ["a"]}},
    "pong": {"success": True, "ret_msg": "pong", "conn_id": "1", "op": "ping"},
}


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


ODD_VALUES = st.sampled_from(
    [
        None,
        "",
        " ",
        True,
        False,
        0,
        -1,
        1,
        1.5,
        1e300,
        10**25,
        -(10**25),
        "0",
        "0.0",
        "-0",
        "-1",
        "-5.5",
        "1e5",
        "1e999",
        "NaN",
        "nan",
        "Infinity",
        "-Infinity",
        "9" * 5000,
        "0." + "0" * 5000 + "1",
        "１２",
        "1,5",
        "1\n2",
        '1","2',
        [],
        {},
        [[]],
        ["1"],
        {"symbol": "X"},
        "\u0000",
        "\ud83d\ude00",
        "../../etc",
    ]
) | st.integers(100, 900).map(nested)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place inside of a message."""
    found = [path] if path else []
    if len(path) > 6:
        return found
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


@st.composite
def damaged(draw: st.DrawFn, message: dict[str, Any]) -> bytes:
    """A message with one to three fields removed, changed or added, perhaps cut off or with a wrong byte."""
    changed = copy.deepcopy(message)
    for _ in range(draw(st.integers(1, 3))):
        found = places(changed)
        if not found:
            break
        *parents, last = draw(st.sampled_from(found))
        inner = changed
        for key in parents:
            inner = inner[key]
        what = draw(st.sampled_from(["remove", "change", "change", "add"]))
        if what == "remove":
            del inner[last]
        elif what == "change":
            inner[last] = copy.deepcopy(draw(ODD_VALUES))
        elif isinstance(inner, dict):
            inner["unknown"] = copy.deepcopy(draw(ODD_VALUES))
        else:
            inner.append(copy.deepcopy(draw(ODD_VALUES)))
    separators = draw(st.sampled_from([(",", ":"), (", ", ": ")]))
    text = json.dumps(changed, separators=separators, ensure_ascii=draw(st.booleans()))
    body = text.encode("utf-8", "surrogatepass")
    at = draw(st.integers(0, len(body)))
    return draw(
        st.sampled_from(
            [
                body,
                body,
                body,
                body,
                body[:at],
                body[:at] + b"\xff" + body[at:],
                body[:at] + b"\n" + body[at:],
            ]
        )
    )


@pytest.mark.parametrize("name", ANSWERS)
def test_the_undamaged_answers_are_understood(name: str) -> None:
    assert read_rest(json.dumps(ANSWERS[name]).encode(), REST[name]) == "understood"


@pytest.mark.parametrize("name", STREAM)
def test_the_undamaged_messages_are_understood(name: str) -> None:
    assert read_stream(json.dumps(STREAM[name])) == "understood"


@pytest.mark.parametrize("name", ANSWERS)
def test_no_damage_to_an_answer_gets_past_the_door_or_crashes_it(name: str) -> None:
    @settings(max_examples=120, deadline=None)
    @given(damaged(ANSWERS[name]))
    def check(body: bytes) -> None:
        for parser in REST.values():
            read_rest(body, parser)

    check()


@pytest.mark.parametrize("name", STREAM)
def test_no_damage_to_a_message_gets_past_the_door_or_crashes_it(name: str) -> None:
    @settings(max_examples=120, deadline=None)
    @given(damaged(STREAM[name]))
    def check(body: bytes) -> None:
        read_stream(body.decode("utf-8", "replace"))

    check()


@given(
    st.lists(st.lists(st.text(st.sampled_from('0123456789.,"\\\n-eN'), max_size=6), max_size=8), max_size=4)
)
def test_rows_that_stay_text_and_rows_that_are_taken_apart_are_read_the_same(rows: list[list[str]]) -> None:
    """Bars are read from the text of an answer without taking it apart; JSON itself is the reference."""
    text = json.dumps(envelope({"symbol": "BTCUSDT", "list": rows}), separators=(",", ":"))

    def ended(parsed: dict[str, Any]) -> Any:
        try:
            return parse_klines(parsed).lines
        except MalformedError as error:
            return error.sentence

    assert ended(Answer(200, text.encode(), {}).envelope(URL, PATH)) == ended(json.loads(text))


def test_acknowledgements_and_pongs_are_told_apart() -> None:
    assert parse_message(json.dumps(STREAM["ack"])) == Ack("2", True, "subscribe")
    assert parse_message(json.dumps(STREAM["pong"])) == Pong("")
