"""Prices that cannot be: refused where no number would be right, told where they may be wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tradebot.engine.control.errors import InputError
from tradebot.engine.market import Candles, DatasetKey
from tradebot.engine.market.times import iso_minute

LEAST_PRICE = 1e-12
MOST_PRICE = 1e12
"""Beyond these the 15 digits of a float hold no tick any more."""
JUMP = 10.0
"""How many times its price a market may move within a bar before that is worth a look."""


@dataclass(frozen=True, slots=True)
class Jumps:
    """Bars that reach more than ten times the close before them, or less than a tenth of it; the first one's time."""

    count: int = 0
    first_ms: int = 0


def check_prices(key: DatasetKey, candles: Candles) -> Jumps:
    """InputError, with the bar, for prices that nothing can be computed with; else the jumps among them.

    A bar's own order (low <= open, close <= high, above 0) is held by the store already.
    """
    if not len(candles):
        return Jumps()
    highest, lowest = float(candles.high.max()), float(candles.low.min())
    if highest > MOST_PRICE or lowest < LEAST_PRICE:
        bar = int(candles.high.argmax() if highest > MOST_PRICE else candles.low.argmin())
        price = highest if highest > MOST_PRICE else lowest
        raise InputError(
            f"{key}: the bar of {iso_minute(int(candles.time[bar]))} UTC has a price of {price:g}; expected "
            f"{LEAST_PRICE:g} to {MOST_PRICE:g}. Correct or delete its line in {key.file_name}, then run again."
        )
    if highest <= JUMP * lowest:
        return Jumps()
    before = np.concatenate([candles.open[:1], candles.close[:-1]])
    far = np.flatnonzero((candles.high > JUMP * before) | (candles.low * JUMP < before))
    return Jumps(len(far), int(candles.time[far[0]])) if len(far) else Jumps()
