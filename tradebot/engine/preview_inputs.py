"""What previews are run on: bars, marks, funding and rules are loaded once, and decided on anew for every edit."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from tradebot.engine.backtest.inputs.slots import SlotInput, cut, load_inputs
from tradebot.engine.backtest.kernel.ledger import RunSettings
from tradebot.engine.backtest.lint.lint import LintFinding, lint_strategy
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.market import HOUR_MS, Category, Timeframe
from tradebot.engine.preview_market import DataLook, FileHistories, PreviewMarket, WatchedNodes
from tradebot.engine.store import Store
from tradebot.engine.strategy import Registry, StrategySpec, decide
from tradebot.engine.strategy.needs import data_needs, participants
from tradebot.engine.strategy.node_cache import NodeCache

_KEPT = 3
_MOST_KEPT_BARS = 1_500_000

Counted = Callable[[float, str], None]
"""Told the share of the deciding that is done, and what was done."""


class PreviewInputs:
    """The inputs of the last few previews, kept while the files they come from keep their rows."""

    def __init__(self, store: Store, registry: Registry, histories: FileHistories, nodes: NodeCache) -> None:
        self._store = store
        self._registry = registry
        self._histories = histories
        self._nodes = nodes
        self._kept: OrderedDict[tuple[object, ...], list[SlotInput]] = OrderedDict()

    def inputs(
        self, spec: StrategySpec, settings: RunSettings, look: DataLook, counted: Counted, cancel: CancelToken
    ) -> list[SlotInput]:
        """The symbols of `spec` with its decisions. Raises InputError and CancelledError like `load_inputs`."""
        before = self._before(spec)
        read = sorted({*spec.symbols, *(name for (name, _), _ms in before if name)})
        key = (
            *(spec.category, spec.symbols, spec.timeframe, spec.execution),
            *(settings.start_ms, settings.end_ms, settings.costs.funding),
            *(before, tuple(look.state(spec.category, symbol) for symbol in read)),
        )
        nodes = _Progress(spec, self._registry, self._nodes, counted, cancel)
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return [self._decided(spec, one, nodes) for one in kept]
        made = load_inputs(
            spec,
            self._registry,
            self._store,
            settings,
            spec.symbols,
            nodes.symbol_done,
            cancel,
            with_hashes=False,
            nodes=nodes.cache,
            make_market=self._maker(dict(before)),
        )
        if sum(len(one.data.candles) for one in made) <= _MOST_KEPT_BARS:
            self._kept[key] = made
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return made

    def lint(self, spec: StrategySpec, settings: RunSettings, cancel: CancelToken) -> tuple[LintFinding, ...]:
        """What is most likely wrong with a strategy, on the columns of its last run where they are kept."""
        market = self._maker(dict(self._before(spec)))
        return lint_strategy(
            spec, self._registry, self._store, settings, spec.symbols, cancel, self._nodes, market
        )

    def _decided(self, spec: StrategySpec, one: SlotInput, nodes: _Progress) -> SlotInput:
        """The same bars with the decisions of another strategy."""
        decisions = decide(spec, self._registry, one.market, nodes.cache)
        nodes.symbol_done(one.data.symbol)
        bars = decisions.side[one.first_bar : one.first_bar + len(one.data.candles)]
        cut_to = cut(decisions, one.first_bar, one.first_bar + len(bars))
        return replace(one, data=replace(one.data, decisions=cut_to))

    def _before(self, spec: StrategySpec) -> tuple[tuple[tuple[str, Timeframe], int], ...]:
        """How long before the span the bars of each place are needed, in ms; rounded up to powers of two hours.

        Rounded, so that a length that grows a little does not ask for other bars.
        """
        needed: dict[tuple[str, Timeframe], int] = {}
        for need in data_needs(spec, self._registry):
            if need.timeframe is not None:
                place = need.symbol, need.timeframe
                hours = -(-need.before_ms // HOUR_MS)
                needed[place] = max(needed.get(place, 0), (1 << hours.bit_length()) * HOUR_MS)
        return tuple(sorted(needed.items(), key=lambda item: (item[0][0], item[0][1].ms)))

    def _maker(
        self, before: dict[tuple[str, Timeframe], int]
    ) -> Callable[[Store, Category, str, Timeframe, RunSettings], PreviewMarket]:
        def before_ms(symbol: str, timeframe: Timeframe) -> int:
            own = before.get(("", timeframe), 0)
            return max(own, before.get((symbol, timeframe), 0))

        def market(
            store: Store, category: Category, symbol: str, timeframe: Timeframe, settings: RunSettings
        ) -> PreviewMarket:
            return PreviewMarket(store, category, symbol, timeframe, settings, self._histories, before_ms)

        return market


class _Progress:
    """Counts the nodes and symbols that were decided, and asks before each node whether the run is still wanted."""

    def __init__(
        self, spec: StrategySpec, registry: Registry, shared: NodeCache, counted: Counted, cancel: CancelToken
    ) -> None:
        used = participants(spec, registry)
        self._total = max(1, len(used.indicators) + len(used.members))
        self._symbols = len(spec.symbols)
        self._ready = 0
        self._counted = counted
        self.cache = WatchedNodes(shared, cancel, self._node_done)
        self._in_symbol = 0

    def _node_done(self) -> None:
        self._in_symbol += 1
        share = (self._ready + min(1.0, self._in_symbol / self._total)) / self._symbols
        self._counted(min(1.0, share), f"{self._in_symbol} of {self._total} indicators and signals")

    def symbol_done(self, symbol: str) -> None:
        """All of a symbol is decided."""
        self._ready += 1
        self._in_symbol = 0
        self._counted(self._ready / self._symbols, f"decided {symbol}")
