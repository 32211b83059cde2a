"""What a market of the simulated exchange is made of: made-up prices and recorded ones answer the same questions.

One model is one category: the same symbol may be listed in several, as BTCUSDT is.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple, Protocol

from tradebot.engine.market import Int64, Timeframe
from tradebot.engine.simulator.bars import Bars, Interval
from tradebot.engine.simulator.listing import Coin
from tradebot.engine.simulator.seconds import RunningMinutes


class PriceKind(Enum):
    """Whose price a bar is of. Bars of all but the last traded price have no volume and no turnover.

    The premium is a fraction in units of 10**-8, which may be negative; the others are in ticks.
    """

    LAST = "last"
    MARK = "mark"
    INDEX = "index"
    PREMIUM = "premium"


class RunningMinute(NamedTuple):
    """The unfinished minute of one symbol: its open time in ms; its values so far in ticks, lots, ticks times lots."""

    time: int
    open: int
    high: int
    low: int
    last: int
    volume: int
    turnover: int


class Funding(Protocol):
    """Funding rates, settled ones and the next."""

    def next_settlement(self, coin: Coin, now_ms: int) -> int:
        """UTC ms of the first settlement after `now_ms`."""
        ...

    def settlements(self, coin: Coin, first_ms: int, last_ms: int) -> list[int]:
        """Settlement times with first_ms <= time <= last_ms, newest first."""
        ...

    def rate(self, coin: Coin, time_ms: int) -> float | None:
        """Fraction of the position's value that longs pay at a settlement; None where nothing is known."""
        ...


class MarketModel(Protocol):
    """All prices of one category. What it says about a moment never changes."""

    seed: int
    coins: dict[str, Coin]

    @property
    def end_ms(self) -> int | None:
        """The moment after which nothing happens any more; None where there is none."""
        ...

    @property
    def funding(self) -> Funding:
        """The category's funding rates."""
        ...

    def bars(
        self,
        symbol: str,
        interval: Interval,
        first: int,
        last: int,
        now_ms: int,
        kind: PriceKind = PriceKind.LAST,
    ) -> Bars:
        """Bars numbered first..last of an interval that have begun by `now_ms`, the running one included.

        Numbers outside of what was ever traded give nothing. Raises KeyError for an unknown symbol.
        """
        ...

    def candles(
        self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int, kind: PriceKind = PriceKind.LAST
    ) -> Bars:
        """Whole bars with start_ms <= open time < end_ms, whatever the time is now."""
        ...

    def numbers(self, symbol: str, interval: Interval, kind: PriceKind) -> Int64 | None:
        """Numbers of all bars there ever are, rising; None where there is every one since the listing."""
        ...

    def minutes(self, symbol: str, start: int, stop: int) -> Bars:
        """Whole minutes start..stop-1 (since 1970) that were ever traded."""
        ...

    def traded(self, symbols: Sequence[str], minute: int) -> list[str]:
        """Those of the symbols that have a bar in this minute."""
        ...

    def courses(self, symbols: Sequence[str], minute: int) -> tuple[Bars, RunningMinutes]:
        """One minute of several symbols which have it: the bars it ends as, and its course second by second."""
        ...

    def close_before(self, symbol: str, minute: int) -> int:
        """The last price in ticks before a minute; where there was none yet, the first one there will be."""
        ...

    def now_price(self, symbol: str, kind: PriceKind, last: int, minute: int) -> int:
        """Mark or index price (or premium) in a minute in which the last trade was at `last` ticks."""
        ...

    def warm(self, symbols: Sequence[str], now_ms: int) -> None:
        """Make ready what questions about the last 24 hours need."""
        ...
