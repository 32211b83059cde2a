"""What goes into the plain reference of the backtest and what comes out: plain data, nothing of the program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

LONG = 1
SHORT = -1


@dataclass(frozen=True, slots=True)
class ReferenceSlot:
    """One symbol of a run: its rules, its bars (open times in ms), one decision a bar, its funding rows."""

    symbol: str
    tick: float
    lot: float
    min_quantity: float
    min_notional: float
    max_quantity: float | None
    timeframe_ms: int
    time: Sequence[int]
    open: Sequence[float]
    high: Sequence[float]
    low: Sequence[float]
    close: Sequence[float]
    side: Sequence[int]
    exit_long: Sequence[bool]
    exit_short: Sequence[bool]
    funding: Sequence[tuple[int, float]] = ()


@dataclass(frozen=True, slots=True)
class ReferenceRisk:
    """The [risk] table: `size` is percent of equity, an amount of quote coin or a quantity, as `sizing` says.

    `max_bars` and `cooldown_bars` of 0 mean that there is none; so does None for the stop and the target.
    """

    direction: str = "both"  # long | short | both
    opposite: str = "reverse"  # reverse | close | ignore
    sizing: str = "equity"  # equity | notional | fixed
    size: float = 100.0
    stop_percent: float | None = None
    target_percent: float | None = None
    max_bars: int = 0
    cooldown_bars: int = 0


@dataclass(frozen=True, slots=True)
class ReferenceCosts:
    """The [costs] table, in percent."""

    taker_fee_percent: float = 0.0
    maker_fee_percent: float = 0.0
    slippage_percent: float = 0.0
    half_spread_percent: float = 0.0
    funding: bool = True


@dataclass(frozen=True, slots=True)
class ReferenceTrade:
    """One row of trades.csv; times in ms, side +1 or -1, None where a column is empty."""

    trade_id: int
    strategy: str
    symbol: str
    side: int
    entry_time: int
    entry_price: float
    exit_time: int
    exit_price: float
    qty: float
    pnl: float
    r: float | None
    fees: float
    funding: float
    slippage: float
    entry_reason: str
    exit_reason: str
    bars: int
    mae: float
    mfe: float
    initial_stop: float | None
    ambiguous: bool
    status: str


class ReferenceEquity(NamedTuple):
    """One row of equity.csv; the time is the close of the bar."""

    time: int
    equity: float
    cash: float
    exposure: float
    drawdown: float


@dataclass(slots=True)
class ReferenceResult:
    """Closed trades in the order of their exits, then the open ones in symbol order; the rest as counted."""

    trades: list[ReferenceTrade] = field(default_factory=list)
    equity: list[ReferenceEquity] = field(default_factory=list)
    refusals: dict[str, int] = field(default_factory=dict)
    reduced: int = 0
    bankrupt: bool = False
