"""Which symbols a strategy trades: names, patterns, or the largest ones; resolved once per run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from tradebot.engine.backtest.kernel.ledger import RunSettings
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import DAY_MS, Candles, Category, Instrument, Timeframe
from tradebot.engine.market.times import iso_date
from tradebot.engine.store import Store
from tradebot.engine.strategy import StrategySpec
from tradebot.engine.strategy.spec import TopSymbols

RANKED_DAYS = 30
QUOTE_COINS = ("USDT", "USDC", "USDE", "USD", "EUR", "BTC", "ETH", "DAI")


@dataclass(frozen=True, slots=True)
class Universe:
    """The symbols of a run, sorted. `note` says how the largest were picked, "" where they were named.

    `in_sample`: they were ranked by bars of the run itself, which only a reader of the future could have done.
    """

    symbols: tuple[str, ...]
    note: str = ""
    in_sample: bool = False


def resolve_symbols(spec: StrategySpec, store: Store, settings: RunSettings | None = None) -> tuple[str, ...]:
    """The symbols of `resolve_universe`."""
    return resolve_universe(spec, store, settings or RunSettings()).symbols


def resolve_universe(spec: StrategySpec, store: Store, settings: RunSettings) -> Universe:
    """The strategy's names and patterns as symbols; patterns take what the store holds bars for.

    `{ top = N }` takes the N with the highest turnover or volume of up to 30 days before the run's start; a symbol
    without bars there is no candidate. Where no symbol has any, by the run's first 30 days. Equal ones go by name.
    InputError for a pattern that nothing matches, or where there is nothing to rank.
    """
    if spec.top is not None:
        return _largest(spec, spec.top, store, settings)
    patterns = [name for name in spec.symbols if "*" in name or "?" in name]
    found = {name for name in spec.symbols if name not in patterns}
    held = _held_spans(spec, store) if patterns else {}
    for pattern in patterns:
        matching = {symbol for symbol in held if fnmatchcase(symbol, pattern)}
        if not matching:
            raise InputError(
                f"strategy.symbols: no {spec.category.value} symbol with bars for {spec.timeframe.value} in "
                f'{store.folder} matches "{pattern}"; collect some or name others.'
            )
        found |= matching
    return Universe(tuple(sorted(found)))


def quote_coin(symbol: str, instrument: Instrument | None) -> str:
    """The coin that a symbol is priced in: of its trading rules, else by the end of its name, "" where unknown."""
    if instrument is not None:
        return instrument.quote_coin
    return next((coin for coin in QUOTE_COINS if symbol.endswith(coin) and symbol != coin), "")


def _held_spans(spec: StrategySpec, store: Store) -> dict[str, tuple[int, int]]:
    """Symbols that bars of the strategy's timeframe are held of or can be built for, with [first, end) in UTC ms."""
    spans: dict[str, tuple[int, int]] = {}
    for info in store.datasets():
        key = info.key
        if key.category != spec.category.value or key.mark or not _builds(key.timeframe, spec.timeframe):
            continue
        first = info.first_ms or 0
        end = 2**62 if info.last_ms is None else info.last_ms + key.timeframe.ms
        known = spans.get(key.symbol, (first, end))
        spans[key.symbol] = (min(first, known[0]), max(end, known[1]))
    return spans


def _builds(finer: Timeframe, timeframe: Timeframe) -> bool:
    return finer.ms <= timeframe.ms and timeframe.ms % finer.ms == 0


def _largest(spec: StrategySpec, top: TopSymbols, store: Store, settings: RunSettings) -> Universe:
    spans = _held_spans(spec, store)
    if not spans:
        raise InputError(
            f"strategy.symbols: {store.folder} holds no {spec.category.value} bars for {spec.timeframe.value} to rank "
            "symbols by; collect some."
        )
    # A file that cannot be read might begin at any time; where the run begins is for the others to say.
    earliest = min((first for first, _ in spans.values() if first), default=0)
    start = earliest if settings.start_ms is None else max(settings.start_ms, earliest)
    length = RANKED_DAYS * DAY_MS
    before, first_days = (start - length, start), (start, min(start + length, settings.end_ms or 2**62))
    for low, end in (before, first_days):
        there = [symbol for symbol, (first, last) in spans.items() if first < end and last > low]
        sizes, unreadable = _sizes(spec, top.by, store, there, low, end)
        if sizes:
            ranked = sorted(sizes, key=lambda symbol: (-sizes[symbol], symbol))
            candidates = _of_one_coin(ranked, spec.category, store)
            chosen = candidates[: top.top]
            passed = (
                f" Passed over, because no bars can be read: {', '.join(unreadable)}." if unreadable else ""
            )
            note = (
                f"The {len(chosen)} largest of {len(candidates)} symbols by {top.by} from {iso_date(low)} to "
                f"{iso_date(end)}.{passed}"
            )
            return Universe(tuple(sorted(chosen)), note, low == start)
    raise InputError(
        f"strategy.symbols: no {spec.category.value} symbol in {store.folder} has bars from {iso_date(before[0])} to "
        f"{iso_date(first_days[1])} to be ranked by; choose another span."
    )


def _sizes(
    spec: StrategySpec, by: str, store: Store, symbols: Iterable[str], low: int, end: int
) -> tuple[dict[str, float], list[str]]:
    """Turnover or volume of the bars in [low, end), of the symbols that have any; and those that cannot be read."""
    sizes, unreadable = {}, []
    for symbol in symbols:
        try:
            bars = store.load_or_build(spec.category, symbol, spec.timeframe, low, end)[0]
        except InputError:
            unreadable.append(symbol)
            continue
        if len(bars):
            sizes[symbol] = _size(bars, by)
    return sizes, sorted(unreadable)


def _size(bars: Candles, by: str) -> float:
    if by == "volume":
        return float(np.nansum(bars.volume))
    return float(np.nansum(np.where(np.isnan(bars.turnover), bars.volume * bars.close, bars.turnover)))


def _of_one_coin(ranked: list[str], category: Category, store: Store) -> list[str]:
    """Those priced in the coin of the largest one, because an account keeps one coin."""
    instruments = store.instruments()
    coins = {symbol: quote_coin(symbol, instruments.get((category, symbol))) for symbol in ranked}
    return [symbol for symbol in ranked if coins[symbol] == coins[ranked[0]]]
