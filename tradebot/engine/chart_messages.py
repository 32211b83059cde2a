"""The part of the engine's border that is about the chart: a window of bars with what is drawn on them.

Re-exported by `engine.messages`, where everything that crosses the border is known by its name.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "ChartCommand",
    "ChartIndicator",
    "ChartLine",
    "ChartSignal",
    "ChartTrade",
    "ChartView",
    "GetChart",
    "GetChartIndicators",
]

Column = tuple[float | None, ...]
"""A value for each candle of the window, None where there is none."""

# ---------------------------------------------------------------------------------------------- commands


@dataclass(frozen=True, slots=True)
class GetChart:
    """A window of a symbol's bars. The reply is a ChartView; nothing outside the window crosses the border.

    The window has `candles` candles of `group` bars of `timeframe` each, the first of which opens at or before
    `start_ms`; with `start_ms` None it ends with the newest bar. `indicators` are texts such as "ema 50", "rsi" or
    "bbands 20 2 4h"; `strategy` names a saved strategy whose indicators and signals are wanted too, `result_id` a
    stored result whose trades are. A newer `generation` gives up the ones before it, which then answer with the state
    "superseded" (0 is never given up).
    """

    symbol: str
    timeframe: str
    category: str = "linear"
    start_ms: int | None = None
    candles: int = 200
    group: int = 1
    indicators: tuple[str, ...] = ()
    strategy: str = ""
    result_id: str = ""
    generation: int = 0


@dataclass(frozen=True, slots=True)
class GetChartIndicators:
    """Every indicator that can be put on a chart. The reply is a tuple of ChartIndicator."""


ChartCommand = GetChart | GetChartIndicators

# ---------------------------------------------------------------------------------------------- replies


@dataclass(frozen=True, slots=True)
class ChartIndicator:
    """An indicator to pick. `text` is what asks for it with its own defaults ("ema 20"); `pane` is price or below."""

    name: str
    label: str
    help: str
    text: str
    pane: str
    group: str = ""


@dataclass(frozen=True, slots=True)
class ChartLine:
    """One output of an indicator over the window. `source` is the text that asked for it, or its name in the strategy.

    `pane` is "price" or the name of a pane below that lines of one indicator share.
    """

    source: str
    label: str
    pane: str
    values: Column


@dataclass(frozen=True, slots=True)
class ChartSignal:
    """What a strategy decides at the close of the bar that opens at `time_ms`: long, short, exit long or exit short."""

    time_ms: int
    kind: str


@dataclass(frozen=True, slots=True)
class ChartTrade:
    """One closed leg of a result; prices in the quote coin, `pnl` net of all costs."""

    trade_id: int
    leg: int
    side: str
    entry_ms: int
    entry_price: float
    exit_ms: int
    exit_price: float
    pnl: float
    reason: str


@dataclass(frozen=True, slots=True)
class ChartView:
    """A window of candles in columns of equal length, one value for each candle, None where no bar is stored.

    Candle n opens at `start_ms` + n * `unit_ms` (UTC). `first_ms` and `last_ms` are the open times of the first and the
    last stored bar. `forming` is what is stored already of the bar after the last one, as (open, high, low, close,
    volume), None where nothing is. `decimals` are those of the tick. `lines` and `signals` cover the window, `trades`
    are all of the result on this symbol, or the 2,000 nearest of `trade_count`; `problems` are sentences about what was
    asked for and cannot be drawn. `state` is done or superseded.
    """

    generation: int
    state: str = "done"
    symbol: str = ""
    category: str = "linear"
    timeframe: str = ""
    group: int = 1
    start_ms: int = 0
    unit_ms: int = 60_000
    open: Column = ()
    high: Column = ()
    low: Column = ()
    close: Column = ()
    volume: Column = ()
    decimals: int = 2
    first_ms: int = 0
    last_ms: int = 0
    forming: tuple[float, float, float, float, float] | None = None
    lines: tuple[ChartLine, ...] = ()
    signals: tuple[ChartSignal, ...] = ()
    trades: tuple[ChartTrade, ...] = ()
    trade_count: int = 0
    source: str = ""
    problems: tuple[str, ...] = ()
    took_ms: float = 0.0
