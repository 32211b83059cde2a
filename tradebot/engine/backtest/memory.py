"""How much memory a backtest takes, estimated from what is stored before anything is loaded.

Stored bars are mapped from their column caches and take none of it. What does: bars that are built from finer ones,
the columns of decisions, levels and marks, the row of each step, and while a symbol is decided its indicators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from tradebot.engine.backtest.inputs.engine_bars import engine_timeframe
from tradebot.engine.backtest.inputs.prepare import Asked
from tradebot.engine.backtest.inputs.universe import resolve_universe
from tradebot.engine.control.memory import Lease, MemoryBudget
from tradebot.engine.control.progress import CancelToken, counted
from tradebot.engine.market import Category, DatasetKey, Timeframe
from tradebot.engine.store import DatasetInfo, Store
from tradebot.engine.strategy.levels import level_columns

__all__ = ["Need", "lease_for", "memory_needed", "with_universe"]

_FIXED_BYTES = 40_000_000
_COLUMN = 8
_BUILT_BAR = 7 * _COLUMN
_DECISION = 8
_WALKED = 17
_MARK = 4 * _COLUMN
_ROW = 2 * 4 * _COLUMN
_SPARE_COLUMNS = 3


@dataclass(frozen=True, slots=True)
class Need:
    """About how much a run takes, and of what: bars on which its strategies decide, of so many symbols."""

    bytes: int
    bars: int
    symbols: int

    @property
    def words(self) -> str:
        """`8 symbols, 692,832 bars`."""
        return f"{counted(self.symbols, 'symbol')}, {counted(self.bars, 'bar')}"


def with_universe(asked: Sequence[Asked], store: Store) -> list[Asked]:
    """The same with their symbols resolved, so that it is done once. InputError where that cannot be."""
    return [
        one
        if one.universe is not None
        else replace(one, universe=resolve_universe(one.spec, store, one.settings))
        for one in asked
    ]


def memory_needed(asked: Sequence[Asked], store: Store) -> Need:
    """About how much a run of these takes; `asked` with their universes. A symbol without bars takes nothing."""
    engine = engine_timeframe([one.spec for one in asked])
    stored = _Stored(store.datasets())
    held = bars = 0
    deciding = 0
    symbols: set[str] = set()
    spans: list[tuple[int, int]] = []
    for one in asked:
        spec = one.spec
        columns = len(spec.indicators) + len(spec.signals) + _SPARE_COLUMNS
        each_bar = _DECISION + _COLUMN * len(level_columns(spec))
        for symbol in () if one.universe is None else one.universe.symbols:
            span = stored.span(spec.category, symbol)
            if span is None:
                continue
            own = (span[1] - span[0]) // spec.timeframe.ms
            built = 0 if stored.has(spec.category, symbol, spec.timeframe) else _BUILT_BAR
            walked = _clipped(span, one.settings.start_ms, one.settings.end_ms)
            steps = (walked[1] - walked[0]) // engine.ms
            each_step = (_WALKED if engine is not spec.timeframe else 0) + (
                _MARK if stored.has_marks(spec.category, symbol) else 0
            )
            held += own * (each_bar + built) + steps * each_step
            deciding = max(deciding, own * columns * _COLUMN)
            bars += own
            symbols.add(symbol)
            spans.append(walked)
    clock = max(end for _, end in spans) - min(start for start, _ in spans) if spans else 0
    rows = clock // engine.ms * _ROW
    return Need(_FIXED_BYTES + held + max(deciding, rows), bars, len(symbols))


def lease_for(
    asked: Sequence[Asked],
    store: Store,
    memory: MemoryBudget,
    cancel: CancelToken,
    waits: Callable[[str], None],
) -> Lease:
    """The memory of a run, once it is there. ShortfallError where it is more than background work may take."""
    need = memory_needed(asked, store)
    return memory.take(need.bytes, need.words, cancel, waits)


class _Stored:
    """What is stored of each symbol, by first and last bar of its files."""

    def __init__(self, infos: Iterable[DatasetInfo]) -> None:
        self._keys: set[DatasetKey] = set()
        self._spans: dict[tuple[str, str], tuple[int, int]] = {}
        self._marks: set[tuple[str, str]] = set()
        for info in infos:
            key = info.key
            place = key.category, key.symbol
            if key.mark:
                self._marks.add(place)
            elif info.first_ms is not None and info.last_ms is not None:
                self._keys.add(key)
                first, last = self._spans.get(place, (info.first_ms, info.last_ms))
                end = max(last, info.last_ms + key.timeframe.ms)
                self._spans[place] = min(first, info.first_ms), end

    def span(self, category: Category, symbol: str) -> tuple[int, int] | None:
        return self._spans.get((category.value, symbol))

    def has(self, category: Category, symbol: str, timeframe: Timeframe) -> bool:
        return DatasetKey.of(category, symbol, timeframe) in self._keys

    def has_marks(self, category: Category, symbol: str) -> bool:
        return (category.value, symbol) in self._marks


def _clipped(span: tuple[int, int], start_ms: int | None, end_ms: int | None) -> tuple[int, int]:
    low = span[0] if start_ms is None else max(span[0], start_ms)
    high = span[1] if end_ms is None else min(span[1], end_ms)
    return low, max(low, high)
