"""How far stop and target would stand and how large an entry would be, for every entry decision on one symbol.

An estimate in floats before any simulation: the fill is taken to be the close of the decision, the equity the start
cash. Distances are fractions of that close.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tradebot.engine.backtest.kernel.ledger import RunSettings
from tradebot.engine.backtest.lint.types import LintSlot
from tradebot.engine.market import DAY_MS, Float64, RiskTier
from tradebot.engine.strategy import Direction, StrategySpec, Use
from tradebot.engine.strategy.levels import level_column

_MOST_DECISIONS = 50_000
"""More entry decisions are thinned out evenly: medians and shares need no more."""
_YEAR_MS = 365 * DAY_MS


@dataclass(frozen=True, slots=True, eq=False)
class EntryEstimates:
    """One value for each entry decision looked at; `decisions` is how many there are in all.

    `stop` and `target`: distance of the initial stop, of the nearest target, NaN where there is none. `wanted`: the
    quantity that the sizing asks for, in whole lots, and `affordable` what the free cash allows. `liquidation`: the
    distance at which the position is liquidated, infinite without leverage. `rate` and `max_leverage`: the maintenance
    rate and the most leverage of the risk tier that holds the position.
    """

    decisions: int
    side: Float64
    price: Float64
    stop: Float64
    target: Float64
    wanted: Float64
    affordable: Float64
    liquidation: Float64
    rate: Float64
    max_leverage: Float64


def entry_estimates(spec: StrategySpec, slot: LintSlot, settings: RunSettings) -> EntryEstimates | None:
    """Stop, target, size and liquidation of the entry decisions of one symbol; None where it has none."""
    side = slot.decisions.side[slot.first :]
    taken = side if spec.risk.direction is Direction.BOTH else np.where(side == _sign(spec), side, 0)
    at = np.flatnonzero(taken)
    if not len(at):
        return None
    decisions = len(at)
    at = at[:: math.ceil(decisions / _MOST_DECISIONS)]
    price = slot.candles.close[slot.first :][at]
    sides = side[at].astype(np.float64)
    levels = {key: column[slot.first :][at] for key, column in slot.decisions.levels.items()}
    stop = distance(spec.risk.stop_loss, sides, price, levels)
    wanted = quantities(spec, settings, price, stop, levels)
    lot = float(slot.instrument.lot_size)
    wanted = np.floor(wanted / lot * (1.0 + 1e-12)) * lot
    affordable = settings.cash / unit_cost(spec.risk.leverage, sides, price, settings.costs.taker_fee_percent)
    value = np.minimum(wanted, affordable) * price
    tier = tier_values(value, slot.tiers, settings.maintenance_rate_percent)
    targets = [
        distance(use, sides, price, levels, risk=stop, favourable=True) for use in spec.risk.take_profit
    ]
    return EntryEstimates(
        decisions=decisions,
        side=sides,
        price=price,
        stop=stop,
        target=np.fmin.reduce(targets) if targets else np.full(len(at), np.nan),
        wanted=wanted,
        affordable=affordable,
        liquidation=liquidation(spec.risk.leverage, sides, tier),
        rate=tier.rate,
        max_leverage=tier.max_leverage,
    )


def _sign(spec: StrategySpec) -> int:
    return -1 if spec.risk.direction is Direction.SHORT else 1


def distance(
    use: Use | None,
    side: Float64,
    price: Float64,
    levels: Mapping[str, Float64],
    risk: Float64 | None = None,
    favourable: bool = False,
) -> Float64:
    """Distance of a stop (or with `favourable` of a target) from `price` as a fraction of it; NaN where it has none.

    `risk` is the distance of the initial stop, of which an `r` target is a multiple.
    """
    nothing = np.full(len(price), np.nan)
    if use is None:
        return nothing
    if use.use == "percent":
        return np.full(len(price), use.number("percent") / 100.0)
    if use.use == "r":
        return nothing if risk is None else use.number("multiple") * risk
    column = level_column(use)
    held = None if column is None else levels.get(column.key)
    if held is None:
        return nothing
    if use.use == "atr":
        return use.number("multiple") * held / price
    away = (held - price) / price * side * (1.0 if favourable else -1.0)
    return np.where(away > 0.0, away, np.nan)


def quantities(
    spec: StrategySpec,
    settings: RunSettings,
    price: Float64,
    stop: Float64,
    levels: Mapping[str, Float64],
) -> Float64:
    """The quantity that the sizing asks for at the start cash, not rounded; NaN where a level is missing.

    `risk` of 1 % of 10,000 with a stop 2 % away from 100 and 0.1 % of fees on both sides: 100 / (2 + 0.1 + 0.098).
    """
    sizing, cash = spec.risk.sizing, settings.cash
    taker = settings.costs.taker_fee_percent / 100.0
    match sizing.use:
        case "fixed":
            return np.full(len(price), sizing.number("quantity"))
        case "notional":
            return sizing.number("amount") / price
        case "equity":
            return sizing.number("percent") / 100.0 * cash / price
        case "kelly":  # before there are trades to learn from
            return sizing.number("start_percent") / 100.0 * cash / price
        case "risk":
            lost = stop * price + price * taker + price * (1.0 - stop) * taker
            return sizing.number("percent") / 100.0 * cash / lost
        case "volatility":
            column = level_column(sizing)
            sigma = levels.get(column.key) if column is not None else None
            if sigma is None:
                return np.full(len(price), np.nan)
            yearly = np.where(sigma > 0.0, sigma, np.nan) * math.sqrt(_YEAR_MS / spec.timeframe.ms)
            return sizing.number("target_percent") / 100.0 / yearly * cash / price
    return np.full(len(price), np.nan)


def unit_cost(leverage: float, side: Float64, price: Float64, taker_fee_percent: float) -> Float64:
    """What one unit binds at its entry: its margin, the fee, and the fee to close at the bankruptcy price."""
    taker = taker_fee_percent / 100.0
    bankruptcy = price * (1.0 - side / leverage)
    return price / leverage + price * taker + bankruptcy * taker


@dataclass(frozen=True, slots=True, eq=False)
class TierValues:
    """The risk tier of each position: maintenance rate, deduction as a fraction of the position, most leverage."""

    rate: Float64
    relief: Float64
    max_leverage: Float64


def tier_values(value: Float64, tiers: tuple[RiskTier, ...], maintenance_rate_percent: float) -> TierValues:
    """The tier that holds each position value; without tiers the given rate, no deduction and any leverage."""
    if not tiers:
        size = len(value)
        rate = np.full(size, maintenance_rate_percent / 100.0)
        return TierValues(rate, np.zeros(size), np.full(size, np.inf))
    limits = np.array([float(tier.limit) for tier in tiers])
    at = np.minimum(np.searchsorted(limits, value), len(tiers) - 1)
    positive = np.where(value > 0.0, value, np.inf)
    return TierValues(
        rate=np.array([float(tier.maintenance_margin) for tier in tiers])[at],
        relief=np.array([float(tier.deduction) for tier in tiers])[at] / positive,
        max_leverage=np.array([float(tier.max_leverage) for tier in tiers])[at],
    )


def liquidation(leverage: float, side: Float64, tier: TierValues) -> Float64:
    """How far from its entry E each position is liquidated, as a fraction of E; infinite without leverage.

    LP_long = E * (1 - 1/L - d) / (1 - r), LP_short = E * (1 + 1/L + d) / (1 + r) with the maintenance rate r and the
    deduction d as a fraction of the position. 50x with 0.5 %: a long of 20,000 at 19,698.49, which is 1.5075 % away.
    """
    if leverage <= 1.0:
        return np.full(len(side), np.inf)
    long = 1.0 - (1.0 - 1.0 / leverage - tier.relief) / (1.0 - tier.rate)
    short = (1.0 + 1.0 / leverage + tier.relief) / (1.0 + tier.rate) - 1.0
    return np.where(side > 0.0, long, short)
