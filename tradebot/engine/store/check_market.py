"""What the bars of a dataset say together: gaps, frozen feeds, spikes, amounts that do not fit the prices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tradebot.engine.control.progress import counted
from tradebot.engine.market import DAY_MS, HOUR_MS, Category, DatasetKey, Float64, Int64, Timeframe
from tradebot.engine.market.times import iso_date, iso_minute
from tradebot.engine.store.check_findings import Finding, Level, span_text
from tradebot.engine.store.holes import Hole
from tradebot.engine.store.parsing import Columns

# A bar is a spike where it sticks out over both of its neighbours by this many times the dataset's median range. In
# a year of BTC minutes ten bars do, in ten months of the 5m bars of eight perpetuals none to five each.
SPIKE_RANGES = 20.0
# Below this nothing is called a spike: in a quiet market one tick of a cheap coin is many median ranges.
_LEAST_SPIKE = 0.01
# A rule about what is usual needs enough bars to know it.
_ENOUGH_BARS = 200
_FROZEN_BARS = 12
# The mean price that turnover and volume imply may leave low..high by this much for their rounding.
_AMOUNT_TOLERANCE = 0.01


def gap_findings(time: Int64, timeframe: Timeframe, holes: Sequence[Hole]) -> list[Finding]:
    """Bars missing between rising times on the grid: a failure, but those the exchange itself lacks."""
    breaks = np.flatnonzero(np.diff(time) != timeframe.ms)
    gaps = [(int(time[place]) + timeframe.ms, int(time[place + 1])) for place in breaks]
    known, unknown = told_apart(gaps, holes)
    findings = []
    if unknown:
        count = sum(end - start for start, end in unknown) // timeframe.ms
        sentence = f"{_bars_are(count)} missing {span_text(unknown, '', 'gaps')}."
        findings.append(Finding(Level.FAILURE, "gap", sentence, count, tuple(unknown)))
    if known:
        count = sum(end - start for start, end in known) // timeframe.ms
        seen = iso_date(max(hole.seen_ms for hole in holes))
        where = span_text(known, "", "holes")
        sentence = f"{_bars_are(count)} missing at the exchange itself (asked on {seen}) {where}."
        findings.append(Finding(Level.INFO, "hole", sentence, count, tuple(known)))
    return findings


def told_apart(
    gaps: Sequence[tuple[int, int]], holes: Sequence[Hole]
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The parts of rising gaps that are holes of the exchange, and the other parts."""
    known: list[tuple[int, int]] = []
    unknown: list[tuple[int, int]] = []
    ordered = sorted((hole.start_ms, hole.end_ms) for hole in holes)
    first = 0
    for start, end in gaps:
        while first < len(ordered) and ordered[first][1] <= start:
            first += 1
        place = start
        for hole_start, hole_end in ordered[first:]:
            if hole_start >= end:
                break
            low, high = max(place, hole_start), min(end, hole_end)
            if low > place:
                unknown.append((place, low))
            if high > low:
                known.append((low, high))
                place = high
        if place < end:
            unknown.append((place, end))
    return known, unknown


def _bars_are(count: int) -> str:
    return "1 bar is" if count == 1 else f"{count:,} bars are"


