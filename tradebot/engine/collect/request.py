"""What a person asks to collect, and which symbols that means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tradebot.engine.control.errors import InputError, did_you_mean
from tradebot.engine.market import Category, Instrument, Timeframe
from tradebot.engine.market.times import iso_minute

ALL_SYMBOLS = ("all",)


@dataclass(frozen=True, slots=True)
class CollectRequest:
    """Bars of `symbols` (names, patterns such as `ETH*`, or `all`) in `timeframes`, since_ms <= open time < until_ms.

    `until_ms` None means up to now; `follow` goes on live from there. `funding` collects settled funding rates of
    perpetuals beside the bars. Raises InputError for a span that ends before it begins or for nothing to collect.
    """

    category: Category
    symbols: tuple[str, ...]
    timeframes: tuple[Timeframe, ...]
    since_ms: int
    until_ms: int | None = None
    follow: bool = False
    funding: bool = True

    def __post_init__(self) -> None:
        if not self.symbols:
            raise InputError('There is no symbol to collect: name some (BTCUSDT), a pattern (ETH*) or "all".')
        if not self.timeframes:
            raise InputError(
                f"There is no timeframe to collect: name some of {', '.join(Timeframe.names())}."
            )
        if self.until_ms is not None and self.until_ms <= self.since_ms:
            raise InputError(
                f"The span to collect ends at {iso_minute(self.until_ms)}, not after its start "
                f"{iso_minute(self.since_ms)}: give an earlier start or a later end."
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
