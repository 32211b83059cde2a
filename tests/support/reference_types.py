"""What goes into the plain reference of the backtest and what comes out: plain data, nothing of the program.

A whole run is `ReferenceRun`: the rules of one strategy or several, and one `ReferenceSymbol` for each symbol that a
strategy trades. `ReferenceSlot` and `ReferenceRisk` are the short form for one strategy with plain levels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

LONG = 1
SHORT = -1
DAY_MS = 86_400_000
NOT_A_NUMBER = float("nan")


# The market ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReferencePrices:
    """Mark prices beside the bars they belong to, as many as those."""

    open: Sequence[float]
    high: Sequence[float]
    low: Sequence[float]
    close: Sequence[float]


@dataclass(frozen=True, slots=True)
class ReferenceBars:
    """Bars of one timeframe by open time in ms; without `mark` their own prices stand for the mark's.

    `volume` may be left empty where neither a volume cap nor an impact looks at it.
    """

    time: Sequence[int]
    length_ms: int
    open: Sequence[float]
    high: Sequence[float]
    low: Sequence[float]
    close: Sequence[float]
    volume: Sequence[float] = ()
    mark: ReferencePrices | None = None


@dataclass(frozen=True, slots=True)
class ReferenceTier:
    """One step of the risk limit, which holds up to a position value of `limit`; the rate is a fraction."""

    limit: float
    maintenance_rate: float
    deduction: float = 0.0


@dataclass(frozen=True, slots=True)
class ReferenceInstrument:
    """Steps and minimums of one symbol. Without `tiers` the maintenance rate of the run's settings holds.

    `spot`: no margin beyond the price itself, no liquidation, no funding. `delivery_ms`: when it is delisted, if known.
    """

    symbol: str
    tick: float
    lot: float
    min_quantity: float = 0.0
    min_notional: float = 0.0
    max_quantity: float | None = None
    spot: bool = False
    delivery_ms: int | None = None
    tiers: Sequence[ReferenceTier] = ()


@dataclass(frozen=True, slots=True)
class ReferenceSymbol:
    """One symbol of one strategy: its bars, one decision for each decision bar, its funding rows.

    `levels` are columns over the decision bars by key (`atr:14`, `series:bands.upper`, `volatility:20`), NaN where
    there is no value. `finer` are the bars on which orders and levels are walked, where they are not the decision bars.
    """

    instrument: ReferenceInstrument
    bars: ReferenceBars
    side: Sequence[int]
    exit_long: Sequence[bool]
    exit_short: Sequence[bool]
    levels: Mapping[str, Sequence[float]] = field(default_factory=dict)
    strategy: int = 0
    finer: ReferenceBars | None = None
    funding: Sequence[tuple[int, float]] = ()


# The rules of a strategy -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReferenceLevel:
    """A distance or a level: `percent` of a price, `atr` times `value` (of the column `key`), `r` times `value`, or the
    `series` in the column `key`, which only tightens unless `follow`."""

    kind: str  # percent | atr | r | series
    value: float = 0.0
    key: str = ""
    follow: bool = False


@dataclass(frozen=True, slots=True)
class ReferenceTarget:
    """One take-profit; targets without a share divide evenly what the others leave of 100 %."""

    level: ReferenceLevel
    share_percent: float | None = None


@dataclass(frozen=True, slots=True)
class ReferenceTrailing:
    """A stop behind the best price, from when that price was `start_percent` of the entry and `start_r` R away."""

    level: ReferenceLevel
    start_percent: float = 0.0
    start_r: float | None = None


@dataclass(frozen=True, slots=True)
class ReferenceSizing:
    """`value` is a quantity (fixed), quote coin (notional), percent of equity (equity, risk), the yearly target in
    percent (volatility, whose column is `key`) or the fraction (kelly)."""

    kind: str = "equity"  # fixed | notional | equity | risk | volatility | kelly
    value: float = 100.0
    key: str = ""
    min_trades: int = 30
    start_percent: float = 10.0


@dataclass(frozen=True, slots=True)
class ReferenceCosts:
    """The [costs] table, in percent; `impact` is a plain factor, a volume share of 0 means no cap."""

    taker_fee_percent: float = 0.0
    maker_fee_percent: float = 0.0
    slippage_percent: float = 0.0
    half_spread_percent: float = 0.0
    funding: bool = True
    max_volume_share_percent: float = 0.0
    impact: float = 0.0


@dataclass(frozen=True, slots=True)
class ReferenceRules:
    """One strategy as the simulation sees it: [orders], [risk] and [costs]. 0 and None mean without."""

    name: str = "reference"
    timeframe_ms: int = 60_000
    direction: str = "both"  # long | short | both
    opposite: str = "reverse"  # reverse | close | ignore
    sizing: ReferenceSizing = ReferenceSizing()
    leverage: float = 1.0
    stop: ReferenceLevel | None = None
    targets: Sequence[ReferenceTarget] = ()
    trailing: ReferenceTrailing | None = None
    break_even_at_r: float | None = None
    break_even_offset_percent: float = 0.0
    max_bars: int = 0
    cooldown_bars: int = 0
    max_positions: int = 0
    max_exposure_percent: float | None = None
    max_symbol_exposure_percent: float | None = None
    max_daily_loss_percent: float | None = None
    max_drawdown_percent: float | None = None
    streak_losses: int = 0
    streak_pause_bars: int = 0
    max_adds: int = 0
    add_spacing: ReferenceLevel | None = None
    entry: str = "market"  # market | limit | stop
    offset: ReferenceLevel | None = None
    valid_bars: int = 1
    costs: ReferenceCosts = ReferenceCosts()


@dataclass(frozen=True, slots=True)
class ReferenceRun:
    """Everything that one run needs; `strategy` of a symbol is the place of its rules in `strategies`."""

    symbols: Sequence[ReferenceSymbol]
    strategies: Sequence[ReferenceRules]
    cash: float
    maintenance_rate_percent: float = 0.5


# What comes out --------------------------------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True)
class ReferenceLeg(ReferenceTrade):
    """One row of a whole run: a leg of a position, `coarse` where it met a bar that stood for missing finer ones.

    Positions are numbered in the order in which they were opened; all legs of one carry its number.
    """

    coarse: bool = False


class ReferenceEquity(NamedTuple):
    """One row of equity.csv; the time is the close of the bar, `cash` is what is neither margin nor reserved."""

    time: int
    equity: float
    cash: float
    exposure: float
    drawdown: float


class ReferenceEvent(NamedTuple):
    """Something refused, cancelled, reduced or forced; the symbol is empty where it concerns the whole strategy."""

    time: int
    strategy: str
    symbol: str
    reason: str


@dataclass(slots=True)
class ReferenceResult:
    """Closed legs in the order of their exits, then the open ones in slot order; the rest as counted.

    `refusals` counts entries that were refused or cancelled, `interventions` orders that were reduced and limits that
    were reached, both by reason; `events` has each of both with its time, in their order.
    """

    trades: list[ReferenceTrade] = field(default_factory=list)
    equity: list[ReferenceEquity] = field(default_factory=list)
    refusals: dict[str, int] = field(default_factory=dict)
    interventions: dict[str, int] = field(default_factory=dict)
    events: list[ReferenceEvent] = field(default_factory=list)
    bankrupt: bool = False


# The short form --------------------------------------------------------------------------------------------


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
