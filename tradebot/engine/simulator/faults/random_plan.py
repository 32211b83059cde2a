"""Plans drawn from a number: varied, survivable, and always calm at the end."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from tradebot.engine.market import MINUTE_MS
from tradebot.engine.simulator.faults.plan import FaultPlan
from tradebot.engine.simulator.faults.rule import FaultRule

_KLINE = "/v5/market/kline"
_LEAST_MS = 10_000
Draw = Callable[[random.Random], FaultRule]


def _seldom(rng: random.Random) -> float:
    return round(rng.uniform(0.02, 0.35), 3)


def _long(rng: random.Random, low: float, high: float) -> float:
    return round(rng.uniform(low, high), 1)


_DRAWS: dict[str, Draw] = {
    "latency": lambda rng: FaultRule(
        "latency", probability=_seldom(rng), seconds=_long(rng, 0, 4), jitter_seconds=_long(rng, 0, 4)
    ),
    "reset": lambda rng: FaultRule("reset", probability=_seldom(rng)),
    "timeout": lambda rng: FaultRule("timeout", probability=_seldom(rng) / 3, seconds=60.0),
    "html": lambda rng: FaultRule("html", probability=_seldom(rng), status=rng.choice((502, 503, 504))),
    "overload": lambda rng: FaultRule("overload", probability=_seldom(rng)),
    "truncated": lambda rng: FaultRule("truncated", probability=_seldom(rng)),
    "empty": lambda rng: FaultRule("empty", probability=_seldom(rng)),
    "ret_code": lambda rng: FaultRule(
        "ret_code", probability=_seldom(rng), code=rng.choice((10000, 10002, 10006, 10016)), seconds=_long(rng, 0, 3)
    ),
    "rows_missing": lambda rng: FaultRule(
        "rows_missing", _KLINE, probability=_seldom(rng), rows=rng.randint(1, 4)
    ),
    "rows_doubled": lambda rng: FaultRule(
        "rows_doubled", _KLINE, probability=_seldom(rng), rows=rng.randint(1, 4)
    ),
    "rows_unordered": lambda rng: FaultRule("rows_unordered", _KLINE, probability=_seldom(rng)),
    "short_page": lambda rng: FaultRule(
        "short_page", _KLINE, probability=_seldom(rng), rows=rng.choice((1, 3, 50, 200))
    ),
    "repeated_cursor": lambda rng: FaultRule("repeated_cursor", probability=_seldom(rng)),
    "stale_ticker": lambda rng: FaultRule("stale_ticker", probability=_seldom(rng)),
    "drop": lambda rng: FaultRule(
        "drop", probability=_seldom(rng), count=rng.randint(1, 6), code=rng.choice((1000, 1001, 1006))
    ),
    "refuse": lambda rng: FaultRule("refuse", probability=0.6, count=3, seconds=_long(rng, 2, 40)),
    "stall": lambda rng: FaultRule(
        "stall", probability=_seldom(rng), count=rng.randint(1, 2), seconds=_long(rng, 10, 90)
    ),
    "no_pong": lambda rng: FaultRule("no_pong", probability=rng.choice((0.2, 0.5, 1.0))),
    "confirm_lost": lambda rng: FaultRule("confirm_lost", "kline.*", probability=_seldom(rng)),
    "confirm_doubled": lambda rng: FaultRule(
        "confirm_doubled", "kline.*", probability=_seldom(rng), seconds=_long(rng, 0, 70)
    ),
    "late": lambda rng: FaultRule(
        "late", "kline.*", probability=_seldom(rng), seconds=_long(rng, 0.5, 8), jitter_seconds=_long(rng, 0, 70)
    ),
    "out_of_order": lambda rng: FaultRule("out_of_order", probability=_seldom(rng)),
    "silent_topic": lambda rng: FaultRule(
        "silent_topic", "kline.*", probability=_seldom(rng), count=2, seconds=_long(rng, 30, 150)
    ),
    "ban": lambda rng: FaultRule("ban", nth=rng.choice((1, 3, 10, 30)), seconds=_long(rng, 5, 90)),
    "hole": lambda _: FaultRule("hole"),
    "skew": lambda rng: FaultRule("skew", seconds=_long(rng, -20, 20)),
}  # fmt: skip
_ALWAYS_POSSIBLE = tuple(kind for kind in _DRAWS if kind not in {"ban", "hole", "skew"})


def random_plan(
    seed: int,
    start_ms: int,
    span_ms: int,
    symbols: Sequence[str] = (),
    calm_ms: int = 3 * MINUTE_MS,
    listed_later: Sequence[str] = (),
    delisted: Sequence[str] = (),
    bans: bool = False,
    kinds: Sequence[str] | None = None,
) -> FaultPlan:
    """A plan for a run that begins at `start_ms` and lasts `span_ms`; the same arguments give the same plan.

    Three to nine kinds of faults at moments of their own; nothing new goes wrong in the last `calm_ms`, so that a
    sound client can make everything good. Holes are made in the bars of `symbols`, symbols of `listed_later` and
    `delisted` come and go, `bans` lets the address be refused (a client that waits ten minutes then needs a longer
    run). `kinds` narrows the choice. Raises ValueError where the span leaves no time for faults.
    """
    rng = random.Random(f"plan/{seed}")
    calm_from = start_ms + span_ms - calm_ms
    if calm_from - start_ms < 2 * _LEAST_MS:
        raise ValueError(f"a span of {span_ms} ms with {calm_ms} ms of calm leaves no time for faults")
    possible = [*_ALWAYS_POSSIBLE, "skew", *(["ban"] if bans else []), *(["hole"] if symbols else [])]
    chosen = [kind for kind in possible if kinds is None or kind in kinds]
    rng.shuffle(chosen)
    rules = [
        _placed(_DRAWS[kind](rng), rng, start_ms, calm_from, symbols) for kind in chosen[: rng.randint(3, 9)]
    ]
    for kind, names in (("list", listed_later), ("delist", delisted)):
        rules += [FaultRule(kind, symbol=name, from_ms=_moment(rng, start_ms, calm_from)) for name in names]
    return FaultPlan(tuple(rules))


def _placed(
    rule: FaultRule, rng: random.Random, start_ms: int, calm_from: int, symbols: Sequence[str]
) -> FaultRule:
    """The rule with a time of its own, over before the calm begins."""
    if rule.kind == "hole":
        length = rng.randint(1, 12) * MINUTE_MS
        first = rng.randrange(start_ms - 30 * MINUTE_MS, calm_from - length) // MINUTE_MS * MINUTE_MS
        return replace(rule, symbol=rng.choice(symbols), from_ms=first, until_ms=first + length)
    if rule.kind == "skew":
        return replace(rule, from_ms=start_ms)
    lasting = rule.seconds + rule.jitter_seconds if rule.kind not in {"latency", "timeout"} else 0.0
    latest = max(start_ms + _LEAST_MS, calm_from - round(lasting * 1000))
    # Many begin at once: a run asks most of its requests in its first seconds.
    first = start_ms if rng.random() < 0.4 else rng.randrange(start_ms, latest)
    until = min(latest, first + rng.randrange(_LEAST_MS, max(_LEAST_MS + 1, latest - start_ms)))
    return replace(rule, from_ms=first, until_ms=max(until, first + 1))


def _moment(rng: random.Random, start_ms: int, calm_from: int) -> int:
    """A whole minute before the calm, mostly inside of longer bars."""
    first = start_ms // MINUTE_MS + 1
    return rng.randint(first, max(first, calm_from // MINUTE_MS)) * MINUTE_MS
