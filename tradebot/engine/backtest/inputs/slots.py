"""From a strategy and a store to what the simulation is given: symbols, bars, decisions, funding, instruments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

import numpy as np

from tradebot.engine.backtest.inputs.data_files import DataFile as DataFile  # part of this module's face
from tradebot.engine.backtest.inputs.data_files import bars_file, read_beside
from tradebot.engine.backtest.inputs.data_files import missing_bars as missing_bars
from tradebot.engine.backtest.inputs.engine_bars import WalkedBars, engine_timeframe, walked_bars
from tradebot.engine.backtest.inputs.funding import NO_FUNDING, FundingPlan, plan_funding
from tradebot.engine.backtest.inputs.margin_tiers import tier_columns
from tradebot.engine.backtest.inputs.marks import Marks, TradedBars, load_marks, mark_key, stored_marks
from tradebot.engine.backtest.inputs.price_sanity import Jumps, check_prices
from tradebot.engine.backtest.inputs.store_market import StoreMarket, file_key
from tradebot.engine.backtest.inputs.unchanged import FileStates, changed_files, states_of_symbol
from tradebot.engine.backtest.inputs.universe import quote_coin
from tradebot.engine.backtest.inputs.universe import resolve_symbols as resolve_symbols
from tradebot.engine.backtest.kernel.columns import frozen
from tradebot.engine.backtest.kernel.ledger import EngineBars, RunSettings, SymbolData
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.market import Candles, Category, DatasetKey, Instrument, RiskTier, Timeframe
from tradebot.engine.market.times import iso_minute
from tradebot.engine.store import Store
from tradebot.engine.strategy import Decisions, Registry, StrategySpec, decide
from tradebot.engine.strategy.node_cache import NodeCache

_UNKNOWN_LOT = Decimal("0.00000001")
_UNKNOWN_MINIMUM = Decimal(5)
_DOLLAR_COINS = ("USDT", "USDC")
_FEW_BARS = 1000
_NO_JUMPS = Jumps()
_MOST_READINGS = 2

MakeMarket = Callable[[Store, Category, str, Timeframe, RunSettings], StoreMarket]
"""What a strategy reads for one symbol on bars of one timeframe."""


@dataclass(frozen=True, slots=True)
class Assumed:
    """What was assumed of a symbol because it is not stored.

    `funding`: payments estimated. `instrument`, `tiers`: whether the trading rules, the margin tiers were assumed.
    `marks`: bars whose mark was estimated. `coarse`: decision bars walked as themselves because their finer bars are
    not complete. `volume`: no bar has any, so that nothing can be capped by it. `jumps`: bars whose prices may be
    wrong. `changed`: the files were written to while they were read.
    """

    funding: int = 0
    instrument: bool = False
    tiers: bool = False
    marks: int = 0
    coarse: int = 0
    volume: bool = False
    jumps: Jumps = _NO_JUMPS
    changed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class SlotInput:
    """One symbol of one strategy ready to be simulated, and what is to be told about its data.

    `file` is that of its bars, `others` are those that were read beside. `market` is what the strategy decided from,
    `history_bars` how many bars of it there are; the first one that is traded is `first_bar`. `states` are those of the
    symbol's files when they were read.
    """

    data: SymbolData
    file: DataFile
    others: tuple[DataFile, ...]
    assumed: Assumed
    market: StoreMarket
    history_bars: int
    first_bar: int
    states: FileStates = field(default_factory=dict)


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
    *,
    strategy: int = 0,
    engine: Timeframe | None = None,
) -> list[SlotInput]:
    """These symbols with their bars and decisions; `loaded` is called with each one that is ready.

    InputError where a symbol has no usable bars in the span, or the quote coins differ. With `nodes` the columns of
    indicators and signals are shared with other runs. `make_market` is how the store is read for one symbol.
    `strategy` is the number of this one in its run, `engine` the timeframe on which all strategies of the run are
    walked (None: this one's own).
    """
    loader = _Loader(
        spec=spec,
        registry=registry,
        store=store,
        settings=settings,
        with_hashes=with_hashes,
        nodes=nodes,
        make_market=make_market,
        strategy=strategy,
        engine=engine or engine_timeframe([spec]),
        instruments=store.instruments(),
        tiers=store.risk_limits(spec.category) if spec.category is Category.LINEAR else {},
    )
    inputs = []
    for symbol in symbols:
        cancel.check()
        inputs.append(loader.settled(symbol))
        loaded(symbol)
    check_quote_coins([one.data.instrument for one in inputs])
    return inputs


@dataclass(frozen=True, slots=True)
class _Loader:
    """Loads the symbols of one strategy."""

    spec: StrategySpec
    registry: Registry
    store: Store
    settings: RunSettings
    with_hashes: bool
    nodes: NodeCache | None
    make_market: MakeMarket
    strategy: int
    engine: Timeframe
    instruments: Mapping[tuple[Category, str], Instrument]
    tiers: Mapping[str, tuple[RiskTier, ...]]

    def settled(self, symbol: str) -> SlotInput:
        """A symbol of whose files bars and hashes are of one state; read again where they changed in between.

        Where they change all the time, as while a download writes them, `Assumed.changed` says so.
        """
        if not self.with_hashes:
            return self.load(symbol)
        for _ in range(_MOST_READINGS):
            before = states_of_symbol(self.store, self.spec.category, symbol)
            one = self.load(symbol)
            own = {
                key: before[key]
                for key in (one.file.key, *(file.key for file in one.others))
                if key in before
            }
            one = replace(one, states=own)
            if not changed_files(self.store, own):
                return one
        return replace(one, assumed=replace(one.assumed, changed=True))

    def load(self, symbol: str) -> SlotInput:
        """A symbol with its bars and decisions."""
        spec, category = self.spec, self.spec.category
        market = self.make_market(self.store, category, symbol, spec.timeframe, self.settings)
        history = market.candles(symbol, spec.timeframe)
        note = market.read[symbol, spec.timeframe][1]
        key = file_key(category, symbol, note, spec.timeframe)
        jumps = check_prices(key, history)
        decisions = decide(spec, self.registry, market, self.nodes)
        low, high = _span(history, self.settings)
        if low == high:
            raise InputError(_no_bars(spec, symbol, history, self.settings, note))
        candles = history.slice(low, high)
        volume_known = bool(np.any(candles.volume[:_FEW_BARS] > 0.0)) or bool(np.any(candles.volume > 0.0))
        walked = self._walked(symbol, candles)
        marks = self._marks(symbol, candles, walked)
        funding = self._funding(symbol, candles)
        instrument = self.instruments.get((category, symbol))
        tiers = tier_columns(self.tiers.get(symbol, ()))
        data = SymbolData(
            symbol,
            instrument or assumed_instrument(category, symbol, candles),
            candles if volume_known else replace(candles, volume=np.full(len(candles), np.nan)),
            cut(decisions, low, high),
            funding.time,
            funding.rate,
            strategy=self.strategy,
            engine=None if walked is None else _with_volume(walked.bars, volume_known),
            mark=marks.columns,
            tiers=tiers,
            delivery_ms=(instrument.delivery_ms or None) if instrument is not None else None,
        )
        return SlotInput(
            data=data,
            file=self._file(key, candles, note),
            others=tuple(self._others(symbol, market, walked, marks)),
            assumed=Assumed(
                funding=funding.estimated,
                instrument=instrument is None,
                tiers=tiers is None and category is Category.LINEAR,
                marks=marks.estimated,
                coarse=0 if walked is None else walked.coarse,
                volume=not volume_known,
                jumps=jumps,
            ),
            market=market,
            history_bars=len(history),
            first_bar=low,
        )

    def _walked(self, symbol: str, candles: Candles) -> WalkedBars | None:
        """The finer bars that fills are walked on, None where those are the decision bars."""
        if self.engine is self.spec.timeframe:
            return None
        start, end = int(candles.time[0]), int(candles.time[-1]) + self.spec.timeframe.ms
        try:
            finer = self.store.load_or_build(self.spec.category, symbol, self.engine, start, end)
        except InputError:
            return walked_bars(candles, None, self.engine)
        check_prices(file_key(self.spec.category, symbol, finer[1], self.engine), finer[0])
        return walked_bars(candles, finer[0], self.engine, finer[1])

    def _marks(self, symbol: str, candles: Candles, walked: WalkedBars | None) -> Marks:
        if self.spec.category is not Category.LINEAR:
            return Marks(None, 0)
        if not stored_marks(self.store, self.spec.category, symbol):
            return Marks(None, len(candles) if walked is None else len(walked.bars.time))
        if walked is None:
            lengths = np.full(len(candles), candles.timeframe.ms, dtype=np.int64)
            bars = TradedBars(candles.time, lengths, candles.open, candles.high, candles.low, candles.close)
        else:
            own = walked.bars
            bars = TradedBars(own.time, own.length_ms, own.open, own.high, own.low, own.close)
        return load_marks(self.store, self.spec.category, symbol, self.engine, bars)

    def _funding(self, symbol: str, candles: Candles) -> FundingPlan:
        if self.spec.category is not Category.LINEAR or not self.settings.costs.funding:
            return NO_FUNDING
        recorded = self.store.funding(self.spec.category, symbol)
        end_ms = int(candles.time[-1]) + self.spec.timeframe.ms
        return plan_funding(recorded.time, recorded.rate, int(candles.time[0]), end_ms)

    def _file(self, key: DatasetKey, candles: Candles, note: str) -> DataFile:
        return bars_file(self.store, key, candles, note, self.with_hashes)

    def _others(
        self, symbol: str, market: StoreMarket, walked: WalkedBars | None, marks: Marks
    ) -> Iterator[DataFile]:
        category = self.spec.category
        yield from read_beside(self.store, category, market, self.with_hashes)
        if walked is not None and walked.source is not None:
            key = file_key(category, symbol, walked.note, self.engine)
            yield self._file(key, walked.source, f"{walked.note}, walked")
        for candles, note in marks.sources:
            key = mark_key(category, symbol, note, candles.timeframe)
            yield self._file(key, candles, note)


def _with_volume(bars: EngineBars, known: bool) -> EngineBars:
    """Volume that is not known anywhere caps nothing."""
    return bars if known else replace(bars, volume=np.full(len(bars.time), np.nan))


def _span(candles: Candles, settings: RunSettings) -> tuple[int, int]:
    low = 0 if settings.start_ms is None else int(np.searchsorted(candles.time, settings.start_ms))
    high = len(candles) if settings.end_ms is None else int(np.searchsorted(candles.time, settings.end_ms))
    return low, max(low, high)


def cut(decisions: Decisions, low: int, high: int) -> Decisions:
    """The decisions on the bars low..high-1."""
    return replace(
        decisions,
        side=decisions.side[low:high],
        strength=decisions.strength[low:high],
        exit_long=decisions.exit_long[low:high],
        exit_short=decisions.exit_short[low:high],
        levels={key: column[low:high] for key, column in decisions.levels.items()},
        members={},
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


def assumed_instrument(category: Category, symbol: str, candles: Candles) -> Instrument:
    """Rules for a symbol without recorded ones: the tick from the digits of its prices, lot 1e-8, orders of 5 dollars.

    Nearly every instrument of Bybit that is priced in a dollar coin has that minimum, and without one the last crumbs
    of a used up balance would be traded and counted.
    """
    # Here, because listing results must not load the kernel.
    from tradebot.engine.backtest.kernel.digits import decimals_seen

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
        min_notional=_UNKNOWN_MINIMUM if quote in _DOLLAR_COINS else Decimal(0),
    )


def check_quote_coins(instruments: Sequence[Instrument]) -> None:
    """InputError where these instruments are not all priced in one coin."""
    symbols = {
        instrument.quote_coin: instrument.symbol for instrument in instruments if instrument.quote_coin
    }
    if len(symbols) > 1:
        listed = ", ".join(f"{symbol} in {coin}" for coin, symbol in sorted(symbols.items()))
        raise InputError(
            f"strategy.symbols: one account keeps one quote coin, but these are traded in several ({listed}); "
            "use one strategy for each."
        )
