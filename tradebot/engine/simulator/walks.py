"""The slow part of a price: log level and volatility at every UTC midnight.

A walk is a sum of daily steps that is pulled back towards 0, so it is computed once from its first day and kept.
What it gives for a day never depends on how far it was computed.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np

from tradebot.engine.market import Float64, Int64
from tradebot.engine.simulator.noise import bell, hashed, key_of, value_noise

_CHUNK_DAYS = 512
# Deviations of the slow parts of log volatility, by their time scale in days.
_SLOW_SCALES = ((40, 0.26), (9, 0.20), (2, 0.22))
_SLOW_VARIANCE = sum(deviation**2 for _, deviation in _SLOW_SCALES)


@dataclass(frozen=True, slots=True)
class WalkSettings:
    """How one driver of prices moves. `daily` is the deviation of a usual day's log return.

    `pull_days` is the time in which the level forgets half a unit of its past; `bound` the log distance from
    where the pull gets stronger; `trend` the drift of a regime in daily deviations; `own` scales its own changes of
    volatility (the rest it shares with `follows`).
    """

    daily: float
    pull_days: float
    bound: float
    trend: float
    own: float = 1.0


class Walk:
    """Log level and log volatility of one driver at each midnight (day numbers since 1970, UTC)."""

    def __init__(
        self,
        key: int,
        first_day: int,
        settings: WalkSettings,
        follows: Walk | None = None,
        young_days: float = 0.0,
    ) -> None:
        self.first_day = first_day
        self.settings = settings
        self._key = key
        self._follows = follows
        self._young_days = young_days
        self._lock = threading.Lock()
        self._level = np.zeros(1)
        self._excess = np.zeros(0)

    def level(self, days: Int64) -> Float64:
        """Log level at the midnight that begins each day."""
        self._reach(int(days.max()))
        values: Float64 = self._level[days - self.first_day]
        return values

    def excess(self, days: Int64) -> Float64:
        """Log of volatility over its usual value, slow part only, at the midnight that begins each day."""
        self._reach(int(days.max()))
        values: Float64 = self._excess[days - self.first_day]
        return values

    def _reach(self, day: int) -> None:
        if day - self.first_day < len(self._excess):
            return
        with self._lock:
            while day - self.first_day >= len(self._excess):
                self._extend()

    def _extend(self) -> None:
        start = self.first_day + len(self._excess)
        days = np.arange(start, start + _CHUNK_DAYS + 1, dtype=np.int64)
        excess = self._slow_volatility(days)
        settings = self.settings
        at_noon = (excess[:-1] + excess[1:]) / 2
        steps = settings.daily * np.exp(at_noon) * bell(hashed(key_of(self._key, "step"), days[:-1]))
        steps += settings.trend * settings.daily * value_noise(key_of(self._key, "trend"), days[:-1], 35)
        level = float(self._level[-1])
        levels = []
        pull, bound = 1.0 / settings.pull_days, settings.bound
        for step in steps.tolist():
            level += step - pull * level * (1.0 + (level / bound) ** 2)
            levels.append(level)
        # The excess goes last: readers take its length as "ready".
        self._level = np.concatenate([self._level, np.array(levels)])
        self._excess = np.concatenate([self._excess, excess[:-1]])

    def _slow_volatility(self, days: Int64) -> Float64:
        own = np.zeros(len(days))
        for scale, deviation in _SLOW_SCALES:
            own += deviation * value_noise(key_of(self._key, "volatility", scale), days, scale)
        own -= _SLOW_VARIANCE
        own *= self.settings.own
        if self._follows is not None:
            own += 0.75 * self._follows.excess(days)
        if self._young_days:
            # A new listing swings wildly for its first days.
            own += 0.9 * np.exp(-(days - self.first_day) / self._young_days)
        return own
