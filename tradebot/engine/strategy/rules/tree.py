"""What a rule sentence says, before it becomes nodes: series, clauses, and what is said around them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Series:
    """A series: a column of the market, a node of the document, or an output of an indicator with its values.

    `values` holds only what was said; what was not said has its default. `given` are the numbers that were said.
    """

    column: str = ""
    node: str = ""
    use: str = ""
    output: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    source: Series | None = None
    timeframe: str = ""
    symbol: str = ""

    @property
    def is_indicator(self) -> bool:
        """Whether it is computed by an indicator that may have to be made."""
        return bool(self.use)

    def on(self, timeframe: str, symbol: str) -> Series:
        """The same on other bars or of another market, where it says nothing of them itself."""
        source = self.source.on(timeframe, symbol) if self.source is not None else None
        return replace(
            self, timeframe=self.timeframe or timeframe, symbol=self.symbol or symbol, source=source
        )


Operand = Series | float


class Reading(StrEnum):
    """How a clause is taken where nobody says which side it is for."""

    TREND = "trend"
    """What is bullish is for long, what is bearish for short, in the exit of one position as well."""
    PRICE = "price"
    """As TREND in an entry; in an exit it says when a long is closed."""
    ZONE = "zone"
    """Too low is for long, too high for short."""
    LEVEL = "level"
    """It says when to go long (in an exit: when to close a long); its mirror image is for the other side."""
    CONDITION = "condition"
    """It says nothing of sides."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One signal: its kind and values, series among them as `Series`.

    `sign` is 1 where the sentence says what the signal calls true, -1 for its opposite. `bull` is 1 where what is said
    speaks for long by nature, -1 where for short. `plain` is the same said without a mirror image, where the signal has
    one: used where only one side is meant.
    """

    use: str
    values: dict[str, Any]
    reading: Reading
    sign: int = 1
    bull: int = 1
    plain: Clause | None = None


@dataclass(frozen=True, slots=True)
class Around:
    """A rule over other rules: `use` is within, held, delay, first, repeated, sequence or not."""

    use: str
    members: tuple[Rule, ...]
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Several:
    """Rules joined by and (`combine` unanimous) or by or (any)."""

    combine: str
    members: tuple[Rule, ...]


Rule = Clause | Around | Several


class MisreadError(Exception):
    """A sentence cannot be read; `problem` says what was not understood, `at` is the word that is to blame."""

    def __init__(self, problem: str, at: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.at = at
