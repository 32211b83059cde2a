"""What one strategy file says, typed and checked: `StrategySpec`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tradebot.engine.market import Category, Timeframe
from tradebot.engine.strategy.registry import Value, Values
from tradebot.engine.strategy.signals import Supports


class Direction(StrEnum):
    """Which sides a strategy may open."""

    LONG = "long"
    SHORT = "short"
    BOTH = "both"


class Opposite(StrEnum):
    """What an entry decision against the open position does."""

    REVERSE = "reverse"
    """Close, and open the other side at the same open (where the direction allows that side)."""
    CLOSE = "close"
    IGNORE = "ignore"


class Trigger(StrEnum):
    """Whether the entry is read at every close or on the first bar of a decision only."""

    LEVEL = "level"
    EDGE = "edge"


class EntryOrder(StrEnum):
    """What kind of order opens a position."""

    MARKET = "market"
    """At the next open."""
    LIMIT = "limit"
    """At a price better than the decision's close, or not at all."""
    STOP = "stop"
    """At a price worse than the decision's close: once the market has moved there."""


@dataclass(frozen=True, slots=True)
class Use:
    """One declared thing with its values: `{ use = "percent", percent = 2.0 }`."""

    use: str
    parameters: Values

    def number(self, name: str) -> float:
        """A numeric value by its name, e.g. `risk.stop_loss.number("percent")`."""
        return float(self.parameters[name])


@dataclass(frozen=True, slots=True)
class IndicatorSpec:
    """An indicator under its own name. `parameters` holds every declared value, defaults included.

    It is computed on the bars of `timeframe` and `symbol`, where None and "" are the strategy's own.
    """

    name: str
    use: str
    parameters: Values
    enabled: bool = True
    note: str = ""
    timeframe: Timeframe | None = None
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class SignalSpec:
    """A signal under its own name. A series parameter is a series' name or a number; `supports` is resolved."""

    name: str
    use: str
    parameters: Values
    supports: Supports
    invert: bool = False
    enabled: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Combination:
    """Members and how they become one; `parameters` holds `k` or `threshold`, `weights` only what was given."""

    combine: str
    signals: tuple[str, ...]
    parameters: Values = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GroupSpec:
    """A combination that is itself a member, under its own name."""

    name: str
    rule: Combination
    enabled: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class EntrySpec:
    """When a position is opened."""

    rule: Combination
    trigger: Trigger = Trigger.LEVEL


@dataclass(frozen=True, slots=True)
class OrdersSpec:
    """How a position is opened. Without `offset` a limit order stands at the decision's close itself.

    A resting order lives for the `valid_bars` decision bars after its decision.
    """

    entry: EntryOrder = EntryOrder.MARKET
    offset: Use | None = None
    valid_bars: int = 1


@dataclass(frozen=True, slots=True)
class TopSymbols:
    """The `top` largest symbols of the category instead of named ones; `by` is "turnover" or "volume"."""

    top: int
    by: str = "turnover"


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Once a position was `at_r` times its risk in profit, its stop stands at the entry.

    `offset_percent` of the entry is added in favour of the position.
    """

    at_r: float
    offset_percent: float = 0.0


@dataclass(frozen=True, slots=True)
class LossStreak:
    """After `losses` losing positions in a row no entry is taken for `pause_bars` decision bars."""

    losses: int
    pause_bars: int


@dataclass(frozen=True, slots=True)
class Pyramiding:
    """Up to `max_adds` further entries into an open position, each `spacing` beyond the last fill in its favour."""

    max_adds: int
    spacing: Use | None = None


@dataclass(frozen=True, slots=True)
class RiskSpec:
    """Which sides, how large, where a position ends, what is refused.

    Bars are decision bars; 0 and None mean without. `take_profit` holds every target with its share of the original
    quantity in percent. Percentages of the limits are of the marked equity, those of exposure may exceed 100.
    """

    direction: Direction
    opposite: Opposite
    sizing: Use
    leverage: float = 1.0
    stop_loss: Use | None = None
    take_profit: tuple[Use, ...] = ()
    trailing_stop: Use | None = None
    break_even: BreakEven | None = None
    max_bars: int = 0
    cooldown_bars: int = 0
    max_positions: int = 0
    max_exposure_percent: float | None = None
    max_symbol_exposure_percent: float | None = None
    max_daily_loss_percent: float | None = None
    max_drawdown_percent: float | None = None
    loss_streak: LossStreak | None = None
    pyramiding: Pyramiding | None = None


@dataclass(frozen=True, slots=True)
class CostsSpec:
    """What the strategy says about costs; None: as in the settings for its category.

    `max_volume_share_percent` caps an entry at this share of a bar's volume; `impact` is the factor of the square-root
    law by which a large order moves the price.
    """

    taker_fee_percent: float | None = None
    maker_fee_percent: float | None = None
    slippage_percent: float | None = None
    half_spread_percent: float | None = None
    max_volume_share_percent: float | None = None
    impact: float | None = None
    funding: bool | None = None


@dataclass(frozen=True, slots=True)
class OptimizeRange:
    """Values that one path may take in a search: from `low` to `high` in steps."""

    low: float
    high: float
    step: float


@dataclass(frozen=True, slots=True)
class StrategySpec:
    """A whole strategy. Made by `parse_strategy` or `StrategyBuilder`, which check it; it refers only to what it has.

    Nodes keep the order of the file. Either `symbols` names what is traded or `top` says how it is picked. `execution`
    are the finer bars on which orders, stops and targets are walked, None: those of `timeframe`. Compared by value;
    `parse_strategy(spec.to_toml()) == spec`.
    """

    name: str
    category: Category
    symbols: tuple[str, ...]
    timeframe: Timeframe
    entry: EntrySpec
    risk: RiskSpec
    exit: Combination | None = None
    indicators: Mapping[str, IndicatorSpec] = field(default_factory=dict)
    signals: Mapping[str, SignalSpec] = field(default_factory=dict)
    groups: Mapping[str, GroupSpec] = field(default_factory=dict)
    costs: CostsSpec = field(default_factory=CostsSpec)
    note: str = ""
    execution: Timeframe | None = None
    orders: OrdersSpec = field(default_factory=OrdersSpec)
    top: TopSymbols | None = None
    optimize: Mapping[str, OptimizeRange] = field(default_factory=dict)

    def to_document(self) -> dict[str, object]:
        """The document that a strategy file holds, as nested dicts and lists."""
        from tradebot.engine.strategy.writing import to_document

        return to_document(self)

    def to_toml(self) -> str:
        """The strategy as the text of a file."""
        from tradebot.engine.strategy.writing import to_toml

        return to_toml(self)


__all__ = [
    "BreakEven",
    "Combination",
    "CostsSpec",
    "Direction",
    "EntryOrder",
    "EntrySpec",
    "GroupSpec",
    "IndicatorSpec",
    "LossStreak",
    "Opposite",
    "OptimizeRange",
    "OrdersSpec",
    "Pyramiding",
    "RiskSpec",
    "SignalSpec",
    "StrategySpec",
    "Supports",
    "TopSymbols",
    "Trigger",
    "Use",
    "Value",
]
