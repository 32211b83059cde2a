"""Bars, indicators and trades of the fake engine's charts, from a number alone: the same for any window."""

from __future__ import annotations

import math
from dataclasses import replace

from tests.support.fake_results import NOW_MS, PRICES
from tradebot.engine import messages as m
from tradebot.engine.control.errors import InputError
from tradebot.engine.market.timeframe import Timeframe

DAY = 86_400_000
FIRST_MS = (NOW_MS - 700 * DAY) // DAY * DAY
HOLE = (NOW_MS - 2 * DAY) // DAY * DAY
INDICATORS = (
    m.ChartIndicator(
        "ema", "Exponential moving average", "Recent bars weigh more.", "ema 20", "price", "on price"
    ),
    m.ChartIndicator("bbands", "Bollinger bands", "Mean and deviations.", "bbands 20 2", "price", "on price"),
    m.ChartIndicator("rsi", "Relative strength index", "Gains against losses.", "rsi 14", "below", "below"),
)


def answer(command: m.ChartCommand, datasets: tuple[m.DatasetView, ...], now_ms: int) -> object:
    """The reply to a command about charts."""
    if isinstance(command, m.GetChartIndicators):
        return INDICATORS
    if not any(each.symbol == command.symbol and each.rows for each in datasets):
        raise InputError(
            f"There is no dataset linear/{command.symbol}_{command.timeframe}; collect fetches it."
        )
    frame = Timeframe(command.timeframe)
    unit = frame.ms * command.group
    last = frame.floor(now_ms) - frame.ms
    start = frame.floor(last) - unit * (command.candles - 1) if command.start_ms is None else command.start_ms
    start = (start - frame.grid_offset_ms) // unit * unit + frame.grid_offset_ms
    bars = [_bar(command.symbol, start + n * unit, unit, last) for n in range(command.candles)]
    columns = [tuple(None if bar is None else bar[n] for bar in bars) for n in range(5)]
    view = m.ChartView(
        command.generation, "done", command.symbol, command.category, command.timeframe, command.group, start, unit,
        *columns, decimals=PRICES[command.symbol][1], first_ms=FIRST_MS, last_ms=last,
        source=f"{command.symbol}_1m.csv", took_ms=3.0,
    )  # fmt: skip
    lines: list[m.ChartLine] = []
    problems: list[str] = []
    for text in command.indicators:
        if text.startswith("emma"):
            problems.append(f'There is no indicator "emma" (in "{text}"). Did you mean "ema"?')
        else:
            lines += _lines(text, columns[3])
    if command.strategy:
        lines += _lines("ema 21", columns[3], f"{command.strategy}: fast")
    return replace(
        view,
        lines=tuple(lines),
        problems=tuple(problems),
        signals=_signals(start, unit, command.candles, last) if command.strategy else (),
        trades=_trades(command.symbol) if command.result_id else (),
        trade_count=40 if command.result_id else 0,
    )


def _price(symbol: str, time_ms: int) -> float:
    price, decimals = PRICES[symbol]
    hours = time_ms / 3_600_000
    wave = 0.02 * math.sin(hours / 37) + 0.008 * math.sin(hours / 5) + 0.004 * math.sin(hours * 1.7)
    return round(price * (1 + wave), decimals)


def _bar(symbol: str, time_ms: int, unit: int, last: int) -> tuple[float, ...] | None:
    if time_ms + unit <= FIRST_MS or time_ms > last or HOLE <= time_ms < HOLE + 4 * 3_600_000:
        return None
    open_, close = _price(symbol, time_ms), _price(symbol, min(time_ms + unit, last + unit))
    decimals = PRICES[symbol][1]
    reach = PRICES[symbol][0] * 0.0012 * (1 + (time_ms // unit) % 3)
    return (
        open_,
        round(max(open_, close) + reach, decimals),
        round(min(open_, close) - reach, decimals),
        close,
        40.0 + (time_ms // unit) % 17,
    )


def _lines(text: str, close: tuple[float | None, ...], source: str = "") -> list[m.ChartLine]:
    name, _, rest = text.partition(" ")
    source = source or text
    if name == "rsi":
        values = tuple(None if each is None else 50 + 20 * math.sin(n / 9) for n, each in enumerate(close))
        return [m.ChartLine(source, f"RSI {rest}".strip(), f"RSI {rest}".strip(), values)]
    label = f"{name.upper()} {rest}".strip()
    if name == "bbands":
        return [
            m.ChartLine(
                source,
                f"{label} {output}",
                "price",
                tuple(None if each is None else each * by for each in close),
            )
            for output, by in (("upper", 1.004), ("middle", 1.0), ("lower", 0.996))
        ]
    return [
        m.ChartLine(source, label, "price", tuple(None if each is None else each * 1.002 for each in close))
    ]


def _signals(start: int, unit: int, candles: int, last: int) -> tuple[m.ChartSignal, ...]:
    kinds = ("long", "exit long", "short", "exit short")
    step = 6 * 3_600_000
    first = -(-start // step) * step
    end = min(last, start + unit * candles)
    return tuple(m.ChartSignal(at, kinds[at // step % 4]) for at in range(first, end, step))


def _trades(symbol: str) -> tuple[m.ChartTrade, ...]:
    trades = []
    for number in range(40):
        entry = (NOW_MS - (40 - number) * 9 * 3_600_000) // 900_000 * 900_000
        leave = entry + (3 + number % 5) * 900_000
        side = "long" if number % 3 else "short"
        gain = (-1.0 if number % 4 else 2.0) * 18.4
        trades.append(
            m.ChartTrade(
                number + 1, 1, side, entry, _price(symbol, entry), leave, _price(symbol, leave), gain,
                "stop" if gain < 0 else "target",
            )
        )  # fmt: skip
    return tuple(trades)
