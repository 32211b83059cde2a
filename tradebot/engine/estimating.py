"""What a collection would bring and take, before it is started."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tradebot.engine.collect import CollectRequest, resolve_symbols
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import DatasetKey
from tradebot.engine.messages import CollectEstimate, SymbolChoice
from tradebot.engine.store import Store

PAGE_BARS = 1000
_BYTES_A_ROW = 62
_BYTES_A_MARK_ROW = 48
# What the collecting process stores beside everything else, as the whole run of tests/bench/bench_collect.py showed.
_BARS_A_SECOND = 107_000.0
_MOST_LOOKED_AT = 3000


def estimate(
    request: CollectRequest,
    top: int,
    listed: Sequence[SymbolChoice],
    store: Store,
    now_ms: int,
    requests_a_second: float,
) -> CollectEstimate:
    """Bars that are not stored yet of these symbols, their size in files, and the time it takes at the allowed rate.

    `listed` are the symbols of the category, the largest turnover first; with `top` only so many of them are meant.
    Raises InputError for a symbol that is not listed.
    """
    by_name = {choice.symbol: choice for choice in listed}
    symbols = _meant(request, top, listed)
    end_ms = min(request.until_ms or now_ms, now_ms)
    held = {info.key: info for info in store.datasets()}
    frames = [(frame, False) for frame in request.timeframes]
    frames += [(frame, True) for frame in request.mark_timeframes]
    bars = held_bars = requests = size = datasets = 0
    for symbol in symbols:
        start_ms = max(request.since_ms, by_name[symbol].launch_ms)
        for frame, of_marks in frames:
            datasets += 1
            key = DatasetKey.of(request.category, symbol, frame, of_marks)
            total = max(0, (end_ms - frame.ceil(start_ms)) // frame.ms)
            missing = total
            if key in held and datasets <= _MOST_LOOKED_AT:
                missing = _missing(store, key, start_ms, frame.floor(end_ms))
            held_bars += total - missing
            bars += missing
            requests += -(-missing // PAGE_BARS)
            size += missing * (_BYTES_A_MARK_ROW if of_marks else _BYTES_A_ROW)
    seconds = max(requests / requests_a_second, bars / _BARS_A_SECOND) if requests_a_second > 0 else None
    return CollectEstimate(len(symbols), datasets, bars, held_bars, size, requests, seconds)


def _meant(request: CollectRequest, top: int, listed: Sequence[SymbolChoice]) -> tuple[str, ...]:
    names: dict[str, Any] = dict.fromkeys(choice.symbol for choice in listed)
    meant = set(resolve_symbols(request.symbols, names, request.category))
    ranked = [name for name in names if name in meant]
    return tuple(ranked[:top] if top > 0 else ranked)


def _missing(store: Store, key: DatasetKey, start_ms: int, end_ms: int) -> int:
    try:
        ranges = store.missing(key, start_ms, end_ms)
    except InputError:
        ranges = [(start_ms, end_ms)]  # a damaged file says so when it is collected
    return sum(max(0, end - start) for start, end in ranges) // key.timeframe.ms
