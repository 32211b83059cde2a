"""Columns that a strategy's levels and sizes need at the close of each decision bar, beside its decisions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tradebot.engine.strategy.spec import EntryOrder, StrategySpec, Use

LevelKind = Literal["atr", "series", "volatility"]


@dataclass(frozen=True, slots=True)
class LevelColumn:
    """One column of `Decisions.levels`, named by its key.

    `atr:14` is Wilder's average true range of the strategy's bars, in price. `series:bands.upper` is the series of that
    reference. `volatility:20` is the standard deviation (of a sample) of the logarithms of close / previous close over
    the last 20 bars, for one bar, not for a year.
    """

    kind: LevelKind
    key: str

    @property
    def length(self) -> int:
        """The number of bars of an `atr` or `volatility` column."""
        return int(self.key.partition(":")[2])

    @property
    def reference(self) -> str:
        """The series that a `series` column holds."""
        return self.key.partition(":")[2]


def level_column(use: Use) -> LevelColumn | None:
    """The column that one level or size reads, None where it needs nothing but prices.

    >>> level_column(Use("atr", {"length": 14, "multiple": 2.0}))
    LevelColumn(kind='atr', key='atr:14')
    """
    match use.use:
        case "atr" | "volatility":
            return LevelColumn(use.use, f"{use.use}:{use.parameters['length']}")
        case "series":
            return LevelColumn("series", f"series:{use.parameters['series']}")
    return None


def level_columns(spec: StrategySpec) -> tuple[LevelColumn, ...]:
    """Every column that the strategy's orders, levels and sizes read, each once, in the order of the file."""
    found = (level_column(use) for use in _uses(spec))
    return tuple(dict.fromkeys(column for column in found if column is not None))


def _uses(spec: StrategySpec) -> Iterator[Use]:
    risk, orders = spec.risk, spec.orders
    several = [risk.sizing, risk.stop_loss, *risk.take_profit, risk.trailing_stop]
    if orders.entry is not EntryOrder.MARKET:
        several.insert(0, orders.offset)
    if risk.pyramiding is not None:
        several.append(risk.pyramiding.spacing)
    yield from (use for use in several if use is not None)
