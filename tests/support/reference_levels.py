"""Where a position of the plain reference ends: stops, targets with their shares, trailing, break-even, series."""

from __future__ import annotations

import math

from tests.support.reference_state import (
    Leg,
    Position,
    SlotState,
    ticks_of,
    tighter,
    whole_steps_down,
    whole_steps_up,
)
from tests.support.reference_types import LONG, ReferenceLevel, ReferenceTarget

WHOLE = 100.0


class NoLevelError(Exception):
    """A value that a level needs is missing, or stands on the wrong side of the price."""


def distance(
    state: SlotState, level: ReferenceLevel, price: float, decision: int, risk: float | None = None
) -> float:
    """How far from `price` a level stands; ATR is that of the decision bar, `risk` is R."""
    if level.kind == "percent":
        return price * level.value / 100
    if level.kind == "r":
        if risk is None:
            raise NoLevelError
        return level.value * risk
    atr = state.level_value(level.key, decision)
    if math.isnan(atr):
        raise NoLevelError
    return level.value * atr


def stop_tick(state: SlotState, side: int, price: float) -> int:
    """A price as a stop: rounded towards the market, up for a long and down for a short."""
    return (whole_steps_up if side == LONG else whole_steps_down)(price, state.instrument.tick)


def target_tick(state: SlotState, side: int, price: float) -> int:
    """A price as a target: rounded towards the market too, so the other way round."""
    return stop_tick(state, -side, price)


def stop_from(state: SlotState, side: int, price: float, decision: int) -> int | None:
    """The stop loss of a fill at `price`, at least one whole tick away from it; None where there is no rule."""
    level = state.rules.stop
    if level is None:
        return None
    if level.kind == "series":
        wanted = state.level_value(level.key, decision)
    else:
        wanted = price - side * distance(state, level, price, decision)
    tick = state.instrument.tick
    if side == LONG:
        return min(stop_tick(state, side, wanted), whole_steps_down(price, tick) - 1)
    return max(stop_tick(state, side, wanted), whole_steps_up(price, tick) + 1)


def target_from(
    state: SlotState, side: int, price: float, decision: int, level: ReferenceLevel, risk: float | None
) -> int:
    """The take-profit of a fill at `price`, at least one whole tick away from it."""
    if level.kind == "series":
        wanted = state.level_value(level.key, decision)
    else:
        wanted = price + side * distance(state, level, price, decision, risk)
    tick = state.instrument.tick
    if side == LONG:
        return max(target_tick(state, side, wanted), whole_steps_up(price, tick) + 1)
    return min(target_tick(state, side, wanted), whole_steps_down(price, tick) - 1)


def demand_levels(state: SlotState, side: int, price: float, decision: int) -> None:
    """An entry whose levels cannot be worked out is not taken: NoLevelError.

    That is a missing ATR of any rule, and a series that is missing, on the price or on the wrong side of it.
    """
    rules = state.rules
    for level, beyond in [(rules.stop, -side), *((target.level, side) for target in rules.targets)]:
        if level is None or level.kind == "r":
            continue
        if level.kind == "series":
            value = state.level_value(level.key, decision)
            if math.isnan(value) or beyond * (value - price) <= 0:
                raise NoLevelError
        else:
            distance(state, level, price, decision)
    if rules.trailing is not None and rules.trailing.level.kind != "r":
        distance(state, rules.trailing.level, price, decision)


# At the fill -----------------------------------------------------------------------------------------------


def set_levels(state: SlotState, position: Position) -> None:
    """Stop, R and targets from the average entry; what was tightened before an add stays as tight as it was.

    R is the distance of the stop that holds from then on, a tick at least: an earlier one may stand at the entry.
    """
    side, entry, decision = position.side, position.entry_price, position.decision
    stop = stop_from(state, side, entry, decision)
    if stop is not None:
        if position.stop_ticks is not None:
            stop = tighter(side, position.stop_ticks, stop)
        position.stop_ticks = position.initial_stop_ticks = stop
        position.risk = max(abs(entry - state.price(stop)), state.instrument.tick)
    position.legs = legs_from(state, position)


def legs_from(state: SlotState, position: Position) -> list[Leg]:
    """The take-profits, the nearest first, each with its share of the whole quantity rounded down to lots."""
    side, targets = position.side, state.rules.targets
    shares = shares_of(targets)
    legs = []
    for target, share in zip(targets, shares, strict=True):
        ticks = target_from(state, side, position.entry_price, position.decision, target.level, position.risk)
        legs.append(Leg(target.level, ticks, whole_steps_down(position.lots * share / WHOLE, 1)))
    return in_order(state, side, legs)


