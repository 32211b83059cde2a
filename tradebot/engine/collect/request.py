"""What a person asks to collect, and which symbols and datasets that means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from tradebot.engine.control.errors import InputError, did_you_mean
from tradebot.engine.market import Category, DatasetKey, Instrument, Timeframe
from tradebot.engine.market.times import iso_minute

if TYPE_CHECKING:
    from tradebot.engine.exchange import Exchange

ALL_SYMBOLS = ("all",)


class Order(Enum):
    """Which end of the span is asked first, in every dataset; the value is the name on the command line."""

    OLDEST_FIRST = "oldest"
    NEWEST_FIRST = "newest"


@dataclass(frozen=True, slots=True)
class CollectRequest:
    """Bars of `symbols` (names, patterns such as `ETH*`, or `all`) in `timeframes`, since_ms <= open time < until_ms.

    `until_ms` None means up to now; `follow` goes on live from there. `funding` collects settled funding rates and
    risk limits of perpetuals beside the bars, `mark_timeframes` bars of the mark price. `top` keeps only the symbols
    with the largest turnover of the last 24 hours among those that `symbols` mean. `ask_holes_again` asks also for
    bars that the exchange is known not to have. Raises InputError for a span that ends before it begins, for nothing
    to collect and for what the category does not have.
    """

    category: Category
    symbols: tuple[str, ...]
    timeframes: tuple[Timeframe, ...]
    since_ms: int
    until_ms: int | None = None
    follow: bool = False
    funding: bool = True
    order: Order = Order.OLDEST_FIRST
    top: int | None = None
    mark_timeframes: tuple[Timeframe, ...] = ()
    ask_holes_again: bool = False

    def __post_init__(self) -> None:
        if not self.symbols:
            raise InputError('There is no symbol to collect: name some (BTCUSDT), a pattern (ETH*) or "all".')
        if not self.timeframes and not self.mark_timeframes:
            raise InputError(
                f"There is no timeframe to collect: name some of {', '.join(Timeframe.names())}."
            )
        if self.until_ms is not None and self.until_ms <= self.since_ms:
            raise InputError(
                f"The span to collect ends at {iso_minute(self.until_ms)}, not after its start "
                f"{iso_minute(self.since_ms)}: give an earlier start or a later end."
            )
        if self.top is not None and self.top < 1:
            raise InputError(
                f"The number of symbols with the largest turnover must be 1 or more, was {self.top}."
            )
        if self.mark_timeframes and self.category is Category.SPOT:
            raise InputError(
                "Spot has no mark price: leave out the mark-price bars, or collect linear or inverse."
            )

    def keys(self, symbols: Iterable[str]) -> list[DatasetKey]:
        """The datasets of the request for symbols of the exchange: bars first, then bars of the mark price."""
        return [
            DatasetKey.of(self.category, symbol, timeframe, mark)
            for symbol in symbols
            for timeframes, mark in ((self.timeframes, False), (self.mark_timeframes, True))
            for timeframe in timeframes
        ]


async def choose_symbols(
    exchange: Exchange, request: CollectRequest, instruments: Mapping[str, Instrument]
) -> tuple[str, ...]:
    """The symbols a request means, each once: sorted by name, or where it asks for the top ones by their turnover.

    Raises InputError for a name or pattern that means nothing, and what the exchange raises.
    """
    symbols = resolve_symbols(request.symbols, instruments, request.category)
    if request.top is None or request.top >= len(symbols):
        return symbols
    # An inverse contract's turnover is counted in its own coin, its volume in dollars.
    inverse = request.category is Category.INVERSE
    turnover = {
        ticker.symbol: (ticker.volume_24h if inverse else ticker.turnover_24h) or 0.0
        for ticker in await exchange.tickers(request.category)
    }
    return tuple(sorted(symbols, key=lambda symbol: -turnover.get(symbol, 0.0))[: request.top])


def wants(wanted: Sequence[str], symbol: str) -> bool:
    """Whether names and patterns mean a symbol."""
    return any(
        name.lower() == "all" or symbol in (name, name.upper()) or fnmatchcase(symbol, name.upper())
        for name in (text.strip() for text in wanted)
    )


def resolve_symbols(
    wanted: Sequence[str], instruments: Mapping[str, Instrument], category: Category
) -> tuple[str, ...]:
    """The symbols that names and patterns mean, sorted, each once.

    Names are upper-cased where that makes them known. Raises InputError naming the first that means nothing, with
    the nearest known name.
    """
    found: set[str] = set()
    for text in wanted:
        name = text.strip()
        if name.lower() == "all":
            found.update(instruments)
        elif "*" in name or "?" in name:
            matches = [symbol for symbol in instruments if fnmatchcase(symbol, name.upper())]
            if not matches:
                raise InputError(
                    f'No symbol of the category {category.value} matches the pattern "{text}": it was compared with '
                    f"{len(instruments)} symbols of the exchange."
                )
            found.update(matches)
        elif name in instruments or name.upper() in instruments:
            found.add(name if name in instruments else name.upper())
        else:
            raise InputError(
                f'The exchange has no symbol "{text}" in the category {category.value}, which has '
                f"{len(instruments)} symbols.{did_you_mean(name.upper(), instruments)}"
            )
    return tuple(sorted(found))
