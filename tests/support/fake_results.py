"""Results, trades and bars of the fake engine."""

from __future__ import annotations

import random
import typing
from pathlib import PurePosixPath
from typing import Any

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


RESULT_COMMANDS = (m.GetResult, m.GetTrades, m.GetTradeBars, *typing.get_args(m.ResultCommand))
_SORTS: dict[str, typing.Callable[[m.TradeRow], typing.Any]] = {
    "pnl": lambda row: row.pnl,
    "r": lambda row: row.r or 0.0,
    "bars": lambda row: row.bars,
    "fees": lambda row: row.fees,
    "symbol": lambda row: row.symbol,
}


class FakeResults:
    """Answers about the results of a fake engine."""

    def __init__(self, views: dict[str, m.BacktestView], trades: dict[str, tuple[m.TradeRow, ...]]) -> None:
        self._views = views
        self._trades = trades

    def answer(self, command: m.Command) -> Any:
        match command:
            case m.GetResult(result_id=key):
                return self._view(key)
            case m.GetTrades():
                return self._page(command)
            case m.GetTradeBars(result_id=key, trade_id=number, margin_bars=margin, paths=paths):
                return trade_bars(self._trades[self._view(key).result_id], number, margin, paths)
            case m.GetAnalysis(result_id=key):
                return make_analysis(self._view(key), self._trades[key])
            case m.ExplainTrade(result_id=key, trade_id=number):
                return make_why(next(row for row in self._trades[key] if row.trade_id == number))
            case m.CompareResults(result_ids=keys, points=points):
                return make_comparison([self._view(key) for key in keys], points)
            case m.WriteReport(result_id=key):
                return str(PurePosixPath(self._view(key).folder) / "report.html")
            case m.DeleteResult(result_id=key):
                return f"data/results/deleted/{self._views.pop(self._view(key).result_id).result_id}"
        raise AssertionError(command)

    def _view(self, key: str) -> m.BacktestView:
        if key not in self._views:
            raise InputError(f'There is no result "{key}"; choose one of the list.')
        return self._views[key]

    def _page(self, command: m.GetTrades) -> m.TradePage:
        rows = list(self._trades[self._view(command.result_id).result_id])
        for word in command.find.lower().split():
            fits = {
                "long": lambda row: row.side == "long",
                "short": lambda row: row.side == "short",
                "win": lambda row: row.pnl > 0,
                "stop": lambda row: row.exit_reason == "stop",
                "btc": lambda row: row.symbol == "BTCUSDT",
                "xrp": lambda row: row.symbol == "XRPUSDT",
            }.get(word)
            if fits is None:
                raise InputError(f'No trade fits "{word}". Known are long, short, win, stop and symbols.')
            rows = [row for row in rows if fits(row)]
        if command.sort:
            rows.sort(key=_SORTS[command.sort.removeprefix("-")], reverse=command.sort.startswith("-"))
        window = tuple(rows[command.offset : command.offset + command.limit])
        return m.TradePage(len(rows), command.offset, window)


def make_analysis(view: m.BacktestView, rows: tuple[m.TradeRow, ...]) -> m.ResultAnalysis:
    chance = random.Random(view.result_id)
    months = tuple(
        m.PeriodView(year, month, chance.gauss(0.005, 0.03) if rows else 0.0, len(rows) // 24, chance.gauss(50, 300)
                     if rows else 0.0, (year, month) not in {(2024, 9), (2026, 9)})
        for year in (2024, 2025, 2026)
        for month in range(1, 13)
        if (2024, 9) <= (year, month) <= (2026, 9)
    )  # fmt: skip
    years = tuple(
        m.PeriodView(
            year,
            0,
            sum(each.total_return or 0.0 for each in months if each.year == year),
            9,
            10.0,
            year == 2025,
        )
        for year in (2024, 2025, 2026)
    )
    names = {
        "symbol": sorted({row.symbol for row in rows}), "side": ["long", "short"], "exit": ["stop", "target", "signal"],
        "weekday of the entry, UTC": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
        "hour of the entry, UTC": [f"{hour:02d}:00" for hour in range(24)],
    }  # fmt: skip
    groups = tuple(
        m.GroupTable(title, tuple(
            m.GroupView(name, 12 + number, 0.44, chance.gauss(40, 200), chance.gauss(0.1, 0.3), 1.2, 19.2)
            for number, name in enumerate(of) if rows
        ))
        for title, of in names.items()
    )  # fmt: skip
    found = (
        m.FindingView("ok", "last third: Sharpe 1.18", "The last third has a Sharpe ratio of 1.18, before 1.52."),
        m.FindingView("warning", "61% of profit from 12 trades", "The best 12 of 400 trades made 61 % of the profit."),
        m.FindingView("ok", "slippage x2 still +11.9%", "With doubled slippage the run still makes +11.9 %."),
        m.FindingView("bad", "one bar later: -2.1%", "Entered one bar later, the same decisions lose 2.1 %."),
    )  # fmt: skip
    edges = tuple(-1.0 + 0.15 * number for number in range(21))
    counts = (210, 0, 0, 3, 9, 4, 0, 0, 1, 40, 0, 0, 2, 0, 45, 0, 0, 0, 3, 83) if rows else (0,) * 20
    days = tuple(-0.02 + 0.002 * number for number in range(21))
    config = (
        m.ConfigLine("Run", "span", "2024-09-02 14:32 to 2026-09-02 14:32 UTC, 210,240 bars"),
        m.ConfigLine("Run", "starting cash", "10,000.00"),
        m.ConfigLine("Costs", "taker fee", "0.055 %"),
        m.ConfigLine("Refused entries", "already open", "1,204"),
        m.ConfigLine("Data", "BTCUSDT_5m", "210,240 rows, 2024-09-02 to 2026-09-02, hash 9c1f77aa"),
    )
    return m.ResultAnalysis(
        view.result_id, months, years, groups, m.HistogramView(edges, counts) if rows else None,
        m.HistogramView(days, tuple(min(n, 20 - n) ** 2 + 1 for n in range(20))),
        (("winners against us", "-0.61  -0.32  -0.11"), ("winners gave back", "24% of their best")) if rows else (),
        found if rows else (), (), config,
    )  # fmt: skip


