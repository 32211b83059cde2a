"""A watched symbol as cells and sentences: plain functions from the engine's quotes to text. No widgets here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tradebot.engine.messages import DatasetView, QuoteView
from tradebot.screens import formats
from tradebot.screens.dashboard_trends import Day
from tradebot.screens.widgets.palette import Line

__all__ = [
    "SORTS",
    "STALE_MS",
    "Moves",
    "Stored",
    "extremes",
    "facts_of",
    "funding_text",
    "number_of",
    "price_cell",
    "quote_line",
    "stored_of",
]

STALE_MS = 15_000
"""A price this old without a message stands still, whatever it says."""
_FRESH_MS = 400


@dataclass(frozen=True, slots=True)
class Stored:
    """What of a symbol is on disk: its category, its timeframes with when they begin, shortest first."""

    category: str
    frames: tuple[tuple[str, int], ...] = ()
    live: bool = False


def stored_of(datasets: Iterable[DatasetView]) -> dict[str, Stored]:
    """What is on disk by symbol; of a symbol in several categories the followed one."""
    found: dict[tuple[str, str], list[DatasetView]] = {}
    for each in datasets:
        if each.rows and not each.mark:
            found.setdefault((each.symbol, each.category), []).append(each)
    stored: dict[str, Stored] = {}
    for (symbol, category), mine in found.items():
        live = any(each.state == "live" for each in mine)
        if symbol not in stored or (live and not stored[symbol].live):
            stored[symbol] = Stored(category, tuple((each.timeframe, each.first_ms) for each in mine), live)
    return stored


def number_of(text: str) -> float | None:
    """A price in the exchange's digits as a number; None for what is none."""
    try:
        return float(text)
    except ValueError:
        return None


class Moves:
    """Which way each price went last, which of its digits changed, and for how long that stands out."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}
        self._moved: dict[str, tuple[int, int, int]] = {}

    def look(self, quotes: Iterable[QuoteView], now_ms: int) -> None:
        """Compare with the prices of the look before."""
        for quote in quotes:
            before = self._last.get(quote.symbol)
            if before is not None and before != quote.last:
                first, last = number_of(before), number_of(quote.last)
                direction = 1 if first is not None and last is not None and last > first else -1
                self._moved[quote.symbol] = (direction, _same(before, quote.last), now_ms + _FRESH_MS)
            self._last[quote.symbol] = quote.last

    def of(self, symbol: str, now_ms: int) -> tuple[int, int]:
        """(1 up, -1 down, 0 not lately; how many first characters of the grouped price stayed the same)."""
        direction, same, until_ms = self._moved.get(symbol, (0, 0, 0))
        return (direction, same) if now_ms < until_ms else (0, 0)


def _same(before: str, after: str) -> int:
    """How many first characters of two grouped prices are the same; none where they are not equally long."""
    one, other = formats.grouped(before), formats.grouped(after)
    if len(one) != len(other):
        return 0
    return next(
        (n for n, (left, right) in enumerate(zip(one, other, strict=True)) if left != right), len(one)
    )


def price_cell(last: str, move: tuple[int, int]) -> Line:
    """A price whose changed digits stand out, with an arrow behind it that says which way they went."""
    text = formats.grouped(last)
    direction, same = move
    if not direction:
        return ((text, "text"), (" ", ""))
    tone = f"{formats.tone_of(direction)} bold"
    return ((text[:same], "text"), (text[same:], tone), (formats.arrow(direction), tone))


def extremes(day: Day, last: str) -> tuple[str, str]:
    """Lowest and highest price of a day with the decimals of the last one."""
    if not day:
        return formats.NOTHING, formats.NOTHING
    decimals = len(last.partition(".")[2])
    return f"{day.low:,.{decimals}f}", f"{day.high:,.{decimals}f}"


def funding_text(rate: float | None) -> str:
    """A funding rate in percent as short as it goes: `+.010`."""
    if rate is None:
        return formats.NOTHING
    text = f"{rate * 100:+.3f}"
    return text.replace("0.", ".", 1) if text[1:3] == "0." else text


def quote_line(quote: QuoteView, day: Day, width: int) -> Line:
    """What the stream says of a symbol, in one line as long as there is room."""
    parts: list[tuple[str, str]] = []
    if quote.age_ms > STALE_MS:
        parts.append((f"no message for {formats.span(quote.age_ms / 1000)}", "warning"))
    if quote.funding_rate is not None:
        parts.append((f"funding {quote.funding_rate * 100:+.4f}%", "text"))
    if quote.volume_24h is not None:
        parts.append((f"volume {formats.count(quote.volume_24h)}", "text"))
    if day:
        low, high = extremes(day, quote.last)
        parts.append((f"24h {low} to {high}", "text"))
    return _joined(((f"{quote.symbol}", "bold"),), parts, width)


def facts_of(stored: Stored | None, width: int) -> Line:
    """What of a symbol is at hand for charts and backtests."""
    if stored is None or not stored.frames:
        return (("nothing stored: ", "dim"), ("n", "key"), (" collects its history", "dim"))
    parts = [(f"{frame} since {formats.minute(first_ms)[:10]}", "dim") for frame, first_ms in stored.frames]
    return _joined(
        (("followed" if stored.live else "stored", "live" if stored.live else "dim"),), parts, width
    )


def _joined(start: Line, parts: Iterable[tuple[str, str]], width: int) -> Line:
    """Parts set apart, those left out that do not fit any more."""
    line = list(start)
    used = sum(len(text) for text, _ in start)
    for text, tone in parts:
        if used + 2 + len(text) > width:
            break
        line += [("  ", ""), (text, tone)]
        used += 2 + len(text)
    return tuple(line)


Key = Callable[[QuoteView], tuple[float, str]]
# What the list can be sorted by, in the order in which `s` goes through them; the first keeps the order of the stream.
SORTS: tuple[tuple[str, Key | None], ...] = (
    ("pinned", None),
    ("change, highest first", lambda quote: (-_known(quote.change_24h), quote.symbol)),
    ("volume, highest first", lambda quote: (-_known(quote.volume_24h), quote.symbol)),
    ("name", lambda quote: (0.0, quote.symbol)),
)


def _known(value: float | None) -> float:
    return value if value is not None else float("-inf")
