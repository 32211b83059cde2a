"""What the lint says, and what it looks at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tradebot.engine.control.progress import counted
from tradebot.engine.market import Candles, Category, Instrument, RiskTier
from tradebot.engine.strategy import Decisions, Severity
from tradebot.engine.strategy.registry import BoolArray

if TYPE_CHECKING:
    from tradebot.engine.backtest.kernel.ledger import RunSettings, SymbolData


@dataclass(frozen=True, slots=True)
class CollectAction:
    """What to collect so that a finding goes away, and what that costs at the exchange.

    `since` is a date or a span back, as `tradebot collect` takes it. `bars` is about how many are to come, `requests`
    how many of the exchange's requests of 1,000 bars that takes; both 0 where it cannot be said.
    """

    category: Category
    symbols: tuple[str, ...]
    timeframes: tuple[str, ...]
    since: str
    bars: int = 0
    requests: int = 0

    @property
    def command(self) -> str:
        """The command line that does it."""
        category = "" if self.category is Category.LINEAR else f" --category {self.category.value}"
        return (
            f"tradebot collect --symbols {','.join(self.symbols)}{category} "
            f"--timeframes {','.join(self.timeframes)} --since {self.since}"
        )

    @property
    def cost(self) -> str:
        """`about 8,760 bars in 9 requests`."""
        if not self.bars:
            return ""
        return f"about {counted(self.bars, 'bar')} in {counted(self.requests, 'request')}"


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One remark on a strategy with the data at hand: `path` names the value it is about, `code` the kind of remark.

    `sentence` follows the path: "signals.strong" "never fires: true on 0 of 35,040 bars of BTCUSDT". An error is what
    keeps the strategy from doing anything on this data: every entry is refused, or its stop is never reached.
    """

    code: str
    path: str
    sentence: str
    severity: Severity = Severity.WARNING
    action: CollectAction | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LintSlot:
    """One symbol as the lint looks at it; all columns over the same bars.

    `decisions` should hold the columns of the members (`decide(..., keep_members=True)`); without them only what can
    be counted is said. `first` is the first bar on which anything could be decided. `tiers` are the symbol's risk
    limits, empty where they are not known; `ruled` is false where the instrument's rules were only assumed.
    """

    symbol: str
    instrument: Instrument
    candles: Candles
    decisions: Decisions
    first: int = 0
    tiers: tuple[RiskTier, ...] = ()
    ruled: bool = True

    @classmethod
    def of(cls, data: SymbolData, settings: RunSettings, tiers: tuple[RiskTier, ...] = ()) -> LintSlot:
        """The slot of a simulation. With a start date the bars before it are taken to have warmed everything up."""
        first = data.decisions.warm_up if settings.start_ms is None else 0
        return cls(
            data.symbol, data.instrument, data.candles, data.decisions, min(first, len(data.candles)), tiers
        )

    @property
    def members(self) -> Mapping[str, tuple[BoolArray, BoolArray]]:
        """Where each member supports long and short, on the bars that could decide."""
        size = len(self.candles)
        result = {}
        for name, (long, short) in self.decisions.members.items():
            # Columns that were computed on bars before the span as well end where it ends.
            own = long[len(long) - size + self.first :]
            result[name] = (own, own if short is long else short[len(short) - size + self.first :])
        return result

    @property
    def bars(self) -> int:
        """How many bars could decide."""
        return len(self.candles) - self.first


ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.HINT: 2}
"""The place of a severity in a list: the gravest first."""
