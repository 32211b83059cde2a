"""Random but repeatable rules of a strategy for whole runs."""

from __future__ import annotations

from random import Random

from tests.support.reference_types import (
    ReferenceCosts,
    ReferenceLevel,
    ReferenceRules,
    ReferenceSizing,
    ReferenceTarget,
    ReferenceTrailing,
)


def random_rules(
    rng: Random, name: str, timeframe_ms: int, cash: float, price: float, move: float, *, spot: bool
) -> ReferenceRules:
    """A strategy whose distances fit the typical `move` of a bar; on spot long and unleveraged."""
    direction = "long" if spot else rng.choice(("both", "both", "long", "short"))
    stop = rng.choice((None, *([random_stop(rng, move, direction)] * 3)))
    entry = rng.choice(("market", "market", "limit", "stop"))
    even = stop is not None and rng.random() < 0.3
    limited = rng.random() < 0.5
    return ReferenceRules(
        name=name,
        timeframe_ms=timeframe_ms,
        direction=direction,
        opposite=rng.choice(("reverse", "close", "ignore")),
        sizing=random_sizing(rng, cash, price, with_stop=stop is not None),
        leverage=1.0 if spot else rng.choice((1.0, 1.0, 2.0, 3.5, 10.0, 50.0)),
        stop=stop,
        targets=random_targets(rng, move, direction, with_stop=stop is not None),
        trailing=random_trailing(rng, move, with_stop=stop is not None),
        break_even_at_r=rng.choice((0.3, 1.0)) if even else None,
        break_even_offset_percent=rng.choice((0.0, 0.05)) if even else 0.0,
        max_bars=rng.choice((0, 0, 1, 2, 7)),
        cooldown_bars=rng.choice((0, 0, 1, 3)),
        max_positions=rng.choice((0, 0, 1, 2)),
        max_exposure_percent=rng.choice((None, None, 60.0, 300.0)),
        max_symbol_exposure_percent=rng.choice((None, None, 30.0, 150.0)),
        max_daily_loss_percent=rng.choice((1.0, 5.0)) if limited and rng.random() < 0.5 else None,
        max_drawdown_percent=rng.choice((10.0, 30.0)) if limited and rng.random() < 0.3 else None,
        streak_losses=rng.choice((1, 2, 3)) if limited else 0,
        streak_pause_bars=rng.choice((1, 3)) if limited else 0,
        max_adds=rng.choice((0, 0, 1, 3)),
        add_spacing=rng.choice((None, random_distance(rng, move / 2))),
        entry=entry,
        offset=None
        if entry == "market" or (entry == "limit" and rng.random() < 0.2)
        else random_distance(rng, move / 2),
        valid_bars=rng.choice((1, 2, 5)),
        costs=random_costs(rng, funding=not spot),
    )


def percents(move: float) -> tuple[float, ...]:
    """Distances from much less than a bar's move to several of them."""
    return tuple(min(90.0, round(100 * move * times, 4)) for times in (0.05, 0.5, 1.0, 2.0, 5.0))


def random_distance(rng: Random, move: float) -> ReferenceLevel:
    if rng.random() < 0.5:
        return ReferenceLevel("percent", max(0.001, rng.choice(percents(move))))
    return ReferenceLevel("atr", rng.choice((0.1, 0.5, 1.0, 2.0)), "atr:14")


def random_stop(rng: Random, move: float, direction: str) -> ReferenceLevel:
    if rng.random() < 0.3 and direction != "both":
        key = "series:low" if direction == "long" else "series:high"
        return ReferenceLevel("series", key=key, follow=rng.random() < 0.4)
    return random_distance(rng, move)


def random_targets(
    rng: Random, move: float, direction: str, *, with_stop: bool
) -> tuple[ReferenceTarget, ...]:
    shares = rng.choice(
        (
            (),
            (),
            (None,),
            (100.0,),
            (40.0,),
            (50.0, 50.0),
            (None, 25.0),
            (20.0, 30.0, 50.0),
            (None, None, None),
        )
    )
    return tuple(ReferenceTarget(random_target(rng, move, direction, with_stop), share) for share in shares)


def random_target(rng: Random, move: float, direction: str, with_stop: bool) -> ReferenceLevel:
    if with_stop and rng.random() < 0.4:
        return ReferenceLevel("r", rng.choice((0.5, 1.0, 1.0, 2.0, 3.0)))
    if direction != "both" and rng.random() < 0.2:
        key = "series:high" if direction == "long" else "series:low"
        return ReferenceLevel("series", key=key, follow=rng.random() < 0.4)
    return random_distance(rng, move)


def random_trailing(rng: Random, move: float, *, with_stop: bool) -> ReferenceTrailing | None:
    if rng.random() < 0.6:
        return None
    level = random_distance(rng, move)
    start_r = None
    if with_stop and rng.random() < 0.5:
        level = ReferenceLevel("r", rng.choice((0.5, 1.0, 2.0)))
        start_r = rng.choice((None, 0.5, 1.0))
    return ReferenceTrailing(level, rng.choice((0.0, 0.0, *percents(move))), start_r)


def random_sizing(rng: Random, cash: float, price: float, *, with_stop: bool) -> ReferenceSizing:
    kinds = ["equity", "equity", "notional", "fixed", "volatility", "kelly"] + ["risk"] * (2 * with_stop)
    kind = rng.choice(kinds)
    share = rng.choice((0.001, 0.1, 0.5, 0.999, 1.0, 3.0))
    match kind:
        case "equity":
            return ReferenceSizing(kind, 100 * share)
        case "notional":
            return ReferenceSizing(kind, cash * share)
        case "fixed":
            return ReferenceSizing(kind, cash / price * share)
        case "volatility":
            return ReferenceSizing(kind, rng.choice((5.0, 40.0, 200.0)), "volatility:20")
        case "kelly":
            return ReferenceSizing(kind, rng.choice((0.25, 0.5)), min_trades=rng.choice((1, 3, 10)))
    return ReferenceSizing(kind, rng.choice((0.1, 1.0, 5.0)))


def random_costs(rng: Random, *, funding: bool) -> ReferenceCosts:
    taker, maker = rng.choice(((0.0, 0.0), (0.055, 0.02), (0.1, 0.1), (1.0, 0.5)))
    return ReferenceCosts(
        taker_fee_percent=taker,
        maker_fee_percent=maker,
        slippage_percent=rng.choice((0.0, 0.0, 0.01, 0.5)),
        half_spread_percent=rng.choice((0.0, 0.0, 0.02)),
        funding=funding and rng.random() < 0.8,
        max_volume_share_percent=rng.choice((0.0, 0.0, 0.0, 10.0, 50.0)),
        impact=rng.choice((0.0, 0.0, 0.0, 0.5)),
    )
