"""Random runs in which a second strategy decides on longer bars and walks those of the first."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.support.random_rules import random_rules
from tests.support.random_runs import MINUTE_MS, joined, random_run, with_decisions
from tests.support.reference_types import ReferenceBars, ReferencePrices, ReferenceRun, ReferenceSymbol
from tests.support.scenarios import Mood

TIMES_AS_LONG = {1: 5, 15: 4, 60: 4, 240: 6, 1440: 7}
"""By the minutes of the shorter bars: the longer ones are of a timeframe too."""


def random_run_of_two_timeframes(seed: int) -> ReferenceRun:
    """The first strategy of `random_run` on its own bars, and another on bars several times as long."""
    numbers = (1000 * seed + n for n in range(1000))
    run = next(found for n in numbers if (found := random_run(n)).symbols[0].finer is None)
    rng = Random(f"slower {seed}")
    shorter = run.strategies[0].timeframe_ms
    longer = shorter * TIMES_AS_LONG[shorter // MINUTE_MS]
    own = [symbol for symbol in run.symbols if symbol.strategy == 0]
    price, move = own[0].bars.close[0], rng.choice((0.003, 0.05))
    rules = random_rules(rng, "slower", longer, run.cash, price, move, spot=own[0].instrument.spot)
    mood = Mood(move, 0.0, 0.0, 0.0, entries=rng.choice((0.3, 0.9)), exits=0.2)
    slower = [
        with_decisions(
            Random(f"slower {seed} {symbol.instrument.symbol}"), long_bars(symbol, longer), rules, 1, mood
        )
        for symbol in own
    ]
    return replace(run, symbols=[*own, *slower], strategies=[run.strategies[0], rules])


def long_bars(symbol: ReferenceSymbol, longer: int) -> ReferenceSymbol:
    """The symbol on longer bars, made of the shorter ones that are there, which stay as the finer bars."""
    bars = symbol.bars
    groups: dict[int, list[int]] = {}
    for i, time in enumerate(bars.time):
        groups.setdefault(time // longer * longer, []).append(i)

    def columns(prices: ReferenceBars | ReferencePrices) -> list[list[float]]:
        rows = list(zip(prices.open, prices.high, prices.low, prices.close, strict=True))
        made = [joined([rows[i] for i in group]) for group in groups.values()]
        return [[row[column] for row in made] for column in range(4)]

    made = ReferenceBars(
        list(groups),
        longer,
        *columns(bars),
        volume=[sum(bars.volume[i] for i in group) for group in groups.values()],
        mark=bars.mark and ReferencePrices(*columns(bars.mark)),
    )
    return replace(symbol, bars=made, finer=bars)
