"""A strategy's specification in the plain words of the reference: names and numbers, no rule."""

from __future__ import annotations

from tests.support.reference_types import (
    ReferenceCosts,
    ReferenceLevel,
    ReferenceRules,
    ReferenceSizing,
    ReferenceTarget,
    ReferenceTrailing,
)
from tradebot.engine.strategy.spec import OrdersSpec, RiskSpec, Use

MAIN_NUMBER = {
    "percent": "percent",
    "atr": "multiple",
    "r": "multiple",
    "fixed": "quantity",
    "notional": "amount",
    "equity": "percent",
    "risk": "percent",
    "volatility": "target_percent",
    "kelly": "fraction",
}


def rules_from_spec(
    risk: RiskSpec,
    orders: OrdersSpec,
    costs: ReferenceCosts,
    timeframe_ms: int,
    name: str = "reference",
) -> ReferenceRules:
    """The rules of one strategy; the costs are the resolved ones."""
    streak, adding, even = risk.loss_streak, risk.pyramiding, risk.break_even
    return ReferenceRules(
        name=name,
        timeframe_ms=timeframe_ms,
        direction=str(risk.direction),
        opposite=str(risk.opposite),
        sizing=sizing_from(risk.sizing),
        leverage=risk.leverage,
        stop=level_from(risk.stop_loss),
        targets=tuple(target_from_use(use) for use in risk.take_profit),
        trailing=trailing_from(risk.trailing_stop),
        break_even_at_r=None if even is None else even.at_r,
        break_even_offset_percent=0.0 if even is None else even.offset_percent,
        max_bars=risk.max_bars,
        cooldown_bars=risk.cooldown_bars,
        max_positions=risk.max_positions,
        max_exposure_percent=risk.max_exposure_percent,
        max_symbol_exposure_percent=risk.max_symbol_exposure_percent,
        max_daily_loss_percent=risk.max_daily_loss_percent,
        max_drawdown_percent=risk.max_drawdown_percent,
        streak_losses=0 if streak is None else streak.losses,
        streak_pause_bars=0 if streak is None else streak.pause_bars,
        max_adds=0 if adding is None else adding.max_adds,
        add_spacing=None if adding is None else level_from(adding.spacing),
        entry=str(orders.entry),
        offset=level_from(orders.offset),
        valid_bars=orders.valid_bars,
        costs=costs,
    )


def level_from(use: Use | None) -> ReferenceLevel | None:
    return None if use is None else required_level(use)


def required_level(use: Use) -> ReferenceLevel:
    if use.use == "series":
        key, follow = f"series:{use.parameters['series']}", bool(use.parameters.get("follow", False))
        return ReferenceLevel("series", key=key, follow=follow)
    key = f"atr:{use.parameters['length']}" if use.use == "atr" else ""
    return ReferenceLevel(use.use, use.number(MAIN_NUMBER[use.use]), key)


def target_from_use(use: Use) -> ReferenceTarget:
    share = use.number("share_percent") if "share_percent" in use.parameters else None
    return ReferenceTarget(required_level(use), share)


def trailing_from(use: Use | None) -> ReferenceTrailing | None:
    if use is None:
        return None
    start_percent = use.number("start_percent") if "start_percent" in use.parameters else 0.0
    start_r = use.number("start_r") if "start_r" in use.parameters else None
    return ReferenceTrailing(required_level(use), start_percent, start_r)


def sizing_from(use: Use) -> ReferenceSizing:
    value = use.number(MAIN_NUMBER[use.use])
    if use.use == "volatility":
        return ReferenceSizing(use.use, value, f"volatility:{use.parameters['length']}")
    if use.use == "kelly":
        least, start = int(use.number("min_trades")), use.number("start_percent")
        return ReferenceSizing(use.use, value, min_trades=least, start_percent=start)
    return ReferenceSizing(use.use, value)
