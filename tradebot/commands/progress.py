"""Progress on a console: one line with a bar, rate and ETA on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shutil
import sys

from tradebot.commands.context import write_note
from tradebot.engine.control.clock import Clock, SystemClock
from tradebot.engine.control.progress import Progress

_TERMINAL_SECONDS = 0.1
_PLAIN_SECONDS = 2.0
_BAR_WIDTH = 24


class ConsoleProgress:
    """Shows `Progress` on standard error; call `close` before printing anything else."""

    def __init__(self, title: str, clock: Clock | None = None) -> None:
        self._title = title
        self._clock = clock or SystemClock()
        self._terminal = sys.stderr is not None and sys.stderr.isatty()
        self._shown_at = -1e9
        self._drawn = False

    def __call__(self, progress: Progress) -> None:
        """Show how far the work is, at most ten times a second (on a terminal) or every two seconds."""
        now = self._clock.monotonic()
        pause = _TERMINAL_SECONDS if self._terminal else _PLAIN_SECONDS
        finished = progress.total > 0 and progress.done >= progress.total
        if now - self._shown_at < pause and not (finished and self._terminal):
            return
        self._shown_at = now
        line = progress_line(self._title, progress, with_bar=self._terminal)
        if self._terminal:
            width = max(20, shutil.get_terminal_size().columns - 1)
            write_note("\r" + line[:width].ljust(width))
            self._drawn = True
        else:
            write_note(line + "\n")

    def close(self) -> None:
        """Leave the line, so that what follows starts on its own."""
        if self._drawn:
            write_note("\n")
            self._drawn = False


def progress_line(title: str, progress: Progress, with_bar: bool) -> str:
    """`collect  ━━━━━━──  62%  620,000 of 1,000,000 bars  12,300/s  ETA 0:31`."""
    parts = [title]
    if progress.total > 0:
        if with_bar:
            filled = round(progress.fraction * _BAR_WIDTH)
            parts.append("━" * filled + "─" * (_BAR_WIDTH - filled))
        parts.append(f"{progress.fraction:4.0%}")
        parts.append(f"{progress.done:,.0f} of {progress.total:,.0f} {progress.unit}")
    if progress.rate > 0:
        parts.append(f"{progress.rate:,.0f}/s")
    if progress.eta_seconds is not None and progress.done < progress.total:
        parts.append(f"ETA {duration(progress.eta_seconds)}")
    if progress.note:
        parts.append(progress.note)
    return "  ".join(parts)


def duration(seconds: float) -> str:
    """`0:05`, `1:02:03`: hours only where there are any."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"
