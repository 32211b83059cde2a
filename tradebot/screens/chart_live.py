"""The bar that is still forming: begun with what is stored of it, carried on with the prices of the stream."""

from __future__ import annotations

from dataclasses import dataclass

from tradebot.engine.market.timeframe import Timeframe
from tradebot.engine.messages import ChartView, EngineSnapshot
from tradebot.screens.chart_view import Bar

__all__ = ["FormingBar", "LiveBar"]

_STALE_MS = 15_000


@dataclass(frozen=True, slots=True)
class FormingBar:
    """A bar that has not closed, as far as it is known: it opens at `time_ms`.

    `stale` says that no price has come for a while, so that it is not taken for a live one.
    """

    time_ms: int
    bar: Bar
    stale: bool = False


class LiveBar:
    """Follows one symbol and timeframe. Prices are seen a few times a second, so its extremes are those that were seen.

    Once the bar has closed the stored one, which the exchange gave, stands in its place.
    """

    def __init__(self) -> None:
        self._of: tuple[str, str, str] = ("", "", "")
        self._bar: FormingBar | None = None

    def look(self, view: ChartView, snapshot: EngineSnapshot) -> FormingBar | None:
        """The forming bar now, None where the symbol's bars are not followed up to this moment.

        It is shown while the last stored bar closed no more than one bar ago, so that old data never look alive.
        """
        of = (view.category, view.symbol, view.timeframe)
        if of != self._of:
            self._of, self._bar = of, None
        length = Timeframe(view.timeframe).ms
        opens = view.last_ms + length
        late = snapshot.time_ms - opens
        quote = next((each for each in snapshot.quotes if each.symbol == view.symbol), None)
        if quote is None or view.category != "linear" or not 0 <= late < 2 * length:
            self._bar = None
            return None
        try:
            last = float(quote.last)
        except ValueError:
            return self._bar
        known = self._bar.bar if self._bar is not None and self._bar.time_ms == opens else None
        if late >= length:
            # The bar has closed and its stored form is on its way: what comes now is of the next one.
            if known is None:
                return None
        else:
            known = _joined(view.forming, known, last)
        stale = snapshot.connection.stream == "lost" or quote.age_ms > _STALE_MS
        self._bar = FormingBar(opens, known, stale)
        return self._bar


def _joined(stored: Bar | None, seen: Bar | None, last: float) -> Bar:
    """What is stored of a bar, what was seen of it, and its latest price."""
    parts = [each for each in (stored, seen) if each is not None]
    open_ = parts[0][0] if parts else last
    high = max(last, *(each[1] for each in parts)) if parts else last
    low = min(last, *(each[2] for each in parts)) if parts else last
    return open_, high, low, last, max((each[4] for each in parts), default=0.0)


def merged(bar: Bar | None, forming: Bar) -> Bar:
    """A candle of several bars with the forming one as its last."""
    if bar is None:
        return forming
    return bar[0], max(bar[1], forming[1]), min(bar[2], forming[2]), forming[3], bar[4] + forming[4]
