"""Compiled loops of the averages, of trend and of momentum that TA-Lib does not have.

Import this inside a function: it needs numba, which is slow to import.
"""

from __future__ import annotations

import math

import numpy as np

from tradebot.engine.control.compiling import compiled
from tradebot.engine.market import Float64
from tradebot.engine.strategy.indicators.rolling import frozen


@compiled
def weighted_mean(source: Float64, weights: Float64) -> Float64:
    """Sum of the last values times `weights`, oldest first; NaN before there are enough."""
    size, length = len(source), len(weights)
    result = np.full(size, np.nan)
    for i in range(length - 1, size):
        total = 0.0
        for k in range(length):
            total += weights[k] * source[i - length + 1 + k]
        result[i] = total
    return result


@compiled
def vidya(source: Float64, momentum: Float64, length: int) -> Float64:
    """Chande's average; `momentum` is his oscillator, -100 to 100, from bar `length` on."""
    result = np.full(len(source), np.nan)
    alpha = 2.0 / (length + 1)
    value = 0.0
    for i in range(length):
        value += source[i] / length
    for i in range(length, len(source)):
        value += alpha * abs(momentum[i]) / 100.0 * (source[i] - value)
        result[i] = value
    return result


@compiled
def mcginley(source: Float64, length: int) -> Float64:
    """McGinley's average; see the indicator."""
    result = np.full(len(source), np.nan)
    value = 0.0
    for i in range(length):
        value += source[i] / length
    result[length - 1] = value
    for i in range(length, len(source)):
        price = source[i]
        quotient = price / value if value != 0.0 else 0.0
        divisor = length * quotient**4
        if quotient <= 0.0 or divisor < 1.0:
            value = price
        else:
            value += (price - value) / divisor
        result[i] = value
    return result


@compiled
def schaff_stage(values: Float64, start: int, length: int, factor: float) -> Float64:
    """Stochastic of `values` over `length` bars, smoothed; `values` begin at `start`.

    Without a range the last stochastic stays (50 at first); `s[i] = s[i-1] + factor * (k - s[i-1])`.
    """
    result = np.full(len(values), np.nan)
    k, smooth = 50.0, math.nan
    for i in range(start + length - 1, len(values)):
        low = high = values[i]
        for j in range(i - length + 1, i):
            low = min(low, values[j])
            high = max(high, values[j])
        if high > low:
            k = 100.0 * (values[i] - low) / (high - low)
        smooth = k if math.isnan(smooth) else smooth + factor * (k - smooth)
        result[i] = smooth
    return result


@compiled
def fisher(position: Float64, start: int) -> Float64:
    """Ehlers' transform of a position in a range, -0.5 to 0.5, from bar `start` on."""
    result = np.full(len(position), np.nan)
    value = transform = 0.0
    for i in range(start, len(position)):
        value = 0.66 * position[i] + 0.67 * value
        value = min(0.999, max(-0.999, value))
        transform = 0.5 * math.log((1.0 + value) / (1.0 - value)) + 0.5 * transform
        result[i] = transform
    return result


@compiled
def streak(source: Float64) -> Float64:
    """How many bars in a row the value rose (positive) or fell (negative); 0 where it stayed."""
    result = np.zeros(len(source))
    for i in range(1, len(source)):
        if source[i] > source[i - 1]:
            result[i] = max(result[i - 1], 0.0) + 1.0
        elif source[i] < source[i - 1]:
            result[i] = min(result[i - 1], 0.0) - 1.0
    return result


@compiled
def laguerre(source: Float64, gamma: float) -> Float64:
    """RSI of the four stages of Ehlers' Laguerre filter, 0 to 100; the last one stays where the stages are equal."""
    result = np.full(len(source), np.nan)
    l0 = l1 = l2 = l3 = source[0]
    value = 50.0
    for i in range(len(source)):
        old0, old1, old2 = l0, l1, l2
        l0 = (1.0 - gamma) * source[i] + gamma * old0
        l1 = old0 - gamma * l0 + gamma * old1
        l2 = old1 - gamma * l1 + gamma * old2
        l3 = old2 - gamma * l2 + gamma * l3
        up = max(l0 - l1, 0.0) + max(l1 - l2, 0.0) + max(l2 - l3, 0.0)
        down = max(l1 - l0, 0.0) + max(l2 - l1, 0.0) + max(l3 - l2, 0.0)
        if up + down > 0.0:
            value = 100.0 * up / (up + down)
        result[i] = value
    return result


@compiled
def r_squared(source: Float64, length: int) -> Float64:
    """Squared correlation of the last values with their place; 0 where they are all equal. Each window by itself."""
    size = len(source)
    result = np.full(size, np.nan)
    middle = (length - 1) / 2.0
    places = length * (length * length - 1.0) / 12.0
    for i in range(length - 1, size):
        mean = 0.0
        for k in range(i - length + 1, i + 1):
            mean += (source[k] - source[i]) / length
        values = together = 0.0
        for k in range(length):
            distance = source[i - length + 1 + k] - source[i] - mean
            values += distance * distance
            together += distance * (k - middle)
        result[i] = together * together / (values * places) if values > 0.0 else 0.0
    return result