def make_why(row: m.TradeRow) -> m.TradeWhy:
    values = (
        m.ValueFact("fast", "Exponential moving average", row.entry_price),
        m.ValueFact("adx", "ADX", "27.41"),
    )
    members = (
        m.MemberFact("cross", row.side, True, True),
        m.MemberFact("strong", "long and short", True, False),
    )
    entry = m.DecisionFacts(row.entry_ms, row.entry_price, f"enter {row.side}", values, members)
    return m.TradeWhy(row.trade_id, "ema-x", entry, None, "")


def make_comparison(views: list[m.BacktestView], points: int) -> m.ComparisonView:
    first = views[0]
    texts = [{metric.label: metric.text for metric in view.metrics} for view in views]
    figures = tuple(
        m.ComparedRow(label, tuple(each[label] for each in texts), 0 if label == "Sharpe" else None,
                      len({each[label] for each in texts}) > 1, ("", *("-0.31" for _ in texts[1:])))
        for label in texts[0]
    )  # fmt: skip
    settings = (
        m.ComparedRow("Timeframe", tuple(view.timeframe for view in views), None, False),
        m.ComparedRow("risk.max_bars", tuple(str(48 + n) for n in range(len(views))), None, True),
    )
    curves = tuple(
        m.ComparedCurve(view.result_id, tuple(value / 10_000.0 - 1.0 for value in view.equity))
        for view in views
    )
    return m.ComparisonView(
        tuple(view.result_id for view in views), tuple(view.strategy for view in views), figures, settings,
        first.times_ms, curves, ("The symbols differ.",),
    )  # fmt: skip


def trade_bars(rows: tuple[m.TradeRow, ...], number: int, margin: int, paths: bool = False) -> m.TradeBars:
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
    stop, target = entry * (1 - side * 0.0062), entry * (1 + side * 0.0124)
    during = range(margin, margin + max(1, trade.bars))
    moved = tuple(
        round(stop + side * entry * 0.001 * ((at - margin) // 3), decimals) if at in during else None
        for at in range(count)
    )
    still = tuple(round(target, decimals) if at in during else None for at in range(count))
    open_ = [close[0], *close[:-1]]
    wick = [abs(chance.gauss(0, entry * 0.0006)) for _ in close]
    return m.TradeBars(
        trade, "5m", decimals, tuple(first + i * 300_000 for i in range(count)),
        tuple(round(v, decimals) for v in open_),
        tuple(round(max(o, c) + w, decimals) for o, c, w in zip(open_, close, wick, strict=True)),
        tuple(round(min(o, c) - w, decimals) for o, c, w in zip(open_, close, wick, strict=True)),
        tuple(round(v, decimals) for v in close),
        round(stop, decimals), round(target, decimals),
        paths=(m.LevelPath("stop", moved), m.LevelPath("target", still)) if paths else (),
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
        ("Sortino", "2.02"), ("Calmar", "1.28"), ("Turnover", "41.20"), ("Expectancy R", "0.21"),
        ("Volatility", "14.2%"), ("Longest drawdown", "21 days"),
        ("Average trade", "+4.41"), ("Average win", "+18.20"), ("Average loss", "-10.02"), ("Expectancy", "0.21 R"),
        ("Average hold", "3h 10m"), ("Best trade", "+53.00"), ("Worst trade", "-14.80"), ("Longest losing run", "9"),
        ("Slippage", "-81.4"), ("Funding", "-12.6"), ("Cost ratio", "28.1%"), ("Buy hold return", "+9.4%"),
        ("Max drawdown days", "21 d"), ("Trades", f"{len(rows):,}"),
    )  # fmt: skip
    return (*_headline(equity, drawdown, rows), *(
        m.MetricView(label.lower().replace(" ", "_"), label, text if rows else "n/a", "plain", f"{label}.")
        for label, text in more
    ))  # fmt: skip
