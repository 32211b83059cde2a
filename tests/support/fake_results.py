"""Results, trades and bars of the fake engine."""

from __future__ import annotations

import random

from tests.support.fake_forms import EXAMPLES
from tradebot.engine import messages as m
from tradebot.engine.control.errors import InputError

NOW_MS = 1_788_359_527_000  # 2026-09-02 14:32:07 UTC
MINUTE = 60_000
DAY = 86_400_000
PRICES = {
    "BTCUSDT": (63812.4, 1), "ETHUSDT": (3402.11, 2), "SOLUSDT": (148.272, 3), "XRPUSDT": (0.58431, 5),
    "DOGEUSDT": (0.1224, 5), "ADAUSDT": (0.3911, 5), "LINKUSDT": (13.882, 3), "AVAXUSDT": (27.411, 3),
}  # fmt: skip


def make_trades(seed: int, number: int) -> tuple[m.TradeRow, ...]:
    chance = random.Random(seed)
    rows = []
    at = (NOW_MS - 700 * DAY) // 300_000 * 300_000
    step = max(1, (690 * DAY) // max(1, number))
    symbols = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    for trade_id in range(1, number + 1):
        symbol = chance.choice(symbols)
        price, decimals = PRICES[symbol]
        entry = price * chance.uniform(0.8, 1.05)
        side = 1 if chance.random() < 0.55 else -1
        r = chance.choice((-1.0, -1.0, -1.0, 2.0, 2.0, 0.4, 1.2))
        quantity = 1500 / entry
        leave = entry * (1 + side * r * 0.0062)
        pnl = side * quantity * (leave - entry) - 1.6
        bars = chance.randrange(3, 60)
        rows.append(
            m.TradeRow(
                trade_id, symbol, "long" if side > 0 else "short", at, f"{entry:.{decimals}f}",
                at + bars * 300_000, f"{leave:.{decimals}f}", f"{quantity:.3f}", pnl, r, 1.6, bars,
                {-1.0: "stop", 2.0: "target"}.get(r, "signal"), "closed", chance.random() < 0.02,
            )
        )  # fmt: skip
        at += step // 300_000 * 300_000 + 300_000
    return tuple(reversed(rows))


def make_result(
    seed: int, key: str, strategy: str, rows: tuple[m.TradeRow, ...], created_ms: int, points: int = 400
) -> m.BacktestView:
    chance = random.Random(seed + 1)
    start, end = NOW_MS - 730 * DAY, NOW_MS
    times = tuple(round(start + (end - start) * i / (points - 1)) for i in range(points))
    equity, hold, drawdown = [10_000.0], [10_000.0], [0.0]
    peak = 10_000.0
    for _ in range(points - 1):
        moved = chance.gauss(0.0005, 0.006) if rows else 0.0
        equity.append(equity[-1] * (1 + moved))
        hold.append(hold[-1] * (1 + chance.gauss(0.0003, 0.011)))
        peak = max(peak, equity[-1])
        drawdown.append(equity[-1] / peak - 1)
    warnings = (
        ("Funding before 2025-01-10 was not recorded and is estimated at 0.01 % each 8 hours.",
         "7 trades touched stop and target in one bar; the stop was taken.")
        if rows
        else ("No trade: cross supported long on 84 bars and strong on none of them; both must agree to enter.",)
    )  # fmt: skip
    document = EXAMPLES.get(strategy, next(iter(EXAMPLES.values())))
    return m.BacktestView(
        key, strategy, f"{strategy} · BTC ETH SOL · 5m", created_ms, start, end,
        ("BTCUSDT", "ETHUSDT", "SOLUSDT"), "5m", _headline(equity, drawdown, rows), _metrics(equity, drawdown, rows),
        warnings, len(rows), times, tuple(equity), tuple(drawdown), tuple(hold), f"data/results/{key}", document,
    )  # fmt: skip


def trade_bars(rows: tuple[m.TradeRow, ...], number: int, margin: int) -> m.TradeBars:
    trade = next((row for row in rows if row.trade_id == number), None)
    if trade is None:
        raise InputError(f"There is no trade {number} in this result.")
    chance = random.Random(number)
    entry, leave = float(trade.entry_price), float(trade.exit_price)
    side = 1 if trade.side == "long" else -1
    decimals = PRICES[trade.symbol][1]
    count, first = trade.bars + 2 * margin, trade.entry_ms - margin * 300_000
    close = [entry * (1 - side * 0.004)]
    for index in range(1, count):
        goal = (
            entry
            if index <= margin
            else entry + (leave - entry) * min(1.0, (index - margin) / max(1, trade.bars))
        )
        close.append(close[-1] + (goal - close[-1]) * 0.25 + chance.gauss(0, entry * 0.0008))
    open_ = [close[0], *close[:-1]]
    wick = [abs(chance.gauss(0, entry * 0.0006)) for _ in close]
    return m.TradeBars(
        trade, "5m", decimals, tuple(first + i * 300_000 for i in range(count)),
        tuple(round(v, decimals) for v in open_),
        tuple(round(max(o, c) + w, decimals) for o, c, w in zip(open_, close, wick, strict=True)),
        tuple(round(min(o, c) - w, decimals) for o, c, w in zip(open_, close, wick, strict=True)),
        tuple(round(v, decimals) for v in close),
        round(entry * (1 - side * 0.0062), decimals), round(entry * (1 + side * 0.0124), decimals),
    )  # fmt: skip


def _headline(
    equity: list[float], drawdown: list[float], rows: tuple[m.TradeRow, ...]
) -> tuple[m.MetricView, ...]:
    if not rows:
        names = (
            "Net profit",
            "Sharpe",
            "Max drawdown",
            "Profit factor",
            "Win rate",
            "CAGR",
            "Exposure",
            "Fees",
        )
        return tuple(m.MetricView(name.lower(), name, "n/a") for name in names)
    gain = equity[-1] / equity[0] - 1
    wins = [row.pnl for row in rows if row.pnl > 0]
    losses = [row.pnl for row in rows if row.pnl <= 0]
    factor = sum(wins) / -sum(losses)
    good = "good" if gain > 0 else "bad"
    figures = (
        ("total_return", "Net profit", f"{gain:+.1%}", good, "Last over first equity, minus one."),
        ("sharpe", "Sharpe", "1.41", "good", "Mean over deviation of daily returns, times the root of 365."),
        (
            "max_drawdown",
            "Max drawdown",
            f"{min(drawdown):.1%}",
            "bad",
            "Deepest fall from a peak of equity.",
        ),
        (
            "profit_factor",
            "Profit factor",
            f"{factor:.2f}",
            "good" if factor > 1 else "bad",
            "Gains over losses.",
        ),
        ("win_rate", "Win rate", f"{len(wins) / len(rows):.1%}", "plain", "Share of trades above zero."),
        ("cagr", "CAGR", f"{(1 + gain) ** 0.5 - 1:+.1%}", good, "Growth a year."),
        ("exposure", "Exposure", "31.2%", "plain", "Share of bars with a position."),
        ("fees", "Fees", f"-{1.6 * len(rows):,.1f}", "plain", "All fees paid, in USDT."),
    )
    return tuple(m.MetricView(*figure) for figure in figures)


def _metrics(
    equity: list[float], drawdown: list[float], rows: tuple[m.TradeRow, ...]
) -> tuple[m.MetricView, ...]:
    more = (
        ("Sortino", "2.02"), ("Calmar", "1.28"), ("Volatility", "14.2%"), ("Longest drawdown", "21 days"),
        ("Average trade", "+4.41"), ("Average win", "+18.20"), ("Average loss", "-10.02"), ("Expectancy", "0.21 R"),
        ("Average hold", "3h 10m"), ("Best trade", "+53.00"), ("Worst trade", "-14.80"), ("Longest losing run", "9"),
        ("Slippage", "-81.4"), ("Funding", "-12.6"), ("Cost ratio", "28.1%"), ("Buy and hold", "+9.4%"),
    )  # fmt: skip
    return (*_headline(equity, drawdown, rows), *(
        m.MetricView(label.lower().replace(" ", "_"), label, text if rows else "n/a", "plain", f"{label}.")
        for label, text in more
    ))  # fmt: skip
