"""Recorded bars and funding payments read from CSV files, in whole ticks and lots."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tradebot.engine.control.errors import InputError
from tradebot.engine.market import MINUTE_MS, Category, Float64, Int64, Timeframe
from tradebot.engine.simulator.bars import Bars

_NAME = re.compile(
    rf"(?P<symbol>[A-Z0-9]+)_(?P<what>{'|'.join(Timeframe.names())}|funding)(?P<mark>_mark)?\.csv(\.gz)?"
)
_PRICES = ["open", "high", "low", "close"]
# Whole numbers beyond this are not all 64-bit floats.
_EXACT = 2**53
_MOST_DECIMALS = 12
_EXACT_PANDAS = (3, 1)
_LARGEST = 9 * 10**18


class RecordedFile(NamedTuple):
    """One file of a recording; `timeframe` is None for funding."""

    path: Path
    category: Category
    symbol: str
    timeframe: Timeframe | None
    mark: bool


@dataclass(frozen=True, slots=True)
class Recording:
    """Bars of one symbol and timeframe, in order. Decimals say what a tick, a lot and a unit of turnover are."""

    timeframe: Timeframe
    bars: Bars
    tick_decimals: int
    lot_decimals: int
    turnover_decimals: int

    @property
    def parts(self) -> int:
        """Minutes of one bar."""
        return self.timeframe.ms // MINUTE_MS


def recorded_files(folder: Path) -> Iterator[RecordedFile]:
    """The files of a recording by name: `<category>/<SYMBOL>_<timeframe>.csv[.gz]`, or all in one folder (linear)."""
    places = [(folder / category.value, category) for category in Category]
    for place, category in [*places, (folder, Category.LINEAR)]:
        if not place.is_dir():
            continue
        for path in sorted(place.iterdir()):
            named = _NAME.fullmatch(path.name)
            if named is None:
                continue
            what = named["what"]
            timeframe = None if what == "funding" else Timeframe(what)
            yield RecordedFile(path, category, named["symbol"], timeframe, named["mark"] is not None)


def read_bars(path: Path, timeframe: Timeframe) -> Recording:
    """Read a file of bars. Raises InputError where it cannot be one."""
    table = _read(path, ("timestamp", *_PRICES), ("volume", "turnover"))
    time = table["timestamp"].astype(np.int64)
    off = np.flatnonzero((time - timeframe.grid_offset_ms) % timeframe.ms)
    if len(off):
        raise InputError(
            f"{path} cannot be replayed: the time {time[off[0]]} is no open time of a bar of {timeframe.value}; "
            "expected UTC milliseconds on the timeframe's grid."
        )
    prices = np.stack([table[name] for name in _PRICES])
    volume, recorded = np.nan_to_num(table["volume"]), table["turnover"]
    bad = np.flatnonzero(np.isnan(prices).any(axis=0) | (prices < 0).any(axis=0) | (volume < 0))
    if len(bad):
        raise InputError(
            f"{path} cannot be replayed: the bar of {time[bad[0]]} lacks a price, or has a number below zero."
        )
    ticks, tick_decimals = to_units(prices)
    lots, lot_decimals = to_units(volume)
    turnover, turnover_decimals = to_units(np.nan_to_num(recorded))
    missing = np.isnan(recorded)
    if missing.all():
        turnover_decimals = tick_decimals + lot_decimals
    if missing.any():
        guess = lots[missing].astype(np.float64) * ticks[:, missing].sum(axis=0) / 4
        scale = 10.0 ** (turnover_decimals - tick_decimals - lot_decimals)
        turnover[missing] = np.rint(guess * scale).astype(np.int64)
    bars = Bars(time, ticks[0], ticks[1], ticks[2], ticks[3], lots, turnover)
    return Recording(timeframe, bars, tick_decimals, lot_decimals, turnover_decimals)


def read_funding(path: Path) -> dict[int, float]:
    """Settled rates by time in UTC ms. Raises InputError where the file cannot be one of funding."""
    table = _read(path, ("timestamp", "funding_rate"))
    times = table["timestamp"].astype(np.int64)
    return dict(zip(times.tolist(), table["funding_rate"].tolist(), strict=True))


def to_units(values: Float64) -> tuple[Int64, int]:
    """Decimal numbers as whole units of 10**-decimals, with the fewest decimals that lose nothing.

    Numbers too large for that in 64 bits are rounded to as many decimals as fit.
    """
    largest = float(np.max(np.abs(values), initial=0.0))
    decimals = 0
    while decimals <= _MOST_DECIMALS and largest * 10.0**decimals < _LARGEST:
        units = _exact_units(values, decimals)
        if units is not None:
            return units, decimals
        decimals += 1
    return np.rint(values * 10.0 ** (decimals - 1)).astype(np.int64), decimals - 1


def _exact_units(values: Float64, decimals: int) -> Int64 | None:
    """Whole units of 10**-decimals; None where a number has more decimals than that."""
    units = np.rint(values * 10.0**decimals).astype(np.int64)
    # Below 2**53 both sides of the division are exact, so the quotient is the very number that was read.
    doubtful = (units / 10.0**decimals != values) | (np.abs(units) >= _EXACT)
    for position in zip(*np.nonzero(doubtful), strict=True):
        exact = Decimal(repr(float(values[position]))).scaleb(decimals)
        if exact != int(exact):
            return None
        units[position] = int(exact)
    return units


def _read(path: Path, needed: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, Float64]:
    """The file's columns by rising time, the later row where a time comes twice; what is missing is NaN."""
    options: dict[str, Any] = {}
    if tuple(int(part) for part in pd.__version__.split(".")[:2]) < _EXACT_PANDAS:
        options["float_precision"] = "round_trip"  # the default of older versions is off by a last digit
    try:
        names = pd.read_csv(path, nrows=0, encoding="utf-8-sig").columns
        columns = [*needed, *(name for name in optional if name in names)]
        frame = pd.read_csv(path, usecols=columns, dtype=np.float64, encoding="utf-8-sig", **options)
    except (OSError, ValueError, EOFError):
        raise InputError(
            f"{path} cannot be replayed; expected a CSV file with the columns {','.join(needed)} and a number in each."
        ) from None
    rows = frame[columns].to_numpy()
    if not len(rows) or np.isnan(rows[:, 0]).any():
        missing = "it has no rows" if not len(rows) else "a row has no time"
        raise InputError(f"{path} cannot be replayed: {missing}.")
    # The last of equal times is the first of the reversed file.
    _, order = np.unique(rows[::-1, 0], return_index=True)
    rows = rows[::-1][order]
    table = {name: rows[:, number] for number, name in enumerate(columns)}
    return table | {name: np.full(len(rows), np.nan) for name in optional if name not in table}
