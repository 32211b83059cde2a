"""The fast part of a price: the minutes of whole UTC days, generated day by day from hashed noise.

Each day is a bridge between two midnights of a walk. Minute returns are fat-tailed noise times a volatility that
clusters on several time scales, follows the clock (US session, calm weekends) and jumps with rare news that fades
slowly. What the noise misses of the day's move is spread over the minutes in proportion to their variance, which for
normal noise is the exact conditional law. The market's day is shared by every coin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tradebot.engine.market import Float64, Int64
from tradebot.engine.simulator.listing import Coin
from tradebot.engine.simulator.noise import UInt64, bell, hashed, key_of, normal, uniform_16
from tradebot.engine.simulator.seconds import stretches
from tradebot.engine.simulator.walks import Walk

Scales = tuple[tuple[int, float], ...]
MINUTES = 1440
# Deviation of a usual day's log return of the whole market.
MARKET_DAILY = 0.024
_STEP = 10
_KNOTS = MINUTES // _STEP
# Deviations of the fast parts of log volatility, and of the log of volume beyond it, by time scale in minutes.
_FAST_SCALES = ((360, 0.24), (60, 0.30), (10, 0.42))
_VOLUME_SCALES = ((1440, 0.40), (720, 0.30), (120, 0.35), (20, 0.40), (10, 0.35))
_MINUTE_DEVIATION = 0.30
# Makes the mean square of the noise what a driver's settings say, seasons and news included.
_FAST_LEVEL = -0.03
# Mean absolute minute return by hour of the day (UTC) over its mean, as measured on a year of Bitcoin.
_HOUR_SHAPE = (
    1.03, 1.05, 0.93, 0.82, 0.74, 0.74, 0.76, 0.80, 0.86, 0.82, 0.80, 0.82,
    1.03, 1.24, 1.50, 1.37, 1.26, 1.18, 1.12, 1.12, 1.12, 1.03, 0.99, 0.86,
)  # fmt: skip
# Monday first.
_WEEKDAY_SHAPE = (1.06, 1.10, 1.10, 1.06, 1.04, 0.60, 0.68)
_NEWS_A_DAY = 3
_NEWS_CHANCE = 0.22


@dataclass(frozen=True, slots=True)
class DriverDays:
    """Days of one driver, arrays of shape (days, 1440).

    `path` is the log level at each minute's end since midnight, `volatility` the log of volatility over its usual.
    """

    path: Float64
    volatility: Float64


@dataclass(frozen=True, slots=True)
class MinuteBars:
    """Minutes of a coin in ticks, lots and ticks times lots; `time` is minutes since 1970."""

    time: Int64
    open: Int64
    high: Int64
    low: Int64
    close: Int64
    volume: Int64
    turnover: Int64


def driver_days(key: int, walk: Walk, days: Int64, market: Float64 | None = None) -> DriverDays:
    """Generate days of one driver; `market` is the market's own log volatility excess, which the others follow."""
    minutes = days[:, None] * MINUTES + np.arange(MINUTES)
    excess = _clusters(key, "fast", _FAST_SCALES, days) * walk.settings.own + _FAST_LEVEL
    slow = walk.excess(days), walk.excess(days + 1)
    ramp = np.arange(MINUTES) / MINUTES
    excess += slow[0][:, None] + (slow[1] - slow[0])[:, None] * ramp
    if market is None:
        excess += _season(days)
        excess += _news(key, days)
    else:
        excess += 0.75 * market
    tremble = bell(hashed(key_of(key, "tremble"), minutes))
    excess += _MINUTE_DEVIATION * tremble - _MINUTE_DEVIATION**2
    volatility = np.exp(excess)
    returns = volatility * normal(hashed(key_of(key, "return"), minutes))
    returns *= walk.settings.daily / np.sqrt(MINUTES)
    move = walk.level(days + 1) - walk.level(days)
    missing = move - returns.sum(axis=1)
    variance = volatility * volatility
    returns += variance * (missing / variance.sum(axis=1))[:, None]
    return DriverDays(np.cumsum(returns, axis=1), excess)