def market_findings(columns: Columns, key: DatasetKey, now_ms: int) -> list[Finding]:
    """Findings about readable rows of a dataset as a market's bars; mark prices have no volume to look at."""
    timeframe = key.timeframe
    rising = len(columns) < 2 or bool(np.all(columns.time[1:] > columns.time[:-1]))
    findings = [] if key.mark else _volume_findings(columns, key)
    frozen = _longest_frozen_run(columns)
    least = max(_FROZEN_BARS, -(-HOUR_MS // timeframe.ms)) if key.mark else _FROZEN_BARS
    if frozen is not None and frozen[1] >= least:
        first, count = frozen
        start = int(columns.time[first])
        end = int(columns.time[first + count - 1]) + timeframe.ms
        what = "the same prices" if key.mark else "the same prices and volume"
        sentence = f"{count:,} bars from {iso_minute(start)} to {iso_minute(end)} repeat {what}, as a frozen feed does."
        findings.append(Finding(Level.WARNING, "stale", sentence, count, ((start, end),)))
    if rising:
        findings += _spikes(columns, timeframe)
    last = int(columns.time.max())
    if last > now_ms:
        count = int(np.count_nonzero(columns.time > now_ms))
        sentence = (
            f"{counted(count, 'bar')} up to {iso_minute(last)} lie in the future: "
            "a wrong unit or clock made them, or this machine's clock is behind."
        )
        findings.append(Finding(Level.WARNING, "future", sentence, count))
    age_days = (now_ms - last - timeframe.ms) // DAY_MS
    if age_days >= 1:
        sentence = f"The last bar is of {iso_minute(last)}, {counted(age_days, 'day')} ago."
        findings.append(Finding(Level.INFO, "age", sentence))
    return findings


def _volume_findings(columns: Columns, key: DatasetKey) -> list[Finding]:
    findings = []
    volume = columns.values[4]
    none = volume == 0
    count = int(np.count_nonzero(none))
    if count:
        longest = _longest_run(none)[1]
        run = f", at most {longest:,} in a row" if longest > 1 else ""
        sentence = f"{count:,} of {len(volume):,} bars ({count / len(volume):.1%}) have no volume{run}."
        findings.append(Finding(Level.INFO, "zero_volume", sentence, count))
    return [*findings, *_amounts(columns, key)]


def _amounts(columns: Columns, key: DatasetKey) -> list[Finding]:
    """Whether turnover and volume imply a price inside the bars, in the middle of all bars that have both."""
    _, high, low, _, volume, turnover = columns.values
    both = (volume > 0) & (turnover > 0) & (low > 0)
    if np.count_nonzero(both) < _ENOUGH_BARS:
        return []
    # An inverse contract counts its volume in dollars and its turnover in coins.
    first, second = (volume, turnover) if key.category == Category.INVERSE.value else (turnover, volume)
    implied = first[both] / second[both]
    middle = (high[both] + low[both]) / 2
    ratio = float(np.median(implied / middle))
    below, above = float(np.median(low[both] / middle)), float(np.median(high[both] / middle))
    if below * (1 - _AMOUNT_TOLERANCE) <= ratio <= above * (1 + _AMOUNT_TOLERANCE):
        return []
    sentence = (
        f"Turnover and volume imply {ratio:.4g} times the price in the median of {np.count_nonzero(both):,} bars, "
        "expected 1: are they those of this symbol, in its coins?"
    )
    return [Finding(Level.WARNING, "turnover", sentence, int(np.count_nonzero(both)))]


def _spikes(columns: Columns, timeframe: Timeframe) -> list[Finding]:
    """Bars far above or below both neighbours, so that the price jumped and came back.

    What counts is by how much (as a logarithm) the bar's extreme lies beyond those of both neighbours, against the
    median range (high over low) of all bars that move at all.
    """
    _, high, low, _, *_ = columns.values
    if len(columns) < _ENOUGH_BARS or not bool(np.all((low > 0) & (high >= low))):
        return []
    beyond, usual = _excursions(high, low)
    if not usual:
        return []
    gap = np.diff(columns.time) != timeframe.ms
    beyond[gap[1:] | gap[:-1]] = 0.0
    threshold = max(SPIKE_RANGES * usual, _LEAST_SPIKE)
    places = np.flatnonzero(beyond > threshold) + 1
    if not len(places):
        return []
    worst = int(places[np.argmax(beyond[places - 1])])
    size = float(np.expm1(beyond[worst - 1]))
    bars = "1 bar leaves" if len(places) == 1 else f"{len(places):,} bars leave"
    sentence = (
        f"{bars} both neighbours by more than {np.expm1(threshold):.2%} and come back ({SPIKE_RANGES:.0f} times the "
        f"median range), the farthest by {size:.1%} at {iso_minute(int(columns.time[worst]))}."
    )
    times = columns.time[
        places[np.argsort(-beyond[places - 1], kind="stable")]
    ].tolist()  # the farthest first
    spans = tuple((time, time + timeframe.ms) for time in times)
    return [Finding(Level.WARNING, "spike", sentence, len(places), spans)]


def _excursions(high: Float64, low: Float64) -> tuple[Float64, float]:
    """For all bars but the first and last how far they stick out over both neighbours; and the median range."""
    upper, lower = np.log(high), np.log(low)
    above = upper[1:-1] - np.maximum(upper[:-2], upper[2:])
    below = np.minimum(lower[:-2], lower[2:]) - lower[1:-1]
    ranges = upper - lower
    moving = ranges[ranges > 0]
    return np.maximum(above, below), float(np.median(moving)) if len(moving) else 0.0


def _longest_frozen_run(columns: Columns) -> tuple[int, int] | None:
    """First bar and length of the longest run of bars that are equal in everything but time (with volume, where
    there is such a column: without trades nothing changes).
    """
    open_, high, low, close, *amounts = columns.values
    same = amounts[0][1:] > 0 if amounts else np.ones(max(0, len(open_) - 1), np.bool_)
    for column in (open_, high, low, close, *amounts[:1]):
        same &= column[1:] == column[:-1]
    first, length = _longest_run(same)
    return (first, length + 1) if length else None


def _longest_run(marks: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[int, int]:
    """First place and length of the longest run of True; length 0 where there is none."""
    edged = np.zeros(len(marks) + 2, np.int8)
    edged[1:-1] = marks
    edges = np.flatnonzero(edged[1:] != edged[:-1])
    if not len(edges):
        return 0, 0
    starts, ends = edges[::2], edges[1::2]
    longest = int(np.argmax(ends - starts))
    return int(starts[longest]), int(ends[longest] - starts[longest])
