"""The series of one strategy on one symbol: columns of the bars and indicators, each computed once.

Each node stands at a place, a symbol and a timeframe; what another place reads of it is what is visible at its own
closes (`market_data.visible`). A node's key names its whole definition and, with a cache, the data it is made from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from tradebot.engine.market import Candles, Float64, Int64
from tradebot.engine.strategy.market_data import MarketData, Place, first_visible, funding_at, visible
from tradebot.engine.strategy.node_cache import Columns, NodeCache
from tradebot.engine.strategy.plugin_guard import BrokenPluginError
from tradebot.engine.strategy.registry import (
    Declaration,
    IndicatorDeclaration,
    ParameterKind,
    Registry,
    Value,
    Values,
)
from tradebot.engine.strategy.series import (
    FUNDING,
    INPUT_COLUMNS,
    MARKET_SERIES,
    candle_series,
    output_of,
    split_reference,
)
from tradebot.engine.strategy.spec import IndicatorSpec, StrategySpec


@dataclass(frozen=True, slots=True)
class _Indicator:
    """An indicator at its place; `ready` is the number of bars of its place before its first value."""

    place: Place
    key: str
    ready: int
    declaration: IndicatorDeclaration
    parameters: Values
    sources: tuple[str, ...]


class SeriesNodes:
    """Series by their reference, at the closes of the bars that are decided on (the place `home`).

    With `readers`, how many nodes read each indicator, the columns of one are let go once its last reader has said
    `release`; asked for again they are computed again, or come from the cache.
    """

    def __init__(
        self,
        spec: StrategySpec,
        registry: Registry,
        market: MarketData,
        cache: NodeCache | None,
        readers: Readers | None = None,
    ) -> None:
        self._spec = spec
        self._declarations = registry.indicators
        self._market = market
        self._cache = cache
        self.home: Place = (market.symbol, spec.timeframe)
        self._bars: dict[Place, Candles] = {}
        self._closes: dict[Place, Int64] = {}
        self._columns: dict[tuple[Place, str], Float64] = {}
        self._nodes: dict[str, _Indicator] = {}
        self._kept: dict[str, Columns] = {}  # by key: two equal nodes are one
        self._readers = None if readers is None else readers.counting()
        self._views: dict[str, set[str]] = {}  # by a node's key: the keys of what others see of it
        self._whole: dict[tuple[Place, str], bool] = {}

    def bars(self, place: Place) -> Candles:
        """The bars of a place."""
        if place not in self._bars:
            self._bars[place] = self._market.candles(*place)
        return self._bars[place]

    def kept(self, key: str, compute: Callable[[], Columns]) -> Columns:
        """The columns of a key, computed once in this run, or taken from the cache where there is one."""
        if key not in self._kept:
            self._kept[key] = compute() if self._cache is None else self._cache.get(key, compute)
        return self._kept[key]

    def release(self, references: Iterable[str]) -> None:
        """One reader of these series is done with them."""
        if self._readers is None:
            return
        for name in {split_reference(reference)[0] for reference in references}:
            if self._readers.gone(name) and name in self._nodes:
                key = self._nodes[name].key
                for each in (key, *self._views.pop(key, ())):
                    self._kept.pop(each, None)

    # ---- what the signals read

    def series(self, reference: str) -> Float64:
        """The column that a reference names, as it is visible at the closes of `home`."""
        return self._read(reference, self.home)

    def key(self, reference: str) -> str:
        """The key of what `series` gives."""
        return self._read_key(reference, self.home)

    def column(self, name: str) -> Float64:
        """A column of the bars of `home`."""
        return self._column(self.home, name)

    def column_key(self, name: str) -> str:
        """The key of what `column` gives."""
        return self._column_key(self.home, name)

    def ready(self, reference: str) -> int:
        """The number of bars of `home` before the first value of a series."""
        return self._ready(reference, self.home)

    def own(self, indicator: str | IndicatorDeclaration, values: Values) -> tuple[Float64, int]:
        """An indicator on the bars of `home` that the strategy does not name, and the bars before its first value."""
        declaration = self._declarations[indicator] if isinstance(indicator, str) else indicator
        node = self._placed(IndicatorSpec("", declaration.name, values), declaration, [])
        return self._outputs(node)[0], node.ready

    # ---- columns of the bars

    def _column(self, place: Place, name: str) -> Float64:
        if (place, name) not in self._columns:
            if name == FUNDING:
                column = funding_at(self._market.funding(place[0]), self._closing(place))
            else:
                column = candle_series(self.bars(place), name)
            self._columns[place, name] = np.ascontiguousarray(column, dtype=np.float64)
        return self._columns[place, name]

    def _column_key(self, place: Place, name: str) -> str:
        symbol, timeframe = place
        if self._cache is None:
            return f"{symbol} {timeframe.value} {name}"
        funding = self._market.data_hash(symbol, None) if name == FUNDING else ""
        return f"{self._market.data_hash(symbol, timeframe)} {funding} {timeframe.value} {name}"

    def _closing(self, place: Place) -> Int64:
        if place not in self._closes:
            self._closes[place] = self.bars(place).close_time
        return self._closes[place]

    # ---- indicators

    def place(self, spec: IndicatorSpec) -> Place:
        """Where an indicator is computed."""
        return spec.symbol or self._market.symbol, spec.timeframe or self._spec.timeframe

    def _read(self, reference: str, reader: Place) -> Float64:
        name, output = split_reference(reference)
        if name in MARKET_SERIES:
            return self._column(reader, name)
        node = self._node(name)
        position = node.declaration.outputs.index(output_of(node.declaration, output))
        if node.place == reader:
            return self._outputs(node)[position]

        def seen() -> Columns:
            values = self._outputs(node)[position]
            return (visible(values, self.bars(node.place), self._closing(reader)),)

        key = self._read_key(reference, reader)
        self._views.setdefault(node.key, set()).add(key)
        column: Float64 = self.kept(key, seen)[0]
        return column

    def _outputs(self, node: _Indicator) -> tuple[Float64, ...]:
        return self.kept(node.key, lambda: self._compute(node))

    def _compute(self, node: _Indicator) -> Columns:
        names = node.declaration.inputs
        columns = [self._column(node.place, name) for name in names]
        columns += [self._read(source, node.place) for source in node.sources]
        whole = all(self._is_whole(node.place, name) for name in (*names, *node.sources))
        others = other_values(node.declaration, node.parameters)
        return compute_indicator(node.declaration, columns, node.parameters, others, whole)

    def _read_key(self, reference: str, reader: Place) -> str:
        name, output = split_reference(reference)
        if name in MARKET_SERIES:
            return self._column_key(reader, name)
        node = self._node(name)
        key = f"{node.key}.{output_of(node.declaration, output)}"
        return key if node.place == reader else f"{key} at {self._column_key(reader, 'time')}"

    def _ready(self, reference: str, reader: Place) -> int:
        name, _output = split_reference(reference)
        if name in MARKET_SERIES:
            return 0
        node = self._node(name)
        if node.place == reader:
            return node.ready
        return first_visible(node.ready, self.bars(node.place), self._closing(reader))

    def _node(self, wanted: str) -> _Indicator:
        """An indicator, computed after those it reads; without recursion, because chains may be long."""
        waiting = [wanted]
        while waiting:
            if waiting[-1] in self._nodes:
                waiting.pop()
                continue
            spec = self._spec.indicators[waiting[-1]]
            declaration = self._declarations[spec.use]
            sources = series_references(declaration, spec.parameters)
            names = [split_reference(source)[0] for source in sources]
            missing = [name for name in names if name not in MARKET_SERIES and name not in self._nodes]
            if missing:
                waiting.extend(missing)
            else:
                node = self._placed(spec, declaration, sources)
                self._nodes[waiting.pop()] = node
                self._evaluate(spec.name, node)
        return self._nodes[wanted]

    def _evaluate(self, name: str, node: _Indicator) -> None:
        """Compute a node as soon as its sources are there, so that a long chain is no long recursion."""
        try:
            self._outputs(node)
        except BrokenPluginError as fault:
            raise fault.at(f"indicators.{name}") from fault
        self.release(node.sources)

    def _placed(
        self, spec: IndicatorSpec, declaration: IndicatorDeclaration, sources: list[str]
    ) -> _Indicator:
        place = self.place(spec)
        keys = [self._column_key(place, name) for name in declaration.inputs]
        keys += [self._read_key(source, place) for source in sources]
        others = other_values(declaration, spec.parameters)
        key = node_key(declaration, keys or [self._column_key(place, "time")], others)
        before = max((self._ready(source, place) for source in sources), default=0)
        try:
            own = declaration.look_back(spec.parameters)
        except BrokenPluginError as fault:
            raise fault.at(f"indicators.{spec.name}") from fault
        return _Indicator(place, key, before + own, declaration, spec.parameters, tuple(sources))

    def _is_whole(self, place: Place, name: str) -> bool:
        """Whether a series is a column of the bars without a missing value; looked at once for each."""
        if name not in INPUT_COLUMNS:
            return False
        if (place, name) not in self._whole:
            self._whole[place, name] = not np.isnan(self._column(place, name)).any()
        return self._whole[place, name]


@dataclass(frozen=True, slots=True)
class Readers:
    """How many nodes read each indicator of a strategy; indicators of equal definitions are counted as one.

    `counts` is by the first name of each definition, which `first` gives for any name.
    """

    counts: Mapping[str, int]
    first: Mapping[str, str]

    def counting(self) -> ReaderCount:
        """A count that goes down."""
        return ReaderCount(dict(self.counts), self.first)


class ReaderCount:
    """The readers that are still to come."""

    def __init__(self, left: dict[str, int], first: Mapping[str, str]) -> None:
        self._left = left
        self._first = first

    def gone(self, name: str) -> bool:
        """Note that one reader of this indicator is done, and say whether it was the last."""
        name = self._first.get(name, name)
        if name not in self._left:
            return False
        self._left[name] -= 1
        return self._left[name] == 0


def keep_freed_pages() -> None:
    """Let the allocator keep the pages of freed columns for the next ones; call it before a computation."""
    # glibc hands the pages of freed columns back and faults them in again on the next call, which was measured to
    # take 8 of the 12 ms of a symbol-year of minutes. Having freed one block of nearly 32 MB, it keeps them; the
    # block itself is never touched and costs no memory. Elsewhere this does nothing.
    np.empty(30_000_000, dtype=np.uint8)


def node_key(declaration: Declaration, sources: Iterable[str], others: Mapping[str, Value]) -> str:
    """A short name of a computation: what is computed, from what, with which values."""
    compute = getattr(declaration, "compute", None)
    home = f"{getattr(compute, '__module__', '')}.{getattr(compute, '__qualname__', '')}"
    parts = (declaration.family, declaration.name, home, *sources, *map(repr, sorted(others.items())))
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


def compute_indicator(
    declaration: IndicatorDeclaration,
    columns: list[Float64],
    values: Values,
    others: Mapping[str, Value],
    whole: bool = False,
) -> tuple[Float64, ...]:
    """All outputs of an indicator on each stretch of bars on which every input has a value; NaN elsewhere.

    `values` are all its values, `others` those that are no series. `whole`: nothing is missing in any column.
    """
    look_back = declaration.look_back(values)
    size = len(columns[0])
    stretches = [(0, size)] if whole else list(_stretches(columns))
    if stretches == [(0, size)] and size > look_back:
        computed = _outputs(declaration.compute(*columns, **others))
        # An indicator may hand back one of its inputs, which belongs to everybody.
        shares = [any(np.may_share_memory(result, column) for column in columns) for result in computed]
        outputs = tuple(
            each.copy() if shared else each for each, shared in zip(computed, shares, strict=True)
        )
        for output in outputs:
            output[:look_back] = np.nan
        return outputs
    results = tuple(np.full(size, np.nan) for _ in declaration.outputs)
    for start, end in stretches:
        if end - start > look_back:
            parts = _outputs(declaration.compute(*(column[start:end] for column in columns), **others))
            for result_column, part in zip(results, parts, strict=True):
                result_column[start + look_back : end] = part[look_back:]
    return results


def _outputs(computed: Float64 | tuple[Float64, ...]) -> tuple[Float64, ...]:
    return (computed,) if isinstance(computed, np.ndarray) else tuple(computed)


def _stretches(columns: list[Float64]) -> Iterable[tuple[int, int]]:
    """Half-open ranges of bars on which no column is NaN."""
    missing = np.isnan(columns[0])
    for column in columns[1:]:
        missing |= np.isnan(column)
    if not missing.any():
        if len(missing):
            yield 0, len(missing)
        return
    edges = np.flatnonzero(np.diff(missing, prepend=True, append=True)).tolist()
    yield from zip(edges[::2], edges[1::2], strict=True)


def series_references(declaration: Declaration, values: Values) -> list[str]:
    """The series that a node names, in the order of its parameters; plain numbers left out."""
    texts = (values.get(each.name) for each in declaration.parameters if each.kind is ParameterKind.SERIES)
    return [text for text in texts if isinstance(text, str)]


def other_values(declaration: Declaration, values: Values) -> dict[str, Value]:
    """The values of a node that name no series."""
    return {
        each.name: values[each.name]
        for each in declaration.parameters
        if each.kind is not ParameterKind.SERIES and each.name in values
    }
