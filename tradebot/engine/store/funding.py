"""Funding payments: times and rates of a perpetual, in `<SYMBOL>_funding.csv`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tradebot.engine.control.errors import InputError
from tradebot.engine.market import HOUR_MS, Float64, Int64
from tradebot.engine.store.layout import FUNDING
from tradebot.engine.store.lines import Lines
from tradebot.engine.store.parsing import parse_funding, split_table
from tradebot.engine.store.reading import read_file
from tradebot.engine.store.rows import form_problem
from tradebot.engine.store.side_files import read_journal

LONGEST_INTERVAL_MS = 8 * HOUR_MS


@dataclass(frozen=True, slots=True, eq=False)
class Funding:
    """Payments in rising order of time (UTC ms); `rate` is the fraction of the position that longs pay shorts."""

    time: Int64
    rate: Float64

    def __len__(self) -> int:
        return len(self.time)


def read_funding(path: Path) -> Funding:
    """The payments of a file and its journal, none where there is no file; InputError with the line of a bad row."""
    try:
        _, data = read_file(path)
        columns = parse_funding(split_table(data, path, FUNDING).body, path, FUNDING)
        time, rate = columns.time, columns.values[0]
    except FileNotFoundError:
        time, rate = np.empty(0, np.int64), np.empty(0)
    journal = read_journal(path).lines
    if len(journal):
        waiting = parse_funding(journal.text, path.with_name(path.name + ".journal"), FUNDING)
        new = ~np.isin(waiting.time, time)
        time, rate = np.concatenate((time, waiting.time[new])), np.concatenate((rate, waiting.values[0][new]))
        order = np.argsort(time)
        time, rate = time[order], rate[order]
    return Funding(time, rate)


def funding_lines(rows: Sequence[tuple[int, str]]) -> Lines:
    """Lines of payments (UTC ms, rate in the exchange's digits); InputError for one that is none."""
    for time_ms, rate in rows:
        problem = form_problem([str(time_ms), rate], FUNDING)
        if problem:
            raise InputError(f"A funding payment cannot be stored: {problem}.")
    text = "".join([f"{time_ms},{rate}\n" for time_ms, rate in rows])
    return Lines(text.encode(), np.array([row[0] for row in rows], dtype=np.int64)).sorted_unique()


def missing_payments(time: Int64, start_ms: int, end_ms: int) -> list[tuple[int, int]]:
    """Half-open ranges inside [start, end) in which payments may exist that are not among `time`.

    Intervals differ between symbols and change, but none is longer than 8 hours: between two payments more than 8
    hours apart something is missing. Before the first and after the last it is where at least the interval seen
    at that end (8 hours where only one payment is known) lies open.
    """
    if start_ms >= end_ms:
        return []
    inside = time[(time >= start_ms - LONGEST_INTERVAL_MS) & (time < end_ms + LONGEST_INTERVAL_MS)]
    if not len(inside):
        return [(start_ms, end_ms)]
    steps = np.diff(inside)
    first_step = min(int(steps[0]), LONGEST_INTERVAL_MS) if len(steps) else LONGEST_INTERVAL_MS
    last_step = min(int(steps[-1]), LONGEST_INTERVAL_MS) if len(steps) else LONGEST_INTERVAL_MS
    ranges: list[tuple[int, int]] = []
    if int(inside[0]) - start_ms >= first_step:
        ranges.append((start_ms, int(inside[0])))
    for position in np.flatnonzero(steps > LONGEST_INTERVAL_MS):
        low, high = int(inside[position]) + 1, int(inside[position + 1])
        ranges.append((max(low, start_ms), min(high, end_ms)))
    if end_ms - int(inside[-1]) > last_step:
        ranges.append((max(start_ms, int(inside[-1]) + 1), end_ms))
    return [(low, high) for low, high in ranges if low < high]
