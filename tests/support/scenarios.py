"""Random but repeatable runs for the backtest rules: the same seed gives the same scenario on every machine.

Prices lie on the tick grid as a file would hold them (the decimal nearest to the grid value, so that 3 ticks of
0.1 are 0.3 and not 0.30000000000000004). The generator aims at what is rare in real data: gaps, missing bars,
ties, bars that do not move, violent moves, levels nearer than a tick, sizes that just fit or just do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random

from hypothesis import strategies as st

from tests.support.reference_types import ReferenceCosts, ReferenceRisk, ReferenceSlot

START_MS = 1_704_067_200_000  # 2024-01-01T00:00:00Z
HOUR_MS = 3_600_000
TIMEFRAMES_MS = (60_000, 900_000, HOUR_MS, 4 * HOUR_MS, 24 * HOUR_MS)
TICKS = ("0.0001", "0.001", "0.01", "0.05", "0.1", "0.5", "1")
LOTS = ("0.000001", "0.001", "0.01", "0.1", "1", "10")
LEVEL_PERCENTS = (None, 0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 30.0, 100.0)
MOST_LOTS = 1e8  # beyond it a float no longer tells two neighbouring lots apart within the grid tolerance


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that one run of the simulation needs."""

    seed: int
    slots: tuple[ReferenceSlot, ...]
    risk: ReferenceRisk
    costs: ReferenceCosts
    cash: float


@dataclass(frozen=True, slots=True)
class Mood:
    """What the bars and decisions of one scenario are like."""

    move: float  # typical move of a bar, as a fraction of the price
    gap: float  # share of bars that open away from the last close
    still: float  # share of bars that do not move at all
    missing: float  # share of bars that are not there
    entries: float  # share of closes with a side
    exits: float  # share of closes with an exit, for each side


def random_scenario(seed: int, bars: int | None = None) -> Scenario:
    """One to three symbols over `bars` steps of the clock (by default 2 to 80)."""
    rng = Random(seed)
    timeframe_ms = rng.choice(TIMEFRAMES_MS)
    cash = rng.choice((100.0, 1_000.0, 10_000.0, 123_456.78))
    steps = rng.randint(2, 80)
    mood = Mood(
        move=rng.choice((0.0005, 0.003, 0.01, 0.05, 0.3)),
        gap=rng.choice((0.0, 0.2, 0.8)),
        still=rng.choice((0.0, 0.1, 0.5)),
        missing=rng.choice((0.0, 0.0, 0.05, 0.4)),
        entries=rng.choice((0.05, 0.3, 0.9)),
        exits=rng.choice((0.0, 0.1, 0.4)),
    )
    names = rng.sample(["ADAUSDT", "BTCUSDT", "ETHUSDT"], rng.randint(1, 3))
    risk = random_risk(rng, cash)
    slots = tuple(
        random_slot(Random(f"{seed} {name}"), name, timeframe_ms, bars or steps, cash, mood) for name in names
    )
    if risk.sizing == "fixed":
        risk = with_fixed_quantity(rng, risk, slots[0], cash)
    return Scenario(seed, slots, risk, random_costs(rng), cash)


def scenarios(most_bars: int = 60) -> st.SearchStrategy[Scenario]:
    """For hypothesis; it shrinks to fewer bars of the same kind."""
    return st.builds(
        random_scenario, seed=st.integers(0, 2**32 - 1), bars=st.integers(min_value=2, max_value=most_bars)
    )


def random_risk(rng: Random, cash: float) -> ReferenceRisk:
    sizing = rng.choice(("equity", "equity", "notional", "fixed"))
    return ReferenceRisk(
        direction=rng.choice(("both", "both", "long", "short")),
        opposite=rng.choice(("reverse", "close", "ignore")),
        sizing=sizing,
        size=rng.choice((1.0, 10.0, 50.0, 99.9, 100.0, 300.0))
        * (cash / 100 if sizing == "notional" else 1.0),
        stop_percent=rng.choice(LEVEL_PERCENTS),
        target_percent=rng.choice(LEVEL_PERCENTS),
        max_bars=rng.choice((0, 0, 1, 2, 7)),
        cooldown_bars=rng.choice((0, 0, 1, 2, 7)),
    )


