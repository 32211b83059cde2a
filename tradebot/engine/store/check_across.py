"""`data check` of a dataset as a whole: its file, and what the other files of its symbol say about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tradebot.engine.control.errors import InputError
from tradebot.engine.control.progress import counted
from tradebot.engine.market import Candles, Category, DatasetKey, Float64, Timeframe
from tradebot.engine.market.times import iso_minute
from tradebot.engine.store.check_findings import CheckReport, Finding, Level
from tradebot.engine.store.resample import buckets, can_build, resample

if TYPE_CHECKING:
    from tradebot.engine.store.store import Store

# Sums of volumes differ in their last digits by the order they were added up in.
_SAME = 1e-6
# A mark price that is this far from the last traded one belongs to another coin or another time.
MARK_DISTANCE = 0.05


def check_dataset(store: Store, key: DatasetKey) -> CheckReport:
    """Everything that can be said against a dataset; InputError only where there is none.

    Beside the file itself: bars of a finer file of the symbol that make other bars than it holds, and a mark price
    far from the traded one. A finer or traded file that cannot be read is said by its own check.
    """
    report = store.check(key)
    if report.first_ms is None or report.last_ms is None:
        return report
    try:
        candles = store.load(key)
    except InputError:
        return report  # what is wrong with its rows is in the report already
    span = (report.first_ms, report.last_ms + key.timeframe.ms)
    found = [_finer_finding(store, key, candles, span)]
    if key.mark:
        found.append(_mark_finding(store, key, candles, span))
    return report.with_findings(finding for finding in found if finding is not None)


def _finer_finding(store: Store, key: DatasetKey, held: Candles, span: tuple[int, int]) -> Finding | None:
    finer = _finest(store, key)
    if finer is None:
        return None
    try:
        source = store.load(finer, *span)
    except InputError:
        return None
    times, count = np.unique(buckets(source.time, key.timeframe), return_counts=True)
    whole = times[count == key.timeframe.ms // finer.timeframe.ms]
    built = resample(source, key.timeframe)
    shared, here, there = np.intersect1d(held.time, built.time, assume_unique=True, return_indices=True)
    inside = np.isin(shared, whole, assume_unique=True)
    here, there = here[inside], there[inside]
    differ = np.zeros(len(here), np.bool_)
    for one, other in _pairs(held, built):
        differ |= _apart(one[here], other[there])
    if not differ.any():
        return None
    times = held.time[here[differ]]
    sentence = (
        f"{counted(len(times), 'bar')} of {len(here):,} shared with {finer.file_name} differ from what its bars make, "
        f"the first at {iso_minute(int(times[0]))}: one of the two files is wrong."
    )
    spans = tuple((time, time + key.timeframe.ms) for time in times.tolist())
    return Finding(Level.WARNING, "finer", sentence, len(times), spans)


def _finest(store: Store, key: DatasetKey) -> DatasetKey | None:
    """The finest other dataset of the symbol that bars of this one can be made of."""
    for timeframe in Timeframe:
        other = DatasetKey(key.category, key.symbol, timeframe.value, key.mark)
        if can_build(key.timeframe, timeframe) and store.parts.layout.bars(other).exists():
            return other
    return None


def _pairs(held: Candles, built: Candles) -> list[tuple[Float64, Float64]]:
    return [
        (held.open, built.open),
        (held.high, built.high),
        (held.low, built.low),
        (held.close, built.close),
        (held.volume, built.volume),
    ]


def _apart(one: Float64, other: Float64) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Where two columns differ by more than rounding; what one of them does not know differs from nothing."""
    known = ~np.isnan(one) & ~np.isnan(other)
    far = np.abs(one - other) > _SAME * np.maximum(np.abs(one), np.abs(other))
    return np.asarray(known & far)


def _mark_finding(store: Store, key: DatasetKey, held: Candles, span: tuple[int, int]) -> Finding | None:
    try:
        traded, file = store.load_or_build(Category(key.category), key.symbol, key.timeframe, *span)
    except InputError:
        return None
    times, here, there = np.intersect1d(held.time, traded.time, assume_unique=True, return_indices=True)
    distance = np.abs(np.log(held.close[here] / traded.close[there]))
    far = distance > np.log1p(MARK_DISTANCE)
    if not far.any():
        return None
    worst = int(np.argmax(distance))
    sentence = (
        f"{counted(int(np.count_nonzero(far)), 'bar')} of {len(times):,} shared with {file} close more than "
        f"{MARK_DISTANCE:.0%} away from the traded price, the farthest {np.expm1(distance[worst]):.1%} at "
        f"{iso_minute(int(times[worst]))}."
    )
    spans = tuple((time, time + key.timeframe.ms) for time in times[far].tolist())
    return Finding(Level.WARNING, "mark", sentence, len(spans), spans)
