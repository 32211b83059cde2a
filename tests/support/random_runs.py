"""Random but repeatable whole runs: the same seed gives the same run on every machine.

The bars are walked in ticks by the same steps as in `scenarios`; finer bars come first and decision bars are made of
them, so that both tell one story. Settings aim at what is rare: levels that meet, cash that just fits or does not,
limits that are reached, bars that are missing, marks that leave the price.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import NamedTuple, TypeVar

from hypothesis import strategies as st

from tests.support.random_rules import random_rules
from tests.support.reference_types import (
    NOT_A_NUMBER,
    ReferenceBars,
    ReferenceInstrument,
    ReferencePrices,
    ReferenceRules,
    ReferenceRun,
    ReferenceSymbol,
    ReferenceTier,
)
from tests.support.scenarios import (
    LOTS,
    MOST_LOTS,
    START_MS,
    TICKS,
    Mood,
    random_funding,
    random_prices,
    recorded,
)

MINUTE_MS = 60_000
TIMEFRAMES_MS = (MINUTE_MS, 15 * MINUTE_MS, 60 * MINUTE_MS, 240 * MINUTE_MS, 1440 * MINUTE_MS)
NAMES = ("ADAUSDT", "BTCUSDT", "ETHUSDT")

Row = tuple[int, int, int, int]
Number = TypeVar("Number", int, float)


class Plan(NamedTuple):
    """What all symbols of a run share."""

    timeframe_ms: int
    finer_ms: int | None
    bars: int
    cash: float
    mood: Mood
    spot: bool


def random_run(seed: int, bars: int | None = None, symbols: int | None = None) -> ReferenceRun:
    """One to three symbols, one or two strategies, over `bars` decision bars (by default 2 to 80)."""
    rng = Random(seed)
    timeframe_ms = rng.choice(TIMEFRAMES_MS)
    finer_ms = timeframe_ms // rng.choice((3, 5)) if rng.random() < 0.3 else None
    cash = rng.choice((100.0, 1_000.0, 10_000.0, 123_456.78))
    mood = Mood(
        move=rng.choice((0.0005, 0.003, 0.01, 0.05, 0.3)),
        gap=rng.choice((0.0, 0.2, 0.8)),
        still=rng.choice((0.0, 0.1, 0.5)),
        missing=rng.choice((0.0, 0.0, 0.05, 0.3)),
        entries=rng.choice((0.05, 0.3, 0.9)),
        exits=rng.choice((0.0, 0.1, 0.4)),
    )
    plan = Plan(timeframe_ms, finer_ms, bars or rng.randint(2, 80), cash, mood, spot=rng.random() < 0.15)
    names = rng.sample(NAMES, symbols or rng.randint(1, 3))
    markets = [random_market(Random(f"{seed} {name}"), name, plan) for name in names]
    price = markets[0].bars.close[0]
    strategies = [
        random_rules(rng, f"strategy {i}", timeframe_ms, cash, price, mood.move, spot=plan.spot)
        for i in range(rng.choice((1, 1, 2)))
    ]
    traded = [
        with_decisions(Random(f"{seed} {market.instrument.symbol} {i}"), market, rules, i, mood)
        for i, rules in enumerate(strategies)
        for market in markets
    ]
    return ReferenceRun(traded, strategies, cash, rng.choice((0.5, 0.5, 2.0)))


def runs(most_bars: int = 60) -> st.SearchStrategy[ReferenceRun]:
    """For hypothesis; it shrinks to fewer bars of the same kind."""
    return st.builds(
        random_run, seed=st.integers(0, 2**32 - 1), bars=st.integers(min_value=2, max_value=most_bars)
    )


def random_market(rng: Random, name: str, plan: Plan) -> ReferenceSymbol:
    """A symbol without decisions."""
    tick = rng.choice(TICKS)
    ticks = round(10 ** rng.uniform(1.5, 6))
    price = float(tick) * ticks
    lots = [lot for lot in LOTS if 1 <= plan.cash / price / float(lot) <= MOST_LOTS / 1000]
    lot = float(rng.choice(lots or LOTS[-1:]))
    parts = 1 if plan.finer_ms is None else plan.timeframe_ms // plan.finer_ms
    walk = random_prices(rng, ticks, plan.bars * parts, plan.mood)
    volume = [rng.choice((0.0, 1.0, 1.0, 5.0)) * plan.cash / price for _ in walk]
    mark = random_mark(rng, walk)
    groups = [range(i * parts, (i + 1) * parts) for i in range(plan.bars)]
    there = [i for i in range(plan.bars) if rng.random() >= plan.mood.missing] or [0]
    bars = bars_of(
        [START_MS + i * plan.timeframe_ms for i in there],
        plan.timeframe_ms,
        tick,
        [joined([walk[j] for j in groups[i]]) for i in there],
        [sum(volume[j] for j in groups[i]) for i in there],
        mark and [joined([mark[j] for j in groups[i]]) for i in there],
    )
    finer = None
    if plan.finer_ms is not None:
        kept = [j for i in there for j in groups[i] if rng.random() >= plan.mood.missing / 5]
        finer = bars_of(
            [START_MS + j * plan.finer_ms for j in kept],
            plan.finer_ms,
            tick,
            [walk[j] for j in kept],
            [volume[j] for j in kept],
            mark and [mark[j] for j in kept],
        )
    end = START_MS + plan.bars * plan.timeframe_ms
    instrument = ReferenceInstrument(
        name,
        float(tick),
        lot,
        min_quantity=rng.choice((0.0, lot, lot, 5 * lot, 0.3 * plan.cash / price)),
        min_notional=rng.choice((0.0, 0.0, 5.0, 0.05 * plan.cash)),
        max_quantity=rng.choice((None, None, max(lot, 0.9 * plan.cash / price))),
        spot=plan.spot,
        delivery_ms=rng.choice((None, None, None, bars.time[-1] + plan.timeframe_ms, end + 1)),
        tiers=random_tiers(rng, plan.cash),
    )
    nothing = [False] * len(there)
    funding = random_funding(rng, plan.timeframe_ms, plan.bars)
    return ReferenceSymbol(instrument, bars, [0] * len(there), nothing, nothing, finer=finer, funding=funding)


def joined(
    rows: Sequence[tuple[Number, Number, Number, Number]],
) -> tuple[Number, Number, Number, Number]:
    """One longer bar made of shorter ones."""
    return rows[0][0], max(row[1] for row in rows), min(row[2] for row in rows), rows[-1][3]


def bars_of(
    time: list[int],
    length_ms: int,
    tick: str,
    rows: list[Row],
    volume: list[float],
    mark: list[Row] | None,
) -> ReferenceBars:
    prices = [[recorded(row[column], tick) for row in rows] for column in range(4)]
    marks = None
    if mark is not None:
        marks = ReferencePrices(*([recorded(row[column], tick) for row in mark] for column in range(4)))
    opens, highs, lows, closes = prices
    return ReferenceBars(time, length_ms, opens, highs, lows, closes, volume, marks)


def random_mark(rng: Random, walk: list[Row]) -> list[Row] | None:
    """Marks that follow the price with a basis that wanders, or none."""
    if rng.random() < 0.5:
        return None
    basis, rows = 0, []
    for opened, high, low, close in walk:
        basis = round(0.8 * basis + rng.gauss(0, 0.002) * close)
        first, last = max(1, opened + basis), max(1, close + basis)
        rows.append((first, max(first, last, high + basis), max(1, min(first, last, low + basis)), last))
    return rows


def random_tiers(rng: Random, cash: float) -> tuple[ReferenceTier, ...]:
    """None, or three whose deductions keep the maintenance margin from jumping where a step begins."""
    if rng.random() < 0.5:
        return ()
    limits, rates = (0.5 * cash, 3 * cash, math.inf), (0.005, 0.01, 0.025)
    deductions = [0.0]
    for limit, rate, following in zip(limits, rates, rates[1:], strict=False):
        deductions.append(deductions[-1] + limit * (following - rate))
    return tuple(ReferenceTier(*step) for step in zip(limits, rates, deductions, strict=True))


def with_decisions(
    rng: Random, market: ReferenceSymbol, rules: ReferenceRules, strategy: int, mood: Mood
) -> ReferenceSymbol:
    """The market as one strategy sees it, with its decisions and the columns that its levels read."""
    closes = market.bars.close
    sides = (1,) if rules.direction == "long" else (-1, 1)
    return ReferenceSymbol(
        market.instrument,
        market.bars,
        [rng.choice(sides) if rng.random() < mood.entries else 0 for _ in closes],
        [rng.random() < mood.exits for _ in closes],
        [rng.random() < mood.exits for _ in closes],
        levels={
            "atr:14": [column_value(rng, 0.01, close * mood.move * rng.uniform(0.3, 2)) for close in closes],
            "volatility:20": [column_value(rng, 0.03, mood.move * rng.uniform(0.5, 1.5)) for _ in closes],
            "series:low": [
                column_value(rng, 0.03, close * (1 - mood.move * rng.uniform(-0.2, 3))) for close in closes
            ],
            "series:high": [
                column_value(rng, 0.03, close * (1 + mood.move * rng.uniform(-0.2, 3))) for close in closes
            ],
        },
        strategy=strategy,
        finer=market.finer,
        funding=market.funding,
    )


def column_value(rng: Random, missing: float, value: float) -> float:
    return NOT_A_NUMBER if rng.random() < missing else value
