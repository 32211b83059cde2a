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
class RiskSpec:
    """Which sides, how large, where a position ends. Bars are decision bars; 0 means without."""

    direction: Direction
    opposite: Opposite
    sizing: Use
    stop_loss: Use | None = None
    take_profit: tuple[Use, ...] = ()
    max_bars: int = 0
    cooldown_bars: int = 0


@dataclass(frozen=True, slots=True)
class CostsSpec:
    """What the strategy says about costs, in percent; None: as in the settings for its category."""

    taker_fee_percent: float | None = None
    maker_fee_percent: float | None = None
    slippage_percent: float | None = None
    half_spread_percent: float | None = None
    funding: bool | None = None


@dataclass(frozen=True, slots=True)
class StrategySpec:
    """A whole strategy. Made by `parse_strategy` or `StrategyBuilder`, which check it; it refers only to what it has.

    Nodes keep the order of the file. Compared by value; `parse_strategy(spec.to_toml()) == spec`.
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

    def to_document(self) -> dict[str, object]:
        """The document that a strategy file holds, as nested dicts and lists."""
        from tradebot.engine.strategy.writing import to_document

        return to_document(self)

    def to_toml(self) -> str:
        """The strategy as the text of a file."""
        from tradebot.engine.strategy.writing import to_toml

        return to_toml(self)


__all__ = [
    "Combination",
    "CostsSpec",
    "Direction",
    "EntrySpec",
    "GroupSpec",
    "IndicatorSpec",
    "Opposite",
    "RiskSpec",
    "SignalSpec",
    "StrategySpec",
    "Supports",
    "Trigger",
    "Use",
    "Value",
]
