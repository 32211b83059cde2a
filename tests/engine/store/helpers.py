"""Bars for the tests of the data layer."""

from __future__ import annotations

from pathlib import Path

from tradebot.engine.market import BarRow, DatasetKey, Timeframe

START_MS = 1_704_067_200_000  # 2024-01-01, a Monday
KEY = DatasetKey("linear", "BTCUSDT", "1m")


def bar(index: int, timeframe: Timeframe = Timeframe.M1, price: str | None = None) -> BarRow:
    """A sound bar at a place on the grid; its digits tell which one it is."""
    low = price or f"{100 + index % 50}.10"
    high = str(float(low) + 2)
    return BarRow(
        START_MS + index * timeframe.ms, low, high, low, high, f"{index % 7}.500", f"{abs(index)}.25"
    )


def bars(*indexes: int) -> list[BarRow]:
    return [bar(index) for index in indexes]


def text_of(rows: list[BarRow]) -> str:
    """The CSV that holds these rows."""
    lines = [",".join([str(row.time_ms), *row[1:]]) for row in rows]
    return "timestamp,open,high,low,close,volume,turnover\n" + "".join(line + "\n" for line in lines)


def write(path: Path, text: str) -> None:
    """Write text with the line ends it has, on Windows too."""
    path.write_bytes(text.encode())