def in_order(state: SlotState, side: int, legs: list[Leg]) -> list[Leg]:
    """The legs that are left, the nearest first.

    Where the shares make up the whole the last one takes all that is left. A leg of no lots is left out.
    """
    whole = math.isclose(sum(shares_of(state.rules.targets)), WHOLE, rel_tol=1e-9)
    left = sorted((leg for leg in legs if not leg.filled), key=lambda leg: side * leg.ticks)
    for leg in left:
        leg.takes_the_rest = whole and leg is left[-1]
    return [leg for leg in left if leg.takes_the_rest or leg.lots > 0]


def shares_of(targets: tuple[ReferenceTarget, ...] | list[ReferenceTarget]) -> list[float]:
    """The share of each target; those without one divide evenly what the others leave."""
    left = WHOLE - sum(target.share_percent or 0.0 for target in targets)
    without = sum(target.share_percent is None for target in targets)
    return [left / without if target.share_percent is None else target.share_percent for target in targets]


# While it is open ------------------------------------------------------------------------------------------


def binding_stop(state: SlotState, position: Position) -> tuple[int, str] | None:
    """The tightest of stop loss, break-even and trailing with its name; of equal ones the first named here."""
    raise_break_even(state, position)
    raise_trailing(state, position)
    binding: tuple[int, str] | None = None
    for ticks, reason in (
        (position.stop_ticks, "stop"),
        (position.break_even_ticks, "break_even"),
        (position.trailing_ticks, "trailing"),
    ):
        if ticks is not None and (binding is None or position.side * (ticks - binding[0]) > 0):
            binding = (ticks, reason)
    return binding


def best_has_reached(state: SlotState, position: Position, price: float) -> bool:
    """Whether the best price up to the previous bar has come to `price`, compared in ticks."""
    tick = state.instrument.tick
    if position.side == LONG:
        return ticks_of(position.highest, tick) >= whole_steps_up(price, tick)
    return ticks_of(position.lowest, tick) <= whole_steps_down(price, tick)


def raise_break_even(state: SlotState, position: Position) -> None:
    """Once the best price was `at_r` R away, the stop stands at the entry plus the offset; it never goes back."""
    rules, side, entry = state.rules, position.side, position.entry_price
    if rules.break_even_at_r is None or position.risk is None:
        return
    if best_has_reached(state, position, entry + side * rules.break_even_at_r * position.risk):
        wanted = stop_tick(state, side, entry * (1 + side * rules.break_even_offset_percent / 100))
        before = position.break_even_ticks
        position.break_even_ticks = wanted if before is None else tighter(side, before, wanted)


def raise_trailing(state: SlotState, position: Position) -> None:
    """Behind the best price up to the previous bar, once that was far enough from the entry; it never goes back."""
    trailing, side, entry = state.rules.trailing, position.side, position.entry_price
    if trailing is None or not best_has_reached(
        state, position, entry * (1 + side * trailing.start_percent / 100)
    ):
        return
    if trailing.start_r is not None and (
        position.risk is None
        or not best_has_reached(state, position, entry + side * trailing.start_r * position.risk)
    ):
        return
    best = position.highest if side == LONG else position.lowest
    wanted = stop_tick(
        state, side, best - side * distance(state, trailing.level, best, position.decision, position.risk)
    )
    before = position.trailing_ticks
    position.trailing_ticks = wanted if before is None else tighter(side, before, wanted)


def read_series_levels(state: SlotState, position: Position, decision: int) -> None:
    """At a decision close stops and targets that are a series move with it: nearer to the price only, unless `follow`.

    A missing value moves nothing.
    """
    side, stop = position.side, state.rules.stop
    if stop is not None and stop.kind == "series" and position.stop_ticks is not None:
        value = state.level_value(stop.key, decision)
        if not math.isnan(value):
            ticks = stop_tick(state, side, value)
            position.stop_ticks = ticks if stop.follow else tighter(side, position.stop_ticks, ticks)
    for leg in position.legs:
        if leg.level.kind != "series":
            continue
        value = state.level_value(leg.level.key, decision)
        if not math.isnan(value):
            ticks = target_tick(state, side, value)
            leg.ticks = ticks if leg.level.follow else tighter(-side, leg.ticks, ticks)
    position.legs = in_order(state, side, position.legs)


# Tests against a price -------------------------------------------------------------------------------------


def reached_stop(side: int, stop_ticks: int, ticks: int) -> bool:
    """Touching is enough."""
    return ticks <= stop_ticks if side == LONG else ticks >= stop_ticks


def passed_target(side: int, target_ticks: int, ticks: int) -> bool:
    """Touching is not enough: the price must have traded through."""
    return ticks > target_ticks if side == LONG else ticks < target_ticks


def passed_legs(position: Position, ticks: int) -> list[Leg]:
    """The take-profits not yet filled that a price has traded through, the nearest first."""
    return [leg for leg in position.legs if not leg.filled and passed_target(position.side, leg.ticks, ticks)]