@compiled
def directional(high: Float64, low: Float64, close: Float64, length: int) -> Float64:
    """Wilder's +DI, -DI, DX and ADX as four rows, counted and started as TA-Lib does (see the indicators).

    Movements and range are summed over the first `length - 1` bars, then `sum - sum / length + new`. A DX is 0 where
    nothing moved, the ADX begins with the mean of the first `length` of them.
    """
    size = len(close)
    result = np.empty((4, size))
    result[:, : 2 * length - 1] = np.nan
    plus = minus = reach = index = average = 0.0
    kept, added = 1.0 - 1.0 / length, 1.0 / length
    for i in range(1, size):
        up, down = high[i] - high[i - 1], low[i - 1] - low[i]
        if i >= length:
            plus *= kept
            minus *= kept
            reach *= kept
        if up > 0.0 and up > down:
            plus += up
        elif down > 0.0 and down > up:
            minus += down
        reach += max(high[i], close[i - 1]) - min(low[i], close[i - 1])
        if i < length:
            continue
        share = 100.0 / reach if reach > 0.0 else 0.0
        plus_di, minus_di = plus * share, minus * share
        if plus_di + minus_di > 0.0:
            index = 100.0 * abs(plus_di - minus_di) / (plus_di + minus_di)
        result[0, i], result[1, i], result[2, i] = plus_di, minus_di, index
        average = average + index * added if i < 2 * length else average * kept + index * added
        if i >= 2 * length - 1:
            result[3, i] = average
    return result


@compiled
def commodity_channel(price: Float64, length: int) -> Float64:
    """`(price - mean) / (0.015 * mean deviation)`, 0 where nothing deviates; each window by itself.

    Distances are taken from the newest price, so that equal prices have a deviation of exactly nothing. The loops go
    over a block of bars and in it over the places of the window: a processor adds several bars at once.
    """
    size, block = len(price), 512
    result = np.empty(size)
    result[: length - 1] = np.nan
    means, deviations = np.empty(block), np.empty(block)
    for start in range(length - 1, size, block):
        count = min(block, size - start)
        now, mean, deviation = price[start : start + count], means[:count], deviations[:count]
        mean[:] = 0.0
        for back in range(1, length):
            then = price[start - back : start - back + count]
            for i in range(count):
                mean[i] += then[i] - now[i]
        for i in range(count):
            mean[i] /= length
            deviation[i] = abs(mean[i])
        for back in range(1, length):
            then = price[start - back : start - back + count]
            for i in range(count):
                deviation[i] += abs(then[i] - now[i] - mean[i])
        for i in range(count):
            spread = deviation[i] / length
            result[start + i] = -mean[i] / (0.015 * spread) if spread > 0.0 else 0.0
    return result


@compiled
def place_in_range(
    value: Float64, lowest: Float64, highest: Float64, scale: float, start: float, empty: float
) -> Float64:
    """`scale * (value - lowest) / (highest - lowest) + start`, `empty` without a range, NaN without extremes."""
    result = np.empty(len(value))
    for i in range(len(value)):
        reach = highest[i] - lowest[i]
        result[i] = scale * ((value[i] - lowest[i]) / reach) + start if reach != 0.0 else empty
    return result


@compiled
def on_balance(source: Float64, volume: Float64) -> Float64:
    """Running total of volume, added where `source` rose and taken away where it fell; it begins with the first."""
    result = np.empty(len(source))
    total = volume[0]
    result[0] = total
    for i in range(1, len(source)):
        # A product, because a branch costs several times as much where it is random.
        total += volume[i] * ((source[i] > source[i - 1]) - (source[i] < source[i - 1]))
        result[i] = total
    return result


@compiled
def buying_pressure(high: Float64, low: Float64, close: Float64) -> Float64:
    """Buying pressure, close less the true low, and the true range of each bar but the first, as two rows."""
    result = np.empty((2, len(close) - 1))
    for i in range(1, len(close)):
        lowest = min(low[i], close[i - 1])
        result[0, i - 1] = close[i] - lowest
        result[1, i - 1] = max(high[i], close[i - 1]) - lowest
    return result


def rehearse() -> None:
    """Run every loop once with the types it always has, so that its compiled version exists afterwards."""
    values = frozen(np.arange(1.0, 9.0))
    weighted_mean(values, values[:2])
    vidya(values, values, 2)
    mcginley(values, 2)
    schaff_stage(values, 0, 2, 0.5)
    fisher(values, 0)
    streak(values)
    laguerre(values, 0.5)
    r_squared(values, 2)
    directional(values, values, values, 2)
    commodity_channel(values, 2)
    place_in_range(values, values, values, 1.0, 0.0, 0.0)
    on_balance(values, values)
    buying_pressure(values, values, values)
