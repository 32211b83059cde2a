"""How collecting shows on a plain console: progress and failures of the history, then a line about the live feed."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from tradebot.commands.context import print_note, write_note
from tradebot.commands.progress import ConsoleProgress
from tradebot.engine.control.progress import Progress, counted

if TYPE_CHECKING:
    from tradebot.engine.collect import CollectProgress, LiveFeed
    from tradebot.engine.control.clock import Clock
    from tradebot.engine.control.events import Level
    from tradebot.engine.market import BarRow, DatasetKey

_LOOK_S = 1.0
# Without a terminal the line is written when something has closed, and no more often than this.
_PLAIN_S = 60.0


class CollectConsole:
    """Progress, notices and each dataset's failure as it happens, on standard error."""

    def __init__(self, title: str) -> None:
        self._progress = ConsoleProgress(title)
        self._terminal = sys.stderr is not None and sys.stderr.isatty()
        self._shown: tuple[int, int, str] | None = None
        self._said: dict[DatasetKey, str] = {}
        self.interrupt: Callable[[], None] = self._progress.close

    def show(self, look: CollectProgress) -> None:
        """Show how far the collection is."""
        self.show_failures(look)
        now = (look.done_bars, look.total_bars, look.note)
        if now == self._shown and not self._terminal:
            return  # a log needs no line about nothing
        self._shown = now
        self._progress(
            Progress(look.done_bars, look.total_bars, "bars", look.rate, look.eta_seconds, look.note)
        )

    def show_failures(self, look: CollectProgress) -> None:
        """Say what has failed since the last look, dataset by dataset."""
        for each in look.datasets:
            if each.sentence and self._said.get(each.key) != each.sentence:
                self._said[each.key] = each.sentence
                self._say(each.sentence + _retry(each.retry_at_ms))

    def notice(self, _level: Level, sentence: str) -> None:
        """Say something beside the progress line."""
        self._say(sentence)

    def close(self) -> None:
        """Leave the progress line."""
        self._progress.close()

    def _say(self, sentence: str) -> None:
        self.interrupt()
        print_note(sentence)


def _retry(at_ms: int | None) -> str:
    from tradebot.engine.market.times import iso_ms

    return f" It is asked again at {iso_ms(at_ms)[11:19]} UTC." if at_ms is not None else ""


class LiveLine:
    """One line about the live feed: renewed each second on a terminal, once a minute elsewhere."""

    def __init__(self, feed: LiveFeed, clock: Clock) -> None:
        self._feed = feed
        self._clock = clock
        self._terminal = sys.stderr is not None and sys.stderr.isatty()
        self._latest: tuple[DatasetKey, BarRow] | None = None
        self._drawn = False

    def heard(self, key: DatasetKey, row: BarRow) -> None:
        """A bar was stored."""
        self._latest = (key, row)

    async def run(self, notices: Callable[[], list[str]]) -> None:
        """Keep the line up to date until cancelled; the store's `notices` are said between."""
        written_at, shown_bars = self._clock.monotonic(), 0
        while True:
            await self._clock.sleep(_LOOK_S)
            for sentence in notices():
                self.close()
                print_note(sentence)
            bars, now = self._feed.status().bars_stored, self._clock.monotonic()
            if self._terminal:
                width = max(20, shutil.get_terminal_size().columns - 1)
                write_note("\r" + self.text()[:width].ljust(width))
                self._drawn = True
            elif bars != shown_bars and (not shown_bars or now - written_at >= _PLAIN_S):
                written_at, shown_bars = now, bars
                print_note(self.text())

    def text(self) -> str:
        """`live  40 datasets  120 bars stored, BTCUSDT 1m 12:31 close 63,120.5  age 0.4 s  0 reconnects`."""
        from tradebot.engine.market.times import iso_minute

        status = self._feed.status()
        parts = [
            "live",
            counted(status.datasets, "dataset"),
            f"{counted(status.bars_stored, 'bar')} stored",
        ]
        if self._latest is not None:
            key, row = self._latest
            parts.append(
                f"{key.symbol} {key.timeframe_name} {iso_minute(row.time_ms)[11:]} close {row.close}"
            )
        if status.behind:
            parts.append(f"{counted(status.behind, 'dataset')} behind")
        ages = [each.last_message_age_s for each in status.streams if each.last_message_age_s is not None]
        parts.append(f"age {max(ages):.1f} s" if ages else "no data yet")
        down = sum(1 for each in status.streams if not each.connected)
        if down:
            parts.append(f"{down} of {counted(len(status.streams), 'connection')} down")
        parts.append(counted(sum(stream.reconnects for stream in status.streams), "reconnect"))
        return "  ".join(parts)

    def close(self) -> None:
        """Leave the line."""
        if self._drawn:
            write_note("\n")
            self._drawn = False
