"""How much memory an app and its children take over the time, and whether it grows."""

from __future__ import annotations

import statistics
import time

import psutil

_FLAT = 1.10
_LEAST_SAMPLES = 60
_WARM_UP = 0.25


class MemoryWatch:
    """Samples in MB since the (last) start of the app."""

    def __init__(self) -> None:
        self.answers_ms: list[float] = []
        self.app: list[tuple[float, float]] = []
        self.whole: list[tuple[float, float]] = []
        self._began = time.monotonic()

    def begin_again(self) -> None:
        """The app is another process from now on."""
        self.app.clear()
        self.whole.clear()

    def sample(self, pid: int) -> None:
        """Look at the app and its children now."""
        at = time.monotonic() - self._began
        try:
            app = psutil.Process(pid)
            own = app.memory_info().rss / 1e6
            children = sum(child.memory_info().rss for child in app.children(recursive=True)) / 1e6
        except psutil.Error:
            return
        self.app.append((at, own))
        self.whole.append((at, own + children))

    def defects(self) -> list[str]:
        """A sentence where the app takes a tenth more at its end than after a quarter of the time."""
        if len(self.app) < _LEAST_SAMPLES:
            return []
        after, before_end = self._after_warm_up(), self._at_end()
        if before_end <= after * _FLAT:
            return []
        return [
            f"memory of the app grew from {after:.0f} MB after a quarter of the time to {before_end:.0f} MB"
        ]

    def _after_warm_up(self) -> float:
        first = int(len(self.app) * _WARM_UP)
        return statistics.median(mb for _, mb in self.app[first : first + max(5, len(self.app) // 6)])

    def _at_end(self) -> float:
        return statistics.median(mb for _, mb in self.app[-max(5, len(self.app) // 6) :])

    def table(self) -> str:
        """Some twenty lines: seconds, MB of the app, MB with its children."""
        step = max(1, len(self.app) // 20)
        lines = ["     s   app MB   with children MB"]
        for (at, own), (_, whole) in list(zip(self.app, self.whole, strict=True))[::step]:
            lines.append(f"{at:6.0f} {own:8.0f} {whole:18.0f}")
        return "\n".join(lines)

    def answer_figures(self) -> list[int]:
        """How long the screen took to answer a probe, in ms: middle, 95 of 100, worst."""
        ordered = sorted(self.answers_ms) or [0.0]
        return [
            round(ordered[min(len(ordered) - 1, int(len(ordered) * share))]) for share in (0.5, 0.95, 1.0)
        ]
