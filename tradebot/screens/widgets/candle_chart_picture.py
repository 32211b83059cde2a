"""What the chart draws, as plain values: the picture, its lines, marks and paths, and what is missing in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tradebot.screens import formats

__all__ = [
    "ChartPicture",
    "Column",
    "Path",
    "PictureLine",
    "PictureMark",
    "gaps_of",
    "newest_slots",
    "pane_value",
    "slots_that_fit",
]

Column = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class PictureLine:
    """A line over the slots; `pane` is "price", or the name of the pane below that it stands in.

    Lines of one `source` belong together.
    """

    label: str
    tone: str
    pane: str
    values: Column
    source: str = ""


@dataclass(frozen=True, slots=True)
class PictureMark:
    """A glyph below or above the candle of a slot, or as near to `price` as it goes."""

    slot: int
    glyph: str
    below: bool
    tone: str
    price: float | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """A straight line between two slots and prices, such as from a trade's entry to its exit."""

    first: int
    first_price: float
    last: int
    last_price: float
    tone: str


@dataclass(frozen=True, slots=True)
class ChartPicture:
    """What is drawn: a value for each slot, None where no bar is; slot n opens at `start_ms` + n * `unit_ms`.

    `pitch` are the cells from one candle to the next. Bars are known from `first_ms` to `last_ms`: a slot between them
    without a bar is a gap. `last` is the price on the axis, `cursor` the slot that is pointed at. `axis` cells on the
    right hold the prices. `levels` are prices that something waits for. `stale` says that `last` has not been
    heard of for a while.
    """

    start_ms: int = 0
    unit_ms: int = 60_000
    open: Column = ()
    high: Column = ()
    low: Column = ()
    close: Column = ()
    volume: Column = ()
    pitch: int = 1
    decimals: int = 2
    axis: int = 11
    first_ms: int = 0
    last_ms: int = 0
    lines: tuple[PictureLine, ...] = ()
    marks: tuple[PictureMark, ...] = ()
    paths: tuple[Path, ...] = ()
    last: float | None = None
    cursor: int | None = None
    with_volume: bool = True
    muted: bool = False
    levels: tuple[float, ...] = ()
    stale: bool = False


def slots_that_fit(width: int, pitch: int, axis: int) -> int:
    """How many candles a drawing of that width has room for."""
    return max(1, (width - axis - 1) // pitch)


def newest_slots(picture: ChartPicture, most: int) -> ChartPicture:
    """The picture without its oldest slots where it has more than `most`: it was made for a wider drawing."""
    cut = len(picture.close) - most
    if cut <= 0:
        return picture
    return replace(
        picture,
        start_ms=picture.start_ms + cut * picture.unit_ms,
        open=picture.open[cut:],
        high=picture.high[cut:],
        low=picture.low[cut:],
        close=picture.close[cut:],
        volume=picture.volume[cut:],
        lines=tuple(replace(line, values=line.values[cut:]) for line in picture.lines),
        marks=tuple(replace(mark, slot=mark.slot - cut) for mark in picture.marks),
        paths=tuple(
            replace(path, first=path.first - cut, last=path.last - cut)
            for path in picture.paths
            if path.first >= cut
        ),
        cursor=picture.cursor - cut if picture.cursor is not None and picture.cursor >= cut else None,
    )


def pane_value(value: float) -> str:
    """A value of an indicator in at most seven characters or so: `58.3`, `1,204`, `0.00123`, `2.10M`."""
    size = abs(value)
    if size >= 100_000:
        return formats.count(value)
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 10 or size == 0:
        return f"{value:.1f}"
    return f"{value:.3f}" if size >= 0.1 else f"{value:.3g}"


def gaps_of(picture: ChartPicture) -> list[tuple[int, int]]:
    """Half-open ranges of slots between the first and the last bar stored that have none."""
    found: list[tuple[int, int]] = []
    for slot, close in enumerate(picture.close):
        time_ms = picture.start_ms + slot * picture.unit_ms
        if close is not None or time_ms + picture.unit_ms <= picture.first_ms or time_ms > picture.last_ms:
            continue
        if found and found[-1][1] == slot:
            found[-1] = (found[-1][0], slot + 1)
        else:
            found.append((slot, slot + 1))
    return found