def with_fixed_quantity(rng: Random, risk: ReferenceRisk, slot: ReferenceSlot, cash: float) -> ReferenceRisk:
    """A quantity between less than a lot and more than the cash affords."""
    price = slot.close[0]
    size = rng.choice(
        (0.5 * slot.lot, slot.lot, 7 * slot.lot, 0.1 * cash / price, cash / price, 2 * cash / price)
    )
    return replace(risk, size=size)


def random_costs(rng: Random) -> ReferenceCosts:
    taker, maker = rng.choice(((0.0, 0.0), (0.055, 0.02), (0.1, 0.1), (1.0, 0.5)))
    return ReferenceCosts(
        taker_fee_percent=taker,
        maker_fee_percent=maker,
        slippage_percent=rng.choice((0.0, 0.01, 0.5, 5.0)),
        half_spread_percent=rng.choice((0.0, 0.0, 0.02)),
        funding=rng.random() < 0.8,
    )


def random_slot(
    rng: Random, symbol: str, timeframe_ms: int, bars: int, cash: float, mood: Mood
) -> ReferenceSlot:
    tick = rng.choice(TICKS)
    ticks = round(10 ** rng.uniform(1, 6))  # the first price: 10 to a million ticks
    price = float(tick) * ticks
    lots = [lot for lot in LOTS if 1 <= cash / price / float(lot) <= MOST_LOTS / 1000]
    lot = float(rng.choice(lots or LOTS[-1:]))
    first, last = rng.choice(((0, bars), (0, bars), (rng.randint(0, 5), bars), (0, max(1, bars - 5))))
    rows = random_prices(rng, ticks, bars, mood)
    there = [i for i in range(bars) if (rng.random() >= mood.missing) and first <= i < last] or [0]
    prices = [[recorded(rows[i][column], tick) for i in there] for column in range(4)]
    return ReferenceSlot(
        symbol=symbol,
        tick=float(tick),
        lot=lot,
        min_quantity=rng.choice((0.0, lot, lot, 5 * lot, 0.3 * cash / price)),
        min_notional=rng.choice((0.0, 0.0, 5.0, 0.05 * cash, 0.5 * cash)),
        max_quantity=rng.choice((None, None, max(lot, 0.9 * cash / price))),
        timeframe_ms=timeframe_ms,
        time=[START_MS + i * timeframe_ms for i in there],
        open=prices[0],
        high=prices[1],
        low=prices[2],
        close=prices[3],
        side=[rng.choice((-1, 1)) if rng.random() < mood.entries else 0 for _ in there],
        exit_long=[rng.random() < mood.exits for _ in there],
        exit_short=[rng.random() < mood.exits for _ in there],
        funding=random_funding(rng, timeframe_ms, bars),
    )


def random_prices(rng: Random, ticks: int, bars: int, mood: Mood) -> list[tuple[int, int, int, int]]:
    """Open, high, low, close in ticks; a bar goes on from the last close unless it gaps."""
    rows = []
    close = ticks
    for _ in range(bars):
        opened = moved(rng, close, mood.move) if rng.random() < mood.gap else close
        if rng.random() < mood.still:
            close = opened
            rows.append((opened, opened, opened, opened))
            continue
        close = moved(rng, opened, mood.move)
        high = max(opened, close) + abs(moved(rng, opened, mood.move / 2) - opened)
        low = max(1, min(opened, close) - abs(moved(rng, opened, mood.move / 2) - opened))
        rows.append((opened, high, low, close))
    return rows


def moved(rng: Random, ticks: int, move: float) -> int:
    """One step of the walk; now and then five times as far; never below one tick."""
    far = 5 if rng.random() < 0.05 else 1
    return max(1, round(ticks * (1 + min(max(rng.gauss(0, move * far), -0.9), 2.0))))


def recorded(ticks: int, tick: str) -> float:
    """The price as a file holds it."""
    return float(Decimal(ticks) * Decimal(tick))


def random_funding(rng: Random, timeframe_ms: int, bars: int) -> Sequence[tuple[int, float]]:
    """Rows on opens, inside bars and on closes' last milliseconds, from before the first bar to after the last."""
    times = set()
    for i in range(-2, bars + 2):
        if rng.random() < 0.2:
            within = rng.choice((0, 0, timeframe_ms // 2, timeframe_ms - 1, rng.randrange(timeframe_ms)))
            times.add(START_MS + i * timeframe_ms + within)
    return [(time, rng.choice((0.0001, -0.0001, 0.01, -0.01, 0.0))) for time in sorted(times)]
