"""One symbol's data as the lint looks at it: the decisions where all is there, and what is lacking where not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from tradebot.engine.backtest.inputs.data_files import missing_bars
from tradebot.engine.backtest.inputs.slots import MakeMarket
from tradebot.engine.backtest.inputs.store_market import StoreMarket
from tradebot.engine.backtest.kernel.ledger import RunSettings
from tradebot.engine.backtest.lint.types import LintSlot
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import Candles, Category, DatasetKey, Instrument, RiskTier, Timeframe
from tradebot.engine.store import Store
from tradebot.engine.strategy import Decisions, Registry, StrategySpec, decide
from tradebot.engine.strategy.needs import DataNeed, data_needs
from tradebot.engine.strategy.node_cache import NodeCache

_TINY = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class Lacking:
    """A need that nothing in the store meets; `said` is the store's sentence where there are files but none fits."""

    need: DataNeed
    symbol: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Depth:
    """How many bars a need found up to the end of the span, and when they begin (UTC ms)."""

    need: DataNeed
    symbol: str
    bars: int
    first_ms: int


@dataclass(frozen=True, slots=True, eq=False)
class SymbolLook:
    """What was found for one symbol. The span is what would be tested: `bars` from `first_ms` to `last_ms`.

    `warm_up` of its bars pass before the first decision; `missing` bars in `gaps` are not there. `slot` is None where
    something lacks that the decisions read.
    """

    symbol: str
    slot: LintSlot | None
    lacking: tuple[Lacking, ...] = ()
    depths: tuple[Depth, ...] = ()
    first_ms: int = 0
    last_ms: int = 0
    bars: int = 0
    warm_up: int = 0
    missing: int = 0
    gaps: int = 0
    ruled: bool = True
    tiered: bool = True
    funded: bool = True


class DataDesk:
    """Looks at the data of one symbol after the other, for one strategy."""

    def __init__(
        self,
        spec: StrategySpec,
        registry: Registry,
        store: Store,
        settings: RunSettings,
        nodes: NodeCache | None = None,
        make_market: MakeMarket = StoreMarket,
    ) -> None:
        self._spec = spec
        self._registry = registry
        self._store = store
        self._settings = settings
        self._nodes = nodes
        self._make_market = make_market
        self._needs = data_needs(spec, registry)
        self._instruments: Mapping[tuple[Category, str], Instrument] = store.instruments()
        self._with_tiers = spec.category is Category.LINEAR and spec.risk.leverage > 1.0
        tiers = store.risk_limits(spec.category) if self._with_tiers else {}
        self._tiers: Mapping[str, tuple[RiskTier, ...]] = tiers

    def look(self, symbol: str) -> SymbolLook:
        """What there is for this symbol, and its decisions where nothing lacks that they need."""
        spec, start_ms = self._spec, self._settings.start_ms
        market = self._make_market(self._store, spec.category, symbol, spec.timeframe, self._settings)
        lacking, depths = self._needed(market, symbol)
        if any(each.need.timeframe is spec.timeframe and not each.need.symbol for each in lacking):
            return SymbolLook(symbol, None, lacking, depths)
        home = market.candles(symbol, spec.timeframe)
        low = 0 if start_ms is None else int(np.searchsorted(home.time, start_ms))
        span = home.slice(low, len(home))
        if not len(span) or any(not each.need.execution for each in lacking):
            return self._described(SymbolLook(symbol, None, lacking, depths), span)
        decisions = decide(spec, self._registry, market, self._nodes, keep_members=True)
        look = SymbolLook(symbol, None, lacking, depths, warm_up=max(0, decisions.warm_up - low))
        return replace(
            self._described(look, span),
            slot=self._slot(symbol, span, _from(decisions, low), min(look.warm_up, len(span))),
        )

    def _needed(self, market: StoreMarket, symbol: str) -> tuple[tuple[Lacking, ...], tuple[Depth, ...]]:
        lacking, depths = [], []
        for need in self._needs:
            owner = need.symbol or symbol
            try:
                if need.timeframe is None:
                    market.funding(owner)
                elif need.execution:
                    self._find_finer(owner, need.timeframe)
                else:
                    candles = market.candles(owner, need.timeframe)
                    first_ms = int(candles.time[0]) if len(candles) else 0
                    depths.append(Depth(need, owner, len(candles), first_ms))
            except InputError as error:
                fits = need.timeframe is not None and self._holds(owner, need.timeframe)
                lacking.append(Lacking(need, owner, error.sentence if fits else ""))
        return tuple(lacking), tuple(depths)

    def _find_finer(self, symbol: str, timeframe: Timeframe) -> None:
        start_ms, end_ms = self._settings.start_ms, self._settings.end_ms
        self._store.load_or_build(self._spec.category, symbol, timeframe, start_ms, end_ms)

    def _holds(self, symbol: str, timeframe: Timeframe) -> bool:
        """Whether there are bars of a symbol that could be those of a timeframe, though they cannot be used."""
        finer = (each for each in Timeframe if each.ms <= timeframe.ms and timeframe.ms % each.ms == 0)
        held = set(self._store.keys())
        return any(DatasetKey.of(self._spec.category, symbol, each) in held for each in finer)

    def _described(self, look: SymbolLook, span: Candles) -> SymbolLook:
        if not len(span):
            return look
        spec = self._spec
        missing, gaps = missing_bars(span)
        pays = spec.category is Category.LINEAR and self._settings.costs.funding
        return replace(
            look,
            first_ms=int(span.time[0]),
            last_ms=int(span.time[-1]),
            bars=len(span),
            missing=missing,
            gaps=gaps,
            ruled=(spec.category, look.symbol) in self._instruments,
            tiered=not self._with_tiers or bool(self._tiers.get(look.symbol)),
            funded=not pays or len(self._store.funding(spec.category, look.symbol)) > 0,
        )

    def _slot(self, symbol: str, span: Candles, decisions: Decisions, first: int) -> LintSlot:
        instrument = self._instruments.get((self._spec.category, symbol))
        return LintSlot(
            symbol=symbol,
            instrument=instrument or _without_rules(self._spec.category, symbol),
            candles=span,
            decisions=decisions,
            first=first,
            tiers=self._tiers.get(symbol, ()),
            ruled=instrument is not None,
        )


def _without_rules(category: Category, symbol: str) -> Instrument:
    """No tick, lot or minimum that anything could be held against."""
    return Instrument(symbol, category, symbol, "", _TINY, _TINY, Decimal(0), Decimal(0))


def _from(decisions: Decisions, low: int) -> Decisions:
    """Decisions of the span; the columns of members are cut by `LintSlot.members`."""
    return replace(
        decisions,
        side=decisions.side[low:],
        strength=decisions.strength[low:],
        exit_long=decisions.exit_long[low:],
        exit_short=decisions.exit_short[low:],
        levels={key: column[low:] for key, column in decisions.levels.items()},
    )
