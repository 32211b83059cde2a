"""From a strategy and a store to what the simulation is given: symbols, bars, decisions, funding, instruments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from tradebot.engine.backtest.columns import frozen
from tradebot.engine.backtest.funding import NO_FUNDING, FundingPlan, plan_funding
from tradebot.engine.backtest.ledger import RunSettings, SymbolData
from tradebot.engine.backtest.store_market import StoreMarket, file_key, funding_key
from tradebot.engine.backtest.universe import quote_coin
from tradebot.engine.backtest.universe import resolve_symbols as resolve_symbols  # part of this module's face
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.market import Candles, Category, DatasetKey, Instrument, Timeframe
from tradebot.engine.market.times import iso_minute
from tradebot.engine.store import Store
from tradebot.engine.strategy import Decisions, Registry, StrategySpec, decide
from tradebot.engine.strategy.node_cache import NodeCache

_UNKNOWN_LOT = Decimal("0.00000001")

MakeMarket = Callable[[Store, Category, str, Timeframe, RunSettings], StoreMarket]
"""What a strategy reads for one symbol on bars of one timeframe."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """One data file that a run used. `note` says what was made of it; times are open times, UTC ms."""

    key: DatasetKey
    note: str
    rows: int
    first_ms: int
    last_ms: int
    missing_bars: int
    gaps: int
    content_hash: str


@dataclass(frozen=True, slots=True, eq=False)
class SlotInput:
    """One symbol ready to be simulated, and what is to be told about its data.

    `file` is that of its bars, `others` are those that its indicators read beside.
    """

    data: SymbolData
    file: DataFile
    others: tuple[DataFile, ...]
    estimated_funding: int
    known_instrument: bool
    history_bars: int


def load_inputs(
    spec: StrategySpec,
    registry: Registry,
    store: Store,
    settings: RunSettings,
    symbols: Sequence[str],
    loaded: Callable[[str], None],
    cancel: CancelToken,
    with_hashes: bool,
    nodes: NodeCache | None = None,
    make_market: MakeMarket = StoreMarket,
) -> list[SlotInput]:
    """These symbols with their bars and decisions; `loaded` is called with each one that is ready.

    InputError where a symbol has no usable bars in the span, or the quote coins differ. With `nodes` the columns of
    indicators and signals are shared with other runs. `make_market` is how the store is read for one symbol.
    """
    instruments = store.instruments()
    inputs = []
    for symbol in symbols:
        cancel.check()
        one = _load_one(spec, registry, store, settings, symbol, instruments, with_hashes, nodes, make_market)
        inputs.append(one)
        loaded(symbol)
    _check_quote_coins([one.data.instrument for one in inputs])
    return inputs


def _load_one(
    spec: StrategySpec,
    registry: Registry,
    store: Store,
    settings: RunSettings,
    symbol: str,
    instruments: dict[tuple[Category, str], Instrument],
    with_hashes: bool,
    nodes: NodeCache | None,
    make_market: MakeMarket,
) -> SlotInput:
    market = make_market(store, spec.category, symbol, spec.timeframe, settings)
    history = market.candles(symbol, spec.timeframe)
    note = market.read[symbol, spec.timeframe][1]
    decisions = decide(spec, registry, market, nodes)
    low, high = _span(history, settings)
    if low == high:
        raise InputError(_no_bars(spec, symbol, history, settings, note))
    candles = history.slice(low, high)
    start_ms, end_ms = int(candles.time[0]), int(candles.time[-1]) + spec.timeframe.ms
    funding = _funding(spec, store, settings, symbol, start_ms, end_ms)
    instrument = instruments.get((spec.category, symbol))
    return SlotInput(
        data=SymbolData(
            symbol,
            instrument or assumed_instrument(spec.category, symbol, candles),
            candles,
            _cut(decisions, low, high),
            funding.time,
            funding.rate,
        ),
        file=_data_file(store, spec.category, symbol, candles, note, with_hashes),
        others=_other_files(spec, store, market, with_hashes),
        estimated_funding=funding.estimated,
        known_instrument=instrument is not None,
        history_bars=len(history),
    )


def _data_file(
    store: Store, category: Category, symbol: str, candles: Candles, note: str, with_hashes: bool
) -> DataFile:
    key = file_key(category, symbol, note, candles.timeframe)
    missing, gaps = missing_bars(candles)
    return DataFile(
        key=key,
        note=note,
        rows=len(candles),
        first_ms=int(candles.time[0]) if len(candles) else 0,
        last_ms=int(candles.time[-1]) if len(candles) else 0,
        missing_bars=missing,
        gaps=gaps,
        content_hash=store.content_hash(key) if with_hashes else "",
    )


def _other_files(
    spec: StrategySpec, store: Store, market: StoreMarket, with_hashes: bool
) -> tuple[DataFile, ...]:
    """The files of other timeframes and symbols that the indicators read, and of funding read as a series."""
    files = [
        _data_file(store, spec.category, symbol, candles, note, with_hashes)
        for (symbol, timeframe), (candles, note) in market.read.items()
        if (symbol, timeframe) != (market.symbol, spec.timeframe)
    ]
    for symbol, rates in market.funding_read.items():
        key = funding_key(spec.category, symbol)
        content_hash = market.funding_hash(symbol) if with_hashes else ""
        first, last = int(rates.time[0]), int(rates.time[-1])
        files.append(
            DataFile(key, f"{key.file_name}, read as a series", len(rates), first, last, 0, 0, content_hash)
        )
    return tuple(files)


def _span(candles: Candles, settings: RunSettings) -> tuple[int, int]:
    low = 0 if settings.start_ms is None else int(np.searchsorted(candles.time, settings.start_ms))
    high = len(candles) if settings.end_ms is None else int(np.searchsorted(candles.time, settings.end_ms))
    return low, max(low, high)


def _cut(decisions: Decisions, low: int, high: int) -> Decisions:
    return replace(
        decisions,
        side=decisions.side[low:high],
        strength=decisions.strength[low:high],
        exit_long=decisions.exit_long[low:high],
        exit_short=decisions.exit_short[low:high],
    )


def _no_bars(spec: StrategySpec, symbol: str, candles: Candles, settings: RunSettings, note: str) -> str:
    held = (
        f"they reach from {iso_minute(int(candles.time[0]))} to {iso_minute(int(candles.time[-1]))} UTC"
        if len(candles)
        else "there are none at all"
    )
    asked = " and ".join(
        f"{word} {iso_minute(time_ms)}"
        for word, time_ms in (("from", settings.start_ms), ("before", settings.end_ms))
        if time_ms is not None
    )
    return (
        f"There are no {spec.timeframe.value} bars of {symbol}{' ' if asked else ''}{asked} to test on "
        f"({spec.category.value}/{note}): {held}."
    )


def missing_bars(candles: Candles) -> tuple[int, int]:
    """(bars missing between the first and the last, in how many gaps)."""
    if len(candles) == 0:
        return 0, 0
    length = candles.timeframe.ms
    expected = (int(candles.time[-1]) - int(candles.time[0])) // length + 1
    if expected == len(candles):
        return 0, 0
    return expected - len(candles), int(np.count_nonzero(np.diff(candles.time) != length))


def _funding(
    spec: StrategySpec, store: Store, settings: RunSettings, symbol: str, start_ms: int, end_ms: int
) -> FundingPlan:
    if spec.category is not Category.LINEAR or not settings.costs.funding:
        return NO_FUNDING
    recorded = store.funding(spec.category, symbol)
    return plan_funding(recorded.time, recorded.rate, start_ms, end_ms)


def assumed_instrument(category: Category, symbol: str, candles: Candles) -> Instrument:
    """Rules for a symbol without recorded ones: the tick from the digits of its prices, lot 1e-8, no minimum."""
    # Here, because listing results must not load the kernel.
    from tradebot.engine.backtest.digits import decimals_seen

    decimals = 0
    for prices in (candles.open, candles.high, candles.low, candles.close):
        decimals = decimals_seen(frozen(prices), decimals)
    quote = quote_coin(symbol, None)
    return Instrument(
        symbol=symbol,
        category=category,
        base_coin=symbol.removesuffix(quote),
        quote_coin=quote,
        tick_size=Decimal(1).scaleb(-decimals),
        lot_size=_UNKNOWN_LOT,
        min_quantity=Decimal(0),
        min_notional=Decimal(0),
    )


def _check_quote_coins(instruments: Sequence[Instrument]) -> None:
    symbols = {
        instrument.quote_coin: instrument.symbol for instrument in instruments if instrument.quote_coin
    }
    if len(symbols) > 1:
        listed = ", ".join(f"{symbol} in {coin}" for coin, symbol in sorted(symbols.items()))
        raise InputError(
            f"strategy.symbols: one account keeps one quote coin, but these are traded in several ({listed}); "
            "use one strategy for each."
        )
