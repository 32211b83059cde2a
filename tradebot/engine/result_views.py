"""A backtest's result as figures, rows and curves ready to draw; the command line prints the same texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tradebot.engine.backtest.figures.curves import chart_series
from tradebot.engine.backtest.figures.trade_levels import targets_of
from tradebot.engine.backtest.kernel.codes import ExitReason, TradeStatus
from tradebot.engine.backtest.results.trade_selection import TradeSelection, select_trades
from tradebot.engine.market import Candles, Timeframe
from tradebot.engine.market.rounding import steps_down, steps_up
from tradebot.engine.market.times import iso_date
from tradebot.engine.messages import BacktestView, LevelPath, MetricView, TradeBars, TradePage, TradeRow
from tradebot.engine.store import Store
from tradebot.engine.strategy import Registry, parse_strategy

if TYPE_CHECKING:
    from tradebot.engine.backtest.checks.trade_path import TradePath
    from tradebot.engine.backtest.results.result import BacktestResult, StrategyPart

UNDEFINED = "n/a"


def _percent(value: float, decimals: int = 1) -> str:
    return f"{value * 100:+,.{decimals}f}%"


def _share(value: float) -> str:
    return f"{value * 100:.1f}%"


def _ratio(value: float) -> str:
    return f"{value:.2f}"


def _money(value: float) -> str:
    return f"{value:+,.2f}"


def _amount(value: float) -> str:
    return f"{value:,.2f}"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _days(value: float) -> str:
    return f"{value:,.0f} d"


@dataclass(frozen=True, slots=True)
class _Figure:
    """How one metric is shown. `good` is the sign that is good: 1, -1, or 0 where neither is."""

    name: str
    label: str
    write: Callable[[float], str]
    help: str
    good: int = 0
    level: float = 0.0


_FIGURES = (
    _Figure("total_return", "Total return", _percent, "Final equity over starting cash, minus one.", 1),
    _Figure(
        "buy_hold_return", "Buy and hold", _percent, "The same cash held in equal parts, without costs.", 1
    ),
    _Figure("cagr", "CAGR", _percent, "Return per year; n/a under 30 days.", 1),
    _Figure(
        "sharpe", "Sharpe", _ratio, "Mean over deviation of daily returns, a year of 365 days, rate 0.", 1
    ),
    _Figure("sortino", "Sortino", _ratio, "Like Sharpe, over the downside deviation of all days.", 1),
    _Figure("calmar", "Calmar", _ratio, "CAGR over the deepest drawdown.", 1),
    _Figure("max_drawdown", "Max drawdown", _percent, "Deepest fall of daily equity from its peak."),
    _Figure("max_drawdown_bars", "Max drawdown, bars", _percent, "The same at every bar's close."),
    _Figure(
        "max_drawdown_days", "Longest drawdown", _days, "Longest time from a peak until it was reached again."
    ),
    _Figure("volatility", "Volatility", _share, "Deviation of daily returns, per year."),
    _Figure("ulcer", "Ulcer index", _share, "Root of the mean squared drawdown."),
    _Figure("var_95", "VaR 95", _percent, "The daily return that 5 % of the days fall below."),
    _Figure("cvar_95", "CVaR 95", _percent, "Mean of those days."),
    _Figure("trades", "Trades", _count, "Closed trades."),
    _Figure("win_rate", "Win rate", _share, "Share of closed trades that won, net of all costs."),
    _Figure("profit_factor", "Profit factor", _ratio, "Won over lost money, net of all costs.", 1, 1.0),
    _Figure("payoff", "Payoff", _ratio, "Mean win over mean loss."),
    _Figure("expectancy", "Expectancy", _money, "Mean profit of a closed trade.", 1),
    _Figure("expectancy_r", "Expectancy, R", _ratio, "Mean profit in units of the risk to the stop.", 1),
    _Figure("sqn", "SQN", _ratio, "Root of the trades times mean over deviation of R.", 1),
    _Figure("exposure", "Exposure", _share, "Share of bars with a position."),
    _Figure("turnover", "Turnover a year", _ratio, "Traded value over mean equity, per year."),
    _Figure("fees", "Fees", _amount, "Fees of all fills."),
    _Figure("slippage_cost", "Slippage", _amount, "Price lost on market and stop fills."),
    _Figure("funding", "Funding", _money, "Funding received (+) or paid (-).", 1),
    _Figure("cost_ratio", "Cost ratio", _share, "Fees, slippage and funding over the profit before them."),
    _Figure(
        "ambiguous_trades", "Ambiguous", _count, "Trades with stop and target in one bar: the stop was taken."
    ),
    _Figure("open_trades", "Still open", _count, "Positions open at the end, marked at the last close."),
    _Figure("final_equity", "Final equity", _amount, "Cash and open positions at the end."),
)
_HEADLINE = (
    "total_return",
    "sharpe",
    "max_drawdown",
    "profit_factor",
    "win_rate",
    "cagr",
    "exposure",
    "fees",
)


def metric_views(metrics: dict[str, Any]) -> tuple[MetricView, ...]:
    """Every figure in the order of a report; undefined ones say n/a."""
    return tuple(_metric_view(figure, metrics.get(figure.name)) for figure in _FIGURES)


def delta_texts(name: str, values: Sequence[float | None]) -> tuple[str, ...]:
    """How far each value of a figure is from the first one, signed; "" for the first, for equal and undefined ones.

    `total_return` of 0.115 and 0.094: `""` and `-2.1%`.
    """
    figure = next(each for each in _FIGURES if each.name == name)
    first = values[0]
    texts = [""]
    for value in values[1:]:
        if first is None or value is None or figure.write(value) == figure.write(first):
            texts.append("")
        else:
            size = figure.write(abs(value - first)).lstrip("+")
            texts.append(f"{'+' if value > first else '-'}{size}")
    return tuple(texts)


def _metric_view(figure: _Figure, value: float | None) -> MetricView:
    if value is None:
        return MetricView(figure.name, figure.label, UNDEFINED, "plain", figure.help)
    tone = "plain"
    if figure.good and value != figure.level:
        tone = "good" if (value > figure.level) == (figure.good > 0) else "bad"
    return MetricView(figure.name, figure.label, figure.write(value), tone, figure.help)


def backtest_view(result: BacktestResult, points: int, folder: str) -> BacktestView:
    """The result for the Test screen."""
    metrics = metric_views(result.metrics.to_dict())
    by_name = {view.name: view for view in metrics}
    series = chart_series(result.curve, max(2, points))
    symbols = tuple(dict.fromkeys(result.symbols))  # a portfolio trades one in several strategies
    return BacktestView(
        result_id=result.result_id,
        strategy=result.strategy,
        title=f"{result.strategy} · {' '.join(symbols[:3])}{' …' if len(symbols) > 3 else ''} · "
        f"{result.timeframe.value} · {iso_date(result.start_ms)} to {iso_date(result.end_ms)}",
        created_ms=result.created_ms,
        start_ms=result.start_ms,
        end_ms=result.end_ms,
        symbols=symbols,
        timeframe=result.timeframe.value,
        headline=tuple(by_name[name] for name in _HEADLINE),
        metrics=metrics,
        warnings=result.warnings,
        trade_count=len(result.trades),
        times_ms=series.times_ms,
        equity=series.equity,
        drawdown=series.drawdown,
        benchmark=series.buy_hold,
        folder=folder,
        toml=result.strategy_toml,
    )


def trade_page(
    result: BacktestResult, offset: int, limit: int, selection: TradeSelection | None = None
) -> TradePage:
    """Rows of the trade log, newest first, or of a selection in its order."""
    chosen = selection or select_trades(result)
    first = max(0, offset)
    rows = chosen.positions[first : first + max(0, limit)].tolist()
    return TradePage(
        len(chosen.positions),
        first,
        tuple(_trade_row(result, position, int(chosen.legs[position])) for position in rows),
    )


def _trade_row(result: BacktestResult, position: int, leg: int = 0) -> TradeRow:
    trade = result.trades[position]
    slot = int(trade["slot"])
    decimals = result.price_decimals[slot]
    status = TradeStatus(int(trade["status"])).name.lower()
    return TradeRow(
        trade_id=int(trade["trade_id"]),
        symbol=result.symbols[slot],
        side="long" if trade["side"] > 0 else "short",
        entry_ms=int(trade["entry_time"]),
        entry_price=f"{trade['entry_price']:.{decimals}f}",
        exit_ms=int(trade["exit_time"]),
        exit_price=f"{trade['exit_price']:.{decimals}f}",
        quantity=f"{float(trade['quantity']):.8f}".rstrip("0").rstrip("."),
        pnl=float(trade["pnl"]),
        r=None if np.isnan(trade["r"]) else float(trade["r"]),
        fees=float(trade["fees"]),
        bars=int(trade["bars"]),
        exit_reason=ExitReason(int(trade["exit_reason"])).name.lower(),
        status=status,
        ambiguous=bool(trade["ambiguous"]),
        leg=leg,
    )


def trade_bars(
    result: BacktestResult,
    store: Store,
    registry: Registry,
    trade_id: int,
    margin_bars: int,
    leg: int = 0,
    path: TradePath | None = None,
) -> TradeBars | None:
    """The bars around a leg of a trade, None where the result has no such trade. `leg` counts its rows from 0.

    `path` is where its levels stood, as far as that can be told.
    """
    found = np.flatnonzero(result.trades["trade_id"] == trade_id)
    if not 0 <= leg < len(found):
        return None
    position = int(found[leg])
    trade = result.trades[position]
    row = _trade_row(result, position, leg)
    part = _part_of(result, int(trade["slot"]))
    timeframe: Timeframe = result.timeframe if part is None else part.timeframe
    margin_ms = max(1, margin_bars) * timeframe.ms
    candles, _ = store.load_or_build(
        result.category, row.symbol, timeframe, row.entry_ms - margin_ms, row.exit_ms + margin_ms
    )
    stop = float(trade["initial_stop"])
    targets = _targets(result, registry, part, position)
    return TradeBars(
        trade=row,
        timeframe=timeframe.value,
        decimals=result.price_decimals[int(trade["slot"])],
        times_ms=tuple(candles.time.tolist()),
        open=tuple(candles.open.tolist()),
        high=tuple(candles.high.tolist()),
        low=tuple(candles.low.tolist()),
        close=tuple(candles.close.tolist()),
        stop=None if np.isnan(stop) else stop,
        target=targets[0] if targets else None,
        targets=targets,
        paths=() if path is None else _paths(path, candles, row),
    )


def _paths(path: TradePath, candles: Candles, row: TradeRow) -> tuple[LevelPath, ...]:
    """The levels in force at the open of each bar of the trade; at its entry, where that is inside of a bar."""
    times = candles.time
    during = (candles.close_time > row.entry_ms) & (times <= max(row.exit_ms - 1, row.entry_ms))
    asked = np.maximum(times, row.entry_ms)
    targets = path.targets_at(asked)
    names = ["target"] if len(targets) == 1 else [f"target {number}" for number in range(1, len(targets) + 1)]
    found = []
    for name, column in (("stop", path.stops_at(asked)), *zip(names, targets, strict=True)):
        held = during & ~np.isnan(column)
        if held.any():
            prices = [
                price if here else None for price, here in zip(column.tolist(), held.tolist(), strict=True)
            ]
            found.append(LevelPath(name, tuple(prices)))
    return tuple(found)


def _part_of(result: BacktestResult, slot: int) -> StrategyPart | None:
    """The strategy that a slot belongs to; None in a result of old, which has one only."""
    name = result.slot_strategies[slot] if slot < len(result.slot_strategies) else ""
    return next((part for part in result.parts if part.name == name), None)


def _targets(
    result: BacktestResult, registry: Registry, part: StrategyPart | None, position: int
) -> tuple[float, ...]:
    """Where the targets stood, nearest first: from the fill and the strategy that ran, to the digits of the price.

    Those that rest on an average range or a series of the decision bar are not told here (`why_trade` knows them).
    """
    trades = result.trades[position : position + 1]
    spec = parse_strategy(result.strategy_toml if part is None else part.toml, "the strategy", registry)
    tick = 10.0 ** -result.price_decimals[int(trades["slot"][0])]
    steps = steps_down if trades["side"][0] > 0 else steps_up
    prices = targets_of(spec, trades).prices[:, 0]
    return tuple(steps(float(price), tick) * tick for price in prices[~np.isnan(prices)])