def _clusters(key: int, name: str, scales: Scales, days: Int64) -> Float64:
    """Smooth noise of several scales below a day: knots ten minutes apart, straight lines between them."""
    knots = np.zeros((len(days), _KNOTS + 1))
    for scale, deviation in scales:
        per_day = MINUTES // scale
        own = bell(hashed(key_of(key, name, scale), days[:, None] * per_day + np.arange(per_day + 1)))
        knots += deviation * _lines(own, scale // _STEP, _KNOTS + 1)
    return _lines(knots, _STEP, MINUTES)


def _lines(knots: Float64, spacing: int, length: int) -> Float64:
    """Straight lines through knots `spacing` apart, the first `length` points."""
    if spacing == 1:
        return knots[:, :length]
    ramp = np.arange(spacing) / spacing
    inner = knots[:, :-1, None] + np.diff(knots, axis=1)[:, :, None] * ramp
    flat = inner.reshape(len(knots), -1)
    if length > flat.shape[1]:
        flat = np.concatenate([flat, knots[:, -1:]], axis=1)
    return flat[:, :length]


def _season(days: Int64) -> Float64:
    """Log volatility by hour of the day, day of the week and minute of the quarter hour."""
    weekday = np.log(np.array(_WEEKDAY_SHAPE))[(days + 3) % 7]
    hours = np.log(np.array((*_HOUR_SHAPE, _HOUR_SHAPE[0])))
    hour = np.interp(np.arange(MINUTES) / 60.0, np.arange(25) + 0.0, hours)
    quarter = 0.10 - 0.20 * (np.arange(MINUTES) % 15) / 14.0
    season: Float64 = weekday[:, None] + (hour + quarter)[None, :] - 0.05
    return season


def _news(key: int, days: Int64) -> Float64:
    """Log volatility added by news: a rare sudden rise that fades like aftershocks do."""
    draw = hashed(key_of(key, "news"), days[:, None] * _NEWS_A_DAY + np.arange(_NEWS_A_DAY))
    happens = uniform_16(draw, 0) < _NEWS_CHANCE
    strength = np.where(happens, np.minimum(0.6 - 0.60 * np.log(uniform_16(draw, 16)), 2.8), 0.0)
    at_minute = (uniform_16(draw, 32) * MINUTES).astype(np.int64)
    fade = 6.0 + 40.0 * uniform_16(draw, 48)
    added = np.zeros((len(days), MINUTES))
    minute = np.arange(MINUTES)
    for row, column in zip(*np.nonzero(happens), strict=True):
        start = at_minute[row, column]
        age = minute[: MINUTES - start] / fade[row, column]
        added[row, start:] += strength[row, column] / (1.0 + age) ** 1.5
    return added


def coin_days(key: int, coin: Coin, days: Int64, walks: tuple[Walk, Walk], market: DriverDays) -> MinuteBars:
    """Minutes of whole days of one coin, flat and in order. `walks` are the market's and the coin's own."""
    market_walk, own_walk = walks
    minutes = days[:, None] * MINUTES + np.arange(MINUTES)
    own = driver_days(key, own_walk, days, market.volatility)
    factor = coin.market_factor
    log_price = own.path + factor * market.path + _midnight(coin, walks, days)[:, None]
    ticks = np.floor(np.exp(log_price) + 0.5).astype(np.int64)
    # Both days around a midnight must see the same price there, to the tick.
    opening, closing = (midnight_ticks(coin, walks, day) for day in (days, days + 1))
    ticks[:, -1] = closing
    np.maximum(ticks, 1, out=ticks)

    volatility = np.sqrt(
        (factor * market_walk.settings.daily * np.exp(market.volatility)) ** 2
        + (own_walk.settings.daily * np.exp(own.volatility)) ** 2
    ) / np.sqrt(MINUTES)
    lots = _lots(key, coin, days, volatility, np.exp(log_price), own.path + factor * market.path)
    # A minute without trades keeps the last price.
    quiet = lots == 0
    if quiet.any():
        position = np.where(quiet, 0, np.arange(1, MINUTES + 1))
        np.maximum.accumulate(position, axis=1, out=position)
        ticks = np.take_along_axis(np.concatenate([opening[:, None], ticks], axis=1), position, axis=1)
    open_ = np.concatenate([opening[:, None], ticks[:, :-1]], axis=1)
    high, low = _wicks(key, minutes, open_, ticks, volatility * ticks, quiet)
    time = minutes.reshape(-1)
    o, h, l, c, v = (column.reshape(-1) for column in (open_, high, low, ticks, lots))  # noqa: E741 - as in every chart
    turnover = stretches(o, h, l, c, v, minute_draw(key, time)).turnover()
    return MinuteBars(time, o, h, l, c, v, turnover)


def minute_draw(key: int, minutes: Int64) -> UInt64:
    """The hashed numbers that decide the course inside each minute (see seconds.py)."""
    return hashed(key_of(key, "inside"), minutes)


def _midnight(coin: Coin, walks: tuple[Walk, Walk], days: Int64) -> Float64:
    """Log price in ticks at the midnight that begins each day."""
    base = np.log(coin.price) + coin.tick_decimals * np.log(10.0)
    level: Float64 = base + coin.market_factor * walks[0].level(days) + walks[1].level(days)
    return level


def midnight_ticks(coin: Coin, walks: tuple[Walk, Walk], days: Int64) -> Int64:
    """Price in ticks at the midnight that begins each day."""
    # math.exp, because numpy's may differ in the last bit between a long array and a short one.
    prices = [math.exp(level) for level in _midnight(coin, walks, days).tolist()]
    return np.array([max(1, math.floor(price + 0.5)) for price in prices], dtype=np.int64)


def _lots(key: int, coin: Coin, days: Int64, volatility: Float64, ticks: Float64, path: Float64) -> Int64:
    """Traded lots of each minute: more where volatility and the move are large; 0 where the turnover is too small."""
    minutes = days[:, None] * MINUTES + np.arange(MINUTES)
    usual = np.sqrt(_usual_variance(coin) / MINUTES)
    busy = np.log(volatility / usual)
    move = np.abs(np.diff(path, axis=1, prepend=0.0)) / volatility
    tremble = 0.36 if coin.turnover_day > 2e7 else 0.75
    whim = _clusters(key, "volume", _VOLUME_SCALES, days) + tremble * bell(
        hashed(key_of(key, "lots"), minutes)
    )
    usdt = coin.turnover_day / MINUTES * np.exp(0.95 * busy + whim - 0.25) * (0.55 + 0.5 * move)
    lot_value = ticks * 10.0 ** -(coin.tick_decimals + coin.lot_decimals)
    lots = np.floor(usdt / lot_value).astype(np.int64)
    # Below the exchange's smallest order of 5 USDT nobody trades.
    lots = np.where(usdt < 5.0, 0, np.maximum(lots, 8))
    np.maximum(lots[:, -1], 8, out=lots[:, -1])
    return lots


def _usual_variance(coin: Coin) -> float:
    from_market = (coin.market_factor * MARKET_DAILY) ** 2
    return from_market / coin.market_share


def _wicks(
    key: int, minutes: Int64, open_: Int64, close: Int64, scale: Float64, quiet: npt.NDArray[np.bool_]
) -> tuple[Int64, Int64]:
    """Highs and lows: beyond open and close by an exponential excursion, by nothing in about a quarter of the bars."""
    draw = hashed(key_of(key, "wick"), minutes)
    reach = []
    for shift in (0, 16):
        excursion = np.maximum(-np.log(uniform_16(draw, shift)) - 0.31, 0.0)
        reach.append(np.floor(excursion * 0.30 * scale + 0.5).astype(np.int64))
    above, below = (np.where(quiet, 0, ticks) for ticks in reach)
    high = np.maximum(open_, close) + above
    low = np.maximum(np.minimum(open_, close) - below, 1)
    return high, low
