"""Commands about the chart, answered from the store: the visible window of bars with what is drawn on them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeGuard, get_args

import numpy as np

from tradebot.engine.chart_columns import Window, forming_bar, price_decimals
from tradebot.engine.chart_indicators import IndicatorTexts, chart_spec, indicator_label
from tradebot.engine.chart_market import ChartMarket, StoredBars, bars_behind
from tradebot.engine.chart_messages import (
    ChartCommand,
    ChartLine,
    ChartSignal,
    ChartTrade,
    ChartView,
    GetChart,
    GetChartIndicators,
)
from tradebot.engine.control.errors import InputError, TradebotError, did_you_mean
from tradebot.engine.market import Category, Timeframe
from tradebot.engine.store import Store
from tradebot.engine.strategy import Registry, StrategySpec, decide, parse_strategy
from tradebot.engine.strategy.market_data import Place
from tradebot.engine.strategy.needs import data_needs
from tradebot.engine.strategy.node_cache import NodeCache
from tradebot.engine.strategy.nodes import SeriesNodes, series_references
from tradebot.engine.strategy.series import MARKET_SERIES, NO_PRICES, split_reference
from tradebot.engine.strategy.spec import IndicatorSpec, Trigger

if TYPE_CHECKING:
    from tradebot.engine.backtest.results.result import BacktestResult

__all__ = ["MOST_CANDLES", "ChartQueries", "is_chart_command"]

MOST_CANDLES = 4_000
"""More candles than any screen is wide, with its margins."""
_NODE_BUDGET_BYTES = 64_000_000
_MOST_MARKS = 2_000
_COMPILING = "Indicators are compiled once for this version; in some seconds they are drawn by themselves."


def is_chart_command(command: object) -> TypeGuard[ChartCommand]:
    """Whether a command is one of those that are answered here."""
    return isinstance(command, get_args(ChartCommand))


class _SupersededError(Exception):
    """A newer request came."""


@dataclass(frozen=True, slots=True)
class _Ground:
    """What one answer is about: the window, and the bars of the chart itself."""

    category: Category
    symbol: str
    timeframe: Timeframe
    window: Window
    stored: StoredBars
    check: Callable[[], None]

    @property
    def span(self) -> tuple[int, int]:
        return self.window.start_ms, self.window.end_ms


class ChartQueries:
    """Answers on the calling thread; a newer generation gives up older ones between two steps. Thread-safe.

    `read_strategy` gives the text of a saved strategy, `read_result` a stored result; both raise InputError. `kernels`
    tells their state and why they failed: until they are ready no indicator is drawn, for it would be compiled here.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        read_strategy: Callable[[str], str],
        read_result: Callable[[str], BacktestResult],
        kernels: Callable[[], tuple[str, str]] = lambda: ("ready", ""),
    ) -> None:
        self._store = store
        self._registry = registry
        self._read_strategy = read_strategy
        self._read_result = read_result
        self._kernels = kernels
        self._nodes = NodeCache(_NODE_BUDGET_BYTES)
        self._lock = threading.Lock()
        self._newest = 0
        self._texts: IndicatorTexts | None = None

    def answer(self, command: ChartCommand) -> Any:
        """The reply to a command. Raises TradebotError where it is refused."""
        match command:
            case GetChart():
                return self._chart(command)
            case GetChartIndicators():
                return self._spoken().choices()

    def _spoken(self) -> IndicatorTexts:
        with self._lock:
            if self._texts is None:
                self._texts = IndicatorTexts(self._registry)
            return self._texts

    def _chart(self, command: GetChart) -> ChartView:
        with self._lock:
            self._newest = max(self._newest, command.generation)
        try:
            return self._window(command, time.perf_counter())
        except _SupersededError:
            return ChartView(command.generation, "superseded")

    def _check(self, generation: int) -> None:
        if generation and generation < self._newest:
            raise _SupersededError

    def _window(self, command: GetChart, began: float) -> ChartView:
        category, timeframe, symbol = (
            _category(command.category),
            _timeframe(command.timeframe),
            command.symbol,
        )
        if not 1 <= command.candles <= MOST_CANDLES or command.group < 1:
            raise InputError(f"A chart has 1 to {MOST_CANDLES} candles of at least one bar each.")
        stored = StoredBars(self._store, category)
        bars, source = stored.get(symbol, timeframe)
        first_ms, last_ms = int(bars.time[0]), int(bars.time[-1])
        window = Window.of(timeframe, command.group, command.candles, command.start_ms, last_ms)
        ground = _Ground(
            category, symbol, timeframe, window, stored, partial(self._check, command.generation)
        )
        ground.check()
        problems: list[str] = []
        lines, signals = self._computed(ground, command, problems)
        trades, trade_count = self._trades(ground, command.result_id, problems)
        rules = self._store.instruments().get((category, symbol))
        open_, high, low, close, volume = window.candles(bars)
        return ChartView(
            generation=command.generation,
            symbol=symbol,
            category=category.value,
            timeframe=timeframe.value,
            group=command.group,
            start_ms=window.start_ms,
            unit_ms=window.unit_ms,
            open=open_,
            high=high,
            low=low,
            close=close,
            volume=volume,
            decimals=price_decimals(bars) if rules is None else rules.price_decimals,
            first_ms=first_ms,
            last_ms=last_ms,
            forming=forming_bar(
                bars_behind(self._store, category, symbol, timeframe, last_ms + timeframe.ms)
            ),
            lines=tuple(lines),
            signals=signals,
            trades=trades,
            trade_count=trade_count,
            source=source,
            problems=tuple(problems),
            took_ms=(time.perf_counter() - began) * 1000,
        )

    def _computed(
        self, ground: _Ground, command: GetChart, problems: list[str]
    ) -> tuple[list[ChartLine], tuple[ChartSignal, ...]]:
        """What is drawn from indicators and signals; nothing while the kernels are not there, which is a problem."""
        if not command.indicators and not command.strategy:
            return [], ()
        state, sentence = self._kernels()
        if state != "ready":
            problems.append(sentence if state == "failed" else _COMPILING)
            return [], ()
        lines = self._picked(ground, command.indicators, problems)
        if not command.strategy:
            return lines, ()
        more, signals = self._strategy(ground, command.strategy, problems)
        return lines + more, signals

    # ------------------------------------------------------------------------------------------ indicators

    def _picked(self, ground: _Ground, texts: tuple[str, ...], problems: list[str]) -> list[ChartLine]:
        """Indicators asked for by their texts; one that cannot be drawn is a problem and no more."""
        lines: list[ChartLine] = []
        for text in dict.fromkeys(texts):
            ground.check()
            try:
                spec = replace(self._spoken().read(text), name="picked")
                chart = chart_spec(ground.category, ground.symbol, ground.timeframe, {"picked": spec})
                lines += self._lines(ground, chart, {"picked": text})
            except TradebotError as error:
                problems.append(error.sentence)
        return lines

    def _lines(self, ground: _Ground, spec: StrategySpec, sources: Mapping[str, str]) -> list[ChartLine]:
        """All outputs of the indicators named in `sources`, each with the source it is told by."""
        recursive = any(self._registry.indicators[each.use].recursive for each in spec.indicators.values())
        market = ChartMarket(
            self._store,
            ground.category,
            ground.stored,
            ground.symbol,
            ground.span,
            self._look_backs(ground, spec),
            recursive,
        )
        # Columns of a window alone are cheap and would only push the others out.
        nodes = SeriesNodes(spec, self._registry, market, self._nodes if recursive else None)
        bars = market.candles(ground.symbol, ground.timeframe)
        lines: list[ChartLine] = []
        for name, source in sources.items():
            ground.check()
            indicator = spec.indicators[name]
            declaration = self._registry.indicators[indicator.use]
            label = indicator_label(declaration, indicator)
            for output in declaration.outputs:
                values = nodes.series(f"{name}.{output}")
                named = label if len(declaration.outputs) == 1 else f"{label} {output.replace('_', ' ')}"
                pane = label if output == "direction" else self._pane(spec, name) or label
                lines.append(ChartLine(source, named, pane, ground.window.last_values(bars, values)))
        return lines

    def _pane(self, spec: StrategySpec, name: str) -> str:
        """Where an indicator is drawn: "price", the pane of the indicator it is made from, or "" for one of its own."""
        while True:
            indicator = spec.indicators[name]
            declaration = self._registry.indicators[indicator.use]
            if declaration.plot != "price":
                return ""
            sources = [
                split_reference(each)[0] for each in series_references(declaration, indicator.parameters)
            ]
            if not sources or (sources[0] in MARKET_SERIES and sources[0] not in NO_PRICES):
                return "price"
            if sources[0] in NO_PRICES:
                return ""
            name = sources[0]
            below = self._registry.indicators[spec.indicators[name].use]
            if below.plot != "price":
                return indicator_label(below, spec.indicators[name])

    def _look_backs(self, ground: _Ground, spec: StrategySpec) -> dict[Place, int]:
        """Bars needed before the first value, by place: the sum over a chain is not more than that over all."""
        needed: dict[Place, int] = {}
        for each in spec.indicators.values():
            place = (each.symbol or ground.symbol, each.timeframe or ground.timeframe)
            own = self._registry.indicators[each.use].look_back(each.parameters)
            needed[place] = needed.get(place, 0) + own
        return needed

    # ------------------------------------------------------------------------------------------ strategies

    def _strategy(
        self, ground: _Ground, name: str, problems: list[str]
    ) -> tuple[list[ChartLine], tuple[ChartSignal, ...]]:
        """The indicators of a saved strategy and what it decides for this symbol, at its own timeframe."""
        try:
            spec = parse_strategy(self._read_strategy(name), name, self._registry)
            own = {
                each.name: replace(each, timeframe=each.timeframe or spec.timeframe)
                for each in spec.indicators.values()
                if each.enabled
            }
            told = {each: _without_own(own[each], ground.timeframe) for each in own}
            shown = replace(spec, timeframe=ground.timeframe, indicators=told)
            lines = self._lines(ground, shown, {each: f"{name}: {each}" for each in own})
            ground.check()
            return lines, self._decided(ground, spec)
        except TradebotError as error:
            problems.append(error.sentence)
            return [], ()

    def _decided(self, ground: _Ground, spec: StrategySpec) -> tuple[ChartSignal, ...]:
        needs = {
            (need.symbol or ground.symbol, need.timeframe): need.look_back
            for need in data_needs(spec, self._registry)
            if need.timeframe is not None
        }
        market = ChartMarket(
            self._store, ground.category, ground.stored, ground.symbol, ground.span, needs, whole=True
        )
        decisions = decide(spec, self._registry, market, self._nodes)
        times = market.candles(ground.symbol, spec.timeframe).time
        side = decisions.side
        entries = side != 0
        if spec.entry.trigger is not Trigger.EDGE:
            entries = entries & (np.diff(side, prepend=np.int8(0)) != 0)
        found: list[tuple[int, str]] = []
        for where, kind in (
            (entries & (side > 0), "long"),
            (entries & (side < 0), "short"),
            (_begins(decisions.exit_long), "exit long"),
            (_begins(decisions.exit_short), "exit short"),
        ):
            inside = times[where]
            inside = inside[(inside >= ground.span[0]) & (inside < ground.span[1])]
            found += [(int(at), kind) for at in inside[-_MOST_MARKS:]]
        return tuple(ChartSignal(at, kind) for at, kind in sorted(found))

    # ------------------------------------------------------------------------------------------ trades

    def _trades(
        self, ground: _Ground, result_id: str, problems: list[str]
    ) -> tuple[tuple[ChartTrade, ...], int]:
        """The trades of a result on this symbol, at most those nearest to the window, and how many there are."""
        if not result_id:
            return (), 0
        from tradebot.engine.backtest.kernel.codes import ExitReason

        try:
            result = self._read_result(result_id)
        except TradebotError as error:
            problems.append(error.sentence)
            return (), 0
        rows = result.trades
        slots = [slot for slot, symbol in enumerate(result.symbols) if symbol == ground.symbol]
        rows = rows[np.isin(rows["slot"], slots)]
        if not len(rows):
            problems.append(f"The result {result_id} has no trades of {ground.symbol}.")
            return (), 0
        near = rows
        if len(rows) > _MOST_MARKS:
            after = int(np.searchsorted(np.sort(rows["entry_time"]), sum(ground.span) // 2))
            first = max(0, min(after - _MOST_MARKS // 2, len(rows) - _MOST_MARKS))
            near = rows[np.argsort(rows["entry_time"], kind="stable")][first : first + _MOST_MARKS]
        return tuple(
            ChartTrade(
                trade_id=int(row["trade_id"]),
                leg=int(row["leg"]),
                side="long" if row["side"] > 0 else "short",
                entry_ms=int(row["entry_time"]),
                entry_price=float(row["entry_price"]),
                exit_ms=int(row["exit_time"]),
                exit_price=float(row["exit_price"]),
                pnl=float(row["pnl"]),
                reason=ExitReason(int(row["exit_reason"])).name.lower(),
            )
            for row in near
        ), len(rows)


def _begins(column: np.ndarray[Any, np.dtype[np.bool_]]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Where a column turns true."""
    begins = column.copy()
    begins[1:] &= ~column[:-1]
    return begins


def _without_own(spec: IndicatorSpec, timeframe: Timeframe) -> IndicatorSpec:
    """An indicator without a timeframe of its own where that is the chart's, so that it is not told in its name."""
    return replace(spec, timeframe=None) if spec.timeframe is timeframe else spec


def _category(text: str) -> Category:
    names = [each.value for each in Category]
    if text not in names:
        raise InputError(f"{text!r} is not a category; choose one of {', '.join(names)}.")
    return Category(text)


def _timeframe(text: str) -> Timeframe:
    names = Timeframe.names()
    if text not in names:
        raise InputError(
            f"{text!r} is not a timeframe; choose from {', '.join(names)}.{did_you_mean(text, names)}"
        )
    return Timeframe(text)
