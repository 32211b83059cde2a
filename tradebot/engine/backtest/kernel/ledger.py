"""What a simulation is given and what it hands back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tradebot.engine.backtest.kernel.codes import Count
from tradebot.engine.backtest.kernel.records import INTERVENTION, Records
from tradebot.engine.market import Candles, Category, Float64, Instrument, Int64, Timeframe
from tradebot.engine.strategy import Decisions, OrdersSpec, RiskSpec, StrategySpec

if TYPE_CHECKING:
    from tradebot.engine.control.settings import BacktestSettings


@dataclass(frozen=True, slots=True)
class Costs:
    """Costs of one run, resolved; percent of the traded value.

    `max_volume_share_percent`: an entry takes at most this share of the previous bar's volume, 0: no cap. `impact`: the
    factor of the square-root law by which a large order moves the price.
    """

    taker_fee_percent: float = 0.0
    maker_fee_percent: float = 0.0
    slippage_percent: float = 0.0
    half_spread_percent: float = 0.0
    funding: bool = False
    max_volume_share_percent: float = 0.0
    impact: float = 0.0


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What a run needs beyond the strategy: start cash in the quote coin, costs, span [start_ms, end_ms).

    `maintenance_rate_percent` is the maintenance margin of a symbol whose tiers are not known.
    """

    cash: float = 10_000.0
    costs: Costs = Costs()
    start_ms: int | None = None
    end_ms: int | None = None
    maintenance_rate_percent: float = 0.5

    @classmethod
    def resolve(
        cls,
        spec: StrategySpec,
        defaults: BacktestSettings,
        cash: float | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> RunSettings:
        """The strategy's own costs, the rest from the settings of its category. `cash` None: the settings'."""
        usual = defaults.spot if spec.category is Category.SPOT else defaults.linear
        own = spec.costs

        def number(name: str) -> float:
            value = getattr(own, name)
            return float(getattr(usual, name) if value is None else value)

        costs = Costs(
            number("taker_fee_percent"),
            number("maker_fee_percent"),
            number("slippage_percent"),
            number("half_spread_percent"),
            spec.category is Category.LINEAR and (usual.funding if own.funding is None else own.funding),
            number("max_volume_share_percent"),
            number("impact"),
        )
        return cls(
            defaults.cash if cash is None else cash, costs, start_ms, end_ms, usual.maintenance_rate_percent
        )


@dataclass(frozen=True, slots=True)
class StrategyRules:
    """What the simulation needs of one strategy besides its decisions; `timeframe` is that of the decisions."""

    risk: RiskSpec
    orders: OrdersSpec
    costs: Costs
    timeframe: Timeframe
    name: str = ""

    @classmethod
    def of(cls, spec: StrategySpec, settings: RunSettings) -> StrategyRules:
        """The rules of a strategy under the costs that were resolved for it."""
        return cls(spec.risk, spec.orders, settings.costs, spec.timeframe, spec.name)


@dataclass(frozen=True, slots=True, eq=False)
class EngineBars:
    """The bars on which orders, stops and targets are walked; columns of equal length, rising in time.

    `time`: open time, UTC ms; `length_ms`: of each bar. `decision`: the decision bar that closes with it, -1: none.
    `coarse`: a decision bar that stands for itself because its finer bars are not complete.
    """

    time: Int64
    length_ms: Int64
    open: Float64
    high: Float64
    low: Float64
    close: Float64
    volume: Float64
    decision: Int64
    coarse: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class MarkColumns:
    """Mark prices of the engine bars, one row a bar."""

    open: Float64
    high: Float64
    low: Float64
    close: Float64


@dataclass(frozen=True, slots=True, eq=False)
class TierColumns:
    """Margin tiers, rising: position value up to which a tier holds (quote coin), its maintenance margin as a
    fraction, and the deduction that makes the margin continuous from tier to tier (quote coin).
    """

    limit: Float64
    maintenance_rate: Float64
    deduction: Float64


@dataclass(frozen=True, slots=True, eq=False)
class SymbolData:
    """One slot's input. Funding rows rise in time (UTC ms); the columns of the decisions match the candles.

    `candles` are the decision bars. `strategy` counts the strategies of the run. Without `engine` the decision bars
    themselves are walked, without `mark` their own prices are the marks, without `tiers` the maintenance rate of the
    settings holds at any size. `delivery_ms`: when the symbol is or was delisted. `sound`: its prices were looked at
    already (`windows.looked_over`), so that a run need not do it again.
    """

    symbol: str
    instrument: Instrument
    candles: Candles
    decisions: Decisions
    funding_time: Int64
    funding_rate: Float64
    strategy: int = 0
    engine: EngineBars | None = None
    mark: MarkColumns | None = None
    tiers: TierColumns | None = None
    delivery_ms: int | None = None
    sound: bool = False


@dataclass(frozen=True, slots=True)
class Looks:
    """What a simulation saw at every step from the beginning of its account on.

    `exposure` and `most_exposure`: mean and highest of the sum of notionals over equity, `net_exposure` and
    `most_net_exposure` of |sum of signed notionals|. `worst_inside`: the worst fall from a close's peak to the adverse
    extremes of a bar, all positions held at its close at theirs at once, by the mark where there is one.
    """

    steps: int
    exposure: float
    most_exposure: float
    net_exposure: float
    most_net_exposure: float
    worst_inside: float


def _no_interventions() -> Records:
    return np.zeros(0, dtype=INTERVENTION)


@dataclass(frozen=True, slots=True, eq=False)
class Ledger:
    """What a simulation did.

    `trades`: records TRADE, closed legs in the order of their exits, then the positions still open.
    `rows`: float64[4, n], one column a step: close time (UTC ms), equity, available cash, sum of notionals; of a run
    that was asked for its days only the last step of each UTC day.
    `counts`: int64[slots, len(Count)]. `symbols` and `slot_strategies` tell what each slot trades and for which of
    `strategies` (names). `interventions`: records INTERVENTION in the order of time, the first 20,000. `looks`: what
    was seen at every step, also at those whose row was not kept.
    """

    symbols: tuple[str, ...]
    cash: float
    trades: Records
    rows: npt.NDArray[np.float64]
    counts: Int64
    exposed_rows: int
    worst_drawdown: float
    bankrupt: bool
    strategies: tuple[str, ...] = ()
    slot_strategies: tuple[int, ...] = ()
    interventions: Records = field(default_factory=_no_interventions)
    looks: Looks | None = None

    @property
    def steps(self) -> int:
        """How many steps the clock took."""
        return int(self.rows.shape[1]) if self.looks is None else self.looks.steps

    @property
    def time(self) -> Int64:
        """Close time of each row, UTC ms."""
        return np.asarray(self.rows[0].astype(np.int64))

    @property
    def equity(self) -> Float64:
        """Marked equity at each row."""
        return np.asarray(self.rows[1])

    @property
    def final_equity(self) -> float:
        """Equity at the last row, or the start cash where there is none."""
        return float(self.rows[1, -1]) if self.rows.shape[1] else self.cash

    def count(self, kind: Count) -> int:
        """How often something was refused or reduced, over all slots."""
        return int(self.counts[:, kind].sum())
