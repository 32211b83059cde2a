"""Running a backtest and looking at its result: the commands of the Test area and what they are answered with."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "BacktestView",
    "GetResult",
    "GetTradeBars",
    "GetTrades",
    "LevelPath",
    "MetricView",
    "RunBacktest",
    "TradeBars",
    "TradePage",
    "TradeRow",
]


@dataclass(frozen=True, slots=True)
class RunBacktest:
    """Backtest a strategy's TOML text as a job; the reply is its number, its `result_id` names the result.

    `start` and `end` are dates or spans; `overrides` are (path, value) pairs as of `--set`; `cash` None means the
    setting.
    """

    name: str
    toml: str
    start: str | None = None
    end: str | None = None
    cash: float | None = None
    overrides: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class GetResult:
    """A result for the screen, curves reduced to at most `points` columns. The reply is a BacktestView."""

    result_id: str
    points: int = 400


@dataclass(frozen=True, slots=True)
class GetTrades:
    """Rows offset..offset+limit-1 of a result's trade log, newest first. The reply is a TradePage.

    `find` keeps the rows that all its words fit (`BTC long stop pnl<0`); `sort` is one of "" (newest first), pnl, -pnl,
    r, -r, bars, -bars, fees, -fees, symbol, a minus for the highest first.
    """

    result_id: str
    offset: int = 0
    limit: int = 200
    find: str = ""
    sort: str = ""


@dataclass(frozen=True, slots=True)
class GetTradeBars:
    """The bars around one trade (by its trade_id; `leg` counts its partial exits from 0). The reply is a TradeBars.

    `paths`: whether its levels are told as they moved, for which the trade is walked again.
    """

    result_id: str
    trade_id: int
    margin_bars: int = 20
    leg: int = 0
    paths: bool = False


@dataclass(frozen=True, slots=True)
class MetricView:
    """One figure as drawn: `text` is ready to print ("n/a" where undefined), `tone` is good, bad or plain."""

    name: str
    label: str
    text: str
    tone: str = "plain"
    help: str = ""


@dataclass(frozen=True, slots=True)
class BacktestView:
    """A result for the Test screen. Curves are columns of equal length, drawdown as a fraction <= 0."""

    result_id: str
    strategy: str
    title: str
    created_ms: int
    start_ms: int
    end_ms: int
    symbols: tuple[str, ...]
    timeframe: str
    headline: tuple[MetricView, ...]
    metrics: tuple[MetricView, ...]
    warnings: tuple[str, ...]
    trade_count: int
    times_ms: tuple[int, ...]
    equity: tuple[float, ...]
    drawdown: tuple[float, ...]
    benchmark: tuple[float, ...]
    folder: str
    toml: str


@dataclass(frozen=True, slots=True)
class TradeRow:
    """One closed leg; prices as text with the instrument's decimals, money in the quote coin, `r` None without stop.

    `leg` counts the legs of one trade_id from 0: a position that leaves in parts has a row for each.
    """

    trade_id: int
    symbol: str
    side: str
    entry_ms: int
    entry_price: str
    exit_ms: int
    exit_price: str
    quantity: str
    pnl: float
    r: float | None
    fees: float
    bars: int
    exit_reason: str
    status: str
    ambiguous: bool
    leg: int = 0


@dataclass(frozen=True, slots=True)
class TradePage:
    """A window of the trade log in the order asked for; `total` counts all rows that fit."""

    total: int
    offset: int
    rows: tuple[TradeRow, ...]


@dataclass(frozen=True, slots=True)
class LevelPath:
    """Where a stop or target stood: a price for each bar, None before and after it held."""

    name: str
    prices: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class TradeBars:
    """The bars around a trade in columns, and the levels that belong to it (None where it had none)."""

    trade: TradeRow
    timeframe: str
    decimals: int
    times_ms: tuple[int, ...]
    open: tuple[float, ...]
    high: tuple[float, ...]
    low: tuple[float, ...]
    close: tuple[float, ...]
    stop: float | None
    target: float | None
    targets: tuple[float, ...] = ()
    """All targets that can be told, nearest first."""
    paths: tuple[LevelPath, ...] = ()
    """Stop and targets as they moved, where that can be told."""
